/*
 * What only the SQLite backend has: crashes, the lock, files of other programs, damage, a full
 * disk, retention.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../relay/store/sqlite-internal.h"
#include "../../lib/old_store.h"
#include "../../lib/store_kit.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static void sql(const char *text)
{
	old_store_run(kit.path, text);
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
	ck_assert_uint_eq(kit.nrows, 4);
	ck_assert_str_eq(kit.rows[0],
			 "incident i1 shop/ledger/ledger ledger open 1 at 11 0 {} state 0 before 0 "
			 "severity -1 due 0 of 0 hold 120000000 told 12 owes 0 moved ");
	ck_assert_str_eq(kit.rows[1], "recipient i1 ledger-hook {} role 0 state 0");
	ck_assert_str_eq(kit.rows[2], "page 4 i1 ledger-hook {} {} event 1 severity 2 state 0 "
				      "attempts 2 at 12 13 503");
	ck_assert_str_eq(kit.rows[3], "alert 1 prometheus/a {\"n\":1} i1 state 1 attempts 2 at "
				      "10 20 30 copies ");
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

/* Open incidents whose page was taken, was refused, waits, was refused by one pager and taken by
 * another; one that was paged with two keys; and what is over. */
START_TEST(version_2_is_brought_forward)
{
	old_store_make(kit.path, 2);
	sql("INSERT INTO incidents VALUES"
	    " (1, 'taken', 'k1', 'ledger', 1, 10, 0, '{}'),"
	    " (2, 'refused', 'k2', 'ledger', 1, 11, 0, '{}'),"
	    " (3, 'waits', 'k3', 'ledger', 1, 12, 0, '{}'),"
	    " (4, 'both', 'k4', 'ledger', 1, 13, 0, '{}'),"
	    " (5, 'over', 'k5', 'ledger', 0, 14, 15, '{}'),"
	    " (6, 'unpaged', 'k6', 'ledger', 1, 16, 0, '{}')");
	/* id, state, event, attempts, created, next, incident, pager, error, target, doc */
	sql("INSERT INTO pages VALUES"
	    " (1, 1, 0, 1, 101, 0, 'taken', 'hook', '', '{\"n\":1}', '{}'),"
	    " (2, 1, 1, 1, 102, 0, 'taken', 'hook', '', '{\"n\":1}', '{}'),"
	    " (3, 2, 0, 1, 103, 0, 'refused', 'hook', '400', '{}', '{}'),"
	    " (4, 0, 0, 2, 104, 9, 'waits', 'hook', '503', '{}', '{}'),"
	    " (5, 2, 0, 1, 105, 0, 'both', 'hook', '400', '{\"n\":9}', '{}'),"
	    " (6, 1, 0, 1, 106, 0, 'both', 'hook', '', '{\"n\":2}', '{}'),"
	    " (7, 2, 0, 1, 107, 0, 'both', 'chat', '400', '{}', '{}'),"
	    " (8, 1, 0, 1, 108, 0, 'over', 'hook', '', '{}', '{}'),"
	    " (9, 0, 2, 0, 109, 0, 'over', 'hook', '', '{}', '{}')");
	sql("INSERT INTO alerts VALUES"
	    " (1, 1, 0, 10, 20, 30, 'taken', 'prometheus/a', '{}'),"
	    " (2, 0, 1, 11, 21, 31, '', 'prometheus/b', '{}')");
	sql("INSERT INTO decisions VALUES (7, 13, 2, 'taken', 'ledger', 'h', 'prometheus/a', "
	    "x'01', x'02');"
	    "INSERT INTO traces VALUES (7, 13, 99, x'03', x'04');"
	    "INSERT INTO rules VALUES (1, 'h', 1, 2, x'05')");
	kit_open_sqlite();
	ck_assert_int_eq(sql_number("PRAGMA user_version"), sqlite_schema_newest());
	kit_load();
	static const char *const rows[] = {
		"incident taken k1 ledger open 1 at 10 0 {} state 0 before 0 severity -1 due 0 of "
		"0 hold 120000000 told 102 owes 0 moved ",
		"incident refused k2 ledger open 1 at 11 0 {} state 0 before 0 severity -1 due 0 "
		"of 0 hold 120000000 told 103 owes 0 moved ",
		"incident waits k3 ledger open 1 at 12 0 {} state 0 before 0 severity -1 due 0 of "
		"0 hold 120000000 told 104 owes 0 moved ",
		"incident both k4 ledger open 1 at 13 0 {} state 0 before 0 severity -1 due 0 of 0 "
		"hold 120000000 told 107 owes 0 moved ",
		"incident unpaged k6 ledger open 1 at 16 0 {} state 0 before 0 severity -1 due 0 "
		"of 0 hold 120000000 told 0 owes 0 moved ",
		"recipient both chat {} role 0 state 2",
		"recipient both hook {\"n\":2} role 0 state 1",
		"recipient refused hook {} role 0 state 2",
		"recipient taken hook {\"n\":1} role 0 state 1",
		"recipient waits hook {} role 0 state 0",
		"page 4 waits hook {} {} event 0 severity 2 state 0 attempts 2 at 104 9 503",
		"page 9 over hook {} {} event 2 severity 2 state 0 attempts 0 at 109 0 ",
		"alert 1 prometheus/a {} taken state 1 attempts 0 at 10 20 30 copies ",
		"alert 2 prometheus/b {}  state 0 attempts 1 at 11 21 31 copies ",
	};
	ck_assert_uint_eq(kit.nrows, ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_str_eq(kit.rows[i], rows[i]);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM decisions JOIN traces USING (id) JOIN "
				    "rules ON hash = decisions.rules WHERE id = 7 AND upto_bytes = "
				    "99 AND texts = x'05' AND alert = x'01' AND doc = x'02'"),
			 1);
}
END_TEST

