/*
 * Structure as a last resort (tracepager-walk(7), section 12), on drawn traces: whom the cart calls
 * in the alert's traces, in ordinary ones of the window, and in healthy ones before.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/trace_make.h"
#include "tracepager/vote.h"

#define STOCK "    stock server GET /stock | 10 20 |\n"
#define PRICE "    price server GET /price | 30 40 |\n"
#define PAY   "    pay server POST /pay | 50 60 |\n"
#define CART  "web server POST /orders | 0 100 |\n  cart server PlaceOrder | 5 95 |\n"

static const char whole[] = CART STOCK PRICE PAY;
static const char without_price[] = CART STOCK PAY;
static const char cut_after_stock[] = CART STOCK;
static const char cut_at_once[] = CART;

static struct arena *arena;
static struct trace_set *shown[4];
static struct walk walks[4];
static unsigned int nwalks;
static struct evidence_set *ordinary, *healthy;
static struct verdict verdict;

static void setup(void)
{
	arena = arena_new(64u << 20);
	ordinary = evidence_new(8u << 20);
	healthy = evidence_new(8u << 20);
	nwalks = 0;
	memset(&verdict, 0, sizeof(verdict));
}

static void teardown(void)
{
	for (unsigned int i = 0; i < nwalks; i++)
		trace_set_free(shown[i]);
	evidence_free(ordinary);
	evidence_free(healthy);
	arena_free(arena);
}

static void add(struct evidence_set *set, unsigned int n, const char *drawing)
{
	struct trace_set *traces = trace_make(drawing);

	for (; n > 0; n--)
		evidence_add_trace(set, &traces->traces[0], NULL);
	trace_set_free(traces);
}

static void show(const char *drawing)
{
	const struct walk_options how = { .mode = WALK_AUTO, .codes_fail = true };

	shown[nwalks] = trace_make(drawing);
	walk_trace(arena, &shown[nwalks]->traces[0], &how, &walks[nwalks]);
	nwalks++;
}

static void look(void)
{
	vote_by_structure(arena, walks, nwalks, ordinary,
			  &(struct vote_options){ .threshold = 0.5, .healthy = healthy }, &verdict);
}

START_TEST(a_callee_that_is_never_called)
{
	show(without_price);
	add(ordinary, 10, without_price);
	add(healthy, 40, whole);
	look();
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "cart");
	ck_assert_double_eq_tol(verdict.confidence, 0.6, 1e-9);
	ck_assert(verdict_limits_has(&verdict.limits, VERDICT_LIMIT_STRUCTURE));
	ck_assert_uint_eq(verdict.agree, 10);
	ck_assert_uint_eq(verdict.of, 10);
	ck_assert_str_eq(verdict.reasons[0],
			 "in 10 of 10 ordinary traces of the window cart calls others in an order "
			 "that no healthy trace shows");
}
END_TEST

START_TEST(requests_that_end_at_once)
{
	show(cut_at_once);
	add(ordinary, 10, cut_at_once);
	add(healthy, 40, whole);
	look();
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "cart");
	ck_assert_str_eq(verdict.suspect.error, "calls nobody, though it does in healthy traces");
}
END_TEST

START_TEST(cut_after_a_callee_is_either_of_two)
{
	show(cut_after_stock);
	add(ordinary, 10, cut_after_stock);
	add(healthy, 40, whole);
	look(); /* half cart, half stock: 0.6 x 0.5 */
	ck_assert(!verdict.found);
}
END_TEST

START_TEST(what_healthy_traces_show_is_usual)
{
	show(without_price);
	add(ordinary, 10, without_price);
	add(healthy, 39, whole);
	add(healthy, 1, without_price);
	look();
	ck_assert(!verdict.found);
}
END_TEST

START_TEST(an_order_that_always_varies_is_no_surprise)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	char drawing[512];

	show(without_price);
	add(ordinary, 10, without_price);
	/* 56 healthy traces, each with an order of its own. */
	for (unsigned int i = 0; i < 8; i++)
		for (unsigned int k = 0; k < 8; k++) {
			if (i == k)
				continue;
			snprintf(drawing, sizeof(drawing),
				 CART "    %s server X | 10 20 |\n    %s server X | 30 40 |\n",
				 names[i], names[k]);
			add(healthy, 1, drawing);
		}
	look();
	ck_assert(!verdict.found);
}
END_TEST

START_TEST(few_traces_say_nothing)
{
	show(without_price);
	add(ordinary, 2, without_price);
	add(healthy, 40, whole);
	look();
	ck_assert(!verdict.found);
}
END_TEST

START_TEST(few_healthy_traces_say_nothing)
{
	show(without_price);
	add(ordinary, 10, without_price);
	add(healthy, 19, whole);
	look();
	ck_assert(!verdict.found);
}
END_TEST

START_TEST(the_alerts_own_traces_alone_say_nothing)
{
	for (unsigned int i = 0; i < 4; i++)
		show(without_price);
	add(ordinary, 10, whole);
	add(healthy, 40, whole);
	look();
	ck_assert(!verdict.found);
}
END_TEST

