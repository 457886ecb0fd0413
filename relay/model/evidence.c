/*
 * Evidence: what one trace says of the signal, extracted from its walk (tracepager-walk(7), section
 * 8). A set copies all texts that it keeps, so a trace may be freed once it was added.
 *
 * Times: the critical path of the signal's span is visited span by span. Own time of a call that
 * somebody answered, or whose callee has no span, is the gap of that call; all other own time is
 * summed up for each invocation.
 *
 * Errors: the whole trace counts, also what was handled on the way: handled errors are part of the
 * background that the contrast takes off.
 */
#include <stdlib.h>
#include <string.h>

#include "evidence-internal.h"
#include "tracepager/callee_habits.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "strata-internal.h"
#include "walk-internal.h"

/* A unit and an invocation for each span, and their facts and shapes; the calls. */
#define UNIT_BYTES                                                                                 \
	((size_t)LIMIT_TRACE_SPANS *                                                               \
		 (sizeof(struct evidence_unit) + sizeof(struct evidence_form)) +                   \
	 (size_t)LIMIT_SHAPES * LIMIT_SHAPE_BYTES +                                                \
	 LIMIT_PROFILES * LIMIT_UNIT_FACTS * sizeof(uint32_t) + LIMIT_EVIDENCE_ID_BYTES + 1 +      \
	 LIMIT_EVIDENCE_CALLS * sizeof(struct evidence_call))

/* The most that one trace can add. A set checks its cap before a trace is added, so its arena has
 * room for one trace beyond the cap. */
#define TRACE_BYTES                                                                                \
	(LIMIT_TRACE_SPANS * (4 * sizeof(struct observation) + 2 * sizeof(struct evidence_end)) +  \
	 2 * (size_t)LIMIT_TRACE_STRING_BYTES + UNIT_BYTES)

struct evidence_set *evidence_new(size_t cap_bytes)
{
	struct evidence_set *set = xcalloc(1, sizeof(*set));

	set->arena = arena_new(cap_bytes + TRACE_BYTES);
	set->cap_bytes = cap_bytes;
	set->index = map_new();
	return set;
}

void evidence_free(struct evidence_set *set)
{
	if (!set)
		return;
	map_free(set->index);
	callee_habits_free(set->habits);
	arena_free(set->arena);
	free(set->services);
	free(set->texts);
	free(set->facts);
	free(set->profiles);
	free(set->shapes);
	free(set->at);
	free(set);
}

size_t evidence_bytes(const struct evidence_set *set)
{
	return arena_used(set->arena) + callee_habits_bytes(set->habits) +
	       set->size * sizeof(*set->at) + set->services_size * sizeof(*set->services) +
	       set->texts_size * sizeof(*set->texts) + set->facts_size * sizeof(*set->facts) +
	       set->profiles_size * sizeof(*set->profiles) +
	       set->shapes_size * sizeof(*set->shapes);
}

static uint32_t span_service_index(struct evidence_set *set, const struct trace *trace,
				   uint32_t span)
{
	const struct resource *resource = span_resource(trace, &trace->spans[span]);

	return evidence_service_index(set, trace_text(trace, resource->namespace),
				      trace_text(trace, resource->service), false);
}

/* ---- times ---- */

/* One trace, while its times are extracted. */
struct extract {
	struct evidence_set *set;
	const struct trace *trace;
	struct arena *scratch;
	uint32_t from;	  /* the span that the evidence is about */
	uint32_t stratum; /* the span below which nothing is above the stratum */
	bool *inside;	  /* per span on the path: it is the stratum's span, or below */
	uint32_t *entry;  /* per span on the path: the first span of its invocation */
	uint32_t *at;	  /* per entry: its observation */
	struct observation *observations;
	int64_t *most_us; /* per observation: of the span that is kept with it */
	bool *above;	  /* per observation: of a span above the stratum's */
	uint32_t n, size, most_size, above_size;
};

static uint32_t add_observation(struct extract *extract, const struct observation *observation)
{
	uint32_t n = extract->n;

	extract->observations = evidence_grow(extract->observations, n, &extract->size,
					      sizeof(*extract->observations));
	extract->most_us =
		evidence_grow(extract->most_us, n, &extract->most_size, sizeof(*extract->most_us));
	extract->above =
		evidence_grow(extract->above, n, &extract->above_size, sizeof(*extract->above));
	extract->observations[n] = *observation;
	extract->above[n] = !extract->inside[observation->span];
	extract->most_us[n] = observation->us;
	return extract->n++;
}

