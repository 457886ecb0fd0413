/*
 * Retention in the SQLite store: removes rows that are past their time, LIMIT_RETAIN_ROWS of a
 * table at a time, so that a batch that arrives meanwhile waits for milliseconds at most. It never
 * removes a row that a restart would load. Pages that stay free are given back to the file system
 * in pieces of the same length.
 */
#include "sqlite-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define ROWS SQL_DIGITS(LIMIT_RETAIN_ROWS)

/* clang-format off */
static const struct {
	int64_t age_us;
	const char *sql;
} retain_rules[] = {
	{ LIMIT_RESOLVED_MEMORY_US,
	  "DELETE FROM alerts WHERE id IN"
	  " (SELECT id FROM alerts WHERE state = 2 AND refreshed_us < ?1 LIMIT " ROWS ")" },
	{ LIMIT_HISTORY_US,
	  "DELETE FROM decisions WHERE id IN"
	  " (SELECT id FROM decisions ORDER BY id LIMIT " ROWS ") AND at_us < ?1" }, /* oldest first */
	{ LIMIT_HISTORY_US,
	  "DELETE FROM pages WHERE id IN"
	  " (SELECT id FROM pages WHERE created_us < ?1 AND state <> 0"
	  "  AND NOT EXISTS (SELECT 1 FROM incidents WHERE " SQL_INCIDENT("incidents", "pages.incident")
	  "   AND (open = 1 OR closed_us >= ?1)) LIMIT " ROWS ")" },
	{ LIMIT_HISTORY_US,
	  "DELETE FROM incidents WHERE n IN"
	  " (SELECT n FROM incidents WHERE open = 0 AND closed_us < ?1"
	  "  AND id NOT IN (SELECT incident FROM pages WHERE state = 0) LIMIT " ROWS ")" },
	{ LIMIT_HISTORY_US,
	  "DELETE FROM events WHERE id IN"
	  " (SELECT id FROM events WHERE at_us < ?1"
	  "  AND NOT EXISTS (SELECT 1 FROM incidents WHERE " SQL_INCIDENT("incidents", "events.incident")
	  "   AND (open = 1 OR closed_us >= ?1)) LIMIT " ROWS ")" },
	{ LIMIT_SILENCE_KEPT_US,
	  "DELETE FROM silences WHERE id IN"
	  " (SELECT id FROM silences WHERE ends_us < ?1 LIMIT " ROWS ")" },
	/* Rules in use are written again once a day. */
	{ LIMIT_HISTORY_US + 2 * US_PER_DAY,
	  "DELETE FROM rules WHERE n IN (SELECT n FROM rules WHERE last_us < ?1 LIMIT 5)" },
	{ LIMIT_TRACES_KEPT_US,
	  "DELETE FROM traces WHERE id IN (SELECT id FROM traces ORDER BY id LIMIT " ROWS ")"
	  " AND upto_bytes <= (SELECT upto_bytes FROM traces ORDER BY id LIMIT 1) + ?3"
	  " AND (at_us < ?1 OR upto_bytes <=" /* oldest first */
	  "  (SELECT upto_bytes FROM traces ORDER BY id DESC LIMIT 1) - ?2)" },
};
/* clang-format on */

static int apply_rule(sqlite3 *db, const char *sql, int64_t before_us, bool *ret_removed)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(stmt, 1, before_us);
	if (sqlite3_bind_parameter_count(stmt) > 1) {
		sqlite3_bind_int64(stmt, 2, LIMIT_TRACES_KEPT_BYTES);
		sqlite3_bind_int64(stmt, 3, LIMIT_RETAIN_TRACE_BYTES);
	}
	sqlite3_step(stmt);
	*ret_removed |= sqlite3_changes(db) > 0;
	return sqlite3_finalize(stmt);
}

int sqlite_retain(sqlite3 *db, const char *path, int64_t wall_us, bool *ret_more, struct err *err)
{
	bool removed = false;
	int error, rc = sqlite_run(db, "BEGIN IMMEDIATE");

	for (size_t i = 0; rc == SQLITE_OK && i < ARRAY_LEN(retain_rules); i++)
		rc = apply_rule(db, retain_rules[i].sql, wall_us - retain_rules[i].age_us,
				&removed);
	if (rc == SQLITE_OK)
		rc = sqlite_run(db, "COMMIT");
	if (rc != SQLITE_OK) {
		error = sqlite_error(err, db, rc, "remove old rows from", path);
		if (!sqlite3_get_autocommit(db))
			sqlite_run(db, "ROLLBACK");
		return error;
	}
	*ret_more = removed;
	return 0;
}

void sqlite_give_back(sqlite3 *db, bool *ret_more)
{
	int64_t free_pages = 0, pages = 0, kind = 0;

	if (sqlite_number(db, "PRAGMA auto_vacuum", &kind) != SQLITE_OK ||
	    sqlite_number(db, "PRAGMA freelist_count", &free_pages) != SQLITE_OK ||
	    sqlite_number(db, "PRAGMA page_count", &pages) != SQLITE_OK)
		return;
	/* 2: by and by. A store that is busy needs its free pages again within the day. */
	if (kind != 2 || free_pages <= LIMIT_FREE_PAGES || free_pages <= pages / 4)
		return;
	if (sqlite_run(db, "PRAGMA incremental_vacuum(" SQL_DIGITS(LIMIT_VACUUM_PAGES) ")") ==
	    SQLITE_OK)
		*ret_more = true;
}
