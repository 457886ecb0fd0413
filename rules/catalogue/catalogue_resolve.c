/*
 * Resolves a catalogue: from names to owners, from owners to pagers, from names to keys that
 * rules can have. Each service gets a team that can be paged, or is left out with the reason.
 * Reads no file and invents nothing: every pager is one that the catalogue names.
 */
#include <stdlib.h>

#include "catalogue-internal.h"

/* Can a page be sent there: is the key known, or the file in which it will be? */
static bool is_usable(const struct catalogue *catalogue, const struct cat_pager *pager)
{
	return pager->key || (pager->id && catalogue->options.key_files);
}

static const char *pager_identity(struct catalogue *catalogue, const struct cat_pager *pager)
{
	return pager->key ? cat_printf(catalogue, "key %s", pager->key)
			  : cat_printf(catalogue, "id %s", pager->id);
}

static bool is_same(const struct cat_pager *a, const struct cat_pager *b)
{
	if (a->key || b->key)
		return a->key && b->key && strcmp(a->key, b->key) == 0;
	return strcmp(a->id, b->id) == 0;
}

static const char *quoted_name(struct catalogue *catalogue, const char *sort, const char *name)
{
	return cat_printf(catalogue, "%s \"%s\"", sort, name);
}

static void name_teams(struct catalogue *catalogue)
{
	const struct catalogue_options *options = &catalogue->options;

	for (size_t i = 0; i < catalogue->teams.n; i++) {
		struct cat_team *team = catalogue->teams.at[i];
		if (team->person)
			continue;
		if (!cat_is_rule_name(team->name)) {
			cat_lose(catalogue, LOSS_NO_NAME, team->place,
				 quoted_name(catalogue, "team", team->name),
				 "a name has 1 to %u bytes", LIMIT_RULE_NAME_BYTES);
			continue;
		}
		team->key =
			cat_rule_key(catalogue, catalogue->team_keys, team->name, team->qualifier);
		team->own = options->has_team && options->has_team(options->ctx, team->key);
		if (strcmp(team->key, team->name) != 0)
			cat_lose(catalogue, LOSS_NAME, team->place,
				 quoted_name(catalogue, "team", team->name),
				 "its key in the rules is \"%s\"", team->key);
	}
}

/* Words that a team's name may have or lack: "Payments Team" is "payments". */
static const char *team_word(struct catalogue *catalogue, const char *name)
{
	static const char *const ends[] = { "_team", "_squad", "_group", "_guild", "_tribe" };
	static const char *const starts[] = { "team_", "squad_", "group_", "guild_", "tribe_" };
	char *word = arena_strdup(catalogue->arena, cat_slug(catalogue, name));
	size_t len = strlen(word);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);
		if (len > n && strcmp(word + len - n, ends[i]) == 0)
			word[len - n] = '\0';
		else if (len > n && strncmp(word, starts[i], n) == 0)
			return word + n;
	}
	return word;
}

/* The declared group that an owner probably means; NULL: none is like it. */
static const struct cat_team *meant_team(struct catalogue *catalogue,
					 const struct cat_team *unknown)
{
	const char **words = arena_array(catalogue->arena, catalogue->teams.n, sizeof(*words));
	const struct cat_team **teams =
		arena_array(catalogue->arena, catalogue->teams.n, sizeof(*teams));
	const char *word = team_word(catalogue, unknown->name), *nearest;
	size_t n = 0;

	for (size_t i = 0; i < catalogue->teams.n; i++) {
		const struct cat_team *team = catalogue->teams.at[i];
		if (!team->declared || team->person)
			continue;
		if (team->title && cat_is(team->title, unknown->name))
			return team;
		teams[n] = team;
		words[n++] = team_word(catalogue, team->name);
	}
	nearest = nearest_word(word, words, n);
	for (size_t i = 0; i < n && nearest; i++)
		if (words[i] == nearest)
			return teams[i];
	return NULL;
}

/* A blank cannot stand in the name of a group, but in its title. */
static bool is_title(const char *name)
{
	return strchr(name, ' ') != NULL;
}

/*
 * Notes owners that are probably mistakes: they are no group of a catalogue that describes groups,
 * but are like one, or cannot be the name of any. A team is made of such a name alone. Other owners
 * may be groups that are described elsewhere. PagerDuty's teams have ids, which are all alike.
 */
