/* Web drain: POST /-/drain: the relay ends what is under way, and then itself. */
#include "tracepager/log.h"

#include "web-internal.h"

void web_serve_drain(struct web_request *request)
{
	const struct web_ops *ops = &request->web->ops;

	log_info("a person drains the relay", LOG_STR("who", request->who));
	web_reply_json(
		request->exchange, 202,
		"{\"outcome\": \"done\", \"text\": \"draining: what is under way ends, pages "
		"that wait stay in the store, and the relay ends\"}\n");
	ops->drain(ops->ctx);
}
