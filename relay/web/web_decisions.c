/*
 * Web decisions: /api/v1/decisions: how alerts became pages, from the store, which the pool reads:
 * a list, one as a whole, and its traces.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/pack.h"
#include "tracepager/past.h"
#include "tracepager/trace_encode.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_job-internal.h"

static const char *stored_traces_name(enum stored_traces kept)
{
	static const char *const names[] = {
		[STORED_TRACES_NONE] = "none",
		[STORED_TRACES_WHOLE] = "whole",
		[STORED_TRACES_PATHS] = "paths",
		[STORED_TRACES_LOST] = "lost",
	};

	return names[kept];
}

static const char *text_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* Members of an object whose brace is open: what the store tells of a decision by itself. */
static void decision_add_row(struct buf *out, const struct past *past)
{
	char at[RFC3339_SIZE];

	buf_json_int(out, "id", past->id);
	buf_json_text(out, "at", rfc3339_format(past->at_us, at));
	buf_json_text(out, "incident", text_or_null(past->incident));
	buf_json_text(out, "team", text_or_null(past->team));
	buf_json_text(out, "alert_key", past->alert_key);
	buf_json_text(out, "rules", text_or_null(past->rules));
	buf_json_text(out, "traces", stored_traces_name(past->kept));
}

/* ---- GET /api/v1/decisions ---- */

struct decision_list {
	struct web_job job;
	int64_t since_us, until_us;
	char team[LIMIT_PATH_PLACE_BYTES], alert[LIMIT_PATH_PLACE_BYTES];
	size_t limit, n, looked;
	int64_t last_id; /* it goes on behind this one; 0: from the first */
	bool more;
	struct buf out;
};

/* The alert's name; "": it has none, or the store does not have the alert. */
static const char *decision_alert_name(struct arena *arena, const struct past *past)
{
	struct buf doc = BUF_INIT(LIMIT_PAST_ALERT_BYTES);
	struct alert alert;
	const char *name = NULL;

	if (past->alert.len && pack_open(past->alert.data, past->alert.len, &doc, NULL) == 0 &&
	    alert_read(arena, buf_text(&doc), doc.len, &alert, NULL) == 0)
		name = labels_get(&alert.labels, "alertname");
	buf_fini(&doc);
	return name ? name : "";
}

static void decision_add_suspect(struct buf *out, const struct outcome *outcome)
{
	buf_json_key(out, "suspect");
	if (!outcome->found) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '{');
	buf_json_text(out, "service", outcome->suspect);
	buf_json_text(out, "namespace", outcome->namespace);
	buf_json_text(out, "operation", outcome->operation);
	buf_json_text(out, "kind", outcome->kind);
	buf_json_text(out, "callee", text_or_null(outcome->callee));
	buf_json_text(out, "error", text_or_null(outcome->error));
	buf_putc(out, '}');
}

/* What came out; without the members where its document cannot be read. */
static void decision_add_outcome(struct buf *out, struct arena *arena, const struct past *past)
{
	struct buf doc = BUF_INIT(LIMIT_DECISION_BYTES);
	struct outcome outcome;

	if (pack_open(past->decision.data, past->decision.len, &doc, NULL) == 0 &&
	    outcome_read(arena, buf_text(&doc), doc.len, &outcome, NULL) == 0) {
		decision_add_suspect(out, &outcome);
		buf_json_key(out, "confidence");
		buf_printf(out, "%.3g", outcome.confidence);
		buf_json_text(out, "fallback", text_or_null(outcome.fallback));
		buf_json_text(out, "rule", text_or_null(outcome.rule));
		buf_json_key(out, "paged");
		buf_puts(out, outcome.sent ? "true" : "false");
		buf_json_text(out, "severity", text_or_null(outcome.severity));
	}
	buf_fini(&doc);
}

static bool list_on_decision(void *ctx, const struct past *past)
{
	struct decision_list *list = ctx;
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	const char *name = decision_alert_name(arena, past);
	const bool wanted = !*list->alert || strcmp(name, list->alert) == 0;

	list->more = wanted && list->n == list->limit;
	if (wanted && !list->more) {
		buf_puts(&list->out, list->n++ ? ",{" : "{");
		decision_add_row(&list->out, past);
		buf_json_text(&list->out, "alert", text_or_null(name));
		decision_add_outcome(&list->out, arena, past);
		buf_putc(&list->out, '}');
	}
	if (!list->more) {
		list->last_id = past->id;
		list->more = ++list->looked == LIMIT_DECISIONS_LOOKED;
	}
	arena_free(arena);
	return !list->more;
}

