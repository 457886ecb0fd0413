/* The live stream: which events a filter lets through, how an event is written, and that a reader
 * which joins and leaves gets what passes meanwhile, written once for all. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/tap.h"

#include "../../lib/fake_clock.h"

static struct label alert_labels[] = {
	{ "alertname", "PlaceOrderErrors" }, { "cluster", "eu1" },	{ "env", "prod" },
	{ "instance", "db1:9100" },	     { "service", "checkout" },
};
static struct alert alert = {
	.sender = "am1",
	.family = "prometheus",
	.fingerprint = "0123456789abcdef",
	.labels = { .at = alert_labels, .n = 5 },
};

static struct tap_filter filter_of(const char *kinds, const char *sender, const char *team,
				   const char *service, const char *name)
{
	struct tap_filter filter = { .kinds = 0 };

	ck_assert(tap_kinds(kinds, &filter.kinds));
	strcpy(filter.sender, sender);
	strcpy(filter.team, team);
	strcpy(filter.service, service);
	strcpy(filter.alert, name);
	return filter;
}

/* A delivered page to ledger about an alert of checkout, whose suspect is ledger-db. */
static const struct tap_event delivered = {
	.kind = TAP_PAGE,
	.what = "delivered",
	.alert = &alert,
	.team = "ledger",
	.suspect = "ledger-db",
	.incident = "4bb3ac19d32aa385450a6fa228a0bc04",
	.pager = "ledger-pd",
	.page = "trigger",
};

static const struct {
	const char *kinds, *sender, *team, *service, *alert;
	bool passes;
} filters[] = {
	{ "", "", "", "", "", true },
	{ "page", "", "", "", "", true },
	{ "alert,page", "", "", "", "", true },
	{ "alert,decision,incident,rejected", "", "", "", "", false },
	{ "", "am1", "", "", "", true },
	{ "", "am?", "", "", "", true },
	{ "", "am2", "", "", "", false },
	{ "", "", "ledger", "", "", true },
	{ "", "", "led", "", "", false },
	{ "", "", "", "checkout", "", true }, /* the alert's label */
	{ "", "", "", "ledger-*", "", true }, /* the suspect */
	{ "", "", "", "frontend", "", false },
	{ "", "", "", "", "Place*", true },
	{ "", "", "", "", "place*", false },
	{ "page", "am1", "ledger", "checkout", "PlaceOrderErrors", true },
	{ "page", "am1", "ledger", "checkout", "NodeDown", false },
};

START_TEST(a_filter_lets_through)
{
	const struct tap_filter filter =
		filter_of(filters[_i].kinds, filters[_i].sender, filters[_i].team,
			  filters[_i].service, filters[_i].alert);

	ck_assert_int_eq(tap_matches(&filter, &delivered), filters[_i].passes);
}
END_TEST

/* A refused request has neither alert nor team: a filter of those does not want it. */
START_TEST(what_is_not_there_does_not_fit)
{
	const struct tap_event refused = { .kind = TAP_REJECTED, .what = "request", .sender = "" };
	const struct tap_filter of_all = filter_of("", "", "", "", ""),
				of_team = filter_of("", "", "*", "", ""),
				of_alert = filter_of("", "", "", "", "*");

	ck_assert(tap_matches(&of_all, &refused));
	ck_assert(!tap_matches(&of_team, &refused));
	ck_assert(!tap_matches(&of_alert, &refused));
}
END_TEST

START_TEST(kinds_are_words)
{
	unsigned int kinds = 7;

	ck_assert(!tap_kinds("alert,pages", &kinds));
	ck_assert(!tap_kinds(",", &kinds));
	ck_assert_uint_eq(kinds, 7);
	ck_assert(tap_kinds("rejected", &kinds));
	ck_assert_uint_eq(kinds, 16);
	ck_assert(tap_kinds("", &kinds));
	ck_assert_uint_eq(kinds, 0);
}
END_TEST

