/* Tests of fetching: by id, many jobs at a time, and the reasons given when there is no trace. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fetch_kit.h"

START_TEST(finds_a_trace_by_id)
{
	fake_http_reply(&http, (struct fake_reply){
				       .status = 200, .body = V3(TRACE(ID)), .delay_us = 20000 });
	start_id();
	finish();
	ck_assert_uint_eq(got.ntraces, 1);
	ck_assert_str_eq(got.first_id, ID);
	ck_assert_int_eq(got.missing, FALLBACK_NONE);
	ck_assert_str_eq(got.text, "");
	ck_assert_str_eq(got.source, "jaeger");
	ck_assert_int_eq(got.at_us, 20000);
	ck_assert_str_eq(http.requests[0].url, "http://jaeger/api/v3/traces/" ID);
}
END_TEST

START_TEST(a_trace_in_small_pieces_is_the_same)
{
	fake_http_reply(&http,
			(struct fake_reply){ .status = 200, .body = V3(TRACE(ID)), .piece = 1 });
	start_id();
	finish();
	ck_assert_str_eq(got.first_id, ID);
}
END_TEST

START_TEST(not_there_twice_then_found)
{
	struct fake_reply twice = unknown;

	twice.times = 2;
	fake_http_reply(&http, twice);
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(TRACE(ID)) });
	start_id();
	finish();
	ck_assert_uint_eq(http.nrequests, 3);
	ck_assert_int_eq(asked_at(1), 250000);
	ck_assert_int_eq(asked_at(2), 750000);
	ck_assert_uint_eq(got.ntraces, 1);
	ck_assert_int_eq(got.missing, FALLBACK_NONE);
}
END_TEST

START_TEST(never_there)
{
	/* The last try is 0.2 s before the deadline. */
	static const int64_t times[] = { 0, 250000, 750000, 1750000, 3750000, 4800000 };

	fake_http_reply(&http, unknown);
	start_id();
	finish();
	ck_assert_uint_eq(http.nrequests, ARRAY_LEN(times));
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		ck_assert_int_eq(asked_at(i), times[i]);
	ck_assert_uint_eq(got.ntraces, 0);
	ck_assert_int_eq(got.missing, FALLBACK_TRACE_NOT_FOUND);
	ck_assert_str_eq(got.text, "trace " ID ": not found in jaeger after 6 tries over 4.8 s");
	ck_assert_int_eq(got.at_us, 4800000);
}
END_TEST

START_TEST(an_old_server_is_asked_the_old_way)
{
	fake_http_reply(&http, (struct fake_reply){ .url_part = "/v3/",
						    .status = 404,
						    .body = "404 page not found" });
	fake_http_reply(&http, (struct fake_reply){
				       .url_part = "/api/traces/", .status = 200, .body = V1(ID) });
	start_id();
	finish();
	ck_assert_uint_eq(http.nrequests, 2);
	ck_assert_str_eq(http.requests[1].url, "http://jaeger/api/traces/" ID);
	ck_assert_str_eq(got.first_id, ID);
}
END_TEST

START_TEST(a_page_for_browsers_is_no_v3)
{
	fake_http_reply(&http, (struct fake_reply){ .url_part = "/v3/",
						    .status = 200,
						    .body = "<!doctype html><html></html>" });
	fake_http_reply(&http, (struct fake_reply){
				       .url_part = "/api/traces/", .status = 200, .body = V1(ID) });
	start_id();
	finish();
	ck_assert_str_eq(got.first_id, ID);
}
END_TEST

START_TEST(the_next_source_is_asked)
{
	make_fetch(2);
	fake_http_reply(&http, (struct fake_reply){
				       .url_part = "//jaeger", .status = 500, .delay_us = 100000 });
	fake_http_reply(&http, (struct fake_reply){ .url_part = "//archive",
						    .status = 200,
						    .body = V3(TRACE(ID)) });
	start_id();
	finish();
	ck_assert_uint_eq(http.nrequests, 2);
	ck_assert_int_eq(got.at_us, 100000);
	ck_assert_str_eq(got.source, "archive");
	ck_assert_int_eq(got.missing, FALLBACK_NONE);
}
END_TEST

START_TEST(a_slow_source_falls_to_the_next)
{
	sources[0].timeout_us = SECOND;
	make_fetch(2);
	fake_http_reply(&http, (struct fake_reply){ .url_part = "//jaeger",
						    .status = 200,
						    .delay_us = 60 * SECOND });
	fake_http_reply(&http, (struct fake_reply){ .url_part = "//archive",
						    .status = 200,
						    .body = V3(TRACE(ID)) });
	start_id();
	finish();
	ck_assert_int_eq(got.at_us, SECOND);
	ck_assert_str_eq(got.source, "archive");
}
END_TEST

