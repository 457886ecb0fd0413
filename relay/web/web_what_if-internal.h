/*
 * Web what-if: the answer of a what-if, and its writing as a page and as JSON. Pure; any thread.
 */
#ifndef TRACEPAGER_WEB_WHAT_IF_INTERNAL_H
#define TRACEPAGER_WEB_WHAT_IF_INTERNAL_H

#include "tracepager/html_pages.h"
#include "tracepager/what_if.h"

/* What is asked; no text is NULL. */
struct web_what_if_asked {
	const char *id, *alert, *traces, *rules, *rules_text;
};

struct web_what_if {
	struct web_what_if_asked asked;
	bool has_shadow;
	const char *mark;
	/* Why nothing was decided, with a status; "": it was, or nothing was asked. */
	const char *why_not;
	int status;
	struct findings findings; /* of pasted rules */
	const struct past *past;  /* NULL: no stored decision is asked about */
	/* What it is compared with: the stored decision, or one under the rules in force. */
	struct what_if_decided was, now;
	bool has_was, has_now;
	const char *change; /* "" none */
};

/* The arena keeps what the page needs. */
void web_what_if_page(struct arena *arena, const struct web_what_if *answer,
		      const struct html_frame *frame, struct html *html);
void web_what_if_json(const struct web_what_if *answer, struct buf *out);

/* The findings as a page shows them. */
const struct html_finding *web_findings(struct arena *arena, const struct findings *findings);

#endif
