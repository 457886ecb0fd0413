/* Tests of questions that many alerts have: kept answers, who waits for an answer of others,
 * slices, places, and a storm. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fetch_kit.h"

#define MS US_PER_MS

static const char *const one_id[] = { ID };

/* Results of several jobs. */
static struct {
	int calls;
	size_t found; /* jobs with a trace */
	int64_t last_us;
	int64_t longest_us; /* from a job's start to its result; its context is its start */
} seen;

/* ctx: when the job started, in microseconds since the start of the fake clock. */
static void on_seen(void *ctx, struct fetch_result *result)
{
	seen.calls++;
	seen.found += result->ntraces > 0;
	seen.last_us = fake_clock_elapsed_us(&fake);
	if (seen.last_us - (intptr_t)ctx > seen.longest_us)
		seen.longest_us = seen.last_us - (intptr_t)ctx;
	for (size_t i = 0; i < result->nsets; i++)
		fetched_set_unref(result->sets[i]);
}

static struct fetch_job *start_seen(const struct fetch_request *request)
{
	return fetch_start(fetch, request, on_seen, (void *)(intptr_t)fake_clock_elapsed_us(&fake));
}

/* Is the result there at once? */
static void start_and_finish(const struct fetch_request *request)
{
	struct fetch_request now = *request;
	int calls = seen.calls;

	now.deadline_us = fake.mono_us + 100 * MS;
	start_seen(&now);
	fake_clock_advance(&fake, 0);
	ck_assert_int_eq(seen.calls, calls + 1);
}

/* A request by an id that no other number has; the id's memory is the caller's. */
static struct fetch_request request_of_number(char id[33], const char **ids, unsigned int number)
{
	snprintf(id, 33, "1057000000000000%016x", number);
	*ids = id;
	return request_of(NULL, ids, 1);
}

static struct fetch_job *start_number(unsigned int number)
{
	char id[33];
	const char *ids[1];
	const struct fetch_request request = request_of_number(id, ids, number);

	return start_seen(&request);
}

static void shared_setup(void)
{
	memset(&seen, 0, sizeof(seen));
}

static void reply_found(int64_t delay_us)
{
	fake_http_reply(
		&http,
		(struct fake_reply){ .status = 200, .body = V3(TRACE(ID)), .delay_us = delay_us });
}

static void reply_once(struct fake_reply reply)
{
	reply.times = 1;
	fake_http_reply(&http, reply);
}

/* ---- kept answers ---- */

START_TEST(traces_are_kept_for_ten_seconds)
{
	struct fetch_request request = request_of(&checkout, NULL, 0);

	reply_found(0);
	start_and_finish(&request);
	fake_clock_advance(&fake, 5 * SECOND);
	start_and_finish(&request);
	fake_clock_advance(&fake, 5 * SECOND - 1);
	start_and_finish(&request);
	ck_assert_uint_eq(http.nrequests, 1);
	fake_clock_advance(&fake, 1);
	start_and_finish(&request);
	ck_assert_uint_eq(http.nrequests, 2);
	fake_clock_advance(&fake, 11 * SECOND);
	start_and_finish(&request);
	ck_assert_uint_eq(http.nrequests, 3);
	ck_assert_uint_eq(seen.found, 5);
}
END_TEST

START_TEST(a_trace_by_its_id_is_kept_too)
{
	struct fetch_request request = request_of(NULL, one_id, 1);

	reply_found(0);
	start_and_finish(&request);
	request.from_us -= 60 * SECOND; /* by id the window is only a hint */
	start_and_finish(&request);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_uint_eq(seen.found, 2);
}
END_TEST

START_TEST(ids_that_a_search_gave_are_kept)
{
	const struct fetch_request request = request_of(&checkout, NULL, 0);

	sources[0] = (struct source_config){ .name = "tempo",
					     .kind = SOURCE_TEMPO,
					     .url = "http://tempo" };
	fake_http_reply(&http, (struct fake_reply){ .url_part = "/api/search?",
						    .status = 200,
						    .body = "{\"traces\":[{\"traceID\":\"" ID
							    "\"},{\"traceID\":\"" OTHER "\"}]}" });
	/* As Tempo says that it does not know a trace. */
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = "\x12\x00", .len = 2 });
	fetch_cancel(start_seen(&request));
	start_seen(&request);
	fake_clock_advance(&fake, 100 * MS);
	ck_assert_uint_eq(http.nrequests, 4); /* two searches, the first was cut short; two ids */
	start_seen(&request);
	fake_clock_advance(&fake, 100 * MS);
	ck_assert_uint_eq(http.nrequests, 4);
	fake_clock_run_idle(&fake, 100 * SECOND);
	ck_assert_ptr_null(fake_http_request(&http, "/api/search?", 2));
	ck_assert_int_eq(seen.calls, 2);
}
END_TEST

