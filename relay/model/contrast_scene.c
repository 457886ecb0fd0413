/*
 * Contrast, the scene: what of a window's time and errors is unusual beside healthy traces
 * (tracepager-walk(7), section 8).
 *
 * Every trace of the window has one unit of mass, so that neither a huge trace nor an unusual mix
 * of requests dominates. Time of a call beyond what healthy traces show for the same call and
 * operation is mass of that call's variable. The rest of the unit is mass of "nothing unusual".
 *
 * The background q says how such mass is distributed when nothing is wrong. A window is not a
 * random sample: its traces were picked because they failed or were slow. So the background is
 * learnt from those healthy traces that the same symptom would have picked, the failing ones and
 * the slowest twentieth, and what the picking alone causes cancels out.
 *
 * All names are sorted, so that no sum depends on the order of the traces.
 */
#include <stdlib.h>
#include <string.h>

#include "contrast-internal.h"
#include "fisher-internal.h"

/* With fewer observations of one operation, those of all operations of the call count. */
#define USUAL_OBSERVATIONS_MIN 5
/* Laplace's rule of succession: the background counts one error more in each class than was seen,
 * and one class more. Half or twice as many give the same verdicts. */
#define IMAGINED_ERRORS 1.0
/* A window's traces were picked because they were slow, or because they failed. If they failed, a
 * healthy trace without an error would not have been picked, and says nothing. Which one it was is
 * not known, so such a trace counts half. */
#define FINE_WEIGHT 0.5
/* Own time after a failing call follows from the failure only if chance makes the failure so common
 * in the window less than once in 100 times. */
#define FALLBACK_P 0.01
/* Laplace's rule for times: half a trace of unusual time more than was seen, and one unit of mass
 * more, shared by all variables. */
#define IMAGINED_TIME  0.5
#define IMAGINED_SHARE 1.0

/* ---- names ---- */

static int service_by_name(const void *a, const void *b)
{
	const struct evidence_service *sa = *(const struct evidence_service *const *)a;
	const struct evidence_service *sb = *(const struct evidence_service *const *)b;
	int order = strcmp(sa->name, sb->name);

	if (order == 0)
		order = strcmp(sa->namespace, sb->namespace);
	return order != 0 ? order : (int)sa->peer - (int)sb->peer;
}

static int text_by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The index of each of n things among the sorted ones, all of which are there. */
static uint32_t *sorted_places(struct arena *arena, const void *const *at, uint32_t n,
			       const void *const *sorted, uint32_t nsorted,
			       int (*compare)(const void *, const void *))
{
	uint32_t *ret = arena_array(arena, n + 1, sizeof(*ret));

	for (uint32_t i = 0; i < n; i++) {
		const void *const *found =
			bsearch(&at[i], sorted, nsorted, sizeof(*sorted), compare);

		ret[i] = (uint32_t)(found - sorted);
	}
	return ret;
}

static uint32_t drop_equal(const void **at, uint32_t n, int (*compare)(const void *, const void *))
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++)
		if (kept == 0 || compare(&at[kept - 1], &at[i]) != 0)
			at[kept++] = at[i];
	return kept;
}

static const void **service_pointers(struct arena *arena, const struct evidence_set *set)
{
	const void **ret = arena_array(arena, set->nservices + 1, sizeof(*ret));

	for (uint32_t i = 0; i < set->nservices; i++)
		ret[i] = &set->services[i];
	return ret;
}

/* The things of a and of b, sorted, each once. */
static const void **merge_sorted(struct arena *arena, const void *const *a, uint32_t na,
				 const void *const *b, uint32_t nb,
				 int (*compare)(const void *, const void *), uint32_t *ret_n)
{
	const void **all = arena_array(arena, (size_t)na + nb + 1, sizeof(*all));

	if (na > 0)
		memcpy(all, a, na * sizeof(*all));
	if (nb > 0)
		memcpy(all + na, b, nb * sizeof(*all));
	qsort(all, (size_t)na + nb, sizeof(*all), compare);
	*ret_n = drop_equal(all, na + nb, compare);
	return all;
}

