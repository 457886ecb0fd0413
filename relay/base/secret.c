/* Secrets: read from files, compared in constant time, wiped. */
#include "tracepager/secret.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tracepager/credential.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static int64_t changed_ns(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

int secret_read_file(struct secret *secret, const char *path, struct err *err)
{
	char line[LIMIT_SECRET_BYTES + 2];

	if (credential_is_elsewhere(path)) {
		secret_set_path(secret, path);
		return 0;
	}
	struct err why = { 0 };
	CLEANUP_FREE char *name = credential_path(path, &why);
	if (!name)
		return err_set(err, why.code, "%s", why.text);
	CLEANUP_FCLOSE FILE *file = fopen(name, "re");
	if (!file)
		return err_set(err, errno, "cannot read the secret file %s: %s", name,
			       strerror(errno));
	size_t n = fread(line, 1, sizeof(line) - 1, file);
	if (ferror(file))
		return err_set(err, errno ? errno : EIO, "cannot read the secret file %s: %s", name,
			       strerror(errno));
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	size_t len = strlen(line);
	if (len == 0 || len > LIMIT_SECRET_BYTES) {
		explicit_bzero(line, sizeof(line));
		return err_set(err, EINVAL, "the secret file %s %s", name,
			       len ? "has a first line of more than 4096 bytes"
				   : "has an empty first line");
	}
	struct stat st;
	char *path_copy =
		xstrdup(path); /* path may be the secret's own, which secret_set() frees */
	secret_set(secret, line);
	explicit_bzero(line, sizeof(line));
	secret->path = path_copy;
	secret->changed_ns = fstat(fileno(file), &st) == 0 ? changed_ns(&st) : 0;
	return 0;
}

int secret_refresh(struct secret *secret, struct err *err)
{
	struct stat st;

	if (!secret->path)
		return 0;
	CLEANUP_FREE char *name = credential_path(secret->path, NULL);
	if (name && stat(name, &st) == 0 && changed_ns(&st) == secret->changed_ns)
		return 0;
	return secret_read_file(secret, secret->path, err);
}

void secret_set_path(struct secret *secret, const char *path)
{
	char *copy = xstrdup(path); /* path may be the secret's own */

	secret_fini(secret);
	secret->path = copy;
	secret->changed_ns = 0;
}

void secret_set(struct secret *secret, const char *value)
{
	secret_fini(secret);
	secret->value = xstrdup(value);
}

void secret_fini(struct secret *secret)
{
	if (secret->value)
		explicit_bzero(secret->value, strlen(secret->value));
	free(secret->value);
	secret->value = NULL;
	free(secret->path);
	secret->path = NULL;
}

bool secret_equals(const struct secret *secret, const char *presented, size_t len)
{
	if (!secret->value)
		return false;
	size_t own = strlen(secret->value);
	volatile unsigned char differs = own != len;

	/* Every presented byte is compared with some byte of the value: the time tells only the
	 * presented length, which the sender knows. */
	for (size_t i = 0; i < len; i++)
		differs |= (unsigned char)(presented[i] ^ secret->value[own ? i % own : 0]);
	return !differs;
}

bool secret_is_open(const struct stat *status)
{
	return (status->st_mode & (status->st_uid == 0 ? 0037 : 0077)) != 0;
}

const char *secret_shown(const struct secret *secret)
{
	return secret->value ? "***" : "";
}
