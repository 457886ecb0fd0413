/*
 * Load, section escalations: the steps in which teams are paged.
 */
#include "load-internal.h"

static void read_step(struct load *load, const struct rule_source *escalation,
		      const struct ynode *node, const char *what, bool last,
		      struct escalation_step *step)
{
	const struct rule_source entry = { .doc = escalation->doc, .key = node, .node = node };
	struct load_scope scope;

	if (node->bad || !scope_open(&scope, load, &entry, MAP_STEP, what))
		return;
	step->pagers = member_pagers(&scope, "page", LIMIT_STEP_PAGERS, &step->npagers);
	if (member_key(&scope, "wait"))
		member_duration(&scope, "wait", &step->wait_us);
	else if (!last)
		LOAD_WARNING(&scope, scope.key, "W003", "add \"wait: 10m\"",
			     "%s has no wait before the next step", what);
}

/* Only the first step is acted on: warn, lest the author counts on the others. */
static void warn_of_unpaged_steps(const struct load_scope *scope, const struct ynode *steps,
				  int64_t repeat)
{
	static const char text[] =
		"only the first step is paged; further steps are not acted on yet";
	static const char hint[] = "keep one step, and name in it every pager that must be paged";

	if (steps->n > 1)
		LOAD_WARNING(scope, steps->items[1], "W007", hint, "%s: %s", scope->what, text);
	if (repeat > 0)
		LOAD_WARNING(scope, member_key(scope, "repeat"), "W007", "leave it out", "%s: %s",
			     scope->what, text);
}

static void read_escalation(struct load *load, size_t i)
{
	const struct rule_source *entry = &load->sections[SECTION_ESCALATIONS].at[i];
	struct escalation *escalation = &load->set->escalations[i];
	struct load_scope scope;
	int64_t repeat = 0;

	escalation->name = arena_strdup(load->set->arena, entry->key->text);
	escalation->place = entry_place(load, entry);
	if (!scope_open(&scope, load, entry, MAP_ESCALATION,
			arena_printf(load->scratch, "escalation \"%s\"", escalation->name)))
		return;
	member_int(&scope, "repeat", 0, LIMIT_ESCALATION_REPEAT, &repeat);
	escalation->repeat = (unsigned int)repeat;
	const struct ynode *steps = member_list(&scope, "steps");
	if (!steps)
		return;
	if (steps->n > LIMIT_ESCALATION_STEPS) {
		LOAD_ERROR(&scope, member_key(&scope, "steps"), "E017", NULL,
			   "%s has more than %u steps", scope.what, LIMIT_ESCALATION_STEPS);
		return;
	}
	warn_of_unpaged_steps(&scope, steps, repeat);
	escalation->nsteps = steps->n;
	escalation->steps = arena_array(load->set->arena, steps->n, sizeof(*escalation->steps));
	for (size_t j = 0; j < steps->n; j++)
		read_step(load, entry, steps->items[j],
			  arena_printf(load->scratch, "step %zu of escalation \"%s\"", j + 1,
				       escalation->name),
			  j + 1 == steps->n && repeat == 0, &escalation->steps[j]);
}

void load_escalations(struct load *load)
{
	for (size_t i = 0; i < load->sections[SECTION_ESCALATIONS].n; i++)
		read_escalation(load, i);
}
