/*
 * Amazon SNS: messages that this test signs with a key and certificates of its own, handed out by
 * a fake network. No request leaves the machine.
 */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fake_clock.h"
#include "tests/lib/fake_http.h"
#include "tracepager/intake.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/sign.h"
#include "tracepager/sns.h"
#include "tracepager/xalloc.h"

#define TOPIC	  "arn:aws:sns:eu-west-1:123456789012:alarms"
#define HOST	  "https://sns.eu-west-1.amazonaws.com"
#define CERT_URL  HOST "/SimpleNotificationService-0123.pem"
#define SUBSCRIBE HOST "/?Action=ConfirmSubscription&TopicArn=" TOPIC "&Token=t0ken"

/* ---- exchanges ---- */

struct http_exchange {
	const char *body, *authorization;
	size_t len;
	int replies, status;
	char text[LIMIT_INTAKE_REPLY_BYTES];
};

const char *http_exchange_header(const struct http_exchange *exchange, const char *name)
{
	return strcmp(name, "Authorization") == 0 ? exchange->authorization : NULL;
}

const char *http_exchange_body(struct http_exchange *exchange, size_t *ret_len)
{
	*ret_len = exchange->len;
	return exchange->body;
}

const char *http_exchange_path(const struct http_exchange *exchange)
{
	(void)exchange;
	return "/webhook/aws";
}

const char *http_exchange_client_name(const struct http_exchange *exchange, size_t n)
{
	(void)exchange;
	(void)n;
	return NULL;
}

const char *http_exchange_peer(const struct http_exchange *exchange)
{
	(void)exchange;
	return "192.0.2.7";
}

int64_t http_exchange_began_us(const struct http_exchange *exchange)
{
	(void)exchange;
	return FAKE_MONO_US;
}

void http_exchange_set(struct http_exchange *exchange, const char *name, const char *value)
{
	(void)exchange;
	(void)name;
	(void)value;
}

void http_exchange_reply(struct http_exchange *exchange, int status, const char *type,
			 const char *body, size_t len, unsigned int retry_after_s)
{
	(void)type;
	(void)retry_after_s;
	exchange->replies++;
	exchange->status = status;
	memcpy(exchange->text, body, len);
	exchange->text[len] = '\0';
}

/* ---- keys and certificates ---- */

static EVP_PKEY *ca_key, *key, *other_key; /* made once: RSA keys take their time */
static char *ca_pem, *good_pem, *expired_pem, *later_pem, *selfsigned_pem, *stranger_pem;

static X509 *make_certificate(const char *name, EVP_PKEY *of, X509 *issuer, EVP_PKEY *by,
			      int64_t from_s, int64_t to_s)
{
	static long serial = 1;
	const time_t now = (time_t)(FAKE_WALL_US / US_PER_SECOND);
	X509 *made = X509_new();
	X509_NAME *subject = X509_get_subject_name(made);
	X509V3_CTX ctx;

	X509_set_version(made, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made), serial++);
	ASN1_TIME_set(X509_getm_notBefore(made), now + (time_t)from_s);
	ASN1_TIME_set(X509_getm_notAfter(made), now + (time_t)to_s);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_set_issuer_name(made, issuer ? X509_get_subject_name(issuer) : subject);
	X509_set_pubkey(made, of);
	X509V3_set_ctx(&ctx, issuer ? issuer : made, made, NULL, NULL, 0);
	X509_EXTENSION *basic = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints,
						    issuer ? "CA:FALSE" : "critical,CA:TRUE");
	X509_add_ext(made, basic, -1);
	X509_EXTENSION_free(basic);
	ck_assert_int_gt(X509_sign(made, by, EVP_sha256()), 0);
	return made;
}

static char *pem_of(X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text, *copy;

	PEM_write_bio_X509(bio, certificate);
	long len = BIO_get_mem_data(bio, &text);
	copy = xstrndup(text, (size_t)len);
	BIO_free(bio);
	return copy;
}

