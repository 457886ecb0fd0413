/*
 * Fuzz: an alert's expression from any bytes, and the link that carries it: a text that begins with
 * http is a generator URL, any other an expression. What is taken has a side, and each condition a
 * name and a value; what is refused has words and a place.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/expr.h"
#include "tracepager/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_selector(const struct expr_selector *selector)
{
	require(selector->side <= EXPR_ANCESTOR);
	require(selector->nmatches <= LIMIT_EXPR_MATCHES);
	for (size_t i = 0; i < selector->nmatches; i++) {
		const struct expr_match *match = &selector->matches[i];
		require(match->nvalues >= 1 && match->nvalues <= LIMIT_EXPR_VALUES);
		require(expr_selector_match(selector, match->name) != NULL);
		for (size_t k = 0; k < match->nvalues; k++)
			require(*match->values[k] != '\0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(64u << 20);
	const char *text = arena_strndup(arena, (const char *)data, size);
	struct expr expr;
	struct err err = { .code = 0 };

	if (strncmp(text, "http", 4) == 0) {
		const struct alert alert = { .generator_url = text };
		text = expr_find(arena, &alert);
	}
	if (text && expr_read(arena, text, &expr, &err) == 0) {
		require(expr.nselectors <= LIMIT_EXPR_SELECTORS);
		for (size_t i = 0; i < expr.nselectors; i++)
			check_selector(&expr.selectors[i]);
	} else if (text) {
		require(err.code != 0 && *err.text);
		require(strlen(text) > LIMIT_EXPR_BYTES || (err.line >= 1 && err.column >= 1));
	}
	arena_free(arena);
	return 0;
}
