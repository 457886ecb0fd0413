/*
 * Walk, attempts: which calls are attempts of one call (tracepager-walk(7), section 4).
 *
 * Attempts say so (http.request.resend_count), or they are siblings that call the same operation of
 * the same peer one after the other, all of which failed but perhaps the last. Calls that overlap
 * in time are a fan-out. Where a call succeeded and others of its kind follow, they are a loop over
 * items. SERVER and CONSUMER spans are requests and messages that came in, never attempts.
 *
 * The last failed attempt stands for all, but not a refusal or an open circuit breaker behind an
 * attempt that failed otherwise: "409, already in progress" and "429" only follow from the 500 or
 * the time-out before.
 */
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "walk-internal.h"

/* A shorter name of a circuit breaker begins too many names of callees. */
#define BREAKER_NAME_MIN 3

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

/* ---- circuit breakers ---- */

/* Does one name begin with the other? "inv" and "inventory", "inventoryClient" and "inventory". */
static bool names_begin_alike(const char *quoted, size_t len, const char *name)
{
	size_t shorter = strlen(name) < len ? strlen(name) : len;

	return shorter >= BREAKER_NAME_MIN && strncasecmp(quoted, name, shorter) == 0;
}

/* Is there a text in single or double quotes in the message, and does it begin like the name? */
static bool quotes_name(const char *message, const char *name)
{
	const char *open = strpbrk(message, "'\"");
	const char *close = open ? strchr(open + 1, *open) : NULL;

	return close && names_begin_alike(open + 1, (size_t)(close - open - 1), name);
}

bool attempts_breaker_of(const struct walker *walker, uint32_t breaker, uint32_t call)
{
	static const unsigned int keys[] = { ATTR_SERVICE_PEER_NAME, ATTR_PEER_SERVICE,
					     ATTR_SERVER_ADDRESS, ATTR_NET_PEER_NAME };
	const struct trace *trace = walker->trace;
	uint32_t answer = span_answer(trace, call);
	const char *peer = span_first_attr(trace, &trace->spans[call], keys, ARRAY_LEN(keys));
	struct span_texts texts;

	span_texts(trace, &trace->spans[breaker], &texts);
	for (unsigned int i = texts.ntypes; i < texts.n; i++) {
		if ((peer && quotes_name(texts.at[i], peer)) ||
		    (answer != TRACE_NONE &&
		     quotes_name(texts.at[i], span_service(trace, &trace->spans[answer]))))
			return true;
	}
	return attempts_same_call(trace, &trace->spans[breaker], &trace->spans[call]);
}

/* ---- the attempt that stands for all ---- */

/* Was this attempt only refused, or not made at all because a circuit breaker had opened? */
static bool only_follows(const struct walker *walker, uint32_t at)
{
	const struct trace *trace = walker->trace;
	uint32_t answer = span_answer(trace, at);
	bool callee_may;

	if (answer != TRACE_NONE && (walker->bits[answer] & BIT_FAILING))
		return false;
	return span_refusal(walker->arena, trace, at, answer, &callee_may) != NULL ||
	       span_breaker_open(trace, &trace->spans[at]);
}

/* Of the attempts that failed in a row up to the last, the one that stands for all. */
static uint32_t standing_attempt(const struct walker *walker, const struct attempts *attempts,
				 unsigned int failed)
{
	uint32_t last = attempts->spans[attempts->n - 1];

	for (unsigned int i = 0; failed > 1 && i < failed; i++) {
		uint32_t at = attempts->spans[attempts->n - 1 - i];

		if (!only_follows(walker, at))
			return at;
	}
	return last;
}

uint32_t attempts_last(struct walker *walker, uint32_t span, struct attempts_row *ret_row)
{
	struct attempts attempts;
	uint32_t stands;
	unsigned int failed = 0;

	*ret_row = (struct attempts_row){ .failed = 1, .all = 1 };
	if (walker->trace->spans[span].parent == TRACE_NONE ||
	    !attempts_collect(walker, span, &attempts) || !are_attempts(walker, &attempts))
		return span;
	for (unsigned int i = 0; i < attempts.n; i++)
		failed = walker->bits[attempts.spans[i]] & (BIT_FAILING | BIT_INFERRED) ? failed + 1
											: 0;
	stands = standing_attempt(walker, &attempts, failed);
	for (unsigned int i = 0; i < attempts.n; i++) {
		uint32_t at = attempts.spans[i];

		if (at != stands && (walker->bits[at] & (BIT_FAILING | BIT_INFERRED)))
			walker->bits[at] |= BIT_SUPERSEDED;
	}
	ret_row->failed = failed;
	ret_row->all = attempts.n;
	ret_row->refused_after = failed > 0 && stands != attempts.spans[attempts.n - 1];
	return failed > 0 ? stands : TRACE_NONE;
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