/* A crash between two steps leaves a valid older file: here before the third. */
START_TEST(a_step_that_fails_changes_nothing)
{
	old_store_make(kit.path, 2);
	sql("CREATE TABLE events (id INTEGER PRIMARY KEY)");
	ck_assert_int_lt(store_sqlite_open(kit.path, &kit.store, &kit.err), 0);
	ck_assert_ptr_nonnull(strstr(kit.err.text, kit.path));
	ck_assert_int_eq(sql_number("PRAGMA user_version"), 2);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM sqlite_schema WHERE name = 'recipients'"),
			 0);
	sql("DROP TABLE events");
	kit_open_sqlite();
	ck_assert_int_eq(sql_number("PRAGMA user_version"), sqlite_schema_newest());
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

static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The name of the damaged file that was put aside: the only one. Caller frees. */
static char *put_aside(void)
{
	CLEANUP_FREE char *pattern = xasprintf("%s.damaged-*Z", kit.path);
	glob_t found;

	ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
	ck_assert_uint_eq(found.gl_pathc, 1);
	char *name = xstrdup(found.gl_pathv[0]);
	globfree(&found);
	return name;
}

static void check_news(const char *words)
{
	CLEANUP_FREE char *news = store_take_news(kit.store), *more = store_take_news(kit.store);

	ck_assert_ptr_nonnull(news);
	ck_assert_msg(strstr(news, words) != NULL, "%s", news);
	ck_assert_ptr_null(more);
}

/* Nothing but the first page can be read: a new store begins, the old one is kept. */
START_TEST(a_damaged_store_is_put_aside)
{
	struct store_batch *batch = store_batch_new();
	char page[4096];
	off_t size;
	struct stat st;

	kit_open_sqlite();
	ck_assert_ptr_null(store_take_news(kit.store));
	kit_put_alert(batch, "prometheus/a", 1);
	kit_commit(batch);
	store_close(kit.store);
	kit.store = NULL;
	/* All but the first page, which has the schema. */
	memset(page, 0xa5, sizeof(page));
	ck_assert_int_eq(stat(kit.path, &st), 0);
	for (size = (off_t)sizeof(page); size < st.st_size; size += (off_t)sizeof(page))
		write_file(page, size, sizeof(page));
	kit_open_sqlite();
	CLEANUP_FREE char *aside = put_aside();
	check_news(aside);
	struct stat kept;
	ck_assert_int_eq(stat(aside, &kept), 0);
	ck_assert_int_eq(kept.st_size, st.st_size);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 0);
	/* The new one takes alerts. */
	batch = store_batch_new();
	kit_put_alert(batch, "prometheus/b", 2);
	kit_commit(batch);
	kit_reopen(KIT_SQLITE);
	ck_assert_ptr_null(store_take_news(kit.store));
	kit_load();
	ck_assert_uint_eq(kit.nrows, 1);
}
END_TEST

