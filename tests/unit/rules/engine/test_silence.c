/*
 * Silences made at run time: what is read and refused, what they hold, and when.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/silence.h"
#include "tracepager/xalloc.h"

/* 2026-09-01T10:00:00Z */
#define NOW INT64_C(1788256800000000)

static struct arena *arena;

static void set_up(void)
{
	arena = arena_new(1 << 20);
}

static void tear_down(void)
{
	arena_free(arena);
}

static struct silence_spec blank(void)
{
	return (struct silence_spec){
		.id = "3f2a9b1c",
		.suspect = "",
		.team = "",
		.starts_us = NOW,
		.author = "ann",
		.reason = "deploy",
		.created_us = NOW,
		.ended_by = "",
	};
}

/* Reads what a person asks for and compiles it. */
static int ask(const char *json, struct made_silence **ret_silence, struct err *err)
{
	struct silence_spec spec = blank();
	int result = silence_spec_read(arena, json, strlen(json), true, &spec, err);

	if (result == 0)
		result = made_silence_new(&spec, ret_silence, err);
	if (result == 0 && (result = made_silence_check(*ret_silence, NOW, err)) < 0)
		made_silence_unref(*ret_silence);
	return result;
}

static struct made_silence *made(const char *json)
{
	struct made_silence *silence = NULL;
	struct err err = { 0 };

	ck_assert_msg(ask(json, &silence, &err) == 0, "%s: %s", json, err.text);
	return silence;
}

/* ---- reading ---- */

static const struct {
	const char *json, *says;
} refused[] = {
	{ "{", "ends inside an object" },
	{ "[]", "must be an object" },
	{ "\"x\"", "must be an object" },
	{ "{\"suspct\": \"ledger\", \"duration_s\": 60}", "no member \"suspct\"" },
	{ "{\"matchers\": [\"a=b\"]}", "needs an end" },
	{ "{\"matchers\": [{\"name\": \"a\"}], \"duration_s\": 60}", "must be texts such as" },
	{ "{\"matchers\": [7], \"duration_s\": 60}", "must be texts such as" },
	{ "{\"matchers\": [\"a\"], \"duration_s\": 60}", "matcher a: " },
	{ "{\"matchers\": [\"a=~\\\"(\\\"\"], \"duration_s\": 60}", "regular expression" },
	{ "{\"suspect\": \"ledger[\", \"duration_s\": 60}", "is no glob" },
	{ "{\"suspect\": 5, \"duration_s\": 60}", "suspect must be a text" },
	{ "{\"tell\": \"yes\", \"team\": \"shop\", \"duration_s\": 60}", "true or false" },
	{ "{\"team\": \"a\\u0000b\", \"duration_s\": 60}", "control characters" },
	{ "{\"team\": \"shop\", \"reason\": \"a\\nb\", \"duration_s\": 60}", "control characters" },
	{ "{\"team\": \"shop\", \"duration_s\": 0}", "above 0" },
	{ "{\"team\": \"shop\", \"duration_s\": 1.5}", "above 0" },
	{ "{\"team\": \"shop\", \"ends_at\": \"tomorrow\"}", "a time such as" },
	{ "{\"team\": \"shop\", \"ends_at\": \"2026-09-01T10:00:00Z\"}", "ends before it starts" },
	{ "{\"team\": \"shop\", \"starts_at\": \"2026-09-01T08:00:00Z\", \"ends_at\": "
	  "\"2026-09-01T09:00:00Z\"}",
	  "over already" },
	{ "{\"team\": \"shop\", \"ends_at\": \"2026-11-30T10:00:01Z\"}", "more than 90 days" },
	{ "{\"team\": \"shop\", \"reason\": \" \", \"duration_s\": 60}", "needs a reason" },
	{ "{\"team\": \"shop\", \"author\": \"\", \"duration_s\": 60}", "needs an author" },
	/* These hold for every alert. */
	{ "{\"duration_s\": 60}", "every alert" },
	{ "{\"matchers\": [], \"duration_s\": 60}", "every alert" },
	{ "{\"suspect\": \"*\", \"duration_s\": 60}", "every alert" },
	{ "{\"matchers\": [\"alertname=~\\\".*\\\"\"], \"duration_s\": 60}", "every alert" },
	{ "{\"matchers\": [\"alertname!=Watchdog\"], \"duration_s\": 60}", "every alert" },
};

