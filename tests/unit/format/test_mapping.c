/*
 * Mappings: places, what each kind of rule takes, and what is refused.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/alert_mapping.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* 2026-09-01T10:00:00Z. */
#define NOW_US (INT64_C(1788256800) * US_PER_SECOND)

static struct arena *arena;
static struct alert_batch batch;
static struct err err;
static struct buf why;

static void setup(void)
{
	arena = arena_new(8 << 20);
	batch = (struct alert_batch){ 0 };
	err = (struct err){ 0 };
	buf_init(&why, 64 << 10);
}

static void teardown(void)
{
	buf_fini(&why);
	arena_free(arena);
}

static int read_by(const struct alert_mapping *mapping, const char *text)
{
	const struct alert_body body = { .text = text,
					 .len = strlen(text),
					 .sender = "am1",
					 .now_us = NOW_US,
					 .mapping = mapping,
					 .why = &why };

	return alert_formats[FORMAT_GENERIC]->parse(arena, &body, &batch, &err);
}

/* What a mapping of one rule for the label x, beside the name and the id, finds in a body. */
static const char *find_x(const char *place, const char *text)
{
	const struct mapping_rule rules[] = { { .to = MAP_ID, .text = "1" },
					      { .to = MAP_NAME, .text = "n" },
					      { .to = MAP_LABEL, .name = "x", .from = { place } } };
	const struct alert_mapping mapping = {
		.name = "t", .what = "a test", .rules = rules, .nrules = ARRAY_LEN(rules)
	};

	ck_assert_msg(mapping_place_fault(place) == NULL, "%s", place);
	ck_assert_int_eq(read_by(&mapping, text), 0);
	ck_assert_uint_eq(batch.nalerts, 1);
	return labels_get(&batch.alerts[0].labels, "x");
}

