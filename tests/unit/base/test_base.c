/* Base: arenas, buffers, errors, times, timers, maps, secrets, signatures, the pool, metrics. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/err.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "tracepager/pool.h"
#include "tracepager/secret.h"
#include "tracepager/sign.h"
#include "tracepager/timers.h"
#include "tracepager/walk.h"
#include "tracepager/xalloc.h"

START_TEST(arena_keeps_texts_apart)
{
	struct arena *arena = arena_new(1 << 20);
	char *first = arena_strdup(arena, "checkout"),
	     *second = arena_printf(arena, "%s/%d", "cart", 7);
	int *numbers = arena_array(arena, 1000, sizeof(int));

	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(numbers[i], 0);
	ck_assert_str_eq(first, "checkout");
	ck_assert_str_eq(second, "cart/7");
	ck_assert_ptr_null(arena_strdup(arena, NULL));
	ck_assert_uint_eq((uintptr_t)numbers % sizeof(long double), 0);
	arena_free(arena);
	arena_free(NULL);
}
END_TEST

/* Short texts are formatted once, those that do not fit into the arena's scratch twice. */
START_TEST(arena_formats_texts_of_any_length)
{
	static const int lengths[] = { 0, 1, 254, 255, 256, 257, 5000 };
	struct arena *arena = arena_new(1 << 20);

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		const char *text = arena_printf(arena, "%*s", lengths[i], "");

		ck_assert_int_eq(strlen(text), lengths[i]);
		ck_assert_int_eq(strspn(text, " "), lengths[i]);
	}
	ck_assert_str_eq(arena_printf(arena, "%s/%d", "cart", 7), "cart/7");
	arena_free(arena);
}
END_TEST

START_TEST(arena_aborts_over_its_cap)
{
	struct arena *arena = arena_new(100);

	arena_alloc(arena, 60);
	arena_alloc(arena, 60);
}
END_TEST

START_TEST(buf_fails_once_and_stays_as_it_was)
{
	struct buf buf = BUF_INIT(8);

	ck_assert(buf_puts(&buf, "12345678"));
	ck_assert(!buf_putc(&buf, '9'));
	ck_assert(buf.failed);
	ck_assert(!buf_puts(&buf, ""));
	ck_assert_str_eq(buf_text(&buf), "12345678");
	buf_reset(&buf);
	ck_assert(buf_printf(&buf, "%d-%d", 12, 34));
	char *taken = buf_take(&buf);
	ck_assert_str_eq(taken, "12-34");
	ck_assert_str_eq(buf_text(&buf), "");
	free(taken);
}
END_TEST

/* Every byte at every place of two pieces of 16 bytes and of what is left: escaped where it must
 * be, else unchanged. */
