/*
 * Config: the table of options against the file's tree. Every problem is told, none stops the search for more.
 * Refuses: unknown options, secrets given twice, senders open to the world without a token.
 */
#include "tracepager/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

/* Options, senders and sources are short lists written by one person. */
#define CONFIG_ARENA_BYTES (64u << 20)

enum option_kind {
	OPTION_TEXT,
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
#define OPTION(key, kind, field, value, text) { key, OPTION_##kind, offsetof(struct config, field), value, text },
#include "tracepager/tbl/options.def"
#undef OPTION
};

struct loading {
	struct config *config;
	struct ydoc doc;
	struct findings *findings;
};

static void *option_field(struct config *config, const struct option *option)
{
	return (char *)config + option->offset;
}

static void set_defaults(struct config *config)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (options[i].kind == OPTION_TEXT)
			memcpy(option_field(config, &options[i]), &options[i].value, sizeof(options[i].value));
		else if (options[i].kind == OPTION_DURATION)
			duration_parse(options[i].value, option_field(config, &options[i]));
	}
}

static void fault(struct loading *loading, const struct ynode *node, const char *code, const char *hint,
		  const char *text)
{
	ydoc_finding(&loading->doc, node, FINDING_ERROR, code, loading->findings, hint, "%s", text);
}

/* A text that must be there; NULL with a finding where it is something else. */
static const char *want_text(struct loading *loading, const struct ynode *node, const char *what)
{
	if (node->kind == YNODE_SCALAR && node->text[0])
		return arena_strdup(loading->config->arena, node->text);
	fault(loading, node, "C002", NULL, arena_printf(loading->config->arena, "%s must be a text", what));
	return NULL;
}

static void read_secret(struct loading *loading, const struct ynode *node, const char *key, bool from_file,
			struct secret *secret)
{
	struct err err = { 0 };
	const char *text = want_text(loading, node, key);

	if (!text)
		return;
	if (secret->value)
		fault(loading, node, "C003", "keep one of the two",
		      arena_printf(loading->config->arena, "%s is given twice, as a value and as a file", key));
	else if (!from_file)
		secret_set(secret, text);
	else if (secret_read_file(secret, text, &err) < 0)
		fault(loading, node, "C004", NULL, err.text);
}

/* Is key "NAME_file", the twin of a secret called NAME? */
static bool is_file_twin(const char *key, const char *name)
{
	size_t len = strlen(name);

	return strncmp(key, name, len) == 0 && strcmp(key + len, "_file") == 0;
}

static void read_option(struct loading *loading, const struct option *option, const char *key,
			const struct ynode *node)
{
	void *field = option_field(loading->config, option);

	switch (option->kind) {
	case OPTION_TEXT: {
		const char *text = want_text(loading, node, key);
		if (text)
			memcpy(field, &text, sizeof(text));
		break;
	}
	case OPTION_DURATION:
		if (node->kind != YNODE_SCALAR || !duration_parse(node->text, field))
			fault(loading, node, "C005", "durations are written 500ms, 5s, 10m, 12h",
			      arena_printf(loading->config->arena, "%s must be a duration", key));
		break;
	case OPTION_SECRET:
		read_secret(loading, node, option->key, is_file_twin(key, option->key), field);
		break;
	}
}

static const struct option *find_option(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (strcmp(options[i].key, key) == 0 ||
		    (options[i].kind == OPTION_SECRET && is_file_twin(key, options[i].key)))
			return &options[i];
	return NULL;
}

static void unknown(struct loading *loading, const struct ynode *key, const char *where, const char *const *known,
		    size_t nknown)
{
	struct arena *arena = loading->config->arena;
	const char *near = nearest_word(key->text, known, nknown);

	fault(loading, key, "C001", near ? arena_printf(arena, "did you mean \"%s\"?", near) : NULL,
	      arena_printf(arena, "unknown option \"%s\"%s", key->text, where));
}

static bool find_format(const char *name, enum alert_format_id *ret_format)
{
	static const char *const names[] = {
#define FORMAT(id, name, text) name,
#include "tracepager/tbl/formats.def"
#undef FORMAT
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0) {
			*ret_format = (enum alert_format_id)i;
			return true;
		}
	return false;
}

static bool find_source(const char *name, enum source_id *ret_kind)
{
	static const char *const names[] = {
#define SOURCE(id, name, text) name,
#include "tracepager/tbl/sources.def"
#undef SOURCE
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0) {
			*ret_kind = (enum source_id)i;
			return true;
		}
	return false;
}

static void read_sender(struct loading *loading, const struct ynode *name, const struct ynode *map,
			struct sender_config *sender)
{
	static const char *const known[] = { "format", "bearer", "bearer_file" };

