/*
 * Config: the options of the file, read by the table of options.def, and the senders. One pass
 * finds every problem. Refuses unknown options, secrets that are given twice, and senders or an API
 * without a token on an address that others reach.
 */
#include "config-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "tracepager/ytext.h"

enum config_option_kind {
	CONFIG_TEXT,
	CONFIG_WORDS, /* a text with blanks between its words, or a list of them */
	CONFIG_FLAG,
	CONFIG_DURATION,
	CONFIG_SECRET,
};

struct config_option {
	const char *key;
	enum config_option_kind kind;
	size_t offset;
	const char *value, *text;
};

static const struct config_option config_options[] = {
#define OPTION(key, kind, reload, field, value, text)                                              \
	{ key, CONFIG_##kind, offsetof(struct config, field), value, text },
#include "tracepager/tbl/options.def"
#undef OPTION
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static const char *const format_names[] = { "logfmt", "json" };

static void *config_field(struct config *config, const struct config_option *option)
{
	return (char *)config + option->offset;
}

static void set_defaults(struct config *config)
{
	for (size_t i = 0; i < ARRAY_LEN(config_options); i++) {
		if (config_options[i].kind == CONFIG_TEXT || config_options[i].kind == CONFIG_WORDS)
			memcpy(config_field(config, &config_options[i]), &config_options[i].value,
			       sizeof(config_options[i].value));
		else if (config_options[i].kind == CONFIG_FLAG)
			*(bool *)config_field(config, &config_options[i]) =
				strcmp(config_options[i].value, "true") == 0;
		else if (config_options[i].kind == CONFIG_DURATION)
			duration_parse(config_options[i].value,
				       config_field(config, &config_options[i]));
	}
}

/* ---- options; the prefix is "" at the top of the file, and "store." within store ---- */

/* Maps of options, and how they are written. */
static const struct {
	const char *key, *prefix, *where, *example;
} option_maps[] = {
	{ "store", "store.", " of store", "write {path: /var/lib/tracepager/tracepager.db}" },
	{ "tls", "tls.", " of tls",
	  "write {cert_file: /path/of/cert.pem, key_file: /path/of/key.pem}" },
	{ "heartbeat", "heartbeat.", " of heartbeat",
	  "write {url_file: /path/of/the/url, every: 1m}" },
	{ "tracing", "tracing.", " of tracing", "write {endpoint: \"http://127.0.0.1:4318\"}" },
	{ "trusted_proxy", "trusted_proxy.", " of trusted_proxy",
	  "write {addresses: [127.0.0.1], header: X-Forwarded-User, may: act}" },
};

static const struct config_option *find_config_option(const char *prefix, const char *key)
{
	size_t len = strlen(prefix);

	/* Keys of the file have no dot: the table's store.path is path in the map store. */
	if (strchr(key, '.'))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(config_options); i++) {
		if (strncmp(config_options[i].key, prefix, len) != 0)
			continue;
		const char *name = config_options[i].key + len;
		if (strcmp(key, name) == 0 ||
		    (config_options[i].kind == CONFIG_SECRET && config_is_secret(key, name)))
			return &config_options[i];
	}
	return NULL;
}

static void unknown_option(struct config_loading *loading, const struct ynode *map, size_t at,
			   const char *prefix)
{
	const char *known[ARRAY_LEN(config_options) + 3];
	const char *where = "";
	size_t n = 0, len = strlen(prefix);

	for (size_t i = 0; i < ARRAY_LEN(config_options); i++) {
		if (strncmp(config_options[i].key, prefix, len) != 0)
			continue;
		const char *name = config_options[i].key + len;
		const size_t name_len = strcspn(name, ".");
		/* The options of one map stand behind each other: its name is told once. */
		if (!(n && strncmp(known[n - 1], name, name_len) == 0 && !known[n - 1][name_len]))
			known[n++] = arena_strndup(loading->config->arena, name, name_len);
	}
	for (size_t i = 0; i < ARRAY_LEN(option_maps); i++)
		if (strcmp(option_maps[i].prefix, prefix) == 0)
			where = option_maps[i].where;
	if (!*prefix) {
		known[n++] = "tokens";
		known[n++] = "senders";
		known[n++] = "sources";
	}
	config_unknown(loading, map, at, where, known, n);
}

static void read_flag(struct config_loading *loading, const struct ynode *node, const char *key,
		      bool *flag)
{
	bool is_word = node->kind == YNODE_SCALAR && !node->quoted;

	if (is_word && (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0))
		*flag = *node->text == 't';
	else
		FAULT(loading, node, "C002", "write true or false, without quotes",
		      "%s must be true or false", key);
}

/* Blanks between the words of a list: none of them may have one inside. */
static void read_option_words(struct config_loading *loading, const struct ynode *node,
			      const char *key, const char **field)
{
	const bool is_list = node->kind == YNODE_LIST;
	struct buf words = BUF_INIT(LIMIT_CONFIG_BYTES);

	/* "" is the default. */
	if (node->kind == YNODE_SCALAR && node->quoted && !*node->text)
		return;

	for (size_t i = 0; i < (is_list ? node->n : 1); i++) {
		const struct ynode *item = is_list ? node->items[i] : node;
		const char *text = config_want_text(loading, item, key);
		if (text && is_list && text[strcspn(text, " \t")])
			FAULT(loading, item, "C002", "give each entry of the list one word",
			      "an entry of %s has a blank", key);
		else if (text)
			buf_printf(&words, "%s%s", words.len ? " " : "", text);
	}
	*field = arena_strdup(loading->config->arena, buf_text(&words));
	buf_fini(&words);
}

static void read_config_option(struct config_loading *loading, const struct config_option *option,
			       const struct ynode *map, size_t i)
{
	void *field = config_field(loading->config, option);
	const struct ynode *value = map->items[i];
	const char *dot = strchr(option->key, '.'), *text;

	switch (option->kind) {
	case CONFIG_TEXT:
		/* "" is allowed where it is the default. */
		if (!*option->value && value->quoted && !*value->text)
			break;
		text = config_want_text(loading, value, option->key);
		if (text)
			memcpy(field, &text, sizeof(text));
		break;
	case CONFIG_WORDS:
		read_option_words(loading, value, option->key, field);
		break;
	case CONFIG_FLAG:
		read_flag(loading, value, option->key, field);
		break;
	case CONFIG_DURATION:
		config_read_duration(loading, value, option->key, field);
		break;
	case CONFIG_SECRET:
		config_read_token(loading, map, i, dot ? dot + 1 : option->key, field);
		break;
	}
}

static void read_config_options(struct config_loading *loading, const struct ynode *map,
				const char *prefix);

/* A map of options. false: it is none, or it is within one. */
static bool read_option_map(struct config_loading *loading, const char *key,
			    const struct ynode *value, const char *prefix)
{
	for (size_t i = 0; !*prefix && i < ARRAY_LEN(option_maps); i++) {
		if (strcmp(key, option_maps[i].key) != 0)
			continue;
		if (config_want_map(loading, value, key, option_maps[i].example))
			read_config_options(loading, value, option_maps[i].prefix);
		return true;
	}
	return false;
}

/* Within a map there is no further one: it calls itself once. */
static void read_config_options(struct config_loading *loading, const struct ynode *map,
				const char *prefix)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct ynode *value = map->items[i];
		const char *key = map->keys[i]->text;
		const struct config_option *option = find_config_option(prefix, key);
		if (option)
			read_config_option(loading, option, map, i);
		else if (read_option_map(loading, key, value, prefix))
			continue;
		else if (*prefix)
			unknown_option(loading, map, i, prefix);
		else if (strcmp(key, "tokens") == 0)
			config_read_tokens(loading, value);
		else if (strcmp(key, "senders") == 0 || strcmp(key, "sources") == 0)
			config_want_map(loading, value, key, "write NAME: {...} for each");
		else
			unknown_option(loading, map, i, prefix);
	}
}

