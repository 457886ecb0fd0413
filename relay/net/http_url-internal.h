/*
 * Parsed URLs of requests that come again and again: those of pagers. curl would parse the text,
 * and put it together again byte by byte, at each request.
 *
 * Owns the parsed URLs. Loop thread only.
 */
#ifndef TRACEPAGER_NET_HTTP_URL_INTERNAL_H
#define TRACEPAGER_NET_HTTP_URL_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "tracepager/limits.h"

struct http_url {
	char *text; /* NULL: the place is free */
	size_t len;
	CURLU *parsed;
	unsigned int users;
	uint64_t last_use;
};

struct http_urls {
	uint64_t nuses;
	struct http_url places[LIMIT_PARSED_URLS];
};

/* All zero is empty. */
void http_urls_fini(struct http_urls *urls);

/* Stays until http_url_give(). NULL: use the text; curl would not do the same with a parsed one, or
 * all places have users. */
struct http_url *http_url_take(struct http_urls *urls, const char *text);
void http_url_give(struct http_url *url); /* takes NULL */

#endif
