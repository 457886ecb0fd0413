/* What the files of the audit share: what was seen, and tables to tell it in. */
#ifndef AUDIT_INTERNAL_H
#define AUDIT_INTERNAL_H

#include "past-internal.h"
#include "tracepager/hash.h"

/* A service or, without spans of its own, a callee that was seen in traces. Texts are the audit's
 * arena's. */
struct seen {
	const char *namespace, *name;
	const char *caller;		 /* one that calls it; NULL: none was seen */
	bool peer;			 /* name is one by which callers know it */
	const struct service_rule *rule; /* NULL: no entry */
	int64_t ntraces, last_us;
	uint64_t mark; /* of the last trace that it was counted in */
};

struct edge {
	const struct seen *from, *to;
	int64_t ntraces, last_us;
	uint64_t mark;
};

/* A list of pointers, in the order of finding. */
struct found {
	void **at;
	size_t n;
};
void found_add(struct found *found, void *item);

/* Columns of a table; a number stands right, and without quotes in JSON. */
struct column {
	const char *title, *key;
	bool number;
};

#define TABLE_COLUMNS 6

struct table {
	const char *key, *title, *nothing; /* nothing: what an empty one says */
	struct column columns[TABLE_COLUMNS];
	size_t ncolumns;
	const char **cells; /* heap; row by row, texts are borrowed */
	size_t ncells;
};
void table_row(struct table *table, const char *const *cells);
size_t table_rows(const struct table *table);

enum table_format {
	TABLE_TEXT,
	TABLE_MARKDOWN,
	TABLE_JSON,
};
void tables_write(const struct table *tables, size_t n, enum table_format format, struct buf *out);

/* Entries for what has none, for a person to fill in the owners. */
void audit_propose(const struct found *missing, const struct ruleset *rules, int64_t now_us,
		   struct buf *out);

#endif
