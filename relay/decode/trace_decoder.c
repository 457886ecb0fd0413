/*
 * Trace decoder: feeds one document through its encoding into a builder, and splits a file into its
 * documents. See trace_decoder.h.
 */
#include "tracepager/trace_decoder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "encodings-internal.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

struct trace_decoder {
	const struct trace_encoding_ops *ops;
	struct trace_builder *builder;
	void *state;
	size_t bytes, max_bytes;
	struct err failed; /* code 0: not failed */
};

struct trace_decoder *trace_decoder_new(enum trace_encoding encoding,
					const struct trace_options *options)
{
	struct trace_decoder *decoder = xcalloc(1, sizeof(*decoder));

	decoder->ops = trace_encodings[encoding];
	decoder->max_bytes = options && options->max_body_bytes > 0 ? options->max_body_bytes
								    : LIMIT_TRACE_BODY_BYTES;
	decoder->builder = trace_builder_new(options);
	decoder->state = decoder->ops->start(decoder->ops->variant, decoder->builder);
	return decoder;
}

void trace_decoder_free(struct trace_decoder *decoder)
{
	if (!decoder)
		return;
	decoder->ops->free(decoder->state);
	trace_builder_free(decoder->builder);
	free(decoder);
}

static int decoder_fail(struct trace_decoder *decoder, int code, struct err *err)
{
	if (decoder->failed.code == 0)
		err_set(&decoder->failed, -code, "the trace cannot be read");
	if (err)
		*err = decoder->failed;
	return -decoder->failed.code;
}

int trace_decoder_feed(struct trace_decoder *decoder, const char *data, size_t len, struct err *err)
{
	struct trace_set *none = NULL;
	int code;

	if (decoder->failed.code != 0)
		return decoder_fail(decoder, -decoder->failed.code, err);
	if (len > decoder->max_bytes - decoder->bytes) {
		err_set(&decoder->failed, E2BIG, "the trace document has more than %zu bytes",
			decoder->max_bytes);
		return decoder_fail(decoder, -E2BIG, err);
	}
	decoder->bytes += len;
	code = decoder->ops->feed(decoder->state, data, len, &decoder->failed);
	if (code == 0)
		return 0;
	/* Only the builder knows which cap was exceeded. */
	if (trace_builder_failed(decoder->builder)) {
		code = trace_builder_finish(decoder->builder, &none, &decoder->failed);
		trace_set_free(none);
	}
	return decoder_fail(decoder, code, err);
}

int trace_decoder_page(struct trace_decoder *decoder, struct err *err)
{
	int code = decoder->failed.code ? -decoder->failed.code
					: decoder->ops->finish(decoder->state, &decoder->failed);

	if (code != 0)
		return decoder_fail(decoder, code, err);
	decoder->ops->free(decoder->state);
	decoder->state = decoder->ops->start(decoder->ops->variant, decoder->builder);
	return 0;
}

const char *trace_decoder_cursor(const struct trace_decoder *decoder)
{
	return decoder->ops->cursor ? decoder->ops->cursor(decoder->state) : NULL;
}

bool trace_decoder_is_empty(const struct trace_decoder *decoder)
{
	return trace_builder_nspans(decoder->builder) == 0;
}

int trace_decoder_finish(struct trace_decoder *decoder, struct trace_set **ret_set, struct err *err)
{
	int code;

	if (decoder->failed.code != 0)
		return decoder_fail(decoder, -decoder->failed.code, err);
	code = decoder->ops->finish(decoder->state, &decoder->failed);
	if (code == 0)
		code = trace_builder_finish(decoder->builder, ret_set, &decoder->failed);
	return code == 0 ? 0 : decoder_fail(decoder, code, err);
}

/* Documents. */

struct documents {
	const struct trace_options *options;
	trace_document_handler *handler;
	void *ctx;
};

/* Adds to an error about a document's end that the document is cut off. */
static void tell_cut_off(struct err *err)
{
	static const char cure[] = "; the document is cut off";
	const char *end = strstr(err->text, "ends inside a");
	size_t len = strlen(err->text);

	if (end && !strchr(end, '"') && len + sizeof(cure) <= sizeof(err->text))
		memcpy(err->text + len, cure, sizeof(cure));
}

static int decode_document(const struct documents *documents, const char *data, size_t len,
			   struct trace_set **ret_set, struct err *err)
{
	enum trace_encoding encoding;
	struct trace_decoder *decoder;
	int code = trace_recognise(data, len, &encoding, err);

	if (code != 0)
		return code;
	decoder = trace_decoder_new(encoding, documents->options);
	code = trace_decoder_feed(decoder, data, len, err);
	if (code == 0)
		code = trace_decoder_finish(decoder, ret_set, err);
	trace_decoder_free(decoder);
	return code;
}

/* Lines that hold no traces but other signals, as the file exporter of a collector writes them:
 * they are counted, not refused one by one. */
struct other_signals {
	unsigned int n;
	int first_line;
};

/* others: NULL where the document is the whole file. */
static void one_document(const struct documents *documents, const char *data, size_t len, int line,
			 struct other_signals *others)
{
	struct trace_set *set = NULL;
	struct err err = { 0 };

