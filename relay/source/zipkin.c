/*
 * Trace source zipkin: API v2. Zipkin stores names in lower case, and searches by an annotation
 * query. Any tag named error means an error, whatever its value.
 */
#include "source_talk-internal.h"

#include <ctype.h>
#include <string.h>

#include "tracepager/limits.h"

static const char *lower_case(struct arena *arena, const char *text)
{
	char *out = arena_strdup(arena, text);

	for (char *at = out; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return out;
}

/* "error and key=value", with those attributes that the syntax can hold. NULL: nothing to ask for.
 * */
static const char *annotation_query(struct arena *arena, const struct trace_query *query)
{
	const struct labels *attrs = &query->signal->attrs;
	struct buf text = BUF_INIT(LIMIT_SOURCE_URL_BYTES);

	if (query->failing)
		buf_puts(&text, "error");
	for (size_t i = 0; i < attrs->n; i++)
		if (source_plain(attrs->at[i].value) && !strstr(attrs->at[i].value, " and ") &&
		    !strchr(attrs->at[i].name, '='))
			buf_printf(&text, "%s%s=%s", text.len > 0 ? " and " : "", attrs->at[i].name,
				   attrs->at[i].value);
	return source_url_take(arena, &text);
}

static void zipkin_add_search(struct arena *arena, struct buf *url, const struct trace_query *query)
{
	const char *operation = source_plain(query->signal->operation);
	const char *text = annotation_query(arena, query);

	source_url_param(arena, url, "serviceName", lower_case(arena, query->signal->service));
	if (operation)
		source_url_param(arena, url, "spanName", lower_case(arena, operation));
	if (text)
		source_url_param(arena, url, "annotationQuery", text);
	if (query->min_duration_us > 0)
		source_url_number(arena, url, "minDuration", query->min_duration_us);
	source_url_number(arena, url, "endTs", query->to_us / US_PER_MS);
	source_url_number(arena, url, "lookback", (query->to_us - query->from_us) / US_PER_MS);
	source_url_number(arena, url, "limit", query->limit);
}

static const char *make_url(struct arena *arena, const char *base, const struct trace_query *query)
{
	struct buf url = BUF_INIT(LIMIT_SOURCE_URL_BYTES);

	source_url(&url, base, query->trace_id ? "/api/v2/trace/" : "/api/v2/traces");
	if (query->trace_id)
		buf_puts(&url, url_escape(arena, lower_case(arena, query->trace_id)));
	else if (source_has_service(query))
		zipkin_add_search(arena, &url, query);
	else
		buf_reset(&url);
	return source_url_take(arena, &url);
}

static enum source_step zipkin_next(struct source_talk *talk)
{
	if (talk->step > 0)
		return source_judge(talk);
	if (!source_get(talk, make_url(talk->arena, talk->config->url, talk->query),
			"application/json", TRACE_ENCODING_ZIPKIN_V2))
		return source_end(talk, SOURCE_REFUSED, SOURCE_NO_SEARCH);
	return SOURCE_SEND;
}

const struct trace_source trace_source_ZIPKIN = {
	.name = "zipkin",
	.answers = SOURCE_BY_ID | SOURCE_SEARCH,
	.next = zipkin_next,
};