static void fill_rows(size_t n)
{
	struct store_batch *batch = store_batch_new();

	for (size_t i = 0; i < n; i++) {
		char key[40];
		snprintf(key, sizeof(key), "prometheus/%04zu", i);
		kit_put_alert(batch, key, (int64_t)i);
	}
	kit_put_incident(batch, "open", true, 1, 0);
	kit_put_incident(batch, "over", false, 1, 2);
	kit_put_recipient(batch, "open", "hook", 1);
	kit_put_page(batch, 1, "open", STORED_PAGE_QUEUED);
	kit_put_page(batch, 2, "open", STORED_PAGE_DELIVERED);
	kit_commit(batch);
}

static size_t loaded_alerts;

static void count_alert(void *ctx, const struct stored_alert *row)
{
	(void)ctx;
	(void)row;
	loaded_alerts++;
}

/* Where the page of the file is that has the text, and its bytes. */
static off_t page_with(const char *text, char page[4096])
{
	int fd = open(kit.path, O_RDONLY);

	for (off_t at = 0; pread(fd, page, 4096, at) == 4096; at += 4096)
		if (memmem(page, 4096, text, strlen(text))) {
			close(fd);
			return at;
		}
	ck_abort_msg("%s is on no page", text);
}

/* Of a table of which one page is damaged, the rows before and behind it are read. */
START_TEST(rows_around_damage_are_read)
{
	static const struct store_loader counting = { .alert = count_alert };
	char page[4096];

	kit_open_sqlite();
	fill_rows(2000);
	store_close(kit.store);
	kit.store = NULL;
	/* A leaf in the middle of the table of alerts, and its rows. */
	size_t rows = 0;
	off_t at = page_with("prometheus/1000", page);
	for (char *row = page;
	     (row = memmem(row, (size_t)(page + sizeof(page) - row), "prometheus/", 11)); row++)
		rows++;
	ck_assert_uint_gt(rows, 1);
	memset(page, 0xa5, sizeof(page));
	write_file(page, at, sizeof(page));
	kit_open_sqlite();
	check_news("1 open incidents and 1 waiting pages");
	loaded_alerts = 0;
	ck_assert_int_eq(store_load(kit.store, &counting, NULL, &kit.err), 0);
	/* After a damaged place the steps double until a row is found. */
	ck_assert_uint_le(loaded_alerts, 2000 - rows);
	ck_assert_uint_ge(loaded_alerts, 2000 - 2 * rows);
}
END_TEST

/* Damage that only a commit meets: the store goes on, and what it is given is kept. */
START_TEST(damage_in_use_is_survived)
{
	char page[4096];

	kit_open_sqlite();
	fill_rows(2000);
	kit_reopen(KIT_SQLITE);
	int64_t root =
		sql_number("SELECT rootpage FROM sqlite_schema WHERE name = 'pages_created'");
	memset(page, 0xa5, sizeof(page));
	write_file(page, (off_t)(root - 1) * (off_t)sizeof(page), sizeof(page));
	struct store_batch *batch = store_batch_new();
	kit_put_page(batch, 3, "open", STORED_PAGE_QUEUED);
	kit_commit(batch);
	check_news("2000 alerts, 1 open incidents and 1 waiting pages");
	kit_reopen(KIT_SQLITE);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM pages"), 2);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM alerts"), 2000);
}
END_TEST

/* Where the disk has no room for the new file, the damaged one is back in its place, and the next
 * start tries again: nothing of it is lost. */
START_TEST(damage_on_a_full_disk_loses_nothing)
{
	CLEANUP_FREE char *pattern = xasprintf("%s.damaged-*", kit.path);
	char page[4096];
	struct stat before, after;
	glob_t found;

	kit_open_sqlite();
	fill_rows(2000);
	store_close(kit.store);
	kit.store = NULL;
	off_t at = page_with("prometheus/1000", page);
	memset(page, 0xa5, sizeof(page));
	write_file(page, at, sizeof(page));
	ck_assert_int_eq(stat(kit.path, &before), 0);
	limit_file_size(64 << 10);
	ck_assert_int_lt(store_sqlite_open(kit.path, &kit.store, &kit.err), 0);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "free some space"));
	limit_file_size(RLIM_INFINITY);
	ck_assert_int_eq(stat(kit.path, &after), 0);
	ck_assert_uint_eq(after.st_ino, before.st_ino);
	ck_assert_int_eq(glob(pattern, 0, NULL, &found), GLOB_NOMATCH);
	kit_open_sqlite();
	check_news("1 open incidents and 1 waiting pages");
}
END_TEST

