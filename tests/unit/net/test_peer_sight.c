/* net: what is remembered of peers' clocks and certificates. Pure: the times are the test's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fake_clock.h"
#include "tracepager/peer_sight.h"
#include "tracepager/xalloc.h"

#define WALL_US FAKE_WALL_US
#define MONO_US FAKE_MONO_US
#define S	US_PER_SECOND

static struct peer_sight *sight;

static void sight_set_up(void)
{
	sight = peer_sight_new();
}

static void sight_tear_down(void)
{
	peer_sight_free(sight);
}

/* A reply that takes 200 ms, after_us after the beginning, of a peer whose clock is `late_us`
 * behind ours. The Date has whole seconds: half a second less than the peer's clock on average. */
static void take_reply(const char *url, int64_t after_us, int64_t late_us, bool is_here)
{
	const struct peer_date date = { .date_us = WALL_US + after_us - late_us - S / 2,
					.asked_us = MONO_US + after_us - 100 * US_PER_MS,
					.replied_us = MONO_US + after_us + 100 * US_PER_MS,
					.is_here = is_here };

	peer_sight_take_date(sight, url, &date);
}

static struct peer_clock clock_after(int64_t us)
{
	return peer_sight_clock(sight, WALL_US + us, MONO_US + us);
}

static void expect_clock(int64_t after_us, int64_t ahead_us, size_t npeers)
{
	const struct peer_clock clock = clock_after(after_us);

	ck_assert_int_eq(clock.ahead_us, ahead_us);
	ck_assert_uint_eq(clock.npeers, npeers);
}

/* ---- clocks ---- */

START_TEST(one_peer_is_believed)
{
	char text[PEER_CLOCK_TEXT_SIZE];

	expect_clock(0, 0, 0);
	take_reply("http://jaeger:16686/api/v3/traces/1", 0, 3600 * S, false);
	expect_clock(S, 3600 * S, 1);
	struct peer_clock clock = clock_after(S);
	ck_assert_str_eq(peer_clock_text(&clock, text),
			 "the clock is 3600 s ahead of that of one peer: searches miss traces, and "
			 "signatures are refused");
	/* The same peer again: its last word counts. */
	take_reply("http://jaeger:16686/api/v3/traces/2", 10 * S, -7 * S, false);
	expect_clock(11 * S, -7 * S, 1);
	clock = (struct peer_clock){ .ahead_us = -7 * S + 1, .npeers = 2 };
	ck_assert_str_eq(peer_clock_text(&clock, text),
			 "the clock is 7 s behind those of 2 peers: searches miss traces, and "
			 "signatures are refused");
}
END_TEST

/* A Date of 10:00:00 that was asked for at 10:00:00.0 and came at 10:00:01.0: the peer's clock had
 * 10:00:00.5 on average, and ours too. */
START_TEST(date_is_of_the_middle)
{
	peer_sight_take_date(sight, "http://jaeger/",
			     &(struct peer_date){ .date_us = WALL_US,
						  .asked_us = MONO_US,
						  .replied_us = MONO_US + S });
	expect_clock(S, 0, 1);
}
END_TEST

static const struct {
	int64_t late_s[4]; /* 0 ends them, and is a peer that agrees where another follows */
	size_t n;
	int64_t ahead_s;
} medians[] = {
	{ { 3600 }, 1, 3600 },
	/* Two that contradict each other: the one that agrees with us is believed. */
	{ { 3600, 0 }, 2, 0 },
	{ { 0, -3600 }, 2, 0 },
	{ { 3600, -3600 }, 2, 0 },
	{ { 3600, 3500 }, 2, 3500 },
	{ { -3600, -3500 }, 2, -3500 },
	/* One of three is wrong; two of three say so. */
	{ { 3600, 0, 1 }, 3, 1 },
	{ { 0, -3600, -1 }, 3, -1 },
	{ { 3600, 3601, 0 }, 3, 3600 },
	{ { -3600, -3601, 0 }, 3, -3600 },
	{ { 3600, 3601, 0, 1 }, 4, 1 },
	{ { 3600, 3601, 3602, 0 }, 4, 3600 },
};

