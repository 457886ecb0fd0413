/*
 * Contrast, the fit: how well the hypothesis "it is S" explains the window (tracepager-walk(7),
 * section 8).
 *
 * A fault in S shows on one or more of three groups of variables: S's own time, the calls of S, and
 * the calls that S makes. Within a group it spreads in proportion to how often each variable
 * occurs. That is what tells a slow service from a single slow call: if all calls of S are slow, S
 * predicts just that, and its likelihood is high; if S has many calls and one is slow, S predicts
 * mass on the others too, which the window lacks, and its likelihood is low.
 *
 * Three more numbers describe the fault. pi is the share of the window's mass that the fault made;
 * the rest is distributed as in the background. z is the share of the fault's mass that looks
 * usual. The groups are one of the 7 non-empty subsets of the three. All combinations on coarse
 * grids are tried, and the most likely one counts. The log-likelihood against the background is
 *
 *     sum over variables v of mass(v) * ln(1 - pi + pi * p(v) / q(v))
 *
 * where p(v) is v's share of the fault and q(v) its probability in the background. Errors are
 * fitted in the same way on their classes, with the surplus over the background as p. So time and
 * errors add up in nats.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "contrast-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

enum group {
	GROUP_OWN, /* S's own time */
	GROUP_IN,  /* calls of S */
	GROUP_OUT, /* calls that S makes */
	GROUPS,
};

static const double z_grid[] = { 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.8, 0.9 };

#define PI_STEPS 20
/* Traces by which a class must exceed what the background has us expect. Rounding errors of the
 * sums depend on the order of the traces, and are far smaller. */
#define SURPLUS_LEAST 1e-9

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

/* One hypothesis about S. */
struct guess {
	unsigned int groups; /* bits by enum group: where the fault shows */
	double z, pi;
	double total[GROUPS]; /* observations per group */
};

/* p(v) of a variable with n observations. */
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

/* Variables of S with equal group, n and q are one term of the sum: a service that calls many
 * others has many equal ones. */
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

/* The terms of S's variables that have mass. */
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
	/* Terms beyond the cap, the lightest, count as mass that S does not explain. */
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

/* The log-likelihood of a hypothesis. Mass of other services' variables, and of terms that were
 * left out, is in `rest`: p is 0 there. */
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

/* The best hypothesis about S by time; -INFINITY: none is possible. */
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
			/* Otherwise usual time would speak for the fault. */
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

/* The same sum for each trace alone, with the hypothesis that fits the window best. */
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

/* How many more traces of the window have errors that end in this class than the background has us
 * expect. */
static double class_surplus(const struct scene *scene, const struct error_class *class)
{
	double more = class->window - scene->ntraces * class->q;

	return more > SURPLUS_LEAST ? more : 0;
}

static double service_surplus(const struct scene *scene, uint32_t service)
{
	double sum = 0;

	for (uint32_t i = scene->first_class[service]; i < scene->first_class[service + 1]; i++)
		sum += class_surplus(scene, &scene->classes[scene->of_class[i]]);
	return sum;
}

/* ln(1 - pi + pi p/q) of an error class; sum: the surplus of all classes of S. */
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
		double pi = pi_at(step);
		double value = (scene->ntraces - scene->failing) * log(1 - pi);

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

		if (trace->nerrors == 0)
			per_trace[t] += log(1 - pi); /* a fault would have failed it */
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
