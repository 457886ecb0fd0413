/* Tests of questions to sources: which are shared, how searches are paced, which lead to ids, and
 * when the next source is asked. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fetch_kit.h"

/* Results of several jobs. */
static struct {
	int calls;
	size_t ntraces;
	const struct trace *first;
} seen;

static struct fetched_set *kept[32];
static size_t nkept;

static void keep(void *ctx, struct fetch_result *result)
{
	(void)ctx;
	seen.calls++;
	seen.ntraces += result->ntraces;
	seen.first = result->ntraces > 0 ? result->traces[0] : NULL;
	for (size_t i = 0; i < result->nsets; i++)
		kept[nkept++] = result->sets[i];
}

static void drop_kept(void)
{
	while (nkept > 0)
		fetched_set_unref(kept[--nkept]);
}

static void sources_setup(void)
{
	memset(&seen, 0, sizeof(seen));
}

static const char *const one_id[] = { ID };

/* ---- one question of several alerts ---- */

START_TEST(alerts_of_a_storm_ask_once)
{
	struct fetch_request request = request_of(NULL, one_id, 1);

	fake_http_reply(&http, (struct fake_reply){
				       .status = 200, .body = V3(TRACE(ID)), .delay_us = SECOND });
	for (int i = 0; i < 3; i++)
		fetch_start(fetch, &request, keep, NULL);
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_int_eq(seen.calls, 3);
	ck_assert_uint_eq(seen.ntraces, 3);
	/* Both results share one set, which is freed with the last reference. */
	ck_assert_uint_eq(nkept, 3);
	ck_assert_ptr_eq(kept[0], kept[2]);
	fetched_set_unref(kept[--nkept]);
	fetched_set_unref(kept[--nkept]);
	ck_assert_str_eq(trace_text(seen.first, seen.first->id), ID);
	fake_clock_advance(&fake, LIMIT_ANSWER_KEPT_US);
	ck_assert_uint_gt(memory.used_bytes, 0);
	drop_kept();
	ck_assert_uint_eq(memory.used_bytes, 0);
}
END_TEST

START_TEST(an_id_in_other_words_is_the_same_question)
{
	static const char *const upper[] = { "4BF92F3577B34DA6A3CE929D0E0E4736" };
	struct fetch_request request = request_of(NULL, one_id, 1);

	fake_http_reply(&http, (struct fake_reply){
				       .status = 200, .body = V3(TRACE(ID)), .delay_us = SECOND });
	fetch_start(fetch, &request, keep, NULL);
	request.trace_ids = upper;
	request.from_us -= 60 * SECOND; /* by id the window is only a hint */
	fetch_start(fetch, &request, keep, NULL);
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_uint_eq(seen.ntraces, 2);
	drop_kept();
}
END_TEST

/* Alerts whose starts differ by less than LIMIT_WINDOW_US. */
START_TEST(searches_of_a_storm_are_one)
{
	struct fetch_request request = request_of(&checkout, NULL, 0);

	fake_http_reply(&http, (struct fake_reply){
				       .status = 200, .body = V3(TRACE(ID)), .delay_us = SECOND });
	fetch_start(fetch, &request, keep, NULL);
	request.from_us += 3 * SECOND;
	request.to_us -= SECOND;
	fetch_start(fetch, &request, keep, NULL);
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_uint_eq(seen.ntraces, 2);
	drop_kept();
}
END_TEST

/* Questions that differ in one respect are not shared. */
START_TEST(other_questions_are_others)
{
	static const char *const names[] = { "shop.cart" };
	struct label attr = { "region", "eu" };
	struct signal cart = checkout, eu = checkout;
	struct fetch_request requests[7];

	cart.operation = "GET /cart";
	eu.attrs = (struct labels){ &attr, 1 };
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		requests[i] = request_of(&checkout, NULL, 0);
	requests[1].signal = &cart;
	requests[2].signal = &eu;
	requests[3].limit = 5;
	requests[4].from_us -= 60 * SECOND;
	requests[5].healthy = true;
	requests[6].extra_names = names;
	requests[6].nextra_names = 1;
	fake_http_reply(&http, (struct fake_reply){
				       .status = 200, .body = V3(TRACE(ID)), .delay_us = SECOND });
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		fetch_start(fetch, &requests[i], keep, NULL);
	ck_assert_uint_eq(http.nrequests, ARRAY_LEN(requests));
	fake_clock_advance(&fake, 2 * SECOND);
	drop_kept();
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_int_eq(seen.calls, ARRAY_LEN(requests));
	drop_kept();
}
END_TEST

