/*
 * Trace source jaeger: its questions. Expected parameters are those of the HTTP APIs v3 and v1.
 */
#include <check.h>
#include <string.h>

#include "tests/lib/source_kit.h"
#include "tracepager/xalloc.h"

static void setup(void)
{
	kit_setup(SOURCE_JAEGER, "http://jaeger:16686");
}

START_TEST(asks_v3_by_id_first)
{
	struct trace_query query = { .trace_id = ID };

	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url, "http://jaeger:16686/api/v3/traces/" ID);
	ck_assert_int_eq(talk.request.method, HTTP_GET);
	ck_assert_int_eq(talk.encoding, TRACE_ENCODING_OTLP_JSON);
	ck_assert_int_eq(talk.request.timeout_us, 3000000);
	ck_assert_ptr_null(header("Authorization"));
	ck_assert_str_eq(header("Accept"), "application/json");
}
END_TEST

START_TEST(base_paths_and_tokens_are_kept)
{
	struct trace_query query = { .trace_id = "../a b" };

	config.url = "https://shop.example/jaeger//";
	secret_set(&config.bearer, "t0ken");
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url, "https://shop.example/jaeger/api/v3/traces/..%2Fa%20b");
	ck_assert_str_eq(header("Authorization"), "Bearer t0ken");
	secret_fini(&config.bearer);
}
END_TEST

START_TEST(searches_v3_in_snake_case)
{
	struct trace_query query = search_for(&checkout, true);

	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url,
			 "http://jaeger:16686/api/v3/traces?query.service_name=checkout"
			 "&query.operation_name=POST%20%2Forders"
			 "&query.start_time_min=2026-09-01T09%3A50%3A00.250Z"
			 "&query.start_time_max=2026-09-01T10%3A00%3A00Z"
			 "&query.search_depth=10&query.num_traces=100"
			 "&query.attributes=%7B%22error%22%3A%22true%22%7D");
}
END_TEST

START_TEST(searches_v1_where_v3_is_missing)
{
	struct trace_query query = search_for(&checkout, true);

	query.min_duration_us = 1500000;
	ask(&query);
	ck_assert_int_eq(answer(404, "404 page not found\n", ""), SOURCE_SEND);
	ck_assert_str_eq(
		talk.request.url,
		"http://jaeger:16686/api/traces?service=checkout&operation=POST%20%2Forders"
		"&start=1788256200250000&end=1788256800000000&limit=10&minDuration=1500000us"
		"&tags=%7B%22error%22%3A%22true%22%7D");
	ck_assert_int_eq(talk.encoding, TRACE_ENCODING_JAEGER_JSON);
	ck_assert(!talk.searches);
	ck_assert_int_eq(answer(200, "{\"data\":[{}]}", ""), SOURCE_TRACES);
}
END_TEST

/* The URL has the one parameter, and does not have the other. */
static void check_url(const char *has, const char *has_not)
{
	if (!strstr(talk.request.url, has) || strstr(talk.request.url, has_not))
		ck_abort_msg("to have %s, and not %s: %s", has, has_not, talk.request.url);
}

/* Some releases misread the error attribute and find nothing. */
START_TEST(without_a_match_by_error_any_are_looked_through)
{
	struct trace_query query = search_for(&checkout, true);

	ask(&query);
	ck_assert_int_eq(answer(404, "{\"error\":{\"httpCode\":404}}", ""), SOURCE_SEND);
	check_url("/api/v3/traces?query.service_name=checkout&", "attributes");
	check_url("&query.search_depth=100&query.num_traces=100", "attributes");
	ck_assert(talk.searches);
	ck_assert_int_eq(answer(404, "{\"error\":{\"httpCode\":404}}", ""), SOURCE_NOT_FOUND);
}
END_TEST

START_TEST(without_a_match_by_error_in_v1_too)
{
	struct trace_query query = search_for(&checkout, true);

	ask(&query);
	answer(404, "404 page not found\n", "");
	ck_assert_int_eq(answer(200, "{\"data\":[]}", ""), SOURCE_SEND);
	check_url("/api/traces?service=checkout&", "tags");
	check_url("&limit=100", "tags");
	ck_assert_int_eq(answer(200, "{\"data\":[]}", ""), SOURCE_TRACES);
}
END_TEST

/* One document of the limit instead of one with many traces. */
START_TEST(too_much_is_asked_for_in_part)
{
	struct trace_query query = search_for(&checkout, true);

	ask(&query);
	ck_assert_int_eq(answer(200, TOO_MUCH, ""), SOURCE_SEND);
	check_url("&query.search_depth=10&query.num_traces=10&query.attributes=", "100");
	ck_assert_int_eq(answer(200, TOO_MUCH, ""), SOURCE_BAD);

	/* The old API is asked for the limit first, then for many. */
	ask(&query);
	answer(404, "404 page not found\n", "");
	ck_assert_int_eq(answer(200, TOO_MUCH, ""), SOURCE_BAD);
	ask(&query);
	answer(404, "404 page not found\n", "");
	answer(200, "{\"data\":[]}", "");
	ck_assert_int_eq(answer(200, TOO_MUCH, ""), SOURCE_SEND);
	check_url("&limit=10", "limit=100");
}
END_TEST

