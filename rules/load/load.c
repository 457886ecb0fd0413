/*
 * Load: the steps of one. Reads all files, merges their sections by name, reads every entry,
 * checks the whole. No problem ends a load; a set comes out only when there is no error. A struct
 * load owns all that the load needs while it runs.
 */
#include <errno.h>
#include <stdlib.h>

#include "load-internal.h"

static bool is_entry_name(const char *text)
{
	size_t len = strlen(text);

	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return len > 0 && len <= LIMIT_RULE_NAME_BYTES;
}

static void section_push(struct load_section *section, const struct rule_source *entry)
{
	if ((section->n & (section->n - 1)) == 0) {
		size_t size = section->n ? section->n * 2 : 1;
		section->at = xrealloc_array(section->at, size, sizeof(*section->at));
		section->names = xrealloc_array(section->names, size, sizeof(*section->names));
	}
	section->at[section->n] = *entry;
	section->names[section->n++] = entry->key->text;
}

static void section_fini(struct load_section *section)
{
	free(section->at);
	free(section->names);
	map_free(section->index);
}

/* A scope before any map is entered: findings point at the key. */
static struct load_scope scope_at(struct load *load, const struct ydoc *doc)
{
	return (struct load_scope){ .load = load, .doc = doc };
}

static void take_entry(struct load *load, enum section_id id, const struct rule_source *entry)
{
	struct load_section *section = &load->sections[id];
	struct load_scope scope = scope_at(load, entry->doc);
	const char *name = entry->key->text, *one = section_entry_name(id);
	size_t found;

	const int word = entry->node->kind == YNODE_SCALAR ? missing_colon(name) : 0;

	if (word && strchr(name, '{')) {
		load->partial = true;
		LOAD_ERROR(&scope, entry->key, "E014",
			   arena_printf(load->scratch, "write \"%.*s: …\"", word, name),
			   "no colon stands behind the name of the %s \"%.*s\"", one, word, name);
		return;
	}
	if (!is_entry_name(name)) {
		LOAD_ERROR(&scope, entry->key, "E030",
			   "choose a short name of letters, digits and dashes",
			   "the name of a %s must have 1 to %u bytes and no control characters",
			   one, LIMIT_RULE_NAME_BYTES);
		return;
	}
	found = (size_t)(uintptr_t)map_get(section->index, name);
	if (found) {
		const struct rule_source *first = &section->at[found - 1];
		LOAD_ERROR(&scope, entry->key, "E015", "rename or remove one of them",
			   "%s \"%s\" is given twice, here and at %s:%d:%d", one, name,
			   first->doc->file, first->key->line, first->key->column);
		return;
	}
	section_push(section, entry);
	map_put(section->index, name, (void *)(uintptr_t)section->n);
}

static enum member_map section_map(enum section_id id)
{
	static const enum member_map maps[] = {
		[SECTION_TEAMS] = MAP_TEAM,
		[SECTION_PAGERS] = MAP_PAGER,
		[SECTION_ESCALATIONS] = MAP_ESCALATION,
		[SECTION_SERVICES] = MAP_SERVICE,
		[SECTION_SIGNALS] = MAP_SIGNAL,
		[SECTION_TIMES] = MAP_INTERVAL,
	};

	return maps[id];
}

/* "pagers:" among the teams, with the pagers behind it at the same column: the rest of the section
 * belongs to that part, and is not read. */
static bool is_other_part(struct load *load, enum section_id id, const struct rule_source *entry)
{
	struct load_scope scope = scope_at(load, entry->doc);

	if (!ynode_is_empty(entry->node) || !member_row(MAP_ROOT, entry->key->text))
		return false;
	load->partial = true;
	LOAD_ERROR(&scope, entry->key, "E011", "begin it at the left edge",
		   "\"%s:\" stands within \"%s:\"", entry->key->text, section_name(id));
	return true;
}

/* Is it a member of an entry that stands beside the entry, not below: "owner: shop" among the
 * services? An entry of that name would have members itself. */
