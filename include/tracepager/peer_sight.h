/*
 * Peer sight: what the replies and the TLS handshakes of peers (sources, pagers, the dead-man's
 * URL, mail servers) tell beside what was asked for: their clocks, by the header Date, and when
 * their certificates end. A peer is a host and a port. At most LIMIT_PEERS_SEEN are kept; the one
 * that was not seen for the longest time leaves for the next.
 *
 * It reads no clock, asks nobody and judges no peer. Owns copies of the peers' names; nothing else
 * of a URL is kept, which may hold a key. Times are microseconds; "mono" is the monotonic clock.
 * One thread at a time.
 */
#ifndef TRACEPAGER_PEER_SIGHT_H
#define TRACEPAGER_PEER_SIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/limits.h"

struct peer_sight;

struct peer_sight *peer_sight_new(void);
void peer_sight_free(struct peer_sight *sight); /* takes NULL */

/* ---- clocks ---- */

struct peer_date {
	int64_t date_us;	      /* what the peer's Date says: whole seconds, wall time */
	int64_t asked_us, replied_us; /* the request began, the header came; mono */
	bool is_here;		      /* the peer is on this machine: both read one clock */
};

/* Is a Date of the URL's peer wanted? One in LIMIT_PEER_DATE_EVERY_US is enough. */
bool peer_sight_wants_date(const struct peer_sight *sight, const char *url, int64_t mono_us);
/* Refused, without a word, where it tells nothing: it is not after 1970, or the reply took longer
 * than LIMIT_PEER_DATE_TOOK_US. */
void peer_sight_take_date(struct peer_sight *sight, const char *url, const struct peer_date *date);

/* What one peer says of our clock. */
struct peer_word {
	int64_t ahead_us; /* how far our clock is ahead of its */
	bool is_here;
};

/* What all say together. */
struct peer_clock {
	int64_t ahead_us; /* how far our clock is ahead of the peers'; 0 where npeers is 0 */
	size_t npeers;	  /* that were counted */
};

/* Our clock is ahead by what more than half of the peers say at least, or behind: the median; of an
 * even number the one in the middle that is nearer to our clock. So one peer whose clock is wrong
 * is outvoted. Peers on this machine count only where there is no other. Sorts the words. */
struct peer_clock peer_clock_of(struct peer_word *words, size_t n);
/* Of the peers whose Date came within LIMIT_PEER_DATE_AGE_US. When our clock is set meanwhile, the
 * next call tells it: no peer need answer anew. */
struct peer_clock peer_sight_clock(const struct peer_sight *sight, int64_t wall_us,
				   int64_t mono_us);

/* "the clock is 3600 s ahead of those of 2 peers: …", for a person. Returns out. */
#define PEER_CLOCK_TEXT_SIZE 160
const char *peer_clock_text(const struct peer_clock *clock, char out[PEER_CLOCK_TEXT_SIZE]);
#define PEER_CLOCK_CURE "set the clock, and keep it by chrony, systemd-timesyncd or ntpd"

/* ---- certificates ---- */

/* The URL's peer has shown a certificate that ends then, wall time, in a handshake of now. */
void peer_sight_take_certificate(struct peer_sight *sight, const char *url, int64_t ends_us,
				 int64_t mono_us);

struct peer_end {
	char peer[LIMIT_PEER_SEEN_BYTES]; /* "host:port" */
	int64_t ends_us;		  /* wall time */
};

/* Of the certificates that were shown within LIMIT_PEER_CERTIFICATE_AGE_US, the one that ends
 * first. An older one may have been renewed. false: there is none. */
bool peer_sight_first_end(const struct peer_sight *sight, int64_t mono_us,
			  struct peer_end *ret_end);
/* One of them that ends within LIMIT_PEER_CERTIFICATE_LEFT_US; each peer is given once a day. Call
 * it until it is false. */
bool peer_sight_next_end(struct peer_sight *sight, int64_t wall_us, int64_t mono_us,
			 struct peer_end *ret_end);

/* Has anything come since the last call? */
bool peer_sight_take_news(struct peer_sight *sight);

#endif
