/*
 * Incidents: the life of alerts and incidents. Alerts come in, are stored, enriched, decided;
 * incidents open, are joined, hold, move, resolve; pages are queued for delivery. The states and
 * their moves are tbl/life.def, drawn in tracepager-incidents(7). It owns alerts and incidents in
 * memory, and writes every step to the store.
 *
 * It sees no socket and no clock of its own: time, timers, store, fetching and delivery are handed
 * in, so that a day of its life is tested in milliseconds. Loop thread only.
 */
#ifndef TRACEPAGER_INCIDENT_H
#define TRACEPAGER_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/act.h"
#include "tracepager/alert.h"
#include "tracepager/clock.h"
#include "tracepager/err.h"
#include "tracepager/http.h"
#include "tracepager/intake.h"
#include "tracepager/pool.h"
#include "tracepager/rules.h"
#include "tracepager/shadow.h"
#include "tracepager/silence.h"
#include "tracepager/stage.h"
#include "tracepager/store.h"
#include "tracepager/timers.h"
#include "tracepager/walk.h"

struct incidents;
struct baselines;
struct decision;
struct buf;
struct page;
struct fetch;
struct deliver;
struct tap;

struct incident_options {
	int64_t enrich_us;	/* an alert waits so long for its traces */
	int64_t enrich_late_us; /* and late traces improve the page for so long */
	int64_t window_before_us;
	int64_t expire_after_us;
	const char *trace_link;	 /* "" none */
	int64_t ack_timeout_us;	 /* an acknowledgement counts for so long; 0: for good */
	int64_t repage_after_us; /* what a person resolved and fires on pages again after it */
};

/* What befalls an alert that this program made (enum synthetic), for whoever made it. */
enum incident_sight_kind {
	INCIDENT_SIGHT_DECIDED, /* and nothing has become of it yet */
	INCIDENT_SIGHT_TAKEN,	/* its incident is open, where it pages somebody */
	INCIDENT_SIGHT_QUEUED,	/* a page of it goes to the store, and from there to delivery */
	INCIDENT_SIGHT_PAGE,   /* the page is delivered, rejected or dropped, or a try has failed */
	INCIDENT_SIGHT_CLOSED, /* the incident is over, and all its recipients know */
};
struct incident_sight {
	enum incident_sight_kind kind;
	const char *alert_key, *incident; /* incident: its id; "" where there is none (yet) */
	/* DECIDED: */
	const struct decision *decision;
	const char *source; /* which had the traces; NULL: none */
	size_t ntraces;
	int64_t fetch_us; /* how long they were looked for; -1: nothing was to be looked up */
	enum fallback_code
		missing; /* why traces are missing, and the same as a sentence, or NULL */
	const char *missing_text;
	/* QUEUED, PAGE: */
	const struct stored_page *page;
	int status; /* PAGE: HTTP's, of the try; 0: there was no reply or no request */
	int64_t took_us;
};

struct incident_env {
	const struct clock *clock;
	struct timers *timers;
	struct store *store;
	struct fetch *fetch;
	struct baselines *baselines; /* NULL: nothing is compared with healthy traces */
	struct pool *pool;
	const struct http_transport *transport; /* for deliveries */
	int console_fd;				/* for pages of kind console */
	struct shadow *shadow;			/* decides along; NULL: none */
	const struct tracer *tracer;		/* of the relay's own traces; NULL: none */
	struct tap *tap;			/* hears what happens; NULL: nobody does */
	/* At a start: what incidents_keep() has kept, but for pauses. NULL: nobody asks. */
	void (*kept)(void *ctx, const char *name, const char *value);
	/* The address where the reader of a page acts on its incident, added to out; nothing is
	 * added without one. NULL: there are no such addresses. */
	void (*act_link)(void *ctx, const char *incident, const char *pager, struct buf *out);
	/* Everything in it is borrowed for the call, which may change nothing of incidents. NULL:
	 * nobody looks. */
	void (*sight)(void *ctx, const struct incident_sight *sight);
	void *ctx;
	struct incident_options options;
};

/* rules: a reference of its own is taken. */
struct incidents *incidents_new(const struct incident_env *env, struct ruleset *rules);
/* What is in flight is forgotten: the store has it. Fetch jobs are cancelled. Takes NULL. */
void incidents_free(struct incidents *incidents);
/* From the store, once, before anything is accepted: finishes what was accepted before. */
int incidents_load(struct incidents *incidents, struct err *err);
void incidents_set_rules(struct incidents *incidents,
			 struct ruleset *rules); /* takes its own reference */

