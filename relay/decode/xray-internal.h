/*
 * X-Ray's segment documents: JSON documents that arrive as texts inside of an answer. Pure: any
 * thread may call.
 */
#ifndef TRACEPAGER_DECODE_XRAY_INTERNAL_H
#define TRACEPAGER_DECODE_XRAY_INTERNAL_H

#include "tracepager/err.h"
#include "tracepager/trace_builder.h"

/* Writes the 32 hexadecimal digits of "1-5759e988-bd862e3fe1be46a994272793", by which other tools
 * know the trace; any other id is copied, cut at XRAY_ID_BYTES. Returns the length. */
#define XRAY_ID_BYTES 64
size_t xray_trace_id(const char *text, size_t len, char out[XRAY_ID_BYTES + 1]);

/* Reads the documents of one trace after the other. Owns its reader and tables; the builder is
 * borrowed. */
struct xray_segments;
struct xray_segments *xray_segments_new(struct trace_builder *builder);
void xray_segments_free(struct xray_segments *segments); /* takes NULL */
/* Reads one document. trace_id: for a document that has none. 0 or -errno, as trace_decoder_feed().
 * */
int xray_segments_read(struct xray_segments *segments, const char *text, size_t len,
		       const char *trace_id, struct err *err);
/* All documents of the trace have been read: gives spans their services. */
void xray_segments_end(struct xray_segments *segments);

#endif
