/*
 * Explain, text: a decision for a person at a terminal, in the order of a page. First the suspect,
 * the alert and who is paged, then one trace of the vote, the reasons, what else it could be, and
 * what to do. Strings of traces and
 * alerts go through plain.h, so that no control character of theirs is printed.
 */
#include "explain-internal.h"

#include <string.h>

#include "wrap-internal.h"
#include "tracepager/cells.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/waterfall.h"

#define FIELD_COLUMNS 12
#define TEXT_COLUMNS  1000
#define TEXT_BYTES    (4 * TEXT_COLUMNS + 64)
#define TREE_LINES    24
/* Steps of an escalation that are told: the decision's JSON has all of them. */
#define STEPS_SHOWN 8
/* So many rules that missed for one fact are one line, which names some of the values. */
#define TRIES_FOLDED 4
#define VALUES_SHOWN 4

struct explain_text {
	const struct explain_text_options *options;
	struct buf *out;
};

enum style {
	STYLE_NONE,
	STYLE_GOOD,
	STYLE_BAD,
	STYLE_TITLE,
	STYLE_FIELD,
};

static void begin_style(struct explain_text *t, enum style style)
{
	static const char *const codes[] = {
		[STYLE_NONE] = "",	   [STYLE_GOOD] = "\033[1;31m", [STYLE_BAD] = "\033[1;33m",
		[STYLE_TITLE] = "\033[1m", [STYLE_FIELD] = "\033[2m",
	};

	if (t->options->colour)
		buf_puts(t->out, codes[style]);
}

static void end_style(struct explain_text *t, enum style style)
{
	if (t->options->colour && style != STYLE_NONE)
		buf_puts(t->out, "\033[0m");
}

/* Text from the column `used` on, wrapped; further lines begin after `indent` blanks. */
static void explain_add_wrapped(struct explain_text *t, enum style style, const char *text,
				size_t len, size_t used, size_t indent)
{
	for (;;) {
		size_t n = wrap_bytes(text, len, t->options->columns - used);
		begin_style(t, style);
		buf_add(t->out, text, n);
		end_style(t, style);
		buf_putc(t->out, '\n');
		text += n;
		len -= n;
		while (len && *text == ' ') {
			text++;
			len--;
		}
		if (!len)
			return;
		for (used = 0; used < indent; used++)
			buf_putc(t->out, ' ');
	}
}

static void add_field(struct explain_text *t, const char *name, const struct buf *value)
{
	if (!value->len)
		return;
	begin_style(t, STYLE_FIELD);
	plain_pad(t->out, name, FIELD_COLUMNS);
	end_style(t, STYLE_FIELD);
	explain_add_wrapped(t, STYLE_NONE, value->data, value->len, FIELD_COLUMNS, FIELD_COLUMNS);
}

static void add_item(struct explain_text *t, const char *item)
{
	struct buf line = BUF_INIT(TEXT_BYTES);

	plain_add(&line, item, TEXT_COLUMNS);
	buf_puts(t->out, "  - ");
	explain_add_wrapped(t, STYLE_NONE, buf_text(&line), line.len, 4, 4);
	buf_fini(&line);
}

static void add_title(struct explain_text *t, const char *title)
{
	buf_putc(t->out, '\n');
	explain_add_wrapped(t, STYLE_TITLE, title, strlen(title), 0, 2);
}

static void explain_write_headline(struct explain_text *t, const struct decision *d)
{
	const struct verdict *verdict = &d->verdict;
	struct buf line = BUF_INIT(TEXT_BYTES);
	enum style style = verdict->found ? STYLE_GOOD : STYLE_BAD;

	if (verdict->found) {
		explain_who(&verdict->suspect, &line);
		buf_puts(&line, ": ");
		plain_add(&line, d->words, 4 * EXPLAIN_NAME_COLUMNS);
	} else {
		buf_puts(&line, "No suspect: ");
		plain_add(&line, verdict->fallback_text, 4 * EXPLAIN_NAME_COLUMNS);
		buf_printf(&line, " [%s]", fallback_code_name(verdict->fallback));
	}
	explain_add_wrapped(t, style, line.data, line.len, 0, 2);
	buf_fini(&line);
}

