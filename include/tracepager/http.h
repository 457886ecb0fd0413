/*
 * HTTP as data: what sources and pager kinds ask for and judge. The transport is an interface, so
 * that tests run the whole relay on a fake network; net/ has the real one.
 */
#ifndef TRACEPAGER_HTTP_H
#define TRACEPAGER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/limits.h"
#include "tracepager/secret.h"

enum http_method {
	HTTP_GET,
	HTTP_POST,
};

struct http_header {
	const char *name, *value;
};

struct http_request {
	enum http_method method;
	const char *url; /* http: or https: */
	struct http_header headers[LIMIT_REQUEST_HEADERS];
	size_t nheaders;
	const char *body; /* NULL: none */
	size_t body_len;
	int64_t timeout_us;	/* whole exchange */
	size_t max_reply_bytes; /* after decompression; more is an error */
	/* Of https, PEM files. NULL: the system's authorities; no certificate of ours. */
	const char *ca_file;
	const char *cert_file, *key_file; /* key_file NULL: it stands in cert_file */
	/* Signed with AWS's Signature Version 4: "aws:amz:REGION:SERVICE", and "ID:SECRET" of the
	 * access key. NULL: not signed. */
	const char *sigv4, *sigv4_keys;
};

/* Keeps pointers, no copy. false: no room. */
bool http_request_header(struct http_request *request, const char *name, const char *value);

struct http_reply {
	/* 0: no reply came, error says why. A status with an error: the head came, the body did not
	 * come whole; whoever only wants to know whether it was taken goes by the status. A handler
	 * with a body() gets 0 then: half a document is none. */
	int status;
	const char *error; /* NULL: the whole reply came */
	const char *body;  /* gathered where the handler has no body(); NUL-terminated */
	size_t len;
	int64_t retry_after_us;	  /* -1: the reply has none */
	const char *content_type; /* "" where unknown */
	/* All of them, as they came; borrowed during done(). */
	const struct http_header *headers;
	size_t nheaders;
};

/* The value of the first header of that name, in any case; NULL: there is none. */
const char *http_reply_header(const struct http_reply *reply, const char *name);

struct http_handler {
	/* The body as it arrives, once the status is known. Non-zero ends the exchange with error
	 * "refused by the reader". NULL: it is gathered into the reply. */
	int (*body)(void *arg, int status, const char *data, size_t len);
	void (*done)(void *arg,
		     const struct http_reply *reply); /* exactly once, unless cancelled */
};

struct http_call;

struct http_transport {
	/* The request is copied. Never calls the handler before it returns. NULL: out of means;
	 * nothing will be called. */
	struct http_call *(*send)(void *ctx, const struct http_request *request,
				  const struct http_handler *handler, void *arg);
	void (*cancel)(void *ctx, struct http_call *call); /* no further call to the handler */
	void *ctx;
};

/* Percent-encode what is not unreserved (RFC 3986 section 2.3); kept by the arena. */
const char *url_escape(struct arena *arena, const char *text);
/* Retry-After as seconds or an HTTP date (RFC 9110 section 10.2.3); -1 where it is neither. */
int64_t retry_after_parse(const char *text, int64_t wall_us);

#endif
