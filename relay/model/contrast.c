/*
 * Contrast: which service explains what is unusual in a window of traces, and how surely
 * (tracepager-walk(7), sections 8 and 9).
 *
 * Every service that something unusual touches is fitted (contrast_fit.c), and services are ranked
 * by the log-likelihood of their fit. The confidence is the smaller of two numbers. The first is
 * the posterior probability of the best service. Alone it would be far too large, because the
 * traces of one window are not independent. The second is Vuong's test: does the best service
 * explain the window better than each rival, and than "nothing unusual", trace by trace? It is what
 * makes the vote abstain when a few traces carry all of the evidence.
 *
 * Two services whose fits are the same in every trace are twins: only the call between them is
 * unusual, and either end may be at fault. The verdict is an edge then, and its confidence at most
 * CONFIDENCE_MAX_EDGE.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "contrast-internal.h"
#include "tracepager/limits.h"

/* Prior weight of "nothing unusual" against one service: 7 groups of variables in which a fault can
 * show (contrast_fit.c), for every service. */
#define NULL_WEIGHT 7.0
/* The largest confidence of a verdict by contrast, and of an edge. */
#define CONFIDENCE_MAX	    0.95
#define CONFIDENCE_MAX_EDGE 0.55
/* Services that the best one has to beat in Vuong's test, besides "nothing unusual": the next three
 * that are no twins of it. */
#define RIVALS 3
/* Of all unusual time that touches a service, what one gap must have for the call to be named and
 * not the service. */
#define ONE_GAP_SHARE 0.9
/* Nats up to which two fits of one trace are the same. */
#define TWIN_NATS 1e-6

struct candidate {
	uint32_t service;
	struct fit fit;
	double sum;	      /* of the fit: nats that time and errors speak for it */
	const double *vector; /* what each trace adds to sum */
};

struct ranking {
	struct scene scene;
	struct candidate *at; /* best first */
	uint32_t n;
};

static int ranking_compare(const void *a, const void *b)
{
	const struct candidate *ca = a, *cb = b;

	if (ca->sum < cb->sum || ca->sum > cb->sum)
		return ca->sum > cb->sum ? -1 : 1;
	return ca->service < cb->service ? -1 : ca->service > cb->service;
}

struct weighed {
	uint32_t service;
	double weight;
};

static int weighed_compare(const void *a, const void *b)
{
	const struct weighed *wa = a, *wb = b;

	if (wa->weight < wb->weight || wa->weight > wb->weight)
		return wa->weight > wb->weight ? -1 : 1;
	return wa->service < wb->service ? -1 : wa->service > wb->service;
}

/* The LIMIT_CONTRAST_SERVICES services that unusual mass touches most, heaviest first. */
static struct weighed *weigh_services(const struct scene *scene, uint32_t *ret_n)
{
	struct weighed *weighed =
		arena_array(scene->arena, (size_t)scene->nservices + 1, sizeof(*weighed));
	uint32_t n = 0;

	for (uint32_t s = 0; s < scene->nservices; s++) {
		double weight = contrast_weight(scene, s);

		if (weight > 0)
			weighed[n++] = (struct weighed){ s, weight };
	}
	qsort(weighed, n, sizeof(*weighed), weighed_compare);
	*ret_n = n < LIMIT_CONTRAST_SERVICES ? n : LIMIT_CONTRAST_SERVICES;
	return weighed;
}

static void rank_services(struct ranking *ranking)
{
	struct scene *scene = &ranking->scene;
	const struct weighed *weighed = weigh_services(scene, &ranking->n);

	ranking->at = arena_array(scene->arena, (size_t)ranking->n + 1, sizeof(*ranking->at));
	for (uint32_t i = 0; i < ranking->n; i++) {
		struct candidate *candidate = &ranking->at[i];
		double *vector =
			arena_array(scene->arena, (size_t)scene->ntraces + 1, sizeof(*vector));

		candidate->service = weighed[i].service;
		candidate->vector = vector;
		candidate->fit = contrast_fit(scene, weighed[i].service, vector);
		candidate->sum = candidate->fit.time + candidate->fit.errors;
	}
	qsort(ranking->at, ranking->n, sizeof(*ranking->at), ranking_compare);
}

/* ---- how surely ---- */

static bool are_twins(const struct ranking *ranking, const struct candidate *a,
		      const struct candidate *b)
{
	for (uint32_t t = 0; t < ranking->scene.ntraces; t++)
		if (fabs(a->vector[t] - b->vector[t]) > TWIN_NATS)
			return false;
	return true;
}

/* How many standard deviations a explains the window better than b (Vuong, Econometrica 57, 1989:
 * two models that are not nested). b NULL: "nothing unusual", whose vector is zeros. */
