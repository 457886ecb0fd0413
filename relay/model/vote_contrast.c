/*
 * Vote, contrast: a verdict from what is unusual beside healthy traces (contrast.h), in the words
 * of the traces that show it.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/contrast.h"
#include "tracepager/limits.h"
#include "vote-internal.h"
#include "walk-internal.h"

struct contrast_vote {
	struct arena *arena;
	const struct walk *walks; /* those that the window holds, in its order */
	struct evidence_set *window;
	const struct evidence_set *healthy;
	const struct vote_options *options;
	struct contrast contrast;
	struct verdict *verdict;
};

static const char *shown_or_none(struct arena *arena, const char *name)
{
	return name[0] != '\0' ? shown_text(arena, name) : "a service without a name";
}

static const char *plural_ending(uint32_t n)
{
	return n == 1 ? "" : "s";
}

static bool is_candidate(const struct evidence_service *service,
			 const struct contrast_candidate *candidate)
{
	return service->peer == candidate->peer && strcmp(service->name, candidate->name) == 0 &&
	       strcmp(service->namespace, candidate->namespace) == 0;
}

/* ---- the trace that stands for the verdict ---- */

struct ending {
	const char *operation;
	uint32_t trace, span, n;
};

/* The commonest operation in which errors of the candidate end; of equals the first. n is 0 where
 * there is none. */
static struct ending commonest_ending(const struct contrast_vote *vote,
				      const struct contrast_candidate *candidate)
{
	const struct evidence_set *window = vote->window;
	uint32_t *counts = arena_array(vote->arena, (size_t)window->ntexts + 1, sizeof(*counts));
	struct ending best = { .span = TRACE_NONE };

	for (uint32_t t = 0; t < window->n; t++)
		for (uint32_t i = 0; i < window->at[t].nends; i++) {
			const struct evidence_end *end = &window->at[t].ends[i];

			if (is_candidate(&window->services[end->service], candidate))
				counts[end->operation]++;
		}
	for (uint32_t t = 0; t < window->n; t++)
		for (uint32_t i = 0; i < window->at[t].nends; i++) {
			const struct evidence_end *end = &window->at[t].ends[i];

			if (is_candidate(&window->services[end->service], candidate) &&
			    counts[end->operation] > best.n)
				best = (struct ending){ window->texts[end->operation], t, end->span,
							counts[end->operation] };
		}
	return best;
}

static bool rests_on_errors(const struct contrast_candidate *candidate)
{
	return candidate->errors >= candidate->time && candidate->errors > 0;
}

/* The trace's own walk, where that ended at the same error: it knows more. */
static const struct walk *own_walk(const struct contrast_vote *vote,
				   const struct contrast_candidate *candidate,
				   const struct ending *ending)
{
	const struct walk *walk = &vote->walks[ending->trace];
	const struct suspect *suspect = &walk->suspect;
	const char *name =
		candidate->peer && suspect->npeers > 0 ? suspect->peers[0] : suspect->service;

	return walk->found && walk->mode == WALK_ERRORS && suspect->span == ending->span &&
			       strcmp(name, candidate->name) == 0
		       ? walk
		       : NULL;
}

/* A walk to where the candidate's time shows best. */
static const struct walk *time_walk(struct contrast_vote *vote,
				    const struct contrast_candidate *candidate)
{
	const struct walk *seen = &vote->walks[candidate->trace];
	uint32_t span = candidate->span, answer = span_answer(seen->trace, span);
	struct walk *walk = arena_alloc(vote->arena, sizeof(*walk));

	/* Seen at its caller's call: the span that answered it is the candidate's own. */
	if (!vote->contrast.edge && answer != TRACE_NONE && candidate->callee &&
	    strcmp(candidate->callee, candidate->name) == 0)
		span = answer;
	walk_to_span(vote->arena, seen, span, SUSPECT_SLOW, walk);
	walk->mode = WALK_LATENCY;
	walk->ncritical =
		critical_path_keep(vote->arena, walk->trace, walk->from_span, &walk->critical);
	return walk;
}

static const struct walk *error_walk(struct contrast_vote *vote, const struct ending *ending)
{
	struct walk *walk = arena_alloc(vote->arena, sizeof(*walk));

	walk_to_span(vote->arena, &vote->walks[ending->trace], ending->span, SUSPECT_SPAN, walk);
	walk->mode = WALK_ERRORS;
	return walk;
}

/* It has no spans: its caller's call stands for it. */
static void suspect_set_peer(struct contrast_vote *vote, const char *name, struct suspect *suspect)
{
	suspect->kind = SUSPECT_PEER;
	peer_names(vote->arena, suspect->trace, &suspect->trace->spans[suspect->span], suspect);
	suspect->callee = arena_strdup(vote->arena, name);
}

