/*
 * Deliver: one queue for each recipient (an incident, a pager and its n-th page), one destination
 * for each pager. A queue sends its pages one by one, in order. A destination starts its ready
 * queues as fast as its breaker allows: the most severe page first, of these the oldest. Deliver
 * gives no page up: a page leaves its queue when it is delivered, rejected or superseded by a newer
 * page. Owns the pages; the caller stores what its ops are told. Targets are parsed once: there are
 * as many as pagers and their keys.
 */
#include "deliver-internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "tracepager/alert_log.h"
#include "tracepager/buf_json.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/random.h"
#include "tracepager/xalloc.h"

/* One page in a queue. */
struct queue_entry {
	TAILQ_ENTRY(queue_entry) link;
	TAILQ_ENTRY(queue_entry) in_all;
	struct deliver *deliver;
	struct page_queue *queue;
	struct stored_page page; /* its texts stand behind the entry, but for target and error */
	char *error;		 /* of page.error, once there was one */
	const struct destination_target *target;
	struct page_copy *copy; /* what is sent; NULL: it is read from page.doc */
	struct timer silent;
	char texts[];
};
TAILQ_HEAD(queue_entry_list, queue_entry);

enum queue_state {
	QUEUE_IDLE,    /* between two pages; never while the loop waits */
	QUEUE_READY,   /* in the destination's ready list; the destination's timer or the end of an
			* attempt starts it */
	QUEUE_SENDING, /* its first page is under way; the request's timeout ends that */
	QUEUE_BACKOFF, /* the first page has failed; the queue's timer is armed */
	QUEUE_HELD,    /* its new target is being stored; deliver_release() ends that */
};

TAILQ_HEAD(page_queue_list, page_queue);

/* The pages of one recipient. Freed when its last page has left. */
struct page_queue {
	char *key; /* incident, pager and n */
	struct deliver *deliver;
	struct destination *destination;
	enum queue_state state;
	unsigned int failures;	       /* of its first page, in a row */
	unsigned int holds;	       /* releases that are to come; while there are: QUEUE_HELD */
	struct page_queue_list *ready; /* while it is ready: the list that it is in */
	struct queue_entry_list pages;
	struct attempt *attempt;
	struct span_context span; /* of the attempt, in the relay's own traces */
	int64_t started_us;
	struct timer timer;
	TAILQ_ENTRY(page_queue) link; /* in the destination's ready or resting list */
};

/* Where pages go, parsed. Kept until deliver_free(). */
struct destination_target {
	struct arena *arena;
	const char *text; /* as stored */
	struct page_target parsed;
	char *fault;		 /* why it cannot be read; NULL: it can */
	unsigned int per_minute; /* what the kind takes in a minute; 0: any, or not known */
};

/* One pager. Kept until deliver_free(): there are as many as the rules have ever named. */
struct destination {
	struct deliver *deliver;
	struct breaker breaker;
	unsigned int per_minute; /* requests that its kind takes; 0: any */
	/* By the severity of their first pages, the oldest first. fresh: those that have not been
	 * tried. */
	struct page_queue_list fresh[SEVERITY_CRITICAL + 1], tried[SEVERITY_CRITICAL + 1];
	struct page_queue_list resting; /* in QUEUE_BACKOFF */
	struct timer timer;
	bool paused; /* by a person: nothing begins to leave */
	struct metric_series *series;
	struct deliver_pager_view view;
};

struct deliver {
	struct deliver_env env;
	struct deliver_ops ops;
	struct map *queues;	     /* by incident, pager and n */
	struct map *destinations;    /* by pager */
	struct map *targets;	     /* by their stored text */
	struct buf key;		     /* of the queue that is looked up */
	struct queue_entry_list all; /* by the pages' ids, the oldest first */
	size_t waiting;
	bool ending;	 /* no request begins any more */
	int last_status; /* of the try whose outcome is being told */
	int64_t last_took_us;
};

static void destination_send_ready(struct destination *destination);
static void destination_answers(struct destination *destination, int64_t started_us);

static int64_t deliver_now_us(const struct deliver *deliver)
{
	return clock_mono_us(deliver->env.clock);
}

static void set_waiting(struct deliver *deliver, size_t n)
{
	deliver->waiting = n;
	metric_set(METRIC_PAGES_WAITING, (int64_t)n);
}

/* ---- entries ---- */

static void queue_entry_on_silent(void *arg)
{
	struct queue_entry *entry = arg;

	entry->deliver->ops.silent(entry->deliver->ops.ctx, &entry->page);
}

/* Nobody is told that a paused pager is silent: a person paused it. */
static void queue_entry_arm_silent(struct queue_entry *entry)
{
	struct timers *timers = entry->deliver->env.timers;

	if (entry->queue->destination->paused)
		timer_disarm(timers, &entry->silent);
	else
		timer_arm(timers, &entry->silent,
			  deliver_now_us(entry->deliver) + LIMIT_PAGER_SILENT_US);
}

