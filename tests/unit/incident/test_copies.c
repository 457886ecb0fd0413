/* The copies of one alert: whose word ends what, and their stored form. Times are in microseconds
 * of a wall clock that the test chooses. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../relay/incident/copies-internal.h"
#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static struct copies copies;

static void set_up(void)
{
	copies = (struct copies){ 0 };
}

static void tear_down(void)
{
	copies_fini(&copies);
	ck_assert_uint_eq(copies.n, 0);
	copies_fini(&copies);
}

/* A word of the v2 API. */
static struct alert word(const char *sender, const char *generator_url, int64_t starts_us)
{
	return (struct alert){
		.sender = sender,
		.generator_url = generator_url,
		.starts_at_us = starts_us,
		.ends_by_itself = true,
	};
}

static int64_t fire(const char *generator_url, int64_t starts_us, int64_t now_us, int64_t ends_us)
{
	struct alert alert = word("prom", generator_url, starts_us);

	return copies_fire(&copies, &alert, now_us, ends_us);
}

static bool resolve(const char *generator_url, int64_t starts_us, int64_t now_us)
{
	struct alert alert = word("prom", generator_url, starts_us);

	alert.ends_at_us = now_us;
	return copies_resolve(&copies, &alert, now_us);
}

/* A word of a webhook. */
static int64_t webhook_fire(const char *sender, int64_t starts_us, int64_t now_us, int64_t ends_us)
{
	struct alert alert = word(sender, "http://prom-a/graph", starts_us);

	alert.ends_by_itself = false;
	return copies_fire(&copies, &alert, now_us, ends_us);
}

static bool webhook_resolve(const char *sender, int64_t starts_us, int64_t ends_at_us,
			    int64_t now_us)
{
	struct alert alert = word(sender, "http://prom-b/graph", starts_us);

	alert.ends_by_itself = false;
	alert.ends_at_us = ends_at_us;
	return copies_resolve(&copies, &alert, now_us);
}

START_TEST(without_copies_nothing_fires)
{
	ck_assert(!copies_fire_at(&copies, 0));
	ck_assert_int_eq(copies_end_us(&copies), 0);
	ck_assert(!resolve("http://a", 10, 20));
}
END_TEST

START_TEST(a_copy_fires_until_its_end)
{
	ck_assert_int_eq(fire("http://a", 10, 100, 400), 0);
	ck_assert(copies_fire_at(&copies, 399));
	ck_assert(!copies_fire_at(&copies, 400));
	ck_assert_int_eq(copies_end_us(&copies), 400);
	/* The same copy again: not heard of for 60. It counts until its new end, also where that is
	 * earlier. */
	ck_assert_int_eq(fire("http://a", 10, 160, 460), 60);
	ck_assert_uint_eq(copies.n, 1);
	ck_assert_int_eq(copies_end_us(&copies), 460);
	ck_assert_int_eq(fire("http://a", 10, 170, 300), 10);
	ck_assert_int_eq(copies_end_us(&copies), 300);
}
END_TEST

START_TEST(copies_of_the_api_are_told_apart)
{
	struct alert other = word("other", "http://a", 10);

	fire("http://a", 10, 100, 400);
	ck_assert_int_eq(fire("http://b", 10, 110, 500), 0); /* another replica */
	ck_assert_int_eq(fire("http://a", 11, 120, 450), 0); /* after its restart */
	ck_assert_int_eq(copies_fire(&copies, &other, 130, 420), 0);
	ck_assert_uint_eq(copies.n, 4);
	ck_assert_int_eq(copies_end_us(&copies), 500);
}
END_TEST

/* Sender and generatorURL are two texts: where one ends and the other begins counts. */
START_TEST(two_texts_are_not_one)
{
	struct alert one = word("ab", "c", 10), other = word("a", "bc", 10);

	copies_fire(&copies, &one, 100, 400);
	ck_assert(!copies_resolve(&copies, &other, 200));
	ck_assert(copies_resolve(&copies, &one, 200));
}
END_TEST

START_TEST(a_resolve_ends_the_copy_with_its_start_and_no_other)
{
	fire("http://a", 10, 100, 400);
	fire("http://b", 10, 100, 500);
	fire("http://a", 11, 100, 450);
	ck_assert(!resolve("http://c", 10, 200));
	ck_assert(!resolve("http://b", 11, 200));
	ck_assert(!resolve("http://a", 12, 200));
	ck_assert_uint_eq(copies.n, 3);
	ck_assert(resolve("http://b", 10, 200));
	ck_assert(copies_fire_at(&copies, 200));
	ck_assert_int_eq(copies_end_us(&copies), 450);
	ck_assert(!resolve("http://b", 10, 210)); /* once more */
	ck_assert(resolve("http://a", 11, 220));
	ck_assert_int_eq(copies_end_us(&copies), 400);
	ck_assert(resolve("http://a", 10, 230));
	ck_assert(!copies_fire_at(&copies, 230));
}
END_TEST

