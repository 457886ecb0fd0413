/*
 * Amazon SNS with CloudWatch: a notification whose message is an alarm's change of state, as
 * CloudWatch writes it to a topic or as EventBridge passes it on; the same message delivered raw;
 * the records of a Lambda function, as people have them in files. Any other message is an alert of
 * its own, which nobody resolves. Reads what the signature covers and nothing else. Pure; intake
 * verifies the signature before. Sources: Amazon SNS developer guide; CloudWatch user guide.
 */
#include "mapping-internal.h"

#include <errno.h>
#include <string.h>

#include "tracepager/http.h"
#include "tracepager/limits.h"
#include "tracepager/sns.h"
#include "tracepager/xalloc.h"

static const struct mapping_value sns_states[] = {
	{ "ALARM", "firing" },
	{ "OK", "resolved" },
	{ "INSUFFICIENT_DATA", "ignore" },
	{ NULL, NULL },
};

/* The members of an alarm below a place, as CloudWatch has them and as EventBridge does. Each form
 * of a body is read at one place only: what stands elsewhere in an envelope is not signed. */
#define ALARM_RULES(at)                                                                            \
	{ .to = MAP_ID, .from = { at "/AlarmArn", at "/resources/0" } },                           \
		{ .to = MAP_STATUS,                                                                \
		  .from = { at "/NewStateValue", at "/detail/state/value" },                       \
		  .values = sns_states },                                                          \
		{ .to = MAP_NAME, .from = { at "/AlarmName", at "/detail/alarmName" } },           \
		{ .to = MAP_SUMMARY,                                                               \
		  .from = { at "/NewStateReason", at "/detail/state/reason" } },                   \
		{ .to = MAP_DESCRIPTION,                                                           \
		  .from = { at "/AlarmDescription", at "/detail/configuration/description" } },    \
		{ .to = MAP_STARTS_AT,                                                             \
		  .from = { at "/StateChangeTime", at "/detail/state/timestamp" } },               \
		{ .to = MAP_LABEL,                                                                 \
		  .name = "account",                                                               \
		  .from = { at "/AWSAccountId", at "/account" } },                                 \
		{ .to = MAP_LABEL,                                                                 \
		  .name = "region_name",                                                           \
		  .from = { at "/Region", at "/region" } },                                        \
		{ .to = MAP_LABEL, .name = "priority", .from = { at "/Priority" } },               \
		{ .to = MAP_LABEL,                                                                 \
		  .name = "metric_name",                                                           \
		  .from = { at "/Trigger/MetricName", at "/MetricName",                            \
			    at "/detail/configuration/metrics/0/metricStat/metric/name" } },       \
		{ .to = MAP_LABEL,                                                                 \
		  .name = "metric_namespace",                                                      \
		  .from = { at "/Trigger/Namespace", at "/Namespace",                              \
			    at "/detail/configuration/metrics/0/metricStat/metric/namespace" } },  \
	{                                                                                          \
		.to = MAP_LABELS, .from = {                                                        \
			at "/Trigger/Dimensions",                                                  \
			at "/Trigger/Metrics/*/MetricStat/Metric/Dimensions",                      \
			at "/detail/configuration/metrics/*/metricStat/metric/dimensions"          \
		}                                                                                  \
	}

static const struct mapping_rule sns_envelope_rules[] = {
	ALARM_RULES("/Message/{}"),
	{ .to = MAP_ANNOTATION, .name = "topic", .from = { "/TopicArn" } },
};
static const struct mapping_rule sns_record_rules[] = {
	ALARM_RULES("/Sns/Message/{}"),
	{ .to = MAP_ANNOTATION, .name = "topic", .from = { "/Sns/TopicArn" } },
};
static const struct mapping_rule sns_raw_rules[] = { ALARM_RULES("") };
static const struct mapping_rule sns_object_rules[] = { ALARM_RULES("/Message") };

/* The forms of a body. */
enum sns_form {
	SNS_ENVELOPE,
	SNS_RECORDS,
	SNS_OBJECT, /* the message of an envelope as an object, as examples show it */
	SNS_RAW,
	SNS_FORM_COUNT
};

