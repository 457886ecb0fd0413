/*
 * The HTTP client: struct http_transport on libcurl's multi interface, driven by libevent. Only
 * http_client.c, http_easy.c, http_socket.c, http_url.c, peer_curl.c, probe.c and smtp_curl.c see
 * curl. It judges no reply: the caller decides by the status whether to retry. It follows no
 * redirects: a pager's key goes only where the configuration says.
 *
 * curl must not be entered from its own callbacks, and a handler may send or cancel from any of its
 * functions. So send and cancel only put the call into the list fresh or dead; client_on_work(), an
 * event of its own, starts and frees calls once curl has returned, still in the same turn.
 *
 * Owns its calls, curl's handles, connections and timer, the mail transport beside it (smtp.c), and
 * what peers tell of their clocks and certificates (peer_sight.h). The event base is borrowed.
 */
#include "tracepager/http_client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#include "http_easy-internal.h"
#include "http_socket-internal.h"
#include "loop-internal.h"
#include "peer_curl-internal.h"
#include "smtp-internal.h"

#define HTTP_CALL_MAGIC 0x63616c6cu

enum call_state {
	CALL_FRESH,   /* not yet given to curl */
	CALL_RUNNING, /* curl works on it */
	CALL_PAUSED,  /* curl holds a piece of its reply until the next turn */
	CALL_DEAD,    /* cancelled; curl may still have it */
	CALL_DONE,    /* its handler's done() runs */
};

TAILQ_HEAD(call_list, http_call);

struct http_call {
	unsigned int magic;
	enum call_state state;
	TAILQ_ENTRY(http_call) link; /* in the list of its state; in none while CALL_DONE */
	struct http_client *client;
	struct http_handler handler;
	void *arg;
	struct http_easy *easy;
	bool added;    /* curl's multi handle has it */
	bool is_sound; /* it ended without an error */
	int64_t timeout_us;
	size_t max_bytes, bytes, header_bytes;
	struct buf reply_body; /* where the handler has no body() */
	char *failure;	       /* our own reason to end the call; NULL: none */
	/* What the reply tells of the peer's clock; date_us 0: nothing. */
	struct peer_date date;
	bool is_cached; /* a cache keeps the reply: its Date is of when it was made */
	/* The request, in `memory`. */
	struct http_easy_request request;
	struct curl_slist lines[LIMIT_REQUEST_HEADERS + HTTP_EASY_LINES];
	char memory[];
};

struct http_client {
	struct event_base *base;
	const struct clock *clock;
	struct http_transport transport;
	struct smtp_client *smtp;
	struct peer_sight *sight;
	CURLM *multi;
	struct http_easies easies;
	struct http_sockets sockets;
	struct event *timer; /* curl's */
	struct event *work;  /* active or pending: a call is fresh or dead */
	struct event *turn;  /* pending: handed_bytes is at its limit, or a call is paused */
	/* Of all calls, since `work` and `turn` last waited for a turn: so that no turn has more
	 * than its limit, though most turns end without the events. */
	size_t handed_bytes;
	int nstarted;
	bool is_adding; /* client_act() follows: curl's timer need not be set */
	struct call_list fresh, running, paused, dead;
	size_t ncalls;
};

static struct call_list *client_list(struct http_client *client, enum call_state state)
{
	switch (state) {
	case CALL_FRESH:
		return &client->fresh;
	case CALL_RUNNING:
		return &client->running;
	case CALL_PAUSED:
		return &client->paused;
	case CALL_DEAD:
		return &client->dead;
	case CALL_DONE:
		break;
	}
	return NULL;
}

/* The only function that changes a call's state. */
static void call_enter(struct http_call *call, enum call_state state)
{
	struct call_list *list = client_list(call->client, call->state);

	if (list)
		TAILQ_REMOVE(list, call, link);
	call->state = state;
	list = client_list(call->client, state);
	if (list)
		TAILQ_INSERT_TAIL(list, call, link);
}

