/*
 * Certificate: X.509 certificates by which somebody signs messages (not those of TLS): reads one,
 * checks its dates and its chain, verifies signatures by its key. libcrypto does the work. It
 * fetches nothing. Certificates and authorities are the caller's to free; one thread at a time may
 * use one.
 */
#ifndef TRACEPAGER_CERTIFICATE_H
#define TRACEPAGER_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/err.h"

struct authorities;
struct certificate;

/* The system's authorities, or those of a PEM text. */
struct authorities *authorities_new(void);
struct authorities *authorities_of(const char *pem);
void authorities_free(struct authorities *authorities); /* takes NULL */

/* The first certificate of a PEM text; those behind it are of its chain. NULL: there is none, and
 * err says why. */
struct certificate *certificate_read(const char *pem, size_t len, struct err *err);
void certificate_free(struct certificate *certificate); /* takes NULL */

/* 0; -EKEYEXPIRED, -EKEYREJECTED with err: it is not good at this time, or an authority does not
 * vouch for it. Where neither the PEM text nor the system has the certificate of who issued it, the
 * chain ends there: whoever fetched it over TLS knows from whom it is. */
int certificate_check(const struct certificate *certificate, const struct authorities *authorities,
		      int64_t now_us, struct err *err);
/* Its last moment; wall time. */
int64_t certificate_ends_us(const struct certificate *certificate);

enum signature_digest {
	SIGNATURE_SHA1,
	SIGNATURE_SHA256,
};
/* Is it the signature of the data (RSA, PKCS #1 version 1.5)? */
bool certificate_signed(const struct certificate *certificate, enum signature_digest digest,
			const void *data, size_t len, const unsigned char *signature,
			size_t signature_len);

#endif
