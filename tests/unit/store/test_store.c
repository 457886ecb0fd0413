/*
 * The store's contract, on SQLite and on the fake backend alike; then what only the fake promises,
 * and how store.c groups batches.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../relay/store/store-internal.h"
#include "../../lib/store_kit.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* ---- the contract ---- */

/* Rows without a state: what kit_put_incident() leaves out. */
#define NO_STATE " state 0 before 0 severity 0 due 0 of 0 hold 0 told 0 owes 0 moved "

START_TEST(every_field_comes_back)
{
	struct store_batch *batch = store_batch_new();
	struct stored_page page = {
		.id = 7,
		.incident = "i1",
		.pager = "ledger-hook",
		.target = "{\"key\":\"i1#2\"}",
		.doc = "{\"summary\":\"ledger\"}",
		.doc_len = 20,
		.event = 1,
		.severity = 3,
		.state = STORED_PAGE_QUEUED,
		.attempts = 3,
		.created_us = 50,
		.next_us = 60,
		.error = "503 \"come back\"",
	};
	struct stored_incident incident = {
		.id = "i1",
		.key = "shop/ledger/ledger",
		.team = "ledger",
		.open = true,
		.state = 4,
		.before = 1,
		.severity = 3,
		.opened_us = 40,
		.closed_us = 41,
		.due_us = INT64_MAX,
		.wait_us = 42,
		.hold_us = 43,
		.told_us = 44,
		.owes_update = true,
		.moved_to = "i2",
		.page = "{\"p\":1}",
		.page_len = 7,
	};
	struct stored_alert row = {
		.id = 8,
		.key = "prometheus/0123456789abcdef",
		.doc = "{\"alertname\":\"Lent\xc3\xa9\"}, and more",
		.doc_len = 22,
		.incident = "i1",
		.state = STORED_ALERT_DECIDED,
		.attempts = 2,
		.accepted_us = INT64_MAX,
		.refreshed_us = 20,
		.expires_us = -30,
		.copies = "ab:1:2:3;",
	};
	struct stored_recipient recipient = {
		.incident = "i1",
		.pager = "ledger-hook",
		.target = "{\"key\":\"i1#2\"}",
		.role = 2,
		.state = 3,
		.memory = "C0\xc3\xa9 1788.25",
	};

	kit_open(_i);
	ck_assert(store_batch_empty(batch));
	store_put_alert(batch, &row);
	store_put_recipient(batch, &recipient);
	store_put_incident(batch, &incident);
	store_put_page(batch, &page);
	store_put_sender(batch, &(struct stored_sender){ "am1", 43200000000 });
	ck_assert(!store_batch_empty(batch));
	kit_commit(batch);
	kit_reopen(_i);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 5);
	ck_assert_str_eq(kit.rows[0], "sender am1 43200000000");
	ck_assert_str_eq(kit.rows[1],
			 "incident i1 shop/ledger/ledger ledger open 1 at 40 41 {\"p\":1} state 4 "
			 "before 1 severity 3 due 9223372036854775807 of 42 hold 43 told 44 owes 1 "
			 "moved i2");
	ck_assert_str_eq(kit.rows[2], "recipient i1 ledger-hook {\"key\":\"i1#2\"} role 2 state 3 "
				      "memory C0\xc3\xa9 1788.25");
	ck_assert_str_eq(
		kit.rows[3],
		"page 7 i1 ledger-hook {\"key\":\"i1#2\"} {\"summary\":\"ledger\"} event 1 "
		"severity 3 state 0 attempts 3 at 50 60 503 \"come back\"");
	ck_assert_str_eq(kit.rows[4], "alert 8 prometheus/0123456789abcdef "
				      "{\"alertname\":\"Lent\xc3\xa9\"} i1 state 1 attempts 2 "
				      "at 9223372036854775807 20 -30 copies ab:1:2:3;");
}
END_TEST

START_TEST(null_strings_are_empty)
{
	struct store_batch *batch = store_batch_new();

	kit_open(_i);
	store_put_alert(batch, &(struct stored_alert){ .key = "api/1" });
	store_put_incident(batch, &(struct stored_incident){ .id = "i1", .open = true });
	store_put_recipient(batch, &(struct stored_recipient){ .incident = "i1" });
	store_put_page(batch, &(struct stored_page){ .id = 1 });
	store_put_event(batch, &(struct stored_event){ .incident = "i1", .event = "opened" });
	kit_commit(batch);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 4);
	ck_assert_str_eq(kit.rows[0], "incident i1   open 1 at 0 0 " NO_STATE);
	ck_assert_str_eq(kit.rows[1], "recipient i1   role 0 state 0");
	ck_assert_str_eq(kit.rows[2], "page 1     event 0 severity 0 state 0 attempts 0 at 0 0 ");
	ck_assert_str_eq(kit.rows[3], "alert 0 api/1   state 0 attempts 0 at 0 0 0 copies ");
	kit_load_events();
	ck_assert_uint_eq(kit.nrows, 1);
	ck_assert_str_eq(kit.rows[0], "0 i1 opened by : ");
}
END_TEST

