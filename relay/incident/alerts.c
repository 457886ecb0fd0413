/*
 * Alerts: see alerts-internal.h, and the states in tbl/life.def.
 */
#include "alerts-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert_kept-internal.h"
#include "alert_trace-internal.h"
#include "copies-internal.h"
#include "sender_habits-internal.h"
#include "tracepager/alert_log.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

struct known_alert {
	struct alert_book *book;
	int64_t id;		/* in the store */
	struct kept_alert last; /* its last word; read by alert_words() */
	enum alert_state state;
	bool ends_by_itself;		 /* of the last word */
	bool durable;			 /* its document is on disk */
	bool more;			 /* others of its body are still to come */
	bool unfinished;		 /* WAITING or ENRICHING: in book->unfinished */
	bool silenced;			 /* QUIET by a silence: in book->silenced */
	bool missed;			 /* the store has not got it as it is: in book->missed */
	char incident[INCIDENT_ID_SIZE]; /* "" none */
	char silence[SILENCE_ID_SIZE];	 /* "": one of the rules */
	unsigned int silence_round;	 /* the last one in which it was compared */
	struct copies copies;
	unsigned int writes;		   /* under way in the store */
	unsigned int attempts;		   /* starts of its processing that did not end yet */
	int64_t accepted_us, refreshed_us; /* wall */
	/* What the last write has of refreshed_us, and of the end of its last copy. */
	int64_t stored_refreshed_us, stored_end_us;
	int64_t again_us;  /* wall: QUIET: then it is decided again; 0: not by itself */
	int64_t hushed_us; /* wall: a person resolved its incident: it is quiet until then; 0 */
	int64_t silent_us; /* wall: ENDED by expiry: the last word on it; 0: it did not expire */
	int64_t begun_us;  /* mono: acceptance, or the restart */
	struct timer deadline; /* of the state */
	struct slice *begin;   /* WAITING, and written: its processing begins; NULL else */
	struct enrichment *enrichment;
	struct alert_trace *trace; /* the relay's own, until it is decided; NULL: none */
	TAILQ_ENTRY(known_alert) in_all, in_unfinished, in_silenced, in_missed;
	char key[]; /* "family/fingerprint" */
};
TAILQ_HEAD(known_alerts, known_alert);

struct alert_book {
	struct incident_env env;
	struct alert_ops ops;
	struct turns *turns;
	struct enricher *enricher;
	struct map *alerts; /* key -> struct known_alert */
	struct kept_alerts *kept;
	struct sender_habits *habits;
	struct life_counts counts;
	struct known_alerts all, missed, unfinished; /* the oldest begins each */
	/* Each change of silences begins a round, in which all are compared once, from the front;
	 * compared ones go to the back. */
	struct known_alerts silenced;
	size_t nsilenced;
	unsigned int silence_round;
	struct slice comparing;
	int64_t next_id;
	int64_t started_us;	    /* mono */
	struct span_context traced; /* of the alert that was accepted last */
	size_t loaded_unfinished;
};

/* A write of an alert that is under way. */
struct alert_write {
	struct known_alert *alert;
	bool whole; /* with its document */
};

static int64_t book_mono_us(const struct alert_book *book)
{
	return clock_mono_us(book->env.clock);
}

static int64_t book_wall_us(const struct alert_book *book)
{
	return clock_wall_us(book->env.clock);
}

static const struct alert *alert_words(struct known_alert *alert)
{
	return kept_alert_get(alert->book->kept, &alert->last);
}

/* ---- states ---- */

static int64_t alert_mono_of(const struct known_alert *alert, int64_t wall_us)
{
	return book_mono_us(alert->book) + (wall_us - book_wall_us(alert->book));
}

/* The end of its last copy, on the monotonic clock. Alerts of the v2 API get 5 minutes after a
 * start: their senders dropped their repeats while we were away. */
static int64_t alert_end_us(const struct known_alert *alert)
{
	int64_t end_us = alert_mono_of(alert, copies_end_us(&alert->copies));
	int64_t grace_us = alert->book->started_us + LIMIT_START_GRACE_US;

	return alert->ends_by_itself && end_us < grace_us ? grace_us : end_us;
}

/* How long an ended alert is remembered. One that expired: as long again as it was silent for, so
 * that a sender that repeats it is known to repeat more rarely than that. */
static int64_t alert_memory_us(const struct known_alert *alert)
{
	int64_t silent_us = alert->silent_us ? alert->refreshed_us - alert->silent_us : 0;

	if (synthetic_of_key(alert->key))
		return LIMIT_SYNTHETIC_MEMORY_US;
	return silent_us > LIMIT_RESOLVED_MEMORY_US ? silent_us : LIMIT_RESOLVED_MEMORY_US;
}

