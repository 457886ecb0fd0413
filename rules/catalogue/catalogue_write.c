/*
 * Writes a resolved catalogue as rules: as text for a person, and as trees for the loader. Both
 * say the same; nothing is decided here.
 */
#include <stdlib.h>

#include "catalogue-internal.h"

/* An address with its braces escaped (RFC 3986, section 2.1): in rules they would be template
 * names. Kept by the arena. */
static const char *address_without_braces(struct arena *arena, const char *url)
{
	struct buf out = BUF_INIT(LIMIT_CATALOGUE_TEXT_BYTES * 4);

	if (!url || !strpbrk(url, "{}"))
		return url;
	for (; *url; url++)
		buf_puts(&out, *url == '{' ? "%7B" : *url == '}' ? "%7D" : (char[]){ *url, '\0' });
	const char *text = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

/* The glob that matches the name of a service and nothing else, or that its name is; NULL: its key
 * does so already.
 * Kept by the arena. */
static const char *match_of(struct arena *arena, const struct cat_service *service)
{
	struct buf out = BUF_INIT(LIMIT_RULE_NAME_BYTES * 2 + 1);

	if (strcmp(service->key, service->name) == 0)
		return NULL;
	if (service->glob)
		return service->name;
	for (const char *c = service->name; *c; c++) {
		if (strchr("*?[\\", *c))
			buf_putc(&out, '\\');
		buf_putc(&out, *c);
	}
	const char *text = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

static const char *key_file(const struct catalogue *catalogue, struct arena *arena,
			    const struct cat_pager *pager)
{
	return arena_printf(arena, "%s/%s", catalogue->options.key_files, pager->id);
}

static void write_team_section(const struct catalogue *catalogue, struct buf *out)
{
	if (!catalogue->rule_teams.n)
		return;
	buf_puts(out, "\nteams:\n");
	for (size_t i = 0; i < catalogue->rule_teams.n; i++) {
		const struct cat_rule_team *team = catalogue->rule_teams.at[i];
		cat_write_origin(out, team->place, team->note);
		buf_puts(out, "  ");
		cat_write_scalar(out, team->key);
		buf_puts(out, ": {");
		cat_write_member(out, "", "name", team->title);
		cat_write_member(out, team->title ? ", " : "", "escalation",
				 team->pager ? team->key : catalogue->options.escalation);
		cat_write_member(out, ", ", "channel", team->channel);
		buf_puts(out, "}\n");
	}
	if (catalogue->rule_pagers.n)
		buf_puts(out, "\nescalations:\n");
	for (size_t i = 0; i < catalogue->rule_teams.n; i++) {
		const struct cat_rule_team *team = catalogue->rule_teams.at[i];
		if (!team->pager)
			continue;
		buf_puts(out, "  ");
		cat_write_scalar(out, team->key);
		buf_puts(out, ": {steps: [{page: [");
		cat_write_scalar(out, team->pager);
		buf_puts(out, "]}]}\n");
	}
}

static void write_pager_section(const struct catalogue *catalogue, struct arena *arena,
				struct buf *out)
{
	if (!catalogue->rule_pagers.n)
		return;
	buf_puts(out, "\npagers:\n");
	for (size_t i = 0; i < catalogue->rule_pagers.n; i++) {
		const struct cat_rule_pager *paging = catalogue->rule_pagers.at[i];
		const struct cat_pager *pager = paging->pager;
		cat_write_origin(out, pager->place,
				 pager->id ? arena_printf(arena, "PagerDuty service %s", pager->id)
					   : NULL);
		buf_puts(out, "  ");
		cat_write_scalar(out, paging->key);
		buf_puts(out, ": {kind: pagerduty");
		if (pager->key)
			cat_write_member(out, ", ", "routing_key", pager->key);
		else
			cat_write_member(out, ", ", "routing_key_file",
					 key_file(catalogue, arena, pager));
		buf_puts(out, "}\n");
	}
}

static void write_service(const struct cat_service *service, struct arena *arena, struct buf *out)
{
	const char *note = service->through, *match = match_of(arena, service);

	if (service->alias_of)
		note = arena_printf(arena, "another name of \"%s\"", service->alias_of);
	cat_write_origin(out, service->place, note);
	buf_puts(out, "  ");
	cat_write_scalar(out, service->key);
	buf_puts(out, ":\n");
	cat_write_member(out, "    ", "owner", service->team);
	if (match) {
		cat_write_member(out, "\n    ", "match: {service", match);
		buf_putc(out, '}');
	}
	cat_write_member(out, "\n    ", "criticality", service->criticality);
	cat_write_member(out, "\n    ", "runbook", address_without_braces(arena, service->runbook));
	cat_write_member(out, "\n    ", "dashboard",
			 address_without_braces(arena, service->dashboard));
	buf_putc(out, '\n');
}

/* Adds a comment for a service that is left out: a person may complete it. */
static void write_left_out(const struct cat_service *service, struct arena *arena, struct buf *out)
{
	cat_write_origin(
		out, service->place,
		arena_printf(arena, "\"%s\" is left out: %s", service->name, service->left_out));
}

static void write_service_section(const struct catalogue *catalogue, struct arena *arena,
				  struct buf *out)
{
	if (catalogue->counts.services || catalogue->counts.left_out)
		buf_puts(out, "\nservices:\n");
	for (size_t i = 0; i < catalogue->services.n; i++) {
		const struct cat_service *service = catalogue->services.at[i];
		if (service->key)
			write_service(service, arena, out);
		else if (service->left_out && !service->alias_of)
			write_left_out(service, arena, out);
	}
}

void catalogue_write(const struct catalogue *catalogue, struct buf *out)
{
	const char *fallback = catalogue->options.fallback;

	if (catalogue->kind == CATALOGUE_ALERTMANAGER) {
		am_write(catalogue, out);
		return;
	}
	struct arena *arena = arena_new(LIMIT_RULES_BYTES * 4u);

	buf_printf(out,
		   "# Made by \"tracepager import %s\". Each entry is preceded by its place in the "
		   "catalogue.\n",
		   catalogue_kind_name(catalogue->kind));
	write_team_section(catalogue, out);
	write_pager_section(catalogue, arena, out);
	write_service_section(catalogue, arena, out);
	if (fallback && catalogue->fallback_known) {
		cat_write_member(out, "\nfallback: {", "team", fallback);
		buf_puts(out, "}\n");
	} else if (!catalogue->options.has_fallback) {
		buf_puts(out, "\n# Rules need one fallback, here or in another file: the team that "
			      "is paged when no owner is found.\n"
			      "# fallback: {team: NAME}\n");
	}
	arena_free(arena);
}

/* ---- trees ---- */

struct tree {
	struct cat_list names[4], entries[4]; /* struct ynode, by section */
};
static const char *const sections[4] = { "teams", "escalations", "pagers", "services" };
enum { TEAMS, ESCALATIONS, PAGERS, SERVICES };

struct maker {
	struct arena *arena;
	int line; /* the line of the entry that is made now */
};

static struct ynode *make_node(const struct maker *maker, enum ynode_kind kind)
{
	struct ynode *node = arena_alloc(maker->arena, sizeof(*node));

	*node = (struct ynode){ .kind = kind, .line = maker->line, .column = 1, .width = 1 };
	return node;
}

static struct ynode *make_text(const struct maker *maker, const char *text)
{
	struct ynode *node = make_node(maker, YNODE_SCALAR);

	node->text = arena_strdup(maker->arena, text);
	node->quoted = true;
	return node;
}

static struct ynode *make_list(const struct maker *maker, struct ynode *item)
{
	struct ynode *node = make_node(maker, YNODE_LIST);

	node->items = arena_array(maker->arena, 1, sizeof(struct ynode *));
	node->items[0] = item;
	node->n = 1;
	return node;
}

static struct ynode *make_map(const struct maker *maker, size_t size)
{
	struct ynode *node = make_node(maker, YNODE_MAP);

	node->keys = arena_array(maker->arena, size, sizeof(struct ynode *));
	node->items = arena_array(maker->arena, size, sizeof(struct ynode *));
	return node;
}

static void put_node(const struct maker *maker, struct ynode *map, const char *key,
		     struct ynode *value)
{
	map->keys[map->n] = make_text(maker, key);
	map->items[map->n++] = value;
}

static void put_text_node(const struct maker *maker, struct ynode *map, const char *key,
			  const char *value)
{
	if (value)
		put_node(maker, map, key, make_text(maker, value));
}

static void push_entry(const struct maker *maker, struct tree *tree, int section, const char *name,
		       struct ynode *entry)
{
	cat_list_push(&tree->names[section], make_text(maker, name));
	cat_list_push(&tree->entries[section], entry);
}

static void make_team(const struct catalogue *catalogue, const struct maker *maker,
		      struct tree *tree, const struct cat_rule_team *team)
{
	struct ynode *map = make_map(maker, 3), *step = make_map(maker, 1),
		     *escalation = make_map(maker, 1);

	put_text_node(maker, map, "name", team->title);
	put_text_node(maker, map, "escalation",
		      team->pager ? team->key : catalogue->options.escalation);
	put_text_node(maker, map, "channel", team->channel);
	push_entry(maker, tree, TEAMS, team->key, map);
	if (!team->pager)
		return;
	put_node(maker, step, "page", make_list(maker, make_text(maker, team->pager)));
	put_node(maker, escalation, "steps", make_list(maker, step));
	push_entry(maker, tree, ESCALATIONS, team->key, escalation);
}

static void make_pager(const struct catalogue *catalogue, const struct maker *maker,
		       struct tree *tree, const struct cat_rule_pager *paging)
{
	struct ynode *map = make_map(maker, 2);

	put_text_node(maker, map, "kind", "pagerduty");
	if (paging->pager->key)
		put_text_node(maker, map, "routing_key", paging->pager->key);
	else
		put_text_node(maker, map, "routing_key_file",
			      key_file(catalogue, maker->arena, paging->pager));
	push_entry(maker, tree, PAGERS, paging->key, map);
}

static void make_service(const struct maker *maker, struct tree *tree,
			 const struct cat_service *service)
{
	const char *glob = match_of(maker->arena, service);
	struct ynode *map = make_map(maker, 5), *match = make_map(maker, 1);

	put_text_node(maker, map, "owner", service->team);
	if (glob) {
		put_text_node(maker, match, "service", glob);
		put_node(maker, map, "match", match);
	}
	put_text_node(maker, map, "criticality", service->criticality);
	put_text_node(maker, map, "runbook",
		      address_without_braces(maker->arena, service->runbook));
	put_text_node(maker, map, "dashboard",
		      address_without_braces(maker->arena, service->dashboard));
	push_entry(maker, tree, SERVICES, service->key, map);
}

static struct tree *tree_of(struct tree *trees, const struct map *numbers, struct cat_place place,
			    struct maker *maker)
{
	maker->line = place.line ? place.line : 1;
	return &trees[(size_t)(uintptr_t)map_get(numbers, place.doc->file) - 1];
}

/* The document of a file, with the tree of its rules instead of its own; sections without
 * entries are left out. */
static struct ydoc finish_doc(struct maker *maker, const struct ydoc *doc, struct tree *tree)
{
	struct ydoc made = *doc;

	maker->line = 1;
	made.cut = false;
	made.root = make_map(maker, ARRAY_LEN(sections));
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		size_t n = tree->names[i].n;
		struct ynode *section = make_map(maker, n);
		for (; section->n < n; section->n++) {
			section->keys[section->n] = tree->names[i].at[section->n];
			section->items[section->n] = tree->entries[i].at[section->n];
		}
		if (n)
			put_node(maker, made.root, sections[i], section);
		free(tree->names[i].at);
		free(tree->entries[i].at);
	}
	return made;
}

struct ydoc *catalogue_docs(const struct catalogue *catalogue, struct arena *arena, size_t *ret_n)
{
	size_t n = catalogue->docs.n;
	struct ydoc *docs = arena_array(arena, n, sizeof(*docs));
	struct tree *trees = xcalloc(n + 1, sizeof(*trees));
	struct maker maker = { .arena = arena };
	struct map *numbers = map_new();

	for (size_t i = 0; i < n; i++) {
		const struct ydoc *doc = catalogue->docs.at[i];
		map_put(numbers, doc->file, (void *)(uintptr_t)(i + 1));
	}
	for (size_t i = 0; i < catalogue->rule_teams.n; i++) {
		const struct cat_rule_team *team = catalogue->rule_teams.at[i];
		struct tree *tree = tree_of(trees, numbers, team->place, &maker);
		make_team(catalogue, &maker, tree, team);
	}
	for (size_t i = 0; i < catalogue->rule_pagers.n; i++) {
		const struct cat_rule_pager *paging = catalogue->rule_pagers.at[i];
		struct tree *tree = tree_of(trees, numbers, paging->pager->place, &maker);
		make_pager(catalogue, &maker, tree, paging);
	}
	for (size_t i = 0; i < catalogue->services.n; i++) {
		const struct cat_service *service = catalogue->services.at[i];
		if (service->key)
			make_service(&maker, tree_of(trees, numbers, service->place, &maker),
				     service);
	}
	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		struct ydoc made = finish_doc(&maker, catalogue->docs.at[i], &trees[i]);
		if (made.root->n)
			docs[(*ret_n)++] = made;
	}
	map_free(numbers);
	free(trees);
	return docs;
}
