/*
 * The SQLite backend of the store, the embedded default: one file, its write-ahead log (WAL), and a
 * lock file.
 *
 * With synchronous=FULL a commit is one flush of the WAL. One connection commits, on the store's
 * thread; one checkpoints, on a thread of its own; loading opens a third. Pages that a storm has
 * cached are freed after it.
 *
 * Refuses files of other programs, newer schemas, a second daemon, and commits to a file that was
 * moved while in use. Where the -wal or -shm file is removed while in use, what it held is written
 * to the database, and both begin anew. A damaged database is put aside (sqlite_salvage.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite-internal.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

enum extra_statement {
	STATEMENT_BEGIN = STORE_OP_COUNT,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_COUNT,
};

struct sqlite {
	char *path;
	int lock_fd, file_fd; /* -1: not locked; of the lock file, of the database */
	sqlite3 *db;	      /* NULL: it could not be opened again */
	ino_t wal, shm;	      /* of the files that db has open */
	_Atomic(char *) news; /* a sentence about damage; NULL: none */
	sqlite3_stmt *statements[STATEMENT_COUNT];
	struct checkpoint *checkpoint;
	int64_t retain_at_us;
};

/* clang-format off */
static const char *const statement_sql[STATEMENT_COUNT] = {
	[STORE_OP_PUT_ALERT] =
		"REPLACE INTO alerts (id, state, attempts, accepted_us, refreshed_us, expires_us, incident, copies, quiet_us,"
		" key, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STORE_OP_TOUCH_ALERT] =
		"UPDATE alerts SET state = ?2, attempts = ?3, refreshed_us = ?4, expires_us = ?5, incident = ?6,"
		" copies = ?7, quiet_us = ?8 WHERE id = ?1",
	[STORE_OP_REMOVE_ALERT] = "DELETE FROM alerts WHERE id = ?",
	/* Of the page of an incident that is over, people look up the facts of one line each;
	 * nobody reads a page that was settled. The table of decisions has the rest of the text. */
	[STORE_OP_PUT_INCIDENT] =
		"INSERT INTO incidents (id_end, id, key, team, open, opened_us, closed_us, page, decision)"
		" VALUES (" SQL_ID_END("?1") ", ?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN ?4 THEN ?7 WHEN json_valid(?7) THEN json_remove(?7, '$.details',"
		" '$.waterfall', '$.reasons', '$.alert_says', '$.alert_list', '$.alerts', '$.labels', '$.decision') ELSE '' END,"
		" CASE WHEN ?4 THEN ?8 ELSE x'' END)"
		" ON CONFLICT (id_end, id) DO UPDATE SET key = excluded.key, team = excluded.team,"
		" open = excluded.open, opened_us = excluded.opened_us, closed_us = excluded.closed_us, page = excluded.page,"
		" decision = excluded.decision",
	[STORE_OP_PUT_INCIDENT_STATE] =
		"REPLACE INTO incident_states (id_end, incident, state, before, severity, due_us, wait_us, hold_us, told_us, owes_update,"
		" moved_to, escalation, run, step, left_us, acked_by, refused)"
		" SELECT " SQL_ID_END("?1") ", ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16"
		" WHERE EXISTS (SELECT 1 FROM incidents WHERE " SQL_INCIDENT("incidents", "?1") ")",
	[STORE_OP_DROP_INCIDENT_STATE] = "DELETE FROM incident_states WHERE " SQL_ROWS_OF("?1"),
	[STORE_OP_DROP_RECIPIENTS] = "DELETE FROM recipients WHERE " SQL_ROWS_OF("?1"),
	[STORE_OP_PUT_RECIPIENT] =
		"REPLACE INTO recipients (id_end, incident, pager, n, role, state, unresolved, tried, target, memory)"
		" VALUES (" SQL_ID_END("?1") ", ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[STORE_OP_PUT_EVENT] = "INSERT INTO events (incident, at_us, event, who, text) VALUES (?, ?, ?, ?, ?)",
	[STORE_OP_PUT_SENDER] = "REPLACE INTO senders (name, interval_us) VALUES (?, ?)",
	[STORE_OP_PUT_SILENCE] = "REPLACE INTO silences (id, ends_us, doc) VALUES (?, ?, ?)",
	[STORE_OP_PUT_SETTING] = "REPLACE INTO settings (name, value) VALUES (?, ?)",
	[STORE_OP_PUT_PAGE] =
		"REPLACE INTO pages (id, state, event, severity, attempts, created_us, next_us, incident, pager, n, error, target,"
		" doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STORE_OP_TOUCH_PAGE] =
		"UPDATE pages SET state = ?2, attempts = ?3, next_us = ?4, error = ?5,"
		" doc = CASE WHEN ?2 = 0 THEN doc ELSE '' END WHERE id = ?1",
	[STORE_OP_PUT_DECISION] =
		"INSERT INTO decisions (at_us, kept, incident, team, rules, alert_key, alert, doc)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[STORE_OP_PUT_TRACES] =
		"INSERT INTO traces (id, at_us, upto_bytes, traces, healthy) VALUES (last_insert_rowid(), ?1,"
		" coalesce((SELECT upto_bytes FROM traces ORDER BY id DESC LIMIT 1), 0) + ?2, ?3, ?4)",
	[STORE_OP_PUT_RULES] =
		"INSERT INTO rules (hash, first_us, last_us, texts) VALUES (?1, ?2, ?2, ?3)"
		" ON CONFLICT (hash) DO UPDATE SET last_us = excluded.last_us",
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	[STATEMENT_ROLLBACK] = "ROLLBACK",
};
/* clang-format on */

