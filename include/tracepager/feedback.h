/*
 * Feedback: what a pager tells back about a page: somebody has acknowledged it, resolved it,
 * written a note. A pager kind turns the request, once its signature is verified, into acts on
 * incidents. Plain data. It refuses to act, to look anything up, and to remember: web does.
 *
 * What a kind returns is kept by the arena. Pure; any thread.
 */
#ifndef TRACEPAGER_FEEDBACK_H
#define TRACEPAGER_FEEDBACK_H

#include <stddef.h>
#include <stdint.h>

#include "tracepager/act.h"
#include "tracepager/arena.h"
#include "tracepager/err.h"
#include "tracepager/limits.h"
#include "tracepager/secret.h"

/* A request to /feedback/PAGER. All is borrowed. */
struct feedback_request {
	const char *body; /* as it was sent */
	size_t len;	  /* at most LIMIT_FEEDBACK_BYTES; a longer one is malformed */
	/* The value of a header; NULL: there is none. */
	const char *(*header)(void *ctx, const char *name);
	void *ctx;
	/* LIMIT_LIVE_SECRETS of them: a signature by any that is set counts. */
	const struct secret *secrets;
	int64_t wall_us;
};

enum feedback_verdict {
	FEEDBACK_VERIFIED,
	FEEDBACK_UNSIGNED, /* its signature is missing, or no live secret made it */
	FEEDBACK_STALE, /* signed, but too long ago or in the future: a replay, or a wrong clock */
	FEEDBACK_MALFORMED, /* signed, but not what the kind understands */
};

struct feedback_act {
	enum act_kind kind;
	/* The incident's id, without the "#n" of a further page; "": the request names the incident
	 * by the pager's own id alone, feedback.theirs. */
	const char *incident;
	const char *who;  /* "": the pager does not say */
	const char *text; /* at most LIMIT_ACT_TEXT_BYTES; "" none */
	const char *team; /* of a reroute: to this team; "": the next owner */
	int n; /* of the key "ID#n" of the page that it is about, 1 without "#n"; 0: unknown */
	/* The pager whose page it was, where one address hears for several; NULL or "": the
	 * request's. */
	const char *pager;
};

struct feedback {
	const struct feedback_act *acts;
	size_t nacts;
	const char *ignored; /* a clause that says why there are no acts; "" there are some */
	/* The id of this event at the pager, the same however often it is sent; "": none. */
	const char *event;
	int64_t at_us; /* when it happened or was signed: its signature covers that */
	/* The pager's own id of the incident, and the id of ours where the event tells both. "":
	 * unknown. */
	const char *theirs, *ours;
	int ours_n; /* of our key, as feedback_act.n; 0: unknown */
};

#endif
