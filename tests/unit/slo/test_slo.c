/*
 * SLO: bounds, objectives of signals and what follows for their calls. The example is that of
 * docs/slo.md, worked out by hand there.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "relay/model/evidence-internal.h"
#include "tests/lib/walk_check.h"
#include "tracepager/limits.h"
#include "tracepager/slo.h"
#include "tracepager/xalloc.h"

#define MS(n) ((n)*US_PER_MS)

static struct slo_samples *samples;
static struct evidence_set *requests;
static struct slo_taken taken;
static struct slo_proposal proposal;
static struct slo_wish wish;
static unsigned int next_id;

static void slo_setup(void)
{
	setup();
	samples = slo_samples_new();
	requests = evidence_new(64u << 20);
	taken = (struct slo_taken){ 0 };
	wish = (struct slo_wish){ 0 };
	next_id = 0;
}

static void slo_teardown(void)
{
	slo_samples_free(samples);
	evidence_free(requests);
	teardown();
}

/* ---- requests ---- */

struct drawn_call {
	uint32_t above;
	const char *callee, *operation;
	int64_t ms, path_ms;
	bool failed, fatal, message, peer;
};

/* A request of checkout's POST /orders. */
static void add_request(int64_t us, bool failed, const struct drawn_call *calls, uint32_t n)
{
	struct evidence evidence = { .duration_us = us, .signal_failing = failed };

	evidence.trace_id = arena_printf(requests->arena, "%032x", ++next_id);
	evidence.start_us = 1000000 * (int64_t)next_id;
	evidence.entry_service = evidence_service_index(requests, "", "checkout", false);
	evidence.entry_operation = evidence_text_index(requests, "POST /orders");
	evidence.calls = arena_array(requests->arena, n + 1, sizeof(*evidence.calls));
	for (uint32_t i = 0; i < n; i++)
		evidence.calls[evidence.ncalls++] = (struct evidence_call){
			.above = calls[i].above,
			.callee = evidence_service_index(requests, "", calls[i].callee,
							 calls[i].peer),
			.operation = evidence_text_index(requests, calls[i].operation),
			.us = MS(calls[i].ms),
			.path_us = MS(calls[i].path_ms),
			.failed = calls[i].failed,
			.fatal = calls[i].fatal,
			.message = calls[i].message,
		};
	requests->at =
		evidence_grow(requests->at, requests->n, &requests->size, sizeof(*requests->at));
	requests->at[requests->n++] = evidence;
}

static void propose(bool judged)
{
	slo_samples_add(samples, requests, NULL, judged, &taken);
	slo_propose(samples, &wish, NULL, arena, &proposal);
}

static const struct slo_edge *edge_to(const char *callee)
{
	const struct slo_signal *signal = &proposal.signals[0];

	for (uint32_t i = 0; i < signal->nedges; i++)
		if (strcmp(signal->edges[i].callee, callee) == 0)
			return &signal->edges[i];
	ck_abort_msg("no call of %s", callee);
	return NULL;
}

static void goal_is(const struct slo_goal *goal, enum slo_basis basis, double target,
		    int64_t within_us)
{
	ck_assert_msg(goal->basis == basis, "%s: %s", slo_basis_name(goal->basis), goal->text);
	if (basis != SLO_NONE)
		ck_assert_double_eq_tol(goal->target, target, 1e-9);
	ck_assert_int_eq(goal->within_us, within_us);
}

/* ---- bounds ---- */

/* Wilson's bound by hand: 95 of 100: (0.95 + 0.013528 - 0.038316) / 1.027055 = 0.9008. */
START_TEST(what_samples_can_show)
{
	ck_assert_double_eq_tol(slo_lower_bound(100, 95), 0.9008, 0.00005);
	/* 998 of 1000: (0.998 + 0.0013528 - 0.0026889) / 1.0027055 = 0.99397. */
	ck_assert_double_eq_tol(slo_lower_bound(1000, 998), 0.99397, 0.000005);
	/* The rule of three, which is below Wilson's 0.99106 for 300 of 300. */
	ck_assert_double_eq_tol(slo_lower_bound(300, 300), 0.99, 1e-12);
	ck_assert_double_lt(slo_lower_bound(299, 299), 0.99);
	ck_assert_double_eq_tol(slo_lower_bound(3, 3), 0, 1e-12);
	ck_assert_double_eq_tol(slo_lower_bound(1, 1), 0, 1e-12);
	ck_assert_double_eq(slo_lower_bound(0, 0), 0);
	ck_assert_double_eq_tol(slo_lower_bound(10, 0), 0, 1e-12);
}
END_TEST

