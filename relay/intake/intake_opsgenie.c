/*
 * Intake of Opsgenie's Alert API: "Authorization: GenieKey KEY", of which the key is the token of
 * the sender. Answers as Opsgenie does, but only once the alert is on disk: then a request that is
 * asked about has always been processed, and its id says how it ended, so that nothing about it is
 * kept. Source: opsgenie-go-sdk-v2.
 *
 *	202   with the id of the request
 *	401   the key is nobody's
 *	404   no request has this id
 *	422   what is wrong
 *	503   send the alert again
 */
#include "intake_key-internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/sign.h"

#define OPSGENIE_FORMATS (INTAKE_FORMAT(FORMAT_OPSGENIE) | INTAKE_FORMAT(FORMAT_AUTO))

/* An alert's fingerprint, as format opsgenie makes it. */
#define OPSGENIE_ID_CHARS 32

/* What a request did: a letter of its id, and the words of Opsgenie for it. */
static const struct opsgenie_act {
	const char *path; /* the last part of it; "": it creates */
	char letter;
	const char *action, *done;
} opsgenie_acts[] = {
	{ "", 'c', "Create", "Created alert" },
	{ "close", 'x', "Close", "Closed alert" },
	{ "acknowledge", 'k', "Acknowledge", "Acknowledging pages nobody: nothing was done" },
	{ "notes", 'n', "AddNote", "A note pages nobody: nothing was done" },
};

/* NULL: there is none. */
static const struct opsgenie_act *find_act(const char *path)
{
	for (size_t i = 0; i < sizeof(opsgenie_acts) / sizeof(opsgenie_acts[0]); i++)
		if (strcmp(opsgenie_acts[i].path, path) == 0)
			return &opsgenie_acts[i];
	return NULL;
}

static void opsgenie_reply(struct http_exchange *exchange, int status, struct buf *body,
			   int64_t took_us, const char *request_id)
{
	char random[OPSGENIE_ID_CHARS + 1];

	if (!request_id) {
		random_id(random, OPSGENIE_ID_CHARS / 2);
		request_id = random;
	}
	buf_printf(body, ", \"took\": %.3f, \"requestId\": ", (double)took_us / 1e6);
	buf_json_string(body, request_id);
	buf_puts(body, "}\n");
	http_exchange_reply(exchange, status, NULL, buf_text(body), body->len,
			    status == 503 ? LIMIT_INTAKE_RETRY_AFTER_S : 0);
	buf_fini(body);
}

/* field "": no field is at fault. */
static void opsgenie_refuse(struct http_exchange *exchange, int status, const char *message,
			    const char *field, size_t field_len, int64_t took_us)
{
	struct buf body = BUF_INIT(LIMIT_INTAKE_REPLY_BYTES), name = BUF_INIT(64);

	buf_puts(&body, "{\"message\": ");
	buf_json_string(&body, message);
	if (field_len && buf_add(&name, field, field_len)) {
		buf_puts(&body, ", \"errors\": {");
		buf_json_string(&body, buf_text(&name));
		buf_puts(&body, ": ");
		buf_json_string(&body, message);
		buf_putc(&body, '}');
	}
	opsgenie_reply(exchange, status, &body, took_us, NULL);
	buf_fini(&name);
}

/* "ID-LETTER OUTCOME-TIME" without the blanks. An act that pages nobody concerns no alert: any id
 * stands there. */
static void write_request_id(const struct intake_outcome *outcome, const struct opsgenie_act *act,
			     char *out, size_t size)
{
	const struct alert_batch *batch = outcome->batch;
	char none[OPSGENIE_ID_CHARS + 1] = "";

	if (!batch->nalerts)
		random_id(none, OPSGENIE_ID_CHARS / 2);
	snprintf(out, size, "%s-%c%d-%llx", batch->nalerts ? batch->alerts[0].fingerprint : none,
		 act->letter, !outcome->counts[ACCEPT_UNKNOWN],
		 (unsigned long long)outcome->wall_us);
}

static void opsgenie_answer(const struct intake_outcome *outcome)
{
	const char *path = outcome->request->path_action;
	const struct alert_batch *batch = outcome->batch;
	struct buf body = BUF_INIT(LIMIT_INTAKE_REPLY_BYTES);
	char id[128];

	if (outcome->error) {
		opsgenie_refuse(outcome->exchange, outcome->status == 400 ? 422 : outcome->status,
				outcome->error, "", 0, outcome->took_us);
	} else if (batch->nrefused) {
		const char *text = strstr(batch->refused[0].text, ": ");
		text = text ? text + 2 : batch->refused[0].text;
		opsgenie_refuse(outcome->exchange, 422, text, text, strcspn(text, " "),
				outcome->took_us);
	} else {
		write_request_id(outcome, find_act(path ? path : ""), id, sizeof(id));
		buf_puts(&body, "{\"result\": \"Request will be processed\"");
		opsgenie_reply(outcome->exchange, 202, &body, outcome->took_us, id);
	}
}

