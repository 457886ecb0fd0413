/*
 * Load: reads from the SQLite store what a restart needs, in one read transaction, so that all rows
 * are of one moment.
 *
 * It sorts ids first and then reads the rows one by one: sorting whole rows would hold every
 * document in memory. It trusts neither types nor ranges in the file; an impossible row is an
 * error, since a guess could lose an alert.
 */
#include <errno.h>
#include <limits.h>

#include "sqlite-internal.h"
#include "tracepager/limits.h"
#include "tracepager/page.h"
#include "tracepager/xalloc.h"

struct load {
	sqlite3 *db;
	const char *path;
	const struct store_loader *loader;
	void *ctx;
	struct err *err;
};

static const char *column_text(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return text ? text : "";
}

/* Call after column_text() or column_blob() of the same column, whose conversion decides it. */
static size_t column_length(sqlite3_stmt *row, int column)
{
	return (size_t)sqlite3_column_bytes(row, column);
}

static const char *column_blob(sqlite3_stmt *row, int column)
{
	const char *data = sqlite3_column_blob(row, column);

	return data ? data : "";
}

static unsigned int column_count(sqlite3_stmt *row, int column)
{
	int64_t count = sqlite3_column_int64(row, column);

	return count < 0 ? 0 : count > UINT_MAX ? UINT_MAX : (unsigned int)count;
}

static bool column_in_range(sqlite3_stmt *row, int column, int last)
{
	int64_t number = sqlite3_column_int64(row, column);

	return number >= 0 && number <= last;
}

static bool sqlite_load_alert(const struct load *load, sqlite3_stmt *row)
{
	struct stored_alert alert = {
		.id = sqlite3_column_int64(row, 0),
		.attempts = column_count(row, 2),
		.accepted_us = sqlite3_column_int64(row, 3),
		.refreshed_us = sqlite3_column_int64(row, 4),
		.expires_us = sqlite3_column_int64(row, 5),
		.incident = column_text(row, 6),
		.key = column_text(row, 7),
		.doc = column_text(row, 8),
		.doc_len = column_length(row, 8),
		.copies = column_text(row, 9),
		.quiet_us = sqlite3_column_int64(row, 10),
	};

	if (!column_in_range(row, 1, STORED_ALERT_ENDED))
		return false;
	alert.state = (enum stored_alert_state)sqlite3_column_int(row, 1);
	if (load->loader->alert)
		load->loader->alert(load->ctx, &alert);
	return true;
}

static bool sqlite_load_incident(const struct load *load, sqlite3_stmt *row)
{
	struct stored_incident incident = {
		.id = column_text(row, 0),
		.key = column_text(row, 1),
		.team = column_text(row, 2),
		.open = sqlite3_column_int(row, 3) != 0,
		.opened_us = sqlite3_column_int64(row, 4),
		.closed_us = sqlite3_column_int64(row, 5),
		.page = column_text(row, 6),
		.page_len = column_length(row, 6),
		.state = sqlite3_column_int(row, 7),
		.before = sqlite3_column_int(row, 8),
		.severity = sqlite3_column_int(row, 9),
		.due_us = sqlite3_column_int64(row, 10),
		.wait_us = sqlite3_column_int64(row, 11),
		.hold_us = sqlite3_column_int64(row, 12),
		.told_us = sqlite3_column_int64(row, 13),
		.owes_update = sqlite3_column_int(row, 14) != 0,
		.moved_to = column_text(row, 15),
		.escalation = column_text(row, 16),
		.run = sqlite3_column_int(row, 17),
		.step = sqlite3_column_int(row, 18),
		.left_us = sqlite3_column_int64(row, 19),
		.acked_by = column_text(row, 20),
		.refused = column_text(row, 21),
		.decision = column_blob(row, 22),
		.decision_len = column_length(row, 22),
	};

	if (load->loader->incident)
		load->loader->incident(load->ctx, &incident);
	return true;
}

