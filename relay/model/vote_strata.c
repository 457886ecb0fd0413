/*
 * Vote, strata: the vote of a broad signal (tracepager-walk(7), section 7).
 *
 * A gateway or a whole service has traces of many operations. Compared with one baseline, a changed
 * mix of requests would read as a fault of the gateway. So every trace is looked at from its own
 * operation on, and compared with healthy traces of that operation only; then the evidence of all
 * operations is one vote, since a fault in a service that several of them use shows in each of
 * them. Each operation votes alone as well, only to tell which ones are hit.
 *
 * An operation with fewer than LIMIT_FEW_HEALTHY healthy traces has no usual times and no vote,
 * but where failing paths are counted.
 */
#include <stdlib.h>
#include <string.h>

#include "strata-internal.h"
#include "tracepager/buf.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "vote-internal.h"
#include "walk-internal.h"

/* ---- splitting ---- */

/* A stratum while its members are counted. */
struct part {
	struct stratum_place place; /* of its first trace */
	unsigned int *members, n;
	uint32_t *starts; /* per member: the span of its operation */
};

static const char *part_key(struct arena *arena, const struct stratum_place *place)
{
	return arena_printf(arena, "%s\x1f%s\x1f%s", place->namespace, place->service,
			    place->operation);
}

/* Those with most traces first; of equals the first by name. */
static int part_compare(const void *a, const void *b)
{
	const struct part *pa = *(const struct part *const *)a,
			  *pb = *(const struct part *const *)b;
	int order;

	if (pa->n != pb->n)
		return pa->n > pb->n ? -1 : 1;
	order = strcmp(pa->place.operation, pb->place.operation);
	return order != 0 ? order : strcmp(pa->place.service, pb->place.service);
}

static bool is_of(const struct evidence_set *set, const struct evidence *evidence,
		  const struct stratum_place *place)
{
	const struct evidence_service *service;

	if (evidence->stratum_operation == TRACE_NONE)
		return false;
	service = &set->services[evidence->stratum_service];
	return strcmp(set->texts[evidence->stratum_operation], place->operation) == 0 &&
	       strcmp(service->name, place->service) == 0 &&
	       strcmp(service->namespace, place->namespace) == 0;
}

static bool is_of_any(const struct evidence_set *set, const struct evidence *evidence,
		      struct part *const *parts, unsigned int nparts)
{
	for (unsigned int i = 0; i < nparts; i++)
		if (is_of(set, evidence, &parts[i]->place))
			return true;
	return false;
}

/* A set of the same names with the traces of some operations, or of all others; each from its
 * operation on. */
static struct evidence_set *healthy_view(struct arena *arena, const struct evidence_set *healthy,
					 struct part *const *parts, unsigned int nparts,
					 bool others)
{
	struct evidence_set *view = arena_alloc(arena, sizeof(*view));

	*view = *healthy;
	view->at = arena_array(arena, (size_t)healthy->n + 1, sizeof(*view->at));
	view->n = 0;
	for (uint32_t i = 0; i < healthy->n; i++) {
		const struct evidence *evidence = &healthy->at[i];

		if (is_of_any(healthy, evidence, parts, nparts) != others)
			view->at[view->n++] = evidence->inner ? *evidence->inner : *evidence;
	}
	return view;
}

/* The signal for which a trace is walked from its operation on. */
static struct signal signal_at(const struct trace *trace, uint32_t start)
{
	const struct span *span = &trace->spans[start];

	return (struct signal){ .service = span_service(trace, span),
				.namespace =
					trace_text(trace, span_resource(trace, span)->namespace),
				.operation = trace_text(trace, span->name),
				.from = "label",
				.mode = WALK_AUTO };
}

static void stratum_init(struct arena *arena, struct stratum *stratum, const struct part *part,
			 const struct walk *walks, const struct evidence_set *healthy)
{
	struct signal *signals = arena_array(arena, part->n, sizeof(*signals));

	for (unsigned int i = 0; i < part->n; i++)
		signals[i] = signal_at(walks[part->members[i]].trace, part->starts[i]);
	*stratum = (struct stratum){
		.service = part->place.service,
		.operation = part->place.operation,
		.signals = signals,
		.members = part->members,
		.n = part->n,
		.walks = arena_array(arena, part->n, sizeof(*stratum->walks)),
		.healthy = healthy,
	};
}

