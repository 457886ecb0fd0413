/*
 * Page text: what a person who is woken up reads. The summary is for a lock screen, suspect first.
 * The details say why this team is paged, the path from the signal down, the waterfall, the
 * evidence and the other suspects. Links are a list of their own, since every pager shows them
 * elsewhere. All text from outside goes through plain.h. Decides nothing; owns nothing.
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

/* ---- summary ---- */

static const char *alert_name(const struct decision *d)
{
	const char *name = d->has_alert ? labels_get(&d->alert.labels, "alertname") : NULL;

	return name ? name : d->has_alert ? "an alert without a name" : "";
}

static const char *alert_annotation(const struct decision *d, const char *name)
{
	const char *text = labels_get(&d->alert.annotations, name);

	return text ? text : "";
}

static void summary_add_signal(const struct decision *d, struct buf *out, size_t columns)
{
	const char *service = d->has_signal && d->signal.service ? d->signal.service : "";
	const char *operation = d->has_signal && d->signal.operation ? d->signal.operation : "";
	struct buf both = BUF_INIT(8 * LIMIT_PAGE_NAME_COLUMNS);

	plain_add(&both, service, LIMIT_PAGE_NAME_COLUMNS);
	if (*service && *operation)
		buf_putc(&both, ' ');
	plain_add(&both, operation, LIMIT_PAGE_NAME_COLUMNS);
	plain_add(out, buf_text(&both), columns);
	buf_fini(&both);
}

/* What the suspect does to the signal's operation. A signal whose own span did not fail is hit: the
 * trace does not say that it broke. */
static const char *signal_verb(const struct decision *d)
{
	const struct walk *walk = d->verdict.walk;

	if (!walk || walk->from_span == TRACE_NONE)
		return "hits";
	if (walk->mode == WALK_LATENCY)
		return "slows";
	return span_failing(walk->trace, &walk->trace->spans[walk->from_span], true) ? "breaks"
										     : "hits";
}

/* "breaks checkout POST /orders (PlaceOrderErrors)", or one of the two parts, or nothing. */
static void summary_add_alert(const struct decision *d, struct buf *out)
{
	struct buf signal = BUF_INIT(8 * LIMIT_PAGE_NAME_COLUMNS),
		   name = BUF_INIT(8 * LIMIT_PAGE_NAME_COLUMNS);

	summary_add_signal(d, &signal, LIMIT_PAGE_NAME_COLUMNS);
	plain_add(&name, alert_name(d), LIMIT_PAGE_NAME_COLUMNS);
	if (signal.len)
		buf_printf(out, "%s %s", signal_verb(d), buf_text(&signal));
	if (name.len)
		buf_printf(out, signal.len ? " (%s)" : "%s", buf_text(&name));
	buf_fini(&signal);
	buf_fini(&name);
}

/* Head, middle and tail in LIMIT_SUMMARY_CHARS. The middle is cut to leave room for the tail, but
 * not below 28 columns; a tail that has fewer than 12 columns left and does not fit is left out. */
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

/* Does the summary name the callee too? Not if the rules made the callee the suspect. */
static bool names_callee(const struct decision *d)
{
	const struct suspect *suspect = &d->verdict.suspect;

	if (!suspect->callee || !*suspect->callee)
		return false;
	return suspect->kind == SUSPECT_EDGE ||
	       (suspect->kind == SUSPECT_PEER && suspect->resource);
}

/* "ledger"; "ledger → payments.example:443"; "Database ledger-db", "Database postgresql/ledger,
 * called by ledger". */
static void summary_add_suspect(const struct decision *d, struct buf *head)
{
	const struct suspect *suspect = &d->verdict.suspect;
	bool database = suspect_is_database(suspect);

	if (database)
		buf_puts(head, "Database ");
	if (database && names_callee(d)) {
		plain_add(head, suspect->callee, LIMIT_PAGE_NAME_COLUMNS);
		buf_puts(head, ", called by ");
	}
	plain_add(head, suspect->service, LIMIT_PAGE_NAME_COLUMNS);
	if (!database && names_callee(d)) {
		buf_puts(head, " → ");
		plain_add(head, suspect->callee, LIMIT_PAGE_NAME_COLUMNS);
	}
}

