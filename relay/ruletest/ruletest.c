/*
 * Rule tests: finds the files, reads each test, has decide() decide it, compares. Decides nothing
 * itself. Owns the trees of the files and each test's memory while they run; names and findings go
 * to the result.
 */
#include "tracepager/ruletest.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ruletest-internal.h"
#include "tracepager/clock.h"
#include "tracepager/evidence.h"
#include "tracepager/glob.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

/* The files are capped; the trees made of them need no second cap. */
#define ARENA_BYTES (SIZE_MAX / 2)

struct runner {
	const struct ruleset *rules;
	const char *filter;
	struct rule_tests *tests;
	struct map *seen; /* files that were run */
};

/* One file while its tests run. */
struct test_file {
	struct runner *runner;
	struct ydoc doc;
	int64_t now_us; /* the file's "now"; 0: it has none */
};

static struct rule_test *runner_add_test(struct runner *runner, const struct ydoc *doc,
					 const struct ynode *node, const char *name)
{
	struct rule_tests *tests = runner->tests;

	if ((tests->n & (tests->n - 1)) == 0)
		tests->at =
			xrealloc_array(tests->at, tests->n ? tests->n * 2 : 1, sizeof(*tests->at));
	struct rule_test *test = &tests->at[tests->n++];
	*test = (struct rule_test){ .file = arena_strdup(tests->arena, doc->file),
				    .line = node->line };
	test->name = arena_strdup(tests->arena, name);
	return test;
}

/* The test's own time, else the file's, else the start of its alert, else RULETEST_NOW_US. */
static void test_set_now(struct test_reader *reader, const struct test_file *file,
			 const struct ynode *node)
{
	const struct ynode *start = ynode_get(ynode_get(node, "alert"), "starts_at");
	int64_t start_us = 0;

	reader->now_us = RULETEST_NOW_US;
	if (ynode_get(node, "now"))
		test_time(reader, ynode_get(node, "now"), "\"now\"", &reader->now_us);
	else if (file->now_us)
		reader->now_us = file->now_us;
	else if (start && start->kind == YNODE_SCALAR &&
		 rfc3339_parse(start->text, strlen(start->text), &start_us) == 0 && start_us)
		reader->now_us = start_us; /* test_alert() reports a wrong time */
}

/* Evidence from the healthy traces for the alert's signal; the caller frees it. NULL: there are no
 * healthy traces. */
static struct evidence_set *test_evidence(const struct test_reader *reader,
					  const struct alert *alert, struct test_traces *healthy)
{
	struct evidence_set *captured = healthy->evidence;
	struct signal signal;
	bool has_signal = alert && decide_signal(reader->arena, alert, reader->rules, NULL, NULL,
						 NULL, &signal, NULL);
	struct evidence_set *set =
		healthy->n && !captured ? evidence_new(LIMIT_WINDOW_BYTES) : NULL;

	healthy->evidence = NULL;
	if (captured)
		return captured;
	for (size_t i = 0; i < healthy->n; i++)
		evidence_add_trace(set, healthy->at[i], has_signal ? &signal : NULL);
	return set;
}

static void decide_test(struct test_reader *reader, struct decide_input *input,
			const struct ynode *expect)
{
	struct decision decision;

	input->rules = reader->rules;
	input->mode = WALK_AUTO;
	input->now_us = reader->now_us;
	decide(reader->arena, input, &decision);
	test_expect(reader, expect, &decision);
}

/* Read a test, and decide it if nothing is wrong with it. */
static void read_and_decide(struct test_reader *reader, const struct ynode *node)
{
	static const char *const known[] = { "name",	"alert", "traces", "healthy",
					     "missing", "now",	 "expect" };
	struct test_traces traces = { .sets = NULL }, healthy = { .sets = NULL };
	struct decide_input input = { .alert = NULL };
	const struct ynode *alert = ynode_get(node, "alert"), *expect = ynode_get(node, "expect"),
			   *missing = ynode_get(node, "missing");
	struct alert read;

	test_known(reader, node, "a test", known, ARRAY_LEN(known));
	test_text(reader, ynode_get(node, "name"), "\"name\"");
	if (alert && test_alert(reader, alert, &read))
		input.alert = &read;
	if (!alert && !ynode_get(node, "traces"))
		TEST_ERROR(reader, node, "E013", "add \"alert: {labels: {…}}\" to it",
			   "the test has neither \"alert\" nor \"traces\"");
	test_traces_read(reader, ynode_get(node, "traces"), &traces);
	test_traces_read(reader, ynode_get(node, "healthy"), &healthy);
	if (missing)
		test_fallback(reader, missing, "\"missing\"", &input.missing);
	if (expect)
		test_expect_known(reader, expect);
	else
		TEST_ERROR(reader, node, "E013", "add \"expect: {team: …}\" to it",
			   "the test has no \"expect\"");
	if (!reader->findings->nerrors) {
		input.traces = traces.at;
		input.ntraces = (unsigned int)traces.n;
		struct evidence_set *evidence = test_evidence(reader, input.alert, &healthy);
		input.healthy = evidence;
		input.ordinary = healthy.ordinary;
		decide_test(reader, &input, expect);
		evidence_free(evidence);
	}
	test_traces_fini(&traces);
	test_traces_fini(&healthy);
}

