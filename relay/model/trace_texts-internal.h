/*
 * Trace texts, inside: the interned texts of one document. Hashing and comparing are inline,
 * because the builder does both for every attribute of every span.
 */
#ifndef TRACEPAGER_TRACE_TEXTS_INTERNAL_H
#define TRACEPAGER_TRACE_TEXTS_INTERNAL_H

#include <string.h>

#include "blocks-internal.h"

/* As large as a line of the cache, so that a look-up meets one line, and all its hashes are
 * compared at once. */
#define TEXTS_PER_BUCKET 8
struct text_bucket {
	uint32_t hashes[TEXTS_PER_BUCKET]; /* 0: free; the used ones come first */
	uint32_t texts[TEXTS_PER_BUCKET];
};

struct trace_texts {
	struct blocks *blocks; /* borrowed: the builder's */
	uint64_t seeds[2];
	char *strings; /* all texts, NUL-terminated; a reference is an offset */
	uint32_t string_bytes, strings_size;
	struct text_bucket *buckets;
	uint32_t ntexts, nbuckets; /* nbuckets: a power of two */
	/* The table before, half as large; NULL: all buckets have moved. */
	struct text_bucket *old_buckets;
	uint32_t nold, nmoved;
};

/* blocks must outlive the texts. blocks->err is set where the memory account has no room even for
 * empty tables. */
void trace_texts_init(struct trace_texts *texts, struct blocks *blocks);
void trace_texts_fini(struct trace_texts *texts);
/* The reference of a text; TRACE_NONE: a cap is reached, and blocks->err says which. Bytes that are
 * NUL or not UTF-8 become U+FFFD. */
uint32_t trace_texts_add(struct trace_texts *texts, const char *text, size_t len);
/* The same, of 16 hexadecimal digits. */
uint32_t trace_texts_add_digits(struct trace_texts *texts, const char digits[static 16]);
/* The same, of the text cut to max bytes, not inside a character. */
uint32_t trace_texts_cut(struct trace_texts *texts, const char *text, size_t len, size_t max);
/* All texts are in: frees the table and the unused end of strings. */
void trace_texts_drop_table(struct trace_texts *texts);

/* ---- inline ---- */

static inline uint64_t trace_texts_load64(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint32_t trace_texts_load32(const char *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint64_t trace_texts_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* As hash_bytes(), but inline, and without a loop for texts of up to 16 bytes, which most are. */
static inline uint64_t trace_texts_hash(const struct trace_texts *texts, const char *text,
					size_t len)
{
	uint64_t state = texts->seeds[0] ^ len, low = 0, high = 0;

	for (; len > 16; text += 16, len -= 16)
		state = trace_texts_fold(trace_texts_load64(text) ^ texts->seeds[1],
					 trace_texts_load64(text + 8) ^ state);
	if (len >= 8) {
		low = trace_texts_load64(text);
		high = trace_texts_load64(text + len - 8);
	} else if (len >= 4) {
		low = trace_texts_load32(text);
		high = trace_texts_load32(text + len - 4);
	} else if (len > 0) {
		low = (uint64_t)(unsigned char)text[0] << 16 |
		      (uint64_t)(unsigned char)text[len / 2] << 8 | (unsigned char)text[len - 1];
	}
	return trace_texts_fold(low ^ texts->seeds[1], high ^ state);
}

/* As memcmp(), whose call costs more than the comparison of a text of a few words. */
static inline bool trace_texts_equal(const char *a, const char *b, size_t len)
{
	size_t i = 0;

	if (len < 8) {
		for (; i < len; i++)
			if (a[i] != b[i])
				return false;
		return true;
	}
	for (; i + 8 <= len; i += 8)
		if (trace_texts_load64(a + i) != trace_texts_load64(b + i))
			return false;
	return trace_texts_load64(a + len - 8) == trace_texts_load64(b + len - 8);
}

/* Is the text behind a reference this one? */
static inline bool trace_texts_is(const struct trace_texts *texts, uint32_t text,
				  const char *wanted, size_t len)
{
	return text + len < texts->string_bytes &&
	       trace_texts_equal(texts->strings + text, wanted, len) &&
	       texts->strings[text + len] == '\0';
}

#endif
