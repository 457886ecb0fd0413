/* Makes curl's easy handles, sets their options, keeps idle ones. */
#ifdef HAVE_CONFIG_H
#include "config.h" /* PACKAGE_VERSION */
#endif

#include "http_easy-internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define USER_AGENT "tracepager/" PACKAGE_VERSION
/* Not zstd, which curl may know too: 16 KiB of it can open to 512 MiB, 16 KiB of deflate only to
 * 16 MiB. */
#define ENCODINGS "gzip, deflate"

/* The variables that curl reads, each time that it connects or reuses a connection. */
static bool easy_env_names_proxy(void)
{
	static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY",
					     "all_proxy", "ALL_PROXY" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (getenv(names[i]))
			return true;
	return false;
}

void http_easies_init(struct http_easies *easies, const struct http_easy_hooks *hooks,
		      struct http_sockets *sockets)
{
	*easies = (struct http_easies){ .hooks = hooks,
					.sockets = sockets,
					.may_use_proxy = easy_env_names_proxy() };
	SLIST_INIT(&easies->idle);
}

static void easy_free(struct http_easy *easy)
{
	if (easy->curl)
		curl_easy_cleanup(easy->curl);
	http_url_give(easy->url);
	free(easy);
}

void http_easies_fini(struct http_easies *easies)
{
	struct http_easy *easy;

	while ((easy = SLIST_FIRST(&easies->idle))) {
		SLIST_REMOVE_HEAD(&easies->idle, link);
		easy_free(easy);
	}
	easies->nidle = 0;
	http_urls_fini(&easies->urls);
}

/* ---- options that every request has ---- */

static bool easy_set_hooks(struct http_easy *easy, const struct http_easy_hooks *hooks)
{
	CURL *curl = easy->curl;
	bool failed = false;

	failed |= curl_easy_setopt(curl, CURLOPT_PRIVATE, easy) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, easy->error_text) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, hooks->begins) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_PREREQDATA, easy) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, hooks->body) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, easy) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, hooks->header) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_HEADERDATA, easy) != CURLE_OK;
	return !failed;
}

/* Without a proxy in the environment, curl need not look for one at each request. */
static bool easy_set_proxy(struct http_easy *easy, const struct http_easies *easies)
{
	if (easies->may_use_proxy) /* a proxy is told who connects to it */
		return curl_easy_setopt(easy->curl, CURLOPT_USERAGENT, USER_AGENT) == CURLE_OK;
	return curl_easy_setopt(easy->curl, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy->curl, CURLOPT_NOPROXY, "") == CURLE_OK;
}

static bool easy_set_sockets(struct http_easy *easy, struct http_sockets *sockets)
{
	CURL *curl = easy->curl;
	bool failed = false;

	failed |= curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, http_socket_open) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, sockets) != CURLE_OK;
	failed |=
		curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, http_socket_close) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, sockets) != CURLE_OK;
	return !failed;
}

static bool easy_set_rules(struct http_easy *easy)
{
	CURL *curl = easy->curl;
	const long connect_ms = (long)(LIMIT_CONNECT_US / US_PER_MS);
	const long life_s = (long)(LIMIT_CONNECTION_LIFE_US / US_PER_SECOND);
	bool failed = false;

	failed |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
	/* curl reads once in a turn; its default of 16 KiB makes large traces a third dearer. */
	failed |= curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, (long)LIMIT_READ_BYTES) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_MAXLIFETIME_CONN, life_s) != CURLE_OK;
	/* Else a call that ends early waits for a slow resolver, and the loop with it. */
	failed |= curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) != CURLE_OK;
	/* With a directory of certificates curl caches none that it has read. */
	failed |= curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, ENCODINGS) != CURLE_OK;
	/* One connection for each running request: on a shared one a paused reply would hold the
	 * others. */
	failed |= curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) !=
		  CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L) != CURLE_OK;
	return !failed;
}

static struct http_easy *easy_new(const struct http_easies *easies)
{
	struct http_easy *easy = xcalloc(1, sizeof(*easy));

	easy->curl = curl_easy_init();
	if (easy->curl && easy_set_hooks(easy, easies->hooks) && easy_set_rules(easy) &&
	    easy_set_sockets(easy, easies->sockets) && easy_set_proxy(easy, easies))
		return easy;
	easy_free(easy);
	return NULL;
}

/* ---- options of one request ---- */

static bool request_has_header(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->nheaders; i++)
		if (!strcasecmp(request->headers[i].name, name))
			return true;
	return false;
}

/* curl formats the values of CURLOPT_USERAGENT and CURLOPT_ACCEPT_ENCODING twice for each request,
 * byte for byte; a line of the list once. A signed request has no such lines, because curl 7.88
 * signs those of the list, and then does not send Expect. */
