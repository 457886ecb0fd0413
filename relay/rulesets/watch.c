/*
 * Watch: one inotify instance over every directory that a watched path leads through, each with the
 * names in it that matter. So whatever is renamed, removed or turned on the way is seen where it
 * stands, and its parent sees it come back. Owns the descriptor, the table and two timers; reads no
 * file itself.
 */
#include "tracepager/watch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

/* Writing counts when the file is closed: before, it is half a file. IN_ATTRIB: a file that could
 * not be read may be readable now. */
#define EVENTS                                                                                     \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_ATTRIB |        \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* A name that matters in a watched directory. */
struct name {
	int wd;
	char *text; /* NULL: whatever rules can be called */
};

struct watch {
	struct watch_env env;
	int fd;
	char **paths;
	size_t npaths;
	struct name *names;
	size_t nnames;
	bool polls, told; /* told: that it polls */
	int64_t first_us; /* of the events that are not told yet; 0: there are none */
	struct timer quiet, poll;
};

/* A table while it is built. */
struct building {
	struct watch *watch;
	struct name *names;
	size_t nnames;
	struct map *wds;  /* directory → wd + 1 */
	struct map *seen; /* parts of paths that were followed, and pairs of wd and name */
	char **links;	  /* where symbolic links lead, to be followed too */
	size_t nlinks;
	bool full;
};

/* ---- what is watched ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && strcmp(text + len - n, end) == 0;
}

/* "..data" is the link that the kubelet turns. */
static bool is_rules_name(const char *name)
{
	if (*name == '.')
		return strcmp(name, "..data") == 0;
	return ends_with(name, ".yaml") || ends_with(name, ".yml");
}

/* The wd of a directory; -1: it is not there, or cannot be watched. */
static int watch_directory(struct building *building, const char *path)
{
	intptr_t known = (intptr_t)map_get(building->wds, path);

	if (known)
		return (int)known - 1;
	int wd = inotify_add_watch(building->watch->fd, path, EVENTS);
	if (wd < 0)
		building->full |= errno == ENOSPC || errno == ENOMEM;
	else
		map_put(building->wds, path, (void *)(intptr_t)(wd + 1));
	return wd;
}

/* text NULL: whatever rules can be called. */
static void want_name(struct building *building, const char *directory, const char *text)
{
	int wd = watch_directory(building, directory);

	if (wd < 0)
		return;
	CLEANUP_FREE char *any = xasprintf("%d ", wd);
	CLEANUP_FREE char *key = text ? xasprintf("%d %s", wd, text) : xstrdup(any);
	if (map_get(building->seen, key) ||
	    (text && is_rules_name(text) && map_get(building->seen, any)))
		return;
	if (building->nnames == LIMIT_WATCHES) {
		building->full = true;
		return;
	}
	map_put(building->seen, key, building);
	if ((building->nnames & (building->nnames - 1)) == 0)
		building->names =
			xrealloc_array(building->names, building->nnames ? building->nnames * 2 : 1,
				       sizeof(*building->names));
	building->names[building->nnames++] = (struct name){ .wd = wd, .text = xstrdup(text) };
}

/* directory/name is a part of a watched path. Is it a symbolic link, then where it leads is a path
 * of its own. */
static void follow_link(struct building *building, const char *directory, const char *part)
{
	char target[PATH_MAX];
	ssize_t len = readlink(part, target, sizeof(target) - 1);

	building->full |= building->nlinks == LIMIT_WATCHES;
	if (len <= 0 || building->nlinks == LIMIT_WATCHES)
		return;
	target[len] = '\0';
	building->links =
		xrealloc_array(building->links, building->nlinks + 1, sizeof(*building->links));
	building->links[building->nlinks++] =
		*target == '/' ? xstrdup(target) : xasprintf("%s/%s", directory, target);
}

/* Every directory on the way, with the name of the next one in it; from the root, so that what
 * appears meanwhile is seen by its parent. */
