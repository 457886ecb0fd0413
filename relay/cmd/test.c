/*
 * tracepager test: runs the tests that stand beside rules. Loads the rules as the daemon does, runs
 * the tests as a reload may, prints what is not as expected.
 */
#include "commands-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options-internal.h"
#include "output-internal.h"
#include "test-internal.h"
#include "usage-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/terminal.h"
#include "tracepager/xalloc.h"

#define TEST_NAME_COLUMNS 200

/* The rules and tests of the command line, or the default; borrowed. */
struct test_paths {
	const char *const *at;
	size_t n;
};

/* A test that failed is named, then its findings follow; with --verbose those that passed are named
 * too. */
static void add_test_result(struct buf *out, const struct rule_test *test, bool verbose,
			    bool colour)
{
	static const char *const colours[] = { "\033[1;32m", "\033[1;31m" };
	bool failed = test->findings.nerrors > 0;

	if (!failed && !verbose)
		return;
	buf_printf(out, "%s%s%s %s:%d: ", colour ? colours[failed] : "", failed ? "FAIL" : "ok  ",
		   colour ? "\033[0m" : "", test->file, test->line);
	plain_add(out, test->name, TEST_NAME_COLUMNS);
	buf_putc(out, '\n');
	findings_write(&test->findings, colour, out);
}

static void test_add_text(struct buf *out, const struct rule_tests *tests, bool verbose)
{
	bool colour = terminal_has_colour(STDOUT_FILENO);

	findings_write(&tests->findings, colour, out);
	for (size_t i = 0; i < tests->n; i++)
		add_test_result(out, &tests->at[i], verbose, colour);
	output_add_count(out, "", tests->nfiles, "file", "files");
	output_add_count(out, ", ", tests->n, "test: ", "tests: ");
	if (tests->findings.nerrors)
		output_add_count(out, "", tests->findings.nerrors, "error in files, ",
				 "errors in files, ");
	if (tests->nfailed)
		buf_printf(out, "%zu failed\n", tests->nfailed);
	else
		buf_puts(out, tests->findings.nerrors ? "no other failed\n" : "all passed\n");
}

static void add_json_findings(struct buf *out, const struct findings *findings)
{
	buf_json_key(out, "findings");
	findings_write_array(findings, SIZE_MAX, out);
}

static void test_add_json(struct buf *out, const struct rule_tests *tests)
{
	buf_putc(out, '{');
	buf_json_int(out, "version", 1);
	buf_json_int(out, "files", (int64_t)tests->nfiles);
	buf_json_int(out, "failed", (int64_t)tests->nfailed);
	add_json_findings(out, &tests->findings);
	buf_json_key(out, "tests");
	buf_putc(out, '[');
	for (size_t i = 0; i < tests->n; i++) {
		const struct rule_test *test = &tests->at[i];
		buf_puts(out, i ? ",{" : "{");
		buf_json_text(out, "file", test->file);
		buf_json_int(out, "line", test->line);
		buf_json_text(out, "name", test->name);
		buf_json_text(out, "result", test->findings.nerrors ? "failed" : "passed");
		add_json_findings(out, &test->findings);
		buf_putc(out, '}');
	}
	buf_puts(out, "]}\n");
}

/* To a file, or NULL: to standard output. Returns 0, or STATUS_USAGE after telling why not. */
static int write_results(const struct buf *out, const char *path)
{
	int error = out->failed ? -EFBIG
		    : path	? output_write(path, buf_text(out), out->len)
				: output_print(out);

	if (!error)
		return 0;
	return command_failed(STATUS_USAGE, "test", "%s: %s", path ? path : "standard output",
			      error == -EFBIG ? "the results are larger than 256 MiB; use --filter"
					      : strerror(-error));
}

static int print_results(const struct test_options *options, const struct rule_tests *tests)
{
	struct buf out = BUF_INIT(LIMIT_TEST_REPORT_BYTES);
	int status = 0;

	if (options->junit) {
		test_write_junit(tests, &out);
		status = write_results(&out, options->junit);
		buf_reset(&out);
	}
	switch (options->format) {
	case TEST_TEXT:
		test_add_text(&out, tests, options->verbose);
		break;
	case TEST_JSON:
		test_add_json(&out, tests);
		break;
	case TEST_JUNIT:
		test_write_junit(tests, &out);
		break;
	}
	if (write_results(&out, NULL))
		status = STATUS_USAGE;
	buf_fini(&out);
	return status;
}

/* Adds a path once: rules that are read twice define everything twice. Takes the path. */
static void add_path(char **paths, size_t *n, char *path)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(paths[i], path) == 0) {
			free(path);
			return;
		}
	paths[(*n)++] = path;
}

/* The rules among the paths; where all paths are files of tests, the directories in which they
 * stand. Caller frees the list and its texts. */
static char **list_rules(const struct test_paths *given, size_t *ret_n)
{
	char **paths = xcalloc(given->n, sizeof(*paths));
	size_t n = 0;

	for (size_t i = 0; i < given->n; i++)
		if (!rules_is_test_file(given->at[i]))
			add_path(paths, &n, xstrdup(given->at[i]));
	bool has_rules = n > 0;
	for (size_t i = 0; i < given->n && !has_rules; i++) {
		const char *path = given->at[i], *slash = strrchr(path, '/');
		add_path(paths, &n,
			 slash ? xstrndup(path, (size_t)(slash + 1 - path)) : xstrdup("."));
	}
	*ret_n = n;
	return paths;
}

/* NULL: the rules cannot be loaded; the errors have been printed. */
static struct ruleset *load_tested_rules(const struct test_paths *given)
{
	size_t n;
	char **paths = list_rules(given, &n);
	struct ruleset *rules = output_load_rules((const char *const *)paths, n,
						  terminal_has_colour(STDERR_FILENO));

	if (!rules)
		command_failed(1, "test", "the rules cannot be loaded, so that no test was run");
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
	return rules;
}

static int test_run(const struct test_options *options, const struct test_paths *given)
{
	const struct rule_tests_options what = { .paths = given->at,
						 .npaths = given->n,
						 .filter = options->filter };
	struct ruleset *rules = load_tested_rules(given);
	struct rule_tests tests;
	int status;

	if (!rules)
		return 1;
	rule_tests_run(rules, &what, &tests);
	if (!tests.nfiles)
		status = usage_error("test", "there is no *_test.yaml beside %s", given->at[0]);
	else if (!tests.n && tests.nfiltered)
		status = usage_error("test", "no test has a name like %s", options->filter);
	else
		status = print_results(options, &tests);
	if (!status)
		status = !rule_tests_passed(&tests);
	rule_tests_fini(&tests);
	rules_unref(rules);
	return status;
}

int cmd_test(int argc, char **argv)
{
	static const char *const default_paths[] = { DEFAULT_RULES_PATH };
	struct test_paths paths = { default_paths, 1 };
	struct test_options options;
	int status;

	if (!options_parse_test(argc, argv, &options, &status))
		return status;
	if (options.sample)
		return fputs(test_sample, stdout) < 0 || fflush(stdout) != 0;
	if (options.arguments.n)
		paths = (struct test_paths){ (const char *const *)options.arguments.at,
					     options.arguments.n };
	return test_run(&options, &paths);
}
