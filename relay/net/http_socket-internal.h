/*
 * curl's sockets in libevent. curl watches a socket while a request runs on it, and no longer while
 * the connection is idle. Such a socket stays watched here, so that the next request on it needs no
 * call of the kernel; what the peer of an idle connection sends, or its end, unwatches it.
 *
 * Kept so are only sockets that curl closes through http_socket_close(). Owns the events and their
 * table, not the sockets. Loop thread only.
 */
#ifndef TRACEPAGER_NET_HTTP_SOCKET_INTERNAL_H
#define TRACEPAGER_NET_HTTP_SOCKET_INTERNAL_H

#include <stddef.h>

#include <curl/curl.h>

struct event_base;
struct http_socket;

struct http_sockets {
	struct event_base *base;
	/* A socket that curl waits for can be read or written: CURL_CSELECT_IN, _OUT. */
	void (*ready)(void *ctx, curl_socket_t fd, int ready);
	void *ctx;
	struct http_socket **by_fd;
	size_t n;
};

/* base and ctx are borrowed. */
void http_sockets_init(struct http_sockets *sockets, struct event_base *base,
		       void (*ready)(void *ctx, curl_socket_t fd, int ready), void *ctx);
void http_sockets_fini(struct http_sockets *sockets);

/* CURLMOPT_SOCKETFUNCTION's work: wanted is CURL_POLL_IN, _OUT, _INOUT or _REMOVE. */
void http_sockets_watch(struct http_sockets *sockets, curl_socket_t fd, int wanted);

/* CURLOPT_OPENSOCKETFUNCTION and CURLOPT_CLOSESOCKETFUNCTION; their data is the http_sockets. */
curl_socket_t http_socket_open(void *sockets, curlsocktype purpose, struct curl_sockaddr *address);
int http_socket_close(void *sockets, curl_socket_t fd);

#endif
