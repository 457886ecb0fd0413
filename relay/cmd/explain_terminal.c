/* Explain, terminal: what standard output can show. Reads the environment, changes nothing. */
#include "explain-internal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "terminal-internal.h"
#include "tracepager/waterfall.h"

static bool variable_is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static bool wants_colour(enum colour_choice choice)
{
	if (choice != COLOUR_AUTO)
		return choice == COLOUR_ALWAYS;
	return terminal_has_colour(STDOUT_FILENO);
}

/* The name of a locale that is not installed here still tells the terminal's character set. */
static bool is_utf8_by_name(void)
{
	const char *name = variable_is_set("LC_ALL")	 ? getenv("LC_ALL")
			   : variable_is_set("LC_CTYPE") ? getenv("LC_CTYPE")
			   : variable_is_set("LANG")	 ? getenv("LANG")
							 : "";
	const char *set = strchr(name, '.');

	return set && (strncasecmp(set, ".utf-8", 6) == 0 || strncasecmp(set, ".utf8", 5) == 0);
}

static bool is_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);

	if (!locale)
		return is_utf8_by_name();
	bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return utf8;
}

void explain_look_at_terminal(enum colour_choice choice, struct explain_text_options *ret_options)
{
	unsigned long columns = terminal_columns(STDOUT_FILENO);

	if (columns < WATERFALL_COLUMNS_MIN)
		columns = WATERFALL_COLUMNS_MIN;
	if (columns > WATERFALL_COLUMNS_MAX)
		columns = WATERFALL_COLUMNS_MAX;
	ret_options->columns = (unsigned int)columns;
	ret_options->colour = wants_colour(choice);
	ret_options->ascii = !is_utf8();
}
