/*
 * Web queue: /api/v1/queue: the pages that wait for their pagers, and what a person does to them:
 * retry, drop. And /api/v1/pagers: how the pagers are, and pause, resume, retry. An act is told
 * when it is on disk.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/deliver.h"
#include "tracepager/findings.h"
#include "tracepager/log.h"
#include "tracepager/reload.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_act-internal.h"

static struct deliver *queue_of(const struct web *web)
{
	return web->ops.deliver(web->ops.ctx);
}

static void queue_add_time(struct buf *out, const char *key, int64_t us)
{
	char text[RFC3339_SIZE];

	buf_json_text(out, key, us ? rfc3339_format(us, text) : NULL);
}

/* ---- GET /api/v1/queue ---- */

struct page_list {
	char pager[LIMIT_PATH_PLACE_BYTES], incident[LIMIT_PATH_PLACE_BYTES];
	size_t limit, n;
	bool more;
	int64_t last; /* id of the last entry */
	struct buf out;
};

static void queue_write_page(struct buf *out, const struct deliver_page_view *view)
{
	const struct stored_page *page = view->page;
	char id[24];

	snprintf(id, sizeof(id), "%" PRId64, page->id);
	buf_json_text(out, "id", id);
	buf_json_text(out, "incident", page->incident);
	buf_json_text(out, "pager", page->pager);
	buf_json_int(out, "n", page->n);
	buf_json_text(out, "event", page_event_name((enum page_event)page->event));
	buf_json_text(out, "severity", severity_name((enum severity)page->severity));
	buf_json_text(out, "state", deliver_state_name(view->state));
	buf_json_int(out, "attempts", page->attempts);
	queue_add_time(out, "created_at", page->created_us);
	queue_add_time(out, "next_try_at",
		       view->state == DELIVER_WAITING && page->attempts ? page->next_us : 0);
	buf_json_text(out, "error", *page->error ? page->error : NULL);
}

static bool list_on_page(void *ctx, const struct deliver_page_view *view)
{
	struct page_list *list = ctx;

	if ((*list->pager && strcmp(list->pager, view->page->pager) != 0) ||
	    (*list->incident && strcmp(list->incident, view->page->incident) != 0))
		return true;
	if (list->n == list->limit) {
		list->more = true;
		return false;
	}
	buf_puts(&list->out, list->n++ ? ",{" : "{");
	queue_write_page(&list->out, view);
	buf_putc(&list->out, '}');
	list->last = view->page->id;
	return true;
}

void web_serve_queue(struct web_request *request)
{
	struct page_list list = { .out = BUF_INIT(LIMIT_INCIDENTS_BYTES) };
	char after[LIMIT_PATH_PLACE_BYTES], last[24];
	int64_t after_id;

	if (!web_query_text(request, "pager", list.pager, sizeof(list.pager)) ||
	    !web_query_text(request, "incident", list.incident, sizeof(list.incident)) ||
	    !web_query_limit(request, &list.limit) ||
	    !web_query_cursor(request, &after_id, after, sizeof(after)))
		return;
	buf_puts(&list.out, "{\"pages\":[");
	deliver_each_page(queue_of(request->web), after_id, list_on_page, &list);
	snprintf(last, sizeof(last), "%" PRId64, list.last);
	web_list_end(request, &list.out, list.last, list.more ? last : NULL);
}

/* ---- GET /api/v1/queue/{page} ---- */

/* The page's own words; it has links that act, which are its reader's only. */
static void queue_write_words(struct buf *out, const struct deliver_page_view *view)
{
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	const struct page *page = view->content;
	struct page read;

	if (!page && page_read(arena, view->page->doc, view->page->doc_len, &read, NULL) == 0)
		page = &read;
	if (page) {
		buf_json_text(out, "summary", page->summary);
		buf_json_text(out, "team", page->group);
		buf_json_text(out, "note", page->note);
		buf_json_text(out, "banner", page->banner ? page->banner : "");
	}
	arena_free(arena);
}

/* Where the page goes, and whether the rules in force have its pager still. */
static void queue_write_address(const struct web *web, struct buf *out,
				const struct deliver_page_view *view)
{
	const struct reload *reload = web->ops.ruleset(web->ops.ctx, RELOAD_LIVE);
	const struct ruleset *rules = reload ? reload_rules(reload) : NULL;
	char host[LIMIT_HOST_BYTES];
	size_t len = 0;
	const char *at = view->target ? page_target_host(view->target, &len) : NULL;

	if (at)
		snprintf(host, sizeof(host), "%.*s", (int)len, at);
	buf_json_text(out, "address", at ? host : NULL);
	buf_json_key(out, "pager_in_rules");
	buf_puts(out, rules && rules_pager(rules, view->page->pager) ? "true" : "false");
}