START_TEST(a_row_that_cannot_be_is_left_out)
{
	sql(version_1);
	sql("PRAGMA ignore_check_constraints = 1;"
	    "INSERT INTO alerts VALUES (1, -1, 0, 0, 0, 0, '', 'prometheus/a', '{}')");
	kit_open_sqlite();
	check_news("0 alerts");
	kit_load();
	ck_assert_uint_eq(kit.nrows, 0);
}
END_TEST

/* The lock on the database holds where its lock file is removed. */
START_TEST(a_removed_lock_file_lets_nobody_in)
{
	CLEANUP_FREE char *lock = xasprintf("%s.lock", kit.path);

	kit_open_sqlite();
	ck_assert_int_eq(unlink(lock), 0);
	struct store *first = kit.store;
	kit.store = NULL;
	refused(-EBUSY, "whose lock file was removed");
	kit.store = first;
}
END_TEST

/* What a removed log or its index held is not lost, nor what comes after. */
START_TEST(a_removed_log_loses_nothing)
{
	static const char *const removed[][2] = { { "-wal", NULL },
						  { "-shm", NULL },
						  { "-wal", "-shm" } };
	struct store_batch *batch = store_batch_new();

	kit_open_sqlite();
	kit_put_alert(batch, "prometheus/before", 1);
	kit_commit(batch);
	for (size_t i = 0; i < 2 && removed[_i][i]; i++) {
		CLEANUP_FREE char *name = xasprintf("%s%s", kit.path, removed[_i][i]);
		ck_assert_int_eq(unlink(name), 0);
	}
	batch = store_batch_new();
	kit_put_alert(batch, "prometheus/while", 2);
	kit_commit(batch);
	batch = store_batch_new();
	kit_put_alert(batch, "prometheus/after", 3);
	kit_commit(batch);
	/* As a killed daemon leaves it: a copy of the files as they are now. */
	CLEANUP_FREE char *copy = xasprintf("cp %s %s.copy; cp %s-wal %s.copy-wal", kit.path,
					    kit.path, kit.path, kit.path);
	ck_assert_int_eq(system(copy), 0);
	store_close(kit.store);
	kit.store = NULL;
	CLEANUP_FREE char *path = xasprintf("%s.copy", kit.path);
	ck_assert_int_eq(store_sqlite_open(path, &kit.store, &kit.err), 0);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 3);
}
END_TEST

/* Calls of this process that write, as the kernel counts them. */
static long write_calls(void)
{
	FILE *file = fopen("/proc/self/io", "r");
	char line[128];
	long n = -1;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "syscw: %ld", &n) == 1)
			break;
	fclose(file);
	ck_assert_int_ge(n, 0);
	return n;
}

/* Each of 300 rows of 3,000 bytes has a page of 4 KiB: page by page, the write-ahead log would take
 * 600 calls and the database 300. In pieces of 124 KiB each takes 10. */
