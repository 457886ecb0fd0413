/* Config, tracing: where the relay's own traces go. */
#include "config-internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/credential.h"
#include "tracepager/telemetry.h"
#include "tracepager/xalloc.h"

static void check_tracing_endpoint(struct config_loading *loading, const struct ynode *map)
{
	const struct config *config = loading->config;
	const struct ynode *node = ynode_get(map, "endpoint");
	const char *host;

	if (!node && !loading->doc.cut)
		CONFIG_WARN(loading, map, "C002", "add: endpoint: \"http://127.0.0.1:4318\"",
			    "tracing has no endpoint, so that nothing is traced");
	if (!node || !*config->tracing_endpoint ||
	    !config_read_url(loading, node, "tracing.endpoint"))
		return;
	host = strstr(config->tracing_endpoint, "://");
	if (host && memchr(host + 3, '@', strcspn(host + 3, "/?#")))
		FAULT(loading, node, "C010", "put it into headers_file: authorization=Basic%20...",
		      "tracing.endpoint must have no user and no password");
	else if (host && strpbrk(host, "?#"))
		FAULT(loading, node, "C010", "write http://127.0.0.1:4318",
		      "tracing.endpoint must have no ? and no #");
}

static void check_tracing_sample(struct config_loading *loading, const struct ynode *map)
{
	struct config *config = loading->config;
	const char *text = config->tracing_sample_text;
	char *end;

	config->tracing_sample = strtod(text, &end);
	if (!*text || *end || strspn(text, "0123456789.") != strlen(text) ||
	    !(config->tracing_sample >= 0 && config->tracing_sample <= 1))
		FAULT(loading, ynode_get(map, "sample"), "C021", "write sample: 0.1",
		      "tracing.sample must be a number from 0 to 1");
}

static const struct ynode *tracing_secret_node(const struct ynode *map, const char *key,
					       const char *file_key)
{
	const struct ynode *node = ynode_get(map, key);

	return node ? node : ynode_get(map, file_key);
}

static void check_tracing_headers(struct config_loading *loading, const struct ynode *map)
{
	const struct config *config = loading->config;
	const char *list = config->tracing_headers.value;
	struct err err = { 0 };

	if (!list)
		return;
	if (telemetry_check_headers(list, &err) < 0)
		FAULT(loading, tracing_secret_node(map, "headers", "headers_file"), "C022",
		      "write NAME=VALUE,NAME=VALUE; a blank in a value is %20",
		      "tracing.headers: %s", err.text);
	else if (config->tracing_bearer.value && strcasestr(list, "authorization="))
		FAULT(loading, tracing_secret_node(map, "bearer", "bearer_file"), "C019",
		      "keep one of the two",
		      "tracing.bearer and tracing.headers both give a header Authorization");
}

static void check_tracing_file(struct config_loading *loading, const struct ynode *map,
			       const char *key, const char *path)
{
	struct err err = { 0 };

	if (!*path || !loading->load_secrets || credential_is_elsewhere(path))
		return;
	CLEANUP_FREE char *file = credential_path(path, &err);
	CLEANUP_FREE char *cure = credential_cure(path);
	if (!file)
		FAULT(loading, ynode_get(map, key), "C004",
		      cure ? cure : "name a file that the daemon's user may read", "%s", err.text);
	else if (access(file, R_OK) < 0)
		FAULT(loading, ynode_get(map, key), "C004",
		      cure ? cure : "name a PEM file that the daemon's user may read",
		      "%s cannot be read", file);
}

void config_check_tracing(struct config_loading *loading, const struct ynode *map)
{
	struct config *config = loading->config;
	struct err err = { 0 };

	if (map && map->kind != YNODE_MAP)
		return;
	check_tracing_sample(loading, map);
	if (!map)
		return;
	check_tracing_endpoint(loading, map);
	check_tracing_headers(loading, map);
	if (telemetry_check_resource(config->tracing_resource, &err) < 0)
		FAULT(loading, ynode_get(map, "resource"), "C002",
		      "write [deployment.environment.name=prod]", "tracing.resource: %s", err.text);
	check_tracing_file(loading, map, "ca_file", config->tracing_ca_file);
	check_tracing_file(loading, map, "cert_file", config->tracing_cert_file);
	check_tracing_file(loading, map, "key_file", config->tracing_key_file);
}
