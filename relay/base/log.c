/* Log lines in logfmt on standard error, each written with one write so that lines of threads do
 * not mix. */
#include "tracepager/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/buf.h"
#include "tracepager/clock.h"

/* A line longer than this is cut: a peer's text must not fill the journal. */
#define LOG_LINE_BYTES	8192
#define LOG_VALUE_BYTES 1024

static _Atomic int least = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	least = (int)level;
}

enum log_level log_level(void)
{
	return (enum log_level)least;
}

static bool plain(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || strchr("\"=\\", *text) ||
		    (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

/* Quoted, with what could fake a line or move a terminal's cursor escaped; UTF-8 passes. */
static void put_value(struct buf *line, const char *text)
{
	if (plain(text)) {
		buf_printf(line, "%.*s", LOG_VALUE_BYTES, text);
		return;
	}
	buf_putc(line, '"');
	for (size_t n = 0; *text && n < LOG_VALUE_BYTES; text++, n++) {
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

void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t n)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	struct buf line = BUF_INIT(LOG_LINE_BYTES);
	char now[RFC3339_SIZE];
	int saved = errno;

	if ((int)level < least)
		return;
	rfc3339_format(clock_wall_us(clock_system()), now);
	buf_printf(&line, "ts=%s level=%s msg=", now, names[level]);
	put_value(&line, message);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&line, " %s=", fields[i].key);
		if (fields[i].text)
			put_value(&line, fields[i].text);
		else
			buf_printf(&line, "%" PRId64, fields[i].number);
	}
	if (!buf_putc(&line, '\n'))
		line.data[line.len - 1] = '\n';
	ssize_t written = write(STDERR_FILENO, line.data, line.len);
	(void)written; /* there is nowhere to tell it */
	buf_fini(&line);
	errno = saved;
}
