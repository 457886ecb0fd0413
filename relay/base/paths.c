/* Paths: the path grows by each key and shrinks at each container's end. Skips members whose path
 * has more than LIMIT_MEMBER_PATH_BYTES and members whose key is empty or holds a NUL: no encoding
 * that a decoder knows has such members. */
#include "tracepager/paths.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

struct paths {
	struct jread *jread;
	paths_handler *handler;
	void *ctx;
	size_t len;		       /* of the path */
	size_t marks[LIMIT_DEPTH + 1]; /* for each open container, the length of its path */
	unsigned int depth;
	char path[LIMIT_MEMBER_PATH_BYTES + 1];
};

static void path_cut(struct paths *paths, size_t len)
{
	paths->len = len;
	paths->path[len] = '\0';
}

static int paths_on_key(struct paths *paths, const char *text, size_t len)
{
	size_t base = paths->marks[paths->depth], dot = base > 0;

	path_cut(paths, base);
	if (len == 0 || base + dot + len > LIMIT_MEMBER_PATH_BYTES || memchr(text, '\0', len))
		return JREAD_SKIP;
	if (dot)
		paths->path[base] = '.';
	memcpy(paths->path + base + dot, text, len);
	path_cut(paths, base + dot + len);
	return paths->handler(paths->ctx, JREAD_KEY, paths->path, text, len);
}

static int paths_on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct paths *paths = ctx;
	int answer;

	switch (event) {
	case JREAD_KEY:
		return paths_on_key(paths, text, len);
	case JREAD_NULL:
		return JREAD_GO;
	case JREAD_OBJECT_END:
	case JREAD_ARRAY_END:
		path_cut(paths, paths->marks[paths->depth--]);
		break;
	case JREAD_OBJECT:
	case JREAD_ARRAY:
	case JREAD_STRING:
	case JREAD_NUMBER:
	case JREAD_TRUE:
	case JREAD_FALSE:
		break;
	}
	if (event == JREAD_TRUE || event == JREAD_FALSE) {
		text = event == JREAD_TRUE ? "true" : "false";
		len = strlen(text);
	}
	answer = paths->handler(paths->ctx, event, paths->path, text, len);
	if ((event == JREAD_OBJECT || event == JREAD_ARRAY) && answer != JREAD_SKIP)
		paths->marks[++paths->depth] = paths->len;
	return answer;
}

struct paths *paths_new(paths_handler *handler, void *ctx)
{
	struct paths *paths = xcalloc(1, sizeof(*paths));

	paths->handler = handler;
	paths->ctx = ctx;
	paths->jread = jread_new(JREAD_ONE, paths_on_event, paths);
	return paths;
}

void paths_repair(struct paths *paths)
{
	jread_repair(paths->jread);
}

void paths_free(struct paths *paths)
{
	if (!paths)
		return;
	jread_free(paths->jread);
	free(paths);
}

void paths_reset(struct paths *paths)
{
	jread_reset(paths->jread);
	paths->depth = 0;
	path_cut(paths, 0);
}

static int paths_result(struct paths *paths, int error, struct err *err)
{
	if (error && err)
		*err = *jread_err(paths->jread);
	return error;
}

int paths_feed(struct paths *paths, const char *data, size_t len, struct err *err)
{
	return paths_result(paths, jread_feed(paths->jread, data, len), err);
}

int paths_finish(struct paths *paths, struct err *err)
{
	return paths_result(paths, jread_finish(paths->jread), err);
}

const char *path_below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(path, prefix, len) == 0 ? path + len : NULL;
}

bool time_of_seconds(const char *text, size_t len, int64_t *ret_us)
{
	double s;

	if (!jread_double(text, len, &s) || !(s >= 0 && s < 1e12))
		return false;
	*ret_us = (int64_t)(s * 1e6 + 0.5);
	return true;
}
