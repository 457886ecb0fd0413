/*
 * Config, mistakes: options that load, and probably do something else than their author thinks.
 * Each is a warning of the preflight, with its cure; the relay starts with it all the same. Owns
 * nothing.
 */
#include "config-internal.h"

#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/url.h"
#include "tracepager/xalloc.h"
#include "tracepager/ytext.h"

/* The key's own node: lines of headers hold secrets, the line of their key does not. */
static const struct ynode *mistake_key(const struct ynode *map, const char *key)
{
	for (size_t i = 0; map && map->kind == YNODE_MAP && i < map->n; i++)
		if (strcmp(map->keys[i]->text, key) == 0)
			return map->keys[i];
	return NULL;
}

/* ---- passwords ---- */

static bool url_has_password(const char *url)
{
	if (!ytext_is_url(url))
		return false;
	const char *host = strstr(url, "://") + 3;
	const size_t len = strcspn(host, "/?#");
	const char *at = memrchr(host, '@', len);

	return at && memchr(host, ':', (size_t)(at - host));
}

/* Below the map or list; external_url and tracing.endpoint have no user at all (C033, C010). */
static void mistake_passwords(struct config_loading *loading, const struct ynode *node)
{
	for (size_t i = 0; node->kind != YNODE_SCALAR && i < node->n; i++) {
		const char *key = node->kind == YNODE_MAP ? node->keys[i]->text : "";
		const struct ynode *item = node->items[i];
		if (strcmp(key, "external_url") == 0 || strcmp(key, "endpoint") == 0)
			continue;
		if (item->kind != YNODE_SCALAR)
			mistake_passwords(loading, item);
		else if (url_has_password(item->text))
			CONFIG_WARN(loading, item, "C029",
				    "leave the user and the password out; a source has username: "
				    "NAME, password_file: /path/of/a/file",
				    "a password stands in an address in the file of options, "
				    "which more people read");
	}
}

/* ---- addresses of sources ---- */

/* Ports by which programs of traces take spans, or answer gRPC: no search is answered there. */
static const struct {
	const char *port, *what;
} other_ports[] = {
	{ "4317", "takes spans by OTLP (gRPC)" },    { "4318", "takes spans by OTLP (HTTP)" },
	{ "14250", "takes spans by gRPC" },	     { "14268", "takes spans of Jaeger's clients" },
	{ "16685", "answers by gRPC, not by HTTP" },
};

/* How the address of each kind usually ends; NULL: it has no usual port. */
static const char *usual_port(enum source_id kind)
{
	switch (kind) {
	case SOURCE_JAEGER:
		return "16686";
	case SOURCE_TEMPO:
		return "3200";
	case SOURCE_ZIPKIN:
		return "9411";
	case SOURCE_VICTORIATRACES:
		return "10428";
	case SOURCE_PROMETHEUS:
		return "9090";
	case SOURCE_ELASTIC:
	case SOURCE_OPENSEARCH:
		return "9200";
	case SOURCE_FILES:
	case SOURCE_XRAY:
	case SOURCE_DATADOG:
	case SOURCE_GCPTRACE:
	case SOURCE_COUNT:
		break;
	}
	return NULL;
}

/* The port of a URL as it is written; "" where it has none. Kept by the arena. */
static const char *mistake_port(struct config_loading *loading, const char *url)
{
	const char *host = strstr(url, "://") + 3;
	const size_t len = strcspn(host, "/?#");
	const char *colon = memrchr(host, ':', len), *bracket = memrchr(host, ']', len);

	if (!colon || (bracket && bracket > colon))
		return "";
	return arena_strndup(loading->config->arena, colon + 1, (size_t)(host + len - colon) - 1);
}

/* The path of a URL, without slashes at its end. Kept by the arena. */
static const char *mistake_path(struct config_loading *loading, const char *url)
{
	const char *host = strstr(url, "://") + 3;
	const char *path = host + strcspn(host, "/?#");
	size_t len = strcspn(path, "?#");

	while (len && path[len - 1] == '/')
		len--;
	return arena_strndup(loading->config->arena, path, len);
}

static bool path_ends_in(const char *path, const char *end)
{
	const size_t n = strlen(path), m = strlen(end);

	return n >= m && strcmp(path + n - m, end) == 0;
}

