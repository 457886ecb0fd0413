/*
 * Load, sections routes and silences. The conditions of a route are compiled here into those that
 * engine/route.c evaluates.
 */
#include "load-internal.h"

#include <stdlib.h>

/* The field that a member of `when` or `suspect` is about; any other name is a label or an
 * attribute. */
static enum when_field when_field_of(enum member_map map, const char *name)
{
	static const struct {
		enum member_map map;
		const char *name;
		enum when_field field;
	} fields[] = {
		{ MAP_WHEN, "severity", WHEN_SEVERITY },
		{ MAP_WHEN, "sender", WHEN_SENDER },
		{ MAP_WHEN, "source", WHEN_SENDER },
		{ MAP_WHEN, "owner", WHEN_OWNER },
		{ MAP_WHEN, "signal", WHEN_SIGNAL },
		{ MAP_WHEN, "criticality", WHEN_CRITICALITY },
		{ MAP_WHEN, "kind", WHEN_KIND },
		{ MAP_SUSPECT, "service", WHEN_SUSPECT_SERVICE },
		{ MAP_SUSPECT, "namespace", WHEN_SUSPECT_NAMESPACE },
		{ MAP_SUSPECT, "operation", WHEN_SUSPECT_OPERATION },
		{ MAP_SUSPECT, "kind", WHEN_SUSPECT_KIND },
		{ MAP_SUSPECT, "criticality", WHEN_SUSPECT_CRITICALITY },
		{ MAP_SUSPECT, "callee", WHEN_SUSPECT_CALLEE },
		{ MAP_SUSPECT, "error", WHEN_SUSPECT_ERROR },
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i].map == map && strcmp(fields[i].name, name) == 0)
			return fields[i].field;
	return map == MAP_WHEN ? WHEN_LABEL : WHEN_SUSPECT_ATTR;
}

/* Adds a finding where no kind of suspect (or fallback code) matches the glob. */
static void check_kind(const struct load_scope *scope, const struct ynode *node, const char *glob,
		       enum when_field field)
{
	const char *names[SUSPECT_EDGE + 1 + FALLBACK_CRASHED];
	size_t n = 0;

	for (int i = SUSPECT_SPAN; i <= SUSPECT_EDGE; i++)
		names[n++] = suspect_kind_name((enum suspect_kind)i);
	for (int i = FALLBACK_NONE + 1; field == WHEN_KIND && i <= FALLBACK_CRASHED; i++)
		names[n++] = fallback_code_name((enum fallback_code)i);
	for (size_t i = 0; i < n; i++)
		if (glob_match(glob, names[i]))
			return;
	node_word(scope, node, "kind", names, n);
}

/* Names that the rules themselves define must exist. */
static void check_value(const struct load_scope *scope, const struct ynode *node, const char *glob,
			const char *literal, enum when_field field)
{
	if (field == WHEN_KIND || field == WHEN_SUSPECT_KIND)
		check_kind(scope, node, glob, field);
	else if (literal && *literal && field == WHEN_OWNER)
		node_ref(scope, node, SECTION_TEAMS, "owner");
	else if (literal && *literal && field == WHEN_SIGNAL)
		node_ref(scope, node, SECTION_SIGNALS, "signal");
}

/* Two members of `when` are maps. */
static const char *when_map_hint(const struct load_scope *scope, const char *key)
{
	static const char *const maps[] = { "suspect", "labels" };
	const char *hint = did_you_mean(scope->load, key, maps, ARRAY_LEN(maps));

	return hint ? hint : "write one glob, or a list of them: [a, b]";
}