/* env is no label that an event tells; what is NULL or "" is left out. */
START_TEST(an_event_is_json)
{
	struct buf out = BUF_INIT(LIMIT_TAP_EVENT_BYTES);

	tap_write(&delivered, FAKE_WALL_US, &out);
	ck_assert_str_eq(
		buf_text(&out),
		"{\"at\":\"2026-09-01T10:00:00Z\",\"kind\":\"page\",\"event\":\"delivered\","
		"\"alert\":\"PlaceOrderErrors\",\"labels\":{\"service\":\"checkout\","
		"\"cluster\":\"eu1\",\"instance\":\"db1:9100\"},\"sender\":\"am1\","
		"\"suspect\":\"ledger-db\",\"team\":\"ledger\","
		"\"incident\":\"4bb3ac19d32aa385450a6fa228a0bc04\",\"pager\":\"ledger-pd\","
		"\"page\":\"trigger\"}");
	buf_fini(&out);
}
END_TEST

/* The longest texts of control characters, each six bytes of JSON, still make one whole object on
 * one line; a text is cut between characters. */
START_TEST(hostile_texts_stay_whole)
{
	static char controls[2000], letters[600];
	struct buf out = BUF_INIT(LIMIT_TAP_EVENT_BYTES);
	struct tap_event event = { .kind = TAP_ALERT };
	json_t *json;

	memset(controls, '\n', sizeof(controls) - 1);
	memset(letters, 'x', LIMIT_TAP_TEXT_BYTES - 1);
	strcpy(letters + LIMIT_TAP_TEXT_BYTES - 1, "\xc3\xa9!");
	event.what = event.alert_key = event.sender = event.suspect = event.severity = controls;
	event.team = event.incident = event.pager = event.page = event.who = controls;
	event.text = letters;
	tap_write(&event, FAKE_WALL_US, &out);
	ck_assert(!out.failed);
	ck_assert_ptr_null(strchr(buf_text(&out), '\n'));
	ck_assert_ptr_nonnull(json = json_loads(buf_text(&out), JSON_REJECT_DUPLICATES, NULL));
	ck_assert_uint_eq(strlen(json_string_value(json_object_get(json, "team"))),
			  LIMIT_TAP_NAME_BYTES);
	ck_assert_uint_eq(strlen(json_string_value(json_object_get(json, "text"))),
			  LIMIT_TAP_TEXT_BYTES - 1);
	json_decref(json);
	buf_fini(&out);
}
END_TEST

static void count_event(void *ctx, const char *json, size_t len)
{
	ck_assert_uint_eq(strlen(json), len);
	++*(int *)ctx;
}

START_TEST(readers_come_and_go)
{
	int pages = 0, alerts = 0;
	struct tap_reader of_pages = { .filter = filter_of("page", "", "", "", ""),
				       .take = count_event,
				       .ctx = &pages };
	struct tap_reader of_alerts = { .filter = filter_of("alert", "", "", "", ""),
					.take = count_event,
					.ctx = &alerts };
	struct fake_clock fake;
	struct tap tap;

	fake_clock_init(&fake);
	tap_init(&tap, &fake.clock);
	ck_assert(!tap_is_on(&tap));
	ck_assert(!tap_is_on(NULL));
	tap_join(&tap, &of_pages);
	tap_join(&tap, &of_alerts);
	ck_assert(tap_is_on(&tap));
	tap_tell(&tap, &delivered);
	tap_leave(&tap, &of_pages);
	tap_tell(&tap, &delivered);
	tap_leave(&tap, &of_alerts);
	ck_assert(!tap_is_on(&tap));
	ck_assert_int_eq(pages, 1);
	ck_assert_int_eq(alerts, 0);
	tap_fini(&tap);
	fake_clock_fini(&fake);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tap");
	TCase *tcase = tcase_create("tap");
	SRunner *runner = srunner_create(suite);

	tcase_add_loop_test(tcase, a_filter_lets_through, 0,
			    (int)(sizeof(filters) / sizeof(filters[0])));
	tcase_add_test(tcase, what_is_not_there_does_not_fit);
	tcase_add_test(tcase, kinds_are_words);
	tcase_add_test(tcase, an_event_is_json);
	tcase_add_test(tcase, hostile_texts_stay_whole);
	tcase_add_test(tcase, readers_come_and_go);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
