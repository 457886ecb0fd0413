/*
 * Evidence: what traces say of a signal, short enough to be kept when the traces are gone: where
 * the time of each trace went, call by call, and where its errors end (tracepager-walk(7), section
 * 8). Evidence of healthy traces is the baseline with which a window is compared.
 *
 * A trace is contracted to invocations: an invocation is a group of connected spans of one service.
 * On the critical path each invocation has an own time. Each call has a gap: how long the caller
 * waited beyond the callee's work, for network, connection or queue; it belongs to either end.
 *
 * No clock, no I/O: any thread. A set belongs to one thread at a time while traces are added to it;
 * afterwards any number of threads may read it. It owns copies of all its texts, so traces and
 * walks are borrowed for the call only.
 */
#ifndef TRACEPAGER_EVIDENCE_H
#define TRACEPAGER_EVIDENCE_H

#include "tracepager/buf.h"
#include "tracepager/walk.h"

struct evidence_service {
	const char *namespace, *name; /* kept by the set */
	bool peer; /* it has no spans: the name is the first one by which its caller knows it */
};

/* An own time or a gap. Services and operations are indexes into the set's services and texts. */
struct observation {
	uint32_t service, callee; /* equal: own time of an invocation; else the gap of a call */
	/* Own time: the names of the invocation's first span, and "". Gap: the names of the call's
	 * span, and of the span that answered it or "". */
	uint32_t operation, callee_operation;
	int64_t us;
	uint32_t span; /* the one with most of the time; of use only while the trace exists */
};

/* Where errors of the trace end: a failing invocation below which none failed. */
struct evidence_end {
	uint32_t service, operation; /* indexes into the set's services and texts */
	uint32_t span;		     /* the last that failed; of use only while the trace exists */
	/* It says no more than 502, 503 or 504: somebody behind it failed. */
	bool bare_gateway;
	/* The call that led here failed as well, so that its caller knows; or there is no span of
	 * the call. judged: false where an older version stored it, which did not look. */
	bool passed_on, judged;
};

/* An invocation went on after a failing call, and had own time after it: a fallback, a retry.
 * Indexes into the trace's own times and ends. */
struct evidence_fallback {
	uint32_t observation, end;
};

/* An attribute with its value, by indexes into the set's texts. */
struct evidence_fact {
	uint32_t attribute, value;
};

/* The attributes of one service in one trace: those of its process, and those of its spans that
 * attrs.def or the rules let tell (attr_tells()). Traces with the same attributes share one. */
struct evidence_profile {
	uint32_t service;
	const uint32_t *facts; /* indexes into the set's facts, ascending */
	uint32_t nfacts;
};

/* What one process did in the trace. */
struct evidence_unit {
	uint32_t profile; /* an index into the set's profiles */
	bool failing;	  /* some span of it failed */
};

/* Whom an invocation calls, in which order: service, and texts. */
struct evidence_shape {
	uint32_t service, operation;
	uint32_t callees; /* names, each with U+001F behind it */
};

/* An invocation with its shape, which is an index into the set's shapes. */
struct evidence_form {
	uint32_t shape;
	uint32_t span; /* the invocation's first; of use only while the trace exists */
};

/* A call that was made on behalf of the request: an edge of its tree. A call and its answer are
 * one; each attempt of a retry is a call. Its caller is the callee of the call above it. */
struct evidence_call {
	uint32_t above; /* the call in which it was made: an index below its own; TRACE_NONE: none,
			   the request's own service made it */
	uint32_t callee, operation; /* indexes into the set's services and texts; the operation's
				     * ids are "{id}"; of a callee without spans it is the name of
				     * the caller's span */
	int64_t us;		    /* of the caller's span, else of the callee's */
	int64_t path_us;	    /* of the request's critical path, in the call or below it */
	bool failed;		    /* either side did */
	bool fatal;   /* it failed, its caller did too, and no later call of the same made up */
	bool message; /* nobody waits for it */
};

