/*
 * Audit, pages: reads what page_count.h counts, and reports it. For the main thread.
 */
#ifndef AUDIT_PAGES_INTERNAL_H
#define AUDIT_PAGES_INTERNAL_H

#include "audit-internal.h"
#include "table-internal.h"
#include "tracepager/hash.h"
#include "tracepager/history.h"
#include "tracepager/past.h"
#include "tracepager/rules.h"

/* ---- the report (audit_pages_report.c): pure ---- */

struct pages_period {
	int64_t since_us, until_us;
	double days; /* that the pages are spread over: at least 1 */
};
void pages_report_text(const struct page_count *count, const struct pages_period *period,
		       const struct screen *screen, bool markdown, struct buf *out);
void pages_report_json(const struct page_count *count, const struct pages_period *period,
		       struct buf *out);

/* ---- the command (audit_pages.c) ---- */

/* Counts what the store has since then. 0 or -errno with err. */
int audit_pages_read(struct history *history, int64_t since_us, struct page_count *count,
		     struct err *err);
/* Prints the report; returns the exit status. */
int audit_pages_print(struct history *history, const struct page_count *count, int64_t since_us,
		      int64_t now_us, enum table_format format);

#endif
