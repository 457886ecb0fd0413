/*
 * X-Ray segment documents. A segment is the work of one service and becomes a SERVER span.
 * Subsegments are nested in their segment, or come as documents of their own; one with a namespace
 * (aws, remote) is a call that left the process, and becomes a CLIENT span to the service that it
 * names. Inferred segments are skipped: X-Ray derives them from the subsegments of calls to
 * services that send no segments, so they add nothing.
 *
 * fault is a failure of the server (5xx, exceptions). error is the caller's fault (4xx, including
 * throttle), and counts as a failure only on the caller's side.
 *
 * A document is read twice, since a subsegment may precede the id of the object around it: first
 * for the ids, then for all else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "encodings-internal.h"
#include "tracepager/paths.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "xray-internal.h"

#define SUBSEGMENTS "subsegments"

struct attr_value {
	unsigned int key;
	uint32_t value;
};

/* A segment or subsegment that is open. */
struct frame {
	size_t base;			    /* offset of the paths of its own members */
	uint32_t number, around;	    /* numbers of this frame and of the one around it */
	uint32_t id, parent, name, message; /* interned texts */
	uint32_t aws_operation;
	int64_t start_us, end_us;
	bool fault, error, in_progress, inferred, subsegment, leaves;
	char method[LIMIT_HTTP_METHOD_BYTES + 1], target[LIMIT_HTTP_TARGET_BYTES + 1];
	struct attr_value attrs[LIMIT_SPAN_ATTRS];
	unsigned int nattrs;
};

/* A span of the trace, and the document that it came in. */
struct placed {
	uint32_t id, document;
};

/* The service of a document is its resource; that of a lone subsegment is the service of its
 * parent. */
struct document {
	uint32_t resource, parent; /* resource: or TRACE_NONE; parent: text */
};

struct xray_segments {
	struct trace_builder *builder;
	struct paths *paths;
	bool only_ids; /* first reading */
	char trace_id[XRAY_ID_BYTES + 1];

	struct frame *frames; /* LIMIT_DEPTH of them */
	unsigned int nframes;
	uint32_t *ids; /* texts, in the order in which frames open */
	uint32_t nids, ids_size, opened;

	/* The trace. */
	uint32_t first_span;
	struct placed *spans;
	uint32_t nspans, spans_size;
	struct document *documents;
	uint32_t ndocuments, documents_size;
};

size_t xray_trace_id(const char *text, size_t len, char out[XRAY_ID_BYTES + 1])
{
	size_t n = 0;
	bool is_xray = len == 35 && memcmp(text, "1-", 2) == 0 && text[10] == '-';

	for (size_t i = is_xray ? 2 : 0; i < len && n < XRAY_ID_BYTES; i++)
		if (!is_xray || i != 10)
			out[n++] = text[i];
	out[n] = '\0';
	return n;
}

/* ---- spans ---- */

/* "POST /orders", as other tracers name the operation: the name in X-Ray is the service. */
static uint32_t http_operation(struct xray_segments *x, const struct frame *frame)
{
	char text[LIMIT_HTTP_METHOD_BYTES + LIMIT_HTTP_TARGET_BYTES + 2];
	size_t method = strlen(frame->method), target = strlen(frame->target);

	memcpy(text, frame->method, method);
	text[method] = ' ';
	memcpy(text + method + 1, frame->target, target);
	return trace_builder_text(x->builder, text, method + 1 + target);
}

static uint32_t xray_operation_of(struct xray_segments *x, const struct frame *frame)
{
	if (frame->subsegment && !frame->leaves)
		return frame->name;
	if (frame->aws_operation)
		return frame->aws_operation;
	return frame->method[0] && frame->target[0] ? http_operation(x, frame) : frame->name;
}

static enum span_kind xray_kind_of(const struct frame *frame)
{
	if (!frame->subsegment)
		return SPAN_SERVER;
	return frame->leaves ? SPAN_CLIENT : SPAN_INTERNAL;
}

static void xray_grow(void *block, uint32_t *size, uint32_t n, size_t element)
{
	void *old;

	if (n < *size)
		return;
	*size = *size > 0 ? *size * 2 : 64;
	memcpy(&old, block, sizeof(old));
	old = xrealloc_array(old, *size, element);
	memcpy(block, &old, sizeof(old));
}