START_TEST(pages_are_written_in_long_pieces)
{
	struct store_batch *batch = store_batch_new();
	struct stored_alert row;
	char doc[3001];
	long before;

	memset(doc, 'x', sizeof(doc) - 1);
	doc[sizeof(doc) - 1] = '\0';
	for (int i = 0; i < 300; i++) {
		row = kit_alert("prometheus/long", i);
		row.doc = doc;
		row.doc_len = sizeof(doc) - 1;
		store_put_alert(batch, &row);
	}
	kit_open_sqlite();
	before = write_calls();
	kit_commit(batch);
	ck_assert_int_lt(write_calls() - before, 60);
	before = write_calls();
	store_close(kit.store); /* a checkpoint of all */
	kit.store = NULL;
	ck_assert_int_lt(write_calls() - before, 60);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM alerts WHERE length(doc) = 3000"), 300);
	ck_assert_int_eq(sql_number("SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
			 1);
}
END_TEST

/* What a commit wrote is there for a program that reads beside the daemon. */
START_TEST(others_see_a_commit_at_once)
{
	struct store_batch *batch = store_batch_new();

	kit_put_alert(batch, "prometheus/seen", 1);
	kit_open_sqlite();
	kit_commit(batch);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM alerts WHERE key = 'prometheus/seen'"),
			 1);
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

static struct store_batch *large_batch(const char *key, const char *doc)
{
	struct store_batch *batch = store_batch_new();
	struct stored_alert row = kit_alert(key, 1);

	row.doc = doc;
	row.doc_len = strlen(doc);
	store_put_alert(batch, &row);
	return batch;
}

/* What SQLite says, the system's errno below it, and what a person is told. */
static const struct {
	int rc, below, code;
	const char *cure;
} results[] = {
	{ SQLITE_FULL, 0, -ENOSPC, "free some space" },
	{ SQLITE_IOERR_WRITE, EDQUOT, -ENOSPC, "free some space" },
	{ SQLITE_IOERR_WRITE, EFBIG, -ENOSPC, "free some space" },
	{ SQLITE_IOERR_WRITE, ENOSPC, -ENOSPC, "free some space" },
	{ SQLITE_IOERR_FSYNC, EIO, -EIO, "look at the disk" },
	{ SQLITE_IOERR_FSYNC, 0, -EIO, "look at the disk" },
	{ SQLITE_IOERR_NOMEM, 0, -ENOMEM, "see the message above" },
	{ SQLITE_CANTOPEN, EACCES, -EACCES, "right to write the file" },
	{ SQLITE_CANTOPEN, EMFILE, -EMFILE, "see the message above" },
	{ SQLITE_CANTOPEN, ENFILE, -ENFILE, "see the message above" },
	{ SQLITE_CANTOPEN, ENOENT, -EIO, "look at the disk" },
	{ SQLITE_READONLY, EROFS, -EROFS, "file system writable" },
	{ SQLITE_READONLY, 0, -EROFS, "file system writable" },
	{ SQLITE_PERM, 0, -EACCES, "right to write the file" },
	{ SQLITE_AUTH, 0, -EACCES, "right to write the file" },
	{ SQLITE_BUSY, 0, -EBUSY, "end that program" },
	{ SQLITE_LOCKED, 0, -EBUSY, "end that program" },
	{ SQLITE_PROTOCOL, 0, -EBUSY, "end that program" },
	{ SQLITE_NOMEM, 0, -ENOMEM, "see the message above" },
	{ SQLITE_TOOBIG, 0, -E2BIG, "report it" },
	{ SQLITE_CONSTRAINT_CHECK, 0, -EINVAL, "report it" },
	{ SQLITE_MISMATCH, 0, -EINVAL, "report it" },
	{ SQLITE_RANGE, 0, -EINVAL, "report it" },
	{ SQLITE_MISUSE, 0, -EINVAL, "report it" },
	{ SQLITE_CORRUPT, 0, -EBADMSG, "restore a backup" },
	{ SQLITE_NOTADB, 0, -EBADMSG, "restore a backup" },
	{ SQLITE_ERROR, 0, -EBADMSG, "restore a backup" },
};

START_TEST(every_result_has_a_code_and_a_cure)
{
	const int rc = results[_i].rc;
	struct err err;

	errno = results[_i].below;
	ck_assert_int_eq(sqlite_error(&err, NULL, rc, "write to", "/var/x.db"), results[_i].code);
	ck_assert_ptr_eq(strstr(err.text, "cannot write to /var/x.db: "), err.text);
	ck_assert_msg(strstr(err.text, results[_i].cure) != NULL, "%s", err.text);
	/* Of a failed read or write the system's words tell more than SQLite's. */
	if ((rc & 0xff) == SQLITE_IOERR && results[_i].below)
		ck_assert_ptr_nonnull(strstr(err.text, strerror(results[_i].below)));
	ck_assert_int_eq(sqlite_error_is_data(rc), rc == SQLITE_TOOBIG || rc == SQLITE_MISMATCH ||
							   rc == SQLITE_CONSTRAINT_CHECK);
}
END_TEST

/* One commit of 70 MiB, more than the write-ahead log keeps: its pages go into the database, and
 * its file shrinks while small commits follow. */
START_TEST(a_large_log_is_emptied)
{
	CLEANUP_FREE char *doc = xcalloc(1, (1 << 20) + 1);
	CLEANUP_FREE char *wal = xasprintf("%s-wal", kit.path);
	struct store_batch *batch = store_batch_new();
	struct stat st;
	char key[32];

	memset(doc, 'x', 1 << 20);
	kit_open_sqlite();
	for (int i = 0; i < 70; i++) {
		snprintf(key, sizeof(key), "prometheus/%d", i);
		struct stored_alert row = kit_alert(key, 1);
		row.doc = doc;
		row.doc_len = 1 << 20;
		store_put_alert(batch, &row);
	}
	kit_commit(batch);
	ck_assert_int_eq(stat(wal, &st), 0);
	ck_assert_int_gt(st.st_size, LIMIT_WAL_FILE_BYTES);
	do {
		kit_commit(large_batch("prometheus/small", "{}"));
		ck_assert_int_eq(stat(wal, &st), 0);
	} while (st.st_size > LIMIT_WAL_FILE_BYTES && kit.done.n < KIT_DONE_MAX - 8);
	ck_assert_int_le(st.st_size, LIMIT_WAL_FILE_BYTES);
	ck_assert_int_eq(stat(kit.path, &st), 0);
	ck_assert_int_gt(st.st_size, 70 << 20);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
	ck_assert_int_eq(mkdir(kit.path, 0700), 0);
	refused(-EINVAL, "it is not a file");
	ck_assert_int_eq(rmdir(kit.path), 0);
	CLEANUP_CLOSE int fd = open(kit.path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	CLEANUP_FREE char *beneath = xasprintf("%s/store.db", kit.path);
	ck_assert_int_eq(store_sqlite_open(beneath, &kit.store, &kit.err), -ENOTDIR);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "is not a directory"));
	unlink(kit.path);
}
END_TEST

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
	kit_put_event(batch, "closed-old", old_us, "opened");
	kit_put_event(batch, "closed-old", kept_us, "resolved");
	kit_put_event(batch, "closed", old_us, "opened");
	kit_put_event(batch, "open", old_us, "opened");
	kit_put_event(batch, "unheard-of", old_us, "opened");
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
	/* The whole story of an incident that is open or was closed lately; else 90 days of it. */
	kit_load_events();
	ck_assert_uint_eq(kit.nrows, 3);
	ck_assert_ptr_nonnull(strstr(kit.rows[0], " closed-old resolved "));
	ck_assert_ptr_nonnull(strstr(kit.rows[1], " closed opened "));
	ck_assert_ptr_nonnull(strstr(kit.rows[2], " open opened "));
}
END_TEST

