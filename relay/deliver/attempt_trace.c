/*
 * An attempt as a span of the relay's own traces. Of the request it tells host and port only: the
 * paths of many pagers' addresses are keys. What a pager answers is not told either, but its
 * status.
 */
#include "deliver-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/xalloc.h"

struct attempt_trace {
	const struct deliver_env *env;
	struct span_context context;
	int64_t began_us;
	enum pager_kind_id kind;
	unsigned int number;
	int event;
	bool sends; /* by HTTP: target is set */
	struct stage_target target;
	char traceparent[TRACEPARENT_SIZE];
	char incident[64], pager[LIMIT_STAGE_TEXT_CHARS];
};

struct attempt_trace *attempt_trace_new(const struct deliver_env *env,
					const struct attempt_order *order)
{
	struct span_context above;

	if (!env->tracer || !order->page || !order->page->trace ||
	    !span_context_read(order->page->trace, &above))
		return NULL;
	struct attempt_trace *trace = xcalloc(1, sizeof(*trace));
	trace->env = env;
	trace->context = stage_child(env->tracer, &above);
	trace->began_us = clock_mono_us(env->clock);
	trace->kind = order->target->kind;
	trace->number = order->row->attempts;
	trace->event = order->row->event;
	snprintf(trace->incident, sizeof(trace->incident), "%s", order->row->incident);
	snprintf(trace->pager, sizeof(trace->pager), "%s", order->row->pager);
	return trace;
}

struct span_context attempt_trace_span(const struct attempt_trace *trace)
{
	return trace ? trace->context : (struct span_context){ .span = 0 };
}

static bool attempt_has_header(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->nheaders; i++)
		if (strcasecmp(request->headers[i].name, name) == 0)
			return true;
	return false;
}

void attempt_trace_sends(struct attempt_trace *trace, struct delivery *delivery)
{
	if (!trace || delivery->mail || delivery->console)
		return;
	trace->sends = true;
	stage_target_set(&trace->target, &delivery->request, false);
	/* Whoever runs the receiver of a webhook runs its tracing too; services get none. */
	if (trace->kind == PAGER_WEBHOOK && !attempt_has_header(&delivery->request, "traceparent"))
		http_request_header(&delivery->request, "traceparent",
				    traceparent_write(&trace->context, trace->traceparent));
}

static void attempt_trace_tell(struct attempt_trace *trace, const struct judgement *judgement,
			       int status)
{
	static const char *const results[] = { [JUDGE_DELIVERED] = "delivered",
					       [JUDGE_RETRY] = "retry",
					       [JUDGE_REJECTED] = "rejected" };
	const char *verb = !trace->sends		       ? "SEND"
			   : trace->target.method == HTTP_POST ? "POST"
							       : "GET";
	char name[LIMIT_STAGE_TEXT_CHARS + 8];
	struct stage_span span = { .stage = STAGE_DELIVER,
				   .name = name,
				   .context = trace->context,
				   .began_us = trace->began_us };

	snprintf(name, sizeof(name), "%s %s", verb, trace->pager);
	stage_text(&span, STAGE_ATTR_PAGER, trace->pager);
	stage_text(&span, STAGE_ATTR_PAGER_KIND, pager_kind_name(trace->kind));
	stage_text(&span, STAGE_ATTR_INCIDENT, trace->incident);
	stage_text(&span, STAGE_ATTR_EVENT, page_event_name((enum page_event)trace->event));
	stage_number(&span, STAGE_ATTR_ATTEMPT, trace->number);
	stage_text(&span, STAGE_ATTR_JUDGEMENT, results[judgement->outcome]);
	if (trace->sends)
		stage_add_http(&span, &trace->target, status, judgement->text, false);
	if (judgement->outcome == JUDGE_DELIVERED)
		span.error = NULL;
	else if (!span.error)
		span.error = stage_error_type(trace->sends ? NULL : judgement->text);
	stage_tell(trace->env->tracer, &span, clock_mono_us(trace->env->clock));
}

void attempt_trace_end(struct attempt_trace *trace, const struct judgement *judgement, int status)
{
	if (trace && judgement)
		attempt_trace_tell(trace, judgement, status);
	free(trace);
}
