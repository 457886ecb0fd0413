/*
 * Config, values: readers of a node's text, number, time, URL or secret, each with the findings of
 * what is wrong with it. Owns nothing.
 */
#include "config-internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"
#include "tracepager/ytext.h"

/* ---- words ---- */

/* NULL where the finding is beyond LIMIT_FINDINGS, and will not be shown. */
static const char *known_hint(struct config_loading *loading, const char *word,
			      const char *const *known, size_t n)
{
	return loading->findings->n == LIMIT_FINDINGS
		       ? NULL
		       : words_hint(loading->config->arena, word, known, n);
}

/* Was a secret meant? A name that is near to no option may have been one. */
static bool may_be_secret(const char *key, const char *const *known, size_t n)
{
	static const char *const secrets[] = { "bearer",	"basic", "password", "admin_token",
					       "session_token", "token", "api_key",  "app_key" };
	const char *meant = nearest_word(key, known, n);

	for (size_t i = 0; meant && i < ARRAY_LEN(secrets); i++)
		if (strcmp(meant, secrets[i]) == 0)
			return true;
	return !meant;
}

/* Overwrites the value in the line that the finding quotes. Places count characters, and so do the
 * stars: the carets stay where they were. */
static void hide_value(struct finding *finding, const struct ynode *value)
{
	if (!finding->source || value->kind != YNODE_SCALAR || value->line != finding->line)
		return;
	struct buf out = BUF_INIT(LIMIT_FINDING_LINE_BYTES * 4);
	int column = 0;
	for (const char *c = finding->source; *c; c++) {
		const bool begins = !utf8_continues(*c);
		column += begins;
		if (column < value->column || column >= value->column + value->width)
			buf_putc(&out, *c);
		else if (begins)
			buf_putc(&out, '*');
	}
	explicit_bzero(finding->source, strlen(finding->source));
	free(finding->source);
	finding->source = xstrdup(buf_text(&out));
	buf_fini(&out);
}

void config_unknown(struct config_loading *loading, const struct ynode *map, size_t i,
		    const char *where, const char *const *known, size_t n)
{
	const struct ynode *key = map->keys[i];
	size_t before = loading->findings->n;

	FAULT(loading, key, "C001", known_hint(loading, key->text, known, n),
	      "unknown option \"%s\"%s", key->text, where);
	if (loading->findings->n > before && may_be_secret(key->text, known, n))
		hide_value(&loading->findings->at[before], map->items[i]);
}

size_t config_want_word(struct config_loading *loading, const struct ynode *node, const char *word,
			const char *code, const char *what, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	FAULT(loading, node, code, known_hint(loading, word, words, n), "unknown %s \"%s\"", what,
	      word);
	return n;
}

/* ---- values ---- */

const char *config_want_text(struct config_loading *loading, const struct ynode *node,
			     const char *key)
{
	if (node->kind != YNODE_SCALAR)
		FAULT(loading, node, "C002", "write one value, without brackets and members",
		      "%s must be a text, not %s", key, ynode_kind_name(node));
	else if (!*node->text || ynode_is_empty(node))
		FAULT(loading, node, "C002", "give it a value, or leave it out", "%s is empty",
		      key);
	else
		return node->text;
	return NULL;
}

bool config_want_map(struct config_loading *loading, const struct ynode *node, const char *key,
		     const char *example)
{
	if (node->kind == YNODE_MAP)
		return true;
	FAULT(loading, node, "C002", example, "%s must be a map, not %s", key,
	      ynode_kind_name(node));
	return false;
}

bool config_read_duration(struct config_loading *loading, const struct ynode *node, const char *key,
			  int64_t *us)
{
	if (node->kind == YNODE_SCALAR && duration_parse(node->text, us))
		return true;
	FAULT(loading, node, "C005", "durations are written 500ms, 5s, 10m, 12h",
	      "%s must be a duration", key);
	return false;
}

const char *config_read_url(struct config_loading *loading, const struct ynode *node,
			    const char *key)
{
	const char *url = config_want_text(loading, node, key);

	if (!url)
		return NULL;
	if (!ytext_is_url(url))
		FAULT(loading, node, "C010",
		      "write it whole: http://host:16686/path; ports end at 65535",
		      "%s must be a URL that begins with http:// or https://", key);
	return url;
}

/* A name in braces that links do not have; NULL: there is none. Braces around anything but a name
 * belong to the address, as in the JSON of some. */
static const char *unknown_link_name(const char *url, size_t *ret_len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	for (const char *at = strchr(url, '{'); at; at = strchr(at + 1, '{')) {
		const size_t len = *ret_len = strspn(at + 1, letters);
		if (len && at[1 + len] == '}' && strncmp(at + 1, "trace_id}", len + 1) != 0 &&
		    strncmp(at + 1, "span_id}", len + 1) != 0)
			return at + 1;
	}
	return NULL;
}

