/*
 * Expr: what the expression of an alert's rule selects: a small, strict reader of PromQL and
 * MetricsQL, of LogQL's selectors and of TraceQL. An aggregation such as sum() drops the labels of
 * an alert; its expression still names the service. Refuses to judge what a metric means (decide
 * does), to calculate anything but a constant threshold, and a text that it does not understand to
 * its end. Owns nothing: the arena keeps what is made. Pure; any thread, one arena per thread at a
 * time.
 */
#ifndef TRACEPAGER_EXPR_H
#define TRACEPAGER_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/alert.h"
#include "tracepager/arena.h"
#include "tracepager/err.h"

enum expr_language {
	EXPR_METRICS, /* PromQL, MetricsQL */
	EXPR_LOGS,    /* LogQL: a selector without a metric */
	EXPR_TRACES,  /* TraceQL */
};

/* What a selector's series have to do with the value that the alert is about. */
enum expr_side {
	EXPR_VALUE,	/* they are that value, or a part of it */
	EXPR_REFERENCE, /* the value is compared with them: right of < > == */
	EXPR_GUARD,	/* they must exist as well: right of and, if, default */
	EXPR_EXCLUDED,	/* they must not exist: right of unless, ifnot */
	EXPR_JOINED,	/* labels are taken from them: the one side of group_left */
	EXPR_ANCESTOR,	/* spans above or beside those that are counted: left of >> */
};

/* One condition that holds for every series of a selector: the label has one of these values. An
 * equality has one; a regular expression has its alternatives where all are plain words. Negative
 * conditions, other patterns and empty values are left out. */
struct expr_match {
	const char *name; /* TraceQL: without its scope; the span's name is "span.name" */
	const char *const *values;
	size_t nvalues; /* at least 1 */
};

struct expr_selector {
	enum expr_side side;
	const char *metric; /* NULL: none is named, or it is a log stream or a set of spans */
	struct expr_match *matches;
	size_t nmatches;
};

/* A burn rate that the expression asks for: so many times as fast as allowed, over so long. */
struct expr_burn {
	double factor;		   /* 14.4 */
	double budget;		   /* the share of bad events that is allowed, 0.001; 0: unknown */
	int64_t long_us, short_us; /* short_us 0: over one range only */
	bool sloth;		   /* of a ratio that Sloth's rules record */
};

#define EXPR_BURNS 4

struct expr {
	enum expr_language language;
	struct expr_selector *selectors; /* in the order of the text */
	size_t nselectors;		 /* "or" between braces makes a selector of each part */
	/* PromQL: one of these is met when the expression is; none: that is not certain. */
	struct expr_burn burns[EXPR_BURNS];
	size_t nburns;
};

/* Read an expression. 0; -EINVAL: it is in none of the languages, or has something that the reader
 * does not know; -E2BIG: it passes a cap of limits.h. err (may be NULL) has line and column. */
int expr_read(struct arena *arena, const char *text, struct expr *ret_expr, struct err *err);

/* The values of a selector's condition on a label; NULL: it has none. */
const struct expr_match *expr_selector_match(const struct expr_selector *selector,
					     const char *name);

/* A duration as PromQL writes it, "1h30m"; 0: the text is none. */
int64_t expr_duration_us(const char *text);

/* The expression that an alert carries: in its generator URL, as Prometheus and its like (g0.expr),
 * vmui and Grafana's Explore write it, else in an annotation or label that is named for it. The
 * text is not checked. NULL: there is none. */
const char *expr_find(struct arena *arena, const struct alert *alert);

#endif
