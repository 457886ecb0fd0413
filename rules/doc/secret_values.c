/*
 * Secret values: hides the values of secrets in a whole file of YAML, for the record of the rules
 * and for the page that shows them. libyaml says where each value begins and ends, so that the text
 * keeps its lines, keys, braces and quotes, and can be loaded again. What secret_lines.c hides by
 * the look of a line is hidden here by its place: all below "headers", the URLs of every text, the
 * secrets within a webhook's body, comments. Conditions (when, match, alerts, span, matchers) hold
 * no secrets. A text that is no YAML is left to secret_lines.c. Pure: owns nothing.
 */
#include "doc-internal.h"

#include <string.h>
#include <yaml.h>

#include "tracepager/limits.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"
#include "tracepager/ytext.h"

/* What the place of a value says about it. */
struct value_place {
	bool secret;  /* a secret, or a list of them */
	bool all;     /* so is all that stands below */
	bool plain;   /* a condition: neither it nor what stands below is a secret */
	bool body;    /* what a webhook sends */
	bool address; /* its key ends in "url" */
};

struct open_part {
	bool map, at_key;
	struct value_place place; /* of the items; of a map, what its members begin with */
	struct value_place value; /* map: of the value of the present key */
};

struct value_hider {
	const char *from, *end; /* the original, from where it was not yet copied */
	size_t index;		/* of `from`, in characters, as libyaml counts */
	char *out;
	char mark;
	bool behind_secret; /* a secret stands on the present line */
	struct open_part stack[LIMIT_DEPTH];
	size_t depth;
	bool of_conditions; /* the part of the file has entries with conditions */
};

/* ---- places ---- */

static bool key_is_any(const char *key, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return false;
}

/* Entries are maps at depth 3: below the part of the file and their name or number. Names of
 * entries say nothing about what is below. */
static void place_behind_key(struct value_hider *hider, struct open_part *part, const char *key)
{
	static const char *const parts[] = { "services", "signals", "routes", "silences" };
	static const char *const conditions[] = { "when", "match", "alerts", "span", "matchers" };
	const char *end = key + strlen(key);

	if (hider->depth == 1)
		hider->of_conditions = key_is_any(key, parts, ARRAY_LEN(parts));
	part->value = part->place;
	part->value.plain |= hider->depth == 3 && hider->of_conditions &&
			     key_is_any(key, conditions, ARRAY_LEN(conditions));
	if (hider->depth >= 3 && !part->value.plain) {
		part->value.all |= strcmp(key, "headers") == 0;
		part->value.body |= strcmp(key, "body") == 0;
	}
	part->value.secret =
		!part->value.plain && (part->value.all || secret_is_name(key, end, false));
	part->value.address = secret_is_address_key(key, end);
}

/* The place of the value or key that comes next. */
static struct value_place next_place(const struct value_hider *hider)
{
	const struct open_part *part = hider->depth ? &hider->stack[hider->depth - 1] : NULL;

	if (!part)
		return (struct value_place){ 0 };
	return part->map && !part->at_key ? part->value : part->place;
}

/* ---- texts ---- */

/* Overwrites the text from `at` on, but ends of lines and the blanks at the starts of lines that
 * hold the text together. The text ends where `end` is, and gets shorter. */
static char *overwrite_value(char *at, const char *end, char mark)
{
	char *out = at;
	bool starts = false;
	size_t size;

	while (at < end) {
		if ((size = ytext_break(at, end))) {
			memmove(out, at, size);
			out += size;
			at += size;
			starts = true;
			continue;
		}
		starts = starts && (*at == ' ' || *at == '\t');
		*out++ = starts ? *at : mark;
		at++;
		while (at < end && utf8_continues(*at))
			at++;
	}
	return out;
}

