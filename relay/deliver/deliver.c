/*
 * Deliver: a lane for each incident and pager, a line for each pager. A lane sends its pages one by
 * one, in order; a line lets lanes start as its breaker allows, in the order in which they asked.
 * Nothing is ever given up here: a page leaves by being delivered, rejected, or overtaken. Owns
 * copies of the pages; the store's are the caller's, by ops.
 */
#include "deliver-internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/random.h"
#include "tracepager/xalloc.h"

struct item {
	TAILQ_ENTRY(item) link;
	struct deliver *deliver;
	struct stored_page page; /* its texts are the item's */
	struct timer silent;
};
TAILQ_HEAD(item_list, item);

enum lane_state {
	LANE_IDLE,    /* between two pages; only inside of a function */
	LANE_PARKED,  /* in its pager's line; the line's timer or an attempt's end takes it on */
	LANE_SENDING, /* its first page is being tried; the request's timeout ends that */
	LANE_BACKOFF, /* its timer is armed */
};

struct lane {
	char *key;
	struct deliver *deliver;
	struct line *line;
	enum lane_state state;
	unsigned int failures; /* of its first page, in a row */
	struct item_list items;
	struct attempt *attempt;
	int64_t started_us;
	struct timer timer;
	TAILQ_ENTRY(lane) parked;
};

struct line {
	struct deliver *deliver;
	struct breaker breaker;
	TAILQ_HEAD(lane_list, lane) parked;
	struct timer timer;
};

struct deliver {
	struct deliver_env env;
	struct deliver_ops ops;
	struct map *lanes; /* by incident and pager */
	struct map *lines; /* by pager */
	size_t waiting;
};

static void line_run(struct line *line);

static int64_t now_us(const struct deliver *deliver)
{
	return clock_mono_us(deliver->env.clock);
}

static void waiting_set(struct deliver *deliver, size_t n)
{
	deliver->waiting = n;
	metric_set(METRIC_PAGES_WAITING, (int64_t)n);
}

/* Items. */

static void item_silent(void *arg)
{
	struct item *item = arg;

	item->deliver->ops.silent(item->deliver->ops.ctx, &item->page);
}

static struct item *item_new(struct deliver *deliver, const struct stored_page *page)
{
	struct item *item = xcalloc(1, sizeof(*item));

	item->deliver = deliver;
	item->page = *page;
	item->page.incident = xstrdup(page->incident);
	item->page.pager = xstrdup(page->pager);
	item->page.target = xstrdup(page->target);
	item->page.doc = xstrndup(page->doc, page->doc_len);
	item->page.error = xstrdup(page->error ? page->error : "");
	item->silent.fire = item_silent;
	item->silent.arg = item;
	timer_arm(deliver->env.timers, &item->silent, now_us(deliver) + LIMIT_PAGER_SILENT_US);
	waiting_set(deliver, deliver->waiting + 1);
	return item;
}

static void item_free(struct item *item)
{
	const char *texts[] = { item->page.incident, item->page.pager, item->page.target,
				item->page.doc, item->page.error };

	timer_disarm(item->deliver->env.timers, &item->silent);
	waiting_set(item->deliver, item->deliver->waiting - 1);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		cleanup_free(&texts[i]);
	free(item);
}

static void item_error(struct item *item, const char *text)
{
	cleanup_free(&item->page.error);
	item->page.error = xstrdup(text);
}

/* The page has reached its end; it is out of its lane already. */
static void item_end(struct item *item, enum stored_page_state state)
{
	struct deliver *deliver = item->deliver;

	item->page.state = state;
	item->page.next_us = 0;
	deliver->ops.changed(deliver->ops.ctx, &item->page);
	item_free(item);
}

static void item_drop(struct item *item, const char *why)
{
	log_info("page dropped", LOG_STR("incident", item->page.incident),
		 LOG_STR("pager", item->page.pager), LOG_INT("page", item->page.id),
		 LOG_STR("reason", why));
	item_error(item, why);
	item_end(item, STORED_PAGE_DROPPED);
}

/* Lanes. */

static void lane_move(struct lane *lane, enum lane_state state, int64_t until_us)
{
	if (lane->state == LANE_PARKED)
		TAILQ_REMOVE(&lane->line->parked, lane, parked);
	timer_disarm(lane->deliver->env.timers, &lane->timer);
	lane->state = state;
	if (state == LANE_PARKED)
		TAILQ_INSERT_TAIL(&lane->line->parked, lane, parked);
	if (state == LANE_BACKOFF)
		timer_arm(lane->deliver->env.timers, &lane->timer, until_us);
}

static void lane_backoff_over(void *arg)
{
	struct lane *lane = arg;

	lane_move(lane, LANE_PARKED, 0);
	line_run(lane->line);
}

