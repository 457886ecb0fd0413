/*
 * Watch: stamps of files, and when a change of the stamp counts. Pure but for stat() and scandir();
 * owns nothing.
 */
#include "watch-internal.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* ---- stamps ---- */

static uint64_t stamp_of_file(const char *path)
{
	struct stat status;
	int64_t numbers[6] = { (int64_t)hash_bytes(path, strlen(path)) };

	if (stat(path, &status) == 0) {
		numbers[1] = (int64_t)status.st_dev;
		numbers[2] = (int64_t)status.st_ino;
		numbers[3] = (int64_t)status.st_mode;
		/* A directory's size and times also change with names that do not count. */
		if (!S_ISDIR(status.st_mode)) {
			numbers[3] ^= (int64_t)status.st_size << 16;
			numbers[4] = (int64_t)status.st_ctim.tv_sec;
			numbers[5] = (int64_t)status.st_ctim.tv_nsec;
		}
	}
	return hash_bytes(numbers, sizeof(numbers));
}

bool watch_is_rules_name(const char *name)
{
	const char *end = strrchr(name, '.');

	return name[0] != '.' && end && (strcmp(end, ".yaml") == 0 || strcmp(end, ".yml") == 0);
}

static int is_rules_entry(const struct dirent *entry)
{
	return watch_is_rules_name(entry->d_name);
}

static uint64_t stamp_of_directory(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_rules_entry, NULL);
	/* A directory that cannot be read differs from an empty one, whose stamp is 0. */
	uint64_t stamp = n < 0;

	for (int i = 0; i < n; i++) {
		CLEANUP_FREE char *file = xasprintf("%s/%s", path, entries[i]->d_name);
		stamp ^= stamp_of_file(file);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return stamp;
}

uint64_t watch_stamp(const char *const *paths, size_t n)
{
	uint64_t stamp = 0;

	for (size_t i = 0; i < n; i++) {
		/* A file that is listed beside its directory must not cancel itself out. */
		uint64_t parts[2] = { stamp_of_file(paths[i]), stamp_of_directory(paths[i]) };
		stamp ^= hash_bytes(parts, sizeof(parts));
	}
	return stamp | 1; /* never 0 */
}

/* ---- when a change counts ---- */

bool watch_is_due(struct watch *watch, uint64_t stamp, int64_t now_us)
{
	bool settled = watch->changing && stamp == watch->seen;

	watch->seen = stamp;
	if (stamp == watch->loaded) {
		watch->changing = false;
		return false;
	}
	if (!watch->changing) {
		watch->changing = true;
		watch->since_us = now_us;
		return false;
	}
	return settled || now_us - watch->since_us >= LIMIT_WATCH_HOLD_US;
}

void watch_set_loaded(struct watch *watch, uint64_t stamp)
{
	*watch = (struct watch){ .loaded = stamp };
}

int64_t watch_pause_us(const struct watch *watch)
{
	return watch->changing || !watch->loaded ? LIMIT_WATCH_QUIET_US : LIMIT_WATCH_POLL_US;
}
