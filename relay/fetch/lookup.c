/*
 * Look-up: one trace by id, one search, or one question for exemplars, over all sources in order. A
 * round asks each source until one has the answer; after a round without it comes a pause, and
 * another round, until the deadline.
 */
#include "fetch-internal.h"

#include <stdio.h>
#include <string.h>

static void ask(struct lookup *lookup);

static int64_t now_us(const struct lookup *lookup)
{
	return clock_mono_us(lookup->job->fetch->env.clock);
}

static const struct source_config *source_of(const struct lookup *lookup)
{
	return &lookup->job->fetch->sources[lookup->source];
}

bool lookup_over(const struct lookup *lookup)
{
	return lookup->state == LOOKUP_FOUND || lookup->state == LOOKUP_ENDED;
}

bool lookup_asked(const struct lookup *lookup)
{
	return lookup->state != LOOKUP_WAITING || lookup->rounds > 0;
}

bool lookup_heard(const struct lookup *lookup)
{
	for (size_t i = 0; i < lookup->job->fetch->nsources; i++)
		if (lookup->answers[i].kind != ANSWER_NONE)
			return true;
	return false;
}

static unsigned int what_of(const struct lookup *lookup)
{
	if (lookup->trace_id)
		return SOURCE_BY_ID;
	return lookup->stage == STAGE_EXEMPLARS ? SOURCE_EXEMPLARS : SOURCE_SEARCH;
}

static bool is_for(const struct lookup *lookup, size_t source)
{
	return source_answers(&lookup->job->fetch->sources[source], what_of(lookup)) &&
	       (lookup->only == EVERY_SOURCE || lookup->only == source);
}

/* Does the job want failing traces? A signal that is not known to be about errors gets any trace
 * from the third round on: its failing ones would be there by then, and slow ones do not fail. */
static bool wants_failing(const struct lookup *lookup)
{
	const struct trace_query *search = &lookup->job->search;

	return search->signal && !search->healthy && search->signal->mode != WALK_LATENCY &&
	       (search->signal->mode == WALK_ERRORS || lookup->rounds < 2);
}

/* The question of this round. */
static struct trace_query query_of(const struct lookup *lookup)
{
	struct trace_query query = lookup->job->search;

	/* The same for all that ask for it. */
	if (lookup->trace_id)
		return (struct trace_query){ .trace_id = lookup->trace_id,
					     .from_us = query.from_us,
					     .to_us = query.to_us,
					     .limit = 1 };
	if (lookup->stage == STAGE_EXEMPLARS) {
		query.expr = lookup->job->expr;
		query.labels = &lookup->job->labels;
	} else {
		query.failing = wants_failing(lookup);
	}
	return query;
}

static bool worth_asking(const struct last_answer *answer)
{
	return answer->kind == ANSWER_NONE || answer->kind == ANSWER_NOT_FOUND ||
	       answer->kind == ANSWER_FAILED;
}

/* Doubling, a quarter of it by chance; the last one ends short of the deadline. Less than 0: there
 * is no time for another round. */
static int64_t pause_us(const struct lookup *lookup)
{
	const struct fetch_job *job = lookup->job;
	int64_t left = job->deadline_us - LIMIT_LOOKUP_LAST_US - now_us(lookup);
	int64_t pause = LIMIT_LOOKUP_PAUSE_MIN_US;

	for (unsigned int i = 1; i < lookup->rounds && pause < LIMIT_LOOKUP_PAUSE_MAX_US; i++)
		pause *= 2;
	if (pause > LIMIT_LOOKUP_PAUSE_MAX_US)
		pause = LIMIT_LOOKUP_PAUSE_MAX_US;
	pause = (int64_t)((double)pause * (0.75 + job->fetch->env.random() / 2));
	if (left < LIMIT_LOOKUP_PAUSE_MIN_US)
		return -1;
	return pause < left ? pause : left;
}

/* Exemplars are asked for once: what is not there is searched for. Healthy traces are of the past:
 * those that are not there will not come. */
static bool is_enough(const struct lookup *lookup)
{
	return what_of(lookup) == SOURCE_EXEMPLARS || lookup->job->search.healthy ||
	       (lookup->job->result.ntraces > 0 && lookup->rounds >= LIMIT_LOOKUPS_WITH_ONE);
}

static void round_over(struct lookup *lookup)
{
	const struct fetch_job *job = lookup->job;
	bool hope = false;

	lookup->rounds++;
	for (size_t i = 0; i < job->fetch->nsources; i++)
		hope = hope || (is_for(lookup, i) && worth_asking(&lookup->answers[i]));
	int64_t pause = pause_us(lookup);
	if (!hope || pause < 0 || is_enough(lookup)) {
		lookup->state = LOOKUP_ENDED;
		return;
	}
	lookup->state = LOOKUP_PAUSED;
	timer_arm(job->fetch->env.timers, &lookup->timer, now_us(lookup) + pause);
}

/* The source in turn has spoken. */
static void remember(struct lookup *lookup, enum answer_kind kind, const char *text)
{
	struct last_answer *last = &lookup->answers[lookup->source];

	last->kind = kind;
	last->tries++;
	snprintf(last->text, sizeof(last->text), "%.*s", (int)sizeof(last->text) - 1, text);
	lookup->last_us = now_us(lookup);
}

static void next_source(struct lookup *lookup, enum answer_kind kind, const char *text)
{
	remember(lookup, kind, text);
	lookup->source++;
	ask(lookup);
	job_check(lookup->job);
}