/* Is there room? false: answer 503. */
bool incidents_have_room(const struct incidents *incidents);
/* Takes an alert into this turn's group of writes. It is durable when the turn's commit succeeds:
 * incidents_when_durable(). */
/* more: alerts of the same body that are still to come. */
enum accept_result incidents_accept(struct incidents *incidents, const struct alert *alert,
				    size_t more);
/* The relay's own span of the alert that was accepted last; false: it is not traced. */
bool incidents_traced(const struct incidents *incidents, struct span_context *ret_context);
/* done(0) when all that was accepted in this turn so far is on disk; done(-errno) when it is not,
 * and was forgotten. */
void incidents_when_durable(struct incidents *incidents, store_done *done, void *ctx);
/* A sender's body was refused, or alerts in it: the fallback team learns it, at most once an hour
 * for each sender, and how the body begins, unless that is NULL. */
void incidents_body_refused(struct incidents *incidents, const struct rejected_body *body);
/* Pages the fallback team about what befell the store. news: a sentence, copied. */
void incidents_store_damaged(struct incidents *incidents, const char *news);
/* ---- what people do ---- */

/* Carries out an act. It holds at once, and is durable when the turn's commit succeeds:
 * incidents_when_durable(). words: a sentence for who asked, "acknowledged; nobody else is paged".
 * After ACT_DONE or ACT_ALREADY of an acknowledgement no page of its escalation begins to leave. */
enum act_outcome incidents_act(struct incidents *incidents, const struct act *act,
			       struct buf *words);

/* The same where the incident is closed, and the caller has found it in the store: a line of its
 * story, which changes nothing. */
void incidents_note(struct incidents *incidents, const struct act *act);

/* A note from outside is put on an incident, or taken away: a line of its story, which changes
 * nothing. The caller has found the incident in the store, and knows the form of text. Durable when
 * the turn's commit succeeds: incidents_when_durable(). */
void incidents_attach(struct incidents *incidents, const char *incident, const char *who,
		      const char *text, bool put);

/* What is known of an alert. Borrowed until the viewer returns. */
struct incident_alert_view {
	int64_t id; /* increasing in the order of acceptance, over restarts too */
	const char *key, *state;
	const struct alert *alert;     /* its last word; NULL: it has ended */
	const char *incident, *team;   /* "" none */
	int64_t accepted_us, heard_us; /* wall; heard: the last word on it */
	int64_t expires_us;	       /* wall: when it ends where nobody repeats it; 0: never */
	bool silenced;
};
/* false: enough. */
typedef bool incident_alert_viewer(void *ctx, const struct incident_alert_view *view);
/* Those of which something is known, in the order of acceptance, from behind that key; from the
 * first where the key is NULL or not known. */
void incidents_each_alert(const struct incidents *incidents, const char *after,
			  incident_alert_viewer *viewer, void *ctx);
bool incidents_knows_alert(const struct incidents *incidents, const char *key);
/* Is it known, and has it not ended? */
bool incidents_alert_fires(const struct incidents *incidents, const char *key);

/* What is known of an incident that is not closed. Borrowed until the viewer returns. */
struct incident_view {
	const char *id, *team, *state, *summary;
	enum severity severity;
	int64_t opened_us, closed_us; /* wall; closed 0: it has not ended */
	int64_t due_us;		      /* wall: its deadline; 0: none */
	const char *escalation;	      /* "" none: a route names the pagers */
	int run, step;		      /* what was paged last, from 0 */
	const char *acked_by;	      /* "": nobody */
	const char *next_team;	      /* where "not ours" leads; NULL: no team is left */
	size_t nalerts, nfiring;
	bool unreached; /* no pager has taken its page for LIMIT_REACH_US, or all refused it */
	const char *silenced; /* the silence that holds it: an id, or a place in the rules; NULL:
				 none */
	const struct incident_view_recipient {
		const char *pager, *role, *state;
		int n; /* how many times it was paged: its key is ID, or ID#n */
	} * recipients;
	size_t nrecipients;
	const struct page *page; /* its present page; NULL in incidents_each() */
};
/* false: enough. */
typedef bool incident_viewer(void *ctx, const struct incident_view *view);
/* All that are not closed, the oldest first, from behind that id; NULL: from the first. An id that
 * is not known: none. */
void incidents_each(const struct incidents *incidents, const char *after, incident_viewer *viewer,
		    void *ctx);
/* One; false: it is not known, or closed. */
bool incidents_view(const struct incidents *incidents, const char *id, incident_viewer *viewer,
		    void *ctx);

/* ---- silences made at run time: silence.h ---- */

