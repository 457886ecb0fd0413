/*
 * tracepager senders: how monitoring systems are set up to send here: what to enter at each, and
 * what tracepager.yaml needs. Talks to nobody and reads no secret.
 */
#include "commands-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_file-internal.h"
#include "options-internal.h"
#include "output-internal.h"
#include "sender_setup-internal.h"
#include "table-internal.h"
#include "usage-internal.h"
#include "tracepager/findings.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const char senders_command[] = "senders";

struct senders_run {
	struct config *config; /* NULL: none was named, and there is none at the usual place */
	const char *path;
	struct buf base;
	struct screen screen;
};

/* ---- the lists ---- */

static void senders_write_formats(const struct screen *screen, struct buf *out)
{
	static const struct table_column columns[] = { { "FORMAT", 16 }, { "SENDER", 0 } };
	struct table table;

	table_init(&table, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		table_add(&table, SCREEN_PLAIN, alert_formats[i]->name);
		table_add(&table, SCREEN_PLAIN, alert_formats[i]->text);
	}
	for (size_t i = 0; mappings_shipped[i]; i++) {
		CLEANUP_FREE char *text =
			xasprintf("%s: format generic, mapping %s", mappings_shipped[i]->what,
				  mappings_shipped[i]->name);
		table_add(&table, SCREEN_PLAIN, mappings_shipped[i]->name);
		table_add(&table, SCREEN_PLAIN, text);
	}
	table_write(&table, screen, out);
	table_fini(&table);
}

static void senders_write_declared(const struct senders_run *run, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "NAME", 20 }, { "FORMAT", 14 }, { "URL", 60 }, { "PROVED BY", 0 }
	};
	const struct config *config = run->config;
	struct buf text = BUF_INIT(LIMIT_HELP_BYTES);
	struct table table;

	table_init(&table, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < config->nsenders; i++) {
		const struct sender_config *sender = &config->senders[i];
		table_add(&table, SCREEN_PLAIN, sender->name);
		table_add(&table, SCREEN_PLAIN, alert_formats[sender->format]->name);
		buf_reset(&text);
		sender_setup_url(sender, buf_text(&run->base), &text);
		table_add(&table, SCREEN_PLAIN, buf_text(&text));
		buf_reset(&text);
		sender_setup_proof(sender, &text);
		table_add(&table, SCREEN_PLAIN, buf_text(&text));
	}
	buf_printf(out, "\nDeclared in %s:\n", run->path);
	if (config->nsenders)
		table_write(&table, &run->screen, out);
	else
		buf_puts(out, "no sender\n");
	table_fini(&table);
	buf_fini(&text);
}

static void senders_list(const struct senders_run *run, struct buf *out)
{
	senders_write_formats(&run->screen, out);
	if (run->config)
		senders_write_declared(run, out);
	buf_puts(out, "\n\"tracepager senders NAME\" tells how one is set up.\n");
}

/* ---- one sender ---- */

static void senders_write_one(const struct senders_run *run, const struct sender_config *sender,
			      const char *options, struct buf *out)
{
	const struct alert_mapping *mapping = sender->mapping;
	const bool ships = mapping && mapping_shipped(mapping->name) == mapping;

	buf_printf(out, "%s: %s\n\n", sender->name,
		   ships ? mapping->what : alert_formats[sender->format]->text);
	sender_setup_write(sender, buf_text(&run->base), out);
	if (options)
		buf_printf(
			out,
			"\nIn tracepager.yaml, and then restart the daemon:\n---\n%s---\n"
			"A new token or secret: (umask 077; openssl rand -hex 32 >FILE), readable "
			"by the daemon.\n",
			options);
	else
		buf_printf(out, "\n%s declares the sender.\n", run->path);
	buf_printf(out,
		   "What it posts, kept in a file, is explained by\n"
		   "tracepager explain --alert FILE --why%s%s; what could not be read by "
		   "tracepager rejected.\n",
		   options ? "" : " --sender ", options ? "" : sender->name);
}

/* Of a sender that is not declared: as it would be. */
static bool senders_write_new(const struct senders_run *run, enum alert_format_id format,
			      const char *mapping, const char *name, struct buf *out)
{
	struct buf options = BUF_INIT(LIMIT_HELP_BYTES);
	struct findings findings = { 0 };
	struct config *config = NULL;

	sender_setup_options(format, mapping, name, &options);
	const int error = config_parse("tracepager.yaml", buf_text(&options), options.len, false,
				       &config, &findings);
	if (!error)
		senders_write_one(run, &config->senders[0], buf_text(&options), out);
	else
		output_findings(&findings, false);
	findings_fini(&findings);
	config_free(config);
	buf_fini(&options);
	return !error;
}

static int refuse_sender_name(const struct senders_run *run, const char *name)
{
	const size_t declared = run->config ? run->config->nsenders : 0;
	const char **known = xcalloc(FORMAT_COUNT + declared, sizeof(*known));

	for (size_t i = 0; i < FORMAT_COUNT; i++)
		known[i] = alert_formats[i]->name;
	for (size_t i = 0; i < declared; i++)
		known[FORMAT_COUNT + i] = run->config->senders[i].name;
	const char *nearest = nearest_word(name, known, FORMAT_COUNT + declared);
	const int status = usage_error(
		senders_command, "\"%s\" is neither a declared sender nor a format%s%s%s", name,
		nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
	free(known);
	return status;
}

static int senders_show(const struct senders_run *run, const char *name, struct buf *out)
{
	const struct sender_config *sender =
		run->config ? config_file_sender(run->config, name) : NULL;

	if (sender) {
		senders_write_one(run, sender, NULL, out);
		return 0;
	}
	for (size_t i = 0; i < FORMAT_COUNT; i++)
		if (strcmp(alert_formats[i]->name, name) == 0)
			return senders_write_new(run, (enum alert_format_id)i, NULL, name, out) ? 0
												: 1;
	if (mapping_shipped(name))
		return senders_write_new(run, FORMAT_GENERIC, name, name, out) ? 0 : 1;
	return refuse_sender_name(run, name);
}

/* ---- the command ---- */

/* false: it was named, and cannot be read; an error has been printed. */
static bool senders_read_config(struct senders_run *run, const char *path)
{
	run->path = path ? path : CONFIG_FILE_DEFAULT;
	if (!path && access(run->path, R_OK) != 0)
		return true;
	run->config = config_file_read(senders_command, run->path);
	return run->config != NULL;
}

int cmd_senders(int argc, char **argv)
{
	struct senders_run run = { .base = BUF_INIT(LIMIT_HELP_BYTES) };
	struct buf text = BUF_INIT(LIMIT_COMMAND_ARENA_BYTES);
	struct senders_options options;
	int status = 0;

	if (!options_parse_senders(argc, argv, &options, &status))
		return status;
	if (!senders_read_config(&run, options.config))
		return STATUS_USAGE;
	screen_look(&run.screen);
	sender_setup_base(run.config, &run.base);
	if (options.arguments.n)
		status = senders_show(&run, options.arguments.at[0], &text);
	else
		senders_list(&run, &text);
	screen_print(&run.screen, &text);
	buf_fini(&text);
	buf_fini(&run.base);
	config_free(run.config);
	return status;
}
