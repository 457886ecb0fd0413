/* Past map: see past_map.h. */
#include "tracepager/past_map.h"

#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/past.h"

void past_map_init(struct past_map *map, int64_t since_us)
{
	*map = (struct past_map){ .map = service_map_new(), .basis = { .since_us = since_us } };
}

void past_map_fini(struct past_map *map)
{
	service_map_free(map->map);
	map->map = NULL;
}

static void count_decision(struct past_map *map, const struct past *past)
{
	struct opened opened;
	struct err err;

	map->basis.ndecisions++;
	map->basis.untraced += !past->traces.len;
	map->basis.in_part += past->kept == STORED_TRACES_PATHS;
	if (!past->traces.len)
		return;
	if (opened_init_traces(&opened, past, &err) < 0)
		map->basis.unreadable++;
	else
		for (size_t i = 0; i < opened.ntraces; i++)
			service_map_add(map->map, opened.traces[i]);
	opened_fini(&opened);
}

int past_map_step(struct past_map *map, struct history *history, struct err *err)
{
	struct past past;
	int result = history_next(history, map->basis.since_us, INT64_MAX, &map->pos, &past, err);

	if (result <= 0)
		return result;
	count_decision(map, &past);
	past_fini(&past);
	return 1;
}

int past_map_count_rest(struct past_map *map, struct history *history, struct err *err)
{
	int64_t all;
	int result = history_count(history, map->basis.since_us, INT64_MAX, &all, err);

	if (result == 0)
		map->basis.waiting = all > map->basis.ndecisions ? all - map->basis.ndecisions : 0;
	return result;
}

/* ---- owners ---- */

struct map_names {
	const struct ruleset *rules;
};

static const char *map_namer(void *ctx, const char *const *names, size_t n)
{
	const struct map_names *known = ctx;
	const struct service_rule *rule = rules_peer(known->rules, names, n, NULL);

	return rule ? rule->name : NULL;
}

static const char *node_attr(void *ctx, const char *name)
{
	const struct service_node *node = ctx;

	for (size_t i = 0; i < node->nattrs; i++)
		if (strcmp(node->attrs[2 * i], name) == 0)
			return node->attrs[2 * i + 1];
	return NULL;
}

/* Rules may leave it to an attribute of the resource to name the team. */
static const struct team *team_by_attribute(struct service_node *node, const struct ruleset *rules)
{
	const struct rule_defaults *defaults = rules_defaults(rules);
	const char *team =
		defaults->owner_attribute ? node_attr(node, defaults->owner_attribute) : NULL;
	const struct team *found = team ? rules_team(rules, team) : NULL;

	for (size_t i = 0; !found && i < defaults->owner_from.n; i++) {
		const char *place = defaults->owner_from.names[i];
		if (strncmp(place, "resource.", 9) != 0)
			continue;
		team = node_attr(node, place + 9);
		found = team ? rules_team(rules, team) : NULL;
	}
	return found;
}

static void find_node_owner(struct service_node *node, const struct ruleset *rules)
{
	const struct service_rule *rule;

	if (node->kind == NODE_SERVICE)
		rule = rules_service(rules, node->name, node->namespace, node_attr, node, NULL);
	else
		rule = rules_peer(rules, node->names, node->nnames, NULL);
	const struct team *team = rule ? rule->owner : team_by_attribute(node, rules);
	if (!team)
		return;
	node->named = true;
	node->team = team->name;
	node->rule = rule ? rule->place : team->place;
}

void past_map_read(const struct past_map *map, struct arena *arena, const struct ruleset *rules,
		   struct service_map_view *ret_view)
{
	struct map_names known = { rules };

	service_map_read(map->map, arena, rules ? map_namer : NULL, &known, ret_view);
	for (size_t i = 0; rules && i < ret_view->nnodes; i++)
		find_node_owner(&ret_view->nodes[i], rules);
}

/* ---- JSON ---- */

static void map_add_flag(struct buf *out, const char *key, bool value)
{
	buf_json_key(out, key);
	buf_puts(out, value ? "true" : "false");
}

static void map_add_time(struct buf *out, const char *key, int64_t us)
{
	char text[RFC3339_SIZE];

	buf_json_text(out, key, us ? rfc3339_format(us, text) : NULL);
}

static void write_map_node(struct buf *out, const struct service_node *node, size_t id)
{
	buf_putc(out, '{');
	buf_json_int(out, "id", (int64_t)id);
	buf_json_text(out, "name", node->name);
	buf_json_text(out, "namespace", node->namespace);
	buf_json_text(out, "kind", node_kind_name(node->kind));
	buf_json_text(out, "team", node->team);
	buf_json_text(out, "rule", node->rule);
	map_add_flag(out, "documented", node->named);
	buf_json_int(out, "calls", node->ncalls);
	buf_json_int(out, "errors", node->nfailed);
	buf_putc(out, '}');
}

static void write_map_edge(struct buf *out, const struct service_map_view *view,
			   const struct service_edge *edge)
{
	buf_putc(out, '{');
	buf_json_int(out, "from", edge->from);
	buf_json_int(out, "to", edge->to);
	buf_json_text(out, "caller", view->nodes[edge->from].name);
	buf_json_text(out, "callee", view->nodes[edge->to].name);
	map_add_flag(out, "message", edge->message);
	map_add_flag(out, "documented", !service_edge_unnamed(view, edge));
	buf_json_int(out, "calls", edge->ncalls);
	buf_json_int(out, "errors", edge->nfailed);
	buf_json_int(out, "traces", edge->ntraces);
	buf_json_int(out, "p50_us", edge->p50_us);
	buf_json_int(out, "p95_us", edge->p95_us);
	map_add_time(out, "last_at", edge->last_us);
	buf_putc(out, '}');
}

void past_map_write_json(const struct service_map_view *view, const struct past_map_basis *basis,
			 struct buf *out)
{
	buf_putc(out, '{');
	map_add_time(out, "since", basis->since_us);
	buf_json_int(out, "decisions", basis->ndecisions);
	buf_json_int(out, "decisions_waiting", basis->waiting);
	buf_json_int(out, "decisions_without_traces", basis->untraced);
	buf_json_int(out, "decisions_in_part", basis->in_part);
	buf_json_int(out, "decisions_unreadable", basis->unreadable);
	buf_json_int(out, "traces", view->ntraces);
	buf_json_int(out, "calls", view->ncalls);
	buf_json_int(out, "calls_unnamed", view->unnamed);
	buf_json_int(out, "calls_left_out", view->left_out);
	buf_json_key(out, "services");
	buf_putc(out, '[');
	for (size_t i = 0; i < view->nnodes; i++) {
		buf_puts(out, i ? "," : "");
		write_map_node(out, &view->nodes[i], i);
	}
	buf_puts(out, "]");
	buf_json_key(out, "edges");
	buf_putc(out, '[');
	for (size_t i = 0; i < view->nedges; i++) {
		buf_puts(out, i ? "," : "");
		write_map_edge(out, view, &view->edges[i]);
	}
	buf_puts(out, "]}");
}
