/*
 * What the kinds share that read what pagers tell back: the proof that a request is the pager's,
 * its JSON, and the way from an event to an act. Refuses to act and to look up incidents: web does.
 * Pure; any thread. It owns nothing; the arena keeps what is returned.
 */
#ifndef TRACEPAGER_FEEDBACK_INTERNAL_H
#define TRACEPAGER_FEEDBACK_INTERNAL_H

#include <jansson.h>

#include "pager-internal.h"

/* ---- the proof ---- */

/* False, with err set: the body is larger than LIMIT_FEEDBACK_BYTES. */
bool feedback_fits(const struct feedback_request *request, struct err *err);
/* For services that sign nothing: VERIFIED where a live secret stands in the header Authorization,
 * alone, behind "Bearer", or as the password of "Basic". Compared in constant time. */
enum feedback_verdict feedback_check_header(const struct feedback_request *request,
					    struct err *err);
/* For services that sign as Standard Webhooks say, each attempt anew. ret_at_us: its time. */
enum feedback_verdict feedback_check_standard(const struct feedback_request *request,
					      int64_t *ret_at_us, struct err *err);
/* Is it a number of Unix seconds, at most LIMIT_FEEDBACK_SIGNED_US from now? */
bool feedback_is_recent(const char *seconds, int64_t wall_us, int64_t *ret_at_us);
/* Is it this MAC in hexadecimal digits? */
bool feedback_is_hex(const char *text, size_t len, const unsigned char mac[HMAC_SHA256_BYTES]);

/* ---- the body ---- */

/* An object. Read without strictness, since a service gives up on an address that refuses. NULL
 * with err set: it is none; what: "the body is no …". The caller calls json_decref(). */
json_t *feedback_object(const struct feedback_request *request, const char *what, struct err *err);
/* The text of a member; "": there is none, or it is no text. Borrowed from the object. */
const char *feedback_member(const json_t *object, const char *name);
/* A name or an id, on one line within LIMIT_FEEDBACK_NAME_BYTES. */
const char *feedback_name(struct arena *arena, const char *text);
/* The time that a text of RFC 3339 tells; now where it tells none, or one that is ahead by no more
 * than clocks differ (LIMIT_FEEDBACK_SIGNED_US). */
int64_t feedback_time_us(const char *text, int64_t wall_us);
/* An id for an event that has none but a time in its body: the same for the same body. */
const char *feedback_digest(struct arena *arena, const struct feedback_request *request);

/* ---- from an event to an act ---- */

struct told_event {
	const char *type; /* as the service names it */
	const char *who;  /* feedback_name(); "": not told */
	const char *key;  /* our dedup key; "": not told */
	bool by_person;
	const json_t *data;
};

struct told_rule {
	const char *type;
	enum act_kind kind;
	bool of_people; /* what a machine does is no act */
	/* The text of the act: what text() returns, else words; NULL: none. A comment without words
	 * is no act. */
	const char *(*text)(struct arena *arena, const struct told_event *event);
	const char *words;
};

/* NULL: events of this type say nothing. */
const struct told_rule *feedback_find_rule(const struct told_rule *rules, size_t n,
					   const char *type);
/* Sets feedback->ours and its number by the event's key, and its act on that incident (or on
 * theirs), or why there is none. rule: NULL where the type says nothing; feedback->at_us and theirs
 * are set. */
void feedback_follow(struct arena *arena, const struct told_rule *rule,
		     const struct told_event *event, int64_t wall_us, struct feedback *feedback);

#endif