static int connect_database(struct sqlite *sqlite, struct err *err);
static void sqlite_disconnect(struct sqlite *sqlite);
static int replace_damaged(struct sqlite *sqlite, struct err *err);
static void unlock_file(struct sqlite *sqlite);

struct binder {
	sqlite3_stmt *stmt;
	int at, rc;
};

static void bind_number(struct binder *binder, int64_t number)
{
	if (binder->rc == SQLITE_OK)
		binder->rc = sqlite3_bind_int64(binder->stmt, ++binder->at, number);
}

static void bind_doc(struct binder *binder, const char *text, size_t len)
{
	if (binder->rc == SQLITE_OK)
		binder->rc = sqlite3_bind_text64(binder->stmt, ++binder->at, text, len,
						 SQLITE_STATIC, SQLITE_UTF8);
}

static void bind_text(struct binder *binder, const char *text)
{
	bind_doc(binder, text, strlen(text));
}

static void bind_blob(struct binder *binder, const void *data, size_t len)
{
	if (binder->rc == SQLITE_OK)
		binder->rc =
			sqlite3_bind_blob64(binder->stmt, ++binder->at, data, len, SQLITE_STATIC);
}

static void bind_alert(struct binder *binder, const struct stored_alert *alert, bool touch)
{
	bind_number(binder, alert->id);
	bind_number(binder, alert->state);
	bind_number(binder, alert->attempts);
	if (!touch)
		bind_number(binder, alert->accepted_us);
	bind_number(binder, alert->refreshed_us);
	bind_number(binder, alert->expires_us);
	bind_text(binder, alert->incident);
	bind_text(binder, alert->copies);
	bind_number(binder, alert->quiet_us);
	if (!touch) {
		bind_text(binder, alert->key);
		bind_doc(binder, alert->doc, alert->doc_len);
	}
}

static void bind_incident(struct binder *binder, const struct stored_incident *incident)
{
	bind_text(binder, incident->id);
	bind_text(binder, incident->key);
	bind_text(binder, incident->team);
	bind_number(binder, incident->open);
	bind_number(binder, incident->opened_us);
	bind_number(binder, incident->closed_us);
	bind_doc(binder, incident->page, incident->page_len);
	bind_blob(binder, incident->decision, incident->decision_len);
}

static void bind_incident_state(struct binder *binder, const struct stored_incident *incident)
{
	bind_text(binder, incident->id);
	bind_number(binder, incident->state);
	bind_number(binder, incident->before);
	bind_number(binder, incident->severity);
	bind_number(binder, incident->due_us);
	bind_number(binder, incident->wait_us);
	bind_number(binder, incident->hold_us);
	bind_number(binder, incident->told_us);
	bind_number(binder, incident->owes_update);
	bind_text(binder, incident->moved_to);
	bind_text(binder, incident->escalation);
	bind_number(binder, incident->run);
	bind_number(binder, incident->step);
	bind_number(binder, incident->left_us);
	bind_text(binder, incident->acked_by);
	bind_text(binder, incident->refused);
}