static bool is_beside(enum section_id id, const struct ynode *key, const struct ynode *node)
{
	const enum member_map map = section_map(id);

	if (!member_row(map, key->text) || ynode_is_empty(node))
		return false;
	for (size_t i = 0; node->kind == YNODE_MAP && i < node->n; i++)
		if (member_row(map, node->keys[i]->text))
			return false;
	return true;
}

/* An entry without a value, and behind it at the same column what looks like its members. */
static void refuse_members_beside(struct load *load, enum section_id id,
				  const struct rule_source *entry, const char *member)
{
	struct load_scope scope = scope_at(load, entry->doc);

	load->partial = true;
	LOAD_ERROR(&scope, entry->key, "E014",
		   arena_printf(load->scratch, "indent \"%s\" deeper than \"%.200s\"", member,
				entry->key->text),
		   "%s \"%.200s\" is empty, and its members stand beside it",
		   section_entry_name(id), entry->key->text);
}

static bool refuse_beside(struct load *load, enum section_id id, const struct rule_source *entry)
{
	struct load_scope scope = scope_at(load, entry->doc);

	if (!is_beside(id, entry->key, entry->node))
		return false;
	LOAD_ERROR(&scope, entry->key, "E011",
		   arena_printf(load->scratch, "indent it deeper than the %s that it belongs to",
				section_entry_name(id)),
		   "\"%s\" is a member of a %s, and stands beside it", entry->key->text,
		   section_entry_name(id));
	return true;
}

static void take_section(struct load *load, enum section_id id, const struct ydoc *doc,
			 const struct ynode *node)
{
	struct load_scope scope = scope_at(load, doc);

	if (ynode_is_empty(node))
		return; /* an empty section: everything in it is commented out */
	if (node->kind != YNODE_MAP) {
		const struct ynode *first =
			node->kind == YNODE_LIST && node->n ? node->items[0] : NULL;
		const struct ynode *name = ynode_get(first, "name");
		if (!name || name->kind != YNODE_SCALAR)
			name = first;
		LOAD_ERROR(&scope, node, "E014",
			   name && name->kind == YNODE_SCALAR
				   ? arena_printf(load->scratch,
						  "begin each with its name: \"%.200s: {…}\"",
						  name->text)
				   : "begin each with its name and a colon, without a dash",
			   "\"%s\" must be a map from names, not %s", section_name(id),
			   ynode_kind_name(node));
		return;
	}
	for (size_t i = 0; i < node->n; i++) {
		struct rule_source entry = { .doc = doc,
					     .key = node->keys[i],
					     .node = node->items[i] };
		if (is_other_part(load, id, &entry))
			return;
		const bool beside =
			i + 1 < node->n && is_beside(id, node->keys[i + 1], node->items[i + 1]);
		if (beside && ynode_is_empty(entry.node)) {
			refuse_members_beside(load, id, &entry, node->keys[i + 1]->text);
			while (i + 1 < node->n &&
			       is_beside(id, node->keys[i + 1], node->items[i + 1]))
				i++;
			continue;
		}
		if (refuse_beside(load, id, &entry))
			continue;
		if (beside)
			entry.beside = node->keys[i + 1]->text;
		take_entry(load, id, &entry);
	}
}

/* Takes a section that is a list: its entries have no names. */
static void take_list(struct load *load, const char *name, const struct rule_source *part,
		      struct load_section *section)
{
	struct load_scope scope = scope_at(load, part->doc);
	const struct ynode *node = part->node;

	if (ynode_is_empty(node))
		return;
	if (node->kind != YNODE_LIST) {
		LOAD_ERROR(&scope, node, "E014", "begin each item with \"- \"",
			   "\"%s\" must be a list, not %s", name, ynode_kind_name(node));
		return;
	}
	for (size_t i = 0; i < node->n; i++) {
		struct rule_source entry = { .doc = part->doc,
					     .key = node->items[i],
					     .node = node->items[i] };
		if (!entry.node->bad)
			section_push(section, &entry);
	}
}