static void lane_free(struct lane *lane)
{
	struct item *item;

	lane_move(lane, LANE_IDLE, 0);
	attempt_cancel(lane->attempt);
	while ((item = TAILQ_FIRST(&lane->items))) {
		TAILQ_REMOVE(&lane->items, item, link);
		item_free(item);
	}
	free(lane->key);
	free(lane);
}

/* Take out the update that a later page overtakes; the first page of the lane only while it is not
 * on its way. */
static struct item *lane_overtaken(struct lane *lane, int event)
{
	struct item *item = TAILQ_LAST(&lane->items, item_list);

	if (event == PAGE_TRIGGER || !item || item->page.event != PAGE_UPDATE)
		return NULL;
	if (lane->state == LANE_SENDING && item == TAILQ_FIRST(&lane->items))
		return NULL;
	TAILQ_REMOVE(&lane->items, item, link);
	return item;
}

/* What comes after a page has left the lane: the next one, or the lane's end. */
static void lane_next(struct lane *lane)
{
	lane->failures = 0;
	if (TAILQ_EMPTY(&lane->items)) {
		map_remove(lane->deliver->lanes, lane->key);
		lane_free(lane);
		return;
	}
	lane_move(lane, LANE_PARKED, 0);
}

static void log_attempt(enum log_level level, const char *message, const struct item *item,
			const char *text, int status, int64_t delay_us)
{
	const struct log_field fields[] = {
		LOG_STR("incident", item->page.incident),
		LOG_STR("pager", item->page.pager),
		LOG_STR("event", page_event_name((enum page_event)item->page.event)),
		LOG_INT("page", item->page.id),
		LOG_INT("attempt", item->page.attempts),
		LOG_INT("status", status),
		LOG_STR("reason", text),
		LOG_INT("next_try_ms", delay_us / US_PER_MS),
	};
	size_t needless = level == LOG_LEVEL_WARN ? 0 : level == LOG_LEVEL_ERROR ? 1 : 2;

	log_write(level, message, fields, ARRAY_LEN(fields) - needless);
}

/* The page stays the first of its lane, unless something newer behind it makes it idle. */
static void lane_failed(struct lane *lane, const struct judgement *judgement, int status)
{
	struct deliver *deliver = lane->deliver;
	struct item *item = TAILQ_FIRST(&lane->items);
	struct item *next = TAILQ_NEXT(item, link);
	int64_t delay_us = judgement->retry_after_us;
	double random = deliver->env.random();

	lane->failures++;
	breaker_failure(&lane->line->breaker, now_us(deliver), delay_us, random);
	if (delay_us < 0)
		delay_us = retry_delay_us(lane->failures, random);
	metric_add(METRIC_PAGES_RETRIED, 1);
	log_attempt(LOG_LEVEL_WARN, "page not delivered, trying again", item, judgement->text,
		    status, delay_us);
	if (item->page.event == PAGE_UPDATE && next && next->page.event != PAGE_TRIGGER) {
		TAILQ_REMOVE(&lane->items, item, link);
		item_drop(item, "overtaken by a newer page");
	} else {
		item->page.next_us = clock_wall_us(deliver->env.clock) + delay_us;
		item_error(item, judgement->text);
		deliver->ops.changed(deliver->ops.ctx, &item->page);
	}
	lane_move(lane, LANE_BACKOFF, now_us(deliver) + delay_us);
}

static void lane_ended(struct lane *lane, const struct judgement *judgement, int status)
{
	struct item_list useless = TAILQ_HEAD_INITIALIZER(useless);
	struct item *item = TAILQ_FIRST(&lane->items);
	bool delivered = judgement->outcome == JUDGE_DELIVERED;

	/* Even a refusal is an answer: the pager lives. Without a status it was refused here,
	 * before it left. */
	if (delivered || status != 0)
		breaker_success(&lane->line->breaker);
	metric_add(delivered ? METRIC_PAGES_DELIVERED : METRIC_PAGES_REJECTED, 1);
	if (delivered)
		log_attempt(LOG_LEVEL_INFO, "page delivered", item, "", status, 0);
	else
		log_attempt(LOG_LEVEL_ERROR, "page rejected", item, judgement->text, status, 0);
	TAILQ_REMOVE(&lane->items, item, link);
	/* What waited behind the trigger means nothing without it; what changed() enqueues from
	 * here on is new. */
	if (!delivered && item->page.event == PAGE_TRIGGER)
		TAILQ_CONCAT(&useless, &lane->items, link);
	item_error(item, judgement->text);
	item_end(item, delivered ? STORED_PAGE_DELIVERED : STORED_PAGE_REJECTED);
	while ((item = TAILQ_FIRST(&useless))) {
		TAILQ_REMOVE(&useless, item, link);
		item_drop(item, "the pager rejected the trigger");
	}
	lane_next(lane);
}

