/*
 * The caps of fire drills and of the relay's check of itself, each with its reason: a section of
 * limits.h, which includes it.
 */
#ifndef TRACEPAGER_LIMITS_DRILL_H
#define TRACEPAGER_LIMITS_DRILL_H

/* An alert that this program made is forgotten so long after its end: nobody repeats it. */
#define LIMIT_SYNTHETIC_MEMORY_US US_PER_SECOND
/* Drills under way: each pages a team, and nobody watches more. */
#define LIMIT_DRILLS_RUNNING 8u
/* Drills that can be looked at: those of a rule set's signals, one after the other. */
#define LIMIT_DRILLS_KEPT 256u
/* Stages of one: seven, and three for each of its pagers. */
#define LIMIT_DRILL_STAGES 128u
/* Sentences of one stage: a refusal of a pager, or the steps of an escalation. */
#define LIMIT_DRILL_TEXT_BYTES 1024u
/* Until every pager has answered: the enrichment's budget of 5 s and what a slow pager takes. */
#define LIMIT_DRILL_US (60 * US_PER_SECOND)
/* Then until all that got the page know that it is over. */
#define LIMIT_DRILL_RESOLVE_US (30 * US_PER_SECOND)
/* Without a resolve the alert ends by itself: nobody forgets a drill for longer. */
#define LIMIT_DRILL_OPEN_US US_PER_HOUR
/* What happened is looked at again after so long: a pager that refuses leads to another one. */
#define LIMIT_DRILL_LOOK_US (50 * US_PER_MS)
/* Labels that a person gives. */
#define LIMIT_DRILL_LABELS 32u
/* The arena of one: labels, its alert, a body. */
#define LIMIT_DRILL_ARENA_BYTES (1u << 20)
/* The JSON of all of them. */
#define LIMIT_DRILLS_JSON_BYTES (4u << 20)

/* The relay checks itself no more often: each check is a commit. */
#define LIMIT_SELF_CHECK_LEAST_US US_PER_SECOND
/* The request to the dead-man's URL: the next one comes soon. */
#define LIMIT_SELF_CHECK_SEND_US     (8 * US_PER_SECOND)
#define LIMIT_SELF_CHECK_REPLY_BYTES (64u << 10)

#endif
