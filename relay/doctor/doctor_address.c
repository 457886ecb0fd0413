/*
 * Doctor, addresses: where people reach the relay (external_url), where its heartbeat goes, and
 * where its own traces go (tracing.endpoint). The first is asked for its health; the second gets a
 * connection and no request, which would count as a heartbeat; the third gets an export without
 * spans.
 */
#include <string.h>

#include "doctor-internal.h"
#include "tracepager/credential.h"
#include "tracepager/telemetry.h"

struct doctor_addresses {
	struct doctor *doctor;
	struct doctor_peer people, heartbeat, traces;
	size_t ticket, traces_ticket;
};

static void address_tell_unasked(struct doctor *doctor, enum doctor_check check)
{
	doctor_tell(doctor, check, DOCTOR_SKIPPED, NULL, NULL,
		    "there is no memory or no descriptor to ask it");
}

/* The file of an option; NULL: it is not given, or no such credential (a finding tells that). Kept
 * by the arena. */
static const char *address_file(struct doctor *doctor, const char *option)
{
	CLEANUP_FREE char *path = *option ? credential_path(option, NULL) : NULL;

	return path ? arena_strdup(doctor->arena, path) : NULL;
}

/* ---- external_url ---- */

static void address_on_health(void *arg, const struct http_reply *reply)
{
	struct doctor_addresses *addresses = arg;
	struct doctor *doctor = addresses->doctor;
	const char *url = doctor->preflight.config->external_url;
	const bool healthy = reply->status == 200 && strstr(reply->body, "tracepager");

	if (healthy)
		doctor_tell(doctor, DOCTOR_EXTERNAL_URL, DOCTOR_OK, NULL, NULL,
			    "%s answers as a tracepager", url);
	else if (reply->status == 401 || reply->status == 403 ||
		 (reply->status >= 300 && reply->status < 400))
		doctor_tell(doctor, DOCTOR_EXTERNAL_URL, DOCTOR_OK, NULL, NULL,
			    "%s answers %d: a proxy that asks people who they are", url,
			    reply->status);
	else
		doctor_tell(doctor, DOCTOR_EXTERNAL_URL, DOCTOR_WARNING, NULL,
			    "correct external_url, or what stands in front of the relay: the links "
			    "of pages lead there",
			    "%s/-/healthy is no answer of a tracepager: %s", url,
			    reply->status  ? arena_printf(doctor->arena, "HTTP %d", reply->status)
			    : reply->error ? reply->error
					   : "no answer");
	doctor_end(doctor, addresses->ticket);
}

static void address_ready(struct doctor *doctor, struct doctor_peer *peer)
{
	static const struct http_handler handler = { .done = address_on_health };
	struct doctor_addresses *addresses =
		(struct doctor_addresses *)((char *)peer -
					    offsetof(struct doctor_addresses, people));
	const struct http_request request = {
		.method = HTTP_GET,
		.url = arena_printf(doctor->arena, "%s/-/healthy",
				    doctor->preflight.config->external_url),
		.timeout_us = LIMIT_DOCTOR_RELAY_US,
		.max_reply_bytes = LIMIT_REPLY_BYTES,
	};

	addresses->ticket = doctor_begin(doctor, "external_url");
	if (doctor->transport->send(doctor->transport->ctx, &request, &handler, addresses))
		return;
	address_tell_unasked(doctor, DOCTOR_EXTERNAL_URL);
	doctor_end(doctor, addresses->ticket);
}

static void address_people(struct doctor *doctor, struct doctor_addresses *addresses)
{
	const char *url = doctor->preflight.config->external_url;

	if (!*url || doctor_has_told(doctor, DOCTOR_EXTERNAL_URL) ||
	    !doctor_wants(doctor, DOCTOR_EXTERNAL_URL))
		return;
	addresses->people = (struct doctor_peer){ .check = DOCTOR_EXTERNAL_URL,
						  .name = url,
						  .ready = address_ready };
	doctor_probe(doctor, &(struct probe_request){ .url = url }, &addresses->people);
}

/* ---- heartbeat.url ---- */

static void address_heartbeat(struct doctor *doctor, struct doctor_addresses *addresses)
{
	const struct secret *url = &doctor->preflight.config->heartbeat_url;

	if (!doctor_wants(doctor, DOCTOR_HEARTBEAT))
		return;
	if (!url->value && url->path)
		doctor_tell(doctor, DOCTOR_HEARTBEAT, DOCTOR_SKIPPED, NULL, NULL,
			    "its address is a credential that only the service can read");
	else if (!url->value)
		doctor_tell(doctor, DOCTOR_HEARTBEAT, DOCTOR_WARNING, NULL,
			    "make a check at a dead-man's service, and set heartbeat: {url_file: "
			    "FILE}",
			    "no heartbeat is set: nobody is told when tracepager itself stands "
			    "still");
	if (!url->value)
		return;
	addresses->heartbeat =
		(struct doctor_peer){ .check = DOCTOR_HEARTBEAT, .name = "heartbeat.url" };
	doctor_probe(doctor, &(struct probe_request){ .url = url->value }, &addresses->heartbeat);
}

