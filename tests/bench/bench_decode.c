/*
 * What reading a trace costs, beside what others need for less: jansson builds its tree and stops
 * there, yajl calls empty functions, memcpy only moves the bytes. Ours fills the arrays, links the
 * tree, and is fed 16 KiB at a time, as a connection would. All in one run, one after the other,
 * several rounds; the median of each is shown.
 *
 * Memory is what malloc was asked for by our own code (the linker wraps it), so that a peak inside
 * of finish shows.
 *
 * usage: bench_decode [largest number of spans]
 */
#include <inttypes.h>
#include <jansson.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yajl/yajl_parse.h>

#include "gen_trace.h"
#include "tracepager/limits.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/walk.h"
#include "tracepager/xalloc.h"

#define PIECE_BYTES (16u << 10)
#define ROUNDS	    7
/* A round repeats a small document until about so much was read. */
#define ROUND_BYTES (4u << 20)

/* --- Memory --- */

static size_t heap_bytes, heap_peak;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *block);

static void *count(void *block)
{
	heap_bytes += malloc_usable_size(block);
	if (heap_bytes > heap_peak)
		heap_peak = heap_bytes;
	return block;
}

void *__wrap_malloc(size_t size)
{
	return count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return count(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size)
{
	heap_bytes -= malloc_usable_size(old);
	return count(__real_realloc(old, size));
}

void __wrap_free(void *block)
{
	heap_bytes -= malloc_usable_size(block);
	__real_free(block);
}

/* --- The contestants --- */

struct document {
	enum trace_encoding encoding;
	unsigned int nspans;
	char *text;
	size_t len;
	char *copy; /* for memcpy */
};

static int64_t now_ns(void)
{
	struct timespec now;

	/* of this process: others on the machine do not count */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_decode: %s: %s\n", what, why);
	exit(1);
}

static struct trace_set *decode(const struct document *document)
{
	const struct trace_options options = { .max_body_bytes = LIMIT_EXPLAIN_FILE_BYTES };
	struct trace_decoder *decoder = trace_decoder_new(document->encoding, &options);
	struct trace_set *set = NULL;
	struct err err = { 0 };

	for (size_t at = 0; at < document->len; at += PIECE_BYTES) {
		size_t rest = document->len - at;

		if (trace_decoder_feed(decoder, document->text + at,
				       rest < PIECE_BYTES ? rest : PIECE_BYTES, &err) != 0)
			die("feed", err.text);
	}
	if (trace_decoder_finish(decoder, &set, &err) != 0)
		die("finish", err.text);
	trace_decoder_free(decoder);
	return set;
}

static void run_ours(const struct document *document)
{
	trace_set_free(decode(document));
}

static void run_jansson(const struct document *document)
{
	json_t *tree = json_loadb(document->text, document->len, 0, NULL);

	if (tree == NULL)
		die("jansson", "refused");
	json_decref(tree);
}

static int sax_simple(void *ctx)
{
	(void)ctx;
	return 1;
}

static int sax_boolean(void *ctx, int value)
{
	(void)ctx;
	(void)value;
	return 1;
}

static int sax_number(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	(void)text;
	(void)len;
	return 1;
}

static int sax_string(void *ctx, const unsigned char *text, size_t len)
{
	(void)ctx;
	(void)text;
	(void)len;
	return 1;
}

static void run_yajl(const struct document *document)
{
	static yajl_callbacks callbacks = {
		.yajl_null = sax_simple,
		.yajl_boolean = sax_boolean,
		.yajl_number = sax_number,
		.yajl_string = sax_string,
		.yajl_start_map = sax_simple,
		.yajl_map_key = sax_string,
		.yajl_end_map = sax_simple,
		.yajl_start_array = sax_simple,
		.yajl_end_array = sax_simple,
	};
	yajl_handle handle = yajl_alloc(&callbacks, NULL, NULL);

	/* in one piece: it is slower in small ones */
	if (yajl_parse(handle, (const unsigned char *)document->text, document->len) !=
	    yajl_status_ok)
		die("yajl", "refused");
	if (yajl_complete_parse(handle) != yajl_status_ok)
		die("yajl", "refused at the end");
	yajl_free(handle);
}

static void run_memcpy(const struct document *document)
{
	memcpy(document->copy, document->text, document->len);
	/* the copy is used, whatever the compiler thinks */
	__asm__ volatile("" : : "r"(document->copy) : "memory");
}

/* --- Measuring --- */

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

/* ns for one document. */
static double measure(void (*run)(const struct document *), const struct document *document)
{
	size_t times = document->len < ROUND_BYTES ? ROUND_BYTES / document->len : 1;
	int64_t start = now_ns();

	for (size_t i = 0; i < times; i++)
		run(document);
	return (double)(now_ns() - start) / (double)times;
}

static double measure_walk(const struct trace_set *set)
{
	const struct walk_options options = { .codes_fail = true };
	double rounds[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++) {
		struct arena *arena = arena_new(SIZE_MAX / 2);
		struct walk walk;
		int64_t start = now_ns();

		walk_trace(arena, &set->traces[0], &options, &walk);
		rounds[i] = (double)(now_ns() - start);
		arena_free(arena);
	}
	return median(rounds, ROUNDS);
}

static void bench(const struct document *document)
{
	static void (*const runs[])(const struct document *) = { run_ours, run_jansson, run_yajl,
								 run_memcpy };
	double rounds[ARRAY_LEN(runs)][ROUNDS], ns[ARRAY_LEN(runs)], n = document->nspans;
	struct trace_set *set;
	size_t before, kept, scratch;

	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < ARRAY_LEN(runs); i++)
			rounds[i][round] = measure(runs[i], document);
	for (size_t i = 0; i < ARRAY_LEN(runs); i++)
		ns[i] = median(rounds[i], ROUNDS);
	heap_peak = before = heap_bytes;
	set = decode(document);
	kept = set->traces[0].nspans * sizeof(struct span) +
	       set->nattrs * sizeof(struct span_attr) + set->nresources * sizeof(struct resource) +
	       set->nresource_attrs * sizeof(struct resource_attr);
	scratch = heap_peak - before - (heap_bytes - before);
	printf("%-8s %7u %6.1f |",
	       document->encoding == TRACE_ENCODING_JAEGER_JSON ? "jaeger" : "otlp",
	       document->nspans, (double)document->len / 1e6);
	for (size_t i = 0; i < ARRAY_LEN(runs); i++)
		printf(" %6.0f %6.0f |", (double)document->len * 1e3 / ns[i], ns[i] / n);
	printf(" %5.1f %5.1f | %5.0f %7.0f %7.0f | %7.0f\n", ns[1] / ns[0], ns[2] / ns[0],
	       (double)kept / n, (double)scratch / n, (double)set->string_bytes / n,
	       measure_walk(set) / n);
	fflush(stdout);
	trace_set_free(set);
}

int main(int argc, char **argv)
{
	static const unsigned int sizes[] = { 10, 1000, 10000, 100000 };
	unsigned int most = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 100000;

	printf("MB/s and ns per span; bytes per span\n"
	       "                         |    tracepager |       jansson |          yajl |        "
	       "memcpy "
	       "| times faster  |       memory          |    walk\n"
	       "document   spans     MB  |   MB/s     ns |   MB/s     ns |   MB/s     ns |   MB/s  "
	       "   ns "
	       "| jansson  yajl |  kept scratch strings |      ns\n");
	for (size_t kind = 0; kind < 2; kind++) {
		for (size_t i = 0; i < ARRAY_LEN(sizes) && sizes[i] <= most; i++) {
			struct document document = { .nspans = sizes[i] };

			document.encoding =
				kind == 0 ? TRACE_ENCODING_JAEGER_JSON : TRACE_ENCODING_OTLP_JSON;
			document.text = (kind == 0 ? gen_jaeger_json
						   : gen_otlp_json)(sizes[i], &document.len);
			document.copy = xcalloc(1, document.len);
			bench(&document);
			free(document.text);
			free(document.copy);
		}
	}
	return 0;
}
