/*
 * Web page incident: /incidents/ID for a browser. A GET shows the incident, from memory or from the
 * store, with its story; a POST is its form: it acts once, and leads back to the page.
 */
#include <string.h>

#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#include "web_act-internal.h"
#include "web_incident-internal.h"
#include "web_job-internal.h"
#include "web_page-internal.h"

struct incident_page {
	struct web_job job;
	struct web_page page;
	char id[LIMIT_PATH_PLACE_BYTES], text[LIMIT_ACT_TEXT_BYTES + 1];
	int status;
	struct arena *arena;
	struct page past_page;
	struct incident_view past_view;
	bool is_past;
	struct html_event events[LIMIT_STORY_EVENTS];
	size_t nevents;
};

/* ---- what the store knows ---- */

static bool incident_page_on_past(void *ctx, const struct past_incident *incident)
{
	struct incident_page *page = ctx;
	struct past_incident *kept = arena_alloc(page->arena, sizeof(*kept));

	*kept = *incident;
	kept->id = arena_strdup(page->arena, incident->id);
	kept->team = arena_strdup(page->arena, incident->team);
	kept->page_len = incident->page_len <= LIMIT_PAGE_DOC_BYTES ? incident->page_len : 0;
	kept->page = arena_strndup(page->arena, incident->page, kept->page_len);
	web_past_page(page->arena, kept, &page->past_page);
	page->past_view = web_past_view(kept, &page->past_page);
	page->is_past = true;
	return false;
}

static void incident_page_on_event(void *ctx, const struct stored_event *event)
{
	struct incident_page *page = ctx;

	if (page->nevents == LIMIT_STORY_EVENTS)
		return;
	page->events[page->nevents++] =
		(struct html_event){ .at_us = event->at_us,
				     .event = arena_strdup(page->arena, event->event),
				     .who = arena_strdup(page->arena, event->who),
				     .text = arena_strdup(page->arena, event->text) };
}

static int incident_page_look(struct web_job *job, struct history *history, struct err *err)
{
	struct incident_page *page = (struct incident_page *)job;
	const int result = history_incident(history, page->id, incident_page_on_past, page, err);

	return result < 0 ? result
			  : history_story(history, page->id, incident_page_on_event, page, err);
}

/* ---- the reply ---- */

static void incident_page_write(struct incident_page *page, const struct incident_view *view)
{
	struct html html;

	page->page.frame.title = view->summary;
	html_init(&html, LIMIT_PAGE_HTML_BYTES);
	html_incident_write(
		&html, &page->page.frame,
		&(struct html_incident){ .view = view,
					 .events = page->events,
					 .nevents = page->nevents,
					 .mark = web_page_mark(&page->page, page->job.web),
					 .text = page->text });
	web_page_reply(page->job.exchange, page->status, &html);
}

static bool incident_page_on_view(void *ctx, const struct incident_view *view)
{
	incident_page_write(ctx, view);
	return false;
}

static void incident_page_unknown(struct incident_page *page)
{
	const bool failed = page->job.result < 0;
	struct html html;

	html_init(&html, LIMIT_PAGE_HTML_BYTES);
	page->page.frame.title = failed ? "The store cannot be read now" : "No such incident";
	html_message_write(&html, &page->page.frame,
			   failed ? "Reload this page in a moment."
				  : "It was never here, or it ended so long ago that the store "
				    "has forgotten it.");
	web_page_reply(page->job.exchange, failed ? 503 : 404, &html);
}

/* Memory knows an open incident better than the store does. */
static void incident_page_answer(struct web_job *job)
{
	struct incident_page *page = (struct incident_page *)job;
	const struct web_ops *ops = &job->web->ops;

	if (ops->view(ops->ctx, page->id, incident_page_on_view, page))
		;
	else if (job->result >= 0 && page->is_past)
		incident_page_write(page, &page->past_view);
	else
		incident_page_unknown(page);
	web_job_free(job);
}

static void incident_page_fini(struct web_job *job)
{
	arena_free(((struct incident_page *)job)->arena);
}

static struct incident_page *incident_page_new(struct web_request *request)
{
	struct incident_page *page = web_job_new(sizeof(*page), request->web, request->exchange);

	page->job.look = incident_page_look;
	page->job.answer = incident_page_answer;
	page->job.fini = incident_page_fini;
	page->arena = arena_new(LIMIT_INCIDENTS_BYTES);
	page->status = 200;
	snprintf(page->id, sizeof(page->id), "%s", request->param[0]);
	web_page_begin(&page->page, request, "Incident", HTML_TAB_NONE);
	page->page.frame.live = true;
	return page;
}

/* ---- GET ---- */

