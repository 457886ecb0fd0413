/* Secrets in the words of others: see secret_hide.h. */
#include "tracepager/secret_hide.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/hex.h"
#include "tracepager/limits.h"
#include "tracepager/sign.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

struct hidden_text {
	char *text;
	size_t len;
	bool is_base64; /* of a secret: the characters that hold its bits alone */
	bool is_path;	/* its first half is no secret */
};

struct secret_hide {
	struct hidden_text *at;
	size_t n, size;
	bool begins[256]; /* a hidden text begins with this byte */
};

struct secret_hide *secret_hide_new(void)
{
	return xcalloc(1, sizeof(struct secret_hide));
}

static void hidden_wipe(char *text, size_t len)
{
	explicit_bzero(text, len);
	free(text);
}

void secret_hide_free(struct secret_hide *hide)
{
	if (!hide)
		return;
	for (size_t i = 0; i < hide->n; i++)
		hidden_wipe(hide->at[i].text, hide->at[i].len);
	free(hide->at);
	free(hide);
}

/* ---- one character of an answer, as it may be written ---- */

struct written {
	size_t len; /* of its text; 0: it is not written like this */
	size_t n;   /* bytes that it stands for */
	char out[4];
};

/* A number in the base, of at most `most` digits. Returns the digits read. */
static size_t read_number(const char *at, const char *end, int base, size_t most, uint32_t *ret)
{
	size_t n = 0;
	uint32_t number = 0;

	for (; n < most && at + n < end; n++) {
		const int digit = hex_digit(at[n]);
		if (digit < 0 || digit >= base)
			break;
		number = number * (uint32_t)base + (uint32_t)digit;
	}
	*ret = number;
	return n;
}

static struct written written_point(uint32_t point, size_t len)
{
	struct written written = { .len = point < 0x10000 ? len : 0 };

	if (written.len)
		written.n = utf8_write(point, written.out);
	return written;
}

/* %41, and with nested: %2541, which was encoded twice. */
static struct written written_percent(const char *at, const char *end, bool nested)
{
	const char *from = at + 1;
	uint32_t byte;

	while (nested && end - from > 2 && from[0] == '2' && from[1] == '5')
		from += 2;
	if (read_number(from, end, 16, 2, &byte) != 2)
		return (struct written){ .len = 0 };
	return (struct written){ .len = (size_t)(from + 2 - at), .n = 1, .out = { (char)byte } };
}

/* \/ and \u002f; with nested: behind several backslashes, as of JSON within JSON. */
static struct written written_backslash(const char *at, const char *end, bool nested)
{
	const char *from = at + 1;
	uint32_t point;

	while (nested && from < end && *from == '\\')
		from++;
	if (from == end)
		return (struct written){ .len = 0 };
	if (*from == 'u' && read_number(from + 1, end, 16, 4, &point) == 4)
		return written_point(point, (size_t)(from + 5 - at));
	return (struct written){ .len = (size_t)(from + 1 - at), .n = 1, .out = { *from } };
}

/* &amp; and &#38; and &#x26; */
static struct written written_entity(const char *at, const char *end)
{
	static const struct {
		const char *text;
		char c;
	} names[] = { { "&amp;", '&' },
		      { "&lt;", '<' },
		      { "&gt;", '>' },
		      { "&quot;", '"' },
		      { "&apos;", '\'' } };
	uint32_t point = 0;
	size_t digits = 0, mark = 2;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const size_t len = strlen(names[i].text);
		if ((size_t)(end - at) >= len && memcmp(at, names[i].text, len) == 0)
			return (struct written){ .len = len, .n = 1, .out = { names[i].c } };
	}
	if (end - at > 3 && at[1] == '#') {
		const bool hex = (at[2] | 0x20) == 'x';
		mark += hex;
		digits = read_number(at + mark, end, hex ? 16 : 10, 6, &point);
	}
	if (!digits || at + mark + digits == end || at[mark + digits] != ';')
		return (struct written){ .len = 0 };
	return written_point(point, mark + digits + 1);
}

static struct written written_at(const char *at, const char *end, bool nested)
{
	switch (*at) {
	case '%':
		return written_percent(at, end, nested);
	case '\\':
		return written_backslash(at, end, nested);
	case '&':
		return written_entity(at, end);
	case '+':
		return (struct written){ .len = 1, .n = 1, .out = { ' ' } };
	default:
		return (struct written){ .len = 0 };
	}
}

/* ---- finding ---- */

/* The two alphabets of base64 (RFC 4648 sections 4 and 5) as one. */
static char base64_plain(char c)
{
	return c == '-' ? '+' : c == '_' ? '/' : c;
}

static bool is_base64_letter(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("+/-_=", c));
}

