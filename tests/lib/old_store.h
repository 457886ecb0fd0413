/*
 * Stores as earlier versions wrote them, for the tests of the steps to today's: schema 2, before
 * incidents had states, and schemas 4 to 6. Statements that fail fail the test. For libcheck.
 */
#ifndef TESTS_OLD_STORE_H
#define TESTS_OLD_STORE_H

/* Makes the file at path by tests/lib/schema_2.sql, or that of another version, whose folder the
 * environment's top_srcdir tells. */
void old_store_make(const char *path, int version);
/* Runs statements on any database. */
void old_store_run(const char *path, const char *sql);

#endif
