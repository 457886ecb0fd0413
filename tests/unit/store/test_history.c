/*
 * Stored decisions and their history: they are read by time, by number and by incident, beside the
 * daemon and after it was killed; retention removes them by age and by bytes.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../relay/store/sqlite-internal.h"
#include "../../lib/store_kit.h"
#include "tracepager/clock.h"
#include "tracepager/history.h"
#include "tracepager/limits.h"
#include "tracepager/pack.h"
#include "tracepager/xalloc.h"

static struct history *history;
static struct past past;

static void setup(void)
{
	kit_setup();
	history = NULL;
	past = (struct past){ 0 };
}

static void teardown(void)
{
	past_fini(&past);
	history_close(history);
	kit_teardown();
}

static void look_back(void)
{
	ck_assert_msg(history_open(kit.path, &history, &kit.err) == 0, "%s", kit.err.text);
}

static void pack(const char *text, struct buf *out)
{
	*out = (struct buf)BUF_INIT(1 << 20);
	pack_add(text, strlen(text), out);
	ck_assert(!out->failed);
}

static void is_packed(const struct blob *blob, const char *text)
{
	struct buf out = BUF_INIT(1 << 20);

	ck_assert_msg(pack_open(blob->data, blob->len, &out, &kit.err) == 0, "%s", kit.err.text);
	ck_assert_str_eq(buf_text(&out), text);
	buf_fini(&out);
}

/* A decision of team ledger at that time, with traces of so many bytes. */
static void put(const char *incident, int64_t at_us, size_t traces_len)
{
	struct store_batch *batch = store_batch_new();
	struct buf alert, doc;
	CLEANUP_FREE char *traces = xcalloc(traces_len + 1, 1);

	memset(traces, 't', traces_len);
	pack("{\"alert\":1}", &alert);
	pack("{\"version\":1}", &doc);
	store_put_decision(batch,
			   &(struct stored_decision){
				   .alert_key = "prometheus/a",
				   .incident = incident,
				   .team = "ledger",
				   .rules = "aa",
				   .at_us = at_us,
				   .alert = alert.data,
				   .alert_len = alert.len,
				   .doc = doc.data,
				   .doc_len = doc.len,
				   .kept = traces_len ? STORED_TRACES_WHOLE : STORED_TRACES_NONE,
				   .traces = traces,
				   .traces_len = traces_len,
			   });
	kit_commit(batch);
	buf_fini(&alert);
	buf_fini(&doc);
}

static int next(int64_t since_us, int64_t until_us, int64_t *pos)
{
	past_fini(&past);
	int result = history_next(history, since_us, until_us, pos, &past, &kit.err);
	ck_assert_msg(result >= 0, "%s", kit.err.text);
	return result;
}

START_TEST(what_is_written_is_read_beside_the_writer)
{
	int64_t pos = 0, count = 0;

	kit_open_sqlite();
	look_back();
	put("i1", 1000, 5);
	ck_assert_int_eq(next(0, INT64_MAX, &pos), 1);
	ck_assert_int_eq(past.id, 1);
	ck_assert_int_eq(past.at_us, 1000);
	ck_assert_str_eq(past.incident, "i1");
	ck_assert_str_eq(past.team, "ledger");
	ck_assert_str_eq(past.rules, "aa");
	ck_assert_str_eq(past.alert_key, "prometheus/a");
	ck_assert_int_eq(past.kept, STORED_TRACES_WHOLE);
	is_packed(&past.alert, "{\"alert\":1}");
	is_packed(&past.decision, "{\"version\":1}");
	is_packed(&past.traces, "ttttt");
	ck_assert_uint_eq(past.healthy.len, 0);
	ck_assert_int_eq(next(0, INT64_MAX, &pos), 0);
	/* The reader holds no lock: the writer commits, and the reader sees the commit. */
	put("", 1001, 0);
	ck_assert_int_eq(next(0, INT64_MAX, &pos), 1);
	ck_assert_int_eq(past.id, 2);
	ck_assert_int_eq(past.kept, STORED_TRACES_NONE);
	ck_assert_int_eq(history_count(history, 0, INT64_MAX, &count, &kit.err), 0);
	ck_assert_int_eq(count, 2);
}
END_TEST

