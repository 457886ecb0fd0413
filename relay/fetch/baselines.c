/*
 * Baselines: evidence from the healthy traces of each signal, gathered one signal after the other.
 *
 * One gathering runs at a time, so that a backend hardly notices; a signal whose alert waits for
 * its first evidence goes first. Evidence is not renewed for
 * LIMIT_BASELINE_SICK_US after an alert about the signal: its traces may not be healthy. Owns
 * signals, evidence and the gathering; decisions share evidence by reference.
 */
#include "tracepager/baselines.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "query-internal.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

/* A gathering asks for the window in this many parts, so that its traces are spread over it. */
#define PARTS 2

/* One signal. */
struct baseline_entry {
	TAILQ_ENTRY(baseline_entry) link;
	struct baselines *owner;
	char *key;
	struct arena *arena; /* the signal's texts */
	struct signal signal;
	bool declared;		   /* the rules in force have the signal */
	struct baseline *baseline; /* NULL: none yet */
	int64_t due_us;		   /* monotonic: time of the next gathering */
	int64_t alerted_us;	   /* monotonic: time of the last alert about it; 0: none */
	LIST_HEAD(, baseline_waiter) waiters;
};
TAILQ_HEAD(baseline_entries, baseline_entry);

/* The gathering under way. */
struct gathering {
	struct baselines *owner;
	struct baseline_entry *entry; /* NULL: it was freed meanwhile */
	struct fetch_job *job;
	unsigned int part;
	int64_t from_us, to_us; /* wall */
	struct evidence_set *evidence;
	/* The traces of the part that was fetched last; a pool thread reads them. */
	struct fetched_set **sets;
	size_t nsets;
	const struct trace **traces;
	size_t ntraces;
	struct signal signal; /* a copy for the pool's thread */
	struct arena *arena;  /* the signal's texts */
};

struct baselines {
	struct baselines_env env;
	struct ruleset *rules;
	struct map *by_key;
	struct baseline_entries entries; /* by due_us, earliest first */
	struct gathering *gathering;	 /* NULL: none is under way */
	size_t bytes;			 /* of the evidence in all entries */
	struct timer timer;
};

void baseline_unref(struct baseline *baseline)
{
	if (baseline && --baseline->refs == 0) {
		evidence_free(baseline->evidence);
		free(baseline);
	}
}

/* ---- entries ---- */

static char *signal_key(const struct signal *signal)
{
	struct buf key = BUF_INIT(LIMIT_QUESTION_BYTES);
	const char *texts[] = { signal->service, signal->namespace, signal->operation };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		buf_printf(&key, "%s\x1f", texts[i] ? texts[i] : "");
	for (size_t i = 0; i < signal->attrs.n; i++)
		buf_printf(&key, "%s\x1e%s\x1f", signal->attrs.at[i].name,
			   signal->attrs.at[i].value);
	char *text = xstrdup(buf_text(&key));
	buf_fini(&key);
	return text;
}

/* Evidence does not depend on mode and callee: signals that differ only in these share an entry. */
static void baseline_copy_signal(struct arena *arena, const struct signal *signal,
				 struct signal *ret_signal)
{
	signal_copy(arena, signal, ret_signal);
	ret_signal->mode = WALK_AUTO;
	ret_signal->callee = NULL;
}

/* Insert an entry by its due_us; from the end, since most are due last. */
static void entry_insert(struct baseline_entry *entry)
{
	struct baseline_entries *entries = &entry->owner->entries;
	struct baseline_entry *at = TAILQ_LAST(entries, baseline_entries);

	while (at && at->due_us > entry->due_us)
		at = TAILQ_PREV(at, baseline_entries, link);
	if (at)
		TAILQ_INSERT_AFTER(entries, at, entry, link);
	else
		TAILQ_INSERT_HEAD(entries, entry, link);
}

static void entry_call_waiters(struct baseline_entry *entry)
{
	struct baseline_waiter *waiter;

	while ((waiter = LIST_FIRST(&entry->waiters))) {
		baselines_unwait(waiter);
		waiter->ready(waiter->arg);
	}
}