static void lane_attempted(void *ctx, const struct judgement *judgement, int status)
{
	struct lane *lane = ctx;
	struct line *line = lane->line;

	assert(lane->state == LANE_SENDING);
	lane->attempt = NULL;
	line->breaker.in_flight--;
	metric_observe_us(METRIC_DELIVER_TIME, now_us(lane->deliver) - lane->started_us);
	if (judgement->outcome == JUDGE_RETRY)
		lane_failed(lane, judgement, status);
	else
		lane_ended(lane, judgement, status);
	line_run(line);
}

static void lane_send(struct lane *lane)
{
	struct item *item = TAILQ_FIRST(&lane->items);

	lane_move(lane, LANE_SENDING, 0);
	lane->line->breaker.in_flight++;
	lane->started_us = now_us(lane->deliver);
	item->page.attempts++;
	lane->attempt = attempt_start(&lane->deliver->env, &item->page, lane_attempted, lane);
}

/* Lines. */

static void line_run(struct line *line)
{
	struct lane *lane;
	int64_t at_us = 0;

	while ((lane = TAILQ_FIRST(&line->parked))) {
		if (!breaker_allows(&line->breaker, now_us(line->deliver), &at_us))
			break;
		lane_send(lane);
	}
	if (lane && at_us)
		timer_arm(line->deliver->env.timers, &line->timer, at_us);
}

static void line_timer(void *arg)
{
	line_run(arg);
}

static struct line *line_get(struct deliver *deliver, const char *pager)
{
	struct line *line = map_get(deliver->lines, pager);

	if (line)
		return line;
	line = xcalloc(1, sizeof(*line));
	line->deliver = deliver;
	TAILQ_INIT(&line->parked);
	line->timer.fire = line_timer;
	line->timer.arg = line;
	map_put(deliver->lines, pager, line);
	return line;
}

static struct lane *lane_get(struct deliver *deliver, const struct stored_page *page)
{
	char *key = xasprintf("%s\n%s", page->incident, page->pager);
	struct lane *lane = map_get(deliver->lanes, key);

	if (lane) {
		free(key);
		return lane;
	}
	lane = xcalloc(1, sizeof(*lane));
	lane->key = key;
	lane->deliver = deliver;
	lane->line = line_get(deliver, page->pager);
	lane->timer.fire = lane_backoff_over;
	lane->timer.arg = lane;
	TAILQ_INIT(&lane->items);
	map_put(deliver->lanes, key, lane);
	return lane;
}

struct deliver *deliver_new(const struct deliver_env *env, const struct deliver_ops *ops)
{
	struct deliver *deliver = xcalloc(1, sizeof(*deliver));

	deliver->env = *env;
	deliver->ops = *ops;
	if (!deliver->env.random)
		deliver->env.random = random_unit;
	deliver->lanes = map_new();
	deliver->lines = map_new();
	return deliver;
}

void deliver_free(struct deliver *deliver)
{
	struct lane *lane;
	struct line *line;
	size_t pos = 0;

	if (!deliver)
		return;
	while ((lane = map_next(deliver->lanes, &pos, NULL)))
		lane_free(lane);
	pos = 0;
	while ((line = map_next(deliver->lines, &pos, NULL))) {
		timer_disarm(deliver->env.timers, &line->timer);
		free(line);
	}
	map_free(deliver->lanes);
	map_free(deliver->lines);
	free(deliver);
}

/* A page that a restart brought back waits for what is left of its pause. */
static void lane_start(struct lane *lane, const struct stored_page *page)
{
	int64_t left_us = page->next_us - clock_wall_us(lane->deliver->env.clock);

	lane->failures = page->attempts;
	if (page->attempts == 0 || left_us <= 0) {
		lane_move(lane, LANE_PARKED, 0);
		line_run(lane->line);
		return;
	}
	/* The wall clock may have been set back. */
	if (left_us > LIMIT_RETRY_AFTER_US)
		left_us = LIMIT_RETRY_AFTER_US;
	lane_move(lane, LANE_BACKOFF, now_us(lane->deliver) + left_us);
}

void deliver_enqueue(struct deliver *deliver, const struct stored_page *page)
{
	struct lane *lane = lane_get(deliver, page);
	struct item *overtaken = lane_overtaken(lane, page->event);
	struct item *item = item_new(deliver, page);

	assert(page->state == STORED_PAGE_QUEUED);
	TAILQ_INSERT_TAIL(&lane->items, item, link);
	/* A new lane is idle; one whose page has just ended is still marked as sending. */
	if (lane->state == LANE_IDLE)
		lane_start(lane, page);
	if (overtaken)
		item_drop(overtaken, "overtaken by a newer page");
}

size_t deliver_waiting(const struct deliver *deliver)
{
	return deliver->waiting;
}
