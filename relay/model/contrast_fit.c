/*
 * Contrast, the fit: how well "it is S" explains what the window shows.
 *
 * A fault in S shows on some of three groups: its own time, the calls of it, the calls that it
 * makes; on each in proportion to how often they happen. So a service all of whose calls are slow
 * is a cheap explanation, and one with many calls of which one is slow is a dear one. The share of
 * the window that the fault made is pi, the rest is as the background has it; both, the groups, and
 * the share z of faulty time that looks usual are taken as they fit best, on coarse grids.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "contrast-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

enum group {
	GROUP_OWN,
	GROUP_IN,
	GROUP_OUT,
	GROUPS,
};

static const double z_grid[] = { 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.8, 0.9 };

#define PI_STEPS 20

static double pi_at(unsigned int step)
{
	return step == PI_STEPS - 1 ? 0.98 : 0.05 * (step + 1);
}

static enum group group_of(const struct variable *variable, uint32_t service)
{
	if (variable->service == variable->callee)
		return GROUP_OWN;
	return variable->callee == service ? GROUP_IN : GROUP_OUT;
}

/* What one hypothesis says of a variable: its share of the fault. */
struct guess {
	unsigned int groups; /* bits */
	double z, pi;
	double total[GROUPS]; /* observations per group */
};

static double guess_share(const struct guess *guess, enum group group, uint32_t n)
{
	unsigned int ngroups = (unsigned int)__builtin_popcount(guess->groups);

	if (!(guess->groups >> group & 1) || n == 0)
		return 0;
	return (1 - guess->z) * n / guess->total[group] / ngroups;
}

static double log_gain(double pi, double p, double q)
{
	return log(1 - pi + pi * p / q);
}

/* Variables that a hypothesis treats alike are one term: a hub has many calls that are the same to
 * it. */
struct term {
	enum group group;
	uint32_t n;
	double q, mass;
};

struct terms {
	struct term at[LIMIT_CONTRAST_TERMS];
	uint32_t n;
	double mass; /* of all of them */
};

static int term_compare(const void *a, const void *b)
{
	const struct term *ta = a, *tb = b;

	if (ta->group != tb->group)
		return ta->group < tb->group ? -1 : 1;
	if (ta->n != tb->n)
		return ta->n < tb->n ? -1 : 1;
	return (ta->q > tb->q) - (ta->q < tb->q);
}

static int heavier_first(const void *a, const void *b)
{
	const struct term *ta = a, *tb = b;

	return (ta->mass < tb->mass) - (ta->mass > tb->mass);
}

static uint32_t merge_terms(struct term *terms, uint32_t n)
{
	uint32_t kept = 0;

	qsort(terms, n, sizeof(*terms), term_compare);
	for (uint32_t i = 0; i < n; i++) {
		if (kept > 0 && term_compare(&terms[kept - 1], &terms[i]) == 0)
			terms[kept - 1].mass += terms[i].mass;
		else
			terms[kept++] = terms[i];
	}
	return kept;
}

static void collect_terms(const struct scene *scene, uint32_t service, struct terms *ret)
{
	uint32_t first = scene->first[service], end = scene->first[service + 1], n = 0;
	struct term *all = xrealloc_array(NULL, (size_t)(end - first) + 1, sizeof(*all));

	for (uint32_t i = first; i < end; i++) {
		const struct variable *variable = &scene->variables[scene->of[i]];

		if (variable->mass > 0)
			all[n++] = (struct term){ group_of(variable, service), variable->n,
						  variable->q, variable->mass };
	}
	n = merge_terms(all, n);
	/* What is left out counts as explained by nothing. */
	if (n > LIMIT_CONTRAST_TERMS) {
		qsort(all, n, sizeof(*all), heavier_first);
		n = LIMIT_CONTRAST_TERMS;
	}
	memcpy(ret->at, all, n * sizeof(*all));
	ret->n = n;
	ret->mass = 0;
	for (uint32_t i = 0; i < n; i++)
		ret->mass += all[i].mass;
	free(all);
}

static double guess_value(const struct scene *scene, const struct terms *terms,
			  const struct guess *guess)
{
	double value = scene->usual * log_gain(guess->pi, guess->z, scene->usual_q);
	double rest = (double)scene->ntraces - scene->usual - terms->mass;

	for (uint32_t i = 0; i < terms->n; i++) {
		const struct term *term = &terms->at[i];

		value += term->mass *
			 log_gain(guess->pi, guess_share(guess, term->group, term->n), term->q);
	}
	return value + (rest > 0 ? rest : 0) * log(1 - guess->pi);
}

