/*
 * The caps of the log and of the live stream (tap), each with its reason: a section of limits.h,
 * which includes it.
 */
#ifndef TRACEPAGER_LIMITS_LOG_H
#define TRACEPAGER_LIMITS_LOG_H

/* One line of the log: PIPE_BUF, the most that a ready pipe takes at once without waiting. */
#define LIMIT_LOG_LINE_BYTES 4096
/* One value in a line of the log: three long values fit beside the message. */
#define LIMIT_LOG_VALUE_BYTES 1024
/* The value of an alert's label in a line: names of pods have 63 characters, those of hosts seldom
 * more; a sender chooses it. */
#define LIMIT_LOG_LABEL_BYTES 96

/* Lines of one message in a window that are written as they are: a person sees examples, and a
 * storm of five messages stays below 30 lines in a window. */
#define LIMIT_LOG_SUM_LINES 5u
/* Pagers of a window whose first warning is written though that many lines were: one pager that is
 * away does not hide that another one fails, too. */
#define LIMIT_LOG_SUM_FIRSTS 16u
/* Then the rest of that window is summed up in one line: nobody waits longer for a number. */
#define LIMIT_LOG_SUM_US (10 * US_PER_SECOND)
/* Messages that are counted at a time: the tree has about 100, and few come often. */
#define LIMIT_LOG_SUM_KINDS 64u
/* Senders, teams, pagers and alerts that a sum names, each with its number. */
#define LIMIT_LOG_SUM_NAMES	 5u
#define LIMIT_LOG_SUM_NAME_BYTES 48u

/* A level that a person sets holds for so long at most: a forgotten debug fills a disk. */
#define LIMIT_LOG_LEVEL_US (7 * US_PER_DAY)
/* Who set it, as its token or its --who says. */
#define LIMIT_LOG_WHO_BYTES 128u

/* ---- the live stream ---- */

/* Readers at a time: people in front of terminals. Each costs a write for each event that it wants.
 */
#define LIMIT_TAPPERS 16u
/* What waits for a reader: then events are counted, not kept. A turn of a storm makes 100 KiB of
 * them; all readers hold 4 MiB. */
#define LIMIT_STREAM_BYTES (256u << 10)
/* What a reader may send meanwhile: nothing reads it. */
#define LIMIT_STREAM_READ_BYTES 4096u
/* A reader that takes nothing of what waits for so long is gone. */
#define LIMIT_STREAM_STALL_US (30 * US_PER_SECOND)
/* A sign of life where no event comes: proxies close silent connections after 60 s. */
#define LIMIT_TAP_BEAT_US (10 * US_PER_SECOND)
/* A reader that missed events is told again and again how many, so often. */
#define LIMIT_TAP_TELL_US US_PER_SECOND
/* A reader that hears nothing for so long has lost the relay: three such signs. */
#define LIMIT_TAP_SILENT_US (35 * US_PER_SECOND)
/* One text of an event, one name in it, and one event: each character may be escaped. */
#define LIMIT_TAP_TEXT_BYTES  500u
#define LIMIT_TAP_NAME_BYTES  128u
#define LIMIT_TAP_EVENT_BYTES (24u << 10)
/* A glob of a filter. */
#define LIMIT_TAP_GLOB_BYTES 128u
/* One request of the command: then it asks anew. */
#define LIMIT_TAP_CALL_US US_PER_DAY
/* A lost relay is asked again after so long, doubled up to the second. */
#define LIMIT_TAP_RETRY_US	US_PER_SECOND
#define LIMIT_TAP_RETRY_MOST_US (10 * US_PER_SECOND)

#endif
