/*
 * Vote, structure: the last resort (tracepager-walk(7), section 12). A fault may make nothing fail
 * and nothing slow: a service stops calling another, and the request ends early. So where the vote
 * names nobody, the shapes (evidence_shapes.c) of ordinary traces of the window are compared with
 * those of healthy traces before. Not those of the alert's own traces: they were picked because
 * they failed or took long, and such traces differ from healthy ones in any window.
 *
 * A shape that no healthy trace has speaks for the service itself; where it is a usual shape that
 * was cut after callee B, half for B: it may have been B's answer that ended the request. Of an
 * operation whose healthy shapes differ from trace to trace, new ones are no surprise: how many to
 * expect is told by how many of the healthy shapes were seen only once (Good and Turing).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "vote-internal.h"
#include "walk-internal.h"

/* Ordinary traces in which a service has to be unusual: at least so many, and this share. */
#define STRUCTURE_LEAST_TRACES 3
#define STRUCTURE_LEAST_SHARE  0.2
/* Healthy invocations of an operation, for its shapes to be known. */
#define STRUCTURE_LEAST_HEALTHY 20u
/* The probability below which so many new shapes of one operation are no chance. */
#define STRUCTURE_P 0.001

/* One operation of one service. */
struct structure_group {
	uint32_t healthy, single; /* healthy traces with it, and healthy shapes seen in one only */
	uint32_t of, unseen;	  /* ordinary traces with it, and with a new shape of it */
	uint32_t seen_in, new_in; /* the trace counted last for each, plus one */
};

/* What speaks for a service. */
struct structure_candidate {
	const char *name;
	double mass;   /* traces; half a trace where it shares it with another */
	uint32_t at;   /* a trace of the window with a new shape of its own, plus one; 0: none */
	uint32_t span; /* the invocation in it */
	bool cut;      /* that one ended early */
	const char *after; /* and after which callee; "": after none */
	uint32_t last;	   /* the trace counted last, plus one */
	double last_mass;  /* and its part of mass */
};

struct structure {
	struct arena *arena;   /* of the verdict */
	struct arena *scratch; /* keys and groups */
	const struct walk *walks;
	const struct evidence_set *healthy;
	struct map *groups;   /* by service and operation */
	struct map *shapes;   /* healthy shapes, by group and callees */
	struct map *prefixes; /* the same for what they begin with */
	struct map *services; /* candidates by name */
	struct structure_candidate *candidates[LIMIT_CONTRAST_SERVICES];
	unsigned int ncandidates;
};

/* A shape of a set beside the healthy ones. */
struct shape_view {
	struct structure_group *group;
	bool usual;
	const char *after; /* not usual: the callee after which a usual one was cut; "": it was cut
			    * before the first; NULL: it was not cut */
};

static const char *group_key(const struct structure *structure, const struct evidence_set *set,
			     const struct evidence_shape *shape)
{
	const struct evidence_service *service = &set->services[shape->service];

	return arena_printf(structure->scratch, "%s\x1f%s\x1e%s", service->namespace, service->name,
			    set->texts[shape->operation]);
}

static struct structure_group *group_get(struct structure *structure, const char *key)
{
	struct structure_group *group = map_get(structure->groups, key);

	if (!group) {
		group = arena_alloc(structure->scratch, sizeof(*group));
		map_put(structure->groups, key, group);
	}
	return group;
}

/* Notes a healthy shape and how it begins. */
static void learn_shape(struct structure *structure, const struct evidence_shape *shape,
			uint32_t traces)
{
	const struct evidence_set *set = structure->healthy;
	const char *key = group_key(structure, set, shape), *callees = set->texts[shape->callees];
	struct structure_group *group = group_get(structure, key);

	group->single += traces == 1;
	map_put(structure->shapes, arena_printf(structure->scratch, "%s\x1d%s", key, callees),
		group);
	for (const char *at = callees;
	     *at && arena_room(structure->scratch) > LIMIT_STRUCTURE_BYTES / 2; at++)
		if (*at == '\x1f')
			map_put(structure->prefixes,
				arena_printf(structure->scratch, "%s\x1d%.*s", key,
					     (int)(at + 1 - callees), callees),
				group);
}

