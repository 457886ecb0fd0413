/*
 * tracepager replay: past alerts decided again under other rules, and what that would have changed.
 * The traces and the healthy evidence are those that were stored, the time is that of then, and
 * what decides is the daemon's decide(). Several threads decide; what changed is told in the order
 * of time. It owns what changed until it is printed.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "past-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/commands.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/pool.h"
#include "tracepager/xalloc.h"

#define THREADS_MAX 16
/* Decisions that are read ahead: a few for each thread. */
#define AHEAD_PER_THREAD 8
#define OUTPUT_BYTES	 ((size_t)1 << 30)
#define TEXT_COLUMNS	 200
#define PROGRESS_US	 (100 * US_PER_MS)

static const char help[] =
	"usage: tracepager replay [OPTION]... --store PATH --rules NEW\n\n"
	"Decides the stored alerts again under the rules NEW, with the traces and the healthy\n"
	"evidence that were stored and at the time of then, and prints what would be different.\n"
	"It reads the store beside a running daemon, pages nobody and writes nothing.\n\n"
	"      --store PATH      the daemon's store\n"
	"      --rules NEW       a file or a directory of rules\n"
	"      --since TIME      from then on: 7d (the default) ago, or 2026-09-01T10:00:00Z\n"
	"      --until TIME      and before then (default: now)\n"
	"      --format FORMAT   text (default) or json\n"
	"      --help            print this\n\n"
	"Traces are kept for 7 days, at most 2 GiB of them. A decision whose traces are gone is\n"
	"decided again with the suspect that it had, and marked: its attributes cannot be "
	"matched.\n"
	"Of very large traces only the paths were kept, which is marked too. Attributes of spans\n"
	"that only NEW names were not kept, and are as if they were not there.\n\n"
	"Exit status: 0 nothing changes, 1 something does, 2 wrong usage or unreadable input.\n";

/* What decided it now. */
enum basis {
	BASIS_TRACES, /* or that there was none */
	BASIS_PATHS,
	BASIS_SUSPECT,
};

static const char *const basis_names[] = { "traces", "paths", "suspect" };

/* One past decision that comes out differently. */
struct change {
	int64_t id, at_us;
	char *alert, *sender;
	char *what; /* "payments -> ledger" */
	enum basis basis;
	char *incident;
	struct arena *arena;
	struct outcome was, now;
};

struct replay {
	const char *store_path, *rules_path;
	bool json, progress;
	int64_t since_us, until_us;
	struct history *history;
	struct ruleset *rules;
	struct pool *pool;
	size_t in_flight, ahead;
	int64_t total, done, told, paths, older, told_at_us;
	int64_t nfailed;
	char failure[400]; /* the first one */
	struct change **changes;
	size_t nchanges;
};

struct job {
	struct replay *replay;
	struct past past;
	struct change *change; /* NULL: it comes out the same */
	enum basis basis;
	int result;
	struct err err;
};

/* ---- one decision ---- */

static const char *suspect_text(struct arena *arena, const struct outcome *outcome)
{
	if (!outcome->found)
		return "";
	return *outcome->callee ? arena_printf(arena, "%s > %s", outcome->suspect, outcome->callee)
				: outcome->suspect;
}

static bool differ(const char *a, const char *b)
{
	return strcmp(a, b) != 0;
}

/* What a person would call the difference; NULL: there is none. Pages that neither were nor are
 * sent are the same. */
static char *name_change(struct arena *arena, const struct outcome *was, const struct outcome *now)
{
	if (!was->sent && !now->sent)
		return NULL;
	if (!now->sent)
		return xstrdup("no longer sent");
	if (!was->sent)
		return xstrdup("new");
	if (differ(was->team, now->team))
		return xasprintf("%s -> %s", was->team, now->team);
	if (differ(was->severity, now->severity))
		return xasprintf("from %s to %s", was->severity, now->severity);
	if (differ(was->policy, now->policy) || differ(was->pagers, now->pagers))
		return xstrdup("to other pagers of the team");
	if (differ(suspect_text(arena, was), suspect_text(arena, now)))
		return xstrdup("with another suspect");
	return NULL;
}

static struct change *compare(struct opened *opened, const struct outcome *now, enum basis basis)
{
	char *what = name_change(opened->arena, &opened->was, now);
	const char *name;

