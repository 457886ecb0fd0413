/*
 * The encodings of X-Ray, Elasticsearch and OpenSearch, Datadog and Google. The first byte is the
 * first letter of the encoding's name; for the rest see fuzz_trace.h.
 */
#include "fuzz_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum trace_encoding encodings[] = {
		TRACE_ENCODING_XRAY_JSON,
		TRACE_ENCODING_ELASTIC_JSON,
		TRACE_ENCODING_DATADOG_JSON,
		TRACE_ENCODING_GCP_JSON,
	};

	for (size_t i = 0; size > 1 && i < sizeof(encodings) / sizeof(*encodings); i++)
		if (trace_encodings[encodings[i]]->name[0] == (char)data[0])
			trace_set_free(fuzz_encoding(encodings[i], data[1], (const char *)data + 2,
						     size - 2));
	return 0;
}
