/*
 * Incidents: what one team is being paged about. Opened by a decision, joined by others of the same
 * key, held when the last alert ends, moved or improved by late verdicts, resolved. Each incident
 * owns its members (alerts by key), its recipients (pagers that were paged about it), its page and
 * its timers; each step is written with its story in the turn's group, and pages are handed to
 * delivery when that is on disk. It refuses to know the alert book: it takes messages, and gives
 * messages. Loop thread only.
 */
#ifndef TRACEPAGER_INCIDENT_INCIDENT_INTERNAL_H
#define TRACEPAGER_INCIDENT_INCIDENT_INTERNAL_H

#include <string.h>
#include <sys/queue.h>

#include "alerts-internal.h"
#include "life-internal.h"
#include "tracepager/alert_log.h"
#include "tracepager/deliver.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "turn-internal.h"

/* Why a pager has an incident's pages. Stored. */
enum recipient_role {
	RECIPIENT_OWNER,
	RECIPIENT_NOTIFIED, /* beside the owner: nobody is paged instead where it fails */
	RECIPIENT_FALLBACK, /* because another one failed */
	RECIPIENT_ROLE_COUNT
};

/* One pager of an incident. */
struct recipient {
	STAILQ_ENTRY(recipient) link;
	const char *pager, *target; /* kept by the book; target: page_target_write() as of the page
				       that was taken, until then as the rules in force have it. Its
				       pages' rows may have an older one */
	int n;		 /* how many times this pager was paged: its key is ID, or ID#n */
	bool unresolved; /* it gets no resolve */
	enum recipient_role role;
	enum recipient_state state;
	unsigned int waiting; /* pages that delivery has */
	bool tried;	      /* its trigger was dropped after an attempt: the pager may have it */
	char *memory;	      /* what its kind keeps of the service's replies; NULL: nothing */
	int64_t told_us;      /* mono: the last page that was queued for it */
	bool silent; /* it has not answered for LIMIT_PAGER_SILENT_US: the fallback team was paged
		      */
};
STAILQ_HEAD(recipients, recipient);

/* One alert in an incident. */
struct member {
	TAILQ_ENTRY(member) link;
	bool fires;
	bool fresh;   /* the recipients do not know it yet */
	bool covered; /* it fires, and a silence holds it */
	char key[];
};
TAILQ_HEAD(members, member);

/* What happens to an incident, for its story. */
enum incident_event {
	INCIDENT_EVENT_OPENED,
	INCIDENT_EVENT_JOINED,
	INCIDENT_EVENT_LEFT,
	INCIDENT_EVENT_ENDED, /* one of its alerts */
	INCIDENT_EVENT_REFIRED,
	INCIDENT_EVENT_SEVERITY,
	INCIDENT_EVENT_PAGED,
	INCIDENT_EVENT_REACHED,
	INCIDENT_EVENT_REFUSED,
	INCIDENT_EVENT_RETRIED,
	INCIDENT_EVENT_IMPROVED,
	INCIDENT_EVENT_HELD,
	INCIDENT_EVENT_MOVED,
	INCIDENT_EVENT_RESOLVED,
	INCIDENT_EVENT_GIVEN_UP,
	INCIDENT_EVENT_ESCALATED,
	INCIDENT_EVENT_ACKNOWLEDGED,
	INCIDENT_EVENT_REROUTED,
	INCIDENT_EVENT_COMMENTED,
	INCIDENT_EVENT_USEFUL,
	INCIDENT_EVENT_NOISE,
	INCIDENT_EVENT_SILENCED,
	INCIDENT_EVENT_UNSILENCED,
	INCIDENT_EVENT_NOTED, /* from outside: web_notes-internal.h */
	INCIDENT_EVENT_NOTE_REMOVED,
	INCIDENT_EVENT_COUNT
};

/* What stands in `step` where no step was paged last. */
enum {
	STEP_EXHAUSTED = -1, /* all runs are over; nobody further is paged */
	STEP_OWED = -2, /* it has a new team while its alerts have ended: paged when they fire */
	STEP_NONE = -3, /* a route names the pagers: there are no steps */
};

struct incident_book;

