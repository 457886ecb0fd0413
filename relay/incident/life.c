/*
 * Life: the tables of tbl/life.def, and the check of every move. Pure but for the abort; it owns
 * nothing.
 */
#include "life-internal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/log.h"
#include "tracepager/xalloc.h"

_Static_assert(ENRICHMENT_STATE_COUNT <= LIFE_STATES_MAX, "the largest kind fits");

static const char *const kind_names[LIFE_KIND_COUNT] = { "alert", "enrichment", "incident",
							 "recipient" };

static const char *const state_names[LIFE_KIND_COUNT][LIFE_STATES_MAX] = {
#define ALERT_STATE(name, text, meaning, deadline)	[LIFE_ALERT][ALERT_##name] = text,
#define ENRICHMENT_STATE(name, text, meaning, deadline) [LIFE_ENRICHMENT][ENRICHMENT_##name] = text,
#define INCIDENT_STATE(name, text, meaning, deadline)	[LIFE_INCIDENT][INCIDENT_##name] = text,
#define RECIPIENT_STATE(name, text, meaning, deadline)	[LIFE_RECIPIENT][RECIPIENT_##name] = text,
#include "tracepager/tbl/life.def"
};

static const bool state_moves[LIFE_KIND_COUNT][LIFE_STATES_MAX][LIFE_STATES_MAX] = {
#define ALERT_MOVE(from, to, cause) [LIFE_ALERT][ALERT_##from][ALERT_##to] = true,
#define ENRICHMENT_MOVE(from, to, cause)                                                           \
	[LIFE_ENRICHMENT][ENRICHMENT_##from][ENRICHMENT_##to] = true,
#define INCIDENT_MOVE(from, to, cause)	[LIFE_INCIDENT][INCIDENT_##from][INCIDENT_##to] = true,
#define RECIPIENT_MOVE(from, to, cause) [LIFE_RECIPIENT][RECIPIENT_##from][RECIPIENT_##to] = true,
#include "tracepager/tbl/life.def"
};

void life_move(enum life_kind kind, struct life_counts *counts, unsigned int from, unsigned int to,
	       const char *what)
{
	if (from >= LIFE_STATES_MAX || to >= LIFE_STATES_MAX || !state_moves[kind][from][to]) {
		log_error("a move that the table of states lacks: this is a fault of tracepager's; "
			  "it starts again from the store",
			  LOG_STR("kind", kind_names[kind]), LOG_STR("of", what),
			  LOG_STR("from", life_state_name(kind, from)),
			  LOG_STR("to", life_state_name(kind, to)));
		abort();
	}
	life_end(counts, from);
	life_begin(counts, to);
}

void life_begin(struct life_counts *counts, unsigned int state)
{
	counts->in[state]++;
}

void life_end(struct life_counts *counts, unsigned int state)
{
	counts->in[state]--;
}

const char *life_state_name(enum life_kind kind, unsigned int state)
{
	const char *name = state < LIFE_STATES_MAX ? state_names[kind][state] : NULL;

	return name ? name : "none";
}

int life_state_of(enum life_kind kind, const char *name)
{
	for (int state = 0; state < LIFE_STATES_MAX; state++)
		if (state_names[kind][state] && strcmp(state_names[kind][state], name) == 0)
			return state;
	return -1;
}
