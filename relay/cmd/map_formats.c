/*
 * Map, formats: DOT, Mermaid and Backstage. Each names services by numbers or by names of its own
 * making, so that no name of a stranger is more than a label.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "map-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#define LABEL_COLUMNS 80
#define LABEL_BYTES   4096

/* ---- DOT (Graphviz, "The DOT Language") ---- */

/* Between quotes a backslash begins an escape, "\N" the node's name too. */
static void add_dot_text(struct buf *out, const char *text)
{
	struct buf plain = BUF_INIT(LABEL_BYTES);

	plain_add(&plain, text, LABEL_COLUMNS);
	for (const char *c = buf_text(&plain); *c; c++) {
		if (*c == '"' || *c == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *c);
	}
	buf_fini(&plain);
}

static void add_dot_node(struct buf *out, const struct service_node *node, size_t i)
{
	buf_printf(out, "  n%zu [label=\"", i);
	add_dot_text(out, node->name);
	buf_puts(out, "\\n");
	add_dot_text(out, node->team ? node->team : "no rule");
	buf_printf(out, "\", shape=%s",
		   node->kind == NODE_DATABASE	? "cylinder"
		   : node->kind == NODE_SERVICE ? "box"
						: "ellipse");
	buf_puts(out, node->nfailed ? ", color=red" : "");
	buf_puts(out, node->named ? "];\n" : ", style=dashed];\n");
}

void map_write_dot(const struct service_map_view *view, struct buf *out)
{
	buf_puts(out, "digraph services {\n  rankdir=LR;\n");
	for (size_t i = 0; i < view->nnodes; i++)
		add_dot_node(out, &view->nodes[i], i);
	for (size_t i = 0; i < view->nedges; i++) {
		const struct service_edge *edge = &view->edges[i];
		buf_printf(out, "  n%u -> n%u [label=\"%lld", edge->from, edge->to,
			   (long long)edge->ncalls);
		if (edge->nfailed)
			buf_printf(out, ", %lld failed", (long long)edge->nfailed);
		buf_printf(out, "\", penwidth=%.1f", 1 + log10((double)edge->ncalls));
		buf_puts(out, edge->nfailed ? ", color=red" : "");
		buf_puts(out, service_edge_unnamed(view, edge) ? ", style=dashed];\n" : "];\n");
	}
	buf_puts(out, "}\n");
}

/* ---- Mermaid (flowchart; "Entity codes to escape characters") ---- */

static void add_mermaid_text(struct buf *out, const char *text)
{
	struct buf plain = BUF_INIT(LABEL_BYTES);

	plain_add(&plain, text, LABEL_COLUMNS);
	for (const char *c = buf_text(&plain); *c; c++) {
		if (isalnum((unsigned char)*c) || (unsigned char)*c >= 0x80 || strchr(" .-_/:", *c))
			buf_putc(out, *c);
		else
			buf_printf(out, "#%d;", *c);
	}
	buf_fini(&plain);
}

static void add_mermaid_node(struct buf *out, const struct service_node *node, size_t i)
{
	static const char *const begin[] = { [NODE_SERVICE] = "[\"",
					     [NODE_DATABASE] = "[(\"",
					     [NODE_QUEUE] = "([\"",
					     [NODE_OTHER] = "([\"" },
				 *const end[] = { [NODE_SERVICE] = "\"]",
						  [NODE_DATABASE] = "\")]",
						  [NODE_QUEUE] = "\"])",
						  [NODE_OTHER] = "\"])" };

	buf_printf(out, "  n%zu%s", i, begin[node->kind]);
	add_mermaid_text(out, node->name);
	buf_puts(out, "<br/>");
	add_mermaid_text(out, node->team ? node->team : "no rule");
	buf_printf(out, "%s\n", end[node->kind]);
}

void map_write_mermaid(const struct service_map_view *view, struct buf *out)
{
	buf_puts(out, "flowchart LR\n");
	for (size_t i = 0; i < view->nnodes; i++)
		add_mermaid_node(out, &view->nodes[i], i);
	for (size_t i = 0; i < view->nedges; i++) {
		const struct service_edge *edge = &view->edges[i];
		buf_printf(out, "  n%u %s|%lld", edge->from,
			   service_edge_unnamed(view, edge) ? "-.->" : "-->",
			   (long long)edge->ncalls);
		if (edge->nfailed)
			buf_printf(out, ", %lld failed", (long long)edge->nfailed);
		buf_printf(out, "| n%u\n", edge->to);
	}
	for (size_t i = 0; i < view->nedges; i++)
		if (view->edges[i].nfailed)
			buf_printf(out, "  linkStyle %zu stroke:#b3201c\n", i);
}

/* ---- Backstage ("Descriptor Format of Catalog Entities") ---- */