struct incident {
	struct incident_book *book;
	char id[INCIDENT_ID_SIZE];
	char *key;
	enum synthetic synthetic; /* this program made its alert */
	const char *team;	  /* kept by the book */
	enum incident_state state;
	enum incident_state before;   /* HOLDING: the state to go back to */
	int64_t opened_us, closed_us; /* wall */
	int64_t due_us, wait_us;      /* wall: the state's deadline; its whole length */
	int64_t begun_us;	      /* mono: acceptance of its first alert; 0 after a restart */
	int64_t hold_us;	      /* what its rules say of resolve_hold */
	int64_t regroup_us;	      /* and of regroup_after */
	int64_t told_us;	      /* wall: the last page that all recipients got */
	int64_t joined_us;	      /* mono: the last alert that joined */
	const char *escalation; /* its name in the rules; "": that of the team; kept by the book */
	int run, step;		/* what was paged last, from 0; or one of STEP_… */
	int64_t left_us;	/* HOLDING: what is left of the deadline before; 0: none */
	char *acked_by;		/* "": nobody */
	char *refused;		/* the teams that said "not ours", a line each */
	char *rerouted_by;	/* who handed it on last; NULL: nobody */
	int64_t rerouted_us;	/* mono: when */
	int64_t comments_us;	/* mono: since when comments are counted */
	unsigned int ncomments; /* told to the recipients since then */
	int judged;		/* ACT_USEFUL or ACT_NOISE: the last word on it; 0: none */
	struct timer deadline;
	struct timer retry;	   /* OPEN: what nobody took is sent again */
	struct timer update;	   /* recipients do not know all yet */
	struct page *page;	   /* in one block; NULL: only packed. Read by incident_page() */
	struct alike_text *packed; /* that page, with the decision; NULL: not yet */
	TAILQ_ENTRY(incident) in_warm;
	char *suspect; /* the page's component */
	/* The decision, packed (pack.h), and as text until the first page is made; both NULL: it
	 * stands in `packed`, or there is none. Read by incident_decision(). */
	struct shared_text *decision, *decision_text;
	unsigned int warm_bytes; /* of `page` and its decision, about */
	enum severity severity;
	bool untaken;	    /* counted in the book: open, and no pager has taken it */
	bool silence_tells; /* its recipients learn of the end of the silence */
	bool keeps;	    /* recipients are to be asked when it is silenced no more */
	bool told_move;	    /* MOVED: the recipients are being told */
	bool trigger_owed;  /* alerts of one body gather: the first page has not been queued */
	bool owes_update;   /* stored: a restart tells what joined */
	bool missed;	    /* the store has not got it as it is */
	bool changed;	    /* to be written at the end of the turn */
	bool whole;	    /* with its page */
	struct incident_trace *trace; /* of the relay's own traces; NULL: it is in none yet */
	struct members members;
	struct map *member_map; /* key -> struct member, where there are many; else NULL */
	size_t nmembers, nfiring, nfresh, ncovered;
	/* While silences hold all of its alerts that fire: an id, or a place in the rules; "": that
	 * was before the restart; NULL: it is not silenced. */
	char *silenced;
	char *silenced_words; /* "silenced until … by ann: deploy (silence 3f2a9b1c)" */
	char *silence_told;   /* the silence whose begin its recipients know; NULL: none */
	struct recipients recipients;
	char *moved_to; /* MOVED: an id; "" else */
	TAILQ_ENTRY(incident) in_all;
	TAILQ_ENTRY(incident) in_missed;
	TAILQ_ENTRY(incident) in_changed;
	union { /* by the state */
		TAILQ_ENTRY(incident) in_closed;
		TAILQ_ENTRY(incident) in_moved;
	};
};
TAILQ_HEAD(incident_list, incident);

struct incident_book_ops {
	/* The alert belongs to that incident from now on; id "": to none. */
	void (*belong)(void *ctx, const char *key, const char *id);
	/* The alert pages nobody until then (wall). It belongs to no incident any more. */
	void (*hush)(void *ctx, const char *key, int64_t until_us);
	/* The last word on an alert; NULL: it is not known. */
	const struct alert *(*alert)(void *ctx, const char *key);
	void (*write_failed)(void *ctx);
	void (*clock_was_set)(void *ctx); /* the wall clock */
	void *ctx;
};