/* The span's operation, without ids. */
static uint32_t operation_index(struct extract *extract, uint32_t span)
{
	const struct trace *trace = extract->trace;

	return evidence_text_index(
		extract->set, operation_without_ids(extract->scratch,
						    trace_text(trace, trace->spans[span].name)));
}

/* The name of a call's callee that has no span: a database, a queue, a third party. NULL: the span
 * is no call, its callee has a span, or it names none. */
static const char *silent_callee(struct extract *extract, uint32_t span)
{
	const struct span *call = &extract->trace->spans[span];
	struct suspect suspect = { .trace = extract->trace, .span = span };

	if (call->first_child != TRACE_NONE ||
	    (call->kind != SPAN_CLIENT && call->kind != SPAN_PRODUCER))
		return NULL;
	peer_names(extract->scratch, extract->trace, call, &suspect);
	return suspect.npeers > 0 ? suspect.peers[0] : NULL;
}

/* Adds the gap of a call. False: the span is no call of another service. */
static bool observe_call(struct extract *extract, uint32_t span, int64_t own_us)
{
	const struct trace *trace = extract->trace;
	struct evidence_set *set = extract->set;
	uint32_t answer = span_answer(trace, span);
	const char *peer = answer == TRACE_NONE ? silent_callee(extract, span) : NULL;

	if (answer == TRACE_NONE && !peer)
		return false;
	add_observation(extract,
			&(struct observation){
				.service = span_service_index(set, trace, span),
				.callee = peer ? evidence_service_index(set, "", peer, true)
					       : span_service_index(set, trace, answer),
				.operation = operation_index(extract, span),
				.callee_operation = peer ? evidence_text_index(set, "")
							 : operation_index(extract, answer),
				.us = own_us,
				.span = span,
			});
	return true;
}

/* The first span of the invocation that a span belongs to. critical_path() visits parents first, so
 * the parent's entry is known. */
static uint32_t invocation_entry(const struct extract *extract, uint32_t span)
{
	const struct span *spans = extract->trace->spans;
	uint32_t parent = spans[span].parent;

	return parent != TRACE_NONE && extract->entry[parent] != TRACE_NONE &&
			       span_same_service(extract->trace, &spans[parent], &spans[span])
		       ? extract->entry[parent]
		       : span;
}

/* Visitor of critical_path(): a call's own time becomes a gap; any other own time is added to its
 * invocation's observation, which names the span with the most of it. */
static void observe_span(void *ctx, uint32_t span, int64_t own_us)
{
	struct extract *extract = ctx;
	const struct trace *trace = extract->trace;
	struct evidence_set *set = extract->set;
	uint32_t entry = invocation_entry(extract, span), service;

	extract->entry[span] = entry;
	extract->inside[span] =
		span == extract->stratum ||
		(span != extract->from && extract->inside[trace->spans[span].parent]);
	if (observe_call(extract, span, own_us))
		own_us = 0;
	if (extract->at[entry] == TRACE_NONE) {
		service = span_service_index(set, trace, entry);
		extract->at[entry] = add_observation(
			extract,
			&(struct observation){ service, service, operation_index(extract, entry),
					       evidence_text_index(set, ""), 0, span });
	}
	extract->observations[extract->at[entry]].us += own_us;
	if (own_us > extract->most_us[extract->at[entry]]) {
		extract->most_us[extract->at[entry]] = own_us;
		extract->observations[extract->at[entry]].span = span;
	}
}

/* Copies the observations into the set, those above the stratum first. */
static void keep_observations(struct extract *extract, struct evidence *evidence)
{
	uint32_t n = 0;

	evidence->observations =
		arena_array(extract->set->arena, extract->n, sizeof(*evidence->observations));
	for (unsigned int inside = 0; inside < 2; inside++) {
		for (uint32_t i = 0; i < extract->n; i++)
			if (extract->above[i] != inside)
				evidence->observations[n++] = extract->observations[i];
		if (!inside)
			evidence->nobservations_above = n;
	}
	evidence->nobservations = n;
}