static void bind_recipient(struct binder *binder, const struct stored_recipient *recipient)
{
	bind_text(binder, recipient->incident);
	bind_text(binder, recipient->pager);
	bind_number(binder, recipient->n);
	bind_number(binder, recipient->role);
	bind_number(binder, recipient->state);
	bind_number(binder, recipient->unresolved);
	bind_number(binder, recipient->tried);
	bind_text(binder, recipient->target);
	bind_text(binder, recipient->memory);
}

static void bind_event(struct binder *binder, const struct stored_event *event)
{
	bind_text(binder, event->incident);
	bind_number(binder, event->at_us);
	bind_text(binder, event->event);
	bind_text(binder, event->who);
	bind_text(binder, event->text);
}

static void bind_sender(struct binder *binder, const struct stored_sender *sender)
{
	bind_text(binder, sender->name);
	bind_number(binder, sender->interval_us);
}

static void bind_silence(struct binder *binder, const struct stored_silence *silence)
{
	bind_text(binder, silence->id);
	bind_number(binder, silence->ends_us);
	bind_doc(binder, silence->doc, silence->doc_len);
}

static void bind_page(struct binder *binder, const struct stored_page *page)
{
	bind_number(binder, page->id);
	bind_number(binder, page->state);
	bind_number(binder, page->event);
	bind_number(binder, page->severity);
	bind_number(binder, page->attempts);
	bind_number(binder, page->created_us);
	bind_number(binder, page->next_us);
	bind_text(binder, page->incident);
	bind_text(binder, page->pager);
	bind_number(binder, page->n);
	bind_text(binder, page->error);
	bind_text(binder, page->target);
	bind_doc(binder, page->doc, page->doc_len);
}

static void bind_page_touch(struct binder *binder, const struct stored_page *page)
{
	bind_number(binder, page->id);
	bind_number(binder, page->state);
	bind_number(binder, page->attempts);
	bind_number(binder, page->next_us);
	bind_text(binder, page->error);
}

static void bind_decision(struct binder *binder, const struct stored_decision *decision)
{
	bind_number(binder, decision->at_us);
	bind_number(binder, decision->kept);
	bind_text(binder, decision->incident);
	bind_text(binder, decision->team);
	bind_text(binder, decision->rules);
	bind_text(binder, decision->alert_key);
	bind_blob(binder, decision->alert, decision->alert_len);
	bind_blob(binder, decision->doc, decision->doc_len);
}

static void bind_traces(struct binder *binder, const struct stored_decision *decision)
{
	bind_number(binder, decision->at_us);
	bind_number(binder, (int64_t)(decision->traces_len + decision->healthy_len));
	bind_blob(binder, decision->traces, decision->traces_len);
	bind_blob(binder, decision->healthy, decision->healthy_len);
}

static void bind_rules(struct binder *binder, const struct stored_rules *rules)
{
	bind_text(binder, rules->hash);
	bind_number(binder, rules->at_us);
	bind_blob(binder, rules->texts, rules->texts_len);
}

static void bind_op(struct binder *binder, const struct store_op *op)
{
	switch (op->kind) {
	case STORE_OP_PUT_ALERT:
		bind_alert(binder, &op->alert, false);
		break;
	case STORE_OP_TOUCH_ALERT:
		bind_alert(binder, &op->alert, true);
		break;
	case STORE_OP_REMOVE_ALERT:
		bind_number(binder, op->alert.id);
		break;
	case STORE_OP_PUT_INCIDENT:
		bind_incident(binder, &op->incident);
		break;
	case STORE_OP_PUT_INCIDENT_STATE:
		bind_incident_state(binder, &op->incident);
		break;
	case STORE_OP_DROP_INCIDENT_STATE:
	case STORE_OP_DROP_RECIPIENTS:
		bind_text(binder, op->incident.id);
		break;
	case STORE_OP_PUT_RECIPIENT:
		bind_recipient(binder, &op->recipient);
		break;
	case STORE_OP_PUT_EVENT:
		bind_event(binder, &op->event);
		break;
	case STORE_OP_PUT_SENDER:
		bind_sender(binder, &op->sender);
		break;
	case STORE_OP_PUT_SILENCE:
		bind_silence(binder, &op->silence);
		break;
	case STORE_OP_PUT_SETTING:
		bind_text(binder, op->setting.name);
		bind_text(binder, op->setting.value);
		break;
	case STORE_OP_PUT_PAGE:
		bind_page(binder, &op->page);
		break;
	case STORE_OP_TOUCH_PAGE:
		bind_page_touch(binder, &op->page);
		break;
	case STORE_OP_PUT_DECISION:
		bind_decision(binder, &op->decision);
		break;
	case STORE_OP_PUT_TRACES:
		bind_traces(binder, &op->decision);
		break;
	case STORE_OP_PUT_RULES:
		bind_rules(binder, &op->rules);
		break;
	case STORE_OP_COUNT:
		abort();
	}
}

