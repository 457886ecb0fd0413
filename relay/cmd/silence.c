/*
 * tracepager silence: lists the silences of a running relay, makes one, moves its end, ends it.
 * Owns its client.
 */
#include "commands-internal.h"

#include <stdio.h>
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

#define SILENCES_PATH "/api/v1/silences"

static const char silence_command[] = "silence";

struct silence_run {
	const struct silence_options *options;
	struct client *client;
	struct screen screen;
};

static const char *silence_text(const json_t *silence, const char *member)
{
	const char *text = json_string_value(json_object_get(silence, member));

	return text ? text : "";
}

static int silence_fail(struct client_answer *answer)
{
	int status = client_failed(silence_command, answer);

	client_answer_fini(answer);
	return status;
}

/* ---- list ---- */

/* "in 58 min", "12 min ago"; "" where there is no such time. */
static void silence_when(const json_t *silence, const char *member, char *out, size_t size)
{
	const char *text = silence_text(silence, member);
	char age[AGE_WORDS_SIZE];
	int64_t us;

	*out = '\0';
	if (!*text || rfc3339_parse(text, strlen(text), &us) < 0)
		return;
	int64_t left_us = us - clock_wall_us(clock_system());
	snprintf(out, size, left_us > 0 ? "in %s" : "%s ago",
		 age_words(left_us > 0 ? left_us : -left_us, age));
}

/* `alertname=DiskFull, suspect ledger*, team shop — move of db1`. */
static void silence_add_scope(const json_t *silence, struct buf *out)
{
	const json_t *matchers = json_object_get(silence, "matchers");
	const char *suspect = silence_text(silence, "suspect"),
		   *team = silence_text(silence, "team");
	size_t before = out->len;

	for (size_t i = 0; i < json_array_size(matchers); i++) {
		const char *matcher = json_string_value(json_array_get(matchers, i));
		buf_printf(out, "%s%s", i ? ", " : "", matcher ? matcher : "");
	}
	if (*suspect)
		buf_printf(out, "%ssuspect %s", out->len > before ? ", " : "", suspect);
	if (*team)
		buf_printf(out, "%steam %s", out->len > before ? ", " : "", team);
	if (out->len == before)
		buf_puts(out, "every alert");
	buf_printf(out, " — %s", silence_text(silence, "reason"));
}

static void silence_add_row(struct table *table, const json_t *silence)
{
	const char *state = silence_text(silence, "state"), *id = silence_text(silence, "id");
	struct buf scope = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);
	char when[AGE_WORDS_SIZE + 16];

	table_add(table, SCREEN_PLAIN, *id ? id : silence_text(silence, "place"));
	table_add(table, strcmp(state, "active") == 0 ? SCREEN_YELLOW : SCREEN_PLAIN, state);
	silence_when(silence, strcmp(state, "pending") == 0 ? "starts_at" : "ends_at", when,
		     sizeof(when));
	table_add(table, SCREEN_PLAIN, when);
	table_add(table, SCREEN_PLAIN, silence_text(silence, "author"));
	silence_add_scope(silence, &scope);
	table_add(table, SCREEN_PLAIN, buf_text(&scope));
	buf_fini(&scope);
}

/* Adds the silences in that state to *list. */
static int silences_get(const struct silence_run *run, const char *state, json_t *list)
{
	struct buf query = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);
	struct client_answer answer;
	int status = CLIENT_DONE;

	client_query_add(&query, "state", state);
	client_query_add(&query, "limit", "1000");
	if (client_get_list(run->client, SILENCES_PATH, buf_text(&query), "silences",
			    (size_t)run->options->limit, &answer) == CLIENT_DONE) {
		json_array_extend(list, answer.json);
		client_answer_fini(&answer);
	} else {
		status = silence_fail(&answer);
	}
	buf_fini(&query);
	return status;
}

static void silences_print(const struct silence_run *run, const json_t *list)
{
	static const struct table_column columns[] = {
		{ "SILENCE", 16 }, { "STATE", 8 },	   { "ENDS", 12 },
		{ "BY", 14 },	   { "WHAT, AND WHY", 0 },
	};
	struct buf text = BUF_INIT(LIMIT_COMMAND_ARENA_BYTES);
	struct table table;
	size_t n = json_array_size(list);

	if (run->options->format == REPORT_JSON) {
		for (size_t i = 0; i < n; i++)
			client_print_json(json_array_get(list, i));
		return;
	}
	table_init(&table, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++)
		silence_add_row(&table, json_array_get(list, i));
	if (n)
		table_write(&table, &run->screen, &text);
	output_add_count(&text, "", n, "silence\n", "silences\n");
	screen_print(&run->screen, &text);
	table_fini(&table);
	buf_fini(&text);
}

/* Without a state those that are in force and those to come. */
static int silence_list(const struct silence_run *run)
{
	const char *state = run->options->state;
	json_t *list = json_array();
	int status = silences_get(run, state ? state : "active", list);

	if (status == CLIENT_DONE && !state)
		status = silences_get(run, "pending", list);
	if (status == CLIENT_DONE)
		silences_print(run, list);
	json_decref(list);
	return status;
}

/* ---- add, extend, end ---- */

/* what: "silenced"; NULL: it is ended. */
static void silence_print_done(const struct silence_run *run, const json_t *silence,
			       const char *what)
{
	struct buf scope = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);

	if (run->options->format == REPORT_JSON) {
		client_print_json(silence);
		return;
	}
	silence_add_scope(silence, &scope);
	CLEANUP_FREE char *done =
		what ? xasprintf("%s until %s: %s", what, silence_text(silence, "ends_at"),
				 buf_text(&scope))
		     : xasprintf("ended: %s", buf_text(&scope));
	client_print_done(silence_text(silence, "id"), done);
	buf_fini(&scope);
}

