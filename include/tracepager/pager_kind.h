/*
 * Pager kinds: a page in, a request out, and what a reply means. Pure. One file each, listed in
 * tbl/pagers.def.
 */
#ifndef TRACEPAGER_PAGER_KIND_H
#define TRACEPAGER_PAGER_KIND_H

#include "tracepager/http.h"
#include "tracepager/page.h"
#include "tracepager/rules.h"

/* Where a page goes: a copy of what the rules said when the incident was opened, kept until it is
 * resolved. */
struct page_target {
	enum pager_kind_id kind;
	const char *pager; /* name */
	const char *url;   /* NULL: the kind has none */
	const char *key;   /* secret; NULL: none */
};

enum judgement_outcome {
	JUDGE_DELIVERED,
	JUDGE_RETRY,
	JUDGE_REJECTED, /* for good: the same page will never be accepted there */
};

struct judgement {
	enum judgement_outcome outcome;
	int64_t retry_after_us; /* RETRY: what the pager asked for, capped; -1: nothing */
	char text[200];		/* what it said, for the log and the next page; "" when delivered */
};

/* What build() makes: an HTTP request, or lines for standard output. */
struct delivery {
	struct http_request request; /* url NULL: not by HTTP */
	const char *console;	     /* text; NULL: by HTTP */
};

struct pager_kind {
	const char *name;
	/* wall_us: of this attempt; message_id: the same for all attempts of a page. Kept by the
	 * arena. 0 or -errno (-E2BIG: no way to make it small enough). */
	int (*build)(struct arena *arena, const struct page *page, const struct page_target *target,
		     const char *message_id, int64_t wall_us, struct delivery *ret_delivery,
		     struct err *err);
	struct judgement (*judge)(const struct http_reply *reply);
};
extern const struct pager_kind *const pager_kinds[PAGER_KIND_COUNT];

/* The common judgement: 2xx delivered; no reply, 408, 425, 429 and 5xx again later; all else
 * rejected. */
struct judgement judge_by_status(const struct http_reply *reply);

/* page_target to and from its stored JSON. */
void page_target_write(const struct page_target *target, struct buf *out);
int page_target_read(struct arena *arena, const char *text, struct page_target *ret_target,
		     struct err *err);

#endif
