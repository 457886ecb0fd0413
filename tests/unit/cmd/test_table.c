/* cmd: tables and texts on a terminal of a given width. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "relay/cmd/table-internal.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const struct table_column columns[] = { { "ID", 8 }, { "TEAM", 6 }, { "WHAT", 0 } };

/* Rows of three cells each; fails unless the table looks like this. */
static void expect_table(const char *const *cells, size_t n, struct screen screen,
			 enum screen_style style, size_t marked, const char *want)
{
	struct buf out = BUF_INIT(LIMIT_HELP_BYTES);
	struct table table;

	table_init(&table, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++)
		table_add(&table, i % 3 == 1 ? style : SCREEN_PLAIN, cells[i]);
	table.marked = marked;
	ck_assert_uint_eq(table_rows(&table), n / 3);
	table_write(&table, &screen, &out);
	ck_assert_str_eq(buf_text(&out), want);
	table_fini(&table);
	buf_fini(&out);
}

START_TEST(columns_fit_their_texts)
{
	const char *cells[] = { "a1b2", "web", "a short text", "c3", "db", "x" };

	expect_table(cells, 6, (struct screen){ .columns = 40 }, SCREEN_PLAIN, 0,
		     "ID    TEAM  WHAT\n"
		     "a1b2  web   a short text\n"
		     "c3    db    x\n");
}
END_TEST

START_TEST(what_is_too_wide_is_cut)
{
	/* 8 and 6 cells, and 2 between each: 22 of 40 are left. */
	const char *cells[] = { "0123456789", "warehouse", "1234567890123456789012345" };

	expect_table(cells, 3, (struct screen){ .columns = 40 }, SCREEN_PLAIN, 0,
		     "ID        TEAM    WHAT\n"
		     "0123…789  war…se  123456789012345678901…\n");
}
END_TEST

START_TEST(wide_characters_and_marks)
{
	/* Each of the two characters takes two cells; the accent takes none. */
	const char *cells[] = { "障害", "e\xcc\x81t\x65", "x", "abcd", "web", "y" };

	expect_table(cells, 6, (struct screen){ .columns = 40 }, SCREEN_PLAIN, 0,
		     "ID    TEAM  WHAT\n"
		     "障害  e\xcc\x81te   x\n"
		     "abcd  web   y\n");
}
END_TEST

START_TEST(a_narrow_screen)
{
	/* The two first columns keep 4 cells each; with 2 behind each, 12 of 24 are left. */
	const char *cells[] = { "0123456789", "warehouse", "12345678901234567890" };

	expect_table(cells, 3, (struct screen){ .columns = 24 }, SCREEN_PLAIN, 0,
		     "ID    TEAM  WHAT\n"
		     "01…9  wa…e  12345678901…\n");
}
END_TEST

/* 12 of 24 cells are left for the last column, which goes on below itself. */
START_TEST(the_last_column_wraps)
{
	const struct screen screen = { .columns = 24 };
	const char *cells[] = { "0123456789", "warehouse", "no reply: connection refused",
				"b2",	      "db",	   "" };
	struct buf out = BUF_INIT(LIMIT_HELP_BYTES);
	struct table table;

	table_init(&table, columns, ARRAY_LEN(columns));
	table.wraps = true;
	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		table_add(&table, SCREEN_PLAIN, cells[i]);
	table_write(&table, &screen, &out);
	ck_assert_str_eq(buf_text(&out), "ID    TEAM  WHAT\n"
					 "01…9  wa…e  no reply:\n"
					 "            connection\n"
					 "            refused\n"
					 "b2    db    \n");
	table_fini(&table);
	buf_fini(&out);
}
END_TEST

START_TEST(styles_only_with_colours)
{
	const char *cells[] = { "a1", "web", "x" };

	expect_table(cells, 3, (struct screen){ .columns = 40, .colour = true }, SCREEN_RED, 0,
		     "\033[2mID  TEAM  WHAT\033[0m\n"
		     "a1  \033[31mweb\033[0m   x\n");
	expect_table(cells, 3, (struct screen){ .columns = 40 }, SCREEN_RED, 0,
		     "ID  TEAM  WHAT\n"
		     "a1  web   x\n");
}
END_TEST

START_TEST(the_marked_row)
{
	const char *cells[] = { "a1", "web", "x", "b2", "db", "y" };

	expect_table(cells, 6, (struct screen){ .columns = 14, .colour = true }, SCREEN_RED, 2,
		     "\033[2mID  TEAM  WHAT\033[0m\n"
		     "a1  \033[31mweb\033[0m   x\n"
		     "\033[7mb2  db    y   \033[0m\n");
	/* Without colours a sign marks it, and all rows make room for it. */
	expect_table(cells, 6, (struct screen){ .columns = 40 }, SCREEN_PLAIN, 2,
		     "  ID  TEAM  WHAT\n"
		     "  a1  web   x\n"
		     "> b2  db    y\n");
}
END_TEST

START_TEST(texts_of_strangers)
{
	const char *cells[] = { "a1", "\033[31mweb\nx", "\xe2\x80\xaey\tz" };

	expect_table(cells, 3, (struct screen){ .columns = 40 }, SCREEN_PLAIN, 0,
		     "ID  TEAM   WHAT\n"
		     "a1  web x  y z\n");
}
END_TEST

static const struct {
	int64_t age_us;
	const char *words;
} ages[] = {
	{ -5, "0 s" },
	{ 0, "0 s" },
	{ 59 * US_PER_SECOND + 999999, "59 s" },
	{ 60 * US_PER_SECOND, "1 min" },
	{ 119 * US_PER_MINUTE, "119 min" },
	{ 120 * US_PER_MINUTE, "2 h" },
	{ 47 * 60 * US_PER_MINUTE + 59 * US_PER_MINUTE, "47 h" },
	{ 2 * US_PER_DAY, "2 d" },
	{ 400 * US_PER_DAY, "400 d" },
};

START_TEST(age_in_words)
{
	char out[AGE_WORDS_SIZE];

	ck_assert_str_eq(age_words(ages[_i].age_us, out), ages[_i].words);
}
END_TEST

START_TEST(wrapped_text)
{
	struct screen screen = { .columns = 20 };
	struct buf out = BUF_INIT(LIMIT_HELP_BYTES);

	buf_puts(&out, "path  ");
	screen_add_wrapped(&screen, SCREEN_PLAIN, "web > checkout > ledger", 6, 6, &out);
	ck_assert_str_eq(buf_text(&out), "path  web > checkout\n"
					 "      > ledger\n");
	buf_reset(&out);
	screen.colour = true;
	screen_add_wrapped(&screen, SCREEN_RED, "a\nb", 0, 0, &out);
	ck_assert_str_eq(buf_text(&out), "\033[31ma b\033[0m\n");
	buf_fini(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tcase = tcase_create("table");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, columns_fit_their_texts);
	tcase_add_test(tcase, what_is_too_wide_is_cut);
	tcase_add_test(tcase, wide_characters_and_marks);
	tcase_add_test(tcase, a_narrow_screen);
	tcase_add_test(tcase, the_last_column_wraps);
	tcase_add_test(tcase, styles_only_with_colours);
	tcase_add_test(tcase, the_marked_row);
	tcase_add_test(tcase, texts_of_strangers);
	tcase_add_loop_test(tcase, age_in_words, 0, (int)ARRAY_LEN(ages));
	tcase_add_test(tcase, wrapped_text);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