START_TEST(what_a_storage_cannot_do_is_not_asked_again)
{
	static const char both[] = "{\"error\":{\"httpCode\":500,\"message\":\"cannot query for "
				   "duration and tags simultaneously\"}}";
	static const char depth[] = "{\"error\":{\"httpCode\":500,\"message\":\"search depth "
				    "must be greater than 0 and less than max traces\"}}";
	struct trace_query query = search_for(&checkout, true);

	query.min_duration_us = 1500000;
	ask(&query);
	ck_assert_int_eq(answer(500, both, ""), SOURCE_SEND);
	check_url("&query.num_traces=100&query.duration_min=1500000us", "attributes");
	ck_assert_int_eq(answer(500, depth, ""), SOURCE_SEND);
	check_url("&query.search_depth=10&query.num_traces=10&", "100");
	ck_assert_int_eq(answer(500, depth, ""), SOURCE_REFUSED);
	ck_assert_str_eq(talk.text, "answered HTTP 500: it cannot do this search");
}
END_TEST

START_TEST(any_traces_are_searched_without_attributes)
{
	struct signal signal = { .service = "checkout" };
	struct trace_query query = search_for(&signal, false);

	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	check_url("&query.search_depth=10&query.num_traces=10", "attributes");
	ck_assert_ptr_null(strstr(talk.request.url, "operation"));
	ck_assert_int_eq(answer(404, "{\"error\":{\"httpCode\":404}}", ""), SOURCE_NOT_FOUND);
}
END_TEST

START_TEST(patterns_are_not_asked_for)
{
	struct label attrs[] = { { "http.route", "/orders" }, { "region", "eu-*" } };
	struct signal signal = { .service = "checkout",
				 .operation = "POST *",
				 .attrs = { attrs, 2 } };
	struct trace_query query = search_for(&signal, false);

	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_ptr_null(strstr(talk.request.url, "operation"));
	check_url("&query.attributes=%7B%22http.route%22%3A%22%2Forders%22%7D", "region");
	/* v3 may ignore the attributes, so many traces are asked for. */
	check_url("&query.search_depth=100&query.num_traces=100", "region");

	signal.service = "check*";
	ck_assert_int_eq(ask(&query), SOURCE_REFUSED);
	signal.service = "";
	ck_assert_int_eq(ask(&query), SOURCE_REFUSED);
}
END_TEST

static const struct {
	int status;
	const char *body, *content_type;
	enum source_step step;
} replies[] = {
	/* the server has no v3 */
	{ 404, "404 page not found\n", "text/plain; charset=utf-8", SOURCE_SEND },
	{ 404, "", "", SOURCE_SEND },
	{ 404, NULL, "", SOURCE_SEND },
	{ 404, "<html>", "text/html", SOURCE_SEND },
	{ 404, "{\"data\":null,\"errors\":[{\"code\":404}]}", "text/plain", SOURCE_SEND },
	{ 501, "{\"error\":{\"httpCode\":501}}", "application/json", SOURCE_SEND },
	{ 200, NULL, "text/html; charset=utf-8", SOURCE_SEND },
	{ 200, "\n<!doctype html>", "", SOURCE_SEND },
	/* v3 answered */
	{ 404, "{\"error\":{\"httpCode\":404,\"message\":\"trace not found\"}}", "text/plain",
	  SOURCE_NOT_FOUND },
	{ 200, NULL, "application/json", SOURCE_TRACES },
	{ 200, "{\"result\":", "", SOURCE_TRACES },
	{ 200, "!nonsense", "", SOURCE_BAD },
	{ 500, "{\"error\":{\"httpCode\":500}}", "text/plain", SOURCE_FAILED },
	{ 429, "", "", SOURCE_FAILED },
	{ 401, "", "", SOURCE_REFUSED },
	{ 302, "", "", SOURCE_REFUSED },
};

START_TEST(falls_back_only_where_v3_is_missing)
{
	struct trace_query query = { .trace_id = ID };

	ask(&query);
	ck_assert_int_eq(answer(replies[_i].status, replies[_i].body, replies[_i].content_type),
			 replies[_i].step);
	if (replies[_i].step == SOURCE_SEND)
		ck_assert_str_eq(talk.request.url, "http://jaeger:16686/api/traces/" ID);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("source_jaeger");

	tcase_add_checked_fixture(tcase, setup, kit_teardown);
	tcase_add_test(tcase, asks_v3_by_id_first);
	tcase_add_test(tcase, base_paths_and_tokens_are_kept);
	tcase_add_test(tcase, searches_v3_in_snake_case);
	tcase_add_test(tcase, searches_v1_where_v3_is_missing);
	tcase_add_test(tcase, without_a_match_by_error_any_are_looked_through);
	tcase_add_test(tcase, without_a_match_by_error_in_v1_too);
	tcase_add_test(tcase, too_much_is_asked_for_in_part);
	tcase_add_test(tcase, what_a_storage_cannot_do_is_not_asked_again);
	tcase_add_test(tcase, any_traces_are_searched_without_attributes);
	tcase_add_test(tcase, patterns_are_not_asked_for);
	tcase_add_loop_test(tcase, falls_back_only_where_v3_is_missing, 0, ARRAY_LEN(replies));
	return run_case(tcase, "source_jaeger");
}
