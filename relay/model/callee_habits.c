/*
 * Callee habits: how long callees usually take, and which service answers to which name, from
 * healthy traces. callee_habits.h explains it.
 */
#include "tracepager/callee_habits.h"

#include <stdlib.h>
#include <string.h>

#include "strata-internal.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "walk-internal.h"

/* An operation with the durations that the median is taken of. */
struct habit_time {
	const char *namespace, *service, *operation;
	bool call;
	uint32_t traces, last_trace;
	int64_t *us;
	uint32_t n;
};

/* A name; service NULL: two services answer to it. */
struct habit_name {
	const char *name, *namespace, *service;
};

/* An allocation may be rounded up to 16 bytes. */
#define HABIT_TEXT ((size_t)LIMIT_HABIT_TEXT_BYTES + 17)
#define HABIT_BYTES                                                                                \
	(LIMIT_HABIT_TIMES * (sizeof(struct habit_time) + 3 * HABIT_TEXT +                         \
			      LIMIT_HABIT_SAMPLES * sizeof(int64_t) + 32) +                        \
	 LIMIT_HABIT_NAMES * (sizeof(struct habit_name) + 3 * HABIT_TEXT + 32))

struct callee_habits {
	struct arena *arena;
	struct map *index; /* times and names by their keys */
	struct habit_time *times[LIMIT_HABIT_TIMES];
	struct habit_name *names[LIMIT_HABIT_NAMES];
	uint32_t ntimes, nnames;
	uint32_t ntraces; /* that were learned from; counts each operation once per trace */
};

struct callee_habits *callee_habits_new(void)
{
	struct callee_habits *habits = xcalloc(1, sizeof(*habits));

	habits->arena = arena_new(HABIT_BYTES);
	habits->index = map_new();
	return habits;
}

void callee_habits_free(struct callee_habits *habits)
{
	if (!habits)
		return;
	map_free(habits->index);
	arena_free(habits->arena);
	free(habits);
}

size_t callee_habits_bytes(const struct callee_habits *habits)
{
	return habits ? sizeof(*habits) + arena_used(habits->arena) : 0;
}

static bool habit_text_fits(const char *text)
{
	return strnlen(text, LIMIT_HABIT_TEXT_BYTES + 1) <= LIMIT_HABIT_TEXT_BYTES;
}

/* ---- times ---- */

static char *time_key(const char *namespace, const char *service, const char *operation, bool call)
{
	return xasprintf("%c%s\x1f%s\x1f%s", call ? '\x02' : '\x01', namespace, service, operation);
}

/* The entry of an operation, which is made where there is room. NULL: there is none. */
static struct habit_time *time_entry(struct callee_habits *habits, const char *namespace,
				     const char *service, const char *operation, bool call,
				     uint32_t samples)
{
	struct habit_time *time;

	if (service[0] == '\0' || !habit_text_fits(namespace) || !habit_text_fits(service) ||
	    !habit_text_fits(operation))
		return NULL;
	CLEANUP_FREE char *key = time_key(namespace, service, operation, call);
	time = map_get(habits->index, key);
	if (time || habits->ntimes == LIMIT_HABIT_TIMES)
		return time;
	time = arena_alloc(habits->arena, sizeof(*time));
	time->namespace = arena_strdup(habits->arena, namespace);
	time->service = arena_strdup(habits->arena, service);
	time->operation = arena_strdup(habits->arena, operation);
	time->call = call;
	time->us = arena_array(habits->arena, samples, sizeof(*time->us));
	habits->times[habits->ntimes++] = time;
	map_put(habits->index, key, time);
	return time;
}

static void learn_time(struct callee_habits *habits, struct arena *scratch, const char *namespace,
		       const char *service, const char *name, bool call, int64_t us)
{
	struct habit_time *time =
		time_entry(habits, namespace, service, operation_without_ids(scratch, name), call,
			   LIMIT_HABIT_SAMPLES);

	if (!time)
		return;
	if (time->last_trace != habits->ntraces) {
		time->last_trace = habits->ntraces;
		time->traces++;
	}
	if (time->n < LIMIT_HABIT_SAMPLES)
		time->us[time->n++] = us;
}

static int habit_compare_us(const void *a, const void *b)
{
	int64_t ua = *(const int64_t *)a, ub = *(const int64_t *)b;

	return (ua > ub) - (ua < ub);
}

static void time_tell(const struct habit_time *time, struct callee_time *ret_time)
{
	int64_t us[LIMIT_HABIT_SAMPLES];

	memcpy(us, time->us, time->n * sizeof(*us));
	qsort(us, time->n, sizeof(*us), habit_compare_us);
	*ret_time = (struct callee_time){ time->namespace, time->service, time->operation,
					  time->call,	   time->traces,  us[(time->n - 1) / 2] };
}

bool callee_habits_time(const struct callee_habits *habits, struct arena *arena,
			const char *namespace, const char *service, const char *operation,
			bool call, struct callee_time *ret_time)
{
	const struct habit_time *time;

	if (!habits)
		return false;
	CLEANUP_FREE char *key =
		time_key(namespace, service, operation_without_ids(arena, operation), call);
	time = map_get(habits->index, key);
	if (!time || time->traces < LIMIT_HABIT_LEAST)
		return false;
	time_tell(time, ret_time);
	return true;
}

/* ---- names ---- */

static struct habit_name *name_get(const struct callee_habits *habits, const char *name)
{
	CLEANUP_FREE char *key = xasprintf("\x03%s", name);

	return map_get(habits->index, key);
}

