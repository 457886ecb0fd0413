/*
 * Drill stages: what befell a drill's alert, as stages that a person reads: each says what was
 * found, whether a real alert would be paged by it, and how long it took. Owns nothing.
 */
#include <string.h>

#include "drill-internal.h"
#include "tracepager/decide.h"
#include "tracepager/deliver.h"
#include "tracepager/plain.h"

struct drill_stage *drill_add_stage(struct drill *drill, const char *name,
				    enum stage_outcome outcome, int64_t took_us, const char *text)
{
	if (drill->nstages == LIMIT_DRILL_STAGES)
		return NULL;
	struct drill_stage *stage = &drill->stages[drill->nstages++];
	*stage = (struct drill_stage){
		.name = name, .outcome = outcome, .took_us = took_us, .text = text
	};
	return stage;
}

bool drill_passed(const struct drill *drill)
{
	for (size_t i = 0; i < drill->nstages; i++)
		if (drill->stages[i].outcome != STAGE_GOOD &&
		    drill->stages[i].outcome != STAGE_NOTED)
			return false;
	return true;
}

/* ---- texts ---- */

static const char *stage_keep_text(const struct drill *drill, struct buf *text)
{
	const char *kept = arena_strdup(drill->arena, buf_text(text));

	buf_fini(text);
	return kept;
}

/* "rules.yaml:12", or where a rule stands that has no place. */
static const char *place_of(const char *place)
{
	return place && *place ? place : "the rules";
}

static const char *located_text(const struct drill *drill, const struct decision *d)
{
	struct buf text = BUF_INIT(LIMIT_DRILL_TEXT_BYTES);
	const struct signal_rule *rule = d->signal_rule;

	if (rule)
		buf_printf(&text, "signal %s (%s): ", rule->name, place_of(rule->place));
	if (d->has_signal && d->signal.service) {
		buf_printf(&text, "service %s", d->signal.service);
		if (d->signal.operation && *d->signal.operation)
			buf_printf(&text, ", operation %s", d->signal.operation);
		buf_printf(&text, ", by the %s", d->signal.from ? d->signal.from : "rule");
	} else {
		buf_puts(&text, "it is about no traced operation");
	}
	return stage_keep_text(drill, &text);
}

static const char *steps_text(const struct drill *drill, const struct escalation *escalation)
{
	struct buf text = BUF_INIT(LIMIT_DRILL_TEXT_BYTES);
	char wait[PLAIN_DURATION_SIZE];

	buf_printf(&text, "%s (%s): ", escalation->name, place_of(escalation->place));
	for (size_t i = 0; i < escalation->nsteps && !text.failed; i++) {
		const struct escalation_step *step = &escalation->steps[i];
		buf_puts(&text, i ? ", then " : "");
		for (size_t j = 0; j < step->npagers; j++)
			buf_printf(&text, "%s%s", j ? " + " : "", step->pagers[j]->name);
		if (step->wait_us)
			buf_printf(&text, ", wait %s", plain_duration(step->wait_us, wait));
	}
	if (escalation->repeat) {
		buf_puts(&text, "; ");
		buf_count(&text, escalation->repeat, "run more", "runs more");
	}
	if (text.failed) {
		buf_reset(&text);
		buf_printf(&text, "%s (%s): %zu steps", escalation->name,
			   place_of(escalation->place), escalation->nsteps);
	}
	return stage_keep_text(drill, &text);
}

/* ---- the decision ---- */

static void stage_tell_located(struct drill *drill, const struct decision *d)
{
	bool right = d->signal_rule && strcmp(d->signal_rule->name, drill->signal) == 0;

	drill_add_stage(drill, "located", right ? STAGE_GOOD : STAGE_BAD, -1,
			located_text(drill, d));
}

/* Is a look-up that found nothing a fault of the way, or is there just nothing wrong? */
static bool missing_is_fault(enum fallback_code missing)
{
	return missing == FALLBACK_SOURCE_ERROR || missing == FALLBACK_BUDGET_SPENT ||
	       missing == FALLBACK_TRACE_TOO_LARGE || missing == FALLBACK_BAD_TRACE;
}

