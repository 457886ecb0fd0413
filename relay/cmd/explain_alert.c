/* Explain, alert: see explain_alert-internal.h. */
#include "explain_alert-internal.h"

#include <string.h>

#include "wrap-internal.h"
#include "tracepager/alert_mapping.h"
#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/locate.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#define READING_FIELD_COLUMNS 14
/* Of one text of the alert: its beginning tells which one it is. */
#define READING_TEXT_COLUMNS 1000
#define READING_TRACES	     4

int explain_alert_read(struct explain_alert *reading, struct arena *arena, const struct buf *text,
		       struct err *err)
{
	const bool declared = reading->format != FORMAT_AUTO && !reading->mapping;
	struct alert_body body = { .text = buf_text(text),
				   .len = text->len,
				   .sender = reading->sender,
				   .mapping = reading->mapping,
				   .now_us = clock_wall_us(clock_system()),
				   .why = reading->tells_places ? &reading->why : NULL };

	buf_init(&reading->why, LIMIT_EXPLAIN_FILE_BYTES);
	reading->read_as = reading->mapping ? alert_formats[FORMAT_GENERIC]
			   : declared	    ? alert_formats[reading->format]
					    : alert_format_recognise(body.text, body.len);
	return declared ? reading->read_as->parse(arena, &body, &reading->batch, err)
			: alert_parse_any(arena, &body, &reading->batch, err);
}

void explain_alert_fini(struct explain_alert *reading)
{
	buf_fini(&reading->why);
}

/* ---- what an alert says ---- */

/* What is shown of one alert, in texts. The arena's. */
struct reading_facts {
	const char *identity, *severity, *service, *operation, *from;
	/* A service that a job or component names; it counts where a source has it. */
	const char *perhaps;
	const char *starts_at, *ends_at; /* NULL: not told */
	const char *traces[READING_TRACES];
	size_t ntraces;
	bool tells_severity;
};

static const char *reading_time(struct arena *arena, int64_t us)
{
	char text[RFC3339_SIZE];

	return us ? arena_strdup(arena, rfc3339_format(us, text)) : NULL;
}

static bool reading_any_service(void *ctx, const char *service)
{
	(void)ctx;
	(void)service;
	return true;
}

static struct reading_facts reading_facts_of(struct arena *arena, const struct alert *alert)
{
	struct signal signal;
	enum severity severity = alert_severity(alert);
	struct reading_facts facts = {
		.identity = arena_printf(arena, "%s/%s", alert->family, alert->fingerprint),
		.severity = severity_name(severity),
		.tells_severity = alert_tells_severity(alert, &severity),
		.starts_at = reading_time(arena, alert->starts_at_us),
		.ends_at = reading_time(arena, alert->ends_at_us),
	};

	if (decide_signal(arena, alert, NULL, NULL, NULL, NULL, &signal, NULL)) {
		facts.service = signal.service;
		facts.operation = signal.operation;
		facts.from = signal.from;
	} else if (decide_signal(arena, alert, NULL, reading_any_service, NULL, NULL, &signal,
				 NULL))
		facts.perhaps = signal.service;
	facts.ntraces = locate_trace_ids(arena, alert, facts.traces, READING_TRACES);
	return facts;
}

/* NULL: none, or its format has one. */
static const char *reading_mapping(const struct explain_alert *reading)
{
	if (!reading->mapping)
		return NULL;
	return mapping_shipped(reading->mapping->name) == reading->mapping ? reading->mapping->name
									   : "the sender's own";
}

/* ---- as text ---- */

struct reading_text {
	const struct explain_text_options *options;
	struct buf *out;
};