static void learn_healthy(struct structure *structure)
{
	const struct evidence_set *set = structure->healthy;
	CLEANUP_FREE uint32_t *traces = xcalloc((size_t)set->nshapes + 1, sizeof(*traces));
	CLEANUP_FREE uint32_t *last = xcalloc((size_t)set->nshapes + 1, sizeof(*last));
	CLEANUP_FREE struct structure_group **groups =
		xcalloc((size_t)set->nshapes + 1, sizeof(*groups));

	for (uint32_t i = 0; i < set->nshapes; i++)
		groups[i] = group_get(structure, group_key(structure, set, &set->shapes[i]));
	for (uint32_t t = 0; t < set->n; t++)
		for (uint32_t i = 0; i < set->at[t].nshapes; i++) {
			uint32_t shape = set->at[t].shapes[i].shape;

			traces[shape] += last[shape] != t + 1;
			last[shape] = t + 1;
			groups[shape]->healthy += groups[shape]->seen_in != t + 1;
			groups[shape]->seen_in = t + 1;
		}
	for (uint32_t i = 0; i < set->nshapes; i++) {
		learn_shape(structure, &set->shapes[i], traces[i]);
		groups[i]->seen_in = 0;
	}
}

/* The last of the callees, where healthy shapes begin so. */
static const char *cut_after(const struct structure *structure, const char *key,
			     const char *callees)
{
	size_t len = strlen(callees), from = len > 0 ? len - 1 : 0;

	if (len == 0)
		return "";
	if (!map_get(structure->prefixes,
		     arena_printf(structure->scratch, "%s\x1d%s", key, callees)))
		return NULL;
	while (from > 0 && callees[from - 1] != '\x1f')
		from--;
	return arena_strndup(structure->scratch, callees + from, len - 1 - from);
}

/* One view for each shape of the set; the caller frees them. */
static struct shape_view *look_at_shapes(struct structure *structure,
					 const struct evidence_set *set)
{
	struct shape_view *views = xcalloc((size_t)set->nshapes + 1, sizeof(*views));

	for (uint32_t i = 0; i < set->nshapes; i++) {
		const char *key = group_key(structure, set, &set->shapes[i]);
		const char *callees = set->texts[set->shapes[i].callees];

		views[i].group = group_get(structure, key);
		views[i].usual =
			map_get(structure->shapes,
				arena_printf(structure->scratch, "%s\x1d%s", key, callees)) != NULL;
		if (!views[i].usual)
			views[i].after = cut_after(structure, key, callees);
	}
	return views;
}

/* Of the ordinary traces: those with each operation, and with new shapes of it. */
static void count_ordinary(const struct evidence_set *set, const struct shape_view *views)
{
	for (uint32_t t = 0; t < set->n; t++)
		for (uint32_t i = 0; i < set->at[t].nshapes; i++) {
			const struct shape_view *view = &views[set->at[t].shapes[i].shape];
			struct structure_group *group = view->group;

			group->of += group->seen_in != t + 1;
			group->seen_in = t + 1;
			if (view->usual)
				continue;
			group->unseen += group->new_in != t + 1;
			group->new_in = t + 1;
		}
}

/* The probability of at least so many new shapes in n traces, each of which has one with this
 * probability, below one half: the terms of the binomial distribution, each from the one before. */
static double binomial_tail(uint32_t n, uint32_t least, double each)
{
	double term = pow(1 - each, n), p = 0;

	for (uint32_t k = 0; k <= n; k++) {
		if (k > 0)
			term *= (n - k + 1.0) / k * each / (1 - each);
		if (k >= least)
			p += term;
	}
	return p;
}

