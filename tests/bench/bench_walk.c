/*
 * What a walk costs, by errors and by latency, over generated traces: nanoseconds and arena bytes
 * for each span. The median of several rounds.
 *
 * usage: bench_walk [largest number of spans]
 */
#include <stdio.h>
#include <stdlib.h>

#include "gen_trace.h"
#include "measure.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/walk.h"
#include "tracepager/xalloc.h"

#define ROUNDS 15

static struct trace_set *make(unsigned int nspans)
{
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_OTLP_PROTO, NULL);
	struct trace_set *set = NULL;
	struct err err = { 0 };
	size_t len;
	char *text = gen_otlp_proto(nspans, &len);

	if (trace_decoder_feed(decoder, text, len, &err) != 0 ||
	    trace_decoder_finish(decoder, &set, &err) != 0) {
		fprintf(stderr, "bench_walk: %s\n", err.text);
		exit(1);
	}
	trace_decoder_free(decoder);
	free(text);
	return set;
}

static void bench(const struct trace *trace, enum walk_mode mode, const char *name)
{
	const struct walk_options options = { .mode = mode, .codes_fail = true };
	double rounds[ROUNDS];
	size_t before = measure_bytes();
	struct walk walk;

	measure_peak_reset();
	for (size_t i = 0; i < ROUNDS; i++) {
		struct arena *arena = arena_new(SIZE_MAX / 2);
		int64_t start = cpu_ns();

		walk_trace(arena, trace, &options, &walk);
		rounds[i] = (double)(cpu_ns() - start);
		arena_free(arena);
	}
	double ns = median(rounds, ROUNDS) / trace->nspans;
	printf("%-8s %7u %8.1f %8.1f\n", name, trace->nspans, ns,
	       (double)(measure_peak() - before) / trace->nspans);
	if (trace->nspans == 10000)
		printf("row: Walk by %s, 10,000 spans | %.1f ns/span | — | —\n", name, ns);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const unsigned int sizes[] = { 100, 10000, 100000 };
	unsigned int most = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 100000;

	printf("walk       spans  ns/span  bytes a span\n");
	for (size_t i = 0; i < ARRAY_LEN(sizes) && sizes[i] <= most; i++) {
		struct trace_set *set = make(sizes[i]);

		bench(&set->traces[0], WALK_ERRORS, "errors");
		bench(&set->traces[0], WALK_LATENCY, "latency");
		trace_set_free(set);
	}
	return 0;
}
