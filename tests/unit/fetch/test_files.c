/*
 * Tests of a directory of trace files: which files are read. test_fetch.c tests how fetching uses
 * them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../../relay/fetch/fetch-internal.h"
#include "tracepager/xalloc.h"

/* OTLP with one span that has only a trace id. */
#define PROTO	 "\x0a\x16\x12\x14\x12\x12\x0a\x10" ID_BYTES
#define ID_BYTES "aaaaaaaaaaaaaaaa"
#define ID	 "61616161616161616161616161616161"
#define JSON	 "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"" ID "\"}]}]}]}"

static const struct {
	const char *name, *text;
} files[] = {
	{ "a.json", JSON },  { "b.jsonl", JSON "\n" }, { "c.pb", PROTO }, { "d.txt", JSON },
	{ ".e.json", JSON }, { ".json", JSON },	       { "pb", PROTO },
};

START_TEST(by_name)
{
	char directory[] = "/tmp/tracepager-test-XXXXXX", path[128];
	atomic_bool stop = false;
	struct files_query query = { .query = { .trace_id = ID, .limit = 10 }, .stop = &stop };
	struct files_answer answer;

	query.path = mkdtemp(directory);
	ck_assert_ptr_nonnull(query.path);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", directory, files[i].name);
		file = fopen(path, "w");
		ck_assert_ptr_nonnull(file);
		fputs(files[i].text, file);
		fclose(file);
	}
	files_find(&query, &answer);
	ck_assert_uint_eq(answer.nfiles, 3);
	ck_assert_uint_eq(answer.nbad, 0);
	ck_assert_uint_eq(answer.ntraces, 3);
	for (size_t i = 0; i < answer.nsets; i++)
		trace_set_free(answer.sets[i]);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, files[i].name);
		unlink(path);
	}
	rmdir(directory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("files");
	TCase *tcase = tcase_create("files");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, by_name);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
