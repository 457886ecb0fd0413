/*
 * Alike: texts that stay in memory for long and are much alike, such as the pages of a storm, kept
 * packed. Each is compressed against one that was kept before, so that only what differs takes
 * memory. It refuses to be stored: the packed form is this process's. It owns the texts against
 * which others are compressed, for as long as one of those others is kept. Loop thread only.
 */
#ifndef TRACEPAGER_ALIKE_H
#define TRACEPAGER_ALIKE_H

#include <stddef.h>

struct alike;	   /* what packs */
struct alike_text; /* one packed text */

struct alike *alike_new(void);
/* All texts were freed before. Takes NULL. */
void alike_free(struct alike *alike);

/* Packs len bytes, 1 at least and 2^31 at most; they may hold NUL. Takes 5 to 20 µs for a page. */
struct alike_text *alike_pack(struct alike *alike, const void *data, size_t len);
void alike_text_free(struct alike_text *text); /* takes NULL */
/* How many bytes were packed, and how many bytes of memory their packed form takes. */
size_t alike_text_len(const struct alike_text *text);
size_t alike_text_bytes(const struct alike_text *text);
/* Opens a text of alike_text_len() bytes, which are borrowed until the next call. Takes 2 to 10 µs
 * for a page. */
const void *alike_open(struct alike *alike, const struct alike_text *text);

#endif
