/*
 * What Slack tells back: the buttons of our messages. Slack posts a form with one field "payload",
 * the JSON of an interaction, and signs "v0:TIMESTAMP:BODY" with HMAC-SHA256 and the app's signing
 * secret. An app has one address for all its messages, so the value of a button names the pager
 * beside the incident. Buttons that are links are told too, and are no acts.
 */
#include "pager-internal.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/url.h"

/* Is the header "v0=" and this MAC in hexadecimal digits, as Slack writes them? */
static bool slack_mac_fits(const char *header, const unsigned char mac[HMAC_SHA256_BYTES])
{
	unsigned char hex[2 * HMAC_SHA256_BYTES + 1], given[2 * HMAC_SHA256_BYTES];

	if (strncmp(header, "v0=", 3) != 0 || strlen(header) != 3 + sizeof(given))
		return false;
	for (size_t i = 0; i < HMAC_SHA256_BYTES; i++)
		snprintf((char *)hex + 2 * i, 3, "%02x", mac[i]);
	memcpy(given, header + 3, sizeof(given));
	/* Both halves are compared, whatever the first one gives. */
	return (int)hmac_sha256_equals(hex, given) &
	       (int)hmac_sha256_equals(hex + HMAC_SHA256_BYTES, given + HMAC_SHA256_BYTES);
}

static bool slack_is_signed(struct arena *arena, const struct feedback_request *request,
			    const char *timestamp, const char *signature)
{
	const char *head = arena_printf(arena, "v0:%s:", timestamp);
	const size_t len = strlen(head) + request->len;
	char *content = arena_alloc(arena, len + 1);
	unsigned char mac[HMAC_SHA256_BYTES];
	bool fits = false;

	memcpy(content, head, strlen(head));
	if (request->len)
		memcpy(content + strlen(head), request->body, request->len);
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS && !fits; i++) {
		const char *secret = request->secrets[i].value;
		fits = secret && *secret &&
		       hmac_sha256(secret, strlen(secret), content, len, mac) == 0 &&
		       slack_mac_fits(signature, mac);
	}
	return fits;
}

static enum feedback_verdict slack_check_signature(struct arena *arena,
						   const struct feedback_request *request,
						   int64_t *ret_at_us, struct err *err)
{
	const char *timestamp = request->header(request->ctx, "X-Slack-Request-Timestamp");
	const char *signature = request->header(request->ctx, "X-Slack-Signature");

	if (!timestamp || strlen(timestamp) > 12 || !signature ||
	    !slack_is_signed(arena, request, timestamp, signature)) {
		err_set(err, EACCES,
			"X-Slack-Signature fits no feedback_secret of the pager: take the signing "
			"secret from Basic Information of the Slack app");
		return FEEDBACK_UNSIGNED;
	}
	*ret_at_us = strtoll(timestamp, NULL, 10) * US_PER_SECOND;
	if (llabs(request->wall_us - *ret_at_us) > LIMIT_FEEDBACK_SIGNED_US) {
		err_set(err, ESTALE,
			"X-Slack-Request-Timestamp is more than 5 minutes from the clock here: the "
			"request is a replay, or this machine's clock is wrong");
		return FEEDBACK_STALE;
	}
	return FEEDBACK_VERIFIED;
}

/* ---- the interaction ---- */

/* The value of the form's field, decoded; NULL: it has none. */
static const char *form_payload(struct arena *arena, const char *body, size_t len)
{
	static const char name[] = "payload=";
	const char *end = body + len;

	while (body < end) {
		const char *mark = memchr(body, '&', (size_t)(end - body));
		const size_t n = (size_t)((mark ? mark : end) - body);
		if (n >= strlen(name) && memcmp(body, name, strlen(name)) == 0)
			return url_decode(arena, body + strlen(name), n - strlen(name));
		body += n + 1;
	}
	return NULL;
}

static const char *payload_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static const char *payload_user(struct arena *arena, const json_t *payload)
{
	static const char *const names[] = { "name", "username", "id" };
	const json_t *user = json_object_get(payload, "user");
	const char *who = "";

	for (size_t i = 0; i < 3 && !*who; i++)
		who = feedback_line(arena, payload_text(user, names[i]), LIMIT_FEEDBACK_NAME_BYTES);
	return who;
}

