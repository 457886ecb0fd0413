/*
 * tracepager pause, resume: nothing begins to leave for a paused pager, whose pages wait; a resume
 * sends them. Owns its client.
 */
#include "commands-internal.h"

#include <stdlib.h>

#include "client-internal.h"
#include "options-internal.h"
#include "usage-internal.h"
#include "tracepager/arena.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static int pause_one(struct client *client, const char *act, const char *who, const char *pager)
{
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	json_t *body = json_pack("{s:s}", "who", who);
	struct client_answer answer;
	int status = CLIENT_DONE;

	const char *path =
		arena_printf(arena, "/api/v1/pagers/%s/%s", url_escape(arena, pager), act);
	if (client_post(client, path, body, &answer) != CLIENT_DONE)
		status = client_failed(act, &answer);
	else
		client_print_done(pager, json_string_value(json_object_get(answer.json, "text")));
	client_answer_fini(&answer);
	json_decref(body);
	arena_free(arena);
	return status;
}

/* act: "pause" or "resume". The worst exit status. */
static int pause_all(const char *act, const struct option_list *pagers, const char *who,
		     const struct client_options *options)
{
	CLEANUP_FREE char *person = who ? NULL : client_person();
	int worst = CLIENT_DONE;
	struct client *client = client_open(act, options, &worst);

	for (size_t i = 0; client && i < pagers->n; i++) {
		int status = pause_one(client, act, who ? who : person, pagers->at[i]);
		if (status > worst)
			worst = status;
	}
	client_close(client);
	return worst;
}

int cmd_pause(int argc, char **argv)
{
	struct pause_options options;
	int status;

	if (!options_parse_pause(argc, argv, &options, &status))
		return status;
	return pause_all("pause", &options.arguments, options.who, &options.client);
}

int cmd_resume(int argc, char **argv)
{
	struct resume_options options;
	int status;

	if (!options_parse_resume(argc, argv, &options, &status))
		return status;
	return pause_all("resume", &options.arguments, options.who, &options.client);
}
