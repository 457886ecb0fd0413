/*
 * Postmortem: an incident as the beginning of a post-mortem, from the JSON of a relay: what broke,
 * when, who was paged and whether that was right, and what is open. It blames nobody, and names
 * nobody unless asked: people are told by their roles. One model, and a writer for Markdown and one
 * for HTML.
 *
 * Pure; the texts of a report are its arena's.
 */
#ifndef POSTMORTEM_INTERNAL_H
#define POSTMORTEM_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/html.h"

enum report_kind {
	REPORT_FACT, /* a name and its text */
	REPORT_ITEM, /* a sentence */
	REPORT_ROW,  /* of the timeline: when, what, who and what they said */
	REPORT_DRAWN /* lines that keep their blanks */
};

struct report_block {
	enum report_kind kind;
	const char *name, *text, *who;
};

struct report_section {
	const char *title;
	struct report_block *blocks; /* heap */
	size_t n;
};

#define REPORT_SECTIONS 8

struct report {
	struct arena *arena;
	const char *title;
	struct report_section sections[REPORT_SECTIONS];
	size_t n;
};

/* with_names: people as the story names them. */
void report_init(struct report *report, const json_t *incident, bool with_names, int64_t now_us);
void report_fini(struct report *report);

/* CommonMark with tables: every text of the incident is escaped. */
void report_write_markdown(const struct report *report, struct buf *out);
/* A page that stands alone: its style within, no script, no link. */
void report_write_html(const struct report *report, struct html *html);

#endif