/* The same at each attempt to tell of one click. */
static const char *payload_event(struct arena *arena, const json_t *payload, const json_t *action)
{
	const char *id = payload_text(payload, "trigger_id");

	if (!*id)
		id = arena_printf(arena, "%s %s",
				  payload_text(json_object_get(payload, "user"), "id"),
				  payload_text(action, "action_ts"));
	return feedback_line(arena, id, LIMIT_FEEDBACK_NAME_BYTES);
}

/* False: it is no button that acts. */
static bool read_button(struct arena *arena, const json_t *action, const char *who,
			struct feedback_act *ret_act)
{
	const char *value = payload_text(action, "value");
	const size_t len = strcspn(value, " ");
	const int kind = act_of(payload_text(action, "action_id"));

	if ((kind != ACT_ACKNOWLEDGE && kind != ACT_RESOLVE && kind != ACT_REROUTE) || !len)
		return false;
	const char *key =
		feedback_line(arena, arena_strndup(arena, value, len), LIMIT_FEEDBACK_NAME_BYTES);
	*ret_act = (struct feedback_act){
		.kind = (enum act_kind)kind,
		.incident = feedback_incident(arena, key),
		.who = who,
		.text = "",
		.team = "",
		.n = feedback_page_n(key),
		.pager = feedback_line(arena, value + len, LIMIT_FEEDBACK_NAME_BYTES),
	};
	ret_act->pager += strspn(ret_act->pager, " ");
	return *ret_act->incident != '\0';
}

static void read_payload(struct arena *arena, const json_t *payload, struct feedback *feedback)
{
	const json_t *actions = json_object_get(payload, "actions");
	const size_t n = json_array_size(actions) < LIMIT_FEEDBACK_ACTS ? json_array_size(actions)
									: LIMIT_FEEDBACK_ACTS;
	struct feedback_act *acts = arena_array(arena, n + 1, sizeof(*acts));
	const char *who = payload_user(arena, payload);

	if (strcmp(payload_text(payload, "type"), "block_actions") != 0) {
		feedback->ignored =
			arena_printf(arena, "interactions of type %s say nothing that counts",
				     feedback_line(arena, payload_text(payload, "type"),
						   LIMIT_FEEDBACK_NAME_BYTES));
		return;
	}
	for (size_t i = 0; i < n; i++)
		feedback->nacts +=
			read_button(arena, json_array_get(actions, i), who, &acts[feedback->nacts]);
	feedback->acts = acts;
	if (feedback->nacts)
		feedback->event = payload_event(arena, payload, json_array_get(actions, 0));
	else
		feedback->ignored = "no button that acts was pressed: a link was opened";
}

enum feedback_verdict slack_feedback(struct arena *arena, const struct feedback_request *request,
				     struct feedback *ret_feedback, struct err *err)
{
	struct feedback feedback = { .ignored = "", .event = "", .theirs = "", .ours = "" };
	json_error_t where = { .text = "it has no field payload" };

	if (request->len > LIMIT_FEEDBACK_BYTES) {
		err_set(err, E2BIG, "the body has more than %u bytes", LIMIT_FEEDBACK_BYTES);
		return FEEDBACK_MALFORMED;
	}
	const enum feedback_verdict verdict =
		slack_check_signature(arena, request, &feedback.at_us, err);
	if (verdict != FEEDBACK_VERIFIED)
		return verdict;
	const char *payload = form_payload(arena, request->body, request->len);
	json_t *root = payload ? json_loads(payload, JSON_DECODE_INT_AS_REAL, &where) : NULL;
	if (!json_is_object(root)) {
		err_set(err, EBADMSG, "the body is no interaction of Slack: %s",
			root ? "payload is no object" : where.text);
		json_decref(root);
		return FEEDBACK_MALFORMED;
	}
	read_payload(arena, root, &feedback);
	json_decref(root);
	*ret_feedback = feedback;
	return FEEDBACK_VERIFIED;
}
