/*
 * Inside doctor: one run and what its files share. doctor.c makes the run and ends it; each other
 * file has the checks of one thing. Those that wait for a peer hand over and report on the loop's
 * thread; what blocks (probes, the store) runs in the pool and touches nothing of the run but what
 * it was given and doctor_is_over().
 */
#ifndef TRACEPAGER_DOCTOR_INTERNAL_H
#define TRACEPAGER_DOCTOR_INTERNAL_H

#include <stdatomic.h>
#include <sys/types.h>

#include "tracepager/arena.h"
#include "tracepager/doctor.h"
#include "tracepager/http.h"
#include "tracepager/limits.h"
#include "tracepager/pool.h"
#include "tracepager/probe.h"
#include "tracepager/timers.h"
#include "tracepager/trace_builder.h"
#include "tracepager/xalloc.h"

struct doctor_past;
struct event_base;
struct http_client;
struct loop;

struct doctor {
	const struct doctor_scope *scope;
	struct arena *arena; /* of all texts; the loop's thread only */
	struct doctor_report *report;
	struct preflight preflight;
	const char *config_path; /* NULL: there is none */
	int64_t began_us, wall_us;
	pid_t pid; /* of the relay that has the store; 0: none, or not known */
	bool runs; /* a relay has the store */
	bool is_service_user;
	/* While it waits. */
	struct event_base *base;
	struct loop *loop;
	struct timers *timers;
	struct pool *pool;
	struct http_client *client;
	const struct http_transport *transport;
	struct trace_memory memory;
	struct timer deadline, tick;
	size_t npending, ndone;
	const char *waits_for[LIMIT_DOCTOR_HOSTS]; /* names of what is under way; NULL: free */
	atomic_bool over;
	/* Hosts, each probed once. */
	struct doctor_host *hosts;
	size_t nhosts;
	struct doctor_source *sources;
	struct doctor_pager *pagers;
	size_t npagers;
	struct doctor_question *questions;
	struct doctor_past *past;
	struct doctor_inside *inside;
	struct doctor_answers *answers; /* NULL: the relay is not asked */
};

/* ---- doctor_tell.c ---- */

bool doctor_wants(const struct doctor *doctor, enum doctor_check check);
/* Adds a result; nothing where the check is not wanted. about and cure: NULL: none. */
void doctor_tell(struct doctor *doctor, enum doctor_check check, enum doctor_level level,
		 const char *about, const char *cure, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* Has the check a result? */
bool doctor_has_told(const struct doctor *doctor, enum doctor_check check);
/* A job that is waited for begins, and ends. name: for the progress. Returns its ticket. */
size_t doctor_begin(struct doctor *doctor, const char *name);
void doctor_end(struct doctor *doctor, size_t ticket);
/* Any thread: the time is over, and nobody wants the answer. */
bool doctor_is_over(const struct doctor *doctor);

/* ---- doctor_user.c: before anything is read ---- */

/* Finds the user of the relay and becomes that one, where root runs it. */
void doctor_become_user(struct doctor *doctor);

/* ---- doctor_findings.c, doctor_machine.c, doctor_store.c: without waiting ---- */

void doctor_tell_findings(struct doctor *doctor);
void doctor_look_at_machine(struct doctor *doctor);
void doctor_look_at_store(struct doctor *doctor);
/* A line "NAME: VALUE" of a file of /proc: the value, or NULL. Kept by the arena. */
const char *doctor_proc_value(struct doctor *doctor, const char *path, const char *name);

/* What the kernel says of its clock: NULL: it is synchronised. Static. */
const char *doctor_clock_state(void);

/* ---- doctor_inside.c: the store's structure, in the pool ---- */

void doctor_inside_begin(struct doctor *doctor);

/* ---- doctor_peers.c: names, connections, certificates ---- */

/* One who waits for the probe of a host. */
struct doctor_peer {
	enum doctor_check check; /* SOURCE, PAGER … */
	const char *name;	 /* of the source or pager; for people */
	/* The host is there. NULL: nothing follows. */
	void (*ready)(struct doctor *doctor, struct doctor_peer *peer);
	const struct probe_result *probe;
	struct doctor_peer *next;
};
/* Probes the host of the request, once for all that name it with the same authorities. Where it is
 * not there, that is told by the checks dns and peer-certificates, else by the peer's own. The peer
 * is borrowed until the end; the request is copied. */
void doctor_probe(struct doctor *doctor, const struct probe_request *request,
		  struct doctor_peer *peer);
/* After all peers have been named. */
void doctor_probes_begin(struct doctor *doctor);
/* After the loop: what all probes together say. */
void doctor_peers_end(struct doctor *doctor);

/* ---- doctor_address.c: external_url and the heartbeat ---- */

void doctor_address_begin(struct doctor *doctor);

/* ---- doctor_sources.c, doctor_pagers.c ---- */

void doctor_sources_begin(struct doctor *doctor);
void doctor_sources_end(struct doctor *doctor);
void doctor_sources_free(struct doctor *doctor); /* once the pool is gone */
void doctor_pagers_begin(struct doctor *doctor);
void doctor_pagers_end(struct doctor *doctor);

/* ---- doctor_relay.c, doctor_answers.c: the running relay ---- */

void doctor_relay_begin(struct doctor *doctor);
void doctor_relay_end(struct doctor *doctor);

/* ---- doctor_past.c: the past week, from the store ---- */

void doctor_past_begin(struct doctor *doctor);
void doctor_past_end(struct doctor *doctor);

#endif
