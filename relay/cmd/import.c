/*
 * tracepager import: rules from what people already keep: a catalogue of their services, or the
 * configuration of their Alertmanager. Reads its files, writes rules, and lists on standard error
 * what could not be carried over.
 */
#include "commands-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options-internal.h"
#include "output-internal.h"
#include "usage-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/catalogue.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/rules_load.h"
#include "tracepager/terminal.h"
#include "tracepager/xalloc.h"

/* "2 no-pager, 1 person": the counts of the losses, or of the notes. */
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

static bool is_equal_loss(const struct catalogue_loss *a, const struct catalogue_loss *b)
{
	return a->reason == b->reason && strcmp(a->why, b->why) == 0;
}

/* Where a loss is folded away: the entry, else its place. */
static void add_folded(struct buf *out, const struct catalogue_loss *loss)
{
	if (*loss->what)
		plain_add(out, loss->what, LIMIT_CATALOGUE_TEXT_BYTES);
	else if (*loss->file)
		plain_add(out, loss->file, LIMIT_CATALOGUE_TEXT_BYTES);
	if (!*loss->what && loss->line)
		buf_printf(out, ":%d", loss->line);
}

/* The losses, each with its place; of FOLD_FROM equal ones or more only the first, and a count with
 * the names of some others. The report as JSON has all. */
#define FOLD_FROM  3
#define FOLD_NAMES 5
static void add_losses(struct buf *out, const struct catalogue_loss *losses, size_t n)
{
	bool *folded = xcalloc(n + 1, sizeof(*folded));

	for (size_t i = 0; i < n; i++) {
		size_t equal = 0, named = 0;

		if (folded[i])
			continue;
		add_loss(out, &losses[i]);
		for (size_t j = i + 1; j < n; j++)
			equal += !folded[j] && is_equal_loss(&losses[i], &losses[j]);
		if (equal + 1 < FOLD_FROM)
			continue;
		buf_printf(out, "  and %zu more like it: ", equal);
		for (size_t j = i + 1; j < n; j++) {
			if (folded[j] || !is_equal_loss(&losses[i], &losses[j]))
				continue;
			folded[j] = true;
			if (named++ >= FOLD_NAMES)
				continue;
			buf_puts(out, named > 1 ? ", " : "");
			add_folded(out, &losses[j]);
		}
		buf_puts(out, named > FOLD_NAMES ? " …\n" : "\n");
	}
	free(folded);
}

/* Which options would carry over what is lost. */
static void add_cures(struct buf *out, enum catalogue_kind kind,
		      const struct catalogue_options *how, const struct catalogue_counts *counts)
{
	if (counts->reasons[LOSS_NO_PAGER] && !how->escalation)
		buf_puts(out,
			 "teams without a pager: give --escalation NAME, an escalation of your "
			 "other rules that pages them\n");
	if (counts->reasons[LOSS_SECRET])
		buf_puts(out,
			 "secrets: put each into its file, readable by tracepager alone; until "
			 "then check the rules by \"tracepager check --no-secrets\"\n");
	if (counts->reasons[LOSS_NO_KEY] && !how->key_files)
		buf_puts(out,
			 "services without a key: give --keys DIR, where their keys will be\n");
	if (counts->open_keys)
		buf_printf(
			out,
			"keys in the open: %zu, as in the catalogue; move each into a file of its "
			"own, and write routing_key_file: PATH (until then check warns, W021)\n",
			counts->open_keys);
	if (!how->fallback && !how->has_fallback && kind != CATALOGUE_ALERTMANAGER)
		buf_puts(out, "no fallback: give --fallback TEAM, or have one in your other "
			      "rules\n");
}

static void import_add_text(struct buf *out, enum catalogue_kind kind,
			    const struct catalogue_options *how, const struct catalogue *catalogue)
{
	const struct catalogue_counts *counts = catalogue_counts(catalogue);
	size_t n;
	const struct catalogue_loss *losses = catalogue_losses(catalogue, &n);

	add_losses(out, losses, n);
	if (counts->losses + counts->notes > n)
		buf_printf(out, "and %zu more\n", counts->losses + counts->notes - n);
	output_add_count(out, "", counts->entries, "entry", "entries");
	output_add_count(out, " of ", counts->files, "file", "files");
	output_add_count(out, ": ", counts->teams, "team", "teams");
	output_add_count(out, ", ", counts->pagers, "pager", "pagers");
	if (kind == CATALOGUE_ALERTMANAGER) {
		output_add_count(out, ", ", counts->routes, "route\n", "routes\n");
	} else {
		output_add_count(out, ", ", counts->services, "service", "services");
		output_add_count(out, "; ", counts->left_out, "service left out\n",
				 "services left out\n");
	}
	add_cures(out, kind, how, counts);
	output_add_count(out, "", counts->losses, "loss", "losses");
	add_reasons(out, counts, false);
	output_add_count(out, "; ", counts->notes, "note", "notes");
	add_reasons(out, counts, true);
	buf_putc(out, '\n');
}

