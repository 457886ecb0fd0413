/* Web rules: the rules in force and the shadow rules, and their reload. */
#include "web-internal.h"

void web_serve_reload(struct web_request *request)
{
	request->web->ops.reload(request->web->ops.ctx, request->exchange);
}

void web_serve_rules(struct web_request *request)
{
	struct buf text = BUF_INIT(LIMIT_RULES_STATUS_BYTES);

	request->web->ops.rules(request->web->ops.ctx, false, &text);
	web_reply_buf(request->exchange, "text/plain; charset=utf-8", &text);
}

void web_serve_api_rules(struct web_request *request)
{
	struct buf text = BUF_INIT(LIMIT_RULES_STATUS_BYTES);

	request->web->ops.rules(request->web->ops.ctx, true, &text);
	web_reply_buf(request->exchange, NULL, &text);
}

void web_serve_api_shadow(struct web_request *request)
{
	struct buf text = BUF_INIT(LIMIT_RULES_STATUS_BYTES);

	request->web->ops.shadow(request->web->ops.ctx, &text);
	web_reply_buf(request->exchange, NULL, &text);
}
