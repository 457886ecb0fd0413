/* JSON place: see json_place-internal.h. */
#include "json_place-internal.h"

#include <errno.h>
#include <string.h>

#include "tracepager/alert_mapping.h"
#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/utf8.h"

/* ---- a body ---- */

/* jansson takes about 70 bytes for each value; each value stands behind one of these. */
static bool has_too_many_values(const char *text, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += text[i] == ',' || text[i] == '[' || text[i] == '{';
	return n > LIMIT_MAPPED_VALUES;
}

/* jansson's columns count characters, ours bytes. */
static int json_column_of(const char *text, size_t len, int position)
{
	const size_t end = position > 0 && (size_t)position < len ? (size_t)position : len;
	size_t start = end;

	while (start && text[start - 1] != '\n')
		start--;
	return (int)(end - start);
}

/* The number of "\\uXXXX" at text; -1: it is none. */
static int escaped_unit(const char *text, const char *end)
{
	int unit = 0;

	if (end - text < 6 || text[0] != '\\' || text[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		char c = text[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

/* An emoji that was cut in half is an escape that stands for no character: jansson refuses the
 * whole body. Each such half becomes U+FFFD, in place. Returns how many there were. */
static uint64_t mend_halves(char *text, size_t len)
{
	char *end = text + len;
	uint64_t mended = 0;

	for (char *at = text; (at = memchr(at, '\\', (size_t)(end - at)));) {
		int unit = escaped_unit(at, end);
		if (unit < 0xd800 || unit > 0xdfff) {
			at += unit < 0 ? 2 : 6;
		} else if (unit < 0xdc00 && (escaped_unit(at + 6, end) & ~0x3ff) == 0xdc00) {
			at += 12;
		} else {
			memcpy(at, "\\ufffd", 6);
			mended++;
			at += 6;
		}
		if (at >= end)
			break;
	}
	return mended;
}

static json_t *load_json(const char *text, size_t len, struct err *err)
{
	const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_ANY;
	json_error_t error;
	json_t *value = json_loadb(text, len, flags, &error);

	/* An integer above 64 bits, which nobody may even read. */
	if (!value && json_error_code(&error) == json_error_numeric_overflow)
		value = json_loadb(text, len, flags | JSON_DECODE_INT_AS_REAL, &error);
	if (value)
		return value;
	if (json_error_code(&error) == json_error_numeric_overflow)
		err_set(err, EBADMSG, "a number is larger than any can be");
	else
		err_set(err, EBADMSG, "not JSON: %s", error.text);
	if (err) {
		err->line = error.line;
		err->column = json_column_of(text, len, error.position);
	}
	return NULL;
}

/* Counts the bytes that are in no well-formed character. */
static uint64_t count_bad_bytes(const char *text, size_t len)
{
	uint64_t bad = 0;

	for (size_t at = 0; at < len;) {
		at += utf8_span(text + at, len - at);
		if (at < len) {
			bad++;
			at++;
		}
	}
	return bad;
}

int json_places_init(struct json_places *places, const char *text, size_t len, struct err *err)
{
	struct buf mended = BUF_INIT(3 * (size_t)LIMIT_MAPPED_BODY_BYTES);

	*places = (struct json_places){ 0 };
	if (len > LIMIT_MAPPED_BODY_BYTES)
		return err_set(err, E2BIG,
			       "the body has more than %u bytes, the most of this format",
			       LIMIT_MAPPED_BODY_BYTES);
	if (has_too_many_values(text, len))
		return err_set(err, E2BIG, "the body has more than %u values", LIMIT_MAPPED_VALUES);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
		text += 3;
		len -= 3;
	}
	places->repaired = count_bad_bytes(text, len);
	if (places->repaired || memmem(text, len, "\\ud", 3) || memmem(text, len, "\\uD", 3)) {
		buf_add_utf8(&mended, text, len);
		places->repaired += mend_halves(mended.data, mended.len);
		text = buf_text(&mended);
		len = mended.len;
	}
	places->root = load_json(text, len, err);
	buf_fini(&mended);
	return places->root ? 0 : -EBADMSG;
}

void json_places_fini(struct json_places *places)
{
	for (size_t i = 0; i < places->ninner; i++)
		json_decref(places->inner[i].value);
	json_decref(places->root);
}

/* The document that a text holds. Each text is read once; those beyond the cap hold none. */
static json_t *open_inner(struct json_places *places, json_t *text)
{
	if (!json_is_string(text))
		return NULL;
	for (size_t i = 0; i < places->ninner; i++)
		if (places->inner[i].text == text)
			return places->inner[i].value;
	if (places->ninner == JSON_PLACE_INNER)
		return NULL;
	json_t *value = json_loadb(json_string_value(text), json_string_length(text),
				   JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
	places->inner[places->ninner].text = text;
	places->inner[places->ninner++].value = value;
	return value;
}

/* ---- places ---- */

/* Copies the token at *at, with ~1 and ~0 undone, and moves *at behind it. false: it is too long.
 */
static bool next_token(const char **at, char token[LIMIT_PLACE_TOKEN_BYTES])
{
	const char *from = *at + 1;
	size_t n = 0;

	for (; *from && *from != '/'; from++) {
		if (n + 1 == LIMIT_PLACE_TOKEN_BYTES)
			return false;
		token[n++] = *from;
		if (*from == '~') {
			token[n - 1] = from[1] == '1' ? '/' : '~';
			from += from[1] == '0' || from[1] == '1';
		}
	}
	token[n] = '\0';
	*at = from;
	return true;
}

/* Is it "[name=value]"? Splits it in place. */
static bool split_choice(char *token, const char **ret_name, const char **ret_value)
{
	size_t len = strlen(token);
	char *equals = strchr(token, '=');

	if (token[0] != '[' || token[len - 1] != ']' || !equals)
		return false;
	*equals = token[len - 1] = '\0';
	*ret_name = token + 1;
	*ret_value = equals + 1;
	return true;
}

static json_t *find_choice(json_t *list, const char *name, const char *value)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i);
		const char *text = json_string_value(json_object_get(item, name));
		if (text && strcmp(text, value) == 0)
			return item;
	}
	return NULL;
}

static json_t *find_index(json_t *list, const char *token)
{
	size_t index = 0;

	if (!*token || strlen(token) > 6 || token[strspn(token, "0123456789")])
		return NULL;
	for (; *token; token++)
		index = index * 10 + (size_t)(*token - '0');
	return json_array_get(list, index);
}

static json_t *place_walk(struct json_places *places, json_t *value, const char *place,
			  unsigned int stars);

/* The first member or item that has the rest of the place. */
static json_t *find_any(struct json_places *places, json_t *value, const char *rest,
			unsigned int stars)
{
	json_t *found = NULL, *member;
	const char *key;

	if (stars == LIMIT_PLACE_STARS)
		return NULL;
	if (json_is_object(value)) {
		json_object_foreach(
			value, key,
			member) if ((found = place_walk(places, member, rest, stars + 1))) break;
		return found;
	}
	for (size_t i = 0; !found && i < json_array_size(value); i++)
		found = place_walk(places, json_array_get(value, i), rest, stars + 1);
	return found;
}

static json_t *place_walk(struct json_places *places, json_t *value, const char *place,
			  unsigned int stars)
{
	char token[LIMIT_PLACE_TOKEN_BYTES];
	const char *name, *text;

	while (value && *place) {
		if (*place != '/' || !next_token(&place, token))
			return NULL;
		if (strcmp(token, "*") == 0)
			return find_any(places, value, place, stars);
		if (strcmp(token, "{}") == 0)
			value = open_inner(places, value);
		else if (json_is_object(value))
			value = json_object_get(value, token);
		else if (split_choice(token, &name, &text))
			value = find_choice(value, name, text);
		else
			value = find_index(value, token);
	}
	return json_is_null(value) ? NULL : value;
}

json_t *json_place_find(struct json_places *places, json_t *item, const char *place)
{
	if (*place == '^')
		return place_walk(places, places->root, place + 1, 0);
	return place_walk(places, item, place, 0);
}

const char *mapping_place_fault(const char *place)
{
	const char *at = place + (*place == '^');
	char token[LIMIT_PLACE_TOKEN_BYTES];
	const bool whole = *place == '^';
	unsigned int stars = 0;

	if (*at && *at != '/')
		return "a place begins with \"/\", or with \"^/\" for the whole body";
	for (const char *tilde = place; (tilde = strchr(tilde, '~')); tilde++)
		if (tilde[1] != '0' && tilde[1] != '1')
			return "behind \"~\" stands 0 or 1";
	while (*at) {
		if (!next_token(&at, token))
			return "one step of the place is too long";
		if (strcmp(token, "*") == 0 && ++stars > LIMIT_PLACE_STARS)
			return "a place has two \"*\" at most";
		if (token[0] == '[' && (token[strlen(token) - 1] != ']' || !strchr(token, '=')))
			return "a choice is written [name=value]";
		/* Looked for again with each alert of the list. */
		if (whole && (token[0] == '[' || strcmp(token, "*") == 0))
			return "a place that begins with \"^\" has no \"*\" and no [name=value]";
	}
	return NULL;
}
