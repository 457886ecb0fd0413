/*
 * Loading rules: find the files, read all of them, merge their sections by name, read every entry,
 * check the whole. Nothing stops at the first problem; a set comes out only when there is no error.
 * Owns what a load needs while it runs.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "load-internal.h"

/* All texts and structs of a set, or all trees of a load: bounded by LIMIT_RULES_BYTES, this is
 * only the last wall. */
#define ARENA_CAP ((size_t)8 << 30)

/* Parts of the language that have a name and no meaning yet. */
static const char *const planned[] = { "silences", "time_intervals", "defaults", "include" };

static bool is_name(const char *text)
{
	size_t len = strlen(text);

	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return len > 0 && len <= LIMIT_RULE_NAME_BYTES;
}

static void section_push(struct load_section *section, const struct load_entry *entry)
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

/* The entry itself has no other map yet: findings point at the key. */
static struct load_scope scope_at(struct load *load, const struct ydoc *doc)
{
	return (struct load_scope){ .load = load, .doc = doc };
}

static void take_entry(struct load *load, enum section_id id, const struct load_entry *entry)
{
	struct load_section *section = &load->sections[id];
	struct load_scope scope = scope_at(load, entry->doc);
	const char *name = entry->key->text, *one = section_one(id);
	size_t found;

	if (!is_name(name)) {
		LOAD_ERROR(&scope, entry->key, "E030", NULL,
			   "the name of a %s must have 1 to %u bytes and no control characters",
			   one, LIMIT_RULE_NAME_BYTES);
		return;
	}
	found = (size_t)(uintptr_t)map_get(section->index, name);
	if (found) {
		const struct load_entry *first = &section->at[found - 1];
		LOAD_ERROR(&scope, entry->key, "E015", "rename or remove one of them",
			   "%s \"%s\" is given twice, here and at %s:%d:%d", one, name,
			   first->doc->file, first->key->line, first->key->column);
		return;
	}
	section_push(section, entry);
	map_put(section->index, name, (void *)(uintptr_t)section->n);
}

static void take_section(struct load *load, enum section_id id, const struct ydoc *doc,
			 const struct ynode *node)
{
	struct load_scope scope = scope_at(load, doc);

	if (ynode_is_empty(node))
		return; /* everything in it is commented out */
	if (node->kind != YNODE_MAP) {
		LOAD_ERROR(&scope, node, "E014", NULL, "\"%s\" must be a map from names, not %s",
			   section_name(id), ynode_kind_name(node));
		return;
	}
	for (size_t i = 0; i < node->n; i++) {
		struct load_entry entry = { .doc = doc,
					    .key = node->keys[i],
					    .node = node->items[i] };
		take_entry(load, id, &entry);
	}
}

static void take_routes(struct load *load, const struct ydoc *doc, const struct ynode *node)
{
	struct load_scope scope = scope_at(load, doc);

	if (ynode_is_empty(node))
		return;
	if (node->kind != YNODE_LIST) {
		LOAD_ERROR(&scope, node, "E014", "begin each route with \"- \"",
			   "\"routes\" must be a list, not %s", ynode_kind_name(node));
		return;
	}
	for (size_t i = 0; i < node->n; i++) {
		struct load_entry entry = { .doc = doc,
					    .key = node->items[i],
					    .node = node->items[i] };
		if (!entry.node->bad)
			section_push(&load->routes, &entry);
	}
}

static void take_fallback(struct load *load, const struct load_entry *entry)
{
	struct load_scope scope = scope_at(load, entry->doc);
	const struct load_entry *first = &load->fallback;

	if (first->node) {
		LOAD_ERROR(&scope, entry->key, "E015", "there is one fallback; remove the other",
			   "\"fallback\" is given twice, here and at %s:%d:%d", first->doc->file,
			   first->key->line, first->key->column);
		return;
	}
	load->fallback = *entry;
}

