/*
 * Source health: whether a source is well, and when to say so: one line when it begins to fail, one
 * when it is well again, not one for each question. Pure; owns nothing.
 */
#include "fetch-internal.h"

enum source_news source_health_note(struct source_health *health, bool answered, int64_t now_us)
{
	if (answered) {
		if (!health->fails || now_us - health->failed_us < LIMIT_SOURCE_WELL_US)
			return SOURCE_NO_NEWS;
		health->fails = false;
		return SOURCE_ANSWERS_AGAIN;
	}
	health->failed_us = now_us;
	health->nfailed = health->fails ? health->nfailed + 1 : 1;
	if (health->fails && now_us - health->told_us < LIMIT_SOURCE_TOLD_US)
		return SOURCE_NO_NEWS;
	const bool still = health->fails;
	health->fails = true;
	health->told_us = now_us;
	return still ? SOURCE_FAILS_STILL : SOURCE_FAILS;
}
