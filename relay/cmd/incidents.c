/*
 * tracepager incidents: lists the incidents of a running relay, shows one, and acts on them as a
 * person: acknowledge, resolve, reroute, comment. Ids may be shortened to any beginning that one
 * incident has. Owns its client.
 */
#include "incidents-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-internal.h"
#include "commands-internal.h"
#include "options-internal.h"
#include "output-internal.h"
#include "postmortem-internal.h"
#include "usage-internal.h"
#include "tracepager/act.h"
#include "tracepager/clock.h"
#include "tracepager/findings.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const char incidents_command[] = "incidents";

struct incidents_run {
	const struct incidents_options *options;
	struct client *client;
	struct screen screen;
};

static int64_t incidents_now_us(void)
{
	return clock_wall_us(clock_system());
}

/* ---- printing ---- */

/* Prints and frees the text; the exit status. */
static int print_incidents_text(const struct incidents_run *run, struct buf *text)
{
	int result = screen_print(&run->screen, text);

	buf_fini(text);
	return result < 0 ? command_failed(CLIENT_REFUSED, incidents_command,
					   "cannot write to standard output")
			  : CLIENT_DONE;
}

/* ---- list ---- */

static bool lists_closed(const struct incidents_options *options)
{
	return options->state && strcmp(options->state, "closed") == 0;
}

/* Those that the options of list name. The relay lists current ones from the oldest on, so all of
 * them are needed to know the newest; of closed ones the latest stand first. */
static enum client_status get_listed(const struct incidents_run *run,
				     struct client_answer *ret_answer)
{
	const struct incidents_options *options = run->options;
	struct buf query = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);

	client_query_add(&query, "team", options->team);
	client_query_add(&query, "state", options->state);
	client_query_add(&query, "severity", options->severity);
	client_query_add(&query, "limit", "1000");
	enum client_status status = client_get_list(
		run->client, INCIDENTS_PATH, buf_text(&query), "incidents",
		lists_closed(options) ? (size_t)options->limit + 1 : LIMIT_CLIENT_LOOKED,
		ret_answer);
	buf_fini(&query);
	return status;
}

/* At most as many as --limit says. *ret_more: there are more. Caller json_decref()s. */
static json_t *limited_list(const struct incidents_run *run, json_t *all, bool *ret_more)
{
	const size_t limit = (size_t)run->options->limit;
	json_t *list = lists_closed(run->options) ? json_incref(all) : incidents_sorted(all);

	*ret_more = json_array_size(list) > limit;
	while (json_array_size(list) > limit)
		json_array_remove(list, json_array_size(list) - 1);
	return list;
}

static int incidents_list(const struct incidents_run *run)
{
	struct client_answer answer;
	bool more;
	int status;

	if (get_listed(run, &answer) != CLIENT_DONE) {
		status = client_failed(incidents_command, &answer);
		client_answer_fini(&answer);
		return status;
	}
	json_t *list = limited_list(run, answer.json, &more);
	struct buf text = BUF_INIT(LIMIT_COMMAND_ARENA_BYTES);
	if (run->options->format == INCIDENTS_JSON) {
		for (size_t i = 0; i < json_array_size(list); i++)
			client_print_json(json_array_get(list, i));
	} else {
		if (json_array_size(list))
			incidents_write_table(list, &run->screen, incidents_now_us(), 0, &text);
		incidents_write_count(list, &text);
		buf_puts(&text, more ? "; there are more, see --limit\n" : "\n");
	}
	status = print_incidents_text(run, &text);
	json_decref(list);
	client_answer_fini(&answer);
	return status;
}

/* ---- ids ---- */

/* The incidents whose id begins so. Caller json_decref()s. */
static json_t *incidents_of_prefix(const json_t *list, const char *prefix)
{
	json_t *found = json_array();

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strncmp(incident_text(json_array_get(list, i), "id"), prefix, strlen(prefix)) ==
		    0)
			json_array_append(found, json_array_get(list, i));
	return found;
}

