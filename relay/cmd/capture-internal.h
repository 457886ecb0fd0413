/*
 * What the files of "tracepager capture" share: what people said of an incident that was handed on,
 * for a test that is a draft. For the main thread.
 */
#ifndef CAPTURE_INTERNAL_H
#define CAPTURE_INTERNAL_H

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/err.h"
#include "tracepager/history.h"

/* An incident of which a team said "not ours". */
struct capture_draft {
	const char *team; /* that has had it since; NULL: nobody handed it on. The arena's */
	struct buf said;  /* a line of YAML comment for each team that handed it on */
};
/* Reads the story of an incident. Call capture_draft_fini() also after an error. 0 or -errno with
 * err. */
int capture_draft_read(struct history *history, const char *incident, struct arena *arena,
		       struct capture_draft *ret_draft, struct err *err);
void capture_draft_fini(struct capture_draft *draft);

/* The ids of incidents that were opened since then and handed on, in the order in which the first
 * team handed each on. The arena's; caller frees *ret_ids. 0 or -errno with err. */
int capture_rerouted(struct history *history, int64_t since_us, struct arena *arena,
		     const char ***ret_ids, size_t *ret_n, struct err *err);

#endif
