/* cmd: the frame of "tracepager top", its figures and its keys. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "relay/cmd/top-internal.h"
#include "tracepager/cells.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const char metrics[] =
	"# HELP tracepager_alerts_total Alerts received.\n"
	"# TYPE tracepager_alerts_total counter\n"
	"tracepager_alerts_total{result=\"accepted\"} 1200\n"
	"tracepager_alerts_total{result=\"repeated\"} 34\n"
	"tracepager_alerts_total_other 9\n"
	"tracepager_pages_total{result=\"delivered\"} 560\n"
	"tracepager_pages_total{result=\"rejected\"} 1\n"
	"tracepager_store_commits_total{result=\"failed\"} 0\n"
	"tracepager_rules_last_reload_successful 1\n"
	"tracepager_rules_last_reload_success_timestamp_seconds 1795937400.5\n"
	"tracepager_queue_depth{queue=\"alerts\"} 2\n"
	"tracepager_queue_depth{queue=\"pages\"} 3\n"
	"tracepager_queue_depth{queue=\"store\"} 0\n";

START_TEST(figures_of_metrics)
{
	ck_assert_double_eq(metrics_sum(metrics, "tracepager_alerts_total", ""), 1234);
	ck_assert_double_eq(metrics_sum(metrics, "tracepager_alerts_total", "result=\"repeated\""),
			    34);
	ck_assert_double_eq(metrics_sum(metrics, "tracepager_rules_last_reload_successful", ""), 1);
	ck_assert_double_eq(metrics_sum(metrics, "tracepager_none", ""), 0);
	ck_assert_double_eq(metrics_sum("", "tracepager_none", ""), 0);
	ck_assert_double_eq(metrics_sum("tracepager_x", "tracepager_x", ""), 0);
}
END_TEST

START_TEST(rate_of_alerts)
{
	struct top_rate rate = { .n = 0 };

	ck_assert_double_lt(top_rate_of_minute(&rate), 0);
	top_rate_add(&rate, 1000 * US_PER_SECOND, 100);
	ck_assert_double_lt(top_rate_of_minute(&rate), 0);
	/* 5 alerts in 2 s. */
	top_rate_add(&rate, 1002 * US_PER_SECOND, 105);
	ck_assert_double_eq_tol(top_rate_of_minute(&rate), 150, 0.001);
	/* From 1002 to 1062: 5 alerts in the last minute; the sample of 1000 is too old. */
	top_rate_add(&rate, 1062 * US_PER_SECOND, 110);
	ck_assert_double_eq_tol(top_rate_of_minute(&rate), 5, 0.001);
	/* The relay was started anew. */
	top_rate_add(&rate, 1064 * US_PER_SECOND, 3);
	ck_assert_double_lt(top_rate_of_minute(&rate), 0);
	/* More samples than there is room for: the oldest go. */
	for (int i = 0; i < 200; i++)
		top_rate_add(&rate, (1064 + i / 10) * US_PER_SECOND + i % 10, 3 + i);
	ck_assert_double_gt(top_rate_of_minute(&rate), 0);
}
END_TEST

START_TEST(keys_of_a_terminal)
{
	static const struct {
		const char *bytes;
		enum top_key key;
	} keys[] = {
		{ "q", TOP_KEY_QUIT },
		{ "Q", TOP_KEY_QUIT },
		{ "\033[A", TOP_KEY_UP },
		{ "\033OA", TOP_KEY_UP },
		{ "k", TOP_KEY_UP },
		{ "\033[B", TOP_KEY_DOWN },
		{ "j", TOP_KEY_DOWN },
		{ "a", TOP_KEY_ACKNOWLEDGE },
		{ "y", TOP_KEY_YES },
		{ "n", TOP_KEY_OTHER },
		{ "\033[1;5A", TOP_KEY_OTHER },
		{ "\033[C", TOP_KEY_OTHER },
		{ "\033q", TOP_KEY_QUIT },
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct top_keys state = { 0 };
		const char *at = keys[i].bytes;
		for (; at[1]; at++)
			ck_assert_int_eq(top_key_of(&state, *at), TOP_KEY_NONE);
		ck_assert_msg(top_key_of(&state, *at) == keys[i].key, "key %zu", i);
		/* The next key is read anew. */
		ck_assert_int_eq(top_key_of(&state, 'j'), TOP_KEY_DOWN);
	}
}
END_TEST

/* ---- the frame ---- */

