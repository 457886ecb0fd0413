/*
 * URL: percent-decoding. Pure; the arena keeps what is made.
 */
#include "tracepager/url.h"

#include <string.h>
#include <strings.h>

#include "tracepager/hex.h"

char *url_decode(struct arena *arena, const char *text, size_t len)
{
	char *out = arena_alloc(arena, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i] == '+' ? ' ' : text[i];
		if (c == '%' && i + 2 < len && hex_digit(text[i + 1]) >= 0 &&
		    hex_digit(text[i + 2]) >= 0) {
			c = (char)(hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]));
			i += 2;
		}
		if (c != '\0')
			out[n++] = c;
	}
	out[n] = '\0';
	return out;
}

bool url_is_local(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	const size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
	return (len == 9 && strncasecmp(host, "localhost", 9) == 0) ||
	       (len == 5 && strncmp(host, "[::1]", 5) == 0) ||
	       (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len);
}
