/* Rejected bodies: which are kept, in which order, and the byte that a reason names. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/rejected.h"
#include "tracepager/xalloc.h"

/* 64 characters, the most of a name. */
#define LONG_NAME "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

static struct rejected *rejected;

static void set_up(void)
{
	rejected = rejected_new();
}

static void tear_down(void)
{
	rejected_free(rejected);
}

static void add(const char *reason, const char *body, size_t len)
{
	rejected_add(rejected, &(struct rejected_body){ .sender = LONG_NAME,
							.peer = "192.0.2.7",
							.reason = reason,
							.byte = -1,
							.len = len,
							.body = body,
							.body_len = len });
}

struct seen {
	size_t n, most;
	int64_t first, last;
	size_t last_len;
};

static bool on_body(void *ctx, const struct rejected_body *body)
{
	struct seen *seen = ctx;

	if (!seen->n++)
		seen->first = body->id;
	seen->last = body->id;
	seen->last_len = body->body_len;
	ck_assert_uint_eq(strlen(body->body), body->body_len);
	return seen->n < seen->most;
}

static struct seen see(int64_t before, size_t most)
{
	struct seen seen = { .most = most };

	rejected_each(rejected, before, on_body, &seen);
	return seen;
}

START_TEST(the_newest_stay)
{
	struct seen seen;

	for (int i = 0; i < LIMIT_REJECTED_BODIES + 7; i++)
		add("no", "x", 1);
	seen = see(0, 1000);
	ck_assert_uint_eq(seen.n, LIMIT_REJECTED_BODIES);
	ck_assert_int_eq(seen.first, LIMIT_REJECTED_BODIES + 7);
	ck_assert_int_eq(seen.last, 8);
	seen = see(12, 3);
	ck_assert_uint_eq(seen.n, 3);
	ck_assert_int_eq(seen.first, 11);
	ck_assert_int_eq(seen.last, 9);
}
END_TEST

/* The longest take 5,290 bytes each: 100 of them are more than 512 KiB. */
START_TEST(bytes_are_bounded)
{
	char *body = xcalloc(1, 100000), reason[LIMIT_ALERT_NOTE_BYTES + 100];
	struct seen seen;

	memset(body, 'b', 100000);
	memset(reason, 'r', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	for (int i = 0; i < LIMIT_REJECTED_BODIES; i++)
		add(reason, body, 100000);
	seen = see(0, 1000);
	ck_assert_uint_lt(seen.n, LIMIT_REJECTED_BODIES);
	ck_assert_uint_gt(seen.n, LIMIT_REJECTED_BODIES * 9 / 10);
	ck_assert_uint_eq(seen.last_len, LIMIT_REJECTED_BODY_BYTES);
	free(body);
}
END_TEST

START_TEST(reasons_name_a_place)
{
	static const struct {
		const char *reason, *body;
		int64_t byte;
	} rows[] = {
		{ "not JSON (line 1, column 1)", "x", 0 },
		{ "not JSON (line 2, column 3)", "{\nab", 4 },
		{ "it ends inside a string (line 1, column 5)", "{\"ab", 4 },
		{ "x (line 1, column 6)", "{\"ab", -1 },
		{ "x (line 3, column 1)", "{\nab", -1 },
		{ "x (line 1, column 1); and 2 more", "{}", -1 },
		{ "x (line 0, column 1)", "{}", -1 },
		{ "it has (line 1, column 1) in it", "{}", -1 },
		{ "no place", "{}", -1 },
		{ "", "", -1 },
	};

	ck_assert_int_eq(rejected_place(rows[_i].reason, rows[_i].body, strlen(rows[_i].body)),
			 rows[_i].byte);
}
END_TEST

START_TEST(keys_are_hidden)
{
	static const struct {
		const char *body, *shown;
	} rows[] = {
		{ "{\"a\":\"s3cret\"}", "{\"a\":\"******\"}" },
		{ "s3crets3cre", "******s3cre" },
		{ "{\"routing_key\":\"R0\",\"x\":1}", "{\"routing_key\":\"**\",\"x\":1}" },
		{ "{\"service_key\" : \"a\\\"b", "{\"service_key\" : \"****" },
		{ "{\"routing_key\":7}", "{\"routing_key\":7}" },
		{ "{\"shared_secret\":\"\\", "{\"shared_secret\":\"*" },
		{ "\"routing_key\"", "\"routing_key\"" },
		{ "{\"routing_key\":", "{\"routing_key\":" },
	};
	struct sender_auth auth = { 0 };
	char *text = xstrdup(rows[_i].body);

	secret_set(&auth.bearer[1], "s3cret");
	rejected_hide(text, strlen(text), &auth);
	ck_assert_str_eq(text, rows[_i].shown);
	secret_fini(&auth.bearer[1]);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rejected");
	TCase *all = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_test(all, the_newest_stay);
	tcase_add_test(all, bytes_are_bounded);
	tcase_add_loop_test(all, reasons_name_a_place, 0, 10);
	tcase_add_loop_test(all, keys_are_hidden, 0, 8);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
