/*
 * Relay, telemetry: the export of the relay's own traces, made of the options and of what
 * OpenTelemetry's environment variables say of the resource. Its endpoint is never taken from the
 * environment: who pages people sends data out only where its own options say so.
 */
#include "config.h" /* PACKAGE_VERSION */

#include "relay-internal.h"

#include <stdlib.h>

#include "tracepager/credential.h"
#include "tracepager/http_client.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

/* NULL: the option is not given, or no such file (a finding has told of it). */
static const char *telemetry_file(struct relay *relay, size_t i, const char *path)
{
	if (*path)
		relay->telemetry_files[i] = credential_path(path, NULL);
	return relay->telemetry_files[i];
}

void relay_make_telemetry(struct relay *relay)
{
	struct config *config = relay->config;
	const char *service = config->tracing_service, *named = getenv("OTEL_SERVICE_NAME");

	if (!*config->tracing_endpoint)
		return;
	if (!*service && named)
		service = named;
	relay->telemetry_url = telemetry_url(config->tracing_endpoint);
	relay->telemetry = telemetry_new(&(struct telemetry_env){
		.transport = http_client_transport(relay->client),
		.timers = relay->timers,
		.clock = relay->clock,
		.url = relay->telemetry_url,
		.bearer = &config->tracing_bearer,
		.headers = &config->tracing_headers,
		.ca_file = telemetry_file(relay, 0, config->tracing_ca_file),
		.cert_file = telemetry_file(relay, 1, config->tracing_cert_file),
		.key_file = telemetry_file(relay, 2, config->tracing_key_file),
		.sample = config->tracing_sample,
		.service = service,
		.version = PACKAGE_VERSION,
		.resource = config->tracing_resource,
		.environment = getenv("OTEL_RESOURCE_ATTRIBUTES"),
	});
	log_info("the relay's own traces are exported", LOG_STR("url", relay->telemetry_url));
}

void relay_free_telemetry(struct relay *relay)
{
	telemetry_free(relay->telemetry);
	free(relay->telemetry_url);
	for (size_t i = 0; i < ARRAY_LEN(relay->telemetry_files); i++)
		free(relay->telemetry_files[i]);
}
