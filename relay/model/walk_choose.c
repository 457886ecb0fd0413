/*
 * Walk, choose: which of several failing spans explains the failure above them (tracepager-walk(7),
 * section 4).
 *
 * Three rules, in this order:
 *
 * 1. Attempts of one call count once. If the last one failed it stands for all; if it succeeded,
 * the failed ones explain nothing. Attempts say so (http.request.resend_count), or they are
 * siblings that call the same operation of the same peer one after the other; calls that overlap in
 * time are a fan-out.
 * 2. A cancelled span failed because another span did: it comes last.
 * 3. Of the rest, the span that ended last before its parent's end explains the parent's failure.
 *    Where ends are equal, the span with the longest failing chain below it does.
 *
 * A span that ended after its parent cannot have caused the parent's failure, so late spans come
 * after all others, the earliest of them first.
 *
 * The time stays linear: only the LIMIT_WALK_OTHERS + 1 best spans are ordered, by insertion, and
 * siblings are searched for attempts at most that often in each of LIMIT_CHOICE_ROUNDS rounds.
 */
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "walk-internal.h"

/* The span that is chosen, and the others that are left aside. */
#define CHOICE_MAX (LIMIT_WALK_OTHERS + 1)

struct choice {
	uint32_t best[CHOICE_MAX]; /* the best first */
	unsigned int n;
};

/* ---- order ---- */

/* span_cancelled(), looked up once for each span: it searches texts. */
static bool is_cancelled(struct walker *walker, uint32_t span)
{
	uint16_t *bits = &walker->bits[span];

	if (!(*bits & BIT_CANCEL_CHECKED)) {
		*bits |= BIT_CANCEL_CHECKED;
		if (span_cancelled(walker->trace, &walker->trace->spans[span]))
			*bits |= BIT_CANCELLED;
	}
	return *bits & BIT_CANCELLED;
}

/* Length of the longest failing chain from a span down. All lengths are computed at once, from the
 * leaves up, when the first one is asked for: most walks never need them. */
static uint32_t chain_length(struct walker *walker, uint32_t span)
{
	const struct span *spans = walker->trace->spans;

	if (!walker->chain_len) {
		walker->chain_len = xcalloc(walker->trace->nspans, sizeof(*walker->chain_len));
		for (uint32_t i = walker->norder; i-- > 0;) {
			uint32_t at = walker->order[i], parent = spans[at].parent;

			if (!(walker->bits[at] & BIT_FAILING))
				continue;
			walker->chain_len[at]++;
			if (parent != TRACE_NONE &&
			    walker->chain_len[parent] < walker->chain_len[at])
				walker->chain_len[parent] = walker->chain_len[at];
		}
	}
	return walker->chain_len[span];
}

/* When the span ended, on its parent's clock. *ret_late: after its parent's end. */
static int64_t end_on_parent_clock(const struct walker *walker, uint32_t at, bool *ret_late)
{
	const struct span *span = &walker->trace->spans[at];
	int64_t end = span_end_us(span);

	*ret_late = false;
	if (span->parent != TRACE_NONE) {
		const struct span *parent = &walker->trace->spans[span->parent];

		end += span_skew_us(parent, span);
		*ret_late = end > span_end_us(parent);
	}
	return end;
}

/* Does span a explain the failure above better than span b? */
static bool is_better(struct walker *walker, uint32_t a, uint32_t b)
{
	bool a_cancelled = is_cancelled(walker, a), b_cancelled = is_cancelled(walker, b);
	bool a_late, b_late;
	int64_t a_end = end_on_parent_clock(walker, a, &a_late),
		b_end = end_on_parent_clock(walker, b, &b_late);
	uint32_t a_length, b_length;

	if (a_cancelled != b_cancelled)
		return b_cancelled;
	if (a_late != b_late)
		return b_late;
	if (a_end != b_end)
		return a_late ? a_end < b_end : a_end > b_end;
	a_length = chain_length(walker, a);
	b_length = chain_length(walker, b);
	return a_length != b_length ? a_length > b_length : a < b;
}

/* The best of the first n candidates, the best first. Without `all`, attempts that another attempt
 * stands for are left out. */
static void choice_fill(struct walker *walker, uint32_t n, bool all, struct choice *choice)
{
	choice->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t span = walker->candidates[i];
		unsigned int at = choice->n;

		if (!all && (walker->bits[span] & BIT_SUPERSEDED))
			continue;
		while (at > 0 && is_better(walker, span, choice->best[at - 1]))
			at--;
		if (at == CHOICE_MAX)
			continue;
		if (choice->n < CHOICE_MAX)
			choice->n++;
		memmove(&choice->best[at + 1], &choice->best[at],
			(choice->n - 1 - at) * sizeof(choice->best[0]));
		choice->best[at] = span;
	}
}

/* ---- attempts ---- */

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

