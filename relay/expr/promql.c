/*
 * PromQL with MetricsQL's additions, and LogQL's selectors with their pipelines. Recursive descent
 * with one token of look-ahead, of depth LIMIT_EXPR_DEPTH at most. Only what tells the sides of an
 * expression apart is understood; types are not checked. Refuses MetricsQL's WITH templates.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "expr-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

struct promql {
	struct lexer lexer;
	struct token token; /* the next one, not yet taken */
	struct collection found;
	unsigned int depth;
	bool logs;	       /* a selector has a pipeline: it is LogQL */
	struct burn_part part; /* the operand or expression that was read last */
};

static int promql_error(const struct promql *p, int code, const char *what)
{
	return lexer_error(&p->lexer, code, p->token.at, what, p->token.text);
}

static int promql_advance(struct promql *p)
{
	return lexer_next(&p->lexer, &p->token);
}

static bool is_mark(const struct promql *p, const char *mark)
{
	return p->token.kind == TOKEN_MARK && strcmp(p->token.text, mark) == 0;
}

static bool is_word(const struct promql *p, const char *word)
{
	return p->token.kind == TOKEN_NAME && strcasecmp(p->token.text, word) == 0;
}

/* Take the mark, which must be next. */
static int promql_take(struct promql *p, const char *mark)
{
	if (!is_mark(p, mark))
		return lexer_error(&p->lexer, EINVAL, p->token.at, "something else was expected",
				   p->token.text);
	return promql_advance(p);
}

static int read_expression(struct promql *p, int least);

/* ---- lists ---- */

/* Read (a, "b", c), and keep nothing: by(), on(), group_left(). */
static int read_labels(struct promql *p)
{
	int result = promql_take(p, "(");

	while (result == 0 && !is_mark(p, ")")) {
		if (p->token.kind != TOKEN_NAME && p->token.kind != TOKEN_STRING)
			return promql_error(p, EINVAL, "a label was expected");
		result = promql_advance(p);
		if (result == 0 && !is_mark(p, ")"))
			result = promql_take(p, ",");
	}
	return result == 0 ? promql_take(p, ")") : result;
}

/* Read (expression, expression …), which may be empty. For burn rates the last that is no constant
 * counts. */
static int read_arguments(struct promql *p)
{
	struct burn_part part = { .constant = false };
	int result = promql_take(p, "(");

	for (size_t n = 0; result == 0 && !is_mark(p, ")"); n++) {
		result = read_expression(p, 0);
		if (n == 0 || !p->part.constant)
			part = p->part;
		if (result == 0 && !is_mark(p, ")"))
			result = promql_take(p, ",");
	}
	p->part = part;
	return result == 0 ? promql_take(p, ")") : result;
}

/* ---- selectors ---- */

static int add_selector(struct promql *p, const char *metric)
{
	int result = collection_add(&p->found, metric);

	return result < 0 ? promql_error(p, -result, "too many selectors") : 0;
}

/* Read one condition, or the metric's name between quotes. */
static int read_condition(struct promql *p)
{
	const struct token name = p->token;

	if (name.kind != TOKEN_NAME && name.kind != TOKEN_STRING)
		return promql_error(p, EINVAL, "a label was expected");
	int result = promql_advance(p);
	if (result < 0)
		return result;
	if (name.kind == TOKEN_STRING && (is_mark(p, ",") || is_mark(p, "}"))) {
		p->found.selectors[p->found.n - 1].metric = name.text;
		return 0;
	}
	bool negative = is_mark(p, "!=") || is_mark(p, "!~");
	bool pattern = is_mark(p, "=~");
	if (!negative && !pattern && !is_mark(p, "="))
		return promql_error(p, EINVAL, "one of = != =~ !~ was expected");
	result = promql_advance(p);
	if (result < 0)
		return result;
	if (p->token.kind != TOKEN_STRING)
		return promql_error(p, EINVAL, "a text between quotes was expected");
	if (!negative && collection_add_match(&p->found, name.text, p->token.text, pattern) < 0)
		return promql_error(p, E2BIG, "too many conditions");
	return promql_advance(p);
}

