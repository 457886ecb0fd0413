/* Tests of the pager kinds: what they send, and how they judge replies. */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/pager_kind.h"
#include "tracepager/xalloc.h"

static struct arena *arena;
static struct page page;
static const char *alerts[] = { "PlaceOrderErrors" };

static void setup(void)
{
	arena = arena_new(64 << 20);
	page = (struct page){
		.event = PAGE_TRIGGER,
		.incident = "i1",
		.dedup_key = "i1",
		.severity = SEVERITY_CRITICAL,
		.summary = "ledger: deadlock",
		.details = "Why you: team ledger owns ledger\n",
		.component = "ledger",
		.origin = "checkout",
		.group = "ledger",
		.kind = "span",
		.links = { { "Runbook", "https://wiki.shop.example/ledger" } },
		.nlinks = 1,
		.opened_at_us = 1788256800000000, /* 2026-09-01T10:00:00Z */
		.at_us = 1788256802000000,
		.status = "open",
		.alerts = alerts,
		.nalerts = 1,
		.decision = "{\"version\":1}",
	};
}

static void teardown(void)
{
	arena_free(arena);
}

static struct page_target target_of(enum pager_kind_id kind, const char *url, const char *key)
{
	return (struct page_target){ .kind = kind, .pager = "p1", .url = url, .key = key };
}

/* Builds at 2026-09-01T10:00:05Z; fails the test if it does not work. */
static struct delivery build(const struct page_target *target)
{
	struct delivery delivery;
	struct err err = { .code = 0 };

	int error = pager_kinds[target->kind]->build(arena, &page, target, "i1_7", 1788256805000000,
						     &delivery, &err);
	ck_assert_msg(error == 0, "%s", err.text);
	return delivery;
}

static json_t *build_pagerduty(void)
{
	struct page_target target =
		target_of(PAGER_PAGERDUTY, "https://pd.shop.example/v2/enqueue", "R0UT1NG");
	struct delivery delivery = build(&target);
	json_error_t where;

	ck_assert_ptr_null(delivery.console);
	ck_assert_str_eq(delivery.request.url, "https://pd.shop.example/v2/enqueue");
	ck_assert_int_eq(delivery.request.method, HTTP_POST);
	ck_assert_uint_le(delivery.request.body_len, LIMIT_PAGE_BYTES);
	json_t *root = json_loadb(delivery.request.body, delivery.request.body_len,
				  JSON_REJECT_DUPLICATES, &where);
	ck_assert_msg(root != NULL, "%s", where.text);
	return root;
}

/* The text at "a.b.c"; "" where there is none. */
static const char *at(const json_t *root, const char *path)
{
	char name[64];

	for (;;) {
		size_t len = strcspn(path, ".");
		ck_assert_uint_lt(len, sizeof(name));
		memcpy(name, path, len);
		name[len] = '\0';
		root = json_object_get(root, name);
		if (path[len] == '\0')
			return json_string_value(root) ? json_string_value(root) : "";
		path += len + 1;
	}
}

static const char *header(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->nheaders; i++)
		if (strcmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	return NULL;
}

/* A decision of this many bytes. */
static const char *decision_of(size_t len)
{
	char *text = arena_alloc(arena, len + 1);

	memset(text, 'x', len);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + len - 2, "\"}", 2);
	return text;
}

/* ---- Targets. ---- */

static const struct {
	const char *url, *key, *host;
} target_hosts[] = {
	{ "https://pager.example.com:8443/v2/enqueue?token=s3cret", "s3cret",
	  "pager.example.com:8443" },
	{ "https://ann:s3cret@pager.example.com", NULL, "pager.example.com" },
	{ "https://ann:s3@cret@[::1]:80#x", NULL, "[::1]:80" },
	{ NULL, "https://hooks.example.com/services/s3cret", "hooks.example.com" },
	{ NULL, "s3cret", NULL },
	{ NULL, NULL, NULL },
};

START_TEST(target_host_has_no_secret)
{
	const struct page_target target = { .url = target_hosts[_i].url,
					    .key = target_hosts[_i].key };
	size_t len = 0;
	const char *host = page_target_host(&target, &len);

	ck_assert_int_eq(!host, !target_hosts[_i].host);
	if (!host)
		return;
	ck_assert_uint_eq(len, strlen(target_hosts[_i].host));
	ck_assert_int_eq(strncmp(host, target_hosts[_i].host, len), 0);
}
END_TEST

START_TEST(pagerduty_trigger_has_all_fields)
{
	json_t *root = build_pagerduty();

	ck_assert_str_eq(at(root, "routing_key"), "R0UT1NG");
	ck_assert_str_eq(at(root, "event_action"), "trigger");
	ck_assert_str_eq(at(root, "dedup_key"), "i1");
	ck_assert_str_eq(at(root, "client"), "tracepager");
	ck_assert_str_eq(at(root, "payload.summary"), "ledger: deadlock");
	ck_assert_str_eq(at(root, "payload.source"), "checkout");
	ck_assert_str_eq(at(root, "payload.severity"), "critical");
	ck_assert_str_eq(at(root, "payload.timestamp"), "2026-09-01T10:00:02Z");
	ck_assert_str_eq(at(root, "payload.component"), "ledger");
	ck_assert_str_eq(at(root, "payload.group"), "ledger");
	ck_assert_str_eq(at(root, "payload.class"), "span");
	ck_assert_str_eq(at(root, "payload.custom_details.why"),
			 "Why you: team ledger owns ledger");
	ck_assert_str_eq(at(root, "payload.custom_details.incident"), "i1");
	json_t *details = json_object_get(json_object_get(root, "payload"), "custom_details");
	ck_assert_int_eq(json_integer_value(
				 json_object_get(json_object_get(details, "decision"), "version")),
			 1);
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(details, "alerts"), 0)),
			 "PlaceOrderErrors");
	const json_t *link = json_array_get(json_object_get(root, "links"), 0);
	ck_assert_str_eq(at(link, "href"), "https://wiki.shop.example/ledger");
	ck_assert_str_eq(at(link, "text"), "Runbook");
	json_decref(root);
}
END_TEST

