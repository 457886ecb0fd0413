/*
 * The schema of the SQLite store, as the steps by which it grew.
 *
 * PRAGMA application_id says that a file is ours, PRAGMA user_version which step it has reached. A
 * released step is never changed: a change of the schema is a further step at the end of the list.
 * Each step runs in a transaction of its own, so that a crash between two steps leaves a valid
 * older file.
 */
#include <errno.h>
#include <stdlib.h>

#include "sqlite-internal.h"
#include "tracepager/xalloc.h"

#define APPLICATION_ID 0x74726370 /* "trcp" */

/*
 * State columns stand before the documents, so that a touch of a long row does not read its
 * overflow pages. Each index costs every write: there are only those that the daemon's own queries
 * need, partial ones where few rows matter. An index of random texts writes another page for each
 * row, so the keys of alerts have none. Decisions have none either: they are written in order of
 * time.
 */
static const char step_1[] =
	"CREATE TABLE alerts ("
	" id INTEGER PRIMARY KEY,"
	" state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2)," /* enum stored_alert_state */
	" attempts INTEGER NOT NULL,"
	" accepted_us INTEGER NOT NULL,"
	" refreshed_us INTEGER NOT NULL,"
	" expires_us INTEGER NOT NULL,"
	" incident TEXT NOT NULL,"
	" key TEXT NOT NULL,"
	" doc TEXT NOT NULL) STRICT;"
	"CREATE INDEX alerts_ended ON alerts (refreshed_us) WHERE state = 2;"
	"CREATE TABLE incidents ("
	" n INTEGER PRIMARY KEY,"
	" id TEXT NOT NULL UNIQUE,"
	" key TEXT NOT NULL,"
	" team TEXT NOT NULL,"
	" open INTEGER NOT NULL CHECK (open IN (0, 1)),"
	" opened_us INTEGER NOT NULL,"
	" closed_us INTEGER NOT NULL,"
	" page TEXT NOT NULL) STRICT;"
	"CREATE INDEX incidents_open ON incidents (opened_us) WHERE open = 1;"
	"CREATE INDEX incidents_closed ON incidents (closed_us) WHERE open = 0;"
	"CREATE TABLE pages ("
	" id INTEGER PRIMARY KEY,"
	" state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3)," /* enum stored_page_state */
	" event INTEGER NOT NULL,"				 /* enum page_event */
	" attempts INTEGER NOT NULL,"
	" created_us INTEGER NOT NULL,"
	" next_us INTEGER NOT NULL,"
	" incident TEXT NOT NULL,"
	" pager TEXT NOT NULL,"
	" error TEXT NOT NULL,"
	" target TEXT NOT NULL,"
	" doc TEXT NOT NULL) STRICT;"
	"CREATE INDEX pages_queued ON pages (id) WHERE state = 0;"
	"CREATE INDEX pages_incident ON pages (incident);"
	"CREATE INDEX pages_created ON pages (created_us);"
	"CREATE TABLE decisions ("
	" id INTEGER PRIMARY KEY,"
	" at_us INTEGER NOT NULL,"
	" alert_key TEXT NOT NULL,"
	" incident TEXT NOT NULL,"
	" doc TEXT NOT NULL) STRICT;";

/*
 * Decisions with all that is needed to decide again, packed; decisions of version 1 keep their
 * document as it was, and have no alert. An index by time costs little, since it grows at its end.
 *
 * Traces are removed earlier, by age and by bytes, so they have a table of their own; their id is
 * the decision's. upto_bytes is the sum of all bytes up to the row: the bytes of all rows are the
 * last sum minus the first, without a scan. The oldest rows are removed first.
 */
