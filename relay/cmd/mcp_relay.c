/* Mcp, relay: the tools that ask a running relay, and act on its incidents. */
#include <stdlib.h>
#include <string.h>

#include "incidents-internal.h"
#include "mcp-internal.h"
#include "tracepager/act.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Takes the answer's error. */
static json_t *mcp_refused(struct client_answer *answer)
{
	json_t *error = mcp_error("%s", answer->err.text);

	client_answer_fini(answer);
	return error;
}

/* ---- list ---- */

json_t *mcp_tool_list_incidents(const struct mcp_tools *tools, const json_t *arguments)
{
	static const char *const filters[] = { "team", "state", "severity" };
	const size_t limit = mcp_number(arguments, "limit", 20);
	const char *state = mcp_text(arguments, "state");
	const bool closed = state && strcmp(state, "closed") == 0;
	struct buf query = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);
	struct client_answer answer;

	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		client_query_add(&query, filters[i], mcp_text(arguments, filters[i]));
	client_query_add(&query, "limit", "1000");
	/* Current ones come from the oldest on, so that all are needed to sort them. */
	enum client_status status =
		client_get_list(tools->client, INCIDENTS_PATH, buf_text(&query), "incidents",
				closed ? limit + 1 : LIMIT_CLIENT_LOOKED, &answer);
	buf_fini(&query);
	if (status != CLIENT_DONE)
		return mcp_refused(&answer);
	json_t *list = closed ? json_incref(answer.json) : incidents_sorted(answer.json);
	const bool more = json_array_size(list) > limit;
	json_t *shown = json_array();
	for (size_t i = 0; i < json_array_size(list) && i < limit; i++)
		json_array_append(shown, json_array_get(list, i));
	json_t *result = json_pack("{s:o, s:b}", "incidents", shown, "more", more);
	if (!closed)
		json_object_set_new(result, "of", json_integer((json_int_t)json_array_size(list)));
	json_decref(list);
	client_answer_fini(&answer);
	return mcp_result_of(result);
}

/* ---- ids ---- */

/* Looks among incidents for the one whose id begins so. *ret_n: how many do. */
static const char *incident_beginning(const json_t *list, const char *prefix, size_t *ret_n)
{
	const char *found = NULL;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *id = incident_text(json_array_get(list, i), "id");
		if (strncmp(id, prefix, strlen(prefix)) != 0)
			continue;
		found = id;
		++*ret_n;
	}
	return found;
}

/* The whole id of what the call names: of a current incident, else of one that is over. NULL, or
 * the error. Caller frees *ret_id. */
static json_t *whole_id(const struct mcp_tools *tools, const char *given, char **ret_id)
{
	static const char *const queries[] = { "limit=1000", "state=closed&limit=1000" };
	size_t n = 0;

	*ret_id = NULL;
	if (strlen(given) >= LIMIT_INCIDENT_ID_CHARS) {
		*ret_id = xstrdup(given);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(queries) && !n; i++) {
		struct client_answer answer;
		if (client_get_list(tools->client, INCIDENTS_PATH, queries[i], "incidents",
				    LIMIT_CLIENT_LOOKED, &answer) != CLIENT_DONE)
			return mcp_refused(&answer);
		*ret_id = xstrdup(incident_beginning(answer.json, given, &n));
		client_answer_fini(&answer);
	}
	if (n == 1)
		return NULL;
	free(*ret_id);
	*ret_id = NULL;
	return n ? mcp_error("%zu incidents begin with \"%s\": give more of the id", n, given)
		 : mcp_error("no incident begins with \"%s\": list_incidents lists them", given);
}

/* ---- show ---- */

/* The decision gets half of the room at least, so that a long story does not push it out. */
static json_t *shown_incident(json_t *incident)
{
	json_t *left_out = json_array(), *result = json_object();
	json_t *decision = json_incref(json_object_get(incident, "decision"));

	json_object_del(incident, "decision");
	json_t *bounded = mcp_bounded(incident, LIMIT_MCP_RESULT_BYTES / 2, left_out);
	if (bounded)
		json_object_set_new(result, "incident", bounded);
	bounded = decision ? mcp_bounded(decision, LIMIT_MCP_RESULT_BYTES / 2, left_out) : NULL;
	if (bounded)
		json_object_set_new(result, "decision", bounded);
	json_decref(decision);
	return mcp_result(result, left_out);
}

json_t *mcp_tool_show_incident(const struct mcp_tools *tools, const json_t *arguments)
{
	CLEANUP_FREE char *id = NULL;
	struct client_answer answer;
	json_t *result = whole_id(tools, mcp_text(arguments, "id"), &id);

	if (result)
		return result;
	CLEANUP_FREE char *path = incident_path(id, NULL);
	if (client_get(tools->client, path, &answer) != CLIENT_DONE)
		return mcp_refused(&answer);
	result = shown_incident(answer.json);
	client_answer_fini(&answer);
	return result;
}

/* ---- acts ---- */

static json_t *act_on_incident(const struct mcp_tools *tools, const json_t *arguments,
			       enum act_kind act, const char *text)
{
	CLEANUP_FREE char *id = NULL;
	CLEANUP_FREE char *who = xasprintf("an agent for %s", tools->person);
	struct client_answer answer;
	json_t *result = whole_id(tools, mcp_text(arguments, "id"), &id);

	if (result)
		return result;
	CLEANUP_FREE char *path = incident_path(id, act_name(act));
	json_t *body = json_pack("{s:s}", "who", who);
	if (text)
		json_object_set_new(body, "text", json_string(text));
	enum client_status status = client_post(tools->client, path, body, &answer);
	json_decref(body);
	if (status != CLIENT_DONE)
		return mcp_refused(&answer);
	result = mcp_result_of(json_incref(answer.json));
	client_answer_fini(&answer);
	return result;
}

json_t *mcp_tool_acknowledge_incident(const struct mcp_tools *tools, const json_t *arguments)
{
	return act_on_incident(tools, arguments, ACT_ACKNOWLEDGE, mcp_text(arguments, "reason"));
}

json_t *mcp_tool_comment_on_incident(const struct mcp_tools *tools, const json_t *arguments)
{
	return act_on_incident(tools, arguments, ACT_COMMENT, mcp_text(arguments, "text"));
}
