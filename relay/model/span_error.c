/*
 * Span error: did a span fail, by itself, and in which words (tracepager-walk(7), section 2). It
 * reads the status, the tags and the codes of one span.
 *
 * The status counts first; then the backend's error tag; then codes of HTTP and gRPC, which depend
 * on the side of the call: a 4xx is a failure of the CLIENT span, not of the SERVER span
 * (OpenTelemetry semantic conventions: recording errors, HTTP, gRPC).
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
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

/* The error's class, or NULL; "_OTHER" is the semantic conventions' word for "not known". */
static const char *error_type(const struct trace *trace, const struct span *span)
{
	static const unsigned int keys[] = { ATTR_ERROR_TYPE, ATTR_EXCEPTION_TYPE,
					     ATTR_ERROR_KIND };
	const char *type = span_first_attr(trace, span, keys, ARRAY_LEN(keys));

	return type && strcmp(type, "_OTHER") != 0 ? type : NULL;
}

/* The error's message, or NULL. */
static const char *error_text(const struct trace *trace, const struct span *span)
{
	static const unsigned int keys[] = { ATTR_OTEL_STATUS_DESCRIPTION, ATTR_EXCEPTION_MESSAGE,
					     ATTR_ERROR_MESSAGE, ATTR_HTTP_STATUS_MESSAGE };
	static const char *const truths[] = { "true", "false", "unset", "1", "0", "yes", "" };
	const char *text, *tag;

	if (span->message != 0)
		return trace_text(trace, span->message);
	text = span_first_attr(trace, span, keys, ARRAY_LEN(keys));
	if (text)
		return text;
	/* Zipkin's error tag holds the message; other tags of this name are a truth value. */
	tag = span_attr(trace, span, ATTR_ERROR);
	for (size_t i = 0; tag && i < ARRAY_LEN(truths); i++) {
		if (strcasecmp(tag, truths[i]) == 0)
			return NULL;
	}
	return tag;
}

/* The first line of a text without control characters, cut on a character's boundary. */
static const char *text_first_line(struct arena *arena, const char *text, size_t max)
{
	size_t len, i;
	bool clean = true;
	char *copy;

	while (isspace((unsigned char)*text))
		text++;
	len = strcspn(text, "\r\n");
	if (len > max) {
		len = max;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	for (i = 0; i < len; i++)
		clean = clean && !iscntrl((unsigned char)text[i]);
	if (clean && text[len] == '\0')
		return text;
	copy = arena_strndup(arena, text, len);
	for (i = 0; i < len; i++) {
		if (iscntrl((unsigned char)copy[i]))
			copy[i] = ' ';
	}
	return copy;
}

const char *shown_text(struct arena *arena, const char *text)
{
	return text_first_line(arena, text, LIMIT_SHOWN_BYTES);
}

static const char *code_words(struct arena *arena, int http, int grpc)
{
	if (grpc > 0)
		return grpc_code_name(grpc);
	return http >= 400 ? arena_printf(arena, "HTTP %d", http) : NULL;
}

const char *span_error(struct arena *arena, const struct trace *trace, const struct span *span)
{
	const char *type = error_type(trace, span), *text = error_text(trace, span);
	const char *code =
		code_words(arena, span_http_code(trace, span), span_grpc_code(trace, span));

	if (type && http_code_parse(type) != 0) {
		code = arena_printf(arena, "HTTP %.3s", type);
		type = NULL;
	}
	if (!type)
		type = code;
	if (type)
		type = text_first_line(arena, type, LIMIT_ERROR_WORDS_BYTES);
	if (text)
		text = text_first_line(arena, text, LIMIT_ERROR_WORDS_BYTES);
	if (!text || text[0] == '\0')
		return type && type[0] != '\0' ? type : NULL;
	if (!type || type[0] == '\0' || strstr(text, type))
		return text;
	return text_first_line(arena, arena_printf(arena, "%s: %s", type, text),
			       LIMIT_ERROR_WORDS_BYTES);
}

static bool has_word(const char *text, const char *const *words)
{
	for (; text && *words; words++) {
		if (strcasestr(text, *words))
			return true;
	}
	return false;
}

bool span_timed_out(const struct trace *trace, const struct span *span)
{
	static const char *const words[] = { "timeout", "timed out", "timedout", "deadline", NULL };

	if (span_grpc_code(trace, span) == GRPC_DEADLINE_EXCEEDED ||
	    span_http_code(trace, span) == HTTP_GATEWAY_TIMEOUT)
		return true;
	return has_word(error_type(trace, span), words) || has_word(error_text(trace, span), words);
}

bool span_cancelled(const struct trace *trace, const struct span *span)
{
	/* In a message only phrases of runtimes count: "order cancelled" is no cancelled call. */
	static const char *const types[] = { "cancel", NULL };
	static const char *const texts[] = { "context cancel", "code = cancel", "request cancel",
					     "call cancel", NULL };
	const char *text;

	if (span_grpc_code(trace, span) == GRPC_CANCELLED ||
	    span_http_code(trace, span) == HTTP_CLIENT_CLOSED)
		return true;
	if (has_word(error_type(trace, span), types))
		return true;
	text = error_text(trace, span);
	return text && (has_word(text, texts) || grpc_code_parse(text) == GRPC_CANCELLED);
}

bool span_says_why(const struct trace *trace, const struct span *span)
{
	const char *type = error_type(trace, span), *text = error_text(trace, span);

	if (type && http_code_parse(type) == 0 && grpc_code_parse(type) < 0)
		return true;
	return text && text[0] != '\0' && http_code_parse(text) == 0 && grpc_code_parse(text) < 0;
}

const char *shown_duration(struct arena *arena, int64_t us)
{
	if (us >= 10 * US_PER_SECOND)
		return arena_printf(arena, "%lld s", (long long)(us / US_PER_SECOND));
	if (us >= US_PER_SECOND)
		return arena_printf(arena, "%.1f s", (double)us / (double)US_PER_SECOND);
	if (us >= 10 * US_PER_MS)
		return arena_printf(arena, "%lld ms", (long long)(us / US_PER_MS));
	if (us >= US_PER_MS)
		return arena_printf(arena, "%.1f ms", (double)us / (double)US_PER_MS);
	return arena_printf(arena, "%lld us", (long long)us);
}
