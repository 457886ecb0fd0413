/*
 * Members of the maps in rules files: present or not, of the right form, known names. One finding
 * for each problem, with a cure. Knows nothing of what the members mean.
 */
#include "load-internal.h"

static const struct {
	const char *name, *one;
} section_names[SECTION_COUNT] = {
	[SECTION_TEAMS] = { "teams", "team" },
	[SECTION_PAGERS] = { "pagers", "pager" },
	[SECTION_ESCALATIONS] = { "escalations", "escalation" },
	[SECTION_SERVICES] = { "services", "service" },
	[SECTION_SIGNALS] = { "signals", "signal" },
};

const char *section_one(enum section_id section)
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

const char *entry_place(struct load *load, const struct load_entry *entry)
{
	const char *slash = strrchr(entry->doc->file, '/');

	return arena_printf(load->set->arena, "%s:%d", slash ? slash + 1 : entry->doc->file,
			    entry->key->line);
}

bool scope_open(struct load_scope *scope, struct load *load, const struct load_entry *entry,
		const char *what)
{
	*scope = (struct load_scope){
		.load = load, .doc = entry->doc, .key = entry->key, .map = entry->node, .what = what
	};
	if (entry->node->kind == YNODE_MAP)
		return true;
	/* An entry without a value is best shown at its name. */
	LOAD_ERROR(scope, ynode_is_empty(entry->node) ? entry->key : entry->node, "E014", NULL,
		   "%s must be a map, not %s", what, ynode_kind_name(entry->node));
	return false;
}