static void import_add_json(struct buf *out, enum catalogue_kind kind,
			    const struct catalogue *catalogue)
{
	const struct catalogue_counts *counts = catalogue_counts(catalogue);
	size_t n;
	const struct catalogue_loss *losses = catalogue_losses(catalogue, &n);

	buf_putc(out, '{');
	buf_json_int(out, "version", 1);
	buf_json_text(out, "kind", catalogue_kind_name(kind));
	buf_json_int(out, "files", (int64_t)counts->files);
	buf_json_int(out, "entries", (int64_t)counts->entries);
	buf_json_int(out, "teams", (int64_t)counts->teams);
	buf_json_int(out, "pagers", (int64_t)counts->pagers);
	buf_json_int(out, "services", (int64_t)counts->services);
	buf_json_int(out, "routes", (int64_t)counts->routes);
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

/* Returns 0, or -errno after telling why not. */
static int import_write_rules(const char *path, const struct catalogue *catalogue)
{
	struct buf rules = BUF_INIT(LIMIT_IMPORT_RULES_BYTES);
	int result;

	catalogue_write(catalogue, &rules);
	if (rules.failed)
		result = -EFBIG;
	else if (path)
		result = output_replace(path, buf_text(&rules), rules.len);
	else
		result = output_print(&rules);
	buf_fini(&rules);
	if (result < 0)
		command_failed(0, "import", "%s: cannot be written: %s",
			       path ? path : "standard output", strerror(-result));
	return result;
}

static void print_report(const struct import_options *options, enum catalogue_kind kind,
			 const struct catalogue_options *how, const struct catalogue *catalogue)
{
	struct buf out = BUF_INIT(LIMIT_IMPORT_REPORT_BYTES);

	if (options->format == REPORT_JSON)
		import_add_json(&out, kind, catalogue);
	else
		import_add_text(&out, kind, how, catalogue);
	fwrite(buf_text(&out), 1, out.len, stderr);
	buf_fini(&out);
}

static bool rules_have_team(void *ctx, const char *name)
{
	return rules_team(ctx, name) != NULL;
}

/* Returns the exit status. */
static int import_files(const struct import_options *options, enum catalogue_kind kind,
			const struct catalogue_options *how)
{
	struct catalogue *catalogue = catalogue_new(kind, how);
	bool readable = true;

	for (size_t i = 1; i < options->arguments.n; i++)
		readable &= catalogue_read(catalogue, options->arguments.at[i]) == 0;
	catalogue_resolve(catalogue);
	bool empty = catalogue_counts(catalogue)->entries == 0;
	/* The rules of the last import are better than half of the new ones, or none. */
	bool left = !readable || empty;
	bool written = !left && import_write_rules(options->output, catalogue) == 0;
	print_report(options, kind, how, catalogue);
	if (readable && empty)
		command_failed(0, "import",
			       "found no entry of kind %s: \"tracepager import "
			       "--help\" tells which files are read",
			       catalogue_kind_name(kind));
	if (left && options->output)
		command_failed(0, "import", "%s is left as it was", options->output);
	size_t losses = catalogue_counts(catalogue)->losses;
	catalogue_free(catalogue);
	return !readable || empty || !written ? STATUS_USAGE : losses ? 1 : 0;
}

/* The rules beside which the result will stand; --fallback may be what they lack. */
static struct ruleset *import_load_rules(const struct import_options *options)
{
	const char *const *paths = (const char *const *)options->rules.at;
	struct findings findings = { .at = NULL };
	struct ruleset *rules = NULL;

	if (!options->fallback)
		return output_load_rules(paths, options->rules.n,
					 terminal_has_colour(STDERR_FILENO));
	if (rules_load_part(paths, options->rules.n, &rules, &findings) < 0)
		output_findings(&findings, terminal_has_colour(STDERR_FILENO));
	findings_fini(&findings);
	return rules;
}

/* Returns the exit status. A file may stand where the kind belongs. */
static int refuse_kind(const char *word)
{
	struct buf names = BUF_INIT(512);
	const char *known[CATALOGUE_KIND_COUNT];

	for (int i = 0; i < CATALOGUE_KIND_COUNT; i++) {
		known[i] = catalogue_kind_name((enum catalogue_kind)i);
		buf_printf(&names, "%s%s", i ? ", " : "", known[i]);
	}
	const char *nearest = nearest_word(word, known, CATALOGUE_KIND_COUNT);
	int status =
		usage_error("import", "there is no kind of catalogue %s%s%s%s; KIND is one of %s",
			    word, nearest ? " (did you mean \"" : "", nearest ? nearest : "",
			    nearest ? "\"?)" : "", buf_text(&names));
	buf_fini(&names);
	return status;
}

static int run_import(const struct import_options *options)
{
	struct catalogue_options how = { .fallback = options->fallback,
					 .escalation = options->escalation,
					 .key_files = options->keys,
					 .service_path = options->service_path };
	struct ruleset *rules = NULL;
	enum catalogue_kind kind;

	if (!catalogue_kind_parse(options->arguments.at[0], &kind))
		return refuse_kind(options->arguments.at[0]);
	if (options->service_path && !strstr(options->service_path, "{service}"))
		return usage_error("import", "--service-path needs a {service}, not \"%s\"",
				   options->service_path);
	if (options->rules.n) {
		rules = import_load_rules(options);
		if (!rules)
			return command_failed(STATUS_USAGE, "import",
					      "the rules of --rules have errors");
		how.has_team = rules_have_team;
		how.has_fallback = rules_fallback(rules) != NULL;
		how.ctx = rules;
	}
	int status = import_files(options, kind, &how);
	rules_unref(rules);
	return status;
}

int cmd_import(int argc, char **argv)
{
	struct import_options options;
	int status;

	if (!options_parse_import(argc, argv, &options, &status))
		return status;
	status = run_import(&options);
	free(options.rules.at);
	return status;
}
