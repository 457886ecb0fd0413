/* tracepager drain: a running relay ends what is under way, and then itself. Owns its client. */
#include "commands-internal.h"

#include "client-internal.h"
#include "options-internal.h"

int cmd_drain(int argc, char **argv)
{
	struct drain_options options;
	struct client_answer answer;
	int status;

	if (!options_parse_drain(argc, argv, &options, &status))
		return status;
	struct client *client = client_open("drain", &options.client, &status);
	if (!client)
		return status;
	status = client_post(client, "/-/drain", NULL, &answer);
	if (status != CLIENT_DONE)
		client_failed("drain", &answer);
	else
		client_print_done(client_url(client),
				  json_string_value(json_object_get(answer.json, "text")));
	client_answer_fini(&answer);
	client_close(client);
	return status;
}
