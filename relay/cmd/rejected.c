/*
 * tracepager rejected: lists the bodies that a running relay could not read, and shows one with its
 * place. Owns its client.
 */
#include "commands-internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client-internal.h"
#include "options-internal.h"
#include "output-internal.h"
#include "table-internal.h"
#include "usage-internal.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

#define REJECTED_PATH "/api/v1/rejected"

static const char rejected_command[] = "rejected";

struct rejected_run {
	const struct rejected_options *options;
	struct client *client;
	struct screen screen;
};

static const char *rejected_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

static long long rejected_number(const json_t *object, const char *member)
{
	return (long long)json_integer_value(json_object_get(object, member));
}

/* All bodies of a sender (NULL: of all). False: an error has been printed, and *ret_status is the
 * exit status. Else caller client_answer_fini()s the answer. */
static bool rejected_get(const struct rejected_run *run, const char *sender,
			 struct client_answer *ret_answer, int *ret_status)
{
	struct buf query = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);

	client_query_add(&query, "sender", sender);
	*ret_status = (int)client_get_list(run->client, REJECTED_PATH, buf_text(&query), "rejected",
					   LIMIT_REJECTED_BODIES, ret_answer);
	buf_fini(&query);
	if (*ret_status == CLIENT_DONE)
		return true;
	client_failed(rejected_command, ret_answer);
	client_answer_fini(ret_answer);
	return false;
}

/* ---- list ---- */

static void rejected_add_row(struct table *table, const json_t *body)
{
	CLEANUP_FREE char *byte = xasprintf("%lld", rejected_number(body, "byte"));

	table_add(table, SCREEN_PLAIN, rejected_text(body, "id"));
	table_add(table, SCREEN_PLAIN, rejected_text(body, "at"));
	table_add(table, SCREEN_PLAIN, rejected_text(body, "sender"));
	table_add(table, SCREEN_PLAIN, rejected_number(body, "byte") < 0 ? "" : byte);
	table_add(table, SCREEN_PLAIN, rejected_text(body, "reason"));
}

static void rejected_write_table(const json_t *bodies, const struct screen *screen, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "N", 10 }, { "TIME", 27 }, { "SENDER", 20 }, { "BYTE", 10 }, { "REASON", 0 },
	};
	struct table table;

	table_init(&table, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < json_array_size(bodies); i++)
		rejected_add_row(&table, json_array_get(bodies, i));
	table_write(&table, screen, out);
	table_fini(&table);
}

static int rejected_list(const struct rejected_run *run)
{
	struct buf text = BUF_INIT(LIMIT_COMMAND_ARENA_BYTES);
	struct client_answer answer;
	int status;

	if (!rejected_get(run, run->options->sender, &answer, &status))
		return status;
	const size_t n = json_array_size(answer.json);
	if (run->options->format == REPORT_JSON) {
		for (size_t i = 0; i < n; i++)
			client_print_json(json_array_get(answer.json, i));
	} else {
		if (n)
			rejected_write_table(answer.json, &run->screen, &text);
		output_add_count(&text, "", n, "body was refused, or some of its alerts\n",
				 "bodies were refused, or some of their alerts\n");
		screen_print(&run->screen, &text);
	}
	buf_fini(&text);
	client_answer_fini(&answer);
	return CLIENT_DONE;
}

/* ---- one body ---- */

/* A line of the body as far as the screen is wide, and the caret below it. */
struct caret_line {
	const struct screen *screen;
	struct buf *out, text;
	size_t columns;
	long long caret; /* the column; -1: not in this line */
};

static void caret_line_end(struct caret_line *line)
{
	buf_printf(line->out, "%s\n", buf_text(&line->text));
	if (line->caret >= 0) {
		buf_printf(line->out, "%*s", (int)line->caret, "");
		screen_add(line->screen, SCREEN_RED, "^", line->out);
		buf_putc(line->out, '\n');
	}
	buf_reset(&line->text);
	line->columns = 0;
	line->caret = -1;
}

static void caret_line_add(struct caret_line *line, const char *text, size_t len)
{
	char character[5] = { 0 };

	memcpy(character, text, len);
	if (*text == ' ' || *text == '\t') {
		buf_putc(&line->text, ' ');
		line->columns++;
	} else {
		line->columns += plain_add(&line->text, character, 2);
	}
}

/* place: the number of a character; -1: no caret. */
static void rejected_write_body(const char *body, long long place, const struct screen *screen,
				struct buf *out)
{
	struct caret_line line = {
		.screen = screen, .out = out, .text = BUF_INIT(LIMIT_TABLE_TEXT_BYTES), .caret = -1
	};
	long long character = 0;
	size_t len;

	for (; *body; body += len, character++) {
		len = utf8_len(body, strlen(body));
		len = len ? len : 1;
		if (character == place)
			line.caret = (long long)line.columns;
		if (*body == '\n')
			caret_line_end(&line);
		else
			caret_line_add(&line, body, len);
		if (line.columns + 1 >= screen->columns)
			caret_line_end(&line);
	}
	if (character == place)
		line.caret = (long long)line.columns;
	if (line.columns || line.caret >= 0)
		caret_line_end(&line);
	buf_fini(&line.text);
}

