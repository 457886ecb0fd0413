/*
 * What curl tells of a peer beside its reply: the time of a header Date, the end of a certificate.
 * For the client, the mails and the probe. They own nothing; any thread, for handles of its own.
 */
#ifndef TRACEPAGER_NET_PEER_CURL_INTERNAL_H
#define TRACEPAGER_NET_PEER_CURL_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

/* Of a line of a reply's head, "Date: Sun, 29 Nov 2026 18:00:00 GMT": wall time, whole seconds. 0:
 * it is another line, or its time cannot be read. */
int64_t peer_curl_date_us(const char *line, size_t len);

/* The end of the certificate, wall time, that the peer has shown in the handshake of the request
 * that runs: call it from one of the request's callbacks. 0: there was no handshake (the connection
 * is an older one, or has no TLS), it went on with an older session, in which no certificate is
 * shown, or curl has another TLS library than we. It costs a microsecond; CURLOPT_CERTINFO costs a
 * handshake 100 us more, and 10 KiB of texts. */
int64_t peer_curl_certificate_end_us(CURL *curl);

#endif
