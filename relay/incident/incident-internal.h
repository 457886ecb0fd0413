/*
 * What incident.c (incidents and their pages), alerts.c (alerts and their enrichment), turn.c (the
 * group of writes of one turn) and recover.c (the restart) share.
 */
#ifndef TRACEPAGER_INCIDENT_INTERNAL_H
#define TRACEPAGER_INCIDENT_INTERNAL_H

#include <sys/queue.h>

#include "tracepager/baselines.h"
#include "tracepager/decide.h"
#include "tracepager/deliver.h"
#include "tracepager/fetch.h"
#include "tracepager/hash.h"
#include "tracepager/incident.h"

/* An alert's life: WAITING -> (ENRICHING ->) DECIDED -> ENDED. */
enum alert_state {
	ALERT_WAITING,	 /* its first commit is under way, or a restart found it */
	ALERT_ENRICHING, /* traces are being fetched, or a decision computed */
	ALERT_DECIDED,	 /* belongs to an incident, or to nobody */
	ALERT_ENDED,	 /* resolved or expired; remembered for a while */
	ALERT_STATE_COUNT
};

struct enrichment; /* one alert's fetch and decision; see alerts.c */
struct record; /* a decision that waits to be written down, and a handful of them in the pool; */
struct record_job; /* see record.c */
STAILQ_HEAD(record_list, record);

struct known_alert {
	TAILQ_ENTRY(known_alert) in_incident;
	struct incidents *owner;
	int64_t id; /* in the store */
	char *key;  /* "family/fingerprint" */
	char *doc;  /* alert_write() */
	size_t doc_len;
	char *name; /* alertname, for people */
	enum alert_state state;
	bool durable;	    /* its document is on disk */
	bool resolve_after; /* it ended before it was decided: its page leaves all the same, then
			       resolves */
	bool ends_by_itself;
	bool missed; /* the store failed while it was written: in incidents->missed */
	TAILQ_ENTRY(known_alert) in_missed;
	unsigned int writes;   /* under way in the store */
	unsigned int attempts; /* starts of its processing */
	int64_t starts_at_us;
	int64_t accepted_us, refreshed_us, expires_us; /* wall */
	int64_t begun_us;			       /* mono: acceptance, or the restart */
	struct timer timer;			       /* the present state's deadline */
	struct timer again; /* it pages nobody, and what says so ends: decide again */
	struct enrichment *enrichment;
	struct incident *incident; /* NULL: nobody's */
};
TAILQ_HEAD(known_alerts, known_alert);

/* Why a pager has an incident's pages. After a restart all are the owner's. */
enum lane_role {
	LANE_OWNER,
	LANE_NOTIFIED, /* beside the owner: nobody is paged instead where it fails */
	LANE_FALLBACK, /* because another one failed */
};

/* One pager that an incident was sent to. */
struct lane {
	STAILQ_ENTRY(lane) link;
	char *pager, *target; /* target: page_target_write() as of the first page */
	bool rejected, delivered;
	enum lane_role role;
};
STAILQ_HEAD(lanes, lane);

/* An incident's life: OPEN -> CLOSING (resolves are on their way) -> gone. */
enum incident_state {
	INCIDENT_OPEN,
	INCIDENT_CLOSING,
};

struct incident {
	struct incidents *owner;
	char *id, *key, *team;
	enum incident_state state;
	int64_t opened_us, closed_us; /* wall */
	int64_t begun_us;	      /* mono: acceptance of its first alert; 0 after a restart */
	char *page;		      /* page_write() of its present page */
	size_t page_len;
	struct known_alerts alerts;
	struct lanes lanes;
	size_t pages_waiting;
	int64_t told_us;     /* wall: when its last page was queued */
	struct timer repage; /* nobody took its page: try again */
	struct timer gather; /* alerts joined: one update tells of all */
	struct timer close;  /* after a restart: it has no alert left */
};

/* A page on its way to the store, and from there to delivery. */
struct queued_page {
	STAILQ_ENTRY(queued_page) link;
	struct stored_page row; /* texts are its own */
};
STAILQ_HEAD(queued_pages, queued_page);

struct waiter {
	STAILQ_ENTRY(waiter) link;
	store_done *done;
	void *ctx;
};
STAILQ_HEAD(waiters, waiter);

/* A write of an alert in a turn. */
struct alert_write {
	STAILQ_ENTRY(alert_write) link;
	struct known_alert *alert;
	bool whole; /* with its document */
};
STAILQ_HEAD(alert_writes, alert_write);