static void place_span(struct xray_segments *x, uint32_t id)
{
	xray_grow(&x->spans, &x->spans_size, x->nspans, sizeof(*x->spans));
	x->spans[x->nspans++] = (struct placed){ .id = id, .document = x->ndocuments };
}

static void xray_add_span(struct xray_segments *x, const struct frame *frame)
{
	struct trace_builder *builder = x->builder;
	enum span_kind kind = xray_kind_of(frame);
	uint32_t operation = xray_operation_of(x, frame);
	struct span *span = trace_builder_span(builder);

	if (!span)
		return;
	span->id = frame->id;
	span->parent_id = frame->around != TRACE_NONE ? x->ids[frame->around] : frame->parent;
	span->name = operation;
	span->kind = (uint8_t)kind;
	span->start_us = frame->start_us;
	if (frame->end_us > frame->start_us)
		span->duration_us = frame->end_us - frame->start_us;
	span->resource = x->ndocuments; /* xray_segments_end() sets the final one */
	span->message = frame->message;
	if (frame->fault || (frame->error && kind != SPAN_SERVER))
		span->status = SPAN_STATUS_ERROR;
	for (unsigned int i = 0; i < frame->nattrs; i++)
		trace_builder_span_attr(builder, frame->attrs[i].key, frame->attrs[i].value);
	if (frame->leaves && frame->name)
		trace_builder_span_attr(builder, ATTR_PEER_SERVICE, frame->name);
	trace_builder_span_done(builder, x->trace_id, strlen(x->trace_id));
	place_span(x, frame->id);
	if (frame->in_progress)
		trace_builder_partial(builder);
}

/* The outermost frame ends: the service of the document is known. */
static void end_document(struct xray_segments *x, const struct frame *frame)
{
	struct document document = { .resource = TRACE_NONE, .parent = frame->parent };

	if (!frame->subsegment) {
		document.resource = trace_builder_resource(x->builder);
		trace_builder_resource_service(x->builder, document.resource, frame->name);
	}
	xray_grow(&x->documents, &x->documents_size, x->ndocuments, sizeof(*x->documents));
	x->documents[x->ndocuments++] = document;
}

/* ---- members ---- */

static void frame_attr(struct frame *frame, int key, uint32_t value)
{
	if (key >= 0 && value != TRACE_NONE && frame->nattrs < LIMIT_SPAN_ATTRS)
		frame->attrs[frame->nattrs++] =
			(struct attr_value){ .key = (unsigned int)key, .value = value };
}

/* Keeps the path of a URL without its query. */
static void take_target(struct frame *frame, const char *text, size_t len)
{
	const char *end = text + len;
	const char *at = memmem(text, len, "://", 3);
	size_t n = 0;

	if (at) {
		at = memchr(at + 3, '/', (size_t)(end - at - 3));
		text = at ? at : "/";
		end = at ? end : text + 1;
	}
	for (; text < end && *text != '?' && *text != '#' && n < LIMIT_HTTP_TARGET_BYTES; text++)
		frame->target[n++] = *text;
	frame->target[n] = '\0';
}

/* The first exception is the one that was thrown; the others are its causes. */
static void take_cause(struct frame *frame, enum attr key, uint32_t value)
{
	for (unsigned int i = 0; i < frame->nattrs; i++)
		if (frame->attrs[i].key == key)
			return;
	frame_attr(frame, (int)key, value);
	if (key == ATTR_EXCEPTION_MESSAGE)
		frame->message = value;
}

static const struct {
	const char *path;
	enum attr key;
} attributes[] = {
	{ "http.request.method", ATTR_HTTP_REQUEST_METHOD },
	{ "http.request.url", ATTR_URL_FULL },
	{ "http.response.status", ATTR_HTTP_RESPONSE_STATUS_CODE },
	{ "sql.database_type", ATTR_DB_SYSTEM },
	{ "aws.table_name", ATTR_DB_NAMESPACE },
	{ "aws.queue_url", ATTR_MESSAGING_DESTINATION_NAME },
	{ "aws.function_name", ATTR_FAAS_INVOKED_NAME },
};