START_TEST(json_strings_are_escaped_at_every_place)
{
	for (int c = 1; c < 0x80; c++) {
		for (size_t at = 0; at < 35; at++) {
			struct buf out = BUF_INIT(256);
			char text[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHI", want[64], one[8];
			text[at] = (char)c;
			snprintf(one, sizeof(one), c < 0x20 ? "\\u%04x" : "%c", c);
			if (c == '"' || c == '\\')
				snprintf(one, sizeof(one), "\\%c", c);
			else if (strchr("\n\r\t", c))
				snprintf(one, sizeof(one), "\\%c",
					 c == '\n'   ? 'n'
					 : c == '\r' ? 'r'
						     : 't');
			snprintf(want, sizeof(want), "\"%.*s%s%s\"", (int)at, text, one,
				 text + at + 1);
			buf_json_string(&out, text);
			ck_assert_str_eq(buf_text(&out), want);
			buf_fini(&out);
		}
	}
}
END_TEST

/* A text of 37 bytes, 16 of them quotes, a character of three bytes and a byte that is no UTF-8:
 * whole in 57 bytes, and not with a cap that is smaller by one. */
START_TEST(json_strings_fit_their_cap_exactly)
{
	static const char text[] =
		"\"\"\"\"abcd\"\"\"\"ab\xe2\x82\xac\"\"\"\"\xffzzzzzzz\"\"\"\"xxxx";
	static const char want[] =
		"\"\\\"\\\"\\\"\\\"abcd\\\"\\\"\\\"\\\"ab\xe2\x82\xac\\\"\\\"\\\"\\\"\xef\xbf\xbd"
		"zzzzzzz\\\"\\\"\\\"\\\"xxxx\"";
	struct buf out = BUF_INIT(sizeof(want) - 1), tight = BUF_INIT(sizeof(want) - 2);

	ck_assert(buf_json_string(&out, text));
	ck_assert_str_eq(buf_text(&out), want);
	ck_assert(!buf_json_string(&tight, text));
	ck_assert(tight.failed);
	buf_fini(&out);
	buf_fini(&tight);
}
END_TEST

/* Runs of characters that are no ASCII, with a byte that is no UTF-8 among them. */
START_TEST(json_strings_keep_other_scripts)
{
	struct buf out = BUF_INIT(200);

	buf_json_string(&out, "██░ \xc3\xbc\xc3\xbc\xe2\x96\"漢字\xff漢");
	ck_assert_str_eq(buf_text(&out),
			 "\"██░ üü\xef\xbf\xbd\xef\xbf\xbd\\\"漢字\xef\xbf\xbd漢\"");
	buf_fini(&out);
}
END_TEST

START_TEST(json_numbers_have_their_digits)
{
	struct buf out = BUF_INIT(256);

	buf_json_int(&out, "a", 0);
	buf_json_int(&out, "b", -7);
	buf_json_int(&out, "c", INT64_MAX);
	buf_json_int(&out, "d", INT64_MIN);
	ck_assert_str_eq(buf_text(&out), "\"a\":0,\"b\":-7,\"c\":9223372036854775807,"
					 "\"d\":-9223372036854775808");
	buf_fini(&out);
}
END_TEST

/* A text that outgrows the array on the stack moves to memory of its own; one that is taken is the
 * caller's in both cases. */
START_TEST(local_bufs_outgrow_their_array)
{
	BUF_LOCAL(buf, 2000);
	BUF_LOCAL(tight, 8);

	ck_assert_str_eq(buf_text(&buf), "");
	buf_puts(&buf, "abc");
	ck_assert(buf.lent);
	char *taken = buf_take(&buf);
	ck_assert_str_eq(taken, "abc");
	free(taken);
	ck_assert_uint_eq(buf.cap, 2000);
	for (size_t i = 0; i < 200; i++)
		buf_puts(&buf, "0123456789");
	ck_assert(!buf.failed);
	ck_assert_uint_eq(strlen(buf_text(&buf)), 2000);
	ck_assert_int_eq(strncmp(buf_text(&buf) + 1990, "0123456789", 10), 0);
	ck_assert(!buf_putc(&buf, 'x'));
	buf_fini(&buf);
	ck_assert(buf_puts(&tight, "12345678"));
	ck_assert(tight.lent);
	ck_assert(!buf_putc(&tight, '9'));
	ck_assert_str_eq(buf_text(&tight), "12345678");
	buf_fini(&tight);
}
END_TEST

START_TEST(buf_makes_room_ahead_within_its_cap)
{
	struct buf buf = BUF_INIT(1000);

	buf_want(&buf, 600);
	ck_assert_uint_ge(buf.size, 601);
	ck_assert_str_eq(buf_text(&buf), "");
	buf_want(&buf, 5000);
	ck_assert(!buf.failed);
	ck_assert_uint_eq(buf.size, 1001);
	ck_assert(buf_printf(&buf, "%999d", 1));
	ck_assert(!buf_printf(&buf, "%d", 12));
	ck_assert_uint_eq(buf.len, 999);
	ck_assert_uint_eq(strlen(buf_text(&buf)), 999);
	buf_fini(&buf);
}
END_TEST

/* More ids than one call of the kernel gives: all of 16 lower-case digits, no two alike. */
START_TEST(random_ids_differ)
{
	enum { N = 200 };
	static char ids[N][17];

	for (size_t i = 0; i < N; i++) {
		random_id(ids[i], 8);
		ck_assert_uint_eq(strspn(ids[i], "0123456789abcdef"), 16);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(ids[i], ids[j]);
	}
}
END_TEST

START_TEST(random_ids_of_a_child_are_not_its_parents)
{
	char before[17], own[17], of_child[17] = "";
	int ends[2];

	random_id(before, 8);
	ck_assert_int_eq(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		random_id(own, 8);
		_exit(write(ends[1], own, sizeof(own)) == (ssize_t)sizeof(own) ? 0 : 1);
	}
	random_id(own, 8);
	ck_assert_int_eq(read(ends[0], of_child, sizeof(of_child)), (ssize_t)sizeof(of_child));
	ck_assert_str_ne(own, of_child);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(err_prefix_keeps_what_was_there)
{
	struct err err = { 0 };

	ck_assert_int_eq(err_set_at(&err, EINVAL, 3, 14, "a comma is missing"), -EINVAL);
	err_prefix(&err, "alert %d", 2);
	ck_assert_str_eq(err.text, "alert 2: a comma is missing");
	ck_assert_int_eq(err.line, 3);
	ck_assert_int_eq(err.column, 14);
	ck_assert_int_eq(err_set(NULL, EIO, "nobody reads this"), -EIO);
}
END_TEST

/* Seconds worked out with the calendar: 2026-09-01T10:00:00Z is 20697 days and 10 hours after 1970.
 */
static const struct {
	const char *text;
	int result;
	int64_t us;
} times[] = {
	{ "1970-01-01T00:00:01Z", 0, 1000000 },
	{ "2026-09-01T10:00:00Z", 0, (20697LL * 86400 + 36000) * 1000000 },
	{ "2026-09-01t12:00:00.5+02:00", 0, (20697LL * 86400 + 36000) * 1000000 + 500000 },
	{ "2026-09-01T10:00:00.123456789Z", 0, (20697LL * 86400 + 36000) * 1000000 + 123456 },
	{ "2024-02-29T00:00:00-00:30", 0, (19782LL * 86400 + 1800) * 1000000 },
	{ "0001-01-01T00:00:00Z", 0, 0 },
	{ "2023-02-29T00:00:00Z", -EINVAL, 0 },
	{ "2026-13-01T00:00:00Z", -EINVAL, 0 },
	{ "2026-09-01T24:00:00Z", -EINVAL, 0 },
	{ "2026-09-01T10:00:00", -EINVAL, 0 },
	{ "2026-09-01T10:00:00.Z", -EINVAL, 0 },
	{ "2026-09-01T10:00:00Zx", -EINVAL, 0 },
	{ "2026-9-1T10:00:00Z", -EINVAL, 0 },
	{ "", -EINVAL, 0 },
};

START_TEST(rfc3339_reads)
{
	int64_t us = -1;

	ck_assert_int_eq(rfc3339_parse(times[_i].text, strlen(times[_i].text), &us),
			 times[_i].result);
	if (times[_i].result == 0)
		ck_assert_int_eq(us, times[_i].us);
}
END_TEST

START_TEST(rfc3339_writes)
{
	char out[RFC3339_SIZE];

	ck_assert_str_eq(rfc3339_format((20697LL * 86400 + 36000) * 1000000, out),
			 "2026-09-01T10:00:00Z");
	ck_assert_str_eq(rfc3339_format((20697LL * 86400 + 36000) * 1000000 + 7000, out),
			 "2026-09-01T10:00:00.007Z");
	ck_assert_str_eq(rfc3339_format(-5, out), "1970-01-01T00:00:00Z");
	/* 2000-02-29 is day 11016, 2100-03-01 (no leap year) day 47541. */
	ck_assert_str_eq(rfc3339_format(11016LL * 86400 * 1000000, out), "2000-02-29T00:00:00Z");
	ck_assert_str_eq(rfc3339_format((11017LL * 86400 - 1) * 1000000 + 999999, out),
			 "2000-02-29T23:59:59.999Z");
	ck_assert_str_eq(rfc3339_format(47541LL * 86400 * 1000000, out), "2100-03-01T00:00:00Z");
	ck_assert_str_eq(rfc3339_format((47541LL * 86400 - 1) * 1000000, out),
			 "2100-02-28T23:59:59Z");
	/* The last second that has four digits, and the one behind it. */
	ck_assert_str_eq(rfc3339_format(253402300799LL * 1000000, out), "9999-12-31T23:59:59Z");
	ck_assert_str_eq(rfc3339_format(253402300800LL * 1000000, out), "1970-01-01T00:00:00Z");
}
END_TEST

struct ring {
	struct timers *timers;
	struct timer timer;
	int number, *order, *n;
	bool again;
};

static void ring(void *arg)
{
	struct ring *self = arg;

	self->order[(*self->n)++] = self->number;
	if (self->again)
		timer_arm(self->timers, &self->timer, 0);
}

START_TEST(timers_fire_in_order)
{
	struct timers *timers = timers_new();
	int order[16], n = 0;
	struct ring rings[5];
	const int64_t at[] = { 50, 10, 40, 20, 30 };

	for (int i = 0; i < 5; i++) {
		rings[i] = (struct ring){ .timers = timers, .number = i, .order = order, .n = &n };
		rings[i].timer = (struct timer){ .fire = ring, .arg = &rings[i] };
		timer_arm(timers, &rings[i].timer, at[i]);
	}
	ck_assert_int_eq(timers_next_us(timers), 10);
	timer_disarm(timers, &rings[3].timer);
	timer_disarm(timers, &rings[3].timer);
	timer_arm(timers, &rings[0].timer, 5); /* moved to the front */
	ck_assert_uint_eq(timers_run(timers, 30), 3);
	ck_assert_int_eq(order[0], 0);
	ck_assert_int_eq(order[1], 1);
	ck_assert_int_eq(order[2], 4);
	ck_assert_int_eq(timers_next_us(timers), 40);
	ck_assert_uint_eq(timers_run(timers, 1000), 1);
	ck_assert_int_eq(timers_next_us(timers), INT64_MAX);
	timers_free(timers);
}
END_TEST

enum { MANY_TIMERS = 341 };

/* Three are armed at each time, in an order that visits each timer once (7 and 341 have no common
 * divisor); every fifth is moved to another time, every third of the others disarmed. */
START_TEST(many_timers_fire_in_order)
{
	static struct ring rings[MANY_TIMERS];
	int order[MANY_TIMERS], n = 0;
	struct timers *timers = timers_new();

	for (int i = 0; i < MANY_TIMERS; i++) {
		int number = i * 7 % MANY_TIMERS;
		rings[number] = (struct ring){
			.timers = timers, .number = number, .order = order, .n = &n
		};
		rings[number].timer = (struct timer){ .fire = ring, .arg = &rings[number] };
		timer_arm(timers, &rings[number].timer, number / 3);
	}
	for (int i = 0; i < MANY_TIMERS; i++)
		if (i % 5 == 0)
			timer_arm(timers, &rings[i].timer, 1000 - i);
		else if (i % 3 == 0)
			timer_disarm(timers, &rings[i].timer);
	while (timers_run(timers, 1000))
		;
	int at = 0;
	for (int time = 0; time <= 1000; time++)
		for (int i = 0; i < MANY_TIMERS; i++) {
			bool due = i % 5 == 0 ? 1000 - i == time : i % 3 && i / 3 == time;
			if (!due)
				continue;
			ck_assert_int_lt(at, n);
			ck_assert_int_eq(rings[order[at++]].timer.deadline_us, time);
			ck_assert_uint_eq(rings[i].timer.slot, 0);
		}
	ck_assert_int_eq(at, n);
	timers_free(timers);
}
END_TEST

START_TEST(timers_that_arm_for_now_wait_for_the_next_run)
{
	struct timers *timers = timers_new();
	int order[16], n = 0;
	struct ring one = { .timers = timers, .number = 1, .order = order, .n = &n, .again = true };
	struct ring two = { .timers = timers, .number = 2, .order = order, .n = &n };

	one.timer = (struct timer){ .fire = ring, .arg = &one };
	two.timer = (struct timer){ .fire = ring, .arg = &two };
	timer_arm(timers, &one.timer, 0);
	timer_arm(timers, &two.timer, 10);
	ck_assert_uint_eq(timers_run(timers, 10), 2);
	ck_assert_int_eq(order[0], 1);
	ck_assert_int_eq(order[1], 2);
	ck_assert_int_eq(timers_next_us(timers), 10);
	ck_assert_uint_eq(timers_run(timers, 10), 1);
	timers_free(timers);
}
END_TEST

/* 1,000 timers of one instant take two runs; what a handler arms for now comes behind them. */
START_TEST(timers_of_one_instant_take_several_runs)
{
	enum { MANY = 1000 };
	struct timers *timers = timers_new();
	static int order[MANY + 1];
	static struct ring rings[MANY];
	int n = 0;

	for (int i = 0; i < MANY; i++) {
		rings[i] = (struct ring){ .timers = timers, .number = i, .order = order, .n = &n };
		rings[i].again = i == 0;
		rings[i].timer = (struct timer){ .fire = ring, .arg = &rings[i] };
		timer_arm(timers, &rings[i].timer, 10);
	}
	ck_assert_uint_eq(timers_run(timers, 10), LIMIT_TIMERS_PER_TURN);
	rings[0].again = false;
	ck_assert_int_eq(timers_next_us(timers), 10);
	ck_assert_uint_eq(timers_run(timers, 15), MANY + 1 - LIMIT_TIMERS_PER_TURN);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(order[i], i);
	ck_assert_int_eq(order[MANY], 0);
	ck_assert_int_eq(timers_next_us(timers), INT64_MAX);
	timers_free(timers);
}
END_TEST

/* Each look at this clock takes 4 us. */
static int64_t slow_us(void *ctx)
{
	return *(int64_t *)ctx += 4;
}

START_TEST(timers_stop_in_time)
{
	struct timers *timers = timers_new();
	int64_t now_us = 100;
	const struct clock clock = { .mono_us = slow_us, .wall_us = slow_us, .ctx = &now_us };
	int order[16], n = 0;
	struct ring rings[5];

	for (int i = 0; i < 5; i++) {
		rings[i] = (struct ring){ .timers = timers, .number = i, .order = order, .n = &n };
		rings[i].timer = (struct timer){ .fire = ring, .arg = &rings[i] };
		timer_arm(timers, &rings[i].timer, i);
	}
	/* The clock is read before the second (104), the third (108) and the fourth (112). */
	ck_assert_uint_eq(timers_run_until(timers, 100, &clock, 110), 3);
	/* The time is over already: one fires all the same. */
	ck_assert_uint_eq(timers_run_until(timers, 112, &clock, 110), 1);
	ck_assert_uint_eq(timers_run_until(timers, 116, &clock, 200), 1);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(order[i], i);
	timers_free(timers);
}
END_TEST

START_TEST(map_survives_removals)
{
	struct map *map = map_new();
	char key[16];
	static int values[1000];

	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		ck_assert_ptr_null(map_put(map, key, &values[i]));
	}
	for (int i = 0; i < 1000; i += 2) {
		snprintf(key, sizeof(key), "key-%d", i);
		ck_assert_ptr_eq(map_remove(map, key), &values[i]);
		ck_assert_ptr_null(map_remove(map, key));
	}
	ck_assert_uint_eq(map_count(map), 500);
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		ck_assert_ptr_eq(map_get(map, key), i % 2 ? &values[i] : NULL);
	}
	size_t seen = 0;
	for (size_t pos = 0; map_next(map, &pos, NULL);)
		seen++;
	ck_assert_uint_eq(seen, 500);
	ck_assert_ptr_eq(map_put(map, "key-1", &values[0]), &values[1]);
	map_free(map);
}
END_TEST

