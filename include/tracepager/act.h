/*
 * Act: what a person, or a pager for a person, does to an incident: acknowledge, resolve, "not
 * ours", comment, a word on whether the page was useful. Plain data; whoever has checked who asks
 * (web, feedback) makes one, and incidents_act() of incident.h carries it out. Texts are borrowed.
 */
#ifndef TRACEPAGER_ACT_H
#define TRACEPAGER_ACT_H

#include <stdbool.h>

enum act_kind {
	ACT_ACKNOWLEDGE,
	ACT_RESOLVE,
	ACT_REROUTE, /* "not ours": to the next owner */
	ACT_COMMENT,
	ACT_USEFUL,  /* the page was worth it */
	ACT_NOISE,   /* the page was not */
	ACT_SILENCE, /* for an hour: what it is about, and its team */
	ACT_KIND_COUNT
};

struct act {
	enum act_kind kind;
	const char *incident; /* id */
	const char *who;      /* "ann", a token's name, a pager's name; never "" */
	const char *via;      /* "api", "link", "feedback", "web" */
	const char *text;     /* a comment, or the reason; "" none */
	const char *team;     /* REROUTE: to this team; NULL or "": the next owner */
	/* The pager through whose page it comes (link, feedback): it must still have that page.
	 * NULL: it comes from elsewhere. */
	const char *pager;
	int n; /* the "n" of that page's key, "ID#n"; 0: the pager does not tell */
};

/* The order is from good to bad. */
enum act_outcome {
	ACT_DONE,
	ACT_ALREADY, /* it was so before: the same act twice is one act */
	ACT_OVER,    /* the incident is resolved or moved: noted, and nothing else */
	ACT_REFUSED, /* it cannot be done: no team is left to hand it to, or there is no such team
		      */
	ACT_UNKNOWN, /* there is no such incident */
	ACT_OUTCOME_COUNT
};

const char *act_name(enum act_kind kind); /* "acknowledge" */
/* The kind of that name; "ack" is acknowledge. -1: there is none. */
int act_of(const char *name);
/* The story keeps an act as an event, whose text is its via, and behind ": " what the person said.
 * Returns the way for people, "by the API", and *ret_said within text, "" for nothing. NULL, and
 * *ret_said is text: the event is no act, or its text has no such beginning. */
const char *act_way(const char *event, const char *text, const char **ret_said);

#endif