/* A page on its way to the store, and from there to delivery. */
struct queued_page {
	STAILQ_ENTRY(queued_page) link;
	struct incident_book *book;
	/* Its document is its own; names and targets of pagers are kept by the book. */
	struct stored_page row;
	char incident[INCIDENT_ID_SIZE];
	struct page_copy *copy; /* what is sent, until delivery has it */
	bool handed_over;	/* delivery has it */
	bool unstored;		/* of a self check: it waits for the turn's commit, without a row */
};
STAILQ_HEAD(queued_pages, queued_page);

struct pager_pause;
STAILQ_HEAD(pager_pauses, pager_pause);

struct incident_book {
	struct incident_env env;
	struct incident_book_ops ops;
	struct turns *turns;
	struct deliver *deliver;
	struct ruleset *rules;
	struct map *by_id;
	struct map *by_key; /* those that can be joined: open, acknowledged, holding */
	struct map *texts;  /* names of the rules and targets of pagers, each once */
	struct alike *alike;
	struct incident_list warm; /* those with a page at hand, the longest unused first */
	size_t warm_bytes;
	struct life_counts counts; /* of incidents of real alerts */
	struct life_counts synthetic_counts, recipient_counts;
	struct incident_list all; /* the oldest first */
	struct incident_list changed, missed, closed, moved;
	struct queued_pages unsaved; /* pages that the store did not take; delivery has them */
	struct pager_pauses pauses;  /* pagers that a person paused */
	struct silence_set *silences;
	struct slice check; /* incidents are compared with the silences, some in a turn */
	struct incident *check_incident; /* the next one; NULL: all have been */
	struct member *check_member;	 /* of it; NULL: from its first */
	bool check_again;		 /* the silences changed meanwhile: all of them once more */
	/* The decision that is taken and that the tap was not told of; NULL: there is none. */
	const struct alert_message *untold;
	struct buf doc;	  /* what is written to the store next: memory of documents, used again */
	uint64_t changes; /* of incidents and their stories, since the start */
	size_t untaken;	  /* open incidents that no pager has taken */
	uint64_t turn;	  /* counts turns of the loop */
	int64_t next_page_id;
	void (*on_due)(void *arg), (*on_retry_due)(void *arg); /* of an incident's timers */
	int64_t wall_offset_us; /* wall minus mono: when it changes, the wall clock was set */
	struct timer clock_check;
};

/* A text that many share, kept until the book is freed: there are as many as the rules have names
 * of teams, escalations and pagers, and keys of pagers. */
const char *incidents_book_text(struct incident_book *book, const char *text);
struct incident_book *incidents_book_new(const struct incident_env *env, struct turns *turns,
					 const struct incident_book_ops *ops,
					 struct ruleset *rules);
void incidents_book_free(struct incident_book *book); /* takes NULL */
void incidents_book_set_rules(struct incident_book *book,
			      struct ruleset *rules); /* takes its own reference */
/* What the alert book says. */
void incidents_book_take(struct incident_book *book, const struct alert_message *message);
/* The book's document, emptied; borrowed until the next call. */
static inline struct buf *incident_book_doc(struct incident_book *book)
{
	if (book->doc.size > LIMIT_PAGE_DOC_KEPT)
		buf_fini(&book->doc);
	buf_reset(&book->doc);
	return &book->doc;
}

/* At the end of every turn: forgets the incidents that are over. The one place where incidents are
 * freed. */
void incidents_book_end_turn(struct incident_book *book);
/* Writes again what the store missed, at most n rows; true: there is more. */
bool incidents_book_heal(struct incident_book *book, size_t n);

/* At a start, before the loop runs: from the store; then, once, what the restart means for each. */
void incidents_book_load(struct incident_book *book, const struct stored_incident *row);
void incidents_book_load_recipient(struct incident_book *book, const struct stored_recipient *row);
void incidents_book_load_page(struct incident_book *book, const struct stored_page *row);
void incidents_book_load_member(struct incident_book *book, const char *incident, const char *key,
				bool fires);
void incidents_book_settle(struct incident_book *book);

/* ---- incident.c: states, members, what is told ---- */

