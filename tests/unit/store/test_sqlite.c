/*
 * What only the SQLite backend has: crashes, the lock, files of other programs, damage, a full
 * disk, retention.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../relay/store/sqlite-internal.h"
#include "../../lib/store_kit.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static void sql(const char *text)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(kit.path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK, "%s",
		      sqlite3_errmsg(db));
	sqlite3_close(db);
}

static int64_t sql_number(const char *text)
{
	sqlite3 *db;
	int64_t number = -1;

	ck_assert_int_eq(sqlite3_open(kit.path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite_number(db, text, &number), SQLITE_OK);
	sqlite3_close(db);
	return number;
}

static void refused(int error, const char *words)
{
	ck_assert_int_eq(store_sqlite_open(kit.path, &kit.store, &kit.err), error);
	ck_assert_ptr_null(kit.store);
	ck_assert_ptr_nonnull(strstr(kit.err.text, kit.path));
	ck_assert_msg(strstr(kit.err.text, words) != NULL, "\"%s\" is not in: %s", words,
		      kit.err.text);
}

START_TEST(the_file_is_private_and_the_wal_goes_at_close)
{
	CLEANUP_FREE char *wal = xasprintf("%s-wal", kit.path);
	struct stat st;

	kit_open_sqlite();
	ck_assert_int_eq(stat(kit.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(stat(wal, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	store_close(kit.store);
	kit.store = NULL;
	ck_assert_int_eq(stat(wal, &st), -1);
	ck_assert_int_eq(sql_number("PRAGMA user_version"), sqlite_schema_newest());
}
END_TEST

START_TEST(a_bad_batch_leaves_its_neighbours)
{
	struct store_batch *batch;
	struct stored_alert row = kit_alert("prometheus/bad", 1);

	kit_open_sqlite();
	batch = store_batch_new();
	kit_put_alert(batch, "prometheus/before", 1);
	kit_hand_over(batch, 1);
	batch = store_batch_new();
	kit_put_alert(batch, "prometheus/beside", 2);
	row.state = (enum stored_alert_state)7;
	store_put_alert(batch, &row);
	kit_hand_over(batch, 2);
	batch = store_batch_new();
	kit_put_alert(batch, "prometheus/behind", 3);
	kit_hand_over(batch, 3);
	kit_wait_done(3);
	ck_assert_int_eq(kit.done.errors[0], 0);
	ck_assert_int_eq(kit.done.errors[1], -EINVAL);
	ck_assert_int_eq(kit.done.errors[2], 0);
	ck_assert_ptr_nonnull(strstr(kit.done.text, kit.path));
	kit_load();
	ck_assert_uint_eq(kit.nrows, 2);
	ck_assert_ptr_nonnull(strstr(kit.rows[0], "prometheus/before "));
	ck_assert_ptr_nonnull(strstr(kit.rows[1], "prometheus/behind "));
}
END_TEST

#define CRASH_BATCHES  400
#define CRASH_REPORTED 150

static void report(void *ctx, int error, const char *text)
{
	const int *fd = ctx;
	const char one = 1;

	(void)text;
	if (error || write(*fd, &one, 1) != 1)
		_exit(1);
	if (++kit.done.n == CRASH_REPORTED)
		raise(SIGKILL);
}

/* Commits pairs of alerts and is killed while some commits are under way. */
static void child_commits_and_dies(int fd)
{
	char key[32];

	if (store_sqlite_open(kit.path, &kit.store, &kit.err) < 0)
		_exit(1);
	for (int i = 0; i < CRASH_BATCHES; i++) {
		struct store_batch *batch = store_batch_new();

		snprintf(key, sizeof(key), "prometheus/left-%d", i);
		kit_put_alert(batch, key, i);
		snprintf(key, sizeof(key), "prometheus/right-%d", i);
		kit_put_alert(batch, key, i);
		if (store_commit(kit.store, batch, report, &fd) < 0)
			_exit(1);
		if (i % 50 == 49)
			store_poll(kit.store);
	}
	kit_wait_done(CRASH_BATCHES);
	_exit(1);
}

