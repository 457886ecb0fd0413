/*
 * Page target: where a page goes, in its stored form. It holds the secret key, since a resolve must
 * go where its trigger went even if the rules have changed; the store's file mode protects it.
 */
#include "tracepager/pager_kind.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"

/* The members of a stored target that hold the texts. */
static const char *const target_texts[PAGER_TEXT_COUNT] = {
	[PAGER_TO] = "to",   [PAGER_FROM] = "from",  [PAGER_USER] = "user",
	[PAGER_TLS] = "tls", [PAGER_CA] = "ca_file",
};

struct page_target page_target_of(const struct pager *pager)
{
	struct page_target target = {
		.kind = pager->kind,
		.pager = pager->name,
		.url = pager->url,
		.key = pager->key.value,
		.colour = pager->colour,
		.columns = pager->columns,
		.body = pager->body,
		.content_type = pager->body ? pager->content_type : NULL,
		.headers = pager->headers,
	};

	memcpy(target.texts, pager->texts, sizeof(target.texts));
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++)
		target.hears |= pager->feedback[i].value && *pager->feedback[i].value;
	return target;
}

void page_target_write(const struct page_target *target, struct buf *out)
{
	buf_putc(out, '{');
	buf_json_text(out, "kind", pager_kinds[target->kind]->name);
	buf_json_text(out, "pager", target->pager);
	buf_json_text(out, "url", target->url);
	buf_json_text(out, "key", target->key);
	for (int which = 0; which < PAGER_TEXT_COUNT; which++)
		if (target->texts[which])
			buf_json_text(out, target_texts[which], target->texts[which]);
	if (target->hears)
		buf_json_int(out, "hears", 1);
	if (target->body) {
		buf_json_text(out, "body", target->body);
		buf_json_text(out, "content_type", target->content_type);
	}
	if (target->headers)
		buf_json_text(out, "headers", target->headers);
	if (target->colour)
		buf_json_int(out, "color", (int)target->colour);
	if (target->columns)
		buf_json_int(out, "width", target->columns);
	buf_putc(out, '}');
}

static const char *target_text(struct arena *arena, const json_t *root, const char *key)
{
	return arena_strdup(arena, json_string_value(json_object_get(root, key)));
}

/* A number from 0 to `most`; 0 where there is none. */
static int target_number(const json_t *root, const char *key, int most)
{
	json_int_t value = json_integer_value(json_object_get(root, key));

	return value > 0 && value <= most ? (int)value : 0;
}

int page_target_read(struct arena *arena, const char *text, struct page_target *ret_target,
		     struct err *err)
{
	json_error_t where;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	const char *kind = json_string_value(json_object_get(root, "kind"));
	const char *pager = json_string_value(json_object_get(root, "pager"));
	int error = -EINVAL;

	if (!root) {
		err_set(err, EINVAL, "stored target: %s", where.text);
		goto out;
	}
	if (!kind || !pager) {
		err_set(err, EINVAL, "stored target: no kind or no pager in it");
		goto out;
	}
	for (int i = 0; i < PAGER_KIND_COUNT; i++) {
		if (strcmp(pager_kinds[i]->name, kind) != 0)
			continue;
		*ret_target = (struct page_target){
			.kind = (enum pager_kind_id)i,
			.pager = arena_strdup(arena, pager),
			.hears = target_number(root, "hears", 1) != 0,
			.url = target_text(arena, root, "url"),
			.key = target_text(arena, root, "key"),
			.body = target_text(arena, root, "body"),
			.content_type = target_text(arena, root, "content_type"),
			.headers = target_text(arena, root, "headers"),
			.colour =
				(enum pager_colour)target_number(root, "color", PAGER_COLOUR_NEVER),
			.columns = (unsigned int)target_number(root, "width",
							       LIMIT_CONSOLE_COLUMNS_MOST),
		};
		for (int which = 0; which < PAGER_TEXT_COUNT; which++)
			ret_target->texts[which] = target_text(arena, root, target_texts[which]);
		error = 0;
		goto out;
	}
	err_set(err, EINVAL, "stored target: this relay has no pagers of kind %s", kind);
out:
	json_decref(root);
	return error;
}

const char *page_target_host(const struct page_target *target, size_t *ret_len)
{
	/* Of an incoming webhook the address is the key. */
	const char *url = target->url ? target->url : target->key;
	const char *host = url ? strstr(url, "://") : NULL;
	const char *at;

	if (!host)
		return NULL;
	host += 3;
	*ret_len = strcspn(host, "/?#");
	/* A password may stand before it. */
	while ((at = memchr(host, '@', *ret_len))) {
		*ret_len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	return host;
}
