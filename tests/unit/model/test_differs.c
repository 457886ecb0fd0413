/*
 * What differs (tracepager-walk(7), section 11), on drawn traces. Each drawing is one process of
 * the ledger in one trace. The probabilities are Fisher's, by hand: of n units with m failing, all
 * failing ones and no others have a value with 1 / C(n, m).
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/trace_make.h"
#include "tracepager/differs.h"
#include "tracepager/xalloc.h"

#define TRACES 64

static struct trace_set *sets[TRACES];
static const struct trace *window[TRACES];
static unsigned int nsets, nwindow;
static struct evidence_set *ordinary, *healthy;
static struct arena *arena;
static struct difference found[LIMIT_DIFFERS];
static unsigned int nfound;

static void setup(void)
{
	arena = arena_new(16u << 20);
	ordinary = evidence_new(1u << 20);
	healthy = evidence_new(1u << 20);
	nsets = nwindow = 0;
}

static void teardown(void)
{
	for (unsigned int i = 0; i < nsets; i++)
		trace_set_free(sets[i]);
	evidence_free(ordinary);
	evidence_free(healthy);
	arena_free(arena);
}

/* n traces in which the ledger has these marks; into NULL: of the window. */
static void add(unsigned int n, const char *marks, struct evidence_set *into)
{
	CLEANUP_FREE char *drawing = xasprintf("checkout server POST /orders | 0 100 |\n"
					       "  ledger server POST /entries | 10 90 | %s\n",
					       marks);

	for (; n > 0; n--) {
		ck_assert_uint_lt(nsets, TRACES);
		sets[nsets] = trace_make(drawing);
		if (into)
			evidence_add_trace(into, &sets[nsets]->traces[0], NULL);
		else
			window[nwindow++] = &sets[nsets]->traces[0];
		nsets++;
	}
}

static void look_for(bool slow)
{
	nfound = differs(arena,
			 &(struct differs_input){ .traces = window,
						  .ntraces = nwindow,
						  .ordinary = ordinary,
						  .healthy = healthy,
						  .namespace = "",
						  .service = "ledger",
						  .slow = slow },
			 found);
}

static void look(void)
{
	look_for(false);
}

START_TEST(a_bad_version_beside_ordinary_traces)
{
	add(5, "ERROR; service.version=2.31", NULL);
	add(10, "service.version=2.30", ordinary);
	look();
	ck_assert_uint_eq(nfound, 1);
	ck_assert_str_eq(found[0].attribute, "service.version");
	ck_assert_str_eq(found[0].value, "2.31");
	ck_assert_uint_eq(found[0].failing, 5);
	ck_assert_uint_eq(found[0].of, 5);
	ck_assert_uint_eq(found[0].others, 0);
	ck_assert_uint_eq(found[0].of_others, 10);
	ck_assert(!found[0].before);
	/* 1 / C(15, 5); 2.30, which no failing unit has, could not be sharp: 252 / 3003. */
	ck_assert_double_eq_tol(found[0].p, 1 / 3003.0, 1e-9);
	ck_assert_str_eq(found[0].text,
			 "all 5 that fail in ledger are on version 2.31, 0 of 10 others");
}
END_TEST

START_TEST(others_may_lie_in_the_failing_traces)
{
	add(5, "ERROR; service.version=2.31", NULL);
	add(10, "service.version=2.30", NULL);
	look();
	ck_assert_uint_eq(nfound, 1);
	ck_assert_uint_eq(found[0].of_others, 10);
}
END_TEST

START_TEST(healthy_traces_are_called_what_they_are)
{
	add(5, "ERROR; service.version=2.31", NULL);
	add(10, "service.version=2.30", healthy);
	look();
	ck_assert_uint_eq(nfound, 1);
	ck_assert(found[0].before);
	ck_assert_str_eq(found[0].text, "all 5 that fail in ledger are on version 2.31; healthy "
					"traces before: 0 of 10");
}
END_TEST

START_TEST(the_window_objects)
{
	add(5, "ERROR; service.version=2.31", NULL);
	add(3, "service.version=2.31", ordinary);
	add(10, "service.version=2.30", healthy);
	look();
	ck_assert_uint_eq(nfound, 0);
}
END_TEST

START_TEST(chance_is_not_told)
{
	add(5, "ERROR; service.version=2.31", NULL);
	add(5, "service.version=2.31", ordinary);
	add(5, "service.version=2.30", ordinary);
	look(); /* C(10, 5) / C(15, 5) = 0.084 */
	ck_assert_uint_eq(nfound, 0);
}
END_TEST

START_TEST(what_all_have_is_not_told)
{
	add(8, "ERROR; service.version=2.31", NULL);
	add(10, "service.version=2.31", healthy);
	look();
	ck_assert_uint_eq(nfound, 0);
}
END_TEST