static int refuse_ambiguous(const struct incidents_run *run, const char *prefix,
			    const json_t *found)
{
	struct buf text = BUF_INIT(LIMIT_COMMAND_ARENA_BYTES);
	json_t *sorted = incidents_sorted(found);

	command_failed(CLIENT_REFUSED, incidents_command,
		       "%zu incidents begin with \"%s\"; give more of the id:",
		       json_array_size(found), prefix);
	incidents_write_table(sorted, &run->screen, incidents_now_us(), 0, &text);
	fputs(buf_text(&text), stderr);
	json_decref(sorted);
	buf_fini(&text);
	return CLIENT_REFUSED;
}

/* Incidents that ids are looked up among, each fetched at the first id that needs it. */
struct known_incidents {
	struct client_answer current, closed;
};

/* Those whose id begins so: of the current ones, else of those that are over. NULL: an error has
 * been printed, and *ret_status is the exit status. Caller json_decref()s. */
static json_t *look_up_prefix(const struct incidents_run *run, const char *prefix,
			      struct known_incidents *known, int *ret_status)
{
	struct client_answer *lists[] = { &known->current, &known->closed };
	static const char *const queries[] = { "limit=1000", "state=closed&limit=1000" };
	json_t *found = NULL;

	for (size_t i = 0; i < ARRAY_LEN(lists) && !json_array_size(found); i++) {
		json_decref(found);
		if (!lists[i]->json &&
		    client_get_list(run->client, INCIDENTS_PATH, queries[i], "incidents",
				    LIMIT_CLIENT_LOOKED, lists[i]) != CLIENT_DONE) {
			*ret_status = client_failed(incidents_command, lists[i]);
			return NULL;
		}
		found = incidents_of_prefix(lists[i]->json, prefix);
	}
	return found;
}

/* The whole id of what was given; 0, or the exit status. Caller frees *ret_id. */
static int complete_id(const struct incidents_run *run, const char *given,
		       struct known_incidents *known, char **ret_id)
{
	int status = CLIENT_DONE;

	*ret_id = NULL;
	if (strlen(given) == LIMIT_INCIDENT_ID_CHARS) {
		*ret_id = xstrdup(given);
		return CLIENT_DONE;
	}
	json_t *found = look_up_prefix(run, given, known, &status);
	if (!found)
		return status;
	if (json_array_size(found) == 1)
		*ret_id = xstrdup(incident_text(json_array_get(found, 0), "id"));
	else if (json_array_size(found))
		status = refuse_ambiguous(run, given, found);
	else
		status = command_failed(CLIENT_REFUSED, incidents_command,
					"no incident at %s begins with \"%s\"; \"tracepager "
					"incidents\" lists them",
					client_url(run->client), given);
	json_decref(found);
	return status;
}

/* All ids, or none: what is typed wrongly must not leave half of it done. Caller frees the ids. */
static int complete_ids(const struct incidents_run *run, const struct option_list *given,
			char **ids)
{
	struct known_incidents known = { .current = { .status = CLIENT_DONE } };
	int status = CLIENT_DONE;

	for (size_t i = 0; i < given->n && status == CLIENT_DONE; i++)
		status = complete_id(run, given->at[i], &known, &ids[i]);
	client_answer_fini(&known.current);
	client_answer_fini(&known.closed);
	return status;
}

/* ---- show ---- */

static void write_postmortem(const struct incidents_run *run, const json_t *incident,
			     struct buf *out)
{
	struct report report;
	struct html html;
	size_t len;

	report_init(&report, incident, run->options->names, incidents_now_us());
	if (run->options->format == INCIDENTS_MARKDOWN) {
		report_write_markdown(&report, out);
	} else {
		html_init(&html, LIMIT_CLIENT_REPLY_BYTES);
		report_write_html(&report, &html);
		const char *markup = html_markup(&html, &len);
		if (markup)
			buf_add(out, markup, len);
		else
			out->failed = true;
		html_fini(&html);
	}
	report_fini(&report);
}