#define LIST                                                                                       \
	"[{\"id\":\"a1b2c3d4e5f60718\",\"team\":\"ledger\",\"state\":\"open\","                    \
	"\"severity\":\"critical\",\"summary\":\"ledger: disk is full\","                          \
	"\"opened_at\":\"2026-11-29T08:48:00Z\",\"due_at\":\"2026-11-29T09:08:00Z\","              \
	"\"recipients\":[{\"pager\":\"ledger-pd\",\"state\":\"reached\",\"n\":2},"                 \
	"{\"pager\":\"sre\",\"state\":\"refused\",\"n\":1}]},"                                     \
	"{\"id\":\"ffee0000aaaabbbb\",\"team\":\"web\",\"state\":\"acknowledged\","                \
	"\"severity\":\"error\",\"summary\":\"web is slow\",\"acknowledged_by\":\"ann\","          \
	"\"opened_at\":\"2026-11-29T06:30:00Z\"}]"

static struct top_view view;
static json_t *list;

static void set_up(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	list = json_loads(LIST, 0, NULL);
	ck_assert_ptr_nonnull(list);
	view = (struct top_view){
		.screen = { .columns = 80 },
		.url = "http://127.0.0.1:9480",
		.incidents = list,
		.metrics = metrics,
		.alerts_of_minute = 12.4,
	};
	ck_assert_int_eq(rfc3339_parse("2026-11-29T09:00:00Z", 20, &view.now_us), 0);
	view.heard_us = view.now_us;
}

static void tear_down(void)
{
	json_decref(list);
}

static void expect_frame(const char *want)
{
	struct buf out = BUF_INIT(LIMIT_HELP_BYTES);

	top_write_frame(&view, &out);
	ck_assert_str_eq(buf_text(&out), want);
	buf_fini(&out);
}

/* 1795937400 is 2026-11-29T07:30:00Z: 90 minutes ago. */
#define HEAD                                                                                       \
	"tracepager http://127.0.0.1:9480                                        09:00:00\n"       \
	"incidents  2 incidents: 1 open, 1 acknowledged\n"                                         \
	"alerts     12 a minute, 1234 since the relay's start; 2 are being looked into\n"          \
	"pages      3 wait; 560 delivered, 1 rejected\n"                                           \
	"store      0 writes wait, 0 commits failed\n"                                             \
	"rules      loaded 89 min ago\n"                                                           \
	"\n"

START_TEST(frame_once)
{
	expect_frame(HEAD "ID        SEVERITY  STATE    TEAM    AGE     SUMMARY\n"
			  "a1b2c3d4  critical  open     ledger  12 min  ledger: disk is full\n"
			  "ffee0000  error     ack ann  web     2 h     web is slow\n");
}
END_TEST

START_TEST(frame_of_a_screen)
{
	view.lines = 14;
	view.selected = 1;
	expect_frame(HEAD "  ID        SEVERITY  STATE    TEAM    AGE     SUMMARY\n"
			  "  a1b2c3d4  critical  open     ledger  12 min  ledger: disk is full\n"
			  "> ffee0000  error     ack ann  web     2 h     web is slow\n"
			  "\n"
			  "\n"
			  "ffee0000: acknowledged by ann\n"
			  "q quits, up and down choose, a acknowledges\n");
}
END_TEST

START_TEST(what_the_chosen_one_waits_for)
{
	struct buf out = BUF_INIT(LIMIT_HELP_BYTES);

	view.lines = 14;
	top_write_frame(&view, &out);
	ck_assert_msg(strstr(buf_text(&out),
			     "\na1b2c3d4: next step in 8 min; ledger-pd reached, sre "
			     "refused\n"),
		      "%s", buf_text(&out));
	buf_fini(&out);
}
END_TEST

/* More incidents than lines: those around the chosen one are shown. */
START_TEST(frame_scrolls)
{
	json_t *many = json_array();
	struct buf out = BUF_INIT(LIMIT_HELP_BYTES);
	size_t lines = 0;

	for (int i = 0; i < 40; i++)
		json_array_append_new(many, json_pack("{s:s++,s:s}", "id", i < 10 ? "000" : "00",
						      "", "0000000000", "state", "open"));
	for (size_t i = 0; i < 40; i++) {
		char summary[16];
		snprintf(summary, sizeof(summary), "number-%zu", i);
		json_object_set_new(json_array_get(many, i), "summary", json_string(summary));
	}
	view.incidents = many;
	view.lines = 24;
	view.selected = 39;
	top_write_frame(&view, &out);
	for (const char *at = buf_text(&out); *at; at++)
		lines += *at == '\n';
	ck_assert_uint_eq(lines, 24);
	/* 7 lines above, the titles, 2 below: 14 rows, of which the last is the chosen one. */
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "number-39\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "number-26\n"));
	ck_assert_ptr_null(strstr(buf_text(&out), "number-25\n"));
	buf_fini(&out);
	json_decref(many);
}
END_TEST