/* Takes a part that only one file may have. */
static void take_single(struct load *load, const char *name, const struct rule_source *part,
			struct rule_source *ret_entry)
{
	struct load_scope scope = scope_at(load, part->doc);

	if (ret_entry->node)
		LOAD_ERROR(&scope, part->key, "E015",
			   "keep one, and move the members of the other into it",
			   "\"%s\" is given twice, here and at %s:%d:%d", name,
			   ret_entry->doc->file, ret_entry->key->line, ret_entry->key->column);
	else
		*ret_entry = *part;
}

/* What to do with a part of a file that is no rules; NULL: it is none. */
static const char *foreign_part(const struct ydoc *doc, const char *name)
{
	static const char *const options[] = {
#define OPTION(name, ...) name,
#include "tracepager/tbl/options.def"
#undef OPTION
		"senders", "sources", "tokens"
	};
	const size_t len = strlen(name);
	static const char *const alertmanager[] = { "route",  "receivers", "inhibit_rules",
						    "global", "templates", "mute_time_intervals" };

	for (size_t i = 0; i < ARRAY_LEN(alertmanager); i++)
		if (strcmp(name, alertmanager[i]) == 0 && ynode_get(doc->root, "route") &&
		    ynode_get(doc->root, "receivers"))
			return "this is the configuration of an Alertmanager: \"tracepager import "
			       "alertmanager FILE\" makes rules of it";
	if (strcmp(name, "tests") == 0)
		return "tests of rules stand in a file whose name ends in _test.yaml";
	if (strcmp(name, "groups") == 0)
		return "this is a file of Prometheus rules, which stay with Prometheus";
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (strncmp(name, options[i], len) == 0 && strchr(".", options[i][len]))
			return "the options of the daemon stand in tracepager.yaml";
	return NULL;
}

static void refuse_top(struct load *load, const struct ydoc *doc, const struct ynode *key)
{
	static const char *const names[] = {
#define MEMBER_MAP(id, keys, text)
#define MEMBER(map, name, type, of, need, text) MAP_##map == MAP_ROOT ? name : NULL,
#include "members.def"
#undef MEMBER_MAP
#undef MEMBER
	};
	struct load_scope scope = scope_at(load, doc);
	size_t n = 0;

	while (n < ARRAY_LEN(names) && names[n]) /* the root's rows stand first in members.def */
		n++;
	const char *hint = foreign_part(doc, key->text);
	const int word = missing_colon(key->text);
	if (!hint)
		load->partial = true; /* its entries may be the ones that others name */
	if (word)
		hint = arena_printf(load->scratch, "write \"%.*s: …\"", word, key->text);
	LOAD_ERROR(&scope, key, "E011", hint ? hint : known_words(load, key->text, names, n),
		   "rules have no part \"%.*s\"%s", word ? word : 200, key->text,
		   word ? " without a colon" : "");
}

/* Takes one key of a file's root. Includes were followed when the file was read. */
static void take_root_member(struct load *load, const struct rule_source *part,
			     const struct ynode *next)
{
	const char *name = part->key->text;

	/* What follows at the left edge may be its entries, and has its finding. */
	if (ynode_is_empty(part->node) && member_row(MAP_ROOT, name) &&
	    (!next || member_row(MAP_ROOT, next->text)) &&
	    !ydoc_is_commented_out(part->doc, part->key)) {
		struct load_scope scope = scope_at(load, part->doc);
		LOAD_WARNING(&scope, part->key, "W041", "indent its entries below it, or remove it",
			     "\"%s\" is empty", name);
	}
	for (size_t i = 0; i < SECTION_COUNT; i++)
		if (strcmp(name, section_name((enum section_id)i)) == 0) {
			take_section(load, (enum section_id)i, part->doc, part->node);
			return;
		}
	if (strcmp(name, "routes") == 0)
		take_list(load, name, part, &load->routes);
	else if (strcmp(name, "silences") == 0)
		take_list(load, name, part, &load->silences);
	else if (strcmp(name, "fallback") == 0)
		take_single(load, name, part, &load->fallback);
	else if (strcmp(name, "defaults") == 0)
		take_single(load, name, part, &load->defaults);
	else if (strcmp(name, "include") != 0)
		refuse_top(load, part->doc, part->key);
}