START_TEST(each_source_says_its_part)
{
	make_fetch(2);
	fake_http_reply(&http, (struct fake_reply){ .url_part = "//jaeger", .status = 500 });
	fake_http_reply(&http, unknown);
	start_id();
	finish();
	ck_assert_int_eq(got.missing, FALLBACK_SOURCE_ERROR);
	ck_assert_str_eq(
		got.text,
		"trace " ID
		": jaeger answered HTTP 500; not found in archive after 6 tries over 4.8 s");
}
END_TEST

START_TEST(a_refused_token_ends_at_once)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 401, .delay_us = 1000 });
	start_id();
	finish();
	ck_assert_int_eq(got.at_us, 1000);
	ck_assert_int_eq(got.missing, FALLBACK_SOURCE_ERROR);
	ck_assert_str_eq(got.text, "trace " ID ": jaeger answered HTTP 401");
}
END_TEST

START_TEST(a_dead_source_is_told)
{
	fake_http_reply(&http, (struct fake_reply){ .error = "connection refused" });
	start_id();
	finish();
	ck_assert_uint_eq(http.nrequests, 6);
	ck_assert_int_eq(got.missing, FALLBACK_SOURCE_ERROR);
	ck_assert_str_eq(got.text, "trace " ID ": jaeger did not answer: connection refused");
}
END_TEST

START_TEST(an_exhausted_transport_is_told)
{
	http.refuse = true;
	start_id();
	finish();
	ck_assert_int_eq(got.missing, FALLBACK_SOURCE_ERROR);
	ck_assert_str_eq(got.text,
			 "trace " ID ": jaeger was not asked: out of memory or descriptors");
}
END_TEST

START_TEST(silence_spends_the_budget)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .delay_us = 60 * SECOND });
	start_id();
	finish();
	ck_assert_int_eq(got.at_us, 5 * SECOND);
	ck_assert_uint_eq(got.ntraces, 0);
	ck_assert_int_eq(got.missing, FALLBACK_BUDGET_SPENT);
	ck_assert_str_eq(got.text, "trace " ID ": jaeger had not answered");
}
END_TEST

START_TEST(the_deadline_cuts_a_request_short)
{
	struct fake_reply once = unknown;

	once.times = 1;
	fake_http_reply(&http, once);
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .delay_us = 60 * SECOND });
	sources[0].timeout_us = 30 * SECOND;
	start_id();
	finish();
	ck_assert_int_eq(got.at_us, 5 * SECOND);
	ck_assert_int_eq(http.requests[1].timeout_us, 30 * SECOND);
	ck_assert_uint_eq(http.open, 0);
	ck_assert_int_eq(got.missing, FALLBACK_TRACE_NOT_FOUND);
}
END_TEST

START_TEST(nonsense_is_a_bad_trace)
{
	fake_http_reply(&http,
			(struct fake_reply){ .status = 200,
					     .body = "{\"result\":{\"resourceSpans\":[{\"" });
	start_id();
	finish();
	ck_assert_int_eq(got.at_us, 0);
	ck_assert_int_eq(got.missing, FALLBACK_BAD_TRACE);
	ck_assert_ptr_nonnull(strstr(got.text, "jaeger sent a document that is no trace: "));
}
END_TEST

START_TEST(an_empty_answer_is_a_bad_trace)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 200 });
	start_id();
	finish();
	ck_assert_int_eq(got.missing, FALLBACK_BAD_TRACE);
	ck_assert_str_eq(got.text,
			 "trace " ID ": jaeger sent a document that is no trace: an empty answer");
}
END_TEST

START_TEST(a_document_without_spans_is_not_found)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3("") });
	start_id();
	finish();
	ck_assert_int_eq(got.missing, FALLBACK_TRACE_NOT_FOUND);
}
END_TEST

/* 65 MiB of white space. */
START_TEST(a_huge_document_is_too_large)
{
	size_t len = (size_t)LIMIT_TRACE_BODY_BYTES + (1u << 20) - 1;
	char *body = malloc(len);

	ck_assert_ptr_nonnull(body);
	memset(body, ' ', len);
	fake_http_reply(
		&http,
		(struct fake_reply){ .status = 200, .body = body, .len = len, .piece = 1u << 20 });
	start_id();
	finish();
	free(body);
	ck_assert_int_eq(got.missing, FALLBACK_TRACE_TOO_LARGE);
	ck_assert_ptr_nonnull(strstr(got.text, "jaeger sent a trace that is too large: "));
	ck_assert_uint_eq(http.nrequests, 1);
}
END_TEST

