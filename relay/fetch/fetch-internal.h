/*
 * What the files of relay/fetch share, from the lowest to the highest: a task runs in the pool what
 * would hold the loop; an inquiry is one question at one source, shared by all who ask the same; a
 * look-up puts one question (a trace id, a search, exemplars) to the sources in turn; a job (one
 * alert) holds look-ups. Each knows those below it; inquiries and look-ups report upwards through
 * the callbacks that they are given. Loop thread, unless said otherwise.
 */
#ifndef TRACEPAGER_FETCH_INTERNAL_H
#define TRACEPAGER_FETCH_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "query-internal.h"
#include "tracepager/buf.h"
#include "tracepager/fetch.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"

/* ---- files.c: a directory of trace files as a source ---- */

struct files_query {
	const char *path;
	struct trace_query query;
	struct trace_options options;
	const atomic_bool *stop; /* set by the loop: stop reading, nobody wants the answer */
};

struct files_answer {
	/* The caller frees them; each holds a matching trace. */
	struct trace_set *sets[LIMIT_TRACES_PER_ALERT];
	size_t nsets;
	/* The matching traces, in the order of their sets. */
	const struct trace *traces[LIMIT_TRACES_PER_ALERT];
	size_t ntraces;
	size_t nfiles;	/* files read */
	size_t nbad;	/* of these, files that cannot be read as traces */
	struct err err; /* code not 0: the directory cannot be read */
};

/* Read the files in order of their names until the query's limit is reached. The time window of a
 * search does not count: files do not age. Blocks on the disk: call it in a thread of the pool. */
void files_find(const struct files_query *query, struct files_answer *ret_answer);

/* ---- task.c: what an inquiry has done in the pool ---- */

struct inquiry;
struct task;

/* The traces of a decoded document that answer a query. A document with one trace answers a query
 * by id even if the source writes the id in another way. Of a search the newest traces are taken,
 * as many as the query wants: sources send them in any order, and more than asked for. */
struct decoded {
	struct trace_set *set; /* NULL: err says why */
	const struct trace *traces[LIMIT_TRACES_PER_ALERT];
	size_t ntraces;
	int error; /* of trace_decoder_finish() */
	struct err err;
};

/* Finish a decoder that has been fed the whole document; the caller frees it. Any thread. */
void decode_finish(struct trace_decoder *decoder, const struct trace_query *query,
		   struct decoded *ret_decoded);

/* Exactly one of the two is called on the loop, unless the task is dropped. The receiver takes the
 * sets; the rest is borrowed. */
struct task_done {
	void (*decoded)(struct inquiry *inquiry, struct decoded *decoded);
	void (*searched)(struct inquiry *inquiry, struct files_answer *answer);
};

struct task_env {
	struct pool *pool;
	const struct trace_query *query; /* copied, as the options are */
	const struct trace_options *options;
	const struct task_done *done;
};

/* Takes the decoder. */
struct task *task_decode(struct inquiry *inquiry, const struct task_env *env,
			 struct trace_decoder *decoder);
struct task *task_search(struct inquiry *inquiry, const struct task_env *env, const char *path);
/* The task runs to its end in the pool and frees itself; nobody is called. Takes NULL. */
void task_drop(struct task *task);

/* ---- pace.c: how often a source may be asked; pure ---- */

/* A bucket of `burst` places that regains one place each pause_us. */
struct pace {
	int64_t full_us; /* monotonic: when all places will be free again */
};

/* Take the next place. Microseconds until it is free; 0: now. */
int64_t pace_take(struct pace *pace, int64_t pause_us, unsigned int burst, int64_t now_us);
/* Give back a place that was taken and not used. */
void pace_give_back(struct pace *pace, int64_t pause_us);

/* ---- source_health.c: whether a source is well, and when to say so; pure ---- */

/* Zeroed: it is well. A source is well again when it answers LIMIT_SOURCE_WELL_US or more after the
 * last question that failed. */
struct source_health {
	bool fails;
	int64_t failed_us;    /* monotonic: the last question that failed */
	int64_t told_us;      /* monotonic: when it was told last that it fails */
	unsigned int nfailed; /* questions that have failed since it was well */
};

enum source_news {
	SOURCE_NO_NEWS,
	SOURCE_FAILS,	      /* it was well */
	SOURCE_FAILS_STILL,   /* each LIMIT_SOURCE_TOLD_US */
	SOURCE_ANSWERS_AGAIN, /* nfailed questions had failed */
};

/* A question was answered, also with "not found", or has failed. Returns what is worth a line. */
enum source_news source_health_note(struct source_health *health, bool answered, int64_t now_us);

/* ---- the fetcher ---- */