static void xray_take_text(struct xray_segments *x, struct frame *frame, const char *path,
			   const char *text, size_t len)
{
	uint32_t value = trace_builder_value(x->builder, text, len);
	const char *annotation = path_below(path, "annotations.");

	if (value == TRACE_NONE)
		return;
	if (strcmp(path, "parent_id") == 0)
		frame->parent = value;
	else if (strcmp(path, "name") == 0)
		frame->name = value;
	else if (strcmp(path, "namespace") == 0)
		frame->leaves = jread_is(text, len, "aws") || jread_is(text, len, "remote");
	else if (strcmp(path, "type") == 0)
		frame->subsegment |= jread_is(text, len, "subsegment");
	else if (strcmp(path, "aws.operation") == 0)
		frame->aws_operation = value;
	else if (strcmp(path, "cause.exceptions.message") == 0)
		take_cause(frame, ATTR_EXCEPTION_MESSAGE, value);
	else if (strcmp(path, "cause.exceptions.type") == 0)
		take_cause(frame, ATTR_EXCEPTION_TYPE, value);
	else if (annotation)
		frame_attr(frame, trace_builder_attr(x->builder, annotation, strlen(annotation)),
			   value);
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
		if (strcmp(path, attributes[i].path) == 0)
			frame_attr(frame, (int)attributes[i].key, value);
	if (strcmp(path, "http.request.url") == 0)
		take_target(frame, text, len);
	if (strcmp(path, "http.request.method") == 0 && len <= LIMIT_HTTP_METHOD_BYTES)
		memcpy(frame->method, text, len);
}

static void take_bool(struct frame *frame, const char *path, bool value)
{
	if (strcmp(path, "fault") == 0)
		frame->fault = value;
	else if (strcmp(path, "error") == 0 || strcmp(path, "throttle") == 0)
		frame->error |= value;
	else if (strcmp(path, "in_progress") == 0)
		frame->in_progress = value;
	else if (strcmp(path, "inferred") == 0)
		frame->inferred = value;
}

static void xray_take_number(struct frame *frame, const char *path, const char *text, size_t len)
{
	if (strcmp(path, "start_time") == 0)
		time_of_seconds(text, len, &frame->start_us);
	else if (strcmp(path, "end_time") == 0)
		time_of_seconds(text, len, &frame->end_us);
}

static void xray_take_value(struct xray_segments *x, enum jread_event event, const char *path,
			    const char *text, size_t len)
{
	struct frame *frame = &x->frames[x->nframes - 1];

	path += frame->base;
	if (strcmp(path, "id") == 0 && event == JREAD_STRING) {
		frame->id = trace_builder_value(x->builder, text, len);
		x->ids[frame->number] = frame->id;
		return;
	}
	if (x->only_ids) {
		if (strcmp(path, "trace_id") == 0 && x->nframes == 1)
			xray_trace_id(text, len, x->trace_id);
		return;
	}
	if (event == JREAD_TRUE || event == JREAD_FALSE)
		take_bool(frame, path, event == JREAD_TRUE);
	else if (event == JREAD_NUMBER)
		xray_take_number(frame, path, text, len);
	if (event == JREAD_NUMBER)
		len = trace_number_len(text, len);
	xray_take_text(x, frame, path, text, len);
}

/* ---- the document ---- */

static int open_frame(struct xray_segments *x, const char *path)
{
	struct frame *frame;

	if (x->only_ids) {
		xray_grow(&x->ids, &x->ids_size, x->nids, sizeof(*x->ids));
		x->ids[x->nids++] = 0;
	}
	frame = &x->frames[x->nframes];
	*frame = (struct frame){ .base = *path ? strlen(path) + 1 : 0,
				 .number = x->opened++,
				 .around = TRACE_NONE,
				 .subsegment = x->nframes > 0 };
	if (x->nframes++ > 0)
		frame->around = x->frames[x->nframes - 2].number;
	return JREAD_GO;
}

/* An object ends: that of the innermost frame, or one inside of it. */
static void end_object(struct xray_segments *x, const char *path)
{
	const struct frame *frame = &x->frames[x->nframes - 1];

	if ((*path ? strlen(path) + 1 : 0) != frame->base)
		return;
	x->nframes--;
	if (x->only_ids || x->frames[0].inferred)
		return;
	xray_add_span(x, frame);
	if (x->nframes == 0)
		end_document(x, frame);
}