/* At every size, so that some of it stands in the old table: all keys are found, each is met once,
 * and what is removed is gone. */
START_TEST(map_grows_bit_by_bit)
{
	static int values[3000];
	struct map *map = map_new();
	char key[16];

	for (int n = 1; n <= 3000; n++) {
		snprintf(key, sizeof(key), "key-%d", n);
		ck_assert_ptr_null(map_put(map, key, &values[n - 1]));
		if (n % 100 < 97 && n > 200)
			continue;
		size_t seen = 0;
		for (size_t pos = 0; map_next(map, &pos, NULL);)
			seen++;
		ck_assert_uint_eq(seen, (size_t)n);
		snprintf(key, sizeof(key), "key-%d", n / 2 + 1);
		ck_assert_ptr_eq(map_remove(map, key), &values[n / 2]);
		ck_assert_ptr_null(map_get(map, key));
		ck_assert_ptr_null(map_remove(map, key));
		ck_assert_ptr_null(map_put(map, key, &values[n / 2]));
		for (int i = 1; i <= n; i++) {
			snprintf(key, sizeof(key), "key-%d", i);
			ck_assert_ptr_eq(map_get(map, key), &values[i - 1]);
		}
	}
	ck_assert_uint_eq(map_count(map), 3000);
	map_free(map);
}
END_TEST

