/* What the files of "tracepager slo" share. For the main thread. */
#ifndef SLO_CMD_INTERNAL_H
#define SLO_CMD_INTERNAL_H

#include "options-internal.h"
#include "table-internal.h"
#include "tracepager/rules.h"
#include "tracepager/slo.h"

/* Where requests come from, and what became of them. */
struct slo_basis_told {
	struct slo_taken taken;
	uint32_t rootless;   /* traces without a span of any signal */
	int64_t unreadable;  /* of them */
	bool has_unreadable; /* a file, or a part of one, could not be read */
};

/* ---- slo_read.c ---- */

/* Reads the files of --healthy, then the store. rules: their signals are looked for; NULL: none are
 * declared. 0; -errno: nothing can be proposed, and an error has been printed. */
int slo_read(const struct slo_options *options, const struct ruleset *rules,
	     struct slo_samples *samples, struct slo_basis_told *ret_told);

/* ---- slo_text.c; pure ---- */

/* For people: what is provided, and the objectives with their reasons. */
void slo_write_text(const struct slo_proposal *proposal, const struct screen *screen,
		    struct buf *out);

#endif
