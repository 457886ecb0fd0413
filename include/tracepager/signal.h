/*
 * Signal: the operation that an alert is about, as a span selector. Any field NULL or "" matches
 * everything.
 */
#ifndef TRACEPAGER_SIGNAL_H
#define TRACEPAGER_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "tracepager/alert.h"

enum walk_mode {
	WALK_ERRORS,
	WALK_LATENCY,
	WALK_AUTO,
};

struct signal {
	const char *name;      /* the rule's, or NULL */
	const char *service;   /* glob where a rule says so, else as the label has it */
	const char *namespace; /* "" or NULL: any */
	const char *operation;
	struct labels attrs; /* span attributes that must match (globs) */
	const char *from;    /* "label", "rule", "trace root", "option" */
	enum walk_mode mode;
	unsigned int traces; /* how many to look at; 0: the default of 10 */
};

const char *walk_mode_name(enum walk_mode mode);

#endif
