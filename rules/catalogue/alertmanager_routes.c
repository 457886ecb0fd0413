/*
 * Alertmanager's tree of routes as a list of rules, of which the first that holds decides
 * (prometheus.io/docs/alerting/latest/configuration, "route"). Children stand before their parent,
 * with the parent's conditions. Where a route continues, several routes notify about one alert:
 *
 * - A route without children adds its receiver and goes on. Where no later sibling matches, it
 *   decides instead of its parent.
 * - A route with children multiplies: each of its rules stands with each rule of the later
 *   siblings, since its own first rule counts beside theirs.
 *
 * Both are exact. Owns nothing; recursion ends at LIMIT_DEPTH, beyond which no document is read.
 */
#include "alertmanager-internal.h"

#include <errno.h>
#include <stdlib.h>

/* What a route has from its parents. */
struct am_scope {
	const struct ynode *node;
	struct am_rule rule;	      /* conditions, place and labels to group by, no receivers */
	struct am_receiver *receiver; /* NULL: none that the configuration has */
	const char *label;	      /* the team that a condition names; NULL: none */
};

static void am_route_list(const struct am_config *config, const struct am_scope *scope,
			  struct cat_list *list);

#define LOSE_ROUTE(config, node, ...)                                                              \
	cat_lose((config)->catalogue, LOSS_ROUTE, cat_place((config)->doc, node), "route",         \
		 __VA_ARGS__)

/* ---- conditions ---- */

