/*
 * What Opsgenie and Jira Service Management tell back: their webhook integration, which signs
 * nothing and sends a header of one's own. An event has the action, the alert with our dedup key as
 * alias, and who did it: "source" tells people from the API, by which our own acts come back.
 * updatedAt is the action's time in nanoseconds.
 */
#include "feedback-internal.h"

#include <string.h>
#include <strings.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const json_t *opsgenie_alert(const struct told_event *event)
{
	return json_object_get(event->data, "alert");
}

static const char *opsgenie_note(struct arena *arena, const struct told_event *event)
{
	return feedback_text(arena, feedback_member(opsgenie_alert(event), "note"),
			     LIMIT_ACT_TEXT_BYTES);
}

static const char *opsgenie_owner(struct arena *arena, const struct told_event *event)
{
	const char *owner = feedback_member(opsgenie_alert(event), "owner");

	if (strcmp(event->type, "TakeOwnership") == 0)
		owner = event->who;
	return arena_printf(arena, "assigned in the pager to %s",
			    *owner ? feedback_name(arena, owner) : "somebody else");
}

/* Notes of the API are tracepager's own. */
static const struct told_rule opsgenie_told_rules[] = {
	{ "Acknowledge", ACT_ACKNOWLEDGE, true, NULL, NULL },
	{ "Close", ACT_RESOLVE, true, NULL, NULL },
	{ "AddNote", ACT_COMMENT, true, opsgenie_note, NULL },
	{ "UnAcknowledge", ACT_COMMENT, false, NULL, "the acknowledgement in the pager has ended" },
	{ "AssignOwnership", ACT_COMMENT, true, opsgenie_owner, NULL },
	{ "TakeOwnership", ACT_COMMENT, true, opsgenie_owner, NULL },
	{ "Delete", ACT_COMMENT, true, NULL,
	  "the alert was deleted in the pager, which tells nothing of it any more" },
};

/* Policies act as the user System. */
static bool is_opsgenie_person(const json_t *source, const char *who)
{
	return *who && strcasecmp(who, "System") != 0 &&
	       strcasecmp(feedback_member(source, "type"), "API") != 0 &&
	       strcasecmp(feedback_member(source, "name"), "tracepager") != 0;
}

/* At most now; 0: not told. */
static int64_t opsgenie_time_us(const json_t *alert, int64_t wall_us)
{
	const double at_ns = json_real_value(json_object_get(alert, "updatedAt"));

	if (!(at_ns >= 1000))
		return 0;
	return at_ns / 1000 < (double)wall_us ? (int64_t)(at_ns / 1000) : wall_us;
}

enum feedback_verdict opsgenie_feedback(struct arena *arena, const struct feedback_request *request,
					struct feedback *ret_feedback, struct err *err)
{
	if (!feedback_fits(request, err))
		return FEEDBACK_MALFORMED;
	const enum feedback_verdict verdict = feedback_check_header(request, err);
	if (verdict != FEEDBACK_VERIFIED)
		return verdict;
	json_t *root = feedback_object(request, "webhook of Opsgenie", err);
	if (!root)
		return FEEDBACK_MALFORMED;
	const json_t *alert = json_object_get(root, "alert");
	const char *who = feedback_name(arena, feedback_member(alert, "username"));
	const struct told_event event = {
		.type = feedback_member(root, "action"),
		.who = who,
		.key = feedback_member(alert, "alias"),
		.by_person = is_opsgenie_person(json_object_get(root, "source"), who),
		.data = root,
	};
	const int64_t at_us = opsgenie_time_us(alert, request->wall_us);
	*ret_feedback = (struct feedback){
		.ignored = "",
		.event = at_us ? feedback_digest(arena, request) : "",
		.at_us = at_us ? at_us : request->wall_us,
		.theirs = feedback_name(arena, feedback_member(alert, "alertId")),
	};
	feedback_follow(
		arena,
		feedback_find_rule(opsgenie_told_rules, ARRAY_LEN(opsgenie_told_rules), event.type),
		&event, request->wall_us, ret_feedback);
	json_decref(root);
	return FEEDBACK_VERIFIED;
}
