/*
 * Tap: an event of GET /api/v1/tap as one line for a person. Pure.
 */
#ifndef TAP_INTERNAL_H
#define TAP_INTERNAL_H

#include <jansson.h>

#include "table-internal.h"
#include "tracepager/buf.h"

/* Adds "18:42:03.584  page      delivered    NodeDown  instance=a:1 team=sre …" and a line end; on
 * a screen (columns not 0) no wider than that. All texts are made plain. */
void tap_write_line(const json_t *event, const struct screen *screen, struct buf *out);

#endif
