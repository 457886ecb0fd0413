/*
 * Evidence: what traces say of a signal, short enough to be kept when they are gone: where the time
 * of each went, call by call, and where its errors end. Of healthy traces it is the baseline that a
 * window is compared with. Pure.
 *
 * A trace is contracted to invocations: connected spans of one service. On its critical path each
 * invocation has its own time, and each call the gap between what the caller waited and what the
 * callee worked (network, connection, queue), which belongs to either end.
 */
#ifndef TRACEPAGER_EVIDENCE_H
#define TRACEPAGER_EVIDENCE_H

#include "tracepager/buf.h"
#include "tracepager/walk.h"

/* An index into the set's services and texts; the texts are kept by the set. */
struct evidence_service {
	const char *namespace, *name;
	bool peer; /* it has no spans; the name is one by which its caller knows it */
};

struct observation {
	uint32_t service, callee; /* the same: the service's own time; else the call's gap */
	/* texts: of the span by which the service was entered, and ""; of the call and of the span
	 * that answered it */
	uint32_t operation, callee_operation;
	int64_t us;
	uint32_t span; /* where most of it was; means something while the trace is there */
};

/* Where errors of the trace end. */
struct evidence_end {
	uint32_t service, operation; /* operation: a text */
	uint32_t span;		     /* means something while the trace is there */
};

struct evidence {
	int64_t duration_us; /* of the signal's span */
	bool failing;	     /* some span failed */
	bool signal_failing; /* the signal's own span did */
	struct observation *observations;
	struct evidence_end *ends;
	uint32_t nobservations, nends;
};

struct evidence_set {
	struct arena *arena;
	size_t cap_bytes;
	struct map *index;
	struct evidence_service *services;
	const char **texts;
	struct evidence *at;
	uint32_t nservices, ntexts, n;
	uint32_t services_size, texts_size, size;
};

/* cap_bytes: about what it may hold; a set that is over it takes no further trace. */
struct evidence_set *evidence_new(size_t cap_bytes);
void evidence_free(struct evidence_set *set); /* takes NULL */
size_t evidence_bytes(const struct evidence_set *set);

/* Adds what the walk's trace says, from where that walk began. False: it has no span, or the set is
 * full. */
bool evidence_add(struct evidence_set *set, const struct walk *walk);
/* Walks a healthy trace for its signal and adds it. */
bool evidence_add_trace(struct evidence_set *set, const struct trace *trace,
			const struct signal *signal);
/* The same, but a trace without a span of the signal, or in which that failed, is no sound one:
 * false. */
bool evidence_add_sound(struct evidence_set *set, const struct trace *trace,
			const struct signal *signal);

/* As bytes, for the store, and back: a set of its own, to which nothing is added; NULL: these bytes
 * are none. Spans are not kept. */
void evidence_encode(const struct evidence_set *set, struct buf *out);
struct evidence_set *evidence_decode(const void *data, size_t len);
/* The duration of the signal's span that one trace in twenty exceeds; 0: the set is empty. */
int64_t evidence_p95_us(const struct evidence_set *set);
/* In how many traces an error ends in this operation of the service. */
uint32_t evidence_count_ends(const struct evidence_set *set, const char *namespace,
			     const char *service, bool peer, const char *operation);

#endif
