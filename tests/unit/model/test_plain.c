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

static const struct {
	const char *text;
	size_t columns;
	const char *line;
	size_t used; /* columns of the line */
} cuts[] = {
	{ "abc def", 7, "abc def", 7 },
	{ "abc def", 6, "abc d…", 6 },
	/* A blank belongs to the character behind it: none stands before the ellipsis. */
	{ "abc def", 5, "abc…", 4 },
	{ "abc def", 4, "abc…", 4 },
	{ "abc  def", 7, "abc def", 7 },
	{ "  abc\tdef ", 7, "abc def", 7 },
	{ "a", 1, "a", 1 },
	{ "ab", 1, "…", 1 },
	{ "ab", 0, "", 0 },
	{ "", 3, "", 0 },
	{ NULL, 3, "", 0 },
	/* Wide characters do not share a column with the ellipsis. */
	{ "ab漢字", 6, "ab漢字", 6 },
	{ "ab漢字", 5, "ab漢…", 5 },
	{ "ab漢字", 4, "ab…", 3 },
	{ "f\u00fcr alle", 8, "f\u00fcr alle", 8 },
	{ "f\u00fcr alle", 7, "f\u00fcr al…", 7 },
	{ "a\u202eb \033[31mc d", 6, "ab c d", 6 },
	{ "a\u202eb \033[31mc d", 5, "ab c…", 5 },
	{ "ab\x9b", 3, "ab\ufffd", 3 },
	{ "ab\x7f", 2, "ab", 2 },
};

START_TEST(lines_are_cut_to_their_columns)
{
	struct buf out = BUF_INIT(100);

	buf_puts(&out, ">");
	ck_assert_uint_eq(plain_add(&out, cuts[_i].text, cuts[_i].columns), cuts[_i].used);
	ck_assert_str_eq(buf_text(&out) + 1, cuts[_i].line);
	buf_fini(&out);
}
END_TEST

START_TEST(columns_are_counted_up_to_the_cap)
{
	ck_assert_uint_eq(plain_columns("abc  d\u00e9f 漢", 20), 10);
	ck_assert_uint_gt(plain_columns("abc  d\u00e9f 漢", 9), 9);
	ck_assert_uint_gt(plain_columns("abc d", 3), 3);
	ck_assert_uint_eq(plain_columns("abc ", 3), 3);
}
END_TEST

START_TEST(texts_that_go_out_as_they_are)
{
	ck_assert_uint_eq(plain_as_is("abc d", 5), 5);
	ck_assert_uint_eq(plain_as_is("abc d", 4), 0);
	ck_assert_uint_eq(plain_as_is("abc  d", 9), 0);
	ck_assert_uint_eq(plain_as_is("abc ", 9), 0);
	ck_assert_uint_eq(plain_as_is(" abc", 9), 0);
	ck_assert_uint_eq(plain_as_is("ab\u00e9", 9), 0);
	ck_assert_uint_eq(plain_as_is("ab\x7f", 9), 0);
	ck_assert_uint_eq(plain_as_is("", 9), 0);
	ck_assert_uint_eq(plain_as_is(NULL, 9), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plain");
	TCase *tests = tcase_create("plain");

	tcase_add_loop_test(tests, words_of_people_are_kept_harmless, 0,
			    (int)ARRAY_LEN(people_wrote));
	tcase_add_loop_test(tests, lines_are_cut_to_their_columns, 0, (int)ARRAY_LEN(cuts));
	tcase_add_test(tests, columns_are_counted_up_to_the_cap);
	tcase_add_test(tests, texts_that_go_out_as_they_are);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
