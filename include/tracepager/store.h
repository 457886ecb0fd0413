/*
 * The store: accepted alerts, incidents, pages and decisions, kept across any crash. One interface;
 * SQLite is the embedded default. Writes are gathered in a batch; the store's own thread commits
 * several batches at once, and store_poll() reports their outcome on the loop. While the relay
 * runs, its memory decides; the store is what a restart reads.
 *
 * It does not judge or parse what it stores. It owns a batch from store_commit() to its completion.
 * All functions here are for the loop's thread. Times are wall times in microseconds; strings are
 * borrowed during a call.
 */
#ifndef TRACEPAGER_STORE_H
#define TRACEPAGER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/err.h"

enum stored_alert_state {
	STORED_ALERT_WAITING, /* accepted, not decided */
	STORED_ALERT_DECIDED, /* belongs to an incident, or to nobody */
	STORED_ALERT_ENDED,   /* resolved or expired; kept for a time to recognise late repeats */
};

struct stored_alert {
	int64_t id;	 /* the relay's: increasing; the same for every write of that alert */
	const char *key; /* "family/fingerprint" */
	const char *doc; /* alert_write() */
	size_t doc_len;
	const char *incident; /* id; "": none */
	enum stored_alert_state state;
	unsigned int attempts; /* starts of its processing */
	int64_t accepted_us;   /* orders alerts by age */
	int64_t refreshed_us;  /* its last repeat; of an ended alert its end, from which retention
				  counts */
	int64_t expires_us;    /* 0: never */
	const char *copies;    /* who says that it fires, as the relay writes it; "" none */
	int64_t quiet_us;      /* nobody is paged for it before; 0: not kept from paging */
};

struct stored_incident {
	const char *id, *key, *team; /* known by its id */
	bool open;		     /* not all recipients know of its end yet */
	int state, before; /* enum incident_state; before: where a holding one goes back to */
	int severity;	   /* enum severity; -1: the page's (rows of an earlier version) */
	int64_t opened_us, closed_us; /* closed 0: it has not ended */
	int64_t due_us, wait_us;      /* the state's deadline and its whole length; 0: none */
	int64_t hold_us;	      /* resolve_hold of its rules */
	int64_t told_us;	      /* the last page that all its recipients got */
	bool owes_update;	      /* they do not know all alerts yet */
	const char *moved_to;	      /* id; "" none */
	const char *escalation;	      /* name in the rules; "": none, or that of the team */
	int run, step;		      /* of the escalation, from 0: what was paged last */
	int64_t left_us;	      /* a holding one: what is left of the step's wait */
	const char *acked_by;	      /* "": nobody acknowledged it */
	const char *refused;	      /* the teams that said "not ours", a line each; "" none */
	const char *page;	      /* page_write() of its present page (without event) */
	size_t page_len;
	const char *decision; /* packed (pack.h); "": none, or older: it stands in the page */
	size_t decision_len;
};

/* One pager of an incident, and how many times it was paged about it; known by all three. */
struct stored_recipient {
	const char *incident, *pager;
	int n;		    /* its key: 1: the incident's id, more: "ID#n" */
	const char *target; /* JSON of struct page_target: the key that was used is kept until
			       resolved */
	int role, state;    /* enum recipient_role, enum recipient_state */
	bool unresolved;    /* it gets no resolve: the rules say "resolve: false" */
	bool tried;	    /* its trigger was dropped after an attempt: the pager may have it */
	const char *memory; /* what its kind keeps of the service's replies; "": nothing */
};

/* The story of an incident, in order. */
struct stored_event {
	const char *incident;
	int64_t at_us;
	const char *event; /* "opened", "joined" … */
	const char *who;   /* an alert's key, a pager, a person; "" the relay itself */
	const char *text;
};

/* What was learned of a sender; known by its name. */
struct stored_sender {
	const char *name;
	int64_t interval_us; /* the longest time between two words on one alert that fires */
};

/* A silence that was made while the relay ran; known by its id. */
struct stored_silence {
	const char *id;
	int64_t ends_us;
	const char *doc; /* silence_write() */
	size_t doc_len;
};

/* A fact that must outlive a restart: a key for links, a paused pager; known by its name. */
struct stored_setting {
	const char *name, *value; /* value "": it is removed */
};

