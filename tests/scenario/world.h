/*
 * A whole relay but for its sockets: state machine, fetching, delivery and rules, on a clock that
 * stands still, a network that answers from a script, and a disk that can be cut off.
 */
#ifndef TESTS_SCENARIO_WORLD_H
#define TESTS_SCENARIO_WORLD_H

#include "../lib/fake_clock.h"
#include "../lib/fake_http.h"
#include "../lib/fake_store.h"
#include "tracepager/baselines.h"
#include "tracepager/fetch.h"
#include "tracepager/incident.h"
#include "tracepager/shadow.h"

struct world {
	struct fake_clock clock;
	struct fake_http http;
	struct fake_store *disk;
	const char *path; /* of a store of SQLite's; NULL: the fake one */
	struct ruleset *rules;
	struct source_config source;
	struct trace_memory memory;
	struct store *store;
	struct fetch *fetch;
	struct baselines *baselines; /* NULL: none are compared with */
	const struct tracer *tracer; /* from the next start on; NULL: nothing is traced */
	const char *trace_link;	     /* NULL: http://jaeger/trace/{trace_id} */
	int console_fd;		     /* pages of kind console are written to it; -1: nowhere */
	struct incidents *incidents;
	struct shadow *shadow; /* without rules, until a test gives it some */
	int loaded;	       /* what incidents_load() returned at the last start */
	bool compares;	       /* from the next start on: with healthy traces */
	bool links; /* from the next start on: pages have a link to act on their incident */
	int64_t ack_timeout_us;	      /* from the next start on; 0: none */
	unsigned int durable, failed; /* answers to senders */
};

/* Teams shop (owner of the signal), ledger, and sre (the fallback), each with a PagerDuty key of
 * its name at http://pager/. */
struct world *world_new(void);
/* On the SQLite store at path, borrowed, which may hold something already. The daemon has not
 * started yet. */
struct world *world_new_at(const char *path);
/* With rules of the caller's, healthy traces, links in pages, and pages of kind console written to
 * console_fd. */
struct world *world_new_with(const char *rules, int console_fd);
void world_free(struct world *world);
void world_start(struct world *world); /* the daemon starts on the disk */
void world_crash(struct world *world); /* kill -9 */
/* The rules of the world with every `from` replaced; the caller's reference. */
struct ruleset *world_other_rules(const char *from, const char *to);
/* A reload: these rules are in force from now on. */
void world_set_rules(struct world *world, const char *rules);
/* Time passes; all that is due happens, and the disk is quick. */
void world_run(struct world *world, int64_t us);
/* An alert with the given labels ("name=value name=value"); fingerprint from them. Durable when
 * world_run() comes next. */
enum accept_result world_alert(struct world *world, const char *labels, enum alert_status status,
			       int64_t starts_us, int64_t ends_us);
/* The same as the v2 API tells it: firing until ends_us, or resolved where that has passed. */
enum accept_result world_alert_of_api(struct world *world, const char *labels, int64_t starts_us,
				      int64_t ends_us);
/* A firing alert of a webhook, behind which more of the same body are to come. */
enum accept_result world_alert_in_body(struct world *world, const char *labels, size_t more);

/* The trace in which frontend -> checkout -> ledger fails, as Jaeger's API v3 sends it. */
extern const char world_trace[];
/* Jaeger has, or has not, any trace that is asked for. */
void world_jaeger_has(struct world *world);
void world_jaeger_has_not(struct world *world, unsigned int times);
void world_pagers_take_all(struct world *world);

/* Requests to the pager with this routing key, by event ("trigger", "resolve", …; NULL: any). */
size_t world_pages(const struct world *world, const char *key, const char *event);
/* The n-th of them. */
const struct fake_request *world_page(const struct world *world, const char *key, const char *event,
				      size_t n);

#endif