START_TEST(what_has_ended_by_itself_is_not_resolved)
{
	fire("http://a", 10, 100, 400);
	ck_assert(!resolve("http://a", 10, 400));
	ck_assert(!resolve("http://a", 10, 500));
	/* It may fire again. */
	ck_assert_int_eq(fire("http://a", 10, 600, 900), 500);
	ck_assert(copies_fire_at(&copies, 600));
	ck_assert(resolve("http://a", 10, 700));
}
END_TEST

/* An Alertmanager merged its sources already: start and generatorURL change from word to word. */
START_TEST(a_webhooks_sender_has_one_copy)
{
	ck_assert_int_eq(webhook_fire("am1", 10, 100, 400), 0);
	ck_assert_int_eq(webhook_fire("am1", 7, 130, 430), 30);
	ck_assert_uint_eq(copies.n, 1);
	ck_assert_int_eq(copies_end_us(&copies), 430);
	ck_assert_int_eq(webhook_fire("am2", 10, 140, 420), 0);
	ck_assert_uint_eq(copies.n, 2);
	/* The latest word wins, whatever start it names. */
	ck_assert(webhook_resolve("am1", 99, 150, 150));
	ck_assert(copies_fire_at(&copies, 150));
	ck_assert_int_eq(copies_end_us(&copies), 420);
	ck_assert(webhook_resolve("am2", 0, 0, 160));
	ck_assert(!copies_fire_at(&copies, 160));
	/* A firing word with a start that has ended fires again. */
	ck_assert_int_eq(webhook_fire("am1", 10, 170, 470), 0);
	ck_assert(copies_fire_at(&copies, 170));
}
END_TEST

/* The same sender by webhook and by API: each has its own. */
START_TEST(a_webhook_and_the_api_are_two_sources)
{
	fire("", 10, 100, 400);
	webhook_fire("prom", 10, 100, 500);
	ck_assert_uint_eq(copies.n, 2);
	ck_assert(webhook_resolve("prom", 10, 200, 200));
	ck_assert_int_eq(copies_end_us(&copies), 400);
}
END_TEST

/* A resolve that is late: its end is before the start of what fires now. */
START_TEST(the_end_of_an_earlier_episode_ends_nothing)
{
	webhook_fire("am1", 1000, 1010, 5000);
	ck_assert(!webhook_resolve("am1", 500, 999, 1020));
	ck_assert(copies_fire_at(&copies, 1020));
	ck_assert(webhook_resolve("am1", 500, 1000, 1030));
	ck_assert(!copies_fire_at(&copies, 1030));
}
END_TEST

START_TEST(a_doubt_shortens_a_webhooks_copy)
{
	struct alert alert = word("am1", "", 500);

	alert.ends_by_itself = false;
	ck_assert(!copies_doubt(&copies, &alert, 2000)); /* there is no copy */
	webhook_fire("am1", 1000, 1010, 5000);
	fire("http://a", 1000, 1010, 5000);
	ck_assert(copies_doubt(&copies, &alert, 2000));
	ck_assert(!copies_doubt(&copies, &alert, 2500)); /* the first one counts */
	ck_assert_int_eq(copies_end_us(&copies), 5000);	 /* the API's copy is left alone */
	alert.ends_by_itself = true;
	ck_assert(!copies_doubt(&copies, &alert, 1500));
	resolve("http://a", 1000, 1020);
	ck_assert_int_eq(copies_end_us(&copies), 2000);
	webhook_fire("am1", 1000, 1030, 6000);
	ck_assert_int_eq(copies_end_us(&copies), 6000);
}
END_TEST

START_TEST(clearing_ends_all)
{
	fire("http://a", 10, 100, 400);
	fire("http://b", 10, 100, 400);
	copies_clear(&copies);
	ck_assert(!copies_fire_at(&copies, 100));
	ck_assert_uint_eq(copies.n, 0);
	ck_assert_int_eq(fire("http://a", 10, 100, 400), 0);
}
END_TEST

/* Copy n starts at n and ends at 1000 + n; of too many the one that ends first makes room. */
START_TEST(sixteen_copies_are_kept)
{
	for (int64_t n = 1; n <= 16; n++)
		fire("http://a", n, 100, 1000 + n);
	ck_assert_uint_eq(copies.n, 16);
	ck_assert_int_eq(fire("http://a", 17, 200, 900), 0);
	ck_assert_uint_eq(copies.n, LIMIT_ALERT_COPIES);
	ck_assert(!resolve("http://a", 1, 300));
	ck_assert(resolve("http://a", 17, 300));
	ck_assert_uint_eq(copies.n, 15);
	fire("http://a", 18, 400, 2000);
	fire("http://a", 19, 400, 3000); /* copy 2 makes room */
	ck_assert(!resolve("http://a", 2, 500));
	ck_assert(resolve("http://a", 3, 500));
	ck_assert_int_eq(copies_end_us(&copies), 3000);
}
END_TEST

/* ---- the stored form ---- */

