/*
 * Fetch: jobs and their order. A job runs the look-ups of one alert, LIMIT_LOOKUPS_PER_ALERT at a
 * time: first the ids in the alert, then the ids of exemplars, then the search. At most
 * LIMIT_ENRICHING jobs run at a time. A job whose look-ups all pause gives up its place and waits
 * for the next one behind jobs that have asked fewer rounds: a trace that is never found must not
 * keep others from being found. A job whose look-ups only share questions of others needs no place.
 * A job ends when all its look-ups have ended or at its deadline. Answers go to jobs and results to
 * done() in slices, from a timer: they never hold the loop, and done() is never called from within
 * another call. Owns jobs, look-ups and inquiries; the sources are borrowed.
 */
#include "fetch-internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/metrics.h"
#include "tracepager/random.h"
#include "tracepager/xalloc.h"

#define TRACES_DEFAULT 10

/* Take the set's traces that the filter lets through (NULL: all), up to the job's limit. The set is
 * referenced only if a trace of it was taken. true: a trace passed the filter. */
static bool job_take_set(struct fetch_job *job, const struct trace_query *filter,
			 const struct inquiry_answer *answer, struct fetched_set *set)
{
	struct fetch_result *result = &job->result;
	size_t before = result->ntraces;
	bool any = false;

	for (size_t i = 0; i < answer->ntraces; i++) {
		const struct trace *trace = answer->traces[i];
		if (trace->set != set->set || (filter && !trace_answers(trace, filter)))
			continue;
		any = true;
		if (result->ntraces < job->search.limit)
			result->traces[result->ntraces++] = trace;
	}
	if (result->ntraces > before) {
		set->refs++;
		result->sets[result->nsets++] = set;
	}
	return any;
}

static bool job_take_sets(struct fetch_job *job, const struct trace_query *filter,
			  const struct inquiry_answer *answer)
{
	bool any = false;

	for (size_t i = 0; i < answer->nsets; i++)
		any = job_take_set(job, filter, answer, answer->sets[i]) || any;
	return any;
}

static bool any_source_answers(const struct fetch *fetch, unsigned int questions)
{
	for (size_t i = 0; i < fetch->nsources; i++)
		if (source_answers(&fetch->sources[i], questions))
			return true;
	return false;
}

static int64_t job_now_us(const struct fetch_job *job)
{
	return clock_mono_us(job->fetch->env.clock);
}

/* Has the look-up had so many rounds that later stages may start? */
static bool had_first_rounds(const struct lookup *lookup)
{
	unsigned int rounds = lookup->trace_id ? LIMIT_ROUNDS_BY_ID : 1;

	return lookup_is_over(lookup) ||
	       (lookup->state != LOOKUP_ASKING && lookup->rounds >= rounds);
}

/* Must the look-up wait until all of earlier stages have had their first rounds? */
static bool waits_for_stage(const struct fetch_job *job, const struct lookup *lookup)
{
	if (lookup->trace_id || lookup->rounds > 0)
		return false;
	for (size_t i = 0; i < job->nlookups; i++)
		if (job->lookups[i].stage < lookup->stage && !had_first_rounds(&job->lookups[i]))
			return true;
	return false;
}

/* Search and exemplars start at the level at which look-ups by id end: LIMIT_ROUNDS_BY_ID. */
static unsigned int lookup_level(struct fetch_job *job, const struct lookup *lookup)
{
	unsigned int level = lookup->rounds;

	if (lookup->stage > STAGE_NAMED && job->lookups[0].stage == STAGE_NAMED)
		level += LIMIT_ROUNDS_BY_ID;
	return level < FETCH_LEVELS ? level : FETCH_LEVELS - 1;
}

/* The lowest level at which a job waits; FETCH_LEVELS: none waits. */
static unsigned int first_waiting_level(const struct fetch *fetch)
{
	unsigned int level = 0;

	while (level < FETCH_LEVELS && TAILQ_EMPTY(&fetch->waiting[level]))
		level++;
	return level;
}

/* May one more job of this level run? */
static bool has_place(const struct fetch *fetch, unsigned int level)
{
	return fetch->running < LIMIT_ENRICHING &&
	       (level == 0 || fetch->running_again < LIMIT_ENRICHING_AGAIN);
}

/* Start waiting jobs soon: by the timer, so that many jobs that fail at once do not hold the loop.
 */
static void arm_start(struct fetch *fetch)
{
	unsigned int level = first_waiting_level(fetch);

	if (level < FETCH_LEVELS && has_place(fetch, level))
		timer_arm(fetch->env.timers, &fetch->timer, clock_mono_us(fetch->env.clock));
}

