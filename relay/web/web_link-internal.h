/*
 * Web link page: what opens behind a page's link: a page without scripts that shows an incident and
 * has buttons for what a person may do to it. Pure; owns nothing.
 */
#ifndef TRACEPAGER_WEB_LINK_INTERNAL_H
#define TRACEPAGER_WEB_LINK_INTERNAL_H

#include "tracepager/buf.h"
#include "tracepager/incident.h"
#include "tracepager/page.h"

struct link_page {
	const struct incident_view *view; /* with its page */
	const char *incident;		  /* id, escaped for a path */
	const char *token, *mark;	  /* of the link and of the form: they need no escapes */
	const char *nonce;		  /* of the style */
	const char *pager;		  /* that got the page with this link */
	const char *notice;		  /* what was done, or why not; "" nothing */
	bool refused;			  /* the notice says why not */
	const char *who, *text;		  /* what stands in the form's fields */
	int64_t now_us;			  /* wall */
};

void link_page_write(struct buf *out, const struct link_page *page);
/* A title and a sentence. */
void link_message_write(struct buf *out, const char *nonce, const char *title, const char *text);
bool link_page_is_over(const struct incident_view *view);

#endif
