/*
 * The file system layer (VFS) of the store's connections: SQLite's own layer, but the database and
 * its write-ahead log (WAL) are written in long pieces.
 *
 * SQLite writes each page of a commit to the WAL by itself, behind its header: two calls into the
 * kernel a page, each of which begins within a block of the file. A checkpoint writes the pages to
 * the database in the file's order, one call each. Here writes that follow one another in the file
 * gather in memory, and reach the kernel before SQLite relies on them: at a sync, at a read of the
 * same bytes, at the release of a lock, at a change of the file's size, and at closing.
 *
 * With synchronous=FULL SQLite syncs the WAL before it shows a commit to other connections, and
 * the database before it counts pages as moved there: no other connection misses bytes that wait
 * here. A failed write is reported by the call that causes it, at the latest by the sync, which
 * fails the commit or the checkpoint.
 *
 * SQLite's layer itself opens all other files. One thread at a time uses a connection's files.
 */
#include <stdlib.h>
#include <string.h>

#include "sqlite-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* An open database or WAL. SQLite allocates szOsFile bytes: SQLite's file is behind this struct. */
struct gather_file {
	sqlite3_file base;
	sqlite3_file *real;
	char *data; /* LIMIT_STORE_GATHERED_BYTES, from the first write on */
	size_t len;
	sqlite3_int64 at; /* where data belongs in the file */
};

static struct gather_file *gather_of(sqlite3_file *file)
{
	return (struct gather_file *)file;
}

static sqlite3_file *gather_real(sqlite3_file *file)
{
	return gather_of(file)->real;
}

static int gather_flush(sqlite3_file *file)
{
	struct gather_file *gather = gather_of(file);
	size_t len = gather->len;

	if (!len)
		return SQLITE_OK;
	/* What cannot be written is dropped: SQLite writes the same pages again. */
	gather->len = 0;
	return gather->real->pMethods->xWrite(gather->real, gather->data, (int)len, gather->at);
}

static int gather_close(sqlite3_file *file)
{
	int rc = gather_flush(file),
	    closed = gather_real(file)->pMethods->xClose(gather_real(file));

	free(gather_of(file)->data);
	gather_of(file)->data = NULL;
	return rc == SQLITE_OK ? closed : rc;
}

static int gather_read(sqlite3_file *file, void *out, int len, sqlite3_int64 at)
{
	const struct gather_file *gather = gather_of(file);
	int rc = SQLITE_OK;

	/* Behind the file's end too: a read there depends on the file's size. */
	if (gather->len && at + len > gather->at)
		rc = gather_flush(file);
	return rc == SQLITE_OK ? gather->real->pMethods->xRead(gather->real, out, len, at) : rc;
}

static int gather_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
	struct gather_file *gather = gather_of(file);
	int rc = SQLITE_OK;

	if (at != gather->at + (sqlite3_int64)gather->len ||
	    gather->len + (size_t)len > LIMIT_STORE_GATHERED_BYTES)
		rc = gather_flush(file);
	if (rc != SQLITE_OK)
		return rc;
	if ((size_t)len > LIMIT_STORE_GATHERED_BYTES)
		return gather->real->pMethods->xWrite(gather->real, data, len, at);
	if (!gather->data)
		gather->data = xrealloc_array(NULL, LIMIT_STORE_GATHERED_BYTES, 1);
	if (!gather->len)
		gather->at = at;
	memcpy(gather->data + gather->len, data, (size_t)len);
	gather->len += (size_t)len;
	return SQLITE_OK;
}

static int gather_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int rc = gather_flush(file);

	return rc == SQLITE_OK ? gather_real(file)->pMethods->xTruncate(gather_real(file), size)
			       : rc;
}

static int gather_sync(sqlite3_file *file, int flags)
{
	int rc = gather_flush(file);

	return rc == SQLITE_OK ? gather_real(file)->pMethods->xSync(gather_real(file), flags) : rc;
}

static int gather_file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
	int rc = gather_flush(file);

	return rc == SQLITE_OK ? gather_real(file)->pMethods->xFileSize(gather_real(file), ret_size)
			       : rc;
}

