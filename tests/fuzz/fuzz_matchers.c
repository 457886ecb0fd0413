/*
 * Fuzz: Alertmanager's matchers from any bytes: a text, and behind a NUL the value of the labels
 * that it is asked about. What is refused adds nothing; what is taken can be matched and explained,
 * and names at least one label.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../rules/engine/engine-internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Asks with labels that have the names which the matchers look for. */
static void ask(struct arena *arena, const struct rule_matchers *matchers, const char *value)
{
	struct labels labels = { .at = arena_array(arena, matchers->n, sizeof(struct label)) };
	bool all = true;

	for (size_t i = 0; i < matchers->n; i++)
		labels.at[labels.n++] = (struct label){ matchers->at[i].name, value };
	labels_normalise(&labels);
	for (size_t i = 0; i < matchers->n; i++) {
		const struct rule_matcher *matcher = &matchers->at[i];
		bool holds = matcher_matches(matcher, &labels);
		all = all && holds;
		require(matcher_reason(arena, matcher, &labels) != NULL);
		if (matcher->op == RULE_EQUAL)
			require(holds == (strcmp(matcher->value, value) == 0));
		else if (matcher->op == RULE_NOT_EQUAL)
			require(holds == (strcmp(matcher->value, value) != 0));
	}
	require(matchers_match(matchers, &labels) == all);
	matchers_literals(matchers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(64u << 20);
	const char *text = arena_strndup(arena, (const char *)data, size);
	size_t len = strlen(text);
	const char *value =
		len < size ? arena_strndup(arena, (const char *)data + len + 1, size - len - 1)
			   : "";
	struct rule_matchers matchers = { .at = NULL };
	struct err err = { .code = 0 };
	int result = matchers_parse(arena, text, &matchers, &err);

	require((result == 0) == (matchers.n > 0));
	require(result == 0 || (err.code != 0 && *err.text));
	ask(arena, &matchers, value);
	/* A second text leaves the matchers of the first as they were. */
	size_t before = matchers.n;
	result = matchers_parse(arena, value, &matchers, &err);
	require(result == 0 ? matchers.n > before : matchers.n == before);
	matchers_fini(&matchers);
	arena_free(arena);
	return 0;
}
