/*
 * The table of trace encodings, made from tbl/encodings.def. Owns nothing.
 */
#include "tracepager/trace_decoder.h"

#define ENCODING(id, name, text) extern const struct trace_encoding_ops trace_encoding_##id;
#include "tracepager/tbl/encodings.def"
#undef ENCODING

const struct trace_encoding_ops *const trace_encodings[TRACE_ENCODING_COUNT] = {
#define ENCODING(id, name, text) [TRACE_ENCODING_##id] = &trace_encoding_##id,
#include "tracepager/tbl/encodings.def"
#undef ENCODING
};
