/*
 * Burns: which burn rates an expression asks for: how many times as fast as allowed an error budget
 * is used, over which time. Each operand is told as a part: a constant, a ratio with its range, or
 * a condition that is a burn rate. Whatever is not certain is no burn rate. Pure.
 *
 *     x:burnrate5m > (14 * (1-0.99)) and x:burnrate1h > (14 * (1-0.99))
 *
 * is one rate, 14 times 0.01, over 1 h and 5 m.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "expr-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* An objective below 50 % is none, and no rule asks for half the speed that is allowed. */
#define BUDGET_MOST  0.5
#define FACTOR_LEAST 0.5

/* ---- texts ---- */

int64_t expr_duration_us(const char *text)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = { { "ms", US_PER_MS },	{ "s", US_PER_SECOND }, { "m", US_PER_MINUTE },
		      { "h", US_PER_HOUR },	{ "d", US_PER_DAY },	{ "w", 7 * US_PER_DAY },
		      { "y", 365 * US_PER_DAY } };
	double sum = 0;

	if (!*text)
		return 0;
	while (*text) {
		size_t i = 0, digits = strspn(text, "0123456789");
		if (!digits || digits > 9)
			return 0;
		const double number = strtod(text, NULL);
		text += digits;
		while (i < ARRAY_LEN(units) &&
		       strncmp(text, units[i].name, strlen(units[i].name)) != 0)
			i++;
		if (i == ARRAY_LEN(units))
			return 0;
		text += strlen(units[i].name);
		sum += number * (double)units[i].us;
	}
	return sum <= (double)LIMIT_DURATION_US ? (int64_t)sum : 0;
}

/* The range in the name of a recorded ratio: "slo:sli_error:ratio_rate5m", "x:burn_rate_1h". */
static int64_t range_in_name(const char *metric)
{
	size_t len = strlen(metric), from = len;

	while (from && isalpha((unsigned char)metric[from - 1]))
		from--;
	while (from && isdigit((unsigned char)metric[from - 1]))
		from--;
	size_t word = from;
	if (word && metric[word - 1] == '_')
		word--;
	if (from == len || word < 4 || strncasecmp(metric + word - 4, "rate", 4) != 0)
		return 0;
	return expr_duration_us(metric + from);
}

static bool names_burn_rate(const char *metric)
{
	return strcasestr(metric, "burnrate") || strcasestr(metric, "burn_rate");
}

/* ---- operands ---- */

void burn_part_number(struct burn_part *part, const char *text)
{
	char *end;

	*part = (struct burn_part){ .number = strtod(text, &end) };
	part->constant = end != text && !*end && isfinite(part->number);
}

void burn_part_metric(struct burn_part *part, const char *metric)
{
	*part = (struct burn_part){ .range_us = metric ? range_in_name(metric) : 0,
				    .is_rate = metric && names_burn_rate(metric),
				    .is_budget = metric && strcasestr(metric, "error_budget"),
				    .sloth = metric && strncmp(metric, "slo:sli_error:", 14) == 0 };
}

void burn_part_range(struct burn_part *part, const char *text)
{
	part->range_us = expr_duration_us(text);
}

/* Aggregations that keep a condition: what they give is of the series that meet it. */
static bool keeps_conditions(const char *function)
{
	static const char *const names[] = { "max", "min",   "sum",	     "avg",
					     "any", "group", "label_replace" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(function, names[i]) == 0)
			return true;
	return false;
}

void burn_part_call(struct burn_part *part, const char *function)
{
	if (strcasecmp(function, "scalar") != 0 && strcasecmp(function, "vector") != 0)
		part->constant = false;
	if (!keeps_conditions(function))
		part->n = 0;
}

/* ---- operators ---- */

static bool is_close(double a, double b)
{
	return fabs(a - b) <= 1e-9 * fmax(1, fabs(a));
}

