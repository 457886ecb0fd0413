/*
 * Web incident: incidents as JSON, of memory and of the store. Pure; owns nothing. Any thread.
 */
#ifndef TRACEPAGER_WEB_INCIDENT_INTERNAL_H
#define TRACEPAGER_WEB_INCIDENT_INTERNAL_H

#include <stdbool.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/history.h"
#include "tracepager/incident.h"
#include "tracepager/page.h"

/* Members of an object whose brace is open: what a list tells of an incident. past: only what the
 * store keeps of one that is over. */
void web_write_view(struct buf *out, const struct incident_view *view, bool past);
/* Further members: the page's facts, sections and links, and its decision. */
void web_write_page(struct buf *out, const struct page *page);
/* The member "decision"; nothing where it is no JSON object. */
void web_write_decision(struct buf *out, const char *decision, size_t len);
/* An element of a list, with a comma before it unless it is the first. */
void web_write_event(struct buf *out, const struct stored_event *event);

/* The page of a past incident; its texts are kept by the arena or borrowed from the incident. */
void web_past_page(struct arena *arena, const struct past_incident *incident,
		   struct page *ret_page);
/* A view of it, as far as the store knows; borrows from both. */
struct incident_view web_past_view(const struct past_incident *incident, const struct page *page);

#endif