static void note_unknown_teams(struct catalogue *catalogue)
{
	bool describes = false;

	for (size_t i = 0; i < catalogue->teams.n && !describes; i++) {
		const struct cat_team *team = catalogue->teams.at[i];
		describes = team->declared && !team->person;
	}
	if (!describes || catalogue->kind == CATALOGUE_PAGERDUTY)
		return;
	for (size_t i = 0; i < catalogue->teams.n; i++) {
		const struct cat_team *team = catalogue->teams.at[i], *meant;
		if (team->declared || team->person || team->own || !team->key)
			continue;
		meant = meant_team(catalogue, team);
		if (!meant && !is_title(team->name))
			continue;
		cat_lose(catalogue, LOSS_UNKNOWN_TEAM, team->place,
			 quoted_name(catalogue, "team", team->name),
			 "it is no group of the catalogue%s%s%s", meant ? "; did you mean \"" : "",
			 meant ? meant->name : "", meant ? "\"?" : "");
	}
}

/* The team that owns a service, by itself or through what the service is part of; NULL: none. */
static struct cat_team *service_owner(struct catalogue *catalogue, struct cat_service *service)
{
	const struct cat_service *at = service;

	for (unsigned int i = 0; at && i < LIMIT_CATALOGUE_PARENTS; i++) {
		if (at->owner && at != service)
			service->through = cat_printf(catalogue, "owned like \"%s\"", at->name);
		if (at->owner)
			return map_get(catalogue->team_ids, at->owner);
		at = at->from ? map_get(catalogue->service_ids, at->from) : NULL;
	}
	return NULL;
}

static struct cat_team *team_parent(const struct catalogue *catalogue, const struct cat_team *team)
{
	return team->parent ? map_get(catalogue->team_ids, team->parent) : NULL;
}

/* The pager of a team: its own, or the one that all its services with a pager have; NULL: none. */
static const struct cat_pager *team_pager(const struct catalogue *catalogue,
					  const struct cat_team *team)
{
	if (is_usable(catalogue, &team->pager))
		return &team->pager;
	return team->many_pagers ? NULL : team->service_pager;
}

/* The nearest of a team and its parents that has a pager, or that is in the rules already;
 * NULL: none. */
static struct cat_team *paged_team(const struct catalogue *catalogue, struct cat_team *team)
{
	for (unsigned int i = 0; team && i < LIMIT_CATALOGUE_PARENTS; i++) {
		if (team->key && (team->own || team_pager(catalogue, team)))
			return team;
		team = team_parent(catalogue, team);
	}
	return NULL;
}

/* The key of a pager under "pagers:"; made once for each pager. */
static const char *pager_key(struct catalogue *catalogue, const struct cat_pager *pager,
			     const char *team)
{
	const char *name = pager_identity(catalogue, pager);
	struct cat_rule_pager *found = map_get(catalogue->pagers_by_identity, name);

	if (!found) {
		found = arena_alloc(catalogue->arena, sizeof(*found));
		found->pager = pager;
		found->key = cat_rule_key(catalogue, catalogue->pager_keys,
					  cat_printf(catalogue, "%s-pagerduty", team), NULL);
		map_put(catalogue->pagers_by_identity, name, found);
		cat_list_push(&catalogue->rule_pagers, found);
	}
	return found->key;
}

/* The team as paged by one pager, made once; pager NULL: by the escalation of the options. With
 * a service: a team of its own for the pager of that service. */
static struct cat_rule_team *team_variant(struct catalogue *catalogue, const struct cat_team *team,
					  const struct cat_pager *pager,
					  const struct cat_service *service)
{
	const char *variant = cat_printf(catalogue, "%s\n%s", team->key,
					 service ? pager_identity(catalogue, pager) : "");
	struct cat_rule_team *found = map_get(catalogue->variants, variant);

	if (found)
		return found;
	found = arena_alloc(catalogue->arena, sizeof(*found));
	map_put(catalogue->variants, variant, found);
	cat_list_push(&catalogue->rule_teams, found);
	found->key = team->key;
	found->title = team->title;
	found->channel = team->channel;
	found->place = team->place;
	if (service) {
		found->key = cat_rule_key(catalogue, catalogue->team_keys,
					  cat_printf(catalogue, "%s-%s", team->key, service->name),
					  NULL);
		found->title = cat_printf(catalogue, "%s (%s)",
					  team->title ? team->title : team->name, service->name);
		found->note = cat_printf(catalogue, "\"%s\", by the pager of \"%s\"", team->key,
					 service->name);
		found->place = pager->place;
	}
	found->pager = pager ? pager_key(catalogue, pager, found->key) : NULL;
	return found;
}