static void explain_write_suspect(struct explain_text *t, const struct verdict *verdict)
{
	struct buf value = BUF_INIT(TEXT_BYTES);
	const struct suspect *suspect = &verdict->suspect;

	if (!verdict->found)
		return;
	if (suspect->namespace && *suspect->namespace) {
		plain_add(&value, suspect->namespace, EXPLAIN_NAME_COLUMNS);
		buf_putc(&value, '/');
	}
	plain_add(&value, suspect->service, EXPLAIN_NAME_COLUMNS);
	if (suspect->operation && *suspect->operation) {
		buf_puts(&value, ", ");
		plain_add(&value, suspect->operation, EXPLAIN_NAME_COLUMNS);
	}
	if (suspect->callee) {
		buf_puts(&value, explain_calls_callee(suspect) ? ", calling " : ", known as ");
		plain_add(&value, suspect->callee, EXPLAIN_NAME_COLUMNS);
	}
	buf_printf(&value, " (%s)", suspect_kind_name(suspect->kind));
	add_field(t, "suspect", &value);
	buf_reset(&value);
	buf_printf(&value, "%.2f (%s), %u of %u trace%s", verdict->confidence,
		   confidence_words(verdict->confidence), verdict->agree, verdict->of,
		   verdict->of == 1 ? "" : "s");
	add_field(t, "confidence", &value);
	buf_fini(&value);
}

static void explain_write_differs(struct explain_text *t, const struct verdict *verdict)
{
	if (verdict->ndiffers)
		add_title(t, "What differs");
	for (unsigned int i = 0; i < verdict->ndiffers; i++)
		add_item(t, verdict->differs[i].text);
}

static void explain_write_runners_up(struct explain_text *t, const struct verdict *verdict)
{
	if (verdict->nrunners_up)
		add_title(t, verdict->found ? "It could also be" : "It could be");
	for (unsigned int i = 0; i < verdict->nrunners_up; i++) {
		const struct runner_up *other = &verdict->runners_up[i];
		struct buf line = BUF_INIT(TEXT_BYTES);
		plain_add(&line, other->service, EXPLAIN_NAME_COLUMNS);
		if (other->callee) {
			buf_puts(&line, " → ");
			plain_add(&line, other->callee, EXPLAIN_NAME_COLUMNS);
		}
		if (other->agree)
			buf_printf(&line, ", %u of %u trace%s", other->agree, verdict->of,
				   verdict->of == 1 ? "" : "s");
		add_item(t, buf_text(&line));
		buf_fini(&line);
	}
}

static void explain_write_alert(struct explain_text *t, const struct decision *d)
{
	struct buf value = BUF_INIT(TEXT_BYTES);
	char since[RFC3339_SIZE];

	if (d->has_alert) {
		const char *name = labels_get(&d->alert.labels, "alertname");
		plain_add(&value, name ? name : "without a name", EXPLAIN_NAME_COLUMNS);
		buf_printf(&value, ", %s, %s",
			   d->alert.status == ALERT_RESOLVED ? "resolved" : "firing",
			   severity_name(alert_severity(&d->alert)));
		if (d->alert.starts_at_us)
			buf_printf(&value, ", since %s",
				   rfc3339_format(d->alert.starts_at_us, since));
		add_field(t, "alert", &value);
		buf_reset(&value);
	}
	if (d->has_signal) {
		plain_add(&value, d->signal.service, EXPLAIN_NAME_COLUMNS);
		if (d->signal.operation && *d->signal.operation) {
			buf_puts(&value, value.len ? " " : "");
			plain_add(&value, d->signal.operation, EXPLAIN_NAME_COLUMNS);
		}
		buf_printf(&value, " (from the %s)", d->signal.from);
		add_field(t, "signal", &value);
	}
	/* A decision without rules has no page, and so no facts. */
	buf_reset(&value);
	plain_add(&value, d->page.environment, TEXT_COLUMNS);
	add_field(t, "where", &value);
	buf_reset(&value);
	plain_add(&value, d->page.instance, TEXT_COLUMNS);
	add_field(t, "instance", &value);
	buf_reset(&value);
	plain_add(&value, d->page.labels, TEXT_COLUMNS);
	add_field(t, "labels", &value);
	buf_reset(&value);
	plain_add(&value, d->burn ? d->burn->text : NULL, TEXT_COLUMNS);
	add_field(t, "budget", &value);
	buf_fini(&value);
}

