/*
 * Load, members: is a member there, does it have the right form, is its name known? Adds one
 * finding for each problem, with a hint. The files of the sections know what a member means.
 */
#include "load-internal.h"

#include <assert.h>

static const struct {
	const char *name, *one;
} section_names[SECTION_COUNT] = {
	[SECTION_TEAMS] = { "teams", "team" },
	[SECTION_PAGERS] = { "pagers", "pager" },
	[SECTION_ESCALATIONS] = { "escalations", "escalation" },
	[SECTION_SERVICES] = { "services", "service" },
	[SECTION_SIGNALS] = { "signals", "signal" },
	[SECTION_TIMES] = { "time_intervals", "time interval" },
};

#define NEED_REQUIRED true
#define NEED_OPTIONAL false
static const struct member_row rows[] = {
#define MEMBER_MAP(id, keys, text)
#define MEMBER(map, name, type, of, need, text) { MAP_##map, name, MEMBER_##type, NEED_##need },
#include "members.def"
#undef MEMBER_MAP
#undef MEMBER
};

#define KEYS_OPEN   true
#define KEYS_CLOSED false
static const bool map_is_open[MAP_COUNT] = {
#define MEMBER_MAP(id, keys, text) [MAP_##id] = KEYS_##keys,
#define MEMBER(map, name, type, of, need, text)
#include "members.def"
#undef MEMBER_MAP
#undef MEMBER
};

const struct member_row *member_row(enum member_map map, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].map == map && rows[i].name[0] == name[0] &&
		    strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/* A name that members.def lacks is our bug: the schema and the manual would lack it too. */
static const struct member_row *row_of_member(const struct load_scope *scope, const char *name)
{
	const struct member_row *row = member_row(scope->kind, name);

	assert(row);
	return row;
}

const char *section_entry_name(enum section_id section)
{
	return section_names[section].one;
}

const char *section_name(enum section_id section)
{
	return section_names[section].name;
}

const char *did_you_mean(struct load *load, const char *word, const char *const *names, size_t n)
{
	load->compared += n;
	if (load->findings->n == LIMIT_FINDINGS || load->compared > LIMIT_WORDS_COMPARED)
		return NULL;
	const char *nearest = nearest_word(word, names, n);
	return nearest ? arena_printf(load->scratch, "did you mean \"%s\"?", nearest) : NULL;
}

const char *entry_place(struct load *load, const struct rule_source *entry)
{
	const char *slash = strrchr(entry->doc->file, '/');

	return arena_printf(load->set->arena, "%s:%d", slash ? slash + 1 : entry->doc->file,
			    entry->key->line);
}

const char *known_words(struct load *load, const char *word, const char *const *names, size_t n)
{
	const char *hint = did_you_mean(load, word, names, n);
	struct buf all = BUF_INIT(2048);

	if (hint)
		return hint;
	for (size_t i = 0; i < n; i++)
		buf_printf(&all, "%s%s", i ? ", " : "known here: ", names[i]);
	hint = arena_strdup(load->scratch, buf_text(&all));
	buf_fini(&all);
	return hint;
}

int missing_colon(const char *key)
{
	const size_t len = strcspn(key, " ");

	return key[len] && len ? (int)len : 0;
}

static bool is_known_member(const struct load_scope *scope, const char *name)
{
	return member_row(scope->kind, name) ||
	       (scope->kind == MAP_TEAM && pager_option_of_team(name));
}

bool member_is_elsewhere(const struct load_scope *scope, const char *name)
{
	if (scope->beside && strcmp(scope->beside, name) == 0)
		return true;
	for (size_t i = 0; scope->map && i < scope->map->n; i++) {
		const char *key = scope->map->keys[i]->text;
		const int len = missing_colon(key);
		if (len ? (size_t)len == strlen(name) && strncmp(key, name, (size_t)len) == 0
			: !is_known_member(scope, key) && nearest_word(key, &name, 1))
			return true;
	}
	return false;
}

