/*
 * HTML pages: the pages that a person opens, one function each: what is known in, HTML out. web
 * gathers what they show and sends them; they refuse to look anything up.
 *
 * Pure; any thread. What a page is given is borrowed.
 */
#ifndef TRACEPAGER_HTML_PAGES_H
#define TRACEPAGER_HTML_PAGES_H

#include <stdbool.h>

#include "tracepager/html.h"
#include "tracepager/incident.h"
#include "tracepager/page.h"
#include "tracepager/past_map.h"

/* resolved, moved or closed: no deadline is left. */
bool html_incident_is_over(const struct incident_view *view);

/* ---- what all pages but those behind links have: html_frame.c ---- */

enum html_tab {
#define HTML_TAB(id, path, text, title) HTML_TAB_##id,
#include "tracepager/tbl/tabs.def"
#undef HTML_TAB
	HTML_TAB_COUNT,
	HTML_TAB_NONE = HTML_TAB_COUNT, /* a page that no tab leads to */
};

struct html_frame {
	const char *title;
	enum html_tab tab;
	const char *who;       /* the reader: a token's name; "": nobody has signed in */
	bool may_act;	       /* the reader may act, else only read */
	bool has_session;      /* the reader can sign out */
	const char *mark;      /* of the form that signs out */
	const char *notice;    /* what was done, or why not; NULL or "": nothing */
	bool refused;	       /* the notice says why not */
	bool live;	       /* a script keeps what has the id "live" up to date */
	uint64_t changes;      /* where live: incidents_changes() that the page shows, or fewer */
	size_t unreached;      /* incidents that nobody has been told of */
	const char *not_ready; /* why the relay takes no alerts; NULL: it does */
	int64_t now_us;	       /* wall */
};

void html_frame_begin(struct html *html, const struct html_frame *frame);
void html_frame_end(struct html *html, const struct html_frame *frame);

/* A form that asks for an API token. next: the path to go on with. why: of a refusal; "" none. */
void html_login_write(struct html *html, const struct html_frame *frame, const char *next);
/* A title and a sentence. */
void html_message_write(struct html *html, const struct html_frame *frame, const char *text);

/* A style sheet or a script by its name ("tracepager.css"); NULL: there is none. */
struct html_static {
	const char *name, *type, *text;
};
const struct html_static *html_static_find(const char *name);

/* ---- the list of open incidents: html_incidents.c ---- */

struct html_incident_row {
	const char *id, *team, *state, *summary, *environment, *acked_by, *silenced, *next;
	enum severity severity;
	int64_t since_us, due_us, closed_us;
	size_t nalerts, nfiring;
	bool unreached;
};

struct html_incident_list {
	const struct html_incident_row *rows; /* in the order in which they are shown */
	size_t nrows;
	size_t nopen;				    /* all that are open, whatever is filtered */
	size_t nfound;				    /* those that the filters leave */
	const char *team, *severity, *state, *sort; /* the filters; "": none */
	const char *const *teams;		    /* of open incidents, for the filter */
	size_t nteams;
};

void html_incidents_write(struct html *html, const struct html_frame *frame,
			  const struct html_incident_list *list);

/* ---- what is over: html_past.c ---- */

struct html_past_list {
	const struct html_incident_row *rows; /* the one that ended last first */
	size_t nrows;
	const char *team, *severity, *text; /* the filters; "": none */
	const char *cursor;		    /* where older ones go on; "": there are none */
	bool drills;			    /* those of fire drills, too */
	bool looked_short; /* so many did not fit the filters that the rest was not looked at */
};

void html_past_write(struct html *html, const struct html_frame *frame,
		     const struct html_past_list *list);

/* ---- what waits for pagers: html_queue.c ---- */

struct html_pager_row {
	const char *name, *kind;
	const char *paused_by; /* "ann since …"; NULL: it is not paused */
	bool failing;
	size_t waiting;
	int64_t oldest_us; /* 0: none waits */
};

struct html_queue_row {
	int64_t id;
	const char *incident, *pager, *event, *state, *error; /* error "": none */
	enum severity severity;
	unsigned int attempts;
	int64_t created_us, next_us; /* next 0: its turn is not known */
};

struct html_queue {
	const struct html_pager_row *pagers;
	size_t npagers;
	const struct html_queue_row *pages; /* the oldest first */
	size_t npages, nwaiting;	    /* shown, and all */
	const char *mark;
};

void html_queue_write(struct html *html, const struct html_frame *frame,
		      const struct html_queue *queue);

/* ---- silences: html_silences.c ---- */

struct html_silence_row {
	const char *id;	   /* "": one of the rules */
	const char *scope; /* what it silences */
	const char *state, *author, *reason, *place;
	int64_t starts_us, ends_us; /* 0: since ever, without end */
};

/* What stands in the form that makes one. */
struct html_silence_form {
	const char *matchers, *suspect, *team, *duration, *reason;
};

struct html_silences {
	const struct html_silence_row *rows;
	size_t nrows;
	bool more;
	struct html_silence_form form;
	const char *mark;
};