static bool sqlite_load_page(const struct load *load, sqlite3_stmt *row)
{
	struct stored_page page = {
		.id = sqlite3_column_int64(row, 0),
		.attempts = column_count(row, 3),
		.created_us = sqlite3_column_int64(row, 4),
		.next_us = sqlite3_column_int64(row, 5),
		.incident = column_text(row, 6),
		.pager = column_text(row, 7),
		.error = column_text(row, 8),
		.target = column_text(row, 9),
		.doc = column_text(row, 10),
		.doc_len = column_length(row, 10),
		.severity = sqlite3_column_int(row, 11),
		.n = sqlite3_column_int(row, 12),
	};

	if (!column_in_range(row, 1, STORED_PAGE_DROPPED) || !column_in_range(row, 2, PAGE_NOTICE))
		return false;
	page.state = (enum stored_page_state)sqlite3_column_int(row, 1);
	page.event = sqlite3_column_int(row, 2);
	if (load->loader->page)
		load->loader->page(load->ctx, &page);
	return true;
}

static bool sqlite_load_recipient(const struct load *load, sqlite3_stmt *row)
{
	const struct stored_recipient recipient = {
		.incident = column_text(row, 0),
		.pager = column_text(row, 1),
		.role = sqlite3_column_int(row, 2),
		.state = sqlite3_column_int(row, 3),
		.target = column_text(row, 4),
		.n = sqlite3_column_int(row, 5),
		.unresolved = sqlite3_column_int(row, 6) != 0,
		.tried = sqlite3_column_int(row, 7) != 0,
		.memory = column_text(row, 8),
	};

	if (load->loader->recipient)
		load->loader->recipient(load->ctx, &recipient);
	return true;
}

static bool sqlite_load_sender(const struct load *load, sqlite3_stmt *row)
{
	const struct stored_sender sender = { column_text(row, 0), sqlite3_column_int64(row, 1) };

	if (load->loader->sender)
		load->loader->sender(load->ctx, &sender);
	return true;
}

static bool sqlite_load_setting(const struct load *load, sqlite3_stmt *row)
{
	const struct stored_setting setting = { column_text(row, 0), column_text(row, 1) };

	if (load->loader->setting)
		load->loader->setting(load->ctx, &setting);
	return true;
}

static bool sqlite_load_silence(const struct load *load, sqlite3_stmt *row)
{
	const struct stored_silence silence = {
		.id = column_text(row, 0),
		.ends_us = sqlite3_column_int64(row, 1),
		.doc = column_text(row, 2),
		.doc_len = column_length(row, 2),
	};

	if (load->loader->silence)
		load->loader->silence(load->ctx, &silence);
	return true;
}

static const struct table {
	const char *name, *order, *row;
	bool (*load)(const struct load *load, sqlite3_stmt *row);
} loaded_tables[] = {
	{ "senders", NULL, "SELECT name, interval_us FROM senders", sqlite_load_sender },
	{ "settings", NULL, "SELECT name, value FROM settings WHERE value <> ''",
	  sqlite_load_setting },
	{ "silences", NULL, "SELECT id, ends_us, doc FROM silences", sqlite_load_silence },
	{ "incidents", "SELECT n FROM incidents WHERE open = 1 ORDER BY opened_us, n",
	  "SELECT id, key, team, open, opened_us, closed_us, page, coalesce(s.state, 0),"
	  " coalesce(s.before, 0), coalesce(s.severity, -1), coalesce(s.due_us, 0),"
	  " coalesce(s.wait_us, 0), coalesce(s.hold_us, 0), coalesce(s.told_us, 0),"
	  " coalesce(s.owes_update, 0), coalesce(s.moved_to, ''), coalesce(s.escalation, ''),"
	  " coalesce(s.run, 0), coalesce(s.step, 0), coalesce(s.left_us, 0),"
	  " coalesce(s.acked_by, ''), coalesce(s.refused, ''), decision"
	  " FROM incidents LEFT JOIN incident_states s"
	  " ON s.id_end = incidents.id_end AND s.incident = incidents.id WHERE n = ?1",
	  sqlite_load_incident },
	{ "recipients", NULL,
	  "SELECT incident, pager, role, state, target, n, unresolved, tried, memory"
	  " FROM recipients ORDER BY incident, pager, n",
	  sqlite_load_recipient },
	{ "pages", "SELECT id FROM pages WHERE state = 0 ORDER BY id",
	  "SELECT id, state, event, attempts, created_us, next_us, incident, pager, error, target, "
	  "doc, severity, n FROM pages WHERE id = ?1",
	  sqlite_load_page },
	{ "alerts",
	  /* With max(), SQLite takes the other columns from the row that has the maximum. */
	  "SELECT id FROM (SELECT max(id) AS id, state, accepted_us, refreshed_us FROM alerts"
	  " GROUP BY key) WHERE state < 2 OR refreshed_us >= ?1 ORDER BY accepted_us, id",
	  "SELECT id, state, attempts, accepted_us, refreshed_us, expires_us, incident, key, doc, "
	  "copies, quiet_us FROM alerts"
	  " WHERE id = ?1",
	  sqlite_load_alert },
};

