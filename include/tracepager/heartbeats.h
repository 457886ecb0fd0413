/*
 * Heartbeats: a sender that has said nothing for as long as its heartbeat allows is an alert of its
 * own (alertname SenderSilent), which ends when it is heard again. Where the sender has a watchdog,
 * an alert that always fires, only that one counts: it shows that its rules are evaluated, and not
 * only that something sends.
 *
 * It keeps no alert and pages nobody: what it says is accepted as alerts of senders are. Owns its
 * timers. Loop thread only.
 */
#ifndef TRACEPAGER_HEARTBEATS_H
#define TRACEPAGER_HEARTBEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/alert.h"
#include "tracepager/clock.h"
#include "tracepager/timers.h"

/* Texts and labels are borrowed for as long as the heartbeats live. */
struct heartbeat_sender {
	const char *name;
	int64_t every_us;	/* 0: it may be silent */
	struct labels watchdog; /* n 0: it has none */
};

struct heartbeats_env {
	struct timers *timers;
	const struct clock *clock;
	const struct heartbeat_sender *senders;
	size_t nsenders;
	/* Accept this alert (borrowed). It fires again after each every_us of silence, so that it
	 * does not expire. */
	void (*say)(void *ctx, const struct alert *alert);
	void *ctx;
};

struct heartbeats;

/* The silence counts from now on: a relay that starts has heard nobody. */
struct heartbeats *heartbeats_new(const struct heartbeats_env *env);
void heartbeats_free(struct heartbeats *heartbeats); /* takes NULL */
/* A request of this sender was taken. No harm for one that is not known. */
void heartbeats_heard(struct heartbeats *heartbeats, const char *sender);
/* Is the alert its sender's watchdog? It is then not to be accepted. */
bool heartbeats_take(struct heartbeats *heartbeats, const struct alert *alert);

#endif
