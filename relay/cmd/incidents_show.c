/* Incidents, show: one incident and its story. See incidents-internal.h. */
#include "incidents-internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tracepager/act.h"
#include "tracepager/cells.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

/* "  who has it  ": before the text of a field. */
#define FIELD_CELLS 14
/* "  08:41:03  acknowledged  ": before what an event says. */
#define EVENT_CELLS	 26
#define EVENT_NAME_CELLS 12
/* Of a page's waterfall. */
#define WATERFALL_CELLS 72

/* What the writers of one incident share. */
struct incident_text {
	const json_t *incident;
	const struct screen *screen;
	int64_t now_us;
	struct buf *out;
};

/* ---- times, in the local time zone ---- */

enum local_form {
	LOCAL_DAY,  /* "2026-11-29" */
	LOCAL_TIME, /* "08:48:00" */
	LOCAL_BOTH, /* and the zone */
};

static const char *local_time(int64_t us, enum local_form form, char out[64])
{
	time_t seconds = (time_t)(us / US_PER_SECOND);
	struct tm tm;

	*out = '\0';
	if (!localtime_r(&seconds, &tm))
		return out;
	if (form == LOCAL_DAY)
		strftime(out, 64, "%Y-%m-%d", &tm);
	else if (form == LOCAL_TIME)
		strftime(out, 64, "%H:%M:%S", &tm);
	else
		strftime(out, 64, "%Y-%m-%d %H:%M:%S %Z", &tm);
	return out;
}

/* ---- fields ---- */

/* A field of one paragraph; nothing where there is no text. */
static void incident_add_field(const struct incident_text *t, const char *name, const char *text)
{
	if (!*text)
		return;
	buf_puts(t->out, "  ");
	cells_pad(t->out, name, FIELD_CELLS - 2);
	screen_add_wrapped(t->screen, SCREEN_PLAIN, text, FIELD_CELLS, FIELD_CELLS, t->out);
}

/* "2026-11-29 08:48:00 UTC, 12 min ago" */
static void add_past_field(const struct incident_text *t, const char *name, const char *member)
{
	int64_t us = incident_time_us(t->incident, member);
	char date[64], age[AGE_WORDS_SIZE];

	if (!us)
		return;
	CLEANUP_FREE char *text = xasprintf("%s, %s ago", local_time(us, LOCAL_BOTH, date),
					    age_words(t->now_us - us, age));
	incident_add_field(t, name, text);
}

static bool incident_is(const struct incident_text *t, const char *state)
{
	return strcmp(incident_text(t->incident, "state"), state) == 0;
}

/* When somebody acknowledged last; 0: nobody, or it is not told. */
static int64_t acknowledged_us(const struct incident_text *t)
{
	const json_t *events = json_object_get(t->incident, "events");
	int64_t us = 0;

	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);
		if (strcmp(incident_text(event, "event"), "acknowledged") == 0)
			us = incident_time_us(event, "at");
	}
	return us;
}

static void add_who_field(const struct incident_text *t)
{
	const char *who = incident_text(t->incident, "acknowledged_by");

	if (*who) {
		int64_t us = acknowledged_us(t);
		char age[AGE_WORDS_SIZE];
		CLEANUP_FREE char *text =
			us ? xasprintf("%s, for %s", who, age_words(t->now_us - us, age))
			   : xstrdup(who);
		incident_add_field(t, "who has it", text);
	} else if (incident_is(t, "open")) {
		bool unreached = json_is_true(json_object_get(t->incident, "unreached"));
		incident_add_field(t, "who has it",
				   unreached ? "nobody: no pager has taken its page yet"
					     : "nobody yet");
	}
}

/* An id, or a place in the rules. */
static void add_silence_field(const struct incident_text *t)
{
	const char *silence = incident_text(t->incident, "silenced");
	CLEANUP_FREE char *text =
		xasprintf("by silence %s: no step and no update leave until it ends", silence);

	if (*silence)
		incident_add_field(t, "silenced", text);
}

static void add_escalation_field(const struct incident_text *t)
{
	const json_t *run = json_object_get(t->incident, "run"),
		     *step = json_object_get(t->incident, "step");
	const char *name = incident_text(t->incident, "escalation");

	if (!*name)
		return;
	CLEANUP_FREE char *where =
		json_is_integer(run) && json_is_integer(step)
			? xasprintf(": run %lld, step %lld", (long long)json_integer_value(run),
				    (long long)json_integer_value(step))
			: xstrdup("");
	CLEANUP_FREE char *text = xasprintf("%s%s", name, where);
	incident_add_field(t, "escalation", text);
}

