/*
 * Verdict limits: named reasons why a confidence is lower than the evidence alone would make it
 * (tracepager-walk(7), section 10). The walk finds those of one trace, the vote those of a window;
 * both stand in the decision, in the text of explain and in the page. The table is
 * tbl/verdict_limits.def. Pure; any thread; a list owns nothing.
 */
#ifndef TRACEPAGER_VERDICT_LIMIT_H
#define TRACEPAGER_VERDICT_LIMIT_H

#include <stdbool.h>

#include "tracepager/buf.h"

enum verdict_limit_id {
#define VERDICT_LIMIT(id, name, effect, number, text) VERDICT_LIMIT_##id,
#include "tracepager/tbl/verdict_limits.def"
#undef VERDICT_LIMIT
	VERDICT_LIMIT_COUNT
};

struct verdict_limit {
	enum verdict_limit_id id;
	double number;	  /* the cap, or the factor; 0 to 1 */
	const char *text; /* a sentence without its full stop; static, or borrowed */
};

/* Each limit at most once. */
struct verdict_limits {
	struct verdict_limit at[VERDICT_LIMIT_COUNT];
	unsigned int n;
};

/* Adds a limit with the number of the table; text: the sentence for this case, borrowed, or NULL
 * for the table's. Of a limit that is added twice the smaller number counts. */
void verdict_limits_add(struct verdict_limits *limits, enum verdict_limit_id id, const char *text);
/* The same with a number for this case. */
void verdict_limits_add_as(struct verdict_limits *limits, enum verdict_limit_id id, double number,
			   const char *text);
void verdict_limits_join(struct verdict_limits *limits, const struct verdict_limits *others);
bool verdict_limits_has(const struct verdict_limits *limits, enum verdict_limit_id id);

/* The confidence under the limits: times the smallest factor, since doubts about one thing do not
 * multiply; then the smallest cap. */
double verdict_limits_apply(const struct verdict_limits *limits, double confidence);
/* The caps only: for a confidence that was multiplied by the factors before. */
double verdict_limits_cap(const struct verdict_limits *limits, double confidence);

const char *verdict_limit_name(enum verdict_limit_id id); /* "background" */
bool verdict_limit_is_cap(enum verdict_limit_id id);	  /* false: a factor */
/* For a person: "confidence at most 0.60: this fails in healthy traces as often". */
void verdict_limit_write(const struct verdict_limit *limit, struct buf *out);

#endif
