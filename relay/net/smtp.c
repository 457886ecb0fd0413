/* The queue of mails, and their threads. */
#include "smtp-internal.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/event.h>

#include "tracepager/arena.h"
#include "tracepager/http.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#include "loop-internal.h"
#include "smtp_curl-internal.h"

#define MAIL_CALL_MAGIC 0x6d61696cu

enum mail_state {
	MAIL_WAITING, /* for a thread */
	MAIL_RUNNING, /* its thread works */
	MAIL_ASKING,  /* its thread waits for the answer of begins() */
	MAIL_ENDED,   /* its thread has set the result, and ends */
};

struct mail_call {
	unsigned int magic;
	TAILQ_ENTRY(mail_call) link;
	struct smtp_client *client;
	struct arena *arena;
	struct mail mail;
	struct http_handler handler;
	void *arg;
	pthread_t thread; /* not while it waits */
	/* Under the client's lock. */
	enum mail_state state;
	bool cancelled;
	bool may_begin;
	struct smtp_result result; /* MAIL_ENDED */
};
TAILQ_HEAD(mail_list, mail_call);

struct smtp_client {
	struct mail_transport transport;
	const struct clock *clock;
	struct peer_sight *sight;
	struct event *event; /* pending while mails run */
	int fd;		     /* readable: a thread asks, or has ended */
	pthread_mutex_t lock;
	pthread_cond_t answered;
	struct mail_list waiting, running; /* the loop thread's */
	size_t nwaiting, nrunning;
};

/* ---- on a mail's thread ---- */

static void smtp_client_notify(const struct smtp_client *client)
{
	uint64_t one = 1;
	ssize_t n = write(client->fd, &one, sizeof(one));

	(void)n; /* a full counter is readable already */
}

/* Asks the loop's thread, and waits for its answer. */
static bool mail_thread_begins(void *arg)
{
	struct mail_call *call = arg;
	struct smtp_client *client = call->client;
	bool may_begin;

	pthread_mutex_lock(&client->lock);
	call->state = MAIL_ASKING;
	smtp_client_notify(client);
	while (call->state == MAIL_ASKING && !call->cancelled)
		pthread_cond_wait(&client->answered, &client->lock);
	call->state = MAIL_RUNNING;
	may_begin = call->may_begin && !call->cancelled;
	pthread_mutex_unlock(&client->lock);
	return may_begin;
}

static bool mail_thread_cancelled(void *arg)
{
	struct mail_call *call = arg;
	bool cancelled;

	pthread_mutex_lock(&call->client->lock);
	cancelled = call->cancelled;
	pthread_mutex_unlock(&call->client->lock);
	return cancelled;
}

static void *mail_thread(void *arg)
{
	static const struct smtp_hooks hooks = { .begins = mail_thread_begins,
						 .cancelled = mail_thread_cancelled };
	struct mail_call *call = arg;
	struct smtp_client *client = call->client;
	struct smtp_result result;

	smtp_curl_send(&call->mail, &hooks, call, &result);
	pthread_mutex_lock(&client->lock);
	call->result = result;
	call->state = MAIL_ENDED;
	smtp_client_notify(client);
	pthread_mutex_unlock(&client->lock);
	return NULL;
}

/* ---- on the loop's thread ---- */

static void mail_call_free(struct mail_call *call)
{
	assert(call->magic == MAIL_CALL_MAGIC);
	call->magic = 0;
	smtp_result_fini(&call->result);
	arena_free(call->arena);
	free(call);
}

static bool mail_call_start(struct mail_call *call)
{
	sigset_t all, old;
	int error;

	call->state = MAIL_RUNNING;
	sigfillset(&all); /* the loop's thread handles signals */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&call->thread, NULL, mail_thread, call);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error == 0)
		pthread_setname_np(call->thread, "mail");
	else
		call->state = MAIL_WAITING;
	return error == 0;
}

