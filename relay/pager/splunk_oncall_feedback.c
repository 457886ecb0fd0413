/*
 * What Splunk On-Call tells back: an outgoing webhook, with a header of one's own or a password in
 * its URL. Its payload is a template of variables, which tracepager-page(7) gives; the members are
 * named as the variables are, so the list of all variables that the service offers does, too.
 * STATE.ENTITY_ID is our dedup key. What the API did, our own acts among it, is SYSTEM's.
 */
#include "feedback-internal.h"

#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const struct told_rule splunk_told_rules[] = {
	{ "ACKED", ACT_ACKNOWLEDGE, true, NULL, NULL },
	{ "RESOLVED", ACT_RESOLVE, true, NULL, NULL },
};

/* The first of two variables that has a value. A variable that the service does not know stays as
 * it stands in the template. */
static const char *splunk_variable(const json_t *root, const char *first, const char *second)
{
	const char *text = feedback_member(root, first);

	if (!*text || strncmp(text, "${{", 3) == 0)
		text = feedback_member(root, second);
	return strncmp(text, "${{", 3) == 0 ? "" : text;
}

static const char *splunk_person(struct arena *arena, const json_t *root, const char *phase)
{
	const bool resolved = strcmp(phase, "RESOLVED") == 0;
	const char *who = splunk_variable(root, resolved ? "STATE.RESOLVED_BY" : "STATE.ACKED_BY",
					  resolved ? "" : "STATE.ACK_USER");

	return feedback_name(arena, strcasecmp(who, "SYSTEM") == 0 ? "" : who);
}

/* Templates give numbers as texts. */
static bool has_ack_time(const json_t *root)
{
	const json_t *at = json_object_get(root, "STATE.ACK_TIMESTAMP");
	const char *text = splunk_variable(root, "STATE.ACK_TIMESTAMP", "");

	return json_real_value(at) > 0 || (*text && strcmp(text, "0") != 0);
}

enum feedback_verdict splunk_oncall_feedback(struct arena *arena,
					     const struct feedback_request *request,
					     struct feedback *ret_feedback, struct err *err)
{
	if (!feedback_fits(request, err))
		return FEEDBACK_MALFORMED;
	const enum feedback_verdict verdict = feedback_check_header(request, err);
	if (verdict != FEEDBACK_VERIFIED)
		return verdict;
	json_t *root = feedback_object(request, "outgoing webhook of Splunk On-Call", err);
	if (!root)
		return FEEDBACK_MALFORMED;
	const char *phase =
		splunk_variable(root, "STATE.CURRENT_ALERT_PHASE", "INCIDENT.CURRENT_PHASE");
	const char *who = splunk_person(arena, root, phase);
	const struct told_event event = {
		.type = phase,
		.who = who,
		.key = splunk_variable(root, "STATE.ENTITY_ID", "ALERT.entity_id"),
		.by_person = *who != '\0',
		.data = root,
	};
	*ret_feedback = (struct feedback){
		.ignored = "",
		/* Without a time the same body may be another event. */
		.event = has_ack_time(root) ? feedback_digest(arena, request) : "",
		.at_us = request->wall_us,
		.theirs = feedback_name(arena, splunk_variable(root, "INCIDENT.INCIDENT_ID", "")),
	};
	feedback_follow(
		arena,
		feedback_find_rule(splunk_told_rules, ARRAY_LEN(splunk_told_rules), event.type),
		&event, request->wall_us, ret_feedback);
	json_decref(root);
	return FEEDBACK_VERIFIED;
}
