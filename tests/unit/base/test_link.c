/* base: tokens of links and marks of forms: good ones are read, and no other. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/link.h"
#include "tracepager/xalloc.h"

#define KEY	 "0123456789abcdef0123456789abcdef"
#define OLD_KEY	 "fedcba9876543210fedcba9876543210"
#define INCIDENT "4be1c4cd7b3c4e44a0c8a04ffb1bd5e4"
#define DAY	 US_PER_DAY
/* 2026-11-29 03:20:00 UTC is day 20786 and some hours. */
#define NOW (20786 * DAY + 12000 * US_PER_SECOND)

static struct buf token;
static char pager[LIMIT_LINK_PAGER_BYTES + 1];

static void setup(void)
{
	token = (struct buf)BUF_INIT(1000);
	pager[0] = '\0';
	ck_assert(link_write(KEY, INCIDENT, "ledger-pager", NOW + 30 * DAY, &token));
}

static void teardown(void)
{
	buf_fini(&token);
}

static enum link_verdict read_with(const char *key, const char *text, const char *incident,
				   int64_t now_us)
{
	const char *keys[] = { key };

	return link_read(keys, 1, text, incident, now_us, pager);
}

static enum link_verdict read_text(const char *text)
{
	return read_with(KEY, text, INCIDENT, NOW);
}

START_TEST(a_link_is_read)
{
	ck_assert_int_eq(read_text(buf_text(&token)), LINK_GOOD);
	ck_assert_str_eq(pager, "ledger-pager");
	ck_assert_uint_eq(strspn(buf_text(&token), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
						   "uvwxyz0123456789-_"),
			  token.len);
	/* 5 bytes, 12 of the name and 16 of the MAC are 33, which are 44 characters. */
	ck_assert_uint_eq(token.len, 44);
}
END_TEST

/* Worked out with Python's hmac and base64 from the layout in link.c. */
START_TEST(a_link_is_written_as_described)
{
	struct buf out = BUF_INIT(100);

	ck_assert(link_write("k", "i", "p", 258 * DAY, &out));
	ck_assert_str_eq(buf_text(&out), "AaBuAQJw1OuhWkv0N21hBbvI5vIIDw");
	buf_fini(&out);
}
END_TEST

START_TEST(a_link_ends_on_its_day)
{
	const int64_t end = 20816 * DAY;

	ck_assert_int_eq(read_with(KEY, buf_text(&token), INCIDENT, end - 1), LINK_GOOD);
	ck_assert_int_eq(read_with(KEY, buf_text(&token), INCIDENT, end), LINK_EXPIRED);
	ck_assert_int_eq(read_with(KEY, buf_text(&token), INCIDENT, end + 365 * DAY), LINK_EXPIRED);
}
END_TEST

START_TEST(a_link_is_of_one_incident)
{
	static const char *const others[] = { "", "4be1c4cd7b3c4e44a0c8a04ffb1bd5e5",
					      "4be1c4cd7b3c4e44a0c8a04ffb1bd5e",
					      "4be1c4cd7b3c4e44a0c8a04ffb1bd5e4 ",
					      "4BE1C4CD7B3C4E44A0C8A04FFB1BD5E4" };

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		ck_assert_int_eq(read_with(KEY, buf_text(&token), others[i], NOW), LINK_FORGED);
}
END_TEST

/* An expired token that is forged too is forged: it must not tell that it once was good. */
START_TEST(a_link_is_signed_by_a_key_in_force)
{
	const char *both[] = { OLD_KEY, KEY }, *none[] = { NULL, NULL };
	const char *text = buf_text(&token);

	ck_assert_int_eq(read_with(OLD_KEY, text, INCIDENT, NOW), LINK_FORGED);
	ck_assert_int_eq(read_with(OLD_KEY, text, INCIDENT, NOW + 60 * DAY), LINK_FORGED);
	ck_assert_int_eq(read_with(NULL, text, INCIDENT, NOW), LINK_FORGED);
	ck_assert_int_eq(link_read(both, 2, text, INCIDENT, NOW, pager), LINK_GOOD);
	ck_assert_int_eq(link_read(none, 2, text, INCIDENT, NOW, pager), LINK_FORGED);
	ck_assert_int_eq(link_read(both, 0, text, INCIDENT, NOW, pager), LINK_FORGED);
}
END_TEST

