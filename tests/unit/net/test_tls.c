/* net: certificates, and the server with TLS. The certificates are made here, of their own keys. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/lib/net_world.h"
#include "tracepager/metrics.h"
#include "tracepager/tls.h"
#include "tracepager/xalloc.h"

/* ---- certificates ---- */

static char directory[] = "/tmp/tracepager-tls-XXXXXX";
static char *paths[16]; /* of files in it */
static size_t npaths;

static const char *file_path(const char *name)
{
	for (size_t i = 0; i < npaths; i++)
		if (strcmp(strrchr(paths[i], '/') + 1, name) == 0)
			return paths[i];
	ck_assert_uint_lt(npaths, ARRAY_LEN(paths));
	return paths[npaths++] = xasprintf("%s/%s", directory, name);
}

static FILE *file_open(const char *name)
{
	FILE *file = fopen(file_path(name), "we");

	ck_assert_ptr_nonnull(file);
	return file;
}

static void file_write(const char *name, const char *text)
{
	FILE *file = file_open(name);

	fputs(text, file);
	fclose(file);
}

/* Signed by itself, so that a client that trusts the file trusts the server. days: from yesterday.
 */
static X509 *certificate_new(EVP_PKEY *key, long serial, int days)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	X509V3_CTX context;

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
	X509_gmtime_adj(X509_getm_notAfter(certificate), (days - 1) * 86400L);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"relay", -1, -1,
				   0);
	X509_set_issuer_name(certificate, name);
	X509_set_pubkey(certificate, key);
	X509V3_set_ctx_nodb(&context);
	X509_EXTENSION *names =
		X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, "IP:127.0.0.1");
	X509_add_ext(certificate, names, -1);
	X509_EXTENSION_free(names);
	ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
	return certificate;
}

