/*
 * tracepager check: everything that is wrong with rules, in one pass. Loads them as the daemon
 * does, prints what the load found, and changes nothing. Owns nothing but its options.
 */
#include "usage-internal.h"
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "terminal-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/commands.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

/* A thousand findings with their lines and carets, as JSON. */
#define OUTPUT_CAP    (32u << 20)
#define DEFAULT_RULES "/etc/tracepager/rules.d"

static const char help[] =
	"usage: tracepager check [OPTION]... [RULES]...\n\n"
	"Finds everything that is wrong with rules: RULES are files, or directories of *.yaml "
	"files.\n"
	"Default: " DEFAULT_RULES "\n\n"
	"      --no-secrets      do not read the files of secrets (for a machine that does not "
	"have them)\n"
	"      --deny-warnings   a warning fails the check too\n"
	"      --format FORMAT   text (default), json, or sarif (2.1.0, for code hosts and "
	"editors)\n"
	"      --explain [CODE]  tell what a code such as E012 means, why it matters, and what to "
	"do;\n"
	"                        without a code: list all\n"
	"      --help            print this\n\n"
	"Exit status: 0 no problem (or warnings only), 1 problems, 2 wrong usage.\n";

enum format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_SARIF,
};

struct options {
	bool load_secrets, deny_warnings, explain;
	enum format format;
	const char *code;
	const char *const *paths;
	size_t npaths;
};

static int usage(const char *text, const char *word)
{
	return usage_error("check", text, word);
}

/* "--explain" alone lists all codes; the words behind it are codes to tell about. */
static int explain_codes(int n, const char *const *codes)
{
	struct buf out = BUF_INIT(OUTPUT_CAP);
	const char *code, *unknown = NULL;

	for (size_t i = 0; !n && (code = finding_code(i)); i++)
		buf_printf(&out, "%s  %s\n", code, finding_explain(code));
	for (int i = 0; i < n && !unknown; i++) {
		if (i)
			buf_putc(&out, '\n');
		if (!finding_explain_write(codes[i], &out))
			unknown = codes[i];
	}
	fputs(buf_text(&out), stdout);
	buf_fini(&out);
	return unknown ? usage("there is no code ", unknown) : 0;
}

/* "1 team", "2 teams". */
static void add_count(struct buf *out, const char *before, size_t n, const char *word)
{
	buf_printf(out, "%s%zu %s%s", before, n, word, n == 1 ? "" : "s");
}

static void add_summary(struct buf *out, const struct findings *findings)
{
	const struct rules_seen *seen = &findings->seen;
	const char *before = ": ";

	add_count(out, "", seen->files, "file");
	add_count(out, ", ", seen->teams, "team");
	add_count(out, ", ", seen->pagers, "pager");
	add_count(out, ", ", seen->services, "service");
	add_count(out, ", ", seen->signals, "signal");
	if (findings->nerrors) {
		add_count(out, before, findings->nerrors, "error");
		before = ", ";
	}
	if (findings->nwarnings)
		add_count(out, before, findings->nwarnings, "warning");
	if (!findings->nerrors && !findings->nwarnings)
		buf_puts(out, ": no problem");
	buf_putc(out, '\n');
}

static void add_json(struct buf *out, const struct ruleset *rules, const struct findings *findings)
{
	const struct rules_seen *seen = &findings->seen;

	buf_putc(out, '{');
	buf_json_int(out, "version", 1);
	buf_json_int(out, "errors", (int64_t)findings->nerrors);
	buf_json_int(out, "warnings", (int64_t)findings->nwarnings);
	buf_json_int(out, "files", (int64_t)seen->files);
	buf_json_int(out, "teams", (int64_t)seen->teams);
	buf_json_int(out, "pagers", (int64_t)seen->pagers);
	buf_json_int(out, "services", (int64_t)seen->services);
	buf_json_int(out, "signals", (int64_t)seen->signals);
	if (rules)
		buf_json_text(out, "hash", rules_hash(rules));
	buf_json_key(out, "findings");
	findings_write_array(findings, SIZE_MAX, out);
	buf_puts(out, "}\n");
}