START_TEST(who_leaves_does_not_take_the_answer_along)
{
	struct fetch_request request = request_of(NULL, one_id, 1);
	struct fetch_job *first;

	fake_http_reply(&http, (struct fake_reply){
				       .status = 200, .body = V3(TRACE(ID)), .delay_us = SECOND });
	first = fetch_start(fetch, &request, keep, NULL);
	fetch_start(fetch, &request, on_done, &got);
	fake_clock_advance(&fake, SECOND / 2);
	fetch_cancel(first);
	finish();
	ck_assert_uint_eq(got.ntraces, 1);
	ck_assert_int_eq(got.at_us, SECOND);
	ck_assert_uint_eq(http.cancelled, 0);
}
END_TEST

START_TEST(the_last_who_leaves_ends_it)
{
	struct fetch_request request = request_of(NULL, one_id, 1);
	struct fetch_job *jobs[2];

	fake_http_reply(&http, (struct fake_reply){ .status = 200, .delay_us = SECOND });
	for (int i = 0; i < 2; i++)
		jobs[i] = fetch_start(fetch, &request, keep, NULL);
	fetch_cancel(jobs[0]);
	ck_assert_uint_eq(http.cancelled, 0);
	fetch_cancel(jobs[1]);
	ck_assert_uint_eq(http.cancelled, 1);
}
END_TEST

START_TEST(a_failure_is_shared_too)
{
	struct fetch_request request = request_of(NULL, one_id, 1);

	fake_http_reply(&http, (struct fake_reply){ .status = 401, .delay_us = SECOND });
	fetch_start(fetch, &request, keep, NULL);
	fetch_start(fetch, &request, on_done, &got);
	finish();
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_int_eq(seen.calls, 1);
	ck_assert_str_eq(got.text, "trace " ID ": jaeger answered HTTP 401");
}
END_TEST

/* ---- pace ---- */

/* 10 searches at once, then one in each pause. */
START_TEST(searches_are_paced)
{
	sources[0].search_pause_us = 100000;
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(TRACE(ID)) });
	for (int i = 0; i < 14; i++) {
		struct fetch_request request = request_of(&checkout, NULL, 0);
		request.limit = 1 + (unsigned int)i;
		fetch_start(fetch, &request, keep, NULL);
	}
	ck_assert_uint_eq(http.nrequests, LIMIT_SEARCH_BURST);
	for (int i = 0; i < 4; i++) {
		drop_kept();
		fake_clock_advance(&fake, 99999);
		ck_assert_uint_eq(http.nrequests, LIMIT_SEARCH_BURST + (size_t)i);
		fake_clock_advance(&fake, 1);
	}
	fake_clock_run_idle(&fake, SECOND);
	ck_assert_uint_eq(http.nrequests, 14);
	ck_assert_int_eq(seen.calls, 14);
	drop_kept();
}
END_TEST

/* Each job then searches a second time, for any traces. */
START_TEST(second_searches_are_paced)
{
	sources[0].search_pause_us = 100000;
	fake_http_reply(&http, (struct fake_reply){
				       .url_part = "error", .status = 404, .body = unknown.body });
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(TRACE(ID)) });
	for (int i = 0; i < LIMIT_SEARCH_BURST; i++) {
		struct fetch_request request = request_of(&checkout, NULL, 0);
		request.limit = 1 + (unsigned int)i;
		fetch_start(fetch, &request, keep, NULL);
	}
	fake_clock_advance(&fake, 99999);
	ck_assert_uint_eq(http.nrequests, LIMIT_SEARCH_BURST);
	for (size_t i = 1; i <= LIMIT_SEARCH_BURST; i++) {
		fake_clock_advance(&fake, 1);
		ck_assert_uint_eq(http.nrequests, LIMIT_SEARCH_BURST + i);
		ck_assert_ptr_null(strstr(http.requests[http.nrequests - 1].url, "error"));
		fake_clock_advance(&fake, 99999);
		drop_kept();
	}
	ck_assert_int_eq(seen.calls, LIMIT_SEARCH_BURST);
}
END_TEST

