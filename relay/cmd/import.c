/*
 * tracepager import: rules from what people already keep about their services. Reads a catalogue's
 * files, writes rules, and lists on standard error what could not be carried over.
 */
#include "commands-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options-internal.h"
#include "output-internal.h"
#include "terminal-internal.h"
#include "usage-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/catalogue.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/rules_load.h"

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

static void import_add_text(struct buf *out, const struct import_options *options,
			    const struct catalogue *catalogue)
{
	const struct catalogue_counts *counts = catalogue_counts(catalogue);
	size_t n;
	const struct catalogue_loss *losses = catalogue_losses(catalogue, &n);

	for (size_t i = 0; i < n; i++)
		add_loss(out, &losses[i]);
	if (counts->losses + counts->notes > n)
		buf_printf(out, "and %zu more\n", counts->losses + counts->notes - n);
	output_add_count(out, "", counts->entries, "entry", "entries");
	output_add_count(out, " of ", counts->files, "file", "files");
	output_add_count(out, ": ", counts->teams, "team", "teams");
	output_add_count(out, ", ", counts->pagers, "pager", "pagers");
	output_add_count(out, ", ", counts->services, "service", "services");
	output_add_count(out, "; ", counts->left_out, "service left out\n", "services left out\n");
	if (!options->fallback)
		buf_puts(out, "no fallback: give --fallback TEAM, or have one in your other "
			      "rules\n");
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
			 const struct catalogue *catalogue)
{
	struct buf out = BUF_INIT(LIMIT_IMPORT_REPORT_BYTES);

	if (options->format == REPORT_JSON)
		import_add_json(&out, kind, catalogue);
	else
		import_add_text(&out, options, catalogue);
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
	/* The rules of the last import are better than half of the new ones. */
	bool left = !readable && options->output;
	bool written = !left && import_write_rules(options->output, catalogue) == 0;
	print_report(options, kind, catalogue);
	if (left)
		command_failed(0, "import", "%s is left as it was", options->output);
	size_t losses = catalogue_counts(catalogue)->losses;
	catalogue_free(catalogue);
	return !readable || !written ? STATUS_USAGE : losses ? 1 : 0;
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
		return usage_error("import", "there is no kind of catalogue %s",
				   options->arguments.at[0]);
	if (options->service_path && !strstr(options->service_path, "{service}"))
		return usage_error("import", "--service-path needs a {service}, not \"%s\"",
				   options->service_path);
	if (options->rules.n) {
		rules = output_load_rules((const char *const *)options->rules.at, options->rules.n,
					  terminal_has_colour(STDERR_FILENO));
		if (!rules)
			return command_failed(STATUS_USAGE, "import",
					      "the rules of --rules have errors");
		how.has_team = rules_have_team;
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
