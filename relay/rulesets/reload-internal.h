/*
 * What reload.c (loading and taking) and reload_status.c (telling) share.
 */
#ifndef TRACEPAGER_RELOAD_INTERNAL_H
#define TRACEPAGER_RELOAD_INTERNAL_H

#include "tracepager/hash.h"
#include "tracepager/reload.h"
#include "tracepager/watch.h"

/* Why a load happens; the later one counts where two meet. */
enum reload_cause {
	RELOAD_BY_LOOK, /* perhaps something changed: only if the stamp did */
	RELOAD_BY_START,
	RELOAD_BY_WATCH,
	RELOAD_BY_REQUEST,
};

enum reload_outcome {
	RELOAD_TAKEN,
	RELOAD_UNREADABLE,
	RELOAD_INVALID,
	RELOAD_TESTS_FAILED,
	RELOAD_GONE,	  /* shadow rules need not exist */
	RELOAD_UNCHANGED, /* nothing was loaded */
};

/* What became of a load. */
struct reload_attempt {
	enum reload_cause cause;
	enum reload_outcome outcome;
	int64_t at_us; /* wall; 0: there was none */
	struct findings findings;
	size_t tests, tests_failed;
};

/* Paths, each once. */
struct reload_paths {
	char **at;
	size_t n;
	struct map *known;
};

struct reload {
	struct reload_env env;
	struct ruleset *rules;
	bool fixed;
	int64_t since_us; /* wall: rules with this hash are in force */
	struct reload_attempt last;
	struct watch *watch;	    /* NULL: changes are not watched */
	struct reload_paths looked; /* what the last load read, or tried to read */
	uint64_t stamp;		    /* of these, before they were read */
	struct reload_load *load;   /* under way */
	struct reload_load *next;   /* asked for meanwhile */
};

/* One sentence on an attempt, without a line end. */
void reload_write_outcome(const struct reload *reload, const struct reload_attempt *attempt,
			  struct buf *out);

#endif
