/*
 * Ytext: UTF-8 as Unicode has it (table 3-7), line breaks of YAML 1.1, cells of a terminal, and
 * what is escaped. Rows stand on both sides of each boundary.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/xalloc.h"
#include "tracepager/ytext.h"

static const struct {
	const char *bytes;
	size_t len; /* of the character at its begin */
	uint32_t c;
} char_rows[] = {
	{ "a", 1, 'a' },
	{ "\x7f", 1, 0x7f },
	{ "\x80", 1, YTEXT_BAD },
	{ "\xc1\xbf", 1, YTEXT_BAD }, /* overlong */
	{ "\xc2\x80", 2, 0x80 },
	{ "\xdf\xbf", 2, 0x7ff },
	{ "\xc2", 1, YTEXT_BAD }, /* cut */
	{ "\xc2z", 1, YTEXT_BAD },
	{ "\xe0\x9f\xbf", 1, YTEXT_BAD }, /* overlong */
	{ "\xe0\xa0\x80", 3, 0x800 },
	{ "\xe0\xa0", 1, YTEXT_BAD },
	{ "\xe0\xa0z", 1, YTEXT_BAD },
	{ "\xed\x9f\xbf", 3, 0xd7ff },
	{ "\xed\xa0\x80", 1, YTEXT_BAD }, /* surrogates */
	{ "\xed\xbf\xbf", 1, YTEXT_BAD },
	{ "\xee\x80\x80", 3, 0xe000 },
	{ "\xef\xbf\xbf", 3, 0xffff },
	{ "\xf0\x8f\xbf\xbf", 1, YTEXT_BAD }, /* overlong */
	{ "\xf0\x90\x80\x80", 4, 0x10000 },
	{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
	{ "\xf4\x90\x80\x80", 1, YTEXT_BAD }, /* behind the last */
	{ "\xf5\x80\x80\x80", 1, YTEXT_BAD },
};

START_TEST(characters_are_those_of_unicode)
{
	const char *at = char_rows[_i].bytes;
	uint32_t c;

	ck_assert_uint_eq(ytext_char(at, at + strlen(at), &c), char_rows[_i].len);
	ck_assert_uint_eq(c, char_rows[_i].c);
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
} break_rows[] = {
	{ "", 0 },
	{ "a", 0 },
	{ "\n", 1 },
	{ "\n\n", 1 },
	{ "\r", 1 },
	{ "\r\n", 2 },
	{ "\rx", 1 },
	{ "\xc2\x85", 2 },
	{ "\xc2\x86", 0 },
	{ "\xc2", 0 },
	{ "\xe2\x80\xa8", 3 },
	{ "\xe2\x80\xa9", 3 },
	{ "\xe2\x80\xaa", 0 },
	{ "\xe2\x80", 0 },
};

START_TEST(line_breaks_are_those_of_yaml)
{
	const char *at = break_rows[_i].bytes;

	ck_assert_uint_eq(ytext_break(at, at + strlen(at)), break_rows[_i].len);
}
END_TEST

/* The first and the last character of a range, and those around it. */
static const struct {
	uint32_t first, last;
	size_t cells, around; /* around: before and behind it; 9: they are of other ranges */
} cell_rows[] = {
	{ 0x300, 0x36f, 0, 1 },	    { 0x483, 0x489, 0, 1 },	{ 0x591, 0x5bd, 0, 1 },
	{ 0x610, 0x61a, 0, 1 },	    { 0x64b, 0x65f, 0, 1 },	{ 0x20d0, 0x20f0, 0, 1 },
	{ 0xfe00, 0xfe0f, 0, 1 },   { 0xfe20, 0xfe2f, 0, 9 },	{ 0x1100, 0x115f, 2, 1 },
	{ 0x231a, 0x231b, 2, 1 },   { 0x2329, 0x232a, 2, 1 },	{ 0x23e9, 0x23ec, 2, 1 },
	{ 0x2e80, 0x303e, 2, 1 },   { 0x3041, 0x4dbf, 2, 1 },	{ 0x4e00, 0xa4cf, 2, 1 },
	{ 0xa960, 0xa97f, 2, 1 },   { 0xac00, 0xd7a3, 2, 1 },	{ 0xf900, 0xfaff, 2, 1 },
	{ 0xfe30, 0xfe6f, 2, 9 },   { 0xff00, 0xff60, 2, 9 },	{ 0xffe0, 0xffe6, 2, 1 },
	{ 0x1f300, 0x1f64f, 2, 1 }, { 0x1f680, 0x1f6ff, 2, 1 }, { 0x1f900, 0x1f9ff, 2, 1 },
	{ 0x20000, 0x3fffd, 2, 1 },
};

static size_t cells_of(uint32_t c)
{
	struct buf out = BUF_INIT(64);
	size_t cells = ytext_show_char(&out, "x", 1, c);

	ck_assert_str_eq(buf_text(&out), "x");
	buf_fini(&out);
	return cells;
}

START_TEST(cells_of_ranges)
{
	uint32_t first = cell_rows[_i].first, last = cell_rows[_i].last;

	ck_assert_uint_eq(cells_of(first), cell_rows[_i].cells);
	ck_assert_uint_eq(cells_of(last), cell_rows[_i].cells);
	if (cell_rows[_i].around == 9)
		return;
	/* U+061C, two behind U+061A, is hidden; U+061B is not. */
	ck_assert_uint_eq(cells_of(first - 1), cell_rows[_i].around);
	ck_assert_uint_eq(cells_of(last + 1), cell_rows[_i].around);
}
END_TEST

static const struct {
	const char *text, *shown;
} shown_rows[] = {
	{ "abc", "abc" },
	{ "\x01", "\\x01" },
	{ "\x1f ", "\\x1f " },
	{ "~\x7f", "~\\x7f" },
	{ "\xff", "\\xff" },
	{ "\xc2\x80\xc2\x9f\xc2\xa0", "\\u{80}\\u{9f}\xc2\xa0" },
	{ "\xc2\xac\xc2\xad\xc2\xae", "\xc2\xac\\u{ad}\xc2\xae" },
	{ "\xd8\x9b\xd8\x9c\xd8\x9d", "\xd8\x9b\\u{61c}\xd8\x9d" },
	{ "\xe2\x80\x8a\xe2\x80\x8b\xe2\x80\x8f\xe2\x80\x90",
	  "\xe2\x80\x8a\\u{200b}\\u{200f}\xe2\x80\x90" },
	{ "\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xae\xe2\x80\xaf",
	  "\xe2\x80\xa7\\u{2028}\\u{202e}\xe2\x80\xaf" },
	{ "\xe2\x81\x9f\xe2\x81\xa0\xe2\x81\xaf\xe2\x81\xb0",
	  "\xe2\x81\x9f\\u{2060}\\u{206f}\xe2\x81\xb0" },
	{ "\xef\xbb\xbf", "\\u{feff}" },
	{ "\xef\xbf\xb9\xef\xbf\xbb\xef\xbf\xbc", "\\u{fff9}\\u{fffb}\xef\xbf\xbc" },
	{ "\xf3\xa0\x80\x80", "\\u{e0000}" },
	{ "\xf3\xa0\xbf\xbf", "\\u{e0fff}" },
};

START_TEST(what_a_terminal_must_not_get_is_escaped)
{
	struct buf out = BUF_INIT(256);

	ytext_show(&out, shown_rows[_i].text);
	ck_assert_str_eq(buf_text(&out), shown_rows[_i].shown);
	buf_fini(&out);
}
END_TEST

/* An escape takes a cell for each of its characters. */
START_TEST(escapes_have_their_cells)
{
	struct buf out = BUF_INIT(256);

	ck_assert_uint_eq(ytext_show_char(&out, "\x01", 1, 1), 4);
	ck_assert_uint_eq(ytext_show_char(&out, "\xef\xbb\xbf", 3, 0xfeff), 8);
	ck_assert_uint_eq(ytext_show_char(&out, "\xff", 1, YTEXT_BAD), 4);
	buf_fini(&out);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("ytext");
	Suite *suite = suite_create("ytext");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, characters_are_those_of_unicode, 0, ARRAY_LEN(char_rows));
	tcase_add_loop_test(tcase, line_breaks_are_those_of_yaml, 0, ARRAY_LEN(break_rows));
	tcase_add_loop_test(tcase, cells_of_ranges, 0, ARRAY_LEN(cell_rows));
	tcase_add_loop_test(tcase, what_a_terminal_must_not_get_is_escaped, 0,
			    ARRAY_LEN(shown_rows));
	tcase_add_test(tcase, escapes_have_their_cells);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
