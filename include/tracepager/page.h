/*
 * Page: one notification of an incident to one pager, as data. Plain data, whose texts are kept by
 * an arena of the caller's. All functions are pure: any thread, one arena for each call.
 */
#ifndef TRACEPAGER_PAGE_H
#define TRACEPAGER_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/alert.h"
#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/err.h"
#include "tracepager/limits.h"
#include "tracepager/shared_text.h"

enum page_event {
	PAGE_TRIGGER,
	PAGE_UPDATE,
	PAGE_RESOLVE,
	PAGE_NOTICE, /* an update that a person must see at once: no later page overtakes it */
};

struct page_link {
	const char *text, *href;
};

struct page {
	enum page_event event;
	const char *incident;  /* id */
	const char *dedup_key; /* "ID", later runs "ID#n" */
	enum severity severity;
	const char *summary;   /* at most LIMIT_SUMMARY_CHARS characters, suspect first */
	const char *details;   /* many lines, which stand for the sections below: what the rules'
				  template or an older relay wrote; "": the sections are shown */
	const char *component; /* the suspect's service; "" without one */
	const char *origin;    /* the signal's service, or the sender */
	const char *group;     /* the owner's team */
	const char *kind;      /* suspect kind, or fallback code */
	struct page_link links[LIMIT_PAGE_LINKS];
	size_t nlinks;
	const char *note; /* what changed ("joined by HighLatency", "pager x refused …"); NULL:
			     nothing */
	int64_t since_us; /* wall: when the first of its alerts began; 0: not told */
	/* Facts of one line each; NULL or "": not known. */
	const char *environment; /* and the cluster: "prod eu1" */
	const char *instance;	 /* host, pod or instance: the suspect's, else the alert's */
	const char *labels;	 /* of the alert: "instance=db17:9100, job=node" */
	const char *burn; /* "checkout burns its error budget at least 14.4 times as fast …" */
	/* Sections; NULL or "": nothing to say. */
	const char *banner;   /* "The cause is not known: …" */
	const char *why;      /* "team ledger owns ledger (rules.yaml:24)" */
	const char *evidence; /* "confidence 0.95: 8 of 8 failing traces end in ledger" */
	const char *limits;   /* what holds the confidence down: "confidence at most 0.60: …" */
	const char *path;     /* "web > checkout > ledger (ledger.Book)" */
	const char *could_be; /* other suspects: "stock (2 of 5 traces), …" */
	const char *what_differs; /* "host.name is db3 in 6 of 6 failing calls, …" */
	const char *waterfall;	  /* lines; the first names the trace */
	const char *reasons;	  /* lines "- …": how the suspect was found */
	const char *alert_says;	  /* lines: the alert's words that the summary has not */
	const char *differs;	  /* "30 alerts: NodeDown; they differ in instance: db1, db2 …" */
	const char *what_to_do;	  /* first: "follow the runbook", which is one of the links */
	const char *also_paged;	  /* the other pagers that have the incident: "sre-slack" */
	int64_t opened_at_us;	  /* of the incident; wall */
	int64_t at_us;		  /* of this page; wall */
	const char *status;	  /* the incident's: open, resolved */
	const char *const *alerts; /* names of the alerts in it, for people */
	size_t nalerts;
	const char *decision; /* JSON; NULL: the store has dropped it */
	/* The incident's state in full: open, holding, resolved, moved …; NULL: not told. */
	const char *state;
	const char *moved_to;	   /* id of the incident that it is now; NULL: none */
	const char *moved_to_team; /* the team of that incident; NULL: not told */
	/* JSON: the first LIMIT_PAGE_MEMBERS alerts with their labels, start and status; NULL: not
	 * told. */
	const char *alert_list;
	/* The teams that "not ours" leads to, in this order, as lines "TEAM", a tab, and why: "owns
	 * payment, a runner-up"; those of the runners-up, that of the signal. "" or NULL: only the
	 * fallback team. Kept with the incident. */
	const char *next_owners;
	const char *urgency;  /* "low": told beside the owner, nobody is woken; NULL: high */
	const char *act;      /* what a person did, of which this page tells: "acknowledge"; NULL */
	const char *acked_by; /* NULL or "": nobody has acknowledged it */
	const char *act_href; /* where a person acts on it: a signed link; NULL: none */
	bool at_once; /* an update that a person must see at once: deliver says so at each attempt,
			 it is not stored */
	const char
		*escalates; /* "2026-11-29T03:20:00Z: pages ledger-lead"; NULL: no step follows */
	/* The relay's own span that it belongs to (span_context_write() of stage.h); NULL: it is
	 * not traced. */
	const char *trace;
};

const char *page_event_name(enum page_event event); /* "page.trigger" */

/* The stored form: a JSON object. Reading gives the same page, whose texts are kept by the arena;
 * 0, or an errno as code with words in err (may be NULL). */
void page_write(const struct page *page, struct buf *out);
/* Two members of it, which pagers get in the same form: "links":[{"text","href"}…] and
 * "alerts":["…"]. */
void page_write_links(const struct page *page, struct buf *out);
void page_write_alerts(const struct page *page, struct buf *out);
/* What a link to act_href is called. */
#define PAGE_ACT_TEXT "Acknowledge, hand on or resolve"

/* Are the sections with many lines to be shown? False: the details stand for them. */
bool page_has_sections(const struct page *page);
/* The details, or the sections as one text with headings. */
void page_write_details(const struct page *page, struct buf *out);
int page_read(struct arena *arena, const char *text, size_t len, struct page *ret_page,
	      struct err *err);

/* The stored form of a page that stands beside its incident's page: without the members that the
 * decision gives and nothing changes (the decision itself, its sections, the names of suspect and
 * signal). Whoever reads it without the incident's page has a headline and what is new. */
void page_write_own(const struct page *page, struct buf *out);
/* Reads either form; members that are not in it are those of base. */
int page_read_over(struct arena *arena, const struct page *base, const char *text, size_t len,
		   struct page *ret_page, struct err *err);

/* A copy with all its texts in one block, the caller frees it with free(). */
struct page *page_dup(const struct page *page);

/* A page that outlives its arena: its texts in one block, its decision shared with others. */
struct page_copy {
	struct page *page; /* its decision is that of `decision` */
	struct shared_text *decision, *packed;
};
/* The same page as its stored form would give: texts that are told or empty are never NULL.
 * decision stands for that of the page, NULL: the page has none; packed is the same in the form of
 * pack.h, or NULL. Both are referenced. */
struct page_copy *page_copy_new(const struct page *page, struct shared_text *decision,
				struct shared_text *packed);
/* It waits for long: of its decision only the packed form stays, where there is one. */
void page_copy_rest(struct page_copy *copy);
/* The page with its decision, which the arena keeps where it had to be opened. */
struct page page_copy_whole(const struct page_copy *copy, struct arena *arena);
void page_copy_free(struct page_copy *copy); /* takes NULL */

#endif