static int64_t alert_deadline_us(const struct known_alert *alert, enum alert_state state)
{
	const struct incident_options *options = &alert->book->env.options;
	int64_t end_us = alert_end_us(alert);

	switch (state) {
	case ALERT_WAITING:
		return book_mono_us(alert->book) + LIMIT_ALERT_WRITE_US;
	case ALERT_ENRICHING:
		return alert->begun_us + options->enrich_us + LIMIT_ENRICH_EXTRA_US +
		       LIMIT_DECIDE_US;
	case ALERT_PAGED:
		return end_us;
	case ALERT_QUIET:
		if (alert->again_us && alert_mono_of(alert, alert->again_us) < end_us)
			return alert_mono_of(alert, alert->again_us);
		return end_us;
	case ALERT_ENDED:
		return book_mono_us(alert->book) + alert_memory_us(alert);
	case ALERT_STATE_COUNT:
		break;
	}
	abort();
}

static void alert_arm(struct known_alert *alert)
{
	timer_arm(alert->book->env.timers, &alert->deadline,
		  alert_deadline_us(alert, alert->state));
}

/* No silence keeps it from paging, or it does not matter any more. */
static void alert_unlist(struct known_alert *alert)
{
	struct alert_book *book = alert->book;

	if (!alert->silenced)
		return;
	alert->silenced = false;
	TAILQ_REMOVE(&book->silenced, alert, in_silenced);
	book->nsilenced--;
}

static void alert_forget_begin(struct known_alert *alert)
{
	if (!alert->begin)
		return;
	slice_remove(alert->book->turns, alert->begin);
	free(alert->begin);
	alert->begin = NULL;
}

/* true: its budget begins; false: it is decided. */
static void alert_set_unfinished(struct known_alert *alert, bool unfinished)
{
	if (alert->unfinished)
		TAILQ_REMOVE(&alert->book->unfinished, alert, in_unfinished);
	alert->unfinished = unfinished;
	if (!unfinished)
		return;
	alert->begun_us = book_mono_us(alert->book);
	TAILQ_INSERT_TAIL(&alert->book->unfinished, alert, in_unfinished);
}

static void alert_enter(struct known_alert *alert, enum alert_state state)
{
	life_move(LIFE_ALERT, &alert->book->counts, alert->state, state, alert->key);
	alert->state = state;
	if (state != ALERT_QUIET)
		alert_unlist(alert);
	if (state != ALERT_WAITING)
		alert_forget_begin(alert);
	if (state != ALERT_WAITING && state != ALERT_ENRICHING)
		alert_set_unfinished(alert, false);
	alert_arm(alert);
}

static void alert_drop_enrichment(struct known_alert *alert)
{
	enrichment_drop(alert->enrichment);
	alert->enrichment = NULL;
}

static bool alert_fires(const struct known_alert *alert)
{
	return copies_fire_at(&alert->copies, book_wall_us(alert->book));
}

/* ---- writes ---- */

static void alert_begin(void *arg);

static void alert_begin_when_written(struct known_alert *alert, int error)
{
	/* Where the store failed its sender got 503 and sends it again; its page leaves all the
	 * same. */
	if (alert->state != ALERT_WAITING || (error && alert->writes))
		return;
	if (!alert->begin) {
		alert->begin = xcalloc(1, sizeof(*alert->begin));
		*alert->begin = (struct slice){ .run = alert_begin, .arg = alert };
	}
	slice_add(alert->book->turns, alert->begin);
}

static void alert_written(void *ctx, int error, const char *text)
{
	struct alert_write *write = ctx;
	struct known_alert *alert = write->alert;
	struct alert_book *book = alert->book;

	(void)text; /* the store logs it */
	alert->writes--;
	alert->durable |= write->whole && !error;
	if (error && !alert->missed) {
		alert->missed = true;
		TAILQ_INSERT_TAIL(&book->missed, alert, in_missed);
	}
	if (error)
		book->ops.write_failed(book->ops.ctx);
	if (write->whole) {
		alert_trace_stored(&alert->trace, error != 0);
		alert_begin_when_written(alert, error);
	}
	free(write);
}

static void alert_write_row(struct known_alert *alert, bool whole)
{
	static const enum stored_alert_state stored[ALERT_STATE_COUNT] = {
		[ALERT_WAITING] = STORED_ALERT_WAITING,
		[ALERT_ENRICHING] = STORED_ALERT_WAITING, /* a restart begins again */
		[ALERT_PAGED] = STORED_ALERT_DECIDED,
		[ALERT_QUIET] = STORED_ALERT_DECIDED,
		[ALERT_ENDED] = STORED_ALERT_ENDED,
	};
	struct store_batch *batch = turns_batch(alert->book->turns);
	CLEANUP_FREE char *copies = copies_text(&alert->copies);
	struct buf doc = BUF_INIT(LIMIT_ALERT_DOC_BYTES);
	struct stored_alert row = {
		.id = alert->id,
		.key = alert->key,
		.incident = alert->incident,
		.state = stored[alert->state],
		.attempts = alert->attempts,
		.accepted_us = alert->accepted_us,
		.refreshed_us = alert->refreshed_us,
		.expires_us = copies_end_us(&alert->copies),
		.copies = copies,
		.quiet_us = alert->state == ALERT_QUIET ? alert->hushed_us : 0,
	};
	struct alert_write *write = xcalloc(1, sizeof(*write));

	alert->stored_refreshed_us = row.refreshed_us;
	alert->stored_end_us = row.expires_us;
	if (whole) {
		char trace[SPAN_CONTEXT_SIZE];
		struct alert words = *alert_words(alert);
		alert_trace_stores(&alert->trace, &words, trace);
		alert_write(&words, &doc);
		row.doc = buf_text(&doc);
		row.doc_len = doc.len;
		store_put_alert(batch, &row);
	} else {
		store_touch_alert(batch, &row);
	}
	buf_fini(&doc);
	write->alert = alert;
	write->whole = whole;
	alert->writes++;
	turns_then(alert->book->turns, alert_written, free, write);
}

