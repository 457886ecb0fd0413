/*
 * The steps of the schema of the SQLite store: what an earlier version wrote is loaded, changed and
 * removed as before. The steps from versions 1 and 2 stand in test_sqlite.c.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../../relay/store/sqlite-internal.h"
#include "../../lib/old_store.h"
#include "../../lib/store_kit.h"
#include "tracepager/xalloc.h"

#define OPEN_ID	  "aaaaaaaaaaaaaaaaaaaaaa0000000001"
#define CLOSED_ID "bbbbbbbbbbbbbbbbbbbbbb0000000002"

static int64_t schema_number(const char *text)
{
	sqlite3 *db;
	int64_t number = -1;

	ck_assert_int_eq(sqlite3_open(kit.path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite_number(db, text, &number), SQLITE_OK);
	sqlite3_close(db);
	return number;
}

/* Incidents with a long id, and with one that is shorter than the end by which rows are ordered. */
static void make_version_4(void)
{
	old_store_make(kit.path, 4);
	old_store_run(kit.path,
		      "INSERT INTO incidents VALUES"
		      " (1, '" OPEN_ID "', 'k1', 'ledger', 1, 10, 0, '{}'),"
		      " (2, '" CLOSED_ID "', 'k2', 'ledger', 0, 11, 12, '{}'),"
		      " (3, 'short', 'k3', 'ledger', 1, 13, 0, '{}');"
		      "INSERT INTO incident_states VALUES"
		      " ('" OPEN_ID
		      "', 1, 2, 3, 4, 5, 6, 7, 1, 'm', 'nights', 8, 9, 14, 'ann', 'x'),"
		      " ('short', 0, 0, -1, 0, 0, 0, 0, 0, '', '', 0, 0, 0, '', '');"
		      "INSERT INTO recipients VALUES"
		      " ('" OPEN_ID "', 'hook', 0, 0, 1, 1, 1, '{\"n\":1}'),"
		      " ('short', 'hook', 2, 1, 2, 0, 0, '{}');"
		      "INSERT INTO pages VALUES"
		      " (4, 0, 0, 2, 104, 9, '" OPEN_ID "', 'hook', '503', '{}', '{}', 3, 1);"
		      "INSERT INTO events VALUES (1, 10, '" OPEN_ID "', 'opened', '', '')");
}

