/* The writes of a turn and who waits for them, on the fake store; and work in slices. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../relay/incident/turn-internal.h"
#include "../../lib/fake_clock.h"
#include "../../lib/fake_store.h"
#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

static struct fake_clock fake;
static struct fake_store *disk;
static struct store *store;
static struct turns *turns;
static struct buf told; /* what was called, in order */

static void set_up(void)
{
	log_set_level(LOG_LEVEL_ERROR + 1);
	fake_clock_init(&fake);
	buf_init(&told, 1 << 16);
	disk = fake_store_new(&fake.clock);
	store = fake_store_open(disk);
	turns = turns_new(store, fake.timers, &fake.clock);
}

static void tear_down(void)
{
	turns_free(turns);
	fake_store_free(disk);
	ck_assert_int_eq(timers_next_us(fake.timers), INT64_MAX);
	fake_clock_fini(&fake);
	buf_fini(&told);
}

static void on_done(void *ctx, int error, const char *text)
{
	buf_printf(&told, "%s", (const char *)ctx);
	if (error)
		buf_printf(&told, "(%d %s)", error, text);
	buf_putc(&told, ' ');
}

static void on_forget(void *ctx)
{
	buf_printf(&told, "forget-%s ", (const char *)ctx);
}

static void answer(const char *name)
{
	turns_answer(turns, on_done, (void *)(uintptr_t)name);
}

static void then(const char *name)
{
	turns_then(turns, on_done, on_forget, (void *)(uintptr_t)name);
}

static void put(const char *name)
{
	store_put_sender(turns_batch(turns), &(struct stored_sender){ name, 1 });
}

/* ---- groups ---- */

START_TEST(answers_come_before_others_each_in_order)
{
	then("page-1");
	answer("sender-1");
	put("am1");
	then("page-2");
	answer("sender-2");
	ck_assert(turns_pending(turns));
	turns_flush(turns);
	ck_assert(!turns_pending(turns));
	ck_assert_str_eq(buf_text(&told), "");
	ck_assert_uint_eq(fake_store_complete(disk, SIZE_MAX), 1);
	ck_assert_str_eq(buf_text(&told), "sender-1 sender-2 page-1 page-2 ");
	ck_assert_uint_eq(disk->nsenders, 1);
}
END_TEST

START_TEST(a_failure_is_told_to_all)
{
	fake_store_fail(disk, -ENOSPC);
	then("page");
	answer("sender");
	put("am1");
	turns_flush(turns);
	fake_store_complete(disk, SIZE_MAX);
	ck_assert_str_eq(buf_text(&told),
			 "sender(-28 the fake store was told to fail: No space left on device) "
			 "page(-28 the fake store was told to fail: No space left on device) ");
}
END_TEST

START_TEST(nothing_is_no_group)
{
	ck_assert(!turns_pending(turns));
	turns_flush(turns);
	ck_assert_uint_eq(fake_store_complete(disk, SIZE_MAX), 0);
}
END_TEST

/* It is handed over at the end of its turn, and waits for a queue that is full. */
START_TEST(what_nobody_waits_for_is_handed_over)
{
	struct store_batch *large = store_batch_new();

	store_put_sender(turns_later_batch(turns), &(struct stored_sender){ "am1", 1 });
	ck_assert(turns_pending(turns));
	turns_flush(turns);
	ck_assert(!turns_pending(turns));
	fake_store_complete(disk, SIZE_MAX);
	ck_assert_uint_eq(disk->nsenders, 1);
	for (int i = 0; i < LIMIT_STORE_QUEUE; i++)
		store_remove_alert(large, 1);
	ck_assert_int_eq(store_commit(store, large, NULL, NULL), 0);
	store_put_sender(turns_later_batch(turns), &(struct stored_sender){ "am2", 1 });
	turns_flush(turns);
	ck_assert(turns_pending(turns));
	fake_store_complete(disk, SIZE_MAX);
	fake_clock_advance(&fake, LIMIT_STORE_OFFER_US);
	ck_assert(!turns_pending(turns));
	fake_store_complete(disk, SIZE_MAX);
	ck_assert_uint_eq(disk->nsenders, 2);
}
END_TEST

