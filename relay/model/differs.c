/*
 * Differs: see differs.h and tracepager-walk(7), section "What differs".
 *
 * Three groups of units (evidence_units.c) are compared: those of the suspect that failed, the
 * others of the same window, and those of healthy traces before. For each value of each attribute
 * Fisher's exact test (one-sided) gives the probability that so many of the failing ones have it by
 * chance. Many values are looked at, so this is multiplied by their number: only by those that
 * could be sharp at all with so many units (Tarone 1990), and values that the same units have count
 * once. The same window comes first: only there is everything else equal. Beside healthy traces
 * before, a new deployment looks like a cause; so they count only where the window does not object,
 * and the sentence says that they are from before.
 */
#include "tracepager/differs.h"

#include <stdlib.h>
#include <string.h>

#include "fisher-internal.h"
#include "span-internal.h"
#include "tracepager/hash.h"
#include "tracepager/xalloc.h"

/* The corrected probability below which a difference is told. */
#define DIFFERS_P 0.01
/* A difference is told of at least this many failing units and this share of them, and where their
 * share is larger than the others' by that much: less is no help at night. */
#define DIFFERS_LEAST_FAILING 3u
#define DIFFERS_LEAST_SHARE   0.7
#define DIFFERS_LEAST_GAP     0.4
/* A value is told rather than a more general one if, among the units that have the general one, it
 * still tells the failing ones from the others: with this probability, of that one comparison. */
#define DIFFERS_SPECIFIC_P 0.01
/* and only if their probabilities differ by more than this factor. */
#define DIFFERS_AS_SHARP 30
/* Two values say the same if of the units that have either this share has both. */
#define DIFFERS_SAME_SHARE 0.8
/* Others of the window that can object to what healthy traces say. */
#define DIFFERS_LEAST_OTHERS 3u

enum diff_side {
	SIDE_FAILING,
	SIDE_WINDOW,  /* others of the same window */
	SIDE_HEALTHY, /* of traces before */
	DIFF_SIDES,
};

/* A value of an attribute. */
struct diff_fact {
	const char *attribute, *value; /* borrowed from the sets */
	uint32_t key;		       /* an index into keys */
	uint32_t with[DIFF_SIDES];     /* units that have it */
	uint64_t units;		       /* tells apart the sets of units that have it */
	double p[DIFF_SIDES];	       /* beside that side, corrected */
	double p_all;		       /* beside both, to rank by */
	bool sharp[DIFF_SIDES];
};

struct diff_key {
	uint32_t with[DIFF_SIDES]; /* units that have the attribute */
	uint32_t values;
};

struct diff_unit {
	const uint32_t *facts; /* indexes into facts */
	uint32_t nfacts;
	enum diff_side side;
};

struct diff {
	struct arena *arena;
	const struct differs_input *input;
	struct map *index; /* "attribute\x1fvalue" and "\x01attribute" to an index plus one */
	struct diff_fact *facts;
	struct diff_key *keys;
	struct diff_unit *units;
	uint32_t nfacts, nkeys, nunits, facts_size, keys_size, units_size;
	uint32_t of[DIFF_SIDES]; /* units */
};

static void *diff_grow(void *at, uint32_t n, uint32_t *size, size_t each)
{
	if (n < *size)
		return at;
	*size = *size ? *size * 2 : 64;
	return xrealloc_array(at, *size, each);
}

/* ---- names ---- */

/* Attributes with a short name, the most general first: of attributes that say the same the first
 * is told. Attributes that are not listed come after the first part. */
