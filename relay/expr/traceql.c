/*
 * TraceQL: sets of spans, and what is calculated from them. Recursive descent with one token of
 * look-ahead, of depth LIMIT_EXPR_DEPTH at most. Conditions that hold for every span of a set are
 * kept: what stands below a ! or inside of a bracket with || is left out.
 */
#include <errno.h>
#include <string.h>

#include "expr-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

struct traceql {
	struct lexer lexer;
	struct token token; /* the next one, not yet taken */
	struct collection found;
	unsigned int depth;
};

static int traceql_error(const struct traceql *t, int code, const char *what)
{
	return lexer_error(&t->lexer, code, t->token.at, what, t->token.text);
}

static int traceql_advance(struct traceql *t)
{
	return lexer_next(&t->lexer, &t->token);
}

static bool is_sign(const struct traceql *t, const char *sign)
{
	return t->token.kind == TOKEN_MARK && strcmp(t->token.text, sign) == 0;
}

static bool is_sign_of(const struct traceql *t, const char *const *signs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_sign(t, signs[i]))
			return true;
	return false;
}

static int traceql_take(struct traceql *t, const char *sign)
{
	return is_sign(t, sign) ? traceql_advance(t)
				: traceql_error(t, EINVAL, "something else was expected");
}

/* ---- conditions on one span ---- */

/* The attribute without its scope, "span.name" for the span's name. NULL: it is not about the span
 * or its resource (its parent, its events, the trace). */
static const char *field_name(const char *text)
{
	static const char *const own[] = { "resource.", "span.", "." };
	static const char *const foreign[] = {
		"parent.", "event.",	       "event:",	   "link.",
		"link:",   "instrumentation.", "instrumentation:", "trace:"
	};

	if (strcmp(text, "name") == 0 || strcmp(text, "span:name") == 0)
		return "span.name";
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (strncmp(text, foreign[i], strlen(foreign[i])) == 0)
			return NULL;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (strncmp(text, own[i], strlen(own[i])) == 0)
			return text + strlen(own[i]);
	return text;
}

/* A value of a condition, or a field. */
struct operand {
	const char *field; /* NULL: it is a value, or a calculation */
	const char *value; /* NULL: it is no text */
};

static int read_either(struct traceql *t, bool outermost);

/* Read (…), whose conditions count unless one of them alone would do. */
static int read_bracket(struct traceql *t)
{
	int result = traceql_advance(t);

	if (result == 0)
		result = read_either(t, false);
	return result == 0 ? traceql_take(t, ")") : result;
}

/* Read a field, text, number or bracket. */
static int read_simple_operand(struct traceql *t, struct operand *ret_operand)
{
	*ret_operand = (struct operand){ NULL, NULL };
	if (is_sign(t, "("))
		return read_bracket(t);
	if (t->token.kind == TOKEN_STRING)
		ret_operand->value = t->token.text;
	else if (t->token.kind == TOKEN_NAME)
		ret_operand->field = t->token.text;
	else if (t->token.kind != TOKEN_NUMBER)
		return traceql_error(t, EINVAL, "a field or a value was expected");
	const struct token first = t->token;
	int result = traceql_advance(t);
	/* span."http route": the name stands between quotes. */
	if (result == 0 && ret_operand->field && t->token.kind == TOKEN_STRING &&
	    t->token.at == first.after && first.text[strlen(first.text) - 1] == '.') {
		ret_operand->field =
			arena_printf(t->lexer.arena, "%s%s", first.text, t->token.text);
		result = traceql_advance(t);
	}
	return result;
}

/* Read operands with + - * / % ^ between them: a calculation is neither field nor value. */
static int read_span_operand(struct traceql *t, struct operand *ret_operand)
{
	static const char *const signs[] = { "+", "-", "*", "/", "%", "^" };
	int result = is_sign(t, "-") ? traceql_advance(t) : 0;

	if (result == 0)
		result = read_simple_operand(t, ret_operand);
	while (result == 0 && is_sign_of(t, signs, ARRAY_LEN(signs))) {
		struct operand other;
		result = traceql_advance(t);
		if (result == 0)
			result = read_simple_operand(t, &other);
		*ret_operand = (struct operand){ NULL, NULL };
	}
	return result;
}

/* Read an operand, or two with a comparison between them. */
static int read_comparison(struct traceql *t)
{
	static const char *const signs[] = { "=", "!=", "=~", "!~", "<", "<=", ">", ">=" };
	struct operand left, right;
	int result = read_span_operand(t, &left);

	if (result < 0 || !is_sign_of(t, signs, ARRAY_LEN(signs)))
		return result;
	bool equal = is_sign(t, "="), pattern = is_sign(t, "=~");
	result = traceql_advance(t);
	if (result == 0)
		result = read_span_operand(t, &right);
	if (result < 0 || (!equal && !pattern))
		return result;
	/* "frontend" = resource.service.name is allowed as well. */
	if (!left.field && right.field)
		left.field = right.field, right.value = left.value;
	const char *name = left.field ? field_name(left.field) : NULL;
	if (name && right.value && collection_add_match(&t->found, name, right.value, pattern) < 0)
		return traceql_error(t, E2BIG, "too many conditions");
	return 0;
}

