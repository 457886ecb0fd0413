/* model: what people write is kept harmless. */
#include <check.h>
#include <stdlib.h>

#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

static const struct {
	const char *text, *line, *lines;
} people_wrote[] = {
	{ "  ann  b ", "ann  b", "ann  b" },
	{ "a\r\nb: c\n", "a b: c", "a\nb: c" },
	{ "a\rb\tc", "a b c", "a b\tc" },
	/* C0 with a sequence of a terminal, and DEL. */
	{ "x\033[2Jy\007z\177", "xy z", "xy z" },
	/* C1: a sequence of a terminal, and a line end. */
	{ "a\xc2\x9b[2Jb\xc2\x85z", "a [2Jb z", "a [2Jb z" },
	{ "c\u2028d\u2029e", "c d e", "c d e" },
	/* Overrides and isolates of direction. */
	{ "a\u202a\u202eb\u2066c\u2069", "abc", "abc" },
	{ "f\u00fcr \u6f22\U0001f600", "f\u00fcr \u6f22\U0001f600", "f\u00fcr \u6f22\U0001f600" },
	{ "\x9b\xc3", "\ufffd\ufffd", "\ufffd\ufffd" },
	{ " \n\xc2\x85 ", "", "" },
};

START_TEST(words_of_people_are_kept_harmless)
{
	struct arena *arena = arena_new(1000);

	ck_assert_str_eq(plain_words(arena, people_wrote[_i].text, true), people_wrote[_i].line);
	ck_assert_str_eq(plain_words(arena, people_wrote[_i].text, false), people_wrote[_i].lines);
	ck_assert_str_eq(plain_words(arena, NULL, true), "");
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plain");
	TCase *tests = tcase_create("plain");

	tcase_add_loop_test(tests, words_of_people_are_kept_harmless, 0,
			    (int)ARRAY_LEN(people_wrote));
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
