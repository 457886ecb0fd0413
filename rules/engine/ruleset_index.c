/*
 * The indexes of a rule set, made once at the end of a load: services in the order in which they
 * win, maps from names, prefixes and peers to entries, which signals can match an alert. Kept by
 * the set's arena.
 */
#include <stdlib.h>

#include "engine-internal.h"

static int more_first(unsigned int a, unsigned int b)
{
	return a > b ? -1 : a < b;
}

int service_compare(const struct service_entry *a, const struct service_entry *b)
{
	int order = more_first(a->service != NULL, b->service != NULL);

	if (order == 0)
		order = more_first((unsigned int)a->nkeys, (unsigned int)b->nkeys);
	if (order == 0)
		order = more_first(a->literals, b->literals);
	return order ? order : more_first(a->nexact, b->nexact);
}

bool service_overlap(const struct service_entry *a, const struct service_entry *b)
{
	for (size_t i = 0; i < a->nkeys; i++)
		for (size_t j = 0; j < b->nkeys; j++) {
			const struct service_key *x = &a->keys[i], *y = &b->keys[j];
			if (strcmp(x->name, y->name) != 0)
				continue;
			/* An entry without "match" has its name as a literal, in which * and ?
			 * stand for themselves: compare literals as texts. */
			bool meet = x->literal && y->literal ? strcmp(x->literal, y->literal) == 0
				    : x->literal	     ? glob_match(y->glob, x->literal)
				    : y->literal	     ? glob_match(x->glob, y->literal)
							     : glob_overlap(x->glob, y->glob);
			if (!meet)
				return false;
		}
	return true;
}

static int compare_services(const void *a, const void *b)
{
	const struct service_entry *x = *(struct service_entry *const *)a,
				   *y = *(struct service_entry *const *)b;
	int order = more_first(x->service != NULL, y->service != NULL);

	if (order == 0 && x->service)
		order = strcmp(x->service, y->service);
	if (order == 0)
		order = service_compare(x, y);
	if (order == 0) /* entries that can be a tie stand side by side */
		order = strcmp(x->prefix, y->prefix);
	return order ? order : x < y ? -1 : x > y;
}

