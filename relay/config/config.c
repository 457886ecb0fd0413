/*
 * Config: the table of options against the file's tree. Every problem is told, none stops the
 * search for more. Refuses: unknown options, secrets given twice, senders and an API that are open
 * to the world.
 */
#include "config-internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* A file of LIMIT_YAML_EVENTS takes a third of it. */
#define CONFIG_ARENA_BYTES (1u << 30)

enum option_kind {
	OPTION_TEXT,
	OPTION_FLAG,
	OPTION_DURATION,
	OPTION_SECRET,
};

struct option {
	const char *key;
	enum option_kind kind;
	size_t offset;
	const char *value, *text;
};

static const struct option options[] = {
#define OPTION(key, kind, field, value, text)                                                      \
	{ key, OPTION_##kind, offsetof(struct config, field), value, text },
#include "tracepager/tbl/options.def"
#undef OPTION
};

static const char *const format_names[] = {
#define FORMAT(id, name, family, text) name,
#include "tracepager/tbl/formats.def"
#undef FORMAT
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };

static void *option_field(struct config *config, const struct option *option)
{
	return (char *)config + option->offset;
}

static void set_defaults(struct config *config)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (options[i].kind == OPTION_TEXT)
			memcpy(option_field(config, &options[i]), &options[i].value,
			       sizeof(options[i].value));
		else if (options[i].kind == OPTION_FLAG)
			*(bool *)option_field(config, &options[i]) =
				strcmp(options[i].value, "true") == 0;
		else if (options[i].kind == OPTION_DURATION)
			duration_parse(options[i].value, option_field(config, &options[i]));
	}
}

/* ---- Words. ---- */

/* NULL where the finding will not be told. */
static const char *known_hint(struct loading *loading, const char *word, const char *const *known,
			      size_t n)
{
	return loading->findings->n == LIMIT_FINDINGS
		       ? NULL
		       : words_hint(loading->config->arena, word, known, n);
}

void config_unknown(struct loading *loading, const struct ynode *key, const char *where,
		    const char *const *known, size_t n)
{
	FAULT(loading, key, "C001", known_hint(loading, key->text, known, n),
	      "unknown option \"%s\"%s", key->text, where);
}

size_t config_want_word(struct loading *loading, const struct ynode *node, const char *word,
			const char *code, const char *what, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	FAULT(loading, node, code, known_hint(loading, word, words, n), "unknown %s \"%s\"", what,
	      word);
	return n;
}

/* ---- Values. ---- */

const char *config_want_text(struct loading *loading, const struct ynode *node, const char *key)
{
	if (node->kind != YNODE_SCALAR)
		FAULT(loading, node, "C002", NULL, "%s must be a text, not %s", key,
		      ynode_kind_name(node));
	else if (!*node->text || ynode_is_empty(node))
		FAULT(loading, node, "C002", "give it a value, or leave it out", "%s is empty",
		      key);
	else
		return node->text;
	return NULL;
}

bool config_want_map(struct loading *loading, const struct ynode *node, const char *key,
		     const char *example)
{
	if (node->kind == YNODE_MAP)
		return true;
	FAULT(loading, node, "C002", example, "%s must be a map, not %s", key,
	      ynode_kind_name(node));
	return false;
}

bool config_read_duration(struct loading *loading, const struct ynode *node, const char *key,
			  int64_t *us)
{
	if (node->kind == YNODE_SCALAR && duration_parse(node->text, us))
		return true;
	FAULT(loading, node, "C005", "durations are written 500ms, 5s, 10m, 12h",
	      "%s must be a duration", key);
	return false;
}

const char *config_read_url(struct loading *loading, const struct ynode *node, const char *key)
{
	const char *url = config_want_text(loading, node, key);

	if (!url)
		return NULL;
	size_t scheme = strncmp(url, "http://", 7) == 0	   ? 7
			: strncmp(url, "https://", 8) == 0 ? 8
							   : 0;
	if (!scheme || !url[scheme] || url[strcspn(url, " \t\r\n")])
		FAULT(loading, node, "C010", NULL,
		      "%s must be a URL that begins with http:// or https://", key);
	return url;
}

