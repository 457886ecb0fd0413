/*
 * Next owners: the teams beside the paged one. Those to which "not ours" leads: the owners of the
 * runners-up, then the team whose operation fails; and that team where a route notifies it. Only
 * teams that a rule names count. Look-ups leave no trail. Pure; owns nothing.
 */
#include <string.h>

#include "decide-internal.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

/* The list as it grows. */
struct next_owners {
	struct arena *arena;
	const struct decide_input *input;
	struct decision *decision;
	const struct team *teams[LIMIT_NEXT_OWNERS];
	size_t n;
	struct buf lines;
};

/* why: what stands behind "owns NAME": ", a runner-up". */
static void next_add(struct next_owners *next, const struct team *team, const char *name,
		     const char *why)
{
	if (!team || team == next->decision->team || team == rules_fallback(next->input->rules) ||
	    next->n == ARRAY_LEN(next->teams))
		return;
	for (size_t i = 0; i < next->n; i++)
		if (next->teams[i] == team)
			return;
	buf_printf(&next->lines, "%s%s\towns ", next->n ? "\n" : "", team->name);
	plain_add(&next->lines, name, LIMIT_PAGE_NAME_COLUMNS);
	buf_puts(&next->lines, why);
	next->teams[next->n++] = team;
}

/* The service as the traces show it: attributes of its resource may tell its entry. */
static struct suspect seen_service(const struct decision *d, const char *service)
{
	struct suspect seen = { .service = service, .namespace = "", .span = TRACE_NONE };
	const struct trace_set *before = NULL;

	for (unsigned int i = 0; i < d->nwalks; i++) {
		const struct trace *trace = d->walks[i].trace;
		const struct trace_set *set = trace->set;
		for (uint32_t k = 0; set != before && k < set->nresources; k++) {
			const struct resource *resource = &set->resources[k];
			if (strcmp(trace_text(trace, resource->service), service) != 0)
				continue;
			seen.trace = trace;
			seen.resource = resource;
			seen.namespace = trace_text(trace, resource->namespace);
			return seen;
		}
		before = set;
	}
	return seen;
}

static const struct team *next_service_owner(const struct next_owners *next, const char *service)
{
	struct suspect seen = seen_service(next->decision, service);

	if (!*service || is_unknown_service(service))
		return NULL;
	const struct service_rule *rule = rules_service(next->input->rules, service, seen.namespace,
							rules_suspect_attr, &seen, NULL);
	return rule ? rule->owner : NULL;
}

/* Of a failing call, the callee's owner comes before the caller's. */
static void next_add_runner_up(struct next_owners *next, const struct runner_up *other)
{
	const struct verdict *verdict = &next->decision->verdict;
	const char *what = verdict->found ? "a runner-up" : "a candidate";
	const char *service = other->service ? other->service : "";
	const char *why = arena_printf(next->arena, ", %s", what);
	const struct service_rule *callee = NULL;

	if (other->agree && verdict->of)
		why = arena_printf(next->arena, ", %s (%u of %u trace%s)", what, other->agree,
				   verdict->of, verdict->of == 1 ? "" : "s");
	if (other->callee && !is_unknown_service(other->callee))
		callee = rules_peer(next->input->rules, &other->callee, 1, NULL);
	if (callee)
		next_add(next, callee->owner, other->callee, why);
	/* The rules may have made the callee the suspect: then the service is its entry. */
	if (!callee || strcmp(callee->name, service) != 0)
		next_add(next, next_service_owner(next, service), service, why);
}

void next_owners_fill(struct arena *arena, const struct decide_input *input, struct decision *d)
{
	struct next_owners next = { .arena = arena, .input = input, .decision = d };
	const char *owned = NULL;

	/* The names of LIMIT_NEXT_OWNERS teams, and a line of the page for each. */
	buf_init(&next.lines,
		 LIMIT_NEXT_OWNERS * (LIMIT_RULE_NAME_BYTES + 16 * LIMIT_PAGE_NAME_COLUMNS + 64));
	/* A route may page another team than the owner of the suspect. */
	if (d->verdict.found && d->service)
		next_add(&next, d->service->owner, d->service->name, ", the suspect");
	for (unsigned int i = 0; i < d->verdict.nrunners_up; i++)
		next_add_runner_up(&next, &d->verdict.runners_up[i]);
	const struct team *team = owner_of_signal(arena, input, d, &owned);
	if (team)
		next_add(&next, team, owned, ", whose operation fails");
	d->page.next_owners = arena_strndup(arena, buf_text(&next.lines), next.lines.len);
	buf_fini(&next.lines);
}

static bool has_pager(const struct pager *const *pagers, size_t n, const struct pager *pager)
{
	for (size_t i = 0; i < n; i++)
		if (pagers[i] == pager)
			return true;
	return false;
}

void next_owners_notify(struct arena *arena, const struct decide_input *input, struct decision *d)
{
	struct routing *routing = &d->routing;
	const size_t before = routing->nalso_notify;
	const char *owned = NULL;
	size_t npaged;

	if (!routing->notify_entry_owner || d->no_page)
		return;
	const struct pager *const *paged = decision_pagers(d, &npaged);
	const struct team *team = owner_of_signal(arena, input, d, &owned);
	if (!team || team == d->team)
		return;
	const struct pager *lost;
	const struct escalation_step step =
		step_of_team(arena, input->rules, &team->escalation->steps[0], team, &lost);
	for (size_t i = 0; i < step.npagers; i++)
		if (!has_pager(paged, npaged, step.pagers[i]) &&
		    !has_pager(routing->also_notify, routing->nalso_notify, step.pagers[i]) &&
		    routing->nalso_notify < ARRAY_LEN(routing->also_notify))
			routing->also_notify[routing->nalso_notify++] = step.pagers[i];
	if (routing->nalso_notify > before)
		owner_add_reason(d, arena_printf(arena,
						 "team %s owns %s, whose operation fails: it is "
						 "notified too",
						 team->name, owned));
}