/* A map that borrows: the key is the newest value's, whose memory may differ. */
START_TEST(map_borrows_keys)
{
	struct map *map = map_new_borrowing();
	struct {
		char key[8];
		int n;
	} old = { "same", 1 }, now = { "same", 2 }, other = { "other", 3 };
	const char *key;

	ck_assert_ptr_null(map_put(map, old.key, &old));
	ck_assert_ptr_null(map_put(map, other.key, &other));
	ck_assert_ptr_eq(map_put(map, now.key, &now), &old);
	memset(&old, 'x', sizeof(old));
	ck_assert_ptr_eq(map_get(map, "same"), &now);
	for (size_t pos = 0; map_next(map, &pos, &key);)
		ck_assert_msg(key == now.key || key == other.key, "%s", key);
	ck_assert_ptr_eq(map_remove(map, "same"), &now);
	ck_assert_ptr_eq(map_get(map, "other"), &other);
	ck_assert_uint_eq(map_count(map), 1);
	map_free(map);
}
END_TEST

START_TEST(secrets_are_compared_whole_and_never_shown)
{
	struct secret secret = { .value = NULL };

	ck_assert(!secret_equals(&secret, "", 0));
	ck_assert_str_eq(secret_shown(&secret), "");
	secret_set(&secret, "open sesame");
	ck_assert(secret_equals(&secret, "open sesame", 11));
	ck_assert(!secret_equals(&secret, "open sesam", 10));
	ck_assert(!secret_equals(&secret, "open sesamf", 11));
	ck_assert(!secret_equals(&secret, "open sesameopen sesame", 22));
	ck_assert(!secret_equals(&secret, "", 0));
	ck_assert_str_eq(secret_shown(&secret), "***");
	secret_fini(&secret);
}
END_TEST

