/*
 * Walk, choose: which of several failing spans explains the failure above them (tracepager-walk(7),
 * section 4).
 *
 * Attempts of one call count once (walk_attempts.c). Each candidate that is left gets a rank; of
 * two the first of these differences decides:
 *
 *  1. a cancelled span failed because another span did: it comes last;
 *  2. an open circuit breaker comes after the failed call for which it opened;
 *  3. the span above repeats the words of one, or names its callee;
 *  4. what began after the failure was known cannot be its cause: the times are those of exception
 *     events of the same process;
 *  5. clean-up and reports are made because of a failure;
 *  6. one that ended after the span above cannot have caused its failure;
 *  7. a callee that failed before one that only refused the call;
 *  8. a callee that says why before one that only gives a code;
 *  9. the one that ended last; of equal ends, the one with the longer failing chain below it.
 *
 * A candidate that was survived (walk_survived.c) is no cause. If none is left, the span above
 * failed by itself. Where only the last rule tells several apart, and neither times nor depth say
 * it clearly, each of n is as likely as the others: the certainty is divided by n.
 *
 * At most LIMIT_CHOICE_RANKED candidates are ranked by their words, and the best LIMIT_WALK_OTHERS
 * + 1 of them are ordered, by insertion.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "walk-internal.h"

/* The span that is chosen, and the others that are left aside. */
#define CHOICE_MAX (LIMIT_WALK_OTHERS + 1)

/* A call that ended within the last 1/10 of the span above, 4 times as near to its end as the other
 * one, is the one after which the span above gave up. */
#define NEAR_END_PART 10
#define MUCH_NEARER   4
/* Most calls with a clean-up or report verb follow a failure, but main steps have such verbs too.
 */
#define BY_VERB_TIMES 0.6
/* Failing spans below a candidate that are followed to the end of its chain. */
#define CHAIN_END_LEVELS 64
/* A programming error above is a bug of its own as often as one that a failed call led to. */
#define OWN_BUG_TIMES 0.6

struct rank {
	uint32_t span;
	bool cancelled, breaker, after, cleanup, late, refused, explained;
	enum words_tie words;
	int64_t end_us; /* on the clock of the span above */
	uint32_t depth;
};

struct choice {
	struct walker *walker;
	uint32_t above; /* TRACE_NONE: the candidates have no failing span above them in common */
	struct rank best[CHOICE_MAX]; /* the best first */
	unsigned int n;
	uint32_t all; /* candidates */
	bool went_on; /* some candidate was ruled out by what is no proof */
};

/* ---- what a candidate is ---- */

/* walk_cancelled(), looked up once for each span: it searches texts. */
static bool is_cancelled(struct walker *walker, uint32_t span)
{
	uint16_t *bits = &walker->bits[span];

	if (!(*bits & BIT_CANCEL_CHECKED)) {
		*bits |= BIT_CANCEL_CHECKED;
		if (walk_cancelled(walker, span))
			*bits |= BIT_CANCELLED;
	}
	return *bits & BIT_CANCELLED;
}

/* Length of the longest failing chain from a span down, not counting spans that say nothing. All
 * lengths are computed at once, from the leaves up, when the first one is asked for: most walks
 * never need them. */
