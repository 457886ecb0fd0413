/*
 * What shadow.c (decide and keep differences) and shadow_compare.c (compare two decisions) share.
 */
#ifndef TRACEPAGER_SHADOW_INTERNAL_H
#define TRACEPAGER_SHADOW_INTERNAL_H

#include "tracepager/shadow.h"

/* The ways in which two decisions can differ. */
enum shadow_what {
	SHADOW_PAGE, /* is anybody paged? If that differs, nothing else is compared */
	SHADOW_TEAM,
	SHADOW_SEVERITY,
	SHADOW_PAGERS,
	SHADOW_SUSPECT,
	SHADOW_RULE, /* the rule that gave the owner, by name: its line moves with every edit */
	SHADOW_WHAT_COUNT
};
const char *shadow_what_name(enum shadow_what what);

/* What is compared of a decision. Owns its texts. */
struct shadow_outcome {
	char *values[SHADOW_WHAT_COUNT];
	char *places[SHADOW_WHAT_COUNT]; /* of the rule that gave the value: "routes.yaml:14" */
	bool pages;			 /* anybody is paged */
	char hash[65];			 /* of the rules */
};
/* Pure; any thread. */
void shadow_outcome_of(const struct decision *decision, struct shadow_outcome *ret_outcome);
void shadow_outcome_fini(struct shadow_outcome *outcome);
bool shadow_differs(const struct shadow_outcome *live, const struct shadow_outcome *shadow,
		    enum shadow_what what);

#endif