START_TEST(puts_replace)
{
	struct store_batch *batch = store_batch_new();
	struct stored_alert row = kit_alert("prometheus/a", 1);

	kit_open(_i);
	store_put_alert(batch, &row);
	kit_put_incident(batch, "i1", false, 1, 9);
	kit_put_page(batch, 1, "i1", STORED_PAGE_DROPPED);
	kit_put_recipient(batch, "i1", "ledger-hook", 0);
	store_put_sender(batch, &(struct stored_sender){ "am1", 5 });
	kit_commit(batch);
	batch = store_batch_new();
	row.doc = "{\"n\":2}";
	row.doc_len = 7;
	row.attempts = 1;
	row.accepted_us = 5;
	row.copies = "c:1:2:3;";
	store_put_alert(batch, &row);
	kit_put_incident(batch, "i1", true, 2, 0);
	kit_put_page(batch, 1, "i1", STORED_PAGE_QUEUED);
	kit_put_recipient(batch, "i1", "ledger-hook", 1);
	store_put_sender(batch, &(struct stored_sender){ "am1", 6 });
	kit_commit(batch);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 5);
	ck_assert_str_eq(kit.rows[0], "sender am1 6");
	ck_assert_str_eq(kit.rows[1],
			 "incident i1 shop/ledger/ledger ledger open 1 at 2 0 {}" NO_STATE);
	ck_assert_str_eq(kit.rows[2], "recipient i1 ledger-hook {} role 0 state 1");
	ck_assert_str_eq(kit.rows[3], "page 1 i1 ledger-hook {} {} event 0 severity 0 state 0 "
				      "attempts 0 at 1 0 ");
	ck_assert_str_eq(kit.rows[4], "alert 1 prometheus/a {\"n\":2}  state 0 attempts 1 at 5 0 "
				      "0 copies c:1:2:3;");
}
END_TEST

START_TEST(touch_leaves_the_document)
{
	struct store_batch *batch = store_batch_new();
	struct stored_alert row = {
		.id = 1,
		.key = "not this",
		.doc = "not this",
		.doc_len = 8,
		.incident = "i1",
		.state = STORED_ALERT_DECIDED,
		.attempts = 1,
		.accepted_us = 99,
		.refreshed_us = 6,
		.expires_us = 7,
		.copies = "c:1:2:3;",
	};
	struct stored_page page = {
		.id = 1, .attempts = 4, .next_us = 8, .error = "503", .event = 2, .severity = 3
	};

	kit_open(_i);
	kit_put_alert(batch, "prometheus/a", 5);
	kit_put_page(batch, 1, "i1", STORED_PAGE_QUEUED);
	kit_commit(batch);
	batch = store_batch_new();
	store_touch_alert(batch, &row);
	store_touch_page(batch, &page);
	kit_commit(batch);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 2);
	ck_assert_str_eq(kit.rows[0], "page 1 i1 ledger-hook {} {} event 0 severity 0 state 0 "
				      "attempts 4 at 1 8 503");
	ck_assert_str_eq(kit.rows[1], "alert 1 prometheus/a {} i1 state 1 attempts 1 at 5 6 7 "
				      "copies c:1:2:3;");
}
END_TEST

static char further[4][128]; /* what the kit's rows do not tell */

static void further_alert(void *ctx, const struct stored_alert *row)
{
	(void)ctx;
	snprintf(further[0], sizeof(further[0]), "quiet %lld", (long long)row->quiet_us);
}

static void further_incident(void *ctx, const struct stored_incident *row)
{
	(void)ctx;
	snprintf(further[1], sizeof(further[1]), "%s run %d step %d left %lld %s %s",
		 row->escalation, row->run, row->step, (long long)row->left_us, row->acked_by,
		 row->refused);
}

static void further_recipient(void *ctx, const struct stored_recipient *row)
{
	(void)ctx;
	snprintf(further[2], sizeof(further[2]), "%s n %d unresolved %d", row->pager, row->n,
		 row->unresolved);
}

static void further_page(void *ctx, const struct stored_page *row)
{
	(void)ctx;
	snprintf(further[3], sizeof(further[3]), "%s n %d", row->pager, row->n);
}