static char *make_pem(X509 *ca, EVP_PKEY *by, int64_t from_s, int64_t to_s)
{
	X509 *made = make_certificate("sns.amazonaws.com", key, ca, by, from_s, to_s);
	char *pem = pem_of(made);

	X509_free(made);
	return pem;
}

static void make_keys(void)
{
	const int64_t day_s = 86400;

	ca_key = EVP_RSA_gen(2048);
	key = EVP_RSA_gen(2048);
	other_key = EVP_RSA_gen(2048);
	X509 *ca = make_certificate("test authority", ca_key, NULL, ca_key, -day_s, 365 * day_s);
	X509 *stranger =
		make_certificate("somebody", other_key, NULL, other_key, -day_s, 365 * day_s);
	ca_pem = pem_of(ca);
	good_pem = make_pem(ca, ca_key, -day_s, 30 * day_s);
	expired_pem = make_pem(ca, ca_key, -30 * day_s, -day_s);
	later_pem = make_pem(ca, ca_key, day_s, 30 * day_s);
	selfsigned_pem = make_pem(NULL, key, -day_s, 30 * day_s);
	/* It names our authority, but another key has signed it. */
	stranger_pem = make_pem(ca, other_key, -day_s, 30 * day_s);
	X509_free(ca);
	X509_free(stranger);
}

static void free_keys(void)
{
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other_key);
	free(ca_pem);
	free(good_pem);
	free(expired_pem);
	free(later_pem);
	free(selfsigned_pem);
	free(stranger_pem);
}

/* ---- messages ---- */

/* The members, in the order in which they are signed. */
static char *signature_of(json_t *message, EVP_PKEY *by, const EVP_MD *md)
{
	static const char *const names[] = { "Message",	  "MessageId", "Subject",  "SubscribeURL",
					     "Timestamp", "Token",     "TopicArn", "Type" };
	struct buf text = BUF_INIT(1 << 20);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char signature[512];
	size_t len = sizeof(signature);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = json_string_value(json_object_get(message, names[i]));
		if (value)
			buf_printf(&text, "%s\n%s\n", names[i], value);
	}
	ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, md, NULL, by), 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, signature, &len,
					(const unsigned char *)buf_text(&text), text.len),
			 1);
	EVP_MD_CTX_free(ctx);
	buf_fini(&text);
	char *code = xcalloc(1, base64_size(len));
	base64_encode(signature, len, code);
	return code;
}

static void sign_by(json_t *message, EVP_PKEY *by, int version)
{
	char *code = signature_of(message, by, version == 1 ? EVP_sha1() : EVP_sha256());

	json_object_set_new(message, "Signature", json_string(code));
	json_object_set_new(message, "SignatureVersion", json_string(version == 1 ? "1" : "2"));
	free(code);
}

#define ALARM                                                                                      \
	"{\"AlarmName\":\"Errors\",\"NewStateValue\":\"ALARM\",\"AlarmArn\":"                      \
	"\"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:Errors\",\"StateChangeTime\":"          \
	"\"2026-09-01T09:58:00.000+0000\",\"NewStateReason\":\"3 > 1\"}"

/* A notification of ten o'clock, unsigned. */
static json_t *message_with_id(const char *id)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "Type", "Notification", "MessageId", id,
			 "TopicArn", TOPIC, "Subject", "ALARM: \"Errors\"", "Message", ALARM,
			 "Timestamp", "2026-09-01T09:59:59.123Z", "SigningCertURL", CERT_URL);
}

static json_t *subscription(const char *url)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "Type", "SubscriptionConfirmation",
			 "MessageId", "sub-1", "Token", "t0ken", "TopicArn", TOPIC, "Message",
			 "You have chosen to subscribe", "SubscribeURL", url, "Timestamp",
			 "2026-09-01T09:59:59.123Z", "SigningCertURL", CERT_URL);
}

