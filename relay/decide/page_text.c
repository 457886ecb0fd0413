/*
 * Page text: what a woken person reads. The summary is for a lock screen, suspect first; the
 * details tell why this team, the path from the signal down, the waterfall, the evidence, and what
 * else it could be. Links are a list of their own, since every pager has its own place for them.
 * Everything that came from outside goes through plain.h. It decides nothing: all of it stands in
 * the decision already.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "decide-internal.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/template.h"
#include "tracepager/waterfall.h"
#include "tracepager/xalloc.h"

/* One text inside of a line, and one line of an annotation. */
#define NAME_COLUMNS  80
#define ERROR_COLUMNS 200
#define LINE_COLUMNS  300
#define NOTE_LINES    12
#define HOPS_SHOWN    16
#define IDS_SHOWN     5
/* An address longer than this is cut by browsers and chats. */
#define HREF_BYTES 2048
/* Far above what the numbers here add up to. */
#define DETAILS_BYTES (64u << 10)

static const char *const kind_words[] = {
	[SUSPECT_SPAN] = "failed",
	[SUSPECT_PEER] = "calls to it fail",
	[SUSPECT_CALLER] = "its request was refused",
	[SUSPECT_SLOW] = "too slow",
	[SUSPECT_EDGE] = "calls fail in between",
};

/* The summary, put together from parts that may have to give way. */

static const char *alert_name(const struct decision *d)
{
	const char *name = d->has_alert ? labels_get(&d->alert.labels, "alertname") : NULL;

	return name ? name : d->has_alert ? "an alert without a name" : "";
}

static const char *annotation(const struct decision *d, const char *name)
{
	const char *text = labels_get(&d->alert.annotations, name);

	return text ? text : "";
}

static void add_signal(const struct decision *d, struct buf *out, size_t columns)
{
	const char *service = d->has_signal && d->signal.service ? d->signal.service : "";
	const char *operation = d->has_signal && d->signal.operation ? d->signal.operation : "";
	struct buf both = BUF_INIT(8 * NAME_COLUMNS);

	plain_add(&both, service, NAME_COLUMNS);
	if (*service && *operation)
		buf_putc(&both, ' ');
	plain_add(&both, operation, NAME_COLUMNS);
	plain_add(out, buf_text(&both), columns);
	buf_fini(&both);
}

/* "PlaceOrderErrors (checkout POST /orders)", either part alone, or nothing. */
static void add_alert_and_signal(const struct decision *d, struct buf *out)
{
	struct buf signal = BUF_INIT(8 * NAME_COLUMNS);
	const char *name = alert_name(d);

	add_signal(d, &signal, NAME_COLUMNS);
	plain_add(out, name, NAME_COLUMNS);
	if (signal.len && *name)
		buf_printf(out, " (%s)", buf_text(&signal));
	else
		buf_puts(out, buf_text(&signal));
	buf_fini(&signal);
}

/* head, then as much of the middle as can be, then the tail: whole, else its beginning, else not at
 * all. */
static char *fit_summary(struct arena *arena, const char *head, const char *middle,
			 const char *tail)
{
	const size_t least_middle = 28, least_tail = 12, dash = strlen(" - ");
	size_t room = LIMIT_SUMMARY_CHARS - plain_columns(head, LIMIT_SUMMARY_CHARS);
	size_t wanted_middle = plain_columns(middle, room), wanted_tail = plain_columns(tail, room);
	struct buf out = BUF_INIT(8 * LIMIT_SUMMARY_CHARS);

	if (wanted_middle + dash + wanted_tail > room && wanted_middle > least_middle) {
		size_t left = room > dash + wanted_tail ? room - dash - wanted_tail : 0;
		wanted_middle = left > least_middle ? left : least_middle;
	}
	plain_add(&out, head, LIMIT_SUMMARY_CHARS);
	if (wanted_middle && room > 2) {
		buf_puts(&out, ": ");
		size_t most = wanted_middle < room - 2 ? wanted_middle : room - 2;
		room -= 2 + plain_add(&out, middle, most);
	}
	if (wanted_tail && (room >= dash + wanted_tail || room >= dash + least_tail)) {
		buf_puts(&out, " — ");
		plain_add(&out, tail, room - dash);
	}
	char *text = arena_strndup(arena, buf_text(&out), out.len);
	buf_fini(&out);
	return text;
}

const char *suspect_words(const struct suspect *suspect)
{
	if (suspect->error && *suspect->error)
		return suspect->error;
	return (size_t)suspect->kind < ARRAY_LEN(kind_words) ? kind_words[suspect->kind] : "failed";
}

