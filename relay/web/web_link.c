/*
 * Web link: /i/ID, which a page's link opens. A GET shows the incident, and acts never: previews,
 * mail scanners and prefetching browsers open every link. A POST acts if the form was shown by this
 * process, behind this link, within the hour, and was not sent before; and if no page of another
 * site sent it. Tokens stand in the query and in the body, which nothing logs.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/html_pages.h"
#include "tracepager/sign.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_act-internal.h"
#include "web_incident-internal.h"
#include "web_page-internal.h"

#define TOKEN_SIZE  512
#define MARK_SIZE   128
#define NONCE_BYTES 16

/* What a request to a link says, and what is shown for it. */
struct link_request {
	char incident[LIMIT_PATH_PLACE_BYTES];
	char token[TOKEN_SIZE], pager[LIMIT_LINK_PAGER_BYTES + 1];
	char notice[LIMIT_ACT_WORDS_BYTES];
	char who[LIMIT_PERSON_BYTES + 1], text[LIMIT_ACT_TEXT_BYTES + 1];
	bool refused;
	int status;
};

/* ---- replies ---- */

/* The headers of every answer; nonce becomes that of the style. */
static void link_set_headers(struct http_exchange *exchange, char nonce[2 * NONCE_BYTES + 1])
{
	CLEANUP_FREE char *policy = NULL;

	random_hex(nonce, NONCE_BYTES);
	policy = xasprintf("default-src 'none'; style-src 'nonce-%s'; form-action 'self'; "
			   "base-uri 'none'; frame-ancestors 'none'",
			   nonce);
	http_exchange_set(exchange, "Content-Security-Policy", policy);
	http_exchange_set(exchange, "Referrer-Policy", "no-referrer");
	http_exchange_set(exchange, "X-Frame-Options", "DENY");
	http_exchange_set(exchange, "X-Robots-Tag", "noindex, nofollow");
}

static void link_reply(struct http_exchange *exchange, int status, struct html *page)
{
	size_t len;
	const char *text = html_markup(page, &len);

	http_exchange_reply(exchange, status, "text/html; charset=utf-8", text, len,
			    status == 503 ? LIMIT_WEB_RETRY_AFTER_S : 0);
	html_fini(page);
}

static void link_refuse(struct http_exchange *exchange, int status, const char *title,
			const char *text)
{
	struct html page;
	char nonce[2 * NONCE_BYTES + 1];

	html_init(&page, LIMIT_LINK_PAGE_BYTES);
	link_set_headers(exchange, nonce);
	link_message_write(&page, nonce, title, text);
	link_reply(exchange, status, &page);
}

static void link_show(const struct web *web, struct http_exchange *exchange,
		      const struct link_request *link, const struct incident_view *view)
{
	struct buf mark = BUF_INIT(MARK_SIZE);
	char nonce[2 * NONCE_BYTES + 1];
	struct html page;
	size_t len;

	html_init(&page, LIMIT_LINK_PAGE_BYTES);
	link_set_headers(exchange, nonce);
	links_form_write(web->links, link->token, &mark);
	link_page_write(&page, &(struct link_page){ .view = view,
						    .incident = link->incident,
						    .token = link->token,
						    .mark = buf_text(&mark),
						    .nonce = nonce,
						    .pager = link->pager,
						    .notice = link->notice,
						    .refused = link->refused,
						    .who = link->who,
						    .text = link->text,
						    .now_us = clock_wall_us(web->clock) });
	buf_fini(&mark);
	if (!html_markup(&page, &len)) {
		html_fini(&page);
		link_refuse(exchange, 500, "This incident cannot be shown",
			    "Its page is larger than 4 MiB. Use: tracepager incidents show");
		return;
	}
	link_reply(exchange, link->status, &page);
}

/* ---- from memory, or from the store ---- */

static bool link_is_past(const struct web *web, int64_t closed_us)
{
	return closed_us && clock_wall_us(web->clock) >= closed_us + LIMIT_ACT_LINK_AFTER_US;
}

static void link_gone(struct http_exchange *exchange)
{
	link_refuse(exchange, 410, "This incident is over",
		    "Its links ended a day after it. The API and \"tracepager incidents show\" "
		    "still know it.");
}

struct link_showing {
	struct web_job job;
	struct link_request link;
	struct arena *arena;
	struct page page;
	struct incident_view view;
	bool found;
};

struct link_on_view {
	const struct web *web;
	struct http_exchange *exchange;
	const struct link_request *link;
};

static bool link_show_view(void *ctx, const struct incident_view *view)
{
	const struct link_on_view *on = ctx;

	if (link_is_past(on->web, view->closed_us))
		link_gone(on->exchange);
	else
		link_show(on->web, on->exchange, on->link, view);
	return false;
}

static bool link_on_past(void *ctx, const struct past_incident *incident)
{
	struct link_showing *showing = ctx;
	struct past_incident *kept = arena_alloc(showing->arena, sizeof(*kept));

	*kept = *incident;
	kept->id = arena_strdup(showing->arena, incident->id);
	kept->team = arena_strdup(showing->arena, incident->team);
	kept->page_len = incident->page_len <= LIMIT_PAGE_DOC_BYTES ? incident->page_len : 0;
	kept->page = arena_strndup(showing->arena, incident->page, kept->page_len);
	web_past_page(showing->arena, kept, &showing->page);
	showing->view = web_past_view(kept, &showing->page);
	showing->found = true;
	return false;
}