static const struct diff_name {
	const char *attribute, *name;
	const char *plural; /* told with the number of values; NULL: it is not told */
} diff_names[] = {
	{ "service.version", "version", NULL },
	{ "feature_flag.key", "feature flag", NULL },
	{ "feature_flag.variant", "variant", NULL },
	{ "feature_flag.result.variant", "variant", NULL },
	{ "deployment.environment.name", "environment", NULL },
	{ "cloud.region", "region", "regions" },
	{ "cloud.availability_zone", "zone", "zones" },
	{ "k8s.cluster.name", "cluster", "clusters" },
	{ "tenant.id", "tenant", NULL },
	{ "http.route", "route", NULL },
	{ "", NULL, NULL }, /* all others */
	{ "k8s.replicaset.name", "replica set", NULL },
	{ "k8s.node.name", "node", "nodes" },
	{ "host.name", "host", "hosts" },
	{ "host.id", "host", "hosts" },
	{ "k8s.pod.name", "pod", "pods" },
	{ "service.instance.id", "instance", "instances" },
	{ "k8s.pod.uid", "pod", "pods" },
	{ "k8s.pod.ip", "pod", "pods" },
	{ "container.id", "container", "containers" },
	{ "process.pid", "process", "processes" },
};

/* The place in diff_names: less is more general. */
static size_t diff_rank(const char *attribute)
{
	size_t rest = 0;

	for (size_t i = 0; i < ARRAY_LEN(diff_names); i++) {
		if (strcmp(diff_names[i].attribute, attribute) == 0)
			return i;
		if (!diff_names[i].name)
			rest = i;
	}
	return rest;
}

static const char *diff_shown_name(struct arena *arena, const char *attribute)
{
	const char *name = diff_names[diff_rank(attribute)].name;

	return name ? name : shown_text(arena, attribute);
}

/* ---- units ---- */

/* The index of the key "FIRST\x1fSECOND"; `next` where it is new, and then it has that. */
static uint32_t diff_index(struct diff *diff, const char *first, const char *second, uint32_t next)
{
	BUF_LOCAL(key, strlen(first) + strlen(second) + 1);

	buf_puts(&key, first);
	buf_putc(&key, '\x1f');
	buf_puts(&key, second);
	uint32_t index = (uint32_t)((uintptr_t)map_get(diff->index, buf_text(&key)) - 1);
	if (index == UINT32_MAX) {
		index = next;
		map_put(diff->index, buf_text(&key), (void *)((uintptr_t)next + 1));
	}
	buf_fini(&key);
	return index;
}

static uint32_t diff_key_index(struct diff *diff, const char *attribute)
{
	/* No attribute is named so: the keys of attributes and of facts differ. */
	uint32_t index = diff_index(diff, "\x01", attribute, diff->nkeys);

	if (index == diff->nkeys) {
		diff->keys = diff_grow(diff->keys, index, &diff->keys_size, sizeof(*diff->keys));
		diff->keys[diff->nkeys++] = (struct diff_key){ .values = 0 };
	}
	return index;
}

static uint32_t diff_fact_index(struct diff *diff, const char *attribute, const char *value)
{
	uint32_t index = diff_index(diff, attribute, value, diff->nfacts);

	if (index == diff->nfacts) {
		diff->facts =
			diff_grow(diff->facts, index, &diff->facts_size, sizeof(*diff->facts));
		diff->facts[index] = (struct diff_fact){ .attribute = attribute,
							 .value = value,
							 .key = diff_key_index(diff, attribute) };
		diff->keys[diff->facts[index].key].values++;
		diff->nfacts++;
	}
	return index;
}

/* The facts of a profile, as indexes into diff->facts. */
static const uint32_t *translate_profile(struct diff *diff, const struct evidence_set *set,
					 const struct evidence_profile *profile)
{
	uint32_t *facts = arena_array(diff->arena, (size_t)profile->nfacts + 1, sizeof(*facts));

	for (uint32_t i = 0; i < profile->nfacts; i++) {
		const struct evidence_fact *fact = &set->facts[profile->facts[i]];

		facts[i] =
			diff_fact_index(diff, set->texts[fact->attribute], set->texts[fact->value]);
	}
	return facts;
}

static bool is_of_suspect(const struct diff *diff, const struct evidence_set *set,
			  const struct evidence_profile *profile)
{
	const struct evidence_service *service = &set->services[profile->service];

	return !service->peer && strcmp(service->name, diff->input->service) == 0 &&
	       strcmp(service->namespace, diff->input->namespace) == 0;
}

