/* The log when nobody reads it: no line may hold the thread that logs. A write that waits would run
 * into the time limit of check. Its two forms, its prefix for the journal, its levels, and its sums
 * of lines that come often. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>
#include <sys/stat.h>

#include "tracepager/log.h"
#include "tracepager/log_levels.h"
#include "tracepager/log_sum.h"
#include "tracepager/metrics.h"

#include "../../lib/fake_clock.h"

#define LINE_BYTES 4096

static int reader, old_stderr;

/* Makes standard error a pipe or a socket; blocking, as a parent hands it over. */
static void stderr_is(bool a_socket)
{
	int ends[2];

	ck_assert_int_eq(a_socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends), 0);
	reader = ends[0];
	fcntl(reader, F_SETFL, O_NONBLOCK);
	old_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
}

static void stderr_back(void)
{
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	close(reader);
}

/* What was written since the last call, up to 1 MiB. */
static const char *said(void)
{
	static char text[1 << 20];
	size_t len = 0;

	for (ssize_t n; (n = read(reader, text + len, sizeof(text) - 1 - len)) > 0;)
		len += (size_t)n;
	text[len] = '\0';
	return text;
}

/* Lines until one is dropped; returns how many got through. */
static int fill(void)
{
	int n = 0;

	while (!metric_value(METRIC_LOG_LINES_DROPPED)) {
		log_info("the reader sleeps", LOG_INT("n", n));
		n++;
	}
	return n - 1;
}

START_TEST(a_sleeping_reader_holds_nobody)
{
	stderr_is(_i);
	int taken = fill();
	log_error("lost as well");
	const char *text = said();
	int lines = 0;
	for (const char *end = text; (end = strchr(end, '\n')); end++)
		lines++;
	log_info("it reads again");
	char *first = strdup(said());
	log_info("and again");
	const char *second = said();
	stderr_back();
	ck_assert_int_eq(metric_value(METRIC_LOG_LINES_DROPPED), 2);
	ck_assert_int_eq(lines, taken);
	ck_assert_ptr_nonnull(
		strstr(first, " level=info lines_dropped=2 msg=\"it reads again\"\n"));
	ck_assert_ptr_nonnull(strstr(second, " level=info msg=\"and again\"\n"));
	free(first);
}
END_TEST

/* No line is longer than a ready pipe takes at once. */
START_TEST(long_lines_stay_whole)
{
	static char value[20000];

	memset(value, 'v', sizeof(value) - 1);
	stderr_is(false);
	/* Six values, each cut at 1024 bytes: more than a line holds. */
	log_info("long", LOG_STR("a", value), LOG_STR("b", value), LOG_STR("c", value),
		 LOG_STR("d", value), LOG_STR("e", value), LOG_STR("f", value));
	const char *text = said();
	size_t len = strlen(text);
	stderr_back();
	ck_assert_uint_gt(len, 3 * 1024);
	ck_assert_uint_le(len, LINE_BYTES);
	ck_assert_int_eq(text[len - 1], '\n');
	ck_assert_ptr_eq(strchr(text, '\n'), text + len - 1);
}
END_TEST

START_TEST(nobody_there)
{
	stderr_is(false);
	close(reader);
	signal(SIGPIPE, SIG_IGN);
	log_info("to nobody");
	stderr_back();
	ck_assert_int_eq(metric_value(METRIC_LOG_LINES_DROPPED), 1);
}
END_TEST

/* ---- the two forms ---- */

/* What follows the time. */
static const char *behind_time(const char *line)
{
	const char *at = strstr(line, "level");

	ck_assert_ptr_nonnull(at);
	return at;
}