START_TEST(secret_files)
{
	char path[] = "/tmp/tracepager-secret-XXXXXX";
	struct secret secret = { .value = NULL };
	struct err err = { 0 };
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(secret_read_file(&secret, path, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_int_eq(write(fd, "s3cret\r\nsecond line\n", 20), 20);
	ck_assert_int_eq(secret_read_file(&secret, path, &err), 0);
	ck_assert_str_eq(secret.value, "s3cret");
	secret_fini(&secret);
	close(fd);
	unlink(path);
	ck_assert_int_eq(secret_read_file(&secret, path, &err), -ENOENT);
}
END_TEST

/* Writes the file, and sets the time of its last change. */
static void write_at(const char *path, const char *text, time_t at_s)
{
	const struct timespec stamps[2] = { { .tv_sec = at_s }, { .tv_sec = at_s } };
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, stamps, 0), 0);
}

START_TEST(secret_files_that_are_written_again)
{
	char path[] = "/tmp/tracepager-secret-XXXXXX";
	struct secret secret = { .value = NULL };
	struct err err = { 0 };

	close(mkstemp(path));
	ck_assert_int_eq(secret_refresh(&secret, &err), 0); /* this secret has no file */
	write_at(path, "first", 1000);
	ck_assert_int_eq(secret_read_file(&secret, path, &err), 0);
	write_at(path, "unseen", 1000);
	ck_assert_int_eq(secret_refresh(&secret, &err), 0);
	ck_assert_str_eq(secret.value, "first");
	write_at(path, "second", 1001);
	ck_assert_int_eq(secret_refresh(&secret, &err), 0);
	ck_assert_str_eq(secret.value, "second");
	write_at(path, "", 1002);
	ck_assert_int_eq(secret_refresh(&secret, &err), -EINVAL);
	ck_assert_str_eq(secret.value, "second");
	unlink(path);
	ck_assert_int_eq(secret_refresh(&secret, &err), -ENOENT);
	ck_assert_str_eq(secret.value, "second");
	secret_fini(&secret);
}
END_TEST

