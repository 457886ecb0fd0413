/*
 * Labels, fingerprints, severity and the stored form of alerts.
 *
 * Fingerprints were worked out apart from this program, from the definition: 64-bit FNV-1a (offset
 * basis cbf29ce484222325, prime 100000001b3) over name, ff, value, ff of each label in the order of
 * names.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/alert.h"
#include "tracepager/fold.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new(1 << 20);
}

static void teardown(void)
{
	arena_free(arena);
}

static void check_label(const struct labels *labels, size_t i, const char *name, const char *value)
{
	ck_assert_uint_lt(i, labels->n);
	ck_assert_str_eq(labels->at[i].name, name);
	ck_assert_str_eq(labels->at[i].value, value);
}

START_TEST(labels_are_sorted_and_cleaned)
{
	struct label at[] = {
		{ "service", "cart" },	{ "alertname", "Old" }, { "zone", "" },
		{ "alertname", "New" }, { "Zebra", "1" },	{ "job", "shop" },
		{ "job", "" },
	};
	struct labels labels = { at, 7 };

	labels_normalise(&labels);
	ck_assert_uint_eq(labels.n, 3);
	check_label(&labels, 0, "Zebra", "1"); /* bytes count, not letters */
	check_label(&labels, 1, "alertname", "New");
	check_label(&labels, 2, "service", "cart"); /* job's last value is empty */
}
END_TEST

START_TEST(labels_reversed)
{
	struct label at[] = {
		{ "e", "5" }, { "d", "4" }, { "c", "3" }, { "b", "2" }, { "a", "1" }
	};
	struct labels labels = { at, 5 };

	labels_normalise(&labels);
	ck_assert_uint_eq(labels.n, 5);
	check_label(&labels, 0, "a", "1");
	check_label(&labels, 2, "c", "3");
	check_label(&labels, 4, "e", "5");
}
END_TEST

START_TEST(labels_are_found)
{
	struct label at[] = { { "alertname", "CartSlow" },
			      { "job", "cart" },
			      { "service", "checkout" } };
	struct labels labels = { at, 3 }, none = { NULL, 0 };

	ck_assert_str_eq(labels_get(&labels, "alertname"), "CartSlow");
	ck_assert_str_eq(labels_get(&labels, "job"), "cart");
	ck_assert_str_eq(labels_get(&labels, "service"), "checkout");
	ck_assert_ptr_null(labels_get(&labels, "servic"));
	ck_assert_ptr_null(labels_get(&labels, "services"));
	ck_assert_ptr_null(labels_get(&none, "service"));
}
END_TEST

static void check_fingerprint(struct label *at, size_t n, const char *want)
{
	struct labels labels = { at, n };
	char fingerprint[FINGERPRINT_SIZE];

	labels_normalise(&labels);
	labels_fingerprint(&labels, fingerprint);
	ck_assert_str_eq(fingerprint, want);
}

START_TEST(fingerprints)
{
	struct label one[] = { { "alertname", "PlaceOrderErrors" } };
	struct label three[] = { { "severity", "critical" },
				 { "service", "checkout" },
				 { "alertname", "PlaceOrderErrors" } };
	struct label with_empty[] = { { "zone", "" }, { "alertname", "PlaceOrderErrors" } };
	struct label utf8[] = { { "zone", "\xc3\xbc" },
				{ "alertname", "Gr\xc3\xb6\xc3\x9f"
					       "e" } };

	check_fingerprint(NULL, 0, "cbf29ce484222325");
	check_fingerprint(one, 1, "413424d375be76fa");
	check_fingerprint(three, 3, "856299975d5c5dd1");
	check_fingerprint(with_empty, 2, "413424d375be76fa");
	check_fingerprint(utf8, 2, "5e93b2c13e3fd540");
}
END_TEST

static enum severity severity_of(const char *severity, const char *priority)
{
	struct label at[2];
	struct alert alert = { .labels = { at, 0 } };

	if (priority)
		at[alert.labels.n++] = (struct label){ "priority", priority };
	if (severity)
		at[alert.labels.n++] = (struct label){ "severity", severity };
	return alert_severity(&alert);
}

