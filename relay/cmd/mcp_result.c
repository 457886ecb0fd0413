/*
 * Mcp, results: JSON for agents, made plain and bounded, with a note of what was left out. Pure;
 * owns nothing.
 */
#include "mcp-internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

/* How far lists and texts are cut: the first that fits is taken. */
static const struct mcp_cut {
	size_t entries, bytes;
} mcp_cuts[] = { { 200, 16000 }, { 60, 4000 }, { 20, 1500 }, { 8, 500 }, { 3, 200 }, { 1, 100 } };

struct mcp_bounding {
	const struct mcp_cut *cut;
	struct arena *arena;
	json_t *left_out; /* NULL: not told */
};

static json_t *bound_value(const struct mcp_bounding *bounding, const json_t *value,
			   const char *path, unsigned int depth);

static void tell_left_out(const struct mcp_bounding *bounding, const char *path, const char *what,
			  size_t shown, size_t of)
{
	if (bounding->left_out && json_array_size(bounding->left_out) < LIMIT_MCP_LEFT_OUT)
		json_array_append_new(bounding->left_out,
				      json_pack("{s:s, s:s, s:I, s:I}", "at", path, "what", what,
						"shown", (json_int_t)shown, "of", (json_int_t)of));
}

static json_t *bound_text(const struct mcp_bounding *bounding, const json_t *value,
			  const char *path)
{
	const char *plain = plain_words(bounding->arena, json_string_value(value), false);
	const size_t len = strlen(plain), shown = utf8_cut(plain, len, bounding->cut->bytes);

	if (shown < len)
		tell_left_out(bounding, path, "bytes", shown, len);
	CLEANUP_FREE char *text = xasprintf("%.*s%s", (int)shown, plain, shown < len ? "…" : "");
	return json_string(text);
}

static json_t *bound_list(const struct mcp_bounding *bounding, const json_t *value,
			  const char *path, unsigned int depth)
{
	size_t n = json_array_size(value),
	       shown = n < bounding->cut->entries ? n : bounding->cut->entries;
	json_t *list = json_array();

	for (size_t i = 0; i < shown; i++) {
		const char *at = arena_printf(bounding->arena, "%s[%zu]", path, i);
		json_array_append_new(list,
				      bound_value(bounding, json_array_get(value, i), at, depth));
	}
	if (shown < n)
		tell_left_out(bounding, path, "entries", shown, n);
	return list;
}

static json_t *bound_object(const struct mcp_bounding *bounding, const json_t *value,
			    const char *path, unsigned int depth)
{
	json_t *object = json_object();
	size_t n = json_object_size(value), shown = 0;
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		const char *plain = plain_text(bounding->arena, name, 200);
		if (shown++ == bounding->cut->entries)
			break;
		json_object_set_new(object, plain,
				    bound_value(bounding, member,
						arena_printf(bounding->arena, "%s%s%s", path,
							     *path ? "." : "", plain),
						depth));
	}
	if (n > bounding->cut->entries)
		tell_left_out(bounding, path, "members", bounding->cut->entries, n);
	return object;
}

/* Recursion ends at LIMIT_DEPTH, whatever a peer sends. */
static json_t *bound_value(const struct mcp_bounding *bounding, const json_t *value,
			   const char *path, unsigned int depth)
{
	if (depth == LIMIT_DEPTH) {
		tell_left_out(bounding, path, "levels", 0, 1);
		return json_null();
	}
	if (json_is_string(value))
		return bound_text(bounding, value, path);
	if (json_is_array(value))
		return bound_list(bounding, value, path, depth + 1);
	if (json_is_object(value))
		return bound_object(bounding, value, path, depth + 1);
	return json_deep_copy(value);
}

json_t *mcp_bounded(const json_t *value, size_t most_bytes, json_t *left_out)
{
	json_t *bounded = NULL;
	size_t before = json_array_size(left_out);

	for (size_t i = 0; i < ARRAY_LEN(mcp_cuts); i++) {
		struct mcp_bounding bounding = { &mcp_cuts[i], arena_new(LIMIT_COMMAND_ARENA_BYTES),
						 left_out };
		json_decref(bounded);
		while (json_array_size(left_out) > before)
			json_array_remove(left_out, before);
		bounded = bound_value(&bounding, value, "", 0);
		arena_free(bounding.arena);
		if (json_dumpb(bounded, NULL, 0, MCP_JSON) <= most_bytes)
			return bounded;
	}
	json_decref(bounded);
	return NULL;
}

static json_t *result_with_text(const char *text, bool is_error)
{
	return json_pack("{s:[{s:s, s:s}], s:b}", "content", "type", "text", "text", text,
			 "isError", is_error);
}

json_t *mcp_result(json_t *object, json_t *left_out)
{
	if (json_array_size(left_out))
		json_object_set(object, "left_out", left_out);
	json_decref(left_out);
	CLEANUP_FREE char *text = json_dumps(object, MCP_JSON);
	if (!text)
		abort(); /* no memory: the object is of our own making */
	json_t *result = result_with_text(text, false);
	json_object_set_new(result, "structuredContent", object);
	return result;
}

json_t *mcp_result_of(json_t *object)
{
	json_t *left_out = json_array();
	json_t *bounded = mcp_bounded(object, LIMIT_MCP_RESULT_BYTES, left_out);

	json_decref(object);
	if (bounded)
		return mcp_result(bounded, left_out);
	json_decref(left_out);
	return mcp_error("the result has no room in %u bytes: ask for less",
			 LIMIT_MCP_RESULT_BYTES);
}

json_t *mcp_error(const char *format, ...)
{
	struct buf text = BUF_INIT(LIMIT_FINDINGS_TEXT_BYTES);
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	char *plain = plain_words(arena, buf_text(&text), false);
	plain[utf8_cut(plain, strlen(plain), LIMIT_MCP_ERROR_BYTES)] = '\0';
	json_t *result = result_with_text(plain, true);
	arena_free(arena);
	buf_fini(&text);
	return result;
}