START_TEST(a_long_refusal_is_judged_by_its_status)
{
	size_t len = (size_t)LIMIT_REPLY_BYTES + 1;
	char *body = malloc(len);

	ck_assert_ptr_nonnull(body);
	memset(body, 'x', len);
	fake_http_reply(&http, (struct fake_reply){
				       .status = 403, .body = body, .len = len, .piece = 1000 });
	start_id();
	finish();
	free(body);
	ck_assert_str_eq(got.text, "trace " ID ": jaeger answered HTTP 403");
}
END_TEST

START_TEST(full_memory_is_too_large)
{
	memory.cap_bytes = 64;
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(TRACE(ID)) });
	start_id();
	finish();
	ck_assert_int_eq(got.missing, FALLBACK_TRACE_TOO_LARGE);
}
END_TEST

/* White space before the document makes the body larger than LIMIT_INLINE_TRACE_BYTES. */
static char *padded(void)
{
	static const char document[] = V3(TRACE(ID));
	size_t pad = LIMIT_INLINE_TRACE_BYTES;
	char *body = malloc(pad + sizeof(document));

	ck_assert_ptr_nonnull(body);
	memset(body, ' ', pad);
	memcpy(body + pad, document, sizeof(document));
	return body;
}

START_TEST(large_documents_are_linked_in_the_pool)
{
	char *body = padded();

	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = body });
	start_id();
	timers_run(fake.timers,
		   fake.mono_us); /* the reply has arrived; the pool has its document */
	timers_run(fake.timers, fake.mono_us);
	ck_assert_int_eq(got.calls, 0);
	ck_assert_uint_eq(http.open, 0);
	ck_assert_uint_eq(pool_poll(fake.pool), 1);
	finish();
	ck_assert_str_eq(got.first_id, ID);
	free(body);
}
END_TEST

START_TEST(cancel_while_the_pool_works)
{
	char *body = padded();

	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = body });
	struct fetch_job *job = start_id();
	timers_run(fake.timers, fake.mono_us);
	fetch_cancel(job);
	fake_clock_run_idle(&fake, 100 * SECOND);
	ck_assert_int_eq(got.calls, 0);
	free(body);
}
END_TEST

START_TEST(cancel_at_any_time)
{
	fake_http_reply(
		&http, (struct fake_reply){
			       .status = 404, .times = 1, .delay_us = 1000, .body = unknown.body });
	fake_http_reply(&http, (struct fake_reply){
				       .status = 200, .delay_us = 1000, .body = V3(TRACE(ID)) });
	/* Cancelled at the start, in the first request, in the pause, in the second request. */
	static const int64_t moments[] = { 0, 500, 100000, 251500 };
	struct fetch_job *job = start_id();

	if (moments[_i] > 0)
		fake_clock_advance(&fake, moments[_i]);
	fetch_cancel(job);
	fake_clock_run_idle(&fake, 100 * SECOND);
	ck_assert_int_eq(got.calls, 0);
	ck_assert_uint_eq(http.open, 0);
}
END_TEST

START_TEST(cancel_with_a_trace_in_hand)
{
	static const char *const ids[] = { ID, OTHER };

	fake_http_reply(
		&http, (struct fake_reply){ .url_part = ID, .status = 200, .body = V3(TRACE(ID)) });
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .delay_us = SECOND });
	struct fetch_job *job = start(NULL, ids, 2);
	fake_clock_advance(&fake, SECOND / 2);
	ck_assert_uint_gt(memory.used_bytes, 0);
	fetch_cancel(job);
	ck_assert_uint_eq(http.cancelled, 1);
	/* The trace that was found is kept for others. */
	ck_assert_uint_gt(memory.used_bytes, 0);
	fake_clock_advance(&fake, LIMIT_ANSWER_KEPT_US);
	ck_assert_uint_eq(memory.used_bytes, 0);
}
END_TEST

START_TEST(ids_are_looked_up_once_and_a_few_at_a_time)
{
	static const char *const ids[] = { ID,
					   OTHER,
					   "4BF92F3577B34DA6A3CE929D0E0E4736",
					   "1111111111111111",
					   "2222222222222222",
					   "3333333333333333" };

	fake_http_reply(&http, (struct fake_reply){ .url_part = OTHER,
						    .status = 200,
						    .body = V3(TRACE(OTHER)),
						    .delay_us = 10000 });
	fake_http_reply(&http, (struct fake_reply){
				       .status = 404, .body = unknown.body, .delay_us = 10000 });
	start(NULL, ids, ARRAY_LEN(ids));
	ck_assert_uint_eq(http.nrequests, LIMIT_LOOKUPS_PER_ALERT);
	finish();
	ck_assert_uint_eq(http.most_open, LIMIT_LOOKUPS_PER_ALERT);
	ck_assert_uint_eq(got.ntraces, 1);
	ck_assert_str_eq(got.first_id, OTHER);
	/* After one trace was found, each other id gets 3 tries: the last at 10 + 260 + 510 ms. */
	ck_assert_uint_eq(http.nrequests, 1 + 4 * 3);
	ck_assert_int_eq(got.at_us, 790000);
	ck_assert_int_eq(got.missing, FALLBACK_TRACE_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(got.text, "4 of 5 traces are missing; trace " ID
					       ": not found in jaeger after 3 "
					       "tries over 0.8 s"));
}
END_TEST