struct incident *incident_new(struct incident_book *book, const char *id, const char *key,
			      const char *team, enum incident_state state);
static inline struct incident *incident_get(const struct incident_book *book,
					    const char *id) /* NULL: there is none */
{
	return map_get(book->by_id, id);
}

static inline bool incident_state_is_over(enum incident_state state)
{
	return state != INCIDENT_OPEN && state != INCIDENT_ACKNOWLEDGED &&
	       state != INCIDENT_HOLDING;
}

static inline bool incident_is_over(const struct incident *incident)
{
	return incident_state_is_over(incident->state);
}

static inline bool incident_is_joinable(const struct incident *incident)
{
	return !incident_is_over(incident);
}

/* Has somebody acknowledged it, also where it holds? */
static inline bool incident_is_acked(const struct incident *incident)
{
	return incident->state == INCIDENT_ACKNOWLEDGED ||
	       (incident->state == INCIDENT_HOLDING && incident->before == INCIDENT_ACKNOWLEDGED);
}

static inline int64_t incident_mono_us(const struct incident *incident)
{
	return clock_mono_us(incident->book->env.clock);
}

static inline int64_t incident_wall_us(const struct incident *incident)
{
	return clock_wall_us(incident->book->env.clock);
}

void incident_enter(struct incident *incident, enum incident_state state);
/* Counts an event of the incident, where its alerts are real ones. */
static inline void incident_count(const struct incident *incident, enum metric metric)
{
	if (!incident->synthetic)
		metric_add(metric, 1);
}
/* Arms the deadline of the present state, so long from now; 0: none. */
void incident_arm(struct incident *incident, int64_t wait_us);
/* The deadline stands still, and goes on with what was left; of a whole length that stays. */
void incident_stop_clock(struct incident *incident);
void incident_start_clock(struct incident *incident);
void incident_arm_retry(struct incident *incident); /* OPEN: what nobody took is sent again */
int64_t incident_wait_us(const struct incident *incident, enum incident_state state);
void incident_free(struct incident *incident);
void incident_forget_key(struct incident *incident);		   /* nothing joins it any more */
void incident_set_key(struct incident *incident, const char *key); /* copied */

struct member *member_find(const struct incident *incident,
			   const char *key); /* NULL: it is not in it */
struct member *member_add(struct incident *incident, const char *key);
void member_set_fires(struct incident *incident, struct member *member, bool fires);
void member_set_fresh(struct incident *incident, struct member *member, bool fresh);
void member_remove(struct incident *incident, struct member *member);

/* An update is owed: at most one a minute, and the last one always leaves. */
void incident_owe_update(struct incident *incident);
/* The first page leaves now, where alerts of one body gather. */
void incident_end_gather(struct incident *incident);
/* Sends the recipients what they must know at once, with the update that they were owed. */
void incident_notice(struct incident *incident, const char *note);
/* who: the person that resolved it; "": nobody, its alerts have ended. */
void incident_resolve(struct incident *incident, const char *who, const char *note);
/* The end goes to all that have the page, or may still get it; the incident is closed when all
 * know. */
void incident_tell_end(struct incident *incident, const char *note);
void incident_check_told(struct incident *incident);
void incident_move(struct incident *incident, const char *target_id, const char *note);
void incident_tell_move(struct incident *incident);
/* Somebody took the page of target: the incidents that moved into it tell their recipients. */
void incidents_tell_moves(struct incident_book *book, const struct incident *target);

/* ---- escalation_plan.c: by the rules in force, which may have changed since the opening ---- */

const struct escalation *incident_escalation(const struct incident *incident); /* NULL: none */
/* The step behind the present one; false: there is none, all runs are over. */
bool escalation_following(const struct incident *incident, const struct escalation *escalation,
			  int *ret_run, int *ret_step);
/* How long the present step waits; 0: nothing follows it. */
int64_t escalation_wait_us(const struct incident *incident);
/* What its deadline will do, for its page: "2026-11-29T03:20:00Z: pages ledger-lead"; NULL: no
 * step follows. In the arena. */