static uint32_t chain_length(struct walker *walker, uint32_t span)
{
	const struct span *spans = walker->trace->spans;

	if (!walker->chain_len) {
		walker->chain_len = xcalloc(walker->trace->nspans, sizeof(*walker->chain_len));
		for (uint32_t i = walker->norder; i-- > 0;) {
			uint32_t at = walker->order[i], parent = spans[at].parent;

			if (walker->bits[at] & BIT_FAILING)
				walker->chain_len[at]++;
			else if (spans[at].status == SPAN_STATUS_OK)
				walker->chain_len[at] = 0;
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

/* A call whose callee refused it and did not fail. */
static bool was_refused(const struct walker *walker, uint32_t call)
{
	const struct trace *trace = walker->trace;
	uint32_t answer;
	bool callee_may;

	if (span_side(trace, &trace->spans[call]) != SIDE_CLIENT ||
	    walk_failing_child(walker, call) != TRACE_NONE)
		return false;
	answer = span_answer(trace, call);
	return span_refusal(walker->arena, trace, call, answer, &callee_may) != NULL;
}

/* When the failure above the candidates was known in its process: at its own exception, or at that
 * of an INTERNAL span among them, which is the work itself. INT64_MAX: nothing says when. */
static int64_t known_us(const struct choice *choice)
{
	const struct walker *walker = choice->walker;
	const struct span *spans = walker->trace->spans;
	int64_t known = walk_known_us(walker->trace, choice->above);

	for (uint32_t i = 0; i < choice->all && i < LIMIT_CHOICE_RANKED; i++) {
		uint32_t span = walker->candidates[i];
		int64_t at = walk_known_us(walker->trace, span);

		if (spans[span].kind == SPAN_INTERNAL && !(walker->bits[span] & BIT_SUPERSEDED) &&
		    span_same_service(walker->trace, &spans[span], &spans[choice->above]) &&
		    at < known)
			known = at;
	}
	return known;
}

/* Times are compared only within one process; a server's clock decides nothing. */
static bool began_after(const struct choice *choice, uint32_t at, int64_t known)
{
	const struct trace *trace = choice->walker->trace;
	const struct span *span = &trace->spans[at];

	return span->start_us > known && span->kind != SPAN_SERVER && span->kind != SPAN_CONSUMER &&
	       span_same_service(trace, span, &trace->spans[choice->above]);
}

/* Is this an open circuit breaker for a call that failed before it, beside it? What the breaker
 * forbids is the next call of a callee that has failed already. */
static bool opened_after(const struct choice *choice, uint32_t at)
{
	const struct walker *walker = choice->walker;
	const struct span *spans = walker->trace->spans;

	if (!span_breaker_open(walker->trace, &spans[at]))
		return false;
	for (uint32_t i = 0; i < choice->all; i++) {
		uint32_t call = walker->candidates[i];

		if (call != at && spans[call].kind == SPAN_CLIENT &&
		    span_same_service(walker->trace, &spans[call], &spans[at]) &&
		    span_end_us(&spans[call]) <= spans[at].start_us && !was_refused(walker, call) &&
		    attempts_breaker_of(walker, at, call))
			return true;
	}
	return false;
}

static void rank_fill(struct choice *choice, uint32_t span, int64_t known, bool words,
		      struct rank *rank)
{
	struct walker *walker = choice->walker;

	*rank = (struct rank){ .span = span };
	if (choice->all == 1)
		return;
	rank->cancelled = is_cancelled(walker, span);
	rank->end_us = end_on_parent_clock(walker, span, &rank->late);
	if (choice->above == TRACE_NONE || !words)
		return;
	rank->words = walk_words_tie(walker, choice->above, span);
	rank->breaker = choice->all <= LIMIT_CHOICE_RANKED && opened_after(choice, span);
	rank->after = began_after(choice, span, known);
	rank->cleanup = span_is_cleanup(walker->trace, span);
	rank->refused = was_refused(walker, span);
	rank->explained = walk_chain_says_why(walker, span);
}

/* ---- order ---- */

/* The first difference of two ranks but for their ends: above 0 where a is better; 0: none. */
static int rank_compare(const struct rank *a, const struct rank *b)
{
	if (a->cancelled != b->cancelled)
		return (int)b->cancelled - (int)a->cancelled;
	if (a->breaker != b->breaker)
		return b->breaker - a->breaker;
	if (a->words != b->words)
		return (int)a->words - (int)b->words;
	if (a->after != b->after)
		return b->after - a->after;
	if (a->cleanup != b->cleanup)
		return b->cleanup - a->cleanup;
	if (a->late != b->late)
		return b->late - a->late;
	if (a->refused != b->refused)
		return b->refused - a->refused;
	return a->explained - b->explained;
}

/* Does a explain the failure above better than b? Of two that ended after the span above, the
 * earlier. */
static bool is_better(struct walker *walker, struct rank *a, struct rank *b)
{
	int order = rank_compare(a, b);

	if (order != 0)
		return order > 0;
	if (a->end_us != b->end_us)
		return a->late ? a->end_us < b->end_us : a->end_us > b->end_us;
	a->depth = chain_length(walker, a->span);
	b->depth = chain_length(walker, b->span);
	return a->depth != b->depth ? a->depth > b->depth : a->span < b->span;
}

/* The best of the candidates, the best first. Without `all`, attempts that another attempt stands
 * for are left out. */
static void choice_fill(struct choice *choice, bool all)
{
	struct walker *walker = choice->walker;
	int64_t known =
		choice->above != TRACE_NONE && choice->all > 1 ? known_us(choice) : INT64_MAX;

	choice->n = 0;
	for (uint32_t i = 0; i < choice->all; i++) {
		uint32_t span = walker->candidates[i];
		unsigned int at = choice->n;
		struct rank rank;

		if ((walker->bits[span] & BIT_RULED_OUT) ||
		    (!all && (walker->bits[span] & BIT_SUPERSEDED)))
			continue;
		rank_fill(choice, span, known, i < LIMIT_CHOICE_RANKED, &rank);
		while (at > 0 && is_better(walker, &rank, &choice->best[at - 1]))
			at--;
		if (at == CHOICE_MAX)
			continue;
		if (choice->n < CHOICE_MAX)
			choice->n++;
		memmove(&choice->best[at + 1], &choice->best[at],
			(choice->n - 1 - at) * sizeof(choice->best[0]));
		choice->best[at] = rank;
	}
}

/* ---- the choice ---- */

static void tell_attempts(struct walker *walker, uint32_t span, const struct attempts_row *row)
{
	if (!walker_may_tell(walker))
		return;
	if (row->refused_after)
		walker_tell(walker,
			    "%u of %u attempts of %s failed; those after this one were only "
			    "refused, which followed from it",
			    row->failed, row->all, walker_name(walker, span));
	else if (row->failed == row->all)
		walker_tell(walker, "%u attempts of %s failed; the last stands for all", row->all,
			    walker_name(walker, span));
	else
		walker_tell(walker,
			    "the last %u of %u attempts of %s failed; the last stands for them",
			    row->failed, row->all, walker_name(walker, span));
}

/* Leaves the spans that were not chosen aside as others. Choices are made from the top down, so
 * others nearer to the signal stand first. */
static void choice_leave_aside(const struct choice *choice, uint32_t chosen)
{
	struct walker *walker = choice->walker;

	for (unsigned int i = 0; walker->main_line && i < choice->n; i++) {
		uint32_t span = choice->best[i].span;

		if (span != chosen && !(walker->bits[span] & BIT_SUPERSEDED) &&
		    walker->nothers < LIMIT_WALK_OTHERS)
			walker->others[walker->nothers++] = span;
	}
}

/* The first rank of another candidate than the chosen one, or NULL. */
static const struct rank *first_other(const struct choice *choice, uint32_t chosen)
{
	for (unsigned int i = 0; i < choice->n; i++) {
		if (choice->best[i].span != chosen &&
		    !(choice->walker->bits[choice->best[i].span] & BIT_SUPERSEDED))
			return &choice->best[i];
	}
	return NULL;
}

/* Why the chosen candidate was taken before the next one. */
static const char *choice_words(const struct rank *chosen, const struct rank *other)
{
	if (other->cancelled && !chosen->cancelled)
		return "is the one that was not cancelled";
	if (chosen->breaker != other->breaker)
		return "failed before a circuit breaker forbade further calls";
	if (chosen->words != other->words)
		return chosen->words == WORDS_REPEATED ? "is the one whose words are repeated above"
						       : "is the one that is named above";
	if (chosen->after != other->after)
		return "began before the failure was known";
	if (chosen->cleanup != other->cleanup)
		return "is no clean-up and no report of a failure";
	if (chosen->refused != other->refused)
		return "failed and did not only refuse a call";
	if (chosen->explained != other->explained)
		return "says why it failed";
	return "ended last";
}

/* A reason why this span was chosen, where there were others. */
static void tell_choice(const struct choice *choice, const struct rank *chosen)
{
	struct walker *walker = choice->walker;
	const struct rank *other = first_other(choice, chosen->span);

	if (other && walker_may_tell(walker))
		walker_tell(walker, "of %u failing spans, %s %s %s", choice->all,
			    walker_service(walker, chosen->span), walker_name(walker, chosen->span),
			    choice_words(chosen, other));
}

/* ---- is it certain ---- */

/* Do two candidates end at the same service, as far as their calls show? */
static bool same_end(const struct trace *trace, uint32_t a, uint32_t b)
{
	uint32_t x = span_answer(trace, a), y = span_answer(trace, b);

	if (x != TRACE_NONE && y != TRACE_NONE)
		return span_same_service(trace, &trace->spans[x], &trace->spans[y]);
	if (x != TRACE_NONE || y != TRACE_NONE)
		return false;
	if (span_side(trace, &trace->spans[a]) != span_side(trace, &trace->spans[b]))
		return false;
	if (span_side(trace, &trace->spans[a]) == SIDE_SERVER)
		return span_same_service(trace, &trace->spans[a], &trace->spans[b]);
	return !walk_other_callee(trace, a, b);
}

/* Do times say clearly that the failure above followed this candidate, and not the other? */
static bool times_tell(const struct choice *choice, const struct rank *chosen,
		       const struct rank *other)
{
	const struct trace *trace = choice->walker->trace;
	const struct span *above = &trace->spans[choice->above];
	int64_t known = walk_known_us(trace, choice->above), gap, other_gap;
	bool own_clock = trace->spans[chosen->span].kind != SPAN_SERVER;

	if (!own_clock || other->end_us > trace->spans[chosen->span].start_us)
		return false; /* they ran side by side: the span above waited for both */
	if (known < chosen->end_us || known > span_end_us(above))
		known = span_end_us(above);
	gap = known - chosen->end_us;
	other_gap = known - other->end_us;
	return gap <= above->duration_us / NEAR_END_PART && gap * MUCH_NEARER <= other_gap;
}

/* Does only the clean-up or report verb in its name keep the call that ended last from being
 * chosen? Such verbs stand in names of main steps too ("DELETE /cart"). */
static bool only_verb_tells(const struct rank *chosen, const struct rank *other)
{
	struct rank same = *other;

	if (!other->cleanup || chosen->cleanup || chosen->words != WORDS_APART ||
	    other->end_us <= chosen->end_us)
		return false;
	same.cleanup = false;
	return rank_compare(chosen, &same) <= 0;
}

/* The last span of the failing chain from a span down. */
static uint32_t chain_end(const struct walker *walker, uint32_t span)
{
	uint32_t at = span;

	for (int i = 0; i < CHAIN_END_LEVELS && at != TRACE_NONE; i++) {
		span = at;
		at = walk_failing_child(walker, at);
	}
	return span;
}

/* Does a longer failing chain make the chosen candidate the cause? Not of two calls that ran side
 * by side, where the one further down the shop need not be the one that mattered; but where both
 * chains end at the same service, that one is the cause. */
static bool depth_tells(const struct choice *choice, const struct rank *chosen,
			const struct rank *other)
{
	struct walker *walker = choice->walker;
	const struct span *a = &walker->trace->spans[chosen->span],
			  *b = &walker->trace->spans[other->span];

	if (chain_length(walker, chosen->span) <= chain_length(walker, other->span))
		return false;
	return a->start_us >= span_end_us(b) || b->start_us >= span_end_us(a) ||
	       same_end(walker->trace, chain_end(walker, chosen->span),
			chain_end(walker, other->span));
}

/* How many candidates could be the cause as well as the chosen one? Those that only the verbs in
 * their names tell from it are not counted: *ret_by_verb says that there is one. */
static unsigned int count_rivals(const struct choice *choice, struct rank *chosen,
				 bool *ret_by_verb)
{
	struct walker *walker = choice->walker;
	bool went_on = walk_survived(walker, choice->above, chosen->span) != SURVIVED_NOT;
	unsigned int n = 0;

	*ret_by_verb = false;
	for (unsigned int i = 0; i < choice->n; i++) {
		const struct rank *other = &choice->best[i];
		bool by_verb = only_verb_tells(chosen, other);

		if (other->span == chosen->span || (rank_compare(chosen, other) != 0 && !by_verb) ||
		    (walker->bits[other->span] & BIT_SUPERSEDED) ||
		    same_end(walker->trace, chosen->span, other->span))
			continue;
		/* The service went on after this one, and not after the chosen one. */
		if (!went_on && walk_survived(walker, choice->above, other->span) != SURVIVED_NOT)
			continue;
		if (times_tell(choice, chosen, other) || depth_tells(choice, chosen, other))
			continue;
		if (by_verb)
			*ret_by_verb = true;
		else
			n++;
	}
	return n;
}

static void limit_choice(const struct choice *choice, struct rank *chosen)
{
	struct walker *walker = choice->walker;
	unsigned int rivals;
	bool by_verb, refused;

	if (choice->above == TRACE_NONE)
		return;
	/* A refused call is its caller's fault, and so is the caller's bug. */
	refused = was_refused(walker, chosen->span);
	if (!refused && walk_own_bug(walker, choice->above, chosen->span))
		verdict_limits_add_as(&walker->limits, VERDICT_LIMIT_MAYBE_SURVIVED, OWN_BUG_TIMES,
				      "the span above fails by a programming error of its own, and "
				      "its words share nothing with those of this call");
	else if (!refused && walk_own_words(walker, choice->above, chosen->span))
		walker_limit(walker, VERDICT_LIMIT_OWN_WORDS);
	if (choice->n < 2)
		return;
	rivals = count_rivals(choice, chosen, &by_verb);
	if (rivals > 0)
		verdict_limits_add_as(&walker->limits, VERDICT_LIMIT_SEVERAL_CAUSES,
				      1.0 / (rivals + 1), NULL);
	else if (by_verb)
		verdict_limits_add_as(&walker->limits, VERDICT_LIMIT_SEVERAL_CAUSES, BY_VERB_TIMES,
				      "another call failed later, and only the clean-up or report "
				      "verb in its name speaks against it");
}

/* ---- taking one ---- */

/* Takes a candidate out of the choice. */
static void choice_drop(struct choice *choice, unsigned int at)
{
	choice->n--;
	memmove(&choice->best[at], &choice->best[at + 1],
		(choice->n - at) * sizeof(choice->best[0]));
}

/* Is the candidate no cause after all: survived, or begun after the failure was known? */
static bool is_ruled_out(struct choice *choice, uint32_t span)
{
	struct walker *walker = choice->walker;
	enum survival survival;

	if (choice->above == TRACE_NONE)
		return false;
	if (began_after(choice, span, walk_known_us(walker->trace, choice->above)) &&
	    walk_words_tie(walker, choice->above, span) == WORDS_APART) {
		walker_tell(walker, "%s began only when the failure of %s was known",
			    walker_name(walker, span), walker_name(walker, choice->above));
		choice->went_on = true;
		return true;
	}
	survival = walk_survived(walker, choice->above, span);
	if (survival == SURVIVED_MAYBE)
		walker_limit(walker, VERDICT_LIMIT_MAYBE_SURVIVED);
	if (survival != SURVIVED_BY_ATTEMPT && survival != SURVIVED_BY_OTHER)
		return false;
	if (survival == SURVIVED_BY_ATTEMPT)
		walker_tell(walker,
			    "%s failed, but a later attempt succeeded, and the words of %s share "
			    "nothing with that failure",
			    walker_name(walker, span), walker_service(walker, choice->above));
	else
		walker_tell(walker,
			    "%s failed, but %s went on with other calls, and its own words share "
			    "nothing with that failure",
			    walker_name(walker, span), walker_service(walker, choice->above));
	choice->went_on |= survival == SURVIVED_BY_OTHER;
	return true;
}

/* The best span of the choice whose last attempt failed and that is not ruled out. NULL: there is
 * none. What is ruled out is left aside. */
static struct rank *choice_take(struct choice *choice)
{
	struct walker *walker = choice->walker;

	for (unsigned int i = 0; i < choice->n;) {
		struct rank *rank = &choice->best[i];
		struct attempts_row row;
		uint32_t last;

		if (walker->bits[rank->span] & BIT_SUPERSEDED) {
			i++;
			continue;
		}
		last = attempts_last(walker, rank->span, &row);
		if (last == TRACE_NONE) {
			i++;
			continue;
		}
		if (is_ruled_out(choice, last)) {
			walker->bits[last] |= BIT_RULED_OUT;
			if (walker->main_line && walker->nothers < LIMIT_WALK_OTHERS)
				walker->others[walker->nothers++] = last;
			choice_drop(choice, i);
			continue;
		}
		rank->span = last;
		if (row.failed > 1)
			tell_attempts(walker, last, &row);
		return rank;
	}
	return NULL;
}

/* Every candidate is an attempt that was tried again with success, or was ruled out. Attempts are
 * the cause only where the span above says nothing of its own; those whose failure is only inferred
 * were tolerated. */
static struct rank *choice_take_attempt(struct choice *choice)
{
	struct walker *walker = choice->walker;

	choice_fill(choice, true);
	for (unsigned int i = 0; i < choice->n; i++) {
		if ((walker->bits[choice->best[i].span] & (BIT_SUPERSEDED | BIT_INFERRED)) !=
			    BIT_SUPERSEDED ||
		    is_ruled_out(choice, choice->best[i].span))
			continue;
		walker_limit(walker, VERDICT_LIMIT_TRIED_AGAIN);
		if (walker_may_tell(walker))
			walker_tell(walker,
				    "%s was tried again with success, but nothing else explains "
				    "the failure",
				    walker_name(walker, choice->best[i].span));
		return &choice->best[i];
	}
	return NULL;
}

static uint32_t choice_settle(struct choice *choice, struct rank *chosen)
{
	if (!chosen) {
		if (choice->went_on)
			walker_limit(choice->walker, VERDICT_LIMIT_SURVIVED);
		return TRACE_NONE;
	}
	tell_choice(choice, chosen);
	limit_choice(choice, chosen);
	choice_leave_aside(choice, chosen->span);
	return chosen->span;
}

uint32_t walk_choose(struct walker *walker, uint32_t n, uint32_t above)
{
	struct choice choice = { .walker = walker, .above = above, .all = n };
	struct rank *chosen = NULL;

	for (int round = 0; !chosen && round < LIMIT_CHOICE_ROUNDS; round++) {
		choice_fill(&choice, false);
		if (choice.n == 0)
			break;
		chosen = choice_take(&choice);
	}
	if (!chosen && above != TRACE_NONE)
		chosen = choice_take_attempt(&choice);
	return choice_settle(&choice, chosen);
}

uint32_t walk_choose_any(struct walker *walker, uint32_t n)
{
	struct choice choice = { .walker = walker, .above = TRACE_NONE, .all = n };

	choice_fill(&choice, true);
	return choice_settle(&choice, &choice.best[0]);
}