/* Levels of waiting jobs: the rounds that a job's next look-up has had; the last level holds all
 * that have had more. */
#define FETCH_LEVELS 6

struct source_state {
	struct pace pace;
	int64_t held_until_us; /* monotonic: the source refuses questions until then */
	struct metric_series *series;
	struct source_health health;
};

struct fetch {
	struct fetch_env env;
	struct source_config *sources;
	size_t nsources;
	struct source_state *states; /* one for each source */
	struct map *inquiries;	     /* under way or kept, by their question */
	/* Inquiries whose answers are kept, the oldest first, and their number and bytes. */
	TAILQ_HEAD(, inquiry) kept;
	size_t nkept, kept_bytes;
	TAILQ_HEAD(, inquiry) answered; /* inquiries whose answer has askers left */
	struct inquiry *handing_out;	/* an asker reads its answer */
	TAILQ_HEAD(, fetch_job) ending; /* jobs whose result is to be handed over */
	struct timer hand_out;		/* armed for now if there are answered or ending ones */
	TAILQ_HEAD(, fetch_job) waiting[FETCH_LEVELS];
	size_t running;	      /* jobs in state JOB_RUNNING */
	size_t running_again; /* of these, jobs of a level above 0 */
	struct timer timer;   /* armed for now when a waiting job may start */
};

/* ---- inquiry.c ---- */

enum answer_kind {
	ANSWER_NONE, /* no answer yet */
	ANSWER_TRACES,
	ANSWER_IDS,
	ANSWER_NOT_FOUND,
	ANSWER_OTHER,	 /* the source has traces, but none that the job wants */
	ANSWER_FAILED,	 /* the next try may do better */
	ANSWER_HOPELESS, /* the next try would fail the same way */
	ANSWER_TOO_LARGE,
	ANSWER_BAD, /* the source sent what is no trace */
};

/* Borrowed from the inquiry during the callback; a set that is kept needs a reference. */
struct inquiry_answer {
	enum answer_kind kind;
	char text[200]; /* the reason, behind the source's name: "answered HTTP 500" */
	struct fetched_set *sets[LIMIT_TRACES_PER_ALERT];
	size_t nsets;
	const struct trace *traces[LIMIT_TRACES_PER_ALERT]; /* in the order of their sets */
	size_t ntraces;
	const char *const *ids;
	size_t nids;
};

/* One who waits for an inquiry's answer. The caller's memory, which must outlive the waiting. */
struct inquiry_asker {
	void (*answered)(void *arg, const struct inquiry_answer *answer);
	/* The asker that led the inquiry has left; this one leads it now. */
	void (*leads)(void *arg);
	void *arg;
	struct inquiry *inquiry;   /* NULL: it waits for none */
	struct span_context trace; /* that of its question */
	int64_t asked_us;	   /* monotonic */
	TAILQ_ENTRY(inquiry_asker) link;
};

/* Does a source of this kind answer these questions: SOURCE_BY_ID, SOURCE_SEARCH …? */
bool source_answers(const struct source_config *source, unsigned int questions);

/* What a source is asked. */
struct inquiry_question {
	size_t source; /* an index into fetch->sources */
	const struct trace_query *query;
	const struct trace_options *options;
	int64_t after_us; /* monotonic: an answer that came by then is not wanted; 0: any is */
	struct span_context trace; /* the relay's own span that asks; zeroed: none */
};

/* Ask a source; the question is copied. A question that is under way is joined, and a kept answer
 * is taken. true: answered() follows, once, by the hand-out, unless the asker leaves. false: it was
 * answered at once in *ret_answer, which has neither traces nor ids. */
bool inquiry_ask(struct fetch *fetch, struct inquiry_asker *asker,
		 const struct inquiry_question *question, struct inquiry_answer *ret_answer);
/* Wait no longer. The inquiry is dropped with its last asker unless it is answered. No-op for one
 * that does not wait. */
void inquiry_leave(struct inquiry_asker *asker);
/* Does the asker wait for a source, as the first who asked? */
bool inquiry_is_led_by(const struct inquiry_asker *asker);
/* Does the asker wait for an answer that others have waited for, too? */
bool inquiry_is_shared(const struct inquiry_asker *asker);
/* Is the question under way, or its answer kept? */
bool inquiry_is_asked(const struct fetch *fetch, const struct inquiry_question *question);

/* Have answers and results handed out, in slices, from the next turn of the loop on. */
void hand_out_soon(struct fetch *fetch);
/* Hand one asker its answer. false: none waits for an answer that is there. */
bool inquiry_hand_out(struct fetch *fetch);
/* Drop all kept answers. */
void inquiry_forget_all(struct fetch *fetch);