/* Nearly always the newest is the last one. */
static void queue_entry_list_all(struct queue_entry *entry)
{
	struct queue_entry_list *all = &entry->deliver->all;
	struct queue_entry *other = TAILQ_LAST(all, queue_entry_list);

	while (other && other->page.id > entry->page.id)
		other = TAILQ_PREV(other, queue_entry_list, in_all);
	if (other)
		TAILQ_INSERT_AFTER(all, other, entry, in_all);
	else
		TAILQ_INSERT_HEAD(all, entry, in_all);
}

/* The text goes to *at, which moves behind it. */
static const char *queue_entry_put(char **at, const char *text, size_t len)
{
	char *place = *at;

	memcpy(place, text, len);
	place[len] = '\0';
	*at = place + len + 1;
	return place;
}

static struct queue_entry *queue_entry_new(struct page_queue *queue, const struct stored_page *page,
					   const struct destination_target *target,
					   struct page_copy *copy)
{
	const size_t incident_len = strlen(page->incident), pager_len = strlen(page->pager),
		     doc_len = copy ? 0 : page->doc_len;
	struct queue_entry *entry =
		xcalloc(1, sizeof(*entry) + incident_len + pager_len + doc_len + 3);
	struct deliver *deliver = queue->deliver;
	char *at = entry->texts;

	entry->deliver = deliver;
	entry->queue = queue;
	entry->page = *page;
	entry->page.incident = queue_entry_put(&at, page->incident, incident_len);
	entry->page.pager = queue_entry_put(&at, page->pager, pager_len);
	entry->page.doc = queue_entry_put(&at, doc_len ? page->doc : "", doc_len);
	entry->page.doc_len = doc_len;
	entry->page.target = target->text;
	entry->target = target;
	entry->copy = copy;
	/* About: as if the decisions of all that wait were as long as this one. */
	if (copy && copy->decision &&
	    deliver->waiting * copy->decision->len > LIMIT_WAITING_DECISIONS_BYTES)
		page_copy_rest(copy);
	entry->page.error = "";
	if (page->error && *page->error)
		entry->page.error = entry->error = xstrdup(page->error);
	entry->silent.fire = queue_entry_on_silent;
	entry->silent.arg = entry;
	queue_entry_arm_silent(entry);
	queue_entry_list_all(entry);
	set_waiting(deliver, deliver->waiting + 1);
	return entry;
}

static void queue_entry_free(struct queue_entry *entry)
{
	timer_disarm(entry->deliver->env.timers, &entry->silent);
	TAILQ_REMOVE(&entry->deliver->all, entry, in_all);
	set_waiting(entry->deliver, entry->deliver->waiting - 1);
	page_copy_free(entry->copy);
	free(entry->error);
	free(entry);
}

static void queue_entry_set_error(struct queue_entry *entry, const char *text)
{
	free(entry->error);
	entry->error = *text ? xstrdup(text) : NULL;
	entry->page.error = entry->error ? entry->error : "";
}

/* The page has reached its last state. The caller has taken the entry out of its queue. */
static void queue_entry_end(struct queue_entry *entry, enum stored_page_state state)
{
	struct deliver *deliver = entry->deliver;

	entry->page.state = state;
	entry->page.next_us = 0;
	deliver->ops.changed(deliver->ops.ctx, &entry->page);
	queue_entry_free(entry);
}

static struct deliver_whose queue_entry_whose(const struct queue_entry *entry)
{
	const struct deliver_ops *ops = &entry->deliver->ops;

	return ops->whose ? ops->whose(ops->ctx, &entry->page)
			  : (struct deliver_whose){ .team = "" };
}

/* The fields of every line about a page; whose is a struct deliver_whose. */
#define LOG_PAGE(entry, whose)                                                                     \
	LOG_STR("incident", (entry)->page.incident), LOG_OPT("team", (whose).team),                \
		LOG_STR("pager", (entry)->page.pager),                                             \
		LOG_STR("event", page_event_name((enum page_event)(entry)->page.event)),           \
		LOG_INT("page", (entry)->page.id), LOG_ALERT_WORDS((whose).alert)

static void queue_entry_drop(struct queue_entry *entry, const char *why)
{
	const struct deliver_whose whose = queue_entry_whose(entry);

	log_info("page dropped", LOG_PAGE(entry, whose), LOG_STR("reason", why));
	queue_entry_set_error(entry, why);
	queue_entry_end(entry, STORED_PAGE_DROPPED);
}

/* ---- queues ---- */

static int64_t queue_age(const struct page_queue *queue)
{
	return TAILQ_FIRST(&queue->pages)->page.id; /* ids increase */
}

/* By the age of the first page. Most pages are the newest; a retried one is mostly the oldest. */
static void queue_insert_ready(struct page_queue *queue)
{
	const struct stored_page *page = &TAILQ_FIRST(&queue->pages)->page;
	bool known = page->severity >= 0 && page->severity <= SEVERITY_CRITICAL;
	int severity = known ? page->severity : SEVERITY_ERROR;
	struct destination *destination = queue->destination;
	struct page_queue *other;

	queue->ready =
		page->attempts ? &destination->tried[severity] : &destination->fresh[severity];
	other = TAILQ_FIRST(queue->ready);
	if (!other || queue_age(other) > page->id) {
		TAILQ_INSERT_HEAD(queue->ready, queue, link);
		return;
	}
	other = TAILQ_LAST(queue->ready, page_queue_list);
	while (queue_age(other) > page->id)
		other = TAILQ_PREV(other, page_queue_list, link);
	TAILQ_INSERT_AFTER(queue->ready, other, queue, link);
}