/* ---- signals ---- */

static const struct {
	unsigned int n, slow; /* requests of 80 ms, and of 9 s among them */
	enum slo_basis basis;
	double target;
	int64_t within_us;
} latency_rows[] = {
	{ 29, 0, SLO_NONE, 0, 0 },
	{ 30, 0, SLO_MEASURED, 0.90, MS(100) },
	{ 59, 0, SLO_MEASURED, 0.90, MS(100) },
	{ 60, 0, SLO_MEASURED, 0.95, MS(100) },
	{ 299, 0, SLO_MEASURED, 0.95, MS(100) },
	{ 300, 0, SLO_MEASURED, 0.99, MS(100) },
	/* One outlier of 300: 99 % would need 10 s, many steps above; 95 % does not. */
	{ 300, 1, SLO_MEASURED, 0.95, MS(100) },
	/* One of 60: 59 of 60 show 92.5 % only: 95 % would need 10 s, 90 % does not. */
	{ 60, 1, SLO_MEASURED, 0.90, MS(100) },
};

START_TEST(the_target_is_what_samples_show)
{
	for (unsigned int i = 0; i < latency_rows[_i].n; i++)
		add_request(i < latency_rows[_i].slow ? MS(9000) : MS(80), false, NULL, 0);
	propose(true);
	goal_is(&proposal.signals[0].figures.latency, latency_rows[_i].basis,
		latency_rows[_i].target, latency_rows[_i].within_us);
}
END_TEST

/* 5/4 of what is measured: 80 ms are below the step of 100 ms, 80.001 ms are not. */
START_TEST(thresholds_have_headroom)
{
	for (unsigned int i = 0; i < 300; i++)
		add_request(MS(80) + 1, false, NULL, 0);
	propose(true);
	goal_is(&proposal.signals[0].figures.latency, SLO_MEASURED, 0.99, MS(250));
}
END_TEST

START_TEST(what_is_slower_than_all_steps_has_none)
{
	for (unsigned int i = 0; i < 300; i++)
		add_request(MS(8001), false, NULL, 0);
	propose(true);
	goal_is(&proposal.signals[0].figures.latency, SLO_NONE, 0, 0);
}
END_TEST

static const struct {
	unsigned int n, failed; /* requests of 80 ms, and failures within 1 ms among them */
	enum slo_basis basis;
	double target;
	int64_t p50_us; /* of those that succeeded */
} failing_rows[] = {
	{ 399, 399, SLO_NONE, 0, 0 },
	{ 399, 370, SLO_NONE, 0, MS(80) },
	{ 399, 369, SLO_MEASURED, 0.90, MS(80) },
	{ 399, 100, SLO_MEASURED, 0.95, MS(80) },
	{ 399, 99, SLO_MEASURED, 0.99, MS(80) },
};

/* Requests that succeed show what the same number does without any that fail. */
START_TEST(fast_failures_are_not_fast)
{
	const unsigned int n = failing_rows[_i].n, failed = failing_rows[_i].failed;

	for (unsigned int i = 0; i < n; i++)
		add_request(i < failed ? MS(1) : MS(80), i < failed, NULL, 0);
	propose(true);
	const struct slo_figures *figures = &proposal.signals[0].figures;
	goal_is(&figures->latency, failing_rows[_i].basis, failing_rows[_i].target,
		failing_rows[_i].basis == SLO_NONE ? 0 : MS(100));
	ck_assert_uint_eq(figures->succeeded.samples, n - failed);
	ck_assert_int_eq(figures->succeeded.p50_us, failing_rows[_i].p50_us);
	if (n == failed)
		ck_assert_ptr_null(figures->succeeded.median_id);
	else /* rank ⌈(n - failed) / 2⌉ of those that succeeded */
		ck_assert_str_eq(figures->succeeded.median_id,
				 requests->at[failed + (n - failed + 1) / 2 - 1].trace_id);
	ck_assert_str_eq(figures->fastest.trace_id, requests->at[0].trace_id);
	if (failing_rows[_i].basis == SLO_NONE)
		ck_assert_ptr_nonnull(
			strstr(figures->latency.text, "latency counts what succeeds"));
}
END_TEST

