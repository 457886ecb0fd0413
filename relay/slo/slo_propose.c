/*
 * SLO, propose: the figures of each signal and edge, the objectives of signals by what is measured,
 * and those of edges by what their callers' objectives need. The arithmetic and a worked example
 * are in docs/slo.md.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "slo-internal.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

/* A threshold is at least 5/4 of what is measured, and an error budget too. */
#define HEADROOM_MEASURED  5
#define HEADROOM_OBJECTIVE 4
/* Comparing shares that were added up. */
#define SHARE_EPSILON 1e-9
/* So many failed calls tell how many of them take their caller with them; with fewer all do. */
#define FATAL_LEAST 5u
/* Outliers of few samples may lift a threshold by so many steps; else a lower target is taken. */
#define OUTLIER_STEPS 1u

static const unsigned int latency_targets[] = { 99, 95, 90 }; /* percent */

const char *slo_basis_name(enum slo_basis basis)
{
	static const char *const names[] = { [SLO_NONE] = "none",
					     [SLO_GIVEN] = "given",
					     [SLO_MEASURED] = "measured",
					     [SLO_DERIVED] = "derived",
					     [SLO_SHORT] = "short" };

	return names[basis];
}

/* ---- figures ---- */

static int by_time(const void *a, const void *b)
{
	const struct slo_sample *sa = a, *sb = b;

	if (sa->us != sb->us)
		return sa->us < sb->us ? -1 : 1;
	return (sa->request > sb->request) - (sa->request < sb->request);
}

/* Sorted times; those of objectives are of requests or calls that succeeded. */
struct slo_sorted {
	struct slo_sample *at;
	uint32_t n;
	uint32_t all; /* with those that failed */
};

static const struct slo_sample *sorted_rank(const struct slo_sorted *sorted, unsigned int percent)
{
	return &sorted->at[((uint64_t)sorted->n * percent + 99) / 100 - 1];
}

static uint32_t count_within(const struct slo_sorted *sorted, int64_t us)
{
	uint32_t low = 0, high = sorted->n;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		if (sorted->at[middle].us <= us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct slo_example example_of(struct arena *arena, const struct slo_gathered *signal,
				     const struct slo_sample *sample)
{
	return (struct slo_example){ arena_strdup(arena, signal->ids[sample->request]),
				     sample->us };
}

/* Leaves only the times of requests or calls that succeeded; they stay sorted. */
static void keep_succeeded(struct slo_sorted *sorted)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < sorted->n; i++)
		if (!sorted->at[i].failed)
			sorted->at[n++] = sorted->at[i];
	sorted->n = n;
}

static void fill_succeeded(struct arena *arena, const struct slo_gathered *signal,
			   const struct slo_sorted *sorted, struct slo_succeeded *succeeded)
{
	succeeded->samples = sorted->n;
	if (!sorted->n)
		return;
	succeeded->p50_us = sorted_rank(sorted, 50)->us;
	succeeded->p90_us = sorted_rank(sorted, 90)->us;
	succeeded->p99_us = sorted_rank(sorted, 99)->us;
	succeeded->median_id = example_of(arena, signal, sorted_rank(sorted, 50)).trace_id;
}

/* Times are copied to be sorted; the caller frees ret_sorted->at, the times that succeeded. */
static void fill_figures(struct arena *arena, const struct slo_gathered *signal,
			 const struct slo_times *times, struct slo_figures *figures,
			 struct slo_sorted *ret_sorted)
{
	struct slo_sorted sorted = { xcalloc((size_t)times->n + 1, sizeof(*sorted.at)), times->n,
				     times->n };

	memcpy(sorted.at, times->at, times->n * sizeof(*sorted.at));
	qsort(sorted.at, sorted.n, sizeof(*sorted.at), by_time);
	figures->samples = sorted.n;
	figures->p50_us = sorted_rank(&sorted, 50)->us;
	figures->p90_us = sorted_rank(&sorted, 90)->us;
	figures->p99_us = sorted_rank(&sorted, 99)->us;
	figures->fastest = example_of(arena, signal, &sorted.at[0]);
	figures->median = example_of(arena, signal, sorted_rank(&sorted, 50));
	figures->slowest = example_of(arena, signal, &sorted.at[sorted.n - 1]);
	keep_succeeded(&sorted);
	fill_succeeded(arena, signal, &sorted, &figures->succeeded);
	*ret_sorted = sorted;
}

