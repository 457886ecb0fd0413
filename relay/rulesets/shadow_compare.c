/*
 * Shadow compare: what is compared of a decision, as texts, and which of them differ. Pure; owns
 * nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "shadow-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

const char *shadow_what_name(enum shadow_what what)
{
	static const char *const names[SHADOW_WHAT_COUNT] = {
		[SHADOW_PAGE] = "page",		[SHADOW_TEAM] = "team",
		[SHADOW_SEVERITY] = "severity", [SHADOW_PAGERS] = "pagers",
		[SHADOW_SUSPECT] = "suspect",	[SHADOW_RULE] = "rule",
	};

	return names[what];
}

/* The pagers' names, cut at LIMIT_SHADOW_TEXT_BYTES. */
static char *shadow_pagers(const struct decision *decision)
{
	struct buf text = BUF_INIT(LIMIT_SHADOW_TEXT_BYTES);
	size_t n;
	const struct pager *const *pagers = decision_pagers(decision, &n);

	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", pagers[i]->name);
	for (size_t i = 0; i < decision->routing.nalso_notify; i++)
		buf_printf(&text, "%s%s", text.len ? ", " : "",
			   decision->routing.also_notify[i]->name);
	return buf_take(&text);
}

static char *shadow_suspect(const struct decision *decision)
{
	const struct suspect *suspect = &decision->verdict.suspect;

	if (!decision->verdict.found)
		return xstrdup("");
	if (!suspect->namespace || !*suspect->namespace)
		return xasprintf("%.*s", (int)LIMIT_SHADOW_TEXT_BYTES, suspect->service);
	return xasprintf("%.*s/%.*s", (int)LIMIT_SHADOW_TEXT_BYTES, suspect->namespace,
			 (int)LIMIT_SHADOW_TEXT_BYTES, suspect->service);
}

static char *shadow_rule(const struct decision *decision)
{
	const struct signal_rule *signal = decision->signal_rule;

	if (decision->routing.team)
		return xasprintf("a route to %s", decision->routing.team->name);
	if (!decision->verdict.found && signal && signal->owner)
		return xasprintf("signal %s", signal->name);
	if (decision->service)
		return xasprintf("service %s", decision->service->name);
	return xstrdup("fallback");
}

/* The rule that last could change page, severity and pagers: silence, last route, owner's rule. */
static const char *route_place(const struct decision *decision)
{
	size_t n = decision->routing.nmatched;

	if (decision->silence)
		return decision->silence->place;
	return n ? decision->routing.matched[n - 1]->place : decision->rule;
}

void shadow_outcome_of(const struct decision *decision, struct shadow_outcome *ret_outcome)
{
	const char *routed = route_place(decision);
	const char *const places[SHADOW_WHAT_COUNT] = {
		[SHADOW_PAGE] = routed,
		[SHADOW_TEAM] = decision->rule,
		[SHADOW_SEVERITY] = routed,
		[SHADOW_PAGERS] = routed,
		[SHADOW_SUSPECT] = decision->rule,
		[SHADOW_RULE] = decision->rule,
	};

	*ret_outcome = (struct shadow_outcome){
		.values = {
			[SHADOW_PAGE] = xstrdup(decision->no_page ? "no" : "yes"),
			[SHADOW_TEAM] = xstrdup(decision->team->name),
			[SHADOW_SEVERITY] = xstrdup(severity_name(decision->page.severity)),
			[SHADOW_PAGERS] = shadow_pagers(decision),
			[SHADOW_SUSPECT] = shadow_suspect(decision),
			[SHADOW_RULE] = shadow_rule(decision),
		},
		.pages = !decision->no_page,
	};
	for (int i = 0; i < SHADOW_WHAT_COUNT; i++)
		ret_outcome->places[i] = xstrdup(places[i]);
	memcpy(ret_outcome->hash, decision->rules_hash, sizeof(ret_outcome->hash));
}

void shadow_outcome_fini(struct shadow_outcome *outcome)
{
	for (int i = 0; i < SHADOW_WHAT_COUNT; i++) {
		free(outcome->values[i]);
		free(outcome->places[i]);
	}
}

bool shadow_differs(const struct shadow_outcome *live, const struct shadow_outcome *shadow,
		    enum shadow_what what)
{
	/* The rest counts only if both decisions page somebody. */
	if (what != SHADOW_PAGE && !(live->pages && shadow->pages))
		return false;
	return strcmp(live->values[what], shadow->values[what]) != 0;
}
