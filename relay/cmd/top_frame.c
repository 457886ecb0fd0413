/* Top, frame: what stands on the screen at one moment. See top-internal.h. */
#include "top-internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "incidents-internal.h"
#include "output-internal.h"
#include "tracepager/cells.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

/* "incidents  ": before what a line of the head says. */
#define HEAD_CELLS 11
/* Below the incidents: what the chosen one waits for, and the keys. */
#define FOOT_LINES 2

static const char top_keys_line[] = "q quits, up and down choose, a acknowledges";

/* ---- lines ---- */

/* One line, cut to the screen. Frees nothing. */
static void add_frame_line(const struct top_view *view, enum screen_style style, const char *text,
			   struct buf *out)
{
	struct buf line = BUF_INIT(LIMIT_TABLE_TEXT_BYTES);

	plain_add(&line, text, view->screen.columns);
	screen_add(&view->screen, style, buf_text(&line), out);
	buf_putc(out, '\n');
	buf_fini(&line);
}

static void add_head_line(const struct top_view *view, const char *name, enum screen_style style,
			  const struct buf *text, struct buf *out)
{
	struct buf line = BUF_INIT(LIMIT_TABLE_TEXT_BYTES);

	cells_pad(&line, name, HEAD_CELLS);
	screen_add(&view->screen, SCREEN_DIM, buf_text(&line), out);
	buf_reset(&line);
	plain_add(&line, buf_text(text), view->screen.columns - HEAD_CELLS);
	screen_add(&view->screen, style, buf_text(&line), out);
	buf_putc(out, '\n');
	buf_fini(&line);
}

/* The name and the address at the left, the clock at the right; before the clock, how old all this
 * is where the relay is away. */
static void add_title_line(const struct top_view *view, struct buf *out)
{
	struct buf left = BUF_INIT(LIMIT_TABLE_TEXT_BYTES), right = BUF_INIT(LIMIT_HELP_BYTES);
	time_t seconds = (time_t)(view->now_us / US_PER_SECOND);
	char age[AGE_WORDS_SIZE], at[16] = "";
	struct tm tm;

	if (view->trouble && view->heard_us)
		buf_printf(&right, "last answer %s ago; trying again   ",
			   age_words(view->now_us - view->heard_us, age));
	else if (view->trouble)
		buf_puts(&right, "no answer yet; trying again   ");
	if (localtime_r(&seconds, &tm))
		strftime(at, sizeof(at), "%H:%M:%S", &tm);
	buf_puts(&right, at);
	size_t wide = right.len < view->screen.columns ? view->screen.columns - right.len : 0;
	CLEANUP_FREE char *name = xasprintf("tracepager %s", view->url);
	cells_pad(&left, name, wide);
	screen_add(&view->screen, SCREEN_BOLD, buf_text(&left), out);
	screen_add(&view->screen, view->trouble ? SCREEN_RED : SCREEN_PLAIN, buf_text(&right), out);
	buf_putc(out, '\n');
	buf_fini(&left);
	buf_fini(&right);
}

/* ---- the head ---- */

static double top_figure(const struct top_view *view, const char *name, const char *labels)
{
	return metrics_sum(view->metrics, name, labels);
}

static void add_incidents_line(const struct top_view *view, struct buf *text, struct buf *out)
{
	bool unreached = false;

	incidents_write_count(view->incidents, text);
	for (size_t i = 0; i < json_array_size(view->incidents); i++)
		unreached |= json_is_true(
			json_object_get(json_array_get(view->incidents, i), "unreached"));
	add_head_line(view, "incidents", unreached ? SCREEN_RED : SCREEN_PLAIN, text, out);
}

static void add_alerts_line(const struct top_view *view, struct buf *text, struct buf *out)
{
	if (view->alerts_of_minute >= 0)
		buf_printf(text, "%.0f a minute, ", view->alerts_of_minute);
	buf_printf(text, "%.0f since the relay's start; %.0f are being looked into",
		   top_figure(view, "tracepager_alerts_total", ""),
		   top_figure(view, "tracepager_queue_depth", "queue=\"alerts\""));
	add_head_line(view, "alerts", SCREEN_PLAIN, text, out);
}

