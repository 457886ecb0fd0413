/*
 * Explain: what a code of findings means, for a person who asks: the sentence of codes.def, then
 * why it matters, an example and the cure from explain.def. Pure: owns nothing.
 */
#include <strings.h>

#include <stdio.h>
#include <string.h>

#include "tracepager/findings.h"
#include "tracepager/xalloc.h"

#define COLUMNS 78

static const struct explanation {
	const char *code, *why, *example, *cure;
	bool loads; /* the example is a text of rules that gives the code */
} explanations[] = {
#define EXPLAIN(code, why, example, cure) { #code, why, example, cure, true },
#define TELL(code, why, example, cure)	  { #code, why, example, cure, false },
#include "explain.def"
#undef EXPLAIN
#undef TELL
};

static const struct explanation *find_explanation(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(explanations); i++)
		if (strcasecmp(explanations[i].code, code) == 0)
			return &explanations[i];
	return NULL;
}

/* Adds a paragraph, broken at blanks. Columns are counted in bytes: a line with letters beyond
 * ASCII is broken a little earlier. */
static void add_paragraph(struct buf *out, const char *title, const char *text)
{
	size_t column = strlen(title);

	buf_puts(out, title);
	while (*text) {
		size_t len = strcspn(text, " ");
		if (column + len + 1 > COLUMNS && column) {
			buf_putc(out, '\n');
			column = 0;
		}
		if (column)
			buf_putc(out, ' ');
		buf_add(out, text, len);
		column += len + (column > 0);
		text += len;
		text += *text == ' ';
	}
	buf_putc(out, '\n');
}

static void add_example(struct buf *out, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		buf_printf(out, "    %.*s\n", (int)len, text);
		text += len;
		text += *text == '\n';
	}
}

bool finding_explain_write(const char *code, struct buf *out)
{
	const struct explanation *explanation = find_explanation(code);
	char title[16];

	if (!explanation)
		return false;
	snprintf(title, sizeof(title), "%s:", explanation->code);
	add_paragraph(out, title, finding_explain(code));
	buf_putc(out, '\n');
	add_paragraph(out, "Why:", explanation->why);
	buf_puts(out, "\nExample:\n");
	add_example(out, explanation->example);
	buf_putc(out, '\n');
	add_paragraph(out, "Cure:", explanation->cure);
	return true;
}

const char *finding_example(const char *code)
{
	const struct explanation *explanation = find_explanation(code);

	return explanation && explanation->loads ? explanation->example : NULL;
}
