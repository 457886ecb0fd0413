/*
 * Web page past: GET /past: incidents that are over, from the store, which a pool thread reads and
 * searches: words in the headline, the team, the severity.
 */
#include <string.h>
#include <strings.h>

#include "tracepager/xalloc.h"

#include "web_incident-internal.h"
#include "web_job-internal.h"
#include "web_page-internal.h"

struct past_page {
	struct web_job job;
	struct web_page page;
	char text[LIMIT_PATH_PLACE_BYTES], team[LIMIT_PATH_PLACE_BYTES], severity[32];
	char drills[8]; /* "1": incidents of fire drills too */
	/* Where it goes on: behind this one. */
	int64_t after_us;
	char after[LIMIT_PATH_PLACE_BYTES];
	size_t looked;
	bool more, looked_short;
	int64_t last_us;
	char last[LIMIT_PATH_PLACE_BYTES];
	struct arena *arena;
	struct html_incident_row rows[LIMIT_LIST_DEFAULT];
	size_t nrows;
};

static bool past_wants(const struct past_page *page, const struct incident_view *view)
{
	return (!*page->team || strcasecmp(page->team, view->team) == 0) &&
	       (!*page->severity || strcmp(page->severity, severity_name(view->severity)) == 0) &&
	       (!*page->text || strcasestr(view->summary, page->text));
}

/* Where a member of the page begins that is a text; NULL: there is none. Within a text of the page
 * quotes stand behind a backslash, so that no other place looks like a member. */
static const char *past_member(const struct past_incident *incident, const char *member)
{
	const char *at = strstr(incident->page, member);

	return at ? at + strlen(member) : NULL;
}

/* Is the text in the headline? It is looked for where JSON writes its characters as they are;
 * true where only a reader of JSON could tell. */
static bool past_may_say(const struct past_incident *incident, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789 .,:;-_()[]=*#@";
	const char *summary = past_member(incident, "\"summary\":\"");
	char head[1024];

	if (!summary || text[strspn(text, plain)])
		return true;
	const size_t len = strcspn(summary, "\"\\");
	if (summary[len] != '"' || len >= sizeof(head))
		return true;
	memcpy(head, summary, len);
	head[len] = '\0';
	return strcasestr(head, text);
}

/* May this row fit, as far as its text tells without being read as JSON? Reading takes ten times as
 * long, and a search looks at every row. */
static bool past_may_want(const struct past_page *page, const struct past_incident *incident)
{
	if (*page->team && strcasecmp(page->team, incident->team) != 0)
		return false;
	if (synthetic_of_key(incident->key) && strcmp(page->drills, "1") != 0)
		return false;
	if (!incident->page_len)
		return !*page->text;
	if (*page->text && !past_may_say(incident, page->text))
		return false;
	const char *severity = *page->severity ? past_member(incident, "\"severity\":\"") : NULL;
	return !severity || strncmp(severity, page->severity, strlen(page->severity)) == 0;
}

static void past_keep(struct past_page *page, const struct incident_view *view)
{
	page->rows[page->nrows++] =
		(struct html_incident_row){ .id = arena_strdup(page->arena, view->id),
					    .team = arena_strdup(page->arena, view->team),
					    .state = "closed",
					    .summary = arena_strdup(page->arena, view->summary),
					    .acked_by = "",
					    .severity = view->severity,
					    .since_us = view->opened_us,
					    .closed_us = view->closed_us };
}

static bool past_page_on_past(void *ctx, const struct past_incident *incident)
{
	struct past_page *page = ctx;
	struct page of_incident;

	if (page->nrows == LIMIT_LIST_DEFAULT || page->looked == LIMIT_LIST_LOOKED) {
		page->more = true;
		page->looked_short = page->looked == LIMIT_LIST_LOOKED;
		return false;
	}
	page->looked++;
	page->last_us = incident->closed_us;
	snprintf(page->last, sizeof(page->last), "%s", incident->id);
	if (!past_may_want(page, incident))
		return true;
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	web_past_page(arena, incident, &of_incident);
	const struct incident_view view = web_past_view(incident, &of_incident);
	if (past_wants(page, &view))
		past_keep(page, &view);
	arena_free(arena);
	return true;
}

static int past_page_look(struct web_job *job, struct history *history, struct err *err)
{
	struct past_page *page = (struct past_page *)job;

	return history_closed(history, *page->after ? page->after_us : INT64_MAX, page->after,
			      past_page_on_past, page, err);
}

static void past_page_answer(struct web_job *job)
{
	struct past_page *page = (struct past_page *)job;
	struct buf cursor = BUF_INIT(LIMIT_LINK_HEADER_BYTES);
	struct html html;

	if (job->result < 0) {
		web_job_fail(job);
		return;
	}
	if (page->more)
		web_cursor_write(page->last_us, page->last, &cursor);
	html_init(&html, LIMIT_PAGE_HTML_BYTES);
	html_past_write(&html, &page->page.frame,
			&(struct html_past_list){ .rows = page->rows,
						  .nrows = page->nrows,
						  .team = page->team,
						  .severity = page->severity,
						  .text = page->text,
						  .drills = strcmp(page->drills, "1") == 0,
						  .cursor = buf_text(&cursor),
						  .looked_short = page->looked_short });
	buf_fini(&cursor);
	web_page_reply(job->exchange, 200, &html);
	web_job_free(job);
}

static void past_page_fini(struct web_job *job)
{
	arena_free(((struct past_page *)job)->arena);
}

void web_serve_page_past(struct web_request *request)
{
	struct past_page *page = web_job_new(sizeof(*page), request->web, request->exchange);

	page->job.look = past_page_look;
	page->job.answer = past_page_answer;
	page->job.fini = past_page_fini;
	page->arena = arena_new(LIMIT_PAGE_HTML_BYTES);
	if (!web_query_text(request, "text", page->text, sizeof(page->text)) ||
	    !web_query_text(request, "team", page->team, sizeof(page->team)) ||
	    !web_query_text(request, "severity", page->severity, sizeof(page->severity)) ||
	    !web_query_text(request, "drills", page->drills, sizeof(page->drills)) ||
	    !web_query_cursor(request, &page->after_us, page->after, sizeof(page->after))) {
		web_job_free(&page->job);
		return;
	}
	web_page_begin(&page->page, request, "Past incidents", HTML_TAB_PAST);
	web_job_look(&page->job);
}