static void alert_put(struct known_alert *alert)
{
	alert_write_row(alert, true);
}

/* Its state only; one that is not on disk yet is written whole when that is tried again. */
static void alert_touch(struct known_alert *alert)
{
	alert_write_row(alert, false);
}

bool alerts_heal(struct alert_book *book, size_t n)
{
	struct known_alert *alert;

	for (; n && (alert = TAILQ_FIRST(&book->missed)); n--) {
		TAILQ_REMOVE(&book->missed, alert, in_missed);
		alert->missed = false;
		alert_put(alert);
	}
	return !TAILQ_EMPTY(&book->missed);
}

/* ---- memory ---- */

static void alert_due(void *arg);

static struct known_alert *alert_new(struct alert_book *book, const char *key,
				     enum alert_state state)
{
	const size_t size = strlen(key) + 1;
	struct known_alert *alert = xcalloc(1, sizeof(*alert) + size);

	alert->book = book;
	alert->id = book->next_id++;
	memcpy(alert->key, key, size);
	alert->deadline = (struct timer){ .fire = alert_due, .arg = alert };
	alert->state = state;
	life_begin(&book->counts, state);
	map_put(book->alerts, alert->key, alert);
	TAILQ_INSERT_TAIL(&book->all, alert, in_all);
	return alert;
}

static void alert_free(struct known_alert *alert)
{
	struct alert_book *book = alert->book;

	timer_disarm(book->env.timers, &alert->deadline);
	alert_forget_begin(alert);
	alert_drop_enrichment(alert);
	alert_trace_free(alert->trace);
	alert_unlist(alert);
	alert_set_unfinished(alert, false);
	if (alert->missed)
		TAILQ_REMOVE(&book->missed, alert, in_missed);
	life_end(&book->counts, alert->state);
	map_remove(book->alerts, alert->key);
	TAILQ_REMOVE(&book->all, alert, in_all);
	copies_fini(&alert->copies);
	kept_alert_forget(book->kept, &alert->last);
	free(alert);
}

static void alert_set(struct known_alert *known, const struct alert *alert)
{
	kept_alert_set(known->book->kept, &known->last, alert);
	known->ends_by_itself = alert->ends_by_itself;
}

/* ---- messages ---- */

/* words: those of its last word. */
static void alert_tell_words(const struct known_alert *alert, enum alert_says says,
			     const struct alert *words, const char *note)
{
	const struct alert_message message = {
		.says = says,
		.key = alert->key,
		.incident = alert->incident,
		.alert = words,
		.begun_us = alert->begun_us,
		.more = alert->more,
		.enrichment = alert->enrichment,
		.note = note,
	};

	alert->book->ops.tell(alert->book->ops.ctx, &message);
}

static void alert_tell(struct known_alert *alert, enum alert_says says, const char *note)
{
	alert_tell_words(alert, says, alert_words(alert), note);
}

void alerts_hush(struct alert_book *book, const char *key, int64_t until_us)
{
	struct known_alert *alert = map_get(book->alerts, key);

	if (!alert || alert->state != ALERT_PAGED)
		return;
	*alert->incident = '\0';
	alert->hushed_us = alert->again_us = until_us;
	alert_enter(alert, ALERT_QUIET);
	if (alert->durable)
		alert_touch(alert);
}

void alerts_belong(struct alert_book *book, const char *key, const char *id)
{
	struct known_alert *alert = map_get(book->alerts, key);

	if (alert)
		snprintf(alert->incident, sizeof(alert->incident), "%s", id);
}

/* ---- from acceptance to the decision ---- */

static struct enrich_order alert_order(struct known_alert *alert)
{
	const struct alert *words = alert_words(alert);

	return (struct enrich_order){
		.key = alert->key,
		.alert = words,
		.starts_us = words->starts_at_us ? words->starts_at_us : alert->accepted_us,
		.begun_us = alert->begun_us,
		.crashed = alert->attempts >= LIMIT_ATTEMPTS,
		.trace = alert_trace_root(alert->trace),
		.arg = alert,
	};
}

static void alert_finish(struct known_alert *alert, enum alert_says says, const char *note);

