/*
 * Vote: from the walks of one alert to a verdict (tracepager-walk(7), section 7).
 *
 * There are two ways. Where most traces have a failing path from the signal's own span down, the
 * path is a cause and no coincidence: this file counts where the paths end. Otherwise
 * vote_contrast.c asks which service explains what is unusual beside healthy traces; it is also
 * asked where counting names nobody.
 *
 * When counting, two walks agree if their suspects have the same namespace and service, and for
 * edges the same callee. A trace in which no failing span explains the signal has no vote; a reason
 * tells how many such traces there are. An error counts less the more healthy traces show it. A tie
 * names nobody: both candidates become runners-up.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/vote.h"
#include "tracepager/xalloc.h"
#include "strata-internal.h"
#include "vote-internal.h"
#include "walk-internal.h"

/* Suspects that agree. */
struct candidate {
	const struct suspect *suspect; /* the first of them */
	const struct walk *best_walk;  /* one with the commonest operation and error */
	unsigned int agree;	       /* walks that end there */
	unsigned int mentions;	       /* walks that have it among their other leaves */
	unsigned int commonest;	       /* walks with the operation and error of best_walk */
	double certainty;	       /* of the walks, each times share_unusual(), summed */
	uint32_t healthy;	       /* healthy traces that show the same error */
	struct error_count errors[8];  /* what its walks say; further words are not counted */
	unsigned int nerrors;
};

struct ballot {
	struct arena *arena;
	struct verdict *verdict;
	const struct evidence_set *healthy; /* NULL: none */
	struct map *index;		    /* key of a suspect to its candidate */
	struct map *words;		    /* key, operation and error to a count */
	struct candidate **candidates;	    /* the best first, once all walks are counted */
	unsigned int n, size;
	unsigned int nothing_failed; /* walks without a failing span that explains the signal */
};

/* Walks of one candidate with the same operation and error. */
struct count {
	unsigned int n;
	const struct walk *best_walk; /* the most certain one; of equals the first */
};

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

/* What two suspects have in common if they agree. No name that a person gave holds the separator,
 * U+001F. */
static const char *suspect_key(struct arena *arena, const struct suspect *suspect)
{
	if (suspect->kind == SUSPECT_EDGE)
		return arena_printf(arena, "%s\x1f%s\x1f%s", text_or_empty(suspect->namespace),
				    suspect->service, text_or_empty(suspect->callee));
	/* A service that healthy traces show behind a name counts as that service. */
	if (suspect->kind == SUSPECT_PEER && suspect->callee_namespace)
		return arena_printf(arena, "%s\x1f%s", suspect->callee_namespace,
				    text_or_empty(suspect->callee));
	return arena_printf(arena, "%s\x1f%s", text_or_empty(suspect->namespace), suspect->service);
}

/* What a candidate is called in a sentence: by what its walks have in common. */
static const char *suspect_called(struct arena *arena, const struct suspect *suspect)
{
	return shown_text(arena, suspect->kind == SUSPECT_PEER && suspect->callee_namespace
					 ? text_or_empty(suspect->callee)
					 : suspect->service);
}

static struct candidate *ballot_candidate(struct ballot *ballot, const struct suspect *suspect,
					  const char *key)
{
	struct candidate *candidate = map_get(ballot->index, key);

	if (candidate)
		return candidate;
	candidate = arena_alloc(ballot->arena, sizeof(*candidate));
	candidate->suspect = suspect;
	if (ballot->n == ballot->size) {
		unsigned int size = ballot->size ? ballot->size * 2 : 16;
		struct candidate **grown = arena_array(ballot->arena, size, sizeof(*grown));

		if (ballot->n > 0)
			memcpy(grown, ballot->candidates, ballot->n * sizeof(*grown));
		ballot->candidates = grown;
		ballot->size = size;
	}
	ballot->candidates[ballot->n++] = candidate;
	map_put(ballot->index, key, candidate);
	return candidate;
}

/* Keeps best_walk: a walk with the candidate's commonest operation and error; of equals the most
 * certain one, then the first. */
static void count_words(struct ballot *ballot, struct candidate *candidate, const struct walk *walk,
			const char *key)
{
	const char *words = arena_printf(ballot->arena, "%s\x1f%s\x1f%s", key,
					 text_or_empty(walk->suspect.operation),
					 text_or_empty(walk->suspect.error));
	struct count *count = map_get(ballot->words, words);

	if (!count) {
		count = arena_alloc(ballot->arena, sizeof(*count));
		map_put(ballot->words, words, count);
	}
	count->n++;
	if (!count->best_walk || walk->certainty > count->best_walk->certainty)
		count->best_walk = walk;
	if (!candidate->best_walk || count->n > candidate->commonest ||
	    (count->n == candidate->commonest &&
	     count->best_walk->certainty > candidate->best_walk->certainty)) {
		candidate->best_walk = count->best_walk;
		candidate->commonest = count->n;
	}
}