/* RFC 4231, test case 2. */
START_TEST(hmac_known_answer)
{
	static const unsigned char expected[] = { 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
						  0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
						  0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
						  0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43 };
	unsigned char out[HMAC_SHA256_BYTES];

	ck_assert_int_eq(hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out), 0);
	ck_assert_mem_eq(out, expected, sizeof(expected));
}
END_TEST

/* RFC 4648, section 10. */
START_TEST(base64_known_answers)
{
	static const char *const pairs[][2] = { { "", "" },
						{ "f", "Zg==" },
						{ "fo", "Zm8=" },
						{ "foo", "Zm9v" },
						{ "foob", "Zm9vYg==" },
						{ "fooba", "Zm9vYmE=" },
						{ "foobar", "Zm9vYmFy" } };
	unsigned char back[16];
	char out[base64_size(6)];

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		size_t len = strlen(pairs[i][0]);
		base64_encode(pairs[i][0], len, out);
		ck_assert_str_eq(out, pairs[i][1]);
		ck_assert_int_eq(base64_decode(out, strlen(out), back, sizeof(back)), (int)len);
		ck_assert_mem_eq(back, pairs[i][0], len);
	}
	ck_assert_int_eq(base64_decode("Zg=", 3, back, sizeof(back)), -1);
	ck_assert_int_eq(base64_decode("Z===", 4, back, sizeof(back)), -1);
	ck_assert_int_eq(base64_decode("Zg==Zg==", 8, back, sizeof(back)), -1);
	ck_assert_int_eq(base64_decode("Zm9v", 4, back, 2), -1);
	/* Exactly as much room as the text needs, in a block of its own. */
	unsigned char *exact = xcalloc(4, 1);
	ck_assert_int_eq(base64_decode("Zm9vYg==", 8, exact, 4), 4);
	ck_assert_mem_eq(exact, "foob", 4);
	free(exact);
	static const char *const bad[] = { "Zm=v", "=m9v",     " Zm9vYg=", "Zm9v\n\n\n\n",
					   "Zm-_", "Zm9vY===", "Zm9\xff" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(base64_decode(bad[i], strlen(bad[i]), back, sizeof(back)), -1);
}
END_TEST