static void learn_name(struct callee_habits *habits, const char *name, const char *namespace,
		       const char *service)
{
	struct habit_name *known;

	if (!habit_text_fits(name) || !habit_text_fits(namespace) || !habit_text_fits(service))
		return;
	known = name_get(habits, name);
	if (known) {
		if (known->service && (strcmp(known->service, service) != 0 ||
				       strcmp(known->namespace, namespace) != 0))
			known->service = NULL;
		return;
	}
	if (habits->nnames == LIMIT_HABIT_NAMES)
		return;
	CLEANUP_FREE char *key = xasprintf("\x03%s", name);
	known = arena_alloc(habits->arena, sizeof(*known));
	known->name = arena_strdup(habits->arena, name);
	known->namespace = arena_strdup(habits->arena, namespace);
	known->service = arena_strdup(habits->arena, service);
	habits->names[habits->nnames++] = known;
	map_put(habits->index, key, known);
}

/* May a peer name mean one service? No address without a port does, nor the host of a name with a
 * port: many services run on one host. */
static bool name_is_telling(const struct suspect *suspect, unsigned int at)
{
	const char *name = suspect->peers[at];
	size_t len = strlen(name);

	if (peer_is_address(name) || strcmp(name, "localhost") == 0)
		return false;
	for (unsigned int i = 0; i < suspect->npeers; i++) {
		const char *other = suspect->peers[i];

		if (strncmp(other, name, len) == 0 && other[len] == ':')
			return false;
	}
	return true;
}

bool callee_habits_name(const struct callee_habits *habits, struct arena *arena,
			const struct suspect *suspect, struct callee_name *ret_name)
{
	const struct habit_name *known;

	for (unsigned int i = 0; habits && i < suspect->npeers; i++) {
		if (!name_is_telling(suspect, i))
			continue;
		known = name_get(habits, suspect->peers[i]);
		if (!known || !known->service)
			continue;
		*ret_name = (struct callee_name){ arena_strdup(arena, known->name),
						  arena_strdup(arena, known->namespace),
						  arena_strdup(arena, known->service) };
		return true;
	}
	return false;
}

/* ---- a trace ---- */

/* A call: its time, for its callee; and the callee's names, where a service answered. */
static void learn_call(struct callee_habits *habits, struct arena *scratch,
		       const struct trace *trace, uint32_t span)
{
	const struct span *call = &trace->spans[span];
	uint32_t answer = span_answer(trace, span);
	const char *name = trace_text(trace, call->name), *service, *namespace = "";
	struct suspect suspect = { .trace = trace, .span = span };

	if (answer == TRACE_NONE && call->first_child != TRACE_NONE)
		return; /* a driver's span over its transport's, which is learned itself */
	peer_names(scratch, trace, call, &suspect);
	if (answer != TRACE_NONE) {
		service = span_service(trace, &trace->spans[answer]);
		namespace =
			trace_text(trace, span_resource(trace, &trace->spans[answer])->namespace);
		if (call->kind == SPAN_CLIENT && service[0] != '\0')
			for (unsigned int i = 0; i < suspect.npeers; i++)
				if (name_is_telling(&suspect, i))
					learn_name(habits, suspect.peers[i], namespace, service);
	} else {
		service = suspect.npeers > 0 ? suspect.peers[0] : "";
	}
	/* The name of an HTTP call may be a bare method, which all operations of a callee share. */
	if (operation_tells(name) && !span_failing(trace, call, true))
		learn_time(habits, scratch, namespace, service, name, true, call->duration_us);
}

void callee_habits_learn(struct callee_habits *habits, const struct trace *trace)
{
	struct arena *scratch = arena_new(LIMIT_WALK_SCRATCH_BYTES);

	habits->ntraces++;
	for (uint32_t i = 0; i < trace->nspans; i++) {
		const struct span *span = &trace->spans[i];

		if (span->kind == SPAN_CLIENT || span->kind == SPAN_PRODUCER)
			learn_call(habits, scratch, trace, i);
		else if (span->kind == SPAN_SERVER && !span_failing(trace, span, true))
			learn_time(habits, scratch,
				   trace_text(trace, span_resource(trace, span)->namespace),
				   span_service(trace, span), trace_text(trace, span->name), false,
				   span->duration_us);
	}
	arena_free(scratch);
}

/* ---- the codec's side ---- */

uint32_t callee_habits_ntimes(const struct callee_habits *habits)
{
	return habits ? habits->ntimes : 0;
}

uint32_t callee_habits_nnames(const struct callee_habits *habits)
{
	return habits ? habits->nnames : 0;
}

void callee_habits_time_at(const struct callee_habits *habits, uint32_t i,
			   struct callee_time *ret_time)
{
	time_tell(habits->times[i], ret_time);
}

bool callee_habits_name_at(const struct callee_habits *habits, uint32_t i,
			   struct callee_name *ret_name)
{
	const struct habit_name *name = habits->names[i];

	*ret_name = (struct callee_name){ name->name, name->namespace, name->service };
	return name->service != NULL;
}

void callee_habits_put_time(struct callee_habits *habits, const struct callee_time *time)
{
	struct habit_time *entry =
		time_entry(habits, time->namespace, time->service, time->operation, time->call, 1);

	if (!entry)
		return;
	entry->traces = time->traces;
	entry->us[0] = time->us;
	entry->n = 1;
}

void callee_habits_put_name(struct callee_habits *habits, const struct callee_name *name)
{
	learn_name(habits, name->name, name->namespace, name->service);
}