	sender->name = arena_strdup(loading->config->arena, name->text);
	for (size_t i = 0; map->kind == YNODE_MAP && i < map->n; i++) {
		const char *key = map->keys[i]->text;
		const struct ynode *value = map->items[i];
		if (strcmp(key, "format") == 0) {
			const char *text = want_text(loading, value, "format");
			if (text && !find_format(text, &sender->format))
				fault(loading, value, "C006", "formats are alertmanager and prometheus",
				      arena_printf(loading->config->arena, "unknown format \"%s\"", text));
		} else if (strcmp(key, "bearer") == 0 || strcmp(key, "bearer_file") == 0) {
			read_secret(loading, value, "bearer", is_file_twin(key, "bearer"), &sender->bearer);
		} else {
			unknown(loading, map->keys[i], " of a sender", known, ARRAY_LEN(known));
		}
	}
	if (!ynode_get(map, "format"))
		fault(loading, name, "C007", "add: format: alertmanager", "a sender needs a format");
	if (!sender->bearer.value && !config_is_loopback(loading->config->listen))
		fault(loading, name, "C008", "add: bearer_file: /path/of/a/token",
		      "a sender without a token is allowed only while listening on loopback");
}

static void read_source(struct loading *loading, const struct ynode *name, const struct ynode *map,
			struct source_config *source)
{
	static const char *const known[] = { "kind", "url", "path", "bearer", "bearer_file", "timeout" };

	source->name = arena_strdup(loading->config->arena, name->text);
	source->timeout_us = loading->config->enrich_us;
	source->kind = SOURCE_COUNT;
	for (size_t i = 0; map->kind == YNODE_MAP && i < map->n; i++) {
		const char *key = map->keys[i]->text;
		const struct ynode *value = map->items[i];
		if (strcmp(key, "kind") == 0) {
			const char *text = want_text(loading, value, "kind");
			if (text && !find_source(text, &source->kind))
				fault(loading, value, "C009", "kinds are jaeger and files",
				      arena_printf(loading->config->arena, "unknown kind of source \"%s\"", text));
		} else if (strcmp(key, "url") == 0) {
			source->url = want_text(loading, value, "url");
			if (source->url && strncmp(source->url, "http://", 7) != 0 &&
			    strncmp(source->url, "https://", 8) != 0)
				fault(loading, value, "C010", NULL, "url must begin with http:// or https://");
		} else if (strcmp(key, "path") == 0) {
			source->path = want_text(loading, value, "path");
		} else if (strcmp(key, "bearer") == 0 || strcmp(key, "bearer_file") == 0) {
			read_secret(loading, value, "bearer", is_file_twin(key, "bearer"), &source->bearer);
		} else if (strcmp(key, "timeout") == 0) {
			if (value->kind != YNODE_SCALAR || !duration_parse(value->text, &source->timeout_us))
				fault(loading, value, "C005", "durations are written 500ms, 5s",
				      "timeout must be a duration");
		} else {
			unknown(loading, map->keys[i], " of a source", known, ARRAY_LEN(known));
		}
	}
	if (!ynode_get(map, "kind"))
		fault(loading, name, "C011", "add: kind: jaeger", "a source needs a kind");
	else if (source->kind == SOURCE_JAEGER && !source->url)
		fault(loading, name, "C011", "add: url: http://jaeger:16686", "a jaeger source needs a url");
	else if (source->kind == SOURCE_FILES && !source->path)
		fault(loading, name, "C011", "add: path: /directory/of/traces", "a files source needs a path");
}

/* Names appear in paths and logs. */
static bool good_name(const char *name)
{
	return *name && strlen(name) <= 64 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == strlen(name);
}

static void check_names(struct loading *loading, const struct ynode *map)
{
	for (size_t i = 0; i < map->n; i++)
		if (!good_name(map->keys[i]->text))
			fault(loading, map->keys[i], "C012", "use letters, digits, _ . and -",
			      "this name does not fit into a path");
}

static void read_senders(struct loading *loading, const struct ynode *map)
{
	struct config *config = loading->config;

	check_names(loading, map);
	config->senders = arena_array(config->arena, map->n, sizeof(struct sender_config));
	for (size_t i = 0; i < map->n; i++)
		read_sender(loading, map->keys[i], map->items[i], &config->senders[config->nsenders++]);
}

static void read_sources(struct loading *loading, const struct ynode *map)
{
	struct config *config = loading->config;

	check_names(loading, map);
	config->sources = arena_array(config->arena, map->n, sizeof(struct source_config));
	for (size_t i = 0; i < map->n; i++)
		read_source(loading, map->keys[i], map->items[i], &config->sources[config->nsources++]);
}

