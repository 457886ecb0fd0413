/* web: events of pagers that are sent again, and incidents that pagers name by ids of their own. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/feedback_memory.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define NOW (1800000000 * US_PER_SECOND)

static struct feedback_memory *memory;
static struct map *settings; /* as the store keeps them */

static void on_keep(void *ctx, const char *name, const char *value)
{
	(void)ctx;
	ck_assert_uint_lt(strlen(value), 2500);
	free(map_put(settings, name, xstrdup(value)));
}

static void begin_process(void)
{
	const char *name, *value;
	size_t pos = 0;

	memory = feedback_memory_new(&(struct feedback_memory_env){ .keep = on_keep });
	while ((value = map_next(settings, &pos, &name)))
		feedback_memory_kept(memory, name, value);
}

static void begin_again(void)
{
	feedback_memory_free(memory);
	begin_process();
}

static void setup(void)
{
	settings = map_new();
	begin_process();
}

static void teardown(void)
{
	char *value;
	size_t pos = 0;

	while ((value = map_next(settings, &pos, NULL)))
		free(value);
	map_free(settings);
	feedback_memory_free(memory);
}

static const char *incident_of(const char *pager, const char *theirs)
{
	int n = -1;
	const char *ours = feedback_memory_incident(memory, pager, theirs, &n);

	ck_assert_int_eq(n, *ours != '\0');
	return ours;
}

static enum feedback_seen begin(const char *pager, const char *event)
{
	return feedback_memory_begin(memory, pager, event, NOW);
}

/* An event of that second, from its request to the disk. */
static void act_on(const char *pager, unsigned int n, int64_t at_s)
{
	char event[32];

	snprintf(event, sizeof(event), "e%u", n);
	ck_assert_int_eq(feedback_memory_begin(memory, pager, event, at_s * US_PER_SECOND),
			 FEEDBACK_NEW);
	feedback_memory_keep(memory, pager, event);
	feedback_memory_end(memory, pager, event, true);
}

static bool same_pager(void *ctx, const char *other)
{
	return strcmp(ctx, other) == 0;
}

static bool elsewhere(const char *pager, const char *event, char *other)
{
	return feedback_memory_elsewhere(memory, pager, event, same_pager, other);
}

/* A request that was replayed at the address of another pager. */
START_TEST(an_event_of_another_pager)
{
	char one[] = "one", two[] = "two";

	ck_assert_int_eq(begin("one", "e1"), FEEDBACK_NEW);
	ck_assert(elsewhere("two", "e1", one));
	ck_assert(!elsewhere("two", "e2", one));
	ck_assert(!elsewhere("two", "", one));
	/* Its own is no other's, and that of another app is none. */
	ck_assert(!elsewhere("one", "e1", one));
	ck_assert(!elsewhere("three", "e1", two));
}
END_TEST

START_TEST(an_event_acts_once)
{
	ck_assert_int_eq(begin("pd", "e1"), FEEDBACK_NEW);
	ck_assert_int_eq(begin("pd", "e1"), FEEDBACK_PENDING);
	feedback_memory_end(memory, "pd", "e1", true);
	ck_assert_int_eq(begin("pd", "e1"), FEEDBACK_DONE);
	/* Another event, and another pager's. */
	ck_assert_int_eq(begin("pd", "e2"), FEEDBACK_NEW);
	ck_assert_int_eq(begin("hook", "e1"), FEEDBACK_NEW);
}
END_TEST

START_TEST(what_the_store_lost_counts_again)
{
	ck_assert_int_eq(begin("pd", "e1"), FEEDBACK_NEW);
	feedback_memory_end(memory, "pd", "e1", false);
	ck_assert_int_eq(begin("pd", "e1"), FEEDBACK_NEW);
}
END_TEST

START_TEST(no_id_is_always_new)
{
	ck_assert_int_eq(begin("pd", ""), FEEDBACK_NEW);
	feedback_memory_end(memory, "pd", "", true);
	ck_assert_int_eq(begin("pd", ""), FEEDBACK_NEW);
}
END_TEST