struct sum {
	int input, result;
	int *done;
};

static void double_it(void *arg)
{
	struct sum *sum = arg;

	sum->result = 2 * sum->input;
}

static void count_it(void *arg)
{
	struct sum *sum = arg;

	ck_assert_int_eq(sum->result, 2 * sum->input);
	(*sum->done)++;
}

/* With threads and without, every submitted job runs once and is reported once. */
START_TEST(pool_reports_every_job_once)
{
	struct pool *pool = pool_new((unsigned int)_i * 2);
	static struct sum sums[200];
	int done = 0;

	for (int i = 0; i < 200; i++) {
		sums[i] = (struct sum){ .input = i, .done = &done };
		pool_submit(pool, double_it, count_it, &sums[i]);
	}
	pool_poll(pool);
	pool_free(pool); /* runs and reports the jobs that are left */
	ck_assert_int_eq(done, 200);
}
END_TEST

START_TEST(metrics_are_prometheus_text)
{
	struct buf text = BUF_INIT(1 << 20);

	metric_add(METRIC_PAGES_DELIVERED, 3);
	metric_set(METRIC_LONGEST_TURN, 1500);
	metric_observe_us(METRIC_PAGE_TIME, 2000);
	metric_observe_us(METRIC_PAGE_TIME, 100000000);
	metric_tell(METRIC_RULES, "0ld");
	metric_tell(METRIC_RULES, "5ca1e");
	metric_tell(METRIC_SHADOW_RULES, "5had0");
	metric_tell(METRIC_SHADOW_RULES, NULL);
	metrics_write(&text, METRICS_TEXT);
	ck_assert_ptr_nonnull(strstr(buf_text(&text),
				     "\n# TYPE tracepager_rules_info gauge\n"
				     "tracepager_rules_info{set=\"live\",hash=\"5ca1e\"} 1\n#"));
	ck_assert_ptr_nonnull(
		strstr(buf_text(&text), "\ntracepager_pages_total{result=\"delivered\"} 3\n"));
	ck_assert_ptr_nonnull(
		strstr(buf_text(&text), "\ntracepager_loop_longest_turn_seconds 0.001500\n"));
	ck_assert_ptr_nonnull(strstr(
		buf_text(&text), "\ntracepager_alert_to_page_seconds_bucket{le=\"0.001\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(
		buf_text(&text), "\ntracepager_alert_to_page_seconds_bucket{le=\"0.0025\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&text),
				     "\ntracepager_alert_to_page_seconds_bucket{le=\"60\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&text),
				     "\ntracepager_alert_to_page_seconds_bucket{le=\"+Inf\"} 2\n"));
	ck_assert_ptr_nonnull(
		strstr(buf_text(&text), "\ntracepager_alert_to_page_seconds_sum 100.002000\n"));
	buf_fini(&text);
}
END_TEST