/* A handle keeps TLS sessions, in which peers show no certificate. */
static bool call_easy_is_old(const struct http_call *call)
{
	return call->date.asked_us - call->easy->first_us >= LIMIT_CONNECTION_LIFE_US;
}

static void call_free(struct http_call *call)
{
	assert(call->state == CALL_DONE && call->magic == HTTP_CALL_MAGIC);
	if (call->added)
		curl_multi_remove_handle(call->client->multi, call->easy->curl);
	http_easy_give(&call->client->easies, call->easy,
		       call->is_sound && !call_easy_is_old(call));
	buf_fini(&call->reply_body);
	free(call->failure);
	call->client->ncalls--;
	call->magic = 0;
	free(call);
}

static void call_fail(struct http_call *call, char *failure)
{
	if (call->failure)
		free(failure);
	else
		call->failure = failure;
}

/* ---- from curl: the connection, headers and body ---- */

static struct http_call *easy_call(void *arg)
{
	struct http_call *call = ((struct http_easy *)arg)->user;

	assert(call->magic == HTTP_CALL_MAGIC);
	return call;
}

/* Not of http:, whose TLS could only be a proxy's. */
static void call_see_certificate(const struct http_call *call)
{
	const int64_t ends_us = strncasecmp(call->request.url, "https:", 6)
					? 0
					: peer_curl_certificate_end_us(call->easy->curl);

	if (ends_us)
		peer_sight_take_certificate(call->client->sight, call->request.url, ends_us,
					    call->date.asked_us);
}

/* A Date is parsed only where it is wanted: see LIMIT_PEER_DATE_EVERY_US. */
static void call_see_header(struct http_call *call, const char *line, size_t len)
{
	if (!call->date.asked_us) /* a proxy's, before the connection stands */
		return;
	if ((*line | 0x20) == 'a') {
		call->is_cached |= len > 4 && !strncasecmp(line, "age:", 4);
	} else if ((*line | 0x20) == 'd' &&
		   peer_sight_wants_date(call->client->sight, call->request.url,
					 call->date.asked_us)) {
		const int64_t date_us = peer_curl_date_us(line, len);
		if (date_us) {
			call->date.date_us = date_us;
			call->date.replied_us = clock_mono_us(call->client->clock);
		}
	}
}

static int call_on_connected(void *arg, char *peer, char *own, int peer_port, int own_port)
{
	struct http_call *call = easy_call(arg);

	(void)peer_port;
	(void)own_port;
	if (call->state == CALL_DEAD)
		return CURL_PREREQFUNC_ABORT;
	call->date.asked_us = clock_mono_us(call->client->clock);
	call->date.is_here = strcmp(peer, own) == 0;
	if (!call->easy->first_us)
		call->easy->first_us = call->date.asked_us;
	call_see_certificate(call);
	if (!call->handler.begins || call->handler.begins(call->arg))
		return CURL_PREREQFUNC_OK;
	call_fail(call, xstrdup("the request was taken back before it began"));
	return CURL_PREREQFUNC_ABORT;
}

/* May handlers get more bytes in this turn? Where not, nothing is read either: curl would
 * decompress it now and hold the result. */
static bool client_has_room(const struct http_client *client)
{
	return client->handed_bytes < LIMIT_HANDED_BYTES;
}

static size_t call_on_header(char *data, size_t size, size_t n, void *arg)
{
	struct http_call *call = easy_call(arg);

	if (call->state == CALL_DEAD)
		return 0;
	call_see_header(call, data, size * n);
	call->header_bytes += size * n;
	if (call->header_bytes > LIMIT_HEADER_BYTES) {
		call_fail(call,
			  xasprintf("reply headers larger than %u bytes", LIMIT_HEADER_BYTES));
		return 0;
	}
	return size * n;
}

