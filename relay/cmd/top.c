/*
 * tracepager top: a live view of a running relay's incidents and of how the relay fares. Asks the
 * relay at each interval, draws what it answered, and acknowledges what a person chooses. Owns the
 * loop, the HTTP client, and the answers that are shown.
 */
#include "top-internal.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client-internal.h"
#include "commands-internal.h"
#include "incidents-internal.h"
#include "options-internal.h"
#include "usage-internal.h"
#include "tracepager/clock.h"
#include "tracepager/http_client.h"
#include "tracepager/limits.h"
#include "tracepager/loop.h"
#include "tracepager/timers.h"
#include "tracepager/xalloc.h"

/* What is asked. The first TOP_SHOWN are asked at each interval. */
enum top_ask {
	TOP_ASK_INCIDENTS,
	TOP_ASK_METRICS,
	TOP_ASK_PAGERS,
	TOP_SHOWN,
	TOP_ASK_ACT = TOP_SHOWN,
	TOP_ASKS,
};

struct top_call {
	struct top *top;
	enum top_ask ask;
	bool under_way;
	struct client_answer answer; /* the last one that is of use */
};

struct top {
	const struct top_options *options;
	struct client_target target;
	struct event_base *base;
	struct timers *timers;
	struct loop *loop;
	struct http_client *http;
	struct timer refresh;
	struct top_call calls[TOP_ASKS];
	struct top_keys keys;
	struct top_rate rate;
	struct screen screen;
	json_t *incidents; /* sorted; NULL: not known */
	json_t *gathered;  /* of a list whose further answers are under way; NULL: of none */
	int64_t heard_us;
	struct err trouble; /* code 0: none */
	size_t selected;
	char *selected_id; /* NULL: none */
	char *message;	   /* NULL: none */
	bool asks;	   /* the message is the question of an acknowledgement */
	enum client_status status;
};

static void top_refresh(void *arg);
static void top_answered(void *arg, const struct http_reply *reply);

static int64_t top_mono_us(void)
{
	return clock_mono_us(clock_system());
}

/* ---- drawing ---- */

static void write_top_frame(const struct top *top, size_t lines, struct buf *out)
{
	const struct client_answer *metrics = &top->calls[TOP_ASK_METRICS].answer,
				   *pagers = &top->calls[TOP_ASK_PAGERS].answer;
	const struct top_view view = {
		.screen = top->screen,
		.lines = lines,
		.now_us = clock_wall_us(clock_system()),
		.heard_us = top->heard_us,
		.url = top->target.url,
		.incidents = top->incidents,
		.metrics = metrics->text,
		.pagers = json_object_get(pagers->json, "pagers"),
		.alerts_of_minute = top_rate_of_minute(&top->rate),
		.trouble = top->trouble.code ? top->trouble.text : NULL,
		.message = top->message,
		.selected = top->selected,
	};

	top_write_frame(&view, out);
}

static void draw_top(struct top *top)
{
	struct buf frame = BUF_INIT(LIMIT_TOP_FRAME_BYTES);
	size_t lines;

	if (top->options->once)
		return;
	top_screen_size(&top->screen.columns, &lines);
	if (top->screen.columns < LIMIT_TABLE_COLUMNS_LEAST)
		top->screen.columns = LIMIT_TABLE_COLUMNS_LEAST;
	write_top_frame(top, lines, &frame);
	top_screen_draw(&top->screen, &frame);
	buf_fini(&frame);
}

/* Takes the message; NULL: none. */
static void set_top_message(struct top *top, char *message, bool asks)
{
	free(top->message);
	top->message = message;
	top->asks = asks;
}

/* ---- choosing ---- */

static void choose_incident(struct top *top, size_t selected)
{
	size_t n = json_array_size(top->incidents);

	top->selected = !n ? 0 : selected < n ? selected : n - 1;
	free(top->selected_id);
	top->selected_id =
		n ? xstrdup(incident_text(json_array_get(top->incidents, top->selected), "id"))
		  : NULL;
}

/* The chosen incident stays chosen wherever it stands in the new list. */
static void take_incidents(struct top *top, const json_t *list)
{
	size_t selected = top->selected;

	json_decref(top->incidents);
	top->incidents = incidents_sorted(list);
	for (size_t i = 0; top->selected_id && i < json_array_size(top->incidents); i++)
		if (strcmp(incident_text(json_array_get(top->incidents, i), "id"),
			   top->selected_id) == 0)
			selected = i;
	choose_incident(top, selected);
}

/* ---- asking ---- */