START_TEST(a_time_is_from_inclusive_until_exclusive)
{
	int64_t pos = 0, count = 0;

	kit_open_sqlite();
	for (int64_t at = 10; at <= 50; at += 10)
		put("i1", at, 0);
	look_back();
	ck_assert_int_eq(next(20, 40, &pos), 1);
	ck_assert_int_eq(past.at_us, 20);
	ck_assert_int_eq(next(20, 40, &pos), 1);
	ck_assert_int_eq(past.at_us, 30);
	ck_assert_int_eq(next(20, 40, &pos), 0);
	ck_assert_int_eq(history_count(history, 20, 40, &count, &kit.err), 0);
	ck_assert_int_eq(count, 2);
	pos = 0;
	ck_assert_int_eq(next(51, INT64_MAX, &pos), 0);
}
END_TEST

static int find(const char *id)
{
	past_fini(&past);
	int result = history_find(history, id, &past, &kit.err);
	ck_assert_msg(result >= 0, "%s", kit.err.text);
	return result;
}

START_TEST(one_is_found_by_number_and_by_incident)
{
	struct store_batch *batch = store_batch_new();

	kit_open_sqlite();
	kit_put_incident(batch, "feed", true, 1000, 0);
	kit_put_incident(batch, "beef", false, 1000, 1200);
	kit_commit(batch);
	put("feed", 1001, 3);
	put("beef", 1002, 0);
	put("feed", 1003, 0);
	put("beef", 1004, 0);
	look_back();
	ck_assert_int_eq(find("2"), 1);
	ck_assert_str_eq(past.incident, "beef");
	ck_assert_int_eq(find("feed"), 1); /* the decision with traces */
	ck_assert_int_eq(past.id, 1);
	ck_assert_int_eq(find("beef"), 1); /* no decision has traces: the last one */
	ck_assert_int_eq(past.id, 4);
	ck_assert_int_eq(find("5"), 0);
	ck_assert_int_eq(find("f00d"), 0);
	ck_assert_int_eq(find(""), 0);
}
END_TEST

START_TEST(outcomes_are_read_without_what_takes_most_bytes)
{
	int64_t pos = 0;

	kit_open_sqlite();
	for (int64_t at = 10; at <= 40; at += 10)
		put("i1", at, 3);
	look_back();
	for (int64_t id = 2; id <= 3; id++) {
		past_fini(&past);
		ck_assert_int_eq(history_next_outcome(history, 20, 40, &pos, &past, &kit.err), 1);
		ck_assert_int_eq(past.id, id);
		ck_assert_str_eq(past.team, "ledger");
		is_packed(&past.decision, "{\"version\":1}");
		ck_assert_uint_eq(past.alert.len + past.traces.len + past.healthy.len, 0);
	}
	past_fini(&past);
	ck_assert_int_eq(history_next_outcome(history, 20, 40, &pos, &past, &kit.err), 0);
}
END_TEST

static char told_events[256];
static size_t ntold;

/* "feed opened 1003; " */
static void tell_event(void *ctx, const struct past_event *event)
{
	(void)ctx;
	ck_assert_str_eq(event->team, "ledger");
	ntold++;
	if (strlen(told_events) < 200)
		snprintf(told_events + strlen(told_events),
			 sizeof(told_events) - strlen(told_events), "%s %s %lld of %lld; ",
			 event->incident, event->event, (long long)event->at_us,
			 (long long)event->opened_us);
}

static void put_events(const char *incident, int64_t at_us, int n)
{
	struct store_batch *batch = store_batch_new();

	for (int i = 0; i < n; i++)
		kit_put_event(batch, incident, at_us, i ? "joined" : "opened");
	kit_commit(batch);
}

