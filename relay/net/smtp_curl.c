/* Sends one mail with a handle of curl, and reads the dialogue for what curl does not tell. */
#include "smtp_curl-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "tracepager/clock.h"
#include "tracepager/http.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#include "peer_curl-internal.h"

/* Those that curl speaks with a user and a password, and no other: it would try Kerberos first
 * where the user's name has a domain and the server offers it. */
#define LOGIN_MECHANISMS "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5"

enum smtp_phase {
	SMTP_BEFORE, /* greeting, EHLO, STARTTLS, AUTH */
	SMTP_MAIL,   /* MAIL FROM is sent */
	SMTP_RCPT,
	SMTP_DATA,
};

struct smtp_session {
	const struct mail *mail;
	const struct smtp_hooks *hooks;
	void *arg;
	struct smtp_result *result;
	CURL *curl;
	enum smtp_phase phase;
	size_t at;	    /* bytes of the message that curl has taken */
	size_t nrcpt;	    /* recipients that the server was told */
	size_t reply_bytes; /* of all replies */
	bool in_reply;	    /* further lines of the reply follow */
	int code;	    /* of the reply to the last command; 0: none has arrived */
	bool began;	    /* begins() let the mail leave */
	const char *failure;
	int64_t quit_us; /* when curl said QUIT, which it does after an error too; 0: it has not */
	char error_text[CURL_ERROR_SIZE];
};

/* ---- from curl ---- */

static int smtp_on_ready(void *arg, char *peer, char *own, int peer_port, int own_port)
{
	struct smtp_session *session = arg;

	(void)peer;
	(void)own;
	(void)peer_port;
	(void)own_port;
	session->result->ends_us = peer_curl_certificate_end_us(session->curl);
	session->began = session->hooks->begins(session->arg);
	if (session->began)
		return CURL_PREREQFUNC_OK;
	session->failure = "the mail was taken back before it began";
	return CURL_PREREQFUNC_ABORT;
}

static int smtp_on_progress(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
			    curl_off_t up)
{
	struct smtp_session *session = arg;

	(void)down_all;
	(void)down;
	(void)up_all;
	(void)up;
	/* A server that does not answer QUIT has the mail all the same. */
	if (session->quit_us &&
	    clock_mono_us(clock_system()) - session->quit_us > LIMIT_MAIL_QUIT_US)
		return 1;
	return session->hooks->cancelled(session->arg);
}

static size_t smtp_on_read(char *out, size_t size, size_t n, void *arg)
{
	struct smtp_session *session = arg;
	size_t len = session->mail->len - session->at;

	if (len > size * n)
		len = size * n;
	memcpy(out, session->mail->data + session->at, len);
	session->at += len;
	return len;
}

static bool is_command(const char *data, size_t len, const char *verb)
{
	return len >= strlen(verb) && memcmp(data, verb, strlen(verb)) == 0;
}

/* curl tells each command that it sends; a password stands in some, and is not kept. */
static int smtp_on_debug(CURL *curl, curl_infotype type, char *data, size_t len, void *arg)
{
	struct smtp_session *session = arg;

	(void)curl;
	if (type != CURLINFO_HEADER_OUT)
		return 0;
	if (is_command(data, len, "MAIL FROM"))
		session->phase = SMTP_MAIL;
	if (is_command(data, len, "RCPT TO")) {
		session->phase = SMTP_RCPT;
		session->nrcpt++;
	}
	if (is_command(data, len, "DATA"))
		session->phase = SMTP_DATA;
	if (is_command(data, len, "QUIT")) {
		session->quit_us = clock_mono_us(clock_system());
		return 0;
	}
	session->code = 0;
	session->in_reply = false;
	return 0;
}

static void session_add_refused(struct smtp_session *session)
{
	struct smtp_result *result = session->result;
	const size_t n = session->nrcpt;

	if (n == 0 || n > session->mail->nto)
		return;
	result->refused =
		xrealloc_array(result->refused, result->nrefused + 1, sizeof(*result->refused));
	result->refused[result->nrefused++] = xasprintf("%s: %d %s", session->mail->to[n - 1],
							session->code, buf_text(&result->words));
}