static void fill_suspect(struct contrast_vote *vote, const struct contrast_candidate *candidate,
			 const struct ending *ending)
{
	struct verdict *verdict = vote->verdict;
	const struct contrast_candidate *second = &vote->contrast.candidates[1];
	const struct walk *walk = NULL;

	if (ending->n > 0 && rests_on_errors(candidate)) {
		walk = own_walk(vote, candidate, ending);
		if (walk) {
			verdict->walk = walk;
			verdict->suspect = walk->suspect;
			return;
		}
		walk = error_walk(vote, ending);
	} else if (candidate->span != TRACE_NONE) {
		walk = time_walk(vote, candidate);
	} else {
		return;
	}
	verdict->walk = walk;
	verdict->suspect = walk->suspect;
	if (candidate->peer) {
		suspect_set_peer(vote, candidate->name, &verdict->suspect);
	} else if (!vote->contrast.edge) {
		verdict->suspect.service = arena_strdup(vote->arena, candidate->name);
		verdict->suspect.namespace = arena_strdup(vote->arena, candidate->namespace);
	} else if (second->peer) {
		suspect_set_peer(vote, second->name, &verdict->suspect);
	} else {
		verdict->suspect.kind = SUSPECT_EDGE;
		verdict->suspect.callee = arena_strdup(vote->arena, second->name);
	}
}

/* ---- words ---- */

static void tell_error_ends(struct contrast_vote *vote, const struct contrast_candidate *candidate,
			    const struct ending *ending)
{
	const struct walk *walk = vote->verdict->walk;
	const char *error = walk ? walk->suspect.error : NULL;
	uint32_t here = evidence_count_ends(vote->window, candidate->namespace, candidate->name,
					    candidate->peer, ending->operation);
	uint32_t there = evidence_count_ends(vote->healthy, candidate->namespace, candidate->name,
					     candidate->peer, ending->operation);
	const char *shown =
		arena_printf(vote->arena, "%u of %u traces %s in %s %s%s%s", here, vote->window->n,
			     here == 1 ? "has an error that ends" : "have an error that ends",
			     shown_or_none(vote->arena, candidate->name),
			     shown_text(vote->arena, ending->operation), error ? ": " : "",
			     error ? shown_text(vote->arena, error) : "");

	if (there == 0)
		verdict_tell(vote->arena, vote->verdict, "%s; none of %u healthy ones shows it",
			     shown, vote->healthy->n);
	else
		verdict_tell(vote->arena, vote->verdict, "%s; %u of %u healthy ones %s it as well",
			     shown, there, vote->healthy->n, there == 1 ? "shows" : "show");
}

static void tell_excess_time(struct contrast_vote *vote, const struct contrast_candidate *candidate)
{
	struct arena *arena = vote->arena;
	const char *caller = shown_or_none(arena, candidate->caller), *what;
	const char *now = shown_duration(arena, candidate->now_us);
	const char *normal = candidate->normal_us > 0
				     ? arena_printf(arena, "%s in healthy ones",
						    shown_duration(arena, candidate->normal_us))
				     : "next to nothing in healthy ones";

	if (candidate->callee)
		what = arena_printf(arena, "calls from %s to %s wait %s beyond the work of %s",
				    caller, shown_or_none(arena, candidate->callee), now,
				    shown_or_none(arena, candidate->callee));
	else
		what = arena_printf(arena, "%s spends %s by itself", caller, now);
	verdict_tell(arena, vote->verdict, "in %u of %u traces %s; %s", candidate->unusual,
		     vote->window->n, what, normal);
	if (vote->contrast.unusual > 0)
		verdict_tell(arena, vote->verdict,
			     "its own time, the calls of it and those that it makes are %.0f %% of "
			     "all that is slower in %u trace%s than in %u healthy one%s",
			     100 * candidate->touched / vote->contrast.unusual, vote->window->n,
			     plural_ending(vote->window->n), vote->healthy->n,
			     plural_ending(vote->healthy->n));
}

static void tell_reasons(struct contrast_vote *vote, const struct contrast_candidate *candidate,
			 const struct ending *ending)
{
	bool errors_first = rests_on_errors(candidate);

	if (ending->n > 0 && errors_first)
		tell_error_ends(vote, candidate, ending);
	if (candidate->caller && candidate->time > 0)
		tell_excess_time(vote, candidate);
	if (ending->n > 0 && !errors_first && candidate->errors > 0)
		tell_error_ends(vote, candidate, ending);
	if (vote->contrast.edge)
		verdict_tell(vote->arena, vote->verdict,
			     "nothing but the call from %s to %s is unusual, so either end may be "
			     "to blame",
			     shown_or_none(vote->arena, vote->contrast.candidates[0].name),
			     shown_or_none(vote->arena, vote->contrast.candidates[1].name));
}

