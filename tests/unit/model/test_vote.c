/*
 * The vote: walks of drawn traces are counted (tracepager-walk(7), section 7). The confidence is
 * the share of walks that agree times their mean certainty.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/trace_make.h"
#include "tracepager/vote.h"
#include "tracepager/xalloc.h"

#define WALKS 32

static const char in_ledger[] =
	"checkout server POST /orders | 0 100 | ERROR\n"
	"  ledger server POST /entries | 10 90 | ERROR; message=disk is full\n";
static const char in_ledger_elsewhere[] =
	"checkout server POST /orders | 0 100 | ERROR\n"
	"  ledger server GET /balance | 10 90 | ERROR; message=no such account\n";
static const char in_payment[] = "checkout server POST /orders | 0 100 | ERROR\n"
				 "  payment server POST /charge | 10 90 | ERROR\n";
static const char in_both[] =
	"checkout server POST /orders | 0 100 | ERROR\n"
	"  payment server POST /charge | 10 40 | ERROR\n"
	"  ledger server POST /entries | 10 90 | ERROR; message=disk is full\n";
static const char of_a_peer[] =
	"payment server POST /charge | 0 100 | ERROR\n"
	"  payment client INSERT | 10 90 | ERROR; db.system=mysql; db.name=ledger\n";
static const char on_an_edge[] = "cart server GET /cart | 0 100 | ERROR\n"
				 "  cart client GET /stock | 10 90 | ERROR\n"
				 "    inventory server GET /stock | 20 40 |\n";
static const char on_another_edge[] = "cart server GET /cart | 0 100 | ERROR\n"
				      "  cart client GET /prices | 10 90 | ERROR\n"
				      "    pricing server GET /prices | 20 40 |\n";
static const char nothing[] = "checkout server POST /orders | 0 100 |\n";

static struct trace_set *sets[WALKS];
static struct walk walks[WALKS];
static unsigned int nwalks;
static struct arena *arena;
static struct verdict verdict;
static struct vote_options options;

static void setup(void)
{
	arena = arena_new(16u << 20);
	options = (struct vote_options){ .threshold = 0.5 };
	nwalks = 0;
}

static void teardown(void)
{
	for (unsigned int i = 0; i < nwalks; i++)
		trace_set_free(sets[i]);
	arena_free(arena);
}

static void add(unsigned int n, const char *drawing)
{
	struct walk_options how = { .mode = WALK_ERRORS, .codes_fail = true };

	for (; n > 0; n--, nwalks++) {
		ck_assert_uint_lt(nwalks, WALKS);
		sets[nwalks] = trace_make(drawing);
		walk_trace(arena, &sets[nwalks]->traces[0], &how, &walks[nwalks]);
	}
}

static void count(void)
{
	vote(arena, walks, nwalks, &options, &verdict);
}

static bool reason_is(const char *text)
{
	for (unsigned int i = 0; i < verdict.nreasons; i++) {
		if (strcmp(verdict.reasons[i], text) == 0)
			return true;
	}
	return false;
}

START_TEST(one_trace_is_a_share_of_one)
{
	add(1, in_ledger);
	count();
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "ledger");
	ck_assert_double_eq_tol(verdict.confidence, 0.95, 1e-9);
	ck_assert_uint_eq(verdict.agree, 1);
	ck_assert_uint_eq(verdict.of, 1);
	ck_assert_ptr_eq(verdict.walk, &walks[0]);
	ck_assert_int_eq(verdict.fallback, FALLBACK_NONE);
	ck_assert_ptr_null(verdict.fallback_text);
	ck_assert(reason_is("1 of 1 failing trace ends in ledger: disk is full"));
	ck_assert(reason_is(
		"ledger POST /entries failed: disk is full; nothing that it called failed"));
}
END_TEST

START_TEST(nine_of_ten)
{
	add(1, in_payment);
	add(9, in_ledger);
	count();
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "ledger");
	/* 9/10 x 0.95 */
	ck_assert_double_eq_tol(verdict.confidence, 0.855, 1e-9);
	ck_assert_uint_eq(verdict.agree, 9);
	ck_assert_uint_eq(verdict.of, 10);
	ck_assert_uint_eq(verdict.nrunners_up, 1);
	ck_assert_str_eq(verdict.runners_up[0].service, "payment");
	ck_assert_uint_eq(verdict.runners_up[0].agree, 1);
	ck_assert_str_eq(verdict.reasons[0], "9 of 10 failing traces end in ledger: disk is full");
	ck_assert_str_eq(verdict.reasons[1], "1 of 10 failing traces ends in payment");
}
END_TEST

