/*
 * Findings: what is wrong in the files of an admin, collected and shown as compilers do. Knows how
 * to print, escape and count; what is a problem, others decide. Owns the texts of a struct
 * findings.
 */
#include <stdlib.h>
#include <strings.h>

#include "rules-internal.h"

#define TEXT_CAP 2048 /* of a message or a hint; names within are capped before */

static const struct {
	const char *code, *text;
} codes[] = {
#define CODE(code, text) { #code, text },
#include "codes.def"
#undef CODE
};

const char *finding_explain(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (strcasecmp(codes[i].code, code) == 0)
			return codes[i].text;
	return NULL;
}

const char *finding_code(size_t index)
{
	return index < ARRAY_LEN(codes) ? codes[index].code : NULL;
}

/* One line that is safe on a terminal. */
static char *shown(const char *text)
{
	struct buf out = BUF_INIT(TEXT_CAP * 8);

	ytext_show(&out, text);
	return buf_take(&out);
}

void findings_vadd(struct findings *findings, const struct finding_place *place, const char *format,
		   va_list args)
{
	char text[TEXT_CAP];

	if (place->level == FINDING_ERROR)
		findings->nerrors++;
	else
		findings->nwarnings++;
	if (findings->n == LIMIT_FINDINGS)
		return;
	if ((findings->n & (findings->n - 1)) == 0)
		findings->at = xrealloc_array(findings->at, findings->n ? findings->n * 2 : 1,
					      sizeof(*findings->at));
	vsnprintf(text, sizeof(text), format, args);
	findings->at[findings->n++] = (struct finding){
		.level = place->level,
		.code = place->code,
		.file = xstrdup(place->file),
		.line = place->line,
		.column = place->column,
		.width = place->width,
		.text = shown(text),
		.source = xstrdup(place->source),
		.hint = place->hint ? shown(place->hint) : NULL,
	};
}

void findings_add(struct findings *findings, enum finding_level level, const char *code,
		  const char *file, const char *hint, const char *format, ...)
{
	struct finding_place place = { .level = level, .code = code, .file = file, .hint = hint };
	va_list args;

	va_start(args, format);
	findings_vadd(findings, &place, format, args);
	va_end(args);
}

void findings_take(struct findings *findings, struct findings *from)
{
	size_t n = from->n;

	if (n > LIMIT_FINDINGS - findings->n)
		n = LIMIT_FINDINGS - findings->n;
	/* Additions count on a power of two. */
	size_t size = 1;
	while (size < findings->n + n)
		size *= 2;
	if (n) {
		findings->at = xrealloc_array(findings->at, size, sizeof(*findings->at));
		memcpy(findings->at + findings->n, from->at, n * sizeof(*from->at));
		memmove(from->at, from->at + n, (from->n - n) * sizeof(*from->at));
	}
	findings->n += n;
	findings->nerrors += from->nerrors;
	findings->nwarnings += from->nwarnings;
	from->n -= n;
	findings_fini(from);
}

void findings_fini(struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		free(findings->at[i].file);
		free(findings->at[i].text);
		free(findings->at[i].source);
		free(findings->at[i].hint);
	}
	free(findings->at);
	*findings = (struct findings){ .at = NULL };
}

static int compare(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int order = strcmp(x->file, y->file);

	if (order == 0)
		order = x->line != y->line ? (x->line < y->line ? -1 : 1) : 0;
	if (order == 0)
		order = x->column != y->column ? (x->column < y->column ? -1 : 1) : 0;
	return order ? order : strcmp(x->code, y->code);
}

void findings_sort(struct findings *findings)
{
	if (findings->n > 1)
		qsort(findings->at, findings->n, sizeof(*findings->at), compare);
}

/* The source line, and beneath it the carets: a tab stays a tab, what is escaped takes its cells.
 */
static void write_source(const struct finding *finding, const char *const *colours, struct buf *out)
{
	const char *at = finding->source, *end = at + strlen(at);
	struct buf carets = BUF_INIT(16u << 10);
	int column = 1, past = finding->column + (finding->width > 0 ? finding->width : 1);

	buf_printf(out, "%5d | ", finding->line);
	for (; at < end; column++) {
		uint32_t c;
		size_t n = ytext_char(at, end, &c), width = 1;
		if (c == '\t')
			buf_putc(out, '\t');
		else
			width = ytext_show_char(out, at, n, c);
		if (column < finding->column && c == '\t')
			buf_putc(&carets, '\t');
		else if (column < past)
			for (size_t i = 0; i < width; i++)
				buf_putc(&carets, column < finding->column ? ' ' : '^');
		at += n;
	}
	for (; column <= finding->column; column++)
		buf_putc(&carets, column < finding->column ? ' ' : '^');
	buf_printf(out, "\n      | %s%s%s\n", colours[1], buf_text(&carets), colours[2]);
	buf_fini(&carets);
}

static void write_finding(const struct finding *finding, bool colour, struct buf *out)
{
	static const char *const plain[] = { "", "", "" };
	static const char *const error[] = { "\033[1m", "\033[1;31m", "\033[0m" };
	static const char *const warning[] = { "\033[1m", "\033[1;35m", "\033[0m" };
	bool is_error = finding->level == FINDING_ERROR;
	const char *const *colours = !colour ? plain : is_error ? error : warning;

	buf_puts(out, colours[0]);
	ytext_show(out, finding->file);
	if (finding->line > 0)
		buf_printf(out, ":%d:%d", finding->line, finding->column);
	buf_printf(out, ":%s %s%s[%s]:%s %s\n", colours[2], colours[1],
		   is_error ? "error" : "warning", finding->code, colours[2], finding->text);
	if (finding->source)
		write_source(finding, colours, out);
	if (finding->hint)
		buf_printf(out, "      = help: %s\n", finding->hint);
}

void findings_write(const struct findings *findings, bool colour, struct buf *out)
{
	for (size_t i = 0; i < findings->n; i++)
		write_finding(&findings->at[i], colour, out);
	size_t all = findings->nerrors + findings->nwarnings;
	if (all > findings->n)
		buf_printf(out, "and %zu more\n", all - findings->n);
}

/* Words longer than this are no slips of the finger. */
#define WORD_MAX 64

static char folded(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c == '-' ? '_' : c;
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Edits from a to b: a letter more, less, other, or two swapped. Gives up beyond `most` and returns
 * more than it. Upper and lower case, and - and _, are the same letter. */
static unsigned int distance(const char *a, size_t na, const char *b, size_t nb, unsigned int most)
{
	unsigned int rows[3][WORD_MAX + 1];
	unsigned int *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= nb; j++)
		last[j] = (unsigned int)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned int best = now[0] = (unsigned int)i;
		for (size_t j = 1; j <= nb; j++) {
			bool same = folded(a[i - 1]) == folded(b[j - 1]);
			now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + !same);
			if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
			    folded(a[i - 2]) == folded(b[j - 1]))
				now[j] = least(now[j], before[j - 2] + 1);
			best = least(best, now[j]);
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
	unsigned int most = len < 3 ? 0 : least((unsigned int)(len + 1) / 3, 4);
	for (size_t i = 0; i < n; i++) {
		size_t other = strlen(candidates[i]);
		if (other > WORD_MAX || (other > len ? other - len : len - other) > most)
			continue;
		unsigned int far = distance(word, len, candidates[i], other, most);
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
	struct buf all = BUF_INIT(TEXT_CAP);
	for (size_t i = 0; i < n; i++)
		buf_printf(&all, "%s%s", i ? ", " : "known here: ", known[i]);
	const char *text = arena_strdup(arena, buf_text(&all));
	buf_fini(&all);
	return text;
}
