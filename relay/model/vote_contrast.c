/*
 * Vote, contrast: makes a verdict of what contrast() ranks (tracepager-walk(7), section 8). It
 * takes evidence from every walk, picks the trace that shows the best candidate most clearly, and
 * says in sentences what fails or takes longer there than in healthy traces.
 */
#include <string.h>

#include "tracepager/contrast.h"
#include "tracepager/limits.h"
#include "vote-internal.h"
#include "walk-internal.h"

/* A suspect for which fewer than this part of the traces speaks, a quarter, explains too little. */
#define FEW_AGREE_PART 4u

struct contrast_vote {
	struct arena *arena;
	const struct walk *walks; /* one per trace of the window, in its order */
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

static bool is_candidate(const struct evidence_service *service,
			 const struct contrast_candidate *candidate)
{
	return service->peer == candidate->peer && strcmp(service->name, candidate->name) == 0 &&
	       strcmp(service->namespace, candidate->namespace) == 0;
}

/* ---- the trace that shows it ---- */

/* An operation in which errors of the candidate end, and the first span that shows it. */
struct ending {
	const char *operation;
	uint32_t trace, span; /* the trace by its place in the window */
	uint32_t n;	      /* errors that end there; 0: the candidate has none */
};

/* The candidate's commonest ending; of equals the first. */
static struct ending commonest_ending(const struct contrast_vote *cv,
				      const struct contrast_candidate *candidate)
{
	const struct evidence_set *window = cv->window;
	uint32_t *counts = arena_array(cv->arena, (size_t)window->ntexts + 1, sizeof(*counts));
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
	return candidate->errors > 0 &&
	       (candidate->errors >= candidate->time || candidate->after_failure);
}

/* The trace's own walk, where it ended at the same error; else NULL. It knows more than
 * error_walk(): its path went along failing spans, and it has reasons. */
static const struct walk *own_walk(const struct contrast_vote *cv,
				   const struct contrast_candidate *candidate,
				   const struct ending *ending)
{
	const struct walk *walk = &cv->walks[ending->trace];
	const struct suspect *suspect = &walk->suspect;
	const char *name =
		candidate->peer && suspect->npeers > 0 ? suspect->peers[0] : suspect->service;

	return walk->found && walk->mode == WALK_ERRORS && suspect->span == ending->span &&
			       strcmp(name, candidate->name) == 0
		       ? walk
		       : NULL;
}

/* A walk to the span where the candidate's excess time is largest. */
static const struct walk *time_walk(struct contrast_vote *cv,
				    const struct contrast_candidate *candidate)
{
	const struct walk *seen = &cv->walks[candidate->trace];
	uint32_t span = candidate->span, answer = span_answer(seen->trace, span);
	struct walk *walk = arena_alloc(cv->arena, sizeof(*walk));

	/* The span is the caller's call of the candidate: go on to the candidate's own span. */
	if (!cv->contrast.edge && answer != TRACE_NONE && candidate->callee &&
	    !candidate->after_failure && strcmp(candidate->callee, candidate->name) == 0)
		span = answer;
	walk_to_span(cv->arena, seen, span, SUSPECT_SLOW, walk);
	walk->mode = WALK_LATENCY;
	walk->ncritical =
		critical_path_keep(cv->arena, walk->trace, walk->from_span, &walk->critical);
	return walk;
}

static const struct walk *error_walk(struct contrast_vote *cv, const struct ending *ending)
{
	struct walk *walk = arena_alloc(cv->arena, sizeof(*walk));

	walk_to_span(cv->arena, &cv->walks[ending->trace], ending->span, SUSPECT_SPAN, walk);
	walk->mode = WALK_ERRORS;
	return walk;
}

/* The suspect is a callee without spans, seen by the caller's call at suspect->span. */
static void suspect_set_peer(struct contrast_vote *cv, const char *name, struct suspect *suspect)
{
	suspect->kind = SUSPECT_PEER;
	peer_names(cv->arena, suspect->trace, &suspect->trace->spans[suspect->span], suspect);
	suspect->callee = arena_strdup(cv->arena, name);
}

/* Sets walk and suspect of the verdict; neither where the candidate has no error and no time. */
static void fill_suspect(struct contrast_vote *cv, const struct contrast_candidate *candidate,
			 const struct ending *ending)
{
	struct verdict *verdict = cv->verdict;
	const struct contrast_candidate *second = &cv->contrast.candidates[1];
	const struct walk *walk = NULL;

	if (ending->n > 0 && rests_on_errors(candidate)) {
		walk = own_walk(cv, candidate, ending);
		if (walk) {
			verdict->walk = walk;
			verdict->suspect = walk->suspect;
			return;
		}
		walk = error_walk(cv, ending);
	} else if (candidate->span != TRACE_NONE) {
		walk = time_walk(cv, candidate);
		verdict->took_us = candidate->now_us;
		verdict->usual_us = candidate->normal_us;
	} else {
		return;
	}
	verdict->walk = walk;
	verdict->suspect = walk->suspect;
	if (candidate->peer) {
		suspect_set_peer(cv, candidate->name, &verdict->suspect);
	} else if (!cv->contrast.edge) {
		verdict->suspect.service = arena_strdup(cv->arena, candidate->name);
		verdict->suspect.namespace = arena_strdup(cv->arena, candidate->namespace);
	} else if (second->peer) {
		suspect_set_peer(cv, second->name, &verdict->suspect);
	} else {
		verdict->suspect.kind = SUSPECT_EDGE;
		verdict->suspect.callee = arena_strdup(cv->arena, second->name);
	}
}

/* ---- words ---- */

static void tell_error_ends(struct contrast_vote *cv, const struct contrast_candidate *candidate,
			    const struct ending *ending)
{
	const struct walk *walk = cv->verdict->walk;
	const char *error = walk ? walk->suspect.error : NULL;
	uint32_t here = evidence_count_ends(cv->window, candidate->namespace, candidate->name,
					    candidate->peer, ending->operation);
	uint32_t there = evidence_count_ends(cv->healthy, candidate->namespace, candidate->name,
					     candidate->peer, ending->operation);

	verdict_tell(cv->arena, cv->verdict, "%u of %u traces %s in %s %s%s%s%s", here,
		     cv->window->n,
		     here == 1 ? "has an error that ends" : "have an error that ends",
		     shown_or_none(cv->arena, candidate->name),
		     shown_text(cv->arena, ending->operation), error ? ": " : "",
		     error ? shown_text(cv->arena, error_shown(cv->arena, error)) : "",
		     verdict_healthy_words(cv->arena, there, cv->healthy->n));
}

static void tell_excess_time(struct contrast_vote *cv, const struct contrast_candidate *candidate)
{
	struct arena *arena = cv->arena;
	const char *caller = shown_or_none(arena, candidate->caller), *what;
	const char *now = shown_duration(arena, candidate->now_us);
	const char *normal = candidate->normal_us > 0
				     ? arena_printf(arena, "%s in healthy traces",
						    shown_duration(arena, candidate->normal_us))
				     : "next to nothing in healthy traces";

	if (candidate->after_failure)
		what = arena_printf(arena,
				    "%s spends %s by itself where a call that ends in %s failed",
				    caller, now, shown_or_none(arena, candidate->callee));
	else if (candidate->callee)
		what = arena_printf(arena, "calls from %s to %s wait %s beyond the work of %s",
				    caller, shown_or_none(arena, candidate->callee), now,
				    shown_or_none(arena, candidate->callee));
	else
		what = arena_printf(arena, "%s spends %s in its own work", caller, now);
	verdict_tell(arena, cv->verdict, "in %u of %u traces %s; %s", candidate->unusual,
		     cv->window->n, what, normal);
	if (cv->contrast.unusual > 0)
		verdict_tell(arena, cv->verdict,
			     "%s's own time and the calls to and from it explain %.0f %% of the "
			     "extra time (%u %strace%s beside %u healthy one%s)",
			     shown_or_none(arena, candidate->name),
			     100 * candidate->touched / cv->contrast.unusual, cv->window->n,
			     cv->options->mode == WALK_LATENCY ? "slow " : "",
			     plural_ending(cv->window->n), cv->healthy->n,
			     plural_ending(cv->healthy->n));
}

static void tell_reasons(struct contrast_vote *cv, const struct contrast_candidate *candidate,
			 const struct ending *ending)
{
	bool errors_first = rests_on_errors(candidate);

	if (ending->n > 0 && errors_first)
		tell_error_ends(cv, candidate, ending);
	if (candidate->caller && candidate->time > 0)
		tell_excess_time(cv, candidate);
	if (ending->n > 0 && !errors_first && candidate->errors > 0)
		tell_error_ends(cv, candidate, ending);
	if (cv->contrast.edge)
		verdict_tell(cv->arena, cv->verdict,
			     "nothing but the call from %s to %s is unusual, so either end may be "
			     "to blame",
			     shown_or_none(cv->arena, cv->contrast.candidates[0].name),
			     shown_or_none(cv->arena, cv->contrast.candidates[1].name));
}

/* ---- the verdict ---- */

/* The candidates from `first` on, as far as anything speaks for them. */
static void contrast_add_runners_up(struct contrast_vote *cv, uint32_t first)
{
	for (uint32_t i = first; i < cv->contrast.ncandidates; i++) {
		const struct contrast_candidate *candidate = &cv->contrast.candidates[i];

		if (i > 0 && candidate->time + candidate->errors <= 0)
			break;
		if (!verdict_add_runner_up(cv->verdict, arena_strdup(cv->arena, candidate->name),
					   NULL, candidate->agree))
			break;
	}
}

static bool window_has_errors(const struct contrast_vote *cv)
{
	for (uint32_t t = 0; t < cv->window->n; t++)
		if (cv->window->at[t].nends > 0)
			return true;
	return false;
}

static void abstain_nothing_unusual(struct contrast_vote *cv)
{
	uint32_t n = cv->window->n, healthy = cv->healthy->n;

	if (cv->options->mode != WALK_LATENCY && window_has_errors(cv))
		verdict_abstain(
			cv->verdict, FALLBACK_LOW_CONFIDENCE,
			arena_printf(cv->arena,
				     "what fails in %u trace%s fails in %u healthy one%s as well",
				     n, plural_ending(n), healthy, plural_ending(healthy)));
	else
		verdict_abstain(
			cv->verdict, FALLBACK_NO_FAILING_SPAN,
			arena_printf(cv->arena,
				     "in %u trace%s nothing fails and nothing takes longer than in "
				     "%u healthy one%s",
				     n, plural_ending(n), healthy, plural_ending(healthy)));
}

/* One trace gives the contrast nothing to count. Where only its time is asked for, the largest
 * excess is named all the same: CERTAINTY_SLOW when one service has all of the excess, down to
 * CERTAINTY_EDGE the more it is spread. */
static double single_confidence(const struct contrast_vote *cv)
{
	const struct contrast_candidate *first = &cv->contrast.candidates[0];
	double share = cv->contrast.unusual > 0 ? first->touched / cv->contrast.unusual : 0;

	if (cv->contrast.edge)
		return CERTAINTY_EDGE;
	return CERTAINTY_EDGE + (CERTAINTY_SLOW - CERTAINTY_EDGE) * (share > 1 ? 1 : share);
}

/* Are the traces of several operations below the signal? A broad signal's traces are split by
 * operation where the healthy ones tell theirs; here they were not. */
static bool are_operations_mixed(const struct contrast_vote *cv)
{
	const struct evidence *first = &cv->window->at[0];

	for (uint32_t t = 1; t < cv->window->n; t++) {
		const struct evidence *other = &cv->window->at[t];

		if ((first->inner || other->inner) &&
		    (first->stratum_operation != other->stratum_operation ||
		     first->stratum_service != other->stratum_service))
			return true;
	}
	return false;
}

static void limit_confidence(struct contrast_vote *cv, const struct contrast_candidate *first)
{
	struct verdict *verdict = cv->verdict;

	if (cv->contrast.edge)
		verdict_limits_add(&verdict->limits, VERDICT_LIMIT_GAP_ONLY, NULL);
	if (first->agree * FEW_AGREE_PART < cv->window->n)
		verdict_limits_add(&verdict->limits, VERDICT_LIMIT_FEW_AGREE, NULL);
	if (are_operations_mixed(cv))
		verdict_limits_add(&verdict->limits, VERDICT_LIMIT_MIXED_OPERATIONS, NULL);
	if (cv->healthy->n < LIMIT_FEW_HEALTHY)
		verdict_limits_add(&verdict->limits, VERDICT_LIMIT_FEW_HEALTHY, NULL);
	verdict->confidence = verdict_limits_cap(&verdict->limits, verdict->confidence);
}

static void judge_candidates(struct contrast_vote *cv)
{
	struct verdict *verdict = cv->verdict;
	const struct contrast_candidate *first = &cv->contrast.candidates[0];
	struct ending ending = commonest_ending(cv, first);

	verdict->of = cv->window->n;
	verdict->agree = first->agree;
	verdict->confidence = cv->contrast.confidence;
	if (cv->window->n == 1 && cv->options->mode == WALK_LATENCY)
		verdict->confidence = single_confidence(cv);
	limit_confidence(cv, first);
	fill_suspect(cv, first, &ending);
	tell_reasons(cv, first, &ending);
	if (verdict->walk && verdict->confidence >= cv->options->threshold) {
		verdict->found = true;
		contrast_add_runners_up(cv, cv->contrast.edge ? 2 : 1);
		return;
	}
	verdict_abstain_unsure(cv->arena, verdict, shown_or_none(cv->arena, first->name),
			       cv->options->threshold);
	contrast_add_runners_up(cv, 0);
}

bool vote_by_contrast(struct arena *arena, const struct walk *walks, unsigned int nwalks,
		      const struct vote_options *options, struct verdict *verdict)
{
	struct contrast_vote cv = { .arena = arena,
				    .window = evidence_new(LIMIT_WINDOW_BYTES),
				    .healthy = options->healthy,
				    .options = options,
				    .verdict = verdict };
	struct walk *kept = arena_array(arena, nwalks, sizeof(*kept));
	bool any;

	cv.window->brief = true;
	for (unsigned int i = 0; i < nwalks; i++)
		if (evidence_add(cv.window, &walks[i]))
			kept[cv.window->n - 1] = walks[i];
	cv.walks = kept;
	any = cv.window->n > 0;
	if (any) {
		contrast(arena, cv.window, cv.healthy, options->mode, &cv.contrast);
		if (cv.contrast.ncandidates > 0)
			judge_candidates(&cv);
		else
			abstain_nothing_unusual(&cv);
	}
	evidence_free(cv.window);
	return any;
}