const char *config_read_link(struct loading *loading, const struct ynode *node, const char *key)
{
	const char *url = config_read_url(loading, node, key);

	if (url && !strstr(url, "{trace_id}"))
		FAULT(loading, node, "C016", "write http://jaeger:16686/trace/{trace_id}",
		      "%s must hold {trace_id}", key);
	return url;
}

bool config_is_secret(const char *key, const char *name)
{
	size_t len = strlen(name);

	return strncmp(key, name, len) == 0 && (!key[len] || strcmp(key + len, "_file") == 0);
}

bool config_has_secret(const struct ynode *map, const char *name)
{
	for (size_t i = 0; i < map->n; i++)
		if (config_is_secret(map->keys[i]->text, name))
			return true;
	return false;
}

/* A blank or a line end in it would make another header, or none. */
static bool is_token(const char *text)
{
	for (; *text; text++)
		if (*text <= 0x20 || *text >= 0x7f)
			return false;
	return true;
}

void config_read_secret(struct loading *loading, const struct ynode *map, size_t i,
			const char *name, struct secret *secret)
{
	const char *key = map->keys[i]->text;
	const char *text = config_want_text(loading, map->items[i], key);
	struct err err = { 0 };

	for (size_t before = 0; before < i; before++)
		if (config_is_secret(map->keys[before]->text, name))
			FAULT(loading, map->keys[i], "C003", "keep one of the two",
			      "%s is given twice, as a value and as a file", name);
	if (!text)
		return;
	if (strcmp(key, name) == 0)
		secret_set(secret, text);
	else if (loading->load_secrets && secret_read_file(secret, text, &err) < 0)
		FAULT(loading, map->items[i], "C004", NULL, "%s", err.text);
}

void config_read_token(struct loading *loading, const struct ynode *map, size_t i, const char *name,
		       struct secret *secret)
{
	config_read_secret(loading, map, i, name, secret);
	if (secret->value && !is_token(secret->value))
		FAULT(loading, map->items[i], "C018", "use visible ASCII characters only",
		      "%s holds a character that a token cannot have", name);
}

/* ---- Senders. ---- */

static void read_sender(struct loading *loading, const struct ynode *name, const struct ynode *map,
			struct sender_config *sender)
{
	static const char *const known[] = { "format", "bearer", "bearer_file" };

	sender->name = name->text;
	if (!config_want_map(loading, map, "a sender", "write {format: alertmanager}"))
		return;
	for (size_t i = 0; i < map->n; i++) {
		const char *key = map->keys[i]->text;
		if (strcmp(key, "format") == 0) {
			const char *text = config_want_text(loading, map->items[i], key);
			if (text)
				sender->format = (enum alert_format_id)config_want_word(
					loading, map->items[i], text, "C006", "format",
					format_names, ARRAY_LEN(format_names));
		} else if (config_is_secret(key, "bearer")) {
			config_read_token(loading, map, i, "bearer", &sender->bearer);
		} else {
			config_unknown(loading, map->keys[i], " of a sender", known,
				       ARRAY_LEN(known));
		}
	}
	if (!ynode_get(map, "format"))
		FAULT(loading, name, "C007", "add: format: alertmanager",
		      "a sender needs a format");
	if (!config_has_secret(map, "bearer") && !config_is_loopback(loading->config->listen))
		FAULT(loading, name, "C008", "add: bearer_file: /path/of/a/token",
		      "a sender without a token is allowed only while listening on loopback");
}

void config_check_names(struct loading *loading, const struct ynode *map)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	for (size_t i = 0; i < map->n; i++) {
		const char *name = map->keys[i]->text;
		size_t len = strlen(name);
		if (len == 0 || len > 64 || strspn(name, letters) != len)
			FAULT(loading, map->keys[i], "C012",
			      "use 1 to 64 letters, digits, _ . and -",
			      "this name does not fit into a path");
	}
}

static void read_senders(struct loading *loading, const struct ynode *map)
{
	struct config *config = loading->config;

	config_check_names(loading, map);
	config->senders = arena_array(config->arena, map->n, sizeof(struct sender_config));
	for (size_t i = 0; i < map->n; i++)
		read_sender(loading, map->keys[i], map->items[i],
			    &config->senders[config->nsenders++]);
}

/* ---- Options. prefix is "" at the top of the file and "store." within store. ---- */

