/* Web decision: a decision in JSON as a page shows it. See web_trace-internal.h. */
#include "web_trace-internal.h"

#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"

/* A member's text; "" where it is missing or no text. */
static const char *member_words(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* The texts of a list, or of a member of its objects (NULL: the elements are texts). */
static size_t list_texts(struct arena *arena, const json_t *list, const char *name,
			 const char *const **ret_texts)
{
	const size_t n = json_array_size(list);
	const char **texts = arena_array(arena, n + 1, sizeof(*texts));
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		const json_t *element = json_array_get(list, i);
		const char *text = name ? member_words(element, name) : json_string_value(element);
		if (text && *text)
			texts[found++] = text;
	}
	*ret_texts = texts;
	return found;
}

static void read_runners_up(struct arena *arena, const json_t *list, struct html_verdict *verdict)
{
	const size_t n = json_array_size(list);
	struct html_runner_up *others = arena_array(arena, n + 1, sizeof(*others));

	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(list, i);
		others[i] = (struct html_runner_up){ .service = member_words(one, "service"),
						     .callee = member_words(one, "callee"),
						     .agree = json_integer_value(
							     json_object_get(one, "agree")) };
	}
	verdict->runners_up = others;
	verdict->nrunners_up = n;
}

static void read_limits(struct arena *arena, const json_t *list, struct html_verdict *verdict)
{
	const size_t n = json_array_size(list);
	struct html_limit *limits = arena_array(arena, n + 1, sizeof(*limits));

	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(list, i);
		limits[i] = (struct html_limit){ .text = member_words(one, "text"),
						 .most = json_number_value(
							 json_object_get(one, "cap")) };
	}
	verdict->limits = limits;
	verdict->nlimits = n;
}

void web_decision_verdict(struct arena *arena, const json_t *decision,
			  struct html_verdict *ret_verdict)
{
	const json_t *verdict = json_object_get(decision, "verdict"),
		     *suspect = json_object_get(verdict, "suspect"),
		     *owner = json_object_get(decision, "owner"),
		     *signal = json_object_get(decision, "signal");

	*ret_verdict = (struct html_verdict){
		.suspect = member_words(suspect, "service"),
		.operation = member_words(suspect, "operation"),
		.kind = member_words(suspect, "kind"),
		.callee = member_words(suspect, "callee"),
		.error = member_words(suspect, "error"),
		.confidence = json_number_value(json_object_get(verdict, "confidence")),
		.agree = json_integer_value(json_object_get(verdict, "agree")),
		.of = json_integer_value(json_object_get(verdict, "of")),
		.traces = (int64_t)json_array_size(json_object_get(decision, "traces")),
		.fallback = member_words(json_object_get(verdict, "fallback"), "text"),
		.signal_service = member_words(signal, "service"),
		.signal_operation = member_words(signal, "operation"),
		.signal_from = member_words(signal, "from"),
		.owner = member_words(owner, "team"),
		.rule = member_words(owner, "rule"),
		.policy = member_words(json_object_get(decision, "escalation"), "policy"),
	};
	read_runners_up(arena, json_object_get(verdict, "runners_up"), ret_verdict);
	read_limits(arena, json_object_get(verdict, "limits"), ret_verdict);
	ret_verdict->ndifferences = list_texts(arena, json_object_get(verdict, "differs"), "text",
					       &ret_verdict->differences);
	ret_verdict->nreasons =
		list_texts(arena, json_object_get(verdict, "reasons"), NULL, &ret_verdict->reasons);
	ret_verdict->nowner_reasons = list_texts(arena, json_object_get(owner, "reasons"), NULL,
						 &ret_verdict->owner_reasons);
}

size_t web_decision_traces(struct arena *arena, const json_t *decision, const char *const **ret_ids)
{
	const json_t *traces = json_object_get(decision, "traces");
	const size_t n = json_array_size(traces);
	const char **ids = arena_array(arena, n + 1, sizeof(*ids));
	size_t found = 0;

	for (int with_path = 1; with_path >= 0; with_path--)
		for (size_t i = 0; i < n; i++) {
			const json_t *one = json_array_get(traces, i);
			const bool has = json_array_size(json_object_get(one, "path")) > 0;
			if (has == (with_path == 1) && *member_words(one, "trace_id"))
				ids[found++] = member_words(one, "trace_id");
		}
	*ret_ids = ids;
	return found;
}

size_t web_decision_path(struct arena *arena, const json_t *decision, const char *trace_id,
			 const char *const **ret_ids)
{
	const json_t *traces = json_object_get(decision, "traces"), *one;
	size_t i;

	json_array_foreach(traces, i, one) if (strcmp(member_words(one, "trace_id"), trace_id) ==
					       0) return list_texts(arena,
								    json_object_get(one, "path"),
								    "span_id", ret_ids);
	*ret_ids = NULL;
	return 0;
}

/* ---- alerts ---- */

static size_t read_alert_labels(struct arena *arena, json_t *labels,
				const struct html_span_fact **ret_labels)
{
	struct html_span_fact *facts =
		arena_array(arena, json_object_size(labels) + 1, sizeof(*facts));
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach(labels, name, value) if (json_is_string(value)) facts[n++] =
		(struct html_span_fact){ name, json_string_value(value) };
	*ret_labels = facts;
	return n;
}

size_t web_page_alerts(struct arena *arena, const json_t *list,
		       const struct html_alert **ret_alerts)
{
	const size_t n = json_array_size(list);
	struct html_alert *alerts = arena_array(arena, n + 1, sizeof(*alerts));

	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(list, i);
		const char *since = member_words(one, "starts_at");
		alerts[i] = (struct html_alert){ .name = member_words(one, "name"),
						 .status = member_words(one, "status") };
		rfc3339_parse(since, strlen(since), &alerts[i].since_us);
		alerts[i].nlabels =
			read_alert_labels(arena, json_object_get(one, "labels"), &alerts[i].labels);
	}
	*ret_alerts = alerts;
	return n;
}
