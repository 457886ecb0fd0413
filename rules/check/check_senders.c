/*
 * Warnings about conditions on the sender of an alert, where the options are known beside the
 * rules: one that no declared sender meets.
 */
#include "check-internal.h"

/* Alerts of the relay's own have this sender. */
static const char own_sender[] = "tracepager";

static bool sender_is_declared(const struct findings *findings, const char *glob)
{
	for (size_t i = 0; i < findings->nsenders; i++)
		if (glob_match(glob, findings->senders[i]))
			return true;
	return glob_match(glob, own_sender);
}

static void check_route_sender(const struct rules_check *check, const struct rule_source *source,
			       const struct ynode *node)
{
	const struct findings *findings = check->findings;

	if (node->kind == YNODE_SCALAR && !sender_is_declared(findings, node->text))
		CHECK_WARNING(check, source, node, "C056",
			      words_hint(check->scratch, node->text, findings->senders,
					 findings->nsenders),
			      "the options declare no sender \"%.200s\"", node->text);
}

void check_senders(const struct rules_check *check)
{
	static const char *const members[] = { "sender", "source" };

	for (size_t i = 0; check->findings->nsenders && i < check->set->nroutes; i++) {
		const struct rule_source *source = &check->routes[i];
		const struct ynode *when = ynode_get(source->node, "when");
		for (size_t k = 0; k < ARRAY_LEN(members); k++) {
			const struct ynode *value = ynode_get(when, members[k]);
			const bool is_list = value && value->kind == YNODE_LIST;
			for (size_t j = 0; value && j < (is_list ? value->n : 1); j++)
				check_route_sender(check, source,
						   is_list ? value->items[j] : value);
		}
	}
}
