/*
 * Web HTML: small pages without scripts, readable on a phone. Texts come from strangers: terminal
 * sequences, invisible characters and the marks of HTML are made harmless. Pure; owns nothing.
 */
#ifndef TRACEPAGER_WEB_HTML_INTERNAL_H
#define TRACEPAGER_WEB_HTML_INTERNAL_H

#include <stdbool.h>

#include "tracepager/buf.h"

/* The start of a page up to the begin of what it shows, and its end. nonce: of the header
 * Content-Security-Policy. */
void html_begin(struct buf *out, const char *nonce, const char *title);
void html_end(struct buf *out);
/* A text as one line, for an element or for an attribute in double quotes. */
void html_text(struct buf *out, const char *text);
/* A text that is plain already (plain.h), or its reader's own: its lines and blanks stay. For <pre>
 * and <textarea>. */
void html_lines(struct buf *out, const char *text);
/* May it be the target of a link? */
bool html_is_address(const char *href);

#endif
