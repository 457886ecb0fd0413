/*
 * Elastic JSON: search results of Elasticsearch and OpenSearch, {"hits":{"hits":[{"_source"}]}},
 * whose documents are spans of Elastic APM, of OpenTelemetry's native indices, or of OpenSearch's
 * Data Prepper. All three use different names, so one table has them all.
 *
 * Elastic APM keeps errors in documents of their own; an error before its span gives the span its
 * exception (the source sorts the hits so). Its transactions are work that a service was asked for,
 * its spans are what the service did for it. The cursor is the sort values of the last hit, as
 * JSON.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "encodings-internal.h"
#include "records-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const struct record_member elastic_members[] = {
	/* Elastic APM */
	{ "trace.id", RECORD_TRACE_ID },
	{ "span.id", RECORD_ID },
	{ "transaction.id", RECORD_OTHER_ID },
	{ "parent.id", RECORD_PARENT_ID },
	{ "service.name", RECORD_SERVICE },
	{ "span.name", RECORD_NAME },
	{ "transaction.name", RECORD_OTHER_NAME },
	{ "span.kind", RECORD_KIND },
	{ "processor.event", RECORD_CLASS },
	{ "span.type", RECORD_TYPE },
	{ "transaction.type", RECORD_TYPE },
	{ "span.subtype", RECORD_SUBTYPE },
	{ "span.destination.service.resource", RECORD_PEER },
	{ "event.outcome", RECORD_STATUS },
	{ "timestamp.us", RECORD_START_US },
	{ "@timestamp", RECORD_OTHER_START },
	{ "span.duration.us", RECORD_DURATION_US },
	{ "transaction.duration.us", RECORD_DURATION_US },
	{ "error.exception.type", RECORD_EXCEPTION_TYPE },
	{ "error.exception.message", RECORD_EXCEPTION_MESSAGE },
	{ "error.log.message", RECORD_EXCEPTION_MESSAGE },
	{ "http.response.status_code", RECORD_ATTR(HTTP_RESPONSE_STATUS_CODE) },
	{ "http.request.method", RECORD_ATTR(HTTP_REQUEST_METHOD) },
	{ "url.full", RECORD_ATTR(URL_FULL) },
	{ "url.original", RECORD_ATTR(HTTP_URL) },
	/* OpenTelemetry's native indices */
	{ "trace_id", RECORD_TRACE_ID },
	{ "span_id", RECORD_ID },
	{ "parent_span_id", RECORD_PARENT_ID },
	{ "name", RECORD_NAME },
	{ "kind", RECORD_KIND },
	{ "status.code", RECORD_STATUS },
	{ "status.message", RECORD_MESSAGE },
	{ "duration", RECORD_DURATION_NS },
	/* Data Prepper */
	{ "traceId", RECORD_TRACE_ID },
	{ "spanId", RECORD_ID },
	{ "parentSpanId", RECORD_PARENT_ID },
	{ "serviceName", RECORD_SERVICE },
	{ "startTime", RECORD_START },
	{ "endTime", RECORD_END },
	{ "durationInNanos", RECORD_DURATION_NS },
	{ "events.attributes.exception.type", RECORD_EXCEPTION_TYPE },
	{ "events.attributes.exception.message", RECORD_EXCEPTION_MESSAGE },
	{ "events.attributes.exception@type", RECORD_EXCEPTION_TYPE },
	{ "events.attributes.exception@message", RECORD_EXCEPTION_MESSAGE },
};

static const char *const elastic_attrs[] = { "span.attributes.", "attributes.", "labels.", NULL };
static const char *const elastic_resource_attrs[] = { "resource.attributes.", NULL };

static void elastic_remember_failure(struct records *records)
{
	const char *span = record_field(records, RECORD_PARENT_ID);

	if (!*span)
		span = record_field(records, RECORD_OTHER_ID);
	if (!records->failures)
		records->failures = map_new();
	if (!*span || map_get(records->failures, span))
		return;
	if (records->nfailures == records->failures_size) {
		records->failures_size = records->failures_size ? 2 * records->failures_size : 64;
		records->failure = xrealloc_array(records->failure, records->failures_size,
						  sizeof(*records->failure));
	}
	records->failure[records->nfailures++] = (struct record_failure){
		.type = record_ref(records, RECORD_EXCEPTION_TYPE),
		.message = record_ref(records, RECORD_EXCEPTION_MESSAGE),
	};
	map_put(records->failures, span, (void *)(uintptr_t)records->nfailures);
}

static struct record_failure elastic_failure_of(struct records *records)
{
	struct record_failure failure = { .type = record_ref(records, RECORD_EXCEPTION_TYPE),
					  .message =
						  record_ref(records, RECORD_EXCEPTION_MESSAGE) };
	bool has_id = records->fields[RECORD_ID].set;
	const char *id = record_field(records, has_id ? RECORD_ID : RECORD_OTHER_ID);
	uintptr_t number = records->failures ? (uintptr_t)map_get(records->failures, id) : 0;

	return number > 0 ? records->failure[number - 1] : failure;
}

