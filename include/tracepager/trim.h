/*
 * Trim: gives memory back that malloc() keeps free, which after a storm is most of what the storm
 * took. It looks once in LIMIT_TRIM_US, and works in the pool. Owns one timer. Loop thread only.
 */
#ifndef TRACEPAGER_TRIM_H
#define TRACEPAGER_TRIM_H

#include "tracepager/clock.h"
#include "tracepager/pool.h"
#include "tracepager/timers.h"

struct trim;

struct trim *trim_new(struct pool *pool, struct timers *timers, const struct clock *clock);
/* The pool is idle, and takes no jobs any more. Takes NULL. */
void trim_free(struct trim *trim);

#endif
