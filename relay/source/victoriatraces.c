/*
 * Trace source victoriatraces: Jaeger's old API below a path of its own. Its answers differ in ways
 * that the decoder of Jaeger JSON knows: every tag is a string, error is always present (unset,
 * false or true), and an unknown trace is an empty list.
 */
#include "source_talk-internal.h"

#include <string.h>

#define PREFIX "/select/jaeger"

/* The url may end with the prefix, as Grafana wants it for a data source of kind Jaeger. */
static bool has_prefix(const char *url)
{
	size_t len = strlen(url), n = strlen(PREFIX);

	while (len > 0 && url[len - 1] == '/')
		len--;
	return len >= n && strncmp(url + len - n, PREFIX, n) == 0;
}

static enum source_step victoriatraces_next(struct source_talk *talk)
{
	if (talk->step > 0)
		return source_judge(talk);
	return source_ask_jaeger(talk, has_prefix(talk->config->url) ? "/api/traces"
								     : PREFIX "/api/traces");
}

const struct trace_source trace_source_VICTORIATRACES = {
	.name = "victoriatraces",
	.answers = SOURCE_BY_ID | SOURCE_SEARCH,
	.tenant_headers = { "AccountID", "ProjectID" },
	.next = victoriatraces_next,
};
