/* cmd: what a command makes of a relay's address, and of its answers. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/cmd/client-internal.h"
#include "tracepager/xalloc.h"

#define URL "http://127.0.0.1:9480"

static char token_file[] = "/tmp/tracepager-token-XXXXXX";

static void write_token(const char *line)
{
	FILE *file = fopen(token_file, "we");

	ck_assert_ptr_nonnull(file);
	fputs(line, file);
	fclose(file);
}

static void set_up(void)
{
	unsetenv("TRACEPAGER_URL");
	unsetenv("TRACEPAGER_TOKEN_FILE");
	strcpy(strrchr(token_file, '-'), "-XXXXXX");
	close(mkstemp(token_file));
	write_token("s3cret-token\n");
}

static void tear_down(void)
{
	unlink(token_file);
}

/* ---- the target ---- */

static void expect_url(const char *option, const char *variable, const char *want)
{
	const struct client_options options = { .url = option, .timeout_us = 1 };
	struct client_target target;
	struct err err = { 0 };

	if (variable)
		setenv("TRACEPAGER_URL", variable, 1);
	ck_assert_int_eq(client_target_init(&target, &options, &err), CLIENT_DONE);
	ck_assert_str_eq(target.url, want);
	ck_assert_ptr_null(target.token.value);
	client_target_fini(&target);
}

START_TEST(where_the_relay_is)
{
	expect_url(NULL, NULL, "http://127.0.0.1:9480");
	expect_url(NULL, "https://relay.example", "https://relay.example");
	expect_url("http://other:1/", NULL, "http://other:1");
	expect_url("HTTPS://a.example/under//", NULL, "HTTPS://a.example/under");
	expect_url("http://[::1]:9480", NULL, "http://[::1]:9480");
	expect_url(NULL, "", "http://127.0.0.1:9480");
}
END_TEST

static const struct {
	const char *url, *part;
} refused_urls[] = {
	{ "127.0.0.1:9480", "begins with http:// or https://, not \"127.0.0.1:9480\"" },
	{ "file:///etc/passwd", "begins with http:// or https://" },
	{ "http://", "names no host" },
	{ "http:///api", "names no host" },
	{ "http://ann:s3cret@relay.example", "--token-file" },
	{ "http://relay.example/?a=b", "neither \"?\" nor \"#\"" },
	{ "http://relay.example/#a", "neither \"?\" nor \"#\"" },
	{ "http://relay.example/a b", "blank" },
	{ "http://relay.example/\x1b[31m", "blank" },
};

START_TEST(refused_url)
{
	const struct client_options options = { .url = refused_urls[_i].url, .timeout_us = 1 };
	struct client_target target;
	struct err err = { 0 };

	ck_assert_int_eq(client_target_init(&target, &options, &err), CLIENT_USAGE);
	ck_assert_msg(strstr(err.text, refused_urls[_i].part), "%s", err.text);
	ck_assert_msg(strstr(err.text, "--url"), "%s", err.text);
	ck_assert_msg(!strstr(err.text, "s3cret") && !strchr(err.text, '\x1b'), "%s", err.text);
	client_target_fini(&target);
}
END_TEST

START_TEST(token_of_a_file)
{
	const struct client_options given = { .token_file = token_file, .timeout_us = 1 };
	const struct client_options none = { .timeout_us = 1 };
	struct client_target target;
	struct err err = { 0 };

	ck_assert_int_eq(client_target_init(&target, &given, &err), CLIENT_DONE);
	ck_assert_str_eq(target.token.value, "s3cret-token");
	client_target_fini(&target);
	setenv("TRACEPAGER_TOKEN_FILE", token_file, 1);
	ck_assert_int_eq(client_target_init(&target, &none, &err), CLIENT_DONE);
	ck_assert_str_eq(target.token.value, "s3cret-token");
	client_target_fini(&target);
	setenv("TRACEPAGER_TOKEN_FILE", "", 1);
	ck_assert_int_eq(client_target_init(&target, &none, &err), CLIENT_DONE);
	ck_assert_ptr_null(target.token.value);
	client_target_fini(&target);
}
END_TEST

START_TEST(token_of_no_use)
{
	const struct client_options absent = { .token_file = "/nonexistent/token",
					       .timeout_us = 1 };
	const struct client_options odd = { .token_file = token_file, .timeout_us = 1 };
	struct client_target target;
	struct err err = { 0 };

	ck_assert_int_eq(client_target_init(&target, &absent, &err), CLIENT_USAGE);
	ck_assert_msg(strstr(err.text, "/nonexistent/token"), "%s", err.text);
	client_target_fini(&target);
	write_token("two words\n");
	ck_assert_int_eq(client_target_init(&target, &odd, &err), CLIENT_USAGE);
	ck_assert_msg(strstr(err.text, token_file) && !strstr(err.text, "words"), "%s", err.text);
	client_target_fini(&target);
}
END_TEST

/* ---- the request ---- */

static const char *header_of(const struct client_request *request, const char *name)
{
	for (size_t i = 0; i < request->http.nheaders; i++)
		if (strcmp(request->http.headers[i].name, name) == 0)
			return request->http.headers[i].value;
	return NULL;
}

