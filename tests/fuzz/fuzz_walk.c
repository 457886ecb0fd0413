/*
 * The walk and the vote, over traces that no decoder would dream of. The input is read as spans of
 * eight bytes; a byte in front says how they are spread over traces, modes and the healthy side.
 * What comes out must be whole: paths that climb, certainties and confidences between 0 and 1,
 * reasons that are texts; the vote is the same for the traces in reverse; and the evidence comes
 * back from its bytes.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/trace_builder.h"
#include "tracepager/vote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SPAN_BYTES 8
#define TRACES_MAX 6
#define SPANS_MAX  512
#define SERVICES   6

static void require(int condition)
{
	if (!condition)
		abort();
}

/* What a span may say of itself. */
static const struct {
	enum attr key;
	const char *value;
} words[] = {
	{ ATTR_ERROR, "true" },
	{ ATTR_ERROR, "false" },
	{ ATTR_HTTP_RESPONSE_STATUS_CODE, "503" },
	{ ATTR_HTTP_RESPONSE_STATUS_CODE, "404" },
	{ ATTR_HTTP_RESEND_COUNT, "1" },
	{ ATTR_RPC_GRPC_STATUS_CODE, "1" },
	{ ATTR_RPC_GRPC_STATUS_CODE, "4" },
	{ ATTR_ERROR_TYPE, "timeout" },
	{ ATTR_DB_RESPONSE_STATUS_CODE, "23505" },
	{ ATTR_DB_SYSTEM, "mysql" },
	{ ATTR_PEER_SERVICE, "s1" },
	{ ATTR_SERVER_ADDRESS, "10.0.0.1" },
	{ ATTR_MESSAGING_SYSTEM, "kafka" },
	{ ATTR_EXCEPTION_MESSAGE, "context canceled" },
};

static uint32_t text_of(struct trace_builder *builder, const char *text)
{
	return trace_builder_text(builder, text, strlen(text));
}

static void add_span(struct trace_builder *builder, const uint32_t *resources, const uint8_t *at,
		     uint32_t index)
{
	struct span *span = trace_builder_span(builder);
	char id[16];

	if (span == NULL)
		return;
	/* Ids that repeat, and parents that are not there, are asked for now and then. */
	snprintf(id, sizeof(id), "%u", at[0] == 255 ? 1 : index + 1);
	span->id = text_of(builder, id);
	snprintf(id, sizeof(id), "%u", at[1] == 255 ? 9999 : at[1]);
	span->parent_id = at[1] != 0 ? text_of(builder, id) : 0;
	snprintf(id, sizeof(id), "op%u", at[2] >> 5);
	span->name = text_of(builder, id);
	span->resource = resources[at[2] % SERVICES];
	span->kind = at[3] % 6;
	span->status = (at[3] >> 3) % 3;
	span->flags = (at[3] & 0x80 ? SPAN_FOLLOWS : 0) | (at[3] & 0x40 ? SPAN_SHARED : 0);
	span->start_us = 1000000 + at[4] * 1000;
	span->duration_us = at[5] * (at[6] & 0x80 ? 100000 : 1000);
	if ((at[6] & 0x7f) < sizeof(words) / sizeof(words[0]))
		trace_builder_span_attr(builder, words[at[6] & 0x7f].key,
					text_of(builder, words[at[6] & 0x7f].value));
	snprintf(id, sizeof(id), "t%u", at[7] % TRACES_MAX);
	trace_builder_span_done(builder, id, strlen(id));
}

static struct trace_set *build(const uint8_t *data, size_t size)
{
	const struct trace_options options = { 0 };
	struct trace_builder *builder = trace_builder_new(&options);
	struct trace_set *set = NULL;
	uint32_t resources[SERVICES];
	struct err err;

	for (unsigned int i = 0; i < SERVICES; i++) {
		char name[8];

		snprintf(name, sizeof(name), "s%u", i);
		resources[i] = trace_builder_resource(builder);
		trace_builder_resource_attr(builder, resources[i], "service.name", 12,
					    i == 0 ? "" : name, i == 0 ? 0 : strlen(name));
	}
	for (uint32_t i = 0; size >= SPAN_BYTES && i < SPANS_MAX; i++) {
		add_span(builder, resources, data, i);
		data += SPAN_BYTES;
		size -= SPAN_BYTES;
	}
	if (trace_builder_finish(builder, &set, &err) != 0)
		set = NULL;
	trace_builder_free(builder);
	return set;
}

