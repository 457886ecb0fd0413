/*
 * Fetch: jobs and their order. A job runs the look-ups of one alert, a few side by side: first the
 * ids in the alert, then those of exemplars, then the search. A few jobs
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

static void labels_copy(struct arena *arena, const struct labels *labels, struct labels *ret_labels)
{
	ret_labels->n = labels->n;
	ret_labels->at = arena_array(arena, labels->n, sizeof(struct label));
	for (size_t i = 0; i < labels->n; i++)
		ret_labels->at[i] = (struct label){
			.name = arena_strdup(arena, labels->at[i].name),
			.value = arena_strdup(arena, labels->at[i].value),
		};
}

void signal_copy(struct arena *arena, const struct signal *signal, struct signal *ret_signal)
{
	*ret_signal = *signal;
	ret_signal->name = arena_strdup(arena, signal->name);
	ret_signal->service = arena_strdup(arena, signal->service);
	ret_signal->namespace = arena_strdup(arena, signal->namespace);
	ret_signal->operation = arena_strdup(arena, signal->operation);
	ret_signal->from = arena_strdup(arena, signal->from);
	labels_copy(arena, &signal->attrs, &ret_signal->attrs);
}

void query_copy(struct arena *arena, const struct trace_query *query, struct signal *ret_signal,
		struct trace_query *ret_query)
{
	struct labels *labels = NULL;

	*ret_query = *query;
	ret_query->trace_id = arena_strdup(arena, query->trace_id);
	ret_query->expr = arena_strdup(arena, query->expr);
	if (query->labels) {
		labels = arena_alloc(arena, sizeof(*labels));
		labels_copy(arena, query->labels, labels);
	}
	ret_query->labels = labels;
	if (query->signal) {
		signal_copy(arena, query->signal, ret_signal);
		ret_query->signal = ret_signal;
	}
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

/* A set is kept only for a trace that counts; what is beyond the limit does not. */
static bool take_set(struct fetch_job *job, const struct trace_query *filter,
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

bool job_take(struct fetch_job *job, const struct trace_query *filter,
	      const struct inquiry_answer *answer)
{
	bool any = false;

	for (size_t i = 0; i < answer->nsets; i++)
		any = take_set(job, filter, answer, answer->sets[i]) || any;
	return any;
}

bool source_answers(const struct source_config *source, unsigned int what)
{
	const struct trace_source *kind = trace_sources[source->kind];

	return ((kind ? kind->answers : SOURCE_BY_ID | SOURCE_SEARCH) & what) != 0;
}

static bool any_source_answers(const struct fetch *fetch, unsigned int what)
{
	for (size_t i = 0; i < fetch->nsources; i++)
		if (source_answers(&fetch->sources[i], what))
			return true;
	return false;
}

static int64_t now_us(const struct fetch_job *job)
{
	return clock_mono_us(job->fetch->env.clock);
}

/* Has it had its chance, so that something else may be tried? */
static bool had_chance(const struct lookup *lookup)
{
	unsigned int rounds = lookup->trace_id ? LIMIT_ROUNDS_BY_ID : 1;

	return lookup_over(lookup) || (lookup->state != LOOKUP_ASKING && lookup->rounds >= rounds);
}

/* It has to wait until what comes before it has had its chance. */
static bool is_held(struct fetch_job *job, const struct lookup *lookup)
{
	if (lookup->trace_id || lookup->rounds > 0)
		return false;
	for (size_t i = 0; i < job->nlookups; i++)
		if (job->lookups[i].stage < lookup->stage && !had_chance(&job->lookups[i]))
			return true;
	return false;
}

/* What stands in for ids comes after the rounds that these had. */
static unsigned int level_of(struct fetch_job *job, const struct lookup *lookup)
{
	unsigned int level = lookup->rounds;

	if (lookup->stage > STAGE_NAMED && job->lookups[0].stage == STAGE_NAMED)
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
	job->stage = found->stage;
	for (size_t i = 0; i < job->nlookups; i++) {
		struct lookup *lookup = &job->lookups[i];
		if (lookup->stage != found->stage && !lookup_over(lookup))
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

/* Of a stage's look-ups without a trace the one that says most; NULL: there is none, or none has
 * been asked. */
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
		if (lookup->state == LOOKUP_FOUND || !lookup_asked(lookup))
			continue;
		++*ret_n;
		if (!missing || !lookup_heard(missing))
			missing = lookup;
	}
	return missing;
}

/* Why a stage lacks traces, behind what is there; FALLBACK_NONE: it does not. */
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
	return lookup_missing(missing, text);
}

/* Without any trace: every stage has its say, and the first one's word is the code. */
static enum fallback_code explain_nothing(struct fetch_job *job, struct buf *text)
{
	enum fallback_code code = FALLBACK_NONE, why;
	bool settled = false;

