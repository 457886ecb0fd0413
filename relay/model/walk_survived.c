/*
 * Walk, survived: did a failing span outlive the failure of a call below it, and fail by something
 * else later (tracepager-walk(7), section 4)?
 *
 * It did only where all of this holds: another call began after the failed one had ended, and
 * succeeded; that call is of another callee, or is another attempt, and it is no clean-up and no
 * report, which are made because of the failure; the span above has words of its own, later than
 * the failed call; and neither's words hold the other's. Where only the words are missing, the
 * failed call stays a candidate, and the walk says that it may have been survived.
 *
 * Words that only say that something failed ("checkout failed") are no words of its own, unless
 * another call failed after the success: they may be about that one. An INSERT
 * shows that the service went on, but only beside specific words: it may be a row about the
 * failure.
 *
 * A span above that names a programming error ("KeyError", "nil map"), or another cause in words
 * that share nothing with those of the call, may have failed by itself: walk_own_bug() and
 * walk_own_words() only lower the certainty, since a bad answer leads to such errors as well.
 *
 * Times are compared only between spans of one process: the span above and its calls.
 */
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "walk-internal.h"

/* Later calls that are looked at for one that shows survival. */
#define LATER_CALLS 64

/* The names by which two calls can be told to go to different callees. */
static const char *callee_name(const struct trace *trace, uint32_t call)
{
	static const unsigned int keys[] = { ATTR_SERVICE_PEER_NAME, ATTR_PEER_SERVICE,
					     ATTR_SERVER_ADDRESS,    ATTR_NET_PEER_NAME,
					     ATTR_DB_SYSTEM_NAME,    ATTR_DB_SYSTEM,
					     ATTR_MESSAGING_SYSTEM,  ATTR_RPC_SERVICE,
					     ATTR_URL_FULL,	     ATTR_HTTP_URL };
	uint32_t answer = span_answer(trace, call);

	if (answer != TRACE_NONE)
		return span_service(trace, &trace->spans[answer]);
	return span_first_attr(trace, &trace->spans[call], keys, ARRAY_LEN(keys));
}

bool walk_other_callee(const struct trace *trace, uint32_t a, uint32_t b)
{
	const char *x = callee_name(trace, a), *y = callee_name(trace, b);

	/* What a service did by itself has no callee. */
	if (trace->spans[a].kind == SPAN_INTERNAL)
		return true;
	return x && y && strcmp(x, y) != 0;
}

/* The search for a later span that shows that the failure of a call was survived. */
struct survival_search {
	const struct walker *walker;
	uint32_t above, call;
	int64_t until_us; /* it began before */
	bool specific;	  /* the span above names a cause */
};

static bool shows_survival(const struct survival_search *search, uint32_t later)
{
	const struct walker *walker = search->walker;
	uint32_t call = search->call;
	const struct trace *trace = walker->trace;
	const struct span *span = &trace->spans[later];

	if ((walker->bits[later] & (BIT_FAILING | BIT_INFERRED)) ||
	    span->start_us < span_end_us(&trace->spans[call]) || (span->flags & SPAN_FOLLOWS))
		return false;
	if (attempts_same_call(trace, &trace->spans[call], span))
		return attempts_are(walker, call, later);
	return span_side(trace, span) == SIDE_CLIENT && walk_other_callee(trace, call, later) &&
	       (!span_changes(trace, span) || (search->specific && span_adds_row(trace, span))) &&
	       !span_is_cleanup(trace, later);
}

/* A later span beside the call, or beside the spans between it and the one above, that shows
 * survival; TRACE_NONE: there is none. A span that says nothing is looked through for the calls
 * that it made. */