/* Long members without use here. */
static bool is_unused(const char *path)
{
	return strcmp(path, "metadata") == 0 || strcmp(path, "cause.paths") == 0 ||
	       strcmp(path, "cause.exceptions.stack") == 0;
}

static int xray_on_event(void *ctx, enum jread_event event, const char *path, const char *text,
			 size_t len)
{
	struct xray_segments *x = ctx;
	const char *own = x->nframes > 0 ? path + x->frames[x->nframes - 1].base : path;

	if (x->nframes == 0)
		return event == JREAD_OBJECT ? open_frame(x, path) : -EBADMSG;
	if (event == JREAD_KEY)
		return is_unused(own) ? JREAD_SKIP : JREAD_GO;
	if (event == JREAD_OBJECT)
		return strcmp(own, SUBSEGMENTS) == 0 ? open_frame(x, path) : JREAD_GO;
	if (event == JREAD_OBJECT_END)
		end_object(x, path);
	else if (event != JREAD_ARRAY && event != JREAD_ARRAY_END)
		xray_take_value(x, event, path, text, len);
	return trace_builder_failed(x->builder) ? -E2BIG : JREAD_GO;
}

static int read_once(struct xray_segments *x, const char *text, size_t len, bool only_ids,
		     struct err *err)
{
	int error;

	paths_reset(x->paths);
	x->only_ids = only_ids;
	x->nframes = 0;
	x->opened = 0;
	error = paths_feed(x->paths, text, len, err);
	return error ? error : paths_finish(x->paths, err);
}

int xray_segments_read(struct xray_segments *x, const char *text, size_t len, const char *trace_id,
		       struct err *err)
{
	int error;

	x->nids = 0;
	xray_trace_id(trace_id, strlen(trace_id), x->trace_id);
	error = read_once(x, text, len, true, err);
	return error ? error : read_once(x, text, len, false, err);
}

/* ---- the trace ---- */

static int xray_by_id(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Follows a lone subsegment to the document of its parent. TRACE_NONE: the trace has no such
 * document. The parent may be a lone subsegment too; the number of steps is capped against circles.
 * */
static uint32_t xray_resource_of(const struct xray_segments *x, uint32_t document)
{
	for (unsigned int steps = 0; steps < LIMIT_DEPTH; steps++) {
		const struct document *at = &x->documents[document];
		const struct placed wanted = { .id = at->parent };
		const struct placed *parent;

		if (at->resource != TRACE_NONE)
			return at->resource;
		parent = bsearch(&wanted, x->spans, x->nspans, sizeof(*x->spans), xray_by_id);
		if (!parent)
			return TRACE_NONE;
		document = parent->document;
	}
	return TRACE_NONE;
}

void xray_segments_end(struct xray_segments *x)
{
	uint32_t *map = xcalloc(x->ndocuments + 1, sizeof(*map));
	uint32_t unknown = TRACE_NONE;

	if (x->nspans > 0)
		qsort(x->spans, x->nspans, sizeof(*x->spans), xray_by_id);
	for (uint32_t i = 0; i < x->ndocuments; i++) {
		map[i] = xray_resource_of(x, i);
		if (map[i] == TRACE_NONE && unknown == TRACE_NONE)
			unknown = trace_builder_resource(x->builder);
		if (map[i] == TRACE_NONE)
			map[i] = unknown;
	}
	if (x->ndocuments > 0 && !trace_builder_failed(x->builder))
		trace_builder_map_resources(x->builder, x->first_span, map, x->ndocuments);
	free(map);
	x->first_span = trace_builder_nspans(x->builder);
	x->nspans = x->ndocuments = 0;
}

struct xray_segments *xray_segments_new(struct trace_builder *builder)
{
	struct xray_segments *x = xcalloc(1, sizeof(*x));

	x->builder = builder;
	x->first_span = trace_builder_nspans(builder);
	x->frames = xcalloc(LIMIT_DEPTH, sizeof(*x->frames));
	x->paths = paths_new(xray_on_event, x);
	paths_repair(x->paths);
	return x;
}

void xray_segments_free(struct xray_segments *x)
{
	if (!x)
		return;
	paths_free(x->paths);
	free(x->frames);
	free(x->ids);
	free(x->spans);
	free(x->documents);
	free(x);
}
