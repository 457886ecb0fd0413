/*
 * Generate, mdoc: texts of the tables as lines of a manual page, and the hand-written parts of a
 * page. Lines end before column 80, and each sentence begins one, as mdoc wants it.
 */
#include "generate.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tracepager/xalloc.h"

/* The day of the last change to the texts; the same build writes the same pages. */
#define PAGES_DATE "November 29, 2026"
#define LINE_BYTES 78
/* Closing punctuation, which a macro takes as words of their own. */
#define CLOSING ".,;:)?!"

/* ---- characters ---- */

/* The code point of a character of several bytes, and how many they are. */
static unsigned long wide_character(const unsigned char *at, size_t *ret_len)
{
	const size_t len = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
	unsigned long code = *at & (0xffu >> (len + 1));

	for (size_t i = 1; i < len && at[i]; i++)
		code = code << 6 | (at[i] & 0x3fu);
	*ret_len = len;
	return code;
}

/* Characters that formatters would print as others, or read as their own. */
static void add_character(const char **at, bool typed, struct buf *out)
{
	const char c = **at;
	size_t len;

	if ((unsigned char)c >= 0x80) {
		buf_printf(out, "\\[u%04lX]", wide_character((const unsigned char *)*at, &len));
		*at += len;
		return;
	}
	++*at;
	if (c == '\\')
		buf_puts(out, "\\e");
	else if (typed && c == '-')
		buf_puts(out, "\\-");
	else if (typed && c == '\'')
		buf_puts(out, "\\(aq");
	else if (typed && c == '`')
		buf_puts(out, "\\(ga");
	else if (typed && c == '~')
		buf_puts(out, "\\(ti");
	else if (typed && c == '^')
		buf_puts(out, "\\(ha");
	else
		buf_putc(out, c);
}

void mdoc_literal(const char *line, struct buf *out)
{
	if (*line == '.' || *line == '\'')
		buf_puts(out, "\\&");
	while (*line)
		add_character(&line, true, out);
	buf_putc(out, '\n');
}

void mdoc_unbroken(const char *line, struct buf *out)
{
	for (bool begins = true; *line; begins = line[-1] == ' ') {
		if (begins)
			buf_puts(out, "\\%");
		add_character(&line, true, out);
	}
	buf_putc(out, '\n');
}

void mdoc_header(const char *name, const char *section, const char *about, struct buf *out)
{
	buf_printf(out,
		   ".\\\" Written by the build from the tables and contrib/man/parts: change "
		   "those.\n.Dd %s\n.Dt ",
		   PAGES_DATE);
	for (const char *at = name; *at; at++)
		buf_putc(out, (char)toupper((unsigned char)*at));
	buf_printf(out, " %s\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n", section, name, about);
}

/* ---- references ---- */

void references_add(struct references *refs, const char *name, const char *section)
{
	char entry[64];

	/* The section first: that is their order. */
	snprintf(entry, sizeof(entry), "%s %s", section, name);
	for (size_t i = 0; i < refs->n; i++)
		if (text_is(refs->names[i], entry))
			return;
	if (refs->n == ARRAY_LEN(refs->names))
		abort();
	memcpy(refs->names[refs->n++], entry, sizeof(entry));
}

static int compare_references(const void *a, const void *b)
{
	return strcmp(a, b);
}

void references_write(struct references *refs, const char *self, const char *section,
		      struct buf *out)
{
	char own[64];
	size_t shown = 0;

	snprintf(own, sizeof(own), "%s %s", section, self);
	qsort(refs->names, refs->n, sizeof(refs->names[0]), compare_references);
	buf_puts(out, ".Sh SEE ALSO\n");
	for (size_t i = 0; i < refs->n; i++) {
		if (text_is(refs->names[i], own))
			continue;
		buf_printf(out, "%s.Xr %s %c", shown++ ? " ,\n" : "", refs->names[i] + 2,
			   refs->names[i][0]);
	}
	buf_puts(out, "\n");
}

/* ---- texts ---- */

struct mdoc_writer {
	struct buf *out;
	const char *arguments;
	struct references *refs;
	size_t used; /* of the line; 0: a new one begins */
	bool quoted; /* between quotation marks nothing is marked */
};

static void end_line(struct mdoc_writer *writer)
{
	if (writer->used)
		buf_putc(writer->out, '\n');
	writer->used = 0;
}

