/*
 * Zabbix, by the media type below: an event of a trigger. Problem and recovery have the id of the
 * same event, which counts beside the server's name; an update (somebody acknowledged it, wrote a
 * comment) pages nobody. The tags of the event are labels. A host is no service. Source:
 * zabbix.com, "Webhook" and "Supported macros". Pure.
 */
#include "mapping_parts-internal.h"

#include <string.h>

#include "tracepager/xalloc.h"

static const char zabbix_setup[] =
	"Alerts > Media types > Create media type, type Webhook, with these parameters:\n"
	"url: URL of this sender\n"
	"token: its token\n"
	"zabbix_url: {$ZABBIX.URL}\n"
	"event_id: {EVENT.ID}\n"
	"event_value: {EVENT.VALUE}\n"
	"event_update_status: {EVENT.UPDATE.STATUS}\n"
	"event_name: {EVENT.NAME}\n"
	"event_nseverity: {EVENT.NSEVERITY}\n"
	"event_tags: {EVENT.TAGSJSON}\n"
	"event_timestamp: {EVENT.TIMESTAMP}\n"
	"event_recovery_timestamp: {EVENT.RECOVERY.TIMESTAMP}\n"
	"event_opdata: {EVENT.OPDATA}\n"
	"trigger_id: {TRIGGER.ID}\n"
	"trigger_description: {TRIGGER.DESCRIPTION}\n"
	"host: {HOST.NAME}\n"
	"and this script:\n"
	"var p = JSON.parse(value), r = new HttpRequest(), url = p.url;\n"
	"r.addHeader('Content-Type: application/json');\n"
	"if (p.token) r.addHeader('Authorization: Bearer ' + p.token);\n"
	"delete p.url; delete p.token;\n"
	"var answer = r.post(url, JSON.stringify(p));\n"
	"if (r.getStatus() < 200 || r.getStatus() > 299) throw r.getStatus() + ': ' + answer;\n"
	"return 'OK';\n";

static const char *const zabbix_tells[] = {
	"/event_id /EVENT.ID", "/event_value /EVENT.VALUE",
	"/event_nseverity /event_severity /trigger_id /EVENT.NSEVERITY "
	"/TRIGGER.ID",
	NULL
};

static const struct mapping_value zabbix_values[] = {
	{ "1", "firing" },    { "problem", "firing" },	  { "0", "resolved" },
	{ "ok", "resolved" }, { "resolved", "resolved" }, { NULL, NULL },
};
static const struct mapping_value zabbix_severities[] = {
	{ "5", "critical" }, { "disaster", "critical" },
	{ "4", "error" },    { "high", "error" },
	{ "3", "warning" },  { "average", "warning" },
	{ "2", "warning" },  { "warning", "warning" },
	{ "1", "info" },     { "information", "info" },
	{ "0", "info" },     { "not classified", "info" },
	{ NULL, NULL },
};
/* A macro that the server does not know stays as it is, or is "*UNKNOWN*". */
static const struct mapping_value zabbix_times[] = {
	{ "*[!0-9]*", "" },
	{ NULL, NULL },
};
static const struct mapping_value zabbix_texts[] = {
	{ "[*]UNKNOWN[*]", "" },
	{ "{[A-Z$]*}", "" },
	{ NULL, NULL },
};

static const struct mapping_rule zabbix_rules[] = {
	{ .to = MAP_STATUS, .from = { "/event_value", "/EVENT.VALUE" }, .values = zabbix_values },
	{ .to = MAP_SEVERITY,
	  .from = { "/event_nseverity", "/event_severity", "/EVENT.NSEVERITY", "/EVENT.SEVERITY" },
	  .values = zabbix_severities },
	{ .to = MAP_STARTS_AT,
	  .from = { "/event_timestamp" },
	  .values = zabbix_times,
	  .time = MAP_TIME_S },
	{ .to = MAP_ENDS_AT,
	  .from = { "/event_recovery_timestamp" },
	  .values = zabbix_times,
	  .time = MAP_TIME_S },
	{ .to = MAP_NAME,
	  .from = { "/event_name", "/trigger_name", "/alert_subject", "/EVENT.NAME",
		    "/TRIGGER.NAME" } },
	{ .to = MAP_SUMMARY,
	  .from = { "/alert_subject", "/event_name", "/ALERT.SUBJECT", "/EVENT.NAME" },
	  .values = zabbix_texts },
	{ .to = MAP_DESCRIPTION,
	  .from = { "/alert_message", "/trigger_description", "/event_opdata", "/ALERT.MESSAGE",
		    "/TRIGGER.DESCRIPTION" },
	  .values = zabbix_texts },
	{ .to = MAP_LINK, .from = { "/trigger_url", "/event_url", "/TRIGGER.URL" } },
	{ .to = MAP_LABEL,
	  .name = "host",
	  .from = { "/host", "/host_name", "/HOST.NAME", "/HOST.HOST" },
	  .values = zabbix_texts },
	{ .to = MAP_ANNOTATION,
	  .name = "value",
	  .from = { "/event_opdata" },
	  .values = zabbix_texts },
	{ .to = MAP_LABELS, .from = { "/event_tags/{}" } },
	{ .to = MAP_LABELS, .from = { "/EVENT.TAGSJSON/{}" } },
};

static const struct alert_mapping zabbix = {
	.name = "zabbix",
	.what = "an event of Zabbix",
	.family = "zabbix",
	.tells = zabbix_tells,
	.ignores = "an update of a problem of Zabbix pages nobody",
	.rules = zabbix_rules,
	.nrules = ARRAY_LEN(zabbix_rules),
};

/* A parameter by our name of it, or by Zabbix's own. */
static const char *zabbix_find(struct mapped_alert *alert, const char *ours, const char *theirs)
{
	const char *text = mapped_find(alert, ours);

	return text ? text : mapped_find(alert, theirs);
}

/* Zabbix shows an event at this address. */
static const char *zabbix_link(struct mapped_alert *alert, const char *url)
{
	const char *trigger = zabbix_find(alert, "/trigger_id", "/TRIGGER.ID");
	const char *event = zabbix_find(alert, "/event_id", "/EVENT.ID");
	size_t len = url ? strlen(url) : 0;

	if (!mapped_host(alert, url) || !trigger || !event || len > 1024 || strlen(event) > 64 ||
	    strlen(trigger) > 64)
		return NULL;
	len -= url[len - 1] == '/';
	return arena_printf(alert->arena, "%.*s/tr_events.php?triggerid=%s&eventid=%s", (int)len,
			    url, trigger, event);
}

static const char *zabbix_complete(struct mapped_alert *alert)
{
	const char *event = zabbix_find(alert, "/event_id", "/EVENT.ID");
	const char *url = zabbix_find(alert, "/zabbix_url", "/ZABBIX.URL");
	const char *update = zabbix_find(alert, "/event_update_status", "/EVENT.UPDATE.STATUS");
	const char *host = mapped_host(alert, url);

	alert->id = host ? mapped_join(alert, host, event) : event;
	if (update && strcmp(update, "1") == 0)
		alert->ignored = zabbix.ignores;
	if (!alert->link)
		alert->link = zabbix_link(alert, url);
	mapped_finish(alert);
	return NULL;
}

static const struct mapping_hooks zabbix_hooks = { .complete = zabbix_complete };

MAPPED_FORMAT_WITH(ZABBIX, "zabbix", "Zabbix, by a media type of ours", zabbix, &zabbix_hooks,
		   zabbix_setup);