static void take_times(struct extract *extract, struct evidence *evidence)
{
	const struct trace *trace = extract->trace;
	const struct span *signal = &trace->spans[extract->from];

	extract->entry = xrealloc_array(NULL, trace->nspans, sizeof(*extract->entry));
	extract->at = xrealloc_array(NULL, trace->nspans, sizeof(*extract->at));
	extract->inside = xcalloc(trace->nspans, sizeof(*extract->inside));
	memset(extract->entry, 0xff, trace->nspans * sizeof(*extract->entry));
	memset(extract->at, 0xff, trace->nspans * sizeof(*extract->at));
	critical_path(trace, extract->from, signal->start_us, span_end_us(signal), observe_span,
		      extract);
	evidence->duration_us = signal->duration_us;
	keep_observations(extract, evidence);
	free(extract->entry);
	free(extract->inside);
	free(extract->at);
	free(extract->above);
	free(extract->observations);
	free(extract->most_us);
}

/* ---- errors ---- */

/*
 * Errors per invocation. On which span of an invocation an error was recorded, and whether the
 * spans around that one failed too, is an accident of instrumentation. So an invocation failed if
 * any span of it did, and errors end in each failing invocation below which no other one failed,
 * however far down.
 */
struct tree {
	const struct trace *trace;
	uint32_t *order; /* spans, parents first */
	uint32_t *entry; /* per span: the first span of its invocation */
	uint32_t *error; /* per entry: its last failing span, or TRACE_NONE */
	bool *below;	 /* per entry: some invocation below it failed */
	uint8_t *place;	 /* per span: enum place */
	uint32_t n;
};

/* Where a span is. */
enum place {
	PLACE_OTHER_TREE, /* errors there count: a broken trace has them there */
	PLACE_BESIDE,	  /* in the signal's tree, but not below the signal: they do not count */
	PLACE_ABOVE,	  /* the signal's span or below, and above the stratum's */
	PLACE_INSIDE,	  /* the stratum's span, or below */
};

static void tree_init(struct tree *tree, const struct trace *trace)
{
	const struct span *spans = trace->spans;
	uint32_t n = trace->nspans;

	*tree = (struct tree){ .trace = trace,
			       .order = xcalloc(n, sizeof(*tree->order)),
			       .entry = xcalloc(n, sizeof(*tree->entry)),
			       .error = xcalloc(n, sizeof(*tree->error)),
			       .below = xcalloc(n, sizeof(*tree->below)),
			       .place = xcalloc(n, sizeof(*tree->place)) };
	for (uint32_t i = trace->first_root; i != TRACE_NONE && tree->n < n;
	     i = spans[i].next_sibling)
		tree->order[tree->n++] = i;
	for (uint32_t i = 0; i < tree->n; i++)
		for (uint32_t child = spans[tree->order[i]].first_child;
		     child != TRACE_NONE && tree->n < n; child = spans[child].next_sibling)
			tree->order[tree->n++] = child;
}

static void tree_fini(struct tree *tree)
{
	free(tree->order);
	free(tree->entry);
	free(tree->error);
	free(tree->below);
	free(tree->place);
}

/* Fills place; the signal's tree is the one that has `from`. */
static void tree_place(struct tree *tree, uint32_t from, uint32_t stratum)
{
	const struct span *spans = tree->trace->spans;
	uint32_t root = from;

	while (spans[root].parent != TRACE_NONE)
		root = spans[root].parent;
	for (uint32_t i = 0; i < tree->n; i++) {
		uint32_t span = tree->order[i], parent = spans[span].parent;

		if (span == stratum)
			tree->place[span] = PLACE_INSIDE;
		else if (span == from)
			tree->place[span] = PLACE_ABOVE;
		else if (parent != TRACE_NONE)
			tree->place[span] = tree->place[parent];
		else
			tree->place[span] = span == root ? PLACE_BESIDE : PLACE_OTHER_TREE;
	}
}

