/* See the header. */
#include "old_store.h"

#include <check.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/xalloc.h"

void old_store_run(const char *path, const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
		      sqlite3_errmsg(db));
	sqlite3_close(db);
}

void old_store_make(const char *path, int version)
{
	const char *top = getenv("top_srcdir");
	CLEANUP_FREE char *schema =
		xasprintf("%s/tests/lib/schema_%d.sql", top ? top : "..", version);
	FILE *file = fopen(schema, "r");
	char text[8192];

	ck_assert_msg(file != NULL, "%s: %s", schema, strerror(errno));
	size_t n = fread(text, 1, sizeof(text) - 1, file);
	ck_assert_int_ne(feof(file), 0);
	fclose(file);
	text[n] = '\0';
	old_store_run(path, text);
}
