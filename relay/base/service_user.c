/* Service user: see service_user.h. */
#include "tracepager/service_user.h"

#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/credential.h"
#include "tracepager/xalloc.h"

/* Groups of one user that are looked at. */
#define SERVICE_USER_GROUPS 64

static struct {
	char *name; /* NULL: nobody is expected */
	char *group;
	uid_t uid;
	gid_t groups[SERVICE_USER_GROUPS];
	int ngroups;
} service_user;

/* ---- who it is ---- */

static char *service_group_name(gid_t gid)
{
	const struct group *entry = getgrgid(gid);

	return entry ? xstrdup(entry->gr_name) : xasprintf("%lu", (unsigned long)gid);
}

static void service_user_take(const struct passwd *entry)
{
	service_user.uid = entry->pw_uid;
	service_user.name = xstrdup(entry->pw_name);
	service_user.group = service_group_name(entry->pw_gid);
	service_user.ngroups = SERVICE_USER_GROUPS;
	/* -1: there are more, and the first ones were stored. */
	if (getgrouplist(entry->pw_name, entry->pw_gid, service_user.groups,
			 &service_user.ngroups) < 0)
		service_user.ngroups = SERVICE_USER_GROUPS;
}

bool service_user_of_store(const char *store, struct stat *ret_status)
{
	CLEANUP_FREE char *copy = xstrdup(store);

	return stat(store, ret_status) == 0 || stat(dirname(copy), ret_status) == 0;
}

void service_user_expect(const char *store)
{
	const struct passwd *entry;
	struct stat status;

	if (geteuid() != 0 || service_user.name)
		return;
	if (service_user_of_store(store, &status) &&
	    (status.st_uid != 0 || !S_ISDIR(status.st_mode)))
		entry = getpwuid(status.st_uid);
	else
		entry = getpwnam(SERVICE_USER_NAME);
	if (entry && entry->pw_uid != 0)
		service_user_take(entry);
}

const char *service_user_name(void)
{
	return service_user.name;
}

const char *service_user_likely(void)
{
	return service_user.name	     ? service_user.name
	       : getpwnam(SERVICE_USER_NAME) ? SERVICE_USER_NAME
					     : NULL;
}

/* ---- what it may ---- */

static bool service_user_has_group(gid_t gid)
{
	for (int i = 0; i < service_user.ngroups; i++)
		if (service_user.groups[i] == gid)
			return true;
	return false;
}

/* wanted: 4 to read, 1 to go through a directory. */
static bool service_user_may(const struct stat *status, mode_t wanted)
{
	const unsigned int shift = status->st_uid == service_user.uid	    ? 6
				   : service_user_has_group(status->st_gid) ? 3
									    : 0;

	return (status->st_mode >> shift & wanted) != 0;
}

/* The first directory above the file that the user may not go through; NULL: there is none. Caller
 * frees. */
static char *service_user_wall(const char *path)
{
	struct stat status;

	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		CLEANUP_FREE char *directory =
			slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
		if (stat(directory, &status) == 0 && !service_user_may(&status, 1))
			return xstrdup(directory);
	}
	return NULL;
}

bool service_user_is_kept_out(const char *path, char **ret_text, char **ret_cure)
{
	struct stat status;

	if (!service_user.name || strncmp(path, "credential:", strlen("credential:")) == 0 ||
	    stat(path, &status) < 0)
		return false;
	CLEANUP_FREE char *wall = service_user_wall(path);
	if (!wall && service_user_may(&status, 4))
		return false;
	if (!wall) {
		*ret_text =
			xasprintf("the relay's user %s cannot read %s (mode %04o)",
				  service_user.name, path, (unsigned int)status.st_mode & 07777);
		*ret_cure = service_user_mode_cure(path);
		return true;
	}
	if (stat(wall, &status) < 0)
		return false;
	*ret_text = xasprintf("the relay's user %s cannot read %s: the directory %s is closed "
			      "(mode %04o)",
			      service_user.name, path, wall, (unsigned int)status.st_mode & 07777);
	*ret_cure = xasprintf("chgrp %s %s && chmod g+x %s, or pass the file with LoadCredential= "
			      "and write credential:NAME",
			      service_user.group, wall, wall);
	return true;
}

/* ---- cures ---- */

/* "chgrp tracepager FILE && chmod 640 FILE": a group may read root's files alone (secret_is_open),
 * so that a third user's becomes root's. Caller frees. */
static char *group_cure(const char *path, const struct stat *status, const char *group)
{
	return status->st_uid == 0
		       ? xasprintf("chgrp %s %s && chmod 640 %s", group, path, path)
		       : xasprintf("chown root:%s %s && chmod 640 %s", group, path, path);
}

char *service_user_mode_cure(const char *path)
{
	const uid_t own = service_user.name ? service_user.uid : geteuid();
	const bool known = service_user.name || own != 0;
	struct stat status;
	CLEANUP_FREE char *own_group = service_group_name(getegid());

	if (stat(path, &status) < 0)
		return xasprintf("let the relay's user read %s and go through its directories, or "
				 "pass it with LoadCredential= and write credential:NAME",
				 path);
	if (status.st_uid == own && own != 0)
		return xasprintf("chmod 600 %s", path);
	CLEANUP_FREE char *cure = group_cure(path, &status,
					     service_user.name ? service_user.group
					     : known	       ? own_group
							       : SERVICE_USER_NAME);
	if (known)
		return xasprintf("%s, or pass it with LoadCredential= and write credential:NAME",
				 cure);
	/* Root looks, and whose the relay is is not known. */
	return xasprintf("chmod 600 %s if the relay runs as %s; for the service: %s, or "
			 "credential:NAME",
			 path, status.st_uid == 0 ? "root" : "the file's owner", cure);
}
