/*
 * tracepager queue: lists the pages that wait at a running relay, shows one, and tries or drops
 * them. Owns its client.
 */
#include "commands-internal.h"

#include <stdlib.h>
#include <string.h>

#include "client-internal.h"
#include "options-internal.h"
#include "output-internal.h"
#include "table-internal.h"
#include "usage-internal.h"
#include "tracepager/arena.h"
#include "tracepager/clock.h"
#include "tracepager/findings.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define QUEUE_PATH  "/api/v1/queue"
#define PAGERS_PATH "/api/v1/pagers"

static const char queue_command[] = "queue";

struct queue_run {
	const struct queue_options *options;
	struct client *client;
	struct screen screen;
};

static const char *queue_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

/* "12 min", of a time of RFC 3339; "" where there is none. */
static const char *queue_age_text(const json_t *object, const char *member,
				  char out[AGE_WORDS_SIZE])
{
	const char *text = queue_text(object, member);
	int64_t us = 0;

	if (!*text || rfc3339_parse(text, strlen(text), &us) < 0)
		return "";
	return age_words(clock_wall_us(clock_system()) - us, out);
}

/* ---- list ---- */

static void queue_add_row(struct table *table, const json_t *page)
{
	const char *state = queue_text(page, "state");
	CLEANUP_FREE char *attempts =
		xasprintf("%lld", (long long)json_integer_value(json_object_get(page, "attempts")));
	char age[AGE_WORDS_SIZE];

	table_add(table, SCREEN_PLAIN, queue_text(page, "id"));
	table_add(table, SCREEN_PLAIN, queue_text(page, "pager"));
	/* "page.trigger" */
	const char *event = strchr(queue_text(page, "event"), '.');
	table_add(table, SCREEN_PLAIN, event ? event + 1 : "");
	table_add(table, strcmp(state, "paused") == 0 ? SCREEN_YELLOW : SCREEN_PLAIN, state);
	table_add(table, SCREEN_PLAIN, queue_age_text(page, "created_at", age));
	table_add(table, SCREEN_PLAIN, attempts);
	table_add(table, SCREEN_RED, queue_text(page, "error"));
}

static void queue_write_table(const json_t *pages, const struct screen *screen, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "PAGE", 20 }, { "PAGER", 16 }, { "EVENT", 8 },      { "STATE", 8 },
		{ "AGE", 8 },	{ "TRIES", 6 },	 { "LAST ERROR", 0 },
	};
	struct table table;

	table_init(&table, columns, ARRAY_LEN(columns));
	table.wraps = true; /* the cause stands at the end of an error */
	for (size_t i = 0; i < json_array_size(pages); i++)
		queue_add_row(&table, json_array_get(pages, i));
	table_write(&table, screen, out);
	table_fini(&table);
}

/* The pagers that pages wait for because a person paused them, or because they fail. */
static void queue_write_pagers(const json_t *pagers, const struct screen *screen, struct buf *out)
{
	for (size_t i = 0; i < json_array_size(pagers); i++) {
		const json_t *pager = json_array_get(pagers, i);
		const char *name = queue_text(pager, "name"), *state = queue_text(pager, "state");
		CLEANUP_FREE char *line = NULL;
		if (strcmp(state, "paused") == 0)
			line = xasprintf("pager %s is paused by %s; it goes on with: tracepager "
					 "resume %s",
					 name, queue_text(pager, "paused_by"), name);
		else if (strcmp(state, "failing") == 0)
			line = xasprintf("pager %s fails: one page is tried at a time, the others "
					 "when it answers",
					 name);
		if (line) {
			screen_add_wrapped(screen, SCREEN_YELLOW, line, 0, 2, out);
		}
	}
}

static int queue_fail(struct client_answer *answer)
{
	int status = client_failed(queue_command, answer);

	client_answer_fini(answer);
	return status;
}

static enum client_status queue_get_pages(const struct queue_run *run,
					  struct client_answer *ret_answer)
{
	struct buf query = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);

	client_query_add(&query, "pager", run->options->pager);
	client_query_add(&query, "incident", run->options->incident);
	client_query_add(&query, "limit", "1000");
	enum client_status status =
		client_get_list(run->client, QUEUE_PATH, buf_text(&query), "pages",
				(size_t)run->options->limit, ret_answer);
	buf_fini(&query);
	return status;
}

static int queue_list(const struct queue_run *run)
{
	struct buf text = BUF_INIT(LIMIT_COMMAND_ARENA_BYTES);
	struct client_answer pages, pagers;

	if (queue_get_pages(run, &pages) != CLIENT_DONE)
		return queue_fail(&pages);
	size_t n = json_array_size(pages.json);
	if (run->options->format == REPORT_JSON) {
		for (size_t i = 0; i < n; i++)
			client_print_json(json_array_get(pages.json, i));
		client_answer_fini(&pages);
		return CLIENT_DONE;
	}
	if (client_get(run->client, PAGERS_PATH, &pagers) != CLIENT_DONE) {
		client_answer_fini(&pages);
		return queue_fail(&pagers);
	}
	if (n)
		queue_write_table(pages.json, &run->screen, &text);
	queue_write_pagers(json_object_get(pagers.json, "pagers"), &run->screen, &text);
	output_add_count(&text, "", n, "page waits\n", "pages wait\n");
	screen_print(&run->screen, &text);
	buf_fini(&text);
	client_answer_fini(&pages);
	client_answer_fini(&pagers);
	return CLIENT_DONE;
}

/* ---- one page ---- */