/* ---- what is provided today ---- */

static const char *slo_percent(struct arena *arena, double share)
{
	/* Two decimals, cut and not rounded up, without zeros behind: a bound stays one. */
	const long long hundredths = (long long)(share * 10000 + 1e-6);
	char *text = arena_printf(arena, "%lld.%02lld", hundredths / 100, hundredths % 100);
	char *end = text + strlen(text);

	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		end[-1] = '\0';
	return text;
}

/* The index of the least step at or above 5/4 of a time; slo_nlatency_steps: it is above all. */
static size_t step_with_headroom(int64_t us)
{
	size_t i = 0;

	while (i < slo_nlatency_steps &&
	       HEADROOM_MEASURED * us > HEADROOM_OBJECTIVE * slo_latency_steps[i])
		i++;
	return i;
}

/* The index of the least step that so many percent of the calls stay below, with headroom and with
 * a confidence of 95 %; slo_nlatency_steps: there is none. */
static size_t step_provided(const struct slo_sorted *sorted, unsigned int percent)
{
	size_t i = step_with_headroom(sorted_rank(sorted, percent)->us);

	while (i < slo_nlatency_steps &&
	       slo_lower_bound(sorted->n, count_within(sorted, slo_latency_steps[i])) <
		       percent / 100.0)
		i++;
	return i;
}

static bool samples_show(uint32_t n, double share)
{
	return slo_lower_bound(n, n) >= share;
}

static const char *few_text(struct arena *arena, uint32_t n, double share)
{
	return arena_printf(arena, "too few samples: %u, where %s %% needs %u without a bad one", n,
			    slo_percent(arena, share), slo_least_samples(share));
}

/* Why no latency is proposed: few samples, or few of many that succeeded. */
static const char *few_succeeded_text(struct arena *arena, const struct slo_sorted *sorted,
				      double share)
{
	if (sorted->n == sorted->all)
		return few_text(arena, sorted->n, share);
	return arena_printf(arena,
			    "latency counts what succeeds, and too few do: %u of %u, where %s %% "
			    "needs %u",
			    sorted->n, sorted->all, slo_percent(arena, share),
			    slo_least_samples(share));
}

/* What a goal of latency says of its samples: "400 of 400 are within it, which shows …". */
static const char *within_text(struct arena *arena, const struct slo_sorted *sorted, int64_t us)
{
	const uint32_t good = count_within(sorted, us);

	if (!sorted->n)
		return arena_printf(arena, "none of %u succeeds, and latency counts what succeeds",
				    sorted->all);
	return arena_printf(arena, "%u of %u%s are within it, which shows at least %s %%", good,
			    sorted->n, sorted->n < sorted->all ? " that succeed" : "",
			    slo_percent(arena, slo_lower_bound(sorted->n, good)));
}

/* The highest target that the samples can show, unless outliers alone lift its threshold. */
static void measure_latency(struct arena *arena, const struct slo_sorted *sorted,
			    struct slo_goal *goal)
{
	for (size_t i = 0; i < ARRAY_LEN(latency_targets); i++) {
		const unsigned int percent = latency_targets[i];
		const bool is_last = i + 1 == ARRAY_LEN(latency_targets);
		if (!samples_show(sorted->n, percent / 100.0))
			continue;
		const size_t least = step_with_headroom(sorted_rank(sorted, percent)->us);
		const size_t step = step_provided(sorted, percent);
		if (step == slo_nlatency_steps || (step > least + OUTLIER_STEPS && !is_last))
			continue;
		goal->basis = SLO_MEASURED;
		goal->target = percent / 100.0;
		goal->within_us = slo_latency_steps[step];
		goal->text = within_text(arena, sorted, goal->within_us);
		return;
	}
	goal->text = samples_show(sorted->n, 0.90) ? "more than 1 of 10 take longer than any step"
						   : few_succeeded_text(arena, sorted, 0.90);
}

/* The strictest step that is shown and leaves headroom; 0: none is. */
static double availability_provided(const struct slo_figures *figures)
{
	const double bad = figures->judged ? (double)figures->failed / figures->judged : 1;
	double best = 0;

	for (size_t i = 0; i < slo_navailability_steps; i++) {
		const double step = slo_availability_steps[i];
		if (slo_lower_bound(figures->judged, figures->judged - figures->failed) >= step &&
		    HEADROOM_MEASURED * bad <= HEADROOM_OBJECTIVE * (1 - step) + SHARE_EPSILON)
			best = step;
	}
	return best;
}

