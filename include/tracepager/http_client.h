/*
 * The HTTP client: libcurl's multi interface on the loop. The only place that sees curl.
 *
 * HTTP/1.1, gzip and deflate, no redirects; proxies from the environment, as curl has them. Replies
 * are handed over in portions of LIMIT_HANDED_BYTES a turn, all together. Handlers may send and
 * cancel from any of their functions.
 */
#ifndef TRACEPAGER_HTTP_CLIENT_H
#define TRACEPAGER_HTTP_CLIENT_H

#include "tracepager/clock.h"
#include "tracepager/http.h"

struct event_base;
struct http_client;

/* NULL: curl cannot be started. */
struct http_client *http_client_new(struct event_base *base, const struct clock *clock);
void http_client_free(struct http_client *client); /* cancels what is under way; takes NULL */
const struct http_transport *http_client_transport(struct http_client *client); /* borrowed */
size_t http_client_active(const struct http_client *client);

#endif