/* Fills entry and error from the roots down, then below from the leaves up. */
static void tree_judge(struct tree *tree)
{
	const struct span *spans = tree->trace->spans;

	for (uint32_t i = 0; i < tree->n; i++) {
		uint32_t span = tree->order[i], parent = spans[span].parent;
		bool inside = parent != TRACE_NONE &&
			      span_same_service(tree->trace, &spans[parent], &spans[span]);

		tree->entry[span] = inside ? tree->entry[parent] : span;
		tree->error[span] = TRACE_NONE;
		if (span_failing(tree->trace, &spans[span], true))
			tree->error[tree->entry[span]] = span;
	}
	for (uint32_t i = tree->n; i-- > 0;) {
		uint32_t span = tree->order[i], parent = spans[span].parent;

		if (tree->entry[span] == span && parent != TRACE_NONE &&
		    (tree->error[span] != TRACE_NONE || tree->below[span]))
			tree->below[tree->entry[parent]] = true;
	}
}

/* The service that an end of errors speaks for: the callee where the failing span is a call of
 * something without spans that did not refuse it; else the invocation's own. */
static uint32_t end_service(struct extract *extract, uint32_t entry, uint32_t error)
{
	const char *peer = silent_callee(extract, error);
	bool callee_may;

	if (!peer || span_refusal(extract->scratch, extract->trace, error, TRACE_NONE, &callee_may))
		return span_service_index(extract->set, extract->trace, entry);
	return evidence_service_index(extract->set, "", peer, true);
}

static bool is_bare_gateway(const struct trace *trace, uint32_t span)
{
	int code = span_http_code(trace, &trace->spans[span]);

	return code >= HTTP_BAD_GATEWAY && code <= HTTP_GATEWAY_TIMEOUT &&
	       !span_says_why(trace, &trace->spans[span]);
}

/* Did the call of an invocation fail as well? One that is no span of its own counts as failed. A
 * proxy between both whose spans did not fail is passed over. */
static bool is_passed_on(const struct tree *tree, uint32_t entry, uint32_t error)
{
	const struct trace *trace = tree->trace;
	uint32_t call = trace->spans[entry].parent;

	if (span_side(trace, &trace->spans[error]) == SIDE_CLIENT || call == TRACE_NONE ||
	    span_side(trace, &trace->spans[call]) != SIDE_CLIENT ||
	    span_failing(trace, &trace->spans[call], true))
		return true;
	if (tree->error[tree->entry[call]] != TRACE_NONE)
		return false;
	call = trace->spans[tree->entry[call]].parent;
	return call != TRACE_NONE && span_failing(trace, &trace->spans[call], true);
}

static bool is_end(const struct tree *tree, uint32_t span)
{
	return tree->entry[span] == span && tree->error[span] != TRACE_NONE && !tree->below[span] &&
	       tree->place[tree->error[span]] != PLACE_BESIDE;
}

static void take_ends(struct extract *extract, struct tree *tree, struct evidence *evidence)
{
	const struct trace *trace = extract->trace;
	uint32_t n = 0;

	tree_place(tree, extract->from, extract->stratum);
	for (uint32_t i = 0; i < tree->n; i++)
		n += is_end(tree, tree->order[i]);
	evidence->ends = arena_array(extract->set->arena, (size_t)n + 1, sizeof(*evidence->ends));
	for (unsigned int inside = 0; inside < 2; inside++) {
		for (uint32_t i = 0; i < tree->n; i++) {
			uint32_t span = tree->order[i], error = tree->error[span];

			if (!is_end(tree, span) || (tree->place[error] != PLACE_ABOVE) != inside)
				continue;
			evidence->ends[evidence->nends++] = (struct evidence_end){
				end_service(extract, span, error),
				operation_index(extract, error),
				error,
				is_bare_gateway(trace, error),
				is_passed_on(tree, span, error),
				true,
			};
		}
		if (!inside)
			evidence->nends_above = evidence->nends;
	}
	evidence->failing = evidence->nends > 0;
}

/* ---- fallbacks ---- */

/* Had the invocation most of its own time after the call? What it did before cannot follow from the
 * call's failure. */
static bool is_mostly_after(const struct trace *trace, uint32_t entry, uint32_t call,
			    int64_t own_us)
{
	return 2 * (span_end_us(&trace->spans[entry]) - span_end_us(&trace->spans[call])) >= own_us;
}

/* Goes up from an end of errors as far as the failure was passed on, and keeps each own time on the
 * way that lies after the failing call. own_times: per first span of an invocation. */
