/*
 * Intake of PagerDuty's Events API, versions 2 and 1: the integration key in the body is the token
 * of the sender. Answers as PagerDuty does, but only once the event is on disk. Source: PagerDuty's
 * api-schema, reference/events-v1 and events-v2.
 *
 *	202 (v1: 200)  with the key of the event, the one that was sent or the one that was made
 *	400   "invalid event", with all that is wrong; or the key is nobody's
 *	413   over LIMIT_EVENT_BODY_BYTES
 *	503   send the event again
 */
#include "intake_key-internal.h"

#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"

#define PAGERDUTY_FORMATS                                                                          \
	(INTAKE_FORMAT(FORMAT_PAGERDUTY_V2) | INTAKE_FORMAT(FORMAT_PAGERDUTY_V1) |                 \
	 INTAKE_FORMAT(FORMAT_AUTO))

static void pagerduty_reply(struct http_exchange *exchange, int status, struct buf *body)
{
	buf_puts(body, "}\n");
	http_exchange_reply(exchange, status, NULL, buf_text(body), body->len,
			    status == 503 ? LIMIT_INTAKE_RETRY_AFTER_S : 0);
	buf_fini(body);
}

static void pagerduty_begin(struct buf *body, const char *status, const char *message)
{
	*body = (struct buf)BUF_INIT(LIMIT_INTAKE_REPLY_BYTES);
	buf_puts(body, "{\"status\": ");
	buf_json_string(body, status);
	buf_puts(body, ", \"message\": ");
	buf_json_string(body, message);
}

/* "alert 0: a; b" is two errors. */
static void add_errors(struct buf *body, const char *text)
{
	const char *behind = strncmp(text, "alert ", 6) == 0 ? strstr(text, ": ") : NULL;
	bool first = true;

	text = behind ? behind + 2 : text;
	buf_puts(body, ", \"errors\": [");
	while (text) {
		const char *end = strstr(text, "; ");
		struct buf one = BUF_INIT(LIMIT_ALERT_NOTE_BYTES);
		buf_add(&one, text, end ? (size_t)(end - text) : strlen(text));
		buf_puts(body, first ? "" : ", ");
		buf_json_string(body, buf_text(&one));
		buf_fini(&one);
		first = false;
		text = end ? end + 2 : NULL;
	}
	buf_putc(body, ']');
}

static void pagerduty_refuse(struct http_exchange *exchange, int status, const char *message,
			     const char *errors)
{
	struct buf body;

	pagerduty_begin(&body, "invalid event", message);
	add_errors(&body, errors);
	pagerduty_reply(exchange, status, &body);
}

static void pagerduty_answer(const struct intake_outcome *outcome, int taken, const char *member)
{
	static const char invalid[] = "Event object is invalid";
	const struct alert_batch *batch = outcome->batch;
	struct buf body;

	if (outcome->status == 400) {
		pagerduty_refuse(outcome->exchange, 400, invalid, outcome->error);
	} else if (outcome->error) {
		pagerduty_begin(&body, "unavailable", outcome->error);
		pagerduty_reply(outcome->exchange, 503, &body);
	} else if (batch->nrefused) {
		pagerduty_refuse(outcome->exchange, 400, invalid, batch->refused[0].text);
	} else {
		pagerduty_begin(&body, "success", "Event processed");
		buf_printf(&body, ", \"%s\": ", member);
		buf_json_string(&body, batch->event_key ? batch->event_key : "");
		pagerduty_reply(outcome->exchange, taken, &body);
	}
}

static void pagerduty_v2_answer(const struct intake_outcome *outcome)
{
	pagerduty_answer(outcome, 202, "dedup_key");
}

static void pagerduty_v1_answer(const struct intake_outcome *outcome)
{
	pagerduty_answer(outcome, 200, "incident_key");
}

/* The sender of the request; NULL: the request was answered. */
static const struct sender *pagerduty_sender(struct intake *intake, struct http_exchange *exchange,
					     const char *member, const char *message)
{
	const struct sender *sender;
	struct err err;
	struct buf key;
	size_t len;
	const char *text = http_exchange_body(exchange, &len);

	if (len > LIMIT_EVENT_BODY_BYTES) {
		pagerduty_refuse(exchange, 413, "Event object is invalid",
				 "the body is larger than an event may be: 1 MiB");
		return NULL;
	}
	bool found = intake_body_key(text, len, member, &key);
	sender = intake_sender_of_key(intake, exchange, PAGERDUTY_FORMATS,
				      found ? buf_text(&key) : NULL, &err);
	buf_fini(&key);
	if (sender)
		return sender;
	pagerduty_refuse(exchange, 400, message, err.text);
	return NULL;
}

void intake_pagerduty_v2(struct intake *intake, struct http_exchange *exchange)
{
	const struct intake_request request = {
		.sender = pagerduty_sender(intake, exchange, "routing_key", "Invalid routing key"),
		.format = FORMAT_PAGERDUTY_V2,
		.answer = pagerduty_v2_answer,
	};

	if (request.sender)
		intake_start(intake, exchange, &request);
}

void intake_pagerduty_v1(struct intake *intake, struct http_exchange *exchange)
{
	const struct intake_request request = {
		.sender = pagerduty_sender(intake, exchange, "service_key", "Invalid service key"),
		.format = FORMAT_PAGERDUTY_V1,
		.answer = pagerduty_v1_answer,
	};

	if (request.sender)
		intake_start(intake, exchange, &request);
}

/* What changed pages nobody, and is not kept. */
void intake_pagerduty_change(struct intake *intake, struct http_exchange *exchange)
{
	struct buf body;

	if (!pagerduty_sender(intake, exchange, "routing_key", "Invalid routing key"))
		return;
	pagerduty_begin(&body, "success",
			"Change event processed: it pages nobody and is not kept");
	pagerduty_reply(exchange, 202, &body);
}

bool intake_pagerduty_needs_key(const struct intake *intake)
{
	return intake_formats_need_key(intake, PAGERDUTY_FORMATS);
}
