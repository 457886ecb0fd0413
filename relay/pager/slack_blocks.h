/*
 * Slack blocks: the messages of kind slack, in Block Kit and mrkdwn, whichever way they go. Pure;
 * any thread. It owns nothing; the arena keeps what it returns.
 */
#ifndef TRACEPAGER_SLACK_BLOCKS_H
#define TRACEPAGER_SLACK_BLOCKS_H

#include "pager_layout.h"

struct slack_message {
	const struct page *page;
	const struct page_target *target;
	/* It stands in place of the incident's first message: it says how things are, not what is
	 * new. */
	bool current;
};

/* "[critical] SUMMARY", "Resolved: …"; of a current message also "Acknowledged: …". */
const char *slack_headline(struct arena *arena, const struct slack_message *message, size_t max);
/* Add the members "text" and "blocks" of a message. */
void slack_add_message(struct arena *arena, const struct slack_message *message, struct buf *out);
/* Add the member "text" of a reply in the thread: the headline and what is new. */
void slack_add_reply(struct arena *arena, const struct page *page, struct buf *out);

#endif
