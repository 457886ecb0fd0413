/*
 * Alerts: what is known of each, from acceptance to its end; its copies, repeats, resolves, expiry,
 * attempts. It refuses to know incidents: it tells of what happens by messages, and is told to
 * which incident an alert belongs. Owns the alerts and their enrichments. Loop thread only.
 */
#ifndef TRACEPAGER_INCIDENT_ALERTS_INTERNAL_H
#define TRACEPAGER_INCIDENT_ALERTS_INTERNAL_H

#include "enrich-internal.h"
#include "life-internal.h"
#include "tracepager/incident.h"
#include "turn-internal.h"

#define INCIDENT_ID_SIZE 33 /* 32 hexadecimal digits */

struct alert_book;

enum alert_says {
	ALERT_SAYS_DECIDED,   /* its first decision, or the first of a new episode */
	ALERT_SAYS_LATE,      /* late traces decided again; its page has left */
	ALERT_SAYS_REPEATED,  /* it still fires */
	ALERT_SAYS_REFIRED,   /* it had ended, and fires again while its incident is not over */
	ALERT_SAYS_RESOLVED,  /* its monitor says that it is over */
	ALERT_SAYS_EXPIRED,   /* nobody repeated it */
	ALERT_SAYS_FORGOTTEN, /* it ended long ago; its record goes */
};

/* What an alert tells its incident. No member points into the book, so that a message could be
 * stored. Borrowed until tell() returns. */
struct alert_message {
	enum alert_says says;
	const char *key;      /* of the alert */
	const char *incident; /* id of the incident that it belongs to; "" none */
	const struct alert *alert;
	int64_t begun_us;	       /* mono: acceptance, or the restart */
	bool more;		       /* more alerts of the same body are on their way */
	struct enrichment *enrichment; /* DECIDED, LATE: the decision */
	const char *note;	       /* EXPIRED: "nothing was heard of it for 26 h" */
};

struct alert_ops {
	/* DECIDED and LATE are answered by alerts_belong() within the call, where the alert belongs
	 * to an incident. */
	void (*tell)(void *ctx, const struct alert_message *message);
	void (*write_failed)(
		void *ctx); /* the store missed something: alerts_heal() some time later */
	void *ctx;
};

struct alert_book *alerts_new(const struct incident_env *env, struct turns *turns,
			      const struct alert_ops *ops, struct ruleset *rules);
void alerts_free(struct alert_book *book); /* takes NULL */
/* At the end of every turn: what alerts_get() gave is borrowed no longer. */
void alerts_end_turn(struct alert_book *book);
void alerts_set_rules(struct alert_book *book, struct ruleset *rules); /* takes its own reference */
/* Those made at run time, or those of the rules, have changed, or one begins or ends: alerts that a
 * silence kept from paging and that none keeps any more are decided again, in slices. Takes its own
 * reference. */
void alerts_set_silences(struct alert_book *book, struct silence_set *silences);
size_t alerts_silenced(const struct alert_book *book); /* quiet by a silence */
struct ruleset *alerts_rules(const struct alert_book *book);

/* more: alerts of the same body that are still to come. */
enum accept_result alerts_accept(struct alert_book *book, const struct alert *alert, size_t more);
/* The relay's own span of the alert that was accepted last; false: it is not traced. */
bool alerts_traced(const struct alert_book *book, struct span_context *ret_context);
/* A person resolved its incident: it pages nobody until then (wall), but for a new episode. */
void alerts_hush(struct alert_book *book, const char *key, int64_t until_us);
/* The alert belongs to that incident from now on; id "": to none. Stored with its next write, which
 * is this turn's. */
void alerts_belong(struct alert_book *book, const char *key, const char *id);
/* The last word on an alert; NULL: it is not known. Borrowed until the end of the turn. */
const struct alert *alerts_get(const struct alert_book *book, const char *key);
bool alerts_fires(const struct alert_book *book, const char *key); /* known, and not ended */

/* As incidents_each_alert() and incidents_knows_alert(); team is "". */
void alerts_each(const struct alert_book *book, const char *after, incident_alert_viewer *viewer,
		 void *ctx);
bool alerts_knows(const struct alert_book *book, const char *key);

size_t alerts_known(const struct alert_book *book);
size_t alerts_unfinished(const struct alert_book *book); /* accepted and not decided */
/* How long the oldest of these has waited since its acceptance, or since the restart; 0: there is
 * none. */
int64_t alerts_oldest_us(const struct alert_book *book);
const struct life_counts *alerts_counts(const struct alert_book *book);
const struct life_counts *alerts_enrichment_counts(const struct alert_book *book);

/* Writes again what the store missed, at most n alerts; true: there is more. */
bool alerts_heal(struct alert_book *book, size_t n);

/* At a start, before the loop runs: from the store. known(): is there such an incident? */
void alerts_load(struct alert_book *book, const struct stored_alert *row,
		 bool (*known)(void *ctx, const char *incident), void *ctx);
void alerts_load_sender(struct alert_book *book, const struct stored_sender *row);
size_t alerts_loaded_unfinished(const struct alert_book *book);

#endif
