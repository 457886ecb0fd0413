/*
 * Config, placeholders: tokens and passwords that a template left to be filled in. Who reads the
 * template knows them, so that an address beyond loopback is not opened with one.
 */
#include "config-internal.h"

#include "tracepager/secret_slip.h"
#include "tracepager/xalloc.h"

/* The node of the secret NAME of the map, or of its file; of a list the k-th. */
static const struct ynode *placeholder_node(const struct ynode *map, const char *name, size_t k)
{
	for (size_t i = 0; map && map->kind == YNODE_MAP && i < map->n; i++) {
		const struct ynode *value = map->items[i];
		if (config_is_secret(map->keys[i]->text, name))
			return value->kind == YNODE_LIST && k < value->n ? value->items[k] : value;
	}
	return map;
}

/* what: "bearer of sender am". */
static void placeholder_tell(struct config_loading *loading, const struct ynode *node,
			     const char *what)
{
	static const char hint[] = "make one: (umask 077; openssl rand -hex 32 >FILE)";

	if (config_is_loopback(loading->config->listen))
		CONFIG_WARN(loading, node, "C054", hint,
			    "%s is a placeholder, which all users of this machine can guess", what);
	else
		FAULT(loading, node, "C054", hint,
		      "%s is a placeholder, which everybody can guess who reaches %s", what,
		      loading->config->listen);
}

static bool placeholder_is_there(const struct secret *secret)
{
	return secret->value && secret_is_placeholder(secret->value);
}

static void placeholder_check_sender(struct config_loading *loading, const struct ynode *map,
				     const struct sender_config *sender)
{
	const struct {
		const struct ynode *map;
		const char *name;
		const struct secret *secrets;
	} ways[] = {
		{ map, "bearer", sender->auth.bearer },
		{ ynode_get(map, "basic"), "password", sender->auth.basic },
		{ ynode_get(map, "sign"), "secret", sender->auth.signing },
	};

	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		for (size_t k = 0; k < LIMIT_LIVE_SECRETS; k++) {
			if (!placeholder_is_there(&ways[i].secrets[k]))
				continue;
			CLEANUP_FREE char *what =
				xasprintf("%s of sender %s", ways[i].name, sender->name);
			placeholder_tell(loading, placeholder_node(ways[i].map, ways[i].name, k),
					 what);
		}
}

/* The tokens of the list stand in the configuration in their order, but for items that are no maps.
 */
static void placeholder_check_tokens(struct config_loading *loading, const struct ynode *list)
{
	const struct config *config = loading->config;

	for (size_t i = 0, n = 0; n < config->ntokens && i < list->n; i++) {
		const struct ynode *map = list->items[i];
		const struct ynode *file = ynode_get(map, "file");
		if (map->kind != YNODE_MAP)
			continue;
		const struct token_config *token = &config->tokens[n++];
		CLEANUP_FREE char *what = xasprintf("the token of %s", token->name);
		if (placeholder_is_there(&token->secret))
			placeholder_tell(loading, file ? file : ynode_get(map, "token"), what);
	}
}

void config_check_placeholders(struct config_loading *loading, const struct ynode *root)
{
	const struct config *config = loading->config;
	const struct ynode *senders = ynode_get(root, "senders");

	if (placeholder_is_there(&config->admin_token))
		placeholder_tell(loading, placeholder_node(root, "admin_token", 0), "admin_token");
	placeholder_check_tokens(loading, ynode_get(root, "tokens"));
	for (size_t i = 0; i < config->nsenders; i++)
		placeholder_check_sender(loading, ynode_get(senders, config->senders[i].name),
					 &config->senders[i]);
}
