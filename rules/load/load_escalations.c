/*
 * Load, section escalations: the steps in which teams are paged. Steps are read before the teams; a
 * second pass behind the teams puts the steps of a team's escalation where a step names the team.
 * Escalations of a long chain stand on a stack: no recursion.
 */
#include "load-internal.h"

#include "tracepager/clock.h"

#define WAIT_UNSAID (-1)

/* ---- the steps of a file ---- */

/* A step pages pagers or a team. False: it names neither or both, and a finding says so. */
static bool check_step_form(const struct load_scope *scope)
{
	const struct ynode *page = member_key(scope, "page"), *team = member_key(scope, "team");

	if (!page && !team && !member_is_elsewhere(scope, "page") &&
	    !member_is_elsewhere(scope, "team"))
		LOAD_ERROR(scope, scope->key, "E013", "add \"page: [PAGER]\", or \"team: NAME\"",
			   "%s has neither \"page\" nor \"team\"", scope->what);
	if (page && team)
		LOAD_ERROR(scope, team, "E046",
			   "keep one of them; pagers and a team are paged by two steps",
			   "\"page\" and \"team\" of %s contradict each other", scope->what);
	return !page != !team;
}

static void read_step(struct load *load, const struct rule_source *escalation, bool last,
		      struct load_step *step)
{
	const struct rule_source entry = { .doc = escalation->doc,
					   .key = step->node,
					   .node = step->node };
	struct load_scope scope;

	step->team = SIZE_MAX;
	step->step.wait_us = WAIT_UNSAID;
	if (step->node->bad || !scope_open(&scope, load, &entry, MAP_STEP, step->what) ||
	    !check_step_form(&scope))
		return;
	if (member_key(&scope, "page"))
		step->step.pagers =
			member_pagers(&scope, "page", LIMIT_STEP_PAGERS, &step->step.npagers);
	else
		step->team = member_ref(&scope, "team", SECTION_TEAMS);
	step->step.no_resolve = member_key(&scope, "resolve") && !member_bool(&scope, "resolve");
	member_duration(&scope, "wait", &step->step.wait_us);
	if (last && step->step.wait_us == 0)
		step->step.wait_us = WAIT_UNSAID;
}

static void read_escalation(struct load *load, size_t i)
{
	const struct rule_source *entry = &load->sections[SECTION_ESCALATIONS].at[i];
	struct escalation *escalation = &load->set->escalations[i];
	struct load_steps *steps = &load->steps[i];
	struct load_scope scope;
	int64_t repeat = 0;

	escalation->name = arena_strdup(load->set->arena, entry->key->text);
	escalation->place = entry_place(load, entry);
	if (!scope_open(&scope, load, entry, MAP_ESCALATION,
			arena_printf(load->scratch, "escalation \"%s\"", escalation->name)))
		return;
	member_int(&scope, "repeat", 0, LIMIT_ESCALATION_REPEAT, &repeat);
	escalation->repeat = (unsigned int)repeat;
	const struct ynode *list = member_list(&scope, "steps");
	if (!list)
		return;
	if (list->n > LIMIT_ESCALATION_STEPS) {
		LOAD_ERROR(&scope, member_key(&scope, "steps"), "E017",
			   "leave steps out, or let a step page a team",
			   "%s has more than %u steps", scope.what, LIMIT_ESCALATION_STEPS);
		return;
	}
	steps->n = list->n;
	steps->at = arena_array(load->scratch, list->n, sizeof(*steps->at));
	for (size_t j = 0; j < list->n; j++) {
		steps->at[j].node = list->items[j];
		steps->at[j].what = arena_printf(load->scratch, "step %zu of escalation \"%s\"",
						 j + 1, escalation->name);
		read_step(load, entry, j + 1 == list->n && repeat == 0, &steps->at[j]);
	}
}

void load_escalations(struct load *load)
{
	const size_t n = load->sections[SECTION_ESCALATIONS].n;

	load->steps = arena_array(load->scratch, n, sizeof(*load->steps));
	for (size_t i = 0; i < n; i++)
		read_escalation(load, i);
}

/* ---- the steps of teams ---- */

/* The escalations that wait for the steps of another one: each but the last is at a step that
 * pages a team of the next. */
