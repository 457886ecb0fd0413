/*
 * Seen words: the senders, labels, services and attributes of the past, with how often each was
 * seen, for a check of rules that knows what alerts and traces look like. Whoever reads the past
 * adds words; the check asks. Of each label at most LIMIT_SEEN_VALUES values are kept: a label with
 * more (an id, a host) says nothing about its values.
 *
 * It owns its words. One thread at a time; once filled, any thread may ask.
 */
#ifndef TRACEPAGER_SEEN_WORDS_H
#define TRACEPAGER_SEEN_WORDS_H

#include <stddef.h>

enum seen_sort {
	SEEN_SENDER,
	SEEN_LABEL,	/* a label's name */
	SEEN_VALUE,	/* a label's value */
	SEEN_SERVICE,	/* of a span */
	SEEN_OPERATION, /* of a span */
	SEEN_ATTRIBUTE, /* the name of a resource's attribute */
	SEEN_SORTS
};

struct seen_words;
/* days: the length of the past, for messages. */
struct seen_words *seen_words_new(unsigned int days);
void seen_words_free(struct seen_words *words); /* takes NULL */
/* Counts a word once more. of: of a value its label's name, else NULL. */
void seen_words_add(struct seen_words *words, enum seen_sort sort, const char *of,
		    const char *word);

/* How often the word was seen; for a value `of` is the word and `value` its value, else value is
 * NULL. 0 also without a past (NULL). */
size_t seen_words_count(const struct seen_words *words, enum seen_sort sort, const char *word,
			const char *value);
/* The word that a person who wrote this one, which was never seen, probably meant, and how often it
 * was seen; NULL: none is near, or the past says nothing. Borrowed. */
const char *seen_words_nearest(const struct seen_words *words, enum seen_sort sort, const char *of,
			       const char *word, size_t *ret_count);
unsigned int seen_words_days(const struct seen_words *words);
/* Calls each() for the words of a sort that were seen ("of" as above), in no order, until it
 * returns 0. */
void seen_words_each(const struct seen_words *words, enum seen_sort sort, const char *of,
		     int (*each)(void *ctx, const char *word, size_t count), void *ctx);

#endif