/* Makes one stratum of the operations beyond the cap. Its healthy traces are those of no operation
 * that has a stratum of its own. */
static void stratum_init_rest(struct arena *arena, struct stratum *stratum,
			      struct part *const *parts, unsigned int nparts,
			      const struct walk *walks, const struct evidence_set *healthy,
			      unsigned int nwalks)
{
	struct part rest = { .place = { .namespace = "", .service = "", .operation = "others" },
			     .members = arena_array(arena, nwalks, sizeof(*rest.members)),
			     .starts = arena_array(arena, nwalks, sizeof(*rest.starts)) };

	for (unsigned int i = LIMIT_STRATA; i < nparts; i++) {
		memcpy(rest.members + rest.n, parts[i]->members,
		       parts[i]->n * sizeof(*rest.members));
		memcpy(rest.starts + rest.n, parts[i]->starts, parts[i]->n * sizeof(*rest.starts));
		rest.n += parts[i]->n;
	}
	stratum_init(arena, stratum, &rest, walks,
		     healthy_view(arena, healthy, parts, LIMIT_STRATA, true));
	stratum->rest = true;
}

static bool knows_strata(const struct evidence_set *healthy)
{
	for (uint32_t i = 0; i < healthy->n; i++)
		if (healthy->at[i].stratum_operation != TRACE_NONE)
			return true;
	return false;
}

unsigned int vote_split(struct arena *arena, const struct walk *walks, unsigned int nwalks,
			const struct evidence_set *healthy, struct stratum **ret_strata)
{
	struct part **parts = arena_array(arena, nwalks + 1, sizeof(*parts));
	struct map *index;
	unsigned int n = 0;
	bool narrow = true;

	if (nwalks < 2 || !healthy || !knows_strata(healthy))
		return 0;
	index = map_new();
	for (unsigned int i = 0; i < nwalks; i++) {
		struct stratum_place place;
		struct part *part;
		const char *key;

		if (walks[i].from_span == TRACE_NONE)
			continue;
		stratum_find(arena, walks[i].trace, walks[i].from_span, &place);
		narrow = narrow && place.start == walks[i].from_span;
		key = part_key(arena, &place);
		part = map_get(index, key);
		if (!part) {
			part = arena_alloc(arena, sizeof(*part));
			part->place = place;
			part->members = arena_array(arena, nwalks, sizeof(*part->members));
			part->starts = arena_array(arena, nwalks, sizeof(*part->starts));
			map_put(index, key, part);
			parts[n++] = part;
		}
		part->starts[part->n] = place.start;
		part->members[part->n++] = i;
	}
	map_free(index);
	if (n == 0 || (narrow && n == 1))
		return 0;
	qsort(parts, n, sizeof(*parts), part_compare);
	*ret_strata = arena_array(arena, LIMIT_STRATA + 1, sizeof(**ret_strata));
	for (unsigned int i = 0; i < n && i < LIMIT_STRATA; i++)
		stratum_init(arena, &(*ret_strata)[i], parts[i], walks,
			     healthy_view(arena, healthy, &parts[i], 1, false));
	if (n <= LIMIT_STRATA)
		return n;
	stratum_init_rest(arena, &(*ret_strata)[LIMIT_STRATA], parts, n, walks, healthy, nwalks);
	return LIMIT_STRATA + 1;
}

/* ---- the votes ---- */

/* The walks of all strata that have a vote, and their healthy traces. */
struct pool {
	struct walk *walks;
	unsigned int nwalks;
	struct evidence_set *healthy;
};

static bool has_usual(const struct stratum *stratum)
{
	return stratum->healthy->n >= LIMIT_FEW_HEALTHY;
}

/* all: also those without usual times. */
static void pool_fill(struct pool *pool, const struct stratum *strata, unsigned int nstrata,
		      bool all)
{
	pool->nwalks = 0;
	pool->healthy->n = 0;
	for (unsigned int i = 0; i < nstrata; i++) {
		const struct stratum *stratum = &strata[i];

		if (!all && !has_usual(stratum))
			continue;
		memcpy(pool->walks + pool->nwalks, stratum->walks,
		       stratum->n * sizeof(*stratum->walks));
		pool->nwalks += stratum->n;
		memcpy(pool->healthy->at + pool->healthy->n, stratum->healthy->at,
		       stratum->healthy->n * sizeof(*pool->healthy->at));
		pool->healthy->n += stratum->healthy->n;
	}
}

