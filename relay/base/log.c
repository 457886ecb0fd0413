/*
 * Log lines in logfmt on standard error, each in one write() so that lines of threads do not mix.
 * Other processes share standard error, so it cannot be made non-blocking; a line is written only
 * when poll() says that standard error takes a whole one, else dropped.
 */
#include "tracepager/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"

_Static_assert(LIMIT_LOG_LINE_BYTES <= PIPE_BUF, "a ready pipe takes a whole line");

static _Atomic int log_least = LOG_LEVEL_INFO;
/* Between poll() and write() no other thread may fill the descriptor. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t log_dropped; /* lines since the last one that was written */

void log_set_level(enum log_level level)
{
	log_least = (int)level;
}

enum log_level log_level(void)
{
	return (enum log_level)log_least;
}

static bool log_is_plain(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || strchr("\"=\\", *text) ||
		    (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

/* A value, quoted where needed. Control characters are escaped, so that no peer can fake a line or
 * move a terminal's cursor; UTF-8 passes. */
static void log_put_value(struct buf *line, const char *text)
{
	if (log_is_plain(text)) {
		buf_printf(line, "%.*s", LIMIT_LOG_VALUE_BYTES, text);
		return;
	}
	buf_putc(line, '"');
	for (size_t n = 0; *text && n < LIMIT_LOG_VALUE_BYTES; text++, n++) {
		unsigned char c = (unsigned char)*text;
		if (c == '\n')
			buf_puts(line, "\\n");
		else if (c == '"' || c == '\\')
			buf_printf(line, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			buf_printf(line, "\\x%02x", c);
		else
			buf_putc(line, (char)c);
	}
	buf_puts(line, *text ? "…\"" : "\"");
}

/* Writes without waiting; false: not written. A socket (the journal's) needs no poll(). */
static bool log_put_line(const char *line, size_t len)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n = send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == ENOTSOCK && poll(&ready, 1, 0) == 1 && ready.revents & POLLOUT)
		n = write(STDERR_FILENO, line, len);
	return n > 0;
}

void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t n)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	struct buf line = BUF_INIT(LIMIT_LOG_LINE_BYTES);
	char now[RFC3339_SIZE];
	int saved = errno;

	if ((int)level < log_least)
		return;
	rfc3339_format(clock_wall_us(clock_system()), now);
	pthread_mutex_lock(&log_lock);
	buf_printf(&line, "ts=%s level=%s ", now, names[level]);
	if (log_dropped)
		buf_printf(&line, "lines_dropped=%" PRIu64 " ", log_dropped);
	buf_puts(&line, "msg=");
	log_put_value(&line, message);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&line, " %s=", fields[i].key);
		if (fields[i].text)
			log_put_value(&line, fields[i].text);
		else
			buf_printf(&line, "%" PRId64, fields[i].number);
	}
	if (!buf_putc(&line, '\n'))
		line.data[line.len - 1] = '\n';
	if (log_put_line(line.data, line.len)) {
		log_dropped = 0;
	} else {
		log_dropped++;
		metric_add(METRIC_LOG_LINES_DROPPED, 1);
	}
	pthread_mutex_unlock(&log_lock);
	buf_fini(&line);
	errno = saved;
}