#define SNS_MAPPING(form_rules, form_items)                                                        \
	{                                                                                          \
		.name = "sns", .what = "a message of Amazon SNS", .family = "sns",                 \
		.items = form_items, .rules = form_rules, .nrules = ARRAY_LEN(form_rules)          \
	}
static const struct alert_mapping sns_mappings[SNS_FORM_COUNT] = {
	[SNS_ENVELOPE] = SNS_MAPPING(sns_envelope_rules, NULL),
	[SNS_RECORDS] = SNS_MAPPING(sns_record_rules, "/Records"),
	[SNS_OBJECT] = SNS_MAPPING(sns_object_rules, NULL),
	[SNS_RAW] = SNS_MAPPING(sns_raw_rules, NULL),
};

/* ---- what the body is ---- */

static bool is_envelope(json_t *root)
{
	return json_is_string(json_object_get(root, "TopicArn")) &&
	       json_is_string(json_object_get(root, "MessageId")) &&
	       json_is_string(json_object_get(root, "Type"));
}

static bool is_alarm(struct json_places *places, const char *place)
{
	json_t *alarm = json_place_find(places, places->root, place);

	return json_object_get(alarm, "AlarmName") ||
	       json_object_get(json_object_get(alarm, "detail"), "alarmName");
}

/* SNS_FORM_COUNT: it is none. */
static enum sns_form form_of(struct json_places *places)
{
	if (is_envelope(places->root))
		return SNS_ENVELOPE;
	if (json_place_find(places, places->root, "/Records/0/Sns"))
		return SNS_RECORDS;
	if (is_alarm(places, "/Message"))
		return SNS_OBJECT;
	return is_alarm(places, "") ? SNS_RAW : SNS_FORM_COUNT;
}

static int begin_subscription(struct arena *arena, json_t *root, struct alert_batch *batch,
			      struct err *err)
{
	const char *url = json_string_value(json_object_get(root, "SubscribeURL"));
	const char *fault = url ? sns_url_fault(url) : "it is missing";

	if (fault)
		return err_set(err, EBADMSG, "SubscribeURL is not an address of Amazon SNS: %s",
			       fault);
	if (arena_room(arena) < 2 * LIMIT_LABEL_BYTES)
		return err_set(err, ENOMEM, "the memory of one request is used up");
	const char *topic = json_string_value(json_object_get(root, "TopicArn"));
	batch->confirm_url = arena_strdup(arena, url);
	batch->confirm_topic = arena_strndup(arena, topic, strnlen(topic, LIMIT_LABEL_BYTES));
	return 0;
}

static int sns_begin(struct arena *arena, const struct alert_body *body, struct json_places *places,
		     struct alert_batch *batch, struct err *err)
{
	json_t *root = places->root;
	const char *type = json_string_value(json_object_get(root, "Type"));

	(void)body;
	if (is_envelope(root) && strcmp(type, "SubscriptionConfirmation") == 0)
		return begin_subscription(arena, root, batch, err);
	if (is_envelope(root) && strcmp(type, "UnsubscribeConfirmation") == 0)
		batch->ignored = "the topic's subscription has ended: no further alerts come from "
				 "it";
	return 0;
}

/* ---- an alarm ---- */

/* "arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME": the part behind so many colons; NULL: the text is
 * no such ARN. */
static const char *arn_part(struct mapped_alert *alert, const char *arn, unsigned int n)
{
	if (!arn || strncmp(arn, "arn:", 4) != 0)
		return NULL;
	for (; n; n--) {
		arn = strchr(arn, ':');
		if (!arn)
			return NULL;
		arn++;
	}
	size_t len = strcspn(arn, ":");
	return len && len < LIMIT_DETAIL_LABEL_BYTES ? arena_strndup(alert->arena, arn, len) : NULL;
}

static const char *sns_label(const struct mapped_alert *alert, const char *name)
{
	for (size_t i = 0; i < alert->nlabels; i++)
		if (strcmp(alert->labels[i].name, name) == 0)
			return alert->labels[i].value;
	return NULL;
}

