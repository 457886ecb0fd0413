/*
 * Alertmanager's API v2 as Prometheus, vmalert and the rulers of Loki, Mimir and Thanos use it: a
 * list of alerts, which are sent again while they fire and end at endsAt. Source: Alertmanager's
 * api/v2, Prometheus' notifier and rules. Pure.
 */
#include <errno.h>
#include <string.h>

#include "alert_json-internal.h"
#include "tracepager/limits.h"

#define FAMILY "prometheus"

static const char *prometheus_complete(struct alert *alert, const struct alert_json_fields *fields,
				       int64_t now_us)
{
	(void)fields;
	if (alert->starts_at_us == 0)
		alert->starts_at_us = alert->ends_at_us != 0 ? alert->ends_at_us : now_us;
	if (alert->ends_at_us == 0)
		alert->ends_at_us = now_us + LIMIT_API_ALERT_US;
	else if (alert->ends_at_us < alert->starts_at_us)
		return "endsAt is before startsAt";
	alert->status = alert->ends_at_us > now_us ? ALERT_FIRING : ALERT_RESOLVED;
	alert->ends_by_itself = true;
	return NULL;
}

static int prometheus_judge(const struct alert_json_outside *outside, struct err *err)
{
	const char *what = "an object";

	if (outside->has_alerts)
		what = "a webhook body (an object that has alerts)";
	else if (outside->looks_like)
		what = outside->looks_like;
	return err_set(err, EBADMSG, "this is %s, not the list of alerts that /api/v2/alerts takes",
		       what);
}

static int prometheus_parse(struct arena *arena, const struct alert_body *body,
			    struct alert_batch *ret_batch, struct err *err)
{
	static const struct alert_json_kind kind = {
		.family = FAMILY,
		.list = true,
		.what = "the list of alerts that /api/v2/alerts takes",
		.complete = prometheus_complete,
		.judge = prometheus_judge,
	};

	return alert_json_parse(&kind, arena, body->text, body->len, body->sender, body->now_us,
				ret_batch, err);
}

const struct alert_format alert_format_PROMETHEUS = {
	.name = "prometheus",
	.text = "Alertmanager API v2 alerts, as Prometheus sends them",
	.family = FAMILY,
	.match = alert_json_is_list,
	.parse = prometheus_parse,
};
