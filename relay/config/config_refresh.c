/*
 * Config, refresh: what a reload takes of tracepager.yaml, which the column RELOAD of options.def,
 * sender_options.def and source_options.def tells people. The secrets of the options, of senders
 * and of tokens are taken, from their files or from the options, the keys of links and the
 * certificate are read again, and log_level is taken; that a secret is there or not, and every
 * other option that the file changes, is told by name. Sources read their own secrets again before
 * each question: here their files are only tried.
 */
#include "config-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/secret_slip.h"
#include "tracepager/xalloc.h"

/* One secret's file. */
struct secret_file {
	char *option; /* "senders.am1.bearer_file" */
	char *path;
	struct secret fresh; /* without a value: err says why, or it is a pipe */
	struct err err;
};

struct config_refresh {
	char *path; /* of tracepager.yaml; NULL: the options come from no file */
	struct secret_file *files;
	size_t nfiles;
	char *link_key_file; /* NULL: none */
	struct secret link_keys[LINK_KEYS];
	struct err link_err;
	bool loopback;			       /* the running address is one */
	const struct tls_options *tls_options; /* the running configuration's */
	struct tls *tls;
	struct tls_fault tls_fault;
	struct config *config; /* what the file says now; NULL: it has errors */
	struct findings findings;
};

/* ---- before the files are read ---- */

static void refresh_add_file(struct config_refresh *refresh, const struct secret *secret,
			     char *option)
{
	struct secret_file *file;

	if (!secret->path) {
		free(option);
		return;
	}
	refresh->files = xrealloc_array(refresh->files, refresh->nfiles + 1, sizeof(*file));
	file = &refresh->files[refresh->nfiles++];
	*file = (struct secret_file){ .option = option, .path = xstrdup(secret->path) };
}

struct config_refresh *config_refresh_new(struct config *config)
{
	struct config_refresh *refresh = xcalloc(1, sizeof(*refresh));
	const struct secret *secret;
	const char *name;

	refresh->path = config->path ? xstrdup(config->path) : NULL;
	refresh->link_key_file = *config->link_key_file ? xstrdup(config->link_key_file) : NULL;
	refresh->loopback = config_is_loopback(config->listen);
	refresh->tls_options = &config->tls_options;
	for (size_t n = 0; (secret = config_option_secret(config, n, &name)); n++)
		refresh_add_file(refresh, secret, xasprintf("%s_file", name));
	for (size_t i = 0; i < config->ntokens; i++)
		refresh_add_file(refresh, &config->tokens[i].secret,
				 xasprintf("tokens.%s.file", config->tokens[i].name));
	for (size_t i = 0; i < config->nsenders; i++) {
		struct sender_config *sender = &config->senders[i];
		for (size_t n = 0; (secret = config_sender_secret(sender, n, &name)); n++)
			refresh_add_file(refresh, secret,
					 xasprintf("senders.%s.%s", sender->name, name));
	}
	for (size_t i = 0; i < config->nsources; i++) {
		const struct source_config *source = &config->sources[i];
		for (size_t n = 0; (secret = config_source_secret(source, n, &name)); n++)
			refresh_add_file(refresh, secret,
					 xasprintf("sources.%s.%s_file", source->name, name));
	}
	return refresh;
}

void config_refresh_free(struct config_refresh *refresh)
{
	if (!refresh)
		return;
	for (size_t i = 0; i < refresh->nfiles; i++) {
		secret_fini(&refresh->files[i].fresh);
		free(refresh->files[i].option);
		free(refresh->files[i].path);
	}
	free(refresh->files);
	for (size_t i = 0; i < LINK_KEYS; i++)
		secret_fini(&refresh->link_keys[i]);
	free(refresh->link_key_file);
	tls_free(refresh->tls);
	config_free(refresh->config);
	findings_fini(&refresh->findings);
	free(refresh->path);
	free(refresh);
}