void ruleset_order_services(struct ruleset *rules)
{
	rules->service_order =
		arena_array(rules->arena, rules->nservices, sizeof(struct service_entry *));
	rules->attr_entries =
		arena_array(rules->arena, rules->nservices, sizeof(struct service_entry *));
	for (size_t i = 0; i < rules->nservices; i++) {
		struct service_entry *entry = &rules->services[i];
		rules->service_order[i] = entry;
		rules->nexact += entry->service != NULL;
		for (size_t k = 0; k < entry->nkeys; k++)
			entry->has_attrs |= strcmp(entry->keys[k].name, "service") != 0 &&
					    strcmp(entry->keys[k].name, "namespace") != 0;
		if (entry->has_attrs)
			rules->attr_entries[rules->nattr_entries++] = entry;
	}
	if (rules->nservices)
		qsort(rules->service_order, rules->nservices, sizeof(struct service_entry *),
		      compare_services);
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct service_entry *x = *(struct service_entry *const *)a,
				   *y = *(struct service_entry *const *)b;
	int order = strcmp(x->prefix, y->prefix);

	return order ? order : x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* Neighbours with the same prefix become one bucket of the map. */
static void index_buckets(struct ruleset *rules, struct service_entry **at, size_t n,
			  struct map *map)
{
	for (size_t i = 0, end; i < n; i = end) {
		struct service_bucket *bucket = arena_alloc(rules->arena, sizeof(*bucket));
		for (end = i + 1; end < n && strcmp(at[end]->prefix, at[i]->prefix) == 0;)
			end++;
		*bucket = (struct service_bucket){ .at = &at[i], .n = end - i };
		map_put(map, at[i]->prefix, bucket);
	}
}

static void index_service_names(struct ruleset *rules)
{
	size_t n = rules->nservices - rules->nexact;
	struct service_entry **globs = arena_array(rules->arena, n, sizeof(*globs));

	for (size_t i = 0; i < rules->nservices; i++)
		rules->service_order[i]->rank = i;
	index_buckets(rules, rules->service_order, rules->nexact, rules->service_map);
	for (size_t i = 0; i < n; i++) {
		globs[i] = rules->service_order[rules->nexact + i];
		size_t len = strlen(globs[i]->prefix);
		rules->prefix_lengths |= UINT64_C(1) << (len < 63 ? len : 63);
	}
	if (n)
		qsort(globs, n, sizeof(*globs), compare_prefixes);
	index_buckets(rules, globs, n, rules->prefix_map);
}

/* The entry for a name of which nothing else is known: the only one, or the one without further
 * conditions. */
static struct service_entry *bucket_speaker(const struct service_bucket *bucket)
{
	struct service_entry *last = bucket->at[bucket->n - 1];

	return bucket->n == 1 || last->nkeys == 1 ? last : NULL;
}

/* Fills peer_map. The first entry to claim a name keeps it: peers first, then names of
 * services, then keys of entries. */
static void index_peers(struct ruleset *rules)
{
	const struct service_bucket *bucket;
	const char *name;
	size_t pos = 0;

	for (size_t i = 0; i < rules->nservices; i++)
		for (size_t j = 0; j < rules->services[i].npeers; j++)
			map_put(rules->peer_map, rules->services[i].peers[j], &rules->services[i]);
	while ((bucket = map_next(rules->service_map, &pos, &name))) {
		struct service_entry *speaker = bucket_speaker(bucket);
		if (speaker && !map_get(rules->peer_map, name))
			map_put(rules->peer_map, name, speaker);
	}
	for (size_t i = 0; i < rules->nservices; i++) {
		name = rules->services[i].rule.name;
		if (!map_get(rules->peer_map, name) && !map_get(rules->service_map, name))
			map_put(rules->peer_map, name, &rules->services[i]);
	}
}

static int compare_signals(const void *a, const void *b)
{
	const struct signal_entry *x = *(struct signal_entry *const *)a,
				  *y = *(struct signal_entry *const *)b;
	int order = more_first((unsigned int)x->alerts.n, (unsigned int)y->alerts.n);

	if (order == 0)
		order = more_first(x->literals, y->literals);
	return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void offer_signal(const void *ctx, size_t i, struct pick_sink *sink)
{
	const struct ruleset *rules = ctx;

	matchers_offer(&rules->signal_order[i]->alerts, sink);
}

static void index_signals(struct ruleset *rules)
{
	size_t n = 0, kept = 0;

	rules->signal_order =
		arena_array(rules->arena, rules->nsignals, sizeof(struct signal_entry *));
	rules->signal_list =
		arena_array(rules->arena, rules->nsignals, sizeof(struct signal_rule *));
	for (size_t i = 0; i < rules->nsignals; i++) {
		rules->signal_order[i] = &rules->signals[i];
		rules->signal_list[i] = &rules->signals[i].rule;
		n += rules->signals[i].rule.signal.attrs.n;
	}
	if (rules->nsignals)
		qsort(rules->signal_order, rules->nsignals, sizeof(struct signal_entry *),
		      compare_signals);
	picks_build(&rules->signal_picks, rules->nsignals, offer_signal, rules);
	const struct group_labels *places = &rules->defaults.owner_from;
	const char **names = arena_array(rules->arena, n + places->n, sizeof(*names));
	n = 0;
	for (size_t i = 0; i < places->n; i++)
		if (strncmp(places->names[i], "span.", 5) == 0)
			names[n++] = places->names[i] + 5;
	for (size_t i = 0; i < rules->nsignals; i++)
		for (size_t j = 0; j < rules->signals[i].rule.signal.attrs.n; j++)
			names[n++] = rules->signals[i].rule.signal.attrs.at[j].name;
	if (n)
		qsort(names, n, sizeof(*names), compare_texts);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
			names[kept++] = names[i];
	rules->attr_names = names;
	rules->nattr_names = kept;
}

void ruleset_index(struct ruleset *rules)
{
	for (size_t i = 0; i < rules->nteams; i++)
		map_put(rules->team_map, rules->teams[i].name, &rules->teams[i]);
	for (size_t i = 0; i < rules->npagers; i++) {
		struct pager *pager = &rules->pagers[i];
		map_put(rules->pager_map, pager->name, pager);
		for (size_t j = 0; pager->teams && j < rules->nteams; j++)
			if (pager->teams[j].name)
				map_put(rules->pager_map, pager->teams[j].name, &pager->teams[j]);
	}
	rules->service_list =
		arena_array(rules->arena, rules->nservices, sizeof(*rules->service_list));
	for (size_t i = 0; i < rules->nservices; i++)
		rules->service_list[i] = &rules->services[i].rule;
	index_service_names(rules);
	index_peers(rules);
	index_signals(rules);
	ruleset_index_routes(rules);
	ruleset_index_hits(rules);
}
