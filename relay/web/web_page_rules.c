/*
 * Web page rules: /rules for a browser: a set of rules as it was loaded. The loop takes a reference
 * of the set and copies the findings of its last load; a thread of the pool writes the page.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/plain.h"
#include "tracepager/rules.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

#include "web_job-internal.h"
#include "web_page-internal.h"
#include "web_what_if-internal.h"

struct rules_page {
	struct web_job job;
	struct web_page page;
	struct arena *arena;
	struct ruleset *rules; /* a reference; NULL: there is no such set */
	char file[LIMIT_PATH_PLACE_BYTES];
	int64_t line; /* that must be shown; 0: the first */
	struct html_rules shown;
	struct html html;
};

/* ---- on a pool thread ---- */

static int by_hits(const void *a, const void *b)
{
	const struct html_rule *x = a, *y = b;

	return x->hits != y->hits ? (x->hits < y->hits) - (x->hits > y->hits)
				  : strcmp(x->place, y->place);
}

/* The line of a place in the file that is shown; 0: it is in another one. */
static int64_t line_in_file(const char *place, const char *file)
{
	const size_t len = strlen(file);

	return strncmp(place, file, len) == 0 && place[len] == ':'
		       ? strtoll(place + len + 1, NULL, 10)
		       : 0;
}

static struct html_rule *gather_rules(struct rules_page *page, const char *file)
{
	struct html_rules *shown = &page->shown;
	struct rule_hit hit;
	size_t n = 0;

	while (rules_hit(page->rules, n, &hit))
		n++;
	struct html_rule *rules = arena_array(page->arena, n + 1, sizeof(*rules));
	for (size_t i = 0; i < n; i++) {
		rules_hit(page->rules, i, &hit);
		rules[i] = (struct html_rule){ .rule = rule_sort_name(hit.sort),
					       .name = hit.name ? hit.name : "",
					       .place = hit.place,
					       .hits = (int64_t)hit.hits,
					       .line = line_in_file(hit.place, file) };
		shown->nunhit += hit.hits == 0;
		shown->routes += hit.sort == RULE_ROUTE;
	}
	if (n)
		qsort(rules, n, sizeof(*rules), by_hits);
	shown->rules = rules;
	shown->nall_rules = n;
	shown->nrules = n < LIMIT_PAGE_ROWS ? n : LIMIT_PAGE_ROWS;
	return rules;
}

/* The text of the file that is asked for, else of the first one; NULL: there is none. */
static const struct rule_text *choose_file(struct rules_page *page)
{
	size_t n;
	const struct rule_text *texts = rules_texts(page->rules, &n), *chosen = n ? texts : NULL;
	const char **files = arena_array(page->arena, n + 1, sizeof(*files));

	for (size_t i = 0; i < n; i++) {
		if (i < LIMIT_SOURCE_FILES)
			files[i] = texts[i].name;
		if (strcmp(texts[i].name, page->file) == 0)
			chosen = &texts[i];
	}
	page->shown.files = files;
	page->shown.nfiles = n < LIMIT_SOURCE_FILES ? n : LIMIT_SOURCE_FILES;
	return chosen;
}

/* The line without what could harm a page, with its indentation. */
static const char *plain_line(struct arena *arena, const char *line)
{
	const size_t indent = strspn(line, " ");

	return arena_printf(arena, "%.*s%s", (int)indent, line,
			    plain_words(arena, line + indent, true));
}

/* Cuts a text into lines: those around the one that is asked for. */
static struct html_source_line *cut_lines(struct rules_page *page, char *text)
{
	struct html_rules *shown = &page->shown;
	struct html_source_line *lines =
		arena_array(page->arena, LIMIT_SOURCE_LINES, sizeof(*lines));
	const int64_t page_of = page->line > 0 ? (page->line - 1) / LIMIT_SOURCE_LINES : 0;
	int64_t number = 0;

	shown->first_line = page_of * LIMIT_SOURCE_LINES + 1;
	for (char *at = text; *at;) {
		char *end = at + strcspn(at, "\n");
		const bool last = !*end;
		number++;
		*end = '\0';
		if (number >= shown->first_line && shown->nlines < LIMIT_SOURCE_LINES)
			lines[shown->nlines++] =
				(struct html_source_line){ .text = plain_line(page->arena, at),
							   .hits = -1 };
		at = last ? end : end + 1;
	}
	shown->all_lines = number;
	shown->lines = lines;
	return lines;
}

static void add_line_hits(const struct html_rules *shown, const struct html_rule *rules,
			  struct html_source_line *lines)
{
	for (size_t i = 0; i < shown->nall_rules; i++) {
		const int64_t at = rules[i].line - shown->first_line;
		if (!rules[i].line || at < 0 || at >= (int64_t)shown->nlines)
			continue;
		if (lines[at].hits < 0)
			lines[at].hits = 0;
		lines[at].hits += rules[i].hits; /* several may stand on one line */
	}
}

