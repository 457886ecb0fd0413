/*
 * tracepager test: runs the tests that stand beside rules. Loads the rules as the daemon does, runs
 * the tests as a reload may, prints what is not as expected. Owns nothing but its options.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "usage-internal.h"
#include "terminal-internal.h"
#include "test-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/commands.h"
#include "tracepager/plain.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

#define OUTPUT_CAP    (256u << 20)
#define NAME_COLUMNS  200
#define DEFAULT_RULES "/etc/tracepager/rules.d"

static const char help[] =
	"usage: tracepager test [OPTION]... [RULES]...\n\n"
	"Runs the tests of rules: files named *_test.yaml that stand beside them. Each test says "
	"which\n"
	"alert and which traces come in, and who must be paged; the decisions are the daemon's "
	"own.\n"
	"RULES are files or directories of rules, or files of tests, which are tried on the rules "
	"beside\n"
	"them. Default: " DEFAULT_RULES "\n\n"
	"      --filter GLOB     only the tests whose name fits (\"*disk*\")\n"
	"      --format FORMAT   text (default), json or junit\n"
	"      --junit FILE      write JUnit XML there as well\n"
	"      --verbose         name the tests that passed, too\n"
	"      --help            print this\n\n"
	"A file of tests, with all that can stand in it:\n\n"
	"  now: 2026-03-02T10:00:00Z        # for all tests of the file; else the alert's start,\n"
	"                                   # else 2026-01-01T12:00:00Z: never the clock\n"
	"  tests:\n"
	"    - name: a full disk of the ledger pages its team\n"
	"      now: 2026-03-02T03:00:00Z    # for this test\n"
	"      alert:                       # or a file: alert.json\n"
	"        status: firing             # firing (default) or resolved\n"
	"        labels: {alertname: PlaceOrderErrors, severity: critical}\n"
	"        annotations: {summary: 5 % of orders fail}\n"
	"        starts_at: 2026-03-02T02:58:00Z\n"
	"        sender: am1\n"
	"      traces:\n"
	"        - orders.json              # a file, in any encoding that explain reads\n"
	"        - service: checkout        # or a tree of spans\n"
	"          operation: POST /orders  # default: the service's name\n"
	"          kind: server             # default: server, below its own service internal\n"
	"          error: true              # true, false, or the error's words\n"
	"          duration: 120ms          # default: the parent's; of the first span 100ms\n"
	"          start: 5ms               # after the parent's start; default: with it\n"
	"          attrs: {http.response.status_code: 500}\n"
	"          namespace: shop          # default: the parent's, as for the service\n"
	"          resource: {deployment.environment.name: prod}\n"
	"          copies: 10               # so many such traces\n"
	"          children:\n"
	"            - {service: ledger, error: disk is full}\n"
	"      healthy: [good.json]         # traces without the fault, to compare with\n"
	"      missing: budget_spent        # why no trace was found; a fallback's code\n"
	"      expect:                      # at least one of:\n"
	"        suspect: ledger            # none: no suspect\n"
	"        callee: none               # the other end of the call\n"
	"        fallback: none             # or no_trace, no_owner, low_confidence …\n"
	"        signal: place_order        # the signals: rule\n"
	"        team: ledger\n"
	"        page: sent                 # none: nobody is paged\n"
	"        escalation: ledger\n"
	"        pagers: [ledger-pagerduty] # of the first step\n"
	"        severity: critical\n"
	"        summary: \"ledger: disk is full*\"   # a glob\n\n"
	"Exit status: 0 all passed, 1 some failed or are wrong, 2 wrong usage, or no test was "
	"found.\n";

enum format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_JUNIT,
};

struct options {
	enum format format;
	const char *junit, *filter;
	bool verbose, colour;
	const char **paths; /* heap */
	size_t npaths;
};

static int usage(const char *text, const char *word)
{
	return usage_error("test", text, word);
}