/* ---- the whole file ---- */

/* HOST:PORT, [IPV6]:PORT or :PORT, as the server takes it. */
static bool is_address(const char *listen)
{
	const char *colon = strrchr(listen, ':');

	if (!colon || !colon[1] || strlen(colon + 1) > 5 ||
	    colon[1 + strspn(colon + 1, "0123456789")] || strtol(colon + 1, NULL, 10) > UINT16_MAX)
		return false;
	if (*listen == '[')
		return colon - listen > 2 && colon[-1] == ']';
	return strcspn(listen, ": \t/") == (size_t)(colon - listen);
}

/* Called before the senders are read: on loopback they need no token. */
static void check_listen(struct config_loading *loading, const struct ynode *root)
{
	struct config *config = loading->config;

	if (!is_address(config->listen)) {
		FAULT(loading, ynode_get(root, "listen"), "C017", "write 127.0.0.1:9480",
		      "listen must be an address and a port");
		config->listen = "127.0.0.1:9480"; /* one finding is enough for it */
	}
	if (!config_is_loopback(config->listen) && !config_has_secret(root, "admin_token") &&
	    !config_has_acting_token(config) && !loading->doc.cut)
		FAULT(loading, ynode_get(root, "listen"), "C014",
		      "add: admin_token_file: /path/of/a/token",
		      "listening elsewhere than on loopback needs an admin_token, or a token that "
		      "may act");
}