/* ": pages ledger-lead": what the next step does, behind its time; "": it is not told. */
static const char *next_step_text(const struct incident_text *t)
{
	const char *text = strstr(incident_text(t->incident, "escalates"), ": ");

	return text ? text : "";
}

/* What the deadline of the incident's state is, and what happens then. */
static void add_due_field(const struct incident_text *t)
{
	static const struct {
		const char *state, *name, *then;
	} dues[] = {
		{ "open", "next step", NULL },
		{ "acknowledged", "until", "; then it is open again" },
		{ "holding", "resolves", "" },
	};
	int64_t due_us = incident_time_us(t->incident, "due_at");
	char at[64], wait[AGE_WORDS_SIZE];

	for (size_t i = 0; due_us && i < ARRAY_LEN(dues); i++) {
		if (!incident_is(t, dues[i].state))
			continue;
		bool now = due_us <= t->now_us;
		CLEANUP_FREE char *text = xasprintf(
			"%s, %s%s%s", local_time(due_us, LOCAL_TIME, at), now ? "" : "in ",
			now ? "now" : age_words(due_us - t->now_us, wait),
			dues[i].then ? dues[i].then : next_step_text(t));
		incident_add_field(t, dues[i].name, text);
	}
}

static void add_alerts_field(const struct incident_text *t)
{
	const json_t *alerts = json_object_get(t->incident, "alerts"),
		     *firing = json_object_get(t->incident, "firing");

	if (!json_is_integer(alerts) || !json_is_integer(firing))
		return;
	long long n = json_integer_value(alerts), of = json_integer_value(firing);
	CLEANUP_FREE char *text =
		n == 1 ? xasprintf("1, which %s", of ? "fires" : "has ended")
		       : xasprintf("%lld, of which %lld %s", n, of, of == 1 ? "fires" : "fire");
	incident_add_field(t, "alerts", text);
}

static void add_fields(const struct incident_text *t)
{
	static const struct {
		const char *name, *member;
	} facts[] = {
		{ "where", "environment" },
		{ "instance", "instance" },
		{ "path", "path" },
		{ "why", "banner" },
		{ "why them", "why" },
		{ "how sure", "evidence" },
		{ "but", "limits" },
		{ "could be", "could_be" },
		{ "differs", "what_differs" },
		{ "budget", "burn" },
		{ "labels", "labels" },
		{ "what to do", "what_to_do" },
		{ "moved to", "moved_to" },
	};

	incident_add_field(t, "incident", incident_text(t->incident, "id"));
	add_past_field(t, "opened", "opened_at");
	add_past_field(t, "closed", "closed_at");
	incident_add_field(t, "team", incident_text(t->incident, "team"));
	add_who_field(t);
	add_silence_field(t);
	add_escalation_field(t);
	add_due_field(t);
	add_alerts_field(t);
	add_past_field(t, "since", "since");
	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		incident_add_field(t, facts[i].name, incident_text(t->incident, facts[i].member));
}

/* ---- lists ---- */

static void add_recipients(const struct incident_text *t)
{
	static const struct table_column columns[] = { { "PAGER", 32 },
						       { "STATE", 12 },
						       { "ROLE", 0 } };
	const json_t *recipients = json_object_get(t->incident, "recipients");
	struct table table;

	if (!json_array_size(recipients))
		return;
	table_init(&table, columns, ARRAY_LEN(columns));
	table.wraps = true;
	for (size_t i = 0; i < json_array_size(recipients); i++) {
		const json_t *recipient = json_array_get(recipients, i);
		long long n = json_integer_value(json_object_get(recipient, "n"));
		const char *role = incident_text(recipient, "role");
		const char *error = incident_text(recipient, "error");
		CLEANUP_FREE char *times = n > 1 ? xasprintf(", paged %lld times", n) : xstrdup("");
		CLEANUP_FREE char *text =
			xasprintf("%s%s%s%s", role, times, *error ? "; last try: " : "", error);
		table_add(&table, SCREEN_PLAIN, incident_text(recipient, "pager"));
		table_add(&table, SCREEN_PLAIN, incident_text(recipient, "state"));
		table_add(&table, SCREEN_PLAIN, text);
	}
	buf_putc(t->out, '\n');
	table_write(&table, t->screen, t->out);
	table_fini(&table);
}

