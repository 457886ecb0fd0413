/* Notify: datagrams to the service manager, and what its environment variables say. */
#include "tracepager/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "tracepager/limits.h"

static int set_manager(struct notify *notify, const char *name)
{
	const size_t len = strlen(name);

	if (len < 2 || (*name != '/' && *name != '@'))
		return -EAFNOSUPPORT;
	if (len >= sizeof(notify->manager.sun_path))
		return -ENAMETOOLONG;
	notify->manager.sun_family = AF_UNIX;
	memcpy(notify->manager.sun_path, name, len + 1);
	notify->manager_len =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (*name == '/'));
	if (*name == '@') /* an abstract name begins with a zero byte and ends with its length */
		notify->manager.sun_path[0] = '\0';
	return 0;
}

static int64_t watchdog_from_environment(bool takes_over)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	char *end;

	if (!us || (pid && !takes_over && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	errno = 0;
	const long long value = strtoll(us, &end, 10);
	return errno || *end || end == us || value < 0 ? 0 : value;
}

int notify_init(struct notify *notify, bool takes_over)
{
	const struct timeval wait = { .tv_sec = LIMIT_NOTIFY_WAIT_S };
	const char *name = getenv("NOTIFY_SOCKET");
	int result = 0;

	*notify = (struct notify){ .fd = -1 };
	if (name && *name)
		result = set_manager(notify, name);
	if (name && *name && result == 0) {
		notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		result = notify->fd < 0 ? -errno : 0;
	}
	if (notify->fd >= 0) {
		setsockopt(notify->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
		notify->watchdog_us = watchdog_from_environment(takes_over);
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return result;
}

int64_t notify_every_us(const struct notify *notify)
{
	const int64_t half_us = notify->watchdog_us / 2;

	if (!notify->watchdog_us || half_us > LIMIT_NOTIFY_US)
		return LIMIT_NOTIFY_US;
	return half_us > LIMIT_NOTIFY_LEAST_US ? half_us : LIMIT_NOTIFY_LEAST_US;
}

void notify_fini(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
	notify->watchdog_us = 0;
}

int notify_send(const struct notify *notify, bool wait, const char *format, ...)
{
	char text[LIMIT_NOTIFY_BYTES];
	va_list args;

	if (notify->fd < 0)
		return 0;
	va_start(args, format);
	const int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text))
		return -EMSGSIZE;
	/* Addressed each time, not connected: a service manager that starts anew binds another
	 * socket to the same name. */
	return sendto(notify->fd, text, (size_t)len, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT),
		      (const struct sockaddr *)&notify->manager, notify->manager_len) < 0
		       ? -errno
		       : 0;
}
