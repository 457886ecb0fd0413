/* Shared text: a counter beside a text. */
#include "tracepager/shared_text.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/xalloc.h"

struct shared_text *shared_text_take(struct buf *buf)
{
	struct shared_text *text = xcalloc(1, sizeof(*text));

	text->references = 1;
	text->len = buf->len;
	text->text = buf_take(buf);
	return text;
}

struct shared_text *shared_text_copy(const void *data, size_t len)
{
	struct shared_text *text = xcalloc(1, sizeof(*text) + len + 1);

	text->references = 1;
	text->len = len;
	text->text = (char *)(text + 1);
	if (len)
		memcpy(text->text, data, len);
	return text;
}

struct shared_text *shared_text_ref(struct shared_text *text)
{
	if (text)
		text->references++;
	return text;
}

void shared_text_unref(struct shared_text *text)
{
	if (!text || --text->references)
		return;
	if (text->text != (char *)(text + 1)) /* else it is a copy, in the same block */
		free(text->text);
	free(text);
}
