/* What the files of "tracepager replay" share: the decisions that come out differently, and the
 * report of them. */
#ifndef REPLAY_INTERNAL_H
#define REPLAY_INTERNAL_H

#include "tracepager/past.h"

/* What a decision was made from when it was decided again. */
enum replay_basis {
	BASIS_TRACES,  /* its traces, or that it had none */
	BASIS_PATHS,   /* the paths of its traces, which were too large to keep */
	BASIS_SUSPECT, /* the suspect that it had: its traces are gone */
};

/* One past decision that comes out differently. Heap, and the texts of the outcomes the arena's. */
struct replay_change {
	int64_t id, at_us;
	char *alert, *sender, *incident;
	char *what; /* "payments -> ledger" */
	enum replay_basis basis;
	struct arena *arena; /* its own */
	struct outcome was, now;
};

/* All that a replay found. */
struct replay_result {
	int64_t since_us, until_us;
	const char *rules_hash;
	int64_t decisions;
	int64_t by_suspect, by_paths; /* of the decisions */
	int64_t older;		      /* left out: an older version kept them without their alert */
	int64_t unreadable;	      /* left out; what was wrong with the first one: */
	char failure[400];
	struct replay_change **changes; /* by the id of the decision */
	size_t nchanges;
};

void replay_write_text(const struct replay_result *result, struct buf *out);
void replay_write_json(const struct replay_result *result, struct buf *out);

#endif
