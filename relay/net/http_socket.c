/* Watches curl's sockets with libevent, by a table of descriptors. */
#include "http_socket-internal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "tracepager/xalloc.h"

struct http_socket {
	struct http_sockets *sockets;
	struct event *event;
	short watched;	  /* EV_READ, EV_WRITE; 0: the event is not added */
	bool is_wanted;	  /* curl waits for it */
	bool opened_here; /* by http_socket_open(): http_socket_close() is told of its end */
};

void http_sockets_init(struct http_sockets *sockets, struct event_base *base,
		       void (*ready)(void *ctx, curl_socket_t fd, int ready), void *ctx)
{
	*sockets = (struct http_sockets){ .base = base, .ready = ready, .ctx = ctx };
}

static struct http_socket *socket_find(const struct http_sockets *sockets, curl_socket_t fd)
{
	return (size_t)fd < sockets->n ? sockets->by_fd[fd] : NULL;
}

static void socket_forget(struct http_sockets *sockets, curl_socket_t fd)
{
	struct http_socket *socket = socket_find(sockets, fd);

	if (!socket)
		return;
	sockets->by_fd[fd] = NULL;
	event_free(socket->event);
	free(socket);
}

void http_sockets_fini(struct http_sockets *sockets)
{
	for (size_t fd = 0; fd < sockets->n; fd++)
		socket_forget(sockets, (curl_socket_t)fd);
	free(sockets->by_fd);
	sockets->by_fd = NULL;
	sockets->n = 0;
}

static void socket_unwatch(struct http_socket *socket)
{
	if (socket->watched)
		event_del(socket->event);
	socket->watched = 0;
}

static void socket_on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct http_socket *socket = arg;

	if (socket->is_wanted)
		socket->sockets->ready(socket->sockets->ctx, fd,
				       (what & EV_READ ? CURL_CSELECT_IN : 0) |
					       (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
	else
		socket_unwatch(socket);
}

static struct http_socket *socket_add(struct http_sockets *sockets, curl_socket_t fd)
{
	const size_t old = sockets->n;
	struct http_socket *socket = xcalloc(1, sizeof(*socket));

	if ((size_t)fd >= old) {
		sockets->n = (size_t)fd + 64;
		sockets->by_fd =
			xrealloc_array(sockets->by_fd, sockets->n, sizeof(*sockets->by_fd));
		memset(sockets->by_fd + old, 0, (sockets->n - old) * sizeof(*sockets->by_fd));
	}
	socket->sockets = sockets;
	socket->event = event_new(sockets->base, fd, EV_READ, socket_on_ready, socket);
	if (!socket->event)
		abort();
	sockets->by_fd[fd] = socket;
	return socket;
}

void http_sockets_watch(struct http_sockets *sockets, curl_socket_t fd, int wanted)
{
	struct http_socket *socket = socket_find(sockets, fd);
	short what = 0;

	if (wanted == CURL_POLL_REMOVE) {
		/* curl waits for the reply only on a socket that has been connected, and closes
		 * such a one by http_socket_close(); it closes others without a word. */
		if (socket && socket->opened_here && socket->watched == EV_READ)
			socket->is_wanted = false;
		else
			socket_forget(sockets, fd);
		return;
	}
	if (!socket)
		socket = socket_add(sockets, fd);
	if (wanted == CURL_POLL_IN || wanted == CURL_POLL_INOUT)
		what |= EV_READ;
	if (wanted == CURL_POLL_OUT || wanted == CURL_POLL_INOUT)
		what |= EV_WRITE;
	socket->is_wanted = true;
	if (what == socket->watched)
		return;
	socket_unwatch(socket);
	socket->watched = what;
	if (event_assign(socket->event, sockets->base, fd, (short)(what | EV_PERSIST),
			 socket_on_ready, socket) ||
	    event_add(socket->event, NULL))
		abort();
}

curl_socket_t http_socket_open(void *sockets, curlsocktype purpose, struct curl_sockaddr *address)
{
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	socket_forget(sockets, fd); /* of a socket that curl closed without a word */
	socket_add(sockets, fd)->opened_here = true;
	return fd;
}

int http_socket_close(void *sockets, curl_socket_t fd)
{
	socket_forget(sockets, fd);
	return close(fd);
}
