/*
 * What reading a trace costs, beside what others need for less: jansson and protobuf-c build their
 * trees and stop there, yajl calls empty functions, memcpy only moves the bytes. Ours fills the
 * arrays, links the tree, and is fed 16 KiB at a time, as a connection would. All in one run, one
 * after the other, several rounds; the median of each is shown. A library that was not there when
 * this was configured is named, and the others go on.
 *
 * usage: bench_decode [largest number of spans]
 */
#include "config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_YAJL
#include <yajl/yajl_parse.h>
#endif
#ifdef HAVE_PROTOBUF_C
#include "tests/bench/otlp.pb-c.h"
#endif

#include "gen_trace.h"
#include "measure.h"
#include "tracepager/arena.h"
#include "tracepager/limits.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/walk.h"
#include "tracepager/xalloc.h"

#define PIECE_BYTES  (16u << 10)
#define ROUNDS	     7
#define ROUNDS_LARGE 3	   /* of documents beyond ROW_SPANS */
#define ROW_SPANS    10000 /* the size that the rows tell about */
#define CROWD	     64	   /* documents at once */
/* A round repeats a small document until about so much was read. */
#define ROUND_BYTES (4u << 20)

struct document {
	const char *name;
	enum trace_encoding encoding;
	unsigned int nspans;
	char *text;
	size_t len;
	char *copy; /* for memcpy */
};

/* Of ROW_SPANS: the other encodings are compared with it, in turns. */
static struct document jaeger = { .name = "Jaeger",
				  .encoding = TRACE_ENCODING_JAEGER_JSON,
				  .nspans = ROW_SPANS };

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_decode: %s: %s\n", what, why);
	exit(1);
}

/* --- The contestants: what they made of a document, and its end --- */

static struct trace_decoder *begin_ours(const struct document *document)
{
	const struct trace_options options = { .max_body_bytes = LIMIT_EXPLAIN_FILE_BYTES };

	return trace_decoder_new(document->encoding, &options);
}

static void feed_ours(struct trace_decoder *decoder, const struct document *document, size_t at)
{
	size_t rest = document->len - at;
	struct err err = { 0 };

	if (trace_decoder_feed(decoder, document->text + at,
			       rest < PIECE_BYTES ? rest : PIECE_BYTES, &err) != 0)
		die("feed", err.text);
}

static struct trace_set *finish_ours(struct trace_decoder *decoder)
{
	struct trace_set *set = NULL;
	struct err err = { 0 };

	if (trace_decoder_finish(decoder, &set, &err) != 0)
		die("finish", err.text);
	trace_decoder_free(decoder);
	return set;
}

static void *read_ours(const struct document *document)
{
	struct trace_decoder *decoder = begin_ours(document);

	for (size_t at = 0; at < document->len; at += PIECE_BYTES)
		feed_ours(decoder, document, at);
	return finish_ours(decoder);
}

static void *read_and_walk(const struct document *document)
{
	const struct walk_options options = { .mode = WALK_ERRORS, .codes_fail = true };
	struct trace_set *set = read_ours(document);
	struct arena *arena = arena_new(SIZE_MAX / 2);
	struct walk walk;

	walk_trace(arena, &set->traces[0], &options, &walk);
	arena_free(arena);
	return set;
}

static void drop_ours(void *set)
{
	trace_set_free(set);
}

static void *read_jansson(const struct document *document)
{
	json_t *tree = json_loadb(document->text, document->len, 0, NULL);

	if (tree == NULL)
		die("jansson", "refused");
	return tree;
}

static void drop_jansson(void *tree)
{
	json_decref(tree);
}

#ifdef HAVE_YAJL
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

static void *read_yajl(const struct document *document)
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
	return handle;
}

static void drop_yajl(void *handle)
{
	yajl_free(handle);
}
#else
#define read_yajl NULL
#define drop_yajl NULL
#endif

#ifdef HAVE_PROTOBUF_C
static void *read_protobuf_c(const struct document *document)
{
	Bench__TracesData *tree =
		bench__traces_data__unpack(NULL, document->len, (const uint8_t *)document->text);

	if (tree == NULL)
		die("protobuf-c", "refused");
	return tree;
}

static void drop_protobuf_c(void *tree)
{
	bench__traces_data__free_unpacked(tree, NULL);
}
#else
#define read_protobuf_c NULL
#define drop_protobuf_c NULL
#endif

static void *read_memcpy(const struct document *document)
{
	memcpy(document->copy, document->text, document->len);
	/* the copy is used, whatever the compiler thinks */
	__asm__ volatile("" : : "r"(document->copy) : "memory");
	return NULL;
}

static void drop_memcpy(void *nothing)
{
	(void)nothing;
}

