/* Tests of what Slack tells back: signatures, and what pressed buttons mean. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/pager_kind.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

#define ID  "0123456789abcdef0123456789abcdef"
#define NOW 1788256800000000 /* 2026-09-01T10:00:00Z */

static struct arena *arena;
static struct secret secrets[LIMIT_LIVE_SECRETS];
static const char *timestamp, *signature;
static int64_t now_us;
static struct feedback feedback;
static struct err err;

static void setup(void)
{
	arena = arena_new(LIMIT_FEEDBACK_ARENA_BYTES);
	timestamp = "1788256800";
	signature = NULL;
	now_us = NOW;
	feedback = (struct feedback){ .nacts = 0 };
	err = (struct err){ .code = 0 };
}

static void teardown(void)
{
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++)
		secret_fini(&secrets[i]);
	arena_free(arena);
}

static const char *find_header(void *ctx, const char *name)
{
	(void)ctx;
	if (strcmp(name, "X-Slack-Request-Timestamp") == 0)
		return timestamp;
	return strcmp(name, "X-Slack-Signature") == 0 ? signature : NULL;
}

static enum feedback_verdict read_body(const char *body, size_t len)
{
	const struct feedback_request request = { .body = body,
						  .len = len,
						  .header = find_header,
						  .secrets = secrets,
						  .wall_us = now_us };

	return pager_kinds[PAGER_SLACK]->feedback(arena, &request, &feedback, &err);
}

static const char *signed_with(const char *secret, const char *body)
{
	const char *content = arena_printf(arena, "v0:%s:%s", timestamp, body);
	unsigned char mac[HMAC_SHA256_BYTES];
	char *header = arena_alloc(arena, 4 + 2 * sizeof(mac));

	ck_assert_int_eq(hmac_sha256(secret, strlen(secret), content, strlen(content), mac), 0);
	memcpy(header, "v0=", 3);
	for (size_t i = 0; i < sizeof(mac); i++)
		snprintf(header + 3 + 2 * i, 3, "%02x", mac[i]);
	return header;
}

/* All but letters and digits percent-encoded, as a form is. */
static const char *form_of(const char *payload)
{
	char *body = arena_alloc(arena, 3 * strlen(payload) + 9), *at = body;

	at += sprintf(at, "payload=");
	for (; *payload; payload++)
		if (strchr("{}[]\":,& +%=", *payload))
			at += sprintf(at, "%%%02X", (unsigned char)*payload);
		else
			*at++ = *payload;
	*at = '\0';
	return body;
}

static enum feedback_verdict slack_says(const char *payload)
{
	const char *body = form_of(payload);

	secret_set(&secrets[0], "slack-secret");
	signature = signed_with("slack-secret", body);
	return read_body(body, strlen(body));
}

/* ---- signatures ---- */

/* The example of Slack's manual, "Verifying requests from Slack". */
#define MANUAL_SECRET	 "8f742231b10e8888abcd99yyyzzz85a5"
#define MANUAL_TIMESTAMP "1531420618"
#define MANUAL_SIGNATURE "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
#define MANUAL_BODY                                                                                \
	"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="     \
	"G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-" \
	"collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%"         \
	"2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."           \
	"803a0bc887a14d10d2c447fce8b6703c"

START_TEST(the_signature_of_the_manual)
{
	secret_set(&secrets[0], MANUAL_SECRET);
	timestamp = MANUAL_TIMESTAMP;
	signature = MANUAL_SIGNATURE;
	now_us = 1531420618 * US_PER_SECOND;
	/* Signed, but the command of a person, which tracepager has none of. */
	ck_assert_int_eq(read_body(MANUAL_BODY, strlen(MANUAL_BODY)), FEEDBACK_MALFORMED);
	ck_assert_ptr_nonnull(strstr(err.text, "no field payload"));
	ck_assert_int_eq(read_body(MANUAL_BODY, strlen(MANUAL_BODY) - 1), FEEDBACK_UNSIGNED);
}
END_TEST

#define PRESSED(action, value)                                                                     \
	"{\"type\":\"block_actions\",\"user\":{\"id\":\"U1\",\"username\":\"ann.e\",\"name\":"     \
	"\"ann\"},\"token\":\"x\",\"trigger_id\":\"133.73.80\",\"response_url\":"                  \
	"\"https://hooks.slack.com/actions/T1/1/x\",\"actions\":[{\"action_id\":\"" action         \
	"\",\"value\":\"" value "\",\"type\":\"button\",\"action_ts\":\"1788256799.25\"}]}"

