/*
 * TLS of the server's connections: a bufferevent of libevent that speaks it, and what libevent does
 * not tell: that a handshake failed, and why. Failed handshakes are counted, and logged once a
 * minute with their cure. A connection without TLS has no ssl; the functions that take a connection
 * are called for one that has. Owns the server's reference to the SSL_CTX. Loop thread only.
 */
#ifndef TRACEPAGER_NET_HTTP_TLS_INTERNAL_H
#define TRACEPAGER_NET_HTTP_TLS_INTERNAL_H

#include "http_server-internal.h"

/* Sets conn->ssl, and returns its bufferevent, which owns it. ready is called once, when the
 * handshake has ended well; it clears conn->handshaking. */
struct bufferevent *http_tls_begin(struct http_conn *conn, struct event_base *base,
				   void (*ready)(struct http_conn *conn));
/* The connection ends: says so to the peer, or counts the handshake that was not finished. true:
 * the peer spoke HTTP without TLS, and can be told. */
bool http_tls_end(struct http_conn *conn);
/* Takes the socket from the bufferevent, which is freed without closing it. */
void http_tls_release(struct http_conn *conn);
/* Sends what fits a record, past the bufferevent. false: not, or not at once. */
bool http_tls_send(struct http_conn *conn, const char *data, size_t len);
/* Writes all of the bufferevent's output; false: not, and the bufferevent goes on. */
bool http_tls_write_output(struct http_conn *conn);
/* The n-th name of the verified client certificate; NULL: there is none. */
const char *http_tls_client_name(struct http_conn *conn, size_t n);
/* conn->ssl is gone with its bufferevent. */
void http_tls_forget(struct http_conn *conn);

#endif