static bool is_surprising(const struct structure_group *group)
{
	double each = (group->single + 1.0) / (group->healthy + 2.0);

	return group->healthy >= STRUCTURE_LEAST_HEALTHY && group->unseen > 0 && each < 0.5 &&
	       binomial_tail(group->of, group->unseen, each) < STRUCTURE_P;
}

static struct structure_candidate *candidate_find(const struct structure *structure,
						  const char *namespace, const char *name)
{
	CLEANUP_FREE char *key = xasprintf("%s\x1f%s", namespace, name);

	return map_get(structure->services, key);
}

/* NULL: there is no room for one more. */
static struct structure_candidate *candidate_get(struct structure *structure, const char *namespace,
						 const char *name)
{
	struct structure_candidate *candidate = candidate_find(structure, namespace, name);
	const char *key;

	if (candidate || structure->ncandidates == ARRAY_LEN(structure->candidates))
		return candidate;
	candidate = arena_alloc(structure->scratch, sizeof(*candidate));
	candidate->name = arena_strdup(structure->arena, name);
	key = arena_printf(structure->scratch, "%s\x1f%s", namespace, name);
	map_put(structure->services, key, candidate);
	structure->candidates[structure->ncandidates++] = candidate;
	return candidate;
}

/* A trace counts once for a candidate, with its largest part. */
static void candidate_add(struct structure_candidate *candidate, uint32_t trace, double mass)
{
	if (candidate->last != trace + 1)
		candidate->last_mass = 0;
	candidate->last = trace + 1;
	if (mass > candidate->last_mass) {
		candidate->mass += mass - candidate->last_mass;
		candidate->last_mass = mass;
	}
}

/* What a new shape of one trace says. */
static void weigh_shape(struct structure *structure, const struct evidence_service *service,
			const struct shape_view *view, uint32_t trace)
{
	bool shared = view->after && *view->after;
	struct structure_candidate *callee = NULL,
				   *self = candidate_get(structure, service->namespace,
							 service->name);

	if (!self)
		return;
	if (self->mass == 0) {
		self->cut = view->after != NULL;
		self->after = view->after;
	}
	candidate_add(self, trace, shared ? 0.5 : 1);
	/* Callees are known by name only: their namespace is taken to be the caller's. */
	if (shared)
		callee = candidate_get(structure, service->namespace, view->after);
	if (callee)
		candidate_add(callee, trace, 0.5);
}

static void weigh_ordinary(struct structure *structure, const struct evidence_set *set,
			   const struct shape_view *views)
{
	for (uint32_t t = 0; t < set->n; t++)
		for (uint32_t i = 0; i < set->at[t].nshapes; i++) {
			uint32_t shape = set->at[t].shapes[i].shape;

			if (!views[shape].usual && is_surprising(views[shape].group))
				weigh_shape(structure, &set->services[set->shapes[shape].service],
					    &views[shape], t);
		}
}

/* For each candidate a walk whose trace shows an unusual invocation of it. */
static void find_walks(struct structure *structure, const struct evidence_set *window,
		       const struct shape_view *views)
{
	for (uint32_t t = 0; t < window->n; t++)
		for (uint32_t i = 0; i < window->at[t].nshapes; i++) {
			const struct evidence_form *form = &window->at[t].shapes[i];
			const struct evidence_service *service =
				&window->services[window->shapes[form->shape].service];
			struct structure_candidate *candidate;

			if (views[form->shape].usual)
				continue;
			candidate = candidate_find(structure, service->namespace, service->name);
			if (candidate && candidate->at == 0) {
				candidate->at = t + 1;
				candidate->span = form->span;
			}
		}
}

/* ---- the verdict ---- */

static const char *structure_words(struct structure *structure,
				   const struct structure_candidate *candidate)
{
	if (!candidate->cut)
		return "calls others in an order that no healthy trace shows";
	if (!*candidate->after)
		return "calls nobody, though it does in healthy traces";
	return arena_printf(structure->arena,
			    "calls nobody after %s, though it does in healthy traces",
			    shown_text(structure->arena, candidate->after));
}