const char *escalation_next_text(const struct incident *incident, struct arena *arena);
const char *step_pagers_text(const struct escalation_step *step, struct arena *arena);
/* The step as it pages the incident's team: step_of_team(). */
struct escalation_step incident_step(const struct incident *incident,
				     const struct escalation_step *step, struct arena *arena,
				     const struct pager **ret_lost);
/* The escalation of that decision, at its first step. */
void incident_set_escalation(struct incident *incident, const struct decision *decision);

/* ---- escalation.c: steps, runs and deadlines ---- */

/* Timers of an incident: the deadline of its state; what nobody took is sent again. */
void incident_due(void *arg);
void incident_retry_due(void *arg);
/* Open, at the first step of a new run: it rings, also where it was paged before. */
void incident_begin_run(struct incident *incident, const char *note);
void incident_go_on(struct incident *incident); /* if it holds: to the state before */
/* A pager does not take the page: the fallback team gets it, and learns why. */
void incident_page_fallback(struct incident *incident, const char *note);
void incident_send_again(struct incident *incident); /* to all that refused it */

/* ---- incident_act.c: what people do ---- */

enum act_outcome incident_act(struct incident_book *book, const struct act *act, struct buf *words);
/* The team that "not ours" leads to; NULL: none is left. */
const char *incident_next_team_name(struct incident *incident, struct arena *arena);
/* Has that team said "not ours"? */
bool incident_team_refused(const struct incident *incident, const char *team);
/* Of an incident that is closed: a line of its story. */
void incident_note(struct incident_book *book, const struct act *act);
/* Does the act come through a page that its pager still has? */
bool act_has_page(const struct incident *incident, const struct act *act, struct buf *words);
/* May the page still leave? Not a trigger of an acknowledged incident. */
bool incident_page_wanted(void *ctx, const struct stored_page *page);

/* ---- incident_kept.c ---- */

/* The packed form of a decision; the caller has the reference. NULL: it does not fit. */
struct shared_text *incident_pack_decision(const char *text, size_t len);
/* Its page from now on: a copy is kept. packed: the decision; NULL: the page's own, which is packed
 * at once. text: the same decision, until incident_drop_text(); NULL: it is opened when needed. */
void incident_keep_page(struct incident *incident, const struct page *page,
			struct shared_text *text, struct shared_text *packed);
/* Its first page was made: it keeps the packed decision alone. */
void incident_drop_text(struct incident *incident);
/* The packed decision; the caller has a reference. NULL: there is none. */
struct shared_text *incident_packed_decision(struct incident *incident);
/* The decision; the caller has a reference. NULL: there is none. */
struct shared_text *incident_decision(struct incident *incident);
/* Borrowed until the end of the turn, or until the incident gets another page. */
const struct page *incident_page(struct incident *incident);
void incident_forget_page(struct incident *incident);
/* At the end of a turn: packs some of the pages that were not used for longest, where too many are
 * at hand. */
void incidents_pack_pages(struct incident_book *book);

/* ---- incident_silenced.c ---- */

/* A copy takes its place; NULL: none. "" takes no memory. */
void incident_set_text(char **text, const char *by);
/* It holds, or is over: none of its alerts fires, and its clock stands or has another end. */
void incident_forget_silence(struct incident *incident);
/* May such a page not leave while the incident is silenced? Its recipients are asked, or updated,
 * when the silence ends. */
bool incident_silence_keeps(struct incident *incident, enum page_event event);
/* Adds the silence to the page's banner. In the arena. */
void incident_tell_silence(const struct incident *incident, struct arena *arena, struct page *page);
/* The incident, or one of its alerts, is about to be freed. */
void incidents_book_unlink_check(struct incident_book *book, const struct incident *incident,
				 const struct member *member);
/* ---- incident_silence.c ---- */

/* The one place where an incident becomes silenced, or is no more: while silences hold every alert
 * of it that fires. member: an alert of it that joined, or fires again; NULL: only the count of its
 * alerts has changed. */
void incident_check_silence(struct incident *incident, struct member *member);
/* The same of all its alerts: its team or suspect has changed. At most so many alerts at once; the
 * others in the next turns. */