static void rejected_write_shown(const json_t *body, const struct screen *screen, struct buf *out)
{
	static const char *const rows[][2] = {
		{ "number", "id" }, { "time", "at" },	    { "sender", "sender" },
		{ "peer", "peer" }, { "reason", "reason" },
	};
	const long long byte = rejected_number(body, "byte"),
			length = rejected_number(body, "length"),
			shown = rejected_number(body, "body_bytes");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_printf(out, "%-10s", rows[i][0]);
		screen_add_wrapped(screen, SCREEN_PLAIN, rejected_text(body, rows[i][1]), 10, 10,
				   out);
	}
	if (byte >= 0)
		buf_printf(out, "byte      %lld, from 0%s\n", byte,
			   byte > shown ? "; behind what is kept of the body" : "");
	buf_printf(out, "length    %lld", length);
	if (shown < length)
		buf_printf(out, "; its first %lld bytes:", shown);
	buf_puts(out, "\n\n");
	rejected_write_body(rejected_text(body, "body"), rejected_number(body, "body_place"),
			    screen, out);
}

/* What a person pipes on is as it came; a terminal obeys no control character of a stranger. */
static void rejected_print_raw(const json_t *body)
{
	CLEANUP_FREE char *text = xstrdup(rejected_text(body, "body"));

	if (isatty(STDOUT_FILENO))
		for (char *at = text; *at; at++)
			if ((unsigned char)*at < ' ' && *at != '\n' && *at != '\t')
				*at = '?';
	fputs(text, stdout);
}

static const json_t *rejected_find(const json_t *bodies, const char *number)
{
	for (size_t i = 0; i < json_array_size(bodies); i++)
		if (strcmp(rejected_text(json_array_get(bodies, i), "id"), number) == 0)
			return json_array_get(bodies, i);
	return NULL;
}

static int rejected_show(const struct rejected_run *run, const char *number, bool raw)
{
	struct buf text = BUF_INIT(LIMIT_COMMAND_ARENA_BYTES);
	struct client_answer answer;
	int status;

	if (!rejected_get(run, NULL, &answer, &status))
		return status;
	const json_t *body = rejected_find(answer.json, number);
	if (!body) {
		fprintf(stderr,
			"tracepager rejected: the relay keeps no body %s: it is too old, or the "
			"relay "
			"was started since; \"tracepager rejected\" lists them\n",
			number);
		status = CLIENT_REFUSED;
	} else if (raw) {
		rejected_print_raw(body);
	} else if (run->options->format == REPORT_JSON) {
		client_print_json(body);
	} else {
		rejected_write_shown(body, &run->screen, &text);
		screen_print(&run->screen, &text);
	}
	buf_fini(&text);
	client_answer_fini(&answer);
	return status;
}

/* ---- the command ---- */

/* Are the numbers and the options those that the action takes? 0, or the exit status. */
static int check_rejected_action(const struct rejected_options *options, const char *action,
				 size_t n)
{
	const bool list = strcmp(action, "list") == 0;

	if (!list && strcmp(action, "show") != 0)
		return usage_error(rejected_command, "\"%s\" is neither list nor show", action);
	if (options->raw && options->arguments.n)
		return usage_error(rejected_command, "--raw prints one body, and takes no action");
	if (list && n)
		return usage_error(rejected_command, "list takes no number; show N shows a body");
	if (!list && !n)
		return usage_error(rejected_command, "show needs the number of a body");
	if (options->sender && (!list || options->raw))
		return usage_error(rejected_command, "--sender is for list only");
	return 0;
}

static int rejected_do(const struct rejected_run *run, const char *action)
{
	const struct rejected_options *options = run->options;
	int worst = CLIENT_DONE;

	if (options->raw) {
		CLEANUP_FREE char *number = xasprintf("%lld", (long long)options->raw);
		return rejected_show(run, number, true);
	}
	if (strcmp(action, "list") == 0)
		return rejected_list(run);
	for (size_t i = 1; i < options->arguments.n; i++) {
		const int status = rejected_show(run, options->arguments.at[i], false);
		if (status > worst)
			worst = status;
	}
	return worst;
}

int cmd_rejected(int argc, char **argv)
{
	struct rejected_options options;
	struct rejected_run run = { .options = &options };
	int status;

	if (!options_parse_rejected(argc, argv, &options, &status))
		return status;
	const char *action = options.arguments.n ? options.arguments.at[0] : "list";
	const size_t n = options.arguments.n ? options.arguments.n - 1 : 0;
	if ((status = check_rejected_action(&options, action, n)))
		return status;
	if (!(run.client = client_open(rejected_command, &options.client, &status)))
		return status;
	screen_look(&run.screen);
	status = rejected_do(&run, action);
	client_close(run.client);
	return status;
}
