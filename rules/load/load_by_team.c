/*
 * Load: pagers by team. Reads what the teams give, makes the pager of each team, and proves that
 * every team that such a pager can page gives what the pager needs: a page that cannot leave is an
 * error of the rules, not of the night. No endpoint is asked.
 */
#include "load-internal.h"

/* ---- what a team gives ---- */

static struct load_scope team_scope(struct load *load, size_t number)
{
	const struct rule_source *entry = &load->sections[SECTION_TEAMS].at[number];

	return (struct load_scope){
		.load = load,
		.doc = entry->doc,
		.key = entry->key,
		.map = entry->node,
		.what = arena_printf(load->scratch, "team \"%s\"", load->set->teams[number].name),
		.kind = MAP_TEAM,
	};
}

static void team_take_to(const struct load_scope *scope, const struct team *team,
			 enum pager_kind_id kind, struct team_paging *paging)
{
	enum pager_need need;
	const char *name = pager_kind_text(kind, PAGER_TO, &need);

	if (!name || !member_key(scope, name))
		return;
	paging->gives_to[kind] = true;
	if (strcmp(name, "channel") == 0) {
		paging->to[kind] = team->channel;
		return;
	}
	/* Kinds that share the name share the value: one finding tells what is wrong with it. */
	for (int other = 0; other < (int)kind; other++) {
		const char *same = pager_kind_text((enum pager_kind_id)other, PAGER_TO, &need);
		if (same && strcmp(same, name) == 0) {
			paging->to[kind] = paging->to[other];
			return;
		}
	}
	paging->to[kind] = member_text_of(scope, name);
}

void load_team_paging(const struct load_scope *scope, const struct team *team)
{
	struct team_paging *paging = &scope->load->set->paging[team->number];

	for (int i = 0; i < PAGER_KIND_COUNT; i++) {
		const enum pager_kind_id kind = (enum pager_kind_id)i;
		const char *key = pager_kind_options(kind)->key;
		team_take_to(scope, team, kind, paging);
		if (!key)
			continue;
		const char *key_file = arena_printf(scope->load->scratch, "%s_file", key);
		paging->gives_key[i] = member_key(scope, key) || member_key(scope, key_file);
		if (paging->gives_key[i] && pager_kind_of_key(kind) == kind)
			member_secret(scope, key, key_file, PAGER_OPTIONAL, &paging->keys[i]);
	}
}

/* ---- the pager of each team ---- */

/* What the team must still give; NULL: nothing. A pager needs what its kind requires; where that is
 * nothing, it needs the key or, without one, the text. */
static const char *team_lacks(const struct pager *pager, const struct team_paging *paging,
			      bool *ret_is_key)
{
	const struct pager_options *kind = pager_kind_options(pager->kind);
	const bool key = paging->gives_key[pager->kind], to = paging->gives_to[pager->kind];
	enum pager_need to_need = PAGER_NONE;
	const char *to_name = pager_kind_text(pager->kind, PAGER_TO, &to_need);
	const bool needs_key = pager->key_by_team && kind->key_need == PAGER_REQUIRED,
		   needs_to = pager->to_by_team && to_need == PAGER_REQUIRED;

	*ret_is_key = true;
	if (needs_key && !key)
		return kind->key;
	*ret_is_key = false;
	if (needs_to && !to)
		return to_name;
	if (needs_key || needs_to || (pager->key_by_team && key) || (pager->to_by_team && to))
		return NULL;
	*ret_is_key = pager->key_by_team;
	return pager->key_by_team ? kind->key : to_name;
}

static void make_team_pager(struct load *load, const struct pager *pager, const struct team *team)
{
	const struct team_paging *paging = &load->set->paging[team->number];
	struct pager *made = &pager->teams[team->number];
	bool is_key;

	if (team_lacks(pager, paging, &is_key))
		return;
	*made = *pager;
	made->teams = NULL;
	made->entry = pager;
	made->name = arena_printf(load->set->arena, "%s:%s", pager->name, team->name);
	/* The set frees the secret once, as the team's. */
	if (pager->key_by_team)
		made->key = paging->keys[pager_kind_of_key(pager->kind)];
	if (pager->to_by_team)
		made->texts[PAGER_TO] = paging->to[pager->kind];
	if (pager->to_by_team && pager->kind == PAGER_EMAIL) {
		const struct load_scope scope = team_scope(load, team->number);
		load_check_mail_to(&scope, made->texts[PAGER_TO]);
	}
	const size_t other =
		(size_t)(uintptr_t)map_get(load->sections[SECTION_PAGERS].index, made->name);
	if (other) {
		const struct rule_source *entry = &load->sections[SECTION_PAGERS].at[other - 1];
		const struct load_scope scope = { .load = load, .doc = entry->doc };
		LOAD_ERROR(&scope, entry->key, "E015", "rename this pager",
			   "\"%s\" is also the name of pager \"%s\" for team \"%s\"", made->name,
			   pager->name, team->name);
	}
}

void load_team_pagers(struct load *load)
{
	struct ruleset *set = load->set;

	for (size_t i = 0; i < set->npagers; i++) {
		struct pager *pager = &set->pagers[i];
		if (!pager->key_by_team && !pager->to_by_team)
			continue;
		pager->teams = xcalloc(set->nteams + 1, sizeof(*pager->teams));
		for (size_t j = 0; j < set->nteams; j++)
			make_team_pager(load, pager, &set->teams[j]);
	}
}