static void follow_end(struct extract *extract, const struct tree *tree, const uint32_t *own_times,
		       uint32_t end, struct evidence *evidence)
{
	const struct trace *trace = extract->trace;
	uint32_t call = evidence->ends[end].span, entry = tree->entry[call];

	/* The failing call of a peer is a span of its caller. */
	if (!extract->set->services[evidence->ends[end].service].peer) {
		call = trace->spans[entry].parent;
		entry = call == TRACE_NONE ? TRACE_NONE : tree->entry[call];
	}
	for (unsigned int level = 0; entry != TRACE_NONE && level < LIMIT_FALLBACK_LEVELS;
	     level++) {
		uint32_t own = own_times[entry];

		if (own != TRACE_NONE &&
		    is_mostly_after(trace, entry, call, evidence->observations[own].us))
			evidence->fallbacks[evidence->nfallbacks++] =
				(struct evidence_fallback){ own, end };
		call = trace->spans[entry].parent;
		/* A proxy that says nothing is passed over where the call of it failed. */
		if (evidence->nfallbacks == LIMIT_FALLBACKS || call == TRACE_NONE ||
		    (!span_failing(trace, &trace->spans[entry], true) &&
		     !span_failing(trace, &trace->spans[call], true)))
			break;
		entry = tree->entry[call];
	}
}

static void take_fallbacks(struct extract *extract, const struct tree *tree,
			   struct evidence *evidence)
{
	uint32_t *own_times = xrealloc_array(NULL, extract->trace->nspans, sizeof(*own_times));

	memset(own_times, 0xff, extract->trace->nspans * sizeof(*own_times));
	for (uint32_t i = 0; i < evidence->nobservations; i++) {
		const struct observation *observation = &evidence->observations[i];

		if (observation->service == observation->callee)
			own_times[tree->entry[observation->span]] = i;
	}
	evidence->fallbacks =
		arena_array(extract->set->arena, LIMIT_FALLBACKS, sizeof(*evidence->fallbacks));
	for (uint32_t i = 0; i < evidence->nends && evidence->nfallbacks < LIMIT_FALLBACKS; i++)
		follow_end(extract, tree, own_times, i, evidence);
	free(own_times);
}

/* What the trace says of `from`; stratum: the span of its stratum, which may be `from`. */
static void take_span_evidence(struct extract *extract, struct tree *tree, uint32_t from,
			       uint32_t stratum, struct evidence *evidence)
{
	const struct trace *trace = extract->trace;

	extract->from = from;
	extract->stratum = stratum;
	extract->observations = NULL;
	extract->most_us = NULL;
	extract->above = NULL;
	extract->n = extract->size = extract->most_size = extract->above_size = 0;
	take_times(extract, evidence);
	if (tree)
		take_ends(extract, tree, evidence);
	if (tree && extract->set->brief)
		take_fallbacks(extract, tree, evidence);
	evidence->signal_failing = span_failing(trace, &trace->spans[from], true);
}

bool evidence_add(struct evidence_set *set, const struct walk *walk)
{
	const struct trace *trace = walk->trace;
	struct evidence evidence = { 0 };
	struct stratum_place place;
	struct tree tree, *failing = NULL;

	if (walk->from_span == TRACE_NONE || arena_used(set->arena) > set->cap_bytes)
		return false;
	struct extract extract = { .set = set,
				   .trace = trace,
				   .scratch = arena_new(LIMIT_WALK_SCRATCH_BYTES) };
	stratum_find(extract.scratch, trace, walk->from_span, &place);
	evidence.stratum_service =
		evidence_service_index(set, place.namespace, place.service, false);
	evidence.stratum_operation = evidence_text_index(set, place.operation);
	if (walk->error_spans > 0) {
		tree_init(&tree, trace);
		tree_judge(&tree);
		failing = &tree;
	}
	take_span_evidence(&extract, failing, walk->from_span, place.start, &evidence);
	if (set->n < LIMIT_UNIT_TRACES && !set->brief) {
		evidence_take_units(set, trace, NULL, NULL, &evidence);
		evidence_take_shapes(set, trace, &evidence);
	}
	if (!set->brief)
		evidence_take_calls(set, trace, walk->from_span, &evidence);
	if (place.start != walk->from_span) {
		evidence.inner = arena_alloc(set->arena, sizeof(*evidence.inner));
		take_span_evidence(&extract, failing, place.start, place.start, evidence.inner);
		evidence.inner->stratum_service = evidence.stratum_service;
		evidence.inner->stratum_operation = evidence.stratum_operation;
		evidence.inner->units = evidence.units;
		evidence.inner->nunits = evidence.nunits;
		evidence.inner->shapes = evidence.shapes;
		evidence.inner->nshapes = evidence.nshapes;
	}
	if (failing)
		tree_fini(failing);
	arena_free(extract.scratch);
	set->at = evidence_grow(set->at, set->n, &set->size, sizeof(*set->at));
	set->at[set->n++] = evidence;
	return true;
}

