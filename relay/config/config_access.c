/*
 * Config, access: who may use the API and the pages (tokens, a trusted proxy), the address by which
 * people reach this relay, and the keys that sign the links of pages.
 */
#include "config-internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tracepager/credential.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "tracepager/ytext.h"

/* ---- tokens ---- */

static const char *const token_rights[] = { "read", "act" };

/* The twins are called token and file. */
static void read_token_secret(struct config_loading *loading, const struct ynode *map, size_t i,
			      struct secret *secret)
{
	const char *other = strcmp(map->keys[i]->text, "file") == 0 ? "token" : "file";

	for (size_t before = 0; before < i; before++)
		if (strcmp(map->keys[before]->text, other) == 0) {
			FAULT(loading, map->keys[i], "C003", "keep one of the two",
			      "a token is given twice, as a value and as a file");
			return;
		}
	config_read_token(loading, map, i, "token", secret);
}

static void read_token_name(struct config_loading *loading, const struct ynode *node,
			    struct token_config *token)
{
	const struct config *config = loading->config;
	const char *name = config_want_text(loading, node, "name");

	if (!name)
		return;
	if (!config_is_name(name)) {
		FAULT(loading, node, "C012", "use 1 to 64 letters, digits, _ . and -",
		      "the name of a token stands in logs");
		return;
	}
	if (strcmp(name, "admin") == 0 || strcmp(name, "local") == 0)
		FAULT(loading, node, "C031", "give it the name of its owner",
		      "the name %s is the relay's own", name);
	for (size_t i = 0; i < config->ntokens; i++)
		if (strcmp(config->tokens[i].name, name) == 0)
			FAULT(loading, node, "C031", "give each token a name of its own",
			      "two tokens are called %s", name);
	token->name = name;
}

static void check_token(struct config_loading *loading, const struct ynode *map)
{
	if (!ynode_get(map, "name"))
		FAULT(loading, map, "C031", "add: name: ann", "a token needs a name");
	if (!ynode_get(map, "token") && !ynode_get(map, "file"))
		FAULT(loading, map, "C031", "add: file: /path/of/a/token",
		      "a token needs a file with its secret");
	if (!ynode_get(map, "may"))
		FAULT(loading, map, "C031", "add: may: read, or: may: act",
		      "a token needs to say what it may do");
}

static void read_token(struct config_loading *loading, const struct ynode *map)
{
	static const char *const known[] = { "name", "token", "file", "may" };
	struct config *config = loading->config;
	struct token_config token = { .name = "" };

	if (!config_want_map(loading, map, "a token",
			     "write {name: ann, file: /path/of/a/token, may: act}"))
		return;
	for (size_t i = 0; i < map->n; i++) {
		const char *key = map->keys[i]->text;
		if (strcmp(key, "name") == 0) {
			read_token_name(loading, map->items[i], &token);
		} else if (strcmp(key, "may") == 0) {
			const char *text = config_want_text(loading, map->items[i], key);
			if (text)
				token.may_act =
					config_want_word(loading, map->items[i], text, "C031",
							 "right of a token", token_rights,
							 ARRAY_LEN(token_rights)) == 1;
		} else if (strcmp(key, "token") == 0 || strcmp(key, "file") == 0) {
			read_token_secret(loading, map, i, &token.secret);
		} else {
			config_unknown(loading, map, i, " of a token", known, ARRAY_LEN(known));
		}
	}
	check_token(loading, map);
	config->tokens[config->ntokens++] = token;
}

void config_read_tokens(struct config_loading *loading, const struct ynode *list)
{
	struct config *config = loading->config;

	if (list->kind != YNODE_LIST) {
		FAULT(loading, list, "C002",
		      "write [{name: ann, file: /path/of/a/token, may: act}]",
		      "tokens must be a list, not %s", ynode_kind_name(list));
		return;
	}
	config->tokens = arena_array(config->arena, list->n, sizeof(struct token_config));
	for (size_t i = 0; i < list->n; i++)
		read_token(loading, list->items[i]);
}

bool config_has_acting_token(const struct config *config)
{
	for (size_t i = 0; i < config->ntokens; i++)
		if (config->tokens[i].may_act)
			return true;
	return false;
}

/* ---- a trusted proxy ---- */

