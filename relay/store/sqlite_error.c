/*
 * SQLite's results as errors of ours: an errno for the program; what failed, where and the cure for
 * a person.
 */
#include <errno.h>
#include <string.h>

#include "sqlite-internal.h"
#include "tracepager/xalloc.h"

static const struct {
	int code;
	const char *cure;
} cures[] = {
	{ ENOSPC, "free some space there; then writing continues by itself" },
	{ EIO, "look at the disk (dmesg); writing continues by itself when the disk works again" },
	{ EROFS, "make its file system writable; then writing continues by itself" },
	{ EACCES, "give tracepager's user the right to write the file and its directory" },
	{ EBUSY, "another program has locked it: end that program" },
	{ EBADMSG,
	  "restore a backup, or move the file away with its -wal and -shm files and start anew" },
	{ EINVAL, "this is a bug of tracepager: please report it" },
	{ E2BIG, "this is a bug of tracepager: please report it" },
};

/* below: the system's errno under the SQLite result. A quota and a file size limit count as a full
 * disk.
 */
static int system_code(int below, int otherwise)
{
	if (below == EDQUOT || below == EFBIG)
		return ENOSPC;
	if (below == ENOSPC || below == EROFS || below == EACCES || below == EMFILE ||
	    below == ENFILE)
		return below;
	return otherwise;
}

static int code_of(int rc, int below)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_IOERR:
		return rc == SQLITE_IOERR_NOMEM ? ENOMEM : system_code(below, EIO);
	case SQLITE_CANTOPEN:
		return system_code(below, EIO);
	case SQLITE_READONLY:
		return system_code(below, EROFS);
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return EACCES;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return EBUSY;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_TOOBIG:
		return E2BIG;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
	case SQLITE_MISUSE:
		return EINVAL;
	default:
		/* NOTADB, CORRUPT, and SQLITE_ERROR: "no such table" shows a damaged schema. */
		return EBADMSG;
	}
}

bool sqlite_error_is_data(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_TOOBIG:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return true;
	default:
		return false;
	}
}

int sqlite_error(struct err *err, sqlite3 *db, int rc, const char *doing, const char *path)
{
	/* SQLite keeps the errno of a failed statement, but not of a failed COMMIT, after which
	 * errno is still set. */
	int below = errno ? errno : db ? sqlite3_system_errno(db) : 0;
	int code = code_of(rc, below);
	const char *why = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
	const char *cure = "see the message above";

	for (size_t i = 0; i < ARRAY_LEN(cures); i++)
		if (cures[i].code == code)
			cure = cures[i].cure;
	if ((rc & 0xff) == SQLITE_IOERR && below)
		why = strerror(below);
	return err_set(err, code, "cannot %s %s: %s; %s", doing, path, why, cure);
}
