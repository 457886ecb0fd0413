/* Tests of the bodies that templates of the rules make for the pager kind webhook: values, their
 * escaping by content type, hostile texts, sizes, headers, and what is signed. */
#include "golden.h"

#include "tracepager/sign.h"

static struct page_target webhook(const char *body, const char *content_type)
{
	return (struct page_target){
		.kind = PAGER_WEBHOOK,
		.pager = "p1",
		.url = "https://hook.example/in",
		.body = body,
		.content_type = content_type,
	};
}

/* The body that the template makes. */
static const char *made(const char *body, const char *content_type)
{
	struct page_target target = webhook(body, content_type);
	const struct http_request request = build(&target);

	ck_assert_str_eq(header(&request, "Content-Type"), content_type);
	ck_assert_uint_eq(request.body_len, strlen(request.body));
	return request.body;
}

#define JSON "application/json"

START_TEST(names_stand_for_facts_of_the_page)
{
	static const char *const alerts[] = { "LedgerErrors" };

	page.alerts = alerts;
	page.nalerts = 1;
	page.note = "joined by HighLatency";
	page.decision =
		"{\"alert\":{\"labels\":{\"a b\":\"L\"},\"annotations\":{\"runbook\":\"A\"}}}";
	ck_assert_str_eq(
		made("{event} {state} {status} {incident} {dedup_key} {severity} "
		     "{summary}|{headline}|"
		     "{team} {service} {origin} {kind} {environment} "
		     "{alert}|{note}|{why}|{evidence}|"
		     "{path}|{url}|{since} {opened_at} {at}|{urgency}|{label.a b}{label.c|none}"
		     "{annotation.runbook}|{moved_to|not moved}{{}}",
		     "text/plain"),
		"page.trigger open open i1 i1#2 critical ledger: deadlock|"
		"[critical] ledger: deadlock|money ledger checkout span prod LedgerErrors|"
		"joined by HighLatency|team money owns ledger (rules.yaml:24)|"
		"8 of 8 failing traces end in ledger|web > ledger|https://tp.example/i/i1?t=AQ|"
		"2026-09-01T09:58:00Z 2026-09-01T10:00:00Z 2026-09-01T10:00:02Z|high|LnoneA|"
		"not moved{}");
}
END_TEST

START_TEST(a_resolve_tells_its_state)
{
	page.event = PAGE_RESOLVE;
	page.status = "resolved";
	page.state = "moved";
	page.moved_to = "i9";
	ck_assert_str_eq(
		made("{{\"e\":\"{event}\",\"s\":\"{state}\",\"to\":\"{moved_to}\"}}", JSON),
		"{\"e\":\"page.resolve\",\"s\":\"moved\",\"to\":\"i9\"}");
	page.event = PAGE_UPDATE;
	ck_assert_str_eq(made("{event}", "text/plain"), "page.update");
}
END_TEST

/* What a stranger writes ends no string, element or field. */
static const struct {
	const char *content_type, *body, *wanted;
} hostile[] = {
	{ JSON, "{{\"t\":\"{summary}\"}}",
	  "{\"t\":\"\\\",\\\"x\\\":1}\\\\ {summary} <b>&'\\nü\"}" },
	{ "application/vnd.shop+JSON; charset=utf-8", "[\"{summary}\"]",
	  "[\"\\\",\\\"x\\\":1}\\\\ {summary} <b>&'\\nü\"]" },
	{ "application/x-www-form-urlencoded", "t={summary}&s={severity}",
	  "t=%22%2C%22x%22%3A1%7D%5C%20%7Bsummary%7D%20%3Cb%3E%26%27%0A%C3%BC&s=critical" },
	{ "application/xml", "<t a=\"{summary}\"/>",
	  "<t a=\"&quot;,&quot;x&quot;:1}\\ {summary} &lt;b&gt;&amp;&#39;\nü\"/>" },
	{ "text/html", "<p>{severity}</p>", "<p>critical</p>" },
	{ "text/plain", "{summary}", "\",\"x\":1}\\ {summary} <b>&'\nü" },
};

START_TEST(values_are_escaped_by_the_type)
{
	page.summary = "\",\"x\":1}\\ {summary} <b>&'\nü";
	ck_assert_str_eq(made(hostile[_i].body, hostile[_i].content_type), hostile[_i].wanted);
}
END_TEST

/* Control characters and marks of direction do not show, and do not get there. */
START_TEST(control_characters_go)
{
	page.summary = "a\x1b[31m\u202e\x7f z";
	const char *body = made("{summary}", "text/plain");
	ck_assert_ptr_null(strchr(body, 0x1b));
	ck_assert_ptr_null(strstr(body, "\u202e"));
	ck_assert_ptr_null(strchr(body, 0x7f));
}
END_TEST

