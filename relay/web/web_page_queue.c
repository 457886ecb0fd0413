/*
 * Web page queue: /queue for a browser: the pagers and the pages that wait; its form pauses pagers,
 * lets them go on, tries pages now and drops them. An act leads back to the page once it is on
 * disk.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/deliver.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

#include "web_job-internal.h"
#include "web_page-internal.h"

struct queue_page {
	struct html_pager_row pagers[LIMIT_PAGE_ROWS];
	struct html_queue_row pages[LIMIT_PAGE_ROWS];
	struct html_queue queue;
};

static bool queue_page_on_pager(void *ctx, const struct incident_pager_view *view)
{
	struct queue_page *page = ctx;

	if (page->queue.npagers == LIMIT_PAGE_ROWS)
		return false;
	page->pagers[page->queue.npagers++] = (struct html_pager_row){
		.name = view->name,
		.kind = view->kind,
		.paused_by = view->paused_by,
		.failing = view->failing,
		.waiting = view->waiting,
		.oldest_us = view->oldest_us,
	};
	return true;
}

static bool queue_page_on_page(void *ctx, const struct deliver_page_view *view)
{
	struct queue_page *page = ctx;
	const struct stored_page *row = view->page;

	if (page->queue.npages == LIMIT_PAGE_ROWS)
		return false;
	page->pages[page->queue.npages++] = (struct html_queue_row){
		.id = row->id,
		.incident = row->incident,
		.pager = row->pager,
		.event = page_event_name((enum page_event)row->event),
		.state = deliver_state_name(view->state),
		.error = row->error ? row->error : "",
		.severity = (enum severity)row->severity,
		.attempts = row->attempts,
		.created_us = row->created_us,
		.next_us = view->state == DELIVER_WAITING && row->attempts ? row->next_us : 0,
	};
	return true;
}

static void queue_page_show(struct web_request *request, int status, const char *notice,
			    bool refused)
{
	const struct web_ops *ops = &request->web->ops;
	struct queue_page *page = xcalloc(1, sizeof(*page));
	struct web_page frame = { .notice = "" };
	struct html html;

	ops->pagers(ops->ctx, queue_page_on_pager, page);
	deliver_each_page(ops->deliver(ops->ctx), 0, queue_page_on_page, page);
	web_page_begin(&frame, request, "Queue", HTML_TAB_QUEUE);
	snprintf(frame.notice, sizeof(frame.notice), "%s", notice);
	frame.frame.refused = refused;
	page->queue.pagers = page->pagers;
	page->queue.pages = page->pages;
	page->queue.nwaiting = deliver_waiting(ops->deliver(ops->ctx));
	page->queue.mark = web_page_mark(&frame, request->web);
	html_init(&html, LIMIT_PAGE_HTML_BYTES);
	html_queue_write(&html, &frame.frame, &page->queue);
	web_page_reply(request->exchange, status, &html);
	free(page);
}

void web_serve_page_queue(struct web_request *request)
{
	queue_page_show(request, 200, "", false);
}

/* ---- POST ---- */

struct queue_form {
	struct web_job job;
};

static void queue_form_answer(struct web_job *job)
{
	if (job->result < 0)
		web_fail(job->exchange, 503,
			 "the store failed to keep it; go back, and press again");
	else
		web_page_redirect(job->exchange, "/queue");
	web_job_free(job);
}

/* Carries out "ACT:OBJECT". NULL: it was done; else why not. */
static const char *queue_form_act(struct web_request *request, const char *act, const char *object)
{
	const struct web_ops *ops = &request->web->ops;
	struct deliver *deliver = ops->deliver(ops->ctx);
	const int64_t id = strtoll(object, NULL, 10);
	const bool known = ops->pager(ops->ctx, object) || deliver_is_paused(deliver, object);

	log_info("a person acts on the queue", LOG_STR("who", request->who), LOG_STR("act", act),
		 LOG_STR("on", object));
	if (strcmp(act, "pause") == 0 || strcmp(act, "resume") == 0) {
		if (!known)
			return "There is no such pager.";
		ops->pause(ops->ctx, object, request->who, strcmp(act, "pause") == 0);
		return NULL;
	}
	if (strcmp(act, "retry") == 0) {
		deliver_retry_pager(deliver, object);
		return NULL;
	}
	if (strcmp(act, "retry-page") == 0)
		return deliver_retry_page(deliver, id) ? NULL
						       : "That page has left, or was dropped.";
	if (strcmp(act, "drop-page") == 0) {
		CLEANUP_FREE char *why = xasprintf("dropped by %s", request->who);
		return deliver_drop_page(deliver, id, why) ? NULL
							   : "That page has left, or was dropped.";
	}
	return "Nothing was done: the form does not say what to do.";
}

void web_serve_page_queue_act(struct web_request *request)
{
	char act[LIMIT_PATH_PLACE_BYTES + 32];
	int status;
	const char *why = web_form_refused(request, &status);

	if (!why && !web_form_field(request, "act", act, sizeof(act))) {
		why = "Nothing was done: the form is not ours.";
		status = 400;
	}
	char *colon = why ? NULL : strchr(act, ':');
	if (colon)
		*colon = '\0';
	if (!why) {
		why = queue_form_act(request, act, colon ? colon + 1 : "");
		status = 409;
	}
	if (why) {
		queue_page_show(request, status, why, true);
		return;
	}
	struct queue_form *form = web_job_new(sizeof(*form), request->web, request->exchange);
	form->job.answer = queue_form_answer;
	web_job_when_durable(&form->job);
}
