/*
 * Trace texts: interns the texts of one document. All texts lie in one block, and an
 * open-addressing table of buckets of (hash, offset) finds them. The hash is seeded, so that no
 * document can choose texts that collide. The table grows step by step: each new text moves a
 * bucket of the old table to the new one, because moving a large table at once would hold the loop
 * for milliseconds.
 *
 * Why not base's map (hash.h): with it, decoding Jaeger JSON takes 1.4 to 1.5 times as long, and
 * its peak is 256 bytes a span instead of 177 (bench_decode, 10,000 spans). A map copies every key
 * to the heap, takes no length, and grows at once. hash_bytes() alone, in place of
 * trace_texts_hash(), costs 3 to 10 %.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "tracepager/buf.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/utf8.h"
#include "trace_texts-internal.h"

#define TEXTS_FULL(nbuckets) ((nbuckets) * (TEXTS_PER_BUCKET - 1))

/* ---- the table ---- */

/* Which of a bucket's hashes are this one: a bit for each. */
static inline unsigned int find_hashes(const struct text_bucket *bucket, uint32_t hash)
{
#ifdef __SSE2__
	const __m128i *hashes = (const __m128i *)(const void *)bucket->hashes;
	__m128i wanted = _mm_set1_epi32((int)hash);
	__m128i low = _mm_cmpeq_epi32(_mm_loadu_si128(hashes), wanted);
	__m128i high = _mm_cmpeq_epi32(_mm_loadu_si128(hashes + 1), wanted);

	return (unsigned int)_mm_movemask_ps(_mm_castsi128_ps(low)) |
	       (unsigned int)_mm_movemask_ps(_mm_castsi128_ps(high)) << 4;
#else
	unsigned int found = 0;

	for (unsigned int i = 0; i < TEXTS_PER_BUCKET; i++)
		found |= (unsigned int)(bucket->hashes[i] == hash) << i;
	return found;
#endif
}

static void drop_old_buckets(struct trace_texts *texts)
{
	blocks_scratch_free(texts->blocks, texts->old_buckets, texts->nold,
			    sizeof(*texts->old_buckets));
	texts->old_buckets = NULL;
	texts->nold = texts->nmoved = 0;
}

static void texts_put(struct trace_texts *texts, uint32_t hash, uint32_t text)
{
	uint32_t i = hash & (texts->nbuckets - 1);
	unsigned int place, free_places;

	while ((free_places = find_hashes(&texts->buckets[i], 0)) == 0)
		i = (i + 1) & (texts->nbuckets - 1);
	place = (unsigned int)__builtin_ctz(free_places);
	texts->buckets[i].hashes[place] = hash;
	texts->buckets[i].texts[place] = text;
}

/* Copies the next bucket of the old table. It stays as it is until all have moved, so that it can
 * still be searched. */
static void move_bucket(struct trace_texts *texts)
{
	const struct text_bucket *bucket = &texts->old_buckets[texts->nmoved++];

	for (unsigned int i = 0; i < TEXTS_PER_BUCKET && bucket->hashes[i] != 0; i++)
		texts_put(texts, bucket->hashes[i], bucket->texts[i]);
	if (texts->nmoved == texts->nold)
		drop_old_buckets(texts);
}

static bool grow_buckets(struct trace_texts *texts)
{
	uint32_t n = texts->nbuckets > 0 ? texts->nbuckets * 2 : 32;
	struct text_bucket *buckets = blocks_scratch(texts->blocks, n, sizeof(*buckets));

	if (!buckets)
		return false;
	/* Each new text moves a bucket, so the old table is empty long before the new one is full.
	 */
	assert(!texts->old_buckets);
	texts->old_buckets = texts->buckets;
	texts->nold = texts->nbuckets;
	texts->buckets = buckets;
	texts->nbuckets = n;
	return true;
}

/* Has the text neither a NUL nor a byte that is not ASCII? */
static bool texts_is_plain(const char *text, size_t len)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t bad = 0, word;
	size_t i = 0;

	if (len < 8) {
		for (; i < len; i++)
			if ((signed char)text[i] <= 0)
				return false;
		return true;
	}
	for (; i + 8 <= len; i += 8) {
		word = trace_texts_load64(text + i);
		bad |= (word - ones) | word;
	}
	word = trace_texts_load64(text + len - 8);
	bad |= (word - ones) | word;
	return (bad & ones * 0x80) == 0;
}

static bool is_clean(const char *text, size_t len)
{
	return texts_is_plain(text, len) ||
	       (utf8_span(text, len) == len && !memchr(text, '\0', len));
}

/* ---- texts ---- */

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

