/*
 * Salvage: what can be read of a damaged database goes into a new one, so that a relay whose disk
 * has flipped bits starts, pages and takes alerts. The damaged file is kept beside the new one, for
 * a person and for its history; it is never written to.
 *
 * Only what a restart needs is read: senders, open incidents with their states and recipients,
 * queued pages, alerts that have not ended. A table is read in the order of its key: forwards, over
 * places that cannot be read, then backwards down to what is known. SQLite has no checksums: a
 * flipped bit inside a text passes.
 *
 * Owns the connection to the damaged file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sqlite-internal.h"
#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/page.h"
#include "tracepager/xalloc.h"

/* ---- is it ours? ---- */

/* Of the first 16 bytes, and of the application id, most must be as ours are: a file of another
 * program must never be moved. Nor is one of an older version, whose migration failed: a bug of
 * ours would look like damage. */
bool sqlite_is_damaged_store(const char *path, bool is_newest)
{
	static const char magic[16] = "SQLite format 3";
	static const unsigned char id[4] = { 't', 'r', 'c', 'p' };
	unsigned char head[100];
	size_t same = 0, same_id = 0;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return false;
	for (size_t i = 0; i < sizeof(magic); i++)
		same += head[i] == (unsigned char)magic[i];
	for (size_t i = 0; i < sizeof(id); i++)
		same_id += head[68 + i] == id[i];
	/* PRAGMA user_version, at byte 60; PRAGMA application_id, at byte 68. */
	return same >= 12 && same_id >= 3 && (is_newest || head[63] == sqlite_schema_newest());
}

/* ---- putting aside ---- */

static int rename_with(const char *from, const char *to, const char *suffix)
{
	CLEANUP_FREE char *a = xasprintf("%s%s", from, suffix);
	CLEANUP_FREE char *b = xasprintf("%s%s", to, suffix);

	return rename(a, b) < 0 && errno != ENOENT ? -errno : 0;
}

int sqlite_set_aside(const char *path, int64_t wall_us, char **ret_aside, struct err *err)
{
	const time_t seconds = (time_t)(wall_us / US_PER_SECOND);
	struct tm utc;
	char when[32];

	gmtime_r(&seconds, &utc);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &utc);
	char *aside = xasprintf("%s.damaged-%s", path, when);
	for (int n = 2; access(aside, F_OK) == 0; n++) {
		free(aside);
		aside = xasprintf("%s.damaged-%s.%d", path, when, n);
	}
	/* The log first: without its database nothing would read it; the database without its log
	 * would be older than it was. */
	int error = rename_with(path, aside, "-wal");
	if (error == 0)
		error = rename_with(path, aside, "-shm");
	if (error == 0)
		error = rename_with(path, aside, "");
	if (error) {
		err_set(err, -error, "cannot move the damaged store %s aside: %s", path,
			strerror(-error));
		free(aside);
		return error;
	}
	*ret_aside = aside;
	return 0;
}

void sqlite_set_back(const char *aside, const char *path)
{
	static const char *const files[] = { "-wal", "-shm", "" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CLEANUP_FREE char *made = xasprintf("%s%s", path, files[i]);
		unlink(made);
		rename_with(aside, path, files[i]);
	}
}

/* ---- reading ---- */

/* clang-format off */
static const struct salvage_table {
	const char *name, *columns, *key, *keep;
	bool numbered; /* the key is a number: reading can go on behind a damaged place */
	size_t offset; /* of its count in struct salvage */
} salvage_tables[] = {
	{ "senders", "name, interval_us", "name", "1", false, offsetof(struct salvage, others) },
	{ "settings", "name, value", "name", "1", false, offsetof(struct salvage, others) },
	{ "silences", "id, ends_us, doc", "id", "1", false, offsetof(struct salvage, others) },
	{ "incidents", "n, id_end, id, key, team, open, opened_us, closed_us, page, decision", "n", "open = 1", true,
	  offsetof(struct salvage, incidents) },
	{ "incident_states", "id_end, incident, state, before, severity, due_us, wait_us, hold_us, told_us, owes_update, moved_to, escalation, run, step, left_us, acked_by, refused",
	  "id_end", "1", false, offsetof(struct salvage, others) },
	{ "recipients", "id_end, incident, pager, n, role, state, unresolved, tried, target, memory", "id_end", "1", false, offsetof(struct salvage, others) },
	{ "pages", "id, state, event, severity, attempts, created_us, next_us, incident, pager, n, error, target, doc", "id",
	  "state = 0 AND event BETWEEN 0 AND 3", true, offsetof(struct salvage, pages) },
	{ "alerts", "id, state, attempts, accepted_us, refreshed_us, expires_us, incident, copies, quiet_us, key, doc", "id",
	  "state BETWEEN 0 AND 1", true, offsetof(struct salvage, alerts) },
};
/* clang-format on */
_Static_assert(PAGE_NOTICE == 3, "the events of pages that salvage keeps");