static void refuse_member(const struct load_scope *scope, const struct ynode *key)
{
	const char *names[ARRAY_LEN(rows) + PAGER_KIND_COUNT];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].map == scope->kind)
			names[n++] = rows[i].name;
	for (int i = 0; i < PAGER_KIND_COUNT && scope->kind == MAP_TEAM; i++) {
		const enum pager_kind_id kind = (enum pager_kind_id)i;
		const char *option = pager_kind_options(kind)->key;
		if (option && pager_kind_of_key(kind) == kind)
			names[n++] = arena_printf(scope->load->scratch, "%s_file", option);
	}
	const int word = missing_colon(key->text);
	if (word) {
		LOAD_ERROR(scope, key, "E011",
			   arena_printf(scope->load->scratch, "write \"%.*s: …\"", word, key->text),
			   "%s has no colon behind \"%.*s\"", scope->what, word, key->text);
		return;
	}
	const char *hint = known_words(scope->load, key->text, names, n);
	/* Without a "when", conditions stand where it was forgotten. */
	if (scope->kind == MAP_ROUTE && !member_key(scope, "when") &&
	    strncmp(hint, "known", 5) == 0)
		LOAD_ERROR(
			scope, key, "E011",
			arena_printf(scope->load->scratch, "write when: {%.200s: …}", key->text),
			"%s has no \"when\", and \"%.200s\" is a condition or no option of routes",
			scope->what, key->text);
	else
		LOAD_ERROR(scope, key, "E011", hint, "%s has no option \"%.200s\"", scope->what,
			   key->text);
}

static void refuse_unknown(const struct load_scope *scope)
{
	if (map_is_open[scope->kind])
		return;
	for (size_t i = 0; i < scope->map->n; i++)
		if (!is_known_member(scope, scope->map->keys[i]->text))
			refuse_member(scope, scope->map->keys[i]);
}

/* The members of a map, as "owner: …, match: …", at most three. */
static const char *example_members(struct load *load, enum member_map kind)
{
	struct buf all = BUF_INIT(512);
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows) && n < 3; i++)
		if (rows[i].map == kind && (rows[i].required || n))
			buf_printf(&all, "%s%s: …", n++ ? ", " : "", rows[i].name);
	const char *text = arena_strdup(load->scratch, buf_text(&all));
	buf_fini(&all);
	return text;
}

/* An entry that is no map: empty, a name that stands for it, or "owner:shop". */
static void refuse_form(const struct load_scope *scope, const struct rule_source *entry,
			enum member_map kind)
{
	const struct ynode *node = entry->node;
	/* An entry without a value has no place of its own: point at its name. */
	const bool empty = ynode_is_empty(node);
	const char *colon =
		node->kind == YNODE_SCALAR && !node->quoted ? strchr(node->text, ':') : NULL;
	struct arena *scratch = scope->load->scratch;
	const int len = colon ? (int)(colon - node->text) : 0;

	if (colon && member_row(kind, arena_strndup(scratch, node->text, (size_t)len))) {
		/* What a pager or a team gives may be a secret. */
		const char *value = kind == MAP_PAGER || kind == MAP_TEAM ? "…" : colon + 1;
		LOAD_ERROR(scope, node, "E014",
			   arena_printf(scratch,
					"write \"%.*s: %.200s\", with a blank behind the colon",
					len, node->text, value),
			   "%s must be a map, and \"%.*s:%.200s\" is a text", scope->what, len,
			   node->text, value);
		return;
	}
	const char *hint =
		kind == MAP_FALLBACK && node->kind == YNODE_SCALAR && !empty
			? arena_printf(scratch, "write fallback: {team: %.200s}", node->text)
			: arena_printf(scratch, "write {%s}", example_members(scope->load, kind));
	LOAD_ERROR(scope, empty ? entry->key : node, "E014", hint, "%s must be a map, not %s",
		   scope->what, ynode_kind_name(node));
}

bool scope_open(struct load_scope *scope, struct load *load, const struct rule_source *entry,
		enum member_map kind, const char *what)
{
	*scope = (struct load_scope){ .load = load,
				      .doc = entry->doc,
				      .key = entry->key,
				      .map = entry->node,
				      .what = what,
				      .beside = entry->beside,
				      .kind = kind };
	if (entry->node->kind == YNODE_MAP) {
		refuse_unknown(scope);
		return true;
	}
	refuse_form(scope, entry, kind);
	return false;
}

bool scope_enter(struct load_scope *scope, const struct load_scope *outer, const char *name,
		 enum member_map kind, const char *what)
{
	const struct ynode *map = member_map(outer, name);

	if (!map)
		return false;
	*scope = *outer;
	scope->map = map;
	scope->what = what;
	scope->kind = kind;
	scope->beside = NULL;
	refuse_unknown(scope);
	return true;
}

static size_t member_index(const struct load_scope *scope, const char *name)
{
	for (size_t i = 0; i < scope->map->n; i++)
		if (strcmp(scope->map->keys[i]->text, name) == 0)
			return i;
	return SIZE_MAX;
}

const struct ynode *member_key(const struct load_scope *scope, const char *name)
{
	size_t i = member_index(scope, name);

	return i == SIZE_MAX ? NULL : scope->map->keys[i];
}

