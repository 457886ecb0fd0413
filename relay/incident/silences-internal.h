/*
 * Silences made at run time: the list of them, those that ended within LIMIT_SILENCE_KEPT_US too,
 * and the set of those in force or to come, by which alerts are decided and incidents judged. Each
 * change, begin and end is told, also those of silences of the rules. It refuses to know what they
 * silence. Owns the silences, the set and one timer. Loop thread only.
 */
#ifndef TRACEPAGER_INCIDENT_SILENCES_INTERNAL_H
#define TRACEPAGER_INCIDENT_SILENCES_INTERNAL_H

#include "tracepager/incident.h"
#include "tracepager/silence.h"
#include "turn-internal.h"

struct silence_book;

struct silence_ops {
	/* What is silenced may have changed. set: borrowed until the call returns. */
	void (*changed)(void *ctx, struct silence_set *set);
	void (*write_failed)(void *ctx);
	void *ctx;
};

struct silence_book *silences_new(const struct incident_env *env, struct turns *turns,
				  const struct silence_ops *ops, struct ruleset *rules);
void silences_free(struct silence_book *book); /* takes NULL */
/* Silences of the rules begin and end too. Takes its own reference, and tells a change. */
void silences_set_rules(struct silence_book *book, struct ruleset *rules);
/* The wall clock was set. */
void silences_clock_was_set(struct silence_book *book);

/* As those of incident.h. */
int silences_add(struct silence_book *book, const char *doc, size_t len, const char *who,
		 char ret_id[SILENCE_ID_SIZE], struct err *err);
int silences_change(struct silence_book *book, const char *id, const char *doc, size_t len,
		    const char *who, struct err *err);
int silences_end(struct silence_book *book, const char *id, const char *who, struct err *err);
void silences_each(const struct silence_book *book, const char *after,
		   incident_silence_viewer *viewer, void *ctx);
bool silences_view(const struct silence_book *book, const char *id, incident_silence_viewer *viewer,
		   void *ctx);
size_t silences_active(const struct silence_book *book); /* in force now, without the rules' */

/* At a start: from the store; then, once, what they say. */
void silences_load(struct silence_book *book, const struct stored_silence *row);
void silences_settle(struct silence_book *book);
/* Writes again what the store missed. */
void silences_heal(struct silence_book *book);

#endif
