/*
 * What PagerDuty tells back: V3 webhooks, one event each. Its signature is an HMAC-SHA256 of the
 * body; while a secret is rotated, the header has two. Our dedup key is the incident_key of an
 * event about an incident; an event about a note has PagerDuty's id of the incident alone.
 *
 * An acknowledgement or a resolve counts when a person made it. One of an integration is our own
 * resolve that comes back; one of a service is PagerDuty's timeout: nobody has looked. A merge
 * resolves an incident at PagerDuty although its cause goes on: it becomes a comment.
 */
#include "pager-internal.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

struct pagerduty_event;

/* The text of the act, kept by the arena. */
typedef const char *pagerduty_writer(struct arena *arena, const struct pagerduty_event *event);

struct pagerduty_event {
	const char *type, *who;
	bool by_person;
	const json_t *data;
};

static int signature_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Is it "v1=" and this MAC in hexadecimal digits? */
static bool is_signature(const char *text, size_t len, const unsigned char mac[HMAC_SHA256_BYTES])
{
	unsigned char one[HMAC_SHA256_BYTES];

	if (len != 3 + 2 * sizeof(one) || strncmp(text, "v1=", 3) != 0)
		return false;
	text += 3;
	for (size_t i = 0; i < sizeof(one); i++) {
		const int high = signature_digit(text[2 * i]),
			  low = signature_digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		one[i] = (unsigned char)(high << 4 | low);
	}
	return hmac_sha256_equals(one, mac);
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

static const char *event_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* ---- the texts ---- */

static const char *text_of_note(struct arena *arena, const struct pagerduty_event *event)
{
	return feedback_text(arena, event_text(event->data, "content"), LIMIT_ACT_TEXT_BYTES);
}

static const char *text_of_unacknowledged(struct arena *arena, const struct pagerduty_event *event)
{
	(void)arena;
	(void)event;
	return "the acknowledgement at PagerDuty has ended";
}

static const char *text_of_assignees(struct arena *arena, const struct pagerduty_event *event)
{
	struct buf text = BUF_INIT(LIMIT_FEEDBACK_BYTES);
	const json_t *assignees = json_object_get(event->data, "assignees");

	buf_puts(&text, "assigned at PagerDuty to");
	for (size_t i = 0; i < json_array_size(assignees); i++)
		buf_printf(&text, "%s %s", i ? "," : "",
			   event_text(json_array_get(assignees, i), "summary"));
	if (!json_array_size(assignees))
		buf_puts(&text, " somebody else");
	const char *result = feedback_line(arena, buf_text(&text), LIMIT_ACT_TEXT_BYTES);
	buf_fini(&text);
	return result;
}

static const char *text_of_policy(struct arena *arena, const struct pagerduty_event *event)
{
	const json_t *policy = json_object_get(event->data, "escalation_policy");

	return feedback_line(arena,
			     arena_printf(arena, "handed at PagerDuty to escalation policy %s",
					  event_text(policy, "summary")),
			     LIMIT_ACT_TEXT_BYTES);
}

static const char *text_of_merge(struct arena *arena, const struct pagerduty_event *event)
{
	const json_t *reason = json_object_get(event->data, "resolve_reason");
	const json_t *other = json_object_get(reason, "incident");

	return feedback_line(arena,
			     arena_printf(arena,
					  "merged at PagerDuty into %s: what is said there about "
					  "that incident is not heard here",
					  event_text(other, "html_url")),
			     LIMIT_ACT_TEXT_BYTES);
}

/* ---- from an event to an act ---- */

static const struct pagerduty_rule {
	const char *type;
	enum act_kind kind;
	bool of_people; /* what a machine does is no act */
	pagerduty_writer *text;
} pagerduty_rules[] = {
	{ "incident.acknowledged", ACT_ACKNOWLEDGE, true, NULL },
	{ "incident.resolved", ACT_RESOLVE, true, NULL },
	{ "incident.annotated", ACT_COMMENT, false, text_of_note },
	{ "incident.unacknowledged", ACT_COMMENT, false, text_of_unacknowledged },
	{ "incident.reassigned", ACT_COMMENT, false, text_of_assignees },
	{ "incident.delegated", ACT_COMMENT, false, text_of_policy },
};

static const struct pagerduty_rule merge_rule = { "", ACT_COMMENT, true, text_of_merge };

static const struct pagerduty_rule *find_rule(const struct pagerduty_event *event)
{
	const json_t *reason = json_object_get(event->data, "resolve_reason");

	for (size_t i = 0; i < ARRAY_LEN(pagerduty_rules); i++) {
		const struct pagerduty_rule *rule = &pagerduty_rules[i];
		if (strcmp(event->type, rule->type) != 0)
			continue;
		if (rule->kind == ACT_RESOLVE &&
		    strcmp(event_text(reason, "type"), "merge_resolve_reason") == 0)
			return &merge_rule;
		return rule;
	}
	return NULL;
}

/* Sets `theirs` and `ours`. An event about an incident has both; one about a note, a responder or a
 * status has the incident's id in `incident`. */
static void read_incident(struct arena *arena, const json_t *data, struct feedback *feedback)
{
	const json_t *incident = json_object_get(data, "incident");
	const char *key = event_text(data, "incident_key");

	feedback->theirs = feedback_line(arena, event_text(incident ? incident : data, "id"),
					 LIMIT_FEEDBACK_NAME_BYTES);
	feedback->ours = "";
	if (*key && !incident)
		feedback->ours = feedback_incident(
			arena, feedback_line(arena, key, LIMIT_FEEDBACK_NAME_BYTES));
}

/* Without a time of its own: now. */
static int64_t pagerduty_time_us(const json_t *event, int64_t wall_us)
{
	const char *text = event_text(event, "occurred_at");
	int64_t at_us = 0;

	return rfc3339_parse(text, strlen(text), &at_us) == 0 ? at_us : wall_us;
}

static void make_act(struct arena *arena, const struct pagerduty_event *event,
		     const struct pagerduty_rule *rule, struct feedback *feedback)
{
	struct feedback_act *act = arena_alloc(arena, sizeof(*act));

	*act = (struct feedback_act){
		.kind = rule->kind,
		.incident = feedback->ours,
		.n = *feedback->ours ? feedback_page_n(event_text(event->data, "incident_key")) : 0,
		.who = event->who,
		.text = rule->text ? rule->text(arena, event) : "",
		.team = "",
	};
	if (rule->kind == ACT_COMMENT && !*act->text) {
		feedback->ignored = "the note is empty";
		return;
	}
	feedback->acts = act;
	feedback->nacts = 1;
}

static void read_event(struct arena *arena, const json_t *root, int64_t wall_us,
		       struct feedback *feedback)
{
	const json_t *agent = json_object_get(root, "agent");
	const struct pagerduty_event event = {
		.type = event_text(root, "event_type"),
		.who = feedback_line(arena, event_text(agent, "summary"),
				     LIMIT_FEEDBACK_NAME_BYTES),
		.by_person = strncmp(event_text(agent, "type"), "user", strlen("user")) == 0,
		.data = json_object_get(root, "data"),
	};
	const struct pagerduty_rule *rule = find_rule(&event);

	*feedback = (struct feedback){ .ignored = "" };
	feedback->event = feedback_line(arena, event_text(root, "id"), LIMIT_FEEDBACK_NAME_BYTES);
	feedback->at_us = pagerduty_time_us(root, wall_us);
	read_incident(arena, event.data, feedback);
	if (!rule)
		feedback->ignored =
			arena_printf(arena, "events of type %s say nothing that counts",
				     feedback_line(arena, event.type, LIMIT_FEEDBACK_NAME_BYTES));
	/* A copy of the request is sent again, or it counts no more. */
	else if (wall_us - feedback->at_us > LIMIT_FEEDBACK_LATE_US)
		feedback->ignored = "the event is more than two hours old";
	else if (!*feedback->ours && !*feedback->theirs)
		feedback->ignored = "the event names no incident";
	else if (rule->of_people && !event.by_person)
		feedback->ignored = "no person did it: a resolve of tracepager that comes back, "
				    "or an automation";
	else
		make_act(arena, &event, rule, feedback);
}

enum feedback_verdict pagerduty_feedback(struct arena *arena,
					 const struct feedback_request *request,
					 struct feedback *ret_feedback, struct err *err)
{
	json_error_t where;

	if (request->len > LIMIT_FEEDBACK_BYTES) {
		err_set(err, E2BIG, "the body has more than %u bytes", LIMIT_FEEDBACK_BYTES);
		return FEEDBACK_MALFORMED;
	}
	if (!pagerduty_is_signed(request)) {
		err_set(err, EACCES,
			"X-PagerDuty-Signature fits no feedback_secret of the pager: take the "
			"secret that PagerDuty showed when the webhook subscription was made");
		return FEEDBACK_UNSIGNED;
	}
	json_t *root = json_loadb(request->body, request->len,
				  JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &where);
	const json_t *event = json_object_get(root, "event");
	if (!json_is_object(event)) {
		err_set(err, EBADMSG, "the body is no V3 webhook of PagerDuty: %s",
			root ? "it has no object event" : where.text);
		json_decref(root);
		return FEEDBACK_MALFORMED;
	}
	read_event(arena, event, request->wall_us, ret_feedback);
	json_decref(root);
	return FEEDBACK_VERIFIED;
}
