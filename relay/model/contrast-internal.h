/* Contrast, inside: contrast.c prepares what was seen, contrast_fit.c asks who explains it. */
#ifndef TRACEPAGER_CONTRAST_INTERNAL_H
#define TRACEPAGER_CONTRAST_INTERNAL_H

#include "tracepager/contrast.h"

/* A service's own time (callee == service) or the gap of its calls of another. */
struct variable {
	uint32_t service, callee;
	uint32_t n;	   /* observations in the window */
	double mass;	   /* of the window's traces, summed: each has one unit */
	double background; /* the same of the healthy traces that have the symptom */
	double q;	   /* how likely such mass is when nothing is wrong */
};

struct mass {
	uint32_t variable;
	double w;
};

/* An error that ends in an operation of a service. */
struct error_class {
	uint32_t service, operation;
	double window, background;
	double q;
};

/* What one trace of the window shows: shares of its one unit, per variable and per error class. */
struct shares {
	struct mass *times, *errors;
	uint32_t ntimes, nerrors;
	double usual; /* the share of time that is not unusual */
};

/* An observation with the services and texts of the scene. */
struct seen {
	uint32_t service, callee, operation, callee_operation;
	int64_t us;
};

/* What is usual of one call, or of one operation of it. */
struct usual {
	struct seen key; /* first, so that one comparison serves both */
	uint32_t n;
	int64_t median_us, p95_us;
};

/* One of the two sets, and what its services and texts are in the scene. */
struct scene_side {
	const struct evidence_set *set;
	uint32_t *services, *texts;
};

/* The window beside its background. */
struct scene {
	struct arena *arena;
	enum walk_mode mode; /* which evidence counts */
	struct scene_side window, healthy;
	const struct evidence_service **services; /* by name */
	uint32_t nservices;
	struct usual *by_operation, *by_call;
	uint32_t nby_operation, nby_call;
	struct variable *variables; /* by service, then callee */
	struct error_class *classes;
	uint32_t nvariables, nclasses;
	struct shares *traces;
	uint32_t ntraces;
	double usual, usual_q; /* the variable "nothing unusual" */
	uint32_t failing;      /* traces of the window with an error end */
	/* Per service: indexes of its variables, as `of` lists them from first[s] to first[s + 1].
	 */
	uint32_t *first, *of;
	uint32_t *first_class, *of_class;
};

/* contrast_scene.c: fills everything from arena, mode, ntraces and the two sets. */
void scene_build(struct scene *scene);
struct seen scene_see(const struct scene_side *side, const struct observation *observation);
/* What healthy traces show of it; NULL: they never do. */
const struct usual *scene_usual(const struct scene *scene, const struct seen *seen);
/* How much longer than usual; 0: it is not unusual. */
int64_t scene_excess_us(const struct scene *scene, const struct seen *seen);

/* contrast_fit.c. How well "it is this service" explains the window, in nats against the
 * background; per_trace has room for ntraces and gets what each adds. */
struct fit {
	double time, errors;
};
struct fit contrast_fit(const struct scene *scene, uint32_t service, double *per_trace);
/* How much of what is unusual touches it; 0: nothing speaks for it. */
double contrast_weight(const struct scene *scene, uint32_t service);

#endif