static void add_pagers(const struct pager *const *pagers, size_t n, const char *before,
		       struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i ? ", " : before);
		plain_add(out, pagers[i]->name, EXPLAIN_NAME_COLUMNS);
	}
}

/* "; after 10 min console (team sre); after 15 min all again; after 15 min the fallback team": what
 * follows the first step. */
static void add_further_steps(const struct escalation *escalation, struct buf *out)
{
	const struct escalation_step *steps = escalation->steps;
	const int64_t last_us = steps[escalation->nsteps - 1].wait_us;
	char after[PLAIN_DURATION_SIZE];

	for (size_t i = 1; i < escalation->nsteps; i++) {
		if (i == STEPS_SHOWN) {
			buf_puts(out, "; then ");
			buf_count(out, escalation->nsteps - i, "more step", "more steps");
			break;
		}
		buf_printf(out, "; after %s ", plain_duration(steps[i - 1].wait_us, after));
		add_pagers((const struct pager *const *)steps[i].pagers, steps[i].npagers, "", out);
		if (steps[i].team) {
			buf_puts(out, " (team ");
			plain_add(out, steps[i].team->name, EXPLAIN_NAME_COLUMNS);
			buf_putc(out, ')');
		}
	}
	if (escalation->repeat)
		buf_printf(out, "; after %s all again", plain_duration(last_us, after));
	if (escalation->repeat > 1)
		buf_printf(out, ", %u times", escalation->repeat);
	if (last_us)
		buf_printf(out, "; after %s the fallback team", plain_duration(last_us, after));
}

static void explain_write_owner(struct explain_text *t, const struct decision *d)
{
	struct buf value = BUF_INIT(TEXT_BYTES);
	const struct escalation *escalation = decision_escalation(d);
	const struct routing *routing = &d->routing;
	size_t n;
	const struct pager *const *pagers = decision_pagers(d, &n);

	if (!t->options->has_rules)
		buf_puts(&value, "unknown: no rules are given (--rules DIR)");
	for (unsigned int i = 0; i < d->nowner_reasons; i++) {
		buf_puts(&value, i ? "; " : "");
		plain_add(&value, d->owner_reasons[i], 4 * EXPLAIN_NAME_COLUMNS);
	}
	add_field(t, "owner", &value);
	buf_reset(&value);
	add_pagers(pagers, n, "", &value);
	if (escalation)
		add_further_steps(escalation, &value);
	if (!d->no_page)
		add_pagers(routing->also_notify, routing->nalso_notify, "; also ", &value);
	add_field(t, "paged", &value);
	buf_fini(&value);
}

/* The critical path and each service's own time on it, of a walk by latency. */
static void explain_write_own_times(struct explain_text *t, const struct walk *walk,
				    const struct waterfall_options *options)
{
	if (!options->nown)
		return;
	add_title(t, "Own time on the critical path");
	waterfall_own_write(walk->trace, options, t->out);
}

/* What the marks mean: of lines without colours, whose codes would stand before the marks. */
static void explain_write_legend(struct explain_text *t, const struct walk *walk,
				 struct waterfall_options options)
{
	struct buf lines = BUF_INIT(LIMIT_PAGE_DETAILS_BYTES);

	options.colour = false;
	waterfall_write(walk, &options, &lines);
	waterfall_legend_write(walk, buf_text(&lines), t->out);
	buf_fini(&lines);
}