static void queue_move(struct page_queue *queue, enum queue_state state, int64_t until_us)
{
	if (queue->state == QUEUE_READY)
		TAILQ_REMOVE(queue->ready, queue, link);
	if (queue->state == QUEUE_BACKOFF)
		TAILQ_REMOVE(&queue->destination->resting, queue, link);
	timer_disarm(queue->deliver->env.timers, &queue->timer);
	queue->state = state;
	if (state == QUEUE_READY)
		queue_insert_ready(queue);
	if (state == QUEUE_BACKOFF) {
		TAILQ_INSERT_TAIL(&queue->destination->resting, queue, link);
		timer_arm(queue->deliver->env.timers, &queue->timer, until_us);
	}
}

static void queue_on_backoff_over(void *arg)
{
	struct page_queue *queue = arg;

	queue_move(queue, QUEUE_READY, 0);
	destination_send_ready(queue->destination);
}

static void queue_free(struct page_queue *queue)
{
	struct queue_entry *entry;

	queue_move(queue, QUEUE_IDLE, 0);
	attempt_cancel(queue->attempt);
	while ((entry = TAILQ_FIRST(&queue->pages))) {
		TAILQ_REMOVE(&queue->pages, entry, link);
		queue_entry_free(entry);
	}
	free(queue->key);
	free(queue);
}

/* An update or a resolve supersedes an update at the end of the queue that is not being sent: take
 * that update out. NULL: there is none. */
static struct queue_entry *queue_take_superseded(struct page_queue *queue, int event)
{
	struct queue_entry *entry = TAILQ_LAST(&queue->pages, queue_entry_list);

	if (event == PAGE_TRIGGER || !entry || entry->page.event != PAGE_UPDATE)
		return NULL;
	if (queue->state == QUEUE_SENDING && entry == TAILQ_FIRST(&queue->pages))
		return NULL;
	TAILQ_REMOVE(&queue->pages, entry, link);
	return entry;
}

/* The first page has left the queue: make the next one ready, or free the empty queue. */
static void queue_advance(struct page_queue *queue)
{
	queue->failures = 0;
	if (TAILQ_EMPTY(&queue->pages)) {
		map_remove(queue->deliver->queues, queue->key);
		queue_free(queue);
		return;
	}
	queue_move(queue, queue->holds ? QUEUE_HELD : QUEUE_READY, 0);
}

/* A page that goes nowhere counts in no figure. */
static bool queue_entry_is_sunk(const struct queue_entry *entry)
{
	return strcmp(entry->page.pager, DELIVER_SINK) == 0;
}

static bool queue_entry_counts(const struct queue_entry *entry)
{
	const struct deliver_ops *ops = &entry->deliver->ops;

	return !queue_entry_is_sunk(entry) &&
	       (!ops->counted || ops->counted(ops->ctx, &entry->page));
}

/* text "": there is no reason; delay_us -1: no next try. */
static void log_delivery(enum log_level level, const char *message, const struct queue_entry *entry,
			 const char *text, int status, int64_t delay_us)
{
	const struct deliver_whose whose = queue_entry_whose(entry);
	const struct log_field fields[] = {
		LOG_PAGE(entry, whose),
		LOG_INT("attempt", entry->page.attempts),
		LOG_INT("status", status),
		LOG_INT("took_ms", entry->deliver->last_took_us / US_PER_MS),
		LOG_STR("reason", text),
		LOG_INT("next_try_ms", delay_us / US_PER_MS),
	};
	const size_t left_out = delay_us >= 0 ? 0 : *text ? 1 : 2;

	log_write(level, message, fields, ARRAY_LEN(fields) - left_out);
}

/* The attempt failed. The page stays first in its queue, unless it is an update and a newer page
 * waits behind it. */