static int gather_lock(sqlite3_file *file, int level)
{
	return gather_real(file)->pMethods->xLock(gather_real(file), level);
}

static int gather_unlock(sqlite3_file *file, int level)
{
	int rc = gather_flush(file),
	    unlocked = gather_real(file)->pMethods->xUnlock(gather_real(file), level);

	return rc == SQLITE_OK ? unlocked : rc;
}

static int gather_check_lock(sqlite3_file *file, int *ret_locked)
{
	return gather_real(file)->pMethods->xCheckReservedLock(gather_real(file), ret_locked);
}

static int gather_control(sqlite3_file *file, int what, void *arg)
{
	int rc = gather_flush(file);

	return rc == SQLITE_OK
		       ? gather_real(file)->pMethods->xFileControl(gather_real(file), what, arg)
		       : rc;
}

static int gather_sector_size(sqlite3_file *file)
{
	return gather_real(file)->pMethods->xSectorSize(gather_real(file));
}

static int gather_characteristics(sqlite3_file *file)
{
	return gather_real(file)->pMethods->xDeviceCharacteristics(gather_real(file));
}

static int gather_shm_map(sqlite3_file *file, int page, int size, int extend,
			  void volatile **ret_memory)
{
	return gather_real(file)->pMethods->xShmMap(gather_real(file), page, size, extend,
						    ret_memory);
}

static int gather_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	int rc = gather_flush(file);
	int locked = gather_real(file)->pMethods->xShmLock(gather_real(file), offset, n, flags);

	return rc == SQLITE_OK ? locked : rc;
}

static void gather_shm_barrier(sqlite3_file *file)
{
	gather_real(file)->pMethods->xShmBarrier(gather_real(file));
}

static int gather_shm_unmap(sqlite3_file *file, int remove)
{
	return gather_real(file)->pMethods->xShmUnmap(gather_real(file), remove);
}

/* Version 2: no reads through a mapping of the file, which would pass by what waits here. */
static const sqlite3_io_methods gather_methods = {
	.iVersion = 2,
	.xClose = gather_close,
	.xRead = gather_read,
	.xWrite = gather_write,
	.xTruncate = gather_truncate,
	.xSync = gather_sync,
	.xFileSize = gather_file_size,
	.xLock = gather_lock,
	.xUnlock = gather_unlock,
	.xCheckReservedLock = gather_check_lock,
	.xFileControl = gather_control,
	.xSectorSize = gather_sector_size,
	.xDeviceCharacteristics = gather_characteristics,
	.xShmMap = gather_shm_map,
	.xShmLock = gather_shm_lock,
	.xShmBarrier = gather_shm_barrier,
	.xShmUnmap = gather_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
		    int *ret_flags)
{
	sqlite3_vfs *real = vfs->pAppData;
	struct gather_file *gather = gather_of(file);
	int rc;

	if (!(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
		return real->xOpen(real, name, file, flags, ret_flags);
	*gather = (struct gather_file){ .real = (sqlite3_file *)(gather + 1) };
	memset(gather->real, 0, (size_t)real->szOsFile);
	rc = real->xOpen(real, name, gather->real, flags, ret_flags);
	if (rc == SQLITE_OK)
		gather->base.pMethods = &gather_methods;
	return rc;
}

static sqlite3_vfs own_vfs;

static void vfs_make(void)
{
	sqlite3_vfs *real;

	/* Before any other call of SQLite. Counting its memory takes a lock at each allocation. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	real = sqlite3_vfs_find(NULL);
	if (!real)
		return;
	own_vfs = *real;
	own_vfs.pNext = NULL;
	own_vfs.zName = "tracepager";
	own_vfs.szOsFile = (int)sizeof(struct gather_file) + real->szOsFile;
	own_vfs.pAppData = real;
	own_vfs.xOpen = vfs_open;
	if (sqlite3_vfs_register(&own_vfs, 0) != SQLITE_OK)
		own_vfs.zName = NULL;
}

const char *sqlite_vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, vfs_make);
	return own_vfs.zName;
}