static void stage_tell_fetched(struct drill *drill, const struct incident_sight *sight)
{
	const char *why = sight->missing_text && *sight->missing_text
				  ? sight->missing_text
				  : fallback_code_name(sight->missing);

	if (sight->ntraces)
		drill_add_stage(drill, "fetched", STAGE_GOOD, sight->fetch_us,
				arena_printf(drill->arena, "%zu trace%s from %s", sight->ntraces,
					     sight->ntraces == 1 ? "" : "s",
					     sight->source ? sight->source : "the source"));
	else if (sight->fetch_us < 0)
		drill_add_stage(drill, "fetched", STAGE_NOTED, -1, "no trace was to be looked up");
	else
		drill_add_stage(drill, "fetched",
				missing_is_fault(sight->missing) ? STAGE_BAD : STAGE_NOTED,
				sight->fetch_us, arena_printf(drill->arena, "no trace: %s", why));
}

static void stage_tell_decided(struct drill *drill, const struct decision *d, int64_t took_us)
{
	const struct verdict *verdict = &d->verdict;

	if (verdict->found)
		drill_add_stage(drill, "decided", STAGE_GOOD, took_us,
				arena_printf(drill->arena, "suspect %s, confidence %.2f (%s)",
					     verdict->suspect.service, verdict->confidence,
					     confidence_words(verdict->confidence)));
	else
		drill_add_stage(drill, "decided", STAGE_NOTED, took_us,
				arena_printf(drill->arena,
					     "no suspect (%s): the signal's owner is paged",
					     fallback_code_name(verdict->fallback)));
}

static const char *unpaged_text(const struct drill *drill, const struct decision *d)
{
	if (d->silence && d->silence_id)
		return arena_printf(drill->arena,
				    "silence %.40s (%.200s) keeps it from paging: \"tracepager "
				    "silence end %.40s\" ends it",
				    d->silence_id, d->silence->reason ? d->silence->reason : "",
				    d->silence_id);
	if (d->silence)
		return arena_printf(drill->arena,
				    "the silence of the rules (%s) keeps it from paging",
				    place_of(d->silence->place));
	if (d->routing.no_page)
		return arena_printf(drill->arena, "the route at %s says \"page: none\"",
				    place_of(d->routing.no_page->place));
	return "nobody is paged for an alert that always fires";
}

/* "owns stock" of "team warehouse owns stock (rules.yaml:11)", whose team and place are told
 * already. */
static const char *owner_reason_rest(struct drill *drill, const struct decision *d, const char *why)
{
	const char *prefix = arena_printf(drill->arena, "team %s ", d->team->name);
	const char *suffix = arena_printf(drill->arena, " (%s)", place_of(d->rule));
	const size_t len = strlen(why), end = strlen(suffix);

	if (len > end && strcmp(why + len - end, suffix) == 0)
		why = arena_strndup(drill->arena, why, len - end);
	return strncmp(why, prefix, strlen(prefix)) == 0 ? why + strlen(prefix) : why;
}

static void stage_tell_owner(struct drill *drill, const struct decision *d)
{
	const char *why = d->nowner_reasons ? d->owner_reasons[d->nowner_reasons - 1] : "";

	if (d->no_page) {
		drill_add_stage(drill, "owner", STAGE_BAD, -1, unpaged_text(drill, d));
		return;
	}
	why = owner_reason_rest(drill, d, why);
	drill->team = arena_strdup(drill->arena, d->team->name);
	drill->summary = arena_strdup(drill->arena, d->page.summary);
	drill_add_stage(drill, "owner", STAGE_GOOD, -1,
			arena_printf(drill->arena, "team %s by %s%s%.300s", d->team->name,
				     place_of(d->rule), *why ? ": " : "", why));
}