START_TEST(logfmt_escapes_strangers)
{
	stderr_is(false);
	log_info("a peer speaks", LOG_STR("plain", "db-1:9100"), LOG_STR("empty", ""),
		 LOG_STR("quoted", "a \"b\" \\"), LOG_STR("lines", "one\ntwo\r"),
		 LOG_STR("terminal", "\x1b[2J\x7f\xc2\x9b\xe2\x80\xae"),
		 LOG_STR("utf8", "caf\xc3\xa9 \xff\xc3"), LOG_INT("n", -7), LOG_OPT("none", NULL),
		 LOG_OPT("nothing", ""));
	const char *line = said();
	stderr_back();
	ck_assert_str_eq(
		behind_time(line),
		"level=info msg=\"a peer speaks\" plain=db-1:9100 empty=\"\" "
		"quoted=\"a \\\"b\\\" \\\\\" lines=\"one\\ntwo\\x0d\" "
		"terminal=\"\\x1b[2J\\x7f\\u009b\\u202e\" utf8=\"caf\xc3\xa9 \\xff\\xc3\" n=-7\n");
}
END_TEST

START_TEST(json_is_valid_whatever_comes)
{
	json_t *json;

	stderr_is(false);
	log_set_format(LOG_FORMAT_JSON);
	log_warn("a peer speaks", LOG_STR("quoted", "a \"b\" \\"), LOG_STR("lines", "one\ntwo\r"),
		 LOG_STR("terminal", "\x1b[2J\x7f\xc2\x9b\xe2\x80\xae"),
		 LOG_STR("utf8", "caf\xc3\xa9 \xff\xc3"), LOG_INT("n", -7), LOG_OPT("none", NULL));
	const char *line = said();
	stderr_back();
	ck_assert_ptr_nonnull(strstr(line, "\"level\":\"warn\",\"msg\":\"a peer speaks\""));
	ck_assert_ptr_nonnull(strstr(line, "\"terminal\":\"\\u001b[2J\\u007f\\u009b\\u202e\""));
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
	ck_assert_ptr_nonnull(json = json_loads(line, JSON_REJECT_DUPLICATES, NULL));
	ck_assert_uint_eq(json_object_size(json), 8);
	ck_assert_str_eq(json_string_value(json_object_get(json, "quoted")), "a \"b\" \\");
	ck_assert_str_eq(json_string_value(json_object_get(json, "lines")), "one\ntwo\r");
	ck_assert_str_eq(json_string_value(json_object_get(json, "utf8")),
			 "caf\xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd");
	ck_assert_int_eq(json_integer_value(json_object_get(json, "n")), -7);
	json_decref(json);
}
END_TEST

/* Each of 1,024 bytes is six characters of JSON, 6,144 in all: the field is left out, and the next
 * one is there. A cut never parts a character: 1,023 letters and one of two bytes. */
START_TEST(what_does_not_fit_is_left_out)
{
	static char value[4000], letters[1100];
	json_t *json;

	memset(value, 1, sizeof(value) - 1);
	memset(letters, 'x', 1023);
	strcpy(letters + 1023, "\xc3\xa9 and more");
	stderr_is(false);
	log_set_format(LOG_FORMAT_JSON);
	log_info("long", LOG_STR("controls", value), LOG_STR("letters", letters), LOG_INT("n", 3));
	const char *line = said();
	stderr_back();
	ck_assert_uint_le(strlen(line), LINE_BYTES);
	ck_assert_ptr_nonnull(json = json_loads(line, 0, NULL));
	ck_assert_ptr_null(json_object_get(json, "controls"));
	ck_assert(json_is_true(json_object_get(json, "cut")));
	ck_assert_int_eq(json_integer_value(json_object_get(json, "n")), 3);
	const char *cut = json_string_value(json_object_get(json, "letters"));
	ck_assert_uint_eq(strlen(cut), 1023 + strlen("…"));
	ck_assert_str_eq(cut + 1023, "…");
	json_decref(json);
}
END_TEST

START_TEST(labels_are_short)
{
	static char pod[200];

	memset(pod, 'p', sizeof(pod) - 1);
	stderr_is(false);
	log_info("alert", LOG_LABEL("pod", pod), LOG_LABEL("cluster", NULL));
	const char *line = said();
	stderr_back();
	/* A text without a blank is plain, and shows no sign of its cut. */
	ck_assert_uint_eq(strlen(strstr(line, "pod=")), strlen("pod=\n") + 96);
}
END_TEST