/* ---- the world ---- */

static const char *const topics[] = { "arn:aws:sns:eu-west-1:123456789012:other", TOPIC };

struct world {
	struct fake_clock clock;
	struct fake_http http;
	struct sender_auth auth;
	struct sender sender;
	struct intake *intake;
	struct http_exchange exchange;
	char *body;
	size_t accepted, resolved, refused;
	char name[64];
	store_done *done;
	void *done_arg;
};

static struct world w;

static bool on_have_room(void *ctx)
{
	(void)ctx;
	return true;
}

static enum accept_result on_accept(void *ctx, const struct alert *alert, size_t more)
{
	const char *name = labels_get(&alert->labels, "alertname");

	(void)ctx;
	(void)more;
	w.accepted++;
	snprintf(w.name, sizeof(w.name), "%s", name);
	return ACCEPT_NEW;
}

static void on_when_durable(void *ctx, store_done *done, void *arg)
{
	(void)ctx;
	w.done = done;
	w.done_arg = arg;
}

static void on_body_refused(void *ctx, const struct rejected_body *body)
{
	(void)ctx;
	(void)body;
	w.refused++;
}

static void start(bool open)
{
	const struct intake_env env = {
		.pool = w.clock.pool,
		.timers = w.clock.timers,
		.clock = &w.clock.clock,
		.senders = &w.sender,
		.nsenders = 1,
		.open = open,
		.transport = &w.http.transport,
		.authorities = ca_pem,
		.ops = { .have_room = on_have_room,
			 .accept = on_accept,
			 .when_durable = on_when_durable,
			 .body_refused = on_body_refused,
			 .ctx = &w },
	};

	intake_free(w.intake);
	w.intake = intake_new(&env);
}

static void set_up(void)
{
	w = (struct world){ .sender = { .name = "aws",
					.format = FORMAT_SNS,
					.auth = &w.auth,
					.topics = topics,
					.ntopics = ARRAY_LEN(topics) } };
	log_set_level(LOG_LEVEL_ERROR + 1);
	fake_clock_init(&w.clock);
	fake_http_init(&w.http, &w.clock);
	start(false);
}

static void tear_down(void)
{
	intake_free(w.intake);
	fake_http_fini(&w.http);
	fake_clock_fini(&w.clock);
	secret_fini(&w.auth.bearer[0]);
	free(w.body);
}

static void give_certificate(const char *pem)
{
	fake_http_reply(&w.http, (struct fake_reply){ .url_part = CERT_URL,
						      .status = 200,
						      .body = pem,
						      .delay_us = 1000 });
}

/* Takes the message. */
static void post(json_t *message)
{
	free(w.body);
	w.body = json_dumps(message, JSON_COMPACT);
	json_decref(message);
	w.exchange = (struct http_exchange){ .body = w.body,
					     .len = strlen(w.body),
					     .authorization = w.exchange.authorization };
	intake_webhook(w.intake, &w.exchange, "aws");
	fake_clock_run_idle(&w.clock, US_PER_SECOND);
}

static void commit(int error)
{
	ck_assert_ptr_nonnull(w.done);
	w.done(w.done_arg, error, error ? "disk full" : NULL);
	w.done = NULL;
}

static void check_says(int status, const char *words)
{
	ck_assert_int_eq(w.exchange.replies, 1);
	ck_assert_msg(w.exchange.status == status, "%d %s", w.exchange.status, w.exchange.text);
	ck_assert_msg(strstr(w.exchange.text, words) != NULL, "%s", w.exchange.text);
}

static void post_good(const char *id, int version)
{
	json_t *message = message_with_id(id);

	sign_by(message, key, version);
	post(message);
}

/* ---- good ones ---- */