/* Hands a piece of the body to the handler, or gathers it. false ends the call. */
static bool call_hand_over(struct http_call *call, const char *data, size_t len)
{
	long status = 0;

	if (len > call->max_bytes - call->bytes) {
		call_fail(call, xasprintf("reply larger than %zu bytes", call->max_bytes));
		return false;
	}
	call->bytes += len;
	if (!call->handler.body)
		return buf_add(&call->reply_body, data, len);
	curl_easy_getinfo(call->easy->curl, CURLINFO_RESPONSE_CODE, &status);
	if (call->handler.body(call->arg, (int)status, data, len)) {
		call_fail(call, xstrdup("refused by the reader"));
		return false;
	}
	return true;
}

static size_t call_on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_call *call = easy_call(arg);
	struct http_client *client = call->client;
	const struct timeval next_turn = { 0 };

	if (call->state == CALL_DEAD)
		return CURL_WRITEFUNC_ERROR;
	if (!client_has_room(client)) {
		call_enter(call, CALL_PAUSED);
		return CURL_WRITEFUNC_PAUSE;
	}
	client->handed_bytes += size * n;
	if (!client_has_room(client))
		evtimer_add(client->turn, &next_turn);
	if (!call_hand_over(call, data, size * n) || call->state == CALL_DEAD)
		return CURL_WRITEFUNC_ERROR;
	return size * n;
}

/* ---- to curl: the request ---- */

static const struct http_easy_hooks call_hooks = { .begins = call_on_connected,
						   .header = call_on_header,
						   .body = call_on_body };

/* Adds text to the call's memory; gives where it begins, and moves *end behind it. */
static char *call_copy(char **end, const char *text, size_t len)
{
	char *start = *end;

	if (len)
		memcpy(start, text, len);
	start[len] = '\0';
	*end += len + 1;
	return start;
}

/* curl: "Name:" removes the header, "Name;" sends it empty. */
static char *call_copy_header(char **end, const struct http_header *header)
{
	char *line = call_copy(end, header->name, strlen(header->name));

	if (*header->value) {
		memcpy(*end - 1, ": ", 2);
		++*end;
		call_copy(end, header->value, strlen(header->value));
	} else {
		memcpy(*end - 1, ";", 2);
		++*end;
	}
	return line;
}

static void call_add_line(struct http_call *call, size_t *n, char *line)
{
	struct curl_slist *last = *n ? &call->lines[*n - 1] : NULL;

	call->lines[*n] = (struct curl_slist){ .data = line };
	if (last)
		last->next = &call->lines[*n];
	else
		call->request.headers = call->lines;
	++*n;
}

static size_t request_memory_bytes(const struct http_request *request,
				   const char *const lines[HTTP_EASY_LINES])
{
	size_t bytes = strlen(request->url) + 1 + request->body_len + 1;

	for (size_t i = 0; i < request->nheaders; i++)
		bytes += strlen(request->headers[i].name) + strlen(request->headers[i].value) +
			 sizeof(": ");
	for (size_t i = 0; i < HTTP_EASY_LINES; i++)
		bytes += lines[i] ? strlen(lines[i]) + 1 : 0;
	return bytes;
}

static void call_copy_request(struct http_call *call, const struct http_request *request,
			      const char *const lines[HTTP_EASY_LINES])
{
	char *end = call->memory;
	size_t nlines = 0;

	for (size_t i = 0; i < HTTP_EASY_LINES; i++)
		if (lines[i])
			call_add_line(call, &nlines, call_copy(&end, lines[i], strlen(lines[i])));
	for (size_t i = 0; i < request->nheaders; i++) {
		const struct http_header *header = &request->headers[i];
		if (strpbrk(header->name, "\r\n") || strpbrk(header->value, "\r\n"))
			call_fail(call, xasprintf("header %s has a line break", header->name));
		call_add_line(call, &nlines, call_copy_header(&end, header));
	}
	call->request.url = call_copy(&end, request->url, strlen(request->url));
	call->request.body = call_copy(&end, request->body, request->body_len);
	call->request.body_len = request->body_len;
}

