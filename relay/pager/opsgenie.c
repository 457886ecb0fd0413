/*
 * Pager kinds opsgenie and jsm (Jira Service Management): the Alert API v2, which both speak. A
 * trigger creates an alert with the page's dedup key as alias, and so does a notice: an alert that
 * a person closed there is opened again. Both services count an alert that is created twice and
 * keep its first words, so an update is a note of the alert. An acknowledgement and a resolve name
 * the alias in the path. What people do there comes back to opsgenie_feedback.c.
 */
#include "pager_layout.h"

#include <errno.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"

/* What the service takes, in characters. */
#define OPSGENIE_MESSAGE     130u
#define OPSGENIE_ALIAS	     512u
#define OPSGENIE_DESCRIPTION 15000u
#define OPSGENIE_NOTE	     25000u
#define OPSGENIE_ENTITY	     512u
#define OPSGENIE_SOURCE	     100u
#define OPSGENIE_TAG	     50u
/* Of all details together it takes 8,000: there are at most 10, with names of at most 20. */
#define OPSGENIE_DETAIL 700u

static void opsgenie_add_page(struct arena *arena, const struct page *page, const char *key,
			      size_t max, struct buf *out)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &pager_quiet, max };

	/* A note stands beside the alert's first message, which may be another by now. */
	marked_page(&text, page, page->event != PAGE_TRIGGER);
	buf_json_text(out, key, buf_text(&words));
	buf_fini(&words);
}

static void opsgenie_add_cut(struct arena *arena, const char *key, const char *text, size_t max,
			     struct buf *out)
{
	pager_add_text(out, key, pager_words(arena, text, max, true));
}

/* Low urgency: nobody shall be woken. */
static const char *opsgenie_priority(const struct page *page)
{
	static const char *const priorities[] = {
		[SEVERITY_INFO] = "P5",
		[SEVERITY_WARNING] = "P3",
		[SEVERITY_ERROR] = "P2",
		[SEVERITY_CRITICAL] = "P1",
	};

	return page->urgency && strcmp(page->urgency, "low") == 0 ? "P5"
								  : priorities[page->severity];
}

static void opsgenie_add_details(struct arena *arena, const struct page *page, struct buf *out)
{
	char at[RFC3339_SIZE];

	buf_json_key(out, "details");
	buf_putc(out, '{');
	opsgenie_add_cut(arena, "incident", page->incident, OPSGENIE_DETAIL, out);
	buf_json_text(out, "severity", severity_name(page->severity));
	if (page->since_us)
		buf_json_text(out, "since", rfc3339_format(page->since_us, at));
	opsgenie_add_cut(arena, "environment", page->environment, OPSGENIE_DETAIL, out);
	opsgenie_add_cut(arena, "instance", page->instance, OPSGENIE_DETAIL, out);
	opsgenie_add_cut(arena, "component", page->component, OPSGENIE_DETAIL, out);
	opsgenie_add_cut(arena, "team", page->group, OPSGENIE_DETAIL, out);
	opsgenie_add_cut(arena, "class", page->kind, OPSGENIE_DETAIL, out);
	opsgenie_add_cut(arena, "escalates", page->escalates, OPSGENIE_DETAIL, out);
	buf_putc(out, '}');
}

static void opsgenie_add_tags(struct arena *arena, const struct page *page, struct buf *out)
{
	const char *const tags[] = { "tracepager", severity_name(page->severity), page->environment,
				     page->component };
	bool first = true;

	buf_json_key(out, "tags");
	buf_putc(out, '[');
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		const char *tag = pager_words(arena, tags[i], OPSGENIE_TAG, true);
		if (!*tag)
			continue;
		buf_puts(out, first ? "" : ",");
		buf_json_string(out, tag);
		first = false;
	}
	buf_putc(out, ']');
}

