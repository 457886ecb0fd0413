/*
 * Page template: summaries, details and addresses that the rules' templates make from a decision.
 * Every value goes through plain.h first: anyone who can write a span or an alert has chosen it.
 * Decides nothing; owns nothing.
 */
#include <stdio.h>
#include <string.h>

#include "decide-internal.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/template.h"

struct values {
	struct arena *arena;
	const struct decision *d;
	bool url;   /* the text is an address: values are escaped, not made plain */
	bool empty; /* some value is not known, and the template has no other text for it */
};

static const char *suspect_or_signal(const struct decision *d, const char *suspect,
				     const char *signal)
{
	return d->verdict.found ? suspect : d->has_signal ? signal : NULL;
}

/* First start and last end of the shown trace; false: there is no trace. */
static bool trace_span(const struct decision *d, int64_t *ret_start_us, int64_t *ret_end_us)
{
	const struct walk *walk = decision_walk(d);

	if (!walk || !walk->trace->nspans)
		return false;
	*ret_start_us = INT64_MAX;
	*ret_end_us = 0;
	for (uint32_t i = 0; i < walk->trace->nspans; i++) {
		const struct span *span = &walk->trace->spans[i];
		if (span->start_us < *ret_start_us)
			*ret_start_us = span->start_us;
		if (span_end_us(span) > *ret_end_us)
			*ret_end_us = span_end_us(span);
	}
	return true;
}

static const char *trace_time(const struct values *values, enum template_name name)
{
	char text[RFC3339_SIZE];
	int64_t start_us, end_us;

	if (!trace_span(values->d, &start_us, &end_us))
		return NULL;
	bool start = name == TEMPLATE_START || name == TEMPLATE_START_MS;
	int64_t us = start ? start_us : end_us;
	if (name == TEMPLATE_START || name == TEMPLATE_END)
		return arena_strdup(values->arena, rfc3339_format(us, text));
	/* Round the end up, so that the range covers the whole trace. */
	int64_t ms = us / US_PER_MS + (!start && us % US_PER_MS > 0);
	return arena_printf(values->arena, "%lld", (long long)ms);
}

/* From ten minutes before the alert began until this page, in milliseconds; without a start of the
 * alert, before the page. */
static const char *alert_time(const struct values *values, enum template_name name)
{
	const struct decision *d = values->d;
	int64_t since_us = d->page.since_us ? d->page.since_us : d->page.at_us;
	int64_t us = name == TEMPLATE_TO_MS ? d->page.at_us : since_us - LIMIT_LINK_BEFORE_US;

	return arena_printf(values->arena, "%lld", (long long)(us > 0 ? us / US_PER_MS : 0));
}

const char *decision_trace_id(const struct decision *d)
{
	const struct walk *walk = decision_walk(d);

	return walk ? trace_text(walk->trace, walk->trace->id) : NULL;
}

const char *decision_span_id(const struct decision *d)
{
	const struct suspect *suspect = &d->verdict.suspect;

	if (!d->verdict.found || !suspect->trace || suspect->span == TRACE_NONE)
		return NULL;
	return trace_text(suspect->trace, suspect->trace->spans[suspect->span].id);
}

/* A value of the verdict, its suspect or its trace. */
static const char *verdict_value(const struct values *values, enum template_name name)
{
	const struct decision *d = values->d;
	const struct suspect *suspect = &d->verdict.suspect;

	switch ((int)name) {
	case TEMPLATE_SERVICE:
		return suspect_or_signal(d, suspect->service, d->signal.service);
	case TEMPLATE_NAMESPACE:
		return suspect_or_signal(d, suspect->namespace, d->signal.namespace);
	case TEMPLATE_OPERATION:
		return suspect_or_signal(d, suspect->operation, d->signal.operation);
	case TEMPLATE_KIND:
		return d->page.kind;
	case TEMPLATE_ERROR:
		return d->verdict.found ? d->words : NULL;
	case TEMPLATE_CALLEE:
		return d->verdict.found ? suspect->callee : NULL;
	case TEMPLATE_CONFIDENCE:
		return arena_printf(values->arena, "%.2f", d->verdict.confidence);
	case TEMPLATE_AGREE:
		return arena_printf(values->arena, "%u", d->verdict.agree);
	case TEMPLATE_OF:
		return arena_printf(values->arena, "%u", d->verdict.of);
	case TEMPLATE_TRACE_ID:
		return decision_trace_id(d);
	case TEMPLATE_SPAN_ID:
		return decision_span_id(d);
	case TEMPLATE_FROM_MS:
	case TEMPLATE_TO_MS:
		return alert_time(values, name);
	default:
		return trace_time(values, name);
	}
}