/* Makes one of JSON as silence_spec_read() takes it. who: its author where none is given. -EINVAL:
 * it is wrong; -ENOSPC: there are too many; err names the cure. Holds at once, and is durable when
 * the turn's commit succeeds: incidents_when_durable(). */
int incidents_silence_add(struct incidents *incidents, const char *doc, size_t len, const char *who,
			  char ret_id[SILENCE_ID_SIZE], struct err *err);
/* Changes its end, its reason, whether it tells, and, of one to come, its start. -ENOENT: there is
 * none; -EALREADY: it is over. */
int incidents_silence_change(struct incidents *incidents, const char *id, const char *doc,
			     size_t len, const char *who, struct err *err);
int incidents_silence_end(struct incidents *incidents, const char *id, const char *who,
			  struct err *err);
/* One for LIMIT_SILENCE_BUTTON_US that holds what the incident is about: its suspect, or else the
 * labels that its alerts have in common, and its team. reason: of any lines; "": "from the page".
 * -ENOENT: there is no such open incident. */
int incidents_silence_incident(struct incidents *incidents, const char *incident, const char *who,
			       const char *reason, char ret_id[SILENCE_ID_SIZE], struct err *err);

struct incident_silence_view {
	const struct silence_spec *spec; /* of_rules: without an id; starts_us 0: since ever */
	const char *place;		 /* "silence 3f2a9b1c", "rules.yaml:12" */
	const char *state;		 /* silence_state_name() */
	bool of_rules;			 /* it is read-only */
};
/* Borrowed until the viewer returns; false: enough. */
typedef bool incident_silence_viewer(void *ctx, const struct incident_silence_view *view);
/* Those of the rules, then those made at run time, the youngest first, the ended ones too; from
 * behind that id: without those of the rules. */
void incidents_each_silence(const struct incidents *incidents, const char *after,
			    incident_silence_viewer *viewer, void *ctx);
bool incidents_view_silence(const struct incidents *incidents, const char *id,
			    incident_silence_viewer *viewer, void *ctx);

/* Keeps a fact over a restart, with this turn's group of writes; value "": no more. */
void incidents_keep(struct incidents *incidents, const char *name, const char *value);

/* ---- pagers, and what waits for them ---- */

/* A person pauses a pager, or lets it go on: deliver_pause(). Kept over a restart, and told in the
 * banner of every page that is queued meanwhile. false: it was so before. */
bool incidents_pause(struct incidents *incidents, const char *pager, const char *who, bool paused);
/* Adds what that has done, in words; changed: what incidents_pause() returned. */
void incidents_pause_words(const struct incidents *incidents, const char *pager, bool paused,
			   bool changed, struct buf *words);

struct incident_pager_view {
	const char *name, *kind; /* kind "": the rules name it no more */
	const char *paused_by;	 /* "ann since 2026-11-29T03:10:00Z"; NULL: it is not paused */
	const char *pause;	 /* what is paused: its name, or its entry's; NULL: nothing */
	bool failing;		 /* its last tries failed: only probes are sent */
	size_t waiting;		 /* pages */
	int64_t oldest_us;	 /* wall: when the oldest of them was made; 0: none waits */
};
typedef bool incident_pager_viewer(void *ctx, const struct incident_pager_view *view);
/* The pagers of the rules, and those that still have pages or are paused. The view is borrowed;
 * false: enough. */
void incidents_each_pager(const struct incidents *incidents, incident_pager_viewer *viewer,
			  void *ctx);
/* What waits, to be listed, retried and dropped. Borrowed. */
struct deliver *incidents_deliver(struct incidents *incidents);

/* At the end of every turn: hands the turn's writes to the store. */
void incidents_flush(struct incidents *incidents);
/* The program ends: decisions that wait go to the pool at once, so that pool_free() packs all. */
void incidents_end(struct incidents *incidents);

/* Work that is not at rest: alerts waiting, pages queued, writes under way. For drains and tests.
 */
size_t incidents_busy(const struct incidents *incidents);
/* The same without the pages that wait for a pager: they are in the store. */
size_t incidents_sending(const struct incidents *incidents);
/* Open incidents whose page no pager has taken for LIMIT_REACH_US, or all refused. */
size_t incidents_unreached(const struct incidents *incidents);
size_t incidents_open(const struct incidents *incidents); /* acknowledged and holding ones, too */
size_t incidents_pages_waiting(const struct incidents *incidents);
/* Counts what changes in incidents and in their stories: another number, another picture. */
uint64_t incidents_changes(const struct incidents *incidents);
/* Sets the gauges. */
void incidents_measure(const struct incidents *incidents);

#endif