static double vuong_statistic(const struct ranking *ranking, const struct candidate *a,
			      const struct candidate *b)
{
	double sum = 0, squares = 0;

	for (uint32_t t = 0; t < ranking->scene.ntraces; t++) {
		double d = a->vector[t] - (b ? b->vector[t] : 0);

		sum += d;
		squares += d * d;
	}
	return squares > 0 ? sum / sqrt(squares) : 0;
}

/* Services that the compared traces have at all: no other one can be at fault. */
static uint32_t count_present(const struct scene *scene)
{
	uint32_t n = 0;

	for (uint32_t s = 0; s < scene->nservices; s++)
		n += scene->first[s] < scene->first[s + 1] ||
		     scene->first_class[s] < scene->first_class[s + 1];
	return n;
}

static double confidence_of(const struct ranking *ranking, bool edge)
{
	const struct candidate *first = &ranking->at[0];
	double z = vuong_statistic(ranking, first, NULL), post, clear;
	/* 1 over the posterior: likelihoods relative to the best one, so that no exponential
	 * overflows. */
	double sum = NULL_WEIGHT * count_present(&ranking->scene) * exp(-first->sum) + 1;
	uint32_t rivals = 0;

	for (uint32_t i = 1; i < ranking->n; i++) {
		const struct candidate *other = &ranking->at[i];

		if (are_twins(ranking, first, other))
			continue;
		sum += exp(other->sum - first->sum);
		if (rivals++ < RIVALS) {
			double against = vuong_statistic(ranking, first, other);

			z = against < z ? against : z;
		}
	}
	post = 1 / sum;
	clear = z > 0 ? erf(z / sqrt(2)) : 0; /* 2Φ(z) − 1 */
	return (edge ? CONFIDENCE_MAX_EDGE : CONFIDENCE_MAX) * (clear < post ? clear : post);
}

/* ---- what a candidate is seen by ---- */

/* A trace's mass of a variable, or NULL; by bisection, since times are sorted by variable. */
static const struct mass *mass_of(const struct shares *trace, uint32_t variable)
{
	uint32_t low = 0, high = trace->ntimes;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (trace->times[middle].variable < variable)
			low = middle + 1;
		else
			high = middle;
	}
	return low < trace->ntimes && trace->times[low].variable == variable ? &trace->times[low]
									     : NULL;
}

static int us_compare(const void *a, const void *b)
{
	int64_t ua = *(const int64_t *)a, ub = *(const int64_t *)b;

	return (ua > ub) - (ua < ub);
}

static int64_t median_us(int64_t *at, uint32_t n)
{
	if (n == 0)
		return 0;
	qsort(at, n, sizeof(*at), us_compare);
	return at[n / 2];
}

/* The unusual observations of a variable, and what is usual for each. */
struct compared {
	int64_t *now, *normal;
	uint32_t n;
	uint32_t after; /* of them, own times after a failing call */
};

/* Adds the unusual observations of one trace; returns the span with the largest excess there. */
static uint32_t compare_times(const struct scene *scene, uint32_t trace,
			      const struct variable *variable, struct compared *compared)
{
	const struct evidence *evidence = &scene->window.set->at[trace];
	uint32_t span = TRACE_NONE;
	int64_t most_us = 0;

	for (uint32_t i = 0; i < evidence->nobservations; i++) {
		struct seen seen = scene_see(&scene->window, &evidence->observations[i]);
		int64_t us;
		uint32_t after;

		us = scene_excess_us(scene, &seen);
		if (us <= 0)
			continue;
		after = scene_after(scene, trace, i);
		if (seen.service != variable->service ||
		    (after != TRACE_NONE ? after : seen.callee) != variable->callee)
			continue;
		compared->after += after != TRACE_NONE;
		compared->now[compared->n] = seen.us;
		compared->normal[compared->n++] = seen.us - us;
		if (us > most_us) {
			most_us = us;
			span = evidence->observations[i].span;
		}
	}
	return span;
}

/* The variable with the most mass among those that touch the service; NULL: none has any. */
static const struct variable *heaviest_variable(const struct scene *scene, uint32_t service)
{
	const struct variable *best = NULL;

	for (uint32_t i = scene->first[service]; i < scene->first[service + 1]; i++) {
		const struct variable *variable = &scene->variables[scene->of[i]];

		if (variable->mass > 0 && (!best || variable->mass > best->mass))
			best = variable;
	}
	return best;
}

/* Sets what the candidate's heaviest variable shows: where, in how many traces, and how long it is
 * against usual. */
static void candidate_fill_time(const struct scene *scene, uint32_t service,
				struct contrast_candidate *told)
{
	const struct variable *variable = heaviest_variable(scene, service);
	struct compared compared = { 0 };
	double most = 0;

