/*
 * Load, section services: who owns what. Two entries that are equally specific and can match one
 * service are refused here, so that a look-up never has to choose.
 */
#include "load-internal.h"
#include "tracepager/clock.h"

/* The short word for a resource attribute, where there is one. */
static const char *key_name(const char *name)
{
	static const struct {
		const char *attribute, *word;
	} words[] = {
		{ "service.name", "service" },
		{ "service.namespace", "namespace" },
		{ "deployment.environment.name", "environment" },
		{ "deployment.environment", "environment" },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(name, words[i].attribute) == 0)
			return words[i].word;
	return name;
}

static void add_key(const struct load_scope *scope, struct service_entry *service, const char *name,
		    const char *glob)
{
	struct arena *arena = scope->load->set->arena;
	struct service_key *key = &service->keys[service->nkeys++];

	*key = (struct service_key){ .name = name,
				     .glob = glob,
				     .literal = glob_literal(arena, glob) };
	service->literals += glob_literals(glob);
	service->nexact += key->literal != NULL;
	if (strcmp(name, "service") == 0) {
		service->service = key->literal;
		service->prefix = glob_prefix(arena, glob);
	}
}

static bool has_key(const struct service_entry *service, const char *name)
{
	for (size_t i = 0; i < service->nkeys; i++)
		if (strcmp(service->keys[i].name, name) == 0)
			return true;
	return false;
}

/* Without `match` an entry is for the service that is named as its key. */
static void match_by_name(const struct load_scope *scope, struct service_entry *service)
{
	struct arena *arena = scope->load->set->arena;
	const char *name = service->rule.name;

	if (strpbrk(name, "*?["))
		LOAD_WARNING(scope, scope->key, "W006",
			     arena_printf(scope->load->scratch, "add \"match: {service: \"%s\"}\"",
					  name),
			     "the name of %s looks like a glob", scope->what);
	service->keys = arena_array(arena, 1, sizeof(*service->keys));
	service->keys[0] = (struct service_key){ .name = "service", .glob = name, .literal = name };
	service->nkeys = service->nexact = 1;
	service->literals = (unsigned int)strlen(name);
	service->service = service->prefix = name;
}

static void read_match(const struct load_scope *scope, struct service_entry *service)
{
	const struct ynode *map = member_map(scope, "match");
	struct load *load = scope->load;
	bool failed = false;

	if (!map)
		return;
	service->keys = arena_array(load->set->arena, map->n, sizeof(*service->keys));
	for (size_t i = 0; i < map->n; i++) {
		const char *name = key_name(map->keys[i]->text);
		const char *what = arena_printf(load->scratch, "\"%.200s\"", map->keys[i]->text);
		const char *glob = node_glob(scope, map->items[i], what, false);
		if (has_key(service, name))
			LOAD_ERROR(scope, map->keys[i], "E036", "keep one of them",
				   "two names of the same attribute: \"%.200s\" is \"%s\"",
				   map->keys[i]->text, name);
		else if (glob)
			add_key(scope, service, arena_strdup(load->set->arena, name), glob);
		failed |= !glob;
	}
	if (failed)
		service->nkeys = 0; /* with a wrong key left out it would seem to tie with others */
	else if (!has_key(service, "service"))
		LOAD_WARNING(scope, member_key(scope, "match"), "W004", "add \"service: …\" to it",
			     "%s matches services of any name", scope->what);
}

static void read_peers(const struct load_scope *scope, struct service_entry *service)
{
	const struct ynode *list = member_list(scope, "peers");

	if (!list)
		return;
	service->peers = arena_array(scope->load->set->arena, list->n, sizeof(*service->peers));
	for (size_t i = 0; i < list->n; i++) {
		const char *peer = node_text(scope, list->items[i], "the name of a peer");
		if (peer && strpbrk(peer, "*?"))
			LOAD_ERROR(scope, list->items[i], "E035", "write out every name",
				   "the name of a peer is no glob: \"%.200s\"", peer);
		else if (peer)
			service->peers[service->npeers++] = peer;
	}
}

