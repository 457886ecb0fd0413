/*
 * What the files of "tracepager audit" share: what the stored decisions and traces showed, and
 * tables to print it in. For the main thread.
 */
#ifndef AUDIT_INTERNAL_H
#define AUDIT_INTERNAL_H

#include "options-internal.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/page_count.h"
#include "tracepager/past.h"

/* ---- sightings: services, calls and pages of the stored decisions (audit_sightings.c) ---- */

/* A service, or a callee that shows no spans of its own. Texts are the arena's. */
struct seen_service {
	const char *namespace, *name;
	const char *caller;		 /* one service that calls it; NULL: none was seen */
	bool is_peer;			 /* a callee: the name is one that callers have for it */
	const struct service_rule *rule; /* NULL: it has no entry in the rules */
	int64_t ntraces, last_us;
	uint64_t mark; /* of the last trace that was counted */
};

struct seen_call {
	const struct seen_service *from, *to;
	int64_t ntraces, last_us;
	uint64_t mark;
};

/* An operation by which the traces of a broad alert enter its service. */
struct broad_operation {
	const char *name;
	int64_t nspans, nfailing;
};

/* An alert whose signal is a service without an operation. */
struct broad_alert {
	const char *name, *service;
	const char *label; /* of the alert, whose value is the service; NULL: none */
	int64_t ndecisions;
	struct broad_operation operations[LIMIT_AUDIT_OPERATIONS];
	size_t noperations;
};

struct sightings {
	struct arena *arena;	     /* borrowed */
	const struct ruleset *rules; /* borrowed */
	struct past_list services;   /* struct seen_service */
	struct past_list calls;	     /* struct seen_call */
	struct past_list broad;	     /* struct broad_alert */
	struct map *service_index, *call_index, *entries, *broad_index;
	uint64_t mark;	    /* of the trace that is being read */
	int64_t unreadable; /* decisions */
	int64_t left_out;   /* services and calls beyond the limits */
};

void sightings_init(struct sightings *seen, struct arena *arena, const struct ruleset *rules);
void sightings_fini(struct sightings *seen);
/* Counts what one decision and its traces show. */
void sightings_add(struct sightings *seen, const struct past *past);
/* Services by traces, calls by their names. */
void sightings_sort(struct sightings *seen);
/* Was a service of this entry of the rules seen? */
bool sightings_has_entry(const struct sightings *seen, const char *entry);

/* Counts the alert, if its signal is broad, and the operations of its traces. (audit_broad.c) */
void broad_alerts_add(struct sightings *seen, const struct opened *opened);
/* The rule under signals that would narrow it; kept by the arena. NULL: no operation was seen. */
const char *broad_alert_rule(struct arena *arena, const struct broad_alert *broad);

/* ---- tables (audit_tables.c) ---- */

/* Columns of a table; a number is aligned right, and without quotes in JSON. */
struct audit_column {
	const char *title, *key;
	bool is_number;
	bool is_whole; /* a person copies it: it is not cut */
};

#define AUDIT_COLUMNS_MAX 9

struct audit_table {
	const char *key, *title;
	const char *empty; /* the sentence that stands for a table without rows */
	struct audit_column columns[AUDIT_COLUMNS_MAX];
	size_t ncolumns;
	const char **cells; /* heap; row by row, texts are borrowed */
	size_t ncells;
};
/* One text for each column; NULL is an empty one. */
void audit_table_add(struct audit_table *table, const char *const *cells);
void audit_tables_write(const struct audit_table *tables, size_t n, enum table_format format,
			struct buf *out);

/* ---- the other parts ---- */

/* The rules that the store used last; caller unrefs. NULL: err tells why not. (audit_rules.c) */
struct ruleset *audit_stored_rules(struct history *history, struct err *err);

/* Adds a row (entry, kind, link, answer, place) for each link of an entry that does not answer.
 * Texts are the arena's and the rules'. 0 or -errno. (audit_links.c) */
int audit_dead_links(const struct ruleset *rules, struct arena *arena, struct audit_table *table,
		     struct err *err);

/* Adds a glob that matches the name and nothing else, between quotes. (audit_propose.c) */
void audit_add_exact_glob(struct buf *out, const char *name);

/* Entries for the services (struct seen_service) that have none, for a person to fill in the
 * owners. (audit_propose.c) */
void audit_propose(const struct past_list *missing, const struct ruleset *rules, int64_t now_us,
		   struct buf *out);

#endif
