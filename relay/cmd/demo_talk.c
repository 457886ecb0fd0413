/* Demo, talk: requests to the demo's own relay, over HTTP as everybody's. Owns nothing. */
#include "demo-internal.h"

#include <stdio.h>
#include <string.h>

#include "usage-internal.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "tracepager/relay.h"
#include "tracepager/xalloc.h"

void demo_give_up(struct demo *demo, const char *what)
{
	command_failed(1, "demo", "%s", what);
	demo->status = 1;
	relay_stop(demo->relay);
}

void demo_go_on(struct demo *demo, enum demo_scene scene)
{
	fflush(stdout);
	demo->scene = scene;
	demo->page_us = 0;
	demo->sent_us = clock_mono_us(clock_system());
}

void demo_begin_scene(struct demo *demo, enum demo_scene scene)
{
	demo_go_on(demo, scene);
	demo->pages_before = metric_value(METRIC_PAGES_DELIVERED);
}

static void demo_send(struct demo *demo, const char *path, const char *body, size_t len,
		      const struct http_handler *handler)
{
	const struct http_transport *transport = relay_transport(demo->relay);
	CLEANUP_FREE char *url = xasprintf("http://127.0.0.1:%d%s", relay_port(demo->relay), path);
	struct http_request request = {
		.method = body ? HTTP_POST : HTTP_GET,
		.url = url,
		.body = body,
		.body_len = len,
		.timeout_us = LIMIT_DEMO_PAGE_US,
		.max_reply_bytes = LIMIT_DEMO_TEXT_BYTES,
	};

	if (body)
		http_request_header(&request, "Content-Type", "application/json");
	demo->accepted = false;
	transport->send(transport->ctx, &request, handler, demo);
}

static void alerts_answered(void *arg, const struct http_reply *reply)
{
	struct demo *demo = arg;

	if (reply->status == 202) {
		demo->accepted = true;
		demo_say(&demo->screen, DEMO_NOTE, "  ", "the relay answered %d: %.*s",
			 reply->status, (int)strcspn(reply->body, "\n"), reply->body);
		fflush(stdout);
		return;
	}
	demo_give_up(demo, reply->status ? reply->body : reply->error);
}

void demo_send_alerts(struct demo *demo, const struct buf *body)
{
	static const struct http_handler handler = { .done = alerts_answered };

	demo_send(demo, "/webhook/shop", buf_text(body), body->len, &handler);
}

void demo_ask_api(struct demo *demo, const char *path, const char *body,
		  void (*done)(void *arg, const struct http_reply *reply))
{
	const struct http_handler handler = { .done = done };

	demo_send(demo, path, body, body ? strlen(body) : 0, &handler);
}