static void queue_retry(struct page_queue *queue, const struct judgement *judgement, int status)
{
	struct deliver *deliver = queue->deliver;
	struct queue_entry *entry = TAILQ_FIRST(&queue->pages);
	struct queue_entry *next = TAILQ_NEXT(entry, link);
	int64_t delay_us = judgement->retry_after_us;
	double random = deliver->env.random();

	/* The pager has answered a later attempt: this request hung in an outage that is over. */
	if (queue->started_us < queue->destination->breaker.answered_us)
		queue->failures = 0;
	queue->failures++;
	breaker_failure(&queue->destination->breaker, queue->started_us, deliver_now_us(deliver),
			delay_us, random);
	if (delay_us < 0)
		delay_us = retry_delay_us(queue->failures, random);
	if (queue_entry_counts(entry)) {
		metric_add(METRIC_PAGES_RETRIED, 1);
		metric_series_add(queue->destination->series, NAMED_PAGER_RETRIED, 1);
	}
	log_delivery(LOG_LEVEL_WARN, "page not delivered; retrying", entry, judgement->text, status,
		     delay_us);
	if (entry->page.event == PAGE_UPDATE && next && next->page.event != PAGE_TRIGGER) {
		TAILQ_REMOVE(&queue->pages, entry, link);
		queue_entry_drop(entry, "superseded by a newer page");
	} else {
		entry->page.next_us = clock_wall_us(deliver->env.clock) + delay_us;
		queue_entry_set_error(entry, judgement->text);
		if (entry->copy)
			page_copy_rest(entry->copy);
		deliver->ops.changed(deliver->ops.ctx, &entry->page);
	}
	/* changed() may have moved it to the pager's new address. */
	if (!queue->holds)
		queue_move(queue, QUEUE_BACKOFF, deliver_now_us(deliver) + delay_us);
}

static void queue_end_first(struct page_queue *queue, const struct judgement *judgement, int status)
{
	struct queue_entry_list dependent = TAILQ_HEAD_INITIALIZER(dependent);
	struct queue_entry *entry = TAILQ_FIRST(&queue->pages);
	bool delivered = judgement->outcome == JUDGE_DELIVERED;

	/* A rejection with a status proves that the pager answers. Without a status the page was
	 * rejected here, before any request. */
	if (delivered || status != 0)
		destination_answers(queue->destination, queue->started_us);
	if (queue_entry_counts(entry)) {
		metric_add(delivered ? METRIC_PAGES_DELIVERED : METRIC_PAGES_REJECTED, 1);
		metric_series_add(queue->destination->series,
				  delivered ? NAMED_PAGER_DELIVERED : NAMED_PAGER_REJECTED, 1);
	}
	if (delivered)
		log_delivery(queue_entry_is_sunk(entry) ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
			     "page delivered", entry, "", status, -1);
	else
		log_delivery(LOG_LEVEL_ERROR, "page rejected", entry, judgement->text, status, -1);
	if (delivered && *judgement->text) /* a mail that some of its recipients do not get */
		log_delivery(LOG_LEVEL_WARN, "page delivered in part", entry, judgement->text,
			     status, -1);
	TAILQ_REMOVE(&queue->pages, entry, link);
	/* Pages behind a rejected trigger mean nothing to the pager. Take them out first: changed()
	 * may enqueue new pages, which stay. */
	if (!delivered && entry->page.event == PAGE_TRIGGER)
		TAILQ_CONCAT(&dependent, &queue->pages, link);
	queue_entry_set_error(entry, judgement->text);
	queue_entry_end(entry, delivered ? STORED_PAGE_DELIVERED : STORED_PAGE_REJECTED);
	while ((entry = TAILQ_FIRST(&dependent))) {
		TAILQ_REMOVE(&dependent, entry, link);
		queue_entry_drop(entry, "the pager rejected the trigger");
	}
	queue_advance(queue);
}

/* Nobody wants its first page any more: all its pages are dropped, and the queue is freed. */
static void queue_drop(struct page_queue *queue, const char *why)
{
	struct queue_entry *entry;

	map_remove(queue->deliver->queues, queue->key);
	queue_move(queue, QUEUE_IDLE, 0);
	while ((entry = TAILQ_FIRST(&queue->pages))) {
		TAILQ_REMOVE(&queue->pages, entry, link);
		queue_entry_drop(entry, why);
	}
	queue_free(queue);
}

#define UNWANTED "nobody waits for it any more: its incident was acknowledged"

static bool queue_is_wanted(const struct page_queue *queue)
{
	const struct deliver_ops *ops = &queue->deliver->ops;

	return !ops->wanted || ops->wanted(ops->ctx, &TAILQ_FIRST(&queue->pages)->page);
}

static bool queue_on_begin(void *ctx)
{
	const struct page_queue *queue = ctx;

	return !queue->deliver->ending && !queue->destination->paused && queue_is_wanted(queue);
}

static void queue_remember(const struct page_queue *queue, const struct judgement *judgement)
{
	const struct deliver_ops *ops = &queue->deliver->ops;

	if (judgement->remembers && ops->remember)
		ops->remember(ops->ctx, &TAILQ_FIRST(&queue->pages)->page, judgement->memory);
}

static void queue_on_attempt(void *ctx, const struct judgement *judgement, int status)
{
	struct page_queue *queue = ctx;
	struct destination *destination = queue->destination;

	assert(queue->state == QUEUE_SENDING);
	queue->attempt = NULL;
	destination->breaker.in_flight--;
	if (!judgement) {
		TAILQ_FIRST(&queue->pages)->page.attempts--;
		if (queue_is_wanted(queue)) /* its pager was paused */
			queue_move(queue, QUEUE_READY, 0);
		else
			queue_drop(queue, UNWANTED);
		destination_send_ready(destination);
		return;
	}
	struct deliver *deliver = queue->deliver;
	deliver->last_status = status;
	deliver->last_took_us = deliver_now_us(deliver) - queue->started_us;
	if (queue_entry_counts(TAILQ_FIRST(&queue->pages))) {
		stage_observe_us(METRIC_DELIVER_TIME, deliver->last_took_us, &queue->span);
		stage_series_observe_us(destination->series, NAMED_PAGER_TIME,
					deliver->last_took_us, &queue->span);
	}
	queue_remember(queue, judgement);
	if (judgement->outcome == JUDGE_RETRY)
		queue_retry(queue, judgement, status);
	else
		queue_end_first(queue, judgement, status);
	deliver->last_status = 0;
	deliver->last_took_us = 0;
	destination_send_ready(destination);
}

