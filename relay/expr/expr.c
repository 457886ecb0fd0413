/*
 * Expr: chooses the language of an expression. TraceQL begins with a brace or bracket and is not
 * PromQL, whose labels have no dots: what PromQL's reader takes is never TraceQL's.
 */
#include "tracepager/expr.h"

#include <errno.h>
#include <string.h>

#include "expr-internal.h"
#include "tracepager/limits.h"

int expr_read(struct arena *arena, const char *text, struct expr *ret_expr, struct err *err)
{
	if (strlen(text) > LIMIT_EXPR_BYTES)
		return err_set(err, E2BIG, "the expression is longer than %u bytes",
			       LIMIT_EXPR_BYTES);
	struct err own = { .code = 0 };
	int result = promql_read(arena, text, ret_expr, &own);
	const char *start = text + strspn(text, " \t\r\n(");
	if (result < 0 && *start == '{') {
		struct err other = { .code = 0 };
		result = traceql_read(arena, text, ret_expr, &other);
		/* The reader that came further is the one whose words help. */
		if (other.line > own.line || (other.line == own.line && other.column > own.column))
			own = other;
	}
	if (result < 0 && err)
		*err = own;
	return result < 0 ? -own.code : 0;
}

const struct expr_match *expr_selector_match(const struct expr_selector *selector, const char *name)
{
	for (size_t i = 0; i < selector->nmatches; i++)
		if (strcmp(selector->matches[i].name, name) == 0)
			return &selector->matches[i];
	return NULL;
}
