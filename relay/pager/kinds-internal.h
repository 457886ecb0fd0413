/*
 * What the pager kinds share. Pure.
 */
#ifndef TRACEPAGER_KINDS_INTERNAL_H
#define TRACEPAGER_KINDS_INTERNAL_H

#include <stddef.h>

#include "tracepager/buf.h"
#include "tracepager/pager_kind.h"

/* An HTTP POST of a JSON body with this room's limits. */
void delivery_post(struct arena *arena, const struct page_target *target, const struct buf *body,
		   struct http_request *ret_request);
/* The decision as it may stand in a JSON body: the object, or NULL where there is none. */
const char *page_decision(const struct page *page);

#endif
