/* Keeps what peers tell of their clocks and certificates: see peer_sight.h. */
#include "tracepager/peer_sight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/xalloc.h"

struct seen_peer {
	char host[LIMIT_PEER_SEEN_BYTES]; /* and the port, where the URL names it */
	size_t len;			  /* of host; 0: the place is free */
	int port;			  /* that of the URL's scheme */
	int64_t seen_us;		  /* the last sight; mono, as all times below but ends_us */
	bool has_date, is_here;
	int64_t date_us;   /* when its last Date came */
	int64_t beside_us; /* its clock less our monotonic one, at that time */
	int64_t ends_us;   /* its certificate, wall time; 0: it has shown none */
	int64_t shown_us;  /* when it showed that */
	int64_t given_us;  /* when peer_sight_next_end() gave it; 0: never */
};

struct peer_sight {
	struct seen_peer peers[LIMIT_PEERS_SEEN];
	size_t n;
	bool has_news;
};

struct peer_sight *peer_sight_new(void)
{
	return xcalloc(1, sizeof(struct peer_sight));
}

void peer_sight_free(struct peer_sight *sight)
{
	free(sight);
}

bool peer_sight_take_news(struct peer_sight *sight)
{
	const bool had_news = sight->has_news;

	sight->has_news = false;
	return had_news;
}

/* ---- names ---- */

/* Where a URL names its host, and its port if it does. */
struct peer_place {
	const char *host;
	size_t len;
	int port; /* that of the scheme */
};

/* "https://user:secret@host:8443/path" is host:8443. By hand: it is done for each reply. */
static bool peer_place_of(const char *url, struct peer_place *ret_place)
{
	const char *colon = strchr(url, ':');

	if (!colon || colon == url || colon[1] != '/' || colon[2] != '/')
		return false;
	const bool is_mail = *url == 's' || *url == 'S', is_secure = (colon[-1] | 0x20) == 's';
	const char *host = colon + 3, *end = host;
	for (; *end && *end != '/' && *end != '?' && *end != '#'; end++)
		if (*end == '@')
			host = end + 1;
	ret_place->host = host;
	ret_place->len = (size_t)(end - host);
	ret_place->port = is_mail ? (is_secure ? 465 : 25) : (is_secure ? 443 : 80);
	return ret_place->len > 0 && ret_place->len < LIMIT_PEER_SEEN_BYTES - strlen(":65535");
}

/* Its number; sight->n: it is not kept. */
static size_t sight_find(const struct peer_sight *sight, const struct peer_place *place)
{
	size_t i;

	for (i = 0; i < sight->n; i++) {
		const struct seen_peer *peer = &sight->peers[i];
		if (peer->len == place->len && peer->port == place->port &&
		    memcmp(peer->host, place->host, place->len) == 0)
			break;
	}
	return i;
}

/* The place of a peer that is not kept yet: a free one, else that of the longest unseen. */
static struct seen_peer *sight_room(struct peer_sight *sight)
{
	struct seen_peer *oldest = &sight->peers[0];

	if (sight->n < LIMIT_PEERS_SEEN)
		return &sight->peers[sight->n++];
	for (size_t i = 1; i < sight->n; i++)
		if (sight->peers[i].seen_us < oldest->seen_us)
			oldest = &sight->peers[i];
	return oldest;
}

/* The URL's peer, seen now. NULL: the text is no URL, or its host has too long a name. */
static struct seen_peer *sight_see(struct peer_sight *sight, const char *url, int64_t mono_us)
{
	struct peer_place place;
	struct seen_peer *peer;

	if (!peer_place_of(url, &place))
		return NULL;
	const size_t i = sight_find(sight, &place);
	if (i < sight->n) {
		peer = &sight->peers[i];
	} else {
		peer = sight_room(sight);
		*peer = (struct seen_peer){ .len = place.len, .port = place.port };
		memcpy(peer->host, place.host, place.len);
	}
	peer->seen_us = mono_us;
	sight->has_news = true;
	return peer;
}

/* "host:port"; of IPv6, "[::1]:443". */
static void peer_write_name(const struct seen_peer *peer, char out[LIMIT_PEER_SEEN_BYTES])
{
	const char *colon = strrchr(peer->host, ':');

	if (colon && !strchr(colon, ']'))
		snprintf(out, LIMIT_PEER_SEEN_BYTES, "%s", peer->host);
	else
		snprintf(out, LIMIT_PEER_SEEN_BYTES, "%.*s:%d", (int)peer->len, peer->host,
			 peer->port);
}

/* ---- clocks ---- */

bool peer_sight_wants_date(const struct peer_sight *sight, const char *url, int64_t mono_us)
{
	struct peer_place place;

	if (!peer_place_of(url, &place))
		return false;
	const size_t i = sight_find(sight, &place);
	return i == sight->n || !sight->peers[i].has_date ||
	       mono_us - sight->peers[i].date_us >= LIMIT_PEER_DATE_EVERY_US;
}

