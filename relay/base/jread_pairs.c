/*
 * Jread pairs: the short way through pairs of a key and a value, such as the members and the tags
 * of a span, which are nearly all bytes of a trace.
 *
 * Writers repeat themselves: the bytes before a value (the head of a pair) are the same in each
 * span, and so is the order of the heads. So each head that was read is remembered with the key
 * that it means and the heads that followed it, and the next pair is compared with these: one
 * comparison in place of several events. What differs from the pattern in any byte (blanks, another
 * order of members, escapes, bytes that are not ASCII, a piece that ends inside the pair) is left
 * to the events, so that only those judge what is wrong.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/base/jread-internal.h"
#include "tracepager/xalloc.h"

/* Heads are remembered one per slot. A longer head is left to the events. */
#define HEAD_SLOTS 64
#define HEAD_BYTES 128
#define HEAD_TRIES 8 /* slots in which a head may be */

struct jread_head {
	uint8_t len; /* 0: free */
	uint8_t pattern;
	struct jread_head *next[2]; /* the heads that followed, the last one first */
	const struct jread_form *form;
	size_t tail_len;
	int key;	       /* what the handler answered */
	char text[HEAD_BYTES]; /* zeros behind it */
};

struct jread_pairs {
	const struct jread_pattern *patterns;
	/* Behind the slots, for each pattern, one that stands before the first pair. */
	struct jread_head heads[HEAD_SLOTS + JREAD_PATTERNS];
};

static void head_init(struct jread_pairs *pairs, struct jread_head *head)
{
	/* A free head, which fits nothing. */
	head->next[0] = head->next[1] = &pairs->heads[HEAD_SLOTS];
}

void jread_pairs_set(struct jread *jread, const struct jread_pattern *patterns)
{
	jread->pairs = xcalloc(1, sizeof(*jread->pairs));
	jread->pairs->patterns = patterns;
	for (size_t i = 0; i < JREAD_PATTERNS; i++)
		head_init(jread->pairs, &jread->pairs->heads[HEAD_SLOTS + i]);
}

void jread_pairs_begin(struct jread *r, unsigned int pattern)
{
	r->pair_depths |= depth_bit(r);
	r->pair_patterns[r->depth - 1] = (uint8_t)pattern;
	r->pair_heads[pattern] = &r->pairs->heads[HEAD_SLOTS + pattern];
}

/* ---- heads ---- */

/* A string without escapes, all ASCII: its closing quote, or NULL. */
ALWAYS_INLINE const char *pair_string_end(const char *p, const char *end)
{
	const char *q = scan_plain(p, end);

	return q < end && *q == '"' && (size_t)(q - p) <= LIMIT_TOKEN_BYTES ? q : NULL;
}

/* Reads a head by its form: the place behind it, or NULL. */
static const char *read_head(const char *form, const char *p, const char *end,
			     struct jread_word words[JREAD_WORDS])
{
	for (; *form; form++) {
		if (p == end)
			return NULL;
		if (*form == '*') {
			const char *q = pair_string_end(p, end);

			if (!q)
				return NULL;
			*words++ = (struct jread_word){ p, (size_t)(q - p) };
			p = q;
		} else if (*p++ != *form) {
			return NULL;
		}
	}
	return p;
}

#if JREAD_SSE2
/* HEAD_BYTES of them. */
#define EIGHT_TIMES(x) x, x, x, x, x, x, x, x
#define ALL_TIMES(x)                                                                               \
	EIGHT_TIMES(x), EIGHT_TIMES(x), EIGHT_TIMES(x), EIGHT_TIMES(x), EIGHT_TIMES(x),            \
		EIGHT_TIMES(x), EIGHT_TIMES(x), EIGHT_TIMES(x), EIGHT_TIMES(x), EIGHT_TIMES(x),    \
		EIGHT_TIMES(x), EIGHT_TIMES(x), EIGHT_TIMES(x), EIGHT_TIMES(x), EIGHT_TIMES(x),    \
		EIGHT_TIMES(x)

