/* cmd: incidents as text, from the JSON of a relay. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "relay/cmd/incidents-internal.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const struct screen plain80 = { .columns = 80 };
static struct buf out = BUF_INIT(LIMIT_HELP_BYTES);
static int64_t now_us;

static void set_up(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	buf_reset(&out);
	ck_assert_int_eq(rfc3339_parse("2026-11-29T09:00:00Z", 20, &now_us), 0);
}

static json_t *load(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	ck_assert_msg(json != NULL, "%s at %d", error.text, error.position);
	return json;
}

#define OPEN                                                                                       \
	"{\"id\":\"a1b2c3d4e5f60718\",\"team\":\"ledger\",\"state\":\"open\","                     \
	"\"severity\":\"critical\",\"summary\":\"Database postgresql/ledger refuses ledger: out "  \
	"of connection slots\",\"opened_at\":\"2026-11-29T08:48:00Z\","                            \
	"\"acknowledged_by\":\"\",\"unreached\":false}"
#define ACKNOWLEDGED                                                                               \
	"{\"id\":\"ffee0000aaaabbbb\",\"team\":\"web\",\"state\":\"acknowledged\","                \
	"\"severity\":\"critical\",\"summary\":\"web is slow\","                                   \
	"\"opened_at\":\"2026-11-29T06:30:00Z\",\"acknowledged_by\":\"ann\",\"unreached\":false}"
#define UNREACHED                                                                                  \
	"{\"id\":\"0123456789abcdef\",\"team\":\"platform\",\"state\":\"open\","                   \
	"\"severity\":\"warning\",\"summary\":\"disk full\","                                      \
	"\"opened_at\":\"2026-11-29T08:59:30Z\",\"unreached\":true}"
#define RESOLVED                                                                                   \
	"{\"id\":\"abcdabcdabcdabcd\",\"team\":\"web\",\"state\":\"resolved\","                    \
	"\"severity\":\"critical\",\"summary\":\"over\",\"opened_at\":\"2026-11-29T08:59:00Z\"}"

START_TEST(table_of_incidents)
{
	json_t *list = load("[" UNREACHED "," ACKNOWLEDGED "," OPEN "," RESOLVED "]");
	json_t *sorted = incidents_sorted(list);

	incidents_write_table(sorted, &plain80, now_us, 0, &out);
	/* 8 + 8 + 9 + 8 + 6 cells and 2 behind each leave 31 for the summary. */
	ck_assert_str_eq(
		buf_text(&out),
		"ID        SEVERITY  STATE      TEAM      AGE     SUMMARY\n"
		"abcdabcd  critical  resolved   web       1 min   over\n"
		"a1b2c3d4  critical  open       ledger    12 min  Database postgresql/ledger ref…\n"
		"ffee0000  critical  ack ann    web       2 h     web is slow\n"
		"01234567  warning   unreached  platform  30 s    disk full\n");
	json_decref(sorted);
	json_decref(list);
}
END_TEST

START_TEST(a_silenced_incident_is_listed_as_such)
{
	json_t *list = load("[{\"id\":\"0123456789abcdef\",\"team\":\"web\",\"state\":\"open\","
			    "\"severity\":\"error\",\"summary\":\"x\",\"opened_at\":"
			    "\"2026-11-29T08:59:30Z\",\"silenced\":\"3f2a9b1c\"}]");

	incidents_write_table(list, &plain80, now_us, 0, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "  silenced  "));
	json_decref(list);
}
END_TEST

START_TEST(count_of_incidents)
{
	json_t *list = load("[" UNREACHED "," ACKNOWLEDGED "," OPEN "]"), *one = load("[" OPEN "]");
	json_t *none = json_array();

	incidents_write_count(list, &out);
	ck_assert_str_eq(buf_text(&out),
			 "3 incidents: 2 open (1 reached nobody yet), 1 acknowledged");
	buf_reset(&out);
	incidents_write_count(one, &out);
	ck_assert_str_eq(buf_text(&out), "1 incident: 1 open");
	buf_reset(&out);
	incidents_write_count(none, &out);
	ck_assert_str_eq(buf_text(&out), "no incidents");
	json_decref(list);
	json_decref(one);
	json_decref(none);
}
END_TEST