START_TEST(request_of_a_command)
{
	const struct client_options options = { .url = "http://relay.example/under/",
						.token_file = token_file,
						.timeout_us = 7000000 };
	json_t *body = json_pack("{s:s}", "who", "ann");
	struct client_target target;
	struct client_request request;
	struct err err = { 0 };

	ck_assert_int_eq(client_target_init(&target, &options, &err), CLIENT_DONE);
	client_request_init(&request, &target, HTTP_POST, "/api/v1/x", body);
	ck_assert_str_eq(request.http.url, "http://relay.example/under/api/v1/x");
	ck_assert_int_eq(request.http.method, HTTP_POST);
	ck_assert_int_eq(request.http.timeout_us, 7000000);
	ck_assert_str_eq(request.http.body, "{\"who\":\"ann\"}");
	ck_assert_uint_eq(request.http.body_len, strlen("{\"who\":\"ann\"}"));
	ck_assert_str_eq(header_of(&request, "Content-Type"), "application/json");
	ck_assert_str_eq(header_of(&request, "Authorization"), "Bearer s3cret-token");
	client_request_fini(&request);
	client_target_fini(&target);
	json_decref(body);
}
END_TEST

START_TEST(request_without_token_and_body)
{
	const struct client_options options = { .timeout_us = 1 };
	struct client_target target;
	struct client_request request;
	struct err err = { 0 };

	ck_assert_int_eq(client_target_init(&target, &options, &err), CLIENT_DONE);
	client_request_init(&request, &target, HTTP_GET, "/metrics", NULL);
	ck_assert_str_eq(request.http.url, URL "/metrics");
	ck_assert_ptr_null(request.http.body);
	ck_assert_ptr_null(header_of(&request, "Content-Type"));
	ck_assert_ptr_null(header_of(&request, "Authorization"));
	client_request_fini(&request);
	client_target_fini(&target);
}
END_TEST

/* ---- the answer ---- */

#define JSON	"application/json"
#define PROBLEM "application/problem+json"

static const struct {
	int http_status;
	const char *type, *body, *error;
	bool token, wants_json;
	enum client_status status;
	const char *text; /* of the error; @ stands for the token's file */
} answers[] = {
	{ 200, JSON, "{\"a\": 1}", NULL, false, true, CLIENT_DONE, "" },
	{ 204, "", "", NULL, false, true, CLIENT_DONE, "" },
	{ 202, JSON, "{}", NULL, true, true, CLIENT_DONE, "" },
	{ 200, "text/plain", "up 1\n", NULL, false, false, CLIENT_DONE, "" },
	{ 200, "text/html", "<html>", NULL, false, true, CLIENT_UNREACHED,
	  "the answer of " URL " is not JSON: no tracepager listens there; name its address with "
	  "--url URL or in TRACEPAGER_URL" },
	{ 0, "", "", "connection refused by 127.0.0.1:9480", false, true, CLIENT_UNREACHED,
	  "cannot reach " URL ": connection refused by 127.0.0.1:9480; is the relay running? Name "
	  "another address with --url URL or in TRACEPAGER_URL" },
	/* The head arrived, the body not wholly. */
	{ 200, JSON, "{\"a\"", "no answer within 10000 ms", false, true, CLIENT_UNREACHED,
	  "cannot reach " URL ": no answer within 10000 ms; is the relay running? Name another "
	  "address with --url URL or in TRACEPAGER_URL" },
	{ 301, "text/html", "", NULL, false, true, CLIENT_UNREACHED,
	  URL " answers 301 and names another address: give that one with --url URL or in "
	      "TRACEPAGER_URL" },
	{ 401, PROBLEM, "{\"title\": \"Unauthorized\", \"detail\": \"a token is needed\"}", NULL,
	  false, true, CLIENT_REFUSED,
	  URL " wants a token (401): give --token-file FILE, or set TRACEPAGER_TOKEN_FILE" },
	{ 401, PROBLEM, "{}", NULL, true, true, CLIENT_REFUSED,
	  URL " does not know the token in @ (401): compare it with admin_token and "
	      "tokens of the relay's tracepager.yaml" },
	{ 403, PROBLEM, "{\"detail\": \"the token \\\"dash\\\" may only read\"}", NULL, true, true,
	  CLIENT_REFUSED,
	  "the token \"dash\" may only read (" URL " answered 403 to the token in @)" },
	{ 404, PROBLEM,
	  "{\"title\": \"Not Found\", \"detail\": \"there is no incident \\\"x\\\"\"}", NULL, true,
	  true, CLIENT_REFUSED, "there is no incident \"x\" (" URL " answered 404)" },
	{ 404, PROBLEM, "{\"title\": \"no such path\"}", NULL, true, true, CLIENT_REFUSED,
	  "no such path (" URL " answered 404)" },
	{ 404, "text/html", "<html>nginx</html>", NULL, false, true, CLIENT_UNREACHED,
	  "the answer of " URL " is not JSON: no tracepager listens there; name its address with "
	  "--url URL or in TRACEPAGER_URL" },
	{ 409, JSON, "{\"error\": \"the incident is resolved\"}", NULL, false, true, CLIENT_REFUSED,
	  "the incident is resolved (" URL " answered 409)" },
	{ 409, JSON, "{\"error\": {\"message\": \"it is over\"}}", NULL, false, true,
	  CLIENT_REFUSED, "it is over (" URL " answered 409)" },
	{ 503, "text/plain", "the store is behind\nmore\n", NULL, false, true, CLIENT_REFUSED,
	  "the store is behind (" URL " answered 503)" },
	{ 500, "", "", NULL, false, true, CLIENT_REFUSED,
	  "the relay gives no reason (" URL " answered 500)" },
	{ 400, JSON, "{\"error\": \"bad \\u001b[31m\\u202etext\"}", NULL, false, true,
	  CLIENT_REFUSED, "bad text (" URL " answered 400)" },
};