/* The length of an escape at `at` that stands for a character of ASCII; 0: it is none. */
static size_t ascii_escape(const char *at, char *ret_char)
{
	static const char digits[] = "0123456789abcdef";
	const size_t n = at[1] == 'x' ? 2 : at[1] == 'u' ? 4 : at[1] == 'U' ? 8 : 0;
	unsigned int code = 0;

	*ret_char = '/';
	if (at[1] == '/')
		return 2;
	for (size_t i = 0; i < n; i++) {
		const char *digit = at[2 + i] ? strchr(digits, at[2 + i] | 0x20) : NULL;
		if (!digit || code > 0x7f)
			return 0;
		code = code * 16 + (unsigned int)(digit - digits);
	}
	*ret_char = (char)code;
	return n && code > ' ' && code < 0x7f && code != '"' && code != '\\' ? 2 + n : 0;
}

/* In double quotes: characters of ASCII for their escapes, so that a URL looks like one. */
static void plain_escapes(char *text)
{
	char *out = text, c;

	while (*text) {
		const size_t n = *text == '\\' ? ascii_escape(text, &c) : 0;
		if (n) {
			*out++ = c;
			text += n;
			continue;
		}
		if (*text == '\\' && text[1])
			*out++ = *text++;
		*out++ = *text++;
	}
	*out = '\0';
}

/* ---- what a webhook sends ---- */

/* The bytes of a double quote of JSON at `at`; 0: there is none. */
static size_t body_quote(const char *at, bool escaped)
{
	if (escaped)
		return at[0] == '\\' && at[1] == '"' ? 2 : 0;
	return *at == '"';
}

/* The end of the text of JSON whose opening quote ends at `at`. */
static char *body_text_end(char *at, bool escaped)
{
	while (*at && !body_quote(at, escaped)) {
		/* JSON's own escapes: \x, which double quotes of YAML write as \\x or \\\". */
		if (escaped && at[0] == '\\' && at[1] == '\\')
			at += at[2] == '\\' && at[3] ? 4 : 2;
		else if (*at == '\\' && at[1])
			at += 2;
		else
			at++;
	}
	return at;
}

/* Hides the value of a member of JSON: a text, a number, or all texts of a list or map. */
static char *hide_body_value(char *at, bool escaped, char mark)
{
	unsigned int depth = 0;
	size_t quote;

	do {
		at += strspn(at, " \t\r\n");
		if ((quote = body_quote(at, escaped))) {
			char *start = at + quote, *end = body_text_end(start, escaped);
			char *out = overwrite_value(start, end, mark);
			memmove(out, end, strlen(end) + 1);
			at = out + body_quote(out, escaped);
		} else if (*at == '[' || *at == '{') {
			depth++;
			at++;
		} else if (depth && (*at == ']' || *at == '}')) {
			depth--;
			at++;
		} else if (depth && (*at == ',' || *at == ':')) {
			at++;
		} else {
			/* A number stays one. */
			for (; *at && !strchr(" \t\r\n,:[]{}\"'\\&", *at); at++)
				*at = '1';
			if (depth && (*at == '\\' || *at == '\'' || *at == '&'))
				at++;
		}
	} while (*at && depth);
	return at;
}

/* "token=abc&text=…" and "token: abc", outside of JSON. */
static char *hide_body_pair(char *at, char mark)
{
	const char *ends = *at == '=' ? "&,{}\"'\\ \t\r\n" : "{}\"'\\\r\n";
	char *end;

	at++;
	at += strspn(at, " \t");
	end = at + strcspn(at, ends);
	char *out = overwrite_value(at, end, mark);
	memmove(out, end, strlen(end) + 1);
	return out;
}

static void hide_body(char *text, bool escaped, char mark)
{
	size_t quote;

	for (char *at = text; *at;) {
		if ((quote = body_quote(at, escaped))) {
			char *start = at + quote, *end = body_text_end(start, escaped);
			at = end + body_quote(end, escaped);
			char *colon = at + strspn(at, " \t\r\n");
			if (*colon == ':' && secret_is_name(start, end, false))
				at = hide_body_value(colon + 1, escaped, mark);
		} else if ((*at == '=' || *at == ':') && secret_is_name(text, at, false)) {
			at = hide_body_pair(at, mark);
		} else {
			at++;
		}
	}
}

/* ---- values ---- */

/* A text that is no secret, and may hold some. In double quotes the escapes part it, so that none
 * is torn. */
