/*
 * Web page incident: /incidents/ID for a browser. A GET shows the incident, from memory or from the
 * store, with its story; a POST is its form: it acts once, and leads back to the page.
 */
#include <string.h>

#include "tracepager/pack.h"
#include "tracepager/past.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#include "web_act-internal.h"
#include "web_incident-internal.h"
#include "web_job-internal.h"
#include "web_notes-internal.h"
#include "web_page-internal.h"
#include "web_trace-internal.h"

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
	struct web_notes notes;
	struct html_note shown_notes[LIMIT_NOTES];
	/* Of the decision, and its traces: which one is shown, and the span that is looked at. */
	char trace_id[LIMIT_PATH_PLACE_BYTES], span_id[LIMIT_PATH_PLACE_BYTES];
	struct past past;
	struct opened opened;
	json_t *decision, *alert_list;
	struct html_verdict verdict;
	struct html_trace trace;
	bool has_verdict, has_trace;
	const char *no_trace;
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

/* "by the API: looking at it" */
static const char *incident_page_words(struct arena *arena, const struct stored_event *event)
{
	const char *said, *way = act_way(event->event, web_event_words(arena, event), &said);

	return way ? arena_printf(arena, "%s%s%s", way, *said ? ": " : "", said) : said;
}

static void incident_page_on_event(void *ctx, const struct stored_event *event)
{
	struct incident_page *page = ctx;

	if (page->nevents == LIMIT_STORY_EVENTS)
		return;
	web_notes_add(&page->notes, event);
	page->events[page->nevents++] =
		(struct html_event){ .at_us = event->at_us,
				     .event = arena_strdup(page->arena, event->event),
				     .who = arena_strdup(page->arena, event->who),
				     .text = incident_page_words(page->arena, event) };
}

/* ---- the decision and its traces, read and drawn on a pool thread ---- */

static json_t *decision_json(const struct past *past)
{
	struct buf doc = BUF_INIT(LIMIT_INCIDENTS_BYTES);
	struct err err;
	json_t *decision = NULL;

	if (pack_open(past->decision.data, past->decision.len, &doc, &err) == 0)
		decision = json_loadb(buf_text(&doc), doc.len, 0, NULL);
	buf_fini(&doc);
	return decision;
}

/* The trace that is asked for, else the first one with a path; NULL: it is not stored. */
static const struct trace *chosen_trace(const struct incident_page *page, const char *id)
{
	const struct opened *opened = &page->opened;

	for (size_t i = 0; i < opened->ntraces; i++)
		if (strcmp(trace_text(opened->traces[i], opened->traces[i]->id), id) == 0)
			return opened->traces[i];
	return NULL;
}

static void look_at_traces(struct incident_page *page)
{
	const char *const *ids, *const *path;
	const size_t n = web_decision_traces(page->arena, page->decision, &ids);
	struct err err;

	if (!n)
		return;
	if (page->past.kept == STORED_TRACES_LOST) {
		page->no_trace = "The traces of this decision are no longer stored.";
		return;
	}
	if (opened_init(&page->opened, &page->past, NULL, &err) < 0) {
		page->no_trace = "The stored traces cannot be read.";
		return;
	}
	const char *id = *page->trace_id ? page->trace_id : ids[0];
	const struct trace *trace = chosen_trace(page, id);
	if (!trace) {
		page->no_trace = "The decision has no such trace.";
		return;
	}
	const size_t npath = web_decision_path(page->arena, page->decision, id, &path);
	web_trace_rows(page->arena, trace, path, npath, page->span_id, &page->trace);
	page->trace.paths_only = page->past.kept == STORED_TRACES_PATHS;
	page->trace.others = ids;
	page->trace.nothers = n;
	page->has_trace = true;
}

static int look_at_decision(struct incident_page *page, struct history *history, struct err *err)
{
	const int result = history_find(history, page->id, &page->past, err);

	if (result <= 0)
		return result;
	page->decision = decision_json(&page->past);
	page->has_verdict = page->decision != NULL;
	if (page->has_verdict) {
		web_decision_verdict(page->arena, page->decision, &page->verdict);
		look_at_traces(page);
	}
	return 0;
}

static int incident_page_look(struct web_job *job, struct history *history, struct err *err)
{
	struct incident_page *page = (struct incident_page *)job;
	int result = history_incident(history, page->id, incident_page_on_past, page, err);

	if (result >= 0)
		result = history_story(history, page->id, incident_page_on_event, page, err);
	return result < 0 ? result : look_at_decision(page, history, err);
}

/* ---- the reply ---- */

static void incident_page_tell_notes(struct incident_page *page, struct html_incident *incident)
{
	for (size_t i = 0; i < page->notes.n; i++) {
		const struct web_note *note = &page->notes.at[i];
		page->shown_notes[i] =
			(struct html_note){ .title = note->title,
					    .text = note->text,
					    .href = note->href,
					    .author = *note->author ? note->author : note->who,
					    .at_us = note->at_us };
	}
	incident->notes = page->shown_notes;
	incident->nnotes = page->notes.n;
}

static void incident_page_write(struct incident_page *page, const struct incident_view *view)
{
	const char *list = view->page->alert_list;
	struct html_incident incident = {
		.view = view,
		.events = page->events,
		.nevents = page->nevents,
		.verdict = page->has_verdict ? &page->verdict : NULL,
		.trace = page->has_trace ? &page->trace : NULL,
		.no_trace = page->no_trace,
		.mark = web_page_mark(&page->page, page->job.web),
		.text = page->text,
	};
	struct html html;

	page->alert_list = list ? json_loads(list, 0, NULL) : NULL;
	incident.nalerts = web_page_alerts(page->arena, page->alert_list, &incident.alerts);
	incident_page_tell_notes(page, &incident);
	page->page.frame.title = view->summary;
	html_init(&html, LIMIT_PAGE_HTML_BYTES);
	html_incident_write(&html, &page->page.frame, &incident);
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
	struct incident_page *page = (struct incident_page *)job;

	json_decref(page->alert_list);
	json_decref(page->decision);
	opened_fini(&page->opened);
	past_fini(&page->past);
	arena_free(page->notes.arena);
	arena_free(page->arena);
}

static struct incident_page *incident_page_new(struct web_request *request)
{
	struct incident_page *page = web_job_new(sizeof(*page), request->web, request->exchange);

	page->job.look = incident_page_look;
	page->job.answer = incident_page_answer;
	page->job.fini = incident_page_fini;
	page->arena = arena_new(LIMIT_INCIDENTS_BYTES);
	page->notes.arena = arena_new(LIMIT_NOTES_ARENA_BYTES);
	page->status = 200;
	snprintf(page->id, sizeof(page->id), "%s", request->param[0]);
	web_page_begin(&page->page, request, "Incident", HTML_TAB_NONE);
	web_page_follow(&page->page, request->web);
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
	struct incident_page *page = incident_page_new(request);
	char done[32];

	if (!web_query_text(request, "done", done, sizeof(done)) ||
	    !web_query_text(request, "trace", page->trace_id, sizeof(page->trace_id)) ||
	    !web_query_text(request, "span", page->span_id, sizeof(page->span_id))) {
		web_job_free(&page->job);
		return;
	}
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