static struct http_call *client_send(void *ctx, const struct http_request *request,
				     const struct http_handler *handler, void *arg)
{
	struct http_client *client = ctx;
	const struct timeval next_turn = { 0 };
	const char *lines[HTTP_EASY_LINES];
	struct http_call *call;

	http_easy_lines(&client->easies, request, lines);
	/* The memory at its end need not be zero. */
	call = xrealloc_array(NULL, 1, sizeof(*call) + request_memory_bytes(request, lines));
	*call = (struct http_call){ .magic = HTTP_CALL_MAGIC,
				    .state = CALL_FRESH,
				    .client = client,
				    .handler = *handler,
				    .arg = arg,
				    .timeout_us = request->timeout_us > 0 ? request->timeout_us : 1,
				    .max_bytes = request->max_reply_bytes,
				    .reply_body = BUF_INIT(request->max_reply_bytes) };
	TAILQ_INSERT_TAIL(&client->fresh, call, link);
	client->ncalls++;
	call_copy_request(call, request, lines);
	call->easy = http_easy_take(&client->easies, request, &call->request);
	if (!call->easy) {
		call_enter(call, CALL_DONE);
		call_free(call);
		return NULL;
	}
	call->easy->user = call;
	/* Above the limit it is started in the next turn: a handler that sends again at every
	 * failure cannot hold this turn. */
	if (client->nstarted < LIMIT_CALLS_STARTED)
		event_active(client->work, 0, 0);
	else
		evtimer_add(client->work, &next_turn);
	return call;
}

static void client_cancel(void *ctx, struct http_call *call)
{
	struct http_client *client = ctx;

	assert(call->magic == HTTP_CALL_MAGIC && call->client == client);
	if (call->state == CALL_DONE || call->state == CALL_DEAD)
		return;
	call_enter(call, CALL_DEAD);
	event_active(client->work, 0, 0);
}

/* ---- the end of a call ---- */

/* "host:port" of the request's URL; "" where the text is no URL. For error texts: the URL may hold
 * a key. Caller frees. */