enum { OURS, WALKED, JANSSON, YAJL, PROTOBUF_C, MEMCPY };

static const struct reader {
	const char *name;
	bool json, proto;
	void *(*read)(const struct document *document); /* NULL: not installed */
	void (*drop)(void *made);
	const char *package;
} readers[] = {
	[OURS] = { "tracepager", true, true, read_ours, drop_ours, NULL },
	[WALKED] = { "and walk", true, true, read_and_walk, drop_ours, NULL },
	[JANSSON] = { "jansson", true, false, read_jansson, drop_jansson, NULL },
	[YAJL] = { "yajl", true, false, read_yajl, drop_yajl, "libyajl-dev" },
	[PROTOBUF_C] = { "protobuf-c", false, true, read_protobuf_c, drop_protobuf_c,
			 "libprotobuf-c-dev protobuf-c-compiler" },
	[MEMCPY] = { "memcpy", true, true, read_memcpy, drop_memcpy, NULL },
};

/* --- Measuring --- */

static bool reads(const struct reader *reader, const struct document *document)
{
	bool proto = document->encoding == TRACE_ENCODING_OTLP_PROTO;

	/* Those that build trees would take minutes. */
	if (document->nspans > ROW_SPANS &&
	    (reader == &readers[JANSSON] || reader == &readers[PROTOBUF_C]))
		return false;
	return proto ? reader->proto : reader->json;
}

/* ns for one document. */
static double measure(const struct reader *reader, const struct document *document)
{
	size_t times = document->len < ROUND_BYTES ? ROUND_BYTES / document->len : 1;
	int64_t start;

	measure_tidy();
	start = cpu_ns();
	for (size_t i = 0; i < times; i++)
		reader->drop(reader->read(document));
	return (double)(cpu_ns() - start) / (double)times;
}

/* Bytes that are held when it is read. Ours are not all on the heap, and counts its own. */
static size_t measure_held(const struct reader *reader, const struct document *document)
{
	size_t before = measure_all_bytes(), held;
	void *made = reader->read(document);

	held = measure_all_bytes() - before;
	if (reader->drop == drop_ours)
		held = ((const struct trace_set *)made)->bytes;
	reader->drop(made);
	return held;
}

/* A number of kB in /proc/self/status. */
static double status_mb(const char *name)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	double mb = 0;

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			mb = strtod(line + strlen(name), NULL) / 1024;
	if (file)
		fclose(file);
	return mb;
}

/* The pages of the largest load: so many documents that come in side by side, piece by piece, and
 * are all held at the end. */
static void measure_crowd(const struct document *document)
{
	struct trace_decoder *decoders[CROWD];
	struct trace_set *sets[CROWD];
	double before, held, peak;
	FILE *refs = fopen("/proc/self/clear_refs", "we");

	measure_tidy();
	if (refs) {
		fputs("5", refs); /* the peak counts from here */
		fclose(refs);
	}
	before = status_mb("VmRSS:");
	for (size_t i = 0; i < CROWD; i++)
		decoders[i] = begin_ours(document);
	for (size_t at = 0; at < document->len; at += PIECE_BYTES)
		for (size_t i = 0; i < CROWD; i++)
			feed_ours(decoders[i], document, at);
	for (size_t i = 0; i < CROWD; i++)
		sets[i] = finish_ours(decoders[i]);
	held = status_mb("VmRSS:") - before;
	peak = status_mb("VmHWM:") - before;
	for (size_t i = 0; i < CROWD; i++)
		trace_set_free(sets[i]);
	measure_tidy();
	printf("%-10s %7u %d at once: peak %.1f MiB, held %.1f MiB, %.1f MiB when freed\n",
	       document->name, document->nspans, CROWD, peak, held, status_mb("VmRSS:") - before);
	printf("row: Memory of %d traces of 10,000 spans at once, %s | %.1f MiB at the peak, %.1f "
	       "MiB held | %.0f bytes a span at the peak | —\n",
	       CROWD, document->name, peak, held,
	       peak * 1048576 / CROWD / (double)document->nspans);
}

static void show(const struct document *document, const struct reader *reader, double ns,
		 double ours)
{
	double n = document->nspans;

	printf("%-10s %7u %-11s %7.0f %8.2f %8.0f %8.1f", document->name, document->nspans,
	       reader->name, (double)document->len * 1e3 / ns, ns / (double)document->len, ns / n,
	       ns / ours);
	if (reader->read == read_memcpy)
		printf("\n");
	else
		printf(" %8.0f\n", (double)measure_held(reader, document) / n);
}

