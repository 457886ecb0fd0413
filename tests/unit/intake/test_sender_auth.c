/*
 * Sender authentication: each way by which a sender shows who it is, with signatures that another
 * program made (Python's hmac and openssl pkeyutl), and what is refused.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/sender_auth.h"
#include "tracepager/xalloc.h"

#define SIGNED_S 1788256800 /* 2026-09-01T10:00:00Z */
#define PLAIN	 "ebee03b5dfcb900cf23c43b292f0713ca2f3328f92de490ae50b178fb8a92c77"
#define OLDER	 "e6366ca1b2a8f1ac2bdfae9568f307682c767dba26e7ee2107296d0f2ca09e76"
#define TIMED	 "2cb1552449e5c9080d30e1331b87d587d5e06988b4a8831991190c230ef895a9"
#define SLACK	 "3157e4cccd679673116a450152eb947bd86256a02d61a3c85144aec596ea0e01"
#define STANDARD "at/IxW22tRbbSlHNSQe6I1z5n5PEwymBRtMjILZyIkI="
#define ED25519                                                                                    \
	"a46oaldVEdg763EgfGFcNlBIhGSeYUu9GHIWeAzeAcWm82HcdMwkxixq1XHQgdE32axToo4bDzU/"             \
	"TcB+EIIoBQ=="

/* Name and value, in turns; ends with NULL. */
struct headers {
	const char *at[9];
};

static const char *get_header(const void *ctx, const char *name)
{
	const struct headers *headers = ctx;

	for (size_t i = 0; headers->at[i]; i += 2)
		if (strcasecmp(headers->at[i], name) == 0)
			return headers->at[i + 1];
	return NULL;
}

static struct sender_auth auth;
static struct auth_request request;
static struct err err;

static void setup(void)
{
	auth = (struct sender_auth){ 0 };
	request = (struct auth_request){ .header = get_header,
					 .body = "{\"alerts\":[]}",
					 .len = 13,
					 .peer = "192.0.2.7",
					 .wall_us = SIGNED_S * US_PER_SECOND };
	err = (struct err){ 0 };
}

static void teardown(void)
{
	sender_auth_fini(&auth);
}

static enum auth_verdict check_head(const char *name, const char *value)
{
	const struct headers headers = { { name, value } };

	request.ctx = &headers;
	return sender_auth_check_head(&auth, &request, &err);
}

START_TEST(tokens)
{
	secret_set(&auth.bearer[0], "new");
	secret_set(&auth.bearer[1], "old");
	auth.basic_user = "am";
	secret_set(&auth.basic[0], "pa:ss");
	ck_assert_int_eq(check_head("Authorization", "Bearer new"), AUTH_GOOD);
	ck_assert_int_eq(check_head("Authorization", "bearer old"), AUTH_GOOD);
	ck_assert_int_eq(check_head("Authorization", "Basic YW06cGE6c3M="),
			 AUTH_GOOD); /* am:pa:ss */
	ck_assert_int_eq(check_head("Authorization", "Bearer newer"), AUTH_TOKEN);
	ck_assert_int_eq(check_head("Authorization", "Bearer "), AUTH_TOKEN);
	ck_assert_int_eq(check_head("Authorization", "Basic YW06cGE="), AUTH_TOKEN); /* am:pa */
	ck_assert_int_eq(check_head("Authorization", "Basic ?"), AUTH_TOKEN);
	ck_assert_int_eq(check_head("Authorization", "Basic YW0="), AUTH_TOKEN); /* am */
	ck_assert_int_eq(check_head(NULL, NULL), AUTH_TOKEN);
	ck_assert_str_eq(err.text, "missing or wrong token");
}
END_TEST

