/* web: forms, paths, cursors and problem documents. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "relay/web/web-internal.h"
#include "tracepager/xalloc.h"

/* ---- forms ---- */

static const struct {
	const char *form, *name;
	enum web_found found;
	const char *value;
} forms[] = {
	{ "", "t", WEB_FOUND_NONE, "" },
	{ "t=abc", "t", WEB_FOUND_ONE, "abc" },
	{ "t=", "t", WEB_FOUND_ONE, "" },
	{ "t", "t", WEB_FOUND_ONE, "" },
	{ "a=1&t=abc&b=2", "t", WEB_FOUND_ONE, "abc" },
	{ "tt=1&at=2", "t", WEB_FOUND_NONE, "" },
	{ "T=abc", "t", WEB_FOUND_NONE, "" },
	{ "t=a+b%20c%2Bd", "t", WEB_FOUND_ONE, "a b c+d" },
	{ "t=%c3%A4", "t", WEB_FOUND_ONE, "\xc3\xa4" },
	{ "t=a%0D%0Ab%09c", "t", WEB_FOUND_ONE, "a\r\nb\tc" },
	{ "t=a=b", "t", WEB_FOUND_ONE, "a=b" },
	/* Given twice, even with the same value. */
	{ "t=a&t=a", "t", WEB_FOUND_BAD, "" },
	{ "t=a&x=1&t", "t", WEB_FOUND_BAD, "" },
	/* No text: a NUL, control characters, half an escape, no UTF-8. */
	{ "t=a%00b", "t", WEB_FOUND_BAD, "" },
	{ "t=%1b[2J", "t", WEB_FOUND_BAD, "" },
	{ "t=%7f", "t", WEB_FOUND_BAD, "" },
	{ "t=%", "t", WEB_FOUND_BAD, "" },
	{ "t=%2", "t", WEB_FOUND_BAD, "" },
	{ "t=%zz", "t", WEB_FOUND_BAD, "" },
	{ "t=%ff", "t", WEB_FOUND_BAD, "" },
	{ "t=%c3", "t", WEB_FOUND_BAD, "" },
	/* Eight characters and the NUL do not fit. */
	{ "t=1234567", "t", WEB_FOUND_ONE, "1234567" },
	{ "t=12345678", "t", WEB_FOUND_BAD, "" },
	{ "&&t=a&&", "t", WEB_FOUND_ONE, "a" },
};

START_TEST(reads_forms)
{
	char value[8];

	ck_assert_int_eq(web_form_value(forms[_i].form, strlen(forms[_i].form), forms[_i].name,
					value, sizeof(value)),
			 forms[_i].found);
	ck_assert_str_eq(value, forms[_i].value);
}
END_TEST

/* A value ends with the form, not behind it. */
START_TEST(reads_no_byte_behind_a_form)
{
	char value[8];

	ck_assert_int_eq(web_form_value("t=a%41", 4, "t", value, sizeof(value)), WEB_FOUND_BAD);
	ck_assert_int_eq(web_form_value("t=a%41", 3, "t", value, sizeof(value)), WEB_FOUND_ONE);
	ck_assert_str_eq(value, "a");
}
END_TEST

/* ---- paths ---- */

static const struct {
	const char *pattern, *path;
	bool fits;
	const char *first, *second;
} paths[] = {
	{ "/", "/", true, NULL, NULL },
	{ "/", "//", false, NULL, NULL },
	{ "/-/ready", "/-/ready", true, NULL, NULL },
	{ "/-/ready", "/-/ready/", false, NULL, NULL },
	{ "/-/ready", "/-/read", false, NULL, NULL },
	{ "/i/{id}", "/i/abc", true, "abc", NULL },
	{ "/i/{id}", "/i/", false, NULL, NULL },
	{ "/i/{id}", "/i/abc/", false, NULL, NULL },
	{ "/i/{id}", "/i/abc/def", false, NULL, NULL },
	{ "/i/{id}", "/i//abc", false, NULL, NULL },
	{ "/i/{id}", "//i/abc", false, NULL, NULL },
	{ "/v1/{id}/{act}", "/v1/abc/resolve", true, "abc", "resolve" },
	{ "/v1/{id}/{act}", "/v1/abc", false, NULL, NULL },
	{ "/v1/{id}/{act}", "/v1//resolve", false, NULL, NULL },
	{ "/v1/{id}/end", "/v1/abc/end", true, "abc", NULL },
	{ "/webhook/{sender...}", "/webhook/am", true, "am", NULL },
	{ "/webhook/{sender...}", "/webhook/am/", true, "am/", NULL },
	{ "/webhook/{sender...}", "/webhook/", true, "", NULL },
	{ "/webhook/{sender...}", "/webhook", false, NULL, NULL },
};

