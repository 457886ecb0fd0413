/* Web intake: the paths of senders, whose requests intake answers. */
#include "config.h"

#include "web-internal.h"

void web_serve_webhook(struct web_request *request)
{
	intake_webhook(request->web->intake, request->exchange, request->param[0]);
}

void web_serve_handshake(struct web_request *request)
{
	intake_handshake(request->web->intake, request->exchange, request->param[0]);
}

void web_serve_alerts(struct web_request *request)
{
	intake_api_alerts(request->web->intake, request->exchange);
}

bool web_webhook_needs_token(const struct web *web, const char *param)
{
	return intake_needs_token(web->intake, param);
}

bool web_alerts_need_token(const struct web *web, const char *param)
{
	(void)param;
	return intake_needs_token(web->intake, NULL);
}

/* ---- APIs of other services ---- */

void web_serve_pagerduty_v2(struct web_request *request)
{
	intake_pagerduty_v2(request->web->intake, request->exchange);
}

void web_serve_pagerduty_v1(struct web_request *request)
{
	intake_pagerduty_v1(request->web->intake, request->exchange);
}

void web_serve_pagerduty_change(struct web_request *request)
{
	intake_pagerduty_change(request->web->intake, request->exchange);
}

bool web_pagerduty_needs_key(const struct web *web, const char *param)
{
	(void)param;
	return intake_pagerduty_needs_key(web->intake);
}

void web_serve_opsgenie_create(struct web_request *request)
{
	intake_opsgenie_create(request->web->intake, request->exchange);
}

void web_serve_opsgenie_act(struct web_request *request)
{
	intake_opsgenie_act(request->web->intake, request->exchange, request->param[0]);
}

void web_serve_opsgenie_request(struct web_request *request)
{
	intake_opsgenie_request(request->web->intake, request->exchange, request->param[0]);
}

bool web_opsgenie_needs_key(const struct web *web, const char *param)
{
	(void)param;
	return intake_opsgenie_needs_key(web->intake);
}

/* Grafana and rulers request Alertmanager's status before they send alerts. */
void web_serve_status(struct web_request *request)
{
	web_reply_json(
		request->exchange, 200,
		"{\"cluster\": {\"status\": \"disabled\", \"peers\": []}, \"config\": "
		"{\"original\": \"\"}, "
		"\"versionInfo\": {\"branch\": \"\", \"buildDate\": \"\", \"buildUser\": \"\", "
		"\"goVersion\": \"\", \"revision\": \"\", \"version\": "
		"\"tracepager " PACKAGE_VERSION "\"}}\n");
}
