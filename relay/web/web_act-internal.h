/*
 * Web act: an act that a request asks for. It is carried out at once, and told when it is on disk.
 * Loop thread only.
 */
#ifndef TRACEPAGER_WEB_ACT_INTERNAL_H
#define TRACEPAGER_WEB_ACT_INTERNAL_H

#include "tracepager/act.h"
#include "tracepager/arena.h"

#include "web-internal.h"
#include "web_job-internal.h"

enum web_act_outcome {
	WEB_ACT_DONE,
	WEB_ACT_ALREADY,
	WEB_ACT_REFUSED, /* it cannot be done, or the incident is over */
	WEB_ACT_UNKNOWN,
	WEB_ACT_NOT_KEPT, /* the store failed: nothing was answered for sure */
};

struct web_act {
	struct web_job job;
	struct arena *arena; /* of the texts of act */
	struct act act;
	/* Replies; the act is freed behind it. */
	void (*tell)(struct web_act *act);
	/* Frees what a longer struct owns. NULL: nothing. */
	void (*release)(struct web_act *act);
	enum web_act_outcome outcome;
	struct buf words; /* a sentence for who asked */
	int64_t ended_us; /* what ended until then takes no word any more; 0: whenever it ended */
	bool is_past;	  /* the incident is over and told to all, since closed_us */
	int64_t closed_us;
};

/* An act of that size, zeroed but for its first members. */
struct web_act *web_act_new(size_t size, struct web *web, struct http_exchange *exchange);
/* Carries out act->act. tell() follows, in this turn or later. */
void web_act_start(struct web_act *act);
/* Who acts: who the request says, "ann (token grafana)" where a token speaks for somebody else,
 * else the token's name. Kept by the arena. */
const char *web_act_who(const struct web_request *request, struct arena *arena, const char *who);

#endif
