/*
 * Client: asks a relay, and waits for the answer. Owns its loop, its HTTP client and the token.
 */
#include "client-internal.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "usage-internal.h"
#include "tracepager/clock.h"
#include "tracepager/http_client.h"
#include "tracepager/limits.h"
#include "tracepager/loop.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

struct client {
	struct client_target target;
	struct event_base *base;
	struct loop *loop;
	struct http_client *http;
	/* The question that is under way. */
	struct client_answer *answer;
	bool wants_json;
};

struct client *client_open(const char *command, const struct client_options *options,
			   int *ret_status)
{
	static const struct loop_hooks hooks = { .turn_end = NULL };
	struct client *client = xcalloc(1, sizeof(*client));
	struct err err = { 0 };

	enum client_status status = client_target_init(&client->target, options, &err);
	if (status != CLIENT_DONE) {
		*ret_status = usage_error(command, "%s", err.text);
		client_close(client);
		return NULL;
	}
	client_keep_from_proxy(&client->target);
	client->base = net_event_base_new();
	client->loop = client->base ? loop_new(client->base, clock_system(), NULL, &hooks) : NULL;
	client->http = client->loop ? http_client_new(client->base, clock_system()) : NULL;
	if (client->http)
		return client;
	*ret_status =
		command_failed(CLIENT_UNREACHED, command, "the HTTP client cannot be started");
	client_close(client);
	return NULL;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	http_client_free(client->http);
	loop_free(client->loop);
	if (client->base)
		event_base_free(client->base);
	client_target_fini(&client->target);
	free(client);
}

const char *client_url(const struct client *client)
{
	return client->target.url;
}

static void client_answered(void *arg, const struct http_reply *reply)
{
	struct client *client = arg;

	client_judge(&client->target, reply, client->wants_json, client->answer);
	loop_stop(client->loop);
}

static enum client_status client_ask(struct client *client, enum http_method method,
				     const char *path, const json_t *body, bool wants_json,
				     struct client_answer *ret_answer)
{
	static const struct http_handler handler = { .done = client_answered };
	const struct http_transport *transport = http_client_transport(client->http);
	struct client_request request;

	*ret_answer = (struct client_answer){ .status = CLIENT_UNREACHED };
	err_set(&ret_answer->err, ENOMEM, "the request to %s cannot be sent", client->target.url);
	client->answer = ret_answer;
	client->wants_json = wants_json;
	client_request_init(&request, &client->target, method, path, body);
	if (transport->send(transport->ctx, &request.http, &handler, client))
		loop_run(client->loop);
	client_request_fini(&request);
	return ret_answer->status;
}

enum client_status client_get(struct client *client, const char *path,
			      struct client_answer *ret_answer)
{
	return client_ask(client, HTTP_GET, path, NULL, true, ret_answer);
}

enum client_status client_post(struct client *client, const char *path, const json_t *body,
			       struct client_answer *ret_answer)
{
	return client_ask(client, HTTP_POST, path, body, true, ret_answer);
}

enum client_status client_get_text(struct client *client, const char *path,
				   struct client_answer *ret_answer)
{
	return client_ask(client, HTTP_GET, path, NULL, false, ret_answer);
}

/* Adds the entries of one answer to the list, and says where the list goes on; NULL: it is at its
 * end. */
static const char *list_take(json_t *list, const struct client_answer *answer, const char *name,
			     size_t most)
{
	const json_t *entries = json_object_get(answer->json, name);

	for (size_t i = 0; i < json_array_size(entries) && json_array_size(list) < most; i++)
		json_array_append(list, json_array_get(entries, i));
	return json_array_size(entries) && json_array_size(list) < most
		       ? json_string_value(json_object_get(answer->json, "next"))
		       : NULL;
}

enum client_status client_get_list(struct client *client, const char *path, const char *query,
				   const char *name, size_t most, struct client_answer *ret_answer)
{
	CLEANUP_FREE char *cursor = NULL;
	json_t *list = json_array();
	enum client_status status;
	bool more;

	do {
		struct buf target = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);
		struct buf full = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);
		buf_puts(&full, query);
		client_query_add(&full, "cursor", cursor);
		buf_printf(&target, "%s%s%s", path, full.len ? "?" : "", buf_text(&full));
		status = client_get(client, buf_text(&target), ret_answer);
		buf_fini(&full);
		buf_fini(&target);
		free(cursor);
		cursor = status == CLIENT_DONE ? xstrdup(list_take(list, ret_answer, name, most))
					       : NULL;
		more = cursor;
		if (more)
			client_answer_fini(ret_answer);
	} while (more);
	if (status != CLIENT_DONE) {
		json_decref(list);
		return status;
	}
	json_decref(ret_answer->json);
	ret_answer->json = list;
	return status;
}

void client_print_done(const char *name, const char *text)
{
	struct buf line = BUF_INIT(LIMIT_CLIENT_REPLY_BYTES);

	plain_add(&line, name, SIZE_MAX);
	buf_puts(&line, "  ");
	plain_add(&line, text, SIZE_MAX);
	puts(buf_text(&line));
	buf_fini(&line);
}

void client_print_json(const json_t *json)
{
	json_dumpf(json, stdout,
		   JSON_COMPACT | (isatty(STDOUT_FILENO) ? (size_t)JSON_ENSURE_ASCII : 0));
	putchar('\n');
}

int client_failed(const char *command, const struct client_answer *answer)
{
	return command_failed((int)answer->status, command, "%s", answer->err.text);
}
