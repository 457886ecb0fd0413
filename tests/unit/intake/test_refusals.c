/*
 * The log about requests that show no right to send: the first of a reason at once, then one line a
 * minute that counts them. Standard error is a pipe that the test reads.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/fake_clock.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"

#include "relay/intake/refusals-internal.h"

struct http_exchange {
	const char *peer, *path;
};

const char *http_exchange_peer(const struct http_exchange *exchange)
{
	return exchange->peer;
}

const char *http_exchange_path(const struct http_exchange *exchange)
{
	return exchange->path;
}

static struct fake_clock fake;
static struct refusals *refusals;
static int read_fd, stderr_fd;

static void set_up(void)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	read_fd = fds[0];
	stderr_fd = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
	close(fds[1]);
	fake_clock_init(&fake);
	refusals = refusals_new(fake.timers, &fake.clock, &(struct intake_ops){ .ctx = NULL });
}

static void tear_down(void)
{
	refusals_free(refusals);
	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	close(read_fd);
	fake_clock_fini(&fake);
}

static void refuse(enum intake_refusal reason, const char *peer, const char *detail)
{
	const struct http_exchange exchange = { peer, "/webhook/am" };

	refusals_count(refusals, reason, &exchange, detail);
}

/* What was logged since the last call, without the times: "" or whole lines. */
static const char *logged(void)
{
	static char text[4096], lines[4096];
	char *out = lines;

	/* An empty pipe must not block the test: the mark is read too. */
	ck_assert_int_eq(write(STDERR_FILENO, "#", 1), 1);
	ssize_t n = read(read_fd, text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n - 1] = '\0';
	*out = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		out += sprintf(out, "%s\n", strstr(line, "level="));
	return lines;
}

#define TOKEN "level=warn msg=\"request refused: its token is missing or wrong\" "

START_TEST(first_at_once_then_one_a_minute)
{
	refuse(INTAKE_REFUSAL_TOKEN, "192.0.2.1", "am");
	ck_assert_str_eq(logged(), TOKEN "peer=192.0.2.1 path=/webhook/am requests=1 sender=am\n");
	for (int i = 0; i < 5000; i++)
		refuse(INTAKE_REFUSAL_TOKEN, "192.0.2.2", "locked");
	ck_assert_str_eq(logged(), "");
	fake_clock_advance(&fake, LIMIT_REFUSED_LOG_US - 1);
	ck_assert_str_eq(logged(), "");
	fake_clock_advance(&fake, 1);
	ck_assert_str_eq(logged(),
			 TOKEN "peer=192.0.2.2 path=/webhook/am requests=5000 sender=locked\n");
	/* The next minute begins with that line. */
	refuse(INTAKE_REFUSAL_TOKEN, "192.0.2.3", "am");
	ck_assert_str_eq(logged(), "");
	fake_clock_advance(&fake, LIMIT_REFUSED_LOG_US);
	ck_assert_str_eq(logged(), TOKEN "peer=192.0.2.3 path=/webhook/am requests=1 sender=am\n");
	/* A minute without one: nothing to say, and the next is the first again. */
	fake_clock_advance(&fake, LIMIT_REFUSED_LOG_US);
	ck_assert_str_eq(logged(), "");
	refuse(INTAKE_REFUSAL_TOKEN, "192.0.2.4", "am");
	ck_assert_str_eq(logged(), TOKEN "peer=192.0.2.4 path=/webhook/am requests=1 sender=am\n");
}
END_TEST

START_TEST(each_reason_has_its_own_line)
{
	refuse(INTAKE_REFUSAL_TOKEN, "192.0.2.1", "am");
	refuse(INTAKE_REFUSAL_ADMIN, "192.0.2.1", NULL);
	refuse(INTAKE_REFUSAL_HOST, "192.0.2.1", "evil.example");
	refuse(INTAKE_REFUSAL_SITE, "192.0.2.1", NULL);
	ck_assert_str_eq(logged(), TOKEN
			 "peer=192.0.2.1 path=/webhook/am requests=1 sender=am\n"
			 "level=warn msg=\"request refused: its API token is missing or wrong\" "
			 "peer=192.0.2.1 path=/webhook/am requests=1\n"
			 "level=warn msg=\"request refused: it is meant for another site\" "
			 "peer=192.0.2.1 path=/webhook/am requests=1 host=evil.example\n"
			 "level=warn msg=\"request refused: a page of another site sent it\" "
			 "peer=192.0.2.1 path=/webhook/am requests=1 origin=\"\"\n");
}
END_TEST

/* A long value is cut, not refused. */
START_TEST(quotes_are_bounded)
{
	char host[1000], want[LIMIT_REFUSED_DETAIL_BYTES];

	memset(host, 'h', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	memset(want, 'h', sizeof(want) - 1);
	want[sizeof(want) - 1] = '\0';
	refuse(INTAKE_REFUSAL_HOST, "192.0.2.1", host);
	const char *at = strstr(logged(), "host=");
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(strncmp(at + 5, want, strlen(want)), 0);
	ck_assert_str_eq(at + 5 + strlen(want), "\n");
}
END_TEST

/* Each request is counted, also those that are not logged one by one. */
START_TEST(requests_are_counted_by_reason)
{
	const int64_t tokens = metric_value(METRIC_REFUSED_TOKEN),
		      hosts = metric_value(METRIC_REFUSED_HOST);

	for (int i = 0; i < 7; i++)
		refuse(INTAKE_REFUSAL_TOKEN, "10.0.0.1", "am");
	ck_assert_int_eq(metric_value(METRIC_REFUSED_TOKEN) - tokens, 7);
	ck_assert_int_eq(metric_value(METRIC_REFUSED_TOKEN_TIME), fake.wall_us);
	fake_clock_advance(&fake, 1000);
	refuse(INTAKE_REFUSAL_HOST, "10.0.0.1", "evil.example");
	refuse(INTAKE_REFUSAL_FEEDBACK_PAGER, "10.0.0.1", "p");
	ck_assert_int_eq(metric_value(METRIC_REFUSED_HOST) - hosts, 1);
	ck_assert_int_eq(metric_value(METRIC_REFUSED_TOKEN) - tokens, 7);
	ck_assert_int_eq(metric_value(METRIC_REFUSED_TOKEN_TIME), fake.wall_us - 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("refusals");
	TCase *tcase = tcase_create("refusals");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, first_at_once_then_one_a_minute);
	tcase_add_test(tcase, each_reason_has_its_own_line);
	tcase_add_test(tcase, quotes_are_bounded);
	tcase_add_test(tcase, requests_are_counted_by_reason);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