static void diff_count_unit(struct diff *diff, const uint32_t *facts, uint32_t nfacts,
			    enum diff_side side)
{
	uint32_t number = diff->nunits;
	uint64_t mark = hash_bytes(&number, sizeof(number));

	diff->units = diff_grow(diff->units, number, &diff->units_size, sizeof(*diff->units));
	diff->units[diff->nunits++] = (struct diff_unit){ facts, nfacts, side };
	diff->of[side]++;
	for (uint32_t i = 0; i < nfacts; i++) {
		struct diff_fact *fact = &diff->facts[facts[i]];
		bool first = true;

		fact->with[side]++;
		fact->units ^= mark;
		for (uint32_t k = 0; k < i && first; k++)
			first = diff->facts[facts[k]].key != fact->key;
		diff->keys[fact->key].with[side] += first;
	}
}

/* Adds the units of a set. failing, fine: the side of those that failed, and of the others;
 * DIFF_SIDES: they are left out. */
static void diff_add_set(struct diff *diff, const struct evidence_set *set, enum diff_side failing,
			 enum diff_side fine)
{
	const uint32_t **facts;

	if (!set)
		return;
	facts = xcalloc((size_t)set->nprofiles + 1, sizeof(*facts));
	for (uint32_t t = 0; t < set->n; t++)
		for (uint32_t i = 0; i < set->at[t].nunits; i++) {
			const struct evidence_unit *unit = &set->at[t].units[i];
			const struct evidence_profile *profile = &set->profiles[unit->profile];
			enum diff_side side = unit->failing ? failing : fine;

			if (side == DIFF_SIDES || !is_of_suspect(diff, set, profile))
				continue;
			if (!facts[unit->profile])
				facts[unit->profile] = translate_profile(diff, set, profile);
			diff_count_unit(diff, facts[unit->profile], profile->nfacts, side);
		}
	free(facts);
}

/* ---- the test ---- */

static int compare_doubles(const void *a, const void *b)
{
	double da = *(const double *)a, db = *(const double *)b;

	return (da > db) - (da < db);
}

static int compare_signatures(const void *a, const void *b)
{
	uint64_t sa = (*(const struct diff_fact *const *)a)->units;
	uint64_t sb = (*(const struct diff_fact *const *)b)->units;

	return (sa > sb) - (sa < sb);
}

/*
 * The number by which a probability beside this side is multiplied (Tarone): the least k for which
 * at most k values could come below DIFFERS_P / k at all, whatever their failing units were.
 */
static uint32_t tests_made(const struct diff *diff, enum diff_side side)
{
	CLEANUP_FREE const struct diff_fact **facts =
		xcalloc((size_t)diff->nfacts + 1, sizeof(*facts));
	CLEANUP_FREE double *least = xcalloc((size_t)diff->nfacts + 1, sizeof(*least));
	uint32_t n = 0, all = diff->of[SIDE_FAILING] + diff->of[side], k = 1, below = 0;

	for (uint32_t i = 0; i < diff->nfacts; i++)
		facts[i] = &diff->facts[i];
	qsort(facts, diff->nfacts, sizeof(*facts), compare_signatures);
	for (uint32_t i = 0; i < diff->nfacts; i++) {
		uint32_t with = facts[i]->with[SIDE_FAILING] + facts[i]->with[side];
		uint32_t most = with < diff->of[SIDE_FAILING] ? with : diff->of[SIDE_FAILING];

		if (with > 0 && (i == 0 || facts[i]->units != facts[i - 1]->units))
			least[n++] = fisher_tail(most, diff->of[SIDE_FAILING], with, all);
	}
	qsort(least, n, sizeof(*least), compare_doubles);
	for (;; k++) {
		for (below = 0; below < n && least[below] <= DIFFERS_P / k;)
			below++;
		if (below <= k)
			return k;
	}
}

static double unit_share(uint32_t n, uint32_t of)
{
	return of > 0 ? (double)n / of : 0;
}

