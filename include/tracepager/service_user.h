/*
 * Service user: who reads the files of secrets in the end, and whether that user may. A command
 * that root runs (check, run --check) reads every file, and would say "no problem" of one that the
 * relay's user cannot read. Decides from owners and modes alone: access control lists do not count.
 * Refuses to change users, which doctor does.
 *
 * Owns the one user of the process, set before other threads start. Any thread from then on.
 */
#ifndef TRACEPAGER_SERVICE_USER_H
#define TRACEPAGER_SERVICE_USER_H

#include <stdbool.h>
#include <sys/stat.h>

/* The user of the Debian package and of the unit that ships. */
#define SERVICE_USER_NAME "tracepager"

/* Who owns the store, or its directory where there is no store yet. false: neither is there. */
bool service_user_of_store(const char *store, struct stat *ret_status);

/* From now on secrets are judged as the relay's user reads them: the owner of the store, else of
 * its directory where that is not root, else SERVICE_USER_NAME if there is such a user. Does
 * nothing where this process is not root's, or the relay's user is root or not known. */
void service_user_expect(const char *store);
/* The name of that user; NULL: there is none, and this process reads for itself. Borrowed. */
const char *service_user_name(void);
/* The name to write in a cure: that of service_user_name(), else SERVICE_USER_NAME where there is
 * such a user, else NULL. Borrowed. */
const char *service_user_likely(void);

/* Why the user of service_user_expect() may not read the secret in this file, and the cure: heap.
 * False: it may, there is no such user, or the secret is a credential. */
bool service_user_is_kept_out(const char *path, char **ret_text, char **ret_cure);
/* The cure for a secret's file whose mode or owner is wrong. Caller frees. */
char *service_user_mode_cure(const char *path);

#endif
