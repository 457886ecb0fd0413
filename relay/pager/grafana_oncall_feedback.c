/*
 * What Grafana OnCall and IRM tell back: an outgoing webhook that forwards its whole payload, with
 * a header of one's own. The first alert of the group, as we sent it, has our dedup key as
 * alert_uid; without a user it was the integration that acted: our own resolve.
 */
#include "feedback-internal.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const char *oncall_silenced(struct arena *arena, const struct told_event *event)
{
	const char *until = feedback_member(json_object_get(event->data, "event"), "until");

	return *until ? arena_printf(arena, "silenced in Grafana OnCall until %s",
				     feedback_name(arena, until))
		      : "silenced in Grafana OnCall";
}

static const struct told_rule oncall_rules[] = {
	{ "acknowledge", ACT_ACKNOWLEDGE, true, NULL, NULL },
	{ "resolve", ACT_RESOLVE, true, NULL, NULL },
	{ "unacknowledge", ACT_COMMENT, false, NULL,
	  "the acknowledgement in Grafana OnCall has ended" },
	{ "unresolve", ACT_COMMENT, true, NULL, "opened again in Grafana OnCall" },
	{ "silence", ACT_COMMENT, true, oncall_silenced, NULL },
};

static const char *oncall_user(struct arena *arena, const json_t *user)
{
	const char *name = feedback_member(user, "username");

	return feedback_name(arena, *name ? name : feedback_member(user, "email"));
}

enum feedback_verdict grafana_oncall_feedback(struct arena *arena,
					      const struct feedback_request *request,
					      struct feedback *ret_feedback, struct err *err)
{
	if (!feedback_fits(request, err))
		return FEEDBACK_MALFORMED;
	const enum feedback_verdict verdict = feedback_check_header(request, err);
	if (verdict != FEEDBACK_VERIFIED)
		return verdict;
	json_t *root = feedback_object(request, "outgoing webhook of Grafana OnCall", err);
	if (!root)
		return FEEDBACK_MALFORMED;
	const json_t *user = json_object_get(root, "user");
	const json_t *about = json_object_get(root, "event");
	const char *at = feedback_member(about, "time");
	const struct told_event event = {
		.type = feedback_member(about, "type"),
		.who = oncall_user(arena, user),
		.key = feedback_member(json_object_get(root, "alert_payload"), "alert_uid"),
		.by_person = json_is_object(user),
		.data = root,
	};
	*ret_feedback = (struct feedback){
		.ignored = "",
		/* Without a time the same body may be another event. */
		.event = *at ? feedback_digest(arena, request) : "",
		.at_us = feedback_time_us(at, request->wall_us),
		.theirs = feedback_name(arena, feedback_member(root, "alert_group_id")),
	};
	feedback_follow(arena,
			feedback_find_rule(oncall_rules, ARRAY_LEN(oncall_rules), event.type),
			&event, request->wall_us, ret_feedback);
	json_decref(root);
	return FEEDBACK_VERIFIED;
}