START_TEST(another_question_is_asked)
{
	static const char *const other_id[] = { OTHER };
	struct signal cart = checkout;
	struct fetch_request requests[5];

	cart.operation = "GET /cart";
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		requests[i] = request_of(&checkout, NULL, 0);
	requests[1].to_us += 1; /* the next multiple of LIMIT_WINDOW_US */
	requests[2].signal = &cart;
	requests[3] = request_of(NULL, one_id, 1);
	requests[4] = request_of(NULL, other_id, 1);
	reply_found(0);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < ARRAY_LEN(requests); i++)
			start_and_finish(&requests[i]);
	ck_assert_uint_eq(http.nrequests, ARRAY_LEN(requests));
}
END_TEST

START_TEST(healthy_traces_are_not_kept)
{
	struct fetch_request request = request_of(&checkout, NULL, 0);

	request.healthy = true;
	fake_http_reply(&http,
			(struct fake_reply){
				.status = 200,
				.body = V3(RESOURCE("checkout", SPAN(ID, "00f067aa0ba902b7",
								     "POST /orders", FINE))) });
	start_and_finish(&request);
	start_and_finish(&request);
	ck_assert_uint_eq(seen.found, 2);
	ck_assert_uint_eq(http.nrequests, 2);
	ck_assert_uint_eq(memory.used_bytes, 0);
}
END_TEST

START_TEST(not_found_is_kept_for_a_second)
{
	struct fetch_request request = request_of(NULL, one_id, 1);

	reply_once(unknown);
	reply_found(0);
	start_and_finish(&request); /* its time is too short to ask again */
	ck_assert_uint_eq(http.nrequests, 1);
	fake_clock_advance(&fake, 900 * MS);
	/* It is told "not found", and asks anew after its own pause of 0.25 s. */
	start_seen(&request);
	fake_clock_advance(&fake, 249999);
	ck_assert_uint_eq(http.nrequests, 1);
	fake_clock_run_idle(&fake, SECOND);
	ck_assert_uint_eq(http.nrequests, 2);
	ck_assert_int_eq(asked_at(1), 1150 * MS);
	ck_assert_int_eq(seen.last_us, 1150 * MS);
	ck_assert_uint_eq(seen.found, 1);
}
END_TEST

START_TEST(after_a_second_it_is_asked_at_once)
{
	const struct fetch_request request = request_of(NULL, one_id, 1);

	reply_once(unknown);
	reply_found(0);
	start_and_finish(&request);
	fake_clock_advance(&fake, SECOND);
	start_and_finish(&request);
	ck_assert_uint_eq(seen.found, 1);
	ck_assert_int_eq(asked_at(1), SECOND);
}
END_TEST

START_TEST(a_failure_is_kept_for_a_second)
{
	const struct fetch_request request = request_of(NULL, one_id, 1);

	reply_once((struct fake_reply){ .status = 401 });
	reply_found(0);
	start_and_finish(&request);
	fake_clock_advance(&fake, 999 * MS);
	start(NULL, one_id, 1);
	fake_clock_advance(&fake, 0);
	ck_assert_str_eq(got.text, "trace " ID ": jaeger answered HTTP 401");
	ck_assert_uint_eq(http.nrequests, 1);
	fake_clock_advance(&fake, MS);
	start_and_finish(&request);
	ck_assert_uint_eq(seen.found, 1);
}
END_TEST

/* Two alerts wait for one trace: the second takes what the first is told, and never its own last
 * answer again. */
START_TEST(rounds_of_two_alerts_are_one)
{
	static const int64_t times[] = { 0, 250000, 750000, 1750000, 3750000, 4800000 };
	struct fetch_request request = request_of(NULL, one_id, 1);

	fake_http_reply(&http, unknown);
	start_seen(&request);
	fake_clock_advance(&fake, 100 * MS);
	request.deadline_us += 100 * MS;
	start_seen(&request);
	fake_clock_run_idle(&fake, 100 * SECOND);
	ck_assert_int_eq(seen.calls, 2);
	/* The second alert is told at 0.1, 0.35, 0.85, 1.85, 3.85 and 4.9 s, from answers that are
	 * 0.1 s old. */
	ck_assert_int_eq(seen.last_us, 4900 * MS);
	ck_assert_uint_eq(http.nrequests, ARRAY_LEN(times));
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		ck_assert_int_eq(asked_at(i), times[i]);
}
END_TEST

