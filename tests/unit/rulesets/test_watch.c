/*
 * Watch: real inotify in a directory of its own, on a clock that stands still. Each case does to
 * the files what people, editors and the kubelet do, waits for the event, and lets the quiet time
 * pass.
 */
#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/fake_clock.h"
#include "tracepager/limits.h"
#include "tracepager/watch.h"
#include "tracepager/xalloc.h"

static char top[] = "/tmp/test_watch.XXXXXX";
static char *rules; /* top/etc/rules.d */
static struct fake_clock clock_;
static struct watch *watch;
static unsigned int told, told_unsure;

static char *in_top(const char *name)
{
	return xasprintf("%s/%s", top, name);
}

static void changed(void *ctx, bool sure)
{
	(void)ctx;
	if (sure)
		told++;
	else
		told_unsure++;
}

static void write_file(const char *name, const char *text)
{
	CLEANUP_FREE char *path = in_top(name);
	CLEANUP_FCLOSE FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
}

static void make_directory(const char *name)
{
	CLEANUP_FREE char *path = in_top(name);

	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void make_link(const char *target, const char *name)
{
	CLEANUP_FREE char *path = in_top(name);

	ck_assert_int_eq(symlink(target, path), 0);
}

static void rename_file(const char *from, const char *to)
{
	CLEANUP_FREE char *old = in_top(from);
	CLEANUP_FREE char *new = in_top(to);

	ck_assert_int_eq(rename(old, new), 0);
}

static void remove_file(const char *name)
{
	CLEANUP_FREE char *path = in_top(name);

	ck_assert_int_eq(remove(path), 0);
}

/* Events are queued while the call that makes them runs: they are there by now. */
static void take_events(void)
{
	struct pollfd ready = { .fd = watch_fd(watch), .events = POLLIN };

	while (poll(&ready, 1, 0) == 1)
		watch_ready(watch);
}

/* What was done before is no longer of interest. */
static void watch_one(const char *path)
{
	const char *paths[] = { path };

	take_events();
	watch_set(watch, paths, 1);
}

/* What was done is told once, and not before it has been quiet. */
static void check_told(void)
{
	unsigned int before = told;

	take_events();
	fake_clock_advance(&clock_, LIMIT_WATCH_QUIET_US - 1);
	ck_assert_uint_eq(told, before);
	fake_clock_advance(&clock_, 1);
	ck_assert_uint_eq(told, before + 1);
	take_events();
	fake_clock_advance(&clock_, US_PER_MINUTE);
	ck_assert_uint_eq(told, before + 1);
}

static void check_not_told(void)
{
	unsigned int before = told;

	take_events();
	fake_clock_advance(&clock_, US_PER_MINUTE);
	ck_assert_uint_eq(told, before);
}

static void set_up(void)
{
	struct watch_env env = { .clock = &clock_.clock, .changed = changed };

	snprintf(top, sizeof(top), "/tmp/test_watch.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	rules = in_top("etc/rules.d");
	make_directory("etc");
	make_directory("etc/rules.d");
	write_file("etc/rules.d/teams.yaml", "teams:\n");
	fake_clock_init(&clock_);
	env.timers = clock_.timers;
	watch = watch_new(&env);
	ck_assert_int_ge(watch_fd(watch), 0);
	told = told_unsure = 0;
	watch_one(rules);
	check_not_told();
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void tear_down(void)
{
	watch_free(watch);
	fake_clock_fini(&clock_);
	free(rules);
	ck_assert_int_eq(nftw(top, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

START_TEST(file_is_written)
{
	write_file("etc/rules.d/teams.yaml", "teams: {}\n");
	check_told();
	write_file("etc/rules.d/new.yml", "services:\n");
	check_told();
	remove_file("etc/rules.d/new.yml");
	check_told();
}
END_TEST

START_TEST(file_is_renamed_over)
{
	write_file("etc/teams.new", "teams: {}\n");
	check_not_told();
	rename_file("etc/teams.new", "etc/rules.d/teams.yaml");
	check_told();
	/* The watch is on the directory: the new file is seen as the old one was. */
	write_file("etc/rules.d/teams.yaml", "teams:\n");
	check_told();
}
END_TEST

/* vim's, emacs', and those of sed -i; and what is no rules file at all. */
START_TEST(files_of_editors_say_nothing)
{
	static const char *const names[] = { ".teams.yaml.swp", "teams.yaml~",	     "#teams.yaml#",
					     ".#teams.yaml",	"sedAbCdEf",	     "4913",
					     "README.md",	".teams.yaml.x.yaml" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_FREE char *name = xasprintf("etc/rules.d/%s", names[i]);
		write_file(name, "x");
		remove_file(name);
	}
	check_not_told();
}
END_TEST

START_TEST(many_changes_are_told_once)
{
	for (int i = 0; i < 100; i++) {
		CLEANUP_FREE char *name = xasprintf("etc/rules.d/%d.yaml", i);
		write_file(name, "services:\n");
	}
	check_told();
}
END_TEST

/* Somebody who never stops writing is not waited for. */
START_TEST(endless_changes_are_told_in_time)
{
	int64_t begun_us = fake_clock_elapsed_us(&clock_);

	while (!told) {
		write_file("etc/rules.d/teams.yaml", "teams: {}\n");
		take_events();
		fake_clock_advance(&clock_, LIMIT_WATCH_QUIET_US / 2);
	}
	ck_assert_int_le(fake_clock_elapsed_us(&clock_) - begun_us, LIMIT_WATCH_HOLD_US);
}
END_TEST

/* As the kubelet does it: names.yaml → ..data/names.yaml, ..data → a directory, swapped by a
 * rename. */
START_TEST(config_map_is_swapped)
{
	CLEANUP_FREE char *map = in_top("map");

	make_directory("map");
	make_directory("map/..2026_1");
	write_file("map/..2026_1/rules.yaml", "teams:\n");
	make_link("..2026_1", "map/..data");
	make_link("..data/rules.yaml", "map/rules.yaml");
	watch_one(map);
	check_not_told();
	for (int i = 2; i < 4; i++) {
		CLEANUP_FREE char *directory = xasprintf("map/..2026_%d", i);
		CLEANUP_FREE char *file = xasprintf("%s/rules.yaml", directory);
		make_directory(directory);
		write_file(file, "teams: {}\n");
		check_not_told();
		make_link(strchr(directory, '/') + 1, "map/..data_tmp");
		check_not_told();
		rename_file("map/..data_tmp", "map/..data");
		check_told();
	}
}
END_TEST

/* The file itself is watched, as rules or as an include: wherever links lead. */
START_TEST(link_of_a_link_is_turned)
{
	CLEANUP_FREE char *live = in_top("live.yaml");

	make_directory("v1");
	make_directory("v2");
	write_file("v1/all.txt", "teams:\n");
	write_file("v2/all.txt", "teams: {}\n");
	make_link("v1", "current");
	make_link("current/all.txt", "live.yaml");
	watch_one(live);
	check_not_told();
	write_file("v1/all.txt", "teams: {}\n");
	check_told();
	write_file("v2/all.txt", "teams: {a: {}}\n");
	check_not_told();
	make_link("v2", "next");
	rename_file("next", "current");
	check_told();
	write_file("v2/all.txt", "teams: {}\n");
	check_told();
	write_file("v1/all.txt", "teams:\n");
	check_not_told();
}
END_TEST

START_TEST(links_in_a_circle_end)
{
	CLEANUP_FREE char *path = in_top("a");

	make_link("b", "a");
	make_link("a", "b");
	watch_one(path);
	remove_file("b");
	check_told();
}
END_TEST

START_TEST(directory_goes_and_comes_back)
{
	remove_file("etc/rules.d/teams.yaml");
	remove_file("etc/rules.d");
	check_told();
	make_directory("etc/rules.d");
	check_told();
	write_file("etc/rules.d/teams.yaml", "teams:\n");
	check_told();
	/* So does its parent; another one takes its place. */
	rename_file("etc", "old");
	check_told();
	write_file("old/rules.d/teams.yaml", "teams: {}\n");
	check_not_told();
	make_directory("etc");
	check_told();
	make_directory("etc/rules.d");
	write_file("etc/rules.d/teams.yaml", "teams:\n");
	check_told();
	write_file("etc/rules.d/teams.yaml", "teams: {}\n");
	check_told();
}
END_TEST

START_TEST(what_is_not_there_yet_is_seen_to_come)
{
	CLEANUP_FREE char *path = in_top("etc/rules.shadow.d");

	watch_one(path);
	write_file("etc/rules.d/teams.yaml", "teams: {}\n");
	check_not_told();
	make_directory("etc/rules.shadow.d");
	check_told();
	write_file("etc/rules.shadow.d/a.yaml", "teams: {}\n");
	check_told();
}
END_TEST

START_TEST(file_that_becomes_readable)
{
	CLEANUP_FREE char *path = in_top("etc/rules.d/teams.yaml");

	ck_assert_int_eq(chmod(path, 0), 0);
	check_told();
	ck_assert_int_eq(chmod(path, 0600), 0);
	check_told();
}
END_TEST

/* More names than are watched: it looks itself, and stops doing so when there is room again. */
START_TEST(too_many_files_are_polled)
{
	char **paths = xcalloc(LIMIT_WATCHES, sizeof(*paths));

	for (size_t i = 0; i < LIMIT_WATCHES; i++)
		paths[i] = xasprintf("%s/etc/%zu.yaml", top, i);
	watch_set(watch, (const char *const *)paths, LIMIT_WATCHES);
	ck_assert(watch_polls(watch));
	fake_clock_advance(&clock_, LIMIT_WATCH_POLL_US - 1);
	ck_assert_uint_eq(told_unsure, 0);
	fake_clock_advance(&clock_, 1);
	ck_assert_uint_eq(told_unsure, 1);
	watch_one(rules);
	ck_assert(!watch_polls(watch));
	fake_clock_advance(&clock_, US_PER_MINUTE);
	ck_assert_uint_le(told_unsure, 2);
	for (size_t i = 0; i < LIMIT_WATCHES; i++)
		free(paths[i]);
	free(paths);
}
END_TEST

START_TEST(stamps_tell_changes_apart)
{
	const char *paths[] = { rules };
	uint64_t first = watch_stamp(paths, 1);

	ck_assert_uint_eq(watch_stamp(paths, 1), first);
	write_file("etc/rules.d/teams.yaml", "teams: {a: {}}\n");
	uint64_t second = watch_stamp(paths, 1);
	ck_assert_uint_ne(second, first);
	write_file("etc/rules.d/new.yaml", "teams:\n");
	uint64_t third = watch_stamp(paths, 1);
	ck_assert_uint_ne(third, second);
	rename_file("etc/rules.d", "etc/old.d");
	ck_assert_uint_ne(watch_stamp(paths, 1), third);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("watch");
	TCase *tests = tcase_create("watch");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, file_is_written);
	tcase_add_test(tests, file_is_renamed_over);
	tcase_add_test(tests, files_of_editors_say_nothing);
	tcase_add_test(tests, many_changes_are_told_once);
	tcase_add_test(tests, endless_changes_are_told_in_time);
	tcase_add_test(tests, config_map_is_swapped);
	tcase_add_test(tests, link_of_a_link_is_turned);
	tcase_add_test(tests, links_in_a_circle_end);
	tcase_add_test(tests, directory_goes_and_comes_back);
	tcase_add_test(tests, what_is_not_there_yet_is_seen_to_come);
	tcase_add_test(tests, file_that_becomes_readable);
	tcase_add_test(tests, too_many_files_are_polled);
	tcase_add_test(tests, stamps_tell_changes_apart);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