static void take_doc(struct load *load, const struct ydoc *doc)
{
	struct load_scope scope = scope_at(load, doc);

	if (!doc->root)
		return;
	load_check_texts(load, doc);
	if (doc->root->kind != YNODE_MAP) {
		load->partial = true;
		LOAD_ERROR(&scope, doc->root, "E014",
			   "begin with \"teams:\", \"services:\" or the like",
			   "a file of rules must be a map, not %s", ynode_kind_name(doc->root));
		return;
	}
	for (size_t i = 0; i < doc->root->n; i++) {
		struct rule_source part = { .doc = doc,
					    .key = doc->root->keys[i],
					    .node = doc->root->items[i] };
		if (!part.node->bad)
			take_root_member(load, &part,
					 i + 1 < doc->root->n ? doc->root->keys[i + 1] : NULL);
	}
}

static void load_fallback(struct load *load)
{
	struct load_scope scope;

	if (!load->fallback.node) {
		if (!load->partial && !load->is_part)
			findings_add(load->findings, FINDING_ERROR, "E022", load->place,
				     "add \"fallback: {team: NAME}\": the team that is paged when "
				     "no owner is known",
				     "there is no fallback");
		return;
	}
	if (!scope_open(&scope, load, &load->fallback, MAP_FALLBACK, "\"fallback\""))
		return;
	size_t team = member_ref(&scope, "team", SECTION_TEAMS);
	if (team != SIZE_MAX)
		load->set->fallback = &load->set->teams[team];
}

/* Allocates every list of the set in full, so that pointers between entries stay valid. */
static void reserve_entries(struct load *load)
{
	struct ruleset *set = load->set;

#define ROOM(field, count, section)                                                                \
	set->count = (section).n;                                                                  \
	set->field = arena_array(set->arena, (section).n, sizeof(*set->field))
	ROOM(teams, nteams, load->sections[SECTION_TEAMS]);
	ROOM(pagers, npagers, load->sections[SECTION_PAGERS]);
	ROOM(escalations, nescalations, load->sections[SECTION_ESCALATIONS]);
	ROOM(services, nservices, load->sections[SECTION_SERVICES]);
	ROOM(signals, nsignals, load->sections[SECTION_SIGNALS]);
	ROOM(times, ntimes, load->sections[SECTION_TIMES]);
	ROOM(silences, nsilences, load->silences);
	ROOM(routes, nroutes, load->routes);
#undef ROOM
}

static void load_init(struct load *load, bool load_secrets, const char *place,
		      struct findings *findings)
{
	*load = (struct load){ .scratch = arena_new(LIMIT_RULES_ARENA_BYTES),
			       .set = ruleset_new(LIMIT_RULES_ARENA_BYTES),
			       .findings = findings,
			       .load_secrets = load_secrets,
			       .place = place };
	for (size_t i = 0; i < SECTION_COUNT; i++)
		load->sections[i].index = map_new();
	load->files = map_new();
	load->zones = map_new();
}

static void check_set(struct load *load, bool good)
{
	const size_t n = load->set->nescalations;
	const size_t **origins = arena_array(load->scratch, n, sizeof(*origins));
	const struct rules_check check = {
		.set = load->set,
		.teams = load->sections[SECTION_TEAMS].at,
		.pagers = load->sections[SECTION_PAGERS].at,
		.escalations = load->sections[SECTION_ESCALATIONS].at,
		.services = load->sections[SECTION_SERVICES].at,
		.signals = load->sections[SECTION_SIGNALS].at,
		.times = load->sections[SECTION_TIMES].at,
		.silences = load->silences.at,
		.routes = load->routes.at,
		.step_origins = (const size_t *const *)origins,
		.partial = load->partial,
		.findings = load->findings,
		.scratch = load->scratch,
	};

	for (size_t i = 0; i < n; i++)
		origins[i] = load->steps[i].origins;
	if (good && !load->partial && !load->is_part)
		rules_check_unused(&check);
	rules_check_entries(&check);
}

