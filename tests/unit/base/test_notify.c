/* Notify: what a service manager's socket receives, by sd_notify(3), and whom its watchdog is for.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tracepager/limits.h"
#include "tracepager/notify.h"
#include "tracepager/xalloc.h"

static char manager_path[64];

/* The service manager's end; the name as NOTIFY_SOCKET has it. */
static int listen_as_manager(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_uint_lt(len, sizeof(address.sun_path));
	memcpy(address.sun_path, name, len + 1);
	if (*name == '@')
		address.sun_path[0] = '\0';
	/* Of an abstract name every byte counts, the closing zero too. */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void expect_message(int fd, const char *text)
{
	char got[LIMIT_NOTIFY_BYTES + 1];
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

	ck_assert_int_ge(n, 0);
	got[n] = '\0';
	ck_assert_str_eq(got, text);
}

static const char *const manager_names[] = { manager_path, "@tracepager/test/notify" };

START_TEST(both_kinds_of_socket_receive)
{
	struct notify notify;

	snprintf(manager_path, sizeof(manager_path), "/tmp/tracepager-notify.%ld", (long)getpid());
	int fd = listen_as_manager(manager_names[_i]);
	ck_assert_int_eq(notify_init(&notify, false), 0);
	ck_assert_int_eq(notify_send(&notify, true, "READY=1\nSTATUS=%d incidents open", 3), 0);
	ck_assert_int_eq(notify_send(&notify, false, "WATCHDOG=1"), 0);
	expect_message(fd, "READY=1\nSTATUS=3 incidents open");
	expect_message(fd, "WATCHDOG=1");
	ck_assert_int_ne(fcntl(notify.fd, F_GETFD) & FD_CLOEXEC, 0);
	notify_fini(&notify);
	close(fd);
	if (_i == 0)
		unlink(manager_path);
}
END_TEST

START_TEST(nothing_is_sent_without_a_manager)
{
	struct notify notify;

	unsetenv("NOTIFY_SOCKET");
	setenv("WATCHDOG_USEC", "1000000", 1);
	ck_assert_int_eq(notify_init(&notify, false), 0);
	ck_assert_int_eq(notify.fd, -1);
	ck_assert_int_eq(notify.watchdog_us, 0);
	ck_assert_int_eq(notify_send(&notify, true, "READY=1"), 0);
	notify_fini(&notify);
}
END_TEST

static const struct {
	const char *name;
	int result;
} bad_names[] = {
	{ "run/notify", -EAFNOSUPPORT },
	{ "vsock:2:1234", -EAFNOSUPPORT },
	{ "/", -EAFNOSUPPORT },
	{ "/a/name/of/more/bytes/than/the/108/that/sun_path/has/with/its/closing/zero/"
	  "and/it/is/cut/by/nobody/since/that/names/another",
	  -ENAMETOOLONG },
};

START_TEST(names_that_are_no_address_are_refused)
{
	struct notify notify;

	setenv("NOTIFY_SOCKET", bad_names[_i].name, 1);
	ck_assert_int_eq(notify_init(&notify, false), bad_names[_i].result);
	ck_assert_int_eq(notify.fd, -1);
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
	notify_fini(&notify);
}
END_TEST

/* own: WATCHDOG_PID names this process. */
static const struct {
	const char *us;
	bool has_pid, own, takes_over;
	int64_t want_us;
} watchdogs[] = {
	{ "30000000", true, true, false, 30000000 },
	{ "30000000", false, false, false, 30000000 },
	{ "30000000", true, false, false, 0 },
	{ "30000000", true, false, true, 30000000 },
	{ "", true, true, false, 0 },
	{ "5s", true, true, false, 0 },
	{ "-1", true, true, false, 0 },
	{ "99999999999999999999", true, true, false, 0 },
	{ NULL, true, true, false, 0 },
};

START_TEST(the_watchdog_is_for_one_process)
{
	struct notify notify;
	CLEANUP_FREE char *pid = xasprintf("%ld", (long)(watchdogs[_i].own ? getpid() : getppid()));
	int fd = listen_as_manager("@tracepager/test/watchdog");

	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (watchdogs[_i].us)
		setenv("WATCHDOG_USEC", watchdogs[_i].us, 1);
	if (watchdogs[_i].has_pid)
		setenv("WATCHDOG_PID", pid, 1);
	ck_assert_int_eq(notify_init(&notify, watchdogs[_i].takes_over), 0);
	ck_assert_int_eq(notify.watchdog_us, watchdogs[_i].want_us);
	/* A child must not speak in this process's name. */
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
	ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
	ck_assert_ptr_null(getenv("WATCHDOG_PID"));
	notify_fini(&notify);
	close(fd);
}
END_TEST

/* Half of the watchdog's time, from 100 ms to 5 s; 5 s without one. */
static const struct {
	int64_t watchdog_us, every_us;
} paces[] = {
	{ 0, 5000000 },	    { 1, 100000 },	   { 2, 100000 },	  { 199999, 100000 },
	{ 400000, 200000 }, { 10000000, 5000000 }, { 30000000, 5000000 }, { INT64_MAX, 5000000 },
};

START_TEST(a_short_watchdog_makes_no_flood)
{
	const struct notify notify = { .fd = -1, .watchdog_us = paces[_i].watchdog_us };

	ck_assert_int_eq(notify_every_us(&notify), paces[_i].every_us);
}
END_TEST

START_TEST(a_manager_that_is_gone_or_full_is_told_of)
{
	struct notify notify;
	int fd = listen_as_manager("@tracepager/test/full"), result = 0;

	ck_assert_int_eq(notify_init(&notify, false), 0);
	for (int i = 0; i < 100000 && result == 0; i++)
		result = notify_send(&notify, false, "WATCHDOG=1");
	ck_assert_int_eq(result, -EAGAIN);
	close(fd);
	ck_assert_int_eq(notify_send(&notify, false, "WATCHDOG=1"), -ECONNREFUSED);
	ck_assert_int_eq(notify_send(&notify, false, "%0*d", (int)LIMIT_NOTIFY_BYTES, 0),
			 -EMSGSIZE);
	notify_fini(&notify);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");
	TCase *tests = tcase_create("notify");

	tcase_add_loop_test(tests, both_kinds_of_socket_receive, 0, 2);
	tcase_add_test(tests, nothing_is_sent_without_a_manager);
	tcase_add_loop_test(tests, names_that_are_no_address_are_refused, 0,
			    (int)ARRAY_LEN(bad_names));
	tcase_add_loop_test(tests, the_watchdog_is_for_one_process, 0, (int)ARRAY_LEN(watchdogs));
	tcase_add_loop_test(tests, a_short_watchdog_makes_no_flood, 0, (int)ARRAY_LEN(paces));
	tcase_add_test(tests, a_manager_that_is_gone_or_full_is_told_of);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