START_TEST(severities)
{
	static const struct {
		const char *severity, *priority;
		enum severity want;
	} rows[] = {
		{ "critical", NULL, SEVERITY_CRITICAL }, { "page", NULL, SEVERITY_CRITICAL },
		{ "disaster", NULL, SEVERITY_CRITICAL }, { "error", NULL, SEVERITY_ERROR },
		{ "high", NULL, SEVERITY_ERROR },	 { "major", NULL, SEVERITY_ERROR },
		{ "warning", NULL, SEVERITY_WARNING },	 { "warn", NULL, SEVERITY_WARNING },
		{ "minor", NULL, SEVERITY_WARNING },	 { "info", NULL, SEVERITY_INFO },
		{ "low", NULL, SEVERITY_INFO },		 { "none", NULL, SEVERITY_INFO },
		{ "CRITICAL", NULL, SEVERITY_CRITICAL }, { NULL, "high", SEVERITY_ERROR },
		{ NULL, "P1", SEVERITY_CRITICAL },	 { NULL, "p3", SEVERITY_WARNING },
		{ NULL, "P5", SEVERITY_INFO },		 { "info", "P1", SEVERITY_INFO },
		{ "purple", "P4", SEVERITY_INFO },	 { "purple", NULL, SEVERITY_ERROR },
		{ NULL, NULL, SEVERITY_ERROR },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(severity_of(rows[i].severity, rows[i].priority), rows[i].want);
	ck_assert_str_eq(severity_name(SEVERITY_CRITICAL), "critical");
	ck_assert_str_eq(severity_name(SEVERITY_ERROR), "error");
	ck_assert_str_eq(severity_name(SEVERITY_WARNING), "warning");
	ck_assert_str_eq(severity_name(SEVERITY_INFO), "info");
}
END_TEST

static struct alert sample(struct label *labels, size_t nlabels, struct label *annotations,
			   size_t nannotations)
{
	return (struct alert){
		.sender = "am1",
		.family = "prometheus",
		.fingerprint = "413424d375be76fa",
		.status = ALERT_FIRING,
		.labels = { labels, nlabels },
		.annotations = { annotations, nannotations },
		.starts_at_us = 1788256800123456,
		.generator_url = "http://prom.shop.example/graph?g0.expr=up",
	};
}

START_TEST(writes_json)
{
	struct label labels[] = { { "alertname", "PlaceOrderErrors" }, { "service", "checkout" } };
	struct label annotations[] = { { "summary", "a \"b\" \\ c\nd\x01" } };
	struct alert alert = sample(labels, 2, annotations, 1);
	struct buf out = BUF_INIT(4096);

	alert_write(&alert, &out);
	ck_assert(!out.failed);
	ck_assert_str_eq(buf_text(&out),
			 "{\"sender\":\"am1\",\"family\":\"prometheus\",\"fingerprint\":"
			 "\"413424d375be76fa\","
			 "\"status\":\"firing\",\"labels\":{\"alertname\":\"PlaceOrderErrors\","
			 "\"service\":\"checkout\"},\"annotations\":{\"summary\":\"a \\\"b\\\" "
			 "\\\\ c\\nd\\u0001\"},"
			 "\"starts_at_us\":1788256800123456,\"ends_at_us\":0,"
			 "\"generator_url\":\"http://prom.shop.example/graph?g0.expr=up\","
			 "\"ends_by_itself\":false}");
	buf_fini(&out);
}
END_TEST

static void check_same_labels(const struct labels *a, const struct labels *b)
{
	ck_assert_uint_eq(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		check_label(a, i, b->at[i].name, b->at[i].value);
}

/* A folded copy says the same; the words of an alert do not tell when it ends. */
static void check_folded(const struct alert *alert)
{
	struct buf folded = BUF_INIT(1 << 20), says = BUF_INIT(1 << 20),
		   copy_says = BUF_INIT(1 << 20);

	alert_fold(alert, &folded);
	struct alert *copy = alert_unfold(folded.data, folded.len);
	alert_write(alert, &says);
	alert_write(copy, &copy_says);
	ck_assert_str_eq(buf_text(&copy_says), buf_text(&says));
	ck_assert_uint_eq(alert_words_hash(copy), alert_words_hash(alert));
	copy->ends_at_us--;
	ck_assert_uint_eq(alert_words_hash(copy), alert_words_hash(alert));
	copy->starts_at_us--;
	ck_assert_uint_ne(alert_words_hash(copy), alert_words_hash(alert));
	free(copy);
	buf_fini(&folded);
	buf_fini(&says);
	buf_fini(&copy_says);
}

static void check_round_trip(const struct alert *alert)
{
	struct buf out = BUF_INIT(1 << 20);
	struct alert back = { 0 };
	struct err err = { 0 };

	alert_write(alert, &out);
	ck_assert_int_eq(alert_read(arena, buf_text(&out), out.len, &back, &err), 0);
	ck_assert_str_eq(back.sender, alert->sender);
	ck_assert_str_eq(back.family, alert->family);
	ck_assert_str_eq(back.fingerprint, alert->fingerprint);
	ck_assert_int_eq(back.status, alert->status);
	check_same_labels(&back.labels, &alert->labels);
	check_same_labels(&back.annotations, &alert->annotations);
	ck_assert_int_eq(back.starts_at_us, alert->starts_at_us);
	ck_assert_int_eq(back.ends_at_us, alert->ends_at_us);
	ck_assert_str_eq(back.generator_url, alert->generator_url);
	ck_assert_int_eq(back.ends_by_itself, alert->ends_by_itself);
	check_folded(alert);
	buf_fini(&out);
}

START_TEST(reads_what_it_wrote)
{
	struct label labels[] = { { "alertname", "\"quoted\"\t\\" },
				  { "zone", "\xc3\xbc\xf0\x9f\x94\xa5" } };
	struct label annotations[] = { { "runbook_url",
					 "https://wiki.shop.example/a?b=1&c=\x7f" } };
	struct alert alert = sample(labels, 2, annotations, 1);

	check_round_trip(&alert);
	alert.status = ALERT_RESOLVED;
	alert.ends_at_us = INT64_MAX;
	alert.ends_by_itself = true;
	alert.generator_url = "";
	alert.annotations.n = 0;
	check_round_trip(&alert);
}
END_TEST

/* Two texts that swap a byte are other words. */
START_TEST(words_differ)
{
	static const struct label pairs[][2] = {
		{ { "a", "b" }, { "c", "d" } },
		{ { "ab", "" }, { "c", "d" } },
		{ { "a", "bc" }, { "", "d" } },
		{ { "a", "b" }, { "c", "e" } },
	};
	uint64_t hashes[ARRAY_LEN(pairs) + 2];

	for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
		struct label labels[2];
		memcpy(labels, pairs[i < ARRAY_LEN(pairs) ? i : 0], sizeof(labels));
		struct alert alert = sample(labels, i == ARRAY_LEN(pairs) ? 1 : 2, NULL, 0);
		if (i > ARRAY_LEN(pairs))
			alert.group_key = "";
		hashes[i] = alert_words_hash(&alert);
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_ne(hashes[j], hashes[i]);
	}
}
END_TEST

START_TEST(reads_a_later_form)
{
	static const char text[] =
		"{\"new\":[1,{\"sender\":2}],\"fingerprint\":\"ab\",\"family\":\"grafana\","
		"\"labels\":{\"b\":\"2\",\"a\":\"1\"},\"sender\":\"g\"}";
	struct alert alert;
	struct err err;

	ck_assert_int_eq(alert_read(arena, text, sizeof(text) - 1, &alert, &err), 0);
	ck_assert_str_eq(alert.sender, "g");
	ck_assert_str_eq(alert.fingerprint, "ab");
	ck_assert_str_eq(alert.generator_url, "");
	ck_assert_int_eq(alert.starts_at_us, 0);
	check_label(&alert.labels, 0, "a", "1");
	check_label(&alert.labels, 1, "b", "2");
}
END_TEST

START_TEST(refuses_what_it_never_wrote)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "" },
		{ "[]", "not an object" },
		{ "{}", "missing" },
		{ "{\"sender\":\"a\",\"family\":\"b\"}", "missing" },
		{ "{\"sender\":1}", "sender is of the wrong type" },
		{ "{\"sender\":{}}", "sender is of the wrong type" },
		{ "{\"sender\":\"a\\u0000b\"}", "sender has a NUL" },
		{ "{\"status\":\"open\"}", "status is neither" },
		{ "{\"labels\":[]}", "labels is of the wrong type" },
		{ "{\"labels\":\"x\"}", "labels is a string" },
		{ "{\"labels\":{\"a\":1}}", "labels has a value that is no text" },
		{ "{\"annotations\":{\"a\\u0000\":\"1\"}}", "annotations has a NUL" },
		{ "{\"starts_at_us\":1.5}", "starts_at_us is of the wrong type" },
		{ "{\"ends_by_itself\":1}", "ends_by_itself is of the wrong type" },
		{ "{\"sender\":\"a\",\"family\":\"b\",\"fingerprint\":\"c\"", "" },
	};
	struct alert alert;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { 0 };

		ck_assert_int_eq(
			alert_read(arena, rows[i].text, strlen(rows[i].text), &alert, &err),
			-EBADMSG);
		ck_assert_msg(strstr(err.text, rows[i].says), "%s: %s", rows[i].text, err.text);
		ck_assert_int_ne(err.text[0], '\0');
	}
}
END_TEST

START_TEST(refuses_too_many_labels)
{
	struct buf text = BUF_INIT(1 << 16);
	struct alert alert;
	struct err err;

	buf_puts(&text, "{\"labels\":{\"a\":\"1\"");
	for (int i = 0; i < LIMIT_LABELS; i++)
		buf_printf(&text, ",\"l%d\":\"1\"", i);
	buf_puts(&text, "}}");
	ck_assert_int_eq(alert_read(arena, buf_text(&text), text.len, &alert, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "too many"));
	buf_fini(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("alert");
	TCase *tcase = tcase_create("alert");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, labels_are_sorted_and_cleaned);
	tcase_add_test(tcase, labels_reversed);
	tcase_add_test(tcase, labels_are_found);
	tcase_add_test(tcase, fingerprints);
	tcase_add_test(tcase, severities);
	tcase_add_test(tcase, writes_json);
	tcase_add_test(tcase, reads_what_it_wrote);
	tcase_add_test(tcase, words_differ);
	tcase_add_test(tcase, reads_a_later_form);
	tcase_add_test(tcase, refuses_what_it_never_wrote);
	tcase_add_test(tcase, refuses_too_many_labels);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