/* An order that succeeds although a service below it fails. */
#define HANDLED(trace)                                                                             \
	RESOURCE("checkout", SPAN(trace, "00f067aa0ba902b7", "POST /orders", FINE))                \
	"," RESOURCE("inventory", SPAN(trace, "00f067aa0ba902b8", "reserve", FAILED))
/* An order that begins the given number of seconds after a fixed time. */
#define AT(trace, second, status)                                                                  \
	RESOURCE("checkout",                                                                       \
		 "{\"traceId\":\"0000000000000000000000000000000" trace                            \
		 "\",\"spanId\":\"00f067aa0ba902b7\",\"name\":\"POST /orders\",\"kind\":2,"        \
		 "\"startTimeUnixNano\":\"17882567" second                                         \
		 "000000000\",\"endTimeUnixNano\":\"1788256799500000000\"," status "}")

struct got_ids {
	size_t n;
	bool seen[10]; /* by the last digit */
};

static void on_ids(void *ctx, struct fetch_result *result)
{
	struct got_ids *ids = ctx;

	ids->n = result->ntraces;
	for (size_t i = 0; i < result->ntraces; i++) {
		const char *id = trace_text(result->traces[i], result->traces[i]->id);
		ids->seen[id[strlen(id) - 1] - '0'] = true;
	}
	for (size_t i = 0; i < result->nsets; i++)
		fetched_set_unref(result->sets[i]);
}

START_TEST(searches_for_failing_traces)
{
	fake_http_reply(&http, unknown);
	start(&checkout, NULL, 0);
	finish();
	/* In each round a search with the error tag, then one without. */
	ck_assert_uint_eq(http.nrequests, 12);
	for (size_t i = 0; i < 12; i++)
		ck_assert_int_eq(strstr(http.requests[i].url,
					"query.attributes=%7B%22error%22%3A%22true%22%7D") != NULL,
				 i % 2 == 0);
	ck_assert_int_eq(got.missing, FALLBACK_NO_TRACE);
	ck_assert_str_eq(got.text, "jaeger has no failing trace of checkout POST /orders from "
				   "09:50 to 10:00 UTC (asked 6 times)");
}
END_TEST

START_TEST(a_search_gives_many_traces_up_to_the_limit)
{
	struct fetch_request request = { .signal = &checkout,
					 .limit = 2,
					 .deadline_us = fake.mono_us + SECOND };

	fake_http_reply(&http, (struct fake_reply){ .status = 200,
						    .body = V3(TRACE(ID) "," TRACE(OTHER) "," TRACE(
							    "11111111111111111111111111111111")) });
	fetch_start(fetch, &request, on_done, &got);
	finish();
	ck_assert_uint_eq(got.ntraces, 2);
	ck_assert_int_eq(got.missing, FALLBACK_NONE);
	ck_assert_ptr_nonnull(strstr(http.requests[0].url, "query.search_depth=2"));
}
END_TEST

/* Backends send other traces along, in any order: the newest failing ones are taken. An order that
 * succeeds although inventory fails is not failing. */
START_TEST(the_newest_failing_traces_are_taken)
{
	struct fetch_request request = { .signal = &checkout,
					 .limit = 2,
					 .deadline_us = fake.mono_us + SECOND };
	struct got_ids ids = { .n = 0 };

	fake_http_reply(&http,
			(struct fake_reply){
				.status = 200,
				.body = V3(AT("1", "41", FAILED) "," AT("2", "44", FINE) "," AT(
					"3", "43",
					FAILED) "," HANDLED(ID) "," AT("4", "42",
								       FAILED) "," AT("5", "40",
										      FAILED)) });
	fetch_start(fetch, &request, on_ids, &ids);
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_uint_eq(ids.n, 2);
	ck_assert(ids.seen[3] && ids.seen[4]);
}
END_TEST

START_TEST(after_an_empty_answer_any_are_looked_through)
{
	fake_http_reply(&http,
			(struct fake_reply){ .url_part = "error", .status = 200, .body = V3("") });
	fake_http_reply(&http, (struct fake_reply){ .status = 200,
						    .body = V3(HANDLED(OTHER) "," TRACE(ID)) });
	start(&checkout, NULL, 0);
	finish();
	ck_assert_uint_eq(http.nrequests, 2);
	ck_assert_uint_eq(got.ntraces, 1);
	ck_assert_str_eq(got.first_id, ID);
}
END_TEST

