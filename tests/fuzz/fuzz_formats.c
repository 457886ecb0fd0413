/*
 * The formats that are read by mappings, and the mappings that ship. The first byte picks one; of
 * 'w' the body is the data of a binary CloudEvent.
 */
#include "fuzz_format.h"

#include "tracepager/alert_mapping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	char letter;
	enum alert_format_id format;
	const char *mapping;
} picks[] = {
	{ 'A', FORMAT_AUTO, NULL },
	{ 'g', FORMAT_GRAFANA, NULL },
	{ 'l', FORMAT_GRAFANA_LEGACY, NULL },
	{ 's', FORMAT_SIGNOZ, NULL },
	{ 'd', FORMAT_DATADOG, NULL },
	{ 'a', FORMAT_AZURE, NULL },
	{ 'c', FORMAT_GCP, NULL },
	{ 'y', FORMAT_SENTRY, NULL },
	{ 'n', FORMAT_NEWRELIC, NULL },
	{ 't', FORMAT_DYNATRACE, NULL },
	{ 'x', FORMAT_SPLUNK, NULL },
	{ 'e', FORMAT_ELASTIC, NULL },
	{ 'o', FORMAT_OPENSEARCH, NULL },
	{ 'h', FORMAT_HONEYCOMB, NULL },
	{ 'b', FORMAT_ZABBIX, NULL },
	{ 'i', FORMAT_LIGHTSTEP, NULL },
	{ 'm', FORMAT_ZMON, NULL },
	{ 'v', FORMAT_CLOUDEVENTS, NULL },
	{ 'w', FORMAT_CLOUDEVENTS, NULL },
	{ 'C', FORMAT_GENERIC, "coroot" },
	{ 'K', FORMAT_GENERIC, "keep" },
	{ 'R', FORMAT_GENERIC, "robusta" },
};

static const char *find_event_header(const void *ctx, const char *name)
{
	(void)ctx;
	if (strcmp(name, "ce-specversion") == 0)
		return "1.0";
	return strcmp(name, "ce-traceparent") == 0
		       ? "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		       : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct alert_body body = { .text = (const char *)data + 1,
				   .len = size - 1,
				   .sender = "am1",
				   .now_us = INT64_C(1788256800000000) };
	size_t i = 0;

	if (size == 0)
		return 0;
	while (i < sizeof(picks) / sizeof(*picks) && picks[i].letter != (char)*data)
		i++;
	if (i == sizeof(picks) / sizeof(*picks))
		return 0;
	if (picks[i].mapping)
		body.mapping = mapping_shipped(picks[i].mapping);
	if (picks[i].letter == 'w')
		body.header = find_event_header;
	fuzz_format_body(picks[i].format, &body);
	return 0;
}