static const struct option *find_option(const char *prefix, const char *key)
{
	size_t len = strlen(prefix);

	/* The dot is for the table only: in the file, store.path is a map within a map. */
	if (strchr(key, '.'))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (strncmp(options[i].key, prefix, len) != 0)
			continue;
		const char *name = options[i].key + len;
		if (strcmp(key, name) == 0 ||
		    (options[i].kind == OPTION_SECRET && config_is_secret(key, name)))
			return &options[i];
	}
	return NULL;
}

static void unknown_option(struct loading *loading, const struct ynode *key, const char *prefix)
{
	const char *known[ARRAY_LEN(options) + 2];
	size_t n = 0, len = strlen(prefix);

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const char *name = options[i].key + len;
		if (strncmp(options[i].key, prefix, len) == 0)
			known[n++] =
				arena_strndup(loading->config->arena, name, strcspn(name, "."));
	}
	if (!*prefix) {
		known[n++] = "senders";
		known[n++] = "sources";
	}
	config_unknown(loading, key, *prefix ? " of store" : "", known, n);
}

static void read_flag(struct loading *loading, const struct ynode *node, const char *key,
		      bool *flag)
{
	bool is_word = node->kind == YNODE_SCALAR && !node->quoted;

	if (is_word && (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0))
		*flag = *node->text == 't';
	else
		FAULT(loading, node, "C002", NULL, "%s must be true or false", key);
}

static void read_option(struct loading *loading, const struct option *option,
			const struct ynode *map, size_t i)
{
	void *field = option_field(loading->config, option);
	const struct ynode *value = map->items[i];
	const char *text;

	switch (option->kind) {
	case OPTION_TEXT:
		/* "" is a value only where it is the default. */
		if (!*option->value && value->quoted && !*value->text)
			break;
		text = config_want_text(loading, value, option->key);
		if (text)
			memcpy(field, &text, sizeof(text));
		break;
	case OPTION_FLAG:
		read_flag(loading, value, option->key, field);
		break;
	case OPTION_DURATION:
		config_read_duration(loading, value, option->key, field);
		break;
	case OPTION_SECRET:
		config_read_token(loading, map, i, option->key, field);
		break;
	}
}

static void read_options(struct loading *loading, const struct ynode *map, const char *prefix)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct ynode *value = map->items[i];
		const char *key = map->keys[i]->text;
		const struct option *option = find_option(prefix, key);
		if (option)
			read_option(loading, option, map, i);
		else if (*prefix)
			unknown_option(loading, map->keys[i], prefix);
		else if (strcmp(key, "store") != 0 && strcmp(key, "senders") != 0 &&
			 strcmp(key, "sources") != 0)
			unknown_option(loading, map->keys[i], prefix);
		else if (strcmp(key, "store") != 0)
			config_want_map(loading, value, key, "write NAME: {...} for each");
		else if (config_want_map(loading, value, key,
					 "write {path: /var/lib/tracepager/tracepager.db}"))
			read_options(loading, value, "store.");
	}
}

/* ---- The whole. ---- */

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

/* Before the senders, which depend on it. */
static void check_listen(struct loading *loading, const struct ynode *root)
{
	struct config *config = loading->config;

	if (!is_address(config->listen)) {
		FAULT(loading, ynode_get(root, "listen"), "C017", "write 127.0.0.1:9480",
		      "listen must be an address and a port");
		config->listen = "127.0.0.1:9480"; /* so that nothing else is told for it */
	}
	if (!config_is_loopback(config->listen) && !config_has_secret(root, "admin_token") &&
	    !loading->doc.cut)
		FAULT(loading, ynode_get(root, "listen"), "C014",
		      "add: admin_token_file: /path/of/a/token",
		      "listening elsewhere than on loopback needs an admin_token");
}

