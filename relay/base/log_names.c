/* Log, names: the words of levels and formats. */
#include "log_line-internal.h"

#include <string.h>

#include "tracepager/xalloc.h"

static const char *const log_level_names[] = { "debug", "info", "warn", "error" };
static const char *const log_format_names[] = { "logfmt", "json" };

const char *log_level_name(enum log_level level)
{
	return log_level_names[level];
}

const char *log_level_priority(enum log_level level)
{
	/* syslog(3): debug is 7, info 6, warning 4, err 3. */
	static const char *const priorities[] = { "<7>", "<6>", "<4>", "<3>" };

	return priorities[level];
}

/* The index of the name; n: it is none of them. */
static size_t log_name_index(const char *const *names, size_t n, const char *name)
{
	size_t i = 0;

	while (i < n && strcmp(names[i], name) != 0)
		i++;
	return i;
}

bool log_level_find(const char *name, enum log_level *ret_level)
{
	const size_t i = log_name_index(log_level_names, ARRAY_LEN(log_level_names), name);

	if (i < ARRAY_LEN(log_level_names))
		*ret_level = (enum log_level)i;
	return i < ARRAY_LEN(log_level_names);
}

const char *log_format_name(enum log_format format)
{
	return log_format_names[format];
}

bool log_format_find(const char *name, enum log_format *ret_format)
{
	const size_t i = log_name_index(log_format_names, ARRAY_LEN(log_format_names), name);

	if (i < ARRAY_LEN(log_format_names))
		*ret_format = (enum log_format)i;
	return i < ARRAY_LEN(log_format_names);
}