/* An alert about no traced operation: "NodeDown db17:9100", and in its own words "db17 is down". */
static void summary_add_untraced(const struct decision *d, struct buf *head, struct buf *tail)
{
	static const char *const words[] = { "summary", "description", "message" };
	const char *instance = page_alert_instance(d), *said = "";

	if (instance) {
		buf_putc(head, ' ');
		plain_add(head, instance, LIMIT_PAGE_NAME_COLUMNS);
	}
	for (size_t i = 0; i < ARRAY_LEN(words) && !*said; i++)
		said = alert_annotation(d, words[i]);
	plain_add(tail, said, 2 * LIMIT_PAGE_NAME_COLUMNS);
}

static char *make_summary(struct arena *arena, const struct decision *d)
{
	struct buf head = BUF_INIT(16 * LIMIT_PAGE_NAME_COLUMNS),
		   middle = BUF_INIT(16 * LIMIT_PAGE_NAME_COLUMNS),
		   tail = BUF_INIT(16 * LIMIT_PAGE_NAME_COLUMNS);
	const enum fallback_code why = d->verdict.fallback;

	if (d->verdict.found) {
		summary_add_suspect(d, &head);
		plain_add(&middle, d->words, LIMIT_PAGE_ERROR_COLUMNS);
		summary_add_alert(d, &tail);
	} else {
		const char *name = alert_name(d);
		plain_add(&head, *name ? name : "no cause found", 60);
		if (why == FALLBACK_NO_SIGNAL) {
			summary_add_untraced(d, &head, &tail);
		} else {
			plain_add(&middle, fallback_words(why), 2 * LIMIT_PAGE_NAME_COLUMNS);
			summary_add_signal(d, &tail, LIMIT_PAGE_NAME_COLUMNS);
		}
	}
	if (*d->page.environment) {
		buf_puts(&tail, tail.len ? ", " : "");
		buf_puts(&tail, d->page.environment);
	}
	char *text = fit_summary(arena, buf_text(&head), buf_text(&middle), buf_text(&tail));
	buf_fini(&head);
	buf_fini(&middle);
	buf_fini(&tail);
	return text;
}

/* ---- links ---- */

/* Only http and https, and no character that could end the attribute or line around the address. */
static bool href_is_safe(const char *href)
{
	size_t len = strnlen(href, LIMIT_HREF_BYTES + 1);

	if (strncasecmp(href, "http://", 7) != 0 && strncasecmp(href, "https://", 8) != 0)
		return false;
	if (len > LIMIT_HREF_BYTES || len <= 8)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)href[i] <= ' ' || (unsigned char)href[i] >= 0x7f ||
		    strchr("\"<>`\\", href[i]))
			return false;
	return true;
}

static void page_add_link(struct page *page, const char *text, const char *href)
{
	if (!href || !*href || page->nlinks == LIMIT_PAGE_LINKS || !href_is_safe(href))
		return;
	for (size_t i = 0; i < page->nlinks; i++)
		if (strcmp(page->links[i].href, href) == 0)
			return;
	page->links[page->nlinks++] = (struct page_link){ text, href };
}

/* The suspect's span; without a suspect the span where the walk began. NULL: there is no trace. */
static const char *shown_span_id(const struct decision *d)
{
	const struct walk *walk = decision_walk(d);
	const char *id = decision_span_id(d);

	if (id || !walk || walk->from_span == TRACE_NONE)
		return id;
	return trace_text(walk->trace, walk->trace->spans[walk->from_span].id);
}

/* The address of a trace: {trace_id} and {span_id}, escaped, since an id
 * may be any string. NULL: a value is not known, or the address is too long. */
static const char *trace_href(struct arena *arena, const struct decision *d, const char *template)
{
	const struct {
		const char *mark, *value;
	} marks[] = { { "{trace_id}", decision_trace_id(d) }, { "{span_id}", shown_span_id(d) } };
	struct buf out = BUF_INIT(2 * LIMIT_HREF_BYTES);
	bool known = true;

	while (*template) {
		size_t i = 0;
		while (i < ARRAY_LEN(marks) &&
		       strncmp(template, marks[i].mark, strlen(marks[i].mark)) != 0)
			i++;
		if (i == ARRAY_LEN(marks)) {
			buf_putc(&out, *template ++);
			continue;
		}
		known = known && marks[i].value && *marks[i].value;
		template_escape(known ? marks[i].value : "", &out);
		template += strlen(marks[i].mark);
	}
	const char *href =
		known && !out.failed ? arena_strndup(arena, buf_text(&out), out.len) : NULL;
	buf_fini(&out);
	return href;
}