static void place_side(struct arena *arena, struct scene_side *side, const void **services,
		       const void *const *all_services, uint32_t nservices,
		       const void *const *all_texts, uint32_t ntexts)
{
	const struct evidence_set *set = side->set;

	side->services = sorted_places(arena, services, set->nservices, all_services, nservices,
				       service_by_name);
	side->texts = sorted_places(arena, (const void *const *)set->texts, set->ntexts, all_texts,
				    ntexts, text_by_name);
}

static void merge_names(struct scene *scene)
{
	struct arena *arena = scene->arena;
	const struct evidence_set *window = scene->window.set, *healthy = scene->healthy.set;
	const void **ws = service_pointers(arena, window), **hs = service_pointers(arena, healthy);
	uint32_t ntexts;
	const void **services = merge_sorted(arena, ws, window->nservices, hs, healthy->nservices,
					     service_by_name, &scene->nservices);
	const void **texts = merge_sorted(arena, (const void *const *)window->texts, window->ntexts,
					  (const void *const *)healthy->texts, healthy->ntexts,
					  text_by_name, &ntexts);

	scene->services = (const struct evidence_service **)services;
	place_side(arena, &scene->window, ws, services, scene->nservices, texts, ntexts);
	place_side(arena, &scene->healthy, hs, services, scene->nservices, texts, ntexts);
}

struct seen scene_see(const struct scene_side *side, const struct observation *observation)
{
	return (struct seen){ side->services[observation->service],
			      side->services[observation->callee],
			      side->texts[observation->operation],
			      side->texts[observation->callee_operation], observation->us };
}

/* ---- usual times ---- */

static int by_call(const void *a, const void *b)
{
	const struct seen *sa = a, *sb = b;

	if (sa->service != sb->service)
		return sa->service < sb->service ? -1 : 1;
	if (sa->callee != sb->callee)
		return sa->callee < sb->callee ? -1 : 1;
	return 0;
}

static int by_operation(const void *a, const void *b)
{
	const struct seen *sa = a, *sb = b;
	int order = by_call(a, b);

	if (order != 0)
		return order;
	if (sa->operation != sb->operation)
		return sa->operation < sb->operation ? -1 : 1;
	if (sa->callee_operation != sb->callee_operation)
		return sa->callee_operation < sb->callee_operation ? -1 : 1;
	return 0;
}

static int by_call_then_time(const void *a, const void *b)
{
	const struct seen *sa = a, *sb = b;
	int order = by_call(a, b);

	return order != 0 ? order : (sa->us > sb->us) - (sa->us < sb->us);
}

static int by_operation_then_time(const void *a, const void *b)
{
	const struct seen *sa = a, *sb = b;
	int order = by_operation(a, b);

	return order != 0 ? order : (sa->us > sb->us) - (sa->us < sb->us);
}

/* The index of the nearest-rank 95th percentile. */
static uint32_t p95_rank(uint32_t n)
{
	return (uint32_t)(((uint64_t)n * 95 + 99) / 100) - 1;
}

/* Median and p95 of each group of equal observations; sort orders by group, then by time. */
static struct usual *usual_per_group(struct arena *arena, struct seen *seen, uint32_t n,
				     int (*sort)(const void *, const void *),
				     int (*same)(const void *, const void *), uint32_t *ret_n)
{
	struct usual *usual = arena_array(arena, n + 1, sizeof(*usual));
	uint32_t nusual = 0;

	qsort(seen, n, sizeof(*seen), sort);
	for (uint32_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && same(&seen[i], &seen[end]) == 0; end++)
			;
		usual[nusual++] = (struct usual){ seen[i], end - i, seen[i + (end - i) / 2].us,
						  seen[i + p95_rank(end - i)].us };
	}
	*ret_n = nusual;
	return usual;
}

static void learn_usual(struct scene *scene)
{
	const struct evidence_set *healthy = scene->healthy.set;
	struct arena *arena = scene->arena;
	uint32_t n = 0;

	for (uint32_t t = 0; t < healthy->n; t++)
		n += healthy->at[t].nobservations;
	struct seen *seen = arena_array(arena, n + 1, sizeof(*seen));
	n = 0;
	for (uint32_t t = 0; t < healthy->n; t++)
		for (uint32_t i = 0; i < healthy->at[t].nobservations; i++)
			seen[n++] = scene_see(&scene->healthy, &healthy->at[t].observations[i]);
	scene->by_operation = usual_per_group(arena, seen, n, by_operation_then_time, by_operation,
					      &scene->nby_operation);
	scene->by_call =
		usual_per_group(arena, seen, n, by_call_then_time, by_call, &scene->nby_call);
}

