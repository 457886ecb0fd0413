/*
 * Pace: how often a source may be asked: the generic cell rate algorithm (ITU-T I.371), whose whole
 * state is one time. Pure; owns nothing.
 */
#include "fetch-internal.h"

int64_t pace_take(struct pace *pace, int64_t pause_us, unsigned int burst, int64_t now_us)
{
	int64_t full_us = pace->full_us > now_us ? pace->full_us : now_us;
	int64_t wait_us = full_us - (int64_t)(burst - 1) * pause_us - now_us;

	pace->full_us = full_us + pause_us;
	return wait_us > 0 ? wait_us : 0;
}

void pace_give_back(struct pace *pace, int64_t pause_us)
{
	pace->full_us -= pause_us;
}