static void opsgenie_write_alert(struct arena *arena, const struct page *page,
				 const struct page_target *target, struct buf *out)
{
	const char *entity = page->component && *page->component ? page->component : page->origin;

	opsgenie_add_cut(arena, "message",
			 page->summary && *page->summary ? page->summary : page->incident,
			 OPSGENIE_MESSAGE, out);
	buf_json_text(out, "alias", page->dedup_key);
	opsgenie_add_page(arena, page, "description", OPSGENIE_DESCRIPTION, out);
	if (target->texts[PAGER_TO]) {
		buf_json_key(out, "responders");
		buf_puts(out, "[{");
		buf_json_text(out, "type", "team");
		buf_json_text(out, "name", target->texts[PAGER_TO]);
		buf_puts(out, "}]");
	}
	opsgenie_add_details(arena, page, out);
	opsgenie_add_cut(arena, "entity", entity, OPSGENIE_ENTITY, out);
	opsgenie_add_tags(arena, page, out);
	buf_json_text(out, "priority", opsgenie_priority(page));
	opsgenie_add_cut(arena, "note", page->note, OPSGENIE_NOTE, out);
}

/* What happens to the alert: the end of the path; "": it is created. */
static const char *opsgenie_action(const struct page *page)
{
	if (page->event == PAGE_RESOLVE)
		return "close";
	if (pager_tells_ack(page))
		return "acknowledge";
	/* A notice creates it again: the service adds it to the open alert, and one that a
	 * person has closed there begins anew. */
	return page->event == PAGE_UPDATE && !page->at_once ? "notes" : "";
}

static void opsgenie_write_body(struct arena *arena, const struct page *page,
				const struct page_target *target, const char *action,
				struct buf *out)
{
	buf_putc(out, '{');
	if (!*action)
		opsgenie_write_alert(arena, page, target, out);
	else if (strcmp(action, "acknowledge") == 0)
		opsgenie_add_cut(arena, "note", page->note, OPSGENIE_NOTE, out);
	else
		opsgenie_add_page(arena, page, "note", OPSGENIE_NOTE, out);
	if (strcmp(action, "acknowledge") == 0)
		opsgenie_add_cut(arena, "user", page->acked_by, OPSGENIE_SOURCE, out);
	buf_json_text(out, "source", "tracepager");
	buf_putc(out, '}');
}

int opsgenie_build(struct arena *arena, const struct page *page, const struct page_target *target,
		   const char *message_id, int64_t wall_us, struct delivery *ret_delivery,
		   struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);
	const char *action = opsgenie_action(page), *path = "/v2/alerts";

	(void)message_id;
	(void)wall_us;
	if (pager_needs(target, "api_key", NULL, err) < 0)
		return -EINVAL;
	if (page->dedup_key[0] == '\0' || strlen(page->dedup_key) > OPSGENIE_ALIAS)
		return err_set(err, EINVAL, "the dedup key must have 1 to %u bytes",
			       OPSGENIE_ALIAS);
	if (*action)
		path = arena_printf(arena, "/v2/alerts/%s/%s?identifierType=alias",
				    url_escape(arena, page->dedup_key), action);
	opsgenie_write_body(arena, page, target, action, &body);
	return pager_deliver_json(arena, target, pager_url(arena, target, path), "GenieKey", &body,
				  ret_delivery, err);
}

/* 501 is no passing fault (the vendor's clients do not retry it); the pause of a limited rate
 * stands in a header of their own. */
struct judgement opsgenie_judge(const struct http_reply *reply)
{
	struct judgement judgement = judge_by_status(reply);
	const char *period = http_reply_header(reply, "X-RateLimit-Period-In-Sec");

	if (reply->status == 501)
		judgement.outcome = JUDGE_REJECTED;
	if (reply->status == 429 && judgement.retry_after_us < 0 && period)
		judgement.retry_after_us = pager_seconds_us(period);
	return judgement;
}

const struct pager_kind pager_kind_OPSGENIE = {
	.name = "opsgenie",
	.acks_keys = true,
	.knows_moved = true,
	.build = opsgenie_build,
	.judge = opsgenie_judge,
	.feedback = opsgenie_feedback,
};
