/*
 * Link check: do addresses answer? Requests each once, a few side by side, on an event loop of its
 * own. For the main thread; it blocks until the last one has answered or timed out.
 */
#ifndef LINK_CHECK_INTERNAL_H
#define LINK_CHECK_INTERNAL_H

#include <stddef.h>

#include "tracepager/err.h"

#define LINK_ERROR_SIZE 160

struct link {
	const char *url; /* borrowed; http: or https: */
	int status;	 /* of the reply; 0: there was none, and error says why */
	char error[LINK_ERROR_SIZE];
};

/* Sends a GET to each address and sets its status or error; redirects are not followed, bodies are
 * dropped. Returns 0 when all were requested, or -errno. */
int links_check(struct link *links, size_t n, struct err *err);

#endif