/* Once for each episode of a heartbeat; of others the decision tells, since they may be thousands.
 */
static void alert_log_quiet(struct known_alert *alert, const struct decision *decision)
{
	unsigned int n = decision->nowner_reasons;

	log_info("alert pages nobody", LOG_ALERT(alert->key, alert_words(alert)),
		 LOG_STR("reason", n ? decision->owner_reasons[n - 1] : ""));
}

/* A silence keeps it from paging. Where the silences have changed while it was decided, it is
 * compared with them as they are now. */
static void alert_list_silenced(struct known_alert *alert)
{
	struct alert_book *book = alert->book;
	const struct decision *decision = enrichment_decision(alert->enrichment);
	size_t bytes;

	if (!decision->silence || alert->silenced)
		return;
	snprintf(alert->silence, sizeof(alert->silence), "%s",
		 decision->silence_id ? decision->silence_id : "");
	alert->silenced = true;
	alert->silence_round = book->silence_round;
	book->nsilenced++;
	if (enrichment_input(alert->enrichment, &bytes)->silences ==
	    enricher_silences(book->enricher)) {
		TAILQ_INSERT_TAIL(&book->silenced, alert, in_silenced);
		return;
	}
	alert->silence_round--;
	TAILQ_INSERT_HEAD(&book->silenced, alert, in_silenced);
	slice_add(book->turns, &book->comparing);
}

static void alert_decided(void *arg, struct enrichment *enrichment, bool late)
{
	struct known_alert *alert = arg;

	alert_tell(alert, late ? ALERT_SAYS_LATE : ALERT_SAYS_DECIDED, NULL);
	enrichment_tell_decided(enrichment, alert->incident, late);
	if (!late)
		alert_trace_decided(&alert->trace, enrichment_decision(enrichment),
				    alert->incident);
	if (!late) {
		alert->attempts = 0;
		alert->again_us = enrichment_decision(enrichment)->again_us;
		alert_enter(alert, *alert->incident ? ALERT_PAGED : ALERT_QUIET);
		if (alert->state == ALERT_QUIET)
			alert_list_silenced(alert);
		if (alert->state == ALERT_QUIET && enrichment_decision(enrichment)->heartbeat)
			alert_log_quiet(alert, enrichment_decision(enrichment));
	} else if (!*alert->incident && alert->state == ALERT_PAGED) {
		alert->again_us = enrichment_decision(enrichment)->again_us;
		alert_enter(alert, ALERT_QUIET);
		alert_list_silenced(alert);
	}
	if (alert->durable)
		alert_touch(alert);
	if (!enrichment_is_late(enrichment))
		alert_drop_enrichment(alert);
	if (!late && !alert_fires(alert))
		alert_finish(alert, ALERT_SAYS_RESOLVED, NULL);
}

/* Its attempt is on disk: the processing begins. */
static void alert_begin(void *arg)
{
	struct known_alert *alert = arg;
	struct enrich_order order = alert_order(alert);

	alert_enter(alert, ALERT_ENRICHING);
	enrichment_start(alert->book->enricher, &order, &alert->enrichment);
}

/* A silence or a time of day is over, and the alert still fires: it is decided again. The attempt
 * is stored first. */
static void alert_decide_again(struct known_alert *alert)
{
	alert_drop_enrichment(alert);
	alert_set_unfinished(alert, true);
	alert->again_us = alert->hushed_us = 0;
	alert->attempts++;
	alert_trace_begin(&alert->trace, alert->book->env.tracer, alert->book->env.clock,
			  alert_words(alert));
	alert_enter(alert, ALERT_WAITING);
	alert_put(alert);
}

/* Until when the silence that keeps it from paging still does; 0: it does not. */
static int64_t alert_silenced_until_us(struct known_alert *alert)
{
	struct alert_book *book = alert->book;
	int64_t now_us = book_wall_us(book);
	const struct made_silence *made =
		*alert->silence ? silence_set_get(enricher_silences(book->enricher), alert->silence)
				: NULL;
	const struct silence *silence = made ? made_silence_silence(made)
					: *alert->silence
						? NULL
						: rules_silence(enricher_rules(book->enricher),
								alert_words(alert), now_us, NULL);

	return silence && now_us >= silence->starts_us && now_us < silence->ends_us
		       ? silence->ends_us
		       : 0;
}

static void alert_compare(struct known_alert *alert)
{
	struct alert_book *book = alert->book;
	int64_t until_us = alert_silenced_until_us(alert);

	if (!until_us) {
		alert_decide_again(alert);
		return;
	}
	alert->silence_round = book->silence_round;
	TAILQ_REMOVE(&book->silenced, alert, in_silenced);
	TAILQ_INSERT_TAIL(&book->silenced, alert, in_silenced);
	if (alert->again_us == until_us)
		return;
	alert->again_us = until_us;
	alert_arm(alert);
}