/* Both versions of signatures; one request for the certificate, and none for anything else. */
START_TEST(good_messages)
{
	give_certificate(good_pem);
	post_good("m1", 1);
	ck_assert_uint_eq(w.accepted, 1);
	ck_assert_str_eq(w.name, "Errors");
	commit(0);
	check_says(202, "\"accepted\": 1");
	post_good("m2", 2);
	commit(0);
	check_says(202, "\"accepted\": 1");
	ck_assert_uint_eq(w.http.nrequests, 1);
	ck_assert_str_eq(w.http.requests[0].url, CERT_URL);
	ck_assert_int_eq(w.http.requests[0].method, HTTP_GET);
}
END_TEST

START_TEST(messages_without_a_subject)
{
	json_t *message = message_with_id("m1");

	give_certificate(good_pem);
	json_object_del(message, "Subject");
	sign_by(message, key, 2);
	post(message);
	commit(0);
	check_says(202, "\"accepted\": 1");
}
END_TEST

/* A certificate is fetched again after a day. */
START_TEST(certificates_are_kept_for_a_day)
{
	give_certificate(good_pem);
	post_good("m1", 2);
	commit(0);
	fake_clock_advance(&w.clock, LIMIT_SNS_CERTIFICATE_US);
	json_t *message = message_with_id("m2");
	json_object_set_new(message, "Timestamp", json_string("2026-09-02T09:59:59Z"));
	sign_by(message, key, 2);
	post(message);
	commit(0);
	check_says(202, "\"accepted\": 1");
	ck_assert_uint_eq(w.http.nrequests, 2);
}
END_TEST

/* ---- forged and altered ones ---- */

START_TEST(messages_that_were_altered)
{
	static const struct {
		const char *member, *value;
	} rows[] = {
		{ "Message", "{\"AlarmName\":\"Other\"}" },
		{ "MessageId", "m9" },
		{ "Subject", "other" },
		{ "Subject", NULL },
		{ "Timestamp", "2026-09-01T10:00:00Z" },
		{ "TopicArn", "arn:aws:sns:eu-west-1:123456789012:other" },
		{ "SignatureVersion", "1" },
	};
	json_t *message = message_with_id("m1");

	give_certificate(good_pem);
	sign_by(message, key, 2);
	if (rows[_i].value)
		json_object_set_new(message, rows[_i].member, json_string(rows[_i].value));
	else
		json_object_del(message, rows[_i].member);
	post(message);
	check_says(403, "the signature does not fit");
	ck_assert_uint_eq(w.accepted + w.refused, 0);
}
END_TEST

/* What the signature does not cover is not read. */
START_TEST(members_that_are_not_signed)
{
	json_t *message = message_with_id("m1");

	give_certificate(good_pem);
	json_object_set_new(message, "Message", json_string("a text"));
	sign_by(message, key, 2);
	json_object_set_new(message, "AlarmName", json_string("Forged"));
	json_object_set_new(message, "Records",
			    json_loads("[{\"Sns\":{\"Subject\":\"x\"}}]", 0, NULL));
	json_object_set_new(message, "UnsubscribeURL", json_string("https://evil.example/"));
	post(message);
	commit(0);
	ck_assert_str_eq(w.name, "ALARM: \"Errors\"");
	ck_assert_uint_eq(w.http.nrequests, 1);
}
END_TEST

START_TEST(a_key_of_somebody_else)
{
	json_t *message = message_with_id("m1");

	give_certificate(good_pem);
	sign_by(message, other_key, 2);
	post(message);
	check_says(403, "the signature does not fit");
}
END_TEST