static const char step_2[] =
	"ALTER TABLE decisions RENAME TO decisions_1;"
	"CREATE TABLE decisions ("
	" id INTEGER PRIMARY KEY,"
	" at_us INTEGER NOT NULL,"
	" kept INTEGER NOT NULL CHECK (kept BETWEEN 0 AND 3)," /* enum stored_traces */
	" incident TEXT NOT NULL,"
	" team TEXT NOT NULL,"
	" rules TEXT NOT NULL,"
	" alert_key TEXT NOT NULL,"
	" alert BLOB NOT NULL,"
	" doc BLOB NOT NULL) STRICT;"
	"INSERT INTO decisions (id, at_us, kept, incident, team, rules, alert_key, alert, doc)"
	" SELECT id, at_us, 3, incident, '', '', alert_key, x'', CAST(doc AS BLOB)"
	" FROM decisions_1;"
	"DROP TABLE decisions_1;"
	"CREATE INDEX decisions_at ON decisions (at_us);"
	"CREATE TABLE traces ("
	" id INTEGER PRIMARY KEY,"
	" at_us INTEGER NOT NULL,"
	" upto_bytes INTEGER NOT NULL,"
	" traces BLOB NOT NULL,"
	" healthy BLOB NOT NULL) STRICT;"
	"CREATE TABLE rules ("
	" n INTEGER PRIMARY KEY,"
	" hash TEXT NOT NULL UNIQUE,"
	" first_us INTEGER NOT NULL,"
	" last_us INTEGER NOT NULL,"
	" texts BLOB NOT NULL) STRICT;";

/*
 * The life of incidents: what changes often of an open one stands in small rows of their own, so
 * that its page is not written again; its recipients likewise. Both go when all recipients know of
 * its end. Its story stays, in order of time.
 *
 * What an earlier version left: open incidents go on as open. Every pager that has a page of one
 * becomes a recipient that counts as the owner's, with the target that took the page (else that of
 * its first page), since the resolve must go there.
 */
static const char step_3[] =
	"ALTER TABLE alerts ADD COLUMN copies TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE pages ADD COLUMN severity INTEGER NOT NULL DEFAULT 2;" /* error */
	"CREATE TABLE incident_states ("
	" incident TEXT PRIMARY KEY,"
	" state INTEGER NOT NULL," /* enum incident_state */
	" before INTEGER NOT NULL,"
	" severity INTEGER NOT NULL," /* enum severity; -1: the page's */
	" due_us INTEGER NOT NULL,"
	" wait_us INTEGER NOT NULL,"
	" hold_us INTEGER NOT NULL,"
	" told_us INTEGER NOT NULL,"
	" owes_update INTEGER NOT NULL,"
	" moved_to TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE recipients ("
	" incident TEXT NOT NULL,"
	" pager TEXT NOT NULL,"
	" role INTEGER NOT NULL,"  /* enum recipient_role */
	" state INTEGER NOT NULL," /* enum recipient_state */
	" target TEXT NOT NULL,"
	" PRIMARY KEY (incident, pager)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE events ("
	" id INTEGER PRIMARY KEY,"
	" at_us INTEGER NOT NULL,"
	" incident TEXT NOT NULL,"
	" event TEXT NOT NULL,"
	" who TEXT NOT NULL,"
	" text TEXT NOT NULL) STRICT;"
	"CREATE INDEX events_at ON events (at_us);"
	"CREATE TABLE senders ("
	" name TEXT PRIMARY KEY,"
	" interval_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO incident_states SELECT id, 0, 0, -1, 0, 0, 120000000,"
	" coalesce((SELECT max(created_us) FROM pages WHERE pages.incident = incidents.id), 0), 0, "
	"''"
	" FROM incidents WHERE open = 1;"
	"INSERT INTO recipients SELECT incident, pager, 0,"
	" CASE WHEN max(event = 0 AND state = 1) THEN 1"
	" WHEN max(event = 0 AND state = 2) THEN 2 ELSE 0 END,"
	" (SELECT target FROM pages taken WHERE taken.incident = pages.incident"
	"  AND taken.pager = pages.pager ORDER BY event = 0 AND state = 1 DESC, id LIMIT 1)"
	" FROM pages WHERE incident IN (SELECT id FROM incidents WHERE open = 1)"
	" GROUP BY incident, pager;";

/*
 * Escalations: which step of which run an incident has reached, who acknowledged it, and which
 * teams said that it is not theirs. A pager that is paged again about an incident is another
 * recipient, with the key ID#n. Silences that were made at run time, and settings.
 */
