/*
 * What reload.c (load and take) and reload_status.c (status) share. Loop thread, unless said
 * otherwise.
 */
#ifndef TRACEPAGER_RELOAD_INTERNAL_H
#define TRACEPAGER_RELOAD_INTERNAL_H

#include "tracepager/hash.h"
#include "tracepager/reload.h"
#include "watch-internal.h"

/* Why a load happens; if one load has two causes, the later one here counts. */
enum reload_cause {
	RELOAD_BY_WATCH, /* loads only if watch_is_due() */
	RELOAD_BY_RETRY, /* the last load failed; logs only another outcome */
	RELOAD_BY_START,
	RELOAD_BY_REQUEST,
};

enum reload_outcome {
	RELOAD_TAKEN,
	RELOAD_UNREADABLE,
	RELOAD_INVALID,
	RELOAD_TESTS_FAILED,
	RELOAD_GONE,	  /* there are no shadow rules */
	RELOAD_UNCHANGED, /* nothing was loaded: no file has changed, or one is still changing */
};

/* A load and its result. */
struct reload_attempt {
	enum reload_cause cause;
	enum reload_outcome outcome;
	int64_t at_us; /* wall time; 0: there was no load */
	struct findings findings;
	size_t tests, tests_failed;
};

/* A list of paths, each once. */
struct reload_paths {
	char **at;
	size_t n;
	struct map *known;
};

struct reload {
	struct reload_env env;
	struct ruleset *rules;
	bool fixed;	  /* by reload_fix(): never loaded again */
	int64_t since_us; /* wall time since which rules with this hash are in force */
	struct reload_attempt last;
	struct timer timer; /* the next look at the files */
	int64_t tried_us;   /* monotonic: when the last load ended */
	/* What the last load read or tried to read. The pool's thread uses these two while a load
	 * is under way, the loop only between two loads. */
	struct reload_paths paths;
	struct watch watch;
	struct reload_load *load; /* under way; NULL: none */
	struct reload_load *next; /* asked for meanwhile; NULL: none */
};

/* Append a sentence about an attempt, without a line end. */
void reload_write_outcome(const struct reload *reload, const struct reload_attempt *attempt,
			  struct buf *out);

#endif