START_TEST(the_oldest_of_many_answers_go)
{
	reply_found(0);
	for (unsigned int i = 0; i <= LIMIT_ANSWERS_KEPT; i++) {
		start_number(i);
		fake_clock_advance(&fake, 1);
	}
	ck_assert_uint_eq(http.nrequests, LIMIT_ANSWERS_KEPT + 1);
	start_number(LIMIT_ANSWERS_KEPT);
	start_number(1);
	ck_assert_uint_eq(http.nrequests, LIMIT_ANSWERS_KEPT + 1);
	start_number(0);
	ck_assert_uint_eq(http.nrequests, LIMIT_ANSWERS_KEPT + 2);
	fake_clock_run_idle(&fake, 100 * SECOND);
	ck_assert_int_eq(seen.calls, LIMIT_ANSWERS_KEPT + 4);
}
END_TEST

/* Where traces that are fetched need it, kept answers give their memory: all are found. */
START_TEST(kept_answers_give_way)
{
	enum { MANY = 1000 };

	memory.cap_bytes = 200000;
	reply_found(0);
	for (unsigned int i = 0; i < MANY; i++) {
		start_number(i);
		fake_clock_advance(&fake, 1);
		ck_assert_uint_le(memory.used_bytes, 150000);
	}
	ck_assert_uint_eq(seen.found, MANY);
	ck_assert_uint_eq(http.nrequests, MANY);
	ck_assert_uint_gt(memory.used_bytes, 100000);
	start_number(MANY - 1);
	ck_assert_uint_eq(http.nrequests, MANY);
	fake_clock_run_idle(&fake, 100 * SECOND);
	ck_assert_uint_eq(memory.used_bytes, 0);
}
END_TEST

/* ---- shared questions ---- */

START_TEST(a_question_of_one_is_not_shared)
{
	reply_found(SECOND);
	struct fetch_job *job = start(&checkout, NULL, 0);
	ck_assert(!fetch_is_shared(job));
	fake_clock_advance(&fake, SECOND / 2);
	ck_assert(!fetch_is_shared(job));
	start_number(1);
	ck_assert(!fetch_is_shared(job));
	finish();
}
END_TEST

/* By search and by id. */
START_TEST(a_question_of_two_is_shared)
{
	const struct fetch_request request =
		_i ? request_of(NULL, one_id, 1) : request_of(&checkout, NULL, 0);

	reply_found(SECOND);
	struct fetch_job *first = start_seen(&request);
	struct fetch_job *second = start_seen(&request);
	ck_assert(fetch_is_shared(first));
	ck_assert(fetch_is_shared(second));
	/* The one who asked has gone; the answer will come all the same. */
	fetch_cancel(first);
	ck_assert(fetch_is_shared(second));
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_uint_eq(seen.found, 1);
}
END_TEST

START_TEST(an_answered_question_is_not_shared)
{
	const struct fetch_request request = request_of(NULL, one_id, 1);
	struct fake_reply slow = unknown;

	slow.delay_us = 100 * MS;
	fake_http_reply(&http, slow);
	struct fetch_job *first = start_seen(&request);
	struct fetch_job *second = start_seen(&request);
	fake_clock_advance(&fake, 200 * MS);
	/* Both pause. */
	ck_assert(!fetch_is_shared(first));
	ck_assert(!fetch_is_shared(second));
	fetch_cancel(first);
	fetch_cancel(second);
}
END_TEST

START_TEST(a_kept_answer_is_shared_until_it_is_handed_out)
{
	const struct fetch_request request = request_of(NULL, one_id, 1);

	reply_found(0);
	start_and_finish(&request);
	struct fetch_job *job = start_seen(&request);
	ck_assert(fetch_is_shared(job));
	ck_assert_int_eq(seen.calls, 1);
	timers_run(fake.timers, fake.mono_us);
	ck_assert_int_eq(seen.calls, 2);
}
END_TEST

