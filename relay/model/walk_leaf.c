/*
 * Walk, leaf: for whom the last failing span speaks (tracepager-walk(7), section 5).
 *
 * A SERVER, CONSUMER or INTERNAL span speaks for its own service, unless it timed out while a child
 * was still at work: then the time below the child decides.
 *
 * A CLIENT or PRODUCER span speaks for the other end of its call. If the callee has no span in this
 * trace, the callee is the suspect by its names (kind peer), or the caller is where the callee's
 * answer refused the call (kind caller). If the callee has a span, what the callee did during the
 * call decides:
 *
 * - it answered with a refusal and did not fail: the caller sent what it should not have (caller);
 * - it was still at work when the caller gave up: the service that spent the time (slow);
 * - neither: one trace cannot tell which end failed (edge).
 *
 * A cancelled leaf is the effect of something else: the span above it that failed for a reason of
 * its own is looked for, and without one the certainty falls below the threshold of any verdict.
 */
#include <string.h>

#include "walk-internal.h"

/* The callee's first name, for a sentence. */
static const char *shown_callee(const struct walker *walker, const struct suspect *suspect)
{
	return suspect->npeers > 0 ? shown_text(walker->arena, suspect->peers[0])
				   : "a callee without a name";
}

/* ---- suspects ---- */

/* 408 and 429, and their like of gRPC, may be the fault of a limit that is too low. */
static void limit_refused(struct walker *walker, uint32_t span)
{
	const struct trace *trace = walker->trace;
	int http = span_http_code(trace, &trace->spans[span]);

	if (http == 408 || http == 429 ||
	    span_grpc_code(trace, &trace->spans[span]) == GRPC_RESOURCE_EXHAUSTED)
		walker_limit(walker, VERDICT_LIMIT_RATE_LIMITED);
}

/* The callee answered with a 4xx or its like and did not fail. */
static void leaf_refused(struct walker *walker, uint32_t client, uint32_t callee,
			 const char *answer, bool by_callee, struct suspect *suspect)
{
	if (by_callee) {
		walker_suspect(walker, callee, SUSPECT_SPAN, suspect);
		walker_tell(walker,
			    "%s answered %s to %s; the options take that for its own failure",
			    walker_service(walker, callee), answer, walker_service(walker, client));
		return;
	}
	walker_suspect(walker, client, SUSPECT_CALLER, suspect);
	limit_refused(walker, callee);
	walker_tell(walker, "%s answered %s without failing: %s sent what it should not have",
		    walker_service(walker, callee), answer, walker_service(walker, client));
}

/* "began 18 s after the caller had given up: it waited in a queue between them" */
static const char *late_words(const struct walker *walker, uint32_t client, uint32_t callee)
{
	const struct span *spans = walker->trace->spans;
	int64_t wait_us = spans[callee].start_us - span_end_us(&spans[client]);

	return arena_printf(walker->arena,
			    "began only when the call was over, %s later: the request waited "
			    "between them",
			    walker_duration(walker, wait_us > 0 ? wait_us : 0));
}

/* The call failed and its callee, as far as its span shows, did nothing wrong. */
static void leaf_between(struct walker *walker, uint32_t client, const struct callee *callee,
			 struct suspect *suspect, double *certainty)
{
	const struct trace *trace = walker->trace;
	const char *why = walker->bits[callee->span] & BIT_FAILING
				  ? "failed only because it was cancelled"
			  : callee->late	? late_words(walker, client, callee->span)
			  : callee->at_deadline ? "did its work without failing"
						: "had ended well before, without failing";

	if (span_same_service(trace, &trace->spans[client], &trace->spans[callee->span])) {
		walker_suspect(walker, client, SUSPECT_SPAN, suspect);
		walker_tell(walker, "%s called itself, and the call failed%s",
			    walker_service(walker, client), walker_words(walker, client));
		*certainty = CERTAINTY_SPAN;
		return;
	}
	walker_suspect(walker, client, SUSPECT_EDGE, suspect);
	suspect->callee = span_service(trace, &trace->spans[callee->span]);
	*certainty = CERTAINTY_EDGE;
	walker_tell(walker, "%s → %s: the call failed%s; %s %s, so either end may be to blame",
		    walker_service(walker, client), walker_service(walker, callee->span),
		    walker_words(walker, client), walker_service(walker, callee->span), why);
}

