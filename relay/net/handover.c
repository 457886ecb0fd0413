/* Handover: see handover.h. The message is what the sockets listen on, with the sockets beside it.
 * The answer is one byte, when the successor has tried all that it can try beside the old relay.
 */
#include "tracepager/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

#include "loop-internal.h"

/* Of sd_listen_fds(3): the first descriptor that a service manager passes. */
#define FIRST_INHERITED 3
#define LISTEN_BYTES	256
#define TAKE_S		5
/* So long a successor may try its store and listen before it answers. */
#define CONFIRM_S 60
#define CONFIRMED '1'

struct handover {
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *answer; /* of the successor that has the sockets on trial; NULL: none */
	struct handover_ops ops;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char listen[LISTEN_BYTES];
	bool passed;
};

/* ---- from a service manager ---- */

static bool socket_listens(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	int listens = 0;
	socklen_t size = sizeof(listens);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens &&
	       getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
	       (address.ss_family == AF_INET || address.ss_family == AF_INET6);
}

static void socket_prepare(int fd)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int handover_inherit(int *ret_fds, size_t most, struct err *err)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	long n = count ? strtol(count, NULL, 10) : 0;

	if (!pid || strtol(pid, NULL, 10) != (long)getpid())
		n = 0;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (n < 0 || (size_t)n > most)
		return err_set(
			err, EINVAL,
			"the service manager passed %ld sockets (LISTEN_FDS); at most %zu are "
			"taken: list fewer in the .socket unit",
			n, most);
	for (int i = 0; i < n; i++) {
		ret_fds[i] = FIRST_INHERITED + i;
		if (!socket_listens(ret_fds[i]))
			return err_set(
				err, EINVAL,
				"socket %d of those that the service manager passed "
				"(LISTEN_FDS) does not listen for TCP: the .socket unit needs "
				"ListenStream=HOST:PORT and Accept=no",
				i + 1);
		socket_prepare(ret_fds[i]);
	}
	return (int)n;
}

/* ---- the message ---- */

union fd_room {
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(LIMIT_LISTENERS * sizeof(int))];
};

static int message_send(int fd, char *listen, const int *fds, size_t n)
{
	union fd_room room = { .header = { .cmsg_len = CMSG_LEN(n * sizeof(int)),
					   .cmsg_level = SOL_SOCKET,
					   .cmsg_type = SCM_RIGHTS } };
	struct iovec part = { .iov_base = listen, .iov_len = strlen(listen) + 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = n ? room.bytes : NULL,
				  .msg_controllen = n ? CMSG_SPACE(n * sizeof(int)) : 0 };

	memcpy(CMSG_DATA(&room.header), fds, n * sizeof(int));
	return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* How many descriptors came, or -errno. */
static int message_receive(int fd, char *ret_listen, int *ret_fds, size_t most)
{
	union fd_room room;
	struct iovec part = { .iov_base = ret_listen, .iov_len = LISTEN_BYTES - 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = room.bytes,
				  .msg_controllen = sizeof(room.bytes) };
	ssize_t len = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	int n = 0;

	if (len <= 0)
		return len < 0 ? -errno : -ECONNRESET;
	ret_listen[len] = '\0';
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
	     header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int got;
			memcpy(&got, CMSG_DATA(header) + i * sizeof(int), sizeof(got));
			if ((size_t)n < most)
				ret_fds[n++] = got;
			else
				close(got);
		}
	}
	return n;
}

/* ---- offering ---- */

static bool peer_is_ours(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

/* The successor's connection is closed; its sockets are copies, which end with it. */
static void handover_drop_answer(struct handover *handover)
{
	if (!handover->answer)
		return;
	close(event_get_fd(handover->answer));
	event_free(handover->answer);
	handover->answer = NULL;
}

static void handover_on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct handover *handover = arg;
	char answer = '\0';

	loop_woke();
	handover->passed =
		(what & EV_READ) && recv(fd, &answer, 1, MSG_DONTWAIT) == 1 && answer == CONFIRMED;
	handover_drop_answer(handover);
	if (handover->passed) {
		log_info("a successor has the listening sockets");
		handover->ops.passed(handover->ops.ctx);
		return;
	}
	log_warn("a successor asked for the listening sockets and cannot start; this relay goes "
		 "on");
	handover->ops.kept(handover->ops.ctx);
}

