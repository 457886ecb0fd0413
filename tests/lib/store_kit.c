/* The kit of the store's tests: a step that fails here fails the test that called it. */
#include "store_kit.h"

#include <check.h>
#include <glob.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/xalloc.h"

struct store_kit kit;

static void forget_rows(void)
{
	while (kit.nrows > 0)
		free(kit.rows[--kit.nrows]);
}

void kit_setup(void)
{
	const char *tmp = getenv("TMPDIR");

	kit.dir = xasprintf("%s/test_store.XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(kit.dir));
	kit.path = xasprintf("%s/store.db", kit.dir);
	memset(&kit.done, 0, sizeof(kit.done));
	memset(&kit.err, 0, sizeof(kit.err));
	kit.store = NULL;
	kit.fake = NULL;
	kit.last_id = 0;
}

static void remove_files(const char *tail)
{
	CLEANUP_FREE char *pattern = xasprintf("%s%s", kit.path, tail);
	glob_t found;

	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
	globfree(&found);
}

void kit_teardown(void)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal", ".lock", ".moved" };

	store_close(kit.store);
	fake_store_free(kit.fake);
	forget_rows();
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		CLEANUP_FREE char *file = xasprintf("%s%s", kit.path, tails[i]);

		unlink(file);
	}
	remove_files(".damaged-*");
	remove_files(".copy*");
	ck_assert_int_eq(rmdir(kit.dir), 0);
	free(kit.path);
	free(kit.dir);
}

void kit_open_sqlite(void)
{
	ck_assert_msg(store_sqlite_open(kit.path, &kit.store, &kit.err) == 0, "%s", kit.err.text);
}

void kit_open(int kind)
{
	if (kind == KIT_FAKE) {
		if (!kit.fake)
			kit.fake = fake_store_new(clock_system());
		kit.store = fake_store_open(kit.fake);
	} else {
		kit_open_sqlite();
	}
}

void kit_reopen(int kind)
{
	store_close(kit.store);
	kit_open(kind);
}

void kit_on_done(void *ctx, int error, const char *text)
{
	ck_assert_uint_lt(kit.done.n, KIT_DONE_MAX);
	kit.done.ids[kit.done.n] = (intptr_t)ctx;
	kit.done.errors[kit.done.n++] = error;
	if (error)
		snprintf(kit.done.text, sizeof(kit.done.text), "%s", text);
}

void kit_wait_done(size_t n)
{
	struct pollfd pollfd = { .fd = store_fd(kit.store), .events = POLLIN };

	while (kit.done.n < n) {
		if (kit.fake)
			fake_store_complete(kit.fake, SIZE_MAX);
		else if (poll(&pollfd, 1, -1) > 0)
			store_poll(kit.store);
	}
}

void kit_hand_over(struct store_batch *batch, intptr_t id)
{
	ck_assert_int_eq(store_commit(kit.store, batch, kit_on_done, (void *)id), 0);
}

void kit_commit(struct store_batch *batch)
{
	size_t n = kit.done.n;

	kit_hand_over(batch, 0);
	kit_wait_done(n + 1);
	ck_assert_msg(kit.done.errors[n] == 0, "%s", kit.done.text);
}

struct stored_alert kit_alert(const char *key, int64_t accepted_us)
{
	return (struct stored_alert){
		.id = ++kit.last_id,
		.key = key,
		.doc = "{}",
		.doc_len = 2,
		.incident = "",
		.state = STORED_ALERT_WAITING,
		.accepted_us = accepted_us,
	};
}

void kit_put_alert(struct store_batch *batch, const char *key, int64_t accepted_us)
{
	struct stored_alert row = kit_alert(key, accepted_us);

	store_put_alert(batch, &row);
}

struct stored_incident kit_incident(const char *id, bool open, int64_t opened_us, int64_t closed_us)
{
	return (struct stored_incident){
		.id = id,
		.key = "shop/ledger/ledger",
		.team = "ledger",
		.open = open,
		.opened_us = opened_us,
		.closed_us = closed_us,
		.page = "{}",
		.page_len = 2,
		.decision = "",
	};
}

void kit_put_incident(struct store_batch *batch, const char *id, bool open, int64_t opened_us,
		      int64_t closed_us)
{
	struct stored_incident row = kit_incident(id, open, opened_us, closed_us);

	store_put_incident(batch, &row);
}

void kit_put_recipient(struct store_batch *batch, const char *incident, const char *pager,
		       int state)
{
	store_put_recipient(batch, &(struct stored_recipient){
					   .incident = incident,
					   .pager = pager,
					   .target = "{}",
					   .state = state,
				   });
}

void kit_put_event(struct store_batch *batch, const char *incident, int64_t at_us,
		   const char *event)
{
	store_put_event(batch, &(struct stored_event){ .incident = incident,
						       .at_us = at_us,
						       .event = event,
						       .who = "prometheus/a",
						       .text = "ledger fails" });
}