static void explain_write_trace(struct explain_text *t, const struct decision *d)
{
	const struct walk *walk = decision_walk(d);
	struct waterfall_options options = {
		.lines = TREE_LINES,
		.columns = t->options->columns,
		.colour = t->options->colour,
	};
	struct buf line = BUF_INIT(TEXT_BYTES);

	if (!walk)
		return;
	buf_puts(&line, "Trace ");
	plain_add(&line, trace_text(walk->trace, walk->trace->id), EXPLAIN_NAME_COLUMNS);
	buf_printf(&line, ", %u span%s, %u failing%s", walk->trace->nspans,
		   walk->trace->nspans == 1 ? "" : "s", walk->error_spans,
		   walk->trace->partial ? ", spans are missing" : "");
	add_title(t, buf_text(&line));
	buf_fini(&line);
	if (walk->mode == WALK_LATENCY) {
		options.own = walk->critical;
		options.nown = walk->ncritical;
	}
	explain_write_legend(t, walk, options);
	waterfall_write(walk, &options, t->out);
	explain_write_own_times(t, walk, &options);
	if (d->nwalks > 1) {
		add_title(t, "All traces");
		explain_traces_write(d, t->options, t->out);
	}
}

static void explain_write_reasons(struct explain_text *t, const struct decision *d)
{
	const struct walk *walk = decision_walk(d);

	/* The verdict's reasons hold those of the walk that was chosen to show; a verdict without
	 * reasons leaves the walk's own. */
	const char *const *reasons =
		d->verdict.nreasons || !walk ? d->verdict.reasons : walk->reasons;
	unsigned int n = d->verdict.nreasons || !walk ? d->verdict.nreasons : walk->nreasons;
	if (n)
		add_title(t, "Why");
	for (unsigned int i = 0; i < n; i++)
		add_item(t, reasons[i]);
	for (unsigned int i = 0; i < d->verdict.limits.n; i++) {
		struct buf line = BUF_INIT(TEXT_BYTES);
		verdict_limit_write(&d->verdict.limits.at[i], &line);
		add_item(t, buf_text(&line));
		buf_fini(&line);
	}
}

/* The page's texts are plain already: they need no plain_add(). */
static void explain_write_page(struct explain_text *t, const struct decision *d)
{
	struct buf value = BUF_INIT(TEXT_BYTES);

	if (d->team && !d->no_page)
		buf_printf(&value, "[%s] %s", severity_name(d->page.severity), d->page.summary);
	add_field(t, "page", &value);
	buf_fini(&value);
}

/* Links are neither cut nor wrapped: half a link leads nowhere. */
static void explain_write_links(struct explain_text *t, const struct decision *d)
{
	const struct page *page = &d->page;

	if (page->nlinks)
		add_title(t, "What to do");
	for (size_t i = 0; i < page->nlinks; i++)
		buf_printf(t->out, "  %s: %s\n", page->links[i].text, page->links[i].href);
}

static void explain_write_try(struct explain_text *t, const struct rule_try *try)
{
	buf_printf(t->out, "  %s: %s ", try->place, rule_sort_name(try->sort));
	if (try->name)
		buf_printf(t->out, "%s ", try->name);
	buf_puts(t->out, "- ");
	plain_add(t->out, try->reason, TEXT_COLUMNS);
	buf_putc(t->out, '\n');
}

/* What the alert or the suspect has, in a reason such as "severity is critical, not info". Returns
 * its length; 0: the reason is no such one. */
static size_t reason_fact(const char *reason)
{
	const char *not = strstr(reason, ", not ");

	return not ? (size_t)(not -reason) + strlen(", not ") : 0;
}

/* How many rules from the first on did not match for the same fact: "severity is critical". */
static size_t same_fact(const struct rule_try *tries, size_t n)
{
	const size_t len = reason_fact(tries[0].reason);
	size_t i = 1;

	while (len && i < n && tries[i].sort == tries[0].sort &&
	       strncmp(tries[i].reason, tries[0].reason, len) == 0)
		i++;
	return i;
}

