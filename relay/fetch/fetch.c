/*
 * Fetch: jobs and their order. A job runs the look-ups of one alert, a few side by side; a few jobs
 * run side by side, the others wait in order. A job ends when all its look-ups have, or at its
 * deadline, always by its timer, so that done() is never called from within another call. It owns
 * all but the sources.
 */
#include "fetch-internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/random.h"
#include "tracepager/xalloc.h"

/* A trace id is at most 32 digits, names come from the rules; far above what they take. */
#define JOB_ARENA_BYTES (16u << 20)
#define TRACES_DEFAULT	10

void signal_copy(struct arena *arena, const struct signal *signal, struct signal *ret_signal)
{
	*ret_signal = *signal;
	ret_signal->name = arena_strdup(arena, signal->name);
	ret_signal->service = arena_strdup(arena, signal->service);
	ret_signal->namespace = arena_strdup(arena, signal->namespace);
	ret_signal->operation = arena_strdup(arena, signal->operation);
	ret_signal->from = arena_strdup(arena, signal->from);
	ret_signal->attrs.at = arena_array(arena, signal->attrs.n, sizeof(struct label));
	for (size_t i = 0; i < signal->attrs.n; i++)
		ret_signal->attrs.at[i] = (struct label){
			.name = arena_strdup(arena, signal->attrs.at[i].name),
			.value = arena_strdup(arena, signal->attrs.at[i].value),
		};
}

