/*
 * Limits of a confidence: how several of them act together (tracepager-walk(7), section 10).
 */
#include <check.h>
#include <stdlib.h>

#include "tracepager/verdict_limit.h"

START_TEST(caps_and_factors)
{
	struct verdict_limits limits = { .n = 0 };

	ck_assert_double_eq_tol(verdict_limits_apply(&limits, 0.95), 0.95, 1e-9);
	verdict_limits_add(&limits, VERDICT_LIMIT_MAYBE_SURVIVED, NULL);
	verdict_limits_add(&limits, VERDICT_LIMIT_INFERRED, NULL);
	/* The smaller of 0.8 and 0.9, not their product. */
	ck_assert_double_eq_tol(verdict_limits_apply(&limits, 0.95), 0.76, 1e-9);
	verdict_limits_add(&limits, VERDICT_LIMIT_BARE_GATEWAY, NULL);
	ck_assert_double_eq_tol(verdict_limits_apply(&limits, 0.95), 0.6, 1e-9);
	ck_assert_double_eq_tol(verdict_limits_apply(&limits, 0.5), 0.4, 1e-9);
	ck_assert_double_eq_tol(verdict_limits_cap(&limits, 0.5), 0.5, 1e-9);
}
END_TEST

START_TEST(each_stands_once_with_its_smallest_number)
{
	struct verdict_limits limits = { .n = 0 }, others = { .n = 0 };

	verdict_limits_add_as(&limits, VERDICT_LIMIT_SEVERAL_CAUSES, 0.5, "two of them");
	verdict_limits_add_as(&others, VERDICT_LIMIT_SEVERAL_CAUSES, 0.25, "four of them");
	verdict_limits_add(&others, VERDICT_LIMIT_PARTIAL, NULL);
	verdict_limits_join(&limits, &others);
	ck_assert_uint_eq(limits.n, 2);
	ck_assert_double_eq_tol(limits.at[0].number, 0.25, 1e-9);
	ck_assert_str_eq(limits.at[0].text, "four of them");
	verdict_limits_add_as(&limits, VERDICT_LIMIT_SEVERAL_CAUSES, 0.5, "two of them");
	ck_assert_double_eq_tol(limits.at[0].number, 0.25, 1e-9);
	ck_assert(verdict_limits_has(&limits, VERDICT_LIMIT_PARTIAL));
	ck_assert(!verdict_limits_has(&limits, VERDICT_LIMIT_BARE_GATEWAY));
}
END_TEST

START_TEST(a_person_reads_number_and_sentence)
{
	struct verdict_limit cap = { VERDICT_LIMIT_BARE_GATEWAY, 0.6, "it always fails" },
			     factor = { VERDICT_LIMIT_PARTIAL, 0.8, "spans are missing" };
	struct buf out = BUF_INIT(256);

	verdict_limit_write(&cap, &out);
	ck_assert_str_eq(buf_text(&out), "confidence at most 0.60: it always fails");
	buf_reset(&out);
	verdict_limit_write(&factor, &out);
	ck_assert_str_eq(buf_text(&out), "confidence times 0.80: spans are missing");
	buf_fini(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("verdict_limit");
	TCase *tcase = tcase_create("limits");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, caps_and_factors);
	tcase_add_test(tcase, each_stands_once_with_its_smallest_number);
	tcase_add_test(tcase, a_person_reads_number_and_sentence);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
