/*
 * X-Ray JSON: the answers of BatchGetTraces, {"Traces":[{"Id","Segments":[{"Document"}]}]};
 * xray_segment.c reads the documents. The cursor is NextToken, followed by the ids that X-Ray has
 * not processed, each after a blank.
 *
 * A file may also hold segment documents themselves, one after the other or in a list: what an
 * answer has as texts. Each is read twice, so their bytes are kept until the end.
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

/* What the outermost object or list has turned out to be. */
enum xray_form {
	XRAY_UNKNOWN,
	XRAY_ANSWER,
	XRAY_DOCUMENTS,
};

struct xray_json {
	struct trace_builder *builder;
	enum xray_form form;
	struct buf raw; /* until the form is known, and of XRAY_DOCUMENTS */
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

/* The first thing in the document shows its form: X-Ray writes members of answers in CamelCase. */
static enum xray_form xray_form_of(enum jread_event event, const char *path)
{
	if (event == JREAD_ARRAY)
		return XRAY_DOCUMENTS;
	if (event != JREAD_KEY)
		return XRAY_UNKNOWN;
	return *path >= 'A' && *path <= 'Z' ? XRAY_ANSWER : XRAY_DOCUMENTS;
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

	if (x->form == XRAY_UNKNOWN)
		x->form = xray_form_of(event, path);
	if (x->form == XRAY_DOCUMENTS)
		return event == JREAD_KEY || event == JREAD_ARRAY ? JREAD_SKIP : JREAD_GO;
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
	paths_repair(x->paths);
	x->segments = xray_segments_new(builder);
	buf_init(&x->token, LIMIT_CURSOR_BYTES);
	buf_init(&x->unprocessed, LIMIT_CURSOR_BYTES);
	buf_init(&x->cursor, 2 * LIMIT_CURSOR_BYTES);
	buf_init(&x->raw, LIMIT_TRACE_BODY_BYTES + 1);
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
	int error;

	if (x->form != XRAY_ANSWER && !buf_add(&x->raw, data, len))
		return err_set(err, E2BIG, "segment documents of more than %u bytes",
			       LIMIT_TRACE_BODY_BYTES);
	error = paths_feed(x->paths, data, len, err);
	if (x->form == XRAY_ANSWER)
		buf_fini(&x->raw);
	return xray_json_result(x, error, err);
}

/* ---- segment documents ---- */

static int xray_ignore(void *ctx, enum jread_event event, const char *text, size_t len)
{
	(void)ctx;
	(void)text;
	(void)len;
	return event == JREAD_OBJECT ? JREAD_SKIP : JREAD_GO;
}

/* The text, which is whole JSON, holds objects: reads each. */
static int read_documents(struct xray_json *x, struct err *err)
{
	const char *at = buf_text(&x->raw), *end = at + x->raw.len;
	struct jread *jread = jread_new(JREAD_SEQUENCE, xray_ignore, NULL);
	int error = 0;

	jread_repair(jread);
	while (!error) {
		size_t used = 0;
		bool complete = false;

		while (at < end && *at != '{')
			at++;
		if (at == end)
			break;
		jread_reset(jread);
		error = jread_feed_value(jread, at, (size_t)(end - at), &used, &complete);
		if (!error && complete)
			error = read_document(x, at, used);
		at += used;
	}
	jread_free(jread);
	xray_segments_end(x->segments);
	return xray_json_result(x, error, err);
}

static int xray_json_finish(void *state, struct err *err)
{
	struct xray_json *x = state;
	int error = paths_finish(x->paths, err);

	if (error)
		return xray_json_result(x, error, err);
	if (x->form == XRAY_DOCUMENTS)
		return read_documents(x, err);
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
	buf_fini(&x->raw);
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