/* A name of RFC 9110 section 5.1, of the characters that proxies let through. */
static bool is_proxy_header(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

	return *text && !text[strspn(text, letters)];
}

/* Headers that say something else, and that every client sends. */
static bool is_taken_header(const char *name)
{
	static const char *const taken[] = { "Authorization", "Cookie", "Host",	     "Origin",
					     "Referer",	      "Accept", "User-Agent" };

	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (strcasecmp(taken[i], name) == 0)
			return true;
	return false;
}

/* Ranges within which all addresses are somebody's own network, or this machine. */
static bool proxy_range_is_private(const struct address_range *range)
{
	static const char *const inside[] = { "10.0.0.0/8", "127.0.0.0/8", "100.64.0.0/10",
					      "fc00::/7", "fe80::/10" };

	for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
		struct address_range known;
		char text[INET6_ADDRSTRLEN];
		if (address_range_parse(inside[i], &known) && known.family == range->family &&
		    range->bits >= known.bits &&
		    inet_ntop(range->family, range->bytes, text, sizeof(text)) &&
		    address_range_has(&known, text))
			return true;
	}
	return false;
}

/* Whoever reaches the relay from such a range is whom he says. */
static void preflight_proxy_range(struct config_loading *loading, const struct ynode *node,
				  const char *text, const struct address_range *range)
{
	const struct config *config = loading->config;
	const unsigned int most =
		range->family == AF_INET ? LIMIT_PROXY_WIDEST_BITS : LIMIT_PROXY_WIDEST_BITS_6;
	const bool act = strcmp(config->proxy.may, "act") == 0 || *config->proxy.who_may_act;

	if (!loading->preflight || range->bits > most || proxy_range_is_private(range))
		return;
	ydoc_finding(&loading->doc, node,
		     act && !config_is_loopback(config->listen) ? FINDING_ERROR : FINDING_WARNING,
		     "C057", loading->findings,
		     "name the proxy's own addresses, such as [127.0.0.1] or [10.0.3.0/24]",
		     "trusted_proxy believes everybody in %s: whoever reaches the relay says who "
		     "he is%s",
		     text, act ? ", and may act" : "");
}

static void read_proxy_addresses(struct config_loading *loading, const struct ynode *node)
{
	struct trusted_proxy *proxy = &loading->config->proxy;
	const char *at = proxy->address_words + strspn(proxy->address_words, " \t");
	struct address_range *ranges =
		arena_array(loading->config->arena, strlen(at) / 2 + 1, sizeof(*ranges));

	for (size_t i = 0; *at; i++) {
		const size_t len = strcspn(at, " \t");
		const char *text = arena_strndup(loading->config->arena, at, len);
		const struct ynode *item =
			node->kind == YNODE_LIST && i < node->n ? node->items[i] : node;
		if (address_range_parse(text, &ranges[proxy->naddresses]))
			preflight_proxy_range(loading, item, text, &ranges[proxy->naddresses++]);
		else
			FAULT(loading, item, "C035", "write 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32",
			      "\"%s\" is no address and no range of addresses", text);
		at += len + strspn(at + len, " \t");
	}
	proxy->addresses = ranges;
}

void config_check_trusted_proxy(struct config_loading *loading, const struct ynode *root)
{
	const struct ynode *map = ynode_get(root, "trusted_proxy");
	const struct ynode *addresses = map ? ynode_get(map, "addresses") : NULL;
	struct trusted_proxy *proxy = &loading->config->proxy;

	if (!map || map->kind != YNODE_MAP)
		return;
	if (!addresses || (addresses->kind == YNODE_LIST && !addresses->n))
		FAULT(loading, map, "C044", "add: addresses: [127.0.0.1]",
		      "trusted_proxy needs the addresses of the proxy");
	else
		read_proxy_addresses(loading, addresses);
	if (!is_proxy_header(proxy->header) || is_taken_header(proxy->header))
		FAULT(loading, ynode_get(map, "header"), "C044", "write header: X-Forwarded-User",
		      "trusted_proxy.header is no name of a header of the proxy's own");
	config_want_word(loading, ynode_get(map, "may"), proxy->may, "C044",
			 "right of trusted_proxy", token_rights, ARRAY_LEN(token_rights));
	if (*proxy->who_may_act && strcmp(proxy->may, "act") == 0)
		FAULT(loading, ynode_get(map, "who_may_act"), "C044",
		      "write may: read, or leave who_may_act out",
		      "with may: act all may act, and who_may_act says nothing");
	if (*proxy->address_words && !config_has_secret(root, "admin_token") &&
	    !loading->config->ntokens && !loading->doc.cut)
		FAULT(loading, map, "C044", "add: admin_token_file: /path/of/a/token",
		      "trusted_proxy needs an admin_token or tokens: without them every request "
		      "may act, named or not");
}

