/*
 * Log sums: which lines of a storm are written, and what one line says of the rest. Lines of one
 * level and message are counted in windows of LIMIT_LOG_SUM_US, which begin with a line: the first
 * LIMIT_LOG_SUM_LINES are written, and so is the first warning about each pager; the others are
 * held. At the window's end the held ones become one sum: how many, and how many of which sender,
 * team, pager and alert. Where more messages come than are counted, their lines are written. It
 * writes nothing and reads no clock. Owns copies of the names that it counts; messages are borrowed
 * for ever. One thread at a time.
 */
#ifndef TRACEPAGER_LOG_SUM_H
#define TRACEPAGER_LOG_SUM_H

#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"

/* The fields that a sum tells apart: "sender" … */
#define LOG_SUM_KEYS 4
extern const char *const log_sum_keys[LOG_SUM_KEYS];

struct log_tally {
	char name[LIMIT_LOG_SUM_NAME_BYTES];
	unsigned int n;
};

struct log_sum {
	const char *message; /* NULL: the place is free */
	enum log_level level;
	int64_t begun_us;
	unsigned int written, held;
	char pagers[LIMIT_LOG_SUM_FIRSTS]
		   [LIMIT_LOG_SUM_NAME_BYTES]; /* of warnings that were written */
	unsigned int npagers;
	struct log_tally tallies[LOG_SUM_KEYS][LIMIT_LOG_SUM_NAMES];
	unsigned int others[LOG_SUM_KEYS]; /* held lines with further names */
};

/* All zero: no window is open. */
struct log_sums {
	struct log_sum kinds[LIMIT_LOG_SUM_KINDS];
};

/* Is the line to be written? Else it is held. Sums that are due must have been taken before. */
bool log_sums_take(struct log_sums *sums, int64_t now_us, enum log_level level, const char *message,
		   const struct log_field *fields, size_t n);
/* When the earliest sum is due; INT64_MAX: no line is held. */
int64_t log_sums_next_us(const struct log_sums *sums);
/* Ends the windows that are over, and takes out the sum of one of them that holds lines. now_us
 * INT64_MAX: all windows are over. False: there is none. */
bool log_sums_end(struct log_sums *sums, int64_t now_us, struct log_sum *ret_sum);
/* "am1 100, am2 13", the most frequent first; adds nothing where no held line had that key. */
void log_sum_names(const struct log_sum *sum, size_t key, struct buf *out);

#endif