/* Read {…}. VictoriaMetrics: "or" makes selectors of its parts. */
static int read_braces(struct promql *p, const char *metric)
{
	int result = add_selector(p, metric);

	if (result == 0)
		result = promql_take(p, "{");
	while (result == 0 && !is_mark(p, "}")) {
		result = read_condition(p);
		if (result < 0 || is_mark(p, "}"))
			break;
		if (is_word(p, "or")) {
			result = add_selector(p, metric);
			if (result == 0)
				result = promql_advance(p);
		} else {
			result = promql_take(p, ",");
		}
	}
	return result == 0 ? promql_take(p, "}") : result;
}

/* ---- LogQL's pipelines ---- */

/* Read what a line must contain: |= "a", !~ `b` or "c". */
static int read_line_filter(struct promql *p)
{
	int result;

	do {
		result = promql_advance(p);
		/* |= ip("10.0.0.0/8") */
		if (result == 0 && is_word(p, "ip")) {
			result = promql_advance(p);
			if (result == 0)
				result = read_arguments(p);
			continue;
		}
		if (result == 0 && p->token.kind != TOKEN_STRING)
			return promql_error(p, EINVAL, "a text between quotes was expected");
		if (result == 0)
			result = promql_advance(p);
	} while (result == 0 && is_word(p, "or"));
	return result;
}

/* Is the next token the end of a stage that has no open bracket? */
static bool is_stage_end(const struct promql *p, unsigned int open)
{
	return p->token.kind == TOKEN_END || is_mark(p, "|") || is_mark(p, "[") ||
	       is_mark(p, "|=") || is_mark(p, "|~") || is_mark(p, "|>") ||
	       (is_mark(p, ")") && open == 0);
}

/* Read the stage behind |: a parser, a formatter, or conditions on labels. Of these the first
 * counts where it is an equality, unless the stage has an "or". */
static int read_stage(struct promql *p)
{
	struct token seen[3] = { { .text = "" } };
	unsigned int open = 0;
	bool either = false;
	size_t n = 0;

	if (p->token.kind != TOKEN_NAME && !is_mark(p, "("))
		return promql_error(p, EINVAL, "a stage of a pipeline was expected");
	for (; !is_stage_end(p, open); n++) {
		if (n < ARRAY_LEN(seen))
			seen[n] = p->token;
		open += is_mark(p, "(");
		open -= is_mark(p, ")");
		either = either || is_word(p, "or");
		int result = promql_advance(p);
		if (result < 0)
			return result;
	}
	if (open)
		return promql_error(p, EINVAL, "a bracket is never closed");
	if (n < 3 || either || strcmp(seen[1].text, "=") != 0 || seen[2].kind != TOKEN_STRING)
		return 0;
	if (collection_add_match(&p->found, seen[0].text, seen[2].text, false) < 0)
		return promql_error(p, E2BIG, "too many conditions");
	return 0;
}

/* Is the next token a line filter? "!=" is one only where a text follows. */
static bool is_line_filter(const struct promql *p)
{
	static const char *const marks[] = { "|=", "|~", "|>", "!=", "!~", "!>" };

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (is_mark(p, marks[i])) {
			const char *rest = p->lexer.text + p->token.after;
			rest += strspn(rest, " \t\r\n");
			return *marks[i] == '|' || (*rest && strchr("\"`", *rest));
		}
	return false;
}

static int read_pipeline(struct promql *p)
{
	int result = 0;

	while (result == 0 && (is_mark(p, "|") || is_line_filter(p))) {
		p->logs = true;
		if (!is_mark(p, "|")) {
			result = read_line_filter(p);
			continue;
		}
		result = promql_advance(p);
		if (result == 0)
			result = read_stage(p);
	}
	return result;
}

/* ---- what follows a selector or a subquery ---- */

