/*
 * Warnings about a rule set that loads: what is legal and surely wrong, such as a route that an
 * earlier one hides. Compares the entries with each other and with the day; changes nothing, owns
 * nothing. A warning is given only where it is certain; what cannot be compared gives none. Pure:
 * any thread may call.
 */
#ifndef TRACEPAGER_RULES_CHECK_H
#define TRACEPAGER_RULES_CHECK_H

#include <stdbool.h>

#include "tracepager/arena.h"
#include "tracepager/findings.h"
#include "tracepager/ruleset.h"
#include "tracepager/ydoc.h"

/* Where an entry of the rule set stands in its file. */
struct rule_source {
	const struct ydoc *doc;
	const struct ynode *key, *node; /* of a list's item both are the item */
	bool used;			/* some other entry names it */
	const char *beside; /* a member of it that stands beside it, not below; NULL: none */
};

/* All borrowed. Source i of a list is that of entry i of the set. */
struct rules_check {
	const struct ruleset *set; /* with its services ordered */
	const struct rule_source *teams, *pagers, *escalations, *services, *signals, *times,
		*silences, *routes;
	/* Of each step of escalation i: the number of the step of the file that it comes from. */
	const size_t *const *step_origins;
	bool partial;		   /* some rules could not be read: others seem to be unused */
	struct findings *findings; /* now_us tells the day */
	struct arena *scratch;	   /* keeps what is compared; may be freed afterwards */
};

/* Is it what people write for the label alertname: alertName, alert? */
bool is_alertname_slip(const char *label);
/* Adds the warnings W021 to W029, W031, and from W039 on. */
void rules_check_entries(const struct rules_check *check);
/* The part of it that needs the past (W054); nothing where findings->words is NULL. */
void rules_check_seen(const struct rules_check *check);
/* Adds the warnings about entries that nothing uses (W001, W002, W020, W030). Only for a set
 * without errors: a name that is misspelt where it is used would make its entry look unused. */
void rules_check_unused(const struct rules_check *check);

#endif