START_TEST(without_a_failing_one_there_is_none)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(HANDLED(ID)) });
	start(&checkout, NULL, 0);
	finish();
	ck_assert_int_eq(got.missing, FALLBACK_NO_TRACE);
	ck_assert_str_eq(got.text, "jaeger has no failing trace of checkout POST /orders from "
				   "09:50 to 10:00 UTC (asked 6 times)");
}
END_TEST

/* A backend that rejects the question is not asked it again. */
START_TEST(a_search_that_cannot_be_done_is_given_up)
{
	fake_http_reply(
		&http,
		(struct fake_reply){ .status = 500,
				     .body = "{\"error\":{\"httpCode\":500,\"message\":"
					     "\"search depth must be greater than 0 and less than "
					     "max traces\"}}" });
	start(&checkout, NULL, 0);
	finish();
	/* A search for errors; one for any trace; one for fewer traces. */
	ck_assert_uint_eq(http.nrequests, 3);
	ck_assert_int_eq(got.at_us, 0);
	ck_assert_int_eq(got.missing, FALLBACK_SOURCE_ERROR);
	ck_assert_str_eq(got.text, "jaeger answered HTTP 500: it cannot do this search");
}
END_TEST

/* The cap on traces in flight acts as the cap on a body. */
START_TEST(what_is_too_large_is_asked_for_in_part)
{
	fake_http_reply(&http, (struct fake_reply){ .url_part = "num_traces=100",
						    .status = 200,
						    .body = V3(TRACE(ID) "," TRACE(OTHER)) });
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(TRACE(ID)) });
	memory.cap_bytes = 0;
	start(&checkout, NULL, 0);
	finish();
	ck_assert_uint_eq(http.nrequests, 2);
	ck_assert_ptr_nonnull(strstr(http.requests[1].url, "num_traces=10&"));
	ck_assert_ptr_nonnull(strstr(http.requests[1].url, "error"));
	ck_assert_int_eq(got.missing, FALLBACK_TRACE_TOO_LARGE);
}
END_TEST

START_TEST(slow_signals_are_searched_without_errors)
{
	struct signal slow = checkout;

	slow.mode = WALK_LATENCY;
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(TRACE(ID)) });
	start(&slow, NULL, 0);
	finish();
	ck_assert_ptr_null(strstr(http.requests[0].url, "error"));
}
END_TEST

START_TEST(undecided_signals_take_any_trace_in_the_third_round)
{
	struct signal any = checkout;

	any.mode = WALK_AUTO;
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(HANDLED(ID)) });
	start(&any, NULL, 0);
	finish();
	ck_assert_uint_eq(http.nrequests, 3);
	ck_assert_int_eq(got.at_us, 750000);
	ck_assert_uint_eq(got.ntraces, 1);
}
END_TEST

START_TEST(a_service_that_is_a_pattern_cannot_be_searched)
{
	struct signal glob = checkout;

	glob.service = "check*";
	start(&glob, NULL, 0);
	finish();
	ck_assert_uint_eq(http.nrequests, 0);
	ck_assert_int_eq(got.missing, FALLBACK_SOURCE_ERROR);
	ck_assert_str_eq(got.text, "jaeger cannot be searched for this signal");
}
END_TEST

START_TEST(nothing_to_look_for)
{
	start(NULL, NULL, 0);
	finish();
	ck_assert_int_eq(got.missing, FALLBACK_NO_TRACE);
	ck_assert_str_eq(got.text, "the alert names no trace, and there is nothing to search for");
}
END_TEST

START_TEST(no_sources)
{
	make_fetch(0);
	start_id();
	finish();
	ck_assert_int_eq(got.missing, FALLBACK_NO_TRACE);
	ck_assert_str_eq(got.text, "no trace source is declared");
}
END_TEST

START_TEST(a_deadline_that_is_over)
{
	struct fetch_request request = { .signal = &checkout,
					 .deadline_us = fake.mono_us - SECOND };

	fake_http_reply(&http, (struct fake_reply){
				       .status = 200, .body = V3(TRACE(ID)), .delay_us = SECOND });
	fetch_start(fetch, &request, on_done, &got);
	finish();
	ck_assert_int_eq(got.at_us, 0);
	ck_assert_int_eq(got.missing, FALLBACK_BUDGET_SPENT);
	ck_assert_str_eq(got.text, "jaeger had not answered");
}
END_TEST

/* Many jobs; each notes its number when it ends. */
static int order[200];
static int norder;

static void note_order(void *ctx, struct fetch_result *result)
{
	order[norder++] = (int)(intptr_t)ctx;
	for (size_t i = 0; i < result->nsets; i++)
		fetched_set_unref(result->sets[i]);
}