/* One level of the file; prefix is "" at the top and "store." within store. */
static void read_options(struct loading *loading, const struct ynode *map, const char *prefix)
{
	const char *known[ARRAY_LEN(options) + 2] = { "senders", "sources" };
	size_t nknown = 2;

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		known[nknown++] = options[i].key;
	for (size_t i = 0; i < map->n; i++) {
		const struct ynode *value = map->items[i];
		const char *key = arena_printf(loading->config->arena, "%s%s", prefix, map->keys[i]->text);
		const struct option *option = find_option(key);
		bool top = !*prefix;
		if (option)
			read_option(loading, option, key, value);
		else if (top && strcmp(key, "store") == 0 && value->kind == YNODE_MAP)
			read_options(loading, value, "store.");
		else if (!top || (strcmp(key, "senders") != 0 && strcmp(key, "sources") != 0))
			unknown(loading, map->keys[i], "", known, nknown);
		else if (value->kind != YNODE_MAP)
			fault(loading, value, "C002", NULL,
			      arena_printf(loading->config->arena, "%s must be a map of names", key));
	}
}

static void check_whole(struct loading *loading, const struct ynode *root)
{
	struct config *config = loading->config;
	static const char *const levels[] = { "debug", "info", "warn", "error" };
	bool level_known = false;

	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		level_known |= strcmp(config->log_level, levels[i]) == 0;
	if (!level_known)
		fault(loading, ynode_get(root, "log_level"), "C013", "debug, info, warn or error", "unknown log level");
	if (!config_is_loopback(config->listen) && !config->admin_token.value)
		fault(loading, ynode_get(root, "listen"), "C014", "add: admin_token_file: /path/of/a/token",
		      "listening elsewhere than on loopback needs an admin_token");
	if (config->enrich_late_us < config->enrich_us)
		fault(loading, ynode_get(root, "enrich_late"), "C015", NULL,
		      "enrich_late must not be shorter than enrich_budget");
	if (config->trace_link[0] && !strstr(config->trace_link, "{trace_id}"))
		fault(loading, ynode_get(root, "trace_link"), "C016", "http://jaeger:16686/trace/{trace_id}",
		      "trace_link must hold {trace_id}");
}

static void read_root(struct loading *loading)
{
	const struct ynode *root = loading->doc.root;
	const struct ynode *senders = ynode_get(root, "senders"), *sources = ynode_get(root, "sources");

	if (root->kind != YNODE_MAP) {
		fault(loading, root, "C002", NULL, "the file must be a map of options");
		return;
	}
	read_options(loading, root, "");
	if (senders && senders->kind == YNODE_MAP)
		read_senders(loading, senders);
	if (sources && sources->kind == YNODE_MAP)
		read_sources(loading, sources);
	check_whole(loading, root);
}

int config_load(const char *path, struct config **ret_config, struct findings *findings)
{
	struct config *config = xcalloc(1, sizeof(*config));
	struct loading loading = { .config = config, .findings = findings };
	int result = 0;

	config->arena = arena_new(CONFIG_ARENA_BYTES);
	set_defaults(config);
	if (path)
		result = ydoc_read(config->arena, path, &loading.doc, findings);
	if (result == 0 && loading.doc.root)
		read_root(&loading);
	if (result == 0 && findings->nerrors)
		result = -EINVAL;
	if (result < 0) {
		config_free(config);
		return result;
	}
	*ret_config = config;
	return 0;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	secret_fini(&config->admin_token);
	for (size_t i = 0; i < config->nsenders; i++)
		secret_fini(&config->senders[i].bearer);
	for (size_t i = 0; i < config->nsources; i++)
		secret_fini(&config->sources[i].bearer);
	arena_free(config->arena);
	free(config);
}

bool config_is_loopback(const char *listen)
{
	return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]:", 6) == 0 ||
	       strncmp(listen, "localhost:", 10) == 0;
}

void config_write_sample(struct buf *out)
{
	buf_puts(out, "# tracepager.yaml: the daemon's options. Who is paged for what stands in the rules.\n"
		      "# Options that are commented out show their defaults.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct option *option = &options[i];
		const char *dot = strchr(option->key, '.');
		buf_printf(out, "# %s.\n", option->text);
		if (option->kind == OPTION_SECRET)
			buf_printf(out, "#%s_file: /etc/tracepager/%s\n\n", option->key, option->key);
		else if (dot)
			buf_printf(out, "#%.*s:\n#  %s: \"%s\"\n\n", (int)(dot - option->key), option->key, dot + 1,
				   option->value);
		else
			buf_printf(out, "#%s: \"%s\"\n\n", option->key, option->value);
	}
	buf_puts(out, "# Monitoring systems that send us alerts, each at POST /webhook/NAME\n"
		      "# (format prometheus: at POST /api/v2/alerts).\n"
		      "senders:\n"
		      "  alertmanager:\n"
		      "    format: alertmanager\n"
		      "    # bearer_file: /etc/tracepager/alertmanager.token\n\n"
		      "# Tracing backends, asked in this order.\n"
		      "sources:\n"
		      "  jaeger:\n"
		      "    kind: jaeger\n"
		      "    url: http://127.0.0.1:16686\n"
		      "    # bearer_file: /etc/tracepager/jaeger.token\n"
		      "    # timeout: 5s\n");
}
