/*
 * Look-up: one trace by id, one search, or one question for exemplars, put to the sources in order.
 * A round asks each source until one has the answer. A round without an answer is followed by a
 * pause and another round, until the deadline. Reports to its job through lookup_ops. Owns its
 * place in an inquiry; the job owns the look-up.
 */
#include "fetch-internal.h"

#include <stdio.h>
#include <string.h>

#include "tracepager/clock.h"

static void lookup_ask(struct lookup *lookup);

static int64_t lookup_now_us(const struct lookup *lookup)
{
	return clock_mono_us(lookup->job->fetch->env.clock);
}

bool lookup_is_over(const struct lookup *lookup)
{
	return lookup->state == LOOKUP_FOUND || lookup->state == LOOKUP_ENDED;
}

bool lookup_was_asked(const struct lookup *lookup)
{
	return lookup->state != LOOKUP_WAITING || lookup->rounds > 0;
}

bool lookup_was_answered(const struct lookup *lookup)
{
	for (size_t i = 0; i < lookup->job->fetch->nsources; i++)
		if (lookup->answers[i].kind != ANSWER_NONE)
			return true;
	return false;
}

/* SOURCE_BY_ID, SOURCE_EXEMPLARS or SOURCE_SEARCH. */
static unsigned int lookup_question(const struct lookup *lookup)
{
	if (lookup->trace_id)
		return SOURCE_BY_ID;
	return lookup->stage == STAGE_EXEMPLARS ? SOURCE_EXEMPLARS : SOURCE_SEARCH;
}

/* May the look-up ask this source? */
static bool lookup_suits(const struct lookup *lookup, size_t source)
{
	return source_answers(&lookup->job->fetch->sources[source], lookup_question(lookup)) &&
	       (lookup->only_source == EVERY_SOURCE || lookup->only_source == source);
}

/* A signal that is not known to be about errors gets any trace from the third round on: failing
 * ones would have been found by then, and slow ones do not fail. */
bool lookup_wants_failing(const struct lookup *lookup)
{
	const struct trace_query *search = &lookup->job->search;

	return search->signal && !search->healthy && search->signal->mode != WALK_LATENCY &&
	       (search->signal->mode == WALK_ERRORS || lookup->rounds < 2);
}

/* The query of this round. */
static struct trace_query lookup_query(const struct lookup *lookup)
{
	struct trace_query query = lookup->job->search;

	/* Equal for all jobs that ask for this id, so that they share one inquiry. */
	if (lookup->trace_id)
		return (struct trace_query){ .trace_id = lookup->trace_id,
					     .from_us = query.from_us,
					     .to_us = query.to_us,
					     .limit = 1 };
	if (lookup->stage == STAGE_EXEMPLARS) {
		query.expr = lookup->job->expr;
		query.labels = &lookup->job->labels;
	} else {
		query.failing = lookup_wants_failing(lookup);
	}
	return query;
}

static bool is_worth_asking(const struct last_answer *answer)
{
	return answer->kind == ANSWER_NONE || answer->kind == ANSWER_NOT_FOUND ||
	       answer->kind == ANSWER_FAILED;
}

/* The pause before the next round: doubling up to a cap, times 0.75 to 1.25 by chance, cut so that
 * the last round starts LIMIT_LOOKUP_LAST_US before the deadline. -1: no time for another round. */