START_TEST(what_is_refused_says_why)
{
	struct made_silence *silence;
	struct err err = { 0 };

	ck_assert_int_lt(ask(refused[_i].json, &silence, &err), 0);
	ck_assert_msg(strstr(err.text, refused[_i].says), "%s: %s", refused[_i].json, err.text);
}
END_TEST

static const char *const taken[] = {
	"{\"team\": \"shop\", \"ends_at\": \"2026-11-30T10:00:00Z\"}", /* 90 days, no more */
	"{\"all\": true, \"duration_s\": 60}",
	"{\"all\": true, \"matchers\": [\"alertname!=Watchdog\"], \"duration_s\": 60}",
	"{\"matchers\": \"alertname=DiskFull\", \"duration_s\": 60}", /* one text for a list */
	"{\"matchers\": [\"{a=\\\"b\\\", c=~\\\"d.*\\\"}\"], \"suspect\": null, \"duration_s\": "
	"60}",
	"{\"suspect\": \"ledger*\", \"state\": \"ended\", \"place\": \"x\", \"duration_s\": 60}",
};

START_TEST(what_is_taken)
{
	made_silence_unref(made(taken[_i]));
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
	struct silence_spec spec = blank(), read = { .id = "" };
	struct buf doc = BUF_INIT(LIMIT_SILENCE_DOC_BYTES);
	struct err err;

	spec.matchers[0] = "alertname=\"Disk \\\"Full\\\"\"";
	spec.matchers[1] = "instance=~\"db.*\"";
	spec.nmatchers = 2;
	spec.suspect = "ledger*";
	spec.team = "shop";
	spec.tell = true;
	spec.ends_us = NOW + US_PER_HOUR;
	spec.ended_by = "bob";
	silence_spec_write(&spec, NULL, NOW, &doc);
	ck_assert_ptr_nonnull(strstr(buf_text(&doc), "\"state\":\"active\""));
	ck_assert_int_eq(silence_spec_read(arena, buf_text(&doc), doc.len, false, &read, &err), 0);
	ck_assert_str_eq(read.id, "3f2a9b1c");
	ck_assert_uint_eq(read.nmatchers, 2);
	ck_assert_str_eq(read.matchers[0], spec.matchers[0]);
	ck_assert_str_eq(read.matchers[1], spec.matchers[1]);
	ck_assert_str_eq(read.suspect, "ledger*");
	ck_assert_str_eq(read.team, "shop");
	ck_assert(read.tell && !read.all);
	ck_assert_int_eq(read.starts_us, NOW);
	ck_assert_int_eq(read.ends_us, NOW + US_PER_HOUR);
	ck_assert_int_eq(read.created_us, NOW);
	ck_assert_str_eq(read.author, "ann");
	ck_assert_str_eq(read.reason, "deploy");
	ck_assert_str_eq(read.ended_by, "bob");
	buf_fini(&doc);
}
END_TEST

/* A later version may write members that this one does not know. */
START_TEST(a_stored_silence_may_have_more_members)
{
	static const char doc[] = "{\"id\":\"00000001\",\"colour\":{\"a\":[1]},\"team\":\"shop\"}";
	struct silence_spec read = blank();
	struct err err;

	ck_assert_int_eq(silence_spec_read(arena, doc, sizeof(doc) - 1, false, &read, &err), 0);
	ck_assert_str_eq(read.id, "00000001");
	ck_assert_str_eq(read.team, "shop");
}
END_TEST

