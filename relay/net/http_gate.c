/*
 * The gate: who goes when room is short, as http_server.h says. Each peer has two lists of
 * connections that may go, the oldest first: those that never had a request answered, and the
 * others. A connection is in one of them as long as it has shown no token and the handler does not
 * have its request.
 *
 * Closes nothing: http_conn.c does. Owns the peers, and what the log will say.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tracepager/hash.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

#include "http_server-internal.h"
#include "loop-internal.h"

TAILQ_HEAD(http_conn_list, http_conn);

enum gate_list { GATE_NEVER_SERVED, GATE_SERVED, GATE_LISTS };

#define PEER_NAME_BYTES (INET6_ADDRSTRLEN + 4)

struct http_peer {
	size_t nconns, nstrangers; /* all; in the lists */
	size_t nhandshakes;	   /* whose TLS handshake is not finished: those are in the lists */
	size_t stranger_bytes;	   /* of the requests of those in the lists */
	struct http_conn_list strangers[GATE_LISTS];
	char name[PEER_NAME_BYTES]; /* "192.0.2.7", "2001:db8::/64" */
};

struct http_gate {
	struct http_server *server;
	struct map *peers; /* by name */
	struct event *log;
	bool logged; /* once, at logged_us (monotonic) */
	int64_t logged_us;
	/* Since the last line: how many, and the peer that most of them were of (as a vote of the
	 * majority finds it in one pass). */
	size_t closed, refused, votes;
	size_t for_memory; /* of both, those that went for the memory of requests */
	char most[PEER_NAME_BYTES];
};

/* ---- peers ---- */

static void peer_name(int fd, char name[PEER_NAME_BYTES])
{
	struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(storage);

	snprintf(name, PEER_NAME_BYTES, "unknown");
	if (getpeername(fd, (struct sockaddr *)&storage, &len))
		return;
	if (storage.ss_family == AF_INET) {
		inet_ntop(AF_INET, &((struct sockaddr_in *)&storage)->sin_addr, name,
			  INET6_ADDRSTRLEN);
	} else if (storage.ss_family == AF_INET6) {
		struct in6_addr address = ((struct sockaddr_in6 *)&storage)->sin6_addr;
		char network[INET6_ADDRSTRLEN];

		if (IN6_IS_ADDR_V4MAPPED(&address)) {
			inet_ntop(AF_INET, &address.s6_addr[12], name, INET6_ADDRSTRLEN);
			return;
		}
		/* A host chooses the lower half of its address at will. */
		memset(&address.s6_addr[8], 0, 8);
		inet_ntop(AF_INET6, &address, network, sizeof(network));
		snprintf(name, PEER_NAME_BYTES, "%s/64", network);
	}
}

void http_gate_enter(struct http_conn *conn)
{
	struct http_gate *gate = conn->server->gate;
	char name[PEER_NAME_BYTES];

	peer_name(conn->fd, name);
	struct http_peer *peer = map_get(gate->peers, name);
	if (!peer) {
		peer = xcalloc(1, sizeof(*peer));
		memcpy(peer->name, name, sizeof(name));
		for (int i = 0; i < GATE_LISTS; i++)
			TAILQ_INIT(&peer->strangers[i]);
		map_put(gate->peers, name, peer);
	}
	peer->nconns++;
	peer->nhandshakes += conn->handshaking;
	conn->peer = peer;
	conn->gate_list = -1;
}

static void gate_unlist(struct http_conn *conn)
{
	if (conn->gate_list < 0)
		return;
	TAILQ_REMOVE(&conn->peer->strangers[conn->gate_list], conn, peer_link);
	conn->peer->nstrangers--;
	conn->peer->stranger_bytes -= conn->request_bytes;
	conn->gate_list = -1;
}

void http_gate_leave(struct http_conn *conn)
{
	struct http_peer *peer = conn->peer;

	if (!peer)
		return;
	http_gate_set_bytes(conn, 0);
	gate_unlist(conn);
	http_gate_end_handshake(conn);
	conn->peer = NULL;
	if (--peer->nconns)
		return;
	map_remove(conn->server->gate->peers, peer->name);
	free(peer);
}

void http_gate_end_handshake(struct http_conn *conn)
{
	if (conn->peer)
		conn->peer->nhandshakes -= conn->handshaking;
	conn->handshaking = false;
}

