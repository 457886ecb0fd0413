/*
 * Vote: from the walks of one alert to a verdict (walk page, section 7). Here failing paths are
 * counted; vote_contrast.c looks for what is unusual.
 *
 * Walks agree on namespace and service; edges on both ends. Traces in which nothing failed have no
 * vote, and are told. What healthy traces show as often has no weight. A tie names nobody: the
 * candidates stand side by side among the runners-up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/vote.h"
#include "vote-internal.h"
#include "walk-internal.h"

_Static_assert(sizeof(((struct verdict *)0)->reasons) / sizeof(const char *) == LIMIT_REASONS,
	       "room for all reasons");
_Static_assert(sizeof(((struct verdict *)0)->runners_up) / sizeof(struct runner_up) ==
		       LIMIT_RUNNERS_UP,
	       "room for all runners-up");

/* Suspects that agree. */
struct candidate {
	const struct suspect *suspect; /* the first one met */
	const struct walk *best_walk;  /* for it: of its commonest operation and error */
	unsigned int agree;	       /* walks that end there */
	unsigned int mentions;	       /* walks that have it among their other leaves */
	unsigned int commonest;	       /* walks with the operation and error of `stands` */
	double certainty;	       /* summed, times what healthy traces do not show */
	uint32_t healthy;	       /* traces that show the same error */
};

struct ballot {
	struct arena *arena;
	struct verdict *verdict;
	const struct evidence_set *healthy; /* NULL: none */
	struct map *index;		    /* key of a suspect to its candidate */
	struct map *words;		    /* key, operation and error to a count */
	struct candidate **candidates;
	unsigned int n, size;
	unsigned int nothing_failed;
};

struct count {
	unsigned int n;
};

void verdict_tell(struct arena *arena, struct verdict *verdict, const char *format, ...)
{
	va_list args;

	if (verdict->nreasons == LIMIT_REASONS)
		return;
	va_start(args, format);
	verdict->reasons[verdict->nreasons++] = arena_vprintf(arena, format, args);
	va_end(args);
}

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

/* A unit separator is in no name that a person gave. */
static const char *suspect_key(struct arena *arena, const struct suspect *suspect)
{
	if (suspect->kind == SUSPECT_EDGE)
		return arena_printf(arena, "%s\x1f%s\x1f%s", text_or_empty(suspect->namespace),
				    suspect->service, text_or_empty(suspect->callee));
	return arena_printf(arena, "%s\x1f%s", text_or_empty(suspect->namespace), suspect->service);
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

/* The walk of the commonest operation and error stands for all; of equals the surer, then the
 * earlier. */
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
	if (!candidate->best_walk || count->n > candidate->commonest ||
	    (count->n == candidate->commonest &&
	     walk->certainty > candidate->best_walk->certainty)) {
		candidate->best_walk = walk;
		candidate->commonest = count->n;
	}
}

/* How much of it is not background: 1 where no healthy trace shows the same error, 0 where all do.
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
				suspect->operation);
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

static void ballot_add_runners_up(struct verdict *verdict, const struct ballot *ballot,
				  unsigned int first)
{
	for (unsigned int i = first; i < ballot->n && verdict->nrunners_up < LIMIT_RUNNERS_UP;
	     i++) {
		const struct candidate *candidate = ballot->candidates[i];

		verdict->runners_up[verdict->nrunners_up++] = (struct runner_up){
			.service = candidate->suspect->service,
			.callee = candidate->suspect->callee,
			.agree = candidate->agree,
		};
	}
}

/* ---- words ---- */

