/*
 * Trace decoders: bytes in, traces out, as the bytes arrive. One file per encoding, listed in
 * tbl/encodings.def.
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

struct trace_decoder; /* one document being read */

/* What an encoding provides. state is its own, freed by its free(). */
struct trace_encoding_ops {
	const char *name;    /* "jaeger-json" */
	const char *text;    /* "Jaeger API JSON" */
	const void *variant; /* given to start(): which of several encodings of one file it is */
	void *(*start)(const void *variant, struct trace_builder *builder);
	int (*feed)(void *state, const char *data, size_t len, struct err *err); /* 0 or -errno */
	int (*finish)(void *state,
		      struct err *err); /* the document is whole; the builder is filled */
	void (*free)(void *state);
	/* Where the document says that its next page begins (see trace_decoder_cursor()). NULL: it
	 * has no pages. */
	const char *(*cursor)(const void *state);
};
extern const struct trace_encoding_ops *const trace_encodings[TRACE_ENCODING_COUNT];

struct trace_decoder *trace_decoder_new(enum trace_encoding encoding,
					const struct trace_options *options);
void trace_decoder_free(
	struct trace_decoder *decoder); /* takes NULL; a half-read document is dropped */
/* 0 or -errno: -EBADMSG not this encoding or broken, -E2BIG over a cap. Further feeds give the same
 * error. */
int trace_decoder_feed(struct trace_decoder *decoder, const char *data, size_t len,
		       struct err *err);
/* The document that was fed is a page of several: the spans of the next one join its. 0 or -errno,
 * as feed. */
int trace_decoder_page(struct trace_decoder *decoder, struct err *err);
/* Where the next page begins, in the source's own words; NULL: there is none. Borrowed, until the
 * decoder is used again. */
const char *trace_decoder_cursor(const struct trace_decoder *decoder);
/* Has no span come so far? */
bool trace_decoder_is_empty(const struct trace_decoder *decoder);
/* -ENOENT: a good document without a span (a search without a match). */
int trace_decoder_finish(struct trace_decoder *decoder, struct trace_set **ret_set,
			 struct err *err);

/*
 * What a text is, by its content: the keys of its outermost objects, not its name. len may be a
 * whole document or the part of it that is there; -EBADMSG: not JSON (place in err), nor protobuf;
 * -EPROTONOSUPPORT: JSON, but no encoding of ours, and err says what it looks like where that is
 * known ("a span document of Jaeger's Elasticsearch storage").
 */
int trace_recognise(const char *data, size_t len, enum trace_encoding *ret_encoding,
		    struct err *err);

/*
 * A file's worth of documents: one document, or JSON Lines of them (each line on its own: traces
 * are never regrouped across lines). Protobuf is always one. The handler gets each document's set
 * (taken: it frees it) or its error, with the line where it starts; lines in errors are the file's.
 * A file whose lines are all refused for one reason of trace_recognise() is one error.
 */
typedef void trace_document_handler(void *ctx, int line, struct trace_set *set,
				    const struct err *err);
void trace_documents(const char *data, size_t len, const struct trace_options *options,
		     trace_document_handler *handler, void *ctx);

#endif