static bool is_duration(const struct promql *p)
{
	return p->token.kind == TOKEN_NUMBER ||
	       (p->token.kind == TOKEN_NAME && *p->token.text == '$');
}

/* Read [5m], [1h:5m], [1h:]. */
static int read_range(struct promql *p)
{
	int result = promql_take(p, "[");

	if (result == 0 && !is_duration(p))
		return promql_error(p, EINVAL, "a duration was expected");
	burn_part_range(&p->part, p->token.text);
	if (result == 0)
		result = promql_advance(p);
	if (result == 0 && is_mark(p, ":")) {
		result = promql_advance(p);
		if (result == 0 && is_duration(p))
			result = promql_advance(p);
	}
	return result == 0 ? promql_take(p, "]") : result;
}

/* Read what follows "offset" or @: a number, a duration, start(). */
static int read_moment(struct promql *p)
{
	int result = promql_advance(p);

	if (result == 0 && (is_mark(p, "-") || is_mark(p, "+")))
		result = promql_advance(p);
	if (result < 0)
		return result;
	bool call = is_word(p, "start") || is_word(p, "end");
	if (!call && !is_duration(p))
		return promql_error(p, EINVAL, "a moment was expected");
	result = promql_advance(p);
	return result == 0 && call ? read_arguments(p) : result;
}

static int read_suffixes(struct promql *p)
{
	int result = 0;

	while (result == 0) {
		if (is_mark(p, "["))
			result = read_range(p);
		else if (is_word(p, "offset") || is_mark(p, "@"))
			result = read_moment(p);
		else if (is_word(p, "keep_metric_names"))
			result = promql_advance(p);
		else
			break;
	}
	return result;
}

/* ---- operands ---- */

static bool is_grouping(const struct promql *p)
{
	return is_word(p, "by") || is_word(p, "without");
}

static int read_grouping(struct promql *p)
{
	int result = promql_advance(p);

	return result == 0 ? read_labels(p) : result;
}

/* Read (…) of a function or aggregation, and the grouping behind it. */
static int read_call(struct promql *p)
{
	int result = read_arguments(p);

	if (result == 0 && is_grouping(p))
		result = read_grouping(p);
	if (result == 0 && is_word(p, "limit")) {
		result = promql_advance(p);
		if (result == 0 && p->token.kind != TOKEN_NUMBER)
			return promql_error(p, EINVAL, "a number was expected");
		if (result == 0)
			result = promql_advance(p);
	}
	return result;
}

/* Read a metric, a function or an aggregation. */
static int read_named(struct promql *p)
{
	const struct token name = p->token;
	int result = promql_advance(p);

	if (result < 0)
		return result;
	if (strcasecmp(name.text, "with") == 0 && is_mark(p, "("))
		return promql_error(p, EINVAL, "WITH templates are not read");
	if (*name.text == '$')
		return lexer_error(&p->lexer, EINVAL, name.at, "a variable that nobody replaced",
				   name.text);
	if (is_grouping(p)) {
		result = read_grouping(p);
		if (result == 0 && !is_mark(p, "("))
			return promql_error(p, EINVAL, "( was expected");
	}
	if (result == 0 && is_mark(p, "(")) {
		result = read_call(p);
		burn_part_call(&p->part, name.text);
		return result;
	}
	if (result < 0)
		return result;
	p->part = (struct burn_part){ .constant = false };
	/* Numbers. */
	if (strcasecmp(name.text, "inf") == 0 || strcasecmp(name.text, "nan") == 0)
		return 0;
	burn_part_metric(&p->part, name.text);
	return is_mark(p, "{") ? read_braces(p, name.text) : add_selector(p, name.text);
}