/* Why no step is provided. */
static const char *no_availability_text(struct arena *arena, const struct slo_figures *figures)
{
	if (!figures->judged)
		return "not known: only requests that did not fail were gathered";
	if (!samples_show(figures->judged, slo_availability_steps[0]) && !figures->failed)
		return few_text(arena, figures->judged, slo_availability_steps[0]);
	return arena_printf(arena, "%u of %u fail, too many for %s %%", figures->failed,
			    figures->judged, slo_percent(arena, slo_availability_steps[0]));
}

static const char *shown_text_of(struct arena *arena, const struct slo_figures *figures)
{
	const double bound = slo_lower_bound(figures->judged, figures->judged - figures->failed);

	return arena_printf(arena, "%u of %u fail, which shows at least %s %%", figures->failed,
			    figures->judged, slo_percent(arena, bound));
}

static void measure_availability(struct arena *arena, struct slo_figures *figures)
{
	struct slo_goal *goal = &figures->availability;

	goal->target = availability_provided(figures);
	goal->basis = goal->target > 0 ? SLO_MEASURED : SLO_NONE;
	goal->text = goal->target > 0 ? shown_text_of(arena, figures)
				      : no_availability_text(arena, figures);
}

/* ---- what a person gave ---- */

static void give_latency(struct arena *arena, const struct slo_sorted *sorted, int64_t within_us,
			 struct slo_goal *goal)
{
	const unsigned int percent = latency_targets[0];

	goal->basis = SLO_GIVEN;
	goal->target = percent / 100.0;
	goal->within_us = within_us;
	goal->text = arena_printf(arena, "given; today %s", within_text(arena, sorted, within_us));
}

static void give_availability(struct arena *arena, double share, struct slo_figures *figures)
{
	struct slo_goal *goal = &figures->availability;

	goal->basis = SLO_GIVEN;
	goal->target = share;
	goal->text = figures->judged
			     ? arena_printf(arena, "given; today %s", shown_text_of(arena, figures))
			     : "given; what is provided is not known: only requests that did not "
			       "fail were gathered";
}

/* ---- what the callers' objectives need ---- */

/* One signal while its edges are judged. */
struct slo_work {
	struct arena *arena;
	const struct slo_gathered *from;
	struct slo_signal *to;
	struct slo_sorted *sorted; /* by index of the edge */
	/* By index of the edge: the share of its calls that may fail, by its caller's objective;
	 * negative: nothing follows. */
	double *budget;
};

/* Rounded down to two digits. */
static int64_t two_digits(int64_t us)
{
	int64_t unit = 1;

	while (us / unit >= 100)
		unit *= 10;
	return us / unit * unit;
}

/* The largest step at or below the time that an edge may take, else that time itself, where so many
 * calls stay within it; 0: they do not. The caller's threshold has the headroom. */
static int64_t threshold_allowed(const struct slo_sorted *sorted, int64_t allowed_us, double target)
{
	int64_t within_us[] = { 0, two_digits(allowed_us) };

	for (size_t i = 0; i < slo_nlatency_steps && slo_latency_steps[i] <= allowed_us; i++)
		within_us[0] = slo_latency_steps[i];
	for (size_t i = 0; i < ARRAY_LEN(within_us); i++)
		if (within_us[i] &&
		    slo_lower_bound(sorted->n, count_within(sorted, within_us[i])) >= target)
			return within_us[i];
	return 0;
}

