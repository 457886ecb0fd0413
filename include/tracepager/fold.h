/*
 * Fold: an alert or a page as one run of bytes without a pointer, for what is kept packed in memory
 * (alike.h). It refuses to be stored: the form is this process's, and says nothing about versions.
 * Pure; any thread.
 */
#ifndef TRACEPAGER_FOLD_H
#define TRACEPAGER_FOLD_H

#include "tracepager/alert.h"
#include "tracepager/buf.h"
#include "tracepager/page.h"

/* Adds the bytes to out; out->failed says that they did not fit. */
void alert_fold(const struct alert *alert, struct buf *out);
void page_fold(const struct page *page, struct buf *out);

/* The same alert or page, in one block, which the caller frees with free(). data: bytes of
 * alert_fold() or page_fold(), borrowed. */
struct alert *alert_unfold(const void *data, size_t len);
struct page *page_unfold(const void *data, size_t len);

#endif