static void job_rest(struct fetch_job *job)
{
	job->state = JOB_RESTING;
	job->fetch->running--;
	job->fetch->running_again -= job->level > 0;
	arm_start(job->fetch);
}

static void job_wait(struct fetch_job *job, unsigned int level)
{
	job->state = JOB_WAITING;
	job->level = level;
	TAILQ_INSERT_TAIL(&job->fetch->waiting[level], job, link);
	arm_start(job->fetch);
}

/* False: another job waits whose next look-up has had fewer rounds. */
static bool may_start_lookup(struct fetch_job *job, const struct lookup *lookup)
{
	unsigned int level = lookup_level(job, lookup);

	return lookup->state == LOOKUP_WAITING && !waits_for_stage(job, lookup) &&
	       (level <= job->level || level < first_waiting_level(job->fetch));
}

static size_t count_asking(const struct fetch_job *job)
{
	size_t asking = 0;

	for (size_t i = 0; i < job->nlookups; i++)
		asking += job->lookups[i].state == LOOKUP_ASKING;
	return asking;
}

static void start_lookups(struct fetch_job *job)
{
	size_t asking = count_asking(job);

	for (size_t i = 0; i < job->nlookups && asking < LIMIT_LOOKUPS_PER_ALERT; i++) {
		if (!may_start_lookup(job, &job->lookups[i]))
			continue;
		lookup_start(&job->lookups[i]);
		asking += job->lookups[i].state == LOOKUP_ASKING;
	}
}

/* Does a source work for this job, and not only for one that asked the same before? */
static bool job_leads(const struct fetch_job *job)
{
	for (size_t i = 0; i < job->nlookups; i++)
		if (lookup_leads(&job->lookups[i]))
			return true;
	return false;
}

/* The lowest level of a look-up that may start; FETCH_LEVELS: there is none. */
static unsigned int job_next_level(struct fetch_job *job)
{
	unsigned int level = FETCH_LEVELS;

	if (count_asking(job) >= LIMIT_LOOKUPS_PER_ALERT)
		return level;
	for (size_t i = 0; i < job->nlookups; i++) {
		const struct lookup *lookup = &job->lookups[i];
		if (lookup->state == LOOKUP_WAITING && !waits_for_stage(job, lookup) &&
		    lookup_level(job, lookup) < level)
			level = lookup_level(job, lookup);
	}
	return level;
}

/* Hand over the job's result in one of the next turns. */
static void job_end_soon(struct fetch_job *job)
{
	if (job->ending)
		return;
	job->ending = true;
	TAILQ_INSERT_TAIL(&job->fetch->ending, job, end_link);
	hand_out_soon(job->fetch);
}

static void job_on_time_over(void *arg)
{
	job_end_soon(arg);
}

/* End the job if nothing is left to do. If there is a trace, it ends at enough_us. */
static void job_arm_end(struct fetch_job *job)
{
	size_t over = 0;

	for (size_t i = 0; i < job->nlookups; i++)
		over += lookup_is_over(&job->lookups[i]);
	if (over == job->nlookups || job->result.ntraces >= job->search.limit)
		job_end_soon(job);
	else if (job->result.ntraces > 0 && job->enough_us > job_now_us(job))
		timer_arm(job->fetch->env.timers, &job->timer, job->enough_us);
}

/* A look-up has changed its state: start others, take or give up the job's place, arm its end. */
static void job_check(struct fetch_job *job)
{
	unsigned int level;

	if (job->state == JOB_RUNNING) {
		start_lookups(job);
		if (!job_leads(job))
			job_rest(job);
	}
	level = job_next_level(job);
	if (job->state == JOB_RESTING && level < FETCH_LEVELS)
		job_wait(job, level);
	job_arm_end(job);
}

/* A look-up has found traces: end those of all other stages. */
static void job_end_other_stages(struct fetch_job *job, const struct lookup *found)
{
	job->stage = found->stage;
	for (size_t i = 0; i < job->nlookups; i++) {
		struct lookup *lookup = &job->lookups[i];
		if (lookup->stage != found->stage && !lookup_is_over(lookup))
			lookup_end(lookup);
	}
}

/* Start waiting jobs while there is a place, at most LIMIT_ENRICHING in one turn of the loop. */
static void start_jobs(void *arg)
{
	struct fetch *fetch = arg;
	unsigned int level = first_waiting_level(fetch);

	timer_disarm(fetch->env.timers, &fetch->timer);
	for (unsigned int n = 0; n < LIMIT_ENRICHING; n++, level = first_waiting_level(fetch)) {
		if (level == FETCH_LEVELS || !has_place(fetch, level))
			return;
		struct fetch_job *job = TAILQ_FIRST(&fetch->waiting[level]);
		TAILQ_REMOVE(&fetch->waiting[level], job, link);
		job->state = JOB_RUNNING;
		fetch->running++;
		fetch->running_again += level > 0;
		job_check(job);
	}
	arm_start(fetch);
}