static void found(struct lookup *lookup, enum answer_kind kind)
{
	remember(lookup, kind, "");
	lookup->state = LOOKUP_FOUND;
	if (kind == ANSWER_TRACES) {
		lookup->job->result.source = source_of(lookup);
		job_settle(lookup->job, lookup);
	}
	job_check(lookup->job);
}

/* An exemplar is of any request: those that did not fail tell nothing about what failed. */
static void take_traces(struct lookup *lookup, const struct inquiry_answer *answer)
{
	struct trace_query filter = lookup->job->search;
	bool filtered = lookup->stage == STAGE_EXEMPLARS && filter.signal;

	filter.failing = wants_failing(lookup);
	if (job_take(lookup->job, filtered ? &filter : NULL, answer))
		found(lookup, ANSWER_TRACES);
	else
		next_source(lookup, ANSWER_OTHER,
			    filter.failing ? "has it, and it is no failing trace of the signal"
					   : "has it, and it is no trace of the signal");
}

void lookup_answered(struct lookup *lookup, const struct inquiry_answer *answer)
{
	if (answer->kind == ANSWER_TRACES)
		take_traces(lookup, answer);
	else if (answer->kind != ANSWER_IDS)
		next_source(lookup, answer->kind, answer->text);
	else if (job_add_ids(lookup->job, lookup, answer))
		found(lookup, ANSWER_IDS);
	else
		next_source(lookup, ANSWER_NOT_FOUND, "");
}

/* From the source in turn on, until one is being asked. */
static void ask(struct lookup *lookup)
{
	const struct fetch *fetch = lookup->job->fetch;
	struct inquiry_answer answer;

	lookup->state = LOOKUP_ASKING;
	for (; lookup->source < fetch->nsources; lookup->source++) {
		if (!is_for(lookup, lookup->source) ||
		    !worth_asking(&lookup->answers[lookup->source]))
			continue;
		struct trace_query query = query_of(lookup);
		if (inquiry_ask(lookup, lookup->source, &query, &answer))
			return;
		remember(lookup, answer.kind, answer.text);
	}
	round_over(lookup);
}

static void pause_over(void *arg)
{
	struct lookup *lookup = arg;

	lookup->state = LOOKUP_WAITING;
	job_check(lookup->job);
}

void lookup_start(struct lookup *lookup)
{
	if (lookup->rounds == 0)
		lookup->began_us = now_us(lookup);
	lookup->source = 0;
	ask(lookup);
}

void lookup_init(struct lookup *lookup, struct fetch_job *job, enum lookup_stage stage,
		 const char *trace_id, size_t only)
{
	*lookup = (struct lookup){ .job = job, .stage = stage, .trace_id = trace_id, .only = only };
	lookup->answers = arena_array(job->arena, job->fetch->nsources, sizeof(*lookup->answers));
	lookup->timer.fire = pause_over;
	lookup->timer.arg = lookup;
}

void lookup_fini(struct lookup *lookup)
{
	timer_disarm(lookup->job->fetch->env.timers, &lookup->timer);
	inquiry_leave(lookup);
}

void lookup_end(struct lookup *lookup)
{
	lookup_fini(lookup);
	lookup->state = LOOKUP_ENDED;
}

/* Why there is no trace. */

static void describe_not_found(const struct lookup *lookup, const char *source, unsigned int tries,
			       struct buf *text)
{
	const struct trace_query query = query_of(lookup);

	if (query.trace_id)
		buf_printf(text, "not found in %s", source);
	else if (query.expr)
		buf_printf(text, "no exemplar of the alert's expression in %s", source);
	else
		buf_printf(text, "no %strace of %s in %s", query.failing ? "failing " : "",
			   query.signal->service, source);
	if (tries > 1)
		buf_printf(text, " after %u tries over %.1f s", tries,
			   (double)(lookup->last_us - lookup->began_us) / (double)US_PER_SECOND);
}

enum fallback_code lookup_missing(const struct lookup *lookup, struct buf *text)
{
	const struct fetch *fetch = lookup->job->fetch;
	bool seen[ANSWER_BAD + 1] = { false };
	const char *between = "";

	for (size_t i = 0; i < fetch->nsources; i++) {
		const struct last_answer *last = &lookup->answers[i];
		const char *name = fetch->sources[i].name;
		if (!is_for(lookup, i))
			continue;
		buf_puts(text, between);
		between = "; ";
		seen[last->kind] = true;
		if (last->kind == ANSWER_NOT_FOUND)
			describe_not_found(lookup, name, last->tries, text);
		else if (last->kind == ANSWER_NONE)
			buf_printf(text, "%s had not answered when the time was over", name);
		else
			buf_printf(text, "%s %s", name, last->text);
	}
	if (seen[ANSWER_TOO_LARGE])
		return FALLBACK_TRACE_TOO_LARGE;
	if (seen[ANSWER_BAD])
		return FALLBACK_BAD_TRACE;
	if (seen[ANSWER_FAILED] || seen[ANSWER_HOPELESS])
		return FALLBACK_SOURCE_ERROR;
	if (!seen[ANSWER_NOT_FOUND] && !seen[ANSWER_OTHER])
		return FALLBACK_BUDGET_SPENT;
	return lookup->trace_id && !seen[ANSWER_OTHER] ? FALLBACK_TRACE_NOT_FOUND
						       : FALLBACK_NO_TRACE;
}