/* What was done, by the word in the query: a text of ours, never one from the query. */
static const char *done_words(const char *done)
{
	static const struct {
		const char *word, *text;
	} words[] = {
		{ "acknowledge", "You have it: nobody further is paged." },
		{ "reroute", "Handed on. Below stands who has it now." },
		{ "resolve", "Resolved." },
		{ "comment", "Your comment is kept." },
		{ "useful", "Kept: this page was useful." },
		{ "noise", "Kept: this page was noise." },
		{ "silence", "Silenced for an hour." },
		{ "already", "It was so before; nothing has changed." },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(done, words[i].word) == 0)
			return words[i].text;
	return "";
}

void web_serve_page_incident(struct web_request *request)
{
	char done[32];

	if (!web_query_text(request, "done", done, sizeof(done)))
		return;
	struct incident_page *page = incident_page_new(request);
	snprintf(page->page.notice, sizeof(page->page.notice), "%s", done_words(done));
	web_job_look(&page->job);
}

/* ---- POST ---- */

struct incident_form {
	char act[32], team[LIMIT_PATH_PLACE_BYTES], text[LIMIT_ACT_TEXT_BYTES + 1];
};

/* Shows the incident again, and why nothing was done. */
static void form_not_done(struct incident_page *page, int status, const char *why, const char *text)
{
	page->status = status;
	page->page.frame.refused = true;
	snprintf(page->page.notice, sizeof(page->page.notice), "%s", why);
	snprintf(page->text, sizeof(page->text), "%s", text);
	web_job_look(&page->job);
}

static bool form_on_team(void *ctx, const struct incident_view *view)
{
	const char **team = ctx;

	if (strcmp(*team, view->team) == 0)
		*team = NULL; /* the same */
	return false;
}

/* "Not ours" is said by the team that the form shows: not by one that has handed it on already. */
static bool form_team_changed(const struct web *web, const char *incident, const char *team)
{
	const char *differs = team;

	return web->ops.view(web->ops.ctx, incident, form_on_team, &differs) && differs;
}

static const char *form_why_not(struct web_request *request, struct incident_form *form,
				int *ret_status)
{
	const char *why = web_form_refused(request, ret_status);

	if (why)
		return why;
	*ret_status = 400;
	if (!web_form_field(request, "act", form->act, sizeof(form->act)) ||
	    !web_form_field(request, "from", form->team, sizeof(form->team)) ||
	    !web_form_field(request, "text", form->text, sizeof(form->text)))
		return "Nothing was done: a field is too long, or no text.";
	if (act_of(form->act) < 0)
		return "Nothing was done: the form does not say what to do. Press again.";
	if (act_of(form->act) == ACT_COMMENT && !*form->text)
		return "Nothing was done: a comment needs a text.";
	*ret_status = 409;
	if (act_of(form->act) == ACT_REROUTE &&
	    form_team_changed(request->web, request->param[0], form->team))
		return "Nothing was done: another team has it meanwhile. Look again.";
	return NULL;
}

/* An act of a page, and the page that is shown where it is refused. */
struct page_act {
	struct web_act act;
	struct web_request request; /* its exchange answers; param points into id */
	char id[LIMIT_PATH_PLACE_BYTES], text[LIMIT_ACT_TEXT_BYTES + 1];
};

static void page_tell(struct web_act *act)
{
	struct page_act *one = (struct page_act *)act;
	struct http_exchange *exchange = act->job.exchange;
	const bool kept = act->outcome == WEB_ACT_DONE || act->outcome == WEB_ACT_ALREADY;

	if (kept) {
		const char *id = url_escape(act->arena, one->id);
		const char *done =
			act->outcome == WEB_ACT_DONE ? act_name(act->act.kind) : "already";
		web_page_redirect(exchange,
				  arena_printf(act->arena, "/incidents/%s?done=%s", id, done));
		return;
	}
	form_not_done(incident_page_new(&one->request),
		      act->outcome == WEB_ACT_NOT_KEPT ? 503 : 409,
		      act->outcome == WEB_ACT_NOT_KEPT ? "The store failed to keep it: press again."
						       : buf_text(&act->words),
		      one->text);
}

void web_serve_page_incident_act(struct web_request *request)
{
	struct incident_form form = { .act = "", .text = "" };
	int status;
	const char *why = form_why_not(request, &form, &status);

	if (why) {
		form_not_done(incident_page_new(request), status, why, form.text);
		return;
	}
	struct page_act *one =
		(struct page_act *)web_act_new(sizeof(*one), request->web, request->exchange);
	struct web_act *act = &one->act;
	one->request = *request;
	snprintf(one->id, sizeof(one->id), "%s", request->param[0]);
	snprintf(one->text, sizeof(one->text), "%s", form.text);
	one->request.param[0] = one->id;
	act->tell = page_tell;
	act->act = (struct act){
		.kind = (enum act_kind)act_of(form.act),
		.incident = one->id,
		.who = web_act_who(request, act->arena, ""),
		.via = "web",
		.text = plain_words(act->arena, form.text, false),
		.team = "",
	};
	web_act_start(act);
}