	for (enum lookup_stage stage = STAGE_NAMED; stage < STAGE_COUNT; stage++) {
		why = explain_stage(job, stage, text);
		if (why == FALLBACK_NONE || settled)
			continue;
		code = why;
		/* That metrics carry no ids is the least of reasons. */
		settled = stage != STAGE_EXEMPLARS;
	}
	if (code != FALLBACK_NONE)
		return code;
	buf_printf(text, "the time was over before it was this alert's turn (%d at a time)",
		   LIMIT_ENRICHING);
	return FALLBACK_BUDGET_SPENT;
}

/* Why there is no trace, or not all. */
static enum fallback_code explain(struct fetch_job *job, struct buf *text)
{
	if (job->nlookups == 0) {
		buf_puts(text,
			 any_source_answers(job->fetch, SOURCE_BY_ID)
				 ? "the alert names no trace, and there is nothing to search for"
				 : "no trace source is declared");
		return FALLBACK_NO_TRACE;
	}
	if (job->result.ntraces == 0)
		return explain_nothing(job, text);
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

static bool is_looked_up(const struct fetch_job *job, const char *trace_id)
{
	for (size_t i = 0; i < job->nlookups; i++)
		if (job->lookups[i].trace_id && trace_id_equal(job->lookups[i].trace_id, trace_id))
			return true;
	return false;
}

/* Each id once, as many as traces are wanted. */
static void add_ids(struct fetch_job *job, enum lookup_stage stage, size_t only,
		    const char *const *ids, size_t n)
{
	size_t added = 0;

	for (size_t i = 0; i < n && added < job->search.limit; i++) {
		if (is_looked_up(job, ids[i]))
			continue;
		lookup_init(&job->lookups[job->nlookups++], job, stage,
			    arena_strdup(job->arena, ids[i]), only);
		added++;
	}
}

bool job_add_ids(struct fetch_job *job, const struct lookup *from,
		 const struct inquiry_answer *answer)
{
	size_t before = job->nlookups;

	/* Metrics know nothing of where traces are; a search has found them where it looked. */
	add_ids(job, from->stage, from->stage == STAGE_SEARCH ? from->source : EVERY_SOURCE,
		answer->ids, answer->nids);
	return job->nlookups > before;
}

static void add_lookups(struct fetch_job *job, const struct fetch_request *request)
{
	const struct fetch *fetch = job->fetch;

	/* Each stage may have ids; the later two begin with a question for them. */
	job->lookups = arena_array(job->arena, STAGE_COUNT * (job->search.limit + 1),
				   sizeof(*job->lookups));
	if (!any_source_answers(fetch, SOURCE_BY_ID))
		return;
	add_ids(job, STAGE_NAMED, EVERY_SOURCE, request->trace_ids, request->ntrace_ids);
	if (job->expr && any_source_answers(fetch, SOURCE_EXEMPLARS))
		lookup_init(&job->lookups[job->nlookups++], job, STAGE_EXEMPLARS, NULL,
			    EVERY_SOURCE);
	if (job->search.signal && any_source_answers(fetch, SOURCE_SEARCH))
		lookup_init(&job->lookups[job->nlookups++], job, STAGE_SEARCH, NULL, EVERY_SOURCE);
}

/* Copies what is asked for. */
static void job_set_query(struct fetch_job *job, const struct fetch_request *request)
{
	const int64_t step = LIMIT_WINDOW_US;

	job->search = (struct trace_query){
		.from_us = request->from_us / step * step,
		.to_us = (request->to_us + step - 1) / step * step,
		.limit = request->limit ? request->limit : TRACES_DEFAULT,
		.healthy = request->healthy,
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
	job->arena = arena_new(JOB_ARENA_BYTES);
	job->deadline_us = request->deadline_us;
	job->enough_us = request->enough_us < request->deadline_us ? request->enough_us : 0;
	job->timer.fire = job_over;
	job->timer.arg = job;
	job->done = done;
	job->ctx = ctx;
	job_set_query(job, request);
	job->options = (struct trace_options){
		.extra_names = names_copy(job->arena, request->extra_names, request->nextra_names),
		.nextra_names = request->nextra_names,
		.memory = fetch->env.memory,
	};
	buf_init(&job->text, TEXT_BYTES);
	/* A set is kept only for a trace that counts. */
	job->result.sets = xcalloc(job->search.limit, sizeof(struct fetched_set *));
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
		fetched_set_unref(job->result.sets[i]);
	job_free(job);
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
	fetch->inquiries = map_new();
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
	map_free(fetch->inquiries);
	free(fetch->states);
	free(fetch);
}
