/*
 * Web page silences: /silences for a browser: those of the rules and those that people made; its
 * form makes one and ends one. What was done leads back to the page once it is on disk.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/silence.h"
#include "tracepager/xalloc.h"

#include "web_job-internal.h"
#include "web_page-internal.h"

struct silence_fields {
	char act[64], matchers[LIMIT_ACT_TEXT_BYTES + 1], suspect[LIMIT_PATH_PLACE_BYTES],
		team[LIMIT_PATH_PLACE_BYTES], duration[16], reason[LIMIT_ACT_TEXT_BYTES + 1],
		tell[4];
};

struct silences_page {
	struct arena *arena;
	struct html_silence_row rows[LIMIT_PAGE_ROWS];
	struct html_silences silences;
};

static bool silences_page_on_silence(void *ctx, const struct incident_silence_view *view)
{
	struct silences_page *page = ctx;
	const struct silence_spec *spec = view->spec;
	struct buf scope = BUF_INIT(LIMIT_WEB_ERROR_BYTES);

	page->silences.more = page->silences.nrows == LIMIT_PAGE_ROWS;
	if (page->silences.more)
		return false;
	silence_spec_scope(spec, &scope);
	page->rows[page->silences.nrows++] = (struct html_silence_row){
		.id = view->of_rules ? "" : spec->id,
		.scope = arena_strdup(page->arena, buf_text(&scope)),
		.state = view->state,
		.author = spec->author,
		.reason = spec->reason,
		.place = view->place,
		.starts_us = spec->starts_us,
		.ends_us = spec->ends_us,
	};
	buf_fini(&scope);
	return true;
}

static void silences_page_show(struct web_request *request, int status, const char *notice,
			       const struct silence_fields *fields)
{
	const struct web_ops *ops = &request->web->ops;
	struct silences_page page = { .arena = arena_new(LIMIT_PAGE_HTML_BYTES) };
	struct web_page frame = { .notice = "" };
	struct html html;

	incidents_each_silence(ops->incidents(ops->ctx), NULL, silences_page_on_silence, &page);
	web_page_begin(&frame, request, "Silences", HTML_TAB_SILENCES);
	snprintf(frame.notice, sizeof(frame.notice), "%s", notice);
	frame.frame.refused = true;
	page.silences.rows = page.rows;
	page.silences.mark = web_page_mark(&frame, request->web);
	page.silences.form = (struct html_silence_form){
		.matchers = fields->matchers,
		.suspect = fields->suspect,
		.team = fields->team,
		.duration = *fields->duration ? fields->duration : "3600",
		.reason = fields->reason,
	};
	html_init(&html, LIMIT_PAGE_HTML_BYTES);
	html_silences_write(&html, &frame.frame, &page.silences);
	web_page_reply(request->exchange, status, &html);
	arena_free(page.arena);
}

void web_serve_page_silences(struct web_request *request)
{
	const struct silence_fields empty = { .act = "" };

	silences_page_show(request, 200, "", &empty);
}

/* ---- POST ---- */

struct silences_form {
	struct web_job job;
};

static void silences_form_answer(struct web_job *job)
{
	if (job->result < 0)
		web_fail(job->exchange, 503,
			 "the store failed to keep it; go back, and press again");
	else
		web_page_redirect(job->exchange, "/silences");
	web_job_free(job);
}

static bool silence_read_fields(struct web_request *request, struct silence_fields *fields)
{
	return web_form_field(request, "act", fields->act, sizeof(fields->act)) &&
	       web_form_field(request, "matchers", fields->matchers, sizeof(fields->matchers)) &&
	       web_form_field(request, "suspect", fields->suspect, sizeof(fields->suspect)) &&
	       web_form_field(request, "team", fields->team, sizeof(fields->team)) &&
	       web_form_field(request, "duration", fields->duration, sizeof(fields->duration)) &&
	       web_form_field(request, "reason", fields->reason, sizeof(fields->reason)) &&
	       web_form_field(request, "tell", fields->tell, sizeof(fields->tell));
}

/* The form as the API takes a silence. Caller frees. */
static char *silence_doc(const struct silence_fields *fields)
{
	json_t *doc = json_object(), *matchers = json_array();

	for (const char *line = fields->matchers; *line;) {
		const size_t len = strcspn(line, "\r\n");
		if (len)
			json_array_append_new(matchers, json_stringn(line, len));
		line += len;
		line += strspn(line, "\r\n");
	}
	json_object_set_new(doc, "matchers", matchers);
	json_object_set_new(doc, "suspect", json_string(fields->suspect));
	json_object_set_new(doc, "team", json_string(fields->team));
	json_object_set_new(doc, "reason", json_string(fields->reason));
	json_object_set_new(doc, "tell", json_boolean(*fields->tell));
	json_object_set_new(doc, "duration_s", json_integer(strtoll(fields->duration, NULL, 10)));
	char *text = json_dumps(doc, JSON_COMPACT);
	json_decref(doc);
	return text;
}

/* NULL: it was done; else why not, in err's words. */
static const char *silence_form_act(struct web_request *request,
				    const struct silence_fields *fields, struct err *err)
{
	const struct web_ops *ops = &request->web->ops;
	struct incidents *incidents = ops->incidents(ops->ctx);
	char id[SILENCE_ID_SIZE];
	int result = 0;

	if (strcmp(fields->act, "add") == 0) {
		CLEANUP_FREE char *doc = silence_doc(fields);
		if (!doc)
			return "Nothing was done: a field is no text.";
		result = incidents_silence_add(incidents, doc, strlen(doc), request->who, id, err);
	} else if (strncmp(fields->act, "end:", 4) == 0) {
		result = incidents_silence_end(incidents, fields->act + 4, request->who, err);
	} else {
		return "Nothing was done: the form does not say what to do.";
	}
	return result < 0 ? err->text : NULL;
}

void web_serve_page_silences_act(struct web_request *request)
{
	struct silence_fields fields = { .act = "" };
	struct err err = { .code = 0 };
	int status;
	const char *why = web_form_refused(request, &status);

	if (!why) {
		status = 400;
		why = silence_read_fields(request, &fields)
			      ? silence_form_act(request, &fields, &err)
			      : "Nothing was done: a field is too long, or no text.";
	}
	if (why) {
		silences_page_show(request, status, why, &fields);
		return;
	}
	struct silences_form *form = web_job_new(sizeof(*form), request->web, request->exchange);
	form->job.answer = silences_form_answer;
	web_job_when_durable(&form->job);
}
