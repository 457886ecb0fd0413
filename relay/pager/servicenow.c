/*
 * Pager kind servicenow: an event of ServiceNow's Event Management, by its web service. Events with
 * the same message_key, the page's key, are one alert there; a trigger, an update and a notice
 * repeat the event, a resolve clears it. What the event table has no field for stands in
 * additional_info, a text of JSON. The instance may answer 200 and mean no.
 */
#include "pager_layout.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

/* What the fields of the table em_event take, in characters. */
#define SERVICENOW_NAME		   100u
#define SERVICENOW_KEY		   1024u
#define SERVICENOW_DESCRIPTION	   4000u
#define SERVICENOW_ADDITIONAL_INFO 4000u

static const char *servicenow_severity(const struct page *page)
{
	static const char *const severities[] = {
		[SEVERITY_INFO] = "5",
		[SEVERITY_WARNING] = "4",
		[SEVERITY_ERROR] = "2",
		[SEVERITY_CRITICAL] = "1",
	};

	return page->event == PAGE_RESOLVE ? "0" : severities[page->severity];
}

static void servicenow_add_name(struct arena *arena, struct buf *out, const char *field,
				const char *text)
{
	pager_add_text(out, field, pager_words(arena, text, SERVICENOW_NAME, true));
}

/* "2026-09-01 10:00:02", by the clocks of Greenwich. */
static const char *servicenow_time(struct arena *arena, int64_t wall_us)
{
	const time_t seconds = (time_t)(wall_us / US_PER_SECOND);
	struct tm tm;
	char text[32];

	if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		return "";
	return arena_strdup(arena, text);
}

/* The text of JSON, with as many members as the field takes. */
static const char *servicenow_info(struct arena *arena, const struct page *page,
				   const struct page_target *target)
{
	struct page_link links[PAGER_LINKS];
	const size_t nlinks = pager_links(arena, page, links);
	const struct pager_fact members[] = {
		{ "assignment_group", target->texts[PAGER_TO] },
		{ "tracepager_severity", severity_name(page->severity) },
		{ "tracepager_incident", page->incident },
		{ "state", page->state ? page->state : page->status },
		{ "acknowledged_by", page->acked_by },
		{ "team", page->group },
		{ "environment", page->environment },
		{ "url", nlinks ? links[0].href : NULL },
		{ "why", page->why },
		{ "evidence", page->evidence },
		{ "path", page->path },
		{ "labels", page->labels },
	};
	struct buf info = BUF_INIT(SERVICENOW_ADDITIONAL_INFO);

	buf_putc(&info, '{');
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		struct buf member = BUF_INIT(SERVICENOW_ADDITIONAL_INFO);
		buf_puts(&member, "{");
		pager_add_text(&member, members[i].name,
			       pager_words(arena, members[i].text, LIMIT_SUMMARY_CHARS, true));
		/* Room for a comma and the brace at the end. */
		if (!member.failed && member.len > 1 && info.len + member.len + 2 < info.cap) {
			buf_puts(&info, info.len > 1 ? "," : "");
			buf_add(&info, buf_text(&member) + 1, member.len - 1);
		}
		buf_fini(&member);
	}
	buf_putc(&info, '}');
	const char *text = arena_strdup(arena, buf_text(&info));
	buf_fini(&info);
	return text;
}

static void servicenow_write_body(struct arena *arena, const struct page *page,
				  const struct page_target *target, struct buf *out)
{
	struct buf words = BUF_INIT(LIMIT_PAGE_BYTES);
	struct marked_text text = { arena, &words, &pager_plain, SERVICENOW_DESCRIPTION };
	const bool has_component = page->component && *page->component;

	marked_page(&text, page, true);
	buf_puts(out, "{\"records\":[{");
	buf_json_text(out, "source", "tracepager");
	buf_json_text(out, "event_class", "tracepager");
	servicenow_add_name(arena, out, "node", page->instance);
	servicenow_add_name(arena, out, "resource", has_component ? page->component : page->origin);
	servicenow_add_name(arena, out, "metric_name", page->nalerts ? page->alerts[0] : NULL);
	servicenow_add_name(arena, out, "type", page->kind);
	buf_json_text(out, "message_key", page->dedup_key);
	buf_json_text(out, "severity", servicenow_severity(page));
	buf_json_text(out, "description", buf_text(&words));
	buf_json_text(out, "additional_info", servicenow_info(arena, page, target));
	buf_json_text(out, "time_of_event", servicenow_time(arena, page->at_us));
	buf_json_text(out, "resolution_state", page->event == PAGE_RESOLVE ? "Closing" : "New");
	buf_puts(out, "}]}");
	buf_fini(&words);
}