void html_silences_write(struct html *html, const struct html_frame *frame,
			 const struct html_silences *silences);

/* ---- bodies that could not be read: html_rejected.c ---- */

struct html_rejected_row {
	int64_t at_us, byte; /* byte -1: the reason names no place */
	const char *sender, *peer, *reason;
	const char *body; /* its beginning, plain text */
	size_t len;	  /* of the whole body */
};

void html_rejected_write(struct html *html, const struct html_frame *frame,
			 const struct html_rejected_row *rows, size_t n);

/* ---- a trace: html_waterfall.c ---- */

struct html_span_fact {
	const char *name, *value;
};

struct html_span {
	const char *id, *service, *operation, *kind;
	const char *error; /* the error's words; NULL: none */
	int64_t after_us;  /* from the first span that is shown to its start */
	int64_t duration_us;
	unsigned int depth;
	bool failing;
	bool on_path;	 /* from the signal to the suspect */
	bool is_end;	 /* the path ends here */
	uint32_t hidden; /* spans below it that are not shown */
	const struct html_span_fact *facts;
	size_t nfacts;
};

struct html_trace {
	const char *id;
	const struct html_span *spans; /* a span stands before those below it */
	size_t nspans;
	uint32_t total, failing; /* spans of the whole trace */
	int64_t duration_us;	 /* of what is shown */
	const char *zoomed;	 /* the id of the span that is shown with all below it; NULL: all */
	bool paths_only;	 /* the store has kept the paths of a large trace alone */
	const char *const *others; /* ids of the traces that the decision has, this one too */
	size_t nothers;
};

/* The trace as SVG, and each of its spans in words. Links to other traces, and to a part of this
 * one, are queries of the same page: ?trace=ID&span=ID. */
void html_waterfall(struct html *html, const struct html_trace *trace);

/* ---- why it is thought so: html_verdict.c ---- */

struct html_runner_up {
	const char *service, *callee; /* callee "": none */
	int64_t agree;
};

struct html_limit {
	const char *text;
	double most; /* the confidence that it leaves; 0: it only lowers it */
};

struct html_verdict {
	const char *suspect, *operation, *kind, *callee, *error; /* "" unknown */
	double confidence;
	int64_t agree, of, traces;
	const char *fallback; /* why there is no cause; "": there is one */
	const struct html_runner_up *runners_up;
	size_t nrunners_up;
	const char *const *differences, *const *reasons;
	size_t ndifferences, nreasons;
	const struct html_limit *limits;
	size_t nlimits;
	const char *signal_service, *signal_operation, *signal_from;
	const char *owner, *rule; /* "shop.yaml:12" */
	const char *const *owner_reasons;
	size_t nowner_reasons;
	const char *policy; /* the escalation's name; "" none */
};

void html_verdict(struct html *html, const struct html_verdict *verdict);

/* ---- what if: html_what_if.c ---- */

/* A rule that was tried. */
struct html_rule_try {
	const char *rule, *name, *place, *reason; /* "route", "", "shop.yaml:12", why */
};

/* What a decision says, beside another. */
struct html_compared {
	const char *field;	      /* its name in the API */
	const char *what, *was, *now; /* "" nothing */
};

struct html_decided {
	struct html_verdict verdict;
	const struct html_rule_try *matched, *missed; /* missed: the nearest first */
	size_t nmatched, nmissed;
};

/* A problem of rules. */
struct html_finding {
	bool error;
	const char *code, *file, *text, *source, *hint; /* source, hint: "" none */
	int line, column;				/* 0: unknown */
};

struct html_what_if {
	/* What stands in its form: the id of an incident or decision, pasted texts, and "force",
	 * "shadow" or "pasted". left_out: a pasted text is too long to be shown again. */
	const char *id, *alert, *traces, *rules_text, *rules;
	bool has_shadow, left_out;
	const char *mark;
	const char *why_not; /* nothing was decided; "" it was, or nothing was asked */
	const struct html_finding *findings;
	size_t nfindings;
	const char *const *notes;
	size_t nnotes;
	const char *was_title, *now_title; /* was_title "": there is nothing to compare with */
	const char *change;		   /* "payments -> ledger"; "" none */
	const struct html_compared *rows;
	size_t nrows;
	const struct html_decided *was, *now; /* NULL: not decided */
	const char *summary;		      /* of the page that would be sent; "" none */
};

void html_what_if_write(struct html *html, const struct html_frame *frame,
			const struct html_what_if *what_if);

/* ---- teams: html_teams.c ---- */

/* What people answered to the pages of a team. */
struct html_team {
	const char *name, *title; /* title "": the rules know no such team any more */
	int64_t open, pages, recent, acknowledged, useful, noise, handed_on, handed_in, escalated;
	int64_t wait_us; /* median time to the acknowledgement; -1: none was acknowledged */
};

struct html_teams {
	const struct html_team *teams; /* the most paged first */
	size_t nteams, nall;
};
void html_teams_write(struct html *html, const struct html_frame *frame,
		      const struct html_teams *teams);