/* A row beside another reader: how many times as fast. */
static void tell_beside(const struct document *document, double ns, int reader, double peer_ns)
{
	double bytes = (double)document->len * 1e3;

	if (peer_ns > 0)
		printf("row: Decode and walk, %s, 10,000 spans | %.0f MB/s | %s, which only reads, "
		       "%.0f MB/s | %.2f\n",
		       document->name, bytes / ns, readers[reader].name, bytes / peer_ns,
		       peer_ns / ns);
}

/* The rows of the table: beside other readers, and the other encodings beside Jaeger's. ns: one
 * document, by reader; 0 where it was not read. jaeger_ns: one of Jaeger's in the same rounds. */
static void tell_rows(const struct document *document, const double *ns, double jaeger_ns)
{
	double ns_byte = ns[WALKED] / (double)document->len, spans = document->nspans * 1e9;
	double jaeger_ns_byte = jaeger_ns / (double)jaeger.len;

	tell_beside(document, ns[WALKED], PROTOBUF_C, ns[PROTOBUF_C]);
	if (document->encoding == TRACE_ENCODING_JAEGER_JSON) {
		tell_beside(document, ns[WALKED], YAJL, ns[YAJL]);
		tell_beside(document, ns[WALKED], JANSSON, ns[JANSSON]);
	} else if (document->encoding == TRACE_ENCODING_OTLP_PROTO) {
		printf("row: Decode and walk, %s, 10,000 spans | %.2f million spans/s | our "
		       "Jaeger JSON, %.2f million spans/s | %.2f\n",
		       document->name, spans / ns[WALKED] / 1e6, spans / jaeger_ns / 1e6,
		       jaeger_ns / ns[WALKED]);
	} else {
		printf("row: Decode and walk, %s, 10,000 spans | %.2f ns/byte | our Jaeger JSON, "
		       "%.2f ns/byte | %.2f\n",
		       document->name, ns_byte, jaeger_ns_byte, ns_byte / jaeger_ns_byte);
	}
}

static void bench(const struct document *document)
{
	double rounds[ARRAY_LEN(readers)][ROUNDS], ns[ARRAY_LEN(readers)] = { 0 };
	size_t nrounds = document->nspans > ROW_SPANS ? ROUNDS_LARGE : ROUNDS;

	double jaeger_rounds[ROUNDS];

	for (size_t round = 0; round < nrounds; round++) {
		if (document->nspans == ROW_SPANS)
			jaeger_rounds[round] = measure(&readers[WALKED], &jaeger);
		for (size_t i = 0; i < ARRAY_LEN(readers); i++)
			if (reads(&readers[i], document) && readers[i].read != NULL)
				rounds[i][round] = measure(&readers[i], document);
	}
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		if (!reads(&readers[i], document))
			continue;
		if (readers[i].read == NULL) {
			printf("%-10s %7u %-11s not installed: %s\n", document->name,
			       document->nspans, readers[i].name, readers[i].package);
			continue;
		}
		ns[i] = median(rounds[i], nrounds);
		show(document, &readers[i], ns[i], ns[OURS]);
	}
	if (document->nspans == ROW_SPANS)
		tell_rows(document, ns, median(jaeger_rounds, nrounds));
	if (document->nspans == ROW_SPANS)
		measure_crowd(document);
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const unsigned int sizes[] = { 10, 1000, 10000, 100000 };
	static const struct {
		const char *name;
		enum trace_encoding encoding;
		char *(*make)(unsigned int nspans, size_t *ret_len);
	} kinds[] = {
		{ "Jaeger", TRACE_ENCODING_JAEGER_JSON, gen_jaeger_json },
		{ "OTLP JSON", TRACE_ENCODING_OTLP_JSON, gen_otlp_json },
		{ "OTLP proto", TRACE_ENCODING_OTLP_PROTO, gen_otlp_proto },
		{ "Zipkin v2", TRACE_ENCODING_ZIPKIN_V2, gen_zipkin_v2 },
		{ "Zipkin v1", TRACE_ENCODING_ZIPKIN_V1, gen_zipkin_v1 },
	};
	unsigned int most = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 100000;

	jaeger.text = gen_jaeger_json(ROW_SPANS, &jaeger.len);
	printf("document     spans reader         MB/s  ns/byte  ns/span    times  bytes held a "
	       "span\n");
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (size_t i = 0; i < ARRAY_LEN(sizes) && sizes[i] <= most; i++) {
			struct document document = { .name = kinds[k].name,
						     .encoding = kinds[k].encoding,
						     .nspans = sizes[i] };

			document.text = kinds[k].make(sizes[i], &document.len);
			document.copy = xcalloc(1, document.len);
			bench(&document);
			free(document.text);
			free(document.copy);
		}
	free(jaeger.text);
	return 0;
}