void peer_sight_take_date(struct peer_sight *sight, const char *url, const struct peer_date *date)
{
	const int64_t took_us = date->replied_us - date->asked_us;
	struct seen_peer *peer;

	if (date->date_us <= 0 || took_us < 0 || took_us > LIMIT_PEER_DATE_TOOK_US)
		return;
	peer = sight_see(sight, url, date->replied_us);
	if (!peer)
		return;
	/* The peer wrote its Date in the middle of the request, as far as we know, and that was
	 * half a second after the whole one that the Date tells. */
	peer->beside_us = date->date_us + US_PER_SECOND / 2 - (date->asked_us + took_us / 2);
	peer->date_us = date->replied_us;
	peer->is_here = date->is_here;
	peer->has_date = true;
}

static int compare_words(const void *a, const void *b)
{
	const struct peer_word *x = a, *y = b;

	return x->ahead_us < y->ahead_us ? -1 : x->ahead_us > y->ahead_us;
}

/* Moves words of other machines to the front; gives their number. */
static size_t words_of_others(struct peer_word *words, size_t n)
{
	size_t nothers = 0;

	for (size_t i = 0; i < n; i++)
		if (!words[i].is_here) {
			const struct peer_word word = words[i];
			words[i] = words[nothers];
			words[nothers++] = word;
		}
	return nothers;
}

struct peer_clock peer_clock_of(struct peer_word *words, size_t n)
{
	const size_t nothers = words_of_others(words, n);
	struct peer_clock clock = { .npeers = nothers ? nothers : n };

	if (!clock.npeers)
		return clock;
	qsort(words, clock.npeers, sizeof(*words), compare_words);
	const int64_t low_us = words[(clock.npeers - 1) / 2].ahead_us,
		      high_us = words[clock.npeers / 2].ahead_us;
	/* 0: as many say that it is ahead as that it is behind. */
	clock.ahead_us = low_us > 0 ? low_us : high_us < 0 ? high_us : 0;
	return clock;
}

struct peer_clock peer_sight_clock(const struct peer_sight *sight, int64_t wall_us, int64_t mono_us)
{
	struct peer_word words[LIMIT_PEERS_SEEN];
	size_t n = 0;

	for (size_t i = 0; i < sight->n; i++) {
		const struct seen_peer *peer = &sight->peers[i];
		if (peer->has_date && mono_us - peer->date_us <= LIMIT_PEER_DATE_AGE_US)
			words[n++] = (struct peer_word){
				.ahead_us = wall_us - mono_us - peer->beside_us,
				.is_here = peer->is_here,
			};
	}
	return peer_clock_of(words, n);
}

const char *peer_clock_text(const struct peer_clock *clock, char out[PEER_CLOCK_TEXT_SIZE])
{
	const int64_t off_us = clock->ahead_us < 0 ? -clock->ahead_us : clock->ahead_us;
	char peers[40] = "that of one peer";

	if (clock->npeers != 1)
		snprintf(peers, sizeof(peers), "those of %zu peers", clock->npeers);
	snprintf(out, PEER_CLOCK_TEXT_SIZE,
		 "the clock is %lld s %s %s: searches miss traces, and signatures are refused",
		 (long long)((off_us + US_PER_SECOND / 2) / US_PER_SECOND),
		 clock->ahead_us > 0 ? "ahead of" : "behind", peers);
	return out;
}

/* ---- certificates ---- */

void peer_sight_take_certificate(struct peer_sight *sight, const char *url, int64_t ends_us,
				 int64_t mono_us)
{
	struct seen_peer *peer = ends_us > 0 ? sight_see(sight, url, mono_us) : NULL;

	if (!peer)
		return;
	peer->ends_us = ends_us;
	peer->shown_us = mono_us;
}

static bool peer_has_end(const struct seen_peer *peer, int64_t mono_us)
{
	return peer->ends_us && mono_us - peer->shown_us <= LIMIT_PEER_CERTIFICATE_AGE_US;
}

static void peer_write_end(const struct seen_peer *peer, struct peer_end *ret_end)
{
	peer_write_name(peer, ret_end->peer);
	ret_end->ends_us = peer->ends_us;
}

bool peer_sight_first_end(const struct peer_sight *sight, int64_t mono_us, struct peer_end *ret_end)
{
	const struct seen_peer *first = NULL;

	for (size_t i = 0; i < sight->n; i++) {
		const struct seen_peer *peer = &sight->peers[i];
		if (peer_has_end(peer, mono_us) && (!first || peer->ends_us < first->ends_us))
			first = peer;
	}
	if (first)
		peer_write_end(first, ret_end);
	return first;
}

bool peer_sight_next_end(struct peer_sight *sight, int64_t wall_us, int64_t mono_us,
			 struct peer_end *ret_end)
{
	for (size_t i = 0; i < sight->n; i++) {
		struct seen_peer *peer = &sight->peers[i];
		if (!peer_has_end(peer, mono_us) ||
		    peer->ends_us - wall_us >= LIMIT_PEER_CERTIFICATE_LEFT_US ||
		    (peer->given_us && mono_us - peer->given_us < LIMIT_PEER_CERTIFICATE_LOG_US))
			continue;
		peer->given_us = mono_us;
		peer_write_end(peer, ret_end);
		return true;
	}
	return false;
}
