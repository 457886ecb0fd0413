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
 * A span above that names a programming error ("KeyError", "nil map") may have failed by its own
 * bug: walk_own_bug() only lowers the certainty, since a bad answer leads to such errors as well.
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

/* Does this later span show that the failure of `call` was survived? */
static bool shows_survival(const struct walker *walker, uint32_t call, uint32_t later)
{
	const struct trace *trace = walker->trace;
	const struct span *span = &trace->spans[later];

	if ((walker->bits[later] & (BIT_FAILING | BIT_INFERRED)) ||
	    span->start_us < span_end_us(&trace->spans[call]) || (span->flags & SPAN_FOLLOWS))
		return false;
	if (attempts_same_call(trace, &trace->spans[call], span))
		return attempts_are(walker, call, later);
	return span_side(trace, span) == SIDE_CLIENT && walk_other_callee(trace, call, later) &&
	       !span_changes(trace, span) && !span_is_cleanup(trace, later);
}

/* A later span beside `call`, or beside the spans between it and `above`, that shows survival and
 * began before `until_us`; TRACE_NONE: there is none. A span that says nothing is looked through
 * for the calls that it made. */
static uint32_t later_success(const struct walker *walker, uint32_t above, uint32_t call,
			      int64_t until_us)
{
	const struct span *spans = walker->trace->spans;
	int looked = 0;

	for (uint32_t at = call; at != above; at = spans[at].parent) {
		uint32_t beside = spans[spans[at].parent].first_child;

		for (; beside != TRACE_NONE; beside = spans[beside].next_sibling) {
			uint32_t inner = spans[beside].kind == SPAN_INTERNAL
						 ? spans[beside].first_child
						 : TRACE_NONE;

			if (beside == at || spans[beside].start_us < span_end_us(&spans[call]) ||
			    spans[beside].start_us >= until_us)
				continue;
			if (++looked > LATER_CALLS)
				return TRACE_NONE;
			if (shows_survival(walker, call, beside))
				return beside;
			for (; inner != TRACE_NONE && ++looked <= LATER_CALLS;
			     inner = spans[inner].next_sibling) {
				if (shows_survival(walker, call, inner))
					return inner;
			}
		}
	}
	return TRACE_NONE;
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
	int64_t known_us = walk_known_us(trace, above);
	uint32_t later;

	/* Servers and messages that came in have clocks of their own. */
	if (failed->kind == SPAN_SERVER || failed->kind == SPAN_CONSUMER ||
	    !span_same_service(trace, &trace->spans[above], failed))
		return SURVIVED_NOT;
	later = later_success(walker, above, call, known_us);
	if (later == TRACE_NONE || walk_words_tie(walker, above, call) != WORDS_APART)
		return SURVIVED_NOT;
	if (!span_says_why(trace, &trace->spans[above]) || known_us <= span_end_us(failed) ||
	    span_cancelled(trace, &trace->spans[above]))
		return SURVIVED_MAYBE;
	return attempts_same_call(trace, failed, &trace->spans[later]) ? SURVIVED_BY_ATTEMPT
								       : SURVIVED_BY_OTHER;
}

bool walk_own_bug(const struct walker *walker, uint32_t above, uint32_t call)
{
	static const char *const bugs[] = { "nullpointer",
					    "nullreference",
					    "keyerror",
					    "valueerror",
					    "typeerror",
					    "indexerror",
					    "attributeerror",
					    "zerodivision",
					    "outofbounds",
					    "index out of range",
					    "nil map",
					    "nil pointer",
					    "undefined is not",
					    "cannot read propert",
					    NULL };
	/* Words by which clients tell in such an error that a call failed, or gave a bad answer. */
	static const char *const of_calls[] = { "fetch",    "network", "json",	  "decod",
						"pars",	    "connect", "timeout", "timed out",
						"response", "request", NULL };
	const struct trace *trace = walker->trace;
	const struct span *failed = &trace->spans[call], *span = &trace->spans[above];

	return span_side(trace, failed) == SIDE_CLIENT && span_same_service(trace, span, failed) &&
	       span_has_word(trace, span, bugs) && !span_has_word(trace, span, of_calls) &&
	       walk_known_us(trace, above) > span_end_us(failed) &&
	       walk_words_tie(walker, above, call) == WORDS_APART;
}