/* What is sent; *page is where it is read to. NULL: it cannot be read. */
static const struct page *queue_entry_page(const struct queue_entry *entry, struct arena *arena,
					   struct page *page, struct err *err)
{
	const struct deliver_ops *ops = &entry->deliver->ops;
	const struct stored_page *row = &entry->page;

	if (entry->copy) {
		*page = page_copy_whole(entry->copy, arena);
		return page;
	}
	int error = ops->read ? ops->read(ops->ctx, row, arena, page, err)
			      : page_read(arena, row->doc, row->doc_len, page, err);
	return error ? NULL : page;
}

static struct attempt *queue_entry_try(const struct queue_entry *entry)
{
	static const struct attempt_ops ops = { .begins = queue_on_begin,
						.done = queue_on_attempt };
	const struct deliver_ops *told = &entry->deliver->ops;
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	struct err err = { .code = 0 };
	struct page page;
	struct attempt_order order = {
		.row = &entry->page,
		.memory = told->memory ? told->memory(told->ctx, &entry->page) : "",
		.page = queue_entry_page(entry, arena, &page, &err),
		.target = &entry->target->parsed,
		.fault = entry->target->fault,
	};

	if (!order.page && !order.fault)
		order.fault = err.text;
	struct attempt *attempt = attempt_start(&entry->deliver->env, &order, &ops, entry->queue);
	arena_free(arena);
	return attempt;
}

static void queue_send(struct page_queue *queue)
{
	struct queue_entry *entry = TAILQ_FIRST(&queue->pages);

	queue_move(queue, QUEUE_SENDING, 0);
	queue->started_us = deliver_now_us(queue->deliver);
	breaker_start(&queue->destination->breaker, queue->destination->per_minute,
		      queue->started_us);
	entry->page.attempts++;
	queue->attempt = queue_entry_try(entry);
	queue->span = attempt_span(queue->attempt);
}

/* ---- destinations ---- */

/* The most severe, of these the oldest. */
static struct page_queue *destination_next(struct destination *destination)
{
	for (int severity = SEVERITY_CRITICAL; severity >= 0; severity--) {
		struct page_queue *fresh = TAILQ_FIRST(&destination->fresh[severity]);
		struct page_queue *tried = TAILQ_FIRST(&destination->tried[severity]);
		if (fresh && tried)
			return queue_age(fresh) < queue_age(tried) ? fresh : tried;
		if (fresh || tried)
			return fresh ? fresh : tried;
	}
	return NULL;
}

/* The most severe page that has not been tried yet, of these the newest. It may start although the
 * pager fails or hangs: people wait for it. */
static struct page_queue *destination_next_fresh(struct destination *destination)
{
	struct page_queue *queue = NULL;

	for (int severity = SEVERITY_CRITICAL; severity >= 0 && !queue; severity--)
		queue = TAILQ_LAST(&destination->fresh[severity], page_queue_list);
	return queue;
}

/* The next one, or a fresh one where the breaker lets only such through; NULL: none may start, and
 * *ret_at_us says when to ask again; 0: when an attempt has ended, or a page comes. */
static struct page_queue *destination_startable(struct destination *destination, int64_t *ret_at_us)
{
	struct page_queue *queue = destination_next(destination);
	struct page_queue *fresh = destination_next_fresh(destination);
	int64_t now_us = deliver_now_us(destination->deliver), at_us = 0, fresh_at_us = 0;

	*ret_at_us = 0;
	if (!queue ||
	    breaker_allows(&destination->breaker, destination->per_minute, false, now_us, &at_us))
		return queue;
	if (fresh && breaker_allows(&destination->breaker, destination->per_minute, true, now_us,
				    &fresh_at_us))
		return fresh;
	*ret_at_us = fresh && fresh_at_us && (!at_us || fresh_at_us < at_us) ? fresh_at_us : at_us;
	return NULL;
}

static void destination_send_ready(struct destination *destination)
{
	struct page_queue *queue;
	int64_t at_us;

	if (destination->paused || destination->deliver->ending)
		return;
	while ((queue = destination_startable(destination, &at_us)))
		if (queue_is_wanted(queue))
			queue_send(queue);
		else
			queue_drop(queue, UNWANTED);
	if (at_us)
		timer_arm(destination->deliver->env.timers, &destination->timer, at_us);
}

