-- A store as tracepager wrote it before incidents had states (schema 2). Never change it.
CREATE TABLE alerts (id INTEGER PRIMARY KEY, state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2), attempts INTEGER NOT NULL,
 accepted_us INTEGER NOT NULL, refreshed_us INTEGER NOT NULL, expires_us INTEGER NOT NULL, incident TEXT NOT NULL,
 key TEXT NOT NULL, doc TEXT NOT NULL) STRICT;
CREATE INDEX alerts_ended ON alerts (refreshed_us) WHERE state = 2;
CREATE TABLE incidents (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, team TEXT NOT NULL,
 open INTEGER NOT NULL CHECK (open IN (0, 1)), opened_us INTEGER NOT NULL, closed_us INTEGER NOT NULL,
 page TEXT NOT NULL) STRICT;
CREATE INDEX incidents_open ON incidents (opened_us) WHERE open = 1;
CREATE INDEX incidents_closed ON incidents (closed_us) WHERE open = 0;
CREATE TABLE pages (id INTEGER PRIMARY KEY, state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3), event INTEGER NOT NULL,
 attempts INTEGER NOT NULL, created_us INTEGER NOT NULL, next_us INTEGER NOT NULL, incident TEXT NOT NULL,
 pager TEXT NOT NULL, error TEXT NOT NULL, target TEXT NOT NULL, doc TEXT NOT NULL) STRICT;
CREATE INDEX pages_queued ON pages (id) WHERE state = 0;
CREATE INDEX pages_incident ON pages (incident);
CREATE INDEX pages_created ON pages (created_us);
CREATE TABLE decisions (id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, kept INTEGER NOT NULL CHECK (kept BETWEEN 0 AND 3),
 incident TEXT NOT NULL, team TEXT NOT NULL, rules TEXT NOT NULL, alert_key TEXT NOT NULL, alert BLOB NOT NULL,
 doc BLOB NOT NULL) STRICT;
CREATE INDEX decisions_at ON decisions (at_us);
CREATE TABLE traces (id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, upto_bytes INTEGER NOT NULL, traces BLOB NOT NULL,
 healthy BLOB NOT NULL) STRICT;
CREATE TABLE rules (n INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
 texts BLOB NOT NULL) STRICT;
PRAGMA application_id = 1953653616;
PRAGMA user_version = 2;
