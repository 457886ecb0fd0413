/* Shared text: a counter beside a text. */
#include "tracepager/shared_text.h"

#include <stdlib.h>

#include "tracepager/xalloc.h"

struct shared_text *shared_text_take(struct buf *buf)
{
	struct shared_text *text = xcalloc(1, sizeof(*text));

	text->references = 1;
	text->len = buf->len;
	text->text = buf_take(buf);
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
	free(text->text);
	free(text);
}
