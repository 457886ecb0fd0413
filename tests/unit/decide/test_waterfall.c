/* Tests of text on a terminal: widths and cuts (cells.h), positions of bars (waterfall.h). */
#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "../../lib/shop.h"
#include "tracepager/cells.h"
#include "tracepager/waterfall.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- cells ---- */

static const struct {
	const char *text;
	size_t cells;
} widths[] = {
	{ "", 0 },
	{ "ledger", 6 },
	{ "注文", 4 },
	{ "한글", 4 },
	/* One syllable, spelt with three letters. */
	{ "\u1112\u1161\u11ab", 2 },
	{ "cafe\u0301", 4 },
	{ "नमस्ते", 4 },
	{ "Ａ", 2 },
	{ "🔥", 2 },
	{ "a\033[31mb\n", 2 },
	{ "\xff", 1 },
};

START_TEST(cells_are_those_of_a_terminal)
{
	ck_assert_uint_eq(cells_of(widths[_i].text), widths[_i].cells);
}
END_TEST

/* Against the C library's table, which says -1 for code points that Unicode has not assigned; our
 * ranges reach over them. plain.h removes U+00AD. */
START_TEST(cells_agree_with_the_c_library)
{
	char *before = setlocale(LC_CTYPE, "C.UTF-8");

	if (!before)
		return; /* no such locale here */
	for (wchar_t c = 0x20; c < 0x30000; c++) {
		char text[8];
		int theirs = wcwidth(c);
		size_t ours;
		if (theirs < 0 || c == 0xAD || (c >= 0xD800 && c < 0xE000))
			continue;
		int len = wctomb(text, c);
		/* One assertion per character would take seconds. */
		if (len < 1 || cells_character(text, (size_t)len, &ours) != (size_t)len ||
		    ours != (size_t)theirs)
			ck_abort_msg("U+%04X should have %d cells", (unsigned)c, theirs);
	}
	setlocale(LC_CTYPE, "C");
}
END_TEST

static const struct {
	const char *text;
	size_t room;
	const char *cut;
	size_t cells;
} cuts[] = {
	{ "abcdefgh", 8, "abcdefgh", 8 },
	{ "abcdefgh", 7, "abc…fgh", 7 },
	{ "abcdefgh", 4, "ab…h", 4 },
	{ "abcdefgh", 2, "a…", 2 },
	{ "abcdefgh", 1, "…", 1 },
	{ "abcdefgh", 0, "", 0 },
	/* A wide character is never halved: 3 cells before the ellipsis hold one, 2 behind hold
	   one. */
	{ "一二三四", 6, "一…四", 5 },
	/* A combining mark stays with its letter. */
	{ "e\u0301e\u0301e\u0301e\u0301", 3, "e\u0301…e\u0301", 3 },
	{ NULL, 5, "", 0 },
};

START_TEST(long_names_are_cut_in_the_middle)
{
	struct buf out = BUF_INIT(1000);

	ck_assert_uint_eq(cells_add(&out, cuts[_i].text, cuts[_i].room), cuts[_i].cells);
	ck_assert_str_eq(buf_text(&out), cuts[_i].cut);
	buf_fini(&out);
}
END_TEST

START_TEST(names_are_filled_up_in_cells)
{
	struct buf out = BUF_INIT(1000);

	cells_pad(&out, "注文", 6);
	cells_pad(&out, "一二三四", 6);
	ck_assert_str_eq(buf_text(&out), "注文  一…四 ");
	buf_fini(&out);
}
END_TEST

START_TEST(ascii_is_as_wide)
{
	static const char text[] = "✗ └ café 注文 █░ 5 µs … → e\u0301\n";
	struct buf out = BUF_INIT(1000);

	cells_ascii(&out, text, strlen(text));
	ck_assert_str_eq(buf_text(&out), "x ` caf? ???? #- 5 us ~ > e\n");
	buf_fini(&out);
}
END_TEST

/* ---- waterfall ---- */

static struct trace_set *set;

static void setup(void)
{
	set = NULL;
}

static void teardown(void)
{
	trace_set_free(set);
}

/* Of 40 columns, mark, blanks and duration take 12, and the longer name, "└ db ask", takes 8. 20
 * are left for the bar. */
static const struct shop_span call[] = {
	{ "1", NULL, "web", "get", SPAN_SERVER, 0, 100, "failed", NULL },
	{ "2", "1", "db", "ask", SPAN_SERVER, 0, 0, "refused", NULL },
};

static const struct {
	int64_t start_us, duration_us; /* of the second span, from the start of the first */
	const char *row;
} bars[] = {
	/* The second half of the first span. */
	{ 50000, 50000, "✗ └ db ask           ██████████    50 ms" },
	/* A duration of 0 has one cell, even at the very end. */
	{ 25000, 0, "✗ └ db ask      █                   0 µs" },
	{ 100000, 0, "✗ └ db ask                    █     0 µs" },
	/* The host's clock is an hour ahead or behind: the first span keeps the whole picture. */
	{ 3600000000, 50000, "✗ └ db ask                    ›    50 ms" },
	{ -3600000000, 50000, "✗ └ db ask ‹                       50 ms" },
};

START_TEST(bars_stand_where_time_was)
{
	struct buf out = BUF_INIT(10000);
	struct walk walk = { .found = true, .path = (uint32_t[]){ 0, 1 }, .npath = 2 };

	set = shop_trace("t", call, COUNT(call));
	set->traces[0].spans[1].start_us = SHOP_START_US + bars[_i].start_us;
	set->traces[0].spans[1].duration_us = bars[_i].duration_us;
	walk.trace = &set->traces[0];
	waterfall_write(&walk, &(struct waterfall_options){ .lines = 12, .columns = 40 }, &out);
	const char *rows = buf_text(&out);
	ck_assert_msg(strncmp(rows, "✗ web get  ████████████████████   100 ms\n",
			      strlen("✗ web get  ████████████████████   100 ms\n")) == 0,
		      "%s", rows);
	ck_assert_msg(strstr(rows, bars[_i].row) != NULL, "no \"%s\" in\n%s", bars[_i].row, rows);
	buf_fini(&out);
}
END_TEST