/* Each reason claims only as many traces as said so. */
START_TEST(errors_are_counted_by_their_words)
{
	add(1, in_ledger_elsewhere);
	add(7, in_ledger);
	count();
	ck_assert_str_eq(verdict.reasons[0], "8 of 8 failing traces end in ledger: 7 say "
					     "disk is full, 1 says no such account");
	ck_assert_uint_eq(verdict.nerrors, 2);
	ck_assert_str_eq(verdict.errors[0].error, "disk is full");
	ck_assert_uint_eq(verdict.errors[0].traces, 7);
	ck_assert_str_eq(verdict.errors[1].error, "no such account");
	ck_assert_uint_eq(verdict.errors[1].traces, 1);
}
END_TEST

/* Three errors are quoted; a trace without an error's words is counted, too. */
START_TEST(rare_errors_are_counted_together)
{
	char drawing[200];

	add(3, in_ledger);
	add(2, "checkout server POST /orders | 0 100 | ERROR\n"
	       "  ledger server POST /entries | 10 90 | ERROR\n");
	for (int i = 0; i < 10; i++) {
		snprintf(drawing, sizeof(drawing),
			 "checkout server POST /orders | 0 100 | ERROR\n"
			 "  ledger server POST /entries | 10 90 | ERROR; message=lost row %d\n",
			 i);
		add(1, drawing);
	}
	count();
	ck_assert_str_eq(verdict.reasons[0],
			 "15 of 15 failing traces end in ledger: 3 say disk is full, 2 say "
			 "nothing, 1 says lost row 0, 9 say something else");
	ck_assert_uint_eq(verdict.nerrors, 8);
}
END_TEST

START_TEST(traces_without_failure_have_no_vote)
{
	add(2, in_ledger);
	add(3, nothing);
	count();
	ck_assert(verdict.found);
	ck_assert_uint_eq(verdict.of, 2);
	ck_assert_double_eq_tol(verdict.confidence, 0.95, 1e-9);
	ck_assert(reason_is("in 3 more traces no failing span explains the signal"));
}
END_TEST

START_TEST(a_tie_names_nobody)
{
	options.threshold = 0.1;
	add(2, in_payment);
	add(2, in_ledger);
	count();
	ck_assert(!verdict.found);
	ck_assert_int_eq(verdict.fallback, FALLBACK_LOW_CONFIDENCE);
	ck_assert_str_eq(verdict.fallback_text, "ledger and payment have 2 of 4 traces each, so "
						"none of them is taken for the cause");
	ck_assert_uint_eq(verdict.nrunners_up, 2);
	ck_assert_str_eq(verdict.runners_up[0].service, "ledger");
	ck_assert_str_eq(verdict.runners_up[1].service, "payment");
	ck_assert_uint_eq(verdict.runners_up[1].agree, 2);
}
END_TEST

START_TEST(below_the_threshold_the_best_is_the_first_runner_up)
{
	add(2, of_a_peer);
	add(1, in_ledger);
	count();
	/* 2/3 x 0.6 */
	ck_assert_double_eq_tol(verdict.confidence, 0.4, 1e-9);
	ck_assert(!verdict.found);
	ck_assert_int_eq(verdict.fallback, FALLBACK_LOW_CONFIDENCE);
	ck_assert_str_eq(verdict.fallback_text,
			 "payment is the best candidate, but a confidence of 0.40 is below 0.50");
	ck_assert_str_eq(verdict.suspect.service, "payment");
	ck_assert_ptr_nonnull(verdict.walk);
	ck_assert_str_eq(verdict.runners_up[0].service, "payment");
	ck_assert_str_eq(verdict.runners_up[0].callee, "mysql/ledger");
	ck_assert_str_eq(verdict.runners_up[1].service, "ledger");
	ck_assert_str_eq(verdict.reasons[0],
			 "2 of 3 failing traces end in payment's call of mysql/ledger");
}
END_TEST

