/*
 * Log: one line per event on standard error, in logfmt: ts=… level=… msg="…" key=value… A peer's
 * strings are escaped; errno survives. The program never waits for the log's reader: a line that
 * standard error cannot take at once is dropped and counted, and the next line tells how many were
 * dropped. Rooms of level 0 to 2 (base, model, rules, formats, sources, kinds) never log; they
 * return errors. It keeps nothing of what it is given. Any thread may log.
 *
 *	log_info("page delivered", LOG_STR("incident", id), LOG_INT("attempts", n));
 */
#ifndef TRACEPAGER_LOG_H
#define TRACEPAGER_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

struct log_field {
	const char *key;
	const char *text; /* NULL: the value is the number */
	int64_t number;
};

/* A text that may be NULL, which shows as empty. */
static inline const char *log_text(const char *text)
{
	return text ? text : "";
}

#define LOG_STR(k, v) ((struct log_field){ .key = (k), .text = log_text(v) })
#define LOG_INT(k, v) ((struct log_field){ .key = (k), .number = (v) })

/* Lines below the level are not written; at first it is info. */
void log_set_level(enum log_level level);
enum log_level log_level(void);
/* Through the macros below. */
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