/* The team itself. Its pager may be that of a parent (paged), or the escalation of the options
 * (paged is NULL). */
static struct cat_rule_team *plain_variant(struct catalogue *catalogue, const struct cat_team *team,
					   const struct cat_team *paged)
{
	struct cat_rule_team *found =
		team_variant(catalogue, team, paged ? team_pager(catalogue, paged) : NULL, NULL);

	if (!paged)
		found->note = "it has no pager of its own";
	else if (paged != team)
		found->note = cat_printf(catalogue, "paged like its parent \"%s\"", paged->key);
	return found;
}

static void leave_out(struct catalogue *catalogue, struct cat_service *service,
		      enum loss_reason reason, const char *why)
{
	catalogue->counts.left_out++;
	service->left_out = why;
	if (!service->alias_of && !(service->owner_lost && reason == LOSS_NO_OWNER))
		cat_lose(catalogue, reason, service->owner_place,
			 quoted_name(catalogue, "service", service->name), "left out: %s", why);
}

static void leave_unpaged(struct catalogue *catalogue, struct cat_service *service,
			  const struct cat_team *team)
{
	const char *id = service->pager.id ? service->pager.id : team->pager.id;

	if (id)
		leave_out(catalogue, service, LOSS_NO_KEY,
			  cat_printf(catalogue,
				     "PagerDuty service %s pages \"%s\", and its integration key "
				     "is not in the catalogue",
				     id, team->name));
	else if (team->many_pagers)
		leave_out(
			catalogue, service, LOSS_NO_PAGER,
			cat_printf(catalogue,
				   "the services of \"%s\" have several pagers, and this one none",
				   team->name));
	else
		leave_out(
			catalogue, service, LOSS_NO_PAGER,
			cat_printf(catalogue,
				   "the catalogue has no pager for \"%s\", nor for a parent of it",
				   team->name));
}

/* Reports that the page of a service goes to its team's pager, since the key of its own is not
 * known. */
static void lose_unused_id(struct catalogue *catalogue, const struct cat_service *service,
			   const struct cat_pager *pager, const char *what)
{
	if (!pager && service->pager.id && !service->alias_of)
		cat_lose(catalogue, LOSS_NO_KEY, service->pager.place, what,
			 "the key of PagerDuty service %s is not in the catalogue; \"%s\" is paged "
			 "instead",
			 service->pager.id, service->team);
}

/* Chooses how the owner of a service is paged. */
static void choose_team(struct catalogue *catalogue, struct cat_service *service,
			struct cat_team *team)
{
	const struct cat_pager *pager =
		is_usable(catalogue, &service->pager) ? &service->pager : NULL;
	struct cat_team *paged = paged_team(catalogue, team);
	const char *what = quoted_name(catalogue, "service", service->name);

	if (team->own) {
		service->team = team->key;
		if (pager || service->pager.id)
			cat_lose(catalogue, LOSS_OWN_TEAM, service->pager.place, what,
				 "\"%s\" is a team of the rules, which define how it is paged",
				 team->key);
	} else if (pager && (paged != team || !is_same(pager, team_pager(catalogue, team)))) {
		service->team = team_variant(catalogue, team, pager, service)->key;
	} else if (paged && paged->own) {
		service->team = paged->key;
		service->through =
			cat_printf(catalogue, "\"%s\" is paged like its parent", team->key);
	} else if (paged || catalogue->options.escalation) {
		service->team = plain_variant(catalogue, team, paged)->key;
		lose_unused_id(catalogue, service, pager, what);
	} else {
		leave_unpaged(catalogue, service, team);
	}
}

/* The owning team; NULL: no team owns it, and the service is left out. */
static struct cat_team *find_owner(struct catalogue *catalogue, struct cat_service *service)
{
	struct cat_team *team = service_owner(catalogue, service);