const struct ynode *member_value(const struct load_scope *scope, const char *name)
{
	size_t i = member_index(scope, name);
	bool required = row_of_member(scope, name)->required;

	if (i == SIZE_MAX) {
		if (required && !member_is_elsewhere(scope, name))
			LOAD_ERROR(scope, scope->key, "E013",
				   arena_printf(scope->load->scratch, "add \"%s: …\" to it", name),
				   "%s has no \"%s\"", scope->what, name);
		return NULL;
	}
	const struct ynode *node = scope->map->items[i];
	if (ynode_is_empty(node) || (node->kind == YNODE_SCALAR && !node->bad && !*node->text)) {
		const char *comment =
			ydoc_comment_behind(scope->load->scratch, scope->doc, scope->map->keys[i]);
		const char *hint =
			required ? "give it a value" : "give it a value, or leave it out";
		if (comment)
			hint = arena_printf(
				scope->load->scratch,
				"a # begins a comment; put the value in quotes: \"%.200s\"",
				comment);
		LOAD_ERROR(scope, scope->map->keys[i], "E033", hint, "\"%s\" of %s is empty", name,
			   scope->what);
		return NULL;
	}
	return node->bad ? NULL : node;
}

/* An empty list or map. Some members must be there, and mean everything where they are empty. */
static void refuse_empty(const struct load_scope *scope, const char *name, const struct ynode *node)
{
	if (strcmp(name, "when") == 0)
		LOAD_ERROR(scope, node, "E033",
			   "give it a condition; {alertname: \"*\"} is every alert",
			   "\"when\" of %s is empty, so that it would hold for every alert",
			   scope->what);
	else if (scope->kind == MAP_STEP || strcmp(name, "pagers") == 0)
		LOAD_ERROR(scope, node, "E033", "name a pager, or leave it out",
			   "\"%s\" of %s is empty", name, scope->what);
	else
		LOAD_ERROR(scope, node, "E033", "give it a member, or leave it out",
			   "\"%s\" of %s is empty", name, scope->what);
}

/* The node if it has the wanted form; else NULL, with a finding. */
static const struct ynode *in_form(const struct load_scope *scope, const char *name,
				   const struct ynode *node, enum ynode_kind kind, const char *form)
{
	if (!node || node->kind == kind) {
		if (!node || kind == YNODE_SCALAR || node->n)
			return node;
		refuse_empty(scope, name, node);
		return NULL;
	}
	const char *hint =
		kind == YNODE_MAP
			? "write it as {name: value}, or as lines that are indented below it"
		: kind == YNODE_LIST ? "write it as [a, b], or as lines that begin with \"- \""
				     : "write one value, without brackets and members";
	if (kind == YNODE_LIST && node->kind == YNODE_SCALAR)
		hint = arena_printf(scope->load->scratch, "write %s: [%.200s]", name, node->text);
	LOAD_ERROR(scope, node, "E014", hint, "\"%s\" must be %s, not %s", name, form,
		   ynode_kind_name(node));
	return NULL;
}

const struct ynode *member_map(const struct load_scope *scope, const char *name)
{
	return in_form(scope, name, member_value(scope, name), YNODE_MAP, "a map");
}

const struct ynode *member_list(const struct load_scope *scope, const char *name)
{
	return in_form(scope, name, member_value(scope, name), YNODE_LIST, "a list");
}

static const struct ynode *scalar_of(const struct load_scope *scope, const char *name,
				     enum member_type type)
{
	assert(row_of_member(scope, name)->type == type);
	return in_form(scope, name, member_value(scope, name), YNODE_SCALAR, "a text");
}

size_t member_items(const struct load_scope *scope, const char *name,
		    const struct ynode *const **ret_items)
{
	const struct ynode *node = member_value(scope, name);

	if (!node)
		return 0;
	if (node->kind == YNODE_LIST) {
		*ret_items = (const struct ynode *const *)node->items;
		return in_form(scope, name, node, YNODE_LIST, "a list") ? node->n : 0;
	}
	const struct ynode **items = arena_array(scope->load->scratch, 1, sizeof(*items));
	items[0] = node;
	*ret_items = items;
	return 1;
}

const char *member_text(const struct load_scope *scope, const char *name)
{
	const struct ynode *node = scalar_of(scope, name, MEMBER_TEXT);

	return node ? arena_strdup(scope->load->set->arena, node->text) : NULL;
}

const char *member_text_of(const struct load_scope *scope, const char *name)
{
	const struct ynode *node = ynode_get(scope->map, name);

	return node ? node_text(
			      scope, node,
			      arena_printf(scope->load->scratch, "\"%s\" of %s", name, scope->what))
		    : NULL;
}

