/*
 * Secret slips: texts that stand where a secret belongs, and were never made one. Pure: any thread
 * may call.
 */
#ifndef TRACEPAGER_SECRET_SLIP_H
#define TRACEPAGER_SECRET_SLIP_H

#include <stdbool.h>

/* Is it what a template or a manual shows in the place of a secret, as CHANGE-ME, your-token-here
 * or xxxx? Only where the text is certainly no secret of somebody's own. */
bool secret_is_placeholder(const char *text);

#endif
