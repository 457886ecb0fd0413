/*
 * Decision: what several files ask of a decision: the words of fallbacks and suspects, the walk
 * that stands for the verdict, whom it pages. Pure; owns nothing.
 */
#include "decide-internal.h"

#include <string.h>

#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

static const struct {
	const char *words, *sentence;
} fallbacks[] = {
	[FALLBACK_NONE] = { "", "" },
	[FALLBACK_NO_SIGNAL] = { "", "the alert is not about a traced operation, so no trace was "
				     "looked for" },
	[FALLBACK_NO_TRACE] = { "no trace found", "no trace of the signal was found" },
	[FALLBACK_TRACE_NOT_FOUND] = { "its trace was not found",
				       "the trace that the alert names was not found" },
	[FALLBACK_TRACE_TOO_LARGE] = { "its trace is too large",
				       "the trace is larger than is read" },
	[FALLBACK_BAD_TRACE] = { "its trace cannot be read", "the trace could not be decoded" },
	[FALLBACK_BUDGET_SPENT] = { "no trace in time", "the time for finding traces was over" },
	[FALLBACK_SOURCE_ERROR] = { "the tracing backend failed",
				    "the tracing backend could not be asked" },
	[FALLBACK_NO_FAILING_SPAN] = { "its traces show no cause", "no span of the traces failed" },
	[FALLBACK_LOW_CONFIDENCE] = { "its traces disagree", "the traces do not agree on a cause" },
	[FALLBACK_NO_OWNER] = { "nobody owns the cause", "no rule names an owner of the suspect" },
	[FALLBACK_CRASHED] = { "tracepager ended twice while it processed the alert",
			       "processing this alert ended the program before, so traces were "
			       "left alone" },
};

const char *fallback_sentence(enum fallback_code code)
{
	return (size_t)code < ARRAY_LEN(fallbacks) ? fallbacks[code].sentence : "";
}

const char *fallback_words(enum fallback_code code)
{
	return (size_t)code < ARRAY_LEN(fallbacks) ? fallbacks[code].words : "";
}

const struct walk *decision_walk(const struct decision *decision)
{
	const struct walk *walk = decision->verdict.walk;

	return walk ? walk : decision->nwalks ? &decision->walks[0] : NULL;
}

bool decision_is_untraced(const struct decision *decision)
{
	return decision->verdict.fallback == FALLBACK_NO_SIGNAL;
}

void verdict_set_fallback(struct verdict *verdict, enum fallback_code code, const char *text)
{
	verdict->fallback = code;
	verdict->fallback_text = text && *text ? text : fallback_sentence(code);
}

/* What is said of a suspect without an error's words: where its span failed, and where it is only
 * slow. */
static const struct {
	const char *failed, *slow;
} kind_words[] = {
	[SUSPECT_SPAN] = { "failed", "too slow" },
	[SUSPECT_PEER] = { "calls to it fail", "calls to it are too slow" },
	[SUSPECT_CALLER] = { "a call of it failed, and the callee did not",
			     "a call of it failed, and the callee did not" },
	[SUSPECT_SLOW] = { "too slow", "too slow" },
	[SUSPECT_EDGE] = { "calls fail in between", "calls are too slow in between" },
};

/* The suspect span's own time on the critical path of a walk by latency; 0: it is not known. */
static int64_t suspect_own_us(const struct verdict *verdict)
{
	const struct walk *walk = verdict->walk;

	for (uint32_t i = 0; walk && walk->trace == verdict->suspect.trace && i < walk->ncritical;
	     i++)
		if (walk->critical[i].span == verdict->suspect.span)
			return walk->critical[i].own_us;
	return 0;
}

/* "took 989 ms, usually 43 ms"; without healthy traces "spent 946 ms in its own
 * work". */
