/*
 * Doctor, addresses: where people reach the relay (external_url), and where its heartbeat goes. The
 * first is asked for its health; the second gets a connection and no request, which would count as
 * a heartbeat.
 */
#include <string.h>

#include "doctor-internal.h"

struct doctor_addresses {
	struct doctor *doctor;
	struct doctor_peer people, heartbeat;
	size_t ticket;
};

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
	if (!doctor->transport->send(doctor->transport->ctx, &request, &handler, addresses))
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

void doctor_address_begin(struct doctor *doctor)
{
	struct doctor_addresses *addresses = arena_alloc(doctor->arena, sizeof(*addresses));

	addresses->doctor = doctor;
	address_people(doctor, addresses);
	address_heartbeat(doctor, addresses);
}