START_TEST(who_only_waits_is_answered_behind_what_is_written)
{
	put("am1");
	turns_flush(turns);
	answer("sender");
	turns_flush(turns);
	ck_assert_uint_eq(fake_store_complete(disk, 1), 1);
	ck_assert_str_eq(buf_text(&told), "");
	ck_assert_uint_eq(fake_store_complete(disk, 1), 1);
	ck_assert_str_eq(buf_text(&told), "sender ");
}
END_TEST

static void put_more(void *ctx, int error, const char *text)
{
	on_done(ctx, error, text);
	put("am2");
	then("behind");
}

START_TEST(what_a_callback_adds_is_the_next_turns)
{
	put("am1");
	turns_then(turns, put_more, on_forget, (void *)(uintptr_t) "first");
	then("second");
	turns_flush(turns);
	fake_store_complete(disk, SIZE_MAX);
	ck_assert_str_eq(buf_text(&told), "first second ");
	ck_assert(turns_pending(turns));
	ck_assert_uint_eq(disk->nsenders, 1);
	turns_flush(turns);
	fake_store_complete(disk, SIZE_MAX);
	ck_assert_str_eq(buf_text(&told), "first second behind ");
	ck_assert_uint_eq(disk->nsenders, 2);
}
END_TEST

/* As many operations as the store's queue takes. */
static void fill_the_queue(void)
{
	struct store_batch *batch = store_batch_new();

	for (size_t i = 0; i < LIMIT_STORE_QUEUE; i++)
		store_remove_alert(batch, 1);
	ck_assert_int_eq(store_commit(store, batch, NULL, NULL), 0);
}

START_TEST(a_full_queue_is_offered_the_group_again)
{
	fill_the_queue();
	put("am1");
	answer("sender");
	turns_flush(turns);
	ck_assert(turns_pending(turns));
	/* Nothing is lost meanwhile, and what comes joins the same group. */
	put("am2");
	then("page");
	fake_clock_advance(&fake, 10 * LIMIT_STORE_OFFER_US);
	ck_assert(turns_pending(turns));
	ck_assert_str_eq(buf_text(&told), "");
	ck_assert_uint_eq(fake_store_complete(disk, SIZE_MAX), 1);
	/* No turn of the loop is needed: the timer offers it. */
	fake_clock_advance(&fake, LIMIT_STORE_OFFER_US);
	ck_assert(!turns_pending(turns));
	ck_assert_uint_eq(fake_store_complete(disk, SIZE_MAX), 1);
	ck_assert_str_eq(buf_text(&told), "sender page ");
	ck_assert_uint_eq(disk->nsenders, 2);
	ck_assert_int_eq(timers_next_us(fake.timers), INT64_MAX);
}
END_TEST

/* Answers are given to those who asked: when the program ends, nobody is there. What was to happen
 * behind a write is forgotten, wherever the write is. */
START_TEST(freeing_forgets_each_once)
{
	then("done");
	turns_flush(turns);
	fake_store_complete(disk, SIZE_MAX);
	then("committing-1");
	answer("sender");
	turns_flush(turns);
	then("committing-2");
	turns_flush(turns);
	then("gathering");
	turns_free(turns);
	turns = NULL;
	const char *text = buf_text(&told);
	ck_assert_ptr_nonnull(strstr(text, "forget-committing-1 "));
	ck_assert_ptr_nonnull(strstr(text, "forget-committing-2 "));
	ck_assert_ptr_nonnull(strstr(text, "forget-gathering "));
	ck_assert_uint_eq(strlen(text), strlen("done forget-committing-1 forget-committing-2 "
					       "forget-gathering "));
}
END_TEST

