/*
 * HTTP as data: the requests that sources and pager kinds build, the replies that they judge, and
 * the transport between the two as an interface: net/ has the real one, tests a fake network.
 *
 * It opens no socket, reads no clock and owns nothing: requests and replies keep pointers. All
 * functions here are pure, for any thread; a transport and its handlers are for the loop's thread.
 */
#ifndef TRACEPAGER_HTTP_H
#define TRACEPAGER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/limits.h"
#include "tracepager/mail.h"

enum http_method {
	HTTP_GET,
	HTTP_POST,
};

struct http_header {
	const char *name, *value;
};

struct http_request {
	enum http_method method;
	const char *url; /* http: or https:, escaped */
	struct http_header headers[LIMIT_REQUEST_HEADERS];
	size_t nheaders;
	const char *body; /* NULL: none */
	size_t body_len;
	int64_t timeout_us;	/* from connecting to the reply's last byte */
	size_t max_reply_bytes; /* of the body, decompressed; a larger one is an error */
	/* PEM files for https. NULL: the system's authorities; no certificate of ours. */
	const char *ca_file;
	const char *cert_file, *key_file; /* key_file NULL: cert_file holds the key too */
	/* For a signature of AWS (Signature Version 4): "aws:amz:REGION:SERVICE", and "ID:SECRET"
	 * of the access key. NULL: not signed. */
	const char *sigv4, *sigv4_keys;
};

/* Adds a header; keeps the pointers, copies nothing. false: LIMIT_REQUEST_HEADERS are there. */
bool http_request_header(struct http_request *request, const char *name, const char *value);

struct http_reply {
	/* 0: no reply arrived; error says why. A status together with an error: the head arrived,
	 * the body not wholly. A pager's status tells whether it took the page; half a document is
	 * of no use, so a handler with a body() gets 0. */
	int status;
	const char *error; /* NULL: the whole reply arrived */
	const char *body;  /* NUL-terminated; nothing where the handler has a body() */
	size_t len;
	/* The pause that Retry-After asks for, at most a year; 0: none, or until a date in the
	 * past; -1: the reply has no Retry-After that can be read. */
	int64_t retry_after_us;
	const char *content_type; /* "" where unknown */
	/* In the order in which they arrived, at most LIMIT_REPLY_HEADERS. */
	const struct http_header *headers;
	size_t nheaders;
};

/* The value of the first header of that name, of which upper and lower case are equal; NULL: there
 * is none. */
const char *http_reply_header(const struct http_reply *reply, const char *name);

struct http_handler {
	/* A piece of the body, once the status is known. Non-zero ends the call with the error
	 * "refused by the reader". NULL: the body is gathered into the reply. */
	int (*body)(void *arg, int status, const char *data, size_t len);
	/* Exactly once, unless cancelled. The reply is borrowed until it returns. */
	void (*done)(void *arg, const struct http_reply *reply);
	/* Asked when the connection is there, just before the request's first byte leaves (again
	 * where a connection that was kept turns out to be dead). false: the request does not
	 * leave, and the call ends without a reply. It may neither send nor cancel. NULL: it
	 * leaves. */
	bool (*begins)(void *arg);
};

struct http_call;

struct http_transport {
	/* Copies the request and the handler. Never calls the handler before it returns. NULL: no
	 * memory; the handler is never called. */
	struct http_call *(*send)(void *ctx, const struct http_request *request,
				  const struct http_handler *handler, void *arg);
	/* The handler is not called again; the call is freed. Not after done(). */
	void (*cancel)(void *ctx, struct http_call *call);
	void *ctx;
	const struct mail_transport *mail; /* beside HTTP (mail.h); NULL: it sends no mail */
};

/* The text with all bytes percent-encoded that are not unreserved (RFC 3986 section 2.3). Kept by
 * the arena. */
const char *url_escape(struct arena *arena, const char *text);

#endif
