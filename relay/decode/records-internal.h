/*
 * Records: what the encodings share whose spans are flat records in a list (Elasticsearch, Datadog,
 * Google Cloud Trace). A record is an object at a known path; a table of the encoding names its
 * members by their paths below the record. When a record ends, the encoding makes a span of the
 * collected members. struct records owns its reader and what it collects; the builder is borrowed.
 *
 * Pure: any thread may call.
 */
#ifndef TRACEPAGER_DECODE_RECORDS_INTERNAL_H
#define TRACEPAGER_DECODE_RECORDS_INTERNAL_H

#include "tracepager/paths.h"
#include "tracepager/buf.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/trace_builder.h"

/* The members that a span is made of. */
enum record_field {
	RECORD_TRACE_ID,
	RECORD_ID,
	RECORD_OTHER_ID, /* used if RECORD_ID is absent */
	RECORD_PARENT_ID,
	RECORD_SERVICE,
	RECORD_NAME,
	RECORD_OTHER_NAME,
	RECORD_KIND,
	RECORD_CLASS, /* the kind of record: span, error, metric … */
	RECORD_TYPE,
	RECORD_SUBTYPE,
	RECORD_PEER,
	RECORD_STATUS,
	RECORD_MESSAGE,
	RECORD_START,	    /* RFC 3339 */
	RECORD_START_US,    /* a number */
	RECORD_OTHER_START, /* RFC 3339, used if both starts above are absent */
	RECORD_END,	    /* RFC 3339 */
	RECORD_DURATION_NS,
	RECORD_DURATION_US,
	RECORD_EXCEPTION_TYPE,
	RECORD_EXCEPTION_MESSAGE,
	RECORD_FIELDS,
};

struct record_member {
	/* Below the record; of several paths of one field the first in the document is used. */
	const char *path;
	unsigned int field; /* enum record_field, or RECORD_ATTR() */
};
#define RECORD_ATTR(key) (RECORD_FIELDS + (unsigned int)ATTR_##key)

struct record_text {
	size_t len;
	bool set;
	char text[LIMIT_ATTR_VALUE_BYTES + 1]; /* cut at this length */
};

struct record_attr {
	unsigned int key;
	uint32_t value;
};

struct records;

struct record_format {
	const char *records[2]; /* the paths of records */
	const char *list; /* path of a list that the document must have; NULL: none is required */
	const char *foreign; /* the error if the list is missing */
	const struct record_member *members;
	size_t nmembers;
	/* Paths before the names of a span's attributes, and of a resource's; NULL-terminated.
	 * resource_attrs may be NULL. */
	const char *const *attrs, *const *resource_attrs;
	void (*end)(struct records *records); /* a record has ended */
	/* A value, or the begin of a list, outside of records. NULL: not of interest. */
	void (*outside)(struct records *records, enum jread_event event, const char *path,
			const char *text, size_t len);
	bool only_empty_goes_on; /* a page with records is the last one, even if it has a cursor */
};

/* A span's exception, told by an earlier record. */
struct record_failure {
	uint32_t type, message; /* texts */
};

struct records {
	const struct record_format *format;
	struct trace_builder *builder;
	struct paths *paths;
	bool has_list, open;
	size_t base; /* offset of the paths below the record */
	uint32_t resource;
	struct record_text fields[RECORD_FIELDS];
	struct record_attr attrs[LIMIT_SPAN_ATTRS];
	unsigned int nattrs;
	/* Used by the formats. */
	struct record_text trace_id; /* for records that do not name their trace */
	struct buf cursor;
	unsigned int nrecords;
	struct map *failures; /* by span id, index in failure + 1; NULL: none yet */
	struct record_failure *failure;
	uint32_t nfailures, failures_size;
};

/* The members of a struct trace_encoding_ops for documents of a struct record_format. */
#define RECORDS_ENCODING(format)                                                                   \
	.variant = (format), .start = records_start, .feed = records_feed,                         \
	.finish = records_finish, .free = records_free, .cursor = records_cursor

void *records_start(const void *format, struct trace_builder *builder);
int records_feed(void *state, const char *data, size_t len, struct err *err);
int records_finish(void *state, struct err *err);
void records_free(void *state);
const char *records_cursor(const void *state);

void record_text_set(struct record_text *to, const char *text, size_t len);
/* The text of a field; "" if absent. */
const char *record_field(const struct records *records, enum record_field field);
bool record_is(const struct records *records, enum record_field field, const char *text);
/* The interned text of a field; 0 if absent or empty. */
uint32_t record_ref(struct records *records, enum record_field field);
/* Keeps the record's exception (type, message) as attributes of the span. false: it has none.
 * *ret_message: text, or 0. */
bool record_exception(struct records *records, uint32_t *ret_message);
/* Keeps an attribute of the record's span; to be called before record_span(). */
void record_attr(struct records *records, enum attr key, uint32_t value);
/* Begins the span of the record, with its ids, name, service, times and attributes. A parent of
 * zeros is none. NULL: a cap is reached. */
struct span *record_span(struct records *records);
void record_done(struct records *records);

#endif
