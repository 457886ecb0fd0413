/*
 * TLS: the certificate of the listener, its key, and the authorities of client certificates, read
 * from their files and tried on each other. A struct tls never changes: a new certificate is a new
 * one, and connections keep what they began with.
 *
 * Speaks TLS 1.2 and 1.3 with OpenSSL's ciphers, without compression and renegotiation, and
 * HTTP/1.1 alone by ALPN. Refuses a file that cannot be read, a damaged certificate, a key with a
 * passphrase, and a key of another certificate; a certificate that is over is not refused here:
 * tls_check_time() tells. It looks at no clock. Any thread; one at a time for each struct tls.
 */
#ifndef TRACEPAGER_TLS_H
#define TRACEPAGER_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "tracepager/err.h"

struct tls;

/* Files of PEM; "" and NULL: none. */
struct tls_options {
	const char *cert_file; /* the certificate first, then those that signed it */
	const char *key_file;  /* none: cert_file holds the key too */
	const char *client_ca_file;
	const char *min_version; /* "1.2", "1.3" */
};

/* The option that a fault is about. */
enum tls_part { TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE };
extern const char *const tls_part_names[]; /* "tls.cert_file" … */

struct tls_fault {
	enum tls_part part;
	struct err err;
	const char *cure; /* a sentence, or NULL */
};

/* Reads the files with blocking calls. NULL with the fault. The caller frees with tls_free(). */
struct tls *tls_load(const struct tls_options *options, struct tls_fault *ret_fault);
void tls_free(struct tls *tls); /* takes NULL; connections keep their own reference */
/* Do both come from files of the same bytes? */
bool tls_same(const struct tls *tls, const struct tls *other);
/* When the certificate ends, or one of those behind it in its file: wall time. */
int64_t tls_ends_us(const struct tls *tls);
/* The serial number, in hexadecimal digits. */
const char *tls_serial(const struct tls *tls);
/* false with the fault: at that wall time the certificate is over, or not yet valid. */
bool tls_check_time(const struct tls *tls, int64_t wall_us, struct tls_fault *ret_fault);

#endif
