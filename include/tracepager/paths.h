/*
 * Paths: a JSON reader for encodings whose members are known by where they stand. Nested objects
 * and dotted keys give the same path, {"trace":{"id":1}} and {"trace.id":1} are trace.id; lists add
 * nothing to it. It owns the reader and the path, no more.
 */
#ifndef TRACEPAGER_PATHS_H
#define TRACEPAGER_PATHS_H

#include "tracepager/jread.h"

struct paths;

/*
 * Called with JREAD_KEY when a member begins, which it may JREAD_SKIP; with the begin and the end
 * of objects and lists; with values other than null. The outermost value has the path "". Of a
 * number, text is how it is written. Answers as a jread_handler.
 */
typedef int paths_handler(void *ctx, enum jread_event event, const char *path, const char *text,
			  size_t len);

struct paths *paths_new(paths_handler *handler, void *ctx);
void paths_free(struct paths *paths);  /* takes NULL */
void paths_reset(struct paths *paths); /* for another document */
/* As jread_feed() and jread_finish(); err may be NULL. */
int paths_feed(struct paths *paths, const char *data, size_t len, struct err *err);
int paths_finish(struct paths *paths, struct err *err);

/* What follows prefix in path; NULL: it begins with something else. */
const char *path_below(const char *path, const char *prefix);
/* A number of seconds since 1970, or of a duration, as microseconds. false: no such time. */
bool time_of_seconds(const char *text, size_t len, int64_t *ret_us);

#endif
