/*
 * The HTTP server: listeners on evhttp. Accepts connections; when descriptors have run out, the
 * listeners rest for LIMIT_ACCEPT_REST_US and the log says so. Decides nothing about paths or
 * bodies: the handler does.
 *
 * Owns evhttp, the connections and the exchanges. The event base is borrowed.
 */
#include "tracepager/http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/listener.h>

#include "tracepager/log.h"
#include "tracepager/xalloc.h"

#include "http_server-internal.h"
#include "loop-internal.h"

/* All servers: evhttp hands itself, not our argument, to a listener's error callback. */
static LIST_HEAD(, http_server) servers = LIST_HEAD_INITIALIZER(servers);

/* ---- accepting ---- */

static void server_on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *server = arg;

	(void)fd;
	(void)what;
	loop_woke();
	for (size_t i = 0; i < server->nbound; i++)
		evconnlistener_enable(evhttp_bound_socket_get_listener(server->bound[i]));
}

/* Closes the spare descriptor, so that accept() works, and closes the connections that wait in the
 * listener's queue: a refused sender tries again, a hanging one waits. */
static void server_shed(struct http_server *server, int listener)
{
	if (server->spare_fd >= 0)
		close(server->spare_fd);
	for (int i = 0; i < LIMIT_REFUSED_CONNECTIONS; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			break;
		close(fd);
	}
	server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void server_rest(struct http_server *server, int64_t us)
{
	const struct timeval rest = { .tv_usec = (suseconds_t)us };

	for (size_t i = 0; i < server->nbound; i++)
		evconnlistener_disable(evhttp_bound_socket_get_listener(server->bound[i]));
	evtimer_add(server->accept_again, &rest);
}

static void server_on_accept_error(struct evconnlistener *listener, void *http)
{
	const int error = errno;
	struct http_server *server;

	loop_woke();
	LIST_FOREACH (server, &servers, link)
		if (server->http == http)
			break;
	if (!server)
		return;
	/* Those of this turn are not let in yet, and give way as soon as they are. */
	if ((error == EMFILE || error == ENFILE) &&
	    (http_conn_free_descriptors(server) || server->nnew)) {
		server_rest(server, 0);
		return;
	}
	const int64_t now_us = clock_mono_us(server->clock);
	if (!server->warned_us || now_us - server->warned_us > US_PER_MINUTE) {
		server->warned_us = now_us;
		log_error("cannot accept connections; waiting connections are closed",
			  LOG_STR("error", strerror(error)),
			  LOG_INT("connections", (int64_t)server->nconns));
	}
	if (error == EMFILE || error == ENFILE)
		server_shed(server, evconnlistener_get_fd(listener));
	server_rest(server, LIMIT_ACCEPT_REST_US);
}

/* ---- listening ---- */

/* "host:port", "[v6]:port", ":port". Caller frees both. */
static int address_split(const char *address, char **ret_host, char **ret_port)
{
	const char *colon = strrchr(address, ':');
	const char *host = address, *end = colon;

	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    strlen(colon + 1) > 5 || strtol(colon + 1, NULL, 10) > UINT16_MAX)
		return -EINVAL;
	if (*host == '[') {
		host++;
		end--;
		if (end < host || *end != ']')
			return -EINVAL;
	} else if (memchr(host, ':', (size_t)(end - host))) {
		return -EINVAL; /* an IPv6 address without its brackets */
	}
	*ret_host = xstrndup(host, (size_t)(end - host));
	*ret_port = xstrdup(colon + 1);
	return 0;
}

/* A listening socket, or -errno. any: IPv4 connections are accepted on an IPv6 socket too. */
static int socket_open(const struct addrinfo *ai, bool any)
{
	const int on = 1, v6_only = !any;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, SOMAXCONN)) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

/* A listening socket on the first address that works, else -errno of the first address. */
static int socket_open_first(const struct addrinfo *list, bool any)
{
	int first_error = 0;

	for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
		int fd = socket_open(ai, any);
		if (fd >= 0)
			return fd;
		if (!first_error)
			first_error = fd;
	}
	return first_error;
}

static int listen_error(struct err *err, int error, const char *address)
{
	const char *hint = error == EADDRINUSE ? "address in use; is another tracepager running?"
			   : error == EADDRNOTAVAIL ? "this machine has no such address"
			   : error == EACCES	    ? "not permitted; ports below 1024 are for root"
						    : strerror(error);

	return err_set(err, error, "cannot listen on %s: %s", address, hint);
}

static int socket_port(int fd)
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof(storage);

	if (getsockname(fd, (struct sockaddr *)&storage, &len))
		return 0;
	if (storage.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&storage)->sin6_port);
	return ntohs(((struct sockaddr_in *)&storage)->sin_port);
}