START_TEST(two_failing_are_too_few)
{
	add(2, "ERROR; service.version=2.31", NULL);
	add(20, "service.version=2.30", ordinary);
	look();
	ck_assert_uint_eq(nfound, 0);
}
END_TEST

/* 7 of 10 are 70 %, and C(10, 7) / C(30, 7) is 1 in 17,000; 6 of 10 are too few. */
START_TEST(most_of_the_failing_have_it)
{
	for (unsigned int n = 6; n <= 7; n++) {
		add(n, "ERROR; service.version=2.31", NULL);
		add(10 - n, "ERROR; service.version=2.30", NULL);
		if (n == 6)
			add(20, "service.version=2.30", ordinary);
		look();
		ck_assert_uint_eq(nfound, n == 7);
		nwindow = 0;
	}
}
END_TEST

/* All of 20 against 18 of 30: a gap of 40 points. 19 of 30 are no gap, though chance would make
 * such a difference in one case of 680 only: C(39, 20) / C(50, 20). */
START_TEST(the_others_have_it_much_less)
{
	for (unsigned int n = 18; n <= 19; n++) {
		evidence_free(ordinary);
		ordinary = evidence_new(1u << 20);
		for (unsigned int i = 0; i < nsets; i++)
			trace_set_free(sets[i]);
		nsets = nwindow = 0;
		add(20, "ERROR; service.version=2.31", NULL);
		add(n, "service.version=2.31", ordinary);
		add(30 - n, "service.version=2.30", ordinary);
		look();
		ck_assert_uint_eq(nfound, n == 18);
	}
}
END_TEST

START_TEST(an_attribute_that_others_lack_is_not_compared)
{
	add(5, "ERROR; service.version=2.31", NULL);
	add(10, "", ordinary);
	look();
	ck_assert_uint_eq(nfound, 0);
}
END_TEST

START_TEST(codes_are_not_told)
{
	add(5, "ERROR; http.response.status_code=500", NULL);
	add(10, "http.response.status_code=200", ordinary);
	look();
	ck_assert_uint_eq(nfound, 0);
}
END_TEST

START_TEST(version_and_its_pod_are_one_line)
{
	add(5, "ERROR; k8s.pod.name=ledger-7f9; service.version=2.31", NULL);
	add(10, "k8s.pod.name=ledger-1a2; service.version=2.30", ordinary);
	look();
	ck_assert_uint_eq(nfound, 1);
	ck_assert_str_eq(found[0].attribute, "service.version");
	ck_assert_uint_eq(found[0].nsame, 1);
	ck_assert_str_eq(found[0].same[0], "pod ledger-7f9");
}
END_TEST

START_TEST(one_bad_pod_of_a_version)
{
	add(8, "ERROR; k8s.pod.name=p3; service.version=2.31", NULL);
	add(6, "k8s.pod.name=p1; service.version=2.31", ordinary);
	add(6, "k8s.pod.name=p2; service.version=2.31", ordinary);
	add(6, "k8s.pod.name=p4; service.version=2.30", ordinary);
	look();
	ck_assert_uint_eq(nfound, 1);
	ck_assert_str_eq(found[0].value, "p3");
	ck_assert_str_eq(found[0].text,
			 "all 8 that fail in ledger are on pod p3, 1 of 4 pods, 0 of 18 others");
}
END_TEST

START_TEST(a_second_difference_of_its_own)
{
	/* Only the new version fails, and only for one tenant. */
	add(12, "ERROR; service.version=2.31; tenant.id=acme", NULL);
	add(12, "service.version=2.31; tenant.id=zenith", ordinary);
	add(12, "service.version=2.30; tenant.id=acme", ordinary);
	look();
	ck_assert_uint_eq(nfound, 2);
	ck_assert_str_eq(found[0].value, "2.31");
	ck_assert_str_eq(found[1].value, "acme");
}
END_TEST

START_TEST(the_database_that_refused)
{
	for (unsigned int i = 0; i < 15; i++) {
		sets[nsets] = trace_make(
			i < 5 ? "ledger server POST /entries | 0 90 | ERROR\n"
				"  ledger client SELECT | 10 20 | db.namespace=books\n"
				"  ledger client INSERT | 30 40 | ERROR; db.namespace=audit\n"
			      : "ledger server POST /entries | 0 90 |\n"
				"  ledger client SELECT | 10 20 | db.namespace=books\n");
		window[nwindow++] = &sets[nsets++]->traces[0];
	}
	look();
	/* No other has used audit, but the attribute is known of all. */
	ck_assert_uint_eq(nfound, 1);
	ck_assert_str_eq(found[0].text,
			 "all 5 that fail in ledger have db.namespace audit, 0 of 10 others");
}
END_TEST