/* "error" of each recipient whose page waits after a try that failed. Without an answer of the
 * queue nothing is added. */
static void incident_take_errors(const struct incidents_run *run, json_t *incident)
{
	struct buf query = BUF_INIT(LIMIT_CLIENT_PATH_BYTES);
	struct client_answer pages;
	size_t i, k;
	json_t *recipient;
	const json_t *page;

	client_query_add(&query, "incident", incident_text(incident, "id"));
	client_query_add(&query, "limit", "1000");
	if (client_get_list(run->client, "/api/v1/queue", buf_text(&query), "pages", 1000,
			    &pages) == CLIENT_DONE)
		json_array_foreach(json_object_get(incident, "recipients"), i, recipient)
			json_array_foreach(pages.json, k,
					   page) if (strcmp(incident_text(page, "pager"),
							    incident_text(recipient, "pager")) ==
							     0 &&
						     *incident_text(page, "error"))
				json_object_set(recipient, "error", json_object_get(page, "error"));
	client_answer_fini(&pages);
	buf_fini(&query);
}

static int incidents_show(const struct incidents_run *run, const char *id)
{
	CLEANUP_FREE char *path = incident_path(id, NULL);
	struct buf text = BUF_INIT(LIMIT_COMMAND_ARENA_BYTES);
	struct client_answer answer;
	int status;

	if (client_get(run->client, path, &answer) != CLIENT_DONE) {
		status = client_failed(incidents_command, &answer);
		client_answer_fini(&answer);
		return status;
	}
	if (run->options->format == INCIDENTS_JSON) {
		client_print_json(answer.json);
	} else if (run->options->format == INCIDENTS_TEXT) {
		incident_take_errors(run, answer.json);
		incident_write(answer.json, &run->screen, incidents_now_us(), &text);
	} else {
		write_postmortem(run, answer.json, &text);
	}
	client_answer_fini(&answer);
	if (run->options->format == INCIDENTS_TEXT)
		return print_incidents_text(run, &text);
	status = output_print(&text);
	buf_fini(&text);
	return status < 0 ? command_failed(CLIENT_REFUSED, incidents_command,
					   "cannot write to standard output")
			  : CLIENT_DONE;
}

/* ---- acts ---- */

static json_t *act_body(const struct incidents_options *options)
{
	CLEANUP_FREE char *person = options->who ? NULL : client_person();
	json_t *body = json_pack("{s:s}", "who", options->who ? options->who : person);

	if (options->message)
		json_object_set_new(body, "text", json_string(options->message));
	if (options->team)
		json_object_set_new(body, "team", json_string(options->team));
	return body;
}

static int incidents_act_on(const struct incidents_run *run, enum act_kind act, const char *id)
{
	CLEANUP_FREE char *path = incident_path(id, act_name(act));
	json_t *body = act_body(run->options);
	struct client_answer answer;
	int status = CLIENT_DONE;

	if (client_post(run->client, path, body, &answer) != CLIENT_DONE)
		status = client_failed(incidents_command, &answer);
	else if (run->options->format == INCIDENTS_JSON)
		client_print_json(answer.json);
	else
		client_print_done(id, incident_text(answer.json, "text"));
	json_decref(body);
	client_answer_fini(&answer);
	return status;
}

/* ---- the command ---- */

#define ACTION_LIST -1
#define ACTION_SHOW -2
#define ACTION_NONE -3

/* An enum act_kind, or one of the above. */
static int incidents_action(const char *word)
{
	int act = act_of(word);

	return strcmp(word, "list") == 0   ? ACTION_LIST
	       : strcmp(word, "show") == 0 ? ACTION_SHOW
	       : act >= 0		   ? act
					   : ACTION_NONE;
}