/* A call that fails fast is not fast either, whether its request failed or not. */
START_TEST(fast_failures_of_calls_are_not_fast)
{
	for (unsigned int i = 0; i < 600; i++) {
		const struct drawn_call call = { TRACE_NONE, "cache", "Get", i < 300 ? 1 : 80,
						 80,	     i < 300, false, false,
						 false };
		add_request(MS(200), false, &call, 1);
	}
	propose(false);
	ck_assert_uint_eq(edge_to("cache")->figures.samples, 600);
	ck_assert_uint_eq(edge_to("cache")->figures.succeeded.samples, 300);
	ck_assert_int_eq(edge_to("cache")->figures.succeeded.p50_us, MS(80));
	/* 250 ms x 0.4 = 100 ms. */
	goal_is(&edge_to("cache")->figures.latency, SLO_DERIVED, 0.99, MS(100));
}
END_TEST

static const struct {
	unsigned int n, failed;
	enum slo_basis basis;
	double target;
} availability_rows[] = {
	{ 299, 0, SLO_NONE, 0 },
	{ 300, 0, SLO_MEASURED, 0.99 },
	{ 599, 0, SLO_MEASURED, 0.99 },
	{ 600, 0, SLO_MEASURED, 0.995 },
	{ 3000, 0, SLO_MEASURED, 0.999 },
	/* 0.998 shows 99.397 %. */
	{ 1000, 2, SLO_MEASURED, 0.99 },
	/* 9 of 1000: 5/4 of it are more than 1 %. */
	{ 1000, 9, SLO_NONE, 0 },
};

START_TEST(availability_is_what_samples_show)
{
	for (unsigned int i = 0; i < availability_rows[_i].n; i++)
		add_request(MS(80), i < availability_rows[_i].failed, NULL, 0);
	propose(true);
	goal_is(&proposal.signals[0].figures.availability, availability_rows[_i].basis,
		availability_rows[_i].target, 0);
}
END_TEST

/* Of requests that did not fail, none can have failed. */
START_TEST(sound_requests_show_no_availability)
{
	for (unsigned int i = 0; i < 3000; i++)
		add_request(MS(80), false, NULL, 0);
	propose(false);
	goal_is(&proposal.signals[0].figures.availability, SLO_NONE, 0, 0);
	ck_assert_uint_eq(proposal.signals[0].figures.judged, 0);
	goal_is(&proposal.signals[0].figures.latency, SLO_MEASURED, 0.99, MS(100));
}
END_TEST

/* ---- edges: the example of docs/slo.md ---- */

/* 1,000 requests of 200 ms: payment has 120 ms of each, stock is called twice for 20 ms each, a
 * message is sent; payment fails twice and takes the request with it. */
static void draw_example(void)
{
	for (unsigned int i = 0; i < 1000; i++) {
		const bool bad = i < 2;
		const struct drawn_call calls[] = {
			{ TRACE_NONE, "payment", "Charge", 120, 120, bad, bad, false, false },
			{ TRACE_NONE, "stock", "Reserve", 20, 20, false, false, false, false },
			{ TRACE_NONE, "stock", "Reserve", 20, 20, false, false, false, false },
			{ 0, "postgresql/bank", "UPDATE", 60, 60, false, false, false, true },
			{ TRACE_NONE, "mailer", "send", 900, 0, false, false, true, false },
		};
		add_request(MS(200), bad, calls, ARRAY_LEN(calls));
	}
}

