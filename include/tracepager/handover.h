/*
 * Handover: listening sockets that outlive a process, so that a restart refuses nobody: those that
 * a service manager opened (LISTEN_FDS, as systemd's socket units pass them), and those that a
 * running relay passes to its successor over a Unix socket. Connections that arrive in between wait
 * in the sockets' queue, which both processes have.
 *
 * SO_REUSEPORT is not used: what waits in the queue of a socket that is closed is reset.
 *
 * Knows nothing of HTTP, and keeps nobody from the store: that is the store's lock. Loop thread,
 * but for handover_inherit() and handover_take(), which are for a start.
 */
#ifndef TRACEPAGER_HANDOVER_H
#define TRACEPAGER_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/err.h"

struct event_base;
struct handover;

/* The sockets that the service manager passed to this process, at most `most`; the environment
 * forgets them. Returns how many, 0 where there are none, or -EINVAL with err: one of them does not
 * listen for TCP. The caller owns them. */
int handover_inherit(int *ret_fds, size_t most, struct err *err);

struct handover_ops {
	/* The sockets to pass on; returns how many were written, at most `most`. They stay ours. */
	size_t (*sockets)(void *ctx, int *fds, size_t most);
	/* The successor can start: it waits for the store and accepts then. */
	void (*passed)(void *ctx);
	/* The successor that asked for the sockets ended without them: this relay goes on. */
	void (*kept)(void *ctx);
	void *ctx;
};

/* Offers the sockets at the Unix socket `path`, to processes of this user and of root; one that is
 * there is replaced. listen: what the sockets listen on, as the options say it; at most 255 bytes,
 * copied. NULL with err: it cannot be offered; -ENAMETOOLONG: Unix sockets have short names. */
struct handover *handover_offer(struct event_base *base, const char *path, const char *listen,
				const struct handover_ops *ops, struct err *err);
/* Takes the path away, unless a successor has the sockets: then the path is the successor's. Takes
 * NULL. */
void handover_free(struct handover *handover);

/* Asks the relay that offers its sockets at `path` for them; it goes on as before until
 * handover_confirm(). Returns how many, 0 where no relay is there (*ret_talk is -1) or it listens
 * no more, or -errno with err; -EADDRNOTAVAIL: that relay listens elsewhere. Waits 5 s at most. The
 * caller owns the sockets, and *ret_talk until handover_confirm(); to close it gives up. */
int handover_take(const char *path, const char *listen, int *ret_fds, size_t most, int *ret_talk,
		  struct err *err);
/* Tells the relay that the sockets are in good hands: it drains from now on, and there is no way
 * back. Takes talk. */
void handover_confirm(int talk);

#endif
