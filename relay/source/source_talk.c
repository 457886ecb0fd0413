/*
 * What the kinds of trace sources share: see source_talk-internal.h.
 */
#include "source_talk-internal.h"

#include <inttypes.h>
#include <string.h>

#include "tracepager/glob.h"
#include "tracepager/limits.h"
#include "tracepager/sign.h"

/* ---- requests ---- */

/* "user:password" in base64 (RFC 7617). NULL: not configured. */
static const char *basic_credentials(struct arena *arena, const struct source_config *config)
{
	const char *text = config->basic.value;

	if (!text && config->username)
		text = arena_printf(arena, "%s:%s", config->username,
				    config->password.value ? config->password.value : "");
	if (!text)
		return NULL;
	size_t len = strlen(text);
	char *out = arena_alloc(arena, base64_size(len));
	base64_encode(text, len, out);
	return out;
}

static void add_tenant(struct source_talk *talk)
{
	const char *const *names = talk->source->tenant_headers;
	const char *tenant = talk->config->tenant;

	if (!tenant || !names[0])
		return;
	size_t len = names[1] ? strcspn(tenant, ":") : strlen(tenant);
	http_request_header(&talk->request, names[0], arena_strndup(talk->arena, tenant, len));
	if (tenant[len])
		http_request_header(&talk->request, names[1], tenant + len + 1);
}

/* The HTTP client signs the request when it sends it, over the headers that it really sends. */
static void sign_aws(struct source_talk *talk, const char *service)
{
	const struct source_config *config = talk->config;

	talk->request.sigv4 = arena_printf(talk->arena, "aws:amz:%s:%s", config->region, service);
	talk->request.sigv4_keys =
		arena_printf(talk->arena, "%s:%s", config->username,
			     config->password.value ? config->password.value : "");
	if (config->session_token.value)
		http_request_header(&talk->request, "X-Amz-Security-Token",
				    arena_strdup(talk->arena, config->session_token.value));
}

struct secret_hide *source_config_secrets(const struct source_config *config)
{
	struct secret_hide *hide = secret_hide_new();

	secret_hide_add_url(hide, config->url, false, NULL);
	secret_hide_add(hide, config->bearer.value);
	secret_hide_add(hide, config->basic.value);
	secret_hide_add(hide, config->password.value);
	secret_hide_add(hide, config->session_token.value);
	secret_hide_add(hide, config->api_key.value);
	secret_hide_add(hide, config->app_key.value);
	for (size_t i = 0; i < config->nheaders; i++)
		if (config->headers[i].value.value)
			secret_hide_add_header(hide, config->headers[i].value.value);
	return hide;
}

void source_request(struct source_talk *talk, enum http_method method, const char *url)
{
	const struct source_config *config = talk->config;
	struct http_request *request = &talk->request;
	const char *service = talk->source->sigv4_service;
	const char *user = service ? NULL : basic_credentials(talk->arena, config);

	*request = (struct http_request){
		.method = method,
		.url = url,
		.timeout_us = config->timeout_us,
		.max_reply_bytes = LIMIT_TRACE_BODY_BYTES,
		.ca_file = config->ca_file,
		.cert_file = config->cert_file,
		.key_file = config->key_file,
	};
	if (service)
		sign_aws(talk, service);
	else if (config->bearer.value)
		http_request_header(request, "Authorization",
				    arena_printf(talk->arena, "Bearer %s", config->bearer.value));
	else if (user)
		http_request_header(request, "Authorization",
				    arena_printf(talk->arena, "Basic %s", user));
	add_tenant(talk);
	for (size_t i = 0; i < config->nheaders; i++)
		if (config->headers[i].value.value)
			http_request_header(
				request, config->headers[i].name,
				arena_strdup(talk->arena, config->headers[i].value.value));
}

bool source_post(struct source_talk *talk, const char *url, struct buf *body)
{
	const char *text = source_url_take(talk->arena, body);

	if (!url || !text)
		return false;
	source_request(talk, HTTP_POST, url);
	talk->request.body = text;
	talk->request.body_len = strlen(text);
	http_request_header(&talk->request, "Content-Type", "application/json");
	http_request_header(&talk->request, "Accept", "application/json");
	return true;
}

