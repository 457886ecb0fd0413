/*
 * tracepager import: rules from what people already keep about their services. Reads a catalogue's
 * files, writes rules, and tells on the standard error what could not be carried over. Owns nothing
 * but its options.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "usage-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/catalogue.h"
#include "tracepager/commands.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

/* A thousand losses as JSON, whose texts may grow sixfold. */
#define REPORT_CAP (64u << 20)
/* Rules say less than the catalogue that they are from; quoting and places add to it. */
#define RULES_CAP (4u * LIMIT_RULES_BYTES)
#define MAX_RULES 64u

static const char help[] =
	"usage: tracepager import KIND [OPTION]... FILE|DIRECTORY...\n\n"
	"Writes rules from a catalogue of services. KIND is one of:\n"
#define CATALOGUE(id, name, form, text) "  " name ": " text "\n"
#include "tracepager/tbl/catalogues.def"
#undef CATALOGUE
	"A directory is read with all that is beneath it: *.yaml and *.yml; for codeowners the "
	"files\n"
	"of that name; for pagerduty *.json.\n\n"
	"  -o, --output FILE       write the rules there (default: standard output)\n"
	"      --fallback TEAM     who is paged when no owner is known\n"
	"      --escalation NAME   of your other rules: pages the teams for which the catalogue "
	"has no\n"
	"                          pager\n"
	"      --keys DIRECTORY    where the keys of PagerDuty services will be, in files named by "
	"the\n"
	"                          services' ids: for catalogues that have ids and no keys\n"
	"      --rules PATH        rules that you have already: their teams own, and stay as they "
	"are;\n"
	"                          may be given several times\n"
	"      --service-path FORM codeowners: which directory is a service's\n"
	"                          (default: services/{service}/)\n"
	"      --format FORMAT     of the report on the standard error: text (default) or json\n"
	"      --help              print this\n\n"
	"A team is paged by its own pager, else by the only one that its services have, else by "
	"its\n"
	"parent's. A service whose owner cannot be paged is left out, and told: nothing is "
	"invented.\n"
	"The rules hold the keys that the catalogue has; FILE is made readable by you alone.\n\n"
	"Example: tracepager import backstage --fallback sre -o rules.d/catalog.yaml catalog/\n\n"
	"Exit status: 0 everything was carried over, 1 something was lost and is listed, 2 wrong "
	"usage,\n"
	"or a file that could not be read or written.\n";

struct options {
	enum catalogue_kind kind;
	struct catalogue_options catalogue;
	const char *output;
	const char *rules[MAX_RULES];
	size_t nrules;
	bool json;
};

static int usage(const char *text, const char *word)
{
	return usage_error("import", text, word);
}

/* "1 team", "2 teams"; many: the plural. */
static void add_count(struct buf *out, const char *before, size_t n, const char *one,
		      const char *many)
{
	buf_printf(out, "%s%zu %s", before, n, n == 1 ? one : many);
}

/* "2 no-pager, 1 person" of one sort. */
static void add_reasons(struct buf *out, const struct catalogue_counts *counts, bool notes)
{
	const char *before = ": ";

	for (int i = 0; i < LOSS_REASON_COUNT; i++) {
		enum loss_reason reason = (enum loss_reason)i;
		if (!counts->reasons[i] || loss_is_note(reason) != notes)
			continue;
		buf_printf(out, "%s%zu %s", before, counts->reasons[i], loss_word(reason));
		before = ", ";
	}
}

static void add_loss(struct buf *out, const struct catalogue_loss *loss)
{
	if (*loss->file) {
		plain_add(out, loss->file, LIMIT_CATALOGUE_TEXT_BYTES);
		if (loss->line)
			buf_printf(out, ":%d", loss->line);
		buf_puts(out, ": ");
	}
	if (loss_is_note(loss->reason))
		buf_puts(out, "note: ");
	if (*loss->what) {
		plain_add(out, loss->what, LIMIT_CATALOGUE_TEXT_BYTES);
		buf_puts(out, ": ");
	}
	plain_add(out, loss->why, LIMIT_CATALOGUE_TEXT_BYTES);
	buf_printf(out, " [%s]\n", loss_word(loss->reason));
}

