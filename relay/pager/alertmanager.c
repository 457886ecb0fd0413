/*
 * Pager kind alertmanager: POST /api/v2/alerts of an Alertmanager. An alert is its labels there, so
 * these have only what stays for the life of the page: what changes is an annotation. Each event
 * but a resolve posts the alert again, with an end so far ahead that it lives until the next one;
 * a resolve ends it. Each Alertmanager of a cluster is a pager of its own.
 */
#include "pager_layout.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"

/* An annotation goes on to chats, which cut it again. */
#define ALERTMANAGER_DESCRIPTION 15000u

static const struct {
	const char *name;
	size_t offset;
} alertmanager_facts[] = {
	{ "note", offsetof(struct page, note) },
	{ "banner", offsetof(struct page, banner) },
	{ "service", offsetof(struct page, component) },
	{ "origin", offsetof(struct page, origin) },
	{ "environment", offsetof(struct page, environment) },
	{ "instance", offsetof(struct page, instance) },
	{ "why", offsetof(struct page, why) },
	{ "evidence", offsetof(struct page, evidence) },
	{ "limits", offsetof(struct page, limits) },
	{ "also_paged", offsetof(struct page, also_paged) },
	{ "path", offsetof(struct page, path) },
	{ "could_be", offsetof(struct page, could_be) },
	{ "what_differs", offsetof(struct page, what_differs) },
	{ "burn", offsetof(struct page, burn) },
	{ "what_to_do", offsetof(struct page, what_to_do) },
	{ "acknowledged_by", offsetof(struct page, acked_by) },
	{ "escalates", offsetof(struct page, escalates) },
	{ "urgency", offsetof(struct page, urgency) },
};

/* Receivers hand annotations on to chats, as they are. */
static void alertmanager_add(struct buf *out, const char *name, const char *text)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);

	pager_quiet.add(&words, text);
	pager_add_text(out, name, buf_text(&words));
	buf_fini(&words);
}

static void alertmanager_add_annotations(struct arena *arena, const struct page *page,
					 struct buf *out)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &pager_quiet, ALERTMANAGER_DESCRIPTION };
	struct page_link links[PAGER_LINKS];
	const size_t n = pager_links(arena, page, links);

	buf_json_key(out, "annotations");
	buf_putc(out, '{');
	alertmanager_add(out, "summary", pager_headline(arena, page, LIMIT_SUMMARY_CHARS));
	marked_page(&text, page, false);
	buf_json_text(out, "description", buf_text(&words));
	buf_fini(&words);
	buf_json_text(out, "severity", severity_name(page->severity));
	for (size_t i = 0; i < sizeof(alertmanager_facts) / sizeof(alertmanager_facts[0]); i++) {
		const char *fact =
			*(const char *const *)((const char *)page + alertmanager_facts[i].offset);
		alertmanager_add(out, alertmanager_facts[i].name,
				 pager_words(arena, fact, LIMIT_SUMMARY_CHARS, true));
	}
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(links[i].text, "runbook") == 0) {
			buf_json_text(out, "runbook_url", links[i].href);
			break;
		}
	buf_putc(out, '}');
}

static void alertmanager_write_body(struct arena *arena, const struct page *page, struct buf *out)
{
	struct page_link links[PAGER_LINKS];
	char at[RFC3339_SIZE];
	const int64_t starts_us = page->since_us ? page->since_us : page->opened_at_us;
	int64_t ends_us = page->at_us + LIMIT_ALERTMANAGER_ENDS_US;

	/* An end before the start would be refused. */
	if (page->event == PAGE_RESOLVE)
		ends_us = page->at_us > starts_us ? page->at_us : starts_us;
	buf_puts(out, "[{");
	buf_json_key(out, "labels");
	buf_putc(out, '{');
	buf_json_text(out, "alertname", "tracepager");
	buf_json_text(out, "incident", page->dedup_key);
	pager_add_words(arena, out, "team", page->group, LIMIT_SUMMARY_CHARS);
	buf_putc(out, '}');
	alertmanager_add_annotations(arena, page, out);
	buf_json_text(out, "startsAt", rfc3339_format(starts_us, at));
	buf_json_text(out, "endsAt", rfc3339_format(ends_us, at));
	if (pager_links(arena, page, links) > 0)
		buf_json_text(out, "generatorURL", links[0].href);
	buf_puts(out, "}]");
}

static int alertmanager_build(struct arena *arena, const struct page *page,
			      const struct page_target *target, const char *message_id,
			      int64_t wall_us, struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	(void)message_id;
	(void)wall_us;
	if (pager_needs(target, NULL, NULL, err) < 0)
		return -EINVAL;
	alertmanager_write_body(arena, page, &body);
	return pager_deliver_json(arena, target, pager_url(arena, target, "/api/v2/alerts"),
				  "Bearer", &body, ret_delivery, err);
}

static int alertmanager_dry(struct arena *arena, const struct page_target *target,
			    struct http_request *ret_request, bool *ret_proves, struct err *err)
{
	if (pager_needs(target, NULL, NULL, err) < 0)
		return -EINVAL;
	*ret_proves = target->key;
	return pager_dry_get(arena, target, pager_url(arena, target, "/api/v2/status"), "Bearer",
			     ret_request, err);
}

static struct judgement alertmanager_judge_dry(const struct http_reply *reply)
{
	static const char *const members[3] = { "cluster", "versionInfo" };

	return pager_judge_members(reply, "Alertmanager", members);
}

const struct pager_kind pager_kind_ALERTMANAGER = {
	.name = "alertmanager",
	.knows_moved = true,
	.build = alertmanager_build,
	.judge = judge_by_status,
	.dry = alertmanager_dry,
	.judge_dry = alertmanager_judge_dry,
};