void incident_check_silences(struct incident *incident);
/* At a start: it was silenced before, and its clock stood. */
void incident_restore_silence(struct incident *incident);
/* Then, once all is loaded: is it still? */
void incident_settle_silence(struct incident *incident);
/* The silences, or those of the rules, have changed, or one begins or ends: all incidents are
 * judged anew, in slices. Takes a reference of its own. */
void incidents_book_set_silences(struct incident_book *book, struct silence_set *silences);
/* ---- incident_scope.c ---- */

/* The JSON of a silence of the incident; false: its alerts have nothing in common. */
bool incident_silence_scope(const struct incident *incident, const char *reason, struct buf *doc);

/* ---- incident_sight.c ---- */

/* Tells env.sight, where this program made the incident's alert. page NULL: it is about none. */
void incident_sight(const struct incident *incident, enum incident_sight_kind kind,
		    const struct stored_page *page);

/* One of its alerts, the longest in it, for the log; NULL: it has none. Borrowed until the end of
 * the turn. */
const struct alert *incident_log_alert(const struct incident *incident);

/* The fields of every line about an incident. */
#define LOG_INCIDENT(incident_)                                                                    \
	LOG_STR("incident", (incident_)->id), LOG_STR("team", (incident_)->team),                  \
		LOG_ALERT_WORDS(incident_log_alert(incident_))

/* ---- incident_trace.c: the relay's own traces ---- */

/* A decision opens, joins or improves it: pages that it queues in this turn belong to the span of
 * that text (struct page's trace; NULL: none). first: it is the incident's own decision. */
void incident_trace_decided(struct incident *incident, const char *trace, bool first);
/* Its first page leaves now, which waited for other alerts of the body: it belongs to its decision.
 */
void incident_trace_gathered(struct incident *incident);
/* A step of its escalation begins: a trace of its own, which its pages of this turn belong to. */
void incident_trace_step(struct incident *incident);
/* The span that a page belongs to which is queued now: what caused it in this turn, else a new
 * trace. A text in the arena; NULL: none. */
const char *incident_trace_page(struct incident *incident, enum page_event event,
				struct arena *arena);
/* That of its decision; zeroed: none. */
struct span_context incident_trace_decision(const struct incident *incident);
void incident_trace_free(struct incident *incident);

/* ---- incident_tap.c: where tap_is_on() ---- */

/* Tells the decision that the book takes just now, where it was not told yet: before the first line
 * of a story and the first page that follow from it, when the alert is with its incident already.
 */
void incident_tap_cause(struct incident_book *book);
/* name: of the event. */
void incident_tap_story(const struct incident *incident, enum incident_event event,
			const char *name, const char *who, const char *text);
/* The page was queued, or its state has changed. */
void incident_tap_page(const struct incident *incident, const struct stored_page *page);

/* ---- incident_view.c ---- */

void incidents_book_each(const struct incident_book *book, const char *after,
			 incident_viewer *viewer, void *ctx);
bool incidents_book_view(const struct incident_book *book, const char *id, incident_viewer *viewer,
			 void *ctx);

/* ---- incident_row.c: rows of the store ---- */

/* At the end of the turn: all of it, or only its state and deadline. */
void incident_put(struct incident *incident);
void incident_touch(struct incident *incident);
void incidents_book_write(struct incident_book *book); /* does it */
void recipient_put(const struct incident *incident, const struct recipient *recipient);
void incident_story(const struct incident *incident, enum incident_event event, const char *who,
		    const char *text);
/* The same by id: the incident may be closed. */
void incident_book_story(struct incident_book *book, const char *id, enum incident_event event,
			 const char *who, const char *text);
const char *incident_event_name(enum incident_event event);

/* ---- incident_page.c: what is told ---- */

/* A page that is too large loses its decision, then its details; its summary always fits. */
void incident_page_write(const struct page *page, struct buf *doc);
/* The same of a page that stands beside its incident's. */
void incident_page_write_own(const struct page *page, struct buf *doc);
/* Pages that the store did not take: writes at most n of them again; true: there are more. */
bool incident_pages_heal(struct incident_book *book, size_t n);

/* The incident's page becomes this one: incident_keep_page() without what is of one page alone. */
void incident_set_page(struct incident *incident, const struct page *page, struct shared_text *text,
		       struct shared_text *packed);
/* Its present page, complete, with that decision: for a write, or to be changed and queued. In the
 * arena. */
