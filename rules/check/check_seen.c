/*
 * Warnings that need the past: senders, labels, their values, services, operations and attributes
 * of the rules that no stored decision has, where one that is nearly the same was seen. A word of
 * which nothing near was seen gives none: an alert may never have fired. A sender that was never
 * seen is told, since all senders repeat.
 */
#include "check-internal.h"

#include <stdio.h>

/* A place in the rules, and the word there. */
struct seen_place {
	const struct rules_check *check;
	const struct rule_source *source;
	const struct ynode *node;
};

static void warn_of_unseen(const struct seen_place *place, const char *sort, const char *word,
			   const char *near, size_t count)
{
	const struct rules_check *check = place->check;
	const unsigned int days = seen_words_days(check->findings->words);

	CHECK_WARNING(check, place->source, place->node, "W054",
		      arena_printf(check->scratch,
				   "did you mean \"%.200s\" (seen %zu %s in the last %u days)?",
				   near, count, count == 1 ? "time" : "times", days),
		      "%s \"%.200s\" was not seen in the last %u days", sort, word, days);
}

/* what: "the label", of: of a value its label. */
static void check_seen_word(const struct seen_place *place, enum seen_sort sort, const char *of,
			    const char *what, const char *glob)
{
	const struct rules_check *check = place->check;
	const char *word = glob_literal(check->scratch, glob);
	size_t count;

	if (!word || !*word)
		return;
	const char *near = seen_words_nearest(check->findings->words, sort, of, word, &count);
	if (near)
		warn_of_unseen(place, what, word, near, count);
}

struct sender_search {
	const char *glob;
	size_t n;
	bool found;
	char names[256]; /* of some that were seen, for a hint */
};

static int look_at_sender(void *ctx, const char *word, size_t count)
{
	struct sender_search *search = ctx;

	(void)count;
	const size_t len = strlen(search->names);
	if (len + strlen(word) + 5 < sizeof(search->names))
		snprintf(search->names + len, sizeof(search->names) - len, "%s\"%s\"",
			 search->n ? ", " : "", word);
	search->n++;
	search->found = glob_match(search->glob, word);
	return !search->found;
}

static void check_seen_sender(const struct seen_place *place)
{
	const struct seen_words *words = place->check->findings->words;
	const char *glob = place->node->text;
	struct sender_search search = { .glob = glob, .names = "" };
	size_t count;

	seen_words_each(words, SEEN_SENDER, NULL, look_at_sender, &search);
	if (search.found || !search.n)
		return;
	const char *near = seen_words_nearest(words, SEEN_SENDER, NULL, glob, &count);
	if (near)
		warn_of_unseen(place, "the sender", glob, near, count);
	else
		CHECK_WARNING(place->check, place->source, place->node, "W054",
			      arena_printf(place->check->scratch, "senders that were seen: %s",
					   search.names),
			      "the sender \"%.200s\" was not seen in the last %u days", glob,
			      seen_words_days(words));
}

/* ---- conditions ---- */

/* A label of a condition, with its value: literals alone can be judged. */
static void check_seen_label(const struct seen_place *place, const struct ynode *key,
			     const char *glob)
{
	const struct seen_words *words = place->check->findings->words;
	const struct seen_place at_key = { place->check, place->source, key };

	if (!seen_words_count(words, SEEN_LABEL, key->text, NULL))
		check_seen_word(&at_key, SEEN_LABEL, NULL, "the label", key->text);
	else
		check_seen_word(place, SEEN_VALUE, key->text,
				arena_printf(place->check->scratch, "the %.100s", key->text), glob);
}

/* Calls the check for a scalar, or for each of a list. */
static void check_seen_values(const struct rules_check *check, const struct rule_source *source,
			      const struct ynode *key, const struct ynode *value)
{
	const bool is_list = value->kind == YNODE_LIST;
	const bool known =
		seen_words_count(check->findings->words, SEEN_LABEL, key->text, NULL) > 0;

	for (size_t i = 0; i < (is_list ? value->n : 1); i++) {
		const struct seen_place place = { check, source,
						  is_list ? value->items[i] : value };
		if (place.node->kind == YNODE_SCALAR && (known || i == 0))
			check_seen_label(&place, key, place.node->text);
	}
}

/* Matchers in either form. Of texts those with = are judged: the place is the text. */
static void check_seen_matchers(const struct rules_check *check, const struct rule_source *source,
				const struct ynode *node, const struct rule_matchers *matchers)
{
	if (!node)
		return;
	for (size_t i = 0; node->kind == YNODE_MAP && i < node->n; i++)
		check_seen_values(check, source, node->keys[i], node->items[i]);
	for (size_t i = 0; node->kind == YNODE_LIST && i < matchers->n; i++) {
		const struct rule_matcher *matcher = &matchers->at[i];
		const struct seen_place place = { check, source,
						  matchers->n == node->n ? node->items[i] : node };
		if (!seen_words_count(check->findings->words, SEEN_LABEL, matcher->name, NULL))
			check_seen_word(&place, SEEN_LABEL, NULL, "the label", matcher->name);
		else if (matcher->op == RULE_EQUAL)
			check_seen_word(&place, SEEN_VALUE, matcher->name,
					arena_printf(check->scratch, "the %.100s", matcher->name),
					matcher->value);
	}
}

