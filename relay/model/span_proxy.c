/*
 * Span, proxy: what Envoy, the proxy of most meshes, tells of a request in the tags of its spans
 * (its documentation: "Tracing", and "Access logging", command operator RESPONSE_FLAGS).
 */
#include <string.h>

#include "span-internal.h"

bool span_proxy_says(const struct trace *trace, const struct span *span, const char *flag)
{
	const char *at = span_attr(trace, span, ATTR_RESPONSE_FLAGS);
	size_t len = strlen(flag);

	while (at && *at) {
		size_t n = strcspn(at, ",");

		if (n == len && memcmp(at, flag, len) == 0)
			return true;
		at += n + (at[n] == ',');
	}
	return false;
}

/* Istio calls a cluster "outbound|PORT|SUBSET|HOST"; of "inbound|…" the other end is the proxy's
 * own service. */
const char *span_proxy_upstream(struct arena *arena, const struct trace *trace,
				const struct span *span)
{
	const char *cluster = span_attr(trace, span, ATTR_UPSTREAM_CLUSTER), *last;
	size_t len;

	if (!cluster || strncmp(cluster, "inbound|", 8) == 0)
		return NULL;
	last = strrchr(cluster, '|');
	cluster = last ? last + 1 : cluster;
	len = strcspn(cluster, ";"); /* Istio ends the name with one where it has a suffix */
	return len ? arena_strndup(arena, cluster, len) : NULL;
}
