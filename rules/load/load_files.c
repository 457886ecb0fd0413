/*
 * Load, files: paths, directories and includes become documents, in the order in which their
 * rules count. A file is read once, under however many names it is reached.
 */
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#include "load-internal.h"

/* A key by which all names of one file are equal (device and inode); NULL: no such file. */
static const char *file_key(struct load *load, const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return NULL;
	return arena_printf(load->scratch, "%llx:%llx", (unsigned long long)status.st_dev,
			    (unsigned long long)status.st_ino);
}

/* A file that is read or was. */
struct file_state {
	bool is_open; /* not read to its end yet: an include of it would be a circle */
	const char *path;
};

/* A directory of rules that was read. */
struct load_directory {
	const char *path;
	struct load_directory *next;
};

static void load_file(struct load *load, const char *path, unsigned int depth);

/* The file of the same directory whose name is nearly this one; NULL: there is none. */
static const char *near_file(struct load *load, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *near = NULL;
	const char *directory =
		slash ? arena_strndup(load->scratch, path, (size_t)(slash - path)) : ".";
	struct dirent **files;
	int n = strpbrk(path, "*?[") ? -1 : scandir(directory, &files, NULL, alphasort);

	if (n < 0)
		return NULL;
	for (int i = 0; i < n; i++) {
		if (!near && words_typo(name, files[i]->d_name))
			near = arena_strdup(load->scratch, files[i]->d_name);
		free(files[i]);
	}
	free(files);
	return near;
}

/* Follows one name of a file, or a glob of several, relative to the file that names it. */
static void include_path(const struct load_scope *scope, const struct ynode *node,
			 unsigned int depth)
{
	const char *name = node_text(scope, node, "the name of a file");
	const char *from = scope->doc->file, *slash = strrchr(from, '/');
	struct load *load = scope->load;
	glob_t found;

	if (!name)
		return;
	if (*name != '/' && slash)
		name = arena_printf(load->scratch, "%.*s/%s", (int)(slash - from), from, name);
	if (depth == LIMIT_INCLUDE_DEPTH) {
		LOAD_ERROR(scope, node, "E044", "include it from the first file",
			   "files include files more than %u deep", LIMIT_INCLUDE_DEPTH);
		return;
	}
	int result = glob(name, 0, NULL, &found);
	if (result != 0) {
		const char *near = near_file(load, name);
		load->partial = true;
		LOAD_ERROR(scope, node, "E045",
			   near ? arena_printf(load->scratch, "did you mean \"%s\"?", near)
				: "names are relative to the file that includes",
			   "there is no file %s", name);
	}
	for (size_t i = 0; result == 0 && i < found.gl_pathc; i++) {
		const struct file_state *known =
			map_get(load->files, file_key(load, found.gl_pathv[i]));
		if (known && known->is_open)
			LOAD_ERROR(scope, node, "E044", "remove one of the includes",
				   "%s includes this file already: the two would include each "
				   "other without end",
				   known->path);
		else
			load_file(load, arena_strdup(load->scratch, found.gl_pathv[i]), depth + 1);
	}
	if (result == 0)
		globfree(&found);
}

/* Follows one item of "include". */
static void include_item(const struct load_scope *scope, const struct ynode *node,
			 unsigned int depth)
{
	if (node->kind == YNODE_SCALAR)
		include_path(scope, node, depth);
	else if (ynode_get(node, "catalogue"))
		load_catalogue_later(scope->load, scope->doc, node);
	else if (!node->bad)
		LOAD_ERROR(scope, node, "E014",
			   "write include: [other.yaml, \"teams/*.yaml\", {catalogue: backstage, "
			   "path: catalog/}]",
			   "\"include\" must name files, not hold %s", ynode_kind_name(node));
}

static void follow_includes(struct load *load, const struct ydoc *doc, unsigned int depth)
{
	const struct ynode *include = ynode_get(doc->root, "include");
	const struct load_scope scope = {
		.load = load, .doc = doc, .map = doc->root, .what = "a file", .kind = MAP_ROOT
	};
	const struct ynode *const *items;

	for (size_t i = 0, n = include ? member_items(&scope, "include", &items) : 0; i < n; i++)
		include_item(&scope, items[i], depth);
}

bool rules_is_test_file(const char *path)
{
	size_t len = strlen(path);

	return (len > 10 && strcmp(path + len - 10, "_test.yaml") == 0) ||
	       (len > 9 && strcmp(path + len - 9, "_test.yml") == 0);
}

/* Reads a file; what it includes stands behind it. Files that were read before and rule tests
 * (which *.yaml matches, too) are passed over. */
static void load_file(struct load *load, const char *path, unsigned int depth)
{
	const char *key = file_key(load, path);
	struct file_state *state;
	struct ydoc doc;

	if (load->bytes > LIMIT_RULES_BYTES || (key && map_get(load->files, key)) ||
	    rules_is_test_file(path))
		return; /* too large as a whole (there is a finding), read before, or tests */
	state = arena_alloc(load->scratch, sizeof(*state));
	*state = (struct file_state){ .is_open = true, .path = path };
	if (key)
		map_put(load->files, key, state);
	int result = ydoc_read(load->scratch, path, &doc, load->findings);
	if (result == 0 && !doc.root && !load->is_part)
		findings_add(load->findings, FINDING_WARNING, "W041", path,
			     "write rules into it, such as \"services:\", or remove it",
			     "the file is empty, or holds comments only");
	load_keep_doc(load, doc, result);
	follow_includes(load, &doc, depth);
	state->is_open = false;
}

