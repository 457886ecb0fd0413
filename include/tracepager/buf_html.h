/*
 * Text of strangers in HTML and XML, for elements and for attributes in quotes. Pure; any thread.
 */
#ifndef TRACEPAGER_BUF_HTML_H
#define TRACEPAGER_BUF_HTML_H

#include "tracepager/buf.h"

/* Adds text with the marks of HTML as entities. Control characters other than tab and line end,
 * which HTML does not allow, are left out. */
void buf_html(struct buf *out, const char *text, size_t len);

#endif