enum stored_page_state {
	STORED_PAGE_QUEUED,
	STORED_PAGE_DELIVERED,
	STORED_PAGE_REJECTED,
	STORED_PAGE_DROPPED, /* not sent: a newer update replaced it, or its incident ended */
};

struct stored_page {
	int64_t id; /* the relay's: increasing, which keeps the order across a restart */
	const char *incident, *pager;
	int n;		    /* of the recipient */
	const char *target; /* JSON of struct page_target, when queued; a recipient's counts */
	const char *doc;    /* page_write_own(); rows of earlier versions: page_write() */
	size_t doc_len;
	int event;    /* enum page_event */
	int severity; /* enum severity: the most severe page leaves first */
	enum stored_page_state state;
	unsigned int attempts;
	int64_t created_us, next_us;
	const char *error; /* the pager's last error; "": none */
};

/* What is stored of the traces of a decision. */
enum stored_traces {
	STORED_TRACES_NONE, /* the decision had no traces */
	STORED_TRACES_WHOLE,
	STORED_TRACES_PATHS, /* of large traces: the spans of the walks' paths and their siblings */
	STORED_TRACES_LOST,  /* the decision had traces; they are not stored, or were removed */
};

/* How an alert became a page: all that is needed to decide again. Documents are packed (pack.h).
 * Traces and healthy evidence are removed earlier than the rest. */
struct stored_decision {
	const char *alert_key, *incident; /* incident: its id; "": none */
	const char *team;		  /* "": none */
	const char *rules;		  /* the hash of the rules that decided */
	int64_t at_us;
	const char *alert; /* alert_write() */
	size_t alert_len;
	const char *doc; /* decision_write() */
	size_t doc_len;
	enum stored_traces kept;
	const char *traces; /* OTLP protobuf (trace_encode.h); "": none */
	size_t traces_len;
	const char *healthy; /* evidence_encode_both(); "": none */
	size_t healthy_len;
};

/* A version of the rules by which something was decided. */
struct stored_rules {
	const char *hash;
	int64_t at_us;	   /* a time of use; the store keeps the first and the last */
	const char *texts; /* rule_texts_pack() of history.h */
	size_t texts_len;
};

struct store;
struct store_batch;

struct store_batch *store_batch_new(void);
void store_batch_free(struct store_batch *batch); /* takes NULL */
bool store_batch_empty(const struct store_batch *batch);
/* Each adds one write to the batch and copies what it is given; a NULL string counts as "". A put
 * replaces the row with the same id; a touch or a remove of a row that is not there does nothing.
 */
void store_put_alert(struct store_batch *batch, const struct stored_alert *alert);
/* Writes what changes of a known alert: incident, state, attempts, refreshed_us, expires_us,
 * copies. Its document and accepted_us stay. */
void store_touch_alert(struct store_batch *batch, const struct stored_alert *alert);
void store_remove_alert(struct store_batch *batch, int64_t id);
void store_put_incident(struct store_batch *batch, const struct stored_incident *incident);
/* Writes of a known open incident all but key, team, opened_us, closed_us, page and decision, which
 * stay.
 * An incident that is not open is put: its state and its recipients are removed with that. */
void store_touch_incident(struct store_batch *batch, const struct stored_incident *incident);
void store_put_recipient(struct store_batch *batch, const struct stored_recipient *recipient);
void store_put_event(struct store_batch *batch, const struct stored_event *event);
void store_put_sender(struct store_batch *batch, const struct stored_sender *sender);
void store_put_silence(struct store_batch *batch, const struct stored_silence *silence);
void store_put_setting(struct store_batch *batch, const struct stored_setting *setting);
void store_put_page(struct store_batch *batch, const struct stored_page *page);
/* Changes state, attempts, next_us and error, and nothing else. */
void store_touch_page(struct store_batch *batch, const struct stored_page *page);
/* Each put adds a decision. */
void store_put_decision(struct store_batch *batch, const struct stored_decision *decision);
void store_put_rules(struct store_batch *batch, const struct stored_rules *rules);

/* The outcome of a batch, from store_poll(). error 0: the batch is on disk, and text is "". Else
 * -errno: nothing of it is, and text says what failed, where, and the cure, for the log. -ENOSPC,
 * -EIO, -EROFS …: the disk; every batch fails so until the disk works again. -EINVAL, -E2BIG: the
 * data of this batch; the others are committed. A completion may hand over further batches. */
