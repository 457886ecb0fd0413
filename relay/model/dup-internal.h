/*
 * The members of alerts and pages that are texts, each list in one place: for whatever copies all
 * of them. Pure; any thread.
 */
#ifndef TRACEPAGER_MODEL_DUP_INTERNAL_H
#define TRACEPAGER_MODEL_DUP_INTERNAL_H

#include "tracepager/alert.h"
#include "tracepager/page.h"

/* May set the text. */
typedef void text_visitor(void *ctx, const char **text);

/* All texts but those of labels and annotations. */
void alert_each_text(struct alert *alert, text_visitor *visit, void *ctx);
/* All texts but the names of its alerts; those of its links, too. */
void page_each_text(struct page *page, text_visitor *visit, void *ctx);

#endif
