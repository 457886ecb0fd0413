/* Records: see records-internal.h. */
#include "encodings-internal.h"
#include "records-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/xalloc.h"

/* ---- fields ---- */

void record_text_set(struct record_text *to, const char *text, size_t len)
{
	to->len = len < LIMIT_ATTR_VALUE_BYTES ? len : LIMIT_ATTR_VALUE_BYTES;
	memcpy(to->text, text, to->len);
	to->text[to->len] = '\0';
	to->set = true;
}

const char *record_field(const struct records *records, enum record_field field)
{
	return records->fields[field].set ? records->fields[field].text : "";
}

bool record_is(const struct records *records, enum record_field field, const char *text)
{
	return strcasecmp(record_field(records, field), text) == 0;
}

uint32_t record_ref(struct records *records, enum record_field field)
{
	const struct record_text *text = &records->fields[field];

	return text->set ? trace_builder_value(records->builder, text->text, text->len) : 0;
}

static void keep_record_attr(struct records *records, int key, uint32_t value)
{
	if (key >= 0 && value != TRACE_NONE && records->nattrs < LIMIT_SPAN_ATTRS)
		records->attrs[records->nattrs++] =
			(struct record_attr){ .key = (unsigned int)key, .value = value };
}

void record_attr(struct records *records, enum attr key, uint32_t value)
{
	keep_record_attr(records, (int)key, value);
}

bool record_exception(struct records *records, uint32_t *ret_message)
{
	uint32_t type = record_ref(records, RECORD_EXCEPTION_TYPE);

	*ret_message = record_ref(records, RECORD_EXCEPTION_MESSAGE);
	if (type)
		record_attr(records, ATTR_EXCEPTION_TYPE, type);
	if (*ret_message)
		record_attr(records, ATTR_EXCEPTION_MESSAGE, *ret_message);
	return type || *ret_message;
}

/* The name of an attribute, which the caller frees; Data Prepper writes @ for dots in names. NULL:
 * the path has none of the prefixes. */
static char *attr_name_of(const char *const *prefixes, const char *path)
{
	for (; prefixes && *prefixes; prefixes++) {
		const char *name = path_below(path, *prefixes);
		if (!name || !*name)
			continue;
		char *copy = xstrdup(name);
		for (char *c = copy; *c; c++)
			*c = *c == '@' ? '.' : *c;
		return copy;
	}
	return NULL;
}

static void records_take_attr(struct records *records, const char *path, const char *text,
			      size_t len)
{
	char *name = attr_name_of(records->format->resource_attrs, path);

	if (name) {
		trace_builder_resource_attr(records->builder, records->resource, name, strlen(name),
					    text, len);
	} else if ((name = attr_name_of(records->format->attrs, path))) {
		int key = trace_builder_attr(records->builder, name, strlen(name));
		if (key >= 0)
			keep_record_attr(records, key,
					 trace_builder_value(records->builder, text, len));
	}
	free(name);
}

static void records_take_value(struct records *records, const char *path, const char *text,
			       size_t len)
{
	const struct record_format *format = records->format;

	for (size_t i = 0; i < format->nmembers; i++) {
		unsigned int field = format->members[i].field;
		if (strcmp(format->members[i].path, path) != 0)
			continue;
		if (field >= RECORD_FIELDS)
			keep_record_attr(records, (int)(field - RECORD_FIELDS),
					 trace_builder_value(records->builder, text, len));
		else if (!records->fields[field].set)
			record_text_set(&records->fields[field], text, len);
		return;
	}
	records_take_attr(records, path, text, len);
}

/* ---- spans ---- */

static int64_t record_number(const struct records *records, enum record_field field, double scale)
{
	const struct record_text *text = &records->fields[field];
	double value;

	if (!text->set || !jread_double(text->text, text->len, &value) ||
	    !(value >= 0 && value < 1e18))
		return 0;
	return (int64_t)(value * scale);
}

static int64_t record_moment(const struct records *records, enum record_field field)
{
	const struct record_text *text = &records->fields[field];
	int64_t us = 0;

	if (text->set && rfc3339_parse(text->text, text->len, &us) < 0)
		return 0;
	return us;
}

static void record_set_times(const struct records *records, struct span *span)
{
	int64_t end_us = record_moment(records, RECORD_END);

	span->start_us = record_number(records, RECORD_START_US, 1);
	if (!span->start_us)
		span->start_us = record_moment(records, RECORD_START);
	if (!span->start_us)
		span->start_us = record_moment(records, RECORD_OTHER_START);
	span->duration_us = record_number(records, RECORD_DURATION_US, 1);
	if (!span->duration_us)
		span->duration_us = record_number(records, RECORD_DURATION_NS, 1e-3);
	if (!span->duration_us && end_us > span->start_us)
		span->duration_us = end_us - span->start_us;
}