START_TEST(events_come_with_their_incident)
{
	const int64_t now = 10 * US_PER_DAY;
	struct store_batch *batch = store_batch_new();

	kit_open_sqlite();
	kit_put_incident(batch, "old", false, now - 1, now + 5);
	kit_put_incident(batch, "new", true, now, 0);
	kit_commit(batch);
	put_events("old", now - 1, 1);
	put_events("new", now - 2, 1); /* the clock stepped */
	put_events("old", now + 5, 1);
	put_events("gone", now + 6, 1); /* its row was removed */
	put_events("new", now + 7, 1);
	look_back();
	told_events[0] = '\0';
	ck_assert_int_eq(history_events(history, now, tell_event, NULL, &kit.err), 0);
	ck_assert_str_eq(told_events, "new opened 863999999998 of 864000000000; "
				      "new opened 864000000007 of 864000000000; ");
	ck_assert_int_eq(
		history_events(history, now + 20 * US_PER_HOUR, tell_event, NULL, &kit.err), 0);
	ck_assert_uint_eq(ntold, 2);
	/* More than one read takes: each once. */
	put_events("new", now + 8, 2345);
	ck_assert_int_eq(history_events(history, now, tell_event, NULL, &kit.err), 0);
	ck_assert_uint_eq(ntold, 4 + 2345);
}
END_TEST

static void retain(int64_t now_us)
{
	sqlite3 *db;
	bool more = true;

	store_close(kit.store);
	kit.store = NULL;
	ck_assert_msg(sqlite_connect(kit.path, false, &db, &kit.err) == 0, "%s", kit.err.text);
	while (more)
		ck_assert_msg(sqlite_retain(db, kit.path, now_us, &more, &kit.err) == 0, "%s",
			      kit.err.text);
	sqlite3_close(db);
}

START_TEST(traces_go_before_their_decisions)
{
	int64_t now_us = 200 * US_PER_DAY, pos = 0;

	kit_open_sqlite();
	put("i1", now_us - LIMIT_HISTORY_US - 1, 5);
	put("i2", now_us - LIMIT_HISTORY_US, 5);
	put("i3", now_us - LIMIT_TRACES_KEPT_US - 1, 5);
	put("i4", now_us - LIMIT_TRACES_KEPT_US, 5);
	retain(now_us);
	look_back();
	ck_assert_int_eq(next(0, INT64_MAX, &pos), 1);
	ck_assert_str_eq(past.incident, "i2");
	ck_assert_int_eq(past.kept, STORED_TRACES_LOST);
	ck_assert_int_eq(next(0, INT64_MAX, &pos), 1);
	ck_assert_str_eq(past.incident, "i3");
	ck_assert_int_eq(past.kept, STORED_TRACES_LOST);
	ck_assert_int_eq(next(0, INT64_MAX, &pos), 1);
	ck_assert_str_eq(past.incident, "i4");
	ck_assert_int_eq(past.kept, STORED_TRACES_WHOLE);
	ck_assert_int_eq(next(0, INT64_MAX, &pos), 0);
}
END_TEST

static void run_sql(const char *text)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite_connect(kit.path, false, &db, &kit.err), 0);
	ck_assert_int_eq(sqlite_run(db, text), SQLITE_OK);
	sqlite3_close(db);
}

/* The sums of three rows are set to 1 GiB each, since a test cannot write as much: the oldest is
 * removed. */
START_TEST(traces_go_by_bytes_the_oldest_first)
{
	int64_t pos = 0;

	kit_open_sqlite();
	for (int i = 0; i < 3; i++)
		put("i1", 1000, 5);
	run_sql("UPDATE traces SET upto_bytes = id * 1073741824");
	retain(1000);
	look_back();
	ck_assert_int_eq(next(0, INT64_MAX, &pos), 1);
	ck_assert_int_eq(past.kept, STORED_TRACES_LOST);
	ck_assert_int_eq(next(0, INT64_MAX, &pos), 1);
	ck_assert_int_eq(past.kept, STORED_TRACES_WHOLE);
	ck_assert_int_eq(next(0, INT64_MAX, &pos), 1);
	ck_assert_int_eq(past.kept, STORED_TRACES_WHOLE);
	/* The next row adds to the sum of the row before it. */
	kit_open_sqlite();
	put("i1", 1000, 7);
	history_close(history);
	history = NULL;
	run_sql("CREATE TABLE seen AS SELECT 1 FROM traces WHERE id = 4"
		" AND upto_bytes = 3 * 1073741824 + 7");
	run_sql("DELETE FROM traces WHERE NOT EXISTS (SELECT 1 FROM seen)");
	look_back();
	ck_assert_int_eq(find("4"), 1);
	ck_assert_int_eq(past.kept, STORED_TRACES_WHOLE);
}
END_TEST