/* The first of the ends that the path has; NULL: none. */
static const char *path_end_of(const char *path, const char *const *ends, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (path_ends_in(path, ends[i]))
			return ends[i];
	return NULL;
}

/* A path that the relay adds by itself, or that is for people or for spans. */
static const char *source_path_end(enum source_id kind, const char *path)
{
	static const char *const ends[] = {
		"/api/search",	 "/api/traces",	   "/api/services",  "/api/v1/query",
		"/api/v2/spans", "/api/v2/traces", "/api/v3/traces", "/v1/traces",
		"/graph",	 "/select/vmui",   "/_search",	     "/metrics",
	};
	/* Another program may stand behind a proxy at such a path. */
	static const char *const pages[] = { "/search", "/trace" };
	const char *end = path_end_of(path, ends, ARRAY_LEN(ends));

	return end || (kind != SOURCE_JAEGER && kind != SOURCE_TEMPO)
		       ? end
		       : path_end_of(path, pages, ARRAY_LEN(pages));
}

static void mistake_of_source_url(struct config_loading *loading, const struct ynode *node,
				  const struct source_config *source)
{
	struct arena *arena = loading->config->arena;
	const char *usual = usual_port(source->kind), *port, *end;

	if (!node || !source->url || !ytext_is_url(source->url))
		return;
	port = mistake_port(loading, source->url);
	for (size_t i = 0; i < ARRAY_LEN(other_ports); i++)
		if (strcmp(port, other_ports[i].port) == 0)
			CONFIG_WARN(loading, node, "C058",
				    usual ? arena_printf(arena,
							 "write the port of its HTTP API, "
							 "usually %s",
							 usual)
					  : "write the port of its HTTP API",
				    "source %s is to be searched at port %s, which usually %s",
				    source->name, port, other_ports[i].what);
	end = source_path_end(source->kind, mistake_path(loading, source->url));
	if (end)
		CONFIG_WARN(loading, node, "C058",
			    arena_printf(arena,
					 "leave %s out: the relay adds the path of each "
					 "request",
					 end),
			    "the url of source %s ends in %s, and requests go below it",
			    source->name, end);
}

/* ---- headers ---- */

/* X-Authorization and the like are names of their own. */
static bool header_is_misspelt(const char *name)
{
	static const char right[] = "Authorization";

	return strcasecmp(name, right) != 0 && strncasecmp(name, "X-", 2) != 0 &&
	       words_typo(name, right);
}

static void mistake_of_headers(struct config_loading *loading, const struct ynode *map,
			       const struct source_config *source)
{
	for (size_t i = 0; i < source->nheaders; i++)
		if (source->headers[i].name && header_is_misspelt(source->headers[i].name))
			CONFIG_WARN(loading, mistake_key(map, "headers"), "C059",
				    "write Authorization, as HTTP has it",
				    "the header %s of source %s is no header that a server asks "
				    "for",
				    source->headers[i].name, source->name);
}

static void mistake_sources(struct config_loading *loading, const struct ynode *root)
{
	const struct config *config = loading->config;
	const struct ynode *sources = ynode_get(root, "sources");

	for (size_t i = 0; i < config->nsources; i++) {
		const struct ynode *map = ynode_get(sources, config->sources[i].name);
		mistake_of_source_url(loading, ynode_get(map, "url"), &config->sources[i]);
		mistake_of_headers(loading, map, &config->sources[i]);
	}
}

/* ---- tokens ---- */

/* By value; by file where only the service can read it. */
static bool is_same_secret(const struct secret *a, const struct secret *b)
{
	if (a->value && b->value)
		return secret_equals(a, b->value, strlen(b->value));
	return a->path && b->path && strcmp(a->path, b->path) == 0;
}

static void mistake_of_token(struct config_loading *loading, const struct ynode *node,
			     const char *name, const struct secret *token)
{
	const struct config *config = loading->config;

	for (size_t i = 0; i < config->nsenders; i++)
		for (size_t k = 0; k < LIMIT_LIVE_SECRETS; k++)
			if (is_same_secret(token, &config->senders[i].auth.bearer[k]))
				CONFIG_WARN(loading, node, "C060", "give the sender its own",
					    "the token of %s is that of sender %s, too: whoever "
					    "configures the sender can use the API",
					    name, config->senders[i].name);
}