START_TEST(an_escalation_comes_back)
{
	static const struct store_loader loader = {
		.alert = further_alert,
		.incident = further_incident,
		.recipient = further_recipient,
		.page = further_page,
	};
	struct store_batch *batch = store_batch_new();
	struct stored_incident incident = {
		.id = "i1",
		.open = true,
		.escalation = "db",
		.run = 3,
		.step = -2,
		.left_us = 17,
		.acked_by = "ann",
		.refused = "shop",
	};
	struct stored_alert row = {
		.id = 1, .key = "k", .state = STORED_ALERT_DECIDED, .copies = "c"
	};
	struct err err;

	kit_open(_i);
	store_put_incident(batch, &incident);
	store_put_recipient(
		batch, &(struct stored_recipient){
			       .incident = "i1", .pager = "hook", .n = 2, .unresolved = true });
	store_put_page(batch,
		       &(struct stored_page){ .id = 1, .incident = "i1", .pager = "hook", .n = 2 });
	store_put_alert(batch, &row);
	row.quiet_us = 99;
	store_touch_alert(batch, &row);
	kit_commit(batch);
	kit_reopen(_i);
	ck_assert_int_eq(store_load(kit.store, &loader, NULL, &err), 0);
	ck_assert_str_eq(further[0], "quiet 99");
	ck_assert_str_eq(further[1], "db run 3 step -2 left 17 ann shop");
	ck_assert_str_eq(further[2], "hook n 2 unresolved 1");
	ck_assert_str_eq(further[3], "hook n 2");
}
END_TEST

START_TEST(touch_of_an_incident_leaves_key_team_times_and_page)
{
	struct store_batch *batch = store_batch_new();
	struct stored_incident row = {
		.id = "i1",
		.key = "not this",
		.team = "not this",
		.open = true,
		.state = 3,
		.before = 1,
		.severity = 2,
		.opened_us = 97,
		.closed_us = 98,
		.due_us = 11,
		.wait_us = 12,
		.hold_us = 13,
		.told_us = 14,
		.owes_update = true,
		.moved_to = "i9",
		.page = "not this",
		.page_len = 8,
	};

	kit_open(_i);
	kit_put_incident(batch, "i1", true, 5, 6);
	kit_put_incident(batch, "i2", true, 7, 0);
	kit_put_recipient(batch, "i1", "ledger-hook", 1);
	kit_commit(batch);
	batch = store_batch_new();
	store_touch_incident(batch, &row);
	kit_commit(batch);
	kit_reopen(_i);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 3);
	ck_assert_str_eq(kit.rows[0],
			 "incident i1 shop/ledger/ledger ledger open 1 at 5 6 {} state 3 before 1 "
			 "severity 2 due 11 of 12 hold 13 told 14 owes 1 moved i9");
	ck_assert_str_eq(kit.rows[1],
			 "incident i2 shop/ledger/ledger ledger open 1 at 7 0 {}" NO_STATE);
	ck_assert_str_eq(kit.rows[2], "recipient i1 ledger-hook {} role 0 state 1");
}
END_TEST

/* An incident that is not open keeps its row and its story; its state and its recipients go. Where
 * the same id is open again they are new. */
START_TEST(what_is_not_open_has_no_state_and_no_recipients)
{
	struct store_batch *batch = store_batch_new();
	struct stored_incident row = kit_incident("i1", true, 5, 0);

	kit_open(_i);
	row.state = 2;
	row.due_us = 11;
	store_put_incident(batch, &row);
	kit_put_recipient(batch, "i1", "ledger-hook", 1);
	kit_put_recipient(batch, "i1", "chat", 1);
	kit_put_recipient(batch, "i2", "ledger-hook", 1);
	kit_put_incident(batch, "i2", true, 6, 0);
	kit_put_event(batch, "i1", 5, "opened");
	kit_commit(batch);
	batch = store_batch_new();
	kit_put_incident(batch, "i1", false, 5, 20);
	kit_commit(batch);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 2);
	ck_assert_str_eq(kit.rows[0],
			 "incident i2 shop/ledger/ledger ledger open 1 at 6 0 {}" NO_STATE);
	ck_assert_str_eq(kit.rows[1], "recipient i2 ledger-hook {} role 0 state 1");
	batch = store_batch_new();
	kit_put_incident(batch, "i1", true, 5, 0);
	kit_commit(batch);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 3);
	ck_assert_str_eq(kit.rows[0],
			 "incident i1 shop/ledger/ledger ledger open 1 at 5 0 {}" NO_STATE);
	ck_assert_str_eq(kit.rows[2], "recipient i2 ledger-hook {} role 0 state 1");
	kit_load_events();
	ck_assert_uint_eq(kit.nrows, 1);
}
END_TEST

