/*
 * What the pager kinds share. Pure; any thread.
 */
#ifndef TRACEPAGER_PAGER_INTERNAL_H
#define TRACEPAGER_PAGER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/buf.h"
#include "tracepager/pager_kind.h"

/* An HTTP POST of the body to the target's url, with the time and reply limits of a delivery. The
 * arena keeps a copy of the body; url and content_type are borrowed. */
void pager_http_post(struct arena *arena, const struct page_target *target,
		     const char *content_type, const struct buf *body,
		     struct http_request *ret_request);
/* Add a member, unless its text is NULL or empty. */
void pager_add_text(struct buf *out, const char *key, const char *text);
/* Add the page's facts of one line each, from "why" to "differs", in its order. */
void pager_add_facts(struct buf *out, const struct page *page);
/* The page's decision, a JSON object (borrowed from the page); NULL: it has none, or not a whole
 * one. */
const char *pager_decision_json(const struct page *page);
/* Add what a person needs of the decision, as a JSON object of some 1 KB. False, and nothing is
 * added: there is no decision, or it has more than LIMIT_BRIEF_BYTES. */
bool pager_decision_brief(const struct page *page, struct buf *out);

#endif
