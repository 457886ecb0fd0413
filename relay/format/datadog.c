/*
 * Datadog's webhook. Its body is what the operator writes: read are the template below, Datadog's
 * own default, and the templates that others hand out with the names monitor_id and
 * alert_transition; as JSON, or as a form ("Encode as form"). Source:
 * docs.datadoghq.com/integrations/webhooks. Pure.
 *
 * An alert is a monitor and the tags that triggered it. The default body has neither: there the
 * title tells both, without the transition that Datadog puts before it ("[Recovered on {host:a}]
 * Disk").
 */
#include "mapping_parts-internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/url.h"
#include "tracepager/xalloc.h"

static const char datadog_setup[] =
	"{\"id\": \"$ID\", \"alert_id\": \"$ALERT_ID\", \"alert_cycle_key\": "
	"\"$ALERT_CYCLE_KEY\",\n"
	" \"aggreg_key\": \"$AGGREG_KEY\", \"transition\": \"$ALERT_TRANSITION\",\n"
	" \"alert_type\": \"$ALERT_TYPE\", \"priority\": \"$ALERT_PRIORITY\",\n"
	" \"title\": \"$ALERT_TITLE\", \"event_title\": \"$EVENT_TITLE\", \"body\": "
	"\"$TEXT_ONLY_MSG\",\n"
	" \"scope\": \"$ALERT_SCOPE\", \"metric\": \"$ALERT_METRIC\", \"query\": "
	"\"$ALERT_QUERY\",\n"
	" \"status\": \"$ALERT_STATUS\", \"host\": \"$HOSTNAME\", \"link\": \"$LINK\",\n"
	" \"snapshot\": \"$SNAPSHOT\", \"tags\": \"$TAGS\", \"date\": \"$DATE\",\n"
	" \"last_updated\": \"$LAST_UPDATED\", \"event_type\": \"$EVENT_TYPE\",\n"
	" \"org\": {\"id\": \"$ORG_ID\", \"name\": \"$ORG_NAME\"}}\n";

static const char *const datadog_tells[] = {
	"/alert_id /monitor_id /event_type",
	"/transition /alert_transition /last_updated /scopes",
	"/title /event_title",
	NULL,
};

/* $ALERT_TRANSITION; whatever is not a recovery needs somebody. */
static const struct mapping_value datadog_transitions[] = {
	{ "*recovered*", "resolved" },
	{ "*", "firing" },
	{ NULL, NULL },
};
/* $ALERT_PRIORITY, or the number of a monitor's priority, else $ALERT_TYPE. */
static const struct mapping_value datadog_priorities[] = {
	{ "P1", "critical" }, { "P2", "error" },    { "P3", "warning" },
	{ "P4", "info" },     { "P5", "info" },	    { "1", "critical" },
	{ "2", "error" },     { "3", "warning" },   { "4", "info" },
	{ "5", "info" },      { "error", "error" }, { "warning", "warning" },
	{ "info", "info" },   { "success", "" },    { "recovery", "" },
	{ "normal", "" },     { "low", "info" },    { "critical", "critical" },
	{ NULL, NULL },
};

static const struct mapping_rule datadog_rules[] = {
	{ .to = MAP_STATUS,
	  .from = { "/transition", "/alert_transition" },
	  .values = datadog_transitions },
	{ .to = MAP_SEVERITY,
	  .from = { "/priority", "/severity", "/alert_type" },
	  .values = datadog_priorities },
	{ .to = MAP_STARTS_AT, .from = { "/date", "/last_updated" }, .time = MAP_TIME_MS },
	{ .to = MAP_LINK, .from = { "/link", "/url" } },
	{ .to = MAP_SUMMARY, .from = { "/event_title", "/title" } },
	{ .to = MAP_DESCRIPTION, .from = { "/body", "/message", "/description" } },
	{ .to = MAP_LABEL, .name = "host", .from = { "/host", "/hostname" } },
	{ .to = MAP_LABEL, .name = "metric", .from = { "/metric", "/alert_metric" } },
	{ .to = MAP_LABEL, .name = "monitor_id", .from = { "/alert_id", "/monitor_id" } },
	{ .to = MAP_LABEL, .name = "org", .from = { "/org/name", "/org/{}/name" } },
	{ .to = MAP_ANNOTATION, .name = "monitor_query", .from = { "/query", "/alert_query" } },
	{ .to = MAP_ANNOTATION, .name = "monitor_status", .from = { "/status", "/alert_status" } },
	{ .to = MAP_ANNOTATION, .name = "image_url", .from = { "/snapshot" } },
	{ .to = MAP_ANNOTATION, .name = "alert_cycle_key", .from = { "/alert_cycle_key" } },
	{ .to = MAP_ANNOTATION, .name = "trace_id", .from = { "/trace_id" } },
	{ .to = MAP_LABELS, .from = { "/tags" } },
	{ .to = MAP_LABELS, .from = { "/scope" } },
	{ .to = MAP_LABELS, .from = { "/scopes" } },
};

static const struct alert_mapping datadog = {
	.name = "datadog",
	.what = "a webhook of Datadog",
	.family = "datadog",
	.tells = datadog_tells,
	.rules = datadog_rules,
	.nrules = ARRAY_LEN(datadog_rules),
};

/* ---- titles ---- */

/* The transition at the beginning of a title, "[Triggered on {host:a}] Disk" or "[No Data] Disk";
 * 0: it has none. */