static void check_heartbeat(struct config_loading *loading, const struct ynode *map)
{
	const struct config *config = loading->config;
	const char *url = config->heartbeat_url.value;

	if (!map)
		return;
	const struct ynode *every = ynode_get(map, "every"), *limit = ynode_get(map, "limit"),
			   *url_file = ynode_get(map, "url_file");
	if (config->heartbeat_every_us < LIMIT_SELF_CHECK_LEAST_US)
		FAULT(loading, every ? every : map, "C005", "write every: 1m",
		      "heartbeat.every must be 1s or longer");
	if (config->heartbeat_limit_us < 100 * US_PER_MS ||
	    config->heartbeat_limit_us >= config->heartbeat_every_us)
		FAULT(loading,
		      limit   ? limit
		      : every ? every
			      : map,
		      "C005",
		      config->heartbeat_every_us > 10 * US_PER_SECOND  ? "write limit: 10s"
		      : config->heartbeat_every_us > 2 * US_PER_SECOND ? "write limit: 2s"
								       : "write limit: 500ms",
		      "heartbeat.limit must be 100ms or longer, and shorter than heartbeat.every");
	if (url && !ytext_is_url(url))
		FAULT(loading, url_file ? url_file : ynode_get(map, "url"), "C005",
		      "write an address that begins with https://", "heartbeat.url is no URL");
}

static void check_whole(struct config_loading *loading, const struct ynode *root)
{
	struct config *config = loading->config;
	const struct ynode *late = ynode_get(root, "enrich_late"),
			   *link = ynode_get(root, "trace_link");

	config_want_word(loading, ynode_get(root, "log_level"), config->log_level, "C013",
			 "log level", level_names, ARRAY_LEN(level_names));
	config_want_word(loading, ynode_get(root, "log_format"), config->log_format, "C013",
			 "log format", format_names, ARRAY_LEN(format_names));
	if (config->expire_after_us < LIMIT_EXPIRE_AFTER_LEAST_US)
		FAULT(loading, ynode_get(root, "expire_after"), "C005",
		      "write more than Alertmanager's repeat_interval (4h unless you set it), or "
		      "alerts that still fire are resolved",
		      "expire_after must be 1m or longer");
	if (config->enrich_late_us < config->enrich_us && !loading->doc.cut)
		FAULT(loading, late ? late : ynode_get(root, "enrich_budget"), "C015",
		      "write a longer enrich_late (60s where it is left out), or a shorter "
		      "enrich_budget",
		      "enrich_late must not be shorter than enrich_budget");
	if (config->trace_link[0])
		config_read_link(loading, link, "trace_link");
	config_check_external_url(loading, root);
	check_heartbeat(loading, ynode_get(root, "heartbeat"));
	config_check_tracing(loading, ynode_get(root, "tracing"));
	config_check_trusted_proxy(loading, root);
	config_load_link_keys(loading, root);
	config_load_tls(loading, root);
}

static void read_root(struct config_loading *loading)
{
	const struct ynode *root = loading->doc.root;
	const struct ynode *senders = ynode_get(root, "senders"),
			   *sources = ynode_get(root, "sources");

	if (!config_want_map(loading, root, "the file", "write listen: 127.0.0.1:9480"))
		return;
	read_config_options(loading, root, "");
	check_listen(loading, root);
	if (senders && senders->kind == YNODE_MAP)
		config_read_senders(loading, senders);
	if (sources && sources->kind == YNODE_MAP)
		config_read_sources(loading, sources);
	config_check_placeholders(loading, root);
	check_whole(loading, root);
	if (loading->load_secrets)
		config_check_store_mode(loading, root);
	if (loading->preflight) {
		config_preflight(loading, root);
		config_preflight_tls(loading, root);
	}
}

static struct config *config_new(void)
{
	struct config *config = xcalloc(1, sizeof(*config));

	config->arena = arena_new(LIMIT_CONFIG_BYTES);
	set_defaults(config);
	return config;
}