static void incident_add_event(const struct incident_text *t, const json_t *event)
{
	const char *who = incident_text(event, "who"), *name = incident_text(event, "event"), *text,
		   *way = act_way(name, incident_text(event, "text"), &text);
	int64_t at_us = incident_time_us(event, "at");
	char at[64];

	CLEANUP_FREE char *by = xasprintf("%s%s%s", who, *who && way ? " " : "", way ? way : "");
	CLEANUP_FREE char *says = xasprintf("%s%s%s", by, *by && *text ? ": " : "", text);
	buf_printf(t->out, "  %s  ", local_time(at_us, LOCAL_TIME, at));
	if (*says)
		cells_pad(t->out, name, EVENT_NAME_CELLS);
	else
		cells_add(t->out, name, EVENT_NAME_CELLS);
	buf_puts(t->out, *says ? "  " : "\n");
	if (*says)
		screen_add_wrapped(t->screen, SCREEN_PLAIN, says, EVENT_CELLS, EVENT_CELLS, t->out);
}

static void add_story(const struct incident_text *t)
{
	const json_t *events = json_object_get(t->incident, "events");
	char day[64], before[64];

	local_time(incident_time_us(t->incident, "opened_at"), LOCAL_DAY, before);
	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);
		if (!*incident_text(event, "event"))
			continue;
		if (i == 0)
			buf_putc(t->out, '\n');
		local_time(incident_time_us(event, "at"), LOCAL_DAY, day);
		if (strcmp(day, before) != 0)
			buf_printf(t->out, "%s\n", day);
		memcpy(before, day, sizeof(before));
		incident_add_event(t, event);
	}
}

/* A line that is drawn: its blanks stay, what is between them is made plain. */
static void add_drawn_line(const char *line, size_t len, struct buf *out)
{
	while (len) {
		size_t blanks = strspn(line, " "), n = strcspn(line, " \n");
		if (blanks) {
			buf_printf(out, "%*s", (int)blanks, "");
			n = blanks;
		} else {
			CLEANUP_FREE char *word = xstrndup(line, n);
			plain_add(out, word, WATERFALL_CELLS);
		}
		line += n;
		len -= n;
	}
}

/* Where the screen is too narrow it is left out: a line that is cut shows nothing. */
static void add_waterfall(const struct incident_text *t)
{
	const char *line = incident_text(t->incident, "waterfall");

	if (!*line || t->screen->columns < WATERFALL_CELLS + 2)
		return;
	buf_putc(t->out, '\n');
	while (*line) {
		size_t len = strcspn(line, "\n");
		buf_puts(t->out, "  ");
		add_drawn_line(line, len, t->out);
		buf_putc(t->out, '\n');
		line += len + (line[len] == '\n');
	}
}

/* An address is never cut nor wrapped: it is copied whole. */
static void incident_add_links(const struct incident_text *t)
{
	const json_t *links = json_object_get(t->incident, "links");
	const char *before = "\n";

	for (size_t i = 0; i < json_array_size(links); i++) {
		const json_t *link = json_array_get(links, i);
		if (!*incident_text(link, "href"))
			continue;
		buf_printf(t->out, "%s  ", before);
		cells_pad(t->out, incident_text(link, "text"), FIELD_CELLS - 4);
		buf_puts(t->out, "  ");
		plain_add(t->out, incident_text(link, "href"), LIMIT_HREF_BYTES);
		buf_putc(t->out, '\n');
		before = "";
	}
}

void incident_write(const json_t *incident, const struct screen *screen, int64_t now_us,
		    struct buf *out)
{
	const struct incident_text t = {
		.incident = incident, .screen = screen, .now_us = now_us, .out = out
	};
	CLEANUP_FREE char *headline =
		xasprintf("%s, %s: %s", incident_text(incident, "severity"),
			  incident_text(incident, "state"), incident_text(incident, "summary"));

	screen_add_wrapped(screen, SCREEN_BOLD, headline, 0, 0, out);
	buf_putc(out, '\n');
	add_fields(&t);
	add_waterfall(&t);
	add_recipients(&t);
	add_story(&t);
	incident_add_links(&t);
}
