/*
 * What the pager kinds share. Pure; any thread.
 */
#ifndef TRACEPAGER_PAGER_INTERNAL_H
#define TRACEPAGER_PAGER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/buf.h"
#include "tracepager/pager_kind.h"
#include "tracepager/sign.h"

/* An HTTP POST of the body to the target's url, with the time and reply limits of a delivery. The
 * arena keeps a copy of the body; url and content_type are borrowed. */
void pager_http_post(struct arena *arena, const struct page_target *target,
		     const char *content_type, const struct buf *body,
		     struct http_request *ret_request);
/* Has the target a url, and what else its kind needs? key and to are the names of the options with
 * its key and its PAGER_TO; NULL: not needed. 0 or -EINVAL. */
int pager_needs(const struct page_target *target, const char *key, const char *to, struct err *err);
/* The delivery of a JSON body (taken: it is finished) by an HTTP POST to url, which is kept by the
 * arena. scheme: with "Authorization: SCHEME KEY", where the target has a key; NULL: without.
 * -E2BIG: the body has failed; -EINVAL: the key has bytes that are not printable. */
int pager_deliver_json(struct arena *arena, const struct page_target *target, const char *url,
		       const char *scheme, struct buf *body, struct delivery *ret_delivery,
		       struct err *err);
/* The same to the target's key, which is the secret address that a service gave out. */
int pager_deliver_hook(struct arena *arena, const struct page_target *target, struct buf *body,
		       struct delivery *ret_delivery, struct err *err);
/* A GET that pages nobody. scheme: as pager_deliver_json() takes it. The arena keeps what the
 * request points to. 0 or -EINVAL. */
int pager_dry_get(struct arena *arena, const struct page_target *target, const char *url,
		  const char *scheme, struct http_request *ret_request, struct err *err);
/* "https://host:port" of a URL, without its path. Kept by the arena. */
const char *pager_origin(struct arena *arena, const char *url);
/* The target's url without the slashes at its end, and a path behind it. Kept by the arena. */
const char *pager_url(struct arena *arena, const struct page_target *target, const char *path);
/* Add a member, unless its text is NULL or empty. */
void pager_add_text(struct buf *out, const char *key, const char *text);
/* Add a member of one line that is cut to `max` units, made plain; nothing where it is empty. */
void pager_add_words(struct arena *arena, struct buf *out, const char *key, const char *text,
		     size_t max);
/* The page with each fact cut to some 1,000 bytes and without texts of many lines: what is left
 * where it is too large without its details. Its texts are borrowed or kept by the arena. */
struct page pager_shortened(struct arena *arena, const struct page *page);
/* Does a resolve say that the incident goes on elsewhere: as another incident, or with another
 * team? */
bool pager_moved(const struct page *page);
/* Add the page's facts of one line each, from "why" to "differs", in its order. */
void pager_add_facts(struct buf *out, const struct page *page);
/* Add who has the incident, what comes next and how urgent the page is; what is not known is left
 * out. */
void pager_add_life(struct buf *out, const struct page *page);
/* The page's decision, a JSON object (borrowed from the page); NULL: it has none, or not a whole
 * one. */
const char *pager_decision_json(const struct page *page);
/* Add what a person needs of the decision, as a JSON object of some 1 KB. False, and nothing is
 * added: there is no decision, or it has more than LIMIT_BRIEF_BYTES. */
bool pager_decision_brief(const struct page *page, struct buf *out);

/* Seconds with any fraction, as services write a pause; at most LIMIT_PAGER_RETRY_AFTER_US; -1: no
 * number. */
int64_t pager_seconds_us(const char *text);
/* The judgement of incoming webhooks whose body says "ok": of 2xx any other body is a refusal,
 * whose first words are quoted. */
struct judgement pager_judge_ok(const struct http_reply *reply);
/* The judgement of a dry request: 2xx with a JSON object that has one of these members, at most
 * three. what: "Alertmanager". */
struct judgement pager_judge_members(const struct http_reply *reply, const char *what,
				     const char *const members[3]);
/* The judgement of a reply that means no: its words, after "HTTP STATUS: ". */
struct judgement pager_refused(const struct http_reply *reply, const char *words);

/* The body that the target's template makes of the page. 0, -EINVAL: the template cannot be read,
 * or -E2BIG. */
int webhook_write_template(struct arena *arena, const struct page *page,
			   const struct page_target *target, struct buf *out, struct err *err);

/* What the kinds opsgenie and jsm share. */
int opsgenie_build(struct arena *arena, const struct page *page, const struct page_target *target,
		   const char *message_id, int64_t wall_us, struct delivery *ret_delivery,
		   struct err *err);
struct judgement opsgenie_judge(const struct http_reply *reply);

/* ---- what pagers tell back ---- */

/* The HMAC of "id.timestamp.body" with the bytes that follow whsec_ in base64, else with the
 * secret's text itself. 0 or -EINVAL: it is no base64. */
int standard_webhook_mac(const char *secret, const char *id, const char *timestamp,
			 const void *body, size_t len, unsigned char out[HMAC_SHA256_BYTES]);
/* Does the value of a webhook-signature header hold this one? */
bool standard_webhook_has(const char *signatures, const unsigned char mac[HMAC_SHA256_BYTES]);

/* The incident's id in a dedup key: "ID#2" gives "ID", anything else itself. Kept by the arena. */
const char *feedback_incident(struct arena *arena, const char *key);
/* The "n" of a dedup key: 1 of a key without "#n"; 0: the key is empty, or n is no number of ours.
 */
int feedback_page_n(const char *key);
/* A text for people as plain_words() makes it, cut to so many bytes between two characters; the
 * second is one line, as every name is. NULL gives "". Kept by the arena. */
const char *feedback_text(struct arena *arena, const char *text, size_t max);
const char *feedback_line(struct arena *arena, const char *text, size_t max);

enum feedback_verdict pagerduty_feedback(struct arena *arena,
					 const struct feedback_request *request,
					 struct feedback *ret_feedback, struct err *err);
enum feedback_verdict goalert_feedback(struct arena *arena, const struct feedback_request *request,
				       struct feedback *ret_feedback, struct err *err);
enum feedback_verdict grafana_oncall_feedback(struct arena *arena,
					      const struct feedback_request *request,
					      struct feedback *ret_feedback, struct err *err);
enum feedback_verdict incidentio_feedback(struct arena *arena,
					  const struct feedback_request *request,
					  struct feedback *ret_feedback, struct err *err);
enum feedback_verdict opsgenie_feedback(struct arena *arena, const struct feedback_request *request,
					struct feedback *ret_feedback, struct err *err);
enum feedback_verdict rootly_feedback(struct arena *arena, const struct feedback_request *request,
				      struct feedback *ret_feedback, struct err *err);
enum feedback_verdict splunk_oncall_feedback(struct arena *arena,
					     const struct feedback_request *request,
					     struct feedback *ret_feedback, struct err *err);
enum feedback_verdict slack_feedback(struct arena *arena, const struct feedback_request *request,
				     struct feedback *ret_feedback, struct err *err);
enum feedback_verdict webhook_feedback(struct arena *arena, const struct feedback_request *request,
				       struct feedback *ret_feedback, struct err *err);

#endif