static const char *slow_words(struct arena *arena, const struct verdict *verdict)
{
	const struct suspect *suspect = &verdict->suspect;
	bool own = suspect->kind == SUSPECT_SPAN || suspect->kind == SUSPECT_SLOW;
	char took[PLAIN_DURATION_SIZE], usual[PLAIN_DURATION_SIZE];
	int64_t own_us = suspect_own_us(verdict);

	if (verdict->took_us > 0)
		return arena_printf(arena, "%s %s, usually %s", own ? "took" : "calls wait",
				    plain_duration(verdict->took_us, took),
				    verdict->usual_us > 0 ? plain_duration(verdict->usual_us, usual)
							  : "next to nothing");
	if (own && own_us > 0 && !suspect->callee)
		return arena_printf(arena, "too slow, spent %s in its own work",
				    plain_duration(own_us, took));
	return kind_words[suspect->kind].slow;
}

/* Of a service that held up a call: the call that gave up is the last failing span on the path.
 * "too slow, still working when checkout gave up after 3.00 s" */
static const char *held_up_words(struct arena *arena, const struct verdict *verdict)
{
	const struct suspect *suspect = &verdict->suspect;
	const struct walk *walk = verdict->walk;
	char after[PLAIN_DURATION_SIZE];

	for (uint32_t i = walk ? walk->npath : 0; i-- > 0;) {
		const struct span *span = &walk->trace->spans[walk->path[i]];
		if (!span_failing(walk->trace, span, true))
			continue;
		const char *caller = span_service(walk->trace, span);
		plain_duration(span->duration_us, after);
		if (strcmp(caller, suspect->service) == 0)
			return arena_printf(arena, "gave up after %s: %s", after,
					    error_shown(arena, suspect->error));
		return arena_printf(arena, "too slow, still working when %s gave up after %s",
				    caller, after);
	}
	return error_shown(arena, suspect->error);
}

const char *decision_words(struct arena *arena, const struct verdict *verdict)
{
	const struct suspect *suspect = &verdict->suspect;
	bool failing = !suspect->trace || suspect->span == TRACE_NONE ||
		       span_failing(suspect->trace, &suspect->trace->spans[suspect->span], true);
	bool slow = verdict->took_us > 0 || (verdict->walk && verdict->walk->mode == WALK_LATENCY);

	if ((size_t)suspect->kind >= ARRAY_LEN(kind_words))
		return "failed";
	if (slow && (!failing || suspect->kind == SUSPECT_SLOW))
		return slow_words(arena, verdict);
	if (suspect->error && *suspect->error)
		return suspect->kind == SUSPECT_SLOW ? held_up_words(arena, verdict)
						     : error_shown(arena, suspect->error);
	return failing ? kind_words[suspect->kind].failed : kind_words[suspect->kind].slow;
}

/* From these on a suspect is almost certain, and likely; below it is possible. */
#define CONFIDENCE_CERTAIN 0.9
#define CONFIDENCE_LIKELY  0.7

const char *confidence_words(double confidence)
{
	/* As the number is rounded. */
	return confidence >= CONFIDENCE_CERTAIN - 0.005	 ? "almost certain"
	       : confidence >= CONFIDENCE_LIKELY - 0.005 ? "likely"
							 : "possible";
}

const char *decision_annotation(const struct decision *decision, const char *name)
{
	const char *text = labels_get(&decision->alert.annotations, name);

	return text ? text : "";
}

bool suspect_is_database(const struct suspect *suspect)
{
	static const unsigned int keys[] = { ATTR_DB_SYSTEM_NAME, ATTR_DB_SYSTEM };

	if (!suspect->trace || suspect->span == TRACE_NONE || !suspect->callee ||
	    (suspect->kind != SUSPECT_PEER && suspect->kind != SUSPECT_SLOW))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (span_attr(suspect->trace, &suspect->trace->spans[suspect->span], keys[i]))
			return true;
	return false;
}

const struct escalation *decision_escalation(const struct decision *decision)
{
	if (!decision->team || decision->no_page || decision->routing.npagers)
		return NULL;
	return decision->routing.escalation ? decision->routing.escalation
					    : decision->team->escalation;
}

const struct pager *const *decision_pagers(const struct decision *decision, size_t *ret_n)
{
	const struct escalation *escalation = decision_escalation(decision);

	*ret_n = 0;
	if (!decision->team || decision->no_page)
		return NULL;
	*ret_n = escalation ? escalation->steps[0].npagers : decision->routing.npagers;
	return escalation ? (const struct pager *const *)escalation->steps[0].pagers
			  : decision->routing.pagers;
}
