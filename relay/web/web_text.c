/* Web text: forms, paths, cursors, and problem documents of RFC 9457. See web-internal.h. */
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/hex.h"
#include "tracepager/sign.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"

/* ---- forms and queries ---- */

/* Decodes one character of the value; false: it is no text. */
static bool form_char(const char **at, const char *end, char *ret_c)
{
	char c = *(*at)++;

	if (c == '+')
		c = ' ';
	if (c == '%') {
		if (end - *at < 2 || hex_digit((*at)[0]) < 0 || hex_digit((*at)[1]) < 0)
			return false;
		c = (char)(hex_digit((*at)[0]) << 4 | hex_digit((*at)[1]));
		*at += 2;
	}
	*ret_c = c;
	return ((unsigned char)c >= ' ' && c != 0x7f) || c == '\t' || c == '\n' || c == '\r';
}

static enum web_found form_decode(const char *at, const char *end, char *out, size_t size)
{
	size_t len = 0;

	while (at < end) {
		char c;
		if (!form_char(&at, end, &c) || len + 1 >= size)
			return WEB_FOUND_BAD;
		out[len++] = c;
	}
	out[len] = '\0';
	return utf8_span(out, len) == len ? WEB_FOUND_ONE : WEB_FOUND_BAD;
}

enum web_found web_form_value(const char *form, size_t len, const char *name, char *out,
			      size_t size)
{
	const char *end = form + len;
	const size_t name_len = strlen(name);
	enum web_found found = WEB_FOUND_NONE;

	*out = '\0';
	while (form < end) {
		const char *amp = memchr(form, '&', (size_t)(end - form));
		const char *stop = amp ? amp : end;
		const char *equals = memchr(form, '=', (size_t)(stop - form));
		const char *name_end = equals ? equals : stop;
		if ((size_t)(name_end - form) == name_len && memcmp(form, name, name_len) == 0) {
			if (found != WEB_FOUND_NONE)
				found = WEB_FOUND_BAD;
			else
				found = form_decode(equals ? equals + 1 : stop, stop, out, size);
			if (found == WEB_FOUND_BAD)
				break;
		}
		form = amp ? amp + 1 : end;
	}
	if (found == WEB_FOUND_BAD)
		*out = '\0';
	return found;
}

/* ---- paths ---- */

bool web_path_fits(const char *pattern, const char *path, const char *ret_at[2], size_t ret_len[2])
{
	size_t n = 0;

	while (*pattern) {
		if (*pattern != '{') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		const size_t place = strcspn(pattern, "}");
		const bool rest = place > 3 && strncmp(pattern + place - 3, "...", 3) == 0;
		const size_t len = rest ? strlen(path) : strcspn(path, "/");
		if ((!rest && !len) || n == 2)
			return false;
		ret_at[n] = path;
		ret_len[n++] = len;
		path += len;
		pattern += place + 1;
	}
	return !*path;
}

/* ---- cursors ---- */

/* Base64 of "TIME ID" with the two characters changed that a URL cannot have as they are, and
 * without padding. */
void web_cursor_write(int64_t us, const char *id, struct buf *out)
{
	char text[LIMIT_PATH_PLACE_BYTES + 32], code[base64_size(sizeof(text))];
	const int len = snprintf(text, sizeof(text), "%lld %s", (long long)us, id);

	if (len < 0 || (size_t)len >= sizeof(text))
		return;
	base64_encode(text, (size_t)len, code);
	for (char *at = code; *at && *at != '='; at++)
		buf_putc(out, *at == '+' ? '-' : *at == '/' ? '_' : *at);
}

bool web_cursor_read(const char *cursor, int64_t *ret_us, char *ret_id, size_t size)
{
	char code[base64_size(LIMIT_PATH_PLACE_BYTES + 32)], text[LIMIT_PATH_PLACE_BYTES + 33];
	size_t len = strlen(cursor);
	char *end;

	if (len + 4 >= sizeof(code))
		return false;
	for (size_t i = 0; i < len; i++)
		code[i] = cursor[i] == '-' ? '+' : cursor[i] == '_' ? '/' : cursor[i];
	while (len % 4)
		code[len++] = '=';
	const int n = base64_decode(code, len, (unsigned char *)text, sizeof(text) - 1);
	if (n <= 0 || memchr(text, '\0', (size_t)n))
		return false;
	text[n] = '\0';
	const long long us = strtoll(text, &end, 10);
	if (end == text || *end != ' ' || strlen(end + 1) >= size || us < 0)
		return false;
	*ret_us = us;
	memcpy(ret_id, end + 1, strlen(end + 1) + 1);
	return true;
}

/* ---- entity tags ---- */

void web_etag(const void *data, size_t len, char out[WEB_ETAG_SIZE])
{
	static const char key[] = "etag", digits[] = "0123456789abcdef";
	unsigned char mac[HMAC_SHA256_BYTES];
	char *at = out;

	if (hmac_sha256(key, sizeof(key) - 1, data, len, mac) < 0)
		abort(); /* the key is ours */
	*at++ = '"';
	for (size_t i = 0; i < (WEB_ETAG_SIZE - 3) / 2; i++) {
		*at++ = digits[mac[i] >> 4];
		*at++ = digits[mac[i] & 15];
	}
	*at++ = '"';
	*at = '\0';
}

/* ---- problems ---- */

static const struct {
	int status;
	const char *title; /* RFC 9110 section 15 */
} web_titles[] = {
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
};

static const char *title_of(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(web_titles); i++)
		if (web_titles[i].status == status)
			return web_titles[i].title;
	return "Error";
}

/* The detail stands as "error" too: a client that reads the errors of other paths finds it. */
void web_write_problem(struct buf *out, int status, const char *detail)
{
	buf_putc(out, '{');
	buf_json_text(out, "type", "about:blank");
	buf_json_text(out, "title", title_of(status));
	buf_json_int(out, "status", status);
	buf_json_text(out, "detail", detail);
	buf_json_text(out, "error", detail);
	buf_puts(out, "}\n");
}
