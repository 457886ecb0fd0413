/*
 * SLO: what each signal, and each call below it, provides today, as healthy traces show it, and the
 * objectives that follow: the signal's own, and from it what each internal call must provide. The
 * arithmetic is that of docs/slo.md. Refuses to read a store, a file or a clock, and to claim more
 * than the samples can show: where they are too few it says so and proposes nothing.
 *
 * Samples belong to one thread at a time while they grow; all else is pure and may run on any
 * thread. A proposal is the arena's; it borrows nothing from the samples.
 */
#ifndef TRACEPAGER_SLO_H
#define TRACEPAGER_SLO_H

#include "tracepager/evidence.h"

/* ---- samples ---- */

struct slo_samples;

struct slo_samples *slo_samples_new(void); /* the caller frees */
void slo_samples_free(struct slo_samples *samples);

/* What became of the requests of a set. */
struct slo_taken {
	uint32_t added;
	uint32_t known;	   /* they were added before: a trace id counts once for each signal */
	uint32_t old;	   /* an older version stored them, without their calls */
	uint32_t left_out; /* beyond LIMIT_SLO_SIGNALS, _EDGES or _SAMPLES, or with more calls than
			    * LIMIT_EVIDENCE_CALLS */
};

/* Adds the requests of a set, by the operation of their signal's span; counts them in taken. name:
 * the signal's in the rules; NULL: it has none. judged: failing requests are among them as often as
 * they happened; false: only requests that did not fail were gathered. The set is borrowed for the
 * call. */
void slo_samples_add(struct slo_samples *samples, const struct evidence_set *set, const char *name,
		     bool judged, struct slo_taken *taken);

/* ---- objectives ---- */

enum slo_basis {
	SLO_NONE,     /* nothing is proposed */
	SLO_GIVEN,    /* a person gave it */
	SLO_MEASURED, /* what is provided today */
	SLO_DERIVED,  /* what the caller's objective needs: it is provided today */
	SLO_SHORT,    /* what is provided today: the caller's objective needs more */
};
const char *slo_basis_name(enum slo_basis basis); /* "none", "given", "measured" … */

struct slo_goal {
	enum slo_basis basis;
	double target;	   /* the share of calls that are good: 0.99; 0: none */
	int64_t within_us; /* latency: a call is good up to this time */
	/* What the caller's objective needs, before it is rounded; 0: nothing follows from it. */
	double needed;
	int64_t allowed_us;
	const char *text; /* why, for a person */
};

/* A trace that the figures come from. */
struct slo_example {
	const char *trace_id;
	int64_t us;
};

/* Of those that succeeded: a fast failure serves nobody, so latency counts these only. */
struct slo_succeeded {
	uint32_t samples;
	int64_t p50_us, p90_us, p99_us; /* by the nearest rank; 0: none succeeded */
	const char *median_id;		/* a trace; NULL: none succeeded */
};

/* Of the requests of a signal, or of the calls of an edge. */
struct slo_figures {
	uint32_t samples;
	uint32_t judged; /* those of which it is known whether they failed as often as it happens */
	uint32_t failed; /* of the judged ones */
	uint32_t fatal;	 /* of an edge: those that took their caller with them */
	int64_t p50_us, p90_us, p99_us; /* by the nearest rank, of all, failed ones too */
	struct slo_succeeded succeeded;
	struct slo_example fastest, median, slowest;
	struct slo_goal latency, availability;
};

/* Calls of one operation in one place of the tree. */
struct slo_edge {
	uint32_t above; /* the edge in which the calls are made: an index below its own;
			   TRACE_NONE: the signal's service makes them */
	unsigned int depth;
	const char *caller, *callee, *namespace, *operation; /* namespace: of the callee */
	bool peer;	   /* the callee has no spans: the operation is its caller's name for it */
	bool message;	   /* nobody waits for it */
	uint32_t requests; /* that have such a call */
	double per_call;   /* calls for each call, or request, that makes them */
	double share;	   /* of the time of those requests, on the critical path */
	double on_path;	   /* calls of a request that are on it */
	struct slo_figures figures;
};

struct slo_signal {
	const char *name; /* in the rules; NULL: none */
	const char *service, *namespace, *operation;
	int64_t from_us, to_us; /* of the first and the last request */
	double own_share;	/* of the critical path, in its own service and unnamed calls */
	struct slo_figures figures;
	struct slo_edge *edges; /* callers before callees, those with the largest share first */
	uint32_t nedges;
};

struct slo_proposal {
	struct slo_signal *signals; /* the one with the most requests first */
	uint32_t nsignals;
};

/* What a person wants of all signals. */
struct slo_wish {
	double availability; /* 0.999; 0: as measured */
	int64_t within_us;   /* for 99 % of the requests; 0: as measured */
};

/* only: the name of a signal, or "SERVICE" or "SERVICE/OPERATION"; NULL: all. */
void slo_propose(const struct slo_samples *samples, const struct slo_wish *wish, const char *only,
		 struct arena *arena, struct slo_proposal *ret_proposal);

/* The least share of good calls that n calls, of which so many were good, show with a confidence of
 * 95 %: Wilson's bound, and the rule of three where all were good. */
double slo_lower_bound(uint32_t n, uint32_t good);

/* ---- as other programs read it ---- */

/* Whose names the span metrics have. */
enum slo_metrics {
	SLO_METRICS_OTEL,	  /* the collector's spanmetrics connector */
	SLO_METRICS_OTEL_SECONDS, /* the same, where it measures in seconds */
	SLO_METRICS_OTEL_OLD,	  /* before its namespace had a default */
	SLO_METRICS_TEMPO,	  /* the metrics generator of Tempo */
};

struct slo_form {
	enum slo_metrics metrics;
	int64_t window_us; /* over which an objective holds: days */
};

void slo_write_json(const struct slo_proposal *proposal, const struct slo_form *form,
		    struct buf *out);
/* OpenSLO v1: a Service for each service, an SLO for each objective. */
void slo_write_openslo(const struct slo_proposal *proposal, const struct slo_form *form,
		       struct buf *out);
/* Sloth, prometheus/v1: a document for each service. */
void slo_write_sloth(const struct slo_proposal *proposal, const struct slo_form *form,
		     struct buf *out);

#endif
