/*
 * Past words: what stored decisions say of alerts and traces, as words for a check of rules:
 * senders, labels and their values of the last LIMIT_PAST_WORDS_DAYS days, services, operations and
 * the names of attributes of the traces that are still kept. Drills and the relay's own alerts are
 * left out.
 *
 * Any thread; one at a time for each history.
 */
#ifndef TRACEPAGER_PAST_WORDS_H
#define TRACEPAGER_PAST_WORDS_H

#include "tracepager/history.h"
#include "tracepager/seen_words.h"

/* Makes the words of the decisions before now_us (wall). Caller frees with seen_words_free(). NULL
 * with err. */
struct seen_words *past_words_read(struct history *history, int64_t now_us, struct err *err);

#endif