/* A member that names services, operations or senders. */
static void check_seen_member(const struct rules_check *check, const struct rule_source *source,
			      const struct ynode *map, const char *name, enum seen_sort sort,
			      const char *what)
{
	const struct ynode *value = ynode_get(map, name);
	const bool is_list = value && value->kind == YNODE_LIST;

	for (size_t i = 0; value && i < (is_list ? value->n : 1); i++) {
		const struct seen_place place = { check, source,
						  is_list ? value->items[i] : value };
		if (place.node->kind != YNODE_SCALAR)
			continue;
		if (sort == SEEN_SENDER)
			check_seen_sender(&place);
		else
			check_seen_word(&place, sort, NULL, what, place.node->text);
	}
}

static void check_seen_attributes(const struct rules_check *check, const struct rule_source *source,
				  const struct ynode *map)
{
	for (size_t i = 0; map && map->kind == YNODE_MAP && i < map->n; i++) {
		const struct seen_place place = { check, source, map->keys[i] };
		if (strchr(map->keys[i]->text, '.'))
			check_seen_word(&place, SEEN_ATTRIBUTE, NULL, "the attribute",
					map->keys[i]->text);
	}
}

static void check_seen_route(const struct rules_check *check, size_t number)
{
	const struct rule_source *source = &check->routes[number];
	const struct rule_matchers *labels = &check->set->routes[number].labels;
	const struct ynode *when = ynode_get(source->node, "when");
	const struct ynode *suspect = ynode_get(when, "suspect");

	if (!when)
		return;
	if (when->kind == YNODE_LIST)
		check_seen_matchers(check, source, when, labels);
	check_seen_matchers(check, source, ynode_get(when, "labels"), labels);
	check_seen_member(check, source, when, "sender", SEEN_SENDER, "");
	check_seen_member(check, source, when, "source", SEEN_SENDER, "");
	check_seen_member(check, source, suspect, "service", SEEN_SERVICE, "the service");
	check_seen_member(check, source, suspect, "operation", SEEN_OPERATION, "the operation");
	check_seen_attributes(check, source, suspect);
	for (size_t i = 0; when->kind == YNODE_MAP && i < when->n; i++)
		if (!check_is_when_member(when->keys[i]->text))
			check_seen_values(check, source, when->keys[i], when->items[i]);
}

/* ---- services ---- */

/* The near name may be a service of its own, with an entry of its own. */
static bool has_own_entry(const struct rules_check *check, const char *name)
{
	for (size_t i = 0; i < check->set->nservices; i++)
		if (check->set->services[i].service &&
		    strcmp(check->set->services[i].service, name) == 0)
			return true;
	return false;
}

static void check_seen_service(const struct rules_check *check, size_t number)
{
	const struct rule_source *source = &check->services[number];
	const char *name = check->set->services[number].service;
	const struct ynode *match = ynode_get(source->node, "match");
	const struct ynode *node = ynode_get(match, "service");
	const struct seen_place place = { check, source, node ? node : source->key };
	size_t count;

	check_seen_attributes(check, source, match);
	if (!name || check->set->services[number].npeers)
		return;
	const char *near =
		seen_words_nearest(check->findings->words, SEEN_SERVICE, NULL, name, &count);
	if (near && !has_own_entry(check, near))
		warn_of_unseen(&place, "the service", name, near, count);
}

void rules_check_seen(const struct rules_check *check)
{
	const struct ruleset *set = check->set;

	if (!check->findings->words)
		return;
	for (size_t i = 0; i < set->nroutes; i++)
		check_seen_route(check, i);
	for (size_t i = 0; i < set->nservices; i++)
		check_seen_service(check, i);
	for (size_t i = 0; i < set->nsignals; i++) {
		const struct rule_source *source = &check->signals[i];
		const struct ynode *span = ynode_get(source->node, "span");
		check_seen_matchers(check, source, ynode_get(source->node, "alerts"),
				    &set->signals[i].alerts);
		check_seen_member(check, source, span, "service", SEEN_SERVICE, "the service");
		check_seen_member(check, source, span, "operation", SEEN_OPERATION,
				  "the operation");
	}
	for (size_t i = 0; i < set->nsilences; i++)
		check_seen_matchers(check, &check->silences[i],
				    ynode_get(check->silences[i].node, "matchers"),
				    &set->silences[i].matchers);
}
