/*
 * Conditions of Alertmanager's routes, as sets: both, one within the other, none in common. Of
 * regular expressions only lists of words are understood, so that a "no" may be a "perhaps": then a
 * rule too many is written, which changes nothing.
 */
#include "alertmanager-internal.h"

#include <stdlib.h>

/* The only values that hold. 0: any number of them. */
static size_t matcher_values(const struct rule_matcher *matcher, const char *const **ret_values)
{
	if (matcher->literal) {
		*ret_values = &matcher->literal;
		return 1;
	}
	*ret_values = matcher->words;
	return matcher->op == RULE_REGEX ? matcher->nwords : 0;
}

static size_t values_held(const struct rule_matcher *matcher, const char *const *values, size_t n)
{
	size_t held = 0;

	for (size_t i = 0; i < n; i++)
		held += matcher_holds(matcher, values[i]);
	return held;
}

/* Does every value that holds for a hold for b? */
static bool matcher_implies(const struct rule_matcher *a, const struct rule_matcher *b)
{
	const char *const *values;

	if (a == b)
		return true;
	if (strcmp(a->name, b->name) != 0)
		return false;
	if (a->op == b->op && strcmp(a->value, b->value) == 0)
		return true;
	size_t n = matcher_values(a, &values);
	return n && values_held(b, values, n) == n;
}

static bool matchers_conflict(const struct rule_matcher *a, const struct rule_matcher *b)
{
	const char *const *values;

	if (strcmp(a->name, b->name) != 0)
		return false;
	size_t n = matcher_values(a, &values);
	if (n && !values_held(b, values, n))
		return true;
	n = matcher_values(b, &values);
	return n && !values_held(a, values, n);
}

/* Adds a condition to those of a rule. False: no alert meets it. */
static bool rule_narrow(struct am_rule *rule, const struct rule_matcher *matcher)
{
	size_t n = 0;

	for (size_t i = 0; i < rule->n; i++) {
		if (matcher_implies(rule->at[i], matcher))
			return true;
		if (matchers_conflict(rule->at[i], matcher))
			return false;
	}
	for (size_t i = 0; i < rule->n; i++)
		if (!matcher_implies(matcher, rule->at[i]))
			rule->at[n++] = rule->at[i];
	rule->at[n++] = matcher;
	rule->n = n;
	return true;
}

/* Puts a receiver last, also where it is among them already. */
static void rule_add_receiver(struct am_rule *rule, struct am_receiver *receiver)
{
	size_t n = 0;

	for (size_t i = 0; i < rule->nto; i++)
		if (rule->to[i] != receiver)
			rule->to[n++] = rule->to[i];
	rule->to[n++] = receiver;
	rule->nto = n;
}

static bool same_times(const struct ynode *a, const struct ynode *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->items[i]->text, b->items[i]->text) != 0)
			return false;
	return true;
}

struct am_rule *am_both(const struct am_config *config, const struct am_rule *a,
			const struct am_rule *b)
{
	struct arena *arena = config->catalogue->arena;
	struct am_rule *both = arena_alloc(arena, sizeof(*both));

	*both = *b;
	both->at = arena_array(arena, a->n + b->n, sizeof(*both->at));
	both->to = arena_array(arena, a->nto + b->nto, sizeof(*both->to));
	both->n = a->n;
	both->nto = a->nto;
	for (size_t i = 0; i < a->n; i++)
		both->at[i] = a->at[i];
	for (size_t i = 0; i < b->n; i++)
		if (!rule_narrow(both, b->at[i]))
			return NULL;
	for (size_t i = 0; i < a->nto; i++)
		both->to[i] = a->to[i];
	for (size_t i = 0; i < b->nto; i++)
		rule_add_receiver(both, b->to[i]);
	if (a->times && b->times && !same_times(a->times, b->times))
		cat_lose(config->catalogue, LOSS_ROUTE, b->place, "route",
			 "the times of two routes that both count for an alert cannot be joined: "
			 "those of line %d are used",
			 a->place.line);
	if (a->times)
		both->times = a->times;
	if (!both->group_by)
		both->group_by = a->group_by;
	return both;
}

/* Does the first rule hold wherever the second one does? One with more conditions hardly ever does,
 * and is not looked at: lists are compared rule by rule. */
static bool rule_covers(const struct am_rule *first, const struct am_rule *second)
{
	if (first->goes_on || first->times || first->n > second->n)
		return false;
	for (size_t i = 0; i < first->n; i++) {
		bool implied = false;
		for (size_t k = 0; k < second->n && !implied; k++)
			implied = matcher_implies(second->at[k], first->at[i]);
		if (!implied)
			return false;
	}
	return true;
}

void am_drop_unreached(struct cat_list *list)
{
	struct cat_list reached = { .at = NULL };

	for (size_t i = 0; i < list->n; i++) {
		bool covered = false;
		for (size_t k = 0; k < reached.n && !covered; k++)
			covered = rule_covers(reached.at[k], list->at[i]);
		if (!covered)
			cat_list_push(&reached, list->at[i]);
	}
	free(list->at);
	*list = reached;
}

void am_append(struct cat_list *list, const struct cat_list *more)
{
	for (size_t i = 0; i < more->n; i++)
		cat_list_push(list, more->at[i]);
}