static void calculate_constant(struct burn_part *left, const char *sign,
			       const struct burn_part *right)
{
	const double a = left->number, b = right->number;

	switch (*sign) {
	case '*':
		/* "14.4 * 0.1 / 100": the first factor stays apart. Of "2 * (7 * 0.01)" none does.
		 */
		left->factor = right->factor ? 0 : left->factor ? left->factor : a;
		left->number = a * b;
		break;
	case '/':
		left->number = a / b;
		break;
	case '+':
	case '-':
		left->number = *sign == '+' ? a + b : a - b;
		left->factor = 0;
		break;
	default:
		left->number = NAN;
	}
	left->constant = isfinite(left->number);
}

void burn_part_calculate(struct burn_part *left, const char *sign, const struct burn_part *right)
{
	left->n = 0;
	if (left->constant && right->constant) {
		calculate_constant(left, sign, right);
		return;
	}
	/* Percentages: what a threshold means is not certain. */
	if ((left->constant || right->constant) && *sign == '*')
		left->scaled = true;
	left->scaled = left->scaled || right->scaled;
	/* A ratio that is divided by its budget is a burn rate. */
	if (!left->constant && *sign == '/' && right->constant && right->number > 0 &&
	    right->number < BUDGET_MOST)
		left->budget = right->number;
	if (!left->constant && *sign == '/' && right->is_budget)
		left->is_rate = true;
	else if (!right->constant && right->range_us)
		left->range_us = left->constant || !left->range_us   ? right->range_us
				 : left->range_us == right->range_us ? right->range_us
								     : -1;
	left->is_rate = left->is_rate || (right->is_rate && !right->is_budget);
	left->sloth = left->sloth || right->sloth;
	left->constant = false;
}

/* Tells the factor of a threshold from the budget; false: it is not certain which is which. */
static bool split_threshold(const struct burn_part *ratio, const struct burn_part *threshold,
			    struct expr_burn *burn)
{
	const double first = threshold->factor, second = first ? threshold->number / first : 0;

	if (ratio->budget > 0) {
		burn->factor = threshold->number;
		burn->budget = ratio->budget;
	} else if (first && first >= FACTOR_LEAST && second < BUDGET_MOST) {
		burn->factor = first;
		burn->budget = second;
	} else if (first && second >= FACTOR_LEAST && first < BUDGET_MOST) {
		burn->factor = second;
		burn->budget = first;
	} else if (ratio->is_rate && threshold->number > 1) {
		/* No share of errors is above 1: it is the factor itself. */
		burn->factor = threshold->number;
		burn->budget = 0;
	} else {
		return false;
	}
	return burn->factor >= FACTOR_LEAST && burn->budget >= 0;
}

void burn_part_compare(struct burn_part *left, const char *sign, const struct burn_part *right)
{
	const bool is_above = *sign == '>', is_below = *sign == '<';
	const struct burn_part *ratio = is_above ? left : right,
			       *threshold = is_above ? right : left;
	struct expr_burn burn = { .long_us = ratio->range_us, .sloth = ratio->sloth };
	const bool found = (is_above || is_below) && !ratio->constant && threshold->constant &&
			   ratio->range_us > 0 && !ratio->scaled &&
			   split_threshold(ratio, threshold, &burn);

	*left = (struct burn_part){ .n = found, .burns = { burn } };
}

void burn_part_both(struct burn_part *left, const struct burn_part *right)
{
	struct expr_burn *a = &left->burns[0];
	const struct expr_burn *b = &right->burns[0];

	if (!left->n) {
		*left = *right;
	} else if (left->n == 1 && right->n == 1) {
		/* One burn rate over two ranges; of two burn rates, the one over the longer. */
		const bool is_same =
			is_close(a->factor, b->factor) && is_close(a->budget, b->budget);
		const struct expr_burn longer = a->long_us >= b->long_us ? *a : *b,
				       shorter = a->long_us >= b->long_us ? *b : *a;
		*a = longer;
		if (is_same && shorter.long_us < longer.long_us)
			a->short_us = shorter.long_us;
	} else if (right->n) {
		left->n = 0;
	}
	left->constant = false;
}

void burn_part_either(struct burn_part *left, const struct burn_part *right)
{
	/* Where one side is no burn rate, the alert may be about that. */
	if (!left->n || !right->n || left->n + right->n > EXPR_BURNS)
		left->n = 0;
	else
		for (size_t i = 0; i < right->n; i++)
			left->burns[left->n++] = right->burns[i];
	left->constant = false;
}