static void drop_evidence(struct baseline_entry *entry)
{
	if (entry->baseline)
		entry->owner->bytes -= evidence_bytes(entry->baseline->evidence);
	baseline_unref(entry->baseline);
	entry->baseline = NULL;
}

static void entry_free(struct baseline_entry *entry)
{
	struct baselines *baselines = entry->owner;

	if (baselines->gathering && baselines->gathering->entry == entry)
		baselines->gathering->entry = NULL;
	TAILQ_REMOVE(&baselines->entries, entry, link);
	map_remove(baselines->by_key, entry->key);
	entry_call_waiters(entry);
	drop_evidence(entry);
	arena_free(entry->arena);
	free(entry->key);
	free(entry);
}

/* Room for one more entry: forget the undeclared one whose last alert is longest ago. false: there
 * is none to forget. */
static bool make_room_for_entry(struct baselines *baselines)
{
	struct baseline_entry *entry, *oldest = NULL;

	if (map_count(baselines->by_key) < LIMIT_BASELINES)
		return true;
	TAILQ_FOREACH (entry, &baselines->entries, link)
		if (!entry->declared && LIST_EMPTY(&entry->waiters) &&
		    (!oldest || entry->alerted_us < oldest->alerted_us))
			oldest = entry;
	if (!oldest)
		return false;
	entry_free(oldest);
	return true;
}

/* The signal's entry, made if need be. NULL: there is no room for one. */
static struct baseline_entry *entry_get(struct baselines *baselines, const struct signal *signal,
					int64_t due_us)
{
	CLEANUP_FREE char *key = signal_key(signal);
	struct baseline_entry *entry = map_get(baselines->by_key, key);

	if (entry || !make_room_for_entry(baselines))
		return entry;
	entry = xcalloc(1, sizeof(*entry));
	entry->owner = baselines;
	entry->key = xstrdup(key);
	entry->arena = arena_new(LIMIT_SIGNAL_BYTES);
	entry->due_us = due_us;
	baseline_copy_signal(entry->arena, signal, &entry->signal);
	map_put(baselines->by_key, entry->key, entry);
	entry_insert(entry);
	return entry;
}

static void make_due(struct baseline_entry *entry, int64_t due_us)
{
	TAILQ_REMOVE(&entry->owner->entries, entry, link);
	entry->due_us = due_us;
	entry_insert(entry);
}

/* ---- gathering ---- */

static void baselines_arm(struct baselines *baselines);
static void start_part(struct gathering *gathering);

static void gathering_free(struct gathering *gathering)
{
	if (gathering->job)
		fetch_cancel(gathering->job);
	for (size_t i = 0; i < gathering->nsets; i++)
		fetched_set_unref(gathering->sets[i]);
	free(gathering->sets);
	free(gathering->traces);
	evidence_free(gathering->evidence);
	arena_free(gathering->arena);
	free(gathering);
}

/* Keep what was gathered, from however few traces: little evidence is better than none. */
static void keep_evidence(struct gathering *gathering)
{
	struct baseline_entry *entry = gathering->entry;
	struct baselines *baselines = gathering->owner;
	struct baseline *baseline;

	log_debug("healthy traces gathered", LOG_STR("service", entry->signal.service),
		  LOG_STR("operation", entry->signal.operation),
		  LOG_INT("traces", gathering->evidence->n));
	metric_add(METRIC_BASELINES_GATHERED, 1);
	if (gathering->evidence->n == 0)
		return;
	drop_evidence(entry);
	if (baselines->bytes + evidence_bytes(gathering->evidence) > LIMIT_BASELINES_BYTES) {
		log_warn("memory for healthy traces is used up; this signal has no baseline",
			 LOG_STR("service", entry->signal.service),
			 LOG_STR("operation", entry->signal.operation));
		return;
	}
	baseline = xcalloc(1, sizeof(*baseline));
	baseline->evidence = gathering->evidence;
	baseline->refs = 1;
	baselines->bytes += evidence_bytes(baseline->evidence);
	gathering->evidence = NULL;
	entry->baseline = baseline;
}

