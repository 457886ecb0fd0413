/* Postmortem, Markdown: texts are escaped so that none becomes markup, a mention or a link. */
#include <string.h>

#include "postmortem-internal.h"

/* Marks of CommonMark, its tables and strikethrough. */
static const char markdown_marks[] = "\\`*_{}[]<>#|~&$";
/* A text that begins so begins a list, a heading or a rule. */
static const char markdown_leads[] = "-+=";

static void markdown_text(struct buf *out, const char *text)
{
	size_t digits = strspn(text, "0123456789");

	for (size_t i = 0; text[i]; i++) {
		const char c = text[i];
		const bool leads = (i == 0 && strchr(markdown_leads, c)) ||
				   (digits && i == digits && (c == '.' || c == ')'));
		/* "http:" followed by slashes, and "www.", become links by themselves. */
		const bool links = (c == ':' && text[i + 1] == '/') ||
				   (c == '.' && i >= 3 && strncasecmp(text + i - 3, "www", 3) == 0);
		if (strchr(markdown_marks, c) || leads || links)
			buf_putc(out, '\\');
		buf_putc(out, c);
		/* Nobody is called by what a stranger wrote: a word joiner parts sign and name. */
		if (c == '@')
			buf_puts(out, "\xe2\x81\xa0");
	}
}

/* As a block that is indented: no line of it can end the block. */
static void markdown_drawn(struct buf *out, const char *text)
{
	buf_puts(out, "\n    ");
	for (; *text; text++) {
		buf_putc(out, *text);
		if (*text == '\n')
			buf_puts(out, "    ");
	}
	buf_puts(out, "\n\n");
}

static void markdown_block(struct buf *out, const struct report_block *block, bool first)
{
	switch (block->kind) {
	case REPORT_FACT:
		buf_puts(out, "- **");
		markdown_text(out, block->name);
		buf_puts(out, "**: ");
		markdown_text(out, block->text);
		buf_putc(out, '\n');
		break;
	case REPORT_ITEM:
		buf_puts(out, "- ");
		markdown_text(out, block->text);
		buf_putc(out, '\n');
		break;
	case REPORT_ROW:
		buf_puts(out, first ? "| When | Who | What |\n| --- | --- | --- |\n| " : "| ");
		markdown_text(out, block->name);
		buf_puts(out, " | ");
		markdown_text(out, block->who);
		buf_puts(out, " | ");
		markdown_text(out, block->text);
		buf_puts(out, " |\n");
		break;
	case REPORT_DRAWN:
		markdown_drawn(out, block->text);
		break;
	}
}

void report_write_markdown(const struct report *report, struct buf *out)
{
	buf_puts(out, "# ");
	markdown_text(out, report->title);
	buf_putc(out, '\n');
	for (size_t i = 0; i < report->n; i++) {
		const struct report_section *section = &report->sections[i];
		buf_puts(out, "\n## ");
		markdown_text(out, section->title);
		buf_puts(out, "\n\n");
		for (size_t j = 0; j < section->n; j++)
			markdown_block(out, &section->blocks[j], j == 0);
	}
}
