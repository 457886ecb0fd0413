/* Terminal: see terminal.h. */
#include "tracepager/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_has_colour(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && !(no_color && *no_color) && term && *term && strcmp(term, "dumb") != 0;
}

unsigned long terminal_columns(int fd, unsigned long elsewhere)
{
	const char *variable = getenv("COLUMNS");
	unsigned long columns = variable ? strtoul(variable, NULL, 10) : 0;
	struct winsize size = { 0 };

	if (columns)
		return columns;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return elsewhere;
}

static bool variable_is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
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

bool terminal_is_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);

	if (!locale)
		return is_utf8_by_name();
	bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return utf8;
}
