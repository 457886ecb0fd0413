/*
 * A network for tests: a transport that answers from a script, on the fake clock, and records the
 * requests.
 *
 * A rule answers requests whose URL and body contain its texts, the given number of times. The
 * first rule that matches and is not used up answers. A request that no rule answers gets
 * "connection refused" at once and is counted in `unexpected`.
 */
#ifndef TESTS_FAKE_HTTP_H
#define TESTS_FAKE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake_clock.h"
#include "tracepager/http.h"

struct fake_reply {
	const char *url_part;  /* NULL: any */
	const char *body_part; /* of the request; NULL: any */
	unsigned int times;    /* 0: for ever */
	int64_t delay_us;      /* from the request to the reply's last byte */
	int64_t connect_us;    /* from send() to the request's first byte */
	int status;	       /* 0: no reply, `error` says why */
	const char *error;
	const char *body;
	size_t len;		/* 0: strlen(body) */
	size_t piece;		/* bytes of a piece; 0: the whole body at once */
	int64_t retry_after_us; /* as a Retry-After in seconds gives it; 0: no such header */
	const char *content_type;
	const struct http_header *headers;
	size_t nheaders;
	/* private */
	unsigned int used;
};

struct fake_request {
	int64_t at_us; /* since fake_clock_init() */
	enum http_method method;
	char *url, *body, *headers; /* headers: "Name: value\n" each */
	size_t body_len;	    /* a body may have NULs inside */
	int64_t timeout_us;
	bool taken_back; /* its handler let no byte of it leave */
};

#define FAKE_RULES_MAX 64

struct fake_http {
	struct http_transport transport;
	struct fake_clock *clock;
	struct fake_reply rules[FAKE_RULES_MAX];
	size_t nrules;
	struct fake_request *requests; /* in the order in which they were sent */
	size_t nrequests, requests_size;
	size_t open, most_open; /* calls under way */
	size_t unexpected, cancelled;
	bool refuse; /* send() returns NULL */
};

void fake_http_init(struct fake_http *http, struct fake_clock *clock);
void fake_http_fini(struct fake_http *http); /* no call may be open */
/* Adds a rule; its texts are borrowed. */
void fake_http_reply(struct fake_http *http, struct fake_reply reply);
void fake_http_forget(struct fake_http *http); /* removes all rules */
/* The n-th request (from 0) whose URL or body contains the text; NULL: there are n at most. */
const struct fake_request *fake_http_request(const struct fake_http *http, const char *part,
					     size_t n);

#endif
