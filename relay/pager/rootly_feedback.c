/*
 * What Rootly tells back: an outgoing webhook, whose header X-Rootly-Signature has a time and the
 * HMAC of that time and the body. An event about an alert has our dedup key as external_id. Rootly
 * need not say who acted: our own acknowledgement and resolve, which Rootly is told, come back
 * after they are done here.
 */
#include "feedback-internal.h"

#include <errno.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const struct told_rule rootly_rules[] = {
	{ "alert.acknowledged", ACT_ACKNOWLEDGE, false, NULL, NULL },
	{ "alert.resolved", ACT_RESOLVE, false, NULL, NULL },
};

/* ---- the signature ---- */

/* The part of the header behind "t="; NULL: it has none. */
static const char *rootly_timestamp(struct arena *arena, const char *header)
{
	for (header += strspn(header, ", "); *header; header += strspn(header, ", ")) {
		const size_t len = strcspn(header, ", ");
		if (strncmp(header, "t=", 2) == 0)
			return arena_strndup(arena, header + 2, len - 2);
		header += len;
	}
	return NULL;
}

static bool has_rootly_mac(const char *header, const unsigned char mac[HMAC_SHA256_BYTES])
{
	for (header += strspn(header, ", "); *header; header += strspn(header, ", ")) {
		const size_t len = strcspn(header, ", ");
		if (len > 3 && strncmp(header, "v1=", 3) == 0 &&
		    feedback_is_hex(header + 3, len - 3, mac))
			return true;
		header += len;
	}
	return false;
}

static bool is_rootly_signed(const struct feedback_request *request, const char *header,
			     const char *timestamp)
{
	struct buf content = BUF_INIT(LIMIT_FEEDBACK_BYTES + LIMIT_HEADER_BYTES);
	unsigned char mac[HMAC_SHA256_BYTES];
	bool found = false;

	buf_puts(&content, timestamp);
	buf_add(&content, request->body, request->len);
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS && !found && !content.failed; i++) {
		const char *secret = request->secrets[i].value;
		found = secret && *secret &&
			hmac_sha256(secret, strlen(secret), buf_text(&content), content.len, mac) ==
				0 &&
			has_rootly_mac(header, mac);
	}
	buf_fini(&content);
	return found;
}

static enum feedback_verdict rootly_check(struct arena *arena,
					  const struct feedback_request *request,
					  int64_t *ret_at_us, struct err *err)
{
	const char *header = request->header(request->ctx, "X-Rootly-Signature");
	const char *timestamp = header ? rootly_timestamp(arena, header) : NULL;

	if (!timestamp || !is_rootly_signed(request, header, timestamp)) {
		err_set(err, EACCES,
			"X-Rootly-Signature fits no feedback_secret of the pager: take the secret "
			"of the webhook in Rootly");
		return FEEDBACK_UNSIGNED;
	}
	if (!feedback_is_recent(timestamp, request->wall_us, ret_at_us)) {
		err_set(err, ESTALE,
			"the time of X-Rootly-Signature is more than 5 minutes from the clock "
			"here: it was sent before, or look at the clock");
		return FEEDBACK_STALE;
	}
	return FEEDBACK_VERIFIED;
}

/* ---- the event ---- */

/* A person, as an object or as a name. */
static const char *rootly_person(const json_t *data, const char *name)
{
	static const char *const names[] = { "full_name", "name", "email" };
	const json_t *person = json_object_get(data, name);
	const char *text = feedback_member(data, name);

	for (size_t i = 0; i < ARRAY_LEN(names) && !*text; i++)
		text = feedback_member(person, names[i]);
	return text;
}

static const char *rootly_who(struct arena *arena, const json_t *data, const char *type)
{
	const char *who = rootly_person(
		data, strcmp(type, "alert.resolved") == 0 ? "resolved_by" : "acknowledged_by");

	return feedback_name(arena, *who ? who : rootly_person(data, "user"));
}

enum feedback_verdict rootly_feedback(struct arena *arena, const struct feedback_request *request,
				      struct feedback *ret_feedback, struct err *err)
{
	int64_t signed_us = 0;

	if (!feedback_fits(request, err))
		return FEEDBACK_MALFORMED;
	const enum feedback_verdict verdict = rootly_check(arena, request, &signed_us, err);
	if (verdict != FEEDBACK_VERIFIED)
		return verdict;
	json_t *root = feedback_object(request, "webhook of Rootly", err);
	if (!root)
		return FEEDBACK_MALFORMED;
	const json_t *about = json_object_get(root, "event"), *data = json_object_get(root, "data");
	const char *type = feedback_member(about, "type");
	const bool of_alert = strncmp(type, "alert.", strlen("alert.")) == 0;
	const struct told_event event = {
		.type = type,
		.who = rootly_who(arena, data, type),
		.key = of_alert ? feedback_member(data, "external_id") : "",
		.data = data,
	};
	*ret_feedback = (struct feedback){
		.ignored = "",
		.event = feedback_name(arena, feedback_member(about, "id")),
		.at_us = feedback_time_us(feedback_member(about, "issued_at"), signed_us),
		.theirs = of_alert ? feedback_name(arena, feedback_member(data, "id")) : "",
	};
	feedback_follow(arena, feedback_find_rule(rootly_rules, ARRAY_LEN(rootly_rules), type),
			&event, request->wall_us, ret_feedback);
	json_decref(root);
	return FEEDBACK_VERIFIED;
}
