/*
 * Relay: the daemon put together. It owns the event base, the turn, and every part; the parts know
 * each other only through what is handed to them here.
 */
#ifndef TRACEPAGER_RELAY_H
#define TRACEPAGER_RELAY_H

#include "tracepager/config.h"
#include "tracepager/findings.h"
#include "tracepager/http.h"
#include "tracepager/timers.h"

struct relay;

struct relay_options {
	struct config *config; /* borrowed; a reload replaces its secrets */
	struct ruleset
		*rules;	 /* borrowed; NULL: loaded from config->rules, and again at a reload */
	bool is_service; /* what NOTIFY_SOCKET names, if it is set, is told of start, reload and end
			  */
	bool take_over;	 /* the relay that has the store passes its sockets and drains */
	int console_fd;	 /* where pages of kind console go */
};

/* Opens the store, recovers what it holds, listens. Returns 0 and a relay, or -errno: findings
 * where it is the rules, else err. */
int relay_new(const struct relay_options *options, struct relay **ret_relay,
	      struct findings *findings, struct err *err);
/* Until SIGTERM or SIGINT (what is under way gets a moment to end), or relay_stop(). Returns 0 or
 * -errno. */
int relay_run(struct relay *relay);
void relay_stop(struct relay *relay);
void relay_free(struct relay *relay); /* takes NULL */

int relay_port(const struct relay *relay);
/* For what runs beside it on the same loop: the demonstration. */
struct timers *relay_timers(struct relay *relay);
const struct http_transport *relay_transport(struct relay *relay);

#endif