START_TEST(slow_ones_count_though_none_failed)
{
	add(5, "k8s.node.name=n1", NULL);
	add(10, "k8s.node.name=n2", healthy);
	look_for(true);
	ck_assert_uint_eq(nfound, 1);
	ck_assert_str_eq(found[0].text,
			 "all 5 in ledger are on node n1; healthy traces before: 0 of 10");
}
END_TEST

START_TEST(a_loop_of_failing_calls_counts_once)
{
	sets[nsets] = trace_make("ledger server POST /a | 0 10 | ERROR; service.version=2.31\n"
				 "ledger server POST /a | 10 20 | ERROR; service.version=2.31\n"
				 "ledger server POST /a | 20 30 | ERROR; service.version=2.31\n");
	window[nwindow++] = &sets[nsets++]->traces[0];
	add(20, "service.version=2.30", ordinary);
	look();
	ck_assert_uint_eq(nfound, 0);
}
END_TEST

START_TEST(stored_evidence_tells_the_same)
{
	struct buf bytes = BUF_INIT(1u << 20);

	add(5, "ERROR; service.version=2.31", NULL);
	add(10, "service.version=2.30", healthy);
	evidence_encode(healthy, &bytes);
	evidence_free(healthy);
	healthy = evidence_decode(buf_text(&bytes), bytes.len);
	ck_assert_ptr_nonnull(healthy);
	buf_fini(&bytes);
	look();
	ck_assert_uint_eq(nfound, 1);
	ck_assert_uint_eq(found[0].of_others, 10);
}
END_TEST

START_TEST(both_sets_survive_the_store)
{
	struct evidence_set *first = NULL, *second = NULL;
	struct buf bytes = BUF_INIT(1u << 20);

	add(2, "service.version=2.30", healthy);
	add(3, "service.version=2.30", ordinary);
	evidence_encode_both(healthy, ordinary, &bytes);
	ck_assert(evidence_decode_both(buf_text(&bytes), bytes.len, &first, &second));
	ck_assert_uint_eq(first->n, 2);
	ck_assert_uint_eq(second->n, 3);
	evidence_free(first);
	evidence_free(second);
	for (size_t len = 0; len < bytes.len; len++)
		ck_assert(!evidence_decode_both(buf_text(&bytes), len, &first, &second));
	buf_reset(&bytes);
	/* Without ordinary traces it is what evidence_encode() writes. */
	evidence_encode_both(healthy, NULL, &bytes);
	ck_assert(evidence_decode_both(buf_text(&bytes), bytes.len, &first, &second));
	ck_assert_uint_eq(first->n, 2);
	ck_assert_ptr_null(second);
	evidence_free(first);
	buf_reset(&bytes);
	evidence_encode_both(NULL, ordinary, &bytes);
	ck_assert(evidence_decode_both(buf_text(&bytes), bytes.len, &first, &second));
	ck_assert_ptr_null(first);
	ck_assert_uint_eq(second->n, 3);
	evidence_free(second);
	buf_fini(&bytes);
}
END_TEST

START_TEST(evidence_of_an_older_version_has_no_units)
{
	/* One service, no text, one trace of 7 us without observations and ends. */
	static const char old[] = "TPE1\x01\x00\x06ledger\x00\x00\x01\x0e\x00\x00\x00";
	struct evidence_set *set = evidence_decode(old, sizeof(old) - 1);

	ck_assert_ptr_nonnull(set);
	ck_assert_uint_eq(set->n, 1);
	ck_assert_int_eq(set->at[0].duration_us, 7);
	ck_assert_uint_eq(set->at[0].nunits, 0);
	evidence_free(set);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("differs");
	Suite *suite = suite_create("differs");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_bad_version_beside_ordinary_traces);
	tcase_add_test(tcase, others_may_lie_in_the_failing_traces);
	tcase_add_test(tcase, healthy_traces_are_called_what_they_are);
	tcase_add_test(tcase, the_window_objects);
	tcase_add_test(tcase, chance_is_not_told);
	tcase_add_test(tcase, what_all_have_is_not_told);
	tcase_add_test(tcase, two_failing_are_too_few);
	tcase_add_test(tcase, most_of_the_failing_have_it);
	tcase_add_test(tcase, the_others_have_it_much_less);
	tcase_add_test(tcase, an_attribute_that_others_lack_is_not_compared);
	tcase_add_test(tcase, codes_are_not_told);
	tcase_add_test(tcase, version_and_its_pod_are_one_line);
	tcase_add_test(tcase, one_bad_pod_of_a_version);
	tcase_add_test(tcase, a_second_difference_of_its_own);
	tcase_add_test(tcase, the_database_that_refused);
	tcase_add_test(tcase, slow_ones_count_though_none_failed);
	tcase_add_test(tcase, a_loop_of_failing_calls_counts_once);
	tcase_add_test(tcase, stored_evidence_tells_the_same);
	tcase_add_test(tcase, both_sets_survive_the_store);
	tcase_add_test(tcase, evidence_of_an_older_version_has_no_units);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