/* Fills the pool with the strata that have a vote. Returns whether failing paths are counted. */
static bool pool_init(struct arena *arena, struct pool *pool, const struct stratum *strata,
		      unsigned int nstrata, unsigned int nwalks, const struct vote_options *options)
{
	struct evidence_set *healthy = arena_alloc(arena, sizeof(*healthy));
	struct vote_options all = *options;

	*healthy = *options->healthy;
	healthy->at = arena_array(arena, (size_t)healthy->n + 1, sizeof(*healthy->at));
	*pool = (struct pool){ arena_array(arena, nwalks, sizeof(*pool->walks)), 0, healthy };
	pool_fill(pool, strata, nstrata, true);
	all.healthy = healthy;
	if (vote_should_count(pool->walks, pool->nwalks, &all))
		return true;
	pool_fill(pool, strata, nstrata, false);
	return false;
}

/* ---- which operations are hit ---- */

static bool is_same_suspect(const struct suspect *a, const struct suspect *b)
{
	return strcmp(a->service, b->service) == 0 && strcmp(a->namespace, b->namespace) == 0;
}

/* A stratum alone often has too few traces to be sure. It is hit if its best candidate is the
 * suspect of all. */
static void tell_stratum(struct arena *arena, const struct stratum *stratum, bool counted,
			 const struct vote_options *options, const struct verdict *all,
			 struct stratum_told *ret_told)
{
	struct vote_options alone = *options;
	struct verdict verdict = { .found = false };

	*ret_told = (struct stratum_told){ .service = stratum->service,
					   .operation = stratum->operation,
					   .traces = stratum->n,
					   .healthy = stratum->healthy->n };
	if (!counted && !has_usual(stratum))
		return;
	alone.healthy = stratum->healthy;
	vote(arena, stratum->walks, stratum->n, &alone, &verdict);
	if (!verdict.walk)
		return;
	ret_told->confidence = verdict.confidence;
	ret_told->hit = all->found && is_same_suspect(&verdict.suspect, &all->suspect);
	if (verdict.found || ret_told->hit)
		ret_told->suspect = verdict.suspect.service;
}

