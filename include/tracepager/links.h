/*
 * Links: do addresses answer? Asks each once, a few side by side, on an event loop of its own.
 */
#ifndef TRACEPAGER_LINKS_H
#define TRACEPAGER_LINKS_H

#include <stddef.h>

#include "tracepager/err.h"

#define LINK_ERROR_SIZE 160

struct link {
	const char *url; /* borrowed; http: or https: */
	/* What came of it: 0 where no reply came, and why. */
	int status;
	char error[LINK_ERROR_SIZE];
};

/* GET of each; redirects are not followed, and of a reply only the status counts. Returns 0 when
 * all were asked, or -errno. */
int links_ask(struct link *links, size_t n, struct err *err);

#endif