/* The pager answers: where it had failed, what rests may go at once. */
static void destination_answers(struct destination *destination, int64_t started_us)
{
	struct page_queue *queue;

	if (!breaker_success(&destination->breaker, started_us))
		return;
	while ((queue = TAILQ_FIRST(&destination->resting)))
		queue_move(queue, QUEUE_READY, 0);
}

static void destination_on_timer(void *arg)
{
	destination_send_ready(arg);
}

static struct destination *destination_get(struct deliver *deliver, const char *pager)
{
	struct destination *destination = map_get(deliver->destinations, pager);

	if (destination)
		return destination;
	destination = xcalloc(1, sizeof(*destination));
	destination->deliver = deliver;
	for (size_t i = 0; i < ARRAY_LEN(destination->fresh); i++) {
		TAILQ_INIT(&destination->fresh[i]);
		TAILQ_INIT(&destination->tried[i]);
	}
	TAILQ_INIT(&destination->resting);
	destination->timer.fire = destination_on_timer;
	destination->timer.arg = destination;
	destination->series = metric_series(METRIC_BY_PAGER, pager);
	map_put(deliver->destinations, pager, destination);
	return destination;
}

/* Is the URL's host that name, or one of its subdomains? */
static bool url_is_at(const char *url, const char *name)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	size_t len = strcspn(host, "/?#"), port = strcspn(host, ":/?#"), n = strlen(name);
	const char *user = memchr(host, '@', len);

	if (user) {
		host = user + 1;
		port = strcspn(host, ":/?#");
	}
	return port >= n && strncasecmp(host + port - n, name, n) == 0 &&
	       (port == n || host[port - n - 1] == '.');
}

static unsigned int target_per_minute(const struct page_target *target)
{
	const struct pager_kind *kind = pager_kinds[target->kind];
	/* Of an incoming webhook the address is the key. */
	const char *url = target->url ? target->url : target->key;

	return kind->per_minute && url && url_is_at(url, kind->paced_host) ? kind->per_minute : 0;
}

static const struct destination_target *target_get(struct deliver *deliver, const char *text)
{
	struct destination_target *target = map_get(deliver->targets, text);
	struct err err;

	if (target)
		return target;
	target = xcalloc(1, sizeof(*target));
	target->arena = arena_new(2 * LIMIT_TARGET_BYTES + strlen(text) + 1);
	target->text = arena_strdup(target->arena, text);
	if (page_target_read(target->arena, text, &target->parsed, &err))
		target->fault = xstrdup(err.text);
	else
		target->per_minute = target_per_minute(&target->parsed);
	map_put(deliver->targets, text, target);
	return target;
}

static void target_free(struct destination_target *target)
{
	arena_free(target->arena);
	free(target->fault);
	free(target);
}

/* Borrowed until the next call. */
static const char *queue_key(struct deliver *deliver, const char *incident, const char *pager,
			     int n)
{
	buf_reset(&deliver->key);
	buf_puts(&deliver->key, incident);
	buf_putc(&deliver->key, '\n');
	buf_puts(&deliver->key, pager);
	buf_putc(&deliver->key, '\n');
	buf_add_int(&deliver->key, n);
	return buf_text(&deliver->key);
}

static struct page_queue *queue_get(struct deliver *deliver, const struct stored_page *page,
				    const struct destination_target *target)
{
	const char *key = queue_key(deliver, page->incident, page->pager, page->n);
	struct page_queue *queue = map_get(deliver->queues, key);

	if (queue)
		return queue;
	queue = xcalloc(1, sizeof(*queue));
	queue->key = xstrdup(key);
	queue->deliver = deliver;
	queue->destination = destination_get(deliver, page->pager);
	/* A pause may have made the destination, and a reload may change the pager's address. */
	queue->destination->per_minute = target->per_minute;
	queue->timer.fire = queue_on_backoff_over;
	queue->timer.arg = queue;
	TAILQ_INIT(&queue->pages);
	map_put(deliver->queues, key, queue);
	return queue;
}

struct deliver *deliver_new(const struct deliver_env *env, const struct deliver_ops *ops)
{
	struct deliver *deliver = xcalloc(1, sizeof(*deliver));

	deliver->env = *env;
	deliver->ops = *ops;
	if (!deliver->env.random)
		deliver->env.random = random_unit;
	deliver->queues = map_new();
	deliver->destinations = map_new();
	deliver->targets = map_new();
	buf_init(&deliver->key, SIZE_MAX / 2);
	TAILQ_INIT(&deliver->all);
	return deliver;
}

void deliver_free(struct deliver *deliver)
{
	struct page_queue *queue;
	struct destination *destination;
	struct destination_target *target;
	size_t pos = 0;

	if (!deliver)
		return;
	while ((queue = map_next(deliver->queues, &pos, NULL)))
		queue_free(queue);
	pos = 0;
	while ((destination = map_next(deliver->destinations, &pos, NULL))) {
		timer_disarm(deliver->env.timers, &destination->timer);
		free(destination);
	}
	pos = 0;
	while ((target = map_next(deliver->targets, &pos, NULL)))
		target_free(target);
	map_free(deliver->queues);
	map_free(deliver->destinations);
	map_free(deliver->targets);
	buf_fini(&deliver->key);
	free(deliver);
}

