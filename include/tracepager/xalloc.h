/*
 * Small allocations of our own. They abort when memory is gone: the store makes a crash cheap, and
 * no caller has to handle a half-made state. What a peer sizes is capped before it is allocated
 * (limits.h). Any thread; the caller frees with free().
 */
#ifndef TRACEPAGER_XALLOC_H
#define TRACEPAGER_XALLOC_H

#include <stddef.h>

void *xcalloc(size_t n, size_t size);			/* zeroed */
void *xrealloc_array(void *old, size_t n, size_t size); /* takes old; new bytes are not zeroed */
char *xstrdup(const char *text);			/* NULL gives NULL */
char *xstrndup(const char *text, size_t len);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Cleanup at the end of a variable's scope: these three and no others. */
void cleanup_free(void *slot);
void cleanup_fclose(void *slot);
void cleanup_close(int *fd);
#define CLEANUP_FREE   __attribute__((cleanup(cleanup_free)))
#define CLEANUP_FCLOSE __attribute__((cleanup(cleanup_fclose)))
#define CLEANUP_CLOSE  __attribute__((cleanup(cleanup_close)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
