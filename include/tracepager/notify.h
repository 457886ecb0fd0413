/*
 * Notify: tells a service manager how this process is, by the protocol of sd_notify(3): datagrams
 * to the Unix socket that NOTIFY_SOCKET names, a path or (with a leading @) an abstract one. Reads
 * its environment once. Without a service manager every call is a no-op.
 *
 * Refuses other address families (vsock:). Owns its socket. One thread at a time.
 */
#ifndef TRACEPAGER_NOTIFY_H
#define TRACEPAGER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	int fd; /* -1: no service manager asked to be told */
	struct sockaddr_un manager;
	socklen_t manager_len;
	/* The service manager kills this process where it reads no WATCHDOG=1 for this long; 0: it
	 * does not watch. */
	int64_t watchdog_us;
};

/*
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and removes them from the environment: they
 * are for this process alone. takes_over: this process will become the service's main process in
 * place of the one that WATCHDOG_PID names, so that the watchdog is for it whatever that names.
 * Returns 0, also without NOTIFY_SOCKET, or -errno: its value is no address, or there is no socket;
 * nothing is told then.
 */
int notify_init(struct notify *notify, bool takes_over);
void notify_fini(struct notify *notify);

/* How often the service manager is to be told: each half of the time after which its watchdog acts,
 * within LIMIT_NOTIFY_LEAST_US and LIMIT_NOTIFY_US. Pure. */
int64_t notify_every_us(const struct notify *notify);

/* Sends assignments, one a line ("READY=1\nSTATUS=3 incidents open"). Waits for a full socket 1 s
 * at most with `wait`, else not at all. 0 or -errno. */
int notify_send(const struct notify *notify, bool wait, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
