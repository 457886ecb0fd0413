/*
 * tracepager slo propose: what each signal and each call below it provides today, and objectives
 * that follow. It reads files of traces and the store beside a running daemon; it asks no relay and
 * writes nothing but its output.
 */
#include "slo-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit-internal.h"
#include "commands-internal.h"
#include "output-internal.h"
#include "usage-internal.h"
#include "tracepager/history.h"
#include "tracepager/limits.h"
#include "tracepager/terminal.h"
#include "tracepager/xalloc.h"

#define STATUS_NO_OBJECTIVE 1

static const char slo_command[] = "slo";

/* ---- options ---- */

/* "99.9" or "99.9%". False: it is no share from 50 to below 100; an error has been printed. */
static bool parse_availability(const char *text, double *ret_share)
{
	char *end;
	const double percent = strtod(text, &end);

	end += *end == '%';
	if (end == text || *end || !(percent >= 50 && percent < 100)) {
		usage_error(slo_command,
			    "--availability is a percentage from 50 to below 100, as 99.9, not "
			    "\"%s\"",
			    text);
		return false;
	}
	*ret_share = percent / 100;
	return true;
}

/* "250ms" or "2.5s". False: it is neither; an error has been printed. */
static bool parse_latency(const char *text, int64_t *ret_us)
{
	char *end;
	const double number = strtod(text, &end);
	const int64_t unit_us = strcmp(end, "ms") == 0	? US_PER_MS
				: strcmp(end, "s") == 0 ? US_PER_SECOND
							: 0;
	const double us = number * (double)unit_us;

	if (end == text || !(us >= 1 && us <= (double)US_PER_HOUR)) {
		usage_error(slo_command,
			    "--latency is a time up to an hour, as 250ms or 2.5s, not "
			    "\"%s\"",
			    text);
		return false;
	}
	*ret_us = (int64_t)us;
	return true;
}

static bool check_slo_options(const struct slo_options *options, struct slo_wish *ret_wish)
{
	if (strcmp(options->arguments.at[0], "propose") != 0)
		usage_error(slo_command, "\"%s\" is not propose", options->arguments.at[0]);
	else if (!options->store && !options->healthy.n)
		usage_error(slo_command, "give --healthy TRACE or --store PATH: objectives come "
					 "from healthy traces");
	else if (options->window_us < US_PER_DAY || options->window_us % US_PER_DAY)
		usage_error(slo_command, "--window is a number of days, as 28d");
	else
		return (!options->availability ||
			parse_availability(options->availability, &ret_wish->availability)) &&
		       (!options->latency || parse_latency(options->latency, &ret_wish->within_us));
	return false;
}

/* ---- rules ---- */

/* False: they cannot be read; an error has been printed. *ret_rules NULL: there are none. */
static bool read_slo_rules(const struct slo_options *options, struct ruleset **ret_rules)
{
	struct history *history = NULL;
	struct err err = { 0 };

	*ret_rules = NULL;
	if (options->rules) {
		*ret_rules =
			output_load_rules(&options->rules, 1, terminal_has_colour(STDERR_FILENO));
		if (!*ret_rules)
			command_failed(STATUS_USAGE, slo_command, "the rules have errors");
		return *ret_rules;
	}
	if (!options->store)
		return true;
	if (history_open(options->store, &history, &err) < 0) {
		command_failed(STATUS_USAGE, slo_command, "%s", err.text);
		return false;
	}
	/* A store without rules has operations all the same. */
	*ret_rules = audit_stored_rules(history, &err);
	history_close(history);
	return true;
}

/* ---- output ---- */

static void tell_count(int64_t n, const char *one, const char *several)
{
	if (n > 0)
		fprintf(stderr, "%lld %s\n", (long long)n, n == 1 ? one : several);
}

/* What the figures lack, on standard error. */
static void tell_basis(const struct slo_basis_told *told)
{
	tell_count(told->rootless, "trace has no span of a signal, or no root, and is left out",
		   "traces have no span of a signal, or no root, and are left out");
	tell_count(told->taken.old,
		   "healthy trace of the store is left out: an older version stored it without "
		   "its calls",
		   "healthy traces of the store are left out: an older version stored them "
		   "without their calls");
	tell_count(told->taken.left_out,
		   "request is left out or counted in part: it has too many calls, or there are "
		   "too many operations",
		   "requests are left out or counted in part: they have too many calls, or there "
		   "are too many operations");
	tell_count(told->unreadable, "decision of the store has healthy traces that cannot be read",
		   "decisions of the store have healthy traces that cannot be read");
}