/* Each cut, each longer text, and each single bit of each character. */
START_TEST(a_changed_link_is_forged)
{
	CLEANUP_FREE char *text = xstrdup(buf_text(&token));

	for (size_t i = 0; i < token.len; i++) {
		CLEANUP_FREE char *cut = xstrndup(text, i);
		ck_assert_int_eq(read_text(cut), LINK_FORGED);
		ck_assert_int_eq(read_text(text + i + 1), LINK_FORGED);
		for (int bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ (1 << bit));
			ck_assert_msg(read_text(text) == LINK_FORGED, "%s", text);
			text[i] = (char)(text[i] ^ (1 << bit));
		}
	}
	static const char *const tails[] = { "A", "AA", "AAAA", "=", "==", " ", "&t=" };
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		CLEANUP_FREE char *longer = xasprintf("%s%s", text, tails[i]);
		ck_assert_int_eq(read_text(longer), LINK_FORGED);
	}
	ck_assert_int_eq(read_text(text), LINK_GOOD);
}
END_TEST

/* All lengths of a name, so that the last character has unused bits: each token has one form. */
START_TEST(unused_bits_must_be_zero)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t len = 1; len < 7; len++) {
		CLEANUP_FREE char *name = xstrndup("abcdefg", len);
		struct buf out = BUF_INIT(1000);
		size_t good = 0;
		ck_assert(link_write(KEY, INCIDENT, name, NOW + DAY, &out));
		CLEANUP_FREE char *text = xstrdup(buf_text(&out));
		for (const char *c = digits; *c; c++) {
			text[out.len - 1] = *c;
			good += read_text(text) == LINK_GOOD;
		}
		ck_assert_uint_eq(good, 1);
		buf_fini(&out);
	}
}
END_TEST

START_TEST(a_link_is_of_one_pager)
{
	struct buf other = BUF_INIT(1000);

	ck_assert(link_write(KEY, INCIDENT, "Ledger-pager", NOW + 30 * DAY, &other));
	/* The name of one with the MAC of the other: the MAC is in the last 22 characters. */
	CLEANUP_FREE char *mixed = xasprintf("%.*s%s", (int)other.len - 22, buf_text(&other),
					     buf_text(&token) + token.len - 22);
	ck_assert_int_eq(read_text(mixed), LINK_FORGED);
	buf_fini(&other);
}
END_TEST

START_TEST(names_that_do_not_fit_are_refused)
{
	struct buf out = BUF_INIT(1000), small = BUF_INIT(20);
	CLEANUP_FREE char *longest = xcalloc(LIMIT_LINK_PAGER_BYTES + 2, 1);

	memset(longest, 'p', LIMIT_LINK_PAGER_BYTES);
	ck_assert(link_write(KEY, INCIDENT, longest, NOW, &out));
	ck_assert_int_eq(read_with(KEY, buf_text(&out), INCIDENT, NOW - DAY), LINK_GOOD);
	ck_assert_str_eq(pager, longest);
	longest[LIMIT_LINK_PAGER_BYTES] = 'p';
	ck_assert(!link_write(KEY, INCIDENT, longest, NOW, &out));
	ck_assert(!link_write(KEY, INCIDENT, "", NOW, &out));
	ck_assert(!link_write(KEY, INCIDENT, "p", NOW, &small));
	ck_assert(!link_write(KEY, INCIDENT, "p", -DAY, &out));
	ck_assert(!link_write(KEY, INCIDENT, "p", 65536 * DAY, &out));
	buf_fini(&out);
	buf_fini(&small);
}
END_TEST

/* ---- forms ---- */