/* Stop all that is under way, and give up the job's place. */
static void job_stop(struct fetch_job *job)
{
	if (job->ending)
		TAILQ_REMOVE(&job->fetch->ending, job, end_link);
	job->ending = false;
	timer_disarm(job->fetch->env.timers, &job->timer);
	for (size_t i = 0; i < job->nlookups; i++)
		lookup_fini(&job->lookups[i]);
	if (job->state == JOB_WAITING)
		TAILQ_REMOVE(&job->fetch->waiting[job->level], job, link);
	else if (job->state == JOB_RUNNING)
		job_rest(job);
}

static void fetch_job_free(struct fetch_job *job)
{
	buf_fini(&job->text);
	free(job->result.sets);
	arena_free(job->arena);
	free(job);
}

/* A look-up of the stage that was asked and has no trace, one that a source has answered if there
 * is one. NULL: there is none. *ret_n: how many; *ret_of: of how many ids. */
static const struct lookup *find_missing(struct fetch_job *job, enum lookup_stage stage,
					 size_t *ret_n, size_t *ret_of)
{
	const struct lookup *missing = NULL;

	*ret_n = *ret_of = 0;
	for (size_t i = 0; i < job->nlookups; i++) {
		const struct lookup *lookup = &job->lookups[i];
		if (lookup->stage != stage)
			continue;
		*ret_of += lookup->trace_id != NULL;
		if (lookup->state == LOOKUP_FOUND || !lookup_was_asked(lookup))
			continue;
		++*ret_n;
		if (!missing || !lookup_was_answered(missing))
			missing = lookup;
	}
	return missing;
}

/* Append why a stage lacks traces; FALLBACK_NONE: it lacks none. */
static enum fallback_code explain_stage(struct fetch_job *job, enum lookup_stage stage,
					struct buf *text)
{
	size_t n, of;
	const struct lookup *missing = find_missing(job, stage, &n, &of);

	if (!missing)
		return FALLBACK_NONE;
	buf_puts(text, text->len > 0 ? "; " : "");
	if (job->result.ntraces > 0 && stage == job->stage)
		buf_printf(text, "%zu of %zu traces are missing; ", n, of);
	if (missing->trace_id)
		buf_printf(text, "trace %s: ", missing->trace_id);
	return lookup_explain(missing, text);
}

/* Append why there is no trace at all: every stage's reasons; the code is the first stage's. */
static enum fallback_code explain_no_trace(struct fetch_job *job, struct buf *text)
{
	enum fallback_code code = FALLBACK_NONE, why;
	bool settled = false;

	for (enum lookup_stage stage = STAGE_NAMED; stage < STAGE_COUNT; stage++) {
		why = explain_stage(job, stage, text);
		if (why == FALLBACK_NONE || settled)
			continue;
		code = why;
		/* Metrics without ids are the weakest reason: any other replaces it. */
		settled = stage != STAGE_EXEMPLARS;
	}
	if (code != FALLBACK_NONE)
		return code;
	buf_printf(text, "the time ran out before this alert's turn (%d alerts at a time)",
		   LIMIT_ENRICHING);
	return FALLBACK_BUDGET_SPENT;
}

/* Append why there is no trace, or not all. */
static enum fallback_code job_explain(struct fetch_job *job, struct buf *text)
{
	if (job->nlookups == 0) {
		buf_puts(text,
			 any_source_answers(job->fetch, SOURCE_BY_ID)
				 ? "the alert names no trace, and there is nothing to search for"
				 : "no trace source is declared");
		return FALLBACK_NO_TRACE;
	}
	if (job->result.ntraces == 0)
		return explain_no_trace(job, text);
	if (job->result.ntraces >= job->search.limit)
		return FALLBACK_NONE;
	if (job->stage > STAGE_NAMED && job->lookups[0].stage == STAGE_NAMED) {
		buf_puts(text, "these are other traces of the signal");
		return explain_stage(job, STAGE_NAMED, text);
	}
	return explain_stage(job, job->stage, text);
}

enum fallback_code fetch_explain(struct fetch_job *job, const char **ret_text)
{
	enum fallback_code code;

	buf_reset(&job->text);
	code = job_explain(job, &job->text);
	*ret_text = buf_text(&job->text);
	return code;
}