START_TEST(ids_are_not_paced)
{
	sources[0].search_pause_us = 60 * SECOND;
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(TRACE(ID)) });
	for (int i = 0; i < 4 * LIMIT_SEARCH_BURST; i++) {
		char id[33];
		const char *const ids[] = { id };
		struct fetch_request request = request_of(NULL, ids, 1);
		snprintf(id, sizeof(id), "%032x", (unsigned int)i + 1);
		fetch_start(fetch, &request, keep, NULL);
		fake_clock_advance(&fake, 1);
		drop_kept();
	}
	ck_assert_uint_eq(http.nrequests, 4 * LIMIT_SEARCH_BURST);
}
END_TEST

/* A place that was not used is given back. */
START_TEST(a_search_that_never_left_leaves_its_place)
{
	struct signal signal = { .service = "checkout", .mode = WALK_ERRORS };

	sources[0].search_pause_us = SECOND;
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(TRACE(ID)) });
	for (int i = 0; i < LIMIT_SEARCH_BURST; i++) {
		struct fetch_request request = request_of(&signal, NULL, 0);
		request.limit = 1 + (unsigned int)i;
		fetch_start(fetch, &request, keep, NULL);
		fake_clock_advance(&fake, 0);
		drop_kept();
	}
	for (int i = 0; i < 5; i++)
		fetch_cancel(start(&checkout, NULL, 0));
	ck_assert_uint_eq(http.nrequests, LIMIT_SEARCH_BURST);
	start(&checkout, NULL, 0);
	finish();
	ck_assert_int_eq(got.at_us, SECOND);
}
END_TEST

START_TEST(retry_after_is_obeyed)
{
	struct fetch_request request = request_of(NULL, one_id, 1);
	static const char *const other[] = { OTHER };

	fake_http_reply(&http, (struct fake_reply){
				       .status = 429, .retry_after_us = 3 * SECOND, .times = 1 });
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(TRACE(ID)) });
	request.trace_ids = other;
	fetch_start(fetch, &request, keep, NULL);
	start_id();
	ck_assert_uint_eq(http.nrequests, 2); /* before the source said how long to wait */
	fake_clock_advance(&fake, 2900000);
	ck_assert_uint_eq(http.nrequests, 2);
	drop_kept();
	finish();
	ck_assert_uint_eq(got.ntraces, 1);
	drop_kept();
}
END_TEST

START_TEST(a_source_that_is_held_is_told)
{
	fake_http_reply(&http,
			(struct fake_reply){ .status = 429, .retry_after_us = 3600 * SECOND });
	start_id();
	finish();
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_int_eq(got.missing, FALLBACK_SOURCE_ERROR);
	/* The last try is 4.8 s after the first. */
	ck_assert_str_eq(got.text, "trace " ID ": jaeger accepts no question for another 295.2 s");
}
END_TEST

/* ---- searches that give ids ---- */

static void use_tempo(void)
{
	sources[0] = (struct source_config){ .name = "tempo",
					     .kind = SOURCE_TEMPO,
					     .url = "http://tempo" };
}

/* A Trace of API v2: field 1 a Trace, in it field 1 resource spans with one span of checkout. */
static const char proto[] = "\x0a\x48"				       /* trace: 72 bytes */
			    "\x0a\x46"				       /* resource_spans: 70 */
			    "\x0a\x1a"				       /* resource: 26 */
			    "\x0a\x18"				       /* attributes: 24 */
			    "\x0a\x0cservice.name"		       /* key */
			    "\x12\x08\x0a\x06shop-a"		       /* value: string_value */
			    "\x12\x28"				       /* scope_spans: 40 */
			    "\x12\x26"				       /* spans: 38 */
			    "\x0a\x10\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6" /* trace_id */
			    "\xa3\xce\x92\x9d\x0e\x0e\x47\x36"	       /* … */
			    "\x12\x08\x00\xf0\x67\xaa\x0b\xa9\x02\xb7" /* span_id */
			    "\x2a\x04ship"			       /* name */
			    "\x7a\x02\x18\x02";			       /* status: code 2 */

