/*
 * Attempt: one try to deliver one page: have its kind build the request or the mail, send it, have
 * the kind judge the reply; then the same with a second request where the page needs one. Owns the
 * call until its reply is judged. Knows nothing of order and retries.
 */
#include "deliver-internal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/limits.h"
#include "tracepager/terminal.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

struct attempt {
	const struct deliver_env *env;
	const struct pager_kind *kind;
	struct http_call *call;
	struct mail_call *mail;
	/* Reports a result that is known at once: attempt_start() never calls done() itself. */
	struct timer timer;
	struct judgement judgement;
	bool taken_back; /* ops->begins() said no */
	/* NULL: there is none, or it is under way. The arena keeps it. */
	const struct http_request *follow_up;
	struct arena *arena;
	struct attempt_trace *trace; /* NULL: it is in none */
	struct secret_hide *secrets; /* of the target; NULL: none is asked */
	const struct attempt_ops *ops;
	void *ctx;
};

static void attempt_finish(struct attempt *attempt, const struct judgement *judgement, int status)
{
	const struct attempt_ops *ops = attempt->ops;
	void *ctx = attempt->ctx;
	struct judgement copy = *judgement;

	attempt_trace_end(attempt->trace, judgement, status);
	arena_free(attempt->arena);
	secret_hide_free(attempt->secrets);
	free(attempt);
	ops->done(ctx, &copy, status);
}

static void attempt_on_timer(void *arg)
{
	struct attempt *attempt = arg;

	attempt_finish(attempt, &attempt->judgement, 0);
}

static bool attempt_begins(void *arg)
{
	struct attempt *attempt = arg;

	attempt->taken_back = !attempt->ops->begins(attempt->ctx);
	return !attempt->taken_back;
}

static void attempt_finish_soon(struct attempt *attempt, enum judgement_outcome outcome,
				const char *text)
{
	attempt->judgement.outcome = outcome;
	attempt->judgement.retry_after_us = -1;
	snprintf(attempt->judgement.text, sizeof(attempt->judgement.text), "%.*s",
		 (int)utf8_chars(text, 190), text);
	timer_arm(attempt->env->timers, &attempt->timer, clock_mono_us(attempt->env->clock));
}

/* The second reply's judgement, with what the first one told to remember. */
static void attempt_on_second(void *arg, const struct http_reply *reply)
{
	struct attempt *attempt = arg;
	struct judgement judgement = pager_judge(attempt->kind, attempt->secrets, reply);

	if (!judgement.remembers && attempt->judgement.remembers) {
		judgement.remembers = true;
		memcpy(judgement.memory, attempt->judgement.memory, sizeof(judgement.memory));
	}
	attempt_finish(attempt, &judgement, reply->status);
}

/* Nobody is asked whether it may leave: the service has half of the page. */
static void attempt_send_second(struct attempt *attempt, const struct judgement *first)
{
	static const struct http_handler handler = { .done = attempt_on_second };
	const struct http_transport *transport = attempt->env->transport;

	attempt->judgement = *first;
	attempt->call = transport->send(transport->ctx, attempt->follow_up, &handler, attempt);
	if (!attempt->call)
		attempt_finish_soon(attempt, JUDGE_RETRY, "not sent: out of memory or descriptors");
}

static void attempt_on_reply(void *arg, const struct http_reply *reply)
{
	struct attempt *attempt = arg;

	if (attempt->taken_back) {
		const struct attempt_ops *ops = attempt->ops;
		void *ctx = attempt->ctx;
		attempt_trace_end(attempt->trace, NULL, 0);
		arena_free(attempt->arena);
		secret_hide_free(attempt->secrets);
		free(attempt);
		ops->done(ctx, NULL, 0);
		return;
	}
	struct judgement judgement = pager_judge(attempt->kind, attempt->secrets, reply);
	if (judgement.outcome == JUDGE_DELIVERED && attempt->follow_up)
		attempt_send_second(attempt, &judgement);
	else
		attempt_finish(attempt, &judgement, reply->status);
}

/* Write in pieces of PIPE_BUF, each of which a descriptor that polls writable takes whole: a
 * stopped terminal never blocks the loop. The next try writes the whole text again. 0 or -errno. */
