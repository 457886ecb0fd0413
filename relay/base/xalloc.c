/* Allocations that abort when memory is gone, and the functions of the cleanup macros. */
#include "tracepager/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *or_abort(void *memory)
{
	if (!memory) {
		static const char text[] = "tracepager: out of memory\n";
		if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
			_exit(1);
		abort();
	}
	return memory;
}

void *xcalloc(size_t n, size_t size)
{
	return or_abort(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc_array(void *old, size_t n, size_t size)
{
	return or_abort(reallocarray(old, n ? n : 1, size ? size : 1));
}

char *xstrdup(const char *text)
{
	return text ? or_abort(strdup(text)) : NULL;
}

char *xstrndup(const char *text, size_t len)
{
	return or_abort(strndup(text, len));
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *out = NULL;

	va_start(args, format);
	int n = vasprintf(&out, format, args);
	va_end(args);
	return or_abort(n < 0 ? NULL : out);
}

void cleanup_free(void *slot)
{
	void *memory;

	memcpy(&memory, slot, sizeof(memory));
	free(memory);
}

void cleanup_fclose(void *slot)
{
	FILE *file;

	memcpy(&file, slot, sizeof(file));
	if (file)
		fclose(file);
}

void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