static enum span_kind elastic_kind_of(const struct records *records)
{
	static const char *const names[] = {
		[SPAN_INTERNAL] = "internal", [SPAN_SERVER] = "server",
		[SPAN_CLIENT] = "client",     [SPAN_PRODUCER] = "producer",
		[SPAN_CONSUMER] = "consumer",
	};
	const char *text = record_field(records, RECORD_KIND);
	const char *name = path_below(text, "SPAN_KIND_");
	bool messaging = record_is(records, RECORD_TYPE, "messaging");

	for (size_t i = SPAN_INTERNAL; i < ARRAY_LEN(names); i++)
		if (strcasecmp(name ? name : text, names[i]) == 0)
			return (enum span_kind)i;
	if (record_is(records, RECORD_CLASS, "transaction"))
		return messaging ? SPAN_CONSUMER : SPAN_SERVER;
	if (!record_is(records, RECORD_CLASS, "span"))
		return SPAN_UNSPECIFIED;
	if (messaging)
		return SPAN_PRODUCER;
	return records->fields[RECORD_PEER].set ? SPAN_CLIENT : SPAN_INTERNAL;
}

static enum span_status elastic_status_of(const struct records *records)
{
	static const char *const failed[] = { "failure", "2", "Error", "STATUS_CODE_ERROR" };
	static const char *const good[] = { "1", "Ok", "STATUS_CODE_OK" };

	for (size_t i = 0; i < ARRAY_LEN(failed); i++)
		if (record_is(records, RECORD_STATUS, failed[i]))
			return SPAN_STATUS_ERROR;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (record_is(records, RECORD_STATUS, good[i]))
			return SPAN_STATUS_OK;
	return SPAN_STATUS_UNSET;
}

/* A peer "checkout:8080" is the service checkout; a database is named by its system alone. */
static void elastic_add_peer(struct records *records)
{
	const char *peer = record_field(records, RECORD_PEER);
	const char *port = strrchr(peer, ':');
	size_t len = strlen(peer);

	if (port && port[1] && !port[1 + strspn(port + 1, "0123456789")])
		len = (size_t)(port - peer);
	if (len > 0)
		record_attr(records, ATTR_PEER_SERVICE,
			    trace_builder_value(records->builder, peer, len));
	if (record_is(records, RECORD_TYPE, "db") && records->fields[RECORD_SUBTYPE].set)
		record_attr(records, ATTR_DB_SYSTEM, record_ref(records, RECORD_SUBTYPE));
}

static void elastic_end_record(struct records *records)
{
	struct record_failure failure;
	struct span *span;

	if (record_is(records, RECORD_CLASS, "error")) {
		elastic_remember_failure(records);
		return;
	}
	if (!records->fields[RECORD_TRACE_ID].set ||
	    record_is(records, RECORD_CLASS, "metric")) /* no span */
		return;
	failure = elastic_failure_of(records);
	if (failure.type)
		record_attr(records, ATTR_EXCEPTION_TYPE, failure.type);
	if (failure.message)
		record_attr(records, ATTR_EXCEPTION_MESSAGE, failure.message);
	elastic_add_peer(records);
	span = record_span(records);
	if (!span)
		return;
	span->kind = (uint8_t)elastic_kind_of(records);
	span->status = (uint8_t)elastic_status_of(records);
	if (!span->message && span->status == SPAN_STATUS_ERROR)
		span->message = failure.message;
	record_done(records);
}

/* Takes the sort values of the last hit of a full page, and what says that hits are missing. */
static void elastic_outside(struct records *records, enum jread_event event, const char *path,
			    const char *text, size_t len)
{
	if (strcmp(path, "hits.hits.sort") == 0 &&
	    records->nrecords % LIMIT_ELASTIC_PAGE_HITS == 0) {
		if (event == JREAD_ARRAY) {
			buf_reset(&records->cursor);
			return;
		}
		if (records->cursor.len > 0)
			buf_putc(&records->cursor, ',');
		if (event == JREAD_STRING)
			buf_json_stringn(&records->cursor, text, len);
		else
			buf_add(&records->cursor, text, len);
	} else if ((event == JREAD_TRUE && strcmp(path, "timed_out") == 0) ||
		   (event == JREAD_NUMBER && strcmp(path, "_shards.failed") == 0 &&
		    !jread_is(text, trace_number_len(text, len), "0"))) {
		trace_builder_partial(records->builder);
	}
}

static const struct record_format elastic_format = {
	.records = { "hits.hits._source" },
	.list = "hits.hits",
	.foreign = "the document has no list of hits: it is not a search result of Elasticsearch "
		   "or OpenSearch",
	.members = elastic_members,
	.nmembers = ARRAY_LEN(elastic_members),
	.attrs = elastic_attrs,
	.resource_attrs = elastic_resource_attrs,
	.end = elastic_end_record,
	.outside = elastic_outside,
};

const struct trace_encoding_ops trace_encoding_ELASTIC_JSON = {
	.name = "elastic-json",
	.text = "search results of Elasticsearch and OpenSearch",
	RECORDS_ENCODING(&elastic_format),
};
