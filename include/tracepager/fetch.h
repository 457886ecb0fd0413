/*
 * Fetch: finds and gets the traces of one alert: by the ids that it carries, else by ids that its
 * metrics carry (exemplars), else by a search for failing traces of its signal. Exemplars and
 * search also start once the alert's ids were not found in LIMIT_ROUNDS_BY_ID rounds. Each question
 * goes to the sources in order until one has the answer, and again after a pause, until the
 * deadline.
 *
 * LIMIT_ENRICHING alerts ask at a time; the others wait, those that have asked fewer rounds first.
 * A question that several alerts have at the same time is asked once, and its answer is shared. The
 * answer is kept for LIMIT_ANSWER_KEPT_US, "not found" and failures for LIMIT_NOT_FOUND_KEPT_US,
 * and given to alerts that ask the same later; an alert that asks again gets a new one. Searches
 * are paced, each source by its own rate. Refuses to decide what a trace means, and to wait beyond
 * a deadline. Owns jobs and answers; sources and the environment are borrowed. Loop thread only;
 * the pool decodes large documents.
 */
#ifndef TRACEPAGER_FETCH_H
#define TRACEPAGER_FETCH_H

#include "tracepager/clock.h"
#include "tracepager/http.h"
#include "tracepager/locate.h"
#include "tracepager/pool.h"
#include "tracepager/signal.h"
#include "tracepager/stage.h"
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
	double (*random)(void);	     /* 0 to 1, for pauses; NULL: random_unit() */
	const struct tracer *tracer; /* NULL: requests are not traced */
};

struct fetch_request {
	const char *const *trace_ids; /* of locate_trace_ids() */
	size_t ntrace_ids;
	const struct signal *signal; /* NULL: ids only */
	const char *expr;	     /* of locate_expr(), for exemplars; NULL: none */
	const struct labels *labels; /* the alert's, to choose among exemplars; set with expr */
	/* Wall time: the window of search and exemplars, widened to multiples of LIMIT_WINDOW_US,
	 * so that alerts of one storm ask equal questions. */
	int64_t from_us, to_us;
	bool healthy;		 /* want traces in which no span of the signal fails */
	bool ordinary;		 /* with healthy: they only explain; jobs without it come first */
	int64_t min_duration_us; /* of a search; 0: any */
	unsigned int limit;	 /* traces wanted; 0: 10; at most LIMIT_TRACES_PER_ALERT */
	int64_t deadline_us;	 /* monotonic: done() is called by then, with what was found */
	int64_t enough_us; /* monotonic: done() is called by then if a trace was found; 0: unused */
	const char *const *extra_names; /* span attributes that the rules name */
	size_t nextra_names;
	struct span_context trace; /* the relay's own span that asks; zeroed: none */
};

/* A set of traces that alerts may share. Only the loop counts references. */
struct fetched_set {
	struct trace_set *set;
	unsigned int refs;
};
/* The last reference frees the set. Takes NULL. */
void fetched_set_unref(struct fetched_set *set);

struct fetch_result {
	/* The receiver takes each set and unrefs it later; the list itself is borrowed. */
	struct fetched_set **sets;
	size_t nsets;
	const struct trace *traces[64]; /* the traces wanted, at most `limit`; in the sets */
	size_t ntraces;
	/* Why traces are missing: TRACE_NOT_FOUND, NO_TRACE, TRACE_TOO_LARGE, BAD_TRACE,
	 * SOURCE_ERROR, BUDGET_SPENT. FALLBACK_NONE: none is missing. */
	enum fallback_code missing;
	const char *text;		    /* the same as a sentence */
	const struct source_config *source; /* which had the traces; NULL: none */
};

/* The result is borrowed, but for its sets. */
typedef void fetch_done(void *ctx, struct fetch_result *result);

/* The env is copied; what it points to and the sources are borrowed until fetch_free(). Secrets of
 * sources are read again when their files have changed. */
struct fetch *fetch_new(const struct fetch_env *env, struct source_config *sources,
			size_t nsources);
/* No job may be left. Takes NULL. */
void fetch_free(struct fetch *fetch);
/* The request is copied. done() is called exactly once unless the job is cancelled, and never
 * before this returns; the job is freed after it. */
struct fetch_job *fetch_start(struct fetch *fetch, const struct fetch_request *request,
			      fetch_done *done, void *ctx);
/* Stop and free the job; done() is not called. */
void fetch_cancel(struct fetch_job *job);
/* Its question is under way for other jobs, too, or waits for its turn: an answer will come. */
bool fetch_is_shared(const struct fetch_job *job);
/* What a result's `missing` and `text` would say now: BUDGET_SPENT as long as no source has
 * answered. The text is borrowed until the next call for the job. */
enum fallback_code fetch_explain(struct fetch_job *job, const char **ret_text);

#endif
