/*
 * What the files of "tracepager demo" share: an invented shop, its faults, the traces and alerts
 * that these make, and the words on the screen. Owns nothing. For the main thread.
 */
#ifndef TRACEPAGER_DEMO_INTERNAL_H
#define TRACEPAGER_DEMO_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options-internal.h"
#include "tracepager/buf.h"
#include "tracepager/config.h"
#include "tracepager/http.h"
#include "tracepager/timers.h"

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

/* The faults that are shown one by one, and the one whose page nobody answers. */
extern const struct demo_fault demo_faults[];
extern const size_t demo_nfaults;
extern const struct demo_fault demo_unanswered;
extern const char demo_rules[];
/* Whom Alertmanager pages: of the faults the owner of the operation that their alerts name. */
#define DEMO_TEAM_LABEL "team"

/* The fault's trace as Jaeger API JSON; its first span starts at start_us. */
void demo_write_trace(const struct demo_fault *fault, int64_t start_us, struct buf *out);
/* The fault's alert as an Alertmanager webhook's body; status is firing or resolved. */
void demo_write_alert(const struct demo_fault *fault, const char *status, int64_t starts_us,
		      struct buf *out);

/* Alerts of that many hosts that are down at once, as one webhook's body. */
#define DEMO_STORM_ALERTS 50
void demo_write_storm(int64_t starts_us, struct buf *out);

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

/* ---- the show ---- */

/* What is shown, in this order. Each ends when a page that it makes was on the screen for a pause,
 * DEMO_QUIET after a second. */
enum demo_scene {
	DEMO_FAULTS,
	DEMO_RESOLVE,
	DEMO_UNANSWERED,
	DEMO_ESCALATE,
	DEMO_ACKNOWLEDGE,
	DEMO_STORM,
	DEMO_QUIET,
};

struct demo {
	char directory[64];
	struct buf config_text;
	struct config *config;
	struct relay *relay;
	struct timer poll;
	enum demo_scene scene;
	size_t fault;	      /* the one that is shown */
	int64_t pages_before; /* pages delivered before the scene's request was sent */
	int64_t sent_us, starts_us;
	int64_t pause_us; /* from a page to the next alert */
	int64_t page_us;  /* when the scene's page was first seen; 0: not yet */
	int port;
	struct demo_screen screen;
	bool accepted; /* the relay has what was sent on disk */
	int status;
};

/* ---- demo_talk.c: requests to the relay ---- */

/* Says what went wrong, and ends the show. */
void demo_give_up(struct demo *demo, const char *what);
/* A scene begins: its pages count from here. */
void demo_begin_scene(struct demo *demo, enum demo_scene scene);
/* One that goes on by itself: its pages count from where those of the scene before did. On a slow
 * disk they may be there already. */
void demo_go_on(struct demo *demo, enum demo_scene scene);
/* Sends a webhook's body; the answer is shown, and sets `accepted`. */
void demo_send_alerts(struct demo *demo, const struct buf *body);
/* Sends a request of the API, as a person's program does. body NULL: a GET. */
void demo_ask_api(struct demo *demo, const char *path, const char *body,
		  void (*done)(void *arg, const struct http_reply *reply));

/* ---- demo_acts.c: until somebody has it ---- */

void demo_show_unanswered(struct demo *demo);
void demo_show_escalation(struct demo *demo);
void demo_show_acknowledgement(struct demo *demo);
void demo_show_storm(struct demo *demo);
void demo_show_quiet(struct demo *demo);
/* One page for all alerts of the storm? Says so; else gives up. */
void demo_end_storm(struct demo *demo);

#endif
