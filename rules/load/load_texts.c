/*
 * Load, texts: values that are legal and that no person means as they are: typographic quotes,
 * which YAML takes for letters. Goes through a document without knowing what its keys mean.
 */
#include "load-internal.h"

/* The first bytes of the quotes that word processors make. */
static const char *const typographic[] = {
	"\xe2\x80\x9c", /* left double */
	"\xe2\x80\x9d", /* right double */
	"\xe2\x80\x9e", /* low double */
	"\xe2\x80\x98", /* left single */
	"\xe2\x80\x99", /* right single */
	"\xc2\xab",	/* left guillemet */
};

/* Does an unquoted text begin with such a quote? */
static bool is_typographic(const struct ynode *node)
{
	for (size_t i = 0;
	     node->kind == YNODE_SCALAR && !node->quoted && i < ARRAY_LEN(typographic); i++)
		if (strncmp(node->text, typographic[i], strlen(typographic[i])) == 0)
			return true;
	return false;
}

static void warn_of_quotes(struct load *load, const struct ydoc *doc, const struct ynode *node)
{
	const struct load_scope scope = { .load = load, .doc = doc };

	if (is_typographic(node))
		LOAD_WARNING(&scope, node, "W049", "write straight quotes: \"",
			     "typographic quotes do not quote: they are part of the text");
}

void load_check_texts(struct load *load, const struct ydoc *doc)
{
	struct {
		const struct ynode *node;
		size_t next;
	} stack[LIMIT_DEPTH + 1];
	size_t depth = 0;

	/* Few files have such bytes at all. */
	if (!memmem(doc->text, doc->len, "\xe2\x80", 2) &&
	    !memmem(doc->text, doc->len, "\xc2\xab", 2))
		return;
	stack[depth].node = doc->root;
	stack[depth++].next = 0;
	while (depth) {
		const struct ynode *node = stack[depth - 1].node;
		const size_t i = stack[depth - 1].next++;
		if (node->kind == YNODE_SCALAR || i == node->n) {
			warn_of_quotes(load, doc, node);
			depth--;
			continue;
		}
		if (node->kind == YNODE_MAP)
			warn_of_quotes(load, doc, node->keys[i]);
		if (depth <= LIMIT_DEPTH) {
			stack[depth].node = node->items[i];
			stack[depth++].next = 0;
		}
	}
}
