/*
 * Decision: what several files ask of a decision: the words of fallbacks and suspects, the walk
 * that stands for the verdict, whom it pages. Pure; owns nothing.
 */
#include "decide-internal.h"

#include "tracepager/xalloc.h"

static const struct {
	const char *words, *sentence;
} fallbacks[] = {
	[FALLBACK_NONE] = { "", "" },
	[FALLBACK_NO_SIGNAL] = { "", "the alert is not about a traced operation, so no trace was "
				     "looked for" },
	[FALLBACK_NO_TRACE] = { "no trace", "no trace of the signal was found" },
	[FALLBACK_TRACE_NOT_FOUND] = { "its trace is gone",
				       "the trace that the alert names was not found" },
	[FALLBACK_TRACE_TOO_LARGE] = { "its trace is too large",
				       "the trace is larger than is read" },
	[FALLBACK_BAD_TRACE] = { "its trace is not readable", "the trace could not be decoded" },
	[FALLBACK_BUDGET_SPENT] = { "no trace in time", "the time for finding traces was over" },
	[FALLBACK_SOURCE_ERROR] = { "the trace source failed",
				    "the source of traces could not be asked" },
	[FALLBACK_NO_FAILING_SPAN] = { "nothing failed in its traces",
				       "no span of the traces failed" },
	[FALLBACK_LOW_CONFIDENCE] = { "the cause is unclear",
				      "the traces do not agree on a cause" },
	[FALLBACK_NO_OWNER] = { "nobody owns the cause", "no rule names an owner of the suspect" },
	[FALLBACK_CRASHED] = { "processing it ended the program",
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

void verdict_set_fallback(struct verdict *verdict, enum fallback_code code, const char *text)
{
	verdict->fallback = code;
	verdict->fallback_text = text && *text ? text : fallback_sentence(code);
}

static const char *const kind_words[] = {
	[SUSPECT_SPAN] = "failed",
	[SUSPECT_PEER] = "calls to it fail",
	[SUSPECT_CALLER] = "its request was refused",
	[SUSPECT_SLOW] = "too slow",
	[SUSPECT_EDGE] = "calls fail in between",
};

const char *suspect_words(const struct suspect *suspect)
{
	if (suspect->error && *suspect->error)
		return suspect->error;
	return (size_t)suspect->kind < ARRAY_LEN(kind_words) ? kind_words[suspect->kind] : "failed";
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
