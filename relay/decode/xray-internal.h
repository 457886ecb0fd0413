/*
 * X-Ray's segment documents, which arrive as texts inside of an answer: each one is a JSON document
 * of its own.
 */
#ifndef TRACEPAGER_FETCH_XRAY_INTERNAL_H
#define TRACEPAGER_FETCH_XRAY_INTERNAL_H

#include "tracepager/err.h"
#include "tracepager/trace_builder.h"

/* "1-5759e988-bd862e3fe1be46a994272793" as its 32 hex digits, which other tools know it by; any
 * other id stays as it is, cut to what fits. Returns the length. */
#define XRAY_ID_BYTES 64
size_t xray_trace_id(const char *text, size_t len, char out[XRAY_ID_BYTES + 1]);

/* The documents of one trace after the other. */
struct xray_segments;
struct xray_segments *xray_segments_new(struct trace_builder *builder);
void xray_segments_free(struct xray_segments *segments); /* takes NULL */
/* One document; trace_id is for one that has none. 0 or -errno, as trace_decoder_feed(). */
int xray_segments_read(struct xray_segments *segments, const char *text, size_t len,
		       const char *trace_id, struct err *err);
/* The trace has no more documents: spans get their services. */
void xray_segments_end(struct xray_segments *segments);

#endif