static int statement_run(sqlite3_stmt *stmt)
{
	errno = 0;
	sqlite3_step(stmt);
	return sqlite3_reset(stmt);
}

static int write_batch(struct sqlite *sqlite, const struct store_batch *batch)
{
	struct store_op op;
	size_t pos = 0;

	while (store_batch_next(batch, &pos, &op)) {
		struct binder binder = { .stmt = sqlite->statements[op.kind] };

		bind_op(&binder, &op);
		if (binder.rc == SQLITE_OK)
			binder.rc = statement_run(binder.stmt);
		if (binder.rc != SQLITE_OK)
			return binder.rc;
	}
	return SQLITE_OK;
}

/* Was the file of the database moved? Commits would go where no restart looks for them. */
static bool was_moved(struct sqlite *sqlite)
{
	int moved = 0;

	sqlite3_file_control(sqlite->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	return moved != 0;
}

static ino_t file_number(const char *path, const char *suffix)
{
	CLEANUP_FREE char *name = xasprintf("%s%s", path, suffix);
	struct stat st;

	return stat(name, &st) < 0 ? 0 : st.st_ino;
}

/* Writes the batches as one transaction. */
static int write_group(struct sqlite *sqlite, struct store_batch *first,
		       const struct store_batch *end, struct store_batch **ret_bad, struct err *err)
{
	const sqlite3_int64 changes = sqlite3_total_changes64(sqlite->db);
	int error, rc = statement_run(sqlite->statements[STATEMENT_BEGIN]);

	for (struct store_batch *batch = first; rc == SQLITE_OK && batch != end;
	     batch = STAILQ_NEXT(batch, link)) {
		rc = write_batch(sqlite, batch);
		if (sqlite_error_is_data(rc))
			*ret_bad = batch;
	}
	if (rc == SQLITE_OK)
		rc = statement_run(sqlite->statements[STATEMENT_COMMIT]);
	if (rc == SQLITE_OK)
		return sqlite3_total_changes64(sqlite->db) == changes;
	error = sqlite_error(err, sqlite->db, rc, "write to", sqlite->path);
	if (!sqlite3_get_autocommit(sqlite->db))
		statement_run(sqlite->statements[STATEMENT_ROLLBACK]);
	return error;
}

/* After a commit, before it is reported. A removed -wal file would take the commit with it. */
static int sqlite_keep_files(struct sqlite *sqlite, struct err *err)
{
	if (was_moved(sqlite))
		return err_set(err, ESTALE,
			       "%s was moved or removed while in use; restart tracepager",
			       sqlite->path);
	if (file_number(sqlite->path, "-wal") == sqlite->wal &&
	    file_number(sqlite->path, "-shm") == sqlite->shm)
		return 0;
	/* Not left to closing: while another program reads, ours is not the last connection. */
	int pages = 0, written = -1;
	int rc = sqlite3_wal_checkpoint_v2(sqlite->db, NULL, SQLITE_CHECKPOINT_FULL, &pages,
					   &written);
	if (rc != SQLITE_OK)
		return sqlite_error(err, sqlite->db, rc, "save the removed log of", sqlite->path);
	sqlite_disconnect(sqlite);
	int error = connect_database(sqlite, err);
	log_error("a file of the store was removed while in use; what it held was written to the "
		  "database, and it was made anew",
		  LOG_STR("store", sqlite->path), LOG_STR("error", error ? err->text : ""));
	return error;
}

static int sqlite_commit(void *backend, struct store_batch *first, const struct store_batch *end,
			 struct store_batch **ret_bad, struct err *err)
{
	struct sqlite *sqlite = backend;
	int error = 0, result;

	if (!sqlite->db)
		error = connect_database(sqlite, err);
	if (error)
		return error;
	sqlite_checkpoint_catch_up(sqlite->checkpoint, sqlite->db);
	if (was_moved(sqlite))
		return err_set(err, ESTALE,
			       "%s was moved or removed while in use; restart tracepager",
			       sqlite->path);
	result = write_group(sqlite, first, end, ret_bad, err);
	if (result == -EBADMSG && !*ret_bad && replace_damaged(sqlite, err) == 0)
		result = write_group(sqlite, first, end, ret_bad, err);
	if (result < 0)
		return result;
	error = sqlite_keep_files(sqlite, err);
	return error ? error : result;
}

/* The same number again: it writes a page, and flushes it. */
static int sqlite_probe(void *backend, struct err *err)
{
	struct sqlite *sqlite = backend;
	CLEANUP_FREE char *sql = xasprintf("PRAGMA user_version = %d", sqlite_schema_newest());
	int error = 0;

	if (!sqlite->db)
		error = connect_database(sqlite, err);
	if (error)
		return error;
	if (was_moved(sqlite))
		return err_set(err, ESTALE,
			       "%s was moved or removed while in use; restart tracepager",
			       sqlite->path);
	int rc = sqlite_run(sqlite->db, sql);
	return rc == SQLITE_OK ? 0 : sqlite_error(err, sqlite->db, rc, "write to", sqlite->path);
}

static char *sqlite_take_news(void *backend)
{
	struct sqlite *sqlite = backend;

	return atomic_exchange(&sqlite->news, NULL);
}

static int64_t sqlite_idle(void *backend)
{
	struct sqlite *sqlite = backend;
	int64_t now_us = clock_mono_us(clock_system());
	struct err err;
	bool more = false;

	if (now_us < sqlite->retain_at_us)
		return sqlite->retain_at_us - now_us;
	if (!sqlite->db)
		return LIMIT_RETAIN_EVERY_US;
	if (sqlite_retain(sqlite->db, sqlite->path, clock_wall_us(clock_system()), &more, &err) < 0)
		log_warn("old records are kept until the next try", LOG_STR("error", err.text));
	if (!more)
		sqlite_give_back(sqlite->db, &more);
	if (!more)
		sqlite3_db_release_memory(sqlite->db);
	sqlite->retain_at_us = now_us + (more ? LIMIT_RETAIN_AGAIN_US : LIMIT_RETAIN_EVERY_US);
	return more ? LIMIT_RETAIN_AGAIN_US : LIMIT_RETAIN_EVERY_US;
}

static int sqlite_load_all(void *backend, const struct store_loader *loader, void *ctx,
			   struct err *err)
{
	struct sqlite *sqlite = backend;
	sqlite3 *db;
	int error = sqlite_connect(sqlite->path, false, &db, err);

	if (error)
		return error;
	error = sqlite_load(db, sqlite->path, clock_wall_us(clock_system()), loader, ctx, err);
	sqlite3_close(db);
	return error;
}

static void sqlite_close(void *backend)
{
	struct sqlite *sqlite = backend;

	sqlite_disconnect(sqlite);
	unlock_file(sqlite);
	if (sqlite->lock_fd >= 0)
		close(sqlite->lock_fd);
	free(atomic_exchange(&sqlite->news, NULL));
	free(sqlite->path);
	free(sqlite);
}

static const struct store_ops sqlite_ops = {
	.commit = sqlite_commit,
	.idle = sqlite_idle,
	.load = sqlite_load_all,
	.close = sqlite_close,
	.probe = sqlite_probe,
	.take_news = sqlite_take_news,
};

static int check_directory(const char *path, struct err *err)
{
	CLEANUP_FREE char *copy = xstrdup(path);
	const char *directory = dirname(copy);
	struct stat st;

	if (stat(directory, &st) < 0)
		return err_set(err, errno,
			       "cannot open the store %s: %s: %s; create the directory: mkdir -p "
			       "-m 0700 %s",
			       path, directory, strerror(errno), directory);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "cannot open the store %s: %s is not a directory",
			       path, directory);
	return 0;
}