/* A test that did not pass is named, then shown. */
static void add_test(struct buf *out, const struct options *options, const struct rule_test *test)
{
	static const char *const colours[] = { "\033[1;32m", "\033[1;31m" };
	bool failed = test->findings.nerrors > 0;

	if (!failed && !options->verbose)
		return;
	buf_printf(out, "%s%s%s %s:%d: ", options->colour ? colours[failed] : "",
		   failed ? "FAIL" : "ok  ", options->colour ? "\033[0m" : "", test->file,
		   test->line);
	plain_add(out, test->name, NAME_COLUMNS);
	buf_putc(out, '\n');
	findings_write(&test->findings, options->colour, out);
}

static void add_text(struct buf *out, const struct options *options, const struct rule_tests *tests)
{
	findings_write(&tests->findings, options->colour, out);
	for (size_t i = 0; i < tests->n; i++)
		add_test(out, options, &tests->at[i]);
	buf_printf(out, "%zu file%s, %zu test%s: ", tests->nfiles, tests->nfiles == 1 ? "" : "s",
		   tests->n, tests->n == 1 ? "" : "s");
	if (tests->findings.nerrors)
		buf_printf(out, "%zu error%s in files, ", tests->findings.nerrors,
			   tests->findings.nerrors == 1 ? "" : "s");
	if (tests->nfailed)
		buf_printf(out, "%zu failed\n", tests->nfailed);
	else
		buf_puts(out, tests->findings.nerrors ? "no other failed\n" : "all passed\n");
}

static void add_findings(struct buf *out, const char *key, const struct findings *findings)
{
	buf_json_key(out, key);
	findings_write_array(findings, SIZE_MAX, out);
}

static void add_json(struct buf *out, const struct rule_tests *tests)
{
	buf_putc(out, '{');
	buf_json_int(out, "version", 1);
	buf_json_int(out, "files", (int64_t)tests->nfiles);
	buf_json_int(out, "failed", (int64_t)tests->nfailed);
	add_findings(out, "findings", &tests->findings);
	buf_json_key(out, "tests");
	buf_putc(out, '[');
	for (size_t i = 0; i < tests->n; i++) {
		const struct rule_test *test = &tests->at[i];
		buf_puts(out, i ? ",{" : "{");
		buf_json_text(out, "file", test->file);
		buf_json_int(out, "line", test->line);
		buf_json_text(out, "name", test->name);
		buf_json_text(out, "result", test->findings.nerrors ? "failed" : "passed");
		add_findings(out, "findings", &test->findings);
		buf_putc(out, '}');
	}
	buf_puts(out, "]}\n");
}

/* 0, or 2 with a complaint. */
static int write_out(struct buf *out, const char *path)
{
	CLEANUP_FCLOSE FILE *file = NULL;
	FILE *to = stdout;

	if (path)
		to = file = fopen(path, "we");
	if (to && !out->failed && fwrite(buf_text(out), 1, out->len, to) == out->len &&
	    fflush(to) == 0)
		return 0;
	fprintf(stderr, "tracepager test: %s: %s\n", path ? path : "standard output",
		out->failed ? "there is too much to tell; use --filter" : strerror(errno));
	return 2;
}

static int print(const struct options *options, const struct rule_tests *tests)
{
	struct buf out = BUF_INIT(OUTPUT_CAP);
	int status = 0;

	if (options->junit) {
		test_write_junit(tests, &out);
		status = write_out(&out, options->junit);
		buf_reset(&out);
	}
	switch (options->format) {
	case FORMAT_TEXT:
		add_text(&out, options, tests);
		break;
	case FORMAT_JSON:
		add_json(&out, tests);
		break;
	case FORMAT_JUNIT:
		test_write_junit(tests, &out);
		break;
	}
	if (write_out(&out, NULL) || status)
		status = 2;
	buf_fini(&out);
	return status;
}

/* A path once: rules that are read twice define everything twice. Takes it. */
static void add_path(char **paths, size_t *n, char *path)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(paths[i], path) == 0) {
			free(path);
			return;
		}
	paths[(*n)++] = path;
}

