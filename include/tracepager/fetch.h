/*
 * Fetch: finds and gets the traces of one alert: by the ids that it carries, else by those that its
 * metrics carry (exemplars), else by a search for failing traces of its signal; the later ones also
 * stand in for ids that are not found twice. Asks the sources in order; one source's failure falls
 * to the next; a trace that is not there yet is asked for again until the deadline.
 *
 * Work is bounded: LIMIT_ENRICHING alerts ask at a time. The others wait, those that have asked
 * least before those that ask again. A question that several alerts have at the same time is put
 * once, and its answer is shared. Searches are paced, each source by its own rate.
 */
#ifndef TRACEPAGER_FETCH_H
#define TRACEPAGER_FETCH_H

#include "tracepager/clock.h"
#include "tracepager/http.h"
#include "tracepager/locate.h"
#include "tracepager/pool.h"
#include "tracepager/signal.h"
#include "tracepager/timers.h"
#include "tracepager/trace_source.h"
#include "tracepager/walk.h"

struct fetch;
struct fetch_job;

struct fetch_env {
	const struct http_transport *transport;
	struct timers *timers;
	const struct clock *clock;
	struct pool *pool;
	struct trace_memory *memory;
	double (*random)(void); /* 0 to 1; NULL: random_unit(). Tests give their own */
};

struct fetch_request {
	const char *const *trace_ids; /* in the alert, see locate_trace_ids() */
	size_t ntrace_ids;
	const struct signal *signal; /* NULL: ids only */
	const char *expr;	     /* locate_expr(), for exemplars; NULL: none */
	const struct labels *labels; /* the alert's, to choose among exemplars; with expr */
	/* wall: the window of a search and of exemplars. It is widened to whole LIMIT_WINDOW_US, so
	 * that alerts of one storm ask the same. */
	int64_t from_us, to_us;
	bool healthy;		 /* traces in which no span of the signal fails are wanted */
	int64_t min_duration_us; /* of a search; 0: any */
	unsigned int limit;	 /* traces wanted; at most LIMIT_TRACES_PER_ALERT */
	int64_t deadline_us;	 /* mono: done() is called by then, with what there is */
	int64_t enough_us; /* mono: if there is a trace before, by then already; 0: no such time */
	const char *const *extra_names; /* span attributes that the rules name */
	size_t nextra_names;
};

/* A set of traces that alerts may share; only the loop counts its references. */
struct fetched_set {
	struct trace_set *set;
	unsigned int refs;
};
void fetched_set_unref(struct fetched_set *set); /* takes NULL; the last one frees the set */

struct fetch_result {
	/* The receiver takes each, and unrefs it; the list is borrowed during done(). */
	struct fetched_set **sets;
	size_t nsets;
	const struct trace *traces[64]; /* those that count, at most the limit; in the sets */
	size_t ntraces;
	/* Why there is none (or not all): TRACE_NOT_FOUND, NO_TRACE, TRACE_TOO_LARGE, BAD_TRACE,
	 * SOURCE_ERROR, BUDGET_SPENT; FALLBACK_NONE. */
	enum fallback_code missing;
	const char *text;		    /* a sentence; borrowed during done() */
	const struct source_config *source; /* that answered; NULL */
};

typedef void fetch_done(void *ctx, struct fetch_result *result);

/* sources: borrowed for the life of the fetcher, which reads their secrets again where the files
 * were written since. */
struct fetch *fetch_new(const struct fetch_env *env, struct source_config *sources,
			size_t nsources);
void fetch_free(struct fetch *fetch); /* no job may be left */
/* The request is copied. done() is called exactly once, never before this returns, unless
 * cancelled. */
struct fetch_job *fetch_start(struct fetch *fetch, const struct fetch_request *request,
			      fetch_done *done, void *ctx);
void fetch_cancel(struct fetch_job *job);
/* What is known so far, as a result's `missing` and `text` would say it: BUDGET_SPENT as long as no
 * source has answered. The text is borrowed until the next call with the job. */
enum fallback_code fetch_explain(struct fetch_job *job, const char **ret_text);

#endif
