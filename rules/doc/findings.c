/*
 * Findings: collects the problems of files that an admin wrote, sorts them, and prints them as a
 * compiler does. The caller decides which text is a problem. Owns the texts of a struct findings.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "doc-internal.h"

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"
#include "tracepager/ytext.h"

/* Of more than so many warnings of one code and cure in one file, the first ones are written whole,
 * and the lines of some others. */
#define ALIKE_FOLDED  5u
#define ALIKE_WRITTEN 3u
#define ALIKE_LINES   20u

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

/* The text as one line that is safe on a terminal. The caller frees. */
static char *escaped_text(const char *text)
{
	struct buf out = BUF_INIT(LIMIT_FINDING_TEXT_BYTES * 8);

	ytext_show(&out, text);
	return buf_take(&out);
}

void findings_vadd(struct findings *findings, const struct finding_place *place, const char *format,
		   va_list args)
{
	char text[LIMIT_FINDING_TEXT_BYTES];

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
		.text = escaped_text(text),
		.source = xstrdup(place->source),
		.hint = place->hint ? escaped_text(place->hint) : NULL,
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
	/* findings_vadd() grows the list when its length is a power of two. */
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

static int compare_findings(const void *a, const void *b)
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
		qsort(findings->at, findings->n, sizeof(*findings->at), compare_findings);
}

/* Adds the source line, and beneath it the carets. A tab stays a tab in both lines; an escaped
 * character gets as many carets as its escape has cells. */
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

/* Are both about the same, in the same file, and have they the same cure? */
static bool are_alike(const struct finding *a, const struct finding *b)
{
	return strcmp(a->code, b->code) == 0 && strcmp(a->file, b->file) == 0 &&
	       strcmp(a->hint ? a->hint : "", b->hint ? b->hint : "") == 0;
}

static size_t count_alike(const struct findings *findings, const struct finding *one)
{
	size_t n = 0;

	for (size_t i = 0; i < findings->n; i++)
		n += are_alike(&findings->at[i], one);
	return n;
}

/* "rules.yaml: and 12 more warnings[W021], on lines 17, 19, ...": those behind the ones that were
 * written whole. */
static void write_alike(const struct findings *findings, size_t first, size_t n, struct buf *out)
{
	const struct finding *one = &findings->at[first];
	size_t told = 0;

	ytext_show(out, one->file);
	buf_printf(out, ": and %zu more warnings[%s], on lines ", n, one->code);
	for (size_t i = first; i < findings->n && told <= ALIKE_LINES; i++) {
		const struct finding *other = &findings->at[i];
		if (!are_alike(other, one))
			continue;
		if (told == ALIKE_LINES)
			buf_puts(out, ", ...");
		else
			buf_printf(out, "%s%d", told ? ", " : "", other->line);
		told++;
	}
	buf_putc(out, '\n');
}

void findings_write(const struct findings *findings, bool colour, struct buf *out)
{
	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *finding = &findings->at[i];
		size_t before = 0;
		for (size_t j = 0; j < i && before <= ALIKE_WRITTEN; j++)
			before += are_alike(&findings->at[j], finding);
		const size_t alike = finding->level == FINDING_WARNING && before >= ALIKE_WRITTEN
					     ? count_alike(findings, finding)
					     : 0;
		if (alike <= ALIKE_FOLDED)
			write_finding(finding, colour, out);
		else if (before == ALIKE_WRITTEN)
			write_alike(findings, i, alike - ALIKE_WRITTEN, out);
	}
	size_t all = findings->nerrors + findings->nwarnings;
	if (all > findings->n)
		buf_printf(out, "and %zu more\n", all - findings->n);
}
