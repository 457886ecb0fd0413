/*
 * Relay, notify: tells the service manager that the relay is ready, reloads or ends, and feeds its
 * watchdog from the timers of the loop, so that a loop that is stuck is killed and started anew.
 */
#include "relay-internal.h"

#include <string.h>
#include <unistd.h>

#include "tracepager/incident.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

/* States change the unit: a start or an end waits for the service manager. */
static void send_state(const struct relay *relay, const char *state, bool wait)
{
	const int result = notify_send(&relay->notify, wait, "%s", state);

	if (result < 0)
		log_warn("the service manager was not told", LOG_STR("state", state),
			 LOG_STR("error", strerror(-result)));
}

static void write_status(const struct relay *relay, struct buf *out)
{
	const size_t open = incidents_open(relay->incidents),
		     waiting = incidents_pages_waiting(relay->incidents);

	const struct reload_view rules = reload_look(relay->rules);

	buf_puts(out, "STATUS=");
	buf_count(out, open, "incident open, ", "incidents open, ");
	buf_count(out, waiting, "page waits", "pages wait");
	if (rules.last_us && !rules.taken)
		buf_puts(out, "; the new rules were not taken, the old ones stay in force");
}

static void relay_on_notify(void *arg)
{
	struct relay *relay = arg;
	const int64_t watchdog_us = relay->notify.watchdog_us;
	struct buf text = BUF_INIT(LIMIT_NOTIFY_BYTES);

	if (!relay->draining)
		write_status(relay, &text);
	if (watchdog_us)
		buf_printf(&text, "%sWATCHDOG=1", text.len ? "\n" : "");
	if (text.len)
		notify_send(&relay->notify, false, "%s", buf_text(&text));
	buf_fini(&text);
	timer_arm(relay->timers, &relay->notify_timer,
		  clock_mono_us(relay->clock) + notify_every_us(&relay->notify));
}

void relay_begin_notify(struct relay *relay, bool takes_over)
{
	const int result = notify_init(&relay->notify, takes_over);

	relay->notify_timer = (struct timer){ .fire = relay_on_notify, .arg = relay };
	if (result < 0)
		log_warn("NOTIFY_SOCKET cannot be used; the service manager is not told anything",
			 LOG_STR("error", strerror(-result)));
}

void relay_tell_main(const struct relay *relay)
{
	CLEANUP_FREE char *state = xasprintf("MAINPID=%ld", (long)getpid());

	send_state(relay, state, true);
}

static void send_ready(struct relay *relay)
{
	struct buf text = BUF_INIT(LIMIT_NOTIFY_BYTES);

	buf_puts(&text, "READY=1\n");
	if (relay->waits_for_store) /* again: the first message may have come before the old one's
				       end */
		buf_printf(&text, "MAINPID=%ld\n", (long)getpid());
	write_status(relay, &text);
	send_state(relay, buf_text(&text), true);
	buf_fini(&text);
}

void relay_tell_ready(struct relay *relay)
{
	if (relay->notify.fd < 0)
		return;
	send_ready(relay);
	relay_on_notify(relay);
}

void relay_tell_failed(const struct relay *relay, const struct err *err)
{
	const char *why = err->code ? err->text : "the rules have errors; the log lists them";

	/* One line: what follows a line end would be an assignment. */
	notify_send(&relay->notify, true, "STATUS=%.*s", (int)strcspn(why, "\n"), why);
}

void relay_tell_reloading(struct relay *relay)
{
	if (relay->notify.fd < 0 || relay->draining)
		return;
	CLEANUP_FREE char *state = xasprintf("RELOADING=1\nMONOTONIC_USEC=%lld",
					     (long long)clock_mono_us(relay->clock));

	relay->reloading = true;
	send_state(relay, state, true);
}

/* While the options are read again, another load of the rules follows. */
void relay_tell_reloaded(void *ctx)
{
	struct relay *relay = ctx;

	if (!relay->reloading || relay->refresh || relay->draining)
		return;
	relay->reloading = false;
	send_ready(relay);
}

/* After a handover the service goes on, and its state is the successor's to tell. */
void relay_tell_stopping(struct relay *relay)
{
	if (relay->handed_over)
		notify_fini(&relay->notify);
	if (relay->notify.fd >= 0)
		send_state(relay, "STOPPING=1\nSTATUS=ends what is under way", true);
}
