/*
 * Doctor, user: looks as the relay does. Where root runs it and the store is another user's, it
 * becomes that user for good, so that every file is tried with the relay's rights. Of a relay that
 * runs it takes the directory of the service's credentials, too.
 */
#include "doctor-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/credential.h"
#include "tracepager/service_user.h"

/* ---- whose store it is ---- */

/* The path of the store, from the options without their secrets. Kept by the arena; NULL: the
 * options cannot be read. */
static const char *user_store_path(struct doctor *doctor)
{
	CLEANUP_FREE char *path = preflight_store_path(doctor->config_path);

	return path ? arena_strdup(doctor->arena, path) : NULL;
}

static const char *user_name(struct doctor *doctor, uid_t uid)
{
	const struct passwd *entry = getpwuid(uid);

	return entry ? arena_strdup(doctor->arena, entry->pw_name)
		     : arena_printf(doctor->arena, "%lu", (unsigned long)uid);
}

/* The pid in the lock's file, of a process that lives; 0: none. */
static pid_t user_lock_holder(const char *store)
{
	CLEANUP_FREE char *path = xasprintf("%s.lock", store);
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	long pid = 0;
	char process[64];

	if (!file || fscanf(file, "%ld", &pid) != 1 || pid <= 1)
		return 0;
	snprintf(process, sizeof(process), "/proc/%ld/limits", pid);
	return access(process, F_OK) == 0 ? (pid_t)pid : 0;
}

/* The variable of the relay's environment, where we may read that. */
static void user_take_credentials(const struct doctor *doctor)
{
	static const char name[] = "CREDENTIALS_DIRECTORY=";
	CLEANUP_FREE char *path = xasprintf("/proc/%ld/environ", (long)doctor->pid);
	CLEANUP_FCLOSE FILE *file = doctor->pid ? fopen(path, "re") : NULL;
	char *line = NULL;
	size_t size = 0;

	while (file && getdelim(&line, &size, '\0', file) > 0)
		if (strncmp(line, name, strlen(name)) == 0)
			setenv("CREDENTIALS_DIRECTORY", line + strlen(name), 0);
	free(line);
	credential_expect_elsewhere();
}

/* With the user's own groups; gid: the group of one who has no entry. */
static bool user_become(uid_t uid, gid_t gid)
{
	const struct passwd *entry = getpwuid(uid);

	if (entry)
		gid = entry->pw_gid;
	if (entry ? initgroups(entry->pw_name, gid) < 0 : setgroups(1, &gid) < 0)
		return false;
	return setgid(gid) == 0 && setuid(uid) == 0;
}

static void user_tell(struct doctor *doctor, uid_t owner)
{
	const char *name = user_name(doctor, owner);
	const char *cure = arena_printf(doctor->arena, "sudo -u %s tracepager doctor", name);

	doctor->report->user = user_name(doctor, geteuid());
	doctor->is_service_user = owner == geteuid();
	if (doctor->is_service_user)
		doctor_tell(doctor, DOCTOR_USER, DOCTOR_OK, NULL, NULL,
			    "it looks as %s, who owns the store", name);
	else
		doctor_tell(doctor, DOCTOR_USER, DOCTOR_WARNING, NULL, cure,
			    "it looks as %s, and the store is owned by %s: what %s may not read "
			    "is told as a fault",
			    doctor->report->user, name, doctor->report->user);
}

void doctor_become_user(struct doctor *doctor)
{
	const char *store = user_store_path(doctor);
	struct stat status;

	doctor->pid = store ? user_lock_holder(store) : 0;
	doctor->report->user = user_name(doctor, geteuid());
	if (!store || !service_user_of_store(store, &status)) {
		user_take_credentials(doctor);
		return;
	}
	if (geteuid() == 0 && status.st_uid != 0 && !user_become(status.st_uid, status.st_gid))
		doctor_tell(doctor, DOCTOR_USER, DOCTOR_WARNING, NULL, NULL,
			    "it cannot become %s, the store's owner: %s",
			    user_name(doctor, status.st_uid), strerror(errno));
	else
		user_tell(doctor, status.st_uid);
	user_take_credentials(doctor);
}
