/*
 * tracepager loglevel: tells the log level of a running relay, or changes it, for a time where one
 * is given. Owns its client.
 */
#include "commands-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-internal.h"
#include "options-internal.h"
#include "usage-internal.h"
#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#define LOG_PATH "/api/v1/log"

static const char loglevel_command[] = "loglevel";

static const char *loglevel_text(const json_t *answer, const char *member)
{
	const char *text = json_string_value(json_object_get(answer, member));

	return text ? text : "";
}

/* "debug until 2026-11-29T18:20:00Z, set by ann@laptop; then info". */
static void loglevel_print(const json_t *answer)
{
	struct buf line = BUF_INIT(LIMIT_CLIENT_REPLY_BYTES);
	const char *until = loglevel_text(answer, "until"), *who = loglevel_text(answer, "who"),
		   *configured = loglevel_text(answer, "configured");

	plain_add(&line, loglevel_text(answer, "level"), SIZE_MAX);
	if (*until) {
		buf_puts(&line, " until ");
		plain_add(&line, until, SIZE_MAX);
	}
	if (*who) {
		buf_puts(&line, ", set by ");
		plain_add(&line, who, SIZE_MAX);
		buf_puts(&line, *until ? "; then " : "; log_level of the options is ");
		plain_add(&line, configured, SIZE_MAX);
	} else {
		buf_puts(&line, ", as log_level of the options says");
	}
	puts(buf_text(&line));
	buf_fini(&line);
}

static enum client_status loglevel_ask(struct client *client,
				       const struct loglevel_options *options,
				       struct client_answer *ret_answer)
{
	CLEANUP_FREE char *person = options->who ? NULL : client_person();

	if (!options->arguments.n)
		return client_get(client, LOG_PATH, ret_answer);
	json_t *body = json_pack("{s:s, s:s}", "level", options->arguments.at[0], "who",
				 options->who ? options->who : person);
	if (options->for_us)
		json_object_set_new(body, "duration_s",
				    json_integer(options->for_us / US_PER_SECOND));
	const enum client_status status = client_post(client, LOG_PATH, body, ret_answer);
	json_decref(body);
	return status;
}

static int check_loglevel(const struct loglevel_options *options)
{
	const char *name = options->arguments.n ? options->arguments.at[0] : NULL;
	enum log_level level;

	if (name && !log_level_find(name, &level))
		return usage_error(loglevel_command,
				   "\"%s\" is no level: debug, info, warn or error", name);
	if (!name && options->for_us)
		return usage_error(loglevel_command,
				   "--for needs a level: loglevel debug --for 10m");
	return 0;
}

int cmd_loglevel(int argc, char **argv)
{
	struct loglevel_options options;
	struct client_answer answer;
	int status;

	if (!options_parse_loglevel(argc, argv, &options, &status))
		return status;
	if ((status = check_loglevel(&options)))
		return status;
	struct client *client = client_open(loglevel_command, &options.client, &status);
	if (!client)
		return status;
	status = (int)loglevel_ask(client, &options, &answer);
	if (status != CLIENT_DONE)
		client_failed(loglevel_command, &answer);
	else if (options.format == REPORT_JSON)
		client_print_json(answer.json);
	else
		loglevel_print(answer.json);
	client_answer_fini(&answer);
	client_close(client);
	return status;
}