static void wait_killed(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}

static void count_pair(void *ctx, const struct stored_alert *row)
{
	char *found = ctx;
	int i;

	if (sscanf(row->key, "prometheus/left-%d", &i) == 1)
		found[i] |= 1;
	else if (sscanf(row->key, "prometheus/right-%d", &i) == 1)
		found[i] |= 2;
}

START_TEST(what_was_reported_outlives_kill_9)
{
	const struct store_loader pairs = { .alert = count_pair };
	char found[CRASH_BATCHES] = { 0 }, byte;
	int fds[2], reported = 0;
	pid_t child;

	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	if (child == 0)
		child_commits_and_dies(fds[1]);
	close(fds[1]);
	while (read(fds[0], &byte, 1) == 1)
		reported++;
	close(fds[0]);
	wait_killed(child);
	ck_assert_int_eq(reported, CRASH_REPORTED);
	kit_open_sqlite();
	ck_assert_msg(store_load(kit.store, &pairs, found, &kit.err) == 0, "%s", kit.err.text);
	for (int i = 0; i < CRASH_BATCHES; i++)
		ck_assert_msg(found[i] == 3 || (found[i] == 0 && i >= reported),
			      "batch %d of %d: %d", i, reported, found[i]);
}
END_TEST

START_TEST(a_second_daemon_is_refused)
{
	CLEANUP_FREE char *pid = xasprintf("pid %ld", (long)getpid());
	struct store *first;

	kit_open_sqlite();
	first = kit.store;
	kit.store = NULL;
	refused(-EBUSY, pid);
	store_close(first);
	kit_open_sqlite();
}
END_TEST

START_TEST(another_name_of_the_file_is_the_same_lock)
{
	CLEANUP_FREE char *link = xasprintf("%s.moved", kit.path);
	struct store *second = NULL;

	kit_open_sqlite();
	ck_assert_int_eq(symlink(kit.path, link), 0);
	ck_assert_int_eq(store_sqlite_open(link, &second, &kit.err), -EBUSY);
}
END_TEST