static void want_path(struct building *building, const char *path)
{
	const char *at = path, *last = strrchr(path, '/');
	CLEANUP_FREE char *parent = xstrndup(path, last ? (size_t)(last - path) : 0);

	/* Files of one directory have the way to it in common. */
	if (map_get(building->seen, parent))
		at = last;
	while (*at) {
		size_t before = (size_t)(at - path);
		at += strspn(at, "/");
		size_t len = strcspn(at, "/");
		CLEANUP_FREE char *part = xasprintf("%.*s", (int)(at + len - path), path);
		const char *name = part + (at - path);
		at += len;
		if (!len || map_get(building->seen, part))
			continue;
		map_put(building->seen, part, building);
		CLEANUP_FREE char *directory = before ? xstrndup(path, before) : xstrdup("/");
		want_name(building, directory, name);
		follow_link(building, directory, part);
	}
}

static void forget_names(struct name *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i].text);
	free(names);
}

static bool has_wd(const struct name *names, size_t n, int wd)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].wd == wd)
			return true;
	return false;
}

static void tell_polling(struct watch *watch)
{
	watch->polls = true;
	if (!watch->told)
		log_warn("the kernel gives no more watches: the rules are looked at every few "
			 "seconds instead; raise fs.inotify.max_user_watches and "
			 "fs.inotify.max_user_instances",
			 LOG_INT("seconds", LIMIT_WATCH_POLL_US / US_PER_SECOND));
	watch->told = true;
	timer_arm(watch->env.timers, &watch->poll,
		  clock_mono_us(watch->env.clock) + LIMIT_WATCH_POLL_US);
}

/* The paths as they lead now. Adding again what is watched already is harmless, and the only way to
 * learn whether it still is the same directory. */
static void watch_again(struct watch *watch)
{
	struct building building = { .watch = watch, .wds = map_new(), .seen = map_new() };

	for (size_t i = 0; i < watch->npaths; i++) {
		struct stat status;
		want_path(&building, watch->paths[i]);
		if (stat(watch->paths[i], &status) == 0 && S_ISDIR(status.st_mode))
			want_name(&building, watch->paths[i], NULL);
	}
	for (size_t i = 0; i < building.nlinks; i++) { /* it may find more */
		want_path(&building, building.links[i]);
		free(building.links[i]);
	}
	for (size_t i = 0; i < watch->nnames; i++)
		if (!has_wd(building.names, building.nnames, watch->names[i].wd))
			inotify_rm_watch(watch->fd, watch->names[i].wd); /* it may be gone */
	forget_names(watch->names, watch->nnames);
	watch->names = building.names;
	watch->nnames = building.nnames;
	if (building.full)
		tell_polling(watch);
	else
		watch->polls = watch->told = false;
	free(building.links);
	map_free(building.wds);
	map_free(building.seen);
}

static void forget_paths(struct watch *watch)
{
	for (size_t i = 0; i < watch->npaths; i++)
		free(watch->paths[i]);
	free(watch->paths);
	watch->paths = NULL;
	watch->npaths = 0;
}

void watch_set(struct watch *watch, const char *const *paths, size_t n)
{
	char here[PATH_MAX];

	forget_paths(watch);
	watch->paths = xcalloc(n, sizeof(*watch->paths));
	for (size_t i = 0; i < n; i++)
		watch->paths[watch->npaths++] = *paths[i] == '/' || !getcwd(here, sizeof(here))
							? xstrdup(paths[i])
							: xasprintf("%s/%s", here, paths[i]);
	if (watch->fd >= 0)
		watch_again(watch);
	else
		tell_polling(watch);
}

/* ---- what happens ---- */

static bool matters(const struct watch *watch, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		return true;
	if (event->mask & IN_IGNORED)
		return false; /* its end was told, or is our own doing */
	for (size_t i = 0; i < watch->nnames; i++) {
		const struct name *name = &watch->names[i];
		if (name->wd != event->wd)
			continue;
		if (!event->len) {
			if (!name->text || event->mask & (IN_DELETE_SELF | IN_MOVE_SELF))
				return true;
		} else if (name->text ? strcmp(name->text, event->name) == 0
				      : is_rules_name(event->name)) {
			return true;
		}
	}
	return false;
}