START_TEST(the_threshold_itself_is_enough)
{
	options.threshold = 0.55;
	add(1, on_an_edge);
	count();
	ck_assert(verdict.found);
}
END_TEST

START_TEST(edges_agree_on_both_ends)
{
	add(2, on_an_edge);
	add(1, on_another_edge);
	count();
	ck_assert_str_eq(verdict.suspect.service, "cart");
	ck_assert_str_eq(verdict.suspect.callee, "inventory");
	ck_assert_uint_eq(verdict.agree, 2);
	/* 2/3 x 0.55 */
	ck_assert_double_eq_tol(verdict.confidence, 1.1 / 3, 1e-9);
	ck_assert_str_eq(verdict.runners_up[1].callee, "pricing");
	ck_assert_str_eq(verdict.reasons[0],
			 "2 of 3 failing traces end between cart and inventory");
}
END_TEST

START_TEST(namespaces_are_told_apart)
{
	add(1, "eu/ledger server POST /entries | 0 100 | ERROR\n");
	add(1, "us/ledger server POST /entries | 0 100 | ERROR\n");
	count();
	ck_assert(!verdict.found);
	ck_assert_uint_eq(verdict.agree, 1);
	ck_assert_uint_eq(verdict.nrunners_up, 2);
}
END_TEST

START_TEST(kinds_of_one_service_count_together)
{
	/* Certainties of 0.95 and 0.6 for one service: the mean is 0.775. */
	add(1, of_a_peer);
	add(1, "payment server POST /charge | 0 100 | ERROR\n");
	count();
	ck_assert(verdict.found);
	ck_assert_uint_eq(verdict.agree, 2);
	ck_assert_double_eq_tol(verdict.confidence, 0.775, 1e-9);
}
END_TEST

/* Two walks with one operation and no words, of different certainty: the more certain one is told,
 * whichever a backend lists first. */
START_TEST(the_order_in_which_traces_are_listed_does_not_matter)
{
	struct walk first;

	add(1, "payment server POST /charge | 0 100 | ERROR\n");
	add(1, "payment server POST /charge | 5 100 | ERROR\n");
	walks[1].certainty = 0.6;
	count();
	ck_assert_ptr_eq(verdict.walk, &walks[0]);
	first = walks[0];
	walks[0] = walks[1];
	walks[1] = first;
	count();
	ck_assert_ptr_eq(verdict.walk, &walks[1]);
	ck_assert_double_eq_tol(verdict.confidence, 0.775, 1e-9);
}
END_TEST

/* Of equals the trace that began first is told. */
START_TEST(of_equals_the_trace_that_began_first_is_told)
{
	add(1, "payment server POST /charge | 5 100 | ERROR\n");
	add(1, "payment server POST /charge | 0 100 | ERROR\n");
	count();
	ck_assert_ptr_eq(verdict.walk, &walks[1]);
}
END_TEST

START_TEST(an_owned_peer_stands_under_its_owner)
{
	add(1, of_a_peer);
	/* As the rules do where they know the peer's owner. */
	walks[0].suspect.service = "ledger";
	walks[0].certainty = 0.9;
	count();
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.reasons[0],
			 "1 of 1 failing trace ends in a call of mysql/ledger, which is ledger");
}
END_TEST

START_TEST(the_commonest_operation_and_error_are_told)
{
	add(1, in_ledger_elsewhere);
	add(2, in_ledger);
	count();
	ck_assert_uint_eq(verdict.agree, 3);
	ck_assert_str_eq(verdict.suspect.operation, "POST /entries");
	ck_assert_str_eq(verdict.suspect.error, "disk is full");
	ck_assert_ptr_eq(verdict.walk, &walks[1]);
	ck_assert_str_eq(verdict.reasons[0],
			 "3 of 3 failing traces end in ledger: 2 say disk is full, "
			 "1 says no such account");
}
END_TEST