/* ---- lookup.c ---- */

/* Where an alert's traces come from, best first. A stage is asked once the earlier ones have had
 * their rounds. */
enum lookup_stage {
	STAGE_NAMED,	 /* ids in the alert */
	STAGE_EXEMPLARS, /* ids that the alert's metrics carry */
	STAGE_SEARCH,	 /* the search, and the ids that it gave */
	STAGE_COUNT,
};

struct last_answer {
	enum answer_kind kind;
	unsigned int tries;
	int64_t at_us; /* monotonic */
	char text[200];
};

enum lookup_state {
	LOOKUP_WAITING, /* for its job to start it */
	LOOKUP_ASKING,	/* an inquiry is under way, which has a timeout of its own */
	LOOKUP_PAUSED,	/* between two rounds; its timer is armed */
	LOOKUP_FOUND,
	LOOKUP_ENDED, /* without a trace: there is nothing more to try */
};

#define EVERY_SOURCE SIZE_MAX

struct lookup;

/* How a look-up reports to its job. */
struct lookup_ops {
	/* A source has answered with traces or ids. true: the job has taken some of them, and the
	 * look-up has found. false: none counts for the job. The answer is borrowed. */
	bool (*take)(struct lookup *lookup, const struct inquiry_answer *answer);
	/* The look-up has come to a pause, out of one, or to its end. The job does not free
	 * it during the call. */
	void (*changed)(struct lookup *lookup);
	/* The look-up shared a question, and is the first now that waits for its answer. */
	void (*leads)(struct lookup *lookup);
};

struct lookup {
	struct fetch_job *job; /* its query, deadline and traces are read; see fetch_job */
	const struct lookup_ops *ops;
	enum lookup_stage stage;
	const char *trace_id; /* NULL: the search, or the exemplars */
	size_t only_source;   /* the one source that is asked; EVERY_SOURCE */
	enum lookup_state state;
	unsigned int rounds;	     /* finished, each over all sources */
	size_t source;		     /* the source whose turn it is */
	struct last_answer *answers; /* one for each source */
	int64_t began_us, last_us;   /* monotonic: start of the first round, last answer */
	struct timer timer;
	struct inquiry_asker asker;
};

void lookup_init(struct lookup *lookup, struct fetch_job *job, const struct lookup_ops *ops,
		 enum lookup_stage stage, const char *trace_id, size_t only_source);
void lookup_fini(struct lookup *lookup);
/* Begin the next round. */
void lookup_start(struct lookup *lookup);
/* End a look-up whose trace is not wanted any more. */
void lookup_end(struct lookup *lookup);
/* Has it found or ended? */
bool lookup_is_over(const struct lookup *lookup);
/* Has it been put to a source? */
bool lookup_was_asked(const struct lookup *lookup);
/* Has a source answered? */
bool lookup_was_answered(const struct lookup *lookup);
/* Does a source work for this look-up, and not only for one that asked the same before? */
bool lookup_leads(const struct lookup *lookup);
/* Will the look-up get an answer that others wait for, or that is kept? */
bool lookup_is_shared(const struct lookup *lookup);
/* Does this round want failing traces only? */
bool lookup_wants_failing(const struct lookup *lookup);
/* Append why it has no trace. */
enum fallback_code lookup_explain(const struct lookup *lookup, struct buf *text);

/* ---- fetch.c: jobs ---- */

enum job_state {
	JOB_RESTING, /* all its look-ups pause, are over, or wait for answers to others */
	JOB_WAITING, /* for a place among the running jobs */
	JOB_RUNNING, /* it asks sources */
};

struct fetch_job {
	TAILQ_ENTRY(fetch_job) link;	 /* in fetch->waiting[level] */
	TAILQ_ENTRY(fetch_job) end_link; /* in fetch->ending */
	bool ending;			 /* its result is to be handed over */
	struct fetch *fetch;
	struct arena *arena;
	enum job_state state;
	unsigned int level;
	int64_t deadline_us, enough_us; /* monotonic; as in fetch_request */
	struct timer timer;		/* the deadline, or enough_us */
	struct signal signal;
	struct trace_query search; /* signal, window, limit; of exemplars too */
	const char *expr;	   /* of exemplars; NULL: exemplars are not asked for */
	struct labels labels;
	struct trace_options options;
	struct lookup *lookups; /* by stage; ids that a look-up found are appended */
	size_t nlookups;
	enum lookup_stage stage; /* of the traces in the result */
	struct fetch_result result;
	struct buf text;	   /* of the last explanation */
	struct span_context trace; /* the relay's own span; zeroed: none */
	fetch_done *done;
	void *ctx;
};

#endif
