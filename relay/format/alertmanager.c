/*
 * Alertmanager's webhook, version 4: one group of alerts, some of which may be resolved while the
 * group fires. Source: Alertmanager's notify/webhook and template packages. Refuses Grafana's
 * webhook (version 1), which looks alike. Pure.
 */
#include <errno.h>
#include <string.h>

#include "alert_json-internal.h"

#define FAMILY "prometheus"

static const char *alertmanager_complete(struct alert *alert,
					 const struct alert_json_fields *fields, int64_t now_us)
{
	(void)now_us;
	alert->status = fields->has_status ? fields->status : ALERT_FIRING;
	return NULL;
}

static int alertmanager_judge(const struct alert_json_outside *outside, struct err *err)
{
	const char *version = outside->version;

	if (!outside->has_alerts) {
		if (outside->looks_like)
			return err_set(err, EBADMSG, "this is %s, not an Alertmanager webhook",
				       outside->looks_like);
		return err_set(err, EBADMSG,
			       "this is not an Alertmanager webhook: it has no list \"alerts\"");
	}
	/* Old copies of webhooks and hand-written tests leave the version out. */
	if (version[0] == '\0' || strcmp(version, "4") == 0)
		return 0;
	if (strcmp(version, "1") == 0)
		return err_set(err, EBADMSG,
			       "this is a Grafana webhook (version \"1\"), not an Alertmanager "
			       "webhook (version \"4\")");
	return err_set(err, EBADMSG, "this is a webhook of version \"%s\"; only \"4\" is known",
		       version);
}

static int alertmanager_parse(struct arena *arena, const struct alert_body *body,
			      struct alert_batch *ret_batch, struct err *err)
{
	static const struct alert_json_kind kind = {
		.family = FAMILY,
		.what = "an Alertmanager webhook",
		.complete = alertmanager_complete,
		.judge = alertmanager_judge,
	};

	return alert_json_parse(&kind, arena, body->text, body->len, body->sender, body->now_us,
				ret_batch, err);
}

const struct alert_format alert_format_ALERTMANAGER = {
	.name = "alertmanager",
	.text = "Alertmanager webhook, version 4",
	.family = FAMILY,
	.match = alert_json_has_alerts,
	.parse = alertmanager_parse,
};
