/*
 * Trace source tempo: its questions. Paths and TraceQL are those of the API documentation.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/source_kit.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static void setup(void)
{
	kit_setup(SOURCE_TEMPO, "https://tempo.shop.example/tempo");
}

START_TEST(asks_v2_by_id_for_protobuf)
{
	struct trace_query query = { .trace_id = ID };

	config.tenant = "shop|stock";
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url, "https://tempo.shop.example/tempo/api/v2/traces/" ID);
	ck_assert_str_eq(header("Accept"), "application/protobuf");
	ck_assert_str_eq(header("X-Scope-OrgID"), "shop|stock");
	ck_assert_int_eq(talk.encoding, TRACE_ENCODING_TEMPO_PROTO);
	ck_assert_int_eq(answer(200, "\x0a", "application/protobuf"), SOURCE_TRACES);
}
END_TEST

START_TEST(asks_v1_where_v2_is_missing)
{
	struct trace_query query = { .trace_id = ID };

	ask(&query);
	ck_assert_int_eq(answer(404, "404 page not found\n", "text/plain"), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url, "https://tempo.shop.example/tempo/api/traces/" ID);
	ck_assert_str_eq(header("Accept"), "application/protobuf");
	ck_assert_int_eq(talk.encoding, TRACE_ENCODING_OTLP_PROTO);
	ck_assert_int_eq(answer(404, "", ""), SOURCE_NOT_FOUND);
}
END_TEST

static const struct {
	int status;
	const char *body;
	enum source_step step;
	const char *text;
} replies[] = {
	{ 404, "", SOURCE_NOT_FOUND, NULL }, /* this tenant may not see the trace */
	{ 422, "trace exceeds max size", SOURCE_TOO_LARGE, NULL },
	{ 400, "bad id", SOURCE_REFUSED, "answered HTTP 400" },
	{ 401, "no org id", SOURCE_REFUSED, "answered HTTP 401" },
	{ 429, "", SOURCE_FAILED, "answered HTTP 429" },
	{ 499, "", SOURCE_FAILED, "answered HTTP 499" },
};

START_TEST(other_answers_by_id)
{
	struct trace_query query = { .trace_id = ID };

	ask(&query);
	ck_assert_int_eq(answer(replies[_i].status, replies[_i].body, ""), replies[_i].step);
	if (replies[_i].text)
		ck_assert_str_eq(talk.text, replies[_i].text);
}
END_TEST

#define SEARCH "https://tempo.shop.example/tempo/api/search?q="

START_TEST(searches_with_traceql)
{
	struct trace_query query = search_for(&checkout, true);

	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	/* { resource.service.name = "checkout" && name = "POST /orders" && status = error } */
	ck_assert_str_eq(talk.request.url,
			 SEARCH "%7B%20resource.service.name%20%3D%20%22checkout%22%20%26%26%20"
				"name%20%3D%20%22POST%20%2Forders%22%20%26%26%20"
				"status%20%3D%20error%20%7D"
				"&start=1788256200&end=1788256800&limit=10&spss=1");
	ck_assert_int_eq(talk.encoding, SOURCE_TEXT);
	ck_assert_uint_eq(talk.request.max_reply_bytes, LIMIT_SOURCE_TEXT_BYTES);
}
END_TEST

/* The TraceQL of the request, with every %XX decoded. */
static const char *traceql(void)
{
	static char text[1000];
	const char *at = strstr(talk.request.url, "?q=") + 3;
	size_t n = 0;

	for (; *at && *at != '&'; at++) {
		unsigned int c = (unsigned char)*at;
		if (c == '%' && sscanf(at + 1, "%2x", &c) == 1)
			at += 2;
		text[n++] = (char)c;
	}
	text[n] = '\0';
	return text;
}

START_TEST(names_are_quoted)
{
	struct label attrs[] = { { "a b", "x" },
				 { "http.route", "/o" },
				 { "http.status_code", "500" },
				 { "cached", "true" },
				 { "region", "eu-*" } };
	struct signal signal = { .service = "che\"ck\\out",
				 .namespace = "shop",
				 .operation = "GET *",
				 .attrs = { attrs, ARRAY_LEN(attrs) } };
	struct trace_query query = search_for(&signal, false);

	/* A backslash makes a pattern, and a service that is a pattern cannot be searched for. */
	ck_assert_int_eq(ask(&query), SOURCE_REFUSED);
	signal.service = "che\"ck\nout";
	query.min_duration_us = 1500;
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(
		traceql(),
		"{ resource.service.name = \"che\\\"ck\\nout\""
		" && resource.service.namespace = \"shop\""
		" && span.\"a b\" = \"x\" && span.http.route = \"/o\" && duration >= 1500us }");
}
END_TEST

START_TEST(healthy_traces_are_asked_for)
{
	struct signal signal = { .service = "cart" };
	struct trace_query query = search_for(&signal, false);

	ask(&query);
	ck_assert_str_eq(traceql(), "{ resource.service.name = \"cart\" }");
	query.healthy = true;
	ask(&query);
	ck_assert_str_eq(traceql(), "{ resource.service.name = \"cart\" && status != error }");
}
END_TEST

START_TEST(a_search_gives_ids)
{
	struct trace_query query = search_for(&checkout, true);

	ask(&query);
	ck_assert_int_eq(
		answer(200,
		       "{\"traces\":[{\"traceID\":\"" ID
		       "\",\"rootServiceName\":\"x\",\"spanSets\":[{\"spans\":[{"
		       "\"traceID\":\"no\"}]}]},{\"durationMs\":5,\"traceID\":\"af7651916cd43dd8"
		       "448eb211c80319c\"}],\"metrics\":{\"traceID\":\"no\"}}",
		       "application/json"),
		SOURCE_IDS);
	ck_assert_uint_eq(talk.nids, 2);
	ck_assert_str_eq(talk.ids[0], ID);
	ck_assert_str_eq(talk.ids[1], OTHER);
}
END_TEST

START_TEST(a_search_without_a_match)
{
	static const char *const bodies[] = { "{}", "{\"traces\":[]}", "{\"metrics\":{}}" };
	struct trace_query query = search_for(&checkout, true);

	ask(&query);
	ck_assert_int_eq(answer(200, bodies[_i], ""), SOURCE_IDS);
	ck_assert_uint_eq(talk.nids, 0);
}
END_TEST

START_TEST(a_search_that_fails)
{
	struct trace_query query = search_for(&checkout, true);

	ask(&query);
	ck_assert_int_eq(answer(400, "invalid TraceQL", ""), SOURCE_REFUSED);
	ask(&query);
	ck_assert_int_eq(answer(200, "<html>", "text/html"), SOURCE_BAD);
	ask(&query);
	ck_assert_int_eq(answer(200, "{\"traces\":", ""), SOURCE_BAD);
	ck_assert_str_eq(talk.text, "sent a reply that is no search result");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("source_tempo");

	tcase_add_checked_fixture(tcase, setup, kit_teardown);
	tcase_add_test(tcase, asks_v2_by_id_for_protobuf);
	tcase_add_test(tcase, asks_v1_where_v2_is_missing);
	tcase_add_loop_test(tcase, other_answers_by_id, 0, ARRAY_LEN(replies));
	tcase_add_test(tcase, searches_with_traceql);
	tcase_add_test(tcase, names_are_quoted);
	tcase_add_test(tcase, healthy_traces_are_asked_for);
	tcase_add_test(tcase, a_search_gives_ids);
	tcase_add_loop_test(tcase, a_search_without_a_match, 0, 3);
	tcase_add_test(tcase, a_search_that_fails);
	return run_case(tcase, "source_tempo");
}
