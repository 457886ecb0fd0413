/*
 * Template: a text with {names} in it. Substitution only, no code: {service} is the suspect's
 * service, {label.NAME} a label, {annotation.NAME} an annotation; {service|text} gives the text
 * where the value is empty; {{ and }} are braces. The names are those of tbl/template.def;
 * template_parse() refuses any other.
 *
 * A template is kept by the arena of the caller. Pure: any thread may call.
 */
#ifndef TRACEPAGER_TEMPLATE_H
#define TRACEPAGER_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/err.h"

enum template_name {
	TEMPLATE_TEXT, /* a text between names */
#define TEMPLATE_NAME(id, name, text) TEMPLATE_##id,
#include "tracepager/tbl/template.def"
#undef TEMPLATE_NAME
	TEMPLATE_LABEL,
	TEMPLATE_ANNOTATION,
	TEMPLATE_COUNT
};

struct template_part {
	enum template_name name;
	const char *text; /* TEXT: the text; LABEL, ANNOTATION: its name; else NULL */
	const char *otherwise;
};

struct rule_template {
	const char *source; /* as it stands in the rules */
	struct template_part *parts;
	size_t nparts;
};

/*
 * Parses a text. Returns NULL with err where it is wrong; the column of err is that of the brace,
 * in characters. *ret_unknown is the unknown name (kept by the arena), or NULL where the mistake
 * is another one.
 */
const struct rule_template *template_parse(struct arena *arena, const char *text,
					   const char **ret_unknown, struct err *err);

/* The names of a kind of template: at[1] to at[n - 3]; the last two are label.NAME and
 * annotation.NAME. The name of a part is its number, as an enum template_name. */
struct template_names {
	const char *const *at;
	size_t n;
};
/* The same with names of the caller's. */
const struct rule_template *template_parse_names(struct arena *arena,
						 const struct template_names *known,
						 const char *text, const char **ret_unknown,
						 struct err *err);

/* Returns the value of a name, borrowed; NULL counts as "". part: for the name of a label or
 * annotation. */
typedef const char *template_value(void *ctx, const struct template_part *part);
/* Adds the text with the values filled in. url: values are escaped (RFC 3986) for a query or a
 * segment of a path. buf remembers where something did not fit. */
void template_write(const struct rule_template *template, template_value *value, void *ctx,
		    bool url, struct buf *out);
/* The same with any escaping of values. */
typedef void template_escaper(const char *text, struct buf *out);
void template_write_escaped(const struct rule_template *template, template_value *value, void *ctx,
			    template_escaper *escape, struct buf *out);
/* Adds a text escaped as a part of an address (RFC 3986). */
void template_escape(const char *text, struct buf *out);
/* The known names, for hints and lists; NULL behind the last. */
const char *template_name(size_t index);

#endif
