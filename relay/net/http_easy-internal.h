/*
 * Easy handles of curl: made once, their constant options set once, and used for one request after
 * another. Connections are the multi handle's, so that any handle may use any of them.
 *
 * A handle of which an option of one request would stay set (certificates, signatures, a password
 * in the URL), or whose request ended with an error, is used for that request alone; any other for
 * LIMIT_CONNECTION_LIFE_US. Idle handles hold nothing of their last request but the TLS session.
 *
 * Owns the idle handles; whoever has taken one gives it back. Loop thread only.
 */
#ifndef TRACEPAGER_NET_HTTP_EASY_INTERNAL_H
#define TRACEPAGER_NET_HTTP_EASY_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <curl/curl.h>

#include "tracepager/http.h"

#include "http_socket-internal.h"
#include "http_url-internal.h"

struct http_easy {
	CURL *curl; /* its CURLOPT_PRIVATE is this http_easy */
	void *user; /* of whoever has taken it; NULL: it is idle */
	bool only_once;
	int64_t first_us;	     /* its first request began, monotonic; 0: none has */
	struct http_url *url;	     /* NULL: the request has its URL as a text */
	SLIST_ENTRY(http_easy) link; /* in the list of idle ones */
	char error_text[CURL_ERROR_SIZE];
};

/* What curl calls during a request; the last argument of each is the http_easy. */
struct http_easy_hooks {
	curl_prereq_callback begins;
	curl_write_callback header, body;
};

struct http_easies {
	const struct http_easy_hooks *hooks;
	struct http_sockets *sockets;
	struct http_urls urls;
	bool may_use_proxy; /* an environment variable names one */
	unsigned int nidle;
	SLIST_HEAD(, http_easy) idle;
};

/* hooks and sockets are borrowed; sockets outlives all connections. */
void http_easies_init(struct http_easies *easies, const struct http_easy_hooks *hooks,
		      struct http_sockets *sockets);
void http_easies_fini(struct http_easies *easies);

/* A request in memory that stays until the handle is given back. */
struct http_easy_request {
	const char *url;
	const char *body; /* NULL: none */
	size_t body_len;
	struct curl_slist *headers;
};

/* The headers of every request, besides those that it brings: lines for its list. Where the request
 * has one of them itself, that line is NULL. */
#define HTTP_EASY_LINES 3
void http_easy_lines(const struct http_easies *easies, const struct http_request *request,
		     const char *lines[HTTP_EASY_LINES]);

/* A handle with all options of the request. `copy` is borrowed until http_easy_give(), `request`
 * only until this returns. NULL: no memory. */
struct http_easy *http_easy_take(struct http_easies *easies, const struct http_request *request,
				 const struct http_easy_request *copy);
/* curl's multi handle must not have it any more. is_sound: it may have another request.
 * Takes NULL. */
void http_easy_give(struct http_easies *easies, struct http_easy *easy, bool is_sound);

#endif