/* Tells when nothing more has come for a while, or when it has been going on for too long. */
static void note_event(struct watch *watch)
{
	int64_t now_us = clock_mono_us(watch->env.clock);

	if (!watch->first_us)
		watch->first_us = now_us;
	int64_t due_us = now_us + LIMIT_WATCH_QUIET_US;
	if (due_us > watch->first_us + LIMIT_WATCH_HOLD_US)
		due_us = watch->first_us + LIMIT_WATCH_HOLD_US;
	timer_arm(watch->env.timers, &watch->quiet, due_us);
}

void watch_ready(void *arg)
{
	struct watch *watch = arg;
	_Alignas(struct inotify_event) char events[16 << 10];
	ssize_t len = read(watch->fd, events, sizeof(events));
	bool found = false;

	/* One read for each turn; what it leaves makes the descriptor readable again. */
	for (ssize_t at = 0; at < len;) {
		const struct inotify_event *event = (const void *)(events + at);
		found |= matters(watch, event);
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	if (found)
		note_event(watch);
}

static void quiet_due(void *arg)
{
	struct watch *watch = arg;

	watch->first_us = 0;
	watch_again(watch); /* before it is told: what changes from here on is seen */
	watch->env.changed(watch->env.ctx, true);
}

static void poll_due(void *arg)
{
	struct watch *watch = arg;

	if (watch->fd >= 0)
		watch_again(watch); /* there may be room now */
	else
		tell_polling(watch);
	watch->env.changed(watch->env.ctx, false);
}

/* ---- the whole ---- */

struct watch *watch_new(const struct watch_env *env)
{
	struct watch *watch = xcalloc(1, sizeof(*watch));

	*watch = (struct watch){
		.env = *env,
		.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
		.quiet = { .fire = quiet_due, .arg = watch },
		.poll = { .fire = poll_due, .arg = watch },
	};
	return watch;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	timer_disarm(watch->env.timers, &watch->quiet);
	timer_disarm(watch->env.timers, &watch->poll);
	forget_names(watch->names, watch->nnames);
	forget_paths(watch);
	if (watch->fd >= 0)
		close(watch->fd);
	free(watch);
}

int watch_fd(const struct watch *watch)
{
	return watch->fd;
}

bool watch_polls(const struct watch *watch)
{
	return watch->polls;
}

/* ---- stamps ---- */

static uint64_t stamp_file(uint64_t stamp, const char *path)
{
	struct stat status;
	int64_t numbers[6] = { (int64_t)stamp };

	if (stat(path, &status) == 0) {
		numbers[1] = (int64_t)status.st_ino;
		numbers[2] = (int64_t)status.st_size;
		numbers[3] = (int64_t)status.st_ctim.tv_sec;
		numbers[4] = (int64_t)status.st_ctim.tv_nsec;
		numbers[5] = (int64_t)status.st_dev;
	}
	return hash_bytes(numbers, sizeof(numbers));
}

static int is_rules_entry(const struct dirent *entry)
{
	return is_rules_name(entry->d_name);
}

static uint64_t stamp_directory(uint64_t stamp, const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_rules_entry, alphasort);

	for (int i = 0; i < n; i++) {
		CLEANUP_FREE char *file = xasprintf("%s/%s", path, entries[i]->d_name);
		stamp = stamp_file(stamp ^ hash_bytes(file, strlen(file)), file);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return stamp;
}

uint64_t watch_stamp(const char *const *paths, size_t n)
{
	uint64_t stamp = 0;

	for (size_t i = 0; i < n; i++)
		stamp = stamp_directory(stamp_file(stamp, paths[i]), paths[i]);
	return stamp;
}
