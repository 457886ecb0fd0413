/*
 * The locks that keep a second daemon off the store: flock() on PATH.lock and on the database
 * itself, which the kernel drops when the process ends, however it ends. The lock file is taken
 * before the database exists, and tells who has it; it stays: removing it would race with the next
 * daemon, which may have opened it already. The lock on the database holds where somebody removes
 * the lock file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sqlite-internal.h"
#include "tracepager/xalloc.h"

/* Of <linux/magic.h>. There flock() is a lock of all bytes, and would shut out SQLite's own. */
#define NFS_MAGIC 0x6969

/* The pid in the lock file; 0: none. */
static long lock_holder(int fd)
{
	char text[24];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	if (len <= 0)
		return 0;
	text[len] = '\0';
	return strtol(text, NULL, 10);
}

static int lock_refuse(const char *path, int fd, struct err *err)
{
	long pid = lock_holder(fd);

	if (pid <= 0)
		return err_set(err, EBUSY,
			       "%s is in use by another tracepager; stop the other one, or set "
			       "another path (store: path)",
			       path);
	return err_set(err, EBUSY,
		       "%s is in use by another tracepager (pid %ld); stop the other one, or set "
		       "another path (store: path)",
		       path, pid);
}

int sqlite_lock_take(const char *path, int *ret_fd, struct err *err)
{
	CLEANUP_FREE char *lock_path = xasprintf("%s.lock", path);
	CLEANUP_CLOSE int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(err, errno,
			       "cannot open %s: %s; tracepager's user must be able to write there",
			       lock_path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return lock_refuse(path, fd, err);
		return err_set(err, errno,
			       "cannot lock %s: %s; put the store on a local file system",
			       lock_path, strerror(errno));
	}
	/* The pid is only for the text of a refusal: a full disk must not prevent the start. */
	if (ftruncate(fd, 0) == 0)
		dprintf(fd, "%ld\n", (long)getpid());
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int sqlite_lock_file(const char *path, int *ret_fd, struct err *err)
{
	struct statfs system;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, errno,
			       "cannot open the store %s: %s; tracepager's user must be able to "
			       "write there",
			       path, strerror(errno));
	if ((fstatfs(fd, &system) == 0 && system.f_type == NFS_MAGIC) ||
	    flock(fd, LOCK_EX | LOCK_NB) == 0) {
		*ret_fd = fd;
		return 0;
	}
	int error = errno;
	close(fd);
	if (error == EWOULDBLOCK)
		return err_set(
			err, EBUSY,
			"%s is in use by another tracepager, whose lock file was removed; stop "
			"the other one, or set another path (store: path)",
			path);
	return err_set(err, error, "cannot lock %s: %s; put the store on a local file system", path,
		       strerror(error));
}