static const struct {
	const char *first, *second, *timestamp;
	int cut; /* digits of the signature that are left out; -1: one is changed */
	enum feedback_verdict verdict;
} signatures[] = {
	{ "key", NULL, "1788256800", 0, FEEDBACK_VERIFIED },
	/* Either live secret; after the rotation the old one counts no more. */
	{ "new", "key", "1788256800", 0, FEEDBACK_VERIFIED },
	{ "new", "newer", "1788256800", 0, FEEDBACK_UNSIGNED },
	{ "ke", "key1", "1788256800", 0, FEEDBACK_UNSIGNED },
	{ NULL, NULL, "1788256800", 0, FEEDBACK_UNSIGNED },
	{ "key", NULL, "1788256800", 1, FEEDBACK_UNSIGNED },
	{ "key", NULL, "1788256800", 64, FEEDBACK_UNSIGNED },
	{ "key", NULL, "1788256800", 67, FEEDBACK_UNSIGNED },
	{ "key", NULL, "1788256800", -1, FEEDBACK_UNSIGNED },
	/* Five minutes to either side, and no second more. */
	{ "key", NULL, "1788256500", 0, FEEDBACK_VERIFIED },
	{ "key", NULL, "1788256499", 0, FEEDBACK_STALE },
	{ "key", NULL, "1788257100", 0, FEEDBACK_VERIFIED },
	{ "key", NULL, "1788257101", 0, FEEDBACK_STALE },
	{ "key", NULL, "", 0, FEEDBACK_STALE },
	{ "key", NULL, "-1", 0, FEEDBACK_STALE },
	{ "key", NULL, "1788256800000", 0, FEEDBACK_UNSIGNED },
};

START_TEST(slack_signature)
{
	const char *body = form_of(PRESSED("acknowledge", ID " chat"));

	if (signatures[_i].first)
		secret_set(&secrets[0], signatures[_i].first);
	if (signatures[_i].second)
		secret_set(&secrets[1], signatures[_i].second);
	timestamp = signatures[_i].timestamp;
	char *header = arena_strdup(arena, signed_with("key", body));
	if (signatures[_i].cut > 0)
		header[strlen(header) - (size_t)signatures[_i].cut] = '\0';
	else if (signatures[_i].cut)
		header[66] = header[66] == '0' ? '1' : '0';
	signature = header;
	ck_assert_int_eq(read_body(body, strlen(body)), signatures[_i].verdict);
	if (signatures[_i].verdict != FEEDBACK_VERIFIED)
		ck_assert_uint_eq(feedback.nacts, 0);
	if (signatures[_i].verdict == FEEDBACK_UNSIGNED)
		ck_assert_ptr_nonnull(strstr(err.text, "signing secret"));
}
END_TEST

START_TEST(without_headers_nothing_is_signed)
{
	const char *body = form_of(PRESSED("acknowledge", ID " chat"));

	secret_set(&secrets[0], "key");
	ck_assert_int_eq(read_body(body, strlen(body)), FEEDBACK_UNSIGNED);
	signature = signed_with("key", body);
	timestamp = NULL;
	ck_assert_int_eq(read_body(body, strlen(body)), FEEDBACK_UNSIGNED);
	/* An empty secret would let everybody sign. */
	timestamp = "1788256800";
	secret_set(&secrets[0], "");
	signature = signed_with("", body);
	ck_assert_int_eq(read_body(body, strlen(body)), FEEDBACK_UNSIGNED);
}
END_TEST

/* ---- buttons ---- */

static const struct {
	const char *action;
	enum act_kind kind;
} pressed[] = { { PRESSED("acknowledge", ID " sre chat"), ACT_ACKNOWLEDGE },
		{ PRESSED("reroute", ID " sre chat"), ACT_REROUTE },
		{ PRESSED("resolve", ID " sre chat"), ACT_RESOLVE } };

START_TEST(a_pressed_button_is_an_act)
{
	ck_assert_int_eq(slack_says(pressed[_i].action), FEEDBACK_VERIFIED);
	ck_assert_uint_eq(feedback.nacts, 1);
	ck_assert_str_eq(feedback.ignored, "");
	ck_assert_int_eq(feedback.acts[0].kind, pressed[_i].kind);
	ck_assert_str_eq(feedback.acts[0].incident, ID);
	ck_assert_str_eq(feedback.acts[0].who, "ann");
	ck_assert_str_eq(feedback.acts[0].pager, "sre chat");
	ck_assert_int_eq(feedback.acts[0].n, 1);
	ck_assert_str_eq(feedback.acts[0].text, "");
	ck_assert_str_eq(feedback.event, "133.73.80");
	ck_assert_int_eq(feedback.at_us, NOW);
}
END_TEST

