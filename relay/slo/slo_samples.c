/*
 * SLO, samples: the requests of each signal with their calls, gathered from evidence. A request
 * counts once for each signal, by its trace id: healthy traces of one baseline are stored with many
 * decisions.
 */
#include <stdlib.h>
#include <string.h>

#include "slo-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Names of strangers: three in a key of a node. */
#define KEY_BYTES (4 * LIMIT_SLO_NAME_BYTES)
/* Each signal and node has at most four names. */
#define NAMES_BYTES                                                                                \
	(4 * (size_t)(LIMIT_SLO_SIGNALS + LIMIT_SLO_EDGES) * (LIMIT_SLO_NAME_BYTES + 1) +          \
	 (size_t)LIMIT_SLO_SAMPLES * (LIMIT_EVIDENCE_ID_BYTES + 1))

struct slo_samples *slo_samples_new(void)
{
	struct slo_samples *samples = xcalloc(1, sizeof(*samples));

	samples->arena = arena_new(NAMES_BYTES);
	samples->index = map_new();
	return samples;
}

static void gathered_free(struct slo_gathered *signal)
{
	for (uint32_t i = 0; i < signal->nnodes; i++) {
		free(signal->nodes[i]->times.at);
		free(signal->nodes[i]);
	}
	map_free(signal->known);
	map_free(signal->index);
	free(signal->nodes);
	free(signal->times.at);
	free(signal->ids);
	free(signal);
}

void slo_samples_free(struct slo_samples *samples)
{
	if (!samples)
		return;
	for (uint32_t i = 0; i < samples->nsignals; i++)
		gathered_free(samples->signals[i]);
	free(samples->signals);
	map_free(samples->index);
	arena_free(samples->arena);
	free(samples);
}

static void *slo_grow(void *at, uint32_t n, uint32_t *size, size_t each)
{
	if (n < *size)
		return at;
	*size = *size ? 2 * *size : 16;
	return xrealloc_array(at, *size, each);
}

static const char *slo_name(struct slo_samples *samples, const char *name)
{
	return arena_strndup(samples->arena, name, strnlen(name, LIMIT_SLO_NAME_BYTES));
}

static void slo_times_add(struct slo_times *times, int64_t us, uint32_t request, bool failed)
{
	times->at = slo_grow(times->at, times->n, &times->size, sizeof(*times->at));
	times->at[times->n++] = (struct slo_sample){ us, request, failed };
}

/* ---- signals ---- */

/* NULL: there are LIMIT_SLO_SIGNALS, and this is none of them. */
static struct slo_gathered *signal_of(struct slo_samples *samples, const struct evidence_set *set,
				      const struct evidence *evidence, const char *name)
{
	const struct evidence_service *service = &set->services[evidence->entry_service];
	const char *operation = set->texts[evidence->entry_operation];
	BUF_LOCAL(key, KEY_BYTES);

	buf_printf(&key, "%.*s\x1f%.*s\x1f%.*s", (int)LIMIT_SLO_NAME_BYTES, service->namespace,
		   (int)LIMIT_SLO_NAME_BYTES, service->name, (int)LIMIT_SLO_NAME_BYTES, operation);
	struct slo_gathered *signal = map_get(samples->index, buf_text(&key));
	if (!signal && samples->nsignals < LIMIT_SLO_SIGNALS) {
		signal = xcalloc(1, sizeof(*signal));
		signal->service = slo_name(samples, service->name);
		signal->namespace = slo_name(samples, service->namespace);
		signal->operation = slo_name(samples, operation);
		signal->known = map_new();
		signal->index = map_new();
		samples->signals = slo_grow(samples->signals, samples->nsignals,
					    &samples->signals_size, sizeof(struct slo_gathered *));
		samples->signals[samples->nsignals++] = signal;
		map_put(samples->index, buf_text(&key), signal);
	}
	if (signal && !signal->name && name)
		signal->name = slo_name(samples, name);
	buf_fini(&key);
	return signal;
}

/* Returns the request's index. */
static uint32_t add_request(struct slo_samples *samples, struct slo_gathered *signal,
			    const struct evidence *evidence, bool judged)
{
	const uint32_t request = signal->times.n;

	signal->ids = slo_grow(signal->ids, request, &signal->ids_size, sizeof(*signal->ids));
	signal->ids[request] = arena_strdup(samples->arena, evidence->trace_id);
	slo_times_add(&signal->times, evidence->duration_us, request, evidence->signal_failing);
	if (!request || evidence->start_us < signal->from_us)
		signal->from_us = evidence->start_us;
	if (!request || evidence->start_us > signal->to_us)
		signal->to_us = evidence->start_us;
	signal->judged += judged;
	signal->failed += judged && evidence->signal_failing;
	signal->request_us += evidence->duration_us;
	return request;
}