/* name=~"value" in Alertmanager's syntax; name and value are any texts. */
static const char *matcher_source(struct catalogue *catalogue, const char *name, const char *op,
				  const char *value)
{
	struct buf out = BUF_INIT(LIMIT_CATALOGUE_TEXT_BYTES * 2 + LIMIT_RULE_NAME_BYTES);

	buf_printf(&out, "%s%s\"", name, op);
	for (; *value; value++)
		if (*value == '\n')
			buf_puts(&out, "\\n");
		else
			buf_printf(&out, "%s%c", strchr("\"\\", *value) ? "\\" : "", *value);
	buf_putc(&out, '"');
	const char *text = arena_strdup(catalogue->arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

static bool take_matcher(const struct am_config *config, const struct ynode *node, const char *text,
			 struct rule_matchers *matchers)
{
	struct err err;

	if (!text)
		return false;
	int result = matchers_parse(config->catalogue->arena, text, matchers, &err);
	if (result < 0)
		cat_lose(config->catalogue, LOSS_ROUTE, cat_place(config->doc, node), "route",
			 "left out with its children: %s", err.text);
	return result == 0;
}

static bool take_map(const struct am_config *config, const struct ynode *map, const char *op,
		     struct rule_matchers *matchers)
{
	bool good = true;

	for (size_t i = 0; map && map->kind == YNODE_MAP && i < map->n; i++) {
		const struct ynode *item = map->items[i];
		const char *value = item->kind == YNODE_SCALAR ? item->text : NULL;
		if (!value || strlen(value) > LIMIT_CATALOGUE_TEXT_BYTES) {
			LOSE_ROUTE(config, item,
				   "left out with its children: a condition is no text, or is too "
				   "long");
			return false;
		}
		good &= take_matcher(
			config, item,
			matcher_source(config->catalogue, map->keys[i]->text, op, value), matchers);
	}
	return good;
}

/* Reads match, match_re and matchers. False: one is wrong, which a loss tells. */
static bool take_matchers(const struct am_config *config, const struct ynode *node,
			  struct rule_matchers *matchers)
{
	const struct ynode *list = ynode_get(node, "matchers");
	/* All are read, so that each loss is told. */
	bool good = take_map(config, ynode_get(node, "match"), "=", matchers);

	good &= take_map(config, ynode_get(node, "match_re"), "=~", matchers);
	if (list && list->kind == YNODE_SCALAR && !ynode_is_empty(list)) {
		good &= take_matcher(config, list, list->text, matchers);
		return good;
	}
	for (size_t i = 0; list && list->kind == YNODE_LIST && i < list->n; i++)
		good &= take_matcher(
			config, list->items[i],
			cat_node_text(config->catalogue, config->doc, list->items[i], "route"),
			matchers);
	return good;
}

/* The team that an equality names. */
static const char *label_team(const struct rule_matchers *matchers)
{
	static const char *const names[] = { "team", "owner", "squad", "owning_team",
					     "owner_team" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (size_t k = 0; k < matchers->n; k++)
			if (matchers->at[k].op == RULE_EQUAL && *matchers->at[k].value &&
			    strcmp(matchers->at[k].name, names[i]) == 0)
				return matchers->at[k].value;
	return NULL;
}

/* The conditions of a node with those of its parents. False: it matches nothing. */
static bool scope_narrow(const struct am_config *config, struct am_scope *scope)
{
	struct rule_matchers *matchers = xcalloc(1, sizeof(*matchers));
	struct arena *arena = config->catalogue->arena;
	struct am_rule own = { .place = cat_place(config->doc, scope->node) };

	cat_list_push(&config->am->matchers, matchers);
	if (!take_matchers(config, scope->node, matchers))
		return false;
	own.at = arena_array(arena, matchers->n, sizeof(*own.at));
	for (; own.n < matchers->n; own.n++)
		own.at[own.n] = &matchers->at[own.n];
	own.group_by = scope->rule.group_by;
	const char *label = label_team(matchers);
	if (label)
		scope->label = label;
	struct am_rule *both = am_both(config, &scope->rule, &own);
	if (both)
		scope->rule = *both;
	else
		cat_lose(config->catalogue, LOSS_SETTING, own.place, "route",
			 "its conditions contradict those of its parents: no alert comes here");
	return both != NULL;
}

/* ---- a route's own rules ---- */

/* The receiver learns by what routes it is reached. */
static void note_receiver(struct am_receiver *receiver, const char *label)
{
	bool same = receiver->label && label && strcmp(receiver->label, label) == 0;

	receiver->label = receiver->routed ? (same ? label : NULL) : label;
	receiver->routed = true;
}

static struct am_rule *scope_rule(const struct am_config *config, const struct am_scope *scope,
				  bool notifies)
{
	struct arena *arena = config->catalogue->arena;
	struct am_rule *rule = arena_alloc(arena, sizeof(*rule));

	*rule = scope->rule;
	rule->root = !scope->rule.n && scope->node == ynode_get(config->root, "route");
	/* A receiver without notifiers notifies nobody: that is how alerts are dropped. */
	if (!notifies || !scope->receiver || (!scope->receiver->pagers.n && !scope->receiver->lost))
		return rule;
	rule->to = arena_array(arena, 1, sizeof(*rule->to));
	rule->to[rule->nto++] = scope->receiver;
	return rule;
}

/* The names of intervals that the configuration has; NULL: none. */
static const struct ynode *scope_times(const struct am_config *config, const struct am_scope *scope,
				       const char *key)
{
	const struct ynode *list = ynode_get(scope->node, key);

	if (!list || list->kind != YNODE_LIST || !list->n)
		return NULL;
	for (size_t i = 0; i < list->n; i++) {
		const struct ynode *item = list->items[i];
		if (item->kind == YNODE_SCALAR && map_get(config->am->time_names, item->text))
			continue;
		LOSE_ROUTE(config, item,
			   "\"%.100s\" is no usable time interval, so that none counts",
			   item->kind == YNODE_SCALAR ? item->text : "");
		return NULL;
	}
	return list;
}

/* In its muted times, and outside of its active times, a route notifies nobody, and no other route
 * does instead. */
static void add_own_rules(const struct am_config *config, const struct am_scope *scope,
			  struct cat_list *list)
{
	const struct ynode *muted = scope_times(config, scope, "mute_time_intervals");
	const struct ynode *active = scope_times(config, scope, "active_time_intervals");

	if (scope->receiver)
		note_receiver(scope->receiver, scope->label);
	if (muted) {
		struct am_rule *rule = scope_rule(config, scope, false);
		rule->times = muted;
		cat_list_push(list, rule);
	}
	if (active) {
		struct am_rule *rule = scope_rule(config, scope, true);
		rule->times = active;
		cat_list_push(list, rule);
	}
	cat_list_push(list, scope_rule(config, scope, !active));
}

/* ---- routes that continue ---- */

/* The rules of the later siblings, while this one is added: where they page nobody, it alone is
 * notified. */
static void put_before(const struct am_config *config, const struct am_rule *added,
		       struct cat_list *body)
{
	struct cat_list list = { .at = NULL };
	struct am_rule *adding = arena_alloc(config->catalogue->arena, sizeof(*adding));

	*adding = *added;
	adding->goes_on = true;
	cat_list_push(&list, adding);
	for (size_t i = 0; i < body->n; i++) {
		const struct am_rule *rule = body->at[i];
		struct am_rule *both = NULL;
		if (!rule->goes_on && !rule->nto)
			both = am_both(config, added, rule);
		if (both)
			cat_list_push(&list, both);
		cat_list_push(&list, body->at[i]);
	}
	free(body->at);
	*body = list;
}

/* Each rule of a route with each rule of its later siblings, before these. */
static void multiply_rules(const struct am_config *config, const struct cat_list *mine,
			   const struct cat_list *pending, struct cat_list *body)
{
	static struct am_rule nothing;
	struct cat_list list = { .at = NULL }, theirs = { .at = NULL };

	am_append(&theirs, body);
	am_append(&theirs, pending);
	cat_list_push(&theirs, &nothing);
	bool large = mine->n * theirs.n > LIMIT_IMPORT_ROUTES;
	for (size_t i = 0; i < mine->n; i++) {
		struct am_rule *rule = mine->at[i];
		if (rule->goes_on || large) {
			rule->goes_on = true;
			if (rule->nto)
				cat_list_push(&list, rule);
			continue;
		}
		for (size_t k = 0; k < theirs.n; k++) {
			struct am_rule *other = theirs.at[k], alone = *rule;
			alone.nto = other->goes_on ? 0 : rule->nto;
			struct am_rule *both = am_both(config, &alone, other);
			if (both && other == &nothing)
				both->place = rule->place;
			if (both)
				cat_list_push(&list, both);
		}
	}
	if (large)
		cat_lose(config->catalogue, LOSS_LIMIT,
			 ((struct am_rule *)mine->at[mine->n - 1])->place, "route",
			 "it continues into so many routes that they would be more than %u: all of "
			 "its children that match notify, not the first alone",
			 LIMIT_IMPORT_ROUTES);
	am_append(&list, body);
	free(body->at);
	free(theirs.at);
	am_drop_unreached(&list);
	*body = list;
}

/* A route that continues, before the rules of its later siblings. pending: those that decide
 * instead of the parent where no sibling does. */
static void add_continuing(const struct am_config *config, const struct cat_list *mine,
			   struct cat_list *body, struct cat_list *pending)
{
	const struct am_rule *only = mine->at[0];

	if (mine->n > 1 || only->times) {
		multiply_rules(config, mine, pending, body);
		return;
	}
	/* One that notifies nobody stands last: the others notify whatever it says. */
	if (!only->nto) {
		cat_list_push(pending, mine->at[0]);
		return;
	}
	struct cat_list list = { .at = NULL };
	put_before(config, only, body);
	cat_list_push(&list, mine->at[0]);
	am_append(&list, pending);
	free(pending->at);
	*pending = list;
}

/* ---- the tree ---- */

static void lose_route_settings(const struct am_config *config, const struct ynode *node)
{
	static const char *const known[] = {
		"receiver",
		"routes",
		"match",
		"match_re",
		"matchers",
		"group_by",
		"mute_time_intervals",
		"active_time_intervals",
		"continue",
	};
	struct buf names = BUF_INIT(512);

	for (size_t i = 0; i < node->n; i++) {
		bool is_known = false;
		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			is_known |= strcmp(node->keys[i]->text, known[k]) == 0;
		if (!is_known)
			buf_printf(&names, "%s%.60s", names.len ? ", " : "", node->keys[i]->text);
	}
	bool waits = strstr(buf_text(&names), "group_wait") || strstr(buf_text(&names), "interval");
	if (names.len)
		cat_lose(config->catalogue, LOSS_SETTING, cat_place(config->doc, node), "route",
			 "left out: %s%s", buf_text(&names),
			 waits ? "; a page is sent at once, and again only by an escalation" : "");
	buf_fini(&names);
}

static bool is_label_list(const struct ynode *list)
{
	if (!list || list->kind != YNODE_LIST || !list->n)
		return false;
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i]->kind != YNODE_SCALAR || !*list->items[i]->text)
			return false;
	return true;
}

/* Opens a child. False: it matches nothing. */
static bool scope_child(const struct am_config *config, const struct am_scope *parent,
			const struct ynode *node, struct am_scope *ret_scope)
{
	struct am_scope scope = *parent;
	const struct ynode *receiver = ynode_get(node, "receiver"),
			   *group_by = ynode_get(node, "group_by");

	if (node->kind != YNODE_MAP) {
		LOSE_ROUTE(config, node, "left out: a route is a map");
		return false;
	}
	config->catalogue->counts.entries++;
	scope.node = node;
	if (receiver && receiver->kind == YNODE_SCALAR && !ynode_is_empty(receiver)) {
		struct am_receiver *named = map_get(config->receivers, receiver->text);
		if (named)
			scope.receiver = named;
		else
			LOSE_ROUTE(config, receiver,
				   "there is no receiver \"%.100s\": its parent's is used",
				   receiver->text);
	}
	if (is_label_list(group_by))
		scope.rule.group_by = group_by;
	lose_route_settings(config, node);
	scope.rule.place = cat_place(config->doc, node);
	if (!scope_narrow(config, &scope))
		return false;
	*ret_scope = scope;
	return true;
}

static bool route_continues(const struct ynode *node)
{
	const struct ynode *value = ynode_get(node, "continue");
	bool result = false;

	return value && ynode_bool(value, &result) && result;
}

/* Adds one child before the rules of its later siblings. */
static void add_child(const struct am_config *config, const struct am_scope *scope,
		      const struct ynode *node, struct cat_list *body, struct cat_list *pending)
{
	struct am_scope child;
	struct cat_list mine = { .at = NULL };

	if (!scope_child(config, scope, node, &child))
		return;
	am_route_list(config, &child, &mine);
	if (route_continues(node)) {
		add_continuing(config, &mine, body, pending);
		free(mine.at);
		return;
	}
	am_append(&mine, body);
	free(body->at);
	*body = mine;
}

/* The rules of a route with all its children. */
static void am_route_list(const struct am_config *config, const struct am_scope *scope,
			  struct cat_list *list)
{
	struct cat_list body = { .at = NULL }, pending = { .at = NULL };
	struct ynode **children;
	size_t n = cat_items(scope->node, "routes", &children);

	while (n-- > 0)
		add_child(config, scope, children[n], &body, &pending);
	am_append(list, &body);
	am_append(list, &pending);
	add_own_rules(config, scope, list);
	free(body.at);
	free(pending.at);
}

void am_read_routes(const struct am_config *config)
{
	const struct ynode *node = ynode_get(config->root, "route");
	struct am_scope nothing = { .node = NULL }, scope;
	struct cat_list list = { .at = NULL };

	if (!scope_child(config, &nothing, node, &scope))
		return;
	if (!config->am->root) {
		config->am->root = scope.receiver;
		config->am->group_by = scope.rule.group_by;
	} else {
		LOSE_ROUTE(
			config, node,
			"alerts without a route page the fallback: rules have one for all files");
	}
	am_route_list(config, &scope, &list);
	am_drop_unreached(&list);
	am_append(&config->am->rules, &list);
	free(list.at);
}
