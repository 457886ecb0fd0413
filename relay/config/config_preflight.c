/*
 * Config, preflight: what a start would fail on although the options are well written, and what it
 * would take that is probably meant otherwise. Looks at directories, modes and the address, and
 * changes nothing.
 */
#include "config-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/limits.h"
#include "tracepager/service_user.h"
#include "tracepager/xalloc.h"

/* ---- the store ---- */

static const struct ynode *store_node(const struct ynode *root)
{
	const struct ynode *store = ynode_get(root, "store"), *path = ynode_get(store, "path");

	return path ? path : store;
}

void config_check_store_mode(struct config_loading *loading, const struct ynode *root)
{
	config_check_mode(loading, store_node(root), loading->config->store_path);
}

/* Caller frees. */
static char *store_owner_cure(const char *path)
{
	const char *user = service_user_likely();

	return user ? xasprintf("chown %s: %s", user, path)
		    : xstrdup("chown it to the relay's user");
}

/* Where a unit lets the relay write: that which ships, in its own directory only. Caller frees. */
static char *store_directory_cure(const char *directory)
{
	const char *user = service_user_likely();
	CLEANUP_FREE char *owner = user ? xasprintf(" && chown %s: %s", user, directory)
					: xstrdup(" (it must be the relay's user's)");
	CLEANUP_FREE char *unit =
		strcmp(directory, "/var/lib/tracepager") == 0
			? xstrdup("")
			: xasprintf("; a unit with ProtectSystem=strict also needs "
				    "ReadWritePaths=%s in a drop-in (systemctl edit tracepager)",
				    directory);

	return xasprintf("mkdir -p %s%s%s", directory, owner, unit);
}

static void preflight_directory(struct config_loading *loading, const struct ynode *node)
{
	const char *path = loading->config->store_path, *slash = strrchr(path, '/');
	CLEANUP_FREE char *directory = !slash	      ? xstrdup(".")
				       : slash > path ? xstrndup(path, (size_t)(slash - path))
						      : xstrdup("/");
	CLEANUP_FREE char *mine = store_owner_cure(directory);
	CLEANUP_FREE char *cure = store_directory_cure(directory);
	CLEANUP_FREE char *file_cure = store_owner_cure(path);
	struct stat status;

	if (stat(directory, &status) < 0)
		FAULT(loading, node, "C024", cure, "the store's directory %s: %s", directory,
		      strerror(errno));
	else if (!S_ISDIR(status.st_mode))
		FAULT(loading, node, "C024", "name a file in a directory that exists",
		      "the store's directory %s is no directory", directory);
	else if (access(directory, W_OK | X_OK) < 0)
		FAULT(loading, node, "C024", mine, "the store's directory %s cannot be written: %s",
		      directory, strerror(errno));
	else if (access(path, F_OK) == 0 && access(path, R_OK | W_OK) < 0)
		FAULT(loading, node, "C024", file_cure, "the store %s cannot be written: %s", path,
		      strerror(errno));
	else if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
		FAULT(loading, node, "C024", "name a file", "the store %s is no regular file",
		      path);
}

static bool is_flocked(const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* Does a relay run with this store? Its address is then its own. */
static bool store_is_in_use(const struct config *config)
{
	CLEANUP_FREE char *lock = xasprintf("%s.lock", config->store_path);

	return is_flocked(lock) || is_flocked(config->store_path);
}

/* Was the file of options changed after the relay took its lock? */
static bool options_are_newer(const struct config_loading *loading)
{
	CLEANUP_FREE char *lock = xasprintf("%s.lock", loading->config->store_path);
	struct stat options, locked;

	return stat(loading->doc.file, &options) == 0 && stat(lock, &locked) == 0 &&
	       options.st_mtim.tv_sec > locked.st_mtim.tv_sec;
}

static void preflight_tell_in_use(struct config_loading *loading, const struct ynode *node)
{
	const char *store = loading->config->store_path;

	if (options_are_newer(loading))
		CONFIG_WARN(loading, node, "C026",
			    "restart the relay, if options were changed: a reload takes rules, "
			    "secrets and log_level only",
			    "a relay is running with the store %s, and this file was written "
			    "since it started",
			    store);
	else
		CONFIG_WARN(loading, node, "C026",
			    "this is usual while the service runs: a reload takes rules, secrets "
			    "and log_level, other options need a restart, and a second relay would "
			    "not start",
			    "a relay is running with the store %s", store);
}

/* ---- the address ---- */

/* 0 or -errno; SO_REUSEADDR as the server sets it. */
static int try_bind(const struct addrinfo *address)
{
	CLEANUP_CLOSE int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, 1) < 0)
		return -errno;
	return 0;
}

static void tell_address(struct config_loading *loading, const struct ynode *node, int error)
{
	const char *listen = loading->config->listen;

	FAULT(loading, node, "C025",
	      error == EACCES	    ? "take a port from 1024 on, or allow this one: setcap "
				      "cap_net_bind_service=+ep"
	      : error == EADDRINUSE ? "stop the program that listens there, or take another port"
				    : "name an address of this machine",
	      "cannot listen on %s: %s", listen, strerror(error));
}

static void preflight_address(struct config_loading *loading, const struct ynode *node)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	const char *listen = loading->config->listen, *colon = strrchr(listen, ':');
	bool brackets = *listen == '[';
	CLEANUP_FREE char *host =
		xstrndup(listen + brackets, (size_t)(colon - listen) - (brackets ? 2 : 0));
	struct addrinfo *list;

	int failed = getaddrinfo(*host ? host : NULL, colon + 1, &hints, &list);
	if (failed) {
		FAULT(loading, node, "C025", "name an address of this machine",
		      "cannot listen on %s: %s", listen, gai_strerror(failed));
		return;
	}
	int error = -EADDRNOTAVAIL;
	for (const struct addrinfo *at = list; at && error; at = at->ai_next)
		error = try_bind(at);
	freeaddrinfo(list);
	if (error)
		tell_address(loading, node, -error);
}

