/* Config, sources: the trace sources, read by the table of source_options.def. */
#include "config-internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/credential.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

enum source_option_kind {
	SOURCE_OPTION_TEXT,
	SOURCE_OPTION_URL,
	SOURCE_OPTION_LINK,
	SOURCE_OPTION_FILE,
	SOURCE_OPTION_SECRET,
	SOURCE_OPTION_HEADERS,
	SOURCE_OPTION_DURATION,
	SOURCE_OPTION_RATE,
	SOURCE_OPTION_NUMBER,
};

struct source_option {
	const char *key;
	enum source_option_kind kind;
	size_t offset;
	const char *example, *text;
};

static const struct source_option source_options[] = {
#define SOURCE_OPTION(key, kind, reload, field, example, text)                                     \
	{ key, SOURCE_OPTION_##kind, offsetof(struct source_config, field), example, text },
#include "tracepager/tbl/source_options.def"
#undef SOURCE_OPTION
};

static const char *const kind_names[] = {
#define SOURCE(id, name, needs, text) name,
#include "tracepager/tbl/sources.def"
#undef SOURCE
};

static const char *const kind_needs[] = {
#define SOURCE(id, name, needs, text) needs,
#include "tracepager/tbl/sources.def"
#undef SOURCE
};

static void *source_field(struct source_config *source, const struct source_option *option)
{
	return (char *)source + option->offset;
}

static const struct source_option *find_source_option(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(source_options); i++)
		if (strcmp(key, source_options[i].key) == 0 ||
		    (source_options[i].kind == SOURCE_OPTION_SECRET &&
		     config_is_secret(key, source_options[i].key)))
			return &source_options[i];
	return NULL;
}

/* ---- values ---- */

/* "20/s" is a pause of 50 ms from one search to the next. */
static void read_rate(struct config_loading *loading, const struct ynode *node, const char *key,
		      int64_t *pause_us)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = { { "/s", US_PER_SECOND }, { "/m", US_PER_MINUTE }, { "/h", US_PER_HOUR } };
	const char *text = node->kind == YNODE_SCALAR ? node->text : "";
	size_t digits = strspn(text, "0123456789");
	long n = digits > 0 && digits <= 6 ? strtol(text, NULL, 10) : 0;

	for (size_t i = 0; n > 0 && i < ARRAY_LEN(units); i++)
		if (strcmp(text + digits, units[i].name) == 0) {
			*pause_us = units[i].us / n;
			return;
		}
	FAULT(loading, node, "C020", "write 20/s, 100/m or 300/h", "%s must be a rate", key);
}

static void read_source_number(struct config_loading *loading, const struct ynode *node,
			       const char *key, int64_t *number)
{
	if (!ynode_int(node, number) || *number < -LIMIT_PREFER || *number > LIMIT_PREFER)
		FAULT(loading, node, "C021", "write a whole number, such as 1",
		      "%s must be a number from -%d to %d", key, LIMIT_PREFER, LIMIT_PREFER);
}

/* curl opens the file with each connection; a finding comes before the first alert. */
static const char *read_file_name(struct config_loading *loading, const struct ynode *node,
				  const char *key)
{
	const char *path = config_want_text(loading, node, key);
	struct err err = { 0 };

	if (!path || !loading->load_secrets || credential_is_elsewhere(path))
		return path;
	CLEANUP_FREE char *file = credential_path(path, &err);
	CLEANUP_FREE char *cure = credential_cure(path);
	if (!file)
		FAULT(loading, node, "C004",
		      cure ? cure : "name a file that the daemon's user may read", "%s", err.text);
	else if (access(file, R_OK) < 0)
		FAULT(loading, node, "C004",
		      cure ? cure : "name a PEM file that the daemon's user may read",
		      "%s cannot be read", file);
	return file ? arena_strdup(loading->config->arena, file) : path;
}

/* RFC 9110 section 5.6.2, as far as anybody uses it. */
static bool is_header_name(const char *name, size_t len)
{
	static const char *const taken[] = { "host", "content-length", "transfer-encoding",
					     "connection", "expect" };

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
			return false;
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (strlen(taken[i]) == len && strncasecmp(name, taken[i], len) == 0)
			return false;
	return len > 0;
}

/* No blanks at the ends: the server would drop them. */
static bool is_header_value(const char *value)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len; i++)
		if (value[i] < 0x20 || value[i] >= 0x7f)
			return false;
	return len > 0 && value[0] != ' ' && value[len - 1] != ' ';
}