/* The oldest event goes; what is not later than it may have acted, and acts no more. */
START_TEST(what_is_forgotten_acts_no_more)
{
	const unsigned int n = LIMIT_FEEDBACK_EVENTS;

	/* The second half of them happened earlier. */
	for (unsigned int i = 0; i < n; i++)
		act_on("pd", i, i < n / 2 ? 5000 + i : 1000 + i);
	act_on("pd", n, 9000); /* in the place of event n / 2 */
	for (int process = 0; process < 2; process++, begin_again()) {
		const int64_t forgotten_us = (1000 + n / 2) * US_PER_SECOND;
		ck_assert_int_eq(feedback_memory_begin(memory, "pd", "e2000", NOW), FEEDBACK_DONE);
		ck_assert_int_eq(feedback_memory_begin(memory, "pd", "e0", NOW), FEEDBACK_DONE);
		ck_assert_int_eq(feedback_memory_begin(memory, "pd", "e1024", forgotten_us),
				 FEEDBACK_FORGOTTEN);
		ck_assert_int_eq(feedback_memory_begin(memory, "pd", "late", forgotten_us - 1),
				 FEEDBACK_FORGOTTEN);
		ck_assert_int_eq(feedback_memory_begin(memory, "hook", "e1024", forgotten_us),
				 FEEDBACK_NEW);
	}
	ck_assert_int_eq(feedback_memory_begin(memory, "pd", "new", NOW), FEEDBACK_NEW);
}
END_TEST

START_TEST(events_outlive_the_process)
{
	act_on("pd", 1, 1000);
	act_on("hook of shop", 2, 1000);
	ck_assert_int_eq(begin("pd", "lost"), FEEDBACK_NEW);
	feedback_memory_keep(memory, "pd", "lost");
	feedback_memory_end(memory, "pd", "lost", false); /* the store failed */
	ck_assert_int_eq(begin("pd", "without an act"), FEEDBACK_NEW);
	feedback_memory_end(memory, "pd", "without an act", false);
	act_on("pd", 3, 1000);
	begin_again();
	ck_assert_int_eq(begin("pd", "e1"), FEEDBACK_DONE);
	ck_assert_int_eq(begin("pd", "e3"), FEEDBACK_DONE);
	ck_assert_int_eq(begin("hook of shop", "e2"), FEEDBACK_DONE);
	ck_assert_int_eq(begin("pd", "e2"), FEEDBACK_NEW);
	ck_assert_int_eq(begin("pd", "lost"), FEEDBACK_NEW);
	ck_assert_int_eq(begin("pd", "without an act"), FEEDBACK_NEW);
}
END_TEST