static bool has_gap(const struct diff *diff, const struct diff_fact *fact, enum diff_side side)
{
	return unit_share(fact->with[SIDE_FAILING], diff->of[SIDE_FAILING]) -
		       unit_share(fact->with[side], diff->of[side]) >=
	       DIFFERS_LEAST_GAP;
}

static void judge_side(struct diff *diff, enum diff_side side)
{
	uint32_t failing = diff->of[SIDE_FAILING], tests;

	if (diff->of[side] == 0)
		return;
	tests = tests_made(diff, side);
	for (uint32_t i = 0; i < diff->nfacts; i++) {
		struct diff_fact *fact = &diff->facts[i];
		uint32_t with = fact->with[SIDE_FAILING];

		/* An attribute that none of the others has was not recorded there. */
		if (with < DIFFERS_LEAST_FAILING ||
		    unit_share(with, failing) < DIFFERS_LEAST_SHARE ||
		    diff->keys[fact->key].with[side] == 0 || !has_gap(diff, fact, side))
			continue;
		if (side == SIDE_HEALTHY && diff->of[SIDE_WINDOW] >= DIFFERS_LEAST_OTHERS &&
		    !has_gap(diff, fact, SIDE_WINDOW))
			continue;
		fact->p[side] = tests * fisher_tail(with, failing, with + fact->with[side],
						    failing + diff->of[side]);
		fact->sharp[side] = fact->p[side] <= DIFFERS_P;
	}
}

static enum diff_side side_told(const struct diff_fact *fact)
{
	return fact->sharp[SIDE_WINDOW] ? SIDE_WINDOW : SIDE_HEALTHY;
}

/* ---- which are told ---- */

/* By p_all; then by name. */
static int compare_sharp(const void *a, const void *b)
{
	const struct diff_fact *fa = *(const struct diff_fact *const *)a;
	const struct diff_fact *fb = *(const struct diff_fact *const *)b;
	size_t ra = diff_rank(fa->attribute), rb = diff_rank(fb->attribute);
	int order;

	if (fa->p_all < fb->p_all || fa->p_all > fb->p_all)
		return fa->p_all < fb->p_all ? -1 : 1;
	if (ra != rb)
		return ra < rb ? -1 : 1;
	order = strcmp(fa->attribute, fb->attribute);
	return order != 0 ? order : strcmp(fa->value, fb->value);
}

static uint32_t collect_sharp(struct diff *diff, struct diff_fact **sharp)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < diff->nfacts; i++) {
		struct diff_fact *fact = &diff->facts[i];
		uint32_t with = fact->with[SIDE_FAILING];

		if (!fact->sharp[SIDE_WINDOW] && !fact->sharp[SIDE_HEALTHY])
			continue;
		fact->p_all = fisher_tail(with, diff->of[SIDE_FAILING],
					  with + fact->with[SIDE_WINDOW] + fact->with[SIDE_HEALTHY],
					  diff->nunits);
		sharp[n++] = fact;
	}
	qsort(sharp, n, sizeof(*sharp), compare_sharp);
	return n;
}

static bool unit_has(const struct diff_unit *unit, uint32_t fact)
{
	for (uint32_t i = 0; i < unit->nfacts; i++)
		if (unit->facts[i] == fact)
			return true;
	return false;
}

/* Among the units that have all of the given facts: the probability that as many of the failing
 * ones have this one by chance, beside the others of one side; DIFF_SIDES: beside all others. */
static double chance_among(const struct diff *diff, struct diff_fact *const *given,
			   unsigned int ngiven, const struct diff_fact *fact, enum diff_side side)
{
	uint32_t with[2] = { 0 }, of[2] = { 0 };

	for (uint32_t i = 0; i < diff->nunits; i++) {
		const struct diff_unit *unit = &diff->units[i];
		bool failing = unit->side == SIDE_FAILING;
		bool in = failing || unit->side == side || side == DIFF_SIDES;

		for (unsigned int k = 0; k < ngiven && in; k++)
			in = unit_has(unit, (uint32_t)(given[k] - diff->facts));
		of[failing] += in;
		with[failing] += in && unit_has(unit, (uint32_t)(fact - diff->facts));
	}
	return fisher_tail(with[true], of[true], with[true] + with[false], of[true] + of[false]);
}

