/*
 * Connections to the SQLite store, and the statements without parameters that its parts run. It
 * opens an existing file only, lets nothing in the file's schema run, and owns no connection: the
 * caller closes each.
 */
#include <errno.h>
#include <sys/stat.h>

#include "sqlite-internal.h"
#include "tracepager/limits.h"

int sqlite_run(sqlite3 *db, const char *sql)
{
	errno = 0;
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int sqlite_number(sqlite3 *db, const char *sql, int64_t *ret_number)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		*ret_number = sqlite3_column_int64(stmt, 0);
	else
		*ret_number = 0;
	return sqlite3_finalize(stmt);
}

int sqlite_connect(const char *path, bool read_only, sqlite3 **ret_db, struct err *err)
{
	int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	struct stat status;
	sqlite3 *db = NULL;
	int error, rc;

	*ret_db = NULL;
	/* Of a FIFO the open would wait for a writer for ever. */
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
		return err_set(
			err, EINVAL,
			"%s is %s, and no store of tracepager; name the file of the daemon's "
			"store (store: path)",
			path, S_ISDIR(status.st_mode) ? "a directory" : "no regular file");
	errno = 0;
	rc = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, sqlite_vfs());
	if (rc == SQLITE_OK) {
		sqlite3_extended_result_codes(db, 1);
		sqlite3_busy_timeout(db, LIMIT_STORE_BUSY_MS);
		sqlite3_limit(db, SQLITE_LIMIT_LENGTH, LIMIT_STORE_VALUE_BYTES);
		/* A file may be damaged or prepared: nothing in its schema runs. */
		sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
		sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
		rc = sqlite_run(db, "PRAGMA synchronous = FULL;"
				    "PRAGMA wal_autocheckpoint = 0;"
				    "PRAGMA temp_store = MEMORY;"
				    "PRAGMA mmap_size = 0;"
				    "PRAGMA cell_size_check = ON;"
				    "PRAGMA cache_size = -4096;");
	}
	if (rc != SQLITE_OK) {
		error = sqlite_error(err, db, rc, "open", path);
		sqlite3_close(db);
		return error;
	}
	*ret_db = db;
	return 0;
}