START_TEST(the_stored_form_comes_back)
{
	struct copies back = { 0 };
	CLEANUP_FREE char *empty = copies_text(&copies);

	ck_assert_str_eq(empty, "");
	fire("http://a", -10, 100, 400);
	fire("http://b", 20, 110, INT64_MAX);
	CLEANUP_FREE char *text = copies_text(&copies);
	copies_read(&back, text);
	ck_assert_uint_eq(back.n, 2);
	for (size_t i = 0; i < 2; i++)
		ck_assert_mem_eq(&back.at[i], &copies.at[i], sizeof(struct copy));
	/* What is read replaces what was there. */
	copies_read(&back, "");
	ck_assert_uint_eq(back.n, 0);
	copies_fini(&back);
}
END_TEST

/* The store outlives the program: the same texts must give the same number in every version. FNV-1a
 * of "prom", 0xff, "http://a", 0xff by hand is no work for a hand: of "" and "" it is. */
START_TEST(a_source_is_the_same_after_every_start)
{
	struct alert alert = word("", "", 1);

	alert.ends_by_itself = false;
	copies_fire(&copies, &alert, 2, 3);
	/* 0xcbf29ce484222325 ^ 0xff = 0xcbf29ce4842223da; times 0x100000001b3, of 64 bits. */
	CLEANUP_FREE char *text = copies_text(&copies);
	ck_assert_str_eq(text, "af64724c8602eb6e:1:2:3;");
}
END_TEST

START_TEST(the_largest_form_fits)
{
	CLEANUP_FREE char *text = NULL;
	struct copies back = { 0 };

	for (int64_t n = 0; n < 16; n++)
		fire("http://a", INT64_MIN + n, INT64_MIN, INT64_MIN + 1);
	text = copies_text(&copies);
	copies_read(&back, text);
	ck_assert_uint_eq(back.n, 16);
	ck_assert_int_eq(back.at[15].starts_us, INT64_MIN + 15);
	copies_fini(&back);
}
END_TEST

static const struct {
	const char *text;
	unsigned int n; /* copies that can be read */
} broken[] = {
	{ "ab:1:2:3", 1 },	   { "ab:1:2:3;cd:4:5:6;", 2 }, { "zz:1:2:3;cd:4:5:6;", 1 },
	{ "ab:1:2;cd:4:5:6;", 1 }, { "ab;cd:4:5:6;", 1 },	{ ";;;cd:4:5:6;;", 1 },
	{ ":::;cd:4:5:6;", 1 },	   { "ab:x:2:3;", 0 },		{ "ab:1:2:", 0 },
	{ "ab:1:2:3:4;", 0 },	   { "ab:1:2:3x;", 0 },		{ "no copies at all", 0 },
	{ " ab:1:2:3;", 0 },	   { "-1:1:2:3;", 0 },		{ "\xff\xfe", 0 },
};

START_TEST(broken_parts_are_left_out)
{
	copies_read(&copies, broken[_i].text);
	ck_assert_uint_eq(copies.n, broken[_i].n);
	if (copies.n) {
		const struct copy *last = &copies.at[copies.n - 1];
		bool first = strncmp(broken[_i].text, "ab:1:2:3", 8) == 0 && copies.n == 1;
		ck_assert_uint_eq(last->source, first ? 0xab : 0xcd);
		ck_assert_int_eq(last->starts_us, first ? 1 : 4);
		ck_assert_int_eq(last->heard_us, first ? 2 : 5);
		ck_assert_int_eq(last->ends_us, first ? 3 : 6);
	}
}
END_TEST

START_TEST(too_many_are_cut)
{
	struct buf text = BUF_INIT(4096);

	for (int n = 0; n < 20; n++)
		buf_printf(&text, "ab:%d:2:3;", n);
	copies_read(&copies, buf_text(&text));
	ck_assert_uint_eq(copies.n, 16);
	buf_fini(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("copies");
	TCase *tcase = tcase_create("copies");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, without_copies_nothing_fires);
	tcase_add_test(tcase, a_copy_fires_until_its_end);
	tcase_add_test(tcase, copies_of_the_api_are_told_apart);
	tcase_add_test(tcase, two_texts_are_not_one);
	tcase_add_test(tcase, a_resolve_ends_the_copy_with_its_start_and_no_other);
	tcase_add_test(tcase, what_has_ended_by_itself_is_not_resolved);
	tcase_add_test(tcase, a_webhooks_sender_has_one_copy);
	tcase_add_test(tcase, a_webhook_and_the_api_are_two_sources);
	tcase_add_test(tcase, the_end_of_an_earlier_episode_ends_nothing);
	tcase_add_test(tcase, a_doubt_shortens_a_webhooks_copy);
	tcase_add_test(tcase, clearing_ends_all);
	tcase_add_test(tcase, sixteen_copies_are_kept);
	tcase_add_test(tcase, the_stored_form_comes_back);
	tcase_add_test(tcase, a_source_is_the_same_after_every_start);
	tcase_add_test(tcase, the_largest_form_fits);
	tcase_add_loop_test(tcase, broken_parts_are_left_out, 0, ARRAY_LEN(broken));
	tcase_add_test(tcase, too_many_are_cut);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