void http_gate_sort(struct http_conn *conn)
{
	if (!conn->peer)
		return;
	gate_unlist(conn);
	if (conn->known || conn->probe_only || conn->state == HTTP_CONN_BUSY)
		return;
	conn->gate_list = conn->served ? GATE_SERVED : GATE_NEVER_SERVED;
	TAILQ_INSERT_TAIL(&conn->peer->strangers[conn->gate_list], conn, peer_link);
	conn->peer->nstrangers++;
	conn->peer->stranger_bytes += conn->request_bytes;
}

/* ---- who goes ---- */

/* The oldest of a peer's strangers, of those without an answer first; never `newest`. */
static struct http_conn *peer_oldest(const struct http_peer *peer, const struct http_conn *newest)
{
	struct http_conn *conn;

	for (int i = 0; i < GATE_LISTS; i++)
		TAILQ_FOREACH (conn, &peer->strangers[i], peer_link)
			if (conn != newest)
				return conn;
	return NULL;
}

/* The oldest of a peer's connections whose handshake is not finished; never `newest`. */
static struct http_conn *peer_oldest_handshake(const struct http_peer *peer,
					       const struct http_conn *newest)
{
	struct http_conn *conn;

	TAILQ_FOREACH (conn, &peer->strangers[GATE_NEVER_SERVED], peer_link)
		if (conn != newest && conn->handshaking)
			return conn;
	return NULL;
}

/* The peer that has the most strangers, `newest` not counted; NULL: none has any. */
static const struct http_peer *largest_peer(const struct http_gate *gate,
					    const struct http_conn *newest)
{
	const struct http_peer *peer, *largest = NULL;
	size_t pos = 0, most = 0;

	while ((peer = map_next(gate->peers, &pos, NULL))) {
		size_t n = peer->nstrangers;
		if (newest && newest->peer == peer && newest->gate_list >= 0)
			n--;
		if (n > most) {
			most = n;
			largest = peer;
		}
	}
	return largest;
}

/* The known connection that awaits its next request for longest; NULL: there is none. */
static struct http_conn *oldest_known(struct http_server *server)
{
	struct http_conn *conn;

	TAILQ_FOREACH (conn, &server->conns, link)
		if (conn->known && !conn->probe_only &&
		    (conn->state == HTTP_CONN_IDLE || conn->state == HTTP_CONN_LINGERING))
			return conn;
	return NULL;
}

bool http_gate_is_full(const struct http_server *server)
{
	return server->nconns - server->nprobes > server->limits.connections;
}

struct http_conn *http_gate_victim(struct http_server *server, const struct http_conn *newest)
{
	const size_t share = server->limits.peer_connections;
	struct http_conn *conn;

	if (newest->peer->nhandshakes > LIMIT_PEER_HANDSHAKES &&
	    (conn = peer_oldest_handshake(newest->peer, newest)))
		return conn;
	if (share && newest->peer->nstrangers > share)
		return peer_oldest(newest->peer, newest);
	if (!http_gate_is_full(server))
		return NULL;
	const struct http_peer *peer = largest_peer(server->gate, newest);
	return peer ? peer_oldest(peer, newest) : oldest_known(server);
}

struct http_conn *http_gate_any_victim(struct http_server *server)
{
	const struct http_peer *peer = largest_peer(server->gate, NULL);

	return peer ? peer_oldest(peer, NULL) : NULL;
}

struct http_conn *http_gate_oldest_probe(struct http_server *server)
{
	struct http_conn *conn;

	TAILQ_FOREACH (conn, &server->conns, link)
		if (conn->probe_only && conn->state != HTTP_CONN_BUSY)
			return conn;
	return NULL;
}

/* ---- memory ---- */

void http_gate_set_bytes(struct http_conn *conn, size_t n)
{
	struct http_server *server = conn->server;

	if (conn->gate_list >= 0)
		conn->peer->stranger_bytes += n - conn->request_bytes;
	server->request_bytes += n - conn->request_bytes;
	conn->request_bytes = n;
	metric_set(METRIC_REQUEST_BYTES, (int64_t)server->request_bytes);
}

void http_gate_add_bytes(struct http_conn *conn, size_t n)
{
	http_gate_set_bytes(conn, conn->request_bytes + n);
}

/* The oldest of a peer's strangers that holds memory; never `growing`. */
static struct http_conn *peer_oldest_holder(const struct http_peer *peer,
					    const struct http_conn *growing)
{
	struct http_conn *conn;

	for (int i = 0; i < GATE_LISTS; i++)
		TAILQ_FOREACH (conn, &peer->strangers[i], peer_link)
			if (conn != growing && conn->request_bytes)
				return conn;
	return NULL;
}