/* The writes of one turn, and what happens when they are on disk. */
struct turn {
	TAILQ_ENTRY(turn) link;
	struct incidents *owner;
	struct store_batch *batch;
	struct waiters waiters;
	struct alert_writes writes;
	struct queued_pages pages;	/* to deliver */
	struct queued_pages saved_late; /* delivered already: the store failed the first time */
};

struct incidents {
	struct incident_env env;
	struct ruleset *rules;
	struct deliver *deliver;
	struct map *alerts;	    /* key -> struct known_alert */
	struct map *by_id, *by_key; /* -> struct incident; by_key: the open ones */
	struct turn *turn;	    /* of now; NULL: nothing to write */
	TAILQ_HEAD(, turn) committing;
	size_t alerts_in_state[ALERT_STATE_COUNT];
	int64_t next_page_id, next_alert_id;
	int64_t started_us;	     /* mono */
	struct timer refused_commit; /* the store's queue was full: hand over again */
	struct queued_pages
		unsaved; /* pages that the store did not take; they were delivered from memory */
	struct known_alerts missed; /* alerts that the store has not got as they are */
	struct timer heal;	    /* the store failed: write again what it missed */
	struct record_list records;
	struct record_job *record_job; /* NULL: none is under way */
	size_t record_bytes;	       /* of both */
	char noted_rules[65];	       /* hash of the rules whose texts were written, and when */
	int64_t noted_us;
};

static inline int64_t incidents_mono_us(const struct incidents *incidents)
{
	return clock_mono_us(incidents->env.clock);
}

static inline int64_t incidents_wall_us(const struct incidents *incidents)
{
	return clock_wall_us(incidents->env.clock);
}

/* turn.c */
struct turn *turn_now(struct incidents *incidents);
void turn_put_alert(struct known_alert *alert);	  /* with its document */
void turn_touch_alert(struct known_alert *alert); /* its state only */
void turn_put_incident(struct incident *incident);
void turn_queue_page(struct incidents *incidents, const struct stored_page *row);
void turn_free(struct turn *turn);
/* A page that the store may not have moved on. */
void turn_page_changed(struct incidents *incidents, const struct stored_page *page);
void turn_init(struct incidents *incidents);
void turn_fini(struct incidents *incidents);

/* alerts.c */
struct known_alert *alert_new(struct incidents *incidents, const char *key);
void alert_set(struct known_alert *known, const struct alert *alert);
void alert_forget(struct known_alert *alert); /* detaches, frees; no write of it may be under way */
/* What is paged in place of an alert whose record cannot be read. */
void alert_stand_in(struct arena *arena, const char *key, const char *why, struct alert *ret_alert);
/* Decides again at that wall time, if it still belongs to nobody. */
void alert_decide_again(struct known_alert *alert, int64_t wall_us);
void alert_begin(struct known_alert *alert); /* durable now: enrich it and decide */
void alert_decided(struct known_alert *alert);
void alert_end(struct known_alert *alert, const char *why);	    /* resolved or expired */
void alert_move(struct known_alert *alert, enum alert_state state); /* state, count, deadline */

/* What the decision of an alert rests on, and the bytes of its traces; NULL: there is nothing. It
 * stays while it is kept, whatever becomes of the alert. */
const struct decide_input *enrichment_input(const struct known_alert *alert, size_t *ret_bytes);
struct enrichment *enrichment_keep(struct known_alert *alert);
void enrichment_give_back(struct enrichment *enrichment); /* takes NULL */

/* record.c: what was decided is written down, later. */
void record_decision(struct known_alert *alert, const struct decision *decision,
		     struct ruleset *rules);
void records_init(struct incidents *incidents);
bool records_busy(const struct incidents *incidents);
void records_fini(struct incidents *incidents);

/* incident.c */
/* Open, join, or improve; rules: that decided. */
void incident_apply(struct known_alert *alert, struct decision *decision, struct ruleset *rules);
void incident_leave(struct known_alert *alert,
		    const char *note); /* its last firing alert resolves it */
void incident_page_changed(void *ctx, const struct stored_page *page);
void incident_page_silent(void *ctx, const struct stored_page *page);
struct incident *incident_new(struct incidents *incidents, const char *id, const char *key,
			      const char *team);
struct lane *incident_lane(struct incident *incident, const char *pager, const char *target);
void incident_free(struct incident *incident);
/* After a restart: tells what a join did not get to tell, closes what is over. */
void incident_settle(struct incident *incident);

#endif
