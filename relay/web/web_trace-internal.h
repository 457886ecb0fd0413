/*
 * Web trace and decision: what the page of an incident shows of a stored trace, and of a decision
 * in JSON. Pure; any thread. The arena keeps what they return; texts are borrowed from what they
 * are given.
 */
#ifndef TRACEPAGER_WEB_TRACE_INTERNAL_H
#define TRACEPAGER_WEB_TRACE_INTERNAL_H

#include <jansson.h>

#include "tracepager/arena.h"
#include "tracepager/html_pages.h"
#include "tracepager/trace.h"

/* The rows of a trace: all spans, or of a large one the path, what failed, and the spans right
 * below the path, LIMIT_WATERFALL_ROWS at most. path: ids of the spans from the signal to the
 * suspect. zoom: the id of the span that is shown with all below it; "" all. */
void web_trace_rows(struct arena *arena, const struct trace *trace, const char *const *path,
		    size_t npath, const char *zoom, struct html_trace *ret_trace);

/* The decision's verdict; borrows from decision. */
void web_decision_verdict(struct arena *arena, const json_t *decision,
			  struct html_verdict *ret_verdict);
/* The ids of the decision's traces, those with a path first; returns their number. */
size_t web_decision_traces(struct arena *arena, const json_t *decision,
			   const char *const **ret_ids);
/* The ids of the spans of a trace's path. */
size_t web_decision_path(struct arena *arena, const json_t *decision, const char *trace_id,
			 const char *const **ret_ids);
/* The alerts of a page: page.alert_list, parsed. */
size_t web_page_alerts(struct arena *arena, const json_t *list,
		       const struct html_alert **ret_alerts);

#endif