/* The peer whose strangers hold the most, `growing` not counted; NULL: none holds anything. */
static const struct http_peer *heaviest_peer(const struct http_gate *gate,
					     const struct http_conn *growing)
{
	const struct http_peer *peer, *heaviest = NULL;
	size_t pos = 0, most = 0;

	while ((peer = map_next(gate->peers, &pos, NULL))) {
		size_t n = peer->stranger_bytes;
		if (growing->peer == peer && growing->gate_list >= 0)
			n -= growing->request_bytes;
		if (n > most) {
			most = n;
			heaviest = peer;
		}
	}
	return heaviest;
}

struct http_conn *http_gate_memory_victim(struct http_conn *conn)
{
	const struct http_server *server = conn->server;
	const struct http_server_limits *limits = &server->limits;
	struct http_conn *victim = NULL;

	if (!conn->peer)
		return NULL;
	if (limits->peer_request_bytes && conn->peer->stranger_bytes > limits->peer_request_bytes)
		victim = peer_oldest_holder(conn->peer, conn);
	if (victim || !limits->request_bytes || server->request_bytes <= limits->request_bytes)
		return victim;
	const struct http_peer *peer = heaviest_peer(server->gate, conn);
	if (peer)
		return peer_oldest_holder(peer, conn);
	return conn->state == HTTP_CONN_READING ? conn : NULL;
}

/* ---- the log ---- */

static void gate_on_log(evutil_socket_t fd, short what, void *arg)
{
	struct http_gate *gate = arg;

	(void)fd;
	(void)what;
	loop_woke();
	log_warn("connections were closed to keep room for others",
		 LOG_INT("closed", (int64_t)gate->closed),
		 LOG_INT("refused", (int64_t)gate->refused), LOG_STR("most_of_peer", gate->most),
		 LOG_INT("open", (int64_t)gate->server->nconns),
		 LOG_INT("cap", (int64_t)gate->server->limits.connections),
		 LOG_INT("cap_of_a_peer", (int64_t)gate->server->limits.peer_connections),
		 LOG_INT("for_memory", (int64_t)gate->for_memory),
		 LOG_INT("request_bytes", (int64_t)gate->server->request_bytes),
		 LOG_INT("cap_of_bytes", (int64_t)gate->server->limits.request_bytes));
	gate->logged = true;
	gate->logged_us = clock_mono_us(gate->server->clock);
	gate->closed = gate->refused = gate->votes = gate->for_memory = 0;
}

const char *http_gate_peer(const struct http_conn *conn)
{
	return conn->peer ? conn->peer->name : "unknown";
}

void http_gate_count(struct http_conn *conn, bool refused)
{
	struct http_gate *gate = conn->server->gate;
	const char *name = http_gate_peer(conn);

	if (refused)
		gate->refused++;
	else
		gate->closed++;
	gate->for_memory += conn->too_much;
	metric_add(conn->too_much ? METRIC_GATE_MEMORY : METRIC_GATE_CONNECTIONS, 1);
	if (!gate->votes)
		snprintf(gate->most, sizeof(gate->most), "%s", name);
	if (strcmp(gate->most, name) == 0)
		gate->votes++;
	else
		gate->votes--;
	if (evtimer_pending(gate->log, NULL))
		return;
	int64_t wait_us = LIMIT_GATE_LOG_FIRST_US;
	const int64_t since_us = clock_mono_us(gate->server->clock) - gate->logged_us;
	if (gate->logged && LIMIT_GATE_LOG_US - since_us > wait_us)
		wait_us = LIMIT_GATE_LOG_US - since_us;
	const struct timeval wait = { .tv_sec = (time_t)(wait_us / US_PER_SECOND),
				      .tv_usec = (suseconds_t)(wait_us % US_PER_SECOND) };
	evtimer_add(gate->log, &wait);
}

/* ---- life ---- */

struct http_gate *http_gate_new(struct http_server *server)
{
	struct http_gate *gate = xcalloc(1, sizeof(*gate));

	gate->server = server;
	gate->peers = map_new();
	gate->log = evtimer_new(server->base, gate_on_log, gate);
	if (!gate->log)
		abort();
	return gate;
}

void http_gate_free(struct http_gate *gate)
{
	if (!gate)
		return;
	assert(!map_count(gate->peers));
	map_free(gate->peers);
	event_free(gate->log);
	free(gate);
}
