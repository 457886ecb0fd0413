/*
 * X-Ray JSON: the answers of BatchGetTraces, {"Traces":[{"Id","Segments":[{"Document"}]}]};
 * xray_segment.c reads the documents. The cursor is NextToken, followed by the ids that X-Ray has
 * not processed, each after a blank.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "encodings-internal.h"
#include "tracepager/paths.h"
#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "xray-internal.h"

struct xray_json {
	struct trace_builder *builder;
	struct paths *paths;
	struct xray_segments *segments;
	struct err err; /* of a segment document */
	bool is_answer;
	char trace_id[XRAY_ID_BYTES + 1];
	struct buf token, unprocessed, cursor;
};

static int read_document(struct xray_json *x, const char *text, size_t len)
{
	struct err err = { 0 };
	int error = xray_segments_read(x->segments, text, len, x->trace_id, &err);

	if (error)
		err_set(&x->err, -error, "a segment's document: %s", err.text);
	return error;
}

static int xray_json_take_text(struct xray_json *x, const char *path, const char *text, size_t len)
{
	if (strcmp(path, "Traces.Segments.Document") == 0)
		return read_document(x, text, len);
	if (strcmp(path, "Traces.Id") == 0)
		xray_trace_id(text, len, x->trace_id);
	else if (strcmp(path, "NextToken") == 0)
		buf_add(&x->token, text, len);
	else if (strcmp(path, "UnprocessedTraceIds") == 0) {
		buf_putc(&x->unprocessed, ' ');
		buf_add(&x->unprocessed, text, len);
	}
	return JREAD_GO;
}

/* The outermost object ends, so that both parts of the cursor are known. */
static void make_cursor(struct xray_json *x)
{
	buf_reset(&x->cursor);
	buf_puts(&x->cursor, buf_text(&x->token));
	buf_puts(&x->cursor, buf_text(&x->unprocessed));
}

static int xray_json_on_event(void *ctx, enum jread_event event, const char *path, const char *text,
			      size_t len)
{
	struct xray_json *x = ctx;
	bool is_trace = strcmp(path, "Traces") == 0;

	x->is_answer |= is_trace && event == JREAD_ARRAY;
	if (is_trace && event == JREAD_OBJECT)
		x->trace_id[0] = '\0';
	else if (is_trace && event == JREAD_OBJECT_END)
		xray_segments_end(x->segments);
	else if (!*path && event == JREAD_OBJECT_END)
		make_cursor(x);
	else if (event == JREAD_TRUE && strcmp(path, "Traces.LimitExceeded") == 0)
		trace_builder_partial(x->builder);
	else if (event == JREAD_STRING)
		return xray_json_take_text(x, path, text, len);
	return trace_builder_failed(x->builder) ? -E2BIG : JREAD_GO;
}

static void *xray_json_start(const void *variant, struct trace_builder *builder)
{
	struct xray_json *x = xcalloc(1, sizeof(*x));

	(void)variant;
	x->builder = builder;
	x->paths = paths_new(xray_json_on_event, x);
	x->segments = xray_segments_new(builder);
	buf_init(&x->token, LIMIT_CURSOR_BYTES);
	buf_init(&x->unprocessed, LIMIT_CURSOR_BYTES);
	buf_init(&x->cursor, 2 * LIMIT_CURSOR_BYTES);
	return x;
}

static int xray_json_result(struct xray_json *x, int error, struct err *err)
{
	if (error && x->err.code && err) {
		int line = err->line, column = err->column;
		*err = x->err;
		err->line = line;
		err->column = column;
	}
	return error;
}

static int xray_json_feed(void *state, const char *data, size_t len, struct err *err)
{
	struct xray_json *x = state;

	return xray_json_result(x, paths_feed(x->paths, data, len, err), err);
}

static int xray_json_finish(void *state, struct err *err)
{
	struct xray_json *x = state;
	int error = paths_finish(x->paths, err);

	if (error)
		return xray_json_result(x, error, err);
	if (x->is_answer)
		return 0;
	return err_set(err, EBADMSG,
		       "the document has no list of Traces: it is not an answer of X-Ray's "
		       "BatchGetTraces");
}

static const char *xray_json_cursor(const void *state)
{
	const struct xray_json *x = state;

	return x->cursor.len > 0 ? x->cursor.data : NULL;
}

static void xray_json_free(void *state)
{
	struct xray_json *x = state;

	if (!x)
		return;
	paths_free(x->paths);
	xray_segments_free(x->segments);
	buf_fini(&x->token);
	buf_fini(&x->unprocessed);
	buf_fini(&x->cursor);
	free(x);
}

const struct trace_encoding_ops trace_encoding_XRAY_JSON = {
	.name = "xray-json",
	.text = "AWS X-Ray JSON",
	.start = xray_json_start,
	.feed = xray_json_feed,
	.finish = xray_json_finish,
	.free = xray_json_free,
	.cursor = xray_json_cursor,
};