const struct usual *scene_usual(const struct scene *scene, const struct seen *seen)
{
	const struct usual *usual = bsearch(seen, scene->by_operation, scene->nby_operation,
					    sizeof(*usual), by_operation);

	if (!usual || usual->n < USUAL_OBSERVATIONS_MIN)
		usual = bsearch(seen, scene->by_call, scene->nby_call, sizeof(*usual), by_call);
	return usual;
}

int64_t scene_excess_us(const struct scene *scene, const struct seen *seen)
{
	const struct usual *usual = scene_usual(scene, seen);

	if (!usual)
		return seen->us;
	return seen->us > usual->p95_us ? seen->us - usual->median_us : 0;
}

/* ---- what follows from a failing call ---- */

static int class_compare(const void *a, const void *b)
{
	const struct error_class *ca = a, *cb = b;

	if (ca->service != cb->service)
		return ca->service < cb->service ? -1 : 1;
	if (ca->operation != cb->operation)
		return ca->operation < cb->operation ? -1 : 1;
	return 0;
}

/* The class of an end of errors. */
static struct error_class *class_of(const struct scene *scene, const struct scene_side *side,
				    const struct evidence_end *end)
{
	struct error_class key = { .service = side->services[end->service],
				   .operation = side->texts[end->operation] };

	return bsearch(&key, scene->classes, scene->nclasses, sizeof(key), class_compare);
}

/* Finds the own times of one trace that follow from failing calls. Only a failure that the window
 * shows more often than chance allows can be the reason: one that healthy traces have as often made
 * nobody slow there. */
static void find_after(struct scene *scene, uint32_t at)
{
	const struct evidence *evidence = &scene->window.set->at[at];
	uint32_t *after;
	double *chance;

	if (evidence->nfallbacks == 0)
		return;
	after = arena_array(scene->arena, evidence->nobservations, sizeof(*after));
	chance = arena_array(scene->arena, evidence->nobservations, sizeof(*chance));
	for (uint32_t i = 0; i < evidence->nobservations; i++) {
		after[i] = TRACE_NONE;
		chance[i] = FALLBACK_P;
	}
	for (uint32_t i = 0; i < evidence->nfallbacks; i++) {
		const struct evidence_fallback *fallback = &evidence->fallbacks[i];
		const struct error_class *class =
			class_of(scene, &scene->window, &evidence->ends[fallback->end]);

		const bool told = evidence->ends[fallback->end].passed_on;
		double now = told && class->chance_told < class->chance ? class->chance_told
									: class->chance;

		if (now >= chance[fallback->observation])
			continue;
		chance[fallback->observation] = now;
		after[fallback->observation] = class->service;
	}
	scene->traces[at].after = after;
}

uint32_t scene_after(const struct scene *scene, uint32_t trace, uint32_t observation)
{
	const uint32_t *after = scene->traces[trace].after;

	return after ? after[observation] : TRACE_NONE;
}

/* The variable whose mass an observation of the window is. Own time after a failing call is time of
 * that call, like its gap: the caller waits for something else, and either end may be to blame. */
static struct seen scene_charged(const struct scene *scene, uint32_t trace, uint32_t observation)
{
	struct seen seen =
		scene_see(&scene->window, &scene->window.set->at[trace].observations[observation]);
	uint32_t after = scene_after(scene, trace, observation);

	if (after != TRACE_NONE && scene_excess_us(scene, &seen) > 0)
		seen.callee = after;
	return seen;
}

/* ---- mass ---- */

static int variable_compare(const void *a, const void *b)
{
	const struct variable *va = a, *vb = b;

	if (va->service != vb->service)
		return va->service < vb->service ? -1 : 1;
	if (va->callee != vb->callee)
		return va->callee < vb->callee ? -1 : 1;
	return 0;
}

static uint32_t variable_index(const struct scene *scene, struct seen seen)
{
	struct variable key = { .service = seen.service, .callee = seen.callee };
	const struct variable *found =
		bsearch(&key, scene->variables, scene->nvariables, sizeof(key), variable_compare);

	return (uint32_t)(found - scene->variables);
}

