/*
 * Importer of Alertmanager's configurations (prometheus.io/docs/alerting/latest/configuration),
 * also within the values of a Helm chart. Receivers become teams with their pagers, the tree of
 * routes a list of routes, time intervals stay as they are. Owns struct am.
 */
#include "alertmanager-internal.h"

#include <errno.h>
#include <stdlib.h>

#include "tracepager/time_interval.h"

static struct am *am_of(struct catalogue *catalogue)
{
	if (catalogue->am)
		return catalogue->am;
	struct am *am = catalogue->am = xcalloc(1, sizeof(*am));
	am->files = map_new();
	am->time_names = map_new();
	am->escalation_keys = map_new();
	return am;
}

void am_free(struct catalogue *catalogue)
{
	struct am *am = catalogue->am;

	if (!am)
		return;
	for (size_t i = 0; i < am->receivers.n; i++)
		free(((struct am_receiver *)am->receivers.at[i])->pagers.at);
	for (size_t i = 0; i < am->matchers.n; i++) {
		matchers_fini(am->matchers.at[i]);
		free(am->matchers.at[i]);
	}
	free(am->receivers.at);
	free(am->rules.at);
	free(am->times.at);
	free(am->matchers.at);
	free(am->teams.at);
	map_free(am->files);
	map_free(am->time_names);
	map_free(am->escalation_keys);
	free(am);
}

/* ---- receivers ---- */

static void am_read_receiver(const struct am_config *config, const struct ynode *node)
{
	struct catalogue *catalogue = config->catalogue;
	const char *name = cat_text(catalogue, config->doc, node, "name", "receiver");

	catalogue->counts.entries++;
	if (!name) {
		cat_lose(catalogue, LOSS_NO_NAME, cat_place(config->doc, node), "receiver",
			 "it has no name");
		return;
	}
	if (map_get(config->receivers, name)) {
		cat_lose(catalogue, LOSS_DUPLICATE, cat_place(config->doc, node),
			 cat_printf(catalogue, "receiver \"%s\"", name),
			 "left out: another receiver has that name already");
		return;
	}
	struct am_receiver *receiver = arena_alloc(catalogue->arena, sizeof(*receiver));
	*receiver = (struct am_receiver){ .name = name, .place = cat_place(config->doc, node) };
	map_put(config->receivers, name, receiver);
	cat_list_push(&config->am->receivers, receiver);
	am_read_pagers(config, node, receiver);
}

/* ---- time intervals ---- */

static bool is_clock_range(const struct ynode *node)
{
	static const char *const names[] = { "start_time", "end_time" };
	int minutes[2];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct ynode *value = ynode_get(node, names[i]);
		if (!value || value->kind != YNODE_SCALAR ||
		    interval_clock_parse(value->text, &minutes[i]) < 0)
			return false;
	}
	return minutes[0] < minutes[1];
}

static bool is_range_list(const char *key, const struct ynode *list)
{
	static const struct {
		const char *key;
		enum interval_field field;
	} fields[] = { { "weekdays", INTERVAL_WEEKDAYS },
		       { "days_of_month", INTERVAL_DAYS_OF_MONTH },
		       { "months", INTERVAL_MONTHS },
		       { "years", INTERVAL_YEARS } };
	struct interval_range range;
	struct err err;
	size_t field = 0;

	while (field < ARRAY_LEN(fields) && strcmp(fields[field].key, key) != 0)
		field++;
	if (field == ARRAY_LEN(fields))
		return false;
	for (size_t i = 0; i < list->n; i++) {
		const struct ynode *item = list->items[i];
		if (item->kind != YNODE_SCALAR ||
		    interval_range_parse(fields[field].field, item->text, &range, &err) < 0)
			return false;
	}
	return true;
}

/* Where there is no database, nobody can say. */
static bool is_location(const struct am_config *config, const struct ynode *node)
{
	struct err err;

	return node->kind == YNODE_SCALAR && *node->text &&
	       (zone_of_location(config->catalogue->arena, node->text, &err) || err.code != ENOENT);
}

/* Can rules say it? Not where it would hold always. */
static bool is_interval(const struct am_config *config, const struct ynode *node)
{
	if (node->kind != YNODE_MAP || !node->n)
		return false;
	for (size_t i = 0; i < node->n; i++) {
		const char *key = node->keys[i]->text;
		const struct ynode *value = node->items[i];
		bool good = value->kind == YNODE_LIST && value->n;
		if (strcmp(key, "location") == 0) {
			good = is_location(config, value);
		} else if (good && strcmp(key, "times") == 0) {
			for (size_t k = 0; k < value->n; k++)
				good &= is_clock_range(value->items[k]);
		} else if (good) {
			good = is_range_list(key, value);
		}
		if (!good)
			return false;
	}
	return true;
}

static bool is_plain_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return cat_is_rule_name(name);
}