/* ---- the address ---- */

void config_check_external_url(struct config_loading *loading, const struct ynode *root)
{
	const struct ynode *node = ynode_get(root, "external_url");
	struct config *config = loading->config;

	if (!*config->external_url || !config_read_url(loading, node, "external_url") ||
	    !ytext_is_url(config->external_url))
		return;
	const char *authority = strstr(config->external_url, "://") + 3;
	if (strpbrk(config->external_url, "?#") ||
	    memchr(authority, '@', strcspn(authority, "/"))) {
		FAULT(loading, node, "C033", "write https://tracepager.example.com",
		      "external_url must have no user, no ? and no #");
		return;
	}
	size_t len = strlen(config->external_url);
	while (len && config->external_url[len - 1] == '/')
		len--;
	config->external_url = arena_strndup(config->arena, config->external_url, len);
}

/* ---- the keys of links ---- */

/* One line of the file into the secret. 0 or -errno with err. */
static int take_link_key(char *line, const char *path, struct secret *secret, struct err *err)
{
	line[strcspn(line, "\r\n")] = '\0';
	const size_t len = strlen(line);
	if (len < LIMIT_LINK_KEY_LEAST_BYTES || len > LIMIT_SECRET_BYTES)
		return err_set(err, EINVAL,
			       "the file of link keys %s has a line of %s: write a key with: "
			       "openssl rand -hex 32",
			       path,
			       len > LIMIT_SECRET_BYTES ? "more than 4096 characters"
							: "less than 32 characters");
	secret_set(secret, line);
	return 0;
}

int config_read_link_keys(const char *path, struct secret keys[LINK_KEYS], struct err *err)
{
	char line[LIMIT_SECRET_BYTES + 3];
	size_t n = 0;
	int result = 0;
	struct err why = { 0 };

	CLEANUP_FREE char *name = credential_path(path, &why);
	if (!name)
		return err_set(err, why.code, "%s", why.text);
	CLEANUP_FCLOSE FILE *file = fopen(name, "re");
	if (!file)
		return err_set(err, errno, "cannot read the file of link keys %s: %s", path,
			       strerror(errno));
	while (result == 0 && n < LINK_KEYS && fgets(line, sizeof(line), file))
		if (line[strspn(line, " \t\r\n")])
			result = take_link_key(line, path, &keys[n++], err);
	explicit_bzero(line, sizeof(line));
	if (result == 0 && ferror(file))
		result = err_set(err, EIO, "cannot read the file of link keys %s", path);
	if (result == 0 && !n)
		result = err_set(err, EINVAL,
				 "the file of link keys %s is empty: write a key with: openssl "
				 "rand -hex 32",
				 path);
	for (size_t i = 0; result < 0 && i < LINK_KEYS; i++)
		secret_fini(&keys[i]);
	return result;
}

void config_load_link_keys(struct config_loading *loading, const struct ynode *root)
{
	const struct ynode *node = ynode_get(root, "link_key_file");
	struct config *config = loading->config;
	struct err err = { 0 };

	if (!*config->link_key_file || !loading->load_secrets ||
	    credential_is_elsewhere(config->link_key_file))
		return;
	CLEANUP_FREE char *cure = credential_cure(config->link_key_file);
	if (config_read_link_keys(config->link_key_file, config->link_keys, &err) < 0)
		FAULT(loading, node, "C004",
		      cure ? cure
			   : "write the key that signs on the first line; while links of an older "
			     "key are in use, that one on the second",
		      "%s", err.text);
	else
		config_check_secret_file(loading, node, config->link_key_file);
}

void config_free_access(struct config *config)
{
	for (size_t i = 0; i < config->ntokens; i++)
		secret_fini(&config->tokens[i].secret);
	for (size_t i = 0; i < LINK_KEYS; i++)
		secret_fini(&config->link_keys[i]);
}
