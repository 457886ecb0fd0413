/*
 * Shared text: one text that several owners keep, such as the decision of a page, which the
 * incident, its record and its queued pages have in common. It never changes, and goes with its
 * last reference.
 *
 * References are counted on the loop thread only; other threads may read the text while an owner
 * keeps it.
 */
#ifndef TRACEPAGER_SHARED_TEXT_H
#define TRACEPAGER_SHARED_TEXT_H

#include <stddef.h>

#include "tracepager/buf.h"

struct shared_text {
	size_t references;
	size_t len;
	char *text; /* NUL-terminated */
};

/* The text of a buf, which is taken out of it; the caller has the first reference. */
struct shared_text *shared_text_take(struct buf *buf);
/* A copy of bytes, such as a packed text, in no more memory than they need. */
struct shared_text *shared_text_copy(const void *data, size_t len);
struct shared_text *shared_text_ref(struct shared_text *text); /* NULL gives NULL */
void shared_text_unref(struct shared_text *text);	       /* takes NULL */
/* Borrowed; NULL gives NULL. */
static inline const char *shared_text_text(const struct shared_text *text)
{
	return text ? text->text : NULL;
}

#endif
