/* What the files of rules/check share. */
#ifndef TRACEPAGER_CHECK_INTERNAL_H
#define TRACEPAGER_CHECK_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tracepager/arena.h"
#include "tracepager/findings.h"
#include "tracepager/glob.h"
#include "tracepager/limits.h"
#include "tracepager/matchers.h"
#include "tracepager/rules_check.h"
#include "tracepager/ruleset.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

/* A warning at a node of an entry's file. */
#define CHECK_WARNING(check, source, node, code, hint, ...)                                        \
	ydoc_finding((source)->doc, node, FINDING_WARNING, code, (check)->findings, hint,          \
		     __VA_ARGS__)

/* ---- imply.c: what conditions say about each other; true only where it is certain ---- */

/* Does it hold for every alert? */
bool matcher_always(const struct rule_matcher *matcher);
/* Can no alert meet both? False where they are about different labels. */
bool matchers_contradict(struct arena *arena, const struct rule_matcher *a,
			 const struct rule_matcher *b);
/* Are both about the same label, and does `a` hold wherever `b` holds? */
bool matcher_covers(struct arena *arena, const struct rule_matcher *a,
		    const struct rule_matcher *b);

/* ---- check_matchers.c ---- */

/* The value of a member of the entry; its key where it has no such member. */
const struct ynode *check_node(const struct rule_source *source, const char *name);
/* Warns of matchers that no alert can meet (true) and of one that every alert meets. */
bool check_matchers(const struct rules_check *check, const struct rule_source *source,
		    const struct ynode *node, const struct rule_matchers *matchers);

/* ---- one file each ---- */

void check_pagers(const struct rules_check *check);
void check_escalations(const struct rules_check *check);
void check_routes(const struct rules_check *check);
void check_services(const struct rules_check *check);

#endif