	if (!what)
		return NULL;
	struct change *change = xcalloc(1, sizeof(*change));
	name = labels_get(&opened->alert.labels, "alertname");
	change->id = opened->past->id;
	change->at_us = opened->past->at_us;
	change->alert = xstrdup(name ? name : opened->alert.fingerprint);
	change->sender = xstrdup(opened->alert.sender);
	change->incident = xstrdup(opened->past->incident);
	change->what = what;
	change->basis = basis;
	change->was = opened->was;
	change->now = *now;
	/* The texts are the arena's. */
	change->arena = opened->arena;
	opened->arena = NULL;
	return change;
}

static void change_free(struct change *change)
{
	arena_free(change->arena);
	free(change->alert);
	free(change->sender);
	free(change->incident);
	free(change->what);
	free(change);
}

/* In the pool. */
static void run_job(void *arg)
{
	struct job *job = arg;
	struct opened opened;
	struct decision decision;
	struct outcome now;

	job->result = opened_init(&opened, &job->past, job->replay->rules, &job->err);
	if (job->result == 0) {
		job->basis = opened.by_told			     ? BASIS_SUSPECT
			     : job->past.kept == STORED_TRACES_PATHS ? BASIS_PATHS
								     : BASIS_TRACES;
		opened_decide(&opened, job->replay->rules, &decision);
		job->result = outcome_of(opened.arena, &decision, &now, &job->err);
	}
	if (job->result == 0)
		job->change = compare(&opened, &now, job->basis);
	opened_fini(&opened);
}

static void show_progress(struct replay *replay)
{
	int64_t now_us = clock_mono_us(clock_system());

	if (!replay->progress || now_us - replay->told_at_us < PROGRESS_US)
		return;
	replay->told_at_us = now_us;
	fprintf(stderr, "\r%lld of %lld decisions", (long long)replay->done,
		(long long)replay->total);
}

static void job_ran(void *arg)
{
	struct job *job = arg;
	struct replay *replay = job->replay;

	replay->in_flight--;
	replay->done++;
	if (job->result == -ENOENT) {
		replay->older++;
	} else if (job->result < 0) {
		if (!replay->nfailed++)
			snprintf(replay->failure, sizeof(replay->failure), "decision %lld: %s",
				 (long long)job->past.id, job->err.text);
	} else {
		replay->told += job->basis == BASIS_SUSPECT;
		replay->paths += job->basis == BASIS_PATHS;
	}
	if (job->change) {
		if ((replay->nchanges & (replay->nchanges - 1)) == 0)
			replay->changes = xrealloc_array(
				replay->changes, replay->nchanges ? 2 * replay->nchanges : 1,
				sizeof(struct change *));
		replay->changes[replay->nchanges++] = job->change;
	}
	show_progress(replay);
	past_fini(&job->past);
	free(job);
}

/* ---- all of them ---- */

/* Until fewer than so many are under way. */
static void drain(struct replay *replay, size_t most)
{
	struct pollfd pollfd = { .fd = pool_fd(replay->pool), .events = POLLIN };

	while (replay->in_flight > most) {
		poll(&pollfd, 1, -1);
		pool_poll(replay->pool);
	}
}

static int decide_all(struct replay *replay, struct err *err)
{
	int64_t pos = 0;
	int result = history_count(replay->history, replay->since_us, replay->until_us,
				   &replay->total, err);

	while (result >= 0) {
		struct job *job = xcalloc(1, sizeof(*job));
		job->replay = replay;
		result = history_next(replay->history, replay->since_us, replay->until_us, &pos,
				      &job->past, err);
		if (result <= 0) {
			free(job);
			break;
		}
		replay->in_flight++;
		pool_submit(replay->pool, run_job, job_ran, job);
		drain(replay, replay->ahead);
	}
	drain(replay, 0);
	if (replay->progress)
		fputs("\r\033[K", stderr);
	return result;
}

static int by_id(const void *a, const void *b)
{
	const struct change *const *x = a, *const *y = b;

	return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

/* ---- telling ---- */

/* How many changes there are of each sort, the most first. */
struct tally {
	const char *what;
	size_t n;
};

static int by_count(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->what, y->what);
}

static struct tally *tally_up(const struct replay *replay, size_t *ret_n)
{
	struct tally *tallies = xcalloc(replay->nchanges + 1, sizeof(*tallies));
	struct map *index = map_new();
	size_t n = 0;