static void put_rules(const char *hash, int64_t at_us, const char *text)
{
	struct store_batch *batch = store_batch_new();
	const struct rule_file files[] = { { "a.yaml", text, strlen(text) }, { "b.yaml", "", 0 } };
	struct buf packed = BUF_INIT(1 << 20);

	rule_texts_pack(files, ARRAY_LEN(files), &packed);
	store_put_rules(batch, &(struct stored_rules){ .hash = hash,
						       .at_us = at_us,
						       .texts = packed.data,
						       .texts_len = packed.len });
	kit_commit(batch);
	buf_fini(&packed);
}

static void rules_begin_with(const char *hash, const char *text)
{
	struct buf opened = BUF_INIT(1 << 20);
	struct rule_file *files = NULL;
	struct blob blob = { 0 };

	ck_assert_int_eq(history_rules(history, hash, &blob, &kit.err), 1);
	ck_assert_int_eq(rule_texts_open(blob.data, blob.len, &opened, &files, &kit.err), 2);
	ck_assert_str_eq(files[0].name, "a.yaml");
	ck_assert_uint_eq(files[0].len, strlen(text));
	ck_assert_mem_eq(files[0].text, text, files[0].len);
	ck_assert_str_eq(files[1].name, "b.yaml");
	ck_assert_uint_eq(files[1].len, 0);
	free(files);
	free(blob.data);
	buf_fini(&opened);
}

START_TEST(rules_are_kept_by_hash_while_in_use)
{
	int64_t now_us = 300 * US_PER_DAY;
	struct blob blob = { 0 };

	kit_open_sqlite();
	put_rules("aa", 1000, "fallback: {team: sre}\n");
	put_rules("bb", 2000, "fallback: {team: shop}\n");
	put_rules("cc", 3000, "teams: {}\n");
	put_rules("aa", now_us, "fallback: {team: sre}\n");
	look_back();
	rules_begin_with("bb", "fallback: {team: shop}\n");
	rules_begin_with(NULL, "fallback: {team: sre}\n");
	ck_assert_int_eq(history_rules(history, "dd", &blob, &kit.err), 0);
	retain(now_us);
	rules_begin_with("aa", "fallback: {team: sre}\n");
	ck_assert_int_eq(history_rules(history, "bb", &blob, &kit.err), 0);
}
END_TEST

static void note_refusal(void *ctx, const struct refusal *refusal)
{
	char *text = ctx;

	snprintf(text + strlen(text), 200 - strlen(text), "%s %lld %lld %s;", refusal->pager,
		 (long long)refusal->n, (long long)refusal->last_us, refusal->error);
}

START_TEST(refusals_are_counted_by_pager)
{
	char text[200] = "";
	struct store_batch *batch = store_batch_new();

	kit_open_sqlite();
	for (int64_t id = 1; id <= 5; id++)
		store_put_page(batch,
			       &(struct stored_page){ .id = id,
						      .incident = "i1",
						      .pager = id == 4 ? "slack" : "hook",
						      .state = id == 3 ? STORED_PAGE_DELIVERED
								       : STORED_PAGE_REJECTED,
						      .created_us = id * 10,
						      .error = id == 5 ? "410 Gone" : "404" });
	kit_commit(batch);
	look_back();
	ck_assert_int_eq(history_refusals(history, 20, note_refusal, text, &kit.err), 0);
	ck_assert_str_eq(text, "hook 2 50 410 Gone;slack 1 40 404;");
}
END_TEST

/* The writer is killed, so that its write-ahead log is left, and a reader opens the file before the
 * next daemon. */
/* ---- incidents ---- */

/* "i1 open 100-0 page", "i2 over 100-200 page". */
static struct buf seen = BUF_INIT(1 << 16);
static int wanted;

static bool on_incident(void *ctx, const struct past_incident *incident)
{
	ck_assert_ptr_eq(ctx, &seen);
	buf_printf(&seen, "%s%s %s %lld-%lld %.*s", seen.len ? ", " : "", incident->id,
		   incident->open ? "open" : "over", (long long)incident->opened_us,
		   (long long)incident->closed_us, (int)incident->page_len, incident->page);
	return --wanted != 0;
}

