/* Web request: tokens, query and body of a request. See web-internal.h. */
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_origin-internal.h"

/* ---- tokens ---- */

/* Compares every token, so that the time taken does not tell which one is close. */
const struct web_token *web_find_token(const struct web *web, const char *authorization)
{
	const struct web_token *found = NULL;

	for (size_t i = 0; i < web->ntokens; i++)
		if (bearer_shown(authorization, web->tokens[i].secret) && !found)
			found = &web->tokens[i];
	return found;
}

/* ---- the server that is asked ---- */

bool web_names_us(const struct web *web, const char *authority)
{
	const char *own = strstr(web->external_url, "://");
	CLEANUP_FREE char *own_host = own ? xstrndup(own + 3, strcspn(own + 3, "/")) : NULL;

	return web_host_is_ours(authority, web->listen, web->hosts) ||
	       (own_host && web_host_is_ours(authority, own_host, ""));
}

/* ---- the body ---- */

bool web_body_object(struct web_request *request, json_t **ret_body)
{
	json_error_t error;
	size_t len;
	const char *text = http_exchange_body(request->exchange, &len);

	if (len > LIMIT_WEB_BODY_BYTES) {
		web_failf(request->exchange, 413, "the body is larger than %u bytes",
			  LIMIT_WEB_BODY_BYTES);
		return false;
	}
	json_t *body = len ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &error) : json_object();
	if (json_is_object(body)) {
		*ret_body = body;
		return true;
	}
	if (body)
		web_fail(request->exchange, 400, "the body must be a JSON object");
	else
		web_failf(request->exchange, 400, "the body is no JSON: %s (line %d, column %d)",
			  error.text, error.line, error.column);
	json_decref(body);
	return false;
}

bool web_member_text_most(struct web_request *request, const json_t *body, const char *name,
			  size_t most, const char **ret_text)
{
	const json_t *value = json_object_get(body, name);

	*ret_text = "";
	if (!value || json_is_null(value))
		return true;
	if (!json_is_string(value)) {
		web_failf(request->exchange, 400, "%s must be a text", name);
		return false;
	}
	if (json_string_length(value) > most) {
		web_failf(request->exchange, 400, "%s is longer than %zu bytes: shorten it", name,
			  most);
		return false;
	}
	*ret_text = json_string_value(value);
	return true;
}

bool web_member_text(struct web_request *request, const json_t *body, const char *name,
		     const char **ret_text)
{
	return web_member_text_most(request, body, name, LIMIT_ACT_TEXT_BYTES, ret_text);
}

/* ---- the query ---- */

bool web_query_text(struct web_request *request, const char *name, char *out, size_t size)
{
	const char *query = http_exchange_query(request->exchange);

	if (web_form_value(query, strlen(query), name, out, size) != WEB_FOUND_BAD)
		return true;
	web_failf(request->exchange, 400,
		  "give the parameter %s once, as text of less than %zu bytes", name, size);
	return false;
}

bool web_query_limit(struct web_request *request, size_t *ret_limit)
{
	char text[16];

	*ret_limit = LIMIT_LIST_DEFAULT;
	if (!web_query_text(request, "limit", text, sizeof(text)))
		return false;
	if (!*text)
		return true;
	const long limit = strtol(text, NULL, 10);
	if (text[strspn(text, "0123456789")] || limit < 1 || limit > LIMIT_LIST_MOST) {
		web_failf(request->exchange, 400, "limit must be a number from 1 to %d",
			  LIMIT_LIST_MOST);
		return false;
	}
	*ret_limit = (size_t)limit;
	return true;
}

bool web_query_cursor(struct web_request *request, int64_t *ret_us, char *out, size_t size)
{
	char cursor[2 * LIMIT_PATH_PLACE_BYTES];

	*ret_us = 0;
	*out = '\0';
	if (!web_query_text(request, "cursor", cursor, sizeof(cursor)))
		return false;
	if (!*cursor || web_cursor_read(cursor, ret_us, out, size))
		return true;
	web_fail(request->exchange, 400,
		 "cursor must be the \"next\" of the answer before; leave it out to start anew");
	return false;
}

/* The query with another cursor in it. */
static void add_next_query(const char *query, const char *cursor, struct buf *out)
{
	while (*query) {
		const size_t len = strcspn(query, "&");
		if (len && strncmp(query, "cursor=", 7) != 0)
			buf_printf(out, "%.*s&", (int)len, query);
		query += len + (query[len] == '&');
	}
	buf_printf(out, "cursor=%s", cursor);
}

void web_list_end(struct web_request *request, struct buf *out, int64_t next_us,
		  const char *next_id)
{
	struct buf cursor = BUF_INIT(2 * LIMIT_PATH_PLACE_BYTES),
		   link = BUF_INIT(LIMIT_LINK_HEADER_BYTES);

	if (next_id) {
		web_cursor_write(next_us, next_id, &cursor);
		buf_printf(&link, "<%s?", http_exchange_path(request->exchange));
		add_next_query(http_exchange_query(request->exchange), buf_text(&cursor), &link);
		buf_puts(&link, ">; rel=\"next\"");
		if (!link.failed)
			http_exchange_set(request->exchange, "Link", buf_text(&link));
	}
	buf_puts(out, "],\"next\":");
	buf_json_string(out, next_id ? buf_text(&cursor) : NULL);
	buf_putc(out, '}');
	web_reply_buf(request->exchange, NULL, out);
	buf_fini(&cursor);
	buf_fini(&link);
}