/* Also where two are of one microsecond, and where the clock was set back. */
START_TEST(events_stay_in_the_order_of_writing)
{
	struct store_batch *batch = store_batch_new();

	kit_open(_i);
	kit_put_event(batch, "i1", 30, "opened");
	kit_put_event(batch, "i1", 30, "paged");
	kit_put_event(batch, "i2", 20, "opened");
	kit_commit(batch);
	batch = store_batch_new();
	kit_put_event(batch, "i1", 10, "reached");
	kit_put_event(batch, "i1", 10, "reached");
	kit_commit(batch);
	kit_load_events();
	ck_assert_uint_eq(kit.nrows, 5);
	ck_assert_str_eq(kit.rows[0], "30 i1 opened by prometheus/a: ledger fails");
	ck_assert_str_eq(kit.rows[1], "30 i1 paged by prometheus/a: ledger fails");
	ck_assert_str_eq(kit.rows[2], "20 i2 opened by prometheus/a: ledger fails");
	ck_assert_str_eq(kit.rows[3], "10 i1 reached by prometheus/a: ledger fails");
	ck_assert_str_eq(kit.rows[4], "10 i1 reached by prometheus/a: ledger fails");
}
END_TEST

START_TEST(remove_and_what_is_not_there)
{
	struct store_batch *batch = store_batch_new();
	struct stored_alert row = { .id = 9, .incident = "" };
	struct stored_page page = { .id = 9, .error = "" };
	struct stored_incident incident = { .id = "i9", .open = true };

	kit_open(_i);
	kit_put_alert(batch, "prometheus/a", 1);
	kit_put_alert(batch, "prometheus/b", 2);
	kit_commit(batch);
	batch = store_batch_new();
	store_remove_alert(batch, 1);
	store_remove_alert(batch, 9);
	store_touch_alert(batch, &row);
	store_touch_page(batch, &page);
	store_touch_incident(batch, &incident);
	kit_put_incident(batch, "i8", false, 1, 2);
	kit_commit(batch);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 1);
	ck_assert_str_eq(kit.rows[0],
			 "alert 2 prometheus/b {}  state 0 attempts 0 at 2 0 0 copies ");
}
END_TEST

/* Also where the newest has ended and is not loaded, and where the newest was written first. */
START_TEST(of_one_key_the_newest_counts)
{
	struct store_batch *batch = store_batch_new();
	struct stored_alert rows[] = {
		{ .id = 6, .key = "prometheus/b", .state = STORED_ALERT_DECIDED },
		{ .id = 5, .key = "prometheus/b" },
		{ .id = 1, .key = "prometheus/a" },
		{ .id = 2, .key = "prometheus/a", .accepted_us = 3 },
		{ .id = 3, .key = "prometheus/c" },
		{ .id = 4, .key = "prometheus/c", .state = STORED_ALERT_ENDED },
	};

	kit_open(_i);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		store_put_alert(batch, &rows[i]);
	kit_commit(batch);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 2);
	ck_assert_str_eq(kit.rows[0], "alert 6 prometheus/b   state 1 attempts 0 at 0 0 0 copies ");
	ck_assert_str_eq(kit.rows[1], "alert 2 prometheus/a   state 0 attempts 0 at 3 0 0 copies ");
}
END_TEST

/* Written in an order that is not the order of age. Of pages only those that are queued come. */
START_TEST(loads_what_a_restart_needs_by_age)
{
	static const char *const wanted[] = {
		"sender am1 ",
		"sender am2 ",
		"incident open-1 ",
		"incident open-2 ",
		"recipient open-1 chat ",
		"recipient open-1 ledger-hook ",
		"recipient open-2 chat ",
		"page 2 ",
		"page 6 closed ",
		"page 7 ",
		"alert 4 prometheus/ended-now ",
		"alert 2 prometheus/old ",
		"alert 3 prometheus/middle ",
		"alert 1 prometheus/young ",
	};
	struct store_batch *batch = store_batch_new();
	int64_t now_us = clock_wall_us(clock_system());

	kit_open(_i);
	kit_put_alert(batch, "prometheus/young", 30);
	kit_put_alert(batch, "prometheus/old", 10);
	kit_put_alert(batch, "prometheus/middle", 20);
	kit_put_ended(batch, "prometheus/ended-now", now_us);
	kit_put_ended(batch, "prometheus/ended-long-ago",
		      now_us - LIMIT_RESOLVED_MEMORY_US - US_PER_MINUTE);
	kit_put_page(batch, 7, "open-2", STORED_PAGE_QUEUED);
	kit_put_page(batch, 5, "open-2", STORED_PAGE_DELIVERED);
	kit_put_page(batch, 3, "open-1", STORED_PAGE_REJECTED);
	kit_put_page(batch, 4, "closed", STORED_PAGE_DROPPED);
	kit_put_page(batch, 6, "closed", STORED_PAGE_QUEUED);
	kit_put_page(batch, 2, "open-1", STORED_PAGE_QUEUED);
	kit_put_recipient(batch, "open-2", "chat", 1);
	kit_put_recipient(batch, "open-1", "ledger-hook", 1);
	kit_put_recipient(batch, "open-1", "chat", 1);
	store_put_sender(batch, &(struct stored_sender){ "am2", 2 });
	store_put_sender(batch, &(struct stored_sender){ "am1", 1 });
	kit_put_incident(batch, "open-2", true, 200, 0);
	kit_put_incident(batch, "closed", false, 50, 60);
	kit_put_incident(batch, "open-1", true, 100, 0);
	kit_commit(batch);
	kit_reopen(_i);
	kit_load();
	ck_assert_uint_eq(kit.nrows, ARRAY_LEN(wanted));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		ck_assert_msg(strncmp(kit.rows[i], wanted[i], strlen(wanted[i])) == 0,
			      "row %zu is \"%s\", not \"%s\"", i, kit.rows[i], wanted[i]);
}
END_TEST

