/*
 * Contrast, inside. A reader's map, from the driver down; a file uses only files below it. The
 * method is tracepager-walk(7), section 8; its numbers are section 9.
 *
 * contrast.c		ranks the services, says how surely, and by what each is seen
 * contrast_fit.c	how well "it is this service" explains the window, in nats
 * contrast_scene.c	what of the window's time and errors is unusual
 *
 * A struct scene lives for one contrast(); all its memory is kept by the caller's arena.
 */
#ifndef TRACEPAGER_CONTRAST_INTERNAL_H
#define TRACEPAGER_CONTRAST_INTERNAL_H

#include "tracepager/contrast.h"

/* Something that can be slow: a service's own time (callee == service), or the gap of its calls of
 * another service. Services are indexes into scene.services. */
struct variable {
	uint32_t service, callee;
	uint32_t n;	   /* observations in the window */
	double mass;	   /* unusual time in the window, in traces: each trace has one unit */
	double background; /* the same in the healthy traces that have the symptom */
	double q;	   /* probability of such mass when nothing is wrong */
};

struct mass {
	uint32_t variable;
	double w;
};

/* Errors that end in one operation of a service. window, background: traces in which they do, of
 * the window and of the healthy ones; a trace with n ends counts 1/n for each. */
struct error_class {
	uint32_t service, operation;
	double window, background;
	double q;
	uint32_t traces, last; /* of both sets; the number of the last one that was counted */
	double chance;	       /* that so many traces of the window have it if nothing is wrong */
	/* The same of ends of which the caller knew, since its call failed too. */
	uint32_t told, last_told;
	double chance_told;
};

/* What one trace of the window shows: how its one unit of time is shared among variables, and its
 * one unit of errors among error classes. mass.variable is an index of either. */
struct shares {
	struct mass *times, *errors;
	uint32_t ntimes, nerrors;
	double usual; /* the share of time that is as in healthy traces */
	/* Per observation: the service whose failing its time follows from, or TRACE_NONE. NULL:
	 * it follows from none. */
	uint32_t *after;
};

/* An observation of either set, in the scene's numbers for services and texts. */
struct seen {
	uint32_t service, callee, operation, callee_operation;
	int64_t us;
};

/* The usual time of one call, or of one operation of it. */
struct usual {
	struct seen key; /* first, so that one comparison function serves struct seen too */
	uint32_t n;
	int64_t median_us, p95_us;
};

/* One of the two sets, and the scene's number for each of its services and texts. */
struct scene_side {
	const struct evidence_set *set;
	uint32_t *services, *texts;
};

/* The window, and the healthy traces that it is compared with. */
struct scene {
	struct arena *arena;
	enum walk_mode mode; /* which evidence counts */
	struct scene_side window, healthy;
	const struct evidence_service **services; /* by name */
	const char *const *texts;		  /* by name */
	uint32_t nservices;
	struct usual *by_operation, *by_call;
	uint32_t nby_operation, nby_call;
	struct variable *variables; /* by service, then callee */
	struct error_class *classes;
	uint32_t nvariables, nclasses;
	struct shares *traces;
	uint32_t ntraces;
	double usual, usual_q; /* mass and q of the variable "nothing unusual" */
	uint32_t failing;      /* traces of the window with an error end */
	/* The variables that touch service s are of[first[s]] to of[first[s + 1] - 1]; its error
	 * classes likewise. */
	uint32_t *first, *of;
	uint32_t *first_class, *of_class;
};

/* ---- contrast_scene.c ---- */

/* Fills everything from arena, mode, ntraces and the two sets. */
void scene_build(struct scene *scene);
struct seen scene_see(const struct scene_side *side, const struct observation *observation);
/* What healthy traces show for the same operation, or where they show that too rarely for the same
 * call; NULL: they never show the call. */
const struct usual *scene_usual(const struct scene *scene, const struct seen *seen);
/* The service whose failing call came before this observation of the window: its unusual time is a
 * consequence, and belongs to that call. TRACE_NONE: there is none. */
uint32_t scene_after(const struct scene *scene, uint32_t trace, uint32_t observation);
/* Microseconds beyond the healthy median; 0 up to the healthy 95th percentile. */
int64_t scene_excess_us(const struct scene *scene, const struct seen *seen);

/* ---- contrast_fit.c ---- */

/* How well "it is this service" explains the window: log-likelihood against the background, in
 * nats. per_trace has room for ntraces and gets what each trace adds. */
struct fit {
	double time, errors;
};
struct fit contrast_fit(const struct scene *scene, uint32_t service, double *per_trace);
/* How much unusual mass touches the service; 0: nothing speaks for it. */
double contrast_weight(const struct scene *scene, uint32_t service);

#endif
