/*
 * What the files of the fetching side share: a job (one alert) holds look-ups (one trace id, or one
 * search), a look-up asks the sources in turn, and what would hold the loop is a task of the pool.
 */
#ifndef TRACEPAGER_FETCH_INTERNAL_H
#define TRACEPAGER_FETCH_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "tracepager/buf.h"
#include "tracepager/fetch.h"
#include "tracepager/limits.h"

/* The same trace, however its id was written: case and leading zeros do not count (some sources
 * drop them). */
bool trace_id_equal(const char *a, const char *b);

/* files.c: what a directory of trace files has for a query. */
struct files_query {
	const char *path;
	struct trace_query query;
	struct trace_options options;
	const atomic_bool *stop; /* set: the answer is not wanted any more */
};

struct files_answer {
	/* The caller's to free; each holds a match. */
	struct trace_set *sets[LIMIT_TRACES_PER_ALERT];
	size_t nsets;
	/* The matches, in the order of their sets. */
	const struct trace *traces[LIMIT_TRACES_PER_ALERT];
	size_t ntraces;
	size_t nfiles, nbad; /* read; of them not readable as traces */
	struct err err;	     /* code 0; else the directory cannot be read */
};

/* Reads the files in order of name until the query's limit is reached. The window of a search does
 * not count: files do not age. Blocks on the disk: for a thread of the pool. */
void files_find(const struct files_query *query, struct files_answer *ret_answer);
/* Is it the trace, or one of the signal (failing, if that is wanted)? */
bool trace_answers(const struct trace *trace, const struct trace_query *query);

/* task.c */

struct lookup;
struct task;

/* One of the two is called on the loop, unless the task is dropped. set: taken by the receiver. */
struct task_done {
	void (*decoded)(struct lookup *lookup, struct trace_set *set, int error,
			const struct err *err);
	void (*searched)(struct lookup *lookup, struct files_answer *answer);
};

/* Takes the decoder. */
struct task *task_decode(struct lookup *lookup, struct trace_decoder *decoder,
			 const struct task_done *done);
/* Copies all that it needs: it may outlive its job. */
struct task *task_search(struct lookup *lookup, const struct source_config *source,
			 const struct trace_query *query, const struct task_done *done);
void task_drop(struct task *task); /* takes NULL; it ends by itself, unheard */

/* lookup.c */

/* What a source said last. */
enum answer_kind {
	ANSWER_NONE, /* nothing yet */
	ANSWER_NOT_FOUND,
	ANSWER_FAILED,	 /* may be better next time */
	ANSWER_HOPELESS, /* it will say the same again */
	ANSWER_TOO_LARGE,
	ANSWER_BAD,
};

struct answer {
	enum answer_kind kind;
	unsigned int tries;
	char text[200]; /* "answered 500" */
};

enum lookup_state {
	LOOKUP_WAITING, /* for its turn */
	LOOKUP_ASKING,	/* a request or a task is under way, with its own timeout */
	LOOKUP_PAUSED,	/* its timer is armed */
	LOOKUP_FOUND,
	LOOKUP_ENDED, /* nothing more to try */
};

struct lookup {
	struct fetch_job *job;
	const char *trace_id; /* NULL: a search */
	enum lookup_state state;
	unsigned int rounds;	   /* of all sources that are over */
	size_t source;		   /* the one that is asked */
	unsigned int attempt;	   /* requests of this round to it */
	struct answer *answers;	   /* one of each source */
	int64_t began_us, last_us; /* mono: the first round's start, the last answer */
	struct timer timer;
	/* The request under way. */
	int64_t asked_us;
	struct http_call *call;
	struct task *task;
	enum trace_encoding encoding;
	struct trace_decoder *decoder;
	size_t body_bytes;
	int status;	 /* once the body has begun */
	struct buf body; /* of an answer that is no trace */
	int error;	 /* of the decoder */
	bool refused;	 /* the exchange was ended by us */
	struct err err;
};

void lookup_init(struct lookup *lookup, struct fetch_job *job, const char *trace_id);
void lookup_fini(struct lookup *lookup);
void lookup_start(struct lookup *lookup);
void lookup_end(struct lookup *lookup); /* nothing of it is wanted any more */
bool lookup_over(const struct lookup *lookup);
bool lookup_heard(const struct lookup *lookup); /* has a source answered? */
/* Why it has no trace. */
enum fallback_code lookup_missing(const struct lookup *lookup, struct buf *text);

/* fetch.c */

/* Rounds that a look-up has had; those that had as many or more are of the last level. */
#define FETCH_LEVELS 6

struct fetch {
	struct fetch_env env;
	const struct source_config *sources;
	size_t nsources;
	TAILQ_HEAD(, fetch_job) waiting[FETCH_LEVELS];
	size_t running, again; /* jobs that ask; of these, those of a level above 0 */
	struct timer timer;    /* now, when there is room for one that waits */
};

enum job_state {
	JOB_RESTING, /* all its look-ups pause, or are over */
	JOB_WAITING, /* for room */
	JOB_RUNNING, /* asks */
};

struct fetch_job {
	TAILQ_ENTRY(fetch_job) link; /* in the list of those that wait, of its level */
	struct fetch *fetch;
	struct arena *arena;
	enum job_state state;
	unsigned int level;
	int64_t deadline_us, enough_us;
	struct timer timer; /* the deadline; now, once all is over */
	struct signal signal;
	struct trace_query search; /* signal, window, limit */
	struct trace_options options;
	struct lookup *lookups; /* by id, then the search */
	size_t nlookups, nids;
	size_t bytes; /* of documents, all look-ups together */
	struct fetch_result result;
	struct buf text; /* of the last explanation */
	fetch_done *done;
	void *ctx;
};

/* A look-up has come to a pause, out of one, or to its end: starts others, or ends the job. */
void job_check(struct fetch_job *job);
/* The look-up has its trace: ids make the search needless, and the other way round. */
void job_settle(struct fetch_job *job, const struct lookup *found);
/* Takes the set. Of its traces those count that the filter lets through (NULL: all); false: there
 * is none. */
bool job_take(struct fetch_job *job, const struct trace_query *filter, struct trace_set *set);
/* Takes the sets of the answer. */
void job_take_files(struct fetch_job *job, const struct files_answer *answer);
void signal_copy(struct arena *arena, const struct signal *signal, struct signal *ret_signal);
void options_copy(struct arena *arena, const struct trace_options *options,
		  struct trace_options *ret_options);

#endif
