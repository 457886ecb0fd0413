/*
 * Silences that people make while the relay runs: matchers on an alert's labels, a glob on the
 * suspect's service, a team, and a window of time in which what fits them pages nobody. A silence
 * never changes: to end one, or to move its end, a new one with its id takes its place. Silences
 * are gathered in sets, which never change either and are reference-counted, so that a decision on
 * another thread keeps the set that it began with. Those of the rules stand in rules.h.
 *
 * It refuses a silence that would silence everything by mistake. It knows no clock, and keeps
 * nothing over a restart: the incident room does. Any thread may call.
 */
#ifndef TRACEPAGER_SILENCE_H
#define TRACEPAGER_SILENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/alert.h"
#include "tracepager/buf.h"
#include "tracepager/err.h"
#include "tracepager/limits.h"
#include "tracepager/rules.h"

#define SILENCE_ID_SIZE 9 /* 8 hexadecimal digits, and a NUL */

/* What a person asks for, and what the store keeps. Texts are never NULL; times are wall times. */
struct silence_spec {
	const char *id;
	const char *matchers[LIMIT_SILENCE_MATCHERS]; /* Alertmanager's, all must hold */
	size_t nmatchers;
	const char *suspect; /* a glob on the suspect's service; "": any, or none */
	const char *team;    /* the team that would be paged; "": any */
	bool all;	     /* nothing narrows it, and that is meant */
	bool tell;	     /* recipients of incidents that it silences learn of begin and end */
	int64_t starts_us, ends_us; /* ends is not part of it */
	const char *author, *reason;
	int64_t created_us;
	const char *ended_by; /* who ended it before its time; "": nobody */
};

struct made_silence; /* one of them, compiled */

/* The JSON of one, as the API and the store have it: {"matchers":["alertname=DiskFull"], "suspect",
 * "team", "all", "tell", "starts_at", "ends_at" (or "duration_s" from the start on), "author",
 * "reason", "id", "created_at", "ended_by"}. What is missing keeps what *spec had. strict: a member
 * of another name is an error, since a misspelt condition would silence more than was meant; else
 * it is skipped. Texts are kept by the arena. 0, or -errno with err. */
int silence_spec_read(struct arena *arena, const char *text, size_t len, bool strict,
		      struct silence_spec *spec, struct err *err);
/* "state" (silence_state_name()), "source" ("api", "rules") and "place" stand beside what is read.
 * rules_place: of one of the rules, which has no id and no creation; NULL: made at run time. */
void silence_spec_write(const struct silence_spec *spec, const char *rules_place, int64_t now_us,
			struct buf *out);
/* From when on it holds; 0: one that began when it was made holds also when the wall clock is set
 * back. */
int64_t silence_spec_start_us(const struct silence_spec *spec);
/* "pending", "active", "ended". */
const char *silence_state_name(int64_t starts_us, int64_t ends_us, int64_t now_us);
/* What it silences, for a person: `alertname="DiskFull", suspect ledger*, team shop`. */
void silence_spec_scope(const struct silence_spec *spec, struct buf *out);

/* Copies the spec and compiles it; with one reference. -EINVAL with err: a matcher or the glob is
 * wrong. */
int made_silence_new(const struct silence_spec *spec, struct made_silence **ret_silence,
		     struct err *err);
struct made_silence *made_silence_ref(struct made_silence *silence);
void made_silence_unref(struct made_silence *silence); /* takes NULL */
/* Is it fit to be made or changed now? 0, or -EINVAL with err, which names the cure. */
int made_silence_check(const struct made_silence *silence, int64_t now_us, struct err *err);
const struct silence_spec *made_silence_spec(const struct made_silence *silence);
/* Its window, author and reason; the place is "silence ID". */
const struct silence *made_silence_silence(const struct made_silence *silence);

/* What is asked about. A condition on what is not known yet (NULL) does not hold. */
struct silence_subject {
	const struct labels *labels;
	const char *suspect; /* its service; NULL or "": there is none */
	const char *team;
};

struct silence_set;

/* Takes references of its own to the silences, which may be in any order. */
struct silence_set *silence_set_new(struct made_silence *const *silences, size_t n);
struct silence_set *silence_set_ref(struct silence_set *set); /* takes NULL */
void silence_set_unref(struct silence_set *set);	      /* takes NULL */
/* The silence that holds the subject at this time; of several the one that ends last; NULL: none.
 * Borrowed from the set. A set that is NULL is empty. */
const struct made_silence *silence_set_find(const struct silence_set *set,
					    const struct silence_subject *subject, int64_t wall_us);
/* The silence with that id; NULL: the set has none. */
const struct made_silence *silence_set_get(const struct silence_set *set, const char *id);
/* The next start or end after this time; 0: nothing begins or ends any more. */
int64_t silence_set_next_us(const struct silence_set *set, int64_t wall_us);

#endif