/* Does the fact tell failing units from others beyond those that are told? Then it is told too. */
static bool says_more(const struct diff *diff, struct diff_fact *const *told, unsigned int ntold,
		      const struct diff_fact *fact)
{
	enum diff_side side = side_told(fact);

	return chance_among(diff, told, ntold, fact, side) * tests_made(diff, side) <= DIFFERS_P;
}

/* Does the general one explain all that the sharper one does? It does if it is about as sharp, if
 * all failing units of the sharper one have it, and if among its units the sharper one is nothing
 * special. */
static bool explains_sharper(const struct diff *diff, struct diff_fact *general,
			     const struct diff_fact *sharper)
{
	if (diff_rank(general->attribute) >= diff_rank(sharper->attribute) ||
	    general->p_all > DIFFERS_AS_SHARP * sharper->p_all)
		return false;
	for (uint32_t i = 0; i < diff->nunits; i++)
		if (diff->units[i].side == SIDE_FAILING &&
		    unit_has(&diff->units[i], (uint32_t)(sharper - diff->facts)) &&
		    !unit_has(&diff->units[i], (uint32_t)(general - diff->facts)))
			return false;
	return chance_among(diff, &general, 1, sharper, DIFF_SIDES) > DIFFERS_SPECIFIC_P;
}

/* Moves to the front what is told first: the sharpest, unless a more general one explains it. The
 * failing units of a bad zone may all have come from one of its nodes. */
static void general_first(const struct diff *diff, struct diff_fact **sharp, uint32_t n)
{
	uint32_t best = 0;
	struct diff_fact *fact;

	for (uint32_t i = 1; i < n; i++)
		if (explains_sharper(diff, sharp[i], sharp[best]))
			best = i;
	if (best == 0)
		return;
	fact = sharp[best];
	memmove(sharp + 1, sharp, best * sizeof(struct diff_fact *));
	sharp[0] = fact;
}

/* Do the same units have both facts, but for a few? */
static bool is_nearly_same(const struct diff *diff, const struct diff_fact *a,
			   const struct diff_fact *b)
{
	uint32_t either = 0, both = 0;

	for (uint32_t i = 0; i < diff->nunits; i++) {
		bool with_a = unit_has(&diff->units[i], (uint32_t)(a - diff->facts));
		bool with_b = unit_has(&diff->units[i], (uint32_t)(b - diff->facts));

		either += with_a || with_b;
		both += with_a && with_b;
	}
	return both >= DIFFERS_SAME_SHARE * either;
}

/* ---- words ---- */

static const char *same_words(struct arena *arena, const struct difference *difference)
{
	const char *words = "";

	for (unsigned int i = 0; i < difference->nsame; i++)
		words = arena_printf(arena, "%s%s%s", words,
				     i == 0 ? ", not to be told apart from " : ", ",
				     difference->same[i]);
	return words;
}

static void tell_difference(struct diff *diff, const struct diff_fact *fact,
			    struct difference *difference)
{
	struct arena *arena = diff->arena;
	const struct diff_name *name = &diff_names[diff_rank(fact->attribute)];
	uint32_t values = diff->keys[fact->key].values;
	const char *among = "", *beside;

	if (name->plural && values > 2)
		among = arena_printf(arena, ", 1 of %u %s", values, name->plural);
	if (difference->before)
		beside = arena_printf(arena, "; healthy traces before: %u of %u",
				      difference->others, difference->of_others);
	else
		beside = arena_printf(arena, ", %u of %u others", difference->others,
				      difference->of_others);
	difference->text = arena_printf(
		arena, "%s%u %s %s %s%s %s%s%s%s",
		difference->failing == difference->of
			? "all "
			: arena_printf(arena, "%u of ", difference->failing),
		difference->of, diff->input->slow ? "in" : "that fail in",
		shown_text(arena, diff->input->service), name->name ? "are on " : "have ",
		diff_shown_name(arena, fact->attribute), shown_text(arena, fact->value), among,
		same_words(arena, difference), beside);
}