/* Dimensions that name the traced service. Those of load balancers and APIs name no service. */
static void name_service(struct mapped_alert *alert)
{
	static const char *const services[] = { "Service", "ServiceName", "FunctionName" };

	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		mapped_add_label(alert, "service", sns_label(alert, services[i]));
	mapped_add_label(alert, "operation", sns_label(alert, "Operation"));
	mapped_add_label(alert, "environment", sns_label(alert, "Environment"));
	mapped_add_label(alert, "cluster", sns_label(alert, "ClusterName"));
}

/* The alarm's page in the console of its region. */
static void link_console(struct mapped_alert *alert, const char *region, const char *name)
{
	if (!region || region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")] ||
	    strncmp(region, "cn-", 3) == 0 || strlen(name) > LIMIT_DETAIL_LABEL_BYTES)
		return;
	alert->link = arena_printf(alert->arena,
				   "https://%s.console.aws.amazon.com/cloudwatch/home?region=%s"
				   "#alarmsV2:alarm/%s",
				   region, region, url_escape(alert->arena, name));
}

static const char *complete_alarm(struct mapped_alert *alert, const char *name)
{
	const char *region = arn_part(alert, alert->id, 3);

	name_service(alert);
	mapped_add_label(alert, "region", region);
	if (!alert->id)
		alert->id = arena_printf(
			alert->arena, "%s/%s/%s",
			sns_label(alert, "account") ? sns_label(alert, "account") : "",
			sns_label(alert, "region_name") ? sns_label(alert, "region_name") : "",
			name);
	link_console(alert, region, name);
	if (alert->status && strcmp(alert->status, "ignore") == 0)
		alert->ignored = "an alarm without enough data pages nobody";
	if (alert->status && strcmp(alert->status, "resolved") == 0) {
		alert->ends_at_us = alert->starts_at_us;
		alert->starts_at_us = 0;
	}
	return NULL;
}

/* The first of two places that has a text. */
static const char *find_either(struct mapped_alert *alert, const char *place, const char *other)
{
	const char *text = mapped_find(alert, place);

	return text ? text : mapped_find(alert, other);
}

static const char *complete_message(struct mapped_alert *alert)
{
	const char *subject = find_either(alert, "/Subject", "/Sns/Subject");
	const char *message = find_either(alert, "/Message", "/Sns/Message");

	if (!message)
		return "it has no Message";
	alert->id = find_either(alert, "/MessageId", "/Sns/MessageId");
	mapped_add_label(alert, "alertname", subject ? subject : "Amazon SNS message");
	mapped_add_annotation(alert, "summary", subject);
	mapped_add_annotation(alert, "description", message);
	return NULL;
}

static const char *sns_complete(struct mapped_alert *alert)
{
	const char *name = sns_label(alert, "alertname");

	return name ? complete_alarm(alert, name) : complete_message(alert);
}

static const struct mapping_hooks sns_hooks = { .begin = sns_begin, .complete = sns_complete };

/* ---- the format ---- */

/* Has the text a name that each form has? Reading all of a body as JSON would take too long. */
static bool sns_may_match(const char *text, size_t len)
{
	static const char *const names[] = { "TopicArn", "Records", "AlarmName", "alarmName" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (memmem(text, len, names[i], strlen(names[i])))
			return true;
	return false;
}

static bool sns_match(const char *text, size_t len)
{
	struct json_places places;

	if (!sns_may_match(text, len))
		return false;
	bool matches = json_places_init(&places, text, len, NULL) == 0 &&
		       form_of(&places) != SNS_FORM_COUNT;

	json_places_fini(&places);
	return matches;
}

static int sns_parse(struct arena *arena, const struct alert_body *body,
		     struct alert_batch *ret_batch, struct err *err)
{
	struct json_places places;
	int error = json_places_init(&places, body->text, body->len, err);
	enum sns_form form = error ? SNS_FORM_COUNT : form_of(&places);

	json_places_fini(&places);
	if (error)
		return error;
	if (form == SNS_FORM_COUNT)
		return err_set(err, EBADMSG,
			       "this is not a message of Amazon SNS: it has neither a TopicArn nor "
			       "an AlarmName");
	return mapping_parse(&sns_mappings[form], &sns_hooks, arena, body, ret_batch, err);
}

const struct alert_format alert_format_SNS = {
	.name = "sns",
	.text = "Amazon SNS, with alarms of CloudWatch",
	.family = "sns",
	.match = sns_match,
	.parse = sns_parse,
};
