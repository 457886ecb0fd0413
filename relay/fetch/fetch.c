/*
 * Fetch: jobs and their order. A job runs the look-ups of one alert, a few side by side. A few jobs
 * ask side by side; one whose look-ups all pause makes room, and waits for its next turn behind
 * those that have asked less: what is never found must not keep others from being found. A job ends
 * when all its look-ups have, or at its deadline, always by its timer, so that done() is never
 * called from within another call. It owns all but the sources.
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
#define TEXT_BYTES	(16u << 10)

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

void job_take_files(struct fetch_job *job, const struct files_answer *answer)
{
	struct fetch_result *result = &job->result;
	size_t next = 0;

	for (size_t i = 0; i < answer->nsets; i++) {
		size_t before = result->ntraces;
		for (; next < answer->ntraces && answer->traces[next]->set == answer->sets[i];
		     next++)
			if (result->ntraces < job->search.limit)
				result->traces[result->ntraces++] = answer->traces[next];
		if (result->ntraces == before)
			trace_set_free(answer->sets[i]);
		else
			result->sets[result->nsets++] = answer->sets[i];
	}
}

static int64_t now_us(const struct fetch_job *job)
{
	return clock_mono_us(job->fetch->env.clock);
}

/* The search that stands in for ids; NULL: the job has none of these, or no ids. */
static struct lookup *substitute(struct fetch_job *job)
{
	return job->nids > 0 && job->nlookups > job->nids ? &job->lookups[job->nids] : NULL;
}

/* The search has to wait until the ids have had their chance. */
static bool is_held(struct fetch_job *job, const struct lookup *lookup)
{
	if (lookup != substitute(job) || lookup->rounds > 0)
		return false;
	for (size_t i = 0; i < job->nids; i++) {
		const struct lookup *id = &job->lookups[i];
		if (!lookup_over(id) &&
		    (id->state == LOOKUP_ASKING || id->rounds < LIMIT_ROUNDS_BY_ID))
			return true;
	}
	return false;
}

static unsigned int level_of(struct fetch_job *job, const struct lookup *lookup)
{
	unsigned int level = lookup->rounds;

	if (lookup == substitute(job))
		level += LIMIT_ROUNDS_BY_ID;
	return level < FETCH_LEVELS ? level : FETCH_LEVELS - 1;
}

/* The lowest level at which a job waits. */
static unsigned int first_waiting(const struct fetch *fetch)
{
	unsigned int level = 0;

	while (level < FETCH_LEVELS && TAILQ_EMPTY(&fetch->waiting[level]))
		level++;
	return level;
}

static bool has_room(const struct fetch *fetch, unsigned int level)
{
	return fetch->running < LIMIT_ENRICHING &&
	       (level == 0 || fetch->again < LIMIT_ENRICHING_AGAIN);
}

/* By the timer, so that what fails at once cannot hold the loop, however many wait. */
static void wake(struct fetch *fetch)
{
	unsigned int level = first_waiting(fetch);

	if (level < FETCH_LEVELS && has_room(fetch, level))
		timer_arm(fetch->env.timers, &fetch->timer, clock_mono_us(fetch->env.clock));
}

static void job_rest(struct fetch_job *job)
{
	job->state = JOB_RESTING;
	job->fetch->running--;
	job->fetch->again -= job->level > 0;
	wake(job->fetch);
}

static void job_wait(struct fetch_job *job, unsigned int level)
{
	job->state = JOB_WAITING;
	job->level = level;
	TAILQ_INSERT_TAIL(&job->fetch->waiting[level], job, link);
	wake(job->fetch);
}

/* Who waits and has asked less comes first. */
static bool may_start(struct fetch_job *job, const struct lookup *lookup)
{
	unsigned int level = level_of(job, lookup);

	return lookup->state == LOOKUP_WAITING && !is_held(job, lookup) &&
	       (level <= job->level || level < first_waiting(job->fetch));
}

