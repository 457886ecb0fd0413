/*
 * Turn: the writes of one turn of the loop, handed to the store as one group, and what waits for
 * them to be on disk: replies to senders, the start of an alert's processing, the delivery of
 * pages.
 */
#include "incident-internal.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

/* The store's queue is full: the loop goes on, and the group is offered again after this. */
#define TURN_AGAIN_US (5 * US_PER_MS)
/* Alerts that are written again in one turn: about a millisecond of it. */
#define HEAL_SLICE 200

struct turn *turn_now(struct incidents *incidents)
{
	if (!incidents->turn) {
		struct turn *turn = xcalloc(1, sizeof(*turn));
		turn->owner = incidents;
		turn->batch = store_batch_new();
		STAILQ_INIT(&turn->waiters);
		STAILQ_INIT(&turn->writes);
		STAILQ_INIT(&turn->pages);
		STAILQ_INIT(&turn->saved_late);
		incidents->turn = turn;
	}
	return incidents->turn;
}

static void queued_page_free(struct queued_page *page)
{
	const char *texts[] = { page->row.incident, page->row.pager, page->row.target,
				page->row.doc, page->row.error };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char *text;
		memcpy(&text, &texts[i], sizeof(text)); /* ours: copied by turn_queue_page() */
		free(text);
	}
	free(page);
}

static void free_pages(struct queued_pages *pages)
{
	struct queued_page *page;

	while ((page = STAILQ_FIRST(pages))) {
		STAILQ_REMOVE_HEAD(pages, link);
		queued_page_free(page);
	}
}

void turn_free(struct turn *turn)
{
	struct waiter *waiter;
	struct alert_write *written;

	if (!turn)
		return;
	while ((waiter = STAILQ_FIRST(&turn->waiters))) {
		STAILQ_REMOVE_HEAD(&turn->waiters, link);
		free(waiter);
	}
	while ((written = STAILQ_FIRST(&turn->writes))) {
		STAILQ_REMOVE_HEAD(&turn->writes, link);
		free(written);
	}
	free_pages(&turn->pages);
	free_pages(&turn->saved_late);
	store_batch_free(turn->batch);
	free(turn);
}

static struct stored_alert alert_row(const struct known_alert *alert)
{
	static const enum stored_alert_state stored[ALERT_STATE_COUNT] = {
		[ALERT_WAITING] = STORED_ALERT_WAITING,
		[ALERT_ENRICHING] = STORED_ALERT_WAITING, /* a restart begins again */
		[ALERT_DECIDED] = STORED_ALERT_DECIDED,
		[ALERT_ENDED] = STORED_ALERT_ENDED,
	};

	return (struct stored_alert){
		.id = alert->id,
		.key = alert->key,
		.doc = alert->doc,
		.doc_len = alert->doc_len,
		.incident = alert->incident ? alert->incident->id : "",
		.state = stored[alert->state],
		.attempts = alert->attempts,
		.accepted_us = alert->accepted_us,
		.refreshed_us = alert->refreshed_us,
		.expires_us = alert->expires_us,
	};
}

static void note_write(struct turn *turn, struct known_alert *alert, bool whole)
{
	struct alert_write *written = xcalloc(1, sizeof(*written));

	written->alert = alert;
	written->whole = whole;
	alert->writes++;
	STAILQ_INSERT_TAIL(&turn->writes, written, link);
}

void turn_put_alert(struct known_alert *alert)
{
	struct turn *turn = turn_now(alert->owner);
	struct stored_alert row = alert_row(alert);

	store_put_alert(turn->batch, &row);
	note_write(turn, alert, true);
}

void turn_touch_alert(struct known_alert *alert)
{
	struct turn *turn = turn_now(alert->owner);
	struct stored_alert row = alert_row(alert);

	store_touch_alert(turn->batch, &row);
	note_write(turn, alert, false);
}

void turn_put_incident(struct incident *incident)
{
	struct stored_incident row = {
		.id = incident->id,
		.key = incident->key,
		.team = incident->team,
		.open = incident->state == INCIDENT_OPEN,
		.opened_us = incident->opened_us,
		.closed_us = incident->closed_us,
		.page = incident->page,
		.page_len = incident->page_len,
	};

	store_put_incident(turn_now(incident->owner)->batch, &row);
}

void turn_queue_page(struct incidents *incidents, const struct stored_page *row)
{
	struct turn *turn = turn_now(incidents);
	struct queued_page *page = xcalloc(1, sizeof(*page));

	store_put_page(turn->batch, row);
	page->row = *row;
	page->row.incident = xstrdup(row->incident);
	page->row.pager = xstrdup(row->pager);
	page->row.target = xstrdup(row->target);
	page->row.doc = xstrndup(row->doc, row->doc_len);
	page->row.error = xstrdup(row->error);
	STAILQ_INSERT_TAIL(&turn->pages, page, link);
}