/* Those of the command line; where it has files of tests only, the directories in which they stand.
 * Caller frees the list and its texts. */
static char **rules_paths(const struct options *options, size_t *ret_n)
{
	char **paths = xcalloc(options->npaths, sizeof(*paths));
	size_t n = 0;

	for (size_t i = 0; i < options->npaths; i++)
		if (!rules_is_test_file(options->paths[i]))
			add_path(paths, &n, xstrdup(options->paths[i]));
	for (size_t i = 0, rules = n; i < options->npaths && !rules; i++) {
		const char *path = options->paths[i], *slash = strrchr(path, '/');
		add_path(paths, &n,
			 slash ? xstrndup(path, (size_t)(slash + 1 - path)) : xstrdup("."));
	}
	*ret_n = n;
	return paths;
}

/* NULL: they cannot be loaded, which is told. */
static struct ruleset *load_rules(const struct options *options)
{
	struct findings findings = { .at = NULL };
	struct ruleset *rules = NULL;
	struct buf out = BUF_INIT(OUTPUT_CAP);
	size_t n;
	char **paths = rules_paths(options, &n);

	if (rules_load((const char *const *)paths, n, false, &rules, &findings) < 0) {
		findings_write(&findings, options->colour, &out);
		fputs(buf_text(&out), stderr);
		fputs("tracepager test: the rules cannot be loaded, so that no test was run\n",
		      stderr);
	}
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
	buf_fini(&out);
	findings_fini(&findings);
	return rules;
}

static int run(const struct options *options)
{
	const struct rule_tests_options what = { .paths = options->paths,
						 .npaths = options->npaths,
						 .filter = options->filter };
	struct ruleset *rules = load_rules(options);
	struct rule_tests tests;
	int status;

	if (!rules)
		return 1;
	rule_tests_run(rules, &what, &tests);
	if (!tests.nfiles)
		status = usage("there is no *_test.yaml beside ", options->paths[0]);
	else if (!tests.n && tests.nfiltered)
		status = usage("no test has a name like ", options->filter);
	else
		status = print(options, &tests);
	if (!status)
		status = !rule_tests_passed(&tests);
	rule_tests_fini(&tests);
	rules_unref(rules);
	return status;
}

static bool read_format(const char *text, enum format *ret_format)
{
	static const char *const names[] = {
		[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", [FORMAT_JUNIT] = "junit"
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret_format = (enum format)i;
			return true;
		}
	return false;
}

/* -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = { { "filter", required_argument, NULL, 'F' },
					       { "format", required_argument, NULL, 'f' },
					       { "junit", required_argument, NULL, 'j' },
					       { "verbose", no_argument, NULL, 'v' },
					       { "help", no_argument, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };

	optind = 0; /* main's own options were read by it */
	opterr = 0;
	for (;;) {
		switch (getopt_long(argc, argv, ":h", longs, NULL)) {
		case -1:
			return -1;
		case 'F':
			options->filter = optarg;
			break;
		case 'f':
			if (!read_format(optarg, &options->format))
				return usage("--format is text, json or junit, not ", optarg);
			break;
		case 'j':
			options->junit = optarg;
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		case ':':
			return usage("a value is missing after ", argv[optind - 1]);
		default:
			return usage("there is no option ", argv[optind - 1]);
		}
	}
}

int cmd_test(int argc, char **argv)
{
	struct options options = { .colour = terminal_has_colour(STDOUT_FILENO),
				   .paths = xcalloc((size_t)argc + 1, sizeof(const char *)) };
	int status = read_options(argc, argv, &options);

	if (status < 0) {
		for (int i = optind; i < argc; i++)
			options.paths[options.npaths++] = argv[i];
		if (!options.npaths)
			options.paths[options.npaths++] = DEFAULT_RULES;
		status = run(&options);
	}
	free(options.paths);
	return status;
}
