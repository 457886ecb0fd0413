/* The relay's own trace of an alert: see alert_trace-internal.h. */
#include "alert_trace-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/locate.h"
#include "tracepager/xalloc.h"

struct alert_trace {
	const struct tracer *tracer;
	const struct clock *clock;
	struct span_context root;
	/* The sender's span, where it must not be the parent. */
	struct span_context sender_span;
	int64_t began_us, stores_us; /* mono; stores_us 0: nothing is under way to the store */
	bool stored, decided, recovered;
	/* What the root says of the decision; texts are the trace's. */
	struct stage_span span;
	char sender[LIMIT_STAGE_TEXT_CHARS], name[LIMIT_STAGE_TEXT_CHARS];
	char suspect[LIMIT_STAGE_TEXT_CHARS], team[LIMIT_STAGE_TEXT_CHARS], incident[64];
};

static int64_t alert_trace_now_us(const struct alert_trace *trace)
{
	return clock_mono_us(trace->clock);
}

static void trace_copy(char out[LIMIT_STAGE_TEXT_CHARS], const char *text)
{
	snprintf(out, LIMIT_STAGE_TEXT_CHARS, "%s", text ? text : "");
}

/* Does the alert name the trace of its own request? What the relay does for it must not become a
 * part of the evidence that it reads. */
static bool alert_names_sender_trace(const struct alert *alert, struct span_context *ret_span)
{
	struct arena *arena;
	const char *ids[LIMIT_TRACE_IDS_PER_ALERT];
	char id[TRACE_ID_SIZE];
	bool sampled, named = false;

	if (!alert->trace || !traceparent_read(alert->trace, ret_span, &sampled))
		return false;
	arena = arena_new(LIMIT_ENRICHMENT_BYTES);
	const size_t n = locate_trace_ids(arena, alert, ids, LIMIT_TRACE_IDS_PER_ALERT);
	span_context_trace_id(ret_span, id);
	for (size_t i = 0; i < n; i++)
		named |= strcmp(ids[i], id) == 0;
	arena_free(arena);
	return named;
}

static struct alert_trace *alert_trace_new(const struct tracer *tracer, const struct clock *clock,
					   const struct alert *alert)
{
	struct span_context root, sender_span = { .span = 0 };

	if (!tracer || alert_synthetic(alert) == SYNTHETIC_SELF)
		return NULL;
	const bool named = alert_names_sender_trace(alert, &sender_span);
	if (!tracer->begin(tracer->ctx, named ? NULL : alert->trace, &root))
		return NULL;
	struct alert_trace *trace = xcalloc(1, sizeof(*trace));
	trace->tracer = tracer;
	trace->clock = clock;
	trace->root = root;
	if (named)
		trace->sender_span = sender_span;
	trace_copy(trace->sender, alert->sender);
	trace_copy(trace->name, labels_get(&alert->labels, "alertname"));
	trace->began_us = alert->received_us ? alert->received_us : alert_trace_now_us(trace);
	if (alert->received_us) {
		struct stage_span span = stage_below(STAGE_ACCEPT, &root, trace->began_us);
		stage_text(&span, STAGE_ATTR_SENDER, trace->sender);
		stage_tell(tracer, &span, alert_trace_now_us(trace));
	}
	return trace;
}

struct span_context alert_trace_begin(struct alert_trace **slot, const struct tracer *tracer,
				      const struct clock *clock, const struct alert *alert)
{
	alert_trace_free(*slot);
	*slot = alert_trace_new(tracer, clock, alert);
	return alert_trace_root(*slot);
}

struct alert_trace *alert_trace_restore(const struct tracer *tracer, const struct clock *clock,
					const struct alert *alert, int64_t accepted_us)
{
	struct span_context root;

	if (!tracer || !alert->trace || !span_context_read(alert->trace, &root))
		return NULL;
	struct alert_trace *trace = xcalloc(1, sizeof(*trace));
	trace->tracer = tracer;
	trace->clock = clock;
	trace->root = root;
	trace->recovered = true;
	trace_copy(trace->sender, alert->sender);
	trace_copy(trace->name, labels_get(&alert->labels, "alertname"));
	trace->began_us = clock_mono_us(clock) - (clock_wall_us(clock) - accepted_us);
	return trace;
}

