/*
 * Walk, attempts: which calls are attempts of one call (tracepager-walk(7), section 4).
 *
 * Attempts say so (http.request.resend_count), or they are siblings that call the same operation of
 * the same peer one after the other, all of which failed but perhaps the last. Calls that overlap
 * in time are a fan-out. Where a call succeeded and others of its kind follow, they are a loop over
 * items. SERVER and CONSUMER spans are requests and messages that came in, never attempts.
 */
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "walk-internal.h"

struct attempts {
	uint32_t spans[LIMIT_CALL_ATTEMPTS];
	unsigned int n;
};

/* The text reference of the first of these attributes that the span has, or 0. */
static uint32_t attr_ref(const struct trace *trace, const struct span *span,
			 const unsigned int *keys, size_t nkeys)
{
	for (size_t k = 0; k < nkeys; k++) {
		for (unsigned int i = 0; i < span->nattrs; i++) {
			const struct span_attr *attr = &trace->set->attrs[span->attrs + i];

			if (attr->key == keys[k])
				return attr->value;
		}
	}
	return 0;
}

/* The service of a call's first child, as a text reference; 0: no other service answered. */
static uint32_t callee_service(const struct trace *trace, const struct span *span)
{
	const struct span *child;

	if (span->first_child == TRACE_NONE)
		return 0;
	child = &trace->spans[span->first_child];
	return span_same_service(trace, span, child) ? 0 : span_resource(trace, child)->service;
}

/* Two texts that are both known and differ. */
static bool refs_differ(uint32_t a, uint32_t b)
{
	return a != 0 && b != 0 && a != b;
}

/* Equal names, without a query: that may count the attempts. */
static bool same_name(const struct trace *trace, uint32_t a, uint32_t b)
{
	const char *x = trace_text(trace, a), *y = trace_text(trace, b);
	size_t len = strcspn(x, "?");

	return a == b || (len > 0 && strcspn(y, "?") == len && strncmp(x, y, len) == 0);
}

bool attempts_same_call(const struct trace *trace, const struct span *a, const struct span *b)
{
	static const unsigned int peers[] = { ATTR_SERVICE_PEER_NAME, ATTR_PEER_SERVICE,
					      ATTR_SERVER_ADDRESS, ATTR_NET_PEER_NAME };
	static const unsigned int urls[] = { ATTR_URL_FULL, ATTR_HTTP_URL };

	if (a->kind == SPAN_SERVER || a->kind == SPAN_CONSUMER || a->kind != b->kind ||
	    !span_same_service(trace, a, b) || !same_name(trace, a->name, b->name))
		return false;
	return !refs_differ(attr_ref(trace, a, peers, ARRAY_LEN(peers)),
			    attr_ref(trace, b, peers, ARRAY_LEN(peers))) &&
	       !refs_differ(attr_ref(trace, a, urls, ARRAY_LEN(urls)),
			    attr_ref(trace, b, urls, ARRAY_LEN(urls))) &&
	       !refs_differ(callee_service(trace, a), callee_service(trace, b));
}

/* The span and all siblings that are the same call, by start. False: there are more than
 * LIMIT_CALL_ATTEMPTS, so that they are a loop. */
static bool attempts_collect(const struct walker *walker, uint32_t span, struct attempts *attempts)
{
	const struct span *spans = walker->trace->spans;
	uint32_t i = spans[spans[span].parent].first_child;

	attempts->n = 0;
	for (; i != TRACE_NONE; i = spans[i].next_sibling) {
		unsigned int at = attempts->n;

		if (!attempts_same_call(walker->trace, &spans[span], &spans[i]))
			continue;
		if (attempts->n == LIMIT_CALL_ATTEMPTS)
			return false;
		for (; at > 0 && spans[i].start_us < spans[attempts->spans[at - 1]].start_us; at--)
			attempts->spans[at] = attempts->spans[at - 1];
		attempts->spans[at] = i;
		attempts->n++;
	}
	return true;
}

/* Do they say that they are attempts? Or does each begin after the one before it ended, and did all
 * but perhaps the last fail? */
static bool are_attempts(const struct walker *walker, const struct attempts *attempts)
{
	const struct span *spans = walker->trace->spans;
	bool no_retry = false;

	if (attempts->n < 2)
		return false;
	for (unsigned int i = 0; i < attempts->n; i++) {
		const struct span *span = &spans[attempts->spans[i]];

		if (span_attr(walker->trace, span, ATTR_HTTP_RESEND_COUNT))
			return true;
		if (i > 0 && span->start_us < span_end_us(&spans[attempts->spans[i - 1]]))
			no_retry = true;
		if (i + 1 < attempts->n &&
		    !(walker->bits[attempts->spans[i]] & (BIT_FAILING | BIT_INFERRED)))
			no_retry = true;
	}
	return !no_retry;
}

uint32_t attempts_last(struct walker *walker, uint32_t span, unsigned int *ret_failed,
		       unsigned int *ret_all)
{
	struct attempts attempts;
	uint32_t last;
	unsigned int failed = 0;

	*ret_failed = *ret_all = 1;
	if (walker->trace->spans[span].parent == TRACE_NONE ||
	    !attempts_collect(walker, span, &attempts) || !are_attempts(walker, &attempts))
		return span;
	last = attempts.spans[attempts.n - 1];
	for (unsigned int i = 0; i < attempts.n; i++) {
		uint32_t at = attempts.spans[i];

		if (walker->bits[at] & (BIT_FAILING | BIT_INFERRED)) {
			failed++;
			if (at != last)
				walker->bits[at] |= BIT_SUPERSEDED;
		} else {
			failed = 0;
		}
	}
	*ret_failed = failed;
	*ret_all = attempts.n;
	return failed > 0 ? last : TRACE_NONE;
}

bool attempts_are(const struct walker *walker, uint32_t a, uint32_t b)
{
	const struct span *spans = walker->trace->spans;
	struct attempts attempts;

	if (!attempts_same_call(walker->trace, &spans[a], &spans[b]))
		return false;
	/* Attempts may be wrapped, each in a span of its own. */
	if (spans[a].parent != spans[b].parent)
		return true;
	return attempts_collect(walker, a, &attempts) && are_attempts(walker, &attempts);
}
