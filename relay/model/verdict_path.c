/*
 * Verdict path: does the path of a verdict lead from the signal's span to the suspect without a
 * gap? A verdict whose evidence does not hang together is not trusted, whatever its votes are
 * (tracepager-walk(7), section 9). Checks only: it changes no path.
 */
#include <string.h>

#include "tracepager/limits.h"
#include "vote-internal.h"
#include "walk-internal.h"

/* The suspect has a span at the end of the path, or is a callee of it. */
static bool ends_at_suspect(const struct walk *walk, const struct suspect *suspect)
{
	const struct trace *trace = walk->trace;
	uint32_t leaf = walk->path[walk->npath - 1], child;

	if (suspect->trace != trace || suspect->span != leaf)
		return false;
	/* A callee without spans, also where the rules made it the suspect in place of the slow
	 * service that waited for it; or one whose service no span names. */
	if (suspect->kind == SUSPECT_PEER || suspect->kind == SUSPECT_EDGE ||
	    (suspect->kind == SUSPECT_SLOW && suspect->callee) ||
	    strcmp(span_service(trace, &trace->spans[leaf]), suspect->service) == 0 ||
	    strncmp(span_service(trace, &trace->spans[leaf]), "unknown_service", 15) == 0)
		return true;
	for (child = trace->spans[leaf].first_child; child != TRACE_NONE;
	     child = trace->spans[child].next_sibling)
		if (strcmp(span_service(trace, &trace->spans[child]), suspect->service) == 0)
			return true;
	return false;
}

enum verdict_path verdict_path_check(const struct walk *walk, const struct suspect *suspect,
				     uint32_t from)
{
	const struct span *spans = walk->trace->spans;

	if (walk->npath == 0 || !ends_at_suspect(walk, suspect))
		return VERDICT_PATH_BROKEN;
	for (uint32_t i = 1; i < walk->npath; i++)
		if (spans[walk->path[i]].parent != walk->path[i - 1])
			return VERDICT_PATH_BROKEN;
	for (uint32_t i = 0; i < walk->npath; i++)
		if (walk->path[i] == from || walk->path[i] == walk->signal_span)
			return VERDICT_PATH_WHOLE;
	/* The span has a link to its cause, or its parent is missing. */
	if (spans[walk->path[0]].flags & SPAN_FOLLOWS)
		return VERDICT_PATH_JOINED;
	return spans[walk->path[0]].parent == TRACE_NONE && walk->joined ? VERDICT_PATH_JOINED
									 : VERDICT_PATH_BROKEN;
}

void verdict_limit_path(struct arena *arena, uint32_t from, double threshold,
			struct verdict *verdict)
{
	if (!verdict->walk ||
	    verdict_path_check(verdict->walk, &verdict->suspect, from) != VERDICT_PATH_BROKEN)
		return;
	verdict_cap(arena, VERDICT_LIMIT_PATH_GAP, threshold, verdict);
}
