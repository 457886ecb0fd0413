/*
 * Secrets in the words of others: in each form in which a peer may quote them. Percent-encoding is
 * RFC 3986's, base64 RFC 4648's (values from the tool base64), escapes those of JSON and HTML.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/secret_hide.h"
#include "tracepager/xalloc.h"

static const struct {
	const char *secret, *said, *shown;
} said_rows[] = {
	{ "s3cret/k+y", "no s3cret/k+y here", "no *** here" },
	{ "s3cret/k+y", "s3cret/k+ys3cret/k+y", "***" },
	{ "s3cret/k+y", "a s3cret%2Fk%2By.", "a ***." },
	{ "s3cret/k+y", "a s3cret%2fk%2by.", "a ***." },
	{ "s3cret/k+y", "a s3cret%252Fk%252By.", "a ***." },
	{ "s3cret/k+y", "{\"e\":\"s3cret\\/k+y\"}", "{\"e\":\"***\"}" },
	{ "s3cret/k+y", "s3cret\\u002fk\\u002By!", "***!" },
	{ "s3cret/k+y", "s3cret\\\\\\/k+y!", "***!" },
	{ "s3cret/k+y", "s3cret&#x2f;k&#43;y!", "***!" },
	{ "a\"b\\c&d", "x a\"b\\c&d y", "x *** y" },
	{ "a\"b\\c&d", "x a\\\"b\\\\c&d y", "x *** y" },
	{ "a\"b\\c&d", "x a&quot;b\\c&amp;d y", "x *** y" },
	{ "%41bcd", "%41bcd and %2541bcd and Abcd", "*** and *** and ***" },
	{ "p\xc3\xa9sse", "p\\u00e9sse, p%C3%A9sse", "***, ***" },
	/* "tp:hunter2", "\0tp\0hunter2", "hunter2" and "hunter2?" */
	{ "hunter2", "Basic dHA6aHVudGVyMg==", "Basic dHA***" },
	{ "hunter2", "AUTH AHRwAGh1bnRlcjI= ?", "AUTH AHRwA*** ?" },
	{ "hunter2", "aHVudGVyMg==", "***" },
	{ "u:hunter2", "hunter2", "***" },
	/* The peer has cut it: half of it, and 8 bytes at least, are hidden. */
	{ "0123456789abcdefghij", "0123456789...", "***..." },
	{ "0123456789abcdefghij", "012345678...", "012345678..." },
	{ "ok", "ok", "ok" },
	{ "k3y", "k3y", "***" },
	{ "hunter2", "nothing of it", "nothing of it" },
	{ "hunter2", "", "" },
	{ "hunter2", "%", "%" },
	{ "hunter2", "\\", "\\" },
	{ "hunter2", "&#", "&#" },
};

static void check_hidden(const struct secret_hide *hide, const char *said, const char *shown)
{
	char *text = xstrdup(said);
	const size_t len = secret_hide_in(hide, text, strlen(text));

	ck_assert_str_eq(text, shown);
	ck_assert_uint_eq(len, strlen(shown));
	free(text);
}

START_TEST(a_secret_is_hidden_in_every_form)
{
	struct secret_hide *hide = secret_hide_new();

	secret_hide_add(hide, NULL);
	secret_hide_add(hide, said_rows[_i].secret);
	check_hidden(hide, said_rows[_i].said, said_rows[_i].shown);
	secret_hide_free(hide);
}
END_TEST

static const struct {
	const char *url;
	bool whole;
	const char *said, *shown;
} url_rows[] = {
	{ "https://x.io/hooks/T0A/s3cret", true, "Cannot POST /hooks/T0A/s3cret",
	  "Cannot POST ***" },
	{ "https://x.io/hooks/T0A/s3cret", true, "POST /T0A/s3cret of /hooks",
	  "POST /***/*** of /hooks" },
	{ "https://x.io/hooks/secret/", true, "no hook secret", "no hook ***" },
	{ "https://x.io/api?token=abcdef&x=", false, "/api?token=abcdef", "/api?token=***" },
	{ "https://me:pass@x.io/api", false, "me:pass, bWU6cGFzcw==, pass", "***, ***, ***" },
	{ "https://x.io/v2/alerts", false, "no /v2/alerts", "no /v2/alerts" },
	{ "https://x.io/http/01H2X3Y4Z5", false, "no 01H2X3Y4Z5 of http", "no *** of http" },
	{ "https://x.io/a%2Fb%2Fc", true, "a/b/c", "***" },
	{ "https://x.io/payments", true, "payments-hook reached at /payments",
	  "payments-hook reached at ***" },
};

START_TEST(the_secrets_of_an_address_are_hidden)
{
	struct secret_hide *hide = secret_hide_new();

	secret_hide_add_url(hide, NULL, true, NULL);
	secret_hide_add_url(hide, url_rows[_i].url, url_rows[_i].whole, "payments-hook");
	check_hidden(hide, url_rows[_i].said, url_rows[_i].shown);
	secret_hide_free(hide);
}
END_TEST

START_TEST(the_value_of_a_header_is_hidden)
{
	struct secret_hide *hide = secret_hide_new();

	secret_hide_add_header(hide, "Bearer t0ken");
	secret_hide_add_header(hide, "Basic dHA6aHVudGVyMg==");
	check_hidden(hide, "Bearer t0ken", "***");
	check_hidden(hide, "token t0ken, tp:hunter2, hunter2", "token ***, ***, ***");
	secret_hide_free(hide);
	check_hidden(NULL, "hunter2", "hunter2");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("secret_hide");
	TCase *tc = tcase_create("secret_hide");
	int failed;

	tcase_add_loop_test(tc, a_secret_is_hidden_in_every_form, 0, ARRAY_LEN(said_rows));
	tcase_add_loop_test(tc, the_secrets_of_an_address_are_hidden, 0, ARRAY_LEN(url_rows));
	tcase_add_test(tc, the_value_of_a_header_is_hidden);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