static void mistake_tokens(struct config_loading *loading, const struct ynode *root)
{
	const struct config *config = loading->config;
	const struct ynode *list = ynode_get(root, "tokens"),
			   *admin = ynode_get(root, "admin_token_file");

	mistake_of_token(loading, admin ? admin : ynode_get(root, "admin_token"), "admin",
			 &config->admin_token);
	for (size_t i = 0; i < config->ntokens && i < list->n; i++) {
		const struct token_config *token = &config->tokens[i];
		const struct ynode *file = ynode_get(list->items[i], "file"),
				   *node = file ? file : ynode_get(list->items[i], "token");
		const struct token_config *other = NULL;
		for (size_t k = 0; k < i && !other; k++)
			if (is_same_secret(&token->secret, &config->tokens[k].secret))
				other = &config->tokens[k];
		if (other || is_same_secret(&token->secret, &config->admin_token))
			CONFIG_WARN(loading, node, "C060", "give each token a secret of its own",
				    "%s and %s have one token, so that they cannot be told "
				    "apart%s",
				    other ? other->name : "admin", token->name,
				    !other || other->may_act != token->may_act
					    ? ", nor what each may do"
					    : "");
		mistake_of_token(loading, node, token->name, &token->secret);
	}
}

/* ---- watchdogs ---- */

/* Labels that alerts of a whole system have alike. */
static bool label_is_broad(const char *name)
{
	static const char *const broad[] = {
		"alertgroup", "cluster", "datacenter", "env",	     "environment", "instance",
		"job",	      "monitor", "namespace",  "prometheus", "region",	    "replica",
		"severity",   "service", "stage",      "team",	     "tenant",	    "zone",
	};

	for (size_t i = 0; i < ARRAY_LEN(broad); i++)
		if (strcmp(broad[i], name) == 0)
			return true;
	return false;
}

static void mistake_of_watchdog(struct config_loading *loading, const struct ynode *map,
				const struct sender_config *sender)
{
	const struct labels *labels = &sender->watchdog;
	size_t nbroad = 0;

	for (size_t i = 0; i < labels->n; i++) {
		nbroad += label_is_broad(labels->at[i].name);
		if (strpbrk(labels->at[i].value, "*?"))
			CONFIG_WARN(loading, ynode_get(map, labels->at[i].name), "C061",
				    "write the value as the alert has it: {alertname: Watchdog}",
				    "the watchdog's %s is compared letter by letter, and \"%s\" "
				    "is no glob: no alert is the watchdog",
				    labels->at[i].name, labels->at[i].value);
	}
	if (labels->n && nbroad == labels->n)
		CONFIG_WARN(loading, map, "C061", "add the name of the alert: alertname: Watchdog",
			    "the watchdog takes every alert with %s \"%s\": none of them pages "
			    "anybody",
			    labels->at[0].name, labels->at[0].value);
}

static void mistake_watchdogs(struct config_loading *loading, const struct ynode *root)
{
	const struct config *config = loading->config;
	const struct ynode *senders = ynode_get(root, "senders");

	for (size_t i = 0; i < config->nsenders; i++)
		mistake_of_watchdog(
			loading, ynode_get(ynode_get(senders, config->senders[i].name), "watchdog"),
			&config->senders[i]);
}

/* ---- other addresses ---- */

/* Has the URL the relay's own host and port? */
static bool is_own_address(struct config_loading *loading, const char *url)
{
	const struct config *config = loading->config;
	const char *port = strrchr(config->listen, ':') + 1, *given = mistake_port(loading, url);
	const char *host = strstr(url, "://") + 3, *people = strstr(config->external_url, "://");
	const size_t len = strcspn(host, "/?#");

	if (people && strcspn(people + 3, "/?#") == len && strncasecmp(people + 3, host, len) == 0)
		return true;
	return url_is_local(url) && *given && strcmp(given, port) == 0;
}

