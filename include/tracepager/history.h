/*
 * History: what the store kept of decisions, read beside a running relay. It never writes, takes no
 * lock that the relay would feel, and holds none between two calls.
 *
 * Documents come packed, as they are kept: opening them is work for whoever needs them, on any
 * thread (pack.h).
 */
#ifndef TRACEPAGER_HISTORY_H
#define TRACEPAGER_HISTORY_H

#include "tracepager/buf.h"
#include "tracepager/err.h"
#include "tracepager/store.h"

/* Packed; heap. */
struct blob {
	char *data;
	size_t len; /* 0: none */
};

/* One decision; all is its own memory. */
struct past {
	int64_t id, at_us;
	char *incident, *team, *rules, *alert_key;
	enum stored_traces kept; /* LOST too when their time was over */
	struct blob alert;	 /* alert_write(); none: kept by an older version */
	struct blob decision;	 /* decision_write() */
	struct blob traces;	 /* OTLP protobuf */
	struct blob healthy;	 /* evidence_encode() */
};
void past_fini(struct past *past);

struct history;

/* -ENOENT: no such file; -EINVAL: not ours, or of another version; -EBADMSG: damaged; the text
 * names path and cure. */
int history_open(const char *path, struct history **ret_history, struct err *err);
void history_close(struct history *history); /* takes NULL */

/* The decisions of [since, until), wall time, in the order in which they were made. *pos starts at
 * 0. 1: there is one; 0: no more; -errno. */
int history_next(struct history *history, int64_t since_us, int64_t until_us, int64_t *pos,
		 struct past *ret_past, struct err *err);
/* How many these are. 0 or -errno. */
int history_count(struct history *history, int64_t since_us, int64_t until_us, int64_t *ret_count,
		  struct err *err);
/* By the number of a decision, or by an incident's id: then the last of its decisions that has
 * traces, else the last. 1, 0: unknown, or -errno. */
int history_find(struct history *history, const char *id, struct past *ret_past, struct err *err);

/* The files of a version of the rules. Packed: a name and a length as texts, NUL behind each, then
 * the text; file after file. */
struct rule_file {
	const char *name, *text;
	size_t len;
};
void rule_texts_pack(const struct rule_file *files, size_t n, struct buf *out);
/* Texts are in `opened`, which the caller keeps; *ret_files is the caller's to free. Returns how
 * many, or -EBADMSG. */
int rule_texts_open(const char *packed, size_t len, struct buf *opened,
		    struct rule_file **ret_files, struct err *err);
/* Packed, by hash; NULL: those last in use. 1, 0: unknown, or -errno. */
int history_rules(struct history *history, const char *hash, struct blob *ret_texts,
		  struct err *err);

/* Pages that a pager refused for good, by pager: how many, the last time and what it said then. */
struct refusal {
	const char *pager, *error; /* borrowed until the callback returns */
	int64_t n, last_us;
};
int history_refusals(struct history *history, int64_t since_us,
		     void (*each)(void *ctx, const struct refusal *refusal), void *ctx,
		     struct err *err);

#endif
