/*
 * From receivers to teams. A receiver is a team of its name; where all routes to it name one team
 * in a label (team, owner, squad), it is that team's, and the first such receiver in the order of
 * the rules is the team's escalation, so that others stand in the routes.
 */
#include "alertmanager-internal.h"

#include <stdlib.h>

static const char *receiver_what(struct catalogue *catalogue, const struct am_receiver *receiver)
{
	return cat_printf(catalogue, "receiver \"%s\"", receiver->name);
}

/* Is the team one of the rules beside? Then its own escalation pages it. */
static bool is_own_team(const struct catalogue *catalogue, const char *team)
{
	const struct catalogue_options *options = &catalogue->options;

	return options->has_team && options->has_team(options->ctx, team);
}

static const char *am_key(struct catalogue *catalogue, struct map *taken, const char *name,
			  struct cat_place place)
{
	const char *cut = cat_printf(catalogue, "%.*s", (int)LIMIT_RULE_NAME_BYTES - 8, name);
	const char *key = cat_rule_key(catalogue, taken, cut, NULL);

	if (strcmp(key, name) != 0)
		cat_lose(catalogue, LOSS_NAME, place,
			 cat_printf(catalogue, "receiver \"%.*s\"", 100, name),
			 "its key in the rules is \"%s\"", key);
	return key;
}

/* The first receiver of a team leads it. */
static void join_team(struct catalogue *catalogue, struct am_receiver *receiver)
{
	struct am *am = catalogue->am;
	const char *name = receiver->label ? receiver->label : receiver->name;
	struct am_receiver *first = map_get(catalogue->team_ids, name);

	if (receiver->team || (!receiver->pagers.n && !receiver->lost))
		return;
	if (is_own_team(catalogue, name)) {
		receiver->team = name;
		cat_lose(catalogue, LOSS_OWN_TEAM, receiver->place,
			 receiver_what(catalogue, receiver),
			 "your rules have a team \"%s\": it is paged as they say", name);
		return;
	}
	if (!receiver->pagers.n && !catalogue->options.escalation)
		return; /* the fallback gets its pages, which is not known yet */
	if (receiver->pagers.n)
		receiver->escalation =
			am_key(catalogue, am->escalation_keys, receiver->name, receiver->place);
	if (first) {
		receiver->team = first->team;
		return;
	}
	receiver->team = am_key(catalogue, catalogue->team_keys, name, receiver->place);
	receiver->leads = true;
	map_put(catalogue->team_ids, name, receiver);
	cat_list_push(&am->teams, receiver);
}

/* Leading is for those whom a rule pages first; they come in the rules' order. */
static void join_teams(struct catalogue *catalogue)
{
	struct am *am = catalogue->am;

	for (size_t i = 0; i < am->rules.n; i++) {
		const struct am_rule *rule = am->rules.at[i];
		if (rule->nto)
			join_team(catalogue, rule->to[rule->nto - 1]);
	}
	for (size_t i = 0; i < am->receivers.n; i++)
		join_team(catalogue, am->receivers.at[i]);
}

/* A console, where nothing that was read can be paged: rules need a fallback. */
static void stand_in(struct catalogue *catalogue)
{
	struct am *am = catalogue->am;

	am->stand_in = true;
	am->fallback = cat_rule_key(catalogue, catalogue->team_keys, "console", NULL);
	cat_lose(catalogue, LOSS_FALLBACK, (struct cat_place){ NULL, 0 }, "fallback",
		 "no receiver can be paged: the fallback writes pages to the daemon's standard "
		 "output; name a team that can be paged");
}

static void choose_fallback(struct catalogue *catalogue)
{
	const struct catalogue_options *options = &catalogue->options;
	struct am *am = catalogue->am;
	const struct am_receiver *first = am->teams.n ? am->teams.at[0] : NULL;
	const char *wanted = options->fallback;

	if (options->has_fallback || !am->rules.n)
		return;
	if (wanted && (map_get(catalogue->team_keys, wanted) || is_own_team(catalogue, wanted))) {
		am->fallback = wanted;
		return;
	}
	if (wanted)
		cat_lose(catalogue, LOSS_FALLBACK, (struct cat_place){ NULL, 0 },
			 cat_printf(catalogue, "team \"%s\"", wanted),
			 "no team of this name can be paged");
	if (am->root && am->root->team) {
		am->fallback = am->root->team;
		return;
	}
	if (!first) {
		stand_in(catalogue);
		return;
	}
	am->fallback = first->team;
	cat_lose(catalogue, LOSS_FALLBACK,
		 am->root ? am->root->place : (struct cat_place){ NULL, 0 }, "fallback",
		 "the receiver of the root route cannot be paged: %s is the fallback; name another "
		 "one by --fallback TEAM",
		 am->fallback);
}

/* Alerts for a receiver without a pager page the fallback: nobody misses them. */
static void page_fallback(struct catalogue *catalogue)
{
	struct am *am = catalogue->am;

	for (size_t i = 0; i < am->receivers.n; i++) {
		struct am_receiver *receiver = am->receivers.at[i];
		if (!receiver->lost || receiver->team)
			continue;
		receiver->team = am->fallback;
		cat_lose(catalogue, LOSS_NO_PAGER, receiver->place,
			 receiver_what(catalogue, receiver),
			 "none of its notifiers can be a pager: its alerts page the fallback");
	}
}

static size_t count_routes(const struct am *am)
{
	size_t n = 0;

	for (size_t i = 0; i < am->rules.n; i++) {
		const struct am_rule *rule = am->rules.at[i];
		n += !(rule->root && rule->nto);
	}
	return n;
}

void am_resolve(struct catalogue *catalogue)
{
	struct am *am = catalogue->am;

	if (!am)
		return;
	join_teams(catalogue);
	choose_fallback(catalogue);
	page_fallback(catalogue);
	for (size_t i = 0; i < am->receivers.n; i++) {
		const struct am_receiver *receiver = am->receivers.at[i];
		if (receiver->escalation)
			catalogue->counts.pagers += receiver->pagers.n;
	}
	catalogue->counts.teams = am->teams.n + am->stand_in;
	catalogue->counts.pagers += am->stand_in;
	catalogue->counts.routes = count_routes(am);
	catalogue->fallback_known = am->fallback != NULL;
}
