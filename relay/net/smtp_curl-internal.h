/*
 * One mail by SMTP, with curl, in the calling thread, which it holds until the server has answered
 * or the time is over. It retries nothing.
 *
 * Owns nothing: mail and hooks are borrowed for the call. Any thread.
 */
#ifndef TRACEPAGER_NET_SMTP_CURL_INTERNAL_H
#define TRACEPAGER_NET_SMTP_CURL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/buf.h"
#include "tracepager/mail.h"

/* What the calling thread is asked meanwhile. */
struct smtp_hooks {
	bool (*begins)(void *arg);    /* before MAIL FROM; false: the mail does not leave */
	bool (*cancelled)(void *arg); /* about once a second */
};

struct smtp_result {
	int status;	  /* as that of a reply to a mail (mail.h) */
	char *error;	  /* NULL: the status settles it */
	struct buf words; /* of the reply that has the status, its lines one behind another */
	char **refused;	  /* "ADDRESS: CODE WORDS" */
	size_t nrefused;
	int64_t ends_us; /* the server's certificate, wall time; 0: it has shown none */
};

/* The caller frees the result with smtp_result_fini(). */
void smtp_curl_send(const struct mail *mail, const struct smtp_hooks *hooks, void *arg,
		    struct smtp_result *ret_result);
void smtp_result_fini(struct smtp_result *result);

#endif
