/*
 * What PagerDuty tells back: V3 webhooks, one event each. Its signature is an HMAC-SHA256 of the
 * body; while a secret is rotated, the header has two. Our dedup key is the incident_key of an
 * event about an incident; an event about a note has PagerDuty's id of the incident alone.
 *
 * An acknowledgement or a resolve counts when a person made it. One of an integration is our own
 * resolve that comes back; one of a service is PagerDuty's timeout: nobody has looked. A merge
 * resolves an incident at PagerDuty although its cause goes on: it becomes a comment.
 */
#include "feedback-internal.h"

#include <errno.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Is it "v1=" and this MAC in hexadecimal digits? */
static bool is_signature(const char *text, size_t len, const unsigned char mac[HMAC_SHA256_BYTES])
{
	return len > 3 && strncmp(text, "v1=", 3) == 0 && feedback_is_hex(text + 3, len - 3, mac);
}

static bool has_signature(const char *header, const unsigned char mac[HMAC_SHA256_BYTES])
{
	for (header += strspn(header, ", "); *header; header += strspn(header, ", ")) {
		const size_t len = strcspn(header, ", ");
		if (is_signature(header, len, mac))
			return true;
		header += len;
	}
	return false;
}

static bool pagerduty_is_signed(const struct feedback_request *request)
{
	const char *header = request->header(request->ctx, "X-PagerDuty-Signature");
	unsigned char mac[HMAC_SHA256_BYTES];

	for (size_t i = 0; header && i < LIMIT_LIVE_SECRETS; i++) {
		const char *secret = request->secrets[i].value;
		if (secret && *secret &&
		    hmac_sha256(secret, strlen(secret), request->body, request->len, mac) == 0 &&
		    has_signature(header, mac))
			return true;
	}
	return false;
}

/* ---- the texts ---- */

static const char *text_of_note(struct arena *arena, const struct told_event *event)
{
	return feedback_text(arena, feedback_member(event->data, "content"), LIMIT_ACT_TEXT_BYTES);
}

static const char *text_of_assignees(struct arena *arena, const struct told_event *event)
{
	struct buf text = BUF_INIT(LIMIT_FEEDBACK_BYTES);
	const json_t *assignees = json_object_get(event->data, "assignees");

	buf_puts(&text, "assigned at PagerDuty to");
	for (size_t i = 0; i < json_array_size(assignees); i++)
		buf_printf(&text, "%s %s", i ? "," : "",
			   feedback_member(json_array_get(assignees, i), "summary"));
	if (!json_array_size(assignees))
		buf_puts(&text, " somebody else");
	const char *result = feedback_line(arena, buf_text(&text), LIMIT_ACT_TEXT_BYTES);
	buf_fini(&text);
	return result;
}

static const char *text_of_policy(struct arena *arena, const struct told_event *event)
{
	const json_t *policy = json_object_get(event->data, "escalation_policy");

	return feedback_line(arena,
			     arena_printf(arena, "handed at PagerDuty to escalation policy %s",
					  feedback_member(policy, "summary")),
			     LIMIT_ACT_TEXT_BYTES);
}

static const char *text_of_merge(struct arena *arena, const struct told_event *event)
{
	const json_t *reason = json_object_get(event->data, "resolve_reason");
	const json_t *other = json_object_get(reason, "incident");

	return feedback_line(arena,
			     arena_printf(arena,
					  "merged at PagerDuty into %s: what is said there about "
					  "that incident is not heard here",
					  feedback_member(other, "html_url")),
			     LIMIT_ACT_TEXT_BYTES);
}

/* ---- from an event to an act ---- */

static const struct told_rule pagerduty_rules[] = {
	{ "incident.acknowledged", ACT_ACKNOWLEDGE, true, NULL, NULL },
	{ "incident.resolved", ACT_RESOLVE, true, NULL, NULL },
	{ "incident.annotated", ACT_COMMENT, false, text_of_note, NULL },
	{ "incident.unacknowledged", ACT_COMMENT, false, NULL,
	  "the acknowledgement at PagerDuty has ended" },
	{ "incident.reassigned", ACT_COMMENT, false, text_of_assignees, NULL },
	{ "incident.delegated", ACT_COMMENT, false, text_of_policy, NULL },
};

static const struct told_rule merge_rule = { "", ACT_COMMENT, true, text_of_merge, NULL };

static const struct told_rule *pagerduty_rule(const struct told_event *event)
{
	const struct told_rule *rule =
		feedback_find_rule(pagerduty_rules, ARRAY_LEN(pagerduty_rules), event->type);
	const json_t *reason = json_object_get(event->data, "resolve_reason");

	if (rule && rule->kind == ACT_RESOLVE &&
	    strcmp(feedback_member(reason, "type"), "merge_resolve_reason") == 0)
		return &merge_rule;
	return rule;
}

static void read_event(struct arena *arena, const json_t *root, int64_t wall_us,
		       struct feedback *feedback)
{
	const json_t *agent = json_object_get(root, "agent"), *data = json_object_get(root, "data");
	/* What is about an incident is the incident, with our key; a note, a responder or a status
	 * has the incident's id in `incident`. */
	const json_t *incident = json_object_get(data, "incident");
	const struct told_event event = {
		.type = feedback_member(root, "event_type"),
		.who = feedback_name(arena, feedback_member(agent, "summary")),
		.by_person = strncmp(feedback_member(agent, "type"), "user", strlen("user")) == 0,
		.key = incident ? "" : feedback_member(data, "incident_key"),
		.data = data,
	};

	*feedback = (struct feedback){ .ignored = "" };
	feedback->event = feedback_name(arena, feedback_member(root, "id"));
	feedback->at_us = feedback_time_us(feedback_member(root, "occurred_at"), wall_us);
	feedback->theirs = feedback_name(arena, feedback_member(incident ? incident : data, "id"));
	feedback_follow(arena, pagerduty_rule(&event), &event, wall_us, feedback);
}

enum feedback_verdict pagerduty_feedback(struct arena *arena,
					 const struct feedback_request *request,
					 struct feedback *ret_feedback, struct err *err)
{
	static const char what[] = "V3 webhook of PagerDuty";

	if (!feedback_fits(request, err))
		return FEEDBACK_MALFORMED;
	if (!pagerduty_is_signed(request)) {
		err_set(err, EACCES,
			"X-PagerDuty-Signature fits no feedback_secret of the pager: take the "
			"secret that PagerDuty showed when the webhook subscription was made");
		return FEEDBACK_UNSIGNED;
	}
	json_t *root = feedback_object(request, what, err);
	if (!root)
		return FEEDBACK_MALFORMED;
	const json_t *event = json_object_get(root, "event");
	if (json_is_object(event))
		read_event(arena, event, request->wall_us, ret_feedback);
	else
		err_set(err, EBADMSG, "the body is no %s: it has no object event", what);
	const bool understood = json_is_object(event);
	json_decref(root);
	return understood ? FEEDBACK_VERIFIED : FEEDBACK_MALFORMED;
}
