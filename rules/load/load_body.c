/*
 * Load: what a webhook sends instead of the decision: body, content_type and headers. A map or a
 * list becomes the template of its JSON. A body of JSON is tried with values and without, so that
 * no page can break it. No value of a header stands in a finding.
 */
#include "load-internal.h"

#include <ctype.h>
#include <strings.h>

#include "tracepager/body_template.h"
#include "tracepager/buf_json.h"

/* ---- the text of a template ---- */

static const char *body_hint(const struct load_scope *scope, const char *unknown)
{
	const char *names[BODY_NAME_COUNT];
	size_t n = 0;

	while (body_template_name(n)) {
		names[n] = body_template_name(n);
		n++;
	}
	return unknown ? unknown_name_hint(scope->load, unknown, names, n)
		       : "write {{ and }} for braces that stand for themselves, or the body as a "
			 "map instead of a text";
}

static const struct rule_template *parse_body_text(const struct load_scope *scope,
						   const struct ynode *node, const char *text)
{
	const char *unknown;
	struct err err;
	const struct rule_template *template =
		body_template_parse(scope->load->scratch, text, &unknown, &err);

	if (!template)
		LOAD_ERROR(scope, node, "E041", body_hint(scope, unknown), "%s, in \"body\" of %s",
			   err.text, scope->what);
	return template;
}

/* ---- a map or a list becomes JSON ---- */

/* Does an unquoted scalar stand there in JSON as it does in YAML? */
static bool is_json_word(const struct ynode *node)
{
	int64_t number;
	bool value;

	return !node->quoted && (ynode_int(node, &number) || ynode_bool(node, &value));
}

/* Adds the scalar to the template of the JSON: a text keeps its {names}. */
static void add_body_scalar(const struct load_scope *scope, const struct ynode *node,
			    struct buf *out)
{
	if (ynode_is_empty(node))
		buf_puts(out, "null");
	else if (is_json_word(node))
		buf_puts(out, node->text);
	else if (parse_body_text(scope, node, node->text))
		buf_json_string(out, node->text);
}

/* The depth is that of the YAML document, which has a cap. */
static void add_body_node(const struct load_scope *scope, const struct ynode *node, struct buf *out)
{
	if (node->kind == YNODE_SCALAR) {
		add_body_scalar(scope, node, out);
		return;
	}
	const bool map = node->kind == YNODE_MAP;
	buf_puts(out, map ? "{{" : "[");
	for (size_t i = 0; i < node->n; i++) {
		buf_puts(out, i ? "," : "");
		if (map) {
			if (parse_body_text(scope, node->keys[i], node->keys[i]->text))
				buf_json_string(out, node->keys[i]->text);
			buf_putc(out, ':');
		}
		add_body_node(scope, node->items[i], out);
	}
	buf_puts(out, map ? "}}" : "]");
}

/* ---- the proof that a body is JSON ---- */

static const char *body_sample(void *ctx, const struct template_part *part)
{
	(void)part;
	return ctx;
}

/* "" with an empty value, as a page without that fact has it. */
static bool is_body_json(const struct load_scope *scope, const struct rule_template *template,
			 const char *value, const char **ret_why)
{
	struct buf out = BUF_INIT(LIMIT_YAML_FILE_BYTES);
	struct findings findings = { .at = NULL };
	struct ydoc doc;

	body_template_write(template, body_sample, (void *)(uintptr_t)value, BODY_JSON, &out);
	const int result =
		jdoc_parse(scope->load->scratch, "body", buf_text(&out), out.len, &doc, &findings);
	*ret_why = findings.n ? arena_strdup(scope->load->scratch, findings.at[0].text)
			      : "it is empty";
	const bool whole = result == 0 && !out.failed && doc.root;
	findings_fini(&findings);
	buf_fini(&out);
	return whole;
}

static void check_body_json(const struct load_scope *scope, const struct ynode *node,
			    const struct rule_template *template)
{
	const char *why;

	if (!is_body_json(scope, template, "x", &why) || !is_body_json(scope, template, "", &why))
		LOAD_ERROR(scope, node, "E055",
			   "put each {name} into double quotes, write {{ and }} for JSON's braces, "
			   "or write the body as a map, or give its content_type",
			   "\"body\" of %s is no JSON: %s", scope->what, why);
}

/* ---- members ---- */

