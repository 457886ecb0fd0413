/*
 * Credential: a file that the service manager passes to the service alone (systemd's
 * LoadCredential= and CREDENTIALS_DIRECTORY; a directory of secrets in a container). Wherever the
 * rules or tracepager.yaml name a file that holds a secret, "credential:NAME" means the file NAME
 * in the directory that CREDENTIALS_DIRECTORY names, or keys_NAME there: systemd names so what
 * LoadCredential=keys:DIRECTORY takes from a directory.
 *
 * Owns one flag of the process, and the names that a check could not read. Any thread.
 */
#ifndef TRACEPAGER_CREDENTIAL_H
#define TRACEPAGER_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/err.h"

/* The file that a path means: that of the credential, or a copy of any other path. Caller frees.
 * NULL with err: the name has a slash, or this process was passed no credentials. Whether the file
 * is there is not looked at. */
char *credential_path(const char *path, struct err *err);

/* What to do about a credential that could not be read, or does not hold what it should: which
 * files were looked for, and where systemd takes them from. Caller frees. NULL: the path is none of
 * a credential. */
char *credential_cure(const char *path);

/* For commands that check what the service will read: from now on, and where this process was
 * passed no credentials, credential_is_elsewhere() holds for each. Before other threads start. */
void credential_expect_elsewhere(void);
/* The path is a credential that only the service can read: its secret is left unset. */
bool credential_is_elsewhere(const char *path);
/* How many credentials were so passed over since credential_expect_elsewhere(), each name once (of
 * more than LIMIT_CREDENTIALS_TOLD that many). Caller frees the names, "admin, hook"; NULL: none.
 */
char *credential_names_elsewhere(size_t *ret_n);

#endif