START_TEST(completions_come_in_order)
{
	char key[32];

	kit_open(_i);
	for (int i = 0; i < 300; i++) {
		struct store_batch *batch = store_batch_new();

		snprintf(key, sizeof(key), "prometheus/%d", i);
		if (i % 7) /* an empty batch completes in its place too */
			kit_put_alert(batch, key, i);
		kit_hand_over(batch, i);
	}
	kit_wait_done(300);
	ck_assert_uint_eq(store_waiting(kit.store), 0);
	for (int i = 0; i < 300; i++) {
		ck_assert_int_eq(kit.done.ids[i], i);
		ck_assert_int_eq(kit.done.errors[i], 0);
	}
}
END_TEST

static void commit_another(void *ctx, int error, const char *text)
{
	struct store_batch *batch = store_batch_new();

	kit_on_done(ctx, error, text);
	kit_put_alert(batch, "prometheus/second", 2);
	kit_hand_over(batch, 2);
}

START_TEST(a_completion_may_commit)
{
	struct store_batch *batch = store_batch_new();

	kit_open(_i);
	kit_put_alert(batch, "prometheus/first", 1);
	ck_assert_int_eq(store_commit(kit.store, batch, commit_another, NULL), 0);
	kit_wait_done(2);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 2);
}
END_TEST

START_TEST(close_commits_what_was_handed_over)
{
	struct store_batch *batch = store_batch_new();

	kit_open(_i);
	kit_put_alert(batch, "prometheus/a", 1);
	ck_assert_int_eq(store_commit(kit.store, batch, NULL, NULL), 0);
	batch = store_batch_new();
	kit_put_alert(batch, "prometheus/b", 2);
	kit_hand_over(batch, 1);
	kit_reopen(_i);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 2);
	ck_assert_uint_eq(kit.done.n, 0);
}
END_TEST

/* Without any other batch, and in its place where there is one. */
START_TEST(what_nobody_waits_for_is_written)
{
	struct pollfd pollfd = { .events = POLLIN };
	struct store_batch *batch = store_batch_new();

	kit_open(KIT_SQLITE);
	pollfd.fd = store_fd(kit.store);
	kit_put_alert(batch, "prometheus/later", 1);
	ck_assert_int_eq(store_commit_later(kit.store, batch), 0);
	ck_assert_uint_eq(store_waiting(kit.store), 1);
	while (store_waiting(kit.store) > 0) {
		ck_assert_int_eq(poll(&pollfd, 1, 30000), 1);
		store_poll(kit.store);
	}
	batch = store_batch_new();
	kit_put_alert(batch, "prometheus/again", 2);
	ck_assert_int_eq(store_commit_later(kit.store, batch), 0);
	batch = store_batch_new();
	store_remove_alert(batch, kit.last_id);
	kit_commit(batch);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 1);
	ck_assert_ptr_nonnull(strstr(kit.rows[0], "prometheus/later "));
}
END_TEST

START_TEST(close_commits_what_nobody_waits_for)
{
	struct store_batch *batch = store_batch_new();

	kit_open(_i);
	kit_put_alert(batch, "prometheus/a", 1);
	ck_assert_int_eq(store_commit_later(kit.store, batch), 0);
	kit_reopen(_i);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 1);
}
END_TEST