static int is_share(double share)
{
	return isfinite(share) && share >= 0 && share <= 1;
}

static void check_walk(const struct walk *walk)
{
	const struct trace *trace = walk->trace;

	require(is_share(walk->certainty));
	require(walk->nreasons <= 16);
	for (unsigned int i = 0; i < walk->nreasons; i++)
		require(walk->reasons[i] != NULL && walk->reasons[i][0] != '\0');
	require(walk->found == (walk->fallback == FALLBACK_NONE));
	if (!walk->found)
		return;
	require(walk->npath > 0 && walk->path[walk->npath - 1] == walk->suspect.span);
	for (uint32_t i = 1; i < walk->npath; i++)
		require(trace->spans[walk->path[i]].parent == walk->path[i - 1]);
	for (uint32_t i = 0; i < walk->ncritical; i++)
		require(walk->critical[i].span < trace->nspans && walk->critical[i].own_us >= 0);
	require(walk->suspect.service != NULL && walk->suspect.service[0] != '\0');
}

static void check_verdict(const struct verdict *verdict)
{
	require(is_share(verdict->confidence));
	require(verdict->agree <= verdict->of);
	require(verdict->found == (verdict->fallback == FALLBACK_NONE));
	require(verdict->found || verdict->fallback_text != NULL);
	require(!verdict->found || verdict->walk != NULL);
	for (unsigned int i = 0; i < verdict->nreasons; i++)
		require(verdict->reasons[i] != NULL && verdict->reasons[i][0] != '\0');
}

static void check_bytes(const struct evidence_set *set)
{
	struct buf bytes = BUF_INIT(16u << 20), more = BUF_INIT(16u << 20);
	struct evidence_set *again;

	evidence_encode(set, &bytes);
	again = evidence_decode(bytes.data, bytes.len);
	require(again != NULL);
	evidence_encode(again, &more);
	require(more.len == bytes.len && memcmp(more.data, bytes.data, bytes.len) == 0);
	evidence_free(again);
	buf_fini(&bytes);
	buf_fini(&more);
}

static void judge(struct arena *arena, const struct trace_set *set, const uint8_t how)
{
	const struct signal signal = { .service = "s1", .operation = how & 4 ? "op1" : NULL };
	const struct walk_options options = { .signal = how & 8 ? &signal : NULL,
					      .mode = how & 3 ? (enum walk_mode)((how & 3) - 1)
							      : WALK_AUTO,
					      .codes_fail = (how & 16) != 0,
					      .refusals_are_callees = (how & 32) != 0 };
	struct evidence_set *healthy = how & 64 ? evidence_new(1u << 20) : NULL;
	const struct vote_options vote_options = { .threshold = 0.5,
						   .mode = options.mode,
						   .healthy = healthy };
	struct walk walks[TRACES_MAX], reverse[TRACES_MAX];
	struct verdict verdict, other;
	unsigned int n = 0;

	for (uint32_t i = 0; i < set->ntraces; i++) {
		if (healthy != NULL && i % 2 == 1) {
			evidence_add_trace(healthy, &set->traces[i], options.signal);
			continue;
		}
		walk_trace(arena, &set->traces[i], &options, &walks[n]);
		check_walk(&walks[n++]);
	}
	for (unsigned int i = 0; i < n; i++)
		reverse[i] = walks[n - 1 - i];
	vote(arena, walks, n, &vote_options, &verdict);
	vote(arena, reverse, n, &vote_options, &other);
	check_verdict(&verdict);
	check_verdict(&other);
	require(fabs(verdict.confidence - other.confidence) < 1e-6);
	if (healthy != NULL)
		check_bytes(healthy);
	evidence_free(healthy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace_set *set = size > 1 ? build(data + 1, size - 1) : NULL;
	struct arena *arena;

	if (size > 0)
		evidence_free(evidence_decode(data, size));
	if (set == NULL)
		return 0;
	arena = arena_new(256u << 20);
	judge(arena, set, data[0]);
	arena_free(arena);
	trace_set_free(set);
	return 0;
}
