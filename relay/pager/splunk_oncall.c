/*
 * Pager kind splunk-oncall: Splunk On-Call (VictorOps), its REST integration. entity_id is the
 * page's key. A trigger, an update and a notice repeat the alert by its severity, an
 * acknowledgement and a resolve have message types of their own. The address has the integration's
 * key and the routing key in its path. A refusal may have status 200: its body says so.
 */
#include "pager_layout.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"

/* What the service takes, in characters. */
#define SPLUNK_ENTITY_ID     512u
#define SPLUNK_STATE_MESSAGE 20480u
#define SPLUNK_ANNOTATION    1124u

/* Only CRITICAL and, by the account's settings, WARNING page people. */
static const char *splunk_message_type(const struct page *page)
{
	static const char *const types[] = {
		[SEVERITY_INFO] = "INFO",
		[SEVERITY_WARNING] = "WARNING",
		[SEVERITY_ERROR] = "CRITICAL",
		[SEVERITY_CRITICAL] = "CRITICAL",
	};

	if (page->event == PAGE_RESOLVE)
		return "RECOVERY";
	if (pager_tells_ack(page))
		return "ACKNOWLEDGEMENT";
	return page->urgency && strcmp(page->urgency, "low") == 0 ? "INFO" : types[page->severity];
}

/* The member that shows a link: its name, with letters, digits and blanks only, and its number, so
 * that no two are the same. */
static const char *splunk_title(struct arena *arena, const char *text, size_t number)
{
	char *title = arena_printf(arena, "vo_annotate.u.%s %zu", text, number);

	for (char *c = title + strlen("vo_annotate.u."); *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = ' ';
	return title;
}

static void splunk_add_links(struct arena *arena, const struct page *page, struct buf *out)
{
	struct page_link links[PAGER_LINKS];
	const size_t n = pager_links(arena, page, links);

	for (size_t i = 0; i < n; i++)
		if (strlen(links[i].href) <= SPLUNK_ANNOTATION)
			buf_json_text(out, splunk_title(arena, links[i].text, i + 1),
				      links[i].href);
}

static void splunk_write_body(struct arena *arena, const struct page *page, struct buf *out)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &pager_plain, SPLUNK_STATE_MESSAGE };

	marked_page(&text, page, false);
	buf_putc(out, '{');
	buf_json_text(out, "message_type", splunk_message_type(page));
	buf_json_text(out, "entity_id", page->dedup_key);
	buf_json_text(out, "entity_display_name", pager_headline(arena, page, LIMIT_SUMMARY_CHARS));
	buf_json_text(out, "state_message", buf_text(&words));
	if (page->since_us)
		buf_json_int(out, "state_start_time", page->since_us / US_PER_SECOND);
	buf_json_text(out, "monitoring_tool", "tracepager");
	buf_json_text(out, "severity", severity_name(page->severity));
	pager_add_words(arena, out, "team", page->group, LIMIT_SUMMARY_CHARS);
	pager_add_words(arena, out, "service", page->component, LIMIT_SUMMARY_CHARS);
	pager_add_words(arena, out, "environment", page->environment, LIMIT_SUMMARY_CHARS);
	splunk_add_links(arena, page, out);
	buf_putc(out, '}');
	buf_fini(&words);
}

static int splunk_build(struct arena *arena, const struct page *page,
			const struct page_target *target, const char *message_id, int64_t wall_us,
			struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	(void)message_id;
	(void)wall_us;
	if (pager_needs(target, "api_key", "routing_key", err) < 0)
		return -EINVAL;
	if (page->dedup_key[0] == '\0' || strlen(page->dedup_key) > SPLUNK_ENTITY_ID)
		return err_set(err, EINVAL, "the dedup key must have 1 to %u bytes",
			       SPLUNK_ENTITY_ID);
	const char *path = arena_printf(arena, "/%s/%s", url_escape(arena, target->key),
					url_escape(arena, target->texts[PAGER_TO]));
	splunk_write_body(arena, page, &body);
	return pager_deliver_json(arena, target, pager_url(arena, target, path), NULL, &body,
				  ret_delivery, err);
}

/* {"result":"failure","messages":["…"]} */
static struct judgement splunk_judge(const struct http_reply *reply)
{
	struct judgement judgement = judge_by_status(reply);

	if (judgement.outcome != JUDGE_DELIVERED || reply->error || !reply->body)
		return judgement;
	json_t *root = json_loadb(reply->body, reply->len, 0, NULL);
	const char *result = json_string_value(json_object_get(root, "result"));
	const json_t *messages = json_object_get(root, "messages");
	const char *words = json_string_value(json_array_get(messages, 0));
	if (!words)
		words = json_string_value(json_object_get(root, "message"));
	if (!result || strcmp(result, "success") != 0)
		judgement = pager_refused(reply, words ? words : "the result is not success");
	json_decref(root);
	return judgement;
}

const struct pager_kind pager_kind_SPLUNK_ONCALL = {
	.name = "splunk-oncall",
	.acks_keys = true,
	.knows_moved = true,
	.build = splunk_build,
	.judge = splunk_judge,
	.feedback = splunk_oncall_feedback,
};
