/*
 * Span error: did a span fail, by itself, and in which way (tracepager-walk(7), section 2). It
 * reads the status, the tags, the codes and the words of one span.
 *
 * The status counts first; then the backend's error tag; then codes of HTTP and gRPC, which depend
 * on the side of the call: a 4xx is a failure of the CLIENT span, not of the SERVER span
 * (OpenTelemetry semantic conventions: recording errors, HTTP, gRPC).
 */

#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"
#include "span-internal.h"

bool span_failing(const struct trace *trace, const struct span *span, bool codes_fail)
{
	if (span->status != SPAN_STATUS_UNSET)
		return span->status == SPAN_STATUS_ERROR;
	if (span->flags & SPAN_TAG_TRUE)
		return true;
	if ((span->flags & SPAN_TAG_FALSE) || !codes_fail || span->nattrs == 0)
		return false;
	return span_codes_failing(trace, span);
}

bool span_timed_out(const struct trace *trace, const struct span *span)
{
	static const char *const words[] = { "timeout", "timed out", "timedout", "deadline", NULL };

	if (span_grpc_code(trace, span) == GRPC_DEADLINE_EXCEEDED ||
	    span_http_code(trace, span) == HTTP_GATEWAY_TIMEOUT ||
	    span_proxy_says(trace, span, "UT"))
		return true;
	return span_has_word(trace, span, words);
}

bool span_cancelled(const struct trace *trace, const struct span *span)
{
	/* In a message only phrases of runtimes count: "order cancelled" is no cancelled call. */
	static const char *const types[] = { "cancel", "interruptedexception", NULL };
	static const char *const messages[] = { "context cancel", "code = cancel", "request cancel",
						"call cancel", NULL };
	struct span_texts texts;

	if (span_grpc_code(trace, span) == GRPC_CANCELLED ||
	    span_http_code(trace, span) == HTTP_CLIENT_CLOSED || span_proxy_says(trace, span, "DC"))
		return true;
	span_texts(trace, span, &texts);
	for (unsigned int i = 0; i < texts.n; i++) {
		if (text_has_word(texts.at[i], i < texts.ntypes ? types : messages) ||
		    (i >= texts.ntypes && grpc_code_parse(texts.at[i]) == GRPC_CANCELLED))
			return true;
	}
	return false;
}

const char *shown_duration(struct arena *arena, int64_t us)
{
	char text[PLAIN_DURATION_SIZE];

	return arena_strdup(arena, plain_duration(us, text));
}