static void alerts_compare_some(void *arg)
{
	struct alert_book *book = arg;
	int64_t until_us = book_mono_us(book) + LIMIT_SILENCE_SLICE_US;
	struct known_alert *alert;

	for (size_t n = 0; n < LIMIT_SILENCE_SLICE; n++) {
		alert = TAILQ_FIRST(&book->silenced);
		if (!alert || alert->silence_round == book->silence_round)
			return;
		alert_compare(alert);
		if (book_mono_us(book) >= until_us)
			break;
	}
	slice_add(book->turns, &book->comparing);
}

static void alert_finish(struct known_alert *alert, enum alert_says says, const char *note)
{
	alert_drop_enrichment(alert);
	copies_clear(&alert->copies);
	alert->refreshed_us = book_wall_us(alert->book);
	alert_tell(alert, says, note);
	alert_enter(alert, ALERT_ENDED);
	alert_touch(alert);
}

static void alert_expire(struct known_alert *alert)
{
	int64_t silent_us = book_wall_us(alert->book) - alert->refreshed_us;
	char age[32], note[128];

	copies_age_text(silent_us, age, sizeof(age));
	snprintf(note, sizeof(note), "nothing was heard of it for %s", age);
	int64_t heard_us = alert->refreshed_us;
	if (!synthetic_of_key(alert->key))
		metric_add(METRIC_ALERTS_EXPIRED, 1);
	log_info("alert expired: nobody repeated or resolved it",
		 LOG_ALERT(alert->key, alert_words(alert)), LOG_OPT("incident", alert->incident),
		 LOG_STR("silent", age));
	alert_finish(alert, ALERT_SAYS_EXPIRED, note);
	if (!alert->ends_by_itself) {
		alert->silent_us = heard_us;
		alert_arm(alert);
	}
}

/* The safety net: nothing that was started came back. */
static void alert_decide_without(struct known_alert *alert)
{
	struct enrich_order order = alert_order(alert);

	log_error("an alert's decision did not come back; it is paged without traces",
		  LOG_ALERT(alert->key, alert_words(alert)));
	alert_drop_enrichment(alert);
	enrichment_decide_without(alert->book->enricher, &order,
				  "deciding took longer than the budget and 20 s",
				  &alert->enrichment);
}

static void alert_forget(struct known_alert *alert)
{
	if (alert->writes) {
		alert_arm(alert);
		return;
	}
	alert_tell(alert, ALERT_SAYS_FORGOTTEN, NULL);
	store_remove_alert(turns_batch(alert->book->turns), alert->id);
	alert_free(alert);
}

static void alert_due(void *arg)
{
	struct known_alert *alert = arg;

	switch (alert->state) {
	case ALERT_WAITING:
		log_warn("the store has not answered for an alert yet",
			 LOG_ALERT(alert->key, alert_words(alert)));
		alert_arm(alert);
		break;
	case ALERT_ENRICHING:
		alert_decide_without(alert);
		break;
	case ALERT_QUIET:
		if (alert->again_us && book_wall_us(alert->book) >= alert->again_us) {
			alert_decide_again(alert);
			break;
		}
		if (alert->again_us && alert_fires(alert)) /* the wall clock was set back */
			alert_arm(alert);
		else
			alert_expire(alert);
		break;
	case ALERT_PAGED:
		alert_expire(alert);
		break;
	case ALERT_ENDED:
		alert_forget(alert);
		break;
	case ALERT_STATE_COUNT:
		abort();
	}
}

/* ---- acceptance ---- */

/* A webhook's alert counts as over when nothing was heard of it for expire_after, or for one and a
 * half times the longest interval that its sender was seen to repeat in. */
static int64_t alerts_expire_after_us(const struct alert_book *book, const char *sender)
{
	return sender_habit_patience_us(book->habits, sender, book->env.options.expire_after_us);
}

static void alerts_learn(struct alert_book *book, const char *sender, int64_t gap_us)
{
	if (sender_habit_learn(book->habits, sender, gap_us))
		store_put_sender(turns_batch(book->turns),
				 &(struct stored_sender){ .name = sender, .interval_us = gap_us });
}

/* The alert's own word: until when it counts, and what is learned of its sender. Returns false:
 * none of its copies had said so before. */
static bool alert_hear(struct known_alert *known, const struct alert *alert)
{
	struct alert_book *book = known->book;
	int64_t now_us = book_wall_us(book);
	int64_t ends_us = alert->ends_at_us;

	if (!alert->ends_by_itself || !ends_us)
		ends_us = now_us + alerts_expire_after_us(book, alert->sender);
	int64_t gap_us = copies_fire(&known->copies, alert, now_us, ends_us);
	if (!alert->ends_by_itself)
		alerts_learn(book, alert->sender, gap_us);
	known->refreshed_us = now_us;
	return gap_us > 0;
}

