/* Expr, inside its room: tokens, the selectors that are being collected, and the readers. */
#ifndef TRACEPAGER_EXPR_INTERNAL_H
#define TRACEPAGER_EXPR_INTERNAL_H

#include <stdbool.h>

#include "tracepager/expr.h"

/* ---- tokens ---- */

enum token_kind {
	TOKEN_END,
	TOKEN_NUMBER, /* also a duration: 5m, 1.5s, 0x1f */
	TOKEN_STRING, /* text is what stands between the quotes, without escapes */
	TOKEN_NAME,
	TOKEN_MARK, /* an operator, bracket or comma */
};

struct token {
	enum token_kind kind;
	const char *text; /* kept by the arena; "" at the end */
	size_t at, after; /* offsets of its first byte and of the byte behind it */
};

struct lexer {
	struct arena *arena;
	const char *text;
	size_t at;
	bool dotted; /* TraceQL: names have dots and colons */
	struct err *err;
};

/* Read the next token. 0, or -EINVAL with err. */
int lexer_next(struct lexer *lexer, struct token *ret_token);
/* Set err to a place in the text; returns -code. */
int lexer_error(const struct lexer *lexer, int code, size_t at, const char *what, const char *text);

/* ---- selectors that are being collected ---- */

struct collection {
	struct arena *arena;
	struct expr_selector *selectors;
	size_t n;
};

/* 0; -E2BIG: a cap is reached. */
int collection_add(struct collection *collection, const char *metric);
/* Add a condition to the latest selector. pattern: the value is a regular expression. 0; -E2BIG. */
int collection_add_match(struct collection *collection, const char *name, const char *value,
			 bool pattern);
/* Is there a selector on the value's side in the range [from, to)? */
bool collection_has_value(const struct collection *collection, size_t from, size_t to);
/* Move those of the range that are on the value's side to another side. */
void collection_move(struct collection *collection, size_t from, size_t to, enum expr_side side);

/* ---- burns.c: what an operand is for burn rates ---- */

struct burn_part {
	bool constant; /* of this number */
	double number;
	double factor;	  /* the number is this times something; 0: it is no product */
	int64_t range_us; /* of what it selects; 0: it has none; -1: several */
	double budget;	  /* it is divided by this; 0: it is not */
	bool is_rate;	  /* it is a burn rate by its name, or divided by a budget */
	bool is_budget;	  /* it is an error budget by its name */
	bool scaled;	  /* it is multiplied: a percentage */
	bool sloth;
	struct expr_burn burns[EXPR_BURNS]; /* it is a condition: one of these */
	size_t n;
};

void burn_part_number(struct burn_part *part, const char *text);
void burn_part_metric(struct burn_part *part, const char *metric); /* NULL: none is named */
void burn_part_range(struct burn_part *part, const char *text);
/* The part becomes what the function makes of it. */
void burn_part_call(struct burn_part *part, const char *function);
/* The left part becomes what the operator makes of both. */
void burn_part_calculate(struct burn_part *left, const char *sign, const struct burn_part *right);
void burn_part_compare(struct burn_part *left, const char *sign, const struct burn_part *right);
void burn_part_both(struct burn_part *left, const struct burn_part *right);
void burn_part_either(struct burn_part *left, const struct burn_part *right);

/* ---- the readers ---- */

int promql_read(struct arena *arena, const char *text, struct expr *ret_expr, struct err *err);
int traceql_read(struct arena *arena, const char *text, struct expr *ret_expr, struct err *err);

#endif