/* Flushes the directory, so that the new file's name is on disk before the first commit is. */
static void sync_directory(const char *path)
{
	CLEANUP_FREE char *copy = xstrdup(path);
	CLEANUP_CLOSE int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		fsync(fd);
}

/* Creates the file with mode 0600; SQLite would create it readable by all. It runs before SQLite
 * opens the file, since closing a descriptor drops all locks that the process has on the file; and
 * under our lock. */
static int create_file(const char *path, struct err *err)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0) {
		close(fd);
		sync_directory(path);
		return 0;
	}
	if (errno != EEXIST)
		return err_set(err, errno,
			       "cannot create the store %s: %s; tracepager's user must be able to "
			       "write there",
			       path, strerror(errno));
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(err, EINVAL,
			       "cannot open the store %s: it is not a file; give another path",
			       path);
	return 0;
}

/* Turns on the WAL, with which readers do not block the writer, and caps its file after a storm. */
static int set_wal(sqlite3 *db, const char *path, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	const char *mode;
	bool is_wal = false;
	int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);

	if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
		mode = (const char *)sqlite3_column_text(stmt, 0);
		is_wal = mode && strcmp(mode, "wal") == 0;
	}
	rc = stmt ? sqlite3_finalize(stmt) : rc;
	if (rc == SQLITE_OK)
		rc = sqlite_run(db,
				"PRAGMA journal_size_limit = " SQL_DIGITS(LIMIT_WAL_FILE_BYTES));
	if (rc != SQLITE_OK)
		return sqlite_error(err, db, rc, "open", path);
	if (sqlite3_db_readonly(db, "main"))
		return err_set(err, EACCES,
			       "cannot write to %s; give tracepager's user the right to write it",
			       path);
	if (!is_wal)
		return err_set(err, EINVAL,
			       "cannot keep a write-ahead log for %s; put the store on a local "
			       "file system",
			       path);
	return 0;
}

