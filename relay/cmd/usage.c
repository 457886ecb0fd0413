/* Usage: see usage-internal.h. */
#include "usage-internal.h"

#include <stdarg.h>
#include <stdio.h>

int usage_error(const char *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "tracepager %s: ", command);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; \"tracepager %s --help\" lists the options\n", command);
	return STATUS_USAGE;
}

int command_failed(int status, const char *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "tracepager %s: ", command);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}