	if (decode_document(documents, data, len, &set, &err) == 0) {
		documents->handler(documents->ctx, line, set, NULL);
		return;
	}
	tell_cut_off(&err);
	if (err.code == ENOMSG && others) {
		if (others->n++ == 0)
			others->first_line = line;
		return;
	}
	if (err.code == ENOMSG)
		err.code = EPROTONOSUPPORT;
	if (err.line > 0)
		err.line += line - 1;
	documents->handler(documents->ctx, line, NULL, &err);
}

/* Iterates over lines that are not blank. */
struct lines {
	const char *at, *end;
	int line; /* number of the line that next_line() returned last */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool next_line(struct lines *lines, const char **ret_line, size_t *ret_len)
{
	while (lines->at < lines->end) {
		const char *start = lines->at;
		const char *newline = memchr(start, '\n', (size_t)(lines->end - start));
		const char *stop = newline ? newline : lines->end;

		lines->at = newline ? newline + 1 : lines->end;
		lines->line++;
		for (const char *p = start; p < stop; p++) {
			if (!is_space(*p)) {
				*ret_line = start;
				*ret_len = (size_t)(stop - start);
				return true;
			}
		}
	}
	return false;
}

static int ignore_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	(void)ctx;
	(void)text;
	(void)len;
	return event == JREAD_OBJECT || event == JREAD_ARRAY ? JREAD_SKIP : JREAD_GO;
}

static bool starts_container(const char *line, size_t len)
{
	while (len > 0 && is_space(line[0])) {
		line++;
		len--;
	}
	return len > 0 && (line[0] == '{' || line[0] == '[');
}

/* Is the line one complete list or object? */
static bool is_whole(const char *line, size_t len)
{
	struct jread *jread;
	bool whole;

	if (!starts_container(line, len))
		return false;
	jread = trace_jread_new(JREAD_ONE, ignore_event, NULL);
	whole = jread_feed(jread, line, len) == 0 && jread_finish(jread) == 0;
	jread_free(jread);
	return whole;
}

/*
 * Is this JSON Lines: more than one line, and the first is a document? If the first is none, it may
 * be a bad line among good ones: then the second line is a document, and so is the third if there
 * is one. A document spread over several lines does not have two such lines.
 */
static bool is_json_lines(const char *data, size_t len)
{
	struct lines lines = { .at = data, .end = data + len };
	const char *first, *line;
	size_t first_len, line_len;

	if (!next_line(&lines, &first, &first_len) || !next_line(&lines, &line, &line_len))
		return false;
	if (is_whole(first, first_len))
		return true;
	if (!is_whole(line, line_len))
		return false;
	return !next_line(&lines, &line, &line_len) || is_whole(line, line_len);
}

/*
 * A file of something else, such as one span per line, is refused once, not ten thousand times: is
 * every line refused for the same reason?
 */
static bool all_foreign(struct lines lines, struct err *ret_err)
{
	enum trace_encoding encoding;
	struct err err;
	const char *line;
	size_t len;
	unsigned int n = 0;

	while (next_line(&lines, &line, &len)) {
		int code = trace_recognise(line, len, &encoding, &err);

		if (code != -EPROTONOSUPPORT && code != -ENOMSG)
			return false;
		if (n++ == 0)
			*ret_err = err;
		else if (strcmp(err.text, ret_err->text) != 0)
			return false;
	}
	ret_err->code = EPROTONOSUPPORT;
	err_prefix(ret_err, "all %u lines", n);
	return true;
}

static void tell_others(const struct documents *documents, const struct other_signals *others)
{
	struct err err;

	if (others->n == 0)
		return;
	err_set(&err, ENOMSG, "%u line%s hold%s logs, metrics or profiles, not traces: left out",
		others->n, others->n == 1 ? "" : "s", others->n == 1 ? "s" : "");
	documents->handler(documents->ctx, others->first_line, NULL, &err);
}

/* Editors and shells of Windows put a byte order mark before UTF-8. */
static size_t mark_len(const char *data, size_t len)
{
	return len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

void trace_documents(const char *data, size_t len, const struct trace_options *options,
		     trace_document_handler *handler, void *ctx)
{
	const struct documents documents = { options, handler, ctx };
	const size_t mark = mark_len(data, len);
	struct lines lines = { .at = data + mark, .end = data + len };
	struct other_signals others = { 0 };
	bool text = false;
	struct err err;
	const char *line;
	size_t line_len;

	data += mark;
	len -= mark;
	if (trace_is_protobuf(data, len) || !is_json_lines(data, len)) {
		one_document(&documents, data, len, 1, NULL);
		return;
	}
	if (all_foreign(lines, &err)) {
		handler(ctx, 1, NULL, &err);
		return;
	}
	while (next_line(&lines, &line, &line_len)) {
		bool was_text = text;

		/* Where several lines in a row are no JSON, only the first is reported. */
		text = !starts_container(line, line_len);
		if (!text || !was_text)
			one_document(&documents, line, line_len, lines.line, &others);
	}
	tell_others(&documents, &others);
}
