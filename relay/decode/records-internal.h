/*
 * Records: what the encodings share whose spans are flat records in a list, as Elasticsearch,
 * Datadog and Google Cloud Trace answer. A record is an object at a known path; a table of the
 * encoding says what its members are, by their paths below it. When a record ends, the encoding
 * makes a span of what was collected.
 */
#ifndef TRACEPAGER_FETCH_RECORDS_INTERNAL_H
#define TRACEPAGER_FETCH_RECORDS_INTERNAL_H

#include "tracepager/paths.h"
#include "tracepager/buf.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/trace_builder.h"

/* Members that make a span. */
enum record_field {
	RECORD_TRACE_ID,
	RECORD_ID,
	RECORD_OTHER_ID, /* where it has none of the first kind */
	RECORD_PARENT_ID,
	RECORD_SERVICE,
	RECORD_NAME,
	RECORD_OTHER_NAME,
	RECORD_KIND,
	RECORD_CLASS, /* what kind of record it is */
	RECORD_TYPE,
	RECORD_SUBTYPE,
	RECORD_PEER,
	RECORD_STATUS,
	RECORD_MESSAGE,
	RECORD_START,	    /* RFC 3339 */
	RECORD_START_US,    /* a number */
	RECORD_OTHER_START, /* RFC 3339, where it has neither of these */
	RECORD_END,	    /* RFC 3339 */
	RECORD_DURATION_NS,
	RECORD_DURATION_US,
	RECORD_EXCEPTION_TYPE,
	RECORD_EXCEPTION_MESSAGE,
	RECORD_FIELDS,
};

struct record_member {
	const char *path;   /* below the record; several for one field: the first that comes wins */
	unsigned int field; /* enum record_field, or RECORD_ATTR() */
};
#define RECORD_ATTR(key) (RECORD_FIELDS + (unsigned int)ATTR_##key)

struct record_text {
	size_t len;
	bool set;
	char text[LIMIT_ATTR_VALUE_BYTES + 1]; /* cut to what fits */
};

struct record_attr {
	unsigned int key;
	uint32_t value;
};

struct records;

struct record_format {
	const char *records[2]; /* paths of records */
	const char *list;	/* a document must have it; NULL: it may have nothing */
	const char *foreign;	/* the error where it has not */
	const struct record_member *members;
	size_t nmembers;
	/* Paths before the names of a span's attributes, and of a resource's; NULL-terminated.
	 * resource_attrs NULL: it has none. */
	const char *const *attrs, *const *resource_attrs;
	void (*end)(struct records *records); /* a record is there */
	/* Of what is outside of records: a value, or a list that begins. NULL: of no use. */
	void (*outside)(struct records *records, enum jread_event event, const char *path,
			const char *text, size_t len);
	bool only_empty_goes_on; /* a page with records is the last, whatever its cursor */
};

/* What was told of a span's failure in a record before it. */
struct record_failure {
	uint32_t type, message; /* texts */
};

struct records {
	const struct record_format *format;
	struct trace_builder *builder;
	struct paths *paths;
	bool has_list, open;
	size_t base; /* of the paths below the record */
	uint32_t resource;
	struct record_text fields[RECORD_FIELDS];
	struct record_attr attrs[LIMIT_SPAN_ATTRS];
	unsigned int nattrs;
	/* For the formats. */
	struct record_text trace_id; /* of records that have none */
	struct buf cursor;
	unsigned int nrecords;
	struct map *failures; /* by span id, numbers from 1; NULL: none yet */
	struct record_failure *failure;
	uint32_t nfailures, failures_size;
};

/* The members of a struct trace_encoding_ops whose documents are of a struct record_format. */
#define RECORDS_ENCODING(format)                                                                   \
	.variant = (format), .start = records_start, .feed = records_feed,                         \
	.finish = records_finish, .free = records_free, .cursor = records_cursor

void *records_start(const void *format, struct trace_builder *builder);
int records_feed(void *state, const char *data, size_t len, struct err *err);
int records_finish(void *state, struct err *err);
void records_free(void *state);
const char *records_cursor(const void *state);

void record_text_set(struct record_text *to, const char *text, size_t len);
/* The text of a field; "" where it is not there. */
const char *record_field(const struct records *records, enum record_field field);
bool record_is(const struct records *records, enum record_field field, const char *text);
/* Interned, "" is 0. */
uint32_t record_ref(struct records *records, enum record_field field);
/* Keeps the record's exception, type and message, as attributes. False: it has none. *ret_message:
 * a text, or 0. */
bool record_exception(struct records *records, uint32_t *ret_message);
/* For the record's span; before record_span(). */
void record_attr(struct records *records, enum attr key, uint32_t value);
/* Begins a span with its ids, name, service, times and attributes; "0" and zeros are no parent.
 * NULL at a cap. */
struct span *record_span(struct records *records);
void record_done(struct records *records);

#endif
