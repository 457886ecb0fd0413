/*
 * Signal: names of what a signal asks for. Owns nothing.
 */
#include "tracepager/signal.h"

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
