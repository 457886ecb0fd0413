/*
 * A store as the version before incidents had states wrote it (schema 2), for the tests of the
 * step to today's. Statements that fail fail the test. For libcheck.
 */
#ifndef TESTS_OLD_STORE_H
#define TESTS_OLD_STORE_H

/* Makes the file at path: tests/lib/schema_2.sql, whose folder the environment's top_srcdir tells.
 */
void old_store_make(const char *path);
/* Runs statements on any database. */
void old_store_run(const char *path, const char *sql);

#endif