/* When the page that waits longest was made; 0: none waits, or it is not known. */
static int64_t oldest_page_us(const struct top_view *view)
{
	int64_t oldest_us = 0;

	for (size_t i = 0; i < json_array_size(view->pagers); i++) {
		int64_t us = incident_time_us(json_array_get(view->pagers, i), "oldest_at");
		if (us && (!oldest_us || us < oldest_us))
			oldest_us = us;
	}
	return oldest_us;
}

/* "; paused: sre, web": the pagers in that state. How many those are. */
static size_t add_pagers_in(const struct top_view *view, const char *state, struct buf *text)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(view->pagers); i++) {
		const json_t *pager = json_array_get(view->pagers, i);
		if (strcmp(incident_text(pager, "state"), state) != 0)
			continue;
		if (n++)
			buf_puts(text, ", ");
		else
			buf_printf(text, "; %s: ", state);
		plain_add(text, incident_text(pager, "name"), LIMIT_CLIENT_URL_COLUMNS);
	}
	return n;
}

static void add_pages_line(const struct top_view *view, struct buf *text, struct buf *out)
{
	int64_t oldest_us = oldest_page_us(view);
	char age[AGE_WORDS_SIZE];

	buf_printf(text, "%.0f wait",
		   top_figure(view, "tracepager_queue_depth", "queue=\"pages\""));
	if (oldest_us)
		buf_printf(text, ", the oldest for %s", age_words(view->now_us - oldest_us, age));
	size_t stopped = add_pagers_in(view, "paused", text);
	stopped += add_pagers_in(view, "failing", text);
	buf_printf(text, "; %.0f delivered, %.0f rejected",
		   top_figure(view, "tracepager_pages_total", "result=\"delivered\""),
		   top_figure(view, "tracepager_pages_total", "result=\"rejected\""));
	add_head_line(view, "pages", stopped ? SCREEN_YELLOW : SCREEN_PLAIN, text, out);
}

static void add_store_line(const struct top_view *view, struct buf *text, struct buf *out)
{
	double failed = top_figure(view, "tracepager_store_commits_total", "result=\"failed\"");

	buf_printf(text, "%.0f writes wait, %.0f commits failed",
		   top_figure(view, "tracepager_queue_depth", "queue=\"store\""), failed);
	add_head_line(view, "store", failed > 0 ? SCREEN_RED : SCREEN_PLAIN, text, out);
}

static void add_rules_line(const struct top_view *view, struct buf *text, struct buf *out)
{
	double at_s =
		top_figure(view, "tracepager_rules_last_reload_success_timestamp_seconds", "");
	bool loaded = top_figure(view, "tracepager_rules_last_reload_successful", "") > 0;
	char age[AGE_WORDS_SIZE];

	age_words(view->now_us - (int64_t)(at_s * (double)US_PER_SECOND), age);
	if (loaded)
		buf_printf(text, "loaded %s ago", age);
	else
		buf_printf(text, "the last reload failed; those of %s ago are in force", age);
	add_head_line(view, "rules", loaded ? SCREEN_PLAIN : SCREEN_RED, text, out);
}

static void add_head(const struct top_view *view, struct buf *out)
{
	static void (*const of_metrics[])(const struct top_view *, struct buf *,
					  struct buf *) = { add_alerts_line, add_pages_line,
							    add_store_line, add_rules_line };
	struct buf text = BUF_INIT(LIMIT_TABLE_TEXT_BYTES);

	add_title_line(view, out);
	if (view->trouble)
		add_frame_line(view, SCREEN_RED, view->trouble, out);
	if (view->incidents)
		add_incidents_line(view, &text, out);
	for (size_t i = 0; view->metrics && i < ARRAY_LEN(of_metrics); i++) {
		buf_reset(&text);
		of_metrics[i](view, &text, out);
	}
	buf_putc(out, '\n');
	buf_fini(&text);
}

/* ---- the foot ---- */