/* Many rules that missed for one fact are one line, with the first values that they ask for; JSON
 * has all of them. */
static void explain_write_folded(struct explain_text *t, const struct rule_try *tries, size_t n)
{
	const size_t len = reason_fact(tries[0].reason);
	struct buf line = BUF_INIT(VALUES_SHOWN * TEXT_BYTES + 512);
	const char *last = "";
	size_t shown = 0;

	buf_printf(&line, "%.300s and %zu other %ss - ", tries[0].place, n - 1,
		   rule_sort_name(tries[0].sort));
	for (size_t i = 0; i < n && shown <= VALUES_SHOWN; i++) {
		const char *value = tries[i].reason + len;
		if (strcmp(value, last) == 0)
			continue;
		if (shown)
			buf_puts(&line, shown == VALUES_SHOWN ? ", ..." : ", ");
		if (shown < VALUES_SHOWN)
			plain_add(&line, shown ? value : tries[i].reason, TEXT_COLUMNS);
		last = value;
		shown++;
	}
	buf_puts(t->out, "  ");
	explain_add_wrapped(t, STYLE_NONE, buf_text(&line), line.len, 2, 4);
	buf_fini(&line);
}

static void explain_write_tries(struct explain_text *t, const char *title,
				const struct rule_try *tries, size_t n)
{
	if (n)
		add_title(t, title);
	for (size_t i = 0, run; i < n; i += run) {
		run = same_fact(tries + i, n - i);
		if (run >= TRIES_FOLDED)
			explain_write_folded(t, tries + i, run);
		else
			for (size_t j = i; j < i + run; j++)
				explain_write_try(t, &tries[j]);
	}
}

/* With --why only: there may be thousands of rules. */
static void explain_write_rules(struct explain_text *t, const struct decision *d)
{
	if (!d->trail.all)
		return;
	explain_write_tries(t, "Rules that matched", d->trail.matched, d->trail.nmatched);
	explain_write_tries(t, "Rules that did not", d->trail.missed, d->trail.nmissed);
}

void explain_text_write(const struct decision *d, const struct explain_text_options *options,
			struct buf *out)
{
	struct explain_text t = { options, out };

	/* The order of a page: what, since when and where, how sure, whose, the trace, why. */
	explain_write_headline(&t, d);
	explain_write_alert(&t, d);
	explain_write_suspect(&t, &d->verdict);
	explain_write_owner(&t, d);
	explain_write_page(&t, d);
	explain_write_differs(&t, &d->verdict);
	explain_write_trace(&t, d);
	explain_write_reasons(&t, d);
	explain_write_runners_up(&t, &d->verdict);
	explain_write_links(&t, d);
	explain_write_rules(&t, d);
}

void explain_line_write(const struct decision *d, const struct explain_text_options *options,
			struct buf *out)
{
	const struct verdict *verdict = &d->verdict;
	const struct walk *walk = decision_walk(d);
	struct buf who = BUF_INIT(TEXT_BYTES);
	size_t room = options->columns, part = room / 3;

	room -= cells_add(out, walk ? trace_text(walk->trace, walk->trace->id) : "-", part);
	buf_putc(out, ' ');
	if (verdict->found) {
		explain_who(&verdict->suspect, &who);
		room -= 1 + cells_add(out, buf_text(&who), part);
		buf_reset(&who);
		buf_printf(&who, " (%s, %.2f): ", suspect_kind_name(verdict->suspect.kind),
			   verdict->confidence);
		plain_add(&who, d->words, TEXT_COLUMNS / 2);
	} else {
		room -= 1;
		buf_printf(&who, "no suspect [%s]: ", fallback_code_name(verdict->fallback));
		plain_add(&who, verdict->fallback_text, TEXT_COLUMNS / 2);
	}
	if (verdict->found && room) {
		buf_putc(out, ' ');
		room--;
	}
	cells_add(out, buf_text(&who), room);
	buf_putc(out, '\n');
	buf_fini(&who);
}