/* Reads one member of `when` or `suspect`: a glob, or a list of globs of which one must match. */
static void read_word(const struct load_scope *scope, size_t index, struct route_entry *route)
{
	struct arena *arena = scope->load->set->arena;
	const char *key = scope->map->keys[index]->text;
	const struct ynode *value = scope->map->items[index];
	bool list = value->kind == YNODE_LIST;
	size_t n = list ? value->n : 1;
	struct when_word word = { .field = when_field_of(scope->kind, key) };

	word.name = word.field == WHEN_SENDER	 ? "sender"
		    : scope->kind == MAP_SUSPECT ? arena_printf(arena, "suspect.%s", key)
						 : arena_strdup(arena, key);
	if (value->kind == YNODE_MAP) {
		LOAD_ERROR(scope, scope->map->keys[index], "E014", when_map_hint(scope, key),
			   "\"%.200s\" is a glob or a list of globs, and no map", key);
		return;
	}
	word.globs = arena_array(arena, n, sizeof(*word.globs));
	word.literals = arena_array(arena, n, sizeof(*word.literals));
	if (n == 0)
		LOAD_ERROR(scope, value, "E033", "give a value, or a list of values",
			   "\"%.200s\" is empty", key);
	for (size_t i = 0; i < n; i++) {
		const struct ynode *node = list ? value->items[i] : value;
		const char *what = arena_printf(scope->load->scratch, "\"%.200s\"", key);
		const char *glob = node_glob(scope, node, what, true);
		if (!glob)
			continue;
		const char *literal = glob_literal(arena, glob);
		check_value(scope, node, glob, literal, word.field);
		word.globs[word.n] = glob;
		if (word.literals)
			word.literals[word.n] = literal;
		word.n++;
		if (!literal)
			word.literals = NULL;
	}
	route->words[route->nwords++] = word;
}

static void read_confidence(const struct load_scope *scope, struct route_entry *route)
{
	static const char *const ops[] = { ">=", "<=", ">", "<", "=" };
	const struct ynode *const *items;
	size_t n = member_items(scope, "confidence", &items);

	route->confidence = arena_array(scope->load->set->arena, n, sizeof(*route->confidence));
	for (size_t i = 0; i < n; i++) {
		const char *text = node_text(scope, items[i], "\"confidence\"");
		struct number_test test = { .op = "" };
		for (size_t k = 0; text && k < ARRAY_LEN(ops) && !*test.op; k++)
			if (strncmp(text, ops[k], strlen(ops[k])) == 0)
				snprintf(test.op, sizeof(test.op), "%s", ops[k]);
		const char *number = text ? text + strlen(test.op) : "";
		number += strspn(number, " ");
		if (text && (!*test.op || !share_parse(number, &test.value)))
			LOAD_ERROR(
				scope, items[i], "E047",
				"write \">= 0.8\", with >=, >, <=, < or = and a number from 0 to 1",
				"\"confidence\" is no comparison: \"%.100s\"", text);
		else if (text)
			route->confidence[route->nconfidence++] = test;
	}
}

static void read_time(const struct load_scope *scope, struct route_entry *route)
{
	const struct ynode *const *items;
	size_t n = member_items(scope, "time", &items);

	route->times = arena_array(scope->load->set->arena, n, sizeof(*route->times));
	for (size_t i = 0; i < n; i++) {
		size_t number =
			node_ref(scope, items[i], SECTION_TIMES, "the name of a time interval");
		if (number != SIZE_MAX)
			route->times[route->ntimes++] = &scope->load->set->times[number];
	}
}

/* Is the key a field of a suspect, or an attribute of its resource? Attributes have dots; a key
 * that is neither is a slip. */
static bool is_attribute(const struct load_scope *scope, const struct ynode *key)
{
	static const char *const names[] = {
		"service",     "namespace", "operation", "kind",
		"criticality", "callee",    "error",	 "environment"
	};

	if (member_row(MAP_SUSPECT, key->text) || strchr(key->text, '.'))
		return true;
	LOAD_ERROR(scope, key, "E011", known_words(scope->load, key->text, names, ARRAY_LEN(names)),
		   "a suspect has no \"%.200s\"; attributes of its resource have a dot", key->text);
	return false;
}

static void read_suspect(const struct load_scope *when, struct route_entry *route)
{
	struct load_scope scope;

	if (!scope_enter(&scope, when, "suspect", MAP_SUSPECT, "a suspect"))
		return;
	for (size_t i = 0; i < scope.map->n; i++)
		if (is_attribute(&scope, scope.map->keys[i]))
			read_word(&scope, i, route);
}