struct load_way {
	struct {
		size_t escalation, step;
	} * at;
	size_t n;
};

static struct load_scope escalation_scope(struct load *load, size_t escalation)
{
	const struct rule_source *entry = &load->sections[SECTION_ESCALATIONS].at[escalation];

	return (struct load_scope){ .load = load, .doc = entry->doc, .key = entry->key };
}

/* The number of the escalation of the team that the step pages; SIZE_MAX: it pages none. */
static size_t step_escalation(const struct load *load, const struct load_step *step)
{
	const struct escalation *escalation =
		step->team == SIZE_MAX ? NULL : load->set->teams[step->team].escalation;

	return escalation ? (size_t)(escalation - load->set->escalations) : SIZE_MAX;
}

/* "escalation a -> team b -> escalation b -> team a -> escalation a": the way from its position
 * `from` on. Of a long way, the middle is left out. */
static const char *circle_words(struct load *load, const struct load_way *way, size_t from)
{
	struct buf out = BUF_INIT(LIMIT_FINDING_TEXT_BYTES);
	const struct ruleset *set = load->set;
	const size_t most = LIMIT_CIRCLE_NAMED / 2;

	for (size_t i = from; i < way->n; i++) {
		const size_t escalation = way->at[i].escalation, step = way->at[i].step;
		if (i - from == most && way->n - i > most) {
			buf_printf(&out, "(%zu more) -> ", way->n - i - most);
			i = way->n - most - 1;
			continue;
		}
		buf_printf(&out, "escalation %.80s -> team %.80s -> ",
			   set->escalations[escalation].name,
			   set->teams[load->steps[escalation].at[step].team].name);
	}
	buf_printf(&out, "escalation %.80s", set->escalations[way->at[from].escalation].name);
	const char *text = arena_strdup(load->scratch, buf_text(&out));
	buf_fini(&out);
	return text;
}

/* Tells the circle that the last step of the way closes, and lets that step page nobody. */
static void refuse_circle(struct load *load, const struct load_way *way, size_t escalation)
{
	struct load_steps *steps = &load->steps[way->at[way->n - 1].escalation];
	struct load_step *step = &steps->at[way->at[way->n - 1].step];
	struct load_scope scope = escalation_scope(load, way->at[way->n - 1].escalation);
	size_t from = 0;

	while (way->at[from].escalation != escalation)
		from++;
	LOAD_ERROR(&scope, ynode_get(step->node, "team"), "E051",
		   "page pagers in one of these steps, instead of a team",
		   "escalations page each other without an end: %s", circle_words(load, way, from));
	step->team = SIZE_MAX;
}

static size_t count_steps(const struct load *load, const struct load_steps *steps)
{
	size_t n = 0;

	for (size_t i = 0; i < steps->n; i++) {
		const size_t other = step_escalation(load, &steps->at[i]);
		n += other == SIZE_MAX ? 1 : load->set->escalations[other].nsteps;
	}
	return n;
}

/* Adds a step of the file to the escalation, or the steps of the team that it pages. */
static void add_steps(const struct load *load, const struct load_step *step,
		      struct escalation *escalation)
{
	const size_t other = step_escalation(load, step);

	if (other == SIZE_MAX) {
		escalation->steps[escalation->nsteps++] = step->step;
		return;
	}
	const struct escalation *from = &load->set->escalations[other];
	for (size_t i = 0; i < from->nsteps; i++) {
		struct escalation_step *to = &escalation->steps[escalation->nsteps++];
		*to = from->steps[i];
		if (!to->team)
			to->team = &load->set->teams[step->team];
		to->no_resolve |= step->step.no_resolve;
		if (i + 1 == from->nsteps && step->step.wait_us >= 0)
			to->wait_us = step->step.wait_us;
		else if (i + 1 < from->nsteps && to->wait_us < 0)
			to->wait_us = LIMIT_STEP_WAIT_USUAL_US;
	}
}