/* Findings are placed at the key of the map, since the lines of its headers hold secrets. */
static void read_header(struct config_loading *loading, const struct ynode *at,
			const struct ynode *map, size_t i, struct source_header *header)
{
	static const char twin[] = "_file";
	const char *key = map->keys[i]->text;
	const char *value = map->items[i]->kind == YNODE_SCALAR ? map->items[i]->text : "";
	size_t len = strlen(key), twin_len = sizeof(twin) - 1;
	bool is_file = len > twin_len && strcmp(key + len - twin_len, twin) == 0;
	struct err err;

	len -= is_file ? twin_len : 0;
	if (!is_header_name(key, len)) {
		FAULT(loading, at, "C022", "names are made of letters, digits, - and _",
		      "\"%s\" cannot be the name of a header", key);
		return;
	}
	header->name = arena_strndup(loading->config->arena, key, len);
	for (size_t before = 0; before < i; before++)
		if (strncasecmp(map->keys[before]->text, key, len) == 0 &&
		    (strlen(map->keys[before]->text) == len ||
		     strcmp(map->keys[before]->text + len, twin) == 0))
			FAULT(loading, at, "C003", "keep one of the two",
			      "the header %s is given twice", header->name);
	if (!is_file)
		secret_set(&header->value, value);
	else if (!loading->load_secrets)
		secret_set_path(&header->value, value);
	else if (secret_read_file(&header->value, value, &err) < 0) {
		err_prefix(&err, "header %s", header->name);
		config_tell_unread(loading, at, value, &err);
	} else
		config_check_secret_file(loading, at, value);
	if (header->value.value && !is_header_value(header->value.value))
		FAULT(loading, at, "C022", "use visible ASCII characters",
		      "the header %s has no value that a header can have", header->name);
}

static void read_headers(struct config_loading *loading, const struct ynode *key,
			 const struct ynode *map, struct source_config *source)
{
	if (!config_want_map(loading, map, "headers", "write {X-Api-Key_file: /path/of/the/key}"))
		return;
	if (map->n > LIMIT_SOURCE_HEADERS) {
		FAULT(loading, key, "C022", "leave some out, or let a proxy in front add them",
		      "a source has at most %u headers", LIMIT_SOURCE_HEADERS);
		return;
	}
	source->headers = arena_array(loading->config->arena, map->n, sizeof(*source->headers));
	for (size_t i = 0; i < map->n; i++)
		read_header(loading, key, map, i, &source->headers[source->nheaders++]);
}

static void read_timeout(struct config_loading *loading, const struct ynode *node, const char *key,
			 int64_t *us)
{
	if (config_read_duration(loading, node, key, us) && *us == 0)
		FAULT(loading, node, "C005", "write 500ms, 5s or the like",
		      "%s must be longer than 0", key);
}

static void read_source_option(struct config_loading *loading, const struct source_option *option,
			       const struct ynode *map, size_t i, struct source_config *source)
{
	void *field = source_field(source, option);
	const struct ynode *value = map->items[i];
	const char *text = NULL;

	switch (option->kind) {
	case SOURCE_OPTION_TEXT:
		text = config_want_text(loading, value, option->key);
		break;
	case SOURCE_OPTION_URL:
		text = config_read_url(loading, value, option->key);
		break;
	case SOURCE_OPTION_LINK:
		text = config_read_link(loading, value, option->key);
		break;
	case SOURCE_OPTION_FILE:
		text = read_file_name(loading, value, option->key);
		break;
	case SOURCE_OPTION_SECRET:
		if (strcmp(option->key, "bearer") == 0)
			config_read_token(loading, map, i, option->key, field);
		else
			config_read_secret(loading, map, i, option->key, field);
		return;
	case SOURCE_OPTION_HEADERS:
		read_headers(loading, map->keys[i], value, source);
		return;
	case SOURCE_OPTION_DURATION:
		read_timeout(loading, value, option->key, field);
		return;
	case SOURCE_OPTION_RATE:
		read_rate(loading, value, option->key, field);
		return;
	case SOURCE_OPTION_NUMBER:
		read_source_number(loading, value, option->key, field);
		return;
	}
	memcpy(field, &text, sizeof(text));
}

static void read_entry(struct config_loading *loading, const struct ynode *map, size_t i,
		       struct source_config *source)
{
	const char *key = map->keys[i]->text;
	const struct source_option *option = find_source_option(key);

