/*
 * Every pager kind gets replies that quote the whole request, as proxies and frameworks do. No
 * judgement may have the secret in its text or in what it remembers, whatever the status and the
 * form. New kinds are tested without a line here.
 */
#include "golden.h"

/* Stands in every secret. */
#define SECRET "hunter2xyz"

static struct page_target target_of_kind(enum pager_kind_id kind)
{
	static const bool is_hook[PAGER_KIND_COUNT] = { [PAGER_TEAMS] = true,
							[PAGER_DISCORD] = true,
							[PAGER_MATTERMOST] = true,
							[PAGER_GOOGLECHAT] = true,
							[PAGER_GRAFANA_ONCALL] = true };
	struct page_target target = {
		.kind = kind,
		.pager = "p",
		.url = kind == PAGER_EMAIL  ? "smtp://mail.example.com"
		       : kind == PAGER_NTFY ? "https://u:" SECRET "@x.example/topic"
					    : "https://u:" SECRET "@x.example/v1?token=" SECRET,
		.key = is_hook[kind] ? "https://x.example/hooks/" SECRET "?sig=" SECRET
				     : "1:" SECRET,
		.texts = { [PAGER_TO] = kind == PAGER_EMAIL	 ? "a@example.com"
					: kind == PAGER_PUSHOVER ? SECRET
								 : "C1",
			   [PAGER_FROM] = "b@example.com",
			   [PAGER_USER] = "tp" },
	};

	if (kind == PAGER_WEBHOOK)
		target.headers = "X-Token: Bearer " SECRET "\nAuthorization: Basic "
				 "dHA6aHVudGVyMnh5eg==\n"; /* tp:hunter2xyz */
	return target;
}

/* In base64, "hunter2xyz" behind "tp:" and behind "\0tp\0" (RFC 4616): their common part. */
static const char *const forms[] = { SECRET, "aHVudGVyMnh5e", "h1bnRlcjJ4eX" };

static void check_judgement(const struct page_target *target, const struct judgement *judgement)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (strstr(judgement->text, forms[i]) ||
		    (judgement->remembers && strstr(judgement->memory, forms[i])))
			ck_abort_msg("%s tells the secret: %s", pager_kinds[target->kind]->name,
				     judgement->text);
}

/* The words as text, or as each member in which a service puts them. Caller frees. */
static char *reply_body(const char *words, bool json)
{
	static const char *const members[] = { "description", "error",	 "message",
					       "result",      "channel", "ts" };
	static const char *const lists[] = { "errors", "messages" };
	json_t *root = json_pack("{sb si}", "ok", 0, "status", 0);

	ck_assert_ptr_nonnull(root);
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		json_object_set_new(root, members[i], json_string(words));
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		json_object_set_new(root, lists[i], json_pack("[s]", words));
	char *text = json_dumps(root, JSON_ESCAPE_SLASH);
	json_decref(root);
	if (json)
		return text;
	free(text);
	return xstrdup(words);
}

static void judge_words(const struct page_target *target, const char *words)
{
	static const int statuses[] = { 0, 200, 400, 401, 410, 421, 429, 500, 535, 550 };
	const struct pager_kind *kind = pager_kinds[target->kind];
	struct secret_hide *secrets = page_target_secrets(target);
	const struct http_header headers[] = { { "Refused", words }, { "Retry-After", words } };

	for (size_t i = 0; i < 2 * ARRAY_LEN(statuses); i++) {
		char *body = reply_body(words, i % 2);
		const struct http_reply reply = {
			.status = statuses[i / 2],
			.error = statuses[i / 2] ? NULL : words,
			.body = body,
			.len = strlen(body),
			.retry_after_us = -1,
			.content_type = i % 2 ? "application/json" : "text/plain",
			.headers = headers,
			.nheaders = ARRAY_LEN(headers),
		};
		struct judgement judgement = pager_judge(kind, secrets, &reply);
		check_judgement(target, &judgement);
		judgement = pager_judge_dry(kind, secrets, &reply);
		check_judgement(target, &judgement);
		free(body);
	}
	secret_hide_free(secrets);
}

/* From some bytes before each secret on: a judgement quotes the first 150 bytes only. */
static void judge_quotes(const struct page_target *target, const char *text, size_t *ret_n)
{
	for (const char *at = text; (at = strstr(at, SECRET)); at += strlen(SECRET)) {
		judge_words(target, at - text > 30 ? at - 30 : text);
		judge_words(target, at);
		(*ret_n)++;
	}
	judge_words(target, text);
}