/* Rows of their own that no retention would find go with the incident's end; a touch of what is not
 * there leaves none. */
/* What nobody reads again takes no room: of the page of an incident that is over all but its facts
 * of one line, and a page that was settled. */
START_TEST(pages_of_what_is_over_are_dropped)
{
	struct store_batch *batch = store_batch_new();

	kit_open_sqlite();
	kit_put_incident(batch, "a", true, 1, 0);
	kit_put_incident(batch, "b", true, 1, 0);
	kit_put_page(batch, 1, "a", STORED_PAGE_QUEUED);
	kit_put_page(batch, 2, "b", STORED_PAGE_QUEUED);
	kit_commit(batch);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM pages WHERE doc <> ''"), 2);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM incidents WHERE page <> ''"), 2);
	batch = store_batch_new();
	struct stored_incident over = kit_incident("a", false, 1, 2);
	over.page = "{\"summary\":\"s\",\"details\":\"d\",\"waterfall\":\"w\",\"alerts\":[\"a\"],"
		    "\"why\":\"y\"}";
	over.page_len = strlen(over.page);
	store_put_incident(batch, &over);
	store_touch_page(batch, &(struct stored_page){
					.id = 1, .state = STORED_PAGE_DELIVERED, .error = "" });
	store_touch_page(batch, &(struct stored_page){ .id = 2,
						       .state = STORED_PAGE_QUEUED,
						       .attempts = 1,
						       .error = "503" });
	kit_commit(batch);
	ck_assert_int_eq(sql_number("SELECT id FROM pages WHERE doc <> ''"), 2);
	ck_assert_int_eq(
		sql_number("SELECT count(*) FROM incidents WHERE page = '{}' AND id = 'b'"), 1);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM incidents WHERE id = 'a' AND"
				    " page = '{\"summary\":\"s\",\"why\":\"y\"}'"),
			 1);
}
END_TEST