static void page_add_links(struct arena *arena, const struct decide_input *input,
			   struct decision *d)
{
	struct page *page = &d->page;

	if (d->service) {
		page_add_link(page, "Runbook", page_template_href(arena, d, d->service->runbook));
		page_add_link(page, "Dashboard",
			      page_template_href(arena, d, d->service->dashboard));
	}
	if (decision_walk(d) && input->trace_link)
		page_add_link(page, "Trace", trace_href(arena, d, input->trace_link));
	for (size_t i = 0; d->service && i < d->service->nlinks; i++)
		page_add_link(page, d->service->links[i].text,
			      page_template_href(arena, d, d->service->links[i].href));
	page_add_link(page, "Alert's query", d->alert.generator_url);
	page_add_link(page, "Alert's runbook", alert_annotation(d, "runbook_url"));
	page_add_link(page, "Alert's dashboard", alert_annotation(d, "dashboard_url"));
}

/* ---- details ---- */

static void details_write_why_you(const struct decision *d, struct buf *out)
{
	for (unsigned int i = 0; i < d->nowner_reasons; i++) {
		buf_puts(out, i ? "  and: " : "Why you: ");
		plain_add(out, d->owner_reasons[i], LIMIT_PAGE_LINE_COLUMNS);
		buf_putc(out, '\n');
	}
}

/* A run of spans of one service in the path. */
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

static void details_write_hop(const struct walk *walk, const struct hop *hop, struct buf *out)
{
	const struct span *first = &walk->trace->spans[walk->path[hop->first]];
	const struct span *last = &walk->trace->spans[walk->path[hop->last]];
	const char *name = trace_text(walk->trace, first->name);
	char duration[PLAIN_DURATION_SIZE];

	buf_puts(out, hop->first ? "  → " : "  ");
	plain_add(out, span_service(walk->trace, first), LIMIT_PAGE_NAME_COLUMNS);
	buf_puts(out, ": ");
	plain_add(out, name, LIMIT_PAGE_NAME_COLUMNS);
	/* The last hop may end in another operation than it began with: the call that failed. */
	if (hop->last + 1 == walk->npath &&
	    strcmp(name, trace_text(walk->trace, last->name)) != 0) {
		buf_puts(out, ", in ");
		plain_add(out, trace_text(walk->trace, last->name), LIMIT_PAGE_NAME_COLUMNS);
	}
	buf_printf(out, " (%s)", plain_duration(first->duration_us, duration));
	if (hop->last + 1 == walk->npath && walk->found && walk->suspect.error) {
		buf_puts(out, ": ");
		plain_add(out, walk->suspect.error, LIMIT_PAGE_ERROR_COLUMNS);
	}
	buf_putc(out, '\n');
}

static void details_write_callee(const struct walk *walk, struct buf *out)
{
	const struct suspect *suspect = &walk->suspect;

	if (!walk->found || !suspect->callee || !*suspect->callee ||
	    (suspect->kind != SUSPECT_PEER && suspect->kind != SUSPECT_EDGE))
		return;
	buf_puts(out, suspect_is_database(suspect) ? "  → database " : "  → ");
	plain_add(out, suspect->callee, LIMIT_PAGE_NAME_COLUMNS);
	if (suspect->kind == SUSPECT_EDGE)
		buf_puts(out, ", which did not fail");
	else if (suspect->resource)
		buf_puts(out, ", which has no spans of its own");
	else {
		buf_puts(out, ", which is ");
		plain_add(out, suspect->service, LIMIT_PAGE_NAME_COLUMNS);
	}
	buf_putc(out, '\n');
}

