/*
 * Callee habits: what healthy traces tell of callees, for the walk of failing ones
 * (tracepager-walk(7), section 5): how long an operation of a callee usually takes, and which
 * service answers to a name by which callers know their callee.
 *
 * It refuses to judge: it knows no verdict and no rule. It owns copies of all its texts, and its
 * size has a cap (LIMIT_HABIT_TIMES, LIMIT_HABIT_NAMES): what does not fit is not learned.
 *
 * No clock, no I/O: any thread. Habits belong to one thread at a time while they learn; afterwards
 * any number of threads may read them. All functions that read take NULL for "nothing is known".
 */
#ifndef TRACEPAGER_CALLEE_HABITS_H
#define TRACEPAGER_CALLEE_HABITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/arena.h"

struct suspect;
struct trace;

/* How long an operation of a callee takes. Texts are kept by the habits. */
struct callee_time {
	const char *namespace, *service; /* a callee without spans: "" and its first peer name */
	const char *operation;		 /* without ids */
	bool call;	 /* the time and the name of the caller's span; false: of the callee's */
	uint32_t traces; /* healthy traces that have it */
	int64_t us;	 /* the median */
};

/* The service that answers to a name. Texts are kept by the habits. */
struct callee_name {
	const char *name, *namespace, *service;
};

struct callee_habits;

struct callee_habits *callee_habits_new(void); /* the caller frees */
void callee_habits_free(struct callee_habits *habits);
size_t callee_habits_bytes(const struct callee_habits *habits);

/* Learns from a healthy trace, which is borrowed for the call. */
void callee_habits_learn(struct callee_habits *habits, const struct trace *trace);

/* How long an operation usually takes. operation: the span's name; the arena is scratch. False:
 * fewer than LIMIT_HABIT_LEAST healthy traces have it. */
bool callee_habits_time(const struct callee_habits *habits, struct arena *arena,
			const char *namespace, const char *service, const char *operation,
			bool call, struct callee_time *ret_time);
/* The service that answers to the first known of the suspect's peer names. False: healthy traces
 * show none, or two services, behind each name. */
bool callee_habits_name(const struct callee_habits *habits, struct arena *arena,
			const struct suspect *suspect, struct callee_name *ret_name);

/* For the codec: the time or name of an index below the count; false: it is not to be stored. */
uint32_t callee_habits_ntimes(const struct callee_habits *habits);
uint32_t callee_habits_nnames(const struct callee_habits *habits);
void callee_habits_time_at(const struct callee_habits *habits, uint32_t i,
			   struct callee_time *ret_time);
bool callee_habits_name_at(const struct callee_habits *habits, uint32_t i,
			   struct callee_name *ret_name);
/* Adds what was stored; texts are copied. */
void callee_habits_put_time(struct callee_habits *habits, const struct callee_time *time);
void callee_habits_put_name(struct callee_habits *habits, const struct callee_name *name);

#endif
