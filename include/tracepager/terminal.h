/*
 * Terminal: what the descriptor that we print to can show: colours, columns, the character set.
 * Reads the environment and asks the descriptor; changes nothing, owns nothing. Any thread, as long
 * as none changes the environment.
 */
#ifndef TRACEPAGER_TERMINAL_H
#define TRACEPAGER_TERMINAL_H

#include <stdbool.h>

/* Is it a terminal that knows colours, and is NO_COLOR (no-color.org) not set? */
bool terminal_has_colour(int fd);
/* COLUMNS where it is set, else the terminal's width, else `elsewhere`. */
unsigned long terminal_columns(int fd, unsigned long elsewhere);
/* Does the locale of the environment (LC_ALL, LC_CTYPE, LANG) say UTF-8? */
bool terminal_is_utf8(void);

#endif