static void mistake_tracing(struct config_loading *loading, const struct ynode *root)
{
	const struct ynode *node = ynode_get(ynode_get(root, "tracing"), "endpoint");
	const char *url = loading->config->tracing_endpoint, *port;

	if (!node || !ytext_is_url(url))
		return;
	port = mistake_port(loading, url);
	if (is_own_address(loading, url))
		CONFIG_WARN(loading, node, "C058", "write http://127.0.0.1:4318",
			    "tracing.endpoint is the relay's own address, which takes no spans");
	else if (strcmp(port, "4317") == 0)
		CONFIG_WARN(loading, node, "C058", "write the port of OTLP by HTTP, usually 4318",
			    "tracing.endpoint has port 4317, which usually takes OTLP by gRPC: "
			    "the relay sends by HTTP");
	else if (strcmp(port, "16686") == 0)
		CONFIG_WARN(loading, node, "C058", "write the port of OTLP by HTTP, usually 4318",
			    "tracing.endpoint has port 16686, at which Jaeger shows traces and "
			    "takes none");
}

static void mistake_external_url(struct config_loading *loading, const struct ynode *root)
{
	static const char *const ends[] = { "/webhook",	  "/metrics",	 "/-/healthy", "/-/ready",
					    "/incidents", "/v2/enqueue", "/api/v1",    "/api/v2" };
	static const char *const within[] = { "/webhook/", "/api/v1/", "/api/v2/" };
	const struct ynode *node = ynode_get(root, "external_url");
	const char *url = loading->config->external_url, *path, *found;

	if (!node || !ytext_is_url(url))
		return;
	path = mistake_path(loading, url);
	found = NULL;
	for (size_t i = 0; i < ARRAY_LEN(within) && !found; i++)
		found = strstr(path, within[i]);
	if (!found)
		found = path_end_of(path, ends, ARRAY_LEN(ends));
	if (found)
		CONFIG_WARN(loading, node, "C058",
			    arena_printf(loading->config->arena,
					 "leave %s out: it is the address of the first page",
					 found),
			    "external_url ends in %s, a path of the API: the links of pages "
			    "would lead below it",
			    found);
}

static void mistake_hosts(struct config_loading *loading, const struct ynode *root)
{
	const char *at = strstr(loading->config->hosts, "://");

	if (!at)
		return;
	const char *host = at + 3;
	const size_t user = strcspn(host, "@/ "), skip = host[user] == '@' ? user + 1 : 0;
	CONFIG_WARN(loading, ynode_get(root, "hosts"), "C058",
		    arena_printf(loading->config->arena, "write hosts: %.*s",
				 (int)strcspn(host + skip, ":/?# "), host + skip),
		    "hosts has a URL, and the header Host of a request has a name only");
}

/* ---- times ---- */

static void mistake_times(struct config_loading *loading, const struct ynode *root)
{
	const struct config *config = loading->config;
	const struct ynode *ack = ynode_get(root, "ack_timeout"),
			   *expire = ynode_get(root, "expire_after"),
			   *healthy = ynode_get(root, "healthy_every");

	if (ack && config->ack_timeout_us && config->ack_timeout_us < LIMIT_ACK_TIMEOUT_SHORT_US)
		CONFIG_WARN(loading, ack, "C062",
			    "write 1h or the like; 0s: until the incident is resolved",
			    "ack_timeout: whoever has acknowledged is paged again within 10 "
			    "seconds");
	if (expire && config->expire_after_us >= LIMIT_EXPIRE_AFTER_LEAST_US &&
	    config->expire_after_us < LIMIT_EXPIRE_AFTER_SHORT_US)
		CONFIG_WARN(loading, expire, "C062",
			    "write more than Alertmanager's repeat_interval (4h unless you set it)",
			    "expire_after: an alert that its sender does not repeat within 10 "
			    "minutes ends, and its incident is resolved");
	if (healthy && config->healthy_every_us &&
	    config->healthy_every_us < LIMIT_HEALTHY_EVERY_SHORT_US)
		CONFIG_WARN(loading, healthy, "C062", "write 15m, or 0s for never",
			    "healthy_every: every source is searched more often than every 10 "
			    "seconds for each signal");
}

void config_preflight_mistakes(struct config_loading *loading, const struct ynode *root)
{
	mistake_passwords(loading, root);
	mistake_sources(loading, root);
	mistake_tokens(loading, root);
	mistake_watchdogs(loading, root);
	mistake_tracing(loading, root);
	mistake_external_url(loading, root);
	mistake_hosts(loading, root);
	mistake_times(loading, root);
}