START_TEST(internal_objectives_follow)
{
	draw_example();
	propose(true);
	const struct slo_signal *signal = &proposal.signals[0];
	goal_is(&signal->figures.latency, SLO_MEASURED, 0.99, MS(250));
	goal_is(&signal->figures.availability, SLO_MEASURED, 0.99, 0);
	ck_assert_double_eq_tol(signal->own_share, 0.2, 1e-9);
	ck_assert_uint_eq(signal->nedges, 4);
	ck_assert_str_eq(signal->edges[0].callee, "payment");
	ck_assert_str_eq(signal->edges[1].callee, "postgresql/bank");
	ck_assert_uint_eq(signal->edges[1].above, 0);

	/* 250 ms x 0.6 = 150 ms: between two steps. */
	const struct slo_edge *payment = edge_to("payment");
	ck_assert_double_eq_tol(payment->share, 0.6, 1e-9);
	ck_assert_int_eq(payment->figures.latency.allowed_us, MS(150));
	goal_is(&payment->figures.latency, SLO_DERIVED, 0.99, MS(150));
	/* 1 % / (1 + 2 + 1) = 0.25 %; 998 of 1000 show 99.39 %. */
	ck_assert_double_eq_tol(payment->figures.availability.needed, 0.9975, 1e-9);
	goal_is(&payment->figures.availability, SLO_SHORT, 0.99, 0);

	/* 250 ms x 0.2 / 2 calls = 25 ms, a step. */
	const struct slo_edge *stock = edge_to("stock");
	ck_assert_double_eq_tol(stock->per_call, 2, 1e-9);
	goal_is(&stock->figures.latency, SLO_DERIVED, 0.99, MS(25));
	/* 2000 calls without a failure show 99.85 %: 99.9 % is too much, 99.75 % is not. */
	goal_is(&stock->figures.availability, SLO_DERIVED, 0.9975, 0);

	/* 250 ms x 0.3 = 75 ms, a step. 0.25 % / (1 + 1) = 0.125 %: more than 1000 calls show. */
	const struct slo_edge *bank = edge_to("postgresql/bank");
	ck_assert(bank->peer);
	goal_is(&bank->figures.latency, SLO_DERIVED, 0.99, MS(75));
	ck_assert_double_eq_tol(bank->figures.availability.needed, 0.99875, 1e-9);
	goal_is(&bank->figures.availability, SLO_SHORT, 0.995, 0);

	goal_is(&edge_to("mailer")->figures.latency, SLO_NONE, 0, 0);
	ck_assert_double_eq(edge_to("mailer")->figures.availability.needed, 0);
}
END_TEST

/* What a person wants replaces what is measured, for the edges too. */
START_TEST(a_given_objective_counts)
{
	draw_example();
	wish = (struct slo_wish){ .availability = 0.999, .within_us = MS(1000) };
	propose(true);
	goal_is(&proposal.signals[0].figures.latency, SLO_GIVEN, 0.99, MS(1000));
	goal_is(&proposal.signals[0].figures.availability, SLO_GIVEN, 0.999, 0);
	/* 1 s x 0.6 = 600 ms; 0.1 % / 4 = 0.025 %. */
	goal_is(&edge_to("payment")->figures.latency, SLO_DERIVED, 0.99, MS(500));
	ck_assert_double_eq_tol(edge_to("payment")->figures.availability.needed, 0.99975, 1e-9);
	/* 100 ms x 0.6 = 60 ms are less than the 120 ms that payment takes: 250 ms is provided. */
	wish.within_us = MS(100);
	slo_propose(samples, &wish, NULL, arena, &proposal);
	goal_is(&edge_to("payment")->figures.latency, SLO_SHORT, 0.99, MS(250));
}
END_TEST

/* Of 5 failed calls none was fatal: the caller outlives them, and the others have its budget. */
START_TEST(outlived_failures_cost_nothing)
{
	for (unsigned int i = 0; i < 1000; i++) {
		const struct drawn_call calls[] = {
			{ TRACE_NONE, "cache", "Get", 20, 20, i < 5, false, false, false },
			{ TRACE_NONE, "stock", "Reserve", 20, 20, false, false, false, false },
		};
		add_request(MS(200), false, calls, ARRAY_LEN(calls));
	}
	wish.availability = 0.99;
	propose(true);
	ck_assert_double_eq(edge_to("cache")->figures.availability.needed, 0);
	/* 1 % / (0 + 1 + 1). */
	ck_assert_double_eq_tol(edge_to("stock")->figures.availability.needed, 0.995, 1e-9);
}
END_TEST