static void read_body_text(const struct load_scope *scope, struct pager *pager)
{
	const struct ynode *node = member_value(scope, "body");
	const bool json = body_form_of(pager->content_type) == BODY_JSON;
	struct buf out = BUF_INIT(LIMIT_WEBHOOK_BODY_BYTES);
	const size_t errors = scope->load->findings->nerrors;

	if (!node)
		return;
	if (node->kind == YNODE_SCALAR) {
		buf_puts(&out, node->text);
	} else if (json) {
		add_body_node(scope, node, &out);
	} else {
		LOAD_ERROR(scope, node, "E014", "write a text, or leave content_type out",
			   "\"body\" of %s must be a text, not %s: a map becomes JSON, and the "
			   "content_type is another",
			   scope->what, ynode_kind_name(node));
	}
	if (out.failed)
		LOAD_ERROR(scope, node, "E048", "send less",
			   "\"body\" of %s has more than %u bytes", scope->what,
			   LIMIT_WEBHOOK_BODY_BYTES);
	else if (scope->load->findings->nerrors == errors) {
		const struct rule_template *template = parse_body_text(scope, node, buf_text(&out));
		if (template && json)
			check_body_json(scope, node, template);
		pager->body = arena_strdup(scope->load->set->arena, buf_text(&out));
	}
	buf_fini(&out);
}

/* A token of HTTP, and no header that the request has already. */
static const char *header_fault(const char *name)
{
	static const char *const taken[] = {
		"content-type",	     "content-length",	  "host",
		"transfer-encoding", "connection",	  "expect",
		"webhook-id",	     "webhook-timestamp", "webhook-signature"
	};

	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("!#$%&'*+-.^_`|~", *c))
			return "has characters that no name of a header has";
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (strcasecmp(name, taken[i]) == 0)
			return i == 0 ? "is what content_type says"
				      : "is made by tracepager itself";
	return NULL;
}

static bool is_header_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static void read_body_headers(const struct load_scope *scope, struct pager *pager)
{
	const struct ynode *map =
		member_key(scope, "headers") ? member_map(scope, "headers") : NULL;
	struct buf out = BUF_INIT(LIMIT_WEBHOOK_HEADERS_BYTES);

	for (size_t i = 0; map && i < map->n; i++) {
		const struct ynode *key = map->keys[i], *value = map->items[i];
		const char *fault = header_fault(key->text);
		const char *text = value->kind == YNODE_SCALAR ? value->text : "";
		if (fault)
			LOAD_ERROR(scope, key, "E056",
				   "leave it out, or use a name of letters, digits, - and _",
				   "the header \"%.100s\" of %s %s", key->text, scope->what, fault);
		else if (!*text || !is_header_line(text))
			LOAD_ERROR(scope, key, "E056", "write a text of one line",
				   "the value of the header \"%.100s\" of %s is no line of text",
				   key->text, scope->what);
		else
			buf_printf(&out, "%s: %s\n", key->text, text);
	}
	if (map && (out.failed || map->n > LIMIT_WEBHOOK_HEADERS))
		LOAD_ERROR(scope, member_key(scope, "headers"), "E048", "give fewer",
			   "\"headers\" of %s has more than %u headers or %u bytes", scope->what,
			   LIMIT_WEBHOOK_HEADERS, LIMIT_WEBHOOK_HEADERS_BYTES);
	else if (map)
		pager->headers = arena_strdup(scope->load->set->arena, buf_text(&out));
	buf_fini(&out);
}

void load_body(const struct load_scope *scope, struct pager *pager)
{
	pager->content_type = BODY_USUAL_TYPE;
	if (member_key(scope, "content_type")) {
		const char *type = member_text(scope, "content_type");
		if (type && (!strchr(type, '/') || !is_header_line(type)))
			LOAD_ERROR(scope, member_value(scope, "content_type"), "E056",
				   "such as application/json, text/plain or "
				   "application/x-www-form-urlencoded",
				   "\"content_type\" of %s is no type of content", scope->what);
		pager->content_type = type && strchr(type, '/') ? type : NULL;
		if (!member_key(scope, "body"))
			LOAD_ERROR(scope, member_key(scope, "content_type"), "E056",
				   "give it a \"body\", or leave content_type out",
				   "%s sends the decision, which is application/json", scope->what);
	}
	if (member_key(scope, "body") && pager->content_type)
		read_body_text(scope, pager);
	read_body_headers(scope, pager);
}
