/*
 * tracepager export: the rules as what other programs read. Loads rules, writes one text or the
 * files of a directory, and lists on standard error what could not be said.
 */
#include "commands-internal.h"
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options-internal.h"
#include "output-internal.h"
#include "usage-internal.h"
#include "tracepager/export.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/terminal.h"
#include "tracepager/xalloc.h"

static int list_export_kinds(void)
{
	struct buf out = BUF_INIT(LIMIT_EXPORT_LOSS_BYTES);

	for (int i = 0; i < EXPORT_KIND_COUNT; i++)
		buf_printf(&out, "%-14s%s\n", export_kind_name((enum export_kind)i),
			   export_kind_text((enum export_kind)i));
	int result = output_print(&out);
	buf_fini(&out);
	return result < 0 ? STATUS_USAGE : 0;
}

static void print_losses(const struct exported *exported)
{
	struct buf out = BUF_INIT(LIMIT_EXPORT_REPORT_BYTES);
	size_t n;
	const struct export_loss *losses = exported_losses(exported, &n);

	for (size_t i = 0; i < n; i++) {
		if (*losses[i].place) {
			plain_add(&out, losses[i].place, LIMIT_EXPORT_LOSS_BYTES);
			buf_puts(&out, ": ");
		}
		plain_add(&out, losses[i].text, LIMIT_EXPORT_LOSS_BYTES);
		buf_putc(&out, '\n');
	}
	output_add_count(&out, "", n, "loss\n", "losses\n");
	fwrite(buf_text(&out), 1, out.len, stderr);
	buf_fini(&out);
}

/* Returns 0, or -errno after telling why not. */
static int write_export_file(const char *path, const struct buf *text)
{
	int result = path ? output_write(path, buf_text(text), text->len) : output_print(text);

	if (result < 0)
		command_failed(0, "export", "%s: cannot be written: %s",
			       path ? path : "standard output", strerror(-result));
	return result;
}

static int write_export_dir(const char *directory, const struct export_file *files, size_t n)
{
	if (mkdir(directory, 0777) < 0 && errno != EEXIST) {
		int error = errno;
		command_failed(0, "export", "%s: cannot be made: %s", directory, strerror(error));
		return -error;
	}
	for (size_t i = 0; i < n; i++) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", directory, files[i].name);
		int result = write_export_file(path, &files[i].text);
		if (result < 0)
			return result;
	}
	return 0;
}

static bool is_directory(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Several files need a directory; one text goes to a file, or into a directory under its usual
 * name. */
static int write_exported(const struct export_options *options, enum export_kind kind,
			  const struct exported *exported)
{
	size_t n;
	const struct export_file *files = exported_files(exported, &n);

	if (export_kind_has_files(kind) || (options->output && is_directory(options->output)))
		return write_export_dir(options->output, files, n);
	return write_export_file(options->output, &files[0].text);
}

static int export_loaded(const struct export_options *options, enum export_kind kind,
			 const struct ruleset *rules)
{
	const struct export_how how = {
		.labels = (const char *const *)options->service_label.at,
		.nlabels = options->service_label.n,
		.metrics = options->metrics,
		.url = options->url,
	};
	struct exported *exported = export_rules(rules, kind, &how);
	const char *failed = exported_failed(exported);
	int status = 0;

	if (failed)
		status = command_failed(STATUS_USAGE, "export", "nothing was written: %s", failed);
	else if (write_exported(options, kind, exported) < 0)
		status = STATUS_USAGE;
	else
		print_losses(exported);
	exported_free(exported);
	return status;
}

static int run_export(const struct export_options *options)
{
	static const char *const default_paths[] = { DEFAULT_RULES_PATH };
	const char *const *paths = (const char *const *)options->arguments.at + 1;
	size_t n = options->arguments.n - 1;
	enum export_kind kind;

	if (!export_kind_parse(options->arguments.at[0], &kind))
		return usage_error("export",
				   "there is no kind of export %s; \"tracepager export\" "
				   "lists them",
				   options->arguments.at[0]);
	if (export_kind_has_files(kind) && !options->output)
		return usage_error("export", "%s are several files: give --output DIR",
				   export_kind_name(kind));
	struct ruleset *rules = output_load_rules(n ? paths : default_paths, n ? n : 1,
						  terminal_has_colour(STDERR_FILENO));
	if (!rules)
		return command_failed(STATUS_USAGE, "export", "the rules have errors");
	int status = export_loaded(options, kind, rules);
	rules_unref(rules);
	return status;
}

int cmd_export(int argc, char **argv)
{
	struct export_options options;
	int status;

	if (!options_parse_export(argc, argv, &options, &status))
		return status;
	status = options.arguments.n ? run_export(&options) : list_export_kinds();
	free(options.service_label.at);
	return status;
}