static void ask_relay(struct top *top, enum top_ask ask, enum http_method method, const char *path,
		      const json_t *body)
{
	static const struct http_handler handler = { .done = top_answered };
	const struct http_transport *transport = http_client_transport(top->http);
	struct top_call *call = &top->calls[ask];
	struct client_request request;

	if (call->under_way)
		return;
	client_request_init(&request, &top->target, method, path, body);
	call->under_way = transport->send(transport->ctx, &request.http, &handler, call) != NULL;
	client_request_fini(&request);
}

/* cursor: where the list goes on; NULL: its begin. */
static void ask_incidents(struct top *top, const char *cursor)
{
	struct buf path = BUF_INIT(LIMIT_CLIENT_PATH_BYTES),
		   query = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);

	client_query_add(&query, "limit", "1000");
	client_query_add(&query, "cursor", cursor);
	buf_printf(&path, INCIDENTS_PATH "?%s", buf_text(&query));
	ask_relay(top, TOP_ASK_INCIDENTS, HTTP_GET, buf_text(&path), NULL);
	buf_fini(&query);
	buf_fini(&path);
}

/* ---- answers ---- */

static bool top_is_asking(const struct top *top)
{
	for (size_t i = 0; i < TOP_SHOWN; i++)
		if (top->calls[i].under_way)
			return true;
	return false;
}

/* One answer of a list: asks for the next one, or takes the whole. */
static void gather_incidents(struct top *top, const json_t *answer)
{
	const char *next = json_string_value(json_object_get(answer, "next"));

	if (!top->gathered)
		top->gathered = json_array();
	json_array_extend(top->gathered, json_object_get(answer, "incidents"));
	if (next && json_array_size(top->gathered) < LIMIT_CLIENT_LOOKED) {
		ask_incidents(top, next);
		return;
	}
	take_incidents(top, top->gathered);
	json_decref(top->gathered);
	top->gathered = NULL;
}

static void take_top_answer(struct top *top, struct top_call *call, struct client_answer *answer)
{
	bool done = answer->status == CLIENT_DONE;

	if (call->ask == TOP_ASK_INCIDENTS) {
		top->status = answer->status;
		top->trouble = answer->err;
		if (done)
			top->heard_us = clock_wall_us(clock_system());
		if (done)
			gather_incidents(top, answer->json);
	} else if (call->ask == TOP_ASK_METRICS && done) {
		top_rate_add(&top->rate, top_mono_us(),
			     metrics_sum(answer->text, "tracepager_alerts_total", ""));
	} else if (call->ask == TOP_ASK_ACT) {
		set_top_message(
			top, xstrdup(done ? incident_text(answer->json, "text") : answer->err.text),
			false);
		timer_arm(top->timers, &top->refresh, top_mono_us());
	}
	/* What a relay that is away said before stands until it is back. */
	if (done) {
		client_answer_fini(&call->answer);
		call->answer = *answer;
		*answer = (struct client_answer){ .status = CLIENT_DONE };
	}
}

static void top_answered(void *arg, const struct http_reply *reply)
{
	struct top_call *call = arg;
	struct top *top = call->top;
	struct client_answer answer;

	call->under_way = false;
	client_judge(&top->target, reply, call->ask != TOP_ASK_METRICS, &answer);
	take_top_answer(top, call, &answer);
	client_answer_fini(&answer);
	if (top_is_asking(top))
		return;
	if (top->options->once)
		loop_stop(top->loop);
	draw_top(top);
}

/* ---- each interval ---- */

static void top_refresh(void *arg)
{
	struct top *top = arg;

	timer_arm(top->timers, &top->refresh, top_mono_us() + top->options->interval_us);
	if (!top->calls[TOP_ASK_INCIDENTS].under_way) {
		json_decref(top->gathered); /* of a list that was broken off */
		top->gathered = NULL;
		ask_incidents(top, NULL);
	}
	ask_relay(top, TOP_ASK_METRICS, HTTP_GET, "/metrics", NULL);
	ask_relay(top, TOP_ASK_PAGERS, HTTP_GET, "/api/v1/pagers", NULL);
}

/* ---- keys ---- */

static void ask_person(struct top *top)
{
	const json_t *incident = json_array_get(top->incidents, top->selected);

	if (!incident)
		return;
	set_top_message(
		top,
		xasprintf("acknowledge %.*s (%s)? y/n", (int)incidents_id_cells(top->incidents),
			  incident_text(incident, "id"), incident_text(incident, "summary")),
		true);
}

static void acknowledge_chosen(struct top *top)
{
	CLEANUP_FREE char *path = incident_path(top->selected_id, "acknowledge");
	CLEANUP_FREE char *who = client_person();
	json_t *body = json_pack("{s:s}", "who", who);

	set_top_message(top, xstrdup("acknowledging"), false);
	ask_relay(top, TOP_ASK_ACT, HTTP_POST, path, body);
	json_decref(body);
}