static int link_look(struct web_job *job, struct history *history, struct err *err)
{
	struct link_showing *showing = (struct link_showing *)job;

	return history_incident(history, showing->link.incident, link_on_past, showing, err);
}

static void link_on_looked(struct web_job *job)
{
	struct link_showing *showing = (struct link_showing *)job;

	if (job->result < 0)
		link_refuse(job->exchange, 503, "The store cannot be read now",
			    "Reload this page in a moment.");
	else if (!showing->found || link_is_past(job->web, showing->view.closed_us))
		link_gone(job->exchange);
	else
		link_show(job->web, job->exchange, &showing->link, &showing->view);
	web_job_free(job);
}

static void link_showing_fini(struct web_job *job)
{
	arena_free(((struct link_showing *)job)->arena);
}

/* Replies with the incident, or that it is gone. */
static void link_answer(struct web *web, struct http_exchange *exchange,
			const struct link_request *link)
{
	struct link_on_view on = { .web = web, .exchange = exchange, .link = link };

	if (web->ops.view(web->ops.ctx, link->incident, link_show_view, &on))
		return;
	struct link_showing *showing = web_job_new(sizeof(*showing), web, exchange);
	showing->job.look = link_look;
	showing->job.answer = link_on_looked;
	showing->job.fini = link_showing_fini;
	showing->link = *link;
	showing->arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	web_job_look(&showing->job);
}

/* ---- GET ---- */

/* Is the link good? False: the request was answered. found: of its token. */
static bool link_check(const struct web *web, struct http_exchange *exchange,
		       struct link_request *link, enum web_found found)
{
	enum link_verdict verdict = LINK_FORGED;

	if (found == WEB_FOUND_ONE)
		verdict = links_read(web->links, link->token, link->incident, link->pager);
	if (verdict == LINK_GOOD)
		return true;
	intake_log_refusal(web->intake, INTAKE_REFUSAL_LINK, exchange, NULL);
	if (verdict == LINK_EXPIRED)
		link_refuse(exchange, 403, "This link has expired",
			    "Links are good for 30 days. Open the link of a newer page, or use: "
			    "tracepager incidents");
	else
		link_refuse(exchange, 403, "This link is not valid",
			    "It may have been cut: open it from the page again, whole. If the page "
			    "is older than the relay's key, open the link of a newer page, or use: "
			    "tracepager incidents");
	return false;
}

/* What was done, by the word in the query: a text of ours, never one from the query. */
static void link_set_done(struct link_request *link, const char *done)
{
	static const struct {
		const char *word, *text;
	} words[] = {
		{ "acknowledge", "Kept: you have it, and nobody further is paged." },
		{ "reroute", "Handed on. The page below shows who has it now." },
		{ "resolve", "Resolved." },
		{ "comment", "Your comment is kept." },
		{ "useful", "Kept: this page was useful." },
		{ "noise", "Kept: this page was noise." },
		{ "silence", "Silenced for an hour. The page below shows until when." },
		{ "already", "It was so before; nothing has changed." },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(done, words[i].word) == 0)
			snprintf(link->notice, sizeof(link->notice), "%s", words[i].text);
}

void web_serve_link(struct web_request *request)
{
	struct link_request link = { .status = 200 };
	const char *query = http_exchange_query(request->exchange);
	char done[32];

	snprintf(link.incident, sizeof(link.incident), "%s", request->param[0]);
	const enum web_found found =
		web_form_value(query, strlen(query), "t", link.token, sizeof(link.token));
	if (!link_check(request->web, request->exchange, &link, found))
		return;
	web_form_value(query, strlen(query), "done", done, sizeof(done));
	link_set_done(&link, done);
	link_answer(request->web, request->exchange, &link);
}

/* ---- POST ---- */

struct link_act {
	struct web_act act;
	struct link_request link;
};

static void link_tell(struct web_act *act)
{
	struct link_act *one = (struct link_act *)act;
	struct link_request *link = &one->link;
	struct http_exchange *exchange = act->job.exchange;
	char nonce[2 * NONCE_BYTES + 1];

	if (act->outcome == WEB_ACT_DONE || act->outcome == WEB_ACT_ALREADY) {
		CLEANUP_FREE char *location = xasprintf(
			"?t=%s&done=%s", link->token,
			act->outcome == WEB_ACT_DONE ? act_name(act->act.kind) : "already");
		link_set_headers(exchange, nonce);
		http_exchange_set(exchange, "Location", location);
		http_exchange_reply(exchange, 303, "text/plain; charset=utf-8", "", 0, 0);
		return;
	}
	link->refused = true;
	link->status = act->outcome == WEB_ACT_NOT_KEPT ? 503 : 409;
	snprintf(link->notice, sizeof(link->notice), "%s",
		 act->outcome == WEB_ACT_NOT_KEPT ? "The store failed to keep it: press again."
						  : buf_text(&act->words));
	link_answer(act->job.web, exchange, link);
}

