/*
 * Page: its stored form, one JSON object. Reading refuses anything but an object with an incident
 * in it. Unknown members are skipped, so that an older relay reads what a newer one stored.
 */
#include "tracepager/page.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/pack.h"
#include "tracepager/xalloc.h"

static const char *const event_names[] = {
	[PAGE_TRIGGER] = "page.trigger",
	[PAGE_UPDATE] = "page.update",
	[PAGE_RESOLVE] = "page.resolve",
	[PAGE_NOTICE] = "page.update",
};

const char *page_event_name(enum page_event event)
{
	return (size_t)event < ARRAY_LEN(event_names) ? event_names[event] : "page.unknown";
}

/* The members that are plain texts, for writing and for reading. */
static const struct {
	const char *name;
	size_t offset;
	bool optional; /* NULL is kept as null, and is not "" */
	bool decided;  /* the decision gives it; it stands in the incident's page alone */
	bool left_out; /* instead of null nothing is written */
} text_members[] = {
	{ "incident", offsetof(struct page, incident), false, false, false },
	{ "dedup_key", offsetof(struct page, dedup_key), false, false, false },
	{ "summary", offsetof(struct page, summary), false, false, false },
	{ "details", offsetof(struct page, details), false, true, false },
	{ "component", offsetof(struct page, component), false, true, false },
	{ "origin", offsetof(struct page, origin), false, true, false },
	{ "group", offsetof(struct page, group), false, false, false },
	{ "kind", offsetof(struct page, kind), false, true, false },
	{ "status", offsetof(struct page, status), false, false, false },
	{ "note", offsetof(struct page, note), true, false, false },
	{ "decision", offsetof(struct page, decision), true, true, false },
	{ "state", offsetof(struct page, state), true, false, false },
	{ "moved_to", offsetof(struct page, moved_to), true, false, false },
	{ "moved_to_team", offsetof(struct page, moved_to_team), true, false, false },
	{ "alert_list", offsetof(struct page, alert_list), true, false, false },
	{ "environment", offsetof(struct page, environment), false, true, false },
	{ "instance", offsetof(struct page, instance), false, false, false },
	{ "labels", offsetof(struct page, labels), false, false, false },
	{ "burn", offsetof(struct page, burn), true, false, true },
	{ "differs", offsetof(struct page, differs), false, false, false },
	{ "what_to_do", offsetof(struct page, what_to_do), false, false, false },
	{ "also_paged", offsetof(struct page, also_paged), false, false, false },
	{ "banner", offsetof(struct page, banner), false, false, false },
	{ "why", offsetof(struct page, why), false, false, false },
	{ "evidence", offsetof(struct page, evidence), false, true, false },
	{ "limits", offsetof(struct page, limits), false, true, false },
	{ "path", offsetof(struct page, path), false, true, false },
	{ "what_differs", offsetof(struct page, what_differs), false, true, false },
	{ "could_be", offsetof(struct page, could_be), false, true, false },
	{ "waterfall", offsetof(struct page, waterfall), false, true, false },
	{ "reasons", offsetof(struct page, reasons), false, true, false },
	{ "alert_says", offsetof(struct page, alert_says), false, true, false },
	{ "next_owners", offsetof(struct page, next_owners), true, true, false },
	{ "urgency", offsetof(struct page, urgency), true, false, false },
	{ "act", offsetof(struct page, act), true, false, false },
	{ "acked_by", offsetof(struct page, acked_by), true, false, false },
	{ "act_href", offsetof(struct page, act_href), true, false, false },
	{ "escalates", offsetof(struct page, escalates), true, false, false },
	{ "trace", offsetof(struct page, trace), true, false, true },
};

static const char *text_get(const struct page *page, size_t i)
{
	const char *text;

	memcpy(&text, (const char *)page + text_members[i].offset, sizeof(text));
	return !text && !text_members[i].optional ? "" : text;
}

static void text_set(struct page *page, size_t i, const char *text)
{
	memcpy((char *)page + text_members[i].offset, &text, sizeof(text));
}