static int decision_list_look(struct web_job *job, struct history *history, struct err *err)
{
	struct decision_list *list = (struct decision_list *)job;

	return history_decisions(history, list->since_us, list->until_us, list->team, list->last_id,
				 list_on_decision, list, err);
}

static void decision_list_answer(struct web_job *job)
{
	struct decision_list *list = (struct decision_list *)job;
	struct web_request request = { .web = job->web, .exchange = job->exchange };
	char last[24];

	if (job->result < 0) {
		web_job_fail(job);
		return;
	}
	snprintf(last, sizeof(last), "%lld", (long long)list->last_id);
	web_list_end(&request, &list->out, 0, list->more ? last : NULL);
	web_job_free(job);
}

static void decision_list_fini(struct web_job *job)
{
	buf_fini(&((struct decision_list *)job)->out);
}

/* A time of the query; other where it is missing. False: the request was answered. */
static bool query_time(struct web_request *request, const char *name, int64_t other,
		       int64_t *ret_us)
{
	char text[LIMIT_TIME_TEXT_BYTES];

	*ret_us = other;
	if (!web_query_text(request, name, text, sizeof(text)))
		return false;
	if (!*text || rfc3339_parse(text, strlen(text), ret_us) == 0)
		return true;
	web_failf(request->exchange, 400,
		  "%s must be a time such as 2026-09-01T10:00:00Z (in a query + is %%2B)", name);
	return false;
}

static bool query_before_id(struct web_request *request, int64_t *ret_id)
{
	char after[LIMIT_PATH_PLACE_BYTES];
	int64_t us;

	if (!web_query_cursor(request, &us, after, sizeof(after)))
		return false;
	const size_t len = strspn(after, "0123456789");
	*ret_id = len && len < 19 && !after[len] ? strtoll(after, NULL, 10) : 0;
	if (!*after || *ret_id)
		return true;
	web_fail(request->exchange, 400,
		 "cursor must be the \"next\" of the answer before; leave it out to start anew");
	return false;
}

void web_serve_decisions(struct web_request *request)
{
	struct decision_list *list = web_job_new(sizeof(*list), request->web, request->exchange);

	list->job.look = decision_list_look;
	list->job.answer = decision_list_answer;
	list->job.fini = decision_list_fini;
	buf_init(&list->out, LIMIT_INCIDENTS_BYTES);
	if (!query_time(request, "since", 0, &list->since_us) ||
	    !query_time(request, "until", INT64_MAX, &list->until_us) ||
	    !web_query_text(request, "team", list->team, sizeof(list->team)) ||
	    !web_query_text(request, "alert", list->alert, sizeof(list->alert)) ||
	    !web_query_limit(request, &list->limit) || !query_before_id(request, &list->last_id)) {
		web_job_free(&list->job);
		return;
	}
	buf_puts(&list->out, "{\"decisions\":[");
	web_job_look(&list->job);
}

/* ---- GET /api/v1/decisions/{id}, and its traces ---- */

struct decision_show {
	struct web_job job;
	char id[LIMIT_PATH_PLACE_BYTES];
	struct past past;
	bool found;
	bool as_proto;	      /* of the traces: OTLP protobuf; else OTLP JSON */
	const char *no_trace; /* a sentence; NULL: there are traces */
	struct buf out;
};

static int decision_show_look(struct web_job *job, struct history *history, struct err *err)
{
	struct decision_show *show = (struct decision_show *)job;
	struct buf doc = BUF_INIT(LIMIT_DECISION_BYTES);
	int result = history_find(history, show->id, &show->past, err);

	show->found = result > 0;
	if (show->found) {
		buf_putc(&show->out, '{');
		decision_add_row(&show->out, &show->past);
		result = pack_open(show->past.decision.data, show->past.decision.len, &doc, err);
		buf_json_key(&show->out, "decision");
		if (doc.len > 1 && doc.data[0] == '{' && doc.data[doc.len - 1] == '}')
			buf_add(&show->out, doc.data, doc.len);
		else
			buf_puts(&show->out, "null");
		buf_putc(&show->out, '}');
	}
	buf_fini(&doc);
	return result < 0 ? result : 0;
}

