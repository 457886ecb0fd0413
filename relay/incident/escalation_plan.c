/*
 * The plan of an escalation: which step an incident has reached by the rules in force, how long it
 * waits, and what follows it. Changes nothing but the incident's own place in the plan.
 */
#include <stdlib.h>
#include <string.h>

#include "incident-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

const struct escalation *incident_escalation(const struct incident *incident)
{
	const struct ruleset *rules = incident->book->rules;
	const struct escalation *escalation = NULL;

	if (incident->step == STEP_NONE)
		return NULL;
	if (*incident->escalation)
		escalation = rules_escalation(rules, incident->escalation);
	if (escalation)
		return escalation;
	const struct team *team = rules_team(rules, incident->team);
	return team ? team->escalation : rules_fallback(rules)->escalation;
}

void incident_set_escalation(struct incident *incident, const struct decision *decision)
{
	const struct escalation *escalation = decision_escalation(decision);

	incident->escalation =
		incidents_book_text(incident->book, escalation ? escalation->name : "");
	incident->run = 0;
	incident->step = escalation ? 0 : STEP_NONE;
}

bool escalation_following(const struct incident *incident, const struct escalation *escalation,
			  int *ret_run, int *ret_step)
{
	*ret_run = incident->run;
	/* The rules have fewer steps by now: the new ones begin. */
	*ret_step = incident->step < (int)escalation->nsteps ? incident->step + 1 : 0;
	if (*ret_step < (int)escalation->nsteps)
		return true;
	*ret_run = incident->run + 1;
	*ret_step = 0;
	return *ret_run <= (int)escalation->repeat;
}

int64_t escalation_wait_us(const struct incident *incident)
{
	const struct escalation *escalation = incident_escalation(incident);
	size_t step = (size_t)incident->step;

	if (incident->step < 0 || !escalation)
		return 0;
	if (step >= escalation->nsteps) /* the rules have fewer steps by now */
		step = escalation->nsteps - 1;
	return escalation->steps[step].wait_us;
}

struct escalation_step incident_step(const struct incident *incident,
				     const struct escalation_step *step, struct arena *arena,
				     const struct pager **ret_lost)
{
	const struct ruleset *rules = incident->book->rules;
	const struct team *team = rules_team(rules, incident->team);

	return step_of_team(arena, rules, step, team ? team : rules_fallback(rules), ret_lost);
}

const char *step_pagers_text(const struct escalation_step *step, struct arena *arena)
{
	struct buf text = BUF_INIT(LIMIT_PAGE_NOTE_BYTES);

	for (size_t i = 0; i < step->npagers; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", step->pagers[i]->name);
	const char *kept = text.failed ? "many pagers" : arena_strdup(arena, buf_text(&text));
	buf_fini(&text);
	return kept;
}

const char *escalation_next_text(const struct incident *incident, struct arena *arena)
{
	const struct escalation *escalation = incident_escalation(incident);
	char at[RFC3339_SIZE];
	int run, step;

	if (incident->state != INCIDENT_OPEN || incident->step < 0 || !escalation ||
	    !incident->due_us)
		return NULL;
	rfc3339_format(incident->due_us, at);
	if (escalation_following(incident, escalation, &run, &step)) {
		const struct pager *lost;
		const struct escalation_step next =
			incident_step(incident, &escalation->steps[step], arena, &lost);
		return arena_printf(arena, "%s: pages %s", at, step_pagers_text(&next, arena));
	}
	const struct team *fallback = rules_fallback(incident->book->rules);
	if (strcmp(fallback->name, incident->team) == 0)
		return NULL;
	return arena_printf(arena, "%s: pages the fallback team %s", at, fallback->name);
}
