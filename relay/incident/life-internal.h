/*
 * Life: the states of alerts, enrichments, incidents and recipients, and the moves between them,
 * from tbl/life.def. Each kind has one function that enters a state (alert_enter(),
 * enrichment_enter() …); it asks life_move() first, which aborts on a move that the table lacks:
 * then the program starts again from what the store holds. Loop thread only.
 */
#ifndef TRACEPAGER_INCIDENT_LIFE_INTERNAL_H
#define TRACEPAGER_INCIDENT_LIFE_INTERNAL_H

#include <stddef.h>

enum alert_state {
#define ALERT_STATE(name, text, meaning, deadline) ALERT_##name,
#include "tracepager/tbl/life.def"
	ALERT_STATE_COUNT
};

enum enrichment_state {
#define ENRICHMENT_STATE(name, text, meaning, deadline) ENRICHMENT_##name,
#include "tracepager/tbl/life.def"
	ENRICHMENT_STATE_COUNT
};

enum incident_state {
#define INCIDENT_STATE(name, text, meaning, deadline) INCIDENT_##name,
#include "tracepager/tbl/life.def"
	INCIDENT_STATE_COUNT
};

enum recipient_state {
#define RECIPIENT_STATE(name, text, meaning, deadline) RECIPIENT_##name,
#include "tracepager/tbl/life.def"
	RECIPIENT_STATE_COUNT
};

enum life_kind { LIFE_ALERT, LIFE_ENRICHMENT, LIFE_INCIDENT, LIFE_RECIPIENT, LIFE_KIND_COUNT };

#define LIFE_STATES_MAX 8

/* How many lives of one kind are in each state. */
struct life_counts {
	size_t in[LIFE_STATES_MAX];
};

/* Aborts, after a line in the log that names `what`, where the table has no such move. Else counts
 * it. */
void life_move(enum life_kind kind, struct life_counts *counts, unsigned int from, unsigned int to,
	       const char *what);
/* Counts a life that begins in this state: it is new, or loaded from the store. */
void life_begin(struct life_counts *counts, unsigned int state);
/* Takes a life that is forgotten in this state off the counts. */
void life_end(struct life_counts *counts, unsigned int state);
const char *life_state_name(enum life_kind kind, unsigned int state); /* "holding" */
/* The state of that name; -1: none. */
int life_state_of(enum life_kind kind, const char *name);

#endif