static void refuse_top(struct load *load, const struct ydoc *doc, const struct ynode *key)
{
	const char *names[SECTION_COUNT + 2] = { "routes", "fallback" };
	struct load_scope scope = scope_at(load, doc);

	for (size_t i = 0; i < ARRAY_LEN(planned); i++)
		if (strcmp(key->text, planned[i]) == 0) {
			LOAD_ERROR(&scope, key, "E029", "remove it for now",
				   "\"%s\" is not supported yet", planned[i]);
			return;
		}
	for (size_t i = 0; i < SECTION_COUNT; i++)
		names[2 + i] = section_name((enum section_id)i);
	const char *hint = did_you_mean(load, key->text, names, ARRAY_LEN(names));
	LOAD_ERROR(
		&scope, key, "E011",
		hint ? hint
		     : "known are: teams, pagers, escalations, services, signals, routes, fallback",
		"rules have no part \"%.200s\"", key->text);
}

/* One key of a file's root. */
static void take_part(struct load *load, const struct load_entry *part)
{
	for (size_t i = 0; i < SECTION_COUNT; i++)
		if (strcmp(part->key->text, section_name((enum section_id)i)) == 0) {
			take_section(load, (enum section_id)i, part->doc, part->node);
			return;
		}
	if (strcmp(part->key->text, "routes") == 0)
		take_routes(load, part->doc, part->node);
	else if (strcmp(part->key->text, "fallback") == 0)
		take_fallback(load, part);
	else
		refuse_top(load, part->doc, part->key);
}

static void take_doc(struct load *load, const struct ydoc *doc)
{
	struct load_scope scope = scope_at(load, doc);

	if (!doc->root)
		return;
	if (doc->root->kind != YNODE_MAP) {
		load->partial = true;
		LOAD_ERROR(&scope, doc->root, "E014",
			   "begin with \"teams:\", \"services:\" or the like",
			   "a file of rules must be a map, not %s", ynode_kind_name(doc->root));
		return;
	}
	for (size_t i = 0; i < doc->root->n; i++) {
		struct load_entry part = { .doc = doc,
					   .key = doc->root->keys[i],
					   .node = doc->root->items[i] };
		if (!part.node->bad)
			take_part(load, &part);
	}
}

/* A document that was just read, or could not be. */
static void keep_doc(struct load *load, struct ydoc doc, int result)
{
	load->partial |= doc.cut;
	if (result < 0 && result != -EINVAL && !load->error)
		load->error = result;
	load->bytes += doc.len;
	if (load->bytes > LIMIT_RULES_BYTES) {
		findings_add(load->findings, FINDING_ERROR, "E009", doc.file, NULL,
			     "with this file the rules are larger than %u bytes",
			     LIMIT_RULES_BYTES);
		load->partial = true;
		return;
	}
	if ((load->ndocs & (load->ndocs - 1)) == 0)
		load->docs = xrealloc_array(load->docs, load->ndocs ? load->ndocs * 2 : 1,
					    sizeof(*load->docs));
	load->docs[load->ndocs++] = doc;
}

static void read_file(struct load *load, const char *path)
{
	struct ydoc doc;

	if (load->bytes > LIMIT_RULES_BYTES)
		return; /* told */
	int result = ydoc_read(load->scratch, path, &doc, load->findings);
	keep_doc(load, doc, result);
}

static int is_rules_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot &&
	       (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

/* By bytes: the same on every machine, whatever its locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void cannot_read(struct load *load, const char *path, int code)
{
	findings_add(load->findings, FINDING_ERROR, "E001", path, NULL, "cannot be read: %s",
		     strerror(code));
	load->partial = true;
	if (!load->error)
		load->error = -code;
}

static void read_directory(struct load *load, const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, is_rules_file, by_name);
	size_t len = strlen(path);

	if (n < 0) {
		cannot_read(load, path, errno);
		return;
	}
	if (n == 0) {
		findings_add(load->findings, FINDING_ERROR, "E023", path,
			     "put a file there that says at least \"fallback: {team: …}\", with "
			     "its team, escalation and pager",
			     "there is no *.yaml file in this directory");
		load->partial = true;
	}
	while (len > 1 && path[len - 1] == '/')
		len--;
	for (int i = 0; i < n; i++) {
		read_file(load,
			  arena_printf(load->scratch, "%.*s/%s", (int)len, path, names[i]->d_name));
		free(names[i]);
	}
	free(names);
}

static void read_path(struct load *load, const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		cannot_read(load, path, errno);
	else if (S_ISDIR(status.st_mode))
		read_directory(load, path);
	else
		read_file(load, path);
}

/* Names of files without their directories, and their bytes; each with its length, so that nothing
 * can move between them. */
static void hash_docs(const struct load *load, char hex[65])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL))
		abort();
	for (size_t i = 0; i < load->ndocs; i++) {
		const struct ydoc *doc = &load->docs[i];
		const char *slash = strrchr(doc->file, '/'), *name = slash ? slash + 1 : doc->file;
		char size[32]; /* as a text: the same on every machine */
		snprintf(size, sizeof(size), "%zu", doc->len);
		EVP_DigestUpdate(context, name, strlen(name) + 1);
		EVP_DigestUpdate(context, size, strlen(size) + 1);
		EVP_DigestUpdate(context, doc->text, doc->len);
	}
	EVP_DigestFinal_ex(context, digest, &len);
	EVP_MD_CTX_free(context);
	for (unsigned int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned int)digest[i]);
}

