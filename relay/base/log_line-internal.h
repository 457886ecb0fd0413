/*
 * Log line: one line of the log as text, in logfmt or JSON, with its line end; whole, and valid,
 * whatever the strings hold. Pure: any thread.
 */
#ifndef TRACEPAGER_BASE_LOG_LINE_INTERNAL_H
#define TRACEPAGER_BASE_LOG_LINE_INTERNAL_H

#include "tracepager/buf.h"
#include "tracepager/log.h"

struct log_line {
	enum log_format format;
	bool prefixed;	  /* the journal's priority stands before it */
	const char *time; /* of RFC 3339 */
	enum log_level level;
	uint64_t dropped; /* lines before it; 0: none, and nothing is said */
	const char *message;
	const struct log_field *fields;
	size_t nfields;
};

/* Adds the line. A field that does not fit LIMIT_LOG_LINE_BYTES is left out, and the line says
 * cut=true at its end. out: empty, with a cap of LIMIT_LOG_LINE_BYTES. */
void log_line_write(const struct log_line *line, struct buf *out);

/* "<6>", as the journal takes it (sd-daemon(3)). Static. */
const char *log_level_priority(enum log_level level);

#endif
