/*
 * Operation name: what the name of a span says of the operation. Two requests of one operation may
 * differ in ids, which stand in names where an instrumentation knows no route; and a name may say
 * nothing at all, as "GET" or a proxy's "ingress" do. It reads characters only and knows no
 * service.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "strata-internal.h"
#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define ID_WORD "{id}"
/* A word of hexadecimal digits is an id from this length on, if it has a digit: "deadbeef1". A
 * word of letters and digits from WORD_MIN on, if a quarter of it is digits: "01hv3k9q7z8mw2ab". */
#define HEX_MIN	 8
#define WORD_MIN 16

/* ---- ids ---- */

static bool ends_word(char c)
{
	return c == '\0' || strchr("/ ?&=,;()", c);
}

static bool is_id(const char *word, size_t len)
{
	size_t digits = 0, hex = 0, alnum = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)word[i];

		digits += isdigit(c) != 0;
		hex += isxdigit(c) || c == '-';
		alnum += isalnum(c) || c == '-' || c == '_';
	}
	if (digits == 0)
		return false;
	return digits == len || (hex == len && len >= HEX_MIN) ||
	       (alnum == len && len >= WORD_MIN && digits * 4 >= len);
}

const char *operation_without_ids(struct arena *arena, const char *name)
{
	struct buf out;
	const char *text, *at = name;
	bool any = false;

	if (!name[strcspn(name, "0123456789")])
		return name;
	/* An id may be one digit, and "{id}" has four characters. */
	buf_init(&out, strlen(name) * 4 + 1);
	while (*at) {
		size_t len = 0;

		while (!ends_word(at[len]))
			len++;
		if (is_id(at, len)) {
			buf_puts(&out, ID_WORD);
			any = true;
		} else {
			buf_add(&out, at, len);
		}
		at += len;
		if (*at)
			buf_putc(&out, *at++);
	}
	text = any ? arena_strdup(arena, buf_text(&out)) : name;
	buf_fini(&out);
	return text;
}

/* ---- names that say nothing ---- */

/* A method of HTTP, or what a proxy or server calls every request. */
static const char *const empty_words[] = {
	"GET",	 "POST",  "PUT",    "DELETE", "PATCH",	 "HEAD",   "OPTIONS",	 "CONNECT",
	"TRACE", "QUERY", "ANY",    "_OTHER", "HTTP",	 "HTTPS",  "GRPC",	 "REQUEST",
	"HTTP1", "HTTP2", "SERVER", "PROXY",  "INGRESS", "EGRESS", "ENTRYPOINT",
};

static bool is_empty_word(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(empty_words); i++)
		if (strlen(empty_words[i]) == len && strncasecmp(empty_words[i], word, len) == 0)
			return true;
	return false;
}

/* A route that every path matches: a host and port, if any, and "/" and a wildcard. */
static bool is_catch_all(const char *word, size_t len)
{
	const char *slash = memchr(word, '/', len);
	size_t rest;

	if (len > 0 && word[0] == '*')
		return true;
	if (!slash || memchr(slash + 1, '/', len - (size_t)(slash + 1 - word)))
		return false;
	rest = len - (size_t)(slash + 1 - word);
	if (rest == 0)
		return false;
	return slash[1] == '*' ||
	       (slash[1] == '{' && rest > 2 &&
		(slash[2] == '*' || word[len - 2] == '+' || word[len - 2] == '*'));
}

/* "router backend egress", "async backend egress": a proxy's call, named after its cluster. */
static bool is_proxy_call(const char *name)
{
	size_t len = strlen(name);

	return (strncmp(name, "router ", 7) == 0 || strncmp(name, "async ", 6) == 0) && len > 7 &&
	       strcmp(name + len - 7, " egress") == 0;
}

bool operation_tells(const char *name)
{
	const char *at = name;

	if (is_proxy_call(name))
		return false;
	while (*at) {
		size_t len = strcspn(at, " ");

		if (len > 0 && !is_empty_word(at, len) && !is_catch_all(at, len))
			return true;
		at += len + (at[len] == ' ');
	}
	return false;
}
