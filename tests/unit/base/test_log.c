/* The log when nobody reads it: no line may hold the thread that logs. A write that waits would run
 * into the time limit of check. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tracepager/log.h"
#include "tracepager/metrics.h"

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

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");
	SRunner *runner = srunner_create(suite);

	tcase_add_loop_test(tcase, a_sleeping_reader_holds_nobody, 0, 2);
	tcase_add_test(tcase, long_lines_stay_whole);
	tcase_add_test(tcase, nobody_there);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