static const char *const *names_copy(struct arena *arena, const char *const *names, size_t n)
{
	const char **copy = arena_array(arena, n, sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = arena_strdup(arena, names[i]);
	return copy;
}

void options_copy(struct arena *arena, const struct trace_options *options,
		  struct trace_options *ret_options)
{
	*ret_options = *options;
	ret_options->extra_names = names_copy(arena, options->extra_names, options->nextra_names);
}

/* Those of a set that count; what is beyond the limit does not. */
static bool take_traces(struct fetch_job *job, const struct trace_query *filter,
			const struct trace_set *set)
{
	struct fetch_result *result = &job->result;
	bool any = false;

	for (uint32_t i = 0; i < set->ntraces; i++) {
		if (filter && !trace_answers(&set->traces[i], filter))
			continue;
		any = true;
		if (result->ntraces < job->search.limit)
			result->traces[result->ntraces++] = &set->traces[i];
	}
	return any;
}

bool job_take(struct fetch_job *job, const struct trace_query *filter, struct trace_set *set)
{
	size_t before = job->result.ntraces;
	bool any = take_traces(job, filter, set);

	if (job->result.ntraces == before)
		trace_set_free(set);
	else
		job->result.sets[job->result.nsets++] = set;
	return any;
}

static int64_t now_us(const struct fetch_job *job)
{
	return clock_mono_us(job->fetch->env.clock);
}

void job_check(struct fetch_job *job)
{
	size_t asking = 0, over = 0;

	for (size_t i = 0; i < job->nlookups; i++)
		asking += job->lookups[i].state == LOOKUP_ASKING;
	for (size_t i = 0; i < job->nlookups; i++) {
		struct lookup *lookup = &job->lookups[i];
		if (lookup->state == LOOKUP_WAITING && asking < LIMIT_LOOKUPS_PER_ALERT) {
			lookup_start(lookup);
			asking += lookup->state == LOOKUP_ASKING;
		}
		over += lookup_over(lookup);
	}
	if (over == job->nlookups || job->result.ntraces >= job->search.limit)
		timer_arm(job->fetch->env.timers, &job->timer, now_us(job));
}

static void job_start(struct fetch_job *job)
{
	job->running = true;
	job->fetch->running++;
	job_check(job);
}

/* Out of its list; whoever waits may come. */
static void job_leave(struct fetch_job *job)
{
	struct fetch *fetch = job->fetch;
	struct fetch_job *next;

	timer_disarm(fetch->env.timers, &job->timer);
	for (size_t i = 0; i < job->nlookups; i++)
		lookup_fini(&job->lookups[i]);
	if (!job->running) {
		TAILQ_REMOVE(&fetch->waiting, job, link);
		return;
	}
	job->running = false;
	fetch->running--;
	while (fetch->running < LIMIT_ENRICHING && (next = TAILQ_FIRST(&fetch->waiting))) {
		TAILQ_REMOVE(&fetch->waiting, next, link);
		job_start(next);
	}
}

static void job_free(struct fetch_job *job)
{
	free(job->result.sets);
	arena_free(job->arena);
	free(job);
}

/* Why there is no trace, or not all. */
static void job_explain(struct fetch_job *job, struct buf *text)
{
	struct fetch_result *result = &job->result;
	const struct lookup *missing = NULL;
	size_t nmissing = 0;

	for (size_t i = 0; i < job->nlookups; i++) {
		if (job->lookups[i].state == LOOKUP_FOUND ||
		    job->lookups[i].state == LOOKUP_WAITING)
			continue;
		nmissing++;
		missing = missing ? missing : &job->lookups[i];
	}
	if (job->nlookups == 0) {
		result->missing = FALLBACK_NO_TRACE;
		buf_puts(text,
			 job->fetch->nsources == 0
				 ? "no trace source is declared"
				 : "the alert names no trace, and there is nothing to search for");
	} else if (result->ntraces == 0 && !missing) {
		result->missing = FALLBACK_BUDGET_SPENT;
		buf_printf(text, "the time was over before it was this alert's turn (%d at a time)",
			   LIMIT_ENRICHING);
	} else if (missing && result->ntraces < job->search.limit) {
		if (result->ntraces > 0)
			buf_printf(text, "%zu of %zu traces are missing; ", nmissing,
				   job->nlookups);
		if (missing->trace_id)
			buf_printf(text, "trace %s: ", missing->trace_id);
		result->missing = lookup_missing(missing, text);
	}
}

static void job_over(void *arg)
{
	struct fetch_job *job = arg;
	struct buf text = BUF_INIT(16u << 10);

	job_explain(job, &text);
	job_leave(job);
	job->result.text = buf_text(&text);
	job->done(job->ctx, &job->result);
	buf_fini(&text);
	job_free(job);
}

/* Each id once, as many as traces are wanted. */
static void add_lookups(struct fetch_job *job, const struct fetch_request *request)
{
	job->lookups = arena_array(job->arena, job->search.limit, sizeof(*job->lookups));
	if (job->fetch->nsources == 0)
		return;
	for (size_t i = 0; i < request->ntrace_ids && job->nlookups < job->search.limit; i++) {
		size_t seen = 0;
		while (seen < job->nlookups &&
		       !trace_id_equal(job->lookups[seen].trace_id, request->trace_ids[i]))
			seen++;
		if (seen == job->nlookups)
			lookup_init(&job->lookups[job->nlookups++], job,
				    arena_strdup(job->arena, request->trace_ids[i]));
	}
	if (job->nlookups == 0 && job->search.signal)
		lookup_init(&job->lookups[job->nlookups++], job, NULL);
}

struct fetch_job *fetch_start(struct fetch *fetch, const struct fetch_request *request,
			      fetch_done *done, void *ctx)
{
	struct fetch_job *job = xcalloc(1, sizeof(*job));

	job->fetch = fetch;
	job->arena = arena_new(JOB_ARENA_BYTES);
	job->deadline_us = request->deadline_us;
	job->timer.fire = job_over;
	job->timer.arg = job;
	job->done = done;
	job->ctx = ctx;
	job->search = (struct trace_query){ .from_us = request->from_us, .to_us = request->to_us };
	job->search.limit = request->limit ? request->limit : TRACES_DEFAULT;
	if (job->search.limit > LIMIT_TRACES_PER_ALERT)
		job->search.limit = LIMIT_TRACES_PER_ALERT;
	if (request->signal) {
		signal_copy(job->arena, request->signal, &job->signal);
		job->search.signal = &job->signal;
	}
	job->options = (struct trace_options){
		.extra_names = names_copy(job->arena, request->extra_names, request->nextra_names),
		.nextra_names = request->nextra_names,
		.memory = fetch->env.memory,
	};
	/* A set is kept only for a trace that counts. */
	job->result.sets = xcalloc(job->search.limit, sizeof(struct trace_set *));
	add_lookups(job, request);
	timer_arm(fetch->env.timers, &job->timer, job->deadline_us);
	if (fetch->running < LIMIT_ENRICHING)
		job_start(job);
	else
		TAILQ_INSERT_TAIL(&fetch->waiting, job, link);
	return job;
}

void fetch_cancel(struct fetch_job *job)
{
	job_leave(job);
	for (size_t i = 0; i < job->result.nsets; i++)
		trace_set_free(job->result.sets[i]);
	job_free(job);
}

struct fetch *fetch_new(const struct fetch_env *env, const struct source_config *sources,
			size_t nsources)
{
	struct fetch *fetch = xcalloc(1, sizeof(*fetch));

	fetch->env = *env;
	if (!fetch->env.random)
		fetch->env.random = random_unit;
	fetch->sources = sources;
	fetch->nsources = nsources;
	TAILQ_INIT(&fetch->waiting);
	return fetch;
}

void fetch_free(struct fetch *fetch)
{
	if (!fetch)
		return;
	assert(fetch->running == 0 && TAILQ_EMPTY(&fetch->waiting));
	free(fetch);
}