/* The other end is part of who is meant, unless the rules made the callee the suspect. */
static bool names_callee(const struct decision *d)
{
	const struct suspect *suspect = &d->verdict.suspect;

	if (!suspect->callee || !*suspect->callee)
		return false;
	return suspect->kind == SUSPECT_EDGE ||
	       (suspect->kind == SUSPECT_PEER && suspect->resource);
}

static char *make_summary(struct arena *arena, const struct decision *d)
{
	struct buf head = BUF_INIT(16 * NAME_COLUMNS), middle = BUF_INIT(16 * NAME_COLUMNS),
		   tail = BUF_INIT(16 * NAME_COLUMNS);
	const enum fallback_code why = d->verdict.fallback;

	if (d->verdict.found) {
		plain_add(&head, d->verdict.suspect.service, 40);
		if (names_callee(d)) {
			buf_puts(&head, " → ");
			plain_add(&head, d->verdict.suspect.callee, 30);
		}
		plain_add(&middle, suspect_words(&d->verdict.suspect), NAME_COLUMNS);
		add_alert_and_signal(d, &tail);
	} else {
		const char *name = alert_name(d);
		const char *said = annotation(d, "summary");
		const char *words = why == FALLBACK_NO_SIGNAL && *said ? said : fallback_words(why);
		plain_add(&head, *name ? name : "no cause found", 60);
		plain_add(&middle, words, 2 * NAME_COLUMNS);
		add_signal(d, &tail, NAME_COLUMNS);
	}
	char *text = fit_summary(arena, buf_text(&head), buf_text(&middle), buf_text(&tail));
	buf_fini(&head);
	buf_fini(&middle);
	buf_fini(&tail);
	return text;
}

/* Links. */

/* Only what a browser opens, without anything that could break out of where it is put. */
static bool href_is_safe(const char *href)
{
	size_t len = strnlen(href, HREF_BYTES + 1);

	if (strncasecmp(href, "http://", 7) != 0 && strncasecmp(href, "https://", 8) != 0)
		return false;
	if (len > HREF_BYTES || len <= 8)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)href[i] <= ' ' || (unsigned char)href[i] >= 0x7f ||
		    strchr("\"<>`\\", href[i]))
			return false;
	return true;
}

static void add_link(struct page *page, const char *text, const char *href)
{
	if (!href || !*href || page->nlinks == PAGE_LINKS_MAX || !href_is_safe(href))
		return;
	for (size_t i = 0; i < page->nlinks; i++)
		if (strcmp(page->links[i].href, href) == 0)
			return;
	page->links[page->nlinks++] = (struct page_link){ text, href };
}

/* The template with the trace's id in it, escaped as RFC 3986 wants it: ids are any string. */
static const char *trace_href(struct arena *arena, const char *template, const char *id)
{
	static const char mark[] = "{trace_id}";
	const char *at = strstr(template, mark);
	struct buf out = BUF_INIT(2 * HREF_BYTES);

	if (!at)
		return template;
	buf_add(&out, template, (size_t)(at - template));
	template_escape(id, &out);
	buf_puts(&out, at + strlen(mark));
	const char *href = out.failed ? "" : arena_strndup(arena, buf_text(&out), out.len);
	buf_fini(&out);
	return href;
}

static void add_links(struct arena *arena, const struct decide_input *input, struct decision *d)
{
	struct page *page = &d->page;
	const struct walk *walk = decision_walk(d);

	if (d->service) {
		add_link(page, "Runbook", page_template_href(arena, d, d->service->runbook));
		add_link(page, "Dashboard", page_template_href(arena, d, d->service->dashboard));
	}
	if (walk && input->trace_link)
		add_link(page, "Trace",
			 trace_href(arena, input->trace_link,
				    trace_text(walk->trace, walk->trace->id)));
	for (size_t i = 0; d->service && i < d->service->nlinks; i++)
		add_link(page, d->service->links[i].text,
			 page_template_href(arena, d, d->service->links[i].href));
	add_link(page, "Alert's query", d->alert.generator_url);
	add_link(page, "Alert's runbook", annotation(d, "runbook_url"));
	add_link(page, "Alert's dashboard", annotation(d, "dashboard_url"));
}

/* Details. */

static void write_why_you(const struct decision *d, struct buf *out)
{
	for (unsigned int i = 0; i < d->nowner_reasons; i++) {
		buf_puts(out, i ? "  and: " : "Why you: ");
		plain_add(out, d->owner_reasons[i], LINE_COLUMNS);
		buf_putc(out, '\n');
	}
}

/* A hop is a run of spans of one service. */
struct hop {
	uint32_t first, last; /* positions in the path */
};

