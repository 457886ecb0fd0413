/*
 * Pager kind webhook: the incident and its decision as JSON, signed as Standard Webhooks say;
 * without a secret unsigned. A body above LIMIT_PAGE_BYTES loses the decision first, then details
 * and alerts; the member left_out names what is missing. Where the rules give a template, its text
 * is the body, and is what the signature is over.
 */
#include "pager-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/sign.h"

/* Room made at once for the details, and for a body beside its decision: most are shorter. */
#define WEBHOOK_USUAL_BYTES 4096u

/* How much is left out: one step more each time that the body is too large. */
enum trim {
	TRIM_NOTHING,
	TRIM_DECISION,
	TRIM_DETAILS,
	TRIM_END,
};

/* The page's facts and sections, in its order; those that are empty are left out. */
static void webhook_add_sections(struct buf *out, const struct page *page, enum trim trim)
{
	pager_add_text(out, "banner", page->banner);
	pager_add_facts(out, page);
	pager_add_text(out, "what_to_do", page->what_to_do);
	if (trim < TRIM_DETAILS) {
		pager_add_text(out, "waterfall", page->waterfall);
		pager_add_text(out, "how_it_was_found", page->reasons);
		pager_add_text(out, "alert_says", page->alert_says);
	}
	pager_add_text(out, "labels", page->labels);
}

static void webhook_add_details(struct buf *out, const struct page *page)
{
	struct buf details = BUF_INIT(LIMIT_PAGE_BYTES);

	buf_want(&details, WEBHOOK_USUAL_BYTES);
	page_write_details(page, &details);
	buf_json_text(out, "details", buf_text(&details));
	out->failed |= details.failed;
	buf_fini(&details);
}

static void add_incident(struct buf *out, const struct page *page, enum trim trim)
{
	char at[RFC3339_SIZE];

	buf_json_key(out, "incident");
	buf_putc(out, '{');
	buf_json_text(out, "id", page->incident);
	buf_json_text(out, "status", page->status);
	if (page->state)
		buf_json_text(out, "state", page->state);
	if (page->moved_to)
		buf_json_text(out, "moved_to", page->moved_to);
	if (page->moved_to)
		pager_add_text(out, "moved_to_team", page->moved_to_team);
	pager_add_life(out, page);
	buf_json_text(out, "opened_at", rfc3339_format(page->opened_at_us, at));
	if (page->since_us)
		buf_json_text(out, "since", rfc3339_format(page->since_us, at));
	pager_add_text(out, "environment", page->environment);
	pager_add_text(out, "instance", page->instance);
	webhook_add_sections(out, page, trim);
	if (trim < TRIM_DETAILS)
		page_write_alerts(page, out);
	buf_json_text(out, "dedup_key", page->dedup_key);
	buf_json_text(out, "severity", severity_name(page->severity));
	buf_json_text(out, "summary", page->summary);
	if (trim < TRIM_DETAILS)
		webhook_add_details(out, page);
	buf_json_text(out, "team", page->group);
	buf_json_text(out, "component", page->component);
	buf_json_text(out, "origin", page->origin);
	buf_json_text(out, "kind", page->kind);
	buf_json_text(out, "note", page->note);
	page_write_links(page, out);
	if (trim < TRIM_DECISION && page->alert_list) {
		buf_json_key(out, "alert_list");
		buf_puts(out, page->alert_list);
	}
	buf_putc(out, '}');
}

/* What a person may do, with the address to do it. */
static void webhook_add_actions(struct buf *out, const struct page *page)
{
	if (!page->act_href || !*page->act_href)
		return;
	buf_json_key(out, "actions");
	buf_puts(out, "[{");
	buf_json_text(out, "text", PAGE_ACT_TEXT);
	buf_json_text(out, "href", page->act_href);
	buf_puts(out, "}]");
}