/* A job for a trace that no other job asks for. */
static struct fetch_job *start_lost(int i, int64_t time_us, fetch_done *done, void *ctx)
{
	char id[33];
	const char *const ids[] = { id };
	struct fetch_request request = { .trace_ids = ids,
					 .ntrace_ids = 1,
					 .deadline_us = fake.mono_us + time_us };

	snprintf(id, sizeof(id), "105700000000000000000000%08x", (unsigned int)i);
	return fetch_start(fetch, &request, done, ctx);
}

START_TEST(jobs_beyond_the_cap_wait_in_order)
{
	enum { JOBS = LIMIT_ENRICHING + 36 };
	struct fetch_job *jobs[JOBS];

	norder = 0;
	fake_http_reply(&http, (struct fake_reply){
				       .status = 200, .body = V3(TRACE(ID)), .delay_us = SECOND });
	for (int i = 0; i < JOBS; i++)
		jobs[i] = start_lost(i, 5 * SECOND, note_order, (void *)(intptr_t)i);
	ck_assert_uint_eq(http.open, LIMIT_ENRICHING);
	fetch_cancel(jobs[JOBS - 1]);
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_int_eq(norder, JOBS - 1);
	ck_assert_uint_eq(http.most_open, LIMIT_ENRICHING);
	/* The second wave of jobs began when the first had ended; each ran in order. */
	for (int i = 0; i < LIMIT_ENRICHING; i++)
		ck_assert_int_lt(order[i], LIMIT_ENRICHING);
	for (int i = LIMIT_ENRICHING; i < JOBS - 1; i++)
		ck_assert_int_ge(order[i], LIMIT_ENRICHING);
}
END_TEST

START_TEST(a_job_may_never_have_its_turn)
{
	static const char *const ids[] = { ID };
	struct fetch_request request = { .trace_ids = ids, .ntrace_ids = 1 };

	fake_http_reply(&http, (struct fake_reply){ .status = 200, .delay_us = 60 * SECOND });
	for (int i = 0; i < LIMIT_ENRICHING; i++)
		start_lost(i, 5 * SECOND, note_order, NULL);
	norder = 0;
	request.deadline_us = fake.mono_us + 3 * SECOND;
	fetch_start(fetch, &request, on_done, &got);
	finish();
	ck_assert_int_eq(got.at_us, 3 * SECOND);
	ck_assert_int_eq(got.missing, FALLBACK_BUDGET_SPENT);
	ck_assert_int_eq(norder, LIMIT_ENRICHING);
}
END_TEST

/* Jobs with a deadline in a minute, which note when they end. */
static void start_many(int n)
{
	norder = 0;
	for (int i = 0; i < n; i++)
		start_lost(i, 60 * SECOND, note_order, NULL);
}

static void start_there(void)
{
	static const char *const ids[] = { ID };
	struct fetch_request request = { .trace_ids = ids,
					 .ntrace_ids = 1,
					 .deadline_us = fake.mono_us + 60 * SECOND };

	fetch_start(fetch, &request, on_done, &got);
}

static void answer_after(int64_t us)
{
	fake_http_reply(
		&http, (struct fake_reply){ .url_part = ID, .status = 200, .body = V3(TRACE(ID)) });
	fake_http_reply(&http,
			(struct fake_reply){ .status = 404, .body = unknown.body, .delay_us = us });
}

/* Jobs whose traces are never found give up their places between tries; new jobs come first. */
START_TEST(the_hopeless_make_room)
{
	answer_after(10000);
	start_many(LIMIT_ENRICHING);
	start_there();
	ck_assert_uint_eq(http.open, LIMIT_ENRICHING);
	fake_clock_advance(&fake, 20000);
	ck_assert_int_eq(got.calls, 1);
	ck_assert_int_eq(got.at_us, 10000);
	ck_assert_uint_eq(got.ntraces, 1);
	ck_assert_int_eq(norder, 0);
	finish();
	ck_assert_int_eq(norder, LIMIT_ENRICHING);
}
END_TEST

/* A backend takes two seconds to say no: jobs that ask again hold half of the places at most. */
START_TEST(those_that_ask_again_leave_places_free)
{
	answer_after(2 * SECOND);
	start_many((int)ARRAY_LEN(order) - 1);
	fake_clock_advance(&fake, 30 * SECOND);
	ck_assert_uint_eq(http.open, LIMIT_ENRICHING_AGAIN);
	start_there();
	fake_clock_advance(&fake, 1);
	ck_assert_int_eq(got.at_us, 30 * SECOND);
	finish();
	ck_assert_int_eq(norder, (int)ARRAY_LEN(order) - 1);
}
END_TEST