void alert_trace_free(struct alert_trace *trace)
{
	free(trace);
}

struct span_context alert_trace_root(const struct alert_trace *trace)
{
	return trace ? trace->root : (struct span_context){ .span = 0 };
}

/* All is over: the root is told. */
static void alert_trace_settle(struct alert_trace **slot)
{
	struct alert_trace *trace = *slot;

	if (!trace->decided || !trace->stored)
		return;
	trace->span.links = &trace->sender_span;
	trace->span.nlinks = span_context_is_set(&trace->sender_span);
	stage_tell(trace->tracer, &trace->span, alert_trace_now_us(trace));
	alert_trace_free(trace);
	*slot = NULL;
}

void alert_trace_stores(struct alert_trace **slot, struct alert *words, char out[SPAN_CONTEXT_SIZE])
{
	struct alert_trace *trace = *slot;

	if (!trace)
		return;
	words->trace = span_context_write(&trace->root, out);
	if (!trace->stores_us)
		trace->stores_us = alert_trace_now_us(trace);
}

void alert_trace_stored(struct alert_trace **slot, bool failed)
{
	struct alert_trace *trace = *slot;

	if (!trace)
		return;
	if (!trace->stored) {
		struct stage_span span = stage_below(STAGE_STORE, &trace->root, trace->stores_us);
		if (failed)
			span.error = "store";
		stage_tell(trace->tracer, &span, alert_trace_now_us(trace));
	}
	trace->stored = true;
	alert_trace_settle(slot);
}

void alert_trace_add_decision(struct stage_span *span, const struct decision *decision)
{
	const struct verdict *verdict = &decision->verdict;

	stage_text(span, STAGE_ATTR_OUTCOME,
		   decision->no_page		    ? "no_page"
		   : verdict->found		    ? "suspect"
		   : decision_is_untraced(decision) ? "untraced"
						    : "fallback");
	if (verdict->found) {
		stage_text(span, STAGE_ATTR_SUSPECT, verdict->suspect.service);
		stage_text(span, STAGE_ATTR_SUSPECT_KIND, suspect_kind_name(verdict->suspect.kind));
		stage_real(span, STAGE_ATTR_CONFIDENCE, verdict->confidence);
	} else if (verdict->fallback != FALLBACK_NONE) {
		stage_text(span, STAGE_ATTR_FALLBACK, fallback_code_name(verdict->fallback));
	}
	if (decision->team)
		stage_text(span, STAGE_ATTR_TEAM, decision->team->name);
}

/* The decision's own texts do not live until the alert is stored. */
static void trace_keep_texts(struct alert_trace *trace)
{
	for (size_t i = 0; i < trace->span.nvalues; i++) {
		struct stage_value *value = &trace->span.values[i];
		char *own = value->attr == STAGE_ATTR_SUSPECT ? trace->suspect
			    : value->attr == STAGE_ATTR_TEAM  ? trace->team
							      : NULL;
		if (!own)
			continue;
		trace_copy(own, value->text);
		value->text = own;
	}
}

void alert_trace_decided(struct alert_trace **slot, const struct decision *decision,
			 const char *incident)
{
	struct alert_trace *trace = *slot;

	if (!trace)
		return;
	trace->decided = true;
	trace->span = (struct stage_span){ .stage = STAGE_ALERT,
					   .context = trace->root,
					   .began_us = trace->began_us };
	snprintf(trace->incident, sizeof(trace->incident), "%s", incident);
	stage_text(&trace->span, STAGE_ATTR_ALERT, trace->name);
	stage_text(&trace->span, STAGE_ATTR_SENDER, trace->sender);
	stage_flag(&trace->span, STAGE_ATTR_RECOVERED, trace->recovered);
	alert_trace_add_decision(&trace->span, decision);
	stage_text(&trace->span, STAGE_ATTR_INCIDENT, trace->incident);
	trace_keep_texts(trace);
	alert_trace_settle(slot);
}