const char *node_text(const struct load_scope *scope, const struct ynode *node, const char *what)
{
	if (node->bad)
		return NULL;
	if (node->kind != YNODE_SCALAR) {
		LOAD_ERROR(scope, node, "E014", "write one value, without brackets and members",
			   "%s must be a text, not %s", what, ynode_kind_name(node));
		return NULL;
	}
	if (!*node->text || ynode_is_empty(node)) {
		LOAD_ERROR(scope, node, "E033", "give it a value, or leave it out", "%s is empty",
			   what);
		return NULL;
	}
	return arena_strdup(scope->load->set->arena, node->text);
}

const char *node_glob(const struct load_scope *scope, const struct ynode *node, const char *what,
		      bool may_be_empty)
{
	const char *glob =
		may_be_empty && node->kind == YNODE_SCALAR && node->quoted && !*node->text
			? ""
			: node_text(scope, node, what);

	if (glob && strlen(glob) > LIMIT_GLOB_BYTES) {
		LOAD_ERROR(scope, node, "E028", "write a shorter glob, with a * for the rest",
			   "%s is longer than %u bytes", what, LIMIT_GLOB_BYTES);
		return NULL;
	}
	if (glob && !glob_is_valid(glob)) {
		LOAD_ERROR(scope, node, "E028",
			   "write \\[ for a bracket and \\\\ for a backslash that stand for "
			   "themselves",
			   "%s is not a glob: a [ without its ], or a \\ at the end", what);
		return NULL;
	}
	return glob;
}

const char *member_glob(const struct load_scope *scope, const char *name)
{
	const struct ynode *node = scalar_of(scope, name, MEMBER_GLOB);

	return node ? node_glob(scope, node, arena_printf(scope->load->scratch, "\"%s\"", name),
				false)
		    : NULL;
}

size_t node_word(const struct load_scope *scope, const struct ynode *node, const char *what,
		 const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(node->text, words[i]) == 0)
			return i;
	LOAD_ERROR(scope, node, "E032", known_words(scope->load, node->text, words, n),
		   "there is no %s \"%.100s\"", what, node->text);
	return SIZE_MAX;
}

/* The name is that of a thing of another sort. */
static void refuse_sort(const struct load_scope *scope, const struct ynode *node,
			enum section_id wanted, enum section_id found)
{
	struct load *load = scope->load;
	const char *name = node->text, *hint;

	if (wanted == SECTION_PAGERS && found == SECTION_TEAMS && scope->kind == MAP_STEP)
		hint = arena_printf(load->scratch, "write \"team: %.200s\" instead of \"page\"",
				    name);
	else if (wanted == SECTION_PAGERS)
		hint = "name a pager; a step pages a team by \"team\"";
	else if (wanted == SECTION_ESCALATIONS && found == SECTION_PAGERS)
		hint = arena_printf(load->scratch,
				    "name an escalation that pages it: \"%.200s: {steps: [{page: "
				    "[%.200s]}]}\" below \"escalations:\"",
				    name, name);
	else if (wanted == SECTION_ESCALATIONS)
		hint = "name an escalation; each team names its own under \"teams:\"";
	else
		hint = arena_printf(load->scratch, "name the %s, not how it is paged",
				    section_names[wanted].one);
	LOAD_ERROR(scope, node, "E012", hint, "\"%.200s\" is the name of %s %s, not of %s %s", name,
		   found == SECTION_ESCALATIONS ? "an" : "a", section_names[found].one,
		   wanted == SECTION_ESCALATIONS ? "an" : "a", section_names[wanted].one);
}

size_t node_ref(const struct load_scope *scope, const struct ynode *node, enum section_id id,
		const char *what)
{
	struct load *load = scope->load;
	struct load_section *section = &load->sections[id];

	if (!node_text(scope, node, what))
		return SIZE_MAX;
	size_t found = (size_t)(uintptr_t)map_get(section->index, node->text);
	if (found) {
		section->at[found - 1].used = true;
		return found - 1;
	}
	if (load->partial)
		return SIZE_MAX;
	for (size_t i = SECTION_TEAMS; i <= SECTION_ESCALATIONS; i++)
		if (i != id && map_get(load->sections[i].index, node->text)) {
			refuse_sort(scope, node, id, (enum section_id)i);
			return SIZE_MAX;
		}
	const char *hint = did_you_mean(load, node->text, section->names, section->n);
	if (!hint)
		hint = arena_printf(load->scratch, "define it under \"%s:\"",
				    section_names[id].name);
	LOAD_ERROR(scope, node, "E012", hint, "there is no %s \"%.200s\"", section_names[id].one,
		   node->text);
	return SIZE_MAX;
}

size_t member_ref(const struct load_scope *scope, const char *name, enum section_id section)
{
	const struct ynode *node = scalar_of(scope, name, MEMBER_NAME);

	return node ? node_ref(scope, node, section, name) : SIZE_MAX;
}
