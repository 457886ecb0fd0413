/* Probes a peer with a handle of curl of its own: see probe.h. */
#include "tracepager/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#include "peer_curl-internal.h"

/* As smtp_curl.c has it: those that curl speaks with a user and a password. */
#define PROBE_MECHANISMS "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5"

static bool url_is_mail(const char *url)
{
	return strncasecmp(url, "smtp", 4) == 0;
}

static bool url_is_secure(const struct probe_request *request)
{
	return strncasecmp(request->url, "https:", 6) == 0 ||
	       strncasecmp(request->url, "smtps:", 6) == 0 ||
	       (url_is_mail(request->url) && request->tls == MAIL_TLS_REQUIRED);
}

/* ---- the address ---- */

/* "https://host:443/": nothing else of the URL, which may hold a key. And the host and port for a
 * person. Caller frees; NULL: it is no URL. */
static char *probe_address(const struct probe_request *request, char host_port[256])
{
	CURLU *parts = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL, *address = NULL;
	const unsigned int flags = CURLU_DEFAULT_PORT | CURLU_NON_SUPPORT_SCHEME;

	if (parts && !curl_url_set(parts, CURLUPART_URL, request->url, CURLU_NON_SUPPORT_SCHEME) &&
	    !curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) &&
	    !curl_url_get(parts, CURLUPART_HOST, &host, 0) &&
	    !curl_url_get(parts, CURLUPART_PORT, &port, flags)) {
		address = xasprintf("%s://%s:%s/", scheme, host, port);
		snprintf(host_port, 256, "%s:%s", host, port);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return address;
}

/* ---- from curl ---- */

struct probe_run {
	CURL *curl;
	struct probe_result *result;
	char error_text[CURL_ERROR_SIZE];
};

static size_t probe_on_data(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return size * n;
}

static void probe_look(struct probe_run *run)
{
	const int64_t ends_us = peer_curl_certificate_end_us(run->curl);

	if (ends_us)
		run->result->ends_us = ends_us;
}

/* Of a mail server each line of a reply: the second greeting comes by TLS, before the login. */
static size_t probe_on_header(char *data, size_t size, size_t n, void *arg)
{
	struct probe_run *run = arg;
	const int64_t date_us = peer_curl_date_us(data, size * n);

	if (date_us)
		run->result->date_us = date_us;
	probe_look(run);
	return size * n;
}

/* Where nothing is sent, nothing comes back either. */
static int probe_on_ready(void *arg, char *peer, char *own, int peer_port, int own_port)
{
	struct probe_run *run = arg;

	(void)peer_port;
	(void)own_port;
	run->result->is_here = strcmp(peer, own) == 0;
	probe_look(run);
	return CURL_PREREQFUNC_OK;
}

/* ---- options ---- */

static bool probe_set_common(CURL *curl, const struct probe_request *request, struct probe_run *run)
{
	const long timeout_ms = (long)(request->timeout_us / US_PER_MS);
	bool failed = false;

	failed |=
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,smtp,smtps") != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, run->error_text) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, probe_on_data) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, probe_on_header) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_HEADERDATA, run) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, probe_on_ready) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_PREREQDATA, run) != CURLE_OK;
	if (request->ca_file)
		failed |= curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file) != CURLE_OK;
	if (request->cert_file) {
		failed |= curl_easy_setopt(curl, CURLOPT_SSLCERT, request->cert_file) != CURLE_OK;
		failed |= curl_easy_setopt(curl, CURLOPT_SSLKEY,
					   request->key_file ? request->key_file
							     : request->cert_file) != CURLE_OK;
	}
	return !failed;
}

/* EHLO, STARTTLS, AUTH, NOOP, QUIT. */
static bool probe_set_mail(CURL *curl, const struct probe_request *request)
{
	static const long levels[] = { [MAIL_TLS_REQUIRED] = CURLUSESSL_ALL,
				       [MAIL_TLS_OPPORTUNISTIC] = CURLUSESSL_TRY,
				       [MAIL_TLS_NONE] = CURLUSESSL_NONE };
	bool failed = false;

	failed |= curl_easy_setopt(curl, CURLOPT_USE_SSL, levels[request->tls]) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_PROXY, "") != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "NOOP") != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_NOBODY, 1L) != CURLE_OK;
	if (request->user && request->password) {
		failed |=
			curl_easy_setopt(curl, CURLOPT_LOGIN_OPTIONS, PROBE_MECHANISMS) != CURLE_OK;
		failed |= curl_easy_setopt(curl, CURLOPT_USERNAME, request->user) != CURLE_OK;
		failed |= curl_easy_setopt(curl, CURLOPT_PASSWORD, request->password) != CURLE_OK;
	}
	return !failed;
}

