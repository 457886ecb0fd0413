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
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/matchers.h"
#include "tracepager/rules_check.h"
#include "tracepager/ruleset.h"
#include "tracepager/seen_words.h"
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

/* ---- slips.c: what a text says beside what was surely meant ---- */

/* Texts are kept by the arena. */
struct check_slip {
	const char *text, *hint;
};
/* What can stand there instead of one glob. */
struct glob_place {
	const char *matchers; /* the member that takes matchers: "labels"; NULL: none does */
	bool lists;
};
/* Is a glob on the label or attribute `name` none in truth? */
bool glob_slip(struct arena *arena, const struct glob_place *place, const char *name,
	       const char *glob, struct check_slip *slip);
/* Has a text behind = or != a star that was meant as one? */
bool equal_slip(struct arena *arena, const struct rule_matcher *matcher, struct check_slip *slip);
/* Is a regular expression none in truth, or anchored where its author did not think of that? */
bool regex_slip(struct arena *arena, const struct rule_matcher *matcher, struct check_slip *slip);

/* ---- secret_slip.c ---- */

/* Why what stands for a secret cannot be one: a sentence without its subject; NULL: it may be one.
 * member: "token", "password". Nothing of the text is repeated. */
const char *secret_slip(const char *member, const char *text);

/* ---- check_matchers.c ---- */

/* The value of a member of the entry; its key where it has no such member. */
const struct ynode *check_node(const struct rule_source *source, const char *name);
/* Warns of matchers that no alert can meet (true) and of one that every alert meets. */
bool check_matchers(const struct rules_check *check, const struct rule_source *source,
		    const struct ynode *node, const struct rule_matchers *matchers);

/* ---- check_conditions.c: the texts of conditions ---- */

/* Of matchers in either form, the value of `member`; node NULL: there are none. */
void check_matcher_texts(const struct rules_check *check, const struct rule_source *source,
			 const char *member, const struct ynode *node,
			 const struct rule_matchers *matchers);
/* Globs of a span, or of its attributes. */
void check_span_texts(const struct rules_check *check, const struct rule_source *source,
		      const struct ynode *span);
/* The match of a service. */
void check_match(const struct rules_check *check, const struct rule_source *source);
void check_route_texts(const struct rules_check *check, size_t number);
/* Is it a member of `when` itself, and no label? */
bool check_is_when_member(const char *name);
/* Criticalities of services for which no route asks, and nearly one does. */
void check_criticalities(const struct rules_check *check);

/* ---- check_names.c ---- */

void check_service_names(const struct rules_check *check);
void check_hidden_signals(const struct rules_check *check);

/* ---- check_senders.c ---- */

/* Conditions on senders that the options do not have; nothing where findings->nsenders is 0. */
void check_senders(const struct rules_check *check);

/* ---- one file each ---- */

void check_addresses(const struct rules_check *check);
void check_pagers(const struct rules_check *check);
void check_escalations(const struct rules_check *check);
void check_routes(const struct rules_check *check);
void check_services(const struct rules_check *check);

#endif