/*
 * The caller gave up after waited_us while `span` was at work. The suspect is the service with the
 * largest own time on the critical path of `span`, up to the deadline. If the span where it spent
 * that time failed, that span is returned, and the walk goes on from there; else TRACE_NONE.
 */
static uint32_t leaf_held_up(struct walker *walker, uint32_t span, int64_t waited_us,
			     int64_t deadline_us, struct suspect *suspect)
{
	const struct trace *trace = walker->trace;
	struct own_time times[LIMIT_OWN_TIMES];
	uint32_t at;

	if (walk_own_times(trace, span, trace->spans[span].start_us, deadline_us, times) == 0)
		times[0] = (struct own_time){ .span = span };
	at = times[0].span;
	if (at != span && (walker->bits[at] & BIT_FAILING) && walker->jumps > 0) {
		walker->jumps--;
		walker_tell(walker, "most of the time went into %s %s, which failed",
			    walker_service(walker, at), walker_name(walker, at));
		return at;
	}
	walker_suspect(walker, at, SUSPECT_SLOW, suspect);
	if (callee_waited_for(walker, &times[0], deadline_us, suspect)) {
		walker_tell(walker,
			    "of these %s %s waited %s for %s, which shows no work meanwhile: %s",
			    walker_duration(walker, waited_us), walker_service(walker, at),
			    walker_duration(walker, times[0].most_us),
			    shown_callee(walker, suspect), walker_name(walker, at));
	} else {
		walker_tell(walker, "of these %s %s spent %s in its own work, most of it in %s",
			    walker_duration(walker, waited_us), walker_service(walker, at),
			    walker_duration(walker, times[0].own_us), walker_name(walker, at));
	}
	return TRACE_NONE;
}

/* An earlier call used a deadline up that expired during the leaf: the suspect is who held that
 * call up. On the main line only. False: no such call. */
static bool leaf_shares_deadline(struct walker *walker, uint32_t leaf, struct suspect *suspect,
				 double *certainty)
{
	const struct span *spans = walker->trace->spans;
	uint32_t top, child, at;

	if (!walker->main_line)
		return false;
	at = walk_deadline_eater(walker, leaf, &top, &child);
	if (at == TRACE_NONE)
		return false;
	walker_tell(walker,
		    "the deadline of %s expired during %s, but %s had used %s of its %s before",
		    walker_name(walker, top), walker_name(walker, child), walker_name(walker, at),
		    walker_duration(walker, spans[at].duration_us),
		    walker_duration(walker, spans[top].duration_us));
	walker->jumps = 0; /* the span that held it up did not fail */
	leaf_held_up(walker, at, spans[at].duration_us, span_end_us(&spans[at]), suspect);
	*certainty = CERTAINTY_SLOW;
	walker_limit(walker, VERDICT_LIMIT_SHARED_DEADLINE);
	return true;
}

/* The caller gave up sooner than the callee usually answers. False: the callee's usual time is not
 * known, or explains nothing. Fills *usual where it is known; its traces are 0 where it is not. */
static bool leaf_impatient(struct walker *walker, uint32_t client, uint32_t callee,
			   struct suspect *suspect, double *certainty, struct callee_time *usual)
{
	const struct trace *trace = walker->trace;

	usual->traces = 0;
	if (!walk_usual_time(walker, client, callee, usual))
		return false;
	if (!walk_deadline_short(walker, client, callee, usual))
		return false;
	/* A short rest of a deadline that another call used up is not the caller's choice. */
	if (leaf_shares_deadline(walker, client, suspect, certainty))
		return true;
	walker_suspect(walker, client, SUSPECT_CALLER, suspect);
	suspect->impatient = true;
	*certainty = CERTAINTY_CALLER;
	walker_tell(walker, "%s gave up after %s, but %s %s usually takes %s (%u healthy traces)%s",
		    walker_service(walker, client),
		    walker_duration(walker, trace->spans[client].duration_us),
		    shown_text(walker->arena, usual->service),
		    shown_text(walker->arena, usual->operation), walker_duration(walker, usual->us),
		    usual->traces, walker_words(walker, client));
	return true;
}