static const char *closed(int64_t before_us, const char *before_id, int n)
{
	buf_reset(&seen);
	wanted = n;
	ck_assert_int_eq(
		history_closed(history, before_us, before_id, on_incident, &seen, &kit.err), 0);
	return buf_text(&seen);
}

START_TEST(an_incident_is_found_by_id)
{
	struct store_batch *batch = store_batch_new();

	kit_open_sqlite();
	kit_put_incident(batch, "i1", true, 100, 0);
	kit_put_incident(batch, "i2", false, 100, 200);
	kit_commit(batch);
	look_back();
	buf_reset(&seen);
	ck_assert_int_eq(history_incident(history, "i1", on_incident, &seen, &kit.err), 1);
	ck_assert_ptr_nonnull(strstr(buf_text(&seen), "i1 open 100-0 "));
	ck_assert_int_eq(history_incident(history, "i2", on_incident, &seen, &kit.err), 1);
	ck_assert_ptr_nonnull(strstr(buf_text(&seen), ", i2 over 100-200 "));
	ck_assert_int_eq(history_incident(history, "i3", on_incident, &seen, &kit.err), 0);
	ck_assert_int_eq(history_incident(history, "", on_incident, &seen, &kit.err), 0);
	buf_fini(&seen);
}
END_TEST

START_TEST(closed_incidents_come_the_last_first)
{
	static const struct {
		const char *id;
		int64_t closed_us;
	} rows[] = { { "a", 200 }, { "b", 300 }, { "c", 300 }, { "d", 0 }, { "e", 100 } };
	struct store_batch *batch = store_batch_new();
	const char *page = kit_incident("a", true, 0, 0).page;

	kit_open_sqlite();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		kit_put_incident(batch, rows[i].id, !rows[i].closed_us, 50, rows[i].closed_us);
	kit_commit(batch);
	look_back();
	CLEANUP_FREE char *all =
		xasprintf("c over 50-300 %s, b over 50-300 %s, a over 50-200 %s, e over 50-100 %s",
			  page, page, page, page);
	ck_assert_str_eq(closed(INT64_MAX, "", 0), all);
	/* One behind the other: of the same end, by id. */
	CLEANUP_FREE char *second = xasprintf("b over 50-300 %s, a over 50-200 %s", page, page);
	ck_assert_str_eq(closed(300, "c", 2), second);
	ck_assert_str_eq(closed(100, "e", 0), "");
	buf_fini(&seen);
}
END_TEST

static void on_event(void *ctx, const struct stored_event *event)
{
	ck_assert_ptr_eq(ctx, &seen);
	buf_printf(&seen, "%lld %s %s %s\n", (long long)event->at_us, event->incident, event->event,
		   event->who);
}

START_TEST(a_story_has_the_events_of_one_incident)
{
	struct store_batch *batch = store_batch_new();

	kit_open_sqlite();
	kit_put_incident(batch, "i1", true, 1000, 0);
	kit_put_incident(batch, "i2", true, 1000, 0);
	kit_put_event(batch, "i1", 1000, "opened");
	kit_put_event(batch, "i2", 1000, "opened");
	kit_put_event(batch, "i1", 1002, "paged");
	/* The clock was set back by an hour less a microsecond, and by more. */
	kit_put_event(batch, "i1", 1001 - LIMIT_CLOCK_STEP_US, "commented");
	kit_put_event(batch, "i1", 999 - LIMIT_CLOCK_STEP_US, "useful");
	kit_commit(batch);
	look_back();
	buf_reset(&seen);
	ck_assert_int_eq(history_story(history, "i1", on_event, &seen, &kit.err), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&seen), "1000 i1 opened"));
	ck_assert_ptr_nonnull(strstr(buf_text(&seen), "1002 i1 paged"));
	ck_assert_ptr_nonnull(strstr(buf_text(&seen), "i1 commented"));
	ck_assert_ptr_null(strstr(buf_text(&seen), "useful"));
	ck_assert_ptr_null(strstr(buf_text(&seen), "i2"));
	buf_reset(&seen);
	ck_assert_int_eq(history_story(history, "i3", on_event, &seen, &kit.err), 0);
	ck_assert_uint_eq(seen.len, 0);
	buf_fini(&seen);
}
END_TEST

