/*
 * From the event that a pager tells to an act on an incident: its members, and the rules that say
 * what events of a type mean. Pure; owns nothing.
 */
#include "feedback-internal.h"

#include <errno.h>
#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"

/* ---- the body ---- */

json_t *feedback_object(const struct feedback_request *request, const char *what, struct err *err)
{
	json_error_t where = { .text = "" };
	json_t *root = json_loadb(request->body, request->len,
				  JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &where);

	if (json_is_object(root))
		return root;
	err_set(err, EBADMSG, "the body is no %s: %s", what, root ? "it is no object" : where.text);
	json_decref(root);
	return NULL;
}

const char *feedback_member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

const char *feedback_name(struct arena *arena, const char *text)
{
	return feedback_line(arena, text, LIMIT_FEEDBACK_NAME_BYTES);
}

int64_t feedback_time_us(const char *text, int64_t wall_us)
{
	int64_t at_us = 0;

	if (rfc3339_parse(text, strlen(text), &at_us) != 0)
		return wall_us;
	/* Clocks differ by a little; what is further ahead, feedback_follow() refuses. */
	return at_us > wall_us && at_us - wall_us <= LIMIT_FEEDBACK_SIGNED_US ? wall_us : at_us;
}

const char *feedback_digest(struct arena *arena, const struct feedback_request *request)
{
	static const char key[] = "the body of an event";
	unsigned char mac[HMAC_SHA256_BYTES] = { 0 };
	char *text = arena_alloc(arena, base64_size(HMAC_SHA256_BYTES));

	hmac_sha256(key, strlen(key), request->body, request->len, mac);
	base64_encode(mac, sizeof(mac), text);
	return text;
}

/* ---- the act ---- */

const struct told_rule *feedback_find_rule(const struct told_rule *rules, size_t n,
					   const char *type)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(type, rules[i].type) == 0)
			return &rules[i];
	return NULL;
}

static void make_act(struct arena *arena, const struct told_rule *rule,
		     const struct told_event *event, struct feedback *feedback)
{
	struct feedback_act *act = arena_alloc(arena, sizeof(*act));

	*act = (struct feedback_act){
		.kind = rule->kind,
		.incident = feedback->ours,
		.n = feedback->ours_n,
		.who = event->who,
		.text = rule->text    ? rule->text(arena, event)
			: rule->words ? rule->words
				      : "",
		.team = "",
	};
	if (rule->kind == ACT_COMMENT && !*act->text) {
		feedback->ignored = "the note is empty";
		return;
	}
	feedback->acts = act;
	feedback->nacts = 1;
}

void feedback_follow(struct arena *arena, const struct told_rule *rule,
		     const struct told_event *event, int64_t wall_us, struct feedback *feedback)
{
	feedback->ours = feedback_incident(arena, feedback_name(arena, event->key));
	feedback->ours_n = feedback_page_n(event->key);
	if (!rule)
		feedback->ignored = arena_printf(arena, "events of type %s say nothing that counts",
						 feedback_name(arena, event->type));
	/* A copy of the request is sent again, or it counts no more. */
	else if (wall_us - feedback->at_us > LIMIT_FEEDBACK_LATE_US)
		feedback->ignored = "the event is more than two hours old";
	else if (feedback->at_us - wall_us > LIMIT_FEEDBACK_SIGNED_US)
		feedback->ignored = "the event's time is more than five minutes ahead of this "
				    "machine's clock";
	else if (!*feedback->ours && !*feedback->theirs)
		feedback->ignored = "the event names no incident";
	else if (rule->of_people && !event->by_person)
		feedback->ignored = "no person did it: a resolve of tracepager that comes back, "
				    "or an automation";
	else
		make_act(arena, rule, event, feedback);
}