static int silence_post(const struct silence_run *run, const char *id, const char *act,
			json_t *body, const char *what)
{
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	CLEANUP_FREE char *path =
		*id ? xasprintf(SILENCES_PATH "/%s/%s", url_escape(arena, id), act)
		    : xstrdup(SILENCES_PATH);
	struct client_answer answer;
	int status = CLIENT_DONE;

	if (client_post(run->client, path, body, &answer) != CLIENT_DONE)
		status = client_failed(silence_command, &answer);
	else
		silence_print_done(run, answer.json, what);
	client_answer_fini(&answer);
	arena_free(arena);
	return status;
}

static void body_add_text(json_t *body, const char *member, const char *text)
{
	if (text)
		json_object_set_new(body, member, json_string(text));
}

/* The times, which add and extend have in common. */
static json_t *silence_body(const struct silence_options *options)
{
	json_t *body = json_object();

	body_add_text(body, "starts_at", options->from);
	body_add_text(body, "ends_at", options->until);
	body_add_text(body, "reason", options->reason);
	if (options->for_us)
		json_object_set_new(body, "duration_s",
				    json_integer(options->for_us / US_PER_SECOND));
	if (options->tell)
		json_object_set_new(body, "tell", json_true());
	return body;
}

static int silence_make(const struct silence_run *run, char *const *matchers, size_t n)
{
	const struct silence_options *options = run->options;
	CLEANUP_FREE char *person = client_person();
	json_t *body = silence_body(options), *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(matchers[i]));
	json_object_set_new(body, "matchers", list);
	body_add_text(body, "suspect", options->suspect);
	body_add_text(body, "team", options->team);
	body_add_text(body, "author", options->author ? options->author : person);
	if (options->all)
		json_object_set_new(body, "all", json_true());
	int status = silence_post(run, "", "", body, "silenced");
	json_decref(body);
	return status;
}

static int silence_end(const struct silence_run *run, const char *id)
{
	CLEANUP_FREE char *person = client_person();
	const char *who = run->options->author ? run->options->author : person;
	json_t *body = json_pack("{s:s}", "who", who);
	int status = silence_post(run, id, "end", body, NULL);

	json_decref(body);
	return status;
}

static int silence_extend(const struct silence_run *run, const char *id)
{
	json_t *body = silence_body(run->options);
	int status = silence_post(run, id, "change", body, "changed, it holds");

	json_decref(body);
	return status;
}

/* ---- the command ---- */

static int refuse_silence_action(const char *word)
{
	static const char *const words[] = { "list", "add", "extend", "end" };
	const char *nearest = nearest_word(word, words, ARRAY_LEN(words));

	return usage_error(silence_command, "\"%s\" is none of list, add, extend and end%s%s%s",
			   word, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			   nearest ? "\"?" : "");
}

static int check_silence_add(const struct silence_options *options)
{
	if (!options->reason)
		return usage_error(silence_command, "add needs --reason TEXT: decisions quote it");
	if (!options->for_us == !options->until)
		return usage_error(silence_command, "add needs the end: --for 2h, or --until TIME");
	return 0;
}

/* Are the words and the options those that the action takes? 0, or the exit status. */
static int check_silence_action(const struct silence_options *options, const char *action, size_t n)
{
	bool list = strcmp(action, "list") == 0, add = strcmp(action, "add") == 0,
	     extend = strcmp(action, "extend") == 0;
	bool scope = options->suspect || options->team || options->all;

	if (!list && !add && !extend && strcmp(action, "end") != 0)
		return refuse_silence_action(action);
	if (list && n)
		return usage_error(silence_command, "list takes no silence");
	if (!list && options->state)
		return usage_error(silence_command, "--state is for list only");
	if (!add && scope)
		return usage_error(silence_command, "--suspect, --team and --all are for add only");
	if (!add && !extend &&
	    (options->for_us || options->until || options->from || options->reason ||
	     options->tell))
		return usage_error(
			silence_command,
			"--for, --until, --from, --reason and --tell are for add and extend only");
	if (!add && !list && !n)
		return usage_error(silence_command, "%s needs the id of a silence", action);
	return add ? check_silence_add(options) : 0;
}

static int silence_do(const struct silence_run *run, const char *action, char *const *words,
		      size_t n)
{
	int worst = CLIENT_DONE;

	if (strcmp(action, "list") == 0)
		return silence_list(run);
	if (strcmp(action, "add") == 0)
		return silence_make(run, words, n);
	for (size_t i = 0; i < n; i++) {
		int status = strcmp(action, "end") == 0 ? silence_end(run, words[i])
							: silence_extend(run, words[i]);
		if (status > worst)
			worst = status;
	}
	return worst;
}

int cmd_silence(int argc, char **argv)
{
	struct silence_options options;
	struct silence_run run = { .options = &options };
	int status;

	if (!options_parse_silence(argc, argv, &options, &status))
		return status;
	const char *action = options.arguments.n ? options.arguments.at[0] : "list";
	size_t n = options.arguments.n ? options.arguments.n - 1 : 0;
	if ((status = check_silence_action(&options, action, n)))
		return status;
	if (!(run.client = client_open(silence_command, &options.client, &status)))
		return status;
	screen_look(&run.screen);
	status = silence_do(&run, action, options.arguments.at + 1, n);
	client_close(run.client);
	return status;
}
