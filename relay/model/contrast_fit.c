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

#include "contrast-internal.h"
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

static double share_of(const struct guess *guess, const struct variable *variable, uint32_t service)
{
	enum group group = group_of(variable, service);
	unsigned int ngroups = (unsigned int)__builtin_popcount(guess->groups);

	if (!(guess->groups >> group & 1) || variable->n == 0)
		return 0;
	return (1 - guess->z) * variable->n / guess->total[group] / ngroups;
}

static double gain(double pi, double p, double q)
{
	return log(1 - pi + pi * p / q);
}

static double guess_value(const struct scene *scene, uint32_t service, const struct guess *guess)
{
	double value = scene->usual * gain(guess->pi, guess->z, scene->usual_q);
	double rest = (double)scene->ntraces - scene->usual;

	for (uint32_t i = scene->first[service]; i < scene->first[service + 1]; i++) {
		const struct variable *variable = &scene->variables[scene->of[i]];
		double p;

		if (variable->mass <= 0)
			continue;
		p = share_of(guess, variable, service);
		value += variable->mass * gain(guess->pi, p, variable->q);
		rest -= variable->mass;
	}
	return value + (rest > 0 ? rest : 0) * log(1 - guess->pi);
}

static double fit_time(const struct scene *scene, uint32_t service, struct guess *ret_best)
{
	struct guess guess = { 0 };
	double best = -INFINITY;

	for (uint32_t i = scene->first[service]; i < scene->first[service + 1]; i++) {
		const struct variable *variable = &scene->variables[scene->of[i]];

		guess.total[group_of(variable, service)] += variable->n;
	}
	for (guess.groups = 1; guess.groups < 1u << GROUPS; guess.groups++) {
		bool empty = false;

		for (unsigned int group = 0; group < GROUPS; group++)
			empty |= (guess.groups >> group & 1) && guess.total[group] <= 0;
		for (size_t z = 0; !empty && z < ARRAY_LEN(z_grid); z++) {
			guess.z = z_grid[z];
			for (unsigned int step = 0; step < PI_STEPS; step++) {
				guess.pi = pi_at(step);
				double value = guess_value(scene, service, &guess);
				if (value > best) {
					best = value;
					*ret_best = guess;
				}
			}
		}
	}
	return best;
}

static void add_time(const struct scene *scene, uint32_t service, const struct guess *guess,
		     double *per_trace)
{
	double nothing = log(1 - guess->pi);
	double usual = gain(guess->pi, guess->z, scene->usual_q);

	for (uint32_t t = 0; t < scene->ntraces; t++) {
		const struct shares *trace = &scene->traces[t];

		per_trace[t] += trace->usual * usual;
		for (uint32_t i = 0; i < trace->ntimes; i++) {
			const struct variable *variable =
				&scene->variables[trace->times[i].variable];
			bool mine = variable->service == service || variable->callee == service;
			double p = mine ? share_of(guess, variable, service) : 0;

			per_trace[t] += trace->times[i].w *
					(p > 0 ? gain(guess->pi, p, variable->q) : nothing);
		}
	}
}

/* --- Errors --- */

/* How much more often errors end there than in the background. */
static double surplus(const struct scene *scene, const struct error_class *class)
{
	double more = class->window - scene->failing * class->q;

	return more > 0 ? more : 0;
}

static double surplus_of(const struct scene *scene, uint32_t service)
{
	double sum = 0;

	for (uint32_t i = scene->first_class[service]; i < scene->first_class[service + 1]; i++)
		sum += surplus(scene, &scene->classes[scene->of_class[i]]);
	return sum;
}

static double error_gain(const struct scene *scene, const struct error_class *class,
			 uint32_t service, double sum, double pi)
{
	double p = class->service == service && sum > 0 ? surplus(scene, class) / sum : 0;

	return gain(pi, p, class->q);
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

static void add_errors(const struct scene *scene, uint32_t service, double sum, double pi,
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

bool contrast_touches(const struct scene *scene, uint32_t service)
{
	for (uint32_t i = scene->first[service]; i < scene->first[service + 1]; i++)
		if (scene->variables[scene->of[i]].mass > 0)
			return true;
	return surplus_of(scene, service) > 0;
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
			add_time(scene, service, &guess, per_trace);
		else
			fit.time = 0;
	}
	if (scene->failing > 0) {
		double sum = surplus_of(scene, service), pi = 0;

		fit.errors = fit_errors(scene, service, sum, &pi);
		add_errors(scene, service, sum, pi, per_trace);
	}
	return fit;
}
