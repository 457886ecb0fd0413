/* The tree of routes of an Alertmanager: see am_tree.c. */
#ifndef AM_TREE_INTERNAL_H
#define AM_TREE_INTERNAL_H

#include "export-internal.h"

/* Adds the receiver and the children of the root, and makes the receivers that they name.
 * used_times: one for each time interval of the rules. */
void am_write_tree(struct exported *exported, struct am_receivers *receivers, bool *used_times,
		   struct buf *out);

#endif
