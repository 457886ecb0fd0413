/* Stages: contexts as texts, attributes, and what is told of requests. */
#include "tracepager/stage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/hex.h"
#include "tracepager/xalloc.h"

/* ---- contexts as texts ---- */

/* n digits (at most 16), in lower case where upper is false. false: others are there. */
static bool hex_read(const char *text, size_t n, bool upper, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (size_t i = 0; i < n; i++) {
		const int digit = hex_digit(text[i]);
		if (digit < 0 || (!upper && text[i] >= 'A' && text[i] <= 'F'))
			return false;
		number = number << 4 | (unsigned int)digit;
	}
	*ret_number = number;
	return true;
}

/* Where the parts of "VV-TRACE-SPAN-FF" begin. */
#define AT_TRACE 3
#define AT_SPAN	 36
#define AT_FLAGS 53

bool traceparent_read(const char *text, struct span_context *ret_context, bool *ret_sampled)
{
	const size_t len = text ? strlen(text) : 0;
	struct span_context read = { .parent = 0 };
	uint64_t version, flags;

	if (len < TRACEPARENT_SIZE - 1 || text[AT_TRACE - 1] != '-' || text[AT_SPAN - 1] != '-' ||
	    text[AT_FLAGS - 1] != '-')
		return false;
	if (!hex_read(text, 2, false, &version) ||
	    !hex_read(text + AT_TRACE, 16, false, &read.trace_high) ||
	    !hex_read(text + AT_TRACE + 16, 16, false, &read.trace_low) ||
	    !hex_read(text + AT_SPAN, 16, false, &read.span) ||
	    !hex_read(text + AT_FLAGS, 2, false, &flags))
		return false;
	/* Later versions may have further parts, and none may be 255. */
	if (version == 0xff || (version == 0 && len != TRACEPARENT_SIZE - 1) ||
	    (len > TRACEPARENT_SIZE - 1 && text[TRACEPARENT_SIZE - 1] != '-'))
		return false;
	if ((!read.trace_high && !read.trace_low) || !read.span)
		return false;
	*ret_context = read;
	*ret_sampled = flags & 1;
	return true;
}

const char *traceparent_write(const struct span_context *context, char out[TRACEPARENT_SIZE])
{
	snprintf(out, TRACEPARENT_SIZE, "00-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 "-01",
		 context->trace_high, context->trace_low, context->span);
	return out;
}

const char *span_context_write(const struct span_context *context, char out[SPAN_CONTEXT_SIZE])
{
	traceparent_write(context, out);
	snprintf(out + TRACEPARENT_SIZE - 1, SPAN_CONTEXT_SIZE - TRACEPARENT_SIZE + 1,
		 "-%016" PRIx64, context->parent);
	return out;
}

bool span_context_read(const char *text, struct span_context *ret_context)
{
	char head[TRACEPARENT_SIZE];
	bool sampled;

	if (!text || strlen(text) != SPAN_CONTEXT_SIZE - 1 || text[TRACEPARENT_SIZE - 1] != '-')
		return false;
	snprintf(head, sizeof(head), "%.*s", TRACEPARENT_SIZE - 1, text);
	return traceparent_read(head, ret_context, &sampled) &&
	       hex_read(text + TRACEPARENT_SIZE, 16, false, &ret_context->parent);
}

bool span_context_of_ids(const char *trace, const char *span, struct span_context *ret_context)
{
	struct span_context read = { .parent = 0 };

	if (strlen(trace) != 32 || strlen(span) != 16 ||
	    !hex_read(trace, 16, true, &read.trace_high) ||
	    !hex_read(trace + 16, 16, true, &read.trace_low) ||
	    !hex_read(span, 16, true, &read.span))
		return false;
	if ((!read.trace_high && !read.trace_low) || !read.span)
		return false;
	*ret_context = read;
	return true;
}

const char *span_context_trace_id(const struct span_context *context, char out[TRACE_ID_SIZE])
{
	snprintf(out, TRACE_ID_SIZE, "%016" PRIx64 "%016" PRIx64, context->trace_high,
		 context->trace_low);
	return out;
}

const char *span_context_span_id(const struct span_context *context, char out[SPAN_ID_SIZE])
{
	snprintf(out, SPAN_ID_SIZE, "%016" PRIx64, context->span);
	return out;
}

/* ---- attributes ---- */

const char *stage_attr_name(enum stage_attr attr)
{
	static const char *const names[] = {
#define STAGE_ATTR(id, name, text) name,
#include "tracepager/tbl/stages.def"
#undef STAGE_ATTR
	};

	return names[attr];
}