static int sqlite_prepare(struct sqlite *sqlite, struct err *err)
{
	int rc;

	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		rc = sqlite3_prepare_v3(sqlite->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
					&sqlite->statements[i], NULL);
		if (rc != SQLITE_OK)
			return sqlite_error(err, sqlite->db, rc, "use", sqlite->path);
	}
	return 0;
}

static int on_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct sqlite *sqlite = ctx;

	(void)db;
	(void)name;
	sqlite_checkpoint_note(sqlite->checkpoint, pages);
	return SQLITE_OK;
}

static int start_checkpoints(struct sqlite *sqlite, struct err *err)
{
	sqlite3 *db;
	int error = sqlite_connect(sqlite->path, false, &db, err);

	if (error)
		return error;
	error = sqlite_checkpoint_start(db, sqlite->path, &sqlite->checkpoint, err);
	if (error == 0)
		sqlite3_wal_hook(sqlite->db, on_commit, sqlite);
	return error;
}

/* Closing the last connection empties the WAL and removes it. */
static void sqlite_disconnect(struct sqlite *sqlite)
{
	sqlite_checkpoint_stop(sqlite->checkpoint);
	sqlite->checkpoint = NULL;
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(sqlite->statements[i]);
	memset(sqlite->statements, 0, sizeof(sqlite->statements));
	sqlite3_close(sqlite->db);
	sqlite->db = NULL;
}

/* Opens the file, which exists and is locked, for commits. A failure leaves it closed. */
static int connect_database(struct sqlite *sqlite, struct err *err)
{
	int error = sqlite_connect(sqlite->path, false, &sqlite->db, err);

	if (error == 0)
		error = sqlite_schema_check(sqlite->db, sqlite->path, err);
	/* Has an effect on a new file only; older ones keep their free pages for later rows. */
	if (error == 0)
		sqlite_run(sqlite->db, "PRAGMA auto_vacuum = INCREMENTAL");
	if (error == 0)
		error = set_wal(sqlite->db, sqlite->path, err);
	if (error == 0)
		error = sqlite_schema_migrate(sqlite->db, sqlite->path, err);
	if (error == 0)
		error = sqlite_prepare(sqlite, err);
	if (error == 0)
		error = start_checkpoints(sqlite, err);
	if (error) {
		sqlite_disconnect(sqlite);
		return error;
	}
	sqlite->wal = file_number(sqlite->path, "-wal");
	sqlite->shm = file_number(sqlite->path, "-shm");
	return 0;
}