static void top_on_key(struct top *top, enum top_key key)
{
	bool asked = top->asks;

	if (key == TOP_KEY_NONE)
		return;
	set_top_message(top, NULL, false);
	if (key == TOP_KEY_QUIT)
		loop_stop(top->loop);
	else if (key == TOP_KEY_YES && asked && top->selected_id)
		acknowledge_chosen(top);
	else if (key == TOP_KEY_ACKNOWLEDGE)
		ask_person(top);
	else if (key == TOP_KEY_UP && top->selected)
		choose_incident(top, top->selected - 1);
	else if (key == TOP_KEY_DOWN)
		choose_incident(top, top->selected + 1);
}

static void top_on_input(void *ctx)
{
	struct top *top = ctx;
	char bytes[64];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (n <= 0 && !(n < 0 && errno == EINTR)) {
		loop_stop(top->loop); /* the terminal is gone */
		return;
	}
	for (ssize_t i = 0; i < n; i++)
		top_on_key(top, top_key_of(&top->keys, bytes[i]));
	draw_top(top);
}

static void top_on_signal(void *ctx, int signo)
{
	struct top *top = ctx;

	if (signo == SIGTSTP) {
		top_screen_leave();
		raise(SIGSTOP);
		top_screen_enter();
		draw_top(top);
	} else if (signo == SIGWINCH) {
		draw_top(top);
	} else {
		loop_stop(top->loop);
	}
}

/* ---- the command ---- */

static int start_top(struct top *top)
{
	const struct loop_hooks hooks = { .caught = top_on_signal, .ctx = top };

	top->base = net_event_base_new();
	top->timers = timers_new();
	top->loop = top->base ? loop_new(top->base, clock_system(), top->timers, &hooks) : NULL;
	top->http = top->loop ? http_client_new(top->base, clock_system()) : NULL;
	if (!top->http)
		return command_failed(CLIENT_UNREACHED, "top", "the HTTP client cannot be started");
	for (size_t i = 0; i < TOP_ASKS; i++)
		top->calls[i] = (struct top_call){ .top = top, .ask = (enum top_ask)i };
	top->refresh = (struct timer){ .fire = top_refresh, .arg = top };
	return 0;
}

static void end_top(struct top *top)
{
	http_client_free(top->http);
	loop_free(top->loop);
	timers_free(top->timers);
	if (top->base)
		event_base_free(top->base);
	for (size_t i = 0; i < TOP_ASKS; i++)
		client_answer_fini(&top->calls[i].answer);
	json_decref(top->incidents);
	json_decref(top->gathered);
	free(top->selected_id);
	free(top->message);
	client_target_fini(&top->target);
}

static int show_once(struct top *top)
{
	struct buf frame = BUF_INIT(LIMIT_TOP_FRAME_BYTES);

	top_refresh(top);
	loop_run(top->loop);
	if (top->status != CLIENT_DONE)
		return command_failed((int)top->status, "top", "%s", top->trouble.text);
	write_top_frame(top, 0, &frame);
	screen_print(&top->screen, &frame);
	buf_fini(&frame);
	return CLIENT_DONE;
}

static int show_live(struct top *top)
{
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP };
	int result = 0;

	for (size_t i = 0; i < ARRAY_LEN(caught) && result == 0; i++)
		result = loop_catch(top->loop, caught[i]);
	if (result == 0)
		result = loop_watch(top->loop, STDIN_FILENO, top_on_input, top);
	if (result == 0)
		result = top_screen_enter();
	if (result < 0)
		return command_failed(STATUS_USAGE, "top", "cannot use this terminal: %s",
				      strerror(-result));
	top_refresh(top);
	draw_top(top);
	loop_run(top->loop);
	top_screen_leave();
	return CLIENT_DONE;
}

static bool can_draw(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term &&
	       strcmp(term, "dumb") != 0;
}

int cmd_top(int argc, char **argv)
{
	struct top_options options;
	struct top top = { .options = &options };
	struct err err = { 0 };
	int status;

	if (!options_parse_top(argc, argv, &options, &status))
		return status;
	if (!options.once && !can_draw())
		return usage_error("top", "this is no terminal that can be drawn on; --once prints "
					  "one frame");
	if (options.interval_us < LIMIT_TOP_INTERVAL_LEAST_US)
		return usage_error("top", "--interval is at least 100ms");
	if (client_target_init(&top.target, &options.client, &err) != CLIENT_DONE) {
		status = usage_error("top", "%s", err.text);
		client_target_fini(&top.target);
		return status;
	}
	client_keep_from_proxy(&top.target);
	screen_look(&top.screen);
	status = start_top(&top);
	if (status == 0)
		status = options.once ? show_once(&top) : show_live(&top);
	end_top(&top);
	return status;
}
