/*
 * Walk, inside: what the files of the walk share. The method is tracepager-walk(7), sections 1 to
 * 6; each file names its section. A reader's map, from the driver down:
 *
 * walk.c		the driver: judges the spans, then start, down, leaf; or latency
 * walk_start.c		the signal's spans, and the failing span to begin with	section 3
 * walk_down.c		the next span of the chain below a failing one		section 4
 * walk_leaf.c		for whom the last failing span speaks			section 5
 * walk_deadline.c	was the deadline of a call too short			section 5
 * walk_latency.c	whose time it was, where nothing but time is asked	section 6
 * walk_callee_calls.c	calls of the one callee that an alert names		section 3
 * walk_orphan.c	failed parts of the trace whose parent is missing	section 1
 * walk_choose.c	which of several failing spans explains the failure	section 4
 * walk_survived.c	was a failure below a span survived			section 4
 * walk_attempts.c	which calls are attempts of one call			section 4
 * walk_cancelled.c	was a span cancelled by the failure of another		section 4
 * walk_words.c		whose words does a failing span repeat			section 4
 * walk_callee.c	what the callee did while its caller waited		section 5
 * own_times.c		the own time of each service on a critical path		section 6
 * critical_path.c	where the time of a span went				section 6
 * walker.c		the tools of a walk: its sentences, limits and suspects
 *
 * A file uses only files below it in this list, and below all of them stand span-internal.h,
 * signal_match.c, peer_names.c and callee_habits.h. Nothing here uses the evidence or the vote.
 *
 * A struct walker lives for one walk_trace(), on the stack of one thread, any thread. Its scratch
 * arrays are the heap's and are freed when the walk ends; whatever struct walk points to afterwards
 * is kept by the caller's arena or borrowed from the trace's set.
 */
#ifndef TRACEPAGER_WALK_INTERNAL_H
#define TRACEPAGER_WALK_INTERNAL_H

#include "tracepager/callee_habits.h"
#include "tracepager/limits.h"
#include "span-internal.h"

/* Certainty of a leaf by its kind (tracepager-walk(7), section 5). */
#define CERTAINTY_SPAN	 0.95
#define CERTAINTY_SLOW	 0.8
#define CERTAINTY_CALLER 0.7
#define CERTAINTY_PEER	 0.6
#define CERTAINTY_EDGE	 0.55

/* What a span is to the walk: bits of walker.bits. */
#define BIT_FAILING	   1u
#define BIT_SIGNAL	   2u	 /* it is a span of the signal */
#define BIT_UNDER_SIGNAL   4u	 /* it is a span of the signal or below one */
#define BIT_BELOW_ENTRY	   8u	 /* it is, or is below, a failing span of the signal */
#define BIT_BELOW_FAILED   16u	 /* it is, or is below, a failing span where a walk can start */
#define BIT_SUPERSEDED	   32u	 /* an attempt that another attempt of the same call stands for */
#define BIT_CANCELLED	   64u	 /* cancelled because something else failed; see the next bit */
#define BIT_CANCEL_CHECKED 128u	 /* BIT_CANCELLED is known */
#define BIT_INFERRED	   256u	 /* a call without a status whose server failed */
#define BIT_TREE_WALKED	   512u	 /* a root: the walk came through its tree */
#define BIT_RULED_OUT	   1024u /* survived, or begun when the failure above was known */
#define BIT_CALLS_PEER	   2048u /* it is, or is below, a call of the alert's callee */
/* In a tree that holds the signal. The same bit as BIT_BELOW_ENTRY: trees are marked only when no
 * entry failed. */
#define BIT_IN_SIGNAL_TREE BIT_BELOW_ENTRY

