/*
 * Inside the SQLite store: the pieces that share its connections. Each connection is used by one
 * thread at a time.
 */
#ifndef SQLITE_INTERNAL_H
#define SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "store-internal.h"

/* A number of limits.h as text in a statement. */
#define SQL_DIGITS(number)  SQL_DIGITS_(number)
#define SQL_DIGITS_(number) #number

/* sqlite_error.c: a result of SQLite's as err: "cannot DOING PATH: why; cure". Returns -errno.
 * errno tells more, so set it to 0 before what may fail. */
int sqlite_error(struct err *err, sqlite3 *db, int rc, const char *doing, const char *path);
/* Whether the failure is of what was written and not of the disk. */
bool sqlite_error_is_data(int rc);

/* sqlite_lock.c: the lock beside the file at path, for life. -EBUSY: another daemon's, named in
 * err. */
int sqlite_lock_take(const char *path, int *ret_fd, struct err *err);

/* sqlite_schema.c: proves that the file is ours (or new) before anything is changed, and brings it
 * to the newest version. */
int sqlite_schema_check(sqlite3 *db, const char *path, struct err *err);
int sqlite_schema_migrate(sqlite3 *db, const char *path, struct err *err);
int sqlite_schema_newest(void);

/* sqlite_load.c: db is a connection of its own. */
int sqlite_load(sqlite3 *db, const char *path, int64_t wall_us, const struct store_loader *loader,
		void *ctx, struct err *err);

/* sqlite_retain.c: removes a few hundred rows that are past their time. *ret_more: there may be
 * more. */
int sqlite_retain(sqlite3 *db, const char *path, int64_t wall_us, bool *ret_more, struct err *err);

/* sqlite_checkpoint.c: moves the WAL into the database on a thread of its own. Takes db, a
 * connection of its own, also when it fails. */
struct checkpoint;
int sqlite_checkpoint_start(sqlite3 *db, const char *path, struct checkpoint **ret_checkpoint,
			    struct err *err);
void sqlite_checkpoint_stop(struct checkpoint *checkpoint); /* takes NULL */
/* From the committing thread: the WAL has so many pages now. */
void sqlite_checkpoint_note(struct checkpoint *checkpoint, int pages);
/* From the committing thread, between transactions: the WAL grows faster than it can be emptied
 * beside the writer; empties the small rest here and now, so that the next commit starts it over.
 * Nearly always it does nothing. */
void sqlite_checkpoint_catch_up(struct checkpoint *checkpoint, sqlite3 *db);

/* sqlite_connect.c: a connection as every part here wants it. On failure *ret_db is NULL. */
int sqlite_connect(const char *path, bool read_only, sqlite3 **ret_db, struct err *err);
/* Statements without results; 0 or an SQLite code. */
int sqlite_run(sqlite3 *db, const char *sql);
/* The first column of the first row. */
int sqlite_number(sqlite3 *db, const char *sql, int64_t *ret_number);

#endif
