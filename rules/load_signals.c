/*
 * The sections signals and routes: which alerts are about which operation, and which page nobody.
 * Matchers are globs in a map, or Alertmanager's in a list.
 */
#include "load-internal.h"

#include <errno.h>

static void read_matcher_map(const struct load_scope *scope, const struct ynode *map,
			     struct rule_matchers *matchers)
{
	struct arena *arena = scope->load->set->arena;

	for (size_t i = 0; i < map->n; i++) {
		const char *name = map->keys[i]->text;
		const char *what = arena_printf(scope->load->scratch, "\"%.200s\"", name);
		const char *glob = node_glob(scope, map->items[i], what, true);
		if (!*name)
			LOAD_ERROR(scope, map->keys[i], "E030", NULL,
				   "the name of a label is empty");
		else if (glob)
			matchers_add(matchers, RULE_GLOB, arena_strdup(arena, name), glob, NULL);
	}
}

static void read_matcher_list(const struct load_scope *scope, const struct ynode *list,
			      struct rule_matchers *matchers)
{
	struct err err;

	for (size_t i = 0; i < list->n; i++) {
		const char *text = node_text(scope, list->items[i], "a matcher");
		if (!text)
			continue;
		int result = matchers_parse(scope->load->set->arena, text, matchers, &err);
		if (result < 0)
			LOAD_ERROR(scope, list->items[i], result == -EDOM ? "E027" : "E026",
				   result == -EDOM ? NULL : "write name=\"value\", or !=, =~, !~",
				   "%s", err.text);
	}
}

/* Under the key, a map or a list of at least one matcher; false: there is none. */
static bool read_matchers(const struct load_scope *scope, const char *name,
			  struct rule_matchers *matchers)
{
	const struct ynode *node = member(scope, name, false);

	if (!node)
		return false;
	if (node->kind == YNODE_SCALAR) {
		LOAD_ERROR(scope, node, "E014", "write {label: glob}, or ['label=\"value\"']",
			   "\"%s\" must be a map of globs or a list of matchers, not a text", name);
		return false;
	}
	if (node->n == 0) {
		LOAD_ERROR(scope, node, "E033", "name a label",
			   "\"%s\" of %s is empty: it would match every alert", name, scope->what);
		return false;
	}
	if (node->kind == YNODE_MAP)
		read_matcher_map(scope, node, matchers);
	else
		read_matcher_list(scope, node, matchers);
	return true;
}

static void read_attrs(const struct load_scope *scope, struct signal *signal)
{
	const struct ynode *map = member_map(scope, "attrs", false);
	struct arena *arena = scope->load->set->arena;

	if (!map)
		return;
	signal->attrs.at = arena_array(arena, map->n, sizeof(struct label));
	for (size_t i = 0; i < map->n; i++) {
		const char *name = arena_strdup(arena, map->keys[i]->text);
		const char *what = arena_printf(scope->load->scratch, "\"%.200s\"", name);
		const char *glob = node_glob(scope, map->items[i], what, false);
		if (glob)
			signal->attrs.at[signal->attrs.n++] =
				(struct label){ .name = name, .value = glob };
	}
	labels_normalise(&signal->attrs);
}

static void read_span(const struct load_scope *outer, struct signal *signal)
{
	static const char *const known[] = { "service", "namespace", "operation", "attrs" };
	const struct ynode *map = member_map(outer, "span", false);

	if (!map)
		return;
	struct load_scope scope = *outer;
	scope.map = map;
	scope.what = arena_printf(outer->load->scratch, "the span of %s", outer->what);
	scope_known(&scope, known, ARRAY_LEN(known));
	signal->service = member_glob(&scope, "service");
	signal->namespace = member_glob(&scope, "namespace");
	signal->operation = member_glob(&scope, "operation");
	read_attrs(&scope, signal);
}

static enum walk_mode read_mode(const struct load_scope *scope)
{
	static const enum walk_mode modes[] = { WALK_ERRORS, WALK_LATENCY, WALK_AUTO };
	const char *text = member_text(scope, "mode", false), *names[ARRAY_LEN(modes)];

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		names[i] = walk_mode_name(modes[i]);
		if (text && strcmp(text, names[i]) == 0)
			return modes[i];
	}
	if (text) {
		const char *hint = did_you_mean(scope->load, text, names, ARRAY_LEN(names));
		LOAD_ERROR(scope, member(scope, "mode", false), "E032",
			   hint ? hint : "errors, latency or auto", "there is no mode \"%.100s\"",
			   text);
	}
	return WALK_AUTO;
}