static char *call_peer(const struct http_call *call)
{
	CURLU *parts = curl_url();
	char *host = NULL, *port = NULL, *peer;

	if (parts && !curl_url_set(parts, CURLUPART_URL, call->request.url, 0) &&
	    !curl_url_get(parts, CURLUPART_HOST, &host, 0) &&
	    !curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
		peer = xasprintf("%s:%s", host, port);
	else
		peer = xstrdup("");
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return peer;
}

static bool call_was_sent(const struct http_call *call)
{
	curl_off_t sent_us = 0;

	curl_easy_getinfo(call->easy->curl, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
	return sent_us > 0;
}

static char *call_timeout_text(const struct http_call *call, const char *peer)
{
	curl_off_t first_byte_us = 0;
	long long wanted_ms = (call->timeout_us + US_PER_MS - 1) / US_PER_MS;
	long long connect_ms = LIMIT_CONNECT_US / US_PER_MS;

	curl_easy_getinfo(call->easy->curl, CURLINFO_STARTTRANSFER_TIME_T, &first_byte_us);
	if (!call_was_sent(call))
		return xasprintf("no connection to %s within %lld ms", peer,
				 wanted_ms < connect_ms ? wanted_ms : connect_ms);
	if (!first_byte_us)
		return xasprintf("no answer within %lld ms", wanted_ms);
	return xasprintf("answer not complete within %lld ms", wanted_ms);
}

static char *call_connect_text(const struct http_call *call, const char *peer)
{
	long error = 0;

	curl_easy_getinfo(call->easy->curl, CURLINFO_OS_ERRNO, &error);
	if (error == ECONNREFUSED)
		return xasprintf("connection refused by %s", peer);
	if (error)
		return xasprintf("cannot connect to %s: %s", peer, strerror((int)error));
	return xasprintf("cannot connect to %s", peer);
}

/* Why a call failed, for a person. Caller frees. */
static char *call_failure_text(const struct http_call *call, CURLcode code)
{
	CLEANUP_FREE char *peer = call_peer(call);

	/* No switch: curl's enum has a hundred members, and -Wswitch-enum wants a case for each. */
	if (call->failure)
		return xstrdup(call->failure);
	if (code == CURLE_COULDNT_CONNECT)
		return call_connect_text(call, peer);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return call_timeout_text(call, peer);
	if (code == CURLE_COULDNT_RESOLVE_HOST)
		return xasprintf("cannot resolve the name in %s", peer);
	if (code == CURLE_GOT_NOTHING || code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR ||
	    code == CURLE_SEND_ERROR)
		return xasprintf("connection closed by %s before the whole reply", peer);
	if (code == CURLE_BAD_CONTENT_ENCODING)
		return xasprintf("reply of %s cannot be decompressed", peer);
	if (code == CURLE_WEIRD_SERVER_REPLY ||
	    (code == CURLE_UNSUPPORTED_PROTOCOL && call_was_sent(call)))
		return xasprintf("%s did not answer in HTTP; is this port right, and is it https:?",
				 peer);
	if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT)
		return xstrdup("the URL is not a valid http: or https: one");
	return xasprintf("%s: %s", peer,
			 call->easy->error_text[0] ? call->easy->error_text
						   : curl_easy_strerror(code));
}

/* The texts are curl's until the handle is freed. */
static void reply_fill_headers(struct http_reply *reply, struct http_header *headers, CURL *easy)
{
	struct curl_header *header = NULL;
	size_t n = 0;

	while (n < LIMIT_REPLY_HEADERS &&
	       (header = curl_easy_nextheader(easy, CURLH_HEADER, -1, header)))
		headers[n++] = (struct http_header){ .name = header->name, .value = header->value };
	reply->headers = headers;
	reply->nheaders = n;
}

/* The pause that a Retry-After asks for: seconds or a date (RFC 9110 section 10.2.3). At most a
 * year, so that no sum overflows; 0 where the date is past; -1 where the text is neither. */
static int64_t reply_pause_us(const char *retry_after, int64_t wall_us)
{
	const int64_t longest_s = 365 * US_PER_DAY / US_PER_SECOND;
	bool is_number = *retry_after && !retry_after[strspn(retry_after, "0123456789")];
	int64_t at_s = is_number ? strtoll(retry_after, NULL, 10) /* saturates */
				 : (int64_t)curl_getdate(retry_after, NULL);
	int64_t now_us = is_number ? 0 : wall_us;

	if (at_s < 0)
		return -1;
	if (at_s > now_us / US_PER_SECOND + longest_s)
		return longest_s * US_PER_SECOND;
	return at_s * US_PER_SECOND > now_us ? at_s * US_PER_SECOND - now_us : 0;
}

/* Fills in what arrived of the reply. */
static void reply_fill(struct http_reply *reply, struct http_header *headers,
		       struct http_call *call)
{
	long status = 0;
	const char *type = NULL;

	curl_easy_getinfo(call->easy->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200) /* 0: no head arrived; 1xx: only an interim reply did */
		return;
	curl_easy_getinfo(call->easy->curl, CURLINFO_CONTENT_TYPE, &type);
	reply->status = (int)status;
	reply->body = buf_text(&call->reply_body);
	reply->len = call->reply_body.len;
	if (type)
		reply->content_type = type;
	reply_fill_headers(reply, headers, call->easy->curl);
	const char *retry_after = http_reply_header(reply, "Retry-After");
	if (retry_after)
		reply->retry_after_us =
			reply_pause_us(retry_after, clock_wall_us(call->client->clock));
}

/* Tells the handler the outcome and frees the call. */
static void call_finish(struct http_call *call, CURLcode code)
{
	struct http_reply reply = { .body = "", .content_type = "", .retry_after_us = -1 };
	struct http_header headers[LIMIT_REPLY_HEADERS];
	CLEANUP_FREE char *failure = NULL;

	call_enter(call, CALL_DONE);
	if (call->date.date_us && !call->is_cached)
		peer_sight_take_date(call->client->sight, call->request.url, &call->date);
	call->is_sound = code == CURLE_OK && !call->failure;
	if (!call->is_sound)
		reply.error = failure = call_failure_text(call, code);
	if (!reply.error || !call->handler.body)
		reply_fill(&reply, headers, call);
	call->handler.done(call->arg, &reply);
	call_free(call);
}

/* ---- the events ---- */

static void client_free_dead(struct http_client *client)
{
	struct http_call *call;

	while ((call = TAILQ_FIRST(&client->dead))) {
		call_enter(call, CALL_DONE);
		call_free(call);
	}
}

static void client_finish_done(struct http_client *client)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		struct http_easy *easy = NULL;
		CURLcode code = message->data.result;
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &easy);
		struct http_call *call = easy_call(easy);
		if (call->state != CALL_DEAD)
			call_finish(call, code);
	}
}