START_TEST(a_full_queue_takes_the_last_batches)
{
	struct store_batch *large = store_batch_new(), *batch = store_batch_new();

	kit_open(_i);
	for (int i = 0; i < LIMIT_STORE_QUEUE; i++)
		store_remove_alert(large, 1);
	kit_hand_over(large, 1);
	kit_put_alert(batch, "prometheus/last", 1);
	ck_assert_int_eq(store_commit_later(kit.store, batch), -EAGAIN);
	store_end(kit.store);
	ck_assert_int_eq(store_commit_later(kit.store, batch), 0);
	kit_reopen(_i);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 1);
}
END_TEST

START_TEST(a_full_queue_keeps_the_batch)
{
	struct store_batch *large = store_batch_new(), *batch = store_batch_new();

	kit_open(_i);
	for (int i = 0; i < LIMIT_STORE_QUEUE; i++)
		store_remove_alert(large, 1);
	kit_put_alert(batch, "prometheus/b", 1);
	kit_hand_over(large, 1);
	/* A committed batch counts until store_poll() has reported it. */
	ck_assert_uint_eq(store_waiting(kit.store), LIMIT_STORE_QUEUE);
	ck_assert_int_eq(store_commit(kit.store, batch, kit_on_done, NULL), -EAGAIN);
	ck_assert_uint_eq(store_waiting(kit.store), LIMIT_STORE_QUEUE);
	kit_wait_done(1);
	kit_commit(batch);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 1);
}
END_TEST

/* The queue has room again for as many bytes as were reported, time after time. */
START_TEST(reported_bytes_are_given_back)
{
	const size_t len = LIMIT_STORE_QUEUE_BYTES / 2;
	CLEANUP_FREE char *doc = xcalloc(1, len + 1);
	struct stored_alert row = kit_alert("prometheus/a", 1);

	memset(doc, 'x', len);
	row.doc = doc;
	row.doc_len = len;
	kit_open(KIT_FAKE);
	for (size_t i = 0; i < 6; i++) {
		struct store_batch *batch = store_batch_new();

		store_put_alert(batch, &row);
		kit_commit(batch);
	}
}
END_TEST

START_TEST(a_queue_full_of_bytes_keeps_the_batch)
{
	const size_t len = LIMIT_STORE_QUEUE_BYTES / 4;
	CLEANUP_FREE char *doc = xcalloc(1, len + 1);
	struct store_batch *batch;
	struct stored_alert row = kit_alert("prometheus/a", 1);

	memset(doc, 'x', len);
	row.doc = doc;
	row.doc_len = len;
	kit_open(KIT_FAKE);
	for (int i = 0; i < 4; i++) {
		batch = store_batch_new();
		store_put_alert(batch, &row);
		kit_hand_over(batch, i);
	}
	batch = store_batch_new();
	ck_assert_int_eq(store_commit(kit.store, batch, kit_on_done, NULL), -EAGAIN);
	store_batch_free(batch);
	fake_store_crash(kit.fake);
	kit.store = NULL;
}
END_TEST

/* ---- the fake store ---- */

START_TEST(the_fake_completes_when_told_and_loses_the_rest)
{
	static const char *const keys[] = { "prometheus/a", "prometheus/b", "prometheus/c" };

	kit_open(KIT_FAKE);
	for (int i = 0; i < 3; i++) {
		struct store_batch *batch = store_batch_new();

		kit_put_alert(batch, keys[i], i);
		kit_hand_over(batch, i);
	}
	ck_assert_ptr_null(fake_store_alert(kit.fake, "prometheus/a"));
	ck_assert_uint_eq(fake_store_complete(kit.fake, 2), 2);
	ck_assert_uint_eq(kit.done.n, 2);
	fake_store_crash(kit.fake);
	kit_open(KIT_FAKE);
	kit_load();
	ck_assert_uint_eq(kit.nrows, 2);
	ck_assert_ptr_nonnull(fake_store_alert(kit.fake, "prometheus/b"));
	ck_assert_ptr_null(fake_store_alert(kit.fake, "prometheus/c"));
}
END_TEST

START_TEST(the_fake_fails_when_told)
{
	struct store_batch *batch = store_batch_new();

	kit_open(KIT_FAKE);
	fake_store_fail(kit.fake, -ENOSPC);
	kit_put_alert(batch, "prometheus/a", 1);
	kit_hand_over(batch, 1);
	fake_store_complete(kit.fake, 1);
	ck_assert_int_eq(kit.done.errors[0], -ENOSPC);
	ck_assert_uint_eq(kit.fake->nalerts, 0);
	fake_store_fail(kit.fake, 0);
	batch = store_batch_new();
	kit_put_alert(batch, "prometheus/a", 1);
	kit_commit(batch);
	ck_assert_uint_eq(kit.fake->nalerts, 1);
}
END_TEST

/* ---- groups: a backend that records what it is asked to commit ---- */