START_TEST(the_lock_dies_with_the_process)
{
	CLEANUP_FREE char *words = NULL;
	int fds[2];
	char byte;
	pid_t child;

	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		if (store_sqlite_open(kit.path, &kit.store, &kit.err) == 0 &&
		    write(fds[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	words = xasprintf("pid %ld", (long)child);
	refused(-EBUSY, words);
	kill(child, SIGKILL);
	wait_killed(child);
	kit_open_sqlite();
}
END_TEST

START_TEST(a_newer_schema_is_refused)
{
	kit_open_sqlite();
	store_close(kit.store);
	kit.store = NULL;
	sql("PRAGMA user_version = 99");
	refused(-EINVAL, "newer tracepager (schema 99");
	ck_assert_int_eq(sql_number("PRAGMA user_version"), 99);
}
END_TEST

START_TEST(a_database_of_others_is_refused_untouched)
{
	sql("CREATE TABLE carts (id INTEGER PRIMARY KEY); PRAGMA user_version = 1");
	refused(-EINVAL, "not a store of tracepager's");
	ck_assert_int_eq(sql_number("SELECT count(*) FROM sqlite_schema"), 1);
}
END_TEST

/* Version 1 as it was released. Never change it. */
static const char version_1[] =
	"CREATE TABLE alerts (id INTEGER PRIMARY KEY,"
	" state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2), attempts INTEGER NOT NULL,"
	" accepted_us INTEGER NOT NULL, refreshed_us INTEGER NOT NULL, expires_us INTEGER NOT NULL,"
	" incident TEXT NOT NULL, key TEXT NOT NULL, doc TEXT NOT NULL) STRICT;"
	"CREATE INDEX alerts_ended ON alerts (refreshed_us) WHERE state = 2;"
	"CREATE TABLE incidents (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL,"
	" team TEXT NOT NULL, open INTEGER NOT NULL CHECK (open IN (0, 1)), opened_us INTEGER NOT "
	"NULL,"
	" closed_us INTEGER NOT NULL, page TEXT NOT NULL) STRICT;"
	"CREATE INDEX incidents_open ON incidents (opened_us) WHERE open = 1;"
	"CREATE INDEX incidents_closed ON incidents (closed_us) WHERE open = 0;"
	"CREATE TABLE pages (id INTEGER PRIMARY KEY, state INTEGER NOT NULL CHECK (state BETWEEN 0 "
	"AND 3),"
	" event INTEGER NOT NULL, attempts INTEGER NOT NULL, created_us INTEGER NOT NULL, next_us "
	"INTEGER NOT NULL,"
	" incident TEXT NOT NULL, pager TEXT NOT NULL, error TEXT NOT NULL, target TEXT NOT NULL,"
	" doc TEXT NOT NULL) STRICT;"
	"CREATE INDEX pages_queued ON pages (id) WHERE state = 0;"
	"CREATE INDEX pages_incident ON pages (incident);"
	"CREATE INDEX pages_created ON pages (created_us);"
	"CREATE TABLE decisions (id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, alert_key TEXT "
	"NOT NULL,"
	" incident TEXT NOT NULL, doc TEXT NOT NULL) STRICT;"
	"PRAGMA application_id = 1953653616; PRAGMA user_version = 1;";

START_TEST(version_1_is_brought_forward)
{
	struct store_batch *batch = store_batch_new();

	sql(version_1);
	sql("INSERT INTO alerts VALUES (1, 1, 2, 10, 20, 30, 'i1', 'prometheus/a', '{\"n\":1}');"
	    "INSERT INTO incidents VALUES (1, 'i1', 'shop/ledger/ledger', 'ledger', 1, 11, 0, "
	    "'{}');"
	    "INSERT INTO pages VALUES (4, 0, 1, 2, 12, 13, 'i1', 'ledger-hook', '503', '{}', "
	    "'{}');"
	    "INSERT INTO decisions VALUES (7, 13, 'prometheus/a', 'i1', '{\"version\":1}');");
	kit_open_sqlite();
	kit_load();
	ck_assert_uint_eq(kit.nrows, 3);
	ck_assert_str_eq(kit.rows[0], "incident i1 shop/ledger/ledger ledger open 1 at 11 0 {}");
	ck_assert_str_eq(kit.rows[1],
			 "page 4 i1 ledger-hook {} {} event 1 state 0 attempts 2 at 12 13 503");
	ck_assert_str_eq(kit.rows[2],
			 "alert 1 prometheus/a {\"n\":1} i1 state 1 attempts 2 at 10 20 30");
	kit_put_decision(batch, 14);
	kit_commit(batch);
	ck_assert_int_eq(sql_number("PRAGMA user_version"), sqlite_schema_newest());
	ck_assert_int_eq(sql_number("SELECT count(*) FROM decisions WHERE id = 7 AND at_us = 13"
				    " AND incident = 'i1' AND alert_key = 'prometheus/a'"
				    " AND doc = x'7b2276657273696f6e223a317d' AND alert = x''"),
			 1);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM decisions WHERE id = 8"), 1);
}
END_TEST

static void write_file(const char *text, off_t at, size_t len)
{
	int fd = open(kit.path, O_RDWR | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, text, len, at), (ssize_t)len);
	close(fd);
}

START_TEST(a_file_that_is_no_database_is_refused)
{
	static const char text[] = "teams: {ledger: {escalation: ledger}}\n# padding up to the "
				   "length of a header, and beyond; "
				   "padding up to the length of a header, and beyond";

	write_file(text, 0, sizeof(text));
	refused(-EBADMSG, "restore a backup");
}
END_TEST

START_TEST(damage_is_an_error_that_names_the_cure)
{
	struct store_batch *batch = store_batch_new();
	char page[4096];
	off_t size;
	struct stat st;
	int error;

	kit_open_sqlite();
	kit_put_alert(batch, "prometheus/a", 1);
	kit_commit(batch);
	store_close(kit.store);
	kit.store = NULL;
	/* All but the first page, which has the schema. */
	memset(page, 0xa5, sizeof(page));
	ck_assert_int_eq(stat(kit.path, &st), 0);
	for (size = (off_t)sizeof(page); size < st.st_size; size += (off_t)sizeof(page))
		write_file(page, size, sizeof(page));
	error = store_sqlite_open(kit.path, &kit.store, &kit.err);
	if (error == 0)
		error = store_load(kit.store, &kit_loader, NULL, &kit.err);
	ck_assert_int_eq(error, -EBADMSG);
	ck_assert_ptr_nonnull(strstr(kit.err.text, kit.path));
	ck_assert_ptr_nonnull(strstr(kit.err.text, "restore a backup"));
}
END_TEST

START_TEST(a_row_that_cannot_be_is_an_error)
{
	sql(version_1);
	sql("PRAGMA ignore_check_constraints = 1;"
	    "INSERT INTO alerts VALUES (1, -1, 0, 0, 0, 0, '', 'prometheus/a', '{}')");
	kit_open_sqlite();
	ck_assert_int_eq(store_load(kit.store, &kit_loader, NULL, &kit.err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "row 1 of its table alerts"));
}
END_TEST

START_TEST(a_missing_directory_is_told)
{
	CLEANUP_FREE char *inside = xasprintf("%s/missing/store.db", kit.dir);

	ck_assert_int_eq(store_sqlite_open(inside, &kit.store, &kit.err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "mkdir -p"));
	ck_assert_ptr_nonnull(strstr(kit.err.text, inside));
}
END_TEST

static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static struct store_batch *large_batch(const char *key, const char *doc)
{
	struct store_batch *batch = store_batch_new();
	struct stored_alert row = kit_alert(key, 1);

	row.doc = doc;
	row.doc_len = strlen(doc);
	store_put_alert(batch, &row);
	return batch;
}

/* A limit of the file's size stands for a full disk: any user may set it. */
START_TEST(a_full_disk_fails_and_recovers)
{
	CLEANUP_FREE char *doc = xcalloc(1, (1 << 20) + 1);

	memset(doc, 'x', 1 << 20);
	kit_open_sqlite();
	kit_commit(large_batch("prometheus/before", "{}"));
	limit_file_size(512 << 10);
	kit_hand_over(large_batch("prometheus/a", doc), 1);
	kit_hand_over(large_batch("prometheus/b", doc), 2);
	kit_wait_done(3);
	limit_file_size(RLIM_INFINITY);
	ck_assert_int_eq(kit.done.errors[1], -ENOSPC);
	ck_assert_int_eq(kit.done.errors[2], -ENOSPC);
	ck_assert_ptr_nonnull(strstr(kit.done.text, kit.path));
	ck_assert_ptr_nonnull(strstr(kit.done.text, "free some space"));
	kit_commit(large_batch("prometheus/after", doc));
	kit_reopen(KIT_SQLITE);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 2);
	ck_assert_ptr_nonnull(strstr(kit.rows[0], "prometheus/before "));
	ck_assert_ptr_nonnull(strstr(kit.rows[1], "prometheus/after "));
}
END_TEST

START_TEST(a_file_moved_away_takes_no_promises)
{
	CLEANUP_FREE char *moved = xasprintf("%s.moved", kit.path);
	struct store_batch *batch = store_batch_new();

	kit_open_sqlite();
	ck_assert_int_eq(rename(kit.path, moved), 0);
	kit_put_alert(batch, "prometheus/a", 1);
	kit_hand_over(batch, 1);
	kit_wait_done(1);
	ck_assert_int_eq(kit.done.errors[0], -ESTALE);
	ck_assert_ptr_nonnull(strstr(kit.done.text, "restart"));
	ck_assert_int_eq(rename(moved, kit.path), 0);
}
END_TEST

/* The wall clock is the test's: retention takes it as an argument. */
START_TEST(retention_removes_what_is_past_its_time)
{
	const int64_t now_us = 1000 * US_PER_DAY, old_us = now_us - LIMIT_HISTORY_US - 1,
		      kept_us = old_us + 1;
	struct store_batch *batch = store_batch_new();
	sqlite3 *db;
	bool more = false;

	kit_open_sqlite();
	kit_put_ended(batch, "prometheus/ended-old", now_us - LIMIT_RESOLVED_MEMORY_US - 1);
	kit_put_ended(batch, "prometheus/ended", now_us - LIMIT_RESOLVED_MEMORY_US);
	kit_put_alert(batch, "prometheus/firing", 1);
	kit_put_decision(batch, old_us);
	kit_put_decision(batch, kept_us);
	kit_put_incident(batch, "closed-old", false, 1, old_us);
	kit_put_incident(batch, "closed-queued", false, 1, old_us);
	kit_put_incident(batch, "closed", false, 1, kept_us);
	kit_put_incident(batch, "open", true, 1, 0);
	kit_put_page(batch, 1, "closed-old", STORED_PAGE_DELIVERED);
	kit_put_page(batch, 2, "closed-queued", STORED_PAGE_QUEUED);
	kit_put_page(batch, 3, "closed", STORED_PAGE_DELIVERED);
	kit_put_page(batch, 4, "open", STORED_PAGE_DELIVERED);
	kit_put_page(batch, 5, "unheard-of", STORED_PAGE_DROPPED);
	kit_commit(batch);
	store_close(kit.store);
	kit.store = NULL;
	ck_assert_msg(sqlite_connect(kit.path, false, &db, &kit.err) == 0, "%s", kit.err.text);
	ck_assert_msg(sqlite_retain(db, kit.path, now_us, &more, &kit.err) == 0, "%s",
		      kit.err.text);
	ck_assert(more);
	ck_assert_msg(sqlite_retain(db, kit.path, now_us, &more, &kit.err) == 0, "%s",
		      kit.err.text);
	ck_assert(!more);
	sqlite3_close(db);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM alerts"), 2);
	ck_assert_int_eq(
		sql_number("SELECT count(*) FROM alerts WHERE key = 'prometheus/ended-old'"), 0);
	ck_assert_int_eq(sql_number("SELECT at_us FROM decisions"), kept_us);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM incidents"), 3);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM incidents WHERE id = 'closed-old'"), 0);
	ck_assert_int_eq(sql_number("SELECT sum(id) FROM pages"), 2 + 3 + 4);
}
END_TEST

