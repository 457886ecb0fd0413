/*
 * History: the stored decisions with their traces and rules, read beside a running relay. It never
 * writes, and holds no lock between two calls, so that the relay is not delayed. It does not unpack
 * documents: the caller does with pack.h, on any thread.
 *
 * It owns its connection; what it fills in is the caller's. One thread at a time may use a history.
 */
#ifndef TRACEPAGER_HISTORY_H
#define TRACEPAGER_HISTORY_H

#include "tracepager/buf.h"
#include "tracepager/err.h"
#include "tracepager/store.h"

/* Packed bytes on the heap. */
struct blob {
	char *data;
	size_t len; /* 0: none */
};

/* One decision. It owns its memory; past_fini() frees it. */
struct past {
	int64_t id, at_us;
	char *incident, *team, *rules, *alert_key;
	enum stored_traces kept; /* STORED_TRACES_LOST too where retention removed them */
	struct blob alert;	 /* alert_write(); none: an older version stored the decision */
	struct blob decision;	 /* decision_write() */
	struct blob traces;	 /* OTLP protobuf */
	struct blob healthy;	 /* evidence_encode_both() */
};
void past_fini(struct past *past);

struct history;

/* 0 or -errno with err, which names the path and the cure: -ENOENT: no such file; -EINVAL: no file
 * of ours, or of another version; -EBADMSG: damaged. */
int history_open(const char *path, struct history **ret_history, struct err *err);
void history_close(struct history *history); /* takes NULL */

/* The next decision made from since_us to before until_us (wall time), in the order in which they
 * were stored; *pos starts at 0. 1: filled in; 0: no more; -errno with err. */
int history_next(struct history *history, int64_t since_us, int64_t until_us, int64_t *pos,
		 struct past *ret_past, struct err *err);
/* The same without alert, traces and healthy evidence, which stay empty, for whoever counts
 * decisions; kept says nothing. */
int history_next_outcome(struct history *history, int64_t since_us, int64_t until_us, int64_t *pos,
			 struct past *ret_past, struct err *err);
typedef bool history_decision_reader(void *ctx, const struct past *past);
/* Calls each() for the decisions of a team ("": of all) made from since_us to before until_us, the
 * one stored last first, from behind the one of that number (0: from the first), until each()
 * returns false. Their traces and healthy evidence stay empty, but kept is true. What each() gets
 * is borrowed until it returns. 0 or -errno with err. */
int history_decisions(struct history *history, int64_t since_us, int64_t until_us, const char *team,
		      int64_t before_id, history_decision_reader *each, void *ctx, struct err *err);
/* How many decisions history_next() gives for the same times. 0 or -errno with err. */
int history_count(struct history *history, int64_t since_us, int64_t until_us, int64_t *ret_count,
		  struct err *err);
/* A decision by its number, or by an incident's id: its last decision with traces, else its last
 * one. 1: filled in; 0: unknown; -errno with err. */
int history_find(struct history *history, const char *id, struct past *ret_past, struct err *err);

/* Calls each() with counts by team ("": unknown) since since_us, fire drills left out: of incidents
 * "opened", "acknowledged" and "resolved", and of pages made since then "delivered" and "rejected".
 * 0 or -errno with err. */
int history_figures(struct history *history, int64_t since_us,
		    void (*each)(void *ctx, const char *team, const char *what, int64_t n),
		    void *ctx, struct err *err);

/* An event of an incident's story, with what the incident's row says now. */
struct past_event {
	const char *incident, *team; /* id; the team that has it */
	int64_t opened_us, at_us;    /* of the incident; of the event */
	const char *event, *who, *text;
};
/* Calls each() for the events of all incidents that were opened since since_us, but for those of
 * fire drills, in the order in which they were stored. The texts are borrowed until each() returns.
 * 0 or -errno with err. */
int history_events(struct history *history, int64_t since_us,
		   void (*each)(void *ctx, const struct past_event *event), void *ctx,
		   struct err *err);

/* An incident as the store keeps it. Texts are borrowed until the callback returns. */
struct past_incident {
	const char *id, *key, *team;
	bool open;		      /* it has not ended, or not all recipients know of its end */
	int64_t opened_us, closed_us; /* closed 0: it has not ended */
	/* page_write() of its last page; of one that is over, the facts of one line each. "" where
	 * an older version closed it. */
	const char *page;
	size_t page_len;
};
typedef bool history_incident_reader(void *ctx, const struct past_incident *incident);

/* An incident by its id. 1: each() was called with it; 0: unknown; -errno with err. */
int history_incident(struct history *history, const char *id, history_incident_reader *each,
		     void *ctx, struct err *err);
/* Calls each() for incidents that are over and told to all, the one that ended last first, from
 * behind the one that ended at that time with that id, until each() returns false. before_us
 * INT64_MAX: from the first. 0 or -errno with err. */
int history_closed(struct history *history, int64_t before_us, const char *before_id,
		   history_incident_reader *each, void *ctx, struct err *err);
/* Calls each() for the events of an incident, in their order; at most the first
 * LIMIT_STORY_EVENTS. An event's texts are borrowed until each() returns. 0 or -errno with err. */
int history_story(struct history *history, const char *incident,
		  void (*each)(void *ctx, const struct stored_event *event), void *ctx,
		  struct err *err);

/* When the store has its first event or rules from; unchanged where it has neither. 0 or -errno
 * with err. */
int history_began(struct history *history, int64_t *ret_us, struct err *err);

/* A file of a version of the rules. Unpacked, a version is file after file: name and length as
 * texts with a NUL behind each, then the text. */
struct rule_file {
	const char *name, *text;
	size_t len;
};
/* Adds the packed files to out; out->failed says that they did not fit. */
void rule_texts_pack(const struct rule_file *files, size_t n, struct buf *out);
/* Unpacks into opened, from which names and texts are borrowed; caller frees *ret_files. Returns
 * how many; -E2BIG: over a cap, -EBADMSG: damaged, with err. */
int rule_texts_open(const char *packed, size_t len, struct buf *opened,
		    struct rule_file **ret_files, struct err *err);
/* A version of the rules, packed, by its hash; NULL: the version last in use. Caller frees
 * ret_texts->data. 1: filled in; 0: unknown; -errno with err. */
int history_rules(struct history *history, const char *hash, struct blob *ret_texts,
		  struct err *err);

/* Pages that a pager rejected, counted by pager, with the time and the error of the last one. */
struct refusal {
	const char *pager, *error; /* borrowed until the callback returns */
	int64_t n, last_us;
};
/* Calls each() for every pager that has rejected pages since since_us, the most rejections first. 0
 * or -errno with err. */
int history_refusals(struct history *history, int64_t since_us,
		     void (*each)(void *ctx, const struct refusal *refusal), void *ctx,
		     struct err *err);

#endif
