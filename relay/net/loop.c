/*
 * The loop: runs libevent turn by turn, drives the timers, and measures. Owns its own events, never
 * the base, the timers or the descriptors.
 */
#include "tracepager/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include <event2/event.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

#include "loop-internal.h"

struct watch {
	SLIST_ENTRY(watch) link;
	struct loop *loop;
	struct event *event;
	void (*ready)(void *ctx); /* NULL: a signal */
	void *ctx;
};

/* The longest turn of the present period and of the one before. */
struct longest_turn {
	int64_t present_us, previous_us;
};

struct loop {
	struct event_base *base;
	const struct clock *clock;
	struct timers *timers;
	struct loop_hooks hooks;
	struct event *timer;
	int64_t armed_us; /* monotonic: to which timer is set; INT64_MAX: it is not armed */
	SLIST_HEAD(, watch) watches;
	int64_t woke_us;     /* when this turn began; 0: not yet */
	int64_t woke_cpu_us; /* the thread's CPU time then */
	int64_t period_us;   /* monotonic: when the present period of `longest` began */
	struct longest_turn longest, longest_cpu;
	bool stopping;
};

/* The loop that runs; a process has one. */
static struct loop *running_loop;

static void log_libevent(int severity, const char *text)
{
	if (severity >= EVENT_LOG_WARN)
		log_warn("libevent", LOG_STR("error", text));
}

struct event_base *net_event_base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	event_set_log_callback(log_libevent);
	signal(SIGPIPE, SIG_IGN);
	if (config && !event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST))
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

/* CPU time of this thread. */
static int64_t thread_cpu_us(void)
{
	struct timespec cpu;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu))
		return 0;
	return (int64_t)cpu.tv_sec * US_PER_SECOND + cpu.tv_nsec / 1000;
}

void loop_woke(void)
{
	struct loop *loop = running_loop;

	if (!loop || loop->woke_us)
		return;
	loop->woke_us = clock_mono_us(loop->clock);
	loop->woke_cpu_us = thread_cpu_us();
}

static void loop_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;

	(void)fd;
	(void)what;
	loop_woke();
	loop->armed_us = INT64_MAX;
	int64_t now_us = clock_mono_us(loop->clock);
	timers_run_until(loop->timers, now_us, loop->clock, now_us + LIMIT_SLICE_US);
}

static void loop_on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct watch *watch = arg;

	(void)what;
	loop_woke();
	if (watch->ready)
		watch->ready(watch->ctx);
	else if (watch->loop->hooks.caught)
		watch->loop->hooks.caught(watch->loop->hooks.ctx, (int)fd);
}

struct loop *loop_new(struct event_base *base, const struct clock *clock, struct timers *timers,
		      const struct loop_hooks *hooks)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	*loop = (struct loop){ .base = base,
			       .clock = clock,
			       .timers = timers,
			       .hooks = *hooks,
			       .timer = evtimer_new(base, loop_on_timer, loop),
			       .period_us = clock_mono_us(clock),
			       .armed_us = INT64_MAX };
	if (!loop->timer)
		abort();
	return loop;
}

void loop_free(struct loop *loop)
{
	struct watch *watch;

	if (!loop)
		return;
	while ((watch = SLIST_FIRST(&loop->watches))) {
		SLIST_REMOVE_HEAD(&loop->watches, link);
		event_free(watch->event);
		free(watch);
	}
	event_free(loop->timer);
	free(loop);
}

static int loop_add(struct loop *loop, int fd, short what, void (*ready)(void *ctx), void *ctx)
{
	struct watch *watch = xcalloc(1, sizeof(*watch));

	*watch = (struct watch){ .loop = loop, .ready = ready, .ctx = ctx };
	watch->event = event_new(loop->base, fd, (short)(what | EV_PERSIST), loop_on_ready, watch);
	if (!watch->event || event_add(watch->event, NULL)) {
		if (watch->event)
			event_free(watch->event);
		free(watch);
		return -EIO;
	}
	SLIST_INSERT_HEAD(&loop->watches, watch, link);
	return 0;
}

int loop_watch(struct loop *loop, int fd, void (*ready)(void *ctx), void *ctx)
{
	return loop_add(loop, fd, EV_READ, ready, ctx);
}

int loop_catch(struct loop *loop, int signo)
{
	return loop_add(loop, signo, EV_SIGNAL, NULL, NULL);
}

/* Sets the one libevent timer to the next deadline of the program's timers. */
static void loop_arm(struct loop *loop)
{
	int64_t next_us = loop->timers ? timers_next_us(loop->timers) : INT64_MAX;

	if (next_us == loop->armed_us)
		return;
	loop->armed_us = next_us;
	if (next_us == INT64_MAX) {
		evtimer_del(loop->timer);
		return;
	}
	int64_t wait_us = next_us - clock_mono_us(loop->clock);
	if (wait_us < 0)
		wait_us = 0;
	struct timeval wait = { .tv_sec = (time_t)(wait_us / US_PER_SECOND),
				.tv_usec = (suseconds_t)(wait_us % US_PER_SECOND) };
	evtimer_add(loop->timer, &wait);
}

static int64_t longest_of_both(const struct longest_turn *longest)
{
	return longest->present_us > longest->previous_us ? longest->present_us
							  : longest->previous_us;
}

static void longest_note(struct longest_turn *longest, int64_t turn_us)
{
	if (turn_us > longest->present_us)
		longest->present_us = turn_us;
}

/* After a pause of more than two periods both are empty. */
static void longest_next_period(struct longest_turn *longest, bool empty)
{
	longest->previous_us = empty ? 0 : longest->present_us;
	longest->present_us = 0;
}

static void loop_next_period(struct loop *loop, int64_t now_us)
{
	int64_t age_us = now_us - loop->period_us;
	bool empty = age_us >= 2 * LIMIT_TURN_PERIOD_US;

	if (age_us < LIMIT_TURN_PERIOD_US)
		return;
	loop->period_us = now_us;
	longest_next_period(&loop->longest, empty);
	longest_next_period(&loop->longest_cpu, empty);
}

static void loop_end_turn(struct loop *loop)
{
	loop_woke();
	if (loop->hooks.turn_end)
		loop->hooks.turn_end(loop->hooks.ctx);
	int64_t now_us = clock_mono_us(loop->clock);
	int64_t turn_us = now_us - loop->woke_us;
	loop_next_period(loop, loop->woke_us);
	longest_note(&loop->longest, turn_us);
	longest_note(&loop->longest_cpu, thread_cpu_us() - loop->woke_cpu_us);
	loop->woke_us = 0;
	metric_observe_us(METRIC_TURN_TIME, turn_us);
	metric_set(METRIC_LONGEST_TURN, longest_of_both(&loop->longest));
	metric_set(METRIC_LONGEST_TURN_CPU, longest_of_both(&loop->longest_cpu));
}

int loop_run(struct loop *loop)
{
	int result = 0;

	running_loop = loop;
	while (!loop->stopping && !result) {
		loop_arm(loop);
		int done = event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
		loop_end_turn(loop);
		if (done < 0)
			result = -EIO;
	}
	running_loop = NULL;
	loop->stopping = false;
	return result;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

int64_t loop_longest_turn_us(const struct loop *loop)
{
	return longest_of_both(&loop->longest);
}
