/*
 * Pagers by team: which pagers a step, an escalation or a route means for the team that is paged.
 * Refuses to decide who is paged. Pure; owns nothing.
 */
#include "engine-internal.h"

#include <string.h>

const struct pager *pager_of_team(const struct pager *pager, const struct team *team)
{
	if (!pager->teams)
		return pager;
	return pager->teams[team->number].name ? &pager->teams[team->number] : NULL;
}

void rules_each_pager(const struct ruleset *rules, pager_viewer *viewer, void *ctx)
{
	size_t n;
	const struct pager *pagers = rules_pagers(rules, &n);

	for (size_t i = 0; i < n; i++) {
		const struct team *team;
		if (!pagers[i].teams)
			viewer(ctx, &pagers[i]);
		for (size_t pos = 0; pagers[i].teams && (team = rules_each_team(rules, &pos));)
			if (pager_of_team(&pagers[i], team))
				viewer(ctx, pager_of_team(&pagers[i], team));
	}
}

static bool any_by_team(const struct pager *const *pagers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pagers[i]->teams)
			return true;
	return false;
}

/* Puts the team's pagers into `to`, which may be `from`. Returns their number. */
static size_t pagers_of_team(const struct pager *const *from, size_t n, const struct team *team,
			     const struct pager **to, const struct pager **lost)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		const struct pager *pager = pager_of_team(from[i], team);
		if (pager)
			to[kept++] = pager;
		else
			*lost = from[i];
	}
	return kept;
}

struct escalation_step step_of_team(struct arena *arena, const struct ruleset *rules,
				    const struct escalation_step *step, const struct team *team,
				    const struct pager **ret_lost)
{
	const struct escalation_step *from = step;
	const struct team *paged = step->team ? step->team : team;
	struct escalation_step bound = *step;

	*ret_lost = NULL;
	/* At most twice: the load has proved that the fallback team can be paged. */
	while (any_by_team((const struct pager *const *)from->pagers, from->npagers)) {
		bound.pagers = arena_array(arena, from->npagers, sizeof(*bound.pagers));
		bound.npagers = pagers_of_team((const struct pager *const *)from->pagers,
					       from->npagers, paged, bound.pagers, ret_lost);
		const struct escalation_step *first = &rules_fallback(rules)->escalation->steps[0];
		if (bound.npagers || from == first)
			break;
		from = first;
		paged = first->team ? first->team : rules_fallback(rules);
		bound.pagers = first->pagers;
		bound.npagers = first->npagers;
	}
	return bound;
}

static bool escalates_by_team(const struct escalation *escalation)
{
	for (size_t i = 0; i < escalation->nsteps; i++)
		if (any_by_team((const struct pager *const *)escalation->steps[i].pagers,
				escalation->steps[i].npagers))
			return true;
	return false;
}

const struct escalation *escalation_of_team(struct arena *arena, const struct ruleset *rules,
					    const struct escalation *escalation,
					    const struct team *team)
{
	const struct pager *lost;

	if (!escalates_by_team(escalation))
		return escalation;
	struct escalation *bound = arena_alloc(arena, sizeof(*bound));
	*bound = *escalation;
	bound->steps = arena_array(arena, escalation->nsteps, sizeof(*bound->steps));
	for (size_t i = 0; i < escalation->nsteps; i++)
		bound->steps[i] = step_of_team(arena, rules, &escalation->steps[i], team, &lost);
	return bound;
}

void routing_of_team(struct arena *arena, const struct ruleset *rules, const struct team *team,
		     struct routing *routing)
{
	const struct pager *lost = NULL;
	const struct escalation *escalation =
		routing->escalation ? routing->escalation : team->escalation;

	if (escalates_by_team(escalation))
		routing->escalation = escalation_of_team(arena, rules, escalation, team);
	if (any_by_team(routing->pagers, routing->npagers)) {
		const struct escalation_step routed = {
			.pagers = (const struct pager **)(uintptr_t)routing->pagers,
			.npagers = routing->npagers,
		};
		const struct escalation_step bound =
			step_of_team(arena, rules, &routed, team, &lost);
		routing->pagers = (const struct pager *const *)bound.pagers;
		routing->npagers = bound.npagers;
	}
	routing->nalso_notify = pagers_of_team(routing->also_notify, routing->nalso_notify, team,
					       (const struct pager **)routing->also_notify, &lost);
}