/* A sender that declares nothing takes all; one whose only secret could not be read takes none. */
START_TEST(nothing_declared)
{
	ck_assert_int_eq(check_head(NULL, NULL), AUTH_GOOD);
	ck_assert_int_eq(sender_auth_check_body(&auth, &request, &err), AUTH_GOOD);
	ck_assert(!sender_auth_any(&auth));
	secret_set_path(&auth.bearer[0], "/nowhere");
	ck_assert(sender_auth_any(&auth));
	ck_assert_int_eq(check_head(NULL, NULL), AUTH_TOKEN);
	ck_assert_int_eq(check_head("Authorization", "Bearer "), AUTH_TOKEN);
}
END_TEST

START_TEST(addresses)
{
	static const struct {
		const char *range, *address;
		bool has;
	} rows[] = {
		{ "192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.7", "192.0.2.8", false },
		{ "10.0.0.0/8", "10.255.1.1", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "192.0.2.0/25", "192.0.2.127", true },
		{ "192.0.2.0/25", "192.0.2.128", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "2001:db8::/33", "2001:db8::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "192.0.2.7", "::ffff:192.0.2.7", true },
		{ "192.0.2.7", "", false },
	};
	static const char *const wrong[] = { "",	 "10.0.0.0/33", "10.0.0.0/",
					     "10.0.0/8", "10.0.0.0/-1", "am.example",
					     "::/129",	 "10.0.0.0/8x" };
	struct address_range range;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_msg(address_range_parse(rows[i].range, &range), "%s", rows[i].range);
		ck_assert_msg(address_range_has(&range, rows[i].address) == rows[i].has, "%s %s",
			      rows[i].range, rows[i].address);
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		ck_assert_msg(!address_range_parse(wrong[i], &range), "%s", wrong[i]);
	ck_assert(address_range_parse("10.0.0.0/8", &range));
	auth.addresses = &range;
	auth.naddresses = 1;
	ck_assert_int_eq(check_head(NULL, NULL), AUTH_ADDRESS);
	ck_assert(address_ranges_have(&range, 1, "10.1.2.3"));
	ck_assert(!address_ranges_have(&range, 1, "11.1.2.3"));
	ck_assert(!address_ranges_have(&range, 0, "10.1.2.3"));
	request.peer = "10.1.2.3";
	ck_assert_int_eq(check_head(NULL, NULL), AUTH_GOOD);
}
END_TEST

START_TEST(client_certificates)
{
	static const char *const names[] = { "am1.example", "am2.example" };

	auth.client_names = names;
	auth.nclient_names = 2;
	ck_assert_int_eq(check_head(NULL, NULL), AUTH_CLIENT);
	request.client_name = "am2.example.org";
	ck_assert_int_eq(check_head(NULL, NULL), AUTH_CLIENT);
	request.client_name = "am2.example";
	ck_assert_int_eq(check_head(NULL, NULL), AUTH_GOOD);
}
END_TEST

/* What a request with these headers, signed with that secret beside another one, is. */
static enum auth_verdict check_signed(enum sign_scheme scheme, const char *secret,
				      struct headers headers)
{
	auth.scheme = scheme;
	secret_set(&auth.signing[0], "another");
	secret_set(&auth.signing[1], secret);
	request.ctx = &headers;
	return sender_auth_check_body(&auth, &request, &err);
}

START_TEST(signatures)
{
	static const struct {
		enum sign_scheme scheme;
		const char *secret;
		struct headers headers;
	} rows[] = {
		{ SIGN_GRAFANA, "s3cret", { { "X-Grafana-Alerting-Signature", PLAIN } } },
		{ SIGN_GITHUB, "s3cret", { { "X-Hub-Signature-256", "sha256=" PLAIN } } },
		{ SIGN_PAGERDUTY,
		  "s3cret",
		  { { "X-PagerDuty-Signature", "v1=" OLDER ",v1=" PLAIN } } },
		{ SIGN_SENTRY, "s3cret", { { "Sentry-Hook-Signature", PLAIN } } },
		{ SIGN_SLACK,
		  "s3cret",
		  { { "X-Slack-Signature", "v0=" SLACK, "X-Slack-Request-Timestamp",
		      "1788256800" } } },
		{ SIGN_STANDARD_WEBHOOKS,
		  "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3",
		  { { "webhook-id", "msg_1", "webhook-timestamp", "1788256800", "webhook-signature",
		      "v1,bm9uZQ== v1," STANDARD } } },
		{ SIGN_STANDARD_WEBHOOKS,
		  "whpk_xGtfkE9Vn4w3Om6z1a07RKlqkLN60oD8MgLNxLjwJZ0=",
		  { { "webhook-id", "msg_1", "webhook-timestamp", "1788256800", "webhook-signature",
		      "v1a," ED25519 } } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_msg(check_signed(rows[i].scheme, rows[i].secret, rows[i].headers) ==
				      AUTH_GOOD,
			      "%zu: %s", i, err.text);
		request.body = "{\"alerts\":[ }"; /* one byte is another */
		ck_assert_int_eq(check_signed(rows[i].scheme, rows[i].secret, rows[i].headers),
				 AUTH_SIGNATURE);
		request.body = "{\"alerts\":[]}";
		ck_assert_int_eq(check_signed(rows[i].scheme, "s3creT", rows[i].headers),
				 AUTH_SIGNATURE);
		ck_assert_int_eq(
			check_signed(rows[i].scheme, rows[i].secret, (struct headers){ { 0 } }),
			AUTH_SIGNATURE);
	}
}
END_TEST

/* The headers that a person gave Grafana's contact point. */
START_TEST(grafana_with_a_time)
{
	auth.sign_header = "X-Sig";
	auth.sign_time_header = "X-Time";
	const struct headers headers = { { "X-Sig", TIMED, "X-Time", "1788256800" } };

	ck_assert_int_eq(check_signed(SIGN_GRAFANA, "s3cret", headers), AUTH_GOOD);
	ck_assert_int_eq(
		check_signed(SIGN_GRAFANA, "s3cret", (struct headers){ { "X-Sig", PLAIN } }),
		AUTH_SIGNATURE);
}
END_TEST

/* A good signature that is older, or newer, than five minutes. */
START_TEST(replays)
{
	const struct headers headers = { { "X-Slack-Signature", "v0=" SLACK,
					   "X-Slack-Request-Timestamp", "1788256800" } };

	request.wall_us = (SIGNED_S + 300) * US_PER_SECOND;
	ck_assert_int_eq(check_signed(SIGN_SLACK, "s3cret", headers), AUTH_GOOD);
	request.wall_us = (SIGNED_S + 301) * US_PER_SECOND;
	ck_assert_int_eq(check_signed(SIGN_SLACK, "s3cret", headers), AUTH_STALE);
	request.wall_us = (SIGNED_S - 301) * US_PER_SECOND;
	ck_assert_int_eq(check_signed(SIGN_SLACK, "s3cret", headers), AUTH_STALE);
}
END_TEST

START_TEST(signatures_that_are_none)
{
	static const char *const shown[] = {
		"",    "v1=", "sha256=",  "sha256=00", "sha256=" PLAIN "00", "SHA256=" PLAIN,
		PLAIN, ",,,", "sha256=zz"
	};

	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		ck_assert_msg(check_signed(SIGN_GITHUB, "s3cret",
					   (struct headers){ { "X-Hub-Signature-256",
							       shown[i] } }) == AUTH_SIGNATURE,
			      "%s", shown[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sender_auth");
	TCase *tcase = tcase_create("sender_auth");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, tokens);
	tcase_add_test(tcase, nothing_declared);
	tcase_add_test(tcase, addresses);
	tcase_add_test(tcase, client_certificates);
	tcase_add_test(tcase, signatures);
	tcase_add_test(tcase, grafana_with_a_time);
	tcase_add_test(tcase, replays);
	tcase_add_test(tcase, signatures_that_are_none);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