/* Inserts a text that is clean. */
static inline __attribute__((always_inline)) uint32_t insert_text(struct trace_texts *texts,
								  const char *text, size_t len,
								  uint32_t hash)
{
	uint32_t at = texts->string_bytes;

	if (len >= LIMIT_TRACE_STRING_BYTES || at + len + 1 > LIMIT_TRACE_STRING_BYTES) {
		err_set(&texts->blocks->err, E2BIG, "more than %u MiB of different texts",
			LIMIT_TRACE_STRING_BYTES >> 20);
		return TRACE_NONE;
	}
	if (at + len + 1 > texts->strings_size &&
	    !blocks_grow(texts->blocks, &texts->strings, &texts->strings_size, at,
			 (uint32_t)len + 1, 1))
		return TRACE_NONE;
	if (texts->ntexts >= TEXTS_FULL(texts->nbuckets) && !grow_buckets(texts))
		return TRACE_NONE;
	memcpy(texts->strings + at, text, len);
	texts->strings[at + len] = '\0';
	texts->string_bytes = at + (uint32_t)len + 1;
	texts_put(texts, hash, at);
	texts->ntexts++;
	if (texts->old_buckets)
		move_bucket(texts);
	return at;
}

static uint32_t texts_insert(struct trace_texts *texts, const char *text, size_t len, uint32_t hash)
{
	if (!is_clean(text, len))
		return texts_insert_clean(texts, text, len);
	return insert_text(texts, text, len, hash);
}

/* The reference of a text in one table; 0: it is not there. */
static inline __attribute__((always_inline)) uint32_t find_text(const struct trace_texts *texts,
								const struct text_bucket *buckets,
								uint32_t nbuckets, uint32_t hash,
								const char *text, size_t len)
{
	for (uint32_t i = hash & (nbuckets - 1);; i = (i + 1) & (nbuckets - 1)) {
		unsigned int found = find_hashes(&buckets[i], hash);

		for (; found != 0; found &= found - 1) {
			uint32_t at = buckets[i].texts[__builtin_ctz(found)];

			if (trace_texts_is(texts, at, text, len))
				return at;
		}
		if (buckets[i].hashes[TEXTS_PER_BUCKET - 1] == 0)
			return 0;
	}
}

uint32_t trace_texts_add(struct trace_texts *texts, const char *text, size_t len)
{
	uint32_t hash, found;

	if (texts->blocks->err.code != 0)
		return TRACE_NONE;
	if (len == 0)
		return 0;
	hash = (uint32_t)trace_texts_hash(texts, text, len) | 0x80000000u;
	found = find_text(texts, texts->buckets, texts->nbuckets, hash, text, len);
	if (found == 0 && texts->old_buckets)
		found = find_text(texts, texts->old_buckets, texts->nold, hash, text, len);
	return found != 0 ? found : texts_insert(texts, text, len, hash);
}

/* trace_texts_add() with the size known to the compiler. */
uint32_t trace_texts_add_digits(struct trace_texts *texts, const char digits[static 16])
{
	const size_t len = 16;
	uint32_t hash, found;

	if (texts->blocks->err.code != 0)
		return TRACE_NONE;
	hash = (uint32_t)trace_texts_hash(texts, digits, len) | 0x80000000u;
	found = find_text(texts, texts->buckets, texts->nbuckets, hash, digits, len);
	if (found == 0 && texts->old_buckets)
		found = find_text(texts, texts->old_buckets, texts->nold, hash, digits, len);
	return found != 0 ? found : insert_text(texts, digits, len, hash);
}

/* The reference of a text cut to max bytes. Cleaning can make a text three times as long, so a text
 * that is not clean is cleaned first, then cut again. */
uint32_t trace_texts_cut(struct trace_texts *texts, const char *text, size_t len, size_t max)
{
	struct buf clean;
	uint32_t result;

	len = utf8_cut(text, len, max);
	if (len <= max / 3 || is_clean(text, len))
		return trace_texts_add(texts, text, len);
	clean = clean_text(text, len);
	result = trace_texts_add(texts, clean.data, utf8_cut(clean.data, clean.len, max));
	buf_fini(&clean);
	return result;
}

void trace_texts_init(struct trace_texts *texts, struct blocks *blocks)
{
	texts->blocks = blocks;
	texts->seeds[0] = hash_bytes("texts", 5);
	texts->seeds[1] = hash_bytes("words", 5);
	if (grow_buckets(texts) &&
	    blocks_grow(blocks, &texts->strings, &texts->strings_size, 0, 64, 1))
		texts->strings[texts->string_bytes++] = '\0'; /* reference 0 */
}

void trace_texts_fini(struct trace_texts *texts)
{
	blocks_free(texts->strings);
	blocks_free(texts->buckets);
	blocks_free(texts->old_buckets);
}

void trace_texts_drop_table(struct trace_texts *texts)
{
	drop_old_buckets(texts);
	blocks_scratch_free(texts->blocks, texts->buckets, texts->nbuckets,
			    sizeof(*texts->buckets));
	texts->buckets = NULL;
	texts->nbuckets = 0;
	blocks_shrink(texts->blocks, &texts->strings, texts->strings_size, texts->string_bytes, 1);
}