static void client_act(struct http_client *client, curl_socket_t socket, int ready)
{
	int running;

	curl_multi_socket_action(client->multi, socket, ready, &running);
	client_finish_done(client);
}

static void client_start_fresh(struct http_client *client)
{
	const struct timeval next_turn = { 0 };
	struct http_call *call;
	bool added = false;

	client->is_adding = true;
	while (client->nstarted < LIMIT_CALLS_STARTED && (call = TAILQ_FIRST(&client->fresh))) {
		client->nstarted++;
		call_enter(call, CALL_RUNNING);
		call->added = !call->failure &&
			      curl_multi_add_handle(client->multi, call->easy->curl) == CURLM_OK;
		if (call->added)
			added = true;
		else
			call_finish(call, CURLE_FAILED_INIT);
	}
	client->is_adding = false;
	if (added)
		client_act(client, CURL_SOCKET_TIMEOUT, 0);
	if (!TAILQ_EMPTY(&client->fresh))
		evtimer_add(client->work, &next_turn);
}

static void client_on_work(evutil_socket_t fd, short what, void *arg)
{
	struct http_client *client = arg;

	(void)fd;
	loop_woke();
	if (what & EV_TIMEOUT)
		client->nstarted = 0;
	client_free_dead(client);
	client_start_fresh(client);
}

/* A new turn: resumes paused calls, the longest paused first. */
static void client_on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct http_client *client = arg;
	const struct timeval next_turn = { 0 };
	struct http_call *call;

	(void)fd;
	(void)what;
	loop_woke();
	client->handed_bytes = 0;
	for (int n = 0; n < LIMIT_CALLS_RESUMED && client_has_room(client); n++) {
		call = TAILQ_FIRST(&client->paused);
		if (!call)
			break;
		call_enter(call, CALL_RUNNING);
		/* curl reports this error nowhere else. */
		CURLcode code = curl_easy_pause(call->easy->curl, CURLPAUSE_CONT);
		if (code && call->state != CALL_DEAD)
			call_finish(call, code);
	}
	if (!TAILQ_EMPTY(&client->paused))
		evtimer_add(client->turn, &next_turn);
}

static void client_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct http_client *client = arg;
	const struct timeval next_turn = { 0 };

	(void)fd;
	(void)what;
	loop_woke();
	if (client_has_room(client))
		client_act(client, CURL_SOCKET_TIMEOUT, 0);
	else
		evtimer_add(client->timer, &next_turn);
}

static void client_on_socket(void *ctx, curl_socket_t fd, int ready)
{
	struct http_client *client = ctx;

	loop_woke();
	/* Without room, libevent reports the socket again in the next turn. */
	if (client_has_room(client) || ready == CURL_CSELECT_OUT)
		client_act(client, fd, ready);
}

