/*
 * HTTP as data: headers of requests and replies, and escaping for URLs.
 *
 * curl and libevent could escape too, but only net/ includes them, and source kinds, which build
 * URLs, must not include net/: url_escape() serves every room.
 */
#include "tracepager/http.h"

#include <string.h>
#include <strings.h>

bool http_request_header(struct http_request *request, const char *name, const char *value)
{
	if (request->nheaders == LIMIT_REQUEST_HEADERS)
		return false;
	request->headers[request->nheaders++] =
		(struct http_header){ .name = name, .value = value };
	return true;
}

const char *http_reply_header(const struct http_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->nheaders; i++)
		if (strcasecmp(reply->headers[i].name, name) == 0)
			return reply->headers[i].value;
	return NULL;
}

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

const char *url_escape(struct arena *arena, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = arena_array(arena, strlen(text) + 1, 3);
	char *to = out;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (is_unreserved(c)) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '%';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	*to = '\0';
	return out;
}