static int check(const struct options *options)
{
	struct findings findings = { .now_us = clock_wall_us(clock_system()) };
	struct ruleset *rules = NULL;
	struct buf out = BUF_INIT(OUTPUT_CAP);

	rules_load(options->paths, options->npaths, options->load_secrets, &rules, &findings);
	switch (options->format) {
	case FORMAT_TEXT:
		findings_write(&findings, terminal_has_colour(STDOUT_FILENO), &out);
		add_summary(&out, &findings);
		break;
	case FORMAT_JSON:
		add_json(&out, rules, &findings);
		break;
	case FORMAT_SARIF:
		findings_write_sarif(&findings, PACKAGE_VERSION, &out);
		break;
	}
	bool failed = findings.nerrors > 0 || (options->deny_warnings && findings.nwarnings > 0);
	bool written = fwrite(buf_text(&out), 1, out.len, stdout) == out.len && fflush(stdout) == 0;
	buf_fini(&out);
	rules_unref(rules);
	findings_fini(&findings);
	return failed || !written;
}

static bool read_format(const char *text, enum format *ret_format)
{
	static const char *const names[] = {
		[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", [FORMAT_SARIF] = "sarif"
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret_format = (enum format)i;
			return true;
		}
	return false;
}

/* 0 to go on, else -1 with *ret_status. */
static int read_options(int argc, char **argv, struct options *options, int *ret_status)
{
	enum { NO_SECRETS = 256, DENY_WARNINGS, FORMAT, EXPLAIN, HELP };
	static const struct option longs[] = { { "no-secrets", no_argument, NULL, NO_SECRETS },
					       { "deny-warnings", no_argument, NULL,
						 DENY_WARNINGS },
					       { "format", required_argument, NULL, FORMAT },
					       { "explain", optional_argument, NULL, EXPLAIN },
					       { "help", no_argument, NULL, HELP },
					       { NULL, 0, NULL, 0 } };

	*ret_status = 2;
	optind = 0; /* main's own options were read by it */
	opterr = 0;
	for (;;) {
		switch (getopt_long(argc, argv, ":h", longs, NULL)) {
		case -1:
			return 0;
		case NO_SECRETS:
			options->load_secrets = false;
			break;
		case DENY_WARNINGS:
			options->deny_warnings = true;
			break;
		case FORMAT:
			if (read_format(optarg, &options->format))
				break;
			*ret_status = usage("--format is text, json or sarif, not ", optarg);
			return -1;
		case EXPLAIN:
			options->explain = true;
			options->code = optarg; /* "--explain=E012" */
			break;
		case HELP:
		case 'h':
			fputs(help, stdout);
			*ret_status = 0;
			return -1;
		case ':':
			*ret_status = usage("a value is missing after ", argv[optind - 1]);
			return -1;
		default:
			*ret_status = usage("there is no option ", argv[optind - 1]);
			return -1;
		}
	}
}

int cmd_check(int argc, char **argv)
{
	static const char *const default_paths[] = { DEFAULT_RULES };
	struct options options = { .load_secrets = true, .paths = default_paths, .npaths = 1 };
	int status;

	if (read_options(argc, argv, &options, &status) < 0)
		return status;
	if (options.explain)
		return options.code
			       ? explain_codes(1, &options.code)
			       : explain_codes(argc - optind, (const char *const *)(argv + optind));
	CLEANUP_FREE const char **paths = xcalloc((size_t)argc, sizeof(*paths));
	for (int i = optind; i < argc; i++)
		paths[i - optind] = argv[i];
	if (optind < argc) {
		options.paths = paths;
		options.npaths = (size_t)(argc - optind);
	}
	return check(&options);
}