/* "250-first line", "250 last line": the code, and the words behind it. */
static size_t smtp_on_reply_line(char *data, size_t size, size_t n, void *arg)
{
	struct smtp_session *session = arg;
	struct buf *words = &session->result->words;
	size_t len = size * n;

	session->reply_bytes += len;
	if (session->reply_bytes > session->mail->max_reply_bytes) {
		session->failure = "the server's replies are larger than a pager's may be";
		return 0;
	}
	while (len > 0 && (data[len - 1] == '\r' || data[len - 1] == '\n'))
		len--;
	if (session->quit_us || len < 3)
		return size * n;
	if (!session->in_reply)
		buf_reset(words);
	if (words->len)
		buf_putc(words, ' ');
	if (len > 4)
		buf_add(words, data + 4, len - 4);
	session->in_reply = len > 3 && data[3] == '-';
	if (session->in_reply)
		return size * n;
	session->code = (data[0] - '0') * 100 + (data[1] - '0') * 10 + (data[2] - '0');
	if (session->phase == SMTP_RCPT && session->code >= 400)
		session_add_refused(session);
	return size * n;
}

static size_t smtp_on_body(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return size * n;
}

/* ---- options ---- */

static bool session_set_hooks(struct smtp_session *session)
{
	CURL *curl = session->curl;
	bool failed = false;

	failed |= curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, session->error_text) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, smtp_on_ready) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_PREREQDATA, session) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_READFUNCTION, smtp_on_read) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_READDATA, session) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, smtp_on_body) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, smtp_on_reply_line) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_HEADERDATA, session) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, smtp_on_debug) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_DEBUGDATA, session) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, smtp_on_progress) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_XFERINFODATA, session) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) != CURLE_OK;
	return !failed;
}

static bool session_set_rules(struct smtp_session *session)
{
	CURL *curl = session->curl;
	const long timeout_ms = (long)((session->mail->timeout_us + US_PER_MS - 1) / US_PER_MS);
	const long ready_ms = (long)(LIMIT_MAIL_READY_US / US_PER_MS);
	bool failed = false;

	failed |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps") != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) != CURLE_OK;
	/* With the greeting and the login. */
	failed |= curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, ready_ms) != CURLE_OK;
	/* 0 would mean that there is no limit. */
	failed |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms > 0 ? timeout_ms : 1L) !=
		  CURLE_OK;
	/* curl would speak HTTP to a proxy of the environment. */
	failed |= curl_easy_setopt(curl, CURLOPT_PROXY, "") != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L) != CURLE_OK;
	return !failed;
}

static bool session_set_security(struct smtp_session *session)
{
	static const long levels[] = { [MAIL_TLS_REQUIRED] = CURLUSESSL_ALL,
				       [MAIL_TLS_OPPORTUNISTIC] = CURLUSESSL_TRY,
				       [MAIL_TLS_NONE] = CURLUSESSL_NONE };
	const struct mail *mail = session->mail;
	CURL *curl = session->curl;
	bool failed = false;

	failed |= curl_easy_setopt(curl, CURLOPT_USE_SSL, levels[mail->tls]) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) != CURLE_OK;
	if (mail->ca_file)
		failed |= curl_easy_setopt(curl, CURLOPT_CAINFO, mail->ca_file) != CURLE_OK;
	if (mail->user && mail->password) {
		failed |=
			curl_easy_setopt(curl, CURLOPT_LOGIN_OPTIONS, LOGIN_MECHANISMS) != CURLE_OK;
		failed |= curl_easy_setopt(curl, CURLOPT_USERNAME, mail->user) != CURLE_OK;
		failed |= curl_easy_setopt(curl, CURLOPT_PASSWORD, mail->password) != CURLE_OK;
	}
	return !failed;
}

/* recipients: a list in which they stand, which stays until the mail is sent. */
static bool session_set_mail(struct smtp_session *session, struct curl_slist *recipients)
{
	const struct mail *mail = session->mail;
	CURL *curl = session->curl;
	bool failed = false;

	failed |= curl_easy_setopt(curl, CURLOPT_URL, mail->url) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_MAIL_FROM, mail->from) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients) != CURLE_OK;
	/* One mailbox that is gone keeps the page from nobody else. */
	failed |= curl_easy_setopt(curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L) != CURLE_OK;
	failed |= curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L) != CURLE_OK;
	failed |=
		curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->len) != CURLE_OK;
	return !failed;
}

/* ---- the end ---- */

