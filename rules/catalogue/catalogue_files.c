/*
 * The files of a catalogue: those beneath a directory, and those to which they refer. Reads them
 * and hands them to catalogue_add(). Directories that are found stand in a list: no recursion.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "catalogue-internal.h"

/* Does a file of this name belong to a catalogue of this kind? */
static bool is_catalogue_file(enum catalogue_kind kind, const char *name)
{
	const char *dot = strrchr(name, '.');

	if (kind == CATALOGUE_CODEOWNERS)
		return strcmp(name, "CODEOWNERS") == 0;
	if (!dot)
		return false;
	if (kind == CATALOGUE_PAGERDUTY)
		return strcmp(dot, ".json") == 0;
	return strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0;
}

static void lose_path(struct catalogue *catalogue, const char *path, int code)
{
	struct ydoc *doc = arena_alloc(catalogue->arena, sizeof(*doc));

	doc->file = arena_strdup(catalogue->arena, path);
	cat_lose(catalogue, LOSS_UNREADABLE, (struct cat_place){ doc, 0 }, NULL,
		 "cannot be read: %s", code == EINVAL ? "not a regular file" : strerror(code));
}

static bool is_over(const struct catalogue *catalogue)
{
	return map_count(catalogue->files) >= LIMIT_CATALOGUE_FILES ||
	       catalogue->bytes > LIMIT_RULES_BYTES;
}

/* Reads a file once, under however many names it is found. Returns 0 or -errno. */
static int read_catalogue_file(struct catalogue *catalogue, const char *path)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;

	if (is_over(catalogue) || map_get(catalogue->files, path))
		return 0;
	map_put(catalogue->files, path, catalogue);
	int result = ydoc_slurp(path, &text, &len);
	if (result < 0)
		return result;
	catalogue_add(catalogue, path, text, len);
	if (is_over(catalogue))
		cat_lose(catalogue, LOSS_LIMIT, (struct cat_place){ NULL, 0 }, NULL,
			 "the rest is not read: an import takes %u files and %u bytes",
			 LIMIT_CATALOGUE_FILES, LIMIT_RULES_BYTES);
	return 0;
}

/* Hidden directories belong to tools; CODEOWNERS may stand in these two. */
static int is_listed(const struct dirent *entry)
{
	return entry->d_name[0] != '.' || strcmp(entry->d_name, ".github") == 0 ||
	       strcmp(entry->d_name, ".gitlab") == 0;
}

/* Sorts by bytes: the same order on every machine, whatever its locale. */
static int catalogue_by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Reads the files of one directory and adds its directories to the list. Symbolic links to
 * directories are not followed, so that there is no circle. */
static int read_catalogue_directory(struct catalogue *catalogue, const char *path,
				    struct cat_list *list)
{
	struct dirent **names;
	int n = scandir(path, &names, is_listed, catalogue_by_name);
	struct stat status;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		const char *inner =
			cat_printf(catalogue, "%s%s%s", path,
				   path[strlen(path) - 1] == '/' ? "" : "/", names[i]->d_name);
		if (lstat(inner, &status) == 0 && S_ISDIR(status.st_mode)) {
			if (list->n < LIMIT_CATALOGUE_FILES)
				cat_list_push(list, cat_printf(catalogue, "%s", inner));
		} else if (is_catalogue_file(catalogue->kind, names[i]->d_name)) {
			int result = read_catalogue_file(catalogue, inner);
			if (result < 0)
				lose_path(catalogue, inner, -result);
		}
		free(names[i]);
	}
	free(names);
	return 0;
}

/* The path of the file that a file in `folder` calls `target`; NULL: it is not beneath `root`,
 * with which folder begins. Kept by the arena. */
static const char *path_within(struct catalogue *catalogue, const char *root, const char *folder,
			       const char *target)
{
	char *path = cat_printf(catalogue, "%s/%s", folder, target);
	size_t fixed = strlen(root), len = strlen(folder);

	for (const char *part = target; *part;) {
		size_t n = strcspn(part, "/");
		if (n == 2 && part[0] == '.' && part[1] == '.') {
			if (len <= fixed)
				return NULL;
			while (len > fixed && path[len - 1] != '/')
				len--;
			len -= len > fixed;
		} else if (n > 0 && !(n == 1 && *part == '.')) {
			path[len++] = '/';
			memmove(path + len, part, n);
			len += n;
		}
		part += n;
		part += *part == '/';
	}
	path[len] = '\0';
	return path;
}

static const char *folder_of(struct catalogue *catalogue, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? cat_printf(catalogue, "%.*s", (int)(slash - path), path) : ".";
}

/* Reads the files to which other files refer; these may refer to more. */
static void read_targets(struct catalogue *catalogue, const char *root)
{
	for (size_t i = 0; i < catalogue->targets.n; i++) {
		const struct cat_target *target = catalogue->targets.at[i];
		const char *folder = folder_of(catalogue, target->place.doc->file);
		const char *path = path_within(catalogue, root, folder, target->path);
		int result = path ? read_catalogue_file(catalogue, path) : 0;
		if (!path)
			cat_lose(catalogue, LOSS_NOT_FOLLOWED, target->place, NULL,
				 "\"%.200s\" leads out of \"%.200s\"", target->path, root);
		else if (result < 0)
			cat_lose(catalogue, LOSS_UNREADABLE, target->place, NULL,
				 "\"%.200s\" cannot be read: %s", target->path, strerror(-result));
	}
	catalogue->targets.n = 0;
}

int catalogue_read(struct catalogue *catalogue, const char *path)
{
	struct cat_list list = { .at = NULL };
	size_t len = strlen(path);
	struct stat status;
	int result;

	if (stat(path, &status) < 0) {
		result = -errno;
		lose_path(catalogue, path, errno);
		return result;
	}
	if (!S_ISDIR(status.st_mode)) {
		result = read_catalogue_file(catalogue, path);
		if (result < 0)
			lose_path(catalogue, path, -result);
		read_targets(catalogue, folder_of(catalogue, path));
		return result;
	}
	while (len > 1 && path[len - 1] == '/')
		len--;
	const char *root = cat_printf(catalogue, "%.*s", (int)len, path);
	result = read_catalogue_directory(catalogue, root, &list);
	if (result < 0)
		lose_path(catalogue, root, -result);
	for (size_t i = 0; i < list.n; i++) {
		int inner = read_catalogue_directory(catalogue, list.at[i], &list);
		if (inner < 0)
			lose_path(catalogue, list.at[i], -inner);
	}
	free(list.at);
	read_targets(catalogue, root);
	return result;
}
