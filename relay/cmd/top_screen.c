/* Top, screen: takes the terminal and gives it back. See top-internal.h. Owns the terminal's
 * settings of before. */
#include "top-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tracepager/cells.h"

#define SCREEN_COLUMNS 80
#define SCREEN_LINES   24

static struct termios terminal_before;
static bool terminal_taken;

static void write_terminal(const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, data, len);
		if (n < 0 && errno != EINTR)
			return; /* the terminal is gone: reading tells it */
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
}

int top_screen_enter(void)
{
	/* Another screen; no cursor. */
	static const char enter[] = "\033[?1049h\033[?25l";
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &raw) < 0)
		return -errno;
	if (!terminal_taken)
		terminal_before = raw;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
		return -errno;
	terminal_taken = true;
	write_terminal(enter, strlen(enter));
	return 0;
}

void top_screen_leave(void)
{
	static const char leave[] = "\033[0m\033[?25h\033[?1049l";

	if (!terminal_taken)
		return;
	terminal_taken = false;
	write_terminal(leave, strlen(leave));
	tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal_before);
}

void top_screen_size(unsigned long *ret_columns, size_t *ret_lines)
{
	struct winsize size = { 0 };
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;

	*ret_columns = known && size.ws_col ? size.ws_col : SCREEN_COLUMNS;
	*ret_lines = known && size.ws_row ? size.ws_row : SCREEN_LINES;
}

void top_screen_draw(const struct screen *screen, const struct buf *frame)
{
	struct buf ascii = BUF_INIT(frame->cap), out = BUF_INIT(2 * frame->cap);

	if (screen->ascii)
		cells_ascii(&ascii, buf_text(frame), frame->len);
	const char *at = buf_text(screen->ascii ? &ascii : frame);
	buf_puts(&out, "\033[H");
	while (*at) {
		size_t len = strcspn(at, "\n");
		buf_add(&out, at, len);
		/* The rest of the old line goes. No line end behind the last one: it would
		 * scroll. */
		buf_puts(&out, at[len] && at[len + 1] ? "\033[K\r\n" : "\033[K");
		at += len + (at[len] == '\n');
	}
	buf_puts(&out, "\033[J");
	write_terminal(buf_text(&out), out.len);
	buf_fini(&ascii);
	buf_fini(&out);
}
