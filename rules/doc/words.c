/*
 * Words: the hints of findings, "did you mean …?", by edit distance. Pure: owns nothing.
 */
#include <stdint.h>
#include <string.h>

#include "tracepager/findings.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static char folded_letter(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c == '-' ? '_' : c;
}

static unsigned int lesser_of(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/*
 * Number of edits from a to b: a letter more, less or other, or two letters swapped. Gives up
 * beyond `most` and returns a larger number. Upper and lower case are the same letter, and so are
 * - and _.
 */
static unsigned int edit_distance(const char *a, size_t na, const char *b, size_t nb,
				  unsigned int most)
{
	unsigned int rows[3][LIMIT_SUGGEST_BYTES + 1];
	unsigned int *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= nb; j++)
		last[j] = (unsigned int)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned int best = now[0] = (unsigned int)i;
		for (size_t j = 1; j <= nb; j++) {
			bool same = folded_letter(a[i - 1]) == folded_letter(b[j - 1]);
			now[j] = lesser_of(lesser_of(last[j], now[j - 1]) + 1, last[j - 1] + !same);
			if (i > 1 && j > 1 && folded_letter(a[i - 1]) == folded_letter(b[j - 2]) &&
			    folded_letter(a[i - 2]) == folded_letter(b[j - 1]))
				now[j] = lesser_of(now[j], before[j - 2] + 1);
			best = lesser_of(best, now[j]);
		}
		if (best > most)
			return best;
		unsigned int *oldest = before;
		before = last;
		last = now;
		now = oldest;
	}
	return last[nb];
}

/* The letters of a word as bits; others than a to z share bits. */
static uint32_t letters_of(const char *word, size_t len)
{
	uint32_t letters = 0;

	for (size_t i = 0; i < len; i++)
		letters |= UINT32_C(1) << (folded_letter(word[i]) & 31);
	return letters;
}

/* At least so many edits lie between two words: one edit adds or removes at most one letter. */
static unsigned int least_distance(uint32_t a, uint32_t b)
{
	unsigned int more = (unsigned int)__builtin_popcount(a & ~b),
		     fewer = (unsigned int)__builtin_popcount(b & ~a);

	return more > fewer ? more : fewer;
}

const char *nearest_word(const char *word, const char *const *candidates, size_t n)
{
	size_t len = strlen(word);
	uint32_t letters = letters_of(word, len);
	const char *nearest = NULL;

	if (len == 0 || len > LIMIT_SUGGEST_BYTES)
		return NULL;
	/* One edit in three letters: "tem" may be "team", but "abc" is not "xyz". With two
	 * letters any guess would be wild. */
	unsigned int most = len < 3 ? 0 : lesser_of((unsigned int)(len + 1) / 3, 4);
	for (size_t i = 0; i < n; i++) {
		size_t other = strlen(candidates[i]);
		if (other > LIMIT_SUGGEST_BYTES || (other > len ? other - len : len - other) > most)
			continue;
		if (least_distance(letters, letters_of(candidates[i], other)) > most)
			continue;
		unsigned int far = edit_distance(word, len, candidates[i], other, most);
		if (far > most || (nearest && far == most))
			continue;
		nearest = candidates[i];
		if (far == 0)
			break;
		most = far; /* from here on only a nearer candidate is better */
	}
	return nearest;
}

/* Have both words the same digits in the same order? */
static bool same_digits(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a && (*a < '0' || *a > '9'))
			a++;
		while (*b && (*b < '0' || *b > '9'))
			b++;
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}

bool words_typo(const char *word, const char *other)
{
	const size_t n = strlen(word), m = strlen(other), least = n < m ? n : m;
	const unsigned int most = least < 8 ? 1 : 2;

	if (least < 4 || n > LIMIT_SUGGEST_BYTES || m > LIMIT_SUGGEST_BYTES || n > m + most ||
	    m > n + most || least_distance(letters_of(word, n), letters_of(other, m)) > most)
		return false;
	return same_digits(word, other) && edit_distance(word, n, other, m, most) <= most;
}

const char *words_hint(struct arena *arena, const char *word, const char *const *known, size_t n)
{
	const char *nearest = nearest_word(word, known, n);

	if (nearest)
		return arena_printf(arena, "did you mean \"%s\"?", nearest);
	struct buf all = BUF_INIT(LIMIT_FINDING_TEXT_BYTES);
	for (size_t i = 0; i < n; i++)
		buf_printf(&all, "%s%s", i ? ", " : "known here: ", known[i]);
	const char *text = arena_strdup(arena, buf_text(&all));
	buf_fini(&all);
	return text;
}