START_TEST(freeing_with_a_full_queue_forgets_too)
{
	fill_the_queue();
	then("offered");
	turns_flush(turns);
	turns_free(turns);
	turns = NULL;
	ck_assert_str_eq(buf_text(&told), "forget-offered ");
}
END_TEST

START_TEST(who_has_nothing_to_forget_is_left_alone)
{
	turns_then(turns, on_done, NULL, (void *)(uintptr_t) "page");
	turns_free(turns);
	turns = NULL;
	ck_assert_str_eq(buf_text(&told), "");
}
END_TEST

/* ---- slices ---- */

#define SLICES 200

static struct slice slices[SLICES];
static size_t ran;
static int64_t costs_us;

static void run_slice(void *arg)
{
	const struct slice *slice = arg;

	ck_assert(!slice->queued);
	ck_assert_ptr_eq(slice, &slices[ran]);
	ran++;
	fake.mono_us += costs_us;
}

static void add_slices(size_t n)
{
	ran = 0;
	for (size_t i = 0; i < n; i++) {
		slices[i] = (struct slice){ .run = run_slice, .arg = &slices[i] };
		slice_add(turns, &slices[i]);
	}
}

/* One turn of the loop; returns how many slices ran. */
static size_t one_turn(void)
{
	size_t before = ran;

	timers_run(fake.timers, fake.mono_us);
	return ran - before;
}

START_TEST(a_turn_runs_at_most_64_slices)
{
	costs_us = 0;
	add_slices(150);
	ck_assert_uint_eq(slices_waiting(turns), 150);
	ck_assert_uint_eq(one_turn(), 64);
	ck_assert_uint_eq(slices_waiting(turns), 86);
	ck_assert_uint_eq(one_turn(), 64);
	ck_assert_uint_eq(one_turn(), 22);
	ck_assert_uint_eq(one_turn(), 0);
	ck_assert_uint_eq(slices_waiting(turns), 0);
}
END_TEST

/* 300 us each: after the fourth the millisecond is over. */
START_TEST(a_turn_runs_slices_for_a_millisecond)
{
	costs_us = 300;
	add_slices(10);
	ck_assert_uint_eq(one_turn(), 4);
	ck_assert_uint_eq(one_turn(), 4);
	ck_assert_uint_eq(one_turn(), 2);
}
END_TEST

static void on_costly(void *ctx, int error, const char *text)
{
	ck_assert_ptr_eq(ctx, &costs_us);
	ck_assert_int_eq(error, -ENOSPC);
	ck_assert_ptr_nonnull(strstr(text, "told to fail")); /* also in a later turn */
	ran++;
	fake.mono_us += costs_us;
}

/* 300 us each, of two groups that are committed at once. */
START_TEST(who_waits_for_a_commit_is_called_for_a_millisecond_in_a_turn)
{
	ran = 0;
	costs_us = 300;
	fake_store_fail(disk, -ENOSPC);
	for (int i = 0; i < 10; i++) {
		turns_then(turns, on_costly, NULL, &costs_us);
		if (i == 6)
			turns_flush(turns);
	}
	answer("sender");
	put("am1");
	turns_flush(turns);
	fake_store_complete(disk, SIZE_MAX);
	ck_assert_uint_eq(ran, 4);
	ck_assert_ptr_nonnull(strstr(buf_text(&told), "sender(")); /* answers do not wait */
	ck_assert(turns_pending(turns));
	ck_assert_uint_eq(one_turn(), 4);
	ck_assert_uint_eq(one_turn(), 2);
	ck_assert(!turns_pending(turns));
	ck_assert_uint_eq(one_turn(), 0);
}
END_TEST