START_TEST(places)
{
	static const struct {
		const char *place, *text, *found;
	} rows[] = {
		{ "/a", "{\"a\":\"v\"}", "v" },
		{ "/a/b", "{\"a\":{\"b\":\"v\"}}", "v" },
		{ "/a~1b/c~0d", "{\"a/b\":{\"c~d\":\"v\"}}", "v" },
		{ "/a/1", "{\"a\":[\"u\",\"v\"]}", "v" },
		{ "/a/2", "{\"a\":[\"u\",\"v\"]}", NULL },
		{ "/a/-1", "{\"a\":[\"u\",\"v\"]}", NULL },
		{ "/a/*/b", "{\"a\":[{\"c\":1},{\"b\":\"v\"},{\"b\":\"w\"}]}", "v" },
		{ "/a/*/b", "{\"a\":{\"p\":{\"c\":1},\"q\":{\"b\":\"v\"}}}", "v" },
		{ "/*/*/b", "{\"a\":{\"p\":{\"c\":1},\"q\":{\"b\":\"v\"}}}", "v" },
		{ "/a/[name=k]/value",
		  "{\"a\":[{\"name\":\"j\",\"value\":\"u\"},"
		  "{\"name\":\"k\",\"value\":\"v\"}]}",
		  "v" },
		{ "/a/{}/b", "{\"a\":\"{\\\"b\\\":\\\"v\\\"}\"}", "v" },
		{ "/a/{}/b", "{\"a\":\"no JSON\"}", NULL },
		{ "^/a", "{\"a\":\"v\"}", "v" },
		{ "/a", "{\"a\":7}", "7" },
		{ "/a", "{\"a\":0.25}", "0.25" },
		{ "/a", "{\"a\":true}", "true" },
		{ "/a", "{\"a\":null}", NULL },
		{ "/a", "{\"a\":\"\"}", NULL },
		{ "/a", "{\"a\":[\"u\",2,{}]}", "u, 2" },
		{ "/a", "{\"a\":{\"b\":1}}", NULL },
		{ "/a", "{\"a\":\"u\\u0000v\"}", "u\xef\xbf\xbdv" },
		{ "/a", "{\"a\":\"\xff\"}", "\xef\xbf\xbd" },
		{ "/a", "\xef\xbb\xbf{\"a\":\"v\"}", "v" },
		{ "/a", "{\"a\":\"u\\ud83d\",\"b\":\"\\udc00\"}", "u\xef\xbf\xbd" },
		{ "/a", "{\"a\":\"\\ud83d\\ude00\"}", "\xf0\x9f\x98\x80" },
		{ "/a", "{\"a\":\"\\\\ud83d\"}", "\\ud83d" },
		{ "/a", "{\"a\":\"v\",\"b\":92233720368547758080}", "v" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *found = find_x(rows[i].place, rows[i].text);
		ck_assert_msg(
			found ? rows[i].found && strcmp(found, rows[i].found) == 0 : !rows[i].found,
			"%s in %s: %s", rows[i].place, rows[i].text, found ? found : "nothing");
	}
}
END_TEST

START_TEST(places_that_are_none)
{
	ck_assert_ptr_nonnull(mapping_place_fault("a"));
	ck_assert_ptr_nonnull(mapping_place_fault("/a/[b]"));
	ck_assert_ptr_nonnull(mapping_place_fault("/*/*/*"));
	ck_assert_ptr_nonnull(mapping_place_fault("^/*/a"));
	ck_assert_ptr_nonnull(mapping_place_fault("^/[a=b]/c"));
}
END_TEST

static const struct mapping_value states[] = {
	{ "open*", "firing" }, { "closed", "resolved" }, { "paused", "ignore" }, { NULL, NULL }
};
static const char *const tells[] = { "/items/0/key", NULL };
static const struct mapping_rule whole_rules[] = {
	{ .to = MAP_ID, .from = { "/nowhere", "/key" } },
	{ .to = MAP_STATUS, .from = { "/state" }, .values = states },
	{ .to = MAP_NAME, .from = { "/title" } },
	{ .to = MAP_SUMMARY, .from = { "/text" } },
	{ .to = MAP_STARTS_AT, .from = { "/since" }, .time = MAP_TIME_MS },
	{ .to = MAP_ENDS_AT, .from = { "/until" } },
	{ .to = MAP_LINK, .from = { "/url" } },
	{ .to = MAP_GROUP, .from = { "^/batch" } },
	{ .to = MAP_LABEL, .name = "service", .from = { "/svc" } },
	{ .to = MAP_LABELS, .from = { "/tags" } },
	{ .to = MAP_LABELS, .name = "dim_", .from = { "/dims" } },
};
static const struct alert_mapping whole = { .name = "t",
					    .what = "a body of T",
					    .items = "/items",
					    .tells = tells,
					    .rules = whole_rules,
					    .nrules = ARRAY_LEN(whole_rules) };

START_TEST(a_whole_alert)
{
	const char *text =
		"{\"batch\":\"b7\",\"items\":[{\"key\":\"K-1\",\"state\":\"OPENED\",\"title\":"
		"\"Down\","
		"\"text\":\"it is down\",\"since\":1788256740000,\"url\":\"https://t/1\","
		"\"svc\":\"cart\",\"tags\":\"service:shop, team:x,env=prod\","
		"\"dims\":{\"k8s.pod\":\"p1\",\"deep\":{}}}]}";
	const struct alert *alert;

	ck_assert_int_eq(read_by(&whole, text), 0);
	ck_assert_uint_eq(batch.nalerts, 1);
	ck_assert_str_eq(batch.group_key, "b7");
	alert = &batch.alerts[0];
	ck_assert_str_eq(alert->family, "generic-am1");
	ck_assert_str_eq(alert->sender, "am1");
	ck_assert_str_eq(alert->fingerprint, "K-1");
	ck_assert_int_eq(alert->status, ALERT_FIRING);
	ck_assert_int_eq(alert->starts_at_us, NOW_US - US_PER_MINUTE);
	ck_assert_str_eq(alert->generator_url, "https://t/1");
	ck_assert_str_eq(labels_get(&alert->labels, "alertname"), "Down");
	ck_assert_str_eq(labels_get(&alert->labels, "service"), "cart");
	ck_assert_str_eq(labels_get(&alert->labels, "team"), "x");
	ck_assert_str_eq(labels_get(&alert->labels, "env"), "prod");
	ck_assert_str_eq(labels_get(&alert->labels, "dim_k8s_pod"), "p1");
	ck_assert_uint_eq(alert->labels.n, 5);
	ck_assert_str_eq(labels_get(&alert->annotations, "summary"), "it is down");
	ck_assert_ptr_nonnull(
		strstr(buf_text(&why), "id: /nowhere is not there\nid: /key is \"K-1\"\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "label.service: /svc is \"cart\"\n"));
}
END_TEST

/* One unsound alert does not take the others with it. */
START_TEST(alerts_of_every_status)
{
	const char *text = "{\"items\":[{\"key\":\"1\",\"state\":\"closed\",\"title\":\"a\"},"
			   "{\"key\":\"2\",\"state\":\"paused\",\"title\":\"a\"},"
			   "{\"key\":\"3\",\"state\":\"odd\",\"title\":\"a\"},"
			   "{\"title\":\"a\"},7,{\"key\":\"5\"},"
			   "{\"key\":\"6\",\"title\":\"a\",\"since\":\"soon\"},"
			   "{\"key\":\"an id / of words\",\"title\":\"a\"}]}";
	static const struct {
		unsigned int index;
		const char *says;
	} refused[] = { { 2, "alert 2: status is \"odd\", neither firing nor resolved" },
			{ 3, "alert 3: it has no id" },
			{ 4, "alert 4: it is not an object" },
			{ 5, "alert 5: it has no labels" } };

	ck_assert_int_eq(read_by(&whole, text), 0);
	ck_assert_uint_eq(batch.nalerts, 3);
	ck_assert_int_eq(batch.alerts[0].status, ALERT_RESOLVED);
	ck_assert_str_eq(batch.alerts[1].fingerprint, "6");
	ck_assert_int_eq(batch.alerts[1].starts_at_us, 0);
	ck_assert_uint_eq(batch.ncut, 1);
	ck_assert_str_eq(batch.cut[0].text,
			 "alert 6: starts_at is not a time: \"soon\"; it is left out");
	ck_assert_uint_eq(strlen(batch.alerts[2].fingerprint), 32);
	ck_assert_uint_eq(batch.nrefused, ARRAY_LEN(refused));
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		ck_assert_uint_eq(batch.refused[i].index, refused[i].index);
		ck_assert_str_eq(batch.refused[i].text, refused[i].says);
	}
}
END_TEST

