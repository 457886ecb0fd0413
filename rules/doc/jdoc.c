/*
 * Jdoc: JSON bytes in, a tree of nodes out, the same as ydoc.c makes of YAML. The document goes
 * to jread line by line, so that every node knows its line; columns are not known. Open
 * containers stand on a stack: no recursion. The tree is kept by the arena.
 */
#include <errno.h>
#include <stdlib.h>

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

#include "tracepager/jread.h"

/* An open object or list. Its members so far are pairs[first] and those behind it. */
struct level {
	struct ynode *node;
	struct ynode *key;
	size_t first;
};

struct pair {
	struct ynode *key, *item;
};

struct jdoc {
	struct arena *arena;
	struct level levels[LIMIT_DEPTH + 1];
	size_t depth;
	struct pair *pairs; /* heap; members of all open containers, the innermost last */
	size_t npairs, size, nnodes;
	int line;
};

static struct ynode *jdoc_node_new(struct jdoc *jdoc, enum ynode_kind kind)
{
	struct ynode *node = arena_alloc(jdoc->arena, sizeof(*node));

	jdoc->nnodes++;
	node->kind = kind;
	node->line = jdoc->line;
	node->column = node->width = 1;
	return node;
}

static struct ynode *jdoc_text_new(struct jdoc *jdoc, const char *text, size_t len, bool quoted)
{
	struct ynode *node = jdoc_node_new(jdoc, YNODE_SCALAR);

	node->bad = memchr(text, '\0', len) != NULL;
	node->text = node->bad ? "" : arena_strndup(jdoc->arena, text, len);
	node->quoted = quoted;
	return node;
}

static void jdoc_add(struct jdoc *jdoc, struct ynode *node)
{
	struct level *level = &jdoc->levels[jdoc->depth - 1];

	if (jdoc->npairs == jdoc->size) {
		jdoc->size = jdoc->size ? jdoc->size * 2 : 64;
		jdoc->pairs = xrealloc_array(jdoc->pairs, jdoc->size, sizeof(*jdoc->pairs));
	}
	jdoc->pairs[jdoc->npairs++] = (struct pair){ level->key, node };
	level->key = NULL;
}

static void container_open(struct jdoc *jdoc, enum ynode_kind kind)
{
	jdoc->levels[jdoc->depth++] =
		(struct level){ .node = jdoc_node_new(jdoc, kind), .first = jdoc->npairs };
}

/* Moves the members of the innermost container from the stack into its node. */
static struct ynode *container_close(struct jdoc *jdoc)
{
	struct level *level = &jdoc->levels[--jdoc->depth];
	struct ynode *node = level->node;

	node->n = jdoc->npairs - level->first;
	node->items = arena_array(jdoc->arena, node->n, sizeof(struct ynode *));
	if (node->kind == YNODE_MAP)
		node->keys = arena_array(jdoc->arena, node->n, sizeof(struct ynode *));
	for (size_t i = 0; i < node->n; i++) {
		node->items[i] = jdoc->pairs[level->first + i].item;
		if (node->kind == YNODE_MAP)
			node->keys[i] = jdoc->pairs[level->first + i].key;
	}
	jdoc->npairs = level->first;
	return node;
}

static int jdoc_on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct jdoc *jdoc = ctx;

	if (jdoc->nnodes > LIMIT_YAML_EVENTS)
		return -E2BIG;
	switch (event) {
	case JREAD_OBJECT:
		container_open(jdoc, YNODE_MAP);
		break;
	case JREAD_ARRAY:
		container_open(jdoc, YNODE_LIST);
		break;
	case JREAD_OBJECT_END:
	case JREAD_ARRAY_END:
		jdoc_add(jdoc, container_close(jdoc));
		break;
	case JREAD_KEY:
		jdoc->levels[jdoc->depth - 1].key = jdoc_text_new(jdoc, text, len, true);
		break;
	case JREAD_STRING:
		jdoc_add(jdoc, jdoc_text_new(jdoc, text, len, true));
		break;
	case JREAD_NUMBER:
		jdoc_add(jdoc, jdoc_text_new(jdoc, text, len, false));
		break;
	case JREAD_TRUE:
		jdoc_add(jdoc, jdoc_text_new(jdoc, "true", 4, false));
		break;
	case JREAD_FALSE:
		jdoc_add(jdoc, jdoc_text_new(jdoc, "false", 5, false));
		break;
	case JREAD_NULL:
		jdoc_add(jdoc, jdoc_text_new(jdoc, "null", 4, false));
		break;
	}
	return JREAD_GO;
}

int jdoc_parse(struct arena *arena, const char *file, const char *text, size_t len,
	       struct ydoc *ret_doc, struct findings *findings)
{
	struct jdoc *jdoc = xcalloc(1, sizeof(*jdoc));
	struct jread *reader = jread_new(JREAD_SEQUENCE, jdoc_on_event, jdoc);
	const char *at = text, *end = text + len;
	int result = len > LIMIT_YAML_FILE_BYTES ? -E2BIG : 0;

	*ret_doc = (struct ydoc){ .file = arena_strdup(arena, file), .text = "" };
	jdoc->arena = arena;
	jdoc->line = 1;
	container_open(jdoc, YNODE_LIST);
	while (result == 0 && at < end) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		next = next ? next + 1 : end;
		result = jread_feed(reader, at, (size_t)(next - at));
		at = next;
		jdoc->line++;
	}
	if (result == 0)
		result = jread_finish(reader);
	if (result < 0) {
		const struct err *err = jread_err(reader);
		struct ynode place = { .line = err->line, .column = err->column, .width = 1 };
		ydoc_finding(ret_doc, &place, FINDING_ERROR, "E002", findings,
			     "fetch the file again, whole", "not readable as JSON: %s",
			     *err->text ? err->text : "too large");
	}
	while (jdoc->depth > 1)
		container_close(jdoc);
	ret_doc->root = container_close(jdoc);
	ret_doc->cut = result < 0;
	jread_free(reader);
	free(jdoc->pairs);
	free(jdoc);
	return result < 0 ? -EINVAL : 0;
}