const char *config_read_link(struct config_loading *loading, const struct ynode *node,
			     const char *key)
{
	size_t len = 0;
	const char *url = config_read_url(loading, node, key);

	if (url && !strstr(url, "{trace_id}"))
		FAULT(loading, node, "C016", "write http://jaeger:16686/trace/{trace_id}",
		      "%s must hold {trace_id}", key);
	const char *unknown = url ? unknown_link_name(url, &len) : NULL;
	if (unknown)
		FAULT(loading, node, "C016", "write {trace_id}, and {span_id} for the failing span",
		      "%s knows no {%.*s}, which would stay in the address as it is", key, (int)len,
		      unknown);
	return url;
}

bool config_is_name(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	const size_t len = strlen(text);

	return len > 0 && len <= 64 && strspn(text, letters) == len;
}

void config_check_names(struct config_loading *loading, const struct ynode *map)
{
	for (size_t i = 0; i < map->n; i++) {
		if (!config_is_name(map->keys[i]->text))
			FAULT(loading, map->keys[i], "C012",
			      "use 1 to 64 letters, digits, _ . and -",
			      "this name does not fit into a path");
	}
}

/* ---- secrets ---- */

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

/* A blank or a line end in a header would split it. */
bool config_is_header_token(const char *text)
{
	for (; *text; text++)
		if (*text <= 0x20 || *text >= 0x7f)
			return false;
	return true;
}

/* A file of a secret is no YAML: its first line counts as it is. */
static void check_quotes(struct config_loading *loading, const struct ynode *node, const char *path,
			 const struct secret *secret)
{
	const size_t len = secret->value ? strlen(secret->value) : 0;

	if (len > 2 && strchr("\"'", secret->value[0]) &&
	    secret->value[len - 1] == secret->value[0])
		CONFIG_WARN(loading, node, "C063", "remove the quotes from the file",
			    "the first line of %s is in quotes, which count as a part of the "
			    "secret",
			    path);
}

/* One secret, or the path of its file. */
static void config_take_secret(struct config_loading *loading, const struct ynode *node,
			       const char *key, bool is_file, struct secret *secret)
{
	const char *text = config_want_text(loading, node, key);
	struct err err = { 0 };

	if (!text)
		return;
	if (!is_file)
		secret_set(secret, text);
	else if (!loading->load_secrets)
		secret_set_path(secret, text);
	else if (secret_read_file(secret, text, &err) < 0)
		config_tell_unread(loading, node, text, &err);
	else {
		config_check_secret_file(loading, node, text);
		check_quotes(loading, node, text, secret);
	}
}

static void check_secret_twins(struct config_loading *loading, const struct ynode *map, size_t i,
			       const char *name)
{
	for (size_t before = 0; before < i; before++)
		if (config_is_secret(map->keys[before]->text, name))
			FAULT(loading, map->keys[i], "C003", "keep one of the two",
			      "%s is given twice, as a value and as a file", name);
}

static void check_header_token(struct config_loading *loading, const struct ynode *node,
			       const char *name, const struct secret *secret)
{
	const char *text = secret->value;

	if (text && !config_is_header_token(text))
		FAULT(loading, node, "C018",
		      strncasecmp(text, "Bearer ", 7) == 0
			      ? "leave the word Bearer out: it is no part of the token"
		      : *text == '#' ? "leave the comment out: the token stands alone on the first "
				       "line of its file"
				     : "use visible ASCII characters only",
		      "%s holds a character that a token cannot have", name);
}

void config_read_secret(struct config_loading *loading, const struct ynode *map, size_t i,
			const char *name, struct secret *secret)
{
	const char *key = map->keys[i]->text;

	check_secret_twins(loading, map, i, name);
	config_take_secret(loading, map->items[i], key, strcmp(key, name) != 0, secret);
}

void config_read_secrets(struct config_loading *loading, const struct ynode *map, size_t i,
			 const char *name, bool is_token, struct secret secrets[LIMIT_LIVE_SECRETS])
{
	const struct ynode *value = map->items[i];
	const char *key = map->keys[i]->text;
	bool is_list = value->kind == YNODE_LIST;
	size_t n = is_list ? value->n : 1;

	check_secret_twins(loading, map, i, name);
	if (!n || n > LIMIT_LIVE_SECRETS)
		FAULT(loading, value, "C034", "give one, or the new one and the old one",
		      "%s must be one secret or %u, not %zu", key, LIMIT_LIVE_SECRETS, n);
	for (size_t k = 0; k < n && k < LIMIT_LIVE_SECRETS; k++) {
		const struct ynode *node = is_list ? value->items[k] : value;
		config_take_secret(loading, node, key, strcmp(key, name) != 0, &secrets[k]);
		if (is_token)
			check_header_token(loading, node, name, &secrets[k]);
	}
}

void config_read_token(struct config_loading *loading, const struct ynode *map, size_t i,
		       const char *name, struct secret *secret)
{
	config_read_secret(loading, map, i, name, secret);
	check_header_token(loading, map->items[i], name, secret);
}

bool config_secrets_differ(const struct secret *ours, const struct secret *now)
{
	if (ours->path || now->path)
		return !ours->path || !now->path || strcmp(ours->path, now->path) != 0;
	if (!ours->value || !now->value)
		return ours->value != now->value;
	return !secret_equals(ours, now->value, strlen(now->value));
}

/* ---- addresses ---- */

/* The only name that counts as loopback is localhost: any other, even 127.shop.example, may resolve
 * to another address. */
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