static bool socket_is_local(int fd)
{
	struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(storage);

	if (getsockname(fd, (struct sockaddr *)&storage, &len))
		return false;
	if (storage.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&storage)->sin6_addr);
	return storage.ss_family == AF_INET &&
	       ntohl(((struct sockaddr_in *)&storage)->sin_addr.s_addr) >> 24 == 127;
}

static int server_add_socket(struct http_server *server, int fd)
{
	const unsigned int flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
	const int on = 1;
	struct evconnlistener *listener =
		evconnlistener_new(server->base, NULL, NULL, flags, 0, fd);
	struct evhttp_bound_socket *bound =
		listener ? evhttp_bind_listener(server->http, listener) : NULL;

	if (!bound) {
		if (listener)
			evconnlistener_free(listener);
		else
			close(fd);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(listener, server_on_accept_error);
	/* Accepted connections inherit it. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	server->bound[server->nbound++] = bound;
	if (server->nbound == 1)
		server->port = socket_port(fd);
	return 0;
}

int http_server_listen(struct http_server *server, const char *address, struct err *err)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
					.ai_socktype = SOCK_STREAM };
	CLEANUP_FREE char *host = NULL, *port = NULL;
	struct addrinfo *list = NULL;

	if (server->nbound == LIMIT_LISTENERS)
		return err_set(err, ENOSPC, "cannot listen on %s: more than %d addresses", address,
			       LIMIT_LISTENERS);
	if (address_split(address, &host, &port))
		return err_set(err, EINVAL,
			       "cannot listen on %s: want HOST:PORT, [IPV6]:PORT or :PORT",
			       address);
	/* Without a host: "::", which serves both families where the kernel has IPv6. */
	const bool any = !*host;
	int failed = any ? getaddrinfo("::", port, &hints, &list)
			 : getaddrinfo(host, port, &hints, &list);
	if (failed)
		return err_set(err, EADDRNOTAVAIL, "cannot listen on %s: %s", address,
			       gai_strerror(failed));
	int fd = socket_open_first(list, any);
	freeaddrinfo(list);
	if (any && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) &&
	    !getaddrinfo("0.0.0.0", port, &hints, &list)) {
		fd = socket_open_first(list, false);
		freeaddrinfo(list);
	}
	if (fd < 0)
		return listen_error(err, -fd, address);
	if (server_add_socket(server, fd))
		return listen_error(err, ENOMEM, address);
	return 0;
}

/* ---- the server's life ---- */

struct http_server *http_server_new(struct event_base *base, const struct clock *clock,
				    http_server_handler *handler, void *ctx)
{
	static const struct http_server_limits limits = { .body_bytes = LIMIT_BODY_BYTES,
							  .header_bytes = LIMIT_HEADER_BYTES,
							  .connections = LIMIT_CONNECTIONS,
							  .request_bytes = LIMIT_REQUESTS_BYTES,
							  .peer_request_bytes =
								  LIMIT_PEER_REQUESTS_BYTES,
							  .request_us = LIMIT_REQUEST_US,
							  .idle_us = LIMIT_IDLE_US,
							  .stream_stall_us =
								  LIMIT_STREAM_STALL_US };
	struct http_server *server = xcalloc(1, sizeof(*server));

	*server = (struct http_server){ .base = base,
					.clock = clock,
					.http = evhttp_new(base),
					.handler = handler,
					.ctx = ctx,
					.spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
					.accept_again =
						evtimer_new(base, server_on_accept_again, server) };
	if (!server->http || !server->accept_again)
		abort();
	TAILQ_INIT(&server->conns);
	TAILQ_INIT(&server->exchanges);
	TAILQ_INIT(&server->spare);
	server->gate = http_gate_new(server);
	LIST_INSERT_HEAD(&servers, server, link);
	/* All bits, also evhttp's for unknown methods: http_exchange.c answers those. */
	evhttp_set_allowed_methods(server->http, UINT16_MAX);
	evhttp_set_gencb(server->http, http_exchange_take, server);
	evhttp_set_bevcb(server->http, http_conn_new, server);
	http_server_set_limits(server, &limits);
	return server;
}

void http_server_set_limits(struct http_server *server, const struct http_server_limits *limits)
{
	server->limits = *limits;
	evhttp_set_max_body_size(server->http, (ev_ssize_t)limits->body_bytes);
	evhttp_set_max_headers_size(server->http, (ev_ssize_t)limits->header_bytes);
}

struct http_server_limits http_server_get_limits(const struct http_server *server)
{
	return server->limits;
}

void http_server_set_judge(struct http_server *server, http_server_judge *judge, void *ctx)
{
	server->judge = judge;
	server->judge_ctx = ctx;
}