static void read_interval_set(const struct am_config *config, const struct ynode *node)
{
	struct catalogue *catalogue = config->catalogue;
	const char *name = cat_text(catalogue, config->doc, node, "name", "time interval");
	const struct ynode *list = ynode_get(node, "time_intervals");
	bool good = name && is_plain_name(name) && list && list->kind == YNODE_LIST && list->n;

	catalogue->counts.entries++;
	for (size_t i = 0; good && i < list->n; i++)
		good = is_interval(config, list->items[i]);
	if (!good || map_get(config->am->time_names, name)) {
		cat_lose(
			catalogue, good ? LOSS_DUPLICATE : LOSS_ROUTE, cat_place(config->doc, node),
			"time interval",
			"left out: it is empty or given twice, or its name, its location or one of "
			"its ranges is wrong");
		return;
	}
	struct am_time *time = arena_alloc(catalogue->arena, sizeof(*time));
	*time = (struct am_time){ name, list, cat_place(config->doc, node) };
	map_put(config->am->time_names, name, time);
	cat_list_push(&config->am->times, time);
}

/* ---- what rules have no place for ---- */

static void lose_inhibitions(const struct am_config *config)
{
	struct ynode **items;
	size_t n = cat_items(config->root, "inhibit_rules", &items);

	for (size_t i = 0; i < n; i++)
		cat_lose(config->catalogue, LOSS_INHIBITION, cat_place(config->doc, items[i]),
			 "inhibit_rule",
			 "rules have none: keep Alertmanager before tracepager, or silence by "
			 "hand");
}

/* Globals that the notifiers have taken, or that say what is so anyway. */
static bool is_used_global(const char *key)
{
	static const char *const starts[] = { "smtp_",	    "slack_api_", "pagerduty_", "opsgenie_",
					      "victorops_", "telegram_",  "mattermost_" };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (strncmp(key, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

static void lose_globals(const struct am_config *config)
{
	const struct ynode *global = config->global;

	for (size_t i = 0; global && global->kind == YNODE_MAP && i < global->n; i++) {
		const char *key = global->keys[i]->text;
		bool sends = strcmp(key, "http_config") == 0;
		if (!is_used_global(key))
			cat_lose(config->catalogue, sends ? LOSS_DELIVERY : LOSS_SETTING,
				 cat_place(config->doc, global->keys[i]), "global",
				 "%.60s is left out%s", key,
				 sends ? ": the daemon's own options say how it reaches the network"
				       : "");
	}
	if (ynode_get(config->root, "templates"))
		cat_lose(config->catalogue, LOSS_SETTING,
			 cat_place(config->doc, ynode_get(config->root, "templates")), "templates",
			 "left out: a page has its own form; a route's summary and details change "
			 "it");
}

/* ---- the document ---- */

/* The configuration, also where a Helm chart's values hold it. NULL: there is none. */
static const struct ynode *config_root(const struct ynode *root)
{
	const struct ynode *places[] = { root, ynode_get(root, "config"),
					 ynode_get(ynode_get(root, "alertmanager"), "config") };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const struct ynode *route = ynode_get(places[i], "route");
		if (route && route->kind == YNODE_MAP && ynode_get(places[i], "receivers"))
			return places[i];
	}
	return NULL;
}

static void each_item(const struct am_config *config, const char *key,
		      void (*read)(const struct am_config *config, const struct ynode *node))
{
	struct ynode **items;
	size_t n = cat_items(config->root, key, &items);

	for (size_t i = 0; i < n; i++)
		read(config, items[i]);
}

/* The depth is that of the document, which has a cap. */
static size_t tree_routes(const struct ynode *route)
{
	struct ynode **children;
	size_t n = cat_items(route, "routes", &children), all = n;

	for (size_t i = 0; i < n && all <= LIMIT_IMPORT_TREE_ROUTES; i++)
		all += tree_routes(children[i]);
	return all;
}

void import_ALERTMANAGER(struct catalogue *catalogue, const struct ydoc *doc,
			 const struct ynode *root)
{
	struct am_config config = { .catalogue = catalogue, .am = am_of(catalogue), .doc = doc };

	config.root = config_root(root);
	if (!config.root) {
		cat_lose(catalogue, LOSS_UNREADABLE, cat_place(doc, root), NULL,
			 "it has no route and receivers: give Alertmanager's own file, or the "
			 "values of a chart with alertmanager.config");
		return;
	}
	if (tree_routes(ynode_get(config.root, "route")) > LIMIT_IMPORT_TREE_ROUTES) {
		cat_lose(catalogue, LOSS_LIMIT, cat_place(doc, ynode_get(config.root, "route")),
			 "route",
			 "the tree has more than %u routes, and nothing of this file is taken: "
			 "give each owner's services to it under \"services\" instead",
			 LIMIT_IMPORT_TREE_ROUTES);
		return;
	}
	config.global = ynode_get(config.root, "global");
	config.receivers = map_new();
	each_item(&config, "receivers", am_read_receiver);
	each_item(&config, "time_intervals", read_interval_set);
	each_item(&config, "mute_time_intervals", read_interval_set);
	am_read_routes(&config);
	lose_inhibitions(&config);
	lose_globals(&config);
	map_free(config.receivers);
}
