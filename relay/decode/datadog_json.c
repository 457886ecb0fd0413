/*
 * Datadog JSON: pages of its spans search (API v2), {"data":[{"attributes"}],"meta"}. Only spans
 * that Datadog retains are there. Ids are hexadecimal or decimal, depending on the account; a
 * parent of 0 means no parent. A span has failed if it has an error or its status says so. The
 * cursor is meta.page.after.
 */
#include <string.h>

#include "encodings-internal.h"
#include "records-internal.h"
#include "tracepager/xalloc.h"

static const struct record_member datadog_members[] = {
	{ "trace_id", RECORD_TRACE_ID },
	{ "span_id", RECORD_ID },
	{ "parent_id", RECORD_PARENT_ID },
	{ "service", RECORD_SERVICE },
	{ "resource_name", RECORD_NAME },
	{ "operation_name", RECORD_OTHER_NAME },
	{ "type", RECORD_TYPE },
	{ "status", RECORD_STATUS },
	{ "start_timestamp", RECORD_START },
	{ "end_timestamp", RECORD_END },
	{ "custom.duration", RECORD_DURATION_NS },
	{ "custom.error.type", RECORD_EXCEPTION_TYPE },
	{ "custom.error.message", RECORD_EXCEPTION_MESSAGE },
	{ "custom.error.stack", RECORD_OTHER_ID }, /* only its presence counts */
	{ "custom.out.host", RECORD_ATTR(NET_PEER_NAME) },
	{ "attributes.error.type", RECORD_EXCEPTION_TYPE },
	{ "attributes.error.message", RECORD_EXCEPTION_MESSAGE },
};

static const char *const datadog_attrs[] = { "custom.", "attributes.", NULL };

/* For spans without a kind: the type web is work that a service was asked for, the other types are
 * calls that it makes. */
static enum span_kind datadog_kind_of(const struct records *records)
{
	static const char *const calls[] = { "http",	"sql",	     "db",	  "redis",
					     "mongodb", "memcached", "cassandra", "elasticsearch" };

	if (record_is(records, RECORD_TYPE, "web"))
		return SPAN_SERVER;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (record_is(records, RECORD_TYPE, calls[i]))
			return SPAN_CLIENT;
	return SPAN_UNSPECIFIED;
}

static bool datadog_has_failed(const struct records *records)
{
	return record_is(records, RECORD_STATUS, "error") ||
	       records->fields[RECORD_EXCEPTION_TYPE].set ||
	       records->fields[RECORD_EXCEPTION_MESSAGE].set ||
	       records->fields[RECORD_OTHER_ID].set;
}

static void datadog_end_record(struct records *records)
{
	uint32_t message;
	bool told_kind = false;
	struct span *span;

	if (!records->fields[RECORD_ID].set)
		return;
	record_exception(records, &message);
	for (unsigned int i = 0; i < records->nattrs; i++)
		told_kind |= records->attrs[i].key == ATTR_SPAN_KIND;
	span = record_span(records);
	if (!span)
		return;
	if (!told_kind)
		span->kind = (uint8_t)datadog_kind_of(records);
	if (datadog_has_failed(records)) {
		span->status = SPAN_STATUS_ERROR;
		span->message = message;
	}
	record_done(records);
}

static void datadog_outside(struct records *records, enum jread_event event, const char *path,
			    const char *text, size_t len)
{
	if (event != JREAD_STRING)
		return;
	if (strcmp(path, "meta.page.after") == 0)
		buf_add(&records->cursor, text, len);
	else if (strcmp(path, "meta.status") == 0 && jread_is(text, len, "timeout"))
		trace_builder_partial(records->builder);
}

static const struct record_format datadog_format = {
	.records = { "data.attributes" },
	.list = "data",
	.foreign = "the document has no list of data: it is not a page of Datadog's spans search",
	.members = datadog_members,
	.nmembers = ARRAY_LEN(datadog_members),
	.attrs = datadog_attrs,
	.end = datadog_end_record,
	.outside = datadog_outside,
};

const struct trace_encoding_ops trace_encoding_DATADOG_JSON = {
	.name = "datadog-json",
	.text = "Datadog spans search JSON",
	RECORDS_ENCODING(&datadog_format),
};