static void webhook_write_body(struct buf *out, const struct page *page, enum trim trim)
{
	const char *decision = trim < TRIM_DECISION ? pager_decision_json(page) : NULL;
	char at[RFC3339_SIZE];

	buf_reset(out);
	buf_putc(out, '{');
	buf_json_text(out, "type", page_event_name(page->event));
	buf_json_text(out, "timestamp", rfc3339_format(page->at_us, at));
	buf_json_key(out, "data");
	buf_putc(out, '{');
	add_incident(out, page, trim);
	webhook_add_actions(out, page);
	buf_json_key(out, "decision");
	buf_puts(out, decision ? decision : "null");
	if (trim >= TRIM_DECISION) {
		buf_json_key(out, "left_out");
		buf_puts(out, trim == TRIM_DECISION ? "[\"decision\"]"
						    : "[\"decision\",\"details\",\"alerts\"]");
	}
	buf_puts(out, "}}");
}

/* Sign "id.timestamp.body". The timestamp is this attempt's, so that a receiver can refuse a
 * captured request that is replayed later. */
static int webhook_sign(struct arena *arena, const struct page_target *target,
			const char *message_id, const char *timestamp, struct http_request *request,
			struct err *err)
{
	unsigned char mac[HMAC_SHA256_BYTES];
	char text[base64_size(HMAC_SHA256_BYTES)];

	int error = standard_webhook_mac(target->key, message_id, timestamp, request->body,
					 request->body_len, mac);
	if (error)
		return err_set(err, -error, "the secret of pager %s is not base64 behind whsec_",
			       target->pager);
	base64_encode(mac, sizeof(mac), text);
	http_request_header(request, "webhook-signature", arena_printf(arena, "v1,%s", text));
	return 0;
}

/* The decision, with as much of the page as fits. */
static int webhook_write_decision(struct arena *arena, const struct page *page, struct buf *body,
				  struct err *err)
{
	buf_want(body, WEBHOOK_USUAL_BYTES + (page->decision ? strlen(page->decision) : 0));
	for (enum trim trim = TRIM_NOTHING; trim < TRIM_END; trim++) {
		webhook_write_body(body, page, trim);
		if (!body->failed)
			return 0;
	}
	const struct page cut = pager_shortened(arena, page);
	webhook_write_body(body, &cut, TRIM_DETAILS);
	if (!body->failed)
		return 0;
	return err_set(err, E2BIG, "the page has more than %u bytes without its details",
		       LIMIT_PAGE_BYTES);
}

/* Those of the rules. */
static void webhook_add_headers(struct arena *arena, const struct page_target *target,
				struct http_request *request)
{
	for (const char *line = target->headers; line && *line;) {
		const size_t len = strcspn(line, "\n"), name = strcspn(line, ":");
		if (name + 2 <= len)
			http_request_header(request, arena_strndup(arena, line, name),
					    arena_strndup(arena, line + name + 2, len - name - 2));
		line += len + (line[len] == '\n');
	}
}

static int webhook_build(struct arena *arena, const struct page *page,
			 const struct page_target *target, const char *message_id, int64_t wall_us,
			 struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);
	struct delivery delivery = { .console = NULL };

	if (!target->url)
		return err_set(err, EINVAL, "pager %s has no url", target->pager);
	int error = target->body ? webhook_write_template(arena, page, target, &body, err)
				 : webhook_write_decision(arena, page, &body, err);
	if (error) {
		buf_fini(&body);
		return error;
	}
	pager_http_post(arena, target, target->body ? target->content_type : "application/json",
			&body, &delivery.request);
	buf_fini(&body);
	webhook_add_headers(arena, target, &delivery.request);
	const char *timestamp = arena_printf(arena, "%lld", (long long)(wall_us / US_PER_SECOND));
	http_request_header(&delivery.request, "webhook-id", arena_strdup(arena, message_id));
	http_request_header(&delivery.request, "webhook-timestamp", timestamp);
	if (target->key) {
		error = webhook_sign(arena, target, message_id, timestamp, &delivery.request, err);
		if (error)
			return error;
	}
	*ret_delivery = delivery;
	return 0;
}

static struct judgement webhook_judge(const struct http_reply *reply)
{
	struct judgement judgement = judge_by_status(reply);

	if (reply->status == 410)
		snprintf(judgement.text, sizeof(judgement.text),
			 "HTTP 410: the receiver wants no more pages at this url");
	return judgement;
}

const struct pager_kind pager_kind_WEBHOOK = {
	.name = "webhook",
	.knows_moved = true,
	.build = webhook_build,
	.judge = webhook_judge,
	.feedback = webhook_feedback,
};