START_TEST(other_leaves_are_runners_up)
{
	add(1, in_both);
	count();
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "ledger");
	ck_assert_uint_eq(verdict.nrunners_up, 1);
	ck_assert_str_eq(verdict.runners_up[0].service, "payment");
	ck_assert_uint_eq(verdict.runners_up[0].agree, 0);
}
END_TEST

START_TEST(slow_ones_were_held_up)
{
	add(2, "cart client GET /stock | 50 3050 | ERROR\n"
	       "  inventory server GET /stock | 60 8060 |\n");
	count();
	ck_assert_str_eq(verdict.reasons[0], "2 of 2 failing traces were held up in inventory");
}
END_TEST

START_TEST(refused_ones_are_the_callers)
{
	add(1, "cart client GET /stock | 10 90 | ERROR; http.response.status_code=400\n"
	       "  inventory server GET /stock | 20 80 | http.response.status_code=400\n");
	count();
	ck_assert_str_eq(verdict.reasons[0],
			 "1 of 1 failing trace ends in cart, whose call was refused: HTTP 400");
}
END_TEST

START_TEST(nothing_failed)
{
	add(2, nothing);
	count();
	ck_assert(!verdict.found);
	ck_assert_int_eq(verdict.fallback, FALLBACK_NO_FAILING_SPAN);
	ck_assert_str_eq(verdict.fallback_text, "in 2 traces no failing span explains the signal");
	ck_assert_uint_eq(verdict.of, 0);
	ck_assert_ptr_null(verdict.walk);
	ck_assert_uint_eq(verdict.nrunners_up, 0);
}
END_TEST

START_TEST(no_trace)
{
	count();
	ck_assert(!verdict.found);
	ck_assert_int_eq(verdict.fallback, FALLBACK_NO_TRACE);
	ck_assert_ptr_nonnull(verdict.fallback_text);
}
END_TEST

START_TEST(runners_up_are_capped)
{
	char drawing[64];

	for (int i = 0; i < 12; i++) {
		snprintf(drawing, sizeof(drawing), "s%02d server POST / | 0 100 | ERROR\n", i);
		add(1, drawing);
	}
	add(2, in_ledger);
	count();
	ck_assert_str_eq(verdict.suspect.service, "ledger");
	/* 2/14 x 0.95 is below 0.5: ledger is the first runner-up. */
	ck_assert(!verdict.found);
	ck_assert_uint_eq(verdict.nrunners_up, 8);
	ck_assert_str_eq(verdict.runners_up[0].service, "ledger");
	ck_assert_str_eq(verdict.runners_up[1].service, "s00");
	ck_assert_str_eq(verdict.runners_up[7].service, "s06");
}

/* Candidates that came before the list of them grew are still counted. */
START_TEST(more_candidates_than_usual)
{
	char drawing[200];

	add(3, in_ledger);
	for (unsigned int i = 0; i < 20; i++) {
		snprintf(drawing, sizeof(drawing),
			 "checkout server POST /orders | 0 100 | ERROR\n"
			 "  service-%u server GET /x | 10 90 | ERROR\n",
			 i);
		add(1, drawing);
	}
	vote(arena, walks, nwalks, &options, &verdict);
	ck_assert(!verdict.found);
	ck_assert_uint_eq(verdict.of, 23);
	ck_assert_str_eq(verdict.runners_up[0].service, "ledger");
	ck_assert_uint_eq(verdict.runners_up[0].agree, 3);
	ck_assert_uint_eq(verdict.runners_up[1].agree, 1);
}
END_TEST
END_TEST

/* ---- the path leads from the signal to the suspect ---- */

static const char three_levels[] =
	"front server GET / | 0 100 | ERROR\n"
	"  checkout server POST /orders | 5 95 | ERROR\n"
	"    ledger server POST /entries | 10 90 | ERROR; message=full\n";

static enum verdict_path check_path(void)
{
	return verdict_path_check(&walks[0], &walks[0].suspect, walks[0].from_span);
}

