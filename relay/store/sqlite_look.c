/* Store look: see store_look.h. */
#include "tracepager/store_look.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite-internal.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Instructions of SQLite's machine between two looks at the clock: some 0.1 ms. */
#define LOOK_STEPS 10000

static int64_t look_file_bytes(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 ? 0 : status.st_size;
}

static int look_at_schema(const char *path, struct store_look *look, struct err *err)
{
	sqlite3 *db;
	int64_t version = 0;
	int error = sqlite_connect(path, true, &db, err);

	if (error)
		return error;
	error = sqlite_schema_check(db, path, err);
	if (sqlite_number(db, "PRAGMA user_version", &version) == SQLITE_OK)
		look->schema = (int)version;
	sqlite3_close(db);
	return error;
}

int store_look(const char *path, struct store_look *ret_look, struct err *err)
{
	CLEANUP_FREE char *wal = xasprintf("%s-wal", path);

	*ret_look = (struct store_look){ .newest = sqlite_schema_newest() };
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	ret_look->exists = true;
	ret_look->bytes = look_file_bytes(path);
	ret_look->wal_bytes = look_file_bytes(wal);
	int error = look_at_schema(path, ret_look, err);
	ret_look->replaced = error == -EBADMSG && sqlite_is_damaged_store(path, false);
	return error;
}

/* ---- the structure ---- */

static int look_is_over(void *ctx)
{
	const int64_t *until_us = ctx;

	return clock_mono_us(clock_system()) > *until_us;
}

/* SQLITE_OK, SQLITE_INTERRUPT where the time is over, or another code of SQLite. */
static int look_quick_check(sqlite3 *db, void (*tell)(void *ctx, const char *problem), void *ctx)
{
	sqlite3_stmt *row = NULL;
	int rc = sqlite3_prepare_v2(
		db, "PRAGMA quick_check(" SQL_DIGITS(LIMIT_DOCTOR_STORE_PROBLEMS) ")", -1, &row,
		NULL);

	while (rc == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(row, 0);
		if (text && strcmp(text, "ok") != 0)
			tell(ctx, text);
	}
	return row ? sqlite3_finalize(row) : rc;
}

int store_look_inside(const char *path, int64_t limit_us,
		      void (*tell)(void *ctx, const char *problem), void *ctx, struct err *err)
{
	int64_t until_us = clock_mono_us(clock_system()) + limit_us;
	sqlite3 *db;
	int error = sqlite_connect(path, true, &db, err);

	if (error)
		return error;
	sqlite3_progress_handler(db, LOOK_STEPS, look_is_over, &until_us);
	int rc = look_quick_check(db, tell, ctx);
	if (rc == SQLITE_INTERRUPT)
		error = err_set(err, ETIME, "the look at %s was not over in time", path);
	else if (rc != SQLITE_OK)
		error = sqlite_error(err, db, rc, "read", path);
	sqlite3_close(db);
	return error;
}