START_TEST(other_settings_are_left_alone)
{
	static const char *const names[] = { "link key",	"feedback",	  "feedback 0",
					     "feedback 0 ",	"feedback 99 pd", "feedback -1 pd",
					     "feedback 0 hook", "feedback x pd" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		feedback_memory_kept(memory, names[i], "0 1:1 zz 2:");
	ck_assert_int_eq(begin("pd", "e1"), FEEDBACK_NEW);
	ck_assert_int_eq(begin("hook", "e1"), FEEDBACK_NEW);
}
END_TEST

START_TEST(incidents_are_learned)
{
	ck_assert_str_eq(incident_of("pd", "P1"), "");
	feedback_memory_learn(memory, "pd", "P1", "ours1", 1);
	feedback_memory_learn(memory, "pd", "P2", "ours2", 1);
	ck_assert_str_eq(incident_of("pd", "P1"), "ours1");
	ck_assert_str_eq(incident_of("pd", "P2"), "ours2");
	ck_assert_str_eq(incident_of("hook", "P1"), "");
	ck_assert_str_eq(incident_of("pd", ""), "");
	/* Told again, and told anew. */
	feedback_memory_learn(memory, "pd", "P1", "ours1", 1);
	feedback_memory_learn(memory, "pd", "P1", "ours3", 1);
	ck_assert_str_eq(incident_of("pd", "P1"), "ours3");
}
END_TEST

START_TEST(incidents_are_bounded)
{
	char theirs[32];

	for (unsigned int i = 0; i <= LIMIT_FEEDBACK_INCIDENTS; i++) {
		snprintf(theirs, sizeof(theirs), "P%u", i);
		feedback_memory_learn(memory, "pd", theirs, theirs + 1, 1);
	}
	ck_assert_str_eq(incident_of("pd", "P0"), "");
	ck_assert_str_eq(incident_of("pd", "P1"), "1");
	snprintf(theirs, sizeof(theirs), "P%u", LIMIT_FEEDBACK_INCIDENTS);
	ck_assert_str_eq(incident_of("pd", theirs), theirs + 1);
}
END_TEST

/* The ring goes on where it was: the newest entry takes the place of the oldest. */
START_TEST(incidents_outlive_the_process)
{
	char theirs[32], ours[32];

	for (unsigned int i = 0; i < LIMIT_FEEDBACK_INCIDENTS + 40; i++) {
		snprintf(theirs, sizeof(theirs), "P%u", i);
		snprintf(ours, sizeof(ours), "%x", i);
		feedback_memory_learn(memory, "the pager", theirs, ours, 1);
	}
	feedback_memory_learn(memory, "pd", "P1", "ours1", 1);
	begin_again();
	feedback_memory_learn(memory, "the pager", "new", "ours2", 1);
	/* 1,024 of 1,065: P41 to P1063, and the new one. */
	ck_assert_str_eq(incident_of("the pager", "P40"), "");
	ck_assert_str_eq(incident_of("the pager", "P41"), "29");
	ck_assert_str_eq(incident_of("the pager", "P1063"), "427");
	ck_assert_str_eq(incident_of("the pager", "new"), "ours2");
	ck_assert_str_eq(incident_of("pd", "P1"), "ours1");
}
END_TEST

/* The page of the incident, and one that is told anew. */
START_TEST(page_numbers_are_learned)
{
	int n = -1;

	feedback_memory_learn(memory, "pd", "P1", "ours1", 2);
	feedback_memory_learn(memory, "pd", "P2", "ours1", 0);
	feedback_memory_learn(memory, "pd", "P3", "ours1", 2);
	feedback_memory_learn(memory, "pd", "P3", "ours1", 3);
	begin_again();
	ck_assert_str_eq(feedback_memory_incident(memory, "pd", "P1", &n), "ours1");
	ck_assert_int_eq(n, 2);
	feedback_memory_incident(memory, "pd", "P2", &n);
	ck_assert_int_eq(n, 0);
	feedback_memory_incident(memory, "pd", "P3", &n);
	ck_assert_int_eq(n, 3);
}
END_TEST

/* What is no id of ours would break the text that is kept. */
START_TEST(foreign_ids_are_not_kept)
{
	feedback_memory_learn(memory, "pd", "P1", "a b:c", 1);
	feedback_memory_learn(memory, "pd", "P2", "ours2", 1);
	ck_assert_str_eq(incident_of("pd", "P1"), "a b:c");
	begin_again();
	ck_assert_str_eq(incident_of("pd", "P1"), "");
	ck_assert_str_eq(incident_of("pd", "P2"), "ours2");
}
END_TEST

START_TEST(torn_incidents_are_left_alone)
{
	static const char *const values[] = { "",     "x",	    "1 ",     "1 zz",	  "1 1",
					      "1 1:", "ff 1:a:b 2", "1 1:a#", "1 1:a#x 2" };

	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		feedback_memory_kept(memory, "feedback-incidents 0 pd", values[i]);
	feedback_memory_kept(memory, "feedback-incidents 32 pd", "1 1:a");
	feedback_memory_kept(memory, "feedback-incidents 0 ", "1 1:a");
	feedback_memory_learn(memory, "pd", "P1", "ours1", 1);
	ck_assert_str_eq(incident_of("pd", "P1"), "ours1");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("feedback_memory");
	TCase *tests = tcase_create("feedback_memory");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_event_acts_once);
	tcase_add_test(tests, an_event_of_another_pager);
	tcase_add_test(tests, what_the_store_lost_counts_again);
	tcase_add_test(tests, no_id_is_always_new);
	tcase_add_test(tests, what_is_forgotten_acts_no_more);
	tcase_add_test(tests, events_outlive_the_process);
	tcase_add_test(tests, other_settings_are_left_alone);
	tcase_add_test(tests, incidents_are_learned);
	tcase_add_test(tests, incidents_are_bounded);
	tcase_add_test(tests, incidents_outlive_the_process);
	tcase_add_test(tests, page_numbers_are_learned);
	tcase_add_test(tests, foreign_ids_are_not_kept);
	tcase_add_test(tests, torn_incidents_are_left_alone);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