/* The header of HTTP's basic authentication; NULL: the name has a colon, which would end it. */
static const char *servicenow_basic(struct arena *arena, const struct page_target *target)
{
	const char *user = target->texts[PAGER_USER];
	const char *both = arena_printf(arena, "%s:%s", user, target->key);
	char *encoded = arena_alloc(arena, base64_size(strlen(both)));

	if (strchr(user, ':'))
		return NULL;
	base64_encode(both, strlen(both), encoded);
	return arena_printf(arena, "Basic %s", encoded);
}

static int servicenow_build(struct arena *arena, const struct page *page,
			    const struct page_target *target, const char *message_id,
			    int64_t wall_us, struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);

	(void)message_id;
	(void)wall_us;
	if (pager_needs(target, "password", NULL, err) < 0)
		return -EINVAL;
	if (!target->texts[PAGER_USER])
		return err_set(err, EINVAL, "pager %s has no user", target->pager);
	if (page->dedup_key[0] == '\0' || strlen(page->dedup_key) > SERVICENOW_KEY)
		return err_set(err, EINVAL, "the dedup key must have 1 to %u bytes",
			       SERVICENOW_KEY);
	const char *basic = servicenow_basic(arena, target);
	if (!basic)
		return err_set(err, EINVAL, "the user of pager %s has a colon, which no login has",
			       target->pager);
	servicenow_write_body(arena, page, target, &body);
	int error =
		pager_deliver_json(arena, target, pager_url(arena, target, "/api/global/em/jsonv2"),
				   NULL, &body, ret_delivery, err);
	if (error)
		return error;
	http_request_header(&ret_delivery->request, "Accept", "application/json");
	http_request_header(&ret_delivery->request, "Authorization", basic);
	return 0;
}

/* The words of a refusal; NULL: the reply tells of none. {"error": {"message": "…", "detail": "…"},
 * "status": "failure"}, or a record with "__status": "failure" and "__error": {"reason": "…"}. */
static const char *servicenow_refusal(const json_t *root)
{
	const json_t *error = json_object_get(root, "error");
	const json_t *record = json_array_get(json_object_get(root, "records"), 0);
	const char *status = json_string_value(json_object_get(root, "status"));
	const char *record_status = json_string_value(json_object_get(record, "__status"));
	const char *words = json_string_value(error);

	if (json_is_object(error))
		words = json_string_value(json_object_get(error, "message"));
	if (error && !json_is_null(error))
		return words ? words : "the reply has an error";
	if (status && strcmp(status, "failure") == 0)
		return "the status is failure";
	if (!record_status || strcmp(record_status, "failure") != 0)
		return NULL;
	words = json_string_value(json_object_get(json_object_get(record, "__error"), "reason"));
	return words ? words : "the event was not inserted";
}

static struct judgement servicenow_judge(const struct http_reply *reply)
{
	struct judgement judgement = judge_by_status(reply);

	if (judgement.outcome != JUDGE_DELIVERED || reply->error || !reply->body || !reply->len)
		return judgement;
	/* An instance that hibernates, or is being upgraded, answers any request with a page. */
	if (reply->body[strspn(reply->body, " \t\r\n")] == '<') {
		judgement = pager_refused(reply, "the instance answers with a page, not with JSON: "
						 "it may hibernate, or be no instance");
		judgement.outcome = JUDGE_RETRY;
		return judgement;
	}
	json_t *root = json_loadb(reply->body, reply->len, 0, NULL);
	const char *words = servicenow_refusal(root);
	if (words)
		judgement = pager_refused(reply, words);
	json_decref(root);
	return judgement;
}

const struct pager_kind pager_kind_SERVICENOW = {
	.name = "servicenow",
	.build = servicenow_build,
	.judge = servicenow_judge,
};