/* ---- calls ---- */

/* NULL: there are LIMIT_SLO_EDGES. */
static struct slo_node *node_of(struct slo_samples *samples, struct slo_gathered *signal,
				const struct evidence_set *set, const struct evidence_call *call,
				uint32_t above, uint32_t *ret_index)
{
	const struct evidence_service *callee = &set->services[call->callee];
	const char *operation = set->texts[call->operation];
	BUF_LOCAL(key, KEY_BYTES);

	buf_printf(&key, "%u\x1f%d%d\x1f%.*s\x1f%.*s\x1f%.*s", above, callee->peer, call->message,
		   (int)LIMIT_SLO_NAME_BYTES, callee->namespace, (int)LIMIT_SLO_NAME_BYTES,
		   callee->name, (int)LIMIT_SLO_NAME_BYTES, operation);
	/* The values are indexes plus one. */
	const uintptr_t found = (uintptr_t)map_get(signal->index, buf_text(&key));
	if (!found && samples->nnodes == LIMIT_SLO_EDGES) {
		buf_fini(&key);
		return NULL;
	}
	if (!found) {
		struct slo_node *node = xcalloc(1, sizeof(*node));

		node->above = above;
		node->caller = above == TRACE_NONE ? signal->service : signal->nodes[above]->callee;
		node->callee = slo_name(samples, callee->name);
		node->namespace = slo_name(samples, callee->namespace);
		node->operation = slo_name(samples, operation);
		node->peer = callee->peer;
		node->message = call->message;
		signal->nodes = slo_grow(signal->nodes, signal->nnodes, &signal->nodes_size,
					 sizeof(struct slo_node *));
		signal->nodes[signal->nnodes++] = node;
		samples->nnodes++;
		map_put(signal->index, buf_text(&key), (void *)(uintptr_t)signal->nnodes);
	}
	*ret_index = found ? (uint32_t)found - 1 : signal->nnodes - 1;
	buf_fini(&key);
	return signal->nodes[*ret_index];
}

static void count_slo_call(struct slo_gathered *signal, struct slo_node *node,
			   const struct evidence *evidence, const struct evidence_call *call,
			   uint32_t request, bool judged)
{
	slo_times_add(&node->times, call->us, request, call->failed);
	/* Among requests that did not fail, no failed call was fatal: that tells no rate. */
	node->judged += judged;
	node->failed += judged && call->failed;
	node->fatal += judged && call->fatal;
	node->path_us += call->path_us;
	node->path_calls += call->path_us > 0;
	if (call->above == TRACE_NONE)
		signal->path_us += call->path_us;
	if (node->last_request == request + 1)
		return;
	node->last_request = request + 1;
	node->requests++;
	node->request_us += evidence->duration_us;
}

/* False: an edge has no room. */
static bool add_calls(struct slo_samples *samples, struct slo_gathered *signal,
		      const struct evidence_set *set, const struct evidence *evidence,
		      uint32_t request, bool judged)
{
	CLEANUP_FREE uint32_t *at = xcalloc((size_t)evidence->ncalls + 1, sizeof(*at));
	bool whole = true;

	for (uint32_t i = 0; i < evidence->ncalls; i++) {
		const struct evidence_call *call = &evidence->calls[i];
		const uint32_t above = call->above == TRACE_NONE ? TRACE_NONE : at[call->above];
		struct slo_node *node = NULL;

		/* Where a call has no room, those below it have none. */
		if (call->above == TRACE_NONE || above != TRACE_NONE)
			node = node_of(samples, signal, set, call, above, &at[i]);
		if (node)
			count_slo_call(signal, node, evidence, call, request, judged);
		else
			at[i] = TRACE_NONE;
		whole = whole && node;
	}
	return whole;
}

void slo_samples_add(struct slo_samples *samples, const struct evidence_set *set, const char *name,
		     bool judged, struct slo_taken *taken)
{
	for (uint32_t t = 0; t < set->n; t++) {
		const struct evidence *evidence = &set->at[t];

		if (!evidence->trace_id || !*evidence->trace_id) {
			taken->old++;
			continue;
		}
		struct slo_gathered *signal = signal_of(samples, set, evidence, name);
		if (!signal || evidence->calls_cut ||
		    samples->nsamples + 1 + evidence->ncalls > LIMIT_SLO_SAMPLES) {
			taken->left_out++;
			continue;
		}
		if (map_put(signal->known, evidence->trace_id, signal)) {
			taken->known++;
			continue;
		}
		samples->nsamples += 1 + evidence->ncalls;
		const uint32_t request = add_request(samples, signal, evidence, judged);
		if (add_calls(samples, signal, set, evidence, request, judged))
			taken->added++;
		else
			taken->left_out++;
	}
}