#define ENTITY_NAME_BYTES 63

/* Names are letters and digits, with one of "-_." between two of them; at most 63. */
static const char *entity_name(struct arena *arena, const char *name)
{
	char out[ENTITY_NAME_BYTES + 1];
	size_t n = 0;

	for (; *name && n < ENTITY_NAME_BYTES; name++) {
		if (isalnum((unsigned char)*name))
			out[n++] = *name;
		else if (n && isalnum((unsigned char)out[n - 1]))
			out[n++] = strchr("-_.", *name) ? *name : '-';
	}
	while (n && !isalnum((unsigned char)out[n - 1]))
		n--;
	return n ? arena_strndup(arena, out, n) : "unnamed";
}

static const char *lower_text(struct arena *arena, const char *text)
{
	char *lower = arena_strdup(arena, text);

	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return lower;
}

/* A name of each node, without regard to case its own. */
static const char **entity_names(struct arena *arena, const struct service_map_view *view)
{
	const char **names = arena_array(arena, view->nnodes + 1, sizeof(*names));
	struct map *taken = map_new();

	for (size_t i = 0; i < view->nnodes; i++) {
		const char *name = entity_name(arena, view->nodes[i].name);
		names[i] = name;
		for (unsigned int n = 2; map_get(taken, lower_text(arena, names[i])); n++)
			names[i] = arena_printf(arena, "%.*s-%u", ENTITY_NAME_BYTES - 6, name, n);
		map_put(taken, lower_text(arena, names[i]), taken);
	}
	map_free(taken);
	return names;
}

static bool is_component(const struct service_node *node)
{
	return node->kind == NODE_SERVICE;
}

static void add_entity_head(struct buf *out, const struct service_node *node, const char *name)
{
	static const char *const types[] = { [NODE_SERVICE] = "service",
					     [NODE_DATABASE] = "database",
					     [NODE_QUEUE] = "queue",
					     [NODE_OTHER] = "external" };

	buf_printf(out,
		   "---\napiVersion: backstage.io/v1alpha1\nkind: %s\nmetadata:\n  name: \"%s\"\n",
		   is_component(node) ? "Component" : "Resource", name);
	if (strcmp(name, node->name) != 0) {
		struct buf plain = BUF_INIT(LABEL_BYTES);
		plain_add(&plain, node->name, LABEL_COLUMNS);
		buf_puts(out, "  title: ");
		buf_json_string(out, buf_text(&plain));
		buf_putc(out, '\n');
		buf_fini(&plain);
	}
	buf_printf(out, "spec:\n  type: %s\n", types[node->kind]);
	buf_puts(out, is_component(node) ? "  lifecycle: production\n" : "");
	if (node->team) {
		buf_puts(out, "  owner: ");
		buf_json_string(out, node->team);
		buf_putc(out, '\n');
	} else {
		buf_puts(out, "  owner: unknown # no rule names it: fill in the team\n");
	}
}

/* The id of a node in the catalogue: "component:ledger". */
static const char *map_entity_id(struct arena *arena, const struct service_node *node,
				 const char *name)
{
	return lower_text(arena, arena_printf(arena, "%s:%s",
					      is_component(node) ? "component" : "resource", name));
}

static void add_dependency(struct buf *out, const struct service_edge *edge, const char *id,
			   bool is_first)
{
	buf_puts(out, is_first ? "  dependsOn:\n" : "");
	buf_printf(out, "    - \"%s\" # %lld call%s\n", id, (long long)edge->ncalls,
		   edge->ncalls == 1 ? "" : "s");
}

void map_write_backstage(const struct service_map_view *view, const struct map *known,
			 struct buf *out)
{
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	const char **names = entity_names(arena, view);
	size_t at = 0;

	buf_puts(out, "# What traces show that services depend on, as proposals for the catalogue: "
		      "take over\n# each dependsOn that is meant. Written by tracepager map.\n");
	for (size_t i = 0; i < view->nnodes; i++) {
		const struct service_node *node = &view->nodes[i];
		const char *id = map_entity_id(arena, node, names[i]);
		/* What the rules or the catalogue name needs no entity without a dependency. */
		bool has_head = !node->named && !(known && map_get(known, id)), has_list = false;
		if (has_head)
			add_entity_head(out, node, names[i]);
		for (; at < view->nedges && view->edges[at].from == i; at++) {
			const uint32_t to = view->edges[at].to;
			const char *on = map_entity_id(arena, &view->nodes[to], names[to]);
			if (known && map_get(known, arena_printf(arena, "%s %s", id, on)))
				continue;
			if (!has_head)
				add_entity_head(out, node, names[i]);
			add_dependency(out, &view->edges[at], on, !has_list);
			has_head = has_list = true;
		}
	}
	arena_free(arena);
}
