/*
 * A mail as data: what the pager kind email builds, and the transport that takes it to a mail
 * server by SMTP. net/ has the real transport, tests a fake one.
 *
 * It opens no socket, reads no clock and owns nothing: a mail keeps pointers. For the loop's
 * thread.
 */
#ifndef TRACEPAGER_MAIL_H
#define TRACEPAGER_MAIL_H

#include <stddef.h>
#include <stdint.h>

/* TLS of a server with smtp:, by STARTTLS. One with smtps: speaks TLS from the first byte. */
enum mail_tls {
	MAIL_TLS_REQUIRED,
	MAIL_TLS_OPPORTUNISTIC, /* where the server offers it */
	MAIL_TLS_NONE,
};

struct mail {
	const char *url; /* smtp://host:port or smtps://host:port; a path is the name in EHLO */
	enum mail_tls tls;
	const char *user, *password; /* NULL: it does not log in */
	const char *ca_file;	     /* PEM; NULL: the system's authorities */
	/* The envelope: addresses without angle brackets, of printable ASCII. */
	const char *from;
	const char *const *to;
	size_t nto;
	const char *data; /* the message: headers, an empty line, the body; lines end in CRLF */
	size_t len;
	int64_t timeout_us;	/* from connecting to the reply to the message */
	size_t max_reply_bytes; /* of all replies together; a larger one is an error */
};

struct http_handler;
struct mail_call;

struct mail_transport {
	/* Copies the mail and the handler. Never calls the handler before it returns. The handler
	 * has no body(). Its reply: status is the code of SMTP that settled the mail (250: the
	 * server has it), 0 where none did, and error says why; body is the server's words. A
	 * header "Refused" of the reply is "ADDRESS: CODE WORDS", for each recipient that the
	 * server refused although it took the mail for others. begins() is called when the server
	 * is ready for the mail: it has greeted, and the login is done. */
	struct mail_call *(*send)(void *ctx, const struct mail *mail,
				  const struct http_handler *handler, void *arg);
	/* The handler is not called again; the call is freed. Not after done(). A mail that was
	 * under way may arrive all the same. */
	void (*cancel)(void *ctx, struct mail_call *call);
	void *ctx;
};

#endif
