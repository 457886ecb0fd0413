/*
 * tracepager check: everything that is wrong with rules, in one pass. Loads them as the daemon
 * does, prints what the load found, and changes nothing. Owns nothing but its options.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/buf_json.h"
#include "tracepager/commands.h"
#include "tracepager/rules.h"
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
	"      --format FORMAT   text (default) or json\n"
	"      --explain CODE    tell what a code such as E012 means\n"
	"      --help            print this\n\n"
	"Exit status: 0 no problem (or warnings only), 1 problems, 2 wrong usage.\n";

struct options {
	bool load_secrets, deny_warnings, json;
	const char *explain;
	const char *const *paths;
	size_t npaths;
};

static int usage(const char *text, const char *word)
{
	fprintf(stderr, "tracepager check: %s%s; \"tracepager check --help\" tells more\n", text,
		word);
	return 2;
}

static int explain(const char *code)
{
	const char *text = finding_explain(code);

	if (!text)
		return usage("there is no code ", code);
	puts(text);
	return 0;
}

/* "1 team", "2 teams". */
static void add_count(struct buf *out, const char *before, size_t n, const char *word)
{
	buf_printf(out, "%s%zu %s%s", before, n, word, n == 1 ? "" : "s");
}

static void add_summary(struct buf *out, const struct options *options, const struct ruleset *rules,
			const struct findings *findings)
{
	size_t teams, pagers, services, signals;
	const char *before = "";

	for (size_t i = 0; i < options->npaths; i++)
		buf_printf(out, "%s%s", i ? " " : "", options->paths[i]);
	buf_puts(out, ": ");
	if (rules) {
		rules_count(rules, &teams, &pagers, &services, &signals);
		add_count(out, "", teams, "team");
		add_count(out, ", ", pagers, "pager");
		add_count(out, ", ", services, "service");
		add_count(out, ", ", signals, "signal");
		before = ": ";
	}
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

static void add_json_finding(struct buf *out, const struct finding *finding)
{
	buf_putc(out, '{');
	buf_json_text(out, "level", finding->level == FINDING_ERROR ? "error" : "warning");
	buf_json_text(out, "code", finding->code);
	buf_json_text(out, "file", finding->file);
	buf_json_int(out, "line", finding->line);
	buf_json_int(out, "column", finding->column);
	buf_json_int(out, "width", finding->width);
	buf_json_text(out, "text", finding->text);
	buf_json_text(out, "source", finding->source);
	buf_json_text(out, "hint", finding->hint);
	buf_putc(out, '}');
}

static void add_json(struct buf *out, const struct ruleset *rules, const struct findings *findings)
{
	size_t teams, pagers, services, signals;

	buf_putc(out, '{');
	buf_json_int(out, "version", 1);
	buf_json_int(out, "errors", (int64_t)findings->nerrors);
	buf_json_int(out, "warnings", (int64_t)findings->nwarnings);
	if (rules) {
		rules_count(rules, &teams, &pagers, &services, &signals);
		buf_json_int(out, "teams", (int64_t)teams);
		buf_json_int(out, "pagers", (int64_t)pagers);
		buf_json_int(out, "services", (int64_t)services);
		buf_json_int(out, "signals", (int64_t)signals);
		buf_json_text(out, "hash", rules_hash(rules));
	}
	buf_json_key(out, "findings");
	buf_putc(out, '[');
	for (size_t i = 0; i < findings->n; i++) {
		if (i)
			buf_putc(out, ',');
		add_json_finding(out, &findings->at[i]);
	}
	buf_puts(out, "]}\n");
}

static bool wants_colour(void)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color);
}

static int check(const struct options *options)
{
	struct findings findings = { .at = NULL };
	struct ruleset *rules = NULL;
	struct buf out = BUF_INIT(OUTPUT_CAP);

	rules_load(options->paths, options->npaths, options->load_secrets, &rules, &findings);
	if (options->json) {
		add_json(&out, rules, &findings);
	} else {
		findings_write(&findings, wants_colour(), &out);
		add_summary(&out, options, rules, &findings);
	}
	bool failed = findings.nerrors > 0 || (options->deny_warnings && findings.nwarnings > 0);
	bool written = fwrite(buf_text(&out), 1, out.len, stdout) == out.len && fflush(stdout) == 0;
	buf_fini(&out);
	rules_unref(rules);
	findings_fini(&findings);
	return failed || !written;
}

/* 0 to go on, else -1 with *ret_status. */
static int read_options(int argc, char **argv, struct options *options, int *ret_status)
{
	enum { NO_SECRETS = 256, DENY_WARNINGS, FORMAT, EXPLAIN, HELP };
	static const struct option longs[] = { { "no-secrets", no_argument, NULL, NO_SECRETS },
					       { "deny-warnings", no_argument, NULL,
						 DENY_WARNINGS },
					       { "format", required_argument, NULL, FORMAT },
					       { "explain", required_argument, NULL, EXPLAIN },
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
			options->json = strcmp(optarg, "json") == 0;
			if (!options->json && strcmp(optarg, "text") != 0) {
				*ret_status = usage("--format is text or json, not ", optarg);
				return -1;
			}
			break;
		case EXPLAIN:
			options->explain = optarg;
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
		return explain(options.explain);
	CLEANUP_FREE const char **paths = xcalloc((size_t)argc, sizeof(*paths));
	for (int i = optind; i < argc; i++)
		paths[i - optind] = argv[i];
	if (optind < argc) {
		options.paths = paths;
		options.npaths = (size_t)(argc - optind);
	}
	return check(&options);
}