static struct {
	char calls[256];
	const char *bad; /* key of the alert whose batch is refused */
	int fail;
	bool nothing; /* commits succeed without a change */
} recorder;

static int record_commit(void *backend, struct store_batch *first, const struct store_batch *end,
			 struct store_batch **ret_bad, struct err *ret_err)
{
	struct store_op op;
	size_t pos;

	(void)backend;
	ck_assert_int_gt(store_commit_age_us(kit.store), 0);
	strcat(recorder.calls, "[");
	for (struct store_batch *batch = first; batch != end; batch = STAILQ_NEXT(batch, link)) {
		pos = 0;
		ck_assert(store_batch_next(batch, &pos, &op));
		strcat(recorder.calls, op.alert.key);
		if (recorder.bad && strcmp(op.alert.key, recorder.bad) == 0) {
			strcat(recorder.calls, "!");
			*ret_bad = batch;
			return err_set(ret_err, EINVAL, "bad");
		}
	}
	strcat(recorder.calls, "]");
	return recorder.fail ? err_set(ret_err, EIO, "disk") : recorder.nothing;
}

static void record_close(void *backend)
{
	(void)backend;
}

static const struct store_ops recorder_ops = { .commit = record_commit, .close = record_close };

static void record_letters(const char *letters)
{
	memset(&recorder.calls, 0, sizeof(recorder.calls));
	kit.store = store_new(&recorder_ops, NULL);
	for (size_t i = 0; letters[i]; i++) {
		const char key[2] = { letters[i], '\0' };
		struct store_batch *batch = store_batch_new();

		kit_put_alert(batch, key, 1);
		kit_hand_over(batch, letters[i]);
	}
	store_run(kit.store, SIZE_MAX);
	store_poll(kit.store);
	ck_assert_uint_eq(kit.done.n, strlen(letters));
	ck_assert_int_eq(store_commit_age_us(kit.store), 0);
	for (size_t i = 0; letters[i]; i++)
		ck_assert_int_eq(kit.done.ids[i], letters[i]);
}