static uint32_t next_hop(const struct walk *walk, uint32_t at, struct hop *ret_hop)
{
	const struct span *spans = walk->trace->spans;
	const char *service = span_service(walk->trace, &spans[walk->path[at]]);

	ret_hop->first = at;
	do
		ret_hop->last = at++;
	while (at < walk->npath &&
	       strcmp(service, span_service(walk->trace, &spans[walk->path[at]])) == 0);
	return at;
}

static void write_hop(const struct walk *walk, const struct hop *hop, struct buf *out)
{
	const struct span *first = &walk->trace->spans[walk->path[hop->first]];
	const struct span *last = &walk->trace->spans[walk->path[hop->last]];
	const char *name = trace_text(walk->trace, first->name);
	char duration[PLAIN_DURATION_SIZE];

	buf_puts(out, hop->first ? "  → " : "  ");
	plain_add(out, span_service(walk->trace, first), NAME_COLUMNS);
	buf_puts(out, ": ");
	plain_add(out, name, NAME_COLUMNS);
	/* Where a hop ends in another operation than it began with, that is the call that failed.
	 */
	if (hop->last + 1 == walk->npath &&
	    strcmp(name, trace_text(walk->trace, last->name)) != 0) {
		buf_puts(out, ", in ");
		plain_add(out, trace_text(walk->trace, last->name), NAME_COLUMNS);
	}
	buf_printf(out, " (%s)", plain_duration(first->duration_us, duration));
	if (hop->last + 1 == walk->npath && walk->found && walk->suspect.error) {
		buf_puts(out, ": ");
		plain_add(out, walk->suspect.error, ERROR_COLUMNS);
	}
	buf_putc(out, '\n');
}

static void write_callee(const struct walk *walk, struct buf *out)
{
	const struct suspect *suspect = &walk->suspect;

	if (!walk->found || !suspect->callee || !*suspect->callee ||
	    (suspect->kind != SUSPECT_PEER && suspect->kind != SUSPECT_EDGE))
		return;
	buf_puts(out, "  → ");
	plain_add(out, suspect->callee, NAME_COLUMNS);
	if (suspect->kind == SUSPECT_EDGE)
		buf_puts(out, ", which did not fail");
	else if (suspect->resource)
		buf_puts(out, ", which has no spans of its own");
	else {
		buf_puts(out, ", which is ");
		plain_add(out, suspect->service, NAME_COLUMNS);
	}
	buf_putc(out, '\n');
}

static void write_path(const struct decision *d, struct buf *out)
{
	const struct walk *walk = d->verdict.walk;
	uint32_t nhops = 0, number = 0;
	struct hop hop;

	if (!walk || !walk->npath)
		return;
	for (uint32_t at = 0; at < walk->npath; nhops++)
		at = next_hop(walk, at, &hop);
	buf_puts(out, d->verdict.found ? "\nThe failure, from the signal down to where it starts:\n"
				       : "\nThe likeliest path, though not a certain one:\n");
	for (uint32_t at = 0; at < walk->npath; number++) {
		at = next_hop(walk, at, &hop);
		if (nhops > HOPS_SHOWN && number == HOPS_SHOWN / 2)
			buf_printf(out, "  → … %u hops are left out\n", nhops - HOPS_SHOWN);
		if (nhops <= HOPS_SHOWN || number < HOPS_SHOWN / 2 ||
		    number >= nhops - HOPS_SHOWN / 2)
			write_hop(walk, &hop, out);
	}
	write_callee(walk, out);
}

static void write_trace(const struct decision *d, struct buf *out)
{
	const struct waterfall_options options = { .lines = LIMIT_WATERFALL_LINES,
						   .columns = LIMIT_WATERFALL_COLUMNS };
	const struct walk *walk = decision_walk(d);

	if (!walk)
		return;
	buf_puts(out, "\nTrace ");
	plain_add(out, trace_text(walk->trace, walk->trace->id), NAME_COLUMNS);
	buf_puts(out, ":\n");
	waterfall_write(walk, &options, out);
}

static bool same_suspect(const struct suspect *a, const struct suspect *b)
{
	return strcmp(a->service ? a->service : "", b->service ? b->service : "") == 0;
}

static void write_trace_ids(const struct decision *d, struct buf *out)
{
	unsigned int shown = 0;

	for (unsigned int i = 0; i < d->nwalks; i++) {
		const struct walk *walk = &d->walks[i];
		if (d->verdict.found &&
		    (!walk->found || !same_suspect(&walk->suspect, &d->verdict.suspect)))
			continue;
		if (shown == IDS_SHOWN) {
			buf_puts(out, " …");
			break;
		}
		buf_puts(out, shown++ ? ", " : "Traces: ");
		plain_add(out, trace_text(walk->trace, walk->trace->id), NAME_COLUMNS);
	}
	if (shown)
		buf_putc(out, '\n');
}