/* Without a trigger_id, one click is known by who and when. */
START_TEST(a_click_has_a_name_of_its_own)
{
	ck_assert_int_eq(slack_says("{\"type\":\"block_actions\",\"user\":{\"id\":\"U1\"},"
				    "\"actions\":[{\"action_id\":\"resolve\",\"value\":\"" ID
				    "#2\",\"action_ts\":\"17.25\"}]}"),
			 FEEDBACK_VERIFIED);
	ck_assert_uint_eq(feedback.nacts, 1);
	ck_assert_str_eq(feedback.acts[0].incident, ID);
	ck_assert_str_eq(feedback.acts[0].who, "U1");
	ck_assert_str_eq(feedback.acts[0].pager, "");
	ck_assert_int_eq(feedback.acts[0].n, 2);
	ck_assert_str_eq(feedback.event, "U1 17.25");
}
END_TEST

static const char *const no_acts[] = {
	PRESSED("link_0", ""),
	PRESSED("link_1", ID " chat"),
	PRESSED("acknowledge", ""),
	PRESSED("acknowledge", " chat"),
	PRESSED("silence", ID " chat"),
	PRESSED("noise", ID " chat"),
	PRESSED("", ID " chat"),
	"{\"type\":\"view_submission\",\"actions\":[{\"action_id\":\"resolve\",\"value\":\"" ID
	"\"}]}",
	"{\"type\":\"block_actions\"}",
	"{\"type\":\"block_actions\",\"actions\":{}}",
	"{\"type\":\"block_actions\",\"actions\":[1,null,[]]}",
	"{\"type\":5}",
	"{}",
};

START_TEST(what_is_no_button_of_ours_is_ignored)
{
	ck_assert_int_eq(slack_says(no_acts[_i]), FEEDBACK_VERIFIED);
	ck_assert_uint_eq(feedback.nacts, 0);
	ck_assert_str_ne(feedback.ignored, "");
}
END_TEST

static const char *const malformed[] = { "[]", "", "{", "5", "\"x\"" };

START_TEST(what_is_no_interaction_is_malformed)
{
	ck_assert_int_eq(slack_says(malformed[_i]), FEEDBACK_MALFORMED);
	ck_assert_str_ne(err.text, "");
}
END_TEST

START_TEST(hostile_names_are_one_clean_line)
{
	ck_assert_int_eq(
		slack_says("{\"type\":\"block_actions\",\"user\":{\"name\":\"a\\u001b[31mnn\\nb\"},"
			   "\"trigger_id\":\"1\\u202e2\",\"actions\":[{\"action_id\":\"resolve\","
			   "\"value\":\"" ID "\\u0007 chat\\nx\"}]}"),
		FEEDBACK_VERIFIED);
	ck_assert_uint_eq(feedback.nacts, 1);
	for (const char *at = feedback.acts[0].who; *at; at++)
		ck_assert((unsigned char)*at >= ' ');
	ck_assert_ptr_null(strchr(feedback.acts[0].pager, '\n'));
	ck_assert_ptr_null(strchr(feedback.acts[0].incident, '\a'));
}
END_TEST

START_TEST(a_body_has_a_cap)
{
	char *body = arena_alloc(arena, LIMIT_FEEDBACK_BYTES + 1);

	memset(body, 'x', LIMIT_FEEDBACK_BYTES + 1);
	ck_assert_int_eq(read_body(body, LIMIT_FEEDBACK_BYTES + 1), FEEDBACK_MALFORMED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slack_feedback");
	TCase *tcase = tcase_create("feedback");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_signature_of_the_manual);
	tcase_add_loop_test(tcase, slack_signature, 0, ARRAY_LEN(signatures));
	tcase_add_test(tcase, without_headers_nothing_is_signed);
	tcase_add_loop_test(tcase, a_pressed_button_is_an_act, 0, ARRAY_LEN(pressed));
	tcase_add_test(tcase, a_click_has_a_name_of_its_own);
	tcase_add_loop_test(tcase, what_is_no_button_of_ours_is_ignored, 0, ARRAY_LEN(no_acts));
	tcase_add_loop_test(tcase, what_is_no_interaction_is_malformed, 0, ARRAY_LEN(malformed));
	tcase_add_test(tcase, hostile_names_are_one_clean_line);
	tcase_add_test(tcase, a_body_has_a_cap);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