static void add_sqlite(Suite *suite)
{
	TCase *tcase = tcase_create("sqlite");

	tcase_add_checked_fixture(tcase, kit_setup, kit_teardown);
	tcase_add_test(tcase, the_file_is_private_and_the_wal_goes_at_close);
	tcase_add_test(tcase, a_bad_batch_leaves_its_neighbours);
	tcase_add_test(tcase, what_was_reported_outlives_kill_9);
	tcase_add_test(tcase, a_second_daemon_is_refused);
	tcase_add_test(tcase, another_name_of_the_file_is_the_same_lock);
	tcase_add_test(tcase, the_lock_dies_with_the_process);
	tcase_add_test(tcase, a_newer_schema_is_refused);
	tcase_add_test(tcase, a_database_of_others_is_refused_untouched);
	tcase_add_test(tcase, version_1_is_brought_forward);
	tcase_add_test(tcase, a_file_that_is_no_database_is_refused);
	tcase_add_test(tcase, damage_is_an_error_that_names_the_cure);
	tcase_add_test(tcase, a_row_that_cannot_be_is_an_error);
	tcase_add_test(tcase, a_missing_directory_is_told);
	tcase_add_test(tcase, a_full_disk_fails_and_recovers);
	tcase_add_test(tcase, a_file_moved_away_takes_no_promises);
	tcase_add_test(tcase, retention_removes_what_is_past_its_time);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("store_sqlite");
	SRunner *runner = srunner_create(suite);
	int failed;

	add_sqlite(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