/* A page that is no JSON is dropped whole, and the incident ends all the same. */
START_TEST(a_page_that_is_no_json_is_dropped)
{
	struct store_batch *batch = store_batch_new();
	struct stored_incident over = kit_incident("a", false, 1, 2);

	kit_open_sqlite();
	over.page = "{\"summary\":";
	over.page_len = strlen(over.page);
	store_put_incident(batch, &over);
	kit_commit(batch);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM incidents WHERE page = ''"), 1);
}
END_TEST

/* Where most of a large file is free, the file shrinks piece by piece, down to what is kept. */
START_TEST(free_pages_are_given_back)
{
	char *doc = xcalloc(1, 4u << 20);
	bool more = true;
	sqlite3 *db;

	kit_open_sqlite();
	memset(doc, 'd', (4u << 20) - 1);
	for (int i = 0; i < 8; i++)
		kit_commit(large_batch("prometheus/large", doc));
	struct store_batch *batch = store_batch_new();
	for (int64_t id = 1; id <= kit.last_id; id++)
		store_remove_alert(batch, id);
	kit_commit(batch);
	store_close(kit.store);
	kit.store = NULL;
	int64_t pages = sql_number("PRAGMA page_count"),
		free_pages = sql_number("PRAGMA freelist_count");
	ck_assert_int_gt(free_pages, LIMIT_FREE_PAGES + LIMIT_VACUUM_PAGES);
	ck_assert_int_eq(sqlite_connect(kit.path, false, &db, &kit.err), 0);
	for (int pieces = 0; more; pieces++) {
		ck_assert_int_lt(pieces, 100);
		more = false;
		sqlite_give_back(db, &more);
	}
	sqlite3_close(db);
	int64_t left = sql_number("PRAGMA freelist_count");
	ck_assert_int_le(left, LIMIT_FREE_PAGES);
	ck_assert_int_gt(left, LIMIT_FREE_PAGES - LIMIT_VACUUM_PAGES);
	ck_assert_int_lt(sql_number("PRAGMA page_count"), pages);
	free(doc);
}
END_TEST

START_TEST(states_and_recipients_go_with_the_incident)
{
	struct store_batch *batch = store_batch_new();

	kit_open_sqlite();
	kit_put_incident(batch, "i1", true, 1, 0);
	kit_put_recipient(batch, "i1", "hook", 1);
	store_touch_incident(batch, &(struct stored_incident){ .id = "i9", .open = true });
	kit_commit(batch);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM incident_states"), 1);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM recipients"), 1);
	batch = store_batch_new();
	kit_put_incident(batch, "i1", false, 1, 2);
	kit_commit(batch);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM incident_states"), 0);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM recipients"), 0);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM incidents"), 1);
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
	tcase_add_test(tcase, version_2_is_brought_forward);
	tcase_add_test(tcase, a_step_that_fails_changes_nothing);
	tcase_add_test(tcase, a_file_that_is_no_database_is_refused);
	tcase_add_test(tcase, a_damaged_store_is_put_aside);
	tcase_add_test(tcase, rows_around_damage_are_read);
	tcase_add_test(tcase, damage_in_use_is_survived);
	tcase_add_test(tcase, damage_on_a_full_disk_loses_nothing);
	tcase_add_test(tcase, a_row_that_cannot_be_is_left_out);
	tcase_add_test(tcase, a_removed_lock_file_lets_nobody_in);
	tcase_add_loop_test(tcase, a_removed_log_loses_nothing, 0, 3);
	tcase_add_test(tcase, pages_are_written_in_long_pieces);
	tcase_add_test(tcase, others_see_a_commit_at_once);
	tcase_add_test(tcase, a_missing_directory_is_told);
	tcase_add_loop_test(tcase, every_result_has_a_code_and_a_cure, 0, ARRAY_LEN(results));
	tcase_add_test(tcase, a_large_log_is_emptied);
	tcase_add_test(tcase, what_is_no_file_is_refused);
	tcase_add_test(tcase, a_full_disk_fails_and_recovers);
	tcase_add_test(tcase, a_file_moved_away_takes_no_promises);
	tcase_add_test(tcase, retention_removes_what_is_past_its_time);
	tcase_add_test(tcase, pages_of_what_is_over_are_dropped);
	tcase_add_test(tcase, a_page_that_is_no_json_is_dropped);
	tcase_add_test(tcase, free_pages_are_given_back);
	tcase_add_test(tcase, states_and_recipients_go_with_the_incident);
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
