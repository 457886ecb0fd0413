/*
 * Warnings about routes: those that an earlier route hides, and those that no alert can meet.
 * Routes are compared condition by condition; conditions that cannot be compared count as
 * different, so that every warning is certain.
 */
#include "check-internal.h"

/* The part of 0 to 1 that a list of comparisons leaves. */
struct share_range {
	double least, most;
	bool least_open, most_open; /* the end itself is not part of it */
};

static void raise_least(struct share_range *range, double value, bool open)
{
	if (value > range->least || (value == range->least && open)) {
		range->least = value;
		range->least_open = open;
	}
}

static void lower_most(struct share_range *range, double value, bool open)
{
	if (value < range->most || (value == range->most && open)) {
		range->most = value;
		range->most_open = open;
	}
}

static struct share_range range_of_tests(const struct number_test *tests, size_t n)
{
	struct share_range range = { .least = 0, .most = 1 };

	for (size_t i = 0; i < n; i++) {
		const struct number_test *test = &tests[i];
		bool open = test->op[1] != '=' && test->op[0] != '=';
		if (test->op[0] != '<')
			raise_least(&range, test->value, open);
		if (test->op[0] != '>')
			lower_most(&range, test->value, open);
	}
	return range;
}

static bool range_is_empty(const struct share_range *range)
{
	return range->least > range->most ||
	       (range->least == range->most && (range->least_open || range->most_open));
}

/* Is every number of b in a? */
static bool range_covers(const struct share_range *a, const struct share_range *b)
{
	return (a->least < b->least ||
		(a->least == b->least && (!a->least_open || b->least_open))) &&
	       (a->most > b->most || (a->most == b->most && (!a->most_open || b->most_open)));
}

/* ---- one condition against another ---- */

/* The i-th glob of a condition, as a matcher on a label of that name. */
static struct rule_matcher matcher_of(const struct when_word *word, size_t i)
{
	return (struct rule_matcher){ .op = RULE_GLOB,
				      .name = word->name,
				      .value = word->globs[i] };
}

static bool word_covers_glob(const struct when_word *word, const char *glob)
{
	for (size_t i = 0; i < word->n; i++)
		if (glob_covers(word->globs[i], glob))
			return true;
	return false;
}

/* Does a hold wherever b holds? */
static bool word_covers(const struct when_word *a, const struct when_word *b)
{
	bool named = a->field == WHEN_LABEL || a->field == WHEN_SUSPECT_ATTR;

	if (a->field != b->field ||
	    (named && (*a->name != *b->name || strcmp(a->name, b->name) != 0)))
		return false;
	for (size_t i = 0; i < b->n; i++)
		if (!word_covers_glob(a, b->globs[i]))
			return false;
	return b->n > 0;
}

/* The same, where the other route has a matcher on the label. */
static bool word_covers_matcher(struct arena *arena, const struct when_word *a,
				const struct rule_matcher *b)
{
	for (size_t i = 0; a->field == WHEN_LABEL && i < a->n; i++) {
		const struct rule_matcher matcher = matcher_of(a, i);
		if (matcher_covers(arena, &matcher, b))
			return true;
	}
	return false;
}

static bool matcher_covers_word(struct arena *arena, const struct rule_matcher *a,
				const struct when_word *b)
{
	if (b->field != WHEN_LABEL)
		return false;
	for (size_t i = 0; i < b->n; i++) {
		const struct rule_matcher matcher = matcher_of(b, i);
		if (!matcher_covers(arena, a, &matcher))
			return false;
	}
	return b->n > 0;
}

/* ---- one route against another ---- */

static bool covers_word(struct arena *arena, const struct when_word *word,
			const struct route_entry *route)
{
	for (size_t i = 0; i < route->nwords; i++)
		if (word_covers(word, &route->words[i]))
			return true;
	for (size_t i = 0; i < route->labels.n; i++)
		if (word_covers_matcher(arena, word, &route->labels.at[i]))
			return true;
	/* A missing label is the empty text, which a star matches. */
	return word->field == WHEN_LABEL && word_covers_glob(word, "*");
}

static bool covers_matcher(struct arena *arena, const struct rule_matcher *matcher,
			   const struct route_entry *route)
{
	for (size_t i = 0; i < route->labels.n; i++)
		if (matcher_covers(arena, matcher, &route->labels.at[i]))
			return true;
	for (size_t i = 0; i < route->nwords; i++)
		if (matcher_covers_word(arena, matcher, &route->words[i]))
			return true;
	return matcher_always(matcher);
}

static bool times_cover(const struct route_entry *a, const struct route_entry *b)
{
	for (size_t i = 0; i < b->ntimes; i++) {
		size_t j = 0;
		while (j < a->ntimes && a->times[j] != b->times[i])
			j++;
		if (j == a->ntimes)
			return a->ntimes == 0;
	}
	return a->ntimes == 0 || b->ntimes > 0;
}

static bool is_empty(const struct route_entry *route)
{
	return !route->nwords && !route->labels.n && !route->nconfidence && !route->ntimes;
}

static bool confidence_covers(const struct route_entry *a, const struct route_entry *b)
{
	if (!a->nconfidence)
		return true;
	const struct share_range x = range_of_tests(a->confidence, a->nconfidence),
				 y = range_of_tests(b->confidence, b->nconfidence);
	return range_covers(&x, &y);
}