static void tell_damage(struct sqlite *sqlite, const char *aside, const char *why,
			const struct salvage *salvage)
{
	log_error("the store was damaged: a new one begins with what could be read of it",
		  LOG_STR("store", sqlite->path), LOG_STR("kept_as", aside), LOG_STR("error", why),
		  LOG_INT("alerts", (int64_t)salvage->alerts),
		  LOG_INT("incidents", (int64_t)salvage->incidents),
		  LOG_INT("pages", (int64_t)salvage->pages),
		  LOG_INT("damaged_places", (int64_t)salvage->damaged));
	char *news = xasprintf("the store %s was damaged and is kept as %s; a new one began with "
			       "%zu alerts, %zu open incidents and %zu waiting pages that could be "
			       "read of it; %zu places could not be read, so that a page may be "
			       "missing",
			       sqlite->path, aside, salvage->alerts, salvage->incidents,
			       salvage->pages, salvage->damaged);
	free(atomic_exchange(&sqlite->news, news));
}

static void unlock_file(struct sqlite *sqlite)
{
	if (sqlite->file_fd >= 0)
		close(sqlite->file_fd);
	sqlite->file_fd = -1;
}

/* A new file in place of the one that was put aside, with what can be read of that. */
static int begin_anew(struct sqlite *sqlite, const char *aside, struct salvage *ret_salvage,
		      struct err *err)
{
	int error = create_file(sqlite->path, err);

	if (error == 0)
		error = sqlite_lock_file(sqlite->path, &sqlite->file_fd, err);
	if (error == 0)
		error = connect_database(sqlite, err);
	if (error == 0)
		error = sqlite_salvage(aside, sqlite->db, ret_salvage, err);
	return error;
}

/* Puts the damaged file aside, and goes on with a new one. err: why it is called; on failure why
 * that failed, and the damaged file is back in its place: an empty one there would be taken for all
 * that there is. */
static int replace_damaged(struct sqlite *sqlite, struct err *err)
{
	const struct err why = *err;
	CLEANUP_FREE char *aside = NULL;
	struct salvage salvage;

	if (!sqlite_is_damaged_store(sqlite->path, sqlite->db != NULL))
		return -EBADMSG;
	if (sqlite->db) /* its log is read from beside the file that is put aside */
		sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite_disconnect(sqlite);
	unlock_file(sqlite);
	int error = sqlite_set_aside(sqlite->path, clock_wall_us(clock_system()), &aside, err);
	if (error)
		return error;
	error = begin_anew(sqlite, aside, &salvage, err);
	if (error == 0) {
		tell_damage(sqlite, aside, why.text, &salvage);
		return 0;
	}
	struct err ignored;
	sqlite_disconnect(sqlite);
	unlock_file(sqlite);
	sqlite_set_back(aside, sqlite->path);
	sqlite_lock_file(sqlite->path, &sqlite->file_fd, &ignored);
	return error;
}

/* Can all be read that a start needs? */
static int try_loading(struct sqlite *sqlite, struct err *err)
{
	static const struct store_loader nobody;

	return sqlite_load_all(sqlite, &nobody, NULL, err);
}

static int open_database(struct sqlite *sqlite, struct err *err)
{
	int error = sqlite_lock_take(sqlite->path, &sqlite->lock_fd, err);

	if (error == 0)
		error = create_file(sqlite->path, err);
	if (error == 0)
		error = sqlite_lock_file(sqlite->path, &sqlite->file_fd, err);
	if (error)
		return error;
	error = connect_database(sqlite, err);
	if (error == 0)
		error = try_loading(sqlite, err);
	return error == -EBADMSG ? replace_damaged(sqlite, err) : error;
}

int store_sqlite_open(const char *path, struct store **ret_store, struct err *err)
{
	struct sqlite *sqlite;
	struct store *store;
	int error = check_directory(path, err);

	if (error)
		return error;
	sqlite = xcalloc(1, sizeof(*sqlite));
	sqlite->lock_fd = sqlite->file_fd = -1;
	/* The real path: two links to one store need the same lock file. */
	sqlite->path = realpath(path, NULL);
	if (!sqlite->path)
		sqlite->path = xstrdup(path);
	sqlite->retain_at_us = clock_mono_us(clock_system()) + LIMIT_RETAIN_EVERY_US;
	error = open_database(sqlite, err);
	if (error) {
		sqlite_close(sqlite);
		return error;
	}
	store = store_new(&sqlite_ops, sqlite);
	error = store_start(store, err);
	if (error) {
		store_abandon(store);
		return error;
	}
	*ret_store = store;
	return 0;
}
