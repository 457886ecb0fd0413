/*
 * Kept alerts: the last word on each alert that is known. Those that were set or read last are at
 * hand; the others are packed (tracepager/alike.h), which takes a fifth of the memory, and opened
 * again when they are asked for. Packing is done at the end of a turn. It refuses to know what an
 * alert's life is. Owns the words. Loop thread only.
 */
#ifndef TRACEPAGER_INCIDENT_ALERT_KEPT_INTERNAL_H
#define TRACEPAGER_INCIDENT_ALERT_KEPT_INTERNAL_H

#include <stdint.h>
#include <sys/queue.h>

#include "tracepager/alert.h"

struct alike_text;
struct kept_alerts; /* all of them */

struct kept_alert {
	struct alert *alert;	   /* NULL: only packed, or not set */
	struct alike_text *packed; /* NULL: not yet */
	uint64_t words;		   /* alert_words_hash() */
	TAILQ_ENTRY(kept_alert) in_warm;
};

struct kept_alerts *kept_alerts_new(void);
void kept_alerts_free(struct kept_alerts *all); /* each was forgotten; takes NULL */
/* At the end of a turn: packs those that were not used for longest, where too many are at hand. */
void kept_alerts_pack(struct kept_alerts *all);

/* A copy is kept. */
void kept_alert_set(struct kept_alerts *all, struct kept_alert *kept, const struct alert *alert);
/* Does the alert say what the kept one says, but for ends_at_us? */
bool kept_alert_says(const struct kept_alert *kept, const struct alert *alert);
/* Borrowed until the end of the turn. */
const struct alert *kept_alert_get(struct kept_alerts *all, struct kept_alert *kept);
void kept_alert_forget(struct kept_alerts *all, struct kept_alert *kept);

/* What is paged in place of an alert whose record in the store cannot be read; logged. The arena
 * keeps it. */
void alert_stand_in(struct arena *arena, const char *key, const char *why, struct alert *ret_alert);

#endif