static void count_error(struct candidate *candidate, const char *error)
{
	for (unsigned int i = 0; i < candidate->nerrors; i++) {
		struct error_count *count = &candidate->errors[i];
		bool same = count->error && error ? strcmp(count->error, error) == 0
						  : count->error == error;

		if (!same)
			continue;
		count->traces++;
		/* The commonest stays first; of equals the one that was seen first. */
		for (; i > 0 && candidate->errors[i - 1].traces < candidate->errors[i].traces;
		     i--) {
			struct error_count other = candidate->errors[i - 1];
			candidate->errors[i - 1] = candidate->errors[i];
			candidate->errors[i] = other;
		}
		return;
	}
	if (candidate->nerrors < ARRAY_LEN(candidate->errors))
		candidate->errors[candidate->nerrors++] = (struct error_count){ error, 1 };
}

/* The share of healthy traces that do not show the walk's error: 1 if none shows it, 0 if all do.
 */
static double share_unusual(struct ballot *ballot, struct candidate *candidate,
			    const struct walk *walk)
{
	const struct suspect *suspect = &walk->suspect;
	bool peer = suspect->kind == SUSPECT_PEER && suspect->npeers > 0;
	uint32_t n;

	if (!ballot->healthy || ballot->healthy->n == 0 || walk->mode != WALK_ERRORS)
		return 1;
	n = evidence_count_ends(ballot->healthy, peer ? "" : text_or_empty(suspect->namespace),
				peer ? suspect->peers[0] : suspect->service, peer,
				operation_without_ids(ballot->arena, suspect->operation));
	if (n > candidate->healthy)
		candidate->healthy = n;
	return 1 - (double)n / ballot->healthy->n;
}

static void ballot_count_walk(struct ballot *ballot, const struct walk *walk)
{
	const char *key = suspect_key(ballot->arena, &walk->suspect);
	struct candidate *candidate = ballot_candidate(ballot, &walk->suspect, key);

	candidate->agree++;
	candidate->certainty += walk->certainty * share_unusual(ballot, candidate, walk);
	count_words(ballot, candidate, walk, key);
	count_error(candidate, walk->suspect.error);
	for (unsigned int i = 0; i < walk->nothers; i++) {
		const struct suspect *other = &walk->others[i];

		ballot_candidate(ballot, other, suspect_key(ballot->arena, other))->mentions++;
	}
}

static int ballot_compare(const void *a, const void *b)
{
	const struct candidate *ca = *(const struct candidate *const *)a;
	const struct candidate *cb = *(const struct candidate *const *)b;
	int order;

	if (ca->agree != cb->agree)
		return ca->agree > cb->agree ? -1 : 1;
	if (ca->certainty > cb->certainty || ca->certainty < cb->certainty)
		return ca->certainty > cb->certainty ? -1 : 1;
	if (ca->mentions != cb->mentions)
		return ca->mentions > cb->mentions ? -1 : 1;
	order = strcmp(ca->suspect->service, cb->suspect->service);
	if (order == 0)
		order = strcmp(text_or_empty(ca->suspect->namespace),
			       text_or_empty(cb->suspect->namespace));
	return order != 0 ? order
			  : strcmp(text_or_empty(ca->suspect->callee),
				   text_or_empty(cb->suspect->callee));
}

static void ballot_add_runners_up(struct ballot *ballot, unsigned int first)
{
	for (unsigned int i = first; i < ballot->n; i++) {
		const struct candidate *candidate = ballot->candidates[i];

		if (!verdict_add_runner_up(ballot->verdict, candidate->suspect->service,
					   candidate->suspect->callee, candidate->agree))
			break;
	}
}

/* ---- words ---- */