/* " (usually 50 ms)" of a call that timed out; "" where that is not known. */
static const char *usual_words(const struct walker *walker, uint32_t client,
			       const struct callee_time *usual)
{
	if (usual->traces == 0 || !span_timed_out(walker->trace, &walker->trace->spans[client]))
		return "";
	return arena_printf(walker->arena, " (usually %s)", walker_duration(walker, usual->us));
}

/* A callee without a span that healthy traces know by one of its names. */
static void leaf_learned_callee(struct walker *walker, struct suspect *suspect)
{
	struct callee_name learned;

	if (!callee_habits_name(walker->options->habits, walker->arena, suspect, &learned))
		return;
	/* A caller that calls its own service is no call of another. */
	if (strcmp(learned.service, suspect->service) == 0 &&
	    strcmp(learned.namespace, suspect->namespace) == 0)
		return;
	suspect->callee = learned.service;
	suspect->callee_namespace = learned.namespace;
	if (strcmp(learned.name, learned.service) != 0)
		walker_tell(walker, "healthy traces show that %s is %s",
			    shown_text(walker->arena, learned.name),
			    shown_text(walker->arena, learned.service));
}

/* ---- leaves ---- */

/* A call that failed for want of the caller's own means, before the callee saw it. */
static bool leaf_is_unsent(struct walker *walker, uint32_t leaf, struct suspect *suspect,
			   double *certainty)
{
	const struct span *call = &walker->trace->spans[leaf];
	bool pool;

	/* Runners-up do not pay for the reading of words. */
	if (!walker->main_line)
		return false;
	pool = span_waits_for_pool(walker->trace, call);
	if (!pool && !span_unsent(walker->trace, call))
		return false;
	walker_suspect(walker, leaf, SUSPECT_SPAN, suspect);
	*certainty = CERTAINTY_SLOW;
	walker_tell(walker, "%s %s %s%s", walker_service(walker, leaf), walker_name(walker, leaf),
		    pool ? "got no connection of its own pool" : "failed before it sent a request",
		    walker_words(walker, leaf));
	return true;
}

/* A call whose callee has no span. An orphan with the callee's name is taken for the callee's span,
 * whose parent id was lost on the way; the walk goes on from there. */
static uint32_t leaf_without_callee(struct walker *walker, uint32_t leaf, struct suspect *suspect,
				    double *certainty)
{
	const char *callee, *answer;
	struct callee_time usual;
	bool callee_may;
	uint32_t part;

	walker_suspect(walker, leaf, SUSPECT_PEER, suspect);
	peer_names(walker->arena, walker->trace, &walker->trace->spans[leaf], suspect);
	callee = shown_callee(walker, suspect);
	part = walk_orphan_by_name(walker, leaf, suspect);
	if (part != TRACE_NONE) {
		walker_join(walker);
		walker_tell(walker,
			    "%s called %s, whose span is missing; continued by its name at another "
			    "root, %s %s",
			    walker_service(walker, leaf), callee, walker_service(walker, part),
			    walker_name(walker, part));
		walker_limit(walker, VERDICT_LIMIT_BY_NAME);
		return part;
	}
	if (leaf_is_unsent(walker, leaf, suspect, certainty))
		return TRACE_NONE;
	if (walk_orphan_may_explain(walker, leaf))
		walker_limit(walker, VERDICT_LIMIT_UNEXPLAINED);
	answer = span_refusal(walker->arena, walker->trace, leaf, TRACE_NONE, &callee_may);
	if (answer && !(callee_may && walker->options->refusals_are_callees)) {
		walker_suspect(walker, leaf, SUSPECT_CALLER, suspect);
		*certainty = CERTAINTY_CALLER;
		limit_refused(walker, leaf);
		walker_tell(walker, "%s answered %s: %s sent what it should not have%s", callee,
			    answer, walker_service(walker, leaf), walker_words(walker, leaf));
		return TRACE_NONE;
	}
	if (leaf_impatient(walker, leaf, TRACE_NONE, suspect, certainty, &usual) ||
	    leaf_shares_deadline(walker, leaf, suspect, certainty))
		return TRACE_NONE;
	if (suspect->npeers > 0)
		suspect->callee = suspect->peers[0];
	*certainty = CERTAINTY_PEER;
	if (walker->main_line && span_has_network_words(walker->trace, &walker->trace->spans[leaf]))
		walker_limit(walker, VERDICT_LIMIT_NETWORK_WORDS);
	walker_tell(
		walker, "%s called %s, %s: %s failed after %s%s%s", walker_service(walker, leaf),
		callee,
		walker->main_line && walk_orphan_of_callee(walker, suspect)
			? "whose span of this call is missing, though other spans of it are here"
			: "which recorded no span",
		walker_name(walker, leaf),
		walker_duration(walker, walker->trace->spans[leaf].duration_us),
		usual_words(walker, leaf, &usual), walker_words(walker, leaf));
	leaf_learned_callee(walker, suspect);
	return TRACE_NONE;
}

