/*
 * Zipkin JSON of both versions, and the recognition before it: see fuzz_trace.h.
 */
#include "fuzz_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (size == 0)
		return 0;
	trace_set_free(fuzz_encoding(TRACE_ENCODING_ZIPKIN_V2, data[0], text, size - 1));
	trace_set_free(fuzz_encoding(TRACE_ENCODING_ZIPKIN_V1, data[0], text, size - 1));
	trace_documents(text, size - 1, NULL, fuzz_take, NULL);
	return 0;
}