	if (option) {
		read_source_option(loading, option, map, i, source);
	} else if (strcmp(key, "kind") == 0) {
		const char *text = config_want_text(loading, map->items[i], key);
		if (text)
			source->kind = (enum source_id)config_want_word(
				loading, map->items[i], text, "C009", "kind of source", kind_names,
				ARRAY_LEN(kind_names));
	} else {
		const char *known[ARRAY_LEN(source_options) + 1] = { "kind" };
		for (size_t n = 0; n < ARRAY_LEN(source_options); n++)
			known[n + 1] = source_options[n].key;
		config_unknown(loading, map, i, " of a source", known, ARRAY_LEN(known));
	}
}

/* ---- one source ---- */

static bool is_given(const struct ynode *map, const struct source_option *option)
{
	return option->kind == SOURCE_OPTION_SECRET ? config_has_secret(map, option->key)
						    : ynode_get(map, option->key) != NULL;
}

static void check_needs(struct config_loading *loading, const struct ynode *name,
			const struct ynode *map, enum source_id kind)
{
	for (const char *at = kind_needs[kind]; *at; at += strspn(at, " ")) {
		const char *key = arena_strndup(loading->config->arena, at, strcspn(at, " "));
		const struct source_option *option = find_source_option(key);
		const char *twin = option->kind == SOURCE_OPTION_SECRET ? "_file" : "";
		at += strlen(key);
		if (!is_given(map, option))
			FAULT(loading, name, "C011",
			      arena_printf(loading->config->arena, "add: %s%s: %s", key, twin,
					   option->example),
			      "a %s source needs a %s", kind_names[kind], key);
	}
}

static bool has_header(const struct source_config *source, const char *name)
{
	for (size_t i = 0; i < source->nheaders; i++)
		if (source->headers[i].name && strcasecmp(source->headers[i].name, name) == 0)
			return true;
	return false;
}

static void check_credentials(struct config_loading *loading, const struct ynode *name,
			      const struct ynode *map, const struct source_config *source)
{
	bool user = ynode_get(map, "username") != NULL;
	int ways = config_has_secret(map, "bearer") + config_has_secret(map, "basic") + user +
		   config_has_secret(map, "api_key") + has_header(source, "Authorization");

	if (ways > 1)
		FAULT(loading, name, "C019", "keep one of them",
		      "a source can have one of bearer, basic, username, api_key, and a header "
		      "Authorization");
	if (user != config_has_secret(map, "password"))
		FAULT(loading, name, "C011",
		      user ? "add: password_file: /path/of/the/password" : "add: username: NAME",
		      "username and password belong together");
	if (ynode_get(map, "key_file") && !ynode_get(map, "cert_file"))
		FAULT(loading, name, "C011", "add: cert_file: /path/of/the/certificate",
		      "a key_file needs its cert_file");
}

/* The private key: key_file, else cert_file holds it too. */
static void check_key_file(struct config_loading *loading, const struct ynode *map,
			   const struct source_config *source)
{
	const char *key = source->key_file ? "key_file" : "cert_file";
	const char *path = source->key_file ? source->key_file : source->cert_file;

	if (path && loading->load_secrets)
		config_check_secret_file(loading, ynode_get(map, key), path);
}

static void check_tenant(struct config_loading *loading, const struct ynode *map,
			 const struct source_config *source)
{
	const struct trace_source *kind = trace_sources[source->kind];
	const struct ynode *node = ynode_get(map, "tenant");

	if (!source->tenant)
		return;
	if (!kind || !kind->tenant_headers[0])
		FAULT(loading, node, "C023", "leave it out, or use headers",
		      "a %s source has no tenants", kind_names[source->kind]);
	else if (!is_header_value(source->tenant))
		FAULT(loading, node, "C022", "use visible ASCII characters",
		      "tenant is sent in a header, and this one cannot be");
	else if (!kind->tenant_headers[1] != !strchr(source->tenant, ':'))
		FAULT(loading, node, "C023",
		      kind->tenant_headers[1] ? "write ACCOUNT:PROJECT, as in 0:0"
					      : "write it without a colon",
		      "a %s source does not write its tenant like that", kind_names[source->kind]);
}

/* The text becomes a part of a URL's host or path. */
static void check_plain(struct config_loading *loading, const struct ynode *map, const char *key,
			const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-*,:";

	if (text && (!*text || text[strspn(text, letters)]))
		FAULT(loading, ynode_get(map, key), "C022", "write it as the service has it",
		      "%s holds a character that it cannot have", key);
}