/* JOURNAL_STREAM names standard error, and then another file. */
START_TEST(the_journal_gets_priorities)
{
	struct stat status;
	char stream[64];

	stderr_is(true);
	ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
		 (unsigned long long)status.st_ino + (_i == 1));
	setenv("JOURNAL_STREAM", stream, 1);
	log_look_for_journal();
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("d");
	log_info("i");
	log_warn("w");
	log_error("e");
	const char *text = said();
	stderr_back();
	if (_i == 1) {
		ck_assert_int_eq(strncmp(text, "ts=", 3), 0);
		return;
	}
	ck_assert_int_eq(strncmp(text, "<7>ts=", 6), 0);
	ck_assert_ptr_nonnull(strstr(text, "\n<6>ts="));
	ck_assert_ptr_nonnull(strstr(text, "\n<4>ts="));
	ck_assert_ptr_nonnull(strstr(text, "\n<3>ts="));
}
END_TEST

/* ---- sums ---- */

#define SECOND INT64_C(1000000)

static struct log_sums sums;

static bool take(int64_t now_us, const char *message, const char *sender, const char *team)
{
	const struct log_field fields[] = { LOG_OPT("sender", sender), LOG_OPT("team", team) };

	return log_sums_take(&sums, now_us, LOG_LEVEL_INFO, message, fields, 2);
}

/* 120 lines in 3 s: 5 are written, 115 held. The sum is due 10 s after the first line. Of the held
 * ones every fourth is of am2: the lines are numbered from 0, those held from 5; multiples of 4
 * from 8 to 116 are 28, so that am1 has 87. */
START_TEST(a_storm_is_summed_up)
{
	struct log_sum sum;
	struct buf names = BUF_INIT(200);
	int written = 0;

	sums = (struct log_sums){ 0 };
	for (int i = 0; i < 120; i++)
		written += take(7 * SECOND + i * 25000, "incident joined", i % 4 ? "am1" : "am2",
				"sre");
	ck_assert_int_eq(written, 5);
	ck_assert_int_eq(log_sums_next_us(&sums), 17 * SECOND);
	ck_assert(!log_sums_end(&sums, 17 * SECOND - 1, &sum));
	ck_assert(log_sums_end(&sums, 17 * SECOND, &sum));
	ck_assert_str_eq(sum.message, "incident joined");
	ck_assert_uint_eq(sum.held, 115);
	log_sum_names(&sum, 0, &names);
	ck_assert_str_eq(buf_text(&names), "am1 87, am2 28");
	buf_reset(&names);
	log_sum_names(&sum, 1, &names);
	ck_assert_str_eq(buf_text(&names), "sre 115");
	buf_reset(&names);
	log_sum_names(&sum, 2, &names);
	ck_assert_str_eq(buf_text(&names), "");
	ck_assert(!log_sums_end(&sums, 17 * SECOND, &sum));
	ck_assert_int_eq(log_sums_next_us(&sums), INT64_MAX);
	/* A new window: its first lines are written. */
	ck_assert(take(17 * SECOND, "incident joined", "am1", "sre"));
	buf_fini(&names);
}
END_TEST

/* Messages, and levels of one message, are counted apart. A slow message is never held. */
START_TEST(what_is_not_a_storm_is_written)
{
	struct log_sum sum;

	sums = (struct log_sums){ 0 };
	for (int i = 0; i < 5; i++) {
		ck_assert(take(i, "one", "a", NULL));
		ck_assert(take(i, "two", "a", NULL));
		ck_assert(log_sums_take(&sums, i, LOG_LEVEL_WARN, "one", NULL, 0));
	}
	ck_assert(!take(6, "one", "a", NULL));
	ck_assert(log_sums_end(&sums, INT64_MAX, &sum));
	ck_assert_str_eq(sum.message, "one");
	ck_assert_uint_eq(sum.held, 1);
	/* Every 2.5 s: four in a window. */
	for (int i = 0; i < 40; i++)
		ck_assert(take(100 * SECOND + i * 2500000, "slow", "a", NULL));
}
END_TEST