/* Where a walk of this suspect ends: "end in ledger". */
static const char *suspect_ending(struct arena *arena, const struct suspect *suspect, bool one)
{
	const char *service = shown_text(arena, suspect->service), *s = one ? "s" : "";
	const char *callee =
		suspect->callee ? shown_text(arena, suspect->callee) : "something without a name";

	switch (suspect->kind) {
	case SUSPECT_PEER:
		/* Owned peers stand under their owner's service. */
		if (strcmp(suspect->service,
			   span_service(suspect->trace, &suspect->trace->spans[suspect->span])) !=
		    0)
			return arena_printf(arena, "end%s in a call of %s, which is %s", s, callee,
					    service);
		return arena_printf(arena, "end%s in %s's call of %s", s, service, callee);
	case SUSPECT_EDGE:
		return arena_printf(arena, "end%s between %s and %s", s, service, callee);
	case SUSPECT_SLOW:
		return arena_printf(arena, "%s held up in %s", one ? "was" : "were", service);
	case SUSPECT_CALLER:
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

/* What the healthy traces say to it, for the first candidate. */
static const char *beside_healthy(const struct ballot *ballot, const struct candidate *candidate)
{
	uint32_t of = ballot->healthy ? ballot->healthy->n : 0;

	if (of == 0 || candidate->best_walk->mode != WALK_ERRORS ||
	    candidate != ballot->candidates[0])
		return "";
	if (candidate->healthy == 0)
		return arena_printf(ballot->arena, "; none of %u healthy ones shows it", of);
	return arena_printf(ballot->arena, "; %u of %u healthy ones %s it as well",
			    candidate->healthy, of, candidate->healthy == 1 ? "shows" : "show");
}

static void tell_candidate(struct ballot *ballot, const struct candidate *candidate)
{
	const struct walk *walk = candidate->best_walk;
	unsigned int of = ballot->verdict->of;
	const char *error = walk->suspect.error;

	verdict_tell(ballot->arena, ballot->verdict, "%u of %u %s trace%s %s%s%s%s",
		     candidate->agree, of, traces_words(walk), of == 1 ? "" : "s",
		     suspect_ending(ballot->arena, &walk->suspect, candidate->agree == 1),
		     error ? ": " : "", error ? shown_text(ballot->arena, error) : "",
		     beside_healthy(ballot, candidate));
}

static void tell_candidates(struct ballot *ballot)
{
	unsigned int told = 0;

	for (unsigned int i = 0; i < ballot->n && ballot->candidates[i]->agree > 0 && told < 4;
	     i++, told++)
		tell_candidate(ballot, ballot->candidates[i]);
	if (ballot->nothing_failed > 0)
		verdict_tell(ballot->arena, ballot->verdict,
			     "in %u more trace%s no failing span explains the signal",
			     ballot->nothing_failed, ballot->nothing_failed == 1 ? "" : "s");
}

/* What the walk that stands for the verdict saw. */
static void tell_walk(struct ballot *ballot, const struct walk *walk)
{
	for (unsigned int i = 0; i < walk->nreasons; i++)
		verdict_tell(ballot->arena, ballot->verdict, "%s", walk->reasons[i]);
}

/* ---- the verdict ---- */

static void ballot_abstain(struct ballot *ballot, enum fallback_code code, const char *text)
{
	struct verdict *verdict = ballot->verdict;

	verdict->found = false;
	verdict->fallback = code;
	verdict->fallback_text = text;
	ballot_add_runners_up(verdict, ballot, 0);
}

static void nothing_found(struct ballot *ballot, const struct walk *walks, unsigned int nwalks)
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
					     nwalks, nwalks == 1 ? "" : "s"));
			return;
		}
	}
	ballot_abstain(ballot,
		       walks[0].fallback != FALLBACK_NONE ? walks[0].fallback : FALLBACK_NO_TRACE,
		       "the traces hold no span");
}

static void decide_count(struct ballot *ballot, double threshold)
{
	struct verdict *verdict = ballot->verdict;
	const struct candidate *first = ballot->candidates[0];
	bool tie = ballot->n > 1 && ballot->candidates[1]->agree == first->agree;

	verdict->walk = first->best_walk;
	verdict->suspect = first->best_walk->suspect;
	verdict->agree = first->agree;
	/* Share that agrees, times the mean certainty, which holds the wholeness of each trace. */
	verdict->confidence = first->certainty / verdict->of;
	tell_candidates(ballot);
	tell_walk(ballot, first->best_walk);
	if (tie) {
		ballot_abstain(
			ballot, FALLBACK_LOW_CONFIDENCE,
			arena_printf(
				ballot->arena,
				"%s and %s have %u of %u traces each, so neither is named",
				shown_text(ballot->arena, first->suspect->service),
				shown_text(ballot->arena, ballot->candidates[1]->suspect->service),
				first->agree, verdict->of));
	} else if (verdict->confidence < threshold) {
		ballot_abstain(
			ballot, FALLBACK_LOW_CONFIDENCE,
			arena_printf(
				ballot->arena,
				"%s is the best candidate, but a confidence of %.2f is below %.2f",
				shown_text(ballot->arena, first->suspect->service),
				verdict->confidence, threshold));
	} else {
		verdict->found = true;
		ballot_add_runners_up(verdict, ballot, 1);
	}
}

/* By counting, where most of the traces have a failing path from the signal's own span down: that
 * is a cause, not a coincidence. A single trace whose errors are asked for has nothing else. */
static bool paths_count(const struct walk *walks, unsigned int nwalks,
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
			 walk->path[0] == walk->from_span &&
			 span_failing(walk->trace, &walk->trace->spans[walk->from_span], true);
	}
	return 2 * paths > nwalks;
}

/* The paths end in what healthy traces show as well, or nowhere in common: perhaps what makes the
 * difference lies beside them. */
static void compare_instead(struct arena *arena, const struct walk *walks, unsigned int nwalks,
			    const struct vote_options *options, struct verdict *verdict)
{
	struct verdict other = { .found = false };

	if (options->healthy && options->healthy->n > 0 &&
	    vote_by_contrast(arena, walks, nwalks, options, &other) && other.found)
		*verdict = other;
}

void vote(struct arena *arena, const struct walk *walks, unsigned int nwalks,
	  const struct vote_options *options, struct verdict *ret_verdict)
{
	struct ballot ballot = { .arena = arena,
				 .verdict = ret_verdict,
				 .healthy = options->healthy };

	memset(ret_verdict, 0, sizeof(*ret_verdict));
	if (!paths_count(walks, nwalks, options) &&
	    vote_by_contrast(arena, walks, nwalks, options, ret_verdict))
		return;
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
		decide_count(&ballot, options->threshold);
	} else {
		nothing_found(&ballot, walks, nwalks);
	}
	map_free(ballot.index);
	map_free(ballot.words);
	if (!ret_verdict->found)
		compare_instead(arena, walks, nwalks, options, ret_verdict);
}