static size_t transition_len(const char *title)
{
	static const char *const words[] = {
		"Triggered", "Re-Triggered", "Recovered",  "Warn",
		"Re-Warn",   "No Data",	     "Re-No Data", "Renotify"
	};

	for (size_t i = 0; *title == '[' && i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i]);
		if (strncasecmp(title + 1, words[i], len) == 0 &&
		    (title[1 + len] == ']' || title[1 + len] == ' '))
			return 1 + len;
	}
	return 0;
}

/* The title behind the transition. */
static const char *plain_title(const char *title)
{
	size_t len = title ? transition_len(title) : 0;
	const char *end = len ? strchr(title + len, ']') : NULL;

	if (!end)
		return title;
	end++;
	return end + strspn(end, " ");
}

/* Datadog's own body says only in the title what happened, and to which tags. */
static void read_title(struct mapped_alert *alert)
{
	const char *title = mapped_annotation(alert, "summary");
	size_t len = title ? transition_len(title) : 0;

	if (!alert->status && len)
		alert->status = strncasecmp(title, "[Recovered", len) == 0 ? "resolved" : "firing";
	if (!alert->id && len) /* "on {host:a}] Disk" */
		alert->id = title + len + strspn(title + len, " ");
	if (!alert->id)
		alert->id = title;
}

/* ---- an alert ---- */

static void name_monitor(struct mapped_alert *alert)
{
	const char *monitor = mapped_label(alert, "monitor_id");
	const char *scope = mapped_find(alert, "/scope"), *org = mapped_find(alert, "/org/id");

	if (!scope)
		scope = mapped_find(alert, "/scopes");
	if (!org)
		org = mapped_find(alert, "/org/{}/id");
	if (monitor)
		alert->id = scope ? mapped_join(alert, monitor, scope) : monitor;
	else
		alert->id = mapped_find(alert, "/aggreg_key");
	read_title(alert);
	if (org && alert->id)
		alert->id = mapped_join(alert, org, alert->id);
}

static const char *datadog_complete(struct mapped_alert *alert)
{
	const char *title = mapped_find(alert, "/title"), *type = mapped_find(alert, "/alert_type");

	name_monitor(alert);
	if (!alert->status && type && strcasecmp(type, "success") == 0)
		alert->status = "resolved";
	mapped_add_label(alert, "alertname",
			 plain_title(title ? title : mapped_annotation(alert, "summary")));
	mapped_add_label(alert, "deployment_environment", mapped_label(alert, "env"));
	mapped_event_time(alert);
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks datadog_hooks = { .complete = datadog_complete };

/* ---- forms ---- */

static bool is_form(const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);

	for (const char *at = text; equals && at < equals; at++)
		if (!isalnum((unsigned char)*at) && *at != '_')
			equals = NULL;
	return equals && equals > text;
}

/* Writes the form as a JSON object of texts. false: it is larger than any body. */
static bool form_to_json(const char *text, size_t len, struct buf *json)
{
	struct arena *arena = arena_new(4 * len + 4096);
	const char *end = text + len;

	buf_putc(json, '{');
	while (text < end) {
		const char *next = memchr(text, '&', (size_t)(end - text));
		const char *stop = next ? next : end;
		const char *equals = memchr(text, '=', (size_t)(stop - text));
		if (equals && equals > text)
			buf_json_text(json, url_decode(arena, text, (size_t)(equals - text)),
				      url_decode(arena, equals + 1, (size_t)(stop - equals - 1)));
		text = next ? next + 1 : end;
	}
	buf_putc(json, '}');
	arena_free(arena);
	return !json->failed;
}

static bool datadog_match(const char *text, size_t len)
{
	struct buf json = BUF_INIT(3 * (size_t)LIMIT_MAPPED_BODY_BYTES);
	bool matches;

	if (!is_form(text, len))
		return mapping_matches(&datadog, text, len);
	matches = len <= LIMIT_MAPPED_BODY_BYTES && form_to_json(text, len, &json) &&
		  mapping_matches(&datadog, buf_text(&json), json.len);
	buf_fini(&json);
	return matches;
}

static int datadog_parse(struct arena *arena, const struct alert_body *body,
			 struct alert_batch *ret_batch, struct err *err)
{
	struct buf json = BUF_INIT(3 * (size_t)LIMIT_MAPPED_BODY_BYTES);
	struct alert_body unfolded = *body;
	int error;

	if (!is_form(body->text, body->len))
		return mapping_parse(&datadog, &datadog_hooks, arena, body, ret_batch, err);
	if (body->len > LIMIT_MAPPED_BODY_BYTES || !form_to_json(body->text, body->len, &json)) {
		buf_fini(&json);
		return err_set(err, E2BIG,
			       "the body has more than %u bytes, the most of this format",
			       LIMIT_MAPPED_BODY_BYTES);
	}
	unfolded.text = buf_text(&json);
	unfolded.len = json.len;
	error = mapping_parse(&datadog, &datadog_hooks, arena, &unfolded, ret_batch, err);
	buf_fini(&json);
	return error;
}

const struct alert_format alert_format_DATADOG = {
	.name = "datadog",
	.text = "Datadog's webhook",
	.family = "datadog",
	.setup = datadog_setup,
	.match = datadog_match,
	.parse = datadog_parse,
};
