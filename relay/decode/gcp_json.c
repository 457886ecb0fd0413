/*
 * Google Cloud Trace JSON (API v1): one trace, or {"traces":[…]}. Ids of spans are decimal. Spans
 * have no status: a span with a label /error/… has failed; for others the walk uses the HTTP
 * status. Spans exported by OpenTelemetry have their attributes as labels. A trace's id precedes
 * its spans, as Google writes it. The cursor is nextPageToken of an empty page: an empty page is
 * not the last.
 */
#include <string.h>

#include "encodings-internal.h"
#include "records-internal.h"
#include "tracepager/xalloc.h"

static const struct record_member gcp_members[] = {
	{ "spanId", RECORD_ID },
	{ "parentSpanId", RECORD_PARENT_ID },
	{ "name", RECORD_NAME },
	{ "kind", RECORD_KIND },
	{ "startTime", RECORD_START },
	{ "endTime", RECORD_END },
	{ "labels.service.name", RECORD_SERVICE },
	{ "labels.g.co/gae/app/module", RECORD_SERVICE },
	{ "labels./component", RECORD_SERVICE },
	{ "labels./http/status_code", RECORD_ATTR(HTTP_RESPONSE_STATUS_CODE) },
	{ "labels./http/method", RECORD_ATTR(HTTP_REQUEST_METHOD) },
	{ "labels./http/url", RECORD_ATTR(URL_FULL) },
	{ "labels./error/name", RECORD_EXCEPTION_TYPE },
	{ "labels./error/message", RECORD_EXCEPTION_MESSAGE },
};

static const char *const gcp_attrs[] = { "labels.", NULL };

static void gcp_end_record(struct records *records)
{
	uint32_t message;
	bool failed = record_exception(records, &message);
	struct span *span;

	span = record_span(records);
	if (!span)
		return;
	if (record_is(records, RECORD_KIND, "RPC_SERVER"))
		span->kind = SPAN_SERVER;
	else if (record_is(records, RECORD_KIND, "RPC_CLIENT"))
		span->kind = SPAN_CLIENT;
	if (failed) {
		span->status = SPAN_STATUS_ERROR;
		span->message = message;
	}
	record_done(records);
}

static void gcp_outside(struct records *records, enum jread_event event, const char *path,
			const char *text, size_t len)
{
	if (event != JREAD_STRING)
		return;
	if (strcmp(path, "traceId") == 0 || strcmp(path, "traces.traceId") == 0)
		record_text_set(&records->trace_id, text, len);
	else if (strcmp(path, "nextPageToken") == 0)
		buf_add(&records->cursor, text, len);
}

static const struct record_format gcp_format = {
	.records = { "spans", "traces.spans" },
	.members = gcp_members,
	.nmembers = ARRAY_LEN(gcp_members),
	.attrs = gcp_attrs,
	.end = gcp_end_record,
	.outside = gcp_outside,
	.only_empty_goes_on = true,
};

const struct trace_encoding_ops trace_encoding_GCP_JSON = {
	.name = "gcp-json",
	.text = "Google Cloud Trace JSON",
	RECORDS_ENCODING(&gcp_format),
};