/* The probability of so many new shapes, by the binomial distribution with (single + 1) / (healthy
 * + 2) each, must be below 0.001; the service needs 3 traces and a fifth of all. */
static const struct {
	unsigned int healthy, single; /* usual ones, and one of another order */
	unsigned int fresh, usual;    /* ordinary ones */
	bool found;
} boundary_rows[] = {
	{ 40, 0, 3, 0, true },	  { 40, 0, 2, 0, false },  { 20, 0, 10, 0, true },
	{ 19, 0, 10, 0, false },  { 150, 0, 3, 12, true }, /* 3 of 15; 1.3e-4 */
	{ 150, 0, 3, 13, false },			   /* 3 of 16 */
	{ 20, 0, 4, 6, true },				   /* 1/22 each: 7.2e-4 */
	{ 20, 0, 3, 7, false },				   /* 8.1e-3 */
	{ 20, 1, 4, 6, false },				   /* 2/23 each: 7e-3 */
};

START_TEST(the_boundaries_of_structure)
{
	show(without_price);
	add(ordinary, boundary_rows[_i].fresh, without_price);
	add(ordinary, boundary_rows[_i].usual, whole);
	add(healthy, boundary_rows[_i].healthy, whole);
	add(healthy, boundary_rows[_i].single, CART PRICE);
	look();
	ck_assert_msg(verdict.found == boundary_rows[_i].found, "row %d", _i);
	if (verdict.found) {
		ck_assert_uint_eq(verdict.agree, boundary_rows[_i].fresh);
		ck_assert_uint_eq(verdict.of, boundary_rows[_i].fresh + boundary_rows[_i].usual);
	}
}
END_TEST

/* 0.6, the limit of structure, is enough for a threshold of 0.6. */
START_TEST(structure_is_held_to_the_threshold)
{
	show(without_price);
	add(ordinary, 10, without_price);
	add(healthy, 40, whole);
	vote_by_structure(arena, walks, nwalks, ordinary,
			  &(struct vote_options){ .threshold = 0.61, .healthy = healthy },
			  &verdict);
	ck_assert(!verdict.found);
	vote_by_structure(arena, walks, nwalks, ordinary,
			  &(struct vote_options){ .threshold = 0.6, .healthy = healthy }, &verdict);
	ck_assert(verdict.found);
}
END_TEST

/* One of the alert's traces has to show it too. */
START_TEST(what_the_alerts_traces_do_not_show_is_not_named)
{
	show(whole);
	add(ordinary, 10, without_price);
	add(healthy, 40, whole);
	look();
	ck_assert(!verdict.found);
	show(without_price); /* the second of them does */
	look();
	ck_assert(verdict.found);
	ck_assert_ptr_eq(verdict.walk->trace, &shown[1]->traces[0]);
	ck_assert_uint_eq(verdict.suspect.span, 1);
}
END_TEST

/* Half for the cart, half for the stock after which the request ended. */
START_TEST(the_callee_after_which_it_ended_is_told)
{
	show(cut_after_stock);
	add(ordinary, 10, cut_after_stock);
	add(healthy, 40, whole);
	vote_by_structure(arena, walks, nwalks, ordinary,
			  &(struct vote_options){ .threshold = 0.3, .healthy = healthy }, &verdict);
	ck_assert(verdict.found);
	ck_assert_double_eq_tol(verdict.confidence, 0.3, 1e-9);
	ck_assert_str_eq(verdict.suspect.service, "cart");
	ck_assert_str_eq(verdict.suspect.error,
			 "calls nobody after stock, though it does in healthy traces");
	ck_assert_uint_eq(verdict.agree, 5);
}
END_TEST

START_TEST(stored_evidence_names_the_same)
{
	struct buf bytes = BUF_INIT(1u << 20);

	show(without_price);
	add(ordinary, 10, without_price);
	add(healthy, 40, whole);
	evidence_encode_both(healthy, ordinary, &bytes);
	evidence_free(healthy);
	evidence_free(ordinary);
	ck_assert(evidence_decode_both(buf_text(&bytes), bytes.len, &healthy, &ordinary));
	buf_fini(&bytes);
	look();
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "cart");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("structure");
	Suite *suite = suite_create("structure");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_callee_that_is_never_called);
	tcase_add_test(tcase, requests_that_end_at_once);
	tcase_add_test(tcase, cut_after_a_callee_is_either_of_two);
	tcase_add_test(tcase, what_healthy_traces_show_is_usual);
	tcase_add_test(tcase, an_order_that_always_varies_is_no_surprise);
	tcase_add_test(tcase, few_traces_say_nothing);
	tcase_add_test(tcase, few_healthy_traces_say_nothing);
	tcase_add_test(tcase, the_alerts_own_traces_alone_say_nothing);
	tcase_add_loop_test(tcase, the_boundaries_of_structure, 0,
			    sizeof(boundary_rows) / sizeof(boundary_rows[0]));
	tcase_add_test(tcase, structure_is_held_to_the_threshold);
	tcase_add_test(tcase, what_the_alerts_traces_do_not_show_is_not_named);
	tcase_add_test(tcase, the_callee_after_which_it_ended_is_told);
	tcase_add_test(tcase, stored_evidence_names_the_same);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
