/*
 * Walk names: the words for the enums of walk.h and signal.h, as they stand in decisions, rules and
 * pages. They are promises to users: never change one.
 */
#include "tracepager/walk.h"

const char *walk_mode_name(enum walk_mode mode)
{
	switch (mode) {
	case WALK_ERRORS:
		return "errors";
	case WALK_LATENCY:
		return "latency";
	case WALK_AUTO:
		break;
	}
	return "auto";
}

const char *suspect_kind_name(enum suspect_kind kind)
{
	switch (kind) {
	case SUSPECT_SPAN:
		return "span";
	case SUSPECT_PEER:
		return "peer";
	case SUSPECT_CALLER:
		return "caller";
	case SUSPECT_SLOW:
		return "slow";
	case SUSPECT_EDGE:
		return "edge";
	}
	return "span";
}

const char *fallback_code_name(enum fallback_code code)
{
	static const char *const names[] = {
		[FALLBACK_NONE] = "none",
		[FALLBACK_NO_SIGNAL] = "no_signal",
		[FALLBACK_NO_TRACE] = "no_trace",
		[FALLBACK_TRACE_NOT_FOUND] = "trace_not_found",
		[FALLBACK_TRACE_TOO_LARGE] = "trace_too_large",
		[FALLBACK_BAD_TRACE] = "bad_trace",
		[FALLBACK_BUDGET_SPENT] = "budget_spent",
		[FALLBACK_SOURCE_ERROR] = "source_error",
		[FALLBACK_NO_FAILING_SPAN] = "no_failing_span",
		[FALLBACK_LOW_CONFIDENCE] = "low_confidence",
		[FALLBACK_NO_OWNER] = "no_owner",
		[FALLBACK_CRASHED] = "crashed",
	};

	return names[code];
}