static void read_source(struct config_loading *loading, const struct ynode *name,
			const struct ynode *map, struct source_config *source)
{
	*source = (struct source_config){
		.name = name->text,
		.kind = SOURCE_COUNT,
		.timeout_us = loading->config->enrich_us,
		.search_pause_us = LIMIT_SEARCH_PAUSE_US,
		.prefer = INT64_MAX,
	};
	if (!config_want_map(loading, map, "a source",
			     "write {kind: jaeger, url: \"http://jaeger:16686\"}"))
		return;
	for (size_t i = 0; i < map->n; i++)
		read_entry(loading, map, i, source);
	check_credentials(loading, name, map, source);
	check_key_file(loading, map, source);
	if (!ynode_get(map, "kind"))
		FAULT(loading, name, "C011", "add: kind: jaeger", "a source needs a kind");
	if (source->kind == SOURCE_COUNT)
		return;
	check_needs(loading, name, map, source->kind);
	check_tenant(loading, map, source);
	check_plain(loading, map, "region", source->region);
	check_plain(loading, map, "index", source->index);
	check_plain(loading, map, "project", source->project);
}

/* Sources with a lower `prefer` come first; among equals the order is the file's. */
static void sort_by_preference(struct source_config *sources, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct source_config source = sources[i];
		size_t at = i;
		for (; at > 0 && sources[at - 1].prefer > source.prefer; at--)
			sources[at] = sources[at - 1];
		sources[at] = source;
	}
}

static bool is_source_member(const char *key)
{
	return strcmp(key, "kind") == 0 || find_source_option(key);
}

void config_read_sources(struct config_loading *loading, const struct ynode *map)
{
	static const struct config_entries entries = { "source", "kind", is_source_member };
	struct config *config = loading->config;

	config_check_names(loading, map);
	if (map->n > LIMIT_SOURCES) {
		FAULT(loading, map, "C021", "search several backends through one that joins them",
		      "at most %u sources can be declared", LIMIT_SOURCES);
		return;
	}
	config->sources = arena_array(config->arena, map->n, sizeof(struct source_config));
	for (size_t i = 0; i < map->n; i++)
		if (!config_is_misplaced(loading, &entries, map, i))
			read_source(loading, map->keys[i], map->items[i],
				    &config->sources[config->nsources++]);
	sort_by_preference(config->sources, config->nsources);
}

const struct secret *config_source_secret(const struct source_config *source, size_t n,
					  const char **ret_name)
{
	for (size_t i = 0; i < ARRAY_LEN(source_options); i++)
		if (source_options[i].kind == SOURCE_OPTION_SECRET && n-- == 0) {
			*ret_name = source_options[i].key;
			return (const struct secret *)((const char *)source +
						       source_options[i].offset);
		}
	if (n >= source->nheaders)
		return NULL;
	*ret_name = source->headers[n].name;
	return &source->headers[n].value;
}

static bool source_texts_differ(const char *text, const char *other)
{
	return text && other ? strcmp(text, other) != 0 : text != other;
}

static bool headers_differ(const struct source_config *source, const struct source_config *other)
{
	if (source->nheaders != other->nheaders)
		return true;
	for (size_t i = 0; i < source->nheaders; i++)
		if (strcmp(source->headers[i].name, other->headers[i].name) != 0 ||
		    config_secrets_differ(&source->headers[i].value, &other->headers[i].value))
			return true;
	return false;
}

bool config_sources_differ(const struct source_config *source, const struct source_config *other)
{
	bool differs = source->kind != other->kind;

	for (size_t i = 0; i < ARRAY_LEN(source_options) && !differs; i++) {
		const void *field = (const char *)source + source_options[i].offset,
			   *now = (const char *)other + source_options[i].offset;
		switch (source_options[i].kind) {
		case SOURCE_OPTION_TEXT:
		case SOURCE_OPTION_URL:
		case SOURCE_OPTION_LINK:
		case SOURCE_OPTION_FILE:
			differs = source_texts_differ(*(const char *const *)field,
						      *(const char *const *)now);
			break;
		case SOURCE_OPTION_SECRET:
			differs = config_secrets_differ(field, now);
			break;
		case SOURCE_OPTION_HEADERS:
			differs = headers_differ(source, other);
			break;
		case SOURCE_OPTION_DURATION:
		case SOURCE_OPTION_RATE:
		case SOURCE_OPTION_NUMBER:
			differs = *(const int64_t *)field != *(const int64_t *)now;
			break;
		}
	}
	return differs;
}

void config_free_sources(struct config *config)
{
	for (size_t i = 0; i < config->nsources; i++) {
		struct source_config *source = &config->sources[i];
		for (size_t n = 0; n < ARRAY_LEN(source_options); n++)
			if (source_options[n].kind == SOURCE_OPTION_SECRET)
				secret_fini(source_field(source, &source_options[n]));
		for (size_t n = 0; n < source->nheaders; n++)
			secret_fini(&source->headers[n].value);
	}
}
