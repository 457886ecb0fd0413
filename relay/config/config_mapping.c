/*
 * Config, mapping: where a sender of format generic has the fields of its alerts (alert_mapping.h):
 * the name of a mapping that ships, or a map of targets:
 *
 *	items: /alerts
 *	id: [/incident/id, /key]
 *	status: {from: /state, values: {OPEN: firing, CLOSED: resolved, ACK: ignore}}
 *	starts_at: {from: /since, time: ms}
 *	severity: {text: critical}
 *	label: {service: /service/name}
 *	labels: /tags
 *
 * What it makes is kept by the configuration's arena.
 */
#include "config-internal.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define HINT_MAPPING "write {id: /id, name: /title, status: {from: /state}}"

struct mapping_loading {
	struct config_loading *loading;
	struct mapping_rule *rules;
	size_t nrules;
};

static const char *mapping_read_place(struct config_loading *loading, const struct ynode *node,
				      const char *key)
{
	const char *place = config_want_text(loading, node, key);
	const char *fault = place ? mapping_place_fault(place) : NULL;

	if (fault)
		FAULT(loading, node, "C038", "write /incident/id", "%s is no place: %s", key,
		      fault);
	return fault ? NULL : place;
}

/* One place, or a list of them. */
static void read_places(struct config_loading *loading, const struct ynode *node, const char *key,
			struct mapping_rule *rule)
{
	bool is_list = node->kind == YNODE_LIST;
	size_t n = is_list ? node->n : 1, found = 0;

	if (n > MAPPING_PLACES)
		FAULT(loading, node, "C038", "keep the places that alerts have",
		      "%s has more than %d places", key, MAPPING_PLACES);
	for (size_t i = 0; i < n && i < MAPPING_PLACES; i++) {
		const char *place =
			mapping_read_place(loading, is_list ? node->items[i] : node, key);
		if (place)
			rule->from[found++] = place;
	}
}

static void mapping_read_values(struct config_loading *loading, const struct ynode *map,
				struct mapping_rule *rule)
{
	struct mapping_value *values;

	if (!config_want_map(loading, map, "values", "write {OPEN: firing, CLOSED: resolved}"))
		return;
	values = arena_array(loading->config->arena, map->n + 1, sizeof(*values));
	for (size_t i = 0; i < map->n; i++) {
		values[i].from = map->keys[i]->text;
		values[i].to = config_want_text(loading, map->items[i], map->keys[i]->text);
	}
	values[map->n] = (struct mapping_value){ NULL, NULL };
	rule->values = values;
}

static void read_rule_map(struct config_loading *loading, const struct ynode *map, const char *key,
			  struct mapping_rule *rule)
{
	static const char *const known[] = { "from", "values", "time", "text", "prefix" };

	for (size_t i = 0; i < map->n; i++) {
		const char *name = map->keys[i]->text;
		const struct ynode *value = map->items[i];
		const char *text;
		if (strcmp(name, "from") == 0) {
			read_places(loading, value, key, rule);
		} else if (strcmp(name, "values") == 0) {
			mapping_read_values(loading, value, rule);
		} else if (strcmp(name, "time") == 0) {
			text = config_want_text(loading, value, name);
			if (text)
				rule->time = (enum mapping_time)config_want_word(
					loading, value, text, "C006", "unit of a time",
					mapping_time_words, MAP_TIME_COUNT);
		} else if (strcmp(name, "text") == 0) {
			rule->text = config_want_text(loading, value, name);
		} else if (strcmp(name, "prefix") == 0 &&
			   (rule->to == MAP_LABELS || rule->to == MAP_ANNOTATIONS)) {
			rule->name = config_want_text(loading, value, name);
		} else {
			config_unknown(loading, map, i, " of a field", known, ARRAY_LEN(known));
		}
	}
	if (!rule->from[0] && !rule->text)
		FAULT(loading, map, "C038", "add: from: /place", "%s says no place and no text",
		      key);
}

/* What a status or a severity becomes is one of the words that the relay knows. */
static void mapping_check_words(struct config_loading *loading, const struct ynode *node,
				const struct mapping_rule *rule)
{
	static const char *const statuses[] = { "firing", "resolved", "ignore" };
	static const char *const severities[] = { "critical", "error", "warning", "info" };
	bool status = rule->to == MAP_STATUS;
	const char *const *words = status ? statuses : severities;
	size_t n = status ? ARRAY_LEN(statuses) : ARRAY_LEN(severities);

	for (const struct mapping_value *value = rule->values; value && value->from; value++)
		if (value->to)
			config_want_word(loading, node, value->to, "C006",
					 status ? "status" : "severity", words, n);
}