struct html_team_pager {
	const char *name, *kind, *paused_by; /* paused_by "": it is not paused */
	bool failing;
	int64_t waiting;
};
struct html_team_step {
	const char *const *pagers;
	size_t npagers;
	int64_t wait_us; /* 0: none */
};
struct html_team_page {
	struct html_team team;
	const char *channel, *location, *place; /* "" none */
	const char *policy;			/* the escalation's name; "" none */
	const struct html_team_step *steps;
	size_t nsteps;
	int64_t repeat; /* runs after the first one */
	const struct html_team_pager *pagers;
	size_t npagers;
	const struct html_rule_try *services; /* name and place */
	size_t nservices, nall_services;
};
void html_team_write(struct html *html, const struct html_frame *frame,
		     const struct html_team_page *page);

/* ---- the rules: html_rules.c ---- */

struct html_rule {
	const char *rule, *name, *place; /* "route", "", "shop.yaml:12" */
	int64_t hits;
	int64_t line; /* in the file that is shown; 0: it stands in another one */
};

struct html_source_line {
	const char *text; /* without its end */
	int64_t hits;	  /* of the rule that begins here; -1: none does */
};

struct html_rules {
	bool shadow, has_shadow; /* which set it is; there are shadow rules */
	bool none;		 /* there is no such set: nothing below is set */
	const char *hash;
	int64_t since_us, last_us; /* last_us: of the last load; 0: there was none */
	bool taken, watched;	   /* the last load was taken; changes are taken by themselves */
	int64_t teams, pagers, services, signals, routes;
	const struct html_finding *findings; /* of the last load */
	size_t nfindings;
	const struct html_rule *rules; /* the most hit first */
	size_t nrules, nall_rules, nunhit;
	const char *const *files; /* names without directories */
	size_t nfiles;
	const char *file; /* that is shown */
	const struct html_source_line *lines;
	size_t nlines;
	int64_t first_line, all_lines; /* the number of the first that is shown; all of the file */
};

void html_rules_write(struct html *html, const struct html_frame *frame,
		      const struct html_rules *rules);

/* ---- one incident: html_incident.c ---- */

struct html_event {
	int64_t at_us;
	const char *event, *who, *text;
};

struct html_alert {
	const char *name, *status;
	int64_t since_us;
	const struct html_span_fact *labels;
	size_t nlabels;
};

/* From outside: another tool's or person's analysis. */
struct html_note {
	const char *title, *text;  /* text: Markdown, shown as it is */
	const char *href, *author; /* "" none */
	int64_t at_us;
};

struct html_incident {
	const struct incident_view *view; /* with its page */
	const struct html_event *events;  /* its story, the oldest first */
	size_t nevents;
	const struct html_verdict *verdict; /* NULL: the store has none */
	const struct html_trace *trace;	    /* NULL: none is stored */
	const char *no_trace;		    /* then why; NULL: there was none */
	const struct html_alert *alerts;
	size_t nalerts;
	const struct html_note *notes;
	size_t nnotes;
	const char *mark; /* of its form */
	const char *text; /* what stands in the form's field */
};

void html_incident_write(struct html *html, const struct html_frame *frame,
			 const struct html_incident *incident);

/* ---- the service map: html_map.c, html_map_drawing.c ---- */

enum html_map_sort {
	HTML_MAP_BY_ERRORS, /* the most first; so with all figures */
	HTML_MAP_BY_CALLS,
	HTML_MAP_BY_P50,
	HTML_MAP_BY_P95,
	HTML_MAP_BY_LAST,
	HTML_MAP_BY_CALLER,
	HTML_MAP_BY_CALLEE,
	HTML_MAP_SORTS
};
/* The word in a query: "errors". */
const char *html_map_sort_name(enum html_map_sort sort);

struct html_map {
	const struct past_map_basis *basis;
	const struct service_map_view *all;
	const struct service_map_view *part;  /* what the conditions leave: the table */
	const struct service_map_view *drawn; /* of that, what is drawn */
	struct service_map_part conditions;
	enum html_map_sort sort;
	const char *const *teams; /* for the condition */
	size_t nteams;
};

void html_map_write(struct html *html, const struct html_frame *frame, const struct html_map *map);

/* ---- behind a page's link: html_link_page.c ---- */

struct link_page {
	const struct incident_view *view; /* with its page */
	const char *incident;		  /* id */
	const char *token, *mark;	  /* of the link and of the form */
	const char *nonce;		  /* of the style */
	const char *pager;		  /* that got the page with this link */
	const char *notice;		  /* what was done, or why not; "" nothing */
	bool refused;			  /* the notice says why not */
	const char *who, *text;		  /* what stands in the form's fields */
	int64_t now_us;			  /* wall */
};

void link_page_write(struct html *out, const struct link_page *page);
/* A title and a sentence. */
void link_message_write(struct html *out, const char *nonce, const char *title, const char *text);

#endif
