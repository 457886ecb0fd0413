/*
 * Facts: the labels of an alert and the conditions of its expression, under one spelling, so that
 * the search for a signal knows one name of each. Pure; the arena keeps what is made.
 */
#include <string.h>

#include "signal-internal.h"

/* ---- names and values ---- */

/* The name with _ for dots and without TraceQL's scope; *ret_exported: Prometheus renamed it. */
static const char *plain_label_name(struct arena *arena, const char *name, bool *ret_exported)
{
	static const char exported[] = "exported_";

	if (strncmp(name, "resource.", 9) == 0)
		name += 9;
	else if (strncmp(name, "span.", 5) == 0 && strcmp(name, "span.name") != 0 &&
		 strcmp(name, "span.kind") != 0)
		name += 5;
	*ret_exported = strncmp(name, exported, sizeof(exported) - 1) == 0;
	if (*ret_exported)
		name += sizeof(exported) - 1;
	char *plain = arena_strdup(arena, name);
	for (char *c = plain; *c; c++)
		if (*c == '.')
			*c = '_';
	return plain;
}

/* TraceQL metrics keep the quotes of a text. */
static const char *plain_label_value(struct arena *arena, const char *value)
{
	size_t len = strlen(value);

	if (len < 2 || *value != '"' || value[len - 1] != '"')
		return value;
	return arena_strndup(arena, value + 1, len - 2);
}

/* ---- labels ---- */

static void facts_take_labels(struct arena *arena, const struct labels *labels,
			      struct labels *ret_labels)
{
	*ret_labels =
		(struct labels){ .at = arena_array(arena, 2 * labels->n, sizeof(struct label)) };
	/* Of two with one name the last one counts: the exported ones come last. */
	for (unsigned int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < labels->n; i++) {
			bool exported;
			const char *name = plain_label_name(arena, labels->at[i].name, &exported);
			const char *value = plain_label_value(arena, labels->at[i].value);
			if (exported == (pass == 1))
				ret_labels->at[ret_labels->n++] = (struct label){ name, value };
			if (exported && pass == 1)
				ret_labels->at[ret_labels->n++] =
					(struct label){ labels->at[i].name, value };
		}
	labels_normalise(ret_labels);
}

/* ---- the expression ---- */

static enum metric_family selector_family(const struct expr *expr,
					  const struct expr_selector *selector)
{
	if (expr->language != EXPR_METRICS)
		return expr->language == EXPR_LOGS ? FAMILY_LOGS : FAMILY_TRACES;
	return selector->metric ? metric_family_of(selector->metric) : FAMILY_UNKNOWN;
}

/* The family of the whole: that of the first selector which is about requests, else errors of the
 * application, else infrastructure. */
static enum metric_family expr_family(const struct expr *expr)
{
	enum metric_family family = FAMILY_UNKNOWN;

	for (size_t i = 0; i < expr->nselectors; i++) {
		if (expr->selectors[i].side != EXPR_VALUE)
			continue;
		enum metric_family found = selector_family(expr, &expr->selectors[i]);
		if (found > FAMILY_OUTCOME)
			return found;
		if (found > family)
			family = found;
	}
	return family;
}

/* Add a condition, an exported one over that of the same name. One that another selector of the
 * value contradicts becomes empty: it says nothing. */
static void facts_add_match(struct arena *arena, struct labels *matches,
			    const struct expr_match *match, bool want_exported)
{
	bool exported;
	const char *name = plain_label_name(arena, match->name, &exported);
	const char *value = match->nvalues == 1 ? match->values[0] : "";

	if (exported != want_exported)
		return;
	for (size_t i = 0; i < matches->n; i++)
		if (strcmp(matches->at[i].name, name) == 0) {
			if (exported)
				matches->at[i].value = value;
			else if (strcmp(matches->at[i].value, value) != 0)
				matches->at[i].value = "";
			return;
		}
	matches->at[matches->n++] = (struct label){ name, value };
}

/* Does a selector's series count for the value, and are they of the family that the whole is of? */
static bool selector_counts(const struct expr *expr, const struct expr_selector *selector,
			    enum metric_family family)
{
	return selector->side == EXPR_VALUE &&
	       (family == FAMILY_INFRA || selector_family(expr, selector) != FAMILY_INFRA);
}

static void facts_take_expr(struct arena *arena, const struct expr *expr,
			    struct signal_facts *facts)
{
	size_t n = 0;

	facts->family = expr_family(expr);
	for (size_t i = 0; i < expr->nselectors; i++)
		n += expr->selectors[i].nmatches;
	facts->matches.at = arena_array(arena, n, sizeof(struct label));
	for (unsigned int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < expr->nselectors; i++) {
			const struct expr_selector *selector = &expr->selectors[i];
			if (!selector_counts(expr, selector, facts->family))
				continue;
			for (size_t k = 0; k < selector->nmatches; k++)
				facts_add_match(arena, &facts->matches, &selector->matches[k],
						pass == 1);
		}
	labels_normalise(&facts->matches);
}

void signal_facts_collect(struct arena *arena, const struct alert *alert,
			  struct signal_facts *ret_facts)
{
	const char *text = expr_find(arena, alert);
	struct expr expr;

	*ret_facts = (struct signal_facts){ .family = FAMILY_NONE };
	facts_take_labels(arena, &alert->labels, &ret_facts->labels);
	if (!text || expr_read(arena, text, &expr, NULL) < 0)
		return;
	facts_take_expr(arena, &expr, ret_facts);
	/* Only spans have names: where the metric cannot have that label, a person wrote it. */
	if ((ret_facts->family == FAMILY_INFRA || ret_facts->family == FAMILY_UNKNOWN) &&
	    labels_get(&ret_facts->labels, "span_name"))
		ret_facts->family = FAMILY_NONE;
}