struct walker {
	struct arena *arena;
	const struct trace *trace;
	const struct walk_options *options;
	struct walk *walk;
	uint16_t *bits;	      /* per span */
	uint32_t *order;      /* spans, breadth first, roots first */
	uint32_t *depth;      /* per span: its distance from the root */
	uint32_t *chain_len;  /* per span: length of the longest failing chain from it down; NULL
				 until walk_choose.c needs it */
	uint32_t *candidates; /* scratch: the failing spans of which walk_choose() takes one */
	uint32_t nfailing;    /* spans that failed, inferred ones too */
	uint32_t ncandidates; /* room in candidates: nfailing and LIMIT_WALK_EXCEPTIONS */
	uint32_t norder;
	uint32_t signal; /* the signal's first span, or the root that stands for it */
	/* Failing spans that were left aside, nearest to the signal first. */
	uint32_t others[LIMIT_WALK_OTHERS];
	unsigned int nothers;
	bool signal_failed; /* the walk began at a failing span of the signal */
	bool main_line;	    /* walking to the suspect: reasons and others are kept; false: walking
			       to the leaf of one of the others */
	unsigned int jumps; /* left: how often the walk may go on away from the way down */
	struct verdict_limits limits; /* of this line, from its start to its leaf */
};

/* ---- signal_match.c: the signal's test over many spans; each resource and name is compared about
 * once ---- */

struct signal_matcher {
	const struct signal *signal;
	const struct trace *trace;
	bool service_only; /* the operation and the attributes do not count */
	bool ignore_case;  /* of the names of the service and the operation */
	struct signal_seen {
		uint32_t key; /* plus one; 0: empty */
		bool matches;
	} resources[64], names[64];
};
bool signal_matcher_test(struct signal_matcher *matcher, const struct span *span);

/* ---- peer_names.c ---- */

/* The same for a span without a call: names of an end that its words say it could not reach. False:
 * they name none. */
bool peer_names_in_words(struct arena *arena, const struct trace *trace, const struct span *span,
			 struct suspect *suspect);
bool peer_is_address(const char *host); /* an IP address or "localhost": not a name of a service */

/* ---- walker.c ---- */