static bool has_objective(const struct slo_proposal *proposal)
{
	for (uint32_t i = 0; i < proposal->nsignals; i++) {
		const struct slo_signal *signal = &proposal->signals[i];

		if (signal->figures.latency.basis != SLO_NONE ||
		    signal->figures.availability.basis != SLO_NONE)
			return true;
		for (uint32_t k = 0; k < signal->nedges; k++)
			if (signal->edges[k].figures.latency.basis != SLO_NONE ||
			    signal->edges[k].figures.availability.basis != SLO_NONE)
				return true;
	}
	return false;
}

static int write_slo_output(const struct slo_options *options, const struct buf *text)
{
	if (text->failed)
		return command_failed(STATUS_USAGE, slo_command,
				      "the proposal is larger than 256 MiB; choose a --signal");
	const int error = options->output ? output_write(options->output, buf_text(text), text->len)
					  : output_print(text);
	if (error)
		return command_failed(STATUS_USAGE, slo_command, "%s: %s",
				      options->output ? options->output : "standard output",
				      strerror(-error));
	return 0;
}

static int print_proposal(const struct slo_options *options, const struct slo_proposal *proposal)
{
	const struct slo_form form = { options->metrics, options->window_us };
	struct screen screen = { .columns = 100 };
	struct buf out = BUF_INIT(LIMIT_SLO_TEXT_BYTES);
	int status = 0;

	if (options->format == SLO_TEXT) {
		if (!options->output)
			screen_look(&screen);
		slo_write_text(proposal, &screen, &out);
	} else if (options->format == SLO_JSON) {
		slo_write_json(proposal, &form, &out);
	} else if (options->format == SLO_OPENSLO) {
		slo_write_openslo(proposal, &form, &out);
	} else {
		slo_write_sloth(proposal, &form, &out);
	}
	if (options->format == SLO_TEXT && !options->output && !out.failed)
		screen_print(&screen, &out);
	else
		status = write_slo_output(options, &out);
	buf_fini(&out);
	if (status || has_objective(proposal))
		return status;
	if (options->format != SLO_TEXT)
		fprintf(stderr, "tracepager slo: the samples show no objective; --format text says "
				"why, and how many are needed\n");
	return STATUS_NO_OBJECTIVE;
}

/* ---- the command ---- */

static int run_slo(const struct slo_options *options, const struct slo_wish *wish,
		   const struct ruleset *rules, struct slo_samples *samples)
{
	struct slo_basis_told told = { .rootless = 0 };
	struct slo_proposal proposal;

	if (slo_read(options, rules, samples, &told) < 0)
		return STATUS_USAGE;
	struct arena *arena = arena_new(LIMIT_SLO_ARENA_BYTES);
	slo_propose(samples, wish, options->signal, arena, &proposal);
	tell_basis(&told);
	int status = STATUS_NO_OBJECTIVE;
	if (proposal.nsignals)
		status = print_proposal(options, &proposal);
	else
		fprintf(stderr, "tracepager slo: no request of %s was found%s\n",
			options->signal ? options->signal : "any signal",
			options->store && !options->healthy.n
				? ": the store has healthy traces only of signals that had an alert"
				: "");
	arena_free(arena);
	return told.has_unreadable ? STATUS_USAGE : status;
}

int cmd_slo(int argc, char **argv)
{
	struct slo_options options;
	struct slo_wish wish = { .availability = 0 };
	struct ruleset *rules = NULL;
	int status;

	if (!options_parse_slo(argc, argv, &options, &status))
		return status;
	status = STATUS_USAGE;
	if (check_slo_options(&options, &wish) && read_slo_rules(&options, &rules)) {
		struct slo_samples *samples = slo_samples_new();
		status = run_slo(&options, &wish, rules, samples);
		slo_samples_free(samples);
	}
	rules_unref(rules);
	free(options.healthy.at);
	return status;
}