void scope_known(const struct load_scope *scope, const char *const *names, size_t n)
{
	struct load *load = scope->load;

	for (size_t i = 0; i < scope->map->n; i++) {
		const char *key = scope->map->keys[i]->text;
		size_t j = 0;
		while (j < n && strcmp(names[j], key) != 0)
			j++;
		if (j < n)
			continue;
		const char *hint = did_you_mean(load, key, names, n);
		if (!hint) {
			struct buf all = BUF_INIT(512);
			for (j = 0; j < n; j++)
				buf_printf(&all, "%s%s", j ? ", " : "known are: ", names[j]);
			hint = arena_strdup(load->scratch, buf_text(&all));
			buf_fini(&all);
		}
		LOAD_ERROR(scope, scope->map->keys[i], "E011", hint, "%s has no option \"%.200s\"",
			   scope->what, key);
	}
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

const struct ynode *member(const struct load_scope *scope, const char *name, bool required)
{
	size_t i = member_index(scope, name);

	if (i == SIZE_MAX) {
		if (required)
			LOAD_ERROR(scope, scope->key, "E013",
				   arena_printf(scope->load->scratch, "add \"%s: …\" to it", name),
				   "%s has no \"%s\"", scope->what, name);
		return NULL;
	}
	const struct ynode *node = scope->map->items[i];
	if (ynode_is_empty(node) || (node->kind == YNODE_SCALAR && !node->bad && !*node->text)) {
		LOAD_ERROR(scope, scope->map->keys[i], "E033",
			   required ? "give it a value" : "give it a value, or leave it out",
			   "\"%s\" of %s is empty", name, scope->what);
		return NULL;
	}
	return node->bad ? NULL : node;
}

/* The value in its form; what is empty was told. */
static const struct ynode *member_of(const struct load_scope *scope, const char *name,
				     bool required, enum ynode_kind kind, const char *form)
{
	const struct ynode *node = member(scope, name, required);

	if (!node || node->kind == kind) {
		if (!node || kind == YNODE_SCALAR || node->n)
			return node;
		LOAD_ERROR(scope, node, "E033", "put something into it, or leave it out",
			   "\"%s\" of %s is empty", name, scope->what);
		return NULL;
	}
	const char *hint = NULL;
	if (kind == YNODE_LIST && node->kind == YNODE_SCALAR)
		hint = arena_printf(scope->load->scratch, "write %s: [%.200s]", name, node->text);
	LOAD_ERROR(scope, node, "E014", hint, "\"%s\" must be %s, not %s", name, form,
		   ynode_kind_name(node));
	return NULL;
}

const struct ynode *member_map(const struct load_scope *scope, const char *name, bool required)
{
	return member_of(scope, name, required, YNODE_MAP, "a map");
}

const struct ynode *member_list(const struct load_scope *scope, const char *name, bool required)
{
	return member_of(scope, name, required, YNODE_LIST, "a list");
}

static const struct ynode *member_scalar(const struct load_scope *scope, const char *name,
					 bool required)
{
	return member_of(scope, name, required, YNODE_SCALAR, "a text");
}

const char *member_text(const struct load_scope *scope, const char *name, bool required)
{
	const struct ynode *node = member_scalar(scope, name, required);

	return node ? arena_strdup(scope->load->set->arena, node->text) : NULL;
}

const char *node_text(const struct load_scope *scope, const struct ynode *node, const char *what)
{
	if (node->bad)
		return NULL;
	if (node->kind != YNODE_SCALAR) {
		LOAD_ERROR(scope, node, "E014", NULL, "%s must be a text, not %s", what,
			   ynode_kind_name(node));
		return NULL;
	}
	if (!*node->text || ynode_is_empty(node)) {
		LOAD_ERROR(scope, node, "E033", NULL, "%s is empty", what);
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
		LOAD_ERROR(scope, node, "E028", NULL, "%s is longer than %u bytes", what,
			   LIMIT_GLOB_BYTES);
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
	const struct ynode *node = member_scalar(scope, name, false);

	return node ? node_glob(scope, node, arena_printf(scope->load->scratch, "\"%s\"", name),
				false)
		    : NULL;
}

/* Enough to find slips: the HTTP client knows the rest. */
static bool is_url(const char *text)
{
	const char *host = strncmp(text, "https://", 8) == 0  ? text + 8
			   : strncmp(text, "http://", 7) == 0 ? text + 7
							      : "";

	for (const char *c = host; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	return strcspn(host, "/?#") > 0;
}

const char *member_url(const struct load_scope *scope, const char *name, bool required)
{
	const struct ynode *node = member_scalar(scope, name, required);

	if (!node)
		return NULL;
	if (is_url(node->text))
		return arena_strdup(scope->load->set->arena, node->text);
	LOAD_ERROR(scope, node, "E031", "write it whole: https://host/path", "\"%s\" is not a URL",
		   name);
	return NULL;
}

bool member_duration(const struct load_scope *scope, const char *name, int64_t *ret_us)
{
	const struct ynode *node = member_scalar(scope, name, false);

	if (!node)
		return false;
	if (duration_parse(node->text, ret_us))
		return true;
	LOAD_ERROR(scope, node, "E016", "write a number and a unit: 90s, 10m, 1h30m",
		   "\"%s\" is not a duration: \"%.100s\"", name, node->text);
	return false;
}

bool member_int(const struct load_scope *scope, const char *name, int64_t least, int64_t most,
		int64_t *ret_value)
{
	const struct ynode *node = member_scalar(scope, name, false);
	int64_t value;

	if (!node)
		return false;
	if (ynode_int(node, &value) && value >= least && value <= most) {
		*ret_value = value;
		return true;
	}
	LOAD_ERROR(scope, node, "E017", NULL, "\"%s\" must be a whole number from %lld to %lld",
		   name, (long long)least, (long long)most);
	return false;
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
	const char *hint = did_you_mean(load, node->text, section->names, section->n);
	if (!hint)
		hint = arena_printf(load->scratch, "define it under \"%s:\"",
				    section_names[id].name);
	LOAD_ERROR(scope, node, "E012", hint, "there is no %s \"%.200s\"", section_names[id].one,
		   node->text);
	return SIZE_MAX;
}

size_t member_ref(const struct load_scope *scope, const char *name, enum section_id section,
		  bool required)
{
	const struct ynode *node = member_scalar(scope, name, required);

	return node ? node_ref(scope, node, section, name) : SIZE_MAX;
}
