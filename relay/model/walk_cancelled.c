/*
 * Walk, cancelled: did a span fail only because another one failed (tracepager-walk(7), section 4)?
 *
 * .NET says "TaskCanceledException" of a call that was cancelled, and of one that ended by the
 * time-out of its own HttpClient ("The operation was canceled."). Such a call was cancelled where
 * another call beside it failed just before it, or where a caller above gave up; else it timed out.
 */
#include "tracepager/xalloc.h"
#include "walk-internal.h"

/* A call that was cancelled ends within 1/20 of its time, or 20 ms, of what it was cancelled for.
 */
#define SOON_PART 20
#define SOON_US	  20000
/* Spans beside and above the call that are looked at. */
#define LOOKED_AT 64

/* Do only .NET's words say that the span was cancelled? */
static bool is_task_cancelled(const struct trace *trace, const struct span *span)
{
	static const char *const words[] = { "taskcanceledexception", "operationcanceledexception",
					     NULL };
	struct span_texts texts;

	if (span_grpc_code(trace, span) == GRPC_CANCELLED ||
	    span_http_code(trace, span) == HTTP_CLIENT_CLOSED)
		return false;
	span_texts(trace, span, &texts);
	for (unsigned int i = 0; i < texts.ntypes; i++) {
		if (text_has_word(texts.at[i], words))
			return true;
	}
	return false;
}

/* "… due to the configured HttpClient.Timeout of 5 seconds elapsing" */
static bool tells_own_timeout(const struct trace *trace, const struct span *span)
{
	static const char *const words[] = { "httpclient.timeout", NULL };

	return span_has_word(trace, span, words);
}

/* Did another span beside this one fail shortly before its end, and for another reason? */
static bool failed_beside(const struct walker *walker, uint32_t span)
{
	const struct trace *trace = walker->trace;
	const struct span *spans = trace->spans;
	int64_t end = span_end_us(&spans[span]), soon = spans[span].duration_us / SOON_PART;
	uint32_t parent = spans[span].parent;
	uint32_t at = parent == TRACE_NONE ? TRACE_NONE : spans[parent].first_child;

	if (soon < SOON_US)
		soon = SOON_US;
	for (int i = 0; at != TRACE_NONE && i < LOOKED_AT; i++, at = spans[at].next_sibling) {
		if (at != span && (walker->bits[at] & (BIT_FAILING | BIT_INFERRED)) &&
		    span_end_us(&spans[at]) <= end && span_end_us(&spans[at]) >= end - soon &&
		    !is_task_cancelled(trace, &spans[at]))
			return true;
	}
	return false;
}

/* Did a caller above, or a span of the same service, end what the span was at work for? A caller
 * that was answered by a code did not. */
static bool given_up_above(const struct walker *walker, uint32_t span)
{
	const struct trace *trace = walker->trace;
	const struct span *above;
	uint32_t at = span;

	for (int i = 0; i < LOOKED_AT && (walker_bits_above(walker, at) & BIT_FAILING); i++) {
		at = trace->spans[at].parent;
		above = &trace->spans[at];
		if (tells_own_timeout(trace, above))
			return !span_same_service(trace, above, &trace->spans[span]);
		if (failed_beside(walker, at))
			return true;
		if (!is_task_cancelled(trace, above))
			return above->kind == SPAN_CLIENT && span_http_code(trace, above) == 0 &&
			       (span_timed_out(trace, above) || span_cancelled(trace, above));
	}
	return false;
}

bool walk_cancelled(const struct walker *walker, uint32_t span)
{
	const struct trace *trace = walker->trace;

	if (!span_cancelled(trace, &trace->spans[span]))
		return false;
	if (!is_task_cancelled(trace, &trace->spans[span]))
		return true;
	return !tells_own_timeout(trace, &trace->spans[span]) &&
	       (failed_beside(walker, span) || given_up_above(walker, span));
}
