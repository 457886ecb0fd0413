/*
 * Walk, inside: what the files of the walk share. walk.c goes down, walk_start.c finds where to
 * begin, walk_choose.c picks among several failing children, walk_leaf.c says whose fault the last
 * one is, walk_orphan.c knows the parts whose parent is missing, walk_latency.c follows time.
 */
#ifndef TRACEPAGER_WALK_INTERNAL_H
#define TRACEPAGER_WALK_INTERNAL_H

#include "tracepager/walk.h"

/* Certainty of a leaf by its kind, to begin with (walk page, section 5). */
#define CERTAINTY_SPAN	 0.95
#define CERTAINTY_SLOW	 0.8
#define CERTAINTY_CALLER 0.7
#define CERTAINTY_PEER	 0.6
#define CERTAINTY_EDGE	 0.55

/* What a span is to the walk. */
#define BIT_FAILING	 1u
#define BIT_SIGNAL	 2u  /* it is the signal */
#define BIT_UNDER_SIGNAL 4u  /* it is the signal or below it */
#define BIT_BELOW_ENTRY	 8u  /* a failing span of the signal is above it */
#define BIT_BELOW_FAILED 16u /* a failing span below the signal is above it */
#define BIT_SUPERSEDED	 32u /* an attempt that another one of the same call stands for */
#define BIT_CANCELLED	 64u /* it failed because something else did; valid with BIT_CANCEL_CHECKED \
			      */
#define BIT_CANCEL_CHECKED 128u
#define BIT_INFERRED	   256u /* a call that says nothing, but whose server failed */
#define BIT_TREE_WALKED	   512u /* a root: the walk came through its tree */
#define BIT_IN_SIGNAL_TREE                                                                         \
	BIT_BELOW_ENTRY /* in a tree that holds the signal; looked for when no entry failed */

#define WALK_OTHERS 8

struct walker {
	struct arena *arena;
	const struct trace *trace;
	const struct walk_options *options;
	struct walk *walk;
	uint16_t *bits;	      /* per span */
	uint32_t *order;      /* spans, breadth first, nearest to a root first */
	uint32_t *depth;      /* per span */
	uint32_t *chain_len;  /* per span: length of the longest failing chain from it down; NULL
			      until  needed */
	uint32_t *candidates; /* scratch: failing spans to choose from */
	uint32_t nfailing;    /* and inferred: as many may be found */
	uint32_t norder;
	uint32_t signal; /* the signal's first span, or the root that stands for it */
	/* Where other failing spans were left aside, nearest to the signal first. */
	uint32_t others[WALK_OTHERS];
	unsigned int nothers;
	bool main_line;	    /* on the main line: keep reasons and others */
	unsigned int jumps; /* left */
	double doubt;	    /* factor for the weakest link of this line: 1, or less */
};

/* span_error.c */
enum span_side {
	SIDE_CLIENT,
	SIDE_SERVER, /* and INTERNAL: it speaks for its own service */
};
enum span_side span_side(const struct trace *trace, const struct span *span);
int span_http_code(const struct trace *trace, const struct span *span); /* 0: none */
int span_grpc_code(const struct trace *trace, const struct span *span); /* -1: none */
/* As these, or as error.type spells them. */
void span_told_codes(const struct trace *trace, const struct span *span, int *ret_http,
		     int *ret_grpc);
const char *span_grpc_name(int code);
const char *span_sqlstate(const struct trace *trace, const struct span *span); /* or NULL */
bool span_says_why(const struct trace *trace, const struct span *span);	 /* more than a code */
bool span_timed_out(const struct trace *trace, const struct span *span); /* its words say so */
bool span_cancelled(const struct trace *trace, const struct span *span);
bool span_same_service(const struct trace *trace, const struct span *a, const struct span *b);
/* Fit for a sentence: control characters become blanks, long texts are cut. Borrowed or kept by the
 * arena. */
const char *shown_text(struct arena *arena, const char *text);
const char *shown_duration(struct arena *arena, int64_t us); /* "3.2 s" */

/* signal_match.c: the signal's test over many spans, each distinct resource and name looked at
 * about once. */
struct signal_matcher {
	const struct signal *signal;
	const struct trace *trace;
	bool service_only;
	struct signal_seen {
		uint32_t key; /* plus one; 0: empty */
		bool matches;
	} resources[64], names[64];
};
bool signal_matcher_test(struct signal_matcher *matcher, const struct span *span);

/* peer_names.c */
bool peer_is_address(const char *host); /* an address is not a name */

