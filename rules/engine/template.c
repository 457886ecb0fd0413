/*
 * Template: texts with {names}. Reading refuses whatever is not one of the names, so that writing
 * can do nothing but put values in. Owns nothing.
 */
#include <errno.h>

#include "engine-internal.h"

static const char *const names[] = {
#define TEMPLATE_NAME(id, name, text) [TEMPLATE_##id] = name,
#include "tracepager/tbl/template.def"
#undef TEMPLATE_NAME
	[TEMPLATE_LABEL] = "label.NAME",
	[TEMPLATE_ANNOTATION] = "annotation.NAME",
};

const char *template_name(size_t index)
{
	return index + 1 < ARRAY_LEN(names) ? names[index + 1] : NULL;
}

/* A template while it is read. */
struct reading {
	struct arena *arena;
	const char *text;
	struct rule_template *template;
	const char **unknown;
	struct err *err;
};

static struct template_part *template_add_part(struct reading *reading)
{
	return &reading->template->parts[reading->template->nparts++];
}

static void template_add_text(struct reading *reading, const char *text, size_t len)
{
	if (len)
		*template_add_part(reading) =
			(struct template_part){ .name = TEMPLATE_TEXT,
						.text = arena_strndup(reading->arena, text, len) };
}

/* The place in characters, as findings count them. */
static int column_of(const struct reading *reading, const char *at)
{
	int column = 1;

	for (const char *c = reading->text; c < at; c++)
		column += ((unsigned char)*c & 0xc0) != 0x80;
	return column;
}

/* "label.NAME", "annotation.NAME" */
static bool take_scoped(struct reading *reading, const char *name, size_t len,
			struct template_part *part)
{
	static const struct {
		const char *prefix;
		enum template_name name;
	} scopes[] = { { "label.", TEMPLATE_LABEL }, { "annotation.", TEMPLATE_ANNOTATION } };

	for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
		size_t n = strlen(scopes[i].prefix);
		if (len <= n || strncmp(name, scopes[i].prefix, n) != 0)
			continue;
		part->name = scopes[i].name;
		part->text = arena_strndup(reading->arena, name + n, len - n);
		return true;
	}
	return false;
}

static bool template_take_name(struct reading *reading, const char *name, size_t len,
			       struct template_part *part)
{
	if (take_scoped(reading, name, len, part))
		return true;
	for (size_t i = TEMPLATE_TEXT + 1; i < TEMPLATE_LABEL; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
			part->name = (enum template_name)i;
			return true;
		}
	*reading->unknown = arena_strndup(reading->arena, name, len);
	return false;
}

/* From the brace at `at` to behind the one that closes it; NULL with err. */
static const char *take_braces(struct reading *reading, const char *at)
{
	const char *name = at + 1, *close = name + strcspn(name, "{}");
	struct template_part part = { .name = TEMPLATE_TEXT };
	size_t len = (size_t)(close - name), bar = strcspn(name, "|");

	if (*close != '}') {
		err_set_at(reading->err, EINVAL, 1, column_of(reading, at),
			   "a { is not closed; a brace that stands for itself is written twice");
		return NULL;
	}
	if (bar < len) {
		part.otherwise = arena_strndup(reading->arena, name + bar + 1, len - bar - 1);
		len = bar;
	}
	if (!template_take_name(reading, name, len, &part)) {
		err_set_at(reading->err, EINVAL, 1, column_of(reading, at), "there is no {%.*s}",
			   len < 100 ? (int)len : 100, name);
		return NULL;
	}
	*template_add_part(reading) = part;
	return close + 1;
}

const struct rule_template *template_parse(struct arena *arena, const char *text,
					   const char **ret_unknown, struct err *err)
{
	struct reading reading = { arena, text, arena_alloc(arena, sizeof(*reading.template)),
				   ret_unknown, err };
	size_t most = 1;

	*ret_unknown = NULL;
	for (const char *c = text; *c; c++)
		most += 2 * (*c == '{' || *c == '}');
	reading.template->source = arena_strdup(arena, text);
	reading.template->parts = arena_array(arena, most, sizeof(struct template_part));
	while (*text) {
		size_t len = strcspn(text, "{}");
		const char *brace = text + len;
		if (*brace && brace[1] == *brace) {
			template_add_text(&reading, text, len + 1);
			text = brace + 2;
			continue;
		}
		template_add_text(&reading, text, len);
		if (*brace == '}') {
			err_set_at(err, EINVAL, 1, column_of(&reading, brace),
				   "a } stands alone; one that stands for itself is written twice");
			return NULL;
		}
		text = *brace ? take_braces(&reading, brace) : brace;
		if (!text)
			return NULL;
	}
	return reading.template;
}

void template_escape(const char *text, struct buf *out)
{
	for (; *text; text++) {
		bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
			     (*text >= '0' && *text <= '9') || strchr("-._~", *text);
		if (plain)
			buf_putc(out, *text);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
	}
}

void template_write(const struct rule_template *template, template_value *value, void *ctx,
		    bool url, struct buf *out)
{
	for (size_t i = 0; i < template->nparts; i++) {
		const struct template_part *part = &template->parts[i];
		if (part->name == TEMPLATE_TEXT) {
			buf_puts(out, part->text);
			continue;
		}
		const char *text = value(ctx, part);
		if (!text || !*text)
			buf_puts(out, part->otherwise ? part->otherwise : "");
		else if (url)
			template_escape(text, out);
		else
			buf_puts(out, text);
	}
}
