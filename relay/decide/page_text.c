/*
 * Page text: fills a decision's page. The summary, made here, is for a lock screen, suspect first;
 * facts, sections, links and the rules' templates stand in page_*.c. All text from outside goes
 * through plain.h. Decides nothing; owns nothing.
 */
#include <string.h>

#include "decide-internal.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

/* ---- summary ---- */

static const char *alert_name(const struct decision *d)
{
	const char *name = d->has_alert ? labels_get(&d->alert.labels, "alertname") : NULL;

	return name ? name : d->has_alert ? "an alert without a name" : "";
}

static void summary_add_signal(const struct decision *d, struct buf *out, size_t columns)
{
	const char *service = d->has_signal && d->signal.service ? d->signal.service : "";
	const char *operation = d->has_signal && d->signal.operation ? d->signal.operation : "";
	BUF_LOCAL(both, 8 * LIMIT_PAGE_NAME_COLUMNS);

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
	BUF_LOCAL(signal, 8 * LIMIT_PAGE_NAME_COLUMNS);
	BUF_LOCAL(name, 8 * LIMIT_PAGE_NAME_COLUMNS);

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
	BUF_LOCAL(out, 8 * LIMIT_SUMMARY_CHARS);

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

/* The alert's own words in one line: the first of its annotations for people that says more than
 * the name, which many monitors send for both. */
static void summary_add_alert_words(const struct decision *d, struct buf *out)
{
	static const char *const words[] = { "summary", "description", "message" };
	const char *said = "";

	for (size_t i = 0; i < ARRAY_LEN(words) && !*said; i++) {
		said = decision_annotation(d, words[i]);
		if (strcmp(said, alert_name(d)) == 0)
			said = "";
	}
	plain_add(out, said, 2 * LIMIT_PAGE_NAME_COLUMNS);
}

static void summary_add_environment(const struct decision *d, struct buf *out)
{
	if (!*d->page.environment)
		return;
	buf_puts(out, out->len ? ", " : "");
	buf_puts(out, d->page.environment);
}

/* "ledger: disk is full — breaks checkout POST /orders (PlaceOrderErrors), prod eu1" */
static char *summary_of_suspect(struct arena *arena, const struct decision *d)
{
	BUF_LOCAL(head, 16 * LIMIT_PAGE_NAME_COLUMNS);
	BUF_LOCAL(tail, 16 * LIMIT_PAGE_NAME_COLUMNS);
	BUF_LOCAL(middle, 16 * LIMIT_PAGE_NAME_COLUMNS);

	summary_add_suspect(d, &head);
	plain_add(&middle, d->words, LIMIT_PAGE_ERROR_COLUMNS);
	summary_add_alert(d, &tail);
	summary_add_environment(d, &tail);
	char *text = fit_summary(arena, buf_text(&head), buf_text(&middle), buf_text(&tail));
	buf_fini(&head);
	buf_fini(&middle);
	buf_fini(&tail);
	return text;
}

/* The cause in a few words, where none was found: "cause unknown: no trace found". */
static void summary_add_unknown_cause(const struct decision *d, struct buf *out)
{
	const struct verdict *verdict = &d->verdict;

	if (verdict->fallback != FALLBACK_LOW_CONFIDENCE || !verdict->nrunners_up) {
		buf_printf(out, "cause unknown: %s", fallback_words(verdict->fallback));
		return;
	}
	buf_puts(out, "cause not certain: ");
	for (unsigned int i = 0; i < verdict->nrunners_up; i++) {
		if (i == LIMIT_SUMMARY_CANDIDATES) {
			buf_puts(out, " …");
			break;
		}
		buf_puts(out, !i ? "" : i + 1 < verdict->nrunners_up ? ", " : " or ");
		plain_add(out, verdict->runners_up[i].service, LIMIT_PAGE_NAME_COLUMNS);
	}
}

/* "NodeDown db17:9100 — db17 is down, prod eu1"; of an alert about a traced operation "CartErrors:
 * carts fail — web GET /cart, prod eu1 — cause unknown: no trace found". */
static char *summary_of_alert(struct arena *arena, const struct decision *d)
{
	BUF_LOCAL(head, 16 * LIMIT_PAGE_NAME_COLUMNS);
	BUF_LOCAL(tail, 32 * LIMIT_PAGE_NAME_COLUMNS);
	BUF_LOCAL(middle, 16 * LIMIT_PAGE_NAME_COLUMNS);
	const bool traced = !decision_is_untraced(d);
	const char *instance = traced ? NULL : page_alert_instance(d), *name = alert_name(d);

	if (*name)
		plain_add(&head, name, LIMIT_PAGE_NAME_COLUMNS);
	else
		summary_add_signal(d, &head, LIMIT_PAGE_NAME_COLUMNS);
	if (instance) {
		buf_putc(&head, ' ');
		plain_add(&head, instance, LIMIT_PAGE_NAME_COLUMNS);
	}
	summary_add_alert_words(d, traced ? &middle : &tail);
	if (traced && *name)
		summary_add_signal(d, &tail, LIMIT_PAGE_NAME_COLUMNS);
	summary_add_environment(d, &tail);
	if (traced) {
		buf_puts(&tail, tail.len ? " — " : "");
		summary_add_unknown_cause(d, &tail);
	}
	char *text = fit_summary(arena, buf_text(&head), buf_text(&middle), buf_text(&tail));
	buf_fini(&head);
	buf_fini(&middle);
	buf_fini(&tail);
	return text;
}

/* The suspect as one name: of a callee without spans, which the headline names, the callee's. */
static const char *page_component(const struct decision *d)
{
	const struct suspect *suspect = &d->verdict.suspect;

	if (!d->verdict.found)
		return "";
	return suspect->kind == SUSPECT_PEER && names_callee(d) ? suspect->callee
								: suspect->service;
}

/* In every kind's headline and banner, whatever the rules' templates say. */
static void page_mark_drill(struct arena *arena, struct decision *d)
{
	struct page *page = &d->page;
	const char *who = decision_annotation(d, DRILL_MARK);
	const char *banner = page->banner && *page->banner ? page->banner : NULL;

	page->summary = plain_text(arena, arena_printf(arena, "DRILL: %s", page->summary),
				   LIMIT_SUMMARY_CHARS);
	page->banner =
		arena_printf(arena, "DRILL: nothing is broken, %s started a fire drill%s%s",
			     *who ? who : "somebody", banner ? "; a real page would say: " : "",
			     banner ? banner : "");
}

void page_text_fill(struct arena *arena, const struct decide_input *input, struct decision *d)
{
	struct page *page = &d->page;
	const char *origin =
		d->has_signal && d->signal.service ? d->signal.service : d->alert.sender;

	page_facts_fill(arena, d);
	page->event = PAGE_TRIGGER;
	page->severity = d->routing.severity;
	page->summary =
		d->verdict.found ? summary_of_suspect(arena, d) : summary_of_alert(arena, d);
	page->component = plain_text(arena, page_component(d), LIMIT_PAGE_LINE_COLUMNS);
	page->origin = plain_text(arena, origin, LIMIT_PAGE_LINE_COLUMNS);
	page->group = d->team ? d->team->name : "";
	page->kind = d->verdict.found ? suspect_kind_name(d->verdict.suspect.kind)
				      : fallback_code_name(d->verdict.fallback);
	page->at_us = input->now_us;
	page->status = "open";
	page_links_fill(arena, input, d);
	page_todo_fill(arena, input, d);
	page_sections_fill(arena, input, d);
	page_template_fill(arena, d);
	next_owners_fill(arena, input, d);
	if (d->has_alert && alert_synthetic(&d->alert) == SYNTHETIC_DRILL)
		page_mark_drill(arena, d);
}