/* An edge may hold its share of the signal's threshold, each of its calls on the path a part. */
static void derive_latency(const struct slo_work *work, uint32_t i)
{
	const struct slo_goal *signal = &work->to->figures.latency;
	struct slo_edge *edge = &work->to->edges[i];
	struct slo_goal *goal = &edge->figures.latency;
	const struct slo_sorted *sorted = &work->sorted[i];
	const unsigned int percent = (unsigned int)(signal->target * 100 + 0.5);
	char allowed[PLAIN_DURATION_SIZE];

	if (edge->message) {
		goal->text = "a message: nobody waits for it";
		return;
	}
	if (signal->basis == SLO_NONE || edge->share <= 0) {
		measure_latency(work->arena, sorted, goal);
		if (goal->basis == SLO_MEASURED && signal->basis != SLO_NONE)
			goal->text = arena_printf(work->arena, "never on the critical path; %s",
						  goal->text);
		return;
	}
	goal->allowed_us = (int64_t)((double)signal->within_us * edge->share /
				     (edge->on_path > 1 ? edge->on_path : 1));
	plain_duration(goal->allowed_us, allowed);
	if (!samples_show(sorted->n, signal->target)) {
		goal->text = arena_printf(work->arena, "may take %s; %s", allowed,
					  few_succeeded_text(work->arena, sorted, signal->target));
		return;
	}
	const size_t provided = step_provided(sorted, percent);
	goal->within_us = threshold_allowed(sorted, goal->allowed_us, signal->target);
	goal->basis = goal->within_us ? SLO_DERIVED : SLO_SHORT;
	if (goal->basis == SLO_SHORT && provided == slo_nlatency_steps) {
		goal->basis = SLO_NONE;
		goal->text = arena_printf(
			work->arena, "should take at most %s; too many take longer than any step",
			allowed);
		return;
	}
	if (goal->basis == SLO_SHORT)
		goal->within_us = slo_latency_steps[provided];
	goal->target = signal->target;
	goal->text = arena_printf(work->arena, "%s %s; %s",
				  goal->basis == SLO_DERIVED ? "may take" : "should take at most",
				  allowed, within_text(work->arena, sorted, goal->within_us));
}

/* How many of an edge's failed calls take their caller with them. */
static double fatal_share(const struct slo_figures *figures)
{
	return figures->failed < FATAL_LEAST ? 1 : (double)figures->fatal / figures->failed;
}

/* By index of the caller's edge plus one, 0 for the signal: fatal calls of all edges that it makes
 * for each call of it. The caller frees. */
static double *count_fatal_calls(const struct slo_signal *signal)
{
	double *calls = xcalloc((size_t)signal->nedges + 1, sizeof(*calls));

	for (uint32_t i = 0; i < signal->nedges; i++) {
		const struct slo_edge *edge = &signal->edges[i];
		const uint32_t caller = edge->above == TRACE_NONE ? 0 : edge->above + 1;

		if (!edge->message)
			calls[caller] += edge->per_call * fatal_share(&edge->figures);
	}
	return calls;
}

/* To two digits of a percentage. */
static double share_rounded_up(double share)
{
	return ceil((share - SHARE_EPSILON) * 10000) / 10000;
}

/* The least step at or above the share that is needed, else that share itself, rounded up to two
 * digits of a percentage, where the samples show it; 0: they do not. */
static double share_needed(const struct slo_figures *figures, double needed)
{
	const double bound = slo_lower_bound(figures->judged, figures->judged - figures->failed);
	const double itself = share_rounded_up(needed);

	for (size_t i = 0; i < slo_navailability_steps; i++) {
		if (slo_availability_steps[i] < needed - SHARE_EPSILON)
			continue;
		if (bound >= slo_availability_steps[i])
			return slo_availability_steps[i];
		break;
	}
	return itself < 1 && bound >= itself ? itself : 0;
}

/* A caller's budget is split evenly between its own failures and its fatal calls. */
static void derive_availability(const struct slo_work *work, uint32_t i, double callers_budget,
				double fatal_calls)
{
	struct slo_edge *edge = &work->to->edges[i];
	struct slo_figures *figures = &edge->figures;
	struct slo_goal *goal = &figures->availability;
	const double provided = availability_provided(figures);

	work->budget[i] = -1;
	measure_availability(work->arena, figures);
	if (edge->message || callers_budget < 0)
		return;
	if (fatal_share(figures) <= 0) {
		goal->text = arena_printf(work->arena, "its caller outlives its failures; %s",
					  goal->text);
		return;
	}
	work->budget[i] = callers_budget / (fatal_calls + 1);
	goal->needed = 1 - work->budget[i];
	const double share = share_needed(figures, goal->needed);
	if (share > 0)
		goal->basis = SLO_DERIVED;
	else
		goal->basis = provided > 0 ? SLO_SHORT : SLO_NONE;
	goal->target = share > 0 ? share : provided;
	goal->text = arena_printf(work->arena, "its caller needs %s %%%s; %s",
				  slo_percent(work->arena, share_rounded_up(goal->needed)),
				  figures->failed < FATAL_LEAST ? ", each failure being fatal" : "",
				  share > 0 ? shown_text_of(work->arena, figures) : goal->text);
}