START_TEST(pagerduty_details_are_split_by_section)
{
	page.details = "Why you: team ledger owns ledger\n\nThe failure, from the signal down to "
		       "where it starts:\n  a\n"
		       "\nTrace 4bf9:\n  x ██\n\n\nSeen before:\n  twice\n\nfree words\n\nmore "
		       "words\n\nDecision:\n  no\n";
	json_t *root = build_pagerduty();

	ck_assert_str_eq(at(root, "payload.custom_details.why"),
			 "Why you: team ledger owns ledger");
	ck_assert_str_eq(at(root, "payload.custom_details.path"),
			 "The failure, from the signal down to where it starts:\n  a");
	ck_assert_str_eq(at(root, "payload.custom_details.waterfall"), "Trace 4bf9:\n  x ██");
	ck_assert_str_eq(at(root, "payload.custom_details.seen_before"), "  twice");
	ck_assert_str_eq(at(root, "payload.custom_details.details"), "free words");
	ck_assert_str_eq(at(root, "payload.custom_details.details_2"), "more words");
	ck_assert_str_eq(at(root, "payload.custom_details.details_3"), "  no");
	json_decref(root);
}
END_TEST

START_TEST(pagerduty_update_is_a_trigger_with_the_same_key)
{
	page.event = PAGE_UPDATE;
	page.note = "joined by HighLatency";
	json_t *root = build_pagerduty();

	ck_assert_str_eq(at(root, "event_action"), "trigger");
	ck_assert_str_eq(at(root, "dedup_key"), "i1");
	ck_assert_str_eq(at(root, "payload.custom_details.note"), "joined by HighLatency");
	json_decref(root);
}
END_TEST

static json_t *build_webhook(const struct page_target *target)
{
	struct delivery delivery = build(target);
	json_t *root = json_loadb(delivery.request.body, delivery.request.body_len,
				  JSON_REJECT_DUPLICATES, NULL);

	ck_assert_ptr_nonnull(root);
	return root;
}

/* The action is the first link, and takes the place of the last where there are too many. */
START_TEST(pagerduty_has_the_action)
{

	page.act_href = "https://tp.example/i/i1?t=AQ";
	page.escalates = "2026-09-01T10:10:00Z: pages ledger-lead";
	page.acked_by = "ann";
	page.urgency = "low";
	json_t *body = build_pagerduty();
	const json_t *links = json_object_get(body, "links");
	ck_assert_uint_eq(json_array_size(links), 2);
	ck_assert_str_eq(at(json_array_get(links, 0), "href"), "https://tp.example/i/i1?t=AQ");
	ck_assert_str_eq(at(json_array_get(links, 0), "text"), "Acknowledge, hand on or resolve");
	ck_assert_str_eq(at(json_array_get(links, 1), "text"), "Runbook");
	const json_t *details = json_object_get(json_object_get(body, "payload"), "custom_details");
	ck_assert_str_eq(at(details, "act"), "https://tp.example/i/i1?t=AQ");
	ck_assert_str_eq(at(details, "escalates"), "2026-09-01T10:10:00Z: pages ledger-lead");
	ck_assert_str_eq(at(details, "acknowledged_by"), "ann");
	ck_assert_str_eq(at(details, "urgency"), "low");
	json_decref(body);
	for (page.nlinks = 0; page.nlinks < LIMIT_PAGE_LINKS; page.nlinks++)
		page.links[page.nlinks] = (struct page_link){ "a", "https://a.example" };
	body = build_pagerduty();
	links = json_object_get(body, "links");
	ck_assert_uint_eq(json_array_size(links), LIMIT_PAGE_LINKS);
	ck_assert_str_eq(at(json_array_get(links, 0), "text"), "Acknowledge, hand on or resolve");
	json_decref(body);
}
END_TEST

/* The page that tells of an acknowledgement stops PagerDuty's own escalation; deliver calls it an
 * update. A comment on an incident that somebody has is an update with its words. */