START_TEST(version_4_is_brought_forward)
{
	static const char *const rows[] = {
		"incident " OPEN_ID " k1 ledger open 1 at 10 0 {} state 1 before 2 severity 3 "
		"due 4 of 5 hold 6 told 7 owes 1 moved m",
		"incident short k3 ledger open 1 at 13 0 {} state 0 before 0 severity -1 due 0 of "
		"0 hold 0 told 0 owes 0 moved ",
		"recipient " OPEN_ID " hook {\"n\":1} role 0 state 1",
		"recipient short hook {} role 1 state 2",
		"page 4 " OPEN_ID " hook {} {} event 0 severity 3 state 0 attempts 2 at 104 9 503",
	};

	make_version_4();
	kit_open_sqlite();
	kit_load();
	ck_assert_uint_eq(kit.nrows, ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_str_eq(kit.rows[i], rows[i]);
	ck_assert_int_eq(schema_number("PRAGMA user_version"), sqlite_schema_newest());
	ck_assert_int_eq(schema_number("SELECT count(*) FROM incident_states WHERE escalation = "
				       "'nights' AND run = 8 AND step = 9 AND left_us = 14"
				       " AND acked_by = 'ann' AND refused = 'x'"),
			 1);
	ck_assert_int_eq(schema_number("SELECT count(*) FROM recipients WHERE unresolved = 1 AND "
				       "tried = 1 AND n = 0"),
			 1);
	ck_assert_int_eq(schema_number("SELECT count(*) FROM incidents WHERE open = 0"), 1);
	ck_assert_int_eq(schema_number("SELECT count(*) FROM events"), 1);
}
END_TEST

/* The rows that a step moved are the ones that writes find, not further ones beside them. */
START_TEST(what_version_4_wrote_is_changed_in_place)
{
	struct store_batch *batch = store_batch_new();

	make_version_4();
	kit_open_sqlite();
	kit_put_incident(batch, OPEN_ID, true, 10, 0);
	kit_put_recipient(batch, OPEN_ID, "hook", 2);
	kit_put_incident(batch, "short", false, 13, 20);
	kit_commit(batch);
	ck_assert_int_eq(schema_number("SELECT count(*) FROM incidents"), 3);
	ck_assert_int_eq(schema_number("SELECT n FROM incidents WHERE id = '" OPEN_ID "'"), 1);
	ck_assert_int_eq(schema_number("SELECT state FROM recipients"), 2);
	ck_assert_int_eq(schema_number("SELECT count(*) FROM recipients"), 1);
	ck_assert_int_eq(schema_number("SELECT count(*) FROM incident_states"), 1);
	ck_assert_int_eq(schema_number("SELECT closed_us FROM incidents WHERE id = 'short'"), 20);
}
END_TEST

/* The decision of version 5 stands in the page: it stays there until the row is written. */
START_TEST(version_5_is_brought_forward)
{
	static const char packed[] = "(\xb5/\xfd packed\0 decision";
	struct stored_incident incident = kit_incident(OPEN_ID, true, 10, 0);
	struct store_batch *batch = store_batch_new();

	old_store_make(kit.path, 5);
	old_store_run(kit.path,
		      "INSERT INTO incidents VALUES"
		      " (1, '0000000001', '" OPEN_ID "', 'k1', 'ledger', 1, 10, 0,"
		      " '{\"decision\":\"{}\"}'),"
		      " (2, '0000000002', '" CLOSED_ID "', 'k2', 'ledger', 0, 11, 12, '{}')");
	kit_open_sqlite();
	kit_load();
	ck_assert_uint_eq(kit.nrows, 1);
	ck_assert_ptr_nonnull(strstr(kit.rows[0], " {\"decision\":\"{}\"} state 0 "));
	ck_assert_ptr_null(strstr(kit.rows[0], " decision of "));
	ck_assert_int_eq(schema_number("PRAGMA user_version"), sqlite_schema_newest());
	ck_assert_int_eq(schema_number("SELECT count(*) FROM incidents WHERE decision = x''"), 2);
	incident.decision = packed;
	incident.decision_len = sizeof(packed) - 1;
	store_put_incident(batch, &incident);
	kit_commit(batch);
	kit_load();
	ck_assert_ptr_nonnull(strstr(kit.rows[kit.nrows - 1], " decision of 21 bytes"));
	ck_assert_int_eq(schema_number("SELECT count(*) FROM incidents WHERE n = 1 AND page = '{}'"
				       " AND length(decision) = 21"),
			 1);
	/* An incident that is over keeps no decision: the table of decisions has it. */
	incident.open = false;
	batch = store_batch_new();
	store_put_incident(batch, &incident);
	kit_commit(batch);
	ck_assert_int_eq(schema_number("SELECT count(*) FROM incidents WHERE decision = x''"), 2);
}
END_TEST

/* Recipients of version 6 remember nothing; what they learn is in the file. */
START_TEST(version_6_is_brought_forward)
{
	struct store_batch *batch = store_batch_new();

	old_store_make(kit.path, 6);
	old_store_run(kit.path, "INSERT INTO incidents VALUES"
				" (1, '0000000001', '" OPEN_ID "', 'k1', 'ledger', 1, 10, 0, '{}',"
				" x'');"
				"INSERT INTO recipients VALUES"
				" ('0000000001', '" OPEN_ID "', 'chat', 1, 0, 1, 0, 0, '{}'),"
				" ('0000000001', '" OPEN_ID "', 'hook', 1, 0, 1, 0, 0, '{}')");
	kit_open_sqlite();
	kit_load();
	ck_assert_uint_eq(kit.nrows, 3);
	ck_assert_str_eq(kit.rows[1], "recipient " OPEN_ID " chat {} role 0 state 1");
	ck_assert_int_eq(schema_number("PRAGMA user_version"), 7);
	ck_assert_int_eq(schema_number("SELECT count(*) FROM recipients WHERE memory = ''"), 2);
	store_put_recipient(batch, &(struct stored_recipient){ .incident = OPEN_ID,
							       .pager = "chat",
							       .n = 1,
							       .target = "{}",
							       .state = 1,
							       .memory = "C1 17.2" });
	kit_commit(batch);
	ck_assert_int_eq(schema_number("SELECT count(*) FROM recipients WHERE memory = 'C1 17.2'"
				       " AND pager = 'chat'"),
			 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_schema");
	TCase *tcase = tcase_create("steps");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, kit_setup, kit_teardown);
	tcase_add_test(tcase, version_4_is_brought_forward);
	tcase_add_test(tcase, what_version_4_wrote_is_changed_in_place);
	tcase_add_test(tcase, version_5_is_brought_forward);
	tcase_add_test(tcase, version_6_is_brought_forward);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