START_TEST(who_asked_least_comes_first)
{
	answer_after(SECOND);
	start_many(2 * LIMIT_ENRICHING);
	/* Two waves of first tries, then the first wave of second tries, which were due earlier. */
	fake_clock_advance(&fake, 2 * SECOND);
	ck_assert_uint_eq(http.nrequests, 2 * LIMIT_ENRICHING + LIMIT_ENRICHING_AGAIN);
	fake_clock_run_idle(&fake, 100 * SECOND);
	ck_assert_int_eq(norder, 2 * LIMIT_ENRICHING);
}
END_TEST

/* fetch_explain() of a running job. */

static void explains(struct fetch_job *job, enum fallback_code code, const char *wanted)
{
	const char *text;

	fake_clock_advance(&fake, 2 * SECOND);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(fetch_explain(job, &text), code);
		ck_assert_str_eq(text, wanted);
	}
	finish(); /* the job is not changed by the question */
	ck_assert_int_ge(got.at_us, 4800000);
}

START_TEST(explains_silence)
{
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .delay_us = 60 * SECOND });
	explains(start_id(), FALLBACK_BUDGET_SPENT, "trace " ID ": jaeger had not answered");
}
END_TEST

START_TEST(explains_what_was_not_found)
{
	fake_http_reply(&http, unknown);
	explains(start_id(), FALLBACK_TRACE_NOT_FOUND,
		 "trace " ID ": not found in jaeger after 4 tries over 1.8 s");
}
END_TEST

START_TEST(explains_a_dead_source)
{
	fake_http_reply(&http, (struct fake_reply){ .error = "connection refused" });
	explains(start_id(), FALLBACK_SOURCE_ERROR,
		 "trace " ID ": jaeger did not answer: connection refused");
}
END_TEST

/* One id hangs; the reason is the source's answer for the other id. */
START_TEST(explains_by_who_has_answered)
{
	static const char *const ids[] = { OTHER, ID };

	fake_http_reply(&http, (struct fake_reply){
				       .url_part = OTHER, .status = 200, .delay_us = 60 * SECOND });
	fake_http_reply(&http, (struct fake_reply){ .status = 500 });
	explains(start(NULL, ids, 2), FALLBACK_SOURCE_ERROR,
		 "trace " ID ": jaeger answered HTTP 500");
}
END_TEST

/* The search that replaces ids which are not found. */

START_TEST(ids_that_are_lost_are_searched_for)
{
	static const char *const ids[] = { OTHER };

	fake_http_reply(&http, (struct fake_reply){
				       .url_part = OTHER, .status = 404, .body = unknown.body });
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = V3(TRACE(ID)) });
	start(&checkout, ids, 1);
	finish();
	/* By id at 0 and 250 ms, then the search at once. */
	ck_assert_uint_eq(http.nrequests, 3);
	ck_assert_ptr_nonnull(strstr(http.requests[2].url, "query.service_name=checkout"));
	ck_assert_int_eq(got.at_us, 250000);
	ck_assert_str_eq(got.first_id, ID);
	ck_assert_int_eq(got.missing, FALLBACK_TRACE_NOT_FOUND);
	ck_assert_str_eq(got.text, "these are other traces of the signal; trace " OTHER
				   ": not found in jaeger after 2 tries over 0.2 s");
}
END_TEST

START_TEST(an_id_that_is_found_beats_the_search)
{
	static const char *const ids[] = { ID };
	struct fake_reply twice = unknown;

	twice.url_part = ID;
	twice.times = 2;
	fake_http_reply(&http, twice);
	fake_http_reply(
		&http, (struct fake_reply){ .url_part = ID, .status = 200, .body = V3(TRACE(ID)) });
	fake_http_reply(&http, (struct fake_reply){ .url_part = "service_name",
						    .status = 200,
						    .body = V3(TRACE(OTHER)),
						    .delay_us = SECOND });
	start(&checkout, ids, 1);
	finish();
	ck_assert_int_eq(got.at_us, 750000);
	ck_assert_uint_eq(got.ntraces, 1);
	ck_assert_str_eq(got.first_id, ID);
	ck_assert_int_eq(got.missing, FALLBACK_NONE);
	ck_assert_uint_eq(http.cancelled, 1);
}
END_TEST

START_TEST(neither_by_id_nor_by_search)
{
	static const char *const ids[] = { ID };

	fake_http_reply(&http, unknown);
	start(&checkout, ids, 1);
	finish();
	ck_assert_int_eq(got.missing, FALLBACK_TRACE_NOT_FOUND);
	/* The search at 0.25, 0.5, 1, 2, 4 and 4.8 s. */
	ck_assert_str_eq(
		got.text,
		"trace " ID ": not found in jaeger after 6 tries over 4.8 s; jaeger has no "
		"failing trace of checkout POST /orders from 09:50 to 10:00 UTC (asked 6 times)");
}
END_TEST