bool source_get(struct source_talk *talk, const char *url, const char *accept,
		enum trace_encoding encoding)
{
	if (!url)
		return false;
	source_request(talk, HTTP_GET, url);
	http_request_header(&talk->request, "Accept", accept);
	talk->encoding = encoding;
	return true;
}

void source_read_text(struct source_talk *talk)
{
	talk->encoding = SOURCE_TEXT;
	talk->request.max_reply_bytes = LIMIT_SOURCE_TEXT_BYTES;
}

/* ---- replies ---- */

enum source_step source_end(struct source_talk *talk, enum source_step step, const char *text)
{
	talk->text = text;
	return step;
}

bool source_is_web_page(const struct http_reply *reply)
{
	return strncmp(reply->content_type, "text/html", 9) == 0 ||
	       (reply->body && reply->body[strspn(reply->body, " \t\r\n")] == '<');
}

enum source_step source_judge(struct source_talk *talk)
{
	const struct http_reply *reply = talk->reply;
	int status = reply->status;

	if (status >= 200 && status <= 299) {
		if (!talk->error)
			return SOURCE_TRACES;
		return source_unreadable(talk, SOURCE_BAD, NULL);
	}
	if (status == 404)
		return SOURCE_NOT_FOUND;
	if (status >= 300 && status <= 399)
		return source_end(
			talk, SOURCE_REFUSED,
			arena_printf(
				talk->arena,
				"answered HTTP %d, a redirect, which is not followed; is its url "
				"right?",
				status));
	const char *text = arena_printf(talk->arena, "answered HTTP %d", status);
	if (status != 408 && status != 425 && status != 429 && status < 500)
		return source_end(talk, SOURCE_REFUSED, text);
	if (reply->retry_after_us > 0)
		talk->hold_us = reply->retry_after_us < LIMIT_RETRY_AFTER_US ? reply->retry_after_us
									     : LIMIT_RETRY_AFTER_US;
	return source_end(talk, SOURCE_FAILED, text);
}

enum source_step source_unreadable(struct source_talk *talk, enum source_step step,
				   const char *text)
{
	return source_end(talk, step,
			  source_is_web_page(talk->reply) ? SOURCE_SENT_WEB_PAGE : text);
}

bool source_read_paths(struct source_talk *talk, paths_handler *handler)
{
	struct paths *paths = paths_new(handler, talk);
	bool good;

	paths_repair(paths);
	good = paths_feed(paths, talk->reply->body, talk->reply->len, NULL) == 0 &&
	       paths_finish(paths, NULL) == 0;

	paths_free(paths);
	return good;
}

/* ---- URLs ---- */

void source_url(struct buf *url, const char *base, const char *path)
{
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	buf_add(url, base, len);
	buf_puts(url, path);
}

void source_url_param(struct arena *arena, struct buf *url, const char *name, const char *value)
{
	buf_printf(url, "%c%s=%s", strchr(buf_text(url), '?') ? '&' : '?', name,
		   url_escape(arena, value));
}

void source_url_number(struct arena *arena, struct buf *url, const char *name, int64_t value)
{
	source_url_param(arena, url, name, arena_printf(arena, "%" PRId64, value));
}

const char *source_url_take(struct arena *arena, struct buf *url)
{
	const char *text = url->len > 0 && !url->failed ? arena_strdup(arena, buf_text(url)) : NULL;

	buf_fini(url);
	return text;
}

/* ---- questions ---- */

void source_add_quoted(struct buf *buf, const char *text, const char *line_feed)
{
	buf_putc(buf, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_putc(buf, '\\');
		if (*text == '\n')
			buf_puts(buf, line_feed);
		else
			buf_putc(buf, *text);
	}
	buf_putc(buf, '"');
}

bool source_has_service(const struct trace_query *query)
{
	return query->signal && source_plain(query->signal->service);
}

const char *source_plain(const char *text)
{
	return text && *text && !glob_has_wildcard(text) ? text : NULL;
}
