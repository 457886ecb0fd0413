/*
 * Trace texts: interns the texts of one document. All texts lie in one block, and an
 * open-addressing table of (hash, offset) finds them. The hash is seeded, so that no document can
 * choose texts that collide. The table grows step by step: each new text moves 8 slots of the old
 * table to the new one, because moving a large table at once would hold the loop for milliseconds.
 *
 * Why not base's map (hash.h): with it, decoding Jaeger JSON takes 1.4 to 1.5 times as long, and
 * its peak is 256 bytes a span instead of 177 (bench_decode, 10,000 spans). A map copies every key
 * to the heap, takes no length, and grows at once. hash_bytes() alone, in place of
 * trace_texts_hash(), costs 3 to 10 %.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "tracepager/buf.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/utf8.h"
#include "trace_texts-internal.h"

static void drop_old_slots(struct trace_texts *texts)
{
	blocks_scratch_free(texts->blocks, texts->old_slots, texts->nold,
			    sizeof(*texts->old_slots));
	texts->old_slots = NULL;
	texts->nold = texts->nmoved = 0;
}

static void put_slot(struct trace_texts *texts, struct text_slot slot)
{
	uint32_t i = slot.hash & (texts->nslots - 1);

	while (texts->slots[i].text != 0)
		i = (i + 1) & (texts->nslots - 1);
	texts->slots[i] = slot;
}

/* Copies the next n slots of the old table. It stays as it is until all have moved, so that it can
 * still be searched. */
static void move_slots(struct trace_texts *texts, uint32_t n)
{
	for (; n > 0 && texts->nmoved < texts->nold; n--, texts->nmoved++)
		if (texts->old_slots[texts->nmoved].text != 0)
			put_slot(texts, texts->old_slots[texts->nmoved]);
	if (texts->old_slots && texts->nmoved == texts->nold)
		drop_old_slots(texts);
}

static bool grow_slots(struct trace_texts *texts)
{
	uint32_t n = texts->nslots > 0 ? texts->nslots * 2 : 256;
	struct text_slot *slots = blocks_scratch(texts->blocks, n, sizeof(*slots));

	if (!slots)
		return false;
	/* Each new text moves 8 slots, so the old table is empty long before the new one is full.
	 */
	assert(!texts->old_slots);
	texts->old_slots = texts->slots;
	texts->nold = texts->nslots;
	texts->slots = slots;
	texts->nslots = n;
	return true;
}

static bool is_clean(const char *text, size_t len)
{
	return utf8_span(text, len) == len && !memchr(text, '\0', len);
}

/* The text with U+FFFD for each byte that is NUL or not UTF-8. The caller frees the buf. */
static struct buf clean_text(const char *text, size_t len)
{
	struct buf clean = BUF_INIT(3 * len);

	while (len > 0) {
		size_t n = strnlen(text, len);

		buf_add_utf8(&clean, text, n);
		if (n < len) {
			buf_puts(&clean, "\xef\xbf\xbd");
			n++;
		}
		text += n;
		len -= n;
	}
	return clean;
}

static uint32_t texts_insert_clean(struct trace_texts *texts, const char *text, size_t len)
{
	struct buf clean = clean_text(text, len);
	uint32_t result = trace_texts_add(texts, clean.data, clean.len);

	buf_fini(&clean);
	return result;
}

static uint32_t texts_insert(struct trace_texts *texts, const char *text, size_t len, uint32_t hash)
{
	uint32_t at = texts->string_bytes;

	if (!is_clean(text, len))
		return texts_insert_clean(texts, text, len);
	if (len >= LIMIT_TRACE_STRING_BYTES || at + len + 1 > LIMIT_TRACE_STRING_BYTES) {
		err_set(&texts->blocks->err, E2BIG, "more than %u MiB of different texts",
			LIMIT_TRACE_STRING_BYTES >> 20);
		return TRACE_NONE;
	}
	if (at + len + 1 > texts->strings_size &&
	    !blocks_grow(texts->blocks, &texts->strings, &texts->strings_size, at,
			 (uint32_t)len + 1, 1))
		return TRACE_NONE;
	if (texts->ntexts >= texts->nslots - texts->nslots / 4 && !grow_slots(texts))
		return TRACE_NONE;
	memcpy(texts->strings + at, text, len);
	texts->strings[at + len] = '\0';
	texts->string_bytes = at + (uint32_t)len + 1;
	put_slot(texts, (struct text_slot){ hash, at });
	texts->ntexts++;
	if (texts->old_slots)
		move_slots(texts, 8);
	return at;
}

/* The reference of a text in one table; 0: it is not there. */
static inline uint32_t find_text(const struct trace_texts *texts, const struct text_slot *slots,
				 uint32_t nslots, uint32_t hash, const char *text, size_t len)
{
	for (uint32_t i = hash & (nslots - 1); slots[i].text != 0; i = (i + 1) & (nslots - 1))
		if (slots[i].hash == hash && trace_texts_is(texts, slots[i].text, text, len))
			return slots[i].text;
	return 0;
}

uint32_t trace_texts_add(struct trace_texts *texts, const char *text, size_t len)
{
	uint32_t hash, found;

	if (texts->blocks->err.code != 0)
		return TRACE_NONE;
	if (len == 0)
		return 0;
	hash = (uint32_t)trace_texts_hash(texts, text, len);
	found = find_text(texts, texts->slots, texts->nslots, hash, text, len);
	if (found == 0 && texts->old_slots)
		found = find_text(texts, texts->old_slots, texts->nold, hash, text, len);
	return found != 0 ? found : texts_insert(texts, text, len, hash);
}

/* The length of a text cut to max bytes, but not inside a UTF-8 sequence, which has at most three
 * bytes after its first. */
static size_t cut_len(const char *text, size_t len, size_t max)
{
	size_t least = max < 3 ? 0 : max - 3;

	if (len <= max)
		return len;
	while (max > least && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/* The reference of a text cut to max bytes. Cleaning can make a text three times as long, so a text
 * that is not clean is cleaned first, then cut again. */
uint32_t trace_texts_cut(struct trace_texts *texts, const char *text, size_t len, size_t max)
{
	struct buf clean;
	uint32_t result;

	len = cut_len(text, len, max);
	if (len <= max / 3 || is_clean(text, len))
		return trace_texts_add(texts, text, len);
	clean = clean_text(text, len);
	result = trace_texts_add(texts, clean.data, cut_len(clean.data, clean.len, max));
	buf_fini(&clean);
	return result;
}

void trace_texts_init(struct trace_texts *texts, struct blocks *blocks)
{
	texts->blocks = blocks;
	texts->seeds[0] = hash_bytes("texts", 5);
	texts->seeds[1] = hash_bytes("words", 5);
	if (grow_slots(texts) &&
	    blocks_grow(blocks, &texts->strings, &texts->strings_size, 0, 64, 1))
		texts->strings[texts->string_bytes++] = '\0'; /* reference 0 */
}

void trace_texts_fini(struct trace_texts *texts)
{
	blocks_free(texts->strings);
	blocks_free(texts->slots);
	blocks_free(texts->old_slots);
}

void trace_texts_drop_table(struct trace_texts *texts)
{
	drop_old_slots(texts);
	blocks_scratch_free(texts->blocks, texts->slots, texts->nslots, sizeof(*texts->slots));
	texts->slots = NULL;
	texts->nslots = 0;
	blocks_shrink(texts->blocks, &texts->strings, texts->strings_size, texts->string_bytes, 1);
}