static void mapping_read_rule(struct mapping_loading *mapping, const struct ynode *key,
			      const struct ynode *value, enum mapping_target to, const char *name)
{
	struct config_loading *loading = mapping->loading;
	struct mapping_rule *rule;

	if (mapping->nrules == LIMIT_MAPPING_RULES) {
		FAULT(loading, key, "C038", "leave out fields that no rule and no page needs",
		      "a mapping has at most %u fields", LIMIT_MAPPING_RULES);
		return;
	}
	rule = &mapping->rules[mapping->nrules++];
	*rule = (struct mapping_rule){ .to = to, .name = name };
	if (value->kind == YNODE_MAP)
		read_rule_map(loading, value, key->text, rule);
	else
		read_places(loading, value, key->text, rule);
	if (to == MAP_STATUS || to == MAP_SEVERITY)
		mapping_check_words(loading, value, rule);
}

/* label: {service: /svc, env: /env} */
static void mapping_read_named(struct mapping_loading *mapping, const struct ynode *map,
			       enum mapping_target to)
{
	if (!config_want_map(mapping->loading, map, mapping_target_words[to],
			     "write {service: /service/name}"))
		return;
	for (size_t i = 0; i < map->n; i++)
		mapping_read_rule(mapping, map->keys[i], map->items[i], to, map->keys[i]->text);
}

static void mapping_read_field(struct mapping_loading *mapping, const struct ynode *map, size_t i)
{
	const char *known[MAP_TARGET_COUNT + 1] = { "items" };

	for (int to = 0; to < MAP_TARGET_COUNT; to++) {
		known[to + 1] = mapping_target_words[to];
		if (strcmp(map->keys[i]->text, mapping_target_words[to]) != 0)
			continue;
		if (to == MAP_LABEL || to == MAP_ANNOTATION)
			mapping_read_named(mapping, map->items[i], (enum mapping_target)to);
		else
			mapping_read_rule(mapping, map->keys[i], map->items[i],
					  (enum mapping_target)to, NULL);
		return;
	}
	config_unknown(mapping->loading, map, i, " of a mapping", known, ARRAY_LEN(known));
}

static const struct alert_mapping *find_shipped(struct config_loading *loading,
						const struct ynode *node, const char *name)
{
	const char *known[LIMIT_MAPPING_RULES];
	size_t n = 0;

	for (; n < ARRAY_LEN(known) && mappings_shipped[n]; n++)
		known[n] = mappings_shipped[n]->name;
	config_want_word(loading, node, name, "C006", "mapping", known, n);
	return mapping_shipped(name);
}

const struct alert_mapping *config_read_mapping(struct config_loading *loading,
						const struct ynode *node)
{
	struct arena *arena = loading->config->arena;
	struct mapping_loading reading = { .loading = loading };
	struct alert_mapping *mapping;

	if (node->kind == YNODE_SCALAR) {
		const char *name = config_want_text(loading, node, "mapping");
		return name ? find_shipped(loading, node, name) : NULL;
	}
	if (!config_want_map(loading, node, "mapping", HINT_MAPPING))
		return NULL;
	reading.rules = arena_array(arena, LIMIT_MAPPING_RULES, sizeof(*reading.rules));
	mapping = arena_alloc(arena, sizeof(*mapping));
	*mapping = (struct alert_mapping){ .name = "mapping",
					   .what = "what the sender's mapping says",
					   .rules = reading.rules };
	for (size_t i = 0; i < node->n; i++) {
		if (strcmp(node->keys[i]->text, "items") == 0)
			mapping->items = mapping_read_place(loading, node->items[i], "items");
		else
			mapping_read_field(&reading, node, i);
	}
	mapping->nrules = reading.nrules;
	mapping->id_of_labels = !ynode_get(node, "id");
	if (!ynode_get(node, "name") && !ynode_get(node, "labels") && !ynode_get(node, "label"))
		FAULT(loading, node, "C038", "add: name: /title",
		      "a mapping needs a name, or labels: an alert without labels is refused");
	return mapping;
}
