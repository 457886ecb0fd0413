/* cmd: the outcome of a decision is read from its JSON. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/past.h"
#include "tracepager/xalloc.h"

static struct arena *arena;
static struct outcome outcome;
static struct err err;

static void setup(void)
{
	arena = arena_new(1u << 20);
	outcome = (struct outcome){ .sent = false };
	err = (struct err){ 0 };
}

static void teardown(void)
{
	arena_free(arena);
}

static int read_outcome(const char *json)
{
	return outcome_read(arena, json, strlen(json), &outcome, &err);
}

START_TEST(all_members_are_read)
{
	ck_assert_msg(
		read_outcome(
			"{\"version\":1,\"alert\":{\"owner\":{\"team\":\"no\"}},"
			"\"traces\":[{\"suspect\":{\"service\":\"no\"}},{\"trace_id\":\"b\"},{}],"
			"\"verdict\":{\"suspect\":{\"service\":\"ledger\",\"namespace\":\"shop\","
			"\"operation\":\"POST /entries\",\"kind\":\"peer\",\"callee\":\"db\","
			"\"error\":\"disk \\u00e9\"},\"confidence\":0.95,\"agree\":2,\"of\":3,"
			"\"errors\":[{\"error\":\"no\"}],"
			"\"fallback\":{\"code\":\"low_confidence\",\"text\":\"too low\"}},"
			"\"owner\":{\"team\":\"money\",\"rule\":\"r.yaml:5\",\"reasons\":[\"x\"]},"
			"\"escalation\":{\"policy\":\"soft\",\"steps\":[{\"pagers\":[\"a\",\"b\"],"
			"\"wait_s\":60},{\"pagers\":[\"c\"]}],\"repeat\":0},"
			"\"page\":{\"severity\":\"error\",\"links\":[{\"severity\":\"no\"}]},"
			"\"silence\":{\"id\":\"s1\",\"author\":\"ann\",\"reason\":\"moving\"}}") ==
			0,
		"%s", err.text);
	ck_assert_str_eq(outcome.suspect, "ledger");
	ck_assert_str_eq(outcome.namespace, "shop");
	ck_assert_str_eq(outcome.operation, "POST /entries");
	ck_assert_str_eq(outcome.kind, "peer");
	ck_assert_str_eq(outcome.callee, "db");
	ck_assert_str_eq(outcome.error, "disk é");
	ck_assert_str_eq(outcome.fallback, "low_confidence");
	ck_assert_str_eq(outcome.fallback_text, "too low");
	ck_assert_str_eq(outcome.team, "money");
	ck_assert_str_eq(outcome.rule, "r.yaml:5");
	ck_assert_str_eq(outcome.policy, "soft");
	ck_assert_str_eq(outcome.pagers, "a, b");
	ck_assert_str_eq(outcome.severity, "error");
	ck_assert_str_eq(outcome.silence, "s1");
	ck_assert_str_eq(outcome.silence_author, "ann");
	ck_assert_str_eq(outcome.silence_reason, "moving");
	ck_assert_double_eq(outcome.confidence, 0.95);
	ck_assert_uint_eq(outcome.agree, 2);
	ck_assert_uint_eq(outcome.of, 3);
	ck_assert_uint_eq(outcome.ntraces, 3);
	ck_assert(outcome.found && outcome.sent);
}
END_TEST

START_TEST(what_is_missing_is_empty)
{
	ck_assert_int_eq(read_outcome("{\"verdict\":{\"suspect\":null},\"page\":null}"), 0);
	ck_assert(!outcome.found && !outcome.sent);
	ck_assert_str_eq(outcome.suspect, "");
	ck_assert_str_eq(outcome.team, "");
	ck_assert_str_eq(outcome.pagers, "");
	ck_assert_uint_eq(outcome.ntraces, 0);
}
END_TEST

/* A value of another type is as good as none, and what stands in it is nobody's. */
START_TEST(values_of_other_types_count_as_missing)
{
	ck_assert_int_eq(read_outcome("{\"owner\":[{\"team\":\"no\"}],\"page\":[],\"traces\":{},"
				      "\"verdict\":{\"suspect\":[],\"agree\":-1,\"of\":\"3\","
				      "\"confidence\":{\"of\":5}},"
				      "\"escalation\":{\"policy\":7,\"steps\":[[\"no\"]]}}"),
			 0);
	ck_assert(!outcome.found && !outcome.sent);
	ck_assert_str_eq(outcome.team, "");
	ck_assert_str_eq(outcome.policy, "");
	ck_assert_str_eq(outcome.pagers, "");
	ck_assert_uint_eq(outcome.agree + outcome.of + outcome.ntraces, 0);
	ck_assert_double_eq(outcome.confidence, 0);
}
END_TEST

static const struct {
	const char *json, *text;
} bad_docs[] = {
	{ "", "cannot be read" },
	{ "[]", "it is no object" },
	{ "7", "it is no object" },
	{ "{\"verdict\":{\"suspect\":{\"service\":\"led", "cannot be read" },
	{ "{}", "too large to be kept whole" },
	{ "{\"verdict\":null}", "too large to be kept whole" },
};

START_TEST(bad_documents_are_refused)
{
	ck_assert_int_eq(read_outcome(bad_docs[_i].json), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, bad_docs[_i].text));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("past");
	TCase *tests = tcase_create("past");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, all_members_are_read);
	tcase_add_test(tests, what_is_missing_is_empty);
	tcase_add_test(tests, values_of_other_types_count_as_missing);
	tcase_add_loop_test(tests, bad_documents_are_refused, 0, ARRAY_LEN(bad_docs));
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