static bool probe_set_http(CURL *curl, const struct probe_request *request)
{
	bool failed = false;

	failed |= curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) !=
		  CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK;
	if (request->wants_date)
		failed |= curl_easy_setopt(curl, CURLOPT_NOBODY, 1L) != CURLE_OK;
	else
		failed |= curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L) != CURLE_OK;
	return !failed;
}

/* ---- the outcome ---- */

static enum probe_step probe_timeout_step(CURL *curl, const struct probe_request *request)
{
	curl_off_t connected_us = 0, secured_us = 0;

	curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connected_us);
	curl_easy_getinfo(curl, CURLINFO_APPCONNECT_TIME_T, &secured_us);
	if (!connected_us)
		return PROBE_TIME;
	return url_is_secure(request) && !secured_us ? PROBE_TLS : PROBE_TIME;
}

/* No switch: curl's enum has a hundred members, and -Wswitch-enum wants a case for each. */
static enum probe_step probe_step_of(CURL *curl, const struct probe_request *request, CURLcode code)
{
	if (code == CURLE_OK)
		return PROBE_DONE;
	if (code == CURLE_COULDNT_RESOLVE_HOST)
		return PROBE_NAME;
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_PROXY)
		return PROBE_CONNECT;
	if (code == CURLE_OPERATION_TIMEDOUT)
		return probe_timeout_step(curl, request);
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		return PROBE_CERTIFICATE;
	if (code == CURLE_SSL_CONNECT_ERROR || code == CURLE_USE_SSL_FAILED ||
	    code == CURLE_SSL_CERTPROBLEM)
		return PROBE_TLS;
	if (code == CURLE_LOGIN_DENIED)
		return PROBE_LOGIN;
	return PROBE_ANSWER;
}

static void probe_tell(CURL *curl, enum probe_step step, CURLcode code, const char *error_text,
		       const struct probe_request *request, struct probe_result *result)
{
	const char *words = *error_text ? error_text : curl_easy_strerror(code);
	const long long seconds = (long long)(request->timeout_us / US_PER_SECOND);
	long error = 0;

	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &error);
	if (step == PROBE_NAME)
		snprintf(result->text, sizeof(result->text), "the name has no address");
	else if (step == PROBE_CONNECT)
		snprintf(result->text, sizeof(result->text), "%s",
			 error == ECONNREFUSED ? "the connection is refused"
			 : error	       ? strerror((int)error)
					       : "no connection");
	else if (step == PROBE_TIME)
		snprintf(result->text, sizeof(result->text), "no answer within %lld s", seconds);
	else if (step == PROBE_TLS && code == CURLE_OPERATION_TIMEDOUT)
		snprintf(result->text, sizeof(result->text), "no TLS within %lld s", seconds);
	else if (step == PROBE_TLS && code == CURLE_USE_SSL_FAILED)
		snprintf(result->text, sizeof(result->text), "it offers no STARTTLS");
	else
		snprintf(result->text, sizeof(result->text), "%s", words);
}

void probe_peer(const struct probe_request *request, struct probe_result *ret_result)
{
	const int64_t began_us = clock_mono_us(clock_system()),
		      wall_us = clock_wall_us(clock_system());
	const bool mail = url_is_mail(request->url);
	CURL *curl = curl_easy_init();
	struct probe_run run = { .curl = curl, .result = ret_result };

	*ret_result = (struct probe_result){ .step = PROBE_ANSWER };
	CLEANUP_FREE char *address = probe_address(request, ret_result->host);
	if (!curl || !address) {
		snprintf(ret_result->text, sizeof(ret_result->text), "%s",
			 curl ? "the address is no URL" : "curl cannot be set up");
		curl_easy_cleanup(curl);
		return;
	}
	CURLcode code = CURLE_FAILED_INIT;
	if (probe_set_common(curl, request, &run) &&
	    (mail ? probe_set_mail(curl, request) : probe_set_http(curl, request)) &&
	    curl_easy_setopt(curl, CURLOPT_URL, address) == CURLE_OK)
		code = curl_easy_perform(curl);
	ret_result->step = probe_step_of(curl, request, code);
	if (ret_result->step != PROBE_DONE)
		probe_tell(curl, ret_result->step, code, run.error_text, request, ret_result);
	ret_result->took_us = clock_mono_us(clock_system()) - began_us;
	ret_result->asked_us = wall_us + ret_result->took_us / 2;
	curl_easy_cleanup(curl);
}

const char *probe_authorities(void)
{
	/* Of the library, for good. */
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	return info->age >= CURLVERSION_SEVENTH && info->cainfo ? info->cainfo : "";
}