/* The healthy traces that the symptom would have picked: failing ones, and the slowest twentieth.
 */
static bool *pick_background(struct scene *scene, uint32_t *ret_n)
{
	const struct evidence_set *healthy = scene->healthy.set;
	struct arena *arena = scene->arena;
	bool *picked = arena_array(arena, healthy->n + 1, sizeof(*picked));
	int64_t long_us = evidence_p95_us(healthy);
	uint32_t n = 0;

	for (uint32_t t = 0; t < healthy->n; t++) {
		picked[t] = healthy->at[t].failing || healthy->at[t].duration_us >= long_us;
		n += picked[t];
	}
	*ret_n = n;
	return picked;
}

/* All variables of the window and of the background, sorted, with their observations counted. */
static void list_variables(struct scene *scene, const bool *background)
{
	const struct evidence_set *window = scene->window.set, *healthy = scene->healthy.set;
	uint32_t n = 0, kept = 0;

	for (uint32_t t = 0; t < window->n; t++)
		n += window->at[t].nobservations;
	for (uint32_t t = 0; t < healthy->n; t++)
		n += background[t] ? healthy->at[t].nobservations : 0;
	scene->variables = arena_array(scene->arena, n + 1, sizeof(*scene->variables));
	n = 0;
	for (uint32_t t = 0; t < window->n; t++)
		for (uint32_t i = 0; i < window->at[t].nobservations; i++) {
			struct seen seen = scene_charged(scene, t, i);

			scene->variables[n++] = (struct variable){ .service = seen.service,
								   .callee = seen.callee,
								   .n = 1 };
		}
	for (uint32_t t = 0; t < healthy->n; t++)
		for (uint32_t i = 0; background[t] && i < healthy->at[t].nobservations; i++) {
			struct seen seen =
				scene_see(&scene->healthy, &healthy->at[t].observations[i]);

			scene->variables[n++] =
				(struct variable){ .service = seen.service, .callee = seen.callee };
		}
	qsort(scene->variables, n, sizeof(*scene->variables), variable_compare);
	for (uint32_t i = 0; i < n; i++) {
		if (kept > 0 &&
		    variable_compare(&scene->variables[kept - 1], &scene->variables[i]) == 0)
			scene->variables[kept - 1].n += scene->variables[i].n;
		else
			scene->variables[kept++] = scene->variables[i];
	}
	scene->nvariables = kept;
}

static int mass_compare(const void *a, const void *b)
{
	const struct mass *ma = a, *mb = b;

	if (ma->variable != mb->variable)
		return ma->variable < mb->variable ? -1 : 1;
	return (ma->w > mb->w) - (ma->w < mb->w);
}

/* Sorts by variable and sums up equal ones; in order of size, so that sums do not depend on the
 * order of observations. Returns how many are left. */
static uint32_t sum_masses(struct mass *masses, uint32_t n)
{
	uint32_t kept = 0;

	qsort(masses, n, sizeof(*masses), mass_compare);
	for (uint32_t i = 0; i < n; i++) {
		if (kept > 0 && masses[kept - 1].variable == masses[i].variable)
			masses[kept - 1].w += masses[i].w;
		else
			masses[kept++] = masses[i];
	}
	return kept;
}

/* One trace's unusual time, by variable; *ret_usual: the rest of its unit. */
static struct mass *time_masses(struct scene *scene, const struct scene_side *side, uint32_t at,
				uint32_t *ret_n, double *ret_usual)
{
	const struct evidence *evidence = &side->set->at[at];
	struct mass *masses =
		arena_array(scene->arena, evidence->nobservations + 1, sizeof(*masses));
	double usual = 1;
	uint32_t n = 0;

	for (uint32_t i = 0; i < evidence->nobservations; i++) {
		struct seen seen = scene_see(side, &evidence->observations[i]);
		int64_t us = scene_excess_us(scene, &seen);

		if (us > 0 && evidence->duration_us > 0)
			masses[n++] =
				(struct mass){ variable_index(scene,
							      side == &scene->window
								      ? scene_charged(scene, at, i)
								      : seen),
					       (double)us / (double)evidence->duration_us };
	}
	n = sum_masses(masses, n);
	for (uint32_t i = 0; i < n; i++)
		usual -= masses[i].w;
	*ret_usual = usual > 0 ? usual : 0;
	*ret_n = n;
	return masses;
}