START_TEST(messages_that_are_incomplete)
{
	static const struct {
		const char *member, *value, *says;
	} rows[] = {
		{ "Signature", NULL, "it has no Signature" },
		{ "Signature", "", "no base64" },
		{ "Signature", "@@@@", "no base64" },
		{ "SignatureVersion", NULL, "it has no SignatureVersion" },
		{ "SignatureVersion", "3", "neither 1 nor 2" },
		{ "SigningCertURL", NULL, "it has no SigningCertURL" },
		{ "Timestamp", NULL, "has no Timestamp" },
		{ "Message", NULL, "has no Message" },
		{ "Type", "Other", "Type is none of" },
	};
	json_t *message = message_with_id("m1");

	sign_by(message, key, 2);
	if (rows[_i].value)
		json_object_set_new(message, rows[_i].member, json_string(rows[_i].value));
	else
		json_object_del(message, rows[_i].member);
	post(message);
	check_says(403, rows[_i].says);
	ck_assert_uint_eq(w.http.nrequests, 0);
}
END_TEST

static void post_text(const char *text)
{
	w.exchange = (struct http_exchange){ .body = text,
					     .len = strlen(text),
					     .authorization = w.exchange.authorization };
	intake_webhook(w.intake, &w.exchange, "aws");
	fake_clock_run_idle(&w.clock, US_PER_SECOND);
}

START_TEST(bodies_that_are_no_message)
{
	post_text("{\"Type\": 7");
	check_says(400, "not JSON");
	post_text("{\"Type\":\"Notification\",\"Type\":\"Notification\"}");
	check_says(400, "duplicate");
	ck_assert_uint_eq(w.http.nrequests, 0);
}
END_TEST

/* ---- hosts ---- */

START_TEST(addresses)
{
	static const struct {
		const char *url;
		bool good;
	} rows[] = {
		{ CERT_URL, true },
		{ "https://sns.us-east-1.amazonaws.com/a/b.pem", true },
		{ "https://sns.cn-north-1.amazonaws.com.cn/a.pem", true },
		{ "http://sns.us-east-1.amazonaws.com/a.pem", false },
		{ "HTTPS://sns.us-east-1.amazonaws.com/a.pem", false },
		{ "https://sns.evil.com/a.pem", false },
		{ "https://sns.us-east-1.amazonaws.com.evil.com/a.pem", false },
		{ "https://sns.us-east-1.amazonaws.com.cn.evil.com/a.pem", false },
		{ "https://sns.us-east-1.amazonaws.comevil.com/a.pem", false },
		{ "https://evil.com/sns.us-east-1.amazonaws.com/a.pem", false },
		{ "https://sns.us-east-1.amazonaws.com@evil.com/a.pem", false },
		{ "https://user@sns.us-east-1.amazonaws.com/a.pem", false },
		{ "https://user:x@sns.us-east-1.amazonaws.com/a.pem", false },
		{ "https://sns.us-east-1.amazonaws.com:443/a.pem", false },
		{ "https://sns.us-east-1.amazonaws.com./a.pem", false },
		{ "https://SNS.us-east-1.amazonaws.com/a.pem", false },
		{ "https://sns.US-EAST-1.amazonaws.com/a.pem", false },
		{ "https://sns.us-east-1.AMAZONAWS.com/a.pem", false },
		{ "https://sns.amazonaws.com/a.pem", false },
		{ "https://sns..amazonaws.com/a.pem", false },
		{ "https://sns.a.b.amazonaws.com/a.pem", false },
		{ "https://sns.-a.amazonaws.com/a.pem", false },
		{ "https://xsns.us-east-1.amazonaws.com/a.pem", false },
		{ "https://s3.us-east-1.amazonaws.com/a.pem", false },
		{ "https://sns.us-east-1.amazonaws.com", false },
		{ "https://sns.us-east-1.amazonaws.com?a.pem", false },
		{ "https://sns.us-east-1.amazonaws.com#/a.pem", false },
		{ "https://sns.us-east-1.amazonaws.com\\@evil.com/a.pem", false },
		{ "https://sns.us-east-1.amazonaws.com/a.pem?x=.pem", false },
		{ "https://sns.us-east-1.amazonaws.com/a.pem#.pem", false },
		{ "https://sns.us-east-1.amazonaws.com/a.pem/", false },
		{ "https://sns.us-east-1.amazonaws.com/a.PEM", false },
		{ "https://sns.us-east-1.amazonaws.com/%2e%2e/a.pem", false },
		{ "https://sns.us-east-1.amazonaws.com/a b.pem", false },
		{ " https://sns.us-east-1.amazonaws.com/a.pem", false },
		{ "file:///etc/ssl/a.pem", false },
		{ "", false },
	};
	const char *url = rows[_i].url, *fault = sns_certificate_url_fault(url);
	json_t *message = message_with_id("m1");

	ck_assert_msg(rows[_i].good == !fault, "%s: %s", url, fault ? fault : "good");
	if (!rows[_i].good) {
		sign_by(message, key, 2);
		json_object_set_new(message, "SigningCertURL", json_string(url));
		post(message);
		check_says(403, "SigningCertURL is not an address of Amazon SNS");
		ck_assert_uint_eq(w.http.nrequests, 0);
	} else {
		json_decref(message);
	}
}
END_TEST
#define ADDRESS_ROWS 37
#define FETCHES	     (LIMIT_SNS_CERTIFICATES / 4)