START_TEST(median_of_peers)
{
	for (size_t i = 0; i < medians[_i].n; i++) {
		CLEANUP_FREE char *url = xasprintf("http://peer-%zu/", i);
		take_reply(url, 0, medians[_i].late_s[i] * S, false);
	}
	expect_clock(S, medians[_i].ahead_s * S, medians[_i].n);
}
END_TEST

/* Those on this machine read our clock: they outvote nobody else, and count where they are alone.
 */
START_TEST(others_count_first)
{
	take_reply("http://127.0.0.1:16686/", 0, 0, true);
	take_reply("http://127.0.0.1:9411/", 0, 2 * S, true);
	expect_clock(S, 0, 2);
	take_reply("https://events.pagerduty.com/v2/enqueue", 0, 3600 * S, false);
	expect_clock(S, 3600 * S, 1);
}
END_TEST

START_TEST(old_words_do_not_count)
{
	take_reply("http://a/", 0, 3600 * S, false);
	take_reply("http://b/", 30 * US_PER_MINUTE, 60 * S, false);
	expect_clock(US_PER_HOUR, 60 * S, 2);
	expect_clock(US_PER_HOUR + S, 60 * S, 1);
	expect_clock(2 * US_PER_HOUR, 0, 0);
}
END_TEST

/* Somebody sets our clock: the words of before it are still true of the peers. */
START_TEST(clock_that_is_set)
{
	take_reply("http://a/", 0, 3600 * S, false);
	const struct peer_clock set =
		peer_sight_clock(sight, WALL_US - 3600 * S + 5 * S, MONO_US + 5 * S);
	ck_assert_int_eq(set.ahead_us, 0);
}
END_TEST

START_TEST(dates_that_tell_nothing)
{
	const struct peer_date zero = { .asked_us = MONO_US, .replied_us = MONO_US + 1 },
			       negative = { .date_us = -S,
					    .asked_us = MONO_US,
					    .replied_us = MONO_US + 1 },
			       slow = { .date_us = WALL_US,
					.asked_us = MONO_US,
					.replied_us = MONO_US + LIMIT_PEER_DATE_TOOK_US + 1 },
			       backwards = { .date_us = WALL_US,
					     .asked_us = MONO_US + 1,
					     .replied_us = MONO_US };

	peer_sight_take_date(sight, "http://a/", &zero);
	peer_sight_take_date(sight, "http://a/", &negative);
	peer_sight_take_date(sight, "http://a/", &slow);
	peer_sight_take_date(sight, "http://a/", &backwards);
	take_reply("no url", 0, 0, false);
	take_reply("", 0, 0, false);
	take_reply("http://", 0, 0, false);
	take_reply("http:///path", 0, 0, false);
	expect_clock(S, 0, 0);
	ck_assert(!peer_sight_take_news(sight));
}
END_TEST

START_TEST(date_is_wanted_now_and_then)
{
	const int64_t then_us = MONO_US + 100 * US_PER_MS;

	ck_assert(peer_sight_wants_date(sight, "http://a/1", MONO_US));
	ck_assert(!peer_sight_wants_date(sight, "no url", MONO_US));
	take_reply("http://a/1", 0, 0, false);
	ck_assert(peer_sight_take_news(sight));
	ck_assert(!peer_sight_take_news(sight));
	ck_assert(!peer_sight_wants_date(sight, "http://a/2",
					 then_us + LIMIT_PEER_DATE_EVERY_US - 1));
	ck_assert(peer_sight_wants_date(sight, "http://a/2", then_us + LIMIT_PEER_DATE_EVERY_US));
	ck_assert(peer_sight_wants_date(sight, "https://a/2", then_us));
	ck_assert(peer_sight_wants_date(sight, "http://a:8080/", then_us));
	/* A certificate is no Date. */
	peer_sight_take_certificate(sight, "https://a/2", WALL_US, MONO_US);
	ck_assert(peer_sight_wants_date(sight, "https://a/2", then_us));
}
END_TEST

/* ---- names, and how many ---- */

