/*
 * Relay, inside: the parts of the daemon, and what its files do for each other. relay_rules.c loads
 * rules and options, relay_listen.c has the sockets, the way to a successor and the drain,
 * relay_notify.c tells the service manager, relay_telemetry.c exports traces, relay_intake.c and
 * relay_web.c answer what intake and web ask, relay_measure.c and relay_process.c set gauges before
 * they are read, relay_peers.c tells of peers' clocks and certificates, relay.c makes the parts and
 * takes them down. Loop thread, unless a comment says otherwise.
 */
#ifndef TRACEPAGER_RELAY_INTERNAL_H
#define TRACEPAGER_RELAY_INTERNAL_H

#include "tracepager/relay.h"

#include "tracepager/fetch.h"
#include "tracepager/intake.h"
#include "tracepager/limits.h"
#include "tracepager/notify.h"
#include "tracepager/reload.h"
#include "tracepager/rules.h"
#include "tracepager/store.h"
#include "tracepager/telemetry.h"
#include "tracepager/tap.h"
#include "tracepager/web.h"

struct relay {
	struct config *config;
	const struct clock *clock;
	struct event_base *base;
	struct loop *loop;
	struct timers *timers;
	struct pool *pool;
	struct trim *trim;
	struct log_levels *log_levels;
	struct tap tap;
	struct timer log_sums; /* armed while lines are held */
	int64_t log_sums_us;   /* when it fires; INT64_MAX: it is not armed */
	struct store *store;
	struct http_client *client;
	struct http_server *server;
	struct trace_memory memory;
	struct telemetry *telemetry; /* NULL: the relay's own work is not traced */
	char *telemetry_url, *telemetry_files[3];
	struct fetch *fetch;
	struct baselines *baselines;
	struct incidents *incidents;
	struct drills *drills;
	struct self_check *self_check; /* NULL: no heartbeats are wanted */
	struct intake *intake;
	struct sender *senders;
	struct heartbeat_sender *beating;
	struct heartbeats *heartbeats;
	struct web web;
	struct web_token *tokens;
	struct links *links;
	struct sessions *sessions;
	struct feedback_memory *feedback;
	struct reload *rules, *shadow_rules; /* the second is NULL where the rules are built in */
	char *shadow_path;
	struct shadow *shadow;
	/* The options' refresh: one at a time in the pool; requests that come during one share the
	 * next. */
	struct config_refresh *refresh;
	struct http_exchange **asking, **asking_next;
	size_t nasking, nasking_next;
	bool refresh_next;
	struct buf refreshed; /* what the last refresh told; empty before the first */
	bool refresh_failed;
	bool ending;		/* nothing is submitted to the pool any more */
	bool draining, stopped; /* stopped: nothing is accepted any more */
	struct handover *handover;
	int sockets[LIMIT_LISTENERS]; /* passed to us, and not the server's yet */
	size_t nsockets;
	bool waits_for_store; /* the relay before us drains */
	bool listens;
	struct ruleset *measured_rules; /* whose hits the metrics count; a reference */
	int64_t measured_hits[4];	/* by enum rule_sort: those that are counted */
	int64_t drain_began_us;
	struct timer drain;
	struct notify notify;
	struct timer notify_timer;
	bool reloading;	   /* the service manager was told so, and waits for READY=1 */
	bool handed_over;  /* a successor has the sockets, and tells the service manager */
	bool clock_is_off; /* it was told that our clock differs from the peers', and not the end */
	int64_t clock_told_us; /* when that was told last, monotonic */
};

/* ---- relay_rules.c ---- */

/* fixed: rules that are built in; NULL: from the path of the options. Returns 0 or -errno, with
 * findings. */
int relay_load_rules(struct relay *relay, struct ruleset *fixed, struct findings *findings);
/* From now on the files of the rules are watched. */
void relay_begin_reloads(struct relay *relay);
/* Options first, then rules; the exchange (NULL: none) is answered when both are loaded. */
void relay_ask_reload(struct relay *relay, struct http_exchange *exchange);

/* ---- relay_log.c ---- */

/* The log's level and its sums, from now on. */
void relay_begin_log(struct relay *relay);
/* The options were read again. */
void relay_take_log_level(struct relay *relay);
/* At the end of each turn: the timer of the log's sums. */
void relay_time_log(struct relay *relay);
/* The last sums are written. */
void relay_end_log(struct relay *relay);

/* ---- relay_listen.c ---- */

/* Ends what is under way, then the loop. Called twice, the second call changes nothing. */
void relay_drain(struct relay *relay);
/* The timer of a drain. */
void relay_look_at_drain(void *arg);
/* Takes the sockets that the service manager, or the relay before this one, passes. */
int relay_get_sockets(struct relay *relay, bool takes_over, struct err *err);
int relay_start_listening(struct relay *relay, struct err *err);
/* From now on a successor can take the sockets. */
void relay_offer_handover(struct relay *relay);

/* ---- relay_notify.c ---- */

/* Reads what the service manager wants to be told; from now on it can be told. */
void relay_begin_notify(struct relay *relay, bool takes_over);
/* This process is the service's main process from now on: told before the old one may end. */
void relay_tell_main(const struct relay *relay);
/* The sockets listen and the store is recovered; the watchdog is fed from now on. */
void relay_tell_ready(struct relay *relay);
void relay_tell_failed(const struct relay *relay, const struct err *err);
void relay_tell_reloading(struct relay *relay);
void relay_tell_reloaded(void *ctx);
void relay_tell_stopping(struct relay *relay);

/* ---- relay_intake.c ---- */

void relay_make_intake(struct relay *relay);
void relay_when_durable(void *ctx, store_done *done, void *arg);

/* ---- relay_telemetry.c ---- */

/* The export of the relay's own traces, where an endpoint is configured. */
void relay_make_telemetry(struct relay *relay);
void relay_free_telemetry(struct relay *relay);

/* ---- relay_tap.c: where tap_is_on(), but for the last ---- */

/* An alert that is about to be accepted, or was taken as a heartbeat. */
void relay_tap_alert(struct relay *relay, const struct alert *alert, bool watchdog);
void relay_tap_body(struct relay *relay, const struct rejected_body *body);
/* intake_ops.request_refused(). */
void relay_tap_request(void *ctx, const char *why, const char *peer, const char *sender);

/* ---- relay_web.c ---- */

/* After relay_make_intake(). */
void relay_make_web(struct relay *relay);

/* ---- relay_measure.c ---- */

/* Are alerts taken, as GET /-/ready says? If not, *ret_why_not is set; static. */
bool relay_is_ready(const struct relay *relay, const char **ret_why_not);
/* Sets the gauges that are about to be read. */
void relay_measure(void *ctx);
/* These rules are in force from now on; NULL: none, at the end. Takes its own reference. */
void relay_measure_set_rules(struct relay *relay, struct ruleset *rules);

/* ---- relay_peers.c ---- */

/* At the end of each turn: logs what is new of peers' clocks and certificates. */
void relay_look_at_peers(struct relay *relay);
void relay_measure_peers(const struct relay *relay);

/* ---- relay_process.c ---- */

void relay_measure_process(void);

#endif