/* Is the mail's server busy with as many mails as one may have? */
static bool smtp_server_is_busy(const struct smtp_client *client, const struct mail_call *call)
{
	const struct mail_call *other;
	unsigned int n = 0;

	TAILQ_FOREACH (other, &client->running, link)
		n += strcmp(other->mail.url, call->mail.url) == 0;
	return n >= LIMIT_MAILS_PER_SERVER;
}

/* Starts what may start, the oldest first. Where no thread can be made, the end of another mail or
 * the next mail is the next try. */
static void smtp_client_start(struct smtp_client *client)
{
	struct mail_call *call, *next;

	for (call = TAILQ_FIRST(&client->waiting); call && client->nrunning < LIMIT_MAILS_AT_ONCE;
	     call = next) {
		next = TAILQ_NEXT(call, link);
		if (smtp_server_is_busy(client, call))
			continue;
		if (!mail_call_start(call))
			return;
		TAILQ_REMOVE(&client->waiting, call, link);
		client->nwaiting--;
		TAILQ_INSERT_TAIL(&client->running, call, link);
		if (client->nrunning++ == 0)
			event_add(client->event, NULL);
	}
}

static enum mail_state mail_call_state(struct mail_call *call)
{
	enum mail_state state;

	pthread_mutex_lock(&call->client->lock);
	state = call->state;
	pthread_mutex_unlock(&call->client->lock);
	return state;
}

static void mail_call_answer(struct mail_call *call)
{
	struct smtp_client *client = call->client;
	bool may_begin = !call->handler.begins || call->handler.begins(call->arg);

	pthread_mutex_lock(&client->lock);
	call->may_begin = may_begin;
	call->state = MAIL_RUNNING;
	pthread_cond_broadcast(&client->answered);
	pthread_mutex_unlock(&client->lock);
}

static void mail_call_tell(struct mail_call *call)
{
	const struct smtp_result *result = &call->result;
	struct http_header refused[LIMIT_REPLY_HEADERS];
	size_t n = result->nrefused < LIMIT_REPLY_HEADERS ? result->nrefused : LIMIT_REPLY_HEADERS;
	const struct http_reply reply = {
		.status = result->status,
		.error = result->error,
		.body = buf_text(&result->words),
		.len = result->words.len,
		.retry_after_us = -1,
		.content_type = "",
		.headers = refused,
		.nheaders = n,
	};

	for (size_t i = 0; i < n; i++)
		refused[i] = (struct http_header){ .name = "Refused", .value = result->refused[i] };
	call->handler.done(call->arg, &reply);
}

static void mail_call_end(struct mail_call *call)
{
	struct smtp_client *client = call->client;

	pthread_join(call->thread, NULL);
	TAILQ_REMOVE(&client->running, call, link);
	if (--client->nrunning == 0)
		event_del(client->event);
	if (call->result.ends_us)
		peer_sight_take_certificate(client->sight, call->mail.url, call->result.ends_us,
					    clock_mono_us(client->clock));
	if (!call->cancelled)
		mail_call_tell(call);
	mail_call_free(call);
}

/* The first that asks or has ended; NULL: none. */
static struct mail_call *smtp_client_next(struct smtp_client *client)
{
	struct mail_call *call;

	TAILQ_FOREACH (call, &client->running, link) {
		enum mail_state state = mail_call_state(call);
		if (state == MAIL_ENDED || (state == MAIL_ASKING && !call->cancelled))
			return call;
	}
	return NULL;
}

static void smtp_client_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct smtp_client *client = arg;
	struct mail_call *call;
	uint64_t n;

	(void)what;
	loop_woke();
	if (read(fd, &n, sizeof(n)) < 0)
		return;
	/* From the start again each time: a handler may send and cancel. */
	while ((call = smtp_client_next(client)))
		if (mail_call_state(call) == MAIL_ENDED)
			mail_call_end(call);
		else
			mail_call_answer(call);
	smtp_client_start(client);
}

/* ---- the transport ---- */

