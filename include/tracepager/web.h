/*
 * Web: which request goes where; health, metrics, and what a person finds at the root.
 */
#ifndef TRACEPAGER_WEB_H
#define TRACEPAGER_WEB_H

#include <stdbool.h>

#include "tracepager/buf.h"
#include "tracepager/http_server.h"
#include "tracepager/intake.h"
#include "tracepager/secret.h"

struct web_ops {
	bool (*ready)(void *ctx, const char **ret_why_not);
	void (*measure)(void *ctx);				   /* set the gauges */
	void (*reload)(void *ctx, struct http_exchange *exchange); /* answers the exchange, later */
	/* What is to be told of the rules in force, and of the shadow rules; as text, or as JSON.
	 */
	void (*rules)(void *ctx, bool json, struct buf *out);
	void (*shadow)(void *ctx, struct buf *out); /* JSON */
	void *ctx;
};

struct web {
	struct intake *intake;
	const struct secret *admin_token; /* unset: none asked for (loopback) */
	struct web_ops ops;
};

/* The handler of the HTTP server; ctx is a struct web. */
void web_handle(void *ctx, struct http_exchange *exchange);

#endif
