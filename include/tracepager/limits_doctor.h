/*
 * The caps of doctor and of "run --check", each with its reason: a section of limits.h,
 * which includes it.
 */
#ifndef TRACEPAGER_LIMITS_DOCTOR_H
#define TRACEPAGER_LIMITS_DOCTOR_H

/* The whole of doctor: monitoring systems end a plugin after 60 s, and a person waits no longer. */
#define LIMIT_DOCTOR_US (28 * US_PER_SECOND)
/* One peer: its name, a connection, TLS and an answer. A peer that needs longer is too slow for a
 * page. */
#define LIMIT_DOCTOR_PEER_US (8 * US_PER_SECOND)
/* One answer of the running relay. */
#define LIMIT_DOCTOR_RELAY_US (5 * US_PER_SECOND)
/* The search for a signal's traces at one source, with the traces themselves. */
#define LIMIT_DOCTOR_SOURCE_US (12 * US_PER_SECOND)
/* The look at the store's structure: SQLite reads some 500 MB/s. run --check is to be quick. */
#define LIMIT_DOCTOR_STORE_US	    (10 * US_PER_SECOND)
#define LIMIT_PREFLIGHT_STORE_US    (2 * US_PER_SECOND)
#define LIMIT_DOCTOR_STORE_PROBLEMS 5
/* Threads that wait for peers: a large site has some dozens of hosts. */
#define LIMIT_DOCTOR_THREADS 16u
/* Hosts, results, words of one result, and signals that are asked for at each source. */
#define LIMIT_DOCTOR_HOSTS	  256u
#define LIMIT_DOCTOR_RESULTS	  1000u
#define LIMIT_DOCTOR_TEXT_BYTES	  600u
#define LIMIT_DOCTOR_ARENA_BYTES  (64u << 20)
#define LIMIT_DOCTOR_SIGNALS	  3u
#define LIMIT_DOCTOR_TRACES	  5u
#define LIMIT_DOCTOR_REPLY_BYTES  (4u << 20)
#define LIMIT_DOCTOR_OUTPUT_BYTES (4u << 20)
/* Findings of rules that are told one by one; the rest is counted. */
#define LIMIT_DOCTOR_FINDINGS 5u
/* Decisions of the past week that are looked at, the latest first: 5,000 take some 2 s. */
#define LIMIT_DOCTOR_DECISIONS 5000u
#define LIMIT_DOCTOR_NAMES     256u
/* The past that is looked at. */
#define LIMIT_DOCTOR_PAST_US (7 * US_PER_DAY)

/* Free space of the store's file system. Below the first a storm of alerts fills it (10,000 alerts
 * take some 80 MB with their pages and the write-ahead log); below the second what retention may
 * keep (2 GiB of traces) does not fit. */
#define LIMIT_DISK_LEAST_BYTES	(128LL << 20)
#define LIMIT_DISK_WANTED_BYTES (1LL << 30)
#define LIMIT_INODES_LEAST	100
/* Open files: below this senders and people shut each other out. */
#define LIMIT_DESCRIPTORS_WANTED 1024
/* Memory: traces in flight take up to LIMIT_TRACES_IN_FLIGHT_BYTES, the rest as much again. */
#define LIMIT_MEMORY_WANTED_BYTES (512LL << 20)
/* The write-ahead log: usually some MB; above this its checkpoints are kept from ending. */
#define LIMIT_WAL_WANTED_BYTES (256LL << 20)
/* A token of an address that others reach: 16 characters of openssl rand -hex are 64 bits. */
#define LIMIT_TOKEN_LEAST_BYTES 16u
/* Addresses of a trusted proxy: an IPv4 range of /8 has 16 million addresses, and an IPv6 range of
 * /32 is a whole provider's. */
#define LIMIT_PROXY_WIDEST_BITS	  8u
#define LIMIT_PROXY_WIDEST_BITS_6 31u
/* Times of the options that are legal, and shorter than anybody wants: a person has not read the
 * page, senders repeat themselves in minutes or hours, and each search is a load of the source. */
#define LIMIT_ACK_TIMEOUT_SHORT_US   (10 * US_PER_SECOND)
#define LIMIT_EXPIRE_AFTER_SHORT_US  (10 * US_PER_MINUTE)
#define LIMIT_HEALTHY_EVERY_SHORT_US (10 * US_PER_SECOND)
/* The clock beside those of the peers: a header Date has whole seconds; signatures are refused from
 * 5 minutes on, and searches miss traces of the last minute before. */
#define LIMIT_CLOCK_OFF_US (5 * US_PER_SECOND)
#define LIMIT_CLOCK_BAD_US US_PER_MINUTE
/* Certificates of peers: they are renewed 30 days ahead at the latest. */
#define LIMIT_PEER_CERTIFICATE_LEFT_US (14 * US_PER_DAY)
/* A page that waits longer has a pager that does not take it. */
#define LIMIT_DOCTOR_WAITING_US (2 * US_PER_MINUTE)

#endif