/* The messages without the lengths between them: behind one another they are one message. */
static bool join_messages(const struct buf *packed, struct buf *out)
{
	const char *at = buf_text(packed), *end = at + packed->len, *data;
	size_t len;

	while (at < end) {
		if (!pack_next_message(&at, end, &data, &len))
			return false;
		buf_add(out, data, len);
	}
	return true;
}

static int decision_write_traces(struct decision_show *show, struct err *err)
{
	struct buf packed = BUF_INIT(LIMIT_STORED_TRACES_RAW_BYTES),
		   joined = BUF_INIT(LIMIT_STORED_TRACES_RAW_BYTES);
	int result = pack_open(show->past.traces.data, show->past.traces.len, &packed, err);

	if (result == 0 && !join_messages(&packed, &joined))
		result = err_set(err, EBADMSG, "the stored traces are cut");
	if (result == 0 && show->as_proto)
		buf_add(&show->out, buf_text(&joined), joined.len);
	else if (result == 0)
		result = trace_otlp_json(buf_text(&joined), joined.len, &show->out, err);
	buf_fini(&packed);
	buf_fini(&joined);
	return result;
}

static int decision_traces_look(struct web_job *job, struct history *history, struct err *err)
{
	struct decision_show *show = (struct decision_show *)job;
	const int result = history_find(history, show->id, &show->past, err);

	show->found = result > 0;
	if (result <= 0)
		return result;
	if (show->past.kept == STORED_TRACES_NONE)
		show->no_trace = "this decision had no traces";
	else if (!show->past.traces.len)
		show->no_trace = "the traces of this decision are stored no more";
	return show->no_trace ? 0 : decision_write_traces(show, err);
}

static void decision_show_answer(struct web_job *job)
{
	struct decision_show *show = (struct decision_show *)job;
	struct http_exchange *exchange = job->exchange;

	if (job->result < 0) {
		web_job_fail(job);
		return;
	}
	if (!show->found)
		web_failf(exchange, 404, "there is no decision \"%s\"", show->id);
	else if (show->no_trace)
		web_fail(exchange, 404, show->no_trace);
	else if (show->as_proto && !show->out.failed)
		http_exchange_reply(exchange, 200, "application/x-protobuf", buf_text(&show->out),
				    show->out.len, 0);
	else if (show->out.failed)
		web_fail(exchange, 406,
			 "as JSON this is larger than 16 MiB: ask for traces with "
			 "?format=otlp-proto");
	else
		web_reply_buf(exchange, NULL, &show->out);
	web_job_free(job);
}

static void decision_show_fini(struct web_job *job)
{
	struct decision_show *show = (struct decision_show *)job;

	past_fini(&show->past);
	buf_fini(&show->out);
}

static struct decision_show *decision_show_new(struct web_request *request)
{
	struct decision_show *show = web_job_new(sizeof(*show), request->web, request->exchange);

	show->job.answer = decision_show_answer;
	show->job.fini = decision_show_fini;
	snprintf(show->id, sizeof(show->id), "%s", request->param[0]);
	return show;
}

void web_serve_decision(struct web_request *request)
{
	struct decision_show *show = decision_show_new(request);

	show->job.look = decision_show_look;
	buf_init(&show->out, LIMIT_INCIDENTS_BYTES);
	web_job_look(&show->job);
}

void web_serve_decision_traces(struct web_request *request)
{
	char format[32];

	if (!web_query_text(request, "format", format, sizeof(format)))
		return;
	if (*format && strcmp(format, "otlp-json") != 0 && strcmp(format, "otlp-proto") != 0) {
		web_fail(request->exchange, 400, "format must be otlp-json or otlp-proto");
		return;
	}
	struct decision_show *show = decision_show_new(request);
	show->job.look = decision_traces_look;
	show->as_proto = strcmp(format, "otlp-proto") == 0;
	buf_init(&show->out,
		 show->as_proto ? LIMIT_STORED_TRACES_RAW_BYTES + 1 : LIMIT_INCIDENTS_BYTES);
	web_job_look(&show->job);
}