/* ---- certificates ---- */

START_TEST(certificates_that_are_not_good)
{
	const struct {
		const char *pem, *says;
	} rows[] = {
		{ expired_pem, "is not good at this time" },
		{ later_pem, "is not good at this time" },
		{ selfsigned_pem, "no authority vouches" },
		{ stranger_pem, "no authority vouches" },
	};

	give_certificate(rows[_i].pem);
	post_good("m1", 2);
	check_says(403, rows[_i].says);
	ck_assert_uint_eq(w.accepted, 0);
}
END_TEST

/* Amazon sends the message again; the certificate is asked for again only after a while. */
START_TEST(certificates_that_cannot_be_had)
{
	fake_http_reply(&w.http,
			(struct fake_reply){ .times = 1, .status = 200, .body = "no PEM" });
	fake_http_reply(&w.http,
			(struct fake_reply){ .times = 1, .status = 302, .body = good_pem });
	give_certificate(good_pem);
	post_good("m1", 2);
	check_says(503, "cannot be read");
	post_good("m1", 2);
	check_says(503, "cannot be read");
	ck_assert_uint_eq(w.http.nrequests, 1);
	fake_clock_advance(&w.clock, LIMIT_SNS_CERTIFICATE_RETRY_US);
	post_good("m1", 2);
	check_says(503, "status 302");
	fake_clock_advance(&w.clock, LIMIT_SNS_CERTIFICATE_RETRY_US);
	post_good("m1", 2);
	commit(0);
	check_says(202, "\"accepted\": 1");
}
END_TEST

/* Strangers cannot make us ask Amazon more than FETCHES times at once. */
START_TEST(fetches_are_few)
{
	struct http_exchange exchanges[FETCHES + 1];
	char *bodies[ARRAY_LEN(exchanges)];

	fake_http_reply(&w.http,
			(struct fake_reply){ .status = 404, .body = "", .delay_us = 1000 });
	for (size_t i = 0; i < ARRAY_LEN(exchanges); i++) {
		json_t *message = message_with_id("m1");
		char url[80];
		snprintf(url, sizeof(url), HOST "/%zu.pem", i);
		sign_by(message, key, 2);
		json_object_set_new(message, "SigningCertURL", json_string(url));
		bodies[i] = json_dumps(message, 0);
		json_decref(message);
		exchanges[i] =
			(struct http_exchange){ .body = bodies[i], .len = strlen(bodies[i]) };
		intake_webhook(w.intake, &exchanges[i], "aws");
	}
	ck_assert_uint_eq(w.http.nrequests, FETCHES);
	ck_assert_int_eq(exchanges[FETCHES].status, 503);
	fake_clock_run_idle(&w.clock, US_PER_SECOND);
	for (size_t i = 0; i < ARRAY_LEN(exchanges); i++) {
		ck_assert_int_eq(exchanges[i].replies, 1);
		free(bodies[i]);
	}
}
END_TEST

