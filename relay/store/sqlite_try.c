/*
 * Tries the SQLite store beside the daemon that has it: may it be written, is it ours, and can all
 * be read that a start loads? Changes nothing and takes no lock that keeps a writer off.
 *
 * A migration is not tried: it would hold up the daemon's commits. A damaged store is no reason to
 * refuse: store_sqlite_open() replaces it.
 */
#include <errno.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

#include "sqlite-internal.h"
#include "tracepager/clock.h"
#include "tracepager/xalloc.h"

static int try_access(const char *path, struct err *err)
{
	CLEANUP_FREE char *copy = xstrdup(path);
	const char *directory = dirname(copy);
	const char *missing = access(directory, W_OK | X_OK) < 0 ? directory
			      : access(path, R_OK | W_OK) < 0	 ? path
								 : NULL;

	if (!missing || errno == ENOENT)
		return 0;
	return err_set(err, errno,
		       "cannot open the store %s: %s: %s; tracepager's user must be able to write "
		       "there",
		       path, missing, strerror(errno));
}

static int try_reading(sqlite3 *db, const char *path, struct err *err)
{
	static const struct store_loader nobody;
	int64_t version = 0;
	int error = sqlite_schema_check(db, path, err);

	if (error)
		return error;
	if (sqlite_number(db, "PRAGMA user_version", &version) != SQLITE_OK ||
	    version != sqlite_schema_newest())
		return 0; /* what a migration makes of it is not there yet */
	return sqlite_load(db, path, clock_wall_us(clock_system()), &nobody, NULL, err);
}

int store_sqlite_try(const char *path, struct err *err)
{
	sqlite3 *db;
	int error = try_access(path, err);

	if (error)
		return error;
	if (access(path, F_OK) < 0)
		return 0; /* removed: the start makes a new one */
	error = sqlite_connect(path, true, &db, err);
	if (error == 0)
		error = try_reading(db, path, err);
	sqlite3_close(db);
	return error == -EBADMSG ? 0 : error;
}