static const char step_4[] =
	"ALTER TABLE alerts ADD COLUMN quiet_us INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE incident_states ADD COLUMN escalation TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE incident_states ADD COLUMN run INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE incident_states ADD COLUMN step INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE incident_states ADD COLUMN left_us INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE incident_states ADD COLUMN acked_by TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE incident_states ADD COLUMN refused TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE pages ADD COLUMN n INTEGER NOT NULL DEFAULT 1;"
	"CREATE TABLE recipients_4 ("
	" incident TEXT NOT NULL,"
	" pager TEXT NOT NULL,"
	" n INTEGER NOT NULL,"
	" role INTEGER NOT NULL,"  /* enum recipient_role */
	" state INTEGER NOT NULL," /* enum recipient_state */
	" unresolved INTEGER NOT NULL,"
	" tried INTEGER NOT NULL,"
	" target TEXT NOT NULL,"
	" PRIMARY KEY (incident, pager, n)) STRICT, WITHOUT ROWID;"
	"INSERT INTO recipients_4 SELECT incident, pager, 1, role, state, 0, 0, target FROM "
	"recipients;"
	"DROP TABLE recipients;"
	"ALTER TABLE recipients_4 RENAME TO recipients;"
	"CREATE TABLE silences ("
	" id TEXT PRIMARY KEY,"
	" ends_us INTEGER NOT NULL,"
	" doc TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE settings ("
	" name TEXT PRIMARY KEY,"
	" value TEXT NOT NULL) STRICT, WITHOUT ROWID;";

/*
 * Rows of incidents in the order of the last ten characters of an id, which tell when the incident
 * was opened. The first ones are random: with rows in their order, each row that a commit writes is
 * in a page of its own, and the log takes six pages more for each incident.
 *
 * No index says which pages an incident has: only queued ones keep an incident, and those are few.
 */
static const char step_5[] =
	"CREATE TABLE incidents_5 ("
	" n INTEGER PRIMARY KEY,"
	" id_end TEXT NOT NULL,"
	" id TEXT NOT NULL,"
	" key TEXT NOT NULL,"
	" team TEXT NOT NULL,"
	" open INTEGER NOT NULL CHECK (open IN (0, 1)),"
	" opened_us INTEGER NOT NULL,"
	" closed_us INTEGER NOT NULL,"
	" page TEXT NOT NULL,"
	" UNIQUE (id_end, id)) STRICT;"
	"INSERT INTO incidents_5 (n, id_end, id, key, team, open, opened_us, closed_us, page)"
	" SELECT n, substr(id, -10), id, key, team, open, opened_us, closed_us, page"
	" FROM incidents;"
	"DROP TABLE incidents;"
	"ALTER TABLE incidents_5 RENAME TO incidents;"
	"CREATE INDEX incidents_open ON incidents (opened_us) WHERE open = 1;"
	"CREATE INDEX incidents_closed ON incidents (closed_us) WHERE open = 0;"
	"CREATE TABLE incident_states_5 ("
	" id_end TEXT NOT NULL,"
	" incident TEXT NOT NULL,"
	" state INTEGER NOT NULL,"
	" before INTEGER NOT NULL,"
	" severity INTEGER NOT NULL,"
	" due_us INTEGER NOT NULL,"
	" wait_us INTEGER NOT NULL,"
	" hold_us INTEGER NOT NULL,"
	" told_us INTEGER NOT NULL,"
	" owes_update INTEGER NOT NULL,"
	" moved_to TEXT NOT NULL,"
	" escalation TEXT NOT NULL,"
	" run INTEGER NOT NULL,"
	" step INTEGER NOT NULL,"
	" left_us INTEGER NOT NULL,"
	" acked_by TEXT NOT NULL,"
	" refused TEXT NOT NULL,"
	" PRIMARY KEY (id_end, incident)) STRICT, WITHOUT ROWID;"
	"INSERT INTO incident_states_5 SELECT substr(incident, -10), incident, state, before,"
	" severity, due_us, wait_us, hold_us, told_us, owes_update, moved_to, escalation, run,"
	" step, left_us, acked_by, refused FROM incident_states;"
	"DROP TABLE incident_states;"
	"ALTER TABLE incident_states_5 RENAME TO incident_states;"
	"CREATE TABLE recipients_5 ("
	" id_end TEXT NOT NULL,"
	" incident TEXT NOT NULL,"
	" pager TEXT NOT NULL,"
	" n INTEGER NOT NULL,"
	" role INTEGER NOT NULL,"
	" state INTEGER NOT NULL,"
	" unresolved INTEGER NOT NULL,"
	" tried INTEGER NOT NULL,"
	" target TEXT NOT NULL,"
	" PRIMARY KEY (id_end, incident, pager, n)) STRICT, WITHOUT ROWID;"
	"INSERT INTO recipients_5 SELECT substr(incident, -10), incident, pager, n, role, state,"
	" unresolved, tried, target FROM recipients;"
	"DROP TABLE recipients;"
	"ALTER TABLE recipients_5 RENAME TO recipients;"
	"DROP INDEX pages_incident;";

