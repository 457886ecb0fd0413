/*
 * Globs: which pairs have a text in common, and which glob covers another. Each row is judged both
 * ways.
 */
#include <check.h>
#include <stdlib.h>

#include "tracepager/glob.h"
#include "tracepager/xalloc.h"

static const struct {
	const char *a, *b;
	bool overlap, a_covers, b_covers;
} pairs[] = {
	{ "", "", true, true, true },
	{ "", "*", true, false, true },
	{ "", "**", true, false, true },
	{ "", "?", false, false, false },
	{ "a", "a", true, true, true },
	{ "a", "b", false, false, false },
	{ "a", "*", true, false, true },
	{ "a", "?", true, false, true },
	{ "a", "??", false, false, false },
	{ "ab", "a*", true, false, true },
	{ "ab", "*b", true, false, true },
	{ "ab", "*a", false, false, false },
	{ "a*", "*b", true, false, false }, /* ab */
	{ "a*c", "*b*", true, false, false },
	{ "a*b", "a*c", false, false, false },
	{ "a?", "a*", true, false, true },
	{ "a?", "?b", true, false, false },
	{ "a?", "b?", false, false, false },
	{ "*", "*", true, true, true },
	{ "*", "a*b*", true, true, false },
	{ "a*", "ab*", true, true, false },
	{ "[ab]", "a", true, true, false },
	{ "[ab]", "c", false, false, false },
	{ "[!ab]", "a", false, false, false },
	{ "[!ab]", "c", true, true, false },
	{ "[a-c]x", "bx", true, true, false },
	{ "[a-c]x", "dx", false, false, false },
	{ "[a-c]*", "[a-c]*", true, true, true },
	{ "\\*", "*", true, false, true },
	{ "\\*", "a", false, false, false },
	{ "x*", "\\*", false, false, false },
};

START_TEST(pairs_of_globs)
{
	const char *a = pairs[_i].a, *b = pairs[_i].b;

	ck_assert_msg(glob_overlap(a, b) == pairs[_i].overlap, "%s %s", a, b);
	ck_assert_msg(glob_overlap(b, a) == pairs[_i].overlap, "%s %s", b, a);
	ck_assert_msg(glob_covers(a, b) == pairs[_i].a_covers, "%s covers %s", a, b);
	ck_assert_msg(glob_covers(b, a) == pairs[_i].b_covers, "%s covers %s", b, a);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("glob");
	Suite *suite = suite_create("glob");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, pairs_of_globs, 0, ARRAY_LEN(pairs));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
