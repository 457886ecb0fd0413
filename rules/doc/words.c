/*
 * Words: the hints of findings, "did you mean …?", by edit distance. Pure: owns nothing.
 */
#include <string.h>

#include "tracepager/findings.h"
#include "tracepager/xalloc.h"

#define HINT_CAP 2048 /* bytes of a list of known words */

/* Words longer than this are no slips of the finger. */
#define WORD_MAX 64

static char folded_letter(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c == '-' ? '_' : c;
}

static unsigned int lesser_of(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Edits from a to b: a letter more, less, other, or two swapped. Gives up beyond `most` and returns
 * more than it. Upper and lower case, and - and _, are the same letter. */
static unsigned int edit_distance(const char *a, size_t na, const char *b, size_t nb,
				  unsigned int most)
{
	unsigned int rows[3][WORD_MAX + 1];
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

const char *nearest_word(const char *word, const char *const *candidates, size_t n)
{
	size_t len = strlen(word);
	const char *nearest = NULL;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	/* One slip in three letters: "tem" may be "team", but "abc" is not "xyz". Two letters are
	 * too few to guess. */
	unsigned int most = len < 3 ? 0 : lesser_of((unsigned int)(len + 1) / 3, 4);
	for (size_t i = 0; i < n; i++) {
		size_t other = strlen(candidates[i]);
		if (other > WORD_MAX || (other > len ? other - len : len - other) > most)
			continue;
		unsigned int far = edit_distance(word, len, candidates[i], other, most);
		if (far > most || (nearest && far == most))
			continue;
		nearest = candidates[i];
		if (far == 0)
			break;
		most = far; /* only a nearer one is better */
	}
	return nearest;
}

const char *words_hint(struct arena *arena, const char *word, const char *const *known, size_t n)
{
	const char *nearest = nearest_word(word, known, n);

	if (nearest)
		return arena_printf(arena, "did you mean \"%s\"?", nearest);
	struct buf all = BUF_INIT(HINT_CAP);
	for (size_t i = 0; i < n; i++)
		buf_printf(&all, "%s%s", i ? ", " : "known here: ", known[i]);
	const char *text = arena_strdup(arena, buf_text(&all));
	buf_fini(&all);
	return text;
}
