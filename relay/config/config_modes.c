/*
 * Config, modes: files that other users of this machine may read or write. Looks at modes, and
 * opens nothing but the directory of rules.
 */
#include "config-internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tracepager/credential.h"
#include "tracepager/service_user.h"
#include "tracepager/xalloc.h"

void config_check_mode(struct config_loading *loading, const struct ynode *node, const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0 || !S_ISREG(status.st_mode) || !secret_is_open(&status))
		return;
	CLEANUP_FREE char *cure = strcmp(path, loading->config->store_path) == 0
					  ? xasprintf("chmod 600 %s", path)
					  : service_user_mode_cure(path);
	CONFIG_WARN(loading, node, "C028", cure,
		    "%s is open to other users of this machine (mode %04o)", path,
		    status.st_mode & 07777);
}

void config_check_secret_file(struct config_loading *loading, const struct ynode *node,
			      const char *path)
{
	char *text = NULL, *cure = NULL;

	config_check_mode(loading, node, path);
	if (service_user_is_kept_out(path, &text, &cure))
		CONFIG_WARN(loading, node, "C053", cure, "%s", text);
	free(text);
	free(cure);
}

void config_tell_unread(struct config_loading *loading, const struct ynode *node, const char *path,
			const struct err *err)
{
	CLEANUP_FREE char *cure = credential_cure(path);

	if (!cure && (err->code == EACCES || err->code == -EACCES))
		cure = service_user_mode_cure(path);
	FAULT(loading, node, "C004",
	      cure ? cure
		   : "write the secret on the first line of a file that the relay's user may read",
	      "%s", err->text);
}

/* Who writes the options or the rules decides who is paged. */
static void mode_check_writers(struct config_loading *loading, const struct ynode *node,
			       const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0 || !(status.st_mode & S_IWOTH))
		return;
	CLEANUP_FREE char *cure = xasprintf("chmod o-w %s", path);
	CONFIG_WARN(loading, node, "C045", cure,
		    "%s may be written by other users of this machine (mode %04o)", path,
		    status.st_mode & 07777);
}

static void mode_check_rules(struct config_loading *loading, const struct ynode *node)
{
	const char *directory = loading->config->rules;
	DIR *list = opendir(directory);
	const struct dirent *entry;

	while (list && (entry = readdir(list))) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", directory, entry->d_name);
		if (*entry->d_name != '.')
			mode_check_writers(loading, node, path);
	}
	if (list)
		closedir(list);
}

void config_check_writers(struct config_loading *loading, const struct ynode *root)
{
	const struct ynode *node = ynode_get(root, "rules");

	mode_check_writers(loading, NULL, loading->doc.file);
	mode_check_writers(loading, node, loading->config->rules);
	mode_check_rules(loading, node);
}