static int console_write(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		struct pollfd ready = { .fd = fd, .events = POLLOUT };
		if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
			return -EAGAIN;
		ssize_t n = write(fd, text, len < PIPE_BUF ? len : PIPE_BUF);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Asked at each attempt: a terminal can be resized while the relay runs. */
static struct page_screen console_screen(int fd, const struct page_target *target)
{
	unsigned long columns = target->columns;
	bool terminal = isatty(fd);

	if (!columns && terminal)
		columns = terminal_columns(fd, LIMIT_CONSOLE_COLUMNS);
	if (columns && columns < LIMIT_CONSOLE_COLUMNS_LEAST)
		columns = LIMIT_CONSOLE_COLUMNS_LEAST;
	if (columns > LIMIT_CONSOLE_COLUMNS_MOST)
		columns = LIMIT_CONSOLE_COLUMNS_MOST;
	return (struct page_screen){
		.columns = (unsigned int)columns,
		.colour = target->colour == PAGER_COLOUR_ALWAYS ||
			  (target->colour == PAGER_COLOUR_AUTO && terminal_has_colour(fd)),
		.ascii = !terminal_is_utf8(),
	};
}

static void attempt_send(struct attempt *attempt, struct delivery *delivery)
{
	static const struct http_handler handler = { .begins = attempt_begins,
						     .done = attempt_on_reply };
	const struct http_transport *transport = attempt->env->transport;

	if (delivery->console) {
		int error = console_write(attempt->env->console_fd, delivery->console);
		attempt_finish_soon(attempt, error ? JUDGE_RETRY : JUDGE_DELIVERED,
				    error ? strerror(-error) : "");
		return;
	}
	attempt_trace_sends(attempt->trace, delivery);
	attempt->follow_up = delivery->follow_up;
	if (delivery->mail && transport->mail)
		attempt->mail = transport->mail->send(transport->mail->ctx, delivery->mail,
						      &handler, attempt);
	else if (!delivery->mail)
		attempt->call =
			transport->send(transport->ctx, &delivery->request, &handler, attempt);
	if (!attempt->call && !attempt->mail)
		attempt_finish_soon(attempt, JUDGE_RETRY, "not sent: out of memory or descriptors");
}

/* The body (at most LIMIT_PAGE_BYTES) and its signed copy; headers; what a kind makes of the page's
 * texts. */
#define ARENA_BYTES (8 * (size_t)LIMIT_PAGE_DOC_BYTES + 6 * (size_t)LIMIT_PAGE_BYTES + (1u << 20))

/* Has the kind build the request, and sends it. */
static void attempt_build(struct attempt *attempt, const struct attempt_order *order)
{
	const struct deliver_env *env = attempt->env;
	struct arena *arena = arena_new(ARENA_BYTES);
	const char *message_id =
		arena_printf(arena, "%s_%" PRId64, order->row->incident, order->row->id);
	struct page_target target = *order->target;
	struct page page = *order->page;
	struct err err = { .code = 0 };
	struct delivery delivery;

	/* A notice is an update that nothing supersedes: only the queue cares. */
	target.memory = order->memory;
	page.at_once = order->row->event == PAGE_NOTICE;
	page.event =
		order->row->event == PAGE_NOTICE ? PAGE_UPDATE : (enum page_event)order->row->event;
	attempt->kind = pager_kinds[target.kind];
	attempt->secrets = page_target_secrets(&target);
	if (attempt->kind->on_screen)
		target.screen = console_screen(env->console_fd, &target);
	if (attempt->kind->build(arena, &page, &target, message_id, clock_wall_us(env->clock),
				 &delivery, &err))
		attempt_finish_soon(attempt, JUDGE_REJECTED, err.text);
	else if (strcmp(order->row->pager, DELIVER_SINK) == 0)
		attempt_finish_soon(attempt, JUDGE_DELIVERED, "");
	else
		attempt_send(attempt, &delivery);
	if (attempt->follow_up)
		attempt->arena = arena;
	else
		arena_free(arena);
}

struct attempt *attempt_start(const struct deliver_env *env, const struct attempt_order *order,
			      const struct attempt_ops *ops, void *ctx)
{
	struct attempt *attempt = xcalloc(1, sizeof(*attempt));

	attempt->env = env;
	attempt->ops = ops;
	attempt->ctx = ctx;
	attempt->timer.fire = attempt_on_timer;
	attempt->timer.arg = attempt;
	attempt->trace = attempt_trace_new(env, order);
	if (order->row->event < PAGE_TRIGGER || order->row->event > PAGE_NOTICE)
		attempt_finish_soon(attempt, JUDGE_REJECTED, "stored page: unknown event");
	else if (order->fault)
		attempt_finish_soon(attempt, JUDGE_REJECTED, order->fault);
	else
		attempt_build(attempt, order);
	return attempt;
}

void attempt_cancel(struct attempt *attempt)
{
	const struct http_transport *transport;

	if (!attempt)
		return;
	transport = attempt->env->transport;
	if (attempt->call)
		transport->cancel(transport->ctx, attempt->call);
	if (attempt->mail)
		transport->mail->cancel(transport->mail->ctx, attempt->mail);
	timer_disarm(attempt->env->timers, &attempt->timer);
	attempt_trace_end(attempt->trace, NULL, 0);
	arena_free(attempt->arena);
	secret_hide_free(attempt->secrets);
	free(attempt);
}

struct span_context attempt_span(const struct attempt *attempt)
{
	return attempt_trace_span(attempt->trace);
}