static bool hidden_has(const struct hidden_text *hidden, size_t pos, const struct written *written)
{
	if (!written->len || written->n > hidden->len - pos)
		return false;
	if (hidden->is_base64 && written->n == 1)
		return base64_plain(written->out[0]) == hidden->text[pos];
	return memcmp(hidden->text + pos, written->out, written->n) == 0;
}

/* The bytes at `at` that write the secret, or enough of it; 0: it does not stand there. decoded: an
 * escape is read as what it stands for where both would do. */
static size_t hidden_match(const struct hidden_text *hidden, const char *at, const char *end,
			   bool decoded)
{
	const size_t half = hidden->len / 2;
	const size_t enough = hidden->is_path		      ? hidden->len
			      : half > LIMIT_HIDDEN_CUT_BYTES ? half
							      : LIMIT_HIDDEN_CUT_BYTES;
	const char *start = at;
	size_t pos = 0;

	while (pos < hidden->len && at < end) {
		const struct written raw = { .len = 1, .n = 1, .out = { *at } };
		const struct written one = written_at(at, end, false);
		struct written found = decoded && hidden_has(hidden, pos, &one) ? one : raw;
		if (!hidden_has(hidden, pos, &found))
			found = one;
		if (!hidden_has(hidden, pos, &found))
			found = written_at(at, end, true);
		if (!hidden_has(hidden, pos, &found))
			break;
		at += found.len;
		pos += found.n;
	}
	return pos == hidden->len || pos >= enough ? (size_t)(at - start) : 0;
}

/* The longest secret at `at`. */
static size_t secret_hide_find(const struct secret_hide *hide, const char *at, const char *end,
			       bool *ret_base64)
{
	size_t longest = 0;

	if (!hide->begins[(unsigned char)*at] && !strchr("%\\&+", *at))
		return 0;
	for (size_t i = 0; i < hide->n; i++) {
		const size_t decoded = hidden_match(&hide->at[i], at, end, true);
		const size_t raw = hidden_match(&hide->at[i], at, end, false);
		const size_t len = decoded > raw ? decoded : raw;
		if (len <= longest)
			continue;
		longest = len;
		*ret_base64 = hide->at[i].is_base64;
	}
	return longest;
}

size_t secret_hide_in(const struct secret_hide *hide, char *text, size_t len)
{
	const char *at = text, *end = text + len;
	char *out = text, *hidden_end = text;
	bool any = false;

	if (!hide || !hide->n)
		return len;
	while (at < end) {
		bool base64 = false;
		size_t n = *at ? secret_hide_find(hide, at, end, &base64) : 0;
		if (!n) {
			*out++ = *at++;
			continue;
		}
		at += n;
		/* The characters beside it hold bits of the secret's first and last byte. */
		if (base64 && out > hidden_end && is_base64_letter(out[-1]))
			out--;
		for (n = 0; base64 && n < 3 && at < end && is_base64_letter(*at); n++)
			at++;
		if (!any || out > hidden_end) {
			memcpy(out, "***", 3);
			out += 3;
		}
		any = true;
		hidden_end = out;
	}
	*out = '\0';
	return (size_t)(out - text);
}

/* ---- what is hidden ---- */

static void hidden_add(struct secret_hide *hide, const char *text, size_t len, bool is_base64,
		       bool is_path)
{
	/* Base64 groups bits by four characters: less is found anywhere by chance. */
	if (len < (is_base64 ? 4 : LIMIT_HIDDEN_LEAST_BYTES))
		return;
	for (size_t i = 0; i < hide->n; i++)
		if (hide->at[i].len == len && memcmp(hide->at[i].text, text, len) == 0)
			return;
	if (hide->n == hide->size) {
		hide->size = hide->size ? 2 * hide->size : 16;
		struct hidden_text *at = xcalloc(hide->size, sizeof(*at));
		if (hide->n)
			memcpy(at, hide->at, hide->n * sizeof(*at));
		free(hide->at);
		hide->at = at;
	}
	hide->at[hide->n++] = (struct hidden_text){
		.text = xstrndup(text, len), .len = len, .is_base64 = is_base64, .is_path = is_path
	};
	hide->begins[(unsigned char)text[0]] = true;
	if (is_base64 && text[0] == '+')
		hide->begins['-'] = true;
	if (is_base64 && text[0] == '/')
		hide->begins['_'] = true;
}

/* Base64 groups three bytes, so that a text within another has three forms. In each, the characters
 * that hold bits of the text alone. */
static void hidden_add_base64(struct secret_hide *hide, const char *text, size_t len)
{
	static const size_t first[] = { 0, 2, 3 };
	const size_t size = base64_size(len + 2);
	char *bytes = xcalloc(1, len + 2), *out = xcalloc(1, size);

	for (size_t before = 0; before < 3; before++) {
		memcpy(bytes + before, text, len);
		base64_encode(bytes, before + len, out);
		hidden_add(hide, out + first[before], (before + len) * 8 / 6 - first[before], true,
			   false);
		bytes[before] = '\0';
	}
	hidden_wipe(bytes, len + 2);
	hidden_wipe(out, size);
}

