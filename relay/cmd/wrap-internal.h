/* Wrap: long texts on lines of a terminal. Pure. */
#ifndef WRAP_INTERNAL_H
#define WRAP_INTERNAL_H

#include <stddef.h>

/* How many bytes of a text (UTF-8 without control characters) go on a line of so many columns: all,
 * or up to a blank, or what fits. Blanks at the break belong to neither line. */
size_t wrap_bytes(const char *text, size_t len, size_t columns);

#endif
