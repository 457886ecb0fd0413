/*
 * Opsgenie's Alert API, which Jira Service Management has too: a body creates an alert; what is
 * done to one stands in the path ("close", with the alert's alias or id), and its body is a note.
 * Nothing but creating and closing pages anybody. Pure. Source: opsgenie-go-sdk-v2, alert.
 */
#include "event_parts-internal.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* An id that our answers give is the alert's fingerprint: so many hexadecimal digits. */
#define OPSGENIE_ID_CHARS 32

static const char *const opsgenie_tells[] = { "/message", NULL };

static const struct mapping_value opsgenie_priorities[] = {
	{ "P1", "critical" }, { "P2", "error" }, { "P3", "warning" },
	{ "P4", "info" },     { "P5", "info" },	 { NULL, NULL },
};

static const struct mapping_rule opsgenie_rules[] = {
	{ .to = MAP_SEVERITY, .from = { "/priority" }, .values = opsgenie_priorities },
	{ .to = MAP_NAME, .from = { "/details/alertname" } },
	{ .to = MAP_SUMMARY, .from = { "/message" } },
	{ .to = MAP_DESCRIPTION, .from = { "/description" } },
	{ .to = MAP_LINK, .from = { "/details/generatorURL", "/details/url", "/source" } },
	{ .to = MAP_LABEL, .name = "entity", .from = { "/entity" } },
	{ .to = MAP_ANNOTATION, .name = "alias", .from = { "/alias" } },
	{ .to = MAP_ANNOTATION, .name = "note", .from = { "/note" } },
	{ .to = MAP_ANNOTATION, .name = "user", .from = { "/user" } },
	{ .to = MAP_ANNOTATION, .name = "tags", .from = { "/tags" } },
	{ .to = MAP_LABELS, .from = { "/tags" } },
};

static const struct alert_mapping opsgenie = {
	.name = "opsgenie",
	.what = "an alert of Opsgenie",
	.family = "opsgenie",
	.tells = opsgenie_tells,
	.rules = opsgenie_rules,
	.nrules = ARRAY_LEN(opsgenie_rules),
};

static const struct mapping_rule opsgenie_act_rules[] = {
	{ .to = MAP_ANNOTATION, .name = "note", .from = { "/note" } },
	{ .to = MAP_ANNOTATION, .name = "user", .from = { "/user" } },
};

static const struct alert_mapping opsgenie_act = {
	.name = "opsgenie",
	.what = "an act of Opsgenie",
	.family = "opsgenie",
	.rules = opsgenie_act_rules,
	.nrules = ARRAY_LEN(opsgenie_act_rules),
};

/* Names of those whom Opsgenie would have told; our rules say who is paged here. */
static void add_responders(struct mapped_alert *alert)
{
	static const char *const members[] = { "name", "username", "id" };
	json_t *list = json_object_get(alert->item, "responders");
	struct buf names = BUF_INIT(LIMIT_LABEL_BYTES);

	for (size_t i = 0; i < json_array_size(list) && !names.failed; i++) {
		const char *name = NULL;
		for (size_t k = 0; k < ARRAY_LEN(members) && !name; k++)
			name = json_string_value(
				json_object_get(json_array_get(list, i), members[k]));
		if (name)
			buf_printf(&names, "%s%s", names.len ? ", " : "", name);
	}
	if (names.len && mapped_has_room(alert))
		mapped_add_annotation(alert, "responders",
				      arena_strndup(alert->arena, buf_text(&names), names.len));
	buf_fini(&names);
}

static bool is_priority(const char *text)
{
	return text[0] == 'P' && text[1] >= '1' && text[1] <= '5' && !text[2];
}

static const char *opsgenie_complete(struct mapped_alert *alert)
{
	static const char *const without[] = { NULL };
	const char *alias = mapped_find(alert, "/alias");
	const char *priority = mapped_find(alert, "/priority");
	const char *source = mapped_find(alert, "/source");
	const char *message = mapped_find(alert, "/message");

	if (!message || !message[strspn(message, " \t\r\n")])
		return "message can not be empty";
	if (priority && !is_priority(priority))
		return "priority should be one of P1, P2, P3, P4 and P5";
	event_set_key(alert, alias ? alias : event_make_key(alert, without));
	if (source && !mapped_is_link(source))
		mapped_add_label(alert, "source", source);
	add_responders(alert);
	event_take_details(alert, json_object_get(alert->item, "details"));
	mapped_add_label(alert, "severity", "warning"); /* without a priority an alert is P3 */
	event_set_name(alert, message);
	return NULL;
}

static const char *opsgenie_act_complete(struct mapped_alert *alert)
{
	const struct alert_body *body = alert->body;
	const char *id = body->path_id;

	if (strcmp(body->path_action, "acknowledge") == 0)
		alert->ignored = "an acknowledgement pages nobody";
	else if (strcmp(body->path_action, "notes") == 0)
		alert->ignored = "a note pages nobody";
	else if (strcmp(body->path_action, "close") != 0)
		return "the path's last part is none of close, acknowledge and notes";
	if (!id || !*id)
		return "the path does not name the alert";
	if (!body->path_id_is_ours) {
		event_set_key(alert, id);
	} else {
		if (strlen(id) != OPSGENIE_ID_CHARS ||
		    strspn(id, "0123456789abcdef") != OPSGENIE_ID_CHARS)
			return "no alert has this id: name it by its alias, with "
			       "identifierType=alias";
		alert->id = id;
	}
	alert->status = "resolved";
	event_set_name(alert, id);
	return NULL;
}

static const struct mapping_hooks opsgenie_hooks = { .complete = opsgenie_complete };
static const struct mapping_hooks opsgenie_act_hooks = { .complete = opsgenie_act_complete };

/* Many bodies have a message: one more member must be Opsgenie's. */
static bool opsgenie_match(const char *text, size_t len)
{
	static const char *const tells[] = { "/message", "/alias /priority /responders /visibleTo",
					     NULL };
	static const struct alert_mapping looks = { .tells = tells };

	return mapping_matches(&looks, text, len);
}

static int opsgenie_parse(struct arena *arena, const struct alert_body *body,
			  struct alert_batch *ret_batch, struct err *err)
{
	struct alert_body act = *body;

	if (!body->path_action)
		return mapping_parse(&opsgenie, &opsgenie_hooks, arena, body, ret_batch, err);
	if (!body->len) {
		act.text = "{}";
		act.len = 2;
	}
	return mapping_parse(&opsgenie_act, &opsgenie_act_hooks, arena, &act, ret_batch, err);
}

const struct alert_format alert_format_OPSGENIE = {
	.name = "opsgenie",
	.text = "Opsgenie Alert API, as Jira Service Management has it too",
	.family = "opsgenie",
	.match = opsgenie_match,
	.parse = opsgenie_parse,
};