static double fit_time(const struct scene *scene, uint32_t service, struct guess *ret_best)
{
	struct guess guess = { 0 };
	struct terms terms;
	double best = -INFINITY;

	for (uint32_t i = scene->first[service]; i < scene->first[service + 1]; i++) {
		const struct variable *variable = &scene->variables[scene->of[i]];

		guess.total[group_of(variable, service)] += variable->n;
	}
	collect_terms(scene, service, &terms);
	for (guess.groups = 1; guess.groups < 1u << GROUPS; guess.groups++) {
		bool empty = false;

		for (unsigned int group = 0; group < GROUPS; group++)
			empty |= (guess.groups >> group & 1) && guess.total[group] <= 0;
		for (size_t z = 0; !empty && z < ARRAY_LEN(z_grid); z++) {
			guess.z = z_grid[z];
			/* That nothing is unusual never speaks for a fault. */
			if (guess.z > scene->usual_q)
				break;
			for (unsigned int step = 0; step < PI_STEPS; step++) {
				guess.pi = pi_at(step);
				double value = guess_value(scene, &terms, &guess);
				if (value > best) {
					best = value;
					*ret_best = guess;
				}
			}
		}
	}
	return best;
}

static void add_time_gains(const struct scene *scene, uint32_t service, const struct guess *guess,
			   double *per_trace)
{
	double nothing = log(1 - guess->pi);
	double usual = log_gain(guess->pi, guess->z, scene->usual_q);

	for (uint32_t t = 0; t < scene->ntraces; t++) {
		const struct shares *trace = &scene->traces[t];

		per_trace[t] += trace->usual * usual;
		for (uint32_t i = 0; i < trace->ntimes; i++) {
			const struct variable *variable =
				&scene->variables[trace->times[i].variable];
			bool mine = variable->service == service || variable->callee == service;
			double p =
				mine ? guess_share(guess, group_of(variable, service), variable->n)
				     : 0;

			per_trace[t] += trace->times[i].w *
					(p > 0 ? log_gain(guess->pi, p, variable->q) : nothing);
		}
	}
}

/* ---- errors ---- */

/* How much more often errors end there than in the background. */
static double class_surplus(const struct scene *scene, const struct error_class *class)
{
	double more = class->window - scene->failing * class->q;

	return more > 0 ? more : 0;
}

static double service_surplus(const struct scene *scene, uint32_t service)
{
	double sum = 0;

	for (uint32_t i = scene->first_class[service]; i < scene->first_class[service + 1]; i++)
		sum += class_surplus(scene, &scene->classes[scene->of_class[i]]);
	return sum;
}

static double error_gain(const struct scene *scene, const struct error_class *class,
			 uint32_t service, double sum, double pi)
{
	double p = class->service == service && sum > 0 ? class_surplus(scene, class) / sum : 0;

	return log_gain(pi, p, class->q);
}

static double fit_errors(const struct scene *scene, uint32_t service, double sum, double *ret_pi)
{
	double best = -INFINITY;

	for (unsigned int step = 0; step < PI_STEPS; step++) {
		double pi = pi_at(step), value = 0;

		for (uint32_t i = 0; i < scene->nclasses; i++)
			value += scene->classes[i].window *
				 error_gain(scene, &scene->classes[i], service, sum, pi);
		if (value > best) {
			best = value;
			*ret_pi = pi;
		}
	}
	return best;
}

static void add_error_gains(const struct scene *scene, uint32_t service, double sum, double pi,
			    double *per_trace)
{
	for (uint32_t t = 0; t < scene->ntraces; t++) {
		const struct shares *trace = &scene->traces[t];

		for (uint32_t i = 0; i < trace->nerrors; i++)
			per_trace[t] +=
				trace->errors[i].w *
				error_gain(scene, &scene->classes[trace->errors[i].variable],
					   service, sum, pi);
	}
}

double contrast_weight(const struct scene *scene, uint32_t service)
{
	double weight = service_surplus(scene, service);

	for (uint32_t i = scene->first[service]; i < scene->first[service + 1]; i++)
		weight += scene->variables[scene->of[i]].mass;
	return weight;
}

struct fit contrast_fit(const struct scene *scene, uint32_t service, double *per_trace)
{
	struct fit fit = { 0 };

	for (uint32_t t = 0; t < scene->ntraces; t++)
		per_trace[t] = 0;
	if (scene->nvariables > 0) {
		struct guess guess;

		fit.time = fit_time(scene, service, &guess);
		if (fit.time > -INFINITY)
			add_time_gains(scene, service, &guess, per_trace);
		else
			fit.time = 0;
	}
	if (scene->failing > 0) {
		double sum = service_surplus(scene, service), pi = 0;

		fit.errors = fit_errors(scene, service, sum, &pi);
		add_error_gains(scene, service, sum, pi, per_trace);
	}
	return fit;
}
