/*
 * tracepager replay: past alerts decided again under other rules. The traces and the healthy
 * evidence are the stored ones, the time is that of the first decision, and the daemon's decide()
 * decides. Pool threads decide; the main thread reads the store and gathers the changes. Owns the
 * changes until they are printed.
 */
#include "commands-internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options-internal.h"
#include "output-internal.h"
#include "replay-internal.h"
#include "usage-internal.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/pool.h"
#include "tracepager/terminal.h"
#include "tracepager/xalloc.h"

/* Between two lines of progress. */
#define PROGRESS_US (100 * US_PER_MS)

struct replay {
	struct history *history;
	struct ruleset *rules;
	struct pool *pool;
	struct replay_result result;
	bool shows_progress;
	size_t in_flight, most_in_flight; /* jobs that the pool has */
	int64_t total, shown_at_us;
};

/* One decision; the pool's from submit to replay_job_done(). */
struct replay_job {
	const struct ruleset *rules; /* borrowed */
	struct replay *replay;
	struct past past;
	struct replay_change *change; /* NULL: the decision comes out the same */
	enum replay_basis basis;
	int result;
	struct err err;
};

/* ---- one decision ---- */

/* Takes the arena of the opened decision where there is a change; else NULL. */
static struct replay_change *find_change(struct opened *opened, const struct outcome *now,
					 enum replay_basis basis)
{
	const char *name = labels_get(&opened->alert.labels, "alertname");
	char *what = outcome_name_change(&opened->was, now);

	if (!what)
		return NULL;
	struct replay_change *change = xcalloc(1, sizeof(*change));
	change->id = opened->past->id;
	change->at_us = opened->past->at_us;
	change->alert = xstrdup(name ? name : opened->alert.fingerprint);
	change->sender = xstrdup(opened->alert.sender);
	change->incident = xstrdup(opened->past->incident);
	change->what = what;
	change->basis = basis;
	change->was = opened->was;
	change->now = *now;
	change->arena = opened->arena;
	opened->arena = NULL;
	return change;
}

static void replay_change_free(struct replay_change *change)
{
	arena_free(change->arena);
	free(change->alert);
	free(change->sender);
	free(change->incident);
	free(change->what);
	free(change);
}

/* On a thread of the pool. */
static void run_replay_job(void *arg)
{
	struct replay_job *job = arg;
	struct opened opened;
	struct decision decision;
	struct outcome now;

	job->result = opened_init(&opened, &job->past, job->rules, &job->err);
	if (job->result == 0) {
		job->basis = opened.by_told			     ? BASIS_SUSPECT
			     : job->past.kept == STORED_TRACES_PATHS ? BASIS_PATHS
								     : BASIS_TRACES;
		opened_decide(&opened, job->rules, &decision);
		job->result = outcome_of(opened.arena, &decision, &now, &job->err);
	}
	if (job->result == 0)
		job->change = find_change(&opened, &now, job->basis);
	opened_fini(&opened);
}

static void show_progress(struct replay *replay)
{
	int64_t now_us = clock_mono_us(clock_system());

	if (!replay->shows_progress || now_us - replay->shown_at_us < PROGRESS_US)
		return;
	replay->shown_at_us = now_us;
	fprintf(stderr, "\r%lld of %lld decisions", (long long)replay->result.decisions,
		(long long)replay->total);
}

static void count_job(struct replay_result *result, const struct replay_job *job)
{
	result->decisions++;
	if (job->result == -ENOENT) {
		result->older++;
	} else if (job->result < 0) {
		if (!result->unreadable++)
			snprintf(result->failure, sizeof(result->failure), "decision %lld: %s",
				 (long long)job->past.id, job->err.text);
	} else {
		result->by_suspect += job->basis == BASIS_SUSPECT;
		result->by_paths += job->basis == BASIS_PATHS;
	}
}

static void add_replay_change(struct replay_result *result, struct replay_change *change)
{
	size_t n = result->nchanges;

	if ((n & (n - 1)) == 0)
		result->changes = xrealloc_array(result->changes, n ? 2 * n : 1,
						 sizeof(struct replay_change *));
	result->changes[result->nchanges++] = change;
}