START_TEST(labelled_metrics_have_a_row_for_each_kind)
{
	struct buf text = BUF_INIT(1 << 20);

	metric_add_labelled(METRIC_REROUTED_SPAN, "span", 2);
	metric_add_labelled(METRIC_REROUTED_SPAN, "spa", 5); /* no kind: "other" */
	metric_add_labelled(METRIC_REROUTED_SPAN, "spans", 7);
	metric_add_labelled(METRIC_REROUTED_SPAN, "", 11);
	ck_assert_int_eq(metric_value(METRIC_REROUTED_SPAN), 2);
	ck_assert_int_eq(metric_value(METRIC_REROUTED_OTHER), 23);
	for (int kind = SUSPECT_SPAN; kind <= SUSPECT_EDGE; kind++)
		metric_add_labelled(METRIC_OPENED_SPAN, suspect_kind_name((enum suspect_kind)kind),
				    1);
	for (int code = FALLBACK_NO_SIGNAL; code < FALLBACK_CODES; code++)
		metric_add_labelled(METRIC_OPENED_SPAN,
				    fallback_code_name((enum fallback_code)code), 1);
	for (int row = METRIC_OPENED_SPAN; row < METRIC_OPENED_OTHER; row++)
		ck_assert_int_eq(metric_value((enum metric)row), 1);
	ck_assert_int_eq(metric_value(METRIC_OPENED_OTHER), 0);
	/* The last name of the table: the search ends with it. */
	metric_add_labelled((enum metric)(METRIC_COUNT - 1), "x", 0);
	metrics_write(&text, METRICS_TEXT);
	ck_assert_ptr_nonnull(strstr(buf_text(&text),
				     "\ntracepager_incidents_rerouted_total{kind=\"span\"} 2\n"));
	buf_fini(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base");
	TCase *tests = tcase_create("base");

	tcase_add_test(tests, arena_keeps_texts_apart);
	tcase_add_test(tests, arena_formats_texts_of_any_length);
	tcase_add_test_raise_signal(tests, arena_aborts_over_its_cap, 6);
	tcase_add_test(tests, buf_fails_once_and_stays_as_it_was);
	tcase_add_test(tests, json_strings_are_escaped_at_every_place);
	tcase_add_test(tests, random_ids_differ);
	tcase_add_test(tests, random_ids_of_a_child_are_not_its_parents);
	tcase_add_test(tests, json_strings_fit_their_cap_exactly);
	tcase_add_test(tests, json_strings_keep_other_scripts);
	tcase_add_test(tests, json_numbers_have_their_digits);
	tcase_add_test(tests, local_bufs_outgrow_their_array);
	tcase_add_test(tests, buf_makes_room_ahead_within_its_cap);
	tcase_add_test(tests, err_prefix_keeps_what_was_there);
	tcase_add_loop_test(tests, rfc3339_reads, 0, (int)ARRAY_LEN(times));
	tcase_add_test(tests, rfc3339_writes);
	tcase_add_test(tests, timers_fire_in_order);
	tcase_add_test(tests, many_timers_fire_in_order);
	tcase_add_test(tests, timers_that_arm_for_now_wait_for_the_next_run);
	tcase_add_test(tests, timers_of_one_instant_take_several_runs);
	tcase_add_test(tests, timers_stop_in_time);
	tcase_add_test(tests, map_survives_removals);
	tcase_add_test(tests, map_borrows_keys);
	tcase_add_test(tests, map_grows_bit_by_bit);
	tcase_add_test(tests, secrets_are_compared_whole_and_never_shown);
	tcase_add_test(tests, secret_files);
	tcase_add_test(tests, secret_files_that_are_written_again);
	tcase_add_test(tests, hmac_known_answer);
	tcase_add_test(tests, base64_known_answers);
	tcase_add_loop_test(tests, pool_reports_every_job_once, 0, 2);
	tcase_add_test(tests, metrics_are_prometheus_text);
	tcase_add_test(tests, labelled_metrics_have_a_row_for_each_kind);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