void http_easy_lines(const struct http_easies *easies, const struct http_request *request,
		     const char *lines[HTTP_EASY_LINES])
{
	memset(lines, 0, HTTP_EASY_LINES * sizeof(*lines));
	if (request->sigv4)
		return;
	lines[0] = "Expect:"; /* curl sends none: it would wait for the answer to it */
	if (!request_has_header(request, "Accept-Encoding"))
		lines[1] = "Accept-Encoding: " ENCODINGS;
	if (!easies->may_use_proxy && !request_has_header(request, "User-Agent"))
		lines[2] = "User-Agent: " USER_AGENT;
}

/* curl copies the names and opens the files when it connects. */
static bool easy_set_tls(struct http_easy *easy, const struct http_request *request)
{
	CURL *curl = easy->curl;
	const char *key = request->key_file ? request->key_file : request->cert_file;
	bool failed = false;

	if (request->ca_file)
		failed |= curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file) != CURLE_OK;
	if (request->cert_file) {
		failed |= curl_easy_setopt(curl, CURLOPT_SSLCERT, request->cert_file) != CURLE_OK;
		failed |= curl_easy_setopt(curl, CURLOPT_SSLKEY, key) != CURLE_OK;
	}
	return !failed;
}

/* curl signs the request when it sends it. */
static bool easy_set_signature(struct http_easy *easy, const struct http_request *request)
{
	CURL *curl = easy->curl;

	return !request->sigv4 ||
	       (curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, request->sigv4) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_USERPWD, request->sigv4_keys) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_USERAGENT, USER_AGENT) == CURLE_OK);
}

/* The parsed URL is used instead of the text, which curl wants all the same. */
static bool easy_set_url(struct http_easy *easy, struct http_easies *easies,
			 const struct http_request *request, const struct http_easy_request *copy)
{
	CURL *curl = easy->curl;

	if (curl_easy_setopt(curl, CURLOPT_URL, copy->url) != CURLE_OK)
		return false;
	/* Look-ups have the ids of traces in their URLs, which do not come again. */
	if (request->method == HTTP_POST && !easy->only_once)
		easy->url = http_url_take(&easies->urls, copy->url);
	return !easy->url || curl_easy_setopt(curl, CURLOPT_CURLU, easy->url->parsed) == CURLE_OK;
}

static bool easy_set_request(struct http_easy *easy, const struct http_request *request,
			     const struct http_easy_request *copy)
{
	CURL *curl = easy->curl;
	const long timeout_ms = (long)((request->timeout_us + US_PER_MS - 1) / US_PER_MS);
	bool failed = false;

	failed |= curl_easy_setopt(curl, CURLOPT_HTTPHEADER, copy->headers) != CURLE_OK;
	/* 0 would mean that there is no limit. */
	failed |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms > 0 ? timeout_ms : 1L) !=
		  CURLE_OK;
	if (request->method == HTTP_POST) {
		failed |= curl_easy_setopt(curl, CURLOPT_POST, 1L) != CURLE_OK;
		failed |= curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
					   (curl_off_t)copy->body_len) != CURLE_OK;
		failed |= curl_easy_setopt(curl, CURLOPT_POSTFIELDS, copy->body) != CURLE_OK;
	}
	return !failed;
}

/* What the request sets on a handle and http_easy_give() would not take back: names of files, keys,
 * a password that curl keeps of the URL. */
static bool request_leaves_options(const struct http_request *request)
{
	return request->ca_file || request->cert_file || request->key_file || request->sigv4 ||
	       strchr(request->url, '@');
}

struct http_easy *http_easy_take(struct http_easies *easies, const struct http_request *request,
				 const struct http_easy_request *copy)
{
	struct http_easy *easy = SLIST_FIRST(&easies->idle);

	if (easy) {
		SLIST_REMOVE_HEAD(&easies->idle, link);
		easies->nidle--;
	} else {
		easy = easy_new(easies);
	}
	if (!easy)
		return NULL;
	easy->only_once = request_leaves_options(request);
	if (easy_set_url(easy, easies, request, copy) && easy_set_request(easy, request, copy) &&
	    easy_set_tls(easy, request) && easy_set_signature(easy, request))
		return easy;
	easy_free(easy);
	return NULL;
}

/* Takes back what easy_set_url() and easy_set_request() set: the handle is one of a GET of nothing.
 */
static bool easy_forget_request(struct http_easy *easy)
{
	CURL *curl = easy->curl;
	bool failed = false;

	http_url_give(easy->url);
	easy->url = NULL;
	failed |= curl_easy_setopt(curl, CURLOPT_URL, NULL) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_CURLU, NULL) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_POSTFIELDS, NULL) != CURLE_OK; /* makes a POST */
	failed |= curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) != CURLE_OK;
	return !failed;
}

void http_easy_give(struct http_easies *easies, struct http_easy *easy, bool is_sound)
{
	if (!easy)
		return;
	easy->user = NULL;
	if (is_sound && !easy->only_once && easies->nidle < LIMIT_IDLE_EASY_HANDLES &&
	    easy_forget_request(easy)) {
		SLIST_INSERT_HEAD(&easies->idle, easy, link);
		easies->nidle++;
	} else {
		easy_free(easy);
	}
}
