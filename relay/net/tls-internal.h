/* What the server's connections need of a struct tls. Includes no header of OpenSSL. */
#ifndef TRACEPAGER_NET_TLS_INTERNAL_H
#define TRACEPAGER_NET_TLS_INTERNAL_H

#include "tracepager/tls.h"

struct ssl_ctx_st;
struct ssl_st;

/* Borrowed; whoever keeps it takes a reference. */
struct ssl_ctx_st *tls_context(const struct tls *tls);

/* The names of the verified client certificate, each behind the last one's NUL, with an empty one
 * at the end: the DNS names of its subjectAltName, or where it has none, its common name. NULL: the
 * client showed no certificate, or one without a name that can be printed. Caller frees. */
char *tls_client_names(const struct ssl_st *ssl);

#endif
