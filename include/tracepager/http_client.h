/*
 * The HTTP client: the transport of http.h on the network. HTTP/1.1 with gzip and deflate; curl's
 * environment variables name proxies. Each turn of the loop hands at most LIMIT_HANDED_BYTES of all
 * replies to their handlers. Handlers may send and cancel from any of their functions. Its
 * transport sends mail too (mail.h).
 *
 * It follows no redirects and never retries. It owns its calls and connections; base and clock are
 * borrowed and must outlive it. Loop thread only.
 */
#ifndef TRACEPAGER_HTTP_CLIENT_H
#define TRACEPAGER_HTTP_CLIENT_H

#include "tracepager/clock.h"
#include "tracepager/http.h"
#include "tracepager/peer_sight.h"

struct event_base;
struct http_client;

/* NULL: curl cannot be started. Freed by http_client_free(). */
struct http_client *http_client_new(struct event_base *base, const struct clock *clock);
/* Cancels the calls that are left: their handlers are not called. Takes NULL. */
void http_client_free(struct http_client *client);
/* Borrowed; lives as long as the client. */
const struct http_transport *http_client_transport(struct http_client *client);
/* What replies and handshakes tell of the peers' clocks and certificates, of mail servers too.
 * Borrowed; lives as long as the client. */
struct peer_sight *http_client_sight(struct http_client *client);
/* Calls and mails that are not done, cancelled ones included until the end of the turn. */
size_t http_client_active(const struct http_client *client);

#endif
