/*
 * Inside the SQLite store: what its files share. sqlite.c is the backend and uses all others;
 * history.c reads beside it. One thread at a time uses a connection.
 */
#ifndef SQLITE_INTERNAL_H
#define SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "store-internal.h"

/* A number of limits.h as text in a statement. */
#define SQL_DIGITS(number)  SQL_DIGITS_(number)
#define SQL_DIGITS_(number) #number

/* The end of an incident's id, which tells when the incident was opened, and by which rows of
 * incidents are ordered; and the conditions that find an incident, and its rows in a table. */
#define SQL_ID_END(id)		   "substr(" id ", -10)"
#define SQL_INCIDENT(table, given) table ".id_end = " SQL_ID_END(given) " AND " table ".id = " given
#define SQL_ROWS_OF(given)	   "id_end = " SQL_ID_END(given) " AND incident = " given

/* sqlite_error.c: puts an SQLite result into err as "cannot DOING PATH: why; cure". Returns -errno.
 * It looks at errno too, so set that to 0 before the call that may fail. */
int sqlite_error(struct err *err, sqlite3 *db, int rc, const char *doing, const char *path);
/* Is the cause the written data, not the disk? */
bool sqlite_error_is_data(int rc);

/* sqlite_lock.c: takes the lock beside the file at path, until *ret_fd is closed. 0 or -errno with
 * err; -EBUSY: another daemon has it, whose pid err tells. */
int sqlite_lock_take(const char *path, int *ret_fd, struct err *err);
/* Takes the lock on the file itself, which a removed lock file does not undo. The descriptor must
 * stay open until every connection is closed: closing it drops SQLite's own locks. */
int sqlite_lock_file(const char *path, int *ret_fd, struct err *err);

/* sqlite_schema.c: checks that the file is ours or new, without changing it; and migrates it to the
 * newest version. 0 or -errno with err. */
int sqlite_schema_check(sqlite3 *db, const char *path, struct err *err);
int sqlite_schema_migrate(sqlite3 *db, const char *path, struct err *err);
int sqlite_schema_newest(void);

/* sqlite_load.c: as store_load(); no other call uses db meanwhile. */
int sqlite_load(sqlite3 *db, const char *path, int64_t wall_us, const struct store_loader *loader,
		void *ctx, struct err *err);

/* sqlite_retain.c: removes some of the rows that are past their time. *ret_more: there may be more.
 * 0 or -errno with err. */
int sqlite_retain(sqlite3 *db, const char *path, int64_t wall_us, bool *ret_more, struct err *err);

/* Gives some free pages back to the file system, where many are free. *ret_more is set where there
 * may be more. */
void sqlite_give_back(sqlite3 *db, bool *ret_more);

/* sqlite_checkpoint.c: starts a thread that moves the write-ahead log into the database. Takes db,
 * also when it fails; no other thread may use db. 0 or -errno with err. */
struct checkpoint;
int sqlite_checkpoint_start(sqlite3 *db, const char *path, struct checkpoint **ret_checkpoint,
			    struct err *err);
void sqlite_checkpoint_stop(struct checkpoint *checkpoint); /* takes NULL */
/* From the committing thread: the write-ahead log has `pages` pages now. */
void sqlite_checkpoint_note(struct checkpoint *checkpoint, int pages);
/* From the committing thread, between transactions. Where the write-ahead log grows faster than the
 * checkpoint thread empties it, empties the small rest now, so that the next commit starts the log
 * over. Nearly always it does nothing. */
void sqlite_checkpoint_catch_up(struct checkpoint *checkpoint, sqlite3 *db);

/* sqlite_salvage.c: Is the file a store of ours and of the newest version, as far as its first
 * bytes can tell? is_newest: of the version it is known already. */
bool sqlite_is_damaged_store(const char *path, bool is_newest);
/* Moves the file with its -wal and -shm to a name that tells when. No connection may be open.
 * Caller frees *ret_aside. 0 or -errno with err. */
int sqlite_set_aside(const char *path, int64_t wall_us, char **ret_aside, struct err *err);
/* Undoes sqlite_set_aside(): a file that was made at path meanwhile is removed. No connection may
 * be open. */
void sqlite_set_back(const char *aside, const char *path);
struct salvage {
	size_t alerts, incidents, pages, others; /* rows that were read */
	size_t damaged;				 /* places that could not be read */
};
/* Copies what a restart needs and can be read into the new store. 0 or -errno with err. */
int sqlite_salvage(const char *aside, sqlite3 *to, struct salvage *ret_salvage, struct err *err);

/* sqlite_vfs.c: the name of the VFS that every connection uses. NULL: SQLite's own. Any thread. */
const char *sqlite_vfs(void);

/* sqlite_connect.c: opens an existing file as every part needs it. 0 or -errno with err, and
 * *ret_db is NULL. Caller closes. */
int sqlite_connect(const char *path, bool read_only, sqlite3 **ret_db, struct err *err);
/* Runs statements without results. SQLITE_OK or an SQLite code. */
int sqlite_run(sqlite3 *db, const char *sql);
/* The first column of the first row; 0: there is no row. SQLITE_OK or an SQLite code. */
int sqlite_number(sqlite3 *db, const char *sql, int64_t *ret_number);

#endif
