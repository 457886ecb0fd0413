/* Web, log: GET /api/v1/log tells how the relay logs; POST changes the level, for a time or not. */

#include "tracepager/arena.h"
#include "tracepager/buf_json.h"
#include "tracepager/log.h"
#include "tracepager/log_levels.h"
#include "tracepager/metrics.h"

#include "web-internal.h"
#include "web_act-internal.h"

static void log_write_view(const struct log_levels *levels, struct buf *out)
{
	const struct log_levels_view view = log_levels_view(levels);
	char until[RFC3339_SIZE];

	buf_putc(out, '{');
	buf_json_text(out, "level", log_level_name(view.level));
	buf_json_text(out, "configured", log_level_name(view.configured));
	buf_json_text(out, "until", view.until_us ? rfc3339_format(view.until_us, until) : NULL);
	buf_json_text(out, "who", *view.who ? view.who : NULL);
	buf_json_text(out, "format", log_format_name(log_format_now()));
	buf_json_int(out, "lines_summed", metric_value(METRIC_LOG_LINES_SUMMED));
	buf_json_int(out, "lines_dropped", metric_value(METRIC_LOG_LINES_DROPPED));
	buf_putc(out, '}');
}

void web_serve_log(struct web_request *request)
{
	struct buf out = BUF_INIT(LIMIT_WEB_ERROR_BYTES);

	log_write_view(request->web->log_levels, &out);
	web_reply_buf(request->exchange, NULL, &out);
}

/* False: the request was answered. */
static bool log_take_duration(struct web_request *request, const json_t *body, int64_t *ret_us)
{
	const json_t *value = json_object_get(body, "duration_s");
	const json_int_t most_s = LIMIT_LOG_LEVEL_US / US_PER_SECOND;

	*ret_us = 0;
	if (!value)
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < 1 ||
	    json_integer_value(value) > most_s) {
		web_failf(request->exchange, 400, "duration_s must be a number from 1 to %lld",
			  (long long)most_s);
		return false;
	}
	*ret_us = json_integer_value(value) * US_PER_SECOND;
	return true;
}

void web_serve_log_set(struct web_request *request)
{
	struct arena *arena = arena_new(LIMIT_ACT_BYTES);
	enum log_level level = LOG_LEVEL_INFO;
	const char *name, *who;
	int64_t for_us;
	json_t *body;

	if (web_body_object(request, &body)) {
		if (web_member_text(request, body, "level", &name) &&
		    web_member_text(request, body, "who", &who) &&
		    log_take_duration(request, body, &for_us)) {
			if (log_level_find(name, &level)) {
				log_levels_set(request->web->log_levels, level, for_us,
					       web_act_who(request, arena, who));
				web_serve_log(request);
			} else {
				web_fail(request->exchange, 400,
					 "level must be debug, info, warn or error");
			}
		}
		json_decref(body);
	}
	arena_free(arena);
}