	if (!variable)
		return;
	for (uint32_t i = scene->first[service]; i < scene->first[service + 1]; i++)
		told->touched += scene->variables[scene->of[i]].mass;
	compared.now = arena_array(scene->arena, variable->n, sizeof(*compared.now));
	compared.normal = arena_array(scene->arena, variable->n, sizeof(*compared.normal));
	for (uint32_t t = 0; t < scene->ntraces; t++) {
		const struct mass *mass =
			mass_of(&scene->traces[t], (uint32_t)(variable - scene->variables));
		uint32_t span;

		if (!mass)
			continue;
		told->unusual++;
		span = compare_times(scene, t, variable, &compared);
		if (mass->w > most) {
			most = mass->w;
			told->trace = t;
			told->span = span;
		}
	}
	told->now_us = median_us(compared.now, compared.n);
	told->normal_us = median_us(compared.normal, compared.n);
	told->mass = variable->mass;
	told->after_failure = 2 * compared.after > compared.n;
	told->caller = scene->services[variable->service]->name;
	if (variable->callee != variable->service)
		told->callee = scene->services[variable->callee]->name;
}

static void candidate_fill(const struct ranking *ranking, const struct candidate *candidate,
			   struct contrast_candidate *told)
{
	const struct scene *scene = &ranking->scene;
	const struct evidence_service *service = scene->services[candidate->service];

	*told = (struct contrast_candidate){ .namespace = service->namespace,
					     .name = service->name,
					     .peer = service->peer,
					     .time = candidate->fit.time,
					     .errors = candidate->fit.errors,
					     .span = TRACE_NONE };
	for (uint32_t t = 0; t < scene->ntraces; t++)
		told->agree += candidate->vector[t] > 0;
	if (scene->mode != WALK_ERRORS)
		candidate_fill_time(scene, candidate->service, told);
}

/* Puts the caller of an edge first: the one whose calls of the other carry more mass. */
static void order_edge(struct ranking *ranking)
{
	const struct scene *scene = &ranking->scene;
	struct candidate *a = &ranking->at[0], *b = &ranking->at[1], swap;
	double forth = 0, back = 0;

	for (uint32_t i = 0; i < scene->nvariables; i++) {
		const struct variable *variable = &scene->variables[i];

		if (variable->service == a->service && variable->callee == b->service)
			forth = variable->mass;
		if (variable->service == b->service && variable->callee == a->service)
			back = variable->mass;
	}
	if (back <= forth)
		return;
	swap = *a;
	*a = *b;
	*b = swap;
}

/* Is nearly all that is unusual about the first candidate the gap of one call that it makes? A
 * proxy with one callee has no other calls that would speak against it, so that the fit names it
 * surely. Puts the callee second. The errors of a candidate speak for it alone. */
static bool rests_on_one_gap(struct ranking *ranking)
{
	const struct scene *scene = &ranking->scene;
	struct candidate *first = &ranking->at[0], swap;
	const struct variable *gap = heaviest_variable(scene, first->service);
	double touched = 0;

	if (!gap || gap->service == gap->callee || gap->service != first->service ||
	    first->fit.errors > 0)
		return false;
	for (uint32_t i = scene->first[first->service]; i < scene->first[first->service + 1]; i++)
		touched += scene->variables[scene->of[i]].mass;
	if (gap->mass < ONE_GAP_SHARE * touched)
		return false;
	for (uint32_t i = 1; i < ranking->n; i++) {
		if (ranking->at[i].service != gap->callee)
			continue;
		swap = ranking->at[1];
		ranking->at[1] = ranking->at[i];
		ranking->at[i] = swap;
		return true;
	}
	return false;
}

void contrast(struct arena *arena, const struct evidence_set *window,
	      const struct evidence_set *healthy, enum walk_mode mode,
	      struct contrast *ret_contrast)
{
	struct ranking ranking = { .scene = { .arena = arena,
					      .mode = mode,
					      .ntraces = window->n,
					      .window = { .set = window },
					      .healthy = { .set = healthy } } };
	uint32_t n;

	memset(ret_contrast, 0, sizeof(*ret_contrast));
	scene_build(&ranking.scene);
	rank_services(&ranking);
	n = ranking.n < LIMIT_RUNNERS_UP + 1 ? ranking.n : LIMIT_RUNNERS_UP + 1;
	if (n > 1 &&
	    (are_twins(&ranking, &ranking.at[0], &ranking.at[1]) || rests_on_one_gap(&ranking))) {
		ret_contrast->edge = true;
		order_edge(&ranking);
	}
	if (n > 0)
		ret_contrast->confidence = confidence_of(&ranking, ret_contrast->edge);
	ret_contrast->candidates =
		arena_array(arena, (size_t)n + 1, sizeof(struct contrast_candidate));
	ret_contrast->ncandidates = n;
	for (uint32_t i = 0; i < n; i++)
		candidate_fill(&ranking, &ranking.at[i], &ret_contrast->candidates[i]);
	for (uint32_t i = 0; i < ranking.scene.nvariables; i++)
		ret_contrast->unusual += ranking.scene.variables[i].mass;
}
