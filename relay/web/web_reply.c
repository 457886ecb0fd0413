/* Web reply: answers to requests. See web-internal.h. */
#include <stdarg.h>
#include <string.h>

#include "tracepager/buf_json.h"

#include "web-internal.h"

static bool is_api(const struct http_exchange *exchange)
{
	static const char prefix[] = "/api/v1";
	const char *path = http_exchange_path(exchange);
	const size_t len = sizeof(prefix) - 1;

	return strncmp(path, prefix, len) == 0 && (!path[len] || path[len] == '/');
}

void web_fail(struct http_exchange *exchange, int status, const char *detail)
{
	const bool api = is_api(exchange);
	struct buf body = BUF_INIT(LIMIT_WEB_ERROR_BYTES);

	if (api) {
		web_write_problem(&body, status, detail);
	} else {
		buf_puts(&body, "{\"error\": ");
		buf_json_string(&body, detail);
		buf_puts(&body, "}\n");
	}
	if (status == 401)
		http_exchange_set(exchange, "WWW-Authenticate", "Bearer");
	http_exchange_reply(exchange, status, api ? "application/problem+json" : NULL,
			    buf_text(&body), body.len, status == 503 ? LIMIT_WEB_RETRY_AFTER_S : 0);
	buf_fini(&body);
}

void web_failf(struct http_exchange *exchange, int status, const char *format, ...)
{
	struct buf text = BUF_INIT(LIMIT_WEB_ERROR_BYTES / 16);
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	web_fail(exchange, status, buf_text(&text));
	buf_fini(&text);
}

void web_reply_text(struct http_exchange *exchange, int status, const char *text)
{
	http_exchange_reply(exchange, status, "text/plain; charset=utf-8", text, strlen(text), 0);
}

/* Does a list of entity tags (RFC 9110 section 13.1.2) name it? */
static bool etag_listed(const char *list, const char *etag)
{
	const char *found = list ? strstr(list, etag) : NULL;

	return list && (found || strcmp(list, "*") == 0);
}

/* Tells a GET of the API what its answer is the same as; true: the client has it, and was answered
 * so. The tag is the answer's digest: it stays over a restart. */
static bool reply_not_modified(struct http_exchange *exchange, const char *text, size_t len)
{
	char etag[WEB_ETAG_SIZE];

	if (http_exchange_verb(exchange) != HTTP_VERB_GET || !is_api(exchange) ||
	    len > LIMIT_ETAG_OF_BYTES)
		return false;
	web_etag(text, len, etag);
	http_exchange_set(exchange, "ETag", etag);
	if (!etag_listed(http_exchange_header(exchange, "If-None-Match"), etag))
		return false;
	http_exchange_reply(exchange, 304, NULL, "", 0, 0);
	return true;
}

void web_reply_json(struct http_exchange *exchange, int status, const char *text)
{
	if (status != 200 || !reply_not_modified(exchange, text, strlen(text)))
		http_exchange_reply(exchange, status, NULL, text, strlen(text), 0);
}

void web_reply_buf(struct http_exchange *exchange, const char *type, struct buf *text)
{
	buf_putc(text, '\n');
	if (text->failed)
		web_fail(exchange, 500, "the answer is larger than 16 MiB");
	else if (!reply_not_modified(exchange, buf_text(text), text->len))
		http_exchange_reply(exchange, 200, type, buf_text(text), text->len, 0);
	buf_fini(text);
}