static void judge_request(const struct page_target *target, const struct http_request *request)
{
	size_t n = 0;

	judge_quotes(target, request->url, &n);
	judge_words(target, url_escape(arena, request->url));
	for (size_t i = 0; i < request->nheaders; i++)
		judge_quotes(target, request->headers[i].value, &n);
	if (request->body)
		judge_quotes(target, request->body, &n);
	ck_assert_uint_gt(n, 0);
}

START_TEST(no_kind_tells_a_secret_that_the_reply_quotes)
{
	struct page_target target = target_of_kind((enum pager_kind_id)_i);
	struct delivery delivery = { .console = NULL };
	struct err err = { 0 };

	ck_assert_msg(build_error(&target, &delivery, &err) == 0, "%s: %s", pager_kinds[_i]->name,
		      err.text);
	if (delivery.console)
		return;
	if (delivery.mail) {
		judge_words(&target, "5.7.8 no AHRwAGh1bnRlcjJ4eXo= here"); /* \0tp\0hunter2xyz */
		judge_words(&target, "password hunter2xyz is wrong");
		return;
	}
	judge_request(&target, &delivery.request);
	if (delivery.follow_up)
		judge_request(&target, delivery.follow_up);
	judge_words(&target, "Basic dHA6aHVudGVyMnh5eg==");
}
END_TEST

START_TEST(other_words_of_a_reply_stay)
{
	const struct page_target target = target_of_kind(PAGER_PAGERDUTY);
	struct secret_hide *secrets = page_target_secrets(&target);
	static const char body[] = "key 1:hunter2xyz of p is unknown";
	const struct http_reply reply = {
		.status = 403, .body = body, .len = sizeof(body) - 1, .content_type = ""
	};
	const struct judgement judgement =
		pager_judge(pager_kinds[PAGER_PAGERDUTY], secrets, &reply);

	ck_assert_str_eq(judgement.text, "HTTP 403: key *** of p is unknown");
	secret_hide_free(secrets);
}
END_TEST

/* A template of a webhook's body, what the service quotes, and what is left of that. */
static const struct {
	const char *body, *quoted, *left;
} template_bodies[] = {
	{ "{{\"api_token\": \"hunter2xyz\", \"text\": \"{summary}\"}}", "no hunter2xyz", "no ***" },
	{ "{{\"Authorization\": \"Bearer hunter2xyz\"}}", "no hunter2xyz", "no ***" },
	{ "{{'key':'hunter {severity}'}}", "no hunter high", "no *** high" },
	{ "text={summary}&token=hunter2xyz&to=shop", "no hunter2xyz of shop", "no *** of shop" },
	{ "<page><password>hunter2xyz</password>{summary}</page>", "no hunter2xyz", "no ***" },
	{ "{{\"keyboard\": \"hunter2xyz\"}}", "no hunter2xyz", "no hunter2xyz" },
	{ "{{\"dedup_key\": \"{incident}\", \"a\": \"shop\"}}", "no shop", "no shop" },
	{ "token", "no shop", "no shop" },
	{ "token=", "no shop", "no shop" },
};

START_TEST(a_secret_in_the_template_of_a_body_is_hidden)
{
	struct page_target target = target_of_kind(PAGER_WEBHOOK);
	char expected[80];

	target.body = template_bodies[_i].body;
	target.url = "http://pager.example/";
	target.headers = target.key = NULL;
	struct secret_hide *secrets = page_target_secrets(&target);
	const struct http_reply reply = { .status = 400,
					  .body = template_bodies[_i].quoted,
					  .len = strlen(template_bodies[_i].quoted),
					  .content_type = "" };
	const struct judgement judgement = pager_judge(pager_kinds[PAGER_WEBHOOK], secrets, &reply);

	snprintf(expected, sizeof(expected), "HTTP 400: %s", template_bodies[_i].left);
	ck_assert_str_eq(judgement.text, expected);
	secret_hide_free(secrets);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("echo");
	TCase *tc = tcase_create("echo");
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, no_kind_tells_a_secret_that_the_reply_quotes, 0, PAGER_KIND_COUNT);
	tcase_add_test(tc, other_words_of_a_reply_stay);
	tcase_add_loop_test(tc, a_secret_in_the_template_of_a_body_is_hidden, 0,
			    ARRAY_LEN(template_bodies));
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