static int refuse_action(const char *word)
{
	static const char *const words[] = { "list",	"show",	   "acknowledge",
					     "resolve", "reroute", "comment",
					     "silence", "useful",  "noise" };
	const char *nearest = nearest_word(word, words, ARRAY_LEN(words));

	return usage_error(incidents_command,
			   "\"%s\" is none of list, show, acknowledge (ack), resolve, reroute, "
			   "comment, silence, useful and noise%s%s%s",
			   word, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			   nearest ? "\"?" : "");
}

/* Are the ids and the options those that the action takes? 0, or the exit status. */
static int check_action(const struct incidents_options *options, int action,
			const struct option_list *ids)
{
	const char *word = action == ACTION_LIST   ? "list"
			   : action == ACTION_SHOW ? "show"
						   : act_name((enum act_kind)action);

	if (action == ACTION_LIST && ids->n)
		return usage_error(incidents_command,
				   "list takes no id; \"tracepager incidents show %s\" shows one",
				   ids->at[0]);
	if (action != ACTION_LIST && !ids->n)
		return usage_error(incidents_command, "%s needs the id of an incident", word);
	for (size_t i = 0; i < ids->n; i++)
		if (strlen(ids->at[i]) < LIMIT_INCIDENT_PREFIX_CHARS)
			return usage_error(
				incidents_command,
				"\"%s\" is too short: give at least %d characters of the id",
				ids->at[i], LIMIT_INCIDENT_PREFIX_CHARS);
	if (action == ACT_COMMENT && !(options->message && *options->message))
		return usage_error(incidents_command, "comment needs -m TEXT");
	if (action < 0 && (options->message || options->who))
		return usage_error(incidents_command, "%s takes neither -m nor --who", word);
	if (options->team && action != ACTION_LIST && action != ACT_REROUTE)
		return usage_error(incidents_command, "--team is for list and reroute, not for %s",
				   word);
	if ((options->format > INCIDENTS_JSON && (action != ACTION_SHOW || ids->n != 1)) ||
	    (options->names && options->format <= INCIDENTS_JSON))
		return usage_error(incidents_command,
				   "a post-mortem is of one incident: show ID --format markdown, "
				   "or html; --names goes with these");
	if (action != ACTION_LIST && (options->state || options->severity))
		return usage_error(incidents_command, "--state and --severity are for list only");
	return 0;
}

/* Does it for each id, also after one that failed; the worst exit status. */
static int run_for_each(const struct incidents_run *run, int action, char *const *ids, size_t n)
{
	int worst = CLIENT_DONE;

	for (size_t i = 0; i < n; i++) {
		if (i && action == ACTION_SHOW && run->options->format == INCIDENTS_TEXT)
			printf("\n");
		int status = action == ACTION_SHOW
				     ? incidents_show(run, ids[i])
				     : incidents_act_on(run, (enum act_kind)action, ids[i]);
		if (status > worst)
			worst = status;
	}
	return worst;
}

static int run_incidents(const struct incidents_options *options)
{
	const char *word = options->arguments.n ? options->arguments.at[0] : "list";
	const struct option_list given = { options->arguments.at + 1,
					   options->arguments.n ? options->arguments.n - 1 : 0 };
	struct incidents_run run = { .options = options };
	int action = incidents_action(word), status;

	if (action == ACTION_NONE)
		return refuse_action(word);
	if ((status = check_action(options, action, &given)))
		return status;
	if (!(run.client = client_open(incidents_command, &options->client, &status)))
		return status;
	screen_look(&run.screen);
	char **ids = xcalloc(given.n + 1, sizeof(*ids));
	status = action == ACTION_LIST ? incidents_list(&run) : complete_ids(&run, &given, ids);
	if (status == CLIENT_DONE)
		status = run_for_each(&run, action, ids, given.n);
	for (size_t i = 0; i < given.n; i++)
		free(ids[i]);
	free(ids);
	client_close(run.client);
	return status;
}

int cmd_incidents(int argc, char **argv)
{
	struct incidents_options options;
	int status;

	if (!options_parse_incidents(argc, argv, &options, &status))
		return status;
	return run_incidents(&options);
}
