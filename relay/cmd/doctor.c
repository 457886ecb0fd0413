/*
 * tracepager doctor: looks whether a relay could start, runs well and would reach people, and
 * prints what is wrong with the cure. The looking is doctor's (doctor.h); here are the command
 * line, the progress, and the exit status of a monitoring plugin. Owns the report.
 */
#include "commands-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client-internal.h"
#include "config_file-internal.h"
#include "doctor_print-internal.h"
#include "options-internal.h"
#include "usage-internal.h"
#include "tracepager/doctor.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

/* What plugins of monitoring systems return: 0 all is well, 1 warnings, 2 failures, 3 unknown. */
#define STATUS_UNKNOWN 3

static const char doctor_command[] = "doctor";

/* ---- the command line ---- */

static bool doctor_refuse_check(const char *word)
{
	const char *names[DOCTOR_CHECK_COUNT];

	for (int i = 0; i < DOCTOR_CHECK_COUNT; i++)
		names[i] = doctor_rows[i].name;
	const char *nearest = nearest_word(word, names, DOCTOR_CHECK_COUNT);
	usage_error(doctor_command, "there is no check \"%s\"%s%s%s; --list names them", word,
		    nearest ? "; did you mean \"" : "", nearest ? nearest : "",
		    nearest ? "\"?" : "");
	return false;
}

/* Checks of one --only or --ignore, with commas between them. */
static bool doctor_mark(const char *words, bool value, bool wanted[DOCTOR_CHECK_COUNT])
{
	while (*words) {
		CLEANUP_FREE char *word = xstrndup(words, strcspn(words, ","));
		const enum doctor_check check = doctor_check_find(word);
		if (check == DOCTOR_CHECK_COUNT)
			return doctor_refuse_check(word);
		wanted[check] = value;
		words += strlen(word);
		words += *words == ',';
	}
	return true;
}

static bool doctor_take_checks(const struct doctor_options *options,
			       bool wanted[DOCTOR_CHECK_COUNT])
{
	for (int i = 0; i < DOCTOR_CHECK_COUNT; i++)
		wanted[i] = !options->only.n;
	for (size_t i = 0; i < options->only.n; i++)
		if (!doctor_mark(options->only.at[i], true, wanted))
			return false;
	for (size_t i = 0; i < options->ignore.n; i++)
		if (!doctor_mark(options->ignore.at[i], false, wanted))
			return false;
	return true;
}

/* The relay on this machine is asked directly, whatever http_proxy says; others by the proxy. */
static void doctor_keep_own_from_proxy(void)
{
	/* curl reads the variable in capitals only without the other one. */
	const char *given = getenv("no_proxy") ? getenv("no_proxy") : getenv("NO_PROXY");
	CLEANUP_FREE char *own = xasprintf("%s%slocalhost,127.0.0.1,::1", given ? given : "",
					   given && *given ? "," : "");

	setenv("no_proxy", own, 1);
}

/* ---- the progress ---- */

static void doctor_on_progress(void *ctx, size_t done, size_t all, const char *waits_for)
{
	(void)ctx;
	if (*waits_for)
		fprintf(stderr, "\r\033[K%zu of %zu; waiting for %.60s", done, all, waits_for);
	else
		fputs("\r\033[K", stderr);
	fflush(stderr);
}

/* ---- the run ---- */

/* A monitoring system that asks for checks of which none could be made is not told that all is
 * well. */
static int doctor_status(const struct doctor_report *report, enum doctor_format format)
{
	if (format == DOCTOR_FORMAT_PLUGIN && report->counts[DOCTOR_SKIPPED] == report->n)
		return STATUS_UNKNOWN;
	return report->counts[DOCTOR_FAILURE] ? 2 : report->counts[DOCTOR_WARNING] ? 1 : 0;
}

static int doctor_look(const struct doctor_options *options, const struct client_target *target)
{
	struct doctor_scope scope = {
		.config = options->config,
		.url = options->client.url || getenv("TRACEPAGER_URL") ? target->url : NULL,
		.token = &target->token,
		.ca_file = target->ca_file,
		.progress = isatty(STDERR_FILENO) && !options->quiet ? doctor_on_progress : NULL,
	};
	struct doctor_report report;

	if (!doctor_take_checks(options, scope.wanted))
		return STATUS_UNKNOWN;
	if (!scope.config && access(CONFIG_FILE_DEFAULT, F_OK) == 0)
		scope.config = CONFIG_FILE_DEFAULT;
	doctor_run(&scope, &report);
	doctor_print(&report, options);
	const int status = doctor_status(&report, options->format);
	doctor_report_fini(&report);
	return status;
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor_options options;
	struct client_target target = { .url = NULL };
	struct err err = { 0 };
	int status;

	if (!options_parse_doctor(argc, argv, &options, &status))
		return status == STATUS_USAGE ? STATUS_UNKNOWN : status;
	log_set_level(LOG_LEVEL_ERROR);
	doctor_keep_own_from_proxy();
	if (options.list) {
		doctor_print_list();
		status = 0;
	} else if (client_target_init(&target, &options.client, &err) != CLIENT_DONE) {
		usage_error(doctor_command, "%s", err.text);
		status = STATUS_UNKNOWN;
	} else {
		status = doctor_look(&options, &target);
	}
	client_target_fini(&target);
	free(options.only.at);
	free(options.ignore.at);
	return status;
}