/* Mass of the window, and q of each variable from the background. */
static void weigh_times(struct scene *scene)
{
	uint32_t nbackground;
	bool *background = pick_background(scene, &nbackground);
	double sum = 0;

	list_variables(scene, background);
	for (uint32_t t = 0; t < scene->window.set->n; t++) {
		struct shares *trace = &scene->traces[t];

		trace->times = time_masses(scene, &scene->window, t, &trace->ntimes, &trace->usual);
		scene->usual += trace->usual;
		for (uint32_t i = 0; i < trace->ntimes; i++)
			scene->variables[trace->times[i].variable].mass += trace->times[i].w;
	}
	for (uint32_t t = 0; t < scene->healthy.set->n; t++) {
		uint32_t n;
		double usual;

		if (!background[t])
			continue;
		struct mass *masses = time_masses(scene, &scene->healthy, t, &n, &usual);
		for (uint32_t i = 0; i < n; i++) {
			scene->variables[masses[i].variable].background += masses[i].w;
			sum += masses[i].w;
		}
	}
	double unusual = (sum + IMAGINED_TIME) / (nbackground + 2 * IMAGINED_TIME);
	for (uint32_t i = 0; i < scene->nvariables; i++)
		scene->variables[i].q =
			unusual *
			(scene->variables[i].background + IMAGINED_SHARE / scene->nvariables) /
			(sum + IMAGINED_SHARE);
	scene->usual_q = 1 - unusual;
}

/* ---- errors ---- */

/* Adds a class for each end of errors in a set; equal ones are merged later. */
static void collect_classes(struct scene *scene, const struct scene_side *side, bool window)
{
	const struct evidence_set *set = side->set;

	for (uint32_t t = 0; t < set->n; t++)
		for (uint32_t i = 0; i < set->at[t].nends; i++) {
			double weight = 1.0 / set->at[t].nends;

			scene->classes[scene->nclasses++] = (struct error_class){
				.service = side->services[set->at[t].ends[i].service],
				.operation = side->texts[set->at[t].ends[i].operation],
				.window = window ? weight : 0,
				.background = window ? 0 : weight,
			};
		}
}

static void list_classes(struct scene *scene)
{
	uint32_t n = 0, kept = 0;

	for (uint32_t t = 0; t < scene->window.set->n; t++)
		n += scene->window.set->at[t].nends;
	for (uint32_t t = 0; t < scene->healthy.set->n; t++)
		n += scene->healthy.set->at[t].nends;
	scene->classes = arena_array(scene->arena, n + 1, sizeof(*scene->classes));
	collect_classes(scene, &scene->window, true);
	collect_classes(scene, &scene->healthy, false);
	qsort(scene->classes, n, sizeof(*scene->classes), class_compare);
	for (uint32_t i = 0; i < n; i++) {
		if (kept > 0 && class_compare(&scene->classes[kept - 1], &scene->classes[i]) == 0) {
			scene->classes[kept - 1].window += scene->classes[i].window;
			scene->classes[kept - 1].background += scene->classes[i].background;
		} else {
			scene->classes[kept++] = scene->classes[i];
		}
	}
	scene->nclasses = kept;
}

/* Error classes, their q from healthy traces, and what each trace of the window has of them. "Did
 * not fail" is a class of its own, so that an error which few healthy traces have is rare. */
static void weigh_errors(struct scene *scene)
{
	double failing = 0, healthy;

	list_classes(scene);
	for (uint32_t i = 0; i < scene->nclasses; i++)
		failing += scene->classes[i].background;
	healthy = failing + FINE_WEIGHT * (scene->healthy.set->n - failing);
	for (uint32_t i = 0; i < scene->nclasses; i++)
		scene->classes[i].q = (scene->classes[i].background + IMAGINED_ERRORS) /
				      (healthy + IMAGINED_ERRORS * (scene->nclasses + 1));
	for (uint32_t t = 0; t < scene->window.set->n; t++) {
		const struct evidence *evidence = &scene->window.set->at[t];
		struct shares *trace = &scene->traces[t];

		trace->errors =
			arena_array(scene->arena, evidence->nends + 1, sizeof(*trace->errors));
		trace->nerrors = evidence->nends;
		scene->failing += evidence->nends > 0;
		for (uint32_t i = 0; i < evidence->nends; i++) {
			const struct error_class *found =
				class_of(scene, &scene->window, &evidence->ends[i]);

			trace->errors[i] = (struct mass){ (uint32_t)(found - scene->classes),
							  1.0 / evidence->nends };
		}
		trace->nerrors = sum_masses(trace->errors, trace->nerrors);
	}
}