/* Read ! and what it denies: conditions below it do not count. */
static int read_denial(struct traceql *t)
{
	struct expr_selector *selector = &t->found.selectors[t->found.n - 1];
	size_t before = selector->nmatches;
	bool denied = false;
	int result = 0;

	while (result == 0 && is_sign(t, "!")) {
		denied = true;
		result = traceql_advance(t);
	}
	if (result == 0)
		result = read_comparison(t);
	if (denied)
		selector->nmatches = before;
	return result;
}

/* Read conditions with && and || between them. Between the braces themselves || begins a selector
 * of its own; inside of a bracket it makes the bracket's conditions void. */
static int read_either(struct traceql *t, bool outermost)
{
	size_t before = t->found.selectors[t->found.n - 1].nmatches;
	bool either = false;

	if (++t->depth > LIMIT_EXPR_DEPTH)
		return traceql_error(t, E2BIG, "too deep");
	int result = read_denial(t);
	while (result == 0 && (is_sign(t, "&&") || is_sign(t, "||"))) {
		bool splits = is_sign(t, "||");
		either = either || splits;
		result = traceql_advance(t);
		if (result == 0 && splits && outermost && collection_add(&t->found, NULL) < 0)
			return traceql_error(t, E2BIG, "too many sets of spans");
		if (result == 0)
			result = read_denial(t);
	}
	if (either && !outermost)
		t->found.selectors[t->found.n - 1].nmatches = before;
	t->depth--;
	return result;
}

/* ---- sets of spans ---- */

static int read_span_sets(struct traceql *t);

/* Read {…}, or sets in a bracket. */
static int read_span_set(struct traceql *t)
{
	bool bracket = is_sign(t, "(");

	if (!bracket && !is_sign(t, "{"))
		return traceql_error(t, EINVAL, "a set of spans was expected");
	int result = traceql_advance(t);
	if (result < 0)
		return result;
	if (bracket) {
		result = read_span_sets(t);
	} else {
		if (collection_add(&t->found, NULL) < 0)
			return traceql_error(t, E2BIG, "too many sets of spans");
		if (!is_sign(t, "}"))
			result = read_either(t, true);
	}
	return result == 0 ? traceql_take(t, bracket ? ")" : "}") : result;
}

/* Read sets with operators between them. Of a >> b the spans of b are what is found. */
static int read_span_sets(struct traceql *t)
{
	static const char *const structural[] = { ">>", "<<", ">", "<", "~" };
	static const char *const other[] = { "&&",  "||",  "!>>", "!<<", "!>", "!<",
					     "&>>", "&<<", "&>",  "&<",	 "&~" };
	size_t from = t->found.n;

	if (++t->depth > LIMIT_EXPR_DEPTH)
		return traceql_error(t, E2BIG, "too deep");
	int result = read_span_set(t);
	while (result == 0) {
		bool below = is_sign_of(t, structural, ARRAY_LEN(structural));
		bool not_below = t->token.kind == TOKEN_MARK && *t->token.text == '!';
		size_t middle = t->found.n;
		if (!below && !is_sign_of(t, other, ARRAY_LEN(other)))
			break;
		result = traceql_advance(t);
		if (result == 0)
			result = read_span_set(t);
		if (below)
			collection_move(&t->found, from, middle, EXPR_ANCESTOR);
		else if (not_below)
			collection_move(&t->found, from, middle, EXPR_EXCLUDED);
	}
	t->depth--;
	return result;
}

/* Read what is calculated: rate() by (name), avg(duration) > 1s, select(…). */
static int read_calculation(struct traceql *t)
{
	unsigned int open = 0;
	int result = 0;

	if (t->token.kind != TOKEN_NAME)
		return traceql_error(t, EINVAL, "a function was expected");
	while (result == 0 && t->token.kind != TOKEN_END && !(is_sign(t, "|") && open == 0)) {
		if (is_sign(t, "{") || is_sign(t, "}") || (is_sign(t, ")") && open == 0))
			return traceql_error(t, EINVAL, "something else was expected");
		open += is_sign(t, "(");
		open -= is_sign(t, ")");
		result = traceql_advance(t);
	}
	if (result == 0 && open)
		return traceql_error(t, EINVAL, "a bracket is never closed");
	return result;
}

int traceql_read(struct arena *arena, const char *text, struct expr *ret_expr, struct err *err)
{
	struct traceql t = {
		.lexer = { .arena = arena, .text = text, .dotted = true, .err = err },
		.found = { .arena = arena },
	};
	int result = traceql_advance(&t);

	if (result == 0)
		result = read_span_sets(&t);
	while (result == 0 && is_sign(&t, "|")) {
		result = traceql_advance(&t);
		/* A further set narrows the first: its conditions are not those of one span. */
		size_t before = t.found.n;
		bool set = is_sign(&t, "{") || is_sign(&t, "(");
		if (result == 0)
			result = set ? read_span_sets(&t) : read_calculation(&t);
		collection_move(&t.found, before, t.found.n, EXPR_GUARD);
	}
	if (result == 0 && t.token.kind != TOKEN_END)
		result = traceql_error(&t, EINVAL, "the expression should end here");
	if (result < 0)
		return result;
	*ret_expr = (struct expr){
		.language = EXPR_TRACES,
		.selectors = t.found.selectors,
		.nselectors = t.found.n,
	};
	return 0;
}