/* "host:port" of the URL. Caller frees. */
static char *mail_peer(const char *url)
{
	CURLU *parts = curl_url();
	char *host = NULL, *port = NULL, *peer;

	if (parts && !curl_url_set(parts, CURLUPART_URL, url, 0) &&
	    !curl_url_get(parts, CURLUPART_HOST, &host, 0) &&
	    !curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
		peer = xasprintf("%s:%s", host, port);
	else
		peer = xstrdup("the mail server");
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return peer;
}

static char *mail_connect_text(struct smtp_session *session, const char *peer)
{
	long error = 0;

	curl_easy_getinfo(session->curl, CURLINFO_OS_ERRNO, &error);
	if (error == ECONNREFUSED)
		return xasprintf("connection refused by %s", peer);
	return error ? xasprintf("cannot connect to %s: %s", peer, strerror((int)error))
		     : xasprintf("cannot connect to %s", peer);
}

static char *mail_timeout_text(const struct smtp_session *session, const char *peer)
{
	const long long wanted_ms = (session->mail->timeout_us + US_PER_MS - 1) / US_PER_MS;

	if (session->phase == SMTP_DATA && session->at == session->mail->len)
		return xasprintf("%s did not say within %lld ms whether it took the mail", peer,
				 wanted_ms);
	return session->began ? xasprintf("no answer of %s within %lld ms", peer, wanted_ms)
			      : xasprintf("%s was not ready for a mail in time", peer);
}

/* Why no reply settled the mail, for a person. Caller frees. */
static char *mail_failure_text(struct smtp_session *session, CURLcode code)
{
	CLEANUP_FREE char *peer = mail_peer(session->mail->url);

	if (session->failure)
		return xstrdup(session->failure);
	if (code == CURLE_COULDNT_CONNECT)
		return mail_connect_text(session, peer);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return mail_timeout_text(session, peer);
	if (code == CURLE_COULDNT_RESOLVE_HOST)
		return xasprintf("cannot resolve the name in %s", peer);
	if (code == CURLE_USE_SSL_FAILED)
		return xasprintf("%s offers no STARTTLS; use its smtps: port, or set \"tls\"",
				 peer);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return xasprintf("the certificate of %s is not trusted (%s); name its authority "
				 "with \"ca_file\"",
				 peer, session->error_text);
	if (code == CURLE_WEIRD_SERVER_REPLY)
		return xasprintf("%s does not answer in SMTP; is this port right, and is it "
				 "smtps:?",
				 peer);
	if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR)
		return xasprintf("connection closed by %s before it took the mail", peer);
	return xasprintf("%s: %s", peer,
			 session->error_text[0] ? session->error_text : curl_easy_strerror(code));
}

static void session_end(struct smtp_session *session, CURLcode code)
{
	struct smtp_result *result = session->result;

	if (code == CURLE_OK) {
		result->status = session->code >= 200 ? session->code : 250;
	} else if (session->code >= 400 && !session->failure) {
		result->status = session->code;
	} else {
		result->error = mail_failure_text(session, code);
		buf_reset(&result->words);
	}
}

void smtp_curl_send(const struct mail *mail, const struct smtp_hooks *hooks, void *arg,
		    struct smtp_result *ret_result)
{
	struct smtp_session session = {
		.mail = mail, .hooks = hooks, .arg = arg, .result = ret_result, .curl = NULL
	};
	struct curl_slist *recipients = xcalloc(mail->nto + 1, sizeof(*recipients));

	*ret_result = (struct smtp_result){ .words = BUF_INIT(LIMIT_REPLY_BYTES) };
	for (size_t i = 0; i < mail->nto; i++)
		recipients[i] = (struct curl_slist){
			.data = xstrdup(mail->to[i]),
			.next = i + 1 < mail->nto ? &recipients[i + 1] : NULL,
		};
	session.curl = curl_easy_init();
	if (session.curl && session_set_hooks(&session) && session_set_rules(&session) &&
	    session_set_security(&session) && session_set_mail(&session, recipients))
		session_end(&session, curl_easy_perform(session.curl));
	else
		ret_result->error = xstrdup("curl cannot be set up for SMTP: out of memory?");
	curl_easy_cleanup(session.curl);
	for (size_t i = 0; i < mail->nto; i++)
		free(recipients[i].data);
	free(recipients);
}

void smtp_result_fini(struct smtp_result *result)
{
	for (size_t i = 0; i < result->nrefused; i++)
		free(result->refused[i]);
	free(result->refused);
	free(result->error);
	buf_fini(&result->words);
	*result = (struct smtp_result){ .status = 0 };
}