START_TEST(relay_is_away)
{
	struct buf out = BUF_INIT(LIMIT_HELP_BYTES);

	view.trouble = "cannot reach http://127.0.0.1:9480: connection refused";
	view.heard_us = view.now_us - 12 * US_PER_SECOND;
	view.lines = 24;
	top_write_frame(&view, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out),
				     "\ncannot reach http://127.0.0.1:9480: connection refused\n"));
	ck_assert_ptr_nonnull(
		strstr(buf_text(&out), "last answer 12 s ago; trying again   09:00:00\n"));
	buf_reset(&out);
	view.heard_us = 0;
	view.incidents = NULL;
	view.metrics = NULL;
	top_write_frame(&view, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "no answer yet; trying again   09:00:00\n"));
	ck_assert_ptr_null(strstr(buf_text(&out), "incidents"));
	buf_fini(&out);
}
END_TEST

START_TEST(waiting_pages_and_failed_reload)
{
	json_t *pagers = json_loads("[{\"name\":\"sre\",\"state\":\"paused\",\"waiting\":1,"
				    "\"oldest_at\":\"2026-11-29T08:59:46Z\"},"
				    "{\"name\":\"ledger-pd\",\"state\":\"failing\",\"waiting\":2,"
				    "\"oldest_at\":\"2026-11-29T08:50:00Z\"},"
				    "{\"name\":\"web\",\"state\":\"working\",\"waiting\":0,"
				    "\"oldest_at\":null}]",
				    0, NULL);
	struct buf out = BUF_INIT(LIMIT_HELP_BYTES);

	view.pagers = pagers;
	view.screen.columns = 120;
	view.metrics = "tracepager_queue_depth{queue=\"pages\"} 3\n"
		       "tracepager_rules_last_reload_successful 0\n"
		       "tracepager_rules_last_reload_success_timestamp_seconds 1795937400\n";
	view.alerts_of_minute = -1;
	top_write_frame(&view, &out);
	ck_assert_msg(strstr(buf_text(&out),
			     "\npages      3 wait, the oldest for 10 min; "
			     "paused: sre; failing: ledger-pd; 0 delivered, 0 rejected\n"),
		      "%s", buf_text(&out));
	ck_assert_ptr_nonnull(strstr(buf_text(&out),
				     "\nrules      the last reload failed; those of "
				     "90 min ago are in force\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out),
				     "\nalerts     0 since the relay's start; 0 are "
				     "being looked into\n"));
	buf_fini(&out);
	json_decref(pagers);
}
END_TEST

/* A frame is never larger than the screen, however small that is. */
START_TEST(small_screens)
{
	for (size_t lines = 1; lines < 26; lines++)
		for (unsigned long columns = 40; columns < 90; columns += 13) {
			struct buf out = BUF_INIT(LIMIT_HELP_BYTES);
			size_t n = 0;
			view.lines = lines;
			view.screen.columns = columns;
			top_write_frame(&view, &out);
			for (const char *at = buf_text(&out); *at; at = strchr(at, '\n') + 1, n++) {
				CLEANUP_FREE char *line = xstrndup(at, strcspn(at, "\n"));
				ck_assert_uint_le(cells_of(line), columns);
			}
			ck_assert_uint_eq(n, lines);
			buf_fini(&out);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("top");
	TCase *tcase = tcase_create("top");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, figures_of_metrics);
	tcase_add_test(tcase, rate_of_alerts);
	tcase_add_test(tcase, keys_of_a_terminal);
	tcase_add_test(tcase, frame_once);
	tcase_add_test(tcase, frame_of_a_screen);
	tcase_add_test(tcase, what_the_chosen_one_waits_for);
	tcase_add_test(tcase, frame_scrolls);
	tcase_add_test(tcase, relay_is_away);
	tcase_add_test(tcase, waiting_pages_and_failed_reload);
	tcase_add_test(tcase, small_screens);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
