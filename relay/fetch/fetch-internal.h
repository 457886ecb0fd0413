/*
 * What the files of the fetching side share: a job (one alert) holds look-ups (one trace id, one
 * search, one question for exemplars); a look-up puts its question to the sources in turn; an
 * inquiry is one question at one source, shared by all look-ups that ask the same; and what would
 * hold the loop is a task of the pool.
 */
#ifndef TRACEPAGER_FETCH_INTERNAL_H
#define TRACEPAGER_FETCH_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "tracepager/buf.h"
#include "tracepager/fetch.h"
#include "tracepager/hash.h"
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
/* Is it the trace, or one of the signal? In a failing one a span of the signal fails, in a healthy
 * one none does, whatever happens elsewhere in it: that is what backends compare, too. */
bool trace_answers(const struct trace *trace, const struct trace_query *query);

/* task.c */

struct inquiry;
struct task;

/* Of a decoded document those traces that answer a query. One trace alone is the one that was asked
 * for by its id, even if the source writes ids in another way. Of a search the newest are taken, as
 * many as it wants: sources send them in any order, and more of them than that. */
struct decoded {
	struct trace_set *set; /* NULL: error says why */
	const struct trace *traces[LIMIT_TRACES_PER_ALERT];
	size_t ntraces;
	int error; /* as of trace_decoder_finish() */
	struct err err;
};

/* The decoder is at its end, not freed. */
void decode_finish(struct trace_decoder *decoder, const struct trace_query *query,
		   struct decoded *ret_decoded);

/* One of the two is called on the loop, unless the task is dropped. Sets are taken by the receiver.
 */
struct task_done {
	void (*decoded)(struct inquiry *inquiry, struct decoded *decoded);
	void (*searched)(struct inquiry *inquiry, struct files_answer *answer);
};

struct task_env {
	struct pool *pool;
	const struct trace_query *query; /* copied, as all that the thread needs */
	const struct trace_options *options;
	const struct task_done *done;
};

/* Takes the decoder. */
struct task *task_decode(struct inquiry *inquiry, const struct task_env *env,
			 struct trace_decoder *decoder);
struct task *task_search(struct inquiry *inquiry, const struct task_env *env, const char *path);
void task_drop(struct task *task); /* takes NULL; it ends by itself, unheard */

/* pace.c: a bucket that fills by one place each pause. */

struct pace {
	int64_t full_us; /* mono: when all places will be free again */
};

/* Takes the next place; how long until it is there, 0: it is. */
int64_t pace_take(struct pace *pace, int64_t pause_us, unsigned int burst, int64_t now_us);
void pace_give_back(struct pace *pace, int64_t pause_us);

/* inquiry.c */

enum answer_kind {
	ANSWER_NONE, /* nothing yet */
	ANSWER_TRACES,
	ANSWER_IDS,
	ANSWER_NOT_FOUND,
	ANSWER_OTHER,	 /* there, and not what is wanted */
	ANSWER_FAILED,	 /* may be better next time */
	ANSWER_HOPELESS, /* it will say the same again */
	ANSWER_TOO_LARGE,
	ANSWER_BAD,
};

/* All of it is borrowed from the inquiry; a set that is kept gets a reference. */
struct inquiry_answer {
	enum answer_kind kind;
	char text[200]; /* "answered 500" */
	struct fetched_set *sets[LIMIT_TRACES_PER_ALERT];
	size_t nsets;
	const struct trace *traces[LIMIT_TRACES_PER_ALERT]; /* in the order of their sets */
	size_t ntraces;
	const char *const *ids;
	size_t nids;
};

struct lookup;

/* A question that is under way is joined. true: lookup_answered() follows, unless the look-up
 * leaves. false: it was answered at once, see *ret_answer, which then has no traces and no ids. */
bool inquiry_ask(struct lookup *lookup, size_t source, const struct trace_query *query,
		 struct inquiry_answer *ret_answer);
void inquiry_leave(struct lookup *lookup); /* harmless for one that waits for none */

/* lookup.c */

/* Where an alert's traces come from, best first. A later one is asked once the earlier ones have
 * had their chance. */
