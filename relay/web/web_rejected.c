/*
 * Web, rejected: /api/v1/rejected: the latest bodies of senders that could not be read, or of which
 * alerts were refused.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/rejected.h"
#include "tracepager/utf8.h"

#include "web-internal.h"

struct rejected_list {
	char sender[LIMIT_PATH_PLACE_BYTES];
	size_t limit, n;
	bool more;
	int64_t last; /* id of the last entry */
	struct buf out;
};

/* Well-formed text, in which a byte that is none, and a NUL, is U+FFFD. */
static void rejected_add_text(struct buf *out, const char *body, size_t len)
{
	const char *end = body + len, *nul;

	while ((nul = memchr(body, '\0', (size_t)(end - body)))) {
		buf_add_utf8(out, body, (size_t)(nul - body));
		buf_puts(out, "\xef\xbf\xbd");
		body = nul + 1;
	}
	buf_add_utf8(out, body, (size_t)(end - body));
}

/* The place among the characters of the text, from 0. */
static void rejected_write_place(struct buf *out, const struct rejected_body *body)
{
	struct buf before = BUF_INIT(3 * (size_t)LIMIT_REJECTED_BODY_BYTES);

	if (body->byte < 0 || body->byte > (int64_t)body->body_len) {
		buf_json_int(out, "body_place", -1);
		return;
	}
	rejected_add_text(&before, body->body, (size_t)body->byte);
	buf_json_int(out, "body_place", (int64_t)utf8_count(buf_text(&before), before.len));
	buf_fini(&before);
}

static void rejected_write(struct buf *out, const struct rejected_body *body)
{
	struct buf text = BUF_INIT(3 * (size_t)LIMIT_REJECTED_BODY_BYTES);
	char id[24], at[RFC3339_SIZE];

	snprintf(id, sizeof(id), "%" PRId64, body->id);
	buf_json_text(out, "id", id);
	buf_json_text(out, "at", rfc3339_format(body->wall_us, at));
	buf_json_text(out, "sender", body->sender);
	buf_json_text(out, "peer", body->peer);
	buf_json_text(out, "reason", body->reason);
	buf_json_int(out, "byte", body->byte);
	buf_json_int(out, "length", (int64_t)body->len);
	buf_json_int(out, "body_bytes", (int64_t)body->body_len);
	rejected_write_place(out, body);
	rejected_add_text(&text, body->body, body->body_len);
	buf_json_key(out, "body");
	buf_json_stringn(out, buf_text(&text), text.len);
	buf_fini(&text);
}

static bool list_on_rejected(void *ctx, const struct rejected_body *body)
{
	struct rejected_list *list = ctx;

	if (*list->sender && strcmp(list->sender, body->sender) != 0)
		return true;
	if (list->n == list->limit) {
		list->more = true;
		return false;
	}
	buf_puts(&list->out, list->n++ ? ",{" : "{");
	rejected_write(&list->out, body);
	buf_putc(&list->out, '}');
	list->last = body->id;
	return true;
}

void web_serve_rejected(struct web_request *request)
{
	struct rejected_list list = { .out = BUF_INIT(LIMIT_INCIDENTS_BYTES) };
	char before[LIMIT_PATH_PLACE_BYTES], last[24];
	int64_t before_id;

	if (!web_query_text(request, "sender", list.sender, sizeof(list.sender)) ||
	    !web_query_limit(request, &list.limit) ||
	    !web_query_cursor(request, &before_id, before, sizeof(before)))
		return;
	buf_puts(&list.out, "{\"rejected\":[");
	rejected_each(intake_rejected(request->web->intake), before_id, list_on_rejected, &list);
	snprintf(last, sizeof(last), "%" PRId64, list.last);
	web_list_end(request, &list.out, list.last, list.more ? last : NULL);
}
