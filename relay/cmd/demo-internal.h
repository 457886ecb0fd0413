/*
 * What the files of "tracepager demo" share: an invented shop, its faults, the traces and alerts
 * that these make, and the words on the screen. Owns nothing. For the main thread.
 */
#ifndef TRACEPAGER_DEMO_INTERNAL_H
#define TRACEPAGER_DEMO_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/buf.h"

struct demo_span {
	const char *id, *parent; /* parent NULL: the root */
	const char *service, *operation, *kind;
	int start_ms, duration_ms; /* from the trace's start */
	const char *error;	   /* NULL: the span did not fail; "": it failed without a text */
	const char *tags;	   /* "key=value key=value"; NULL: none */
};

struct demo_fault {
	const char *name, *story;		  /* printed by the demo */
	const char *alertname, *labels, *summary; /* labels: "key=value key=value" */
	const char *trace_id;			  /* one trace for each fault */
	const struct demo_span *spans;
	size_t nspans;
};

extern const struct demo_fault demo_faults[];
extern const size_t demo_nfaults;
extern const char demo_rules[];
/* Whom a router by labels pages: the owner of the operation that all the alerts name. */
extern const char demo_label_team[];

/* The fault's trace as Jaeger API JSON; its first span starts at start_us. */
void demo_write_trace(const struct demo_fault *fault, int64_t start_us, struct buf *out);
/* The fault's alert as an Alertmanager webhook's body; status is firing or resolved. */
void demo_write_alert(const struct demo_fault *fault, const char *status, int64_t starts_us,
		      struct buf *out);

/* ---- demo_end.c: standard output ---- */

struct demo_screen {
	bool colour;
	unsigned long columns;
};

enum demo_style {
	DEMO_PLAIN,
	DEMO_TITLE,
	DEMO_NOTE,
	DEMO_GOOD,
	DEMO_BAD,
};

/* Prints the text and a line end, wrapped to the screen's width; each line begins with indent. */
void demo_say(const struct demo_screen *screen, enum demo_style style, const char *indent,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The table of teams, by the decisions in the store of a relay that has ended. 0, or 1 with a
 * message on standard error. */
int demo_print_teams(const struct demo_screen *screen, const char *store);

#endif