static bool take_warning(const char *pager)
{
	const struct log_field fields[] = { LOG_STR("pager", pager) };

	return log_sums_take(&sums, 0, LOG_LEVEL_WARN, "page not delivered", fields, 1);
}

/* Many failures of one pager, then the first of another one, which may fail for another reason. */
START_TEST(the_first_warning_about_each_pager_is_written)
{
	struct log_sum sum;
	char name[20];
	int written = 0;

	sums = (struct log_sums){ 0 };
	for (int i = 0; i < 40; i++)
		written += take_warning("phone");
	ck_assert_int_eq(written, 5);
	ck_assert(take_warning("mail"));
	ck_assert(!take_warning("mail"));
	ck_assert(!take_warning("phone"));
	written = 0;
	for (unsigned int i = 0; i < 2 * LIMIT_LOG_SUM_FIRSTS; i++) {
		snprintf(name, sizeof(name), "chat %u", i);
		written += take_warning(name);
	}
	ck_assert_int_eq(written, LIMIT_LOG_SUM_FIRSTS - 2);
	ck_assert(log_sums_end(&sums, INT64_MAX, &sum));
	ck_assert_uint_eq(sum.held, 35 + 2 + LIMIT_LOG_SUM_FIRSTS + 2);
}
END_TEST

/* Six senders, five places: the sixth counts among the others. */
START_TEST(a_sum_names_five)
{
	static const char *const senders[] = { "a", "b", "c", "d", "e", "f" };
	struct buf names = BUF_INIT(200);
	struct log_sum sum;

	sums = (struct log_sums){ 0 };
	for (int i = 0; i < 5; i++)
		take(0, "m", "x", NULL);
	for (int i = 0; i < 6; i++)
		for (int n = 0; n <= i; n++)
			ck_assert(!take(1, "m", senders[i], NULL));
	ck_assert(log_sums_end(&sums, INT64_MAX, &sum));
	log_sum_names(&sum, 0, &names);
	ck_assert_str_eq(buf_text(&names), "e 5, d 4, c 3, b 2, a 1, others 6");
	buf_fini(&names);
}
END_TEST

/* 64 messages are counted; the 65th is written, however often it comes, until a window ends. */
START_TEST(more_messages_than_places_are_written)
{
	static char messages[65][8];

	sums = (struct log_sums){ 0 };
	for (int i = 0; i < 65; i++) {
		snprintf(messages[i], sizeof(messages[i]), "m%d", i);
		for (int n = 0; n < 9; n++)
			ck_assert_int_eq(take(0, messages[i], "a", NULL), n < 5 || i == 64);
	}
}
END_TEST

/* Through the log itself: a sum has the level and the message of its lines; errors are never held,
 * and with debug nothing is. */
START_TEST(the_log_sums_up)
{
	stderr_is(false);
	log_sum_up();
	for (int i = 0; i < 8; i++) {
		log_warn("often", LOG_STR("sender", "am1"));
		log_error("this page has reached nobody");
	}
	ck_assert_int_ne(log_sums_due_us(), INT64_MAX);
	log_write_sums(true);
	const char *text = said();
	const char *sum = strstr(text, "level=warn msg=often more=3 within_ms=");
	int often = 0, errors = 0;
	for (const char *at = text; (at = strstr(at, "msg=often")); at++)
		often++;
	for (const char *at = text; (at = strstr(at, "reached nobody")); at++)
		errors++;
	ck_assert_int_eq(often, 6);
	ck_assert_int_eq(errors, 8);
	ck_assert_ptr_nonnull(sum);
	ck_assert_ptr_nonnull(strstr(sum, " by_sender=\"am1 3\"\n"));
	ck_assert_int_eq(log_sums_due_us(), INT64_MAX);
	log_set_level(LOG_LEVEL_DEBUG);
	for (int i = 0; i < 8; i++)
		log_info("all of it");
	text = said();
	stderr_back();
	often = 0;
	for (const char *at = text; (at = strstr(at, "all of it")); at++)
		often++;
	ck_assert_int_eq(often, 8);
	ck_assert_int_eq(metric_value(METRIC_LOG_LINES_SUMMED), 3);
}
END_TEST

/* ---- levels ---- */