/* The pace makes a search wait for a minute. */
START_TEST(what_waits_for_the_pace_is_shared)
{
	struct fetch_request request = request_of(&checkout, NULL, 0);

	sources[0].search_pause_us = 60 * SECOND;
	reply_found(0);
	for (unsigned int i = 1; i <= LIMIT_SEARCH_BURST; i++) {
		request.limit = i;
		start_and_finish(&request);
	}
	request.limit = 50;
	struct fetch_job *first = start_seen(&request);
	ck_assert(!fetch_is_shared(first));
	struct fetch_job *second = start_seen(&request);
	ck_assert_uint_eq(http.nrequests, LIMIT_SEARCH_BURST);
	ck_assert(fetch_is_shared(first));
	ck_assert(fetch_is_shared(second));
	fetch_cancel(first);
	fetch_cancel(second);
}
END_TEST

/* All places are taken: what a job would ask may be under way for another. */
START_TEST(who_waits_for_a_place_may_share)
{
	struct fetch_job *jobs[LIMIT_ENRICHING + 2];

	reply_found(SECOND);
	for (unsigned int i = 0; i < LIMIT_ENRICHING + 1; i++)
		jobs[i] = start_number(i);
	jobs[LIMIT_ENRICHING + 1] = start_number(7);
	ck_assert_uint_eq(http.nrequests, LIMIT_ENRICHING);
	ck_assert(!fetch_is_shared(jobs[LIMIT_ENRICHING]));
	ck_assert(fetch_is_shared(jobs[LIMIT_ENRICHING + 1]));
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_int_eq(seen.calls, LIMIT_ENRICHING + 2);
	ck_assert_uint_eq(http.nrequests, LIMIT_ENRICHING + 1);
}
END_TEST

/* ---- places ---- */

START_TEST(who_shares_needs_no_place)
{
	const struct fetch_request request = request_of(&checkout, NULL, 0);

	reply_found(SECOND);
	for (int i = 0; i < 3 * LIMIT_ENRICHING; i++)
		start_seen(&request);
	start_number(1);
	ck_assert_uint_eq(http.nrequests, 2);
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_int_eq(seen.calls, 3 * LIMIT_ENRICHING + 1);
	ck_assert_int_eq(seen.last_us, SECOND);
}
END_TEST

/* Each question of the first jobs is taken over by a second job, with its place. */
START_TEST(who_leads_on_takes_the_place)
{
	enum { MANY = LIMIT_ENRICHING - 1 };
	struct fetch_job *first[MANY];

	reply_found(SECOND);
	for (unsigned int i = 0; i < MANY; i++)
		first[i] = start_number(i);
	for (unsigned int i = 0; i < MANY; i++)
		start_number(i);
	for (unsigned int i = 0; i < MANY; i++)
		fetch_cancel(first[i]);
	ck_assert_uint_eq(http.cancelled, 0);
	start_number(MANY);
	start_number(MANY + 1); /* there is no place for it */
	fake_clock_advance(&fake, SECOND - 1);
	ck_assert_uint_eq(http.nrequests, LIMIT_ENRICHING);
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_uint_eq(http.nrequests, LIMIT_ENRICHING + 1);
	ck_assert_int_eq(seen.calls, MANY + 2);
	ck_assert_int_eq(seen.last_us, 2 * SECOND);
}
END_TEST

/* The second alert shares four ids, and asks the fifth and sixth when the first is answered. */
START_TEST(who_shares_many_ids_waits_quietly)
{
	static const char *const ids[] = {
		"11111111111111111111111111111111", "22222222222222222222222222222222",
		"33333333333333333333333333333333", "44444444444444444444444444444444",
		"55555555555555555555555555555555", "66666666666666666666666666666666"
	};
	const struct fetch_request request = request_of(NULL, ids, ARRAY_LEN(ids));
	size_t fired = 0;

	reply_found(SECOND);
	start_seen(&request);
	start_seen(&request);
	ck_assert_uint_eq(http.nrequests, LIMIT_LOOKUPS_PER_ALERT);
	for (int turn = 0; turn < 10; turn++)
		fired += timers_run(fake.timers, fake.mono_us);
	ck_assert_uint_le(fired, 2);
	fake_clock_run_idle(&fake, 10 * SECOND);
	ck_assert_int_eq(seen.calls, 2);
	ck_assert_uint_eq(http.nrequests, ARRAY_LEN(ids));
	ck_assert_int_eq(seen.last_us, 2 * SECOND);
}
END_TEST

/* ---- slices ---- */

