/* Errors for people: formatted into a text of fixed size. */
#include "tracepager/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void err_vset(struct err *err, int code, int line, int column, const char *format,
		     va_list args) __attribute__((format(printf, 5, 0)));

static void err_vset(struct err *err, int code, int line, int column, const char *format,
		     va_list args)
{
	char text[sizeof(err->text)]; /* the arguments may point into err->text */

	if (!err)
		return;
	vsnprintf(text, sizeof(text), format, args);
	memcpy(err->text, text, sizeof(text));
	err->code = code;
	err->line = line;
	err->column = column;
}

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err_vset(err, code, 0, 0, format, args);
	va_end(args);
	return -code;
}

int err_set_at(struct err *err, int code, int line, int column, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err_vset(err, code, line, column, format, args);
	va_end(args);
	return -code;
}

void err_prefix(struct err *err, const char *format, ...)
{
	char prefix[sizeof(err->text)], whole[2 * sizeof(err->text) + 2];
	va_list args;

	if (!err)
		return;
	va_start(args, format);
	vsnprintf(prefix, sizeof(prefix), format, args);
	va_end(args);
	snprintf(whole, sizeof(whole), "%s: %s", prefix, err->text);
	memcpy(err->text, whole, sizeof(err->text));
	err->text[sizeof(err->text) - 1] = '\0';
}