static size_t mail_text_bytes(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Of a copy in an arena, whose blocks are rounded up. */
static size_t mail_copy_bytes(const struct mail *mail)
{
	size_t bytes = mail->len + mail_text_bytes(mail->url) + mail_text_bytes(mail->user) +
		       mail_text_bytes(mail->password) + mail_text_bytes(mail->ca_file) +
		       mail_text_bytes(mail->from) + 4096;

	for (size_t i = 0; i < mail->nto; i++)
		bytes += mail_text_bytes(mail->to[i]) + 64;
	return 2 * bytes;
}

static struct mail_call *smtp_send(void *ctx, const struct mail *mail,
				   const struct http_handler *handler, void *arg)
{
	struct smtp_client *client = ctx;
	struct arena *arena = arena_new(mail_copy_bytes(mail));
	const char **to = arena_array(arena, mail->nto + 1, sizeof(*to));
	struct mail_call *call = xcalloc(1, sizeof(*call));

	assert(!handler->body);
	*call = (struct mail_call){ .magic = MAIL_CALL_MAGIC,
				    .client = client,
				    .arena = arena,
				    .mail = *mail,
				    .handler = *handler,
				    .arg = arg };
	for (size_t i = 0; i < mail->nto; i++)
		to[i] = arena_strdup(arena, mail->to[i]);
	call->mail.to = to;
	call->mail.url = arena_strdup(arena, mail->url);
	call->mail.user = arena_strdup(arena, mail->user);
	call->mail.password = arena_strdup(arena, mail->password);
	call->mail.ca_file = arena_strdup(arena, mail->ca_file);
	call->mail.from = arena_strdup(arena, mail->from);
	call->mail.data = arena_strndup(arena, mail->data, mail->len);
	TAILQ_INSERT_TAIL(&client->waiting, call, link);
	client->nwaiting++;
	smtp_client_start(client);
	return call;
}

static void smtp_cancel(void *ctx, struct mail_call *call)
{
	struct smtp_client *client = ctx;

	assert(call->magic == MAIL_CALL_MAGIC && call->client == client);
	if (mail_call_state(call) == MAIL_WAITING) {
		TAILQ_REMOVE(&client->waiting, call, link);
		client->nwaiting--;
		mail_call_free(call);
		return;
	}
	pthread_mutex_lock(&client->lock);
	call->cancelled = true;
	pthread_cond_broadcast(&client->answered);
	pthread_mutex_unlock(&client->lock);
}

struct smtp_client *smtp_client_new(struct event_base *base, const struct clock *clock,
				    struct peer_sight *sight)
{
	struct smtp_client *client = xcalloc(1, sizeof(*client));

	client->clock = clock;
	client->sight = sight;
	client->transport =
		(struct mail_transport){ .send = smtp_send, .cancel = smtp_cancel, .ctx = client };
	TAILQ_INIT(&client->waiting);
	TAILQ_INIT(&client->running);
	pthread_mutex_init(&client->lock, NULL);
	pthread_cond_init(&client->answered, NULL);
	client->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (client->fd >= 0)
		client->event = event_new(base, client->fd, EV_READ | EV_PERSIST,
					  smtp_client_on_event, client);
	if (!client->event) {
		smtp_client_free(client);
		return NULL;
	}
	return client;
}

void smtp_client_free(struct smtp_client *client)
{
	struct mail_call *call;

	if (!client)
		return;
	while ((call = TAILQ_FIRST(&client->waiting)))
		smtp_cancel(client, call);
	TAILQ_FOREACH (call, &client->running, link)
		smtp_cancel(client, call);
	while ((call = TAILQ_FIRST(&client->running)))
		mail_call_end(call); /* waits for its thread */
	if (client->event)
		event_free(client->event);
	if (client->fd >= 0)
		close(client->fd);
	pthread_cond_destroy(&client->answered);
	pthread_mutex_destroy(&client->lock);
	free(client);
}

const struct mail_transport *smtp_client_transport(struct smtp_client *client)
{
	return &client->transport;
}

size_t smtp_client_active(const struct smtp_client *client)
{
	return client->nwaiting + client->nrunning;
}
