/*
 * Body template: what a webhook sends instead of the decision. A template as template.h has them,
 * whose names are those of tbl/body.def, filled in from a page. Values are escaped by the content
 * type, so that none ends the text or the element in which it stands. Pure: any thread.
 */
#ifndef TRACEPAGER_BODY_TEMPLATE_H
#define TRACEPAGER_BODY_TEMPLATE_H

#include "tracepager/template.h"

enum body_name {
	BODY_TEXT, /* a text between names */
#define BODY_NAME(id, name, text) BODY_##id,
#include "tracepager/tbl/body.def"
#undef BODY_NAME
	BODY_LABEL,
	BODY_ANNOTATION,
	BODY_NAME_COUNT
};

#define BODY_USUAL_TYPE "application/json"

/* How values are escaped. */
enum body_form {
	BODY_JSON, /* for a string in quotes; also text/json and anything that ends in +json */
	BODY_FORM, /* application/x-www-form-urlencoded */
	BODY_XML,  /* XML and HTML, for text and quoted attributes */
	BODY_PLAIN,
};
enum body_form body_form_of(const char *content_type);

/* As template_parse(). */
const struct rule_template *body_template_parse(struct arena *arena, const char *text,
						const char **ret_unknown, struct err *err);
/* As template_write(); the name of a part is an enum body_name. */
void body_template_write(const struct rule_template *template, template_value *value, void *ctx,
			 enum body_form form, struct buf *out);
/* The known names; NULL behind the last. */
const char *body_template_name(size_t index);

#endif
