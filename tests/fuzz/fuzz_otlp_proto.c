/*
 * OTLP protobuf and that of Tempo (see fuzz_trace.h), trace_recognise() before them and
 * trace_encode_otlp() after them: a written trace must have as many spans when it is read, and be
 * written the same again. The lowest bit of the first byte chooses the encoding.
 */
#include "fuzz_trace.h"
#include "tracepager/trace_encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_written(const struct trace *trace)
{
	struct buf once = BUF_INIT(64u << 20), again = BUF_INIT(64u << 20);
	struct trace_set *set = NULL;
	struct err err;

	trace_encode_otlp(trace, &once);
	fuzz_require(fuzz_decode(TRACE_ENCODING_OTLP_PROTO, buf_text(&once), once.len, 0, NULL,
				 &set, &err) == 0);
	fuzz_require(set->ntraces == 1 && set->traces[0].nspans == trace->nspans);
	trace_encode_otlp(&set->traces[0], &again);
	fuzz_require(once.len == again.len && memcmp(once.data, again.data, once.len) == 0);
	trace_set_free(set);
	buf_fini(&once);
	buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	struct trace_set *set;

	if (size == 0)
		return 0;
	set = fuzz_encoding(data[0] & 1 ? TRACE_ENCODING_TEMPO_PROTO : TRACE_ENCODING_OTLP_PROTO,
			    data[0], text, size - 1);
	for (uint32_t i = 0; set && i < set->ntraces; i++)
		check_written(&set->traces[i]);
	trace_set_free(set);
	trace_documents(text, size - 1, NULL, fuzz_take, NULL);
	return 0;
}