struct page_show {
	const struct web *web;
	int64_t id;
	bool found;
	struct buf out;
};

static bool show_on_page(void *ctx, const struct deliver_page_view *view)
{
	struct page_show *show = ctx;

	show->found = view->page->id == show->id;
	if (!show->found)
		return false;
	buf_putc(&show->out, '{');
	queue_write_page(&show->out, view);
	queue_write_address(show->web, &show->out, view);
	queue_write_words(&show->out, view);
	buf_putc(&show->out, '}');
	return false;
}

/* The number of a page; -1: it is none. */
static int64_t queue_page_id(const char *text)
{
	char *end;
	const long long id = strtoll(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end ? id : -1;
}

static void fail_no_page(struct web_request *request)
{
	web_failf(request->exchange, 404,
		  "no page %s waits: it has left, or was dropped; GET /api/v1/queue lists those "
		  "that wait",
		  request->param[0]);
}

void web_serve_queue_page(struct web_request *request)
{
	struct page_show show = { .web = request->web,
				  .id = queue_page_id(request->param[0]),
				  .out = BUF_INIT(LIMIT_INCIDENTS_BYTES) };

	if (show.id > 0)
		deliver_each_page(queue_of(request->web), show.id - 1, show_on_page, &show);
	if (show.found) {
		web_reply_buf(request->exchange, NULL, &show.out);
		return;
	}
	buf_fini(&show.out);
	fail_no_page(request);
}

/* ---- acts: told when they are on disk ---- */

struct queue_act {
	struct web_job job;
	struct buf out;
};

static void queue_act_fini(struct web_job *job)
{
	buf_fini(&((struct queue_act *)job)->out);
}

static void queue_act_answer(struct web_job *job)
{
	struct queue_act *act = (struct queue_act *)job;

	if (job->result < 0)
		web_fail(job->exchange, 503, "the store failed to keep it; ask again");
	else
		web_reply_buf(job->exchange, NULL, &act->out);
	web_job_free(job);
}

/* name: "page" or "pager". */
static void queue_act_tell(struct web_request *request, const char *name, const char *value,
			   bool already, const char *text)
{
	struct queue_act *act = web_job_new(sizeof(*act), request->web, request->exchange);

	act->job.answer = queue_act_answer;
	act->job.fini = queue_act_fini;
	buf_init(&act->out, LIMIT_WEB_ERROR_BYTES);
	buf_putc(&act->out, '{');
	buf_json_text(&act->out, name, value);
	buf_json_text(&act->out, "outcome", already ? "already" : "done");
	buf_json_text(&act->out, "text", text);
	buf_putc(&act->out, '}');
	web_job_when_durable(&act->job);
}

/* Who acts, kept by the arena; NULL: the request was answered. */
static const char *queue_who(struct web_request *request, struct arena *arena)
{
	const char *who = NULL;
	json_t *body;

	if (!web_body_object(request, &body))
		return NULL;
	if (web_member_text(request, body, "who", &who))
		who = web_act_who(request, arena, who);
	else
		who = NULL;
	json_decref(body);
	return who;
}

static void serve_page_act(struct web_request *request, const char *who, struct arena *arena)
{
	const int64_t id = queue_page_id(request->param[0]);
	struct deliver *deliver = queue_of(request->web);
	const bool drop = strcmp(request->param[1], "drop") == 0;

	if (drop ? !deliver_drop_page(deliver, id, arena_printf(arena, "dropped by %s", who))
		 : !deliver_retry_page(deliver, id)) {
		fail_no_page(request);
		return;
	}
	log_info(drop ? "a person dropped a page" : "a person retries a page", LOG_INT("page", id),
		 LOG_STR("who", who));
	queue_act_tell(request, "page", request->param[0], false,
		       drop ? "dropped; nobody gets it"
			    : "tried now, unless its pager is paused; pages before it to the same "
			      "recipient go first");
}

void web_serve_queue_act(struct web_request *request)
{
	struct arena *arena = arena_new(LIMIT_ACT_BYTES);
	const char *act = request->param[1], *who;

	if (strcmp(act, "retry") != 0 && strcmp(act, "drop") != 0)
		web_failf(request->exchange, 404,
			  "there is no act \"%s\": retry and drop can be done to a page", act);
	else if ((who = queue_who(request, arena)))
		serve_page_act(request, who, arena);
	arena_free(arena);
}

/* ---- /api/v1/pagers ---- */

static bool list_on_pager(void *ctx, const struct incident_pager_view *view)
{
	struct buf *out = ctx;
	const char *end = buf_text(out);

	buf_puts(out, end[out->len - 1] == '[' ? "{" : ",{");
	buf_json_text(out, "name", view->name);
	buf_json_text(out, "kind", *view->kind ? view->kind : NULL);
	buf_json_text(out, "state",
		      view->paused_by ? "paused"
		      : view->failing ? "failing"
				      : "working");
	buf_json_text(out, "paused_by", view->paused_by);
	buf_json_int(out, "waiting", (int64_t)view->waiting);
	queue_add_time(out, "oldest_at", view->oldest_us);
	buf_putc(out, '}');
	return true;
}

void web_serve_pagers(struct web_request *request)
{
	const struct web_ops *ops = &request->web->ops;
	struct buf out = BUF_INIT(LIMIT_INCIDENTS_BYTES);

	buf_puts(&out, "{\"pagers\":[");
	ops->pagers(ops->ctx, list_on_pager, &out);
	web_list_end(request, &out, 0, NULL);
}

struct pager_find {
	const char *name;
	bool found, entry; /* entry: it is paused with its entry */
};

static bool find_on_pager(void *ctx, const struct incident_pager_view *view)
{
	struct pager_find *find = ctx;

	find->found = strcmp(view->name, find->name) == 0;
	find->entry = find->found && view->pause && strcmp(view->pause, view->name) != 0;
	return !find->found;
}

/* The names of the pagers, borrowed from the rules and the queue. */
struct pager_names {
	const char **at;
	size_t n;
};

static bool names_on_pager(void *ctx, const struct incident_pager_view *view)
{
	struct pager_names *names = ctx;

	names->at = xrealloc_array(names->at, names->n + 1, sizeof(*names->at));
	names->at[names->n++] = view->name;
	return true;
}

/* Names the pager that was probably meant, or the first ones. */
static void fail_no_pager(struct web_request *request, const char *name)
{
	const struct web_ops *ops = &request->web->ops;
	struct pager_names names = { .n = 0 };
	struct buf text = BUF_INIT(LIMIT_ACT_TEXT_BYTES);

	ops->pagers(ops->ctx, names_on_pager, &names);
	const char *nearest = nearest_word(name, names.at, names.n);
	if (nearest)
		buf_printf(&text, "; did you mean \"%s\"?", nearest);
	for (size_t i = 0; !nearest && i < names.n && i < LIMIT_PAGERS_TOLD; i++)
		buf_printf(&text, "%s%s", i ? ", " : "; there are: ", names.at[i]);
	if (!nearest && names.n > LIMIT_PAGERS_TOLD)
		buf_printf(&text, ", and %zu more, which GET /api/v1/pagers lists",
			   names.n - LIMIT_PAGERS_TOLD);
	web_failf(request->exchange, 404, "there is no pager \"%s\"%s", name, buf_text(&text));
	buf_fini(&text);
	free(names.at);
}

static void serve_pager_act(struct web_request *request, const char *who)
{
	const struct web_ops *ops = &request->web->ops;
	const char *name = request->param[0], *act = request->param[1];
	struct pager_find find = { .name = name };

	ops->pagers(ops->ctx, find_on_pager, &find);
	if (!find.found && !ops->pager(ops->ctx, name)) {
		fail_no_pager(request, name);
		return;
	}
	if (strcmp(act, "retry") == 0) {
		log_info("a person retries the pages of a pager", LOG_STR("pager", name),
			 LOG_STR("who", who));
		deliver_retry_pager(queue_of(request->web), name);
		queue_act_tell(request, "pager", name, false,
			       deliver_is_paused(queue_of(request->web), name)
				       ? find.entry ? "its entry is paused: resume the entry"
						    : "it is paused: resume it"
				       : "its pages are tried now");
		return;
	}
	const bool pause = strcmp(act, "pause") == 0;
	const bool changed = ops->pause(ops->ctx, name, who, pause);
	BUF_LOCAL(words, LIMIT_PAUSE_WORDS_BYTES);
	incidents_pause_words(ops->incidents(ops->ctx), name, pause, changed, &words);
	queue_act_tell(request, "pager", name, !changed, buf_text(&words));
	buf_fini(&words);
}

void web_serve_pager_act(struct web_request *request)
{
	struct arena *arena = arena_new(LIMIT_ACT_BYTES);
	const char *act = request->param[1], *who;

	if (strcmp(act, "pause") != 0 && strcmp(act, "resume") != 0 && strcmp(act, "retry") != 0)
		web_failf(request->exchange, 404,
			  "there is no act \"%s\": pause, resume and retry can be done to a pager",
			  act);
	else if ((who = queue_who(request, arena)))
		serve_pager_act(request, who);
	arena_free(arena);
}
