/*
 * Options, tables: commands.def, command_options.def and command_help.def as data, for the commands
 * and for contrib/generate. The compiler proves that each option's field has the type that its kind
 * writes. Owns nothing.
 */
#include "options-internal.h"

#include <string.h>

#include "tracepager/xalloc.h"

#define IS_OF(type, field) __builtin_types_compatible_p(__typeof__(field), type)

#define FITS_FLAG(field)     IS_OF(bool, field)
#define FITS_TEXT(field)     IS_OF(const char *, field)
#define FITS_NEEDED(field)   IS_OF(const char *, field)
#define FITS_OPTIONAL(field) IS_OF(const char *, field)
#define FITS_LIST(field)     IS_OF(struct option_list, field)
#define FITS_WORD(field)     (sizeof(field) == sizeof(unsigned int) && (__typeof__(field))-1 > 0)
#define FITS_NUMBER(field)   IS_OF(int64_t, field)
#define FITS_DURATION(field) IS_OF(int64_t, field)
#define FITS_TIME(field)     IS_OF(int64_t, field)

#define COMMAND_OPTION(word, name, letter, kind, field, argument, range, value, text)              \
	_Static_assert(FITS_##kind(((struct word##_options *)0)->field),                           \
		       #word " --" name ": the field's type does not fit the kind");
#include "tracepager/tbl/command_options.def"
#undef COMMAND_OPTION

const struct command_option command_options[] = {
#define COMMAND_OPTION(word, name, letter, kind, field, argument, range, value, text)              \
	{ #word,    name,  letter, OPTION_##kind, offsetof(struct word##_options, field),          \
	  argument, range, value,  text },
#include "tracepager/tbl/command_options.def"
#undef COMMAND_OPTION
};
const size_t ncommand_options = ARRAY_LEN(command_options);

const struct command_row command_rows[] = {
#define COMMAND(name, words, text) { #name, words, text },
#include "tracepager/tbl/commands.def"
#undef COMMAND
};
const size_t ncommand_rows = ARRAY_LEN(command_rows);

const struct help_row help_rows[] = {
#define COMMAND_HELP(command, kind, term, text) { #command, HELP_##kind, term, text },
#include "tracepager/tbl/command_help.def"
#undef COMMAND_HELP
#define CATALOGUE(id, name, form, text) { "import", HELP_TERM, name, text },
#include "tracepager/tbl/catalogues.def"
#undef CATALOGUE
#define EXPORT(id, name, writer, form, text) { "export", HELP_TERM, name, text },
#include "tracepager/tbl/exports.def"
#undef EXPORT
};
const size_t nhelp_rows = ARRAY_LEN(help_rows);

const struct command_row *command_row_find(const char *name)
{
	for (size_t i = 0; i < ncommand_rows; i++)
		if (strcmp(command_rows[i].name, name) == 0)
			return &command_rows[i];
	return NULL;
}

bool bar_word_next(const char **at, const char **ret_word, size_t *ret_len)
{
	if (!**at)
		return false;
	*ret_word = *at;
	*ret_len = strcspn(*at, "|");
	*at += *ret_len;
	*at += **at == '|';
	return true;
}
