/*
 * tracepager audit --pages: reads the outcomes of decisions and the stories of incidents from the
 * store, beside a running relay, and prints what people answered. Owns nothing.
 */
#include "audit_pages-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "output-internal.h"
#include "usage-internal.h"
#include "tracepager/clock.h"
#include "tracepager/pack.h"
#include "tracepager/xalloc.h"

/* A decision that cannot be read has no rule and no kind: the pages are counted without it. */
static void count_outcome(struct page_count *count, const struct past *past)
{
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	struct buf doc = BUF_INIT(LIMIT_DECISION_BYTES);
	struct outcome outcome;
	struct err err = { 0 };

	if (pack_open(past->decision.data, past->decision.len, &doc, &err) == 0 &&
	    outcome_read(arena, buf_text(&doc), doc.len, &outcome, &err) == 0)
		page_count_decision(count, past->incident, past->team, &outcome);
	buf_fini(&doc);
	arena_free(arena);
}

static void count_event(void *ctx, const struct past_event *event)
{
	page_count_event(ctx, event);
}

int audit_pages_read(struct history *history, int64_t since_us, struct page_count *count,
		     struct err *err)
{
	struct past past;
	int64_t pos = 0;
	int result;

	while ((result = history_next_outcome(history, since_us, INT64_MAX, &pos, &past, err)) >
	       0) {
		count_outcome(count, &past);
		past_fini(&past);
	}
	if (result == 0)
		result = history_events(history, since_us, count_event, count, err);
	if (result == 0)
		page_count_finish(count);
	return result;
}

/* A store that is younger than the period did not page before it was made. */
static int set_period(struct history *history, int64_t since_us, int64_t now_us,
		      struct pages_period *ret_period, struct err *err)
{
	int64_t began_us = now_us;
	int result = history_began(history, &began_us, err);

	if (began_us > since_us)
		since_us = began_us;
	*ret_period = (struct pages_period){ .since_us = since_us, .until_us = now_us };
	ret_period->days = (double)(now_us - since_us) / US_PER_DAY;
	if (ret_period->days < 1)
		ret_period->days = 1;
	return result;
}

int audit_pages_print(struct history *history, const struct page_count *count, int64_t since_us,
		      int64_t now_us, enum table_format format)
{
	struct screen screen = { .columns = LIMIT_TERMINAL_COLUMNS };
	struct buf out = BUF_INIT(LIMIT_AUDIT_REPORT_BYTES);
	struct pages_period period;
	struct err err = { 0 };

	if (set_period(history, since_us, now_us, &period, &err) < 0)
		return command_failed(STATUS_USAGE, "audit", "%s", err.text);
	if (format == TABLE_TEXT)
		screen_look(&screen);
	if (format == TABLE_JSON)
		pages_report_json(count, &period, &out);
	else
		pages_report_text(count, &period, &screen, format == TABLE_MARKDOWN, &out);
	int error = screen_print(&screen, &out);
	buf_fini(&out);
	return error ? command_failed(STATUS_USAGE, "audit", "cannot write the report: %s",
				      strerror(-error))
		     : 0;
}