/* Replies with the page and why nothing was done. */
static void link_not_done(struct web *web, struct http_exchange *exchange,
			  struct link_request *link, int status, const char *why)
{
	link->refused = true;
	link->status = status;
	snprintf(link->notice, sizeof(link->notice), "%s", why);
	link_answer(web, exchange, link);
}

struct link_form {
	char mark[MARK_SIZE], act[32], team[LIMIT_PATH_PLACE_BYTES];
};

/* The fields beside the token. False: one is given twice or does not fit. */
static bool link_read_form(const char *body, size_t len, struct link_request *link,
			   struct link_form *form)
{
	return web_form_value(body, len, "n", form->mark, sizeof(form->mark)) == WEB_FOUND_ONE &&
	       web_form_value(body, len, "act", form->act, sizeof(form->act)) == WEB_FOUND_ONE &&
	       web_form_value(body, len, "from", form->team, sizeof(form->team)) != WEB_FOUND_BAD &&
	       web_form_value(body, len, "who", link->who, sizeof(link->who)) != WEB_FOUND_BAD &&
	       web_form_value(body, len, "text", link->text, sizeof(link->text)) != WEB_FOUND_BAD;
}

static bool link_on_team(void *ctx, const struct incident_view *view)
{
	const char **team = ctx;

	/* Same: NULL. */
	if (strcmp(*team, view->team) == 0)
		*team = NULL;
	return false;
}

/* "Not ours" is said by the team that the form shows: not by one that has handed it on already. */
static bool link_team_changed(const struct web *web, const struct link_request *link,
			      const char *team)
{
	const char *differs = team;

	return web->ops.view(web->ops.ctx, link->incident, link_on_team, &differs) && differs;
}

/* NULL: the form may act. */
static const char *link_why_not(const struct web *web, const struct link_request *link,
				const struct link_form *form)
{
	if (act_of(form->act) < 0)
		return "Nothing was done: the form does not say what to do. Press again.";
	switch (links_form_take(web->links, link->token, form->mark)) {
	case LINKS_FORM_GOOD:
		break;
	case LINKS_FORM_USED:
		return "This form was sent before: what it did is done. Press again if you mean "
		       "it again.";
	case LINKS_FORM_OLD:
	case LINKS_FORM_FORGED:
		return "Nothing was done: this page was opened too long ago, or before the relay "
		       "started. Press again.";
	}
	if (act_of(form->act) == ACT_REROUTE && link_team_changed(web, link, form->team))
		return "Nothing was done: another team has it meanwhile. Look again.";
	return NULL;
}

static void link_act(struct web *web, struct http_exchange *exchange,
		     const struct link_request *link, const struct link_form *form)
{
	struct link_act *one = (struct link_act *)web_act_new(sizeof(*one), web, exchange);
	struct web_act *act = &one->act;
	const char *name = plain_words(act->arena, link->who, true);

	one->link = *link;
	act->tell = link_tell;
	act->ended_us = clock_wall_us(web->clock) - LIMIT_ACT_LINK_AFTER_US;
	act->act = (struct act){
		.kind = (enum act_kind)act_of(form->act),
		.incident = arena_strdup(act->arena, link->incident),
		.who = *name ? arena_printf(act->arena, "%s (page sent to %s)", name, link->pager)
			     : arena_printf(act->arena, "someone with the page sent to %s",
					    link->pager),
		.via = "link",
		.pager = link->pager[0] ? arena_strdup(act->arena, link->pager) : NULL,
		.text = plain_words(act->arena, link->text, false),
		.team = "",
	};
	web_act_start(act);
}

void web_serve_link_act(struct web_request *request)
{
	struct web *web = request->web;
	struct http_exchange *exchange = request->exchange;
	struct link_request link = { .status = 200 };
	struct link_form form;
	size_t len;
	const char *body = http_exchange_body(exchange, &len), *why;

	snprintf(link.incident, sizeof(link.incident), "%s", request->param[0]);
	if (web_form_is_foreign(web, exchange)) {
		intake_log_refusal(web->intake, INTAKE_REFUSAL_SITE, exchange,
				   http_exchange_header(exchange, "Origin"));
		link_refuse(exchange, 403, "Nothing was done",
			    "A page of another site sent this form. Open the link from the page.");
		return;
	}
	if (len > LIMIT_WEB_BODY_BYTES || !web_is_form(exchange)) {
		link_refuse(exchange, len > LIMIT_WEB_BODY_BYTES ? 413 : 400, "Nothing was done",
			    "This is no form of this server. Open the link from the page.");
		return;
	}
	if (!link_check(web, exchange, &link,
			web_form_value(body, len, "t", link.token, sizeof(link.token))))
		return;
	if (!link_read_form(body, len, &link, &form))
		link_not_done(web, exchange, &link, 400,
			      "Nothing was done: a field is missing, too long, or no text.");
	else if ((why = link_why_not(web, &link, &form)))
		link_not_done(web, exchange, &link, 409, why);
	else
		link_act(web, exchange, &link, &form);
}