static uint32_t leaf_client(struct walker *walker, uint32_t leaf, struct suspect *suspect,
			    double *certainty)
{
	struct callee callee = callee_find(walker->trace, leaf);
	struct callee_time usual;
	bool callee_may;
	const char *answer;

	if (callee.span == TRACE_NONE)
		return leaf_without_callee(walker, leaf, suspect, certainty);
	answer = span_refusal(walker->arena, walker->trace, leaf, callee.span, &callee_may);
	if (answer && !(walker->bits[callee.span] & BIT_FAILING)) {
		leaf_refused(walker, leaf, callee.span, answer,
			     callee_may && walker->options->refusals_are_callees, suspect);
		*certainty = CERTAINTY_CALLER;
		return TRACE_NONE;
	}
	if (callee_given_up(walker, leaf, &callee)) {
		if (leaf_impatient(walker, leaf, callee.span, suspect, certainty, &usual) ||
		    leaf_shares_deadline(walker, leaf, suspect, certainty))
			return TRACE_NONE;
		walker_tell(walker, "%s → %s: the call ended after %s%s%s; %s was still working",
			    walker_service(walker, leaf), walker_service(walker, callee.span),
			    walker_duration(walker, walker->trace->spans[leaf].duration_us),
			    usual_words(walker, leaf, &usual), walker_words(walker, leaf),
			    walker_service(walker, callee.span));
		*certainty = CERTAINTY_SLOW;
		return leaf_held_up(walker, callee.span, walker->trace->spans[leaf].duration_us,
				    callee.deadline_us, suspect);
	}
	leaf_between(walker, leaf, &callee, suspect, certainty);
	return TRACE_NONE;
}

/* A child without an error that took at least half of the time and was at work when this span gave
 * up; or TRACE_NONE. It need not say that it failed: many clients end a cancelled call without an
 * error. */
static uint32_t child_at_deadline(const struct walker *walker, uint32_t leaf)
{
	const struct span *spans = walker->trace->spans, *span = &spans[leaf];
	uint32_t i = span->first_child;

	for (; i != TRACE_NONE; i = spans[i].next_sibling) {
		struct callee child;

		if ((walker->bits[i] & BIT_FAILING) || !span_waits_for(span, &spans[i]))
			continue;
		callee_look_at(walker->trace, leaf, i, &child);
		if (child.at_deadline && spans[i].duration_us >= span->duration_us / 2)
			return i;
	}
	return TRACE_NONE;
}

/* A connection that was opened without a span: the words of the service alone tell whom it could
 * not reach. False: they name nobody. */
