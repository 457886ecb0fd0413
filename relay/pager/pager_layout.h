/*
 * Pager layout: a page in the order of tracepager-page(7) for services with a markup and limits of
 * their own: facts of one line each, links, and texts that are cut between characters. Pure; any
 * thread. It owns nothing; the arena keeps what it returns.
 *
 * Lengths are UTF-16 units: services count characters or units, and a text never has more
 * characters than units. Kinds whose service counts bytes say so in their markup.
 */
#ifndef TRACEPAGER_PAGER_LAYOUT_H
#define TRACEPAGER_PAGER_LAYOUT_H

#include "pager-internal.h"

/* A text of strangers as plain_words() makes it, cut to `max` units with "…" at its end. NULL gives
 * "". */
const char *pager_words(struct arena *arena, const char *text, size_t max, bool one_line);

/* The bytes in which a well-formed text has at most `max` units, cut between what a person sees as
 * two characters. */
size_t pager_units(const char *text, size_t max);

struct pager_fact {
	const char *name, *text;
};
/* Above the number of facts that a page can have. */
#define PAGER_FACTS 25
/* The page's facts that are known, in its order; returns their number. The headline says the
 * severity of a first page, and most often the environment: these are no facts then. */
size_t pager_facts(struct arena *arena, const struct page *page,
		   struct pager_fact facts[PAGER_FACTS]);
/* The facts that end a page: the alert's labels, the incident's id. */
size_t pager_last_facts(struct arena *arena, const struct page *page,
			struct pager_fact facts[PAGER_FACTS]);

/* "[critical] SUMMARY", "Update: …", "Resolved: …", "Moved: …" or, where another team has it now,
 * "Handed on: …". */
const char *pager_headline(struct arena *arena, const struct page *page, size_t max);
/* A page that tells of somebody's acknowledgement. */
bool pager_tells_ack(const struct page *page);

/* Where a person acts on the page comes first, unless the incident is over; then the page's links.
 * Only links of http and https, with each byte percent-encoded that ends a link in some markup. */
#define PAGER_LINKS (LIMIT_PAGE_LINKS + 1)
size_t pager_links(struct arena *arena, const struct page *page,
		   struct page_link links[PAGER_LINKS]);

/* The waterfall in lines of at most `most` columns, with shorter bars and then shorter names; 0:
 * names and durations without bars. Lines that are no rows of it stay. Kept by the arena, or
 * `lines` itself. */
const char *pager_waterfall(struct arena *arena, const char *lines, size_t most);
/* What a phone shows of a line in a code block before it folds it. */
#define PAGER_PHONE_COLUMNS 44u

/* How many of the links are where a person acts: 0 or 1. */
size_t pager_acts(const struct page *page, const struct page_link *links, size_t n);

/* ---- text with markup ---- */

struct pager_markup {
	/* Add a text so that nothing in it is markup; a code block has rules of its own. */
	void (*add)(struct buf *out, const char *text);
	void (*add_code)(struct buf *out, const char *text);
	void (*add_link)(struct buf *out, const char *text, const char *href);
	const char *bold, *bold_end;
	const char *code, *code_end;
	bool bytes;	     /* the service counts bytes */
	bool one_font;	     /* code has the font of all other text: a waterfall has no bars */
	bool narrow;	     /* phones fold code: the waterfall has PAGER_PHONE_COLUMNS */
	const char *between; /* between links of one line; NULL: each has a line of its own */
};

/* Text under way: parts are added as long as they fit. */
struct marked_text {
	struct arena *arena;
	struct buf *out;
	const struct pager_markup *markup;
	size_t room; /* units that are left */
};

/* One line in bold, or a fact's name in bold and its text; cut to the room. */
void marked_bold(struct marked_text *text, const char *words);
void marked_fact(struct marked_text *text, const struct pager_fact *fact);
/* All facts but the last ones; those of many lines that the page has instead of sections. */
void marked_facts(struct marked_text *text, const struct page *page);
/* A code block with the waterfall, whose last lines go where the room ends. */
void marked_waterfall(struct marked_text *text, const struct page *page);
/* The alert's words and how the suspect was found. */
void marked_words(struct marked_text *text, const struct page *page);
/* The labels and the incident's id. */
void marked_last_facts(struct marked_text *text, const struct page *page);
/* Links from..to-1. */
void marked_links(struct marked_text *text, const struct page_link *links, size_t from, size_t to);
/* Everything: the headline, the link to act, facts, waterfall, links, words, last facts. */
void marked_page(struct marked_text *text, const struct page *page, bool with_headline);
/* The same without the headline, and without the first `nshown` links, which stand elsewhere. */
void marked_rest(struct marked_text *text, const struct page *page, size_t nshown);

/* Markups: plain text; plain text for readers that are not known, in which nothing is a tag, a link
 * or a mention of Slack or HTML; Markdown with backslashes, in which no @name is a mention. */
extern const struct pager_markup pager_plain, pager_quiet, pager_markdown;

#endif
