/* Audit, links: the runbooks, dashboards and links of entries that do not answer. */
#include "audit-internal.h"

#include <stdlib.h>

#include "link_check-internal.h"
#include "tracepager/limits.h"
#include "tracepager/template.h"
#include "tracepager/xalloc.h"

/* Where a link stands. */
struct link_place {
	const struct service_rule *rule;
	const char *kind;
};

struct link_list {
	struct arena *arena; /* borrowed */
	struct link *links;  /* heap */
	struct link_place *places;
	size_t n;
};

/* A login page (401, 403 or a redirect) is an answer. */
static bool link_is_dead(const struct link *link)
{
	return link->status == 0 || link->status == 404 || link->status == 410 ||
	       link->status >= 500;
}

/* A link with {names} in it is an address only with an alert's values, and is left out. */
static void collect_link(struct link_list *list, const struct service_rule *rule, const char *kind,
			 const struct rule_template *href)
{
	struct buf url = BUF_INIT(LIMIT_LABEL_BYTES);

	for (size_t i = 0; href && i < href->nparts; i++)
		if (href->parts[i].name != TEMPLATE_TEXT)
			return;
	if (!href)
		return;
	template_write(href, NULL, NULL, true, &url);
	list->links = xrealloc_array(list->links, list->n + 1, sizeof(*list->links));
	list->places = xrealloc_array(list->places, list->n + 1, sizeof(*list->places));
	list->links[list->n] = (struct link){ .url = arena_strdup(list->arena, buf_text(&url)) };
	list->places[list->n++] = (struct link_place){ rule, kind };
	buf_fini(&url);
}

static void collect_entry_links(struct link_list *list, const struct service_rule *rule)
{
	collect_link(list, rule, "runbook", rule->runbook);
	collect_link(list, rule, "dashboard", rule->dashboard);
	for (size_t i = 0; i < rule->nlinks; i++)
		collect_link(list, rule, rule->links[i].text, rule->links[i].href);
}

int audit_dead_links(const struct ruleset *rules, struct arena *arena, struct audit_table *table,
		     struct err *err)
{
	struct link_list list = { .arena = arena };
	size_t n;
	const struct service_rule *const *services = rules_services(rules, &n);

	for (size_t i = 0; i < n; i++)
		collect_entry_links(&list, services[i]);
	int result = links_check(list.links, list.n, err);
	for (size_t i = 0; i < list.n && result == 0; i++) {
		const struct link *link = &list.links[i];
		const struct link_place *at = &list.places[i];
		if (!link_is_dead(link))
			continue;
		const char *answer = link->status ? arena_printf(arena, "HTTP %d", link->status)
						  : arena_strdup(arena, link->error);
		audit_table_add(table, (const char *[]){ at->rule->name, at->kind, link->url,
							 answer, at->rule->place });
	}
	free(list.links);
	free(list.places);
	return result;
}
