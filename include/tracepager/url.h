/*
 * URLs: percent-decoding of links that alerts carry. It checks no syntax and requests nothing.
 * Pure; any thread.
 */
#ifndef TRACEPAGER_URL_H
#define TRACEPAGER_URL_H

#include <stddef.h>

#include "tracepager/arena.h"

/* The text with %XX decoded and + as a blank, as in a query; %00 is left out, and a % without two
 * hex digits stays. Kept by the arena, never longer than the text. */
char *url_decode(struct arena *arena, const char *text, size_t len);

#endif