/*
 * The decision of an open incident, packed, beside its page, where it stood as a text before: a
 * third of the bytes, and nothing is escaped. What stands in the page of an older row is read from
 * there, until the row is written again.
 */
static const char step_6[] = "ALTER TABLE incidents ADD COLUMN decision BLOB NOT NULL DEFAULT x'';";

/* What a pager's service answered about a recipient's page, for the next pages to it. */
static const char step_7[] = "ALTER TABLE recipients ADD COLUMN memory TEXT NOT NULL DEFAULT '';";

/* steps[n] brings a file from version n to n + 1. */
static const char *const steps[] = { step_1, step_2, step_3, step_4, step_5, step_6, step_7 };

int sqlite_schema_newest(void)
{
	return ARRAY_LEN(steps);
}

int sqlite_schema_check(sqlite3 *db, const char *path, struct err *err)
{
	int64_t application, version, objects;
	int rc = sqlite_number(db, "PRAGMA application_id", &application);

	if (rc == SQLITE_OK)
		rc = sqlite_number(db, "PRAGMA user_version", &version);
	if (rc == SQLITE_OK)
		rc = sqlite_number(db, "SELECT count(*) FROM sqlite_schema", &objects);
	if (rc != SQLITE_OK)
		return sqlite_error(err, db, rc, "read", path);
	if (application == 0 && version == 0 && objects == 0)
		return 0;
	if (application != APPLICATION_ID || version < 1)
		return err_set(err, EINVAL,
			       "%s is a database, but not a store of tracepager's; give another "
			       "path (store: path)",
			       path);
	if (version > sqlite_schema_newest())
		return err_set(err, EINVAL,
			       "%s was written by a newer tracepager (schema %d, this one knows up "
			       "to %d); run that "
			       "version, or give another path",
			       path, (int)version, sqlite_schema_newest());
	return 0;
}

static int run_step(sqlite3 *db, int version)
{
	CLEANUP_FREE char *mark = xasprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;",
					    APPLICATION_ID, version + 1);
	int rc = sqlite_run(db, "BEGIN IMMEDIATE");

	if (rc == SQLITE_OK)
		rc = sqlite_run(db, steps[version]);
	if (rc == SQLITE_OK)
		rc = sqlite_run(db, mark);
	if (rc == SQLITE_OK)
		rc = sqlite_run(db, "COMMIT");
	return rc;
}

int sqlite_schema_migrate(sqlite3 *db, const char *path, struct err *err)
{
	int64_t version;
	int rc = sqlite_number(db, "PRAGMA user_version", &version);

	while (rc == SQLITE_OK && version < sqlite_schema_newest()) {
		rc = run_step(db, (int)version);
		version++;
	}
	/* The caller closes the connection, which rolls back. */
	return rc == SQLITE_OK ? 0 : sqlite_error(err, db, rc, "prepare", path);
}