static int64_t lookup_pause_us(const struct lookup *lookup)
{
	const struct fetch_job *job = lookup->job;
	int64_t left = job->deadline_us - LIMIT_LOOKUP_LAST_US - lookup_now_us(lookup);
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

/* Is another round useless? Exemplars are asked for once, since the search follows. Healthy traces
 * lie in the past: what is missing will not arrive. With a trace in hand, few rounds are enough. */
static bool had_enough_rounds(const struct lookup *lookup)
{
	return lookup_question(lookup) == SOURCE_EXEMPLARS || lookup->job->search.healthy ||
	       (lookup->job->result.ntraces > 0 && lookup->rounds >= LIMIT_LOOKUPS_WITH_ONE);
}

static void end_round(struct lookup *lookup)
{
	const struct fetch_job *job = lookup->job;
	bool any_hope = false;

	lookup->rounds++;
	for (size_t i = 0; i < job->fetch->nsources; i++)
		any_hope = any_hope ||
			   (lookup_suits(lookup, i) && is_worth_asking(&lookup->answers[i]));
	int64_t pause = lookup_pause_us(lookup);
	if (!any_hope || pause < 0 || had_enough_rounds(lookup)) {
		lookup->state = LOOKUP_ENDED;
		return;
	}
	lookup->state = LOOKUP_PAUSED;
	timer_arm(job->fetch->env.timers, &lookup->timer, lookup_now_us(lookup) + pause);
}

/* Note the answer of the source whose turn it is. */
static void note_answer(struct lookup *lookup, enum answer_kind kind, const char *text)
{
	struct last_answer *last = &lookup->answers[lookup->source];

	last->kind = kind;
	last->tries++;
	last->at_us = lookup_now_us(lookup);
	snprintf(last->text, sizeof(last->text), "%.*s", (int)sizeof(last->text) - 1, text);
	lookup->last_us = last->at_us;
}

static void try_next_source(struct lookup *lookup, enum answer_kind kind, const char *text)
{
	note_answer(lookup, kind, text);
	lookup->source++;
	lookup_ask(lookup);
	lookup->ops->changed(lookup);
}

static void lookup_found(struct lookup *lookup, enum answer_kind kind)
{
	note_answer(lookup, kind, "");
	lookup->state = LOOKUP_FOUND;
	lookup->ops->changed(lookup);
}

static void lookup_on_answer(void *arg, const struct inquiry_answer *answer)
{
	struct lookup *lookup = arg;

	if (answer->kind != ANSWER_TRACES && answer->kind != ANSWER_IDS)
		try_next_source(lookup, answer->kind, answer->text);
	else if (lookup->ops->take(lookup, answer))
		lookup_found(lookup, answer->kind);
	else if (answer->kind == ANSWER_IDS)
		try_next_source(lookup, ANSWER_NOT_FOUND, "");
	else
		try_next_source(lookup, ANSWER_OTHER,
				lookup_wants_failing(lookup)
					? "has the trace, but it is no failing trace of the signal"
					: "has the trace, but it is no trace of the signal");
}

/* The first source from this one on that is asked in this round; nsources: none. */
static size_t lookup_next_source(const struct lookup *lookup, size_t source)
{
	const size_t nsources = lookup->job->fetch->nsources;

	while (source < nsources &&
	       !(lookup_suits(lookup, source) && is_worth_asking(&lookup->answers[source])))
		source++;
	return source;
}

/* The question to a source. An answer that the look-up has had already is not wanted again. */
static struct inquiry_question question_to(const struct lookup *lookup, size_t source,
					   const struct trace_query *query)
{
	return (struct inquiry_question){ source, query, &lookup->job->options,
					  lookup->answers[source].at_us, lookup->job->trace };
}

/* Ask the sources from the current one on until an inquiry is under way. */
static void lookup_ask(struct lookup *lookup)
{
	struct fetch *fetch = lookup->job->fetch;
	const struct trace_query query = lookup_query(lookup);
	struct inquiry_answer answer;

	lookup->state = LOOKUP_ASKING;
	for (;; lookup->source++) {
		lookup->source = lookup_next_source(lookup, lookup->source);
		if (lookup->source == fetch->nsources)
			break;
		const struct inquiry_question question =
			question_to(lookup, lookup->source, &query);
		if (inquiry_ask(fetch, &lookup->asker, &question, &answer))
			return;
		note_answer(lookup, answer.kind, answer.text);
	}
	end_round(lookup);
}

bool lookup_leads(const struct lookup *lookup)
{
	return inquiry_is_led_by(&lookup->asker);
}

bool lookup_is_shared(const struct lookup *lookup)
{
	const struct fetch *fetch = lookup->job->fetch;

	if (lookup->state == LOOKUP_ASKING)
		return inquiry_is_shared(&lookup->asker);
	if (lookup->state != LOOKUP_WAITING)
		return false;
	const struct trace_query query = lookup_query(lookup);
	const size_t source = lookup_next_source(lookup, 0);
	if (source == fetch->nsources)
		return false;
	const struct inquiry_question question = question_to(lookup, source, &query);
	return inquiry_is_asked(fetch, &question);
}

static void lookup_on_leads(void *arg)
{
	struct lookup *lookup = arg;

	lookup->ops->leads(lookup);
}

static void lookup_on_pause_over(void *arg)
{
	struct lookup *lookup = arg;

	lookup->state = LOOKUP_WAITING;
	lookup->ops->changed(lookup);
}

void lookup_start(struct lookup *lookup)
{
	if (lookup->rounds == 0)
		lookup->began_us = lookup_now_us(lookup);
	lookup->source = 0;
	lookup_ask(lookup);
}

void lookup_init(struct lookup *lookup, struct fetch_job *job, const struct lookup_ops *ops,
		 enum lookup_stage stage, const char *trace_id, size_t only_source)
{
	*lookup = (struct lookup){
		.job = job,
		.ops = ops,
		.stage = stage,
		.trace_id = trace_id,
		.only_source = only_source,
		.timer = { .fire = lookup_on_pause_over, .arg = lookup },
		.asker = { .answered = lookup_on_answer, .leads = lookup_on_leads, .arg = lookup },
	};
	lookup->answers = arena_array(job->arena, job->fetch->nsources, sizeof(*lookup->answers));
}

void lookup_fini(struct lookup *lookup)
{
	timer_disarm(lookup->job->fetch->env.timers, &lookup->timer);
	inquiry_leave(&lookup->asker);
}

void lookup_end(struct lookup *lookup)
{
	lookup_fini(lookup);
	lookup->state = LOOKUP_ENDED;
}

/* ---- why there is no trace ---- */

/* "jaeger has no failing trace of web GET /cart from 09:47 to 10:01 UTC (asked 5 times)" */
static void describe_search(const struct trace_query *query, const char *source, unsigned int tries,
			    struct buf *text)
{
	const char *operation = query->signal->operation;
	char from[RFC3339_SIZE], to[RFC3339_SIZE];
	const size_t clock = strlen("2026-09-01T"), minutes = strlen("09:47");

	rfc3339_format(query->from_us, from);
	rfc3339_format(query->to_us, to);
	buf_printf(text, "%s has no %strace of %s%s%s from %.*s to %.*s UTC", source,
		   query->failing ? "failing " : "", query->signal->service,
		   operation && *operation ? " " : "", operation ? operation : "", (int)minutes,
		   from + clock, (int)minutes, to + clock);
	if (tries > 1)
		buf_printf(text, " (asked %u times)", tries);
}

static void describe_not_found(const struct lookup *lookup, const char *source, unsigned int tries,
			       struct buf *text)
{
	const struct trace_query query = lookup_query(lookup);

	if (query.trace_id)
		buf_printf(text, "not found in %s", source);
	else if (query.expr)
		buf_printf(text, "no exemplar of the alert's expression in %s", source);
	else
		describe_search(&query, source, tries, text);
	if (tries > 1 && (query.trace_id || query.expr))
		buf_printf(text, " after %u tries over %.1f s", tries,
			   (double)(lookup->last_us - lookup->began_us) / (double)US_PER_SECOND);
}

enum fallback_code lookup_explain(const struct lookup *lookup, struct buf *text)
{
	const struct fetch *fetch = lookup->job->fetch;
	bool seen[ANSWER_BAD + 1] = { false };
	const char *between = "";

	for (size_t i = 0; i < fetch->nsources; i++) {
		const struct last_answer *last = &lookup->answers[i];
		const char *name = fetch->sources[i].name;
		if (!lookup_suits(lookup, i))
			continue;
		buf_puts(text, between);
		between = "; ";
		seen[last->kind] = true;
		if (last->kind == ANSWER_NOT_FOUND)
			describe_not_found(lookup, name, last->tries, text);
		else if (last->kind == ANSWER_NONE)
			buf_printf(text, "%s had not answered", name);
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