static int read_operand(struct promql *p)
{
	bool is_negative = false;
	int result;

	while (is_mark(p, "-") || is_mark(p, "+")) {
		is_negative = is_negative || is_mark(p, "-");
		result = promql_advance(p);
		if (result < 0)
			return result;
	}
	if (is_mark(p, "(")) {
		/* MetricsQL's union (a, b) has several. */
		result = read_arguments(p);
	} else if (is_mark(p, "{")) {
		result = read_braces(p, NULL);
		burn_part_metric(&p->part, NULL);
		if (result == 0)
			result = read_pipeline(p);
	} else if (p->token.kind == TOKEN_NUMBER || p->token.kind == TOKEN_STRING) {
		burn_part_number(&p->part, p->token.kind == TOKEN_NUMBER ? p->token.text : "");
		result = promql_advance(p);
	} else if (p->token.kind == TOKEN_NAME) {
		result = read_named(p);
	} else {
		result = promql_error(p, EINVAL,
				      p->token.kind == TOKEN_END ? "the expression ends too early"
								 : "an operand was expected");
	}
	/* No burn rate is compared with a negative number, or negative itself. */
	if (is_negative)
		p->part = (struct burn_part){ .constant = false };
	return result == 0 ? read_suffixes(p) : result;
}

/* ---- operators ---- */

enum operator_kind {
	OPERATOR_ARITHMETIC,
	OPERATOR_COMPARES,
	OPERATOR_EITHER,   /* or */
	OPERATOR_GUARDS,   /* and, if, default */
	OPERATOR_EXCLUDES, /* unless, ifnot */
};

static const struct operator_row {
	const char *text;
	int level; /* binds the tighter the higher */
	enum operator_kind kind;
} operators[] = {
	{ "or", 1, OPERATOR_EITHER },	    { "and", 2, OPERATOR_GUARDS },
	{ "unless", 2, OPERATOR_EXCLUDES }, { "if", 2, OPERATOR_GUARDS },
	{ "ifnot", 2, OPERATOR_EXCLUDES },  { "default", 2, OPERATOR_GUARDS },
	{ "==", 3, OPERATOR_COMPARES },	    { "!=", 3, OPERATOR_COMPARES },
	{ "<", 3, OPERATOR_COMPARES },	    { ">", 3, OPERATOR_COMPARES },
	{ "<=", 3, OPERATOR_COMPARES },	    { ">=", 3, OPERATOR_COMPARES },
	{ "+", 4, OPERATOR_ARITHMETIC },    { "-", 4, OPERATOR_ARITHMETIC },
	{ "*", 5, OPERATOR_ARITHMETIC },    { "/", 5, OPERATOR_ARITHMETIC },
	{ "%", 5, OPERATOR_ARITHMETIC },    { "atan2", 5, OPERATOR_ARITHMETIC },
	{ "^", 6, OPERATOR_ARITHMETIC },
};

static const struct operator_row *next_operator(const struct promql *p)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (is_mark(p, operators[i].text) || is_word(p, operators[i].text))
			return &operators[i];
	return NULL;
}

/* What an operator says about how its sides are matched. */
struct operator_words {
	bool joins_right, joins_left; /* group_left, group_right */
	bool is_bool;		      /* it gives 0 or 1, and keeps every series */
};

static int read_operator_words(struct promql *p, struct operator_words *ret_words)
{
	int result = 0;

	*ret_words = (struct operator_words){ 0 };
	while (result == 0) {
		bool labels = is_word(p, "on") || is_word(p, "ignoring");
		bool left = is_word(p, "group_left"), right = is_word(p, "group_right");
		if (!labels && !left && !right && !is_word(p, "bool") && !is_word(p, "prefix"))
			break;
		bool prefix = is_word(p, "prefix");
		ret_words->is_bool |= is_word(p, "bool");
		ret_words->joins_right |= left;
		ret_words->joins_left |= right;
		result = promql_advance(p);
		if (result == 0 && prefix)
			result = p->token.kind == TOKEN_STRING
					 ? promql_advance(p)
					 : promql_error(p, EINVAL, "a prefix was expected");
		else if (result == 0 && (labels || ((left || right) && is_mark(p, "("))))
			result = read_labels(p);
	}
	return result;
}