/* The value of n digits; -1: some are no digits. */
static int number_of_digits(const char *text, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

static bool is_date(const char *text)
{
	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return false;
	int year = number_of_digits(text, 4), month = number_of_digits(text + 5, 2),
	    day = number_of_digits(text + 8, 2);
	return year >= 1970 && month >= 1 && month <= 12 && day >= 1 &&
	       day <= days_in_month(year, month);
}

static void read_links(const struct load_scope *scope, struct service_rule *rule)
{
	const struct ynode *map = member_map(scope, "links");
	struct arena *arena = scope->load->set->arena;

	if (!map)
		return;
	struct rule_link *links = arena_array(arena, map->n, sizeof(*links));
	for (size_t i = 0; i < map->n; i++) {
		const char *name = map->keys[i]->text;
		const char *what = arena_printf(scope->load->scratch, "\"%.200s\"", name);
		if (!node_text(scope, map->items[i], what))
			continue;
		links[rule->nlinks++] = (struct rule_link){
			.text = arena_strdup(arena, name),
			.href = node_url_template(scope, map->items[i], what),
		};
	}
	rule->links = links;
}

static const char *read_date(const struct load_scope *scope, const char *name)
{
	const struct ynode *node = member_value(scope, name);
	const char *date = node ? node_text(scope, node, "a date") : NULL;

	if (!date || is_date(date))
		return date;
	LOAD_ERROR(scope, node, "E034", "write it as 2026-09-01", "\"%.100s\" is not a date", date);
	return NULL;
}

static void read_service(struct load *load, size_t i)
{
	const struct rule_source *entry = &load->sections[SECTION_SERVICES].at[i];
	struct service_entry *service = &load->set->services[i];
	struct service_rule *rule = &service->rule;
	struct load_scope scope;

	rule->name = arena_strdup(load->set->arena, entry->key->text);
	rule->place = entry_place(load, entry);
	service->prefix = "";
	if (!scope_open(&scope, load, entry, MAP_SERVICE,
			arena_printf(load->scratch, "service \"%s\"", rule->name)))
		return;
	size_t owner = member_ref(&scope, "owner", SECTION_TEAMS);
	if (owner != SIZE_MAX)
		rule->owner = &load->set->teams[owner];
	if (member_key(&scope, "match"))
		read_match(&scope, service);
	else
		match_by_name(&scope, service);
	read_peers(&scope, service);
	rule->criticality = member_text(&scope, "criticality");
	rule->runbook = member_url_template(&scope, "runbook");
	rule->dashboard = member_url_template(&scope, "dashboard");
	read_links(&scope, rule);
	rule->reviewed_at = read_date(&scope, "reviewed_at");
}

/* A scope at the map of a service entry. */
static struct load_scope scope_of_service(struct load *load, const struct service_entry *service)
{
	const struct rule_source *entry =
		&load->sections[SECTION_SERVICES].at[service - load->set->services];

	return (struct load_scope){
		.load = load, .doc = entry->doc, .key = entry->key, .map = entry->node
	};
}

static void refuse_tie(struct load *load, const struct service_entry *a,
		       const struct service_entry *b)
{
	/* report it at the later entry */
	const struct service_entry *first = a < b ? a : b, *second = a < b ? b : a;
	struct load_scope scope = scope_of_service(load, second),
			  other = scope_of_service(load, first);
	const struct ynode *at = ynode_get(ynode_get(scope.map, "match"), "service");

	LOAD_ERROR(
		&scope, at ? at : scope.key, "E024",
		"write more in one of them: another attribute, such as namespace, or a longer name",
		"services \"%s\" and \"%s\" (%s:%d:%d) can both match the same service, and "
		"neither is more specific",
		second->rule.name, first->rule.name, other.doc->file, other.key->line,
		other.key->column);
}

/* Looks for ties. In service_order entries that may tie stand behind each other, and among them
 * those with the same prefix. One finding for each entry is enough. */
static void check_ties(struct load *load)
{
	struct ruleset *set = load->set;

	for (size_t i = 0; i < set->nservices; i++) {
		struct service_entry *a = set->service_order[i];
		for (size_t j = i + 1; j < set->nservices; j++) {
			struct service_entry *b = set->service_order[j];
			if (service_compare(a, b) != 0 || !a->nkeys || !b->nkeys)
				break;
			if (strncmp(a->prefix, b->prefix, strlen(a->prefix)) != 0)
				break;
			if (!service_overlap(a, b))
				continue;
			refuse_tie(load, a, b);
			break;
		}
	}
}

static void check_peers(struct load *load)
{
	struct map *seen = map_new();

	for (size_t i = 0; i < load->set->nservices; i++) {
		struct service_entry *service = &load->set->services[i];
		struct load_scope scope = scope_of_service(load, service);
		const struct ynode *list = ynode_get(scope.map, "peers");
		for (size_t j = 0, k = 0; list && j < list->n && k < service->npeers; j++) {
			const struct ynode *node = list->items[j];
			if (node->kind != YNODE_SCALAR ||
			    strcmp(node->text, service->peers[k]) != 0)
				continue; /* a peer that was refused is not in the set */
			const struct service_entry *first = map_get(seen, service->peers[k++]);
			if (!first) {
				map_put(seen, node->text, service);
				continue;
			}
			struct load_scope other = scope_of_service(load, first);
			LOAD_ERROR(&scope, node, "E025", "give it to one service",
				   "peer \"%.200s\" already belongs to service \"%s\" (%s:%d:%d)",
				   node->text, first->rule.name, other.doc->file, other.key->line,
				   other.key->column);
		}
	}
	map_free(seen);
}

void load_services(struct load *load)
{
	for (size_t i = 0; i < load->set->nservices; i++)
		read_service(load, i);
	ruleset_order_services(load->set);
	check_ties(load);
	check_peers(load);
}