/* Makes the escalation's steps of the set; those of the teams in it are made. */
static void fill_escalation(struct load *load, size_t i)
{
	struct escalation *escalation = &load->set->escalations[i];
	struct load_steps *steps = &load->steps[i];
	struct load_scope scope = escalation_scope(load, i);
	const size_t n = count_steps(load, steps);

	steps->state = STEPS_DONE;
	if (n > LIMIT_ESCALATION_STEPS) {
		LOAD_ERROR(&scope, scope.key, "E048",
			   "page fewer teams in it, or teams with shorter escalations",
			   "escalation \"%s\" has %zu steps, with those of the teams that it "
			   "pages; at most %u are possible",
			   escalation->name, n, LIMIT_ESCALATION_STEPS);
		return;
	}
	escalation->steps = arena_array(load->set->arena, n, sizeof(*escalation->steps));
	steps->origins = arena_array(load->scratch, n, sizeof(*steps->origins));
	for (size_t j = 0; j < steps->n; j++) {
		const size_t first = escalation->nsteps;
		add_steps(load, &steps->at[j], escalation);
		for (size_t k = first; k < escalation->nsteps; k++)
			steps->origins[k] = j;
	}
}

/* Fills one escalation, and before it those that it needs. */
static void follow_teams(struct load *load, struct load_way *way, size_t first)
{
	way->at[0].escalation = first;
	way->at[0].step = 0;
	way->n = 1;
	load->steps[first].state = STEPS_OPEN;
	while (way->n) {
		const size_t escalation = way->at[way->n - 1].escalation;
		size_t *step = &way->at[way->n - 1].step;
		const struct load_steps *steps = &load->steps[escalation];
		if (*step == steps->n) {
			fill_escalation(load, escalation);
			way->n--;
			continue;
		}
		const size_t other = step_escalation(load, &steps->at[*step]);
		if (other != SIZE_MAX && load->steps[other].state == STEPS_NEW) {
			load->steps[other].state = STEPS_OPEN;
			way->at[way->n].escalation = other;
			way->at[way->n++].step = 0;
			continue;
		}
		if (other != SIZE_MAX && load->steps[other].state == STEPS_OPEN)
			refuse_circle(load, way, other);
		++*step;
	}
}

/* ---- waits ---- */

/* Warns of a step of the file that has no wait, or next to none, where another step or run follows.
 */
static void warn_of_wait(struct load *load, size_t escalation, const struct load_step *step,
			 const char *next, int64_t wait_us)
{
	struct load_scope scope = escalation_scope(load, escalation);
	const struct ynode *wait = ynode_get(step->node, "wait");

	if (wait_us < 0)
		LOAD_WARNING(&scope, step->node, "W003", "add \"wait: 10m\"",
			     "%s has no wait before the next %s; 10 minutes count", step->what,
			     next);
	else if (wait_us < LIMIT_STEP_WAIT_LEAST_US && wait)
		LOAD_WARNING(&scope, wait, "W034",
			     "name all these pagers in one step, or wait some minutes",
			     "%s does not wait before the next %s, so that nobody can answer "
			     "first; 1 second counts",
			     step->what, next);
}

static void finish_waits(struct load *load, size_t i)
{
	struct escalation *escalation = &load->set->escalations[i];
	const struct load_steps *steps = &load->steps[i];

	for (size_t j = 0; j < escalation->nsteps; j++) {
		int64_t *wait_us = &escalation->steps[j].wait_us;
		const bool last = j + 1 == escalation->nsteps;
		if (last && !escalation->repeat) {
			*wait_us = *wait_us < 0 ? 0 : *wait_us;
			continue;
		}
		if (last || steps->origins[j] != steps->origins[j + 1])
			warn_of_wait(load, i, &steps->at[steps->origins[j]], last ? "run" : "step",
				     *wait_us);
		if (*wait_us < 0)
			*wait_us = LIMIT_STEP_WAIT_USUAL_US;
		else if (*wait_us < LIMIT_STEP_WAIT_LEAST_US)
			*wait_us = LIMIT_STEP_WAIT_LEAST_US;
	}
}

void load_steps(struct load *load)
{
	const size_t n = load->set->nescalations;
	struct load_way way = { .n = 0 };

	way.at = arena_array(load->scratch, n, sizeof(*way.at));
	for (size_t i = 0; i < n; i++)
		if (load->steps[i].state == STEPS_NEW)
			follow_teams(load, &way, i);
	for (size_t i = 0; i < n; i++)
		finish_waits(load, i);
}
