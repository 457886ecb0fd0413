/*
 * Web alerts: /api/v1/alerts: the alerts that fire, from memory, in slices of the loop, in the
 * order in which they were accepted.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_job-internal.h"

struct alert_list {
	struct web_job job;
	struct timer slice; /* goes on in the next turn */
	int64_t until_us;   /* monotonic: the end of this slice */
	char team[LIMIT_PATH_PLACE_BYTES], state[32];
	char label[LIMIT_PATH_PLACE_BYTES]; /* its name; "": any */
	const char *label_value;	    /* behind the name, in label */
	size_t limit, n;
	/* The last one that was looked at: the list goes on behind it. */
	int64_t last_id;
	char last[LIMIT_PATH_PLACE_BYTES];
	bool skipping; /* that one is known no more: older ones are left out */
	bool more, paused;
	struct buf out;
};

static void alert_add_labels(struct buf *out, const char *key, const struct labels *labels)
{
	buf_json_key(out, key);
	buf_putc(out, '{');
	for (size_t i = 0; i < labels->n; i++)
		buf_json_text(out, labels->at[i].name, labels->at[i].value);
	buf_putc(out, '}');
}

static void alert_add_time(struct buf *out, const char *key, int64_t us)
{
	char text[RFC3339_SIZE];

	buf_json_text(out, key, us ? rfc3339_format(us, text) : NULL);
}

static void alert_write_view(struct buf *out, const struct incident_alert_view *view)
{
	const struct alert *alert = view->alert;

	buf_putc(out, '{');
	buf_json_text(out, "key", view->key);
	buf_json_text(out, "state", view->state);
	buf_json_text(out, "sender", alert->sender);
	buf_json_text(out, "severity", severity_name(alert_severity(alert)));
	alert_add_labels(out, "labels", &alert->labels);
	alert_add_labels(out, "annotations", &alert->annotations);
	alert_add_time(out, "starts_at", alert->starts_at_us);
	alert_add_time(out, "accepted_at", view->accepted_us);
	alert_add_time(out, "heard_at", view->heard_us);
	alert_add_time(out, "expires_at", view->expires_us);
	buf_json_text(out, "generator_url", *alert->generator_url ? alert->generator_url : NULL);
	buf_json_text(out, "incident", *view->incident ? view->incident : NULL);
	buf_json_text(out, "team", *view->team ? view->team : NULL);
	buf_json_key(out, "silenced");
	buf_puts(out, view->silenced ? "true" : "false");
	buf_putc(out, '}');
}

static bool alert_list_wants(const struct alert_list *list, const struct incident_alert_view *view)
{
	const char *value = *list->label ? labels_get(&view->alert->labels, list->label) : NULL;

	return (!*list->team || strcmp(list->team, view->team) == 0) &&
	       (!*list->state || strcmp(list->state, view->state) == 0) &&
	       (!*list->label || (value && strcmp(value, list->label_value) == 0));
}

static bool list_on_alert(void *ctx, const struct incident_alert_view *view)
{
	struct alert_list *list = ctx;
	const bool wanted = view->alert && !(list->skipping && view->id <= list->last_id) &&
			    alert_list_wants(list, view);

	if (wanted && list->n == list->limit) {
		list->more = true;
		return false;
	}
	if (wanted) {
		buf_puts(&list->out, list->n++ ? "," : "");
		alert_write_view(&list->out, view);
	}
	if (!list->skipping || view->id > list->last_id) {
		list->skipping = false;
		list->last_id = view->id;
		snprintf(list->last, sizeof(list->last), "%s", view->key);
	}
	list->paused = clock_mono_us(list->job.web->clock) >= list->until_us;
	return !list->paused;
}

/* One slice: a thousand alerts take longer than a turn may. */
static void alert_list_slice(void *arg)
{
	struct alert_list *list = arg;
	const struct web *web = list->job.web;
	const struct incidents *incidents = web->ops.incidents(web->ops.ctx);
	struct web_request request = { .web = list->job.web, .exchange = list->job.exchange };

	list->paused = false;
	list->until_us = clock_mono_us(web->clock) + LIMIT_SLICE_US;
	list->skipping = *list->last && !incidents_knows_alert(incidents, list->last);
	incidents_each_alert(incidents, *list->last ? list->last : NULL, list_on_alert, list);
	if (list->paused) {
		timer_arm(web->timers, &list->slice, clock_mono_us(web->clock));
		return;
	}
	web_list_end(&request, &list->out, list->last_id, list->more ? list->last : NULL);
	web_job_free(&list->job);
}

static void alert_list_fini(struct web_job *job)
{
	struct alert_list *list = (struct alert_list *)job;

	timer_disarm(job->web->timers, &list->slice);
	buf_fini(&list->out);
}

static bool alert_list_read_label(struct web_request *request, struct alert_list *list)
{
	char *equals;

	if (!web_query_text(request, "label", list->label, sizeof(list->label)))
		return false;
	equals = strchr(list->label, '=');
	if (*list->label && (!equals || equals == list->label)) {
		web_fail(request->exchange, 400,
			 "label must be NAME=VALUE (in a query the second = is %3D)");
		return false;
	}
	list->label_value = equals ? equals + 1 : "";
	if (equals)
		*equals = '\0';
	return true;
}

static bool alert_list_read(struct web_request *request, struct alert_list *list)
{
	static const char *const states[] = { "", "waiting", "enriching", "paged", "quiet" };
	bool known = false;

	if (!web_query_text(request, "team", list->team, sizeof(list->team)) ||
	    !web_query_text(request, "state", list->state, sizeof(list->state)) ||
	    !alert_list_read_label(request, list) || !web_query_limit(request, &list->limit) ||
	    !web_query_cursor(request, &list->last_id, list->last, sizeof(list->last)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		known |= strcmp(list->state, states[i]) == 0;
	if (!known)
		web_fail(request->exchange, 400,
			 "state must be one of waiting, enriching, paged, quiet");
	return known;
}

void web_serve_api_alerts(struct web_request *request)
{
	struct alert_list *list = web_job_new(sizeof(*list), request->web, request->exchange);

	list->job.fini = alert_list_fini;
	list->slice = (struct timer){ .fire = alert_list_slice, .arg = list };
	buf_init(&list->out, LIMIT_INCIDENTS_BYTES);
	if (!alert_list_read(request, list)) {
		web_job_free(&list->job);
		return;
	}
	buf_puts(&list->out, "{\"alerts\":[");
	alert_list_slice(list);
}