static void derive_edges(const struct slo_work *work)
{
	const struct slo_signal *signal = work->to;
	const struct slo_goal *goal = &signal->figures.availability;
	const double budget = goal->basis == SLO_NONE ? -1 : 1 - goal->target;
	CLEANUP_FREE double *fatal_calls = count_fatal_calls(signal);

	for (uint32_t i = 0; i < signal->nedges; i++) {
		const uint32_t above = signal->edges[i].above;

		derive_latency(work, i);
		if (above == TRACE_NONE)
			derive_availability(work, i, budget, fatal_calls[0]);
		else
			derive_availability(work, i, work->budget[above], fatal_calls[above + 1]);
	}
}

/* ---- edges ---- */

static double node_share(const struct slo_node *node)
{
	return node->request_us > 0 ? (double)node->path_us / (double)node->request_us : 0;
}

/* A node among those of one caller. */
struct slo_order {
	uint32_t node;
	const struct slo_node *at;
};

/* The largest share first, then the most calls, then by name. */
static int by_share(const void *a, const void *b)
{
	const struct slo_node *na = ((const struct slo_order *)a)->at,
			      *nb = ((const struct slo_order *)b)->at;
	const double sa = node_share(na), sb = node_share(nb);
	int order;

	if (sa > sb || sa < sb)
		return sa > sb ? -1 : 1;
	if (na->times.n != nb->times.n)
		return na->times.n > nb->times.n ? -1 : 1;
	order = strcmp(na->callee, nb->callee);
	return order ? order : strcmp(na->operation, nb->operation);
}

static void fill_edge(const struct slo_work *work, const struct slo_node *node, uint32_t above,
		      unsigned int depth, struct slo_edge *edge, struct slo_sorted *ret_sorted)
{
	const uint32_t callers = node->above == TRACE_NONE
					 ? work->from->times.n
					 : work->from->nodes[node->above]->times.n;

	*edge = (struct slo_edge){
		.above = above,
		.depth = depth,
		.caller = arena_strdup(work->arena, node->caller),
		.callee = arena_strdup(work->arena, node->callee),
		.namespace = arena_strdup(work->arena, node->namespace),
		.operation = arena_strdup(work->arena, node->operation),
		.peer = node->peer,
		.message = node->message,
		.requests = node->requests,
		.per_call = (double)node->times.n / callers,
		.share = node_share(node),
		.on_path = (double)node->path_calls / node->requests,
	};
	fill_figures(work->arena, work->from, &node->times, &edge->figures, ret_sorted);
	edge->figures.judged = node->judged;
	edge->figures.failed = node->failed;
	edge->figures.fatal = node->fatal;
}

/* The nodes that each caller calls, as lists from the smallest share to the largest: first by index
 * of the caller plus one, 0 for the signal; next by index of the node. Both hold indexes plus one.
 */
struct slo_lists {
	uint32_t *first, *next;
};

static void make_lists(const struct slo_gathered *from, struct slo_lists *ret_lists)
{
	const size_t n = from->nnodes;
	CLEANUP_FREE struct slo_order *order = xcalloc(n + 1, sizeof(*order));
	struct slo_lists lists = { xcalloc(n + 1, sizeof(*lists.first)),
				   xcalloc(n + 1, sizeof(*lists.next)) };

	for (uint32_t i = 0; i < n; i++)
		order[i] = (struct slo_order){ i, from->nodes[i] };
	qsort(order, n, sizeof(*order), by_share);
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t above = order[i].at->above;
		uint32_t *list = &lists.first[above == TRACE_NONE ? 0 : above + 1];

		lists.next[order[i].node] = *list;
		*list = order[i].node + 1;
	}
	*ret_lists = lists;
}

/* Fills the edges in the order of the tree. A stack of nodes instead of a recursion: how deep the
 * tree is depends on strangers. */
