/*
 * Load, secrets: members whose values no finding and no record may show. Reads the files that hold
 * them, where the load reads secrets.
 */
#include "load-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tracepager/credential.h"
#include "tracepager/service_user.h"
#include "tracepager/xalloc.h"

/* Whoever reads the key of a pager can page people in its name. */
static void warn_of_open_file(const struct load_scope *scope, const struct ynode *value)
{
	const char *path = value->text;
	struct stat status;

	if (stat(path, &status) < 0 || !S_ISREG(status.st_mode) || !secret_is_open(&status))
		return;
	CLEANUP_FREE char *cure = service_user_mode_cure(path);
	LOAD_WARNING(scope, value, "W033", cure,
		     "%s is open to other users of this machine (mode %04o)", path,
		     status.st_mode & 07777);
}

/* Root reads every file; the relay's user does not. */
static void warn_of_file(const struct load_scope *scope, const struct ynode *value)
{
	char *text = NULL, *cure = NULL;

	warn_of_open_file(scope, value);
	if (service_user_is_kept_out(value->text, &text, &cure))
		LOAD_WARNING(scope, value, "W055", cure, "%s", text);
	free(text);
	free(cure);
}

static void tell_unread_file(const struct load_scope *scope, const struct ynode *value,
			     const struct err *err)
{
	CLEANUP_FREE char *cure = credential_cure(value->text);

	if (!cure && (err->code == EACCES || err->code == -EACCES))
		cure = service_user_mode_cure(value->text);
	LOAD_ERROR(scope, value, "E021",
		   cure ? cure
		   : err->code == EINVAL || err->code == -EINVAL
			   ? "write the key on the first line of a file, or of a credential "
			     "(credential:NAME)"
			   : "the file must exist and be readable by the user that runs tracepager",
		   "%s", err->text);
}

/* A secret, or its file. */
struct secret_place {
	const struct ynode *key;
	bool is_file;
};

/* Findings point at the key: the line of the value may be nothing but the secret. */
static void take_secret_value(const struct load_scope *scope, const struct secret_place *place,
			      const struct ynode *value, struct secret *secret)
{
	const char *name = place->key->text;
	struct err err;

	if (ynode_is_empty(value) || (value->kind == YNODE_SCALAR && !value->bad && !*value->text))
		LOAD_ERROR(scope, place->key, "E033", "give it a value", "\"%s\" of %s is empty",
			   name, scope->what);
	else if (value->kind != YNODE_SCALAR)
		LOAD_ERROR(scope, place->key, "E014", "give it one text",
			   "\"%s\" must be a text, not %s", name, ynode_kind_name(value));
	else if (!place->is_file)
		secret_set(secret, value->text);
	else if (!scope->load->load_secrets)
		secret_set_path(secret, value->text);
	else if (secret_read_file(secret, value->text, &err) < 0)
		tell_unread_file(scope, value, &err);
	else
		warn_of_file(scope, value);
}

/* False: neither the member nor its twin with the file is there, or both are, which has its
 * finding. */
static bool find_secret(const struct load_scope *scope, const char *name, const char *name_file,
			struct secret_place *ret_place)
{
	const struct ynode *key = member_key(scope, name), *key_file = member_key(scope, name_file);

	if (key && key_file)
		LOAD_ERROR(scope, key_file, "E020", "keep one of them, best the file",
			   "\"%s\" and \"%s\" are both given", name, name_file);
	*ret_place = (struct secret_place){ key ? key : key_file, !key };
	return !key != !key_file;
}

void member_secret(const struct load_scope *scope, const char *name, const char *name_file,
		   enum pager_need need, struct secret *secret)
{
	struct secret_place place;

	if (find_secret(scope, name, name_file, &place))
		take_secret_value(scope, &place, ynode_get(scope->map, place.key->text), secret);
	else if (!place.key && need == PAGER_REQUIRED && !member_is_elsewhere(scope, name) &&
		 !member_is_elsewhere(scope, name_file))
		LOAD_ERROR(scope, scope->key, "E013",
			   arena_printf(scope->load->scratch, "add \"%s: PATH\", or \"%s: …\"",
					name_file, name),
			   "%s has no \"%s\"", scope->what, name);
}

/* Reads one secret, or a list of those that count side by side during a rotation. */
void member_secrets(const struct load_scope *scope, const char *name, const char *name_file,
		    struct secret secrets[LIMIT_LIVE_SECRETS])
{
	struct secret_place place;

	if (!find_secret(scope, name, name_file, &place))
		return;
	const struct ynode *value = ynode_get(scope->map, place.key->text);
	if (value->kind != YNODE_LIST || value->bad) {
		take_secret_value(scope, &place, value, &secrets[0]);
		return;
	}
	if (!value->n)
		LOAD_ERROR(scope, place.key, "E033", "give it a value, or leave it out",
			   "\"%s\" of %s is empty", place.key->text, scope->what);
	if (value->n > LIMIT_LIVE_SECRETS)
		LOAD_ERROR(scope, place.key, "E048", "keep the old one and the new one",
			   "\"%s\" of %s has more than %u secrets", place.key->text, scope->what,
			   LIMIT_LIVE_SECRETS);
	for (size_t i = 0; i < value->n && i < LIMIT_LIVE_SECRETS; i++)
		take_secret_value(scope, &place, value->items[i], &secrets[i]);
}