/* What needs no trace is decided at acceptance, and written in one group with the alert. */
static void alert_begin_episode(struct known_alert *known, const struct alert *alert, size_t more)
{
	struct alert_book *book = known->book;

	known->accepted_us = book_wall_us(book);
	alert_set_unfinished(known, true);
	known->attempts = 1;
	known->more = more > 0;
	alert_set(known, alert);
	book->traced = alert_trace_begin(&known->trace, book->env.tracer, book->env.clock, alert);
	copies_clear(&known->copies);
	alert_hear(known, alert);
	if (known->state == ALERT_ENDED)
		alert_enter(known, ALERT_WAITING);
	else
		alert_arm(known);
	struct enrich_order order = alert_order(known);
	bool durable = known->durable;
	known->durable = false; /* one write of the whole, behind the decision */
	enrichment_decide_at_once(book->enricher, &order, &known->enrichment);
	known->durable |= durable;
	alert_put(known);
	metric_add(METRIC_ALERTS_ACCEPTED, !alert_synthetic(alert));
}

/* Does the stored row say nearly the same as the alert? A repeat that moves only the alert's end is
 * written when that end has moved by LIMIT_REPEAT_UNWRITTEN_US, or when less than half of the time
 * that the alert yet has is on disk: after a restart it fires as long as its sender repeats it. */
static bool alert_is_stored(const struct known_alert *known)
{
	const int64_t now_us = book_wall_us(known->book);
	const int64_t end_us = copies_end_us(&known->copies);
	const int64_t moved_us = end_us - known->stored_end_us;

	return known->durable && !known->writes && !known->missed &&
	       (known->state == ALERT_PAGED || known->state == ALERT_QUIET) && moved_us >= 0 &&
	       moved_us <= LIMIT_REPEAT_UNWRITTEN_US &&
	       known->stored_end_us - now_us >= (end_us - now_us) / 2 &&
	       now_us >= known->stored_refreshed_us &&
	       now_us - known->stored_refreshed_us <= LIMIT_REPEAT_UNWRITTEN_US;
}

static enum accept_result alert_repeat(struct known_alert *known, const struct alert *alert)
{
	const bool same = kept_alert_says(&known->last, alert);
	bool written = true;

	if (!same)
		alert_set(known, alert);
	if (alert_hear(known, alert) && same && alert_is_stored(known))
		written = false;
	else if (same && known->durable && !known->missed)
		alert_touch(known);
	else
		alert_put(known);
	if (known->state == ALERT_PAGED || known->state == ALERT_QUIET)
		alert_arm(known);
	alert_tell_words(known, ALERT_SAYS_REPEATED, alert, NULL);
	metric_add(METRIC_ALERTS_REPEATED, !alert_synthetic(alert));
	return written ? ACCEPT_REPEATED : ACCEPT_UNCHANGED;
}

/* An alert that had ended fires again while its incident is not over: no new decision. */
static enum accept_result alert_refire(struct known_alert *known, const struct alert *alert)
{
	alert_set(known, alert);
	copies_clear(&known->copies);
	alert_hear(known, alert);
	alert_enter(known, ALERT_PAGED);
	alert_tell(known, ALERT_SAYS_REFIRED, NULL);
	alert_put(known);
	metric_add(METRIC_ALERTS_REPEATED, !alert_synthetic(alert));
	return ACCEPT_REPEATED;
}

/* It had expired, and is repeated with the start that it had: it has fired all the time, and its
 * sender repeats more rarely than was known. */
static void alert_heard_again(struct known_alert *known, const struct alert *alert)
{
	if (known->silent_us && alert->starts_at_us == alert_words(known)->starts_at_us)
		alerts_learn(known->book, alert->sender,
			     book_wall_us(known->book) - known->silent_us);
	known->silent_us = 0;
}

static enum accept_result alerts_firing(struct alert_book *book, const char *key,
					const struct alert *alert, size_t more)
{
	struct known_alert *known = map_get(book->alerts, key);

	if (known && known->state != ALERT_ENDED)
		return alert_repeat(known, alert);
	if (known)
		alert_heard_again(known, alert);
	if (known && *known->incident)
		return alert_refire(known, alert);
	if (!known)
		known = alert_new(book, key, ALERT_WAITING);
	alert_begin_episode(known, alert, more);
	return ACCEPT_NEW;
}

/* It names the end of an earlier start. A sender that repeats rarely gets the time to repeat. */
static void alert_doubt(struct known_alert *known, const struct alert *alert)
{
	struct alert_book *book = known->book;
	int64_t doubt_us = sender_habit_patience_us(book->habits, alert->sender, LIMIT_DOUBT_US);

	if (!copies_doubt(&known->copies, alert, book_wall_us(book) + doubt_us))
		return;
	alert_put(known);
	if (known->state == ALERT_PAGED || known->state == ALERT_QUIET)
		alert_arm(known);
}