START_TEST(ids_that_a_search_gives_are_asked_for)
{
	use_tempo();
	fake_http_reply(&http, (struct fake_reply){ .url_part = "/api/search?",
						    .status = 200,
						    .body = "{\"traces\":[{\"traceID\":\"" ID
							    "\"},{\"traceID\":\"" OTHER "\"}]}" });
	fake_http_reply(&http, (struct fake_reply){ .url_part = "/api/v2/traces/" ID,
						    .status = 200,
						    .body = proto,
						    .len = sizeof(proto) - 1 });
	/* An unknown trace is an empty message. */
	fake_http_reply(&http, (struct fake_reply){ .url_part = "/api/v2/traces/" OTHER,
						    .status = 200,
						    .body = "\x12\x00",
						    .len = 2 });
	start(&checkout, NULL, 0);
	finish();
	ck_assert_uint_eq(got.ntraces, 1);
	ck_assert_str_eq(got.first_id, ID);
	ck_assert_str_eq(got.source, "tempo");
	ck_assert_int_eq(got.missing, FALLBACK_TRACE_NOT_FOUND);
	ck_assert_ptr_eq(strstr(got.text, "1 of 2 traces are missing; trace " OTHER
					  ": not found in tempo after 3 tries"),
			 got.text);
}
END_TEST

/* In protobuf an empty body is an empty message: the source does not know the trace. */
START_TEST(an_empty_message_is_not_found)
{
	use_tempo();
	fake_http_reply(&http, (struct fake_reply){ .status = 200 });
	start_id();
	finish();
	ck_assert_int_eq(got.missing, FALLBACK_TRACE_NOT_FOUND);
}
END_TEST

static const struct {
	const char *service, *operation;
	size_t ntraces;
} spellings[] = {
	{ "Checkout", "POST /orders", 1 },
	{ "checkout", "POST /Ord*", 1 },
	{ "checkout", "post /orders", 1 },
	{ "checkout2", "POST /orders", 0 },
	{ "checkout2", NULL, 0 },
	/* No trace has the operation: any of the service's operations counts. */
	{ "checkout", "POST /order", 1 },
};

/* Zipkin's server stores names in lower case. */
START_TEST(zipkin_answers_whatever_the_case)
{
	const struct signal signal = { .service = spellings[_i].service,
				       .operation = spellings[_i].operation,
				       .mode = WALK_ERRORS };

	sources[0].kind = SOURCE_ZIPKIN;
	fake_http_reply(&http,
			(struct fake_reply){
				.status = 200,
				.body = "[[{\"traceId\":\"" ID "\",\"id\":\"00f067aa0ba902b7\","
					"\"kind\":\"SERVER\",\"name\":\"post /orders\","
					"\"timestamp\":1788256799000000,\"duration\":500000,"
					"\"localEndpoint\":{\"serviceName\":\"checkout\"},"
					"\"tags\":{\"error\":\"\"}}]]" });
	start(&signal, NULL, 0);
	finish();
	ck_assert_uint_eq(got.ntraces, spellings[_i].ntraces);
}
END_TEST

START_TEST(ids_of_a_search_are_asked_only_there)
{
	use_tempo();
	make_fetch(2);
	fake_http_reply(&http,
			(struct fake_reply){ .url_part = "/api/search?",
					     .status = 200,
					     .body = "{\"traces\":[{\"traceID\":\"" ID "\"}]}" });
	fake_http_reply(&http, (struct fake_reply){ .url_part = "//tempo", .status = 403 });
	start(&checkout, NULL, 0);
	finish();
	ck_assert_ptr_null(fake_http_request(&http, "//archive", 0));
	ck_assert_int_eq(got.missing, FALLBACK_SOURCE_ERROR);
	ck_assert_str_eq(got.text, "trace " ID ": tempo answered HTTP 403");
}
END_TEST

START_TEST(a_search_without_ids_falls_to_the_next_source)
{
	use_tempo();
	make_fetch(2);
	fake_http_reply(&http,
			(struct fake_reply){ .url_part = "//tempo", .status = 200, .body = "{}" });
	fake_http_reply(&http, (struct fake_reply){ .url_part = "//archive",
						    .status = 200,
						    .body = V3(TRACE(ID)) });
	start(&checkout, NULL, 0);
	finish();
	ck_assert_str_eq(got.source, "archive");
	ck_assert_int_eq(got.missing, FALLBACK_NONE);
}
END_TEST

