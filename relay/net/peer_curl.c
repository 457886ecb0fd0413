/* Reads a Date, and a certificate's end: see peer_curl-internal.h. */
#include "peer_curl-internal.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "tracepager/limits.h"

int64_t peer_curl_date_us(const char *line, size_t len)
{
	static const char name[] = "date:";
	char text[64];

	if (len < strlen(name) || strncasecmp(line, name, strlen(name)) != 0)
		return 0;
	len -= strlen(name);
	if (len >= sizeof(text))
		return 0;
	memcpy(text, line + strlen(name), len);
	text[len] = '\0';
	const time_t at = curl_getdate(text, NULL);
	return at > 0 ? (int64_t)at * US_PER_SECOND : 0;
}

static pthread_once_t curl_openssl_once = PTHREAD_ONCE_INIT;
static bool curl_openssl_is_ours;

/* curl writes its version into memory of its own: once is enough, and two threads must not. */
static void curl_compare_openssl(void)
{
	static const char name[] = "OpenSSL/";
	const char *its = curl_version_info(CURLVERSION_NOW)->ssl_version;

	curl_openssl_is_ours =
		its && strncmp(its, name, strlen(name)) == 0 &&
		strcmp(its + strlen(name), OpenSSL_version(OPENSSL_VERSION_STRING)) == 0;
}

/* A session of another library, or of another version of it, is not ours to read. */
static bool curl_has_our_openssl(void)
{
	pthread_once(&curl_openssl_once, curl_compare_openssl);
	return curl_openssl_is_ours;
}

int64_t peer_curl_certificate_end_us(CURL *curl)
{
	const struct curl_tlssessioninfo *session = NULL;
	long nconnects = 0;
	struct tm tm;

	if (curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &nconnects) != CURLE_OK || !nconnects ||
	    curl_easy_getinfo(curl, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || !session ||
	    session->backend != CURLSSLBACKEND_OPENSSL || !session->internals ||
	    !curl_has_our_openssl())
		return 0;
	const SSL *ssl = session->internals;
	const X509 *certificate = SSL_session_reused(ssl) ? NULL : SSL_get0_peer_certificate(ssl);
	return certificate && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm)
		       ? (int64_t)timegm(&tm) * US_PER_SECOND
		       : 0;
}
