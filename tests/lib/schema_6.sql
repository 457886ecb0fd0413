-- A store as tracepager wrote it before recipients had a memory (schema 6). Never change it.
CREATE TABLE alerts (id INTEGER PRIMARY KEY, state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2), attempts INTEGER NOT NULL,
 accepted_us INTEGER NOT NULL, refreshed_us INTEGER NOT NULL, expires_us INTEGER NOT NULL, incident TEXT NOT NULL, key TEXT NOT NULL,
 doc TEXT NOT NULL, copies TEXT NOT NULL DEFAULT '', quiet_us INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX alerts_ended ON alerts (refreshed_us) WHERE state = 2;
CREATE TABLE incidents (n INTEGER PRIMARY KEY, id_end TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL, team TEXT NOT NULL,
 open INTEGER NOT NULL CHECK (open IN (0, 1)), opened_us INTEGER NOT NULL, closed_us INTEGER NOT NULL, page TEXT NOT NULL,
 decision BLOB NOT NULL DEFAULT x'', UNIQUE (id_end, id)) STRICT;
CREATE INDEX incidents_open ON incidents (opened_us) WHERE open = 1;
CREATE INDEX incidents_closed ON incidents (closed_us) WHERE open = 0;
CREATE TABLE pages (id INTEGER PRIMARY KEY, state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3), event INTEGER NOT NULL,
 attempts INTEGER NOT NULL, created_us INTEGER NOT NULL, next_us INTEGER NOT NULL, incident TEXT NOT NULL, pager TEXT NOT NULL,
 error TEXT NOT NULL, target TEXT NOT NULL, doc TEXT NOT NULL, severity INTEGER NOT NULL DEFAULT 2, n INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE INDEX pages_queued ON pages (id) WHERE state = 0;
CREATE INDEX pages_created ON pages (created_us);
CREATE TABLE decisions (id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, kept INTEGER NOT NULL CHECK (kept BETWEEN 0 AND 3),
 incident TEXT NOT NULL, team TEXT NOT NULL, rules TEXT NOT NULL, alert_key TEXT NOT NULL, alert BLOB NOT NULL, doc BLOB NOT NULL) STRICT;
CREATE INDEX decisions_at ON decisions (at_us);
CREATE TABLE traces (id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, upto_bytes INTEGER NOT NULL, traces BLOB NOT NULL,
 healthy BLOB NOT NULL) STRICT;
CREATE TABLE rules (n INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
 texts BLOB NOT NULL) STRICT;
CREATE TABLE incident_states (id_end TEXT NOT NULL, incident TEXT NOT NULL, state INTEGER NOT NULL, before INTEGER NOT NULL, severity INTEGER NOT NULL,
 due_us INTEGER NOT NULL, wait_us INTEGER NOT NULL, hold_us INTEGER NOT NULL, told_us INTEGER NOT NULL, owes_update INTEGER NOT NULL,
 moved_to TEXT NOT NULL, escalation TEXT NOT NULL, run INTEGER NOT NULL, step INTEGER NOT NULL,
 left_us INTEGER NOT NULL, acked_by TEXT NOT NULL, refused TEXT NOT NULL,
 PRIMARY KEY (id_end, incident)) STRICT, WITHOUT ROWID;
CREATE TABLE events (id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, incident TEXT NOT NULL, event TEXT NOT NULL, who TEXT NOT NULL,
 text TEXT NOT NULL) STRICT;
CREATE INDEX events_at ON events (at_us);
CREATE TABLE senders (name TEXT PRIMARY KEY, interval_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE recipients (id_end TEXT NOT NULL, incident TEXT NOT NULL, pager TEXT NOT NULL, n INTEGER NOT NULL, role INTEGER NOT NULL, state INTEGER NOT NULL,
 unresolved INTEGER NOT NULL, tried INTEGER NOT NULL, target TEXT NOT NULL, PRIMARY KEY (id_end, incident, pager, n)) STRICT, WITHOUT ROWID;
CREATE TABLE silences (id TEXT PRIMARY KEY, ends_us INTEGER NOT NULL, doc TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1953653616;
PRAGMA user_version = 6;
