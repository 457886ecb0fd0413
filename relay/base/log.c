/*
 * Log lines on standard error, each in one write() so that lines of threads do not mix. Other
 * processes share standard error, so it cannot be made non-blocking; a line is written only when
 * poll() says that standard error takes a whole one, else dropped.
 */
#include "tracepager/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/log_sum.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

#include "log_line-internal.h"

_Static_assert(LIMIT_LOG_LINE_BYTES <= PIPE_BUF, "a ready pipe takes a whole line");

static _Atomic int log_least = LOG_LEVEL_INFO;
static enum log_format log_lines_format;
static bool log_is_journal, log_sums_up;
/* Between poll() and write() no other thread may fill the descriptor. It guards the sums, too. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t log_dropped; /* lines since the last one that was written */
static struct log_sums log_sums;
static _Atomic int64_t log_next_sum_us = INT64_MAX;

/* ---- settings ---- */

void log_set_level(enum log_level level)
{
	log_least = (int)level;
}

enum log_level log_level_now(void)
{
	return (enum log_level)log_least;
}

void log_set_format(enum log_format format)
{
	log_lines_format = format;
}

enum log_format log_format_now(void)
{
	return log_lines_format;
}

/* JOURNAL_STREAM is DEVICE:INODE of the socket, both decimal: systemd.exec(5). A shell that the
 * service starts may have sent standard error elsewhere. */
void log_look_for_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat status;
	char *end;

	if (!stream || fstat(STDERR_FILENO, &status) < 0)
		return;
	const unsigned long long device = strtoull(stream, &end, 10);
	const unsigned long long inode = *end == ':' ? strtoull(end + 1, &end, 10) : 0;
	log_is_journal = !*end && inode && device == (unsigned long long)status.st_dev &&
			 inode == (unsigned long long)status.st_ino;
}

const char *log_journal_prefix(enum log_level level)
{
	return log_is_journal ? log_level_priority(level) : "";
}

void log_sum_up(void)
{
	log_sums_up = true;
}

/* ---- lines ---- */

/* Writes without waiting; false: not written. A socket (the journal's) needs no poll(). */
static bool log_put_line(const char *line, size_t len)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n = send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == ENOTSOCK && poll(&ready, 1, 0) == 1 && ready.revents & POLLOUT)
		n = write(STDERR_FILENO, line, len);
	return n > 0;
}

/* With the lock. */
static void log_write_line(enum log_level level, const char *message,
			   const struct log_field *fields, size_t n)
{
	struct buf text = BUF_INIT(LIMIT_LOG_LINE_BYTES);
	char now[RFC3339_SIZE];
	const struct log_line line = {
		.format = log_lines_format,
		.prefixed = log_is_journal,
		.time = rfc3339_format(clock_wall_us(clock_system()), now),
		.level = level,
		.dropped = log_dropped,
		.message = message,
		.fields = fields,
		.nfields = n,
	};

	log_line_write(&line, &text);
	if (log_put_line(text.data, text.len)) {
		log_dropped = 0;
	} else {
		log_dropped++;
		metric_add(METRIC_LOG_LINES_DROPPED, 1);
	}
	buf_fini(&text);
}

/* The same message and level as the lines that it stands for: whoever counts or looks for those
 * finds it. With the lock. */
static void log_write_sum(const struct log_sum *sum, int64_t now_us)
{
	static const char *const keys[LOG_SUM_KEYS] = { "by_sender", "by_team", "by_pager",
							"by_alert" };
	struct log_field fields[2 + LOG_SUM_KEYS] = {
		LOG_INT("more", sum->held),
		LOG_INT("within_ms", (now_us - sum->begun_us) / US_PER_MS),
	};
	struct buf names[LOG_SUM_KEYS];

	for (size_t i = 0; i < LOG_SUM_KEYS; i++) {
		buf_init(&names[i], LIMIT_LOG_VALUE_BYTES);
		log_sum_names(sum, i, &names[i]);
		fields[2 + i] = LOG_OPT(keys[i], buf_text(&names[i]));
	}
	log_write_line(sum->level, sum->message, fields, ARRAY_LEN(fields));
	for (size_t i = 0; i < LOG_SUM_KEYS; i++)
		buf_fini(&names[i]);
}

/* With the lock. */
static void log_write_due_sums(int64_t now_us, bool all)
{
	struct log_sum sum;

	while (log_sums_end(&log_sums, all ? INT64_MAX : now_us, &sum))
		log_write_sum(&sum, now_us);
	log_next_sum_us = log_sums_next_us(&log_sums);
}

int64_t log_sums_due_us(void)
{
	return log_next_sum_us;
}

void log_write_sums(bool all)
{
	const int saved = errno;

	pthread_mutex_lock(&log_lock);
	log_write_due_sums(clock_mono_us(clock_system()), all);
	pthread_mutex_unlock(&log_lock);
	errno = saved;
}

/* An error is always written: it may tell of a page that reached nobody. With the lock. */
static bool log_is_held(enum log_level level, const char *message, const struct log_field *fields,
			size_t n)
{
	if (!log_sums_up || level == LOG_LEVEL_ERROR || log_least == LOG_LEVEL_DEBUG)
		return false;
	const int64_t now_us = clock_mono_us(clock_system());
	if (now_us >= log_next_sum_us)
		log_write_due_sums(now_us, false);
	if (log_sums_take(&log_sums, now_us, level, message, fields, n))
		return false;
	log_next_sum_us = log_sums_next_us(&log_sums);
	metric_add(METRIC_LOG_LINES_SUMMED, 1);
	return true;
}

void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t n)
{
	const int saved = errno;

	if ((int)level < log_least)
		return;
	pthread_mutex_lock(&log_lock);
	if (!log_is_held(level, message, fields, n))
		log_write_line(level, message, fields, n);
	pthread_mutex_unlock(&log_lock);
	errno = saved;
}