START_TEST(a_path_leads_from_the_signal_to_the_suspect)
{
	add(1, three_levels);
	ck_assert_uint_eq(walks[0].npath, 3);
	ck_assert_int_eq(check_path(), VERDICT_PATH_WHOLE);
	count();
	ck_assert(!verdict_limits_has(&verdict.limits, VERDICT_LIMIT_PATH_GAP));
}
END_TEST

START_TEST(a_gap_in_the_path_limits_the_confidence)
{
	add(1, three_levels);
	/* checkout is left out. */
	walks[0].path[1] = walks[0].path[2];
	walks[0].npath = 2;
	ck_assert_int_eq(check_path(), VERDICT_PATH_BROKEN);
	count();
	ck_assert(verdict.found);
	ck_assert(verdict_limits_has(&verdict.limits, VERDICT_LIMIT_PATH_GAP));
	ck_assert_double_eq_tol(verdict.confidence, 0.6, 1e-9);
	/* Beyond the threshold nobody is named. */
	options.threshold = 0.7;
	count();
	ck_assert(!verdict.found);
	ck_assert_int_eq(verdict.fallback, FALLBACK_LOW_CONFIDENCE);
}
END_TEST

START_TEST(a_path_that_ends_elsewhere_is_broken)
{
	add(1, three_levels);
	walks[0].npath = 2;
	ck_assert_int_eq(check_path(), VERDICT_PATH_BROKEN);
	walks[0].npath = 0;
	ck_assert_int_eq(check_path(), VERDICT_PATH_BROKEN);
	walks[0].npath = 3;
	walks[0].suspect.service = "payment";
	ck_assert_int_eq(check_path(), VERDICT_PATH_BROKEN);
}
END_TEST

START_TEST(a_path_at_another_root_is_joined_where_the_walk_went_there)
{
	add(1, "front server GET / | 0 100 |\n"
	       "ledger server POST /entries | 10 90 | ERROR; message=full\n");
	ck_assert(walks[0].found);
	ck_assert_str_eq(walks[0].suspect.service, "ledger");
	ck_assert_int_eq(check_path(), VERDICT_PATH_JOINED);
	walks[0].joined = false;
	ck_assert_int_eq(check_path(), VERDICT_PATH_BROKEN);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, more_candidates_than_usual);
	tcase_add_test(tcase, one_trace_is_a_share_of_one);
	tcase_add_test(tcase, nine_of_ten);
	tcase_add_test(tcase, errors_are_counted_by_their_words);
	tcase_add_test(tcase, rare_errors_are_counted_together);
	tcase_add_test(tcase, traces_without_failure_have_no_vote);
	tcase_add_test(tcase, a_tie_names_nobody);
	tcase_add_test(tcase, below_the_threshold_the_best_is_the_first_runner_up);
	tcase_add_test(tcase, the_threshold_itself_is_enough);
	tcase_add_test(tcase, edges_agree_on_both_ends);
	tcase_add_test(tcase, namespaces_are_told_apart);
	tcase_add_test(tcase, kinds_of_one_service_count_together);
	tcase_add_test(tcase, the_order_in_which_traces_are_listed_does_not_matter);
	tcase_add_test(tcase, of_equals_the_trace_that_began_first_is_told);
	tcase_add_test(tcase, an_owned_peer_stands_under_its_owner);
	tcase_add_test(tcase, the_commonest_operation_and_error_are_told);
	tcase_add_test(tcase, other_leaves_are_runners_up);
	tcase_add_test(tcase, slow_ones_were_held_up);
	tcase_add_test(tcase, refused_ones_are_the_callers);
	tcase_add_test(tcase, nothing_failed);
	tcase_add_test(tcase, no_trace);
	tcase_add_test(tcase, runners_up_are_capped);
	tcase_add_test(tcase, a_path_leads_from_the_signal_to_the_suspect);
	tcase_add_test(tcase, a_gap_in_the_path_limits_the_confidence);
	tcase_add_test(tcase, a_path_that_ends_elsewhere_is_broken);
	tcase_add_test(tcase, a_path_at_another_root_is_joined_where_the_walk_went_there);
}

int main(void)
{
	Suite *suite = suite_create("vote");
	TCase *tcase = tcase_create("vote");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	add_tests(tcase);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