static void details_write_path(const struct decision *d, struct buf *out)
{
	const struct walk *walk = d->verdict.walk;
	uint32_t nhops = 0, number = 0;
	struct hop hop;

	if (!walk || !walk->npath)
		return;
	for (uint32_t at = 0; at < walk->npath; nhops++)
		at = next_hop(walk, at, &hop);
	buf_puts(out, !d->verdict.found ? "\nThe likeliest path, though not a certain one:\n"
		      : walk->mode == WALK_LATENCY
			      ? "\nThe delay, from the signal down to where it starts:\n"
			      : "\nThe failure, from the signal down to where it starts:\n");
	for (uint32_t at = 0; at < walk->npath; number++) {
		at = next_hop(walk, at, &hop);
		if (nhops > LIMIT_PAGE_HOPS && number == LIMIT_PAGE_HOPS / 2)
			buf_printf(out, "  → … %u hops are left out\n", nhops - LIMIT_PAGE_HOPS);
		if (nhops <= LIMIT_PAGE_HOPS || number < LIMIT_PAGE_HOPS / 2 ||
		    number >= nhops - LIMIT_PAGE_HOPS / 2)
			details_write_hop(walk, &hop, out);
	}
	details_write_callee(walk, out);
}

static void details_write_trace(const struct decision *d, struct buf *out)
{
	const struct waterfall_options options = { .lines = LIMIT_WATERFALL_LINES,
						   .columns = LIMIT_WATERFALL_COLUMNS };
	const struct walk *walk = decision_walk(d);

	if (!walk)
		return;
	buf_puts(out, "\nTrace ");
	plain_add(out, trace_text(walk->trace, walk->trace->id), LIMIT_PAGE_NAME_COLUMNS);
	buf_puts(out, ":\n");
	waterfall_write(walk, &options, out);
}

static bool is_same_service(const struct suspect *a, const struct suspect *b)
{
	return strcmp(a->service ? a->service : "", b->service ? b->service : "") == 0;
}

static void details_write_trace_ids(const struct decision *d, struct buf *out)
{
	const struct walk *first = decision_walk(d);
	unsigned int shown = 0;

	/* The trace that is drawn and linked comes first: it must be among those that are named. */
	if (first) {
		buf_puts(out, "Traces: ");
		plain_add(out, trace_text(first->trace, first->trace->id), LIMIT_PAGE_NAME_COLUMNS);
		shown++;
	}
	for (unsigned int i = 0; i < d->nwalks; i++) {
		const struct walk *walk = &d->walks[i];
		if (first && walk->trace == first->trace)
			continue;
		if (d->verdict.found &&
		    (!walk->found || !is_same_service(&walk->suspect, &d->verdict.suspect)))
			continue;
		if (shown == LIMIT_PAGE_TRACE_IDS) {
			buf_puts(out, " …");
			break;
		}
		buf_puts(out, shown++ ? ", " : "Traces: ");
		plain_add(out, trace_text(walk->trace, walk->trace->id), LIMIT_PAGE_NAME_COLUMNS);
	}
	if (shown)
		buf_putc(out, '\n');
}

static void details_write_limit(const struct verdict_limit *limit, struct buf *out)
{
	struct buf line = BUF_INIT(4 * LIMIT_PAGE_LINE_COLUMNS + 64);

	verdict_limit_write(limit, &line);
	plain_add(out, buf_text(&line), LIMIT_PAGE_LINE_COLUMNS);
	buf_fini(&line);
}

static void details_write_evidence(const struct decision *d, struct buf *out)
{
	const struct verdict *verdict = &d->verdict;

	if (!d->nwalks)
		return;
	buf_putc(out, '\n');
	if (verdict->found) {
		buf_printf(out, "Evidence: %u of %u trace%s, confidence %.2f\n", verdict->agree,
			   verdict->of, verdict->of == 1 ? "" : "s", verdict->confidence);
	}
	for (unsigned int i = 0; i < verdict->limits.n; i++) {
		buf_puts(out, "  - ");
		details_write_limit(&verdict->limits.at[i], out);
		buf_putc(out, '\n');
	}
	details_write_trace_ids(d, out);
	for (unsigned int i = 0; i < verdict->nrunners_up; i++) {
		const struct runner_up *other = &verdict->runners_up[i];
		buf_puts(out, i ? ", " : verdict->found ? "It could also be: " : "It could be: ");
		plain_add(out, other->service, LIMIT_PAGE_NAME_COLUMNS);
		if (other->callee) {
			buf_puts(out, " → ");
			plain_add(out, other->callee, LIMIT_PAGE_NAME_COLUMNS);
		}
		if (other->agree)
			buf_printf(out, " (%u)", other->agree);
	}
	if (verdict->nrunners_up)
		buf_putc(out, '\n');
}