static void gathering_end(struct gathering *gathering)
{
	struct baselines *baselines = gathering->owner;
	struct baseline_entry *entry = gathering->entry;

	baselines->gathering = NULL;
	if (entry) {
		keep_evidence(gathering);
		make_due(entry, clock_mono_us(baselines->env.clock) + baselines->env.every_us);
	}
	gathering_free(gathering);
	if (entry)
		entry_call_waiters(entry);
	baselines_arm(baselines);
}

/* In a thread of the pool: add the part's traces to the evidence. */
static void gathering_run_part(void *arg)
{
	struct gathering *gathering = arg;

	for (size_t i = 0; i < gathering->ntraces; i++)
		evidence_add_sound(gathering->evidence, gathering->traces[i], &gathering->signal);
}

static void gathering_on_part_done(void *arg)
{
	struct gathering *gathering = arg;

	for (size_t i = 0; i < gathering->nsets; i++)
		fetched_set_unref(gathering->sets[i]);
	free(gathering->sets);
	free(gathering->traces);
	gathering->sets = NULL;
	gathering->traces = NULL;
	gathering->nsets = gathering->ntraces = 0;
	if (++gathering->part < PARTS && gathering->entry)
		start_part(gathering);
	else
		gathering_end(gathering);
}

static void gathering_on_fetched(void *ctx, struct fetch_result *result)
{
	struct gathering *gathering = ctx;

	gathering->job = NULL;
	gathering->sets = xcalloc(result->nsets + 1, sizeof(struct fetched_set *));
	gathering->traces = xcalloc(result->ntraces + 1, sizeof(struct trace *));
	memcpy(gathering->sets, result->sets, result->nsets * sizeof(struct fetched_set *));
	memcpy(gathering->traces, result->traces, result->ntraces * sizeof(struct trace *));
	gathering->nsets = result->nsets;
	gathering->ntraces = result->ntraces;
	pool_submit(gathering->owner->env.pool, gathering_run_part, gathering_on_part_done,
		    gathering);
}

static void start_part(struct gathering *gathering)
{
	struct baselines *baselines = gathering->owner;
	int64_t part_us = (gathering->to_us - gathering->from_us) / PARTS;
	int64_t now_us = clock_mono_us(baselines->env.clock);
	struct fetch_request request = {
		.signal = &gathering->signal,
		.from_us = gathering->from_us + gathering->part * part_us,
		.to_us = gathering->from_us + (gathering->part + 1) * part_us,
		.healthy = true,
		.limit = LIMIT_TRACES_PER_ALERT,
		.deadline_us = now_us + LIMIT_BASELINE_GATHER_US,
		.enough_us = now_us + LIMIT_BASELINE_ENOUGH_US,
	};

	if (baselines->rules)
		request.extra_names = rules_attr_names(baselines->rules, &request.nextra_names);
	gathering->job =
		fetch_start(baselines->env.fetch, &request, gathering_on_fetched, gathering);
}

static void start_gathering(struct baseline_entry *entry)
{
	struct baselines *baselines = entry->owner;
	struct gathering *gathering = xcalloc(1, sizeof(*gathering));
	int64_t now_us = clock_wall_us(baselines->env.clock);

	gathering->owner = baselines;
	gathering->entry = entry;
	gathering->from_us = now_us - LIMIT_BASELINE_FROM_US;
	gathering->to_us = now_us - LIMIT_BASELINE_TO_US;
	gathering->evidence = evidence_new(LIMIT_BASELINE_BYTES);
	gathering->arena = arena_new(LIMIT_SIGNAL_BYTES);
	baseline_copy_signal(gathering->arena, &entry->signal, &gathering->signal);
	baselines->gathering = gathering;
	start_part(gathering);
}

/* Gather for this entry now? Yes if an alert waits for its first evidence. Else only for declared
 * signals, and shortly after an alert only if they have no evidence yet. */