static uint32_t later_success(const struct survival_search *search)
{
	const struct span *spans = search->walker->trace->spans;
	int64_t from_us = span_end_us(&spans[search->call]);
	int looked = 0;

	for (uint32_t at = search->call; at != search->above; at = spans[at].parent) {
		uint32_t beside = spans[spans[at].parent].first_child;

		for (; beside != TRACE_NONE; beside = spans[beside].next_sibling) {
			uint32_t inner = spans[beside].kind == SPAN_INTERNAL
						 ? spans[beside].first_child
						 : TRACE_NONE;

			if (beside == at || spans[beside].start_us < from_us ||
			    spans[beside].start_us >= search->until_us)
				continue;
			if (++looked > LATER_CALLS)
				return TRACE_NONE;
			if (shows_survival(search, beside))
				return beside;
			for (; inner != TRACE_NONE && ++looked <= LATER_CALLS;
			     inner = spans[inner].next_sibling) {
				if (shows_survival(search, inner))
					return inner;
			}
		}
	}
	return TRACE_NONE;
}

/* Did a call that began after the later success fail, so that the words above may be about it? */
static bool failed_later(const struct walker *walker, uint32_t call, uint32_t later)
{
	const struct trace *trace = walker->trace;
	const struct span *spans = trace->spans;
	uint32_t at = spans[spans[later].parent].first_child;

	for (int i = 0; at != TRACE_NONE && i < LATER_CALLS; i++, at = spans[at].next_sibling) {
		if ((walker->bits[at] & BIT_FAILING) &&
		    spans[at].start_us >= span_end_us(&spans[later]) &&
		    span_side(trace, &spans[at]) == SIDE_CLIENT &&
		    walk_other_callee(trace, call, at) && !span_is_cleanup(trace, at))
			return true;
	}
	return false;
}

int64_t walk_known_us(const struct trace *trace, uint32_t span)
{
	const struct span *at = &trace->spans[span];

	return at->exception_after_us > 0 ? at->start_us + at->exception_after_us - 1 : INT64_MAX;
}

enum survival walk_survived(const struct walker *walker, uint32_t above, uint32_t call)
{
	const struct trace *trace = walker->trace;
	const struct span *failed = &trace->spans[call];
	struct survival_search search = { .walker = walker,
					  .above = above,
					  .call = call,
					  .until_us = walk_known_us(trace, above) };
	uint32_t later;

	/* Servers and messages that came in have clocks of their own. */
	if (failed->kind == SPAN_SERVER || failed->kind == SPAN_CONSUMER ||
	    !span_same_service(trace, &trace->spans[above], failed))
		return SURVIVED_NOT;
	search.specific = span_says_specific(trace, &trace->spans[above]);
	later = later_success(&search);
	if (later == TRACE_NONE || walk_words_tie(walker, above, call) != WORDS_APART)
		return SURVIVED_NOT;
	if (!(search.specific ||
	      (span_says_why(trace, &trace->spans[above]) && failed_later(walker, call, later))) ||
	    search.until_us <= span_end_us(failed) || span_cancelled(trace, &trace->spans[above]))
		return SURVIVED_MAYBE;
	return attempts_same_call(trace, failed, &trace->spans[later]) ? SURVIVED_BY_ATTEMPT
								       : SURVIVED_BY_OTHER;
}

/* Did the span above fail after a call that it made, as far as its own process tells? */
static bool failed_after_call(const struct walker *walker, uint32_t above, uint32_t call)
{
	const struct trace *trace = walker->trace;
	const struct span *failed = &trace->spans[call];

	return span_side(trace, failed) == SIDE_CLIENT &&
	       span_same_service(trace, &trace->spans[above], failed) &&
	       walk_known_us(trace, above) > span_end_us(failed);
}

bool walk_own_bug(const struct walker *walker, uint32_t above, uint32_t call)
{
	return failed_after_call(walker, above, call) &&
	       span_names_bug(walker->trace, &walker->trace->spans[above]) &&
	       walk_words_tie(walker, above, call) == WORDS_APART;
}

bool walk_own_words(const struct walker *walker, uint32_t above, uint32_t call)
{
	const struct trace *trace = walker->trace;
	const struct span *span = &trace->spans[above];

	return failed_after_call(walker, above, call) && span_side(trace, span) == SIDE_SERVER &&
	       !span_timed_out(trace, span) && !span_cancelled(trace, span) &&
	       !span_cancelled(trace, &trace->spans[call]) && !span_breaker_open(trace, span) &&
	       span_says_specific(trace, span) &&
	       walk_words_tie(walker, above, call) == WORDS_APART &&
	       !walk_words_share(walker, above, call);
}