ALWAYS_INLINE __m128i load_sixteen(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Sixteen bytes: all ones in those that are the same or, from at on, behind the end of the head. */
ALWAYS_INLINE __m128i same_sixteen(const struct jread_head *head, const char *p, size_t at)
{
	static const char behind[2 * HEAD_BYTES] = { ALL_TIMES(0), ALL_TIMES(-1) };

	return _mm_or_si128(_mm_cmpeq_epi8(load_sixteen(head->text + at), load_sixteen(p + at)),
			    load_sixteen(behind + HEAD_BYTES - head->len + at));
}

ALWAYS_INLINE bool same_64(const struct jread_head *head, const char *p, size_t at)
{
	__m128i same = _mm_and_si128(
		_mm_and_si128(same_sixteen(head, p, at), same_sixteen(head, p, at + 16)),
		_mm_and_si128(same_sixteen(head, p, at + 32), same_sixteen(head, p, at + 48)));

	return _mm_movemask_epi8(same) == 0xffff;
}

/* One comparison of all bytes: a loop would be as long as the head, which misleads the processor at
 * its end. */
ALWAYS_INLINE bool same_head(const struct jread_head *head, const char *p, size_t rest)
{
	if (UNLIKELY(rest < HEAD_BYTES))
		return head->len <= rest && jread_same(head->text, p, head->len);
	if (head->len <= 16)
		return _mm_movemask_epi8(same_sixteen(head, p, 0)) == 0xffff;
	return same_64(head, p, 0) && (head->len <= 64 || same_64(head, p, 64));
}
#else
ALWAYS_INLINE bool same_head(const struct jread_head *head, const char *p, size_t rest)
{
	return head->len <= rest && jread_same(head->text, p, head->len);
}
#endif

ALWAYS_INLINE bool is_head(const struct jread_head *head, const char *p, size_t rest,
			   uint8_t pattern)
{
	return head->len > 0 && same_head(head, p, rest) && head->pattern == pattern;
}

/* The slot of a head in the table, or the slot that it takes from another one. */
static struct jread_head *head_slot(struct jread_pairs *pairs, const char *p, size_t len,
				    uint8_t pattern)
{
	uint64_t hash = len + pattern;
	struct jread_head *slot = NULL;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);
	for (uint64_t i = 0; i < HEAD_TRIES; i++) {
		struct jread_head *head = &pairs->heads[(hash + i) % HEAD_SLOTS];

		if (head->len == len && is_head(head, p, len, pattern))
			return head;
		if (!slot || (slot->len > 0 && head->len == 0))
			slot = head;
	}
	return slot;
}

/* Reads a head that was not expected; remembers it. NULL: it is none of the pattern. */
static struct jread_head *find_head(struct jread *r, const char *p, const char *end,
				    uint8_t pattern)
{
	const struct jread_form *form = r->pairs->patterns[pattern].forms;
	struct jread_word words[JREAD_WORDS] = { { "", 0 } };
	const char *value = NULL;
	struct jread_head *head;
	size_t len;

	while (form->head && !(value = read_head(form->head, p, end, words)))
		form++;
	len = value ? (size_t)(value - p) : 0;
	if (len == 0 || len > HEAD_BYTES)
		return NULL;
	head = head_slot(r->pairs, p, len, pattern);
	if (head->len == len && is_head(head, p, len, pattern))
		return head;
	*head = (struct jread_head){ .len = (uint8_t)len,
				     .pattern = pattern,
				     .form = form,
				     .tail_len = strlen(form->tail),
				     .key = form->key(r->ctx, words) };
	head_init(r->pairs, head);
	memcpy(head->text, p, len);
	return head;
}

