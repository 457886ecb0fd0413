/*
 * Page links: the addresses of a page: runbook, dashboard, failing span, those of the rules, those
 * of the alert. A link of which a value is not known is left out, and so is an address that could
 * do harm. Decides nothing; owns nothing.
 */
#include <string.h>
#include <strings.h>

#include "decide-internal.h"
#include "tracepager/limits.h"
#include "tracepager/template.h"
#include "tracepager/xalloc.h"

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
	BUF_LOCAL(out, 2 * LIMIT_HREF_BYTES);
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

/* What the link to the trace shows first. */
static const char *trace_link_text(const struct decision *d, const char *template)
{
	const struct suspect *suspect = &d->verdict.suspect;

	if (!decision_span_id(d) || !strstr(template, "{span_id}"))
		return "Trace";
	return span_failing(suspect->trace, &suspect->trace->spans[suspect->span], true)
		       ? "Failing span"
		       : "Slow span";
}

void page_links_fill(struct arena *arena, const struct decide_input *input, struct decision *d)
{
	struct page *page = &d->page;

	if (d->service) {
		page_add_link(page, "Runbook", page_template_href(arena, d, d->service->runbook));
		page_add_link(page, "Dashboard",
			      page_template_href(arena, d, d->service->dashboard));
	}
	if (decision_walk(d) && input->trace_link)
		page_add_link(page, trace_link_text(d, input->trace_link),
			      trace_href(arena, d, input->trace_link));
	for (size_t i = 0; d->service && i < d->service->nlinks; i++)
		page_add_link(page, d->service->links[i].text,
			      page_template_href(arena, d, d->service->links[i].href));
	page_add_link(page, "Alert's query", d->alert.generator_url);
	page_add_link(page, "Alert's runbook", decision_annotation(d, "runbook_url"));
	page_add_link(page, "Alert's dashboard", decision_annotation(d, "dashboard_url"));
}