static void hidden_add_part(struct secret_hide *hide, const char *text, size_t len, bool is_path)
{
	char *plain = xstrndup(text, len);
	size_t n = 0;

	if (len >= LIMIT_HIDDEN_LEAST_BYTES) {
		hidden_add(hide, text, len, false, is_path);
		hidden_add_base64(hide, text, len);
	}
	/* What the peer reads where the secret itself is percent-encoded, as in a URL. */
	for (const char *at = text, *end = text + len; at < end; n++) {
		const struct written written =
			*at == '%' ? written_percent(at, end, false) : (struct written){ .len = 0 };
		plain[n] = written.len ? written.out[0] : *at;
		at += written.len ? written.len : 1;
	}
	if (n < len && !memchr(plain, '\0', n) && n >= LIMIT_HIDDEN_LEAST_BYTES) {
		hidden_add(hide, plain, n, false, is_path);
		hidden_add_base64(hide, plain, n);
	}
	hidden_wipe(plain, len);
}

void secret_hide_add(struct secret_hide *hide, const char *secret)
{
	const char *colon = secret ? strchr(secret, ':') : NULL;

	if (!secret)
		return;
	hidden_add_part(hide, secret, strlen(secret), false);
	/* "user:password", "ID:token": a peer may take it apart. */
	if (colon)
		hidden_add_part(hide, colon + 1, strlen(colon + 1), false);
}

static void hidden_add_copy(struct secret_hide *hide, const char *text, size_t len)
{
	char *copy = xstrndup(text, len);

	secret_hide_add(hide, copy);
	hidden_wipe(copy, len);
}

/* ---- addresses and headers ---- */

/* Is the part of a path a token? */
static bool is_token_part(const char *part, size_t len, bool whole)
{
	size_t digits = 0, capitals = 0;

	for (size_t i = 0; i < len; i++) {
		digits += isdigit((unsigned char)part[i]) != 0;
		capitals += isupper((unsigned char)part[i]) != 0;
	}
	if (whole)
		return digits || capitals || len >= 20;
	return digits == len ? len >= 12 : len >= 8 && (digits >= 2 || len >= 20);
}

/* Is the part a word of that text? */
static bool is_known_part(const char *part, size_t len, const char *known)
{
	return known && memmem(known, strlen(known), part, len);
}

static void hidden_add_path(struct secret_hide *hide, const char *path, size_t len, bool whole,
			    const char *known)
{
	const char *end = path + len;
	const bool query = *end == '?';

	while (end > path && end[-1] == '/')
		end--;
	if (whole)
		hidden_add_part(hide, path, (size_t)(end - path), true);
	while (path < end) {
		const char *part = path + (*path == '/');
		const char *next = memchr(part, '/', (size_t)(end - part));
		path = next ? next : end;
		if (is_known_part(part, (size_t)(path - part), known))
			continue;
		if (is_token_part(part, (size_t)(path - part), whole) ||
		    (whole && path == end && !query))
			hidden_add_part(hide, part, (size_t)(path - part), false);
	}
}

static void hidden_add_query(struct secret_hide *hide, const char *query)
{
	while (*query == '?' || *query == '&') {
		const size_t len = strcspn(++query, "&#");
		const char *equal = memchr(query, '=', len);
		const char *value = equal ? equal + 1 : query;
		hidden_add_part(hide, value, (size_t)(query + len - value), false);
		query += len;
	}
}

void secret_hide_add_url(struct secret_hide *hide, const char *url, bool whole, const char *known)
{
	const char *host = url ? strstr(url, "://") : NULL;

	if (!url)
		return;
	host = host ? host + 3 : url;
	const char *path = host + strcspn(host, "/?#");
	const char *user = memrchr(host, '@', (size_t)(path - host));
	if (user)
		hidden_add_copy(hide, host, (size_t)(user - host));
	const size_t len = strcspn(path, "?#");
	hidden_add_path(hide, path, len, whole, known);
	hidden_add_query(hide, path + len);
}

void secret_hide_add_header(struct secret_hide *hide, const char *value)
{
	unsigned char login[LIMIT_SECRET_BYTES];
	const char *word = value;

	secret_hide_add(hide, value);
	while (*(word += strspn(word, " \t"))) {
		const size_t len = strcspn(word, " \t");
		if (word > value)
			hidden_add_copy(hide, word, len);
		int n = word > value ? base64_decode(word, len, login, sizeof(login)) : -1;
		if (n > 0 && strncasecmp(value, "basic ", 6) == 0 && !memchr(login, 0, (size_t)n))
			hidden_add_copy(hide, (const char *)login, (size_t)n);
		word += len;
	}
	explicit_bzero(login, sizeof(login));
}