static void runner_run_test(struct test_file *file, const struct ynode *node)
{
	struct runner *runner = file->runner;
	const struct ynode *name = ynode_get(node, "name");
	const char *text =
		name && name->kind == YNODE_SCALAR ? name->text : "a test without a name";

	if (runner->filter && !glob_match(runner->filter, text)) {
		runner->tests->nfiltered++;
		return;
	}
	struct rule_test *test = runner_add_test(runner, &file->doc, node, text);
	struct test_reader reader = { .arena = arena_new(ARENA_BYTES),
				      .doc = &file->doc,
				      .findings = &test->findings,
				      .rules = runner->rules };
	reader.trace_options.extra_names =
		rules_attr_names(runner->rules, &reader.trace_options.nextra_names);
	if (test_map(&reader, node, "a test")) {
		test_set_now(&reader, file, node);
		read_and_decide(&reader, node);
	}
	findings_sort(&test->findings);
	runner->tests->nfailed += test->findings.nerrors > 0;
	arena_free(reader.arena);
}

static void runner_run_doc(struct test_file *file, struct arena *arena)
{
	static const char *const known[] = { "tests", "now" };
	struct test_reader reader = { .arena = arena,
				      .doc = &file->doc,
				      .findings = &file->runner->tests->findings };
	const struct ynode *root = file->doc.root, *tests;

	if (!root || !test_map(&reader, root, "a file of tests"))
		return;
	test_known(&reader, root, "a file of tests", known, ARRAY_LEN(known));
	if (ynode_get(root, "now"))
		test_time(&reader, ynode_get(root, "now"), "\"now\"", &file->now_us);
	tests = ynode_get(root, "tests");
	if (!tests || ynode_is_empty(tests))
		TEST_ERROR(&reader, NULL, "E013", "add \"tests:\", and a list of them",
			   "there is no \"tests\" in it");
	else if (tests->kind != YNODE_LIST)
		TEST_ERROR(&reader, tests, "E014", "begin each test with \"- \"",
			   "\"tests\" must be a list, not %s", ynode_kind_name(tests));
	else
		for (size_t i = 0; i < tests->n; i++)
			runner_run_test(file, tests->items[i]);
}

static void runner_run_file(struct runner *runner, const char *path)
{
	struct test_file file = { .runner = runner };

	if (map_get(runner->seen, path))
		return;
	map_put(runner->seen, path, runner);
	runner->tests->nfiles++;
	struct arena *arena = arena_new(ARENA_BYTES);
	ydoc_read(arena, path, &file.doc, &runner->tests->findings);
	runner_run_doc(&file, arena);
	arena_free(arena);
}

static int is_test_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && rules_is_test_file(entry->d_name);
}

/* By bytes: the same order in every locale. */
static int compare_test_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void runner_run_directory(struct runner *runner, const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, is_test_file, compare_test_entries);
	size_t len = strlen(path);

	if (n < 0) {
		findings_add(&runner->tests->findings, FINDING_ERROR, "E001", path,
			     ydoc_unread_hint(errno), "cannot be read: %s", strerror(errno));
		return;
	}
	while (len > 1 && path[len - 1] == '/')
		len--;
	for (int i = 0; i < n; i++) {
		/* Findings in the current directory read "a_test.yaml", not "./a_test.yaml". */
		char *file = strcmp(path, ".") == 0
				     ? xstrdup(names[i]->d_name)
				     : xasprintf("%.*s/%s", (int)len, path, names[i]->d_name);
		runner_run_file(runner, file);
		free(file);
		free(names[i]);
	}
	free(names);
}

static void runner_run_path(struct runner *runner, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat status;

	if (rules_is_test_file(path)) {
		runner_run_file(runner, path);
	} else if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
		runner_run_directory(runner, path);
	} else {
		char *folder = slash == path ? xstrdup("/")
			       : slash	     ? xstrndup(path, (size_t)(slash - path))
					     : xstrdup(".");
		runner_run_directory(runner, folder);
		free(folder);
	}
}

void rule_tests_run(const struct ruleset *rules, const struct rule_tests_options *options,
		    struct rule_tests *ret_tests)
{
	struct runner runner = {
		.rules = rules, .filter = options->filter, .tests = ret_tests, .seen = map_new()
	};

	*ret_tests = (struct rule_tests){ .arena = arena_new(ARENA_BYTES) };
	for (size_t i = 0; i < options->npaths; i++)
		runner_run_path(&runner, options->paths[i]);
	map_free(runner.seen);
}

bool rule_tests_passed(const struct rule_tests *tests)
{
	return !tests->nfailed && !tests->findings.nerrors;
}

void rule_tests_fini(struct rule_tests *tests)
{
	for (size_t i = 0; i < tests->n; i++)
		findings_fini(&tests->at[i].findings);
	free(tests->at);
	findings_fini(&tests->findings);
	arena_free(tests->arena);
	*tests = (struct rule_tests){ .arena = NULL };
}
