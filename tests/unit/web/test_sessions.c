/* web: sessions: whom a cookie names, when it ends, what forges it, and who has tried too often. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/fake_clock.h"
#include "tracepager/limits.h"
#include "tracepager/sessions.h"

static struct fake_clock clock_now;
static struct sessions *sessions;
static struct buf session;
static char kept[256];

static void on_keep(void *ctx, const char *name, const char *value)
{
	ck_assert_ptr_eq(ctx, kept);
	ck_assert_str_eq(name, "session_key");
	snprintf(kept, sizeof(kept), "%s", value);
}

static void make(void)
{
	sessions_free(sessions);
	sessions = sessions_new(
		&(struct sessions_env){ .clock = &clock_now.clock, .keep = on_keep, .ctx = kept });
}

static void setup(void)
{
	fake_clock_init(&clock_now);
	session = (struct buf)BUF_INIT(LIMIT_SESSION_BYTES);
	*kept = '\0';
	make();
	sessions_write(sessions, "ann", "s3cret", &session);
	ck_assert(!session.failed);
}

static void teardown(void)
{
	sessions_free(sessions);
	sessions = NULL;
	buf_fini(&session);
}

START_TEST(it_names_its_token)
{
	char name[LIMIT_SESSION_NAME_BYTES + 1];

	ck_assert(sessions_name(buf_text(&session), name));
	ck_assert_str_eq(name, "ann");
	ck_assert(sessions_verify(sessions, buf_text(&session), "s3cret"));
	/* A changed secret ends it. */
	ck_assert(!sessions_verify(sessions, buf_text(&session), "s3cret2"));
}
END_TEST

START_TEST(a_name_may_have_any_character)
{
	char name[LIMIT_SESSION_NAME_BYTES + 1];

	buf_reset(&session);
	sessions_write(sessions, "ann; Path=/ é", "s", &session);
	ck_assert_ptr_null(strpbrk(buf_text(&session), "; =/"));
	ck_assert(sessions_name(buf_text(&session), name));
	ck_assert_str_eq(name, "ann; Path=/ é");
	ck_assert(sessions_verify(sessions, buf_text(&session), "s"));
}
END_TEST

START_TEST(it_ends)
{
	clock_now.wall_us += LIMIT_SESSION_US - 2 * US_PER_SECOND;
	ck_assert(sessions_verify(sessions, buf_text(&session), "s3cret"));
	clock_now.wall_us += 2 * US_PER_SECOND;
	ck_assert(!sessions_verify(sessions, buf_text(&session), "s3cret"));
}
END_TEST

START_TEST(it_outlives_a_restart)
{
	make();
	ck_assert(!sessions_verify(sessions, buf_text(&session), "s3cret"));
	sessions_kept(sessions, "link_key", kept);
	ck_assert(!sessions_verify(sessions, buf_text(&session), "s3cret"));
	sessions_kept(sessions, "session_key", kept);
	ck_assert(sessions_verify(sessions, buf_text(&session), "s3cret"));
}
END_TEST

/* Every single byte of it counts. */
START_TEST(it_cannot_be_changed)
{
	char *forged = buf_take(&session);

	for (char *at = forged; *at; at++) {
		const char good = *at;
		*at = good == '1' ? '2' : '1';
		ck_assert_msg(!sessions_verify(sessions, forged, "s3cret"), "%s", forged);
		*at = good;
	}
	ck_assert(sessions_verify(sessions, forged, "s3cret"));
	forged[strlen(forged) - 1] = '\0';
	ck_assert(!sessions_verify(sessions, forged, "s3cret"));
	free(forged);
}
END_TEST

START_TEST(what_is_no_session)
{
	static const char *const texts[] = { "",     ".",     "61",	"6.1.2.3",
					     "zz.1", "00.1.", "61.2.3", "....." };
	char name[LIMIT_SESSION_NAME_BYTES + 1], text[2 * LIMIT_SESSION_NAME_BYTES + 10];

	ck_assert(!sessions_verify(sessions, texts[_i], "s3cret"));
	if (_i < 6 && _i != 2)
		ck_assert(!sessions_name(texts[_i], name));
	memset(text, '6', sizeof(text));
	text[sizeof(text) - 2] = '.';
	text[sizeof(text) - 1] = '\0';
	ck_assert(!sessions_name(text, name));
}
END_TEST

START_TEST(ten_wrong_tokens_make_a_peer_wait)
{
	for (unsigned int i = 0; i < LIMIT_LOGIN_FAILURES; i++) {
		ck_assert(sessions_may_try(sessions, "10.0.0.1"));
		sessions_failed(sessions, "10.0.0.1");
	}
	ck_assert(!sessions_may_try(sessions, "10.0.0.1"));
	ck_assert(sessions_may_try(sessions, "10.0.0.2"));
	clock_now.mono_us += LIMIT_LOGIN_US;
	ck_assert(sessions_may_try(sessions, "10.0.0.1"));
	/* It counts from one again. */
	sessions_failed(sessions, "10.0.0.1");
	ck_assert(sessions_may_try(sessions, "10.0.0.1"));
}
END_TEST

/* More peers than places: the one whose first failure is oldest is forgotten. */
START_TEST(the_oldest_peer_gives_way)
{
	char peer[32];

	for (unsigned int n = 0; n < LIMIT_LOGIN_FAILURES; n++)
		for (unsigned int i = 0; i < LIMIT_LOGIN_PEERS; i++) {
			snprintf(peer, sizeof(peer), "10.0.1.%u", i);
			clock_now.mono_us++;
			sessions_failed(sessions, peer);
		}
	ck_assert(!sessions_may_try(sessions, "10.0.1.0"));
	sessions_failed(sessions, "10.9.9.9");
	ck_assert(sessions_may_try(sessions, "10.0.1.0"));
	ck_assert(!sessions_may_try(sessions, "10.0.1.1"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sessions");
	TCase *tcase = tcase_create("sessions");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, it_names_its_token);
	tcase_add_test(tcase, a_name_may_have_any_character);
	tcase_add_test(tcase, it_ends);
	tcase_add_test(tcase, it_outlives_a_restart);
	tcase_add_test(tcase, it_cannot_be_changed);
	tcase_add_loop_test(tcase, what_is_no_session, 0, 8);
	tcase_add_test(tcase, ten_wrong_tokens_make_a_peer_wait);
	tcase_add_test(tcase, the_oldest_peer_gives_way);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