void incidents_when_durable(struct incidents *incidents, store_done *done, void *ctx)
{
	struct waiter *waiter = xcalloc(1, sizeof(*waiter));

	waiter->done = done;
	waiter->ctx = ctx;
	STAILQ_INSERT_TAIL(&turn_now(incidents)->waiters, waiter, link);
}

/* An alert reached the disk, or did not: then its sender got 503 and sends it again, but its page
 * leaves all the same. */
static void write_done(const struct alert_write *written, int error)
{
	struct known_alert *alert = written->alert;

	alert->writes--;
	alert->durable |= written->whole && !error;
	if (error && !alert->missed) {
		alert->missed = true;
		TAILQ_INSERT_TAIL(&alert->owner->missed, alert, in_missed);
	}
	if (written->whole && alert->state == ALERT_WAITING && (!error || !alert->writes))
		alert_begin(alert);
}

/* The store has failed and may work again: what it missed is written once more, some in each turn.
 */
static void heal(void *arg)
{
	struct incidents *incidents = arg;
	struct turn *turn = turn_now(incidents);
	struct known_alert *alert;
	struct incident *incident;
	struct queued_page *page;

	for (size_t pos = 0; (incident = map_next(incidents->by_id, &pos, NULL));)
		turn_put_incident(incident);
	STAILQ_FOREACH (page, &incidents->unsaved, link)
		store_put_page(turn->batch, &page->row);
	STAILQ_CONCAT(&turn->saved_late, &incidents->unsaved);
	for (size_t n = 0; n < HEAL_SLICE && (alert = TAILQ_FIRST(&incidents->missed)); n++) {
		TAILQ_REMOVE(&incidents->missed, alert, in_missed);
		alert->missed = false;
		turn_put_alert(alert);
	}
	if (!TAILQ_EMPTY(&incidents->missed))
		timer_arm(incidents->env.timers, &incidents->heal, incidents_mono_us(incidents));
}

/* Pages leave whether they could be stored or not: better twice than never. */
static void deliver_pages(struct turn *turn, int error)
{
	struct incidents *incidents = turn->owner;
	struct queued_page *page;

	STAILQ_FOREACH (page, &turn->pages, link)
		deliver_enqueue(incidents->deliver, &page->row);
	if (!error)
		return;
	STAILQ_CONCAT(&incidents->unsaved, &turn->pages);
	STAILQ_CONCAT(&incidents->unsaved, &turn->saved_late);
	timer_arm(incidents->env.timers, &incidents->heal,
		  incidents_mono_us(incidents) + LIMIT_STORE_HEAL_US);
}

static void committed(void *ctx, int error, const char *text)
{
	struct turn *turn = ctx;
	struct waiter *waiter;
	const struct alert_write *written;

	TAILQ_REMOVE(&turn->owner->committing, turn, link);
	STAILQ_FOREACH (waiter, &turn->waiters, link)
		waiter->done(waiter->ctx, error, text);
	STAILQ_FOREACH (written, &turn->writes, link)
		write_done(written, error);
	deliver_pages(turn, error);
	turn_free(turn);
}

void turn_page_changed(struct incidents *incidents, const struct stored_page *row)
{
	struct queued_page *page;

	store_touch_page(turn_now(incidents)->batch, row);
	STAILQ_FOREACH (page, &incidents->unsaved, link)
		if (page->row.id == row->id) {
			page->row.state = row->state;
			page->row.attempts = row->attempts;
		}
}

void turn_init(struct incidents *incidents)
{
	TAILQ_INIT(&incidents->committing);
	STAILQ_INIT(&incidents->unsaved);
	TAILQ_INIT(&incidents->missed);
	incidents->heal = (struct timer){ .fire = heal, .arg = incidents };
}

void turn_fini(struct incidents *incidents)
{
	struct turn *turn;

	timer_disarm(incidents->env.timers, &incidents->refused_commit);
	timer_disarm(incidents->env.timers, &incidents->heal);
	free_pages(&incidents->unsaved);
	turn_free(incidents->turn);
	while ((turn = TAILQ_FIRST(&incidents->committing))) {
		TAILQ_REMOVE(&incidents->committing, turn, link);
		turn_free(turn);
	}
}

static void flush_again(void *arg)
{
	incidents_flush(arg);
}

void incidents_flush(struct incidents *incidents)
{
	struct turn *turn = incidents->turn;

	if (!turn)
		return;
	TAILQ_INSERT_TAIL(&incidents->committing, turn, link);
	if (store_commit(incidents->env.store, turn->batch, committed, turn) == 0) {
		turn->batch = NULL;
		incidents->turn = NULL;
		return;
	}
	TAILQ_REMOVE(&incidents->committing, turn, link);
	incidents->refused_commit.fire = flush_again;
	incidents->refused_commit.arg = incidents;
	timer_arm(incidents->env.timers, &incidents->refused_commit,
		  incidents_mono_us(incidents) + TURN_AGAIN_US);
}