static int rules_page_look(struct web_job *job, struct history *history, struct err *err)
{
	struct rules_page *page = (struct rules_page *)job;
	struct html_rules *shown = &page->shown;

	(void)history;
	(void)err;
	shown->file = "";
	if (page->rules) {
		size_t teams, pagers, services, signals;
		const struct rule_text *text = choose_file(page);
		const struct html_rule *rules = gather_rules(page, text ? text->name : "");
		rules_count(page->rules, &teams, &pagers, &services, &signals);
		shown->teams = (int64_t)teams;
		shown->pagers = (int64_t)pagers;
		shown->services = (int64_t)services;
		shown->signals = (int64_t)signals;
		if (text) {
			char *copy = arena_strndup(page->arena, text->text, text->len);
			ydoc_hide_secrets(copy, '*');
			shown->file = text->name;
			add_line_hits(shown, rules, cut_lines(page, copy));
		}
	}
	html_rules_write(&page->html, &page->page.frame, shown);
	arena_free(page->arena);
	page->arena = NULL;
	return 0;
}

/* ---- the reply ---- */

/* The page needs no store: where that cannot be opened, the page is not written yet. */
static void rules_page_answer(struct web_job *job)
{
	struct rules_page *page = (struct rules_page *)job;

	if (job->result < 0)
		rules_page_look(job, NULL, &job->err);
	web_page_reply(job->exchange, page->shown.none ? 404 : 200, &page->html);
	web_job_free(job);
}

static void rules_page_fini(struct web_job *job)
{
	struct rules_page *page = (struct rules_page *)job;

	html_fini(&page->html);
	rules_unref(page->rules);
	arena_free(page->arena);
}

/* What the loop alone may read. */
static void take_status(struct rules_page *page, const struct web *web)
{
	struct html_rules *shown = &page->shown;
	const struct reload *reload =
		web->ops.ruleset(web->ops.ctx, shown->shadow ? RELOAD_SHADOW : RELOAD_LIVE);
	const struct reload *shadow = web->ops.ruleset(web->ops.ctx, RELOAD_SHADOW);

	shown->has_shadow = shadow && reload_rules(shadow);
	shown->none = true;
	if (!reload)
		return;
	const struct reload_view view = reload_look(reload);
	shown->none = !view.rules;
	if (!view.rules)
		return;
	page->rules = rules_ref(view.rules);
	shown->hash = arena_strdup(page->arena, rules_hash(view.rules));
	shown->since_us = view.since_us;
	shown->last_us = view.last_us;
	shown->taken = view.taken;
	shown->watched = view.watched;
	struct findings few = *view.findings; /* borrowed: web_findings() copies no text */
	struct html_finding *findings =
		arena_array(page->arena, LIMIT_PAGE_ROWS + 1, sizeof(*findings));
	few.n = few.n < LIMIT_PAGE_ROWS ? few.n : LIMIT_PAGE_ROWS;
	const struct html_finding *borrowed = web_findings(page->arena, &few);
	for (size_t i = 0; i < few.n; i++) {
		findings[i] = borrowed[i];
		findings[i].file = arena_strdup(page->arena, borrowed[i].file);
		findings[i].text = arena_strdup(page->arena, borrowed[i].text);
		findings[i].source = arena_strdup(page->arena, borrowed[i].source);
		findings[i].hint = arena_strdup(page->arena, borrowed[i].hint);
	}
	shown->findings = findings;
	shown->nfindings = few.n;
}

void web_serve_page_rules(struct web_request *request)
{
	char of[16], line[24];

	if (!web_query_text(request, "of", of, sizeof(of)) ||
	    !web_query_text(request, "line", line, sizeof(line)))
		return;
	struct rules_page *page = web_job_new(sizeof(*page), request->web, request->exchange);
	page->job.look = rules_page_look;
	page->job.answer = rules_page_answer;
	page->job.fini = rules_page_fini;
	page->arena = arena_new(LIMIT_COMMAND_ARENA_BYTES); /* rules are capped */
	html_init(&page->html, LIMIT_PAGE_HTML_BYTES);
	if (!web_query_text(request, "file", page->file, sizeof(page->file))) {
		web_job_free(&page->job);
		return;
	}
	page->line = strtoll(line, NULL, 10);
	page->shown.shadow = strcmp(of, "shadow") == 0;
	web_page_begin(&page->page, request, page->shown.shadow ? "Shadow rules" : "Rules",
		       HTML_TAB_RULES);
	take_status(page, request->web);
	web_job_look(&page->job);
}