	for (size_t i = 0; i < replay->nchanges; i++) {
		const char *what = replay->changes[i]->what;
		struct tally *tally = map_get(index, what);
		if (!tally) {
			tally = &tallies[n++];
			tally->what = what;
			map_put(index, what, tally);
		}
		tally->n++;
	}
	map_free(index);
	qsort(tallies, n, sizeof(*tallies), by_count);
	*ret_n = n;
	return tallies;
}

static void add_headline(const struct replay *replay, struct buf *out)
{
	char since[PAST_TIME_SIZE];
	size_t n;
	struct tally *tallies = tally_up(replay, &n);

	if (replay->nchanges == 0)
		buf_puts(out, "no page changes");
	else
		buf_printf(out, "%zu page%s: ", replay->nchanges,
			   replay->nchanges == 1 ? " changes" : "s change");
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s%zu ", i ? ", " : "", tallies[i].n);
		plain_add(out, tallies[i].what, TEXT_COLUMNS);
	}
	buf_printf(out, "; %lld decision%s since %s\n", (long long)replay->done,
		   replay->done == 1 ? "" : "s", past_time_text(replay->since_us, since));
	free(tallies);
}

static void add_outcome(struct arena *arena, const struct outcome *outcome, struct buf *out)
{
	if (!outcome->sent) {
		buf_puts(out, "no page");
		return;
	}
	plain_add(out, outcome->team, TEXT_COLUMNS);
	buf_printf(out, "/%s/", outcome->severity);
	plain_add(out, outcome->found ? suspect_text(arena, outcome) : "no suspect", TEXT_COLUMNS);
}

static void add_change(const struct change *change, struct buf *out)
{
	static const char *const marks[] = { "", "  (by the paths of its traces)",
					     "  (by the suspect of then: its traces are gone)" };
	char at[PAST_TIME_SIZE];

	buf_printf(out, "%s  ", past_time_text(change->at_us, at));
	plain_add(out, change->alert, TEXT_COLUMNS);
	buf_puts(out, "  ");
	add_outcome(change->arena, &change->was, out);
	buf_puts(out, " -> ");
	add_outcome(change->arena, &change->now, out);
	buf_puts(out, "  ");
	plain_add(out, change->now.rule, TEXT_COLUMNS);
	buf_printf(out, "%s\n", marks[change->basis]);
}

static void add_note(struct buf *out, int64_t n, const char *text)
{
	if (n)
		buf_printf(out, "%lld %s\n", (long long)n, text);
}

static void add_text(const struct replay *replay, struct buf *out)
{
	add_headline(replay, out);
	for (size_t i = 0; i < replay->nchanges; i++)
		add_change(replay->changes[i], out);
	add_note(out, replay->told,
		 "decided again by the suspect of then, since their traces are gone");
	add_note(out, replay->paths,
		 "decided again by the paths of their traces, which were too large to keep");
	add_note(out, replay->older, "left out: an older version kept them without their alert");
	if (replay->nfailed) {
		buf_printf(out, "%lld left out: they cannot be read (", (long long)replay->nfailed);
		plain_add(out, replay->failure, TEXT_COLUMNS);
		buf_puts(out, ")\n");
	}
}

static void add_json_outcome(const char *key, const struct outcome *outcome, struct buf *out)
{
	buf_json_key(out, key);
	buf_putc(out, '{');
	buf_json_key(out, "sent");
	buf_puts(out, outcome->sent ? "true" : "false");
	buf_json_text(out, "team", *outcome->team ? outcome->team : NULL);
	buf_json_text(out, "severity", outcome->sent ? outcome->severity : NULL);
	buf_json_text(out, "policy", *outcome->policy ? outcome->policy : NULL);
	buf_json_text(out, "pagers", *outcome->pagers ? outcome->pagers : NULL);
	buf_json_text(out, "suspect", outcome->found ? outcome->suspect : NULL);
	buf_json_text(out, "callee", *outcome->callee ? outcome->callee : NULL);
	buf_json_text(out, "rule", *outcome->rule ? outcome->rule : NULL);
	buf_putc(out, '}');
}

static void add_json_change(const struct change *change, struct buf *out)
{
	char at[RFC3339_SIZE];

	buf_putc(out, '{');
	buf_json_int(out, "decision", change->id);
	buf_json_text(out, "at", rfc3339_format(change->at_us, at));
	buf_json_text(out, "alert", change->alert);
	buf_json_text(out, "sender", change->sender);
	buf_json_text(out, "incident", *change->incident ? change->incident : NULL);
	buf_json_text(out, "change", change->what);
	buf_json_text(out, "by", basis_names[change->basis]);
	add_json_outcome("was", &change->was, out);
	add_json_outcome("now", &change->now, out);
	buf_putc(out, '}');
}

