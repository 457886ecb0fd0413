/*
 * Jaeger JSON. The first byte seeds how the input is cut; pieces must change neither the verdict
 * and its place nor the traces. What comes out must be whole: every index in its array, every span
 * once in its tree.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/trace_decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

static int feed(struct trace_decoder *decoder, const char *text, size_t len, struct err *err)
{
	char *piece = malloc(
		len > 0 ? len : 1); /* exactly so large, so that a byte too many read shows */
	int rc;

	if (piece == NULL)
		abort();
	memcpy(piece, text, len);
	rc = trace_decoder_feed(decoder, piece, len, err);
	free(piece);
	return rc;
}

static int decode(const char *text, size_t len, uint32_t cuts, struct trace_memory *memory,
		  struct trace_set **ret_set, struct err *err)
{
	const struct trace_options options = { .memory = memory };
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_JAEGER_JSON, &options);
	int rc = 0;

	while (len > 0 && rc == 0) {
		size_t n = cuts == 0 ? len : 1 + next_random(&cuts) % (cuts & 1 ? 3 : 100);

		n = n < len ? n : len;
		rc = feed(decoder, text, n, err);
		text += n;
		len -= n;
	}
	if (rc == 0)
		rc = trace_decoder_finish(decoder, ret_set, err);
	trace_decoder_free(decoder);
	return rc;
}

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_text(const struct trace_set *set, uint32_t text)
{
	require(text < set->string_bytes && (text == 0 || set->strings[text - 1] == '\0'));
}

static void check_span(const struct trace *trace, const struct span *span)
{
	const struct trace_set *set = trace->set;

	check_text(set, span->id);
	check_text(set, span->parent_id);
	check_text(set, span->name);
	check_text(set, span->message);
	require(span->resource < set->nresources);
	require(span->attrs + span->nattrs <= set->nattrs);
	require(span->duration_us >= 0);
	for (unsigned int i = 0; i < span->nattrs; i++) {
		require(set->attrs[span->attrs + i].key < ATTR_COUNT + set->nextra_names);
		check_text(set, set->attrs[span->attrs + i].value);
	}
}

/* Follows the tree from the roots; each step goes to a child, a sibling or back up, so it ends. */
static void check_tree(const struct trace *trace)
{
	uint32_t at = trace->first_root, seen = 0;

	while (at != TRACE_NONE) {
		const struct span *span = &trace->spans[at];

		require(at < trace->nspans && ++seen <= trace->nspans);
		check_span(trace, span);
		if (span->first_child != TRACE_NONE) {
			require(trace->spans[span->first_child].parent == at);
			at = span->first_child;
			continue;
		}
		while (trace->spans[at].next_sibling == TRACE_NONE &&
		       trace->spans[at].parent != TRACE_NONE)
			at = trace->spans[at].parent;
		at = trace->spans[at].next_sibling;
	}
	require(seen == trace->nspans);
}

static void check_set(const struct trace_set *set)
{
	for (uint32_t i = 0; i < set->ntraces; i++) {
		require(set->traces[i].set == set && set->traces[i].nspans > 0);
		check_text(set, set->traces[i].id);
		check_tree(&set->traces[i]);
	}
	for (uint32_t i = 0; i < set->nresources; i++) {
		check_text(set, set->resources[i].service);
		require(set->resources[i].attrs + set->resources[i].nattrs <= set->nresource_attrs);
	}
}

static void check_same(const struct trace_set *a, const struct trace_set *b)
{
	require(a->ntraces == b->ntraces && a->nresources == b->nresources &&
		a->nattrs == b->nattrs);
	require(a->string_bytes == b->string_bytes &&
		memcmp(a->strings, b->strings, a->string_bytes) == 0);
	for (uint32_t i = 0; i < a->ntraces; i++) {
		require(a->traces[i].nspans == b->traces[i].nspans);
		for (uint32_t k = 0; k < a->traces[i].nspans; k++) {
			const struct span *x = &a->traces[i].spans[k], *y = &b->traces[i].spans[k];

			require(x->id == y->id && x->parent == y->parent &&
				x->start_us == y->start_us && x->resource == y->resource &&
				x->nattrs == y->nattrs && x->flags == y->flags);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace_memory memory = { .cap_bytes = 1u << 20 };
	struct trace_set *whole = NULL, *cut = NULL;
	struct err whole_err = { 0 }, cut_err = { 0 };
	const char *text;
	int rc;

	if (size == 0)
		return 0;
	text = (const char *)data + 1;
	rc = decode(text, size - 1, 0, &memory, &whole, &whole_err);
	require(decode(text, size - 1, 1 + data[0] * 7919u, NULL, &cut, &cut_err) == rc);
	require(whole_err.line == cut_err.line && whole_err.column == cut_err.column &&
		strcmp(whole_err.text, cut_err.text) == 0);
	require((rc == 0) == (whole != NULL) && (rc == 0) == (cut != NULL));
	if (rc == 0) {
		check_set(whole);
		check_same(whole, cut);
		require(memory.used_bytes == whole->bytes);
	}
	trace_set_free(whole);
	trace_set_free(cut);
	require(memory.used_bytes == 0);
	return 0;
}