void evidence_add_units(struct evidence_set *set, const struct trace *trace, const char *namespace,
			const char *service)
{
	struct evidence evidence = { .stratum_service = TRACE_NONE,
				     .stratum_operation = TRACE_NONE };

	if (arena_used(set->arena) > set->cap_bytes)
		return;
	evidence_take_units(set, trace, namespace, service, &evidence);
	set->at = evidence_grow(set->at, set->n, &set->size, sizeof(*set->at));
	set->at[set->n++] = evidence;
}

void evidence_add_shapes(struct evidence_set *set, const struct trace *trace)
{
	struct evidence evidence = { 0 };

	if (arena_used(set->arena) > set->cap_bytes)
		return;
	evidence_take_shapes(set, trace, &evidence);
	set->at = evidence_grow(set->at, set->n, &set->size, sizeof(*set->at));
	set->at[set->n++] = evidence;
}

/* sound: only a trace that has the signal, and in which the signal's own span did not fail. */
static bool walk_and_add(struct evidence_set *set, const struct trace *trace,
			 const struct signal *signal, bool sound)
{
	const struct walk_options options = { .signal = signal,
					      .mode = WALK_AUTO,
					      .codes_fail = true };
	struct arena *scratch = arena_new(LIMIT_WALK_SCRATCH_BYTES);
	struct walk walk;
	bool added = false;

	walk_trace(scratch, trace, &options, &walk);
	if (!sound || (walk.signal_span != TRACE_NONE &&
		       !span_failing(trace, &trace->spans[walk.from_span], true)))
		added = evidence_add(set, &walk);
	if (added && set->n <= LIMIT_UNIT_TRACES && !set->brief) {
		if (!set->habits)
			set->habits = callee_habits_new();
		callee_habits_learn(set->habits, trace);
	}
	arena_free(scratch);
	return added;
}

bool evidence_add_trace(struct evidence_set *set, const struct trace *trace,
			const struct signal *signal)
{
	return walk_and_add(set, trace, signal, false);
}

bool evidence_add_sound(struct evidence_set *set, const struct trace *trace,
			const struct signal *signal)
{
	return walk_and_add(set, trace, signal, true);
}

uint32_t evidence_count_ends(const struct evidence_set *set, const char *namespace,
			     const char *service, bool peer, const char *operation)
{
	uint32_t n = 0;

	for (uint32_t t = 0; t < set->n; t++) {
		const struct evidence *evidence = &set->at[t];
		bool found = false;

		for (uint32_t i = 0; i < evidence->nends && !found; i++) {
			const struct evidence_service *at =
				&set->services[evidence->ends[i].service];

			found = at->peer == peer && strcmp(at->name, service) == 0 &&
				strcmp(at->namespace, namespace) == 0 &&
				strcmp(set->texts[evidence->ends[i].operation], operation) == 0;
		}
		n += found;
	}
	return n;
}

static int by_duration(const void *a, const void *b)
{
	int64_t ua = *(const int64_t *)a, ub = *(const int64_t *)b;

	return (ua > ub) - (ua < ub);
}

int64_t evidence_p95_us(const struct evidence_set *set)
{
	int64_t *durations, p95_us;

	if (set->n == 0)
		return 0;
	durations = xcalloc(set->n, sizeof(*durations));
	for (uint32_t t = 0; t < set->n; t++)
		durations[t] = set->at[t].duration_us;
	qsort(durations, set->n, sizeof(*durations), by_duration);
	/* The nearest-rank percentile. */
	p95_us = durations[((uint64_t)set->n * 95 + 99) / 100 - 1];
	free(durations);
	return p95_us;
}