static const struct {
	const char *url, *name;
} peer_names[] = {
	{ "https://jaeger.example/api?x=a:b@c", "jaeger.example:443" },
	{ "https://jaeger.example", "jaeger.example:443" },
	{ "http://jaeger.example?q", "jaeger.example:80" },
	{ "https://jaeger.example:8443/x", "jaeger.example:8443" },
	{ "https://ann:se:cret@jaeger.example/", "jaeger.example:443" },
	{ "https://ann:secret@jaeger.example:8443/", "jaeger.example:8443" },
	{ "https://a@b@jaeger.example:1/", "jaeger.example:1" },
	{ "https://[::1]/", "[::1]:443" },
	{ "https://[2001:db8::1]:8443/", "[2001:db8::1]:8443" },
	{ "HTTPS://jaeger.example/", "jaeger.example:443" },
	{ "smtp://mail.example", "mail.example:25" },
	{ "smtps://mail.example/", "mail.example:465" },
};

START_TEST(peer_has_a_name)
{
	struct peer_end end;

	peer_sight_take_certificate(sight, peer_names[_i].url, WALL_US, MONO_US);
	ck_assert(peer_sight_first_end(sight, MONO_US, &end));
	ck_assert_str_eq(end.peer, peer_names[_i].name);
}
END_TEST

/* Names up to the longest of DNS, with a port, are kept whole; a longer one is not kept. */
START_TEST(long_names)
{
	CLEANUP_FREE char *name = xcalloc(300, 1);
	struct peer_end end;

	memset(name, 'a', 299);
	CLEANUP_FREE char *longest = xasprintf("https://%.253s/", name),
			  *longer = xasprintf("https://%s/", name),
			  *want = xasprintf("%.253s:443", name);
	peer_sight_take_certificate(sight, longer, WALL_US, MONO_US);
	ck_assert(!peer_sight_first_end(sight, MONO_US, &end));
	peer_sight_take_certificate(sight, longest, WALL_US, MONO_US);
	ck_assert(peer_sight_first_end(sight, MONO_US, &end));
	ck_assert_str_eq(end.peer, want);
}
END_TEST

static char *numbered_url(unsigned int i)
{
	return xasprintf("https://peer-%u/", i);
}

/* The longest unseen leaves: of peers 0 to 63, 0 was seen again, so that 1 leaves for peer 64. */
START_TEST(longest_unseen_leaves)
{
	struct peer_end end;

	for (unsigned int i = 0; i < LIMIT_PEERS_SEEN; i++) {
		CLEANUP_FREE char *url = numbered_url(i);
		take_reply(url, i * S, 0, false);
		peer_sight_take_certificate(sight, url, WALL_US + (int64_t)i * US_PER_HOUR,
					    MONO_US + i * S);
	}
	take_reply("https://peer-0/again", 100 * S, 0, false);
	take_reply("https://peer-64/", 101 * S, 0, false);
	expect_clock(102 * S, 0, LIMIT_PEERS_SEEN);
	ck_assert(!peer_sight_wants_date(sight, "https://peer-0/", MONO_US + 102 * S));
	ck_assert(peer_sight_wants_date(sight, "https://peer-1/", MONO_US + 50 * S));
	ck_assert(!peer_sight_wants_date(sight, "https://peer-64/", MONO_US + 102 * S));
	/* Peer 64 has no certificate of peer 1. */
	ck_assert(peer_sight_first_end(sight, MONO_US + 102 * S, &end));
	ck_assert_str_eq(end.peer, "peer-0:443");
	peer_sight_take_certificate(sight, "https://peer-0/", WALL_US + 400 * US_PER_DAY,
				    MONO_US + 102 * S);
	ck_assert(peer_sight_first_end(sight, MONO_US + 102 * S, &end));
	ck_assert_str_eq(end.peer, "peer-2:443");
}
END_TEST

/* ---- certificates ---- */