START_TEST(bodies_that_are_refused)
{
	static const struct {
		const char *text, *says;
		int code;
	} rows[] = {
		{ "", "not JSON", -EBADMSG },
		{ "{\"items\":", "not JSON", -EBADMSG },
		{ "7", "it is no object", -EBADMSG },
		{ "{\"a\":1e999}", "a number is larger than any can be", -EBADMSG },
		{ "{}", "this is not a body of T: it has no /items/0/key", -EBADMSG },
		{ "{\"items\":{\"0\":{\"key\":1}}}", "/items is not a list", -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(read_by(&whole, rows[i].text), rows[i].code);
		ck_assert_msg(strstr(err.text, rows[i].says), "%s: %s", rows[i].text, err.text);
	}
}
END_TEST

/* The column of a place counts bytes: a person looks it up in what was sent. */
START_TEST(places_of_faults)
{
	static const struct {
		const char *text;
		int line, column;
	} rows[] = {
		{ "{\"a\": x}", 1, 7 },
		{ "{\n\"\xc3\xbc\xc3\xbc\": x}", 2, 9 },
		{ "{\"a\":", 1, 5 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(read_by(&whole, rows[i].text), -EBADMSG);
		ck_assert_int_eq(err.line, rows[i].line);
		ck_assert_int_eq(err.column, rows[i].column);
	}
}
END_TEST

/* A text that means nothing is passed over; one of several places tells; a template's list ends
 * with null. */
START_TEST(templates_of_people)
{
	static const struct mapping_value words[] = { { "undefined", "" }, { NULL, NULL } };
	static const char *const some[] = { "/list", "/a /b", NULL };
	const struct mapping_rule rules[] = {
		{ .to = MAP_ID, .text = "1" },
		{ .to = MAP_NAME, .from = { "/x", "/y" }, .values = words, .text = "z" },
		{ .to = MAP_STATUS, .from = { "/s" } },
	};
	struct alert_mapping mapping = { .name = "t",
					 .what = "a test",
					 .items = "/list",
					 .tells = some,
					 .rules = rules,
					 .nrules = ARRAY_LEN(rules) };

	ck_assert_int_eq(read_by(&mapping, "{\"b\":1,\"list\":[{\"x\":\"undefined\",\"y\":\"v\"},"
					   "{\"x\":\"UNDEFINED\"},{\"s\":\"ignore\"},null]}"),
			 0);
	ck_assert_uint_eq(batch.nalerts, 2);
	ck_assert_uint_eq(batch.nrefused, 0);
	ck_assert_str_eq(labels_get(&batch.alerts[0].labels, "alertname"), "v");
	ck_assert_str_eq(labels_get(&batch.alerts[1].labels, "alertname"), "z");
	ck_assert_str_eq(batch.ignored, "the mapping of its status says that it pages nobody");
	mapping.ignores = "why not";
	ck_assert_int_eq(read_by(&mapping, "{\"a\":1,\"list\":[{\"s\":\"ignore\"}]}"), 0);
	ck_assert_str_eq(batch.ignored, "why not");
	ck_assert_int_eq(read_by(&mapping, "{\"list\":[]}"), -EBADMSG);
	ck_assert_str_eq(err.text, "this is not a test: it has none of /a /b");
}
END_TEST

/* Globs are for words: a long text is compared as it is. */
START_TEST(globs_of_long_texts)
{
	char text[LIMIT_MAPPED_GLOB_BYTES + 64];

	for (unsigned int len = LIMIT_MAPPED_GLOB_BYTES; len <= LIMIT_MAPPED_GLOB_BYTES + 1;
	     len++) {
		snprintf(text, sizeof(text),
			 "{\"items\":[{\"key\":\"1\",\"title\":\"a\",\"state\":\"open%0*d\"}]}",
			 (int)len - 4, 0);
		ck_assert_int_eq(read_by(&whole, text), 0);
		ck_assert_uint_eq(batch.nalerts, len == LIMIT_MAPPED_GLOB_BYTES);
		ck_assert_uint_eq(batch.nrefused, len > LIMIT_MAPPED_GLOB_BYTES);
	}
}
END_TEST

/* Times with a unit, without one, and as texts of several programs: all 2026-09-01T10:00:00Z. */
START_TEST(times)
{
	static const struct {
		const char *text;
		enum mapping_time unit;
	} rows[] = {
		{ "1788256800", MAP_TIME_S },
		{ "1788256800", MAP_TIME_ANY },
		{ "1788256800000", MAP_TIME_ANY },
		{ "1788256800000000", MAP_TIME_ANY },
		{ "1788256800000000000", MAP_TIME_ANY },
		{ "1788256800000000", MAP_TIME_US },
		{ "1788256800000000000", MAP_TIME_NS },
		{ "\"1788256800\"", MAP_TIME_S },
		{ "\"2026-09-01T10:00:00Z\"", MAP_TIME_RFC3339 },
		{ "\"2026-09-01T12:00:00+02:00\"", MAP_TIME_ANY },
		{ "\"2026-09-01T12:00:00.000+0200\"", MAP_TIME_ANY },
		{ "\"2026-09-01T10:00:00\"", MAP_TIME_ANY },
		{ "\"2026-09-01 10:00:00\"", MAP_TIME_ANY },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct mapping_rule rules[] = {
			{ .to = MAP_ID, .text = "1" },
			{ .to = MAP_NAME, .text = "n" },
			{ .to = MAP_STARTS_AT, .from = { "/t" }, .time = rows[i].unit },
		};
		const struct alert_mapping mapping = {
			.name = "t", .what = "a test", .rules = rules, .nrules = ARRAY_LEN(rules)
		};
		CLEANUP_FREE char *text = xasprintf("{\"t\":%s}", rows[i].text);
		ck_assert_int_eq(read_by(&mapping, text), 0);
		ck_assert_uint_eq(batch.nalerts, 1);
		ck_assert_msg(batch.alerts[0].starts_at_us == NOW_US, "%s", rows[i].text);
	}
}
END_TEST

/* However small the arena's cap is, the reader says so and does not end the program. */
START_TEST(memory_that_runs_out)
{
	const char *text =
		"{\"items\":[{\"key\":\"1\",\"title\":\"a\"},7,{\"key\":\"2\",\"title\":\"b\"}]}";
	size_t failed = 0;

	arena_free(arena);
	for (size_t cap = 0; cap < (512u << 10); cap += 2048) {
		arena = arena_new(cap);
		int code = read_by(&whole, text);
		ck_assert(code == 0 || code == -ENOMEM);
		failed += code == -ENOMEM;
		arena_free(arena);
	}
	ck_assert_uint_gt(failed, 0);
	arena = arena_new(1024);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mapping");
	TCase *tcase = tcase_create("mapping");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, places);
	tcase_add_test(tcase, places_that_are_none);
	tcase_add_test(tcase, a_whole_alert);
	tcase_add_test(tcase, alerts_of_every_status);
	tcase_add_test(tcase, bodies_that_are_refused);
	tcase_add_test(tcase, places_of_faults);
	tcase_add_test(tcase, templates_of_people);
	tcase_add_test(tcase, globs_of_long_texts);
	tcase_add_test(tcase, times);
	tcase_add_test(tcase, memory_that_runs_out);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
