/*
 * What the fuzz targets of trace encodings share: decode whole and in pieces, seeded by the first
 * byte, and check that both give the same verdict, place and traces. Traces must be sound: every
 * index inside its array, every span once in its tree.
 */
#ifndef TRACEPAGER_FUZZ_TRACE_H
#define TRACEPAGER_FUZZ_TRACE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/trace_decoder.h"

static inline uint32_t fuzz_next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

static inline int fuzz_feed(struct trace_decoder *decoder, const char *text, size_t len,
			    struct err *err)
{
	char *piece = malloc(
		len > 0 ? len
			: 1); /* exactly this size, so that reading a byte too many is found */
	int rc;

	if (!piece)
		abort();
	memcpy(piece, text, len);
	rc = trace_decoder_feed(decoder, piece, len, err);
	free(piece);
	return rc;
}

/* cuts: seeds the sizes of the pieces; 0: one piece. */
static inline int fuzz_decode(enum trace_encoding encoding, const char *text, size_t len,
			      uint32_t cuts, struct trace_memory *memory,
			      struct trace_set **ret_set, struct err *err)
{
	const struct trace_options options = { .memory = memory };
	struct trace_decoder *decoder = trace_decoder_new(encoding, &options);
	int rc = 0;

	while (len > 0 && rc == 0) {
		size_t n = cuts == 0 ? len : 1 + fuzz_next_random(&cuts) % (cuts & 1 ? 3 : 100);

		n = n < len ? n : len;
		rc = fuzz_feed(decoder, text, n, err);
		text += n;
		len -= n;
	}
	if (rc == 0)
		rc = trace_decoder_finish(decoder, ret_set, err);
	trace_decoder_free(decoder);
	return rc;
}

static inline void fuzz_require(int condition)
{
	if (!condition)
		abort();
}

static inline void fuzz_check_text(const struct trace_set *set, uint32_t text)
{
	fuzz_require(text < set->string_bytes && (text == 0 || set->strings[text - 1] == '\0'));
}

static inline void fuzz_check_span(const struct trace *trace, const struct span *span)
{
	const struct trace_set *set = trace->set;

	fuzz_check_text(set, span->id);
	fuzz_check_text(set, span->parent_id);
	fuzz_check_text(set, span->name);
	fuzz_check_text(set, span->message);
	fuzz_require(span->resource < set->nresources);
	fuzz_require(span->attrs + span->nattrs <= set->nattrs);
	fuzz_require(span->duration_us >= 0);
	for (unsigned int i = 0; i < span->nattrs; i++) {
		fuzz_require(set->attrs[span->attrs + i].key < ATTR_COUNT + set->nextra_names);
		fuzz_check_text(set, set->attrs[span->attrs + i].value);
	}
}

/* Follows the tree from its roots; every step goes to a child, to a sibling or up, so that the walk
 * ends. */
static inline void fuzz_check_tree(const struct trace *trace)
{
	uint32_t at = trace->first_root, seen = 0;

	while (at != TRACE_NONE) {
		const struct span *span = &trace->spans[at];

		fuzz_require(at < trace->nspans && ++seen <= trace->nspans);
		fuzz_check_span(trace, span);
		if (span->first_child != TRACE_NONE) {
			fuzz_require(trace->spans[span->first_child].parent == at);
			at = span->first_child;
			continue;
		}
		while (trace->spans[at].next_sibling == TRACE_NONE &&
		       trace->spans[at].parent != TRACE_NONE)
			at = trace->spans[at].parent;
		at = trace->spans[at].next_sibling;
	}
	fuzz_require(seen == trace->nspans);
}

static inline void fuzz_check_set(const struct trace_set *set)
{
	for (uint32_t i = 0; i < set->ntraces; i++) {
		fuzz_require(set->traces[i].set == set && set->traces[i].nspans > 0);
		fuzz_check_text(set, set->traces[i].id);
		fuzz_check_tree(&set->traces[i]);
	}
	for (uint32_t i = 0; i < set->nresources; i++) {
		fuzz_check_text(set, set->resources[i].service);
		fuzz_require(set->resources[i].attrs + set->resources[i].nattrs <=
			     set->nresource_attrs);
	}
}

static inline void fuzz_check_same_attrs(const struct trace_set *a, const struct trace_set *b)
{
	for (uint32_t i = 0; i < a->nattrs; i++)
		fuzz_require(a->attrs[i].key == b->attrs[i].key &&
			     a->attrs[i].value == b->attrs[i].value);
}

static inline void fuzz_check_same(const struct trace_set *a, const struct trace_set *b)
{
	fuzz_require(a->ntraces == b->ntraces && a->nresources == b->nresources &&
		     a->nattrs == b->nattrs);
	fuzz_require(a->string_bytes == b->string_bytes &&
		     memcmp(a->strings, b->strings, a->string_bytes) == 0);
	for (uint32_t i = 0; i < a->ntraces; i++) {
		fuzz_require(a->traces[i].nspans == b->traces[i].nspans);
		for (uint32_t k = 0; k < a->traces[i].nspans; k++) {
			const struct span *x = &a->traces[i].spans[k], *y = &b->traces[i].spans[k];

			fuzz_require(x->id == y->id && x->parent == y->parent &&
				     x->start_us == y->start_us && x->resource == y->resource &&
				     x->nattrs == y->nattrs && x->flags == y->flags);
			fuzz_require(x->parent_id == y->parent_id && x->name == y->name &&
				     x->message == y->message && x->duration_us == y->duration_us &&
				     x->kind == y->kind && x->status == y->status);
		}
	}
	fuzz_check_same_attrs(a, b);
}

/* Decodes whole and in pieces. The caller frees the set; NULL: the document was refused. */
static inline struct trace_set *fuzz_encoding(enum trace_encoding encoding, uint8_t seed,
					      const char *text, size_t len)
{
	struct trace_memory memory = { .cap_bytes = 1u << 20 };
	struct trace_set *whole = NULL, *cut = NULL;
	struct err whole_err = { 0 }, cut_err = { 0 };
	int rc = fuzz_decode(encoding, text, len, 0, &memory, &whole, &whole_err);

	fuzz_require(fuzz_decode(encoding, text, len, 1 + seed * 7919u, NULL, &cut, &cut_err) ==
		     rc);
	fuzz_require(whole_err.line == cut_err.line && whole_err.column == cut_err.column &&
		     strcmp(whole_err.text, cut_err.text) == 0);
	fuzz_require((rc == 0) == !!whole && (rc == 0) == !!cut);
	if (rc == 0) {
		fuzz_check_set(whole);
		fuzz_check_same(whole, cut);
		fuzz_require(memory.used_bytes == whole->bytes);
	}
	trace_set_free(whole);
	fuzz_require(memory.used_bytes == 0);
	return cut;
}

/* A handler of trace_documents(). */
static inline void fuzz_take(void *ctx, int line, struct trace_set *set, const struct err *err)
{
	(void)ctx;
	if (line < 1 || !set == !err)
		abort();
	trace_set_free(set);
}

#endif