START_TEST(answer_of_a_relay)
{
	const struct client_options options = { .token_file = answers[_i].token ? token_file : NULL,
						.timeout_us = 1 };
	const struct http_reply reply = { .status = answers[_i].http_status,
					  .error = answers[_i].error,
					  .body = answers[_i].body,
					  .len = strlen(answers[_i].body),
					  .retry_after_us = -1,
					  .content_type = answers[_i].type };
	struct client_target target;
	struct client_answer answer;
	struct err err = { 0 };

	ck_assert_int_eq(client_target_init(&target, &options, &err), CLIENT_DONE);
	client_judge(&target, &reply, answers[_i].wants_json, &answer);
	ck_assert_msg(answer.status == answers[_i].status, "%d: %s", answer.status,
		      answer.err.text);
	ck_assert_int_eq(answer.http_status, answers[_i].error ? 0 : answers[_i].http_status);
	ck_assert_str_eq(answer.text, answers[_i].error ? "" : answers[_i].body);
	char want[sizeof(err.text)];
	const char *at = strchr(answers[_i].text, '@');
	int before = (int)strcspn(answers[_i].text, "@");
	snprintf(want, sizeof(want), "%.*s%s%s", before, answers[_i].text, at ? token_file : "",
		 at ? at + 1 : "");
	ck_assert_str_eq(answer.err.text, want);
	ck_assert_msg(!strstr(answer.err.text, "s3cret"), "%s", answer.err.text);
	client_answer_fini(&answer);
	client_target_fini(&target);
}
END_TEST

START_TEST(answer_as_json)
{
	const struct client_options options = { .timeout_us = 1 };
	struct http_reply reply = {
		.status = 200, .body = "{\"a\": 1}", .len = 8, .content_type = JSON
	};
	struct client_target target;
	struct client_answer answer;
	struct err err = { 0 };

	ck_assert_int_eq(client_target_init(&target, &options, &err), CLIENT_DONE);
	client_judge(&target, &reply, true, &answer);
	ck_assert_int_eq(json_integer_value(json_object_get(answer.json, "a")), 1);
	client_answer_fini(&answer);
	/* A body that says that it is none is not read as JSON. */
	reply.content_type = "text/plain; version=0.0.4";
	client_judge(&target, &reply, false, &answer);
	ck_assert_ptr_null(answer.json);
	ck_assert_int_eq(answer.status, CLIENT_DONE);
	client_answer_fini(&answer);
	/* A member that is there twice: which one counts is anybody's guess. */
	reply = (struct http_reply){
		.status = 200, .body = "{\"a\":1,\"a\":2}", .len = 13, .content_type = JSON
	};
	client_judge(&target, &reply, true, &answer);
	ck_assert_int_eq(answer.status, CLIENT_UNREACHED);
	client_answer_fini(&answer);
	client_target_fini(&target);
}
END_TEST

START_TEST(pause_that_is_asked_for)
{
	const struct client_options options = { .timeout_us = 1 };
	const struct http_reply reply = { .status = 503,
					  .body = "{\"error\": \"the queue is full\"}",
					  .len = 30,
					  .content_type = JSON,
					  .retry_after_us = 5000000 };
	struct client_target target;
	struct client_answer answer;
	struct err err = { 0 };

	ck_assert_int_eq(client_target_init(&target, &options, &err), CLIENT_DONE);
	client_judge(&target, &reply, true, &answer);
	ck_assert_str_eq(answer.err.text,
			 "the queue is full (" URL " answered 503); try again in 5 s");
	client_answer_fini(&answer);
	client_target_fini(&target);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client");
	TCase *tcase = tcase_create("client");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, where_the_relay_is);
	tcase_add_loop_test(tcase, refused_url, 0, ARRAY_LEN(refused_urls));
	tcase_add_test(tcase, token_of_a_file);
	tcase_add_test(tcase, token_of_no_use);
	tcase_add_test(tcase, request_of_a_command);
	tcase_add_test(tcase, request_without_token_and_body);
	tcase_add_loop_test(tcase, answer_of_a_relay, 0, ARRAY_LEN(answers));
	tcase_add_test(tcase, answer_as_json);
	tcase_add_test(tcase, pause_that_is_asked_for);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
