/*
 * tracepager tap: prints what passes through a running relay, as it happens. Reads the server-sent
 * events of GET /api/v1/tap; where the connection is lost after a begin, it asks again until it is
 * ended. Owns the loop, the HTTP client and the line that arrives.
 */
#include "commands-internal.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client-internal.h"
#include "options-internal.h"
#include "output-internal.h"
#include "tap-internal.h"
#include "usage-internal.h"
#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/http_client.h"
#include "tracepager/limits.h"
#include "tracepager/loop.h"
#include "tracepager/timers.h"
#include "tracepager/xalloc.h"

static const char tap_command[] = "tap";

struct tapping {
	const struct tap_options *options;
	struct client_target target;
	char *path; /* with the filter as its query */
	struct event_base *base;
	struct timers *timers;
	struct loop *loop;
	struct http_client *http;
	struct http_call *call; /* NULL: none is under way */
	struct screen screen;
	struct timer silence; /* the relay says nothing, not even that it lives */
	struct timer again;
	int64_t pause_us; /* before the next try */
	int http_status;  /* of the reply that arrives; 0: none yet */
	struct buf line;  /* of the stream, or the whole of a refusal */
	bool skip;	  /* the rest of a line that is too long */
	bool heard;	  /* a stream has begun once */
	bool told_lost;
	int64_t printed;
	int status; /* that the command ends with */
};

static int64_t tap_now_us(void)
{
	return clock_mono_us(clock_system());
}

static void tap_ask(void *arg);

static void tap_end(struct tapping *tapping, int status)
{
	tapping->status = status;
	loop_stop(tapping->loop);
}

/* ---- what arrives ---- */

/* False: nobody reads standard output any more. */
static bool tap_print(struct tapping *tapping, const json_t *event)
{
	struct buf text = BUF_INIT(LIMIT_CLIENT_REPLY_BYTES);
	bool printed = true;

	if (tapping->options->format == REPORT_JSON) {
		client_print_json(event);
		printed = fflush(stdout) == 0;
	} else {
		tap_write_line(event, &tapping->screen, &text);
		screen_print(&tapping->screen, &text);
		printed = !ferror(stdout);
	}
	buf_fini(&text);
	return printed;
}

/* A line of the stream; only those of data tell anything. */
static void tap_take_line(struct tapping *tapping)
{
	static const char data[] = "data:";
	const char *text = buf_text(&tapping->line);
	json_t *event;

	if (strncmp(text, data, sizeof(data) - 1) != 0)
		return;
	event = json_loads(text + sizeof(data) - 1, JSON_REJECT_DUPLICATES, NULL);
	if (!event)
		return;
	const bool counts = !json_object_get(event, "dropped");
	if (!tap_print(tapping, event) ||
	    (counts && tapping->options->count && ++tapping->printed >= tapping->options->count))
		tap_end(tapping, CLIENT_DONE);
	json_decref(event);
}

static bool tap_is_done(const struct tapping *tapping)
{
	return tapping->options->count && tapping->printed >= tapping->options->count;
}

static void tap_take_stream(struct tapping *tapping, const char *data, size_t len)
{
	for (size_t i = 0; i < len && !tap_is_done(tapping); i++) {
		if (data[i] != '\n') {
			tapping->skip |= !buf_putc(&tapping->line, data[i]);
			continue;
		}
		if (!tapping->skip)
			tap_take_line(tapping);
		tapping->skip = false;
		buf_reset(&tapping->line);
	}
}

static int tap_on_body(void *arg, int status, const char *data, size_t len)
{
	struct tapping *tapping = arg;

	timer_arm(tapping->timers, &tapping->silence, tap_now_us() + LIMIT_TAP_SILENT_US);
	tapping->http_status = status;
	if (status != 200)
		return buf_add(&tapping->line, data, len) ? 0 : -1;
	if (tapping->told_lost)
		fprintf(stderr, "tracepager tap: the relay is back\n");
	tapping->heard = true;
	tapping->told_lost = false;
	tapping->pause_us = LIMIT_TAP_RETRY_US;
	tap_take_stream(tapping, data, len);
	return 0;
}

/* ---- the connection ---- */

/* What happened meanwhile is not told again. */
static void tap_try_again(struct tapping *tapping, const char *why)
{
	if (!tapping->told_lost)
		fprintf(stderr, "tracepager tap: lost %s: %s; trying again\n", tapping->target.url,
			why);
	tapping->told_lost = true;
	timer_arm(tapping->timers, &tapping->again, tap_now_us() + tapping->pause_us);
	tapping->pause_us *= 2;
	if (tapping->pause_us > LIMIT_TAP_RETRY_MOST_US)
		tapping->pause_us = LIMIT_TAP_RETRY_MOST_US;
}

/* The reply is no stream: the relay refused, or nothing answers. */
static void tap_judge(struct tapping *tapping, const struct http_reply *ended)
{
	struct client_answer answer;
	struct http_reply reply = *ended;

	if (!reply.error) {
		reply.body = buf_text(&tapping->line);
		reply.len = tapping->line.len;
	}
	client_judge(&tapping->target, &reply, true, &answer);
	if (tapping->heard && (reply.error || reply.status >= 500))
		tap_try_again(tapping, answer.err.text);
	else
		tap_end(tapping, client_failed(tap_command, &answer));
	client_answer_fini(&answer);
}