static int load_row(const struct load *load, const struct table *table, sqlite3_stmt *row,
		    int64_t id)
{
	int rc;

	sqlite3_bind_int64(row, 1, id);
	rc = sqlite3_step(row);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return sqlite_error(load->err, load->db, rc, "read", load->path);
	/* An id in an index without its row in the table is damage too. */
	if (rc == SQLITE_DONE || !table->load(load, row))
		return err_set(load->err, EBADMSG,
			       "cannot read %s: row %lld of its table %s is damaged; restore a "
			       "backup, or move it "
			       "away with its -wal and -shm files and start anew",
			       load->path, (long long)id, table->name);
	sqlite3_reset(row);
	return 0;
}

/* A small table without numbers: its rows as they come. */
static int load_small_table(const struct load *load, const struct table *table)
{
	sqlite3_stmt *row = NULL;
	int error = 0, rc = sqlite3_prepare_v2(load->db, table->row, -1, &row, NULL);

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(row);
		if (rc == SQLITE_ROW)
			table->load(load, row);
	}
	if (rc != SQLITE_DONE)
		error = sqlite_error(load->err, load->db, rc, "read", load->path);
	sqlite3_finalize(row);
	return error;
}

static int load_table(const struct load *load, const struct table *table, int64_t ended_since_us)
{
	sqlite3_stmt *order = NULL, *row = NULL;
	int error = 0, rc = sqlite3_prepare_v2(load->db, table->order, -1, &order, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(load->db, table->row, -1, &row, NULL);
	if (rc != SQLITE_OK) {
		error = sqlite_error(load->err, load->db, rc, "read", load->path);
		goto out;
	}
	if (sqlite3_bind_parameter_count(order) > 0)
		sqlite3_bind_int64(order, 1, ended_since_us);
	while (error == 0 && (rc = sqlite3_step(order)) == SQLITE_ROW)
		error = load_row(load, table, row, sqlite3_column_int64(order, 0));
	if (error == 0 && rc != SQLITE_DONE)
		error = sqlite_error(load->err, load->db, rc, "read", load->path);
out:
	sqlite3_finalize(row);
	sqlite3_finalize(order);
	return error;
}

int sqlite_load(sqlite3 *db, const char *path, int64_t wall_us, const struct store_loader *loader,
		void *ctx, struct err *err)
{
	const struct load load = { db, path, loader, ctx, err };
	int error = 0, rc = sqlite_run(db, "BEGIN");

	if (rc != SQLITE_OK)
		return sqlite_error(err, db, rc, "read", path);
	for (size_t i = 0; error == 0 && i < ARRAY_LEN(loaded_tables); i++)
		error = loaded_tables[i].order ? load_table(&load, &loaded_tables[i],
							    wall_us - LIMIT_RESOLVED_MEMORY_US)
					       : load_small_table(&load, &loaded_tables[i]);
	sqlite_run(db, "COMMIT");
	return error;
}