/* Where walks with this suspect end: "end in ledger"; one: "ends in ledger". */
static const char *suspect_ending(struct arena *arena, const struct suspect *suspect, bool one)
{
	const char *service = shown_text(arena, suspect->service), *s = one ? "s" : "";
	const char *callee =
		suspect->callee ? shown_text(arena, suspect->callee) : "something without a name";

	switch (suspect->kind) {
	case SUSPECT_PEER:
		/* The rules may have put the peer's owner in the place of the caller. */
		if (strcmp(suspect->service,
			   span_service(suspect->trace, &suspect->trace->spans[suspect->span])) !=
		    0)
			return arena_printf(arena, "end%s in a call of %s, which is %s", s, callee,
					    service);
		/* Its walks may have several callers. */
		if (suspect->callee_namespace)
			return arena_printf(arena, "end%s in calls of %s", s, callee);
		return arena_printf(arena, "end%s in %s's call of %s", s, service, callee);
	case SUSPECT_EDGE:
		return arena_printf(arena, "end%s between %s and %s", s, service, callee);
	case SUSPECT_SLOW:
		return arena_printf(arena, "%s held up in %s", one ? "was" : "were", service);
	case SUSPECT_CALLER:
		if (suspect->impatient)
			return arena_printf(arena,
					    "end%s in %s, which gave up on its call too soon", s,
					    service);
		return arena_printf(arena, "end%s in %s, whose call was refused", s, service);
	case SUSPECT_SPAN:
		break;
	}
	return arena_printf(arena, "end%s in %s", s, service);
}

static const char *traces_words(const struct walk *walk)
{
	return walk->mode == WALK_LATENCY ? "slow" : "failing";
}

/* How many healthy traces show the error of the first candidate; "" for all others. */
static const char *beside_healthy(const struct ballot *ballot, const struct candidate *candidate)
{
	uint32_t of = ballot->healthy ? ballot->healthy->n : 0;

	if (of == 0 || candidate->best_walk->mode != WALK_ERRORS ||
	    candidate != ballot->candidates[0])
		return "";
	return verdict_healthy_words(ballot->arena, candidate->healthy, of);
}

/* ": disk is full", or where they do not all say the same ": 7 say disk is full, 1 says timeout".
 */
static const char *errors_words(const struct ballot *ballot, const struct candidate *candidate)
{
	struct buf out = BUF_INIT(LIMIT_ERRORS_TOLD * (LIMIT_ERROR_WORDS_BYTES + 32) + 64);
	unsigned int rest = candidate->agree;

	if (candidate->nerrors == 1 && !candidate->errors[0].error)
		return "";
	if (candidate->nerrors == 1)
		return arena_printf(
			ballot->arena, ": %s",
			shown_text(ballot->arena,
				   error_shown(ballot->arena, candidate->errors[0].error)));
	for (unsigned int i = 0; i < candidate->nerrors && i < LIMIT_ERRORS_TOLD; i++) {
		const struct error_count *count = &candidate->errors[i];

		buf_printf(&out, "%s%u %s %s", i ? ", " : ": ", count->traces,
			   count->traces == 1 ? "says" : "say",
			   count->error ? shown_text(ballot->arena,
						     error_shown(ballot->arena, count->error))
					: "nothing");
		rest -= count->traces;
	}
	if (rest > 0)
		buf_printf(&out, ", %u %s something else", rest, rest == 1 ? "says" : "say");
	const char *words = arena_strdup(ballot->arena, buf_text(&out));
	buf_fini(&out);
	return words;
}

static void tell_candidate(struct ballot *ballot, const struct candidate *candidate)
{
	const struct walk *walk = candidate->best_walk;
	unsigned int of = ballot->verdict->of;

	verdict_tell(ballot->arena, ballot->verdict, "%u of %u %s trace%s %s%s%s", candidate->agree,
		     of, traces_words(walk), plural_ending(of),
		     suspect_ending(ballot->arena, &walk->suspect, candidate->agree == 1),
		     errors_words(ballot, candidate), beside_healthy(ballot, candidate));
}

static void tell_candidates(struct ballot *ballot)
{
	for (unsigned int i = 0;
	     i < ballot->n && i < LIMIT_CANDIDATES_TOLD && ballot->candidates[i]->agree > 0; i++)
		tell_candidate(ballot, ballot->candidates[i]);
	if (ballot->nothing_failed > 0)
		verdict_tell(ballot->arena, ballot->verdict,
			     "in %u more trace%s no failing span explains the signal",
			     ballot->nothing_failed, plural_ending(ballot->nothing_failed));
}

/* The walk's own reasons become reasons of the verdict. */
static void tell_walk(struct ballot *ballot, const struct walk *walk)
{
	for (unsigned int i = 0; i < walk->nreasons; i++)
		verdict_tell(ballot->arena, ballot->verdict, "%s", walk->reasons[i]);
}

/* ---- the verdict ---- */

