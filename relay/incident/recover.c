/*
 * Recover: what the store holds becomes the state of a fresh start. Alerts that were accepted and
 * not decided begin again, with one more attempt, stored before it starts; pages that were queued
 * go to delivery in their order.
 */
#include "incident-internal.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

#define ALERT_ARENA_BYTES (16u << 20)
#define PAGE_ARENA_BYTES  (32u << 20)

struct recovery {
	struct incidents *incidents;
	size_t alerts, unfinished, incidents_open, pages;
};

static void load_incident(void *ctx, const struct stored_incident *row)
{
	struct recovery *recovery = ctx;
	struct incident *incident = incident_new(recovery->incidents, row->id, row->key, row->team);

	incident->opened_us = row->opened_us;
	incident->page = xstrndup(row->page, row->page_len);
	incident->page_len = row->page_len;
	recovery->incidents_open++;
}

static void load_page(void *ctx, const struct stored_page *row)
{
	struct recovery *recovery = ctx;
	struct incidents *incidents = recovery->incidents;
	struct incident *incident = map_get(incidents->by_id, row->incident);

	if (row->id >= incidents->next_page_id)
		incidents->next_page_id = row->id + 1;
	if (incident) {
		struct lane *lane = incident_lane(incident, row->pager, row->target);
		lane->delivered |= row->state == STORED_PAGE_DELIVERED;
		lane->rejected |= row->state == STORED_PAGE_REJECTED && row->event == PAGE_TRIGGER;
		if (row->created_us > incident->told_us)
			incident->told_us = row->created_us;
		incident->pages_waiting += row->state == STORED_PAGE_QUEUED;
	}
	if (row->state == STORED_PAGE_QUEUED) {
		deliver_enqueue(incidents->deliver, row);
		recovery->pages++;
	}
}

static void restore_state(struct recovery *recovery, struct known_alert *known,
			  const struct stored_alert *row)
{
	struct incident *incident =
		*row->incident ? map_get(recovery->incidents->by_id, row->incident) : NULL;

	switch (row->state) {
	case STORED_ALERT_WAITING:
		known->attempts++;
		known->begun_us = incidents_mono_us(recovery->incidents); /* a fresh budget */
		alert_move(known, ALERT_WAITING);
		turn_put_alert(known); /* it begins when the attempt is on disk */
		recovery->unfinished++;
		break;
	case STORED_ALERT_DECIDED:
		if (incident) {
			known->incident = incident;
			TAILQ_INSERT_TAIL(&incident->alerts, known, in_incident);
		}
		alert_move(known, ALERT_DECIDED);
		/* Why it paged nobody is not stored; by now it may be over. */
		if (!incident)
			alert_decide_again(known, incidents_wall_us(recovery->incidents) +
							  LIMIT_DECIDE_AGAIN_US);
		break;
	case STORED_ALERT_ENDED:
		alert_move(known, ALERT_ENDED);
		break;
	}
}

static void load_alert(void *ctx, const struct stored_alert *row)
{
	struct recovery *recovery = ctx;
	struct arena *arena = arena_new(ALERT_ARENA_BYTES);
	struct alert alert;
	struct err err;

	if (row->id >= recovery->incidents->next_alert_id && row->id < INT64_MAX)
		recovery->incidents->next_alert_id = row->id + 1;
	if (alert_read(arena, row->doc, row->doc_len, &alert, &err) < 0)
		alert_stand_in(arena, row->key, err.text, &alert);
	struct known_alert *known = alert_new(recovery->incidents, row->key);
	known->id = row->id;
	alert_set(known, &alert);
	known->durable = true;
	known->attempts = row->attempts;
	known->accepted_us = row->accepted_us;
	known->refreshed_us = row->refreshed_us;
	known->expires_us = row->expires_us;
	known->resolve_after = alert.status == ALERT_RESOLVED;
	restore_state(recovery, known, row);
	recovery->alerts++;
	arena_free(arena);
}

/* An incident whose alerts all ended is over; one that was joined after its last page tells so now.
 */
static void settle_incidents(struct incidents *incidents)
{
	struct incident *incident;

	for (size_t pos = 0; (incident = map_next(incidents->by_id, &pos, NULL));)
		incident_settle(incident);
}

int incidents_load(struct incidents *incidents, struct err *err)
{
	static const struct store_loader loader = {
		.alert = load_alert,
		.incident = load_incident,
		.page = load_page,
	};
	struct recovery recovery = { .incidents = incidents };

	int result = store_load(incidents->env.store, &loader, &recovery, err);
	if (result < 0)
		return result;
	settle_incidents(incidents);
	if (recovery.alerts || recovery.incidents_open || recovery.pages)
		log_info("found what was accepted before",
			 LOG_INT("alerts", (int64_t)recovery.alerts),
			 LOG_INT("unfinished", (int64_t)recovery.unfinished),
			 LOG_INT("incidents", (int64_t)recovery.incidents_open),
			 LOG_INT("pages", (int64_t)recovery.pages));
	incidents_flush(incidents);
	return 0;
}