/* ---- tracing.endpoint ---- */

static void address_tell_refused(struct doctor *doctor, const struct http_reply *reply)
{
	const int status = reply->status;
	const char *cure = status == 401 || status == 403
				   ? "compare tracing.headers or tracing.bearer with what the "
				     "receiver asks for"
			   : status == 404 || status == 405
				   ? "correct tracing.endpoint: the relay adds /v1/traces to it"
				   : "look at the receiver; pages do not wait for it";

	doctor_tell(doctor, DOCTOR_TRACING, DOCTOR_WARNING, NULL, cure,
		    "the receiver does not take an export: %s",
		    status	   ? arena_printf(doctor->arena, "HTTP %d", status)
		    : reply->error ? reply->error
				   : "no answer");
}

static void address_on_export(void *arg, const struct http_reply *reply)
{
	struct doctor_addresses *addresses = arg;
	struct doctor *doctor = addresses->doctor;

	if (reply->status >= 200 && reply->status <= 299 &&
	    !telemetry_is_reply(reply->body, reply->len))
		doctor_tell(doctor, DOCTOR_TRACING, DOCTOR_WARNING, NULL,
			    "correct tracing.endpoint: the relay adds /v1/traces to it",
			    "%s answers %d, but not as a receiver of traces does: %s",
			    addresses->traces.probe->host, reply->status,
			    reply->body[strspn(reply->body, " \t\r\n")] == '<'
				    ? "with a page (HTML)"
				    : "its answer is no ExportTraceServiceResponse");
	else if (reply->status >= 200 && reply->status <= 299)
		doctor_tell(doctor, DOCTOR_TRACING, DOCTOR_OK, NULL, NULL,
			    "%s takes the relay's own traces", addresses->traces.probe->host);
	else
		address_tell_refused(doctor, reply);
	doctor_end(doctor, addresses->traces_ticket);
}

/* An ExportTraceServiceRequest without spans has no bytes. */
static void address_traces_ready(struct doctor *doctor, struct doctor_peer *peer)
{
	static const struct http_handler handler = { .done = address_on_export };
	struct doctor_addresses *addresses =
		(struct doctor_addresses *)((char *)peer -
					    offsetof(struct doctor_addresses, traces));
	const struct config *config = doctor->preflight.config;
	CLEANUP_FREE char *url = telemetry_url(config->tracing_endpoint);
	struct telemetry_texts kept = { .n = 0 };
	struct http_request request = {
		.method = HTTP_POST,
		.url = url,
		.body = "",
		.timeout_us = LIMIT_DOCTOR_PEER_US,
		.max_reply_bytes = LIMIT_TELEMETRY_REPLY_BYTES,
		.ca_file = address_file(doctor, config->tracing_ca_file),
		.cert_file = address_file(doctor, config->tracing_cert_file),
		.key_file = address_file(doctor, config->tracing_key_file),
	};

	telemetry_add_headers(&request, &config->tracing_bearer, &config->tracing_headers, &kept);
	addresses->traces_ticket = doctor_begin(doctor, "tracing.endpoint");
	const bool sent =
		doctor->transport->send(doctor->transport->ctx, &request, &handler, addresses);
	telemetry_texts_fini(&kept);
	if (sent)
		return;
	address_tell_unasked(doctor, DOCTOR_TRACING);
	doctor_end(doctor, addresses->traces_ticket);
}

static bool address_secret_is_elsewhere(const struct secret *secret)
{
	return secret->path && !secret->value;
}

static void address_traces(struct doctor *doctor, struct doctor_addresses *addresses)
{
	const struct config *config = doctor->preflight.config;

	if (!doctor_wants(doctor, DOCTOR_TRACING) || doctor_has_told(doctor, DOCTOR_TRACING))
		return;
	if (!*config->tracing_endpoint) {
		doctor_tell(doctor, DOCTOR_TRACING, DOCTOR_SKIPPED, NULL, NULL,
			    "tracing.endpoint is not set: nothing is traced");
		return;
	}
	if (address_secret_is_elsewhere(&config->tracing_bearer) ||
	    address_secret_is_elsewhere(&config->tracing_headers)) {
		doctor_tell(doctor, DOCTOR_TRACING, DOCTOR_SKIPPED, NULL, NULL,
			    "its key is a credential that only the service can read");
		return;
	}
	addresses->traces = (struct doctor_peer){ .check = DOCTOR_TRACING,
						  .name = "tracing.endpoint",
						  .ready = address_traces_ready };
	doctor_probe(doctor,
		     &(struct probe_request){
			     .url = config->tracing_endpoint,
			     .ca_file = address_file(doctor, config->tracing_ca_file),
			     .cert_file = address_file(doctor, config->tracing_cert_file),
			     .key_file = address_file(doctor, config->tracing_key_file) },
		     &addresses->traces);
}

void doctor_address_begin(struct doctor *doctor)
{
	struct doctor_addresses *addresses = arena_alloc(doctor->arena, sizeof(*addresses));

	addresses->doctor = doctor;
	address_people(doctor, addresses);
	address_heartbeat(doctor, addresses);
	address_traces(doctor, addresses);
}