void incident_get_page(struct incident *incident, struct arena *arena,
		       const struct shared_text *decision, struct page *ret_page);
/* A page that a restart found in the store, over its incident's page: deliver_ops.read(). */
int incidents_read_page(void *ctx, const struct stored_page *row, struct arena *arena,
			struct page *ret_page, struct err *err);
/* The present page, as this event, to one recipient, or to all that have not refused it. note: what
 * changed; NULL: nothing. */
void incident_queue(struct incident *incident, struct recipient *recipient, enum page_event event,
		    const char *note);
/* The same as a notice of what a person did. */
void incident_queue_act(struct incident *incident, struct recipient *recipient, enum act_kind act,
			const char *note);
void incident_queue_all(struct incident *incident, enum page_event event, const char *note);
/* Delivery says that a page moved on; and the end. */
void incident_pages_changed(struct incident_book *book, const struct stored_page *row);
void incident_pages_free(struct incident_book *book);
/* What joined since the recipients were told last: "joined by 3 alerts: NodeDown (instance db1,
 * db2, db3)"; the members are known from then on. In the arena. */
const char *incident_fresh_text(struct incident *incident, struct arena *arena);
/* What differs among its alerts: "30 alerts: NodeDown; they differ in instance: db1, db2, db3 and
 * 27 more"; NULL: it has fewer than two. In the arena. */
const char *incident_differs_text(const struct incident *incident, struct arena *arena);

/* Is it the last time that its pager was paged? Names of pagers are kept once. */
static inline bool recipient_is_newest(const struct recipient *recipient)
{
	const struct recipient *later = STAILQ_NEXT(recipient, link);

	while (later && later->pager != recipient->pager)
		later = STAILQ_NEXT(later, link);
	return !later;
}

/* ---- incident_measure.c ---- */

/* The pagers of the rules, of each team where an entry is by team, have metrics from now on. */
void incidents_book_name_pagers(const struct incident_book *book);
/* Sets the gauges of pagers, and of the pages that wait. */
void incidents_book_measure(const struct incident_book *book);

/* ---- incident_pause.c ---- */

/* The rules in force are other ones: they may have further teams for a pager by team that is
 * paused. */
void incident_pauses_set_rules(struct incident_book *book);
/* by: "ann since 2026-11-29T03:10:00Z"; NULL: the pager goes on. false: it was so before. */
bool incidents_book_pause(struct incident_book *book, const char *pager, const char *by);
/* The text of that pager's own pause, borrowed; NULL: it has none. */
const char *incidents_book_own_pause(const struct incident_book *book, const char *pager);
/* Adds what a person is told who has paused or resumed it: incidents_pause_words(). */
void incidents_book_pause_words(const struct incident_book *book, const char *pager, bool paused,
				bool changed, struct buf *words);
/* Delivery is about to get that page: where a pause holds its pager, delivery learns of it first.
 * The rules may have the pager's team no more. */
void incident_pause_meets(struct incident_book *book, const struct stored_page *page);
/* Is its pager paused since before the page was made? No attempt of it has begun then. */
bool incident_pause_kept(const struct incident_book *book, const struct stored_page *page);
/* The pager's own pause, or its entry's, as the same text; borrowed; NULL: it is not paused. */
const char *incidents_book_paused_by(const struct incident_book *book, const char *pager);
size_t incidents_book_paused(const struct incident_book *book); /* how many pagers are paused */
void incidents_book_each_pager(const struct incident_book *book, incident_pager_viewer *viewer,
			       void *ctx);
/* delivery: what delivery knows of the pager; NULL: nothing. Borrows the name. */
struct incident_pager_view incidents_book_view_pager(const struct incident_book *book,
						     const char *name,
						     const struct deliver_pager_view *delivery);
/* Adds to the page's banner which pagers are paused, by whom and since when. In the arena. */
void incident_tell_pauses(const struct incident_book *book, struct arena *arena, struct page *page);
void incident_pauses_free(struct incident_book *book);

/* ---- recipient.c ---- */

void recipient_enter(struct incident *incident, struct recipient *recipient,
		     enum recipient_state state);
