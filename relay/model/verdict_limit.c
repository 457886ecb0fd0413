/*
 * Verdict limit: the table of tbl/verdict_limits.def and lists of its rows. Declared and explained
 * in verdict_limit.h.
 */
#include "tracepager/verdict_limit.h"

enum limit_effect {
	AT_MOST,
	TIMES,
};

static const struct verdict_limit_row {
	const char *name;
	enum limit_effect effect;
	double number;
	const char *text;
} limit_rows[] = {
#define VERDICT_LIMIT(id, name, effect, number, text)                                              \
	[VERDICT_LIMIT_##id] = { name, effect, number, text },
#include "tracepager/tbl/verdict_limits.def"
#undef VERDICT_LIMIT
};

void verdict_limits_add_as(struct verdict_limits *limits, enum verdict_limit_id id, double number,
			   const char *text)
{
	struct verdict_limit limit = { id, number, text ? text : limit_rows[id].text };

	for (unsigned int i = 0; i < limits->n; i++) {
		if (limits->at[i].id != id)
			continue;
		if (number < limits->at[i].number)
			limits->at[i] = limit;
		return;
	}
	limits->at[limits->n++] = limit;
}

void verdict_limits_add(struct verdict_limits *limits, enum verdict_limit_id id, const char *text)
{
	verdict_limits_add_as(limits, id, limit_rows[id].number, text);
}

void verdict_limits_join(struct verdict_limits *limits, const struct verdict_limits *others)
{
	for (unsigned int i = 0; i < others->n; i++)
		verdict_limits_add_as(limits, others->at[i].id, others->at[i].number,
				      others->at[i].text);
}

bool verdict_limits_has(const struct verdict_limits *limits, enum verdict_limit_id id)
{
	for (unsigned int i = 0; i < limits->n; i++) {
		if (limits->at[i].id == id)
			return true;
	}
	return false;
}

double verdict_limits_cap(const struct verdict_limits *limits, double confidence)
{
	for (unsigned int i = 0; i < limits->n; i++) {
		if (verdict_limit_is_cap(limits->at[i].id) && confidence > limits->at[i].number)
			confidence = limits->at[i].number;
	}
	return confidence;
}

double verdict_limits_apply(const struct verdict_limits *limits, double confidence)
{
	double factor = 1;

	for (unsigned int i = 0; i < limits->n; i++) {
		if (!verdict_limit_is_cap(limits->at[i].id) && factor > limits->at[i].number)
			factor = limits->at[i].number;
	}
	return verdict_limits_cap(limits, confidence * factor);
}

const char *verdict_limit_name(enum verdict_limit_id id)
{
	return limit_rows[id].name;
}

bool verdict_limit_is_cap(enum verdict_limit_id id)
{
	return limit_rows[id].effect == AT_MOST;
}

void verdict_limit_write(const struct verdict_limit *limit, struct buf *out)
{
	/* No printf("%f"): a locale may have a comma. */
	unsigned int hundredths = (unsigned int)(limit->number * 100 + 0.5);

	buf_printf(out, "confidence %s %u.%02u: %s",
		   verdict_limit_is_cap(limit->id) ? "at most" : "times", hundredths / 100,
		   hundredths % 100, limit->text);
}
