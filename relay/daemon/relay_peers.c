/*
 * Relay, peers: tells what their replies say beside what was asked for (peer_sight.h): that our
 * clock differs from theirs, that one's certificate ends. When something new is seen, and never
 * otherwise: a relay that talks to nobody knows nothing.
 */
#include "relay-internal.h"

#include "tracepager/http_client.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/peer_sight.h"

static struct peer_clock relay_peer_clock(const struct relay *relay)
{
	return peer_sight_clock(http_client_sight(relay->client), clock_wall_us(relay->clock),
				clock_mono_us(relay->clock));
}

static void relay_warn_of_clock(struct relay *relay, const struct peer_clock *clock)
{
	const int64_t now_us = clock_mono_us(relay->clock);
	char text[PEER_CLOCK_TEXT_SIZE];

	if (relay->clock_is_off && now_us - relay->clock_told_us < LIMIT_CLOCK_LOG_US)
		return;
	relay->clock_is_off = true;
	relay->clock_told_us = now_us;
	log_warn("the clock differs from those of the peers",
		 LOG_STR("reason", peer_clock_text(clock, text)), LOG_STR("cure", PEER_CLOCK_CURE));
}

/* It is well again at half of what is told, so that a difference near the limit, which a Date tells
 * to a second or two, is not told again and again. Where no peer says anything, nothing changes. */
static void relay_look_at_clock(struct relay *relay)
{
	const struct peer_clock clock = relay_peer_clock(relay);
	const int64_t off_us = clock.ahead_us < 0 ? -clock.ahead_us : clock.ahead_us;

	if (off_us > LIMIT_CLOCK_OFF_US) {
		relay_warn_of_clock(relay, &clock);
	} else if (relay->clock_is_off && clock.npeers && off_us <= LIMIT_CLOCK_OFF_US / 2) {
		relay->clock_is_off = false;
		log_info("the clock agrees with those of the peers again");
	}
}

static void relay_look_at_certificates(const struct relay *relay)
{
	struct peer_sight *sight = http_client_sight(relay->client);
	const int64_t wall_us = clock_wall_us(relay->clock), mono_us = clock_mono_us(relay->clock);
	struct peer_end end;
	char at[RFC3339_SIZE];

	while (peer_sight_next_end(sight, wall_us, mono_us, &end))
		log_warn("a peer's certificate ends soon", LOG_STR("peer", end.peer),
			 LOG_STR("ends", rfc3339_format(end.ends_us, at)),
			 LOG_STR("cure", "renew it there"));
}

void relay_look_at_peers(struct relay *relay)
{
	if (!relay->client || !peer_sight_take_news(http_client_sight(relay->client)))
		return;
	relay_look_at_clock(relay);
	relay_look_at_certificates(relay);
}

void relay_measure_peers(const struct relay *relay)
{
	const struct peer_clock clock = relay_peer_clock(relay);
	struct peer_end end = { .ends_us = 0 };

	peer_sight_first_end(http_client_sight(relay->client), clock_mono_us(relay->clock), &end);
	metric_set(METRIC_CLOCK_AHEAD, clock.ahead_us);
	metric_set(METRIC_CLOCK_PEERS, (int64_t)clock.npeers);
	metric_set(METRIC_PEER_CERTIFICATE_EXPIRY, end.ends_us);
}