static void load_fallback(struct load *load)
{
	static const char *const known[] = { "team" };
	struct load_scope scope;

	if (!load->fallback.node) {
		if (!load->partial)
			findings_add(load->findings, FINDING_ERROR, "E022", load->place,
				     "add \"fallback: {team: NAME}\": the team that is paged when "
				     "no owner is known",
				     "there is no fallback");
		return;
	}
	if (!scope_open(&scope, load, &load->fallback, "\"fallback\""))
		return;
	scope_known(&scope, known, ARRAY_LEN(known));
	size_t team = member_ref(&scope, "team", SECTION_TEAMS, true);
	if (team != SIZE_MAX)
		load->set->fallback = &load->set->teams[team];
}

static void warn_unused(struct load *load, enum section_id id, const char *code, const char *text)
{
	const struct load_section *section = &load->sections[id];

	for (size_t i = 0; i < section->n && !load->partial; i++) {
		struct load_scope scope = scope_at(load, section->at[i].doc);
		if (!section->at[i].used)
			LOAD_WARNING(&scope, section->at[i].key, code, "remove it, or use it",
				     "%s \"%s\" %s", section_one(id), section->at[i].key->text,
				     text);
	}
}

/* Room for every entry, so that pointers between them stay. */
static void make_room(struct load *load)
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
	ROOM(routes, nroutes, load->routes);
#undef ROOM
}

static void load_init(struct load *load, bool load_secrets, const char *place,
		      struct findings *findings)
{
	*load = (struct load){ .scratch = arena_new(ARENA_CAP),
			       .set = ruleset_new(ARENA_CAP),
			       .findings = findings,
			       .load_secrets = load_secrets,
			       .place = place };
	for (size_t i = 0; i < SECTION_COUNT; i++)
		load->sections[i].index = map_new();
}

/* Everything after the files were read. */
static int load_finish(struct load *load, size_t errors_before, struct ruleset **ret_rules)
{
	int result = 0;

	for (size_t i = 0; i < load->ndocs; i++)
		take_doc(load, &load->docs[i]);
	make_room(load);
	load_pagers(load);
	load_escalations(load);
	load_teams(load);
	load_services(load);
	load_signals(load);
	load_routes(load);
	load_fallback(load);
	warn_unused(load, SECTION_PAGERS, "W001", "is in no escalation");
	warn_unused(load, SECTION_ESCALATIONS, "W002", "belongs to no team");
	findings_sort(load->findings);
	if (load->findings->nerrors > errors_before) {
		result = load->error ? load->error : -EINVAL;
		rules_unref(load->set);
	} else {
		hash_docs(load, load->set->hash);
		ruleset_index(load->set);
		*ret_rules = load->set;
	}
	for (size_t i = 0; i < SECTION_COUNT; i++)
		section_fini(&load->sections[i]);
	section_fini(&load->routes);
	free(load->docs);
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
		read_path(&load, paths[i]);
	return load_finish(&load, errors, ret_rules);
}

int rules_parse(const char *name, const char *text, size_t len, bool load_secrets,
		struct ruleset **ret_rules, struct findings *findings)
{
	size_t errors = findings->nerrors;
	struct load load;
	struct ydoc doc;

	load_init(&load, load_secrets, name, findings);
	int result = ydoc_parse(load.scratch, name, text, len, &doc, findings);
	keep_doc(&load, doc, result);
	return load_finish(&load, errors, ret_rules);
}