/* Two messages wait for one certificate; what waits when all ends is dropped. */
START_TEST(messages_wait_together)
{
	json_t *message = message_with_id("m1");
	struct http_exchange first = { 0 }, second = { 0 };

	give_certificate(good_pem);
	sign_by(message, key, 2);
	char *body = json_dumps(message, 0);
	json_decref(message);
	first.body = second.body = body;
	first.len = second.len = strlen(body);
	intake_webhook(w.intake, &first, "aws");
	intake_webhook(w.intake, &second, "aws");
	ck_assert_uint_eq(w.http.nrequests, 1);
	start(false);
	ck_assert_uint_eq(w.http.cancelled, 1);
	ck_assert_int_eq(first.replies + second.replies, 0);
	intake_webhook(w.intake, &first, "aws");
	intake_webhook(w.intake, &second, "aws");
	fake_clock_run_idle(&w.clock, US_PER_SECOND);
	ck_assert_uint_eq(w.accepted, 2);
	ck_assert_uint_eq(w.http.nrequests, 2);
	start(false);
	free(body);
}
END_TEST

/* ---- replays ---- */

START_TEST(repeats_of_a_message)
{
	give_certificate(good_pem);
	post_good("m1", 2);
	commit(-ENOSPC);
	check_says(503, "send them again");
	post_good("m1", 2);
	ck_assert_uint_eq(w.accepted, 2);
	commit(0);
	check_says(202, "\"accepted\": 1");
	post_good("m1", 2);
	ck_assert_uint_eq(w.accepted, 2);
	check_says(202, "\"ignored\": \"message m1 was taken before: a repeat does nothing\"");
}
END_TEST

START_TEST(messages_of_another_time)
{
	static const struct {
		const char *time, *says;
	} rows[] = {
		{ "2026-09-01T07:59:00Z", "the message is too old: 121 minutes" },
		{ "2026-09-01T12:01:00Z", "the message is of the future" },
	};
	json_t *message = message_with_id("m1");

	json_object_set_new(message, "Timestamp", json_string(rows[_i].time));
	sign_by(message, key, 2);
	post(message);
	check_says(403, rows[_i].says);
	ck_assert_uint_eq(w.http.nrequests, 0);
}
END_TEST

/* ---- topics ---- */

START_TEST(topics_that_are_not_listed)
{
	w.sender.ntopics = 1;
	post_good("m1", 2);
	check_says(403, "topic " TOPIC " is not listed: add it to topics of sender aws");
	w.sender.ntopics = 0;
	post_good("m1", 2);
	check_says(403, "is not listed");
	ck_assert_uint_eq(w.http.nrequests, 0);
	/* One that shows who it is may send of every topic. */
	secret_set(&w.auth.bearer[0], "s3cret");
	w.exchange.authorization = "Bearer s3cret";
	give_certificate(good_pem);
	post_good("m1", 2);
	commit(0);
	check_says(202, "\"accepted\": 1");
}
END_TEST

START_TEST(messages_without_an_envelope)
{
	post_text(ALARM);
	check_says(403, "the message is not signed");
	w.sender.ntopics = 0;
	post_text(ALARM);
	check_says(403, "the message is not signed");
	secret_set(&w.auth.bearer[0], "s3cret");
	w.exchange.authorization = "Bearer s3cret";
	post_text(ALARM);
	commit(0);
	check_says(202, "\"accepted\": 1");
	ck_assert_uint_eq(w.http.nrequests, 0);
}
END_TEST

