/*
 * Probe: is a peer there? Its name, a connection, TLS with its certificate, and for a mail server
 * the greeting, the login and NOOP. Nothing that pages anybody: of HTTP nothing is sent, or HEAD of
 * "/" without any credential, for the peer's clock.
 *
 * A call holds its thread until the peer has answered or the time is over. It judges nothing beyond
 * what it tells, and owns nothing. Any thread; an HTTP client must live meanwhile (http_client.h).
 */
#ifndef TRACEPAGER_PROBE_H
#define TRACEPAGER_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "tracepager/mail.h"

/* Texts are borrowed for the call; NULL: none. */
struct probe_request {
	const char *url; /* http:, https:, smtp: or smtps:; of http its host counts only */
	/* PEM. NULL: the system's authorities; no certificate of ours; cert_file holds the key. */
	const char *ca_file, *cert_file, *key_file;
	bool wants_date;	     /* of http and https: HEAD / */
	enum mail_tls tls;	     /* of smtp: */
	const char *user, *password; /* of a mail server; NULL: no login */
	int64_t timeout_us;
};

/* Where it ended. */
enum probe_step {
	PROBE_NAME,	   /* the name has no address */
	PROBE_CONNECT,	   /* nobody listens, or nothing comes back */
	PROBE_CERTIFICATE, /* the certificate is not trusted, over, or of another name */
	PROBE_TLS,	   /* another fault of TLS, or no TLS at all */
	PROBE_LOGIN,	   /* the mail server does not take user and password */
	PROBE_ANSWER,	   /* it does not speak the protocol */
	PROBE_TIME,	   /* the time was over */
	PROBE_DONE,
};

struct probe_result {
	enum probe_step step;
	char text[256]; /* why it ended, for behind the peer's name; "" with PROBE_DONE */
	char host[256]; /* "host:port" */
	int64_t took_us;
	int64_t ends_us; /* the end of the peer's certificate, wall time; 0: not known */
	/* Of wants_date: the peer's clock in whole seconds, and ours in the middle of the request,
	 * wall time; date_us 0: not known. */
	int64_t date_us, asked_us;
	bool is_here; /* it is on this machine: the connection has one address at both ends */
};

void probe_peer(const struct probe_request *request, struct probe_result *ret_result);

/* The file of the system's authorities that is used where a request names none; "": none is known.
 * Static. */
const char *probe_authorities(void);

#endif