/* Two spans that call the same operation of the same peer, as far as both name it. */
static bool same_call(const struct trace *trace, const struct span *a, const struct span *b)
{
	static const unsigned int peers[] = { ATTR_SERVICE_PEER_NAME, ATTR_PEER_SERVICE,
					      ATTR_SERVER_ADDRESS, ATTR_NET_PEER_NAME };
	static const unsigned int urls[] = { ATTR_URL_FULL, ATTR_HTTP_URL };

	if (a->name != b->name || a->kind != b->kind || !span_same_service(trace, a, b))
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

		if (!same_call(walker->trace, &spans[span], &spans[i]))
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

/* Do they say that they are attempts, or does each begin after the one before it ended? */
static bool are_attempts(const struct walker *walker, const struct attempts *attempts)
{
	const struct span *spans = walker->trace->spans;
	bool overlap = false;

	if (attempts->n < 2)
		return false;
	for (unsigned int i = 0; i < attempts->n; i++) {
		const struct span *span = &spans[attempts->spans[i]];

		if (span_attr(walker->trace, span, ATTR_HTTP_RESEND_COUNT))
			return true;
		if (i > 0 && span->start_us < span_end_us(&spans[attempts->spans[i - 1]]))
			overlap = true;
	}
	return !overlap;
}

/*
 * The attempt that stands for a failing span: the last one of the same call, which is the span
 * itself where it is no attempt; TRACE_NONE where the last one succeeded. All other failed attempts
 * get BIT_SUPERSEDED. *ret_failed: how many failed in a row up to the last, of *ret_all attempts.
 */
static uint32_t last_attempt(struct walker *walker, uint32_t span, unsigned int *ret_failed,
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

/* ---- the choice ---- */

static void tell_attempts(struct walker *walker, uint32_t span, unsigned int failed,
			  unsigned int all)
{
	if (!walker_may_tell(walker))
		return;
	if (failed == all)
		walker_tell(walker, "%u attempts of %s failed; the last stands for all", all,
			    walker_name(walker, span));
	else
		walker_tell(walker,
			    "the last %u of %u attempts of %s failed; the last stands for them",
			    failed, all, walker_name(walker, span));
}

/* Leaves the spans that were not chosen aside as others. Choices are made from the top down, so
 * others nearer to the signal stand first. */
static void choice_leave_aside(struct walker *walker, const struct choice *choice, uint32_t chosen)
{
	for (unsigned int i = 0; walker->main_line && i < choice->n; i++) {
		uint32_t span = choice->best[i];

		if (span != chosen && !(walker->bits[span] & BIT_SUPERSEDED) &&
		    walker->nothers < LIMIT_WALK_OTHERS)
			walker->others[walker->nothers++] = span;
	}
}

/* A reason why this span was chosen, where there were others. */
static void tell_choice(struct walker *walker, uint32_t n, uint32_t chosen,
			const struct choice *choice)
{
	unsigned int left = 0, cancelled = 0;

	if (!walker_may_tell(walker))
		return;
	for (unsigned int i = 0; i < choice->n; i++) {
		uint32_t span = choice->best[i];

		if (span == chosen || (walker->bits[span] & BIT_SUPERSEDED))
			continue;
		left++;
		cancelled += is_cancelled(walker, span);
	}
	if (left > 0 && cancelled == left && !is_cancelled(walker, chosen))
		walker_tell(walker, "of %u failing spans, %s %s is the one that was not cancelled",
			    n, walker_service(walker, chosen), walker_name(walker, chosen));
	else if (left > 0)
		walker_tell(walker, "of %u failing spans, %s %s ended last", n,
			    walker_service(walker, chosen), walker_name(walker, chosen));
}

/* The best span of the choice whose last attempt failed, or TRACE_NONE. */
static uint32_t choice_take(struct walker *walker, const struct choice *choice)
{
	for (unsigned int i = 0; i < choice->n; i++) {
		unsigned int failed, all;
		uint32_t span = choice->best[i];

		if (walker->bits[span] & BIT_SUPERSEDED)
			continue;
		span = last_attempt(walker, span, &failed, &all);
		if (span == TRACE_NONE)
			continue;
		if (failed > 1)
			tell_attempts(walker, span, failed, all);
		return span;
	}
	return TRACE_NONE;
}

uint32_t walk_choose(struct walker *walker, uint32_t n, bool retries, bool must_name)
{
	struct choice choice;
	uint32_t chosen = TRACE_NONE;

	for (int round = 0; retries && chosen == TRACE_NONE && round < LIMIT_CHOICE_ROUNDS;
	     round++) {
		choice_fill(walker, n, false, &choice);
		if (choice.n == 0)
			break;
		chosen = choice_take(walker, &choice);
	}
	if (chosen == TRACE_NONE && must_name) {
		choice_fill(walker, n, true, &choice);
		chosen = choice.best[0];
		if (retries) {
			walker_limit(walker, VERDICT_LIMIT_TRIED_AGAIN);
			if (walker_may_tell(walker))
				walker_tell(walker,
					    "%s was tried again with success, but nothing else "
					    "explains the failure",
					    walker_name(walker, chosen));
		}
	}
	if (chosen == TRACE_NONE)
		return chosen;
	tell_choice(walker, n, chosen, &choice);
	choice_leave_aside(walker, &choice, chosen);
	return chosen;
}