START_TEST(subscriptions_are_confirmed)
{
	json_t *message = subscription(SUBSCRIBE);

	fake_http_reply(&w.http, (struct fake_reply){ .url_part = "Action=ConfirmSubscription",
						      .times = 1,
						      .status = 500,
						      .body = "" });
	fake_http_reply(&w.http, (struct fake_reply){ .url_part = "Action=ConfirmSubscription",
						      .status = 200,
						      .body = "<ok/>" });
	give_certificate(good_pem);
	sign_by(message, key, 1);
	json_incref(message);
	post(message);
	check_says(503, "does not confirm the subscription");
	post(message);
	check_says(202, "the subscription to " TOPIC " is confirmed");
	ck_assert_uint_eq(w.http.nrequests, 3);
	ck_assert_str_eq(w.http.requests[2].url, SUBSCRIBE);
	ck_assert_uint_eq(w.accepted, 0);
}
END_TEST

/* Nobody would notice that alarms come no more. */
START_TEST(subscriptions_that_end_page)
{
	json_t *message = subscription(SUBSCRIBE);

	give_certificate(good_pem);
	json_object_set_new(message, "Type", json_string("UnsubscribeConfirmation"));
	sign_by(message, key, 2);
	post(message);
	check_says(202, "Amazon SNS has ended the subscription to " TOPIC);
	ck_assert_uint_eq(w.refused, 1);
	ck_assert_uint_eq(w.accepted, 0);
	ck_assert_uint_eq(w.http.nrequests, 1);
}
END_TEST

START_TEST(subscriptions_that_are_not_confirmed)
{
	static const char *const urls[] = {
		"https://evil.example/?Action=ConfirmSubscription",
		"https://sns.eu-west-1.amazonaws.com.evil.com/?Action=ConfirmSubscription",
		"http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
		"https://sns.eu-west-1.amazonaws.com@169.254.169.254/",
	};
	json_t *message;

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		message = subscription(urls[i]);
		sign_by(message, key, 1);
		post(message);
		check_says(403, "SubscribeURL is not an address of Amazon SNS");
	}
	w.sender.ntopics = 1;
	message = subscription(SUBSCRIBE);
	sign_by(message, key, 1);
	post(message);
	check_says(403, "is not listed");
	ck_assert_uint_eq(w.http.nrequests, 0);
	/* Nor one that nobody signed. */
	w.sender.ntopics = 2;
	give_certificate(good_pem);
	message = subscription(SUBSCRIBE);
	sign_by(message, other_key, 1);
	post(message);
	check_says(403, "the signature does not fit");
	ck_assert_uint_eq(w.http.nrequests, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sns");
	TCase *tcase = tcase_create("sns");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_unchecked_fixture(tcase, make_keys, free_keys);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, good_messages);
	tcase_add_test(tcase, messages_without_a_subject);
	tcase_add_test(tcase, certificates_are_kept_for_a_day);
	tcase_add_loop_test(tcase, messages_that_were_altered, 0, 7);
	tcase_add_test(tcase, members_that_are_not_signed);
	tcase_add_test(tcase, a_key_of_somebody_else);
	tcase_add_loop_test(tcase, messages_that_are_incomplete, 0, 9);
	tcase_add_test(tcase, bodies_that_are_no_message);
	tcase_add_loop_test(tcase, addresses, 0, ADDRESS_ROWS);
	tcase_add_loop_test(tcase, certificates_that_are_not_good, 0, 4);
	tcase_add_test(tcase, certificates_that_cannot_be_had);
	tcase_add_test(tcase, fetches_are_few);
	tcase_add_test(tcase, messages_wait_together);
	tcase_add_test(tcase, repeats_of_a_message);
	tcase_add_loop_test(tcase, messages_of_another_time, 0, 2);
	tcase_add_test(tcase, topics_that_are_not_listed);
	tcase_add_test(tcase, messages_without_an_envelope);
	tcase_add_test(tcase, subscriptions_are_confirmed);
	tcase_add_test(tcase, subscriptions_that_end_page);
	tcase_add_test(tcase, subscriptions_that_are_not_confirmed);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