/* A field and its text, made plain and wrapped. */
static void reading_row(const struct reading_text *text, const char *field, const char *value)
{
	struct buf plain = BUF_INIT(8 * READING_TEXT_COLUMNS);
	const size_t room = text->options->columns > READING_FIELD_COLUMNS + 20
				    ? text->options->columns - READING_FIELD_COLUMNS
				    : 20;

	plain_add(&plain, value, READING_TEXT_COLUMNS);
	const char *at = buf_text(&plain);
	size_t left = plain.len;
	buf_printf(text->out, "%-*s", READING_FIELD_COLUMNS, field);
	do {
		/* A link stays whole: a terminal lets a person follow it. */
		const size_t n = strncmp(value, "http", 4) == 0 ? left : wrap_bytes(at, left, room);
		buf_add(text->out, at, n);
		buf_putc(text->out, '\n');
		at += n;
		left -= n;
		for (; left && *at == ' '; left--)
			at++;
		if (left)
			buf_printf(text->out, "%*s", READING_FIELD_COLUMNS, "");
	} while (left);
	buf_fini(&plain);
}

static void reading_rows(const struct reading_text *text, const char *field,
			 const struct labels *labels)
{
	struct buf pair = BUF_INIT(LIMIT_ALERT_BYTES + LIMIT_ALERT_NOTE_BYTES);

	for (size_t i = 0; i < labels->n; i++) {
		buf_reset(&pair);
		buf_printf(&pair, "%s: %s", labels->at[i].name, labels->at[i].value);
		reading_row(text, i ? "" : field, buf_text(&pair));
	}
	buf_fini(&pair);
}

static void reading_write_service(const struct reading_text *text, struct arena *arena,
				  const struct reading_facts *facts)
{
	const bool has_service = facts->service && *facts->service;

	if (!facts->from) {
		reading_row(
			text, "service",
			facts->perhaps
				? arena_printf(arena, "%s, where a source knows it", facts->perhaps)
				: "none is named; a rule under signals: may say which one it "
				  "is");
		return;
	}
	reading_row(
		text, "service",
		arena_printf(arena, "%s (from %s)", has_service ? facts->service : "any",
			     strcmp(facts->from, "label") == 0 ? "the labels" : "the expression"));
	if (facts->operation && *facts->operation)
		reading_row(text, "operation", facts->operation);
}

static void reading_write_alert(const struct reading_text *text, const struct alert *alert)
{
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	const struct reading_facts facts = reading_facts_of(arena, alert);

	reading_row(text, "identity", facts.identity);
	reading_row(text, "status", alert->status == ALERT_FIRING ? "firing" : "resolved");
	reading_row(text, "severity",
		    facts.tells_severity
			    ? facts.severity
			    : arena_printf(arena, "%s, as of every alert that tells none",
					   facts.severity));
	reading_write_service(text, arena, &facts);
	reading_row(text, "starts at", facts.starts_at ? facts.starts_at : "not told");
	reading_row(text, "ends at", facts.ends_at ? facts.ends_at : "not told");
	for (size_t i = 0; i < facts.ntraces; i++)
		reading_row(text, i ? "" : "trace", facts.traces[i]);
	if (!facts.ntraces)
		reading_row(text, "trace", "none is named; the sources are searched");
	if (*alert->generator_url)
		reading_row(text, "link", alert->generator_url);
	reading_rows(text, "labels", &alert->labels);
	reading_rows(text, "annotations", &alert->annotations);
	arena_free(arena);
}

/* The lines that a mapping has told, each made plain. */
static void reading_write_places(const struct reading_text *text, struct buf *line, const char *why)
{
	const char *field = "places";

	for (; *why; field = "") {
		const size_t len = strcspn(why, "\n");
		buf_reset(line);
		buf_add(line, why, len);
		if (len)
			reading_row(text, field, buf_text(line));
		else
			buf_putc(text->out, '\n');
		why += len + (why[len] == '\n');
	}
}

static void reading_write_head(const struct explain_alert *reading, const struct reading_text *text)
{
	struct buf head = BUF_INIT(LIMIT_ALERT_NOTE_BYTES);
	const struct alert_batch *batch = &reading->batch;

	if (reading->read_as)
		buf_printf(&head, "%s: %s", reading->read_as->name, reading->read_as->text);
	else
		buf_puts(&head, batch->nalerts ? "a single alert, as a webhook of Alertmanager has "
						 "it"
					       : "not recognised");
	if (reading->mapping)
		buf_printf(&head, "; mapping: %s", reading_mapping(reading));
	reading_row(text, "format", buf_text(&head));
	if (reading->sender)
		reading_row(text, "sender", reading->sender);
	if (batch->group_key)
		reading_row(text, "group", batch->group_key);
	if (batch->ignored)
		reading_row(text, "pages nobody", batch->ignored);
	for (size_t i = 0; i < batch->nrefused; i++)
		reading_row(text, i ? "" : "refused", batch->refused[i].text);
	for (size_t i = 0; i < batch->ncut; i++)
		reading_row(text, i ? "" : "cut", batch->cut[i].text);
	buf_fini(&head);
}