static void check_whole(struct loading *loading, const struct ynode *root)
{
	struct config *config = loading->config;
	const struct ynode *late = ynode_get(root, "enrich_late"),
			   *link = ynode_get(root, "trace_link");

	config_want_word(loading, ynode_get(root, "log_level"), config->log_level, "C013",
			 "log level", level_names, ARRAY_LEN(level_names));
	if (config->expire_after_us < LIMIT_EXPIRE_AFTER_LEAST_US)
		FAULT(loading, ynode_get(root, "expire_after"), "C005",
		      "it must be longer than Alertmanager's repeat_interval (4h unless you set "
		      "it), "
		      "or alerts that still fire are resolved",
		      "expire_after must be 1m or longer");
	if (config->enrich_late_us < config->enrich_us && !loading->doc.cut)
		FAULT(loading, late ? late : ynode_get(root, "enrich_budget"), "C015", NULL,
		      "enrich_late must not be shorter than enrich_budget");
	if (config->trace_link[0])
		config_read_link(loading, link, "trace_link");
}

static void read_root(struct loading *loading)
{
	const struct ynode *root = loading->doc.root;
	const struct ynode *senders = ynode_get(root, "senders"),
			   *sources = ynode_get(root, "sources");

	if (!config_want_map(loading, root, "the file", "write listen: 127.0.0.1:9480"))
		return;
	read_options(loading, root, "");
	check_listen(loading, root);
	if (senders && senders->kind == YNODE_MAP)
		read_senders(loading, senders);
	if (sources && sources->kind == YNODE_MAP)
		config_read_sources(loading, sources);
	check_whole(loading, root);
}

static struct config *config_new(void)
{
	struct config *config = xcalloc(1, sizeof(*config));

	config->arena = arena_new(CONFIG_ARENA_BYTES);
	set_defaults(config);
	return config;
}

/* What follows the reading of the text, which gave result. Takes loading's config. */
static int finish(struct loading *loading, int result, struct config **ret_config)
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

int config_load(const char *path, struct config **ret_config, struct findings *findings)
{
	struct loading loading = { .config = config_new(),
				   .findings = findings,
				   .load_secrets = true };
	int result = 0;

	if (path)
		result = ydoc_read(loading.config->arena, path, &loading.doc, findings);
	return finish(&loading, result, ret_config);
}

int config_parse(const char *name, const char *text, size_t len, bool load_secrets,
		 struct config **ret_config, struct findings *findings)
{
	struct loading loading = { .config = config_new(),
				   .findings = findings,
				   .load_secrets = load_secrets };
	int result = ydoc_parse(loading.config->arena, name, text, len, &loading.doc, findings);

	return finish(&loading, result, ret_config);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	secret_fini(&config->admin_token);
	for (size_t i = 0; i < config->nsenders; i++)
		secret_fini(&config->senders[i].bearer);
	config_free_sources(config);
	arena_free(config->arena);
	free(config);
}

/* Names other than localhost could resolve to anything, 127.shop.example among them. */
bool config_is_loopback(const char *listen)
{
	char host[INET_ADDRSTRLEN];
	size_t len = strcspn(listen, ":");
	struct in_addr address;

	if (strncmp(listen, "[::1]:", 6) == 0 || strncmp(listen, "localhost:", 10) == 0)
		return true;
	if (len >= sizeof(host))
		return false;
	memcpy(host, listen, len);
	host[len] = '\0';
	return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

void config_write_sample(struct buf *out)
{
	buf_puts(out, "# tracepager.yaml: the daemon's options. Who is paged for what stands in "
		      "the rules.\n"
		      "# Options that are commented out show their defaults.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct option *option = &options[i];
		const char *dot = strchr(option->key, '.');
		buf_printf(out, "# %s.\n", option->text);
		if (option->kind == OPTION_SECRET)
			buf_printf(out, "#%s_file: /etc/tracepager/%s\n\n", option->key,
				   option->key);
		else if (option->kind == OPTION_FLAG)
			buf_printf(out, "#%s: %s\n\n", option->key, option->value);
		else if (dot)
			buf_printf(out, "#%.*s:\n#  %s: \"%s\"\n\n", (int)(dot - option->key),
				   option->key, dot + 1, option->value);
		else
			buf_printf(out, "#%s: \"%s\"\n\n", option->key, option->value);
	}
	buf_puts(out, "# Monitoring systems that send us alerts, each at POST /webhook/NAME\n"
		      "# (format prometheus: at POST /api/v2/alerts).\n"
		      "senders:\n"
		      "  alertmanager:\n"
		      "    format: alertmanager\n"
		      "    # bearer_file: /etc/tracepager/alertmanager.token\n\n");
	config_write_source_sample(out);
}
