/*
 * Links: the HTTP client put to work for a command. Owns its loop while it asks.
 */
#include "tracepager/links.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>

#include "tracepager/http_client.h"
#include "tracepager/limits.h"
#include "tracepager/loop.h"
#include "tracepager/xalloc.h"

/* Side by side, and for one: runbooks are few and live on few hosts. */
#define TOGETHER   8
#define TIMEOUT_US (10 * US_PER_SECOND)

struct asking {
	const struct http_transport *transport;
	struct loop *loop;
	struct link *links;
	size_t n, next, under_way;
};

/* One of those under way. */
struct slot {
	struct asking *asking;
	struct link *link;
};

static void ask_next(struct slot *slot);

static void answered(void *arg, const struct http_reply *reply)
{
	struct slot *slot = arg;

	slot->link->status = reply->status;
	if (!reply->status)
		snprintf(slot->link->error, sizeof(slot->link->error), "%s",
			 reply->error ? reply->error : "no reply");
	slot->asking->under_way--;
	ask_next(slot);
}

static void ask_next(struct slot *slot)
{
	static const struct http_handler handler = { .done = answered };
	struct asking *asking = slot->asking;

	while (asking->next < asking->n) {
		slot->link = &asking->links[asking->next++];
		const struct http_request request = { .method = HTTP_GET,
						      .url = slot->link->url,
						      .timeout_us = TIMEOUT_US,
						      .max_reply_bytes = LIMIT_REPLY_BYTES };
		if (asking->transport->send(asking->transport->ctx, &request, &handler, slot)) {
			asking->under_way++;
			return;
		}
		snprintf(slot->link->error, sizeof(slot->link->error), "it cannot be asked");
	}
	if (!asking->under_way)
		loop_stop(asking->loop);
}

int links_ask(struct link *links, size_t n, struct err *err)
{
	static const struct loop_hooks hooks = { .turn_end = NULL };
	struct event_base *base = net_event_base_new();
	struct loop *loop = base ? loop_new(base, clock_system(), NULL, &hooks) : NULL;
	struct http_client *client = loop ? http_client_new(base, clock_system()) : NULL;
	struct asking asking = { .loop = loop, .links = links, .n = n };
	struct slot slots[TOGETHER];
	int result = 0;

	if (client) {
		asking.transport = http_client_transport(client);
		for (size_t i = 0; i < TOGETHER; i++) {
			slots[i] = (struct slot){ .asking = &asking };
			ask_next(&slots[i]);
		}
		if (asking.under_way)
			result = loop_run(loop);
	} else {
		result = -ENOMEM;
	}
	if (result < 0)
		err_set(err, -result, "the HTTP client cannot be started");
	http_client_free(client);
	loop_free(loop);
	if (base)
		event_base_free(base);
	return result;
}