/* "tracepager-api(7)": its name's length, and *ret_section; 0: it is none. */
static size_t reference_length(const char *word, char *ret_section)
{
	if (strncmp(word, "tracepager", strlen("tracepager")) != 0)
		return 0;
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz-.");

	if (word[len] != '(' || !isdigit((unsigned char)word[len + 1]) || word[len + 2] != ')')
		return 0;
	*ret_section = word[len + 1];
	return len;
}

static bool is_argument(const struct mdoc_writer *writer, const char *word, size_t len)
{
	if (len < 2)
		return false;
	for (const char *at = writer->arguments; *at;) {
		size_t n = strcspn(at, " ");
		if (n == len && strncmp(at, word, len) == 0)
			return true;
		at += n;
		at += strspn(at, " ");
	}
	return false;
}

/* A macro's line, with closing punctuation behind its word. */
static void add_macro(struct mdoc_writer *writer, const char *macro, const char *word, size_t len,
		      const char *closing)
{
	end_line(writer);
	buf_printf(writer->out, ".%s ", macro);
	for (const char *at = word; at < word + len;)
		add_character(&at, true, writer->out);
	for (; *closing; closing++)
		buf_printf(writer->out, " %c", *closing);
	buf_putc(writer->out, '\n');
}

/* True: the word was written as a macro. */
static bool add_marked(struct mdoc_writer *writer, const char *word)
{
	char section[2] = "";
	size_t len = reference_length(word, section), closing = strlen(word);

	if (len && strspn(word + len + 3, CLOSING) == strlen(word + len + 3)) {
		char name[64];
		snprintf(name, sizeof(name), "%.*s", (int)len, word);
		end_line(writer);
		buf_printf(writer->out, ".Xr %s %s", name, section);
		for (const char *at = word + len + 3; *at; at++)
			buf_printf(writer->out, " %c", *at);
		buf_putc(writer->out, '\n');
		references_add(writer->refs, name, section);
		return true;
	}
	while (closing && strchr(CLOSING, word[closing - 1]))
		closing--;
	if (strncmp(word, "--", 2) == 0 && closing > 2 &&
	    strspn(word + 2, "abcdefghijklmnopqrstuvwxyz-") == closing - 2) {
		add_macro(writer, "Fl", word + 1, closing - 1, word + closing);
		return true;
	}
	if (is_argument(writer, word, closing)) {
		add_macro(writer, "Ar", word, closing, word + closing);
		return true;
	}
	return false;
}

/* Is the word a path, an option of a file or the like, which no formatter may hyphenate? */
static bool is_name(const char *word)
{
	return strpbrk(word, "/_=") || (strchr(word, '.') && strchr(word, '.')[1]);
}

static void add_plain(struct mdoc_writer *writer, const char *word)
{
	struct buf shown = BUF_INIT(GENERATE_FILE_BYTES);
	/* Dashes of options are typed; those within words are hyphens. */
	const bool typed = *word == '-' || *word == '"';

	if (is_name(word))
		buf_puts(&shown, "\\%");
	for (const char *at = word; *at;)
		add_character(&at, typed, &shown);
	if (writer->used && writer->used + 1 + shown.len > LINE_BYTES)
		end_line(writer);
	if (writer->used)
		buf_putc(writer->out, ' ');
	else if (*word == '.' || *word == '\'')
		buf_puts(writer->out, "\\&");
	writer->used += shown.len + 1;
	buf_puts(writer->out, buf_text(&shown));
	buf_fini(&shown);
}

static bool ends_sentence(const char *word, const char *next)
{
	size_t len = strlen(word);

	while (len && (word[len - 1] == ')' || word[len - 1] == '"'))
		len--;
	return len && strchr(".?!", word[len - 1]) && !(len > 3 && word[len - 2] == '.') &&
	       (isupper((unsigned char)*next) || *next == '"' || *next == '-');
}

void mdoc_text(const char *text, const char *arguments, struct references *refs, struct buf *out)
{
	struct mdoc_writer writer = { .out = out, .arguments = arguments, .refs = refs };

	while (*text) {
		char word[256];
		size_t len = strcspn(text, " ");
		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		text += len;
		text += strspn(text, " ");
		bool was_quoted = writer.quoted;
		for (const char *at = word; *at; at++)
			writer.quoted ^= *at == '"';
		if (was_quoted || strchr(word, '"') || !add_marked(&writer, word))
			add_plain(&writer, word);
		if (ends_sentence(word, text))
			end_line(&writer);
	}
	end_line(&writer);
}

