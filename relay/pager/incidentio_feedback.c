/*
 * What incident.io tells back: webhooks signed as Standard Webhooks say, one event each, whose
 * member of the event's own name is what it is about:
 *
 *	an escalation   its status, who changed it, its alerts with our dedup keys
 *	an alert        its id there and our dedup key
 *	an incident     its status; our incident is in a custom field "tracepager", else the
 *incident's creator is an alert, whose id an earlier event has told
 *
 * A person acknowledges an escalation, or takes an incident out of triage. An alert that ends there
 * says nothing: it is our own resolve that comes back.
 */
#include "feedback-internal.h"

#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* ---- what the rules tell ---- */

static const char *incidentio_set_aside(struct arena *arena, const struct told_event *event)
{
	const json_t *incident = json_object_get(event->data, "incident");
	const json_t *status = json_object_get(event->data, "new_status");
	const char *words =
		arena_printf(arena, "%s in incident.io is %s now",
			     feedback_name(arena, feedback_member(incident, "reference")),
			     feedback_name(arena, feedback_member(status, "category")));

	return feedback_line(arena, words, LIMIT_ACT_TEXT_BYTES);
}

/* By what an event is about, and the status that it has now. */
static const struct told_rule incidentio_rules[] = {
	{ "escalation acked", ACT_ACKNOWLEDGE, true, NULL, NULL },
	{ "escalation resolved", ACT_RESOLVE, true, NULL, NULL },
	{ "escalation cancelled", ACT_COMMENT, true, NULL,
	  "the escalation was cancelled in incident.io" },
	{ "incident live after triage", ACT_ACKNOWLEDGE, true, NULL, NULL },
	{ "incident learning", ACT_RESOLVE, true, NULL, NULL },
	{ "incident closed", ACT_RESOLVE, true, NULL, NULL },
	{ "incident declined", ACT_COMMENT, true, incidentio_set_aside, NULL },
	{ "incident canceled", ACT_COMMENT, true, incidentio_set_aside, NULL },
	{ "incident merged", ACT_COMMENT, true, incidentio_set_aside, NULL },
};

/* ---- escalations ---- */

static void read_incidentio_escalation(struct arena *arena, const json_t *data,
				       struct told_event *event, struct feedback *feedback)
{
	const json_t *user = json_object_get(json_object_get(data, "actor"), "user");
	const json_t *alert = json_array_get(
		json_object_get(json_object_get(data, "escalation"), "related_alerts"), 0);
	const char *name = feedback_member(user, "name");

	event->type = arena_printf(arena, "escalation %s", feedback_member(data, "new_status"));
	event->by_person = json_is_object(user);
	event->who = feedback_name(arena, *name ? name : feedback_member(user, "email"));
	feedback->theirs = feedback_name(arena, feedback_member(alert, "id"));
	event->key = feedback_member(alert, "deduplication_key");
}

/* The act on its first alert is one on each of them. */
static void spread_acts(struct arena *arena, const json_t *data, struct feedback *feedback)
{
	const json_t *alerts =
		json_object_get(json_object_get(data, "escalation"), "related_alerts");
	struct feedback_act *acts = arena_array(arena, LIMIT_FEEDBACK_ACTS, sizeof(*acts));
	size_t n = 1;

	acts[0] = feedback->acts[0];
	for (size_t i = 1; i < json_array_size(alerts) && n < LIMIT_FEEDBACK_ACTS; i++) {
		const char *key = feedback_member(json_array_get(alerts, i), "deduplication_key");
		acts[n] = acts[0];
		acts[n].incident = feedback_incident(arena, feedback_name(arena, key));
		acts[n].n = feedback_page_n(key);
		n += *acts[n].incident != '\0';
	}
	feedback->acts = acts;
	feedback->nacts = n;
}

/* ---- incidents ---- */

static const char *incidentio_field(const json_t *incident)
{
	const json_t *entries = json_object_get(incident, "custom_field_entries"), *entry;
	size_t i;

	json_array_foreach(entries, i, entry)
	{
		const json_t *field = json_object_get(entry, "custom_field");
		const json_t *value = json_array_get(json_object_get(entry, "values"), 0);
		if (strcasecmp(feedback_member(field, "name"), "tracepager") == 0)
			return feedback_member(value, "value_text");
	}
	return "";
}

static const char *incidentio_lead(const json_t *incident)
{
	const json_t *roles = json_object_get(incident, "incident_role_assignments"), *role;
	size_t i;

	json_array_foreach(roles, i, role)
	{
		if (strcmp(feedback_member(json_object_get(role, "role"), "role_type"), "lead") ==
		    0)
			return feedback_member(json_object_get(role, "assignee"), "name");
	}
	return "";
}

static void read_incidentio_status(struct arena *arena, const json_t *data,
				   struct told_event *event, struct feedback *feedback)
{
	const json_t *incident = json_object_get(data, "incident");
	const json_t *alert = json_object_get(json_object_get(incident, "creator"), "alert");
	const char *now = feedback_member(json_object_get(data, "new_status"), "category");
	const char *before = feedback_member(json_object_get(data, "previous_status"), "category");

	event->type = strcmp(now, "live") == 0
			      ? arena_printf(arena, "incident live after %s", before)
			      : arena_printf(arena, "incident %s", now);
	event->by_person = true;
	event->who = feedback_name(arena, incidentio_lead(incident));
	feedback->theirs = feedback_name(arena, feedback_member(alert, "id"));
	event->key = incidentio_field(incident);
}

/* ---- the event ---- */

static bool event_ends_with(const char *text, const char *end)
{
	const size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void read_incidentio_event(struct arena *arena, const json_t *root, int64_t wall_us,
				  struct feedback *feedback)
{
	const char *type = feedback_member(root, "event_type");
	const json_t *data = json_object_get(root, type);
	struct told_event event = { .type = type, .who = "", .key = "", .data = data };

	if (event_ends_with(type, ".escalation_status_updated_v1")) {
		read_incidentio_escalation(arena, data, &event, feedback);
	} else if (event_ends_with(type, ".incident_status_updated_v2")) {
		read_incidentio_status(arena, data, &event, feedback);
	} else if (event_ends_with(type, ".alert_created_v1") ||
		   event_ends_with(type, ".alert_resolved_v1")) {
		feedback->theirs = feedback_name(arena, feedback_member(data, "id"));
		event.key = feedback_member(data, "deduplication_key");
	}
	feedback_follow(
		arena,
		feedback_find_rule(incidentio_rules, ARRAY_LEN(incidentio_rules), event.type),
		&event, wall_us, feedback);
	if (feedback->nacts && event_ends_with(type, ".escalation_status_updated_v1"))
		spread_acts(arena, data, feedback);
}

enum feedback_verdict incidentio_feedback(struct arena *arena,
					  const struct feedback_request *request,
					  struct feedback *ret_feedback, struct err *err)
{
	struct feedback feedback = { .ignored = "", .theirs = "", .ours = "" };

	if (!feedback_fits(request, err))
		return FEEDBACK_MALFORMED;
	const enum feedback_verdict verdict =
		feedback_check_standard(request, &feedback.at_us, err);
	if (verdict != FEEDBACK_VERIFIED)
		return verdict;
	json_t *root = feedback_object(request, "webhook of incident.io", err);
	if (!root)
		return FEEDBACK_MALFORMED;
	feedback.event = feedback_name(arena, request->header(request->ctx, "webhook-id"));
	read_incidentio_event(arena, root, request->wall_us, &feedback);
	json_decref(root);
	*ret_feedback = feedback;
	return FEEDBACK_VERIFIED;
}