static void add_text(struct buf *out, const struct options *options,
		     const struct catalogue *catalogue)
{
	const struct catalogue_counts *counts = catalogue_counts(catalogue);
	size_t n;
	const struct catalogue_loss *losses = catalogue_losses(catalogue, &n);

	for (size_t i = 0; i < n; i++)
		add_loss(out, &losses[i]);
	if (counts->losses + counts->notes > n)
		buf_printf(out, "and %zu more\n", counts->losses + counts->notes - n);
	add_count(out, "", counts->entries, "entry", "entries");
	add_count(out, " of ", counts->files, "file", "files");
	add_count(out, ": ", counts->teams, "team", "teams");
	add_count(out, ", ", counts->pagers, "pager", "pagers");
	add_count(out, ", ", counts->services, "service", "services");
	add_count(out, "; ", counts->left_out, "service left out\n", "services left out\n");
	if (!options->catalogue.fallback)
		buf_puts(out, "no fallback: give --fallback TEAM, or have one in your other "
			      "rules\n");
	add_count(out, "", counts->losses, "loss", "losses");
	add_reasons(out, counts, false);
	add_count(out, "; ", counts->notes, "note", "notes");
	add_reasons(out, counts, true);
	buf_putc(out, '\n');
}

static void add_json(struct buf *out, const struct options *options,
		     const struct catalogue *catalogue)
{
	const struct catalogue_counts *counts = catalogue_counts(catalogue);
	size_t n;
	const struct catalogue_loss *losses = catalogue_losses(catalogue, &n);

	buf_putc(out, '{');
	buf_json_int(out, "version", 1);
	buf_json_text(out, "kind", catalogue_kind_name(options->kind));
	buf_json_int(out, "files", (int64_t)counts->files);
	buf_json_int(out, "entries", (int64_t)counts->entries);
	buf_json_int(out, "teams", (int64_t)counts->teams);
	buf_json_int(out, "pagers", (int64_t)counts->pagers);
	buf_json_int(out, "services", (int64_t)counts->services);
	buf_json_int(out, "left_out", (int64_t)counts->left_out);
	buf_json_key(out, "reasons");
	buf_putc(out, '{');
	for (int i = 0; i < LOSS_REASON_COUNT; i++)
		if (counts->reasons[i])
			buf_json_int(out, loss_word((enum loss_reason)i),
				     (int64_t)counts->reasons[i]);
	buf_putc(out, '}');
	buf_json_key(out, "losses");
	buf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i ? ",{" : "{");
		buf_json_text(out, "level", loss_is_note(losses[i].reason) ? "note" : "loss");
		buf_json_text(out, "reason", loss_word(losses[i].reason));
		buf_json_text(out, "file", losses[i].file);
		buf_json_int(out, "line", losses[i].line);
		buf_json_text(out, "what", losses[i].what);
		buf_json_text(out, "why", losses[i].why);
		buf_putc(out, '}');
	}
	buf_puts(out, "]}\n");
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* The file is there whole or not at all: a daemon that reads it meanwhile sees no half of it. */
static int write_file(const char *path, const struct buf *rules)
{
	CLEANUP_FREE char *temporary = xasprintf("%s.%ld.tmp", path, (long)getpid());
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), result;

	if (fd < 0)
		return -errno;
	result = write_all(fd, buf_text(rules), rules->len);
	if (result == 0 && fsync(fd) < 0)
		result = -errno;
	close(fd);
	if (result == 0 && rename(temporary, path) < 0)
		result = -errno;
	if (result < 0)
		unlink(temporary);
	return result;
}

static int write_rules(const struct options *options, const struct catalogue *catalogue)
{
	struct buf rules = BUF_INIT(RULES_CAP);
	int result;

	catalogue_write(catalogue, &rules);
	if (rules.failed)
		result = -EFBIG;
	else if (options->output)
		result = write_file(options->output, &rules);
	else
		result = write_all(STDOUT_FILENO, buf_text(&rules), rules.len);
	buf_fini(&rules);
	if (result < 0)
		fprintf(stderr, "tracepager import: %s: cannot be written: %s\n",
			options->output ? options->output : "standard output", strerror(-result));
	return result;
}