START_TEST(freeing_forgets_who_was_not_called_yet)
{
	ran = 0;
	costs_us = US_PER_SECOND;
	fake_store_fail(disk, -ENOSPC);
	turns_then(turns, on_costly, NULL, &costs_us);
	then("page");
	put("am1");
	turns_flush(turns);
	fake_store_complete(disk, SIZE_MAX);
	turns_free(turns);
	turns = NULL;
	ck_assert_str_eq(buf_text(&told), "forget-page ");
}
END_TEST

START_TEST(one_slice_runs_however_long_it_takes)
{
	costs_us = US_PER_SECOND;
	add_slices(2);
	ck_assert_uint_eq(one_turn(), 1);
	ck_assert_uint_eq(one_turn(), 1);
}
END_TEST

START_TEST(a_slice_is_queued_once_and_taken_out_once)
{
	costs_us = 0;
	add_slices(2);
	slice_add(turns, &slices[0]);
	ck_assert_uint_eq(slices_waiting(turns), 2);
	slice_remove(turns, &slices[0]);
	slice_remove(turns, &slices[0]);
	ck_assert_uint_eq(slices_waiting(turns), 1);
	ran = 1;
	ck_assert_uint_eq(one_turn(), 1);
	slice_remove(turns, &slices[1]);
	ck_assert_uint_eq(slices_waiting(turns), 0);
	ck_assert_uint_eq(one_turn(), 0);
}
END_TEST

static void run_again(void *arg)
{
	ran++;
	slice_add(turns, arg);
}

/* It would hold the loop. */
START_TEST(a_slice_that_adds_itself_runs_in_each_turn_a_bounded_time)
{
	ran = 0;
	slices[0] = (struct slice){ .run = run_again, .arg = &slices[0] };
	slice_add(turns, &slices[0]);
	ck_assert_uint_eq(one_turn(), 64);
	ck_assert_uint_eq(one_turn(), 64);
	slice_remove(turns, &slices[0]);
	ck_assert_uint_eq(one_turn(), 0);
}
END_TEST

static void take_out_next(void *arg)
{
	(void)arg;
	ran++;
	slice_remove(turns, &slices[1]);
}

START_TEST(a_slice_may_take_out_the_next)
{
	ran = 0;
	slices[0] = (struct slice){ .run = take_out_next };
	slices[1] = (struct slice){ .run = take_out_next };
	slice_add(turns, &slices[0]);
	slice_add(turns, &slices[1]);
	ck_assert_uint_eq(one_turn(), 1);
	ck_assert_uint_eq(one_turn(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("turn");
	TCase *tcase = tcase_create("turn");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, answers_come_before_others_each_in_order);
	tcase_add_test(tcase, a_failure_is_told_to_all);
	tcase_add_test(tcase, nothing_is_no_group);
	tcase_add_test(tcase, what_nobody_waits_for_is_handed_over);
	tcase_add_test(tcase, who_only_waits_is_answered_behind_what_is_written);
	tcase_add_test(tcase, what_a_callback_adds_is_the_next_turns);
	tcase_add_test(tcase, a_full_queue_is_offered_the_group_again);
	tcase_add_test(tcase, freeing_forgets_each_once);
	tcase_add_test(tcase, freeing_with_a_full_queue_forgets_too);
	tcase_add_test(tcase, who_has_nothing_to_forget_is_left_alone);
	tcase_add_test(tcase, a_turn_runs_at_most_64_slices);
	tcase_add_test(tcase, a_turn_runs_slices_for_a_millisecond);
	tcase_add_test(tcase, who_waits_for_a_commit_is_called_for_a_millisecond_in_a_turn);
	tcase_add_test(tcase, freeing_forgets_who_was_not_called_yet);
	tcase_add_test(tcase, one_slice_runs_however_long_it_takes);
	tcase_add_test(tcase, a_slice_is_queued_once_and_taken_out_once);
	tcase_add_test(tcase, a_slice_that_adds_itself_runs_in_each_turn_a_bounded_time);
	tcase_add_test(tcase, a_slice_may_take_out_the_next);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
