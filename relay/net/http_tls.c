/* TLS of the server's connections: see http_tls-internal.h. */
#include "http_tls-internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

#include "loop-internal.h"
#include "tls-internal.h"

/* ---- handshakes that fail ---- */

struct handshake_fault {
	int reason; /* OpenSSL's; 0: any other */
	enum metric metric;
	const char *cure; /* NULL: nothing to say */
};

static const char cure_plain[] = "the peer speaks HTTP without TLS: write https:// in its URL";
static const char cure_version[] =
	"the peer speaks no version or cipher of TLS that we speak: update it, or lower "
	"tls.min_version to 1.2";
static const char cure_untrusted[] =
	"the peer does not trust our certificate: give it the authority that signed it, let "
	"tls.cert_file hold the certificates between, and use a name of the certificate in its URL";
static const char cure_client[] =
	"the client's certificate is none that an authority of tls.client_ca_file has signed for "
	"clients, or it is over";
static const char cure_alpn[] = "the peer speaks HTTP/2 only: let it offer HTTP/1.1 (ALPN)";

static const struct handshake_fault handshake_faults[] = {
	{ SSL_R_HTTP_REQUEST, METRIC_HANDSHAKES_PLAIN, cure_plain },
	{ SSL_R_HTTPS_PROXY_REQUEST, METRIC_HANDSHAKES_PLAIN, cure_plain },
	{ SSL_R_UNSUPPORTED_PROTOCOL, METRIC_HANDSHAKES_VERSION, cure_version },
	{ SSL_R_VERSION_TOO_LOW, METRIC_HANDSHAKES_VERSION, cure_version },
	{ SSL_R_NO_PROTOCOLS_AVAILABLE, METRIC_HANDSHAKES_VERSION, cure_version },
	{ SSL_R_NO_SHARED_CIPHER, METRIC_HANDSHAKES_VERSION, cure_version },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, METRIC_HANDSHAKES_VERSION, cure_version },
	{ SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, METRIC_HANDSHAKES_VERSION, cure_version },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, METRIC_HANDSHAKES_CLIENT, cure_client },
	{ SSL_R_TLSV1_ALERT_UNKNOWN_CA, METRIC_HANDSHAKES_UNTRUSTED, cure_untrusted },
	{ SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, METRIC_HANDSHAKES_UNTRUSTED, cure_untrusted },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, METRIC_HANDSHAKES_UNTRUSTED, cure_untrusted },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, METRIC_HANDSHAKES_UNTRUSTED, cure_untrusted },
	{ SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, METRIC_HANDSHAKES_UNTRUSTED, cure_untrusted },
	{ SSL_R_NO_APPLICATION_PROTOCOL, METRIC_HANDSHAKES_OTHER, cure_alpn },
	{ 0, METRIC_HANDSHAKES_OTHER, NULL },
};
static const struct handshake_fault handshake_slow = {
	0, METRIC_HANDSHAKES_TIMEOUT,
	"the peer has connected and did not finish its handshake in time"
};

static const struct handshake_fault *fault_of(int reason)
{
	const struct handshake_fault *fault = handshake_faults;

	while (fault->reason && fault->reason != reason)
		fault++;
	return fault;
}

/* OpenSSL's reason, which libevent keeps; 0: the peer closed the connection. */
static int handshake_reason(struct http_conn *conn)
{
	unsigned long error;
	int reason = 0;

	while ((error = bufferevent_get_openssl_error(conn->bev)))
		if (ERR_GET_LIB(error) == ERR_LIB_SSL)
			reason = ERR_GET_REASON(error);
	return reason;
}

static void handshake_log(struct http_conn *conn, const struct handshake_fault *fault, int reason)
{
	struct http_server *server = conn->server;
	const int64_t now_us = clock_mono_us(server->clock);
	const long verified = SSL_get_verify_result(conn->ssl);
	const char *text = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));

	server->handshakes_failed++;
	if (server->handshake_logged_us &&
	    now_us - server->handshake_logged_us < LIMIT_HANDSHAKE_LOG_US)
		return;
	server->handshake_logged_us = now_us;
	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK)
		text = X509_verify_cert_error_string(verified);
	log_warn("a TLS handshake failed", LOG_STR("peer", http_gate_peer(conn)),
		 LOG_STR("error", conn->late ? "timeout"
				  : text     ? text
					     : "the peer closed the connection"),
		 LOG_STR("cure", fault->cure ? fault->cure : "-"),
		 LOG_INT("since_last_line", (int64_t)server->handshakes_failed));
	server->handshakes_failed = 0;
}

