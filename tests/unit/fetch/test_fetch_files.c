/* Tests of the source that is a directory of files. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/fetch_kit.h"

static char dir_path[64];

static void write_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir_path, name);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static void files_setup(void)
{
	snprintf(dir_path, sizeof(dir_path), "/tmp/tracepager-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir_path));
	sources[0] =
		(struct source_config){ .name = "saved", .kind = SOURCE_FILES, .path = dir_path };
	write_file("a.json",
		   V3(RESOURCE("shipping", SPAN(OTHER, "00f067aa0ba902b9", "ship", FAILED))));
	write_file("b.jsonl", V1("5555555555555555") "\n" V3(TRACE(ID)) "\n");
	write_file("notes.txt", V3(TRACE("6666666666666666")));
	write_file(".hidden.json", V3(TRACE("7777777777777777")));
}

static void files_teardown(void)
{
	static const char *const names[] = { "a.json", "b.jsonl", "notes.txt", ".hidden.json",
					     "z.json" };
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir_path, names[i]);
		unlink(path);
	}
	rmdir(dir_path);
}

START_TEST(files_by_id)
{
	start_id();
	finish();
	ck_assert_uint_eq(got.ntraces, 1);
	ck_assert_str_eq(got.first_id, ID);
	ck_assert_str_eq(got.source, "saved");
	ck_assert_int_eq(got.at_us, 0);
}
END_TEST

START_TEST(files_by_signal)
{
	start(&checkout, NULL, 0);
	finish();
	/* 5555555555555555 is of checkout, too, but has no failing span. */
	ck_assert_uint_eq(got.ntraces, 1);
	ck_assert_str_eq(got.first_id, ID);
}
END_TEST

START_TEST(files_without_a_match)
{
	static const char *const ids[] = { "6666666666666666" };

	start(NULL, ids, 1);
	finish();
	ck_assert_int_eq(got.missing, FALLBACK_TRACE_NOT_FOUND);
	ck_assert_str_eq(got.text,
			 "trace 6666666666666666: not found in saved after 6 tries over 4.8 s");
}
END_TEST

START_TEST(bad_files_do_not_hide_good_ones)
{
	write_file("0.json", "{");
	write_file("z.json", "no json");
	start_id();
	finish();
	ck_assert_uint_eq(got.ntraces, 1);
	char path[128];
	snprintf(path, sizeof(path), "%s/0.json", dir_path);
	unlink(path);
}
END_TEST

START_TEST(no_directory)
{
	sources[0].path = "/nonexistent/traces";
	start_id();
	finish();
	ck_assert_int_eq(got.at_us, 0);
	ck_assert_int_eq(got.missing, FALLBACK_SOURCE_ERROR);
	ck_assert_ptr_nonnull(strstr(got.text, "cannot read the directory /nonexistent/traces"));
}
END_TEST

START_TEST(cancel_while_files_are_read)
{
	struct fetch_job *job = start_id();

	fetch_cancel(job);
	fake_clock_run_idle(&fake, SECOND);
	ck_assert_int_eq(got.calls, 0);
}
END_TEST

static TCase *case_files(void)
{
	TCase *tcase = tcase_create("files");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_checked_fixture(tcase, files_setup, files_teardown);
	tcase_add_test(tcase, files_by_id);
	tcase_add_test(tcase, files_by_signal);
	tcase_add_test(tcase, files_without_a_match);
	tcase_add_test(tcase, bad_files_do_not_hide_good_ones);
	tcase_add_test(tcase, no_directory);
	tcase_add_test(tcase, cancel_while_files_are_read);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("fetch_files");

	suite_add_tcase(suite, case_files());
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
