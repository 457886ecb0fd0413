/*
 * Feedback memory: what the relay remembers of what pagers told back. Of each pager: the last
 * events that acted, since pagers send an event again when an answer is late, and a comment must
 * not appear twice; and which of the pager's own incidents are which of ours, since some events
 * name the pager's alone. Both are kept over a restart. Loop thread only.
 */
#ifndef TRACEPAGER_FEEDBACK_MEMORY_H
#define TRACEPAGER_FEEDBACK_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct feedback_memory;

struct feedback_memory_env {
	/* Keeps a text over a restart, by a name. NULL: nothing is kept. */
	void (*keep)(void *ctx, const char *name, const char *value);
	void *ctx;
};

struct feedback_memory *feedback_memory_new(const struct feedback_memory_env *env); /* copied */
void feedback_memory_free(struct feedback_memory *memory);			    /* takes NULL */
/* A text that keep() got before the restart; those of other names are left alone. */
void feedback_memory_kept(struct feedback_memory *memory, const char *name, const char *value);

enum feedback_seen {
	FEEDBACK_NEW,	  /* act, and call feedback_memory_end() */
	FEEDBACK_PENDING, /* it acted, and the store does not have it yet */
	FEEDBACK_DONE,
	FEEDBACK_FORGOTTEN, /* it may have acted: events as late as it are forgotten */
};
/* Was this event of the pager there before? "" is always new, and never remembered. at_us: when it
 * happened or was signed, as the signature covers it. */
enum feedback_seen feedback_memory_begin(struct feedback_memory *memory, const char *pager,
					 const char *event, int64_t at_us);
/* Has another pager told this event? same(): could its request have been replayed here? */
bool feedback_memory_elsewhere(struct feedback_memory *memory, const char *pager, const char *event,
			       bool (*same)(void *ctx, const char *other), void *ctx);
/* Its last act was done in this turn: keeps the event beside what the acts wrote. */
void feedback_memory_keep(struct feedback_memory *memory, const char *pager, const char *event);
/* Its acts are on disk; else the event counts again when the pager sends it again. */
void feedback_memory_end(struct feedback_memory *memory, const char *pager, const char *event,
			 bool durable);

/* The pager's incident `theirs` is page n of our incident `ours`; n 0: unknown. */
void feedback_memory_learn(struct feedback_memory *memory, const char *pager, const char *theirs,
			   const char *ours, int n);
/* Our incident, and which page of it; "" and 0: not known. Borrowed until the next call that
 * learns. */
const char *feedback_memory_incident(const struct feedback_memory *memory, const char *pager,
				     const char *theirs, int *ret_n);

#endif