static void stage_tell_escalation(struct drill *drill, const struct decision *d)
{
	const struct escalation *escalation = decision_escalation(d);
	struct buf text = BUF_INIT(LIMIT_DRILL_TEXT_BYTES);
	size_t n;
	const struct pager *const *pagers = decision_pagers(d, &n);

	if (!n) {
		buf_fini(&text);
		drill_add_stage(drill, "escalation", STAGE_BAD, -1,
				"it leads to no pager: give the team an escalation with pagers");
		return;
	}
	if (escalation) {
		buf_fini(&text);
		drill_add_stage(drill, "escalation", STAGE_GOOD, -1, steps_text(drill, escalation));
		return;
	}
	buf_puts(&text, "a route names the pagers: ");
	for (size_t i = 0; i < n && text.len < LIMIT_DRILL_TEXT_BYTES / 2; i++)
		buf_printf(&text, "%s%s", i ? " + " : "", pagers[i]->name);
	drill_add_stage(drill, "escalation", STAGE_GOOD, -1, stage_keep_text(drill, &text));
}

void drill_tell_decision(struct drill *drill, const struct incident_sight *sight)
{
	const struct decision *d = sight->decision;
	int64_t took_us = clock_mono_us(drill->drills->env.clock) - drill->begun_us;

	stage_tell_located(drill, d);
	stage_tell_fetched(drill, sight);
	stage_tell_decided(drill, d, took_us);
	stage_tell_owner(drill, d);
	if (!d->no_page)
		stage_tell_escalation(drill, d);
}

/* ---- pages ---- */

/* A page of a trigger has two stages, queued and delivered; one of a resolve has one. */
void drill_tell_queued(struct drill *drill, const struct stored_page *page)
{
	const char *pager = arena_strdup(drill->arena, page->pager);
	const bool over = page->event == PAGE_RESOLVE;
	struct drill_stage *stage;

	if (page->event != PAGE_TRIGGER && !over)
		return;
	if (!over) {
		const char *ring = page->n > 1 ? arena_printf(drill->arena, "#%d", page->n) : "";
		stage = drill_add_stage(drill, "queued", STAGE_GOOD, -1,
					arena_printf(drill->arena, "a page to %s, key %s%s", pager,
						     page->incident, ring));
		if (stage)
			stage->pager = pager;
	}
	stage = drill_add_stage(drill, over ? "resolved" : "delivered", STAGE_RUNNING, -1, "");
	if (!stage)
		return;
	stage->pager = pager;
	stage->page = page->id;
	stage->begun_us = clock_mono_us(drill->drills->env.clock);
}

static struct drill_stage *stage_of_page(struct drill *drill, int64_t id)
{
	for (size_t i = 0; i < drill->nstages; i++)
		if (drill->stages[i].page == id)
			return &drill->stages[i];
	return NULL;
}

void drill_tell_page(struct drill *drill, const struct incident_sight *sight)
{
	const struct stored_page *page = sight->page;
	struct drill_stage *stage = stage_of_page(drill, page->id);
	const bool delivered = page->state == STORED_PAGE_DELIVERED;

	if (!stage || stage->outcome != STAGE_RUNNING)
		return;
	stage->status = sight->status;
	if (delivered)
		stage->took_us = sight->took_us;
	if (page->state == STORED_PAGE_QUEUED) {
		stage->text = arena_printf(drill->arena, "try %u failed: %.300s; it is tried again",
					   page->attempts, page->error);
		return;
	}
	stage->outcome = delivered ? STAGE_GOOD : STAGE_BAD;
	stage->text = delivered ? arena_printf(drill->arena, "pager %s took the %s", page->pager,
					       page->event == PAGE_RESOLVE ? "resolve" : "page")
		      : page->state == STORED_PAGE_REJECTED
			      ? arena_printf(drill->arena, "pager %s refused it: %.300s",
					     page->pager, page->error)
			      : arena_printf(drill->arena, "it was not sent: %.300s", page->error);
}
