/*
 * Telemetry: exports the spans of the relay itself by OTLP/HTTP (POST ENDPOINT/v1/traces,
 * protobuf). Each span is encoded when it is told, and waits in a queue of bounded size; batches
 * leave one at a time, and a batch that the receiver could not take is sent again with exponential
 * backoff, as the OTLP specification says (429, 502, 503, 504 and no answer; Retry-After counts).
 * What does not fit, is refused, or is too old is dropped and counted.
 *
 * It never delays a page and never blocks. It traces none of its own requests, so that nothing
 * feeds on itself. It refuses to know what a stage means. Owns the queue and the call under way.
 * Loop thread only.
 */
#ifndef TRACEPAGER_TELEMETRY_H
#define TRACEPAGER_TELEMETRY_H

#include "tracepager/clock.h"
#include "tracepager/err.h"
#include "tracepager/http.h"
#include "tracepager/limits.h"
#include "tracepager/secret.h"
#include "tracepager/stage.h"
#include "tracepager/timers.h"

struct telemetry;

/* Everything is borrowed and must outlive the telemetry; env itself is copied. */
struct telemetry_env {
	const struct http_transport *transport;
	struct timers *timers;
	const struct clock *clock;
	double (*random)(void); /* 0 to 1, for jitter; NULL: random_unit() */
	const char *url;	/* of telemetry_url() */
	struct secret *bearer;	/* unset: none; read again when its file changes */
	struct secret *headers; /* telemetry_check_headers(); unset: none; the same */
	const char *ca_file, *cert_file, *key_file; /* as in struct http_request; NULL: none */
	double sample;				    /* the part of traces that is kept, 0 to 1 */
	const char *service, *version;		    /* of the resource */
	/* Further attributes of the resource: "KEY=VALUE" with blanks between them. */
	const char *resource;
	/* The same in the form of OTEL_RESOURCE_ATTRIBUTES, which those take the place of; NULL:
	 * none. */
	const char *environment;
};

struct telemetry *telemetry_new(const struct telemetry_env *env);
/* What waits is dropped. Takes NULL. */
void telemetry_free(struct telemetry *telemetry);
/* What the engines get. Borrowed; lives as long as the telemetry. */
const struct tracer *telemetry_tracer(const struct telemetry *telemetry);

/* The program ends: what waits leaves at once, and nothing is tried twice. */
void telemetry_end(struct telemetry *telemetry);
/* After telemetry_end(): something is still to leave, and its time is not over. */
bool telemetry_busy(const struct telemetry *telemetry);

/* ---- options; pure, any thread ---- */

/* ENDPOINT/v1/traces; an endpoint with that path already stays as it is. Caller frees. */
char *telemetry_url(const char *endpoint);
/* May the body be an ExportTraceServiceResponse: nothing, protobuf, or JSON? */
bool telemetry_is_reply(const char *body, size_t len);
/* Are they headers as OTEL_EXPORTER_OTLP_HEADERS has them: "KEY=VALUE,KEY=VALUE"? 0 or -EINVAL with
 * err, which has no value in it. */
int telemetry_check_headers(const char *text, struct err *err);
/* Are they "KEY=VALUE" with blanks between them? 0 or -EINVAL with err. */
int telemetry_check_resource(const char *text, struct err *err);

/* ---- requests; pure, any thread ---- */

/* Texts of a request's headers, which live until it was sent. */
struct telemetry_texts {
	char *at[2 * LIMIT_TELEMETRY_HEADERS + 1];
	size_t n;
};
/* Adds the headers that each request has: the type of its body, and what the secrets of struct
 * telemetry_env say (NULL or unset: nothing). Their texts are in `kept`. */
void telemetry_add_headers(struct http_request *request, const struct secret *bearer,
			   const struct secret *headers, struct telemetry_texts *kept);
/* Overwrites the texts, and frees them. */
void telemetry_texts_fini(struct telemetry_texts *kept);

#endif
