/*
 * Log: one line per event on standard error, as logfmt (ts=… level=… msg="…" key=value…) or as a
 * JSON object with the same keys. A peer's strings are escaped; errno survives. The program never
 * waits for the log's reader: a line that standard error cannot take at once is dropped and
 * counted, and the next line tells how many were dropped. Lines of one message that come often are
 * summed up (log_sum.h) once log_sum_up() was called; lines of level error never are. Rooms of
 * level 0 to 2 (base, model, rules, formats, sources, kinds) never log; they return errors. It
 * keeps nothing of what it is given but the message. Any thread may log. The keys of all lines are
 * documented (contrib/docs/logs.md, tests/lint/logs).
 *
 *	log_info("page delivered", LOG_STR("incident", id), LOG_INT("attempt", n));
 */
#ifndef TRACEPAGER_LOG_H
#define TRACEPAGER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/limits.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct log_field {
	const char *key;  /* NULL: the field is left out */
	const char *text; /* NULL: the value is the number */
	int64_t number;
	unsigned int most; /* bytes of the text that are shown; 0: LIMIT_LOG_VALUE_BYTES */
};

/* A text that may be NULL, which shows as empty. */
static inline const char *log_text(const char *text)
{
	return text ? text : "";
}

/* The key, or NULL where the text says nothing. */
static inline const char *log_key(const char *key, const char *text)
{
	return text && *text ? key : NULL;
}

#define LOG_STR(k, v) ((struct log_field){ .key = (k), .text = log_text(v) })
#define LOG_INT(k, v) ((struct log_field){ .key = (k), .number = (v) })
/* Left out where the text is NULL or empty. The text is evaluated twice. */
#define LOG_OPT(k, v) ((struct log_field){ .key = log_key(k, v), .text = log_text(v) })
/* The same of a label, whose value its sender chooses. */
#define LOG_LABEL(k, v)                                                                            \
	((struct log_field){                                                                       \
		.key = log_key(k, v), .text = log_text(v), .most = LIMIT_LOG_LABEL_BYTES })

/* Lines below the level are not written; at first it is info. */
void log_set_level(enum log_level level);
enum log_level log_level_now(void);
const char *log_level_name(enum log_level level); /* "info" */
/* False: there is no such level, and *ret_level is untouched. */
bool log_level_find(const char *name, enum log_level *ret_level);

/* The three are for the start, before other threads log. At first the format is logfmt. */
void log_set_format(enum log_format format);
const char *log_format_name(enum log_format format); /* "logfmt" */
bool log_format_find(const char *name, enum log_format *ret_format);
enum log_format log_format_now(void);
/* Where standard error is the journal's socket, as JOURNAL_STREAM says, each line begins with its
 * priority, "<6>" (sd-daemon(3)), which the journal takes off. */
void log_look_for_journal(void);
/* The prefix of a line of that level where log_look_for_journal() has found the journal, else "".
 * For what is written without log_write(). Static. */
const char *log_journal_prefix(enum log_level level);
/* Lines that come often are summed up, unless the level is debug. Whoever calls it sees to
 * log_write_sums(). */
void log_sum_up(void);
/* When the next sum is due, monotonic; INT64_MAX: none. */
int64_t log_sums_due_us(void);
/* Writes the sums that are due, or, at the end of the program, all. */
void log_write_sums(bool all);

/* Through the macros below. The message is a literal, or lives as long as the program. */
void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t n);

#define LOG_AT(level, message, ...)                                                                \
	do {                                                                                       \
		const struct log_field log_fields_[] = { { .key = NULL }, ##__VA_ARGS__ };         \
		log_write(level, message, log_fields_ + 1,                                         \
			  sizeof(log_fields_) / sizeof(log_fields_[0]) - 1);                       \
	} while (0)
#define log_debug(message, ...) LOG_AT(LOG_LEVEL_DEBUG, message, ##__VA_ARGS__)
#define log_info(message, ...)	LOG_AT(LOG_LEVEL_INFO, message, ##__VA_ARGS__)
#define log_warn(message, ...)	LOG_AT(LOG_LEVEL_WARN, message, ##__VA_ARGS__)
#define log_error(message, ...) LOG_AT(LOG_LEVEL_ERROR, message, ##__VA_ARGS__)

#endif