START_TEST(first_end)
{
	struct peer_end end;

	ck_assert(!peer_sight_first_end(sight, MONO_US, &end));
	take_reply("http://plain/", 0, 0, false);
	peer_sight_take_certificate(sight, "https://none/", 0, MONO_US);
	ck_assert(!peer_sight_first_end(sight, MONO_US, &end));
	peer_sight_take_certificate(sight, "https://a/", WALL_US + 90 * US_PER_DAY, MONO_US);
	peer_sight_take_certificate(sight, "https://b/", WALL_US + 30 * US_PER_DAY, MONO_US);
	peer_sight_take_certificate(sight, "https://c/", WALL_US + 60 * US_PER_DAY, MONO_US + S);
	ck_assert(peer_sight_first_end(sight, MONO_US + S, &end));
	ck_assert_str_eq(end.peer, "b:443");
	ck_assert_int_eq(end.ends_us, WALL_US + 30 * US_PER_DAY);
	/* It is renewed. */
	peer_sight_take_certificate(sight, "https://b/", WALL_US + 120 * US_PER_DAY, MONO_US + S);
	ck_assert(peer_sight_first_end(sight, MONO_US + S, &end));
	ck_assert_str_eq(end.peer, "c:443");
	/* What was shown more than a day ago may have been renewed since. */
	ck_assert(peer_sight_first_end(sight, MONO_US + US_PER_DAY + S, &end));
	ck_assert_str_eq(end.peer, "c:443");
	ck_assert(!peer_sight_first_end(sight, MONO_US + US_PER_DAY + 2 * S, &end));
}
END_TEST

START_TEST(ends_are_given_once_a_day)
{
	const int64_t limit_us = LIMIT_PEER_CERTIFICATE_LEFT_US;
	struct peer_end end;

	peer_sight_take_certificate(sight, "https://late/", WALL_US + limit_us, MONO_US);
	peer_sight_take_certificate(sight, "https://soon/", WALL_US + limit_us - 1, MONO_US);
	peer_sight_take_certificate(sight, "https://over/", WALL_US - US_PER_DAY, MONO_US);
	ck_assert(peer_sight_next_end(sight, WALL_US, MONO_US, &end));
	ck_assert_str_eq(end.peer, "soon:443");
	ck_assert_int_eq(end.ends_us, WALL_US + limit_us - 1);
	ck_assert(peer_sight_next_end(sight, WALL_US, MONO_US, &end));
	ck_assert_str_eq(end.peer, "over:443");
	ck_assert(!peer_sight_next_end(sight, WALL_US, MONO_US, &end));
	/* A new handshake is no new reason. */
	peer_sight_take_certificate(sight, "https://soon/", WALL_US + limit_us - 1, MONO_US + S);
	ck_assert(peer_sight_next_end(sight, WALL_US + S, MONO_US + S, &end));
	ck_assert_str_eq(end.peer, "late:443");
	ck_assert(!peer_sight_next_end(sight, WALL_US + S, MONO_US + S, &end));
	/* A day later, what was shown since is given again. */
	ck_assert(peer_sight_next_end(sight, WALL_US + US_PER_DAY, MONO_US + US_PER_DAY, &end));
	ck_assert_str_eq(end.peer, "soon:443");
	ck_assert(peer_sight_next_end(sight, WALL_US + US_PER_DAY, MONO_US + US_PER_DAY, &end));
	ck_assert_str_eq(end.peer, "over:443");
	ck_assert(!peer_sight_next_end(sight, WALL_US + US_PER_DAY, MONO_US + US_PER_DAY, &end));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peer_sight");
	TCase *clocks = tcase_create("clocks"), *names = tcase_create("names"),
	      *certificates = tcase_create("certificates");
	TCase *const all[] = { clocks, names, certificates };

	tcase_add_test(clocks, one_peer_is_believed);
	tcase_add_test(clocks, date_is_of_the_middle);
	tcase_add_loop_test(clocks, median_of_peers, 0, (int)ARRAY_LEN(medians));
	tcase_add_test(clocks, others_count_first);
	tcase_add_test(clocks, old_words_do_not_count);
	tcase_add_test(clocks, clock_that_is_set);
	tcase_add_test(clocks, dates_that_tell_nothing);
	tcase_add_test(clocks, date_is_wanted_now_and_then);
	tcase_add_loop_test(names, peer_has_a_name, 0, (int)ARRAY_LEN(peer_names));
	tcase_add_test(names, long_names);
	tcase_add_test(names, longest_unseen_leaves);
	tcase_add_test(certificates, first_end);
	tcase_add_test(certificates, ends_are_given_once_a_day);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		tcase_add_checked_fixture(all[i], sight_set_up, sight_tear_down);
		suite_add_tcase(suite, all[i]);
	}
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