/* On the main thread, from pool_poll(). */
static void replay_job_done(void *arg)
{
	struct replay_job *job = arg;
	struct replay *replay = job->replay;

	replay->in_flight--;
	count_job(&replay->result, job);
	if (job->change)
		add_replay_change(&replay->result, job->change);
	show_progress(replay);
	past_fini(&job->past);
	free(job);
}

/* ---- all decisions ---- */

/* Waits until the pool has no more jobs than that. */
static void wait_for_jobs(struct replay *replay, size_t most)
{
	struct pollfd pollfd = { .fd = pool_fd(replay->pool), .events = POLLIN };

	while (replay->in_flight > most) {
		poll(&pollfd, 1, -1);
		pool_poll(replay->pool);
	}
}

static int decide_all(struct replay *replay, struct err *err)
{
	const struct replay_result *result = &replay->result;
	int64_t pos = 0;
	int found = history_count(replay->history, result->since_us, result->until_us,
				  &replay->total, err);

	while (found >= 0) {
		struct replay_job *job = xcalloc(1, sizeof(*job));
		job->replay = replay;
		job->rules = replay->rules;
		found = history_next(replay->history, result->since_us, result->until_us, &pos,
				     &job->past, err);
		if (found <= 0) {
			free(job);
			break;
		}
		replay->in_flight++;
		pool_submit(replay->pool, run_replay_job, replay_job_done, job);
		wait_for_jobs(replay, replay->most_in_flight);
	}
	wait_for_jobs(replay, 0);
	if (replay->shows_progress)
		fputs("\r\033[K", stderr);
	return found;
}

static int by_decision(const void *a, const void *b)
{
	const struct replay_change *const *x = a, *const *y = b;

	return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

static int print_replay(struct replay_result *result, enum report_format format)
{
	struct buf out = BUF_INIT(LIMIT_REPLAY_REPORT_BYTES);

	if (result->nchanges)
		qsort(result->changes, result->nchanges, sizeof(struct replay_change *),
		      by_decision);
	if (format == REPORT_JSON)
		replay_write_json(result, &out);
	else
		replay_write_text(result, &out);
	fwrite(buf_text(&out), 1, out.len, stdout);
	buf_fini(&out);
	return result->nchanges > 0;
}

static int run_replay(struct replay *replay, const struct replay_options *options)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int threads = cores < 1		      ? 1
			       : cores > LIMIT_REPLAY_THREADS ? LIMIT_REPLAY_THREADS
							      : (unsigned int)cores;
	struct err err = { 0 };

	replay->rules = output_load_rules(&options->rules, 1, terminal_has_colour(STDERR_FILENO));
	if (!replay->rules)
		return command_failed(STATUS_USAGE, "replay", "the rules have errors");
	if (history_open(options->store, &replay->history, &err) < 0)
		return command_failed(STATUS_USAGE, "replay", "%s", err.text);
	replay->pool = pool_new(threads);
	replay->most_in_flight = (size_t)threads * LIMIT_REPLAY_AHEAD;
	replay->shows_progress = isatty(STDERR_FILENO) != 0;
	replay->result = (struct replay_result){ .since_us = options->since_us,
						 .until_us = options->until_us,
						 .rules_hash = rules_hash(replay->rules) };
	if (decide_all(replay, &err) < 0)
		return command_failed(STATUS_USAGE, "replay", "%s", err.text);
	return print_replay(&replay->result, options->format);
}

static void replay_fini(struct replay *replay)
{
	pool_free(replay->pool);
	history_close(replay->history);
	rules_unref(replay->rules);
	for (size_t i = 0; i < replay->result.nchanges; i++)
		replay_change_free(replay->result.changes[i]);
	free(replay->result.changes);
}

int cmd_replay(int argc, char **argv)
{
	struct replay replay = { .history = NULL };
	struct replay_options options;
	int status;

	if (!options_parse_replay(argc, argv, &options, &status))
		return status;
	status = run_replay(&replay, &options);
	replay_fini(&replay);
	return status;
}