static void job_end(struct fetch_job *job)
{
	job->result.missing = fetch_explain(job, &job->result.text);
	job_stop(job);
	job->done(job->ctx, &job->result);
	fetch_job_free(job);
}

/* Hand out one slice of results and answers, results first: they give places and memory back. */
static void fetch_hand_out(void *arg)
{
	struct fetch *fetch = arg;
	const int64_t end_us = clock_mono_us(fetch->env.clock) + LIMIT_SLICE_US;

	for (unsigned int n = 0;
	     n < LIMIT_SLICE_ITEMS && (n == 0 || clock_mono_us(fetch->env.clock) < end_us); n++) {
		struct fetch_job *job = TAILQ_FIRST(&fetch->ending);
		if (job)
			job_end(job);
		else if (!inquiry_hand_out(fetch))
			return;
	}
	hand_out_soon(fetch);
}

bool fetch_is_shared(const struct fetch_job *job)
{
	if (job->ending)
		return true;
	for (size_t i = 0; i < job->nlookups; i++)
		if (!waits_for_stage(job, &job->lookups[i]) && lookup_is_shared(&job->lookups[i]))
			return true;
	return false;
}

static bool job_take(struct lookup *lookup, const struct inquiry_answer *answer);
static void job_on_changed(struct lookup *lookup);
static void job_on_leads(struct lookup *lookup);

static bool is_looked_up(const struct fetch_job *job, const char *trace_id)
{
	for (size_t i = 0; i < job->nlookups; i++)
		if (job->lookups[i].trace_id && trace_id_equal(job->lookups[i].trace_id, trace_id))
			return true;
	return false;
}

static void job_add_lookup(struct fetch_job *job, enum lookup_stage stage, const char *trace_id,
			   size_t only_source)
{
	static const struct lookup_ops ops = { job_take, job_on_changed, job_on_leads };

	lookup_init(&job->lookups[job->nlookups++], job, &ops, stage, trace_id, only_source);
}

/* Each id once, as many as traces are wanted. */
static void job_add_ids(struct fetch_job *job, enum lookup_stage stage, size_t only_source,
			const char *const *ids, size_t n)
{
	size_t added = 0;

	for (size_t i = 0; i < n && added < job->search.limit; i++) {
		if (is_looked_up(job, ids[i]))
			continue;
		job_add_lookup(job, stage, arena_strdup(job->arena, ids[i]), only_source);
		added++;
	}
}

/* The traces of an exemplar are of any request: only those that fail as the signal does count. */
static bool job_take_traces(struct lookup *lookup, const struct inquiry_answer *answer)
{
	struct fetch_job *job = lookup->job;
	struct trace_query filter = job->search;
	bool filtered = lookup->stage == STAGE_EXEMPLARS && filter.signal;

	filter.failing = lookup_wants_failing(lookup);
	if (!job_take_sets(job, filtered ? &filter : NULL, answer))
		return false;
	job->result.source = &job->fetch->sources[lookup->source];
	job_end_other_stages(job, lookup);
	return true;
}

static bool job_take(struct lookup *lookup, const struct inquiry_answer *answer)
{
	struct fetch_job *job = lookup->job;
	size_t before = job->nlookups;
	/* Metrics do not tell where their traces are; a search found its ids in this source. */
	size_t only_source = lookup->stage == STAGE_SEARCH ? lookup->source : EVERY_SOURCE;

	if (answer->kind == ANSWER_TRACES)
		return job_take_traces(lookup, answer);
	job_add_ids(job, lookup->stage, only_source, answer->ids, answer->nids);
	return job->nlookups > before;
}

static void job_on_changed(struct lookup *lookup)
{
	job_check(lookup->job);
}

/* The job takes the place that the leader gives up. One that waits for a place gets its own. */
static void job_on_leads(struct lookup *lookup)
{
	struct fetch_job *job = lookup->job;

	if (job->state != JOB_RESTING)
		return;
	job->state = JOB_RUNNING;
	job->fetch->running++;
	job->fetch->running_again += job->level > 0;
}

static void job_add_lookups(struct fetch_job *job, const struct fetch_request *request)
{
	const struct fetch *fetch = job->fetch;

	/* Each stage has at most `limit` ids, and exemplars and search a question for ids. */
	job->lookups = arena_array(job->arena, STAGE_COUNT * (job->search.limit + 1),
				   sizeof(*job->lookups));
	if (!any_source_answers(fetch, SOURCE_BY_ID))
		return;
	job_add_ids(job, STAGE_NAMED, EVERY_SOURCE, request->trace_ids, request->ntrace_ids);
	if (job->expr && any_source_answers(fetch, SOURCE_EXEMPLARS))
		job_add_lookup(job, STAGE_EXEMPLARS, NULL, EVERY_SOURCE);
	if (job->search.signal && any_source_answers(fetch, SOURCE_SEARCH))
		job_add_lookup(job, STAGE_SEARCH, NULL, EVERY_SOURCE);
}

