/*
 * What the receiver of a webhook tells back: a format of ours, signed as the pages are that it got
 * (Standard Webhooks), with the secret of feedback. The body is one act, or a list of them:
 *
 *	{"incident": "ID", "action": "acknowledge", "who": "ann", "text": "", "team": ""}
 *
 * It is read strictly, since a misspelt member would be an act that never happens: a fault in one
 * act refuses them all, and says which one.
 */
#include "feedback-internal.h"

#include <errno.h>
#include <string.h>

#include "tracepager/limits.h"

/* ---- the acts ---- */

enum act_member { MEMBER_INCIDENT, MEMBER_ACTION, MEMBER_WHO, MEMBER_TEXT, MEMBER_TEAM, MEMBERS };

static const struct {
	const char *name;
	size_t max;
} act_members[MEMBERS] = {
	[MEMBER_INCIDENT] = { "incident", LIMIT_FEEDBACK_NAME_BYTES },
	[MEMBER_ACTION] = { "action", LIMIT_FEEDBACK_NAME_BYTES },
	[MEMBER_WHO] = { "who", LIMIT_FEEDBACK_NAME_BYTES },
	[MEMBER_TEXT] = { "text", LIMIT_ACT_TEXT_BYTES },
	[MEMBER_TEAM] = { "team", LIMIT_FEEDBACK_NAME_BYTES },
};

/* Sets texts[] by enum act_member, "" where there is none. */
static int read_members(struct arena *arena, json_t *object, const char *texts[MEMBERS],
			struct err *err)
{
	const char *name;
	json_t *value;

	for (int i = 0; i < MEMBERS; i++)
		texts[i] = "";
	json_object_foreach(object, name, value)
	{
		int i = 0;
		while (i < MEMBERS && strcmp(name, act_members[i].name) != 0)
			i++;
		if (i == MEMBERS)
			return err_set(err, EINVAL,
				       "the act has a member %.40s; there are incident, action, "
				       "who, text and team",
				       feedback_line(arena, name, LIMIT_FEEDBACK_NAME_BYTES));
		if (!json_is_string(value))
			return err_set(err, EINVAL, "%s is no text", act_members[i].name);
		if (json_string_length(value) > act_members[i].max)
			return err_set(err, EINVAL, "%s has more than %zu bytes: shorten it",
				       act_members[i].name, act_members[i].max);
		texts[i] = (i == MEMBER_TEXT ? feedback_text : feedback_line)(
			arena, json_string_value(value), act_members[i].max);
	}
	return 0;
}

static int read_act(struct arena *arena, json_t *value, struct feedback_act *act, struct err *err)
{
	const char *texts[MEMBERS];

	if (!json_is_object(value))
		return err_set(err, EINVAL, "the act is no JSON object");
	int error = read_members(arena, value, texts, err);
	if (error)
		return error;
	if (!*texts[MEMBER_INCIDENT])
		return err_set(err, EINVAL,
			       "incident is missing: give the id or the dedup_key of "
			       "the page");
	const int kind = act_of(texts[MEMBER_ACTION]);
	if (kind < 0)
		return err_set(err, EINVAL,
			       "action must be acknowledge, resolve, reroute, comment, silence, "
			       "useful or noise");
	if (kind == ACT_COMMENT && !*texts[MEMBER_TEXT])
		return err_set(err, EINVAL, "text is missing: a comment needs one");
	*act = (struct feedback_act){
		.kind = (enum act_kind)kind,
		.incident = feedback_incident(arena, texts[MEMBER_INCIDENT]),
		.n = feedback_page_n(texts[MEMBER_INCIDENT]),
		.who = texts[MEMBER_WHO],
		.text = texts[MEMBER_TEXT],
		.team = texts[MEMBER_TEAM],
	};
	return 0;
}

static int read_acts(struct arena *arena, json_t *root, struct feedback *feedback, struct err *err)
{
	const size_t n = json_is_array(root) ? json_array_size(root) : 1;
	struct err why = { .code = 0 };

	if (n > LIMIT_FEEDBACK_ACTS)
		return err_set(err, E2BIG, "the list has %zu acts: send at most %u at once", n,
			       LIMIT_FEEDBACK_ACTS);
	struct feedback_act *acts = arena_array(arena, n, sizeof(*acts));
	for (size_t i = 0; i < n; i++) {
		json_t *one = json_is_array(root) ? json_array_get(root, i) : root;
		if (read_act(arena, one, &acts[i], &why) == 0)
			continue;
		if (n == 1)
			return err_set(err, EINVAL, "%s", why.text);
		return err_set(err, EINVAL, "act %zu of %zu: %s", i + 1, n, why.text);
	}
	feedback->acts = acts;
	feedback->nacts = n;
	if (!n)
		feedback->ignored = "the list is empty";
	return 0;
}

enum feedback_verdict webhook_feedback(struct arena *arena, const struct feedback_request *request,
				       struct feedback *ret_feedback, struct err *err)
{
	struct feedback feedback = { .ignored = "", .theirs = "", .ours = "" };
	json_error_t where;

	if (!feedback_fits(request, err))
		return FEEDBACK_MALFORMED;
	const enum feedback_verdict verdict =
		feedback_check_standard(request, &feedback.at_us, err);
	if (verdict != FEEDBACK_VERIFIED)
		return verdict;
	json_t *root = json_loadb(request->body, request->len, JSON_REJECT_DUPLICATES, &where);
	int error = root ? read_acts(arena, root, &feedback, err)
			 : err_set(err, EBADMSG, "the body is no JSON: %s (line %d, column %d)",
				   where.text, where.line, where.column);
	json_decref(root);
	if (error)
		return FEEDBACK_MALFORMED;
	feedback.event = feedback_line(arena, request->header(request->ctx, "webhook-id"),
				       LIMIT_FEEDBACK_NAME_BYTES);
	*ret_feedback = feedback;
	return FEEDBACK_VERIFIED;
}