static void tap_on_done(void *arg, const struct http_reply *reply)
{
	struct tapping *tapping = arg;

	tapping->call = NULL;
	timer_disarm(tapping->timers, &tapping->silence);
	if (tapping->http_status == 200)
		tap_try_again(tapping, reply->error ? reply->error : "it ended the stream");
	else
		tap_judge(tapping, reply);
}

static void tap_on_silence(void *arg)
{
	struct tapping *tapping = arg;
	const struct http_transport *transport = http_client_transport(tapping->http);

	if (tapping->call)
		transport->cancel(transport->ctx, tapping->call);
	tapping->call = NULL;
	if (tapping->heard)
		tap_try_again(tapping, "it says nothing any more");
	else
		tap_end(tapping, command_failed(CLIENT_UNREACHED, tap_command, "%s gives no answer",
						tapping->target.url));
}

static void tap_ask(void *arg)
{
	static const struct http_handler handler = { .body = tap_on_body, .done = tap_on_done };
	struct tapping *tapping = arg;
	const struct http_transport *transport = http_client_transport(tapping->http);
	struct client_request request;

	buf_reset(&tapping->line);
	tapping->skip = false;
	tapping->http_status = 0;
	client_request_init(&request, &tapping->target, HTTP_GET, tapping->path, NULL);
	request.http.timeout_us = LIMIT_TAP_CALL_US;
	request.http.max_reply_bytes = SIZE_MAX / 2;
	tapping->call = transport->send(transport->ctx, &request.http, &handler, tapping);
	client_request_fini(&request);
	timer_arm(tapping->timers, &tapping->silence,
		  tap_now_us() +
			  (tapping->heard ? LIMIT_TAP_SILENT_US : tapping->target.timeout_us));
}

/* ---- the command ---- */

static void tap_on_signal(void *ctx, int signo)
{
	(void)signo;
	tap_end(ctx, CLIENT_DONE);
}

static char *tap_path(const struct tap_options *options)
{
	struct buf query = BUF_INIT(LIMIT_CLIENT_PATH_BYTES), kinds = BUF_INIT(256);

	for (size_t i = 0; i < options->kind.n; i++)
		buf_printf(&kinds, "%s%s", i ? "," : "", options->kind.at[i]);
	client_query_add(&query, "sender", options->sender);
	client_query_add(&query, "team", options->team);
	client_query_add(&query, "service", options->service);
	client_query_add(&query, "alert", options->alert);
	client_query_add(&query, "kind", kinds.len ? buf_text(&kinds) : NULL);
	char *path = xasprintf("/api/v1/tap%s%s", query.len ? "?" : "", buf_text(&query));
	buf_fini(&query);
	buf_fini(&kinds);
	return path;
}

static int tap_run(struct tapping *tapping)
{
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP };
	const struct loop_hooks hooks = { .caught = tap_on_signal, .ctx = tapping };

	tapping->base = net_event_base_new();
	tapping->timers = timers_new();
	tapping->loop = tapping->base
				? loop_new(tapping->base, clock_system(), tapping->timers, &hooks)
				: NULL;
	tapping->http = tapping->loop ? http_client_new(tapping->base, clock_system()) : NULL;
	for (size_t i = 0; tapping->http && i < ARRAY_LEN(caught); i++)
		loop_catch(tapping->loop, caught[i]);
	if (!tapping->http)
		return command_failed(CLIENT_UNREACHED, tap_command,
				      "the HTTP client cannot be started");
	tapping->silence = (struct timer){ .fire = tap_on_silence, .arg = tapping };
	tapping->again = (struct timer){ .fire = tap_ask, .arg = tapping };
	tapping->pause_us = LIMIT_TAP_RETRY_US;
	buf_init(&tapping->line, LIMIT_CLIENT_REPLY_BYTES);
	tap_ask(tapping);
	loop_run(tapping->loop);
	return tapping->status;
}

static void tap_free(struct tapping *tapping)
{
	http_client_free(tapping->http);
	loop_free(tapping->loop);
	timers_free(tapping->timers);
	if (tapping->base)
		event_base_free(tapping->base);
	buf_fini(&tapping->line);
	free(tapping->path);
	client_target_fini(&tapping->target);
}

int cmd_tap(int argc, char **argv)
{
	struct tap_options options;
	struct tapping tapping = { .options = &options };
	struct err err = { 0 };
	int status;

	if (!options_parse_tap(argc, argv, &options, &status))
		return status;
	if (client_target_init(&tapping.target, &options.client, &err) != CLIENT_DONE) {
		status = usage_error(tap_command, "%s", err.text);
	} else {
		client_keep_from_proxy(&tapping.target);
		screen_look(&tapping.screen);
		if (!isatty(STDOUT_FILENO))
			tapping.screen.columns = 0; /* other programs want the whole line */
		tapping.path = tap_path(&options);
		status = tap_run(&tapping);
	}
	tap_free(&tapping);
	free(options.kind.at);
	return status;
}