/* ---- in the pool ---- */

/* A pipe gives its secret once, and would block whoever opens it again. */
static bool is_pipe(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static bool file_is_of(const struct secret_file *file, const char *map)
{
	return strncmp(file->option, map, strlen(map)) == 0;
}

/* Not secrets of sources, which check their own, and not what only signs. */
static bool needs_header_token(const struct secret_file *file)
{
	return !file_is_of(file, "sources.") &&
	       (!file_is_of(file, "senders.") || strstr(file->option, ".bearer_file"));
}

/* Secrets that others show to us. */
static bool needs_own_secret(const struct config_refresh *refresh, const struct secret_file *file)
{
	return !refresh->loopback && (file_is_of(file, "admin_token") ||
				      file_is_of(file, "tokens.") || file_is_of(file, "senders."));
}

/* Why the new secret is not taken; NULL: it is good. */
static const char *refresh_fault(const struct config_refresh *refresh,
				 const struct secret_file *file)
{
	if (needs_header_token(file) && !config_is_header_token(file->fresh.value))
		return "holds a character that a token cannot have";
	if (needs_own_secret(refresh, file) && secret_is_placeholder(file->fresh.value))
		return "holds a placeholder, which everybody can guess";
	return NULL;
}

static void refresh_read_file(const struct config_refresh *refresh, struct secret_file *file)
{
	if (is_pipe(file->path) || secret_read_file(&file->fresh, file->path, &file->err) < 0)
		return;
	const char *fault = refresh_fault(refresh, file);
	if (fault) {
		secret_fini(&file->fresh);
		err_set(&file->err, EINVAL, "the secret file %s %s", file->path, fault);
	}
}

void config_refresh_read(struct config_refresh *refresh)
{
	for (size_t i = 0; i < refresh->nfiles; i++)
		refresh_read_file(refresh, &refresh->files[i]);
	if (refresh->link_key_file)
		config_read_link_keys(refresh->link_key_file, refresh->link_keys,
				      &refresh->link_err);
	config_read_tls(refresh->tls_options, &refresh->tls, &refresh->tls_fault);
	if (refresh->path)
		config_load_options(refresh->path, &refresh->config, &refresh->findings);
}

/* ---- on the loop ---- */

static void tell_changed(struct buf *out, const char *map, const char *name)
{
	CLEANUP_FREE char *option = xasprintf("%s%s", map, name);

	log_warn("an option changed in the file; restart to take it", LOG_STR("option", option));
	buf_printf(out, "%s changed: restart to take it\n", option);
}

static struct sender_config *refresh_find_sender(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->nsenders; i++)
		if (strcmp(config->senders[i].name, name) == 0)
			return &config->senders[i];
	return NULL;
}

static const struct source_config *refresh_find_source(const struct config *config,
						       const char *name)
{
	for (size_t i = 0; i < config->nsources; i++)
		if (strcmp(config->sources[i].name, name) == 0)
			return &config->sources[i];
	return NULL;
}

static void tell_secret_taken(struct buf *out, const char *option)
{
	log_info("a secret was read again", LOG_STR("option", option));
	buf_printf(out, "%s: the new secret is in force\n", option);
}

/* A secret that stands in the options and still does. Whether there is one decides who may do what:
 * that a restart takes. */
static void take_inline(struct secret *ours, const struct secret *now, const char *option,
			struct buf *out)
{
	if (ours->path || now->path || !ours->value || !now->value ||
	    secret_equals(ours, now->value, strlen(now->value)))
		return;
	secret_fini(ours);
	secret_set(ours, now->value);
	tell_secret_taken(out, option);
}

static const struct token_config *refresh_find_token(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->ntokens; i++)
		if (strcmp(config->tokens[i].name, name) == 0)
			return &config->tokens[i];
	return NULL;
}

static void take_sender_inline(struct sender_config *ours, struct sender_config *now,
			       struct buf *out)
{
	struct secret *secret;
	const char *name;