static void handover_await_answer(struct handover *handover, int fd)
{
	const struct timeval wait = { .tv_sec = CONFIRM_S };

	handover_drop_answer(handover); /* of an earlier successor */
	handover->answer = event_new(handover->base, fd, EV_READ, handover_on_answer, handover);
	if (handover->answer && event_add(handover->answer, &wait) == 0)
		return;
	if (handover->answer)
		handover_drop_answer(handover);
	else
		close(fd);
	handover->ops.kept(handover->ops.ctx);
}

static void handover_on_connect(struct evconnlistener *listener, evutil_socket_t fd,
				struct sockaddr *address, int len, void *arg)
{
	struct handover *handover = arg;
	int fds[LIMIT_LISTENERS];

	(void)listener;
	(void)address;
	(void)len;
	loop_woke();
	if (!peer_is_ours(fd) || handover->passed) {
		close(fd);
		return;
	}
	size_t n = handover->ops.sockets(handover->ops.ctx, fds, LIMIT_LISTENERS);
	int error = message_send(fd, handover->listen, fds, n);
	if (error) {
		log_warn("a successor asked for the listening sockets and did not take them",
			 LOG_STR("error", strerror(-error)));
		close(fd);
		if (!handover->answer)
			handover->ops.kept(handover->ops.ctx);
		return;
	}
	handover_await_answer(handover, fd);
}

static int address_fill(const char *path, struct sockaddr_un *ret_address, struct err *err)
{
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return err_set(err, ENAMETOOLONG,
			       "%s is longer than the %zu bytes that a Unix socket's name may have",
			       path, sizeof(ret_address->sun_path) - 1);
	memcpy(ret_address->sun_path, path, strlen(path) + 1);
	return 0;
}

struct handover *handover_offer(struct event_base *base, const char *path, const char *listen,
				const struct handover_ops *ops, struct err *err)
{
	struct handover *handover = xcalloc(1, sizeof(*handover));
	struct sockaddr_un address;

	handover->base = base;
	handover->ops = *ops;
	if (address_fill(path, &address, err) || strlen(listen) >= sizeof(handover->listen)) {
		free(handover);
		return NULL;
	}
	memcpy(handover->path, address.sun_path, sizeof(handover->path));
	memcpy(handover->listen, listen, strlen(listen) + 1);
	unlink(path);
	mode_t mask = umask(0177);
	handover->listener = evconnlistener_new_bind(
		base, handover_on_connect, handover, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
		4, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (!handover->listener) {
		err_set(err, errno, "cannot listen on %s: %s", path, strerror(errno));
		free(handover);
		return NULL;
	}
	return handover;
}

void handover_free(struct handover *handover)
{
	if (!handover)
		return;
	handover_drop_answer(handover);
	evconnlistener_free(handover->listener);
	if (!handover->passed)
		unlink(handover->path);
	free(handover);
}

/* ---- taking ---- */

static int refuse_elsewhere(const char *theirs, const char *listen, struct err *err)
{
	return err_set(
		err, EADDRNOTAVAIL,
		"the relay that runs with this store listens on %s, and \"listen\" says %s: "
		"its socket would close, and its senders would be refused; it goes on. Write "
		"listen: %s, or start without --take-over when tracepager drain has ended it",
		theirs, listen, theirs);
}

int handover_take(const char *path, const char *listen, int *ret_fds, size_t most, int *ret_talk,
		  struct err *err)
{
	const struct timeval wait = { .tv_sec = TAKE_S };
	struct sockaddr_un address;
	char theirs[LISTEN_BYTES];

	*ret_talk = -1;
	if (address_fill(path, &address, err))
		return -ENAMETOOLONG;
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, errno, "cannot make a Unix socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return 0;
		return err_set(err, errno,
			       "cannot ask the relay at %s for its sockets: %s; run as the same "
			       "user",
			       path, strerror(errno));
	}
	int n = message_receive(fd, theirs, ret_fds, most);
	if (n < 0)
		return err_set(err, -n,
			       "the relay at %s did not pass its sockets: %s; stop it first", path,
			       strerror(-n));
	const bool same = strcmp(theirs, listen) == 0;
	for (int i = 0; i < n; i++)
		if (same)
			socket_prepare(ret_fds[i]);
		else
			close(ret_fds[i]);
	if (!same)
		return refuse_elsewhere(theirs, listen, err);
	*ret_talk = fd;
	fd = -1;
	return n;
}

/* Where the message is lost, that relay has ended, or keeps the store, whose lock refuses us. */
void handover_confirm(int talk)
{
	const char answer = CONFIRMED;

	if (send(talk, &answer, 1, MSG_NOSIGNAL) < 0)
		log_warn("the relay before this one cannot be told to end",
			 LOG_STR("error", strerror(errno)));
	close(talk);
}
