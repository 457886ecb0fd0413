/*
 * What GoAlert tells back: its webhook destination. GoAlert signs with a key that it shows to
 * nobody; a URL with a user and a password makes it send both as Basic. A notification of an alert
 * has its number and the dedup key that we sent as meta; a status update has the number and an
 * entry of the alert's log alone: "Acknowledged by Ann Example (Web)" is a person's, "Closed via
 * tracepager (Generic API)" is our own.
 */
#include "feedback-internal.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const struct told_rule goalert_rules[] = {
	{ "Acknowledged", ACT_ACKNOWLEDGE, true, NULL, NULL },
	{ "Closed", ACT_RESOLVE, true, NULL, NULL },
};

/* Sets type, who and by_person by an entry of the log. */
static void read_log_entry(struct arena *arena, const char *entry, struct told_event *event)
{
	static const char by[] = " by ";
	const char *rest = entry + strcspn(entry, " ");

	event->type = arena_strndup(arena, entry, (size_t)(rest - entry));
	if (strncmp(rest, by, strlen(by)) != 0)
		return;
	const char *name = rest + strlen(by), *how = NULL;
	/* The way by which it was done stands behind the name. */
	for (const char *at = strstr(name, " ("); at; at = strstr(at + 1, " ("))
		how = at;
	event->who =
		feedback_name(arena, how ? arena_strndup(arena, name, (size_t)(how - name)) : name);
	event->by_person = *event->who != '\0';
}

/* "79685"; "": none. */
static const char *goalert_number(struct arena *arena, const json_t *root)
{
	const double number = json_real_value(json_object_get(root, "AlertID"));

	return number >= 1 && number < 1e15 ? arena_printf(arena, "%.0f", number) : "";
}

enum feedback_verdict goalert_feedback(struct arena *arena, const struct feedback_request *request,
				       struct feedback *ret_feedback, struct err *err)
{
	if (!feedback_fits(request, err))
		return FEEDBACK_MALFORMED;
	const enum feedback_verdict verdict = feedback_check_header(request, err);
	if (verdict != FEEDBACK_VERIFIED)
		return verdict;
	json_t *root = feedback_object(request, "webhook of GoAlert", err);
	if (!root)
		return FEEDBACK_MALFORMED;
	struct told_event event = {
		.type = feedback_member(root, "Type"),
		.who = "",
		.key = feedback_member(json_object_get(root, "Meta"), "dedup_key"),
		.data = root,
	};
	if (strcmp(event.type, "AlertStatus") == 0)
		read_log_entry(arena, feedback_member(root, "LogEntry"), &event);
	*ret_feedback = (struct feedback){
		.ignored = "",
		/* Nothing in a status update tells it from the next one of the same words. */
		.event = "",
		.at_us = request->wall_us,
		.theirs = goalert_number(arena, root),
	};
	feedback_follow(arena,
			feedback_find_rule(goalert_rules, ARRAY_LEN(goalert_rules), event.type),
			&event, request->wall_us, ret_feedback);
	json_decref(root);
	return FEEDBACK_VERIFIED;
}