START_TEST(what_it_silences_in_words)
{
	struct silence_spec spec = blank();
	struct buf text = BUF_INIT(1000);

	silence_spec_scope(&spec, &text);
	ck_assert_str_eq(buf_text(&text), "every alert");
	spec.matchers[spec.nmatchers++] = "alertname=DiskFull";
	spec.suspect = "ledger*";
	spec.team = "shop";
	buf_reset(&text);
	silence_spec_scope(&spec, &text);
	ck_assert_str_eq(buf_text(&text), "alertname=DiskFull, suspect ledger*, team shop");
	buf_fini(&text);
}
END_TEST

/* ---- what they hold ---- */

static struct label disk_labels[] = { { "alertname", "DiskFull" }, { "instance", "db17" } };
static const struct labels disk = { disk_labels, 2 };

static const struct {
	const char *json, *suspect, *team;
	bool holds;
} subjects[] = {
	{ "{\"matchers\": [\"alertname=DiskFull\"], \"duration_s\": 60}", NULL, NULL, true },
	{ "{\"matchers\": [\"alertname=DiskFul\"], \"duration_s\": 60}", NULL, NULL, false },
	{ "{\"matchers\": [\"instance=~\\\"db.*\\\"\"], \"duration_s\": 60}", NULL, NULL, true },
	{ "{\"matchers\": [\"instance=~\\\"b.*\\\"\"], \"duration_s\": 60}", NULL, NULL, false },
	{ "{\"matchers\": [\"alertname=DiskFull\", \"instance=db1\"], \"duration_s\": 60}", NULL,
	  NULL, false },
	/* An absent label counts as empty. */
	{ "{\"matchers\": [\"alertname=DiskFull\", \"zone=\\\"\\\"\"], \"duration_s\": 60}", NULL,
	  NULL, true },
	{ "{\"matchers\": [\"zone=\\\"\\\"\"], \"all\": true, \"duration_s\": 60}", NULL, NULL,
	  true },
	{ "{\"suspect\": \"ledger*\", \"duration_s\": 60}", "ledger-7", "x", true },
	{ "{\"suspect\": \"ledger*\", \"duration_s\": 60}", "payment", "x", false },
	{ "{\"suspect\": \"ledger*\", \"duration_s\": 60}", NULL, "x", false },
	{ "{\"suspect\": \"*\", \"all\": true, \"duration_s\": 60}", "", "x", false },
	{ "{\"team\": \"shop\", \"duration_s\": 60}", NULL, "shop", true },
	{ "{\"team\": \"shop\", \"duration_s\": 60}", NULL, "shop2", false },
	{ "{\"team\": \"shop\", \"duration_s\": 60}", NULL, NULL, false },
	{ "{\"team\": \"shop\", \"suspect\": \"ledger\", \"matchers\": [\"instance=db17\"], "
	  "\"duration_s\": 60}",
	  "ledger", "shop", true },
	{ "{\"team\": \"shop\", \"suspect\": \"ledger\", \"matchers\": [\"instance=db17\"], "
	  "\"duration_s\": 60}",
	  "ledger", "ops", false },
};

START_TEST(what_a_silence_holds)
{
	struct made_silence *silence = made(subjects[_i].json);
	struct silence_set *set = silence_set_new(&silence, 1);
	const struct silence_subject subject = { &disk, subjects[_i].suspect, subjects[_i].team };

	ck_assert_msg(!!silence_set_find(set, &subject, NOW) == subjects[_i].holds, "%s",
		      subjects[_i].json);
	silence_set_unref(set);
	made_silence_unref(silence);
}
END_TEST

