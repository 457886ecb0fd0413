/*
 * Demo, end: who was paged, from the demo's own store, beside who a router by labels would have
 * paged. Reads the store of a relay that has ended; owns nothing.
 */
#include "demo-internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usage-internal.h"
#include "wrap-internal.h"
#include "tracepager/arena.h"
#include "tracepager/limits.h"
#include "tracepager/past.h"
#include "tracepager/xalloc.h"

#define NAME_COLUMNS 40
#define TEAM_COLUMNS 12

static const char *demo_colour(const struct demo_screen *screen, enum demo_style style)
{
	static const char *const codes[] = {
		[DEMO_PLAIN] = "",	    [DEMO_TITLE] = "\033[1;36m", [DEMO_NOTE] = "\033[2m",
		[DEMO_GOOD] = "\033[1;32m", [DEMO_BAD] = "\033[31m",
	};

	return screen->colour ? codes[style] : "";
}

static const char *demo_colour_end(const struct demo_screen *screen, enum demo_style style)
{
	return screen->colour && style != DEMO_PLAIN ? "\033[0m" : "";
}

void demo_say(const struct demo_screen *screen, enum demo_style style, const char *indent,
	      const char *format, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list args;

	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		abort();
	const char *at = text;
	size_t left = (size_t)len;
	do {
		size_t n = wrap_bytes(at, left, screen->columns - strlen(indent));
		printf("%s%s%.*s%s\n", indent, demo_colour(screen, style), (int)n, at,
		       demo_colour_end(screen, style));
		at += n;
		left -= n;
		while (left && *at == ' ') {
			at++;
			left--;
		}
	} while (left);
}

/* With 0 columns the cell is the row's last, which nothing pads. */
static void print_cell(const struct demo_screen *screen, enum demo_style style, const char *text,
		       size_t columns)
{
	size_t len = strlen(text), used = columns ? wrap_bytes(text, len, columns - 1) : len;

	printf("%s%.*s%s%*s", demo_colour(screen, style), (int)used, text,
	       demo_colour_end(screen, style), columns ? (int)(columns - used) : 0, "");
}

/* The relay decides the faults in their order: each is sent when the page before it arrived. */
static void print_row(const struct demo_screen *screen, const struct demo_fault *fault,
		      const struct outcome *was)
{
	bool same = strcmp(was->team, demo_label_team) == 0;

	printf("  ");
	print_cell(screen, DEMO_PLAIN, fault->name, NAME_COLUMNS);
	print_cell(screen, same ? DEMO_GOOD : DEMO_BAD, demo_label_team, TEAM_COLUMNS);
	print_cell(screen, DEMO_GOOD, was->team, 0);
	printf("\n");
}

/* How many rows were printed; *ret_same: of them those where both paged the same team. */
static size_t print_rows(const struct demo_screen *screen, struct history *history,
			 size_t *ret_same, struct err *err)
{
	struct past past;
	int64_t position = 0;
	size_t n = 0;

	*ret_same = 0;
	while (n < demo_nfaults && history_next(history, 0, INT64_MAX, &position, &past, err) > 0) {
		struct opened opened;
		if (opened_init(&opened, &past, NULL, err) == 0) {
			print_row(screen, &demo_faults[n++], &opened.was);
			*ret_same += strcmp(opened.was.team, demo_label_team) == 0;
		}
		opened_fini(&opened);
		past_fini(&past);
	}
	return n;
}

int demo_print_teams(const struct demo_screen *screen, const char *store)
{
	struct history *history = NULL;
	struct err err = { 0 };
	size_t same = 0, n = 0;

	if (history_open(store, &history, &err) < 0)
		return command_failed(1, "demo", "%s", err.text);
	printf("\n");
	demo_say(screen, DEMO_TITLE, "", "Who is woken up");
	printf("\n  ");
	print_cell(screen, DEMO_NOTE, "what was wrong", NAME_COLUMNS);
	print_cell(screen, DEMO_NOTE, "by labels", TEAM_COLUMNS);
	print_cell(screen, DEMO_NOTE, "tracepager", 0);
	printf("\n");
	n = print_rows(screen, history, &same, &err);
	history_close(history);
	if (n < demo_nfaults)
		return command_failed(1, "demo", "the store has only %zu of %zu decisions%s%s", n,
				      demo_nfaults, err.code ? ": " : "", err.text);
	printf("\n");
	demo_say(screen, DEMO_PLAIN, "",
		 "All %zu alerts name the operation of one team, so a router by labels wakes %s "
		 "%zu times, and %zu times that team has nothing to mend; tracepager woke the "
		 "team that owns the cause each time.",
		 n, demo_label_team, n, n - same);
	return 0;
}