void kit_put_page(struct store_batch *batch, int64_t id, const char *incident,
		  enum stored_page_state state)
{
	struct stored_page row = {
		.id = id,
		.incident = incident,
		.pager = "ledger-hook",
		.target = "{}",
		.doc = "{}",
		.doc_len = 2,
		.state = state,
		.created_us = id,
		.error = "",
	};

	store_put_page(batch, &row);
}

void kit_put_decision(struct store_batch *batch, int64_t at_us)
{
	struct stored_decision row = { .alert_key = "prometheus/a",
				       .incident = "i1",
				       .at_us = at_us,
				       .doc = "{}",
				       .doc_len = 2 };

	store_put_decision(batch, &row);
}

static void add_row(char *row)
{
	ck_assert_uint_lt(kit.nrows, KIT_ROWS_MAX);
	kit.rows[kit.nrows++] = row;
}

static void load_alert(void *ctx, const struct stored_alert *row)
{
	(void)ctx;
	ck_assert_int_eq(row->doc[row->doc_len], '\0');
	add_row(xasprintf("alert %lld %s %s %s state %d attempts %u at %lld %lld %lld copies %s",
			  (long long)row->id, row->key, row->doc, row->incident, (int)row->state,
			  row->attempts, (long long)row->accepted_us, (long long)row->refreshed_us,
			  (long long)row->expires_us, row->copies));
}

static void load_incident(void *ctx, const struct stored_incident *row)
{
	(void)ctx;
	CLEANUP_FREE char *decision =
		row->decision_len ? xasprintf(" decision of %zu bytes", row->decision_len)
				  : xstrdup("");
	add_row(xasprintf("incident %s %s %s open %d at %lld %lld %.*s state %d before %d "
			  "severity %d due %lld of %lld hold %lld told %lld owes %d moved %s%s",
			  row->id, row->key, row->team, row->open, (long long)row->opened_us,
			  (long long)row->closed_us, (int)row->page_len, row->page, row->state,
			  row->before, row->severity, (long long)row->due_us,
			  (long long)row->wait_us, (long long)row->hold_us, (long long)row->told_us,
			  row->owes_update, row->moved_to, decision));
}

static void load_recipient(void *ctx, const struct stored_recipient *row)
{
	(void)ctx;
	add_row(xasprintf("recipient %s %s %s role %d state %d%s%s", row->incident, row->pager,
			  row->target, row->role, row->state, *row->memory ? " memory " : "",
			  row->memory));
}

static void load_sender(void *ctx, const struct stored_sender *row)
{
	(void)ctx;
	add_row(xasprintf("sender %s %lld", row->name, (long long)row->interval_us));
}

static void load_page(void *ctx, const struct stored_page *row)
{
	(void)ctx;
	add_row(xasprintf("page %lld %s %s %s %.*s event %d severity %d state %d attempts %u at "
			  "%lld %lld %s",
			  (long long)row->id, row->incident, row->pager, row->target,
			  (int)row->doc_len, row->doc, row->event, row->severity, (int)row->state,
			  row->attempts, (long long)row->created_us, (long long)row->next_us,
			  row->error));
}

const struct store_loader kit_loader = {
	.sender = load_sender,
	.incident = load_incident,
	.recipient = load_recipient,
	.page = load_page,
	.alert = load_alert,
};

static void add_event(int64_t at_us, const char *incident, const char *event, const char *who,
		      const char *text)
{
	add_row(xasprintf("%lld %s %s by %s: %s", (long long)at_us, incident, event, who, text));
}

static void load_sqlite_events(void)
{
	sqlite3_stmt *row;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(kit.path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db,
					    "SELECT at_us, incident, event, who, text FROM events "
					    "ORDER BY id",
					    -1, &row, NULL),
			 SQLITE_OK);
	while (sqlite3_step(row) == SQLITE_ROW)
		add_event(sqlite3_column_int64(row, 0), (const char *)sqlite3_column_text(row, 1),
			  (const char *)sqlite3_column_text(row, 2),
			  (const char *)sqlite3_column_text(row, 3),
			  (const char *)sqlite3_column_text(row, 4));
	sqlite3_finalize(row);
	sqlite3_close(db);
}

void kit_load_events(void)
{
	forget_rows();
	if (!kit.fake) {
		store_close(kit.store);
		kit.store = NULL;
		load_sqlite_events();
		return;
	}
	for (size_t i = 0; i < kit.fake->nevents; i++) {
		const struct stored_event *event = &kit.fake->events[i];
		add_event(event->at_us, event->incident, event->event, event->who, event->text);
	}
}

const char *kit_row(const char *words)
{
	for (size_t i = 0; i < kit.nrows; i++)
		if (strncmp(kit.rows[i], words, strlen(words)) == 0)
			return kit.rows[i];
	return NULL;
}

void kit_load(void)
{
	forget_rows();
	ck_assert_msg(store_load(kit.store, &kit_loader, NULL, &kit.err) == 0, "%s", kit.err.text);
}

void kit_put_ended(struct store_batch *batch, const char *key, int64_t ended_us)
{
	struct stored_alert row = kit_alert(key, 1);

	row.state = STORED_ALERT_ENDED;
	row.refreshed_us = ended_us;
	store_put_alert(batch, &row);
}