static bool leaf_speaks_for_peer(struct walker *walker, uint32_t leaf, struct suspect *suspect,
				 double *certainty)
{
	const struct trace *trace = walker->trace;

	walker_suspect(walker, leaf, SUSPECT_PEER, suspect);
	if (!peer_names_in_words(walker->arena, trace, &trace->spans[leaf], suspect))
		return false;
	suspect->callee = suspect->peers[0];
	*certainty = CERTAINTY_PEER;
	walker_limit(walker, VERDICT_LIMIT_PEER_IN_WORDS);
	walker_tell(walker, "%s %s could not reach %s, by its words%s",
		    walker_service(walker, leaf), walker_name(walker, leaf),
		    shown_callee(walker, suspect), walker_words(walker, leaf));
	leaf_learned_callee(walker, suspect);
	return true;
}

/* Limits what a server's span says of its own service. */
static void limit_server(struct walker *walker, uint32_t leaf, bool unreachable)
{
	const struct trace *trace = walker->trace;
	const struct span *span = &trace->spans[leaf];
	int http = span_http_code(trace, span);
	bool says_why = span_says_why(trace, span);

	if (!says_why && span->first_child == TRACE_NONE &&
	    ((http >= 502 && http <= 504) || span_grpc_code(trace, span) == GRPC_UNAVAILABLE))
		walker_limit(walker, VERDICT_LIMIT_BARE_GATEWAY);
	if (http >= 400 && http < 499)
		walker_limit(walker, VERDICT_LIMIT_REFUSED_AS_FAILURE);
	if (unreachable || (says_why && span_breaker_open(trace, span)) ||
	    (says_why && span->first_child == TRACE_NONE &&
	     (span_has_client_words(trace, span) || span_has_database_words(trace, span)) &&
	     !span_waits_for_pool(trace, span)))
		walker_limit(walker, VERDICT_LIMIT_PEER_IN_WORDS);
}

static uint32_t leaf_server(struct walker *walker, uint32_t leaf, struct suspect *suspect,
			    double *certainty)
{
	const struct span *span = &walker->trace->spans[leaf];
	uint32_t child = TRACE_NONE;
	bool unreachable;

	if (span->first_child != TRACE_NONE && span_timed_out(walker->trace, span))
		child = child_at_deadline(walker, leaf);
	if (child == TRACE_NONE && leaf_shares_deadline(walker, leaf, suspect, certainty))
		return TRACE_NONE;
	if (child != TRACE_NONE) {
		walker_tell(walker, "%s %s gave up after %s%s; %s %s was still working",
			    walker_service(walker, leaf), walker_name(walker, leaf),
			    walker_duration(walker, span->duration_us), walker_words(walker, leaf),
			    walker_service(walker, child), walker_name(walker, child));
		*certainty = CERTAINTY_SLOW;
		return leaf_held_up(walker, child, span->duration_us, span_end_us(span), suspect);
	}
	/* Runners-up do not pay for the reading of words. */
	unreachable = walker->main_line && span_unreachable(walker->trace, span) &&
		      !span_waits_for_pool(walker->trace, span);
	if (unreachable && leaf_speaks_for_peer(walker, leaf, suspect, certainty))
		return TRACE_NONE;
	walker_suspect(walker, leaf, SUSPECT_SPAN, suspect);
	*certainty = CERTAINTY_SPAN;
	if (walker->main_line)
		limit_server(walker, leaf, unreachable);
	walker_tell(walker, "%s %s failed%s; %s", walker_service(walker, leaf),
		    walker_name(walker, leaf), walker_words(walker, leaf),
		    walk_failing_child(walker, leaf) == TRACE_NONE
			    ? "nothing that it called failed"
			    : "what failed below it does not explain that");
	return TRACE_NONE;
}

/* The nearest failing span above a cancelled one that was not cancelled itself, or TRACE_NONE.
 * Spans above the signal are not asked. */
static uint32_t who_cancelled(const struct walker *walker, uint32_t leaf)
{
	const struct span *spans = walker->trace->spans;
	uint16_t want = BIT_FAILING | (walker->bits[leaf] & BIT_UNDER_SIGNAL);
	uint32_t at = leaf;

	do {
		if ((walker_bits_above(walker, at) & want) != want)
			return TRACE_NONE;
		at = spans[at].parent;
	} while (walk_cancelled(walker, at));
	return at;
}