static void ballot_abstain(struct ballot *ballot, enum fallback_code code, const char *text)
{
	verdict_abstain(ballot->verdict, code, text);
	ballot_add_runners_up(ballot, 0);
}

static void abstain_nothing_found(struct ballot *ballot, const struct walk *walks,
				  unsigned int nwalks)
{
	if (nwalks == 0) {
		ballot_abstain(ballot, FALLBACK_NO_TRACE, "there is no trace to look at");
		return;
	}
	for (unsigned int i = 0; i < nwalks; i++) {
		if (walks[i].fallback == FALLBACK_NO_FAILING_SPAN) {
			if (nwalks == 1)
				tell_walk(ballot, &walks[i]);
			ballot_abstain(
				ballot, FALLBACK_NO_FAILING_SPAN,
				arena_printf(ballot->arena,
					     "in %u trace%s no failing span explains the signal",
					     nwalks, plural_ending(nwalks)));
			return;
		}
	}
	ballot_abstain(ballot,
		       walks[0].fallback != FALLBACK_NONE ? walks[0].fallback : FALLBACK_NO_TRACE,
		       "the traces hold no span");
}

/* "; all say: no paper", where all walks of all candidates say the same; else "". */
static const char *common_error_words(const struct ballot *ballot)
{
	const char *error = ballot->candidates[0]->errors[0].error;

	for (unsigned int i = 0; i < ballot->n && ballot->candidates[i]->agree > 0; i++) {
		const struct candidate *candidate = ballot->candidates[i];
		if (candidate->nerrors != 1 || !candidate->errors[0].error || !error ||
		    strcmp(candidate->errors[0].error, error) != 0)
			return "";
	}
	return arena_printf(ballot->arena, "; all say: %s",
			    shown_text(ballot->arena, error_shown(ballot->arena, error)));
}

static void ballot_decide(struct ballot *ballot, bool few_healthy, double threshold)
{
	struct verdict *verdict = ballot->verdict;
	const struct candidate *first = ballot->candidates[0];
	bool tie = ballot->n > 1 && ballot->candidates[1]->agree == first->agree;

	verdict->walk = first->best_walk;
	verdict->suspect = first->best_walk->suspect;
	verdict->agree = first->agree;
	memcpy(verdict->errors, first->errors, sizeof(verdict->errors));
	verdict->nerrors = first->nerrors;
	/* The share of walks that agree, times their mean certainty, into which the wholeness of
	 * each trace is multiplied already. */
	verdict->confidence = first->certainty / verdict->of;
	verdict->limits = first->best_walk->limits;
	if (few_healthy) {
		verdict_limits_add(&verdict->limits, VERDICT_LIMIT_FEW_HEALTHY, NULL);
		verdict->confidence = verdict_limits_cap(&verdict->limits, verdict->confidence);
	}
	tell_candidates(ballot);
	tell_walk(ballot, first->best_walk);
	if (tie) {
		ballot_abstain(
			ballot, FALLBACK_LOW_CONFIDENCE,
			arena_printf(
				ballot->arena,
				"%s and %s have %u of %u traces each, so none of them is taken for "
				"the cause%s",
				suspect_called(ballot->arena, first->suspect),
				suspect_called(ballot->arena, ballot->candidates[1]->suspect),
				first->agree, verdict->of, common_error_words(ballot)));
	} else if (verdict->confidence < threshold) {
		verdict_abstain_unsure(ballot->arena, verdict,
				       suspect_called(ballot->arena, first->suspect), threshold);
		ballot_add_runners_up(ballot, 0);
	} else {
		verdict->found = true;
		ballot_add_runners_up(ballot, 1);
	}
}

/* Did the signal's own span, or the root that stands for it, fail? */
static bool did_signal_fail(const struct walk *walk)
{
	return walk->from_span != TRACE_NONE &&
	       span_failing(walk->trace, &walk->trace->spans[walk->from_span], true);
}

bool vote_should_count(const struct walk *walks, unsigned int nwalks,
		       const struct vote_options *options)
{
	unsigned int paths = 0;

	if (!options->healthy || options->healthy->n == 0)
		return true;
	if (options->mode == WALK_LATENCY)
		return false;
	if (nwalks == 1 && options->mode == WALK_ERRORS)
		return true;
	for (unsigned int i = 0; i < nwalks; i++) {
		const struct walk *walk = &walks[i];

		paths += walk->found && walk->mode == WALK_ERRORS && walk->npath > 0 &&
			 walk->path[0] == walk->from_span && did_signal_fail(walk);
	}
	return 2 * paths > nwalks;
}

/* Errors below a request that succeeded may be always there. Too few healthy traces say so or deny
 * it. */