START_TEST(pagerduty_is_told_of_an_acknowledgement)
{
	static const struct {
		enum page_event event;
		const char *state, *act, *action;
	} rows[] = { { PAGE_UPDATE, "acknowledged", "acknowledge", "acknowledge" },
		     { PAGE_UPDATE, "acknowledged", NULL, "trigger" },
		     { PAGE_UPDATE, "open", NULL, "trigger" },
		     { PAGE_TRIGGER, "acknowledged", NULL, "trigger" },
		     { PAGE_RESOLVE, "acknowledged", NULL, "resolve" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		page.event = rows[i].event;
		page.state = rows[i].state;
		page.act = rows[i].act;
		json_t *body = build_pagerduty();
		ck_assert_str_eq(at(body, "event_action"), rows[i].action);
		ck_assert_str_eq(at(body, "dedup_key"), "i1");
		json_decref(body);
	}
}
END_TEST

START_TEST(webhook_has_the_actions)
{
	struct page_target target = target_of(PAGER_WEBHOOK, "https://hook.example", NULL);

	json_t *body = build_webhook(&target);
	ck_assert_ptr_null(json_object_get(json_object_get(body, "data"), "actions"));
	json_decref(body);
	page.act_href = "https://tp.example/i/i1?t=AQ";
	page.escalates = "2026-09-01T10:10:00Z: pages ledger-lead";
	page.acked_by = "ann";
	body = build_webhook(&target);
	const json_t *data = json_object_get(body, "data");
	const json_t *actions = json_object_get(data, "actions");
	ck_assert_uint_eq(json_array_size(actions), 1);
	ck_assert_str_eq(at(json_array_get(actions, 0), "href"), "https://tp.example/i/i1?t=AQ");
	ck_assert_str_eq(at(json_array_get(actions, 0), "text"), "Acknowledge, hand on or resolve");
	ck_assert_str_eq(at(data, "incident.acknowledged_by"), "ann");
	ck_assert_str_eq(at(data, "incident.escalates"), "2026-09-01T10:10:00Z: pages ledger-lead");
	json_decref(body);
}
END_TEST

START_TEST(console_has_the_action)
{
	struct page_target target = target_of(PAGER_CONSOLE, NULL, NULL);

	page.act_href = "https://tp.example/i/i1?t=AQ";
	page.escalates = "2026-09-01T10:10:00Z: pages ledger-lead";
	page.acked_by = "ann";
	const char *text = build(&target).console;
	ck_assert_ptr_nonnull(strstr(text, "\nact on it   https://tp.example/i/i1?t=AQ\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nhas it      ann\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "\nnext        2026-09-01T10:10:00Z: pages ledger-lead\n"));
	page.event = PAGE_RESOLVE;
	ck_assert_ptr_null(strstr(build(&target).console, "act on it"));
}
END_TEST

START_TEST(pagerduty_resolve_is_short)
{
	page.event = PAGE_RESOLVE;
	json_t *root = build_pagerduty();

	ck_assert_uint_eq(json_object_size(root), 3);
	ck_assert_str_eq(at(root, "routing_key"), "R0UT1NG");
	ck_assert_str_eq(at(root, "event_action"), "resolve");
	ck_assert_str_eq(at(root, "dedup_key"), "i1");
	json_decref(root);
}
END_TEST

START_TEST(pagerduty_summary_is_cut_between_characters)
{
	char *summary = arena_alloc(arena, 2 * 1030 + 1);

	for (int i = 0; i < 1030; i++)
		memcpy(summary + 2 * i, "é", 2);
	page.summary = summary;
	json_t *root = build_pagerduty();
	ck_assert_uint_eq(strlen(at(root, "payload.summary")), 2 * 1024);
	json_decref(root);
}
END_TEST

/* The decision in an event is what a person needs, and not the whole document. */
START_TEST(pagerduty_decision_is_brief)
{
	page.decision =
		"{\"version\":1,\"alert\":{\"labels\":{\"alertname\":\"A\"}},\"traces\":["
		"{\"trace_id\":\"t1\",\"suspect\":{\"service\":\"mail\"},\"path\":[{\"service\":"
		"\"mail\"}"
		"]},"
		"{\"trace_id\":\"t2\",\"suspect\":{\"service\":\"ledger\"},\"path\":["
		"{\"service\":\"web\"},{\"service\":\"web\"},{\"service\":\"booking\"},"
		"{\"service\":\"ledger\"}]}],"
		"\"verdict\":{\"suspect\":{\"service\":\"ledger\",\"namespace\":\"\","
		"\"operation\":\"POST /entries\",\"kind\":\"span\",\"callee\":null,"
		"\"error\":\"disk is full\"},\"confidence\":0.855,\"agree\":8,\"of\":9,"
		"\"errors\":[{\"error\":\"disk is "
		"full\",\"traces\":7},{\"error\":null,\"traces\":1}],"
		"\"runners_up\":[{\"service\":\"mail\",\"agree\":1}],"
		"\"reasons\":[\"8 of 9\"],\"fallback\":null},"
		"\"owner\":{\"team\":\"money\",\"rule\":\"services.yaml:12\",\"reasons\":[]},"
		"\"rules\":{\"hash\":\"ab\"}}";
	json_t *root = build_pagerduty();
	json_t *want = json_pack(
		"{s:i,s:s,s:s,s:s,s:s,s:f,s:i,s:i,s:[s,s],s:s,s:s,s:s,s:[s],s:[s]}", "version", 1,
		"suspect", "ledger", "operation", "POST /entries", "kind", "span", "error",
		"disk is full", "confidence", 0.86, "agree", 8, "of", 9, "errors",
		"disk is full (7)", "no words (1)", "path", "web > booking > ledger", "owner",
		"money", "rule", "services.yaml:12", "runners_up", "mail (1)", "reasons", "8 of 9");
	const json_t *payload = json_object_get(root, "payload");
	ck_assert(json_equal(
		json_object_get(json_object_get(payload, "custom_details"), "decision"), want));
	json_decref(want);
	json_decref(root);
}
END_TEST

START_TEST(pagerduty_drops_the_decision_first)
{
	page.details = "Why you: x\n\nTrace 4bf9:\n  x\n";
	page.decision = decision_of(LIMIT_PAGE_BYTES);
	json_t *root = build_pagerduty();

	ck_assert_int_eq(strncmp(at(root, "payload.custom_details.decision"), "left out", 8), 0);
	ck_assert_str_eq(at(root, "payload.custom_details.waterfall"), "Trace 4bf9:\n  x");
	json_decref(root);
}
END_TEST

START_TEST(pagerduty_drops_the_waterfall_then_all_details)
{
	char *wide = arena_alloc(arena, LIMIT_PAGE_BYTES + 32);

	memset(wide, 'w', LIMIT_PAGE_BYTES + 31);
	memcpy(wide, "Why you: x\n\nTrace 4bf9:\n", 24);
	page.details = wide;
	json_t *root = build_pagerduty();
	ck_assert_int_eq(strncmp(at(root, "payload.custom_details.waterfall"), "left out", 8), 0);
	ck_assert_str_eq(at(root, "payload.custom_details.why"), "Why you: x");
	json_decref(root);

	memset(wide, 'w', 24);
	root = build_pagerduty();
	ck_assert_int_eq(strncmp(at(root, "payload.custom_details.details"), "left out", 8), 0);
	ck_assert_str_eq(at(root, "payload.summary"), "ledger: deadlock");
	json_decref(root);
}
END_TEST

START_TEST(pagerduty_needs_a_routing_key)
{
	struct page_target target = target_of(PAGER_PAGERDUTY, "https://pd.shop.example/", NULL);
	struct delivery delivery;
	struct err err;

	ck_assert_int_eq(
		pager_kinds[PAGER_PAGERDUTY]->build(arena, &page, &target, "m", 0, &delivery, &err),
		-EINVAL);
	ck_assert_str_eq(err.text, "pager p1 has no routing_key");
}
END_TEST

static struct judgement judge(enum pager_kind_id kind, int status, const char *body)
{
	struct http_reply reply = { .status = status,
				    .body = body,
				    .len = body ? strlen(body) : 0,
				    .retry_after_us = -1,
				    .content_type = "" };
	return pager_kinds[kind]->judge(&reply);
}

START_TEST(statuses_are_judged)
{
	static const struct {
		int status;
		enum judgement_outcome outcome;
	} rows[] = {
		{ 200, JUDGE_DELIVERED }, { 202, JUDGE_DELIVERED }, { 204, JUDGE_DELIVERED },
		{ 301, JUDGE_REJECTED },  { 307, JUDGE_REJECTED },  { 400, JUDGE_REJECTED },
		{ 401, JUDGE_REJECTED },  { 404, JUDGE_REJECTED },  { 408, JUDGE_RETRY },
		{ 410, JUDGE_REJECTED },  { 413, JUDGE_REJECTED },  { 425, JUDGE_RETRY },
		{ 429, JUDGE_RETRY },	  { 500, JUDGE_RETRY },	    { 502, JUDGE_RETRY },
		{ 503, JUDGE_RETRY },	  { 504, JUDGE_RETRY },
	};

	/* What the body of a success must say, the tests of each kind tell; a mail server's codes
	 * are not those of HTTP. */
	for (int kind = 0; kind < PAGER_KIND_COUNT; kind++)
		for (size_t i = kind <= PAGER_CONSOLE ? 0 : 3; i < ARRAY_LEN(rows); i++)
			if (kind != PAGER_EMAIL)
				ck_assert_int_eq(
					judge((enum pager_kind_id)kind, rows[i].status, "").outcome,
					rows[i].outcome);
}
END_TEST

START_TEST(redirects_are_explained)
{
	static const char want[] = "HTTP 301: redirects are not followed; give the pager the final "
				   "url";

	for (int kind = 0; kind < PAGER_KIND_COUNT; kind++)
		if (kind != PAGER_EMAIL)
			ck_assert_str_eq(judge((enum pager_kind_id)kind, 301, "{}").text, want);
}
END_TEST

/* A pager that answered 202 has the page, even if the rest of its reply was lost. */
START_TEST(a_torn_reply_is_judged_by_its_status)
{
	struct http_reply reply = { .status = 202,
				    .error = "reply larger than 65536 bytes",
				    .body = "",
				    .retry_after_us = -1 };

	for (int kind = 0; kind < PAGER_KIND_COUNT; kind++)
		ck_assert_int_eq(pager_kinds[kind]->judge(&reply).outcome, JUDGE_DELIVERED);
}
END_TEST

START_TEST(no_reply_is_tried_again)
{
	struct http_reply reply = { .status = 0,
				    .error = "connection refused",
				    .retry_after_us = -1 };
	struct judgement judgement = judge_by_status(&reply);

	ck_assert_int_eq(judgement.outcome, JUDGE_RETRY);
	ck_assert_int_eq(judgement.retry_after_us, -1);
	ck_assert_str_eq(judgement.text, "no reply: connection refused");
}
END_TEST

START_TEST(retry_after_is_capped)
{
	struct http_reply reply = {
		.status = 429, .body = "slow down\nplease", .len = 16, .retry_after_us = 7000000
	};

	ck_assert_int_eq(judge_by_status(&reply).retry_after_us, 7000000);
	ck_assert_str_eq(judge_by_status(&reply).text, "HTTP 429: slow down");
	reply.retry_after_us = LIMIT_PAGER_RETRY_AFTER_US + 1;
	ck_assert_int_eq(judge_by_status(&reply).retry_after_us, LIMIT_PAGER_RETRY_AFTER_US);
}
END_TEST

START_TEST(long_replies_are_cut_between_characters)
{
	char body[401];

	body[0] = 'a';
	for (int i = 0; i < 200; i++)
		memcpy(body + 1 + 2 * i, "é", 2);
	struct http_reply reply = { .status = 500, .body = body, .len = 401, .retry_after_us = -1 };
	struct judgement judgement = judge_by_status(&reply);
	size_t len = strlen(judgement.text);
	ck_assert_uint_lt(len, 200);
	ck_assert_int_eq((len - strlen("HTTP 500: a")) % 2, 0);
	ck_assert_int_eq((unsigned char)judgement.text[len - 1], 0xa9);
}
END_TEST

START_TEST(pagerduty_errors_are_quoted)
{
	struct judgement judgement =
		judge(PAGER_PAGERDUTY, 400,
		      "{\"status\":\"invalid event\",\"message\":\"Event object is invalid\","
		      "\"errors\":[\"'routing_key' is invalid\",7,\"'severity' is missing\"]}");

	ck_assert_int_eq(judgement.outcome, JUDGE_REJECTED);
	ck_assert_str_eq(judgement.text,
			 "HTTP 400: 'routing_key' is invalid; 'severity' is missing");
	ck_assert_str_eq(judge(PAGER_PAGERDUTY, 400, "no json").text, "HTTP 400: no json");
	ck_assert_str_eq(judge(PAGER_PAGERDUTY, 400, "{\"errors\":{}}").text,
			 "HTTP 400: {\"errors\":{}}");
	ck_assert_str_eq(judge(PAGER_PAGERDUTY, 400, NULL).text, "HTTP 400");
}
END_TEST

static const char webhook_body[] =
	"{\"type\":\"page.trigger\",\"timestamp\":\"2026-09-01T10:00:02Z\",\"data\":{\"incident\":{"
	"\"id\":\"i1\","
	"\"status\":\"open\",\"opened_at\":\"2026-09-01T10:00:00Z\",\"alerts\":["
	"\"PlaceOrderErrors\"],"
	"\"dedup_key\":\"i1\",\"severity\":\"critical\",\"summary\":\"ledger: deadlock\","
	"\"details\":\"Why you: team ledger owns "
	"ledger\\n\",\"team\":\"ledger\",\"component\":\"ledger\","
	"\"origin\":\"checkout\",\"kind\":\"span\",\"note\":null,"
	"\"links\":[{\"text\":\"Runbook\",\"href\":\"https://wiki.shop.example/ledger\"}]},"
	"\"decision\":{\"version\":1}}}";

/* The signatures are HMAC-SHA256 of "i1_7.1788256805." and the body above, by another
 * implementation. */
static const struct {
	const char *secret, *signature;
} signatures[] = {
	/* the bytes 1 to 32 */
	{ "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
	  "v1,pyR0nzd1VgCymaByPSsVMfsXwxAIyPPqOG+I10C4Gzo=" },
	{ "a plain secret", "v1,u/p/q2F3jWRWoJ7ZmDe6ppjk4nysMKJaLy5wL5V5odc=" },
};

START_TEST(webhook_is_signed)
{
	struct page_target target =
		target_of(PAGER_WEBHOOK, "https://hook.shop.example/x", signatures[_i].secret);
	struct delivery delivery = build(&target);

	ck_assert_str_eq(delivery.request.url, "https://hook.shop.example/x");
	ck_assert_str_eq(delivery.request.body, webhook_body);
	ck_assert_uint_eq(delivery.request.body_len, strlen(webhook_body));
	ck_assert_str_eq(header(&delivery.request, "Content-Type"), "application/json");
	ck_assert_str_eq(header(&delivery.request, "webhook-id"), "i1_7");
	ck_assert_str_eq(header(&delivery.request, "webhook-timestamp"), "1788256805");
	ck_assert_str_eq(header(&delivery.request, "webhook-signature"), signatures[_i].signature);
}
END_TEST

START_TEST(webhook_without_secret_is_unsigned)
{
	struct page_target target = target_of(PAGER_WEBHOOK, "https://hook.shop.example/x", NULL);
	struct delivery delivery = build(&target);

	ck_assert_str_eq(header(&delivery.request, "webhook-id"), "i1_7");
	ck_assert_ptr_null(header(&delivery.request, "webhook-signature"));
}
END_TEST

START_TEST(webhook_refuses_a_broken_secret)
{
	static const char *const secrets[] = { "whsec_", "whsec_@@@@" };
	struct page_target target =
		target_of(PAGER_WEBHOOK, "https://hook.shop.example/x", secrets[_i]);
	struct delivery delivery;
	struct err err;

	ck_assert_int_eq(
		pager_kinds[PAGER_WEBHOOK]->build(arena, &page, &target, "m", 0, &delivery, &err),
		-EINVAL);
	ck_assert_ptr_null(strstr(err.text, "@@@@"));
}
END_TEST

START_TEST(webhook_leaves_out_what_is_too_large)
{
	struct page_target target = target_of(PAGER_WEBHOOK, "https://hook.shop.example/x", "s");

	page.decision = decision_of(LIMIT_PAGE_BYTES);
	struct delivery delivery = build(&target);
	ck_assert_uint_lt(delivery.request.body_len, 2048);
	ck_assert_ptr_nonnull(
		strstr(delivery.request.body, "\"decision\":null,\"left_out\":[\"decision\"]}}"));
	ck_assert_ptr_nonnull(strstr(delivery.request.body, "\"alerts\":[\"PlaceOrderErrors\"]"));

	char *details = arena_alloc(arena, LIMIT_PAGE_BYTES + 1);
	memset(details, 'x', LIMIT_PAGE_BYTES);
	page.details = details;
	delivery = build(&target);
	ck_assert_uint_lt(delivery.request.body_len, 2048);
	ck_assert_ptr_nonnull(
		strstr(delivery.request.body,
		       "\"decision\":null,\"left_out\":[\"decision\",\"details\",\"alerts\"]}}"));
	ck_assert_ptr_nonnull(strstr(delivery.request.body, "\"summary\":\"ledger: deadlock\""));

	/* A page always leaves: at last its facts are cut. */
	page.summary = details;
	delivery = build(&target);
	ck_assert_uint_lt(delivery.request.body_len, 4096);
	ck_assert_ptr_nonnull(strstr(delivery.request.body, "xxx…\",\"team\""));
}
END_TEST

START_TEST(webhook_resolve_says_so)
{
	struct page_target target = target_of(PAGER_WEBHOOK, "https://hook.shop.example/x", NULL);

	page.event = PAGE_RESOLVE;
	page.status = "resolved";
	page.decision = NULL;
	struct delivery delivery = build(&target);
	ck_assert_ptr_nonnull(strstr(delivery.request.body, "{\"type\":\"page.resolve\","));
	ck_assert_ptr_nonnull(strstr(delivery.request.body, "\"status\":\"resolved\""));
	ck_assert_ptr_nonnull(strstr(delivery.request.body, "\"decision\":null}}"));
	ck_assert_str_eq(judge(PAGER_WEBHOOK, 410, "").text,
			 "HTTP 410: the receiver wants no more pages at this url");
}
END_TEST

static const char *console(void)
{
	struct page_target target = target_of(PAGER_CONSOLE, NULL, NULL);
	struct delivery delivery = build(&target);

	ck_assert_ptr_null(delivery.request.url);
	ck_assert_ptr_nonnull(delivery.console);
	return delivery.console;
}

START_TEST(console_page_looks_like_one)
{
	ck_assert_str_eq(
		console(),
		"=== PAGE critical =================================== 2026-09-01T10:00:02Z ===\n"
		"ledger: deadlock\n"
		"\n"
		"team        ledger\n"
		"alerts      PlaceOrderErrors\n"
		"\n"
		"  Why you: team ledger owns ledger\n"
		"\n"
		"Runbook     https://wiki.shop.example/ledger\n"
		"\n"
		"incident    i1\n"
		"==============================================================================\n"
		"\n");
}
END_TEST

static void know_all_facts(void)
{
	page.since_us = 1788256680000000; /* 2026-09-01T09:58:00Z, 122 s before the page */
	page.environment = "prod eu1";
	page.instance = "ledger-7d9";
	page.also_paged = "sre-slack";
	page.differs = "2 alerts: NodeDown; they differ in instance: db1, db2";
	page.labels = "instance=db1, job=node";
}

START_TEST(console_page_tells_the_facts)
{
	know_all_facts();
	ck_assert_str_eq(
		console(),
		"=== PAGE critical =================================== 2026-09-01T10:00:02Z ===\n"
		"ledger: deadlock\n"
		"\n"
		"since       2026-09-01T09:58:00Z, 2 min 02 s before this page\n"
		"where       prod eu1\n"
		"instance    ledger-7d9\n"
		"team        ledger\n"
		"also paged  sre-slack\n"
		"alerts      2 alerts: NodeDown; they differ in instance: db1, db2\n"
		"\n"
		"  Why you: team ledger owns ledger\n"
		"\n"
		"Runbook     https://wiki.shop.example/ledger\n"
		"\n"
		"labels      instance=db1, job=node\n"
		"incident    i1\n"
		"==============================================================================\n"
		"\n");
}
END_TEST

static void know_all_sections(void)
{
	know_all_facts();
	page.summary = "ledger: deadlock — breaks web POST /orders (PlaceOrderErrors), prod eu1";
	page.details = "";
	page.differs = "";
	page.note = "joined by CartErrors";
	page.banner = "Why it is unknown: no reason";
	page.why = "team ledger owns ledger (r.yaml:1)";
	page.evidence = "confidence 0.95: 2 of 2 failing traces end in ledger";
	page.path = "web > ledger (Book)";
	page.could_be = "stock (1 of 2 traces)";
	page.what_to_do = "follow the runbook";
	page.waterfall = "Trace 4bf9, one of 2:\n"
			 "✗ web POST /orders   ██████   120 ms\n"
			 "›  └ ledger Book        ███    61 ms\n"
			 "  … 2 more spans, none failed";
	page.reasons = "- began at web\n- ledger Book failed; nothing that it called failed";
	page.alert_says = "5 % of orders fail";
}

/* The environment stands in the headline, and so does the alert's name. */
START_TEST(console_has_the_order_of_a_page)
{
	know_all_sections();
	ck_assert_str_eq(
		console(),
		"=== PAGE critical =================================== 2026-09-01T10:00:02Z ===\n"
		"new         joined by CartErrors\n"
		"ledger: deadlock — breaks web POST /orders (PlaceOrderErrors), prod eu1\n"
		"Why it is unknown: no reason\n"
		"\n"
		"since       2026-09-01T09:58:00Z, 2 min 02 s before this page\n"
		"instance    ledger-7d9\n"
		"why you     team ledger owns ledger (r.yaml:1)\n"
		"how sure    confidence 0.95: 2 of 2 failing traces end in ledger\n"
		"also paged  sre-slack\n"
		"path        web > ledger (Book)\n"
		"or perhaps  stock (1 of 2 traces)\n"
		"do first    follow the runbook\n"
		"\n"
		"Trace 4bf9, one of 2:\n"
		"  ✗ web POST /orders   ██████   120 ms\n"
		"  ›  └ ledger Book        ███    61 ms\n"
		"    … 2 more spans, none failed\n"
		"\n"
		"Runbook     https://wiki.shop.example/ledger\n"
		"\n"
		"The alert says\n"
		"  5 % of orders fail\n"
		"\n"
		"What the traces say\n"
		"  - began at web\n"
		"  - ledger Book failed; nothing that it called failed\n"
		"\n"
		"labels      instance=db1, job=node\n"
		"incident    i1\n"
		"==============================================================================\n"
		"\n");
}
END_TEST

static const char *console_on(struct page_screen screen)
{
	struct page_target target = target_of(PAGER_CONSOLE, NULL, NULL);

	target.screen = screen;
	return build(&target).console;
}

START_TEST(console_has_colours_for_a_terminal)
{
	know_all_sections();
	const char *text = console_on((struct page_screen){ .colour = true });
	ck_assert_ptr_nonnull(strstr(text, "\n\033[1;31mledger: deadlock"));
	ck_assert_ptr_nonnull(strstr(text, "\033[2mwhy you     \033[0mteam ledger"));
	ck_assert_ptr_nonnull(strstr(text, "  \033[1;31m✗ web POST /orders   ██████   120 "
					   "ms\033[0m\n"));
	ck_assert_ptr_nonnull(strstr(text, "  \033[1;33m›  └ ledger Book"));
	ck_assert_ptr_null(strchr(console(), '\033'));
}
END_TEST

/* Of 40 columns a waterfall's line has 38: of the 36 cells of "✗ web … 120 ms" nothing is cut; with
 * one column less the line below would be. */
START_TEST(console_fits_its_width)
{
	know_all_sections();
	page.waterfall = "Trace 4bf9:\n"
			 "✗ web POST /orders and more ██████████   120 ms\n";
	const char *text = console_on((struct page_screen){ .columns = 40 });
	/* 47 cells into 38: 28 from the beginning, the ellipsis, 9 from the end. */
	ck_assert_ptr_nonnull(strstr(text, "\n  ✗ web POST /orders and more …   120 ms\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n========================================\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nhow sure    confidence 0.95: 2 of 2\n"
					   "            failing traces end in ledger\n"));
	text = console_on((struct page_screen){ .columns = 120 });
	ck_assert_ptr_nonnull(strstr(text, "\n  ✗ web POST /orders and more ██████████   120 ms"));
}
END_TEST

START_TEST(console_is_ascii_where_it_must_be)
{
	know_all_sections();
	const char *text = console_on((struct page_screen){ .ascii = true });
	for (const char *c = text; *c; c++)
		ck_assert((unsigned char)*c < 0x80);
	ck_assert_ptr_nonnull(strstr(text, "ledger: deadlock - breaks web POST /orders"));
}
END_TEST

/* The members of custom_details, in the order in which PagerDuty shows them. */
START_TEST(pagerduty_has_the_order_of_a_page)
{
	static const char *const order[] = {
		"note",	       "fallback",	   "since",
		"environment", "instance",	   "why",
		"evidence",    "also_paged",	   "path",
		"could_be",    "what_to_do",	   "alert_says",
		"waterfall",   "how_it_was_found", "labels",
		"incident",    "incident_status",  "alerts",
		"decision",
	};

	know_all_sections();
	json_t *root = build_pagerduty();
	json_t *details = json_object_get(json_object_get(root, "payload"), "custom_details");
	void *member = json_object_iter(details);
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		ck_assert_ptr_nonnull(member);
		ck_assert_str_eq(json_object_iter_key(member), order[i]);
		member = json_object_iter_next(details, member);
	}
	ck_assert_ptr_null(member);
	json_decref(root);
}
END_TEST

/* A storm has one name. */
START_TEST(pagerduty_names_each_alert_once)
{
	static const char *names[] = { "NodeDown", "NodeDown", "DiskFull", "NodeDown" };

	page.alerts = names;
	page.nalerts = 4;
	json_t *root = build_pagerduty();
	const json_t *details = json_object_get(json_object_get(root, "payload"), "custom_details");
	json_t *want = json_pack("[s,s]", "NodeDown", "DiskFull");
	ck_assert(json_equal(json_object_get(details, "alerts"), want));
	json_decref(want);
	json_decref(root);
}
END_TEST

/* Of 78 columns the blanks and the dash take 6; nine words of 7 letters take 71 of the other 72. */
START_TEST(console_wraps_below_the_text)
{
	page.details = "Why:\n  - 1234567 1234567 1234567 1234567 1234567 1234567 1234567 1234567 "
		       "1234567 more\n";
	ck_assert_ptr_nonnull(strstr(console(), "\n    - 1234567 1234567 1234567 1234567 1234567 "
						"1234567 1234567 1234567 1234567\n      more\n"));
}
END_TEST

START_TEST(console_tells_no_age_below_a_second)
{
	page.since_us = page.at_us - 999999;
	page.also_paged = "nobody else";
	ck_assert_ptr_nonnull(strstr(console(), "\nsince       2026-09-01T10:00:01Z\n"));
	ck_assert_ptr_nonnull(strstr(console(), "\nalso paged  nobody else\n"));
}
END_TEST

START_TEST(json_kinds_tell_the_facts)
{
	static const char *const facts[][2] = {
		{ "since", "2026-09-01T09:58:00Z" },
		{ "environment", "prod eu1" },
		{ "instance", "ledger-7d9" },
		{ "also_paged", "sre-slack" },
		{ "differs", "2 alerts: NodeDown; they differ in instance: db1, db2" },
		{ "labels", "instance=db1, job=node" },
	};
	struct page_target hook = target_of(PAGER_WEBHOOK, "https://hook.shop.example/x", NULL);

	know_all_facts();
	json_t *event = build_pagerduty();
	struct delivery delivery = build(&hook);
	json_t *body = json_loadb(delivery.request.body, delivery.request.body_len, 0, NULL);
	ck_assert_ptr_nonnull(body);
	const json_t *details =
		json_object_get(json_object_get(event, "payload"), "custom_details");
	const json_t *incident = json_object_get(json_object_get(body, "data"), "incident");
	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		ck_assert_str_eq(at(details, facts[i][0]), facts[i][1]);
		ck_assert_str_eq(at(incident, facts[i][0]), facts[i][1]);
	}
	json_decref(event);
	json_decref(body);
}
END_TEST

START_TEST(console_lines_are_narrow_and_harmless)
{
	char *details = arena_alloc(arena, 4096);

	for (int i = 0; i < 200; i++)
		strcat(details, i % 9 ? "wörd " : "sch\x1b[31mlange\x07\xc2\x9b");
	page.details = details;
	page.summary = "a\rb\x7f";
	const char *text = console();
	size_t columns = 0;
	for (const char *c = text; *c; c++) {
		ck_assert((unsigned char)*c >= ' ' || *c == '\n');
		ck_assert_int_ne(*c, 0x7f);
		columns = *c == '\n' ? 0 : columns + ((*c & 0xc0) != 0x80);
		ck_assert_uint_le(columns, 80);
	}
	ck_assert_ptr_null(strstr(text, "\xc2\x9b"));
	ck_assert_ptr_nonnull(strstr(text, "a?b?\n"));
}
END_TEST

/* Senders choose the names of alerts: characters that turn or hide text are left out, and a long
 * name is cut so that the next one is seen. */
START_TEST(console_alerts_are_plain)
{
	char *long_name = arena_alloc(arena, 9000);
	const char *names[] = { "Cart\xe2\x80\xae"
				"srorrE",
				"Led\xe2\x80\x8bger\xef\xbb\xbf"
				"Down",
				long_name, "Last" };

	memset(long_name, 'x', 8999);
	long_name[8999] = '\0';
	page.alerts = names;
	page.nalerts = 4;
	const char *text = console();
	ck_assert_ptr_nonnull(strstr(text, "\nalerts      CartsrorrE, LedgerDown, xxx"));
	ck_assert_ptr_nonnull(strstr(text, "x…, Last\n"));
	ck_assert_ptr_null(strstr(text, "\xe2\x80\xae"));
	names[0] = long_name;
	ck_assert_ptr_nonnull(strstr(console(), "\nalerts      xxx"));
}
END_TEST

START_TEST(console_lists_no_endless_alerts)
{
	const char *names[LIMIT_PAGE_BYTES / 4];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		names[i] = "Cart";
	page.alerts = names;
	page.nalerts = ARRAY_LEN(names);
	/* 2000 columns of "Cart, " are 334; the page has 128000. */
	ck_assert_ptr_nonnull(strstr(console(), "and 127666 more"));
}
END_TEST

START_TEST(console_never_cuts_a_link)
{
	static const char link[] = "https://grafana.shop.example/d/ledger-overview/"
				   "ledger?orgId=1&from=now-1h&to=now&x=y";

	page.details = arena_printf(arena, "Dashboard: %s\n", link);
	page.links[0].href = link;
	const char *text = console();
	const char *first = strstr(text, link);
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, link)); /* the details have it: not twice */
}
END_TEST