/* The head at p; tries those first that followed the one before. NULL: there is none. */
ALWAYS_INLINE struct jread_head *next_head(struct jread *r, const char *p, const char *end,
					   uint8_t pattern, struct jread_head *before)
{
	const size_t rest = (size_t)(end - p);
	struct jread_head *head = before->next[0];

	if (LIKELY(is_head(head, p, rest, pattern)))
		return head;
	head = before->next[1];
	if (!is_head(head, p, rest, pattern))
		head = find_head(r, p, end, pattern);
	if (!head)
		return NULL;
	before->next[1] = before->next[0];
	before->next[0] = head;
	return head;
}

/* ---- values ---- */

/* Reads an integer or a word; the place behind it, or NULL. */
ALWAYS_INLINE const char *read_pair_word(const char *p, const char *end, enum jread_event *ret)
{
	const char *digits = p + (*p == '-'), *q = skip_digits(digits, end);

	*ret = JREAD_NUMBER;
	if (q > digits)
		return q < end && !is_number_char(*q) && (*digits != '0' || q == digits + 1) &&
				       q - p <= LIMIT_TOKEN_BYTES
			       ? q
			       : NULL;
	if (*p != 't' && *p != 'f' && *p != 'n')
		return NULL;
	*ret = literal_event(*p);
	q = p + (*p == 'f' ? 5 : 4);
	return end - p >= 5 && memcmp(p, literal_text(*p), (size_t)(q - p)) == 0 ? q : NULL;
}

/* Takes a pair whose value is an object that the handler knows by its bytes. The place behind it;
 * NULL: left to the events. */
static const char *take_object(struct jread *r, const struct jread_head *head,
			       struct jread_pair *pair, const char *p, const char *end)
{
	size_t size;

	pair->event = JREAD_OBJECT;
	pair->text = p;
	pair->len = (size_t)(end - p);
	/* The byte behind the value must be in the piece, too. */
	size = head->tail_len == 0 ? head->form->object(r->ctx, pair) : 0;
	return size > 0 && size < pair->len ? p + size : NULL;
}

/* Reads the value and what is behind it, and takes the pair. The place behind it; NULL: left to the
 * events. */
ALWAYS_INLINE const char *take_pair(struct jread *r, const struct jread_head *head, const char *p,
				    const char *end)
{
	struct jread_pair pair = { .key = head->key, .event = JREAD_STRING, .head = p };
	const char *q;

	p += head->len;
	if (UNLIKELY(p == end))
		return NULL;
	if (LIKELY(*p == '"')) {
		q = pair_string_end(++p, end);
		if (!q)
			return NULL;
		pair.text = p;
		pair.len = (size_t)(q - p);
		q++;
	} else if (pair.key <= JREAD_PAIR_LIST) {
		const char *empty = pair.key == JREAD_PAIR_LIST ? "[]" : "{}";

		return end - p > 2 && p[0] == empty[0] && p[1] == empty[1] ? p + 2 : NULL;
	} else if (*p == '{' && pair.key >= 0 && head->form->object) {
		return take_object(r, head, &pair, p, end);
	} else {
		q = read_pair_word(p, end, &pair.event);
		if (!q)
			return NULL;
		pair.text = p;
		pair.len = (size_t)(q - p);
	}
	if ((size_t)(end - q) <= head->tail_len ||
	    !jread_same(q, head->form->tail, head->tail_len) || pair.key <= JREAD_PAIR_LIST)
		return NULL;
	if (pair.key >= 0 && !head->form->take(r->ctx, &pair))
		return NULL;
	return q + head->tail_len;
}

const char *jread_pairs_read(struct jread *r, const char *p, const char *end, bool *ret_other)
{
	const uint8_t pattern = r->pair_patterns[r->depth - 1];
	struct jread_head *before = r->pair_heads[pattern], *head;
	const char *behind;

	*ret_other = true;
	while (p < end) {
		head = next_head(r, p, end, pattern, before);
		if (!head)
			break;
		before = head;
		behind = head->key != JREAD_PAIR_OTHER ? take_pair(r, head, p, end) : NULL;
		if (!behind)
			break;
		p = behind;
		if (*p != ',') {
			*ret_other = false;
			break;
		}
		p++;
	}
	r->pair_heads[pattern] = before;
	return p;
}
