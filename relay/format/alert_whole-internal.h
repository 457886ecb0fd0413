/*
 * Alert whole: gathers the alerts of one body, each within the caps of limits.h, and the notes of
 * those that were refused or cut. It reads no JSON. Pure: any thread may call. What it hands over
 * is kept by the arena.
 */
#ifndef TRACEPAGER_FORMAT_ALERT_WHOLE_INTERNAL_H
#define TRACEPAGER_FORMAT_ALERT_WHOLE_INTERNAL_H

#include "tracepager/alert_format.h"

struct alert_whole {
	struct arena *arena;
	struct alert_batch batch; /* its lists are filled by alert_whole_take() */
	struct alert *alerts;
	struct alert_note *refused, *cut;
	size_t nalerts, nrefused, ncut, alerts_size, refused_size, cut_size;
	bool failed; /* the arena has no room for a further alert */
	unsigned int failed_at;
};

void alert_whole_init(struct alert_whole *whole, struct arena *arena);
void alert_whole_fini(struct alert_whole *whole);

/* An alert that is refused, by its place in the body. */
void alert_whole_refuse(struct alert_whole *whole, unsigned int index, const char *reason);
/* Adds an alert; its sender and family are kept as they are, all other texts are copied, its labels
 * and annotations are sorted and cut. id: what its fingerprint is made of; NULL: all its labels. An
 * alert without labels is refused. */
void alert_whole_add(struct alert_whole *whole, unsigned int index, const struct alert *alert,
		     const char *id);
/* Tells the sender what the alert that was added last has lost. */
void alert_whole_tell(struct alert_whole *whole, unsigned int index, const char *says);
/* -ENOMEM with the words, where the arena was used up. */
int alert_whole_fail(const struct alert_whole *whole, struct err *err);
void alert_whole_take(struct alert_whole *whole, struct alert_batch *ret_batch);

#endif