enum lookup_stage {
	STAGE_NAMED,	 /* ids in the alert */
	STAGE_EXEMPLARS, /* ids that the alert's metrics carry */
	STAGE_SEARCH,	 /* the search, and the ids that it gave */
	STAGE_COUNT,
};

struct last_answer {
	enum answer_kind kind;
	unsigned int tries;
	char text[200];
};

enum lookup_state {
	LOOKUP_WAITING, /* for its turn */
	LOOKUP_ASKING,	/* an inquiry is under way, with its own timeout */
	LOOKUP_PAUSED,	/* its timer is armed */
	LOOKUP_FOUND,
	LOOKUP_ENDED, /* nothing more to try */
};

#define EVERY_SOURCE SIZE_MAX

struct lookup {
	struct fetch_job *job;
	enum lookup_stage stage;
	const char *trace_id; /* NULL: the search, or the exemplars */
	size_t only;	      /* the one source that is asked; EVERY_SOURCE */
	enum lookup_state state;
	unsigned int rounds;	     /* of all sources that are over */
	size_t source;		     /* the one that is asked */
	struct last_answer *answers; /* one of each source */
	int64_t began_us, last_us;   /* mono: the first round's start, the last answer */
	struct timer timer;
	struct inquiry *inquiry; /* under way; NULL: none */
	TAILQ_ENTRY(lookup) of_inquiry;
};

void lookup_init(struct lookup *lookup, struct fetch_job *job, enum lookup_stage stage,
		 const char *trace_id, size_t only);
void lookup_fini(struct lookup *lookup);
void lookup_start(struct lookup *lookup);
void lookup_answered(struct lookup *lookup, const struct inquiry_answer *answer);
void lookup_end(struct lookup *lookup); /* nothing of it is wanted any more */
bool lookup_over(const struct lookup *lookup);
bool lookup_asked(const struct lookup *lookup); /* has it been put to a source? */
bool lookup_heard(const struct lookup *lookup); /* has a source answered? */
/* Why it has no trace. */
enum fallback_code lookup_missing(const struct lookup *lookup, struct buf *text);

/* fetch.c */

/* Rounds that a look-up has had; those that had as many or more are of the last level. */
#define FETCH_LEVELS 6

struct source_state {
	struct pace pace;
	int64_t held_until_us; /* mono: it wants no question before */
};

struct fetch {
	struct fetch_env env;
	struct source_config *sources;
	size_t nsources;
	struct source_state *states; /* one of each source */
	struct map *inquiries;	     /* under way, by their question */
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
	struct trace_query search; /* signal, window, limit; of exemplars too */
	const char *expr;	   /* of exemplars; NULL: none are asked for */
	struct labels labels;
	struct trace_options options;
	struct lookup *lookups; /* in the order of their stages; ids that were found come last */
	size_t nlookups;
	enum lookup_stage stage; /* of the traces that it has */
	struct fetch_result result;
	struct buf text; /* of the last explanation */
	fetch_done *done;
	void *ctx;
};

/* Does a source of this kind answer these questions: SOURCE_BY_ID, SOURCE_SEARCH …? */
bool source_answers(const struct source_config *source, unsigned int what);
/* A look-up has come to a pause, out of one, or to its end: starts others, or ends the job. */
void job_check(struct fetch_job *job);
/* The look-up has its trace: what looks elsewhere is needless. */
void job_settle(struct fetch_job *job, const struct lookup *found);
/* Of the answer's traces those count that the filter lets through (NULL: all); false: there is
 * none. */
bool job_take(struct fetch_job *job, const struct trace_query *filter,
	      const struct inquiry_answer *answer);
/* Look up what a search, or the exemplars, have found; false: there is nothing new. */
bool job_add_ids(struct fetch_job *job, const struct lookup *from,
		 const struct inquiry_answer *answer);
void signal_copy(struct arena *arena, const struct signal *signal, struct signal *ret_signal);
void query_copy(struct arena *arena, const struct trace_query *query, struct signal *ret_signal,
		struct trace_query *ret_query);
void options_copy(struct arena *arena, const struct trace_options *options,
		  struct trace_options *ret_options);

#endif