void page_write_links(const struct page *page, struct buf *out)
{
	buf_json_key(out, "links");
	buf_putc(out, '[');
	for (size_t i = 0; i < page->nlinks; i++) {
		buf_puts(out, i > 0 ? ",{" : "{");
		buf_json_text(out, "text", page->links[i].text);
		buf_json_text(out, "href", page->links[i].href);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

void page_write_alerts(const struct page *page, struct buf *out)
{
	buf_json_key(out, "alerts");
	buf_putc(out, '[');
	for (size_t i = 0; i < page->nalerts; i++) {
		if (i > 0)
			buf_putc(out, ',');
		buf_json_string(out, page->alerts[i]);
	}
	buf_putc(out, ']');
}

/* ---- the sections as one text ---- */

static void details_add_line(struct buf *out, const char *title, const char *text)
{
	if (text && *text)
		buf_printf(out, "%s%s\n", title, text);
}

/* Below an empty line: a heading, and the lines of the text, below a heading after two blanks. */
static void details_add_lines(struct buf *out, const char *heading, const char *text)
{
	if (!text || !*text)
		return;
	buf_puts(out, out->len ? "\n" : "");
	buf_puts(out, heading);
	while (*text) {
		size_t len = strcspn(text, "\n");
		buf_puts(out, *heading ? "  " : "");
		buf_add(out, text, len);
		buf_putc(out, '\n');
		text += len + (text[len] == '\n');
	}
}

void page_write_details(const struct page *page, struct buf *out)
{
	if (!page_has_sections(page)) {
		buf_puts(out, page->details);
		return;
	}
	details_add_line(out, "What is new: ", page->note);
	details_add_line(out, "", page->banner);
	details_add_line(out, "Why you: ", page->why);
	details_add_line(out, "How sure: ", page->evidence);
	details_add_line(out, "Doubts: ", page->limits);
	details_add_line(out, "Path: ", page->path);
	details_add_line(out, "Could be: ", page->could_be);
	details_add_line(out, "What differs: ", page->what_differs);
	details_add_line(out, "Burn rate: ", page->burn);
	details_add_line(out, "Alerts: ", page->differs);
	details_add_line(out, "What to do: ", page->what_to_do);
	details_add_line(out, PAGE_ACT_TEXT ": ", page->act_href);
	details_add_line(out, "Who has it: ", page->acked_by);
	details_add_line(out, "Unless somebody takes it: ", page->escalates);
	details_add_line(out, "Urgency: ", page->urgency);
	details_add_lines(out, "", page->waterfall);
	details_add_lines(out, "The alert says:\n", page->alert_says);
	details_add_lines(out, "What the traces say:\n", page->reasons);
}

bool page_has_sections(const struct page *page)
{
	return !page->details || !*page->details;
}

static void page_write_members(const struct page *page, bool decided, struct buf *out)
{
	buf_putc(out, '{');
	buf_json_text(out, "event", page_event_name(page->event));
	buf_json_text(out, "severity", severity_name(page->severity));
	buf_json_int(out, "opened_at_us", page->opened_at_us);
	buf_json_int(out, "at_us", page->at_us);
	buf_json_int(out, "since_us", page->since_us);
	for (size_t i = 0; i < ARRAY_LEN(text_members); i++)
		if ((decided || !text_members[i].decided) &&
		    (!text_members[i].left_out || text_get(page, i)))
			buf_json_text(out, text_members[i].name, text_get(page, i));
	page_write_links(page, out);
	page_write_alerts(page, out);
	buf_putc(out, '}');
}

void page_write(const struct page *page, struct buf *out)
{
	page_write_members(page, true, out);
}

void page_write_own(const struct page *page, struct buf *out)
{
	page_write_members(page, false, out);
}

/* The member at depth 1 that the reader is in: it decides what the values below it are. */
enum member {
	MEMBER_OTHER,
	MEMBER_EVENT,
	MEMBER_SEVERITY,
	MEMBER_OPENED,
	MEMBER_AT,
	MEMBER_SINCE,
	MEMBER_LINKS,
	MEMBER_ALERTS,
	MEMBER_TEXT, /* plus the index into texts */
};

struct page_reader {
	struct jread *json;
	struct arena *arena;
	struct page page;
	enum member member;
	size_t text; /* of MEMBER_TEXT */
	bool href;   /* in a link: the next value is its href; false: its text */
	const char **alerts;
	size_t nalerts, alerts_size;
	bool has_alerts;
};

static enum member member_of(struct page_reader *reader, const char *key, size_t len)
{
	if (jread_is(key, len, "event"))
		return MEMBER_EVENT;
	if (jread_is(key, len, "severity"))
		return MEMBER_SEVERITY;
	if (jread_is(key, len, "opened_at_us"))
		return MEMBER_OPENED;
	if (jread_is(key, len, "at_us"))
		return MEMBER_AT;
	if (jread_is(key, len, "since_us"))
		return MEMBER_SINCE;
	if (jread_is(key, len, "links"))
		return MEMBER_LINKS;
	if (jread_is(key, len, "alerts"))
		return MEMBER_ALERTS;
	for (size_t i = 0; i < ARRAY_LEN(text_members); i++) {
		if (strlen(text_members[i].name) == len &&
		    memcmp(text_members[i].name, key, len) == 0) {
			reader->text = i;
			return MEMBER_TEXT;
		}
	}
	return MEMBER_OTHER;
}

static int page_read_event(struct page_reader *reader, const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(event_names); i++) {
		if (strlen(event_names[i]) == len && memcmp(event_names[i], text, len) == 0) {
			reader->page.event = (enum page_event)i;
			return JREAD_GO;
		}
	}
	return err_set(jread_err(reader->json), EINVAL, "unknown page event \"%.*s\"", (int)len,
		       text);
}

static int page_read_severity(struct page_reader *reader, const char *text, size_t len)
{
	for (int i = SEVERITY_INFO; i <= SEVERITY_CRITICAL; i++) {
		const char *name = severity_name((enum severity)i);
		if (strlen(name) == len && memcmp(name, text, len) == 0) {
			reader->page.severity = (enum severity)i;
			return JREAD_GO;
		}
	}
	return err_set(jread_err(reader->json), EINVAL, "unknown severity \"%.*s\"", (int)len,
		       text);
}

static void page_read_alert(struct page_reader *reader, const char *text, size_t len)
{
	if (reader->nalerts == LIMIT_ALERTS_PER_BODY)
		return;
	if (reader->nalerts == reader->alerts_size) {
		size_t size = reader->alerts_size > 0 ? reader->alerts_size * 2 : 8;
		const char **alerts = arena_array(reader->arena, size, sizeof(*alerts));
		if (reader->nalerts > 0)
			memcpy(alerts, reader->alerts, reader->nalerts * sizeof(*alerts));
		reader->alerts = alerts;
		reader->alerts_size = size;
	}
	reader->alerts[reader->nalerts++] = arena_strndup(reader->arena, text, len);
}

static int page_read_string(struct page_reader *reader, const char *text, size_t len)
{
	struct page *page = &reader->page;
	int depth = jread_depth(reader->json);

	if (reader->member == MEMBER_EVENT && depth == 1)
		return page_read_event(reader, text, len);
	if (reader->member == MEMBER_SEVERITY && depth == 1)
		return page_read_severity(reader, text, len);
	if (reader->member == MEMBER_TEXT && depth == 1)
		text_set(page, reader->text, arena_strndup(reader->arena, text, len));
	if (reader->member == MEMBER_ALERTS && depth == 2)
		page_read_alert(reader, text, len);
	if (reader->member == MEMBER_LINKS && depth == 3 && page->nlinks > 0) {
		struct page_link *link = &page->links[page->nlinks - 1];
		*(reader->href ? &link->href : &link->text) =
			arena_strndup(reader->arena, text, len);
	}
	return JREAD_GO;
}

static int page_read_number(struct page_reader *reader, const char *text, size_t len)
{
	struct page *page = &reader->page;
	int64_t number, *time = reader->member == MEMBER_AT	  ? &page->at_us
				: reader->member == MEMBER_OPENED ? &page->opened_at_us
				: reader->member == MEMBER_SINCE  ? &page->since_us
								  : NULL;

	if (jread_depth(reader->json) != 1 || !time)
		return JREAD_GO;
	if (!jread_int64(text, len, &number))
		return err_set(jread_err(reader->json), EINVAL, "%.*s is not a time", (int)len,
			       text);
	*time = number;
	return JREAD_GO;
}

static int page_read_key(struct page_reader *reader, const char *text, size_t len)
{
	if (jread_depth(reader->json) == 1) {
		reader->member = member_of(reader, text, len);
		/* A list takes the whole place of that of the page below. */
		if (reader->member == MEMBER_LINKS)
			reader->page.nlinks = 0;
		if (reader->member == MEMBER_ALERTS)
			reader->has_alerts = true;
		return reader->member == MEMBER_OTHER ? JREAD_SKIP : JREAD_GO;
	}
	reader->href = jread_is(text, len, "href");
	return reader->href || jread_is(text, len, "text") ? JREAD_GO : JREAD_SKIP;
}

static int page_read_object(struct page_reader *reader)
{
	struct page *page = &reader->page;
	int depth = jread_depth(reader->json);

	if (depth == 1)
		return JREAD_GO;
	if (depth != 3 || reader->member != MEMBER_LINKS || page->nlinks == LIMIT_PAGE_LINKS)
		return JREAD_SKIP;
	page->links[page->nlinks++] = (struct page_link){ "", "" };
	return JREAD_GO;
}

static int page_on_value(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct page_reader *reader = ctx;

	switch (event) {
	case JREAD_OBJECT:
		return page_read_object(reader);
	case JREAD_KEY:
		return page_read_key(reader, text, len);
	case JREAD_STRING:
		return page_read_string(reader, text, len);
	case JREAD_NUMBER:
		return page_read_number(reader, text, len);
	case JREAD_ARRAY:
		if (jread_depth(reader->json) == 1)
			return err_set(jread_err(reader->json), EINVAL, "a list, not a page");
		return jread_depth(reader->json) == 2 ? JREAD_GO : JREAD_SKIP;
	case JREAD_NULL:
		if (reader->member == MEMBER_TEXT && jread_depth(reader->json) == 1 &&
		    text_members[reader->text].optional)
			text_set(&reader->page, reader->text, NULL);
		break;
	case JREAD_OBJECT_END:
	case JREAD_ARRAY_END:
	case JREAD_TRUE:
	case JREAD_FALSE:
		break;
	}
	return JREAD_GO;
}

static int page_read_onto(struct page_reader *reader, const char *text, size_t len,
			  struct page *ret_page, struct err *err)
{
	reader->json = jread_new(JREAD_ONE, page_on_value, reader);
	int error = jread_feed(reader->json, text, len);
	if (error == 0)
		error = jread_finish(reader->json);
	if (error == 0 && reader->page.incident[0] == '\0')
		error = err_set(jread_err(reader->json), EINVAL, "no incident in it");
	if (error != 0) {
		if (err)
			*err = *jread_err(reader->json);
		err_prefix(err, "stored page");
	} else {
		if (reader->has_alerts) {
			reader->page.alerts = reader->alerts;
			reader->page.nalerts = reader->nalerts;
		}
		*ret_page = reader->page;
	}
	jread_free(reader->json);
	return error;
}

int page_read(struct arena *arena, const char *text, size_t len, struct page *ret_page,
	      struct err *err)
{
	struct page_reader reader = { .arena = arena };

	for (size_t i = 0; i < ARRAY_LEN(text_members); i++)
		text_set(&reader.page, i, text_members[i].optional ? NULL : "");
	return page_read_onto(&reader, text, len, ret_page, err);
}

int page_read_over(struct arena *arena, const struct page *base, const char *text, size_t len,
		   struct page *ret_page, struct err *err)
{
	struct page_reader reader = { .arena = arena, .page = *base };

	reader.page.incident = ""; /* a document without one is no page's */
	return page_read_onto(&reader, text, len, ret_page, err);
}

struct page_copy *page_copy_new(const struct page *page, struct shared_text *decision,
				struct shared_text *packed)
{
	struct page_copy *copy = xcalloc(1, sizeof(*copy));
	struct page lesser = *page;

	lesser.decision = NULL;
	for (size_t i = 0; i < ARRAY_LEN(text_members); i++)
		text_set(&lesser, i, text_get(&lesser, i));
	copy->page = page_dup(&lesser);
	copy->decision = shared_text_ref(decision);
	copy->packed = shared_text_ref(packed);
	copy->page->decision = shared_text_text(decision);
	return copy;
}

void page_copy_rest(struct page_copy *copy)
{
	if (!copy->packed)
		return;
	shared_text_unref(copy->decision);
	copy->decision = NULL;
	copy->page->decision = NULL;
}

struct page page_copy_whole(const struct page_copy *copy, struct arena *arena)
{
	struct buf text = BUF_INIT(LIMIT_DECISION_BYTES);
	struct page page = *copy->page;
	struct err err;

	if (copy->packed && !copy->decision &&
	    pack_open(copy->packed->text, copy->packed->len, &text, &err) == 0)
		page.decision = arena_strndup(arena, buf_text(&text), text.len);
	buf_fini(&text);
	return page;
}

void page_copy_free(struct page_copy *copy)
{
	if (!copy)
		return;
	shared_text_unref(copy->decision);
	shared_text_unref(copy->packed);
	free(copy->page);
	free(copy);
}