/* ---- which team can be paged by which pager ---- */

struct reach {
	struct load *load;
	bool **told;	  /* by pager and team: a finding says that the team lacks something */
	const bool *owns; /* by team: it can be the owner of a page before the routes */
};

/* where: "escalation \"shop\" (rules.yaml:12)" */
static void reach_pager(const struct reach *reach, const struct pager *pager,
			const struct team *team, const char *where)
{
	struct load *load = reach->load;
	bool *told = reach->told[pager - load->set->pagers];
	bool is_key;

	if (!pager->teams || told[team->number] || pager->teams[team->number].name)
		return;
	told[team->number] = true;
	const char *name = team_lacks(pager, &load->set->paging[team->number], &is_key);
	const struct load_scope scope = team_scope(load, team->number);
	LOAD_ERROR(&scope, scope.key, "E052",
		   is_key ? arena_printf(load->scratch, "add \"%s_file: PATH\" to the team", name)
			  : arena_printf(load->scratch, "add \"%s: …\" to the team", name),
		   "%s has no \"%s\", which pager \"%.100s\" (%s) takes from the team that it "
		   "pages, by %s",
		   scope.what, name, pager->name, pager->place, where);
}

static void reach_escalation(const struct reach *reach, const struct escalation *escalation,
			     const struct team *team)
{
	if (!escalation)
		return;
	const char *where = arena_printf(reach->load->scratch, "escalation \"%.100s\" (%s)",
					 escalation->name, escalation->place);
	for (size_t i = 0; i < escalation->nsteps; i++) {
		const struct escalation_step *step = &escalation->steps[i];
		for (size_t j = 0; j < step->npagers; j++)
			reach_pager(reach, step->pagers[j], step->team ? step->team : team, where);
	}
}

static bool route_has_owner(const struct route_entry *entry, const char *owner)
{
	for (size_t i = 0; i < entry->nwords; i++) {
		const struct when_word *word = &entry->words[i];
		bool matches = word->field != WHEN_OWNER;
		for (size_t j = 0; j < word->n && !matches; j++)
			matches = glob_match(word->globs[j], owner);
		if (!matches)
			return false;
	}
	return true;
}

/* Can the team be paged where route `number` matches? Its own team counts, unless it goes on and a
 * later route names another one; a route without a team pages the owner, or the team of an earlier
 * route that goes on. */
static bool route_pages(const struct reach *reach, size_t number, const struct team *team)
{
	const struct ruleset *set = reach->load->set;
	const struct route_entry *entry = &set->routes[number];

	if (entry->route.team ? entry->route.team == team
			      : reach->owns[team->number] && route_has_owner(entry, team->name))
		return true;
	for (size_t i = 0; i < number && !entry->route.team; i++)
		if (set->routes[i].route.continues && set->routes[i].route.team == team)
			return true;
	for (size_t i = number + 1; i < set->nroutes && entry->route.continues; i++)
		if (set->routes[i].route.team == team)
			return true;
	return false;
}

static void reach_route(const struct reach *reach, size_t number)
{
	struct load *load = reach->load;
	const struct route *route = &load->set->routes[number].route;
	const char *where = NULL;

	for (size_t i = 0; i < load->set->nteams; i++) {
		const struct team *team = &load->set->teams[i];
		if (route->no_page || !route_pages(reach, number, team))
			continue;
		if (!where)
			where = arena_printf(load->scratch, "the route at %s", route->place);
		reach_escalation(reach, route->escalation, team);
		for (size_t j = 0; j < route->npagers; j++)
			reach_pager(reach, route->pagers[j], team, where);
		for (size_t j = 0; j < route->nalso_notify; j++)
			reach_pager(reach, route->also_notify[j], team, where);
	}
}

/* By team: can it be the owner of a page? Where telemetry names owners, or the rules are only a
 * part, every team can. */
static const bool *possible_owners(struct load *load)
{
	const struct ruleset *set = load->set;
	bool *owns = arena_array(load->scratch, set->nteams + 1, sizeof(*owns));
	const bool any =
		load->is_part || set->defaults.owner_attribute || set->defaults.owner_from.n;

	for (size_t i = 0; i < set->nteams; i++)
		owns[i] = any || set->fallback == &set->teams[i];
	for (size_t i = 0; i < set->nservices; i++)
		if (set->services[i].rule.owner)
			owns[set->services[i].rule.owner->number] = true;
	for (size_t i = 0; i < set->nsignals; i++)
		if (set->signals[i].rule.owner)
			owns[set->signals[i].rule.owner->number] = true;
	return owns;
}

void load_check_team_pagers(struct load *load)
{
	const struct ruleset *set = load->set;
	struct reach reach = { .load = load };
	size_t nby_team = 0;

	reach.told = arena_array(load->scratch, set->npagers + 1, sizeof(*reach.told));
	for (size_t i = 0; i < set->npagers; i++)
		if (set->pagers[i].teams) {
			reach.told[i] =
				arena_array(load->scratch, set->nteams + 1, sizeof(**reach.told));
			nby_team++;
		}
	if (!nby_team)
		return;
	reach.owns = possible_owners(load);
	for (size_t i = 0; i < set->nteams; i++)
		reach_escalation(&reach, set->teams[i].escalation, &set->teams[i]);
	for (size_t i = 0; i < set->nroutes; i++)
		reach_route(&reach, i);
}