static void name_candidate(struct structure *structure, const struct structure_candidate *first,
			   double confidence, uint32_t of, struct verdict *verdict)
{
	const struct walk *seen = &structure->walks[first->at - 1];
	struct walk *walk = arena_alloc(structure->arena, sizeof(*walk));
	struct verdict named = { .found = true, .confidence = confidence };

	walk_to_span(structure->arena, seen, first->span, SUSPECT_SPAN, walk);
	walk->mode = WALK_ERRORS;
	named.walk = walk;
	named.suspect = walk->suspect;
	if (!named.suspect.error)
		named.suspect.error = structure_words(structure, first);
	named.agree = (unsigned int)first->mass;
	named.of = of;
	verdict_limits_add(&named.limits, VERDICT_LIMIT_STRUCTURE, NULL);
	verdict_tell(structure->arena, &named, "in %u of %u ordinary traces of the window %s %s",
		     named.agree, of, shown_text(structure->arena, first->name),
		     structure_words(structure, first));
	for (unsigned int i = 0; i < structure->ncandidates; i++)
		if (structure->candidates[i] != first)
			verdict_add_runner_up(&named, structure->candidates[i]->name, NULL,
					      (unsigned int)structure->candidates[i]->mass);
	*verdict = named;
}

static void judge_structure(struct structure *structure, uint32_t of,
			    const struct vote_options *options, struct verdict *verdict)
{
	const struct structure_candidate *first = NULL;
	struct verdict_limits limits = { .n = 0 };
	double all = 0, confidence;

	for (unsigned int i = 0; i < structure->ncandidates; i++) {
		const struct structure_candidate *candidate = structure->candidates[i];

		all += candidate->mass;
		if (!first || candidate->mass > first->mass)
			first = candidate;
	}
	if (!first || first->at == 0 || first->mass < STRUCTURE_LEAST_TRACES ||
	    first->mass < STRUCTURE_LEAST_SHARE * of)
		return;
	/* The cap, times the share of all that is unusual: of two that have half each, neither is
	 * named. */
	verdict_limits_add(&limits, VERDICT_LIMIT_STRUCTURE, NULL);
	confidence = verdict_limits_cap(&limits, 1) * first->mass / all;
	if (confidence >= options->threshold)
		name_candidate(structure, first, confidence, of, verdict);
}

void vote_by_structure(struct arena *arena, const struct walk *walks, unsigned int nwalks,
		       const struct evidence_set *ordinary, const struct vote_options *options,
		       struct verdict *verdict)
{
	const struct evidence_set *healthy = options->healthy;
	struct structure structure = { .arena = arena, .walks = walks, .healthy = healthy };
	struct evidence_set *window;
	struct shape_view *views, *shown;

	/* A table that is full does not know what is usual. */
	if (!ordinary || !healthy || healthy->n < STRUCTURE_LEAST_HEALTHY ||
	    healthy->nshapes == LIMIT_SHAPES)
		return;
	window = evidence_new(LIMIT_WINDOW_BYTES);
	structure.scratch = arena_new(LIMIT_STRUCTURE_BYTES);
	structure.groups = map_new();
	structure.shapes = map_new();
	structure.prefixes = map_new();
	structure.services = map_new();
	learn_healthy(&structure);
	for (unsigned int i = 0; i < nwalks && window->n == i; i++)
		evidence_add_shapes(window, walks[i].trace);
	views = look_at_shapes(&structure, ordinary);
	shown = look_at_shapes(&structure, window);
	count_ordinary(ordinary, views);
	weigh_ordinary(&structure, ordinary, views);
	find_walks(&structure, window, shown);
	judge_structure(&structure, ordinary->n, options, verdict);
	free(views);
	free(shown);
	evidence_free(window);
	map_free(structure.groups);
	map_free(structure.shapes);
	map_free(structure.prefixes);
	map_free(structure.services);
	arena_free(structure.scratch);
}
