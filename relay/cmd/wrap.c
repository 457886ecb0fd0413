/* Wrap: see wrap-internal.h. */
#include "wrap-internal.h"

#include "tracepager/cells.h"

size_t wrap_bytes(const char *text, size_t len, size_t columns)
{
	size_t at = 0, used = 0, blank = 0, width;

	while (at < len) {
		size_t n = cells_character(text + at, len - at, &width);
		if (used + width > columns)
			return blank ? blank : at ? at : n;
		if (text[at] == ' ' && used > columns / 2)
			blank = at;
		at += n;
		used += width;
	}
	return len;
}
