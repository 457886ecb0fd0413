/*
 * Paths: a JSON reader that gives each value with its path, for encodings that know members by
 * their place. Nested objects and dotted keys give the same path: {"trace":{"id":1}} and
 * {"trace.id":1} are both trace.id; lists add nothing to the path.
 *
 * It skips members with an empty key, with a NUL in the key, or with a path over
 * LIMIT_MEMBER_PATH_BYTES; it refuses what jread refuses. It owns its jread and the path; ctx is
 * borrowed. One thread at a time may use it.
 */
#ifndef TRACEPAGER_PATHS_H
#define TRACEPAGER_PATHS_H

#include "tracepager/jread.h"

struct paths;

/*
 * Called with JREAD_KEY when a member begins, which the handler may JREAD_SKIP; at the beginning
 * and the end of objects and lists; and with every value but null. The outermost value has the path
 * "". text is a key, a decoded string, a number as written, "true" or "false"; path and text are
 * borrowed until it returns. Answers as a jread_handler.
 */
typedef int paths_handler(void *ctx, enum jread_event event, const char *path, const char *text,
			  size_t len);

struct paths *paths_new(paths_handler *handler, void *ctx);
void paths_free(struct paths *paths);	/* takes NULL */
void paths_reset(struct paths *paths);	/* for another document; keeps paths_repair() */
void paths_repair(struct paths *paths); /* as jread_repair() */
/* As jread_feed() and jread_finish(); err may be NULL. */
int paths_feed(struct paths *paths, const char *data, size_t len, struct err *err);
int paths_finish(struct paths *paths, struct err *err);

/* The rest of path behind prefix; NULL: path does not begin with it. Pure. */
const char *path_below(const char *path, const char *prefix);
/* Seconds, of a duration or since 1970, as microseconds, rounded. false: no number from 0 to below
 * 1e12. Pure. */
bool time_of_seconds(const char *text, size_t len, int64_t *ret_us);

#endif