/* Runs the timers turn by turn; returns the most results of one turn. */
static int run_turns(void)
{
	int most = 0;

	while (timers_next_us(fake.timers) <= fake.mono_us) {
		int calls = seen.calls;
		timers_run(fake.timers, fake.mono_us);
		if (seen.calls - calls > most)
			most = seen.calls - calls;
	}
	return most;
}

START_TEST(an_answer_for_a_thousand_comes_in_slices)
{
	const struct fetch_request request = request_of(&checkout, NULL, 0);

	reply_found(SECOND);
	for (int i = 0; i < 1000; i++)
		start_seen(&request);
	fake_clock_advance(&fake, SECOND - 1);
	ck_assert_int_eq(seen.calls, 0);
	fake.mono_us += 1;
	int most = run_turns();
	ck_assert_int_gt(most, 0);
	ck_assert_int_le(most, LIMIT_SLICE_ITEMS);
	ck_assert_int_eq(seen.calls, 1000);
	ck_assert_uint_eq(seen.found, 1000);
	ck_assert_uint_eq(http.nrequests, 1);
}
END_TEST

START_TEST(deadlines_of_a_thousand_come_in_slices)
{
	const struct fetch_request request = request_of(&checkout, NULL, 0);

	reply_found(60 * SECOND);
	for (int i = 0; i < 1000; i++)
		start_seen(&request);
	fake_clock_advance(&fake, 5 * SECOND - 1);
	ck_assert_int_eq(seen.calls, 0);
	fake.mono_us += 1;
	ck_assert_int_le(run_turns(), LIMIT_SLICE_ITEMS);
	ck_assert_int_eq(seen.calls, 1000);
	ck_assert_uint_eq(http.cancelled, 1);
}
END_TEST

/* Each result takes 0.3 ms. */
static void on_seen_slowly(void *ctx, struct fetch_result *result)
{
	on_seen(ctx, result);
	fake.mono_us += 300;
}

START_TEST(slow_results_make_short_slices)
{
	const struct fetch_request request = request_of(&checkout, NULL, 0);

	reply_found(SECOND);
	for (int i = 0; i < 100; i++)
		fetch_start(fetch, &request, on_seen_slowly, NULL);
	fake_clock_advance(&fake, SECOND - 1);
	fake.mono_us += 1;
	/* The fourth result ends at 1.2 ms. */
	ck_assert_int_eq(run_turns(), 4);
	ck_assert_int_eq(seen.calls, 100);
}
END_TEST

/* A result may cancel the job whose result is next, and ask again. */
static struct fetch_job *victim;

static void on_seen_cancel(void *ctx, struct fetch_result *result)
{
	const struct fetch_request request = request_of(&checkout, NULL, 0);

	on_seen(ctx, result);
	if (victim)
		fetch_cancel(victim);
	victim = NULL;
	start_seen(&request);
}

START_TEST(a_result_may_cancel_another)
{
	const struct fetch_request request = request_of(&checkout, NULL, 0);

	reply_found(SECOND);
	fetch_start(fetch, &request, on_seen_cancel, NULL);
	victim = start_seen(&request);
	start_seen(&request);
	fake_clock_run_idle(&fake, 100 * SECOND);
	ck_assert_int_eq(seen.calls, 3);
	ck_assert_uint_eq(seen.found, 3);
	ck_assert_uint_eq(http.nrequests, 1);
}
END_TEST

/* ---- a storm ---- */

enum { SIGNALS = 50, EACH = 20 };

static void start_of_signal(int i)
{
	char service[32];
	const struct signal signal = { .service = service, .mode = WALK_ERRORS };
	struct fetch_request request = request_of(&signal, NULL, 0);

	snprintf(service, sizeof(service), "service-%02d", i);
	request.to_us = fake.wall_us;
	start_seen(&request);
}

/* Each service has a failing trace; a search takes a second. */
static void reply_of_signal(int i)
{
	static char services[SIGNALS][32], bodies[SIGNALS][1024];

	snprintf(services[i], sizeof(services[i]), "service-%02d", i);
	snprintf(bodies[i], sizeof(bodies[i]),
		 V3(RESOURCE("%s", SPAN(ID, "00f067aa0ba902b7", "POST /orders", FAILED))),
		 services[i]);
	fake_http_reply(&http, (struct fake_reply){ .url_part = services[i],
						    .status = 200,
						    .body = bodies[i],
						    .delay_us = SECOND });
}

/* 1,000 alerts about 50 signals in one window make 50 searches: 10 leave at once, the others one
 * each 50 ms, the last at 2 s. The alerts come at one instant, signal by signal … */
