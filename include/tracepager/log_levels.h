/*
 * Log levels: which level of the log is in force, why, and until when: the one of the options, or
 * one that a person set for a time. It sets the level of log.h, and logs each change. Owns its
 * timer; clock and timers are borrowed. Loop thread only.
 */
#ifndef TRACEPAGER_LOG_LEVELS_H
#define TRACEPAGER_LOG_LEVELS_H

#include "tracepager/clock.h"
#include "tracepager/log.h"
#include "tracepager/timers.h"

struct log_levels;

/* configured: what the options say, which is in force already. */
struct log_levels *log_levels_new(const struct clock *clock, struct timers *timers,
				  enum log_level configured);
void log_levels_free(struct log_levels *levels); /* the level stays; takes NULL */

/* The options were read again. Another level than before holds at once, and ends what a person set;
 * the same one changes nothing. */
void log_levels_configure(struct log_levels *levels, enum log_level configured);
/* A person sets the level for so long, at most LIMIT_LOG_LEVEL_US; then the options' level holds
 * again. for_us 0: until a reload with another log_level, or the end of the program. */
void log_levels_set(struct log_levels *levels, enum log_level level, int64_t for_us,
		    const char *who);

struct log_levels_view {
	enum log_level level, configured;
	int64_t until_us; /* wall; 0: the level has no end */
	const char *who;  /* who set it; "": the options did. Borrowed until the next change */
};
struct log_levels_view log_levels_view(const struct log_levels *levels);

#endif