/* A page that a restart brought back waits for the rest of its pause. */
static void queue_start(struct page_queue *queue, const struct stored_page *page)
{
	int64_t left_us = page->next_us - clock_wall_us(queue->deliver->env.clock);

	queue->failures = page->attempts;
	if (page->attempts == 0 || left_us <= 0) {
		queue_move(queue, QUEUE_READY, 0);
		destination_send_ready(queue->destination);
		return;
	}
	/* The wall clock may have been set back: wait no longer than any pause is. */
	if (left_us > LIMIT_PAGER_RETRY_AFTER_US)
		left_us = LIMIT_PAGER_RETRY_AFTER_US;
	queue_move(queue, QUEUE_BACKOFF, deliver_now_us(queue->deliver) + left_us);
}

static void queue_hold(struct page_queue *queue)
{
	queue->holds++;
	queue_move(queue, QUEUE_HELD, 0);
}

static void deliver_add(struct deliver *deliver, const struct stored_page *page,
			struct page_copy *copy, bool held)
{
	const struct destination_target *target = target_get(deliver, page->target);
	struct page_queue *queue = queue_get(deliver, page, target);
	struct queue_entry *superseded = queue_take_superseded(queue, page->event);
	struct queue_entry *entry = queue_entry_new(queue, page, target, copy);

	assert(page->state == STORED_PAGE_QUEUED);
	TAILQ_INSERT_TAIL(&queue->pages, entry, link);
	/* A new queue is idle. A queue that called changed() from queue_end_first() still says
	 * SENDING, and queue_advance() starts it. */
	if (queue->state == QUEUE_IDLE && held)
		queue_hold(queue);
	else if (queue->state == QUEUE_IDLE)
		queue_start(queue, page);
	if (superseded)
		queue_entry_drop(superseded, "superseded by a newer page");
}

void deliver_enqueue(struct deliver *deliver, const struct stored_page *page,
		     struct page_copy *copy)
{
	deliver_add(deliver, page, copy, false);
}

void deliver_enqueue_held(struct deliver *deliver, const struct stored_page *page)
{
	deliver_add(deliver, page, NULL, true);
}

bool deliver_move(struct deliver *deliver, const char *incident, const char *pager, int n,
		  const char *target)
{
	struct page_queue *queue = map_get(deliver->queues, queue_key(deliver, incident, pager, n));
	struct queue_entry *entry;

	if (!queue || queue->attempt || TAILQ_EMPTY(&queue->pages) ||
	    TAILQ_FIRST(&queue->pages)->page.event != PAGE_TRIGGER)
		return false;
	const struct destination_target *to = target_get(deliver, target);
	TAILQ_FOREACH (entry, &queue->pages, link) {
		entry->target = to;
		entry->page.target = to->text;
	}
	queue->destination->per_minute = to->per_minute;
	queue_hold(queue);
	return true;
}

void deliver_release(struct deliver *deliver, const char *incident, const char *pager, int n)
{
	struct page_queue *queue = map_get(deliver->queues, queue_key(deliver, incident, pager, n));

	if (!queue || !queue->holds || --queue->holds)
		return;
	/* What failed was the old address: the new one is tried at once. */
	queue->failures = 0;
	TAILQ_FIRST(&queue->pages)->page.next_us = clock_wall_us(deliver->env.clock);
	breaker_allow_probe(&queue->destination->breaker);
	queue_move(queue, QUEUE_READY, 0);
	destination_send_ready(queue->destination);
}

void deliver_drop(struct deliver *deliver, const char *incident, const char *pager, int n,
		  const char *why)
{
	struct page_queue *queue = map_get(deliver->queues, queue_key(deliver, incident, pager, n));
	struct destination *destination;

	if (!queue)
		return;
	destination = queue->destination;
	if (queue->attempt)
		destination->breaker.in_flight--;
	attempt_cancel(queue->attempt);
	queue->attempt = NULL;
	queue_drop(queue, why);
	destination_send_ready(destination); /* its place is free */
}

int deliver_last_status(const struct deliver *deliver, int64_t *ret_took_us)
{
	*ret_took_us = deliver->last_took_us;
	return deliver->last_status;
}

size_t deliver_waiting(const struct deliver *deliver)
{
	return deliver->waiting;
}

/* ---- what a person does ---- */

void deliver_pause(struct deliver *deliver, const char *pager, bool paused)
{
	struct destination *destination = destination_get(deliver, pager);
	struct queue_entry *entry;

	if (destination->paused == paused)
		return;
	destination->paused = paused;
	timer_disarm(deliver->env.timers, &destination->timer);
	TAILQ_FOREACH (entry, &deliver->all, in_all)
		if (entry->queue->destination == destination)
			queue_entry_arm_silent(entry);
	if (!paused)
		deliver_retry_pager(deliver, pager);
}

bool deliver_is_paused(const struct deliver *deliver, const char *pager)
{
	const struct destination *destination = map_get(deliver->destinations, pager);

	return destination && destination->paused;
}