START_TEST(a_storm_at_once_asks_each_question_once)
{
	sources[0].search_pause_us = LIMIT_SEARCH_PAUSE_US;
	for (int i = 0; i < SIGNALS; i++)
		reply_of_signal(i);
	for (int i = 0; i < SIGNALS * EACH; i++)
		start_of_signal(i / EACH);
	fake_clock_run_idle(&fake, 100 * SECOND);
	ck_assert_uint_eq(http.nrequests, SIGNALS);
	ck_assert_int_eq(asked_at(LIMIT_SEARCH_BURST - 1), 0);
	ck_assert_int_eq(asked_at(SIGNALS - 1), 2 * SECOND);
	ck_assert_int_eq(seen.calls, SIGNALS * EACH);
	ck_assert_uint_eq(seen.found, SIGNALS * EACH);
	ck_assert_int_eq(seen.last_us, 3 * SECOND);
}
END_TEST

/* … or one each 9.99 ms, the signals in turns. */
START_TEST(a_storm_of_ten_seconds_asks_each_question_once)
{
	sources[0].search_pause_us = LIMIT_SEARCH_PAUSE_US;
	for (int i = 0; i < SIGNALS; i++)
		reply_of_signal(i);
	fake_clock_advance(&fake, 1); /* into the window that ends at 10 s */
	for (int i = 0; i < SIGNALS * EACH; i++) {
		start_of_signal(i % SIGNALS);
		fake_clock_advance(&fake, 9990);
	}
	fake_clock_run_idle(&fake, 100 * SECOND);
	ck_assert_uint_eq(http.nrequests, SIGNALS);
	ck_assert_int_eq(asked_at(SIGNALS - 1), 2 * SECOND + 1);
	ck_assert_int_eq(seen.calls, SIGNALS * EACH);
	ck_assert_uint_eq(seen.found, SIGNALS * EACH);
	/* The last signal's first alert comes 49 * 9.99 ms after the first and is answered at 3 s;
	 * the last alert is answered at once. */
	ck_assert_int_eq(seen.longest_us, 3 * SECOND - 49 * 9990);
	ck_assert_int_eq(seen.last_us, 1 + 999 * 9990);
}
END_TEST

static TCase *case_shared(void)
{
	TCase *tcase = tcase_create("shared");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_checked_fixture(tcase, shared_setup, NULL);
	tcase_add_test(tcase, traces_are_kept_for_ten_seconds);
	tcase_add_test(tcase, a_trace_by_its_id_is_kept_too);
	tcase_add_test(tcase, ids_that_a_search_gave_are_kept);
	tcase_add_test(tcase, another_question_is_asked);
	tcase_add_test(tcase, healthy_traces_are_not_kept);
	tcase_add_test(tcase, not_found_is_kept_for_a_second);
	tcase_add_test(tcase, after_a_second_it_is_asked_at_once);
	tcase_add_test(tcase, a_failure_is_kept_for_a_second);
	tcase_add_test(tcase, rounds_of_two_alerts_are_one);
	tcase_add_test(tcase, the_oldest_of_many_answers_go);
	tcase_add_test(tcase, kept_answers_give_way);
	tcase_add_test(tcase, a_question_of_one_is_not_shared);
	tcase_add_loop_test(tcase, a_question_of_two_is_shared, 0, 2);
	tcase_add_test(tcase, an_answered_question_is_not_shared);
	tcase_add_test(tcase, a_kept_answer_is_shared_until_it_is_handed_out);
	tcase_add_test(tcase, what_waits_for_the_pace_is_shared);
	tcase_add_test(tcase, who_waits_for_a_place_may_share);
	tcase_add_test(tcase, who_shares_needs_no_place);
	tcase_add_test(tcase, who_leads_on_takes_the_place);
	tcase_add_test(tcase, who_shares_many_ids_waits_quietly);
	tcase_add_test(tcase, an_answer_for_a_thousand_comes_in_slices);
	tcase_add_test(tcase, deadlines_of_a_thousand_come_in_slices);
	tcase_add_test(tcase, slow_results_make_short_slices);
	tcase_add_test(tcase, a_result_may_cancel_another);
	tcase_add_test(tcase, a_storm_at_once_asks_each_question_once);
	tcase_add_test(tcase, a_storm_of_ten_seconds_asks_each_question_once);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("fetch_shared");

	suite_add_tcase(suite, case_shared());
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