/* The last time that the pager was paged; NULL: it has not been. */
struct recipient *recipient_find(const struct incident *incident, const char *pager);
/* That time. */
static inline struct recipient *recipient_find_n(const struct incident *incident, const char *pager,
						 int n)
{
	struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		if (recipient->n == n && strcmp(recipient->pager, pager) == 0)
			return recipient;
	return NULL;
}

struct recipient *recipient_add(struct incident *incident, const char *pager, int n,
				const char *target, enum recipient_role role,
				enum recipient_state state);
void recipients_free(struct incident *incident);
/* Adds those pagers that the incident does not have yet, and tells so in its story; returns how
 * many. No page is queued. */
size_t recipients_page(struct incident *incident, const struct pager *const *pagers, size_t n,
		       enum recipient_role role, const char *note);
/* Asks those pagers, and rings at those that have the page already: with the key ID#n. One whose
 * trigger is still on its way is left alone. Their triggers are queued. */
void recipients_ring(struct incident *incident, const struct escalation_step *step,
		     enum recipient_role role, const char *note);
/* The same for those that neither have the page, nor may still take it, nor refused it. How many.
 */
size_t recipients_ask(struct incident *incident, const struct escalation_step *step,
		      enum recipient_role role, const char *note);
/* The same for all pagers of the owner that have the page. */
void recipients_ring_again(struct incident *incident, const char *note);
/* That somebody has it: to all that have the page, by each key where the kind wants it. */
void recipients_tell_ack(struct incident *incident, const char *note);
/* To those whose kind shows no words in a resolve: why it comes. */
void recipients_tell_why(struct incident *incident, const char *note);
/* Queues the trigger of one that was to be asked, and of which delivery has no page. */
void recipient_ask_first(struct incident *incident, struct recipient *recipient, const char *note);
/* Sends the trigger to those that were to be asked while the incident was silenced. */
void recipients_ask_kept(struct incident *incident, const char *note);
/* The resolve to one recipient, or to the owner's and the fallback team's, with the words why. */
void recipient_end(struct incident *incident, struct recipient *recipient, const char *note);
void recipients_end_team(struct incident *incident, const char *note);
struct recipient *recipients_last(const struct incident *incident); /* NULL: it has none */
/* Queues the trigger to all recipients that were added after that one; NULL: to all. */
void recipients_queue_after(struct incident *incident, struct recipient *last, const char *note);
/* Is there one, not only notified, that has it, or may still take it? */
bool recipients_reached(const struct incident *incident);
bool recipients_any_taken(const struct incident *incident);   /* somebody took the trigger */
bool recipients_any_refused(const struct incident *incident); /* a pager rejected it for good */
bool recipients_told(const struct incident *incident);	      /* all have got the end */
bool recipient_knows_moved(
	const struct recipient *recipient); /* its kind understands a resolve that says moved */
/* What delivery still has of the incident is given up. */
void recipients_drop(struct incident *incident, const char *why);
/* Counts the incident among those that no pager has taken, or no more. */
void recipients_count(struct incident *incident);
/* Open, and no pager has taken its page for LIMIT_REACH_US, or all refused it. */
bool incident_is_unreached(const struct incident *incident);
/* Sends the trigger again to all that refused it. */
void recipients_retry(struct incident *incident, const char *note);

/* ---- recipient_target.c ---- */

/* Do the targets name one account of one service, which knows a page by its key? */
bool targets_share_account(const char *one, const char *other);
/* Of one that has taken nothing, and of which delivery has no page: its target becomes that of its
 * pager in the rules in force. It stays where the rules have the pager no more, and where the page
 * would be the same as another one of the incident. */
void recipient_take_target(struct incident *incident, struct recipient *recipient);
/* The same for one whose trigger waits at delivery; its pages leave when the target is stored.
 * Nothing happens where the trigger was taken, or is being sent. */
void recipient_follow_rules(struct incident *incident, struct recipient *recipient);
void recipients_follow_rules(struct incident_book *book); /* of all incidents */
/* At a start: a stored page goes to delivery, with the recipient's target, or the rules' one where
 * nothing was taken. */
void recipient_load_page(struct incident *incident, struct recipient *recipient,
			 const struct stored_page *row);

#endif
