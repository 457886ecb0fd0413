/*
 * What the files of relay/drill share: a drill and its stages, and the alert that this program
 * makes. Loop thread only.
 */
#ifndef TRACEPAGER_DRILL_INTERNAL_H
#define TRACEPAGER_DRILL_INTERNAL_H

#include <stdint.h>
#include <sys/queue.h>

#include "tracepager/drill.h"
#include "tracepager/limits.h"

/* ---- synthetic_alert.c ---- */

/* What the alert is about; the texts are borrowed. */
struct synthetic_order {
	const char *family;	 /* ALERT_FAMILY_… */
	const char *fingerprint; /* [0-9a-f], of one alert each */
	struct labels labels;
	const char *summary; /* annotation */
	const char *mark;    /* annotation DRILL_MARK; NULL: none */
	int64_t now_us;	     /* wall */
	int64_t lasts_us;    /* it ends by itself then */
};
/* Writes it as the body of an Alertmanager webhook, and reads that as a sender's body is read. The
 * arena keeps the alert. 0 or -errno with err. */
int synthetic_alert_make(struct arena *arena, const struct synthetic_order *order,
			 struct alert *ret_alert, struct err *err);

/* ---- a drill ---- */

enum stage_outcome {
	STAGE_RUNNING,
	STAGE_GOOD,
	STAGE_NOTED, /* a real alert would be paged all the same: no trace, no suspect */
	STAGE_BAD,
	STAGE_OUTCOME_COUNT
};

struct drill_stage {
	const char *name; /* "accepted" … "delivered", "resolved" */
	enum stage_outcome outcome;
	const char *pager; /* kept by the arena; NULL: it is about none */
	int64_t page;	   /* id of the page that it is about; 0: none */
	int64_t begun_us;  /* mono */
	int64_t took_us;   /* -1: it takes no time */
	int status;	   /* HTTP's; 0: none */
	const char *text;  /* kept by the arena */
};

enum drill_state {
	DRILL_PAGING,
	DRILL_RESOLVING,
	DRILL_OVER,
};

struct drill {
	TAILQ_ENTRY(drill) link;
	struct drills *drills;
	struct arena *arena;
	char id[DRILL_ID_SIZE], incident[LIMIT_INCIDENT_ID_CHARS + 1];
	const char *signal, *who, *key; /* key: of its alert */
	const char *summary, *team;	/* of its page; NULL: there is none (yet) */
	struct alert alert;
	bool no_resolve;
	bool taken;    /* its decision was carried out */
	bool answered; /* by the store: before that it is not freed */
	bool closed;   /* its incident */
	enum drill_state state;
	int64_t started_us, begun_us; /* wall, mono */
	struct timer look;	      /* something has happened */
	struct timer deadline;	      /* of the state */
	struct drill_stage *stages;
	size_t nstages;
};
TAILQ_HEAD(drill_list, drill);

struct drills {
	struct drills_env env;
	struct drill_list list; /* the youngest first */
	size_t n, nrunning;
};

/* ---- drill_stages.c: what befell it, as stages ---- */

/* NULL: there are too many. name and text: kept by the arena, or literals. */
struct drill_stage *drill_add_stage(struct drill *drill, const char *name,
				    enum stage_outcome outcome, int64_t took_us, const char *text);
bool drill_passed(const struct drill *drill);

void drill_tell_decision(struct drill *drill, const struct incident_sight *sight);
/* A page of it was queued, or moved on. */
void drill_tell_queued(struct drill *drill, const struct stored_page *page);
void drill_tell_page(struct drill *drill, const struct incident_sight *sight);

#endif