static char *queue_path(const char *base, const char *name, const char *act)
{
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	char *path = xasprintf("%s/%s%s%s", base, url_escape(arena, name), *act ? "/" : "", act);

	arena_free(arena);
	return path;
}

static void queue_write_shown(const json_t *page, const struct screen *screen, struct buf *out)
{
	static const char *const rows[][2] = {
		{ "page", "id" },
		{ "incident", "incident" },
		{ "team", "team" },
		{ "pager", "pager" },
		{ "goes to", "address" },
		{ "event", "event" },
		{ "severity", "severity" },
		{ "state", "state" },
		{ "created", "created_at" },
		{ "next try", "next_try_at" },
		{ "last error", "error" },
		{ "summary", "summary" },
		{ "note", "note" },
		{ "banner", "banner" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *text = queue_text(page, rows[i][1]);
		if (!*text)
			continue;
		buf_printf(out, "%-12s", rows[i][0]);
		screen_add_wrapped(screen, SCREEN_PLAIN, text, 12, 12, out);
	}
	buf_printf(out, "%-12s%lld\n", "tries",
		   (long long)json_integer_value(json_object_get(page, "attempts")));
	if (json_is_false(json_object_get(page, "pager_in_rules"))) {
		CLEANUP_FREE char *line = xasprintf(
			"the rules in force have no pager %s: the page stays queued for the "
			"address that the pager had. Give the pager back its name and reload, or "
			"drop the page: tracepager queue drop %s",
			queue_text(page, "pager"), queue_text(page, "id"));
		screen_add_wrapped(screen, SCREEN_YELLOW, line, 0, 2, out);
	}
}

static int queue_show(const struct queue_run *run, const char *id)
{
	CLEANUP_FREE char *path = queue_path(QUEUE_PATH, id, "");
	struct buf text = BUF_INIT(LIMIT_COMMAND_ARENA_BYTES);
	struct client_answer answer;

	if (client_get(run->client, path, &answer) != CLIENT_DONE)
		return queue_fail(&answer);
	if (run->options->format == REPORT_JSON) {
		client_print_json(answer.json);
	} else {
		queue_write_shown(answer.json, &run->screen, &text);
		screen_print(&run->screen, &text);
	}
	buf_fini(&text);
	client_answer_fini(&answer);
	return CLIENT_DONE;
}

static int queue_act_on(const struct queue_run *run, const char *base, const char *name,
			const char *act)
{
	CLEANUP_FREE char *path = queue_path(base, name, act);
	CLEANUP_FREE char *person = run->options->who ? NULL : client_person();
	json_t *body = json_pack("{s:s}", "who", run->options->who ? run->options->who : person);
	struct client_answer answer;
	int status = CLIENT_DONE;

	if (client_post(run->client, path, body, &answer) != CLIENT_DONE)
		status = client_failed(queue_command, &answer);
	else if (run->options->format == REPORT_JSON)
		client_print_json(answer.json);
	else
		client_print_done(name, queue_text(answer.json, "text"));
	json_decref(body);
	client_answer_fini(&answer);
	return status;
}

/* ---- the command ---- */

static int refuse_queue_action(const char *word)
{
	static const char *const words[] = { "list", "show", "retry", "drop" };
	const char *nearest = nearest_word(word, words, ARRAY_LEN(words));

	return usage_error(queue_command, "\"%s\" is none of list, show, retry and drop%s%s%s",
			   word, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			   nearest ? "\"?" : "");
}

/* Are the pages and the options those that the action takes? 0, or the exit status. */
static int check_queue_action(const struct queue_options *options, const char *action,
			      size_t npages)
{
	bool list = strcmp(action, "list") == 0, show = strcmp(action, "show") == 0,
	     retry = strcmp(action, "retry") == 0;

	if (!list && !show && !retry && strcmp(action, "drop") != 0)
		return refuse_queue_action(action);
	if (list && npages)
		return usage_error(queue_command, "list takes no page; show PAGE shows one");
	if (retry && !npages == !options->pager)
		return usage_error(queue_command,
				   "retry needs a page, or --pager NAME for all of a pager");
	if (!list && !retry && !npages)
		return usage_error(queue_command, "%s needs the number of a page", action);
	if (!list && (options->incident || (options->pager && !retry)))
		return usage_error(queue_command,
				   "--incident is for list only, --pager for list and retry");
	if (options->who && (list || show))
		return usage_error(queue_command, "--who is for retry and drop only");
	return 0;
}

static int queue_do(const struct queue_run *run, const char *action, char *const *pages, size_t n)
{
	int worst = CLIENT_DONE;

	if (strcmp(action, "list") == 0)
		return queue_list(run);
	if (!n)
		return queue_act_on(run, PAGERS_PATH, run->options->pager, action);
	for (size_t i = 0; i < n; i++) {
		int status = strcmp(action, "show") == 0
				     ? queue_show(run, pages[i])
				     : queue_act_on(run, QUEUE_PATH, pages[i], action);
		if (status > worst)
			worst = status;
	}
	return worst;
}

int cmd_queue(int argc, char **argv)
{
	struct queue_options options;
	struct queue_run run = { .options = &options };
	int status;

	if (!options_parse_queue(argc, argv, &options, &status))
		return status;
	const char *action = options.arguments.n ? options.arguments.at[0] : "list";
	size_t npages = options.arguments.n ? options.arguments.n - 1 : 0;
	if ((status = check_queue_action(&options, action, npages)))
		return status;
	if (!(run.client = client_open(queue_command, &options.client, &status)))
		return status;
	screen_look(&run.screen);
	status = queue_do(&run, action, options.arguments.at + 1, npages);
	client_close(run.client);
	return status;
}
