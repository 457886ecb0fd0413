/* web: events of pagers that are sent again, and incidents that pagers name by ids of their own. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/web/feedback_memory-internal.h"
#include "tracepager/limits.h"

static struct feedback_memory *memory;

static void setup(void)
{
	memory = feedback_memory_new();
}

static void teardown(void)
{
	feedback_memory_free(memory);
}

START_TEST(an_event_acts_once)
{
	ck_assert_int_eq(feedback_memory_begin(memory, "pd", "e1"), FEEDBACK_NEW);
	ck_assert_int_eq(feedback_memory_begin(memory, "pd", "e1"), FEEDBACK_PENDING);
	feedback_memory_end(memory, "pd", "e1", true);
	ck_assert_int_eq(feedback_memory_begin(memory, "pd", "e1"), FEEDBACK_DONE);
	/* Another event, and another pager's. */
	ck_assert_int_eq(feedback_memory_begin(memory, "pd", "e2"), FEEDBACK_NEW);
	ck_assert_int_eq(feedback_memory_begin(memory, "hook", "e1"), FEEDBACK_NEW);
}
END_TEST

START_TEST(what_the_store_lost_counts_again)
{
	ck_assert_int_eq(feedback_memory_begin(memory, "pd", "e1"), FEEDBACK_NEW);
	feedback_memory_end(memory, "pd", "e1", false);
	ck_assert_int_eq(feedback_memory_begin(memory, "pd", "e1"), FEEDBACK_NEW);
}
END_TEST

START_TEST(no_id_is_always_new)
{
	ck_assert_int_eq(feedback_memory_begin(memory, "pd", ""), FEEDBACK_NEW);
	feedback_memory_end(memory, "pd", "", true);
	ck_assert_int_eq(feedback_memory_begin(memory, "pd", ""), FEEDBACK_NEW);
}
END_TEST

/* The oldest event goes, and with it its end. */
START_TEST(events_are_bounded)
{
	char event[32];

	for (unsigned int i = 0; i <= LIMIT_FEEDBACK_EVENTS; i++) {
		snprintf(event, sizeof(event), "e%u", i);
		ck_assert_int_eq(feedback_memory_begin(memory, "pd", event), FEEDBACK_NEW);
	}
	feedback_memory_end(memory, "pd", "e0", true);
	ck_assert_int_eq(feedback_memory_begin(memory, "pd", "e2"), FEEDBACK_PENDING);
	ck_assert_int_eq(feedback_memory_begin(memory, "pd", "e0"), FEEDBACK_NEW);
	ck_assert_int_eq(feedback_memory_begin(memory, "pd", "e1"), FEEDBACK_NEW);
}
END_TEST

START_TEST(incidents_are_learned)
{
	ck_assert_str_eq(feedback_memory_incident(memory, "pd", "P1"), "");
	feedback_memory_learn(memory, "pd", "P1", "ours1");
	feedback_memory_learn(memory, "pd", "P2", "ours2");
	ck_assert_str_eq(feedback_memory_incident(memory, "pd", "P1"), "ours1");
	ck_assert_str_eq(feedback_memory_incident(memory, "pd", "P2"), "ours2");
	ck_assert_str_eq(feedback_memory_incident(memory, "hook", "P1"), "");
	ck_assert_str_eq(feedback_memory_incident(memory, "pd", ""), "");
	/* Told again, and told anew. */
	feedback_memory_learn(memory, "pd", "P1", "ours1");
	feedback_memory_learn(memory, "pd", "P1", "ours3");
	ck_assert_str_eq(feedback_memory_incident(memory, "pd", "P1"), "ours3");
}
END_TEST

START_TEST(incidents_are_bounded)
{
	char theirs[32];

	for (unsigned int i = 0; i <= LIMIT_FEEDBACK_INCIDENTS; i++) {
		snprintf(theirs, sizeof(theirs), "P%u", i);
		feedback_memory_learn(memory, "pd", theirs, theirs + 1);
	}
	ck_assert_str_eq(feedback_memory_incident(memory, "pd", "P0"), "");
	ck_assert_str_eq(feedback_memory_incident(memory, "pd", "P1"), "1");
	snprintf(theirs, sizeof(theirs), "P%u", LIMIT_FEEDBACK_INCIDENTS);
	ck_assert_str_eq(feedback_memory_incident(memory, "pd", theirs), theirs + 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("feedback_memory");
	TCase *tests = tcase_create("feedback_memory");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_event_acts_once);
	tcase_add_test(tests, what_the_store_lost_counts_again);
	tcase_add_test(tests, no_id_is_always_new);
	tcase_add_test(tests, events_are_bounded);
	tcase_add_test(tests, incidents_are_learned);
	tcase_add_test(tests, incidents_are_bounded);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