static void read_conditions(const struct load_scope *scope, struct route_entry *route)
{
	struct load_scope when;

	if (!scope_enter(&when, scope, "when", MAP_WHEN, scope->what))
		return;
	const struct ynode *suspect = ynode_get(when.map, "suspect");
	route->words = arena_array(scope->load->set->arena,
				   when.map->n + (suspect ? suspect->n : 0), sizeof(*route->words));
	for (size_t i = 0; i < when.map->n; i++) {
		const struct ynode *key = when.map->keys[i];
		const struct member_row *row = member_row(MAP_WHEN, key->text);
		if (!*key->text)
			LOAD_ERROR(&when, key, "E030", "name a label, such as alertname",
				   "the name of a label is empty");
		else if (!row || row->type == MEMBER_GLOBS)
			read_word(&when, i, route);
	}
	member_matchers(&when, "labels", &route->labels);
	read_suspect(&when, route);
	read_confidence(&when, route);
	read_time(&when, route);
}

/* Has the route a member that routes do not have? */
static bool has_stranger(const struct load_scope *scope)
{
	for (size_t i = 0; i < scope->map->n; i++)
		if (!member_row(MAP_ROUTE, scope->map->keys[i]->text))
			return true;
	return false;
}

/* Reads `when`: a map of conditions, or a list of Alertmanager's matchers. */
static void read_when(const struct load_scope *scope, struct route_entry *route)
{
	const struct ynode *when = member_key(scope, "when") ? member_value(scope, "when") : NULL;

	const bool stranger = has_stranger(scope);

	if (!member_key(scope, "when") && stranger)
		return; /* the finding about that member says where conditions stand */
	if (!member_key(scope, "when"))
		LOAD_ERROR(scope, scope->key, "E013",
			   "add \"when: {severity: info}\"; without conditions the route would "
			   "match every alert",
			   "%s has no \"when\"", scope->what);
	else if (when && when->kind == YNODE_LIST)
		member_matchers(scope, "when", &route->labels);
	else if (when)
		read_conditions(scope, route);
}

/* Reads `page`, whose only value is none. */
static bool read_page(const struct load_scope *scope)
{
	const struct ynode *node = member_key(scope, "page") ? member_value(scope, "page") : NULL;
	if (node && node->kind == YNODE_LIST) {
		LOAD_ERROR(scope, node, "E014",
			   "write \"pagers: […]\" for pagers that are paged instead of the owner's",
			   "\"page\" of a route can only be none, not a list");
		return false;
	}
	const char *text = node ? node_text(scope, node, "\"page\"") : NULL;

	if (text && strcmp(text, "none") != 0)
		LOAD_ERROR(scope, node, "E032", "write page: none, or leave it out",
			   "\"page\" of a route can only be none, not \"%.100s\"", text);
	return text && strcmp(text, "none") == 0;
}

/* Is it a pager that is not there, and nearly the word entry-owner? A finding says so. */
static bool refuse_misspelt_owner(const struct load_scope *scope, const struct ynode *node)
{
	static const char *const word = RULES_ENTRY_OWNER;

	if (node->kind != YNODE_SCALAR || node->bad || !nearest_word(node->text, &word, 1) ||
	    map_get(scope->load->sections[SECTION_PAGERS].index, node->text))
		return false;
	LOAD_ERROR(scope, node, "E012", "write entry-owner for the team whose operation fails",
		   "there is no pager \"%.200s\"", node->text);
	return true;
}

/* Reads also_notify: names of pagers, and the word entry-owner. */
static void read_notified(const struct load_scope *scope, struct route *route)
{
	const struct ynode *const *items = NULL, **named;
	size_t n =
		member_key(scope, "also_notify") ? member_items(scope, "also_notify", &items) : 0;
	size_t nnamed = 0;

	named = arena_array(scope->load->scratch, n, sizeof(*named));
	for (size_t i = 0; i < n; i++) {
		bool is_word = items[i]->kind == YNODE_SCALAR && !items[i]->bad &&
			       strcmp(items[i]->text, RULES_ENTRY_OWNER) == 0;
		if (is_word && route->notify_entry_owner)
			LOAD_ERROR(scope, items[i], "E036", "name it once",
				   "\"%s\" stands twice in \"also_notify\"", RULES_ENTRY_OWNER);
		route->notify_entry_owner |= is_word;
		if (!is_word && !refuse_misspelt_owner(scope, items[i]))
			named[nnamed++] = items[i];
	}
	route->also_notify = items_pagers(scope, "also_notify", named, nnamed, LIMIT_ALSO_NOTIFY,
					  &route->nalso_notify);
}