static char id[LINK_FORM_ID_SIZE];
static int64_t shown_us;

static enum link_verdict read_form(const char *mark, int64_t now_us)
{
	return link_form_read(KEY, buf_text(&token), mark, now_us, id, &shown_us);
}

START_TEST(a_form_is_read_for_an_hour)
{
	struct buf mark = BUF_INIT(1000), second = BUF_INIT(1000);

	link_form_write(KEY, buf_text(&token), NOW, &mark);
	link_form_write(KEY, buf_text(&token), NOW, &second);
	ck_assert_str_ne(buf_text(&mark), buf_text(&second));
	ck_assert_int_eq(read_form(buf_text(&mark), NOW), LINK_GOOD);
	ck_assert_int_eq(shown_us, NOW);
	CLEANUP_FREE char *first_id = xstrdup(id);
	ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 16);
	ck_assert_int_eq(read_form(buf_text(&second), NOW), LINK_GOOD);
	ck_assert_str_ne(id, first_id);
	ck_assert_int_eq(read_form(buf_text(&mark), NOW + LIMIT_FORM_US - 1), LINK_GOOD);
	ck_assert_int_eq(read_form(buf_text(&mark), NOW + LIMIT_FORM_US), LINK_EXPIRED);
	ck_assert_int_eq(read_form(buf_text(&mark), NOW - LIMIT_FORM_US), LINK_GOOD);
	ck_assert_int_eq(read_form(buf_text(&mark), NOW - LIMIT_FORM_US - 1), LINK_EXPIRED);
	buf_fini(&mark);
	buf_fini(&second);
}
END_TEST

START_TEST(a_form_is_of_one_token_and_one_key)
{
	struct buf mark = BUF_INIT(1000), other = BUF_INIT(1000);

	link_form_write(KEY, "another token", NOW, &mark);
	ck_assert_int_eq(read_form(buf_text(&mark), NOW), LINK_FORGED);
	link_form_write(OLD_KEY, buf_text(&token), NOW, &other);
	ck_assert_int_eq(read_form(buf_text(&other), NOW), LINK_FORGED);
	ck_assert_int_eq(read_form("", NOW), LINK_FORGED);
	/* A link is no form, and a form is no link. */
	ck_assert_int_eq(read_form(buf_text(&token), NOW), LINK_FORGED);
	ck_assert_int_eq(read_text(buf_text(&other)), LINK_FORGED);
	buf_fini(&mark);
	buf_fini(&other);
}
END_TEST

START_TEST(a_changed_form_is_forged)
{
	struct buf mark = BUF_INIT(1000);

	link_form_write(KEY, buf_text(&token), NOW, &mark);
	CLEANUP_FREE char *text = xstrdup(buf_text(&mark));
	for (size_t i = 0; i < mark.len; i++) {
		CLEANUP_FREE char *cut = xstrndup(text, i);
		ck_assert_int_eq(read_form(cut, NOW), LINK_FORGED);
		for (int bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ (1 << bit));
			ck_assert_int_eq(read_form(text, NOW), LINK_FORGED);
			text[i] = (char)(text[i] ^ (1 << bit));
		}
	}
	buf_fini(&mark);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link");
	TCase *group = tcase_create("link");

	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, a_link_is_read);
	tcase_add_test(group, a_link_is_written_as_described);
	tcase_add_test(group, a_link_ends_on_its_day);
	tcase_add_test(group, a_link_is_of_one_incident);
	tcase_add_test(group, a_link_is_signed_by_a_key_in_force);
	tcase_add_test(group, a_changed_link_is_forged);
	tcase_add_test(group, unused_bits_must_be_zero);
	tcase_add_test(group, a_link_is_of_one_pager);
	tcase_add_test(group, names_that_do_not_fit_are_refused);
	tcase_add_test(group, a_form_is_read_for_an_hour);
	tcase_add_test(group, a_form_is_of_one_token_and_one_key);
	tcase_add_test(group, a_changed_form_is_forged);
	suite_add_tcase(suite, group);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
