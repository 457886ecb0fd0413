/* Link check: see link_check-internal.h. Owns its HTTP client and its loop while it runs. */
#include "link_check-internal.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>

#include "tracepager/clock.h"
#include "tracepager/http_client.h"
#include "tracepager/limits.h"
#include "tracepager/loop.h"

struct link_check {
	const struct http_transport *transport;
	struct loop *loop;
	struct link *links;
	size_t n, next, under_way;
};

/* One of the requests that are under way at a time. */
struct link_slot {
	struct link_check *check;
	struct link *link;
};

static void request_next_link(struct link_slot *slot);

static void link_answered(void *arg, const struct http_reply *reply)
{
	struct link_slot *slot = arg;

	slot->link->status = reply->status;
	if (!reply->status)
		snprintf(slot->link->error, sizeof(slot->link->error), "%s",
			 reply->error ? reply->error : "no reply");
	slot->check->under_way--;
	request_next_link(slot);
}

static void request_next_link(struct link_slot *slot)
{
	static const struct http_handler handler = { .done = link_answered };
	struct link_check *check = slot->check;

	while (check->next < check->n) {
		slot->link = &check->links[check->next++];
		const struct http_request request = { .method = HTTP_GET,
						      .url = slot->link->url,
						      .timeout_us = LIMIT_LINK_US,
						      .max_reply_bytes = LIMIT_REPLY_BYTES };
		if (check->transport->send(check->transport->ctx, &request, &handler, slot)) {
			check->under_way++;
			return;
		}
		snprintf(slot->link->error, sizeof(slot->link->error),
			 "the request cannot be sent");
	}
	if (!check->under_way)
		loop_stop(check->loop);
}

int links_check(struct link *links, size_t n, struct err *err)
{
	static const struct loop_hooks hooks = { .turn_end = NULL };
	struct event_base *base = net_event_base_new();
	struct loop *loop = base ? loop_new(base, clock_system(), NULL, &hooks) : NULL;
	struct http_client *client = loop ? http_client_new(base, clock_system()) : NULL;
	struct link_check check = { .loop = loop, .links = links, .n = n };
	struct link_slot slots[LIMIT_LINKS_SIDE_BY_SIDE];
	int result = 0;

	if (client) {
		check.transport = http_client_transport(client);
		for (size_t i = 0; i < LIMIT_LINKS_SIDE_BY_SIDE; i++) {
			slots[i] = (struct link_slot){ .check = &check };
			request_next_link(&slots[i]);
		}
		if (check.under_way)
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