/* walk.c */
void walker_tell(struct walker *walker, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void walker_doubt(struct walker *walker, double factor);
/* On the way down: is there room for a reason, beside what is kept for the leaf? A way may be long,
 * so ask before words are made. */
bool walker_may_tell(const struct walker *walker);
const char *walker_service(const struct walker *walker, uint32_t span); /* shown */
const char *walker_name(const struct walker *walker, uint32_t span);	/* shown */
const char *walker_words(const struct walker *walker, uint32_t span);	/* ": words", or "" */
const char *walker_duration(const struct walker *walker, int64_t us);	/* "3.2 s" */
void walker_suspect(const struct walker *walker, uint32_t span, enum suspect_kind kind,
		    struct suspect *suspect);
/* How far the child's clock must be moved for it to lie within its parent: clocks of two hosts
 * differ. 0 within one process, and where it cannot lie within. */
int64_t span_skew_us(const struct span *parent, const struct span *child);
/* A child that the parent waited for, as far as one can tell: not FOLLOWS_FROM, not a consumer that
 * ended later. */
bool span_waits_for(const struct span *parent, const struct span *child);

/* A walk of the same trace that ends at a span which was found otherwise; its path is the spans
 * above that, up to where the other walk began. */
void walk_to_span(struct arena *arena, const struct walk *seen, uint32_t span,
		  enum suspect_kind kind, struct walk *ret_walk);

/* The bits that a span has from its parent: none for roots, nor across FOLLOWS_FROM, which is not a
 * parent. */
uint16_t walker_bits_above(const struct walker *walker, uint32_t span);

/* walk_start.c: marks the signal's spans; false: the root stands for it. Then the failing span to
 * begin with, or TRACE_NONE. */
bool walk_signal(struct walker *walker);
uint32_t walk_start(struct walker *walker, bool signal_found);

/* walk_choose.c: of the n spans in found, the one that explains the failure above them; the others
 * are left aside. retries: attempts that were tried again with success explain nothing. TRACE_NONE
 * when all are such, unless one must be named. */
uint32_t walk_choose(struct walker *walker, uint32_t n, bool retries, bool must_name);

/* walk_leaf.c: the 4xx, or its equal of gRPC or a database, that the callee answered without
 * failing; NULL: none. A callee without a span (TRACE_NONE) answered what its client tells.
 * *ret_callee_may: by option it is the callee's. */
const char *span_refusal(struct arena *arena, const struct trace *trace, uint32_t client,
			 uint32_t callee, bool *ret_callee_may);
/* Whose fault it is. Returns a span from which the walk goes on, or TRACE_NONE with
 * suspect and certainty set. */
uint32_t walk_leaf(struct walker *walker, uint32_t leaf, struct suspect *suspect,
		   double *certainty);
/* A call that timed out, over a callee that did not fail: is its time a better explanation than the
 * failing span below it? */
bool walk_leaf_is_slow(struct walker *walker, uint32_t client, uint32_t callee, uint32_t failing);

/* walk_orphan.c: other parts of the trace that failed and whose parent is missing. */
/* The one that the names of a callee without a span mean, for the walk to go on from, or
 * TRACE_NONE. */
uint32_t walk_orphan_by_name(struct walker *walker, uint32_t call, const struct suspect *suspect);
/* One of them may be what failed below a call whose callee has no span. */
bool walk_orphan_may_explain(const struct walker *walker, uint32_t call);
/* They are told, and walked as others. */
void walk_orphans_tell(struct walker *walker, uint32_t leaf);

/* critical_path.c: visits the spans on the path of `from` between two times, a parent before its
 * children; each with its own time there, which may be 0. */
typedef void critical_path_visit(void *ctx, uint32_t span, int64_t own_us);
void critical_path(const struct trace *trace, uint32_t from, int64_t lo_us, int64_t hi_us,
		   critical_path_visit *visit, void *ctx);

/* The same for a person, between start and end of the span: by index, and only those with the most
 * time where there are more than LIMIT_CRITICAL_SPANS. Returns how many. */
uint32_t critical_path_keep(struct arena *arena, const struct trace *trace, uint32_t from,
			    struct critical_span **ret_path);

/* evidence.c: the span of another service that a call reached: its last one, or of a span without a
 * kind its only child. TRACE_NONE: it is no call, or nobody answered. */
uint32_t span_answer(const struct trace *trace, uint32_t span);

/* walk_latency.c */
struct own_time {
	uint32_t span;	 /* where the service spent most of it */
	int64_t own_us;	 /* of the service, on the critical path */
	int64_t most_us; /* of that span */
};
#define OWN_TIMES 4
/* The services with the largest own time on the critical path of a span between two times; how
 * many, at most OWN_TIMES. */
unsigned int walk_own_times(const struct trace *trace, uint32_t from, int64_t lo_us, int64_t hi_us,
			    struct own_time ret_times[OWN_TIMES]);
void walk_latency(struct walker *walker, struct suspect *suspect, double *certainty);

/* walk_leaf.c. Fills peers, npeers of a suspect that waited: where a call took most of its time,
 * and the callee shows no work before `until_us`. False: it did not wait for a callee. */
bool walk_waited_for_callee(struct walker *walker, const struct own_time *time, int64_t until_us,
			    struct suspect *suspect);

#endif
