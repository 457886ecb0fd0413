/* A scripted network for tests. A call lives until it is answered or cancelled; replies leave by
 * timers of the fake clock. */
#include "fake_http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/xalloc.h"

struct http_call {
	struct fake_http *http;
	const struct http_handler *handler;
	void *arg;
	struct fake_reply reply;
	size_t request; /* its place in http->requests */
	size_t max_reply_bytes;
	struct timer timer;
};

static void call_end(struct http_call *call, const struct http_reply *reply)
{
	const struct http_handler *handler = call->handler;
	void *arg = call->arg;

	timer_disarm(call->http->clock->timers, &call->timer);
	call->http->open--;
	free(call);
	handler->done(arg, reply);
}

/* Hands the body to the handler in pieces. NULL, or the error with which the call ends. */
static const char *feed(struct http_call *call, const char *body, size_t len)
{
	size_t piece = call->reply.piece ? call->reply.piece : len;

	if (len > call->max_reply_bytes)
		return "the reply is larger than allowed";
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		if (call->handler->body(call->arg, call->reply.status, body + at, n))
			return "refused by the reader";
	}
	return NULL;
}

static void answer(void *arg)
{
	struct http_call *call = arg;
	const struct fake_reply *rule = &call->reply;
	const char *body = rule->body ? rule->body : "";
	size_t len = rule->len ? rule->len : strlen(body);
	struct http_reply reply = {
		.status = rule->status,
		.error = rule->error,
		.body = body,
		.len = len,
		.retry_after_us = rule->retry_after_us ? rule->retry_after_us : -1,
		.content_type = rule->content_type ? rule->content_type : "",
		.headers = rule->headers,
		.nheaders = rule->nheaders,
	};

	if (reply.status == 0) {
		reply.body = NULL;
		reply.len = 0;
	} else if (call->handler->body) {
		reply.error = feed(call, body, len);
		reply.status = reply.error ? 0 : rule->status;
		reply.body = NULL;
		reply.len = 0;
	}
	call_end(call, &reply);
}

/* The connection is there. */
static void connected(void *arg)
{
	struct http_call *call = arg;
	struct fake_request *request = &call->http->requests[call->request];

	call->timer.fire = answer;
	if (call->handler->begins && !call->handler->begins(call->arg)) {
		request->taken_back = true;
		call->reply = (struct fake_reply){ .error = "taken back" };
	}
	timer_arm(call->http->clock->timers, &call->timer,
		  call->http->clock->mono_us + call->reply.delay_us);
}

static void remember(struct fake_http *http, const struct http_request *request)
{
	struct buf headers = BUF_INIT(1 << 20);
	char *body = xcalloc(1, request->body_len + 1);

	if (request->body_len)
		memcpy(body, request->body, request->body_len);
	if (http->nrequests == http->requests_size) {
		http->requests_size = http->requests_size ? http->requests_size * 2 : 64;
		http->requests = xrealloc_array(http->requests, http->requests_size,
						sizeof(*http->requests));
	}
	for (size_t i = 0; i < request->nheaders; i++)
		buf_printf(&headers, "%s: %s\n", request->headers[i].name,
			   request->headers[i].value);
	http->requests[http->nrequests++] = (struct fake_request){
		.at_us = fake_clock_elapsed_us(http->clock),
		.method = request->method,
		.url = xstrdup(request->url),
		.body = body,
		.body_len = request->body_len,
		.headers = buf_take(&headers),
		.timeout_us = request->timeout_us,
	};
}

static struct fake_reply *find_rule(struct fake_http *http, const struct fake_request *request)
{
	for (size_t i = 0; i < http->nrules; i++) {
		struct fake_reply *rule = &http->rules[i];
		if (rule->times && rule->used == rule->times)
			continue;
		if ((rule->url_part && !strstr(request->url, rule->url_part)) ||
		    (rule->body_part && !strstr(request->body, rule->body_part)))
			continue;
		rule->used++;
		return rule;
	}
	return NULL;
}

static struct http_call *fake_send(void *ctx, const struct http_request *request,
				   const struct http_handler *handler, void *arg)
{
	static const struct fake_reply refused = { .error = "connection refused" };
	struct fake_http *http = ctx;

	if (http->refuse)
		return NULL;
	remember(http, request);
	const struct fake_reply *rule = find_rule(http, &http->requests[http->nrequests - 1]);
	if (!rule)
		http->unexpected++;

	struct http_call *call = xcalloc(1, sizeof(*call));
	*call = (struct http_call){
		.http = http,
		.handler = handler,
		.arg = arg,
		.reply = rule ? *rule : refused,
		.request = http->nrequests - 1,
		.max_reply_bytes = request->max_reply_bytes,
		.timer = { .fire = answer, .arg = call },
	};
	int64_t delay = call->reply.delay_us;
	if (delay >= request->timeout_us) {
		delay = request->timeout_us;
		call->reply = (struct fake_reply){ .error = "timed out" };
	}
	if (++http->open > http->most_open)
		http->most_open = http->open;
	if (call->reply.connect_us) {
		call->timer.fire = connected;
		delay = call->reply.connect_us;
	}
	timer_arm(http->clock->timers, &call->timer, http->clock->mono_us + delay);
	return call;
}

static void fake_cancel(void *ctx, struct http_call *call)
{
	struct fake_http *http = ctx;

	timer_disarm(http->clock->timers, &call->timer);
	http->open--;
	http->cancelled++;
	free(call);
}

void fake_http_init(struct fake_http *http, struct fake_clock *clock)
{
	*http = (struct fake_http){ .transport = { fake_send, fake_cancel, http, NULL },
				    .clock = clock };
}

void fake_http_fini(struct fake_http *http)
{
	assert(http->open == 0);
	for (size_t i = 0; i < http->nrequests; i++) {
		free(http->requests[i].url);
		free(http->requests[i].body);
		free(http->requests[i].headers);
	}
	free(http->requests);
}

void fake_http_reply(struct fake_http *http, struct fake_reply reply)
{
	assert(http->nrules < FAKE_RULES_MAX);
	http->rules[http->nrules++] = reply;
}

void fake_http_forget(struct fake_http *http)
{
	http->nrules = 0;
}

const struct fake_request *fake_http_request(const struct fake_http *http, const char *part,
					     size_t n)
{
	for (size_t i = 0; i < http->nrequests; i++) {
		const struct fake_request *request = &http->requests[i];
		if ((strstr(request->url, part) || strstr(request->body, part)) && n-- == 0)
			return request;
	}
	return NULL;
}
