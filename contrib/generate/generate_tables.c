/* Generate, tables: what the words of the tables of commands mean. */
#include "generate.h"

#include <stdio.h>

#include "tracepager/xalloc.h"

const struct word_row word_rows[] = {
#define COMMAND_ACTION(command, word, text) { #command, word, text },
#include "tracepager/tbl/command_actions.def"
#undef COMMAND_ACTION
#define CATALOGUE(id, name, form, text) { "import", name, text },
#include "tracepager/tbl/catalogues.def"
#undef CATALOGUE
#define EXPORT(id, name, writer, form, text) { "export", name, text },
#include "tracepager/tbl/exports.def"
#undef EXPORT
#define FORMAT(id, name, family, text) { "senders", name, text },
#include "tracepager/tbl/formats.def"
#undef FORMAT
};
const size_t nword_rows = ARRAY_LEN(word_rows);

/* Those that --only and --ignore of doctor take; a bar stands behind each. */
static const char doctor_checks[] =
#define DOCTOR_CHECK(id, group, name, title, codes, text) name "|"
#include "tracepager/tbl/doctor.def"
#undef DOCTOR_CHECK
	;

static const char *option_range(const struct command_option *option)
{
	return strncmp(option->argument, "CHECK[", 6) == 0 ? doctor_checks : option->range;
}

void add_option_words(const struct command_option *option, struct buf *out)
{
	for (const char *at = option_range(option); *at; at++)
		if (*at != '|' || at[1])
			buf_putc(out, *at == '|' ? ' ' : *at);
}

bool has_words(const char *command)
{
	for (size_t i = 0; i < nword_rows; i++)
		if (text_is(word_rows[i].command, command))
			return true;
	return false;
}

/* By the name that --help has for it. */
static enum value_kind named_kind(const char *name)
{
	static const char *const files[] = { "FILE", "PATH", "RULES", "TRACE", "FILE|DIRECTORY" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (text_is(name, files[i]))
			return VALUE_FILE;
	return text_is(name, "DIR") ? VALUE_DIRECTORY : VALUE_TEXT;
}

enum value_kind option_value_kind(const struct command_option *option)
{
	switch (option->kind) {
	case OPTION_FLAG:
	case OPTION_OPTIONAL:
		return VALUE_NONE;
	case OPTION_WORD:
		return VALUE_WORDS;
	case OPTION_TEXT:
	case OPTION_NEEDED:
	case OPTION_LIST:
		return *option_range(option) ? VALUE_WORDS : named_kind(option->argument);
	case OPTION_NUMBER:
	case OPTION_DURATION:
	case OPTION_TIME:
		return VALUE_TEXT;
	}
	return VALUE_TEXT;
}

bool argument_next(const struct command_row *command, const char **at, size_t number,
		   struct argument *ret)
{
	*at += strspn(*at, " ");
	size_t len = strcspn(*at, " ");
	const char *word = *at;

	if (!len)
		return false;
	*at += len;
	*ret = (struct argument){ .optional = *word == '[' };
	ret->repeated = len > 3 && strncmp(word + len - 3, "...", 3) == 0;
	if (ret->repeated)
		len -= 3;
	if (ret->optional) {
		word++;
		len -= 2;
	}
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)len, word);
	ret->kind = number == 0 && has_words(command->name) ? VALUE_WORDS : named_kind(ret->name);
	return true;
}

#define MENU_BYTES 70

void add_short_text(const char *text, const char *escaped, const char *with, struct buf *out)
{
	size_t len = strcspn(text, ";("), most = len;

	for (const char *end = text; (end = strstr(end, ": ")); end++)
		if ((size_t)(end - text) > 20 && (size_t)(end - text) < most)
			most = (size_t)(end - text);
	len = most;
	if (len > MENU_BYTES)
		for (len = MENU_BYTES; len && text[len] != ' ';)
			len--;
	while (len && (text[len - 1] == ' ' || text[len - 1] == ',' || text[len - 1] == '.'))
		len--;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\'' && strchr(escaped, '\'')) {
			buf_puts(out, with);
			continue;
		}
		if (strchr(escaped, text[i]))
			buf_putc(out, '\\');
		buf_putc(out, text[i]);
	}
	buf_puts(out, most > MENU_BYTES ? " ..." : "");
}