static int is_rules_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot &&
	       (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0) &&
	       !rules_is_test_file(entry->d_name);
}

/* Sorts by bytes: the same order on every machine, whatever its locale. */
static int load_by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void cannot_read(struct load *load, const char *path, int code)
{
	findings_add(load->findings, FINDING_ERROR, "E001", path, ydoc_unread_hint(code),
		     "cannot be read: %s", strerror(code));
	load->partial = true;
	if (!load->error)
		load->error = -code;
}

static void load_directory(struct load *load, const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, is_rules_file, load_by_name);
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
	struct load_directory *directory = arena_alloc(load->scratch, sizeof(*directory));
	*directory = (struct load_directory){ arena_strndup(load->scratch, path, len),
					      load->directories };
	load->directories = directory;
	for (int i = 0; i < n; i++) {
		load_file(load,
			  arena_printf(load->scratch, "%.*s/%s", (int)len, path, names[i]->d_name),
			  0);
		free(names[i]);
	}
	free(names);
}

/* ---- what was not read ---- */

/* Does the name look like that of a file of rules, but for its end: services.YAML,
 * services.yaml.txt? Files that somebody has put aside (.bak, ~, .disabled) are meant to be passed
 * over. */
static bool is_misnamed(const char *name)
{
	static const char *const ends[] = { ".yaml",  ".yml",  ".yaml.txt", ".yml.txt", ".yalm",
					    ".yamll", ".ymal", ".yam",	    ".ylm" };
	const size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const size_t n = strlen(ends[i]);
		if (len > n && strcasecmp(name + len - n, ends[i]) == 0)
			return i > 1 || strcmp(name + len - n, ends[i]) != 0;
	}
	return false;
}

/* Holds the directory files of rules, of which none was read? */
static bool is_unread_directory(struct load *load, const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, is_rules_file, load_by_name);
	bool unread = n > 0;

	for (int i = 0; i < n; i++) {
		const char *key = file_key(
			load, arena_printf(load->scratch, "%s/%s", path, names[i]->d_name));
		unread &= !key || !map_get(load->files, key);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return unread && !load_catalogue_is_in(load, path);
}

static void warn_of_unread(struct load *load, const char *directory, const char *name)
{
	const char *path = arena_printf(load->scratch, "%s/%s", directory, name);
	struct stat status;

	if (name[0] == '.' || stat(path, &status) < 0)
		return;
	if (S_ISREG(status.st_mode) && is_misnamed(name))
		findings_add(load->findings, FINDING_WARNING, "W042", path,
			     "give it a name that ends in .yaml",
			     "the file is not read: names of files of rules end in .yaml or .yml");
	else if (S_ISDIR(status.st_mode) && is_unread_directory(load, path))
		findings_add(load->findings, FINDING_WARNING, "W042", path,
			     arena_printf(load->scratch,
					  "write include: [\"%s/*.yaml\"] in a file of "
					  "the rules",
					  name),
			     "the directory is not read: it stands below the one of the rules");
}

void load_warn_of_unread(struct load *load)
{
	for (const struct load_directory *at = load->directories; at; at = at->next) {
		struct dirent **names;
		int n = scandir(at->path, &names, NULL, load_by_name);
		for (int i = 0; i < n; i++) {
			warn_of_unread(load, at->path, names[i]->d_name);
			free(names[i]);
		}
		if (n >= 0)
			free(names);
	}
}

void load_path(struct load *load, const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		cannot_read(load, path, errno);
	else if (S_ISDIR(status.st_mode))
		load_directory(load, path);
	else
		load_file(load, path, 0);
}

/* Is it a file of a catalogue, which a set keeps beside the rules that were made of it? */
static bool is_of_catalogue(const struct ydoc *doc)
{
	for (size_t i = 0; doc->root && doc->root->kind == YNODE_MAP && i < doc->root->n; i++)
		if (member_row(MAP_ROOT, doc->root->keys[i]->text))
			return false;
	return true;
}

void load_text(struct load *load, const char *name, const char *text, size_t len)
{
	struct findings findings = { .at = NULL };
	struct ydoc doc;
	int result = ydoc_parse(load->scratch, name, text, len, &doc, &findings);

	if (load->is_kept && is_of_catalogue(&doc)) {
		findings_fini(&findings);
		return;
	}
	findings_take(load->findings, &findings);
	load_keep_doc(load, doc, result);
	const struct ynode *include = ynode_get(doc.root, "include");
	if (!include || load->is_kept)
		return;
	struct load_scope scope = { .load = load, .doc = &doc };
	LOAD_ERROR(&scope, include, "E045", "put the rules into a file",
		   "rules that are not in a file cannot include files");
}