START_TEST(console_resolve_is_short)
{
	page.event = PAGE_RESOLVE;
	page.status = "resolved";
	page.note = "the alert is over";
	const char *text = console();

	ck_assert_int_eq(strncmp(text, "~~~ RESOLVED critical ~~~", 25), 0);
	ck_assert_ptr_nonnull(strstr(text, "incident    i1 (resolved)\n"));
	ck_assert_ptr_nonnull(strstr(text, "note        the alert is over\n"));
	ck_assert_ptr_null(strstr(text, "Why you"));
}
END_TEST

START_TEST(kinds_are_named_as_in_the_list)
{
	static const char *const names[PAGER_KIND_COUNT] = {
#define PAGER_KIND(id, name, url, key, key_need, url_need, text) [PAGER_##id] = name,
#include "tracepager/tbl/pagers.def"
#undef PAGER_KIND
	};

	for (int kind = 0; kind < PAGER_KIND_COUNT; kind++)
		ck_assert_str_eq(pager_kinds[kind]->name, names[kind]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pagers");
	TCase *tcase = tcase_create("pagers");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, target_host_has_no_secret, 0, ARRAY_LEN(target_hosts));
	tcase_add_test(tcase, pagerduty_trigger_has_all_fields);
	tcase_add_test(tcase, pagerduty_details_are_split_by_section);
	tcase_add_test(tcase, pagerduty_update_is_a_trigger_with_the_same_key);
	tcase_add_test(tcase, pagerduty_has_the_action);
	tcase_add_test(tcase, pagerduty_is_told_of_an_acknowledgement);
	tcase_add_test(tcase, webhook_has_the_actions);
	tcase_add_test(tcase, console_has_the_action);
	tcase_add_test(tcase, pagerduty_resolve_is_short);
	tcase_add_test(tcase, pagerduty_summary_is_cut_between_characters);
	tcase_add_test(tcase, pagerduty_decision_is_brief);
	tcase_add_test(tcase, pagerduty_drops_the_decision_first);
	tcase_add_test(tcase, pagerduty_drops_the_waterfall_then_all_details);
	tcase_add_test(tcase, pagerduty_needs_a_routing_key);
	tcase_add_test(tcase, statuses_are_judged);
	tcase_add_test(tcase, redirects_are_explained);
	tcase_add_test(tcase, a_torn_reply_is_judged_by_its_status);
	tcase_add_test(tcase, no_reply_is_tried_again);
	tcase_add_test(tcase, retry_after_is_capped);
	tcase_add_test(tcase, long_replies_are_cut_between_characters);
	tcase_add_test(tcase, pagerduty_errors_are_quoted);
	tcase_add_loop_test(tcase, webhook_is_signed, 0, 2);
	tcase_add_test(tcase, webhook_without_secret_is_unsigned);
	tcase_add_loop_test(tcase, webhook_refuses_a_broken_secret, 0, 2);
	tcase_add_test(tcase, webhook_leaves_out_what_is_too_large);
	tcase_add_test(tcase, webhook_resolve_says_so);
	tcase_add_test(tcase, console_page_looks_like_one);
	tcase_add_test(tcase, console_page_tells_the_facts);
	tcase_add_test(tcase, console_has_the_order_of_a_page);
	tcase_add_test(tcase, console_has_colours_for_a_terminal);
	tcase_add_test(tcase, console_fits_its_width);
	tcase_add_test(tcase, console_is_ascii_where_it_must_be);
	tcase_add_test(tcase, pagerduty_has_the_order_of_a_page);
	tcase_add_test(tcase, pagerduty_names_each_alert_once);
	tcase_add_test(tcase, console_wraps_below_the_text);
	tcase_add_test(tcase, console_tells_no_age_below_a_second);
	tcase_add_test(tcase, json_kinds_tell_the_facts);
	tcase_add_test(tcase, console_lines_are_narrow_and_harmless);
	tcase_add_test(tcase, console_alerts_are_plain);
	tcase_add_test(tcase, console_lists_no_endless_alerts);
	tcase_add_test(tcase, console_never_cuts_a_link);
	tcase_add_test(tcase, console_resolve_is_short);
	tcase_add_test(tcase, kinds_are_named_as_in_the_list);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