START_TEST(an_id_that_hangs_does_not_hold_what_is_there)
{
	static const char *const ids[] = { ID, OTHER };
	struct fetch_request request = { .trace_ids = ids,
					 .ntrace_ids = 2,
					 .deadline_us = fake.mono_us + 60 * SECOND,
					 .enough_us = fake.mono_us + 4 * SECOND };

	fake_http_reply(
		&http, (struct fake_reply){ .url_part = ID, .status = 200, .body = V3(TRACE(ID)) });
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .delay_us = 50 * SECOND });
	fetch_start(fetch, &request, on_done, &got);
	finish();
	ck_assert_int_eq(got.at_us, 4 * SECOND);
	ck_assert_str_eq(got.first_id, ID);
	ck_assert_str_eq(got.text,
			 "1 of 2 traces are missing; trace " OTHER ": jaeger had not answered");
}
END_TEST

static TCase *case_http(void)
{
	TCase *tcase = tcase_create("http");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, finds_a_trace_by_id);
	tcase_add_test(tcase, a_trace_in_small_pieces_is_the_same);
	tcase_add_test(tcase, not_there_twice_then_found);
	tcase_add_test(tcase, never_there);
	tcase_add_test(tcase, an_old_server_is_asked_the_old_way);
	tcase_add_test(tcase, a_page_for_browsers_is_no_v3);
	tcase_add_test(tcase, the_next_source_is_asked);
	tcase_add_test(tcase, a_slow_source_falls_to_the_next);
	tcase_add_test(tcase, each_source_says_its_part);
	tcase_add_test(tcase, a_refused_token_ends_at_once);
	tcase_add_test(tcase, a_dead_source_is_told);
	tcase_add_test(tcase, an_exhausted_transport_is_told);
	tcase_add_test(tcase, silence_spends_the_budget);
	tcase_add_test(tcase, the_deadline_cuts_a_request_short);
	tcase_add_test(tcase, nonsense_is_a_bad_trace);
	tcase_add_test(tcase, an_empty_answer_is_a_bad_trace);
	tcase_add_test(tcase, a_document_without_spans_is_not_found);
	tcase_add_test(tcase, a_huge_document_is_too_large);
	tcase_add_test(tcase, a_long_refusal_is_judged_by_its_status);
	tcase_add_test(tcase, full_memory_is_too_large);
	tcase_add_test(tcase, large_documents_are_linked_in_the_pool);
	tcase_add_test(tcase, cancel_while_the_pool_works);
	tcase_add_loop_test(tcase, cancel_at_any_time, 0, 4);
	tcase_add_test(tcase, cancel_with_a_trace_in_hand);
	tcase_add_test(tcase, ids_are_looked_up_once_and_a_few_at_a_time);
	tcase_add_test(tcase, searches_for_failing_traces);
	tcase_add_test(tcase, a_search_gives_many_traces_up_to_the_limit);
	tcase_add_test(tcase, the_newest_failing_traces_are_taken);
	tcase_add_test(tcase, after_an_empty_answer_any_are_looked_through);
	tcase_add_test(tcase, without_a_failing_one_there_is_none);
	tcase_add_test(tcase, a_search_that_cannot_be_done_is_given_up);
	tcase_add_test(tcase, what_is_too_large_is_asked_for_in_part);
	tcase_add_test(tcase, slow_signals_are_searched_without_errors);
	tcase_add_test(tcase, undecided_signals_take_any_trace_in_the_third_round);
	tcase_add_test(tcase, a_service_that_is_a_pattern_cannot_be_searched);
	tcase_add_test(tcase, nothing_to_look_for);
	tcase_add_test(tcase, no_sources);
	tcase_add_test(tcase, a_deadline_that_is_over);
	tcase_add_test(tcase, jobs_beyond_the_cap_wait_in_order);
	tcase_add_test(tcase, a_job_may_never_have_its_turn);
	tcase_add_test(tcase, the_hopeless_make_room);
	tcase_add_test(tcase, those_that_ask_again_leave_places_free);
	tcase_add_test(tcase, who_asked_least_comes_first);
	tcase_add_test(tcase, explains_silence);
	tcase_add_test(tcase, explains_what_was_not_found);
	tcase_add_test(tcase, explains_a_dead_source);
	tcase_add_test(tcase, explains_by_who_has_answered);
	tcase_add_test(tcase, ids_that_are_lost_are_searched_for);
	tcase_add_test(tcase, an_id_that_is_found_beats_the_search);
	tcase_add_test(tcase, neither_by_id_nor_by_search);
	tcase_add_test(tcase, an_id_that_hangs_does_not_hold_what_is_there);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("fetch");

	suite_add_tcase(suite, case_http());
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
