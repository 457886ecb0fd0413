/*
 * Warnings about the matchers of one entry: two that contradict each other, and one that every
 * alert meets.
 */
#include "check-internal.h"

const struct ynode *check_node(const struct rule_source *source, const char *name)
{
	const struct ynode *node = ynode_get(source->node, name);

	return node ? node : source->key;
}

/* Two values that are meant as alternatives are one condition. */
static const char *contradiction_cure(struct arena *arena, const struct rule_matcher *a,
				      const struct rule_matcher *b)
{
	if (a->op == RULE_EQUAL && b->op == RULE_EQUAL && !strpbrk(a->value, "\"\\.*+?()[]{}|^$") &&
	    !strpbrk(b->value, "\"\\.*+?()[]{}|^$"))
		return arena_printf(arena,
				    "make two entries, or write one condition: "
				    "%.100s=~\"%.100s|%.100s\"",
				    a->name, a->value, b->value);
	return "make two entries";
}

static bool warn_of_contradiction(const struct rules_check *check, const struct rule_source *source,
				  const struct ynode *node, const struct rule_matchers *matchers)
{
	for (size_t i = 0; i < matchers->n; i++)
		for (size_t j = 0; j < i; j++) {
			const struct rule_matcher *a = &matchers->at[j], *b = &matchers->at[i];
			if (!matchers_contradict(check->scratch, a, b))
				continue;
			CHECK_WARNING(check, source, node, "W023",
				      contradiction_cure(check->scratch, a, b),
				      "no alert can have a \"%.200s\" that meets both \"%.200s\" "
				      "and \"%.200s\"",
				      a->name, a->value, b->value);
			return true;
		}
	return false;
}

bool check_matchers(const struct rules_check *check, const struct rule_source *source,
		    const struct ynode *node, const struct rule_matchers *matchers)
{
	if (warn_of_contradiction(check, source, node, matchers))
		return true;
	for (size_t i = 0; i < matchers->n; i++) {
		const struct rule_matcher *matcher = &matchers->at[i];
		/* A star as the only condition means "every alert": no slip. */
		if (!matcher_always(matcher) || (matcher->op == RULE_GLOB && matchers->n == 1))
			continue;
		CHECK_WARNING(check, source, node, "W024",
			      matcher->op == RULE_GLOB ? "leave it out, or write \"?*\""
						       : "leave it out, or write \".+\"",
			      "the condition on \"%.200s\" always holds: \"%.200s\" also matches "
			      "alerts without the label",
			      matcher->name, matcher->value);
		break;
	}
	return false;
}