static enum accept_result alerts_resolved(struct alert_book *book, const char *key,
					  const struct alert *alert)
{
	struct known_alert *known = map_get(book->alerts, key);

	if (!known) {
		log_info("an alert that nobody knows has ended", LOG_ALERT(key, alert));
		metric_add(METRIC_ALERTS_UNKNOWN, 1);
		return ACCEPT_UNKNOWN;
	}
	metric_add(METRIC_ALERTS_RESOLVED, !alert_synthetic(alert));
	if (known->state == ALERT_ENDED)
		return ACCEPT_REPEATED;
	if (!copies_resolve(&known->copies, alert, book_wall_us(book))) {
		alert_doubt(known, alert);
		return ACCEPT_REPEATED;
	}
	if (alert_fires(known)) {
		alert_put(known);
		alert_arm(known);
		return ACCEPT_REPEATED; /* another copy fires on */
	}
	if (known->state == ALERT_WAITING || known->state == ALERT_ENRICHING)
		alert_put(known); /* its page leaves all the same, then resolves; a restart must
				     know it too */
	else
		alert_finish(known, ALERT_SAYS_RESOLVED, NULL);
	return ACCEPT_RESOLVED;
}

enum accept_result alerts_accept(struct alert_book *book, const struct alert *alert, size_t more)
{
	char key[LIMIT_ALERT_KEY_BYTES];

	snprintf(key, sizeof(key), "%s/%s", alert->family, alert->fingerprint);
	return alert->status == ALERT_FIRING ? alerts_firing(book, key, alert, more)
					     : alerts_resolved(book, key, alert);
}

/* ---- a start ---- */

/* Rows of an earlier version have no copies, and one expiry; 0: the alert has ended. Of a webhook's
 * alert that expiry may be shorter than the interval in which its sender repeats: the alert fires
 * for expire_after from its last word. */
static void alert_restore_copies(struct known_alert *alert, const struct stored_alert *row)
{
	const struct alert *last = alert_words(alert);
	int64_t ends_us = row->expires_us;

	copies_read(&alert->copies, row->copies ? row->copies : "");
	if (alert->copies.n || !row->expires_us || last->status != ALERT_FIRING)
		return;
	if (!last->ends_by_itself || !last->ends_at_us)
		ends_us = row->refreshed_us + alerts_expire_after_us(alert->book, last->sender);
	copies_fire(&alert->copies, last, row->refreshed_us, ends_us);
}

static void alert_restore_state(struct known_alert *alert, enum stored_alert_state state)
{
	struct alert_book *book = alert->book;

	switch (state) {
	case STORED_ALERT_WAITING:
		alert->state = ALERT_WAITING;
		alert->attempts++;
		alert_set_unfinished(alert, true); /* a fresh budget */
		book->loaded_unfinished++;
		alert_put(alert); /* it begins when the attempt is on disk */
		break;
	case STORED_ALERT_DECIDED:
		alert->state = *alert->incident ? ALERT_PAGED : ALERT_QUIET;
		/* Why it paged nobody is not stored; by now it may be over. */
		if (alert->state == ALERT_QUIET)
			alert->again_us = alert->hushed_us
						  ? alert->hushed_us
						  : book_wall_us(book) + LIMIT_DECIDE_AGAIN_US;
		break;
	case STORED_ALERT_ENDED:
		alert->state = ALERT_ENDED;
		copies_clear(&alert->copies);
		break;
	}
	if (synthetic_of_key(alert->key) && state != STORED_ALERT_ENDED) {
		/* Its drill ended with the program that made it. */
		alert->state = ALERT_ENDED;
		alert_set_unfinished(alert, false);
		copies_clear(&alert->copies);
		alert_touch(alert);
	}
	life_begin(&book->counts, alert->state);
}

void alerts_load(struct alert_book *book, const struct stored_alert *row,
		 bool (*known)(void *ctx, const char *incident), void *ctx)
{
	const enum synthetic synthetic = synthetic_of_key(row->key);

	/* The program ended meanwhile: nobody has heard of it yet. */
	if (synthetic == SYNTHETIC_SELF ||
	    (synthetic == SYNTHETIC_DRILL && row->state == STORED_ALERT_WAITING)) {
		store_remove_alert(turns_batch(book->turns), row->id);
		return;
	}
	struct arena *arena = arena_new(2 * LIMIT_ALERT_DOC_BYTES);
	struct known_alert *alert = alert_new(book, row->key, ALERT_WAITING);
	struct alert stored;
	struct err err;

	if (row->id >= book->next_id && row->id < INT64_MAX)
		book->next_id = row->id + 1;
	if (alert_read(arena, row->doc, row->doc_len, &stored, &err) < 0)
		alert_stand_in(arena, row->key, err.text, &stored);
	alert->id = row->id;
	alert_set(alert, &stored);
	alert->durable = true;
	alert->attempts = row->attempts;
	alert->accepted_us = row->accepted_us;
	alert->refreshed_us = alert->stored_refreshed_us = row->refreshed_us;
	alert->stored_end_us = row->expires_us;
	alert->hushed_us = row->quiet_us;
	if (*row->incident && known(ctx, row->incident))
		snprintf(alert->incident, sizeof(alert->incident), "%s", row->incident);
	alert_restore_copies(alert, row);
	if (row->state == STORED_ALERT_WAITING)
		alert->trace = alert_trace_restore(book->env.tracer, book->env.clock, &stored,
						   row->accepted_us);
	life_end(&book->counts, alert->state);
	alert_restore_state(alert, row->state);
	alert_arm(alert);
	kept_alerts_pack(book->kept);
	arena_free(arena);
}