static uint32_t record_parent_of(struct records *records)
{
	const char *text = record_field(records, RECORD_PARENT_ID);

	return text[strspn(text, "0")] ? record_ref(records, RECORD_PARENT_ID) : 0;
}

struct span *record_span(struct records *records)
{
	struct trace_builder *builder = records->builder;
	bool has_id = records->fields[RECORD_ID].set, has_name = records->fields[RECORD_NAME].set;
	uint32_t id = record_ref(records, has_id ? RECORD_ID : RECORD_OTHER_ID);
	uint32_t name = record_ref(records, has_name ? RECORD_NAME : RECORD_OTHER_NAME);
	uint32_t message = record_ref(records, RECORD_MESSAGE);
	uint32_t parent = record_parent_of(records);
	struct span *span;

	if (records->fields[RECORD_SERVICE].set)
		trace_builder_resource_service(builder, records->resource,
					       record_ref(records, RECORD_SERVICE));
	span = trace_builder_span(builder);
	if (!span)
		return NULL;
	span->id = id;
	span->name = name;
	span->message = message;
	span->parent_id = parent;
	span->resource = records->resource;
	record_set_times(records, span);
	for (unsigned int i = 0; i < records->nattrs; i++)
		trace_builder_span_attr(builder, records->attrs[i].key, records->attrs[i].value);
	return span;
}

void record_done(struct records *records)
{
	const struct record_text *id = &records->fields[RECORD_TRACE_ID];

	if (!id->set)
		id = &records->trace_id;
	trace_builder_span_done(records->builder, id->text, id->len);
}

/* ---- the document ---- */

static bool is_record(const struct record_format *format, const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(format->records); i++)
		if (format->records[i] && strcmp(format->records[i], path) == 0)
			return true;
	return false;
}

static void begin_record(struct records *records, const char *path)
{
	records->open = true;
	records->base = strlen(path) + 1;
	records->nattrs = 0;
	for (size_t i = 0; i < RECORD_FIELDS; i++)
		records->fields[i].set = false;
	records->resource = trace_builder_resource(records->builder);
	records->nrecords++;
}

static bool is_value(enum jread_event event)
{
	return event == JREAD_STRING || event == JREAD_NUMBER || event == JREAD_TRUE ||
	       event == JREAD_FALSE;
}

static int records_on_event(void *ctx, enum jread_event event, const char *path, const char *text,
			    size_t len)
{
	struct records *records = ctx;
	const struct record_format *format = records->format;

	if (event == JREAD_ARRAY && format->list && strcmp(path, format->list) == 0)
		records->has_list = true;
	if (!records->open && event == JREAD_OBJECT && is_record(format, path)) {
		begin_record(records, path);
	} else if (records->open && event == JREAD_OBJECT_END &&
		   strlen(path) + 1 == records->base) {
		records->open = false;
		format->end(records);
	} else if (records->open && is_value(event)) {
		if (event == JREAD_NUMBER)
			len = trace_number_len(text, len);
		records_take_value(records, path + records->base, text, len);
	} else if (!records->open && format->outside && (is_value(event) || event == JREAD_ARRAY)) {
		format->outside(records, event, path, text, len);
	}
	return trace_builder_failed(records->builder) ? -E2BIG : JREAD_GO;
}

void *records_start(const void *format, struct trace_builder *builder)
{
	struct records *records = xcalloc(1, sizeof(*records));

	records->format = format;
	records->builder = builder;
	records->paths = paths_new(records_on_event, records);
	paths_repair(records->paths);
	buf_init(&records->cursor, LIMIT_CURSOR_BYTES);
	return records;
}

int records_feed(void *state, const char *data, size_t len, struct err *err)
{
	struct records *records = state;

	return paths_feed(records->paths, data, len, err);
}

int records_finish(void *state, struct err *err)
{
	struct records *records = state;
	int error = paths_finish(records->paths, err);

	if (error || !records->format->list || records->has_list)
		return error;
	return err_set(err, EBADMSG, "%s", records->format->foreign);
}

const char *records_cursor(const void *state)
{
	const struct records *records = state;

	if (records->format->only_empty_goes_on && records->nrecords > 0)
		return NULL;
	return records->cursor.len > 0 && !records->cursor.failed ? records->cursor.data : NULL;
}

void records_free(void *state)
{
	struct records *records = state;

	if (!records)
		return;
	paths_free(records->paths);
	map_free(records->failures);
	free(records->failure);
	buf_fini(&records->cursor);
	free(records);
}
