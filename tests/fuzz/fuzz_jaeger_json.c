/*
 * Jaeger JSON: see fuzz_trace.h.
 */
#include "fuzz_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		trace_set_free(fuzz_encoding(TRACE_ENCODING_JAEGER_JSON, data[0],
					     (const char *)data + 1, size - 1));
	return 0;
}