static char *hide_within(char *text, const struct value_place *place, bool escaped, char mark)
{
	if (escaped)
		plain_escapes(text);
	if (place->body)
		hide_body(text, escaped, mark);
	while (escaped) {
		char *cut = strchr(text, '\\');
		while (cut && !strchr("\"nrt \n\r", cut[1]))
			cut = cut[1] ? strchr(cut + 2, '\\') : NULL;
		if (!cut || !cut[1])
			break;
		CLEANUP_FREE char *rest = xstrdup(cut);
		*cut = '\0';
		secret_hide_urls(text, mark, place->address);
		text += strlen(text);
		memcpy(text, rest, strlen(rest) + 1);
		text += 2;
	}
	secret_hide_urls(text, mark, place->address);
	return text + strlen(text);
}

/* Behind the properties of a value, &anchor and !tag. */
static char *behind_properties(char *at)
{
	while (*at == '&' || *at == '!') {
		at += strcspn(at, " \t\r\n");
		at += strspn(at, " \t\r\n");
	}
	return at;
}

/* Behind the line of a block, "|" or ">". A comment there is hidden. */
static char *behind_block_header(char *at, char mark)
{
	const char *end = at + strcspn(at, "\r\n");
	char *comment = memchr(at, '#', (size_t)(end - at));

	if (!comment)
		return at + (end - at);
	char *out = overwrite_value(comment + 1, end, mark);
	memmove(out, end, strlen(end) + 1);
	return out;
}

/* Hides what the value at `text`, its only content, has of secrets. Returns its end. */
static char *hide_scalar_secrets(char *text, const struct value_place *place,
				 const yaml_event_t *event, char mark)
{
	const yaml_scalar_style_t style = event->data.scalar.style;
	const char *value = (const char *)event->data.scalar.value;
	char *at = text, *tail;

	if (event->data.scalar.anchor || event->data.scalar.tag)
		at = behind_properties(at);
	const bool quoted = style == YAML_DOUBLE_QUOTED_SCALAR_STYLE ||
			    style == YAML_SINGLE_QUOTED_SCALAR_STYLE;
	if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE)
		at = behind_block_header(at, mark);
	else if (!quoted && (!strcmp(value, "~") || !strcmp(value, "null")))
		return at + strlen(at); /* empty, and to stay so */
	tail = at + strlen(at);
	if (place->plain || tail == at)
		return tail;
	const char quote = *at;
	if (quoted) {
		at++;
		*--tail = '\0';
	}
	char *end = place->secret ? overwrite_value(at, tail, mark)
				  : hide_within(at, place, style == YAML_DOUBLE_QUOTED_SCALAR_STYLE,
						mark);
	if (quoted)
		*end++ = quote;
	*end = '\0';
	return end;
}

/* The first byte of a character of the original. */
static const char *byte_of_index(const struct value_hider *hider, size_t index)
{
	const char *at = hider->from;

	for (size_t n = hider->index; n < index && at < hider->end; n++)
		for (at++; at < hider->end && utf8_continues(*at);)
			at++;
	return at;
}

static void copy_comment(struct value_hider *hider, const char *end, bool secret)
{
	const size_t len = (size_t)(end - hider->from);

	memcpy(hider->out, hider->from, len);
	hider->out[len] = '\0';
	if (secret) {
		hider->out = overwrite_value(hider->out + 1, hider->out + len, hider->mark);
	} else {
		secret_line_hide(hider->out, hider->mark, false);
		hider->out += strlen(hider->out);
	}
	hider->from = end;
}

/* What stands between two values: marks of YAML, and comments. */
static void copy_between(struct value_hider *hider, size_t index)
{
	const char *stop = byte_of_index(hider, index);
	const bool secret = next_place(hider).secret;

	while (hider->from < stop) {
		if (*hider->from == '#') {
			const char *end = hider->from;
			while (end < stop && !strchr("\r\n", *end))
				end++;
			copy_comment(hider, end, secret || hider->behind_secret);
			continue;
		}
		hider->behind_secret = hider->behind_secret && !strchr("\r\n", *hider->from);
		*hider->out++ = *hider->from++;
	}
	hider->index = index;
}

