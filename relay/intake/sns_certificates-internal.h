/*
 * SNS certificates: those by which Amazon signs, each fetched once from the address in a message,
 * which the caller has checked, and kept for LIMIT_SNS_CERTIFICATE_US. Owns them and the requests
 * under way. Loop thread only.
 */
#ifndef TRACEPAGER_INTAKE_SNS_CERTIFICATES_INTERNAL_H
#define TRACEPAGER_INTAKE_SNS_CERTIFICATES_INTERNAL_H

#include <sys/queue.h>

#include "tracepager/certificate.h"
#include "tracepager/clock.h"
#include "tracepager/http.h"

struct sns_certificates;

/* Somebody who waits for a certificate; embedded by its user. */
struct sns_waiter {
	/* Once. NULL: it cannot be had now, and why. Borrowed until the function returns. */
	void (*have)(void *arg, const struct certificate *certificate, const char *why);
	void *arg;
	TAILQ_ENTRY(sns_waiter) link; /* private */
};

/* Borrows both. */
struct sns_certificates *sns_certificates_new(const struct http_transport *transport,
					      const struct clock *clock);
/* Whoever waits is not told. Takes NULL. */
void sns_certificates_free(struct sns_certificates *certificates);
/* Calls have(), perhaps before it returns. */
void sns_certificates_want(struct sns_certificates *certificates, const char *url,
			   struct sns_waiter *waiter);

#endif
