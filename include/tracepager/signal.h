/*
 * Signal: the operation that an alert is about, as a selector of spans. A field that is NULL or ""
 * matches every span. Plain data: texts are borrowed. walk_mode_name() is pure.
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
	const char *service;   /* a glob; literal where from is "label" or "expression" */
	const char *namespace; /* the same */
	const char *operation;
	/* The callee of the calls that the alert is about: a name, compared without case; NULL:
	 * the alert is not about calls. It narrows the walk only: searches and healthy traces are
	 * of the whole signal. */
	const char *callee;
	struct labels attrs; /* span or resource attributes that must match, the same */
	/* "label", "expression" (a part of it comes from there), "rule", "trace root", "option". */
	const char *from;
	enum walk_mode mode;
	unsigned int traces; /* how many to walk; 0: the default of 10 */
};

const char *walk_mode_name(enum walk_mode mode);

#endif
