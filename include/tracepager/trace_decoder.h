/*
 * Trace decoders: bytes of a document in, traces out, as the bytes arrive. One file per encoding,
 * listed in tbl/encodings.def. A decoder refuses documents over its caps and, after an error,
 * everything further. It owns what it has decoded until trace_decoder_finish() hands it over.
 *
 * Pure: any thread may call, one thread at a time for one decoder.
 */
#ifndef TRACEPAGER_TRACE_DECODER_H
#define TRACEPAGER_TRACE_DECODER_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/err.h"
#include "tracepager/trace_builder.h"

enum trace_encoding {
#define ENCODING(id, name, text) TRACE_ENCODING_##id,
#include "tracepager/tbl/encodings.def"
#undef ENCODING
	TRACE_ENCODING_COUNT
};

struct trace_decoder; /* reads one document, or its pages one after the other */

/* What an encoding provides. state belongs to the encoding; its free() frees it. */
struct trace_encoding_ops {
	const char *name;    /* "jaeger-json" */
	const char *text;    /* "Jaeger API JSON" */
	const void *variant; /* passed to start(); tells encodings of one file apart */
	void *(*start)(const void *variant, struct trace_builder *builder);
	int (*feed)(void *state, const char *data, size_t len, struct err *err); /* 0 or -errno */
	/* The document is whole; afterwards the builder has all of its spans. */
	int (*finish)(void *state, struct err *err);
	void (*free)(void *state);
	/* Where the document says that its next page begins (see trace_decoder_cursor()). NULL: the
	 * encoding has no pages. */
	const char *(*cursor)(const void *state);
};
extern const struct trace_encoding_ops *const trace_encodings[TRACE_ENCODING_COUNT];

struct trace_decoder *trace_decoder_new(enum trace_encoding encoding,
					const struct trace_options *options);
void trace_decoder_free(
	struct trace_decoder *decoder); /* takes NULL; drops a document that is read in part */
/* 0 or -errno: -EBADMSG the document is broken or of another encoding, -E2BIG it exceeds a cap.
 * After an error every further feed returns the same error. err may be NULL. */
int trace_decoder_feed(struct trace_decoder *decoder, const char *data, size_t len,
		       struct err *err);
/* The document that was fed is one page of several: begins the next page, whose spans join those
 * that are there. 0 or -errno, as trace_decoder_feed(). */
int trace_decoder_page(struct trace_decoder *decoder, struct err *err);
/* Where the next page begins, in the source's own words; NULL: this page is the last. Borrowed
 * until the decoder is used again. */
const char *trace_decoder_cursor(const struct trace_decoder *decoder);
/* true: the document has had no span so far. */
bool trace_decoder_is_empty(const struct trace_decoder *decoder);
/* *ret_set: the caller frees it. 0 or -errno, as trace_decoder_feed(); -ENOENT: a good document
 * without a span (a search without a match). */
int trace_decoder_finish(struct trace_decoder *decoder, struct trace_set **ret_set,
			 struct err *err);

/*
 * Finds the encoding of a text from its content: the keys of its outermost objects. len may cover
 * the whole document or only its beginning. -EBADMSG: neither JSON nor protobuf (err has line and
 * column); -EPROTONOSUPPORT: JSON, but no encoding of ours; err names the known shapes ("a span
 * document of Jaeger's Elasticsearch storage"); -ENOMSG: OTLP of another signal, such as logs.
 */
int trace_recognise(const char *data, size_t len, enum trace_encoding *ret_encoding,
		    struct err *err);

/*
 * Decodes all documents of a file: one document, or JSON Lines, of which each line is a document of
 * its own (spans of one trace on two lines stay two traces). Protobuf is always one document; a
 * byte order mark before JSON is skipped. The handler gets each document's set (taken: the handler
 * frees it) or its error, with the line on which the document starts; lines in errors count from
 * the file's first. A file whose lines are all refused by trace_recognise() for the same reason is
 * one error. Lines of other signals among traces (OTLP logs, metrics, profiles) are told once, at
 * the end, with code ENOMSG: a note, since nothing is missing from the traces.
 */
typedef void trace_document_handler(void *ctx, int line, struct trace_set *set,
				    const struct err *err);
void trace_documents(const char *data, size_t len, const struct trace_options *options,
		     trace_document_handler *handler, void *ctx);

#endif