static const char *sections_text(const struct values *values)
{
	BUF_LOCAL(out, LIMIT_PAGE_DETAILS_BYTES);

	page_write_details(&values->d->page, &out);
	const char *text = arena_strndup(values->arena, buf_text(&out), out.len);
	buf_fini(&out);
	return text;
}

static const char *page_template_value(const struct values *values,
				       const struct template_part *part)
{
	const struct decision *d = values->d;

	switch ((int)part->name) {
	case TEMPLATE_LABEL:
		return labels_get(&d->alert.labels, part->text);
	case TEMPLATE_ANNOTATION:
		return labels_get(&d->alert.annotations, part->text);
	case TEMPLATE_CRITICALITY:
		return d->service ? d->service->criticality : NULL;
	case TEMPLATE_TEAM:
		return d->team->title;
	case TEMPLATE_CHANNEL:
		return d->team->channel;
	case TEMPLATE_SEVERITY:
		return severity_name(d->page.severity);
	case TEMPLATE_ALERT:
		return labels_get(&d->alert.labels, "alertname");
	case TEMPLATE_SENDER:
		return d->alert.sender;
	case TEMPLATE_SIGNAL:
		return d->signal_rule ? d->signal_rule->name : NULL;
	case TEMPLATE_SIGNAL_SERVICE:
		return d->has_signal ? d->signal.service : NULL;
	case TEMPLATE_SIGNAL_OPERATION:
		return d->has_signal ? d->signal.operation : NULL;
	case TEMPLATE_SUMMARY:
		return d->page.summary;
	case TEMPLATE_DETAILS:
		return sections_text(values);
	default:
		return verdict_value(values, part->name);
	}
}

static const char *plain_value(void *ctx, const struct template_part *part)
{
	struct values *values = ctx;
	const char *value = page_template_value(values, part);

	if ((!value || !*value) && !part->otherwise)
		values->empty = true;

	/* The details are plain already, and consist of lines. */
	return values->url || part->name == TEMPLATE_DETAILS
		       ? value
		       : plain_text(values->arena, value, LIMIT_PAGE_LINE_COLUMNS);
}

static const char *page_template_make(struct arena *arena, const struct decision *d,
				      const struct rule_template *template, bool url, size_t most)
{
	struct values values = { .arena = arena, .d = d, .url = url };
	BUF_LOCAL(out, most);

	template_write(template, plain_value, &values, url, &out);
	/* An address with a hole in it leads nowhere. */
	bool broken = out.failed || (url && values.empty);
	const char *text = broken ? NULL : arena_strndup(arena, buf_text(&out), out.len);
	buf_fini(&out);
	return text;
}

const char *page_template_href(struct arena *arena, const struct decision *decision,
			       const struct rule_template *template)
{
	return template ? page_template_make(arena, decision, template, true, LIMIT_TEMPLATE_BYTES)
			: NULL;
}

void page_template_fill(struct arena *arena, struct decision *d)
{
	const struct routing *routing = &d->routing;
	const char *summary = NULL, *details = NULL;

	/* Make both before either replaces the page's own text, which {summary} and {details} mean.
	 * A text that is too long is not used. */
	if (routing->summary)
		summary =
			page_template_make(arena, d, routing->summary, false, LIMIT_TEMPLATE_BYTES);
	if (routing->details)
		details = page_template_make(arena, d, routing->details, false,
					     LIMIT_PAGE_DETAILS_BYTES + LIMIT_TEMPLATE_BYTES);
	if (summary && *summary)
		d->page.summary = plain_text(arena, summary, LIMIT_SUMMARY_CHARS);
	if (details && *details)
		d->page.details = details;
}
