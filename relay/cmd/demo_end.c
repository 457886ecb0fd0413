/*
 * Demo, end: who was paged and why, from the demo's own store, beside whom Alertmanager would have
 * paged by the alerts' labels. Reads the store of a relay that has ended; owns nothing.
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

#define ALERT_COLUMNS 20
#define TEAM_COLUMNS  12
/* On a screen of fewer columns the reasons would be words below each other. */
#define WIDE_COLUMNS 72
/* The faults, and the alert that nobody answered. */
#define DEMO_ROWS (demo_nfaults + 1)

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

/* A label is red where another team was paged. */
struct teams_row {
	const char *alert, *label, *team, *why;
};

/* The text in the columns from `indent` on, of whose first line that much is printed already. */
static void print_wrapped(const struct demo_screen *screen, const char *text, size_t indent)
{
	size_t left = strlen(text);

	for (;;) {
		const size_t n = wrap_bytes(text, left, screen->columns - indent);
		printf("%.*s\n", (int)n, text);
		text += n;
		left -= n;
		for (; left && *text == ' '; left--)
			text++;
		if (!left)
			return;
		printf("%*s", (int)indent, "");
	}
}

/* Why stands beside the teams, and on a narrow screen below them. */
static void print_row(const struct demo_screen *screen, const struct teams_row *row,
		      enum demo_style label_style, enum demo_style style)
{
	const bool narrow = screen->columns < WIDE_COLUMNS;

	printf("  ");
	print_cell(screen, DEMO_PLAIN, row->alert, ALERT_COLUMNS);
	print_cell(screen, label_style, row->label, TEAM_COLUMNS);
	print_cell(screen, style, row->team, narrow ? 0 : TEAM_COLUMNS);
	if (narrow)
		printf("\n    ");
	print_wrapped(screen, row->why, narrow ? 4 : 2 + ALERT_COLUMNS + 2 * TEAM_COLUMNS);
}

/* Why the team was paged, in a few words. Caller frees. */
static char *row_reason(const struct outcome *was)
{
	if (!was->found)
		return xasprintf("no trace: the route at %s names it", was->rule);
	if (*was->error)
		return xasprintf("owns %s: %s", was->suspect, was->error);
	return xasprintf("owns %s, the deepest cause", was->suspect);
}

struct teams_count {
	size_t shown, same;
};

static void show_decision(const struct demo_screen *screen, const struct opened *opened,
			  struct teams_count *count)
{
	const char *label = labels_get(&opened->alert.labels, DEMO_TEAM_LABEL);
	const bool same = label && strcmp(label, opened->was.team) == 0;
	CLEANUP_FREE char *why = row_reason(&opened->was);
	const struct teams_row row = { labels_get(&opened->alert.labels, "alertname"),
				       label ? label : "-", opened->was.team, why };

	print_row(screen, &row, same ? DEMO_GOOD : DEMO_BAD, DEMO_GOOD);
	count->shown++;
	count->same += same;
}

/* The relay decides the alerts in the order in which the demo sends them: each when the page before
 * it has arrived. The storm comes behind the rows. */
static void print_rows(const struct demo_screen *screen, struct history *history,
		       struct teams_count *count, struct err *err)
{
	struct past past;
	int64_t position = 0;

	while (count->shown < DEMO_ROWS &&
	       history_next(history, 0, INT64_MAX, &position, &past, err) > 0) {
		struct opened opened;
		if (opened_init(&opened, &past, NULL, err) == 0)
			show_decision(screen, &opened, count);
		opened_fini(&opened);
		past_fini(&past);
	}
}

int demo_print_teams(const struct demo_screen *screen, const char *store)
{
	static const struct teams_row head = { "alert", "its label", "paged", "why" };
	struct history *history = NULL;
	struct err err = { 0 };
	struct teams_count count = { 0 };

	if (history_open(store, &history, &err) < 0)
		return command_failed(1, "demo", "%s", err.text);
	printf("\n");
	demo_say(screen, DEMO_TITLE, "", "Who is woken up");
	demo_say(screen, DEMO_PLAIN, "",
		 "Each alert has a label team, which its rule in Prometheus gives it. Alertmanager "
		 "pages that team; beside it stands whom tracepager paged.");
	printf("\n");
	print_row(screen, &head, DEMO_PLAIN, DEMO_PLAIN);
	print_rows(screen, history, &count, &err);
	history_close(history);
	if (count.shown < DEMO_ROWS)
		return command_failed(1, "demo", "the store has only %zu of %zu decisions%s%s",
				      count.shown, DEMO_ROWS, err.code ? ": " : "", err.text);
	printf("\n");
	demo_say(screen, DEMO_PLAIN, "",
		 "By the labels alone, %zu of %zu alerts would have woken a team that has nothing "
		 "to mend.",
		 count.shown - count.same, count.shown);
	return 0;
}