START_TEST(it_is_read_after_a_kill)
{
	int fds[2], status;
	int64_t pos = 0;
	char byte;

	ck_assert_int_eq(pipe(fds), 0);
	pid_t child = fork();
	if (child == 0) {
		kit_open_sqlite();
		put("i1", 1000, 5);
		if (write(fds[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	close(fds[0]);
	close(fds[1]);
	look_back();
	ck_assert_int_eq(next(0, INT64_MAX, &pos), 1);
	ck_assert_str_eq(past.incident, "i1");
	is_packed(&past.traces, "ttttt");
}
END_TEST

static void refused(const char *words)
{
	ck_assert_int_lt(history_open(kit.path, &history, &kit.err), 0);
	ck_assert_ptr_nonnull(strstr(kit.err.text, kit.path));
	ck_assert_msg(strstr(kit.err.text, words) != NULL, "%s", kit.err.text);
}

START_TEST(what_is_no_store_is_refused)
{
	refused("No such file");
	ck_assert_int_ne(access(kit.path, F_OK), 0); /* the reader has not created it */
	kit_open_sqlite();
	store_close(kit.store);
	kit.store = NULL;
	run_sql("PRAGMA user_version = 1");
	refused("older tracepager");
	run_sql("PRAGMA user_version = 99");
	refused("newer tracepager");
	ck_assert_int_eq(truncate(kit.path, 0), 0);
	refused("is empty, and no store of tracepager");
	unlink(kit.path);
	ck_assert_int_eq(mkfifo(kit.path, 0600), 0);
	refused("is no regular file, and no store of tracepager");
	unlink(kit.path);
	ck_assert_int_eq(mkdir(kit.path, 0700), 0);
	refused("is a directory, and no store of tracepager");
	ck_assert_int_eq(rmdir(kit.path), 0);
}
END_TEST

START_TEST(a_damaged_row_is_an_error)
{
	int64_t pos = 0;

	kit_open_sqlite();
	put("i1", 1000, 0);
	store_close(kit.store);
	kit.store = NULL;
	run_sql("PRAGMA ignore_check_constraints = ON; UPDATE decisions SET kept = 9");
	look_back();
	ck_assert_int_eq(history_next(history, 0, INT64_MAX, &pos, &past, &kit.err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "decision 1"));
}
END_TEST

START_TEST(damaged_rule_texts_are_refused)
{
	static const struct {
		const char *plain;
		size_t len;
	} bad[] = {
		{ "a.yaml", 6 },
		{ "a.yaml\0", 7 },
		{ "a.yaml\0"
		  "5",
		  8 },
		{ "a.yaml\0"
		  "5\0"
		  "1234",
		  13 },
		{ "a.yaml\0"
		  "99999999999999999999\0",
		  28 },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct buf opened = BUF_INIT(1000);
		struct rule_file *files = NULL;
		ck_assert_int_eq(
			rule_texts_open(bad[i].plain, bad[i].len, &opened, &files, &kit.err),
			-EBADMSG);
		ck_assert_ptr_null(files);
		buf_fini(&opened);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("history");
	TCase *tcase = tcase_create("history");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_written_is_read_beside_the_writer);
	tcase_add_test(tcase, a_time_is_from_inclusive_until_exclusive);
	tcase_add_test(tcase, one_is_found_by_number_and_by_incident);
	tcase_add_test(tcase, outcomes_are_read_without_what_takes_most_bytes);
	tcase_add_test(tcase, events_come_with_their_incident);
	tcase_add_test(tcase, traces_go_before_their_decisions);
	tcase_add_test(tcase, traces_go_by_bytes_the_oldest_first);
	tcase_add_test(tcase, rules_are_kept_by_hash_while_in_use);
	tcase_add_test(tcase, refusals_are_counted_by_pager);
	tcase_add_test(tcase, an_incident_is_found_by_id);
	tcase_add_test(tcase, closed_incidents_come_the_last_first);
	tcase_add_test(tcase, a_story_has_the_events_of_one_incident);
	tcase_add_test(tcase, it_is_read_after_a_kill);
	tcase_add_test(tcase, what_is_no_store_is_refused);
	tcase_add_test(tcase, a_damaged_row_is_an_error);
	tcase_add_test(tcase, damaged_rule_texts_are_refused);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
