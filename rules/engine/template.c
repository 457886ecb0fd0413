/*
 * Template: texts with {names}. template_parse() refuses every name that is not in
 * tbl/template.def, so that template_write() only fills in values. Pure: owns nothing.
 */
#include <errno.h>

#include "engine-internal.h"
#include "tracepager/utf8.h"

static const char *const names[] = {
#define TEMPLATE_NAME(id, name, text) [TEMPLATE_##id] = name,
#include "tracepager/tbl/template.def"
#undef TEMPLATE_NAME
	[TEMPLATE_LABEL] = "label.NAME",
	[TEMPLATE_ANNOTATION] = "annotation.NAME",
};
static const struct template_names usual_names = { names, ARRAY_LEN(names) };

const char *template_name(size_t index)
{
	return index + 1 < ARRAY_LEN(names) ? names[index + 1] : NULL;
}

/* A template while it is parsed. */
struct template_reader {
	struct arena *arena;
	const struct template_names *names;
	const char *text;
	struct rule_template *template;
	const char **unknown;
	struct err *err;
};

static struct template_part *template_add_part(struct template_reader *reader)
{
	return &reader->template->parts[reader->template->nparts++];
}

static void template_add_text(struct template_reader *reader, const char *text, size_t len)
{
	if (len)
		*template_add_part(reader) =
			(struct template_part){ .name = TEMPLATE_TEXT,
						.text = arena_strndup(reader->arena, text, len) };
}

/* The column of a byte, in characters, as findings count columns. */
static int column_of(const struct template_reader *reader, const char *at)
{
	return 1 + (int)utf8_count(reader->text, (size_t)(at - reader->text));
}

/* Takes "label.NAME" or "annotation.NAME". */
static bool take_scoped(struct template_reader *reader, const char *name, size_t len,
			struct template_part *part)
{
	static const struct {
		const char *prefix;
		size_t from_end;
	} scopes[] = { { "label.", 2 }, { "annotation.", 1 } };

	for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
		size_t n = strlen(scopes[i].prefix);
		if (len <= n || strncmp(name, scopes[i].prefix, n) != 0)
			continue;
		part->name = (enum template_name)(reader->names->n - scopes[i].from_end);
		part->text = arena_strndup(reader->arena, name + n, len - n);
		return true;
	}
	return false;
}

static bool template_take_name(struct template_reader *reader, const char *name, size_t len,
			       struct template_part *part)
{
	if (take_scoped(reader, name, len, part))
		return true;
	for (size_t i = TEMPLATE_TEXT + 1; i + 2 < reader->names->n; i++)
		if (strlen(reader->names->at[i]) == len &&
		    memcmp(reader->names->at[i], name, len) == 0) {
			part->name = (enum template_name)i;
			return true;
		}
	*reader->unknown = arena_strndup(reader->arena, name, len);
	return false;
}

/* Takes the name in braces at `at`. Returns the text behind the closing brace, or NULL with
 * err. */
static const char *take_braces(struct template_reader *reader, const char *at)
{
	const char *name = at + 1, *close = name + strcspn(name, "{}");
	struct template_part part = { .name = TEMPLATE_TEXT };
	size_t len = (size_t)(close - name), bar = strcspn(name, "|");

	if (*close != '}') {
		err_set_at(reader->err, EINVAL, 1, column_of(reader, at),
			   "a { is not closed; a brace that stands for itself is written twice");
		return NULL;
	}
	if (bar < len) {
		part.otherwise = arena_strndup(reader->arena, name + bar + 1, len - bar - 1);
		len = bar;
	}
	if (!template_take_name(reader, name, len, &part)) {
		err_set_at(reader->err, EINVAL, 1, column_of(reader, at), "there is no {%.*s}",
			   len < 100 ? (int)len : 100, name);
		return NULL;
	}
	*template_add_part(reader) = part;
	return close + 1;
}

const struct rule_template *template_parse(struct arena *arena, const char *text,
					   const char **ret_unknown, struct err *err)
{
	return template_parse_names(arena, &usual_names, text, ret_unknown, err);
}

const struct rule_template *template_parse_names(struct arena *arena,
						 const struct template_names *known,
						 const char *text, const char **ret_unknown,
						 struct err *err)
{
	struct template_reader reader = { arena,       known,
					  text,	       arena_alloc(arena, sizeof(*reader.template)),
					  ret_unknown, err };
	size_t most = 1;

	*ret_unknown = NULL;
	for (const char *c = text; *c; c++)
		most += 2 * (*c == '{' || *c == '}');
	reader.template->source = arena_strdup(arena, text);
	reader.template->parts = arena_array(arena, most, sizeof(struct template_part));
	while (*text) {
		size_t len = strcspn(text, "{}");
		const char *brace = text + len;
		if (*brace && brace[1] == *brace) {
			template_add_text(&reader, text, len + 1);
			text = brace + 2;
			continue;
		}
		template_add_text(&reader, text, len);
		if (*brace == '}') {
			err_set_at(err, EINVAL, 1, column_of(&reader, brace),
				   "a } stands alone; one that stands for itself is written twice");
			return NULL;
		}
		text = *brace ? take_braces(&reader, brace) : brace;
		if (!text)
			return NULL;
	}
	return reader.template;
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

static void template_add_plain(const char *text, struct buf *out)
{
	buf_puts(out, text);
}

void template_write(const struct rule_template *template, template_value *value, void *ctx,
		    bool url, struct buf *out)
{
	template_write_escaped(template, value, ctx, url ? template_escape : template_add_plain,
			       out);
}

void template_write_escaped(const struct rule_template *template, template_value *value, void *ctx,
			    template_escaper *escape, struct buf *out)
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
		else
			escape(text, out);
	}
}
