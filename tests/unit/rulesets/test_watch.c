/*
 * Tests of the watch: real files in a directory of their own, and looks at times that the test
 * gives. Each case does to the files what people, editors and the kubelet do. Contents differ in
 * length, so that no change hides within one tick of the file system's clock.
 */
#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../relay/rulesets/watch-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static char top[] = "/tmp/test_watch.XXXXXX";
static char *watched; /* one path below top */
static struct watch watch;
static int64_t now_us;

static char *in_top(const char *name)
{
	return xasprintf("%s/%s", top, name);
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

static uint64_t stamp(void)
{
	const char *paths[] = { watched };

	return watch_stamp(paths, 1);
}

/* The next look, when the watch wants it. */
static bool look(void)
{
	now_us += watch_pause_us(&watch);
	return watch_is_due(&watch, stamp(), now_us);
}

/* The change is seen at the first look, counts at the second one, 0.5 s later, and only once. */
static void check_due(void)
{
	ck_assert(!look());
	ck_assert_int_eq(watch_pause_us(&watch), 500000);
	ck_assert(look());
	watch_set_loaded(&watch, stamp());
	ck_assert_int_eq(watch_pause_us(&watch), 2000000);
	ck_assert(!look());
}

static void check_not_due(void)
{
	for (int i = 0; i < 3; i++) {
		ck_assert(!look());
		ck_assert(!watch.changing);
	}
}

/* Watch this from now on; it is loaded as it stands. */
static void watch_path(const char *name)
{
	free(watched);
	watched = in_top(name);
	watch_set_loaded(&watch, stamp());
	check_not_due();
}

static void set_up(void)
{
	snprintf(top, sizeof(top), "/tmp/test_watch.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	make_directory("etc");
	make_directory("etc/rules.d");
	write_file("etc/rules.d/teams.yaml", "teams:\n");
	now_us = 3600000000;
	watch_path("etc/rules.d");
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
	free(watched);
	watched = NULL;
	ck_assert_int_eq(nftw(top, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

START_TEST(file_is_written)
{
	write_file("etc/rules.d/teams.yaml", "teams: {}\n");
	check_due();
	write_file("etc/rules.d/new.yml", "services:\n");
	check_due();
	remove_file("etc/rules.d/new.yml");
	check_due();
}
END_TEST

START_TEST(file_is_renamed_over)
{
	write_file("etc/teams.new", "teams: {}\n");
	check_not_due();
	rename_file("etc/teams.new", "etc/rules.d/teams.yaml");
	check_due();
	write_file("etc/rules.d/teams.yaml", "teams:\n");
	check_due();
}
END_TEST

/* Files that vim, emacs and sed -i keep beside the rules, and files that are no rules. */
START_TEST(other_files_do_not_count)
{
	static const char *const names[] = { ".teams.yaml.swp", "teams.yaml~",	     "#teams.yaml#",
					     ".#teams.yaml",	"sedAbCdEf",	     "4913",
					     "README.md",	".teams.yaml.x.yaml" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_FREE char *name = xasprintf("etc/rules.d/%s", names[i]);
		write_file(name, "x");
		check_not_due();
		remove_file(name);
		check_not_due();
	}
}
END_TEST

START_TEST(many_changes_count_once)
{
	for (int i = 0; i < 100; i++) {
		CLEANUP_FREE char *name = xasprintf("etc/rules.d/%d.yaml", i);
		write_file(name, "services:\n");
		/* A look in the midst of it: it goes on. */
		if (i == 50)
			ck_assert(!look());
	}
	ck_assert(!look());
	ck_assert(look());
	watch_set_loaded(&watch, stamp());
	check_not_due();
}
END_TEST

/* A file that changes before each look is loaded 3 s after the first one. */
START_TEST(endless_changes_count_in_time)
{
	CLEANUP_FREE char *text = xcalloc(32, 1);
	int64_t first_us = 0;
	bool due = false;

	for (size_t i = 0; i < 20 && !due; i++) {
		text[i] = '#';
		write_file("etc/rules.d/teams.yaml", text);
		due = look();
		if (i == 0)
			first_us = now_us;
	}
	ck_assert(due);
	ck_assert_int_eq(now_us - first_us, 3000000);
}
END_TEST

/* A file that goes as it came leaves nothing to load. */
START_TEST(change_that_is_undone)
{
	write_file("etc/rules.d/more.yaml", "teams:\n");
	ck_assert(!look());
	ck_assert(watch.changing);
	remove_file("etc/rules.d/more.yaml");
	ck_assert(!look());
	ck_assert(!watch.changing);
	check_not_due();
}
END_TEST

/* As the kubelet does it: names.yaml → ..data/names.yaml, ..data → a directory, swapped by a
 * rename. */
START_TEST(config_map_is_swapped)
{
	make_directory("map");
	make_directory("map/..2026_1");
	write_file("map/..2026_1/rules.yaml", "teams:\n");
	make_link("..2026_1", "map/..data");
	make_link("..data/rules.yaml", "map/rules.yaml");
	watch_path("map");
	for (int i = 2; i < 4; i++) {
		CLEANUP_FREE char *directory = xasprintf("map/..2026_%d", i);
		CLEANUP_FREE char *file = xasprintf("%s/rules.yaml", directory);
		make_directory(directory);
		write_file(file, "teams: {}\n");
		make_link(strchr(directory, '/') + 1, "map/..data_tmp");
		check_not_due();
		rename_file("map/..data_tmp", "map/..data");
		check_due();
	}
}
END_TEST

/* A watched file, as an include is, may be a link of a link. */
START_TEST(link_of_a_link_is_turned)
{
	make_directory("v1");
	make_directory("v2");
	write_file("v1/all.txt", "teams:\n");
	write_file("v2/all.txt", "teams: {}\n");
	make_link("v1", "current");
	make_link("current/all.txt", "live.yaml");
	watch_path("live.yaml");
	write_file("v1/all.txt", "teams: {}\n");
	check_due();
	write_file("v2/all.txt", "teams: {a: {}}\n");
	check_not_due();
	make_link("v2", "next");
	rename_file("next", "current");
	check_due();
	write_file("v2/all.txt", "teams: {}\n");
	check_due();
	write_file("v1/all.txt", "teams:\n");
	check_not_due();
}
END_TEST

START_TEST(links_in_a_circle_end)
{
	make_link("b", "a");
	make_link("a", "b");
	watch_path("a");
	remove_file("b");
	check_not_due(); /* a leads nowhere, as before */
	write_file("b", "teams:\n");
	check_due();
}
END_TEST

START_TEST(directory_goes_and_comes_back)
{
	remove_file("etc/rules.d/teams.yaml");
	remove_file("etc/rules.d");
	check_due();
	make_directory("etc/rules.d");
	check_due();
	write_file("etc/rules.d/teams.yaml", "teams:\n");
	check_due();
	/* Its parent is renamed; another one takes its place. */
	rename_file("etc", "old");
	check_due();
	write_file("old/rules.d/teams.yaml", "teams: {}\n");
	check_not_due();
	make_directory("etc");
	check_not_due();
	make_directory("etc/rules.d");
	write_file("etc/rules.d/teams.yaml", "teams:\n");
	check_due();
}
END_TEST

START_TEST(missing_directory_appears)
{
	watch_path("etc/rules.shadow.d");
	write_file("etc/rules.d/teams.yaml", "teams: {}\n");
	check_not_due();
	make_directory("etc/rules.shadow.d");
	check_due();
	write_file("etc/rules.shadow.d/a.yaml", "teams: {}\n");
	check_due();
}
END_TEST

START_TEST(file_becomes_readable)
{
	CLEANUP_FREE char *path = in_top("etc/rules.d/teams.yaml");

	ck_assert_int_eq(chmod(path, 0), 0);
	check_due();
	ck_assert_int_eq(chmod(path, 0600), 0);
	check_due();
}
END_TEST

/* A file that is listed beside its directory counts all the same, in any order of the list. */
START_TEST(files_beside_their_directory_count)
{
	CLEANUP_FREE char *file = in_top("etc/rules.d/teams.yaml");
	const char *one[] = { watched, file }, *other[] = { file, watched };
	uint64_t before = watch_stamp(one, 2);

	ck_assert_uint_eq(watch_stamp(other, 2), before);
	write_file("etc/rules.d/teams.yaml", "teams: {}\n");
	ck_assert_uint_ne(watch_stamp(one, 2), before);
}
END_TEST

/* Other files were read than were stamped: the next look comes soon, and they are loaded again. */
START_TEST(unknown_stamp_is_loaded_again)
{
	watch_set_loaded(&watch, 0);
	ck_assert_int_eq(watch_pause_us(&watch), 500000);
	check_due();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("watch");
	TCase *tests = tcase_create("watch");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, file_is_written);
	tcase_add_test(tests, file_is_renamed_over);
	tcase_add_test(tests, other_files_do_not_count);
	tcase_add_test(tests, many_changes_count_once);
	tcase_add_test(tests, endless_changes_count_in_time);
	tcase_add_test(tests, change_that_is_undone);
	tcase_add_test(tests, config_map_is_swapped);
	tcase_add_test(tests, link_of_a_link_is_turned);
	tcase_add_test(tests, links_in_a_circle_end);
	tcase_add_test(tests, directory_goes_and_comes_back);
	tcase_add_test(tests, missing_directory_appears);
	tcase_add_test(tests, file_becomes_readable);
	tcase_add_test(tests, files_beside_their_directory_count);
	tcase_add_test(tests, unknown_stamp_is_loaded_again);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
