/* Backup: see backup.h. */
#include "tracepager/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "sqlite-internal.h"
#include "tracepager/xalloc.h"

/* Opens a file that must be a store of ours, to be read. */
static int backup_open(const char *path, sqlite3 **ret_db, struct err *err)
{
	if (access(path, R_OK) < 0)
		return err_set(err, errno, "cannot read the store %s: %s", path, strerror(errno));
	int error = sqlite_connect(path, true, ret_db, err);
	if (error == 0)
		error = sqlite_schema_check(*ret_db, path, err);
	if (error) {
		sqlite3_close(*ret_db);
		*ret_db = NULL;
	}
	return error;
}

/* ---- a copy ---- */

/* SQLite does not flush what VACUUM INTO writes. */
static int backup_flush(const char *path, struct err *err)
{
	CLEANUP_FREE char *copy = xstrdup(path);
	CLEANUP_CLOSE int file = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP_CLOSE int directory = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (file < 0 || directory < 0 || fsync(file) < 0 || fsync(directory) < 0)
		return err_set(err, errno, "cannot flush %s: %s", path, strerror(errno));
	return 0;
}

/* VACUUM INTO reads everything in one transaction, so that the copy is of one moment. */
static int backup_copy(sqlite3 *db, const char *path, const char *to, struct err *err)
{
	sqlite3_stmt *copy = NULL;
	int rc = sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &copy, NULL);

	errno = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(copy, 1, to, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		sqlite3_step(copy);
	rc = rc == SQLITE_OK ? sqlite3_finalize(copy) : rc;
	if (rc == SQLITE_OK)
		return 0;
	/* Whose fault it is SQLite does not tell: it read one file and wrote another. */
	CLEANUP_FREE char *doing = xasprintf("copy %s to", path);
	return sqlite_error(err, db, rc, doing, to);
}

int backup_write(const char *path, const char *to, struct err *err)
{
	sqlite3 *db;
	int error = backup_open(path, &db, err);

	if (error)
		return error;
	/* SQLite would make the file readable by all; it takes an empty one. */
	int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		error = err_set(err, errno, "cannot create %s: %s", to, strerror(errno));
		sqlite3_close(db);
		return error;
	}
	close(fd);
	error = backup_copy(db, path, to, err);
	sqlite3_close(db);
	if (error == 0)
		error = backup_flush(to, err);
	if (error)
		unlink(to);
	return error;
}

/* ---- a check ---- */

struct checking {
	sqlite3 *db;
	void (*tell)(void *ctx, const char *problem);
	void *ctx;
	int64_t records;
};

static void check_tell(const struct checking *checking, const char *what, const char *why)
{
	CLEANUP_FREE char *problem = xasprintf("%s: %s", what, why);

	checking->tell(checking->ctx, problem);
}

/* Pages, indexes, types and CHECK constraints, as SQLite sees them: at most 100 sentences. */
static void check_structure(const struct checking *checking)
{
	sqlite3_stmt *row = NULL;
	int rc = sqlite3_prepare_v2(checking->db, "PRAGMA integrity_check", -1, &row, NULL);

	while (rc == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(row, 0);
		if (text && strcmp(text, "ok") != 0)
			check_tell(checking, "structure", text);
	}
	rc = row ? sqlite3_finalize(row) : rc;
	if (rc != SQLITE_OK)
		check_tell(checking, "structure", sqlite3_errmsg(checking->db));
}

static void check_table(struct checking *checking, const char *name)
{
	CLEANUP_FREE char *sql = xasprintf("SELECT * FROM \"%s\" NOT INDEXED", name);
	sqlite3_stmt *row = NULL;
	int rc = sqlite3_prepare_v2(checking->db, sql, -1, &row, NULL);

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(row);
		if (rc != SQLITE_ROW)
			break;
		/* Long values stand on pages of their own: look at each. */
		for (int i = 0; i < sqlite3_column_count(row); i++)
			sqlite3_column_blob(row, i);
		checking->records++;
	}
	if (rc != SQLITE_DONE)
		check_tell(checking, name, sqlite3_errmsg(checking->db));
	sqlite3_finalize(row);
}

static void check_tables(struct checking *checking)
{
	sqlite3_stmt *row = NULL;
	int rc = sqlite3_prepare_v2(checking->db,
				    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name "
				    "NOT LIKE 'sqlite_%' ORDER BY name",
				    -1, &row, NULL);

	while (rc == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(row, 0);
		if (name)
			check_table(checking, name);
	}
	rc = row ? sqlite3_finalize(row) : rc;
	if (rc != SQLITE_OK)
		check_tell(checking, "tables", sqlite3_errmsg(checking->db));
}

/* What a start would read must be readable as a start reads it. */
static void check_load(const struct checking *checking, const char *path)
{
	static const struct store_loader nobody;
	struct err err;

	if (sqlite_load(checking->db, path, 0, &nobody, NULL, &err) < 0)
		check_tell(checking, "a start", err.text);
}

int backup_check(const char *path, void (*tell)(void *ctx, const char *problem), void *ctx,
		 int64_t *ret_records, struct err *err)
{
	struct checking checking = { .tell = tell, .ctx = ctx };
	int error = backup_open(path, &checking.db, err);

	if (error)
		return error;
	check_structure(&checking);
	check_tables(&checking);
	check_load(&checking, path);
	sqlite3_close(checking.db);
	*ret_records = checking.records;
	return 0;
}