/* The operator stands between the selectors [from, middle) and [middle, end). The left side of a
 * comparison or an "and" is the value, unless it has no selector: 5 < errors, hour() > 9 and x. */
static void tell_sides(struct collection *found, size_t from, size_t middle,
		       enum operator_kind kind, const struct operator_words *words)
{
	bool left = collection_has_value(found, from, middle);

	if (words->joins_left)
		collection_move(found, from, middle, EXPR_JOINED);
	else if (words->joins_right)
		collection_move(found, middle, found->n, EXPR_JOINED);
	switch (kind) {
	case OPERATOR_COMPARES:
		if (left)
			collection_move(found, middle, found->n, EXPR_REFERENCE);
		break;
	case OPERATOR_GUARDS:
		if (left)
			collection_move(found, middle, found->n, EXPR_GUARD);
		break;
	case OPERATOR_EXCLUDES:
		collection_move(found, middle, found->n, EXPR_EXCLUDED);
		break;
	case OPERATOR_ARITHMETIC:
	case OPERATOR_EITHER:
		break;
	}
}

/* What an operator makes of burn rates; of what it is not known to keep nothing stays. */
static void tell_burns(struct burn_part *left, const struct operator_row *row,
		       const struct burn_part *right)
{
	switch (row->kind) {
	case OPERATOR_ARITHMETIC:
		burn_part_calculate(left, row->text, right);
		break;
	case OPERATOR_COMPARES:
		burn_part_compare(left, row->text, right);
		break;
	case OPERATOR_EITHER:
		burn_part_either(left, right);
		break;
	case OPERATOR_GUARDS:
		if (strcmp(row->text, "default") == 0)
			left->n = 0;
		else
			burn_part_both(left, right);
		break;
	case OPERATOR_EXCLUDES:
		break; /* the left side is met all the same */
	}
}

static int read_operators(struct promql *p, int least, size_t from)
{
	const struct operator_row *row;
	int result = 0;

	while (result == 0 && (row = next_operator(p)) && row->level >= least) {
		size_t middle = p->found.n;
		struct operator_words words = { 0 };
		struct burn_part left = p->part;
		result = promql_advance(p);
		if (result == 0)
			result = read_operator_words(p, &words);
		/* Only ^ binds to the right. */
		if (result == 0)
			result = read_expression(p, row->level + (*row->text != '^'));
		if (result == 0)
			tell_sides(&p->found, from, middle, row->kind, &words);
		tell_burns(&left, row, &p->part);
		if (words.is_bool)
			left.n = 0;
		p->part = left;
	}
	return result;
}

/* Read operands and the operators of this level and above between them. */
static int read_expression(struct promql *p, int least)
{
	size_t from = p->found.n;

	if (++p->depth > LIMIT_EXPR_DEPTH)
		return promql_error(p, E2BIG, "too deep");
	int result = read_operand(p);
	if (result == 0)
		result = read_operators(p, least, from);
	p->depth--;
	return result;
}

int promql_read(struct arena *arena, const char *text, struct expr *ret_expr, struct err *err)
{
	struct promql p = {
		.lexer = { .arena = arena, .text = text, .err = err },
		.found = { .arena = arena },
	};
	int result = promql_advance(&p);

	if (result == 0)
		result = read_expression(&p, 0);
	if (result == 0 && p.token.kind != TOKEN_END)
		result = promql_error(&p, EINVAL, "the expression should end here");
	if (result < 0)
		return result;
	bool metric = false;
	for (size_t i = 0; i < p.found.n; i++)
		metric = metric || p.found.selectors[i].metric;
	*ret_expr = (struct expr){
		.language = p.logs || (p.found.n && !metric) ? EXPR_LOGS : EXPR_METRICS,
		.selectors = p.found.selectors,
		.nselectors = p.found.n,
	};
	ret_expr->nburns = p.part.n;
	memcpy(ret_expr->burns, p.part.burns, sizeof(ret_expr->burns));
	return 0;
}