/* Reads all rows of one statement that begins at a key, and writes those that are whole.
 * SQLITE_DONE or why it ended; *last_key: of the last row that was read. */
static int salvage_rows(sqlite3_stmt *select, sqlite3_stmt *insert, size_t *count,
			int64_t *last_key)
{
	const int columns = sqlite3_column_count(select);
	int rc;

	while ((rc = sqlite3_step(select)) == SQLITE_ROW) {
		*last_key = sqlite3_column_int64(select, 0);
		sqlite3_reset(insert);
		for (int i = 0; i < columns; i++)
			sqlite3_bind_value(insert, i + 1, sqlite3_column_value(select, i));
		if (sqlite3_step(insert) == SQLITE_DONE)
			*count += (size_t)sqlite3_changes(sqlite3_db_handle(insert));
	}
	return rc;
}

/* One direction through a table. damaged counts the places that could not be read. */
static void salvage_pass(sqlite3 *from, const struct salvage_table *table, bool forwards,
			 sqlite3_stmt *insert, size_t *count, struct salvage *salvage)
{
	CLEANUP_FREE char *sql =
		xasprintf("SELECT %s FROM %s NOT INDEXED WHERE (%s)%s ORDER BY %s%s",
			  table->columns, table->name, table->keep,
			  !table->numbered ? ""
			  : forwards	   ? " AND rowid >= ?1"
					   : " AND rowid <= ?1",
			  table->numbered ? "rowid" : table->key, forwards ? "" : " DESC");
	int64_t at = forwards ? INT64_MIN : INT64_MAX, step = 1;
	sqlite3_stmt *select = NULL;

	if (sqlite3_prepare_v2(from, sql, -1, &select, NULL) != SQLITE_OK) {
		salvage->damaged += forwards;
		return;
	}
	for (int tries = 0; tries < LIMIT_SALVAGE_TRIES; tries++) {
		int64_t last = at;
		if (table->numbered)
			sqlite3_bind_int64(select, 1, at);
		int rc = salvage_rows(select, insert, count, &last);
		sqlite3_reset(select);
		if (rc == SQLITE_DONE)
			break;
		salvage->damaged++;
		/* Behind the damaged place; where that is unknown, ever further. */
		step = last != at ? 1 : step * 2;
		if (!table->numbered || last == INT64_MIN || last == INT64_MAX ||
		    (forwards ? last > INT64_MAX - step : last < INT64_MIN + step))
			break;
		at = forwards ? last + step : last - step;
	}
	sqlite3_finalize(select);
}

static void salvage_one_table(sqlite3 *from, sqlite3 *to, const struct salvage_table *table,
			      struct salvage *salvage)
{
	struct buf sql = BUF_INIT(1024);
	size_t *count = (size_t *)((char *)salvage + table->offset);
	const size_t damaged = salvage->damaged;
	sqlite3_stmt *insert = NULL;

	buf_printf(&sql, "INSERT OR IGNORE INTO %s (%s) VALUES (?", table->name, table->columns);
	for (const char *c = table->columns; *c; c++)
		if (*c == ',')
			buf_puts(&sql, ", ?");
	buf_putc(&sql, ')');
	if (sqlite3_prepare_v2(to, buf_text(&sql), -1, &insert, NULL) == SQLITE_OK) {
		salvage_pass(from, table, true, insert, count, salvage);
		if (salvage->damaged > damaged)
			salvage_pass(from, table, false, insert, count, salvage);
	}
	sqlite3_finalize(insert);
	buf_fini(&sql);
}

int sqlite_salvage(const char *aside, sqlite3 *to, struct salvage *ret_salvage, struct err *err)
{
	struct salvage salvage = { .damaged = 0 };
	struct err cannot;
	sqlite3 *from;
	int rc = sqlite_run(to, "BEGIN IMMEDIATE");

	/* Where not even the first page can be read, the new store begins empty. */
	if (rc == SQLITE_OK && sqlite_connect(aside, false, &from, &cannot) == 0) {
		for (size_t i = 0; i < ARRAY_LEN(salvage_tables); i++)
			salvage_one_table(from, to, &salvage_tables[i], &salvage);
		/* No checkpoint: the damaged file stays as it was found. */
		sqlite3_db_config(from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		sqlite3_close(from);
	} else {
		salvage.damaged++;
	}
	if (rc == SQLITE_OK)
		rc = sqlite_run(to, "COMMIT");
	if (rc != SQLITE_OK)
		return sqlite_error(err, to, rc, "write", sqlite3_db_filename(to, "main"));
	*ret_salvage = salvage;
	return 0;
}