static void details_write_degraded(const struct decision *d, struct buf *out)
{
	/* The reasons for the owner say already that nobody owns the suspect. */
	if (d->verdict.fallback == FALLBACK_NONE || d->verdict.fallback == FALLBACK_NO_OWNER)
		return;
	buf_puts(out, d->verdict.found ? "\nMind: " : "\nNo cause was found: ");
	plain_add(out, d->verdict.fallback_text, LIMIT_PAGE_LINE_COLUMNS);
	buf_printf(out, " [%s]\n", fallback_code_name(d->verdict.fallback));
}

static void details_write_reasons(const struct decision *d, struct buf *out)
{
	if (d->verdict.nreasons)
		buf_puts(out, "\nHow it was found:\n");
	for (unsigned int i = 0; i < d->verdict.nreasons; i++) {
		buf_puts(out, "  - ");
		plain_add(out, d->verdict.reasons[i], LIMIT_PAGE_LINE_COLUMNS);
		buf_putc(out, '\n');
	}
}

/* Write an annotation, at most LIMIT_PAGE_NOTE_LINES of its lines. */
static void details_write_note(const char *title, const char *text, struct buf *out)
{
	unsigned int lines = 0;

	while (*text && lines <= LIMIT_PAGE_NOTE_LINES) {
		size_t len = strcspn(text, "\n");
		struct buf line = BUF_INIT(LIMIT_LABEL_BYTES + 1);
		buf_add(&line, text, len);
		text += len + (text[len] == '\n');
		if (plain_columns(buf_text(&line), 1) > 0) {
			buf_puts(out, lines ? "  " : title);
			plain_add(out, lines < LIMIT_PAGE_NOTE_LINES ? buf_text(&line) : "…",
				  LIMIT_PAGE_LINE_COLUMNS);
			buf_putc(out, '\n');
			lines++;
		}
		buf_fini(&line);
	}
}

static void details_write_differs(const struct decision *d, struct buf *out)
{
	const struct verdict *verdict = &d->verdict;

	for (unsigned int i = 0; i < verdict->ndiffers; i++) {
		buf_puts(out, i ? "  and: " : "\nWhat differs: ");
		plain_add(out, verdict->differs[i].text, LIMIT_PAGE_LINE_COLUMNS);
		buf_putc(out, '\n');
	}
}

static void page_write_details(const struct decision *d, struct buf *out)
{
	details_write_why_you(d, out);
	details_write_path(d, out);
	details_write_differs(d, out);
	details_write_trace(d, out);
	details_write_evidence(d, out);
	details_write_degraded(d, out);
	details_write_reasons(d, out);
	const char *summary = alert_annotation(d, "summary"),
		   *description = alert_annotation(d, "description"),
		   *cut = alert_annotation(d, "tracepager_cut"); /* set by the room format */
	if (*summary || *description || *cut)
		buf_putc(out, '\n');
	details_write_note("The alert says: ", summary, out);
	details_write_note(*summary ? "  " : "The alert says: ", description, out);
	details_write_note("tracepager: ", cut, out);
}

void page_text_fill(struct arena *arena, const struct decide_input *input, struct decision *d)
{
	struct page *page = &d->page;
	struct buf details = BUF_INIT(LIMIT_PAGE_DETAILS_BYTES);
	const char *origin =
		d->has_signal && d->signal.service ? d->signal.service : d->alert.sender;

	page_facts_fill(arena, d);
	page->event = PAGE_TRIGGER;
	page->severity = d->routing.severity;
	page->summary = make_summary(arena, d);
	page->component = plain_text(arena, d->verdict.found ? d->verdict.suspect.service : "",
				     LIMIT_PAGE_LINE_COLUMNS);
	page->origin = plain_text(arena, origin, LIMIT_PAGE_LINE_COLUMNS);
	page->group = d->team ? d->team->name : "";
	page->kind = d->verdict.found ? suspect_kind_name(d->verdict.suspect.kind)
				      : fallback_code_name(d->verdict.fallback);
	page->at_us = input->now_us;
	page->status = "open";
	page_add_links(arena, input, d);
	page_write_details(d, &details);
	page->details = arena_strndup(arena, buf_text(&details), details.len);
	buf_fini(&details);
	page_template_fill(arena, d);
}
