/* What commands ask of the terminal that they print to. */
#ifndef TERMINAL_INTERNAL_H
#define TERMINAL_INTERNAL_H

#include <stdbool.h>

/* A terminal that knows colours, and nobody has asked for plain text: no-color.org. */
bool terminal_has_colour(int fd);

#endif