static bool lacks_healthy(const struct ballot *ballot, const struct walk *walks,
			  unsigned int nwalks)
{
	unsigned int failed = 0;

	if ((ballot->healthy && ballot->healthy->n >= LIMIT_FEW_HEALTHY) ||
	    ballot->candidates[0]->best_walk->mode != WALK_ERRORS)
		return false;
	for (unsigned int i = 0; i < nwalks; i++)
		failed += walks[i].found && did_signal_fail(&walks[i]);
	return 2 * failed <= ballot->verdict->of;
}

/* Counting named nobody: the paths end where healthy traces fail as well, or have no end in common.
 * The contrast may still find what differs beside those paths. */
static void contrast_instead(struct arena *arena, const struct walk *walks, unsigned int nwalks,
			     const struct vote_options *options, struct verdict *verdict)
{
	struct verdict other = { .found = false };

	if (options->healthy && options->healthy->n > 0 &&
	    vote_by_contrast(arena, walks, nwalks, options, &other) && other.found)
		*verdict = other;
}

static void limit_by_path(struct arena *arena, const struct vote_options *options,
			  struct verdict *verdict)
{
	if (verdict->walk)
		verdict_limit_path(arena, verdict->walk->from_span, options->threshold, verdict);
}

static int64_t walk_starts_us(const struct walk *walk)
{
	const struct trace *trace = walk->trace;

	return trace && trace->first_root != TRACE_NONE ? trace->spans[trace->first_root].start_us
							: 0;
}

static const char *walk_trace_id(const struct walk *walk)
{
	return walk->trace ? trace_text(walk->trace, walk->trace->id) : "";
}

static int walks_compare(const void *a, const void *b)
{
	const struct walk *wa = *(const struct walk *const *)a;
	const struct walk *wb = *(const struct walk *const *)b;
	int64_t sa = walk_starts_us(wa), sb = walk_starts_us(wb);

	if (sa != sb)
		return sa < sb ? -1 : 1;
	return strcmp(walk_trace_id(wa), walk_trace_id(wb));
}

static void vote_in_order(struct arena *arena, const struct walk *walks, unsigned int nwalks,
			  const struct vote_options *options, struct verdict *ret_verdict)
{
	struct ballot ballot = { .arena = arena,
				 .verdict = ret_verdict,
				 .healthy = options->healthy };

	memset(ret_verdict, 0, sizeof(*ret_verdict));
	if (!vote_should_count(walks, nwalks, options) &&
	    vote_by_contrast(arena, walks, nwalks, options, ret_verdict)) {
		limit_by_path(arena, options, ret_verdict);
		return;
	}
	ballot.index = map_new();
	ballot.words = map_new();
	for (unsigned int i = 0; i < nwalks; i++) {
		if (walks[i].found) {
			ballot_count_walk(&ballot, &walks[i]);
			ret_verdict->of++;
		} else if (walks[i].fallback == FALLBACK_NO_FAILING_SPAN) {
			ballot.nothing_failed++;
		}
	}
	if (ballot.n > 0) {
		qsort(ballot.candidates, ballot.n, sizeof(*ballot.candidates), ballot_compare);
		ballot_decide(&ballot, lacks_healthy(&ballot, walks, nwalks), options->threshold);
	} else {
		abstain_nothing_found(&ballot, walks, nwalks);
	}
	map_free(ballot.index);
	map_free(ballot.words);
	if (!ret_verdict->found)
		contrast_instead(arena, walks, nwalks, options, ret_verdict);
	limit_by_path(arena, options, ret_verdict);
}

/* By the time at which the traces began: a backend lists them in an order of its own, which would
 * decide among equals. */
void vote(struct arena *arena, const struct walk *walks, unsigned int nwalks,
	  const struct vote_options *options, struct verdict *ret_verdict)
{
	const struct walk **order = arena_array(arena, (size_t)nwalks + 1, sizeof(*order));
	struct walk *sorted = arena_array(arena, (size_t)nwalks + 1, sizeof(*sorted));

	for (unsigned int i = 0; i < nwalks; i++)
		order[i] = &walks[i];
	qsort(order, nwalks, sizeof(*order), walks_compare);
	for (unsigned int i = 0; i < nwalks; i++)
		sorted[i] = *order[i];
	vote_in_order(arena, sorted, nwalks, options, ret_verdict);
	for (unsigned int i = 0; i < nwalks; i++)
		if (ret_verdict->walk == &sorted[i])
			ret_verdict->walk = order[i];
}