void alerts_load_sender(struct alert_book *book, const struct stored_sender *row)
{
	sender_habit_set(book->habits, row->name, row->interval_us);
}

/* ---- the whole ---- */

struct alert_book *alerts_new(const struct incident_env *env, struct turns *turns,
			      const struct alert_ops *ops, struct ruleset *rules)
{
	static const struct enrich_ops enrich_ops = { .decided = alert_decided };
	struct alert_book *book = xcalloc(1, sizeof(*book));

	book->env = *env;
	book->ops = *ops;
	book->turns = turns;
	book->alerts = map_new_borrowing();
	book->kept = kept_alerts_new();
	book->habits = sender_habits_new();
	TAILQ_INIT(&book->all);
	TAILQ_INIT(&book->unfinished);
	TAILQ_INIT(&book->missed);
	TAILQ_INIT(&book->silenced);
	book->comparing = (struct slice){ .run = alerts_compare_some, .arg = book };
	book->enricher = enricher_new(env, turns, &enrich_ops, rules);
	book->started_us = book_mono_us(book);
	book->next_id = book_wall_us(
		book); /* beyond all earlier ones: alerts are rarer than microseconds */
	return book;
}

void alerts_free(struct alert_book *book)
{
	void *item;
	size_t pos;

	if (!book)
		return;
	for (pos = 0; (item = map_next(book->alerts, &pos, NULL)); pos = 0)
		alert_free(item);
	slice_remove(book->turns, &book->comparing);
	map_free(book->alerts);
	sender_habits_free(book->habits);
	kept_alerts_free(book->kept);
	enricher_free(book->enricher);
	free(book);
}

void alerts_end_turn(struct alert_book *book)
{
	kept_alerts_pack(book->kept);
}

void alerts_set_rules(struct alert_book *book, struct ruleset *rules)
{
	enricher_set_rules(book->enricher, rules);
}

void alerts_set_silences(struct alert_book *book, struct silence_set *silences)
{
	enricher_set_silences(book->enricher, silences);
	book->silence_round++;
	if (book->nsilenced)
		slice_add(book->turns, &book->comparing);
}

size_t alerts_silenced(const struct alert_book *book)
{
	return book->nsilenced;
}

struct ruleset *alerts_rules(const struct alert_book *book)
{
	return enricher_rules(book->enricher);
}

const struct alert *alerts_get(const struct alert_book *book, const char *key)
{
	struct known_alert *alert = map_get(book->alerts, key);

	return alert ? alert_words(alert) : NULL;
}

bool alerts_fires(const struct alert_book *book, const char *key)
{
	const struct known_alert *alert = map_get(book->alerts, key);

	return alert && alert->state != ALERT_ENDED;
}

void alerts_each(const struct alert_book *book, const char *after, incident_alert_viewer *viewer,
		 void *ctx)
{
	struct known_alert *alert = after ? map_get(book->alerts, after) : NULL;
	bool more = true;

	alert = alert ? TAILQ_NEXT(alert, in_all) : TAILQ_FIRST(&book->all);
	for (; alert && more; alert = TAILQ_NEXT(alert, in_all))
		more = viewer(
			ctx,
			&(struct incident_alert_view){
				.id = alert->id,
				.key = alert->key,
				.state = life_state_name(LIFE_ALERT, alert->state),
				.alert = alert->state == ALERT_ENDED ? NULL : alert_words(alert),
				.incident = alert->incident,
				.team = "",
				.silenced = alert->silenced,
				.accepted_us = alert->accepted_us,
				.heard_us = alert->refreshed_us,
				.expires_us = copies_end_us(&alert->copies) });
}

bool alerts_knows(const struct alert_book *book, const char *key)
{
	return map_get(book->alerts, key) != NULL;
}

bool alerts_traced(const struct alert_book *book, struct span_context *ret_context)
{
	*ret_context = book->traced;
	return span_context_is_set(ret_context);
}

size_t alerts_known(const struct alert_book *book)
{
	return map_count(book->alerts);
}

size_t alerts_unfinished(const struct alert_book *book)
{
	return book->counts.in[ALERT_WAITING] + book->counts.in[ALERT_ENRICHING];
}

int64_t alerts_oldest_us(const struct alert_book *book)
{
	const struct known_alert *oldest = TAILQ_FIRST(&book->unfinished);

	return oldest ? book_mono_us(book) - oldest->begun_us : 0;
}

size_t alerts_loaded_unfinished(const struct alert_book *book)
{
	return book->loaded_unfinished;
}

const struct life_counts *alerts_counts(const struct alert_book *book)
{
	return &book->counts;
}

const struct life_counts *alerts_enrichment_counts(const struct alert_book *book)
{
	return enricher_counts(book->enricher);
}
