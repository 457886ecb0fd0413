/*
 * Body template: names, and how values are escaped for each content type. Pure: owns nothing.
 */
#include "tracepager/body_template.h"

#include <string.h>
#include <strings.h>

#include "engine-internal.h"
#include "tracepager/buf_json.h"

static const char *const body_names[] = {
#define BODY_NAME(id, name, text) [BODY_##id] = name,
#include "tracepager/tbl/body.def"
#undef BODY_NAME
	[BODY_LABEL] = "label.NAME",
	[BODY_ANNOTATION] = "annotation.NAME",
};
static const struct template_names body_template_names = { body_names, ARRAY_LEN(body_names) };

const char *body_template_name(size_t index)
{
	return index + 1 < ARRAY_LEN(body_names) ? body_names[index + 1] : NULL;
}

static bool type_ends_in(const char *type, size_t len, const char *end)
{
	const size_t n = strlen(end);

	return len >= n && strncasecmp(type + len - n, end, n) == 0;
}

enum body_form body_form_of(const char *content_type)
{
	size_t len = strcspn(content_type, "; \t");

	if (type_ends_in(content_type, len, "/json") || type_ends_in(content_type, len, "+json"))
		return BODY_JSON;
	if (type_ends_in(content_type, len, "/x-www-form-urlencoded"))
		return BODY_FORM;
	if (type_ends_in(content_type, len, "/xml") || type_ends_in(content_type, len, "+xml") ||
	    type_ends_in(content_type, len, "/html"))
		return BODY_XML;
	return BODY_PLAIN;
}

const struct rule_template *body_template_parse(struct arena *arena, const char *text,
						const char **ret_unknown, struct err *err)
{
	return template_parse_names(arena, &body_template_names, text, ret_unknown, err);
}

/* What stands between the quotes of the string. */
static void escape_json(const char *text, struct buf *out)
{
	struct buf quoted = BUF_INIT(out->cap + 2);

	if (buf_json_string(&quoted, text) && !quoted.failed)
		buf_add(out, buf_text(&quoted) + 1, quoted.len - 2);
	else
		out->failed = true;
	buf_fini(&quoted);
}

static void escape_xml(const char *text, struct buf *out)
{
	for (; *text; text++) {
		const char *entity = *text == '&'    ? "&amp;"
				     : *text == '<'  ? "&lt;"
				     : *text == '>'  ? "&gt;"
				     : *text == '"'  ? "&quot;"
				     : *text == '\'' ? "&#39;"
						     : NULL;
		if (entity)
			buf_puts(out, entity);
		else
			buf_putc(out, *text);
	}
}

static void escape_nothing(const char *text, struct buf *out)
{
	buf_puts(out, text);
}

void body_template_write(const struct rule_template *template, template_value *value, void *ctx,
			 enum body_form form, struct buf *out)
{
	static template_escaper *const escapers[] = {
		[BODY_JSON] = escape_json,
		[BODY_FORM] = template_escape,
		[BODY_XML] = escape_xml,
		[BODY_PLAIN] = escape_nothing,
	};

	template_write_escaped(template, value, ctx, escapers[form], out);
}
