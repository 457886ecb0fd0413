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

#endif