static void add_json(const struct replay *replay, struct buf *out)
{
	char at[RFC3339_SIZE];

	buf_putc(out, '{');
	buf_json_int(out, "version", 1);
	buf_json_text(out, "since", rfc3339_format(replay->since_us, at));
	buf_json_text(out, "until", rfc3339_format(replay->until_us, at));
	buf_json_text(out, "rules", rules_hash(replay->rules));
	buf_json_int(out, "decisions", replay->done);
	buf_json_int(out, "by_suspect", replay->told);
	buf_json_int(out, "by_paths", replay->paths);
	buf_json_int(out, "left_out", replay->older + replay->nfailed);
	buf_json_key(out, "changes");
	buf_putc(out, '[');
	for (size_t i = 0; i < replay->nchanges; i++) {
		if (i)
			buf_putc(out, ',');
		add_json_change(replay->changes[i], out);
	}
	buf_puts(out, "]}\n");
}

/* ---- the command ---- */

static int complain(const char *text)
{
	fprintf(stderr, "tracepager replay: %s\n", text);
	return 2;
}

static int run(struct replay *replay)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int threads = cores < 1	     ? 1
			       : cores > THREADS_MAX ? THREADS_MAX
						     : (unsigned int)cores;
	struct buf out = BUF_INIT(OUTPUT_BYTES);
	struct err err = { 0 };

	replay->rules = past_rules(replay->rules_path);
	if (!replay->rules)
		return complain("the rules have errors");
	if (history_open(replay->store_path, &replay->history, &err) < 0)
		return complain(err.text);
	replay->pool = pool_new(threads);
	replay->ahead = (size_t)threads * AHEAD_PER_THREAD;
	replay->progress = isatty(STDERR_FILENO) != 0;
	if (decide_all(replay, &err) < 0)
		return complain(err.text);
	if (replay->nchanges)
		qsort(replay->changes, replay->nchanges, sizeof(struct change *), by_id);
	if (replay->json)
		add_json(replay, &out);
	else
		add_text(replay, &out);
	fwrite(buf_text(&out), 1, out.len, stdout);
	buf_fini(&out);
	return replay->nchanges > 0;
}

static void replay_fini(struct replay *replay)
{
	pool_free(replay->pool);
	history_close(replay->history);
	rules_unref(replay->rules);
	for (size_t i = 0; i < replay->nchanges; i++)
		change_free(replay->changes[i]);
	free(replay->changes);
}

/* 0: go on; positive: wrong, told; negative: help was printed. */
static int parse_options(struct replay *replay, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "store", required_argument, NULL, 's' },
		{ "rules", required_argument, NULL, 'r' },
		{ "since", required_argument, NULL, 'f' },
		{ "until", required_argument, NULL, 'u' },
		{ "format", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int64_t now_us = clock_wall_us(clock_system());
	const char *since = "7d", *until = "0s";

	for (int option; (option = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		switch (option) {
		case 's':
			replay->store_path = optarg;
			break;
		case 'r':
			replay->rules_path = optarg;
			break;
		case 'f':
			since = optarg;
			break;
		case 'u':
			until = optarg;
			break;
		case 'o':
			replay->json = strcmp(optarg, "json") == 0;
			if (!replay->json && strcmp(optarg, "text") != 0)
				return complain("--format is text or json");
			break;
		case 'h':
			fputs(help, stdout);
			return -1;
		default:
			return complain("--help tells the options");
		}
	}
	if (optind < argc || !replay->store_path || !replay->rules_path)
		return complain(optind < argc ? "it takes options only; --help tells them"
					      : "--store PATH and --rules NEW are needed");
	if (!past_time(since, now_us, &replay->since_us) ||
	    !past_time(until, now_us, &replay->until_us))
		return complain("a time is written 7d, 12h, or 2026-09-01T10:00:00Z");
	return 0;
}

int cmd_replay(int argc, char **argv)
{
	struct replay replay = { .store_path = NULL };
	int status = parse_options(&replay, argc, argv);

	if (status)
		return status < 0 ? 0 : status;
	status = run(&replay);
	replay_fini(&replay);
	return status;
}