/* Counts the traces of one side that have each class; the first of them has the number `first`. */
static void count_classes(struct scene *scene, const struct scene_side *side, uint32_t first)
{
	for (uint32_t t = 0; t < side->set->n; t++)
		for (uint32_t i = 0; i < side->set->at[t].nends; i++) {
			const struct evidence_end *end = &side->set->at[t].ends[i];
			struct error_class *class = class_of(scene, side, end);

			if (class->traces == 0 || class->last != first + t)
				class->traces++;
			class->last = first + t;
			if (!end->passed_on && end->judged)
				continue;
			if (class->told == 0 || class->last_told != first + t)
				class->told++;
			class->last_told = first + t;
		}
}

static void weigh_chances(struct scene *scene)
{
	const struct evidence_set *window = scene->window.set, *healthy = scene->healthy.set;
	uint32_t *here = arena_array(scene->arena, (size_t)scene->nclasses + 1, sizeof(*here));
	uint32_t *told = arena_array(scene->arena, (size_t)scene->nclasses + 1, sizeof(*told));
	uint32_t all = window->n + healthy->n;

	count_classes(scene, &scene->window, 0);
	for (uint32_t i = 0; i < scene->nclasses; i++) {
		here[i] = scene->classes[i].traces;
		told[i] = scene->classes[i].told;
	}
	count_classes(scene, &scene->healthy, window->n);
	for (uint32_t i = 0; i < scene->nclasses; i++) {
		struct error_class *class = &scene->classes[i];

		class->chance = fisher_tail(here[i], window->n, class->traces, all);
		class->chance_told = fisher_tail(told[i], window->n, class->told, all);
	}
	for (uint32_t t = 0; t < window->n; t++)
		find_after(scene, t);
}

/* ---- indexes ---- */

static void scene_index_services(struct scene *scene)
{
	uint32_t n = scene->nservices, *fill = arena_array(scene->arena, n + 1, sizeof(*fill));

	scene->first = arena_array(scene->arena, n + 2, sizeof(*scene->first));
	scene->first_class = arena_array(scene->arena, n + 2, sizeof(*scene->first_class));
	for (uint32_t i = 0; i < scene->nvariables; i++) {
		const struct variable *variable = &scene->variables[i];

		scene->first[variable->service + 1]++;
		if (variable->callee != variable->service)
			scene->first[variable->callee + 1]++;
	}
	for (uint32_t i = 0; i < scene->nclasses; i++)
		scene->first_class[scene->classes[i].service + 1]++;
	for (uint32_t s = 0; s < n; s++) {
		scene->first[s + 1] += scene->first[s];
		scene->first_class[s + 1] += scene->first_class[s];
		fill[s] = scene->first[s];
	}
	scene->of = arena_array(scene->arena, scene->first[n] + 1, sizeof(*scene->of));
	scene->of_class = arena_array(scene->arena, scene->nclasses + 1, sizeof(*scene->of_class));
	for (uint32_t i = 0; i < scene->nvariables; i++) {
		const struct variable *variable = &scene->variables[i];

		scene->of[fill[variable->service]++] = i;
		if (variable->callee != variable->service)
			scene->of[fill[variable->callee]++] = i;
	}
	/* Classes are sorted by service. */
	for (uint32_t i = 0; i < scene->nclasses; i++)
		scene->of_class[i] = i;
}

void scene_build(struct scene *scene)
{
	scene->traces = arena_array(scene->arena, scene->ntraces + 1, sizeof(*scene->traces));
	merge_names(scene);
	if (scene->mode != WALK_LATENCY)
		weigh_errors(scene);
	if (scene->mode == WALK_AUTO)
		weigh_chances(scene);
	if (scene->mode != WALK_ERRORS) {
		learn_usual(scene);
		weigh_times(scene);
	}
	scene_index_services(scene);
}
