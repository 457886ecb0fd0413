/*
 * Template: a text with {names} in it. Only substitution, no code: {service} is the suspect's
 * service, {label.NAME} a label, {annotation.NAME} an annotation; {service|text} is the text where
 * the value is empty; {{ and }} are braces. Names are those of tbl/template.def; any other is
 * refused when it is read. The parts are an arena's.
 */
#ifndef TRACEPAGER_TEMPLATE_H
#define TRACEPAGER_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/err.h"

enum template_name {
	TEMPLATE_TEXT, /* the text itself stands here */
#define TEMPLATE_NAME(id, name, text) TEMPLATE_##id,
#include "tracepager/tbl/template.def"
#undef TEMPLATE_NAME
	TEMPLATE_LABEL,
	TEMPLATE_ANNOTATION,
	TEMPLATE_COUNT
};

struct template_part {
	enum template_name name;
	const char *text; /* TEXT: itself; LABEL, ANNOTATION: whose; else NULL */
	const char *otherwise;
};

struct rule_template {
	const char *source; /* as the rules have it */
	struct template_part *parts;
	size_t nparts;
};

/* Returns NULL with err where the text is wrong; err's column is that of the brace, in characters.
 * *ret_unknown is the name that is none (kept by the arena), or NULL. */
const struct rule_template *template_parse(struct arena *arena, const char *text,
					   const char **ret_unknown, struct err *err);

/* The value of a name, borrowed; NULL is "". part: for labels and annotations. */
typedef const char *template_value(void *ctx, const struct template_part *part);
/* Adds the text with its values in it. url: values are escaped as RFC 3986 wants them in a query or
 * a segment of a path. What does not fit into out is remembered there. */
void template_write(const struct rule_template *template, template_value *value, void *ctx,
		    bool url, struct buf *out);
/* A text as a part of an address: escaped as RFC 3986 wants it. */
void template_escape(const char *text, struct buf *out);
/* The names that there are, for hints and lists; NULL at the end. */
const char *template_name(size_t index);

#endif