static bool wants_gathering(struct baseline_entry *entry, int64_t now_us)
{
	if (!entry->baseline && !LIST_EMPTY(&entry->waiters))
		return true;
	if (entry->alerted_us && now_us - entry->alerted_us < LIMIT_BASELINE_SICK_US)
		return !entry->baseline && entry->declared;
	return entry->declared;
}

static void baselines_on_timer(void *arg)
{
	struct baselines *baselines = arg;
	int64_t now_us = clock_mono_us(baselines->env.clock);
	struct baseline_entry *entry;

	while (!baselines->gathering && (entry = TAILQ_FIRST(&baselines->entries)) &&
	       entry->due_us <= now_us) {
		if (wants_gathering(entry, now_us)) {
			start_gathering(entry);
		} else if (!entry->declared &&
			   now_us - entry->alerted_us >= LIMIT_BASELINE_SICK_US) {
			entry_free(entry);
		} else {
			make_due(entry, now_us + baselines->env.every_us);
		}
	}
	baselines_arm(baselines);
}

static void baselines_arm(struct baselines *baselines)
{
	struct baseline_entry *first = TAILQ_FIRST(&baselines->entries);
	int64_t now_us = clock_mono_us(baselines->env.clock);

	if (baselines->gathering || !first)
		return;
	/* By the timer, never from within the caller; with a pause between two gatherings unless an
	 * alert waits. */
	int64_t pause_us = LIST_EMPTY(&first->waiters) ? LIMIT_BASELINE_PAUSE_US : 0;
	int64_t at_us = first->due_us > now_us + pause_us ? first->due_us : now_us + pause_us;
	timer_arm(baselines->env.timers, &baselines->timer, at_us);
}

/* ---- interface ---- */

struct baselines *baselines_new(const struct baselines_env *env)
{
	struct baselines *baselines = xcalloc(1, sizeof(*baselines));

	baselines->env = *env;
	baselines->by_key = map_new();
	baselines->timer = (struct timer){ .fire = baselines_on_timer, .arg = baselines };
	TAILQ_INIT(&baselines->entries);
	return baselines;
}

void baselines_free(struct baselines *baselines)
{
	struct baseline_entry *entry;

	if (!baselines)
		return;
	timer_disarm(baselines->env.timers, &baselines->timer);
	while ((entry = TAILQ_FIRST(&baselines->entries)))
		entry_free(entry);
	map_free(baselines->by_key);
	rules_unref(baselines->rules);
	if (baselines->gathering)
		gathering_free(baselines->gathering);
	free(baselines);
}

void baselines_set_rules(struct baselines *baselines, struct ruleset *rules)
{
	size_t n;
	const struct signal_rule *const *signals = rules_signals(rules, &n);
	int64_t now_us = clock_mono_us(baselines->env.clock);
	struct baseline_entry *entry;

	rules_unref(baselines->rules);
	baselines->rules = rules_ref(rules);
	TAILQ_FOREACH (entry, &baselines->entries, link)
		entry->declared = false;
	for (size_t i = 0; i < n; i++) {
		entry = entry_get(baselines, &signals[i]->signal, now_us);
		if (entry)
			entry->declared = true;
	}
	baselines_arm(baselines);
}

struct baseline *baselines_get(struct baselines *baselines, const struct signal *signal,
			       struct baseline_waiter *waiter)
{
	int64_t now_us = clock_mono_us(baselines->env.clock);
	struct baseline_entry *entry = entry_get(baselines, signal, now_us);

	if (!entry)
		return NULL;
	entry->alerted_us = now_us;
	if (entry->baseline) {
		entry->baseline->refs++;
		return entry->baseline;
	}
	if (waiter) {
		waiter->waiting = true;
		LIST_INSERT_HEAD(&entry->waiters, waiter, link);
		if (!baselines->gathering || baselines->gathering->entry != entry)
			make_due(entry, 0);
		baselines_arm(baselines);
	}
	return NULL;
}

void baselines_unwait(struct baseline_waiter *waiter)
{
	if (!waiter->waiting)
		return;
	waiter->waiting = false;
	LIST_REMOVE(waiter, link);
}