static void count_seen(const struct load *load)
{
	const struct ruleset *set = load->set;

	load->findings->seen = (struct rules_seen){ .files = load->ndocs,
						    .teams = set->nteams,
						    .pagers = set->npagers,
						    .services = set->nservices,
						    .signals = set->nsignals };
}

/* All steps after the files were read; frees the load. */
static int load_finish(struct load *load, size_t errors_before, struct ruleset **ret_rules)
{
	int result = 0;

	load_catalogues(load);
	for (size_t i = 0; i < load->ndocs; i++)
		take_doc(load, &load->docs[i]);
	reserve_entries(load);
	load_pagers(load);
	load_escalations(load);
	load_defaults(load);
	load_teams(load);
	load_steps(load);
	load_services(load);
	load_signals(load);
	load_times(load);
	load_silences(load);
	load_routes(load);
	load_fallback(load);
	load_check_team_pagers(load);
	if (!load->is_part && !load->partial)
		load_warn_of_unread(load);
	check_set(load, load->findings->nerrors == errors_before);
	count_seen(load);
	findings_sort(load->findings);
	if (load->findings->nerrors > errors_before) {
		result = load->error ? load->error : -EINVAL;
		rules_unref(load->set);
	} else {
		load_record_docs(load);
		ruleset_index(load->set);
		*ret_rules = load->set;
	}
	for (size_t i = 0; i < SECTION_COUNT; i++)
		section_fini(&load->sections[i]);
	section_fini(&load->routes);
	section_fini(&load->silences);
	map_free(load->files);
	map_free(load->zones);
	free(load->docs);
	load_catalogues_fini(load);
	arena_free(load->scratch);
	return result;
}

int rules_load(const char *const *paths, size_t npaths, bool load_secrets,
	       struct ruleset **ret_rules, struct findings *findings)
{
	size_t errors = findings->nerrors;
	struct load load;

	load_init(&load, load_secrets, npaths ? paths[0] : "rules", findings);
	for (size_t i = 0; i < npaths; i++)
		load_path(&load, paths[i]);
	return load_finish(&load, errors, ret_rules);
}

int rules_load_part(const char *const *paths, size_t npaths, struct ruleset **ret_rules,
		    struct findings *findings)
{
	size_t errors = findings->nerrors;
	struct load load;

	load_init(&load, false, npaths ? paths[0] : "rules", findings);
	load.is_part = true;
	for (size_t i = 0; i < npaths; i++)
		load_path(&load, paths[i]);
	return load_finish(&load, errors, ret_rules);
}

int rules_parse(const char *name, const char *text, size_t len, bool load_secrets,
		struct ruleset **ret_rules, struct findings *findings)
{
	const struct rule_text one = { .name = name, .text = text, .len = len };

	return rules_parse_texts(&one, 1, load_secrets, ret_rules, findings);
}

int rules_parse_kept(const struct rule_text *texts, size_t n, struct ruleset **ret_rules,
		     struct findings *findings)
{
	size_t errors = findings->nerrors;
	struct load load;

	load_init(&load, false, n ? texts[0].name : "rules", findings);
	load.is_kept = true;
	for (size_t i = 0; i < n; i++)
		load_text(&load, texts[i].name, texts[i].text, texts[i].len);
	return load_finish(&load, errors, ret_rules);
}

int rules_parse_texts(const struct rule_text *texts, size_t n, bool load_secrets,
		      struct ruleset **ret_rules, struct findings *findings)
{
	size_t errors = findings->nerrors;
	struct load load;

	load_init(&load, load_secrets, n ? texts[0].name : "rules", findings);
	for (size_t i = 0; i < n; i++)
		load_text(&load, texts[i].name, texts[i].text, texts[i].len);
	return load_finish(&load, errors, ret_rules);
}
