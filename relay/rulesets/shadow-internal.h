/*
 * What shadow.c (deciding along, keeping) and shadow_compare.c (what differs) share.
 */
#ifndef TRACEPAGER_SHADOW_INTERNAL_H
#define TRACEPAGER_SHADOW_INTERNAL_H

#include "tracepager/shadow.h"

/* In which ways two decisions can differ. */
enum shadow_what {
	SHADOW_PAGE, /* is somebody paged at all; where that differs, nothing else is told */
	SHADOW_TEAM,
	SHADOW_SEVERITY,
	SHADOW_PAGERS,
	SHADOW_SUSPECT,
	SHADOW_RULE, /* the entry that gave the owner, by name: its line moves with every edit */
	SHADOW_WHAT_COUNT
};
const char *shadow_what_name(enum shadow_what what);

/* What a decision comes to. */
struct shadow_outcome {
	char *values[SHADOW_WHAT_COUNT];
	char *places[SHADOW_WHAT_COUNT]; /* of the rules that made it so: "routes.yaml:14" */
	bool pages;
	char hash[65];
};
/* Texts are the outcome's own. */
void shadow_outcome_of(const struct decision *decision, struct shadow_outcome *ret_outcome);
void shadow_outcome_fini(struct shadow_outcome *outcome);
bool shadow_differs(const struct shadow_outcome *live, const struct shadow_outcome *shadow,
		    enum shadow_what what);

#endif
