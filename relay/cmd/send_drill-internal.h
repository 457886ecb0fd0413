/* tracepager send --drill and --all. For the main thread. */
#ifndef SEND_DRILL_INTERNAL_H
#define SEND_DRILL_INTERNAL_H

#include "options-internal.h"

/* Starts the drills at a running relay and shows their stages. The exit status. */
int send_drills(const struct send_options *options);

#endif