/* curl's callback: watch this socket, in another way, or no longer. */
static int client_watch_socket(CURL *easy, curl_socket_t fd, int wanted, void *ctx, void *old)
{
	struct http_client *client = ctx;

	(void)easy;
	(void)old;
	http_sockets_watch(&client->sockets, fd, wanted);
	return 0;
}

/* curl's callback: call curl after a time; -1: no longer. */
static int client_watch_time(CURLM *multi, long timeout_ms, void *ctx)
{
	struct http_client *client = ctx;
	const struct timeval wait = { .tv_sec = timeout_ms / 1000,
				      .tv_usec = timeout_ms % 1000 * 1000 };

	(void)multi;
	if (client->is_adding)
		return 0;
	if (timeout_ms < 0)
		return evtimer_del(client->timer);
	return evtimer_add(client->timer, &wait);
}

/* ---- the client's life ---- */

static bool client_set_up(struct http_client *client)
{
	CURLM *multi = client->multi;
	bool failed = !multi || !client->timer || !client->work || !client->turn || !client->smtp;

	if (failed)
		return false;
	failed |=
		curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, client_watch_socket) != CURLM_OK;
	failed |= curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client) != CURLM_OK;
	failed |= curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, client_watch_time) != CURLM_OK;
	failed |= curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client) != CURLM_OK;
	failed |= curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
				    (long)LIMIT_CONNECTIONS_PER_HOST) != CURLM_OK;
	/* Idle connections; curl's default is four for each running request. */
	failed |= curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
				    (long)LIMIT_CONNECTIONS_PER_HOST) != CURLM_OK;
	return !failed;
}

struct http_client *http_client_new(struct event_base *base, const struct clock *clock)
{
	struct http_client *client;

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return NULL;
	client = xcalloc(1, sizeof(*client));
	client->base = base;
	client->clock = clock;
	client->transport = (struct http_transport){ .send = client_send,
						     .cancel = client_cancel,
						     .ctx = client };
	TAILQ_INIT(&client->fresh);
	TAILQ_INIT(&client->running);
	TAILQ_INIT(&client->paused);
	TAILQ_INIT(&client->dead);
	http_sockets_init(&client->sockets, base, client_on_socket, client);
	http_easies_init(&client->easies, &call_hooks, &client->sockets);
	client->multi = curl_multi_init();
	client->timer = evtimer_new(base, client_on_timer, client);
	client->work = evtimer_new(base, client_on_work, client);
	client->turn = evtimer_new(base, client_on_turn, client);
	client->sight = peer_sight_new();
	client->smtp = smtp_client_new(base, clock, client->sight);
	if (client->smtp)
		client->transport.mail = smtp_client_transport(client->smtp);
	if (!client_set_up(client)) {
		http_client_free(client);
		return NULL;
	}
	return client;
}

static void calls_kill(struct call_list *list)
{
	struct http_call *call;

	while ((call = TAILQ_FIRST(list)))
		call_enter(call, CALL_DEAD);
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	calls_kill(&client->fresh);
	calls_kill(&client->running);
	calls_kill(&client->paused);
	client_free_dead(client);
	smtp_client_free(client->smtp);
	peer_sight_free(client->sight);
	http_easies_fini(&client->easies);
	curl_multi_cleanup(client->multi); /* closes the connections */
	http_sockets_fini(&client->sockets);
	if (client->timer)
		event_free(client->timer);
	if (client->work)
		event_free(client->work);
	if (client->turn)
		event_free(client->turn);
	free(client);
	curl_global_cleanup();
}

const struct http_transport *http_client_transport(struct http_client *client)
{
	return &client->transport;
}

struct peer_sight *http_client_sight(struct http_client *client)
{
	return client->sight;
}

size_t http_client_active(const struct http_client *client)
{
	return client->ncalls + smtp_client_active(client->smtp);
}
