/*
 * Web origin: is a request meant for this server, and from a page of its own? A browser on this
 * machine reaches the loopback address for any page that it shows: by a form or a script of another
 * site, or by a name of that site that resolves to 127.0.0.1 (DNS rebinding). Where a token is
 * needed neither helps, and nothing here is asked. Pure; owns nothing.
 */
#ifndef TRACEPAGER_WEB_ORIGIN_INTERNAL_H
#define TRACEPAGER_WEB_ORIGIN_INTERNAL_H

#include <stdbool.h>

/* Does the value of a Host header name this machine's loopback, the host of `listen`, or one of
 * `hosts` (names with blanks between them)? NULL, which no browser sends: true. */
bool web_host_is_ours(const char *host, const char *listen, const char *hosts);

/* Do these headers say that a page of another site sent the request? NULL: there is no such
 * header. */
bool web_is_cross_site(const char *origin, const char *fetch_site, const char *listen,
		       const char *hosts);

#endif