/* A peer that sends nothing and closes is a probe of the port. */
static bool was_probe(const struct http_conn *conn, int reason)
{
	return !reason && !conn->late && !BIO_number_read(SSL_get_rbio(conn->ssl));
}

static bool handshake_failed(struct http_conn *conn)
{
	const int reason = handshake_reason(conn);
	const struct handshake_fault *fault = conn->late ? &handshake_slow : fault_of(reason);

	if (was_probe(conn, reason))
		return false;
	metric_add(fault->metric, 1);
	handshake_log(conn, fault, reason);
	return fault->metric == METRIC_HANDSHAKES_PLAIN;
}

/* ---- a connection ---- */

/* In TLS 1.3 a handshake ends more than once: the server's tickets are part of it. */
static void conn_on_tls_state(const SSL *ssl, int where, int ret)
{
	struct http_conn *conn = SSL_get_app_data(ssl);

	(void)ret;
	if (!(where & SSL_CB_HANDSHAKE_DONE) || !conn || !conn->handshaking)
		return;
	assert(conn->magic == HTTP_CONN_MAGIC);
	metric_add(METRIC_HANDSHAKES_OK, 1);
	conn->tls_ready(conn);
}

struct bufferevent *http_tls_begin(struct http_conn *conn, struct event_base *base,
				   void (*ready)(struct http_conn *conn))
{
	conn->tls_ready = ready;
	conn->handshaking = true;
	conn->ssl = SSL_new(conn->server->tls);
	if (!conn->ssl)
		abort();
	SSL_set_app_data(conn->ssl, conn);
	SSL_set_info_callback(conn->ssl, conn_on_tls_state);
	return bufferevent_openssl_socket_new(base, -1, conn->ssl, BUFFEREVENT_SSL_ACCEPTING,
					      BEV_OPT_CLOSE_ON_FREE);
}

bool http_tls_end(struct http_conn *conn)
{
	if (conn->handshaking)
		return handshake_failed(conn);
	SSL_shutdown(conn->ssl);
	ERR_clear_error();
	return false;
}

void http_tls_release(struct http_conn *conn)
{
	BIO *bio = SSL_get_wbio(conn->ssl);

	bufferevent_disable(conn->bev, EV_READ | EV_WRITE);
	BIO_set_close(bio, BIO_NOCLOSE);
	BIO_set_fd(bio, -1, BIO_NOCLOSE);
}

void http_tls_forget(struct http_conn *conn)
{
	SSL_set_app_data(conn->ssl, NULL);
	conn->ssl = NULL;
}

bool http_tls_send(struct http_conn *conn, const char *data, size_t len)
{
	const int n = len <= LIMIT_TLS_WRITE_BYTES ? SSL_write(conn->ssl, data, (int)len) : -1;

	ERR_clear_error();
	return n > 0 && (size_t)n == len;
}

/* Where the socket takes a part of the record only, OpenSSL wants the same bytes again, and the
 * bufferevent's next write begins with them. */
bool http_tls_write_output(struct http_conn *conn)
{
	struct evbuffer *output = bufferevent_get_output(conn->bev);
	const size_t len = evbuffer_get_length(output);

	if (!len || len > LIMIT_TLS_WRITE_BYTES ||
	    !http_tls_send(conn, (const char *)evbuffer_pullup(output, -1), len))
		return false;
	evbuffer_drain(output, len);
	return true;
}

const char *http_tls_client_name(struct http_conn *conn, size_t n)
{
	if (!conn->client_names_read)
		conn->client_names = tls_client_names(conn->ssl);
	conn->client_names_read = true;
	const char *name = conn->client_names;
	while (name && *name && n--)
		name += strlen(name) + 1;
	return name && *name ? name : NULL;
}

/* ---- the server ---- */

void http_server_set_tls(struct http_server *server, const struct tls *tls)
{
	SSL_CTX *context = tls ? tls_context(tls) : NULL;

	if (context)
		SSL_CTX_up_ref(context);
	SSL_CTX_free(server->tls);
	server->tls = context;
	metric_set(METRIC_TLS_EXPIRY, tls ? tls_ends_us(tls) : 0);
}
