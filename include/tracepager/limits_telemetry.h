/*
 * The caps of the relay's own spans and of their export, each with its reason: a section of
 * limits.h, which includes it.
 */
#ifndef TRACEPAGER_LIMITS_TELEMETRY_H
#define TRACEPAGER_LIMITS_TELEMETRY_H

/* Attributes of one span: the one with most, a delivery, has 13. */
#define LIMIT_STAGE_ATTRS 16u
/* Characters of an attribute's text: names of services and pagers fit, and URLs without a query. */
#define LIMIT_STAGE_TEXT_CHARS 256u
/* A URL without its query. */
#define LIMIT_STAGE_URL_BYTES 256u
/* One span: its links to LIMIT_TRACES_PER_ALERT traces of 30 bytes each, and its attributes. */
#define LIMIT_SPAN_BYTES (8u << 10)

/* Spans of one request, as OpenTelemetry's batch processor has them by default, and their bytes:
 * below the 4 MiB that gRPC's receivers take, which stand behind some that speak HTTP. */
#define LIMIT_TELEMETRY_BATCH_SPANS 512u
#define LIMIT_TELEMETRY_BATCH_BYTES (256u << 10)
/* A span waits so long for others: a person who looks at once finds the trace. */
#define LIMIT_TELEMETRY_GATHER_US US_PER_SECOND
/* All spans that wait: 62,000 of the 135 bytes that those of alerts without traces have, 24,000 of
 * 350 bytes. Beyond it spans are dropped. */
#define LIMIT_TELEMETRY_QUEUE_BYTES (8u << 20)
/* A trace that begins reserves so much of the queue, and begins only where that is free: 8,192
 * alerts may be under way. The 5 spans of an alert without traces have 700 bytes; one with traces
 * has up to 4 KiB, and takes what others leave. */
#define LIMIT_TELEMETRY_TRACE_BYTES (1u << 10)
/* What is left of a reservation ends after this time, at the latest after twice of it: most alerts
 * are decided, and their pages delivered, by then. */
#define LIMIT_TELEMETRY_RESERVE_US (10 * US_PER_SECOND)
/* One request, and the answer to it. */
#define LIMIT_TELEMETRY_SEND_US	    (10 * US_PER_SECOND)
#define LIMIT_TELEMETRY_REPLY_BYTES (64u << 10)
/* Between two tries of a batch; longer where the receiver asks for it, up to a minute. */
#define LIMIT_TELEMETRY_RETRY_MIN_US   US_PER_SECOND
#define LIMIT_TELEMETRY_RETRY_MAX_US   (30 * US_PER_SECOND)
#define LIMIT_TELEMETRY_RETRY_AFTER_US US_PER_MINUTE
/* A batch that could not be sent for so long is dropped: what comes after it is news. */
#define LIMIT_TELEMETRY_AGE_US (5 * US_PER_MINUTE)
/* At the end of the program: a receiver that answers has done so by then. */
#define LIMIT_TELEMETRY_END_US US_PER_SECOND
/* Failures are logged at first, and then once in so long. */
#define LIMIT_TELEMETRY_LOG_US (10 * US_PER_MINUTE)
/* Headers of each request, and attributes of the resource. */
#define LIMIT_TELEMETRY_HEADERS	 8u
#define LIMIT_TELEMETRY_RESOURCE 32u

#endif