static void copy_value(struct value_hider *hider, const yaml_event_t *event,
		       const struct value_place *place)
{
	copy_between(hider, event->start_mark.index);
	const char *end = byte_of_index(hider, event->end_mark.index);
	const size_t len = (size_t)(end - hider->from);
	memcpy(hider->out, hider->from, len);
	hider->out[len] = '\0';
	if (len)
		hider->out = hide_scalar_secrets(hider->out, place, event, hider->mark);
	hider->behind_secret = place->secret;
	hider->from = end;
	hider->index = event->end_mark.index;
}

/* ---- the walk ---- */

/* After a value, or a list or map that was one. */
static void value_is_over(struct value_hider *hider)
{
	if (hider->depth)
		hider->stack[hider->depth - 1].at_key = hider->stack[hider->depth - 1].map;
}

static void on_value(struct value_hider *hider, const yaml_event_t *event)
{
	struct open_part *part = hider->depth ? &hider->stack[hider->depth - 1] : NULL;

	if (part && part->at_key) {
		static const struct value_place key = { .plain = true };
		part->value = (struct value_place){ 0 };
		copy_value(hider, event, &key);
		place_behind_key(hider, part, (const char *)event->data.scalar.value);
		part->at_key = false;
		return;
	}
	const struct value_place place = next_place(hider);
	copy_value(hider, event, &place);
	value_is_over(hider);
}

/* False: deeper than any file of rules, or a list or map is a key. */
static bool open_value_part(struct value_hider *hider, bool map)
{
	if (hider->depth == LIMIT_DEPTH || (hider->depth && hider->stack[hider->depth - 1].at_key))
		return false;
	struct open_part part = { .map = map, .at_key = map, .place = next_place(hider) };
	/* A service or pager may be called "token". */
	part.place.secret = part.place.all || (part.place.secret && !map);
	hider->stack[hider->depth++] = part;
	return true;
}

/* False: the text is no YAML. *ret_end: no more comes. */
static bool hide_event(struct value_hider *hider, yaml_parser_t *parser, bool *ret_end)
{
	yaml_event_t event;
	bool good = true;

	if (!yaml_parser_parse(parser, &event))
		return false;
	if (event.type == YAML_SCALAR_EVENT) {
		on_value(hider, &event);
	} else if (event.type == YAML_SEQUENCE_START_EVENT ||
		   event.type == YAML_MAPPING_START_EVENT) {
		copy_between(hider, event.start_mark.index);
		good = open_value_part(hider, event.type == YAML_MAPPING_START_EVENT);
	} else if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) {
		copy_between(hider, event.start_mark.index);
		hider->behind_secret |= hider->stack[hider->depth - 1].place.secret;
		hider->depth--;
		value_is_over(hider);
	} else if (event.type == YAML_ALIAS_EVENT) {
		copy_between(hider, event.end_mark.index);
		good = !hider->depth || !hider->stack[hider->depth - 1].at_key;
		value_is_over(hider);
	}
	*ret_end = event.type == YAML_STREAM_END_EVENT;
	yaml_event_delete(&event);
	return good;
}

static bool hide_values(struct value_hider *hider)
{
	yaml_parser_t parser;
	bool end = false, good = true;

	if (!yaml_parser_initialize(&parser))
		return false;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)hider->from,
				     (size_t)(hider->end - hider->from));
	while (good && !end)
		good = hide_event(hider, &parser, &end);
	yaml_parser_delete(&parser);
	if (good)
		copy_between(hider, SIZE_MAX);
	*hider->out = '\0';
	return good;
}

void ydoc_hide_secrets(char *text, char mark)
{
	CLEANUP_FREE char *original = xstrdup(text);
	struct value_hider *hider = xcalloc(1, sizeof(*hider));

	hider->from = original;
	hider->end = original + strlen(original);
	hider->out = text;
	hider->mark = mark;
	if (!hide_values(hider)) {
		memcpy(text, original, strlen(original) + 1);
		secret_lines_hide(text, mark);
	}
	free(hider);
}