static void fill_difference(struct diff *diff, struct diff_fact *const *sharp, uint32_t n,
			    uint32_t at, struct difference *difference)
{
	const struct diff_fact *fact = sharp[at];
	enum diff_side side = side_told(fact);

	*difference = (struct difference){ .attribute = arena_strdup(diff->arena, fact->attribute),
					   .value = arena_strdup(diff->arena, fact->value),
					   .failing = fact->with[SIDE_FAILING],
					   .of = diff->of[SIDE_FAILING],
					   .others = fact->with[side],
					   .of_others = diff->of[side],
					   .before = side == SIDE_HEALTHY,
					   .p = fact->p[side] };
	for (uint32_t i = 0; i < n && difference->nsame < LIMIT_DIFFERS_SAME; i++)
		if (i != at && (is_nearly_same(diff, fact, sharp[i]) ||
				explains_sharper(diff, sharp[at], sharp[i])))
			difference->same[difference->nsame++] =
				arena_printf(diff->arena, "%s %s",
					     diff_shown_name(diff->arena, sharp[i]->attribute),
					     shown_text(diff->arena, sharp[i]->value));
	tell_difference(diff, fact, difference);
}

static unsigned int diff_choose(struct diff *diff, struct difference *ret_differences)
{
	struct diff_fact **sharp =
		arena_array(diff->arena, (size_t)diff->nfacts + 1, sizeof(*sharp));
	struct diff_fact *told[LIMIT_DIFFERS];
	uint32_t n;
	unsigned int ntold = 0;

	judge_side(diff, SIDE_WINDOW);
	judge_side(diff, SIDE_HEALTHY);
	n = collect_sharp(diff, sharp);
	general_first(diff, sharp, n);
	for (uint32_t i = 0; i < n && ntold < LIMIT_DIFFERS; i++) {
		if (ntold > 0 && !says_more(diff, told, ntold, sharp[i]))
			continue;
		fill_difference(diff, sharp, n, i, &ret_differences[ntold]);
		told[ntold++] = sharp[i];
	}
	return ntold;
}

/* Can the window have enough failing units? Each resource of the suspect is at most one in each
 * trace. Most windows have one trace, and nothing need be gathered. */
static bool may_have_failing_units(const struct differs_input *input)
{
	uint32_t most = 0;

	for (unsigned int i = 0; i < input->ntraces && most < DIFFERS_LEAST_FAILING; i++) {
		const struct trace *trace = input->traces[i];
		for (uint32_t k = 0; k < trace->set->nresources; k++) {
			const struct resource *resource = &trace->set->resources[k];
			most += strcmp(trace_text(trace, resource->service), input->service) == 0 &&
				strcmp(trace_text(trace, resource->namespace), input->namespace) ==
					0;
		}
	}
	return most >= DIFFERS_LEAST_FAILING;
}

unsigned int differs(struct arena *arena, const struct differs_input *input,
		     struct difference ret_differences[LIMIT_DIFFERS])
{
	if (!may_have_failing_units(input))
		return 0;
	struct diff diff = { .arena = arena, .input = input, .index = map_new() };
	struct evidence_set *window = evidence_new(LIMIT_WINDOW_BYTES);
	unsigned int n = 0;

	for (unsigned int i = 0; i < input->ntraces && window->n < LIMIT_UNIT_TRACES; i++)
		evidence_add_units(window, input->traces[i], input->namespace, input->service);
	diff_add_set(&diff, window, SIDE_FAILING, input->slow ? SIDE_FAILING : SIDE_WINDOW);
	if (diff.of[SIDE_FAILING] >= DIFFERS_LEAST_FAILING) {
		diff_add_set(&diff, input->ordinary, DIFF_SIDES, SIDE_WINDOW);
		diff_add_set(&diff, input->healthy, DIFF_SIDES, SIDE_HEALTHY);
		n = diff_choose(&diff, ret_differences);
	}
	evidence_free(window);
	map_free(diff.index);
	free(diff.facts);
	free(diff.keys);
	free(diff.units);
	return n;
}
