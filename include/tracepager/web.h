/*
 * Web: the table of the HTTP server's paths: alerts go to intake; health, metrics and the status of
 * the rules are answered here, and so is the API about incidents. Refuses what needs an API token
 * and comes without it. Owns the requests that are answered later. For the loop thread.
 */
#ifndef TRACEPAGER_WEB_H
#define TRACEPAGER_WEB_H

#include <stdbool.h>
#include <sys/queue.h>

#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/drill.h"
#include "tracepager/http_server.h"
#include "tracepager/incident.h"
#include "tracepager/intake.h"
#include "tracepager/links.h"
#include "tracepager/pool.h"
#include "tracepager/reload.h"
#include "tracepager/secret.h"
#include "tracepager/sender_auth.h"
#include "tracepager/store.h"
#include "tracepager/timers.h"

/* What web asks of the relay. */
struct web_ops {
	/* Does the relay take alerts? False: *ret_why_not is a sentence, borrowed. */
	bool (*ready)(void *ctx, const char **ret_why_not);
	/* Open incidents whose page no pager has taken for LIMIT_REACH_US, or all refused. */
	size_t (*unreached)(void *ctx);
	/* Sets the gauges, before they are written. */
	void (*measure)(void *ctx);
	/* Loads the rules again. Answers the exchange later. */
	void (*reload)(void *ctx, struct http_exchange *exchange);
	/* The status of the rules in force and of the shadow rules, as text or as JSON. */
	void (*rules)(void *ctx, bool json, struct buf *out);
	/* The set of rules in that role, to be read in this turn; NULL: there is none. */
	const struct reload *(*ruleset)(void *ctx, enum reload_role role);
	/* The differences of the shadow rules, as JSON. */
	void (*shadow)(void *ctx, struct buf *out);
	/* Those of incident.h. */
	enum act_outcome (*act)(void *ctx, const struct act *act, struct buf *words);
	void (*when_durable)(void *ctx, store_done *done, void *arg);
	void (*each)(void *ctx, const char *after, incident_viewer *viewer, void *arg);
	bool (*view)(void *ctx, const char *id, incident_viewer *viewer, void *arg);
	/* Adds a comment, useful or noise to the story of an incident that only the store knows:
	 * incidents_note(). */
	void (*note)(void *ctx, const struct act *act);
	/* Pagers and what waits for them: incidents_each_pager(), incidents_pause(),
	 * incidents_deliver(). */
	void (*pagers)(void *ctx, incident_pager_viewer *viewer, void *arg);
	bool (*pause)(void *ctx, const char *pager, const char *who, bool paused);
	struct deliver *(*deliver)(void *ctx);
	/* For their silences: incidents_each_silence() and those beside it. */
	struct incidents *(*incidents)(void *ctx);
	/* Adds to the text of /-/ready what the relay finds wrong with itself. */
	void (*tell_ready)(void *ctx, struct buf *out);
	/* Fire drills: drill.h. */
	struct drills *(*drills)(void *ctx);
	/* Ends what is under way, and then the relay. Behind the reply. */
	void (*drain)(void *ctx);
	/* A pager of the rules in force; NULL: they have none of that name. Borrowed for this
	 * turn. */
	const struct pager *(*pager)(void *ctx, const char *name);
	void *ctx;
};

/* Who may use the API. Borrowed from the configuration. */
struct web_token {
	const char *name;
	const struct secret *secret;
	bool may_act; /* else it may read */
};

struct web_job;
struct log_levels;
struct tap;
struct tapper;
struct feedback_memory;
struct sessions;
struct team_report;
struct web_map;

struct web {
	/* Borrowed. */
	struct intake *intake;
	struct pool *pool;
	const struct clock *clock;
	struct timers *timers;
	const char *store_path; /* the past is read there */
	struct links *links;
	struct feedback_memory *feedback;
	struct sessions *sessions;
	struct log_levels *log_levels;
	struct tap *tap;
	bool tls;		  /* the listener speaks it */
	const char *external_url; /* "": none */
	/* Borrowed; without any no token is asked for, which config allows on loopback only. */
	const struct web_token *tokens;
	size_t ntokens;
	const struct trusted_proxy *proxy; /* borrowed; naddresses 0: none is trusted */
	bool told_proxy;		   /* that its header came from elsewhere */
	/* Only loopback addresses are listened on. Then what needs no token is refused if its Host
	 * names neither this machine, nor `listen`, nor one of `hosts`, or if a page of another
	 * site posts it. */
	bool open;
	const char *listen, *hosts; /* of the configuration; borrowed */
	struct web_ops ops;
	size_t nfollowers;	     /* requests of GET /events that wait */
	LIST_HEAD(, tapper) tappers; /* requests of GET /api/v1/tap */
	size_t ntappers;
	bool taps_ended;	   /* the relay ends */
	size_t nwhat_ifs;	   /* what-ifs that the pool has */
	struct team_report *teams; /* what was counted last of the teams' pages; NULL: nothing */
	LIST_HEAD(, web_job) jobs; /* requests that are answered later */
	struct web_map *map;	   /* the service map; NULL: nobody has asked for it yet */
};

/* Drops the requests that wait for an answer. The pool must be idle. */
void web_fini(struct web *web);

/* The relay ends: the streams of GET /api/v1/tap do, too. */
void web_end_taps(struct web *web);

/* Answers a request, or hands it to intake or the relay, which answer it. ctx is a struct web. */
void web_handle(void *ctx, struct http_exchange *exchange);
/* An http_server_judge: API tokens and those of senders are known; probes are GETs of health,
 * readiness and metrics. ctx is a struct web. */
enum http_standing web_judge(void *ctx, bool is_get, const char *path, const char *authorization);

#endif
