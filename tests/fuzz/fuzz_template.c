/*
 * Fuzz: templates from any bytes: a text, and behind a NUL the value of every name in it. A text
 * that is refused says where; one that is taken is written as it stands where it has no names, and
 * puts nothing but unreserved characters and escapes into an address.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../rules/engine/engine-internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static const char *value_of(void *ctx, const struct template_part *part)
{
	return part->name == TEMPLATE_TEXT ? NULL : ctx;
}

static bool is_escaped(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~%",
				    text[i]) != NULL;
		if (!plain || !text[i])
			return false;
	}
	return true;
}

/* What a template makes, part by part: the bytes between the texts are the values. */
static void check_parts(const struct rule_template *template, const char *value,
			const char *written)
{
	struct buf escaped = BUF_INIT(64u << 20);
	const char *at = written;

	template_escape(value, &escaped);
	require(is_escaped(buf_text(&escaped), escaped.len));
	for (size_t i = 0; i < template->nparts; i++) {
		const struct template_part *part = &template->parts[i];
		const char *text = part->name == TEMPLATE_TEXT ? part->text
				   : *value		       ? buf_text(&escaped)
				   : part->otherwise	       ? part->otherwise
							       : "";
		require(strncmp(at, text, strlen(text)) == 0);
		at += strlen(text);
	}
	require(*at == '\0');
	buf_fini(&escaped);
}

static void write_it(const struct rule_template *template, char *value)
{
	struct buf out = BUF_INIT(64u << 20), url = BUF_INIT(64u << 20), small = BUF_INIT(16);

	template_write(template, value_of, value, false, &out);
	template_write(template, value_of, value, true, &url);
	template_write(template, value_of, value, false, &small);
	require(small.len <= 16);
	check_parts(template, value, buf_text(&url));
	if (template->nparts == 0)
		require(out.len == 0);
	buf_fini(&out);
	buf_fini(&url);
	buf_fini(&small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(64u << 20);
	const char *text = arena_strndup(arena, (const char *)data, size), *unknown = NULL;
	size_t len = strlen(text);
	char *value = len < size
			      ? arena_strndup(arena, (const char *)data + len + 1, size - len - 1)
			      : arena_strdup(arena, "a b/ü");
	struct err err = { .code = 0 };
	const struct rule_template *template = template_parse(arena, text, &unknown, &err);

	require((template == NULL) == (err.code != 0));
	if (template) {
		require(!unknown && strcmp(template->source, text) == 0);
		require(strpbrk(text, "{}") || template->nparts <= 1);
		write_it(template, value);
	} else {
		require(err.column >= 1 && (size_t)err.column <= len);
	}
	arena_free(arena);
	return 0;
}