static void report(const struct options *options, const struct catalogue *catalogue)
{
	struct buf out = BUF_INIT(REPORT_CAP);

	if (options->json)
		add_json(&out, options, catalogue);
	else
		add_text(&out, options, catalogue);
	fwrite(buf_text(&out), 1, out.len, stderr);
	buf_fini(&out);
}

static bool has_team(void *ctx, const char *name)
{
	return rules_team(ctx, name) != NULL;
}

/* The rules beside which the result goes; false: they cannot be read, which was told. */
static bool load_rules(const struct options *options, struct ruleset **ret_rules)
{
	struct findings findings = { .at = NULL };
	struct buf out = BUF_INIT(REPORT_CAP);
	int result = rules_load(options->rules, options->nrules, false, ret_rules, &findings);

	if (result < 0) {
		findings_write(&findings, false, &out);
		fprintf(stderr, "%stracepager import: the rules of --rules cannot be taken\n",
			buf_text(&out));
	}
	buf_fini(&out);
	findings_fini(&findings);
	return result == 0;
}

static int import(struct options *options, char *const *paths, int npaths)
{
	struct ruleset *rules = NULL;
	bool readable = true;

	if (options->nrules) {
		if (!load_rules(options, &rules))
			return 2;
		options->catalogue.has_team = has_team;
		options->catalogue.ctx = rules;
	}
	struct catalogue *catalogue = catalogue_new(options->kind, &options->catalogue);
	for (int i = 0; i < npaths; i++)
		readable &= catalogue_read(catalogue, paths[i]) == 0;
	catalogue_resolve(catalogue);
	/* What was imported before is better than half of it. */
	bool kept = !readable && options->output;
	bool written = !kept && write_rules(options, catalogue) == 0;
	report(options, catalogue);
	if (kept)
		fprintf(stderr, "tracepager import: %s is left as it was\n", options->output);
	int status = !readable || !written ? 2 : catalogue_counts(catalogue)->losses ? 1 : 0;
	catalogue_free(catalogue);
	rules_unref(rules);
	return status;
}

/* 0 to go on, else -1 with *ret_status. */
static int read_options(int argc, char **argv, struct options *options, int *ret_status)
{
	enum { FALLBACK = 256, ESCALATION, KEYS, RULES, SERVICE_PATH, FORMAT };
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "fallback", required_argument, NULL, FALLBACK },
		{ "escalation", required_argument, NULL, ESCALATION },
		{ "keys", required_argument, NULL, KEYS },
		{ "rules", required_argument, NULL, RULES },
		{ "service-path", required_argument, NULL, SERVICE_PATH },
		{ "format", required_argument, NULL, FORMAT },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};

	*ret_status = 2;
	optind = 0; /* main's own options were read by it */
	opterr = 0;
	for (;;) {
		switch (getopt_long(argc, argv, ":ho:", longs, NULL)) {
		case -1:
			return 0;
		case 'o':
			options->output = optarg;
			break;
		case FALLBACK:
			options->catalogue.fallback = optarg;
			break;
		case ESCALATION:
			options->catalogue.escalation = optarg;
			break;
		case KEYS:
			options->catalogue.key_files = optarg;
			break;
		case RULES:
			if (options->nrules == MAX_RULES) {
				*ret_status = usage("too many of ", "--rules");
				return -1;
			}
			options->rules[options->nrules++] = optarg;
			break;
		case SERVICE_PATH:
			options->catalogue.service_path = optarg;
			if (!strstr(optarg, "{service}")) {
				*ret_status = usage("--service-path needs a {service}: ", optarg);
				return -1;
			}
			break;
		case FORMAT:
			options->json = strcmp(optarg, "json") == 0;
			if (!options->json && strcmp(optarg, "text") != 0) {
				*ret_status = usage("--format is text or json, not ", optarg);
				return -1;
			}
			break;
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

int cmd_import(int argc, char **argv)
{
	struct options options = { .output = NULL };
	int status;

	if (read_options(argc, argv, &options, &status) < 0)
		return status;
	if (optind == argc)
		return usage("a kind of catalogue is missing", "");
	if (!catalogue_kind_parse(argv[optind], &options.kind))
		return usage("there is no kind of catalogue ", argv[optind]);
	if (optind + 1 == argc)
		return usage("a file or directory is missing", "");
	return import(&options, argv + optind + 1, argc - optind - 1);
}