/* The sender of the request; NULL: the request was answered. */
static const struct sender *opsgenie_sender(struct intake *intake, struct http_exchange *exchange)
{
	static const char scheme[] = "GenieKey ";
	const char *key = http_exchange_header(exchange, "Authorization");
	const struct sender *sender;
	struct err err;
	char text[sizeof(err.text) + 32];

	if (key && strncasecmp(key, scheme, sizeof(scheme) - 1) == 0)
		key += sizeof(scheme) - 1;
	else
		key = NULL;
	sender = intake_sender_of_key(intake, exchange, OPSGENIE_FORMATS, key, &err);
	if (sender)
		return sender;
	snprintf(text, sizeof(text), "Could not authenticate: %s", err.text);
	opsgenie_refuse(exchange, 401, text, "", 0, 0);
	return NULL;
}

void intake_opsgenie_create(struct intake *intake, struct http_exchange *exchange)
{
	const struct intake_request request = {
		.sender = opsgenie_sender(intake, exchange),
		.format = FORMAT_OPSGENIE,
		.answer = opsgenie_answer,
	};

	if (request.sender)
		intake_start(intake, exchange, &request);
}

/* The value of a parameter that has no characters to decode; false: it is another one. */
static bool query_is(const char *query, const char *name, const char *value)
{
	size_t n = strlen(name), len;

	for (; *query; query += len + (query[len] == '&')) {
		len = strcspn(query, "&");
		if (len > n && strncmp(query, name, n) == 0 && query[n] == '=')
			return len - n - 1 == strlen(value) &&
			       strncmp(query + n + 1, value, len - n - 1) == 0;
	}
	return false;
}

/* An alias may have slashes: the act is what stands behind the last one. */
void intake_opsgenie_act(struct intake *intake, struct http_exchange *exchange, const char *path)
{
	const struct sender *sender = opsgenie_sender(intake, exchange);

	if (!sender)
		return; /* answered: its path and its query may be gone */
	const char *slash = strrchr(path, '/'), *query = http_exchange_query(exchange);
	struct intake_request request = {
		.sender = sender,
		.format = FORMAT_OPSGENIE,
		.answer = opsgenie_answer,
		.path_action = slash ? slash + 1 : "",
		.path_id_is_ours = !query_is(query, "identifierType", "alias"),
	};

	if (!slash || slash == path || !*request.path_action || !find_act(request.path_action)) {
		opsgenie_refuse(exchange, 422,
				"POST to /v2/alerts/ALERT/close, /acknowledge or /notes", "", 0, 0);
		return;
	}
	if (query_is(query, "identifierType", "tiny")) {
		opsgenie_refuse(exchange, 422,
				"identifierType tiny is not known here: take alias or id",
				"identifierType", strlen("identifierType"), 0);
		return;
	}
	char *id = strndup(path, (size_t)(slash - path));
	if (!id)
		abort(); /* no memory */
	request.path_id = id;
	intake_start(intake, exchange, &request);
	free(id);
}

/* ---- what became of a request ---- */

/* NULL: this is no id of ours. */
static const struct opsgenie_act *read_request_id(const char *id, bool *ret_done, int64_t *ret_us)
{
	char *end;

	if (strspn(id, "0123456789abcdef") != OPSGENIE_ID_CHARS ||
	    strlen(id) < OPSGENIE_ID_CHARS + 5 || id[OPSGENIE_ID_CHARS] != '-')
		return NULL;
	const char *at = id + OPSGENIE_ID_CHARS + 1;
	*ret_done = at[1] == '1';
	*ret_us = (int64_t)strtoll(at + 3, &end, 16);
	if ((at[1] != '0' && at[1] != '1') || at[2] != '-' || *end || *ret_us <= 0)
		return NULL;
	for (size_t i = 0; i < sizeof(opsgenie_acts) / sizeof(opsgenie_acts[0]); i++)
		if (opsgenie_acts[i].letter == at[0])
			return &opsgenie_acts[i];
	return NULL;
}

void intake_opsgenie_request(struct intake *intake, struct http_exchange *exchange, const char *id)
{
	struct buf body = BUF_INIT(LIMIT_INTAKE_REPLY_BYTES);
	char time[RFC3339_SIZE];
	int64_t us;
	bool done;

	if (!opsgenie_sender(intake, exchange))
		return;
	const struct opsgenie_act *act = read_request_id(id, &done, &us);
	if (!act) {
		opsgenie_refuse(exchange, 404, "Request not found", "", 0, 0);
		return;
	}
	buf_printf(&body,
		   "{\"data\": {\"success\": %s, \"isSuccess\": %s, \"action\": \"%s\", "
		   "\"processedAt\": \"%s\", \"status\": \"%s\"",
		   done ? "true" : "false", done ? "true" : "false", act->action,
		   rfc3339_format(us, time), done ? act->done : "Alert does not exist");
	if (done && (act->letter == 'c' || act->letter == 'x'))
		buf_printf(&body, ", \"alertId\": \"%.*s\"", OPSGENIE_ID_CHARS, id);
	buf_putc(&body, '}');
	opsgenie_reply(exchange, 200, &body, 0, id);
}

bool intake_opsgenie_needs_key(const struct intake *intake)
{
	return intake_formats_need_key(intake, OPSGENIE_FORMATS);
}
