/*
 * Warnings about pagers and escalations: secrets in the rules themselves, steps behind a pager that
 * escalates by itself, waits that are longer than an alert lives.
 */
#include "check-internal.h"

static void warn_of_secret(const struct rules_check *check, const struct rule_source *source,
			   const struct pager *pager)
{
	const char *key = pager_kind_options(pager->kind)->key;
	const struct ynode *kind = ynode_get(source->node, "kind");
	const struct ynode *value = key ? ynode_get(source->node, key) : NULL;

	/* An unknown kind is an error already, and nobody knows which of its members are secret. */
	if (!kind || kind->kind != YNODE_SCALAR ||
	    strcmp(kind->text, pager_kind_name(pager->kind)) != 0)
		return;
	if (value && value->kind == YNODE_SCALAR && !ynode_is_empty(value))
		CHECK_WARNING(check, source, value, "W021",
			      arena_printf(check->scratch,
					   "move it into a file, and write %s_file: PATH", key),
			      "the %s of pager \"%s\" stands in the rules themselves", key,
			      pager->name);
}

void check_pagers(const struct rules_check *check)
{
	for (size_t i = 0; i < check->set->npagers; i++)
		warn_of_secret(check, &check->pagers[i], &check->set->pagers[i]);
}

/* The pager of a step that escalates by itself; NULL: none does. */
static const struct pager *self_escalating(const struct escalation_step *step)
{
	for (size_t i = 0; i < step->npagers; i++)
		if (pager_kind_escalates(step->pagers[i]->kind))
			return step->pagers[i];
	return NULL;
}

static void warn_of_steps(const struct rules_check *check, size_t number)
{
	const struct rule_source *source = &check->escalations[number];
	const struct escalation *escalation = &check->set->escalations[number];
	const size_t *origins = check->step_origins[number];
	const struct ynode *steps = ynode_get(source->node, "steps");
	const struct pager *pager = NULL;

	for (size_t i = 0; i < escalation->nsteps; i++) {
		const struct ynode *step = steps->items[origins[i]],
				   *wait = ynode_get(step, "wait");
		const bool first = i == 0 || origins[i] != origins[i - 1],
			   last = i + 1 == escalation->nsteps || origins[i] != origins[i + 1];
		/* Between the steps of a team: told at the team's own escalation. */
		if (pager && first) {
			CHECK_WARNING(check, source, step, "W026",
				      arena_printf(check->scratch,
						   "escalate in %s, or page \"%s\" last",
						   pager_kind_name(pager->kind), pager->name),
				      "this step of escalation \"%s\" follows pager \"%s\", which "
				      "escalates by itself and does not tell who has answered",
				      escalation->name, pager->name);
			return;
		}
		if (!pager)
			pager = self_escalating(&escalation->steps[i]);
		if (wait && last && escalation->steps[i].wait_us >= LIMIT_STEP_WAIT_US)
			CHECK_WARNING(check, source, wait, "W027",
				      "10m is ten minutes, 10h ten hours",
				      "step %zu of escalation \"%s\" waits half a day or longer",
				      origins[i] + 1, escalation->name);
	}
}

void check_escalations(const struct rules_check *check)
{
	for (size_t i = 0; i < check->set->nescalations; i++)
		warn_of_steps(check, i);
}