/* ---- the verdict ---- */

static void contrast_add_runners_up(struct contrast_vote *vote, uint32_t first)
{
	struct verdict *verdict = vote->verdict;

	for (uint32_t i = first;
	     i < vote->contrast.ncandidates && verdict->nrunners_up < LIMIT_RUNNERS_UP; i++) {
		const struct contrast_candidate *candidate = &vote->contrast.candidates[i];

		if (i > 0 && candidate->time + candidate->errors <= 0)
			break;
		verdict->runners_up[verdict->nrunners_up++] = (struct runner_up){
			.service = arena_strdup(vote->arena, candidate->name),
			.agree = candidate->agree,
		};
	}
}

static void nothing_unusual(struct contrast_vote *vote)
{
	struct verdict *verdict = vote->verdict;
	uint32_t n = vote->window->n, healthy = vote->healthy->n;

	verdict->fallback = FALLBACK_NO_FAILING_SPAN;
	verdict->fallback_text =
		arena_printf(vote->arena,
			     "in %u trace%s nothing fails and nothing takes longer than in %u "
			     "healthy one%s",
			     n, plural_ending(n), healthy, plural_ending(healthy));
	for (uint32_t t = 0; t < n && vote->options->mode != WALK_LATENCY; t++)
		if (vote->window->at[t].nends > 0) {
			verdict->fallback = FALLBACK_LOW_CONFIDENCE;
			verdict->fallback_text = arena_printf(
				vote->arena,
				"what fails in %u trace%s fails in %u healthy one%s as well", n,
				plural_ending(n), healthy, plural_ending(healthy));
		}
}

/* Where a single trace is asked for its time, the largest excess is named, whatever "nothing
 * unusual" would say: as sure as a slow leaf where it is all in one place, as an edge where it is
 * spread. */
static double single_confidence(const struct contrast_vote *vote)
{
	const struct contrast_candidate *first = &vote->contrast.candidates[0];
	double share = vote->contrast.unusual > 0 ? first->touched / vote->contrast.unusual : 0;

	if (vote->contrast.edge)
		return CERTAINTY_EDGE;
	return CERTAINTY_EDGE + (CERTAINTY_SLOW - CERTAINTY_EDGE) * (share > 1 ? 1 : share);
}

static void judge_candidates(struct contrast_vote *vote)
{
	struct verdict *verdict = vote->verdict;
	const struct contrast_candidate *first = &vote->contrast.candidates[0];
	struct ending ending = commonest_ending(vote, first);

	verdict->of = vote->window->n;
	verdict->agree = first->agree;
	verdict->confidence = vote->contrast.confidence;
	if (vote->window->n == 1 && vote->options->mode == WALK_LATENCY)
		verdict->confidence = single_confidence(vote);
	fill_suspect(vote, first, &ending);
	tell_reasons(vote, first, &ending);
	if (verdict->walk && verdict->confidence >= vote->options->threshold) {
		verdict->found = true;
		contrast_add_runners_up(vote, vote->contrast.edge ? 2 : 1);
		return;
	}
	verdict->fallback = FALLBACK_LOW_CONFIDENCE;
	verdict->fallback_text = arena_printf(
		vote->arena, "%s is the best candidate, but a confidence of %.2f is below %.2f",
		shown_or_none(vote->arena, first->name), verdict->confidence,
		vote->options->threshold);
	contrast_add_runners_up(vote, 0);
}

bool vote_by_contrast(struct arena *arena, const struct walk *walks, unsigned int nwalks,
		      const struct vote_options *options, struct verdict *verdict)
{
	struct contrast_vote vote = { .arena = arena,
				      .window = evidence_new(LIMIT_WINDOW_BYTES),
				      .healthy = options->healthy,
				      .options = options,
				      .verdict = verdict };
	struct walk *kept = arena_array(arena, nwalks, sizeof(*kept));
	bool any;

	for (unsigned int i = 0; i < nwalks; i++)
		if (evidence_add(vote.window, &walks[i]))
			kept[vote.window->n - 1] = walks[i];
	vote.walks = kept;
	any = vote.window->n > 0;
	if (any) {
		contrast(arena, vote.window, vote.healthy, options->mode, &vote.contrast);
		if (vote.contrast.ncandidates > 0)
			judge_candidates(&vote);
		else
			nothing_unusual(&vote);
	}
	evidence_free(vote.window);
	return any;
}
