/*
 * Relay, listening: the sockets, how a successor takes them over, and the drain at the end.
 */
#include "relay-internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tracepager/deliver.h"
#include "tracepager/handover.h"
#include "tracepager/http_server.h"
#include "tracepager/incident.h"
#include "tracepager/log.h"
#include "tracepager/loop.h"
#include "tracepager/xalloc.h"

/* A drain: what is under way may end; what does not is in the store. Where no successor has the
 * listening sockets, posts are taken until a moment in which nothing is under way, for at most
 * DRAIN_TAKING_US. Requests to pagers begin for DRAIN_SENDING_US at most, so that a busy relay cuts
 * none that a pager may have taken: the next start would send its page again. */
#define DRAIN_US	 (5 * US_PER_SECOND)
#define DRAIN_TAKING_US	 (4 * US_PER_SECOND)
#define DRAIN_SENDING_US (3 * US_PER_SECOND)
#define DRAIN_LOOK_US	 (20 * US_PER_MS)

#define HANDOVER_SUFFIX ".handover"

/* ---- the drain ---- */

static void stop_accepting(struct relay *relay)
{
	if (!relay->stopped)
		http_server_stop(relay->server);
	relay->stopped = true;
}

void relay_look_at_drain(void *arg)
{
	struct relay *relay = arg;
	int64_t now_us = clock_mono_us(relay->clock);
	int64_t since_us = now_us - relay->drain_began_us;
	bool quiet = !incidents_sending(relay->incidents);

	if (http_server_is_shared(relay->server) || quiet || since_us >= DRAIN_TAKING_US)
		stop_accepting(relay);
	if (since_us >= DRAIN_SENDING_US)
		deliver_end(incidents_deliver(relay->incidents));
	/* The spans of what was done to the end, where their receiver answers. */
	const bool done = quiet && !http_server_busy(relay->server);
	if (done)
		telemetry_end(relay->telemetry);
	if ((done && !telemetry_busy(relay->telemetry)) || since_us >= DRAIN_US)
		loop_stop(relay->loop);
	else
		timer_arm(relay->timers, &relay->drain, now_us + DRAIN_LOOK_US);
}

void relay_drain(struct relay *relay)
{
	if (relay->draining)
		return;
	relay->draining = true;
	relay->drain_began_us = clock_mono_us(relay->clock);
	relay_tell_stopping(relay);
	web_end_taps(&relay->web);
	relay_look_at_drain(relay);
}

/* ---- the way to a successor ---- */

static size_t handover_sockets(void *ctx, int *fds, size_t most)
{
	struct relay *relay = ctx;

	return http_server_share(relay->server, fds, most);
}

static void handover_kept(void *ctx)
{
	struct relay *relay = ctx;

	http_server_unshare(relay->server);
}

/* The successor accepts once it has the store. */
static void handover_passed(void *ctx)
{
	struct relay *relay = ctx;

	relay->handed_over = true;
	stop_accepting(relay);
	relay_drain(relay);
}

void relay_offer_handover(struct relay *relay)
{
	const struct handover_ops ops = { .sockets = handover_sockets,
					  .passed = handover_passed,
					  .kept = handover_kept,
					  .ctx = relay };
	CLEANUP_FREE char *path = xasprintf("%s" HANDOVER_SUFFIX, relay->config->store_path);
	struct err err = { 0 };

	relay->handover = handover_offer(relay->base, path, relay->config->listen, &ops, &err);
	if (!relay->handover)
		log_warn("no successor can take over; a restart refuses connections for a moment",
			 LOG_STR("error", err.text));
}

int relay_start_listening(struct relay *relay, struct err *err)
{
	for (; relay->nsockets; relay->nsockets--) {
		int result =
			http_server_adopt(relay->server, relay->sockets[relay->nsockets - 1], err);
		if (result < 0)
			return result;
	}
	relay->listens = true;
	if (!http_server_is_shared(relay->server))
		return http_server_listen(relay->server, relay->config->listen, err);
	if (config_is_loopback(relay->config->listen) && !http_server_is_local(relay->server))
		return err_set(err, EINVAL,
			       "the sockets that were passed reach other machines, but \"listen\" "
			       "says %s: write the same address there",
			       relay->config->listen);
	return 0;
}

static bool relay_same_address(int one, int other)
{
	struct sockaddr_storage a = { .ss_family = AF_UNSPEC }, b = a;
	socklen_t alen = sizeof(a), blen = sizeof(b);

	return getsockname(one, (struct sockaddr *)&a, &alen) == 0 &&
	       getsockname(other, (struct sockaddr *)&b, &blen) == 0 && alen == blen &&
	       memcmp(&a, &b, alen) == 0;
}

/* Where the service manager passed sockets, those of the relay before us are not needed, unless
 * they listen elsewhere: that address would close without a word. Takes fds. */
static int check_handed(const struct relay *relay, const int *fds, size_t n, struct err *err)
{
	int result = 0;

	for (size_t i = 0; i < n; i++) {
		bool have = false;
		for (size_t j = 0; j < relay->nsockets && !have; j++)
			have = relay_same_address(relay->sockets[j], fds[i]);
		close(fds[i]);
		if (!have)
			result =
				err_set(err, EADDRNOTAVAIL,
					"the relay that runs with this store listens on an address "
					"that the service manager did not pass, and that would "
					"close; it goes on. Add a ListenStream= for it, or start "
					"without --take-over when tracepager drain has ended it");
	}
	return result;
}

/* Whatever can be tried beside the relay that runs is tried before it is told to end. */
static int try_beside(struct relay *relay, const int *fds, size_t n, struct err *err)
{
	int result = 0;

	if (relay->nsockets) {
		result = check_handed(relay, fds, n, err);
	} else {
		relay->nsockets = n;
		memcpy(relay->sockets, fds, n * sizeof(*fds));
	}
	if (result == 0)
		result = relay_start_listening(relay, err);
	if (result == 0)
		result = store_sqlite_try(relay->config->store_path, err);
	return result;
}

static int take_over(struct relay *relay, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s" HANDOVER_SUFFIX, relay->config->store_path);
	int fds[LIMIT_LISTENERS], talk = -1;
	int n = handover_take(path, relay->config->listen, fds, LIMIT_LISTENERS, &talk, err);

	if (n < 0 || talk < 0)
		return n;
	int result = try_beside(relay, fds, (size_t)n, err);
	if (result < 0) {
		close(talk);
		return result;
	}
	relay_tell_main(relay);
	handover_confirm(talk);
	relay->waits_for_store = true;
	return 0;
}

int relay_get_sockets(struct relay *relay, bool takes_over, struct err *err)
{
	int n = handover_inherit(relay->sockets, LIMIT_LISTENERS, err);

	if (n < 0)
		return n;
	relay->nsockets = (size_t)n;
	return takes_over ? take_over(relay, err) : 0;
}