/* Reads the document, which ydoc made with that result. Takes loading's config. */
static int finish_loading(struct config_loading *loading, int result, struct config **ret_config)
{
	if (loading->doc.root)
		read_root(loading);
	findings_sort(loading->findings);
	if (result == 0 && loading->findings->nerrors)
		result = -EINVAL;
	if (result < 0)
		config_free(loading->config);
	else
		*ret_config = loading->config;
	return result;
}

static int config_load_file(const char *path, bool load_secrets, struct config **ret_config,
			    struct findings *findings)
{
	struct config_loading loading = { .config = config_new(),
					  .findings = findings,
					  .load_secrets = load_secrets };
	int result = 0;

	if (path) {
		loading.config->path = arena_strdup(loading.config->arena, path);
		result = ydoc_read(loading.config->arena, path, &loading.doc, findings);
	}
	return finish_loading(&loading, result, ret_config);
}

int config_load(const char *path, struct config **ret_config, struct findings *findings)
{
	return config_load_file(path, true, ret_config, findings);
}

int config_load_options(const char *path, struct config **ret_config, struct findings *findings)
{
	return config_load_file(path, false, ret_config, findings);
}

/* Which paths are defaults that nobody chose? result: of reading the file. */
static void find_unread(struct config_loading *loading, int result)
{
	const struct ynode *root = loading->doc.root, *rules = ynode_get(root, "rules"),
			   *store = ynode_get(root, "store"), *path = ynode_get(store, "path");
	const bool lost = result < 0 && (!root || loading->doc.cut);
	const bool other = root && root->kind != YNODE_MAP;

	loading->config->rules_unread = rules ? rules->kind != YNODE_SCALAR : lost || other;
	loading->config->store_unread = path	? path->kind != YNODE_SCALAR
					: store ? store->kind != YNODE_MAP
						: lost || other;
}

int config_check(const char *path, struct config **ret_config, struct findings *findings)
{
	struct config_loading loading = { .config = config_new(),
					  .findings = findings,
					  .load_secrets = true,
					  .preflight = true };
	int result = 0;

	if (path)
		result = ydoc_read(loading.config->arena, path, &loading.doc, findings);
	find_unread(&loading, result);
	if (loading.doc.root)
		read_root(&loading);
	loading.config->sure_of_senders = !loading.misplaced && !loading.doc.cut;
	if (loading.doc.root) {
		struct ydoc *doc = arena_alloc(loading.config->arena, sizeof(*doc));
		*doc = loading.doc;
		loading.config->doc = doc;
	}
	findings_sort(findings);
	*ret_config = loading.config;
	return result == 0 && findings->nerrors ? -EINVAL : result;
}

const char *config_option_key(size_t i)
{
	return i < ARRAY_LEN(config_options) ? config_options[i].key : NULL;
}

struct secret *config_option_secret(struct config *config, size_t n, const char **ret_key)
{
	for (size_t i = 0; i < ARRAY_LEN(config_options); i++)
		if (config_options[i].kind == CONFIG_SECRET && n-- == 0) {
			*ret_key = config_options[i].key;
			return config_field(config, &config_options[i]);
		}
	return NULL;
}

bool config_option_differs(size_t i, const struct config *config, const struct config *other)
{
	const void *field = (const char *)config + config_options[i].offset,
		   *now = (const char *)other + config_options[i].offset;

	switch (config_options[i].kind) {
	case CONFIG_TEXT:
	case CONFIG_WORDS:
		return strcmp(*(const char *const *)field, *(const char *const *)now) != 0;
	case CONFIG_FLAG:
		return *(const bool *)field != *(const bool *)now;
	case CONFIG_DURATION:
		return *(const int64_t *)field != *(const int64_t *)now;
	case CONFIG_SECRET:
		return config_secrets_differ(field, now);
	}
	return false;
}

int config_parse(const char *name, const char *text, size_t len, bool load_secrets,
		 struct config **ret_config, struct findings *findings)
{
	struct config_loading loading = { .config = config_new(),
					  .findings = findings,
					  .load_secrets = load_secrets };
	int result = ydoc_parse(loading.config->arena, name, text, len, &loading.doc, findings);

	return finish_loading(&loading, result, ret_config);
}

void config_free(struct config *config)
{
	struct secret *secret;
	const char *key;

	if (!config)
		return;
	for (size_t n = 0; (secret = config_option_secret(config, n, &key)); n++)
		secret_fini(secret);
	tls_free(config->tls);
	config_free_access(config);
	config_free_senders(config);
	config_free_sources(config);
	arena_free(config->arena);
	free(config);
}