/* NAME.pem and NAME.key; locked: the key has a passphrase. */
static void issue(const char *name, long serial, int days, bool locked)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = certificate_new(key, serial, days);
	CLEANUP_FREE char *pem = xasprintf("%s.pem", name), *key_name = xasprintf("%s.key", name);
	FILE *file = file_open(pem);

	ck_assert_int_eq(PEM_write_X509(file, certificate), 1);
	fclose(file);
	file = file_open(key_name);
	ck_assert_int_eq(PEM_write_PrivateKey(file, key, locked ? EVP_aes_128_cbc() : NULL,
					      locked ? (const unsigned char *)"secret" : NULL,
					      locked ? 6 : 0, NULL, NULL),
			 1);
	fclose(file);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void tls_set_up(void)
{
	world_set_up();
	strcpy(strrchr(directory, '-'), "-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void tls_tear_down(void)
{
	world_tear_down();
	while (npaths) {
		unlink(paths[--npaths]);
		free(paths[npaths]);
	}
	rmdir(directory);
}

static struct tls *load(const char *cert, const char *key, const char *authorities,
			struct tls_fault *fault)
{
	const struct tls_options options = { .cert_file = file_path(cert),
					     .key_file = *key ? file_path(key) : "",
					     .client_ca_file =
						     *authorities ? file_path(authorities) : "",
					     .min_version = "1.2" };

	return tls_load(&options, fault);
}

/* ---- files ---- */

START_TEST(tls_takes_what_fits)
{
	struct tls_fault fault;

	issue("a", 0xabcde, 11, false);
	issue("b", 2, 11, false);
	struct tls *a = load("a.pem", "a.key", "", &fault),
		   *again = load("a.pem", "a.key", "", &fault),
		   *b = load("b.pem", "b.key", "", &fault),
		   *clients = load("a.pem", "a.key", "b.pem", &fault);
	ck_assert(a && again && b && clients);
	ck_assert(tls_same(a, again));
	ck_assert(!tls_same(a, b));
	ck_assert(!tls_same(a, clients));
	ck_assert_str_eq(tls_serial(a), "0ABCDE");
	/* Ten days from now, to the second in which it was made. */
	const int64_t now_us = (int64_t)time(NULL) * US_PER_SECOND, ends_us = tls_ends_us(a);
	ck_assert_int_le(ends_us, now_us + 10 * US_PER_DAY);
	ck_assert_int_ge(ends_us, now_us + 10 * US_PER_DAY - US_PER_MINUTE * 5);
	ck_assert(tls_check_time(a, now_us, &fault));
	ck_assert(tls_check_time(a, ends_us - 1, &fault));
	ck_assert(!tls_check_time(a, ends_us, &fault));
	ck_assert_ptr_nonnull(strstr(fault.err.text, "the certificate ended at 20"));
	ck_assert(!tls_check_time(a, now_us - 2 * US_PER_DAY, &fault));
	ck_assert_ptr_nonnull(strstr(fault.err.text, "is valid from 20"));
	tls_free(a);
	tls_free(again);
	tls_free(b);
	tls_free(clients);
}
END_TEST

/* The one that ends first counts, and the key may stand in the certificate's file. */
START_TEST(tls_looks_at_the_whole_file)
{
	CLEANUP_FREE char *command = NULL;
	struct tls_fault fault;

	issue("long", 1, 100, false);
	issue("short", 2, 3, false);
	command = xasprintf("cat %s/long.pem %s/short.pem %s/long.key > %s", directory, directory,
			    directory, file_path("all.pem"));
	ck_assert_int_eq(system(command), 0);
	struct tls *tls = load("all.pem", "", "", &fault);
	ck_assert_msg(tls, "%s", fault.err.text);
	ck_assert_str_eq(tls_serial(tls), "01");
	ck_assert_int_lt(tls_ends_us(tls), ((int64_t)time(NULL) + 3 * 86400) * US_PER_SECOND);
	tls_free(tls);
}
END_TEST

static const struct {
	const char *cert, *key, *authorities;
	enum tls_part part;
	const char *says, *cures;
} tls_refused[] = {
	{ "none.pem", "a.key", "", TLS_CERT_FILE, "none.pem: No such file", "may read" },
	{ "a.pem", "none.key", "", TLS_KEY_FILE, "none.key: No such file", "may read" },
	{ "a.pem", "a.key", "none.pem", TLS_CLIENT_CA_FILE, "none.pem: No such file", "may read" },
	{ "empty.pem", "a.key", "", TLS_CERT_FILE, "holds no certificate", "BEGIN CERTIFICATE" },
	{ "a.key", "a.key", "", TLS_CERT_FILE, "holds no certificate", "BEGIN CERTIFICATE" },
	{ "torn.pem", "a.key", "", TLS_CERT_FILE, "torn.pem: bad", "BEGIN CERTIFICATE" },
	{ "a.pem", "a.pem", "", TLS_KEY_FILE, "holds no private key", "BEGIN PRIVATE KEY" },
	{ "a.pem", "", "", TLS_KEY_FILE, "holds no private key", "BEGIN PRIVATE KEY" },
	{ "a.pem", "b.key", "", TLS_KEY_FILE, "is of another certificate than", "of one issue" },
	{ "a.pem", "locked.key", "", TLS_KEY_FILE, "has a passphrase", "openssl pkey" },
	{ "a.pem", "a.key", "a.key", TLS_CLIENT_CA_FILE, "holds no certificate", "authorities" },
	{ "a.pem", "a.key", ".", TLS_CLIENT_CA_FILE, "no regular file", "a file of PEM" },
};

START_TEST(tls_refuses)
{
	struct tls_fault fault;

	issue("a", 1, 11, false);
	issue("b", 2, 11, false);
	issue("locked", 3, 11, true);
	file_write("empty.pem", "");
	file_write("torn.pem", "-----BEGIN CERTIFICATE-----\nMII*\n-----END CERTIFICATE-----\n");
	ck_assert_ptr_null(load(tls_refused[_i].cert, tls_refused[_i].key,
				tls_refused[_i].authorities, &fault));
	ck_assert_int_eq(fault.part, tls_refused[_i].part);
	ck_assert_msg(strstr(fault.err.text, tls_refused[_i].says), "%s", fault.err.text);
	ck_assert_msg(strstr(fault.cure, tls_refused[_i].cures), "%s", fault.cure);
}
END_TEST

/* ---- the server ---- */

static void ask_trusting(struct answer *answer, const char *path, const char *authorities)
{
	CLEANUP_FREE char *url =
		xasprintf("https://127.0.0.1:%d%s", http_server_port(w.server), path);
	struct http_request request = request_to(url);

	request.ca_file = file_path(authorities);
	*answer = (struct answer){ .calls = 0 };
	ask_for(answer, &request, &whole);
	pump(answer->calls);
}

static void serve(const char *cert, const char *key)
{
	struct tls_fault fault;
	struct tls *tls = load(cert, key, "", &fault);

	http_server_set_tls(w.server, tls);
	ck_assert_int_eq(metric_value(METRIC_TLS_EXPIRY), tls_ends_us(tls));
	tls_free(tls); /* the server has a reference of its own */
}

START_TEST(tls_certificate_is_exchanged)
{
	struct answer answer;

	issue("a", 1, 11, false);
	issue("b", 2, 11, false);
	serve("a.pem", "a.key");
	world_listen();
	ask_trusting(&answer, "/seen?1", "a.pem");
	ck_assert_int_eq(answer.status, 200);
	ck_assert_int_eq(strncmp(answer.body.data, "GET|/seen|1|", 12), 0);
	answer_fini(&answer);
	serve("b.pem", "b.key");
	ask_trusting(&answer, "/seen?2", "b.pem");
	ck_assert_int_eq(answer.status, 200);
	answer_fini(&answer);
	/* Who trusts a alone is not answered by b. */
	const int64_t failed = metric_value(METRIC_HANDSHAKES_UNTRUSTED);
	http_client_free(w.client);
	w.client = http_client_new(w.base, clock_system());
	w.transport = http_client_transport(w.client);
	ask_trusting(&answer, "/seen?3", "a.pem");
	ck_assert_int_eq(answer.status, 0);
	ck_assert_ptr_nonnull(strstr(answer.error, "certificate"));
	answer_fini(&answer);
	pump(metric_value(METRIC_HANDSHAKES_UNTRUSTED) == failed + 1);
}
END_TEST

/* The client remembers when the server's certificate ends, and reads it at new connections only. */
START_TEST(tls_end_is_seen)
{
	struct peer_sight *sight = http_client_sight(w.client);
	struct answer answer;
	struct peer_end end;

	issue("a", 1, 4, false);
	serve("a.pem", "a.key");
	world_listen();
	ask_trusting(&answer, "/seen?1", "a.pem");
	answer_fini(&answer);
	ck_assert(peer_sight_first_end(sight, clock_mono_us(clock_system()), &end));
	ck_assert_int_eq(end.ends_us, metric_value(METRIC_TLS_EXPIRY));
	CLEANUP_FREE char *peer = xasprintf("127.0.0.1:%d", http_server_port(w.server));
	ck_assert_str_eq(end.peer, peer);
	ck_assert(peer_sight_take_news(sight));
	/* On the same connection nothing is read again. */
	ask_trusting(&answer, "/seen?2", "a.pem");
	answer_fini(&answer);
	ck_assert_uint_eq(http_server_connections(w.server), 1);
	ck_assert(!peer_sight_take_news(sight));
}
END_TEST

START_TEST(tls_replies_are_whole)
{
	struct answer answer;

	issue("a", 1, 11, false);
	serve("a.pem", "a.key");
	world_listen();
	ask_trusting(&answer, "/many?5000000", "a.pem");
	ck_assert_int_eq(answer.status, 200);
	ck_assert_uint_eq(answer.body.len, 5000000);
	answer_fini(&answer);
}
END_TEST

START_TEST(tls_tells_plain_http)
{
	struct raw raw;

	issue("a", 1, 11, false);
	serve("a.pem", "a.key");
	world_listen();
	raw_open(&raw);
	raw_send(&raw, "GET /seen HTTP/1.1\r\nHost: a\r\n\r\n");
	pump(raw.eof);
	ck_assert_ptr_nonnull(strstr(buf_text(&raw.in), "HTTP/1.1 400 Bad Request"));
	ck_assert_ptr_nonnull(strstr(buf_text(&raw.in), "this port speaks TLS: use https://"));
	raw_close(&raw);
	pump(http_server_connections(w.server) == 0);
}
END_TEST

/* The server goes with connections in every state of a handshake. */
START_TEST(tls_server_dies_in_handshakes)
{
	struct raw raw[3];

	issue("a", 1, 11, false);
	serve("a.pem", "a.key");
	world_listen();
	for (size_t i = 0; i < ARRAY_LEN(raw); i++)
		raw_open(&raw[i]);
	raw_send_data(&raw[1], "\x16\x03\x01\x02", 4);
	raw_send_data(&raw[2], "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
	pump(http_server_connections(w.server) == 3);
	http_server_free(w.server);
	w.server = NULL;
	for (size_t i = 0; i < ARRAY_LEN(raw); i++)
		raw_close(&raw[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls");
	TCase *files = tcase_create("files"), *server = tcase_create("server");

	tcase_add_checked_fixture(files, tls_set_up, tls_tear_down);
	tcase_add_test(files, tls_takes_what_fits);
	tcase_add_test(files, tls_looks_at_the_whole_file);
	tcase_add_loop_test(files, tls_refuses, 0, ARRAY_LEN(tls_refused));
	suite_add_tcase(suite, files);
	tcase_add_checked_fixture(server, tls_set_up, tls_tear_down);
	tcase_add_test(server, tls_certificate_is_exchanged);
	tcase_add_test(server, tls_end_is_seen);
	tcase_add_test(server, tls_replies_are_whole);
	tcase_add_test(server, tls_tells_plain_http);
	tcase_add_test(server, tls_server_dies_in_handshakes);
	suite_add_tcase(suite, server);
	return world_run(suite);
}