/* How many ask after that. */
static size_t start_lookups(struct fetch_job *job)
{
	size_t asking = 0;

	for (size_t i = 0; i < job->nlookups; i++)
		asking += job->lookups[i].state == LOOKUP_ASKING;
	for (size_t i = 0; i < job->nlookups && asking < LIMIT_LOOKUPS_PER_ALERT; i++) {
		if (!may_start(job, &job->lookups[i]))
			continue;
		lookup_start(&job->lookups[i]);
		asking += job->lookups[i].state == LOOKUP_ASKING;
	}
	return asking;
}

/* The level of the next turn; FETCH_LEVELS: none is wanted. */
static unsigned int next_level(struct fetch_job *job)
{
	unsigned int level = FETCH_LEVELS;

	for (size_t i = 0; i < job->nlookups; i++) {
		const struct lookup *lookup = &job->lookups[i];
		if (lookup->state == LOOKUP_WAITING && !is_held(job, lookup) &&
		    level_of(job, lookup) < level)
			level = level_of(job, lookup);
	}
	return level;
}

/* With what there is, it ends now, or once the time for more is over. */
static void arm_end(struct fetch_job *job)
{
	size_t over = 0;

	for (size_t i = 0; i < job->nlookups; i++)
		over += lookup_over(&job->lookups[i]);
	if (over == job->nlookups || job->result.ntraces >= job->search.limit)
		timer_arm(job->fetch->env.timers, &job->timer, now_us(job));
	else if (job->result.ntraces > 0 && job->enough_us > now_us(job))
		timer_arm(job->fetch->env.timers, &job->timer, job->enough_us);
}

void job_check(struct fetch_job *job)
{
	unsigned int level;

	if (job->state == JOB_RUNNING && start_lookups(job) == 0)
		job_rest(job);
	level = next_level(job);
	if (job->state == JOB_RESTING && level < FETCH_LEVELS)
		job_wait(job, level);
	arm_end(job);
}

void job_settle(struct fetch_job *job, const struct lookup *found)
{
	for (size_t i = 0; i < job->nlookups; i++) {
		struct lookup *lookup = &job->lookups[i];
		if (!lookup->trace_id != !found->trace_id && !lookup_over(lookup))
			lookup_end(lookup);
	}
}

/* Those for whom there is room; who rests at once makes room in the next turn of the loop. */
static void start_jobs(void *arg)
{
	struct fetch *fetch = arg;
	unsigned int level = first_waiting(fetch);

	timer_disarm(fetch->env.timers, &fetch->timer);
	for (unsigned int n = 0; n < LIMIT_ENRICHING; n++, level = first_waiting(fetch)) {
		if (level == FETCH_LEVELS || !has_room(fetch, level))
			return;
		struct fetch_job *job = TAILQ_FIRST(&fetch->waiting[level]);
		TAILQ_REMOVE(&fetch->waiting[level], job, link);
		job->state = JOB_RUNNING;
		fetch->running++;
		fetch->again += level > 0;
		job_check(job);
	}
	wake(fetch);
}

/* Out of its list; whoever waits may come. */
static void job_leave(struct fetch_job *job)
{
	timer_disarm(job->fetch->env.timers, &job->timer);
	for (size_t i = 0; i < job->nlookups; i++)
		lookup_fini(&job->lookups[i]);
	if (job->state == JOB_WAITING)
		TAILQ_REMOVE(&job->fetch->waiting[job->level], job, link);
	else if (job->state == JOB_RUNNING)
		job_rest(job);
}

static void job_free(struct fetch_job *job)
{
	buf_fini(&job->text);
	free(job->result.sets);
	arena_free(job->arena);
	free(job);
}

/* Of the look-ups without a trace the one that says most; NULL: none has been asked. */
static const struct lookup *find_missing(struct fetch_job *job, size_t *ret_n)
{
	const struct lookup *missing = NULL;
	size_t n = 0;

	for (size_t i = 0; i < job->nlookups; i++) {
		const struct lookup *lookup = &job->lookups[i];
		if (lookup == substitute(job) || lookup->state == LOOKUP_FOUND ||
		    (lookup->state == LOOKUP_WAITING && lookup->rounds == 0))
			continue;
		n++;
		if (!missing || !lookup_heard(missing))
			missing = lookup;
	}
	*ret_n = n;
	return missing;
}

