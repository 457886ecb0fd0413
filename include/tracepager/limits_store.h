/*
 * The caps of the store, each with its reason: a section of limits.h, which includes it.
 */
#ifndef TRACEPAGER_LIMITS_STORE_H
#define TRACEPAGER_LIMITS_STORE_H

/* Operations handed to the store and not yet committed; above the cap intake answers 503. */
#define LIMIT_STORE_QUEUE 16384
/* The same in bytes: four of the largest bodies. The last batch may overrun either cap. */
#define LIMIT_STORE_QUEUE_BYTES (64u << 20)
/* Under load a group gathers from the begin of the one before, for twice what a group takes, and at
 * most for this: 150 us of CPU go with each group, and at half the rate an accept must be answered
 * within 5 ms at the 99th percentile. */
#define LIMIT_STORE_GATHER_US (4 * US_PER_MS)
/* So many batches during a commit are load: the alert of a lone sender makes up to three, one after
 * the other, of which two may meet. */
#define LIMIT_STORE_GATHER_BATCHES 3u
/* So many bytes are a group at once: they cost more than the flush that the group shares. */
#define LIMIT_STORE_GROUP_BYTES (128u << 10)
/* Decisions and their traces wait so long for a group that somebody waits for: without one they are
 * lost when the program is killed within that time, as those are that the pool still packs. */
#define LIMIT_STORE_LATER_US (50 * US_PER_MS)
/* Ended alerts are remembered this long: Prometheus sends resolved alerts for 15 minutes. */
#define LIMIT_RESOLVED_MEMORY_US (15 * US_PER_MINUTE)
/* Decisions, closed incidents and their pages: a quarter, over which reviews look back. */
#define LIMIT_HISTORY_US (90 * US_PER_DAY)
/* A silence is kept for so long after its end: people ask who silenced what last week. */
#define LIMIT_SILENCE_KEPT_US (90 * US_PER_DAY)
/* Silences made at run time that are in force or still to come: each is compared with every alert
 * that no exact matcher keeps it from. */
#define LIMIT_SILENCES 1000u
/* Those and the ended ones, for the list, some 10 KiB each; above it the one that ended first
 * leaves memory. */
#define LIMIT_SILENCES_LISTED 4000u
/* The end of a silence lies at most so far ahead: a longer one is a rule, and stands in a file. */
#define LIMIT_SILENCE_AHEAD_US (90 * US_PER_DAY)
#define LIMIT_SILENCE_MATCHERS 32u
/* "Silence for 1 hour" of a page: long enough to work in peace, too short to be forgotten. */
#define LIMIT_SILENCE_BUTTON_US US_PER_HOUR
/* The record of one silence: its matchers, and texts that people write. */
#define LIMIT_SILENCE_DOC_BYTES (64u << 10)
/* Memory of one silence while it is read or kept. */
#define LIMIT_SILENCE_ARENA_BYTES (256u << 10)
/* Alerts that one slice compares with the silences, and how long it goes on: with a thousand
 * regular expressions one alert takes a fifth of a millisecond. */
#define LIMIT_SILENCE_SLICE    64u
#define LIMIT_SILENCE_SLICE_US (US_PER_MS / 4)
/* Alerts of one incident that are compared at once when it changes its team. */
#define LIMIT_SILENCE_AT_ONCE 256u
/* Traces of decisions with their healthy evidence: people look into the traces of the last week,
 * and every disk has 2 GiB. */
#define LIMIT_TRACES_KEPT_US	(7 * US_PER_DAY)
#define LIMIT_TRACES_KEPT_BYTES ((int64_t)2 << 30)
/* One value in the file: four times the largest body; a damaged file may claim more. */
#define LIMIT_STORE_VALUE_BYTES (64 << 20)
/* Waiting for another program's lock on the file, in milliseconds: longer than any checkpoint,
 * shorter than a sender's patience. */
#define LIMIT_STORE_BUSY_MS 5000
/* A disk that keeps failing gives one line in the log per this time. That it works again is told
 * when no write failed for as long: a nearly full disk takes small groups and refuses large ones
 * by turns. */
#define LIMIT_STORE_COMPLAIN_US US_PER_MINUTE
/* Housekeeping: from one round to the next, and from one piece of a round to the next. A piece
 * takes a few milliseconds: housekeeping has at most a tenth of the disk's time. */
#define LIMIT_RETAIN_EVERY_US (60 * US_PER_SECOND)
#define LIMIT_RETAIN_AGAIN_US (100 * US_PER_MS)
/* Rows of one table, and bytes of traces, that one piece removes: a transaction of about 1 MiB,
 * and the pages of 4 MiB given back, each within some milliseconds. */
#define LIMIT_RETAIN_ROWS	 200
#define LIMIT_RETAIN_TRACE_BYTES (4 << 20)
/* Free pages of 4 KiB that the file keeps for later rows (as well as a quarter of all its pages),
 * and those given back in one piece of housekeeping: 1 MiB is moved within some milliseconds. */
#define LIMIT_FREE_PAGES   4096
#define LIMIT_VACUUM_PAGES 256
/* Blocks of freed batches that the loop keeps, and the largest: those of the turns of a storm (100
 * alerts of 2 KiB and their incidents), of which three are under way. 1 MiB in all. */
#define LIMIT_SPARE_BATCHES	4
#define LIMIT_SPARE_BATCH_BYTES (256u << 10)
/* The write-ahead log, in pages of 4 KiB. A checkpoint of less than 16 MiB costs more for its two
 * flushes than for its pages; from 64 MiB on, a second of a storm, the writer helps. */
#define LIMIT_WAL_CHECKPOINT_PAGES 4096
#define LIMIT_WAL_LARGE_PAGES	   16384
/* Bytes of the database or its log that one call writes: below the 128 KiB that SQLite allows. */
#define LIMIT_STORE_GATHERED_BYTES (124u << 10)
/* Passes over a large write-ahead log before the writer is asked for the rest: each pass leaves
 * what was written during the one before. */
#define LIMIT_WAL_PASSES 3
/* Pages wait in the write-ahead log at most this long, so that a restart reads little. */
#define LIMIT_WAL_REST_S 5
/* The file of the write-ahead log shrinks to this after a storm: LIMIT_WAL_LARGE_PAGES. */
#define LIMIT_WAL_FILE_BYTES 67108864
/* Between two tries whether a store that failed writes again, when nothing else is to be written:
 * /-/ready says no meanwhile, and no sender may come. */
#define LIMIT_STORE_PROBE_US US_PER_SECOND
/* Damaged places of one table that are passed over when a damaged store is read. */
#define LIMIT_SALVAGE_TRIES 10000
/* A decision belongs to an incident when it was made between its opening and its closing; the wall
 * clock may step by this much in between. */
#define LIMIT_CLOCK_STEP_US US_PER_HOUR

/* Events of one incident's story that are read: an incident that flaps for weeks has as many. */
#define LIMIT_STORY_EVENTS 5000

#endif