static void read_actions(const struct load_scope *scope, struct route *route)
{
	struct ruleset *set = scope->load->set;
	size_t team = member_ref(scope, "team", SECTION_TEAMS);
	size_t escalation = member_ref(scope, "escalation", SECTION_ESCALATIONS);

	if (team != SIZE_MAX)
		route->team = &set->teams[team];
	if (escalation != SIZE_MAX)
		route->escalation = &set->escalations[escalation];
	route->pagers = member_pagers(scope, "pagers", LIMIT_STEP_PAGERS, &route->npagers);
	read_notified(scope, route);
	route->has_severity = member_severity(scope, "severity", &route->severity);
	route->summary = member_template(scope, "summary");
	route->details = member_template(scope, "details");
	route->resolve_hold_us = -1;
	member_resolve_hold(scope, &route->resolve_hold_us);
	member_group(scope, "group_by", &route->group_by);
	route->continues = member_bool(scope, "continue");
	route->no_page = read_page(scope);
}

/* Adds findings for members that contradict each other, and for a route that changes nothing. */
static void check_actions(const struct load_scope *scope)
{
	static const char *const actions[] = { "team",	      "escalation",   "pagers",
					       "also_notify", "severity",     "summary",
					       "details",     "resolve_hold", "group_by" };
	const struct ynode *first = NULL;

	for (size_t i = 0; i < ARRAY_LEN(actions) && !first; i++)
		first = member_key(scope, actions[i]);
	bool elsewhere = member_is_elsewhere(scope, "page");
	for (size_t i = 0; i < ARRAY_LEN(actions) && !elsewhere; i++)
		elsewhere = member_is_elsewhere(scope, actions[i]);
	if (!first && !member_key(scope, "page") && !elsewhere)
		LOAD_ERROR(scope, scope->key, "E049",
			   "add \"page: none\", \"severity: …\", \"team: …\" or the like",
			   "%s changes nothing", scope->what);
	if (member_key(scope, "page") && !first)
		first = member_key(scope, "continue");
	if (member_key(scope, "page") && first)
		LOAD_ERROR(scope, first, "E046",
			   "keep one; to page another pager than the owner's, write \"pagers: "
			   "[…]\" alone",
			   "\"%s\" and \"page: none\" contradict each other", first->text);
	if (member_key(scope, "pagers") && member_key(scope, "escalation"))
		LOAD_ERROR(scope, member_key(scope, "pagers"), "E046", "keep one of them",
			   "\"pagers\" and \"escalation\" contradict each other");
}

static void read_route(struct load *load, size_t i)
{
	const struct rule_source *entry = &load->routes.at[i];
	struct route_entry *route = &load->set->routes[i];
	struct load_scope scope;

	route->route.place = entry_place(load, entry);
	if (!scope_open(&scope, load, entry, MAP_ROUTE,
			arena_printf(load->scratch, "route %zu", i + 1)))
		return;
	read_when(&scope, route);
	read_actions(&scope, &route->route);
	check_actions(&scope);
}

void load_routes(struct load *load)
{
	for (size_t i = 0; i < load->set->nroutes; i++)
		read_route(load, i);
}

static void read_silence(struct load *load, size_t i)
{
	const struct rule_source *entry = &load->silences.at[i];
	struct silence_entry *silence = &load->set->silences[i];
	struct load_scope scope;

	silence->silence.place = entry_place(load, entry);
	if (!scope_open(&scope, load, entry, MAP_SILENCE,
			arena_printf(load->scratch, "silence %zu", i + 1)))
		return;
	member_matchers(&scope, "matchers", &silence->matchers);
	bool starts = member_time(&scope, "starts", &silence->silence.starts_us);
	bool ends = member_time(&scope, "ends", &silence->silence.ends_us);
	if (starts && ends && silence->silence.ends_us <= silence->silence.starts_us)
		LOAD_ERROR(&scope, member_value(&scope, "ends"), "E043",
			   "write an end behind the start; look at the offsets from UTC",
			   "%s ends before it starts", scope.what);
	silence->silence.reason = member_text(&scope, "reason");
	silence->silence.author = member_text(&scope, "author");
}

void load_silences(struct load *load)
{
	for (size_t i = 0; i < load->set->nsilences; i++)
		read_silence(load, i);
}