static enum fallback_code explain_missing(struct fetch_job *job, const struct lookup *missing,
					  size_t nmissing, struct buf *text)
{
	const struct lookup *search = substitute(job);
	enum fallback_code code;

	if (search && search->state == LOOKUP_FOUND)
		buf_puts(text, "these are other traces of the signal; ");
	else if (job->result.ntraces > 0)
		buf_printf(text, "%zu of %zu traces are missing; ", nmissing, job->nids);
	if (missing->trace_id)
		buf_printf(text, "trace %s: ", missing->trace_id);
	code = lookup_missing(missing, text);
	if (job->result.ntraces == 0 && search && search->rounds > 0) {
		buf_puts(text, "; ");
		lookup_missing(search, text);
	}
	return code;
}

/* Why there is no trace, or not all. */
static enum fallback_code explain(struct fetch_job *job, struct buf *text)
{
	size_t nmissing;
	const struct lookup *missing = find_missing(job, &nmissing);

	if (job->nlookups == 0) {
		buf_puts(text,
			 job->fetch->nsources == 0
				 ? "no trace source is declared"
				 : "the alert names no trace, and there is nothing to search for");
		return FALLBACK_NO_TRACE;
	}
	if (job->result.ntraces == 0 && !missing) {
		buf_printf(text, "the time was over before it was this alert's turn (%d at a time)",
			   LIMIT_ENRICHING);
		return FALLBACK_BUDGET_SPENT;
	}
	if (!missing || job->result.ntraces >= job->search.limit)
		return FALLBACK_NONE;
	return explain_missing(job, missing, nmissing, text);
}

enum fallback_code fetch_explain(struct fetch_job *job, const char **ret_text)
{
	enum fallback_code code;

	buf_reset(&job->text);
	code = explain(job, &job->text);
	*ret_text = buf_text(&job->text);
	return code;
}

static void job_over(void *arg)
{
	struct fetch_job *job = arg;

	job->result.missing = fetch_explain(job, &job->result.text);
	job_leave(job);
	job->done(job->ctx, &job->result);
	job_free(job);
}

/* Each id once, as many as traces are wanted. */
static void add_lookups(struct fetch_job *job, const struct fetch_request *request)
{
	/* and the search */
	job->lookups = arena_array(job->arena, job->search.limit + 1, sizeof(*job->lookups));
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
	job->nids = job->nlookups;
	if (job->search.signal)
		lookup_init(&job->lookups[job->nlookups++], job, NULL);
}

struct fetch_job *fetch_start(struct fetch *fetch, const struct fetch_request *request,
			      fetch_done *done, void *ctx)
{
	struct fetch_job *job = xcalloc(1, sizeof(*job));

	job->fetch = fetch;
	job->arena = arena_new(JOB_ARENA_BYTES);
	job->deadline_us = request->deadline_us;
	job->enough_us = request->enough_us < request->deadline_us ? request->enough_us : 0;
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
	buf_init(&job->text, TEXT_BYTES);
	/* A set is kept only for a trace that counts. */
	job->result.sets = xcalloc(job->search.limit, sizeof(struct trace_set *));
	add_lookups(job, request);
	timer_arm(fetch->env.timers, &job->timer, job->deadline_us);
	job_wait(job, 0);
	start_jobs(fetch);
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
	for (size_t i = 0; i < FETCH_LEVELS; i++)
		TAILQ_INIT(&fetch->waiting[i]);
	fetch->timer.fire = start_jobs;
	fetch->timer.arg = fetch;
	return fetch;
}

void fetch_free(struct fetch *fetch)
{
	if (!fetch)
		return;
	assert(fetch->running == 0 && first_waiting(fetch) == FETCH_LEVELS);
	timer_disarm(fetch->env.timers, &fetch->timer);
	free(fetch);
}
