/*
 * Intake handshake: before it delivers CloudEvents, a sender asks by OPTIONS whether they are
 * wanted. Granting needs no token, since each delivery does. An address to call back
 * (WebHook-Request-Callback) is not called. Source: CloudEvents, HTTP 1.1 Web Hooks, section 4.
 */
#include "intake-internal.h"

#include <stdio.h>

#include "tracepager/buf_json.h"

static void reply_handshake(struct http_exchange *exchange, int status, const char *text)
{
	struct buf body = BUF_INIT(LIMIT_INTAKE_REPLY_BYTES);

	buf_puts(&body, status == 200 ? "{\"granted\": " : "{\"error\": ");
	buf_json_string(&body, text);
	buf_puts(&body, "}\n");
	http_exchange_reply(exchange, status, NULL, buf_text(&body), body.len, 0);
	buf_fini(&body);
}

void intake_handshake(struct intake *intake, struct http_exchange *exchange, const char *name)
{
	const char *origin = http_exchange_header(exchange, "WebHook-Request-Origin");
	const struct sender *sender = intake_find_sender(intake, name);

	if (!sender) {
		reply_handshake(exchange, 404,
				"no such sender; declare it under senders: in tracepager.yaml");
	} else if (sender->format != FORMAT_CLOUDEVENTS && sender->format != FORMAT_AUTO) {
		reply_handshake(exchange, 403,
				"this sender does not send CloudEvents: declare it with format: "
				"cloudevents");
	} else {
		http_exchange_set(exchange, "Allow", "POST");
		http_exchange_set(exchange, "WebHook-Allowed-Origin", origin ? origin : "*");
		if (http_exchange_header(exchange, "WebHook-Request-Rate"))
			http_exchange_set(exchange, "WebHook-Allowed-Rate", "*");
		reply_handshake(exchange, 200, sender->name);
	}
}