/* With fewer calls than the target of the signal needs, an edge has no objective. */
START_TEST(rare_calls_have_none)
{
	for (unsigned int i = 0; i < 300; i++) {
		const struct drawn_call call = { TRACE_NONE, "gifts", "Wrap", 20,   20,
						 false,	     false,   false,  false };
		add_request(MS(200), false, &call, i < 299);
	}
	propose(true);
	goal_is(&proposal.signals[0].figures.latency, SLO_MEASURED, 0.99, MS(250));
	goal_is(&edge_to("gifts")->figures.latency, SLO_NONE, 0, 0);
	ck_assert_int_eq(edge_to("gifts")->figures.latency.allowed_us, MS(25));
	ck_assert_uint_eq(edge_to("gifts")->figures.samples, 299);
}
END_TEST

/* ---- samples ---- */

START_TEST(a_request_counts_once)
{
	for (unsigned int i = 0; i < 10; i++)
		add_request(MS(80), false, NULL, 0);
	requests->at[9].trace_id = requests->at[0].trace_id;
	propose(true);
	slo_samples_add(samples, requests, "orders", true, &taken);
	ck_assert_uint_eq(taken.added, 9);
	ck_assert_uint_eq(taken.known, 11);
	slo_propose(samples, &wish, "orders", arena, &proposal);
	ck_assert_uint_eq(proposal.nsignals, 1);
	ck_assert_uint_eq(proposal.signals[0].figures.samples, 9);
	ck_assert_str_eq(proposal.signals[0].name, "orders");
	slo_propose(samples, &wish, "checkout/POST /orders", arena, &proposal);
	ck_assert_uint_eq(proposal.nsignals, 1);
	slo_propose(samples, &wish, "checkout/POST /order", arena, &proposal);
	ck_assert_uint_eq(proposal.nsignals, 0);
}
END_TEST

START_TEST(what_has_no_calls_is_left_out)
{
	add_request(MS(80), false, NULL, 0);
	add_request(MS(80), false, NULL, 0);
	requests->at[0].trace_id = "";
	requests->at[1].calls_cut = true;
	propose(true);
	ck_assert_uint_eq(taken.old, 1);
	ck_assert_uint_eq(taken.left_out, 1);
	ck_assert_uint_eq(proposal.nsignals, 0);
}
END_TEST

/* By the nearest rank, and the traces of the fastest, the median and the slowest. */
START_TEST(figures_are_by_rank)
{
	for (unsigned int i = 1; i <= 200; i++)
		add_request(MS(i), false, NULL, 0);
	propose(true);
	const struct slo_figures *figures = &proposal.signals[0].figures;
	ck_assert_int_eq(figures->p50_us, MS(100));
	ck_assert_int_eq(figures->p90_us, MS(180));
	ck_assert_int_eq(figures->p99_us, MS(198));
	ck_assert_str_eq(figures->fastest.trace_id, requests->at[0].trace_id);
	ck_assert_str_eq(figures->median.trace_id, requests->at[99].trace_id);
	ck_assert_str_eq(figures->slowest.trace_id, requests->at[199].trace_id);
	ck_assert_int_eq(proposal.signals[0].from_us, 1000000);
	ck_assert_int_eq(proposal.signals[0].to_us, 200000000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slo");
	TCase *tcase = tcase_create("slo");

	tcase_add_checked_fixture(tcase, slo_setup, slo_teardown);
	tcase_add_test(tcase, what_samples_can_show);
	tcase_add_loop_test(tcase, the_target_is_what_samples_show, 0, ARRAY_LEN(latency_rows));
	tcase_add_test(tcase, thresholds_have_headroom);
	tcase_add_test(tcase, what_is_slower_than_all_steps_has_none);
	tcase_add_loop_test(tcase, fast_failures_are_not_fast, 0, ARRAY_LEN(failing_rows));
	tcase_add_test(tcase, fast_failures_of_calls_are_not_fast);
	tcase_add_loop_test(tcase, availability_is_what_samples_show, 0,
			    ARRAY_LEN(availability_rows));
	tcase_add_test(tcase, sound_requests_show_no_availability);
	tcase_add_test(tcase, internal_objectives_follow);
	tcase_add_test(tcase, a_given_objective_counts);
	tcase_add_test(tcase, outlived_failures_cost_nothing);
	tcase_add_test(tcase, rare_calls_have_none);
	tcase_add_test(tcase, a_request_counts_once);
	tcase_add_test(tcase, what_has_no_calls_is_left_out);
	tcase_add_test(tcase, figures_are_by_rank);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