/* Times in microseconds; a group of LIMIT_STORE_GROUP_BYTES waits for nothing. */
START_TEST(a_group_is_due)
{
	static const struct {
		struct store_due due;
		int64_t now_us, in_us;
	} rows[] = {
		{ { 10, 1, 0, 0 }, 1000, 0 },	    /* nothing was queued during the last commit */
		{ { 10, 1, 3000, 0 }, 1000, 2000 }, /* it gathers */
		{ { 10, 1, 3000, 0 }, 3000, 0 },
		{ { 10, 1, 3000, 9000 }, 1000, 2000 }, /* one batch waits, others need not */
		{ { 10, 0, 0, 9000 }, 1000, 8000 },
		{ { 10, 0, 0, 9000 }, 9001, 0 },
		{ { LIMIT_STORE_GROUP_BYTES - 1, 1, 3000, 0 }, 1000, 2000 },
		{ { LIMIT_STORE_GROUP_BYTES, 1, 3000, 0 }, 1000, 0 },
		{ { LIMIT_STORE_GROUP_BYTES, 0, 0, 9000 }, 1000, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(store_due_in_us(&rows[i].due, rows[i].now_us) == rows[i].in_us,
			      "row %zu", i);
}
END_TEST

START_TEST(what_waits_is_one_group)
{
	recorder.bad = NULL;
	recorder.fail = 0;
	record_letters("abcde");
	ck_assert_str_eq(recorder.calls, "[abcde]");
}
END_TEST

START_TEST(a_bad_batch_fails_alone)
{
	recorder.bad = "c";
	recorder.fail = 0;
	record_letters("abcde");
	ck_assert_str_eq(recorder.calls, "[abc![ab][de]");
	ck_assert_int_eq(kit.done.errors[1], 0);
	ck_assert_int_eq(kit.done.errors[2], -EINVAL);
	ck_assert_int_eq(kit.done.errors[3], 0);
	ck_assert_str_eq(kit.done.text, "bad");
}
END_TEST

START_TEST(bad_batches_at_the_ends)
{
	recorder.bad = "a";
	recorder.fail = 0;
	record_letters("abca");
	ck_assert_str_eq(recorder.calls, "[a![bca![bc]");
	ck_assert_int_eq(kit.done.errors[0], -EINVAL);
	ck_assert_int_eq(kit.done.errors[1], 0);
	ck_assert_int_eq(kit.done.errors[2], 0);
	ck_assert_int_eq(kit.done.errors[3], -EINVAL);
}
END_TEST

START_TEST(a_failing_disk_fails_the_group_at_once)
{
	recorder.bad = NULL;
	recorder.fail = 1;
	record_letters("abc");
	ck_assert_str_eq(recorder.calls, "[abc]");
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(kit.done.errors[i], -EIO);
	ck_assert_str_eq(kit.done.text, "disk");
}
END_TEST

/* Commits a group of one batch and checks store_healthy(). */
static void record_one(bool fails)
{
	struct store_batch *batch = store_batch_new();

	recorder.fail = fails;
	kit_put_alert(batch, "a", 1);
	kit_hand_over(batch, 'a');
	store_run(kit.store, SIZE_MAX);
	store_poll(kit.store);
	ck_assert(store_healthy(kit.store) == !fails);
}

/* A commit that changes no row never reaches the disk: a failing store stays failing. */
START_TEST(a_commit_without_change_tells_nothing)
{
	recorder.bad = NULL;
	recorder.nothing = false;
	kit.store = store_new(&recorder_ops, NULL);
	record_one(true);
	recorder.nothing = true;
	recorder.fail = 0;
	struct store_batch *batch = store_batch_new();
	kit_put_alert(batch, "a", 1);
	kit_hand_over(batch, 'b');
	store_run(kit.store, SIZE_MAX);
	store_poll(kit.store);
	ck_assert_int_eq(kit.done.errors[0], -EIO);
	ck_assert_int_eq(kit.done.errors[1], 0);
	ck_assert(!store_healthy(kit.store));
	recorder.nothing = false;
	record_one(false);
	/* Nor does it make a good store fail. */
	recorder.nothing = true;
	record_one(false);
	recorder.nothing = false;
}
END_TEST

/* A nearly full disk takes small groups and refuses large ones: store_healthy() follows the last
 * commit, and the log has one line a minute, not one for each change. */
START_TEST(failures_and_successes_by_turns)
{
	char said[65536];
	int ends[2], old = dup(STDERR_FILENO);

	memset(&recorder, 0, sizeof(recorder));
	kit.store = store_new(&recorder_ops, NULL);
	ck_assert(store_healthy(kit.store));
	ck_assert_int_eq(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	for (int i = 0; i < 6; i++)
		record_one(i % 2 == 0);
	dup2(old, STDERR_FILENO);
	close(ends[1]);
	close(old);
	ssize_t n = read(ends[0], said, sizeof(said) - 1);
	close(ends[0]);
	ck_assert_int_gt(n, 0);
	said[n] = '\0';
	const char *first = strstr(said, "the store cannot write");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "the store"));
}
END_TEST

static void add_contract(Suite *suite)
{
	TCase *tcase = tcase_create("contract");

	tcase_add_checked_fixture(tcase, kit_setup, kit_teardown);
	tcase_add_loop_test(tcase, every_field_comes_back, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, null_strings_are_empty, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, puts_replace, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, touch_leaves_the_document, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, an_escalation_comes_back, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, touch_of_an_incident_leaves_key_team_times_and_page, 0,
			    KIT_COUNT);
	tcase_add_loop_test(tcase, what_is_not_open_has_no_state_and_no_recipients, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, events_stay_in_the_order_of_writing, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, remove_and_what_is_not_there, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, of_one_key_the_newest_counts, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, loads_what_a_restart_needs_by_age, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, completions_come_in_order, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, a_completion_may_commit, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, close_commits_what_was_handed_over, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, a_full_queue_keeps_the_batch, 0, KIT_COUNT);
	tcase_add_test(tcase, what_nobody_waits_for_is_written);
	tcase_add_loop_test(tcase, close_commits_what_nobody_waits_for, 0, KIT_COUNT);
	tcase_add_loop_test(tcase, a_full_queue_takes_the_last_batches, 0, KIT_COUNT);
	tcase_add_test(tcase, reported_bytes_are_given_back);
	tcase_add_test(tcase, a_queue_full_of_bytes_keeps_the_batch);
	tcase_add_test(tcase, the_fake_completes_when_told_and_loses_the_rest);
	tcase_add_test(tcase, the_fake_fails_when_told);
	suite_add_tcase(suite, tcase);
}

static void add_groups(Suite *suite)
{
	TCase *tcase = tcase_create("groups");

	tcase_add_checked_fixture(tcase, kit_setup, kit_teardown);
	tcase_add_test(tcase, a_group_is_due);
	tcase_add_test(tcase, what_waits_is_one_group);
	tcase_add_test(tcase, a_bad_batch_fails_alone);
	tcase_add_test(tcase, bad_batches_at_the_ends);
	tcase_add_test(tcase, a_failing_disk_fails_the_group_at_once);
	tcase_add_test(tcase, a_commit_without_change_tells_nothing);
	tcase_add_test(tcase, failures_and_successes_by_turns);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("store");
	SRunner *runner = srunner_create(suite);
	int failed;

	add_contract(suite);
	add_groups(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
