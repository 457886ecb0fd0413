/*
 * Hits: how often decisions have named each rule. A trail holds the address of a rule's place; a
 * search by that address finds the rule's count. Counts are atomic: decisions are made on several
 * threads. Any thread may call.
 */
#include <stdlib.h>

#include "engine-internal.h"

/* ---- rules by number: signals, services, routes, silences, each in the order of the files ---- */

bool rules_hit(const struct ruleset *rules, size_t number, struct rule_hit *ret_hit)
{
	size_t i = number;

	if (number >= rules->nhit_counts)
		return false;
	*ret_hit = (struct rule_hit){ .hits = atomic_load_explicit(&rules->nhits[number],
								   memory_order_relaxed) };
	if (i < rules->nsignals) {
		ret_hit->sort = RULE_SIGNAL;
		ret_hit->name = rules->signals[i].rule.name;
		ret_hit->place = rules->signals[i].rule.place;
	} else if ((i -= rules->nsignals) < rules->nservices) {
		ret_hit->sort = RULE_SERVICE;
		ret_hit->name = rules->services[i].rule.name;
		ret_hit->place = rules->services[i].rule.place;
	} else if ((i -= rules->nservices) < rules->nroutes) {
		ret_hit->sort = RULE_ROUTE;
		ret_hit->place = rules->routes[i].route.place;
	} else {
		ret_hit->sort = RULE_SILENCE;
		ret_hit->place = rules->silences[i - rules->nroutes].silence.place;
	}
	return true;
}

/* ---- the index ---- */

static int by_address(const void *a, const void *b)
{
	const uintptr_t x = (uintptr_t)((const struct hit_count *)a)->place,
			y = (uintptr_t)((const struct hit_count *)b)->place;

	return x < y ? -1 : x > y;
}

void ruleset_index_hits(struct ruleset *rules)
{
	const size_t n = rules->nsignals + rules->nservices + rules->nroutes + rules->nsilences;
	struct rule_hit hit;

	rules->nhit_counts = n;
	rules->hits = arena_array(rules->arena, n, sizeof(*rules->hits));
	rules->nhits = arena_array(rules->arena, n, sizeof(*rules->nhits));
	for (size_t i = 0; i < n; i++)
		atomic_init(&rules->nhits[i], 0);
	for (size_t i = 0; rules_hit(rules, i, &hit); i++)
		rules->hits[i] = (struct hit_count){ .place = hit.place, .n = &rules->nhits[i] };
	if (n)
		qsort(rules->hits, n, sizeof(*rules->hits), by_address);
}

/* ---- counting ---- */

void rules_count_hits(const struct ruleset *rules, const struct rule_trail *trail)
{
	for (size_t i = 0; rules->nhit_counts && i < trail->nmatched; i++) {
		const struct hit_count wanted = { .place = trail->matched[i].place };
		const struct hit_count *found = bsearch(&wanted, rules->hits, rules->nhit_counts,
							sizeof(*rules->hits), by_address);
		if (found)
			atomic_fetch_add_explicit(found->n, 1, memory_order_relaxed);
	}
}

void rules_keep_hits(const struct ruleset *rules, const struct ruleset *before)
{
	for (size_t i = 0; i < rules->nhit_counts && i < before->nhit_counts; i++)
		atomic_store_explicit(&rules->nhits[i],
				      atomic_load_explicit(&before->nhits[i], memory_order_relaxed),
				      memory_order_relaxed);
}