void deliver_retry_pager(struct deliver *deliver, const char *pager)
{
	struct destination *destination = map_get(deliver->destinations, pager);
	struct page_queue *queue;

	if (!destination)
		return;
	breaker_allow_probe(&destination->breaker);
	while ((queue = TAILQ_FIRST(&destination->resting)))
		queue_move(queue, QUEUE_READY, 0);
	destination_send_ready(destination);
}

static struct queue_entry *deliver_find(const struct deliver *deliver, int64_t id)
{
	struct queue_entry *entry;

	TAILQ_FOREACH (entry, &deliver->all, in_all)
		if (entry->page.id >= id)
			break;
	return entry && entry->page.id == id ? entry : NULL;
}

bool deliver_retry_page(struct deliver *deliver, int64_t id)
{
	struct queue_entry *entry = deliver_find(deliver, id);
	struct page_queue *queue = entry ? entry->queue : NULL;

	if (!entry)
		return false;
	if (deliver->ending || queue->destination->paused || queue->state == QUEUE_SENDING ||
	    queue->state == QUEUE_HELD)
		return true;
	/* Past the breaker, whose only probe may be another page. */
	if (queue_is_wanted(queue))
		queue_send(queue);
	else
		queue_drop(queue, UNWANTED);
	return true;
}

bool deliver_drop_page(struct deliver *deliver, int64_t id, const char *why)
{
	struct queue_entry_list dropped = TAILQ_HEAD_INITIALIZER(dropped);
	struct queue_entry *entry = deliver_find(deliver, id);

	if (!entry)
		return false;
	struct page_queue *queue = entry->queue;
	struct destination *destination = queue->destination;
	bool first = entry == TAILQ_FIRST(&queue->pages);
	/* What is behind a trigger that nobody got means nothing to the pager. */
	bool unsent = entry->page.event == PAGE_TRIGGER && !entry->page.attempts;
	if (first && queue->attempt) {
		destination->breaker.in_flight--;
		attempt_cancel(queue->attempt);
		queue->attempt = NULL;
	}
	/* changed() may enqueue to this queue: it must neither start nor be sorted until then. */
	if (first)
		queue_move(queue, QUEUE_SENDING, 0);
	struct queue_entry *next;
	for (; entry; entry = unsent ? next : NULL) {
		next = TAILQ_NEXT(entry, link);
		TAILQ_REMOVE(&queue->pages, entry, link);
		TAILQ_INSERT_TAIL(&dropped, entry, link);
	}
	while ((entry = TAILQ_FIRST(&dropped))) {
		TAILQ_REMOVE(&dropped, entry, link);
		queue_entry_drop(entry, entry->page.id == id ? why : "its trigger was dropped");
	}
	if (first)
		queue_advance(queue);
	destination_send_ready(destination);
	return true;
}

static struct deliver_page_view queue_entry_view(const struct queue_entry *entry)
{
	const struct page_queue *queue = entry->queue;
	bool sending = queue->state == QUEUE_SENDING && entry == TAILQ_FIRST(&queue->pages);

	return (struct deliver_page_view){
		.page = &entry->page,
		.content = entry->copy ? entry->copy->page : NULL,
		.target = entry->target->fault ? NULL : &entry->target->parsed,
		.state = sending		      ? DELIVER_SENDING
			 : queue->destination->paused ? DELIVER_PAUSED
						      : DELIVER_WAITING,
	};
}

void deliver_each_page(const struct deliver *deliver, int64_t after, deliver_page_viewer *viewer,
		       void *ctx)
{
	const struct queue_entry *entry;

	TAILQ_FOREACH (entry, &deliver->all, in_all) {
		struct deliver_page_view view = queue_entry_view(entry);
		if (entry->page.id > after && !viewer(ctx, &view))
			return;
	}
}

void deliver_each_pager(const struct deliver *deliver, deliver_pager_viewer *viewer, void *ctx)
{
	struct destination *destination;
	const struct queue_entry *entry;
	const char *name;

	for (size_t pos = 0; (destination = map_next(deliver->destinations, &pos, &name));)
		destination->view = (struct deliver_pager_view){
			.pager = name,
			.paused = destination->paused,
			.failing = breaker_open(&destination->breaker),
		};
	TAILQ_FOREACH (entry, &deliver->all, in_all) {
		struct deliver_pager_view *view = &entry->queue->destination->view;
		if (!view->waiting++)
			view->oldest_us = entry->page.created_us;
	}
	for (size_t pos = 0; (destination = map_next(deliver->destinations, &pos, NULL));)
		if (!viewer(ctx, &destination->view))
			return;
}

void deliver_end(struct deliver *deliver)
{
	deliver->ending = true;
}

size_t deliver_sending(const struct deliver *deliver)
{
	const struct destination *destination;
	size_t n = 0;

	for (size_t pos = 0; (destination = map_next(deliver->destinations, &pos, NULL));)
		n += destination->breaker.in_flight;
	return n;
}

const char *deliver_state_name(enum deliver_state state)
{
	static const char *const names[] = { "sending", "waiting", "paused" };

	return names[state];
}