/* Adds a reason while there is room, on the main line only. */
void walker_tell(struct walker *walker, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Notes that the way goes on at another part of the trace, on the main line only. */
void walker_join(struct walker *walker);
/* On the way down: is there room for a reason beside those that are reserved for the leaf? Ask
 * before texts are made: a way may have thousands of spans. */
bool walker_may_tell(const struct walker *walker);
/* Limits the certainty of this line. */
void walker_limit(struct walker *walker, enum verdict_limit_id id);
const char *walker_service(const struct walker *walker, uint32_t span); /* shown */
const char *walker_name(const struct walker *walker, uint32_t span);	/* shown */
const char *walker_words(const struct walker *walker, uint32_t span);	/* ": words", or "" */
const char *walker_duration(const struct walker *walker, int64_t us);	/* "3.2 s" */
/* The service of the span as a suspect, without callee, peers and error. */
void walker_suspect(const struct walker *walker, uint32_t span, enum suspect_kind kind,
		    struct suspect *suspect);
/* The bits of the span's parent: 0 for roots, and across FOLLOWS_FROM, which is not a parent. */
uint16_t walker_bits_above(const struct walker *walker, uint32_t span);

/* ---- critical_path.c ---- */

/* Visits the spans on the critical path of `from` between two times, a parent before its children,
 * each with its own time there, which may be 0. */
typedef void critical_path_visit(void *ctx, uint32_t span, int64_t own_us);
void critical_path(const struct trace *trace, uint32_t from, int64_t lo_us, int64_t hi_us,
		   critical_path_visit *visit, void *ctx);
/* The critical path of the whole span, for a person: by index of the span, and only the
 * LIMIT_CRITICAL_SPANS spans with the most time. Returns how many; *ret_path is kept by the arena.
 */
uint32_t critical_path_keep(struct arena *arena, const struct trace *trace, uint32_t from,
			    struct critical_span **ret_path);

/* ---- own_times.c ---- */

struct own_time {
	uint32_t span;	 /* where the service spent most of it */
	int64_t own_us;	 /* of the service, on the critical path */
	int64_t most_us; /* of that span */
};

/* The services with the largest own time on the critical path of a span between two times, the
 * largest first. Returns how many, at most LIMIT_OWN_TIMES. */
unsigned int walk_own_times(const struct trace *trace, uint32_t from, int64_t lo_us, int64_t hi_us,
			    struct own_time ret_times[LIMIT_OWN_TIMES]);

/* ---- walk_callee.c ---- */

/* What the callee did during the call. */
struct callee {
	uint32_t span;	     /* TRACE_NONE: the callee has no span */
	int64_t deadline_us; /* the call's end, on the callee's clock */
	bool late;	     /* it began when the call was over */
	bool at_deadline;    /* it was at work when the call ended, or nearly so */
	bool outlives;	     /* it took longer than the whole call, whatever the clocks say */
};
/* One span below a call, as its callee. */
void callee_look_at(const struct trace *trace, uint32_t client, uint32_t span, struct callee *ret);
/* The callee's span below a call, also through spans of the caller's own (a proxy, a transport). Of
 * several, the last one that was at work during the call. */
struct callee callee_find(const struct trace *trace, uint32_t client);
/* Did the caller stop waiting while the callee was at work? */
bool callee_given_up(const struct walker *walker, uint32_t client, const struct callee *callee);
/* Did most of a service's own time go into waiting for a callee that shows no work before
 * `until_us`? True: fills peers and npeers of the suspect. */
bool callee_waited_for(struct walker *walker, const struct own_time *time, int64_t until_us,
		       struct suspect *suspect);

/* ---- walk_choose.c ---- */

/* Of the first n spans in candidates, the one that explains the failure of the span above them; the
 * others are left aside. above TRACE_NONE: they have no failing span above them in common.
 * TRACE_NONE: none explains it; the span above failed by itself, or where there is none all n are
 * attempts that were tried again with success. */
uint32_t walk_choose(struct walker *walker, uint32_t n, uint32_t above);
/* The same where one must be named and attempts count as any other span. */
uint32_t walk_choose_any(struct walker *walker, uint32_t n);

/* ---- walk_survived.c ---- */

enum survival {
	SURVIVED_NOT,
	SURVIVED_MAYBE, /* a later call succeeded, but the span above says nothing of its own */
	SURVIVED_BY_ATTEMPT, /* another attempt of the same call succeeded */
	SURVIVED_BY_OTHER,   /* a call of another callee succeeded */
};
/* Did `above` outlive the failure of a call below it, and fail later by something else? */
enum survival walk_survived(const struct walker *walker, uint32_t above, uint32_t call);
/* Does `above` name a programming error as its own failure, in words that share nothing with those
 * of a call that it made? */
bool walk_own_bug(const struct walker *walker, uint32_t above, uint32_t call);
/* Does `above` name a cause of its own, in words that have none in common with those of a call that
 * it made? */
bool walk_own_words(const struct walker *walker, uint32_t above, uint32_t call);
/* When the span's own exception was recorded, on its clock; INT64_MAX: unknown. */
int64_t walk_known_us(const struct trace *trace, uint32_t span);
/* Are two calls known to go to different callees? */
bool walk_other_callee(const struct trace *trace, uint32_t a, uint32_t b);

/* ---- walk_cancelled.c ---- */

/* span_cancelled(), and where the words of .NET leave open whether a call was cancelled or ended by
 * its own time-out, what failed beside and above it decides. */
bool walk_cancelled(const struct walker *walker, uint32_t span);

/* ---- walk_attempts.c ---- */

/* Two spans that call the same operation of the same peer, as far as both name it. */
bool attempts_same_call(const struct trace *trace, const struct span *a, const struct span *b);
/* Are both attempts of one call? */
bool attempts_are(const struct walker *walker, uint32_t a, uint32_t b);
/* Does the circuit breaker that forbade one call belong to the callee of another, by its name in
 * the breaker's words or as attempts of one call? */
bool attempts_breaker_of(const struct walker *walker, uint32_t breaker, uint32_t call);
struct attempts_row {
	unsigned int failed, all; /* how many failed in a row up to the last, of all attempts */
	bool refused_after;	  /* those after the one that stands for all were only refused */
};
/* The attempt that stands for a failing span: the last one of the same call that was not merely
 * refused after another failure, which is the span itself where it is no attempt; TRACE_NONE where
 * the last one succeeded. All other failed attempts get BIT_SUPERSEDED. */
uint32_t attempts_last(struct walker *walker, uint32_t span, struct attempts_row *ret_row);

/* ---- walk_words.c ---- */

enum words_tie {
	WORDS_APART,
	WORDS_NAMED,	/* the words above name the callee, or the code that it answered */
	WORDS_REPEATED, /* the words above hold those below, or those below hold them */
};
enum words_tie walk_words_tie(const struct walker *walker, uint32_t above, uint32_t below);
/* Do the words above and those of the failing chain from a call down have a word in common? */
bool walk_words_share(const struct walker *walker, uint32_t above, uint32_t below);
/* The first failing child, or TRACE_NONE. */
uint32_t walk_failing_child(const struct walker *walker, uint32_t span);
/* Does the failing chain from a call down say more than a code? */
bool walk_chain_says_why(const struct walker *walker, uint32_t span);

/* ---- walk_down.c ---- */

/* From a failing span down to the leaf. */
uint32_t walk_down(struct walker *walker, uint32_t span);
/* Does the walk look through a span that says nothing, on its way down from the failing `top`? */
bool walk_looks_through(const struct trace *trace, uint32_t top, uint32_t at);
/* Where no span failed: the nearest span at or below this one that says nothing but has an
 * exception event, or TRACE_NONE. */
uint32_t walk_exception_below(struct walker *walker, uint32_t span);

/* ---- walk_start.c ---- */

/* Marks the signal's spans. False: no span matches, and the root stands for the signal. */
bool walk_signal(struct walker *walker);
/* After walk_signal(): the failing span to begin with, or TRACE_NONE. */
uint32_t walk_start(struct walker *walker, bool signal_found);
/* Where no span failed: a span with an exception event to begin with, or TRACE_NONE. */
uint32_t walk_start_exception(struct walker *walker);

/* ---- walk_callee_calls.c ---- */

/* If the alert is about calls of one callee: marks these calls and all spans below them with
 * BIT_CALLS_PEER. Returns whether one of the marked spans failed. After walk_signal(). */
bool walk_mark_calls(struct walker *walker);

/* ---- walk_orphan.c ---- */

/* The orphan that has the name of a call's callee, for the walk to go on from, or TRACE_NONE. */
uint32_t walk_orphan_by_name(struct walker *walker, uint32_t call, const struct suspect *suspect);
/* Has the trace an orphan, failing or not, of a call's callee? Then the callee records spans, and
 * only the one that answered is missing. */
bool walk_orphan_of_callee(const struct walker *walker, const struct suspect *suspect);
/* May an orphan be what failed below a call whose callee has no span? */
bool walk_orphan_may_explain(const struct walker *walker, uint32_t call);
/* Tells of the orphans that the walk did not come through, and leaves them aside as others. */
void walk_orphans_tell(struct walker *walker, uint32_t leaf);

/* ---- walk_leaf.c ---- */

/* Whose fault the last failing span is. Returns a span from which the walk goes on; or TRACE_NONE,
 * and suspect and certainty are set. */
uint32_t walk_leaf(struct walker *walker, uint32_t leaf, struct suspect *suspect,
		   double *certainty);
/* A call that timed out, over a callee that did not fail: is time a better explanation than the
 * failing span below the callee? */
bool walk_leaf_is_slow(struct walker *walker, uint32_t client, uint32_t callee, uint32_t failing);

/* ---- walk_deadline.c ---- */

/* How long the callee of a call usually takes. callee: its span, or TRACE_NONE. False: healthy
 * traces do not tell. */
bool walk_usual_time(const struct walker *walker, uint32_t client, uint32_t callee,
		     struct callee_time *ret_time);
/* Did a call end by a deadline that was shorter than the callee's usual time, while the callee took
 * no longer than it usually does? */
bool walk_deadline_short(const struct walker *walker, uint32_t client, uint32_t callee,
			 const struct callee_time *usual);
/* The earlier call that used up a deadline which several calls, one after the other, had in common
 * and which expired during the leaf. *ret_top: the span whose deadline it was; *ret_child: its
 * child on the way to the leaf. TRACE_NONE: no such call. */
uint32_t walk_deadline_eater(const struct walker *walker, uint32_t leaf, uint32_t *ret_top,
			     uint32_t *ret_child);

/* ---- walk_latency.c ---- */

/* The service with the largest own time on the signal's critical path. */
void walk_latency(struct walker *walker, struct suspect *suspect, double *certainty);

/* ---- walk.c ---- */

/* A walk of seen's trace to a span that the vote found otherwise. Its path is the spans above that,
 * up to where `seen` began; it has no reasons. */
void walk_to_span(struct arena *arena, const struct walk *seen, uint32_t span,
		  enum suspect_kind kind, struct walk *ret_walk);

#endif
