/*
 * Refusals: the lines of the log about requests that show no right to send. Whoever reaches the
 * port can make any number of them, so that each reason has one line at once, and then one a minute
 * that counts. It owns what it will say. Loop thread only.
 */
#ifndef TRACEPAGER_INTAKE_REFUSALS_INTERNAL_H
#define TRACEPAGER_INTAKE_REFUSALS_INTERNAL_H

#include "tracepager/intake.h"

struct refusals;

/* Timers and clock are borrowed, and so is what ops point to; ops: for request_refused(). */
struct refusals *refusals_new(struct timers *timers, const struct clock *clock,
			      const struct intake_ops *ops);
void refusals_free(struct refusals *refusals); /* takes NULL; what was not yet said is dropped */
/* The request is about to be refused. detail: the sender's name or the header's value. */
void refusals_count(struct refusals *refusals, enum intake_refusal reason,
		    const struct http_exchange *exchange, const char *detail);

#endif