static void fill_edges(struct slo_work *work)
{
	const struct slo_gathered *from = work->from;
	CLEANUP_FREE uint32_t *stack = xcalloc((size_t)from->nnodes + 1, sizeof(*stack));
	CLEANUP_FREE uint32_t *edge_of = xcalloc((size_t)from->nnodes + 1, sizeof(*edge_of));
	struct slo_signal *to = work->to;
	struct slo_lists lists;
	uint32_t nstack = 0, list;

	make_lists(from, &lists);
	to->edges = arena_array(work->arena, (size_t)from->nnodes + 1, sizeof(*to->edges));
	for (list = lists.first[0];; list = lists.first[stack[nstack] + 1]) {
		for (; list; list = lists.next[list - 1])
			stack[nstack++] = list - 1;
		if (!nstack)
			break;
		const uint32_t node = stack[--nstack], above = from->nodes[node]->above;
		const uint32_t up = above == TRACE_NONE ? TRACE_NONE : edge_of[above];

		edge_of[node] = to->nedges;
		fill_edge(work, from->nodes[node], up,
			  up == TRACE_NONE ? 0 : to->edges[up].depth + 1, &to->edges[to->nedges],
			  &work->sorted[to->nedges]);
		to->nedges++;
	}
	free(lists.first);
	free(lists.next);
}

/* ---- signals ---- */

static void propose_signal(const struct slo_gathered *from, const struct slo_wish *wish,
			   struct arena *arena, struct slo_signal *to)
{
	struct slo_work work = { .arena = arena,
				 .from = from,
				 .to = to,
				 .sorted = xcalloc((size_t)from->nnodes + 1, sizeof(*work.sorted)),
				 .budget =
					 xcalloc((size_t)from->nnodes + 1, sizeof(*work.budget)) };
	struct slo_figures *figures = &to->figures;
	struct slo_sorted sorted;

	*to = (struct slo_signal){ .name = arena_strdup(arena, from->name),
				   .service = arena_strdup(arena, from->service),
				   .namespace = arena_strdup(arena, from->namespace),
				   .operation = arena_strdup(arena, from->operation),
				   .from_us = from->from_us,
				   .to_us = from->to_us };
	if (from->request_us > 0 && from->path_us < from->request_us)
		to->own_share = 1 - (double)from->path_us / (double)from->request_us;
	fill_figures(arena, from, &from->times, figures, &sorted);
	figures->judged = from->judged;
	figures->failed = from->failed;
	if (wish->within_us)
		give_latency(arena, &sorted, wish->within_us, &figures->latency);
	else
		measure_latency(arena, &sorted, &figures->latency);
	if (wish->availability > 0)
		give_availability(arena, wish->availability, figures);
	else
		measure_availability(arena, figures);
	fill_edges(&work);
	derive_edges(&work);
	for (uint32_t i = 0; i < to->nedges; i++)
		free(work.sorted[i].at);
	free(sorted.at);
	free(work.sorted);
	free(work.budget);
}

static bool is_asked_for(const struct slo_gathered *signal, const char *only)
{
	const size_t len = strlen(signal->service);

	if (!only || (signal->name && strcmp(signal->name, only) == 0) ||
	    strcmp(signal->service, only) == 0)
		return true;
	return strncmp(only, signal->service, len) == 0 && only[len] == '/' &&
	       strcmp(only + len + 1, signal->operation) == 0;
}

static int by_requests(const void *a, const void *b)
{
	const struct slo_signal *sa = a, *sb = b;
	int order;

	if (sa->figures.samples != sb->figures.samples)
		return sa->figures.samples > sb->figures.samples ? -1 : 1;
	order = strcmp(sa->service, sb->service);
	return order ? order : strcmp(sa->operation, sb->operation);
}

void slo_propose(const struct slo_samples *samples, const struct slo_wish *wish, const char *only,
		 struct arena *arena, struct slo_proposal *ret_proposal)
{
	struct slo_proposal proposal = {
		.signals = arena_array(arena, (size_t)samples->nsignals + 1,
				       sizeof(*proposal.signals)),
	};

	for (uint32_t i = 0; i < samples->nsignals; i++)
		if (samples->signals[i]->times.n && is_asked_for(samples->signals[i], only))
			propose_signal(samples->signals[i], wish, arena,
				       &proposal.signals[proposal.nsignals++]);
	qsort(proposal.signals, proposal.nsignals, sizeof(*proposal.signals), by_requests);
	*ret_proposal = proposal;
}