static void check_place(const char *at, size_t len, const char *expected)
{
	if (!expected) {
		ck_assert_ptr_null(at);
		return;
	}
	ck_assert_uint_eq(len, strlen(expected));
	ck_assert_int_eq(memcmp(at, expected, len), 0);
}

START_TEST(fits_paths)
{
	const char *at[2] = { NULL, NULL };
	size_t len[2];

	ck_assert_int_eq(web_path_fits(paths[_i].pattern, paths[_i].path, at, len), paths[_i].fits);
	if (!paths[_i].fits)
		return;
	check_place(at[0], len[0], paths[_i].first);
	check_place(at[1], len[1], paths[_i].second);
}
END_TEST

/* ---- cursors ---- */

START_TEST(reads_the_cursors_that_it_writes)
{
	static const struct {
		int64_t us;
		const char *id;
	} rows[] = { { 0, "" },
		     { 1790000000000000, "0123456789abcdef" },
		     { 5, "ID with blank" },
		     { INT64_MAX, "\xff\xfe?>" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf cursor = BUF_INIT(1000);
		char id[64];
		int64_t us = -1;
		web_cursor_write(rows[i].us, rows[i].id, &cursor);
		ck_assert_uint_eq(strspn(buf_text(&cursor), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijk"
							    "lmnopqrstuvwxyz0123456789-_"),
				  cursor.len);
		ck_assert(web_cursor_read(buf_text(&cursor), &us, id, sizeof(id)));
		ck_assert_int_eq(us, rows[i].us);
		ck_assert_str_eq(id, rows[i].id);
		buf_fini(&cursor);
	}
}
END_TEST

START_TEST(refuses_what_is_no_cursor)
{
	/* "x", "12", "12x y", "-1 a", "\0", and "1 " with ten characters where nine fit. */
	static const char *const bad[] = { "",	      "!",	 "eA",
					   "MTI",     "MTJ4IHk", "LTEgYQ",
					   "AA",      "a=b=",	 "MSBhYmNkZWZnaGlq",
					   "MQ==MQ==" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char id[10];
		int64_t us;
		ck_assert_msg(!web_cursor_read(bad[i], &us, id, sizeof(id)), "%s", bad[i]);
	}
}
END_TEST

/* ---- problems ---- */

START_TEST(writes_problems)
{
	struct buf text = BUF_INIT(1000);

	web_write_problem(&text, 404, "there is no incident \"x\"");
	ck_assert_str_eq(buf_text(&text),
			 "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
			 "\"detail\":\"there is no incident \\\"x\\\"\","
			 "\"error\":\"there is no incident \\\"x\\\"\"}\n");
	buf_fini(&text);
}
END_TEST

/* ---- entity tags ---- */

START_TEST(tags_differ_with_the_bytes)
{
	char tag[WEB_ETAG_SIZE], other[WEB_ETAG_SIZE];

	web_etag("{}", 2, tag);
	/* HMAC-SHA256 of "{}" with the key "etag" begins so (openssl dgst -hmac). */
	ck_assert_str_eq(tag, "\"72149098936ddd9d36c2fda07d2b7595\"");
	web_etag("{}\n", 3, other);
	ck_assert_str_ne(tag, other);
	web_etag("", 0, other);
	ck_assert_uint_eq(strlen(other), WEB_ETAG_SIZE - 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("web text");
	TCase *group = tcase_create("web text");

	tcase_add_loop_test(group, reads_forms, 0, (int)ARRAY_LEN(forms));
	tcase_add_test(group, reads_no_byte_behind_a_form);
	tcase_add_loop_test(group, fits_paths, 0, (int)ARRAY_LEN(paths));
	tcase_add_test(group, reads_the_cursors_that_it_writes);
	tcase_add_test(group, refuses_what_is_no_cursor);
	tcase_add_test(group, writes_problems);
	tcase_add_test(group, tags_differ_with_the_bytes);
	suite_add_tcase(suite, group);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
