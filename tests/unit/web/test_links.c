/* web: links with the keys in force, and forms that act once. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/fake_clock.h"
#include "tracepager/limits.h"
#include "tracepager/links.h"
#include "tracepager/xalloc.h"

#define INCIDENT "4be1c4cd7b3c4e44a0c8a04ffb1bd5e4"
#define KEY_1	 "0123456789abcdef0123456789abcdef"
#define KEY_2	 "fedcba9876543210fedcba9876543210"
#define URL	 "https://tp.example.com/relay"

static struct fake_clock clock_now;
static struct secret keys[2];
static struct links *links;
static struct buf link_text;
static char kept[100], pager[LIMIT_LINK_PAGER_BYTES + 1];
static int nkept;

static void on_keep(void *ctx, const char *name, const char *value)
{
	ck_assert_ptr_eq(ctx, kept);
	ck_assert_str_eq(name, "link_key");
	snprintf(kept, sizeof(kept), "%s", value);
	nkept++;
}

static void make(const char *url)
{
	links_free(links);
	links = links_new(&(struct links_env){ .clock = &clock_now.clock,
					       .external_url = url,
					       .keys = keys,
					       .nkeys = 2,
					       .keep = on_keep,
					       .ctx = kept });
}

static void setup(void)
{
	fake_clock_init(&clock_now);
	link_text = (struct buf)BUF_INIT(1000);
	*kept = '\0';
	nkept = 0;
	make(URL);
}

static void teardown(void)
{
	links_free(links);
	links = NULL;
	secret_fini(&keys[0]);
	secret_fini(&keys[1]);
	buf_fini(&link_text);
}

/* The token of a new link. */
static const char *token(void)
{
	static const char start[] = URL "/i/" INCIDENT "?t=";

	buf_reset(&link_text);
	links_write(links, INCIDENT, "sre-pager", &link_text);
	ck_assert_int_eq(strncmp(buf_text(&link_text), start, strlen(start)), 0);
	return buf_text(&link_text) + strlen(start);
}

static enum link_verdict read_token(const char *text)
{
	return links_read(links, text, INCIDENT, pager);
}

START_TEST(the_own_key_outlives_a_restart)
{
	CLEANUP_FREE char *text = xstrdup(token());

	ck_assert_int_eq(nkept, 1);
	ck_assert_uint_eq(strlen(kept), 64);
	ck_assert_int_eq(read_token(text), LINK_GOOD);
	ck_assert_str_eq(pager, "sre-pager");
	token();
	ck_assert_int_eq(nkept, 1);
	make(URL);
	ck_assert_int_eq(read_token(text), LINK_FORGED);
	links_kept(links, "paused", KEY_1);
	ck_assert_int_eq(read_token(text), LINK_FORGED);
	links_kept(links, "link_key", kept);
	ck_assert_int_eq(read_token(text), LINK_GOOD);
	CLEANUP_FREE char *again = xstrdup(token());
	ck_assert_str_eq(again, text);
	ck_assert_int_eq(nkept, 1);
}
END_TEST

START_TEST(the_keys_of_the_file_take_its_place)
{
	CLEANUP_FREE char *own = xstrdup(token());

	secret_set(&keys[0], KEY_1);
	CLEANUP_FREE char *first = xstrdup(token());
	ck_assert_int_eq(read_token(own), LINK_FORGED);
	ck_assert_int_eq(read_token(first), LINK_GOOD);
	/* The next key signs; links of the one before it stay good until it is gone. */
	secret_set(&keys[0], KEY_2);
	secret_set(&keys[1], KEY_1);
	CLEANUP_FREE char *second = xstrdup(token());
	ck_assert_str_ne(first, second);
	ck_assert_int_eq(read_token(first), LINK_GOOD);
	ck_assert_int_eq(read_token(second), LINK_GOOD);
	secret_fini(&keys[1]);
	ck_assert_int_eq(read_token(first), LINK_FORGED);
	ck_assert_int_eq(read_token(second), LINK_GOOD);
	ck_assert_int_eq(nkept, 1);
}
END_TEST

START_TEST(a_link_is_good_for_thirty_days_at_most)
{
	CLEANUP_FREE char *text = xstrdup(token());

	clock_now.wall_us += 29 * US_PER_DAY - 1;
	ck_assert_int_eq(read_token(text), LINK_GOOD);
	clock_now.wall_us += US_PER_DAY + 1;
	ck_assert_int_eq(read_token(text), LINK_EXPIRED);
}
END_TEST

START_TEST(without_an_address_there_are_no_links)
{
	make("");
	links_write(links, INCIDENT, "sre-pager", &link_text);
	ck_assert_uint_eq(link_text.len, 0);
	ck_assert_int_eq(nkept, 0);
}
END_TEST

/* ---- forms ---- */

static char *form(const char *of)
{
	struct buf mark = BUF_INIT(1000);

	links_form_write(links, of, &mark);
	return buf_take(&mark);
}

START_TEST(a_form_acts_once)
{
	CLEANUP_FREE char *first = form("one"), *second = form("one");

	ck_assert_int_eq(links_form_take(links, "two", first), LINKS_FORM_FORGED);
	ck_assert_int_eq(links_form_take(links, "one", ""), LINKS_FORM_FORGED);
	ck_assert_int_eq(links_form_take(links, "one", first), LINKS_FORM_GOOD);
	ck_assert_int_eq(links_form_take(links, "one", first), LINKS_FORM_USED);
	ck_assert_int_eq(links_form_take(links, "one", second), LINKS_FORM_GOOD);
	ck_assert_int_eq(links_form_take(links, "one", first), LINKS_FORM_USED);
	CLEANUP_FREE char *third = form("one");
	clock_now.wall_us += LIMIT_FORM_US + US_PER_SECOND;
	ck_assert_int_eq(links_form_take(links, "one", third), LINKS_FORM_OLD);
	/* Another process does not know which forms were sent to this one. */
	CLEANUP_FREE char *fourth = form("one");
	make(URL);
	ck_assert_int_eq(links_form_take(links, "one", fourth), LINKS_FORM_FORGED);
}
END_TEST

/* What is no longer remembered as sent is old. */
START_TEST(no_form_acts_twice_however_many_are_sent)
{
	CLEANUP_FREE char *first = form("one"), *waiting = form("one");

	ck_assert_int_eq(links_form_take(links, "one", first), LINKS_FORM_GOOD);
	for (size_t i = 0; i < LIMIT_FORMS_SENT; i++) {
		clock_now.wall_us += US_PER_SECOND / 2;
		CLEANUP_FREE char *next = form("one");
		ck_assert_int_eq(links_form_take(links, "one", next), LINKS_FORM_GOOD);
	}
	ck_assert_int_eq(links_form_take(links, "one", first), LINKS_FORM_OLD);
	ck_assert_int_eq(links_form_take(links, "one", waiting), LINKS_FORM_OLD);
	CLEANUP_FREE char *fresh = form("one");
	ck_assert_int_eq(links_form_take(links, "one", fresh), LINKS_FORM_GOOD);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("links");
	TCase *group = tcase_create("links");

	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, the_own_key_outlives_a_restart);
	tcase_add_test(group, the_keys_of_the_file_take_its_place);
	tcase_add_test(group, a_link_is_good_for_thirty_days_at_most);
	tcase_add_test(group, without_an_address_there_are_no_links);
	tcase_add_test(group, a_form_acts_once);
	tcase_add_test(group, no_form_acts_twice_however_many_are_sent);
	suite_add_tcase(suite, group);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
