/*
 * What the files of the pager kind email share: the writing of MIME, and the page as HTML. Pure;
 * any thread. They own nothing.
 */
#ifndef TRACEPAGER_PAGER_EMAIL_INTERNAL_H
#define TRACEPAGER_PAGER_EMAIL_INTERNAL_H

#include "pager_layout.h"

/* A header (RFC 5322 section 2.2) of one line of words, which is folded before column 77. Words
 * that are not printable ASCII stand in encoded words (RFC 2047), so that nothing in the text can
 * begin another header. */
void mime_header(struct buf *out, const char *name, const char *text);
/* A header with mailboxes, from a list that mailbox_count() takes. */
void mime_mailboxes(struct arena *arena, struct buf *out, const char *name, const char *list);
/* "Tue, 01 Sep 2026 10:00:05 +0000" */
void mime_date(struct buf *out, const char *name, int64_t wall_us);
/* A part of a body: its headers, an empty line, the text as quoted-printable (RFC 2045 section
 * 6.7). Lines end in CRLF and have at most 76 characters. */
void mime_part(struct buf *out, const char *type, const char *text);

/* The page as HTML with styles inline, that loads nothing and runs nothing. */
const char *email_html(struct arena *arena, const struct page *page, const char *pager);
/* "[critical] SUMMARY", "Acknowledged: …", "Resolved: …": the subject and the first line. */
const char *email_headline(struct arena *arena, const struct page *page, size_t max);

#endif