	for (size_t n = 0; (secret = config_sender_secret(ours, n, &name)); n++) {
		CLEANUP_FREE char *option = xasprintf("senders.%s.%.*s", ours->name,
						      (int)(strstr(name, "_file") - name), name);
		take_inline(secret, config_sender_secret(now, n, &name), option, out);
	}
}

static void take_inline_secrets(struct config *ours, struct config *now, struct buf *out)
{
	struct secret *secret;
	const char *key;

	for (size_t n = 0; (secret = config_option_secret(ours, n, &key)); n++)
		take_inline(secret, config_option_secret(now, n, &key), key, out);
	for (size_t i = 0; i < ours->ntokens; i++) {
		struct token_config *token = &ours->tokens[i];
		const struct token_config *other = refresh_find_token(now, token->name);
		CLEANUP_FREE char *option = xasprintf("tokens.%s.token", token->name);
		if (other)
			take_inline(&token->secret, &other->secret, option, out);
	}
	for (size_t i = 0; i < ours->nsenders; i++) {
		struct sender_config *sender = &ours->senders[i];
		struct sender_config *other = refresh_find_sender(now, sender->name);
		if (other)
			take_sender_inline(sender, other, out);
	}
}

static void compare_tokens(const struct config *ours, const struct config *now, struct buf *out)
{
	for (size_t i = 0; i < ours->ntokens; i++) {
		const struct token_config *token = &ours->tokens[i],
					  *other = refresh_find_token(now, token->name);
		if (!other || other->may_act != token->may_act ||
		    config_secrets_differ(&token->secret, &other->secret))
			tell_changed(out, "tokens.", token->name);
	}
	for (size_t i = 0; i < now->ntokens; i++)
		if (!refresh_find_token(ours, now->tokens[i].name))
			tell_changed(out, "tokens.", now->tokens[i].name);
}

static void compare_senders(const struct config *ours, const struct config *now, struct buf *out)
{
	for (size_t i = 0; i < ours->nsenders; i++) {
		struct sender_config *sender = &ours->senders[i],
				     *other = refresh_find_sender(now, sender->name);
		if (!other || config_senders_differ(sender, other))
			tell_changed(out, "senders.", sender->name);
	}
	for (size_t i = 0; i < now->nsenders; i++)
		if (!refresh_find_sender(ours, now->senders[i].name))
			tell_changed(out, "senders.", now->senders[i].name);
}

static void compare_sources(const struct config *ours, const struct config *now, struct buf *out)
{
	for (size_t i = 0; i < ours->nsources; i++) {
		const struct source_config *source = &ours->sources[i],
					   *other = refresh_find_source(now, source->name);
		if (!other || config_sources_differ(source, other))
			tell_changed(out, "sources.", source->name);
	}
	for (size_t i = 0; i < now->nsources; i++)
		if (!refresh_find_source(ours, now->sources[i].name))
			tell_changed(out, "sources.", now->sources[i].name);
}

static void compare_options(const struct config *ours, const struct config *now, struct buf *out)
{
	const char *key;

	for (size_t i = 0; (key = config_option_key(i)); i++)
		if (config_option_differs(i, ours, now))
			tell_changed(out, "", key);
}

/* Both name a level: a configuration that does not is refused. The caller puts it in force. */
static void take_log_level(struct config *ours, const struct config *now, struct buf *out)
{
	enum log_level level = LOG_LEVEL_INFO;

	if (strcmp(ours->log_level, now->log_level) == 0)
		return;
	log_level_find(now->log_level, &level);
	ours->log_level = log_level_name(level);
	buf_printf(out, "log_level: %s is in force\n", ours->log_level);
}

/* The running secret that the file belongs to; NULL: a source's. */
static struct secret *secret_of(struct config *config, const struct secret_file *file)
{
	struct secret *secret;
	const char *name;

