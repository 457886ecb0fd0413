/*
 * The caps of what is remembered of peers' clocks and certificates (peer_sight.h), each with its
 * reason: a section of limits.h, which includes it. What is told as a fault stands in
 * limits_doctor.h.
 */
#ifndef TRACEPAGER_LIMITS_PEER_H
#define TRACEPAGER_LIMITS_PEER_H

/* Peers whose clocks and certificates are remembered: a large site has some dozens of hosts. Each
 * takes 350 bytes; a name of DNS has 253 at most, and ":65535" follows. */
#define LIMIT_PEERS_SEEN      64u
#define LIMIT_PEER_SEEN_BYTES 262u
/* How often a peer's header Date is read: a clock that was set is told within that time, and of
 * thousands of replies a second one costs something. */
#define LIMIT_PEER_DATE_EVERY_US (10 * US_PER_SECOND)
/* The Date of a slower reply tells too little: by half of that time we may be wrong about when it
 * was written, and LIMIT_CLOCK_OFF_US is to be told. */
#define LIMIT_PEER_DATE_TOOK_US (2 * US_PER_SECOND)
/* How long a Date counts: a peer's clock may have been set since. */
#define LIMIT_PEER_DATE_AGE_US US_PER_HOUR
/* How long a certificate counts after its handshake: then it may have been renewed, as most are a
 * month before their end. */
#define LIMIT_PEER_CERTIFICATE_AGE_US US_PER_DAY
/* How often a clock that differs, and each certificate that ends, is logged. */
#define LIMIT_CLOCK_LOG_US	      US_PER_HOUR
#define LIMIT_PEER_CERTIFICATE_LOG_US US_PER_DAY

#endif