/* ---- exemplars ---- */

#define EXEMPLARS(id)                                                                              \
	"{\"status\":\"success\",\"data\":[{\"seriesLabels\":{},\"exemplars\":[{\"labels\":{"      \
	"\"trace_id\":\"" id "\"},\"value\":\"1\",\"timestamp\":1}]}]}"

static struct fetch_job *start_exemplars(const char *const *ids, size_t n)
{
	static const struct labels none = { NULL, 0 };
	struct fetch_request request = request_of(&checkout, ids, n);

	sources[1] = (struct source_config){ .name = "prom",
					     .kind = SOURCE_PROMETHEUS,
					     .url = "http://prom",
					     .timeout_us = 5 * SECOND };
	make_fetch(2);
	request.expr = "errors > 0";
	request.labels = &none;
	return fetch_start(fetch, &request, on_done, &got);
}

static void prom_answers(const char *body)
{
	fake_http_reply(&http,
			(struct fake_reply){ .url_part = "//prom/", .status = 200, .body = body });
}

START_TEST(exemplars_come_before_the_search)
{
	prom_answers(EXEMPLARS(ID));
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(TRACE(ID)) });
	start_exemplars(NULL, 0);
	finish();
	ck_assert_uint_eq(http.nrequests, 2);
	ck_assert_ptr_nonnull(strstr(http.requests[0].url, "/api/v1/query_exemplars?query="));
	ck_assert_str_eq(http.requests[1].url, "http://jaeger/api/v3/traces/" ID);
	ck_assert_str_eq(got.first_id, ID);
	ck_assert_str_eq(got.source, "jaeger");
	ck_assert_int_eq(got.missing, FALLBACK_NONE);
}
END_TEST

START_TEST(ids_in_the_alert_come_before_exemplars)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(TRACE(ID)) });
	start_exemplars(one_id, 1);
	finish();
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_str_eq(got.first_id, ID);
}
END_TEST

/* Whatever the exemplars give, the search follows. */
static const struct {
	struct fake_reply prom;
	int64_t at_us;
} poor[] = {
	{ { .url_part = "//prom/", .status = 200, .body = "{\"data\":[]}" }, 0 },
	{ { .url_part = "//prom/", .status = 503 }, 0 },
	{ { .url_part = "//prom/", .error = "connection refused" }, 0 },
	{ { .url_part = "//prom/", .status = 200, .body = "<html>" }, 0 },
	{ { .url_part = "//prom/", .status = 200 }, 0 },
	/* Prometheus does not answer: that takes one second. */
	{ { .url_part = "//prom/", .status = 200, .delay_us = 60 * SECOND }, SECOND },
};

START_TEST(without_exemplars_there_is_the_search)
{
	fake_http_reply(&http, poor[_i].prom);
	fake_http_reply(&http, (struct fake_reply){ .url_part = "query.service_name=checkout",
						    .status = 200,
						    .body = V3(TRACE(ID)) });
	start_exemplars(NULL, 0);
	finish();
	ck_assert_str_eq(got.first_id, ID);
	ck_assert_int_eq(got.missing, FALLBACK_NONE);
	ck_assert_int_eq(got.at_us, poor[_i].at_us);
}
END_TEST

/* An exemplar of a request that succeeded is not taken. */
START_TEST(exemplars_that_did_not_fail_are_left_aside)
{
	prom_answers(EXEMPLARS(OTHER));
	fake_http_reply(&http,
			(struct fake_reply){
				.url_part = "/api/v3/traces/" OTHER,
				.status = 200,
				.body = V3(RESOURCE("checkout", SPAN(OTHER, "00f067aa0ba902b7",
								     "POST /orders", FINE))) });
	fake_http_reply(&http, (struct fake_reply){ .url_part = "query.service_name=checkout",
						    .status = 200,
						    .body = V3(TRACE(ID)) });
	start_exemplars(NULL, 0);
	finish();
	ck_assert_str_eq(got.first_id, ID);
	ck_assert_uint_eq(got.ntraces, 1);
}
END_TEST