static struct stage_value *stage_add(struct stage_span *span, enum stage_attr attr,
				     enum stage_value_kind kind)
{
	static struct stage_value spare; /* of what is left out */
	struct stage_value *value =
		span->nvalues < LIMIT_STAGE_ATTRS ? &span->values[span->nvalues++] : &spare;

	value->attr = attr;
	value->kind = kind;
	return value;
}

void stage_text(struct stage_span *span, enum stage_attr attr, const char *text)
{
	if (text && *text)
		stage_add(span, attr, STAGE_TEXT)->text = text;
}

void stage_number(struct stage_span *span, enum stage_attr attr, int64_t number)
{
	stage_add(span, attr, STAGE_NUMBER)->number = number;
}

void stage_real(struct stage_span *span, enum stage_attr attr, double real)
{
	stage_add(span, attr, STAGE_REAL)->real = real;
}

void stage_flag(struct stage_span *span, enum stage_attr attr, bool flag)
{
	if (flag)
		stage_add(span, attr, STAGE_FLAG)->number = 1;
}

/* ---- metrics ---- */

void stage_observe_us(enum metric metric, int64_t us, const struct span_context *context)
{
	char trace[TRACE_ID_SIZE], span[SPAN_ID_SIZE];

	if (span_context_is_set(context))
		metric_observe_us_traced(metric, us, span_context_trace_id(context, trace),
					 span_context_span_id(context, span));
	else
		metric_observe_us(metric, us);
}

void stage_series_observe_us(struct metric_series *series, enum named_metric metric, int64_t us,
			     const struct span_context *context)
{
	char trace[TRACE_ID_SIZE], span[SPAN_ID_SIZE];

	if (span_context_is_set(context))
		metric_series_observe_us_traced(series, metric, us,
						span_context_trace_id(context, trace),
						span_context_span_id(context, span));
	else
		metric_series_observe_us(series, metric, us);
}

/* ---- requests ---- */

void stage_target_set(struct stage_target *target, const struct http_request *request,
		      bool whole_path)
{
	const char *url = request->url, *colon = strstr(url, "://");
	const int scheme = colon ? (int)(colon - url) : 0;
	const char *host = colon ? colon + 3 : url;
	const size_t authority = strcspn(host, "/?#");
	const char *user = memrchr(host, '@', authority);
	const char *end = host + authority;

	if (user)
		host = user + 1;
	const size_t path = whole_path ? strcspn(end, "?#") : 0;
	snprintf(target->url, sizeof(target->url), "%.*s://%.*s%.*s%s", scheme, url,
		 (int)(end - host), host, (int)path, end, end[path] ? "?REDACTED" : "");
	if (!whole_path)
		snprintf(target->url, sizeof(target->url), "%.*s://%.*s/REDACTED", scheme, url,
			 (int)(end - host), host);
	/* [::1]:80 is host ::1. */
	const bool bracket = *host == '[';
	const size_t len = bracket ? strcspn(++host, "]") : strcspn(host, ":/?#");
	snprintf(target->address, sizeof(target->address), "%.*s", (int)len, host);
	const char *port = host + len + bracket;
	target->port = port < end && *port == ':' ? (unsigned int)strtoul(port + 1, NULL, 10)
						  : (scheme == 5 ? 443 : 80);
	target->method = request->method;
}

const char *stage_error_type(const char *error)
{
	/* The words of net/: http_client.c and smtp_curl.c. */
	static const struct {
		const char *words, *type;
	} types[] = {
		{ "within", "timeout" },
		{ "connection refused", "connection_refused" },
		{ "cannot resolve", "name_resolution_error" },
		{ "connection closed", "connection_closed" },
	};

	for (size_t i = 0; error && i < ARRAY_LEN(types); i++)
		if (strstr(error, types[i].words))
			return types[i].type;
	return "_OTHER";
}

void stage_add_http(struct stage_span *span, const struct stage_target *target, int status,
		    const char *error, bool absent)
{
	stage_text(span, STAGE_ATTR_HTTP_METHOD, target->method == HTTP_POST ? "POST" : "GET");
	stage_text(span, STAGE_ATTR_URL, target->url);
	stage_text(span, STAGE_ATTR_ADDRESS, target->address);
	stage_number(span, STAGE_ATTR_PORT, target->port);
	if (status)
		stage_number(span, STAGE_ATTR_HTTP_STATUS, status);
	snprintf(span->status_text, sizeof(span->status_text), "%d", status % 1000);
	if (status >= 400 && !(absent && status == 404))
		span->error = span->status_text;
	else if (!status)
		span->error = stage_error_type(error);
}
