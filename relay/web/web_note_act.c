/*
 * Web note act: /api/v1/incidents/{id}/notes/{name}: a note from outside on an incident is read,
 * put or taken away. What the incident has is read from its story; what was done is told when it is
 * on disk.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/html.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_act-internal.h"
#include "web_notes-internal.h"

struct note_act {
	struct web_job job;
	enum http_verb verb;
	char id[LIMIT_PATH_PLACE_BYTES];
	struct arena *arena;
	struct web_note note;	/* PUT: the new one; else its name */
	struct web_notes notes; /* that the incident has */
	bool found;		/* the incident */
	int status;		/* of the reply, once it is on disk */
};

/* ---- what the store has ---- */

static bool note_on_incident(void *ctx, const struct past_incident *incident)
{
	(void)ctx;
	(void)incident;
	return false;
}

static void note_on_event(void *ctx, const struct stored_event *event)
{
	web_notes_add(ctx, event);
}

static int note_look(struct web_job *job, struct history *history, struct err *err)
{
	struct note_act *act = (struct note_act *)job;
	const int result = history_incident(history, act->id, note_on_incident, act, err);

	act->found |= result > 0;
	return result <= 0 ? result
			   : history_story(history, act->id, note_on_event, &act->notes, err);
}

/* One that has just been opened is known before the store has it. */
static bool note_on_view(void *ctx, const struct incident_view *view)
{
	(void)ctx;
	(void)view;
	return false;
}

/* ---- the reply ---- */

static void note_reply(struct note_act *act, int status, const struct web_note *note)
{
	struct buf out = BUF_INIT(LIMIT_INCIDENTS_BYTES);

	if (status == 204) {
		http_exchange_reply(act->job.exchange, 204, NULL, "", 0, 0);
		return;
	}
	web_note_write_json(note, &out);
	buf_putc(&out, '\n');
	web_reply_json(act->job.exchange, status, buf_text(&out));
	buf_fini(&out);
}

static void note_on_durable(struct web_job *job)
{
	struct note_act *act = (struct note_act *)job;

	if (job->result < 0)
		web_fail(job->exchange, 503, "the store failed to keep it; ask again");
	else
		note_reply(act, act->status, &act->note);
	web_job_free(job);
}

static bool note_is_same(const struct web_note *a, const struct web_note *b)
{
	return strcmp(a->title, b->title) == 0 && strcmp(a->text, b->text) == 0 &&
	       strcmp(a->href, b->href) == 0 && strcmp(a->author, b->author) == 0;
}

static void note_keep(struct note_act *act, int status)
{
	const struct web_ops *ops = &act->job.web->ops;
	struct buf text = BUF_INIT(LIMIT_WEB_BODY_BYTES);
	const bool put = status != 204;

	if (put)
		web_note_write_event(&act->note, &text);
	else
		buf_puts(&text, act->note.name);
	act->note.at_us = clock_wall_us(act->job.web->clock);
	act->status = status;
	incidents_attach(ops->incidents(ops->ctx), act->id, act->note.who, buf_text(&text), put);
	buf_fini(&text);
	act->job.answer = note_on_durable;
	web_job_when_durable(&act->job);
}

static void note_on_looked(struct web_job *job)
{
	struct note_act *act = (struct note_act *)job;
	const struct web_note *has = web_notes_find(&act->notes, act->note.name);

	if (job->result < 0) {
		web_job_fail(job);
		return;
	}
	if (!act->found)
		web_failf(job->exchange, 404, "there is no incident \"%s\"", act->id);
	else if (act->verb != HTTP_VERB_PUT && !has)
		web_failf(job->exchange, 404, "this incident has no note \"%s\"", act->note.name);
	else if (act->verb == HTTP_VERB_GET ||
		 (act->verb == HTTP_VERB_PUT && has && note_is_same(has, &act->note)))
		note_reply(act, 200, has);
	else if (!has && act->notes.n == LIMIT_NOTES)
		web_failf(job->exchange, 409,
			  "this incident has %u notes, which is the most: replace or delete one",
			  LIMIT_NOTES);
	else {
		note_keep(act, act->verb == HTTP_VERB_DELETE ? 204 : has ? 200 : 201);
		return;
	}
	web_job_free(job);
}

/* ---- the request ---- */

static bool note_member(struct web_request *request, const json_t *body, const char *name,
			size_t most, bool one_line, struct arena *arena, const char **ret_text)
{
	if (!web_member_text_most(request, body, name, most, ret_text))
		return false;
	*ret_text = plain_words(arena, *ret_text, one_line);
	return true;
}

static bool note_read(struct web_request *request, const json_t *body, struct note_act *act)
{
	struct web_note *note = &act->note;

	if (!note_member(request, body, "title", LIMIT_NOTE_TITLE_BYTES, true, act->arena,
			 &note->title) ||
	    !note_member(request, body, "text", LIMIT_NOTE_TEXT_BYTES, false, act->arena,
			 &note->text) ||
	    !note_member(request, body, "href", LIMIT_ACT_TEXT_BYTES, true, act->arena,
			 &note->href) ||
	    !note_member(request, body, "author", LIMIT_PERSON_BYTES, true, act->arena,
			 &note->author))
		return false;
	if (!*note->title)
		web_fail(request->exchange, 400, "a note needs a title: {\"title\": \"…\"}");
	else if (*note->href && !html_is_address(note->href))
		web_fail(request->exchange, 400, "href must begin with https:// or http://");
	else
		return true;
	return false;
}

static void note_act_fini(struct web_job *job)
{
	arena_free(((struct note_act *)job)->arena);
}

void web_serve_note(struct web_request *request)
{
	const enum http_verb verb = http_exchange_verb(request->exchange);
	const struct web_ops *ops = &request->web->ops;
	json_t *body = NULL;

	if (!web_note_name_fits(request->param[1])) {
		web_failf(request->exchange, verb == HTTP_VERB_PUT ? 400 : 404,
			  "a note's name has 1 to %u letters, digits, dots, hyphens and underlines",
			  LIMIT_NOTE_NAME_BYTES);
		return;
	}
	if (verb == HTTP_VERB_PUT && !web_body_object(request, &body))
		return;
	struct note_act *act = web_job_new(sizeof(*act), request->web, request->exchange);
	act->job.look = note_look;
	act->job.answer = note_on_looked;
	act->job.fini = note_act_fini;
	act->arena = arena_new(LIMIT_NOTES_ARENA_BYTES);
	act->notes.arena = act->arena;
	act->verb = verb;
	snprintf(act->id, sizeof(act->id), "%s", request->param[0]);
	act->found = ops->view(ops->ctx, act->id, note_on_view, NULL);
	act->note.name = arena_strdup(act->arena, request->param[1]);
	act->note.who = request->who;
	if (verb != HTTP_VERB_PUT || note_read(request, body, act))
		web_job_look(&act->job);
	else
		web_job_free(&act->job);
	json_decref(body);
}