/* Its start belongs to it, its end does not. */
START_TEST(a_silence_holds_from_its_start_to_before_its_end)
{
	struct made_silence *silence =
		made("{\"team\": \"shop\", \"starts_at\": \"2026-09-01T11:00:00Z\", "
		     "\"duration_s\": 60}");
	struct silence_set *set = silence_set_new(&silence, 1);
	const struct silence_subject subject = { &disk, NULL, "shop" };
	const int64_t start = NOW + US_PER_HOUR, end = start + 60 * US_PER_SECOND;

	ck_assert_ptr_null(silence_set_find(set, &subject, start - 1));
	ck_assert_ptr_eq(silence_set_find(set, &subject, start), silence);
	ck_assert_ptr_eq(silence_set_find(set, &subject, end - 1), silence);
	ck_assert_ptr_null(silence_set_find(set, &subject, end));
	ck_assert_int_eq(silence_set_next_us(set, NOW), start);
	ck_assert_int_eq(silence_set_next_us(set, start), end);
	ck_assert_int_eq(silence_set_next_us(set, end), 0);
	ck_assert_str_eq(silence_state_name(start, end, start - 1), "pending");
	ck_assert_str_eq(silence_state_name(start, end, start), "active");
	ck_assert_str_eq(silence_state_name(start, end, end), "ended");
	silence_set_unref(set);
	made_silence_unref(silence);
}
END_TEST

START_TEST(of_several_the_one_that_ends_last_counts)
{
	struct made_silence *silences[] = {
		made("{\"team\": \"shop\", \"duration_s\": 60}"),
		made("{\"matchers\": [\"alertname=DiskFull\"], \"duration_s\": 180}"),
		made("{\"matchers\": [\"alertname=Other\"], \"duration_s\": 600}"),
		made("{\"suspect\": \"ledger\", \"duration_s\": 120}"),
	};
	struct silence_set *set = silence_set_new(silences, ARRAY_LEN(silences));
	const struct silence_subject subject = { &disk, "ledger", "shop" };
	const struct silence_subject other = { &(struct labels){ .n = 0 }, "ledger", "shop" };

	ck_assert_ptr_eq(silence_set_find(set, &subject, NOW), silences[1]);
	ck_assert_ptr_eq(silence_set_find(set, &other, NOW), silences[3]);
	ck_assert_ptr_null(silence_set_find(NULL, &subject, NOW));
	ck_assert_ptr_nonnull(silence_set_get(set, "3f2a9b1c"));
	ck_assert_ptr_null(silence_set_get(set, "3f2a9b1d"));
	ck_assert_str_eq(made_silence_silence(silences[1])->place, "silence 3f2a9b1c");
	silence_set_unref(set);
	for (size_t i = 0; i < ARRAY_LEN(silences); i++)
		made_silence_unref(silences[i]);
}
END_TEST

/* The set keeps its silences, however long their maker does. */
START_TEST(a_set_outlives_the_list_that_made_it)
{
	struct made_silence *silence = made("{\"team\": \"shop\", \"duration_s\": 60}");
	struct silence_set *set = silence_set_new(&silence, 1), *again = silence_set_ref(set);
	const struct silence_subject subject = { &disk, NULL, "shop" };

	made_silence_unref(silence);
	silence_set_unref(set);
	ck_assert_str_eq(made_silence_spec(silence_set_find(again, &subject, NOW))->author, "ann");
	silence_set_unref(again);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("silence");
	TCase *tcase = tcase_create("silence");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, what_is_refused_says_why, 0, (int)ARRAY_LEN(refused));
	tcase_add_loop_test(tcase, what_is_taken, 0, (int)ARRAY_LEN(taken));
	tcase_add_test(tcase, what_is_written_is_read_again);
	tcase_add_test(tcase, a_stored_silence_may_have_more_members);
	tcase_add_test(tcase, what_it_silences_in_words);
	tcase_add_loop_test(tcase, what_a_silence_holds, 0, (int)ARRAY_LEN(subjects));
	tcase_add_test(tcase, a_silence_holds_from_its_start_to_before_its_end);
	tcase_add_test(tcase, of_several_the_one_that_ends_last_counts);
	tcase_add_test(tcase, a_set_outlives_the_list_that_made_it);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
