/*
 * URLs: percent-decoding of links that alerts carry, and which of them name this machine. It checks
 * no syntax and requests nothing. Pure; any thread.
 */
#ifndef TRACEPAGER_URL_H
#define TRACEPAGER_URL_H

#include <stdbool.h>

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/arena.h"

/* The text with %XX decoded and + as a blank, as in a query; %00 is left out, and a % without two
 * hex digits stays. Kept by the arena, never longer than the text. */
char *url_decode(struct arena *arena, const char *text, size_t len);

/* Is its host this machine: localhost, 127.0.0.0/8 or [::1]? The URL has no user. */
bool url_is_local(const char *url);

#endif
