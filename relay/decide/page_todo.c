/*
 * Page to do: the one sentence of a page that says what to do first: follow the runbook, look at
 * the span, or call the owners of the candidates. It names links by their text, which page_links.c
 * has filled before. Decides nothing; owns nothing.
 */
#include <string.h>

#include "decide-internal.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

static bool page_has_link(const struct page *page, const char *text)
{
	for (size_t i = 0; i < page->nlinks; i++)
		if (strcmp(page->links[i].text, text) == 0)
			return true;
	return false;
}

/* The team that the rules' entry of a service names; NULL: there is none. */
static const struct team *team_of_service(const struct decide_input *input, const char *service,
					  const char *namespace)
{
	const struct service_rule *rule =
		input->rules && service && *service
			? rules_service(input->rules, service, namespace ? namespace : "", NULL,
					NULL, NULL)
			: NULL;

	return rule ? rule->owner : NULL;
}

static const char *todo_take(struct arena *arena, struct buf *out)
{
	const char *text = arena_strndup(arena, buf_text(out), out->len);

	buf_fini(out);
	return text;
}

/* "call the candidates' owners: team logistics (shipping, stock), team search (catalog)"; "": the
 * rules own none of them. */
static const char *todo_candidates(struct arena *arena, const struct decide_input *input,
				   const struct verdict *verdict)
{
	const struct team *teams[ARRAY_LEN(verdict->runners_up)];
	BUF_LOCAL(out, ARRAY_LEN(teams) * (16 * LIMIT_PAGE_NAME_COLUMNS + 16) + 64);

	for (unsigned int i = 0; i < verdict->nrunners_up; i++)
		teams[i] = team_of_service(input, verdict->runners_up[i].service, NULL);
	for (unsigned int i = 0; i < verdict->nrunners_up; i++) {
		if (!teams[i])
			continue;
		buf_puts(&out, out.len ? "), team " : "call the candidates' owners: team ");
		plain_add(&out, teams[i]->name, LIMIT_PAGE_NAME_COLUMNS);
		buf_puts(&out, " (");
		plain_add(&out, verdict->runners_up[i].service, LIMIT_PAGE_NAME_COLUMNS);
		for (unsigned int j = i + 1; j < verdict->nrunners_up; j++) {
			if (teams[j] != teams[i])
				continue;
			buf_puts(&out, ", ");
			plain_add(&out, verdict->runners_up[j].service, LIMIT_PAGE_NAME_COLUMNS);
			teams[j] = NULL;
		}
	}
	buf_puts(&out, out.len ? ")" : "");
	return todo_take(arena, &out);
}

/* Of a suspect that nobody owns: "call team storefront, which owns web, the nearest caller of
 * refunds"; "": the rules own no service of the path. */
static const char *todo_caller(struct arena *arena, const struct decide_input *input,
			       const struct decision *d)
{
	const struct walk *walk = d->verdict.walk;
	BUF_LOCAL(out, 32 * LIMIT_PAGE_NAME_COLUMNS + 64);

	for (uint32_t i = walk ? walk->npath : 0; i-- > 0 && !out.len;) {
		const struct resource *resource =
			span_resource(walk->trace, &walk->trace->spans[walk->path[i]]);
		const char *service = trace_text(walk->trace, resource->service);
		const struct team *team = team_of_service(
			input, service, trace_text(walk->trace, resource->namespace));
		if (!team)
			continue;
		buf_puts(&out, "call team ");
		plain_add(&out, team->name, LIMIT_PAGE_NAME_COLUMNS);
		buf_puts(&out, ", which owns ");
		plain_add(&out, service, LIMIT_PAGE_NAME_COLUMNS);
		buf_puts(&out, ", the nearest caller of ");
		plain_add(&out, d->verdict.suspect.service, LIMIT_PAGE_NAME_COLUMNS);
		buf_puts(&out, " that has an owner");
	}
	return todo_take(arena, &out);
}

void page_todo_fill(struct arena *arena, const struct decide_input *input, struct decision *d)
{
	static const struct {
		const char *link, *todo;
	} by_link[] = {
		{ "Runbook", "follow the runbook" },
		{ "Alert's runbook", "follow the alert's runbook" },
		{ "Failing span", "look at the failing span in the trace" },
		{ "Slow span", "look at the slow span in the trace" },
	};
	struct page *page = &d->page;

	page->what_to_do = "";
	if (page_has_link(page, "Runbook") && d->verdict.found)
		page->what_to_do = "follow the runbook";
	else if (d->verdict.fallback == FALLBACK_LOW_CONFIDENCE && !d->verdict.found)
		page->what_to_do = todo_candidates(arena, input, &d->verdict);
	else if (d->verdict.fallback == FALLBACK_NO_OWNER)
		page->what_to_do = todo_caller(arena, input, d);
	for (size_t i = 0; i < ARRAY_LEN(by_link) && !*page->what_to_do; i++)
		if (page_has_link(page, by_link[i].link))
			page->what_to_do = by_link[i].todo;
}