/* ---- sources ---- */

static void preflight_files(struct config_loading *loading, const struct ynode *sources,
			    const struct source_config *source)
{
	const struct ynode *node = ynode_get(ynode_get(sources, source->name), "path");
	struct stat status;

	if (source->kind != SOURCE_FILES || !source->path)
		return;
	if (stat(source->path, &status) < 0)
		FAULT(loading, node, "C030", "make it, or name the directory of the trace files",
		      "the directory %s of source %s: %s", source->path, source->name,
		      strerror(errno));
	else if (!S_ISDIR(status.st_mode) || access(source->path, R_OK | X_OK) < 0)
		FAULT(loading, node, "C030", "name a directory that the relay's user can read",
		      "source %s cannot read the directory %s", source->name, source->path);
}

/* ---- tokens ---- */

/* Nobody tries tokens of an address that only this machine reaches. */
static void preflight_token(struct config_loading *loading, const struct ynode *node,
			    const char *name, const struct secret *token)
{
	if (token->value && strlen(token->value) < LIMIT_TOKEN_LEAST_BYTES)
		CONFIG_WARN(loading, node, "C046",
			    "make a new one: (umask 077; openssl rand -hex 32 >FILE)",
			    "the token of %s has %zu characters, and other machines can try all "
			    "such tokens",
			    name, strlen(token->value));
}

static void preflight_tokens(struct config_loading *loading, const struct ynode *root)
{
	const struct config *config = loading->config;
	const struct ynode *senders = ynode_get(root, "senders"),
			   *tokens = ynode_get(root, "tokens"),
			   *admin = ynode_get(root, "admin_token_file");

	if (config_is_loopback(config->listen))
		return;
	preflight_token(loading, admin ? admin : ynode_get(root, "admin_token"), "the admin",
			&config->admin_token);
	for (size_t i = 0; i < config->ntokens; i++)
		preflight_token(loading, tokens, config->tokens[i].name, &config->tokens[i].secret);
	for (size_t i = 0; i < config->nsenders; i++)
		for (size_t k = 0; k < LIMIT_LIVE_SECRETS; k++)
			preflight_token(loading, ynode_get(senders, config->senders[i].name),
					config->senders[i].name,
					&config->senders[i].auth.bearer[k]);
}

/* ---- secrets that stand in the file ---- */

static bool key_is_secret(const char *key)
{
	static const char *const keys[] = { "bearer",  "basic",	  "password",	  "secret",
					    "api_key", "app_key", "session_token" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

/* Of a sender or a source, and of the maps within it, of which headers may hold other things. */
static void preflight_inline(struct config_loading *loading, const struct ynode *map)
{
	for (size_t i = 0; map && map->kind == YNODE_MAP && i < map->n; i++) {
		const struct ynode *value = map->items[i];
		const char *key = map->keys[i]->text;
		CLEANUP_FREE char *cure = xasprintf("%s_file: /path/of/a/file", key);
		if (value->kind != YNODE_MAP && key_is_secret(key))
			CONFIG_WARN(loading, map->keys[i], "C029", cure,
				    "%s stands in the file of options, which more people read",
				    key);
		else if (value->kind == YNODE_MAP && strcmp(key, "headers") != 0)
			preflight_inline(loading, value);
	}
}

static void preflight_secrets(struct config_loading *loading, const struct ynode *root)
{
	const struct ynode *token = ynode_get(root, "admin_token"),
			   *tokens = ynode_get(root, "tokens");

	preflight_inline(loading, ynode_get(root, "senders"));
	preflight_inline(loading, ynode_get(root, "sources"));
	for (size_t i = 0; tokens && tokens->kind == YNODE_LIST && i < tokens->n; i++)
		if (ynode_get(tokens->items[i], "token"))
			CONFIG_WARN(
				loading, ynode_get(tokens->items[i], "token"), "C029",
				"file: /path/of/a/token",
				"a token stands in the file of options, which more people read");
	if (token)
		CONFIG_WARN(loading, token, "C029", "admin_token_file: /path/of/a/token",
			    "admin_token stands in the file of options, which more people read");
}

/* ---- what is missing ---- */

void config_preflight(struct config_loading *loading, const struct ynode *root)
{
	struct config *config = loading->config;

	config_check_writers(loading, root);
	preflight_secrets(loading, root);
	preflight_tokens(loading, root);
	config_preflight_mistakes(loading, root);
	if (!config->store_unread)
		preflight_directory(loading, store_node(root));
	if (store_is_in_use(config))
		preflight_tell_in_use(loading, store_node(root));
	else
		preflight_address(loading, ynode_get(root, "listen"));
	if (!config->nsenders && !loading->misplaced)
		CONFIG_WARN(loading, ynode_get(root, "senders"), "C027",
			    "add: senders: {am: {format: alertmanager}}",
			    "there are no senders: nobody can send an alert");
	if (!config->nsources && !loading->misplaced)
		CONFIG_WARN(loading, ynode_get(root, "sources"), "C027",
			    "add: sources: {jaeger: {kind: jaeger, url: \"http://jaeger:16686\"}}",
			    "there are no sources: pages leave without a trace");
	for (size_t i = 0; i < config->nsources; i++)
		preflight_files(loading, ynode_get(root, "sources"), &config->sources[i]);
	if (!*config->external_url)
		CONFIG_WARN(loading, NULL, "C032",
			    "add: external_url: https://tracepager.example.com",
			    "external_url is not set: pages have no links to acknowledge them");
}
