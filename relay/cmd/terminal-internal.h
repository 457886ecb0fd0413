/* Terminal: what commands ask of the terminal that they print to. For the main thread. */
#ifndef TERMINAL_INTERNAL_H
#define TERMINAL_INTERNAL_H

#include <stdbool.h>

/* Is it a terminal that knows colours, and is NO_COLOR (no-color.org) not set? */
bool terminal_has_colour(int fd);

#endif