/* The soft limit of open files, raised as far as it goes. */
static size_t raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	const rlim_t soft = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		limit.rlim_cur = soft;
	return limit.rlim_cur < SIZE_MAX ? (size_t)limit.rlim_cur : SIZE_MAX;
}

void http_server_fit_descriptors(struct http_server *server)
{
	const size_t descriptors = raise_descriptors();
	size_t kept = descriptors / 2;

	if (kept > LIMIT_DESCRIPTORS_KEPT)
		kept = LIMIT_DESCRIPTORS_KEPT;
	size_t connections = descriptors - kept;
	if (connections > LIMIT_CONNECTIONS)
		connections = LIMIT_CONNECTIONS;
	if (!connections)
		connections = 1;
	server->limits.connections = connections;
	server->limits.peer_connections = (connections + LIMIT_PEER_SHARE - 1) / LIMIT_PEER_SHARE;
	log_info("connections fit the open files that are allowed",
		 LOG_INT("open_files", (int64_t)descriptors),
		 LOG_INT("connections", (int64_t)connections),
		 LOG_INT("of_one_peer_without_token", (int64_t)server->limits.peer_connections),
		 LOG_INT("more_for_probes", LIMIT_PROBE_CONNECTIONS));
}

int http_server_port(const struct http_server *server)
{
	return server->port;
}

/* What is shared stays open although nothing is accepted any more: epoll knows a socket until its
 * last copy is closed, and the successor keeps one. */
static void server_stop_listening(struct http_server *server)
{
	evtimer_del(server->accept_again);
	for (size_t i = 0; i < server->nbound; i++)
		evconnlistener_disable(evhttp_bound_socket_get_listener(server->bound[i]));
	if (http_server_is_shared(server))
		return;
	while (server->nbound)
		evhttp_del_accept_socket(server->http, server->bound[--server->nbound]);
}

void http_server_stop(struct http_server *server)
{
	struct http_conn *conn = TAILQ_FIRST(&server->conns), *next;

	server->stopping = true;
	server_stop_listening(server);
	/* Those that are idle move to the end of the list: each is seen once. */
	for (size_t n = server->nconns; n; n--, conn = next) {
		next = TAILQ_NEXT(conn, link);
		if (conn->state == HTTP_CONN_IDLE)
			http_conn_enter(conn, HTTP_CONN_IDLE); /* for a moment */
	}
}

int http_server_adopt(struct http_server *server, int fd, struct err *err)
{
	server->shared = true;
	if (server->nbound == LIMIT_LISTENERS) {
		close(fd);
		return err_set(err, ENOSPC, "more than %d sockets to listen on", LIMIT_LISTENERS);
	}
	return server_add_socket(server, fd) ? err_set(err, ENOMEM, "cannot listen") : 0;
}

size_t http_server_share(struct http_server *server, int *fds, size_t most)
{
	size_t n = 0;

	server->lent = true;
	for (; n < server->nbound && n < most; n++)
		fds[n] = evhttp_bound_socket_get_fd(server->bound[n]);
	return n;
}

void http_server_unshare(struct http_server *server)
{
	server->lent = false;
}

bool http_server_is_shared(const struct http_server *server)
{
	return server->shared || server->lent;
}

bool http_server_is_local(const struct http_server *server)
{
	for (size_t i = 0; i < server->nbound; i++)
		if (!socket_is_local(evhttp_bound_socket_get_fd(server->bound[i])))
			return false;
	return true;
}

size_t http_server_busy(const struct http_server *server)
{
	const struct http_conn *conn;
	size_t n = 0;

	TAILQ_FOREACH (conn, &server->conns, link)
		n += conn->state != HTTP_CONN_LINGERING;
	return n;
}

size_t http_server_connections(const struct http_server *server)
{
	return server->nconns;
}

void http_server_free(struct http_server *server)
{
	struct http_conn *conn, *next;
	struct http_exchange *exchange;

	if (!server)
		return;
	server->freeing = true;
	for (conn = TAILQ_FIRST(&server->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, link);
		if (conn->state == HTTP_CONN_NEW || conn->state == HTTP_CONN_LINGERING)
			http_conn_free(conn);
	}
	evhttp_free(server->http); /* closes the remaining connections */
	while ((exchange = TAILQ_FIRST(&server->exchanges)))
		http_exchange_free(exchange);
	http_exchanges_free_spare(server);
	LIST_REMOVE(server, link);
	event_free(server->accept_again);
	http_server_set_tls(server, NULL);
	http_gate_free(server->gate);
	if (server->spare_fd >= 0)
		close(server->spare_fd);
	free(server->by_fd);
	free(server);
}
