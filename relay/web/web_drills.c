/*
 * Web drills: /api/v1/drills: the signals that can be drilled, fire drills and their stages, and
 * the start of one, which pages people.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/drill.h"

#include "web-internal.h"
#include "web_act-internal.h"

static struct drills *drills_of(const struct web *web)
{
	return web->ops.drills(web->ops.ctx);
}

void web_serve_drills(struct web_request *request)
{
	struct buf out = BUF_INIT(LIMIT_DRILLS_JSON_BYTES);

	drills_write_all(drills_of(request->web), &out);
	web_reply_buf(request->exchange, NULL, &out);
}

void web_serve_drill(struct web_request *request)
{
	struct buf out = BUF_INIT(LIMIT_DRILLS_JSON_BYTES);

	if (drills_write(drills_of(request->web), request->param[0], &out)) {
		web_reply_buf(request->exchange, NULL, &out);
		return;
	}
	buf_fini(&out);
	web_failf(request->exchange, 404,
		  "there is no drill \"%s\": the latest are kept in memory, until the relay ends",
		  request->param[0]);
}

/* `labels`: an object of texts, into the order. False: it is none, and the request was answered. */
static bool drill_take_labels(struct web_request *request, struct arena *arena, const json_t *body,
			      struct drill_order *order)
{
	json_t *labels = json_object_get(body, "labels"), *value;
	const char *name;

	if (!labels || json_is_null(labels))
		return true;
	if (!json_is_object(labels) || json_object_size(labels) > LIMIT_DRILL_LABELS) {
		web_failf(request->exchange, 400,
			  "labels must be an object of at most %u labels, as {\"severity\": "
			  "\"critical\"}",
			  LIMIT_DRILL_LABELS);
		return false;
	}
	order->labels.at = arena_array(arena, json_object_size(labels) + 1, sizeof(struct label));
	json_object_foreach(labels, name, value)
	{
		if (!json_is_string(value) || !*name ||
		    json_string_length(value) > LIMIT_LABEL_BYTES) {
			web_failf(request->exchange, 400, "labels.%.40s must be a text", name);
			return false;
		}
		order->labels.at[order->labels.n++] =
			(struct label){ arena_strdup(arena, name),
					arena_strdup(arena, json_string_value(value)) };
	}
	labels_normalise(&order->labels);
	return true;
}

static bool drill_take_order(struct web_request *request, struct arena *arena, const json_t *body,
			     struct drill_order *order)
{
	const json_t *resolve = json_object_get(body, "resolve");
	const char *who;

	if (!web_member_text(request, body, "signal", &order->signal) ||
	    !web_member_text(request, body, "who", &who) ||
	    !drill_take_labels(request, arena, body, order))
		return false;
	order->who = web_act_who(request, arena, who);
	order->no_resolve = json_is_false(resolve);
	if (resolve && !json_is_boolean(resolve))
		web_fail(request->exchange, 400, "resolve must be true or false");
	else if (!*order->signal)
		web_fail(request->exchange, 400,
			 "signal is missing: GET /api/v1/drills lists the signals of the rules");
	else
		return true;
	return false;
}

static void drill_start(struct web_request *request, const struct drill_order *order)
{
	struct buf out = BUF_INIT(LIMIT_DRILLS_JSON_BYTES);
	struct err err = { 0 };
	char id[DRILL_ID_SIZE];
	int result = drills_start(drills_of(request->web), order, id, &err);

	if (result == 0) {
		drills_write(drills_of(request->web), id, &out);
		buf_putc(&out, '\n');
		web_reply_json(request->exchange, 202, buf_text(&out));
	} else {
		web_fail(request->exchange,
			 result == -ENOENT  ? 404
			 : result == -EBUSY ? 503
					    : 400,
			 err.text);
	}
	buf_fini(&out);
}

void web_serve_drill_start(struct web_request *request)
{
	struct arena *arena = arena_new(LIMIT_DRILL_ARENA_BYTES);
	struct drill_order order = { .signal = "" };
	json_t *body;

	if (web_body_object(request, &body)) {
		if (drill_take_order(request, arena, body, &order))
			drill_start(request, &order);
		json_decref(body);
	}
	arena_free(arena);
}