START_TEST(what_is_too_long_is_cut)
{
	page.summary = accents(500000);
	json_t *root =
		json_loads(made("{{\"t\":\"{summary}\"}}", JSON), JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(root);
	is_cut(text_at(root, "t"), LIMIT_WEBHOOK_VALUE_CHARS);
	json_decref(root);
	/* Twenty of them are more than a page has: each is cut once more. */
	root = json_loads(
		made("[\"{summary}\",\"{summary}\",\"{summary}\",\"{summary}\",\"{summary}\","
		     "\"{summary}\",\"{summary}\",\"{summary}\",\"{summary}\",\"{summary}\","
		     "\"{summary}\",\"{summary}\",\"{summary}\",\"{summary}\",\"{summary}\","
		     "\"{summary}\",\"{summary}\",\"{summary}\",\"{summary}\",\"{summary}\"]",
		     JSON),
		0, NULL);
	ck_assert_uint_eq(json_array_size(root), 20);
	is_cut(json_string_value(json_array_get(root, 19)), LIMIT_WEBHOOK_SHORT_VALUE_CHARS);
	json_decref(root);
}
END_TEST

/* The labels of a page whose decision is gone or broken are empty. */
START_TEST(labels_need_the_decision)
{
	page.decision = NULL;
	ck_assert_str_eq(made("{label.a|none}", "text/plain"), "none");
	page.decision = "{\"alert\":{\"labels\":[1]}}";
	ck_assert_str_eq(made("{label.a|none}{label.b|none}", "text/plain"), "nonenone");
}
END_TEST

START_TEST(the_signature_is_over_the_body)
{
	struct page_target target = webhook("{{\"t\":\"{summary}\"}}", JSON);
	static const char signed_text[] = "i1_7.1788256805.{\"t\":\"ledger: deadlock\"}";
	unsigned char mac[HMAC_SHA256_BYTES];
	char text[base64_size(HMAC_SHA256_BYTES)];

	target.key = "s3cret";
	target.headers = "X-Shop: a: b\nPriority: 5\n";
	const struct http_request request = build(&target);
	ck_assert_int_eq(hmac_sha256("s3cret", 6, signed_text, strlen(signed_text), mac), 0);
	base64_encode(mac, sizeof(mac), text);
	ck_assert_str_eq(header(&request, "webhook-signature"), arena_printf(arena, "v1,%s", text));
	ck_assert_str_eq(header(&request, "webhook-timestamp"), "1788256805");
	ck_assert_str_eq(header(&request, "X-Shop"), "a: b");
	ck_assert_str_eq(header(&request, "Priority"), "5");
}
END_TEST

/* A decision takes the headers too, and a body that an older or newer relay stored is told. */
START_TEST(headers_go_with_the_decision)
{
	struct page_target target = webhook(NULL, NULL);
	struct delivery delivery;
	struct err err;

	target.headers = "X-Shop: 1\n";
	const struct http_request request = build(&target);
	ck_assert_str_eq(header(&request, "X-Shop"), "1");
	ck_assert_ptr_nonnull(strstr(request.body, "\"type\":\"page.trigger\""));
	target = webhook("{no such name}", JSON);
	ck_assert_int_eq(build_error(&target, &delivery, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "no such name"));
}
END_TEST

START_TEST(a_target_keeps_its_template)
{
	struct page_target target = webhook("{{\"t\":\"{summary}\"}}", JSON), back;
	struct buf out = BUF_INIT(LIMIT_TARGET_BYTES);
	struct err err;

	target.headers = "X-Shop: \"1\"\n";
	page_target_write(&target, &out);
	ck_assert_int_eq(page_target_read(arena, buf_text(&out), &back, &err), 0);
	ck_assert_str_eq(back.body, target.body);
	ck_assert_str_eq(back.content_type, JSON);
	ck_assert_str_eq(back.headers, target.headers);
	buf_fini(&out);
}
END_TEST

int main(void)
{
	TCase *tcase;
	Suite *suite = golden_suite("webhook_body", &tcase);

	tcase_add_test(tcase, names_stand_for_facts_of_the_page);
	tcase_add_test(tcase, a_resolve_tells_its_state);
	tcase_add_loop_test(tcase, values_are_escaped_by_the_type, 0, ARRAY_LEN(hostile));
	tcase_add_test(tcase, control_characters_go);
	tcase_add_test(tcase, what_is_too_long_is_cut);
	tcase_add_test(tcase, labels_need_the_decision);
	tcase_add_test(tcase, the_signature_is_over_the_body);
	tcase_add_test(tcase, headers_go_with_the_decision);
	tcase_add_test(tcase, a_target_keeps_its_template);
	return golden_run(suite);
}