START_TEST(ids_are_told_apart)
{
	json_t *same = load("[{\"id\":\"a1b2c3d4e5f60718\"},{\"id\":\"a1b2c3d4e5770718\"}]");
	json_t *none = json_array();

	/* The eleventh sign is the first that differs; four more are shown at a time. */
	ck_assert_uint_eq(incidents_id_cells(same), 12);
	ck_assert_uint_eq(incidents_id_cells(none), 8);
	json_decref(same);
	json_decref(none);
}
END_TEST

START_TEST(colours_of_a_table)
{
	const struct screen colour = { .columns = 80, .colour = true };
	json_t *list = load("[" UNREACHED "," OPEN "]");

	incidents_write_table(list, &colour, now_us, 0, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\033[31munreached\033[0m"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\033[31mcritical\033[0m"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\033[33mwarning\033[0m"));
	json_decref(list);
}
END_TEST

#define STORY                                                                                      \
	"{\"id\":\"a1b2c3d4e5f60718\",\"team\":\"ledger\",\"state\":\"open\","                     \
	"\"severity\":\"critical\",\"summary\":\"Database postgresql/ledger refuses ledger\","     \
	"\"opened_at\":\"2026-11-29T08:48:00Z\",\"due_at\":\"2026-11-29T09:08:00Z\","              \
	"\"escalation\":\"ledger\",\"run\":1,\"step\":2,\"acknowledged_by\":null,"                 \
	"\"alerts\":3,\"firing\":2,\"unreached\":false,"                                           \
	"\"recipients\":[{\"pager\":\"ledger-pagerduty\",\"role\":\"step\",\"state\":\"reached\"," \
	"\"n\":2},{\"pager\":\"sre\",\"role\":\"also\",\"state\":\"refused\",\"n\":1}],"           \
	"\"path\":\"web > checkout > ledger\",\"why\":\"team ledger owns ledger\","                \
	"\"events\":[{\"at\":\"2026-11-29T08:48:00Z\",\"event\":\"opened\",\"who\":\"\","          \
	"\"text\":\"\"},{\"at\":\"2026-11-29T08:58:00.250Z\",\"event\":\"escalated\","             \
	"\"who\":\"\",\"text\":\"run 1 step 2: ledger-lead\"},"                                    \
	"{\"at\":\"2026-11-29T08:58:01Z\",\"event\":\"commented\",\"who\":\"ann\","                \
	"\"text\":\"api: looking \\u001b[31mat it\"}],"                                            \
	"\"links\":[{\"text\":\"runbook\",\"href\":\"https://wiki.example/ledger\"}]}"

START_TEST(story_of_an_incident)
{
	json_t *incident = load(STORY);

	incident_write(incident, &plain80, now_us, &out);
	ck_assert_str_eq(buf_text(&out),
			 "critical, open: Database postgresql/ledger refuses ledger\n"
			 "\n"
			 "  incident    a1b2c3d4e5f60718\n"
			 "  opened      2026-11-29 08:48:00 UTC, 12 min ago\n"
			 "  team        ledger\n"
			 "  who has it  nobody yet\n"
			 "  escalation  ledger: run 1, step 2\n"
			 "  next step   09:08:00, in 8 min\n"
			 "  alerts      3, of which 2 fire\n"
			 "  path        web > checkout > ledger\n"
			 "  why them    team ledger owns ledger\n"
			 "\n"
			 "PAGER             STATE    ROLE\n"
			 "ledger-pagerduty  reached  step, paged 2 times\n"
			 "sre               refused  also\n"
			 "\n"
			 "  08:48:00  opened\n"
			 "  08:58:00  escalated     run 1 step 2: ledger-lead\n"
			 "  08:58:01  commented     ann by the API: looking at it\n"
			 "\n"
			 "  runbook     https://wiki.example/ledger\n");
	json_decref(incident);
}
END_TEST

static const struct {
	const char *json, *part;
} nexts[] = {
	{ "{\"state\":\"holding\",\"due_at\":\"2026-11-29T09:01:30Z\"}",
	  "  resolves    09:01:30, in 1 min\n" },
	{ "{\"state\":\"acknowledged\",\"acknowledged_by\":\"ann\",\"due_at\":"
	  "\"2026-11-29T10:00:00Z\"}",
	  "  who has it  ann\n  until       10:00:00, in 60 min; then it is open again\n" },
	{ "{\"acknowledged_by\":\"bob\",\"events\":["
	  "{\"at\":\"2026-11-29T08:00:00Z\",\"event\":\"acknowledged\",\"who\":\"ann\"},"
	  "{\"at\":\"2026-11-29T08:53:00Z\",\"event\":\"acknowledged\",\"who\":\"bob\"}]}",
	  "  who has it  bob, for 7 min\n" },
	{ "{\"state\":\"open\",\"due_at\":\"2026-11-29T08:59:00Z\"}",
	  "  next step   08:59:00, now\n" },
	{ "{\"state\":\"open\",\"due_at\":\"2026-11-29T09:05:00Z\",\"escalates\":"
	  "\"2026-11-29T09:05:00Z: pages ledger-lead\"}",
	  "  next step   09:05:00, in 5 min: pages ledger-lead\n" },
	{ "{\"state\":\"open\",\"unreached\":true}",
	  "  who has it  nobody: no pager has taken its page yet\n" },
	{ "{\"state\":\"open\",\"silenced\":\"3f2a9b1c\"}",
	  "  silenced    by silence 3f2a9b1c: no step and no update leave until it ends\n" },
	{ "{\"state\":\"resolved\",\"closed_at\":\"2026-11-29T08:30:00Z\"}",
	  "  closed      2026-11-29 08:30:00 UTC, 30 min ago\n" },
	{ "{\"state\":\"open\",\"alerts\":1,\"firing\":1}", "  alerts      1, which fires\n" },
};

START_TEST(what_comes_next)
{
	json_t *incident = load(nexts[_i].json);

	incident_write(incident, &plain80, now_us, &out);
	ck_assert_msg(strstr(buf_text(&out), nexts[_i].part), "%s", buf_text(&out));
	json_decref(incident);
}
END_TEST

START_TEST(a_line_for_each_day)
{
	json_t *incident = load("{\"opened_at\":\"2026-11-28T23:59:58Z\",\"events\":["
				"{\"at\":\"2026-11-28T23:59:58Z\",\"event\":\"opened\"},"
				"{\"at\":\"2026-11-29T00:00:01Z\",\"event\":\"paged\",\"who\":"
				"\"sre\"}]}");

	incident_write(incident, &plain80, now_us, &out);
	ck_assert_msg(strstr(buf_text(&out), "  23:59:58  opened\n"
					     "2026-11-29\n"
					     "  00:00:01  paged         sre\n"),
		      "%s", buf_text(&out));
	json_decref(incident);
}
END_TEST

START_TEST(waterfall_keeps_its_columns)
{
	const struct screen narrow = { .columns = 70 };
	json_t *incident = load("{\"waterfall\":\"trace 4f\\n  web     |##  |\\n   "
				"\\u001b[31mdb   | ## |\"}");

	incident_write(incident, &plain80, now_us, &out);
	ck_assert_msg(
		strstr(buf_text(&out), "\n  trace 4f\n    web     |##  |\n     db   | ## |\n"),
		"%s", buf_text(&out));
	buf_reset(&out);
	incident_write(incident, &narrow, now_us, &out);
	ck_assert_ptr_null(strstr(buf_text(&out), "web"));
	json_decref(incident);
}
END_TEST

/* Nothing is there, or of the wrong type: no crash, and no empty fields. */
START_TEST(answers_of_strangers)
{
	json_t *incident =
		load("{\"id\":7,\"recipients\":{},\"events\":[1,{}],\"links\":[{\"href\":"
		     "3}],\"opened_at\":\"soon\",\"alerts\":\"many\"}");
	json_t *list = load("[1,{\"id\":null},[]]"), *sorted = incidents_sorted(list);

	incident_write(incident, &plain80, now_us, &out);
	ck_assert_msg(!strstr(buf_text(&out), "links"), "%s", buf_text(&out));
	incidents_write_table(sorted, &plain80, now_us, 0, &out);
	incidents_write_count(sorted, &out);
	json_decref(incident);
	json_decref(sorted);
	json_decref(list);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("incidents");
	TCase *tcase = tcase_create("incidents");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, table_of_incidents);
	tcase_add_test(tcase, a_silenced_incident_is_listed_as_such);
	tcase_add_test(tcase, count_of_incidents);
	tcase_add_test(tcase, ids_are_told_apart);
	tcase_add_test(tcase, colours_of_a_table);
	tcase_add_test(tcase, story_of_an_incident);
	tcase_add_loop_test(tcase, what_comes_next, 0, (int)ARRAY_LEN(nexts));
	tcase_add_test(tcase, a_line_for_each_day);
	tcase_add_test(tcase, waterfall_keeps_its_columns);
	tcase_add_test(tcase, answers_of_strangers);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