START_TEST(neither_exemplars_nor_a_search)
{
	prom_answers("{\"data\":[]}");
	fake_http_reply(&http, unknown);
	start_exemplars(NULL, 0);
	finish();
	ck_assert_int_eq(got.missing, FALLBACK_NO_TRACE);
	ck_assert_str_eq(got.text,
			 "no exemplar of the alert's expression in prom; jaeger has no failing "
			 "trace of checkout POST /orders from 09:50 to 10:00 UTC (asked 6 times)");
	ck_assert_ptr_null(fake_http_request(&http, "//prom/", 1)); /* asked once */
}
END_TEST

/* Prometheus has no traces: alone it is no source. */
START_TEST(metrics_alone_are_no_source)
{
	sources[0] = (struct source_config){ .name = "prom",
					     .kind = SOURCE_PROMETHEUS,
					     .url = "http://prom" };
	start_id();
	finish();
	ck_assert_str_eq(got.text, "no trace source is declared");
}
END_TEST

/* ---- healthy traces ---- */

START_TEST(healthy_traces_are_those_whose_signal_did_not_fail)
{
	struct fetch_request request = request_of(&checkout, NULL, 0);

	request.healthy = true;
	/* In the second trace a span fails, but the signal's does not. */
	fake_http_reply(
		&http,
		(struct fake_reply){
			.status = 200,
			.body = V3(TRACE(ID) "," RESOURCE(
				"checkout", SPAN(OTHER, "00f067aa0ba902b7", "POST /orders",
						 FINE)) "," RESOURCE("inventory",
								     SPAN(OTHER, "00f067aa0ba902b8",
									  "reserve", FAILED))) });
	fetch_start(fetch, &request, on_done, &got);
	finish();
	ck_assert_ptr_null(strstr(http.requests[0].url, "error"));
	ck_assert_uint_eq(got.ntraces, 1);
	ck_assert_str_eq(got.first_id, OTHER);
}
END_TEST

START_TEST(healthy_traces_are_asked_for_once)
{
	struct fetch_request request = request_of(&checkout, NULL, 0);

	request.healthy = true;
	fake_http_reply(&http, unknown);
	fetch_start(fetch, &request, on_done, &got);
	finish();
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_int_eq(got.missing, FALLBACK_NO_TRACE);
	ck_assert_int_eq(got.at_us, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fetch_sources");
	TCase *tcase = tcase_create("sources");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_checked_fixture(tcase, sources_setup, drop_kept);
	tcase_add_test(tcase, alerts_of_a_storm_ask_once);
	tcase_add_test(tcase, an_id_in_other_words_is_the_same_question);
	tcase_add_test(tcase, searches_of_a_storm_are_one);
	tcase_add_test(tcase, other_questions_are_others);
	tcase_add_test(tcase, who_leaves_does_not_take_the_answer_along);
	tcase_add_test(tcase, the_last_who_leaves_ends_it);
	tcase_add_test(tcase, a_failure_is_shared_too);
	tcase_add_test(tcase, searches_are_paced);
	tcase_add_test(tcase, second_searches_are_paced);
	tcase_add_test(tcase, ids_are_not_paced);
	tcase_add_test(tcase, a_search_that_never_left_leaves_its_place);
	tcase_add_test(tcase, retry_after_is_obeyed);
	tcase_add_test(tcase, a_source_that_is_held_is_told);
	tcase_add_test(tcase, ids_that_a_search_gives_are_asked_for);
	tcase_add_test(tcase, an_empty_message_is_not_found);
	tcase_add_loop_test(tcase, zipkin_answers_whatever_the_case, 0, ARRAY_LEN(spellings));
	tcase_add_test(tcase, ids_of_a_search_are_asked_only_there);
	tcase_add_test(tcase, a_search_without_ids_falls_to_the_next_source);
	tcase_add_test(tcase, exemplars_come_before_the_search);
	tcase_add_test(tcase, ids_in_the_alert_come_before_exemplars);
	tcase_add_loop_test(tcase, without_exemplars_there_is_the_search, 0, ARRAY_LEN(poor));
	tcase_add_test(tcase, exemplars_that_did_not_fail_are_left_aside);
	tcase_add_test(tcase, neither_exemplars_nor_a_search);
	tcase_add_test(tcase, metrics_alone_are_no_source);
	tcase_add_test(tcase, healthy_traces_are_those_whose_signal_did_not_fail);
	tcase_add_test(tcase, healthy_traces_are_asked_for_once);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
