/* What all exports share: their files, their losses, scalars of YAML. See export-internal.h. */
#include <ctype.h>
#include <stdarg.h>
#include <strings.h>

#include "export-internal.h"

struct buf *export_add_file(struct exported *exported, const char *name)
{
	exported->files =
		xrealloc_array(exported->files, exported->nfiles + 1, sizeof(*exported->files));
	struct export_file *file = &exported->files[exported->nfiles++];
	file->name = arena_strdup(exported->arena, name);
	buf_init(&file->text, LIMIT_EXPORT_BYTES);
	return &file->text;
}

void export_lose(struct exported *exported, const char *place, const char *format, ...)
{
	struct buf text = BUF_INIT(LIMIT_EXPORT_LOSS_BYTES);
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	for (size_t i = 0; i < exported->nlosses; i++)
		if (strcmp(exported->losses[i].text, buf_text(&text)) == 0 &&
		    strcmp(exported->losses[i].place, place ? place : "") == 0) {
			buf_fini(&text);
			return;
		}
	exported->losses =
		xrealloc_array(exported->losses, exported->nlosses + 1, sizeof(*exported->losses));
	exported->losses[exported->nlosses++] = (struct export_loss){
		.place = place ? place : "",
		.text = arena_strdup(exported->arena, buf_text(&text)),
	};
	buf_fini(&text);
}

/* "b.yaml:9" before "b.yaml:12". */
static int loss_by_place(const void *a, const void *b)
{
	const struct export_loss *one = a, *other = b;
	int order = strverscmp(one->place, other->place);

	return order ? order : strcmp(one->text, other->text);
}

void export_sort_losses(struct exported *exported)
{
	if (exported->nlosses)
		qsort(exported->losses, exported->nlosses, sizeof(*exported->losses),
		      loss_by_place);
}

void export_comment_losses(const struct exported *exported, struct buf *out)
{
	for (size_t i = 0; i < exported->nlosses; i++) {
		const struct export_loss *loss = &exported->losses[i];
		buf_puts(out, "#   ");
		if (*loss->place) {
			ytext_show(out, loss->place);
			buf_puts(out, ": ");
		}
		ytext_show(out, loss->text);
		buf_putc(out, '\n');
	}
}

/* Can the text stand without quotes? Not where YAML would read a boolean, a number or a mark. */
static bool is_plain_scalar(const char *text)
{
	static const char *const words[] = { "true", "false", "null", "yes", "no",
					     "on",   "off",   "y",    "n" };
	static const char safe[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
	size_t len = strlen(text);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return false;
	return isalpha((unsigned char)*text) && strspn(text, safe) == len;
}

/* Can the text stand in single quotes? Only on one line and of characters that every editor
 * shows. */
static bool export_is_printable(const char *text)
{
	const char *end = text + strlen(text);

	while (text < end) {
		uint32_t c;
		size_t n = ytext_char(text, end, &c);
		if (c == YTEXT_BAD || c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xfeff ||
		    c == 0xfffe || c == 0xffff || (c >= 0x200b && c <= 0x200f) ||
		    (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
		    ytext_break(text, end))
			return false;
		text += n;
	}
	return true;
}

void export_quoted(struct buf *out, const char *text)
{
	const char *end = text + strlen(text);
	const bool single = export_is_printable(text);

	buf_putc(out, single ? '\'' : '"');
	while (text < end) {
		uint32_t c;
		size_t n = ytext_char(text, end, &c);
		if (single)
			buf_puts(out, *text == '\'' ? "'" : "");
		if (single)
			buf_add(out, text, n);
		else if (c == YTEXT_BAD)
			buf_puts(out, "\\uFFFD");
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (char)c);
		else if (c < 0x80 && c >= 0x20 && c != 0x7f)
			buf_putc(out, (char)c);
		else
			buf_printf(out, c < 0x10000 ? "\\u%04X" : "\\U%08X", (unsigned int)c);
		text += n;
	}
	buf_putc(out, single ? '\'' : '"');
}

void export_scalar(struct buf *out, const char *text)
{
	if (is_plain_scalar(text))
		buf_puts(out, text);
	else
		export_quoted(out, text);
}

int export_by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}
