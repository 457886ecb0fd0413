/* Credential: "credential:NAME" becomes a path. */
#include "tracepager/credential.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* LoadCredential=keys: of the unit that ships. */
#define CREDENTIAL_SOURCE "/etc/tracepager/keys"

static const char credential_prefix[] = "credential:";

static bool expected_elsewhere;
static pthread_mutex_t elsewhere_lock = PTHREAD_MUTEX_INITIALIZER;
static char *elsewhere[LIMIT_CREDENTIALS_TOLD]; /* names, the first NULL ends them */

/* NULL: the path is none of a credential. */
static const char *credential_name(const char *path)
{
	const size_t len = sizeof(credential_prefix) - 1;

	return strncmp(path, credential_prefix, len) == 0 ? path + len : NULL;
}

static const char *credential_directory(void)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");

	return directory && *directory ? directory : NULL;
}

static bool credential_is_named(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

char *credential_path(const char *path, struct err *err)
{
	const char *name = credential_name(path), *directory = credential_directory();

	if (!name)
		return xstrdup(path);
	if (!credential_is_named(name)) {
		err_set(err, EINVAL,
			"%s names no credential: write credential:NAME, where NAME has no / and "
			"begins with no dot",
			path);
		return NULL;
	}
	if (!directory) {
		err_set(err, ENOENT,
			"%s can be read by the service only: CREDENTIALS_DIRECTORY is not set. "
			"Set it to a directory with a file %s",
			path, name);
		return NULL;
	}
	char *file = xasprintf("%s/%s", directory, name);
	if (access(file, F_OK) == 0)
		return file;
	CLEANUP_FREE char *of_directory = xasprintf("%s/keys_%s", directory, name);
	if (access(of_directory, F_OK) < 0)
		return file;
	free(file);
	return xstrdup(of_directory);
}

char *credential_cure(const char *path)
{
	const char *name = credential_name(path), *directory = credential_directory();

	if (!name)
		return NULL;
	if (!credential_is_named(name))
		return xstrdup("write credential:NAME, where NAME is that of a file");
	if (!directory)
		return xasprintf("start the relay as the service, to which systemd passes it, or "
				 "set CREDENTIALS_DIRECTORY to a directory with a file %s",
				 name);
	CLEANUP_FREE char *file = credential_path(path, NULL);
	if (access(file, F_OK) < 0)
		return xasprintf("neither %s/%s nor %s/keys_%s is there: put it where the unit "
				 "takes credentials from (LoadCredential=; the unit that "
				 "ships: " CREDENTIAL_SOURCE "/%s), and restart the service",
				 directory, name, directory, name, name);
	if (access(file, R_OK) < 0)
		return xasprintf("%s is there: run this as root, or as the user whose file it is",
				 file);
	return xasprintf("correct the file from which the unit takes it (LoadCredential=; the unit "
			 "that ships: " CREDENTIAL_SOURCE "/%s), and restart the service, which "
			 "has a copy from its start",
			 name);
}

void credential_expect_elsewhere(void)
{
	expected_elsewhere = true;
}

static void credential_note(const char *name)
{
	size_t i = 0;

	pthread_mutex_lock(&elsewhere_lock);
	while (i < LIMIT_CREDENTIALS_TOLD && elsewhere[i] && strcmp(elsewhere[i], name) != 0)
		i++;
	if (i < LIMIT_CREDENTIALS_TOLD && !elsewhere[i])
		elsewhere[i] = xstrdup(name);
	pthread_mutex_unlock(&elsewhere_lock);
}

bool credential_is_elsewhere(const char *path)
{
	const char *name = credential_name(path);

	if (!expected_elsewhere || !name || credential_directory())
		return false;
	credential_note(name);
	return true;
}

char *credential_names_elsewhere(size_t *ret_n)
{
	char *names = NULL;
	size_t n = 0;

	pthread_mutex_lock(&elsewhere_lock);
	for (; n < LIMIT_CREDENTIALS_TOLD && elsewhere[n]; n++) {
		char *longer = xasprintf("%s%s%s", n ? names : "", n ? ", " : "", elsewhere[n]);
		free(names);
		names = longer;
	}
	pthread_mutex_unlock(&elsewhere_lock);
	*ret_n = n;
	return names;
}
