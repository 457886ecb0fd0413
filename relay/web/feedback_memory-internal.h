/*
 * Feedback memory: what web remembers of what pagers told back. Of each pager: the last events that
 * acted, since pagers send an event again when an answer is late, and a comment must not appear
 * twice; and which of the pager's own incidents are which of ours, since some events name the
 * pager's alone. It ends with the process: an event that is sent again after a restart acts again,
 * which adds a comment at worst. Loop thread only.
 */
#ifndef TRACEPAGER_FEEDBACK_MEMORY_INTERNAL_H
#define TRACEPAGER_FEEDBACK_MEMORY_INTERNAL_H

#include <stdbool.h>

struct feedback_memory;

struct feedback_memory *feedback_memory_new(void);
void feedback_memory_free(struct feedback_memory *memory); /* takes NULL */

enum feedback_seen {
	FEEDBACK_NEW,	  /* act, and call feedback_memory_end() */
	FEEDBACK_PENDING, /* it acted, and the store does not have it yet */
	FEEDBACK_DONE,
};
/* Was this event of the pager there before? "" is always new, and never remembered. */
enum feedback_seen feedback_memory_begin(struct feedback_memory *memory, const char *pager,
					 const char *event);
/* Its acts are on disk; else the event counts again when the pager sends it again. */
void feedback_memory_end(struct feedback_memory *memory, const char *pager, const char *event,
			 bool durable);

/* The pager's incident `theirs` is our incident `ours`. */
void feedback_memory_learn(struct feedback_memory *memory, const char *pager, const char *theirs,
			   const char *ours);
/* Our incident; "": not known. Borrowed until the next call that learns. */
const char *feedback_memory_incident(const struct feedback_memory *memory, const char *pager,
				     const char *theirs);

#endif
