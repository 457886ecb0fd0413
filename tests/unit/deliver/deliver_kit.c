/* The fixture of the tests of delivery: see deliver_kit.h. */
#include "deliver_kit.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

struct fake_clock fake;
struct fake_http http;
struct deliver *deliver;
int console_fd;

/* What ops were told, one line each: "changed 1 delivered 3". */
struct buf told;
int64_t silent_at_us;
struct stored_page last;
char last_error[256];
/* Enqueued by the next changed() with state rejected. */
const struct stored_page *enqueue_on_rejection;

static const char *const states[] = {
	[STORED_PAGE_QUEUED] = "queued",
	[STORED_PAGE_DELIVERED] = "delivered",
	[STORED_PAGE_REJECTED] = "rejected",
	[STORED_PAGE_DROPPED] = "dropped",
};

void on_changed(void *ctx, const struct stored_page *page)
{
	const struct stored_page *next = enqueue_on_rejection;

	ck_assert_ptr_eq(ctx, &told);
	buf_printf(&told, "changed %" PRId64 " %s %u\n", page->id, states[page->state],
		   page->attempts);
	last = *page;
	snprintf(last_error, sizeof(last_error), "%s", page->error);
	if (page->state == STORED_PAGE_REJECTED && next) {
		enqueue_on_rejection = NULL;
		deliver_enqueue(deliver, next, NULL);
	}
}

void on_silent(void *ctx, const struct stored_page *page)
{
	(void)ctx;
	buf_printf(&told, "silent %" PRId64 "\n", page->id);
	silent_at_us = fake_clock_elapsed_us(&fake);
}

double chance;
const char *unwanted;

double fixed_chance(void)
{
	return chance;
}

static bool on_wanted(void *ctx, const struct stored_page *page)
{
	ck_assert_ptr_eq(ctx, &told);
	return !unwanted || strcmp(page->pager, unwanted) != 0;
}

void deliver_kit_setup(void)
{
	const struct deliver_ops ops = {
		.changed = on_changed, .silent = on_silent, .wanted = on_wanted, .ctx = &told
	};

	log_set_level(LOG_LEVEL_ERROR + 1);
	fake_clock_init(&fake);
	fake_http_init(&http, &fake);
	buf_init(&told, 1 << 20);
	console_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct deliver_env env = { &http.transport, fake.timers,  &fake.clock,
				   console_fd,	    fixed_chance, NULL };
	deliver = deliver_new(&env, &ops);
	enqueue_on_rejection = NULL;
	unwanted = NULL;
	chance = 0.5;
}

void deliver_kit_teardown(void)
{
	deliver_free(deliver);
	fake_http_fini(&http);
	fake_clock_fini(&fake);
	buf_fini(&told);
	close(console_fd);
}

/* A page for pager "hook" at https://hook/PAGER; the id is in its summary as "page-ID". */
struct stored_page make(int64_t id, const char *incident, const char *pager, enum page_event event)
{
	static char target[256], doc[512];

	snprintf(target, sizeof(target),
		 "{\"kind\":\"webhook\",\"pager\":\"%s\",\"url\":\"https://hook/%s\"}", pager,
		 pager);
	int len = snprintf(doc, sizeof(doc),
			   "{\"incident\":\"%s\",\"dedup_key\":\"%s\",\"summary\":\"page-%" PRId64
			   "\"}",
			   incident, incident, id);
	return (struct stored_page){ .id = id,
				     .n = 1,
				     .incident = incident,
				     .pager = pager,
				     .target = target,
				     .doc = doc,
				     .doc_len = (size_t)len,
				     .event = event,
				     .created_us = fake.wall_us,
				     .error = "" };
}

void enqueue(int64_t id, const char *incident, const char *pager, enum page_event event)
{
	struct stored_page page = make(id, incident, pager, event);

	deliver_enqueue(deliver, &page, NULL);
}

/* An incident of its own, "iID", at pager "hook". */
void enqueue_severe(int64_t id, enum severity severity)
{
	char incident[32];

	snprintf(incident, sizeof(incident), "i%" PRId64, id);
	struct stored_page page = make(id, incident, "hook", PAGE_TRIGGER);
	page.severity = (int)severity;
	deliver_enqueue(deliver, &page, NULL);
}

/* As a restart brings it back, due at once: it has been tried before. */
void enqueue_tried(int64_t id)
{
	char incident[32];

	snprintf(incident, sizeof(incident), "i%" PRId64, id);
	struct stored_page page = make(id, incident, "hook", PAGE_TRIGGER);
	page.attempts = 1;
	page.next_us = fake.wall_us;
	deliver_enqueue(deliver, &page, NULL);
}

int64_t asked_at(const char *part, size_t n)
{
	const struct fake_request *request = fake_http_request(&http, part, n);

	ck_assert_msg(request != NULL, "no request number %zu with %s", n, part);
	return request->at_us;
}