static void write_evidence(const struct decision *d, struct buf *out)
{
	const struct verdict *verdict = &d->verdict;

	if (!d->nwalks)
		return;
	buf_putc(out, '\n');
	if (verdict->found) {
		buf_printf(out, "Evidence: %u of %u trace%s, confidence %.2f\n", verdict->agree,
			   verdict->of, verdict->of == 1 ? "" : "s", verdict->confidence);
		buf_puts(out, "Error: ");
		plain_add(out, suspect_words(&verdict->suspect), ERROR_COLUMNS);
		buf_putc(out, '\n');
	}
	write_trace_ids(d, out);
	for (unsigned int i = 0; i < verdict->nrunners_up; i++) {
		const struct runner_up *other = &verdict->runners_up[i];
		buf_puts(out, i ? ", " : verdict->found ? "It could also be: " : "It could be: ");
		plain_add(out, other->service, NAME_COLUMNS);
		if (other->callee) {
			buf_puts(out, " → ");
			plain_add(out, other->callee, NAME_COLUMNS);
		}
		if (other->agree)
			buf_printf(out, " (%u)", other->agree);
	}
	if (verdict->nrunners_up)
		buf_putc(out, '\n');
}

static void write_degraded(const struct decision *d, struct buf *out)
{
	/* That nobody owns the suspect is told as the reason why this team is paged. */
	if (d->verdict.fallback == FALLBACK_NONE || d->verdict.fallback == FALLBACK_NO_OWNER)
		return;
	buf_puts(out, d->verdict.found ? "\nMind: " : "\nNo cause was found: ");
	plain_add(out, d->verdict.fallback_text, LINE_COLUMNS);
	buf_printf(out, " [%s]\n", fallback_code_name(d->verdict.fallback));
}

static void write_reasons(const struct decision *d, struct buf *out)
{
	if (d->verdict.nreasons)
		buf_puts(out, "\nHow it was found:\n");
	for (unsigned int i = 0; i < d->verdict.nreasons; i++) {
		buf_puts(out, "  - ");
		plain_add(out, d->verdict.reasons[i], LINE_COLUMNS);
		buf_putc(out, '\n');
	}
}

/* An annotation may have lines; a wall of them is cut. */
static void write_note(const char *title, const char *text, struct buf *out)
{
	unsigned int lines = 0;

	while (*text && lines <= NOTE_LINES) {
		size_t len = strcspn(text, "\n");
		struct buf line = BUF_INIT(LIMIT_LABEL_BYTES + 1);
		buf_add(&line, text, len);
		text += len + (text[len] == '\n');
		if (plain_columns(buf_text(&line), 1) > 0) {
			buf_puts(out, lines ? "  " : title);
			plain_add(out, lines < NOTE_LINES ? buf_text(&line) : "…", LINE_COLUMNS);
			buf_putc(out, '\n');
			lines++;
		}
		buf_fini(&line);
	}
}

static void write_details(const struct decision *d, struct buf *out)
{
	write_why_you(d, out);
	write_path(d, out);
	write_trace(d, out);
	write_evidence(d, out);
	write_degraded(d, out);
	write_reasons(d, out);
	const char *summary = annotation(d, "summary"), *description = annotation(d, "description");
	if (*summary || *description)
		buf_putc(out, '\n');
	write_note("The alert says: ", summary, out);
	write_note(*summary ? "  " : "The alert says: ", description, out);
}

void page_text_fill(struct arena *arena, const struct decide_input *input, struct decision *d)
{
	struct page *page = &d->page;
	struct buf details = BUF_INIT(DETAILS_BYTES);
	const char *origin =
		d->has_signal && d->signal.service ? d->signal.service : d->alert.sender;

	page->event = PAGE_TRIGGER;
	page->severity = d->routing.severity;
	page->summary = make_summary(arena, d);
	page->component =
		plain_text(arena, d->verdict.found ? d->verdict.suspect.service : "", LINE_COLUMNS);
	page->origin = plain_text(arena, origin, LINE_COLUMNS);
	page->group = d->team ? d->team->name : "";
	page->kind = d->verdict.found ? suspect_kind_name(d->verdict.suspect.kind)
				      : fallback_code_name(d->verdict.fallback);
	page->at_us = input->now_us;
	page->status = "open";
	add_links(arena, input, d);
	write_details(d, &details);
	page->details = arena_strndup(arena, buf_text(&details), details.len);
	buf_fini(&details);
	page_template_fill(arena, d);
}