static const struct shop_span slow[] = {
	{ "1", NULL, "web", "get", SPAN_SERVER, 0, 100, NULL, NULL },
	{ "2", "1", "shop", "get", SPAN_SERVER, 10, 80, NULL, NULL },
	/* The callee goes on after its caller has given up at 90 ms. */
	{ "3", "2", "db", "ask", SPAN_SERVER, 20, 300, NULL, NULL },
	{ "4", "1", "mail", "put", SPAN_SERVER, 95, 1, NULL, NULL },
	{ "5", "1", "log", "put", SPAN_SERVER, 97, 1, NULL, NULL },
	{ "6", "1", "log", "end", SPAN_SERVER, 98, 1, NULL, NULL },
	{ "7", "1", "tax", "put", SPAN_SERVER, 99, 1, NULL, NULL },
};

/* A span on the critical path is shown and marked even if it is short and beside the walk's path.
 * Own times are summed by service. */
START_TEST(the_critical_path_is_marked_and_summed)
{
	struct critical_span own[] = { { 0, 20000 }, { 1, 10000 }, { 5, 3000 }, { 4, 2000 } };
	struct waterfall_options options = {
		.lines = 12, .columns = 40, .own = own, .nown = COUNT(own)
	};
	struct buf out = BUF_INIT(10000);

	set = shop_trace("t", slow, COUNT(slow));
	struct walk walk = {
		.trace = &set->traces[0], .found = true, .path = (uint32_t[]){ 0, 1 }, .npath = 2
	};
	waterfall_write(&walk, &options, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\n› └ log end "));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\n› └ log put "));
	ck_assert_ptr_null(strstr(buf_text(&out), "mail"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\n  … 2 more spans, none failed\n"));
	buf_reset(&out);
	/* 35 ms in all. Of 22 columns names take 4 and bars 18: 10.3, 5.1 and 2.6 cells. */
	waterfall_own_write(walk.trace, &options, &out);
	ck_assert_str_eq(buf_text(&out), "  web  ██████████            20 ms  57 %\n"
					 "  shop █████                 10 ms  29 %\n"
					 "  log  ███                    5 ms  14 %\n");
	buf_fini(&out);
}
END_TEST

/* Marks are told where a line begins with them, and each once. */
static const struct {
	enum walk_mode mode;
	const char *lines, *legend;
} legends[] = {
	{ WALK_ERRORS, "✗ web ██ 2 s\n✗ └ ledger █ 1 s\n", "(✗ failed)\n" },
	{ WALK_ERRORS, "  … 2 more spans\n", "" },
	{ WALK_ERRORS, "› web ██ 2 s\n! └ mail ░ 1 s\n✗ └ ledger █ 1 s\n",
	  "(✗ failed; › on the path without failing; ! failed beside the path)\n" },
	{ WALK_LATENCY, "› web! ██ 2 s\n", "(› on the slow path)\n" },
};

START_TEST(a_legend_tells_the_marks_that_occur)
{
	const struct walk walk = { .mode = legends[_i].mode };
	struct buf out = BUF_INIT(1000);

	waterfall_legend_write(&walk, legends[_i].lines, &out);
	ck_assert_str_eq(buf_text(&out), legends[_i].legend);
	buf_fini(&out);
}
END_TEST

START_TEST(the_small_shares_are_one_line)
{
	enum { SERVICES = 8 };
	static const char *const names[SERVICES] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	static struct shop_span rows[SERVICES];
	struct critical_span own[SERVICES];
	struct buf out = BUF_INIT(10000);

	for (uint32_t i = 0; i < SERVICES; i++) {
		rows[i] = (struct shop_span){ names[i], i ? "a" : NULL, names[i],
					      "get",	SPAN_SERVER,	0,
					      9,	NULL,		NULL };
		own[i] = (struct critical_span){ i, 1000 * (SERVICES - i) };
	}
	set = shop_trace("t", rows, SERVICES);
	waterfall_own_write(
		&set->traces[0],
		&(struct waterfall_options){ .columns = 60, .own = own, .nown = SERVICES }, &out);
	/* 8 + 7 + 6 + 5 + 4 ms have rows; 3 + 2 + 1 ms are summed. */
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\n  e "));
	ck_assert_ptr_null(strstr(buf_text(&out), "\n  f "));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\n  … 3 more services, 6 ms together\n"));
	buf_fini(&out);
}
END_TEST

static Suite *waterfall_suite(void)
{
	Suite *suite = suite_create("waterfall");
	TCase *tcase = tcase_create("all");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, cells_are_those_of_a_terminal, 0, COUNT(widths));
	tcase_add_test(tcase, cells_agree_with_the_c_library);
	tcase_add_loop_test(tcase, long_names_are_cut_in_the_middle, 0, COUNT(cuts));
	tcase_add_test(tcase, names_are_filled_up_in_cells);
	tcase_add_test(tcase, ascii_is_as_wide);
	tcase_add_loop_test(tcase, bars_stand_where_time_was, 0, COUNT(bars));
	tcase_add_test(tcase, the_critical_path_is_marked_and_summed);
	tcase_add_test(tcase, the_small_shares_are_one_line);
	tcase_add_loop_test(tcase, a_legend_tells_the_marks_that_occur, 0,
			    (int)(sizeof(legends) / sizeof(legends[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(waterfall_suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
