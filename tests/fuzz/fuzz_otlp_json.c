/*
 * OTLP JSON, and the recognition before it. The first byte says where the input is cut in two:
 * pieces must not change the verdict.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tracepager/trace_decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int decode(const char *text, size_t len, size_t cut, uint32_t *ret_traces)
{
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_OTLP_JSON, NULL);
	struct trace_set *set = NULL;
	struct err err;
	int code = trace_decoder_feed(decoder, text, cut, &err);

	if (code == 0)
		code = trace_decoder_feed(decoder, text + cut, len - cut, &err);
	if (code == 0)
		code = trace_decoder_finish(decoder, &set, &err);
	*ret_traces = set != NULL ? set->ntraces : 0;
	trace_set_free(set);
	trace_decoder_free(decoder);
	return code;
}

static void take(void *ctx, int line, struct trace_set *set, const struct err *err)
{
	(void)ctx;
	if (line < 1 || (set == NULL) == (err == NULL))
		abort();
	trace_set_free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t whole_traces, cut_traces;
	const char *text;
	size_t len;
	int code;

	if (size == 0)
		return 0;
	text = (const char *)data + 1;
	len = size - 1;
	code = decode(text, len, len, &whole_traces);
	if (decode(text, len, data[0] < len ? data[0] : len / 2, &cut_traces) != code ||
	    cut_traces != whole_traces)
		abort();
	trace_documents(text, len, NULL, take, NULL);
	return 0;
}