typedef void store_done(void *ctx, int error, const char *text);
/* Takes the batch. -EAGAIN: the queue is full (LIMIT_STORE_QUEUE operations or
 * LIMIT_STORE_QUEUE_BYTES), and the batch stays the caller's, to be handed over again after a
 * completion; below these caps a batch of any size is taken. Batches commit and complete in the
 * order in which they were handed over, empty ones too. Never blocks. done may be NULL. */
int store_commit(struct store *store, struct store_batch *batch, store_done *done, void *ctx);
/* As store_commit(), for what nobody waits for: the batch is committed with the next one of
 * store_commit(), or after LIMIT_STORE_LATER_US, in the order in which all were handed over. */
int store_commit_later(struct store *store, struct store_batch *batch);
/* A descriptor that is readable when batches are complete; borrowed. */
int store_fd(const struct store *store);
void store_poll(struct store *store); /* calls the completions */
/* Operations handed over and not yet reported. */
size_t store_waiting(const struct store *store);
/* Did the last commit that had something to write reach the disk? True before the first. */
bool store_healthy(const struct store *store);
/* How long the commit that is under way has taken until now; 0: none is. */
int64_t store_commit_age_us(const struct store *store);
/* A sentence that a person must read: the store was damaged, and what became of it. NULL: nothing
 * befell it since the last call. Caller frees. */
char *store_take_news(struct store *store);

/* What a restart needs, before the loop runs: alerts that have not ended (and those that ended
 * within the last LIMIT_RESOLVED_MEMORY_US), open incidents, their recipients, queued pages, and
 * what was learned of senders, settings, and silences that have not ended for
 * LIMIT_SILENCE_KEPT_US. Senders, settings and silences come first (by name or id), then incidents
 * (the oldest opened_us first), recipients (by incident and pager), pages (by id), alerts (the
 * oldest accepted_us first). If several alerts have one key, only the one with the largest id
 * counts: a failing disk may have left an earlier one. What the callbacks get is borrowed until
 * they return. Each may be NULL. -EBADMSG: the file is damaged, err names it and the cure;
 * callbacks may have run. */
struct store_loader {
	void (*sender)(void *ctx, const struct stored_sender *sender);
	void (*setting)(void *ctx, const struct stored_setting *setting);
	void (*silence)(void *ctx, const struct stored_silence *silence);
	void (*recipient)(void *ctx, const struct stored_recipient *recipient);
	void (*alert)(void *ctx, const struct stored_alert *alert);
	void (*incident)(void *ctx, const struct stored_incident *incident);
	void (*page)(void *ctx, const struct stored_page *page);
};
int store_load(struct store *store, const struct store_loader *loader, void *ctx, struct err *err);

/* Housekeeping, which the store does by itself in small pieces while no batch waits: it removes
 * ended alerts after LIMIT_RESOLVED_MEMORY_US; decisions, closed incidents and their settled pages
 * after LIMIT_HISTORY_US; rules that were not in use for as long; traces after
 * LIMIT_TRACES_KEPT_US, and the oldest traces when all take more than LIMIT_TRACES_KEPT_BYTES. It
 * never removes what store_load() would read. */

/* The program ends: from now on a full queue takes every batch, for store_close() to commit. */
void store_end(struct store *store);
/* Commits what was handed over, calls no completion, and ends the thread. Takes NULL. */
void store_close(struct store *store);

/* Opens the SQLite store at path (WAL, synchronous=FULL). Creates the file (mode 0600) in a
 * directory that exists, and migrates an older schema. Locks keep a second daemon off: flock on
 * PATH.lock and on the file itself, which the kernel drops with the process. A damaged store, now
 * or while it is in use, is moved to PATH.damaged-TIME, and a new one begins with what can be read
 * of it: store_take_news() tells. 0 or -errno with err, which names the path and the cure: -EBUSY:
 * locked; -EINVAL: no file of ours, or a newer schema; -EBADMSG: no database; -ENOENT: no directory
 * … */
int store_sqlite_open(const char *path, struct store **ret_store, struct err *err);
/* Would store_sqlite_open() succeed, as far as can be told while another daemon has the store?
 * Reads what a start would load, and changes nothing. 0 or -errno with err, which names the path
 * and the cure. */
int store_sqlite_try(const char *path, struct err *err);

#endif