/* "list: …", "openslo, sloth: …": it tells of these words. */
static bool begins_with_subjects(const char *text)
{
	size_t len = strcspn(text, " :");

	while (text[len] == ' ' && len && text[len - 1] == ',') {
		text += len + 1;
		len = strcspn(text, " :");
	}
	return text[len] == ':';
}

/* Is the text's first word one of these, such as an action or a value? */
static bool begins_with_one(const char *text, const char *words)
{
	size_t len = strcspn(text, " ,:;");

	if (begins_with_subjects(text) || memchr(text, '.', len))
		return true;
	for (const char *at = words; *at;) {
		size_t n = strcspn(at, "|");
		if (n == len && strncmp(at, text, len) == 0)
			return true;
		at += n;
		at += *at == '|';
	}
	return false;
}

void mdoc_sentence(const char *text, const char *words, const char *arguments,
		   struct references *refs, struct buf *out)
{
	CLEANUP_FREE char *whole =
		xasprintf("%s%s", text, *text && strchr(".?!", text[strlen(text) - 1]) ? "" : ".");

	if (!begins_with_one(text, words))
		*whole = (char)toupper((unsigned char)*whole);
	mdoc_text(whole, arguments, refs, out);
}

/* ---- hand-written parts ---- */

void parts_read(struct parts *parts, const char *directory, const char *page)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s.mdoc", directory, page);
	struct buf text = BUF_INIT(GENERATE_FILE_BYTES);
	FILE *file = fopen(path, "r");

	parts->text = NULL;
	if (!file && errno == ENOENT)
		return;
	if (!file || buf_read(&text, file) < 0) {
		perror(path);
		exit(1);
	}
	fclose(file);
	parts->text = buf_take(&text);
}

void parts_free(struct parts *parts)
{
	free(parts->text);
}

/* The next section from *at on: its title and its lines; false: there is none. */
static bool parts_next(const char **at, char title[64], const char **ret_begin,
		       const char **ret_end)
{
	static const char mark[] = ".Sh ";
	const char *line = strncmp(*at, mark, 4) == 0 ? *at : strstr(*at, "\n.Sh ");

	if (!line)
		return false;
	line += *line == '\n';
	snprintf(title, 64, "%.*s", (int)strcspn(line + 4, "\n"), line + 4);
	*ret_begin = strchr(line, '\n') ? strchr(line, '\n') + 1 : line + strlen(line);
	const char *next =
		strncmp(*ret_begin, mark, 4) == 0 ? *ret_begin : strstr(*ret_begin, "\n.Sh ");
	*ret_end = !next ? *ret_begin + strlen(*ret_begin) : next + (*next == '\n');
	*at = *ret_end;
	return true;
}

bool parts_section(const struct parts *parts, const char *title, struct buf *out)
{
	const char *at = parts->text ? parts->text : "", *begin, *end;
	char found[64];

	while (parts_next(&at, found, &begin, &end))
		if (text_is(found, title)) {
			buf_add(out, begin, (size_t)(end - begin));
			return true;
		}
	return false;
}

void parts_others(const struct parts *parts, struct buf *out)
{
	static const char *const known[] = { "DESCRIPTION", "ENVIRONMENT", "FILES",   "EXIT STATUS",
					     "EXAMPLES",    "SEE ALSO",	   "OPTIONS", "RELOAD",
					     "SENDERS",	    "SOURCES" };
	const char *at = parts->text ? parts->text : "", *begin, *end;
	char title[64];

	while (parts_next(&at, title, &begin, &end)) {
		bool own = true;
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			own &= !text_is(title, known[i]);
		if (own) {
			buf_printf(out, ".Sh %s\n", title);
			buf_add(out, begin, (size_t)(end - begin));
		}
	}
}

void parts_references(const struct parts *parts, struct references *refs)
{
	for (const char *at = parts->text; at && (at = strstr(at, "\n.Xr "));) {
		char name[64], section[8];
		at += strlen("\n.Xr ");
		if (sscanf(at, "%63s %7s", name, section) == 2)
			references_add(refs, name, section);
	}
}
