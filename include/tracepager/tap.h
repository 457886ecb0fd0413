/*
 * Tap: what passes through the relay, told to whoever reads along: alerts that come in, decisions,
 * pages, states of incidents, what was refused. The rooms that tell call tap_is_on() first, so that
 * an event costs one branch where nobody reads. Each reader has a filter and gets events as JSON.
 *
 * It keeps no event and knows no connection: a reader that cannot take an event loses it, and says
 * so itself. No secret is in an event: of an alert its name, the labels that tell where it is and
 * its summary, of a refused body the reason. It owns the list of readers, who own themselves. Loop
 * thread only; tap_matches(), tap_write() and tap_kinds() are pure.
 */
#ifndef TRACEPAGER_TAP_H
#define TRACEPAGER_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "tracepager/alert.h"
#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"

enum tap_kind {
	TAP_ALERT,    /* a sender's word on an alert */
	TAP_DECISION, /* what became of it */
	TAP_PAGE,     /* a page is queued, delivered, tried again, rejected, dropped */
	TAP_INCIDENT, /* a line of an incident's story */
	TAP_REJECTED, /* a body or a request that was not taken */
	TAP_KINDS
};
const char *tap_kind_name(enum tap_kind kind); /* "alert" */

/* Texts may be NULL or "": then they are not told. */
struct tap_event {
	enum tap_kind kind;
	const char *what; /* "firing", "delivered", "opened" */
	const struct alert *alert;
	const char *alert_key;
	const char *sender;  /* NULL: that of the alert */
	const char *suspect; /* its service */
	const char *severity;
	const char *team, *incident, *pager;
	const char *page; /* "trigger" */
	const char *who;  /* a person, a peer */
	const char *text; /* for people */
};

/* Globs; "": all. */
struct tap_filter {
	unsigned int kinds; /* bits 1 << enum tap_kind; 0: all */
	char sender[LIMIT_TAP_GLOB_BYTES], team[LIMIT_TAP_GLOB_BYTES];
	char service[LIMIT_TAP_GLOB_BYTES]; /* of the suspect, or of the alert's label */
	char alert[LIMIT_TAP_GLOB_BYTES];   /* its name */
};

/* "alert,page" as bits. False: a word is no kind. */
bool tap_kinds(const char *words, unsigned int *ret_kinds);
bool tap_matches(const struct tap_filter *filter, const struct tap_event *event);
/* A JSON object, without a line end: {"at":…,"kind":"page","event":"delivered",…}. out has room for
 * LIMIT_TAP_EVENT_BYTES. */
void tap_write(const struct tap_event *event, int64_t at_us, struct buf *out);

struct tap_reader {
	LIST_ENTRY(tap_reader) link;
	struct tap_filter filter;
	/* The event is borrowed. It may not join or leave the tap. */
	void (*take)(void *ctx, const char *json, size_t len);
	void *ctx;
};

struct tap {
	const struct clock *clock; /* borrowed */
	LIST_HEAD(, tap_reader) readers;
	size_t nreaders;
	struct buf event; /* its memory is used again */
};

void tap_init(struct tap *tap, const struct clock *clock);
/* All readers have left. */
void tap_fini(struct tap *tap);
/* The caller's memory, until it leaves. */
void tap_join(struct tap *tap, struct tap_reader *reader);
void tap_leave(struct tap *tap, struct tap_reader *reader);

/* Does anybody read? tap NULL: nobody can. */
static inline bool tap_is_on(const struct tap *tap)
{
	return __builtin_expect(tap && tap->nreaders, 0);
}
/* Tells the readers whose filters match. Borrows the event. */
void tap_tell(struct tap *tap, const struct tap_event *event);

#endif