/* debug for 10 min from 10:00:00 on, then info again; a reload with another level ends it. */
START_TEST(a_level_returns_by_itself)
{
	struct fake_clock fake;
	struct log_levels *levels;

	fake_clock_init(&fake);
	stderr_is(false);
	levels = log_levels_new(&fake.clock, fake.timers, LOG_LEVEL_INFO);
	log_levels_set(levels, LOG_LEVEL_DEBUG, 600 * SECOND, "ann");
	struct log_levels_view view = log_levels_view(levels);
	ck_assert_int_eq(view.level, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(view.configured, LOG_LEVEL_INFO);
	ck_assert_int_eq(view.until_us, FAKE_WALL_US + 600 * SECOND);
	ck_assert_str_eq(view.who, "ann");
	fake_clock_advance(&fake, 600 * SECOND - 1);
	ck_assert_int_eq(log_level_now(), LOG_LEVEL_DEBUG);
	fake_clock_advance(&fake, 1);
	view = log_levels_view(levels);
	ck_assert_int_eq(view.level, LOG_LEVEL_INFO);
	ck_assert_int_eq(view.until_us, 0);
	ck_assert_str_eq(view.who, "");
	log_levels_set(levels, LOG_LEVEL_ERROR, 0, "bob");
	log_levels_configure(levels, LOG_LEVEL_INFO); /* as before: bob's holds */
	ck_assert_int_eq(log_level_now(), LOG_LEVEL_ERROR);
	ck_assert_int_eq(timers_next_us(fake.timers), INT64_MAX);
	log_levels_configure(levels, LOG_LEVEL_WARN);
	ck_assert_int_eq(log_level_now(), LOG_LEVEL_WARN);
	const char *text = said();
	stderr_back();
	ck_assert_ptr_nonnull(strstr(text, "from=info to=debug reason=\"a person sets it\" who=ann "
					   "until=2026-09-01T10:10:00Z\n"));
	ck_assert_ptr_nonnull(strstr(text, "from=debug to=info reason=\"its time is over\"\n"));
	ck_assert_ptr_nonnull(strstr(text, "from=info to=error"));
	ck_assert_ptr_nonnull(strstr(text, "from=error to=warn"));
	log_levels_free(levels);
	fake_clock_fini(&fake);
}
END_TEST

START_TEST(names_are_found)
{
	enum log_format format = LOG_FORMAT_LOGFMT;
	enum log_level level = LOG_LEVEL_ERROR;

	ck_assert(log_level_find("debug", &level));
	ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
	ck_assert(!log_level_find("Debug", &level));
	ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
	ck_assert(log_format_find("json", &format));
	ck_assert_int_eq(format, LOG_FORMAT_JSON);
	ck_assert(!log_format_find("", &format));
	ck_assert_str_eq(log_level_name(LOG_LEVEL_WARN), "warn");
	ck_assert_str_eq(log_format_name(LOG_FORMAT_LOGFMT), "logfmt");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");
	SRunner *runner = srunner_create(suite);

	tcase_add_loop_test(tcase, a_sleeping_reader_holds_nobody, 0, 2);
	tcase_add_test(tcase, long_lines_stay_whole);
	tcase_add_test(tcase, nobody_there);
	tcase_add_test(tcase, logfmt_escapes_strangers);
	tcase_add_test(tcase, json_is_valid_whatever_comes);
	tcase_add_test(tcase, what_does_not_fit_is_left_out);
	tcase_add_test(tcase, labels_are_short);
	tcase_add_loop_test(tcase, the_journal_gets_priorities, 0, 2);
	tcase_add_test(tcase, a_storm_is_summed_up);
	tcase_add_test(tcase, what_is_not_a_storm_is_written);
	tcase_add_test(tcase, the_first_warning_about_each_pager_is_written);
	tcase_add_test(tcase, a_sum_names_five);
	tcase_add_test(tcase, more_messages_than_places_are_written);
	tcase_add_test(tcase, the_log_sums_up);
	tcase_add_test(tcase, a_level_returns_by_itself);
	tcase_add_test(tcase, names_are_found);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