static void job_set_query(struct fetch_job *job, const struct fetch_request *request)
{
	const int64_t step = LIMIT_WINDOW_US;

	job->search = (struct trace_query){
		.from_us = request->from_us / step * step,
		.to_us = (request->to_us + step - 1) / step * step,
		.limit = request->limit ? request->limit : TRACES_DEFAULT,
		.healthy = request->healthy,
		.shared = request->ordinary,
		.min_duration_us = request->min_duration_us,
	};
	if (job->search.limit > LIMIT_TRACES_PER_ALERT)
		job->search.limit = LIMIT_TRACES_PER_ALERT;
	if (request->signal) {
		signal_copy(job->arena, request->signal, &job->signal);
		job->search.signal = &job->signal;
	}
	job->expr = arena_strdup(job->arena, request->expr);
	if (request->expr)
		labels_copy(job->arena, request->labels, &job->labels);
}

struct fetch_job *fetch_start(struct fetch *fetch, const struct fetch_request *request,
			      fetch_done *done, void *ctx)
{
	struct fetch_job *job = xcalloc(1, sizeof(*job));

	job->fetch = fetch;
	job->arena = arena_new(LIMIT_FETCH_JOB_BYTES);
	job->deadline_us = request->deadline_us;
	job->enough_us = request->enough_us < request->deadline_us ? request->enough_us : 0;
	job->timer.fire = job_on_time_over;
	job->timer.arg = job;
	job->done = done;
	job->ctx = ctx;
	job->trace = request->trace;
	job_set_query(job, request);
	job->options = (struct trace_options){
		.extra_names = names_copy(job->arena, request->extra_names, request->nextra_names),
		.nextra_names = request->nextra_names,
		.memory = fetch->env.memory,
	};
	buf_init(&job->text, LIMIT_FETCH_TEXT_BYTES);
	/* One for each trace at most. */
	job->result.sets = xcalloc(job->search.limit, sizeof(struct fetched_set *));
	job_add_lookups(job, request);
	timer_arm(fetch->env.timers, &job->timer, job->deadline_us);
	job_wait(job, request->ordinary ? FETCH_LEVELS - 1 : 0);
	start_jobs(fetch);
	return job;
}

void fetch_cancel(struct fetch_job *job)
{
	job_stop(job);
	for (size_t i = 0; i < job->result.nsets; i++)
		fetched_set_unref(job->result.sets[i]);
	fetch_job_free(job);
}

static void fetch_name_sources(struct fetch *fetch)
{
	CLEANUP_FREE const char **names = xcalloc(fetch->nsources + 1, sizeof(*names));

	for (size_t i = 0; i < fetch->nsources; i++)
		names[i] = fetch->sources[i].name;
	metric_names_set(METRIC_BY_SOURCE, names, fetch->nsources);
	for (size_t i = 0; i < fetch->nsources; i++)
		fetch->states[i].series = metric_series(METRIC_BY_SOURCE, names[i]);
}

struct fetch *fetch_new(const struct fetch_env *env, struct source_config *sources, size_t nsources)
{
	struct fetch *fetch = xcalloc(1, sizeof(*fetch));

	fetch->env = *env;
	if (!fetch->env.random)
		fetch->env.random = random_unit;
	fetch->sources = sources;
	fetch->nsources = nsources;
	fetch->states = xcalloc(nsources, sizeof(*fetch->states));
	fetch_name_sources(fetch);
	fetch->inquiries = map_new();
	TAILQ_INIT(&fetch->kept);
	TAILQ_INIT(&fetch->answered);
	TAILQ_INIT(&fetch->ending);
	for (size_t i = 0; i < FETCH_LEVELS; i++)
		TAILQ_INIT(&fetch->waiting[i]);
	fetch->hand_out.fire = fetch_hand_out;
	fetch->hand_out.arg = fetch;
	fetch->timer.fire = start_jobs;
	fetch->timer.arg = fetch;
	return fetch;
}

void fetch_free(struct fetch *fetch)
{
	if (!fetch)
		return;
	assert(fetch->running == 0 && first_waiting_level(fetch) == FETCH_LEVELS);
	inquiry_forget_all(fetch);
	timer_disarm(fetch->env.timers, &fetch->timer);
	timer_disarm(fetch->env.timers, &fetch->hand_out);
	map_free(fetch->inquiries);
	free(fetch->states);
	free(fetch);
}
