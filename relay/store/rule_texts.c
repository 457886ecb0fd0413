/*
 * The files of a version of the rules, packed for the store and unpacked again. Owns nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/history.h"
#include "tracepager/limits.h"
#include "tracepager/pack.h"
#include "tracepager/xalloc.h"

/* The texts, and as much again for names and lengths. */
#define PLAIN_BYTES (2 * LIMIT_RULES_BYTES)

void rule_texts_pack(const struct rule_file *files, size_t n, struct buf *out)
{
	struct buf plain = BUF_INIT(PLAIN_BYTES);

	for (size_t i = 0; i < n; i++) {
		buf_add(&plain, files[i].name, strlen(files[i].name) + 1);
		buf_printf(&plain, "%zu", files[i].len);
		buf_putc(&plain, '\0');
		buf_add(&plain, files[i].text, files[i].len);
	}
	if (plain.failed)
		out->failed = true;
	else
		pack_add(plain.data, plain.len, out);
	buf_fini(&plain);
}

/* The text at *at, which moves behind it; NULL: it has no end before end. */
static const char *rule_texts_take(const char **at, const char *end)
{
	const char *text = *at, *nul = memchr(text, '\0', (size_t)(end - text));

	if (nul)
		*at = nul + 1;
	return nul ? text : NULL;
}

int rule_texts_open(const char *packed, size_t len, struct buf *opened,
		    struct rule_file **ret_files, struct err *err)
{
	int n = 0, error = pack_open(packed, len, opened, err);
	struct rule_file *files = NULL;

	if (error)
		return error;
	const char *at = buf_text(opened), *end = at + opened->len;
	while (at < end) {
		const char *name = rule_texts_take(&at, end);
		const char *size = name ? rule_texts_take(&at, end) : NULL;
		unsigned long long bytes = size ? strtoull(size, NULL, 10) : 0;
		if (!size || bytes > (size_t)(end - at)) {
			free(files);
			return err_set(err, EBADMSG, "the stored rules are damaged");
		}
		files = xrealloc_array(files, (size_t)n + 1, sizeof(*files));
		files[n++] = (struct rule_file){ name, at, (size_t)bytes };
		at += bytes;
	}
	*ret_files = files;
	return n;
}