static void read_signal(struct load *load, size_t i)
{
	static const char *const known[] = { "alerts", "span", "owner", "mode", "traces" };
	const struct load_entry *entry = &load->sections[SECTION_SIGNALS].at[i];
	struct signal_entry *signal = &load->set->signals[i];
	struct signal_rule *rule = &signal->rule;
	struct load_scope scope;
	int64_t traces = 0;

	signal->index = i;
	rule->name = rule->signal.name = arena_strdup(load->set->arena, entry->key->text);
	rule->place = entry_place(load, entry);
	rule->signal.from = "rule";
	if (!scope_open(&scope, load, entry,
			arena_printf(load->scratch, "signal \"%s\"", rule->name)))
		return;
	scope_known(&scope, known, ARRAY_LEN(known));
	if (member_key(&scope, "alerts"))
		read_matchers(&scope, "alerts", &signal->alerts);
	else if (member_key(&scope, "span"))
		LOAD_WARNING(&scope, scope.key, "W005", "add \"alerts: {alertname: …}\"",
			     "%s has no \"alerts\"", scope.what);
	else
		LOAD_ERROR(&scope, scope.key, "E013", "say which alerts are about which span",
			   "%s has neither \"alerts\" nor \"span\"", scope.what);
	signal->literals = matchers_literals(&signal->alerts);
	read_span(&scope, &rule->signal);
	size_t owner = member_ref(&scope, "owner", SECTION_TEAMS, false);
	if (owner != SIZE_MAX)
		rule->owner = &load->set->teams[owner];
	rule->signal.mode = read_mode(&scope);
	member_int(&scope, "traces", 1, LIMIT_TRACES_PER_ALERT, &traces);
	rule->signal.traces = (unsigned int)traces;
}

void load_signals(struct load *load)
{
	for (size_t i = 0; i < load->set->nsignals; i++)
		read_signal(load, i);
}

/* Keys that the language will have. True where one was there. */
static bool refuse_planned(const struct load_scope *scope, const char *const *names, size_t n)
{
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		const struct ynode *key = member_key(scope, names[i]);
		if (!key)
			continue;
		found = true;
		LOAD_ERROR(scope, key, "E029",
			   "a route can say \"page: none\" for alerts by their labels",
			   "\"%s\" in a route is not supported yet", names[i]);
	}
	return found;
}

static void read_when(const struct load_scope *scope, struct route_entry *route)
{
	static const char *const planned[] = { "suspect", "confidence", "time" };
	struct load_scope when = *scope;

	if (!member_key(scope, "when")) {
		LOAD_ERROR(scope, scope->key, "E013",
			   "add \"when: {severity: info}\"; without it every alert is meant",
			   "%s has no \"when\"", scope->what);
		return;
	}
	when.map = member(scope, "when", true);
	if (!when.map)
		return;
	if (when.map->kind != YNODE_MAP || !refuse_planned(&when, planned, ARRAY_LEN(planned)))
		read_matchers(scope, "when", &route->when);
}

static void read_route(struct load *load, size_t i)
{
	static const char *const known[] = { "when", "page", "severity", "continue" };
	static const char *const planned[] = { "severity", "continue" };
	const struct load_entry *entry = &load->routes.at[i];
	struct route_entry *route = &load->set->routes[i];
	struct load_scope scope;

	route->route.place = entry_place(load, entry);
	if (!scope_open(&scope, load, entry, arena_printf(load->scratch, "route %zu", i + 1)))
		return;
	scope_known(&scope, known, ARRAY_LEN(known));
	bool later = refuse_planned(&scope, planned, ARRAY_LEN(planned));
	read_when(&scope, route);
	const struct ynode *page =
		later && !member_key(&scope, "page") ? NULL : member(&scope, "page", true);
	route->route.no_page =
		page && page->kind == YNODE_SCALAR && strcmp(page->text, "none") == 0;
	if (page && !route->route.no_page)
		LOAD_ERROR(&scope, page, "E029", "only \"page: none\" is",
			   "this \"page\" of a route is not supported yet");
}

void load_routes(struct load *load)
{
	for (size_t i = 0; i < load->set->nroutes; i++)
		read_route(load, i);
}