	for (size_t n = 0; (secret = config_option_secret(config, n, &name)); n++) {
		CLEANUP_FREE char *option = xasprintf("%s_file", name);
		if (strcmp(option, file->option) == 0)
			return secret;
	}
	for (size_t i = 0; i < config->ntokens; i++) {
		CLEANUP_FREE char *option = xasprintf("tokens.%s.file", config->tokens[i].name);
		if (strcmp(option, file->option) == 0)
			return &config->tokens[i].secret;
	}
	for (size_t i = 0; i < config->nsenders; i++)
		for (size_t n = 0; (secret = config_sender_secret(&config->senders[i], n, &name));
		     n++) {
			CLEANUP_FREE char *option =
				xasprintf("senders.%s.%s", config->senders[i].name, name);
			if (strcmp(option, file->option) == 0)
				return secret;
		}
	return NULL;
}

static bool take_secret(struct config *config, struct secret_file *file, struct buf *out)
{
	struct secret *secret = secret_of(config, file);

	if (!file->fresh.value && !file->err.code)
		return true;
	if (!file->fresh.value) {
		log_error("a secret's file cannot be read; the old secret stays in force",
			  LOG_STR("option", file->option), LOG_STR("error", file->err.text));
		buf_printf(out, "%s: %s; the old secret stays in force\n", file->option,
			   file->err.text);
		return false;
	}
	if (!secret ||
	    (secret->value && secret_equals(secret, file->fresh.value, strlen(file->fresh.value))))
		return true;
	secret_fini(secret);
	*secret = file->fresh;
	file->fresh = (struct secret){ .value = NULL };
	tell_secret_taken(out, file->option);
	return true;
}

static bool secrets_equal(const struct secret *a, const struct secret *b)
{
	if (!a->value || !b->value)
		return a->value == b->value;
	return secret_equals(a, b->value, strlen(b->value));
}

static bool take_link_keys(struct config *config, struct config_refresh *refresh, struct buf *out)
{
	bool changed = false;

	if (!refresh->link_key_file)
		return true;
	if (refresh->link_err.code) {
		log_error("the file of link keys cannot be read; the old keys stay in force",
			  LOG_STR("error", refresh->link_err.text));
		buf_printf(out, "link_key_file: %s; the old keys stay in force\n",
			   refresh->link_err.text);
		return false;
	}
	for (size_t i = 0; i < LINK_KEYS; i++) {
		changed |= !secrets_equal(&config->link_keys[i], &refresh->link_keys[i]);
		secret_fini(&config->link_keys[i]);
		config->link_keys[i] = refresh->link_keys[i];
		refresh->link_keys[i] = (struct secret){ .value = NULL };
	}
	if (changed)
		tell_secret_taken(out, "link_key_file");
	return true;
}

bool config_refresh_take(struct config_refresh *refresh, struct config *config, struct buf *out)
{
	bool good = true;

	for (size_t i = 0; i < refresh->nfiles; i++)
		good = take_secret(config, &refresh->files[i], out) && good;
	good = take_link_keys(config, refresh, out) && good;
	good = config_take_tls(config, &refresh->tls, &refresh->tls_fault, out) && good;
	if (refresh->config) {
		take_inline_secrets(config, refresh->config, out);
		take_log_level(config, refresh->config, out);
		compare_options(config, refresh->config, out);
		compare_tokens(config, refresh->config, out);
		compare_senders(config, refresh->config, out);
		compare_sources(config, refresh->config, out);
	} else if (refresh->path) {
		good = false;
		findings_write(&refresh->findings, false, out);
		log_error("the options' file has errors; a restart would fail",
			  LOG_STR("file", refresh->path),
			  LOG_INT("errors", (int64_t)refresh->findings.nerrors));
		buf_printf(out, "%s: errors: %zu; the old options stay in force\n", refresh->path,
			   refresh->findings.nerrors);
	}
	return good;
}
