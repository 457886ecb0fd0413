/* Terminal: what commands ask of the terminal that they print to. For the main thread. */
#ifndef TERMINAL_INTERNAL_H
#define TERMINAL_INTERNAL_H

#include <stdbool.h>

/* Is it a terminal that knows colours, and is NO_COLOR (no-color.org) not set? */
bool terminal_has_colour(int fd);
/* COLUMNS where it is set, else the terminal's width, else 80. */
unsigned long terminal_columns(int fd);

#endif