/* "GET /a (8 traces), GET /b (1)" */
static const char *list_strata(struct arena *arena, const struct verdict *verdict, bool hit)
{
	struct buf out = BUF_INIT(LIMIT_STRATA_TOLD * (LIMIT_SHOWN_BYTES + 64));
	unsigned int n = 0;

	for (unsigned int i = 0; i < verdict->nstrata; i++) {
		const struct stratum_told *told = &verdict->strata[i];

		if (told->hit != hit || n++ >= LIMIT_STRATA_TOLD)
			continue;
		buf_printf(&out, "%s%s (%u of the traces)", n > 1 ? ", " : "",
			   shown_text(arena, told->operation), told->traces);
	}
	if (n > LIMIT_STRATA_TOLD)
		buf_printf(&out, " and %u more", n - LIMIT_STRATA_TOLD);
	const char *text = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

static void tell_strata(struct arena *arena, struct verdict *verdict)
{
	const char *hit = list_strata(arena, verdict, true);
	const char *others = list_strata(arena, verdict, false);

	if (verdict->nstrata < 2)
		return;
	if (*hit)
		verdict_tell_first(arena, verdict, "operations that are hit: %s%s%s", hit,
				   *others ? "; that are not: " : "", others);
	else
		verdict_tell_first(arena, verdict, "the traces are of %u operations: %s",
				   verdict->nstrata, others);
}

/* ---- the verdict ---- */

/* The signal's span in a trace of the window. */
static uint32_t signal_span_of(const struct walk *walks, unsigned int nwalks,
			       const struct trace *trace)
{
	for (unsigned int i = 0; i < nwalks; i++)
		if (walks[i].trace == trace)
			return walks[i].from_span;
	return TRACE_NONE;
}

/* The walk began at its operation. Lets its path begin at the signal's span, so that the evidence
 * leads from the signal to the suspect. */
static const struct walk *lead_from_signal(struct arena *arena, const struct walk *walk,
					   uint32_t from)
{
	const struct span *spans = walk->trace->spans;
	struct walk *longer = arena_alloc(arena, sizeof(*longer));
	uint32_t n = 0, at = walk->npath ? walk->path[0] : TRACE_NONE;

	for (; at != TRACE_NONE && at != from; at = spans[at].parent)
		n++;
	if (at == TRACE_NONE || n == 0)
		return walk;
	*longer = *walk;
	longer->npath = walk->npath + n;
	longer->path = arena_array(arena, longer->npath, sizeof(*longer->path));
	memcpy(longer->path + n, walk->path, walk->npath * sizeof(*walk->path));
	for (at = spans[walk->path[0]].parent; n > 0; at = spans[at].parent)
		longer->path[--n] = at;
	return longer;
}

/* Limits a verdict that is shown by a trace of the rest. */
static void limit_rest(struct arena *arena, const struct stratum *last, double threshold,
		       struct verdict *verdict)
{
	bool shown = false;

	for (unsigned int i = 0; last->rest && i < last->n; i++)
		shown = shown || last->walks[i].trace == verdict->walk->trace;
	if (shown)
		verdict_cap(arena, VERDICT_LIMIT_MIXED_OPERATIONS, threshold, verdict);
}

/* ---- above the operations ---- */

/* Is a span of the trace above the span from which the trace's operation was walked? */
static bool is_above(const struct stratum *strata, unsigned int nstrata, const struct trace *trace,
		     uint32_t span)
{
	for (unsigned int i = 0; i < nstrata; i++)
		for (unsigned int k = 0; k < strata[i].n; k++) {
			const struct walk *walk = &strata[i].walks[k];
			uint32_t at = walk->trace == trace ? walk->from_span : TRACE_NONE;

			while (at != TRACE_NONE && at != span)
				at = trace->spans[at].parent;
			if (at == span && span != walk->from_span)
				return true;
		}
	return false;
}

/* Where nobody is named, looks at what lies above the operations, the gateway itself. It is only
 * told, since another mix of requests, and waiting for what lies below, look alike there. */
static void tell_above(struct arena *arena, const struct walk *walks, unsigned int nwalks,
		       const struct stratum *strata, unsigned int nstrata,
		       const struct vote_options *options, struct verdict *verdict)
{
	struct verdict above = { .found = false };

	if (verdict->found || options->healthy->n < LIMIT_FEW_HEALTHY ||
	    !vote_by_contrast(arena, walks, nwalks, options, &above) || !above.found ||
	    !is_above(strata, nstrata, above.walk->trace, above.suspect.span))
		return;
	verdict_cap(arena, VERDICT_LIMIT_ABOVE_UNCLEAR, options->threshold, verdict);
	verdict_tell(arena, verdict, "above the operations, %s may be at fault: %s",
		     shown_text(arena, above.suspect.service),
		     above.nreasons > 0 ? above.reasons[0] : "it is unusual");
}

void vote_strata(struct arena *arena, const struct walk *walks, unsigned int nwalks,
		 const struct stratum *strata, unsigned int nstrata,
		 const struct vote_options *options, struct verdict *ret_verdict)
{
	struct vote_options below = *options;
	struct pool pool;
	bool counted = pool_init(arena, &pool, strata, nstrata, nwalks, options);

	below.healthy = pool.healthy;
	if (pool.nwalks > 0) {
		vote(arena, pool.walks, pool.nwalks, &below, ret_verdict);
	} else {
		memset(ret_verdict, 0, sizeof(*ret_verdict));
		verdict_abstain(
			ret_verdict, FALLBACK_LOW_CONFIDENCE,
			arena_printf(arena,
				     "the traces are of %u operation%s, none of which has %u "
				     "healthy traces to compare with",
				     nstrata, plural_ending(nstrata), LIMIT_FEW_HEALTHY));
	}
	if (ret_verdict->walk) {
		uint32_t from = signal_span_of(walks, nwalks, ret_verdict->walk->trace);

		ret_verdict->walk = lead_from_signal(arena, ret_verdict->walk, from);
		verdict_limit_path(arena, from, options->threshold, ret_verdict);
		limit_rest(arena, &strata[nstrata - 1], options->threshold, ret_verdict);
	}
	tell_above(arena, walks, nwalks, strata, nstrata, options, ret_verdict);
	ret_verdict->strata = arena_array(arena, nstrata, sizeof(*ret_verdict->strata));
	ret_verdict->nstrata = nstrata;
	for (unsigned int i = 0; i < nstrata; i++)
		tell_stratum(arena, &strata[i], counted, options, ret_verdict,
			     &ret_verdict->strata[i]);
	tell_strata(arena, ret_verdict);
}