void explain_alert_write(const struct explain_alert *reading,
			 const struct explain_text_options *options, struct buf *out)
{
	const struct reading_text text = { .options = options, .out = out };
	struct buf line = BUF_INIT(LIMIT_EXPLAIN_FILE_BYTES);

	reading_write_head(reading, &text);
	for (size_t i = 0; i < reading->batch.nalerts; i++) {
		buf_printf(out, "\nAlert %zu of %zu\n", i + 1, reading->batch.nalerts);
		reading_write_alert(&text, &reading->batch.alerts[i]);
	}
	if (reading->why.len) {
		buf_puts(out, "\nWhere the mapping looked\n");
		reading_write_places(&text, &line, buf_text(&reading->why));
	}
	buf_fini(&line);
}

/* ---- as JSON ---- */

static void reading_write_alert_json(const struct alert *alert, struct buf *out)
{
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	const struct reading_facts facts = reading_facts_of(arena, alert);

	buf_putc(out, '{');
	buf_json_text(out, "identity", facts.identity);
	buf_json_text(out, "status", alert->status == ALERT_FIRING ? "firing" : "resolved");
	buf_json_text(out, "severity", facts.severity);
	buf_json_text(out, "service", facts.service && *facts.service ? facts.service : NULL);
	buf_json_text(out, "operation",
		      facts.operation && *facts.operation ? facts.operation : NULL);
	buf_json_text(out, "from", facts.from);
	buf_json_text(out, "starts_at", facts.starts_at);
	buf_json_text(out, "ends_at", facts.ends_at);
	buf_json_key(out, "trace_ids");
	buf_putc(out, '[');
	for (size_t i = 0; i < facts.ntraces; i++) {
		buf_puts(out, i ? "," : "");
		buf_json_string(out, facts.traces[i]);
	}
	buf_putc(out, ']');
	buf_json_key(out, "alert");
	alert_write(alert, out);
	buf_putc(out, '}');
	arena_free(arena);
}

static void reading_write_notes_json(const char *key, const struct alert_note *notes, size_t n,
				     struct buf *out)
{
	buf_json_key(out, key);
	buf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i ? "," : "");
		buf_json_string(out, notes[i].text);
	}
	buf_putc(out, ']');
}

void explain_alert_write_json(const struct explain_alert *reading, struct buf *out)
{
	const struct alert_batch *batch = &reading->batch;
	const char *why = buf_text(&reading->why);

	buf_putc(out, '{');
	buf_json_text(out, "format", reading->read_as ? reading->read_as->name : NULL);
	buf_json_text(out, "mapping", reading_mapping(reading));
	buf_json_text(out, "sender", reading->sender);
	buf_json_text(out, "group", batch->group_key);
	buf_json_text(out, "ignored", batch->ignored);
	reading_write_notes_json("refused", batch->refused, batch->nrefused, out);
	reading_write_notes_json("cut", batch->cut, batch->ncut, out);
	buf_json_key(out, "alerts");
	buf_putc(out, '[');
	for (size_t i = 0; i < batch->nalerts; i++) {
		buf_puts(out, i ? "," : "");
		reading_write_alert_json(&batch->alerts[i], out);
	}
	buf_putc(out, ']');
	buf_json_key(out, "why");
	buf_putc(out, '[');
	for (bool first = true; *why; first = false) {
		const size_t len = strcspn(why, "\n");
		buf_puts(out, first ? "" : ",");
		buf_json_stringn(out, why, len);
		why += len + (why[len] == '\n');
	}
	buf_puts(out, "]}\n");
}