/*
 * What explains a cancelled leaf: the span above it that failed for a reason of its own; the leaf
 * itself, where the span above timed out waiting for it; TRACE_NONE: nothing in the trace does.
 */
static uint32_t explains_cancelled(const struct walker *walker, uint32_t leaf)
{
	const struct trace *trace = walker->trace;
	uint32_t above = who_cancelled(walker, leaf);
	struct callee work;

	if (above == TRACE_NONE)
		return TRACE_NONE;
	if (span_timed_out(trace, &trace->spans[above])) {
		callee_look_at(trace, above, leaf, &work);
		if (work.at_deadline && span_side(trace, &trace->spans[above]) == SIDE_SERVER)
			return leaf;
		return above;
	}
	return span_says_why(trace, &trace->spans[above]) ? above : TRACE_NONE;
}

/* Replaces the suspect of a cancelled leaf, and *leaf, by what explains it. Returns as walk_leaf().
 */
static uint32_t leaf_cancelled(struct walker *walker, uint32_t *leaf, struct suspect *suspect,
			       double *certainty)
{
	const struct trace *trace = walker->trace;
	uint32_t cause = explains_cancelled(walker, *leaf);

	if (cause == *leaf)
		return TRACE_NONE;
	if (cause == TRACE_NONE) {
		walker_tell(walker, "%s was cancelled, and nothing here tells why",
			    walker_name(walker, *leaf));
		walker_limit(walker, VERDICT_LIMIT_UNEXPLAINED);
		return TRACE_NONE;
	}
	walker_tell(walker, "%s was cancelled; what explains that is %s %s%s",
		    walker_name(walker, *leaf), walker_service(walker, cause),
		    walker_name(walker, cause), walker_words(walker, cause));
	*leaf = cause;
	if (span_side(trace, &trace->spans[cause]) == SIDE_CLIENT)
		return leaf_client(walker, cause, suspect, certainty);
	walker_suspect(walker, cause, SUSPECT_SPAN, suspect);
	*certainty = CERTAINTY_SPAN;
	walker_limit(walker, VERDICT_LIMIT_CANCELLED);
	return TRACE_NONE;
}

uint32_t walk_leaf(struct walker *walker, uint32_t leaf, struct suspect *suspect, double *certainty)
{
	const struct trace *trace = walker->trace;
	uint32_t next;

	if (span_side(trace, &trace->spans[leaf]) == SIDE_CLIENT)
		next = leaf_client(walker, leaf, suspect, certainty);
	else
		next = leaf_server(walker, leaf, suspect, certainty);
	/* On the main line only: one of the others that was cancelled has its cause on the main
	 * line. */
	if (walker->main_line && next == TRACE_NONE && suspect->kind != SUSPECT_SLOW &&
	    suspect->kind != SUSPECT_CALLER && walk_cancelled(walker, leaf))
		next = leaf_cancelled(walker, &leaf, suspect, certainty);
	/* The suspect's own span need not have failed if it was slow. The error's words are the
	 * leaf's. */
	if (next == TRACE_NONE)
		suspect->error = span_error(walker->arena, trace, &trace->spans[leaf]);
	return next;
}

bool walk_leaf_is_slow(struct walker *walker, uint32_t client, uint32_t callee, uint32_t failing)
{
	const struct span *spans = walker->trace->spans;
	struct callee call;
	uint32_t i = spans[callee].first_child;

	callee_look_at(walker->trace, client, callee, &call);
	if (!callee_given_up(walker, client, &call))
		return false;
	for (; i != TRACE_NONE; i = spans[i].next_sibling) {
		if (!(walker->bits[i] & BIT_FAILING) && span_waits_for(&spans[callee], &spans[i]) &&
		    spans[i].start_us < call.deadline_us &&
		    span_end_us(&spans[i]) >= call.deadline_us)
			return true;
	}
	/* The failing span ended in the first half of the call, and the callee went on: it does not
	 * explain why the call ended at its deadline. */
	return span_end_us(&spans[failing]) < call.deadline_us - spans[client].duration_us / 2;
}
