/* Explain, names: how a suspect is called in one line. Pure. */
#include "explain-internal.h"

#include "tracepager/plain.h"

bool explain_calls_callee(const struct suspect *suspect)
{
	return suspect->callee && (suspect->kind == SUSPECT_EDGE ||
				   (suspect->kind == SUSPECT_PEER && suspect->resource));
}

void explain_who(const struct suspect *suspect, struct buf *out)
{
	plain_add(out, suspect->service, EXPLAIN_NAME_COLUMNS);
	if (explain_calls_callee(suspect)) {
		buf_puts(out, " → ");
		plain_add(out, suspect->callee, EXPLAIN_NAME_COLUMNS);
	}
}