struct evidence {
	int64_t duration_us; /* of the signal's span */
	bool failing;	     /* an error ends in the signal's span or below, or in another tree */
	bool signal_failing; /* the signal's own span failed */
	/* Those above the stratum's span come first. */
	struct observation *observations;
	struct evidence_end *ends;
	uint32_t nobservations, nends;
	struct evidence_fallback *fallbacks; /* of a window's traces only: they are not stored */
	uint32_t nfallbacks;
	struct evidence_unit *units;  /* of the set's first LIMIT_UNIT_TRACES traces only */
	struct evidence_form *shapes; /* likewise */
	uint32_t nunits, nshapes;
	uint32_t nobservations_above, nends_above;
	/* The operation that tells the request apart (tracepager-walk(7), section 7): indexes into
	 * the set's services and texts; TRACE_NONE: not known, since an older version stored it. */
	uint32_t stratum_service, stratum_operation;
	/* What the trace says from that operation's span on, as if it were the signal's; NULL: it
	 * is. */
	struct evidence *inner;
	/* The request as a tree of calls; not of a set that is brief, and not of one that an older
	 * version stored: trace_id is "" or NULL then. */
	const char *trace_id;
	int64_t start_us;			 /* since 1970 */
	uint32_t entry_service, entry_operation; /* of the signal's span; without ids */
	struct evidence_call *calls;
	uint32_t ncalls;
	bool calls_cut; /* it had more than LIMIT_EVIDENCE_CALLS */
};

/* Readers use services, texts, facts, profiles, shapes, at (one entry for each trace, in the order
 * of adding) and their counts; the rest is the set's own. */
struct evidence_set {
	struct arena *arena;
	size_t cap_bytes;
	struct map *index; /* services and texts to their indexes */
	struct evidence_service *services;
	const char **texts;
	struct evidence_fact *facts;
	struct evidence_profile *profiles;
	struct evidence_shape *shapes;
	struct evidence *at;
	uint32_t nservices, ntexts, nfacts, nprofiles, nshapes, n;
	uint32_t services_size, texts_size, facts_size, profiles_size, shapes_size, size;
	struct callee_habits *habits; /* what the traces tell of callees; NULL: nothing */
	bool brief;		      /* times and ends only: set before the first trace is added */
};

/* cap_bytes: a set that holds more takes no further trace; one trace may exceed it. The caller
 * frees the set. */
struct evidence_set *evidence_new(size_t cap_bytes);
void evidence_free(struct evidence_set *set); /* takes NULL */
size_t evidence_bytes(const struct evidence_set *set);

/* Adds the evidence of the walk's trace, from the span where the walk began. False: the trace is
 * empty, or the set is full. */
bool evidence_add(struct evidence_set *set, const struct walk *walk);
/* Walks a trace for the signal and adds it. */
bool evidence_add_trace(struct evidence_set *set, const struct trace *trace,
			const struct signal *signal);
/* The same for a baseline. False also where the trace has no span of the signal, or where that span
 * failed: such a trace is not healthy. */
bool evidence_add_sound(struct evidence_set *set, const struct trace *trace,
			const struct signal *signal);

/* Adds the units of one service, and nothing else of the trace. */
void evidence_add_units(struct evidence_set *set, const struct trace *trace, const char *namespace,
			const char *service);

/* Adds the shapes of the trace, and nothing else. */
void evidence_add_shapes(struct evidence_set *set, const struct trace *trace);

/* The set as bytes, for the store; spans are left out. Decoding makes a new set, which the caller
 * frees and to which nothing may be added; NULL: the bytes are no evidence. */
void evidence_encode(const struct evidence_set *set, struct buf *out);
struct evidence_set *evidence_decode(const void *data, size_t len);
/* A baseline and the ordinary traces of a window in one, for the store; each may be NULL. Decoding
 * also reads what evidence_encode() wrote, as a baseline. False: the bytes are no evidence; else
 * each is NULL or a new set. */
void evidence_encode_both(const struct evidence_set *healthy, const struct evidence_set *ordinary,
			  struct buf *out);
bool evidence_decode_both(const void *data, size_t len, struct evidence_set **ret_healthy,
			  struct evidence_set **ret_ordinary);
/* The 95th percentile of the duration of the signal's span, in microseconds; 0: the set is empty.
 */
int64_t evidence_p95_us(const struct evidence_set *set);
/* The number of traces in which an error ends in this operation of the service, whose ids are
 * "{id}" (operation_without_ids()). */
uint32_t evidence_count_ends(const struct evidence_set *set, const char *namespace,
			     const char *service, bool peer, const char *operation);

#endif