/* Does a match whatever b matches? A route without a condition is an error already: it covers
 * nothing. */
static bool route_covers(struct arena *arena, const struct route_entry *a,
			 const struct route_entry *b)
{
	if (is_empty(a) || is_empty(b) || !times_cover(a, b) || !confidence_covers(a, b))
		return false;
	for (size_t i = 0; i < a->nwords; i++)
		if (!covers_word(arena, &a->words[i], b))
			return false;
	for (size_t i = 0; i < a->labels.n; i++)
		if (!covers_matcher(arena, &a->labels.at[i], b))
			return false;
	return true;
}

/* Does no value of the label meet both the condition and the matcher? */
static bool word_contradicts(struct arena *arena, const struct when_word *word,
			     const struct rule_matcher *matcher)
{
	for (size_t i = 0; i < word->n; i++) {
		const struct rule_matcher one = matcher_of(word, i);
		if (!matchers_contradict(arena, &one, matcher))
			return false;
	}
	return word->field == WHEN_LABEL && word->n > 0;
}

/* ---- warnings ---- */

/* Without a trace there is no suspect: the kind that says so, beside a condition on one. NULL: the
 * route has not both. */
static const struct ynode *kind_without_suspect(const struct route_entry *route,
						const struct ynode *when)
{
	const struct when_word *kind = NULL;
	bool suspect = false;

	for (size_t i = 0; i < route->nwords; i++) {
		if (route->words[i].field == WHEN_KIND)
			kind = &route->words[i];
		suspect |= route->words[i].field >= WHEN_SUSPECT_SERVICE;
	}
	for (size_t i = 0; kind && i < kind->n; i++)
		if (strcmp(kind->globs[i], "no_trace") != 0)
			return NULL;
	return kind && suspect ? ynode_get(when, "kind") : NULL;
}

/* True: no alert can meet the route, and the warning says so. */
static bool warn_of_unmeetable(const struct rules_check *check, size_t i)
{
	const struct route_entry *route = &check->set->routes[i];
	const struct share_range range = range_of_tests(route->confidence, route->nconfidence);
	const struct rule_source *source = &check->routes[i];
	const struct ynode *when = check_node(source, "when");
	const struct ynode *confidence = ynode_get(when, "confidence");

	if (range_is_empty(&range)) {
		CHECK_WARNING(check, source, confidence ? confidence : when, "W023",
			      "confidence goes from 0 to 1", "no confidence meets this condition");
		return true;
	}
	const struct ynode *kind = kind_without_suspect(route, when);
	if (kind) {
		CHECK_WARNING(
			check, source, kind, "W023", "make two routes, or leave one of them out",
			"an alert without a trace has no suspect that meets the other condition");
		return true;
	}
	for (size_t j = 0; j < route->nwords; j++)
		for (size_t k = 0; k < route->labels.n; k++) {
			const struct rule_matcher *matcher = &route->labels.at[k];
			if (!word_contradicts(check->scratch, &route->words[j], matcher))
				continue;
			CHECK_WARNING(check, source, when, "W023", "make two routes",
				      "no alert can have a \"%.200s\" that meets both \"%.200s\" "
				      "and \"%.200s\"",
				      matcher->name, route->words[j].globs[0], matcher->value);
			return true;
		}
	return check_matchers(check, source, when, &route->labels);
}

/* A star matches alerts without the label, too. As the only condition it means "every alert". */
static void warn_of_stars(const struct rules_check *check, size_t i)
{
	const struct route_entry *route = &check->set->routes[i];
	const struct rule_source *source = &check->routes[i];
	const struct ynode *when = check_node(source, "when");

	if (route->nwords + route->labels.n + route->nconfidence + route->ntimes < 2)
		return;
	for (size_t j = 0; j < route->nwords; j++) {
		const struct when_word *word = &route->words[j];
		if (word->field != WHEN_LABEL || !word_covers_glob(word, "*"))
			continue;
		const struct ynode *value = ynode_get(when, word->name);
		CHECK_WARNING(check, source, value ? value : when, "W024",
			      "leave it out, or write \"?*\"",
			      "the condition on \"%.200s\" always holds: \"*\" also matches alerts "
			      "without the label",
			      word->name);
		return;
	}
}

/* Warns where an earlier route matches all that this one does. Each comparison takes one from the
 * budget. */
static void warn_of_hidden_route(const struct rules_check *check, size_t i, size_t *budget)
{
	const struct route_entry *routes = check->set->routes;

	for (size_t j = 0; j < i && *budget; j++, --*budget) {
		if (routes[j].route.continues ||
		    !route_covers(check->scratch, &routes[j], &routes[i]))
			continue;
		const struct rule_source *source = &check->routes[i], *before = &check->routes[j];
		CHECK_WARNING(check, source, check_node(source, "when"), "W022",
			      "move it before that route, or remove it",
			      "this route can never decide: the route at %s:%d:%d matches every "
			      "page that it matches",
			      before->doc->file, before->key->line, before->key->column);
		return;
	}
}

void check_routes(const struct rules_check *check)
{
	size_t budget = LIMIT_WORDS_COMPARED;

	for (size_t i = 0; i < check->set->nroutes; i++) {
		if (warn_of_unmeetable(check, i))
			continue;
		warn_of_stars(check, i);
		check_route_texts(check, i);
		warn_of_hidden_route(check, i, &budget);
	}
}