	if (!team) {
		leave_out(catalogue, service, LOSS_NO_OWNER, "the catalogue names no owner");
		return NULL;
	}
	if (team->person) {
		struct cat_team *group = team_parent(catalogue, team);
		if (!group || group->person || !group->key) {
			leave_out(catalogue, service, LOSS_PERSON,
				  cat_printf(catalogue,
					     "its owner \"%s\" is a person who is not a member of "
					     "exactly one team",
					     team->name));
			return NULL;
		}
		service->through =
			cat_printf(catalogue, "owned by \"%s\", a member of that team", team->name);
		team = group;
	}
	if (!team->key) {
		leave_out(catalogue, service, LOSS_NO_NAME,
			  "its owner has no name that can stand in rules");
		return NULL;
	}
	return team;
}

static int by_rank(const void *a, const void *b)
{
	const struct cat_service *x = *(struct cat_service *const *)a,
				 *y = *(struct cat_service *const *)b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Do the rules have an entry for the service already? */
static bool is_own(struct catalogue *catalogue, const struct cat_service *service)
{
	const struct catalogue_options *options = &catalogue->options;

	if (!options->has_service || !options->has_service(options->ctx, service->name))
		return false;
	catalogue->counts.left_out++;
	if (!service->alias_of)
		cat_lose(catalogue, LOSS_OWN_SERVICE, service->place,
			 quoted_name(catalogue, "service", service->name),
			 "left out: the rules have an entry for it");
	return true;
}

/* Finds the owner of every service, and of every team the pagers of its services. Returns the
 * owners, in the order of the services. */
static struct cat_team **find_owners(struct catalogue *catalogue)
{
	size_t n = catalogue->services.n;
	struct cat_team **owners = arena_array(catalogue->arena, n, sizeof(struct cat_team *));

	for (size_t i = 0; i < n; i++) {
		struct cat_service *service = catalogue->services.at[i];
		if (service->holder || is_own(catalogue, service))
			continue;
		if (!cat_is_rule_name(service->name)) {
			leave_out(catalogue, service, LOSS_NO_NAME,
				  cat_printf(catalogue, "a name has 1 to %u bytes",
					     LIMIT_RULE_NAME_BYTES));
			continue;
		}
		struct cat_team *team = owners[i] = find_owner(catalogue, service);
		if (!team || !is_usable(catalogue, &service->pager))
			continue;
		team->many_pagers |=
			team->service_pager && !is_same(team->service_pager, &service->pager);
		if (!team->service_pager)
			team->service_pager = &service->pager;
	}
	return owners;
}

/* Keeps one service of each name; the others are losses, unless they say the same. */
static void choose_services(struct catalogue *catalogue, struct cat_team **owners)
{
	struct map *names = map_new();

	for (size_t i = 0; i < catalogue->services.n; i++) {
		struct cat_service *service = catalogue->services.at[i];
		const struct cat_service *first = map_get(names, service->name);
		if (!owners[i])
			continue;
		if (first) {
			catalogue->counts.left_out++;
			if (!first->owner || !service->owner ||
			    strcmp(first->owner, service->owner) != 0)
				cat_lose(catalogue, LOSS_DUPLICATE, service->place,
					 quoted_name(catalogue, "service", service->name),
					 "left out: %s:%d has that name already",
					 first->place.doc->file, first->place.line);
			continue;
		}
		choose_team(catalogue, service, owners[i]);
		if (!service->team)
			continue;
		map_put(names, service->name, service);
		service->key =
			cat_rule_key(catalogue, catalogue->service_keys, service->name, NULL);
		if (strcmp(service->key, service->name) != 0)
			cat_lose(catalogue, LOSS_NAME, service->place,
				 quoted_name(catalogue, "service", service->name),
				 "the key of its entry is \"%s\"", service->key);
		catalogue->counts.services++;
	}
	map_free(names);
}

/* Adds teams that own nothing yet but can be paged, so that rules may name them. */
static void keep_teams(struct catalogue *catalogue)
{
	const char *fallback = catalogue->options.fallback;
	const struct catalogue_options *options = &catalogue->options;

	for (size_t i = 0; i < catalogue->teams.n; i++) {
		struct cat_team *team = catalogue->teams.at[i];
		struct cat_team *paged = team->key ? paged_team(catalogue, team) : NULL;
		bool is_fallback = fallback && team->key && strcmp(team->key, fallback) == 0;
		bool is_paged = paged ? !paged->own : options->escalation && is_fallback;
		if (!team->key || !is_paged || !(team->declared || is_fallback))
			continue;
		if (paged == team || is_fallback)
			plain_variant(catalogue, team, paged);
		catalogue->fallback_known |= is_fallback;
	}
	if (!fallback || catalogue->fallback_known)
		return;
	catalogue->fallback_known = options->has_team && options->has_team(options->ctx, fallback);
	if (!catalogue->fallback_known)
		cat_lose(catalogue, LOSS_FALLBACK, (struct cat_place){ NULL, 0 },
			 quoted_name(catalogue, "team", fallback),
			 "no team of this name can be paged, so that there is no fallback");
}

static int by_team_key(const void *a, const void *b)
{
	const struct cat_rule_team *x = *(struct cat_rule_team *const *)a,
				   *y = *(struct cat_rule_team *const *)b;

	return strcmp(x->key, y->key);
}

static int by_pager_key(const void *a, const void *b)
{
	const struct cat_rule_pager *x = *(struct cat_rule_pager *const *)a,
				    *y = *(struct cat_rule_pager *const *)b;

	return strcmp(x->key, y->key);
}

/* Sorts by key; services that are left out stand among them by name. */
static int by_service_key(const void *a, const void *b)
{
	const struct cat_service *x = *(struct cat_service *const *)a,
				 *y = *(struct cat_service *const *)b;
	int order = strcmp(x->key ? x->key : x->name, y->key ? y->key : y->name);

	return order ? order : x->number < y->number ? -1 : x->number > y->number;
}

static int by_place(const void *a, const void *b)
{
	const struct catalogue_loss *x = a, *y = b;
	int order = strcmp(x->file, y->file);

	if (order == 0)
		order = x->line != y->line ? (x->line < y->line ? -1 : 1) : 0;
	if (order == 0)
		order = strcmp(x->what, y->what);
	return order ? order : strcmp(x->why, y->why);
}

static void sort_cat_list(struct cat_list *list, int (*compare)(const void *, const void *))
{
	if (list->n > 1)
		qsort(list->at, list->n, sizeof(void *), compare);
}

/* From names to rules, for catalogues of services. */
static void resolve_services(struct catalogue *catalogue)
{
	sort_cat_list(&catalogue->services, by_rank);
	name_teams(catalogue);
	note_unknown_teams(catalogue);
	choose_services(catalogue, find_owners(catalogue));
	keep_teams(catalogue);
	sort_cat_list(&catalogue->services, by_service_key);
	sort_cat_list(&catalogue->rule_teams, by_team_key);
	sort_cat_list(&catalogue->rule_pagers, by_pager_key);
	catalogue->counts.teams = catalogue->rule_teams.n;
	catalogue->counts.pagers = catalogue->rule_pagers.n;
	for (size_t i = 0; i < catalogue->rule_pagers.n; i++) {
		const struct cat_rule_pager *pager = catalogue->rule_pagers.at[i];
		catalogue->counts.open_keys += pager->pager->key != NULL;
	}
}

void catalogue_resolve(struct catalogue *catalogue)
{
	if (catalogue->kind == CATALOGUE_ALERTMANAGER)
		am_resolve(catalogue);
	else
		resolve_services(catalogue);
	catalogue->sorted_losses =
		xrealloc_array(NULL, catalogue->losses.n + 1, sizeof(*catalogue->sorted_losses));
	for (size_t i = 0; i < catalogue->losses.n; i++)
		catalogue->sorted_losses[i] = *(struct catalogue_loss *)catalogue->losses.at[i];
	if (catalogue->losses.n > 1)
		qsort(catalogue->sorted_losses, catalogue->losses.n,
		      sizeof(*catalogue->sorted_losses), by_place);
}

const struct catalogue_loss *catalogue_losses(const struct catalogue *catalogue, size_t *ret_n)
{
	*ret_n = catalogue->losses.n;
	return catalogue->sorted_losses;
}