static void add_chosen_recipients(const json_t *incident, struct buf *text)
{
	const json_t *recipients = json_object_get(incident, "recipients");

	for (size_t i = 0; i < json_array_size(recipients); i++) {
		const json_t *recipient = json_array_get(recipients, i);
		buf_printf(text, "%s%s %s",
			   i	       ? ", "
			   : text->len ? "; "
				       : "",
			   incident_text(recipient, "pager"), incident_text(recipient, "state"));
	}
}

/* "a1b2c3d4: next step in 8 min; ledger-pd reached, sre refused" */
static void add_chosen_line(const struct top_view *view, struct buf *out)
{
	const json_t *incident = json_array_get(view->incidents, view->selected);
	struct buf text = BUF_INIT(LIMIT_TABLE_TEXT_BYTES);
	int64_t due_us = incident_time_us(incident, "due_at");
	const char *state = incident_text(incident, "state"),
		   *who = incident_text(incident, "acknowledged_by");
	char wait[AGE_WORDS_SIZE];

	if (!incident) {
		buf_putc(out, '\n');
		return;
	}
	if (*who)
		buf_printf(&text, "acknowledged by %s", who);
	else if (*incident_text(incident, "silenced"))
		buf_printf(&text, "silenced by silence %s", incident_text(incident, "silenced"));
	else if (due_us && strcmp(state, "open") == 0)
		buf_printf(&text, "next step in %s", age_words(due_us - view->now_us, wait));
	else if (due_us && strcmp(state, "holding") == 0)
		buf_printf(&text, "resolves in %s", age_words(due_us - view->now_us, wait));
	add_chosen_recipients(incident, &text);
	CLEANUP_FREE char *line =
		xasprintf("%.*s%s%s", (int)incidents_id_cells(view->incidents),
			  incident_text(incident, "id"), text.len ? ": " : "", buf_text(&text));
	add_frame_line(view, SCREEN_PLAIN, line, out);
	buf_fini(&text);
}

/* ---- the whole ---- */

static size_t count_lines(const struct buf *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += text->data[i] == '\n';
	return n;
}

/* The incidents from the first one that is shown, as many as have a row. Caller json_decref()s. */
static json_t *shown_incidents(const struct top_view *view, size_t rows, size_t *ret_first)
{
	json_t *shown = json_array();

	*ret_first = view->selected >= rows ? view->selected + 1 - rows : 0;
	for (size_t i = 0; i < rows; i++)
		json_array_append(shown, json_array_get(view->incidents, *ret_first + i));
	return shown;
}

static void add_rows(const struct top_view *view, size_t rows, struct buf *out)
{
	size_t first;
	json_t *shown = shown_incidents(view, rows, &first);

	if (json_array_size(shown))
		incidents_write_table(shown, &view->screen, view->now_us,
				      view->lines ? view->selected - first + 1 : 0, out);
	json_decref(shown);
}

/* Adds the first lines of a text, and empty ones up to that many. */
static void add_lines(const struct buf *text, size_t lines, struct buf *out)
{
	const char *at = buf_text(text);

	for (; lines; lines--) {
		size_t len = strcspn(at, "\n");
		buf_add(out, at, len);
		buf_putc(out, '\n');
		at += len + (at[len] == '\n');
	}
}

void top_write_frame(const struct top_view *view, struct buf *out)
{
	struct buf body = BUF_INIT(out->cap);

	add_head(view, &body);
	if (!view->lines) {
		add_rows(view, json_array_size(view->incidents), &body);
		buf_add(out, buf_text(&body), body.len);
		buf_fini(&body);
		return;
	}
	size_t room = view->lines > FOOT_LINES ? view->lines - FOOT_LINES : 0;
	size_t used = count_lines(&body) + 1; /* and the titles */
	add_rows(view, room > used ? room - used : 0, &body);
	add_lines(&body, room, out);
	if (view->lines >= FOOT_LINES)
		add_chosen_line(view, out);
	add_frame_line(view, view->message ? SCREEN_BOLD : SCREEN_DIM,
		       view->message ? view->message : top_keys_line, out);
	buf_fini(&body);
}
